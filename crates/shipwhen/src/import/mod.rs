//! `shipwhen import`: tables people bring become commands.
//!
//! One file a kind of table says what its rows mean; this one reads, sends, counts and reports. A row is imported when the
//! engine has made its commands durable; it is skipped when there was nothing to do, as in a file taken in twice.

mod items;
mod online_retail;
mod orders;
mod session;
mod stock;
mod supplies;

use std::{fs::File, io::Read, path::Path, process::ExitCode};

use anyhow::Context;
use connect::tables::{self, Currency, Kind};
use serde::Serialize;

use crate::{
    cli::ImportArgs,
    config::{Settings, Usage},
    house::House,
    output,
};
use session::Session;
pub(crate) use session::owed_reference;

/// Most row errors kept; all are counted.
const ERRORS_KEPT_MAX: usize = 10_000;

/// One bad row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadRow {
    /// Its number as a spreadsheet shows it: the header is row 1.
    pub row: u64,
    /// What kind of mistake, stable.
    pub code: String,
    /// The column, where one is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What is wrong, for a person.
    pub detail: String,
}

/// What an import came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Rows read, without the header.
    pub rows: u64,
    /// Rows that went in.
    pub imported: u64,
    /// Rows with nothing to do: there already, or no goods.
    pub skipped: u64,
    /// Rows that did not go in: the first ten thousand of them.
    pub errors: Vec<BadRow>,
    /// All rows that did not go in.
    pub errors_total: u64,
    /// What a person should know about the file as a whole.
    pub notes: Vec<String>,
    /// True where nothing was changed.
    pub dry_run: bool,
}

impl Report {
    /// Counts a bad row.
    fn bad(&mut self, row: u64, code: &str, column: Option<&str>, detail: impl Into<String>) {
        self.errors_total += 1;
        if self.errors.len() < ERRORS_KEPT_MAX {
            let column = column.map(str::to_owned);
            self.errors.push(BadRow { row, code: code.to_owned(), column, detail: detail.into() });
        }
    }

    fn unread(&mut self, error: &tables::RowError) {
        self.bad(error.row, error.code, error.column, error.detail.clone());
    }
}

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

fn take_in(settings: &Settings, args: &ImportArgs, kind: Kind, currency: Currency) -> anyhow::Result<Report> {
    let source = open(&args.file)?;
    let house = House::open(settings)?;
    let tenant = house.tenant_or_new(settings)?;
    let mut session = Session::start(&house, tenant, currency, args)?;
    match kind {
        Kind::Skus => items::skus(&mut session, source)?,
        Kind::ShopifyProducts => items::shopify(&mut session, source)?,
        Kind::WoocommerceProducts => items::woocommerce(&mut session, source)?,
        Kind::Stock => stock::stock(&mut session, source)?,
        Kind::ShopifyInventory => stock::shopify(&mut session, source)?,
        Kind::Supplies => supplies::supplies(&mut session, source)?,
        Kind::Orders => orders::orders(&mut session, source)?,
        Kind::OnlineRetail => online_retail::replay(&mut session, source)?,
    }
    session.finish()
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
