//! `orders`: our own list of orders, one row a line, in and out.

use std::collections::VecDeque;
use std::io::{Read, Write};

use super::cells::{Cells, limit};
use super::error::{OpenError, RowError, quoted};
use super::header::{Column, optional, required};
use super::moment::{PlacedAt, parse_placed_at};
use super::money::{Currency, Decimals};
use super::rows::{Rows, Table};
use super::write::{Line, WriteError, Writer};

/// The columns, in the order they are written.
pub const COLUMNS: [&str; 9] =
    ["reference", "placed_at", "email", "name", "country", "postcode", "sku", "quantity", "unit_price"];

const REFERENCE: usize = 0;
const PLACED_AT: usize = 1;
const EMAIL: usize = 2;
const NAME: usize = 3;
const COUNTRY: usize = 4;
const POSTCODE: usize = 5;
const SKU: usize = 6;
const QUANTITY: usize = 7;
const UNIT_PRICE: usize = 8;

const PLACES: &[Column] = &[
    required(&["reference"]),
    optional(&["placed_at"]),
    optional(&["email"]),
    optional(&["name"]),
    optional(&["country"]),
    optional(&["postcode"]),
    required(&["sku"]),
    required(&["quantity"]),
    optional(&["unit_price"]),
];

/// One line of an order. Rows with the same reference are one order, next to each other or not: grouping them, and
/// naming the orders without an address, is the caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRow {
    /// The row in the file; ignored on writing.
    pub row: u64,
    /// The order's key.
    pub reference: String,
    /// When it was placed.
    pub placed_at: Option<PlacedAt>,
    /// The customer's e-mail address, trimmed, letter case kept.
    pub email: Option<String>,
    /// The customer's name.
    pub name: Option<String>,
    /// Where it goes.
    pub country: Option<String>,
    /// Where it goes, within the country.
    pub postcode: Option<String>,
    /// The article's key.
    pub sku: String,
    /// Units, above zero.
    pub quantity: i64,
    /// What a unit was sold for, in minor units of the currency given to [`read`], zero or more.
    pub unit_price: Option<i64>,
}

/// Reads order lines; prices are in `currency`.
///
/// Errors: `OpenError`; rows: `no_reference`, `bad_date`, `bad_email`, `no_sku`, `no_quantity`, `zero_quantity`,
/// `negative_quantity`, those of [`super::quantity::parse`] and [`super::money::parse`]; checked in the columns' order.
pub fn read<R: Read>(source: R, currency: Currency) -> Result<Rows<R, OrderRow>, OpenError> {
    let table = Table::open(source, PLACES)?;
    let read = move |cells: &Cells<'_>, out: &mut VecDeque<OrderRow>| {
        out.push_back(read_row(cells, currency)?);
        Ok(())
    };
    Ok(Rows::new(table, Box::new(read)))
}

fn read_row(cells: &Cells<'_>, currency: Currency) -> Result<OrderRow, RowError> {
    Ok(OrderRow {
        row: cells.row(),
        reference: cells.needed(REFERENCE, limit::REFERENCE, "no_reference")?,
        placed_at: placed_at(cells)?,
        email: email(cells)?,
        name: cells.text(NAME, limit::NAME)?,
        country: cells.trimmed(COUNTRY, limit::PLACE)?,
        postcode: cells.trimmed(POSTCODE, limit::PLACE)?,
        sku: cells.needed(SKU, limit::SKU, "no_sku")?,
        quantity: cells.positive(QUANTITY)?,
        unit_price: cells.money(UNIT_PRICE, currency, Decimals::Guess)?,
    })
}

fn placed_at(cells: &Cells<'_>) -> Result<Option<PlacedAt>, RowError> {
    if cells.is_empty(PLACED_AT) {
        return Ok(None);
    }
    let moment = parse_placed_at(&cells.raw(PLACED_AT, limit::PLACE)?);
    moment.map(Some).map_err(|error| cells.wrap(PLACED_AT, error))
}

/// Only what can be no address at all is refused: whether mail arrives is told by sending some.
fn email(cells: &Cells<'_>) -> Result<Option<String>, RowError> {
    let Some(email) = cells.trimmed(EMAIL, limit::EMAIL)? else { return Ok(None) };
    let halves = email.rsplit_once('@');
    let plausible = halves.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
        && !email.contains(|c: char| c.is_whitespace() || c.is_control());
    if plausible {
        Ok(Some(email))
    } else {
        Err(cells.error(EMAIL, "bad_email", format!("{} is not an e-mail address", quoted(&email))))
    }
}

/// Writes order lines whose prices are in `currency`; [`read`] with the same currency gives them back.
///
/// Errors: `Row` when the header is not taken.
pub fn writer<W: Write>(out: W, currency: Currency) -> Result<Writer<W, OrderRow>, WriteError> {
    let fill = move |row: &OrderRow, line: &mut Line| {
        line.text(&row.reference).maybe_value(row.placed_at).maybe_text(row.email.as_deref());
        line.maybe_text(row.name.as_deref())
            .maybe_text(row.country.as_deref())
            .maybe_text(row.postcode.as_deref());
        line.text(&row.sku).value(&row.quantity).money(row.unit_price, currency);
    };
    Writer::new(out, &COLUMNS, Box::new(fill))
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::{Timestamp, civil};
    use proptest::prelude::*;

    use super::*;

    pub(crate) const SAMPLE: &str = "\
reference,placed_at,email,name,country,postcode,sku,quantity,unit_price
1001,2026-10-01T09:30:00Z,ana@example.org,Ana,PT,1100-001,KET-1,2,49.00
1001,2026-10-01T09:30:00Z,ana@example.org,Ana,PT,1100-001,KET-2,1,
1002,2026-10-01 09:30,,Bo,,,KET-1,1,\"1.249,50\"
,2026-10-01,,,,,KET-1,1,
1003,yesterday,,,,,KET-1,1,
1004,,nobody,,,,KET-1,1,
1005,,,,,,,1,
1006,,,,,,KET-1,,
1007,,,,,,KET-1,-2,
1008,,,,,,KET-1,1,\"1,249\"
";

    fn eur() -> Currency {
        crate::tables::money::currency("EUR").unwrap()
    }

    fn all(bytes: &[u8]) -> Vec<Result<OrderRow, RowError>> {
        read(bytes, eur()).unwrap().collect()
    }

    #[test]
    fn lines_are_read_and_bad_ones_named() {
        let rows = all(SAMPLE.as_bytes());
        let first = rows[0].clone().unwrap();
        assert_eq!(first.placed_at, Some(PlacedAt::Instant("2026-10-01T09:30:00Z".parse().unwrap())));
        assert_eq!(
            (first.email.as_deref(), first.quantity, first.unit_price),
            (Some("ana@example.org"), 2, Some(4900))
        );
        assert_eq!(rows[1].as_ref().unwrap().unit_price, None);
        let third = rows[2].clone().unwrap();
        assert_eq!(third.placed_at, Some(PlacedAt::Local(civil::date(2026, 10, 1).at(9, 30, 0, 0))));
        assert_eq!((third.email, third.country, third.unit_price), (None, None, Some(124_950)));
        let errors: Vec<_> =
            rows.iter().filter_map(|row| row.as_ref().err().map(|e| (e.row, e.code))).collect();
        let expect = [
            (5, "no_reference"),
            (6, "bad_date"),
            (7, "bad_email"),
            (8, "no_sku"),
            (9, "no_quantity"),
            (10, "negative_quantity"),
            (11, "ambiguous_amount"),
        ];
        assert_eq!(errors, expect);
    }

    fn any_moment() -> impl Strategy<Value = PlacedAt> {
        let instant = (-2_000_000_000_000_i64..4_000_000_000_000)
            .prop_map(|ms| PlacedAt::Instant(Timestamp::from_millisecond(ms).unwrap()));
        let local = (0_i64..2_000_000_000).prop_map(|s| {
            PlacedAt::Local(civil::date(1990, 1, 1).at(0, 0, 0, 0) + jiff::Span::new().seconds(s))
        });
        prop_oneof![instant, local]
    }

    prop_compose! {
        fn any_row()(
            reference in "['=+@-]{0,2}#?[A-Z0-9]{1,5}",
            placed_at in proptest::option::of(any_moment()),
            email in proptest::option::of("[=+-]?[a-z.+]{1,6}@[a-z]{1,5}[.]org"),
            name in proptest::option::of("['=+@\t\r-]{0,2}[ -~é\n]{0,6}x ?"),
            country in proptest::option::of("[A-Z]{2}"),
            postcode in proptest::option::of("[=-]?[A-Z0-9]{2,4}( [0-9]{2})?"),
            sku in "['=+@-]{0,2}[A-Z0-9]{1,5}",
            quantity in 1_i64..1_000_000,
            unit_price in proptest::option::of(0_i64..1_000_000_000),
        ) -> OrderRow {
            OrderRow { row: 0, reference, placed_at, email, name, country, postcode, sku, quantity, unit_price }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(rows in proptest::collection::vec(any_row(), 0..8)) {
            let mut writer = writer(Vec::new(), eur()).unwrap();
            rows.iter().for_each(|row| writer.write(row).unwrap());
            let bytes = writer.finish().unwrap();
            let got: Vec<_> = all(&bytes).into_iter().map(|row| OrderRow { row: 0, ..row.unwrap() }).collect();
            prop_assert_eq!(got, rows);
        }
    }
}
