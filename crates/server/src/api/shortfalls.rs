//! `/v1/shortfalls`: promises that can no longer be kept, who takes care of them, and the ways out.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{extract::State, http::StatusCode, response::Response};
use engine::Answer;
use ledger::{Read, Shelf, StoreError};
use model::{
    Units,
    command::Command,
    id::{LineId, LocationId, OrderId, Sku, TenantId},
    location::LocationSettings,
    money::Money,
    order::ShipChoice,
    pool::Pool,
    shortfall::{CARE, Care},
    supply::Supply,
    time::{Date, days_since_epoch},
    transit::{STANDARD_SERVICE, Transit},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use utoipa::ToSchema;

use super::{
    auth::{AllOrdersRead, AllOrdersWrite, Allowed},
    backorders::{self, BackorderOut, Place, Query},
    check::Checks,
    clock::Now,
    idempotency::Idempotency,
    input::{Input, Json, MoneyIn},
    params::{Page, Params, Segments},
    problem::Problem,
    schema,
    state::{Api, json, json_replayed, unexpected},
    supplies::path_id,
};

#[derive(Serialize)]
struct ShortfallOut {
    #[serde(flatten)]
    line: BackorderOut,
    owner: Option<Arc<str>>,
    /// Until when it is to be settled: as was said, or the day that was told.
    deadline: Option<Date>,
    note: Option<Arc<str>>,
    ways_out: Vec<WayOut>,
}

#[derive(Serialize)]
struct WayOut {
    way: &'static str,
    detail: String,
    call: String,
    #[serde(skip_serializing_if = "Value::is_null")]
    body: Value,
    /// What it costs, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Money>,
}

impl WayOut {
    fn new(way: &'static str, detail: String, call: String, body: Value) -> Self {
        Self { way, detail, call, body, price: None }
    }
}

/// What ways out depend on beside the line.
struct Known<'a> {
    pools: &'a BTreeMap<Sku, Pool>,
    locations: &'a [(LocationId, LocationSettings)],
    /// How the line's order ships.
    ship: ShipChoice,
    care: Option<&'a Care>,
}

fn free_here(pool: &Pool) -> impl Iterator<Item = (&Supply, Units)> {
    let here = pool.supplies.iter().filter(|supply| supply.is_on_hand());
    here.map(|supply| (&**supply, supply.open())).filter(|(_, free)| *free > 0)
}

/// What can be done about a line.
fn ways_out(line: &BackorderOut, known: &Known<'_>) -> Vec<WayOut> {
    let mut ways = Vec::new();
    if let Some(by) = line.ship_by.promised {
        let detail = format!("it ships by {by}: tell the customer, who may keep or cancel");
        ways.push(WayOut::new(
            "later_date",
            detail,
            format!("GET /v1/notices?order={}", line.order),
            Value::Null,
        ));
        ways.extend(faster_goods(line, by, known.care));
        ways.extend(faster_way(line, by, known.locations));
    }
    ways.extend(other_location(line, known.pools));
    ways.extend(substitutes(line, known.pools));
    if known.ship == ShipChoice::Complete {
        let detail = "ship what is here now, and this later".to_owned();
        let body = value!({ "ship": "as_available" });
        ways.push(WayOut::new("split", detail, format!("PATCH /v1/orders/{}", line.order), body));
    }
    let detail = "give the customer the money back".to_owned();
    let body = value!({ "lines": [{ "id": line.line, "quantity": line.quantity }] });
    ways.push(WayOut::new("cancel", detail, format!("POST /v1/orders/{}/cancel", line.order), body));
    ways
}

/// Air freight or express for goods that come after the day that was told, at the price that was quoted.
fn faster_goods(line: &BackorderOut, by: Date, care: Option<&Care>) -> Option<WayOut> {
    let told = line.told.promised.filter(|told| *told < by)?;
    let detail = format!("ask for {} by air or express, so that it ships by {told}", line.supply);
    let (call, body) = (format!("PATCH /v1/supplies/{}", line.supply), value!({ "expected_on": told }));
    let price = care.and_then(|care| care.expedite_price);
    Some(WayOut { price, ..WayOut::new("expedite", detail, call, body) })
}

/// A faster service to the customer that makes up for some of the delay, at its price; the cheapest that makes up for all of it, else
/// the fastest.
fn faster_way(line: &BackorderOut, by: Date, locations: &[(LocationId, LocationSettings)]) -> Option<WayOut> {
    let late = days_since_epoch(by) - days_since_epoch(line.told.promised.filter(|told| *told < by)?);
    let (_, location) = locations.iter().find(|(id, _)| *id == line.location)?;
    let country = line.customer.country.as_deref();
    let standard = location.transit_for(country, STANDARD_SERVICE)?;
    let saves = |row: &&Transit| i32::from(standard.days_max) - i32::from(row.days_max);
    let faster = location.services_for(country).filter(|row| saves(row) > 0);
    let cost = |row: &Transit| row.price.map_or(i64::MAX, |price| price.amount);
    let best = faster
        .min_by_key(|row| (saves(row) < late, if saves(row) < late { -saves(row) } else { 0 }, cost(row)))?;
    let detail = format!(
        "send it by {}: {} working days sooner than {}",
        best.service,
        saves(&best),
        STANDARD_SERVICE
    );
    let call = "POST /v1/shipments".to_owned();
    Some(WayOut { price: best.price, ..WayOut::new("faster_transit", detail, call, Value::Null) })
}

fn other_location(line: &BackorderOut, pools: &BTreeMap<Sku, Pool>) -> Vec<WayOut> {
    let Some(pool) = pools.get(&line.blocked_by.sku) else { return Vec::new() };
    let elsewhere = free_here(pool).filter(|(supply, _)| supply.location != line.location);
    let ways = elsewhere.map(|(supply, free)| {
        let body = value!({
            "sku": pool.sku(), "from_location": supply.location, "to_location": line.location,
            "quantity": free.min(line.blocked_by.quantity),
        });
        let detail = format!("{free} units are free at {}", supply.location);
        WayOut::new("other_location", detail, "POST /v1/transfers".to_owned(), body)
    });
    ways.collect()
}

fn substitutes(line: &BackorderOut, pools: &BTreeMap<Sku, Pool>) -> Vec<WayOut> {
    let others = pools.get(&line.sku).map(|pool| &pool.item.substitutes[..]).unwrap_or_default();
    let ways = others.iter().filter_map(|other| {
        let pool = pools.get(other)?;
        let free: Units = free_here(pool).map(|(_, free)| free).sum();
        let body = value!({ "line": line.line, "quantity": free.min(line.quantity), "sku": other });
        let detail = format!("{free} units of {other} are here: send it in the place of {}", line.sku);
        let call = format!("POST /v1/orders/{}/substitute", line.order);
        let way = WayOut { price: pool.item.price, ..WayOut::new("substitute", detail, call, body) };
        (free > 0).then_some(way)
    });
    ways.collect()
}

fn find(
    store: &mut dyn Read,
    tenant: &TenantId,
    query: &Query,
    from: Option<Place>,
) -> Result<(Vec<ShortfallOut>, Option<Place>), StoreError> {
    let (lines, next) = backorders::find(store, tenant, query, from)?;
    let mut skus: Vec<Sku> =
        lines.iter().flat_map(|line| [line.sku.clone(), line.blocked_by.sku.clone()]).collect();
    let mut pools = BTreeMap::new();
    // Twice: what the lines name, then what can take their place.
    for _ in 0..2 {
        skus.sort_unstable();
        skus.dedup();
        let found = store.pools(tenant, &skus)?;
        skus = found.iter().flat_map(|pool| pool.item.substitutes.iter().cloned()).collect();
        pools.extend(found.into_iter().map(|pool| (pool.sku().clone(), pool)));
    }
    let ids: Vec<String> = lines.iter().map(|line| line.line.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut cares = store.records(tenant, Shelf::Private, CARE, &ids)?;
    // Those from before people's words were kept apart.
    cares.extend(store.records(tenant, Shelf::Ledger, CARE, &ids)?);
    let orders: Vec<OrderId> = lines.iter().map(|line| line.order).collect();
    let complete: BTreeSet<OrderId> = store
        .orders(tenant, &orders)?
        .into_iter()
        .filter(|order| order.ship == ShipChoice::Complete)
        .map(|order| order.id)
        .collect();
    let locations = store.locations(tenant)?;
    let items = lines.into_iter().map(|line| {
        let id = line.line.to_string();
        let care = cares.iter().find(|record| *record.id == *id);
        let care: Option<Care> = care.and_then(|record| record.read().ok().flatten());
        let is_whole = complete.contains(&line.order);
        let ship = if is_whole { ShipChoice::Complete } else { ShipChoice::AsAvailable };
        let known = Known { pools: &pools, locations: &locations, ship, care: care.as_ref() };
        let ways_out = ways_out(&line, &known);
        let told = line.told.promised;
        let deadline = care.as_ref().and_then(|care| care.deadline).or(told);
        let (owner, note) = care.map_or((None, None), |care| (care.owner, care.note));
        ShortfallOut { line, owner, deadline, note, ways_out }
    });
    Ok((items.collect(), next))
}

/// List promises that cannot be kept
///
/// Lines whose goods come later than the customer was told, or of which nobody knows when they come, in the order of the
/// queue. Each names who takes care of it, until when (the day that was told, unless another was set), and the ways out
/// with the call that goes them.
#[utoipa::path(
    get, path = "/v1/shortfalls", tag = "Orders", operation_id = "list_shortfalls",
    params(
        ("sku" = Option<String>, Query, description = "Only lines of this SKU, or of a kit with it"),
        ("supply" = Option<String>, Query, description = "Only lines behind this supply"),
    ),
    responses((status = 200, description = "What cannot be kept", body = schema::ShortfallPage)),
    security(("key" = ["orders:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AllOrdersRead>,
    Now(now): Now,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, from) = (params.limit(), params.cursor::<Place>());
    let sku = params.sku("sku");
    let supply = params.text("supply");
    let supply = supply.and_then(|text| params.checks.parsed(format_args!("supply"), &text));
    params.finish()?;
    let query = Query { sku, supply, here: false, overdue: false, broken: true, limit, now };
    let tenant = allowed.caller.tenant.clone();
    let (items, next) = api.read(move |store| find(store, &tenant, &query, from)).await?;
    json(StatusCode::OK, &Page::new(items, next.as_ref()))
}

/// Who takes care.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CareInput)]
pub(crate) struct CareIn {
    /// Who: a name in the team.
    owner: Option<String>,
    /// Until when; the day that was told unless given.
    #[schema(format = Date)]
    deadline: Option<String>,
    /// What is done about it.
    note: Option<String>,
    /// What faster freight for it was quoted at, by air or express.
    expedite_price: Option<MoneyIn>,
}

impl Input for CareIn {}

/// Say who takes care of a line
#[utoipa::path(
    post, path = "/v1/shortfalls/{line}", tag = "Orders", operation_id = "take_care",
    params(("line" = String, Path, description = "The line's id")),
    request_body = CareIn,
    responses((status = 200, description = "Who takes care now", body = schema::Care)),
    security(("key" = ["orders:write"])),
)]
pub(crate) async fn take_care(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AllOrdersWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Segments(line): Segments<String>,
    Json { value, bytes }: Json<CareIn>,
) -> Result<Response, Problem> {
    let line: LineId = path_id("line", &line)?;
    let mut checks = Checks::default();
    let deadline = value.deadline.as_deref();
    let care = Care {
        line,
        owner: checks.name(format_args!("/owner"), value.owner.as_deref()),
        deadline: deadline.and_then(|text| checks.date(format_args!("/deadline"), text)),
        note: checks.note(format_args!("/note"), value.note.as_deref()),
        expedite_price: value
            .expedite_price
            .as_ref()
            .and_then(|price| checks.money("/expedite_price", price)),
    };
    let care = checks.finish(care)?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, Command::TakeCare(care), key).await?;
    let Answer::Cared(care) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::OK, care, done.replayed)
}
