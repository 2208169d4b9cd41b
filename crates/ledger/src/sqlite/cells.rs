//! Rows: running statements, and reading cells as the model's values.

use std::sync::Arc;

use model::{
    Units,
    money::{Currency, Money},
    time::{Date, Timestamp, date_from_days, days_since_epoch},
};
use rusqlite::{Connection, ErrorCode, Params, Row, types::ValueRef};
use serde::de::DeserializeOwned;

use crate::StoreError;

/// Turns the driver's error into ours: damage to the file is not healed by trying again, anything else may be.
pub(super) fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::inconsistent(format_args!("the file is damaged ({doing}: {error})"))
        }
        _ => StoreError::driver(doing, error),
    }
}

/// Hands every row to a function.
pub(super) fn each(
    conn: &Connection,
    doing: &'static str,
    sql: &str,
    params: impl Params,
    mut take: impl FnMut(Cells<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(sql).map_err(failed(doing))?;
    let mut rows = statement.query(params).map_err(failed(doing))?;
    while let Some(row) = rows.next().map_err(failed(doing))? {
        take(Cells(row))?;
    }
    Ok(())
}

/// Collects every row.
pub(super) fn list<T>(
    conn: &Connection,
    doing: &'static str,
    sql: &str,
    params: impl Params,
    read: impl Fn(Cells<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::new();
    each(conn, doing, sql, params, |cells| {
        found.push(read(cells)?);
        Ok(())
    })?;
    Ok(found)
}

/// Reads the first row, if there is one.
pub(super) fn one<T>(
    conn: &Connection,
    doing: &'static str,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(Cells<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut statement = conn.prepare_cached(sql).map_err(failed(doing))?;
    let mut rows = statement.query(params).map_err(failed(doing))?;
    rows.next().map_err(failed(doing))?.map(|row| read(Cells(row))).transpose()
}

/// One row. Every reader says which column it could not make sense of.
#[derive(Clone, Copy)]
pub(super) struct Cells<'r>(&'r Row<'r>);

impl<'r> Cells<'r> {
    pub(super) fn of(row: &'r Row<'r>) -> Self {
        Self(row)
    }

    fn cell(&self, at: usize) -> ValueRef<'r> {
        self.0.get_ref(at).unwrap_or(ValueRef::Null)
    }

    fn wrong(&self, at: usize, what: &str) -> StoreError {
        let row: &rusqlite::Statement<'_> = self.0.as_ref();
        let column = row.column_name(at).unwrap_or("?");
        StoreError::inconsistent(format_args!("column {column} holds {what}"))
    }

    pub(super) fn maybe_text(&self, at: usize) -> Result<Option<&'r str>, StoreError> {
        match self.cell(at) {
            ValueRef::Null => Ok(None),
            ValueRef::Text(text) => {
                std::str::from_utf8(text).map(Some).map_err(|_| self.wrong(at, "text that is not UTF-8"))
            }
            _ => Err(self.wrong(at, "no text")),
        }
    }

    pub(super) fn text(&self, at: usize) -> Result<&'r str, StoreError> {
        self.maybe_text(at)?.ok_or_else(|| self.wrong(at, "no text"))
    }

    pub(super) fn maybe_shared(&self, at: usize) -> Result<Option<Arc<str>>, StoreError> {
        Ok(self.maybe_text(at)?.map(Arc::from))
    }

    pub(super) fn maybe_int(&self, at: usize) -> Result<Option<i64>, StoreError> {
        match self.cell(at) {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => Ok(Some(number)),
            _ => Err(self.wrong(at, "no number")),
        }
    }

    pub(super) fn int<T: TryFrom<i64>>(&self, at: usize) -> Result<T, StoreError> {
        let number = self.maybe_int(at)?.ok_or_else(|| self.wrong(at, "no number"))?;
        T::try_from(number).map_err(|_| self.wrong(at, "a number that is too large"))
    }

    pub(super) fn flag(&self, at: usize) -> Result<bool, StoreError> {
        Ok(self.int::<i64>(at)? != 0)
    }

    pub(super) fn maybe_bytes<const N: usize>(&self, at: usize) -> Result<Option<[u8; N]>, StoreError> {
        match self.cell(at) {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(bytes) => {
                bytes.try_into().map(Some).map_err(|_| self.wrong(at, "an id of another length"))
            }
            _ => Err(self.wrong(at, "no bytes")),
        }
    }

    pub(super) fn bytes<const N: usize>(&self, at: usize) -> Result<[u8; N], StoreError> {
        self.maybe_bytes(at)?.ok_or_else(|| self.wrong(at, "no bytes"))
    }

    pub(super) fn maybe_instant(&self, at: usize) -> Result<Option<Timestamp>, StoreError> {
        let read = |micros| {
            Timestamp::from_microsecond(micros).map_err(|_| self.wrong(at, "an instant beyond all years"))
        };
        self.maybe_int(at)?.map(read).transpose()
    }

    pub(super) fn instant(&self, at: usize) -> Result<Timestamp, StoreError> {
        self.maybe_instant(at)?.ok_or_else(|| self.wrong(at, "no instant"))
    }

    pub(super) fn maybe_date(&self, at: usize) -> Result<Option<Date>, StoreError> {
        let read = |days| {
            let date = i32::try_from(days).ok().and_then(date_from_days);
            date.ok_or_else(|| self.wrong(at, "a date beyond all years"))
        };
        self.maybe_int(at)?.map(read).transpose()
    }

    /// An amount and, in the next column, its currency.
    pub(super) fn maybe_money(&self, at: usize) -> Result<Option<Money>, StoreError> {
        match (self.maybe_int(at)?, self.maybe_text(at + 1)?) {
            (None, None) => Ok(None),
            (Some(amount), Some(code)) => {
                let currency = Currency::new(code).map_err(|_| self.wrong(at + 1, "no currency"))?;
                Ok(Some(Money::new(amount, currency)))
            }
            _ => Err(self.wrong(at, "half a price")),
        }
    }

    pub(super) fn maybe_json<T: DeserializeOwned>(&self, at: usize) -> Result<Option<T>, StoreError> {
        let read = |text| {
            serde_json::from_str(text).map_err(|error| self.wrong(at, &format!("unreadable JSON: {error}")))
        };
        self.maybe_text(at)?.map(read).transpose()
    }

    pub(super) fn json<T: DeserializeOwned>(&self, at: usize) -> Result<T, StoreError> {
        self.maybe_json(at)?.ok_or_else(|| self.wrong(at, "no JSON"))
    }

    /// A word of a closed list.
    pub(super) fn word<T>(&self, at: usize, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        parse(self.text(at)?).ok_or_else(|| self.wrong(at, "an unknown word"))
    }

    pub(super) fn units(&self, at: usize) -> Result<Units, StoreError> {
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
