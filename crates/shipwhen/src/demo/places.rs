//! The sample shop's three locations.

use std::collections::BTreeSet;

use model::{
    calendar::{Calendar, WorkingDays},
    id::LocationId,
    location::LocationSettings,
    money::{Currency, Money},
    time::{Date, Time, Timestamp, Weekday, Zone},
    transit::{ANY_COUNTRY, Transit},
};

use super::moments::{day_from, moved};

/// The main warehouse.
pub(super) const NEWARK: &str = "newark";
/// The warehouse in the west.
pub(super) const RENO: &str = "reno";
/// The partner warehouse in Europe.
pub(super) const ROSTOCK: &str = "rostock-3pl";

/// Every location with its settings, the main one first, which its id sorts, too.
pub(super) fn places(now: Timestamp) -> Vec<(LocationId, LocationSettings)> {
    let year = day_from(now, 0).year();
    let years = || year - 1..=year + 1;
    let american: BTreeSet<Date> = years().flat_map(american_holidays).collect();
    let german: BTreeSet<Date> = years().flat_map(german_holidays).collect();
    let newark = transit(&[
        ("US", "standard", 2, 5, 690),
        ("US", "express", 1, 2, 1_990),
        ("CA", "standard", 4, 8, 1_490),
        ("MX", "standard", 5, 10, 1_890),
        (ANY_COUNTRY, "standard", 8, 14, 2_490),
        (ANY_COUNTRY, "express", 3, 5, 5_490),
    ]);
    let reno = transit(&[
        ("US", "standard", 2, 6, 690),
        ("US", "express", 1, 2, 2_190),
        ("CA", "standard", 4, 8, 1_490),
        (ANY_COUNTRY, "standard", 9, 15, 2_690),
    ]);
    let rostock = transit(&[
        ("DE", "standard", 1, 2, 490),
        ("DE", "express", 1, 1, 1_290),
        ("AT", "standard", 2, 3, 890),
        ("NL", "standard", 2, 3, 890),
        ("DK", "standard", 2, 3, 890),
        ("FR", "standard", 2, 4, 990),
        ("SE", "standard", 3, 5, 1_190),
        ("GB", "standard", 4, 7, 1_690),
        (ANY_COUNTRY, "standard", 8, 15, 3_190),
    ]);
    vec![
        place(NEWARK, "Newark, main warehouse", ("America/New_York", 14), american.clone(), newark),
        place(RENO, "Reno, west", ("America/Los_Angeles", 13), american, reno),
        place(ROSTOCK, "Rostock, Hansekai Logistik (3PL)", ("Europe/Berlin", 11), german, rostock),
    ]
}

/// A location whose clock and cut-off hour are as given.
fn place(
    id: &str,
    name: &str,
    (zone, cutoff): (&str, i8),
    holidays: BTreeSet<Date>,
    transit: Vec<Transit>,
) -> (LocationId, LocationSettings) {
    let (Ok(time_zone), Ok(calendar)) =
        (Zone::new(zone), Calendar::new(WorkingDays::MONDAY_TO_FRIDAY, holidays))
    else {
        unreachable!("the zones are in the database compiled in, and some days of each year are worked")
    };
    let settings = LocationSettings {
        name: name.to_owned(),
        time_zone,
        calendar,
        cutoff: Time::constant(cutoff, 0, 0, 0),
        handling_days: 1,
        dock_to_stock_days: 1,
        transit,
    };
    (LocationId::stored(id), settings)
}

fn transit(rows: &[(&str, &str, u16, u16, i64)]) -> Vec<Transit> {
    let row = |(country, service, days_min, days_max, cents): &(&str, &str, u16, u16, i64)| Transit {
        country: (*country).to_owned(),
        service: (*service).to_owned(),
        days_min: *days_min,
        days_max: *days_max,
        price: Some(Money::new(*cents, Currency::USD)),
    };
    rows.iter().map(row).collect()
}

/// Federal holidays on which the carriers do not collect.
fn american_holidays(year: i16) -> Vec<Date> {
    let fixed = [(1, 1), (6, 19), (7, 4), (12, 25)].map(|(month, day)| date(year, month, day));
    let counted = [
        // Martin Luther King day, Labor Day, Thanksgiving.
        nth(year, 1, Weekday::Monday, 3),
        nth(year, 9, Weekday::Monday, 1),
        nth(year, 11, Weekday::Thursday, 4),
        // Memorial Day: the last Monday of May is the one before the first of June.
        moved(nth(year, 6, Weekday::Monday, 1), -7),
    ];
    // A holiday on a Saturday is kept on Friday, on a Sunday on Monday.
    let kept = |date: Date| match date.weekday() {
        Weekday::Saturday => moved(date, -1),
        Weekday::Sunday => moved(date, 1),
        _ => date,
    };
    fixed.map(kept).into_iter().chain(counted).collect()
}

/// Public holidays in Mecklenburg-Vorpommern.
fn german_holidays(year: i16) -> Vec<Date> {
    let fixed = [(1, 1), (3, 8), (5, 1), (10, 3), (10, 31), (12, 25), (12, 26)];
    let easter = easter(year);
    // Good Friday, Easter Monday, Ascension, Whit Monday.
    let moving = [-2, 1, 39, 50].map(|days| moved(easter, days));
    fixed.map(|(month, day)| date(year, month, day)).into_iter().chain(moving).collect()
}

/// The `n`-th weekday of a month, from 1.
fn nth(year: i16, month: i8, weekday: Weekday, n: i64) -> Date {
    let first = date(year, month, 1);
    let to_weekday = i64::from(first.weekday().until(weekday));
    moved(first, to_weekday + 7 * (n - 1))
}

/// Easter Sunday. Source: the "anonymous" Gregorian computus (Nature, 20 April 1876).
fn easter(year: i16) -> Date {
    let year = i32::from(year);
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - b / 4 - g + 15) % 30;
    let l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let days = h + l - 7 * m + 114;
    // Counted from the 31st day before the first of March's month number: month and day in one number.
    let (month, day) = (days / 31, days % 31 + 1);
    date(
        i16::try_from(year).unwrap_or(i16::MAX),
        i8::try_from(month).unwrap_or(3),
        i8::try_from(day).unwrap_or(31),
    )
}

/// A date that is known to exist; the first day there is where it does not.
fn date(year: i16, month: i8, day: i8) -> Date {
    Date::new(year, month, day).unwrap_or(model::time::FIRST_DATE)
}

#[cfg(test)]
mod tests {
    use model::time::parse_date;

    use super::*;

    #[test]
    fn holidays_fall_where_they_do() {
        let is = |dates: Vec<Date>, text: &str| assert!(dates.contains(&parse_date(text).unwrap()), "{text}");
        for text in ["2026-01-19", "2026-05-25", "2026-07-03", "2026-09-07", "2026-11-26", "2026-12-25"] {
            is(american_holidays(2026), text);
        }
        for text in ["2026-04-03", "2026-04-06", "2026-05-14", "2026-05-25", "2026-10-03"] {
            is(german_holidays(2026), text);
        }
        for (year, text) in [(2024, "2024-03-31"), (2025, "2025-04-20"), (2038, "2038-04-25")] {
            assert_eq!(easter(year), parse_date(text).unwrap());
        }
    }

    #[test]
    fn the_main_warehouse_sorts_first() {
        let places = places("2026-06-01T12:00:00Z".parse().unwrap());
        let ids: Vec<&str> = places.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, [NEWARK, RENO, ROSTOCK]);
        assert!(ids.is_sorted());
        for (_, settings) in places {
            settings.transit.into_iter().for_each(|row| drop(row.checked().unwrap()));
        }
    }
}
