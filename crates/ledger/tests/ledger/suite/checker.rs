//! `verify` finds nothing where nothing is wrong, and names what is.

use ledger::{
    audit::{Cell, DERIVED, EVENTS, Row, SUPPLIES, TIMERS, Table},
    verify::{Report, verify},
};

use super::{Make, rows::eventful};
use crate::{Engine, world::tenant};

fn report(engine: &dyn Engine, name: &str) -> Report {
    verify(&*engine.open(), &tenant(name), engine.dir(), &mut |_| {}).unwrap()
}

fn kinds(report: &Report) -> Vec<&str> {
    report.violations.iter().map(|violation| violation.kind).collect()
}

fn rows(engine: &dyn Engine, table: &Table) -> Vec<Row> {
    engine.open().auditor().unwrap().rows(&tenant("acme"), table, &[], 10_000).unwrap()
}

pub(crate) fn an_eventful_shop_is_sound(make: &Make<'_>) {
    let engine = make();
    let world = eventful(&*engine, "acme");
    let files = || std::fs::read_dir(engine.dir()).unwrap().map(|file| file.unwrap().file_name());
    let before: Vec<_> = files().collect();
    let mut told = Vec::new();
    let report =
        verify(&*engine.open(), &world.tenant, engine.dir(), &mut |events| told.push(events)).unwrap();
    assert_eq!(report.violations, []);
    let open =
        world.shop.orders.values().flat_map(|order| &order.lines).filter(|line| line.open() > 0).count();
    assert_eq!((report.skus, report.open_lines), (4, open as u64));
    assert!(report.events > 20);
    assert_eq!(told.last(), Some(&report.events));
    let empty = self::report(&*engine, "nobody");
    assert_eq!(empty, Report::default());
    assert_eq!(files().collect::<Vec<_>>(), before, "the copy is removed");
}

/// Another value of the same type.
fn other(column: &str, cell: &Cell) -> Cell {
    let is_number = ["due", "expected_on", "received_at", "told", "unit_price"].contains(&column);
    match cell {
        // Far enough not to meet the key of another row.
        Cell::Int(number) => Cell::Int(number + 1_000),
        Cell::Bytes(bytes) => Cell::Bytes(bytes.iter().map(|byte| byte ^ 0x55).collect()),
        Cell::Text(text) if text.is_empty() => Cell::Text("b".into()),
        Cell::Text(text) => {
            let at = text.rfind(|c: char| c.is_ascii_alphanumeric());
            let at = at.unwrap_or(0);
            let changed = if text[at..].starts_with('b') { "c" } else { "b" };
            let mut text = text.clone();
            text.replace_range(at..=at, changed);
            Cell::Text(text)
        }
        Cell::Null if is_number => Cell::Int(3),
        Cell::Null if column == "customer" => Cell::Bytes(vec![1; 16]),
        Cell::Null => Cell::Text("[]".into()),
    }
}

/// Changes each column of each derived table in its first and last row, and in a supply in quarantine, one at a time.
pub(crate) fn no_column_can_be_changed_unseen(make: &Make<'_>) {
    let engine = make();
    let world = eventful(&*engine, "acme");
    for table in &DERIVED {
        let rows = rows(&*engine, table);
        let (first, last) = (&rows[0], &rows[rows.len() - 1]);
        let quarantine = rows.iter().find(|row| row.contains(&Cell::Text("quarantine".into())));
        assert!(table.name != "supplies" || quarantine.is_some());
        for row in [first, last].into_iter().chain(quarantine) {
            for (at, column) in [table.key, table.columns].concat().iter().enumerate() {
                let changed = other(column, &row[at]);
                engine.set(&world.tenant, table, row, column, &changed);
                let report = report(&*engine, "acme");
                assert_ne!(report.violations_found, 0, "{} {column}: {} to {changed}", table.name, row[at]);
                let mut there = row.clone();
                there[at] = changed;
                engine.set(&world.tenant, table, &there, column, &row[at]);
            }
            engine.set(&world.tenant, table, row, "tenant", &Cell::Text("other".into()));
            let kinds_found = report(&*engine, "acme");
            assert!(kinds(&kinds_found).contains(&"missing"), "{}: {kinds_found:?}", table.name);
            assert_ne!(
                report(&*engine, "other").violations_found,
                0,
                "{} has a row nobody wrote",
                table.name
            );
            engine.set(&tenant("other"), table, row, "tenant", &Cell::Text("acme".into()));
        }
    }
    assert_eq!(report(&*engine, "acme").violations, [], "every change was taken back");
}

/// The exceptions: an event's time, and words that change no table. Nothing stored says what they should be.
pub(crate) fn a_ledger_with_a_gap_or_a_lie_is_named(make: &Make<'_>) {
    let engine = make();
    let world = eventful(&*engine, "acme");
    let events = rows(&*engine, &EVENTS);
    let columns = [EVENTS.key, EVENTS.columns].concat();
    let last = events.last().unwrap();
    let placed = events.iter().find(|row| row[2] == Cell::Text("order_placed".into())).unwrap();
    let Cell::Text(data) = &placed[5] else { panic!("{placed:?}") };
    let data = |from: &str, to: &str| Cell::Text(data.replacen(from, to, 1));
    let of_kind = |kind: &str| events.iter().find(|row| row[2] == Cell::Text(kind.into())).unwrap();
    let part = events.iter().find(|row| matches!(&row[5], Cell::Text(data) if data.contains("quarantine")));
    let (part, inspected) = (part.unwrap(), of_kind("supply_inspected"));
    let lie = |row: &Row, from: &str, to: &str| match &row[5] {
        Cell::Text(data) if data.contains(from) => Cell::Text(data.replacen(from, to, 1)),
        other => panic!("no {from} in {other}"),
    };
    let Cell::Text(promise) = &placed[6] else { panic!("{placed:?}") };
    let promise = |from: &str, to: &str| Cell::Text(promise.replacen(from, to, 1));
    for (row, column, to, kind) in [
        (last, "seq", Cell::Int(9_999), "sequence"),
        (placed, "seq", Cell::Int(9_999), "sequence"),
        (last, "kind", Cell::Text("order_blessed".into()), "event_kind"),
        (last, "kind", Cell::Text("shipped".into()), "event"),
        (placed, "sku", Cell::Text("B".into()), "event"),
        (placed, "order_id", Cell::Null, "event"),
        (placed, "data", data("\"quantity\":3", "\"quantity\":4"), "replay"),
        (placed, "data", data("{", ""), "event"),
        (placed, "data", data("\"country\":\"US\"", "\"country\":\"DE\""), "different"),
        (placed, "promise", promise("2026-12-04", "2026-12-05"), "different"),
        (placed, "promise", promise("{", ""), "event"),
        (placed, "promise", promise("ord_0192", "ord_0193"), "event"),
        (placed, "promise", Cell::Null, "sequence"),
        (part, "data", lie(part, "\"damaged\":3", "\"damaged\":2"), "stock"),
        (part, "data", lie(part, "\"accepted\":8", "\"accepted\":9"), "stock"),
        (part, "data", lie(part, "\"expected\":20", "\"expected\":21"), "stock"),
        (part, "data", lie(part, "\"rest\":{\"quantity\":9", "\"rest\":{\"quantity\":10"), "stock"),
        (part, "data", lie(part, "\"moves\":[{", "\"moves\":[],\"none\":[{"), "replay"),
        (inspected, "data", lie(inspected, "\"good\":1", "\"good\":2"), "stock"),
        (inspected, "data", lie(inspected, "\"written_off\":1", "\"written_off\":0"), "stock"),
    ] {
        let at = columns.iter().position(|name| *name == column).unwrap();
        engine.set(&world.tenant, &EVENTS, row, column, &to);
        let report = report(&*engine, "acme");
        assert!(kinds(&report).contains(&kind), "{column} to {to}: {:?}", report.violations);
        let mut there = row.clone();
        there[at] = to;
        engine.set(&world.tenant, &EVENTS, &there, column, &row[at]);
    }
    assert_eq!(report(&*engine, "acme").violations, []);
}

/// Units that are claimed cannot be ring-fenced for others, nor more than there are.
pub(crate) fn what_is_ring_fenced_beyond_the_quantity_is_named(make: &Make<'_>) {
    let engine = make();
    let world = eventful(&*engine, "acme");
    let rows = rows(&*engine, &SUPPLIES);
    let at = SUPPLIES.columns.iter().position(|column| *column == "ring_fenced").unwrap() + 1;
    let fenced = |row: &&Row| row[at] != Cell::Text("[]".into());
    let row = rows.iter().find(fenced).unwrap();
    let (Cell::Int(quantity), Cell::Text(kept)) = (&row[5], &row[at]) else { panic!("{row:?}") };
    let said = |kept: &Cell| {
        engine.set(&world.tenant, &SUPPLIES, row, "ring_fenced", kept);
        let mut there = row.clone();
        there[at] = kept.clone();
        let report = report(&*engine, "acme");
        engine.set(&world.tenant, &SUPPLIES, &there, "ring_fenced", &row[at]);
        kinds(&report).iter().filter(|kind| **kind == "supply").count()
    };
    let fence = |channel: &str, units: i64| format!("{{\"channel\":\"{channel}\",\"units\":{units}}}");
    assert_eq!(said(&Cell::Text(kept.clone())), 0);
    for wrong in [
        format!("[{}]", fence("fba", *quantity)),
        format!("[{}]", fence("fba", 0)),
        format!("[{},{}]", fence("web", 1), fence("fba", 1)),
        "{}".to_owned(),
    ] {
        assert_eq!(said(&Cell::Text(wrong.clone())), 1, "{wrong}");
    }
}

pub(crate) fn a_timer_without_its_hold_is_named(make: &Make<'_>) {
    let engine = make();
    let world = eventful(&*engine, "acme");
    let timer = rows(&*engine, &TIMERS).remove(0);
    engine.set(&world.tenant, &TIMERS, &timer, "due_at", &Cell::Int(1));
    assert_eq!(kinds(&report(&*engine, "acme")), ["timer", "timer"]);
}
