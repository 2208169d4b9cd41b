//! When suppliers' goods came: what is kept to learn from.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{id::SupplyId, time::Date};

/// The kind of record that says when the newest supplies of one supplier came; its id is [`of_supplier`], or [`OF_ALL`].
pub const RECEIPTS: &str = "receipts";
/// The id of the record of all suppliers.
pub const OF_ALL: &str = "all";
/// The kind of record that says which date was first given for a supply whose date was changed; its id is the supply's.
pub const FIRST_DATE: &str = "first_date";

/// When the newest supplies came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipts {
    /// Each with the days it came after the date that was first given for it, below zero before; the oldest first.
    pub came: Vec<(SupplyId, i32)>,
}

impl Receipts {
    /// The days alone.
    pub fn days(&self) -> Vec<i32> {
        self.came.iter().map(|(_, days)| *days).collect()
    }

    /// Adds one, and forgets the oldest beyond so many.
    pub fn add(&mut self, supply: SupplyId, days: i32, most: usize) {
        self.came.retain(|(known, _)| *known != supply);
        self.came.push((supply, days));
        let over = self.came.len().saturating_sub(most);
        self.came.drain(..over);
    }
}

/// The date first given for a supply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstDate {
    /// The date.
    pub date: Date,
}

/// The id of the record of one supplier.
pub fn of_supplier(name: &str) -> Arc<str> {
    format!("of {name}").into()
}
