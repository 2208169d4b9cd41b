//! Columns of numbers as one byte a cell: trees look for splits among at most 254 cuts a column.

use super::Frame;

/// The code of a cell that is missing. All other codes are below.
pub(super) const MISSING: u8 = u8::MAX;
/// Codes of present cells; one less cut.
const CODES_MAX: usize = MISSING as usize;

/// The cuts of each column, ascending. A value's code is the number of cuts below it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bins {
    cuts: Vec<Vec<f64>>,
}

/// Cells as codes, row after row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coded {
    codes: Vec<u8>,
    width: usize,
}

impl Bins {
    /// Finds cuts: midway between neighbouring values where there are few, else so that codes hold about as many rows each.
    pub fn of(frame: &Frame) -> Self {
        Self { cuts: frame.columns().iter().map(|column| cuts(column)).collect() }
    }

    /// Codes a frame with as many columns as the one the cuts come from.
    pub fn code(&self, frame: &Frame) -> Coded {
        assert_eq!(frame.columns().len(), self.cuts.len(), "a frame of other columns than the model's");
        let width = self.cuts.len();
        let mut codes = vec![MISSING; frame.rows() * width];
        for (place, (column, cuts)) in frame.columns().iter().zip(&self.cuts).enumerate() {
            for (row, &value) in column.iter().enumerate() {
                if !value.is_nan() {
                    codes[row * width + place] = cuts.partition_point(|&cut| cut < value) as u8;
                }
            }
        }
        Coded { codes, width }
    }

    /// How many codes a present cell of this column may have.
    pub(super) fn codes(&self, column: usize) -> usize {
        self.cuts[column].len() + 1
    }

    pub(super) fn width(&self) -> usize {
        self.cuts.len()
    }
}

impl Coded {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.codes.len().checked_div(self.width).unwrap_or(0)
    }

    pub(super) fn row(&self, row: usize) -> &[u8] {
        &self.codes[row * self.width..][..self.width]
    }
}

fn cuts(column: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = column.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let runs: Vec<&[f64]> = sorted.chunk_by(|a, b| a == b).collect();
    let (mut cuts, mut held, mut left) = (Vec::new(), 0, sorted.len());
    // What is common keeps a code of its own; the codes still to be given share the rows still to come.
    for pair in runs.windows(2) {
        held += pair[0].len();
        let codes_left = CODES_MAX - cuts.len();
        let full = runs.len() <= CODES_MAX || held * codes_left >= left;
        if full && cuts.len() < CODES_MAX - 1 {
            // Rounding must not push the cut onto the upper value.
            let middle = pair[0][0] + (pair[1][0] - pair[0][0]) / 2.0;
            cuts.push(if middle < pair[1][0] { middle } else { pair[0][0] });
            left -= held;
            held = 0;
        }
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(column: Vec<f64>) -> Vec<u8> {
        let frame = Frame::new(vec![column]);
        Bins::of(&frame).code(&frame).codes
    }

    #[test]
    fn few_values_have_a_code_each_and_missing_has_its_own() {
        assert_eq!(codes(vec![5.0, -1.0, f64::NAN, 5.0, 9.0, -0.0]), [2, 0, MISSING, 2, 3, 1]);
        assert_eq!(codes(vec![4.0; 3]), [0; 3]);
        assert_eq!(codes(vec![f64::NAN; 2]), [MISSING; 2]);
        let next = 1.0_f64.next_up();
        assert_eq!(codes(vec![1.0, next]), [0, 1]);
    }

    #[test]
    fn many_values_share_codes_evenly_and_keep_their_order() {
        let column: Vec<f64> = (0..10_000).map(|n| f64::from(n % 5_000).powi(2)).collect();
        let got = codes(column.clone());
        let mut counts = [0_usize; 256];
        got.iter().for_each(|code| counts[usize::from(*code)] += 1);
        let used = counts.iter().filter(|count| **count > 0).count();
        assert!(used > 240 && counts.iter().all(|count| *count < 60), "{used} {counts:?}");
        for (a, b) in column
            .iter()
            .zip(&got)
            .zip(column.iter().zip(&got).skip(1))
            .map(|((a, x), (b, y))| ((a, b), (x, y)))
            .map(|((a, b), (x, y))| (a < b, x <= y))
            .filter(|(less, _)| *less)
        {
            assert!(a && b);
        }
    }

    #[test]
    fn unseen_values_fall_to_the_nearest_side() {
        let bins = Bins::of(&Frame::new(vec![vec![0.0, 10.0]]));
        let other = Frame::new(vec![vec![-99.0, 4.9, 5.1, 1e9]]);
        assert_eq!(bins.code(&other).codes, [0, 0, 1, 1]);
    }
}
