//! The common writer: our own kinds, safe to open in a spreadsheet.

use std::io::Write;

use csv::StringRecord;

use super::money::{self, Currency};
use super::text::guard;

/// Why a table could not be written. Retrying from the start may help.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A row was not taken by the output.
    #[error("row could not be written")]
    Row(#[source] csv::Error),
    /// The last bytes were not taken by the output.
    #[error("table could not be finished")]
    Finish(#[source] std::io::Error),
}

/// One row being written, cell by cell.
#[derive(Default)]
pub(crate) struct Line(StringRecord);

impl Line {
    /// Adds a text, guarded against being run as a formula.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.0.push_field(&guard(text));
        self
    }

    pub(crate) fn maybe_text(&mut self, text: Option<&str>) -> &mut Self {
        self.text(text.unwrap_or_default())
    }

    /// Adds what can be no formula: a number, a date, a word of ours.
    pub(crate) fn value(&mut self, value: &(impl ToString + ?Sized)) -> &mut Self {
        self.0.push_field(&value.to_string());
        self
    }

    pub(crate) fn maybe_value(&mut self, value: Option<impl ToString>) -> &mut Self {
        self.0.push_field(&value.map(|value| value.to_string()).unwrap_or_default());
        self
    }

    pub(crate) fn money(&mut self, minor: Option<i64>, currency: Currency) -> &mut Self {
        self.maybe_value(minor.map(|minor| money::format(minor, currency)))
    }
}

/// Writes a table of plain cells as CSV, the header first; whatever is no whole number is made safe for a spreadsheet.
///
/// Errors: `Row`, `Finish`.
pub fn csv_of(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Result<Vec<u8>, WriteError> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(header).map_err(WriteError::Row)?;
    for row in rows {
        let safe = |cell: &String| match cell.parse::<i64>() {
            Ok(_) => cell.clone(),
            Err(_) => guard(cell).into_owned(),
        };
        csv.write_record(row.iter().map(safe)).map_err(WriteError::Row)?;
    }
    csv.into_inner().map_err(|error| WriteError::Finish(error.into_error()))
}

/// How a kind turns a row into cells.
type FillLine<T> = Box<dyn Fn(&T, &mut Line) + Send>;

/// Writes rows of one kind as CSV: UTF-8, commas, the header first.
///
/// A byte-order mark is left out, as scripts read the first column's name.
pub struct Writer<W: Write, T> {
    csv: csv::Writer<W>,
    line: Line,
    fill: FillLine<T>,
}

impl<W: Write, T> Writer<W, T> {
    pub(crate) fn new(out: W, header: &[&str], fill: FillLine<T>) -> Result<Self, WriteError> {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(header).map_err(WriteError::Row)?;
        Ok(Self { csv, line: Line::default(), fill })
    }

    /// Writes one row.
    ///
    /// Errors: `Row`.
    pub fn write(&mut self, row: &T) -> Result<(), WriteError> {
        self.line.0.clear();
        (self.fill)(row, &mut self.line);
        self.csv.write_record(&self.line.0).map_err(WriteError::Row)
    }

    /// Writes what is still buffered and returns the output.
    ///
    /// Errors: `Finish`.
    pub fn finish(self) -> Result<W, WriteError> {
        self.csv.into_inner().map_err(|error| WriteError::Finish(error.into_error()))
    }
}
