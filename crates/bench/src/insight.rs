//! `insight`: how near the models that learn come to what happened, on real data, and how fast they are.

use std::{num::NonZeroUsize, path::PathBuf, time::Instant};

use insight::{
    backorder, delivery,
    demand::{self, intermittent_accuracy},
    metrics::{MetricsInput, forecast_metrics, pinball},
    scoring,
    table::Table,
};

use crate::figures::Figures;

/// What can be measured by itself.
pub(crate) const PARTS: [&str; 7] =
    ["demand", "promises", "backorders", "forecasts", "advice", "simulation", "anchors"];

pub(crate) fn run(figures: &mut Figures, parts: &[&str]) -> anyhow::Result<()> {
    for part in PARTS.iter().filter(|part| parts.contains(part)) {
        match *part {
            "demand" => demand(figures)?,
            "promises" => promises(figures)?,
            "backorders" => backorders(figures)?,
            "advice" => crate::decide::advice(figures)?,
            "simulation" => crate::decide::simulation(figures)?,
            "anchors" => crate::anchors::anchors(figures)?,
            _ => forecasts(figures)?,
        }
    }
    Ok(())
}

/// Foretells deliveries one after the other and holds them against what came, beside the seller's own dates.
fn promises(figures: &mut Figures) -> anyhow::Result<()> {
    if let Some(dates) = data(figures, "promise_dates_loss_over_own", "olist_promise_dates.csv.gz")? {
        let [train, test] = split(&dates, "order_approved_at", "2017-04-01");
        let (loss, own, covered) = judged(&[train], &[test])?;
        figures.add("promise_dates_pinball90", loss, Some(own), "days, at most the seller's");
        figures.add("promise_dates_loss_over_own", loss / own, Some(1.0), "ratio, at most");
        figures.add("promise_dates_coverage90", covered, Some(0.9), "within 0.03");
    }
    let orders = data(figures, "promise_orders_loss_over_own", "olist_orders.csv.gz")?;
    let lines = data(figures, "promise_orders_loss_over_own", "olist_order_items.csv.gz")?;
    if let (Some(orders), Some(lines)) = (orders, lines) {
        let [train, test] = split(&orders, "order_purchase_timestamp", "2017-07-01");
        let (loss, own, covered) = judged(&[train, lines.clone()], &[test, lines])?;
        figures.add("promise_orders_pinball90", loss, Some(own), "days, at most the seller's");
        figures.add("promise_orders_loss_over_own", loss / own, Some(1.0), "ratio, at most");
        figures.add("promise_orders_coverage90", covered, Some(0.9), "within 0.03");
    }
    if let Some(schedules) = data(figures, "promise_schedules_loss_over_own", "scms_delivery_history.csv.gz")?
    {
        let [train, test] = split(&schedules, "scheduled_delivery_date", "2010-01-01");
        let (loss, own, covered) = judged(&[train], &[test])?;
        figures.add("promise_schedules_loss_over_own", loss / own, Some(1.0), "ratio, at most");
        figures.add("promise_schedules_coverage90", covered, Some(0.9), "within 0.03");
    }
    Ok(())
}

/// Parts a table by the text of a date.
fn split(table: &Table, column: &str, from: &str) -> [Table; 2] {
    let place = table.columns().iter().position(|name| name == column).unwrap_or(0);
    let (before, after): (Vec<usize>, Vec<usize>) =
        (0..table.rows()).partition(|&row| table.text(row, place) < from);
    [before, after].map(|rows| table.picked(&rows))
}

/// Pinball loss of our days and of the seller's own, and the share of ours that held.
fn judged(train: &[Table], test: &[Table]) -> anyhow::Result<(f64, f64, f64)> {
    let said = delivery::promise_calibration(train, test, 0.9, workers())?.predictions;
    let came = delivery::delivered(test)?;
    let (mut loss, mut own, mut covered) = (0.0, 0.0, 0.0);
    for (said, (days, quoted)) in said.iter().zip(&came) {
        loss += pinball(*days, *said, 0.9);
        own += quoted.map_or(f64::NAN, |quoted| pinball(*days, quoted, 0.9));
        covered += f64::from(days <= said);
    }
    let count = came.len() as f64;
    Ok((loss / count, own / count, covered / count))
}

/// Asks every method for every series of a file, as fast as it can.
fn forecasts(figures: &mut Figures) -> anyhow::Result<()> {
    /// A round takes some milliseconds: many, so that one of them is not disturbed.
    const ROUNDS: usize = 40;
    let Some(table) = data(figures, "forecast_series_per_s", "raf_monthly.csv.gz")? else { return Ok(()) };
    let series = demand::series::read(&table)?;
    let sold: Vec<&[f64]> = series
        .iter()
        .map(|series| series.units.as_slice())
        .filter(|units| units.iter().any(|units| *units > 0.0))
        .collect();
    let (mut means, mut all) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let total: f64 = sold.iter().map(|units| demand::methods::means(units).iter().sum::<f64>()).sum();
        means = means.min(begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        let quantiles: f64 = sold
            .iter()
            .zip(0..)
            .map(|(units, place)| demand::methods::ask(units, 12, 0.9, place).quantiles.iter().sum::<f64>())
            .sum();
        all = all.min(begun.elapsed().as_secs_f64());
        anyhow::ensure!(total.is_finite() && quantiles.is_finite(), "a forecast is not a number");
    }
    figures.add("forecast_series", sold.len() as f64, None, "series of 84 months");
    figures.add(
        "forecast_means_series_per_s",
        sold.len() as f64 / means,
        None,
        "series/s, 7 methods, 1 thread",
    );
    figures.add(
        "forecast_series_per_s",
        sold.len() as f64 / all,
        None,
        "series/s, means and quantiles of 9 methods, 1 thread",
    );
    Ok(())
}

/// Forecasts the last months of every series, which the models are not shown, and holds them against what came.
fn demand(figures: &mut Figures) -> anyhow::Result<()> {
    for file in [
        Demand {
            name: "raf",
            horizon: 12,
            rmsse: 0.606,
            loss: 0.225,
            figures: ["demand_raf_rmsse", "demand_raf_spl90", "demand_raf_coverage90"],
        },
        Demand {
            name: "carparts",
            horizon: 6,
            rmsse: 0.53,
            loss: 0.214,
            figures: ["demand_carparts_rmsse", "demand_carparts_spl90", "demand_carparts_coverage90"],
        },
        Demand {
            name: "auto",
            horizon: 6,
            rmsse: 0.842,
            loss: 0.1515,
            figures: ["demand_auto_rmsse", "demand_auto_spl90", "demand_auto_coverage90"],
        },
    ] {
        let name = format!("{}_monthly.csv.gz", file.name);
        let Some(table) = data(figures, file.figures[1], &name)? else { continue };
        let begun = Instant::now();
        let said = intermittent_accuracy(&table, i64::try_from(file.horizon)?, workers())?;
        figures.say(&format!(
            "{name}: {:?} quantiles, {:?} means, {} backtests, {:.1} s",
            said.quantile_by,
            said.mean_by,
            said.backtests,
            begun.elapsed().as_secs_f64()
        ));
        let (mut rmsse, mut loss, mut covered, mut count) = (0.0, 0.0, 0.0, 0.0);
        for (place, series) in demand::series::read(&table)?.into_iter().enumerate() {
            let (Some(quantile), Some(mean)) = (said.quantile90[place], said.mean[place]) else { continue };
            let (past, came) = series.units.split_at(series.units.len() - file.horizon);
            let judged = forecast_metrics(&MetricsInput {
                train: past.to_vec(),
                actual: came.to_vec(),
                point_forecast: vec![mean; came.len()],
                quantile_forecast: vec![quantile / came.len() as f64; came.len()],
                tau: 0.9,
            })?;
            let total: f64 = came.iter().sum();
            // The loss of the total: the metrics know months only, so they give the scale.
            let scale = judged.scaled_pinball_m5.map_or(0.0, |scaled| judged.pinball / scaled);
            rmsse += judged.rmsse_m5.unwrap_or(0.0);
            let missed = pinball(total, quantile, 0.9);
            // Where nothing came and nothing was said, there is no loss, and no scale to be had from it.
            loss += if missed > 0.0 { missed / (came.len() as f64 * scale) } else { 0.0 };
            covered += f64::from(total <= quantile);
            count += 1.0;
        }
        figures.add(file.figures[0], rmsse / count, Some(file.rmsse), "at most");
        figures.add(file.figures[1], loss / count, Some(file.loss), "at most");
        figures.add(file.figures[2], covered / count, Some(0.86), "at least, and at most 0.95");
    }
    Ok(())
}

/// A file of series, and what to come to.
struct Demand {
    name: &'static str,
    horizon: usize,
    rmsse: f64,
    loss: f64,
    figures: [&'static str; 3],
}

/// Reads a file of the shared data, or says that it is missing.
fn data(figures: &Figures, what: &str, name: &str) -> anyhow::Result<Option<Table>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if path.exists() {
        return Ok(Some(shipwhen::calc::table(name, &path)?));
    }
    figures.say(&format!("{what}: NOT MEASURED, ../shared/data/{name} is missing"));
    Ok(None)
}

fn workers() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Learns from four fifths and answers for the fifth, five times.
fn backorders(figures: &mut Figures) -> anyhow::Result<()> {
    const FOLDS: usize = 5;
    let Some(table) = data(figures, "backorder_auc", "backorder.csv.gz")? else { return Ok(()) };
    let came: Vec<bool> = {
        let column = table.columns().iter().position(|name| name == "went_on_backorder");
        (0..table.rows()).map(|row| column.is_some_and(|column| table.text(row, column) == "Yes")).collect()
    };
    // Backorders and others dealt out in turn, so that each fold has as many.
    let (mut fold, mut dealt) = (vec![0; came.len()], [0; 2]);
    for (row, came) in came.iter().enumerate() {
        fold[row] = dealt[usize::from(*came)] % FOLDS;
        dealt[usize::from(*came)] += 1;
    }
    let mut told = vec![0.0; came.len()];
    let (mut aucs, begun) = (0.0, Instant::now());
    for part in 0..FOLDS {
        let (test, train): (Vec<usize>, Vec<usize>) = (0..came.len()).partition(|&row| fold[row] == part);
        let model = backorder::Model::learn(Some(&table.picked(&train)), workers())?;
        let answers = model.predict(&table.picked(&test), workers())?;
        let outcomes: Vec<bool> = test.iter().map(|&row| came[row]).collect();
        aucs += scoring::auc(&answers, &outcomes).unwrap_or(f64::NAN);
        test.iter().zip(answers).for_each(|(&row, answer)| told[row] = answer);
    }
    let took = begun.elapsed().as_secs_f64();
    let share = dealt[1] as f64 / came.len() as f64;
    figures.add("backorder_auc", aucs / FOLDS as f64, Some(0.94), "mean of 5 folds, at least");
    figures.add(
        "backorder_average_precision",
        scoring::average_precision(&told, &came).unwrap_or(f64::NAN),
        None,
        "area",
    );
    figures.add("backorder_brier", scoring::brier(&told, &came), Some(share * (1.0 - share)), "at most");
    figures.add("backorder_told_over_came", told.iter().sum::<f64>() / dealt[1] as f64, None, "ratio");
    figures.add("backorder_fold_s", took / FOLDS as f64, None, "s");
    Ok(())
}
