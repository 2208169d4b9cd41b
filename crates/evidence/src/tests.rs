//! A ledger of a few entries, and what it shows.

use std::sync::Arc;

use ledger::EventRow;
use model::{
    Units,
    event::{
        Event, LineCancelled, OrderPlaced, OrderRefused, Seen, Shipped, ShippedLine, SupplyChanged,
        SupplyReceived,
    },
    id::{Channel, LineId, LocationId, OrderId, Sku, SupplyId},
    item::{Component, Item, Policy},
    money::Money,
    order::{Line, Order, ShipChoice},
    pool::Pool,
    supply::{Lateness, Supply, SupplyKind, SupplyState},
    time::{Date, Timestamp},
};
use uuid::Uuid;

mod risk;

use super::*;

fn sku(code: &str) -> Sku {
    Sku::stored(code)
}

fn day(day: u32) -> Timestamp {
    format!("2026-03-{day:02}T12:00:00Z").parse().unwrap()
}

fn date(day: u32) -> Date {
    format!("2026-03-{day:02}").parse().unwrap()
}

fn item(code: &str) -> Item {
    serde_json::from_value(serde_json::json!({ "sku": code })).unwrap()
}

#[derive(Default)]
struct Book {
    history: History,
    seq: i64,
}

impl Book {
    fn entry(&mut self, at: Timestamp, event: &Event) {
        self.seq += 1;
        let row = EventRow {
            seq: self.seq,
            at,
            kind: event.kind().into(),
            sku: None,
            order: None,
            data: event.data().unwrap(),
        };
        self.history.take(&row).unwrap();
    }

    fn order(&mut self, id: u128, at: u32, lines: &[(&str, Units, bool)]) {
        let line = |(n, (code, quantity, _)): (usize, &(&str, Units, bool))| Line {
            no: u16::try_from(n + 1).unwrap(),
            sku: sku(code),
            quantity: *quantity,
            unit_price: None,
            recipe: Vec::new(),
            cancelled: 0,
            shipped: 0,
            pegs: Vec::new(),
            released: Vec::new(),
            returned: Vec::new(),
            promises: Vec::new(),
        };
        let order = Order {
            id: OrderId(Uuid::from_u128(id)),
            reference: None,
            channel: Channel::default(),
            customer: None,
            group: None,
            country: None,
            placed_at: day(at),
            ship: ShipChoice::AsAvailable,
            requested_date: None,
            not_later_than: None,
            placed_by: None,
            lines: lines.iter().enumerate().map(line).collect(),
        };
        let seen = lines
            .iter()
            .map(|(_, _, here)| vec![Seen { at: LocationId::stored("east"), here: *here, dates: None }])
            .collect();
        let placed = OrderPlaced { order: Arc::new(order), hold: None, opened: Vec::new(), seen };
        self.entry(day(at), &Event::OrderPlaced(placed));
    }

    fn supply(&mut self, id: u128, supplier: &str, first: u32, came: Option<u32>) {
        let supply = supply(id, supplier, Some(date(first)));
        self.entry(day(1), &Event::SupplyAdded(supply));
        if let Some(came) = came {
            let received = SupplyReceived {
                ring_fenced: Vec::new(),
                supply: SupplyId(Uuid::from_u128(id)),
                sku: sku("MUG"),
                accepted: 10,
                expected: 10,
                damaged: 0,
                received_at: day(came),
                quarantine: None,
                rest: None,
            };
            self.entry(day(came), &Event::SupplyReceived(received));
        }
    }
}

fn supply(id: u128, supplier: &str, expected_on: Option<Date>) -> Supply {
    Supply {
        id: SupplyId(Uuid::from_u128(id)),
        sku: sku("MUG"),
        location: LocationId::stored("east"),
        kind: SupplyKind::PurchaseOrder,
        state: SupplyState::Due,
        quantity: 10,
        expected_on,
        lateness: Lateness::buffer(3),
        supplier: Some(supplier.into()),
        reference: None,
        created_at: day(1),
        received_at: None,
        claims: Vec::new(),
        ring_fenced: Vec::new(),
    }
}

#[test]
fn units_asked_for_are_those_ordered_and_those_refused() {
    let mut book = Book::default();
    book.entry(day(1), &Event::ItemSet(item("MUG")));
    book.order(1, 3, &[("MUG", 4, true), ("MUG", 2, false)]);
    book.entry(
        day(4),
        &Event::OrderRefused(OrderRefused {
            sku: Some(sku("MUG")),
            quantity: 5,
            channel: Channel::default(),
            code: "not_available".into(),
        }),
    );
    let goods = book.history.goods(&sku("MUG")).unwrap();
    assert_eq!((goods.ordered, goods.refused, goods.later), (6, 5, 2));
    assert_eq!(goods.since, Some(day(1)), "from when it was described");
    let pool = Pool::new(item("MUG"));
    let whole = book.history.whole(day(11));
    let asked = subject(&pool, &Channel::default(), &book.history, &whole, day(11)).unwrap();
    assert_eq!((asked.units_asked, asked.days_watched), (11.0, 10.0));
    assert_eq!(asked.price, None);
    // Two units wait since the third, eight days by now; nobody has cancelled.
    assert_eq!((asked.waiting.open_days, asked.waiting.cancelled), (16.0, 0.0));
}

#[test]
fn who_waits_counts_until_it_ends_and_how() {
    let mut book = Book::default();
    book.order(1, 3, &[("MUG", 4, false), ("CUP", 1, true)]);
    let line = LineId { order: OrderId(Uuid::from_u128(1)), no: 1 };
    let cancel = LineCancelled { line, sku: sku("MUG"), quantity: 1, freed: Vec::new(), reason: None };
    book.entry(day(5), &Event::LineCancelled(cancel));
    let sent = ShippedLine { line: 1, quantity: 2, from: Vec::new() };
    let shipped = serde_json::json!({
        "order": line.order, "lines": [sent], "shipped_at": day(13), "tracking": null,
    });
    let shipped: Shipped = serde_json::from_value(shipped).unwrap();
    book.entry(day(13), &Event::Shipped(shipped));
    let goods = book.history.goods(&sku("MUG")).unwrap();
    assert_eq!((goods.later, goods.later_cancelled), (4, 1));
    assert!((goods.closed_days - (2.0 + 2.0 * 10.0)).abs() < 1e-9, "{goods:?}");
    let whole = book.history.whole(day(23));
    let asked =
        subject(&Pool::new(item("MUG")), &Channel::default(), &book.history, &whole, day(23)).unwrap();
    assert!((asked.waiting.open_days - (22.0 + 20.0)).abs() < 1e-9, "the fourth still waits");
    let cup = book.history.goods(&sku("CUP")).unwrap();
    assert_eq!((cup.later, cup.ordered), (0, 1));
}

#[test]
fn a_suppliers_first_date_counts_not_the_one_it_gave_shortly_before() {
    let mut book = Book::default();
    book.supply(1, "Pine", 5, Some(5));
    book.supply(2, "Pine", 5, None);
    let changed = SupplyChanged {
        ring_fenced: Vec::new(),
        supply: SupplyId(Uuid::from_u128(2)),
        sku: sku("MUG"),
        expected_on: Some(date(17)),
        quantity: 10,
        lateness: Lateness::buffer(3),
        expected_on_before: Some(date(5)),
        quantity_before: 10,
    };
    book.entry(day(4), &Event::SupplyChanged(changed));
    let received = SupplyReceived {
        ring_fenced: Vec::new(),
        supply: SupplyId(Uuid::from_u128(2)),
        sku: sku("MUG"),
        accepted: 10,
        expected: 10,
        damaged: 0,
        received_at: day(17),
        quarantine: None,
        rest: None,
    };
    book.entry(day(17), &Event::SupplyReceived(received.clone()));
    // What is still due of it, or comes after, is not a second receipt.
    book.entry(day(19), &Event::SupplyReceived(received));
    let receipts = &book.history.supplier("Pine").unwrap().receipts;
    assert_eq!(receipts.iter().map(|receipt| receipt.late_days).collect::<Vec<_>>(), [0, 12]);
    assert_eq!(receipts.iter().map(Receipt::is_broken).collect::<Vec<_>>(), [false, true]);
    assert!(book.history.supplier("Oak").is_none());
}

#[test]
fn a_kit_is_no_question_and_counts_for_its_components() {
    let mut kit = item("SET");
    kit.components = vec![Component { sku: sku("CUP"), quantity: 2 }];
    let book = Book::default();
    let whole = book.history.whole(day(2));
    let found = subject(&Pool::new(kit), &Channel::default(), &book.history, &whole, day(2));
    assert_eq!(found, Err(Answerless::Kit));
}

#[test]
fn prices_and_costs_in_two_currencies_are_not_added_up() {
    let mut mug = item("MUG");
    mug.price = Some(Money { amount: 4_000, currency: "USD".parse().unwrap() });
    mug.unit_cost = Some(Money { amount: 1_500, currency: "EUR".parse().unwrap() });
    let book = Book::default();
    let whole = book.history.whole(day(2));
    let found = subject(&Pool::new(mug.clone()), &Channel::default(), &book.history, &whole, day(2));
    assert_eq!(found.unwrap_err().to_string(), "its price is in USD and its cost in EUR");
    mug.unit_cost = Some(Money { amount: 1_500, currency: "USD".parse().unwrap() });
    let found = subject(&Pool::new(mug), &Channel::default(), &book.history, &whole, day(2)).unwrap();
    assert_eq!((found.price, found.unit_cost), (Some(40.0), Some(15.0)));
}

#[test]
fn what_is_free_of_the_next_goods_says_how_long_the_wait_is() {
    let mut pool = Pool::new(item("MUG"));
    pool.put_supply(supply(1, "Pine", Some(date(20))));
    pool.put_supply(supply(2, "Pine", None));
    let policy = Policy { lead_time_days: Some(40), ..Policy::default() };
    pool.policies = vec![(Channel::default(), Arc::new(policy))];
    let book = Book::default();
    let whole = book.history.whole(day(10));
    let web: Channel = "web".parse().unwrap();
    let asked = subject(&pool, &web, &book.history, &whole, day(10)).unwrap();
    assert_eq!(asked.wait_days, Some(13.0), "with the three days that are promised on top");
    assert_eq!(asked.inbound_units, 10.0, "what has no date is not counted on");
    assert_eq!(asked.lead_time_days, Some(40.0), "the default policy's");
}

#[test]
fn an_entry_that_is_damaged_is_named() {
    let mut history = History::default();
    let row = EventRow {
        seq: 7,
        at: day(1),
        kind: "order_placed".into(),
        sku: None,
        order: None,
        data: "{}".to_owned(),
    };
    assert_eq!(history.take(&row).unwrap_err().to_string(), "ledger entry 7 cannot be read");
    let unknown = EventRow { kind: "of_tomorrow".into(), ..row };
    history.take(&unknown).unwrap();
}

/// Moments on any day from 2026-03-01 on.
fn later(days: i64) -> Timestamp {
    let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    Timestamp::from_second(start.as_second() + days * 86_400).unwrap()
}

fn stocked(units: Units) -> Event {
    Event::StockAdjusted(model::event::StockAdjusted {
        ring_fenced: Vec::new(),
        sku: sku("MUG"),
        location: LocationId::stored("east"),
        lots: Vec::new(),
        opened: None,
        delta: units,
        reason: model::event::AdjustReason::Count,
        line: None,
        note: None,
    })
}

#[test]
fn a_sku_stands_as_its_ledger_adds_up_and_what_came_of_it_is_learned_from() {
    let mut book = Book::default();
    book.entry(day(1), &Event::ItemSet(item("MUG")));
    book.entry(day(1), &stocked(6));
    book.order(1, 2, &[("MUG", 2, true)]);
    assert_eq!(book.history.free(&sku("MUG")), 4);
    let stock = book.history.stocks(day(3))[&sku("MUG")];
    assert_eq!((stock.free, stock.asked_4, stock.weeks_out), (4.0, 2.0, 0.0));
    assert!(stock.lead_days.is_nan() && stock.on_time.is_nan(), "nothing is known of a supplier");
    book.supply(1, "Pine", 30, None);
    let stock = book.history.stocks(day(25))[&sku("MUG")];
    assert_eq!((stock.soon, stock.coming, stock.overdue), (10.0, 10.0, 0.0));
    // Noted on the 5th and the 12th (a week begins on a Thursday), then asked for more than there is.
    book.order(2, 13, &[("MUG", 7, false)]);
    assert_eq!(book.history.free(&sku("MUG")), -3);
    assert!(book.history.stocks(day(14)).is_empty(), "what is out does not go out");
    assert!(book.history.stock_past().is_empty(), "four weeks are not over");
    book.entry(later(60), &stocked(20));
    let past = book.history.stock_past();
    assert_eq!(
        past.iter().map(|example| (example.numbers[0], example.came)).collect::<Vec<_>>(),
        [(4.0, true); 2]
    );
    let asked = book.history.asked(&sku("MUG"), later(62), 104).unwrap();
    assert_eq!(asked.units.iter().sum::<f64>(), 9.0);
    // Out from the week of the 13th until the 60th day after the first.
    assert_eq!(asked.out.iter().filter(|out| **out).count(), 7, "{asked:?}");
    assert_eq!(asked.units.len(), asked.out.len());
}

#[test]
fn lines_are_noted_as_they_wait_and_what_became_of_them_is_learned_from_once_it_is_typical() {
    let mut book = Book::default();
    for id in 1..=9_u32 {
        book.order(u128::from(id), id, &[("MUG", 1, false)]);
    }
    let open = book.history.open_lines(day(10), 100);
    assert_eq!((open.len(), open[0].2.age_days, open[0].2.waits), (9, 9.0, 1.0));
    assert!(open[0].2.left_days.is_nan(), "no date was given");
    for id in 1..=8_u128 {
        let line = LineId { order: OrderId(Uuid::from_u128(id)), no: 1 };
        let cancel = LineCancelled { line, sku: sku("MUG"), quantity: 1, freed: Vec::new(), reason: None };
        book.entry(later(24), &Event::LineCancelled(cancel));
    }
    assert!(book.history.line_past().is_empty(), "the week is not over");
    book.entry(later(90), &stocked(1));
    let past = book.history.line_past();
    assert!(past.len() >= 8 && past.iter().all(|example| example.came), "{past:?}");
    let last = &book.history.open_lines(later(91), 100);
    assert_eq!(last.len(), 1);
    assert!(last[0].2.sku_cancels > 0.4 && last[0].2.cancel_rate > 0.004, "{last:?}");
}

#[test]
fn looks_at_badges_say_how_many_were_offered_to_wait_and_what_was_lost() {
    let mut book = Book::default();
    let viewed = |here: u32, later: Vec<u32>, out: u32| {
        let views = model::views::Views { sku: sku("MUG"), here, later, out };
        let data = model::record::Json::of(&model::views::Viewed { badge_views: vec![views] }).unwrap();
        Event::RecordsSet(model::event::Noted { sku: None, order: None, data, records: Vec::new() })
    };
    let mut mug = item("MUG");
    mug.tags = vec!["mugs".into()];
    book.entry(day(1), &Event::ItemSet(mug.clone()));
    // What was ordered before looks are counted is held against none.
    book.order(1, 2, &[("MUG", 50, true)]);
    book.entry(day(3), &viewed(100, Vec::new(), 0));
    assert_eq!(book.history.whole(day(4)).per_look(), None, "too few looks");
    book.entry(day(3), &viewed(300, vec![0, 0, 200, 0, 100], 80));
    book.order(2, 4, &[("MUG", 40, true), ("MUG", 2, false)]);
    let whole = book.history.whole(day(5));
    assert_eq!(whole.per_look(), Some(0.1));
    let pool = Pool::new(mug);
    let asked = subject(&pool, &Channel::default(), &book.history, &whole, day(5)).unwrap();
    // Three hundred looks at a wait would have bought thirty units.
    assert!((asked.waiting.offered - 30.0).abs() < 1e-9, "{:?}", asked.waiting);
    assert!((asked.waiting.wait_mean - (200.0 * 10.0 + 100.0 * 42.0) / 300.0).abs() < 1e-9);
    assert_eq!(
        (asked.kind, asked.shop),
        (asked.waiting, asked.waiting),
        "the only product of its kind and of the shop"
    );
    assert_eq!(book.history.goods(&sku("MUG")).unwrap().views_out, 80.0);
    let other = Pool::new(item("CUP"));
    let cup = subject(&other, &Channel::default(), &book.history, &whole, day(5)).unwrap();
    assert_eq!((cup.kind.offered, cup.shop.offered), (0.0, asked.shop.offered));
}
