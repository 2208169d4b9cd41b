//! Reads whole files as the shell will: made-up ones of every kind, and a real one from the shared data folder, which
//! lies beside the workspace and is never part of it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::Instant;

use connect::tables::online_retail::{self, LineClass};
use connect::tables::{
    Kind, orders, read_header, recognise, shopify_inventory, shopify_products, skus, stock, supplies,
    woocommerce_products,
};
use proptest::prelude::*;

/// Reads a file of any kind to its end; returns how many rows were good and bad.
fn read_all(kind: Kind, bytes: &[u8]) -> Option<(usize, usize)> {
    fn count<T, E>(rows: impl Iterator<Item = Result<T, E>>) -> (usize, usize) {
        rows.fold((0, 0), |(good, bad), row| if row.is_ok() { (good + 1, bad) } else { (good, bad + 1) })
    }
    let usd = connect::tables::money::currency("USD").unwrap();
    Some(match kind {
        Kind::Skus => count(skus::read(bytes, usd).ok()?),
        Kind::Stock => count(stock::read(bytes).ok()?),
        Kind::Supplies => count(supplies::read(bytes).ok()?),
        Kind::Orders => count(orders::read(bytes, usd).ok()?),
        Kind::ShopifyProducts => count(shopify_products::read(bytes, usd).ok()?),
        Kind::ShopifyInventory => count(shopify_inventory::read(bytes).ok()?),
        Kind::WoocommerceProducts => count(woocommerce_products::read(bytes, usd).ok()?),
        Kind::OnlineRetail => {
            let mut lines = online_retail::read(bytes).ok()?;
            let (mut good, mut bad) = (0, 0);
            while let Some(line) = lines.next() {
                if line.is_ok() { good += 1 } else { bad += 1 }
            }
            (good, bad)
        }
    })
}

const HEADERS: [(Kind, &str); 8] = [
    (Kind::Skus, "sku,title,price,unit_cost,barcode,tags,when_out,backorder_cap"),
    (Kind::Stock, "sku,location,on_hand"),
    (Kind::Supplies, "reference,sku,location,kind,quantity,expected_on,supplier"),
    (Kind::Orders, "reference,sku,quantity,placed_at,email,unit_price"),
    (Kind::ShopifyProducts, "Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty,Option1 Value"),
    (Kind::ShopifyInventory, "Handle,SKU,Location,Committed,Available,On hand"),
    (Kind::WoocommerceProducts, "Type,SKU,Name,In stock?,Stock,Regular price"),
    (Kind::OnlineRetail, "Invoice,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID"),
];

proptest! {
    #[test]
    fn no_bytes_break_a_reader(
        which in 0..HEADERS.len(),
        rows in proptest::collection::vec(
            proptest::collection::vec("(simple|-4|1,5|12[.]0|2026-01-01 10:00|[a-c$€'=@\"\0 ]{0,4}|é)", 0..9),
            0..6,
        ),
        tail in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let (kind, header) = HEADERS[which];
        let body: Vec<String> = rows.iter().map(|cells| cells.join(",")).collect();
        let mut bytes = format!("{header}\n{}\n", body.join("\n")).into_bytes();
        bytes.extend(tail);
        prop_assert_eq!(recognise(&read_header(&bytes[..]).unwrap()), Some(kind));
        let first = read_all(kind, &bytes).unwrap();
        prop_assert_eq!(Some(first), read_all(kind, &bytes), "the same file reads the same");
    }
}

#[test]
fn a_year_of_real_invoices_is_read_without_an_error() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/online_retail.csv.gz");
    let Ok(file) = File::open(&path) else {
        println!("not run: {} is missing", path.display());
        return;
    };
    let started = Instant::now();
    let mut lines = online_retail::read(file).unwrap();
    let mut classes: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut count, mut units_sold, mut cancels, mut last) = (0_u64, 0_i64, 0_u64, None);
    while let Some(line) = lines.next() {
        let line = line.unwrap();
        assert!(last <= Some(line.at), "row {} is out of time order", line.row);
        last = Some(line.at);
        count += 1;
        cancels += u64::from(line.is_cancel);
        let class = match line.class {
            LineClass::Sale => {
                units_sold += line.quantity;
                assert!(line.quantity > 0);
                "sale"
            }
            LineClass::Return => {
                assert!(line.quantity < 0);
                "return"
            }
            LineClass::StockCorrection => "stock correction",
            LineClass::NotGoods => "not goods",
        };
        *classes.entry(class).or_default() += 1;
    }
    let rate = f64::from(u32::try_from(count).unwrap()) / started.elapsed().as_secs_f64();
    println!("{count} lines at {rate:.0} lines/s: {classes:?}, {units_sold} units sold");
    assert_eq!((count, lines.notes().rows, cancels), (525_461, 525_461, 10_206));
    assert_eq!(lines.notes().windows_1252_cells, 0);
    // Counted once with another program from the rules in the module's documentation.
    let expect = [("not goods", 2_981), ("return", 9_581), ("sale", 509_274), ("stock correction", 3_625)];
    assert_eq!((classes, units_sold), (BTreeMap::from(expect), 5_826_413));
}
