//! Demand behind sales that were cut off by stock-outs: Poisson and normal maximum likelihood.
//!
//! The product-limit estimate is in `survival`.

use serde::{Deserialize, Serialize};

use crate::{
    dist::{poisson_above, poisson_pmf},
    error::{Checked, bad, each, length, no_answer, not_negative, same_length},
    parse::Flags,
    special::{bisect, normal_cdf, normal_density},
};

/// Sales of periods, and which of them sold out.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CensoredInput {
    /// Units sold.
    pub sales: Vec<f64>,
    /// Sold out: demand was at least the sales.
    pub stocked_out: Flags,
}

impl CensoredInput {
    fn check(&self) -> Checked<()> {
        length("sales", self.sales.len(), 1, 1_000_000)?;
        each("sales", &self.sales, not_negative)?;
        same_length("stocked_out", self.stocked_out.0.len(), "sales", self.sales.len())?;
        if self.stocked_out.0.iter().all(|&out| out) {
            return bad("stocked_out", "every period sold out, so demand has no upper end");
        }
        Ok(())
    }

    fn where_out(&self, out: bool) -> impl Iterator<Item = f64> + Clone + '_ {
        self.sales
            .iter()
            .zip(&self.stocked_out.0)
            .filter(move |(_, is_out)| **is_out == out)
            .map(|(units, _)| *units)
    }
}

/// The demand rate, and what it is taken for without thinking.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CensoredPoisson {
    /// Mean sales.
    pub naive_mean: f64,
    /// Mean sales of periods that did not sell out.
    pub uncensored_only_mean: f64,
    /// Demand a period, by maximum likelihood.
    pub mle_rate: f64,
    /// Units lost in all sold-out periods, expected at that rate.
    pub estimated_lost: f64,
}

/// Returns the Poisson demand rate from sales cut off by stock-outs; a sold-out period counts P(D ≥ sales).
///
/// Errors: sales must be whole. Source: Conrad 1976; Nahmias 1994. The likelihood is concave in the rate, so the root of its
/// slope is bisected.
pub fn censored_demand_poisson(input: &CensoredInput) -> Checked<CensoredPoisson> {
    input.check()?;
    for (i, units) in input.sales.iter().enumerate() {
        if units.fract() != 0.0 || *units > 1e8 {
            return bad(format!("sales[{i}]"), format!("must be a whole number of at most 1e8, got {units}"));
        }
    }
    let full: f64 = input.where_out(false).sum();
    let periods = input.where_out(false).count() as f64;
    let mut cut: Vec<i64> =
        input.where_out(true).filter(|units| *units > 0.0).map(|units| units as i64).collect();
    cut.sort_unstable();
    let cut: Vec<(i64, f64)> = cut.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as f64)).collect();
    // The slope times the rate, which has the same root and stays finite at zero.
    let slope = |rate: f64| {
        full - periods * rate
            + cut.iter().map(|&(units, times)| times * rate * hazard(units, rate)).sum::<f64>()
    };
    let most = cut.last().map_or(0, |last| last.0) as f64;
    let naive_mean = input.sales.iter().sum::<f64>() / input.sales.len() as f64;
    let mle_rate = if cut.is_empty() {
        full / periods
    } else {
        let mut high = naive_mean.max(1.0);
        // For rates far above every stock the slope tends to full − periods·rate + a share of the cut ones, so it turns.
        while slope(high) > 0.0 {
            high *= 2.0;
            if high > 1e6 * (most + full + 1.0) {
                return no_answer("sales", "the likelihood does not turn");
            }
        }
        bisect(0.0, high, |rate| slope(rate) <= 0.0)
    };
    let lost =
        |units: f64| (crate::dist::poisson_loss(units as i64, mle_rate)) / at_least(units as i64, mle_rate);
    Ok(CensoredPoisson {
        naive_mean,
        uncensored_only_mean: full / periods,
        mle_rate,
        estimated_lost: input.where_out(true).map(lost).sum(),
    })
}

fn at_least(units: i64, rate: f64) -> f64 {
    poisson_above(units - 1, rate).max(f64::MIN_POSITIVE)
}

/// d/dλ of ln P(D ≥ k), which is P(D = k−1)/P(D ≥ k).
fn hazard(units: i64, rate: f64) -> f64 {
    if rate <= 0.0 {
        return 0.0;
    }
    if rate < units as f64 {
        // P(D ≥ k)/P(D = k−1) as a series of positive terms: exact in the far tail, where both vanish.
        let (mut term, mut sum, mut k) = (1.0, 0.0, units as f64);
        while term > sum * 1e-17 {
            term *= rate / k;
            sum += term;
            k += 1.0;
        }
        return 1.0 / sum;
    }
    poisson_pmf(units - 1, rate) / at_least(units, rate)
}

/// Normal demand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CensoredNormal {
    /// Mean.
    pub mu: f64,
    /// Standard deviation.
    pub sigma: f64,
}

/// Returns mean and deviation of normal demand from sales cut off by stock-outs.
///
/// Errors: `NoAnswer` where no two full observations differ and no stock-out lies above them, so that any small deviation
/// does. Source: Tobin 1958; Nahmias 1994. In δ = μ/σ, γ = 1/σ the likelihood is concave (Olsen 1978): Newton's method.
pub fn censored_demand_normal(input: &CensoredInput) -> Checked<CensoredNormal> {
    input.check()?;
    let full = || input.where_out(false);
    let count = full().count() as f64;
    let mean = full().sum::<f64>() / count;
    let variance = full().map(|units| (units - mean).powi(2)).sum::<f64>() / count;
    let cut_above = input.where_out(true).fold(f64::NEG_INFINITY, f64::max) - mean;
    let spread = variance.sqrt().max(cut_above);
    if spread.is_nan() || spread <= 1e-9 * mean.abs().max(1e-9) {
        return no_answer("sales", "every full observation is the same, so the deviation is not known");
    }
    // In units of the spread, so that the steps do not depend on whether sales are tens or millions.
    let sample: Vec<(f64, bool)> = input
        .sales
        .iter()
        .zip(&input.stocked_out.0)
        .map(|(units, out)| ((units - mean) / spread, *out))
        .collect();
    let (mut delta, mut gamma) = (0.0, 1.0);
    let mut here = tobit(&sample, delta, gamma);
    for _ in 0..500 {
        let [[a, b], [_, d]] = here.curvature;
        let determinant = a * d - b * b;
        let step = [
            (d * here.slope[0] - b * here.slope[1]) / determinant,
            (a * here.slope[1] - b * here.slope[0]) / determinant,
        ];
        let gain = step[0] * here.slope[0] + step[1] * here.slope[1];
        if !gain.is_finite() {
            return no_answer("sales", "the likelihood has no maximum");
        }
        if gain < 1e-20 * sample.len() as f64 {
            return Ok(CensoredNormal { mu: mean + spread * delta / gamma, sigma: spread / gamma });
        }
        let mut length = 1.0;
        loop {
            let (next_delta, next_gamma) = (delta + length * step[0], gamma + length * step[1]);
            if next_gamma > 0.0 {
                let there = tobit(&sample, next_delta, next_gamma);
                if there.value >= here.value - 1e-13 * here.value.abs() {
                    (delta, gamma, here) = (next_delta, next_gamma, there);
                    break;
                }
            }
            length *= 0.5;
            if length < 1e-12 {
                // No step gains any more in f64.
                return Ok(CensoredNormal { mu: mean + spread * delta / gamma, sigma: spread / gamma });
            }
        }
    }
    no_answer("sales", "the fit does not settle")
}

struct Tobit {
    value: f64,
    slope: [f64; 2],
    /// Minus the second derivatives, so positive.
    curvature: [[f64; 2]; 2],
}

fn tobit(sample: &[(f64, bool)], delta: f64, gamma: f64) -> Tobit {
    let mut out = Tobit { value: 0.0, slope: [0.0; 2], curvature: [[0.0; 2]; 2] };
    for &(x, cut) in sample {
        let z = gamma * x - delta;
        // Slope and curvature in z, then by the chain rule: ∂z/∂δ = −1, ∂z/∂γ = x.
        let (value, slope, curvature) = if cut {
            let hazard = normal_hazard(z);
            (ln_above(z), -hazard, hazard * (hazard - z))
        } else {
            out.slope[1] += 1.0 / gamma;
            out.curvature[1][1] += 1.0 / (gamma * gamma);
            (gamma.ln() - 0.5 * z * z, -z, 1.0)
        };
        out.value += value;
        out.slope[0] -= slope;
        out.slope[1] += slope * x;
        out.curvature[0][0] += curvature;
        out.curvature[0][1] -= curvature * x;
        out.curvature[1][1] += curvature * x * x;
    }
    out.curvature[1][0] = out.curvature[0][1];
    out
}

/// φ(z)/P(Z > z).
fn normal_hazard(z: f64) -> f64 {
    if z < 30.0 { normal_density(z) / normal_cdf(-z) } else { z + 1.0 / z - 2.0 / z.powi(3) }
}

/// ln P(Z > z).
fn ln_above(z: f64) -> f64 {
    if z < 30.0 {
        normal_cdf(-z).ln()
    } else {
        -0.5 * z * z - normal_hazard(z).ln() - 0.5 * std::f64::consts::TAU.ln()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn input(rows: &[(f64, bool)]) -> CensoredInput {
        CensoredInput {
            sales: rows.iter().map(|row| row.0).collect(),
            stocked_out: Flags(rows.iter().map(|row| row.1).collect()),
        }
    }

    #[test]
    fn nothing_cut_off_is_the_plain_estimate() {
        let rows = [(3.0, false), (5.0, false), (10.0, false)];
        let poisson = censored_demand_poisson(&input(&rows)).unwrap();
        assert_eq!((poisson.mle_rate, poisson.estimated_lost), (6.0, 0.0));
        let normal = censored_demand_normal(&input(&rows)).unwrap();
        assert!((normal.mu - 6.0).abs() < 1e-9 && (normal.sigma - (26.0_f64 / 3.0).sqrt()).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_known_is_refused() {
        let all_out = input(&[(3.0, true), (5.0, true)]);
        assert_eq!(censored_demand_poisson(&all_out).unwrap_err().field(), "stocked_out");
        assert_eq!(censored_demand_normal(&all_out).unwrap_err().field(), "stocked_out");
        assert_eq!(
            censored_demand_normal(&input(&[(3.0, false), (3.0, false), (2.0, true)])).unwrap_err().field(),
            "sales"
        );
        assert_eq!(censored_demand_poisson(&input(&[(2.5, false)])).unwrap_err().field(), "sales[0]");
        let never = censored_demand_poisson(&input(&[(0.0, false), (0.0, true)])).unwrap();
        assert_eq!((never.mle_rate, never.estimated_lost), (0.0, 0.0));
    }

    #[test]
    fn the_hazard_is_smooth_where_its_two_forms_meet() {
        for k in [1_i64, 7, 60, 900] {
            let (below, above) = (k as f64 * (1.0 - 1e-12), k as f64);
            assert!((hazard(k, below) - hazard(k, above)).abs() < 1e-8 * hazard(k, above));
        }
        assert!((normal_hazard(29.999_999) - normal_hazard(30.0)).abs() < 1e-5);
        assert!((ln_above(29.999_999) - ln_above(30.0)).abs() < 1e-3);
    }

    proptest! {
        #[test]
        fn no_rate_is_more_likely(rows in proptest::collection::vec((0_u32..12, any::<bool>()), 1..20)) {
            prop_assume!(rows.iter().any(|row| !row.1));
            let rows: Vec<(f64, bool)> = rows.into_iter().map(|(units, out)| (f64::from(units), out)).collect();
            let got = censored_demand_poisson(&input(&rows)).unwrap();
            let likely = |rate: f64| rows.iter().map(|&(units, out)| {
                let k = units as i64;
                if out { at_least(k, rate).ln() } else { poisson_pmf(k, rate).max(1e-300).ln() }
            }).sum::<f64>();
            for step in 1..200 {
                prop_assert!(likely(got.mle_rate.max(1e-12)) >= likely(f64::from(step) * 0.1) - 1e-7);
            }
            prop_assert!(got.mle_rate >= got.naive_mean - 1e-9 && got.estimated_lost >= 0.0);
        }

        #[test]
        fn no_normal_is_more_likely(rows in proptest::collection::vec((0_u32..30, any::<bool>()), 3..20), dm in -2.0_f64..2.0, ds in 0.5_f64..2.0) {
            let rows: Vec<(f64, bool)> = rows.into_iter().map(|(units, out)| (f64::from(units), out)).collect();
            let Ok(got) = censored_demand_normal(&input(&rows)) else { return Ok(()) };
            let likely = |mu: f64, sigma: f64| rows.iter().map(|&(units, out)| {
                let z = (units - mu) / sigma;
                if out { ln_above(z) } else { -0.5 * z * z - sigma.ln() }
            }).sum::<f64>();
            prop_assert!(likely(got.mu, got.sigma) >= likely(got.mu + dm, got.sigma * ds) - 1e-7);
        }
    }
}
