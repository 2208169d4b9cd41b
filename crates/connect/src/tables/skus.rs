//! `skus`: our own list of articles, in and out.

use std::io::{Read, Write};

use super::cells::{Cells, limit};
use super::components::{self, Component};
use super::error::{OpenError, RowError, quoted};
use super::header::{Column, optional, required};
use super::money::{Currency, Decimals};
use super::quantity::Count;
use super::rows::{Rows, Table};
use super::text::{join_list, split_list};
use super::write::{Line, WriteError, Writer};

/// The columns, in the order they are written.
pub const COLUMNS: [&str; 12] = [
    "sku",
    "title",
    "price",
    "currency",
    "unit_cost",
    "supplier",
    "barcode",
    "tags",
    "when_out",
    "backorder_cap",
    "lead_time_days",
    "components",
];

/// Ten years: beyond it the number is a slip of the hand.
const LEAD_TIME_DAYS_MAX: i64 = 3650;

/// More than the largest kit needs.
const COMPONENTS_CHARS_MAX: usize = 20_000;

const SKU: usize = 0;
const TITLE: usize = 1;
const PRICE: usize = 2;
const CURRENCY: usize = 3;
const UNIT_COST: usize = 4;
const SUPPLIER: usize = 5;
const BARCODE: usize = 6;
const TAGS: usize = 7;
const WHEN_OUT: usize = 8;
const BACKORDER_CAP: usize = 9;
const LEAD_TIME_DAYS: usize = 10;
const COMPONENTS: usize = 11;

const PLACES: &[Column] = &[
    required(&["sku"]),
    optional(&["title"]),
    optional(&["price"]),
    optional(&["currency"]),
    optional(&["unit_cost"]),
    optional(&["supplier"]),
    optional(&["barcode"]),
    optional(&["tags"]),
    optional(&["when_out"]),
    optional(&["backorder_cap"]),
    optional(&["lead_time_days"]),
    optional(&["components"]),
];

/// What to do when on-hand stock runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenOut {
    /// Sell nothing more.
    Refuse,
    /// Take names of the interested.
    Waitlist,
    /// Sell against supply that comes.
    Backorder,
    /// Sell before a release.
    Preorder,
    /// Sell what is then made.
    MadeToOrder,
}

impl WhenOut {
    const ALL: [Self; 5] = [Self::Refuse, Self::Waitlist, Self::Backorder, Self::Preorder, Self::MadeToOrder];

    /// Returns the word in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Waitlist => "waitlist",
            Self::Backorder => "backorder",
            Self::Preorder => "preorder",
            Self::MadeToOrder => "made_to_order",
        }
    }
}

/// How many units may be owed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cap {
    /// As many as are asked for (`unlimited`).
    Unlimited,
    /// This many, zero or more.
    Units(i64),
}

/// One article. What is `None` was not said, and is not to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkuRow {
    /// The row in the file; ignored on writing.
    pub row: u64,
    /// The article's key, trimmed.
    pub sku: String,
    /// Its title, exactly as written.
    pub title: Option<String>,
    /// The currency of price and cost: the row's, or else the one given to [`read`].
    pub currency: Currency,
    /// The price, in minor units, zero or more.
    pub price: Option<i64>,
    /// What a unit costs us, in minor units, zero or more.
    pub unit_cost: Option<i64>,
    /// Whom we buy it from.
    pub supplier: Option<String>,
    /// Its barcode, digits as text.
    pub barcode: Option<String>,
    /// Its tags. Shape: trimmed, not empty, in the file's order.
    pub tags: Vec<String>,
    /// What happens when stock runs out.
    pub when_out: Option<WhenOut>,
    /// How many units may be owed.
    pub backorder_cap: Option<Cap>,
    /// Days from our order to its arrival.
    pub lead_time_days: Option<u32>,
    /// What a kit is made of. Shape: in the cell's order, possibly repeating; empty was not said.
    pub components: Vec<Component>,
}

/// Reads articles; prices without a currency of their own are in `currency`.
///
/// Errors: `OpenError`; each row its own `RowError`.
pub fn read<R: Read>(source: R, currency: Currency) -> Result<Rows<R, SkuRow>, OpenError> {
    let table = Table::open(source, PLACES)?;
    let read = move |cells: &Cells<'_>, out: &mut std::collections::VecDeque<SkuRow>| {
        out.push_back(read_row(cells, currency)?);
        Ok(())
    };
    Ok(Rows::new(table, Box::new(read)))
}

fn read_row(cells: &Cells<'_>, currency: Currency) -> Result<SkuRow, RowError> {
    let sku = cells.needed(SKU, limit::SKU, "no_sku")?;
    let currency = match cells.trimmed(CURRENCY, limit::PLACE)? {
        None => currency,
        Some(code) => crate::tables::money::currency(&code).ok_or_else(|| {
            cells.error(CURRENCY, "bad_currency", format!("{} is not a code like USD", quoted(&code)))
        })?,
    };
    Ok(SkuRow {
        row: cells.row(),
        sku,
        title: cells.text(TITLE, limit::LONG_TEXT)?,
        currency,
        price: cells.money(PRICE, currency, Decimals::Guess)?,
        unit_cost: cells.money(UNIT_COST, currency, Decimals::Guess)?,
        supplier: cells.text(SUPPLIER, limit::NAME)?,
        barcode: cells.barcode(BARCODE)?,
        tags: cells.text(TAGS, limit::LONG_TEXT)?.map(|tags| split_list(&tags)).unwrap_or_default(),
        when_out: when_out(cells)?,
        backorder_cap: backorder_cap(cells)?,
        lead_time_days: lead_time_days(cells)?,
        components: components(cells)?,
    })
}

fn when_out(cells: &Cells<'_>) -> Result<Option<WhenOut>, RowError> {
    let Some(word) = cells.trimmed(WHEN_OUT, limit::PLACE)? else { return Ok(None) };
    let wanted = word.to_ascii_lowercase().replace([' ', '-'], "_");
    let found = WhenOut::ALL.into_iter().find(|when_out| when_out.as_str() == wanted);
    found.map(Some).ok_or_else(|| {
        let words = WhenOut::ALL.map(WhenOut::as_str).join(", ");
        cells.error(WHEN_OUT, "bad_value", format!("{} is none of {words}", quoted(&word)))
    })
}

fn backorder_cap(cells: &Cells<'_>) -> Result<Option<Cap>, RowError> {
    if cells.trimmed(BACKORDER_CAP, limit::PLACE)?.is_some_and(|word| word.eq_ignore_ascii_case("unlimited"))
    {
        return Ok(Some(Cap::Unlimited));
    }
    match cells.count(BACKORDER_CAP)? {
        None => Ok(None),
        Some(Count::Units(units)) if units >= 0 => Ok(Some(Cap::Units(units))),
        Some(_) => Err(cells.error(
            BACKORDER_CAP,
            "bad_value",
            "a number from 0, \"unlimited\" or nothing is needed",
        )),
    }
}

fn lead_time_days(cells: &Cells<'_>) -> Result<Option<u32>, RowError> {
    match cells.count(LEAD_TIME_DAYS)? {
        None => Ok(None),
        Some(Count::Units(days @ 0..=LEAD_TIME_DAYS_MAX)) => Ok(u32::try_from(days).ok()),
        Some(_) => Err(cells.error(
            LEAD_TIME_DAYS,
            "bad_value",
            format!("a number from 0 to {LEAD_TIME_DAYS_MAX} is needed"),
        )),
    }
}

fn components(cells: &Cells<'_>) -> Result<Vec<Component>, RowError> {
    let cell = cells.trimmed(COMPONENTS, COMPONENTS_CHARS_MAX)?.unwrap_or_default();
    components::parse(&cell).map_err(|error| cells.wrap(COMPONENTS, error))
}

/// Writes articles; [`read`] gives them back.
///
/// Errors: `Row` when the header is not taken.
pub fn writer<W: Write>(out: W) -> Result<Writer<W, SkuRow>, WriteError> {
    let fill = |row: &SkuRow, line: &mut Line| {
        line.text(&row.sku).maybe_text(row.title.as_deref()).money(row.price, row.currency);
        line.value(&row.currency).money(row.unit_cost, row.currency).maybe_text(row.supplier.as_deref());
        line.maybe_text(row.barcode.as_deref()).text(&join_list(&row.tags));
        line.maybe_value(row.when_out.map(WhenOut::as_str));
        line.maybe_value(row.backorder_cap.map(|cap| match cap {
            Cap::Unlimited => "unlimited".to_owned(),
            Cap::Units(units) => units.to_string(),
        }));
        line.maybe_value(row.lead_time_days).text(&components::join(&row.components));
    };
    Writer::new(out, &COLUMNS, Box::new(fill))
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) const SAMPLE: &str = "\
sku,title,price,currency,unit_cost,supplier,barcode,tags,when_out,backorder_cap,lead_time_days,components
KET-1,Copper kettle,49.00,EUR,21.5,Kupfer GmbH,'0401234567890,\"tea, copper\",backorder,unlimited,30,
KET-2,,,,,,,,,,,
'=KET-3,'+plus,1200,jpy,,,,,Made to order,12,0,'=KET-2:1 KET-1:2
,No key,,,,,,,,,,
KET-4,x,,,,,,,sometimes,,,
KET-5,x,,,,,,,,-1,,
KET-6,x,,,,,,,,,4000,
KET-7,x,1.999999,,,,,,,,,
KET-8,x,-1,,,,,,,,,
KET-9,x,1,euro,,,,,,,,
KET-10,x,1,,,,4.01E+12,,,,,
KET-11,x,,,,,,,,,,KET-1:1 KET-2
";

    fn usd() -> Currency {
        crate::tables::money::currency("USD").unwrap()
    }

    fn all(bytes: &[u8]) -> Vec<Result<SkuRow, RowError>> {
        read(bytes, usd()).unwrap().collect()
    }

    #[test]
    fn articles_are_read_and_bad_ones_named() {
        let rows = all(SAMPLE.as_bytes());
        let first = rows[0].clone().unwrap();
        assert_eq!(first.title.as_deref(), Some("Copper kettle"));
        assert_eq!((first.price, first.unit_cost, first.currency.code()), (Some(4900), Some(2150), "EUR"));
        assert_eq!(first.barcode.as_deref(), Some("0401234567890"));
        assert_eq!(first.tags, ["tea", "copper"]);
        assert_eq!((first.when_out, first.backorder_cap), (Some(WhenOut::Backorder), Some(Cap::Unlimited)));
        assert_eq!(first.lead_time_days, Some(30));

        let bare = rows[1].clone().unwrap();
        assert_eq!((bare.row, bare.title, bare.price, bare.currency), (3, None, None, usd()));
        assert_eq!((bare.when_out, bare.backorder_cap, bare.lead_time_days), (None, None, None));

        let guarded = rows[2].clone().unwrap();
        assert_eq!((guarded.sku.as_str(), guarded.title.as_deref()), ("=KET-3", Some("+plus")));
        assert_eq!((guarded.price, guarded.when_out), (Some(1200), Some(WhenOut::MadeToOrder)));
        assert_eq!((guarded.backorder_cap, guarded.lead_time_days), (Some(Cap::Units(12)), Some(0)));
        let part = |sku: &str, units| Component { sku: sku.to_owned(), units };
        assert_eq!(guarded.components, [part("=KET-2", 1), part("KET-1", 2)]);

        let errors: Vec<_> =
            rows.iter().filter_map(|row| row.as_ref().err().map(|e| (e.row, e.code))).collect();
        let expect = [
            (5, "no_sku"),
            (6, "bad_value"),
            (7, "bad_value"),
            (8, "bad_value"),
            (9, "too_many_decimals"),
            (10, "negative_amount"),
            (11, "bad_currency"),
            (12, "mangled_barcode"),
            (13, "bad_components"),
        ];
        assert_eq!(errors, expect);
    }

    prop_compose! {
        fn any_row()(
            sku in "['=+@-]{0,2}[A-Za-z0-9é;,\"]{1,8}",
            title in proptest::option::of("['=+@\t\r-]{0,2}[ -~é€\n\r]{0,9}x"),
            code in "(USD|JPY|KWD)",
            price in proptest::option::of(0..i64::MAX),
            unit_cost in proptest::option::of(0_i64..1_000_000),
            supplier in proptest::option::of("[=' ]{0,2}[a-z]{1,5} "),
            barcode in proptest::option::of("[0-9]{8,13}"),
            tags in proptest::collection::vec("[='a,\\\\]{1,4}", 0..3),
            when_out in proptest::option::of(proptest::sample::select(WhenOut::ALL.to_vec())),
            cap in proptest::option::of(proptest::option::of(0_i64..10_000)),
            lead_time_days in proptest::option::of(0_u32..3651),
            parts in proptest::collection::vec(("['=+@-]{0,2}[a: ]{0,3}x", 1_i64..100), 0..3),
        ) -> SkuRow {
            let backorder_cap = cap.map(|cap| cap.map_or(Cap::Unlimited, Cap::Units));
            let currency = crate::tables::money::currency(&code).unwrap();
            let part = |(sku, units): (String, i64)| Component { sku: sku.trim().to_owned(), units };
            let components = parts.into_iter().map(part).collect();
            SkuRow {
                row: 0,
                sku,
                title,
                currency,
                price,
                unit_cost,
                supplier,
                barcode,
                tags,
                when_out,
                backorder_cap,
                lead_time_days,
                components,
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(rows in proptest::collection::vec(any_row(), 0..8)) {
            let mut writer = writer(Vec::new()).unwrap();
            rows.iter().for_each(|row| writer.write(row).unwrap());
            let bytes = writer.finish().unwrap();
            let got: Vec<_> = all(&bytes).into_iter().map(|row| SkuRow { row: 0, ..row.unwrap() }).collect();
            prop_assert_eq!(got, rows);
        }
    }
}
