//! Benchmarks: each figure beside the raw limit, measured in the same run.
//!
//! `cargo run --release -p bench -- promise [--json]`. A machine is noisy and another one differs, so ratios are what counts:
//! both sides run in turn, several rounds, and the best round of each is taken.
#![expect(clippy::print_stdout, reason = "this is what a benchmark is for")]

mod figures;
mod http;
mod insight;
mod promise;
mod raw;
mod workload;

use std::process::ExitCode;

use figures::Figures;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let json = args.iter().any(|arg| arg == "--json");
    let group = args.iter().find(|arg| !arg.starts_with("--")).map(String::as_str);
    let mut figures = Figures::new(json);
    let done = match group {
        Some("insight") => insight::run(&mut figures),
        Some("forecasts") => insight::forecasts(&mut figures),
        Some("promise") => promise::run(&mut figures),
        Some(group) => Err(anyhow::anyhow!("there is no group {group:?}: expected insight or promise")),
        None => Err(anyhow::anyhow!("name a group: insight or promise")),
    };
    match done {
        Ok(()) => {
            figures.print();
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
