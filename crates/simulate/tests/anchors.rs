//! What queueing theory computes exactly, the simulated shop comes to: `docs/theory/simulation.md`.
#![allow(clippy::unwrap_used)]

use std::num::NonZeroUsize;

use model::{item::Policy, time::Timestamp};
use simulate::{
    Reorder, Variant,
    anchors::{self, Anchor},
    outcomes,
};

/// Replications of each anchor, and their days: some seconds on one thread, without optimisation.
const RUNS: usize = 40;
const DAYS: f64 = 600.0;

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// Whether each measure's 99 % interval has the exact value in it, and is narrower than so much of it.
#[track_caller]
fn holds(anchor: &Anchor, narrow: f64) {
    let workers = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let (worlds, variants) = (std::slice::from_ref(&anchor.world), std::slice::from_ref(&anchor.variant));
    let runs = outcomes(worlds, variants, (7, RUNS, workers), start(), &|_| {}).unwrap().remove(0);
    for (exact, (mean, half)) in anchor.exact.iter().zip(anchor.estimate(&runs)) {
        let (name, value) = (exact.name, exact.value);
        assert!((mean - value).abs() <= half, "{name}: {mean} ± {half}, not {value}");
        assert!(half < narrow * value, "{name}: {mean} ± {half} says too little about {value}");
    }
}

#[test]
fn base_stock_with_backorders_fills_as_palm_says() {
    holds(&anchors::palm(DAYS), 0.08);
}

#[test]
fn base_stock_without_backorders_loses_as_erlang_says() {
    holds(&anchors::erlang(DAYS), 0.08);
}

#[test]
fn impatient_customers_leave_as_the_birth_death_chain_says() {
    holds(&anchors::impatient(DAYS).unwrap(), 0.12);
}

#[test]
fn a_reorder_point_costs_what_federgruen_and_zheng_compute() {
    holds(&anchors::reorder_point(DAYS), 0.03);
}

fn variant() -> Variant {
    let reorder = Reorder::Point { at: 2, units: 10, lead_days: 14.0 };
    Variant { name: "only".into(), policy: None, reorder, slip_days: 0.0, demand_factor: 1.0 }
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let mut world = anchors::palm(60.0).world;
    (world.goods.customers.rate, world.goods.on_hand) = (0.8, 3);
    world.goods.customers.patience_rate = 0.02;
    world.goods.customers.cancel_rate = 0.01;
    world.goods.late_days = vec![0, 0, 3, 9];
    let variants =
        [variant(), Variant { name: "refuse".into(), policy: Some(Policy::default()), ..variant() }];
    let run = |workers: usize| {
        let workers = NonZeroUsize::new(workers).unwrap();
        simulate::compare(&[world.clone()], &variants, (3, 20, workers), start(), &|_| {}).unwrap()
    };
    let one = run(1);
    assert_eq!(serde_json::to_vec(&one).unwrap(), serde_json::to_vec(&run(4)).unwrap());
    let of = |n: usize, measure: simulate::Measure| {
        *one[n].figures.iter().find(|figure| figure.measure == measure).unwrap()
    };
    // The same customers come, whatever the policy.
    let asked = of(1, simulate::Measure::UnitsAsked);
    assert_eq!((asked.difference, asked.difference_half_width), (0.0, 0.0));
    let refused = of(1, simulate::Measure::UnitsRefused);
    assert!(refused.difference - refused.difference_half_width > 0.0, "{refused:?}");
}
