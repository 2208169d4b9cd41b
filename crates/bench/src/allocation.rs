//! `allocation`: what a re-allocation costs by rule and by the number of lines, and what packing orders proves in time.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use allocate::{
    pack::{Effort, Problem, Solution, orders, solve},
    plan::plan,
    pool::{Line, Peg, Pool, Strategy, Supply},
    rule::{Basis, Rule},
};
use anyhow::Context;
use model::{
    Units,
    id::{LineId, OrderId, Sku, SupplyId},
    time::{Date, Timestamp, date_from_days, seconds_after},
};
use uuid::Uuid;

use crate::{cpu, figures::Figures, supply};

/// What can be measured by itself, in the order in which it is.
pub(crate) const PARTS: [&str; 5] = ["rules", "cores", "pack", "receipt", "slip"];

/// Measures the parts that were chosen.
pub(crate) fn run(figures: &mut Figures, chosen: &[&str]) -> anyhow::Result<()> {
    if chosen.contains(&"rules") {
        rules(figures)?;
    }
    if chosen.contains(&"cores") {
        cores(figures)?;
    }
    if chosen.contains(&"pack") {
        pack(figures)?;
    }
    if chosen.contains(&"receipt") {
        supply::receipts(figures)?;
    }
    if chosen.contains(&"slip") {
        supply::slip(figures)?;
    }
    Ok(())
}

const SMALL: usize = 1_000;
const MIDDLE: usize = 100_000;
const LARGE: usize = 1_000_000;
/// Rounds of each rule and size; the best one counts.
const ROUNDS: usize = 5;
/// Lines that a round serves at least: a small pool is run many times.
const LINES_A_ROUND: usize = 200_000;

/// Measures every rule on pools of three sizes, of the same supplies, one of which slipped and one fell short.
fn rules(figures: &mut Figures) -> anyhow::Result<()> {
    let pools = [SMALL, MIDDLE, LARGE].map(some_pool);
    let mut slowest_growth = 0.0_f64;
    for basis in Basis::ALL {
        let rule = Rule {
            groups: ["gold", "silver", "bronze"].map(Into::into).into(),
            ageing_days: Some(60),
            ..Rule::of(basis)
        };
        let mut best = [f64::INFINITY; 3];
        for _ in 0..ROUNDS {
            for (best, pool) in best.iter_mut().zip(&pools) {
                *best = best.min(ns_per_line(pool, &rule)?);
            }
        }
        let [small, middle, large] = best;
        let name = basis.as_str();
        figures.add(format!("realloc_100k_{name}_ms"), middle * MIDDLE as f64 / 1e6, None, "ms");
        figures.add(format!("realloc_100k_{name}_ns_per_line"), middle, None, "ns");
        let logarithms = (LARGE as f64).ln() / (SMALL as f64).ln();
        let growth = large / small / logarithms;
        figures.add(format!("realloc_{name}_growth_over_n_log_n"), growth, Some(1.5), "ratio, at most");
        slowest_growth = slowest_growth.max(growth);
    }
    figures.add("realloc_growth_over_n_log_n", slowest_growth, Some(1.5), "ratio, at most");
    Ok(())
}

/// Many pools re-allocated on one thread and on all: pools share nothing, so the work should spread as far as the machine does.
fn cores(figures: &mut Figures) -> anyhow::Result<()> {
    const POOLS: usize = 24;
    const LINES: usize = 40_000;
    let pools = vec![some_pool(LINES); POOLS];
    let rule = Rule::of(Basis::ALL[0]);
    let time = |workers: usize| -> anyhow::Result<f64> {
        let next = AtomicUsize::new(0);
        let begun = Instant::now();
        let done = std::thread::scope(|scope| {
            let work = || -> anyhow::Result<usize> {
                let mut lines = 0;
                while let Some(pool) = pools.get(next.fetch_add(1, Ordering::Relaxed)) {
                    lines += plan(pool, &rule, today())?.lines.len();
                }
                Ok(lines)
            };
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let all = threads.into_iter().map(|thread| thread.join().unwrap_or(Ok(0)));
            all.sum::<anyhow::Result<usize>>()
        })?;
        anyhow::ensure!(done == POOLS * LINES, "{done} lines were planned");
        Ok(begun.elapsed().as_secs_f64())
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let (mut one, mut all, mut given) = (f64::INFINITY, f64::INFINITY, 0.0_f64);
    for _ in 0..ROUNDS {
        one = one.min(time(1)?);
        all = all.min(time(workers)?);
        given = given.max(cpu::cores_speedup());
    }
    figures.add("realloc_lines_per_s_1_thread", (POOLS * LINES) as f64 / one, None, "lines/s");
    figures.add("realloc_lines_per_s_all_threads", (POOLS * LINES) as f64 / all, None, "lines/s");
    figures.add("realloc_threads_speedup", one / all, None, "ratio");
    figures.add("realloc_speedup_over_cores", one / all / given, Some(0.85), "ratio, at least");
    Ok(())
}

fn ns_per_line(pool: &Pool, rule: &Rule) -> anyhow::Result<f64> {
    let lines = pool.lines.len();
    let times = LINES_A_ROUND.div_ceil(lines);
    // In processor time where that is known: who else is busy on the machine makes no rule slower.
    let clock = cpu::of_this_thread();
    let begun = Instant::now();
    for _ in 0..times {
        let plan = plan(pool, rule, today())?;
        anyhow::ensure!(plan.lines.len() == lines && plan.summary.later > 0, "the change moved nobody");
    }
    let took = cpu::of_this_thread().zip(clock).map_or(begun.elapsed(), |(now, then)| now - then);
    Ok(took.as_secs_f64() * 1e9 / (times * lines) as f64)
}

fn today() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap_or_default()
}

/// A generator of numbers that look random: the same each time.
struct Dice(u64);

impl Dice {
    /// A number from 0 to `sides` − 1.
    fn roll(&mut self, sides: u64) -> u64 {
        // Knuth's MMIX constants; the high bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

const SUPPLIES: usize = 20;

/// Lines ordered over a hundred days, oldest first behind twenty weekly supplies that are just enough for them. Then one
/// supply slipped by three weeks, one lost a tenth of its units, and one that nobody has comes in.
fn some_pool(lines: usize) -> Pool {
    let mut dice = Dice(7);
    let day = |number: usize| -> Option<Date> { date_from_days(20_840 + number as i32) };
    let supply = |at: usize, quantity: Units| Supply {
        id: SupplyId(Uuid::from_u128(at as u128)),
        quantity,
        ready: day(7 * at),
        ready_before: day(7 * at),
        on_hand: at == 0,
    };
    let mut supplies: Vec<Supply> = (0..SUPPLIES).map(|at| supply(at, 0)).collect();
    let mut all = Vec::with_capacity(lines);
    for at in 0..lines {
        let quantity = 1 + dice.roll(3) as Units;
        let behind = at * SUPPLIES / lines;
        supplies[behind].quantity += quantity;
        let (value, ago) = (quantity * (500 + dice.roll(20_000) as i64), (lines - at) * 8_640_000 / lines);
        let strategy = Strategy::ALL[[1, 1, 1, 1, 1, 1, 0, 2, 3, 4][dice.roll(10) as usize]];
        all.push(Line {
            id: LineId { order: OrderId(Uuid::from_u128(at as u128)), no: 1 },
            quantity,
            pegs: vec![Peg { supply: supplies[behind].id, quantity }],
            strategy,
            locked: dice.roll(50) == 0,
            class: dice.roll(4) as i32,
            group: [None, Some("gold"), Some("silver"), Some("bronze")][dice.roll(4) as usize]
                .map(Into::into),
            placed: seconds_after(today(), -(ago as i64)).unwrap_or_default(),
            promised: day(7 * behind + dice.roll(10) as usize),
            requested: if dice.roll(10) == 0 { day(dice.roll(140) as usize) } else { None },
            value,
            paid: value * dice.roll(3) as i64 / 2,
            margin: value * dice.roll(40) as i64 / 100,
        });
    }
    supplies[5].ready = day(7 * 8);
    supplies[9].quantity -= supplies[9].quantity / 10;
    supplies.push(Supply { ready: day(10), ready_before: None, ..supply(SUPPLIES, lines as Units / 50) });
    // As they come from a store: in no order that a rule could be quick with.
    for at in (1..all.len()).rev() {
        all.swap(at, dice.roll(at as u64 + 1) as usize);
    }
    Pool { supplies, lines: all }
}

/// How long packing may take.
const LIMIT: Duration = Duration::from_secs(2);

/// Packs 120 orders of up to four of ten SKUs each, with supply for a quarter, half and three quarters of what is wanted;
/// then 120 orders that each need all ten, the hardest kind there is.
fn pack(figures: &mut Figures) -> anyhow::Result<()> {
    for (kind, most_skus, goal) in [("", 4, Some(1.0)), ("_dense", 10, None)] {
        let mut worst = Worst::default();
        for seed in 0..4 {
            for percent in [25, 50, 75] {
                let problem = some_orders(seed, most_skus, percent)?;
                let begun = Instant::now();
                let go_on = &mut || begun.elapsed() < LIMIT;
                worst.add(&solve(&problem, &mut Effort { nodes: u64::MAX, go_on }), begun.elapsed());
            }
        }
        worst.say(figures, &format!("ship_complete{kind}"), goal);
    }
    #[cfg(feature = "highs")]
    highs::pack(figures)?;
    #[cfg(not(feature = "highs"))]
    figures.say("ship_complete_highs: NOT MEASURED, this was built without the feature highs");
    Ok(())
}

/// The worst of several instances.
#[derive(Default)]
struct Worst {
    instances: usize,
    proved: usize,
    gap_ppm: u64,
    took: Duration,
    over_greedy: f64,
}

impl Worst {
    fn add(&mut self, solution: &Solution, took: Duration) {
        self.instances += 1;
        self.proved += usize::from(solution.is_proved());
        self.gap_ppm = self.gap_ppm.max(solution.gap_ppm());
        self.took = self.took.max(took);
        self.over_greedy += solution.value as f64 / solution.greedy_value.max(1) as f64 - 1.0;
    }

    fn say(&self, figures: &mut Figures, name: &str, goal: Option<f64>) {
        let instances = self.instances as f64;
        figures.add(format!("{name}_worst_gap_percent"), self.gap_ppm as f64 / 1e4, goal, "%, at most");
        figures.add(format!("{name}_worst_s"), self.took.as_secs_f64(), goal.map(|_| 2.1), "s, at most");
        figures.add(format!("{name}_proved_percent"), 100.0 * self.proved as f64 / instances, None, "%");
        figures.add(format!("{name}_over_greedy_percent"), 100.0 * self.over_greedy / instances, None, "%");
    }
}

/// Orders of one to `most_skus` of ten SKUs, one to nine units of each, worth about what their units are.
fn some_orders(seed: u64, most_skus: u64, percent: i64) -> anyhow::Result<Problem> {
    let mut dice = Dice(seed);
    let skus = (0..10).map(|at| Sku::new(&format!("SKU-{at}"))).collect::<Result<Vec<_>, _>>()?;
    let prices: Vec<i64> = skus.iter().map(|_| 500 + dice.roll(20_000) as i64).collect();
    let mut wanted = vec![0; skus.len()];
    let orders: Vec<orders::Order> = (0..120)
        .map(|number| {
            let count = if most_skus == 10 { 10 } else { 1 + dice.roll(most_skus) };
            let mut needs: Vec<(usize, Units)> = Vec::new();
            while (needs.len() as u64) < count {
                let sku = dice.roll(10) as usize;
                if needs.iter().all(|need| need.0 != sku) {
                    needs.push((sku, 1 + dice.roll(9) as Units));
                }
            }
            let worth: i64 = needs.iter().map(|&(sku, units)| prices[sku] * units).sum();
            for &(sku, units) in &needs {
                wanted[sku] += units;
            }
            orders::Order {
                id: OrderId(Uuid::from_u128(number)),
                value: worth * (70 + dice.roll(61) as i64) / 100,
                needs: needs.into_iter().map(|(sku, units)| (skus[sku].clone(), units)).collect(),
            }
        })
        .collect();
    let supply: Vec<(Sku, Units)> =
        skus.into_iter().zip(&wanted).map(|(sku, units)| (sku, units * percent / 100)).collect();
    orders::problem(&supply, &orders).context("the orders of the benchmark")
}

#[cfg(feature = "highs")]
mod highs {
    use allocate::pack::highs;

    use super::*;

    /// The same instances by HiGHS alone: it starts from the greedy choice and gets all the time.
    pub(super) fn pack(figures: &mut Figures) -> anyhow::Result<()> {
        for (kind, most_skus) in [("", 4), ("_dense", 10)] {
            let mut worst = Worst::default();
            for seed in 0..4 {
                for percent in [25, 50, 75] {
                    let problem = some_orders(seed, most_skus, percent)?;
                    let start = solve(&problem, &mut Effort { nodes: 0, go_on: &mut || true });
                    let begun = Instant::now();
                    worst.add(&highs::solve(&problem, &start, LIMIT)?, begun.elapsed());
                }
            }
            worst.say(figures, &format!("ship_complete_highs{kind}"), None);
        }
        Ok(())
    }
}
