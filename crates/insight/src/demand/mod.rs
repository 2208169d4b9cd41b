//! Forecasts of many items that sell now and then: a mean, and the stock that covers the months ahead nine times of ten.
//!
//! Every method is tried on the series' own past, at several months from which what came next is known, and the one with the
//! least quantile loss of the whole horizon's demand is taken: stock is bought for that, not for the mean of a month. Where there
//! are many series, trees over all of them are tried against that choice on the last months, and answer if they are better there.
//! Source: docs/theory/learning.md, "Demand".

mod choose;
pub mod methods;
mod pooled;
pub mod series;

use std::num::NonZeroUsize;

use serde::Serialize;

use crate::{
    error::{Checked, whole},
    table::Table,
    threads::in_order,
};
use choose::{Past, forecast};
use methods::Method;
use series::{MONTHS_MIN, Scale, Series};

/// The quantile asked for.
pub const LEVEL: f64 = 0.9;

/// A series about which nothing is said, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// Its place, from 0.
    pub place: usize,
    /// Its name.
    pub series: String,
    /// Why.
    pub reason: String,
}

/// Who answered for all series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// Each series by its own method.
    Own,
    /// Trees over all series.
    Pooled,
    /// The mean of the two.
    Both,
}

/// Forecasts of the last months of every series, from the months before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecasts {
    /// The 0.9 quantile of the total, one a series; none where it is dropped.
    pub quantile90: Vec<Option<f64>>,
    /// Mean units a month.
    pub mean: Vec<Option<f64>>,
    /// The method whose quantile was best in the series' past.
    pub method: Vec<Option<Method>>,
    /// Who answered `quantile90`.
    pub quantile_by: Answered,
    /// Who answered `mean`.
    pub mean_by: Answered,
    /// Pasts that the choice rests on.
    pub backtests: usize,
    /// Series without an answer.
    pub dropped: Vec<Dropped>,
}

/// Forecasts the last `horizon` months of each series of a table, which are not looked at.
///
/// Errors: as [`series::read`]; a horizon below 1 or above 120.
pub fn intermittent_accuracy(data: &Table, horizon: i64, workers: NonZeroUsize) -> Checked<Forecasts> {
    whole("horizon", horizon, 1, 120)?;
    let horizon = horizon as usize;
    let all = series::read(data)?;
    let mut dropped = Vec::new();
    let mut kept: Vec<(usize, &[f64], Scale)> = Vec::new();
    for (place, series) in all.iter().enumerate() {
        match history(series, horizon) {
            Ok((history, scale)) => kept.push((place, history, scale)),
            Err(reason) => dropped.push(Dropped { place, series: series.name.clone(), reason }),
        }
    }
    let pasts: Vec<Past> =
        in_order(&kept, workers, |&(place, history, scale)| Past::of(place, history, scale, horizon));
    let said = forecast(&pasts, horizon, workers);
    let mut forecasts = Forecasts {
        quantile90: vec![None; all.len()],
        mean: vec![None; all.len()],
        method: vec![None; all.len()],
        quantile_by: said.quantile_by,
        mean_by: said.mean_by,
        backtests: pasts.iter().map(|past| past.tries.len()).sum(),
        dropped,
    };
    for (at, &(place, history, _)) in kept.iter().enumerate() {
        let whole_units = history.iter().all(|units| units.fract() == 0.0);
        let quantile = said.quantiles[at];
        forecasts.quantile90[place] = Some(if whole_units { quantile.round() } else { quantile });
        forecasts.mean[place] = Some(said.means[at]);
        forecasts.method[place] = Some(said.methods[at]);
    }
    Ok(forecasts)
}

/// What is said of the periods ahead of one series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ahead {
    /// Mean units a period.
    pub mean: f64,
    /// Nine times of ten the total over the horizon is not above this.
    pub quantile90: f64,
    /// The method that says so: of all, the one with the least quantile loss in the series' past, drawn to that of all series.
    pub method: Method,
    /// Times in its own past at which it was tried.
    pub tries: usize,
    /// Share of those in which the total was not above what it said; `None`: never tried.
    pub coverage: Option<f64>,
}

/// Periods that a series needs before anything is said of its future.
pub const PERIODS_MIN: usize = 12;

/// Says of each series what lies ahead over `horizon` periods, or why it cannot: a name for its draws, and units by period, the oldest
/// first. The same series give the same bits on any number of threads.
///
/// Errors: a horizon below 1 or above 120; units that are not a number from 0, by place.
pub fn ahead(
    series: &[(u64, &[f64])],
    horizon: usize,
    workers: NonZeroUsize,
) -> Checked<Vec<Result<Ahead, String>>> {
    whole("horizon", horizon as i64, 1, 120)?;
    for (at, (_, units)) in series.iter().enumerate() {
        crate::error::each(&format!("series[{at}]"), units, crate::error::not_negative)?;
    }
    let scale = |units: &[f64]| {
        let first = units.iter().position(|units| *units > 0.0).unwrap_or(units.len());
        let periods = units.len() - first;
        if first == units.len() {
            return Err("nothing was asked for".to_owned());
        }
        if periods < PERIODS_MIN {
            return Err(format!("{periods} periods since the first demand, of at least {PERIODS_MIN}"));
        }
        Scale::of(units).map_err(str::to_owned)
    };
    let scales: Vec<Result<Scale, String>> = series.iter().map(|(_, units)| scale(units)).collect();
    let kept: Vec<(usize, Scale)> =
        scales.iter().enumerate().filter_map(|(at, scale)| Some((at, *scale.as_ref().ok()?))).collect();
    let pasts: Vec<Past> = in_order(&kept, workers, |&(at, scale)| {
        Past::of(series[at].0 as usize, series[at].1, scale, horizon)
    });
    let mut said = choose::own(&pasts).into_iter();
    let mut one = |scale: Result<Scale, String>| {
        scale?;
        let own = said.next().ok_or_else(|| "no answer was found".to_owned())?;
        Ok(Ahead {
            mean: own.mean,
            quantile90: own.quantile,
            method: own.method,
            tries: own.tries,
            coverage: (own.tries > 0).then(|| own.covered as f64 / own.tries as f64),
        })
    };
    Ok(scales.into_iter().map(&mut one).collect())
}

/// The months to learn from, or why there are too few.
fn history(series: &Series, horizon: usize) -> Result<(&[f64], Scale), String> {
    let months = series.units.len();
    if months < MONTHS_MIN.max(horizon + 2) {
        return Err(format!("{months} months of at least {}", MONTHS_MIN.max(horizon + 2)));
    }
    let history = &series.units[..months - horizon];
    Ok((history, Scale::of(history)?))
}

#[cfg(test)]
mod tests;
