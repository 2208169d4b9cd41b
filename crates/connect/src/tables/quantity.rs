//! Quantities: whole numbers, `not stocked`, and nothing.

use std::fmt;

use super::error::{ValueError, quoted};

/// Far above any stock ever counted, and far from where sums of them overflow.
const QUANTITY_MAX: i64 = 1_000_000_000_000;

/// What a stock cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// The article is not kept at this place (`not stocked`): neither zero nor unknown.
    NotStocked,
    /// A number of units; below zero, that many are already owed.
    Units(i64),
}

impl Count {
    /// Returns the units physically there: never negative, and 0 where the article is not stocked.
    #[must_use]
    pub fn on_hand(self) -> i64 {
        match self {
            Self::NotStocked => 0,
            Self::Units(units) => units.max(0),
        }
    }

    /// Returns the units sold and not there: 4 for a cell that says −4.
    #[must_use]
    pub fn owed(self) -> i64 {
        match self {
            Self::NotStocked => 0,
            Self::Units(units) => units.min(0).saturating_neg(),
        }
    }
}

impl fmt::Display for Count {
    /// Writes what a person is shown: `12 on hand`, `4 owed`, `not stocked`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStocked => f.write_str("not stocked"),
            Self::Units(units) if *units < 0 => write!(f, "{} owed", self.owed()),
            Self::Units(units) => write!(f, "{units} on hand"),
        }
    }
}

/// Reads a quantity cell; `None` when it is empty, which is not zero.
///
/// Takes `12`, `+12`, `-4`, `−4` (Unicode minus), `12.0`, `1,000,000`, `not stocked` in any letter case, and an
/// apostrophe in front (some exporters guard `-4` so).
/// Errors: `fraction` for `1.5`; `ambiguous_quantity` for `1,000` and `12.000`, which are a thousand times more in one
/// country than in another; `quantity_too_large`; `bad_quantity`.
pub fn parse(cell: &str) -> Result<Option<Count>, ValueError> {
    let text = cell.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if let Some(units) = plain(text.as_bytes()) {
        return Ok(Some(Count::Units(units)));
    }
    if text.eq_ignore_ascii_case("not stocked") || text.eq_ignore_ascii_case("not_stocked") {
        return Ok(Some(Count::NotStocked));
    }
    let bad = || {
        ValueError::new(
            "bad_quantity",
            format!("{} is not a whole number: write digits, or \"not stocked\"", quoted(text)),
        )
    };
    let unguarded = text.strip_prefix('\'').unwrap_or(text);
    let (negative, digits) = match unguarded.strip_prefix(['-', '−', '–']) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, unguarded.strip_prefix('+').unwrap_or(unguarded)),
    };
    let whole = whole_part(digits).ok_or_else(bad)??;
    let units = whole.parse().ok().filter(|units| *units <= QUANTITY_MAX);
    let units: i64 = units.ok_or_else(|| {
        ValueError::new("quantity_too_large", format!("{} is beyond any stock", quoted(text)))
    })?;
    Ok(Some(Count::Units(if negative { -units } else { units })))
}

/// The common case, a few ASCII digits with or without a minus.
fn plain(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        all => (false, all),
    };
    if digits.is_empty() || digits.len() > 12 {
        return None;
    }
    let mut units = 0_i64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        units = units * 10 + i64::from(digit - b'0');
    }
    Some(if negative { -units } else { units })
}

/// Returns the digits before the decimals, which must all be zero; `None` if this is no number.
fn whole_part(text: &str) -> Option<Result<String, ValueError>> {
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ',') {
        return None;
    }
    let separators = text.matches(['.', ',']).count();
    let Some((before, after)) = text.split_once(['.', ',']) else { return Some(Ok(text.to_owned())) };
    if before.is_empty() || after.is_empty() {
        return None;
    }
    if separators > 1 {
        // Only one sign, three digits behind each: groups of thousands and nothing else.
        let sign = text.chars().find(|c| !c.is_ascii_digit())?;
        let mut groups = text.split(sign);
        let first_fits = groups.next().is_some_and(|group| matches!(group.len(), 1..=3));
        let grouped =
            first_fits && groups.all(|group| group.len() == 3 && group.bytes().all(|b| b.is_ascii_digit()));
        return grouped.then(|| Ok(text.replace(sign, "")));
    }
    if after.len() == 3 && before.len() <= 3 && !before.starts_with('0') {
        let detail = format!("{} may be thousands or decimals: write it without a separator", quoted(text));
        return Some(Err(ValueError::new("ambiguous_quantity", detail)));
    }
    if after.bytes().any(|digit| digit != b'0') {
        let detail = format!("{} is not whole: quantities are whole numbers", quoted(text));
        return Some(Err(ValueError::new("fraction", detail)));
    }
    Some(Ok(before.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_whole_and_never_silently_zero() {
        let units = |n| Ok(Some(Count::Units(n)));
        let cases: &[(&str, Result<Option<Count>, &str>)] = &[
            ("12", units(12)),
            (" 12 ", units(12)),
            ("12.0", units(12)),
            ("12,00", units(12)),
            ("+7", units(7)),
            ("-4", units(-4)),
            ("−4", units(-4)),
            ("– 4", units(-4)),
            ("'-4", units(-4)),
            ("-4.0", units(-4)),
            ("0", units(0)),
            ("-0", units(0)),
            ("1,000,000", units(1_000_000)),
            ("1.000.000", units(1_000_000)),
            ("", Ok(None)),
            ("   ", Ok(None)),
            ("not stocked", Ok(Some(Count::NotStocked))),
            ("Not Stocked", Ok(Some(Count::NotStocked))),
            ("1.5", Err("fraction")),
            ("0.500", Err("fraction")),
            ("1,000", Err("ambiguous_quantity")),
            ("12.000", Err("ambiguous_quantity")),
            ("many", Err("bad_quantity")),
            ("1e3", Err("bad_quantity")),
            ("-", Err("bad_quantity")),
            ("--4", Err("bad_quantity")),
            (".5", Err("bad_quantity")),
            ("5.", Err("bad_quantity")),
            ("1,00,000.0", Err("bad_quantity")),
            ("N/A", Err("bad_quantity")),
            ("99999999999999999999", Err("quantity_too_large")),
            ("1000000000001", Err("quantity_too_large")),
        ];
        for (cell, expect) in cases {
            assert_eq!(parse(cell).map_err(|error| error.code), *expect, "{cell:?}");
        }
    }

    #[test]
    fn minus_four_is_four_owed() {
        assert_eq!((Count::Units(-4).on_hand(), Count::Units(-4).owed()), (0, 4));
        assert_eq!(Count::Units(-4).to_string(), "4 owed");
        assert_eq!(Count::Units(0).to_string(), "0 on hand");
        assert_eq!((Count::Units(9).on_hand(), Count::Units(9).owed()), (9, 0));
        assert_eq!((Count::NotStocked.on_hand(), Count::NotStocked.owed()), (0, 0));
    }
}
