//! Days of dates as files write them, without a calendar library: the core has none, and only differences count here.

/// Returns the days since 1970-01-01 of `2017-07-09` or `2017-07-09 21:57:05` (or with a `T`), the time of day as a fraction.
/// None for anything else, and for dates that do not exist.
pub(super) fn days(text: &str) -> Option<f64> {
    let (date, time) = match text.split_once([' ', 'T']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=longest).contains(&day) {
        return None;
    }
    let fraction = match time {
        None => 0.0,
        Some(time) => {
            let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
            if hour > 23 || minute > 59 || second > 59 {
                return None;
            }
            (hour * 3600 + minute * 60 + second) as f64 / 86_400.0
        }
    };
    Some(since_1970(year, month, day) as f64 + fraction)
}

/// Returns the day of the week, Monday 0, of days since 1970-01-01, a Thursday.
pub(super) fn day_of_week(days: f64) -> f64 {
    (days.floor() + 3.0).rem_euclid(7.0)
}

fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut found = [0; 3];
    for (place, width) in found.iter_mut().zip(widths) {
        let part = parts.next()?;
        if part.len() != width || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *place = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years that begin in March have their leap day last.
fn since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        for (text, want) in [
            ("1970-01-01", 0.0),
            ("1970-01-02T12:00:00", 1.5),
            ("2000-02-29", 11_016.0),
            ("2000-03-01 06:00:00", 11_017.25),
            ("2016-12-31", 17_166.0),
            ("2017-01-01", 17_167.0),
        ] {
            assert_eq!(days(text), Some(want), "{text}");
        }
        for text in [
            "",
            "2017",
            "2017-13-01",
            "2017-02-29",
            "2017-04-31",
            "17-04-01",
            "2017-4-1",
            "2017-04-01 24:00:00",
            "2017-04-01 1:00:00",
            "2017-04-01-01",
            "Pre-PQ Process",
            "+017-01-01",
        ] {
            assert_eq!(days(text), None, "{text}");
        }
        assert_eq!((day_of_week(0.5), day_of_week(4.0)), (3.0, 0.0));
    }
}
