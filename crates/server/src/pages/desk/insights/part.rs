//! What a part of an insights page is made of: a table, which is also its CSV, and a chart of it.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{Fail, chart::Chart};

/// One cell: what a person reads, and what a table on disk says.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) sub: String,
    pub(super) href: String,
    pub(super) number: bool,
    /// What stands in the CSV.
    pub(super) raw: String,
}

/// Words.
pub(super) fn text(text: impl Into<String>) -> Cell {
    let text = text.into();
    Cell { raw: text.clone(), text, ..Cell::default() }
}

/// A number as it is shown and as it is.
#[expect(clippy::needless_pass_by_value, reason = "numbers are handed over as they are")]
pub(super) fn number(shown: impl Into<String>, raw: impl ToString) -> Cell {
    Cell { text: shown.into(), raw: raw.to_string(), number: true, ..Cell::default() }
}

/// A share from 0 to 1; nothing where it is not known.
pub(super) fn share(share: Option<f64>) -> Cell {
    match share {
        Some(share) => number(percent(share), format!("{share:.4}")),
        None => number("–", ""),
    }
}

pub(super) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent > 0.0 && percent < 9.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// A table with its header: names, and whether numbers stand under them.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) caption: String,
    pub(super) heads: Vec<(&'static str, bool)>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// A part of a page.
pub(super) struct Part {
    /// Its name in addresses.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) said: Vec<String>,
    pub(super) chart: Option<Chart>,
    pub(super) table: Table,
}

impl Part {
    pub(super) fn has_rows(&self) -> bool {
        !self.table.rows.is_empty()
    }

    /// The table as a file.
    pub(super) fn csv(&self) -> Result<Response, Fail> {
        let heads: Vec<&str> = self.table.heads.iter().map(|head| head.0).collect();
        let rows = self.table.rows.iter().map(|row| row.iter().map(|cell| cell.raw.clone()).collect());
        let bytes = connect::tables::csv_of(&heads, rows).map_err(|error| Fail::Defect(error.to_string()))?;
        let name = format!("attachment; filename=\"{}.csv\"", self.id);
        let name = HeaderValue::from_str(&name).map_err(|error| Fail::Defect(error.to_string()))?;
        let kind = HeaderValue::from_static("text/csv; charset=utf-8");
        Ok((
            StatusCode::OK,
            [
                (header::CONTENT_TYPE, kind),
                (header::CONTENT_DISPOSITION, name),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ],
            bytes,
        )
            .into_response())
    }
}
