//! Small pools, written down briefly.

use allocate::{
    plan::{Outcome, Plan, plan},
    pool::{Line, Peg, Pool, Strategy, Supply},
    rule::Rule,
};
use model::{
    Units,
    id::{LineId, OrderId, SupplyId},
    time::{Date, Timestamp},
};
use uuid::Uuid;

/// A day of August 2026.
pub(crate) fn day(day: i8) -> Date {
    Date::constant(2026, 8, day)
}

/// Noon of a day of August 2026.
pub(crate) fn noon(day: i64) -> Timestamp {
    Timestamp::from_second(1_785_585_600 + (day - 1) * 86_400).unwrap()
}

pub(crate) fn supply_id(number: u128) -> SupplyId {
    SupplyId(Uuid::from_u128(number))
}

pub(crate) fn line_id(number: u128) -> LineId {
    LineId { order: OrderId(Uuid::from_u128(number)), no: 1 }
}

/// A supply that did not change.
pub(crate) fn supply(number: u128, quantity: Units, ready: i8) -> Supply {
    let ready = Some(day(ready));
    Supply { id: supply_id(number), quantity, ready, ready_before: ready, on_hand: false }
}

/// A line that gains, ordered on that day of August.
pub(crate) fn line(number: u128, placed: i64, quantity: Units, pegs: &[(u128, Units)]) -> Line {
    let peg = |&(supply, quantity): &(u128, Units)| Peg { supply: supply_id(supply), quantity };
    Line {
        id: line_id(number),
        quantity,
        pegs: pegs.iter().map(peg).collect(),
        strategy: Strategy::Gain,
        locked: false,
        class: 0,
        group: None,
        placed: noon(placed),
        promised: None,
        requested: None,
        value: 100 * quantity,
        paid: 0,
        margin: 0,
    }
}

/// Runs a plan on the 5th of August.
pub(crate) fn run(pool: &Pool, rule: &Rule) -> Plan {
    plan(pool, rule, noon(5)).unwrap()
}

/// The outcome of one line.
pub(crate) fn of(plan: &Plan, number: u128) -> &Outcome {
    plan.lines.iter().find(|outcome| outcome.line == line_id(number)).unwrap()
}

/// Its units by supply.
pub(crate) fn pegs(plan: &Plan, number: u128) -> Vec<(u128, Units)> {
    of(plan, number).pegs.iter().map(|peg| (peg.supply.0.as_u128(), peg.quantity)).collect()
}
