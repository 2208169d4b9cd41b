//! What a tree is asked to improve: gradients, the constant to begin with, and what stands in a leaf.

/// What is made small.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// Squared error: scores are means.
    Squared,
    /// Minus log-likelihood of targets 0 and 1: scores are log-odds.
    Logistic,
    /// Pinball loss at this level: scores are quantiles.
    Quantile(f64),
}

/// First and second derivative of a row's loss in its score.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Slope {
    pub(super) first: f64,
    pub(super) second: f64,
}

/// Returns the probability that log-odds stand for.
pub fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// Returns the log-odds of a probability, at most ±18.4 (one in a hundred million) in size.
pub fn log_odds(probability: f64) -> f64 {
    let p = probability.clamp(1e-8, 1.0 - 1e-8);
    (p / (1.0 - p)).ln()
}

impl Loss {
    /// The best score if every row has the same. Shape: at least one target.
    pub(super) fn start(self, targets: &[f64]) -> f64 {
        let mean = || targets.iter().sum::<f64>() / targets.len() as f64;
        match self {
            Self::Squared => mean(),
            Self::Logistic => log_odds(mean()),
            Self::Quantile(level) => quantile(targets.to_vec(), level),
        }
    }

    pub(super) fn slope(self, target: f64, score: f64) -> Slope {
        match self {
            Self::Squared => Slope { first: score - target, second: 1.0 },
            Self::Logistic => {
                let p = probability(score);
                Slope { first: p - target, second: p * (1.0 - p) }
            }
            Self::Quantile(level) => {
                Slope { first: if target > score { -level } else { 1.0 - level }, second: 1.0 }
            }
        }
    }

    /// Returns the step of a leaf. The pinball loss has no curvature to divide by, so its leaf takes the quantile of what is
    /// left, as LightGBM does.
    pub(super) fn step(self, sum: Slope, l2: f64, left: impl Iterator<Item = f64>) -> f64 {
        match self {
            Self::Squared | Self::Logistic => -sum.first / (sum.second + l2),
            Self::Quantile(level) => quantile(left.collect(), level),
        }
    }

    /// Mean loss, for tests and reports.
    pub fn mean(self, targets: &[f64], scores: &[f64]) -> f64 {
        let one = |target: f64, score: f64| match self {
            Self::Squared => (score - target).powi(2),
            // ln(1 + eˢ) − y·s, without overflow.
            Self::Logistic => score.max(0.0) + (-score.abs()).exp().ln_1p() - target * score,
            Self::Quantile(level) => crate::metrics::pinball(target, score, level),
        };
        targets.iter().zip(scores).map(|(&target, &score)| one(target, score)).sum::<f64>()
            / targets.len() as f64
    }
}

/// The lowest value that at least `level` of them do not exceed: of all numbers, one with the least pinball loss.
fn quantile(mut values: Vec<f64>, level: f64) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    // Without the slack, 10 × 0.3 = 3.0000000000000004 would ask for the fourth.
    let rank = ((values.len() as f64 * level - 1e-9).ceil() as usize).clamp(1, values.len());
    *values.select_nth_unstable_by(rank - 1, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_the_best_constant() {
        let targets = [0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0];
        for loss in [Loss::Squared, Loss::Logistic, Loss::Quantile(0.3)] {
            let start = loss.start(&targets);
            let at = |score: f64| loss.mean(&targets, &[score; 7]);
            for off in [-0.1, -0.01, 0.01, 0.1] {
                assert!(at(start) <= at(start + off) + 1e-12, "{loss:?} {off}");
            }
        }
    }

    #[test]
    fn slopes_are_derivatives() {
        for loss in [Loss::Squared, Loss::Logistic, Loss::Quantile(0.9)] {
            for (target, score) in [(1.0, 0.4), (0.0, 0.4), (1.0, -2.0)] {
                let at = |score: f64| match loss {
                    // Half of it is what the steps of least squares are made for.
                    Loss::Squared => 0.5 * loss.mean(&[target], &[score]),
                    _ => loss.mean(&[target], &[score]),
                };
                let slope = (at(score + 1e-6) - at(score - 1e-6)) / 2e-6;
                assert!((slope - loss.slope(target, score).first).abs() < 1e-6, "{loss:?} {target} {score}");
            }
        }
        assert_eq!(probability(log_odds(0.2)), 0.2);
        assert_eq!((probability(-1e9), probability(1e9)), (0.0, 1.0));
    }
}
