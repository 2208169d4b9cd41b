//! Reads the real files of the shared data folder, which lies beside the workspace and is never part of it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::Instant;

use connect::tables::online_retail::{self, LineClass};

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
