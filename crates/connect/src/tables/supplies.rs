//! `supplies`: our own list of what is coming, in and out.

use std::collections::VecDeque;
use std::io::{Read, Write};

use jiff::civil::Date;

use super::cells::{Cells, limit};
use super::error::{OpenError, RowError, quoted};
use super::header::{Column, optional, required};
use super::moment::parse_date;
use super::rows::{Rows, Table};
use super::write::{Line, WriteError, Writer};

/// The columns, in the order they are written.
pub const COLUMNS: [&str; 7] =
    ["reference", "sku", "location", "kind", "quantity", "expected_on", "supplier"];

const REFERENCE: usize = 0;
const SKU: usize = 1;
const LOCATION: usize = 2;
const KIND: usize = 3;
const QUANTITY: usize = 4;
const EXPECTED_ON: usize = 5;
const SUPPLIER: usize = 6;

const PLACES: &[Column] = &[
    required(&["reference"]),
    required(&["sku"]),
    required(&["location"]),
    required(&["kind"]),
    required(&["quantity"]),
    required(&["expected_on"]),
    optional(&["supplier"]),
];

/// Where goods come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SupplyKind {
    /// Bought.
    PurchaseOrder,
    /// Made.
    ProductionRun,
    /// Moved from another location.
    Transfer,
}

impl SupplyKind {
    const ALL: [Self; 3] = [Self::PurchaseOrder, Self::ProductionRun, Self::Transfer];

    /// Returns the word in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PurchaseOrder => "purchase_order",
            Self::ProductionRun => "production_run",
            Self::Transfer => "transfer",
        }
    }
}

/// A quantity of one article that is expected at one location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupplyRow {
    /// The row in the file; ignored on writing.
    pub row: u64,
    /// The supply's key, by which the same file taken twice has one effect.
    pub reference: String,
    /// The article's key.
    pub sku: String,
    /// The location's name.
    pub location: String,
    /// Where the goods come from.
    pub kind: SupplyKind,
    /// Units, above zero.
    pub quantity: i64,
    /// The day of arrival, local to the location.
    pub expected_on: Date,
    /// Whom they come from.
    pub supplier: Option<String>,
}

/// Reads supplies.
///
/// Errors: `OpenError`; rows: `no_reference`, `no_sku`, `no_location`, `bad_value`, `no_quantity`, `zero_quantity`,
/// `negative_quantity`, those of [`super::quantity::parse`], `no_date`, `bad_date`; checked in the columns' order.
pub fn read<R: Read>(source: R) -> Result<Rows<R, SupplyRow>, OpenError> {
    let table = Table::open(source, PLACES)?;
    let read = |cells: &Cells<'_>, out: &mut VecDeque<SupplyRow>| {
        out.push_back(read_row(cells)?);
        Ok(())
    };
    Ok(Rows::new(table, Box::new(read)))
}

fn read_row(cells: &Cells<'_>) -> Result<SupplyRow, RowError> {
    Ok(SupplyRow {
        row: cells.row(),
        reference: cells.needed(REFERENCE, limit::REFERENCE, "no_reference")?,
        sku: cells.needed(SKU, limit::SKU, "no_sku")?,
        location: cells.needed(LOCATION, limit::LOCATION, "no_location")?,
        kind: kind(cells)?,
        quantity: cells.positive(QUANTITY)?,
        expected_on: expected_on(cells)?,
        supplier: cells.text(SUPPLIER, limit::NAME)?,
    })
}

fn kind(cells: &Cells<'_>) -> Result<SupplyKind, RowError> {
    let word = cells.needed(KIND, limit::PLACE, "bad_value")?;
    let wanted = word.to_ascii_lowercase().replace([' ', '-'], "_");
    SupplyKind::ALL.into_iter().find(|kind| kind.as_str() == wanted).ok_or_else(|| {
        let words = SupplyKind::ALL.map(SupplyKind::as_str).join(", ");
        cells.error(KIND, "bad_value", format!("{} is none of {words}", quoted(&word)))
    })
}

fn expected_on(cells: &Cells<'_>) -> Result<Date, RowError> {
    if cells.is_empty(EXPECTED_ON) {
        return Err(cells.error(EXPECTED_ON, "no_date", "empty: a day is needed to promise from"));
    }
    parse_date(&cells.raw(EXPECTED_ON, limit::PLACE)?).map_err(|error| cells.wrap(EXPECTED_ON, error))
}

/// Writes supplies; [`read`] gives them back.
///
/// Errors: `Row` when the header is not taken.
pub fn writer<W: Write>(out: W) -> Result<Writer<W, SupplyRow>, WriteError> {
    let fill = |row: &SupplyRow, line: &mut Line| {
        line.text(&row.reference).text(&row.sku).text(&row.location).value(row.kind.as_str());
        line.value(&row.quantity).value(&row.expected_on).maybe_text(row.supplier.as_deref());
    };
    Writer::new(out, &COLUMNS, Box::new(fill))
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    pub(crate) const SAMPLE: &str = "\
reference,sku,location,kind,quantity,expected_on,supplier
PO-1,KET-1,Main,purchase_order,300,2026-12-01,Kupfer GmbH
MO-1,KET-2,Main,Production run,5.0,2026-12-24,
,KET-1,Main,transfer,1,2026-12-01,
PO-2,KET-1,Main,gift,1,2026-12-01,
PO-3,KET-1,Main,transfer,0,2026-12-01,
PO-4,KET-1,Main,transfer,-3,2026-12-01,
PO-5,KET-1,Main,transfer,,2026-12-01,
PO-6,KET-1,Main,transfer,1,,
PO-7,KET-1,Main,transfer,1,12/01/2026,
";

    fn all(bytes: &[u8]) -> Vec<Result<SupplyRow, RowError>> {
        read(bytes).unwrap().collect()
    }

    #[test]
    fn supplies_are_read_and_bad_ones_named() {
        let rows = all(SAMPLE.as_bytes());
        let first = rows[0].clone().unwrap();
        assert_eq!((first.kind, first.quantity), (SupplyKind::PurchaseOrder, 300));
        assert_eq!((first.expected_on, first.supplier.as_deref()), (date(2026, 12, 1), Some("Kupfer GmbH")));
        let second = rows[1].clone().unwrap();
        assert_eq!((second.kind, second.quantity, second.supplier), (SupplyKind::ProductionRun, 5, None));
        let errors: Vec<_> =
            rows.iter().filter_map(|row| row.as_ref().err().map(|e| (e.row, e.code))).collect();
        let expect = [
            (4, "no_reference"),
            (5, "bad_value"),
            (6, "zero_quantity"),
            (7, "negative_quantity"),
            (8, "no_quantity"),
            (9, "no_date"),
            (10, "bad_date"),
        ];
        assert_eq!(errors, expect);
    }

    prop_compose! {
        fn any_row()(
            reference in "['=+@-]{0,2}[A-Z0-9]{1,5}",
            sku in "['=+@-]{0,2}[A-Z0-9]{1,5}",
            location in "['=+@-]{0,2}[a-zé,\"]{1,5}",
            kind in proptest::sample::select(SupplyKind::ALL.to_vec()),
            quantity in 1_i64..1_000_000,
            days in 0_i64..20_000,
            supplier in proptest::option::of("['=+\t-]{0,2}[ -~\n]{0,5}x"),
        ) -> SupplyRow {
            let expected_on = date(2000, 1, 1) + jiff::Span::new().days(days);
            SupplyRow { row: 0, reference, sku, location, kind, quantity, expected_on, supplier }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(rows in proptest::collection::vec(any_row(), 0..8)) {
            let mut writer = writer(Vec::new()).unwrap();
            rows.iter().for_each(|row| writer.write(row).unwrap());
            let bytes = writer.finish().unwrap();
            let got: Vec<_> = all(&bytes).into_iter().map(|row| SupplyRow { row: 0, ..row.unwrap() }).collect();
            prop_assert_eq!(got, rows);
        }
    }
}
