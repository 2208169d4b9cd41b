//! What a change of supply did, kept so that it can be undone.

use serde::{Deserialize, Serialize};

use crate::{
    Units,
    event::Move,
    id::{RunId, Sku, SupplyId},
    record::Record,
    supply::Supply,
};

/// The kind of record that a [`Run`] is kept as, under the run's id, owned by the supply.
pub const RUN: &str = "run";

/// What a [`Run`] is called that gave goods out anew by a rule, and changed no supply.
pub const REALLOCATED: &str = "reallocated";
/// The same for orders that ship whole.
pub const PACKED: &str = "packed";

/// A change of one supply: a slip, a receipt, a cancel; or goods given out anew because somebody asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The kind of the event that began it.
    pub what: String,
    /// The pool.
    pub sku: Sku,
    /// The supply as it was before, without claims; where goods were given out anew, one of those they came from.
    pub before: Supply,
    /// The same after; `None`: it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Supply>,
    /// What the change opened: the lot of what is good, the quarantine of what is not; without claims.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opened: Vec<Supply>,
    /// The ledger's last entry before it: what it moved stands behind.
    pub since: i64,
    /// The run that undid it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone_by: Option<RunId>,
    /// Whether more of it is still to be done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub going_on: bool,
    /// The same run in other pools.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<Run>,
}

impl Run {
    /// Whether it moved units between supplies and changed none of them.
    pub fn only_moved(&self) -> bool {
        matches!(&*self.what, REALLOCATED | PACKED)
    }
}

/// A run that was undone: the supplies as they were, and whoever moved back where they came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunUndone {
    /// The run.
    pub run: RunId,
    /// The run that this is.
    pub by: RunId,
    /// The pool.
    pub sku: Sku,
    /// Supplies that were closed since and are open again, without claims.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reopened: Vec<Supply>,
    /// The supply as it is from now on; its claims are what they are.
    pub restored: Supply,
    /// Who moves back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<Move>,
    /// What the run had opened and is closed now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<SupplyId>,
    /// Units that count as here no more, in quarantine or not, by supply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreceived: Vec<(SupplyId, Units)>,
    /// The run's record, which now says so.
    pub record: Record,
}
