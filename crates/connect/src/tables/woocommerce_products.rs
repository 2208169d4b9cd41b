//! `woocommerce-products`: WooCommerce's own product export.
//!
//! Header names are read in English only: a shop in another language exports translated ones, so switch the profile
//! language to English for the export. Extra columns (attributes, downloads, `Meta: …`) are passed over.
//!
//! | type | what it is here |
//! | --- | --- |
//! | `simple`, `variation` | an article (also with `, virtual` or `, downloadable` behind) |
//! | `variable` | the parent of variations: not sold itself, counted in [`Notes::rows_without_goods`](super::Notes::rows_without_goods) |
//! | `grouped`, `external` | a list of articles, another shop's article: not sold here, counted likewise |
//! | any other (of extensions) | a row error, `unknown_type` |
//!
//! | cell | becomes |
//! | --- | --- |
//! | Stock 7 | 7 on hand |
//! | Stock −4 | 0 on hand, 4 already owed |
//! | Stock empty, In stock? 0 | [`WooStock::Units`] 0: the shop says so |
//! | Stock empty, In stock? 1 or `backorder` | [`WooStock::NotCounted`]: not zero |
//! | Stock `parent` | [`WooStock::OfParent`]: one count shared by all variations, which no single article can take |
//! | Backorders allowed? 0 | `when_out` refuse |
//! | Backorders allowed? 1 or `notify` | `when_out` backorder |
//!
//! Prices are *Regular price*; they are written with the shop's decimal sign and never in groups, so `12,50` and `12.50`
//! are alike. WooCommerce guards text cells as we do, and older versions guarded negative numbers too: both are undone.
//!
//! Source: WooCommerce, `includes/export/class-wc-product-csv-exporter.php` and `abstract-wc-csv-exporter.php`.

use std::collections::VecDeque;
use std::io::Read;

use super::cells::{Cells, limit};
use super::error::{OpenError, RowError, quoted};
use super::header::{Column, optional, required};
use super::money::{Currency, Decimals};
use super::quantity::Count;
use super::rows::{Rows, Table};
use super::skus::{SkuRow, WhenOut};
use super::text::{split_list, unguard};

const TYPE: usize = 0;
const SKU: usize = 1;
const NAME: usize = 2;
const PUBLISHED: usize = 3;
const IN_STOCK: usize = 4;
const STOCK: usize = 5;
const BACKORDERS: usize = 6;
const PRICE: usize = 7;
const TAGS: usize = 8;
const PARENT: usize = 9;
const BARCODE: usize = 10;
const COST: usize = 11;
const LOW_STOCK: usize = 12;
const ID: usize = 13;

const PLACES: &[Column] = &[
    required(&["Type"]),
    required(&["SKU"]),
    required(&["Name"]),
    optional(&["Published"]),
    optional(&["In stock?"]),
    optional(&["Stock"]),
    optional(&["Backorders allowed?"]),
    optional(&["Regular price"]),
    optional(&["Tags"]),
    optional(&["Parent"]),
    optional(&["GTIN, UPC, EAN, or ISBN"]),
    optional(&["Cost of goods"]),
    optional(&["Low stock amount"]),
    optional(&["ID"]),
];

/// What the shop says of an article's stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WooStock {
    /// The shop counts it; below zero, units are already owed ([`Count::owed`]).
    Units(i64),
    /// The shop does not count it and sells it.
    NotCounted,
    /// The variable product of this SKU (or `id:7`) is counted, not its variations.
    OfParent(String),
}

impl WooStock {
    /// Returns the article's own count, if it has one.
    #[must_use]
    pub fn count(&self) -> Option<Count> {
        match self {
            Self::Units(units) => Some(Count::Units(*units)),
            Self::NotCounted | Self::OfParent(_) => None,
        }
    }
}

/// One article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WooProductRow {
    /// The article; its supplier, cap and lead time are unknown to WooCommerce.
    pub article: SkuRow,
    /// Its stock.
    pub stock: WooStock,
    /// From how few units on the shop calls its stock low.
    pub low_stock: Option<i64>,
    /// The variable product it is a variation of: a SKU, or `id:7` where that has none.
    pub parent: Option<String>,
    /// Whether it is goods to ship, and not `virtual` or `downloadable`.
    pub ships: bool,
    /// Whether customers see it (`Published` 1, or no such column).
    pub published: bool,
}

/// Reads articles; prices are in `currency`, as the export does not tell.
///
/// Errors: `OpenError`; rows: `unknown_type`, `no_sku`, `bad_value`, those of [`super::money::parse`] and
/// [`super::quantity::parse`], `negative_amount`, `mangled_barcode`.
pub fn read<R: Read>(source: R, currency: Currency) -> Result<Rows<R, WooProductRow>, OpenError> {
    let table = Table::open(source, PLACES)?;
    let read = move |cells: &Cells<'_>, out: &mut VecDeque<WooProductRow>| {
        match goods(cells)? {
            Some(ships) => out.push_back(read_article(cells, currency, ships)?),
            None => cells.tally.rows_without_goods.update(|count| count + 1),
        }
        Ok(())
    };
    Ok(Rows::new(table, Box::new(read)))
}

/// Returns whether an article ships; `None` if the row is no article.
fn goods(cells: &Cells<'_>) -> Result<Option<bool>, RowError> {
    let types = cells.raw(TYPE, limit::NAME)?.to_lowercase();
    let mut ships = true;
    let mut kind = None;
    for word in types.split(',').map(str::trim) {
        match word {
            "virtual" | "downloadable" => ships = false,
            other => kind = kind.or(Some(other)),
        }
    }
    // `virtual` alone is what hand-made files have for a simple product.
    match kind.unwrap_or("simple") {
        "simple" | "variation" => Ok(Some(ships)),
        "variable" | "grouped" | "external" => Ok(None),
        other => {
            let detail =
                format!("{} is none of simple, variation, variable, grouped, external", quoted(other));
            Err(cells.error(TYPE, "unknown_type", detail))
        }
    }
}

fn read_article(cells: &Cells<'_>, currency: Currency, ships: bool) -> Result<WooProductRow, RowError> {
    let title = cells.trimmed(NAME, limit::LONG_TEXT)?;
    let Some(sku) = cells.trimmed(SKU, limit::SKU)? else {
        let id = cells.raw(ID, limit::PLACE)?;
        let name = title.as_deref().unwrap_or("this product");
        let detail =
            format!("{} (ID {id}) has no SKU: give it one in WooCommerce and export again", quoted(name));
        return Err(cells.error(SKU, "no_sku", detail));
    };
    let parent = cells.trimmed(PARENT, limit::SKU)?;
    let article = SkuRow {
        row: cells.row(),
        sku,
        title,
        currency,
        price: cells.money(PRICE, currency, Decimals::NeverGrouped)?,
        unit_cost: cells.money(COST, currency, Decimals::NeverGrouped)?,
        supplier: None,
        barcode: cells.barcode(BARCODE)?,
        tags: cells.trimmed(TAGS, limit::LONG_TEXT)?.map(|tags| split_list(&tags)).unwrap_or_default(),
        when_out: when_out(cells)?,
        backorder_cap: None,
        lead_time_days: None,
        components: Vec::new(),
    };
    let low_stock = match cells.count(LOW_STOCK)? {
        Some(Count::Units(units)) => Some(units),
        _ => None,
    };
    let published = !cells.has(PUBLISHED) || unguard(cells.raw(PUBLISHED, limit::PLACE)?.trim()) == "1";
    Ok(WooProductRow {
        stock: stock(cells, parent.as_deref())?,
        article,
        low_stock,
        parent,
        ships,
        published,
    })
}

fn stock(cells: &Cells<'_>, parent: Option<&str>) -> Result<WooStock, RowError> {
    if cells.raw(STOCK, limit::PLACE)?.trim().eq_ignore_ascii_case("parent") {
        return Ok(WooStock::OfParent(parent.unwrap_or_default().to_owned()));
    }
    match cells.count(STOCK)? {
        Some(Count::Units(units)) => Ok(WooStock::Units(units)),
        Some(Count::NotStocked) => {
            Err(cells.error(STOCK, "bad_quantity", "a number, \"parent\" or nothing is needed"))
        }
        None => match cells.raw(IN_STOCK, limit::PLACE)?.trim() {
            "0" => Ok(WooStock::Units(0)),
            "" | "1" | "backorder" => Ok(WooStock::NotCounted),
            other => Err(cells.error(
                IN_STOCK,
                "bad_value",
                format!("{} is none of 0, 1, backorder", quoted(other)),
            )),
        },
    }
}

fn when_out(cells: &Cells<'_>) -> Result<Option<WhenOut>, RowError> {
    match cells.raw(BACKORDERS, limit::PLACE)?.trim() {
        "" => Ok(None),
        "0" | "no" => Ok(Some(WhenOut::Refuse)),
        "1" | "yes" | "notify" => Ok(Some(WhenOut::Backorder)),
        other => {
            Err(cells.error(BACKORDERS, "bad_value", format!("{} is none of 0, 1, notify", quoted(other))))
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const SAMPLE: &str = "\
ID,Type,SKU,\"GTIN, UPC, EAN, or ISBN\",Name,Published,\"Is featured?\",\"Visibility in catalog\",\"Short description\",Description,\"Date sale price starts\",\"Date sale price ends\",\"Tax status\",\"Tax class\",\"In stock?\",Stock,\"Low stock amount\",\"Backorders allowed?\",\"Sold individually?\",\"Weight (kg)\",\"Length (cm)\",\"Width (cm)\",\"Height (cm)\",\"Allow customer reviews?\",\"Purchase note\",\"Sale price\",\"Regular price\",Categories,Tags,\"Shipping class\",Images,\"Download limit\",\"Download expiry days\",Parent,\"Grouped products\",Upsells,Cross-sells,\"External URL\",\"Button text\",Position,\"Attribute 1 name\",\"Attribute 1 value(s)\",\"Attribute 1 visible\",\"Attribute 1 global\"
11,simple,MUG-1,4012340000129,\"Mug, blue\",1,0,visible,,Line\\nline,,,taxable,,1,12,3,notify,0,0.3,,,,1,,,\"12,50\",Kitchen > Mugs,\"blue, tea\\, cups\",,,,,,,,,,,0,,,,
12,simple,MUG-2,,Mug red,'-1,0,visible,,,,,taxable,,backorder,'-4,,1,0,,,,,1,,,12.5,,,,,,,,,,,,,0,,,,
20,variable,TEE,,Tee,1,0,visible,,,,,taxable,,1,30,,0,0,,,,,1,,,,,,,,,,,,,,,,0,Size,\"S, M\",1,1
21,variation,TEE-S,,Tee - S,1,0,visible,,,,,taxable,,1,parent,,0,0,,,,,0,,,20,,,,,,,TEE,,,,,,1,Size,S,,1
22,variation,TEE-M,,Tee - M,1,0,visible,,,,,taxable,,0,,,0,0,,,,,0,,,20,,,,,,,id:20,,,,,,2,Size,M,,1
30,grouped,SET,,Set,1,0,visible,,,,,taxable,,1,,,0,0,,,,,1,,,,,,,,,,,\"MUG-1, MUG-2\",,,,,0,,,,
31,external,EXT,,Elsewhere,1,0,visible,,,,,taxable,,1,,,0,0,,,,,1,,,9,,,,,,,,,,,https://shop.example,Buy,0,,,,
32,\"simple, downloadable, virtual\",PDF,,Pattern,1,0,visible,,,,,taxable,,1,,,0,0,,,,,1,,,3,,,,,,,,,,,,,0,,,,
33,simple,,,Nameless,1,0,visible,,,,,taxable,,1,1,,0,0,,,,,1,,,3,,,,,,,,,,,,,0,,,,
34,subscription,SUB,,Monthly,1,0,visible,,,,,taxable,,1,1,,0,0,,,,,1,,,3,,,,,,,,,,,,,0,,,,
35,simple,CLOTH,,Cloth by the metre,1,0,visible,,,,,taxable,,1,2.5,,0,0,,,,,1,,,3,,,,,,,,,,,,,0,,,,
";

    fn all(text: &str) -> (Vec<Result<WooProductRow, RowError>>, u64) {
        let mut rows = read(text.as_bytes(), crate::tables::money::currency("EUR").unwrap()).unwrap();
        let all = rows.by_ref().collect();
        (all, rows.notes().rows_without_goods)
    }

    #[test]
    fn articles_are_read_and_parents_passed_over() {
        let (rows, without_goods) = all(&format!("\u{feff}{SAMPLE}"));
        assert_eq!(without_goods, 3);
        let good: Vec<_> = rows.iter().flatten().collect();

        let blue = good[0];
        assert_eq!((blue.article.row, blue.article.sku.as_str()), (2, "MUG-1"));
        assert_eq!(blue.article.title.as_deref(), Some("Mug, blue"));
        assert_eq!((blue.article.price, blue.low_stock), (Some(1250), Some(3)));
        assert_eq!(blue.article.barcode.as_deref(), Some("4012340000129"));
        assert_eq!(blue.article.tags, ["blue", "tea, cups"]);
        assert_eq!((&blue.stock, blue.article.when_out), (&WooStock::Units(12), Some(WhenOut::Backorder)));

        let red = good[1];
        assert_eq!(red.stock.count().map(|count| (count.on_hand(), count.owed())), Some((0, 4)));
        assert_eq!((red.article.price, red.published), (Some(1250), false));

        let small = good[2];
        assert_eq!((&small.stock, small.parent.as_deref()), (&WooStock::OfParent("TEE".into()), Some("TEE")));
        assert_eq!((small.stock.count(), small.article.when_out), (None, Some(WhenOut::Refuse)));
        let medium = good[3];
        assert_eq!((&medium.stock, medium.parent.as_deref()), (&WooStock::Units(0), Some("id:20")));
        let pattern = good[4];
        assert_eq!((&pattern.stock, pattern.ships, blue.ships), (&WooStock::NotCounted, false, true));
    }

    #[test]
    fn bad_rows_are_named() {
        let (rows, _) = all(SAMPLE);
        let errors: Vec<_> =
            rows.iter().filter_map(|row| row.as_ref().err().map(|e| (e.row, e.code))).collect();
        assert_eq!(errors, [(10, "no_sku"), (11, "unknown_type"), (12, "fraction")]);
        let error = rows.iter().find_map(|row| row.as_ref().err()).unwrap();
        assert_eq!(
            error.detail,
            "\"Nameless\" (ID 33) has no SKU: give it one in WooCommerce and export again"
        );
    }

    #[test]
    fn a_translated_header_is_refused_with_the_names_wanted() {
        let error = read(&b"ID,Typ,Artikelnummer,Name\n"[..], crate::tables::money::currency("EUR").unwrap())
            .err()
            .unwrap();
        assert_eq!(error.to_string(), "missing columns: Type, SKU (found: id, typ, artikelnummer, name)");
    }
}
