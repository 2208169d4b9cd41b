//! How good a forecast was.

use serde::{Deserialize, Serialize};

use crate::error::{Checked, each, finite, length, level, same_length};

/// A forecast, what came, and the history it is scaled by.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsInput {
    /// History before the forecast, oldest first.
    pub train: Vec<f64>,
    /// What came.
    pub actual: Vec<f64>,
    /// What was expected.
    pub point_forecast: Vec<f64>,
    /// The level that should not be exceeded with probability `tau`.
    pub quantile_forecast: Vec<f64>,
    /// That probability.
    pub tau: f64,
}

/// The usual measures. Scaled ones are infinite where history never changes and the forecast missed, and none where it did
/// not miss either. The `m5` ones leave out the zeros before the first demand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metrics {
    /// Mean absolute error.
    pub mae: f64,
    /// MAE over that of yesterday's value in the history.
    pub mase: Option<f64>,
    /// Root of mean squared error over that of yesterday's value.
    pub rmsse: Option<f64>,
    /// The same, as in the M5 competition.
    pub rmsse_m5: Option<f64>,
    /// Mean pinball loss of the quantile.
    pub pinball: f64,
    /// Pinball loss over the mean absolute change of the history, as in the M5 competition.
    pub scaled_pinball_m5: Option<f64>,
    /// Mean of forecast less actual.
    pub bias: f64,
}

/// Returns error measures of a point and a quantile forecast.
///
/// Source: Hyndman & Koehler 2006; Makridakis et al., M5, International Journal of Forecasting 2022.
pub fn forecast_metrics(input: &MetricsInput) -> Checked<Metrics> {
    length("train", input.train.len(), 2, 1_000_000)?;
    each("train", &input.train, finite)?;
    length("actual", input.actual.len(), 1, 1_000_000)?;
    each("actual", &input.actual, finite)?;
    same_length("point_forecast", input.point_forecast.len(), "actual", input.actual.len())?;
    each("point_forecast", &input.point_forecast, finite)?;
    same_length("quantile_forecast", input.quantile_forecast.len(), "actual", input.actual.len())?;
    each("quantile_forecast", &input.quantile_forecast, finite)?;
    level("tau", input.tau)?;

    let errors: Vec<f64> = input.point_forecast.iter().zip(&input.actual).map(|(f, a)| f - a).collect();
    let mae = mean(errors.iter().map(|e| e.abs()));
    let mse = mean(errors.iter().map(|e| e * e));
    let pinball =
        mean(input.quantile_forecast.iter().zip(&input.actual).map(|(q, a)| pinball(*a, *q, input.tau)));
    let first = input.train.iter().position(|&units| units != 0.0).unwrap_or(input.train.len());
    let (all, sold) = (Changes::of(&input.train), Changes::of(&input.train[first..]));
    Ok(Metrics {
        mae,
        mase: ratio(mae, all.absolute),
        rmsse: ratio(mse, all.squared).map(f64::sqrt),
        rmsse_m5: ratio(mse, sold.squared).map(f64::sqrt),
        pinball,
        scaled_pinball_m5: ratio(pinball, sold.absolute),
        bias: mean(errors.iter().copied()),
    })
}

/// Returns the pinball loss of quantile forecast `q` at level `tau`.
pub fn pinball(actual: f64, q: f64, tau: f64) -> f64 {
    if actual >= q { tau * (actual - q) } else { (1.0 - tau) * (q - actual) }
}

/// Mean change from one period to the next; zero of fewer than two.
struct Changes {
    absolute: f64,
    squared: f64,
}

impl Changes {
    fn of(series: &[f64]) -> Self {
        let steps = || series.windows(2).map(|pair| pair[1] - pair[0]);
        Self { absolute: mean(steps().map(f64::abs)), squared: mean(steps().map(|step| step * step)) }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), x| (sum + x, count + 1));
    if count == 0 { 0.0 } else { sum / count as f64 }
}

fn ratio(loss: f64, scale: f64) -> Option<f64> {
    if scale > 0.0 {
        Some(loss / scale)
    } else if loss > 0.0 {
        Some(f64::INFINITY)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn input(train: &[f64], actual: &[f64], forecast: f64) -> MetricsInput {
        MetricsInput {
            train: train.to_vec(),
            actual: actual.to_vec(),
            point_forecast: vec![forecast; actual.len()],
            quantile_forecast: vec![forecast; actual.len()],
            tau: 0.9,
        }
    }

    #[test]
    fn a_history_without_change_has_no_scale() {
        let hit = forecast_metrics(&input(&[2.0, 2.0], &[2.0], 2.0)).unwrap();
        assert_eq!((hit.mase, hit.rmsse_m5, hit.scaled_pinball_m5), (None, None, None));
        let miss = forecast_metrics(&input(&[2.0, 2.0], &[3.0], 2.0)).unwrap();
        assert_eq!(miss.mase, Some(f64::INFINITY));
        assert_eq!(forecast_metrics(&input(&[2.0], &[3.0], 2.0)).unwrap_err().field(), "train");
    }

    proptest! {
        #[test]
        fn the_quantile_minimises_its_loss(mut sample in proptest::collection::vec(0_i32..40, 2..60), tau in 0.05_f64..0.95) {
            sample.sort_unstable();
            let rank = ((sample.len() as f64 * tau).ceil() as usize).max(1) - 1;
            let loss = |q: f64| sample.iter().map(|&a| pinball(f64::from(a), q, tau)).sum::<f64>();
            for q in 0..40 {
                prop_assert!(loss(f64::from(sample[rank])) <= loss(f64::from(q)) + 1e-9);
            }
        }

        #[test]
        fn scaled_errors_do_not_know_units(
            train in proptest::collection::vec(0_i32..9, 3..30), actual in proptest::collection::vec(0_i32..9, 1..9), unit in 0.5_f64..90.0,
        ) {
            let floats = |list: &[i32], unit: f64| list.iter().map(|&x| f64::from(x) * unit).collect::<Vec<_>>();
            let one = forecast_metrics(&input(&floats(&train, 1.0), &floats(&actual, 1.0), 1.5)).unwrap();
            let other = forecast_metrics(&input(&floats(&train, unit), &floats(&actual, unit), 1.5 * unit)).unwrap();
            for (a, b) in [(one.mase, other.mase), (one.rmsse, other.rmsse), (one.scaled_pinball_m5, other.scaled_pinball_m5)] {
                match (a, b) {
                    (Some(a), Some(b)) => prop_assert!(a == b || (a - b).abs() < 1e-9 * a),
                    _ => prop_assert_eq!(a, b),
                }
            }
        }
    }
}
