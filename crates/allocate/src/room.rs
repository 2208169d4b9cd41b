//! Units by step, and how many of them can be given away while everybody who is owed some by a step still gets them.
//!
//! Source: cumulative availability with look-ahead. With A(u) the units of steps up to u that are left, less those owed
//! by u, a unit of step s can be given to a newcomer if A(u) ≥ 1 for every u ≥ s. A tree over the steps keeps, for each
//! node, the sum and the least prefix sum of "left less owed", so giving and looking up cost the logarithm of the steps.

use std::collections::BTreeSet;

use model::Units;

/// Units left by step, and units owed by step.
pub(crate) struct Room {
    left: Vec<Units>,
    /// Steps with units left.
    open: BTreeSet<usize>,
    tree: Tree,
}

impl Room {
    pub(crate) fn new(left: Vec<Units>) -> Self {
        let open = (0..left.len()).filter(|&step| left[step] > 0).collect();
        let tree = Tree::new(&left);
        Self { left, open, tree }
    }

    /// Owes units to somebody by a step.
    pub(crate) fn owe(&mut self, by: usize, units: Units) {
        self.tree.add(by, -units);
    }

    /// Owes them no longer.
    pub(crate) fn release(&mut self, by: usize, units: Units) {
        self.tree.add(by, units);
    }

    /// Whether everything that is owed can be given in time.
    pub(crate) fn keeps_its_word(&self) -> bool {
        self.tree.least() >= 0
    }

    /// Units left up to a step.
    pub(crate) fn left_by(&self, step: usize) -> Units {
        self.left[..=step].iter().sum()
    }

    /// Takes up to `units` that nobody is owed from steps `first..=last`, the earliest first. Returns how many it took.
    pub(crate) fn take_up(
        &mut self,
        first: usize,
        last: usize,
        units: Units,
        mut give: impl FnMut(usize, Units),
    ) -> Units {
        let mut missing = units;
        while missing > 0 {
            // Nothing up to the last step without slack can be given.
            let from = self.tree.last_without_slack().map_or(first, |step| first.max(step + 1));
            if from > last {
                break;
            }
            let Some(&step) = self.open.range(from..=last).next() else { break };
            let taken = missing.min(self.left[step]).min(self.tree.least_from(step));
            self.take(step, taken);
            give(step, taken);
            missing -= taken;
        }
        units - missing
    }

    /// The same, the latest first.
    pub(crate) fn take_down(
        &mut self,
        first: usize,
        last: usize,
        units: Units,
        mut give: impl FnMut(usize, Units),
    ) -> Units {
        let mut missing = units;
        while missing > 0 && first <= last {
            let Some(&step) = self.open.range(first..=last).next_back() else { break };
            let taken = missing.min(self.left[step]).min(self.tree.least_from(step));
            // What is owed after this step is owed after every earlier one too.
            if taken <= 0 {
                break;
            }
            self.take(step, taken);
            give(step, taken);
            missing -= taken;
        }
        units - missing
    }

    fn take(&mut self, step: usize, units: Units) {
        self.tree.add(step, -units);
        self.left[step] -= units;
        if self.left[step] == 0 {
            self.open.remove(&step);
        }
    }
}

/// Sums and least prefix sums over a row of numbers.
struct Tree {
    /// A power of two; node 1 is the root, nodes `width..` are the leaves.
    width: usize,
    nodes: Vec<Node>,
}

#[derive(Clone, Copy)]
struct Node {
    sum: Units,
    /// The least sum of the node's first numbers, at least one of them.
    least: Units,
}

impl Node {
    /// Past the end of the row: changes nothing. Far from overflow, and far above any sum of units.
    const NONE: Self = Self { sum: 0, least: Units::MAX / 4 };

    fn then(self, next: Self) -> Self {
        Self { sum: self.sum + next.sum, least: self.least.min(self.sum + next.least) }
    }
}

impl Tree {
    fn new(numbers: &[Units]) -> Self {
        let width = numbers.len().next_power_of_two();
        let mut nodes = vec![Node::NONE; 2 * width];
        for (node, &number) in nodes[width..].iter_mut().zip(numbers) {
            *node = Node { sum: number, least: number };
        }
        for at in (1..width).rev() {
            nodes[at] = nodes[2 * at].then(nodes[2 * at + 1]);
        }
        Self { width, nodes }
    }

    fn add(&mut self, at: usize, number: Units) {
        let mut node = self.width + at;
        self.nodes[node].sum += number;
        self.nodes[node].least += number;
        while node > 1 {
            node /= 2;
            self.nodes[node] = self.nodes[2 * node].then(self.nodes[2 * node + 1]);
        }
    }

    /// The least prefix sum of all.
    fn least(&self) -> Units {
        self.nodes[1].least
    }

    /// The least prefix sum that reaches `from` or beyond.
    fn least_from(&self, from: usize) -> Units {
        let mut node = self.width + from;
        let (mut before, mut suffix) = (0, self.nodes[node]);
        while node > 1 {
            if node.is_multiple_of(2) {
                suffix = suffix.then(self.nodes[node + 1]);
            } else {
                before += self.nodes[node - 1].sum;
            }
            node /= 2;
        }
        before + suffix.least
    }

    /// The last position whose prefix sum is 0 or less.
    fn last_without_slack(&self) -> Option<usize> {
        if self.nodes[1].least > 0 {
            return None;
        }
        let (mut node, mut before) = (1, 0);
        while node < self.width {
            let (left, right) = (self.nodes[2 * node], self.nodes[2 * node + 1]);
            if before + left.sum + right.least <= 0 {
                before += left.sum;
                node = 2 * node + 1;
            } else {
                node *= 2;
            }
        }
        Some(node - self.width)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_tree_says_what_adding_up_says(numbers in proptest::collection::vec(-5_i64..9, 1..20), changes in proptest::collection::vec((0_usize..20, -6_i64..7), 0..12)) {
            let mut numbers = numbers;
            let mut tree = Tree::new(&numbers);
            for (at, number) in changes {
                let at = at % numbers.len();
                numbers[at] += number;
                tree.add(at, number);
                let sums: Vec<Units> = numbers.iter().scan(0, |sum, number| { *sum += number; Some(*sum) }).collect();
                prop_assert_eq!(tree.least(), *sums.iter().min().unwrap());
                prop_assert_eq!(tree.last_without_slack(), sums.iter().rposition(|sum| *sum <= 0));
                for from in 0..sums.len() {
                    prop_assert_eq!(tree.least_from(from), *sums[from..].iter().min().unwrap());
                }
            }
        }
    }

    #[test]
    fn what_is_owed_later_is_not_given_earlier() {
        // 5 now and 5 later; 7 are owed later, so 3 can be given: now, or later.
        let mut room = Room::new(vec![5, 5]);
        room.owe(1, 7);
        let mut given = Vec::new();
        assert_eq!(room.take_up(0, 1, 9, |step, units| given.push((step, units))), 3);
        assert_eq!(given, [(0, 3)]);
        assert!(room.keeps_its_word());
        room.owe(0, 3);
        assert!(!room.keeps_its_word());
    }

    #[test]
    fn the_latest_are_taken_first_where_asked() {
        let mut room = Room::new(vec![2, 0, 4, 9]);
        let mut given = Vec::new();
        assert_eq!(room.take_down(0, 2, 5, |step, units| given.push((step, units))), 5);
        assert_eq!(given, [(2, 4), (0, 1)]);
        assert_eq!(room.left_by(3), 10);
    }
}
