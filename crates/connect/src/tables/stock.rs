//! `stock`: our own count of what is where, in and out.

use std::collections::VecDeque;
use std::io::{Read, Write};

use super::cells::{Cells, limit};
use super::error::OpenError;
use super::header::{Column, required};
use super::quantity::Count;
use super::rows::{Rows, Table};
use super::write::{Line, WriteError, Writer};

/// The columns, in the order they are written.
pub const COLUMNS: [&str; 3] = ["sku", "location", "on_hand"];

const SKU: usize = 0;
const LOCATION: usize = 1;
const ON_HAND: usize = 2;
const PLACES: &[Column] = &[required(&["sku"]), required(&["location"]), required(&["on_hand"])];

/// What is there of one article at one location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockRow {
    /// The row in the file; ignored on writing.
    pub row: u64,
    /// The article's key, trimmed.
    pub sku: String,
    /// The location's name, trimmed.
    pub location: String,
    /// The count: `-4` is none there and 4 owed ([`Count::on_hand`], [`Count::owed`]).
    pub count: Count,
}

/// Reads counts.
///
/// Errors: `OpenError`; rows: `no_sku`, `no_location`, `no_quantity` (an empty cell is not zero), those of
/// [`super::quantity::parse`].
pub fn read<R: Read>(source: R) -> Result<Rows<R, StockRow>, OpenError> {
    let table = Table::open(source, PLACES)?;
    let read = |cells: &Cells<'_>, out: &mut VecDeque<StockRow>| {
        let sku = cells.needed(SKU, limit::SKU, "no_sku")?;
        let location = cells.needed(LOCATION, limit::LOCATION, "no_location")?;
        let count = cells.count(ON_HAND)?;
        let count = count.ok_or_else(|| cells.error(ON_HAND, "no_quantity", "empty: zero is not assumed"))?;
        out.push_back(StockRow { row: cells.row(), sku, location, count });
        Ok(())
    };
    Ok(Rows::new(table, Box::new(read)))
}

/// Writes counts; [`read`] gives them back.
///
/// Errors: `Row` when the header is not taken.
pub fn writer<W: Write>(out: W) -> Result<Writer<W, StockRow>, WriteError> {
    let fill = |row: &StockRow, line: &mut Line| {
        line.text(&row.sku).text(&row.location);
        match row.count {
            Count::NotStocked => line.value("not stocked"),
            Count::Units(units) => line.value(&units),
        };
    };
    Writer::new(out, &COLUMNS, Box::new(fill))
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::super::error::RowError;
    use super::*;

    pub(crate) const SAMPLE: &str = "\
sku,location,on_hand
KET-1,Main,12
KET-2,Main,not stocked
KET-3,Main,-4
KET-4,Main,−4
KET-5,Main,
KET-6,Main,1.5
KET-7,,3
,Main,3
KET-8,Main,some
";

    fn all(bytes: &[u8]) -> Vec<Result<StockRow, RowError>> {
        read(bytes).unwrap().collect()
    }

    #[test]
    fn minus_four_is_owed_and_nothing_is_silently_zero() {
        let rows = all(SAMPLE.as_bytes());
        let counts: Vec<_> =
            rows.iter().flatten().map(|row| (row.row, row.count.on_hand(), row.count.owed())).collect();
        assert_eq!(counts, [(2, 12, 0), (3, 0, 0), (4, 0, 4), (5, 0, 4)]);
        assert_eq!(rows[1].as_ref().unwrap().count, Count::NotStocked);
        let errors: Vec<_> =
            rows.iter().filter_map(|row| row.as_ref().err().map(|e| (e.row, e.code))).collect();
        let expect =
            [(6, "no_quantity"), (7, "fraction"), (8, "no_location"), (9, "no_sku"), (10, "bad_quantity")];
        assert_eq!(errors, expect);
        assert_eq!(
            rows[5].as_ref().unwrap_err().to_string(),
            "row 7, column on_hand: \"1.5\" is not whole: quantities are whole numbers"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            rows in proptest::collection::vec(
                ("['=+@-]{0,2}[A-Z0-9]{1,5}", "['=+@-]{0,2}[a-zé,\"]{1,5}", proptest::option::of(-1_000_i64..1_000_000_000)),
                0..8,
            ),
        ) {
            let rows: Vec<_> = rows
                .into_iter()
                .map(|(sku, location, units)| StockRow { row: 0, sku, location, count: units.map_or(Count::NotStocked, Count::Units) })
                .collect();
            let mut writer = writer(Vec::new()).unwrap();
            rows.iter().for_each(|row| writer.write(row).unwrap());
            let bytes = writer.finish().unwrap();
            let got: Vec<_> = all(&bytes).into_iter().map(|row| StockRow { row: 0, ..row.unwrap() }).collect();
            prop_assert_eq!(got, rows);
        }
    }
}
