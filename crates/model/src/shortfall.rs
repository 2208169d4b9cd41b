//! Who takes care of a promise that cannot be kept.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{id::LineId, money::Money, time::Date};

/// The kind of record that a [`Care`] is, under its line's id, owned by the order.
pub const CARE: &str = "shortfall";

/// Who takes care of a line, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Care {
    /// The line.
    pub line: LineId,
    /// Who: a name in the team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Arc<str>>,
    /// Until when it is to be settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Date>,
    /// What is done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Arc<str>>,
    /// What faster freight for it was quoted at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expedite_price: Option<Money>,
}
