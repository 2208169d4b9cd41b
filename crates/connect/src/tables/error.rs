//! What can be wrong with a whole file, and with one row.

use std::io;

/// A file that cannot be read as a table at all. No row was read.
///
/// Retrying helps only for `Read`.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The bytes could not be fetched or unpacked.
    #[error("file could not be read")]
    Read(#[source] io::Error),
    /// There is no header row.
    #[error("file is empty: a header row is needed")]
    Empty,
    /// The file is a spreadsheet workbook.
    #[error("file is a spreadsheet workbook: save it as CSV (UTF-8)")]
    Workbook,
    /// The file is UTF-16 text.
    #[error("file is UTF-16 text: save it as CSV (UTF-8)")]
    Utf16,
    /// The header row holds NUL bytes or a quote that never closes, so this is no CSV.
    #[error("header row is not readable: {detail}")]
    Header {
        /// What is wrong with it.
        detail: &'static str,
    },
    /// Columns that this kind needs are not there. Shape: in the kind's order, each by its usual name.
    #[error("missing column{}: {} (found: {})", if missing.len() == 1 { "" } else { "s" }, missing.join(", "), list(found))]
    MissingColumns {
        /// The names of the absent columns.
        missing: Vec<&'static str>,
        /// The names in the file's header, at most 20.
        found: Vec<String>,
    },
    /// A column that is used stands twice in the header, so it is unclear which one counts.
    #[error("column {name} appears more than once")]
    RepeatedColumn {
        /// The column's name.
        name: &'static str,
    },
}

fn list(names: &[String]) -> String {
    if names.iter().all(String::is_empty) { "none".to_owned() } else { names.join(", ") }
}

/// Why one row was not read.
///
/// Codes are stable; the detail is for people. Codes: `ambiguous_amount`, `ambiguous_quantity`, `amount_too_large`,
/// `bad_amount`, `bad_components`, `bad_currency`, `bad_date`, `bad_email`, `bad_quantity`, `bad_text`, `bad_value`, `cancel_of_nothing`,
/// `fraction`, `mangled_barcode`, `negative_amount`, `negative_quantity`, `no_currency_match`, `no_date`, `no_location`,
/// `no_quantity`, `no_reference`, `no_sku`, `no_title`, `nul_byte`, `quantity_too_large`, `record_too_long`,
/// `row_length`, `too_long`, `too_many_decimals`, `unclosed_quote`, `unknown_type`, `unreadable`, `zero_quantity`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {row}{}: {detail}", column.map(|c| format!(", column {c}")).unwrap_or_default())]
pub struct RowError {
    /// The row as a spreadsheet numbers it; the header is row 1.
    pub row: u64,
    /// The stable code.
    pub code: &'static str,
    /// The column as this file's header names it (letter case aside), when one column is at fault.
    pub column: Option<&'static str>,
    /// What is wrong and what to do, in words.
    pub detail: String,
}

impl RowError {
    /// Tells whether the rest of the file could not be read after this error (`unreadable`, `unclosed_quote`): the
    /// iterator then ends, and the import is known to be incomplete.
    #[must_use]
    pub fn ends_file(&self) -> bool {
        matches!(self.code, "unreadable" | "unclosed_quote")
    }
}

/// A reason without its place: what the parsers of single values return.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ValueError {
    /// The stable code, as in [`RowError::code`].
    pub code: &'static str,
    /// What is wrong and what to do, in words.
    pub detail: String,
}

impl ValueError {
    pub(crate) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// Returns the given text in quotes for a detail, cut to 60 characters.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_place_and_the_remedy() {
        let error =
            RowError { row: 7, code: "fraction", column: Some("Stock"), detail: "half a unit".into() };
        assert_eq!(error.to_string(), "row 7, column Stock: half a unit");
        let missing = OpenError::MissingColumns {
            missing: vec!["sku", "on_hand"],
            found: vec!["a".into(), "b".into()],
        };
        assert_eq!(missing.to_string(), "missing columns: sku, on_hand (found: a, b)");
        assert_eq!(quoted(&"x".repeat(70)), format!("\"{}\"…", "x".repeat(60)));
    }
}
