//! How the wait that is told changes who orders and who calls off: learned from what a shop saw at each wait.

use serde::{Deserialize, Serialize};

use super::figures::{Fig, Figure, Source};

/// Waits are told apart by these days: up to the first, up to the second and so on, and beyond the last.
const EDGES: [i64; 5] = [3, 7, 14, 30, 60];
/// The middle of each.
const MIDDLE: [f64; WAITS] = [2.0, 5.0, 10.0, 21.0, 42.0, 90.0];
/// How many waits are told apart.
pub const WAITS: usize = EDGES.len() + 1;
/// Looks and orders below which nothing is said of patience.
const VIEWS_MIN: f64 = 100.0;
const ORDERED_MIN: f64 = 5.0;
/// The 95 % point of the standard normal.
const Z95: f64 = 1.644_853_626_951_472_2;

/// Which of the waits so many days are.
pub fn wait_of(days: i64) -> usize {
    EDGES.partition_point(|edge| *edge < days)
}

/// The middle of a wait, in days.
pub fn days_of(wait: usize) -> f64 {
    MIDDLE[wait.min(WAITS - 1)]
}

/// What was seen at one wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AtWait {
    /// Looks at a badge that said so.
    pub views: f64,
    /// Units ordered for later by people who were told so, while looks were counted.
    pub ordered: f64,
    /// Unit-days for which orders that were told so were open.
    pub open_days: f64,
    /// Units cancelled of them.
    pub cancelled: f64,
}

impl AtWait {
    /// Adds what was seen elsewhere.
    pub fn add(&mut self, more: &Self) {
        self.views += more.views;
        self.ordered += more.ordered;
        self.open_days += more.open_days;
        self.cancelled += more.cancelled;
    }

    pub(super) fn all(&self) -> [f64; 4] {
        [self.views, self.ordered, self.open_days, self.cancelled]
    }
}

/// A log rate that changes with the wait, e^(a + b·days), and how sure that is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    at: [f64; 2],
    /// Variances of a and b, and their covariance.
    spread: [f64; 3],
}

impl Line {
    /// As it is thought before anything is seen.
    pub(super) fn prior(rate: f64, rate_spread: f64, slope: f64, slope_spread: f64) -> Self {
        Self { at: [rate.ln(), slope], spread: [rate_spread.powi(2), slope_spread.powi(2), 0.0] }
    }

    /// The same, less sure: what one group is thought to be like by what a larger one is.
    fn loosened(self, rate_spread: f64, slope_spread: f64) -> Self {
        let [a, b, _] = self.spread;
        Self { spread: [a.max(rate_spread.powi(2)), b.max(slope_spread.powi(2)), 0.0], ..self }
    }

    /// After so many were counted in so much at each wait.
    ///
    /// Source: Poisson regression with a normal prior on both coefficients, at the mode by Newton's method; the spread is that of the normal
    /// with the same curvature there (Laplace). The logarithm of its posterior is concave, so there is one mode.
    fn after(self, seen: impl Fn(usize) -> (f64, f64)) -> Self {
        let [a0, b0] = self.at;
        let [va, vb, _] = self.spread;
        let value = |[a, b]: [f64; 2]| {
            let fit: f64 = (0..WAITS)
                .map(|n| {
                    let ((of, count), line) = (seen(n), a + b * MIDDLE[n]);
                    count * line - of * line.exp()
                })
                .sum();
            fit - 0.5 * (a - a0).powi(2) / va - 0.5 * (b - b0).powi(2) / vb
        };
        let mut at = self.at;
        let mut spread = self.spread;
        for _ in 0..60 {
            let [a, b] = at;
            let mut slope = [-(a - a0) / va, -(b - b0) / vb];
            let mut curve = [1.0 / va, 1.0 / vb, 0.0];
            for (n, days) in MIDDLE.iter().enumerate() {
                let (of, count) = seen(n);
                let mean = of * (a + b * days).exp();
                slope[0] += count - mean;
                slope[1] += (count - mean) * days;
                curve[0] += mean;
                curve[1] += mean * days * days;
                curve[2] += mean * days;
            }
            let size = curve[0] * curve[1] - curve[2] * curve[2];
            spread = [curve[1] / size, curve[0] / size, -curve[2] / size];
            let step =
                [spread[0] * slope[0] + spread[2] * slope[1], spread[2] * slope[0] + spread[1] * slope[1]];
            // Half of half a step where a whole one overshoots.
            let before = value(at);
            let next = (0..40).map(|half| 0.5_f64.powi(half)).find_map(|part| {
                let next = [a + part * step[0], b + part * step[1]];
                (value(next) >= before).then_some(next)
            });
            let Some(next) = next else { break };
            let moved = (next[0] - a).abs() + 90.0 * (next[1] - b).abs();
            at = next;
            if moved < 1e-10 {
                break;
            }
        }
        Self { at, spread }
    }

    /// The rate at a wait, and its range.
    fn rate(&self, days: f64) -> (f64, f64, f64) {
        let middle = (self.at[0] + self.at[1] * days).exp();
        let [a, b, both] = self.spread;
        let spread = (a + 2.0 * days * both + days * days * b).max(0.0).sqrt().min(3.0);
        (middle, middle * (-Z95 * spread).exp(), middle * (Z95 * spread).exp())
    }
}

/// Whose it is, and what was seen of them.
pub(super) type Group<'a> = (&'a str, &'a [AtWait; WAITS]);

/// The share of waiting orders cancelled each day at a wait, learned group by group from the largest to the smallest, each drawn to the one
/// before; `None`: no order for later whose wait is known.
pub(super) fn cancels(prior: f64, wait: f64, groups: &[Group<'_>]) -> Option<Figure> {
    let mut line = Line::prior(prior, 0.82, 0.0, 0.02);
    let mut said = None;
    for (whose, seen) in groups {
        let (days, gone) =
            seen.iter().fold((0.0, 0.0), |sum, at| (sum.0 + at.open_days, sum.1 + at.cancelled));
        if days < 1.0 {
            continue;
        }
        line = line.loosened(0.35, 0.01).after(|n| (seen[n].open_days, seen[n].cancelled));
        let thirty = (30.0 * line.at[1]).exp();
        said = Some(format!(
            "{gone:.0} cancelled in {days:.0} days of waiting, {whose}; told 30 days more, {thirty:.1} times as often"
        ));
    }
    let (value, low, high) = line.rate(wait);
    said.map(|note| Figure::between(Fig::CancelBackorder, value, (low, high), Source::OwnData, note))
}

/// The share of those who would wait that is lost with each day of the wait, the same way, from how many of those who looked ordered at each
/// wait; the guess, with a word on how little there is, where that is too little.
pub(super) fn patience(guess: Figure, groups: &[Group<'_>]) -> Figure {
    let mut line: Option<Line> = None;
    let (mut said, mut most) = (None, (0.0, 0.0));
    for (whose, seen) in groups {
        let (views, ordered) = seen.iter().fold((0.0, 0.0), |sum, at| (sum.0 + at.views, sum.1 + at.ordered));
        if views > most.0 {
            most = (views, ordered);
        }
        let waits = seen.iter().filter(|at| at.views > 0.0).count();
        if views < VIEWS_MIN || ordered < ORDERED_MIN || waits < 2 {
            continue;
        }
        // How many of those who look order at all is not known before: only how that falls with the wait.
        let before = line.map_or_else(
            || Line::prior(ordered / views, 3.0, -guess.value, 0.008),
            |line| line.loosened(1.0, 0.015),
        );
        line = Some(before.after(|n| (seen[n].views, seen[n].ordered)));
        said = Some(format!(
            "{ordered:.0} units ordered of {views:.0} looks at a wait, {whose}, told longer or shorter"
        ));
    }
    match (line, said) {
        (Some(line), Some(note)) => {
            let (slope, spread) = (-line.at[1], line.spread[1].sqrt());
            let inside = |slope: f64| slope.max(0.000_5);
            let range = (inside(slope - Z95 * spread), inside(slope + Z95 * spread));
            Figure::between(Fig::Patience, inside(slope), range, Source::OwnData, note)
        }
        _ if most.0 > 0.0 => {
            let note = format!(
                "{}; {:.0} looks and {:.0} orders at a wait so far are too few to tell",
                guess.note, most.0, most.1
            );
            Figure { note, ..guess }
        }
        _ => guess,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess() -> Figure {
        Figure::between(Fig::Patience, 0.01, (0.003, 0.03), Source::Guess, "a guess")
    }

    /// What a shop sees whose customers are so, of so many looks at each wait.
    fn shop(looks: f64, order: f64, theta: f64, cancel: f64, more: f64) -> [AtWait; WAITS] {
        std::array::from_fn(|n| {
            let ordered = looks * order * (-theta * MIDDLE[n]).exp();
            let open_days = ordered * MIDDLE[n] / 2.0;
            let cancelled = open_days * cancel * (more * MIDDLE[n]).exp();
            AtWait { views: looks, ordered, open_days, cancelled }
        })
    }

    #[test]
    fn waits_are_told_apart_by_days() {
        let found: Vec<usize> = [0, 3, 4, 7, 14, 15, 60, 61, 900].into_iter().map(wait_of).collect();
        assert_eq!(found, [0, 0, 1, 1, 2, 3, 4, 5, 5]);
    }

    #[test]
    fn patience_is_found_where_there_is_much_and_stays_the_guess_where_there_is_little() {
        let much = shop(20_000.0, 0.02, 0.035, 0.004, 0.01);
        let found = patience(guess(), &[("in the whole shop", &much)]);
        assert_eq!(found.source, Source::OwnData);
        assert!((found.value - 0.035).abs() < 0.003, "{found:?}");
        assert!(found.low < 0.035 && 0.035 < found.high && found.high - found.low < 0.01, "{found:?}");
        // A little moves it a little, and the range stays wide.
        let some = patience(guess(), &[("in the whole shop", &shop(300.0, 0.02, 0.035, 0.004, 0.0))]);
        assert!((0.01..0.025).contains(&some.value), "{some:?}");
        assert!(some.high - some.low > found.high - found.low);
        let few = patience(guess(), &[("in the whole shop", &shop(10.0, 0.02, 0.035, 0.004, 0.0))]);
        assert_eq!((few.value, few.source), (0.01, Source::Guess));
        assert!(few.note.contains("too few"), "{}", few.note);
        assert_eq!(patience(guess(), &[("in the whole shop", &[AtWait::default(); WAITS])]), guess());
    }

    #[test]
    fn a_kind_of_good_is_drawn_to_the_shop_and_leaves_it_with_more_data() {
        let all = shop(20_000.0, 0.02, 0.01, 0.004, 0.0);
        let of = |looks: f64| {
            let kind = shop(looks, 0.02, 0.06, 0.004, 0.0);
            patience(guess(), &[("in the whole shop", &all), ("of its kind", &kind)]).value
        };
        let (little, much) = (of(60.0), of(50_000.0));
        assert!((little - 0.01).abs() < 0.004 && (much - 0.06).abs() < 0.004, "{little} {much}");
        assert!(of(1_000.0) > little && of(1_000.0) < much);
    }

    #[test]
    fn who_is_told_a_longer_wait_calls_off_more_often() {
        let seen = shop(20_000.0, 0.05, 0.01, 0.004, 0.02);
        let at = |wait: f64| cancels(0.004, wait, &[("in the whole shop", &seen)]).unwrap();
        let (soon, late) = (at(5.0), at(60.0));
        assert!((soon.value - 0.004 * 0.1_f64.exp()).abs() < 0.000_5, "{soon:?}");
        assert!((late.value / (0.004 * 1.2_f64.exp()) - 1.0).abs() < 0.1, "{late:?}");
        assert!(late.note.contains("times as often") && late.source == Source::OwnData);
        assert!(cancels(0.004, 5.0, &[("in the whole shop", &[AtWait::default(); WAITS])]).is_none());
        // One cancel in a few days is not believed to be the rate.
        let mut one = [AtWait::default(); WAITS];
        one[1] = AtWait { open_days: 4.0, cancelled: 1.0, ..AtWait::default() };
        let one = cancels(0.004, 5.0, &[("in the whole shop", &one)]).unwrap();
        assert!(one.value < 0.012 && one.high > 0.01, "{one:?}");
    }
}
