//! Branch and bound: decides one item after another, and leaves out every part whose bound is no better than the best
//! choice found.
//!
//! Source: Land & Doig 1960, with bounds by prices ([`super::bound`], Fisher 1981) and items fixed by their surplus. Goes down
//! the likelier side of each item first; where a part ends, goes on with the open part of the highest bound, so that the
//! bound of the whole falls as the search goes on. The order depends on the problem alone.

use std::collections::BinaryHeap;

use model::Units;

use super::{
    Effort, Problem,
    bound::{Bound, Fix, Part, SCALE, lower},
    greedy::{by_density, by_surplus, improve},
};

/// The best choice found and the bound of all.
pub(crate) struct Found {
    pub(crate) chosen: Vec<bool>,
    pub(crate) bound: i64,
    pub(crate) nodes: u64,
    /// Whether the search proved it best, or found it.
    pub(crate) by_search: bool,
}

/// Rounds of prices at the start, and at every other node.
const ROUNDS_FIRST: u32 = 600;
const ROUNDS: u32 = 20;
/// Items among which the next to decide is chosen: those whose surplus is nearest to none.
const CANDIDATES: usize = 12;
/// Cells that open nodes may take: some hundred megabytes.
const CELLS_MAX: usize = 200_000_000;

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Node {
    /// Of its parent, in units of [`SCALE`].
    bound: i128,
    /// Later ones first among equals: they are further down.
    number: u64,
    fixed: Vec<Fix>,
    prices: Vec<i128>,
}

struct Search<'a> {
    problem: &'a Problem,
    best: i64,
    chosen: Vec<bool>,
    open: BinaryHeap<Node>,
    nodes: u64,
    by_search: bool,
}

/// Searches from a choice that fits.
pub(crate) fn search(problem: &Problem, start: Vec<bool>, effort: &mut Effort<'_>) -> Found {
    let mut chosen = start;
    improve(problem, &by_density(problem), &mut chosen, effort.go_on);
    let all: i64 = problem.items.iter().map(|item| item.value).sum();
    let (items, limits) = (problem.items.len(), problem.limits.len());
    let root = Node {
        bound: i128::from(all) * SCALE,
        number: 0,
        fixed: vec![Fix::Free; items],
        prices: vec![i128::from(all) * SCALE / (2 * limits.max(1) as i128); limits],
    };
    let best = problem.worth(&chosen);
    let mut search = Search { problem, best, chosen, open: BinaryHeap::new(), nodes: 0, by_search: false };
    let mut next = Some(root);
    let open_max = CELLS_MAX / (items + 16 * limits + 1);
    while let Some(node) = next.take().or_else(|| search.open.pop()) {
        if node.bound / SCALE <= i128::from(search.best) {
            continue;
        }
        if search.nodes >= effort.nodes || search.open.len() > open_max || !(effort.go_on)() {
            search.open.push(node);
            break;
        }
        next = search.expand(node, effort);
    }
    search.found()
}

impl Search<'_> {
    fn found(self) -> Found {
        // A bound is never below a choice, nor above all items together.
        let open = self.open.iter().map(|node| node.bound / SCALE).max().unwrap_or(0);
        let bound = i64::try_from(open).unwrap_or(i64::MAX).max(self.best);
        let by_search = self.by_search || bound == self.best;
        Found { chosen: self.chosen, bound, nodes: self.nodes, by_search }
    }

    /// Bounds a node and, if it may hold something better, splits it: keeps one half open and returns the other.
    fn expand(&mut self, mut node: Node, effort: &mut Effort<'_>) -> Option<Node> {
        self.nodes += 1;
        let left = self.problem.left_after(|at| node.fixed[at] == Fix::In);
        if left.iter().any(|&units| units < 0) {
            return None;
        }
        for (fixed, item) in node.fixed.iter_mut().zip(&self.problem.items) {
            if *fixed == Fix::Free && !item.fits(&left) {
                *fixed = Fix::Out;
            }
        }
        let free: Vec<usize> = (0..node.fixed.len()).filter(|&at| node.fixed[at] == Fix::Free).collect();
        let base = self.worth_of(&node.fixed);
        let part = Part { problem: self.problem, free: &free, base: i128::from(base) * SCALE, left: &left };
        let rounds = if self.nodes == 1 { ROUNDS_FIRST } else { ROUNDS };
        let target = i128::from(self.best) * SCALE;
        let bound = lower(&part, &node.prices, rounds, target);
        let value = bound.value.min(node.bound);
        self.try_rounding(&node.fixed, &bound, left, effort);
        if value / SCALE <= i128::from(self.best) {
            return None;
        }
        let free = self.fix_by_surplus(&mut node.fixed, &free, &bound);
        let Some(split) = self.choose(&free, &bound) else {
            self.keep_if_better(&node.fixed);
            return None;
        };
        Some(self.split(node, split, value, bound))
    }

    fn worth_of(&self, fixed: &[Fix]) -> i64 {
        let items = self.problem.items.iter().zip(fixed);
        items.filter(|(_, fixed)| **fixed == Fix::In).map(|(item, _)| item.value).sum()
    }

    /// Takes free items by their surplus as far as they fit; improves what comes near the best.
    fn try_rounding(&mut self, fixed: &[Fix], bound: &Bound, left: Vec<Units>, effort: &mut Effort<'_>) {
        let order = by_surplus(&bound.surplus);
        let mut chosen: Vec<bool> = fixed.iter().map(|fixed| *fixed == Fix::In).collect();
        let mut left = left;
        for &at in order.iter().filter(|&&at| fixed[at] == Fix::Free) {
            if self.problem.items[at].fits(&left) {
                self.problem.items[at].take_from(&mut left);
                chosen[at] = true;
            }
        }
        let value = self.problem.worth(&chosen);
        // Improving costs more than a node, so it is for the first nodes, and for what is nearly good enough now and then.
        let near = value > self.best - self.best / 100;
        if value > self.best || self.nodes == 1 || (near && self.nodes.is_multiple_of(8)) {
            improve(self.problem, &order, &mut chosen, effort.go_on);
        }
        self.keep(chosen);
    }

    fn keep(&mut self, chosen: Vec<bool>) {
        let value = self.problem.worth(&chosen);
        if value > self.best {
            (self.best, self.chosen, self.by_search) = (value, chosen, true);
        }
    }

    /// With nothing free any more, what is in is a choice.
    fn keep_if_better(&mut self, fixed: &[Fix]) {
        let is_in = |at: usize| fixed[at] == Fix::In;
        if self.problem.left_after(is_in).iter().all(|&units| units >= 0) {
            self.keep((0..fixed.len()).map(is_in).collect());
        }
    }

    /// Decides items whose other side is no better than the best choice. Returns those that stay free.
    fn fix_by_surplus(&self, fixed: &mut [Fix], free: &[usize], bound: &Bound) -> Vec<usize> {
        let hopeless = |loss: i128| (bound.value - loss) / SCALE <= i128::from(self.best);
        for &at in free {
            let surplus = bound.surplus[at];
            if hopeless(surplus.abs()) {
                fixed[at] = if surplus > 0 { Fix::In } else { Fix::Out };
            }
        }
        free.iter().copied().filter(|&at| fixed[at] == Fix::Free).collect()
    }

    /// The free item to decide next: of those with the least surplus either way, the one that prices are least sure of.
    fn choose(&self, free: &[usize], bound: &Bound) -> Option<usize> {
        let mut nearest = free.to_vec();
        nearest.sort_by_key(|&at| bound.surplus[at].abs());
        nearest.truncate(CANDIDATES);
        let unsure = |at: usize| {
            let taken = bound.taken[at].min(bound.rounds - bound.taken[at].min(bound.rounds));
            i128::from(taken) * i128::from(self.problem.items[at].value)
        };
        nearest.into_iter().rev().max_by_key(|&at| unsure(at))
    }

    fn split(&mut self, node: Node, at: usize, value: i128, bound: Bound) -> Node {
        let likely = 2 * bound.taken[at] >= bound.rounds;
        let (first, second) = if likely { (Fix::In, Fix::Out) } else { (Fix::Out, Fix::In) };
        let number = 2 * self.nodes;
        let (mut fixed, mut other) = (node.fixed.clone(), node.fixed);
        (fixed[at], other[at]) = (first, second);
        self.open.push(Node { bound: value, number, fixed: other, prices: bound.prices.clone() });
        Node { bound: value, number: number + 1, fixed, prices: bound.prices }
    }
}
