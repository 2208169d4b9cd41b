//! Tables that models learn from: text by row and column, handed in by the shell, and refusals that name file, row and column.

use crate::error::{Checked, InsightError, LARGEST, bad};

/// A table's cells as text. Rows keep the number a spreadsheet shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    name: String,
    columns: Vec<String>,
    text: String,
    /// Where each cell ends in `text`, row after row.
    ends: Vec<usize>,
    numbers: Vec<u64>,
}

impl Table {
    /// Begins a table.
    ///
    /// Shape: `name` says whose table it is, as `train data/orders.csv`; `columns` are the header's names.
    pub fn new(name: impl Into<String>, columns: Vec<String>) -> Self {
        Self { name: name.into(), columns, text: String::new(), ends: Vec::new(), numbers: Vec::new() }
    }

    /// Adds a row by its number; the header is row 1. Cells beyond the last column are left out, absent ones are empty.
    pub fn push<S: AsRef<str>>(&mut self, number: u64, cells: impl IntoIterator<Item = S>) {
        let mut cells = cells.into_iter();
        for _ in 0..self.columns.len() {
            if let Some(cell) = cells.next() {
                self.text.push_str(cell.as_ref());
            }
            self.ends.push(self.text.len());
        }
        self.numbers.push(number);
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.numbers.len()
    }

    /// The header's names.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// What it is called in refusals.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns a copy with only some of the rows, by place from 0, in the order given.
    #[must_use]
    pub fn picked(&self, rows: &[usize]) -> Self {
        let mut picked = Self::new(self.name.clone(), self.columns.clone());
        for &row in rows {
            picked.push(self.numbers[row], (0..self.columns.len()).map(|column| self.text(row, column)));
        }
        picked
    }

    pub(crate) fn find(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|name| name == column)
    }

    pub(crate) fn column(&self, column: &str) -> Checked<usize> {
        match self.find(column) {
            Some(place) => Ok(place),
            None => bad(&self.name, format!("has no column {column}")),
        }
    }

    pub(crate) fn not_empty(&self) -> Checked<()> {
        if self.rows() == 0 { bad(&self.name, "has a header and no rows") } else { Ok(()) }
    }

    /// Returns the text of a cell, by place from 0.
    pub fn text(&self, row: usize, column: usize) -> &str {
        let place = row * self.columns.len() + column;
        let begin = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.text[begin..self.ends[place]]
    }

    /// Reads a number; none where the cell is empty.
    pub(crate) fn number(&self, row: usize, column: usize) -> Checked<Option<f64>> {
        let cell = self.text(row, column);
        if cell.is_empty() {
            return Ok(None);
        }
        match cell.parse::<f64>() {
            Ok(number) if number.abs() <= LARGEST => Ok(Some(number)),
            Ok(number) if number.is_finite() => {
                self.refuse(row, column, format!("must lie between -{LARGEST:e} and {LARGEST:e}"))
            }
            _ => self.refuse(row, column, "must be a number"),
        }
    }

    /// Refuses a cell.
    pub(crate) fn refuse<T>(&self, row: usize, column: usize, problem: impl AsRef<str>) -> Checked<T> {
        let cell: String = self.text(row, column).chars().take(60).collect();
        Err(InsightError::BadInput {
            field: format!("{} row {}, column {}", self.name, self.numbers[row], self.columns[column]),
            problem: format!("{}, got {cell:?}", problem.as_ref()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_found_and_refusals_name_them() {
        let mut table = Table::new("train a.csv", vec!["sku".into(), "units".into()]);
        assert_eq!(table.not_empty().unwrap_err().to_string(), "train a.csv: has a header and no rows");
        table.push(2, ["A", "5"]);
        table.push(4, ["B"]);
        table.push(5, ["", "NaN", "more"]);
        table.push(6, ["C", "1e99"]);
        assert_eq!((table.rows(), table.text(1, 0), table.text(2, 0), table.text(3, 0)), (4, "B", "", "C"));
        let units = table.column("units").unwrap();
        assert_eq!((table.number(0, units), table.number(1, units)), (Ok(Some(5.0)), Ok(None)));
        let refusal = |row| table.number(row, units).unwrap_err().to_string();
        assert_eq!(refusal(2), "train a.csv row 5, column units: must be a number, got \"NaN\"");
        assert!(refusal(3).starts_with("train a.csv row 6, column units: must lie between"));
        assert_eq!(table.column("price").unwrap_err().to_string(), "train a.csv: has no column price");
        let picked = table.picked(&[2, 0]);
        assert_eq!((picked.rows(), picked.text(1, 0)), (2, "A"));
        assert_eq!(picked.number(0, units).unwrap_err(), table.number(2, units).unwrap_err());
    }
}
