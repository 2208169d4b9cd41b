//! What left of an order in one parcel, kept with the order for whoever waits for it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Units, event::Shipped, record::Record, time::Timestamp};

/// The kind of the record that keeps a parcel; it belongs to its order.
pub const PARCEL: &str = "parcel";

/// One parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// When the carrier took it.
    pub shipped_at: Timestamp,
    /// Who carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<Arc<str>>,
    /// The carrier's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking: Option<Arc<str>>,
    /// Where the carrier shows it, as the shop set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_url: Option<Arc<str>>,
    /// The units of each line that are in it.
    pub lines: Vec<(u16, Units)>,
}

impl Parcel {
    /// The record of goods that left; `None`: none is kept of them.
    pub fn record(shipped: &Shipped) -> Option<Record> {
        let parcel = Self {
            shipped_at: shipped.shipped_at,
            carrier: shipped.carrier.clone(),
            tracking: shipped.tracking.clone(),
            tracking_url: shipped.tracking_url.clone(),
            lines: shipped.lines.iter().map(|line| (line.line, line.quantity)).collect(),
        };
        let owner = shipped.order.to_string().into();
        // Numbers and texts have a form in JSON.
        let record = Record::new(PARCEL, shipped.parcel.as_deref()?, &parcel).ok()?;
        Some(Record { owner, ..record })
    }

    /// The same without what the carrier would show to whoever has its number.
    #[must_use]
    pub fn unnamed(self) -> Self {
        Self { tracking: None, tracking_url: None, ..self }
    }
}
