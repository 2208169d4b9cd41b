//! What simulated runs allow one to say: confidence intervals, common random numbers, warm-up.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Checked, each, finite, length, level, same_length, whole},
    special::student_half_width,
};

/// One figure of two policies, replication by replication, on the same random numbers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CiInput {
    /// Under the first policy.
    pub policy_a: Vec<f64>,
    /// Under the second.
    pub policy_b: Vec<f64>,
    /// Probability that an interval covers.
    pub confidence: f64,
}

/// Intervals, as mean ± half width.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ci {
    /// Mean of the first policy.
    pub mean_a: f64,
    /// Its half width.
    pub half_width_a: f64,
    /// Mean of first less second.
    pub mean_diff: f64,
    /// Half width of the difference, pair by pair.
    pub paired_half_width: f64,
    /// Half width of the difference if the runs are taken for independent.
    pub welch_half_width: f64,
    /// How many times the variance falls by pairing; infinite where the differences are all the same.
    pub variance_ratio: f64,
}

/// Returns Student intervals of one policy and of the difference of two, paired and by Welch.
///
/// Source: Law, Simulation Modeling and Analysis, 5th ed., chapters 9-10; Welch-Satterthwaite degrees of freedom.
pub fn simulation_ci(input: &CiInput) -> Checked<Ci> {
    length("policy_a", input.policy_a.len(), 2, 1_000_000)?;
    each("policy_a", &input.policy_a, finite)?;
    same_length("policy_b", input.policy_b.len(), "policy_a", input.policy_a.len())?;
    each("policy_b", &input.policy_b, finite)?;
    level("confidence", input.confidence)?;
    let n = input.policy_a.len() as f64;
    let differences: Vec<f64> = input.policy_a.iter().zip(&input.policy_b).map(|(a, b)| a - b).collect();
    let (mean_a, variance_a) = moments(&input.policy_a);
    let (_, variance_b) = moments(&input.policy_b);
    let (mean_diff, variance_diff) = moments(&differences);
    let t = student_half_width(n - 1.0, input.confidence);
    let independent = variance_a + variance_b;
    let welch_half_width = if independent > 0.0 {
        let df = independent * independent * (n - 1.0) / (variance_a * variance_a + variance_b * variance_b);
        student_half_width(df, input.confidence) * (independent / n).sqrt()
    } else {
        0.0
    };
    let variance_ratio = match (variance_diff > 0.0, independent > 0.0) {
        (true, _) => independent / variance_diff,
        (false, true) => f64::INFINITY,
        // Nothing varies at all: pairing neither helps nor harms.
        (false, false) => 1.0,
    };
    Ok(Ci {
        mean_a,
        half_width_a: t * (variance_a / n).sqrt(),
        mean_diff,
        paired_half_width: t * (variance_diff / n).sqrt(),
        welch_half_width,
        variance_ratio,
    })
}

/// Mean and sample variance.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0))
}

/// A run from its start, and how many observations make a batch.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MserInput {
    /// Observations in order.
    pub series: Vec<f64>,
    /// Observations a batch; five in MSER-5. What does not fill the last batch is left out.
    pub batch: i64,
}

/// How much of the start to drop.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mser {
    /// Batches to drop.
    pub truncate_batches: usize,
    /// Observations to drop.
    pub truncate_observations: usize,
    /// Mean of the batches that are left.
    pub truncated_mean: f64,
    /// The statistic there.
    pub mser_value: f64,
}

/// Returns the warm-up truncation that minimises Σ(b−mean)²/(k−d)² over d = 0..=⌊k/2⌋; the smallest on ties.
///
/// Source: White 1997; White, Cobb & Spratt 2000.
pub fn warmup_mser(input: &MserInput) -> Checked<Mser> {
    length("series", input.series.len(), 1, 5_000_000)?;
    each("series", &input.series, finite)?;
    whole("batch", input.batch, 1, input.series.len() as i64)?;
    // `batch` is at most the length of a list.
    let size = input.batch as usize;
    let batches: Vec<f64> =
        input.series.chunks_exact(size).map(|batch| batch.iter().sum::<f64>() / size as f64).collect();
    let k = batches.len();
    // From the end, by Welford's recursion: the sum of squares of every tail in one pass, without cancellation.
    let (mut mean, mut squares) = (0.0_f64, 0.0_f64);
    let mut best: Option<Mser> = None;
    let spread = moments(&batches).1;
    for d in (0..k).rev() {
        let count = (k - d) as f64;
        let step = batches[d] - mean;
        mean += step / count;
        squares += step * (batches[d] - mean);
        if d > k / 2 {
            continue;
        }
        let value = squares / (count * count);
        // Going down, an equal value at a smaller d wins; the slack is that of rounding.
        if best.as_ref().is_none_or(|best| value <= best.mser_value + 1e-13 * spread.max(0.0)) {
            best = Some(Mser {
                truncate_batches: d,
                truncate_observations: d * size,
                truncated_mean: mean,
                mser_value: value,
            });
        }
    }
    // The series holds at least one batch, and d = 0 is always tried.
    Ok(best.expect("at least one batch"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_steady_series_is_kept_whole() {
        let got = warmup_mser(&MserInput { series: vec![4.0; 23], batch: 5 }).unwrap();
        assert_eq!((got.truncate_batches, got.truncated_mean, got.mser_value), (0, 4.0, 0.0));
        assert_eq!(warmup_mser(&MserInput { series: vec![4.0; 3], batch: 5 }).unwrap_err().field(), "batch");
    }

    #[test]
    fn runs_that_never_differ_have_no_width() {
        let got =
            simulation_ci(&CiInput { policy_a: vec![2.0; 4], policy_b: vec![1.0; 4], confidence: 0.95 })
                .unwrap();
        assert_eq!(
            (got.mean_diff, got.paired_half_width, got.welch_half_width, got.variance_ratio),
            (1.0, 0.0, 0.0, 1.0)
        );
    }

    proptest! {
        #[test]
        fn truncation_is_the_best_of_all(series in proptest::collection::vec(-9.0_f64..9.0, 1..60), batch in 1_usize..6) {
            prop_assume!(batch <= series.len());
            let got = warmup_mser(&MserInput { series: series.clone(), batch: batch as i64 }).unwrap();
            let batches: Vec<f64> = series.chunks_exact(batch).map(|b| b.iter().sum::<f64>() / batch as f64).collect();
            let k = batches.len();
            for d in 0..=k / 2 {
                let tail = &batches[d..];
                let mean = tail.iter().sum::<f64>() / tail.len() as f64;
                let value = tail.iter().map(|b| (b - mean).powi(2)).sum::<f64>() / (tail.len() as f64).powi(2);
                prop_assert!(got.mser_value <= value + 1e-9);
                if d == got.truncate_batches {
                    prop_assert!((value - got.mser_value).abs() < 1e-9 && (mean - got.truncated_mean).abs() < 1e-9);
                }
            }
        }

        #[test]
        fn more_confidence_is_wider(
            rows in proptest::collection::vec((-9.0_f64..9.0, -9.0_f64..9.0), 2..30), a in 0.5_f64..0.99, b in 0.5_f64..0.99,
        ) {
            let at = |confidence| simulation_ci(&CiInput {
                policy_a: rows.iter().map(|row| row.0).collect(),
                policy_b: rows.iter().map(|row| row.1).collect(),
                confidence,
            }).unwrap();
            let (less, more) = (at(a.min(b)), at(a.max(b)));
            prop_assert!(less.paired_half_width <= more.paired_half_width && less.welch_half_width <= more.welch_half_width);
        }
    }
}
