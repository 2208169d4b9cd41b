//! `/v1/suppliers`: how well suppliers keep their dates.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, http::StatusCode, response::Response};
use evidence::{Scorecard, Shown, scorecard};
use ledger::{Read, Shelf, StoreError};
use model::{
    Units,
    id::TenantId,
    lateness::{OF_ALL, RECEIPTS, Receipts, of_supplier},
    supply::Supply,
    time::{Date, Timestamp},
};
use promise::lateness::learned;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::{
    auth::{Allowed, DecisionsRead},
    clock::Now,
    params::{Page, Params},
    problem::Problem,
    schema,
    state::{Api, json},
};

use super::Histories;

/// Most open supplies looked at.
const OPEN_MAX: usize = 5_000;

/// What some receipts show. Days count from the first date a supplier gave.
#[derive(Serialize, ToSchema)]
#[schema(as = SupplierReceipts)]
pub(crate) struct ShownOut {
    /// How many receipts.
    receipts: usize,
    /// Share that came on the first date given or before.
    on_time: f64,
    /// The middle of the days late; below zero: early.
    late_days_median: i32,
    /// Days that cover nine of ten; null with fewer than nine receipts.
    late_days_p90: Option<i32>,
    /// Share that came by the date that was promised on it: what a promise is worth. It aims at 0.9.
    coverage: f64,
    /// Mean pinball loss at 0.9 of the dates promised, in days: lower is better.
    pinball_promised: f64,
    /// The same of the dates as the supplier gave them.
    pinball_given: f64,
}

/// A month of receipts.
#[derive(Serialize, ToSchema)]
#[schema(as = SupplierMonth)]
pub(crate) struct MonthOut {
    /// Which.
    #[schema(example = "2026-03")]
    month: String,
    /// Receipts in it.
    receipts: usize,
    /// Share of them that came by the date promised.
    coverage: f64,
}

/// How late the next supply is thought to be.
#[derive(Serialize, ToSchema)]
#[schema(as = SupplierLateness)]
pub(crate) struct NextOut {
    /// Days added to the date given for what is expected.
    expected_days: u16,
    /// Days added to it for what is promised.
    promised_days: u16,
    /// Receipts this is learned from; 0: a buffer, as there are too few.
    learned_from: u32,
    /// Where it comes from, in words.
    why: String,
}

/// A supplier's scorecard.
#[derive(Serialize, ToSchema)]
#[schema(as = Supplier)]
pub(crate) struct SupplierOut {
    /// Its name, as supplies name it.
    supplier: String,
    /// How late what it sends next is thought to be.
    next: NextOut,
    /// Everything that is kept of it; null where nothing has come.
    all: Option<ShownOut>,
    /// Its newest ten receipts.
    recent: Option<ShownOut>,
    /// Share of supplies on time it is thought to reach.
    on_time_mean: Option<f64>,
    /// Below this in 5 % of the cases.
    on_time_low: Option<f64>,
    /// By month, the oldest first.
    months: Vec<MonthOut>,
    /// Supplies that are due.
    open: i64,
    /// Units in them.
    #[schema(value_type = i64)]
    open_units: Units,
    /// Of the supplies, those whose date is over.
    overdue: i64,
}

fn shown(shown: &Shown) -> ShownOut {
    ShownOut {
        receipts: shown.receipts,
        on_time: shown.on_time,
        late_days_median: shown.late_days_median,
        late_days_p90: shown.late_days_p90,
        coverage: shown.kept,
        pinball_promised: shown.pinball_promised,
        pinball_given: shown.pinball_given,
    }
}

#[derive(Default)]
struct Open {
    count: i64,
    units: Units,
    overdue: i64,
}

fn next(own: &Receipts, all: &Receipts) -> NextOut {
    match learned(&own.days(), &all.days()) {
        Some(found) => {
            let whose =
                if own.came.len() >= promise::lateness::OWN_MIN { "its own" } else { "all suppliers'" };
            let few = found.learned_from < promise::lateness::BOUND_MIN;
            let few = if few { "; so few that the latest counts for what is promised" } else { "" };
            NextOut {
                expected_days: found.expected_days,
                promised_days: found.promised_days,
                learned_from: found.learned_from,
                why: format!(
                    "{whose} newest {} receipts, from the first date given{few}",
                    found.learned_from
                ),
            }
        }
        None => {
            let buffer = model::supply::Lateness::buffer(model::supply::Lateness::BUFFER_DAYS_DEFAULT);
            let came = own.came.len();
            NextOut {
                expected_days: buffer.expected_days,
                promised_days: buffer.promised_days,
                learned_from: 0,
                why: format!("a buffer: {came} receipts are too few to learn from"),
            }
        }
    }
}

fn find(
    histories: &Histories,
    store: &mut dyn Read,
    tenant: &TenantId,
    (today, wanted): (Date, Option<&str>),
    (after, limit): (Option<String>, usize),
) -> Result<Vec<SupplierOut>, StoreError> {
    let mut open: BTreeMap<Arc<str>, Open> = BTreeMap::new();
    for supply in store.arrivals(tenant, OPEN_MAX)? {
        let Supply { supplier: Some(supplier), quantity, expected_on, .. } = supply else { continue };
        let open = open.entry(supplier).or_default();
        open.count += 1;
        open.units += quantity;
        open.overdue += i64::from(expected_on.is_some_and(|date| date < today));
    }
    let cards: BTreeMap<Arc<str>, Option<Scorecard>> = histories.look(store, tenant, |history| {
        let known = history.suppliers().map(|(name, supplier)| (Arc::clone(name), scorecard(supplier)));
        known.collect()
    })?;
    let mut names: Vec<Arc<str>> = open.keys().chain(cards.keys()).cloned().collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| {
        wanted.is_none_or(|wanted| wanted == &**name) && after.as_deref().is_none_or(|after| &**name > after)
    });
    names.truncate(limit);
    let mut ids: Vec<Arc<str>> = names.iter().map(|name| of_supplier(name)).collect();
    ids.push(OF_ALL.into());
    let ids: Vec<&str> = ids.iter().map(|id| &**id).collect();
    let kept: BTreeMap<Arc<str>, Receipts> = store
        .records(tenant, Shelf::Ledger, RECEIPTS, &ids)?
        .into_iter()
        .filter_map(|record| Some((Arc::clone(&record.id), record.read().ok()??)))
        .collect();
    let (none, none_open) = (Receipts::default(), Open::default());
    let all = kept.get(OF_ALL).unwrap_or(&none);
    let out = names.into_iter().map(|name| {
        let card = cards.get(&name).and_then(Option::as_ref);
        let open = open.get(&name).unwrap_or(&none_open);
        let months = card.map(|card| &card.months[..]).unwrap_or_default();
        let month = |(month, receipts, coverage): &(String, usize, f64)| MonthOut {
            month: month.clone(),
            receipts: *receipts,
            coverage: *coverage,
        };
        SupplierOut {
            next: next(kept.get(&of_supplier(&name)).unwrap_or(&none), all),
            all: card.map(|card| shown(&card.all)),
            recent: card.map(|card| shown(&card.recent)),
            on_time_mean: card.map(|card| card.reliability.0),
            on_time_low: card.map(|card| card.reliability.1),
            months: months.iter().map(month).collect(),
            open: open.count,
            open_units: open.units,
            overdue: open.overdue,
            supplier: name.to_string(),
        }
    });
    Ok(out.collect())
}

/// List suppliers' scorecards
///
/// Who has sent something or is to: how late goods come after the first date given, whether promises made on it were kept
/// (`coverage`) and what they cost (`pinball_promised`, in days), by month, and how late the next supply is thought to be.
#[utoipa::path(
    get, path = "/v1/suppliers", tag = "Decisions", operation_id = "list_suppliers",
    params(("supplier" = Option<String>, Query, description = "Only this one")),
    responses((status = 200, description = "Scorecards by name", body = schema::SupplierPage)),
    security(("key" = ["decisions:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<DecisionsRead>,
    Now(now): Now,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, after) = (params.limit(), params.cursor::<String>());
    let wanted = params.text("supplier");
    params.finish()?;
    let today = utc_date(now);
    let items = api
        .ledger_shows(&allowed.caller, move |histories, store, tenant| {
            find(histories, store, tenant, (today, wanted.as_deref()), (after, limit + 1))
        })
        .await?;
    json(StatusCode::OK, &Page::cut(items, limit, |item: &SupplierOut| item.supplier.clone()))
}

fn utc_date(now: Timestamp) -> Date {
    model::time::local_date(now, &model::time::Zone::utc())
}
