use std::num::NonZeroUsize;

use super::*;
use crate::{
    random::{place, uniform},
    scoring::{auc, brier},
};

const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

const COLUMNS: [&str; 22] = [
    "national_inv",
    "lead_time",
    "in_transit_qty",
    "forecast_3_month",
    "forecast_6_month",
    "forecast_9_month",
    "sales_1_month",
    "sales_3_month",
    "sales_6_month",
    "sales_9_month",
    "min_bank",
    "pieces_past_due",
    "perf_6_month_avg",
    "perf_12_month_avg",
    "local_bo_qty",
    "potential_issue",
    "deck_risk",
    "oe_constraint",
    "ppap_risk",
    "stop_auto_buy",
    "rev_stop",
    "went_on_backorder",
];

/// SKUs whose chance of a backorder falls with their cover, and those chances.
fn shop(rows: usize, seed: u64) -> (Table, Vec<f64>) {
    let mut table = Table::new("train t.csv", COLUMNS.iter().map(|name| (*name).to_owned()).collect());
    let mut chances = Vec::new();
    for row in 0..rows as u64 {
        let (stock, soon) = (place(seed, 1, row, 40), place(seed, 2, row, 30));
        let chance = 0.6 / (1.0 + 3.0 * stock as f64 / (soon as f64 + 1.0)).powi(2);
        let came = if uniform(seed, 3, row) < chance { "Yes" } else { "No" };
        let (stock, soon, twice, thrice) =
            (stock.to_string(), soon.to_string(), (2 * soon).to_string(), (3 * soon).to_string());
        let (lead, good) = (if row % 9 == 0 { "" } else { "8" }, if row % 5 == 0 { "-99.0" } else { "0.8" });
        table.push(
            row + 2,
            [
                &stock, lead, "0", &soon, &twice, &thrice, "1", "3", "6", "9", "0", "0", good, good, "0",
                "No", "No", "No", "No", "Yes", "No", came,
            ],
        );
        chances.push(chance);
    }
    (table, chances)
}

fn outcomes(table: &Table) -> Vec<bool> {
    (0..table.rows()).map(|row| table.text(row, 21) == "Yes").collect()
}

#[test]
fn what_is_learned_is_near_the_true_chances() {
    let (train, _) = shop(1_500, 1);
    let (test, chances) = shop(1_000, 2);
    let said = backorder_prediction(Some(&train), &test, TWO).unwrap();
    assert_eq!((said.method, said.history_rows), (Method::BoostedTrees, 1_500));
    let came = outcomes(&test);
    let [ours, best] = [&said.predictions, &chances].map(|p| (auc(p, &came).unwrap(), brier(p, &came)));
    assert!(ours.0 > best.0 - 0.02 && ours.1 < best.1 + 0.003, "{ours:?} against {best:?}");
    let told: f64 = said.predictions.iter().sum::<f64>() / chances.iter().sum::<f64>();
    assert!((told - 1.0).abs() < 0.1, "{told}");
}

#[test]
fn too_little_history_is_said_and_the_rule_answers() {
    let (test, _) = shop(300, 2);
    let none = backorder_prediction(None, &test, TWO).unwrap();
    assert_eq!((none.method, none.history_rows), (Method::Rule, 0));
    assert!(none.reason.contains("0 rows with 0 backorders are too few"), "{none:?}");
    let (little, _) = shop(200, 1);
    let some = backorder_prediction(Some(&little), &test, TWO).unwrap();
    assert_eq!((some.method, some.history_rows), (Method::Rule, 200));
    let came = outcomes(&test);
    for said in [&none, &some] {
        assert!(
            said.predictions.iter().all(|p| (0.0..1.0).contains(p))
                && auc(&said.predictions, &came).unwrap() > 0.7
        );
    }
    // The shop's own rows move the shares: here backorders are far more common than the rule has it.
    assert!(brier(&some.predictions, &came) < brier(&none.predictions, &came));
}

#[test]
fn refusals_name_table_row_and_column() {
    let (good, _) = shop(3, 1);
    let spoilt = |column: usize, text: &str| {
        let mut table = Table::new("train t.csv", good.columns().to_vec());
        for row in 0..3 {
            let cells = (0..22).map(|at| if row == 1 && at == column { text } else { good.text(row, at) });
            table.push(row as u64 + 2, cells);
        }
        backorder_prediction(Some(&table), &good, TWO).map(|_| ()).map_err(|error| error.to_string())
    };
    for (column, text, want) in [
        (0, "NaN", "train t.csv row 3, column national_inv: must be a number, got \"NaN\""),
        (4, "many", "train t.csv row 3, column forecast_6_month: must be a number, got \"many\""),
        (4, "inf", "train t.csv row 3, column forecast_6_month: must be a number, got \"inf\""),
        (16, "yes", "train t.csv row 3, column deck_risk: must be Yes or No, got \"yes\""),
        (21, "", "train t.csv row 3, column went_on_backorder: must be Yes or No, got \"\""),
    ] {
        assert_eq!(spoilt(column, text), Err(want.to_owned()));
    }
    assert_eq!(spoilt(1, ""), Ok(()));
    let empty = Table::new("test e.csv", good.columns().to_vec());
    let refused = backorder_prediction(Some(&good), &empty, TWO).unwrap_err();
    assert_eq!(refused.to_string(), "test e.csv: has a header and no rows");
    let mut narrow = Table::new("test n.csv", good.columns()[..5].to_vec());
    narrow.push(2, ["1"; 5]);
    let refused = backorder_prediction(None, &narrow, TWO).unwrap_err();
    assert_eq!(refused.to_string(), "test n.csv: has no column forecast_9_month");
}
