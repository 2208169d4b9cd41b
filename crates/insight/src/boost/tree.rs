//! One tree, grown leaf by leaf on histograms: the leaf that gains most is split next.

use super::{
    bins::{Bins, Coded, MISSING},
    loss::Slope,
};

/// Where a row goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Split(u32),
    Leaf(u32),
}

#[derive(Debug, Clone, PartialEq)]
struct Split {
    column: u32,
    /// Codes up to this one go left.
    at: u8,
    missing_left: bool,
    left: Next,
    right: Next,
}

/// A grown tree. Shape: one value a leaf.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree {
    splits: Vec<Split>,
    pub(super) values: Vec<f64>,
}

impl Tree {
    /// Returns the leaf that a coded row falls into.
    fn leaf(&self, row: &[u8]) -> usize {
        let mut next = if self.splits.is_empty() { Next::Leaf(0) } else { Next::Split(0) };
        loop {
            match next {
                Next::Leaf(leaf) => return leaf as usize,
                Next::Split(place) => {
                    let split = &self.splits[place as usize];
                    let left = goes_left(row[split.column as usize], split.at, split.missing_left);
                    next = if left { split.left } else { split.right };
                }
            }
        }
    }

    pub(super) fn value(&self, row: &[u8]) -> f64 {
        self.values[self.leaf(row)]
    }
}

fn goes_left(code: u8, at: u8, missing_left: bool) -> bool {
    if code == MISSING { missing_left } else { code <= at }
}

/// What bounds a tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) leaves: usize,
    pub(super) leaf_rows: usize,
    pub(super) leaf_curvature: f64,
    pub(super) l2: f64,
}

/// Sums over rows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) slope: Slope,
    pub(super) rows: u32,
}

impl Sums {
    fn add(&mut self, other: Self) {
        self.slope.first += other.slope.first;
        self.slope.second += other.slope.second;
        self.rows += other.rows;
    }

    fn less(self, other: Self) -> Self {
        let slope = Slope {
            first: self.slope.first - other.slope.first,
            second: self.slope.second - other.slope.second,
        };
        Self { slope, rows: self.rows - other.rows }
    }

    /// How much loss its best step takes away, twice.
    fn score(self, l2: f64) -> f64 {
        self.slope.first * self.slope.first / (self.slope.second + l2)
    }
}

/// The best way to part a leaf.
#[derive(Debug, Clone, Copy)]
struct Parting {
    gain: f64,
    column: usize,
    at: u8,
    missing_left: bool,
}

/// A leaf while the tree grows: its rows stand together in `Growing::order`.
struct Open {
    begin: usize,
    end: usize,
    sums: Sums,
    histogram: Vec<Sums>,
    best: Option<Parting>,
    /// The split above it and whether it hangs on its left.
    above: Option<(usize, bool)>,
}

/// What a grown tree says of the rows it was grown on.
pub(super) struct Grown {
    pub(super) tree: Tree,
    /// Rows by leaf: `order[begin..end]` fell into that leaf.
    pub(super) order: Vec<u32>,
    /// One a leaf: begin, end, sums.
    pub(super) leaves: Vec<(usize, usize, Sums)>,
}

struct Growing<'a> {
    bins: &'a Bins,
    coded: &'a Coded,
    slopes: &'a [Slope],
    columns: &'a [usize],
    limits: Limits,
    order: Vec<u32>,
    /// Room to part rows in.
    aside: Vec<u32>,
}

/// Grows a tree on some rows and columns. Leaf values are still zero.
pub(super) fn grow(
    bins: &Bins,
    coded: &Coded,
    slopes: &[Slope],
    columns: &[usize],
    rows: Vec<u32>,
    limits: Limits,
) -> Grown {
    let aside = Vec::with_capacity(rows.len());
    let mut growing = Growing { bins, coded, slopes, columns, limits, order: rows, aside };
    let mut splits: Vec<Split> = Vec::new();
    let mut open = vec![growing.root()];
    while open.len() < limits.leaves {
        // The first of equals, so that the tree does not hang on chance.
        let mut most: Option<(usize, Parting)> = None;
        for (place, leaf) in open.iter().enumerate() {
            if let Some(best) = leaf.best
                && most.is_none_or(|(_, other)| best.gain > other.gain)
            {
                most = Some((place, best));
            }
        }
        let Some((place, parting)) = most else { break };
        let (left, right) = growing.part(&mut open[place], parting, splits.len());
        let here = Next::Split(splits.len() as u32);
        if let Some((above, is_left)) = open[place].above {
            *(if is_left { &mut splits[above].left } else { &mut splits[above].right }) = here;
        }
        splits.push(Split {
            column: parting.column as u32,
            at: parting.at,
            missing_left: parting.missing_left,
            left: Next::Leaf(place as u32),
            right: Next::Leaf(open.len() as u32),
        });
        open[place] = left;
        open.push(right);
    }
    let leaves: Vec<_> = open.iter().map(|leaf| (leaf.begin, leaf.end, leaf.sums)).collect();
    Grown { tree: Tree { splits, values: vec![0.0; leaves.len()] }, order: growing.order, leaves }
}

impl Growing<'_> {
    fn root(&self) -> Open {
        let histogram = self.histogram(0, self.order.len());
        let mut sums = Sums::default();
        for &row in &self.order {
            sums.add(Sums { slope: self.slopes[row as usize], rows: 1 });
        }
        self.open(0, self.order.len(), sums, histogram, None)
    }

    fn open(
        &self,
        begin: usize,
        end: usize,
        sums: Sums,
        histogram: Vec<Sums>,
        above: Option<(usize, bool)>,
    ) -> Open {
        let best = self.best(sums, &histogram);
        Open { begin, end, sums, histogram, best, above }
    }

    fn histogram(&self, begin: usize, end: usize) -> Vec<Sums> {
        let mut histogram = vec![Sums::default(); self.columns.len() << 8];
        for &row in &self.order[begin..end] {
            let slope = self.slopes[row as usize];
            let codes = self.coded.row(row as usize);
            for (place, &column) in self.columns.iter().enumerate() {
                let cell = &mut histogram[place << 8 | usize::from(codes[column])];
                cell.slope.first += slope.first;
                cell.slope.second += slope.second;
                cell.rows += 1;
            }
        }
        histogram
    }

    /// Parts the rows of a leaf in place, each side in its order before, and opens both sides.
    fn part(&mut self, leaf: &mut Open, parting: Parting, split: usize) -> (Open, Open) {
        let coded = self.coded;
        let left_side =
            |row: u32| goes_left(coded.row(row as usize)[parting.column], parting.at, parting.missing_left);
        self.aside.clear();
        let mut middle = leaf.begin;
        for place in leaf.begin..leaf.end {
            let row = self.order[place];
            if left_side(row) {
                self.order[middle] = row;
                middle += 1;
            } else {
                self.aside.push(row);
            }
        }
        self.order[middle..leaf.end].copy_from_slice(&self.aside);
        // The smaller side is counted, the larger is what remains.
        let left_is_small = middle - leaf.begin <= leaf.end - middle;
        let small =
            if left_is_small { self.histogram(leaf.begin, middle) } else { self.histogram(middle, leaf.end) };
        let mut large = std::mem::take(&mut leaf.histogram);
        large.iter_mut().zip(&small).for_each(|(all, less)| *all = all.less(*less));
        let (left, right) = if left_is_small { (small, large) } else { (large, small) };
        let mut sums = Sums::default();
        for &row in &self.order[leaf.begin..middle] {
            sums.add(Sums { slope: self.slopes[row as usize], rows: 1 });
        }
        let rest = leaf.sums.less(sums);
        (
            self.open(leaf.begin, middle, sums, left, Some((split, true))),
            self.open(middle, leaf.end, rest, right, Some((split, false))),
        )
    }

    /// Finds the parting that gains most; of equals the first column and lowest cut.
    fn best(&self, all: Sums, histogram: &[Sums]) -> Option<Parting> {
        if (all.rows as usize) < 2 * self.limits.leaf_rows {
            return None;
        }
        let before = all.score(self.limits.l2);
        // Rounding in sums over many rows must not pass for a gain.
        let least = 1e-9 * (1.0 + before);
        let mut best: Option<Parting> = None;
        for (place, &column) in self.columns.iter().enumerate() {
            let cells = &histogram[place << 8..][..256];
            let missing = cells[usize::from(MISSING)];
            let codes = self.bins.codes(column);
            let ways: &[bool] = if missing.rows > 0 { &[false, true] } else { &[false] };
            for &missing_left in ways {
                let mut left = if missing_left { missing } else { Sums::default() };
                for (code, cell) in cells[..codes].iter().enumerate() {
                    if cell.rows == 0 {
                        continue;
                    }
                    left.add(*cell);
                    let right = all.less(left);
                    if !self.large_enough(left) || !self.large_enough(right) {
                        continue;
                    }
                    let gain = left.score(self.limits.l2) + right.score(self.limits.l2) - before;
                    if gain > least && best.is_none_or(|other| gain > other.gain) {
                        // Where nothing was missing, what is missing later goes with the most.
                        let missing_left =
                            if missing.rows > 0 { missing_left } else { left.rows >= right.rows };
                        best = Some(Parting { gain, column, at: code as u8, missing_left });
                    }
                }
            }
        }
        best
    }

    fn large_enough(&self, side: Sums) -> bool {
        side.rows as usize >= self.limits.leaf_rows.max(1) && side.slope.second >= self.limits.leaf_curvature
    }
}
