//! A pool as plain data: the supplies of one SKU after a change, and the lines that have or want units of them.

use std::sync::Arc;

pub use model::allocation::Strategy;
use model::{
    Units,
    id::{LineId, SupplyId},
    time::{Date, Timestamp},
};

/// Supplies and lines of one SKU, the change already made to the supplies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pool {
    /// Every supply that a line has units of, and every other that may be given; each id once, in any order. Those that
    /// are ready on the same day are used up in the order in which they stand here.
    pub supplies: Vec<Supply>,
    /// The open lines, in any order; each id once.
    pub lines: Vec<Line>,
}

/// A quantity with a date, as it is after the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supply {
    /// Its id.
    pub id: SupplyId,
    /// Units for the lines of the pool: what is held in carts or kept back is taken off already. 0 if it was called off.
    pub quantity: Units,
    /// The day on which its goods can be sent; `None` where nobody knows.
    pub ready: Option<Date>,
    /// The same before the change.
    pub ready_before: Option<Date>,
    /// Whether it is here. Of two supplies ready on the same day, goods that are here are the surer ones.
    pub on_hand: bool,
}

/// So many units of a supply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peg {
    /// The supply.
    pub supply: SupplyId,
    /// How many units, from 1.
    pub quantity: Units,
}

/// One open line, with what it has before the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its id.
    pub id: LineId,
    /// Units still to be sent, from 1.
    pub quantity: Units,
    /// The units it has, one entry a supply. Fewer than its quantity: the others wait without goods.
    pub pegs: Vec<Peg>,
    /// What the run may do to it.
    pub strategy: Strategy,
    /// Keeps exactly what it has, as far as the goods are there.
    pub locked: bool,
    /// Its priority: smaller goes first.
    pub class: i32,
    /// The customer's group.
    pub group: Option<Arc<str>>,
    /// When it was ordered.
    pub placed: Timestamp,
    /// The day by which it was promised to be sent.
    pub promised: Option<Date>,
    /// The day on which the customer wants it sent: goods that come sooner are no gain.
    pub requested: Option<Date>,
    /// What it is worth, in minor units; all lines of a pool in the same currency.
    pub value: i64,
    /// What was paid for it, likewise.
    pub paid: i64,
    /// What it earns, likewise.
    pub margin: i64,
}

impl Line {
    /// The day until which it may wait without losing anything: the date wanted, but not beyond what was promised.
    pub(crate) fn may_wait_until(&self) -> Option<Date> {
        let requested = self.requested?;
        Some(self.promised.map_or(requested, |promised| promised.min(requested)))
    }

    /// Units that wait without goods.
    pub(crate) fn short(&self) -> Units {
        self.quantity - self.pegs.iter().map(|peg| peg.quantity).sum::<Units>()
    }
}

/// Why a pool is none. Trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// Two supplies have the same id.
    #[error("{0} stands twice among the supplies")]
    SupplyTwice(SupplyId),
    /// A supply has fewer than no units.
    #[error("{supply} has {quantity} units")]
    SupplyQuantity {
        /// The supply.
        supply: SupplyId,
        /// Its quantity.
        quantity: Units,
    },
    /// A line has no open units.
    #[error("{line} has {quantity} open units")]
    LineQuantity {
        /// The line.
        line: LineId,
        /// Its quantity.
        quantity: Units,
    },
    /// A line has units of a supply that is not listed.
    #[error("{line} has units of {supply}, which is not among the supplies")]
    UnknownSupply {
        /// The line.
        line: LineId,
        /// The supply.
        supply: SupplyId,
    },
    /// A line has no units in one of its pegs, or two pegs on one supply, or more units than it wants.
    #[error("{line} has pegs that do not fit its {quantity} units")]
    Pegs {
        /// The line.
        line: LineId,
        /// Its quantity.
        quantity: Units,
    },
}

impl Pool {
    /// Checks supplies, then lines in their order.
    pub(crate) fn check(&self) -> Result<(), PoolError> {
        for supply in &self.supplies {
            if supply.quantity < 0 {
                return Err(PoolError::SupplyQuantity { supply: supply.id, quantity: supply.quantity });
            }
        }
        self.lines.iter().try_for_each(check_line)
    }
}

fn check_line(line: &Line) -> Result<(), PoolError> {
    if line.quantity < 1 {
        return Err(PoolError::LineQuantity { line: line.id, quantity: line.quantity });
    }
    // A line has few pegs: comparing each with those before it needs no list.
    let twice = |(at, peg): (usize, &Peg)| line.pegs[..at].iter().any(|other| other.supply == peg.supply);
    let bad = line.pegs.iter().any(|peg| peg.quantity < 1)
        || line.short() < 0
        || line.pegs.iter().enumerate().any(twice);
    if bad { Err(PoolError::Pegs { line: line.id, quantity: line.quantity }) } else { Ok(()) }
}
