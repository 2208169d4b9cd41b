//! `shipwhen calc`, and the tables it hands to models that learn from data.

use std::{fs::File, io::Read as _, num::NonZeroUsize, path::Path, process::ExitCode};

use anyhow::Context;
use connect::tables::Plain;
use insight::{
    calc::{Shell, calc_with},
    table::Table,
};
use serde_json::Value;

use crate::{
    cli::CalcArgs,
    config::{Settings, Usage},
    output,
};

/// Works one formula.
pub(crate) fn run(settings: &Settings, args: &CalcArgs) -> anyhow::Result<ExitCode> {
    if args.list {
        let known = insight::calc::capabilities();
        if settings.json {
            output::json(&known);
        } else {
            known.iter().for_each(|each| output::line(&format!("{:32} {}", each.name, each.title)));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let (Some(capability), Some(input)) = (&args.capability, &args.input) else {
        return Err(Usage("name a formula and its input, or --list".to_owned()).into());
    };
    let text = if input.trim_start().starts_with('{') {
        input.clone()
    } else if input == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
        text
    } else {
        std::fs::read_to_string(input).with_context(|| format!("{input} cannot be read"))?
    };
    let input: Value = serde_json::from_str(&text).context("the input is not JSON")?;
    let read = |name: &str, path: &str| read(name, Path::new(path)).map_err(|error| format!("{error:#}"));
    let shell =
        Shell { read: &read, workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN) };
    output::json(&calc_with(capability, &input, shell)?);
    Ok(ExitCode::SUCCESS)
}

/// Reads a table of a CSV file, which may be packed with gzip.
///
/// Errors: the file cannot be read, or a row cannot, by number: a model must not learn from half a table.
pub fn table(name: &str, path: &Path) -> anyhow::Result<Table> {
    read(name, path).with_context(|| name.to_owned())
}

fn read(name: &str, path: &Path) -> anyhow::Result<Table> {
    let mut plain = Plain::open(File::open(path)?)?;
    let mut table = Table::new(name, plain.names().to_vec());
    let mut row = Vec::new();
    while let Some(next) = plain.next(&mut row) {
        let number = next?;
        table.push(number, &row);
    }
    Ok(table)
}
