//! What stands in a cell.

use tokio_postgres::{Row, types::FromSql};

use crate::{StoreError, cells::ReadCells};

/// One row.
#[derive(Clone, Copy)]
pub(super) struct Cells<'r>(pub(super) &'r Row);

impl<'r> Cells<'r> {
    fn cell<T: FromSql<'r>>(&self, at: usize, otherwise: &str) -> Result<Option<T>, StoreError> {
        self.0.try_get(at).map_err(|_| self.wrong(at, otherwise))
    }
}

impl<'r> ReadCells<'r> for Cells<'r> {
    fn wrong(&self, at: usize, what: &str) -> StoreError {
        let column = self.0.columns().get(at).map_or("?", |column| column.name());
        StoreError::inconsistent(format_args!("column {column} holds {what}"))
    }

    fn maybe_text(&self, at: usize) -> Result<Option<&'r str>, StoreError> {
        self.cell(at, "no text")
    }

    fn maybe_int(&self, at: usize) -> Result<Option<i64>, StoreError> {
        self.cell(at, "no number")
    }

    fn maybe_blob(&self, at: usize) -> Result<Option<&'r [u8]>, StoreError> {
        self.cell(at, "no bytes")
    }
}

/// Reads every row.
pub(super) fn each<T>(
    rows: &[Row],
    read: impl Fn(Cells<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows.iter().map(|row| read(Cells(row))).collect()
}
