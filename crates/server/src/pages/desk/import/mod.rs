//! Tables that people bring: pasted or dropped on the page, recognised by their columns, tried before they go in.

mod undo;

use std::{ops::Deref, sync::Arc};

use askama::Template;
use axum::{http::StatusCode, response::Response};
use connect::tables::{Kind, Plain, money, read_header, recognise};
use engine::Engine;
use serde::Deserialize;

use super::{
    super::{Frame, page, words},
    App, Ask, Fail,
};
use crate::{
    import::{ImportError, Report, Setup, take_in},
    staff::{May, Visitor},
};

/// Largest form taken, in bytes: some hundred thousand rows. Larger files go in by `shipwhen import`.
pub(super) const BYTES_MAX: usize = 16 << 20;
/// Rows shown of a table.
const ROWS_SHOWN: usize = 5;
/// Columns shown of a table.
const COLUMNS_SHOWN: usize = 12;
/// Bad rows shown.
const BAD_SHOWN: usize = 100;

/// The form as it was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    table: String,
    /// A kind's name; empty: by its columns.
    kind: String,
    currency: String,
    /// `take`: it goes in. Anything else tries it.
    act: String,
}

#[derive(Template)]
#[template(path = "desk/import.html")]
struct Page {
    frame: Frame,
    sent: Sent,
    kinds: Vec<(&'static str, &'static str)>,
    seen: Option<Seen>,
    /// The last imports.
    last: Vec<undo::Listed>,
    problem: Option<String>,
}

/// What a table is, and what taking it in does or did.
struct Seen {
    kind: &'static str,
    what: &'static str,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Columns that are not shown.
    more_columns: usize,
    report: Report,
    /// Rows, those that went in, those with nothing to do, bad ones.
    counts: (String, String, String, String),
    bad: Vec<(u64, String, String)>,
    more_bad: u64,
    is_done: bool,
    /// Where it can be taken back.
    undo: Option<String>,
}

/// A count of rows as a page shows it.
fn number(rows: u64) -> String {
    words::count(i64::try_from(rows).unwrap_or(i64::MAX))
}

/// What a kind of table is, for a person.
fn what(kind: Kind) -> &'static str {
    match kind {
        Kind::Skus => "our own list of products",
        Kind::Stock => "our own count of stock",
        Kind::Supplies => "our own list of deliveries",
        Kind::Orders => "our own list of orders",
        Kind::ShopifyProducts => "Shopify’s product export",
        Kind::ShopifyInventory => "Shopify’s inventory export",
        Kind::WoocommerceProducts => "WooCommerce’s product export",
        Kind::OnlineRetail => "Online Retail invoices",
    }
}

/// The server's engine, for as long as an import needs it.
struct Shared(Arc<App>);

impl Deref for Shared {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.0.engine
    }
}

/// `GET /import`.
pub(super) fn show(ask: &Ask) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Goods)?;
    answer(ask, &visitor, Sent::default(), None, None, StatusCode::OK)
}

fn answer(
    ask: &Ask,
    visitor: &Visitor,
    sent: Sent,
    seen: Option<Seen>,
    problem: Option<String>,
    status: StatusCode,
) -> Result<Response, Fail> {
    let page_ = Page {
        kinds: Kind::ALL.map(|kind| (kind.as_str(), what(kind))).to_vec(),
        frame: Frame::of(ask, visitor, "import"),
        last: if seen.is_none() { undo::list(ask, &visitor.tenant)? } else { Vec::new() },
        sent,
        seen,
        problem,
    };
    page(status, &page_)
}

/// `POST /import`: tries a table, or takes it in.
pub(super) fn take(ask: &Ask, sent: Sent) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Goods)?;
    let again = |sent: Sent, problem: &str| {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        answer(ask, &visitor, sent, None, Some(problem.to_owned()), status)
    };
    if sent.table.trim().is_empty() {
        return again(sent, "Please choose a file, or paste a table with its header row.");
    }
    let header = match read_header(sent.table.as_bytes()) {
        Ok(header) => header,
        Err(error) => {
            let problem = format!("{}.", words::sentence(&error.to_string()));
            return again(sent, &problem);
        }
    };
    let kind = match sent.kind.parse() {
        Ok(kind) => kind,
        Err(_) => match recognise(&header) {
            Some(kind) => kind,
            None => {
                return again(
                    sent,
                    "Its columns could be of several kinds of table. Please say below which it is.",
                );
            }
        },
    };
    let currency = sent.currency.trim();
    let Some(currency) = money::currency(if currency.is_empty() { "USD" } else { currency }) else {
        return again(sent, "Please give the currency as three letters, such as EUR.");
    };
    let is_done = sent.act == "take";
    let tenant = ask.app.engine.store().reader()?.tenant(&visitor.tenant)?.ok_or(Fail::NotFound)?;
    let app = Arc::clone(&ask.app);
    let setup = Setup {
        engine: Box::new(Shared(Arc::clone(&ask.app))),
        tenant,
        currency,
        now: ask.now,
        dry_run: !is_done,
        notes_deeds: is_done,
        location: None,
        stamp: Box::new(move |at| app.stamps.next(at)),
        on_row: Box::new(|| {}),
    };
    let report = match take_in(setup, kind, sent.table.as_bytes()) {
        Ok(report) => report,
        Err(ImportError::Open(error)) => {
            let problem = format!("{}.", words::sentence(&error.to_string()));
            return again(sent, &problem);
        }
        Err(ImportError::Store(error)) => return Err(error.into()),
        Err(ImportError::Engine(failure)) => return Err(failure.into()),
        Err(ImportError::Odd(text)) => return again(sent, &format!("{}.", words::sentence(&text))),
    };
    let undo = undo::note(ask, &visitor, kind.as_str(), &report)?;
    let seen = Seen { undo, ..seen(&sent.table, kind, header, report, is_done) };
    answer(ask, &visitor, sent, Some(seen), None, StatusCode::OK)
}

fn seen(table: &str, kind: Kind, mut header: Vec<String>, report: Report, is_done: bool) -> Seen {
    let mut rows = Vec::new();
    if let Ok(mut plain) = Plain::open(table.as_bytes()) {
        let mut row = Vec::new();
        while rows.len() < ROWS_SHOWN {
            match plain.next(&mut row) {
                Some(Ok(_)) => rows.push(row.iter().take(COLUMNS_SHOWN).cloned().collect()),
                // The report names it.
                Some(Err(error)) if !error.ends_file() => {}
                _ => break,
            }
        }
    }
    let more_columns = header.len().saturating_sub(COLUMNS_SHOWN);
    header.truncate(COLUMNS_SHOWN);
    let bad = report
        .errors
        .iter()
        .take(BAD_SHOWN)
        .map(|bad| (bad.row, bad.column.clone().unwrap_or_default(), words::sentence(&bad.detail)));
    let bad: Vec<_> = bad.collect();
    let Report { rows: all, imported, skipped, errors_total, .. } = report;
    Seen {
        counts: (number(all), number(imported), number(skipped), number(errors_total)),
        kind: kind.as_str(),
        what: what(kind),
        more_bad: report.errors_total - u64::try_from(bad.len()).unwrap_or(0),
        bad,
        header,
        rows,
        more_columns,
        report,
        is_done,
        undo: None,
    }
}

/// `GET /import/runs/{id}`.
pub(super) fn show_run(ask: &Ask, id: &str) -> Result<Response, Fail> {
    undo::show(ask, id)
}

/// `POST /import/runs/{id}`.
pub(super) fn take_back(ask: &Ask, id: &str) -> Result<Response, Fail> {
    undo::go(ask, id)
}
