//! Trees over all series: what came after the pasts that looked like this one.
//!
//! One series of a few demands says little of itself; a thousand of them say much of each other, above all which of them die.

use std::num::NonZeroUsize;

use super::{
    methods::{Method, Said, moments},
    series::Scale,
};
use crate::boost::{Bag, Bins, Frame, Loss, Settings};

/// With fewer examples, trees know less than each series of itself.
pub(super) const EXAMPLES_MIN: usize = 500;

const SETTINGS: Settings = Settings {
    rounds: 200,
    leaves: 8,
    rate: 0.05,
    leaf_rows: 50,
    leaf_curvature: 0.0,
    l2: 1.0,
    rows_share: 0.7,
    columns_share: 0.5,
    seed: 1972,
};
const MEMBERS: usize = 4;
const SHARE: f64 = 0.9;

/// A past, as trees see it: everything in units of its own scale, so that a screw and an engine compare.
pub(super) fn features(history: &[f64], horizon: usize, said: &Said, scale: Scale) -> Vec<f64> {
    let unit = scale.absolute;
    let ahead = unit * horizon as f64;
    let recent = |months: usize| {
        let from = history.len().saturating_sub(months);
        history[from..].iter().sum::<f64>() / (history.len() - from) as f64 / unit
    };
    let sold: Vec<usize> = (0..history.len()).filter(|&month| history[month] > 0.0).collect();
    let largest = history.iter().copied().fold(0.0, f64::max);
    let last_months = history.len().saturating_sub(horizon);
    let sold_lately = sold.iter().filter(|month| **month >= last_months).count() as f64 / horizon as f64;
    let mean_size = history.iter().sum::<f64>() / sold.len() as f64;
    let mut features: Vec<f64> = said.means[..7].iter().map(|mean| mean / unit).collect();
    features.extend(said.quantiles.iter().map(|quantile| quantile / ahead));
    features.extend([
        moments(history).1.sqrt() / unit,
        largest / unit,
        mean_size / unit,
        unit,
        mean_size,
        sold.len() as f64,
        sold.len() as f64 / history.len() as f64,
        sold_lately,
        (history.len() - sold.last().copied().unwrap_or(0)) as f64,
        (history.len() - sold.first().copied().unwrap_or(0)) as f64,
        recent(1),
        recent(3),
        recent(horizon),
        recent(2 * horizon),
        // The older half: has it grown or shrunk since?
        history[..history.len().div_ceil(2)].iter().sum::<f64>() / history.len().div_ceil(2) as f64 / unit,
    ]);
    debug_assert_eq!(features.len(), 7 + Method::COUNT + 15);
    features
}

/// Trees for one number of what came: its quantile or its mean.
pub(super) struct Pooled {
    bins: Bins,
    bag: Bag,
}

impl Pooled {
    /// Learns what came, in units of scale, after each past.
    pub(super) fn fit(pasts: &[Vec<f64>], came: &[f64], loss: Loss, workers: NonZeroUsize) -> Self {
        let frame = Frame::of_rows(pasts);
        let bins = Bins::of(&frame);
        let coded = bins.code(&frame);
        let rows: Vec<u32> = (0..pasts.len() as u32).collect();
        let bag = Bag::fit(&bins, &coded, &rows, came, loss, &SETTINGS, MEMBERS, SHARE, workers);
        Self { bins, bag }
    }

    /// Answers for other pasts, in units of scale; never below zero.
    pub(super) fn ask(&self, pasts: &[Vec<f64>], workers: NonZeroUsize) -> Vec<f64> {
        if pasts.is_empty() {
            return Vec::new();
        }
        let mut scores = self.bag.scores(&self.bins.code(&Frame::of_rows(pasts)), workers);
        scores.iter_mut().for_each(|score| *score = score.max(0.0));
        scores
    }
}
