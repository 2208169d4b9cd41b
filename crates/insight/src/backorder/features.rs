//! What a backorder is foretold from: the columns of the table, and how far stock covers what is coming.

use crate::{boost::Frame, error::Checked, table::Table};

const NUMBERS: [&str; 15] = [
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
];
const FLAGS: [&str; 6] =
    ["potential_issue", "deck_risk", "oe_constraint", "ppap_risk", "stop_auto_buy", "rev_stop"];
const OUTCOME: &str = "went_on_backorder";
/// What the performance columns say where nothing is known.
const UNKNOWN: f64 = -99.0;

/// Reads the table's columns and adds the cover ratios; an empty cell, and a performance of −99, is missing.
///
/// Errors: a column that is not there; a cell that is neither empty nor of its type, by row and column.
pub(super) fn features(table: &Table) -> Checked<Frame> {
    table.not_empty()?;
    let mut columns = Vec::new();
    for name in NUMBERS {
        let column = table.column(name)?;
        let unknown = name.starts_with("perf_").then_some(UNKNOWN);
        let cells = (0..table.rows()).map(|row| {
            let number = table.number(row, column)?.filter(|&number| Some(number) != unknown);
            Ok(number.unwrap_or(f64::NAN))
        });
        columns.push(cells.collect::<Checked<Vec<f64>>>()?);
    }
    for name in FLAGS {
        let column = table.column(name)?;
        let cells = (0..table.rows()).map(|row| Ok(flag(table, row, column)?.map_or(f64::NAN, f64::from)));
        columns.push(cells.collect::<Checked<Vec<f64>>>()?);
    }
    let covers: Vec<Vec<f64>> = (0..table.rows())
        .map(|row| {
            let at = |name: &str| {
                NUMBERS.iter().position(|known| *known == name).map_or(f64::NAN, |place| columns[place][row])
            };
            cover(&at)
        })
        .collect();
    columns.extend(Frame::of_rows(&covers).columns().iter().cloned());
    Ok(Frame::new(columns))
}

/// Stock, also with what is in transit, against forecasts and sales. Trees split one column at a time and would need many
/// splits to draw a ratio.
fn cover(at: &dyn Fn(&str) -> f64) -> Vec<f64> {
    let stock = at("national_inv");
    let coming = stock + at("in_transit_qty");
    let (soon, later) = (at("forecast_3_month"), at("forecast_9_month"));
    vec![
        coming / (soon + 1.0),
        coming / (at("forecast_6_month") + 1.0),
        coming / (later + 1.0),
        coming / (at("sales_1_month") + 1.0),
        coming / (at("sales_3_month") + 1.0),
        stock / (at("sales_9_month") + 1.0),
        coming - soon,
        // What is forecast until an order placed now would arrive; lead times are in weeks.
        coming - soon * at("lead_time") / 13.0,
        stock - at("min_bank"),
        soon / (later + 1.0),
        at("sales_1_month") / (at("sales_9_month") + 1.0),
        at("sales_3_month") - soon,
    ]
}

/// Reads which rows went on backorder: 1 or 0.
///
/// Errors: the column is not there; a cell is neither Yes nor No.
pub(super) fn outcomes(table: &Table) -> Checked<Vec<f64>> {
    table.not_empty()?;
    let column = table.column(OUTCOME)?;
    (0..table.rows())
        .map(|row| match flag(table, row, column)? {
            Some(yes) => Ok(f64::from(yes)),
            None => table.refuse(row, column, "must be Yes or No"),
        })
        .collect()
}

fn flag(table: &Table, row: usize, column: usize) -> Checked<Option<bool>> {
    match table.text(row, column) {
        "Yes" => Ok(Some(true)),
        "No" => Ok(Some(false)),
        "" => Ok(None),
        _ => table.refuse(row, column, "must be Yes or No"),
    }
}

/// The cover that the rule looks at, (stock + in transit) ÷ (forecast of three months + 1); none where one is missing.
pub(super) fn rule_cover(frame: &Frame, row: usize) -> Option<f64> {
    let cover = frame.columns()[NUMBERS.len() + FLAGS.len()][row];
    (!cover.is_nan()).then_some(cover)
}
