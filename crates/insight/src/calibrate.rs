//! Scores made probabilities: a straight line through log-odds, fitted on rows the scores were not learned from.

use crate::boost::probability;

/// P = 1 / (1 + e^−(intercept + slope · score)).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Logistic {
    pub(crate) intercept: f64,
    pub(crate) slope: f64,
}

impl Logistic {
    /// Leaves log-odds as they are.
    pub(crate) const PLAIN: Self = Self { intercept: 0.0, slope: 1.0 };

    pub(crate) fn probability(self, score: f64) -> f64 {
        probability(self.intercept + self.slope * score)
    }

    /// Fits by Newton's method from the plain line. Where that does not settle on a rising line (too few rows, scores that say
    /// nothing), scores stay as they are: a tree's log-odds are near calibrated by themselves.
    ///
    /// Source: Platt 1999; no isotonic steps, since they would tie ranks that the scores tell apart.
    pub(crate) fn fit(scores: &[f64], targets: &[f64]) -> Self {
        let mut now = Self::PLAIN;
        for _ in 0..50 {
            // A pull worth one row towards the plain line keeps separable samples finite.
            let (mut g0, mut g1) = (now.intercept, now.slope - 1.0);
            let (mut h00, mut h01, mut h11) = (1.0, 0.0, 1.0);
            for (&score, &target) in scores.iter().zip(targets) {
                let p = now.probability(score);
                let weight = p * (1.0 - p);
                g0 += p - target;
                g1 += (p - target) * score;
                h00 += weight;
                h01 += weight * score;
                h11 += weight * score * score;
            }
            let determinant = h00 * h11 - h01 * h01;
            let (d0, d1) = ((h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant);
            now = Self { intercept: now.intercept - d0, slope: now.slope - d1 };
            if d0.abs() + d1.abs() < 1e-10 {
                return if now.slope > 0.0 { now } else { Self::PLAIN };
            }
        }
        Self::PLAIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::uniform;

    #[test]
    fn scores_that_exaggerate_are_drawn_in() {
        let scores: Vec<f64> = (0..20_000).map(|n| 12.0 * uniform(1, 1, n) - 8.0).collect();
        let truth = Logistic { intercept: 0.5, slope: 0.6 };
        let targets: Vec<f64> = scores
            .iter()
            .enumerate()
            .map(|(n, score)| f64::from(uniform(1, 2, n as u64) < truth.probability(*score)))
            .collect();
        let got = Logistic::fit(&scores, &targets);
        assert!((got.slope - 0.6).abs() < 0.03 && (got.intercept - 0.5).abs() < 0.1, "{got:?}");
        let mean = |of: &dyn Fn(usize) -> f64| (0..scores.len()).map(of).sum::<f64>() / scores.len() as f64;
        let (told, came) = (mean(&|n| got.probability(scores[n])), mean(&|n| targets[n]));
        assert!((told - came).abs() < 1e-3, "{told} {came}");
    }

    #[test]
    fn nothing_to_fit_leaves_scores_as_they_are() {
        assert_eq!(Logistic::fit(&[], &[]), Logistic::PLAIN);
        // Upside down: ten rows that all say the opposite.
        let scores = [4.0, 4.0, 4.0, 4.0, 4.0, -4.0, -4.0, -4.0, -4.0, -4.0];
        assert_eq!(
            Logistic::fit(&scores, &[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
            Logistic::PLAIN
        );
    }
}
