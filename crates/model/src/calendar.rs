//! Working calendars: which days count, and how to count them.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::SeqAccess;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::{Date, LAST_DATE, Weekday, checked_date, date_from_days, days_since_epoch, shortened};

/// The longest stretch without a working day that a calendar may have, in days: three years.
///
/// Longer ones are typing errors (a holiday list that covers every day), and would put every date years away.
pub const LONGEST_CLOSURE_DAYS: i32 = 3 * 366;

/// Says that a date counted on a calendar would lie after [`LAST_DATE`]. Retrying does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("counting working days from {from} leads past {LAST_DATE}")]
pub struct CalendarExhausted {
    /// The date from which days were counted.
    pub from: Date,
}

/// Says why a calendar cannot be used. Retrying does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// The list of working days is empty.
    #[error("at least one working day is needed")]
    NoWorkingDay,
    /// The list of working days names a day twice.
    #[error("working day `{0}` is named twice")]
    DuplicateDay(&'static str),
    /// The text is not the name of a weekday.
    #[error("`{0}` is not one of mon, tue, wed, thu, fri, sat, sun")]
    UnknownDay(String),
    /// A holiday lies outside the dates accepted from input.
    #[error("a holiday cannot be used")]
    Holiday(#[source] crate::time::DateError),
    /// Holidays close the calendar for more than [`LONGEST_CLOSURE_DAYS`].
    #[error("holidays leave no working day from {from} to {to}")]
    Closed {
        /// The first closed working weekday.
        from: Date,
        /// The last closed working weekday.
        to: Date,
    },
}

const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The weekdays on which work is done: at least one.
///
/// Written as `["mon", "tue"]`, from Monday to Sunday; read in any order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct WorkingDays {
    // Bit 0 is Monday, bit 6 is Sunday; never zero, or counting would not end.
    bits: u8,
}

impl WorkingDays {
    /// Monday to Friday.
    pub const MONDAY_TO_FRIDAY: Self = Self { bits: 0b001_1111 };
    /// Every day of the week.
    pub const EVERY_DAY: Self = Self { bits: 0b111_1111 };

    /// Collects weekdays, in any order.
    ///
    /// Errors: `DuplicateDay` for the first day named twice, then `NoWorkingDay` when there is none.
    pub fn new(days: impl IntoIterator<Item = Weekday>) -> Result<Self, CalendarError> {
        let mut bits = 0;
        for day in days {
            let index = index(day);
            if bits & (1 << index) != 0 {
                return Err(CalendarError::DuplicateDay(NAMES[index]));
            }
            bits |= 1 << index;
        }
        if bits == 0 { Err(CalendarError::NoWorkingDay) } else { Ok(Self { bits }) }
    }

    /// Says whether work is done on this weekday.
    pub fn contains(self, day: Weekday) -> bool {
        self.bits & (1 << index(day)) != 0
    }

    fn contains_day(self, day: i64) -> bool {
        // Day 0, 1970-01-01, was a Thursday.
        self.bits & (1 << (day + 3).rem_euclid(7)) != 0
    }

    /// Returns the `n`th working weekday after a day; `n` is at least 1.
    fn nth_after(self, day: i64, n: i64) -> i64 {
        let per_week = i64::from(self.bits.count_ones());
        let whole_weeks = (n - 1) / per_week;
        let mut rest = n - whole_weeks * per_week;
        let mut at = day + whole_weeks * 7;
        while rest > 0 {
            at += 1;
            rest -= i64::from(self.contains_day(at));
        }
        at
    }

    fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES
            .iter()
            .enumerate()
            .filter(move |(index, _)| self.bits & (1 << index) != 0)
            .map(|(_, name)| *name)
    }
}

fn index(day: Weekday) -> usize {
    match day {
        Weekday::Monday => 0,
        Weekday::Tuesday => 1,
        Weekday::Wednesday => 2,
        Weekday::Thursday => 3,
        Weekday::Friday => 4,
        Weekday::Saturday => 5,
        Weekday::Sunday => 6,
    }
}

fn parse_weekday(name: &str) -> Result<Weekday, CalendarError> {
    Ok(match name {
        "mon" => Weekday::Monday,
        "tue" => Weekday::Tuesday,
        "wed" => Weekday::Wednesday,
        "thu" => Weekday::Thursday,
        "fri" => Weekday::Friday,
        "sat" => Weekday::Saturday,
        "sun" => Weekday::Sunday,
        _ => return Err(CalendarError::UnknownDay(shortened(name))),
    })
}

impl Default for WorkingDays {
    fn default() -> Self {
        Self::MONDAY_TO_FRIDAY
    }
}

impl fmt::Debug for WorkingDays {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.names()).finish()
    }
}

impl Serialize for WorkingDays {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

impl<'de> Deserialize<'de> for WorkingDays {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> serde::de::Visitor<'de> for Names {
            type Value = WorkingDays;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of weekdays such as [\"mon\", \"tue\"]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<WorkingDays, A::Error> {
                let mut days = Vec::new();
                while let Some(name) = names.next_element::<String>()? {
                    days.push(parse_weekday(&name).map_err(serde::de::Error::custom)?);
                }
                WorkingDays::new(days).map_err(serde::de::Error::custom)
            }
        }
        deserializer.deserialize_seq(Names)
    }
}

/// A working calendar: the weekdays on which work is done, less the holidays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    working_days: WorkingDays,
    holidays: BTreeSet<Date>,
    // The holidays that fall on a working weekday, as ascending day numbers: how many lie between two days is
    // then a difference of two positions. Rebuilt whenever the two fields above are set.
    closed: Box<[i32]>,
}

impl Calendar {
    /// Makes a calendar.
    ///
    /// Errors: `Holiday` for the first date outside the accepted range, then `Closed` for the first stretch of
    /// more than [`LONGEST_CLOSURE_DAYS`] without a working day.
    pub fn new(working_days: WorkingDays, holidays: BTreeSet<Date>) -> Result<Self, CalendarError> {
        for holiday in &holidays {
            checked_date(*holiday).map_err(CalendarError::Holiday)?;
        }
        let closed: Box<[i32]> = holidays
            .iter()
            .map(|date| days_since_epoch(*date))
            .filter(|day| working_days.contains_day(i64::from(*day)))
            .collect();
        if let Some((from, to)) = longest_closure(working_days, &closed)
            && to - from >= LONGEST_CLOSURE_DAYS
            && let (Some(from), Some(to)) = (date_from_days(from), date_from_days(to))
        {
            return Err(CalendarError::Closed { from, to });
        }
        Ok(Self { working_days, holidays, closed })
    }

    /// Returns a calendar on which every day is a working day.
    pub fn every_day() -> Self {
        Self { working_days: WorkingDays::EVERY_DAY, ..Self::default() }
    }

    /// Returns the weekdays on which work is done.
    pub fn working_days(&self) -> WorkingDays {
        self.working_days
    }

    /// Returns the holidays, whether or not they fall on a working weekday.
    pub fn holidays(&self) -> &BTreeSet<Date> {
        &self.holidays
    }

    /// Says whether work is done on this date.
    pub fn is_working(&self, date: Date) -> bool {
        self.is_working_day(i64::from(days_since_epoch(date)))
    }

    /// Returns the first working day on or after a date.
    ///
    /// Errors: `CalendarExhausted` when it lies after [`LAST_DATE`].
    pub fn roll_forward(&self, date: Date) -> Result<Date, CalendarExhausted> {
        self.add_working(date, 0)
    }

    /// Returns the `n`th working day after the first working day on or after a date.
    ///
    /// So zero rolls forward, the result is always a working day, and adding `a` then `b` is adding `a + b`.
    /// The time taken grows with the holidays passed and not with `n`.
    ///
    /// Errors: `CalendarExhausted` when the result lies after [`LAST_DATE`].
    pub fn add_working(&self, date: Date, n: u32) -> Result<Date, CalendarExhausted> {
        let start = i64::from(days_since_epoch(date));
        let every_day = self.working_days == WorkingDays::EVERY_DAY && self.closed.is_empty();
        let day = if every_day { Some(start + i64::from(n)) } else { self.count(start, n) };
        day.filter(|day| *day <= i64::from(LAST_DAY))
            .and_then(|day| date_from_days(i32::try_from(day).ok()?))
            .ok_or(CalendarExhausted { from: date })
    }

    /// Counts `n` working days from a day; absent beyond the last day.
    fn count(&self, start: i64, n: u32) -> Option<i64> {
        let mut at = start;
        // Ends within a closure and a week, as `new` refuses longer closures.
        while !self.is_working_day(at) {
            at += 1;
        }
        let mut left = i64::from(n);
        // Count weekdays as if there were no holidays, then count again for those met on the way. Each round
        // passes the holidays it counts, so the rounds end with the list.
        while left > 0 && at <= i64::from(LAST_DAY) {
            let target = self.working_days.nth_after(at, left);
            left = self.closed_through(target) - self.closed_through(at);
            at = target;
        }
        (left == 0).then_some(at)
    }

    fn is_working_day(&self, day: i64) -> bool {
        self.working_days.contains_day(day)
            && (self.closed.is_empty()
                || i32::try_from(day).is_ok_and(|day| self.closed.binary_search(&day).is_err()))
    }

    /// Returns how many closed working weekdays lie on or before a day.
    fn closed_through(&self, day: i64) -> i64 {
        let count = self.closed.partition_point(|closed| i64::from(*closed) <= day);
        i64::try_from(count).unwrap_or(i64::MAX)
    }
}

// `LAST_DATE` as a day number, 2199-12-31; a test holds the two together.
const LAST_DAY: i32 = 84_005;

/// Returns the first and last day of the longest run of working weekdays that are all closed.
fn longest_closure(working_days: WorkingDays, closed: &[i32]) -> Option<(i32, i32)> {
    let follows =
        |before: &i32, after: &i32| working_days.nth_after(i64::from(*before), 1) == i64::from(*after);
    closed
        .chunk_by(follows)
        .filter_map(|run| Some((*run.first()?, *run.last()?)))
        .max_by_key(|(from, to)| to - from)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is the failure of the test")]
mod tests {
    use super::*;
    use crate::time::parse_date;
    use proptest::prelude::*;

    fn date(year: i16, month: i8, day: i8) -> Date {
        Date::constant(year, month, day)
    }

    fn calendar(days: &str, holidays: &[&str]) -> Calendar {
        let days = WorkingDays::new(days.split(' ').map(|name| parse_weekday(name).unwrap())).unwrap();
        Calendar::new(days, holidays.iter().map(|text| parse_date(text).unwrap()).collect()).unwrap()
    }

    #[test]
    fn working_days_are_a_list_of_names() {
        let days: WorkingDays = serde_json::from_str(r#"["fri", "mon"]"#).unwrap();
        assert_eq!(serde_json::to_string(&days).unwrap(), r#"["mon","fri"]"#);
        assert!(days.contains(Weekday::Friday) && !days.contains(Weekday::Tuesday));
        for (text, message) in [
            ("[]", "at least one working day is needed"),
            (r#"["mon", "tue", "mon"]"#, "working day `mon` is named twice"),
            (r#"["Monday"]"#, "`Monday` is not one of mon, tue, wed, thu, fri, sat, sun"),
            (r#""mon""#, "invalid type: string \"mon\", expected a list of weekdays"),
            ("[1]", "invalid type: integer `1`, expected a string"),
        ] {
            let error = serde_json::from_str::<WorkingDays>(text).unwrap_err().to_string();
            assert!(error.starts_with(message), "{text}: {error}");
        }
    }

    #[test]
    fn counts_working_days() {
        // 2026-12-21 is a Monday; Christmas is a Friday.
        let week = "mon tue wed thu fri";
        let christmas: &[&str] = &["2026-12-24", "2026-12-25", "2026-12-26", "2027-01-01"];
        for (days, holidays, start, n, expect) in [
            (week, &[] as &[&str], "2026-12-21", 0, "2026-12-21"),
            (week, &[], "2026-12-21", 4, "2026-12-25"),
            (week, &[], "2026-12-21", 5, "2026-12-28"),
            (week, &[], "2026-12-26", 0, "2026-12-28"),
            (week, &[], "2026-12-26", 1, "2026-12-29"),
            (week, christmas, "2026-12-23", 1, "2026-12-28"),
            (week, christmas, "2026-12-24", 0, "2026-12-28"),
            (week, christmas, "2026-12-23", 6, "2027-01-05"),
            (week, &[], "2026-12-21", 2_600, "2036-12-08"),
            ("sat", &[], "2026-12-21", 0, "2026-12-26"),
            ("sat", &["2026-12-26"], "2026-12-21", 2, "2027-01-16"),
            ("mon tue wed thu fri sat sun", &[], "2028-02-28", 2, "2028-03-01"),
            ("mon tue wed thu fri sat sun", christmas, "2026-12-23", 1, "2026-12-27"),
            (week, &[], "2199-12-31", 0, "2199-12-31"),
        ] {
            let got = calendar(days, holidays).add_working(parse_date(start).unwrap(), n).unwrap();
            assert_eq!(got.to_string(), expect, "{start} + {n} on {days} less {holidays:?}");
        }
    }

    #[test]
    fn counting_ends_at_the_last_date() {
        assert_eq!(days_since_epoch(LAST_DATE), LAST_DAY);
        for calendar in [Calendar::every_day(), Calendar::default(), calendar("sun", &["2026-12-27"])] {
            for (from, n) in [(date(2026, 12, 1), u32::MAX), (LAST_DATE, 1), (date(9999, 12, 31), 0)] {
                assert_eq!(calendar.add_working(from, n), Err(CalendarExhausted { from }));
            }
        }
    }

    #[test]
    fn a_calendar_closed_for_three_years_is_refused() {
        let close = |days: i32, weekdays: WorkingDays| {
            let first = days_since_epoch(date(2027, 1, 4));
            let holidays = (first..first + days).map(|day| date_from_days(day).unwrap()).collect();
            Calendar::new(weekdays, holidays)
        };
        let longest = close(LONGEST_CLOSURE_DAYS, WorkingDays::EVERY_DAY).unwrap();
        assert_eq!(longest.roll_forward(date(2027, 1, 4)).unwrap(), date(2030, 1, 6));
        let error = close(LONGEST_CLOSURE_DAYS + 1, WorkingDays::EVERY_DAY).unwrap_err();
        assert_eq!(error.to_string(), "holidays leave no working day from 2027-01-04 to 2030-01-06");
        // Weekends between the holidays do not hide the closure.
        let error = close(1_200, WorkingDays::MONDAY_TO_FRIDAY).unwrap_err();
        assert!(matches!(error, CalendarError::Closed { .. }), "{error}");
        assert!(close(73_000, WorkingDays::MONDAY_TO_FRIDAY).is_err());
    }

    #[test]
    fn holidays_are_within_the_accepted_range() {
        let error = Calendar::new(WorkingDays::EVERY_DAY, [date(1969, 12, 25)].into()).unwrap_err();
        assert!(matches!(error, CalendarError::Holiday(_)), "{error}");
    }

    fn any_calendar() -> impl Strategy<Value = Calendar> {
        let holidays = prop::collection::btree_set(20_400..20_500_i32, 0..60);
        (1..128_u8, holidays).prop_map(|(bits, holidays)| {
            let holidays = holidays.into_iter().map(|day| date_from_days(day).unwrap()).collect();
            Calendar::new(WorkingDays { bits }, holidays).unwrap()
        })
    }

    fn any_date() -> impl Strategy<Value = Date> {
        (20_380..20_520_i32).prop_map(|day| date_from_days(day).unwrap())
    }

    proptest! {
        #[test]
        fn counting_agrees_with_walking_the_days(calendar in any_calendar(), start in any_date(), n in 0..80_u32) {
            let mut left = n + 1;
            let mut day = days_since_epoch(start) - 1;
            while left > 0 {
                day += 1;
                left -= u32::from(calendar.is_working(date_from_days(day).unwrap()));
            }
            prop_assert_eq!(calendar.add_working(start, n).unwrap(), date_from_days(day).unwrap());
        }

        #[test]
        fn the_result_is_a_working_day(calendar in any_calendar(), start in any_date(), n in 0..80_u32) {
            let end = calendar.add_working(start, n).unwrap();
            prop_assert!(calendar.is_working(end) && end >= start);
            let weekday = calendar.working_days().contains(end.weekday());
            prop_assert!(weekday && !calendar.holidays().contains(&end));
        }

        #[test]
        fn adding_twice_is_adding_the_sum(
            calendar in any_calendar(), start in any_date(), a in 0..80_u32, b in 0..80_u32,
        ) {
            let first = calendar.add_working(start, a).unwrap();
            prop_assert_eq!(calendar.add_working(first, b), calendar.add_working(start, a + b));
        }

        #[test]
        fn adding_is_monotone(
            calendar in any_calendar(), one in any_date(), other in any_date(), a in 0..80_u32, b in 0..80_u32,
        ) {
            let early = calendar.add_working(one.min(other), a.min(b)).unwrap();
            prop_assert!(early <= calendar.add_working(one.max(other), a.max(b)).unwrap());
        }
    }
}
