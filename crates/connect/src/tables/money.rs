//! Amounts as people write them, read exactly into minor units; no floating point anywhere.

use super::error::{ValueError, quoted};

pub use model::money::Currency;

/// Reads a currency's code in any letter case; `None` if ISO 4217 has no such currency.
#[must_use]
pub fn currency(text: &str) -> Option<Currency> {
    Currency::new(&text.trim().to_ascii_uppercase()).ok()
}

/// How a file writes decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decimals {
    /// Unknown: thousands separators may occur, so `1,250` is refused.
    Guess,
    /// The file never groups thousands: a single point or comma is the decimal sign.
    NeverGrouped,
}

/// Signs in use, with the currencies they may stand for.
const SIGNS: &[(&str, &[&str])] = &[
    ("€", &["EUR"]),
    ("£", &["GBP", "EGP", "GIP", "FKP", "SHP", "LBP", "SYP"]),
    ("¥", &["JPY", "CNY"]),
    ("円", &["JPY"]),
    ("元", &["CNY"]),
    ("₹", &["INR"]),
    ("Rs", &["INR", "PKR", "LKR", "NPR", "MUR"]),
    ("₩", &["KRW"]),
    ("₽", &["RUB"]),
    ("₺", &["TRY"]),
    ("₴", &["UAH"]),
    ("₪", &["ILS"]),
    ("₫", &["VND"]),
    ("₱", &["PHP"]),
    ("฿", &["THB"]),
    ("₦", &["NGN"]),
    ("zł", &["PLN"]),
    ("Kč", &["CZK"]),
    ("Ft", &["HUF"]),
    ("lei", &["RON"]),
    ("kr", &["SEK", "NOK", "DKK", "ISK"]),
    ("Fr", &["CHF"]),
    ("R", &["ZAR"]),
    ("R$", &["BRL"]),
    ("US$", &["USD"]),
    ("A$", &["AUD"]),
    ("C$", &["CAD"]),
    ("CA$", &["CAD"]),
    ("NZ$", &["NZD"]),
    ("HK$", &["HKD"]),
    ("S$", &["SGD"]),
    (
        "$",
        &[
            "USD", "AUD", "CAD", "NZD", "HKD", "SGD", "TWD", "MXN", "ARS", "CLP", "COP", "UYU", "BBD", "BMD",
            "BSD", "BZD", "FJD", "GYD", "JMD", "KYD", "LRD", "NAD", "SBD", "SRD", "TTD", "XCD",
        ],
    ),
];

/// Reads an amount into minor units; `None` when the cell is empty, which is not zero.
///
/// Takes a currency sign or code in front or behind when it fits `currency`, a minus before or after the sign, and
/// thousands separators (point, comma, blank, apostrophe; Indian groups too) where only one reading is possible:
/// `1,250.00`, `1.250,00`, `1 250`, `1,250,000`. Zeros beyond the currency's decimals do no harm (`12.500` EUR is
/// ambiguous, `1250.000` is not).
///
/// Units: minor units of `currency` (cents; yen; thousandths of a dinar).
/// Errors: `ambiguous_amount` for `1,250` (a point before three decimals is decimal where the currency has three, and a
/// comma before three digits is thousands where it has none); `too_many_decimals`; `no_currency_match`;
/// `amount_too_large`; `bad_amount`, also for `NaN` and `1e5`.
pub fn parse(cell: &str, currency: Currency, decimals: Decimals) -> Result<Option<i64>, ValueError> {
    let text = cell.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if let Some(minor) = plain(text.as_bytes(), usize::from(currency.decimals())) {
        return Ok(Some(minor));
    }
    let (negative, number) = strip_sign_and_currency(text, currency)?;
    let (whole, fraction) = split(number, text, currency, decimals)?;
    let fraction = fraction.trim_end_matches('0');
    let exponent = usize::from(currency.decimals());
    if fraction.len() > exponent {
        let detail = format!("{} has more decimals than {currency} has ({exponent})", quoted(text));
        return Err(ValueError::new("too_many_decimals", detail));
    }
    let digits =
        whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', exponent - fraction.len()));
    let minor = digits
        .filter(u8::is_ascii_digit)
        .try_fold(0_i64, |sum, digit| sum.checked_mul(10)?.checked_add(i64::from(digit - b'0')))
        .ok_or_else(|| ValueError::new("amount_too_large", format!("{} is too large", quoted(text))))?;
    Ok(Some(if negative { -minor } else { minor }))
}

/// Writes minor units as a decimal number with a point and all the currency's decimals, which [`parse`] reads back.
#[must_use]
pub fn format(minor: i64, currency: Currency) -> String {
    let exponent = usize::from(currency.decimals());
    let sign = if minor < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", minor.unsigned_abs(), width = exponent + 1);
    let (whole, fraction) = digits.split_at(digits.len() - exponent);
    if exponent == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// The common case: digits, and at most as many decimals as the currency has behind a point.
fn plain(bytes: &[u8], exponent: usize) -> Option<i64> {
    if bytes.len() > 15 || !bytes.first()?.is_ascii_digit() {
        return None;
    }
    let (mut minor, mut decimals) = (0_i64, None);
    for byte in bytes {
        match byte {
            b'0'..=b'9' => {
                minor = minor * 10 + i64::from(byte - b'0');
                decimals = decimals.map(|count: usize| count + 1);
            }
            b'.' if decimals.is_none() => decimals = Some(0),
            _ => return None,
        }
    }
    let given = decimals.unwrap_or(0);
    if given > exponent || decimals == Some(0) {
        return None;
    }
    // At most 15 digits and 4 decimals: this cannot overflow.
    Some(minor * 10_i64.pow(u32::try_from(exponent - given).ok()?))
}

/// Returns the number without minus and currency.
fn strip_sign_and_currency(text: &str, currency: Currency) -> Result<(bool, &str), ValueError> {
    let bad = |why: &str| ValueError::new("bad_amount", format!("{} is not an amount{why}", quoted(text)));
    let first = text.find(|c: char| c.is_ascii_digit()).ok_or_else(|| bad(""))?;
    let end = text.rfind(|c: char| c.is_ascii_digit()).ok_or_else(|| bad(""))? + 1;
    // `.50` and `$.50`: the point belongs to the number. In `kr.50` it belongs to the word.
    let leads_with_point = text[..first].ends_with('.') && !text[..first - 1].ends_with(char::is_alphabetic);
    let start = first - usize::from(leads_with_point);
    let (before, number, after) = (&text[..start], &text[start..end], &text[end..]);
    let minuses = before.matches(['-', '−']).count();
    let before = before.replace(['-', '−'], "");
    let (before, after) = (before.trim(), after.trim());
    if minuses > 1 || (!before.is_empty() && !after.is_empty()) {
        return Err(bad(""));
    }
    let mark = if before.is_empty() { after } else { before };
    if number.contains(|c: char| c.is_alphabetic()) {
        return Err(bad(": write it in full, as digits with a decimal point"));
    }
    if mark.is_empty() || mark == "+" && before == "+" {
        return Ok((minuses == 1, number));
    }
    let mark = mark.trim_end_matches('.');
    let fits = |codes: &[&str]| codes.contains(&currency.code());
    let known = SIGNS.iter().find(|(sign, _)| sign.eq_ignore_ascii_case(mark));
    if mark.eq_ignore_ascii_case(currency.code()) || known.is_some_and(|(_, codes)| fits(codes)) {
        return Ok((minuses == 1, number));
    }
    if known.is_some() || self::currency(mark).is_some() {
        let detail = format!("{} is not in {currency}", quoted(text));
        return Err(ValueError::new("no_currency_match", detail));
    }
    Err(bad(""))
}

fn is_blank_group(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '’')
}

/// Splits a number at its decimal sign, after checking its groups of thousands.
///
/// Shape: the whole part may still hold separators; the fraction is digits only, possibly empty.
fn split<'a>(
    number: &'a str,
    text: &str,
    currency: Currency,
    decimals: Decimals,
) -> Result<(&'a str, &'a str), ValueError> {
    let bad = || ValueError::new("bad_amount", format!("{} is not an amount", quoted(text)));
    if !number.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ',' || is_blank_group(c)) {
        return Err(bad());
    }
    let last = number.rfind(['.', ',']);
    let (whole, fraction) = match last {
        None => (number, ""),
        Some(at) => {
            let sign = &number[at..=at];
            let other = if sign == "." { "," } else { "." };
            let (before, after) = (&number[..at], &number[at + 1..]);
            if number.matches(sign).count() > 1 {
                // Several of one sign can only be thousands, and then the other sign has no place before them.
                if number.contains(other) {
                    return Err(bad());
                }
                (number, "")
            } else if before.contains(other)
                || before.contains(is_blank_group)
                || decimals == Decimals::NeverGrouped
                || after.len() != 3
                || !matches!(before.len(), 1..=3)
                || before.starts_with('0')
            {
                (before, after)
            } else {
                match (usize::from(currency.decimals()), sign) {
                    (0, ",") => (number, ""),
                    (3, ".") => (before, after),
                    _ => {
                        let detail = format!(
                            "{} may be thousands or decimals: write it without thousands separators, with all decimals",
                            quoted(text)
                        );
                        return Err(ValueError::new("ambiguous_amount", detail));
                    }
                }
            }
        }
    };
    let digits_only = fraction.bytes().all(|b| b.is_ascii_digit());
    if !digits_only || !groups_fit(whole) || (last.is_some_and(|at| at + 1 == number.len())) {
        return Err(bad());
    }
    Ok((whole, fraction))
}

/// Tells whether the separators of a whole part stand where thousands are: one kind of sign, three digits behind the
/// last one, and three (or two, as in `12,34,567`) between.
fn groups_fit(whole: &str) -> bool {
    let Some(sign) = whole.chars().find(|c| !c.is_ascii_digit()) else { return true };
    let groups: Vec<&str> = whole.split(sign).collect();
    let (first, rest) = (groups[0], &groups[1..]);
    let Some((last, between)) = rest.split_last() else { return true };
    let digits = groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_digit()));
    let even =
        between.iter().all(|g| g.len() == 3) || (first.len() <= 2 && between.iter().all(|g| g.len() == 2));
    digits && matches!(first.len(), 1..=3) && last.len() == 3 && even
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        super::currency(code).unwrap()
    }

    fn check(code: &str, decimals: Decimals, cases: &[(&str, Result<Option<i64>, &str>)]) {
        for (cell, expect) in cases {
            let got = parse(cell, currency(code), decimals).map_err(|error| error.code);
            assert_eq!(got, *expect, "{cell:?} in {code}");
        }
    }

    #[test]
    fn amounts_are_read_exactly() {
        let ok = |minor| Ok(Some(minor));
        check(
            "USD",
            Decimals::Guess,
            &[
                ("49", ok(4900)),
                ("49.00", ok(4900)),
                ("49.9", ok(4990)),
                (" 0.07 ", ok(7)),
                (".50", ok(50)),
                ("$.50", ok(50)),
                ("1.10", ok(110)),
                ("-5.00", ok(-500)),
                ("−5", ok(-500)),
                ("-$5", ok(-500)),
                ("$-5", ok(-500)),
                ("+5", ok(500)),
                ("$1,250.00", ok(125_000)),
                ("1.250,00 USD", ok(125_000)),
                ("US$ 12.50", ok(1250)),
                ("usd 12", ok(1200)),
                ("12,50", ok(1250)),
                ("1 250", ok(125_000)),
                ("1\u{a0}250,5", ok(125_050)),
                ("1'250.00", ok(125_000)),
                ("1,250,000", ok(125_000_000)),
                ("1.250.000,25", ok(125_000_025)),
                ("12,34,567.50", ok(123_456_750)),
                ("1250.000", ok(125_000)),
                ("0.250", ok(25)),
                ("", Ok(None)),
                ("  ", Ok(None)),
                ("1,250", Err("ambiguous_amount")),
                ("1.250", Err("ambiguous_amount")),
                ("$1,250", Err("ambiguous_amount")),
                ("1.999", Err("ambiguous_amount")),
                ("0.001", Err("too_many_decimals")),
                ("12.3456", Err("too_many_decimals")),
                ("€5", Err("no_currency_match")),
                ("5 EUR", Err("no_currency_match")),
                ("NaN", Err("bad_amount")),
                ("inf", Err("bad_amount")),
                ("1e5", Err("bad_amount")),
                ("1.5E+3", Err("bad_amount")),
                ("0x10", Err("bad_amount")),
                ("(5.00)", Err("bad_amount")),
                ("5.", Err("bad_amount")),
                ("5.-", Err("bad_amount")),
                ("1,25,0", Err("bad_amount")),
                ("1,2345,678", Err("bad_amount")),
                ("1.250,000.00", Err("bad_amount")),
                ("--5", Err("bad_amount")),
                ("5-", Err("bad_amount")),
                ("free", Err("bad_amount")),
                ("5 apples", Err("bad_amount")),
                ("99999999999999999999", Err("amount_too_large")),
            ],
        );
        check(
            "EUR",
            Decimals::Guess,
            &[("12,50 €", ok(1250)), ("€ 1.250,00", ok(125_000)), ("$5", Err("no_currency_match"))],
        );
        check("DKK", Decimals::Guess, &[("kr. 50,00", ok(5000)), ("kr.50", ok(5000)), ("50 kr.", ok(5000))]);
        check("ZAR", Decimals::Guess, &[("R50", ok(5000))]);
    }

    #[test]
    fn decimals_follow_the_currency() {
        let ok = |minor| Ok(Some(minor));
        let yen: &[_] = &[
            ("1250", ok(1250)),
            ("1,250", ok(1250)),
            ("¥1,250", ok(1250)),
            ("1250.00", ok(1250)),
            ("1250.50", Err("too_many_decimals")),
            ("1.250", Err("ambiguous_amount")),
        ];
        check("JPY", Decimals::Guess, yen);
        let dinar: &[_] = &[
            ("1.250", ok(1250)),
            ("1", ok(1000)),
            ("1.2505", Err("too_many_decimals")),
            ("1,250", Err("ambiguous_amount")),
        ];
        check("KWD", Decimals::Guess, dinar);
        let never_grouped: &[_] = &[
            ("1,250", ok(125)),
            ("1.25", ok(125)),
            ("1250,5", ok(125_050)),
            ("1,255", Err("too_many_decimals")),
        ];
        check("EUR", Decimals::NeverGrouped, never_grouped);
    }

    #[test]
    fn codes_are_three_letters() {
        assert_eq!(super::currency(" usd "), super::currency("USD"));
        assert_eq!(super::currency("US"), None);
        assert_eq!(super::currency("U$D"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(minor in any::<i64>().prop_filter("has a negative", |m| *m != i64::MIN), code in "(USD|JPY|KWD|CLF)") {
            let currency = currency(&code);
            prop_assert_eq!(parse(&format(minor, currency), currency, Decimals::Guess), Ok(Some(minor)));
        }

        #[test]
        fn no_text_panics(text in "[0-9.,$€kr' e-]{0,12}") {
            let _ = parse(&text, currency("USD"), Decimals::Guess);
        }
    }
}
