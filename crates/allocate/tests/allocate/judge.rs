//! A simpler model of a run: tries every way in which the lines of a small pool could be served.
//!
//! It knows what each strategy demands and in which order lines are served, and for each line in turn picks the best of
//! what leaves a way to meet the demands of all. No tree, no books of what is owed: only lists of ways.

use std::collections::BTreeMap;

use allocate::{
    plan::Plan,
    pool::{Line, Pool, Strategy, Supply},
    rule::{Basis, Rule},
};
use model::{
    Units,
    id::LineId,
    time::{Date, Timestamp},
};

/// Units of each day that one line gets, by position among the days.
pub(crate) type Way = Vec<Units>;
type Day = (Date, bool);

const NEVER: Day = (Date::MAX, true);

/// What a line demands: by each of these days at least (or, for one that fills, at most) so many units in all.
type Demand = Vec<(Day, Units)>;

pub(crate) struct Judge<'a> {
    pool: &'a Pool,
    days: Vec<Day>,
    /// Kept and cut units of each line's pegs.
    had: Vec<Vec<(&'a Supply, Units, Units)>>,
    order: Vec<usize>,
}

fn ready(supply: &Supply) -> Day {
    supply.ready.map_or(NEVER, |date| (date, !supply.on_hand))
}

fn ready_before(supply: &Supply) -> Day {
    supply.ready_before.map_or(NEVER, |date| (date, !supply.on_hand))
}

/// The day until which it may wait, if it says when it wants its goods.
fn wanted(line: &Line) -> Option<Day> {
    let requested = line.requested?;
    Some((line.promised.map_or(requested, |promised| requested.min(promised)), true))
}

impl<'a> Judge<'a> {
    pub(crate) fn new(pool: &'a Pool, rule: &Rule, now: Timestamp) -> Self {
        let mut days: Vec<Day> = pool.supplies.iter().map(ready).collect();
        days.sort();
        days.dedup();
        let order = order(pool, rule, now);
        let had = cut(pool, &order);
        Self { pool, days, had, order }
    }

    /// Units by day for each line in the pool's order, and the lines that should win and are not made whole.
    pub(crate) fn serve(&self) -> Vec<Way> {
        let demands = self.demands();
        let mut left = self.capacity();
        let mut ways = vec![Vec::new(); self.pool.lines.len()];
        for (turn, &at) in self.order.iter().enumerate() {
            let mut options = self.ways(at, demands[at].as_ref());
            options.sort_by_key(|way| std::cmp::Reverse(self.taste(at, way)));
            let fits = |way: &Way, left: &[Units]| way.iter().zip(left).all(|(units, left)| units <= left);
            let best = options.into_iter().find(|way| {
                fits(way, &left) && self.is_feasible(&self.order[turn + 1..], &demands, &minus(&left, way))
            });
            let best = best.expect("what is owed can be given");
            left = minus(&left, &best);
            ways[at] = best;
        }
        ways
    }

    fn capacity(&self) -> Vec<Units> {
        let mut left = vec![0; self.days.len()];
        for supply in &self.pool.supplies {
            left[self.position(ready(supply))] += supply.quantity;
        }
        for (line, had) in self.pool.lines.iter().zip(&self.had).filter(|(line, _)| line.locked) {
            assert!(line.locked);
            for (supply, kept, _) in had {
                left[self.position(ready(supply))] -= kept;
            }
        }
        left
    }

    fn position(&self, day: Day) -> usize {
        self.days.iter().position(|other| *other == day).unwrap()
    }

    /// Demands of lines that win or gain: what they keep, or what they had where all that can be had besides.
    fn demands(&self) -> Vec<Option<Demand>> {
        let protected = |at: usize| {
            let line = &self.pool.lines[at];
            !line.locked && matches!(line.strategy, Strategy::Win | Strategy::Gain)
        };
        let mut demands: Vec<Option<Demand>> =
            (0..self.had.len()).map(|at| protected(at).then(|| self.kept(at))).collect();
        let capacity = self.capacity();
        assert!(self.is_feasible(&self.order, &demands, &capacity), "what lines keep is there");
        for strategy in [Strategy::Win, Strategy::Gain] {
            for &at in
                self.order.iter().filter(|&&at| protected(at) && self.pool.lines[at].strategy == strategy)
            {
                let kept = demands[at].replace(self.whole(at));
                if !self.is_feasible(&self.order, &demands, &capacity) {
                    demands[at] = kept;
                }
            }
        }
        demands
    }

    fn kept(&self, at: usize) -> Demand {
        let wanted = wanted(&self.pool.lines[at]);
        self.had[at]
            .iter()
            .map(|(supply, kept, _)| (ready(supply).max(wanted.unwrap_or(ready(supply))), *kept))
            .collect()
    }

    fn whole(&self, at: usize) -> Demand {
        let wanted = wanted(&self.pool.lines[at]);
        let by = |day: Day| wanted.map_or(day, |wanted| day.max(wanted));
        self.had[at]
            .iter()
            .flat_map(|(supply, kept, cut)| {
                let (now, before) = (by(ready(supply)), by(ready_before(supply)));
                let cut = if ready_before(supply) == NEVER { 0 } else { *cut };
                [(now.min(before), *kept), (before, cut)]
            })
            .collect()
    }

    /// Every way a line could be served that meets its demand.
    fn ways(&self, at: usize, demand: Option<&Demand>) -> Vec<Way> {
        let line = &self.pool.lines[at];
        let most = if line.locked { 0 } else { line.quantity };
        let mut ways = vec![Vec::new()];
        for _ in &self.days {
            ways = ways
                .into_iter()
                .flat_map(|way: Way| {
                    let used: Units = way.iter().sum();
                    (0..=most - used).map(move |units| [way.clone(), vec![units]].concat())
                })
                .collect();
        }
        let by = |way: &Way, day: Day| -> Units {
            self.days.iter().zip(way).filter(|(other, _)| **other <= day).map(|(_, units)| units).sum()
        };
        let of = |demand: &Demand, day: Day| -> Units {
            demand.iter().filter(|(by, _)| *by <= day).map(|(_, units)| units).sum()
        };
        ways.retain(|way| {
            demand.is_none_or(|demand| demand.iter().all(|(day, _)| by(way, *day) >= of(demand, *day)))
        });
        if line.strategy == Strategy::Fill && !line.locked {
            let had: Demand = self.had[at]
                .iter()
                .flat_map(|(supply, kept, cut)| [(ready(supply), *kept), (ready_before(supply), *cut)])
                .collect();
            ways.retain(|way| self.days.iter().all(|day| by(way, *day) <= of(&had, *day)));
            ways.retain(|way| way.iter().sum::<Units>() <= of(&had, NEVER));
        }
        ways
    }

    /// What a line likes better: more units of the day it likes best, then of the next, and so on.
    fn taste(&self, at: usize, way: &Way) -> Vec<Units> {
        let line = &self.pool.lines[at];
        let wanted = wanted(line).filter(|_| line.strategy != Strategy::Fill);
        let may_wait = self.days.iter().filter(|day| wanted.is_some_and(|wanted| **day <= wanted)).count();
        (0..may_wait).rev().chain(may_wait..self.days.len()).map(|day| way[day]).collect()
    }

    /// Whether there is a way for all these lines to have what they demand.
    fn is_feasible(&self, lines: &[usize], demands: &[Option<Demand>], left: &[Units]) -> bool {
        let Some((&first, others)) = lines.split_first() else { return true };
        let Some(demand) = &demands[first] else { return self.is_feasible(others, demands, left) };
        // Units beyond the demand only get in the way.
        let owed: Units = demand.iter().map(|(_, units)| units).sum();
        self.ways(first, Some(demand)).iter().any(|way| {
            way.iter().sum::<Units>() == owed
                && way.iter().zip(left).all(|(units, left)| units <= left)
                && self.is_feasible(others, demands, &minus(left, way))
        })
    }

    /// The same of a plan: units by day for each line in the pool's order, locked ones left out.
    pub(crate) fn ways_of(&self, plan: &Plan) -> Vec<Way> {
        let supplies: BTreeMap<_, _> = self.pool.supplies.iter().map(|supply| (supply.id, supply)).collect();
        let outcomes: BTreeMap<LineId, _> =
            plan.lines.iter().map(|outcome| (outcome.line, outcome)).collect();
        let ways = self.pool.lines.iter().map(|line| {
            let mut way = vec![0; self.days.len()];
            for peg in outcomes[&line.id].pegs.iter().filter(|_| !line.locked) {
                way[self.position(ready(supplies[&peg.supply]))] += peg.quantity;
            }
            way
        });
        ways.collect()
    }

    /// Units that a line had and that are there.
    pub(crate) fn kept_units(&self, at: usize) -> Vec<(&Supply, Units)> {
        self.had[at]
            .iter()
            .filter(|(_, kept, _)| *kept > 0)
            .map(|(supply, kept, _)| (*supply, *kept))
            .collect()
    }
}

fn minus(left: &[Units], way: &Way) -> Vec<Units> {
    left.iter().zip(way).map(|(left, units)| left - units).collect()
}

fn order(pool: &Pool, rule: &Rule, now: Timestamp) -> Vec<usize> {
    let phase = |line: &Line| match line.strategy {
        Strategy::Win => 0,
        Strategy::Lose => 2,
        _ => 1,
    };
    let fresh = |line: &Line| {
        let days = (now.as_second() - line.placed.as_second()) as f64 / 86_400.0;
        rule.ageing_days.is_none_or(|limit| days <= f64::from(limit))
    };
    let group = |line: &Line| {
        rule.groups.iter().position(|group| Some(group) == line.group.as_ref()).unwrap_or(rule.groups.len())
    };
    let by_basis = |a: &Line, b: &Line| match rule.basis {
        Basis::PromiseGiven => a.promised.unwrap_or(Date::MAX).cmp(&b.promised.unwrap_or(Date::MAX)),
        Basis::OrderTime => a.placed.cmp(&b.placed),
        Basis::Class => a.class.cmp(&b.class),
        Basis::CustomerGroup => group(a).cmp(&group(b)),
        Basis::PaidAmount => b.paid.cmp(&a.paid),
        Basis::Margin => (b.margin * a.quantity).cmp(&(a.margin * b.quantity)),
        Basis::Proportional | Basis::MaxMin => std::cmp::Ordering::Equal,
    };
    let mut order: Vec<usize> = (0..pool.lines.len()).collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (&pool.lines[a], &pool.lines[b]);
        let first = (phase(a), fresh(a)).cmp(&(phase(b), fresh(b)));
        let rule = if fresh(a) { by_basis(a, b) } else { a.placed.cmp(&b.placed) };
        first.then(rule).then((a.class, a.placed, a.id).cmp(&(b.class, b.placed, b.id)))
    });
    order
}

/// Takes units beyond a supply's quantity away, one at a time, from the line that gives up first.
fn cut<'a>(pool: &'a Pool, order: &[usize]) -> Vec<Vec<(&'a Supply, Units, Units)>> {
    let find = |id| pool.supplies.iter().find(|supply| supply.id == id).unwrap();
    let mut had: Vec<Vec<(&Supply, Units, Units)>> = pool
        .lines
        .iter()
        .map(|line| line.pegs.iter().map(|peg| (find(peg.supply), peg.quantity, 0)).collect())
        .collect();
    let gives_up = |line: &Line| match line.strategy {
        _ if line.locked => 0,
        Strategy::Win => 1,
        Strategy::Gain => 2,
        Strategy::Redistribute | Strategy::Fill => 3,
        Strategy::Lose => 4,
    };
    let mut last_first: Vec<usize> = order.to_vec();
    last_first.sort_by_key(|&at| gives_up(&pool.lines[at]));
    last_first.reverse();
    for supply in &pool.supplies {
        let pegged: Units = had.iter().flatten().filter(|own| own.0.id == supply.id).map(|own| own.1).sum();
        for _ in supply.quantity..pegged {
            let loser = last_first
                .iter()
                .find(|&&at| had[at].iter().any(|own| own.0.id == supply.id && own.1 > 0))
                .unwrap();
            let own = had[*loser].iter_mut().find(|own| own.0.id == supply.id).unwrap();
            own.1 -= 1;
            own.2 += 1;
        }
    }
    had
}
