//! Gradient boosting with small trees on histograms.
//!
//! Rows are coded once ([`Bins`]), each round grows one tree on the slopes of the loss and adds a part of it. Deterministic:
//! sums run in the order of the rows, ties go to the first, chance is a function of the seed; so the same input gives the same
//! bits, on any number of threads.
//! Source: Friedman 2001 and 2002 (shrinkage, row samples); Chen & Guestrin 2016 (second-order gain, missing direction); Ke et
//! al. 2017 (histograms, leaf-wise growth, sibling by subtraction).

mod bins;
mod loss;
mod tree;

use std::num::NonZeroUsize;

pub use bins::{Bins, Coded};
pub use loss::{Loss, log_odds, probability};

use crate::{
    random::{place, uniform},
    threads::in_order,
};
use loss::Slope;
use tree::{Limits, Tree, grow};

/// Columns of equal length; a cell that is not a number is missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    columns: Vec<Vec<f64>>,
    rows: usize,
}

impl Frame {
    /// Takes columns, all of one length.
    pub fn new(columns: Vec<Vec<f64>>) -> Self {
        let rows = columns.first().map_or(0, Vec::len);
        assert!(columns.iter().all(|column| column.len() == rows), "columns differ in length");
        Self { columns, rows }
    }

    /// Takes rows, all as long as the first.
    pub fn of_rows(rows: &[Vec<f64>]) -> Self {
        let width = rows.first().map_or(0, Vec::len);
        let columns = (0..width).map(|column| rows.iter().map(|row| row[column]).collect()).collect();
        Self { columns, rows: rows.len() }
    }

    /// The columns.
    pub fn columns(&self) -> &[Vec<f64>] {
        &self.columns
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

/// How a model is grown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Trees.
    pub rounds: usize,
    /// Leaves of a tree, at most.
    pub leaves: usize,
    /// The part of each tree that is added.
    pub rate: f64,
    /// Rows in a leaf, at least.
    pub leaf_rows: usize,
    /// Second derivatives in a leaf, summed, at least.
    pub leaf_curvature: f64,
    /// Pull of a leaf towards zero.
    pub l2: f64,
    /// The part of rows a tree sees.
    pub rows_share: f64,
    /// The part of columns a tree sees.
    pub columns_share: f64,
    /// What chance begins with.
    pub seed: u64,
}

/// A grown model.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    start: f64,
    trees: Vec<Tree>,
}

impl Model {
    /// Grows a model on some rows of a coded frame.
    ///
    /// Shape: one target a row of `coded`; `rows` not empty.
    pub fn fit(
        bins: &Bins,
        coded: &Coded,
        rows: &[u32],
        targets: &[f64],
        loss: Loss,
        settings: &Settings,
    ) -> Self {
        let seen: Vec<f64> = rows.iter().map(|&row| targets[row as usize]).collect();
        let start = loss.start(&seen);
        let mut scores = vec![start; targets.len()];
        let mut slopes = vec![Slope::default(); targets.len()];
        let limits = Limits {
            leaves: settings.leaves,
            leaf_rows: settings.leaf_rows,
            leaf_curvature: settings.leaf_curvature,
            l2: settings.l2,
        };
        let mut trees = Vec::with_capacity(settings.rounds);
        for round in 0..settings.rounds as u64 {
            let keeps = |row: u32| uniform(settings.seed, 2 * round, u64::from(row)) < settings.rows_share;
            let (inside, outside): (Vec<u32>, Vec<u32>) = rows.iter().partition(|&&row| keeps(row));
            for &row in &inside {
                slopes[row as usize] = loss.slope(targets[row as usize], scores[row as usize]);
            }
            let columns = columns(settings, bins.width(), round);
            let grown = grow(bins, coded, &slopes, &columns, inside, limits);
            let mut tree = grown.tree;
            for (leaf, (begin, end, sums)) in grown.leaves.into_iter().enumerate() {
                let here = &grown.order[begin..end];
                let left = here.iter().map(|&row| targets[row as usize] - scores[row as usize]);
                let step = settings.rate * loss.step(sums.slope, settings.l2, left);
                tree.values[leaf] = step;
                here.iter().for_each(|&row| scores[row as usize] += step);
            }
            outside.iter().for_each(|&row| scores[row as usize] += tree.value(coded.row(row as usize)));
            trees.push(tree);
        }
        Self { start, trees }
    }

    /// Returns the score of one row: a mean, log-odds or a quantile, by the loss.
    pub fn score(&self, coded: &Coded, row: usize) -> f64 {
        let codes = coded.row(row);
        self.trees.iter().fold(self.start, |sum, tree| sum + tree.value(codes))
    }
}

/// Draws the columns of a round, ascending.
fn columns(settings: &Settings, width: usize, round: u64) -> Vec<usize> {
    let wanted = ((width as f64 * settings.columns_share).round() as usize).clamp(1, width.max(1));
    let mut all: Vec<usize> = (0..width).collect();
    // The front of a Fisher-Yates shuffle.
    for at in 0..wanted.min(width) {
        all.swap(at, at + place(settings.seed, 2 * round + 1, at as u64, width - at));
    }
    all.truncate(wanted);
    all.sort_unstable();
    all
}

/// Models grown on different parts of the rows, whose mean score counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Bag {
    models: Vec<Model>,
    share: f64,
    seed: u64,
}

impl Bag {
    /// Grows `members` models, each on its own `share` of the rows.
    ///
    /// Shape: as [`Model::fit`]. A member that chance gave no row sees all.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is learned from, how, and on how many threads: none belong together"
    )]
    pub fn fit(
        bins: &Bins,
        coded: &Coded,
        rows: &[u32],
        targets: &[f64],
        loss: Loss,
        settings: &Settings,
        members: usize,
        share: f64,
        workers: NonZeroUsize,
    ) -> Self {
        let bag = Self { models: Vec::new(), share, seed: settings.seed };
        let numbers: Vec<u64> = (0..members as u64).collect();
        let models = in_order(&numbers, workers, |&member| {
            let own: Vec<u32> = rows.iter().copied().filter(|&row| bag.saw(member, row)).collect();
            let own = if own.is_empty() { rows.to_vec() } else { own };
            let settings = Settings { seed: settings.seed.wrapping_add(1 + member), ..*settings };
            Model::fit(bins, coded, &own, targets, loss, &settings)
        });
        Self { models, ..bag }
    }

    /// Returns the bag with only the first trees of each model: what it was after so many rounds.
    #[must_use]
    pub fn after(&self, rounds: usize) -> Self {
        let cut = |model: &Model| Model {
            start: model.start,
            trees: model.trees.iter().take(rounds).cloned().collect(),
        };
        Self { models: self.models.iter().map(cut).collect(), ..*self }
    }

    fn saw(&self, member: u64, row: u32) -> bool {
        uniform(self.seed, u64::MAX - member, u64::from(row)) < self.share
    }

    /// Returns the mean score of every row of a coded frame.
    pub fn scores(&self, coded: &Coded, workers: NonZeroUsize) -> Vec<f64> {
        self.each_row(coded, workers, |row| {
            let sum: f64 = self.models.iter().map(|model| model.score(coded, row)).sum();
            sum / self.models.len() as f64
        })
    }

    /// Returns, for each row of the frame it was grown on, the mean score of the members that did not see it; none where all
    /// did.
    pub fn scores_unseen(&self, coded: &Coded, workers: NonZeroUsize) -> Vec<Option<f64>> {
        self.each_row(coded, workers, |row| {
            let (mut sum, mut count) = (0.0, 0);
            for (member, model) in self.models.iter().enumerate() {
                if !self.saw(member as u64, row as u32) {
                    sum += model.score(coded, row);
                    count += 1;
                }
            }
            (count > 0).then(|| sum / f64::from(count))
        })
    }

    fn each_row<R: Send>(
        &self,
        coded: &Coded,
        workers: NonZeroUsize,
        score: impl Fn(usize) -> R + Sync,
    ) -> Vec<R> {
        const CHUNK: usize = 4096;
        let begins: Vec<usize> = (0..coded.rows()).step_by(CHUNK).collect();
        let chunks = in_order(&begins, workers, |&begin| {
            (begin..(begin + CHUNK).min(coded.rows())).map(&score).collect::<Vec<R>>()
        });
        chunks.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests;
