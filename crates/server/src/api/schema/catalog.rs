//! What locations and SKUs look like.

use serde::Serialize;
use utoipa::ToSchema;

use super::Money;

/// One carrier service to one country.
#[derive(ToSchema, Serialize)]
pub(crate) struct Transit {
    /// ISO 3166-1 alpha-2, or `*` for every country without a row of its own.
    pub(crate) country: String,
    /// The shop's name for the service.
    pub(crate) service: String,
    /// The least working days.
    pub(crate) days_min: u16,
    /// The most working days.
    pub(crate) days_max: u16,
    /// What the customer pays for it.
    pub(crate) price: Option<Money>,
}

/// A place that ships.
#[derive(ToSchema, Serialize)]
pub(crate) struct Location {
    /// Its id.
    pub(crate) location: String,
    /// Its name.
    pub(crate) name: String,
    /// IANA name of its time zone.
    #[schema(example = "America/New_York")]
    pub(crate) time_zone: String,
    /// The days on which work is done.
    #[schema(example = json!(["mon", "tue", "wed", "thu", "fri"]))]
    pub(crate) working_days: Vec<String>,
    /// Days without work.
    #[schema(example = json!(["2026-12-25"]))]
    pub(crate) holidays: Vec<String>,
    /// Local time from which work starts on the next working day.
    #[schema(example = "14:00")]
    pub(crate) cutoff: String,
    /// Working days from the start of work to shipping.
    pub(crate) handling_days: u16,
    /// Working days from arrival until goods are ready.
    pub(crate) dock_to_stock_days: u16,
    /// How long parcels take.
    pub(crate) transit: Vec<Transit>,
}

/// So many units of a SKU in each unit of a kit.
#[derive(ToSchema, Serialize)]
pub(crate) struct Component {
    /// What goes in.
    pub(crate) sku: String,
    /// Units of it in one kit.
    pub(crate) quantity: i64,
}

/// What is sold. Fields that were not given are absent.
#[derive(ToSchema, Serialize)]
pub(crate) struct Sku {
    /// The merchant's code.
    pub(crate) sku: String,
    /// What people call it.
    pub(crate) title: String,
    /// What one unit sells for.
    #[schema(nullable = false)]
    pub(crate) price: Option<Money>,
    /// What one unit costs.
    #[schema(nullable = false)]
    pub(crate) unit_cost: Option<Money>,
    /// What a kit is made of.
    #[schema(nullable = false)]
    pub(crate) components: Option<Vec<Component>>,
    /// The code on the box.
    #[schema(nullable = false)]
    pub(crate) barcode: Option<String>,
    /// Who usually supplies it.
    #[schema(nullable = false)]
    pub(crate) supplier: Option<String>,
    /// Free labels.
    #[schema(nullable = false)]
    pub(crate) tags: Option<Vec<String>>,
    /// SKUs that can take its place for a customer, the best first.
    #[schema(nullable = false)]
    pub(crate) substitutes: Option<Vec<String>>,
    /// No longer made: what is on hand still sells.
    #[schema(nullable = false)]
    pub(crate) discontinued: Option<bool>,
}
