//! Runs simulations: many seeds, or one again.
#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::process::ExitCode;

use testkit::simulation::{Summary, run_in};

const HELP: &str = "\
Usage: simulate [--seeds COUNT] [--from SEED] [--lanes LANES] | --seed SEED [--lanes LANES]

  --seeds COUNT  that many seeds, one after the other [default: 1000]
  --from SEED    the first of them [default: 1]
  --seed SEED    that one alone: plays again what a failed run printed
  --lanes LANES  so many lanes in each engine, with a merchant each [default: 1]

Ends at the first thing that is wrong, with its seed, and exit status 1.

Examples:
  cargo run --release -p testkit --features simulation --bin simulate -- --seeds 1000000
  cargo run --release -p testkit --features simulation --bin simulate -- --seed 4711";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((from, count, lanes)) = asked(&args) else {
        println!("{HELP}");
        return ExitCode::from(2);
    };
    let mut total = Summary::default();
    for seed in from..from.saturating_add(count) {
        match run_in(seed, lanes) {
            Ok(summary) => total.add(&summary),
            Err(wrong) => {
                println!("{wrong}\n\nAgain: simulate --seed {} --lanes {lanes}", wrong.seed);
                return ExitCode::FAILURE;
            }
        }
        if (seed - from + 1) % 1_000 == 0 {
            println!("{} seeds: {total:?}", seed - from + 1);
        }
    }
    println!("{count} seeds from {from}: {total:?}");
    ExitCode::SUCCESS
}

/// The first seed, how many, and how many lanes; `None`: something else was typed.
fn asked(args: &[String]) -> Option<(u64, u64, usize)> {
    let (mut from, mut count, mut lanes) = (1, 1_000, 1);
    let mut args = args.iter();
    while let Some(name) = args.next() {
        let value: u64 = args.next()?.parse().ok()?;
        match name.as_str() {
            "--seeds" => count = value,
            "--from" => from = value,
            "--seed" => (from, count) = (value, 1),
            "--lanes" if (1..=8).contains(&value) => lanes = usize::try_from(value).ok()?,
            _ => return None,
        }
    }
    Some((from, count, lanes))
}
