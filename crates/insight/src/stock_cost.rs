//! The expected cost of ending a lead time with inventory position y, for Poisson demand: what exact policies add up.

use crate::{
    dist::{TIE, first_reached, poisson_cdf, poisson_loss, poisson_pmf},
    error::{Checked, too_large},
};

/// The most mean lead-time demand that exact policies take.
pub(crate) const MEAN_MAX: f64 = 1e6;

/// G(y) = h·E(y−D)⁺ + p·E(D−y)⁺, kept for the positions asked for so far. Convex in y.
pub(crate) struct StockCost {
    holding: f64,
    owing: f64,
    mean: f64,
    centre: i64,
    /// G and F at centre, centre+1, …
    up: Vec<(f64, f64)>,
    /// G and F at centre−1, centre−2, …
    down: Vec<(f64, f64)>,
}

impl StockCost {
    pub(crate) fn new(holding: f64, owing: f64, mean: f64) -> Checked<Self> {
        if mean > MEAN_MAX {
            return too_large(
                "demand_rate",
                format!("mean lead-time demand of at most {MEAN_MAX:e}, got {mean:e}"),
            );
        }
        let ratio = owing / (holding + owing);
        let Some(centre) = first_reached(0, 1 << 30, |y| poisson_cdf(y, mean) >= ratio - TIE) else {
            return too_large("backorder_cost", "its ratio to holding_cost is too close to one");
        };
        let short = poisson_loss(centre, mean);
        let cost = holding * (centre as f64 - mean + short) + owing * short;
        Ok(Self {
            holding,
            owing,
            mean,
            centre,
            up: vec![(cost, poisson_cdf(centre, mean))],
            down: Vec::new(),
        })
    }

    /// The position of least cost.
    pub(crate) fn centre(&self) -> i64 {
        self.centre
    }

    /// G(y), by G(y+1) − G(y) = (h+p)·F(y) − p from the nearest position known.
    pub(crate) fn at(&mut self, y: i64) -> f64 {
        if y >= self.centre {
            let index = (y - self.centre) as usize;
            while self.up.len() <= index {
                // `up` is never empty: it begins with the centre.
                let (cost, cdf) = self.up[self.up.len() - 1];
                let next = self.centre + self.up.len() as i64;
                self.up.push((
                    cost + (self.holding + self.owing) * cdf - self.owing,
                    (cdf + poisson_pmf(next, self.mean)).min(1.0),
                ));
            }
            return self.up[index].0;
        }
        let index = (self.centre - 1 - y) as usize;
        while self.down.len() <= index {
            let above = self.down.last().copied().unwrap_or(self.up[0]);
            let here = self.centre - 1 - self.down.len() as i64;
            let cdf = (above.1 - poisson_pmf(here + 1, self.mean)).max(0.0);
            self.down.push((above.0 - (self.holding + self.owing) * cdf + self.owing, cdf));
        }
        self.down[index].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_agree_with_the_direct_sum() {
        let mut cost = StockCost::new(2.0, 30.0, 6.0).unwrap();
        for y in (-20..80).rev() {
            let direct: f64 = (0..300)
                .map(|d| {
                    poisson_pmf(d, 6.0) * if d > y { 30.0 * (d - y) as f64 } else { 2.0 * (y - d) as f64 }
                })
                .sum();
            assert!((cost.at(y) - direct).abs() < 1e-9, "y {y}: {} {direct}", cost.at(y));
            assert!(cost.at(y) >= cost.at(cost.centre()) - 1e-12);
        }
    }
}
