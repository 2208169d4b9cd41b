use std::num::NonZeroUsize;

use super::*;
use crate::{
    metrics::pinball,
    random::{place, uniform},
};

const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

const COLUMNS: [&str; 6] = [
    "order_id",
    "order_status",
    "order_purchase_timestamp",
    "order_delivered_customer_date",
    "order_estimated_delivery_date",
    "customer_state",
];

/// Writes days since 2020-01-01 as a date and time. All within that year.
fn moment(days: f64) -> String {
    let (mut left, seconds) = (days.floor() as i64, (days.fract() * 86_400.0) as i64);
    for (month, length) in [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].iter().enumerate() {
        if left < *length {
            let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            return format!("2020-{:02}-{:02} {hour:02}:{minute:02}:{second:02}", month + 1, left + 1);
        }
        left -= length;
    }
    panic!("{days} lies beyond the year");
}

/// Orders of three lanes, 12 a day, whose days grow by half from day `shift` on. The seller says 50 days to all.
fn stream(days: std::ops::Range<u64>, shift: u64) -> Table {
    let mut table = Table::new("orders.csv", COLUMNS.iter().map(|name| (*name).to_owned()).collect());
    for n in days.start * 12..days.end * 12 {
        let placed = n as f64 / 12.0;
        let lane = place(8, 1, n, 3);
        let slow = if n >= shift * 12 { 1.5 } else { 1.0 };
        let took = slow * (9.0 + 9.0 * lane as f64) * (0.6 + uniform(8, 2, n) + uniform(8, 3, n).powi(6));
        table.push(
            n,
            [
                n.to_string(),
                "delivered".into(),
                moment(placed),
                moment(placed + took),
                moment(placed.floor() + 50.0),
                ["AA", "BB", "CC"][lane].into(),
            ],
        );
    }
    table
}

fn judged(train: &Table, test: &Table) -> (f64, f64, f64) {
    let said =
        promise_calibration(std::slice::from_ref(train), std::slice::from_ref(test), 0.9, TWO).unwrap();
    let came = delivered(std::slice::from_ref(test)).unwrap();
    assert_eq!((said.predictions.len(), said.without_past), (came.len(), 0));
    let mean = |of: &dyn Fn(f64, f64, f64) -> f64| {
        let each =
            said.predictions.iter().zip(&came).map(|(said, (days, own))| of(*days, *said, own.unwrap()));
        each.sum::<f64>() / came.len() as f64
    };
    (
        mean(&|days, said, _| f64::from(days <= said)),
        mean(&|days, said, _| pinball(days, said, 0.9)),
        mean(&|days, _, own| pinball(days, own, 0.9)),
    )
}

#[test]
fn a_steady_stream_is_covered_as_told_and_better_than_the_seller_says() {
    let (covered, loss, own) = judged(&stream(0..170, 999), &stream(170..250, 999));
    // 960 orders: ±3 standard deviations of Binomial(960, 0.9) are ±0.03.
    assert!((0.87..=0.95).contains(&covered), "{covered}");
    assert!(loss < 0.75 * own, "{loss} {own}");
}

#[test]
fn a_stream_that_slows_is_covered_again_after_a_while() {
    let (train, test) = (stream(0..60, 70), stream(60..220, 70));
    let (covered, _, _) = judged(&train, &test);
    assert!((0.86..=0.95).contains(&covered), "{covered}");
}

#[test]
fn nothing_that_came_later_is_used() {
    let (train, test) = (stream(0..40, 999), stream(40..60, 999));
    let say = |test: &Table| {
        promise_calibration(std::slice::from_ref(&train), std::slice::from_ref(test), 0.9, TWO).unwrap()
    };
    let before = say(&test);
    // What is delivered from day 50 on is delivered on the last day of the year instead.
    let mut late = Table::new("orders.csv", test.columns().to_vec());
    for row in 0..test.rows() {
        let cells = (0..6).map(|column| {
            let text = test.text(row, column);
            if column == 3 && text >= moment(50.0).as_str() { "2020-12-31 00:00:00" } else { text }
        });
        late.push(row as u64, cells);
    }
    let after = say(&late);
    let placed_by_50 = 10 * 12;
    assert_eq!(before.predictions[..placed_by_50], after.predictions[..placed_by_50]);
    // Without any day of delivery, all are still foretold, from the training alone.
    let mut blind = Table::new("orders.csv", test.columns().to_vec());
    for row in 0..test.rows() {
        blind.push(row as u64, (0..6).map(|column| if column == 3 { "" } else { test.text(row, column) }));
    }
    assert_eq!(say(&blind).predictions.len(), 240);
    let one = promise_calibration(
        std::slice::from_ref(&train),
        std::slice::from_ref(&test),
        0.9,
        NonZeroUsize::MIN,
    )
    .unwrap();
    assert_eq!(one, before);
}

#[test]
fn refusals_name_table_row_and_column() {
    let good = stream(0..3, 999);
    let refused =
        |train: &[Table], test: &[Table]| promise_calibration(train, test, 0.9, TWO).unwrap_err().to_string();
    let one = good.picked(&[0]);
    assert_eq!(
        refused(&[one], std::slice::from_ref(&good)),
        "train: has 1 delivered orders; a quantile of 0.9 needs at least 9"
    );
    assert_eq!(refused(&[], std::slice::from_ref(&good)), "train: names no table of orders");
    let empty = Table::new("test e.csv", good.columns().to_vec());
    assert_eq!(refused(std::slice::from_ref(&good), &[empty]), "test e.csv: has a header and no rows");
    let mut unknown = Table::new("test u.csv", vec!["a".into()]);
    unknown.push(2, ["1"]);
    assert!(
        refused(std::slice::from_ref(&good), &[unknown])
            .starts_with("test u.csv: is none of the known tables")
    );
    let mut narrow = Table::new("test n.csv", vec!["order_purchase_timestamp".into()]);
    narrow.push(2, ["2020-01-01"]);
    assert_eq!(refused(std::slice::from_ref(&good), &[narrow]), "test n.csv: has no column order_id");
    for (column, text, want) in [
        (2, "", "row 7, column order_purchase_timestamp: must not be empty, got \"\""),
        (
            2,
            "NaN",
            "row 7, column order_purchase_timestamp: must be a date, as 2026-12-01 or 2026-12-01 09:00:00, got \"NaN\"",
        ),
        (
            3,
            "2020-02-30",
            "row 7, column order_delivered_customer_date: must be a date, as 2026-12-01 or 2026-12-01 09:00:00, got \"2020-02-30\"",
        ),
    ] {
        let mut spoilt = Table::new("test s.csv", good.columns().to_vec());
        spoilt.push(7, (0..6).map(|at| if at == column { text } else { good.text(4, at) }));
        assert_eq!(refused(std::slice::from_ref(&good), &[spoilt]), format!("test s.csv {want}"));
    }
    let again =
        promise_calibration(std::slice::from_ref(&good), std::slice::from_ref(&good), 1.0, TWO).unwrap_err();
    assert_eq!(again.field(), "quantile");
}

#[test]
fn schedules_are_learned_by_vendor_and_undated_orders_learn_from_nothing_late() {
    let columns = [
        "scheduled_delivery_date",
        "delivered_to_client_date",
        "vendor",
        "country",
        "po_sent_to_vendor_date",
    ];
    let table = |days: std::ops::Range<u64>| {
        let mut table = Table::new("s.csv", columns.iter().map(|name| (*name).to_owned()).collect());
        for n in days.start * 4..days.end * 4 {
            let due = n as f64 / 4.0;
            // One vendor is on time, the other up to twenty days late.
            let late = if n % 2 == 0 { 0.0 } else { 20.0 * uniform(8, 1, n) };
            let sent =
                if n % 5 == 0 { "Date Not Captured".to_owned() } else { moment(due - 29.0)[..10].to_owned() };
            let cells = [
                moment(due)[..10].to_owned(),
                moment(due + late)[..10].to_owned(),
                format!("V{}", n % 2),
                "X".into(),
                sent,
            ];
            table.push(n, cells);
        }
        table
    };
    let (train, test) = (table(30..240), table(240..330));
    let said = promise_calibration(&[train], &[test], 0.9, TWO).unwrap();
    let mean = |vendor: usize| {
        let of: Vec<f64> = said.predictions.iter().copied().skip(vendor).step_by(2).collect();
        of.iter().sum::<f64>() / of.len() as f64
    };
    assert!(mean(0) < 7.0 && (10.0..21.0).contains(&mean(1)), "{} {}", mean(0), mean(1));
}
