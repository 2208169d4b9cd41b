//! The backlog: who waits for what, in the order in which they will be served.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use ledger::Read;
use model::{
    Units,
    id::{Sku, SupplyId, TenantId},
    supply::Supply,
};
use serde::Deserialize;

use super::{
    super::{Frame, owe::short_id, page, shop::encoded, words},
    Ask, Day, Fail, Local, why,
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
    problem: Option<&'static str>,
}

/// One line that waits.
pub(super) struct Waiter {
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

/// `GET /backlog`.
pub(super) fn answer(ask: &Ask, cut: &Cut) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let tenant = &visitor.tenant;
    let (sku_text, supply_text) = (cut.sku.trim(), cut.supply.trim());
    let sku = Some(sku_text).filter(|text| !text.is_empty()).map(Sku::new).transpose();
    let supply: Result<Option<SupplyId>, _> =
        Some(supply_text).filter(|text| !text.is_empty()).map(str::parse).transpose();
    let from = Some(&*cut.cursor).filter(|text| !text.is_empty());
    let from = match from {
        None => None,
        Some(text) => Some(Place::read(text).ok_or(Fail::NotFound)?),
    };
    let is_first = from.is_none();
    let is = |text: &str| text == "true";
    let mut problem = None;
    let mut reader = ask.app.engine.store().reader()?;
    let (mut waiters, mut next, mut supply_name) = (Vec::new(), None, None);
    match (sku, supply) {
        (Ok(sku), Ok(supply)) => {
            let query = Query {
                sku,
                supply,
                here: cut.state == "allocated",
                overdue: is(&cut.overdue),
                broken: is(&cut.broken),
                limit: SHOWN,
                now: ask.now,
            };
            (waiters, next) = find(ask, &mut *reader, tenant, &query, from)?;
            if let Some(supply) = supply {
                supply_name = reader.supply(tenant, supply)?.map(|supply| why::name(&supply));
            }
        }
        (Err(_), _) => {
            problem =
                Some("That cannot be a SKU: it is too long, or has a blank or control character at an end.");
        }
        (_, Err(_)) => problem = Some("That is no delivery of this shop."),
    }
    let list = List {
        sku: sku_text.to_owned(),
        supply: supply_text.to_owned(),
        supply_name,
        is_here: cut.state == "allocated",
        is_overdue: is(&cut.overdue),
        is_broken: is(&cut.broken),
        waiters,
        more: next.map(|place| {
            let encode = |name: &str, value: &str| {
                if value.is_empty() { String::new() } else { format!("{name}={}&", encoded(value)) }
            };
            let filters = [
                encode("sku", sku_text),
                encode("supply", supply_text),
                encode("state", &cut.state),
                encode("overdue", &cut.overdue),
                encode("broken", &cut.broken),
            ];
            format!("/backlog?{}cursor={}", filters.concat(), encoded(&place.write()))
        }),
        is_first,
        problem,
        frame: Frame::of(ask, &visitor, "backlog"),
    };
    page(StatusCode::OK, &list)
}
