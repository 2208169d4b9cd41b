//! When it will be here: lead-time quantiles, conformal margins, convolutions, queue positions, supplier reliability.
//!
//! Units: days.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    dist::Table,
    error::{Checked, bad, each, finite, length, level, not_negative, positive, whole},
    special::{beta_quantile, normal_quantile},
};

/// A lead time known by mean and standard deviation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LognormalInput {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
    /// Probabilities asked for.
    pub levels: Vec<f64>,
}

/// The lognormal with that mean and deviation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lognormal {
    /// Mean of the logarithm.
    pub mu_log: f64,
    /// Standard deviation of the logarithm.
    pub sigma_log: f64,
    /// One a level.
    pub quantiles: Vec<f64>,
}

/// Returns lognormal lead-time quantiles from mean and standard deviation: σ² = ln(1+sd²/mean²), μ = ln mean − σ²/2.
pub fn lead_time_quantile(input: &LognormalInput) -> Checked<Lognormal> {
    positive("mean", input.mean)?;
    not_negative("sd", input.sd)?;
    check_levels("levels", &input.levels)?;
    let variance = (input.sd / input.mean).powi(2).ln_1p();
    let (mu_log, sigma_log) = (input.mean.ln() - 0.5 * variance, variance.sqrt());
    let quantiles = input.levels.iter().map(|&p| (mu_log + sigma_log * normal_quantile(p)).exp()).collect();
    Ok(Lognormal { mu_log, sigma_log, quantiles })
}

fn check_levels(field: &str, levels: &[f64]) -> Checked<()> {
    length(field, levels.len(), 1, 1000)?;
    each(field, levels, level)
}

/// How late things were, against what was said.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConformalInput {
    /// Actual less predicted, in any order.
    pub residual_days: Vec<f64>,
    /// Probabilities asked for, for the plain quantile.
    pub levels: Vec<f64>,
    /// Miss rates allowed, for the conformal bound.
    pub alphas: Vec<f64>,
}

/// Days to add to a prediction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conformal {
    /// The sample quantile, one a level.
    pub type7: Vec<f64>,
    /// The bound that covers with probability 1−α, one an α; none where the sample is too short for any.
    pub conformal_upper: Vec<Option<f64>>,
}

/// Returns sample quantiles and one-sided split-conformal bounds of residuals.
///
/// Source: Hyndman & Fan 1996, type 7; Vovk et al., Lei et al. 2018: the k-th smallest residual, k = ⌈(n+1)(1−α)⌉.
pub fn conformal_promise(input: &ConformalInput) -> Checked<Conformal> {
    length("residual_days", input.residual_days.len(), 1, 1_000_000)?;
    each("residual_days", &input.residual_days, finite)?;
    check_levels("levels", &input.levels)?;
    check_levels("alphas", &input.alphas)?;
    let mut sorted = input.residual_days.clone();
    sorted.sort_by(f64::total_cmp);
    Ok(Conformal {
        type7: input.levels.iter().map(|&p| sorted_quantile(&sorted, p)).collect(),
        conformal_upper: input.alphas.iter().map(|&alpha| conformal_bound(&sorted, alpha)).collect(),
    })
}

/// Returns the type-7 quantile of an ascending, non-empty sample.
pub fn sorted_quantile(sorted: &[f64], p: f64) -> f64 {
    let at = p * (sorted.len() - 1) as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (at - below as f64) * (sorted[above] - sorted[below])
}

/// Returns the ⌈(n+1)(1−α)⌉-th smallest of an ascending sample, if there are as many.
pub fn conformal_bound(sorted: &[f64], alpha: f64) -> Option<f64> {
    // Without the slack, 10·(1−0.1) = 9.000000000000002 would ask for one residual more.
    let rank = ((sorted.len() + 1) as f64 * (1.0 - alpha) - 1e-9).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied()
}

/// Two stages of a lead time, as tables of whole days.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvolutionInput {
    /// Probability of each number of days until the supplier has delivered.
    pub supplier_pmf: BTreeMap<String, f64>,
    /// Probability of each number of days from then to shipping.
    pub fulfil_pmf: BTreeMap<String, f64>,
    /// Probabilities asked for.
    pub levels: Vec<f64>,
}

/// The sum of the two stages.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Convolution {
    /// Mean.
    pub mean: f64,
    /// The first day that reaches each level.
    pub quantile_days: Vec<i64>,
    /// The probability of being there by that day.
    pub on_time_prob_at_quantile: Vec<f64>,
}

/// Returns the distribution of the sum of two independent stages, by discrete convolution.
pub fn lead_time_convolution(input: &ConvolutionInput) -> Checked<Convolution> {
    let supplier = Table::read("supplier_pmf", &input.supplier_pmf, true)?;
    let fulfil = Table::read("fulfil_pmf", &input.fulfil_pmf, true)?;
    check_levels("levels", &input.levels)?;
    let longest = |table: &Table| table.points().last().map_or(0.0, |point| point.0) as usize;
    let mut total = vec![0.0; longest(&supplier) + longest(&fulfil) + 1];
    for &(days, p) in supplier.points() {
        for &(more, q) in fulfil.points() {
            total[(days + more) as usize] += p * q;
        }
    }
    let total = Table::from_counts(&total);
    let (days, probabilities) =
        input.levels.iter().map(|&p| total.quantile(p)).map(|(day, p)| (day as i64, p.min(1.0))).unzip();
    Ok(Convolution {
        mean: supplier.mean() + fulfil.mean(),
        quantile_days: days,
        on_time_prob_at_quantile: probabilities,
    })
}

/// One inbound order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboundOrder {
    /// Units it brings.
    pub quantity: i64,
    /// Mean day of arrival.
    pub eta_mean_day: f64,
    /// Standard deviation of that day.
    pub eta_sd_days: f64,
}

/// Inbound orders and the places in the queue that are asked about.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueInput {
    /// In the order they are received.
    pub purchase_orders: Vec<InboundOrder>,
    /// Places in the queue, counted from one.
    pub queue_units: Vec<i64>,
    /// Probabilities asked for.
    pub levels: Vec<f64>,
}

/// When one place in the queue is served.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QueuePromise {
    /// The place.
    pub unit: i64,
    /// One day a level; none where nothing inbound reaches that far.
    pub quantiles: Option<Vec<f64>>,
}

/// One promise a place asked about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QueuePromises {
    /// In the order asked.
    pub promises: Vec<QueuePromise>,
}

/// Returns when the k-th open unit is served: by the first inbound order whose cumulative quantity reaches k, whose day is
/// normal.
pub fn queue_position_promise(input: &QueueInput) -> Checked<QueuePromises> {
    length("purchase_orders", input.purchase_orders.len(), 1, 10_000)?;
    let mut reach = Vec::with_capacity(input.purchase_orders.len());
    let mut units = 0;
    for (i, order) in input.purchase_orders.iter().enumerate() {
        whole(&format!("purchase_orders[{i}].quantity"), order.quantity, 1, 1_000_000_000_000)?;
        finite(&format!("purchase_orders[{i}].eta_mean_day"), order.eta_mean_day)?;
        not_negative(&format!("purchase_orders[{i}].eta_sd_days"), order.eta_sd_days)?;
        units += order.quantity;
        reach.push(units);
    }
    length("queue_units", input.queue_units.len(), 1, 100_000)?;
    each("queue_units", &input.queue_units, |field, unit| whole(field, unit, 1, 1_000_000_000_000))?;
    check_levels("levels", &input.levels)?;
    let scores: Vec<f64> = input.levels.iter().map(|&p| normal_quantile(p)).collect();
    let promises = input.queue_units.iter().map(|&unit| {
        let order = input.purchase_orders.get(reach.partition_point(|&until| until < unit));
        let days =
            order.map(|order| scores.iter().map(|z| order.eta_mean_day + order.eta_sd_days * z).collect());
        QueuePromise { unit, quantiles: days }
    });
    Ok(QueuePromises { promises: promises.collect() })
}

/// What was believed of a supplier, and what it did.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupplierInput {
    /// On-time deliveries the belief before is worth.
    pub prior_alpha: f64,
    /// Late deliveries it is worth.
    pub prior_beta: f64,
    /// Deliveries since.
    pub deliveries: i64,
    /// Of them on time.
    pub on_time: i64,
}

/// The share of deliveries on time, as far as is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Supplier {
    /// Mean belief.
    pub posterior_mean: f64,
    /// Believed to be exceeded with 95 %.
    pub lower_5pct: f64,
    /// Believed not to be exceeded with 95 %.
    pub upper_95pct: f64,
}

/// Returns the posterior of a supplier's on-time share: Beta(a + on time, b + late).
pub fn supplier_reliability(input: &SupplierInput) -> Checked<Supplier> {
    positive("prior_alpha", input.prior_alpha)?;
    positive("prior_beta", input.prior_beta)?;
    for (field, prior) in [("prior_alpha", input.prior_alpha), ("prior_beta", input.prior_beta)] {
        if !(1e-3..=1e9).contains(&prior) {
            return bad(field, format!("must lie between 0.001 and 1e9, got {prior:e}"));
        }
    }
    whole("deliveries", input.deliveries, 0, 1_000_000_000)?;
    whole("on_time", input.on_time, 0, input.deliveries)?;
    let a = input.prior_alpha + input.on_time as f64;
    let b = input.prior_beta + (input.deliveries - input.on_time) as f64;
    Ok(Supplier {
        posterior_mean: a / (a + b),
        lower_5pct: beta_quantile(a, b, 0.05),
        upper_95pct: beta_quantile(a, b, 0.95),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_unit_past_all_inbound_has_no_date() {
        let order = InboundOrder { quantity: 40, eta_mean_day: 7.0, eta_sd_days: 0.0 };
        let input =
            QueueInput { purchase_orders: vec![order], queue_units: vec![1, 40, 41], levels: vec![0.9] };
        let promises = queue_position_promise(&input).unwrap().promises;
        assert_eq!(promises[0].quantiles, Some(vec![7.0]));
        assert_eq!(promises[1].quantiles, Some(vec![7.0]));
        assert_eq!(promises[2].quantiles, None);
    }

    #[test]
    fn a_whole_rank_is_not_rounded_up() {
        let sorted: Vec<f64> = (1..=9).map(f64::from).collect();
        assert_eq!(conformal_bound(&sorted, 0.1), Some(9.0));
        assert_eq!(conformal_bound(&sorted, 0.09), None);
        assert_eq!(conformal_bound(&sorted, 0.3), Some(7.0));
    }

    proptest! {
        #[test]
        fn the_lognormal_has_the_mean_it_was_given(mean in 0.5_f64..90.0, share in 0.0_f64..1.2) {
            let got = lead_time_quantile(&LognormalInput { mean, sd: mean * share, levels: vec![0.1, 0.5, 0.9] }).unwrap();
            prop_assert!(((got.mu_log + got.sigma_log.powi(2) / 2.0).exp() - mean).abs() < 1e-9 * mean);
            prop_assert!(got.quantiles.is_sorted());
            prop_assert!((got.quantiles[1] - got.mu_log.exp()).abs() < 1e-9 * mean);
        }

        #[test]
        fn a_bound_covers_at_least_its_share(sample in proptest::collection::vec(-20_i32..40, 1..60), alpha in 0.01_f64..0.9) {
            let mut sorted: Vec<f64> = sample.into_iter().map(f64::from).collect();
            sorted.sort_by(f64::total_cmp);
            match conformal_bound(&sorted, alpha) {
                Some(bound) => {
                    let within = sorted.iter().filter(|r| **r <= bound).count() as f64;
                    prop_assert!(within / (sorted.len() + 1) as f64 >= 1.0 - alpha - 1e-9);
                }
                None => prop_assert!(sorted.len() as f64 / (sorted.len() + 1) as f64 <= 1.0 - alpha),
            }
        }

        #[test]
        fn convolving_keeps_mean_and_mass(
            a in proptest::collection::btree_map(0_u32..30, 1_u32..9, 1..6), b in proptest::collection::btree_map(0_u32..30, 1_u32..9, 1..6),
        ) {
            let table = |weights: &BTreeMap<u32, u32>| -> BTreeMap<String, f64> {
                let total = f64::from(weights.values().sum::<u32>());
                weights.iter().map(|(day, w)| (day.to_string(), f64::from(*w) / total)).collect()
            };
            let mean = |weights: &BTreeMap<u32, u32>| {
                f64::from(weights.iter().map(|(d, w)| d * w).sum::<u32>()) / f64::from(weights.values().sum::<u32>())
            };
            let input = ConvolutionInput { supplier_pmf: table(&a), fulfil_pmf: table(&b), levels: vec![0.01, 0.5, 0.999_999] };
            let got = lead_time_convolution(&input).unwrap();
            prop_assert!((got.mean - mean(&a) - mean(&b)).abs() < 1e-9);
            prop_assert!(got.quantile_days.is_sorted());
            prop_assert_eq!(got.quantile_days[2], i64::from(a.keys().max().unwrap() + b.keys().max().unwrap()));
            prop_assert!((got.on_time_prob_at_quantile[2] - 1.0).abs() < 1e-9);
        }

        #[test]
        fn more_deliveries_on_time_raise_the_bounds(deliveries in 1_i64..60, late in 0_i64..60) {
            let late = late.min(deliveries - 1);
            let at = |on_time| supplier_reliability(&SupplierInput { prior_alpha: 2.0, prior_beta: 1.0, deliveries, on_time }).unwrap();
            let (less, more) = (at(deliveries - late - 1), at(deliveries - late));
            prop_assert!(less.lower_5pct < more.lower_5pct && less.posterior_mean < more.posterior_mean);
            prop_assert!(more.lower_5pct < more.posterior_mean && more.posterior_mean < more.upper_95pct);
        }
    }
}
