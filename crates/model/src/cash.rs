//! What cash over the days ahead begins with.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The kind of record that says so; its id is the code of a currency.
pub const CASH_SETTINGS: &str = "cash_settings";

/// What is set for one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CashSettings {
    /// Cash, in minor units.
    pub opening: i64,
    /// Days until the processor pays out.
    pub payout_days: i64,
    /// Share of supplies on their way that is paid already.
    pub supplier_deposit_percent: i64,
    /// When it was set; `None`: never.
    pub set_at: Option<Timestamp>,
}

impl Default for CashSettings {
    fn default() -> Self {
        Self { opening: 0, payout_days: 2, supplier_deposit_percent: 0, set_at: None }
    }
}
