//! How much one request may ask for: every number and text that comes in is held against these.

use crate::Units;

/// Most units in one order line or hold line.
pub const LINE_UNITS_MAX: Units = 1_000_000;
/// Most units in one supply, adjustment, cap, buffer or customer limit.
pub const SUPPLY_UNITS_MAX: Units = 1_000_000_000;
/// Most lines in one order or hold.
pub const LINES_MAX: usize = 500;
/// Most orders in one batch call.
pub const BATCH_MAX: usize = 500;
/// Most components in a kit.
pub const COMPONENTS_MAX: usize = 50;
/// Most units of one component in one kit.
pub const COMPONENT_UNITS_MAX: Units = 10_000;
/// Most open supplies one SKU may have: what bounds the cost of one decision.
pub const SUPPLIES_MAX: usize = 2_000;
/// Longest lead time, buffer, horizon or transit, in days.
pub const DAYS_MAX: u16 = 1_825;
/// Longest hold, in seconds (seven days).
pub const HOLD_TTL_S_MAX: i64 = 604_800;
/// Longest free text (title, note, reason), in characters.
pub const TEXT_CHARS_MAX: usize = 2_000;
/// Longest name-like text (reference, supplier, e-mail, customer name), in characters.
pub const NAME_CHARS_MAX: usize = 254;
