//! Reading a row's cells as the model's values, whatever the engine; and how values are stored.

use std::sync::Arc;

use model::{
    Units,
    money::{Currency, Money},
    time::{Date, Timestamp, date_from_days, days_since_epoch},
};
use serde::de::DeserializeOwned;

use crate::StoreError;

/// One row. Every reader says which column it could not make sense of.
pub(crate) trait ReadCells<'r>: Copy {
    /// Says that a column holds something else than it should.
    fn wrong(&self, at: usize, what: &str) -> StoreError;
    fn maybe_text(&self, at: usize) -> Result<Option<&'r str>, StoreError>;
    fn maybe_int(&self, at: usize) -> Result<Option<i64>, StoreError>;
    fn maybe_blob(&self, at: usize) -> Result<Option<&'r [u8]>, StoreError>;

    fn text(&self, at: usize) -> Result<&'r str, StoreError> {
        self.maybe_text(at)?.ok_or_else(|| self.wrong(at, "no text"))
    }

    fn maybe_shared(&self, at: usize) -> Result<Option<Arc<str>>, StoreError> {
        Ok(self.maybe_text(at)?.map(Arc::from))
    }

    fn int<T: TryFrom<i64>>(&self, at: usize) -> Result<T, StoreError> {
        let number = self.maybe_int(at)?.ok_or_else(|| self.wrong(at, "no number"))?;
        T::try_from(number).map_err(|_| self.wrong(at, "a number that is too large"))
    }

    fn flag(&self, at: usize) -> Result<bool, StoreError> {
        Ok(self.int::<i64>(at)? != 0)
    }

    fn maybe_bytes<const N: usize>(&self, at: usize) -> Result<Option<[u8; N]>, StoreError> {
        let read = |bytes: &[u8]| bytes.try_into().map_err(|_| self.wrong(at, "an id of another length"));
        self.maybe_blob(at)?.map(read).transpose()
    }

    fn bytes<const N: usize>(&self, at: usize) -> Result<[u8; N], StoreError> {
        self.maybe_bytes(at)?.ok_or_else(|| self.wrong(at, "no bytes"))
    }

    fn maybe_instant(&self, at: usize) -> Result<Option<Timestamp>, StoreError> {
        let read = |micros| {
            Timestamp::from_microsecond(micros).map_err(|_| self.wrong(at, "an instant beyond all years"))
        };
        self.maybe_int(at)?.map(read).transpose()
    }

    fn instant(&self, at: usize) -> Result<Timestamp, StoreError> {
        self.maybe_instant(at)?.ok_or_else(|| self.wrong(at, "no instant"))
    }

    fn maybe_date(&self, at: usize) -> Result<Option<Date>, StoreError> {
        let read = |days| {
            let date = i32::try_from(days).ok().and_then(date_from_days);
            date.ok_or_else(|| self.wrong(at, "a date beyond all years"))
        };
        self.maybe_int(at)?.map(read).transpose()
    }

    /// An amount and, in the next column, its currency.
    fn maybe_money(&self, at: usize) -> Result<Option<Money>, StoreError> {
        match (self.maybe_int(at)?, self.maybe_text(at + 1)?) {
            (None, None) => Ok(None),
            (Some(amount), Some(code)) => {
                let currency = Currency::new(code).map_err(|_| self.wrong(at + 1, "no currency"))?;
                Ok(Some(Money::new(amount, currency)))
            }
            _ => Err(self.wrong(at, "half a price")),
        }
    }

    fn maybe_json<T: DeserializeOwned>(&self, at: usize) -> Result<Option<T>, StoreError> {
        let read = |text| {
            serde_json::from_str(text).map_err(|error| self.wrong(at, &format!("unreadable JSON: {error}")))
        };
        self.maybe_text(at)?.map(read).transpose()
    }

    fn json<T: DeserializeOwned>(&self, at: usize) -> Result<T, StoreError> {
        self.maybe_json(at)?.ok_or_else(|| self.wrong(at, "no JSON"))
    }

    /// A word of a closed list.
    fn word<T>(&self, at: usize, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        parse(self.text(at)?).ok_or_else(|| self.wrong(at, "an unknown word"))
    }

    fn units(&self, at: usize) -> Result<Units, StoreError> {
        self.int(at)
    }
}

/// What is stored for a date.
pub(crate) fn days(date: Option<Date>) -> Option<i64> {
    date.map(|date| i64::from(days_since_epoch(date)))
}

/// What is stored for an instant.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// What a peg's place in the queue is sorted by: 0 for as soon as possible, else the date.
///
/// The first day of all, which is also day 0, counts as the second: nobody waits for either.
pub(crate) fn wanted_on(requested: Option<Date>) -> i64 {
    days(requested).map_or(0, |days| days.max(1))
}

/// A row limit as SQL counts.
pub(crate) fn at_most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
