//! Rows: running statements, and what stands in a cell.

use rusqlite::{Connection, ErrorCode, Params, Row, types::ValueRef};

use crate::{StoreError, cells::ReadCells};

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

/// One row.
#[derive(Clone, Copy)]
pub(super) struct Cells<'r>(&'r Row<'r>);

impl<'r> Cells<'r> {
    pub(super) fn of(row: &'r Row<'r>) -> Self {
        Self(row)
    }

    fn cell(&self, at: usize) -> ValueRef<'r> {
        self.0.get_ref(at).unwrap_or(ValueRef::Null)
    }
}

impl<'r> ReadCells<'r> for Cells<'r> {
    fn wrong(&self, at: usize, what: &str) -> StoreError {
        let row: &rusqlite::Statement<'_> = self.0.as_ref();
        let column = row.column_name(at).unwrap_or("?");
        StoreError::inconsistent(format_args!("column {column} holds {what}"))
    }

    fn maybe_text(&self, at: usize) -> Result<Option<&'r str>, StoreError> {
        match self.cell(at) {
            ValueRef::Null => Ok(None),
            ValueRef::Text(text) => {
                std::str::from_utf8(text).map(Some).map_err(|_| self.wrong(at, "text that is not UTF-8"))
            }
            _ => Err(self.wrong(at, "no text")),
        }
    }

    fn maybe_int(&self, at: usize) -> Result<Option<i64>, StoreError> {
        match self.cell(at) {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => Ok(Some(number)),
            _ => Err(self.wrong(at, "no number")),
        }
    }

    fn maybe_blob(&self, at: usize) -> Result<Option<&'r [u8]>, StoreError> {
        match self.cell(at) {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(bytes) => Ok(Some(bytes)),
            _ => Err(self.wrong(at, "no bytes")),
        }
    }
}
