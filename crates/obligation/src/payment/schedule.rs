//! What is still to be paid and when, to be shown before the purchase and ever after.

use model::time::Date;
use serde::Serialize;

use super::account::{Account, LineMoney};
use super::plan::Plan;

/// When something is to be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// It is asked for now.
    Now,
    /// On a day; it moves with the promise where it is counted from it.
    On(Date),
    /// When the goods ship.
    OnShip,
    /// By invoice.
    ByInvoice,
}

/// So much of a line, to be paid then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// The line.
    pub line: u16,
    /// Minor units, from 1.
    pub amount: i64,
    /// When.
    pub when: When,
}

/// Lists what is still to be paid.
///
/// Shape: by line, then by time; the amounts of a line add up to what is not paid of it.
pub fn schedule(account: &Account) -> Vec<Planned> {
    let mut planned = Vec::new();
    for (&number, line) in &account.lines {
        let in_shipments: i64 = account.gaps(number).map(|(_, gap)| gap).sum();
        let (first, rest, when) = if account.is_under_way(number) {
            let asked: i64 = account
                .charges
                .values()
                .filter(|charge| charge.is_under_way())
                .filter_map(|charge| charge.part(number))
                .map(|part| part.asked - part.captured)
                .sum();
            let whole = line.open_gap() + in_shipments;
            (asked.min(whole), whole - asked.min(whole), later(line))
        } else {
            let (now, later, when) = open_part(line);
            (now + in_shipments, later, when)
        };
        let first_when = if line.plan == Plan::None { When::ByInvoice } else { When::Now };
        let invoiced = if line.plan == Plan::None { line.receivable } else { 0 };
        let parts = [(first + invoiced, first_when), (rest, when)];
        let wanted = parts.into_iter().filter(|(amount, _)| *amount > 0);
        planned.extend(wanted.map(|(amount, when)| Planned { line: number, amount, when }));
    }
    planned
}

/// Of the open units: what is due now, what is later, and when that is.
fn open_part(line: &LineMoney) -> (i64, i64, When) {
    let gap = line.open_gap();
    let now = match line.plan {
        Plan::Full => gap,
        Plan::Deposit { .. } => (line.deposit() - line.prepaid).clamp(0, gap),
        Plan::Authorise | Plan::ChargeOnShip | Plan::None => 0,
    };
    (now, gap - now, later(line))
}

fn later(line: &LineMoney) -> When {
    match line.plan {
        Plan::None => When::ByInvoice,
        plan => plan.balance_on(line.ship_by).map_or(When::OnShip, When::On),
    }
}
