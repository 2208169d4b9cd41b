//! Days before and after a moment.

use model::time::{Date, Timestamp, Zone, date_from_days, days_since_epoch, local_date, seconds_after};

pub(super) const MINUTE: i64 = 60;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// The moment so many seconds later, or earlier below zero; the same moment beyond the years there are.
pub(super) fn after(at: Timestamp, seconds: i64) -> Timestamp {
    seconds_after(at, seconds).unwrap_or(at)
}

/// The date in UTC so many days from a moment, or before it below zero.
pub(super) fn day_from(at: Timestamp, days: i64) -> Date {
    moved(local_date(at, &Zone::utc()), days)
}

/// The date so many days later, or earlier below zero; the same date beyond the years there are.
pub(super) fn moved(date: Date, days: i64) -> Date {
    i32::try_from(days).ok().and_then(|days| date_from_days(days_since_epoch(date) + days)).unwrap_or(date)
}
