//! Benchmarks: each figure beside the raw limit, measured in the same run.
//!
//! `cargo run --release -p bench -- GROUP [--only PART,PART] [--json]`. A machine is noisy and another one differs,
//! so ratios are what counts: both sides run in turn, several rounds, and the best round of each is taken. What a request
//! costs is also said in processor time of the server's threads, which a busy machine changes little.
#![expect(clippy::print_stdout, reason = "this is what a benchmark is for")]

mod allocation;
mod anchors;
mod cpu;
mod decide;
mod figures;
mod http;
mod insight;
mod messages;
mod pages;
mod postgres;
mod promise;
mod raw;
mod supply;
mod workload;

use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use figures::Figures;

const HELP: &str = "\
Usage: bench GROUP [--only PART,PART...] [--lines COUNT] [--json]

Groups and their parts (all of them unless --only names some):
  promise   inproc   durable orders a second in process, 1, 64 and 1024 in flight, beside the raw limit
            backlog  the same behind a million open lines
            http     orders, batches and availability over HTTP, beside a no-op endpoint of the same server
            traces   the same orders and availability without traces, with one request of a hundred traced, and with all
            import   lines a second of a year of invoices
  postgres  (on a private cluster)
            nodes    one node and two on one hot SKU, beside raw and beside one order a transaction
            mix      10,000 SKUs by Zipf, 1-5 lines, 10 % cancels, 1 % receipts
            tenants  eight shops pressed at once on one node, in one lane, two and four
            steady   latency at half the peak rate, on both engines
            backlog  memory and start with a backlog in the store: --lines COUNT open lines [default: 1000000], of which those
                     beyond a million are copies that the database makes
  allocation
            rules    a pool re-allocated under each rule, from a thousand to a million lines
            cores    many pools re-allocated on one thread and on all
            pack     which of 120 orders of 10 scarce SKUs to ship complete: what is proved within two seconds
            receipt  one that a hundred thousand lines wait for, beside one that ten do
            slip     orders while the promises of a million lines are made anew
  messages
            plan     a hundred thousand notices drafted from one slip
            send     mails a second to a local SMTP server, on one pool of connections
            timers   looking for what is due while a million timers wait, beside none
  pages     (of the shop's people and of shoppers, behind --lines COUNT open lines [default: 100000])
            preview  what a change to a delivery would do that a twentieth of them wait for
            others   every other page
  insight   demand, promises, backorders: how near the models that learn come to what happened, on real data
            forecasts  series forecast a second, by every method
            advice     advice for ten thousand SKUs
            simulation a thousand years of one SKU, by the engine's own code
            anchors    what queueing theory computes exactly beside what the simulated shop comes to

--json prints every figure once more on the last line: {\"figures\": {NAME: {\"value\": .., \"goal\": .., \"unit\": ..}}}

Examples:
  cargo run --release -p bench -- promise
  cargo run --release -p bench -- promise --only http --json";

/// What can be measured: a name, its parts in the order in which they are, and how.
struct Group {
    name: &'static str,
    parts: &'static [&'static str],
    run: fn(&mut Figures, &[&str]) -> anyhow::Result<()>,
}

const GROUPS: &[Group] = &[
    Group { name: "promise", parts: &promise::PARTS, run: promise::run },
    Group { name: "allocation", parts: &allocation::PARTS, run: allocation::run },
    Group { name: "postgres", parts: &postgres::PARTS, run: postgres::run },
    Group { name: "messages", parts: &messages::PARTS, run: messages::run },
    Group { name: "pages", parts: &pages::PARTS, run: pages::run },
    Group { name: "insight", parts: &insight::PARTS, run: insight::run },
];

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
    figures.lines = asked.lines;
    match (asked.group.run)(&mut figures, &asked.parts) {
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
    group: &'static Group,
    parts: Vec<&'a str>,
    lines: usize,
    json: bool,
}

impl<'a> Asked<'a> {
    fn read(args: &'a [String]) -> anyhow::Result<Self> {
        let (mut group, mut parts, mut lines, mut json) = (None, None, figures::LINES, false);
        let mut args = args.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            match arg.split_once('=').unwrap_or((arg, "")) {
                ("--json", "") => json = true,
                ("--only", "") => parts = Some(args.next().context("--only wants the names of parts")?),
                ("--only", given) => parts = Some(given),
                ("--lines", given) => {
                    let given = if given.is_empty() { args.next().unwrap_or_default() } else { given };
                    lines = given.parse().context("--lines wants a number")?;
                }
                (name, _) if group.is_none() && !name.starts_with('-') => group = Some(name),
                (other, _) => bail!("what is {other:?}?"),
            }
        }
        let names = || GROUPS.iter().map(|group| group.name).collect::<Vec<_>>().join(", ");
        let group = group.with_context(|| format!("name a group: {}", names()))?;
        let group = GROUPS
            .iter()
            .find(|known| known.name == group)
            .with_context(|| format!("there is no group {group:?}: expected {}", names()))?;
        let parts: Vec<&str> = match parts {
            Some(given) => given.split(',').map(str::trim).collect(),
            None => group.parts.to_vec(),
        };
        for part in &parts {
            ensure!(
                group.parts.contains(part),
                "{} has no part {part:?}: expected {}",
                group.name,
                group.parts.join(", ")
            );
        }
        Ok(Self { group, parts, lines, json })
    }
}
