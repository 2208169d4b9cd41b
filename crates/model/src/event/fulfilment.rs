//! What happened between a promise and a parcel: units handed over to fulfilment, taken back, and sent.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Units,
    id::{LocationId, OrderId, ReleaseId},
    order::Peg,
    time::Timestamp,
};

/// Units of one order that were handed over to fulfilment. One release may have many of these, one an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// The release.
    pub release: ReleaseId,
    /// Of which order.
    pub order: OrderId,
    /// Where they are packed.
    pub location: LocationId,
    /// When the carrier comes for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier_cutoff: Option<Timestamp>,
    /// What of each line.
    pub lines: Vec<ReleasedLine>,
}

/// Units of one line that went to fulfilment, or came back from there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedLine {
    /// The line's number.
    pub line: u16,
    /// Units of the line; of a kit, those of which any component is among the picks.
    pub quantity: Units,
    /// What to take from each on-hand supply.
    pub picks: Vec<Peg>,
}

/// Units of one order that came back from fulfilment: they are allocated again, as if never released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseReturned {
    /// The release they went with.
    pub release: ReleaseId,
    /// Of which order.
    pub order: OrderId,
    /// What of each line.
    pub lines: Vec<ReleasedLine>,
    /// Why, in a person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
}

/// Goods that left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipped {
    /// Of which order.
    pub order: OrderId,
    /// What of each line.
    pub lines: Vec<ShippedLine>,
    /// The carrier's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking: Option<Arc<str>>,
    /// Who carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<Arc<str>>,
    /// Where the carrier shows it, as the shop set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_url: Option<Arc<str>>,
    /// When the carrier took it.
    pub shipped_at: Timestamp,
    /// The id of the record that keeps it with its order ([`crate::parcel::Parcel`]); none where it was sent before such
    /// records were kept, and of history that was brought in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parcel: Option<Arc<str>>,
}

/// Units of one line that left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShippedLine {
    /// The line's number.
    pub line: u16,
    /// Units of the line.
    pub quantity: Units,
    /// What left each on-hand supply.
    pub from: Vec<Peg>,
}
