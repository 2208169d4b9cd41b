//! What had been delivered before a moment, group by group.

use std::collections::{BTreeMap, VecDeque};

/// Orders of its own that the level above is worth to a group.
const WORTH: f64 = 10.0;
/// Days after which an order counts half.
const HALF_LIFE_DAYS: f64 = 120.0;

/// A running mean that forgets.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: f64,
    at: f64,
}

impl Mean {
    fn add(&mut self, at: f64, x: f64) {
        let fade = 0.5_f64.powf((at - self.at).max(0.0) / HALF_LIFE_DAYS);
        self.at = at;
        self.sum = self.sum * fade + x;
        self.count = self.count * fade + 1.0;
    }

    /// Drawn towards the level above, as if [`WORTH`] orders had been like that.
    fn drawn(self, above: f64) -> f64 {
        (self.sum + WORTH * above) / (self.count + WORTH)
    }
}

/// Means by group over what was delivered so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Means {
    all: Mean,
    groups: BTreeMap<(usize, String), Mean>,
}

impl Means {
    pub(super) fn add(&mut self, at: f64, groups: &[String], x: f64) {
        self.all.add(at, x);
        for (level, group) in groups.iter().enumerate().filter(|(_, group)| !group.is_empty()) {
            self.groups.entry((level, group.clone())).or_default().add(at, x);
        }
    }

    /// The mean of all; zero of none.
    pub(super) fn all(&self) -> f64 {
        if self.all.count > 0.0 { self.all.sum / self.all.count } else { 0.0 }
    }

    /// The mean of one group, drawn towards all, and how many orders it has of its own.
    pub(super) fn of(&self, groups: &[String], level: usize) -> (f64, f64) {
        let own = self.groups.get(&(level, groups[level].clone())).copied().unwrap_or_default();
        (own.drawn(self.all()), own.count)
    }
}

/// The numbers of the latest days, and at least so many of them.
#[derive(Debug, Clone)]
pub(super) struct Window {
    last: VecDeque<(f64, f64)>,
    days: f64,
    least: usize,
}

impl Window {
    pub(super) fn of((days, least): (f64, usize)) -> Self {
        Self { last: VecDeque::new(), days, least }
    }

    /// Adds a number of a day that is not before the last one's.
    pub(super) fn add(&mut self, day: f64, x: f64) {
        self.last.push_back((day, x));
        while self.last.len() > self.least && self.last[0].0 < day - self.days {
            self.last.pop_front();
        }
    }

    /// The mean; none of none.
    pub(super) fn mean(&self) -> Option<f64> {
        let sum: f64 = self.last.iter().map(|(_, x)| x).sum();
        (!self.last.is_empty()).then(|| sum / self.last.len() as f64)
    }

    /// The conformal bound that covers the next with probability `level`; none where the window is too short for any.
    pub(super) fn bound(&self, level: f64) -> Option<f64> {
        let mut sorted: Vec<f64> = self.last.iter().map(|(_, x)| *x).collect();
        sorted.sort_by(f64::total_cmp);
        crate::lead_time::conformal_bound(&sorted, 1.0 - level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_groups_lean_on_all() {
        let mut means = Means::default();
        let groups = |name: &str| vec![name.to_owned(), String::new()];
        (0..30).for_each(|_| means.add(0.0, &groups("often"), 20.0));
        (0..2).for_each(|_| means.add(0.0, &groups("seldom"), 4.0));
        let all = (30.0 * 20.0 + 8.0) / 32.0;
        assert_eq!(means.all(), all);
        assert_eq!(means.of(&groups("seldom"), 0), ((8.0 + 10.0 * all) / 12.0, 2.0));
        assert_eq!(means.of(&groups("never"), 0), (all, 0.0));
        assert_eq!(means.of(&groups("often"), 1), (all, 0.0));
        means.add(HALF_LIFE_DAYS, &groups("seldom"), 4.0);
        assert_eq!(means.of(&groups("seldom"), 0).1, 2.0, "two a half-life ago and one now");
    }

    #[test]
    fn a_window_keeps_its_days_and_bounds_only_when_long_enough() {
        let mut window = Window::of((5.0, 9));
        (0..8).for_each(|n| window.add(f64::from(n), f64::from(n)));
        assert_eq!((window.bound(0.9), window.mean()), (None, Some(3.5)));
        window.add(8.0, 8.0);
        assert_eq!(window.bound(0.9), Some(8.0));
        // The tenth is one more than at least: what is older than five days goes.
        window.add(9.0, 1.0);
        assert_eq!((window.bound(0.9), window.last.len(), window.last[0]), (Some(8.0), 9, (1.0, 1.0)));
        (0..20).for_each(|_| window.add(9.5, 2.0));
        assert_eq!((window.last.len(), window.last[0]), (25, (5.0, 5.0)));
    }
}
