//! `insight`, the parts that decide: advice for a whole catalogue, and shops that are run ahead.

use std::{num::NonZeroUsize, time::Instant};

use insight::{
    advice::{Subject, advise_all},
    random::{place, uniform},
};
use model::{item::Policy, time::Timestamp};
use simulate::{Costs, Customers, Goods, Reorder, Variant, World, compare};

use crate::{cpu, figures::Figures};

const SKUS: usize = 10_000;
const YEARS: usize = 1_000;
const SEED: u64 = 11;
/// Rounds of what is timed on one thread and on all; the best of each counts.
const ROUNDS: usize = 3;

fn workers() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// SKUs of every kind: dear and cheap, known and new, with goods on order, by lead time, without either.
fn catalogue() -> Vec<Subject> {
    (0..SKUS as u64)
        .map(|n| {
            let draw = |stream: u64| uniform(SEED, stream, n);
            let price = 5.0 + 200.0 * draw(1);
            let kind = place(SEED, 2, n, 3);
            Subject {
                sku: format!("SKU-{n}"),
                price: Some(price),
                unit_cost: (draw(3) < 0.8).then_some(price * (0.2 + 0.6 * draw(4))),
                on_hand: (draw(5) * 20.0).floor(),
                inbound_units: if kind == 0 { (draw(6) * 100.0).floor() } else { 0.0 },
                wait_days: (kind == 0).then_some(1.0 + (draw(7) * 60.0).floor()),
                lead_time_days: (kind == 1).then_some(1.0 + (draw(8) * 60.0).floor()),
                days_watched: 30.0 + draw(9) * 700.0,
                units_asked: (draw(10) * draw(10) * 500.0).floor(),
                shop_rate: Some(0.2),
                ..Subject::default()
            }
        })
        .collect()
}

/// Advice for ten thousand SKUs.
pub(crate) fn advice(figures: &mut Figures) -> anyhow::Result<()> {
    let catalogue = catalogue();
    let begun = Instant::now();
    let answers = advise_all(&catalogue, workers());
    let took = begun.elapsed().as_secs_f64();
    let given = answers.iter().filter(|answer| answer.is_ok()).count();
    anyhow::ensure!(given == SKUS, "{given} of {SKUS} SKUs were advised");
    figures.add("advice_10k_skus_s", took, Some(10.0), "s, at most");
    figures.add("advice_skus_per_s", SKUS as f64 / took, None, "SKUs/s");
    Ok(())
}

/// A mug that sells one in five days, is ordered by the dozen and comes late at times.
fn mug() -> (World, Variant) {
    let customers = Customers {
        rate: 0.2,
        sizes: Vec::new(),
        accept: 0.5,
        patience_rate: 0.01,
        cancel_rate: 0.004,
        waitlist: 0.25,
        convert: 0.06,
    };
    let goods = Goods {
        sku: "MUG".into(),
        price: 40.0,
        unit_cost: 15.0,
        on_hand: 6,
        due: Vec::new(),
        late_days: vec![0, 0, 0, 2, 4, 9],
        promise_days: 4,
        customers,
    };
    let policy = Policy { when_out: model::item::WhenOut::Backorder, ..Policy::default() };
    let world = World { goods, policy, costs: Costs::default(), days: 365.0, warm_up_days: 0.0 };
    let reorder = Reorder::Point { at: 4, units: 12, lead_days: 21.0 };
    let variant =
        Variant { name: "as it is".into(), policy: None, reorder, slip_days: 0.0, demand_factor: 1.0 };
    (world, variant)
}

/// A thousand years of one SKU, by the engine's own code, on all threads and on one.
pub(crate) fn simulation(figures: &mut Figures) -> anyhow::Result<()> {
    let (world, variant) = mug();
    let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    let time = |workers: NonZeroUsize| -> anyhow::Result<(f64, Vec<simulate::Compared>)> {
        let begun = Instant::now();
        let run = (SEED, YEARS, workers);
        let found =
            compare(std::slice::from_ref(&world), std::slice::from_ref(&variant), run, start, &|_| {})?;
        Ok((begun.elapsed().as_secs_f64(), found))
    };
    // In turn, and what the machine gives beside: whoever else is busy on it is so for all three.
    let (mut all, mut one, mut cores) = (f64::INFINITY, f64::INFINITY, 0.0_f64);
    for _ in 0..ROUNDS {
        let (took, found) = time(workers())?;
        all = all.min(took);
        let (took, same) = time(NonZeroUsize::MIN)?;
        one = one.min(took);
        anyhow::ensure!(found == same, "another number of threads gave another answer");
        cores = cores.max(cpu::cores_speedup());
    }
    figures.add("simulate_1000_years_s", all, Some(2.0), "s, at most");
    figures.add("simulate_1000_years_1_thread_s", one, None, "s");
    let speedup = one / all;
    figures.add("cores_speedup", cores, None, "ratio, of work that shares nothing");
    figures.add("simulate_threads_speedup", speedup, None, "ratio");
    figures.add("simulate_speedup_over_cores", speedup / cores, Some(0.85), "ratio, at least");
    Ok(())
}
