//! The common reader: a header, then a stream of rows.

use std::collections::VecDeque;
use std::io::Read;

use super::cells::{Cells, Tally};
use super::error::{OpenError, RowError};
use super::header::{Column, Place, find, normal};
use super::records::{Fault, Record, Records};

/// What reading a file took, so that a person can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Notes {
    /// Rows read so far, good or bad, without the header and blank rows.
    pub rows: u64,
    /// Cells that were not UTF-8 and were read as Windows-1252.
    pub windows_1252_cells: u64,
    /// The first row with such a cell.
    pub windows_1252_first_row: Option<u64>,
    /// Rows that are there for a reason and describe no goods: image rows, parents of variations.
    pub rows_without_goods: u64,
}

/// A file whose header is read: gives the cells of one record after the other.
pub(crate) struct Table<R: Read> {
    records: Records<R>,
    record: Record,
    /// The header in [`normal`] form.
    pub(crate) header: Vec<String>,
    /// The header as it stands, trimmed.
    pub(crate) names: Vec<String>,
    places: Vec<Option<Place>>,
    tally: Tally,
    ended: bool,
}

impl<R: Read> Table<R> {
    pub(crate) fn open(source: R, columns: &[Column]) -> Result<Self, OpenError> {
        let (records, names) = open_header(source)?;
        let header: Vec<_> = names.iter().map(|name| normal(name)).collect();
        let places = find(columns, &header)?;
        Ok(Self {
            records,
            record: Record::default(),
            header,
            names,
            places,
            tally: Tally::default(),
            ended: false,
        })
    }

    /// Moves to the next record that is not blank; `None` at the end. [`Self::cells`] gives what was found.
    pub(crate) fn advance(&mut self) -> Option<Result<(), RowError>> {
        loop {
            if self.ended {
                return None;
            }
            match self.records.next(&mut self.record) {
                Ok(false) => {
                    self.ended = true;
                    return None;
                }
                Ok(true) if self.record.is_blank() => {}
                Ok(true) => {
                    self.tally.rows.update(|rows| rows + 1);
                    return Some(self.check());
                }
                Err(fault) => {
                    self.tally.rows.update(|rows| rows + 1);
                    return Some(Err(self.fault(&fault)));
                }
            }
        }
    }

    pub(crate) fn cells(&self) -> Cells<'_> {
        Cells { record: &self.record, places: &self.places, tally: &self.tally }
    }

    /// The record that [`Self::advance`] moved to.
    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    pub(crate) fn notes(&self) -> Notes {
        Notes {
            rows: self.tally.rows.get(),
            windows_1252_cells: self.tally.windows_1252_cells.get(),
            windows_1252_first_row: self.tally.windows_1252_first_row.get(),
            rows_without_goods: self.tally.rows_without_goods.get(),
        }
    }

    fn check(&self) -> Result<(), RowError> {
        let row = self.record.row;
        let (given, wanted) = (self.record.len(), self.header.len());
        // Spreadsheets leave empty cells behind the last column; anything else means the columns have shifted.
        if given < wanted || self.record.iter().skip(wanted).any(|extra| !extra.trim_ascii().is_empty()) {
            let detail =
                format!("{given} cells under a header of {wanted}: a quote or delimiter is out of place");
            return Err(RowError { row, code: "row_length", column: None, detail });
        }
        if self.record.has_nul() {
            return Err(RowError { row, code: "nul_byte", column: None, detail: "holds a NUL byte".into() });
        }
        Ok(())
    }

    fn fault(&mut self, fault: &Fault) -> RowError {
        let (code, detail) = match fault {
            Fault::TooLong => {
                ("record_too_long", "longer than any row can be: is a quote left open?".to_owned())
            }
            Fault::UnclosedQuote => (
                "unclosed_quote",
                "a quote opens here and never closes: nothing from here on was read".to_owned(),
            ),
            Fault::Read(error) => ("unreadable", format!("nothing from here on was read: {error}")),
        };
        self.ended = matches!(fault, Fault::UnclosedQuote | Fault::Read(_));
        RowError { row: self.record.row, code, column: None, detail }
    }
}

/// Reads the header row's names, trimmed, after finding the delimiter.
pub(crate) fn open_header<R: Read>(source: R) -> Result<(Records<R>, Vec<String>), OpenError> {
    let mut records = Records::open(source).map_err(OpenError::Read)?;
    let start = records.peek();
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(OpenError::Workbook);
    }
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return Err(OpenError::Utf16);
    }
    if start.starts_with(b"\xef\xbb\xbf") {
        records.skip(3);
    }
    let delimiter = match sep_line(records.peek()) {
        Some((delimiter, length)) => {
            records.skip(length);
            delimiter
        }
        None => detect_delimiter(records.peek()),
    };
    records.set_delimiter(delimiter);
    let mut record = Record::default();
    match records.next(&mut record) {
        Ok(true) if record.has_nul() => Err(OpenError::Header { detail: "it holds NUL bytes" }),
        Ok(true) => {
            let names = record.iter().map(|field| String::from_utf8_lossy(field).trim().to_owned()).collect();
            Ok((records, names))
        }
        Ok(false) => Err(OpenError::Empty),
        Err(Fault::UnclosedQuote) => Err(OpenError::Header { detail: "a quote never closes" }),
        Err(Fault::TooLong) => Err(OpenError::Header { detail: "it is far too long" }),
        Err(Fault::Read(error)) => Err(OpenError::Read(error)),
    }
}

/// Excel's own first line `sep=;`, which spreadsheets neither show nor count.
fn sep_line(start: &[u8]) -> Option<(u8, usize)> {
    let delimiter = *start.strip_prefix(b"sep=")?.first()?;
    match &start[5..] {
        [b'\r', b'\n', ..] => Some((delimiter, 7)),
        [b'\n' | b'\r', ..] => Some((delimiter, 6)),
        _ => None,
    }
}

/// Returns the one of `,` `;` and tab that stands most often in the header row outside quotes; a comma when none does.
fn detect_delimiter(start: &[u8]) -> u8 {
    let candidates = [b',', b';', b'\t'];
    let mut counts = [0_usize; 3];
    let (mut quoted, mut any) = (false, false);
    for byte in start {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted && any => break,
            _ if quoted => {}
            byte => {
                if let Some(index) = candidates.iter().position(|candidate| candidate == byte) {
                    counts[index] += 1;
                }
            }
        }
        any |= !byte.is_ascii_whitespace();
    }
    // The first wins a tie, so that the comma does.
    let best = (0..3).rev().max_by_key(|index| counts[*index]).unwrap_or(0);
    candidates[best]
}

/// How a kind turns a record into rows: none, one, or one for each location.
pub(crate) type ReadRecord<T> = Box<dyn FnMut(&Cells<'_>, &mut VecDeque<T>) -> Result<(), RowError> + Send>;

/// The rows of a file, one at a time; bad ones as errors, and reading goes on behind them.
///
/// After an error for which [`RowError::ends_file`] holds, there are no more rows.
pub struct Rows<R: Read, T> {
    table: Table<R>,
    ready: VecDeque<T>,
    read: ReadRecord<T>,
}

impl<R: Read, T> Rows<R, T> {
    pub(crate) fn new(table: Table<R>, read: ReadRecord<T>) -> Self {
        Self { table, ready: VecDeque::new(), read }
    }

    /// Returns what reading took so far: complete once the rows are read to the end.
    #[must_use]
    pub fn notes(&self) -> Notes {
        self.table.notes()
    }
}

impl<R: Read, T> Iterator for Rows<R, T> {
    type Item = Result<T, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.ready.pop_front() {
                return Some(Ok(row));
            }
            if let Err(error) = self.table.advance()? {
                return Some(Err(error));
            }
            if let Err(error) = (self.read)(&self.table.cells(), &mut self.ready) {
                // A record is taken whole or not at all.
                self.ready.clear();
                return Some(Err(error));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::header::{optional, required};
    use super::super::source::tests::gzip;
    use super::*;

    const COLUMNS: &[Column] = &[required(&["name"]), optional(&["size"])];

    type Outcome = Result<(u64, String), RowError>;

    fn read(bytes: &[u8]) -> Result<(Vec<Outcome>, Notes), OpenError> {
        let table = Table::open(bytes, COLUMNS)?;
        let mut rows = Rows::new(
            table,
            Box::new(|cells, out| {
                out.push_back((cells.row(), cells.raw(0, 10)?.into_owned()));
                Ok(())
            }),
        );
        let all = rows.by_ref().collect();
        Ok((all, rows.notes()))
    }

    fn names(bytes: &[u8]) -> Vec<String> {
        read(bytes).unwrap().0.into_iter().map(|row| row.unwrap().1).collect()
    }

    #[test]
    fn files_of_every_dress_are_read() {
        let files: &[&[u8]] = &[
            b"name,size\nana,1\n",
            b"\xef\xbb\xbfname,size\r\nana,1\r\n",
            b"size;NAME \n1;ana\n",
            b"x\tname\ty,z\n0\tana\t0",
            b"sep=;\nname;a,b,c,d\nana;1\n",
            b"\"name\",\"a;b;c\"\n\"ana\",1,,\n",
            b"\n\nname,size\n\n,\n  ,\nana,1\n\n",
            b"name\nana\n",
            &gzip(b"\xef\xbb\xbfname,size\nana,1\n"),
        ];
        for file in files {
            assert_eq!(names(file), ["ana"], "{}", String::from_utf8_lossy(file));
        }
    }

    #[test]
    fn files_that_are_no_table_say_so() {
        for (bytes, expect) in [
            (&b""[..], "file is empty: a header row is needed"),
            (b"\n\n", "file is empty: a header row is needed"),
            (b"PK\x03\x04...", "file is a spreadsheet workbook: save it as CSV (UTF-8)"),
            (b"\xff\xfen\0a\0", "file is UTF-16 text: save it as CSV (UTF-8)"),
            (b"n\0ame,b\n", "header row is not readable: it holds NUL bytes"),
            (b"\"name,b\n1,2\n", "header row is not readable: a quote never closes"),
            (b"title,size\n", "missing column: name (found: title, size)"),
            (b"name,name\n", "column name appears more than once"),
        ] {
            assert_eq!(read(bytes).unwrap_err().to_string(), expect);
        }
    }

    #[test]
    fn bad_rows_are_named_and_good_ones_read() {
        let file = b"name,size\nok,1\nshort\nlong,1,2\nnul\0,1\ntwelve chars,1\n\nlate,1\n\x81,1\n";
        let (rows, notes) = read(file).unwrap();
        let got: Vec<_> = rows
            .iter()
            .map(|row| match row {
                Ok((number, name)) => (*number, name.as_str()),
                Err(error) => (error.row, error.code),
            })
            .collect();
        let expect = [
            (2, "ok"),
            (3, "row_length"),
            (4, "row_length"),
            (5, "nul_byte"),
            (6, "too_long"),
            (8, "late"),
            (9, "bad_text"),
        ];
        assert_eq!(got, expect);
        assert_eq!(rows[4].as_ref().unwrap_err().column, Some("name"));
        assert_eq!(notes, Notes { rows: 7, ..Notes::default() });
    }

    #[test]
    fn an_open_quote_or_a_cut_file_ends_with_an_error() {
        let (rows, _) = read(b"name,size\nok,1\n\"open,1\nlost,1\n").unwrap();
        assert_eq!(rows.len(), 2);
        let error = rows[1].as_ref().unwrap_err();
        assert_eq!((error.row, error.code, error.ends_file()), (3, "unclosed_quote", true));

        let mut text = b"name,size\n".to_vec();
        text.extend(
            (0..200_000_u32).flat_map(|n| format!("{},1\n", n.wrapping_mul(2_654_435_761)).into_bytes()),
        );
        let whole = gzip(&text);
        let (rows, _) = read(&whole[..whole.len() / 2]).unwrap();
        let error = rows.last().unwrap().as_ref().unwrap_err();
        assert_eq!((error.code, error.ends_file()), ("unreadable", true));
    }

    #[test]
    fn windows_1252_is_read_and_told() {
        let (rows, notes) = read(b"name,size\nana,1\ncaf\xe9,\xe9\n").unwrap();
        assert_eq!(rows[1], Ok((3, "café".to_owned())));
        assert_eq!((notes.windows_1252_cells, notes.windows_1252_first_row), (1, Some(3)));
    }
}
