//! Shops at random on an engine whose store fails at every step. A night's worth: the command `simulate` of `testkit`.

use testkit::simulation::{Summary, run};

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
}
