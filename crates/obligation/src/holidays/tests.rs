use super::*;
use model::time::parse_date;

fn day(text: &str) -> Date {
    parse_date(text).unwrap()
}

/// The holidays of 2027 that do not fall on a weekend, as month and day.
fn weekday_holidays_of_2027(code: &str) -> String {
    let workdays = Workdays::of(code);
    let mut at = day("2027-01-01");
    let mut found = Vec::new();
    while at <= day("2027-12-31") {
        if !is_weekend(at) && workdays.is_holiday(at) {
            found.push(format!("{:02}-{:02}", at.month(), at.day()));
        }
        at = next(at);
    }
    found.join(" ")
}

#[test]
fn countries_are_sorted_by_code() {
    assert!(COUNTRIES.is_sorted_by(|left, right| left.code < right.code));
}

#[test]
fn the_holidays_of_2027_are_those_of_each_countrys_law() {
    for (code, expect) in [
        ("AT", "01-01 01-06 03-29 05-06 05-17 05-27 10-26 11-01 12-08"),
        ("BE", "01-01 03-29 05-06 05-17 07-21 11-01 11-11"),
        ("BG", "01-01 03-03 04-30 05-03 05-04 05-06 05-24 09-06 09-22 12-24 12-27 12-28"),
        ("CY", "01-01 01-06 03-15 03-25 04-01 04-30 05-03 06-21 10-01 10-28"),
        ("CZ", "01-01 03-26 03-29 07-05 07-06 09-28 10-28 11-17 12-24"),
        ("DE", "01-01 03-26 03-29 05-06 05-17"),
        ("DK", "01-01 03-25 03-26 03-29 05-06 05-17"),
        ("EE", "01-01 02-24 03-26 06-23 06-24 08-20 12-24"),
        ("ES", "01-01 01-06 03-26 10-12 11-01 12-06 12-08"),
        ("FI", "01-01 01-06 03-26 03-29 05-06 12-06"),
        ("FR", "01-01 03-29 05-06 05-17 07-14 11-01 11-11"),
        ("GB", "01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28"),
        ("GR", "01-01 01-06 03-15 03-25 04-30 05-03 06-21 10-28"),
        ("HR", "01-01 01-06 03-29 05-27 06-22 08-05 11-01 11-18"),
        ("HU", "01-01 03-15 03-26 03-29 05-17 08-20 11-01 12-24"),
        ("IE", "01-01 02-01 03-17 03-29 05-03 06-07 08-02 10-25"),
        ("IS", "01-01 03-25 03-26 03-29 04-22 05-06 05-17 06-17 08-02"),
        ("IT", "01-01 01-06 03-29 06-02 10-04 11-01 12-08"),
        ("LI", "01-01 01-06 03-29 05-06 05-17 05-27 09-08 11-01 12-08"),
        ("LT", "01-01 02-16 03-11 03-29 06-24 07-06 11-01 11-02 12-24"),
        ("LU", "01-01 03-29 05-06 05-17 06-23 11-01"),
        ("LV", "01-01 03-26 03-29 05-04 06-23 06-24 11-18 12-24 12-31"),
        ("MT", "01-01 02-10 03-19 03-26 03-31 06-07 06-29 09-08 09-21 12-08 12-13"),
        ("NL", "01-01 03-29 04-27 05-06 05-17"),
        ("NO", "01-01 03-25 03-26 03-29 05-06 05-17"),
        ("PL", "01-01 01-06 03-29 05-03 05-27 11-01 11-11 12-24"),
        ("PT", "01-01 03-26 05-27 06-10 10-05 11-01 12-01 12-08"),
        ("RO", "01-01 01-06 01-07 04-30 05-03 06-01 06-21 11-30 12-01"),
        ("SE", "01-01 01-06 03-26 03-29 05-06"),
        ("SI", "01-01 02-08 03-29 04-27 06-25 11-01"),
        ("SK", "01-01 01-06 03-26 03-29 07-05 09-15 11-01 12-24"),
        // New Year's Day of 2028 is a Saturday: kept on the Friday before.
        ("US", "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31"),
    ] {
        assert_eq!(weekday_holidays_of_2027(code), expect, "{code}");
    }
}

#[test]
fn easter_is_kept_by_two_reckonings() {
    for (year, western, orthodox) in [
        (2024, "2024-03-31", "2024-05-05"),
        (2025, "2025-04-20", "2025-04-20"),
        (2026, "2026-04-05", "2026-04-12"),
        (2038, "2038-04-25", "2038-04-25"),
        (2100, "2100-03-28", "2100-05-02"),
    ] {
        assert_eq!(easter(Church::Western, year), Some(day(western)));
        assert_eq!(easter(Church::Orthodox, year), Some(day(orthodox)));
    }
}

#[test]
fn working_days_are_counted_after_the_first_day() {
    let us = Workdays::of("US");
    for (after, n, expect) in [
        ("2026-12-03", 7, "2026-12-14"),
        ("2026-12-05", 7, "2026-12-15"),
        ("2026-12-31", 7, "2027-01-12"),
        ("2027-01-02", 7, "2027-01-12"),
        ("2026-11-25", 1, "2026-11-27"),
        ("2026-11-25", 0, "2026-11-25"),
    ] {
        assert_eq!(us.nth_after(day(after), n), day(expect), "{after} + {n}");
    }
    assert_eq!(us.nth_after(LAST_DATE, 7), LAST_DATE);
}

#[test]
fn a_country_without_a_table_has_weekends_only() {
    let nowhere = Workdays::of("ZZ");
    assert!(!nowhere.is_known() && Workdays::of("DE").is_known());
    assert!(nowhere.is_working(day("2026-12-25")));
    assert_eq!(nowhere.on_or_after(day("2026-12-26")), day("2026-12-28"));
    assert_eq!(Workdays::of("GB").on_or_after(day("2026-12-26")), day("2026-12-29"));
}
