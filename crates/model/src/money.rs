//! Money: whole minor units of one currency.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::{Parsed, shortened};

/// The largest amount accepted from input, in minor units, in either direction.
///
/// Ten billion dollars a price: a million such amounts still add up within `i64`.
pub const MAX_AMOUNT: i64 = 1_000_000_000_000;

/// Says why an amount of money cannot be used. Retrying does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The code is not an active ISO 4217 currency in upper case.
    #[error("`{0}` is not a currency code of ISO 4217")]
    UnknownCurrency(String),
    /// The amount is further from zero than [`MAX_AMOUNT`].
    #[error("amount {0} is outside -{MAX_AMOUNT} to {MAX_AMOUNT} minor units")]
    TooLarge(i64),
    /// The result leaves `i64`.
    #[error("the result of adding or multiplying {0} is too large")]
    Overflow(Money),
    /// The two amounts are in different currencies.
    #[error("{left} and {right} are in different currencies")]
    CurrencyMismatch {
        /// The amount added to.
        left: Money,
        /// The amount added.
        right: Money,
    },
    /// The text is not a decimal number, or has more decimals than the currency.
    #[error("`{text}` is not an amount of {currency}")]
    Malformed {
        /// The text, cut if long.
        text: String,
        /// The currency it was read in.
        currency: Currency,
    },
}

/// An amount of one currency, in its minor unit (cents; whole yen); it may be negative.
///
/// Written `{"amount": 4900, "currency": "USD"}`. Reading refuses amounts beyond [`MAX_AMOUNT`]; arithmetic
/// goes on to the ends of `i64`, because totals over many orders may pass that bound. What is stored and read
/// back must be within it: see [`Money::bounded`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units of the currency.
    #[serde(deserialize_with = "deserialize_amount")]
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// Returns an amount in minor units.
    pub fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Returns nothing of a currency.
    pub fn zero(currency: Currency) -> Self {
        Self { amount: 0, currency }
    }

    /// Returns the amount itself when it is no further from zero than [`MAX_AMOUNT`].
    ///
    /// Errors: `TooLarge` otherwise.
    pub fn bounded(self) -> Result<Self, MoneyError> {
        checked_amount(self.amount)?;
        Ok(self)
    }

    /// Returns the value of that many units at this price.
    ///
    /// Errors: `Overflow` when the value leaves `i64`.
    pub fn checked_mul(self, units: i64) -> Result<Self, MoneyError> {
        let amount = self.amount.checked_mul(units).ok_or(MoneyError::Overflow(self))?;
        Ok(Self { amount, ..self })
    }

    /// Returns the sum of two amounts in the same currency.
    ///
    /// Errors: `CurrencyMismatch`, then `Overflow` when the sum leaves `i64`.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// Returns this amount less another in the same currency.
    ///
    /// Errors: `CurrencyMismatch`, then `Overflow` when the difference leaves `i64`.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    fn combine(self, other: Self, how: fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch { left: self, right: other });
        }
        let amount = how(self.amount, other.amount).ok_or(MoneyError::Overflow(self))?;
        Ok(Self { amount, ..self })
    }

    /// Reads a decimal number in major units: in USD `49` is 4900 cents, `49.5` and `49.50` are 4950.
    ///
    /// Errors: `Malformed` for signs other than a leading `-`, separators, exponents, or more decimals than
    /// the currency has; `TooLarge` beyond [`MAX_AMOUNT`].
    pub fn from_decimal(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let malformed = || MoneyError::Malformed { text: shortened(text), currency };
        let decimals = usize::from(currency.decimals());
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        // `49.0` is a whole number of yen, as spreadsheets write it.
        let significant = fraction.trim_end_matches('0');
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) || significant.len() > decimals {
            return Err(malformed());
        }
        let minor = format!("{whole}{significant:0<decimals$}");
        let amount: i64 = minor.parse().map_err(|_| malformed())?;
        Self { amount: sign * amount, currency }.bounded()
    }

    /// Returns the number in major units with the currency's decimals and without its code, such as `49.00`.
    pub fn to_decimal(self) -> String {
        let decimals = usize::from(self.currency.decimals());
        let digits = format!("{:0>width$}", self.amount.unsigned_abs(), width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let sign = if self.amount < 0 { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{whole}{point}{fraction}")
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.to_decimal(), self.currency)
    }
}

fn checked_amount(amount: i64) -> Result<i64, MoneyError> {
    if (-MAX_AMOUNT..=MAX_AMOUNT).contains(&amount) { Ok(amount) } else { Err(MoneyError::TooLarge(amount)) }
}

fn deserialize_amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    checked_amount(i64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// A currency of ISO 4217, written as its three-letter code in upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    // Always a code of `CODES`, so always ASCII.
    code: [u8; 3],
}

impl Currency {
    /// The US dollar.
    pub const USD: Self = Self { code: *b"USD" };
    /// The euro.
    pub const EUR: Self = Self { code: *b"EUR" };
    /// The pound sterling.
    pub const GBP: Self = Self { code: *b"GBP" };

    /// Finds a currency by its code.
    ///
    /// Errors: `UnknownCurrency` naming the text.
    pub fn new(code: &str) -> Result<Self, MoneyError> {
        <[u8; 3]>::try_from(code.as_bytes())
            .ok()
            .filter(|bytes| listed(CODES, bytes))
            .map(|code| Self { code })
            .ok_or_else(|| MoneyError::UnknownCurrency(shortened(code)))
    }

    /// Returns the three-letter code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or_default()
    }

    /// Returns how many decimals separate the minor from the major unit: 2 for USD, 0 for JPY, 3 for KWD.
    ///
    /// Source: ISO 4217, list one, column "Mnr Unts".
    pub fn decimals(&self) -> u8 {
        let codes = [NO_DECIMALS, THREE_DECIMALS, FOUR_DECIMALS];
        let found = codes.iter().position(|codes| listed(codes, &self.code));
        match found {
            Some(0) => 0,
            Some(1) => 3,
            Some(_) => 4,
            None => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, MoneyError> {
        Self::new(code)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Parsed("a currency code such as USD", Self::new))
    }
}

/// Says whether a sorted list of codes of three letters, each followed by a space or the end, has this one.
fn listed(codes: &str, code: &[u8; 3]) -> bool {
    let (codes, mut low, mut high) = (codes.as_bytes(), 0, codes.len().div_ceil(4));
    while low < high {
        let middle = usize::midpoint(low, high);
        match codes[middle * 4..middle * 4 + 3].cmp(code) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    false
}

// ISO 4217 list one as of 2026, sorted, without the codes that have no minor unit (metals, funds, tests).
// ANG and BGN were withdrawn in 2025 and 2026; they stay because orders of those years are imported.
const CODES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD \
     BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR \
     FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR \
     KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR \
     MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD \
     SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS \
     VED VES VND VUV WST XAD XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";
const NO_DECIMALS: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
const THREE_DECIMALS: &str = "BHD IQD JOD KWD LYD OMR TND";
const FOUR_DECIMALS: &str = "CLF UYW";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is the failure of the test")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(amount: i64, code: &str) -> Money {
        Money::new(amount, Currency::new(code).unwrap())
    }

    #[test]
    fn code_lists_are_sorted_and_complete() {
        for codes in [CODES, NO_DECIMALS, THREE_DECIMALS, FOUR_DECIMALS] {
            let list: Vec<&str> = codes.split(' ').collect();
            assert!(list.is_sorted_by(|left, right| left < right), "{codes}");
            assert!(list.iter().all(|code| code.len() == 3 && Currency::new(code).unwrap().code() == *code));
        }
    }

    #[test]
    fn shows_the_decimals_of_the_currency() {
        for (amount, code, expect) in [
            (4900, "USD", "49.00 USD"),
            (4900, "JPY", "4900 JPY"),
            (4900, "KWD", "4.900 KWD"),
            (4900, "CLF", "0.4900 CLF"),
            (-5, "EUR", "-0.05 EUR"),
            (0, "GBP", "0.00 GBP"),
            (i64::MIN, "USD", "-92233720368547758.08 USD"),
        ] {
            assert_eq!(money(amount, code).to_string(), expect);
        }
    }

    #[test]
    fn reads_one_form() {
        let read = serde_json::from_str::<Money>;
        let text = r#"{"amount":4900,"currency":"USD"}"#;
        assert_eq!(read(text).unwrap(), money(4900, "USD"));
        assert_eq!(serde_json::to_string(&money(4900, "USD")).unwrap(), text);
        for (text, message) in [
            (r#"{"amount": 1, "currency": "usd"}"#, "`usd` is not a currency code of ISO 4217"),
            (r#"{"amount": 1, "currency": "XXX"}"#, "`XXX` is not a currency code of ISO 4217"),
            (r#"{"amount": 1, "currency": "ÄB"}"#, "`ÄB` is not a currency code of ISO 4217"),
            (
                r#"{"amount": 1000000000001, "currency": "USD"}"#,
                "amount 1000000000001 is outside -1000000000000 to 1000000000000 minor units",
            ),
            (r#"{"amount": 49.5, "currency": "USD"}"#, "invalid type: floating point `49.5`, expected i64"),
            (r#"{"amount": 1, "currency": "USD", "tax": 1}"#, "unknown field `tax`"),
            (r#"{"amount": 1}"#, "missing field `currency`"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with(message), "{text}: {error}");
        }
    }

    #[test]
    fn arithmetic_refuses_what_has_no_answer() {
        let price = money(4900, "USD");
        assert_eq!(price.checked_mul(3).unwrap(), money(14_700, "USD"));
        assert_eq!(price.checked_add(money(1, "USD")).unwrap(), money(4901, "USD"));
        assert_eq!(price.checked_sub(money(5000, "USD")).unwrap(), money(-100, "USD"));
        assert_eq!(price.checked_mul(i64::MAX).unwrap_err(), MoneyError::Overflow(price));
        let most = money(i64::MAX, "USD");
        assert_eq!(most.checked_add(price).unwrap_err(), MoneyError::Overflow(most));
        assert_eq!(
            price.checked_add(money(1, "EUR")).unwrap_err().to_string(),
            "49.00 USD and 0.01 EUR are in different currencies"
        );
        assert_eq!(money(MAX_AMOUNT + 1, "USD").bounded(), Err(MoneyError::TooLarge(MAX_AMOUNT + 1)));
    }

    #[test]
    fn decimals_are_read_exactly() {
        for (text, code, expect) in [
            ("49", "USD", Some(4900)),
            ("49.5", "USD", Some(4950)),
            ("49.50", "USD", Some(4950)),
            ("-0.05", "USD", Some(-5)),
            ("49.500", "USD", Some(4950)),
            ("49.0", "JPY", Some(49)),
            ("0.001", "KWD", Some(1)),
            ("10000000000.00", "USD", Some(MAX_AMOUNT)),
            ("10000000000.01", "USD", None),
            ("49.505", "USD", None),
            ("49.5", "JPY", None),
            ("99999999999999999999", "USD", None),
            ("1,000.00", "USD", None),
            ("1e3", "USD", None),
            ("--1", "USD", None),
            ("+1", "USD", None),
            (".5", "USD", None),
            ("5.", "USD", None),
            ("", "USD", None),
        ] {
            let got = Money::from_decimal(text, Currency::new(code).unwrap()).map(|money| money.amount);
            assert_eq!(got.ok(), expect, "{text} {code}");
        }
    }

    proptest! {
        #[test]
        fn decimals_round_trip(amount in -MAX_AMOUNT..=MAX_AMOUNT, code in "USD|JPY|KWD|CLF") {
            let money = money(amount, &code);
            prop_assert_eq!(Money::from_decimal(&money.to_decimal(), money.currency).unwrap(), money);
        }
    }
}
