//! The cells of one record, read as values.

use std::borrow::Cow;
use std::cell::Cell;

use super::error::{RowError, ValueError, quoted};
use super::header::Place;
use super::money::{self, Currency, Decimals};
use super::quantity::{self, Count};
use super::records::Record;
use super::text::{unguard, windows_1252};

/// The longest texts taken, in characters.
pub(crate) mod limit {
    pub(crate) const SKU: usize = 128;
    pub(crate) const REFERENCE: usize = 128;
    pub(crate) const LOCATION: usize = 128;
    pub(crate) const NAME: usize = 255;
    pub(crate) const EMAIL: usize = 254;
    pub(crate) const PLACE: usize = 64;
    pub(crate) const LONG_TEXT: usize = 10_000;
}

/// Counts what a file made us do, for [`super::Notes`].
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) windows_1252_cells: Cell<u64>,
    pub(crate) windows_1252_first_row: Cell<Option<u64>>,
    pub(crate) rows: Cell<u64>,
    pub(crate) rows_without_goods: Cell<u64>,
}

/// One record with its columns found. Columns are given by their index in the kind's list.
pub(crate) struct Cells<'a> {
    pub(crate) record: &'a Record,
    pub(crate) places: &'a [Option<Place>],
    pub(crate) tally: &'a Tally,
}

impl<'a> Cells<'a> {
    pub(crate) fn row(&self) -> u64 {
        self.record.row
    }

    /// Tells whether the file has the column at all.
    pub(crate) fn has(&self, column: usize) -> bool {
        self.places[column].is_some()
    }

    pub(crate) fn bytes(&self, column: usize) -> &'a [u8] {
        self.places[column].map_or(&[], |place| self.record.get(place.index))
    }

    pub(crate) fn is_empty(&self, column: usize) -> bool {
        self.bytes(column).trim_ascii().is_empty()
    }

    /// Returns a cell's text as it stands, empty when the column is absent.
    ///
    /// Errors: `bad_text`, `too_long`.
    pub(crate) fn raw(&self, column: usize, chars_max: usize) -> Result<Cow<'a, str>, RowError> {
        self.decode(self.bytes(column), self.name(column), chars_max)
    }

    /// As [`Self::raw`], for a cell that is none of the kind's columns.
    pub(crate) fn raw_at(&self, index: usize, chars_max: usize) -> Result<Cow<'a, str>, RowError> {
        self.decode(self.record.get(index), None, chars_max)
    }

    fn decode(
        &self,
        bytes: &'a [u8],
        name: Option<&'static str>,
        chars_max: usize,
    ) -> Result<Cow<'a, str>, RowError> {
        let fail = |code, detail: String| RowError { row: self.row(), code, column: name, detail };
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => {
                let text = windows_1252(bytes).ok_or_else(|| {
                    fail("bad_text", "neither UTF-8 nor Windows-1252: save the file as UTF-8".into())
                })?;
                self.tally.windows_1252_cells.update(|count| count + 1);
                if self.tally.windows_1252_first_row.get().is_none() {
                    self.tally.windows_1252_first_row.set(Some(self.row()));
                }
                Cow::Owned(text)
            }
        };
        // A character takes a byte at least, so short cells need no counting.
        if text.len() > chars_max && text.chars().count() > chars_max {
            return Err(fail("too_long", format!("{} is longer than {chars_max} characters", quoted(&text))));
        }
        Ok(text)
    }

    /// Returns a free text exactly as it was written, less a formula guard; `None` when empty or blanks only.
    pub(crate) fn text(&self, column: usize, chars_max: usize) -> Result<Option<String>, RowError> {
        let raw = self.raw(column, chars_max)?;
        Ok(if raw.trim().is_empty() { None } else { Some(unguard(&raw).to_owned()) })
    }

    /// Returns a text without outer blanks and formula guard; `None` when empty.
    pub(crate) fn trimmed(&self, column: usize, chars_max: usize) -> Result<Option<String>, RowError> {
        let raw = self.raw(column, chars_max)?;
        let text = unguard(raw.trim());
        Ok(if text.is_empty() { None } else { Some(text.to_owned()) })
    }

    /// As [`Self::trimmed`]; an empty cell is the error `code`.
    pub(crate) fn needed(
        &self,
        column: usize,
        chars_max: usize,
        code: &'static str,
    ) -> Result<String, RowError> {
        self.trimmed(column, chars_max)?.ok_or_else(|| self.error(column, code, "empty"))
    }

    /// Returns a barcode: outer blanks and an apostrophe in front (Shopify and spreadsheet users put it there to keep
    /// zeros) are cut.
    ///
    /// Errors: `mangled_barcode` when a spreadsheet has turned it into `9.78E+12`.
    pub(crate) fn barcode(&self, column: usize) -> Result<Option<String>, RowError> {
        let raw = self.raw(column, limit::REFERENCE)?;
        let trimmed = raw.trim();
        let text = trimmed.strip_prefix('\'').unwrap_or(trimmed);
        if let Some((digits, power)) = text.split_once("E+")
            && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',')
            && power.bytes().all(|b| b.is_ascii_digit())
        {
            let detail = format!("{} was rounded by a spreadsheet: format the column as text", quoted(text));
            return Err(self.error(column, "mangled_barcode", detail));
        }
        Ok(if text.is_empty() { None } else { Some(text.to_owned()) })
    }

    /// Returns a quantity; `None` when empty.
    pub(crate) fn count(&self, column: usize) -> Result<Option<Count>, RowError> {
        let raw = self.raw(column, limit::NAME)?;
        quantity::parse(&raw).map_err(|error| self.wrap(column, error))
    }

    /// Returns a quantity above zero.
    ///
    /// Errors: `no_quantity`, `zero_quantity`, `negative_quantity`, and those of [`quantity::parse`].
    pub(crate) fn positive(&self, column: usize) -> Result<i64, RowError> {
        match self.count(column)? {
            None => Err(self.error(column, "no_quantity", "empty: zero is not assumed")),
            Some(Count::NotStocked) => {
                Err(self.error(column, "bad_quantity", "\"not stocked\" is no quantity here"))
            }
            Some(Count::Units(0)) => {
                Err(self.error(column, "zero_quantity", "a quantity above zero is needed"))
            }
            Some(Count::Units(units)) if units < 0 => Err(self.error(
                column,
                "negative_quantity",
                format!("{units}: a quantity above zero is needed"),
            )),
            Some(Count::Units(units)) => Ok(units),
        }
    }

    /// Returns an amount of zero or more in minor units; `None` when empty.
    ///
    /// Errors: `negative_amount`, and those of [`money::parse`].
    pub(crate) fn money(
        &self,
        column: usize,
        currency: Currency,
        decimals: Decimals,
    ) -> Result<Option<i64>, RowError> {
        let raw = self.raw(column, limit::NAME)?;
        let amount = money::parse(unguard(raw.trim()), currency, decimals)
            .map_err(|error| self.wrap(column, error))?;
        match amount {
            Some(minor) if minor < 0 => {
                Err(self.error(column, "negative_amount", format!("{} is below zero", quoted(&raw))))
            }
            other => Ok(other),
        }
    }

    pub(crate) fn error(&self, column: usize, code: &'static str, detail: impl Into<String>) -> RowError {
        RowError { row: self.row(), code, column: self.name(column), detail: detail.into() }
    }

    pub(crate) fn wrap(&self, column: usize, error: ValueError) -> RowError {
        self.error(column, error.code, error.detail)
    }

    fn name(&self, column: usize) -> Option<&'static str> {
        self.places[column].map(|place| place.name)
    }
}
