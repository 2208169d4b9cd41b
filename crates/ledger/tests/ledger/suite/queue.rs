//! The queue behind a supply.

use ledger::{QueuePart, Read};
use model::{
    id::{LineId, SupplyId},
    order::Waiting,
};

use super::Make;
use crate::world::{Ask, World, ask, date, sku};

const DATES: [&str; 7] = ["", "2026-12-24", "", "2026-11-30", "2026-12-24", "1970-01-01", ""];

/// Orders with and without dates, and what each part of the queue must be.
fn queued(world: &mut World, count: usize) -> (SupplyId, Vec<(LineId, &'static str)>) {
    world.item("A");
    let (supply, other) = (world.inbound("A", 1_000), world.inbound("A", 1_000));
    let mut lines = Vec::new();
    for n in 0..count {
        let asks = [ask("A", 1 + n as i64, supply), ask("A", 1, other), ask("A", 2, supply)];
        let on = DATES[n % DATES.len()];
        let order = if on.is_empty() { world.place(&asks) } else { world.wanted(&asks, on) };
        lines.extend([1, 3].map(|no| (LineId { order, no }, on)));
    }
    (supply, lines)
}

fn pages(
    read: &mut dyn Read,
    world: &World,
    supply: SupplyId,
    part: QueuePart,
    limit: usize,
) -> Vec<Waiting> {
    let mut found: Vec<Waiting> = Vec::new();
    loop {
        let after = found.last().map(|row| row.line);
        let page = read.queue(&world.tenant, supply, part, after, limit).unwrap();
        assert!(page.len() <= limit);
        if page.is_empty() {
            return found;
        }
        found.extend(page);
    }
}

pub(crate) fn every_part_of_a_queue_comes_in_its_order_and_in_pages(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut world = World::create("acme", &*store);
    let (supply, lines) = queued(&mut world, 20);
    world.commit(&*store);
    let mut reader = store.reader().unwrap();
    let before = "2026-12-24";
    let soonest: Vec<LineId> = lines.iter().filter(|(_, on)| on.is_empty()).map(|(line, _)| *line).collect();
    let mut wanted: Vec<_> =
        lines.iter().filter(|(_, on)| !on.is_empty() && *on < before).map(|&(line, on)| (on, line)).collect();
    wanted.sort();
    let wanted: Vec<LineId> = wanted.into_iter().map(|(_, line)| line).collect();
    let all: Vec<LineId> = lines.iter().map(|(line, _)| *line).collect();
    let newest: Vec<LineId> = all.iter().rev().copied().collect();
    for (part, expect) in [
        (QueuePart::Soonest, soonest),
        (QueuePart::WantedBefore(date(before)), wanted),
        (QueuePart::All, all),
        (QueuePart::Newest, newest),
    ] {
        for limit in [1, 3, 7, 1_000] {
            let found = pages(&mut *reader, &world, supply, part, limit);
            let of = |line: &LineId| {
                let line = world.shop.orders[&line.order].line(line.no).unwrap();
                line.pegs[0].quantity
            };
            let expect: Vec<Waiting> =
                expect.iter().map(|line| Waiting { line: *line, quantity: of(line) }).collect();
            assert_eq!(found, expect, "{part:?} by {limit}");
        }
    }
    // A line that has left the queue still marks a place in it.
    let first = lines.iter().find(|(_, on)| *on == "2026-11-30").unwrap().0;
    world.cancel(first, world.shop.orders[&first.order].line(1).unwrap().quantity, &[(supply, 4)]);
    drop(reader);
    world.commit(&*store);
    let part = QueuePart::WantedBefore(date(before));
    let rest = store.reader().unwrap().queue(&world.tenant, supply, part, Some(first), 1).unwrap();
    assert_eq!(rest[0].line, LineId { no: 3, ..first });
}

pub(crate) fn a_queue_page_says_what_is_owed(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut world = World::create("acme", &*store);
    world.item("A");
    world.item("B");
    world.kit("K", &[("A", 2), ("B", 1)]);
    let (a, b) = (world.inbound("A", 100), world.inbound("B", 100));
    let order = world.place(&[
        ask("A", 3, a),
        ask("A", 4, a),
        Ask { sku: "K", quantity: 2, from: vec![(a, 4), (b, 2)] },
    ]);
    let mut bare = world.ordered(&[ask("A", 1, a)]);
    (bare.reference, bare.customer, bare.country) = (None, None, None);
    bare.lines[0].unit_price = None;
    let bare = world.place_order(bare, None);
    world.changes.contacts.clear();
    world.promise(order, &[2], "2027-01-15", "supply_changed");
    world.commit(&*store);
    let mut reader = store.reader().unwrap();
    let rows = reader.queue_page(&world.tenant, a, None, 10).unwrap();
    let lines: Vec<_> = rows.iter().map(|row| (row.line.order, row.line.no, row.quantity)).collect();
    assert_eq!(lines, [(order, 1, 3), (order, 2, 4), (order, 3, 4), (bare, 1, 1)]);
    assert_eq!((&rows[2].sku, &rows[2].pool, rows[2].supply), (&sku("K"), &sku("A"), a));
    assert_eq!(rows[0].told_ship_by.promised, Some(date("2026-12-04")));
    assert_eq!(rows[1].told_ship_by.promised, Some(date("2027-01-15")));
    assert_eq!(rows[0].placed_at, world.shop.orders[&order].placed_at);
    assert_eq!(
        (&rows[0].reference, &rows[0].country),
        (&world.shop.orders[&order].reference, &Some("US".into()))
    );
    assert!(rows[3].contact.is_empty() && rows[3].reference.is_none() && rows[3].unit_price.is_none());
    assert_eq!(reader.queue_page(&world.tenant, a, Some(rows[1].line), 1).unwrap(), rows[2..3]);
}

/// What can be taken away from a queue, and what can be handed over, leave out what is with fulfilment.
pub(crate) fn what_is_with_fulfilment_is_neither_taken_nor_handed_over_again(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut world = World::create("acme", &*store);
    world.location("main");
    for code in ["A", "B"] {
        world.item(code);
    }
    let (shelf, other, due) = (world.stock("A", 50), world.stock("B", 9), world.inbound("A", 50));
    let first = world.place(&[ask("A", 3, shelf), ask("B", 2, other)]);
    let second = world.place(&[Ask { sku: "A", quantity: 6, from: vec![(shelf, 4), (due, 2)] }]);
    let third = world.wanted(&[ask("A", 1, shelf)], "2026-12-24");
    let line = |order, no| LineId { order, no };
    world.release(line(first, 1), &[(shelf, 3)]);
    let part = world.release(line(second, 1), &[(shelf, 3)]);
    world.commit(&*store);
    let acme = world.tenant.clone();
    let newest = |store: &dyn ledger::Store| {
        let found = store.reader().unwrap().queue(&acme, shelf, QueuePart::Newest, None, 9).unwrap();
        found.into_iter().map(|waiting| (waiting.line, waiting.quantity)).collect::<Vec<_>>()
    };
    assert_eq!(newest(&*store), [(line(third, 1), 1), (line(second, 1), 1)]);
    let allocated = |place: &str, skus: Option<&[&str]>| {
        let skus = skus.map(|skus| skus.iter().map(|code| sku(code)).collect());
        let place = model::id::LocationId::new(place).unwrap();
        let found = store.reader().unwrap().allocated(&acme, &place, skus.as_ref()).unwrap();
        let mut lines: Vec<LineId> = found.iter().map(|allocated| allocated.line).collect();
        lines.sort();
        assert!(found.iter().all(|allocated| allocated.told_ship_by == Some(date("2026-12-04"))));
        lines
    };
    assert_eq!(allocated("main", None), [line(first, 2), line(second, 1), line(third, 1)]);
    assert_eq!(allocated("main", Some(&["B"])), [line(first, 2)]);
    assert_eq!(allocated("main", Some(&[])), []);
    assert_eq!(allocated("second", None), []);
    let handed_over = |place: &str| {
        let place = model::id::LocationId::new(place).unwrap();
        let found = store.reader().unwrap().handed_over(&acme, &place).unwrap();
        assert!(found.iter().all(|allocated| allocated.told_ship_by == Some(date("2026-12-04"))));
        let mut lines: Vec<LineId> = found.iter().map(|allocated| allocated.line).collect();
        lines.sort();
        lines
    };
    assert_eq!(handed_over("main"), [line(first, 1), line(second, 1)]);
    assert_eq!(handed_over("second"), []);
    world.take_back(part, line(second, 1), &[(shelf, 2)]);
    world.ship(line(second, 1), 1, &[(shelf, 1)]);
    world.commit(&*store);
    assert_eq!(newest(&*store), [(line(third, 1), 1), (line(second, 1), 3)]);
    let report = ledger::verify::verify(&*store, &world.tenant, engine.dir(), &mut |_| {}).unwrap();
    assert_eq!(report.violations, []);
}

pub(crate) fn skus_are_found_by_their_tags(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut world = World::create("acme", &*store);
    for (code, tags) in [("A", &["gift", "red"][..]), ("B", &[]), ("C", &["red"]), ("D", &["re"])] {
        let tags = tags.iter().map(|tag| (*tag).into()).collect();
        world.happen(model::event::Event::ItemSet(model::item::Item { tags, ..crate::world::item(code) }));
    }
    world.commit(&*store);
    let tagged = |tags: &[&str]| {
        let tags: Vec<std::sync::Arc<str>> = tags.iter().map(|tag| (*tag).into()).collect();
        let found = store.reader().unwrap().tagged(&world.tenant, &tags).unwrap();
        found.iter().map(|sku| sku.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(tagged(&["red"]), ["A", "C"]);
    assert_eq!(tagged(&["re", "gift"]), ["A", "D"]);
    assert_eq!(tagged(&["none", "\"'%"]), [] as [&str; 0]);
}
