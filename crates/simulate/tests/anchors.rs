//! What queueing theory computes exactly, the simulated shop comes to: `docs/theory/simulation.md`.
#![allow(clippy::unwrap_used)]

use std::num::NonZeroUsize;

use insight::{
    queue::{ImpatientInput, impatient_make_to_stock},
    special::student_half_width,
};
use model::{
    item::{Cap, Policy, WhenOut},
    time::Timestamp,
};
use simulate::{Costs, Customers, Goods, Outcome, Reorder, Variant, World, simulate};

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn world(rate: f64, on_hand: i64, days: f64) -> World {
    let customers = Customers {
        rate,
        sizes: Vec::new(),
        accept: 1.0,
        patience_rate: 0.0,
        cancel_rate: 0.0,
        waitlist: 0.0,
        convert: 0.0,
    };
    let goods = Goods {
        sku: "ANCHOR".into(),
        price: 10.0,
        unit_cost: 4.0,
        on_hand,
        due: Vec::new(),
        late_days: Vec::new(),
        promise_days: 0,
        customers,
    };
    World { goods, policy: ahead(), costs: Costs::default(), days, warm_up_days: days / 10.0 }
}

/// Sells ahead of whatever supply, without limit.
fn ahead() -> Policy {
    Policy {
        when_out: WhenOut::Backorder,
        backorder_cap: Cap::Unlimited,
        lead_time_days: Some(5),
        ..Policy::default()
    }
}

fn variant(reorder: Reorder) -> Variant {
    Variant { name: "only".into(), policy: None, reorder, slip_days: 0.0, demand_factor: 1.0 }
}

/// What is measured, what it is exactly, and where it is in an outcome.
type Exact<'a> = (&'a str, f64, &'a dyn Fn(&Outcome) -> f64);

/// Replications until the mean is known well enough, and whether its 99 % interval has the exact value in it.
#[track_caller]
fn holds(world: &World, variant: &Variant, runs: u64, measures: &[Exact<'_>]) {
    let outcomes: Vec<Outcome> =
        (0..runs).map(|run| simulate(world, variant, (7, run), start()).unwrap()).collect();
    let n = runs as f64;
    for (name, exact, of) in measures {
        let values: Vec<f64> = outcomes.iter().map(of).collect();
        let mean = values.iter().sum::<f64>() / n;
        let spread = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
        let half = student_half_width(n - 1.0, 0.99) * spread;
        assert!((mean - exact).abs() <= half, "{name}: {mean} ± {half}, not {exact}");
        assert!(half < 0.25 * exact, "{name}: {mean} ± {half} says nothing about {exact}");
    }
}

#[test]
fn base_stock_with_backorders_fills_as_palm_says() {
    // Case base-stock-s1.
    let world = world(1.5, 8, 600.0);
    let reorder = Reorder::Point { at: 7, units: 1, lead_days: 4.0 };
    holds(
        &world,
        &variant(reorder),
        24,
        &[
            ("fill", 0.743_979_760_453_717, &|outcome| outcome.fill_rate()),
            ("owed", 0.314_021_389_154_188_2, &|outcome| outcome.owed_mean),
            ("on hand", 2.314_021_389_154_188_3, &|outcome| outcome.on_hand_mean),
        ],
    );
}

#[test]
fn base_stock_without_backorders_loses_as_erlang_says() {
    let mut world = world(1.5, 8, 600.0);
    world.policy = Policy::default();
    world.goods.customers.accept = 0.0;
    let reorder = Reorder::Point { at: 7, units: 1, lead_days: 4.0 };
    let lost = 0.121_875_783_666_304_44;
    holds(&world, &variant(reorder), 24, &[("lost", lost, &|outcome| outcome.refused / outcome.asked)]);
}

#[test]
fn impatient_customers_leave_as_the_birth_death_chain_says() {
    // Case renege-s1.
    let input = ImpatientInput { demand_rate: 3.0, production_rate: 4.0, reneging_rate: 0.2, base_stock: 5 };
    let exact = impatient_make_to_stock(&input).unwrap();
    let mut world = world(3.0, 5, 500.0);
    world.goods.customers.cancel_rate = 0.2;
    let reorder = Reorder::Production { until: 5, rate: 4.0 };
    holds(
        &world,
        &variant(reorder),
        24,
        &[
            ("fill", exact.fill_rate, &|outcome| outcome.fill_rate()),
            ("owed", exact.expected_backorders, &|outcome| outcome.owed_mean),
            ("abandoned", exact.abandoned_fraction, &|outcome| outcome.cancelled / outcome.asked),
        ],
    );
}

#[test]
fn a_reorder_point_costs_what_federgruen_and_zheng_compute() {
    // Case rq-poisson-s1: r = 6, Q = 15, with 60 an order, 2 a unit held and 30 a unit owed a year.
    let world = world(3.0, 20, 500.0);
    let reorder = Reorder::Point { at: 6, units: 15, lead_days: 2.0 };
    let exact = 30.519_661_818_828_617;
    let cost = |outcome: &Outcome| 2.0 * outcome.on_hand_mean + 30.0 * outcome.owed_mean + 60.0 * 3.0 / 15.0;
    holds(&world, &variant(reorder), 24, &[("cost", exact, &cost)]);
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let mut world = world(0.8, 3, 60.0);
    world.goods.customers.patience_rate = 0.02;
    world.goods.customers.cancel_rate = 0.01;
    world.goods.late_days = vec![0, 0, 3, 9];
    let variants = [
        variant(Reorder::Point { at: 2, units: 10, lead_days: 14.0 }),
        Variant {
            name: "refuse".into(),
            policy: Some(Policy::default()),
            ..variant(Reorder::Point { at: 2, units: 10, lead_days: 14.0 })
        },
    ];
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
