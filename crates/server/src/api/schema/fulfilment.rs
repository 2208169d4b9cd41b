//! What releases, returns from fulfilment and shipments look like.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Dates, LineState, Told};

/// Units to take from one supply on hand.
#[derive(ToSchema, Serialize)]
pub(crate) struct Pick {
    /// What: the line's SKU, or a component of it.
    pub(crate) sku: String,
    /// The supply.
    pub(crate) supply: String,
    /// How many units.
    pub(crate) quantity: i64,
}

/// Units of a line that were handed over to fulfilment.
#[derive(ToSchema, Serialize)]
pub(crate) struct ReleaseLine {
    /// The order.
    pub(crate) order: String,
    /// Your number for it.
    pub(crate) reference: Option<String>,
    /// The line.
    pub(crate) line: String,
    /// What was ordered.
    pub(crate) sku: String,
    /// Units of the line; of a kit, those of which any component is picked here.
    pub(crate) quantity: i64,
    /// Where it goes: ISO 3166-1 alpha-2.
    pub(crate) country: Option<String>,
    /// When it ships, as things are now.
    pub(crate) ship_by: Dates,
    /// What the customer was last told about the line.
    pub(crate) told: Option<Told>,
    /// What to take from where.
    pub(crate) picks: Vec<Pick>,
}

/// What was handed over to fulfilment at once.
#[derive(ToSchema, Serialize)]
pub(crate) struct Release {
    /// Its id; null where nothing was handed over.
    pub(crate) id: Option<String>,
    /// Where it is packed.
    pub(crate) location: String,
    /// When it was handed over.
    #[schema(format = DateTime)]
    pub(crate) released_at: String,
    /// When the carrier comes for it.
    #[schema(format = DateTime)]
    pub(crate) carrier_cutoff: Option<String>,
    /// The lines, the first to be packed first.
    pub(crate) lines: Vec<ReleaseLine>,
    /// Whether there may be more: ask again.
    pub(crate) more: bool,
}

/// Goods that were not there.
#[derive(ToSchema, Serialize)]
pub(crate) struct Missing {
    /// What.
    pub(crate) sku: String,
    /// How many units.
    pub(crate) quantity: i64,
}

/// Units of a line that came back from fulfilment.
#[derive(ToSchema, Serialize)]
pub(crate) struct ReleaseReturnLine {
    /// The order.
    pub(crate) order: String,
    /// The line.
    pub(crate) line: String,
    /// What was ordered.
    pub(crate) sku: String,
    /// Units of the line that came back.
    pub(crate) quantity: i64,
    /// What of it was not there.
    pub(crate) missing: Vec<Missing>,
    /// What the line waits for now.
    pub(crate) state: LineState,
    /// When its last unit ships, as things are now.
    pub(crate) ship_by: Dates,
}

/// What came back from fulfilment.
#[derive(ToSchema, Serialize)]
pub(crate) struct ReleaseReturn {
    /// The release it went with.
    pub(crate) release: String,
    /// The lines, as they were named.
    pub(crate) lines: Vec<ReleaseReturnLine>,
}

/// Units of a line that were sent.
#[derive(ToSchema, Serialize)]
pub(crate) struct ShipmentLine {
    /// The line.
    pub(crate) line: String,
    /// What was ordered.
    pub(crate) sku: String,
    /// Units sent now.
    pub(crate) quantity: i64,
    /// Units of the line still to be sent.
    pub(crate) open: i64,
    /// What left which supply.
    pub(crate) from: Vec<Pick>,
}

/// Goods that were sent.
#[derive(ToSchema, Serialize)]
pub(crate) struct Shipment {
    /// The order.
    pub(crate) order: String,
    /// Your number for it.
    pub(crate) reference: Option<String>,
    /// What the order waits for now.
    pub(crate) state: LineState,
    /// The carrier's number.
    pub(crate) tracking: Option<String>,
    /// Who carries it.
    pub(crate) carrier: Option<String>,
    /// Where the carrier shows it, as it was set.
    pub(crate) tracking_url: Option<String>,
    /// When the carrier took it.
    #[schema(format = DateTime)]
    pub(crate) shipped_at: String,
    /// What was sent of each line.
    pub(crate) lines: Vec<ShipmentLine>,
}
