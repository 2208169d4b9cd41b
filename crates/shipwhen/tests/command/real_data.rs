//! The first rows of a real shop's year, where the shared data lies beside the workspace.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use flate2::bufread::GzDecoder;

use crate::house::House;

const LINES: usize = 20_000;

#[test]
fn real_orders_go_in_once_and_leave_a_store_that_verifies() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/online_retail.csv.gz");
    let Ok(file) = File::open(path) else {
        println!("not run: shared/data/online_retail.csv.gz does not lie beside the workspace");
        return;
    };
    let mut text = Vec::new();
    let mut rows = BufReader::new(GzDecoder::new(BufReader::new(file)));
    for _ in 0..=LINES {
        rows.read_until(b'\n', &mut text).unwrap();
    }
    let house = House::new();
    let file = house.file("online_retail.csv", text);
    let args = ["import", "online-retail", &file, "--tenant", "retail", "--json"];
    let first = house.done(&args).json();
    assert_eq!(first["rows"], LINES);
    assert!(first["imported"].as_u64().unwrap() > 19_000, "{first}");
    let report = house.verified();
    assert!(report["events"].as_u64().unwrap() > 1_000, "{report}");

    let again = house.done(&args).json();
    assert_eq!((&again["rows"], &again["imported"]), (&first["rows"], &0.into()), "{again}");
    assert_eq!(again["errors"], first["errors"]);
    assert_eq!(house.verified()["events"], report["events"], "the second time added nothing");
}
