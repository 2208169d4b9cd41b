//! What availability looks like.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Dates, Problem};

/// Availability as Google's product feeds name it.
#[derive(ToSchema, Serialize)]
pub(crate) struct Google {
    /// `in_stock`, `backorder`, `preorder` or `out_of_stock`.
    pub(crate) availability: String,
    /// From when on it is there.
    pub(crate) availability_date: Option<String>,
}

/// Whether a SKU can be bought.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AvailabilityState {
    InStock,
    Limited,
    Backorder,
    Preorder,
    MadeToOrder,
    Waitlist,
    OutOfStock,
    Discontinued,
}

/// Can it be bought now, and when will it ship?
#[derive(ToSchema, Serialize)]
pub(crate) struct Availability {
    /// What.
    pub(crate) sku: String,
    /// The answer in a word.
    pub(crate) state: AvailabilityState,
    /// Units that ship now.
    pub(crate) available_now: i64,
    /// Units that could be sold beyond those; null where there is no limit.
    pub(crate) available_later: Option<i64>,
    /// When the quantity asked for would ship.
    pub(crate) ship_by: Dates,
    /// When it would be delivered.
    pub(crate) deliver_by: Dates,
    /// When goods nobody has a claim on come next; where it is not sold now.
    #[schema(format = Date)]
    pub(crate) restock_on: Option<String>,
    /// A short line for the shopper.
    pub(crate) label: String,
    /// How the answer came about.
    pub(crate) reason: String,
    /// `on_hand`, `supply`, `lead_time`, or why not, as refusals name it.
    pub(crate) reason_code: String,
    /// The same as a schema.org ItemAvailability.
    pub(crate) schema_org: String,
    /// The same as Google names it.
    pub(crate) google: Google,
    /// The moment it is true for.
    #[schema(format = DateTime)]
    pub(crate) as_of: String,
}

/// A place on a waitlist.
#[derive(ToSchema, Serialize)]
pub(crate) struct Waiting {
    /// Its id.
    #[schema(example = "wl_019ab3f0c4a070008000000000000000")]
    pub(crate) id: String,
    /// What for.
    pub(crate) sku: String,
    /// How many units.
    pub(crate) quantity: i64,
    /// `waiting`, `invited`, `bought`, `lapsed` or `left`.
    pub(crate) state: String,
    /// Since when.
    #[schema(format = DateTime)]
    pub(crate) joined_at: String,
    /// The hold that an order takes over with `hold`; of one who is or was invited.
    #[schema(nullable = false)]
    pub(crate) hold: Option<String>,
    /// Until when it holds.
    #[schema(nullable = false, format = DateTime)]
    pub(crate) held_until: Option<String>,
    /// Who; for staff, until the place has ended.
    #[schema(nullable = false)]
    pub(crate) email: Option<String>,
    /// What leaves the list; of a new place.
    #[schema(nullable = false)]
    pub(crate) token: Option<String>,
}

/// Places on waitlists, in their order.
#[derive(ToSchema, Serialize)]
pub(crate) struct WaitingPage {
    pub(crate) items: Vec<Waiting>,
    pub(crate) next_cursor: Option<String>,
}

/// One of several SKUs asked for that is not known.
#[derive(ToSchema, Serialize)]
pub(crate) struct UnknownSku {
    /// What.
    pub(crate) sku: String,
    /// Why there is no answer.
    pub(crate) problem: Problem,
}

/// The answer for one of several SKUs.
#[derive(ToSchema, Serialize)]
#[serde(untagged)]
pub(crate) enum AvailabilityItem {
    Known(Availability),
    Unknown(UnknownSku),
}

/// The answer for one SKU, or for several.
#[derive(ToSchema, Serialize)]
#[serde(untagged)]
pub(crate) enum AvailabilityAnswer {
    One(Availability),
    Several(Availabilities),
}

/// The answers for several SKUs, in the order asked.
#[derive(ToSchema, Serialize)]
pub(crate) struct Availabilities {
    pub(crate) items: Vec<AvailabilityItem>,
}
