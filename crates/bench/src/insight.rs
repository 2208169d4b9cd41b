//! `insight`: how near the models that learn come to what happened, on real data, and how fast they are.

use std::{num::NonZeroUsize, path::PathBuf, time::Instant};

use insight::{backorder, scoring, table::Table};

use crate::figures::Figures;

pub(crate) fn run(figures: &mut Figures) -> anyhow::Result<()> {
    backorders(figures)
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
    figures.add("backorder_average_precision", scoring::average_precision(&told, &came).unwrap_or(f64::NAN), None, "area");
    figures.add("backorder_brier", scoring::brier(&told, &came), Some(share * (1.0 - share)), "at most");
    figures.add("backorder_told_over_came", told.iter().sum::<f64>() / dealt[1] as f64, None, "ratio");
    figures.add("backorder_fold_s", took / FOLDS as f64, None, "s");
    Ok(())
}
