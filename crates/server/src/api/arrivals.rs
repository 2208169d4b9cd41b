//! `GET /v1/arrivals`: what comes on which day.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use ledger::{Read, StoreError};
use model::{
    Units,
    id::{LineId, OrderId, SupplyId, TenantId},
    state::Shop,
    supply::Supply,
    time::{Date, Timestamp, days_since_epoch},
    view::SupplyView,
};
use serde::Serialize;
use uuid::Uuid;

use super::{
    auth::{Allowed, SuppliesRead},
    clock::Now,
    params::{Page, Params},
    problem::Problem,
    schema,
    state::{Api, json, shop_with},
    written::Day,
};

/// Most days asked for at once.
const DAYS_MAX: i32 = 400;
/// Most supplies of one day that are named.
pub(crate) const A_DAY_MAX: usize = 500;
/// Lines that wait for a supply are counted up to here.
pub(crate) const WAITING_MAX: usize = 10_000;

/// What comes on one day.
#[derive(Serialize)]
pub(crate) struct DayOut {
    pub(crate) date: Day,
    /// How many deliveries.
    pub(crate) deliveries: i64,
    pub(crate) units: Units,
    /// The first entered of them.
    pub(crate) first: Vec<ArrivalOut>,
}

/// A delivery, and who waits for it.
#[derive(Serialize)]
pub(crate) struct ArrivalOut {
    #[serde(flatten)]
    pub(crate) view: SupplyView,
    pub(crate) lines_waiting: usize,
    pub(crate) late: bool,
}

/// Deliveries day by day, from one date to another.
pub(crate) fn days(
    store: &mut dyn Read,
    tenant: &TenantId,
    shop: &Shop,
    (from, to, a_day): (Date, Date, usize),
    now: Timestamp,
) -> Result<Vec<DayOut>, StoreError> {
    let found = store.arrival_days(tenant, (from, to), a_day)?;
    let mut days = Vec::with_capacity(found.len());
    for day in found {
        let mut first = Vec::with_capacity(day.first.len());
        for supply in &day.first {
            first.push(ArrivalOut {
                view: promise::supply_view(shop, supply, now),
                lines_waiting: waiting(store, tenant, supply.id)?,
                late: is_late(shop, supply, now),
            });
        }
        days.push(DayOut { date: Day(day.date), deliveries: day.supplies, units: day.units, first });
    }
    Ok(days)
}

/// How many lines wait for a supply.
fn waiting(store: &mut dyn Read, tenant: &TenantId, supply: SupplyId) -> Result<usize, StoreError> {
    // All that stand before whoever would be last.
    let last = LineId { order: OrderId(Uuid::max()), no: u16::MAX };
    store.ahead(tenant, supply, last, WAITING_MAX)
}

/// Whether a delivery should have come, by the day of the place it goes to.
fn is_late(shop: &Shop, supply: &Supply, now: Timestamp) -> bool {
    let today = shop.locations.get(&supply.location).map(|place| place.today(now));
    let is_over = today.zip(supply.expected_on).is_some_and(|(today, date)| date < today);
    is_over && !supply.kind.is_elastic()
}

/// List what comes, day by day
///
/// Deliveries that are due on a date, each day that has any: how many, their units, and the first entered of them with how many
/// order lines wait for each. For a calendar.
#[utoipa::path(
    get, path = "/v1/arrivals", tag = "Supplies", operation_id = "list_arrivals",
    params(
        ("from" = String, Query, description = "The first day", format = Date),
        ("to" = String, Query, description = "The last day; 400 days at most", format = Date),
        ("a_day" = Option<i64>, Query, description = "Deliveries of a day that are named; 10 unless given", minimum = 0, maximum = 500),
    ),
    responses((status = 200, description = "The days, in order", body = schema::ArrivalPage)),
    security(("key" = ["supplies:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesRead>,
    Now(now): Now,
    mut params: Params,
) -> Result<Response, Problem> {
    let (from, to) = (day(&mut params, "from"), day(&mut params, "to"));
    let most = i64::try_from(A_DAY_MAX).unwrap_or(i64::MAX);
    let a_day = params.number("a_day", 0, most).and_then(|a_day| usize::try_from(a_day).ok()).unwrap_or(10);
    if let Some((from, to)) = from.zip(to) {
        let span = days_since_epoch(to) - days_since_epoch(from);
        if !(0..DAYS_MAX).contains(&span) {
            let detail = format!("not before `from`, and {DAYS_MAX} days at most");
            params.checks.wrong(format_args!("to"), "out_of_range", detail);
        }
    }
    params.finish()?;
    let (from, to) = from.zip(to).ok_or_else(Problem::defect)?;
    let tenant = allowed.caller.tenant.clone();
    let items = api
        .read(move |store| {
            let shop = shop_with(store, &tenant, &[])?;
            days(store, &tenant, &shop, (from, to, a_day), now)
        })
        .await?;
    json(StatusCode::OK, &Page::new(items, None::<&SupplyId>))
}

/// A date that must be given.
fn day(params: &mut Params, name: &'static str) -> Option<Date> {
    match params.text(name) {
        Some(text) => params.checks.date(format_args!("{name}"), &text),
        None => {
            params.checks.wrong(format_args!("{name}"), "required", "a date such as 2026-12-01");
            None
        }
    }
}
