//! `/v1/purchasing`: what to order, when, from whom, and what that earns.

pub(crate) mod terms;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use connect::tables::purchases::{PurchaseRow, writer};
use evidence::{LeadSource, PurchaseQuestion, PurchaseTerms, purchase_question, within_budget};
use insight::purchase::{Binding, Purchase, purchase};
use ledger::{Read, Shelf, StoreError};
use model::{
    Units,
    id::{Sku, TenantId},
    money::{Currency, Money},
    pool::Pool,
    purchasing::{PURCHASE_TERMS, SUPPLIER_TERMS, SupplierTerms},
    time::{Date, Timestamp, Zone, date_from_days, days_since_epoch, local_date},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Histories, shown::money};
use crate::api::{
    auth::{Allowed, DecisionsRead},
    clock::Now,
    params::{Offset, Page, Params},
    problem::Problem,
    schema,
    state::{Api, json},
};

/// Pools read at once.
const PAGE: usize = 500;
/// Most SKUs planned at once.
const SKUS_MAX: usize = 50_000;

/// What to order of one SKU.
#[derive(Serialize, ToSchema)]
#[schema(as = PurchaseProposal)]
pub(crate) struct ProposalOut {
    /// The merchant's code.
    #[schema(value_type = String)]
    sku: Sku,
    /// What people call it.
    title: String,
    /// Who supplies it.
    supplier: Option<String>,
    /// Why nothing can be said; null where it can.
    refused: Option<String>,
    /// The order; of zero units where none earns anything.
    order: Option<OrderOut>,
}

/// An order to place.
#[derive(Serialize, ToSchema)]
#[schema(as = PurchaseOrderDraft)]
pub(crate) struct OrderOut {
    /// Units.
    #[schema(value_type = i64)]
    quantity: Units,
    /// What one costs in an order of that size.
    #[schema(value_type = schema::Money)]
    unit_cost: Money,
    /// What the order costs.
    #[schema(value_type = schema::Money)]
    cost: Money,
    /// When to order.
    #[schema(format = Date, value_type = String)]
    order_on: Date,
    /// When it would be here.
    #[schema(format = Date, value_type = String)]
    expected_on: Date,
    /// Days that takes.
    lead_time_days: f64,
    /// Where that comes from: `terms`, `policy`, `receipts` or `guess`.
    #[schema(value_type = String)]
    lead_time_from: LeadSource,
    /// What it is expected to earn, over ordering nothing.
    #[schema(value_type = schema::Money)]
    expected_profit: Money,
    /// What one more lot would earn: what a larger run is worth.
    #[schema(value_type = schema::Money)]
    next_lot_profit: Money,
    /// Probability that what is at hand runs out before an order placed now is here.
    short_probability: f64,
    /// Probability that nobody is left without until the order after it could be here.
    covered: f64,
    /// Units expected to be asked for until then.
    demand: f64,
    /// Less than this in one case of ten.
    demand_p10: i64,
    /// More than this in one case of ten.
    demand_p90: i64,
    /// It is time when no more than this is at hand.
    reorder_point: i64,
    /// Units here that nobody has a claim on.
    #[schema(value_type = i64)]
    on_hand: Units,
    /// Units on order that nobody has a claim on.
    #[schema(value_type = i64)]
    inbound: Units,
    /// Units owed with no goods behind them.
    #[schema(value_type = i64)]
    owed: Units,
    /// Units wanted by people on the waitlist.
    #[schema(value_type = i64)]
    waiting: Units,
    /// What decides the size beside demand: `nothing`, `minimum`, `maximum`, `price_break`.
    #[schema(value_type = String)]
    binding: Binding,
    /// Whether it is to be placed now: today, or on the next day on which its supplier takes orders.
    is_due: bool,
    /// Whether the money of `cash_max` reaches for it.
    within_budget: bool,
    /// Why, in plain sentences.
    reasons: Vec<String>,
}

struct Planned {
    calendar: SupplierTerms,
    sku: Sku,
    title: Arc<str>,
    supplier: Option<Arc<str>>,
    currency: Option<Currency>,
    found: Result<(PurchaseQuestion, Purchase), String>,
}

fn plan(
    pool: &Pool,
    (terms, calendar): (&PurchaseTerms, &SupplierTerms),
    seen: (&evidence::History, &evidence::Whole),
    now: Timestamp,
) -> Planned {
    let found = purchase_question(pool, terms, seen, now).and_then(|mut question| {
        question.keep_to(calendar, local_date(now, &Zone::utc()));
        let found = purchase(&question.input).map_err(|error| error.to_string())?;
        Ok((question, found))
    });
    Planned {
        calendar: calendar.clone(),
        sku: pool.sku().clone(),
        title: Arc::clone(&pool.item.title),
        supplier: pool.item.supplier.clone(),
        currency: pool.item.unit_cost.as_ref().map(|cost| cost.currency),
        found,
    }
}

fn plan_all(
    histories: &Histories,
    store: &mut dyn Read,
    tenant: &TenantId,
    (supplier, now): (Option<&str>, Timestamp),
) -> Result<Vec<Planned>, StoreError> {
    let (mut pools, mut after) = (Vec::new(), None::<Sku>);
    while pools.len() < SKUS_MAX {
        let page = store.pool_page(tenant, after.as_ref(), PAGE)?;
        after = page.last().map(|pool| pool.sku().clone());
        let full = page.len() == PAGE;
        let wanted = |pool: &Pool| {
            !pool.item.is_kit()
                && supplier.is_none_or(|supplier| pool.item.supplier.as_deref() == Some(supplier))
        };
        pools.extend(page.into_iter().filter(wanted));
        if !full {
            break;
        }
    }
    let mut terms: BTreeMap<Arc<str>, PurchaseTerms> = BTreeMap::new();
    for page in pools.chunks(PAGE) {
        let ids: Vec<&str> = page.iter().map(|pool| pool.sku().as_str()).collect();
        let records = store.records(tenant, Shelf::Ledger, PURCHASE_TERMS, &ids)?;
        terms.extend(
            records.into_iter().filter_map(|record| Some((Arc::clone(&record.id), record.read().ok()??))),
        );
    }
    let (none, always) = (PurchaseTerms::default(), SupplierTerms::default());
    let mut names: Vec<Arc<str>> = pools.iter().filter_map(|pool| pool.item.supplier.clone()).collect();
    names.sort_unstable();
    names.dedup();
    let mut calendars: BTreeMap<Arc<str>, SupplierTerms> = BTreeMap::new();
    for page in names.chunks(PAGE) {
        let ids: Vec<&str> = page.iter().map(|name| &**name).collect();
        let records = store.records(tenant, Shelf::Ledger, SUPPLIER_TERMS, &ids)?;
        calendars.extend(
            records.into_iter().filter_map(|record| Some((Arc::clone(&record.id), record.read().ok()??))),
        );
    }
    histories.look(store, tenant, |history| {
        let whole = history.whole(now);
        let one = |pool: &Pool| {
            let terms = terms.get(pool.sku().as_str()).unwrap_or(&none);
            let calendar =
                pool.item.supplier.as_ref().and_then(|name| calendars.get(name)).unwrap_or(&always);
            plan(pool, (terms, calendar), (history, &whole), now)
        };
        pools.iter().map(one).collect()
    })
}

fn shown(planned: Planned, today: Date, within_budget: bool) -> ProposalOut {
    let Planned { calendar, sku, title, supplier, currency, found } = planned;
    let (order, refused) = match (found, currency) {
        (Ok((question, found)), Some(currency)) => {
            (Some(order(&question, &found, &calendar, (currency, today, within_budget))), None)
        }
        (Ok(_), None) => (None, Some("it has no cost".to_owned())),
        (Err(why), _) => (None, Some(why)),
    };
    let supplier = supplier.map(|name| name.to_string());
    ProposalOut { sku, title: title.to_string(), supplier, refused, order }
}

fn on(today: Date, days: f64) -> Date {
    let days = days.clamp(0.0, 36_500.0) as i32;
    date_from_days(days_since_epoch(today) + days).unwrap_or(today)
}

fn order(
    question: &PurchaseQuestion,
    found: &Purchase,
    calendar: &SupplierTerms,
    (currency, today, within_budget): (Currency, Date, bool),
) -> OrderOut {
    let order_on = calendar.order_on(on(today, found.order_in_days));
    let lead_days = question.lead_days.ceil().clamp(0.0, 1_825.0) as u16;
    OrderOut {
        quantity: found.quantity,
        unit_cost: money(found.unit_cost, currency),
        cost: money(found.unit_cost * found.quantity as f64, currency),
        order_on,
        expected_on: calendar.arrives(order_on, lead_days),
        lead_time_days: question.lead_days,
        lead_time_from: question.lead_source,
        expected_profit: money(found.expected_profit, currency),
        next_lot_profit: money(found.next_lot_profit, currency),
        short_probability: found.short_probability,
        covered: found.covered,
        demand: found.demand,
        demand_p10: found.demand_p10,
        demand_p90: found.demand_p90,
        reorder_point: found.reorder_point,
        on_hand: question.on_hand,
        inbound: question.inbound,
        owed: question.owed,
        waiting: question.waiting,
        binding: found.binding,
        is_due: found.order_in_days < 1.0,
        within_budget,
        reasons: reasons(question, found),
    }
}

fn reasons(question: &PurchaseQuestion, found: &Purchase) -> Vec<String> {
    let input = &question.input;
    let days = input.lead_days + input.review_days;
    let mut all = vec![format!(
        "About {:.0} units are asked for in the {days:.0} days until the order after this could be here; in one case of ten fewer than {}, in one of ten more than {}.",
        found.demand, found.demand_p10, found.demand_p90
    )];
    all.push(format!(
        "{} are here, {} on order, {} owed with no goods behind them, {} wanted by people on the waitlist.",
        question.on_hand, question.inbound, question.owed, question.waiting
    ));
    if question.lead_source == LeadSource::Guess {
        all.push("Nothing says how long the supplier takes: 30 days is a guess.".to_owned());
    }
    if found.quantity == 0 {
        all.push("No order earns anything now.".to_owned());
        return all;
    }
    match found.binding {
        Binding::Nothing => {}
        Binding::Minimum => all.push("The least units in an order make it this large.".to_owned()),
        Binding::Maximum => all.push("The most units in an order keep it this small.".to_owned()),
        Binding::PriceBreak => all.push("A cheaper price from so many units on is worth it.".to_owned()),
    }
    if found.next_lot_profit > 0.0 {
        all.push(format!("One more lot would earn {:.2}.", found.next_lot_profit));
    }
    all
}

/// List what to order
///
/// For each SKU the order that earns most, when to place it, what it is expected to earn, and what one more lot would: most
/// earning first. `cash_max` (minor units) says how much money there is for what is due now. `format=csv` answers a draft order.
#[utoipa::path(
    get, path = "/v1/purchasing", tag = "Decisions", operation_id = "list_purchasing",
    params(
        ("supplier" = Option<String>, Query, description = "Only what is bought from this one"),
        ("cash_max" = Option<i64>, Query, description = "Money for orders that are due now, in minor units"),
        ("all" = Option<bool>, Query, description = "Also SKUs of which nothing is to be ordered, and those of which nothing can be said"),
        ("format" = Option<String>, Query, description = "`csv`: a draft order of everything that is to be ordered, on one page"),
    ),
    responses((status = 200, description = "What to order", content(
        (schema::PurchasingPage = "application/json"),
        (String = "text/csv"),
    ))),
    security(("key" = ["decisions:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<DecisionsRead>,
    Now(now): Now,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, from) = (params.limit(), params.cursor::<Offset>().unwrap_or_default());
    let supplier = params.text("supplier");
    let cash = params.number("cash_max", 0, 1_000_000_000_000);
    let all = params.flag("all");
    let csv = params.word("format", &["csv", "json"]) == Some("csv");
    params.finish()?;
    let items = api
        .ledger_shows(&allowed.caller, move |histories, store, tenant| {
            let planned = plan_all(histories, store, tenant, (supplier.as_deref(), now))?;
            Ok(sorted(planned, all, cash, local_date(now, &Zone::utc())))
        })
        .await?;
    if csv {
        return draft(&items);
    }
    let next = from.next(limit, items.len());
    let items: Vec<ProposalOut> = items.into_iter().skip(from.0).take(limit).collect();
    json(StatusCode::OK, &Page::new(items, next.as_ref()))
}

/// A line of an order that is drafted.
pub(crate) struct Drafted {
    pub(crate) sku: Sku,
    pub(crate) title: Arc<str>,
    pub(crate) quantity: Units,
    pub(crate) unit_cost: Money,
}

/// What is due from a supplier now, within so much money.
pub(crate) fn due(
    histories: &Histories,
    store: &mut dyn Read,
    tenant: &TenantId,
    (supplier, cash): (&str, Option<i64>),
    now: Timestamp,
) -> Result<Vec<Drafted>, StoreError> {
    let today = local_date(now, &Zone::utc());
    let planned = plan_all(histories, store, tenant, (Some(supplier), now))?;
    let found = sorted(planned, false, cash, today);
    let line = |one: ProposalOut| {
        let order = one.order.filter(|order| order.within_budget && order.is_due)?;
        let (sku, title) = (one.sku, one.title.into());
        Some(Drafted { sku, title, quantity: order.quantity, unit_cost: order.unit_cost })
    };
    Ok(found.into_iter().filter_map(line).collect())
}

/// What so many units of some SKUs cost each; which of them cannot be bought, and why.
pub(crate) fn priced(
    store: &mut dyn Read,
    tenant: &TenantId,
    wanted: &[(Sku, Units)],
) -> Result<Result<Vec<Drafted>, (usize, String)>, StoreError> {
    let skus: Vec<Sku> = wanted.iter().map(|(sku, _)| sku.clone()).collect();
    let pools = store.pools(tenant, &skus)?;
    let ids: Vec<&str> = skus.iter().map(Sku::as_str).collect();
    let records = store.records(tenant, Shelf::Ledger, PURCHASE_TERMS, &ids)?;
    let one = |(n, (sku, quantity)): (usize, &(Sku, Units))| {
        let pool =
            pools.iter().find(|pool| pool.sku() == sku).ok_or((n, format!("there is no sku {sku}")))?;
        let cost = pool.item.unit_cost.ok_or((n, format!("{sku} has no cost")))?;
        if pool.item.is_kit() {
            return Err((n, format!("{sku} is a kit: its components are bought")));
        }
        let terms = records.iter().find(|record| &*record.id == sku.as_str());
        let terms: PurchaseTerms = terms.and_then(|record| record.read().ok().flatten()).unwrap_or_default();
        let level = terms.breaks.iter().rev().find(|level| *quantity >= level.from);
        let unit_cost = level.map_or(cost, |level| money(level.unit_cost, cost.currency));
        let (sku, title) = (sku.clone(), Arc::clone(&pool.item.title));
        Ok(Drafted { sku, title, quantity: *quantity, unit_cost })
    };
    Ok(wanted.iter().enumerate().map(one).collect())
}

/// Days a supplier takes: as its receipts show, else a month.
pub(crate) fn lead_days(
    histories: &Histories,
    store: &mut dyn Read,
    tenant: &TenantId,
    supplier: &str,
) -> Result<u16, StoreError> {
    let seen = histories
        .look(store, tenant, |history| history.supplier(supplier).and_then(evidence::Supplier::lead_days))?;
    Ok(seen.unwrap_or(30.0).clamp(0.0, 1_825.0) as u16)
}

fn sorted(mut planned: Vec<Planned>, all: bool, cash: Option<i64>, today: Date) -> Vec<ProposalOut> {
    let profit =
        |one: &Planned| one.found.as_ref().map_or(f64::NEG_INFINITY, |(_, found)| found.expected_profit);
    planned.sort_by(|a, b| profit(b).total_cmp(&profit(a)).then_with(|| a.sku.cmp(&b.sku)));
    let due: Vec<(usize, (f64, f64))> = planned
        .iter()
        .enumerate()
        .filter_map(|(place, one)| {
            let (_, found) = one.found.as_ref().ok()?;
            let minor = 10_f64.powi(i32::from(one.currency?.decimals()));
            let cost = found.unit_cost * found.quantity as f64 * minor;
            (found.quantity > 0 && found.order_in_days < 1.0)
                .then_some((place, (cost, found.expected_profit * minor)))
        })
        .collect();
    let orders: Vec<(f64, f64)> = due.iter().map(|(_, order)| *order).collect();
    let within: Vec<usize> = match cash {
        Some(cash) => within_budget(&orders, cash as f64).into_iter().map(|n| due[n].0).collect(),
        None => due.iter().map(|(place, _)| *place).collect(),
    };
    let is_due: Vec<usize> = due.iter().map(|(place, _)| *place).collect();
    let wanted = |one: &ProposalOut| all || one.order.as_ref().is_some_and(|order| order.quantity > 0);
    let out = planned.into_iter().enumerate().map(|(place, one)| {
        let reached = is_due.binary_search(&place).is_err() || within.binary_search(&place).is_ok();
        shown(one, today, reached)
    });
    out.filter(wanted).collect()
}

fn draft(items: &[ProposalOut]) -> Result<Response, Problem> {
    let broken = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "a draft order cannot be written");
        Problem::defect()
    };
    let mut table = writer(Vec::new()).map_err(|error| broken(&error))?;
    for item in items {
        let Some(order) = item.order.as_ref().filter(|order| order.quantity > 0 && order.within_budget)
        else {
            continue;
        };
        let row = PurchaseRow {
            supplier: item.supplier.clone().unwrap_or_default(),
            sku: item.sku.to_string(),
            title: item.title.clone(),
            quantity: order.quantity,
            unit_cost: order.unit_cost.amount,
            cost: order.cost.amount,
            currency: order.cost.currency,
            order_on: order.order_on.to_string(),
            expected_on: order.expected_on.to_string(),
        };
        table.write(&row).map_err(|error| broken(&error))?;
    }
    let text = table.finish().map_err(|error| broken(&error))?;
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    let name = (
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"purchase-order.csv\""),
    );
    Ok(([kind, name], text).into_response())
}

/// An order that is worth placing.
pub(crate) struct Proposed {
    pub(crate) sku: Sku,
    pub(crate) title: Arc<str>,
    pub(crate) supplier: Option<Arc<str>>,
    pub(crate) quantity: Units,
    pub(crate) cost: Money,
    pub(crate) order_on: Date,
    pub(crate) expected_on: Date,
    pub(crate) is_due: bool,
    pub(crate) expected_profit: Money,
    pub(crate) next_lot_profit: Money,
    pub(crate) short_probability: f64,
}

/// Orders that are worth placing, those that earn most first; of one supplier, if one is named.
pub(crate) fn proposed(
    histories: &Histories,
    store: &mut dyn Read,
    tenant: &TenantId,
    supplier: Option<&str>,
    now: Timestamp,
) -> Result<Vec<Proposed>, StoreError> {
    let planned = plan_all(histories, store, tenant, (supplier, now))?;
    let one = |found: ProposalOut| {
        let order = found.order?;
        Some(Proposed {
            sku: found.sku,
            title: found.title.into(),
            supplier: found.supplier.map(Into::into),
            quantity: order.quantity,
            cost: order.cost,
            order_on: order.order_on,
            expected_on: order.expected_on,
            is_due: order.is_due,
            expected_profit: order.expected_profit,
            next_lot_profit: order.next_lot_profit,
            short_probability: order.short_probability,
        })
    };
    Ok(sorted(planned, false, None, local_date(now, &Zone::utc())).into_iter().filter_map(one).collect())
}
