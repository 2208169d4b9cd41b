//! Demand distributions on whole units: Poisson, binomial, negative binomial, and a given table of probabilities.

use std::collections::BTreeMap;

use crate::{
    error::{Checked, LARGEST, bad, length},
    special::{beta_tails, gamma_tails, poisson_kernel},
};

/// Slack on a cumulative probability before it counts as below its level: sums of tenths miss tenths by an ulp.
pub(crate) const TIE: f64 = 1e-12;

/// Returns P(D > y) for Poisson demand; one for y below zero.
pub(crate) fn poisson_above(y: i64, mean: f64) -> f64 {
    if y < 0 { 1.0 } else { gamma_tails(y as f64 + 1.0, mean).0 }
}

/// Returns P(D ≤ y) for Poisson demand.
pub(crate) fn poisson_cdf(y: i64, mean: f64) -> f64 {
    if y < 0 { 0.0 } else { gamma_tails(y as f64 + 1.0, mean).1 }
}

/// Returns P(D = y) for Poisson demand.
pub(crate) fn poisson_pmf(y: i64, mean: f64) -> f64 {
    if y < 0 { 0.0 } else { poisson_kernel(y as f64, mean) }
}

/// Returns E(D − y)⁺ for Poisson demand.
pub(crate) fn poisson_loss(y: i64, mean: f64) -> f64 {
    (mean * poisson_above(y - 1, mean) - y as f64 * poisson_above(y, mean)).max(0.0)
}

/// Returns P(X > s) for X binomial with `n` trials.
pub(crate) fn binomial_above(s: i64, n: i64, p: f64) -> f64 {
    if s < 0 {
        1.0
    } else if s >= n {
        0.0
    } else {
        beta_tails(s as f64 + 1.0, (n - s) as f64, p).0
    }
}

/// Returns P(X ≤ k) for the negative binomial that counts failures before the `r`-th success, success probability `p`.
pub(crate) fn negative_binomial_cdf(k: i64, r: f64, p: f64) -> f64 {
    if k < 0 { 0.0 } else { beta_tails(r, k as f64 + 1.0, p).0 }
}

/// Returns the smallest whole number ≥ `from` at which `reached` holds, or nothing up to `most`.
pub(crate) fn first_reached(from: i64, most: i64, reached: impl Fn(i64) -> bool) -> Option<i64> {
    if reached(from) {
        return Some(from);
    }
    let (mut below, mut step) = (from, 1);
    let mut above = loop {
        let next = (below + step).min(most);
        if reached(next) {
            break next;
        }
        if next == most {
            return None;
        }
        (below, step) = (next, step * 2);
    };
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        if reached(middle) {
            above = middle;
        } else {
            below = middle;
        }
    }
    Some(above)
}

/// A distribution given as a table: values ascending and distinct, probabilities never below zero, summing to one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    points: Vec<(f64, f64)>,
}

impl Table {
    /// Reads `{"5": 0.5, "7": 0.5}`: values are decimal numbers, probabilities sum to one.
    pub(crate) fn read(field: &str, pmf: &BTreeMap<String, f64>, whole: bool) -> Checked<Self> {
        length(field, pmf.len(), 1, 10_000)?;
        let mut points = Vec::with_capacity(pmf.len());
        for (key, &probability) in pmf {
            let name = format!("{field}[{key:?}]");
            let value = match key.trim().parse::<f64>() {
                Ok(value) if value.is_finite() && (0.0..=LARGEST).contains(&value) => value,
                _ => return bad(name, "the key must be a number that is not negative"),
            };
            if whole && (value.fract() != 0.0 || value > 100_000.0) {
                return bad(name, "the key must be a whole number of at most 100000");
            }
            crate::error::share(&name, probability)?;
            points.push((value, probability));
        }
        let total: f64 = points.iter().map(|point| point.1).sum();
        if (total - 1.0).abs() > 1e-6 {
            return bad(field, format!("probabilities must sum to 1, got {total}"));
        }
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        if points.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return bad(field, "names one value twice");
        }
        for point in &mut points {
            point.1 /= total;
        }
        Ok(Self { points })
    }

    /// From probabilities of 0, 1, 2, …
    pub(crate) fn from_counts(probabilities: &[f64]) -> Self {
        let points = probabilities.iter().enumerate().filter(|(_, p)| **p > 0.0).map(|(k, p)| (k as f64, *p));
        Self { points: points.collect() }
    }

    pub(crate) fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    pub(crate) fn mean(&self) -> f64 {
        self.points.iter().map(|(value, p)| value * p).sum()
    }

    /// The smallest value whose cumulative probability reaches `level`, with that probability.
    pub(crate) fn quantile(&self, level: f64) -> (f64, f64) {
        let mut cumulative = 0.0;
        let mut reached = (0.0, 0.0);
        for &(value, p) in self.points.iter().filter(|point| point.1 > 0.0) {
            cumulative += p;
            reached = (value, cumulative);
            if cumulative >= level - TIE {
                break;
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(pairs: &[(&str, f64)]) -> Checked<Table> {
        Table::read("pmf", &pairs.iter().map(|(k, p)| ((*k).to_owned(), *p)).collect(), true)
    }

    #[test]
    fn tables_are_read_in_order_of_value_not_of_text() {
        let table = table(&[("12", 0.2), ("5", 0.5), ("7", 0.3)]).unwrap();
        assert_eq!(table.points()[2].0, 12.0);
        assert!((table.mean() - 7.0).abs() < 1e-12);
        assert_eq!(table.quantile(0.5).0, 5.0);
        assert_eq!(table.quantile(0.8).0, 7.0);
        assert_eq!(table.quantile(0.81).0, 12.0);
    }

    #[test]
    fn bad_tables_are_refused_by_name() {
        for pairs in [
            &[][..],
            &[("x", 1.0)],
            &[("NaN", 1.0)],
            &[("-1", 1.0)],
            &[("1.5", 1.0)],
            &[("1", 0.5)],
            &[("1", 1.5), ("2", -0.5)],
            &[("1", 0.5), ("1.0", 0.5)],
        ] {
            assert!(table(pairs).unwrap_err().field().starts_with("pmf"), "{pairs:?}");
        }
    }

    #[test]
    fn poisson_loss_is_the_sum_it_stands_for() {
        for mean in [0.0, 0.7, 6.0, 40.0] {
            for y in -3..60 {
                let direct: f64 = (0..400).map(|d| (d - y).max(0) as f64 * poisson_pmf(d, mean)).sum();
                assert!((poisson_loss(y, mean) - direct).abs() < 1e-10, "mean {mean}, y {y}");
            }
        }
    }

    #[test]
    fn the_first_that_holds_is_found() {
        for target in 0..70 {
            assert_eq!(first_reached(0, 64, |k| k >= target), (target <= 64).then_some(target));
        }
    }
}
