//! `shipwhen import`: a file, or what comes in on standard input, is taken in ([`server::import`]).

use std::{fs::File, io::Read, ops::Deref, path::Path, process::ExitCode};

use anyhow::Context;
use connect::tables::{Currency, Kind};
use engine::Engine;
use model::id::LocationId;
use server::import::{Report, Setup};

use crate::{
    cli::ImportArgs,
    config::{Settings, Usage},
    house::{House, now, stamps},
    output,
};

pub(crate) fn run(settings: &Settings, args: &ImportArgs) -> anyhow::Result<ExitCode> {
    let kind: Kind = args.kind.parse().map_err(|_| {
        let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        Usage(format!("{:?} is no kind of table: expected one of {}", args.kind, known.join(", ")))
    })?;
    let currency = args.currency.as_deref().or(settings.file.currency.as_deref()).unwrap_or("USD");
    let currency = connect::tables::money::currency(currency)
        .ok_or_else(|| Usage(format!("{currency:?} is no currency (ISO 4217)")))?;
    let report = take_in(settings, args, kind, currency)?;
    print(settings, &report);
    let failed = args.strict && report.errors_total > 0;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Replays a file of kind `online-retail`.
pub fn online_retail_file(settings: &Settings, file: &Path) -> anyhow::Result<Report> {
    let args = ImportArgs {
        kind: Kind::OnlineRetail.as_str().to_owned(),
        file: file.to_owned(),
        dry_run: false,
        strict: false,
        currency: None,
        location: None,
    };
    take_in(settings, &args, Kind::OnlineRetail, Currency::USD)
}

/// An engine of one's own.
struct Own(Engine);

impl Deref for Own {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.0
    }
}

fn take_in(settings: &Settings, args: &ImportArgs, kind: Kind, currency: Currency) -> anyhow::Result<Report> {
    let source = open(&args.file)?;
    let location = args
        .location
        .as_deref()
        .map(LocationId::new)
        .transpose()
        .map_err(|error| Usage(format!("--location: {error}")))?;
    let house = House::open(settings)?;
    let tenant = house.tenant_or_new(settings)?;
    let (stamps, bar) = (stamps()?, output::progress(None, "rows"));
    let rows = bar.clone();
    let setup = Setup {
        engine: Box::new(Own(house.engine()?)),
        tenant,
        currency,
        now: now(),
        dry_run: args.dry_run,
        notes_deeds: false,
        location,
        stamp: Box::new(move |at| stamps.next(at)),
        on_row: Box::new(move || rows.inc(1)),
    };
    let report = server::import::take_in(setup, kind, source);
    bar.finish_and_clear();
    Ok(report?)
}

fn open(path: &Path) -> anyhow::Result<Box<dyn Read + Send>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(std::io::stdin()));
    }
    let file = File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    Ok(Box::new(file))
}

fn print(settings: &Settings, report: &Report) {
    if settings.json {
        output::json(report);
        return;
    }
    for bad in &report.errors {
        let column = bad.column.as_deref().map(|column| format!(", {column}")).unwrap_or_default();
        output::line(&format!("row {}{column}: {} ({})", bad.row, bad.detail, bad.code));
    }
    report.notes.iter().for_each(|note| output::line(note));
    let done = if report.dry_run { "would go in" } else { "went in" };
    output::line(&format!(
        "{} rows: {} {done}, {} had nothing to do, {} are bad",
        report.rows, report.imported, report.skipped, report.errors_total
    ));
}
