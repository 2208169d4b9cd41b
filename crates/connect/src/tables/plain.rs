//! Any table, as it stands: the header's names and the text of every cell.

use std::io::Read;

use super::error::{OpenError, RowError};
use super::rows::Table;

/// A table whose columns the caller knows. Blank rows are skipped.
pub struct Plain<R: Read> {
    table: Table<R>,
}

impl<R: Read> Plain<R> {
    /// Reads the header.
    ///
    /// Errors: any [`OpenError`] but missing columns.
    pub fn open(source: R) -> Result<Self, OpenError> {
        Ok(Self { table: Table::open(source, &[])? })
    }

    /// The header's names, trimmed, in order.
    pub fn names(&self) -> &[String] {
        &self.table.names
    }

    /// Reads the next row into `row`: the trimmed text of each cell, as many as there are names. `None` at the end, else the
    /// row's number; the header is row 1.
    ///
    /// Errors: `row_length`, `nul_byte`, `bad_text` (not UTF-8), `record_too_long`, `unclosed_quote`, `unreadable`.
    pub fn next(&mut self, row: &mut Vec<String>) -> Option<Result<u64, RowError>> {
        if let Err(error) = self.table.advance()? {
            return Some(Err(error));
        }
        let record = self.table.record();
        row.resize(self.table.names.len(), String::new());
        for (place, cell) in row.iter_mut().enumerate() {
            let Ok(text) = std::str::from_utf8(record.get(place)) else {
                let detail = format!("the text under {:?} is not UTF-8", self.table.names[place]);
                return Some(Err(RowError { row: record.row, code: "bad_text", column: None, detail }));
            };
            cell.clear();
            cell.push_str(text.trim());
        }
        Some(Ok(record.row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads all rows; a bad one as its code.
    fn read(bytes: &[u8]) -> (Vec<String>, Vec<(u64, String)>) {
        let mut plain = Plain::open(bytes).unwrap();
        let (names, mut row, mut rows) = (plain.names().to_vec(), Vec::new(), Vec::new());
        while let Some(next) = plain.next(&mut row) {
            rows.push(match next {
                Ok(number) => (number, row.join("|")),
                Err(error) => (error.row, error.code.to_owned()),
            });
        }
        (names, rows)
    }

    #[test]
    fn cells_come_as_they_stand_and_bad_rows_by_number() {
        let (names, rows) = read(b"a, b\n1,\" x \"\n\n2,\"y\n,z\"\n3\n4,\xff\n5,Se\xc3\xa3o\n");
        assert_eq!(names, ["a", "b"]);
        let want = [(2, "1|x"), (4, "2|y\n,z"), (5, "row_length"), (6, "bad_text"), (7, "5|Se\u{e3}o")];
        let got: Vec<(u64, &str)> = rows.iter().map(|(number, row)| (*number, row.as_str())).collect();
        assert_eq!(got, want);
        assert!(matches!(Plain::open(&b""[..]), Err(OpenError::Empty)));
    }
}
