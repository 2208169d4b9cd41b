//! A shop with two years of its own: what it learns of who calls off is nearer than any rule, and calibrated.

use std::num::NonZeroUsize;

use insight::{
    random::uniform,
    risk::{Learned, Method, line},
};
use model::{
    event::{LinePromise, PromiseGiven},
    order::{Cause, Dates, Promise},
    time::days_after,
};

use super::*;

const DAYS: i64 = 500;
const A_DAY: u64 = 6;

/// One order for later of a unit: what it costs, how long it is told to wait, and when it is called off, if it is.
struct Asked {
    id: u128,
    day: i64,
    price: i64,
    wait: i32,
    off: Option<i64>,
}

/// Who waits long for something dear changes their mind; hardly anybody else does.
fn orders() -> Vec<Asked> {
    (0..DAYS as u64 * A_DAY)
        .map(|n| {
            let draw = |stream: u64| uniform(77, stream, n);
            let (price, wait) = (if draw(1) < 0.5 { 2_000 } else { 40_000 }, 7 + (draw(2) * 28.0) as i32);
            let share = if price > 10_000 && wait > 20 { 0.7 } else { 0.04 };
            let day = (n / A_DAY) as i64;
            let off = (draw(3) < share).then(|| day + 1 + (draw(4) * f64::from(wait - 1)) as i64);
            Asked { id: u128::from(n) + 1, day, price, wait, off }
        })
        .collect()
}

fn line_of(asked: &Asked) -> LineId {
    LineId { order: OrderId(Uuid::from_u128(asked.id)), no: 1 }
}

fn placed(asked: &Asked) -> Event {
    let line = Line {
        no: 1,
        sku: sku("MUG"),
        quantity: 1,
        unit_price: Some(Money { amount: asked.price, currency: model::money::Currency::USD }),
        recipe: Vec::new(),
        cancelled: 0,
        shipped: 0,
        pegs: Vec::new(),
        released: Vec::new(),
        returned: Vec::new(),
        promises: Vec::new(),
    };
    let order = Order {
        id: line_of(asked).order,
        reference: None,
        channel: Channel::default(),
        customer: None,
        group: None,
        country: None,
        placed_at: later(asked.day),
        ship: ShipChoice::AsAvailable,
        requested_date: None,
        not_later_than: None,
        placed_by: None,
        lines: vec![line],
    };
    let seen = vec![vec![Seen { at: LocationId::stored("east"), here: false, dates: None }]];
    Event::OrderPlaced(OrderPlaced { order: Arc::new(order), hold: None, opened: Vec::new(), seen })
}

fn promised(asked: &Asked) -> Event {
    let start: Date = "2026-03-01".parse().unwrap();
    let day = days_after(start, u16::try_from(asked.day).unwrap() + u16::try_from(asked.wait).unwrap());
    let dates = Dates { expected: day, promised: day };
    let promise = Promise {
        version: 1,
        ship_by: dates,
        deliver_by: dates,
        given_at: later(asked.day),
        told_at: None,
        cause: Cause::of("order_placed"),
    };
    let promises = vec![LinePromise { line: 1, promise }];
    Event::PromiseGiven(PromiseGiven { order: line_of(asked).order, promises })
}

fn ended(asked: &Asked) -> (i64, Event) {
    let line = line_of(asked);
    if let Some(day) = asked.off {
        let cancel = LineCancelled { line, sku: sku("MUG"), quantity: 1, freed: Vec::new(), reason: None };
        return (day, Event::LineCancelled(cancel));
    }
    let day = asked.day + i64::from(asked.wait);
    let lines = [ShippedLine { line: 1, quantity: 1, from: Vec::new() }];
    let shipped =
        serde_json::json!({"order": line.order, "lines": lines, "shipped_at": later(day), "tracking": null});
    (day, Event::Shipped(serde_json::from_value(shipped).unwrap()))
}

fn ledger() -> Book {
    let mut entries: Vec<(i64, Event)> = Vec::new();
    for asked in &orders() {
        entries.extend([(asked.day, placed(asked)), (asked.day, promised(asked)), ended(asked)]);
    }
    // What ends on a day does so after what is ordered on it.
    entries.sort_by_key(|(day, _)| *day);
    let mut book = Book::default();
    book.entry(later(0), &Event::ItemSet(item("MUG")));
    entries.iter().for_each(|(day, event)| book.entry(later(*day), event));
    book.entry(later(DAYS + 60), &stocked(1));
    book
}

#[test]
fn trees_learn_from_a_ledger_who_calls_off_and_are_calibrated() {
    let book = ledger();
    let past = book.history.line_past();
    let workers = NonZeroUsize::new(2).unwrap();
    let learned = Learned::learn(&line::KIND, &past, workers).unwrap();
    assert_eq!(learned.method(), Method::BoostedTrees, "{}", learned.reason);
    assert!(learned.reason.starts_with("learned from"), "{}", learned.reason);
    let tested = learned.tested.as_ref().unwrap();
    assert!(tested.cases > 500 && tested.came > 50, "{tested:?}");
    assert!(tested.brier < 0.75 * tested.brier_of_share, "{tested:?}");
    assert!(tested.brier < 0.8 * tested.brier_of_rule, "{tested:?}");
    // What is said comes true as often, group by group.
    let off: f64 =
        tested.groups.iter().map(|group| group.cases as f64 * (group.said - group.came).abs()).sum();
    assert!(off / (tested.cases as f64) < 0.05, "{:?}", tested.groups);
    assert!(tested.groups.last().unwrap().came > 0.5 && tested.groups[0].came < 0.15, "{:?}", tested.groups);
    // Two orders of today: what sets the risky one apart is said.
    let mut book = book;
    let today = DAYS + 61;
    for (id, price, wait) in [(1_000_001, 40_000, 30), (1_000_002, 2_000, 30)] {
        let asked = Asked { id, day: today, price, wait, off: None };
        book.entry(later(today), &placed(&asked));
        book.entry(later(today), &promised(&asked));
    }
    let open = book.history.open_lines(later(today), 10);
    let numbers: Vec<Vec<f64>> = open.iter().map(|(_, _, line)| line.numbers()).collect();
    let cases: Vec<&[f64]> = numbers.iter().map(Vec::as_slice).collect();
    let said = learned.probabilities(&cases, workers).unwrap();
    assert!((0.5..0.9).contains(&said[0]) && said[1] < 0.15, "{said:?}");
    let because = learned.because(&numbers[0]).unwrap();
    let sentence = line::sentence(&open[0].2, &because[0]);
    assert!(
        because[0].otherwise < 0.6 * said[0] && sentence.contains("as it mostly is"),
        "{because:?}: {sentence}"
    );
    // The same ledger, the same answer.
    let again = Learned::learn(&line::KIND, &past, NonZeroUsize::MIN).unwrap();
    assert_eq!(again.probabilities(&cases, workers).unwrap(), said);
}

#[test]
fn a_short_ledger_is_answered_by_the_stated_rule() {
    let past = ledger().history.line_past();
    let few = Learned::learn(&line::KIND, &past[..60], NonZeroUsize::MIN).unwrap();
    assert_ne!(few.method(), Method::BoostedTrees);
    assert!(few.reason.contains("too few"), "{}", few.reason);
    let none = Learned::learn(&line::KIND, &[], NonZeroUsize::MIN).unwrap();
    assert_eq!((none.method(), none.tested.is_none()), (Method::Rule, true));
}
