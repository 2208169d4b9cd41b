//! The backlog: who waits for what, in the order in which they will be served.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use ledger::Read;
use model::{
    Units,
    id::{Sku, TenantId},
    money::Money,
    supply::Supply,
    time::Timestamp,
};
use serde::Deserialize;

use super::{
    super::{Frame, owe::short_id, page, shop::encoded, words},
    Ask, Day, Fail, Local, bulk,
    views::{self, View},
    why,
};
use crate::{
    api::{
        backorders::{self, BackorderOut, Place, Query},
        params::Cursor,
        state::shop_with,
    },
    staff::May,
};

/// Lines on one page.
const SHOWN: usize = 50;

/// What to show.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cut {
    sku: String,
    supply: String,
    /// `allocated`: lines whose goods are here.
    state: String,
    overdue: String,
    broken: String,
    cursor: String,
}

#[derive(Template)]
#[template(path = "desk/backlog.html")]
struct List {
    frame: Frame,
    sku: String,
    supply: String,
    /// What the supply that is filtered by is called.
    supply_name: Option<String>,
    is_here: bool,
    is_overdue: bool,
    is_broken: bool,
    waiters: Vec<Waiter>,
    more: Option<String>,
    is_first: bool,
    problem: Option<String>,
    /// The filter by state as it was sent.
    state: String,
    views: Vec<View>,
    /// What can be done with lines that are ticked, by whoever looks.
    acts: Vec<(&'static str, &'static str)>,
    strategies: Vec<(&'static str, &'static str)>,
    picks: bool,
    most: usize,
    csv: String,
}

/// One line that waits.
pub(super) struct Waiter {
    pub(super) line: String,
    pub(super) position: i64,
    pub(super) href: String,
    pub(super) order: String,
    pub(super) who: String,
    pub(super) title: String,
    pub(super) product_href: String,
    pub(super) units: Units,
    /// What it waits for, in words, and where that is shown.
    pub(super) behind: String,
    pub(super) behind_href: String,
    pub(super) ships: Option<Day>,
    pub(super) told: Option<Day>,
    pub(super) value: String,
    pub(super) word: &'static str,
    pub(super) tone: &'static str,
}

/// Reads a stretch of the queue, as `GET /v1/backorders` does.
pub(super) fn find(
    ask: &Ask,
    reader: &mut dyn Read,
    tenant: &TenantId,
    query: &Query,
    from: Option<Place>,
) -> Result<(Vec<Waiter>, Option<Place>), Fail> {
    let local = Local::of(ask, tenant)?;
    let (lines, next) = backorders::find(reader, tenant, query, from)?;
    let mut skus: Vec<Sku> =
        lines.iter().flat_map(|line| [line.sku.clone(), line.blocked_by.sku.clone()]).collect();
    skus.sort_unstable();
    skus.dedup();
    let shop = shop_with(reader, tenant, &skus)?;
    let waiters = lines.iter().map(|line| {
        let pool = shop.pool(&line.blocked_by.sku);
        let supply = pool.and_then(|pool| pool.supply(line.supply));
        waiter(line, words::title(&shop, &line.sku), supply.map(|supply| &**supply), &local)
    });
    Ok((waiters.collect(), next))
}

fn waiter(line: &BackorderOut, title: String, supply: Option<&Supply>, local: &Local) -> Waiter {
    let ships = line.ship_by.promised;
    let told = line.told.promised;
    let is_broken = told.is_some_and(|told| ships.is_none_or(|ships| ships > told));
    let (word, tone) = match (supply.is_some_and(Supply::is_on_hand), line.overdue, is_broken, ships) {
        (_, true, ..) => ("Overdue", "late"),
        (_, _, true, _) => ("Later than told", "few"),
        (true, ..) => ("Here", "here"),
        (.., None) => ("No date", "late"),
        _ => ("Waits", "later"),
    };
    let name = line.customer.name.as_deref().or(line.customer.email.as_deref());
    Waiter {
        line: line.line.to_string(),
        position: line.position,
        href: format!("/orders/{}", line.order),
        order: line.reference.as_deref().map_or_else(|| short_id(&line.order), str::to_owned),
        who: name.unwrap_or("—").to_owned(),
        title,
        product_href: format!("/products/{}", encoded(line.sku.as_str())),
        units: line.quantity,
        behind: supply.map_or_else(|| "goods that just moved".to_owned(), why::name),
        behind_href: format!("/supply/{}", line.supply),
        ships: ships.map(|date| local.day(date)),
        told: told.map(|date| local.day(date)),
        value: line.value.map_or_else(|| "—".to_owned(), words::money),
        word,
        tone,
    }
}

impl Cut {
    /// The filters of a form.
    pub(super) fn of(sku: &str, supply: &str, state: &str, overdue: &str, broken: &str) -> Self {
        let own = str::to_owned;
        let (sku, supply, state) = (own(sku), own(supply), own(state));
        Self { sku, supply, state, overdue: own(overdue), broken: own(broken), cursor: String::new() }
    }

    /// What the API is asked. Errors: why a filter makes no sense.
    pub(super) fn query(&self, now: Timestamp, limit: usize) -> Result<Query, &'static str> {
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let sku = text(&self.sku).map(|sku| Sku::new(&sku)).transpose().map_err(
            |_| "That cannot be a SKU: it is too long, or has a blank or control character at an end.",
        )?;
        let supply = text(&self.supply).map(|id| id.parse()).transpose();
        Ok(Query {
            sku,
            supply: supply.map_err(|_| "That is no delivery of this shop.")?,
            here: self.state == "allocated",
            overdue: self.overdue == "true",
            broken: self.broken == "true",
            limit,
            now,
        })
    }

    /// The filters as they stand in an address.
    fn address(&self) -> String {
        let Self { sku, supply, state, overdue, broken, .. } = self;
        views::query(sku.trim(), supply.trim(), state, overdue, broken)
    }
}

/// `GET /backlog`.
pub(super) fn answer(ask: &Ask, cut: &Cut) -> Result<Response, Fail> {
    list(ask, cut, None, StatusCode::OK)
}

/// The same with what could not be done.
pub(super) fn with_problem(ask: &Ask, cut: &Cut, problem: &str) -> Result<Response, Fail> {
    list(ask, cut, Some(problem.to_owned()), StatusCode::UNPROCESSABLE_ENTITY)
}

fn list(ask: &Ask, cut: &Cut, problem: Option<String>, status: StatusCode) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let tenant = &visitor.tenant;
    let from = Some(&*cut.cursor).filter(|text| !text.is_empty());
    let from = match from {
        None => None,
        Some(text) => Some(Place::read(text).ok_or(Fail::NotFound)?),
    };
    let is_first = from.is_none();
    let mut problem = problem;
    let mut reader = ask.app.engine.store().reader()?;
    let (mut waiters, mut next, mut supply_name) = (Vec::new(), None, None);
    match cut.query(ask.now, SHOWN) {
        Ok(query) => {
            (waiters, next) = find(ask, &mut *reader, tenant, &query, from)?;
            if let Some(supply) = query.supply {
                supply_name = reader.supply(tenant, supply)?.map(|supply| why::name(&supply));
            }
        }
        Err(wrong) => problem = Some(wrong.to_owned()),
    }
    let address = cut.address();
    let joined = if address.is_empty() { String::new() } else { format!("{address}&") };
    let list = List {
        views: views::list(&mut *reader, &visitor, &address)?,
        acts: if visitor.role.may(May::Orders) { bulk::acts(&visitor) } else { Vec::new() },
        strategies: bulk::strategies(),
        picks: visitor.role.may(May::Orders),
        most: bulk::LINES_MAX,
        sku: cut.sku.trim().to_owned(),
        supply: cut.supply.trim().to_owned(),
        state: cut.state.clone(),
        supply_name,
        is_here: cut.state == "allocated",
        is_overdue: cut.overdue == "true",
        is_broken: cut.broken == "true",
        waiters,
        more: next.map(|place| format!("/backlog?{joined}cursor={}", encoded(&place.write()))),
        csv: format!("/backlog.csv?{address}"),
        is_first,
        problem,
        frame: Frame::of(ask, &visitor, "backlog"),
    };
    drop(reader);
    page(status, &list)
}

/// `GET /backlog.csv`: the lines that the page would show, page after page, up to so many.
pub(super) fn csv(ask: &Ask, cut: &Cut) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let query = cut.query(ask.now, 500).map_err(|_| Fail::NotFound)?;
    let mut reader = ask.app.engine.store().reader()?;
    let (mut rows, mut from) = (Vec::new(), None);
    loop {
        let (lines, next) = backorders::find(&mut *reader, &visitor.tenant, &query, from)?;
        let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().unwrap_or_default().to_owned();
        let date = |date: Option<model::time::Date>| date.map_or_else(String::new, |date| date.to_string());
        rows.extend(lines.iter().map(|line| {
            vec![
                line.position.to_string(),
                line.order.to_string(),
                text(&line.reference),
                line.line.to_string(),
                line.sku.to_string(),
                line.quantity.to_string(),
                line.supply.to_string(),
                line.location.to_string(),
                date(line.ship_by.promised),
                date(line.told.promised),
                text(&line.customer.name),
                text(&line.customer.email),
                line.value.map_or_else(String::new, Money::to_decimal),
                line.value.map_or_else(String::new, |value| value.currency.to_string()),
            ]
        }));
        from = next;
        if from.is_none() || rows.len() >= super::export::ROWS_MAX {
            break;
        }
    }
    drop(reader);
    let columns = [
        "position",
        "order",
        "reference",
        "line",
        "sku",
        "quantity",
        "supply",
        "location",
        "ship_by",
        "told",
        "name",
        "email",
        "value",
        "currency",
    ];
    super::export::file("backlog.csv", &columns, rows)
}
