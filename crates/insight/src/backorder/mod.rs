//! Which SKUs will go on backorder: a probability each, from a table of stock, forecasts and sales.
//!
//! Boosted trees on log-loss, several on parts of the rows, their mean calibrated on rows that each part left out. No row is
//! left out for balance: that would rank a little better and make the probabilities worthless, and they are multiplied by money.
//! Source: docs/theory/learning.md, "Backorder risk".

mod features;
mod rule;

use std::num::NonZeroUsize;

use serde::Serialize;

use crate::{
    boost::{Bag, Bins, Frame, Loss, Settings},
    calibrate::Logistic,
    error::Checked,
    table::Table,
};
use rule::Rule;

/// Fewer backorders than these, and the trees would learn the accidents of single SKUs.
const BACKORDERS_MIN: usize = 50;
/// The same for SKUs that did not go on backorder.
const OTHERS_MIN: usize = 200;

const MEMBERS: usize = 6;
const SHARE: f64 = 0.75;
/// Rounds that are tried.
const ROUNDS: [usize; 5] = [25, 50, 80, 120, 200];
const SETTINGS: Settings = Settings {
    rounds: 200,
    leaves: 31,
    rate: 0.05,
    leaf_rows: 20,
    leaf_curvature: 1e-3,
    l2: 10.0,
    rows_share: 0.8,
    columns_share: 0.4,
    seed: 2017,
};

/// Where the probabilities come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Learned from the shop's own rows.
    BoostedTrees,
    /// The stated rule: the share of SKUs with about that cover.
    Rule,
}

/// Probabilities, and what they rest on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BackorderRisk {
    /// One a row of the test table, in its order.
    pub predictions: Vec<f64>,
    /// How they were made.
    pub method: Method,
    /// Why it is that method, in words.
    pub reason: String,
    /// Rows learned from.
    pub history_rows: usize,
    /// Of them, those that went on backorder.
    pub history_backorders: usize,
}

/// A model of who goes on backorder.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    form: Form,
    rows: usize,
    backorders: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Form {
    Trees(Trees),
    Rule(Rule),
}

/// Learns from one table and answers for another. Without a first one, the rule answers.
///
/// Errors: a table without rows; a column that is missing; a cell that is not of its column's type, by row and column.
pub fn backorder_prediction(
    train: Option<&Table>,
    test: &Table,
    workers: NonZeroUsize,
) -> Checked<BackorderRisk> {
    let model = Model::learn(train, workers)?;
    Ok(BackorderRisk {
        predictions: model.predict(test, workers)?,
        method: model.method(),
        reason: model.reason(),
        history_rows: model.rows,
        history_backorders: model.backorders,
    })
}

impl Model {
    /// Learns from a table that says which rows went on backorder.
    pub fn learn(train: Option<&Table>, workers: NonZeroUsize) -> Checked<Self> {
        let Some(train) = train else {
            return Ok(Self { form: Form::Rule(Rule::learn(None, &[])), rows: 0, backorders: 0 });
        };
        let outcomes = features::outcomes(train)?;
        let frame = features::features(train)?;
        let backorders = outcomes.iter().filter(|outcome| **outcome > 0.0).count();
        let form = if backorders < BACKORDERS_MIN || outcomes.len() - backorders < OTHERS_MIN {
            Form::Rule(Rule::learn(Some(&frame), &outcomes))
        } else {
            Form::Trees(Trees::fit(&frame, &outcomes, (&SETTINGS, &ROUNDS, MEMBERS, SHARE), workers))
        };
        Ok(Self { form, rows: outcomes.len(), backorders })
    }

    /// Returns the probability of each row.
    pub fn predict(&self, test: &Table, workers: NonZeroUsize) -> Checked<Vec<f64>> {
        let frame = features::features(test)?;
        Ok(match &self.form {
            Form::Trees(trees) => trees.answer(&frame, workers),
            Form::Rule(rule) => rule.predict(&frame),
        })
    }

    /// How it answers.
    pub fn method(&self) -> Method {
        match self.form {
            Form::Trees(_) => Method::BoostedTrees,
            Form::Rule(_) => Method::Rule,
        }
    }

    fn reason(&self) -> String {
        let (rows, backorders) = (self.rows, self.backorders);
        match self.method() {
            Method::BoostedTrees => format!("learned from {rows} rows with {backorders} backorders"),
            Method::Rule => format!(
                "{rows} rows with {backorders} backorders are too few to learn from (at least {BACKORDERS_MIN} backorders and \
                 {OTHERS_MIN} others): each row takes the share of its band of (stock + in transit) / (forecast of 3 months + 1)"
            ),
        }
    }
}

/// Boosted trees whose scores are made probabilities on rows that they were not grown on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trees {
    bins: Bins,
    bag: Bag,
    calibration: Logistic,
}

impl Trees {
    /// Grows `members` sets of trees, each on its `share` of the rows, for as many of the `rounds` as serve rows not seen.
    pub(crate) fn fit(
        frame: &Frame,
        outcomes: &[f64],
        (settings, rounds, members, share): (&Settings, &[usize], usize, f64),
        workers: NonZeroUsize,
    ) -> Self {
        let bins = Bins::of(frame);
        let coded = bins.code(frame);
        let rows: Vec<u32> = (0..frame.rows() as u32).collect();
        let bag = Bag::fit(&bins, &coded, &rows, outcomes, Loss::Logistic, settings, members, share, workers);
        // Few that came true are learned by heart in a few rounds.
        let (mut best, mut least) = (None, f64::INFINITY);
        for &rounds in rounds {
            let bag = bag.after(rounds);
            let unseen = bag.scores_unseen(&coded, workers);
            let (scores, targets): (Vec<f64>, Vec<f64>) = unseen
                .iter()
                .zip(outcomes)
                .filter_map(|(score, outcome)| score.map(|score| (score, *outcome)))
                .unzip();
            let loss = Loss::Logistic.mean(&targets, &scores);
            if best.is_none() || loss < least {
                (best, least) = (Some((bag, Logistic::fit(&scores, &targets))), loss);
            }
        }
        let (bag, calibration) = best.unwrap_or((bag, Logistic::PLAIN));
        Self { bins, bag, calibration }
    }

    /// The probability of each row.
    pub(crate) fn answer(&self, frame: &Frame, workers: NonZeroUsize) -> Vec<f64> {
        let scores = self.bag.scores(&self.bins.code(frame), workers);
        scores.into_iter().map(|score| self.calibration.probability(score)).collect()
    }
}

#[cfg(test)]
mod tests;
