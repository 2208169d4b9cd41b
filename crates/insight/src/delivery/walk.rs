//! Learning on the way: each order is foretold from what had been delivered when it was placed, and judged when it arrives.
//!
//! Three voices speak for each order: what the seller said itself, the mean of its lane, and trees on all that is known. The last
//! two are moved by the bound that covered their latest errors (conformal calibration on a rolling window). The answer is their
//! mean, weighted by how well each did of late: which of them is best changes when the world does.

use std::num::NonZeroUsize;

use super::{
    orders::{Measure, Order},
    past::{Means, Window},
};
use crate::{
    boost::{Bag, Bins, Frame, Loss, Settings},
    metrics::pinball,
};

/// Days of arrivals whose errors a bound is made of, and how many at least. More are surer and slower to follow.
const WINDOW: (f64, usize) = (60.0, 200);
/// Days of arrivals that trees are shown the mean of.
const RECENT: [(f64, usize); 2] = [(20.0, 100), (90.0, 100)];
/// Arrivals that trees need.
const ORDERS_MIN: usize = 300;
/// Days after which trees are grown anew.
const REFIT_DAYS: f64 = 30.0;
/// How sharply voices are told apart: one that lost twice as much as the best weighs e^(−3) of it.
const SHARPNESS: f64 = 3.0;
/// Days after which a loss counts half.
const HALF_LIFE_DAYS: f64 = 15.0;

const VOICES: usize = 3;
const MEMBERS: usize = 5;
const SETTINGS: Settings = Settings {
    rounds: 60,
    leaves: 8,
    rate: 0.05,
    leaf_rows: 40,
    leaf_curvature: 0.0,
    l2: 0.0,
    rows_share: 0.7,
    columns_share: 0.6,
    seed: 2018,
};

/// What was known of an order when it was placed, and what was said.
struct Said {
    base: f64,
    features: Vec<f64>,
    /// Of the trees, before they are moved.
    grown: Option<f64>,
    /// What each voice said, in days.
    voices: [Option<f64>; VOICES],
}

struct Walk<'a> {
    orders: &'a [Order],
    measure: Measure,
    level: f64,
    workers: NonZeroUsize,
    days: Means,
    marks: Means,
    recent: [Window; 2],
    /// Errors of the lane's mean and of the trees.
    errors: [Window; 2],
    /// What each voice has lost; it fades.
    losses: [f64; VOICES],
    judged_at: f64,
    /// Orders that have arrived, in the order of arrival.
    arrived: Vec<usize>,
    said: Vec<Option<Said>>,
    trees: Option<(Bins, Bag)>,
    grown_at: f64,
}

/// Foretells the `level` quantile of days of every order, in the order given.
pub(super) fn foretell(
    orders: &[Order],
    measure: Measure,
    level: f64,
    workers: NonZeroUsize,
) -> Vec<Option<f64>> {
    let by = |key: &dyn Fn(&Order) -> Option<f64>| {
        let mut places: Vec<(f64, usize)> =
            orders.iter().enumerate().filter_map(|(place, order)| Some((key(order)?, place))).collect();
        places.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        places
    };
    let (placed, delivered) = (by(&|order| Some(order.placed)), by(&|order| order.days.and(order.delivered)));
    let mut walk = Walk {
        orders,
        measure,
        level,
        workers,
        days: Means::default(),
        marks: Means::default(),
        recent: RECENT.map(Window::of),
        errors: [Window::of(WINDOW), Window::of(WINDOW)],
        losses: [0.0; VOICES],
        judged_at: 0.0,
        arrived: Vec::new(),
        said: orders.iter().map(|_| None).collect(),
        trees: None,
        grown_at: f64::NEG_INFINITY,
    };
    let mut answers = vec![None; orders.len()];
    let mut coming = delivered.into_iter().peekable();
    for (now, place) in placed {
        while let Some((_, arrived)) = coming.next_if(|(at, _)| *at < now) {
            walk.arrive(arrived);
        }
        walk.grow(now);
        answers[place] = walk.say(place);
    }
    answers
}

impl Walk<'_> {
    /// Says what is to be said of an order that is placed now.
    fn say(&mut self, place: usize) -> Option<f64> {
        let order = &self.orders[place];
        let base = self.base(order);
        let features = self.features(order, base);
        let grown = self.trees.as_ref().map(|(bins, bag)| {
            let coded = bins.code(&Frame::of_rows(std::slice::from_ref(&features)));
            bag.scores(&coded, NonZeroUsize::MIN)[0]
        });
        let moved = |score: Option<f64>, errors: &Window| {
            Some(self.days_at(base, score? + errors.bound(self.level)?))
        };
        let voices = [order.quoted, moved(Some(0.0), &self.errors[0]), moved(grown, &self.errors[1])];
        let answer = self.mix(&voices);
        self.said[place] = Some(Said { base, features, grown, voices });
        answer
    }

    /// Takes in an order that has arrived.
    fn arrive(&mut self, place: usize) {
        let order = &self.orders[place];
        let (Some(days), Some(at)) = (order.days, order.delivered) else { return };
        let mark = self.mark(order, days);
        self.days.add(at, &order.groups, days);
        self.marks.add(at, &order.groups, mark);
        self.recent.iter_mut().for_each(|window| window.add(at, mark));
        if let Some(said) = &self.said[place] {
            let score = self.score(said.base, days);
            self.errors[0].add(at, score);
            if let Some(grown) = said.grown {
                self.errors[1].add(at, score - grown);
            }
            let loss = |said: f64| pinball(days, said, self.level);
            let worst = said.voices.iter().flatten().map(|said| loss(*said)).fold(0.0, f64::max);
            let fade = 0.5_f64.powf((at - self.judged_at) / HALF_LIFE_DAYS);
            self.judged_at = at;
            for (sum, voice) in self.losses.iter_mut().zip(&said.voices) {
                // Who said nothing is judged with the worst that was said.
                *sum = *sum * fade + voice.map_or(worst, loss);
            }
            self.arrived.push(place);
        }
    }

    /// The mean of the voices, weighted by e^(−sharpness · loss), losses as shares of the least.
    fn mix(&self, voices: &[Option<f64>; VOICES]) -> Option<f64> {
        let least = self.losses.iter().copied().fold(f64::INFINITY, f64::min);
        let (mut sum, mut weights) = (0.0, 0.0);
        for (voice, loss) in voices.iter().zip(self.losses) {
            if let Some(days) = voice {
                let weight = if least > 0.0 { (-SHARPNESS * (loss - least) / least).exp() } else { 1.0 };
                sum += weight * days;
                weights += weight;
            }
        }
        (weights > 0.0).then(|| sum / weights)
    }

    /// What days are measured against: between the lane's mean and what the seller said, or the schedule.
    fn base(&self, order: &Order) -> f64 {
        match self.measure {
            Measure::PastSchedule => 0.0,
            Measure::SincePurchase => {
                let lane =
                    if order.groups.is_empty() { self.days.all() } else { self.days.of(&order.groups, 0).0 };
                let lane = lane.max(1.0);
                order.quoted.map_or(lane, |quoted| (lane * quoted.max(1.0)).sqrt())
            }
        }
    }

    /// How far days lie from a base: as a ratio's logarithm, or where they may be negative as their difference.
    fn score(&self, base: f64, days: f64) -> f64 {
        match self.measure {
            Measure::PastSchedule => days - base,
            Measure::SincePurchase => (days.max(0.5) / base).ln(),
        }
    }

    fn days_at(&self, base: f64, score: f64) -> f64 {
        match self.measure {
            Measure::PastSchedule => base + score,
            Measure::SincePurchase => base * score.exp(),
        }
    }

    /// What is averaged by group: days against what the seller said.
    fn mark(&self, order: &Order, days: f64) -> f64 {
        match (self.measure, order.quoted) {
            (Measure::SincePurchase, Some(quoted)) => self.score(quoted.max(1.0), days),
            _ => days,
        }
    }

    fn features(&self, order: &Order, base: f64) -> Vec<f64> {
        let mut features = order.numbers.clone();
        features.extend([order.quoted.unwrap_or(f64::NAN), base]);
        for level in 0..order.groups.len() {
            let (mean, count) = self.marks.of(&order.groups, level);
            features.extend([mean, count, self.days.of(&order.groups, level).0]);
        }
        features.extend(self.recent.iter().map(|window| window.mean().unwrap_or(f64::NAN)));
        features
    }

    /// Grows trees anew when it is time.
    fn grow(&mut self, now: f64) {
        if now - self.grown_at < REFIT_DAYS || self.arrived.len() < ORDERS_MIN {
            return;
        }
        let (mut pasts, mut scores) = (Vec::new(), Vec::new());
        for &place in &self.arrived {
            if let (Some(said), Some(days)) = (&self.said[place], self.orders[place].days) {
                pasts.push(said.features.clone());
                scores.push(self.score(said.base, days));
            }
        }
        let frame = Frame::of_rows(&pasts);
        let bins = Bins::of(&frame);
        let coded = bins.code(&frame);
        let rows: Vec<u32> = (0..pasts.len() as u32).collect();
        let loss = Loss::Quantile(self.level);
        let bag = Bag::fit(&bins, &coded, &rows, &scores, loss, &SETTINGS, MEMBERS, 1.0, self.workers);
        self.trees = Some((bins, bag));
        self.grown_at = now;
    }
}
