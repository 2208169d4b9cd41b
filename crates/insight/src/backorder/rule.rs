//! What is said of a backorder where there is too little history to learn from: the cover alone, by bands.

use super::features::rule_cover;
use crate::boost::Frame;

/// The upper end of each band of cover, but the last, which has none. The first is for less than nothing.
const BANDS: [f64; 8] = [-1e-9, 0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 16.0];
/// The share of SKUs that went on backorder in each band, rounded, of 209,715 of a manufacturer (the set of De Santis et al.
/// 2017). No stock and no forecast is common, so zero stands below a quarter.
const SHARES: [f64; 9] = [0.22, 0.045, 0.098, 0.024, 0.0081, 0.0028, 0.0022, 0.0017, 0.0007];
/// The share where the cover is not known: that of all.
const SHARE: f64 = 0.0085;
/// How many rows of the shop's own the shares above are worth.
const WORTH: f64 = 200.0;

/// The rule, with what the shop's own rows say of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    /// By band; the last is for unknown cover.
    shares: [f64; 10],
}

impl Rule {
    /// Moves the shares of the bands towards those of the rows given, if any: a Beta prior worth [`WORTH`] rows.
    pub(super) fn learn(frame: Option<&Frame>, outcomes: &[f64]) -> Self {
        let mut sums = [(0.0, 0.0); 10];
        if let Some(frame) = frame {
            for (row, outcome) in outcomes.iter().enumerate() {
                let sum = &mut sums[band(frame, row)];
                *sum = (sum.0 + outcome, sum.1 + 1.0);
            }
        }
        let mut shares = [SHARE; 10];
        shares[..9].copy_from_slice(&SHARES);
        for (share, (backorders, rows)) in shares.iter_mut().zip(sums) {
            *share = (backorders + *share * WORTH) / (rows + WORTH);
        }
        Self { shares }
    }

    pub(super) fn predict(&self, frame: &Frame) -> Vec<f64> {
        (0..frame.rows()).map(|row| self.shares[band(frame, row)]).collect()
    }
}

fn band(frame: &Frame, row: usize) -> usize {
    rule_cover(frame, row).map_or(9, |cover| BANDS.iter().take_while(|&&end| cover > end).count())
}
