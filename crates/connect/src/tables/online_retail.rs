//! `online-retail`: the invoice lines of a real shop, one year of which is replayed to test with.
//!
//! The file is the UCI "Online Retail II" set: `Invoice, StockCode, Description, Quantity, InvoiceDate, UnitPrice,
//! CustomerID, Country`, in time order (the names `InvoiceNo`, `Price`, `Customer ID` of other copies are taken too).
//! What a line is, is decided in this order:
//!
//! 1. [`LineClass::NotGoods`]: its stock code is no article ([`is_goods`]): postage, fees, discounts, samples, vouchers.
//! 2. [`LineClass::Return`]: the quantity is negative, and the invoice starts with `C`, or a customer is named, or a
//!    price is: goods that were bought come back or are cancelled.
//! 3. [`LineClass::StockCorrection`]: no customer and no price: the count was put right, down (damaged, lost) or up
//!    (found).
//! 4. [`LineClass::Sale`]: everything else; at price 0 with a customer, goods given away.
//!
//! Prices become pence, rounded half away from zero: the set has 14 lines at 0.001 (cushion pads given with covers; no
//! articles) that become 0, and three negative ones (bad debt written off, invoices starting with `A`; no articles).
//!
//! Times are the shop's wall clock (`Europe/London`).

use std::borrow::Cow;
use std::io::Read;

use jiff::civil::DateTime;

use super::cells::{Cells, limit};
use super::error::{OpenError, RowError, quoted};
use super::header::{Column, optional, required};
use super::moment;
use super::quantity::{self, Count};
use super::rows::{Notes, Table};

const INVOICE: usize = 0;
const STOCK_CODE: usize = 1;
const DESCRIPTION: usize = 2;
const QUANTITY: usize = 3;
const AT: usize = 4;
const UNIT_PRICE: usize = 5;
const CUSTOMER: usize = 6;
const COUNTRY: usize = 7;

const PLACES: &[Column] = &[
    required(&["Invoice", "InvoiceNo"]),
    required(&["StockCode"]),
    optional(&["Description"]),
    required(&["Quantity"]),
    required(&["InvoiceDate"]),
    required(&["UnitPrice", "Price"]),
    required(&["CustomerID", "Customer ID"]),
    optional(&["Country"]),
];

/// What an invoice line means for stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineClass {
    /// Goods go out.
    Sale,
    /// Goods that were bought come back, or their line is cancelled. The quantity is negative.
    Return,
    /// The count is put right by the quantity, up or down.
    StockCorrection,
    /// No goods at all.
    NotGoods,
}

/// One invoice line, borrowed from the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceLine<'a> {
    /// The row in the file.
    pub row: u64,
    /// The invoice, `C` in front and all, trimmed.
    pub invoice: Cow<'a, str>,
    /// Whether the invoice starts with `C`: a cancellation.
    pub is_cancel: bool,
    /// The article's code, trimmed, letter case kept.
    pub stock_code: Cow<'a, str>,
    /// What it is, trimmed, possibly empty.
    pub description: Cow<'a, str>,
    /// Units, not zero; negative for what comes back or was lost.
    pub quantity: i64,
    /// When it was invoiced, on the shop's wall clock.
    pub at: DateTime,
    /// Price of a unit in pence; below zero only on lines that are no goods.
    pub unit_price_pence: i64,
    /// Who bought it.
    pub customer: Option<u32>,
    /// Where the customer lives, in words, possibly empty.
    pub country: Cow<'a, str>,
    /// What the line means.
    pub class: LineClass,
}

/// The lines of a file. Lends each line until the next is asked for, so that reading allocates nothing for a line.
pub struct InvoiceLines<R: Read> {
    table: Table<R>,
}

/// Opens a file of invoice lines.
///
/// Errors: `OpenError`.
pub fn read<R: Read>(source: R) -> Result<InvoiceLines<R>, OpenError> {
    Ok(InvoiceLines { table: Table::open(source, PLACES)? })
}

impl<R: Read> InvoiceLines<R> {
    /// Returns the next line; `None` at the end.
    ///
    /// Errors: `no_reference`, `no_sku`, `no_quantity`, `zero_quantity`, `bad_date`, `bad_amount`, `bad_value` (a
    /// customer that is no number), `negative_amount` (of goods), `cancel_of_nothing` (a `C` invoice that sends goods
    /// out), those of [`super::quantity::parse`]. After an error reading goes on, unless [`RowError::ends_file`].
    #[expect(
        clippy::should_implement_trait,
        reason = "the line borrows from the reader, which Iterator cannot say"
    )]
    pub fn next(&mut self) -> Option<Result<InvoiceLine<'_>, RowError>> {
        match self.table.advance()? {
            Ok(()) => Some(read_line(&self.table.cells())),
            Err(error) => Some(Err(error)),
        }
    }

    /// Returns what reading took so far.
    #[must_use]
    pub fn notes(&self) -> Notes {
        self.table.notes()
    }
}

fn read_line<'a>(cells: &Cells<'a>) -> Result<InvoiceLine<'a>, RowError> {
    let invoice = needed(cells, INVOICE, limit::REFERENCE, "no_reference")?;
    let stock_code = needed(cells, STOCK_CODE, limit::SKU, "no_sku")?;
    let description = trimmed(cells.raw(DESCRIPTION, limit::LONG_TEXT)?);
    let quantity = units(cells)?;
    let at = moment::local(cells.bytes(AT).trim_ascii()).ok_or_else(|| {
        let given = cells.raw(AT, limit::PLACE).unwrap_or_default();
        cells.error(AT, "bad_date", format!("{} is not YYYY-MM-DD HH:MM:SS", quoted(&given)))
    })?;
    let unit_price_pence = pence(cells)?;
    let customer = customer(cells)?;
    let country = trimmed(cells.raw(COUNTRY, limit::PLACE)?);
    let is_cancel = invoice.starts_with(['C', 'c']);
    let class = classify(is_cancel, &stock_code, quantity, unit_price_pence, customer.is_some());
    if class != LineClass::NotGoods && unit_price_pence < 0 {
        return Err(cells.error(UNIT_PRICE, "negative_amount", "goods with a price below zero"));
    }
    if class != LineClass::NotGoods && is_cancel && quantity > 0 {
        return Err(cells.error(QUANTITY, "cancel_of_nothing", "a cancellation that sends goods out"));
    }
    let row = cells.row();
    Ok(InvoiceLine {
        row,
        invoice,
        is_cancel,
        stock_code,
        description,
        quantity,
        at,
        unit_price_pence,
        customer,
        country,
        class,
    })
}

fn classify(is_cancel: bool, stock_code: &str, quantity: i64, pence: i64, has_customer: bool) -> LineClass {
    if !is_goods(stock_code) {
        LineClass::NotGoods
    } else if quantity < 0 && (is_cancel || has_customer || pence != 0) {
        LineClass::Return
    } else if !has_customer && pence == 0 && !is_cancel {
        LineClass::StockCorrection
    } else {
        LineClass::Sale
    }
}

/// Tells whether a stock code stands for goods, letter case aside.
///
/// No goods: single letters (`D` discount, `M` manual, `S` samples, `B` bad debt), `C2` and `C3` (carriage), `POST`,
/// `DOT` (postage), `PADS`, `BANK CHARGES`, `AMAZONFEE`, `CRUK` (charity), `GIFT` and `gift_…` (vouchers: money), and
/// whatever starts with `ADJUST` or `TEST`.
#[must_use]
pub fn is_goods(stock_code: &str) -> bool {
    let bytes = stock_code.as_bytes();
    // Nearly all articles start with a digit, and nothing else does.
    if bytes.first().is_some_and(u8::is_ascii_digit) {
        return true;
    }
    let starts =
        |word: &str| bytes.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
    let exactly = ["C2", "C3", "POST", "DOT", "PADS", "BANK CHARGES", "AMAZONFEE", "CRUK", "GIFT"];
    let beginnings = ["ADJUST", "TEST", "GIFT_"];
    bytes.len() > 1
        && !exactly.iter().any(|word| word.eq_ignore_ascii_case(stock_code))
        && !beginnings.iter().any(|word| starts(word))
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

fn needed<'a>(
    cells: &Cells<'a>,
    column: usize,
    chars_max: usize,
    code: &'static str,
) -> Result<Cow<'a, str>, RowError> {
    let text = trimmed(cells.raw(column, chars_max)?);
    if text.is_empty() { Err(cells.error(column, code, "empty")) } else { Ok(text) }
}

fn units(cells: &Cells<'_>) -> Result<i64, RowError> {
    let raw = cells.raw(QUANTITY, limit::PLACE)?;
    match quantity::parse(&raw).map_err(|error| cells.wrap(QUANTITY, error))? {
        Some(Count::Units(0)) => Err(cells.error(QUANTITY, "zero_quantity", "a line of no units")),
        Some(Count::Units(units)) => Ok(units),
        Some(Count::NotStocked) => {
            Err(cells.error(QUANTITY, "bad_quantity", "\"not stocked\" is no quantity here"))
        }
        None => Err(cells.error(QUANTITY, "no_quantity", "empty: zero is not assumed")),
    }
}

/// Reads pounds with any number of decimals into pence, rounded half away from zero.
///
/// The set writes prices as a program does (`6.95`, `0.001`, `-53594.36`), so the forgiving reader of
/// [`super::money`], which refuses `0.001`, is not asked.
fn pence(cells: &Cells<'_>) -> Result<i64, RowError> {
    let bytes = cells.bytes(UNIT_PRICE).trim_ascii();
    parse_pence(bytes).ok_or_else(|| {
        let given = cells.raw(UNIT_PRICE, limit::PLACE).unwrap_or_default();
        cells.error(UNIT_PRICE, "bad_amount", format!("{} is not a price", quoted(&given)))
    })
}

fn parse_pence(bytes: &[u8]) -> Option<i64> {
    let (negative, bytes) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        all => (false, all),
    };
    let mut parts = bytes.splitn(2, |byte| *byte == b'.');
    let (whole, decimals) = (parts.next()?, parts.next().unwrap_or_default());
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    if whole.is_empty() || whole.len() > 12 || !digits(whole) || !digits(decimals) {
        return None;
    }
    let digit = |index: usize| decimals.get(index).map_or(0, |byte| i64::from(byte - b'0'));
    let pounds = whole.iter().fold(0_i64, |sum, byte| sum * 10 + i64::from(byte - b'0'));
    let pence = pounds * 100 + digit(0) * 10 + digit(1) + i64::from(digit(2) >= 5);
    Some(if negative { -pence } else { pence })
}

fn customer(cells: &Cells<'_>) -> Result<Option<u32>, RowError> {
    let bytes = cells.bytes(CUSTOMER).trim_ascii();
    // Copies that went through a data frame have `13085.0`.
    let digits = bytes.strip_suffix(b".0").unwrap_or(bytes);
    if digits.is_empty() {
        return Ok(None);
    }
    let number = std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| cells.error(CUSTOMER, "bad_value", "a customer is a number"))
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::civil::date;

    use super::*;

    pub(crate) const SAMPLE: &str = "\
Invoice,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
500001,11111A, tin cup ,12,2010-01-05 08:15:00,1.25,17001,United Kingdom
C500002,11111A,tin cup,-2,2010-01-06 10:00:00,1.25,17001,United Kingdom
500003,11111A,dropped,-7,2010-01-07 10:00:00,0.0,,United Kingdom
500004,11111A,,9,2010-01-07 11:00:00,0.0,,United Kingdom
500005,POST,postage,1,2010-01-08 11:00:00,18.0,17002,France
A500006,B,debt,1,2010-01-08 11:00:00,-100.55,,United Kingdom
500007,PADS,pads,1,2010-01-08 11:00:00,0.001,17001,United Kingdom
500008,22222 ,gift,1,2010-01-08 11:00:00,0.0,17001,United Kingdom
500009,dcgs0001,cup,1,2010-01-08 11:00,2.1,,United Kingdom
500010,11111A,cup,0,2010-01-08 11:00:00,2.1,,United Kingdom
500011,11111A,cup,1,08/01/2010 11:00,2.1,,United Kingdom
500012,11111A,cup,1,2010-01-08 11:00:00,-2.1,,United Kingdom
C500013,11111A,cup,1,2010-01-08 11:00:00,2.1,,United Kingdom
500014,11111A,cup,1,2010-01-08 11:00:00,free,,United Kingdom
500015,11111A,cup,1,2010-01-08 11:00:00,1,Ana,United Kingdom
";

    #[test]
    fn lines_are_classified_and_bad_ones_named() {
        use LineClass::{NotGoods, Return, Sale, StockCorrection};
        let mut lines = read(SAMPLE.as_bytes()).unwrap();
        let first = lines.next().unwrap().unwrap();
        assert_eq!((first.invoice.as_ref(), first.stock_code.as_ref()), ("500001", "11111A"));
        assert_eq!((first.description.as_ref(), first.country.as_ref()), ("tin cup", "United Kingdom"));
        assert_eq!((first.quantity, first.unit_price_pence, first.customer), (12, 125, Some(17001)));
        assert_eq!((first.at, first.class), (date(2010, 1, 5).at(8, 15, 0, 0), Sale));

        let mut good = Vec::new();
        let mut bad = Vec::new();
        while let Some(line) = lines.next() {
            match line {
                Ok(line) => good.push((line.row, line.class, line.quantity, line.unit_price_pence)),
                Err(error) => bad.push((error.row, error.code)),
            }
        }
        let expect = [
            (3, Return, -2, 125),
            (4, StockCorrection, -7, 0),
            (5, StockCorrection, 9, 0),
            (6, NotGoods, 1, 1800),
            (7, NotGoods, 1, -10055),
            (8, NotGoods, 1, 0),
            (9, Sale, 1, 0),
            (10, Sale, 1, 210),
        ];
        assert_eq!(good, expect);
        let expect = [
            (11, "zero_quantity"),
            (12, "bad_date"),
            (13, "negative_amount"),
            (14, "cancel_of_nothing"),
            (15, "bad_amount"),
            (16, "bad_value"),
        ];
        assert_eq!(bad, expect);
    }

    #[test]
    fn pence_are_rounded_half_away_from_zero() {
        for (text, expect) in [
            ("6.95", Some(695)),
            ("2.1", Some(210)),
            ("0.0", Some(0)),
            ("3", Some(300)),
            ("0.001", Some(0)),
            ("0.005", Some(1)),
            ("1.0049", Some(100)),
            ("-0.005", Some(-1)),
            ("-53594.36", Some(-5_359_436)),
            ("", None),
            (".5", None),
            ("1e3", None),
            ("1.2.3", None),
            ("NaN", None),
        ] {
            assert_eq!(parse_pence(text.as_bytes()), expect, "{text:?}");
        }
    }

    #[test]
    fn codes_of_fees_and_vouchers_are_no_goods() {
        for code in [
            "POST",
            "D",
            "DOT",
            "M",
            "m",
            "BANK CHARGES",
            "AMAZONFEE",
            "ADJUST",
            "ADJUST2",
            "PADS",
            "TEST001",
            "B",
            "S",
            "C2",
            "C3",
            "gift_0001_20",
            "GIFT",
            "CRUK",
        ] {
            assert!(!is_goods(code), "{code}");
        }
        for code in ["85048", "79323P", "47503J", "DCGS0058", "DCGSSBOY", "SP1002"] {
            assert!(is_goods(code), "{code}");
        }
    }
}
