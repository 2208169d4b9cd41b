//! `shipwhen calc`: one formula or one legal clock at a time, and the tables it hands to models that learn from data.

use std::{fs::File, io::Read as _, num::NonZeroUsize, path::Path, process::ExitCode};

use anyhow::{Context, bail};
use connect::tables::Plain;
use insight::{
    calc::{Shell, calc_with},
    table::Table,
};
use obligation::legal::clock::{ClockInput, legal_clock};
use serde::Serialize;
use serde_json::Value;

use crate::{
    cli::CalcArgs,
    config::{Settings, Usage},
    output,
};

/// The one capability that is no formula of `insight`.
const LEGAL_CLOCK: Listed =
    Listed { name: "legal_clock", title: "deadlines of the law for one order; not legal advice" };

/// What `--list` says of one capability.
#[derive(Serialize)]
struct Listed {
    name: &'static str,
    title: &'static str,
}

/// Works one capability, or lists them all.
pub(crate) fn run(settings: &Settings, args: &CalcArgs) -> anyhow::Result<ExitCode> {
    if args.list {
        list(settings);
        return Ok(ExitCode::SUCCESS);
    }
    let (Some(capability), Some(input)) = (&args.capability, &args.input) else {
        return Err(Usage("name a formula and its input, or --list".to_owned()).into());
    };
    let input: Value = serde_json::from_str(&text(input)?).context("the input is not JSON")?;
    if capability == LEGAL_CLOCK.name {
        output::json(&clock(&input)?);
    } else {
        let read = |name: &str, path: &str| read(name, Path::new(path)).map_err(|error| format!("{error:#}"));
        let workers = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        output::json(&calc_with(capability, &input, Shell { read: &read, workers })?);
    }
    Ok(ExitCode::SUCCESS)
}

fn list(settings: &Settings) {
    let formulas =
        insight::calc::capabilities().iter().map(|known| Listed { name: known.name, title: known.title });
    let known: Vec<Listed> = formulas.chain([LEGAL_CLOCK]).collect();
    if settings.json {
        output::json(&known);
    } else {
        known.iter().for_each(|each| output::line(&format!("{:32} {}", each.name, each.title)));
    }
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

/// The input itself, or what the file or standard input holds.
fn text(input: &str) -> anyhow::Result<String> {
    if input.trim_start().starts_with('{') {
        return Ok(input.to_owned());
    }
    if input == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
        return Ok(text);
    }
    std::fs::read_to_string(input).with_context(|| format!("{input} cannot be read"))
}

/// Answers a legal clock. Errors name the field at fault first, as those of the formulas do.
fn clock(input: &Value) -> anyhow::Result<impl Serialize> {
    if !input.is_object() {
        bail!("input: must be a JSON object");
    }
    let question: ClockInput = serde_path_to_error::deserialize(input).map_err(|error| {
        let path = error.path().to_string();
        let problem = error.into_inner().to_string();
        anyhow::anyhow!("{}: {problem}", fault(&path, &problem))
    })?;
    Ok(legal_clock(&question)?)
}

/// Where in the input the fault lies. Of a field that is missing or not known, serde gives the path of the object around
/// it and names the field in its message; of one that is known but wrong, the path of the field.
fn fault(path: &str, problem: &str) -> String {
    let named = ["missing field `", "unknown field `"]
        .iter()
        .find_map(|start| problem.strip_prefix(start))
        .and_then(|rest| rest.split('`').next());
    match (path, named) {
        (".", None) => "input".to_owned(),
        (".", Some(name)) => name.to_owned(),
        (path, Some(name)) if !path.ends_with(name) => format!("{path}.{name}"),
        (path, _) => path.to_owned(),
    }
}
