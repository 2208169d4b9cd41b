//! Instants, local dates and time zones: the one module that names the date crate.
//!
//! Time zone rules come from the database compiled into the program and never from the machine, so the same
//! input gives the same dates on every node.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::LazyLock;

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use jiff::{
    Timestamp,
    civil::{Date, Time, Weekday},
};

/// The first date accepted from input, 1970-01-01: day 0 of [`days_since_epoch`].
pub const FIRST_DATE: Date = jiff::civil::date(1970, 1, 1);

/// The last date accepted from input or computed by a calendar, 2199-12-31.
pub const LAST_DATE: Date = jiff::civil::date(2199, 12, 31);

/// Says why a text is not a date that can be used. Retrying does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// The text is not of the form `2026-12-01`, or names a day that does not exist.
    #[error("`{0}` is not a date of the form 2026-12-01")]
    Malformed(String),
    /// The date lies outside [`FIRST_DATE`] to [`LAST_DATE`].
    #[error("date {0} is outside {FIRST_DATE} to {LAST_DATE}")]
    OutOfRange(Date),
}

/// Says why a text is not a time of day. Retrying does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time of day from 00:00 to 23:59")]
pub struct TimeError(pub String);

/// Names a time zone that is not in the IANA database. Retrying does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown time zone `{0}`")]
pub struct UnknownZone(pub String);

/// Returns the date itself when it lies within [`FIRST_DATE`] to [`LAST_DATE`], both included.
///
/// Errors: `OutOfRange` otherwise.
pub fn checked_date(date: Date) -> Result<Date, DateError> {
    if date < FIRST_DATE || date > LAST_DATE { Err(DateError::OutOfRange(date)) } else { Ok(date) }
}

/// Parses a date of exactly the form `2026-12-01`.
///
/// Stricter than the date crate, which would also take `20261201` and the date part of a date with a time.
///
/// Errors: `Malformed` for any other form, `OutOfRange` as in [`checked_date`].
pub fn parse_date(text: &str) -> Result<Date, DateError> {
    let malformed = || DateError::Malformed(shortened(text));
    let [year, month, day] = digit_groups(text, '-', [4, 2, 2]).ok_or_else(malformed)?;
    let date = i16::try_from(year)
        .ok()
        .zip(i8::try_from(month).ok())
        .zip(i8::try_from(day).ok())
        .and_then(|((year, month), day)| Date::new(year, month, day).ok())
        .ok_or_else(malformed)?;
    checked_date(date)
}

/// Parses a time of day of exactly the form `14:00`, from `00:00` to `23:59`.
///
/// Errors: `TimeError` naming the text for any other form.
pub fn parse_time(text: &str) -> Result<Time, TimeError> {
    digit_groups(text, ':', [2, 2])
        .and_then(|[hour, minute]| Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok())
        .ok_or_else(|| TimeError(shortened(text)))
}

/// Splits a text into `N` groups of ASCII digits of the given widths; absent when it has any other form.
fn digit_groups<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[u16; N]> {
    let mut groups = text.split(separator);
    let mut numbers = [0; N];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let group = groups.next()?;
        if group.len() != width || !group.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = group.parse().ok()?;
    }
    groups.next().is_none().then_some(numbers)
}

/// Cuts a text that is quoted in an error, so that a hostile input cannot fill a log.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Returns the days from 1970-01-01 to the date: a compact key that sorts as dates do, and may be negative.
///
/// Source: H. Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`.
pub fn days_since_epoch(date: Date) -> i32 {
    let (month, day) = (i32::from(date.month()), i32::from(date.day()));
    // A year that starts in March puts the leap day last, where it moves no other day.
    let year = i32::from(date.year()) - i32::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Returns the date that many days after 1970-01-01: the inverse of [`days_since_epoch`].
///
/// Absent when the year leaves -9999 to 9999, which no day within the accepted range does.
///
/// Source: H. Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
pub fn date_from_days(days: i32) -> Option<Date> {
    let shifted = days.checked_add(719_468)?;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i32::from(month <= 2);
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Returns the date so many days later; absent beyond [`LAST_DATE`].
pub fn days_after(date: Date, days: u16) -> Option<Date> {
    date_from_days(days_since_epoch(date) + i32::from(days)).filter(|later| *later <= LAST_DATE)
}

/// Returns the instant so many seconds later; absent beyond the last instant there is.
pub fn seconds_after(at: Timestamp, seconds: i64) -> Option<Timestamp> {
    at.checked_add(jiff::SignedDuration::from_secs(seconds)).ok()
}

/// Reads a date of the accepted form and range: for `#[serde(deserialize_with)]` on a `Date` field.
pub fn deserialize_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    deserializer.deserialize_str(Parsed("a date such as 2026-12-01", parse_date))
}

/// Reads a date or null: for `#[serde(default, deserialize_with)]` on an `Option<Date>` field.
pub fn deserialize_optional_date<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Date>, D::Error> {
    struct Checked(Date);
    impl<'de> Deserialize<'de> for Checked {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserialize_date(deserializer).map(Self)
        }
    }
    Ok(Option::<Checked>::deserialize(deserializer)?.map(|checked| checked.0))
}

/// Reads a time of day such as `14:00`.
pub(crate) fn deserialize_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    deserializer.deserialize_str(Parsed("a time of day such as 14:00", parse_time))
}

/// Writes a time of day as `14:00`; seconds, which no parser here lets in, would be dropped.
pub(crate) fn serialize_time<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{:02}:{:02}", time.hour(), time.minute()))
}

/// Visits a string and hands it to a parser: what it expects, and the parser.
pub(crate) struct Parsed<F>(pub(crate) &'static str, pub(crate) F);

impl<T, E, F> serde::de::Visitor<'_> for Parsed<F>
where
    E: fmt::Display,
    F: FnOnce(&str) -> Result<T, E>,
{
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }

    fn visit_str<Failure: serde::de::Error>(self, text: &str) -> Result<T, Failure> {
        (self.1)(text).map_err(Failure::custom)
    }
}

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone of the IANA database, known by its name and cheap to clone.
///
/// Written and read as its name. Names are found in any case and kept as the database spells them.
#[derive(Clone)]
pub struct Zone {
    // Always has an IANA name: the only ways in are the database and UTC.
    rules: TimeZone,
}

impl Zone {
    /// Returns the zone UTC.
    pub fn utc() -> Self {
        Self { rules: TimeZone::UTC }
    }

    /// Finds a zone by its IANA name, such as `Europe/Berlin`.
    ///
    /// Errors: `UnknownZone` naming the text when the database has no such zone.
    pub fn new(name: &str) -> Result<Self, UnknownZone> {
        let unknown = || UnknownZone(shortened(name));
        let rules = DATABASE.get(name).map_err(|_| unknown())?;
        // The database answers to `Etc/Unknown`, which stands for having no zone.
        if rules.is_unknown() || rules.iana_name().is_none() { Err(unknown()) } else { Ok(Self { rules }) }
    }

    /// Returns the IANA name.
    pub fn name(&self) -> &str {
        self.rules.iana_name().unwrap_or("UTC")
    }

    /// Returns the first instant at which a clock in this zone shows this date and time.
    ///
    /// A time that the clock shows twice gives the first of the two; one that it skips gives the instant as
    /// far past the jump as the time was past its start. Absent only beyond the years an instant can have.
    pub fn first_instant(&self, date: Date, time: Time) -> Option<Timestamp> {
        self.rules.to_ambiguous_timestamp(DateTime::from_parts(date, time)).compatible().ok()
    }

    /// Returns the date and time that a clock in this zone shows.
    pub fn local(&self, at: Timestamp) -> (Date, Time) {
        let local = self.rules.to_datetime(at);
        (local.date(), local.time())
    }
}

/// Returns the date that a calendar in this zone shows at this instant.
pub fn local_date(at: Timestamp, zone: &Zone) -> Date {
    zone.local(at).0
}

/// Returns the time of day that a clock in this zone shows at this instant.
pub fn local_time(at: Timestamp, zone: &Zone) -> Time {
    zone.local(at).1
}

impl Default for Zone {
    fn default() -> Self {
        Self::utc()
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        Self::new(name)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Zone({})", self.name())
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Zone {}

impl PartialOrd for Zone {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Zone {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name().cmp(other.name())
    }
}

impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Parsed("the IANA name of a time zone, such as Europe/Berlin", Self::new))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is the failure of the test")]
mod tests {
    use super::*;
    use jiff::civil::{date, time};
    use proptest::prelude::*;

    #[test]
    fn dates_have_one_form_and_a_range() {
        for (text, expect) in [
            ("1970-01-01", None),
            ("2199-12-31", None),
            ("2028-02-29", None),
            ("1969-12-31", Some("date 1969-12-31 is outside 1970-01-01 to 2199-12-31")),
            ("2200-01-01", Some("date 2200-01-01 is outside 1970-01-01 to 2199-12-31")),
            ("2027-02-29", Some("`2027-02-29` is not a date of the form 2026-12-01")),
            ("20261201", Some("`20261201` is not a date of the form 2026-12-01")),
            ("2026-12-1", Some("`2026-12-1` is not a date of the form 2026-12-01")),
            ("2026-12-01-01", Some("`2026-12-01-01` is not a date of the form 2026-12-01")),
            ("+026-12-01", Some("`+026-12-01` is not a date of the form 2026-12-01")),
            ("2026-12-01T10:00", Some("`2026-12-01T10:00` is not a date of the form 2026-12-01")),
            ("", Some("`` is not a date of the form 2026-12-01")),
        ] {
            match (parse_date(text), expect) {
                (Ok(date), None) => assert_eq!(date.to_string(), text),
                (Err(error), Some(message)) => assert_eq!(error.to_string(), message),
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
    }

    #[test]
    fn times_of_day_have_one_form() {
        assert_eq!(parse_time("14:00").unwrap(), time(14, 0, 0, 0));
        assert_eq!(parse_time("00:00").unwrap(), time(0, 0, 0, 0));
        for text in ["24:00", "12:60", "9:00", "14", "14:00:00", "2pm", ""] {
            let message = format!("`{text}` is not a time of day from 00:00 to 23:59");
            assert_eq!(parse_time(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn optional_dates_are_checked_too() {
        #[derive(Debug, Deserialize)]
        struct Row {
            #[serde(default, deserialize_with = "deserialize_optional_date")]
            on: Option<Date>,
        }
        let read = |text: &str| serde_json::from_str::<Row>(text).map(|row| row.on);
        assert_eq!(read("{}").unwrap(), None);
        assert_eq!(read(r#"{"on": null}"#).unwrap(), None);
        assert_eq!(read(r#"{"on": "2026-12-01"}"#).unwrap(), Some(date(2026, 12, 1)));
        assert!(read(r#"{"on": "2226-12-01"}"#).unwrap_err().to_string().contains("2226-12-01 is outside"));
        assert!(read(r#"{"on": 20261201}"#).unwrap_err().to_string().contains("a date such as"));
    }

    #[test]
    fn zones_are_known_by_name() {
        let zone: Zone = serde_json::from_str(r#""europe/berlin""#).unwrap();
        assert_eq!(serde_json::to_string(&zone).unwrap(), r#""Europe/Berlin""#);
        assert_eq!(zone, Zone::new("Europe/Berlin").unwrap());
        assert_eq!(Zone::new("UTC").unwrap(), Zone::utc());
        for name in ["Mars/Olympus", "", "Etc/Unknown", "local", "+02:00"] {
            let error = serde_json::from_value::<Zone>(name.into()).unwrap_err().to_string();
            assert_eq!(error, format!("unknown time zone `{name}`"));
        }
    }

    #[test]
    fn one_instant_has_many_local_dates() {
        let at: Timestamp = "2026-03-01T11:30:00Z".parse().unwrap();
        for (zone, day, clock) in [
            ("UTC", date(2026, 3, 1), time(11, 30, 0, 0)),
            ("Pacific/Kiritimati", date(2026, 3, 2), time(1, 30, 0, 0)),
            ("Pacific/Pago_Pago", date(2026, 3, 1), time(0, 30, 0, 0)),
            ("Etc/GMT+12", date(2026, 2, 28), time(23, 30, 0, 0)),
            ("Asia/Kolkata", date(2026, 3, 1), time(17, 0, 0, 0)),
            ("Asia/Kathmandu", date(2026, 3, 1), time(17, 15, 0, 0)),
        ] {
            let zone = Zone::new(zone).unwrap();
            assert_eq!((local_date(at, &zone), local_time(at, &zone)), (day, clock), "{zone}");
        }
    }

    #[test]
    fn a_repeated_time_is_its_first_instant() {
        let zone = Zone::new("America/New_York").unwrap();
        let first = zone.first_instant(date(2026, 11, 1), time(1, 30, 0, 0)).unwrap();
        assert_eq!(first, "2026-11-01T05:30:00Z".parse().unwrap());
    }

    #[test]
    fn day_numbers_start_in_1970() {
        assert_eq!(days_since_epoch(FIRST_DATE), 0);
        assert_eq!(days_since_epoch(date(2000, 3, 1)), 11_017);
        assert_eq!(date_from_days(-1), Some(date(1969, 12, 31)));
        assert_eq!(date_from_days(i32::MAX), None);
        assert_eq!(date_from_days(i32::MIN), None);
    }

    proptest! {
        #[test]
        fn day_numbers_agree_with_the_date_crate(days in -700_000..2_900_000_i32) {
            let date = date_from_days(days).unwrap();
            prop_assert_eq!(days_since_epoch(date), days);
            prop_assert_eq!(FIRST_DATE.checked_add(jiff::Span::new().days(days)).unwrap(), date);
        }
    }
}
