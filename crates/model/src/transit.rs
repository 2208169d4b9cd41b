//! Carrier transit: how long a parcel takes from a location to a country.

use serde::{Deserialize, Deserializer, Serialize};

use crate::money::Money;

/// The country of a transit row that holds for every country without a row of its own.
pub const ANY_COUNTRY: &str = "*";

/// The service meant where none is named.
pub const STANDARD_SERVICE: &str = "standard";

/// The most days that one setting may take: ten years, which no real step needs.
pub const MOST_DAYS: u16 = 3_650;

const SERVICE_CHARS_MAX: usize = 64;

/// Says why a transit row cannot be used. Retrying does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransitError {
    /// The country is neither two upper-case letters nor `*`.
    #[error("`{0}` is not a country code such as US, or *")]
    Country(String),
    /// The service has no name, or a long one.
    #[error("service `{0}` needs a name of 1 to {SERVICE_CHARS_MAX} characters")]
    Service(String),
    /// The least days are more than the most.
    #[error("days_min {days_min} is more than days_max {days_max}")]
    DaysReversed {
        /// The least working days.
        days_min: u16,
        /// The most working days.
        days_max: u16,
    },
    /// The price is below zero.
    #[error("price {0} is below zero")]
    NegativePrice(Money),
}

/// How long one service takes to one country, and what it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Row")]
pub struct Transit {
    /// ISO 3166-1 alpha-2 code in upper case, or [`ANY_COUNTRY`].
    pub country: String,
    /// The shop's name for the service, such as `standard`.
    pub service: String,
    /// The least days in transit, in working days.
    pub days_min: u16,
    /// The most days in transit, in working days; never less than `days_min`.
    pub days_max: u16,
    /// What the customer pays for it, if known.
    pub price: Option<Money>,
}

/// A transit row as it is written, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    country: String,
    #[serde(default = "standard")]
    service: String,
    #[serde(deserialize_with = "deserialize_days")]
    days_min: u16,
    #[serde(deserialize_with = "deserialize_days")]
    days_max: u16,
    #[serde(default)]
    price: Option<Money>,
}

fn standard() -> String {
    STANDARD_SERVICE.to_owned()
}

impl TryFrom<Row> for Transit {
    type Error = TransitError;

    fn try_from(row: Row) -> Result<Self, TransitError> {
        let Row { country, service, days_min, days_max, price } = row;
        Self { country, service, days_min, days_max, price }.checked()
    }
}

impl Transit {
    /// Returns the row itself when it can be used.
    ///
    /// Errors: `Country`, `Service`, `DaysReversed`, `NegativePrice`, in this order.
    pub fn checked(self) -> Result<Self, TransitError> {
        let code = self.country.as_bytes();
        if self.country != ANY_COUNTRY && !(code.len() == 2 && code.iter().all(u8::is_ascii_uppercase)) {
            return Err(TransitError::Country(crate::time::shortened(&self.country)));
        }
        if self.service.trim().is_empty() || self.service.chars().count() > SERVICE_CHARS_MAX {
            return Err(TransitError::Service(crate::time::shortened(&self.service)));
        }
        let (days_min, days_max) = (self.days_min, self.days_max);
        if days_min > days_max {
            return Err(TransitError::DaysReversed { days_min, days_max });
        }
        match self.price {
            Some(price) if price.amount < 0 => Err(TransitError::NegativePrice(price)),
            _ => Ok(self),
        }
    }

    /// Says whether the row holds for every country without a row of its own.
    pub fn is_for_any_country(&self) -> bool {
        self.country == ANY_COUNTRY
    }
}

/// Reads a count of days of at most [`MOST_DAYS`].
pub(crate) fn deserialize_days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let days = u16::deserialize(deserializer)?;
    if days <= MOST_DAYS {
        Ok(days)
    } else {
        Err(serde::de::Error::custom(format_args!("{days} days is more than {MOST_DAYS}")))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is the failure of the test")]
mod tests {
    use super::*;

    #[test]
    fn reads_rows_that_can_be_used() {
        let read = serde_json::from_str::<Transit>;
        let text = r#"{"country":"US","service":"express","days_min":1,"days_max":2,"price":{"amount":900,"currency":"USD"}}"#;
        assert_eq!(serde_json::to_string(&read(text).unwrap()).unwrap(), text);
        let plain = read(r#"{"country": "*", "days_min": 3, "days_max": 3}"#).unwrap();
        assert!(plain.is_for_any_country() && plain.service == "standard" && plain.price.is_none());
        for (text, message) in [
            (
                r#"{"country": "usa", "days_min": 1, "days_max": 2}"#,
                "`usa` is not a country code such as US, or *",
            ),
            (r#"{"country": "us", "days_min": 1, "days_max": 2}"#, "`us` is not a country code"),
            (
                r#"{"country": "US", "service": " ", "days_min": 1, "days_max": 2}"#,
                "service ` ` needs a name",
            ),
            (r#"{"country": "US", "days_min": 3, "days_max": 2}"#, "days_min 3 is more than days_max 2"),
            (r#"{"country": "US", "days_min": 3, "days_max": 4000}"#, "4000 days is more than 3650"),
            (r#"{"country": "US", "days_min": -1, "days_max": 2}"#, "invalid value: integer `-1`"),
            (
                r#"{"country": "US", "days_min": 1, "days_max": 2, "price": {"amount": -1, "currency": "USD"}}"#,
                "price -0.01 USD is below zero",
            ),
            (r#"{"country": "US", "days_min": 1, "days_max": 2, "zip": "1"}"#, "unknown field `zip`"),
            (r#"{"country": "US", "days_min": 1}"#, "missing field `days_max`"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with(message), "{text}: {error}");
        }
    }
}
