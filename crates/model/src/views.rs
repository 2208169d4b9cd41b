//! How often shoppers looked at a product: how many looks, never whose.

use serde::{Deserialize, Serialize};

use crate::id::Sku;

/// The ledger's word for [`Viewed`].
pub const BADGE_VIEWS: &str = "badge_views";

/// Looks at badges, by what they said: as an entry of the ledger has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewed {
    /// By SKU.
    pub badge_views: Vec<Views>,
}

/// Looks at the badge of one SKU since they were last written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Views {
    /// Of which.
    pub sku: Sku,
    /// While it was in stock.
    #[serde(default)]
    pub here: u32,
    /// While it was sold for later, by the wait that was told, the shortest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<u32>,
    /// While it could not be bought.
    #[serde(default)]
    pub out: u32,
}
