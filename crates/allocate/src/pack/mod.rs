//! Ship-complete as packing: which orders to fill whole from what there is, so that their value is greatest.
//!
//! An order takes all it needs or nothing, so this is the 0-1 knapsack problem in several dimensions: [`orders`] for goods
//! that are here, [`over_time`] for goods that come day by day. [`solve`] starts from the better of two rules, first come
//! and greatest density, improves it by taking one out and filling up ([`greedy`]), and then searches the rest by branch
//! and bound ([`search`]); with the feature `highs`, [`highs::solve`] hands the problem to HiGHS as well.
//!
//! Whoever calls says how long to go on, so every answer says how it was found, what it is worth and what at most could
//! be: [`Solution::gap_ppm`]. Bounds are worked out in whole numbers, so none is too low by a rounding.

mod bound;
pub mod greedy;
#[cfg(feature = "highs")]
pub mod highs;
pub mod orders;
pub mod over_time;
mod search;

use model::Units;

/// Things to pack, none, some or all of each limit's units taken by each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problem {
    /// Units there are of each kind.
    limits: Vec<Units>,
    /// What can be taken. Ties are broken in this order.
    items: Vec<Item>,
}

/// One thing to take whole or leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// What taking it is worth, from 0.
    pub(crate) value: i64,
    /// Units it takes of limits, by position: ascending, each once, from 1.
    pub(crate) needs: Vec<(usize, Units)>,
}

/// How long a search may go on. Both limits end it; what was found until then is the answer.
pub struct Effort<'a> {
    /// Nodes of the search at most: the same number gives the same answer on every machine.
    pub nodes: u64,
    /// Asked again and again, many times a second, whether to go on: a caller with a clock stops it by this.
    pub go_on: &'a mut dyn FnMut() -> bool,
}

impl Effort<'_> {
    /// Nodes enough for some seconds.
    pub const NODES: u64 = 200_000;
}

/// How an answer was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By density, improved by swaps: nothing was searched, or the search found nothing better and proved nothing.
    Heuristic,
    /// By our own branch and bound.
    Search,
    /// By HiGHS.
    Highs,
}

impl Method {
    /// The word used in JSON and on screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Heuristic => "heuristic",
            Self::Search => "search",
            Self::Highs => "highs",
        }
    }
}

/// A choice, and what is known of the best one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    /// For each item whether it is taken.
    pub chosen: Vec<bool>,
    /// What they are worth together.
    pub value: i64,
    /// No choice is worth more.
    pub bound: i64,
    /// How it was found.
    pub method: Method,
    /// Nodes searched.
    pub nodes: u64,
    /// What first come, first served is worth, passing over what does not fit.
    pub in_turn_value: i64,
    /// What taking by density is worth.
    pub greedy_value: i64,
}

impl Solution {
    /// Whether no choice is better.
    pub fn is_proved(&self) -> bool {
        self.value == self.bound
    }

    /// What the best choice may be worth beyond this one, in millionths of its value, rounded up.
    pub fn gap_ppm(&self) -> u64 {
        let missing = i128::from(self.bound) - i128::from(self.value);
        let value = i128::from(self.value.max(1));
        u64::try_from((missing * 1_000_000 + value - 1) / value).unwrap_or(u64::MAX)
    }
}

/// Why a problem is none. Trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// A quantity below zero, of what is there.
    #[error("{what} has {units} units")]
    Supply {
        /// Which.
        what: String,
        /// Its quantity.
        units: Units,
    },
    /// An order that wants what nobody supplies, or less than one unit of it.
    #[error("{order} wants {units} units of {what:?}: expected one or more of what is supplied")]
    Need {
        /// Which order.
        order: String,
        /// What of.
        what: String,
        /// How many.
        units: Units,
    },
    /// A value or cost below zero, or so large that sums leave the numbers there are.
    #[error("{order} has the amount {amount}: expected 0 to {AMOUNT_MAX}")]
    Amount {
        /// Which order.
        order: String,
        /// The amount.
        amount: i64,
    },
    /// More orders than a search can hold.
    #[error("{0} to choose from: expected {ITEMS_MAX} at most")]
    TooMany(usize),
}

/// The largest value of an item: a million of them still add up within `i64`.
pub const AMOUNT_MAX: i64 = 9_000_000_000_000;
/// The most items of a problem.
pub const ITEMS_MAX: usize = 1_000_000;

/// Chooses items of the greatest value that fit together.
pub fn solve(problem: &Problem, effort: &mut Effort<'_>) -> Solution {
    let in_turn = greedy::in_turn(problem, 0..problem.items.len());
    let by_density = greedy::in_turn(problem, greedy::by_density(problem));
    let (in_turn_value, greedy_value) = (problem.worth(&in_turn), problem.worth(&by_density));
    let start = if in_turn_value > greedy_value { in_turn } else { by_density };
    let found = search::search(problem, start, effort);
    Solution {
        value: problem.worth(&found.chosen),
        chosen: found.chosen,
        bound: found.bound,
        method: if found.by_search { Method::Search } else { Method::Heuristic },
        nodes: found.nodes,
        in_turn_value,
        greedy_value,
    }
}

impl Problem {
    /// What a choice is worth.
    pub(crate) fn worth(&self, chosen: &[bool]) -> i64 {
        self.items.iter().zip(chosen).filter(|(_, chosen)| **chosen).map(|(item, _)| item.value).sum()
    }

    /// Units that a choice leaves of each limit; below zero if it does not fit.
    pub(crate) fn left_after(&self, chosen: impl Fn(usize) -> bool) -> Vec<Units> {
        let mut left = self.limits.clone();
        for (_, item) in self.items.iter().enumerate().filter(|(at, _)| chosen(*at)) {
            item.take_from(&mut left);
        }
        left
    }
}

impl Item {
    pub(crate) fn fits(&self, left: &[Units]) -> bool {
        self.needs.iter().all(|&(limit, units)| units <= left[limit])
    }

    pub(crate) fn take_from(&self, left: &mut [Units]) {
        for &(limit, units) in &self.needs {
            left[limit] -= units;
        }
    }

    pub(crate) fn give_back_to(&self, left: &mut [Units]) {
        for &(limit, units) in &self.needs {
            left[limit] += units;
        }
    }
}
