//! Benchmarks: each figure beside the raw limit, measured in the same run.
//!
//! `cargo run --release -p bench -- promise [--only http,inproc] [--json]`. A machine is noisy and another one differs,
//! so ratios are what counts: both sides run in turn, several rounds, and the best round of each is taken. What a request
//! costs is also said in processor time of the server's threads, which a busy machine changes little.
#![expect(clippy::print_stdout, reason = "this is what a benchmark is for")]

mod cpu;
mod figures;
mod http;
mod promise;
mod raw;
mod workload;

use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use figures::Figures;

const HELP: &str = "\
Usage: bench GROUP [--only PART,PART...] [--json]

Groups and their parts (all of them unless --only names some):
  promise   inproc   durable orders a second in process, 1, 64 and 1024 in flight, beside the raw limit
            backlog  the same behind a million open lines
            http     orders, batches and availability over HTTP, beside a no-op endpoint of the same server
            import   lines a second of a year of invoices

--json prints every figure once more on the last line: {\"figures\": {NAME: {\"value\": .., \"goal\": .., \"unit\": ..}}}

Examples:
  cargo run --release -p bench -- promise
  cargo run --release -p bench -- promise --only http --json";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let asked = match Asked::read(&args) {
        Ok(asked) => asked,
        Err(error) => {
            println!("bench: {error:#}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let mut figures = Figures::new(asked.json);
    match promise::run(&mut figures, &asked.parts) {
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

/// What the command line asks for.
struct Asked<'a> {
    parts: Vec<&'a str>,
    json: bool,
}

impl<'a> Asked<'a> {
    fn read(args: &'a [String]) -> anyhow::Result<Self> {
        let (mut group, mut parts, mut json) = (None, None, false);
        let mut args = args.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            match arg.split_once('=').unwrap_or((arg, "")) {
                ("--json", "") => json = true,
                ("--only", "") => parts = Some(args.next().context("--only wants the names of parts")?),
                ("--only", given) => parts = Some(given),
                (name, _) if group.is_none() && !name.starts_with('-') => group = Some(name),
                (other, _) => bail!("what is {other:?}?"),
            }
        }
        match group {
            Some("promise") => {}
            Some(group) => bail!("there is no group {group:?}: expected promise"),
            None => bail!("name a group: promise"),
        }
        let parts: Vec<&str> = match parts {
            Some(given) => given.split(',').map(str::trim).collect(),
            None => promise::PARTS.to_vec(),
        };
        for part in &parts {
            ensure!(
                promise::PARTS.contains(part),
                "promise has no part {part:?}: expected {}",
                promise::PARTS.join(", ")
            );
        }
        Ok(Self { parts, json })
    }
}
