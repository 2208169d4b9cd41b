//! Tables in and out: what a file says goes in once, what is bad is named, and what comes out goes in again.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::house::House;

const SKUS: &str = "\
sku,title,price,currency,unit_cost,supplier,barcode,tags,when_out,backorder_cap,lead_time_days,components
HEARTH,By the hearth,220.00,USD,,,,,backorder,3,,KETTLE:1 OAK\\ STOOL:2
KETTLE,Copper kettle,49.00,USD,21.50,Kupfer GmbH,4012345678901,tea,backorder,unlimited,,
LAMP,\"Lamp, brass\",120.00,USD,,,,\"light, brass\",refuse,,,
OAK STOOL,Oak stool,80.00,USD,30.00,,,,made_to_order,50,21,
";
const STOCK: &str = "sku,location,on_hand\nKETTLE,main,5\nLAMP,main,-3\nOAK STOOL,attic,7\n";
const SUPPLIES: &str = "\
reference,sku,location,kind,quantity,expected_on,supplier
PO-1,KETTLE,main,purchase_order,40,2031-03-03,Kupfer GmbH
PO-2,LAMP,attic,transfer,2,2031-04-01,
";
const ORDERS: &str = "\
reference,placed_at,email,name,country,postcode,sku,quantity,unit_price
1001,2026-01-05T10:00:00Z,ann@example.com,Ann,US,10001,KETTLE,4,49.00
1001,2026-01-05T10:00:00Z,ann@example.com,Ann,US,10001,OAK STOOL,1,80.00
1002,2026-01-06T09:30:00Z,bo@example.com,Bo,DE,10115,KETTLE,8,45.50
1003,2026-01-07T09:30:00Z,cy@example.com,Cy,US,10002,LAMP,2,120.00
1004,2026-01-08T09:30:00Z,di@example.com,Di,US,10003,HEARTH,2,220.00
";
const OWN: [(&str, &str); 4] = [("skus", SKUS), ("stock", STOCK), ("supplies", SUPPLIES), ("orders", ORDERS)];

/// Takes a table in; answers the report.
fn import(house: &House, kind: &str, text: &str, more: &[&str]) -> Value {
    let file = house.file(&format!("{kind}.csv"), text);
    house.done(&[&["import", kind, &file, "--json"], more].concat()).json()
}

fn counts(report: &Value) -> [u64; 3] {
    ["rows", "imported", "skipped"].map(|name| report[name].as_u64().unwrap())
}

/// The numbers and codes of the bad rows.
fn bad(report: &Value) -> Vec<(u64, String)> {
    let errors = report["errors"].as_array().unwrap();
    let error = |error: &Value| (error["row"].as_u64().unwrap(), error["code"].as_str().unwrap().to_owned());
    errors.iter().map(error).collect()
}

fn exports(house: &House) -> Vec<String> {
    OWN.iter().map(|(kind, _)| house.done(&["export", kind]).out).collect()
}

fn stocked() -> House {
    let house = House::new();
    for (kind, text) in OWN {
        let report = import(&house, kind, text, &[]);
        let rows = text.lines().count() as u64 - 1;
        assert_eq!(counts(&report), [rows, rows, 0], "{kind}: {report}");
    }
    house
}

#[test]
fn every_table_goes_in_once() {
    let house = stocked();
    let before = (exports(&house), house.verified()["events"].clone());
    for (kind, text) in OWN {
        let report = import(&house, kind, text, &[]);
        let rows = text.lines().count() as u64 - 1;
        assert_eq!(counts(&report), [rows, 0, rows], "{kind}: {report}");
    }
    assert_eq!((exports(&house), house.verified()["events"].clone()), before);
}

#[test]
fn what_is_exported_makes_the_same_shop_elsewhere() {
    let house = stocked();
    let tables = exports(&house);
    assert!(tables[1].contains("KETTLE,main,5\n"), "orders that wait do not count below zero: {}", tables[1]);
    let elsewhere = House::new();
    // Orders before stock: an order that a count below zero became keeps its time, and with it its place in the queue.
    for (kind, at) in [("skus", 0), ("orders", 3), ("stock", 1), ("supplies", 2)] {
        assert_eq!(bad(&import(&elsewhere, kind, &tables[at], &[])), [], "{kind}: {}", tables[at]);
    }
    for ((kind, _), (ours, theirs)) in OWN.iter().zip(tables.iter().zip(exports(&elsewhere))) {
        assert_eq!(*ours, theirs, "{kind}");
    }
    assert_eq!(house.verified()["open_lines"], elsewhere.verified()["open_lines"]);
}

#[test]
fn stock_below_zero_is_owed_and_stands_in_the_backlog() {
    let (house, key) = House::with_key();
    import(&house, "skus", SKUS, &[]);
    import(&house, "stock", STOCK, &[]);
    assert!(house.done(&["export", "stock"]).out.contains("LAMP,main,-3\n"));
    let server = house.serve();
    let client = server.client(&key);
    let backlog = client.list("/v1/backorders");
    assert_eq!(backlog.len(), 1, "{backlog:?}");
    assert_eq!((&backlog[0]["sku"], &backlog[0]["quantity"]), (&json!("LAMP"), &json!(3)));
    let lamp = client.get("/v1/availability?sku=LAMP").expect(200);
    assert_eq!(lamp["available_now"], 0, "{lamp}");
}

#[test]
fn bad_rows_are_named_and_good_ones_go_in() {
    let house = House::new();
    let skus = "sku,title,price\nA,Good,1.00\n,No code,1.00\nB,Dear,1.2345\nC,Good,2.00\n";
    let report = import(&house, "skus", skus, &[]);
    assert_eq!(counts(&report), [4, 2, 0], "{report}");
    assert_eq!(bad(&report), [(3, "no_sku".to_owned()), (4, "too_many_decimals".to_owned())]);
    let stock = "sku,location,on_hand\nA,main,4\nNOBODY,main,4\nC,main,1.5\nC,main,2\n";
    let report = import(&house, "stock", stock, &[]);
    assert_eq!(counts(&report), [4, 2, 0], "{report}");
    assert_eq!(bad(&report), [(3, "unknown_sku".to_owned()), (4, "fraction".to_owned())]);
    let supplies = "reference,sku,location,kind,quantity,expected_on\nP,A,main,purchase_order,5,\nP,A,main,purchase_order,5,2031-01-06\n";
    let report = import(&house, "supplies", supplies, &[]);
    assert_eq!(bad(&report), [(2, "no_date".to_owned())]);
    let orders = "reference,sku,quantity\n1,A,1\n2,A,0\n3,NOBODY,1\n";
    let report = import(&house, "orders", orders, &[]);
    assert_eq!(bad(&report).iter().map(|(row, _)| *row).collect::<Vec<_>>(), [3, 4], "{report}");
    assert_eq!(report["imported"], 1);

    let file = house.file("skus.csv", skus);
    let strict = house.run(&["import", "skus", &file, "--strict"]);
    assert_eq!(strict.code, 1, "{strict:?}");
    assert!(strict.out.contains("row 3, sku: ") && strict.out.contains("row 4, price: "), "{}", strict.out);
    let good = house.file("good.csv", "sku\nD\n");
    house.done(&["import", "skus", &good, "--strict"]);
    house.verified();
}

#[test]
fn a_kit_goes_in_with_what_it_is_made_of_or_says_why_not() {
    let house = House::new();
    let skus = "\
sku,when_out,components
SET,backorder,CUP:2 POT:1
CUP,,
POT,backorder,
LOST,backorder,CUP:1 SAUCER:2
ROUND,,ROUND:1
NEST,,SET:1
TWICE,,CUP:1 CUP:2
MANY,,CUP:10001
PLAIN,,CUP
";
    let report = import(&house, "skus", skus, &[]);
    assert_eq!(counts(&report), [9, 3, 0], "{report}");
    let expect = [
        (5, "unknown_sku", "SAUCER"),
        (6, "is_itself", "itself"),
        (7, "is_a_kit", "SET"),
        (8, "duplicate", "CUP"),
        (9, "quantity_too_large", "10000"),
        (10, "bad_components", "\"CUP\""),
    ];
    let errors = report["errors"].as_array().unwrap();
    assert_eq!(errors.len(), expect.len(), "{report}");
    for (error, (row, code, says)) in errors.iter().zip(expect) {
        assert_eq!(
            (&error["row"], &error["code"], &error["column"]),
            (&json!(row), &json!(code), &json!("components"))
        );
        assert!(error["detail"].as_str().unwrap().contains(says), "{error}");
    }
    let exported = house.done(&["export", "skus"]).out;
    assert!(exported.contains("SET,,,USD,,,,,backorder,,,CUP:2 POT:1\n"), "{exported}");
    assert!(!exported.contains("LOST"), "{exported}");

    let title = import(&house, "skus", "sku,title\nSET,Tea for two\n", &[]);
    assert_eq!(counts(&title), [1, 1, 0], "{title}");
    let more = import(&house, "skus", "sku,components\nSET,CUP:3 POT:1\nSET,CUP:3 POT:1\n", &[]);
    assert_eq!(counts(&more), [2, 1, 1], "{more}");
    let exported = house.done(&["export", "skus"]).out;
    assert!(exported.contains("SET,Tea for two,,USD,,,,,backorder,,,CUP:3 POT:1\n"), "{exported}");
    import(&house, "stock", "sku,location,on_hand\nPOT,main,4\n", &[]);
    let stocked = import(&house, "skus", "sku,components\nPOT,CUP:1\n", &[]);
    assert_eq!(bad(&stocked), [(2, "has_supplies".to_owned())], "{stocked}");
    house.verified();
}

#[test]
fn a_dry_run_changes_nothing() {
    let house = stocked();
    let before = (exports(&house), house.verified());
    let more = [
        ("skus", "sku,title\nNEW,New\n"),
        ("stock", "sku,location,on_hand\nKETTLE,loft,9\nLAMP,main,4\n"),
        (
            "supplies",
            "reference,sku,location,kind,quantity,expected_on\nPO-9,KETTLE,loft,transfer,5,2031-01-06\n",
        ),
        ("orders", "reference,sku,quantity\n2001,KETTLE,1\n"),
    ];
    for (kind, text) in more {
        let report = import(&house, kind, text, &["--dry-run"]);
        assert_eq!(report["dry_run"], true);
        assert_eq!(report["imported"], text.lines().count() - 1, "{kind}: {report}");
    }
    assert_eq!((exports(&house), house.verified()), before);
}

#[test]
fn a_packed_table_and_standard_input_are_read_too() {
    let house = House::new();
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(SKUS.as_bytes()).unwrap();
    let file = house.file("skus.csv.gz", packed.finish().unwrap());
    assert_eq!(counts(&house.done(&["import", "skus", &file, "--json"]).json()), [4, 4, 0]);
    let fed = house.fed(&["import", "stock", "-", "--json"], STOCK.as_bytes());
    assert_eq!(counts(&fed.json()), [3, 3, 0], "{fed:?}");
}

#[test]
fn shopify_products_and_inventory_go_in() {
    let house = House::new();
    let products = "\
Handle,Title,Vendor,Tags,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Status
apron,Linen apron,Weberei Nord,\"linen, kitchen\",Size,Small,APR-S,shopify,12,deny,39.00,active
apron,,,,,Large,APR-L,shopify,-4,continue,42.50,
apron,,,,,Giant,,shopify,3,deny,45.00,
";
    let report = import(&house, "shopify-products", products, &[]);
    assert_eq!(counts(&report), [3, 2, 0], "{report}");
    assert_eq!(bad(&report), [(4, "no_sku".to_owned())]);
    let stock = house.done(&["export", "stock"]).out;
    assert!(stock.contains("APR-S,main,12\n") && stock.contains("APR-L,main,-4\n"), "{stock}");
    let again = import(&house, "shopify-products", products, &[]);
    assert_eq!(counts(&again), [3, 0, 2], "{again}");

    let inventory = "\
Handle,Title,SKU,Location,Incoming (not editable),Unavailable (not editable),Committed (not editable),Available (not editable),On hand (current),On hand (new)
apron,Apron,APR-S,Loft,5,1,3,6,10,
apron,Apron,APR-L,Loft,0,0,0,not stocked,Not stocked,
apron,Apron,,Loft,0,0,0,3,3,
";
    let report = import(&house, "shopify-inventory", inventory, &[]);
    assert_eq!(counts(&report), [3, 1, 1], "{report}");
    assert_eq!(bad(&report), [(4, "no_sku".to_owned())]);
    let stock = house.done(&["export", "stock"]).out;
    assert!(stock.contains("APR-S,Loft,9\n"), "{stock}");
    let again = import(&house, "shopify-inventory", inventory, &[]);
    assert_eq!(counts(&again), [3, 0, 2], "{again}");
    house.verified();
}

#[test]
fn woocommerce_products_go_in() {
    let house = House::new();
    let products = "\
ID,Type,SKU,Name,In stock?,Stock,Backorders allowed?,Regular price,Tags,Parent
11,simple,MUG-1,\"Mug, blue\",1,12,notify,12.50,\"blue, tea\",
12,simple,MUG-2,Mug red,backorder,-4,1,12.50,,
20,variable,TEE,Tee,1,30,0,,,
21,variation,TEE-S,Tee - S,1,parent,0,20,,TEE
33,simple,,Nameless,1,1,0,3,,
";
    let report = import(&house, "woocommerce-products", products, &["--currency", "EUR"]);
    assert_eq!(report["imported"], 3, "{report}");
    assert_eq!(bad(&report), [(6, "no_sku".to_owned())]);
    let stock = house.done(&["export", "stock"]).out;
    assert!(stock.contains("MUG-1,main,12\n") && stock.contains("MUG-2,main,-4\n"), "{stock}");
    assert!(house.done(&["export", "skus"]).out.contains("12.50,EUR"));
    assert_eq!(import(&house, "woocommerce-products", products, &["--currency", "EUR"])["imported"], 0);
    house.verified();
}
