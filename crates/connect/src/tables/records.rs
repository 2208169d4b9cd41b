//! Splits bytes into records and fields (RFC 4180), one reused record at a time.
//!
//! The `csv` crate writes our tables and is the oracle of this file's tests, yet does not read them: it hides blank
//! lines (so a row's number would differ from the spreadsheet's), accepts a quote that never closes (so the rest of a
//! file could vanish into one cell), and grows a record without bound.

use std::io::{self, Read};

use super::source::Source;

const BUFFER_BYTES: usize = 64 * 1024;
/// Room for a cell with a long product description in HTML; beyond it a record is dropped, not stored.
const RECORD_BYTES_MAX: usize = 4 * 1024 * 1024;
const RECORD_FIELDS_MAX: usize = 4096;

/// One record's fields, unescaped.
#[derive(Default)]
pub(crate) struct Record {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    overflow: bool,
    pub(crate) row: u64,
}

impl Record {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns a field's bytes, empty beyond the last field.
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        let Some(&end) = self.ends.get(index) else { return &[] };
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..end]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Tells whether every field is empty or spaces, as spreadsheets leave rows that were cleared.
    pub(crate) fn is_blank(&self) -> bool {
        self.bytes.iter().all(|byte| *byte == b' ')
    }

    pub(crate) fn has_nul(&self) -> bool {
        self.bytes.contains(&0)
    }

    fn clear(&mut self, row: u64) {
        self.bytes.clear();
        self.ends.clear();
        self.overflow = false;
        self.row = row;
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.bytes.len() + bytes.len() > RECORD_BYTES_MAX {
            self.overflow = true;
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }

    fn end_field(&mut self) {
        if self.ends.len() == RECORD_FIELDS_MAX {
            self.overflow = true;
        } else {
            self.ends.push(self.bytes.len());
        }
    }
}

/// Why a record could not be given. After `TooLong` the next record can be read; after the others nothing can.
#[derive(Debug)]
pub(crate) enum Fault {
    TooLong,
    UnclosedQuote,
    Read(io::Error),
}

#[derive(Clone, Copy)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// A quote was met inside a quoted field: it closes the field unless a second one follows.
    QuoteMet,
}

/// The records of a file.
pub(crate) struct Records<R: Read> {
    source: Source<R>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    delimiter: u8,
    /// A line ended in `\r`; a `\n` right behind belongs to it.
    after_cr: bool,
    next_row: u64,
}

impl<R: Read> Records<R> {
    /// Fills the first buffer; the delimiter is a comma until told otherwise.
    pub(crate) fn open(source: R) -> io::Result<Self> {
        let source = Source::open(source)?;
        let mut records = Self {
            source,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            delimiter: b',',
            after_cr: false,
            next_row: 1,
        };
        while records.end < records.buffer.len() {
            let read = read_some(&mut records.source, &mut records.buffer[records.end..])?;
            if read == 0 {
                break;
            }
            records.end += read;
        }
        Ok(records)
    }

    /// Returns what is buffered and not yet consumed: at the beginning, the first 64 KiB.
    pub(crate) fn peek(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(crate) fn skip(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.end);
    }

    pub(crate) fn set_delimiter(&mut self, delimiter: u8) {
        self.delimiter = delimiter;
    }

    /// Reads the next record that is not an empty line; `false` at the end.
    pub(crate) fn next(&mut self, record: &mut Record) -> Result<bool, Fault> {
        record.clear(self.next_row);
        let mut state = State::FieldStart;
        // `""` on a line of its own is a record with an empty field, and no empty line.
        let mut quoted_once = false;
        loop {
            if self.start == self.end && !self.fill().map_err(Fault::Read)? {
                return self.finish(record, state);
            }
            if std::mem::take(&mut self.after_cr) && self.buffer[self.start] == b'\n' {
                self.start += 1;
                continue;
            }
            let window = &self.buffer[self.start..self.end];
            match state {
                State::FieldStart => {
                    let quoted = window[0] == b'"';
                    self.start += usize::from(quoted);
                    quoted_once |= quoted;
                    state = if quoted { State::Quoted } else { State::Plain };
                }
                State::Quoted => {
                    let length = window.iter().position(|byte| *byte == b'"').unwrap_or(window.len());
                    record.push(&window[..length]);
                    if length < window.len() {
                        state = State::QuoteMet;
                        self.start += 1;
                    }
                    self.start += length;
                }
                State::QuoteMet => {
                    let doubled = window[0] == b'"';
                    if doubled {
                        record.push(b"\"");
                        self.start += 1;
                    }
                    state = if doubled { State::Quoted } else { State::Plain };
                }
                State::Plain => {
                    let delimiter = self.delimiter;
                    let stops = |byte: &u8| *byte == delimiter || *byte == b'\n' || *byte == b'\r';
                    let length = window.iter().position(stops).unwrap_or(window.len());
                    record.push(&window[..length]);
                    let stop = window.get(length).copied();
                    self.start += length + usize::from(stop.is_some());
                    match stop {
                        None => {}
                        Some(byte) if byte == delimiter => {
                            record.end_field();
                            state = State::FieldStart;
                        }
                        Some(byte) => {
                            self.after_cr = byte == b'\r';
                            self.next_row += 1;
                            if record.ends.is_empty() && record.bytes.is_empty() && !quoted_once {
                                // An empty line: a row of the spreadsheet, but no record.
                                record.row = self.next_row;
                                state = State::FieldStart;
                                continue;
                            }
                            record.end_field();
                            return if record.overflow { Err(Fault::TooLong) } else { Ok(true) };
                        }
                    }
                }
            }
        }
    }

    fn finish(&mut self, record: &mut Record, state: State) -> Result<bool, Fault> {
        match state {
            State::Quoted => Err(Fault::UnclosedQuote),
            State::FieldStart | State::Plain if record.ends.is_empty() && record.bytes.is_empty() => {
                Ok(false)
            }
            _ => {
                self.next_row += 1;
                record.end_field();
                if record.overflow { Err(Fault::TooLong) } else { Ok(true) }
            }
        }
    }

    fn fill(&mut self) -> io::Result<bool> {
        self.start = 0;
        self.end = 0;
        self.end = read_some(&mut self.source, &mut self.buffer)?;
        Ok(self.end > 0)
    }
}

fn read_some(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(bytes: &[u8]) -> Vec<(u64, Vec<String>)> {
        let mut records = Records::open(bytes).unwrap();
        let mut record = Record::default();
        let mut all = Vec::new();
        while records.next(&mut record).unwrap() {
            let fields = record.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect();
            all.push((record.row, fields));
        }
        all
    }

    fn check(bytes: &str, expect: &[(u64, &[&str])]) {
        let expect: Vec<_> =
            expect.iter().map(|(row, f)| (*row, f.iter().map(|s| (*s).to_owned()).collect())).collect();
        assert_eq!(split(bytes.as_bytes()), expect, "{bytes:?}");
    }

    #[test]
    fn rows_are_numbered_as_a_spreadsheet_does() {
        check("a,b\n1,2\n", &[(1, &["a", "b"]), (2, &["1", "2"])]);
        check("a\n\n\nb", &[(1, &["a"]), (4, &["b"])]);
        check("a\r\n\r\nb\r\n", &[(1, &["a"]), (3, &["b"])]);
        check("a\rb\r", &[(1, &["a"]), (2, &["b"])]);
        check("a\n\"x\ny\r\nz\"\nb\n", &[(1, &["a"]), (2, &["x\ny\r\nz"]), (3, &["b"])]);
        check("", &[]);
        check("\n\n", &[]);
    }

    #[test]
    fn quotes_follow_rfc_4180() {
        check("\"a\"\"b\",c", &[(1, &["a\"b", "c"])]);
        check("6\" nail,\"\",", &[(1, &["6\" nail", "", ""])]);
        check("\"ab\"cd,e", &[(1, &["abcd", "e"])]);
        check("\"\"", &[(1, &[""])]);
    }

    #[test]
    fn a_quote_that_never_closes_is_told() {
        let mut records = Records::open(&b"a,b\n1,\"2\n3,4\n"[..]).unwrap();
        let mut record = Record::default();
        assert!(records.next(&mut record).unwrap());
        assert!(matches!(records.next(&mut record), Err(Fault::UnclosedQuote)));
        assert_eq!(record.row, 2);
    }

    #[test]
    fn an_endless_record_is_dropped_and_the_next_one_read() {
        let mut bytes = vec![b'x'; RECORD_BYTES_MAX + 1];
        bytes.extend_from_slice(b"\nnext\n");
        bytes.extend(std::iter::repeat_n(b',', RECORD_FIELDS_MAX + 1));
        bytes.extend_from_slice(b"\nlast");
        let mut records = Records::open(&bytes[..]).unwrap();
        let mut record = Record::default();
        assert!(matches!(records.next(&mut record), Err(Fault::TooLong)));
        assert!(records.next(&mut record).unwrap());
        assert_eq!((record.row, record.get(0)), (2, &b"next"[..]));
        assert!(matches!(records.next(&mut record), Err(Fault::TooLong)));
        assert!(records.next(&mut record).unwrap());
        assert_eq!((record.row, record.get(0)), (4, &b"last"[..]));
    }

    /// Gives few bytes a call, so that every state meets a buffer's end.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(buf.len());
            buf[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    proptest! {
        #[test]
        fn splits_as_the_csv_crate_does(text in "[ab,\"\r\n]{0,40}") {
            let mut oracle = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            let expect: Vec<Vec<String>> =
                oracle.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect();
            let mut records = Records::open(text.as_bytes()).unwrap();
            // Only the first 64 KiB are read ahead: a small buffer makes the seams that large files have.
            records.buffer.truncate(records.end.max(1));
            let mut record = Record::default();
            let mut got: Vec<Vec<String>> = Vec::new();
            let unclosed = loop {
                match records.next(&mut record) {
                    Ok(true) => got.push(record.iter().map(|f| String::from_utf8_lossy(f).into_owned()).collect()),
                    Ok(false) => break false,
                    Err(Fault::UnclosedQuote) => break true,
                    Err(other) => panic!("{other:?}"),
                }
            };
            let expect = &expect[..if unclosed { expect.len() - 1 } else { expect.len() }];
            prop_assert_eq!(&got[..], expect);
        }

        #[test]
        fn the_size_of_reads_changes_nothing(text in "[ab,\"\r\n]{0,60}", step in 1_usize..7) {
            let whole = collect(Records::open(text.as_bytes()).unwrap());
            let dripped = Records {
                source: Source::open(Drip(text.as_bytes(), step)).unwrap(),
                buffer: vec![0; step],
                start: 0,
                end: 0,
                delimiter: b',',
                after_cr: false,
                next_row: 1,
            };
            prop_assert_eq!(whole, collect(dripped));
        }
    }

    fn collect<R: Read>(mut records: Records<R>) -> Vec<(u64, Vec<Vec<u8>>)> {
        let mut record = Record::default();
        let mut all = Vec::new();
        while let Ok(true) = records.next(&mut record) {
            all.push((record.row, record.iter().map(<[u8]>::to_vec).collect()));
        }
        all
    }
}
