//! Linear programmes of the packing kind: maximise v·x, A·x ≤ b, 0 ≤ x ≤ u, with A, b ≥ 0, so that x = 0 is a start.
//!
//! Source: Dantzig's simplex method with upper bounds, on a condensed tableau: a variable at its upper bound is replaced by
//! its complement, so that every non-basic variable is at zero. Ties go to the smallest index; after a long run without
//! gain the entering variable is too (Bland 1977), which cannot cycle.

const EPS: f64 = 1e-9;

/// A packing problem. Rows are dense: there are few of them.
#[derive(Debug, Clone)]
pub(crate) struct Packing {
    /// v: what one unit of each variable earns.
    pub(crate) value: Vec<f64>,
    /// A, by row; no entry below zero.
    pub(crate) rows: Vec<Vec<f64>>,
    /// b; no entry below zero.
    pub(crate) limit: Vec<f64>,
    /// u of every variable: one, or unbounded where the rows bound it anyway.
    pub(crate) upper: f64,
}

/// An optimal vertex.
#[derive(Debug, Clone)]
pub(crate) struct Vertex {
    pub(crate) value: f64,
    pub(crate) x: Vec<f64>,
    /// What a unit more of each variable would earn: below zero for those at zero, above for those at their bound.
    pub(crate) reduced: Vec<f64>,
    /// Tableau cells touched.
    pub(crate) work: u64,
}

struct Tableau {
    columns: usize,
    upper: f64,
    structurals: usize,
    /// Row-major, `columns` a row.
    cells: Vec<f64>,
    basic: Vec<usize>,
    amount: Vec<f64>,
    free: Vec<usize>,
    gain: Vec<f64>,
    flipped: Vec<bool>,
    value: f64,
}

enum Leaving {
    /// The entering variable runs to its own bound.
    Itself,
    Lower(usize),
    Upper(usize),
}

/// Solves a packing problem, or stops with a feasible vertex once `work_max` cells were touched.
///
/// The `value` of an unfinished run is no bound; callers compare `work` with `work_max`.
pub(crate) fn maximise(problem: &Packing, work_max: u64) -> Vertex {
    let (rows, columns) = (problem.rows.len(), problem.value.len());
    let mut tableau = Tableau::new(problem);
    // Gains are compared with the largest value, so that cents and millions behave alike.
    let scale = problem.value.iter().fold(0.0_f64, |most, v| most.max(v.abs())).max(1e-300);
    let cells = ((rows + 1) * (columns + 1)) as u64;
    let (mut work, mut idle) = (0, 0);
    while let Some(entering) = tableau.entering(scale * EPS, idle > 2 * (rows + columns)) {
        let before = tableau.value;
        let (step, leaving) = tableau.ratio_test(entering);
        tableau.exchange(entering, step, &leaving);
        work += cells;
        idle = if tableau.value > before + scale * 1e-12 { 0 } else { idle + 1 };
        if work > work_max {
            break;
        }
    }
    let (x, reduced) = tableau.read();
    Vertex { value: tableau.value, x, reduced, work }
}

impl Tableau {
    fn new(problem: &Packing) -> Self {
        let (rows, columns) = (problem.rows.len(), problem.value.len());
        let mut cells = Vec::with_capacity(rows * columns);
        let mut amount = Vec::with_capacity(rows);
        for (row, &limit) in problem.rows.iter().zip(&problem.limit) {
            // Rows are scaled to their largest entry, so that EPS means the same in each.
            let scale = row.iter().fold(0.0_f64, |most, &a| most.max(a));
            let scale = if scale > 0.0 { scale } else { 1.0 };
            cells.extend(row.iter().map(|a| a / scale));
            amount.push(limit.max(0.0) / scale);
        }
        Self {
            columns,
            upper: problem.upper,
            structurals: columns,
            cells,
            basic: (columns..columns + rows).collect(),
            amount,
            free: (0..columns).collect(),
            gain: problem.value.clone(),
            flipped: vec![false; columns],
            value: 0.0,
        }
    }

    fn bound(&self, variable: usize) -> f64 {
        if variable < self.structurals { self.upper } else { f64::INFINITY }
    }

    fn entering(&self, least: f64, bland: bool) -> Option<usize> {
        let gaining = (0..self.columns).filter(|&j| self.gain[j] > least);
        if bland {
            return gaining.min_by_key(|&j| self.free[j]);
        }
        gaining.max_by(|&a, &b| self.gain[a].total_cmp(&self.gain[b]).then(self.free[b].cmp(&self.free[a])))
    }

    fn ratio_test(&self, entering: usize) -> (f64, Leaving) {
        let mut step = self.bound(self.free[entering]);
        let mut leaving = Leaving::Itself;
        let mut leaver = usize::MAX;
        for row in 0..self.basic.len() {
            let a = self.cells[row * self.columns + entering];
            let variable = self.basic[row];
            let (ratio, candidate) = if a > EPS {
                (self.amount[row] / a, Leaving::Lower(row))
            } else if a < -EPS && self.bound(variable).is_finite() {
                ((self.bound(variable) - self.amount[row]) / -a, Leaving::Upper(row))
            } else {
                continue;
            };
            let ratio = ratio.max(0.0);
            if ratio < step - 1e-12 || (ratio <= step && variable < leaver) {
                (step, leaving, leaver) = (ratio.min(step), candidate, variable);
            }
        }
        (step, leaving)
    }

    fn exchange(&mut self, entering: usize, step: f64, leaving: &Leaving) {
        match *leaving {
            Leaving::Itself => self.flip_free(entering, step),
            Leaving::Lower(row) => self.pivot(row, entering),
            Leaving::Upper(row) => {
                self.flip_basic(row);
                self.pivot(row, entering);
            }
        }
    }

    /// Moves a non-basic variable to its bound and puts its complement in its place.
    fn flip_free(&mut self, column: usize, bound: f64) {
        self.value += self.gain[column] * bound;
        self.gain[column] = -self.gain[column];
        for row in 0..self.basic.len() {
            let cell = &mut self.cells[row * self.columns + column];
            self.amount[row] -= *cell * bound;
            *cell = -*cell;
        }
        let variable = self.free[column];
        self.flipped[variable] = !self.flipped[variable];
    }

    /// Puts the complement of a basic variable in its place.
    fn flip_basic(&mut self, row: usize) {
        let variable = self.basic[row];
        self.amount[row] = self.bound(variable) - self.amount[row];
        for cell in &mut self.cells[row * self.columns..(row + 1) * self.columns] {
            *cell = -*cell;
        }
        self.flipped[variable] = !self.flipped[variable];
    }

    fn pivot(&mut self, row: usize, column: usize) {
        let n = self.columns;
        let pivot = self.cells[row * n + column];
        let mut line: Vec<f64> = self.cells[row * n..(row + 1) * n].iter().map(|cell| cell / pivot).collect();
        line[column] = 1.0 / pivot;
        let amount = (self.amount[row] / pivot).max(0.0);
        for other in (0..self.basic.len()).filter(|&other| other != row) {
            let cells = &mut self.cells[other * n..(other + 1) * n];
            let factor = cells[column];
            if factor == 0.0 {
                continue;
            }
            cells[column] = 0.0;
            for (cell, step) in cells.iter_mut().zip(&line) {
                *cell -= factor * step;
            }
            self.amount[other] -= factor * amount;
        }
        let factor = self.gain[column];
        self.gain[column] = 0.0;
        for (gain, step) in self.gain.iter_mut().zip(&line) {
            *gain -= factor * step;
        }
        self.value += factor * amount;
        self.cells[row * n..(row + 1) * n].copy_from_slice(&line);
        self.amount[row] = amount;
        std::mem::swap(&mut self.basic[row], &mut self.free[column]);
    }

    fn read(&self) -> (Vec<f64>, Vec<f64>) {
        let mut x = vec![0.0; self.structurals];
        let mut reduced = vec![0.0; self.structurals];
        for (&variable, &amount) in self.basic.iter().zip(&self.amount) {
            if variable < self.structurals {
                x[variable] = amount;
            }
        }
        for (&variable, &gain) in self.free.iter().zip(&self.gain) {
            if variable < self.structurals {
                reduced[variable] = if self.flipped[variable] { -gain } else { gain };
            }
        }
        for (variable, amount) in x.iter_mut().enumerate() {
            if self.flipped[variable] {
                *amount = self.upper - *amount;
            }
        }
        (x, reduced)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_printed_programme_is_solved() {
        // max 3x+5y, x ≤ 4, 2y ≤ 12, 3x+2y ≤ 18: 36 at (2, 6) (Hillier & Lieberman, Wyndor Glass).
        let problem = Packing {
            value: vec![3.0, 5.0],
            rows: vec![vec![1.0, 0.0], vec![0.0, 2.0], vec![3.0, 2.0]],
            limit: vec![4.0, 12.0, 18.0],
            upper: f64::INFINITY,
        };
        let vertex = maximise(&problem, u64::MAX);
        assert!((vertex.value - 36.0).abs() < 1e-9);
        assert!((vertex.x[0] - 2.0).abs() < 1e-9 && (vertex.x[1] - 6.0).abs() < 1e-9);
    }

    fn problems() -> impl Strategy<Value = Packing> {
        (1_usize..9, 1_usize..5).prop_flat_map(|(n, m)| {
            (
                proptest::collection::vec(1_u32..50, n),
                proptest::collection::vec(proptest::collection::vec(0_u32..9, n), m),
                proptest::collection::vec(0_u32..25, m),
            )
                .prop_map(|(value, rows, limit)| {
                    let floats = |list: Vec<u32>| list.into_iter().map(f64::from).collect::<Vec<f64>>();
                    Packing {
                        value: floats(value),
                        rows: rows.into_iter().map(floats).collect(),
                        limit: floats(limit),
                        upper: 1.0,
                    }
                })
        })
    }

    proptest! {
        #[test]
        fn primal_and_dual_meet(problem in problems()) {
            let vertex = maximise(&problem, u64::MAX);
            // Feasible, and worth what it says.
            for (row, limit) in problem.rows.iter().zip(&problem.limit) {
                let used: f64 = row.iter().zip(&vertex.x).map(|(a, x)| a * x).sum();
                prop_assert!(used <= limit + 1e-7);
            }
            prop_assert!(vertex.x.iter().all(|x| (-1e-9..=1.0 + 1e-9).contains(x)));
            let worth: f64 = problem.value.iter().zip(&vertex.x).map(|(v, x)| v * x).sum();
            prop_assert!((worth - vertex.value).abs() < 1e-7);
            // No better: complementary slackness with the reduced gains.
            for (x, reduced) in vertex.x.iter().zip(&vertex.reduced) {
                prop_assert!(*reduced <= 1e-6 || *x > 1.0 - 1e-7);
                prop_assert!(*reduced >= -1e-6 || *x < 1e-7);
            }
        }

        #[test]
        fn one_row_is_filled_by_density(items in proptest::collection::vec((1_u32..50, 1_u32..20), 1..15), limit in 0_u32..120) {
            let mut by_density = items.clone();
            by_density.sort_by(|a, b| (b.0 * a.1).cmp(&(a.0 * b.1)));
            let (mut left, mut want) = (f64::from(limit), 0.0);
            for (value, size) in by_density {
                let part = (left / f64::from(size)).min(1.0);
                want += part * f64::from(value);
                left -= part * f64::from(size);
            }
            let problem = Packing {
                value: items.iter().map(|item| f64::from(item.0)).collect(),
                rows: vec![items.iter().map(|item| f64::from(item.1)).collect()],
                limit: vec![f64::from(limit)],
                upper: 1.0,
            };
            prop_assert!((maximise(&problem, u64::MAX).value - want).abs() < 1e-7);
        }
    }
}
