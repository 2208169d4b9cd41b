//! Dates and times as they stand in cells.

use std::fmt;

use jiff::{Timestamp, civil};

use super::error::{ValueError, quoted};

/// When an order was placed: an instant, or a wall clock whose zone the file does not tell (the caller knows the shop's).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlacedAt {
    /// With `Z` or an offset.
    Instant(Timestamp),
    /// Without: local time of the shop; midnight for a bare date.
    Local(civil::DateTime),
}

impl fmt::Display for PlacedAt {
    /// Writes RFC 3339 for an instant and `YYYY-MM-DD HH:MM:SS` for a wall clock; [`parse_placed_at`] reads both back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instant(instant) => write!(f, "{instant}"),
            Self::Local(local) => write!(f, "{} {}", local.date(), local.time()),
        }
    }
}

/// Reads `YYYY-MM-DD`, and nothing else: `03/04/2026` is March in one country and April in another.
///
/// Errors: `bad_date`.
pub fn parse_date(cell: &str) -> Result<civil::Date, ValueError> {
    let text = cell.trim();
    date(text.as_bytes()).ok_or_else(|| {
        ValueError::new("bad_date", format!("{} is not a date: write it as YYYY-MM-DD", quoted(text)))
    })
}

/// Reads RFC 3339, `YYYY-MM-DD HH:MM[:SS]` (a `T` between is fine) or `YYYY-MM-DD`.
///
/// Errors: `bad_date`.
pub fn parse_placed_at(cell: &str) -> Result<PlacedAt, ValueError> {
    let text = cell.trim();
    let bytes = text.as_bytes();
    if let Some(local) = local(bytes) {
        return Ok(PlacedAt::Local(local));
    }
    // A date alone is 10 bytes; only what has an offset behind its time can be an instant.
    let instant = if bytes.len() > 16 { text.parse::<Timestamp>().ok() } else { None };
    if let Some(instant) = instant {
        return Ok(PlacedAt::Instant(instant));
    }
    let fraction = if bytes.len() > 19 { text.parse::<civil::DateTime>().ok() } else { None };
    fraction.map(PlacedAt::Local).ok_or_else(|| {
        let detail =
            format!("{} is not a time: write 2026-12-01T09:30:00Z or 2026-12-01 09:30", quoted(text));
        ValueError::new("bad_date", detail)
    })
}

/// Reads `YYYY-MM-DD`, or that with a blank or `T` and `HH:MM` or `HH:MM:SS`.
pub(crate) fn local(bytes: &[u8]) -> Option<civil::DateTime> {
    let day = date(bytes.get(..10)?)?;
    let (hour, minute, second) = match &bytes[10..] {
        [] => (0, 0, 0),
        [b' ' | b'T', h1, h2, b':', m1, m2] => (two(*h1, *h2)?, two(*m1, *m2)?, 0),
        [b' ' | b'T', h1, h2, b':', m1, m2, b':', s1, s2] => (two(*h1, *h2)?, two(*m1, *m2)?, two(*s1, *s2)?),
        _ => return None,
    };
    Some(day.to_datetime(civil::Time::new(hour, minute, second, 0).ok()?))
}

fn date(bytes: &[u8]) -> Option<civil::Date> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = bytes else { return None };
    let year = i16::from(two(*y1, *y2)?) * 100 + i16::from(two(*y3, *y4)?);
    civil::Date::new(year, two(*m1, *m2)?, two(*d1, *d2)?).ok()
}

fn two(tens: u8, ones: u8) -> Option<i8> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| byte.cast_signed() - b'0'.cast_signed());
    Some(digit(tens)? * 10 + digit(ones)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_iso_dates_are_dates() {
        assert_eq!(parse_date(" 2026-02-28 ").unwrap(), civil::date(2026, 2, 28));
        for bad in ["2026-02-29", "2026-2-3", "03/04/2026", "2026-13-01", "tomorrow", "", "2026-02-28x"] {
            assert_eq!(parse_date(bad).unwrap_err().code, "bad_date", "{bad:?}");
        }
    }

    #[test]
    fn times_with_an_offset_are_instants_and_others_wall_clocks() {
        let local = |text: &str| Some(PlacedAt::Local(text.parse().unwrap()));
        let instant = |text: &str| Some(PlacedAt::Instant(text.parse().unwrap()));
        for (cell, expect) in [
            ("2026-12-01", local("2026-12-01T00:00:00")),
            ("2026-12-01 09:30", local("2026-12-01T09:30:00")),
            ("2026-12-01T09:30", local("2026-12-01T09:30:00")),
            ("2026-12-01 09:30:05", local("2026-12-01T09:30:05")),
            ("2026-12-01 09:30:05.25", local("2026-12-01T09:30:05.25")),
            ("2026-12-01T09:30:00Z", instant("2026-12-01T09:30:00Z")),
            ("2026-12-01T09:30:00+02:00", instant("2026-12-01T07:30:00Z")),
            ("2026-12-01 09:30:00.5-05:00", instant("2026-12-01T14:30:00.5Z")),
            ("1/12/2026 9:30", None),
            ("2026-12-01 25:00", None),
            ("2026-12-01 9:30", None),
            ("", None),
        ] {
            let got = parse_placed_at(cell);
            assert_eq!(got.clone().ok(), expect, "{cell:?}");
            if let Ok(moment) = got {
                assert_eq!(parse_placed_at(&moment.to_string()), Ok(moment));
            }
        }
    }
}
