//! The best whole choice of a packing problem: branch and bound on its linear relaxation.
//!
//! Source: Land & Doig 1960; Dakin 1965; variables fixed by reduced gains (Crowder, Johnson & Padberg 1983). Depth first, the
//! nearer side first, so that the order of the search, and the answer among equals, depend on the input alone.

use crate::simplex::{Packing, maximise};

/// A whole choice, and what is known of the best one.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) value: f64,
    pub(crate) chosen: Vec<bool>,
    /// No choice is worth more.
    pub(crate) bound: f64,
    /// The linear relaxation of the whole problem.
    pub(crate) lp_bound: f64,
}

impl Choice {
    /// Whether the search was finished: then `value` is the optimum.
    pub(crate) fn proved(&self) -> bool {
        self.bound <= self.value
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    Out,
    In,
}

struct Node {
    states: Vec<State>,
    bound: f64,
}

struct Search<'a> {
    problem: &'a Packing,
    /// The smallest difference between two values: one where all are whole.
    grain: f64,
    best: f64,
    chosen: Vec<bool>,
}

/// Searches the best whole choice from a feasible `start`, for at most `work_max` tableau cells.
pub(crate) fn best_choice(problem: &Packing, start: Vec<bool>, work_max: u64) -> Choice {
    let best = worth(problem, &start);
    let size = problem.value.iter().map(|v| v.abs()).sum::<f64>();
    // Past a billion the rounding of the relaxation comes near one.
    let whole = size < 1e9 && problem.value.iter().all(|v| v.fract() == 0.0);
    let mut search =
        Search { problem, grain: if whole { 1.0 } else { 1e-9 * size.max(1e-9) }, best, chosen: start };
    let mut open = vec![Node { states: vec![State::Free; problem.value.len()], bound: f64::INFINITY }];
    let (mut work, mut lp_bound) = (0_u64, None);
    let mut unfinished = f64::NEG_INFINITY;
    while let Some(node) = open.pop() {
        if search.hopeless(node.bound) {
            continue;
        }
        if work > work_max {
            unfinished = unfinished.max(node.bound);
            continue;
        }
        let (touched, bound) = search.expand(node, &mut open, work_max);
        work += touched;
        lp_bound.get_or_insert(bound);
    }
    let value = search.best;
    Choice { value, bound: value.max(unfinished), lp_bound: lp_bound.unwrap_or(value), chosen: search.chosen }
}

pub(crate) fn worth(problem: &Packing, chosen: &[bool]) -> f64 {
    problem.value.iter().zip(chosen).filter(|(_, chosen)| **chosen).map(|(value, _)| value).sum()
}

impl Search<'_> {
    /// Whether nothing under this bound beats the best choice so far.
    fn hopeless(&self, bound: f64) -> bool {
        bound < self.best + self.grain - 1e-6 * self.grain
    }

    /// Solves one node and opens its two children. Returns the work done and the node's bound.
    fn expand(&mut self, mut node: Node, open: &mut Vec<Node>, work_max: u64) -> (u64, f64) {
        let Some((left, base)) = self.left_after(&node.states) else {
            return (1, f64::NEG_INFINITY);
        };
        let free: Vec<usize> = (0..node.states.len())
            .filter(|&j| node.states[j] == State::Free && self.fits(j, &left))
            .collect();
        let relaxed = Packing {
            value: free.iter().map(|&j| self.problem.value[j]).collect(),
            rows: self.problem.rows.iter().map(|row| free.iter().map(|&j| row[j]).collect()).collect(),
            limit: left.clone(),
            upper: self.problem.upper,
        };
        let vertex = maximise(&relaxed, work_max);
        let work = vertex.work + relaxed.rows.len() as u64 * free.len() as u64 + 1;
        if vertex.work > work_max {
            // Stopped on the way: its value bounds nothing, so the node keeps what its parent knew.
            open.push(Node { bound: node.bound, states: node.states });
            return (work, f64::INFINITY);
        }
        let bound = base + vertex.value;
        self.round(&node.states, &free, &vertex.x, left);
        let fractional =
            (0..free.len()).filter(|&k| (1e-6..=1.0 - 1e-6).contains(&vertex.x[k])).min_by(|&a, &b| {
                let distance = |k: usize| (vertex.x[k] - 0.5).abs();
                distance(a).total_cmp(&distance(b)).then(free[a].cmp(&free[b]))
            });
        let Some(split) = fractional.filter(|_| !self.hopeless(bound)) else {
            return (work, bound);
        };
        for (k, &j) in free.iter().enumerate() {
            if self.hopeless(bound + vertex.reduced[k]) && vertex.x[k] < 1e-6 {
                node.states[j] = State::Out;
            } else if self.hopeless(bound - vertex.reduced[k]) && vertex.x[k] > 1.0 - 1e-6 {
                node.states[j] = State::In;
            }
        }
        let mut sides = [State::Out, State::In];
        if vertex.x[split] < 0.5 {
            sides.reverse();
        }
        for side in sides {
            let mut states = node.states.clone();
            states[free[split]] = side;
            open.push(Node { states, bound });
        }
        (work, bound)
    }

    /// What the rows have left once everything fixed in is taken, and what that is worth; nothing if it does not fit.
    fn left_after(&self, states: &[State]) -> Option<(Vec<f64>, f64)> {
        let mut left = self.problem.limit.clone();
        let mut base = 0.0;
        for (j, _) in states.iter().enumerate().filter(|(_, state)| **state == State::In) {
            base += self.problem.value[j];
            for (left, row) in left.iter_mut().zip(&self.problem.rows) {
                *left -= row[j];
            }
        }
        left.iter().all(|&units| units > -1e-7).then_some((left, base))
    }

    fn fits(&self, j: usize, left: &[f64]) -> bool {
        self.problem.rows.iter().zip(left).all(|(row, left)| row[j] <= left + 1e-7)
    }

    /// Takes what the relaxation takes most of, as far as it fits, and keeps the choice if it is the best so far.
    fn round(&mut self, states: &[State], free: &[usize], x: &[f64], mut left: Vec<f64>) {
        let mut order: Vec<usize> = (0..free.len()).filter(|&k| self.problem.value[free[k]] > 0.0).collect();
        order.sort_by(|&a, &b| {
            let value = |k: usize| self.problem.value[free[k]];
            x[b].total_cmp(&x[a]).then(value(b).total_cmp(&value(a))).then(free[a].cmp(&free[b]))
        });
        let mut chosen: Vec<bool> = states.iter().map(|state| *state == State::In).collect();
        for j in order.into_iter().map(|k| free[k]) {
            if self.fits(j, &left) {
                chosen[j] = true;
                for (left, row) in left.iter_mut().zip(&self.problem.rows) {
                    *left -= row[j];
                }
            }
        }
        let value = worth(self.problem, &chosen);
        if value > self.best {
            (self.best, self.chosen) = (value, chosen);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_choice_is_better(
            items in proptest::collection::vec((1_u32..60, proptest::collection::vec(0_u32..9, 3)), 1..12),
            limit in proptest::collection::vec(0_u32..30, 3), halves in any::<bool>(),
        ) {
            let unit = if halves { 0.5 } else { 1.0 };
            let problem = Packing {
                value: items.iter().map(|item| f64::from(item.0) * unit).collect(),
                rows: (0..3).map(|row| items.iter().map(|item| f64::from(item.1[row])).collect()).collect(),
                limit: limit.iter().copied().map(f64::from).collect(),
                upper: 1.0,
            };
            let found = best_choice(&problem, vec![false; items.len()], u64::MAX);
            let best = (0_u32..1 << items.len()).filter(|set| {
                (0..3).all(|row| {
                    let used: u32 = items.iter().enumerate().filter(|(j, _)| set >> j & 1 == 1).map(|(_, item)| item.1[row]).sum();
                    used <= limit[row]
                })
            }).map(|set| {
                items.iter().enumerate().filter(|(j, _)| set >> j & 1 == 1).map(|(_, item)| f64::from(item.0) * unit).sum::<f64>()
            }).fold(0.0, f64::max);
            prop_assert!(found.proved());
            prop_assert!((found.value - best).abs() < 1e-9);
            prop_assert!(found.lp_bound >= best - 1e-7);
            prop_assert!((worth(&problem, &found.chosen) - best).abs() < 1e-9);
        }
    }

    #[test]
    fn a_search_cut_short_says_so() {
        let problem = Packing {
            value: (0..40).map(|j| f64::from(50 + j * 7 % 31)).collect(),
            rows: (0..4).map(|r| (0..40).map(|j| f64::from(3 + (j * (r + 5)) % 17)).collect()).collect(),
            limit: vec![90.0; 4],
            upper: 1.0,
        };
        let short = best_choice(&problem, vec![false; 40], 1);
        assert!(!short.proved() && short.bound >= short.value);
        let full = best_choice(&problem, vec![false; 40], u64::MAX);
        assert!(full.proved() && full.value >= short.value && full.value <= short.bound);
    }
}
