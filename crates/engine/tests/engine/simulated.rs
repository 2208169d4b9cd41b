//! Shops at random on an engine whose store fails at every step. A night's worth: the command `simulate` of `testkit`.

use testkit::simulation::{Summary, run, run_in};

/// Seeds of an everyday run; others come with `simulate`.
const SEEDS: u64 = 150;

#[test]
fn whatever_fails_and_whenever_each_command_has_its_one_effect() {
    let mut total = Summary::default();
    for seed in 0..SEEDS {
        total.add(&run(seed).unwrap_or_else(|wrong| panic!("{wrong}")));
    }
    println!("{SEEDS} seeds: {total:?}");
    assert!(total.faults > SEEDS * 5 && total.crashes > SEEDS && total.replayed > SEEDS, "{total:?}");
    assert!(total.accepted > SEEDS * 10 && total.refused > SEEDS, "{total:?}");
}

#[test]
fn one_seed_is_one_run() {
    assert_eq!(run(7).unwrap(), run(7).unwrap());
    assert_eq!(run_in(7, 2).unwrap(), run_in(7, 2).unwrap());
}

/// Seeds of an everyday run with a merchant in each of two lanes.
const SEEDS_IN_LANES: u64 = 60;

#[test]
fn the_same_where_each_engine_has_two_lanes() {
    let mut total = Summary::default();
    for seed in 0..SEEDS_IN_LANES {
        total.add(&run_in(seed, 2).unwrap_or_else(|wrong| panic!("{wrong}")));
    }
    println!("{SEEDS_IN_LANES} seeds: {total:?}");
    assert!(total.faults > SEEDS_IN_LANES * 5 && total.crashes > SEEDS_IN_LANES, "{total:?}");
    assert!(total.accepted > SEEDS_IN_LANES * 10 && total.replayed > SEEDS_IN_LANES, "{total:?}");
}
