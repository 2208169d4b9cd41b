//! Everything a shop owes, counted in one pass: what its overview shows.

use model::{
    Units,
    id::{Sku, SupplyId},
    money::Money,
};

/// Every open line of a tenant, counted at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Orders with an open line.
    pub orders: i64,
    /// Open lines.
    pub lines: i64,
    /// Lines whose customer was last told a ship date that is over.
    pub late_lines: i64,
    /// Orders among them.
    pub late_orders: i64,
    /// By what was ordered, sorted by SKU.
    pub skus: Vec<BacklogSku>,
    /// By where the goods come from, sorted by id.
    pub supplies: Vec<BacklogSupply>,
}

/// Open lines of one SKU as it was ordered: a kit is one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BacklogSku {
    /// What was ordered.
    pub sku: Sku,
    /// Open lines of it.
    pub lines: i64,
    /// Orders among them.
    pub orders: i64,
    /// Open units.
    pub units: Units,
    /// What those sell for, sorted by currency; lines without a price count for nothing.
    pub value: Vec<Money>,
    /// Lines whose customer was last told a ship date that is over.
    pub late_lines: i64,
    /// Where their units come from; sorted, unique.
    pub supplies: Vec<SupplyId>,
}

/// Open lines with units from one supply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BacklogSupply {
    /// The supply.
    pub supply: SupplyId,
    /// Its pool.
    pub sku: Sku,
    /// Lines with a peg on it.
    pub lines: i64,
    /// Orders among them.
    pub orders: i64,
    /// Units pegged to it; of a component, for a kit.
    pub units: Units,
}
