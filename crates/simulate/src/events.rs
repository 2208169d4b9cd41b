//! The calendar of what happens next, and what is drawn.

use std::{cmp::Reverse, collections::BinaryHeap};

use insight::random::uniform;
use model::{
    Units,
    id::{HoldId, OrderId, SupplyId},
};

/// What happens next. At one moment goods come before customers, so that what is there is sold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Next {
    /// Goods come.
    Arrival(SupplyId),
    /// A unit is made.
    Made,
    /// A customer comes: the so manyth.
    Customer(u64),
    /// A customer who waits loses patience.
    Cancel(OrderId),
    /// Somebody invited from a waitlist decides.
    Invited(HoldId),
    /// Invitations lapse.
    Lapse,
}

/// Time in milliseconds from the start.
pub(crate) type Moment = i64;

pub(crate) const DAY_MS: f64 = 86_400_000.0;

/// Days as a moment.
pub(crate) fn moment(days: f64) -> Moment {
    // A cast of a float stops at the ends.
    (days * DAY_MS).round() as Moment
}

/// What is to come, by time, then by kind, then in the order in which it was added.
#[derive(Debug, Default)]
pub(crate) struct Calendar {
    heap: BinaryHeap<Reverse<(Moment, Next, u64)>>,
    added: u64,
}

impl Calendar {
    pub(crate) fn add(&mut self, at: Moment, next: Next) {
        self.added += 1;
        self.heap.push(Reverse((at, next, self.added)));
    }

    /// The next that happens before a moment.
    pub(crate) fn take(&mut self, end: Moment) -> Option<(Moment, Next)> {
        let Reverse((at, ..)) = self.heap.peek()?;
        if *at >= end {
            return None;
        }
        self.heap.pop().map(|Reverse((at, next, _))| (at, next))
    }
}

/// What a number is drawn for: each purpose has a stream of its own, so that a policy that uses more of one shifts none of the
/// others.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Coming = 1,
    Size,
    Patience,
    Cancel,
    Waitlist,
    Convert,
    Lateness,
    Making,
}

/// Draws for one SKU in one replication.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draws {
    pub(crate) seed: u64,
}

impl Draws {
    /// From 0 up to but not including 1.
    pub(crate) fn uniform(self, purpose: Purpose, n: u64) -> f64 {
        uniform(self.seed, purpose as u64, n)
    }

    /// Exponential with a rate; infinite at rate zero.
    pub(crate) fn exponential(self, purpose: Purpose, n: u64, rate: f64) -> f64 {
        if rate <= 0.0 {
            return f64::INFINITY;
        }
        -(-self.uniform(purpose, n)).ln_1p() / rate
    }

    /// One of a list, each as likely; `or` from an empty one.
    pub(crate) fn one_of<T: Copy>(self, purpose: Purpose, n: u64, list: &[T], or: T) -> T {
        let place = (self.uniform(purpose, n) * list.len() as f64) as usize;
        list.get(place).copied().unwrap_or(or)
    }
}

/// Units that one customer wants.
pub(crate) fn size(draws: Draws, n: u64, sizes: &[Units]) -> Units {
    draws.one_of(Purpose::Size, n, sizes, 1)
}
