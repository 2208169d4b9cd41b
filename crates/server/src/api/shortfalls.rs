//! `/v1/shortfalls`: promises that can no longer be kept, who takes care of them, and the ways out.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, http::StatusCode, response::Response};
use engine::Answer;
use ledger::{Read, Shelf, StoreError};
use model::{
    Units,
    command::Command,
    id::{LineId, Sku, TenantId},
    pool::Pool,
    shortfall::{CARE, Care},
    supply::Supply,
    time::Date,
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
    input::{Input, Json},
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
}

fn free_here(pool: &Pool) -> impl Iterator<Item = (&Supply, Units)> {
    let here = pool.supplies.iter().filter(|supply| supply.is_on_hand());
    here.map(|supply| (&**supply, supply.free())).filter(|(_, free)| *free > 0)
}

/// What can be done about a line.
fn ways_out(line: &BackorderOut, pools: &BTreeMap<Sku, Pool>) -> Vec<WayOut> {
    let mut ways = Vec::new();
    let told = line.told.promised;
    if let Some(by) = line.ship_by.promised {
        ways.push(WayOut {
            way: "later_date",
            detail: format!("it ships by {by}: tell the customer, who may keep or cancel"),
            call: format!("GET /v1/notices?order={}", line.order),
            body: Value::Null,
        });
        if let Some(told) = told.filter(|told| *told < by) {
            ways.push(WayOut {
                way: "expedite",
                detail: format!("ask for {} by air or express, so that it ships by {told}", line.supply),
                call: format!("PATCH /v1/supplies/{}", line.supply),
                body: value!({ "expected_on": told }),
            });
        }
    }
    if let Some(pool) = pools.get(&line.blocked_by.sku) {
        for (supply, free) in free_here(pool).filter(|(supply, _)| supply.location != line.location) {
            let quantity = free.min(line.blocked_by.quantity);
            ways.push(WayOut {
                way: "other_location",
                detail: format!("{free} units are free at {}", supply.location),
                call: "POST /v1/transfers".to_owned(),
                body: value!({
                    "sku": pool.sku(), "from_location": supply.location, "to_location": line.location,
                    "quantity": quantity,
                }),
            });
        }
    }
    let others = pools.get(&line.sku).map(|pool| &pool.item.substitutes[..]).unwrap_or_default();
    for other in others {
        let free: Units = pools.get(other).map_or(0, |pool| free_here(pool).map(|(_, free)| free).sum());
        if free > 0 {
            ways.push(WayOut {
                way: "substitute",
                detail: format!("{free} units of {other} are here: order it in the place of {}", line.sku),
                call: "POST /v1/orders".to_owned(),
                body: value!({ "lines": [{ "sku": other, "quantity": free.min(line.quantity) }] }),
            });
        }
    }
    ways.push(WayOut {
        way: "cancel",
        detail: "give the customer the money back".to_owned(),
        call: format!("POST /v1/orders/{}/cancel", line.order),
        body: value!({ "lines": [{ "id": line.line, "quantity": line.quantity }] }),
    });
    ways
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
    let cares = store.records(tenant, Shelf::Ledger, CARE, &ids)?;
    let items = lines.into_iter().map(|line| {
        let id = line.line.to_string();
        let care = cares.iter().find(|record| *record.id == *id);
        let care: Option<Care> = care.and_then(|record| record.read().ok().flatten());
        let ways_out = ways_out(&line, &pools);
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
    };
    let care = checks.finish(care)?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, Command::TakeCare(care), key).await?;
    let Answer::Cared(care) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::OK, care, done.replayed)
}
