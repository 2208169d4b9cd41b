//! The `shipwhen` command: the one place that reads the system's clock, its entropy and its environment.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod advise;
pub mod calc;
mod cli;
pub mod config;
mod demo;
mod export;
mod house;
pub mod import;
mod keys;
mod maintain;
mod moving;
mod output;
mod plan;
mod serve;
mod simulate;
pub mod traces;
mod users;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

/// Requests are opened on one thread and closed on another all the time; the system's allocator takes locks for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the command that was typed.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no mistakes; everything else is wrong usage.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            output::error(&error);
            ExitCode::from(if error.is::<config::Usage>() { 2 } else { 1 })
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let settings = config::settings(&cli.global)?;
    match cli.command {
        Command::Demo(args) => serve::demo(&settings, &args),
        Command::Serve(args) => serve::serve(&settings, &args),
        Command::Import(args) => import::run(&settings, &args),
        Command::Export(args) => export::run(&settings, &args),
        Command::Verify => maintain::verify(&settings),
        Command::Keys(args) => keys::run(&settings, &args),
        Command::Advise(args) => advise::run(&settings, &args),
        Command::Plan(args) => plan::run(&settings, &args),
        Command::Simulate(args) => simulate::run(&settings, &args),
        Command::Users(args) => users::run(&settings, &args),
        Command::Calc(args) => calc::run(&settings, &args),
        Command::Backup(args) => maintain::backup(&settings, &args),
        Command::Move(args) => moving::run(&settings, &args),
        Command::Restore(args) => maintain::restore(&settings, &args),
    }
}
