//! `shopify-products`: Shopify's product export.
//!
//! Both header styles are read: the older (`Handle`, `Variant SKU`, `Variant Price`, …) and the newer (`URL handle`,
//! `SKU`, `Price`, `Inventory quantity`, `Continue selling when out of stock`, …), and mixtures of the two.
//!
//! A product takes one row for each variant and one more for each further image, all with its handle. The first row
//! carries the product's title, vendor, tags and status, and the others leave them empty: they are inherited. A row
//! without option value, SKU, price and quantity only adds an image and is counted in
//! [`Notes::rows_without_goods`](super::Notes::rows_without_goods).
//!
//! | cell | becomes |
//! | --- | --- |
//! | inventory policy `deny` (or `FALSE`) | `when_out` refuse |
//! | inventory policy `continue` (or `TRUE`) | `when_out` backorder |
//! | inventory quantity −4 | 0 on hand, 4 already owed |
//! | inventory quantity empty, or no such column (shops with several locations) | stock unknown: `None` |
//! | inventory tracker there and empty | stock not tracked: `None` |
//! | vendor | supplier |
//!
//! Prices for single markets (`Price / International`), compare-at prices and images are left out.
//!
//! Source: help.shopify.com/en/manual/products/import-export/using-csv; the sample files linked there.

use std::collections::VecDeque;
use std::io::Read;

use super::cells::{Cells, limit};
use super::error::{OpenError, RowError, quoted};
use super::header::{Column, optional, required};
use super::money::{Currency, Decimals};
use super::quantity::Count;
use super::rows::{Rows, Table};
use super::skus::{SkuRow, WhenOut};
use super::text::split_list;

const HANDLE: usize = 0;
const TITLE: usize = 1;
const SKU: usize = 2;
const PRICE: usize = 3;
const COST: usize = 4;
const BARCODE: usize = 5;
const QUANTITY: usize = 6;
const POLICY: usize = 7;
const TRACKER: usize = 8;
const VENDOR: usize = 9;
const TAGS: usize = 10;
const STATUS: usize = 11;
const OPTIONS: [usize; 3] = [12, 13, 14];

const PLACES: &[Column] = &[
    required(&["Handle", "URL handle"]),
    required(&["Title"]),
    required(&["Variant SKU", "SKU"]),
    optional(&["Variant Price", "Price"]),
    optional(&["Cost per item", "Variant Cost"]),
    optional(&["Variant Barcode", "Barcode", "Barcodes", "Variant Barcodes"]),
    optional(&["Variant Inventory Qty", "Inventory quantity"]),
    optional(&["Variant Inventory Policy", "Continue selling when out of stock"]),
    optional(&["Variant Inventory Tracker", "Inventory tracker"]),
    optional(&["Vendor"]),
    optional(&["Tags"]),
    optional(&["Status"]),
    optional(&["Option1 Value"]),
    optional(&["Option2 Value"]),
    optional(&["Option3 Value"]),
];

/// Whether a product is on sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// On sale, listed or not.
    Active,
    /// Not yet on sale.
    Draft,
    /// No longer on sale.
    Archived,
}

/// One variant of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopifyProductRow {
    /// The product's handle.
    pub handle: String,
    /// The variant's option values joined by ` / `, such as `Small / Red`; `None` for a product of one variant.
    pub variant: Option<String>,
    /// The article: its title is the product's, `backorder_cap` and `lead_time_days` are unknown to Shopify.
    pub article: SkuRow,
    /// Stock in the shop's only location; `None` when unknown or not tracked. Below zero, units are already owed.
    pub stock: Option<Count>,
    /// Whether it is on sale.
    pub status: Status,
}

/// What the first row of a product says for all of them.
struct Product {
    handle: String,
    title: String,
    vendor: Option<String>,
    tags: Vec<String>,
    status: Status,
}

/// Reads variants; prices are in `currency`, as the export does not tell.
///
/// Errors: `OpenError`; rows: `no_title` (a row that follows no product's first row), `no_sku`, `bad_value`, those of
/// [`super::money::parse`] and [`super::quantity::parse`], `negative_amount`, `mangled_barcode`.
pub fn read<R: Read>(source: R, currency: Currency) -> Result<Rows<R, ShopifyProductRow>, OpenError> {
    let table = Table::open(source, PLACES)?;
    let mut product: Option<Product> = None;
    let read = move |cells: &Cells<'_>, out: &mut VecDeque<ShopifyProductRow>| {
        let handle = cells.trimmed(HANDLE, limit::NAME)?;
        if !cells.is_empty(TITLE) {
            product = None;
            product = Some(first_row(cells, handle.clone())?);
        }
        let is_variant = OPTIONS.iter().chain(&[SKU, PRICE, QUANTITY]).any(|column| !cells.is_empty(*column));
        if !is_variant {
            cells.tally.rows_without_goods.update(|count| count + 1);
            return Ok(());
        }
        let known =
            product.as_ref().filter(|product| handle.as_ref().is_none_or(|handle| *handle == product.handle));
        let product = known.ok_or_else(|| {
            cells.error(TITLE, "no_title", "no title, and the product's first row is not above it or is bad")
        })?;
        out.push_back(read_variant(cells, product, currency)?);
        Ok(())
    };
    Ok(Rows::new(table, Box::new(read)))
}

fn first_row(cells: &Cells<'_>, handle: Option<String>) -> Result<Product, RowError> {
    let title = cells.needed(TITLE, limit::LONG_TEXT, "no_title")?;
    let status = match cells.trimmed(STATUS, limit::PLACE)?.map(|word| word.to_lowercase()).as_deref() {
        // Shopify takes a product without a status for an active one.
        None | Some("active" | "unlisted") => Status::Active,
        Some("draft") => Status::Draft,
        Some("archived") => Status::Archived,
        Some(other) => {
            let detail = format!("{} is none of active, draft, archived, unlisted", quoted(other));
            return Err(cells.error(STATUS, "bad_value", detail));
        }
    };
    Ok(Product {
        handle: handle.unwrap_or_default(),
        title,
        vendor: cells.trimmed(VENDOR, limit::NAME)?,
        tags: cells.trimmed(TAGS, limit::LONG_TEXT)?.map(|tags| split_list(&tags)).unwrap_or_default(),
        status,
    })
}

fn read_variant(
    cells: &Cells<'_>,
    product: &Product,
    currency: Currency,
) -> Result<ShopifyProductRow, RowError> {
    let variant = variant(cells)?;
    let sku = sku(cells, SKU, &product.handle, variant.as_deref())?;
    let tracked = !cells.has(TRACKER) || !cells.is_empty(TRACKER);
    let article = SkuRow {
        row: cells.row(),
        sku,
        title: Some(product.title.clone()),
        currency,
        price: cells.money(PRICE, currency, Decimals::Guess)?,
        unit_cost: cells.money(COST, currency, Decimals::Guess)?,
        supplier: product.vendor.clone(),
        barcode: cells.barcode(BARCODE)?,
        tags: product.tags.clone(),
        when_out: when_out(cells)?,
        backorder_cap: None,
        lead_time_days: None,
        components: Vec::new(),
    };
    let stock = if tracked { cells.count(QUANTITY)? } else { None };
    Ok(ShopifyProductRow { handle: product.handle.clone(), variant, article, stock, status: product.status })
}

fn variant(cells: &Cells<'_>) -> Result<Option<String>, RowError> {
    let mut values = Vec::new();
    for column in OPTIONS {
        values.extend(cells.trimmed(column, limit::NAME)?);
    }
    Ok(if values.is_empty() || values == ["Default Title"] { None } else { Some(values.join(" / ")) })
}

/// Reads a Shopify SKU: an apostrophe in front, which keeps its zeros in a spreadsheet, is cut.
pub(super) fn sku(
    cells: &Cells<'_>,
    column: usize,
    handle: &str,
    variant: Option<&str>,
) -> Result<String, RowError> {
    let raw = cells.raw(column, limit::SKU)?;
    let trimmed = raw.trim();
    let sku = trimmed.strip_prefix('\'').unwrap_or(trimmed);
    if sku.is_empty() {
        let which = variant.map(|variant| format!(" ({variant})")).unwrap_or_default();
        let detail = format!("{handle}{which} has no SKU: give it one in Shopify and export again");
        return Err(cells.error(column, "no_sku", detail));
    }
    Ok(sku.to_owned())
}

fn when_out(cells: &Cells<'_>) -> Result<Option<WhenOut>, RowError> {
    let Some(word) = cells.trimmed(POLICY, limit::PLACE)? else { return Ok(None) };
    match word.to_ascii_lowercase().as_str() {
        "deny" | "false" | "no" => Ok(Some(WhenOut::Refuse)),
        "continue" | "true" | "yes" => Ok(Some(WhenOut::Backorder)),
        _ => Err(cells.error(POLICY, "bad_value", format!("{} is neither deny nor continue", quoted(&word)))),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const OLDER: &str = "\
Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Option1 Linked To,Option2 Name,Option2 Value,Option2 Linked To,Option3 Name,Option3 Value,Option3 Linked To,Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Fulfillment Service,Variant Price,Variant Compare At Price,Variant Requires Shipping,Variant Taxable,Variant Barcode,Image Src,Image Position,Image Alt Text,Gift Card,SEO Title,SEO Description,Variant Image,Variant Weight Unit,Variant Tax Code,Cost per item,Included / International,Price / International,Compare At Price / International,Status
linen-apron,Linen apron,\"<p>Two
lines</p>\",Weberei Nord,,Aprons,\"linen, kitchen\",true,Size,Small,,Colour,Red,,,,,APR-S,300,shopify,12,deny,manual,39.00,,true,true,'0401234000012,https://cdn.example/1.jpg,1,,false,,,,g,,14.20,true,,,active
linen-apron,,,,,,,,,Large,,,Red,,,,,APR-L,300,shopify,-4,continue,manual,42.50,,true,true,,,,,,,,,g,,,,,,
linen-apron,,,,,,,,,,,,,,,,,,,,,,,,,,,,https://cdn.example/2.jpg,2,,,,,,,,,,,,
linen-apron,,,,,,,,,Giant,,,Red,,,,,,300,shopify,3,deny,manual,45.00,,true,true,,,,,,,,,g,,,,,,
poster,Poster,,,,,,false,Title,Default Title,,,,,,,,'0007,10,,0,deny,manual,12,,true,true,,,,,false,,,,g,,,,,,draft
stray,,,,,,,,,Small,,,,,,,,STR-1,1,shopify,1,deny,manual,1,,true,true,,,,,,,,,g,,,,,,
";

    pub(crate) const NEWER: &str = "\
Title,URL handle,Description,Vendor,Product category,Type,Tags,Published on online store,Status,SKU,Barcode,Option1 name,Option1 value,Option1 Linked To,Option2 name,Option2 value,Option2 Linked To,Option3 name,Option3 value,Option3 Linked To,Price,Compare-at price,Cost per item,Charge tax,Tax code,Unit price total measure,Unit price total measure unit,Unit price base measure,Unit price base measure unit,Inventory tracker,Inventory quantity,Continue selling when out of stock,Weight value (grams),Weight unit for display,Requires shipping,Fulfillment service,Product image URL,Image position,Image alt text,Variant image URL,Gift card,SEO title,SEO description
Linen apron,linen-apron,Long,Weberei Nord,,Aprons,linen,TRUE,Active,APR-S,401234000012,Size,Small,,,,,,,,39.00,,14.20,TRUE,,,,,,shopify,10,DENY,300,g,TRUE,manual,,,,,FALSE,,
,linen-apron,,,,,,,,APR-L,,,Large,,,,,,,,42.50,,,TRUE,,,,,,shopify,−4,CONTINUE,300,g,TRUE,manual,,,,,FALSE,,
Poster,poster,,,,,,TRUE,Archived,POS-1,,Title,Default Title,,,,,,,,12,,,TRUE,,,,,,shopify,,TRUE,10,g,TRUE,manual,,,,,FALSE,,
Odd,odd,,,,,,TRUE,sold,ODD-1,,Title,Default Title,,,,,,,,12,,,TRUE,,,,,,shopify,1,deny,10,g,TRUE,manual,,,,,FALSE,,
Strange,strange,,,,,,TRUE,active,ODD-2,,Title,Default Title,,,,,,,,12,,,TRUE,,,,,,shopify,1,maybe,10,g,TRUE,manual,,,,,FALSE,,
";

    fn all(text: &str) -> (Vec<Result<ShopifyProductRow, RowError>>, u64) {
        let mut rows = read(text.as_bytes(), crate::tables::money::currency("EUR").unwrap()).unwrap();
        let all = rows.by_ref().collect();
        (all, rows.notes().rows_without_goods)
    }

    #[test]
    fn variants_inherit_and_image_rows_are_no_products() {
        let (rows, image_rows) = all(OLDER);
        assert_eq!(image_rows, 1);
        let small = rows[0].clone().unwrap();
        assert_eq!((small.article.row, small.article.sku.as_str()), (2, "APR-S"));
        assert_eq!((small.article.price, small.article.unit_cost), (Some(3900), Some(1420)));
        assert_eq!(small.article.barcode.as_deref(), Some("0401234000012"));
        assert_eq!(small.variant.as_deref(), Some("Small / Red"));
        assert_eq!((small.stock, small.article.when_out), (Some(Count::Units(12)), Some(WhenOut::Refuse)));

        let large = rows[1].clone().unwrap();
        assert_eq!(large.article.row, 3, "a line break in a cell starts no row");
        assert_eq!(large.article.title.as_deref(), Some("Linen apron"));
        assert_eq!(large.article.supplier.as_deref(), Some("Weberei Nord"));
        assert_eq!(large.article.tags, ["linen", "kitchen"]);
        assert_eq!(large.article.when_out, Some(WhenOut::Backorder));
        assert_eq!(large.stock.map(|stock| (stock.on_hand(), stock.owed())), Some((0, 4)));

        let error = rows[2].clone().unwrap_err();
        assert_eq!((error.row, error.code, error.column), (5, "no_sku", Some("Variant SKU")));
        assert!(error.detail.starts_with("linen-apron (Giant / Red) has no SKU"), "{}", error.detail);

        let poster = rows[3].clone().unwrap();
        assert_eq!(
            (poster.article.sku.as_str(), poster.variant, poster.status),
            ("0007", None, Status::Draft)
        );
        assert_eq!((poster.stock, poster.article.supplier), (None, None), "not tracked: its 0 says nothing");

        let stray = rows[4].clone().unwrap_err();
        assert_eq!((stray.row, stray.code), (7, "no_title"));
    }

    #[test]
    fn the_newer_header_is_read_alike() {
        let (rows, _) = all(NEWER);
        let small = rows[0].clone().unwrap();
        assert_eq!(
            (small.handle.as_str(), small.article.price, small.stock),
            ("linen-apron", Some(3900), Some(Count::Units(10)))
        );
        let large = rows[1].clone().unwrap();
        assert_eq!(
            (large.article.title.as_deref(), large.stock),
            (Some("Linen apron"), Some(Count::Units(-4)))
        );
        assert_eq!((large.article.when_out, large.status), (Some(WhenOut::Backorder), Status::Active));
        let poster = rows[2].clone().unwrap();
        assert_eq!((poster.stock, poster.status), (None, Status::Archived), "an empty quantity is not zero");
        assert_eq!(poster.article.when_out, Some(WhenOut::Backorder));
        let errors: Vec<_> =
            rows.iter().filter_map(|row| row.as_ref().err().map(|e| (e.row, e.code, e.column))).collect();
        let expect =
            [(5, "bad_value", Some("Status")), (6, "bad_value", Some("Continue selling when out of stock"))];
        assert_eq!(errors, expect);
    }

    #[test]
    fn missing_columns_are_named_by_their_usual_names() {
        let currency = crate::tables::money::currency("EUR").unwrap();
        let error = read(&b"Title,Vendor\nx,y\n"[..], currency).err().unwrap();
        assert_eq!(error.to_string(), "missing columns: Handle, Variant SKU (found: title, vendor)");
    }
}
