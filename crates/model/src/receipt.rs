//! What the ledger says about goods that arrive, are looked at, or will come in two parts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Units,
    event::{Move, Refenced},
    id::{Sku, SupplyId},
    supply::Supply,
    time::{Date, Timestamp},
};

/// Goods that arrived.
///
/// Where nothing stays due, the supply itself is on hand from now on, with every peg on it; with no good unit it becomes
/// the shortfall of what is pegged to it, as a supply that is called off does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplyReceived {
    /// Which supply.
    pub supply: SupplyId,
    /// Of what.
    pub sku: Sku,
    /// Units that are good: they are on hand now.
    pub accepted: Units,
    /// Units that were expected.
    pub expected: Units,
    /// Units that came and are not good.
    #[serde(default, skip_serializing_if = "is_none_of_it")]
    pub damaged: Units,
    /// When.
    pub received_at: Timestamp,
    /// Where the damaged units are kept, all of them, until somebody has looked at them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<Supply>,
    /// What is still to come; `None`: nothing more will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<StillDue>,
    /// Where what is ring-fenced of it is now: on hand, still due, in quarantine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ring_fenced: Vec<Refenced>,
}

/// What is still to come of a supply of which some came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StillDue {
    /// Units the supply has from now on, from 1: what was expected less what came.
    pub quantity: Units,
    /// The date now given for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_on: Option<Date>,
    /// The good units, as a supply of their own; `None` where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<Supply>,
    /// In its place: the lot of the same receipt that they go to. A receipt for very many lines is booked in part by part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<SupplyId>,
    /// Who has the good units: the head of the supply's queue.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<Move>,
}

/// Goods in quarantine that somebody has looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplyInspected {
    /// Which supply.
    pub supply: SupplyId,
    /// Of what.
    pub sku: Sku,
    /// Units that are good after all.
    pub good: Units,
    /// Units that are thrown away.
    pub written_off: Units,
    /// The good units, on hand from now on; `None` where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<Supply>,
    /// When.
    pub inspected_at: Timestamp,
    /// Why, in a person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    /// Where what is ring-fenced of it is now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ring_fenced: Vec<Refenced>,
}

fn is_none_of_it(units: &Units) -> bool {
    *units == 0
}
