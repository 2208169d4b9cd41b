//! When an order will be there: a quantile of days for each, learned from those before it.
//!
//! Source: docs/theory/learning.md, "Days".

mod moment;
mod orders;
mod past;
mod walk;

use std::num::NonZeroUsize;

use serde::Serialize;

pub use orders::Measure;

use crate::{
    error::{Checked, bad, level},
    table::Table,
};

/// Days foretold, and what they rest on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Promises {
    /// Whole days, one a delivered order of the test tables, in file order.
    pub predictions: Vec<f64>,
    /// Delivered orders that were learned from at first.
    pub history_orders: usize,
    /// Test orders that nothing had been delivered for when they were placed; they have the quantile of the history.
    pub without_past: usize,
}

/// Learns from delivered orders of some tables and foretells those of others, one after the other: each from what had been
/// delivered before it was placed, in either.
///
/// Errors: as `orders::read`; fewer delivered orders to learn from than the quantile needs, ⌈1/(1−quantile)⌉ − 1.
pub fn promise_calibration(
    train: &[Table],
    test: &[Table],
    quantile: f64,
    workers: NonZeroUsize,
) -> Checked<Promises> {
    level("quantile", quantile)?;
    let history = orders::read("train", train)?;
    let asked = orders::read("test", test)?;
    if asked.kind != history.kind {
        return bad("test", "must be the same kind of table as train");
    }
    let mut known: Vec<f64> = history.orders.iter().filter_map(|order| order.days).collect();
    known.sort_by(f64::total_cmp);
    let Some(usual) = crate::lead_time::conformal_bound(&known, 1.0 - quantile) else {
        let needed = (1.0 / (1.0 - quantile) - 1e-9).ceil() as usize - 1;
        return bad(
            "train",
            format!("has {} delivered orders; a quantile of {quantile} needs at least {needed}", known.len()),
        );
    };
    let history_orders = history.orders.len();
    let mut all = history.orders;
    all.extend(asked.orders);
    let said = walk::foretell(&all, history.kind.measure(), quantile, workers);
    let said = &said[history_orders..];
    Ok(Promises {
        predictions: said.iter().map(|days| days.unwrap_or(usual).round()).collect(),
        history_orders,
        without_past: said.iter().filter(|days| days.is_none()).count(),
    })
}

/// Returns days of every delivered order of some tables, as [`promise_calibration`] foretells them, and what the seller itself
/// had said. Both are what a judge needs.
///
/// Errors: as there.
pub fn delivered(tables: &[Table]) -> Checked<Vec<(f64, Option<f64>)>> {
    let read = orders::read("tables", tables)?;
    Ok(read.orders.iter().filter_map(|order| Some((order.days?, order.quoted))).collect())
}

#[cfg(test)]
mod tests;
