//! `/v1/ring-fences`, `/v1/supplies/{id}/ring-fences`: units that only one channel may have.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use engine::Answer;
use ledger::StoreError;
use model::{
    command::{Command, FencedAt, RingFenceStock},
    id::{LocationId, Sku},
    limits::SUPPLY_UNITS_MAX,
    pool::Pool,
    view::FencedStock,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    auth::{Allowed, SuppliesRead, SuppliesWrite},
    check::Checks,
    clock::Now,
    idempotency::Idempotency,
    input::{Input, Json},
    params::{Page, Params, Segments},
    problem::Problem,
    schema,
    state::{Api, json, json_replayed, unexpected},
    supplies::path_id,
    tag::if_match,
};

/// Pools read at once.
const POOLS_A_PAGE: usize = 100;
/// Pools looked at for one answer.
const POOLS_MAX: usize = 2_000;

/// Units that only one channel may have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StockRingFenceInput)]
pub(crate) struct StockFenceIn {
    /// Of what.
    sku: String,
    /// Of what is on hand where.
    location: String,
    /// For whom.
    channel: String,
    /// How many, those that the channel's orders and carts have already among them; 0: none any longer.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    units: i64,
}

impl Input for StockFenceIn {}

/// Units of one supply that only one channel may have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SupplyRingFenceInput)]
pub(crate) struct SupplyFenceIn {
    /// For whom.
    channel: String,
    /// How many, those that the channel's orders and carts have already among them; 0: none any longer.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    units: i64,
}

impl Input for SupplyFenceIn {}

/// Ring-fence stock for a channel
///
/// Of what is on hand of a SKU at a location, so many units are for one channel alone: no order, cart or transfer of another
/// gets them. They count down as that channel ships. Instead of what was ring-fenced for it there before; the same again changes
/// nothing. Refused with `not_available`, and `available`, where others have the units.
#[utoipa::path(
    post, path = "/v1/ring-fences", tag = "Supplies", operation_id = "ring_fence_stock",
    request_body = StockFenceIn,
    responses((status = 200, description = "What is there and ring-fenced now", body = schema::FencedStock)),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn stock(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    headers: HeaderMap,
    Json { value, bytes }: Json<StockFenceIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let sku = checks.sku(format_args!("/sku"), &value.sku);
    let location = checks.location(format_args!("/location"), &value.location);
    let wish = RingFenceStock {
        at: FencedAt::Location(sku, location),
        channel: checks.channel(format_args!("/channel"), Some(&value.channel)),
        units: checks.number(format_args!("/units"), value.units, 0, SUPPLY_UNITS_MAX),
        if_match: if_match(&headers)?,
    };
    let wish = checks.finish(wish)?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, Command::RingFence(wish), key).await?;
    let Answer::RingFenced(fenced) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::OK, fenced, done.replayed)
}

/// Ring-fence a supply for a channel
///
/// The same of one supply, on hand or on its way: of 500 units that come, 120 are for one channel. What is ring-fenced stays so
/// when it is received; of a receipt in part, what comes first is ring-fenced first.
#[utoipa::path(
    post, path = "/v1/supplies/{id}/ring-fences", tag = "Supplies", operation_id = "ring_fence_supply",
    params(("id" = String, Path, description = "The supply's id")),
    request_body = SupplyFenceIn,
    responses((status = 200, description = "The supply", body = schema::Supply)),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn supply(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Segments(id): Segments<String>,
    Json { value, bytes }: Json<SupplyFenceIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let wish = RingFenceStock {
        at: FencedAt::Supply(path_id("supply", &id)?),
        channel: checks.channel(format_args!("/channel"), Some(&value.channel)),
        units: checks.number(format_args!("/units"), value.units, 0, SUPPLY_UNITS_MAX),
        if_match: None,
    };
    let wish = checks.finish(wish)?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, Command::RingFence(wish), key).await?;
    let Answer::SupplyRingFenced(view) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::OK, &**view, done.replayed)
}

/// List ring-fenced stock
///
/// By SKU and location, of what is on hand: how many units are ring-fenced for whom, and how many of them are left. An answer may
/// have fewer than asked for, or none, and a `next` all the same: so many SKUs were looked at.
#[utoipa::path(
    get, path = "/v1/ring-fences", tag = "Supplies", operation_id = "list_ring_fences",
    params(
        ("sku" = Option<String>, Query, description = "Only of this SKU"),
        ("location" = Option<String>, Query, description = "Only at this location"),
    ),
    responses((status = 200, description = "Stock of which something is ring-fenced", body = schema::FencedStockPage)),
    security(("key" = ["supplies:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesRead>,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, after) = (params.limit(), params.cursor::<Sku>());
    let (sku, location) = (params.sku("sku"), params.text("location"));
    params.finish()?;
    let mut checks = Checks::default();
    let location = location.map(|text| checks.location(format_args!("location"), &text));
    let location = checks.finish(location)?;
    let tenant = allowed.caller.tenant.clone();
    let (items, next) = api
        .read(move |store| {
            if let Some(sku) = sku {
                let pools = store.pools(&tenant, &[sku])?;
                return Ok((pools.iter().flat_map(|pool| fenced(pool, location.as_ref())).collect(), None));
            }
            found(limit, after, location.as_ref(), &mut |after| store.pool_page(&tenant, after, POOLS_A_PAGE))
        })
        .await?;
    json(StatusCode::OK, &Page::new(items, next.as_ref()))
}

type Pages<'a> = dyn FnMut(Option<&Sku>) -> Result<Vec<Pool>, StoreError> + 'a;

/// Stock of which something is ring-fenced, from a SKU on, and after which SKU to go on.
fn found(
    limit: usize,
    mut after: Option<Sku>,
    location: Option<&LocationId>,
    page: &mut Pages<'_>,
) -> Result<(Vec<FencedStock>, Option<Sku>), StoreError> {
    let (mut items, mut looked_at) = (Vec::new(), 0);
    loop {
        let pools = page(after.as_ref())?;
        for pool in &pools {
            items.extend(fenced(pool, location));
            after = Some(pool.sku().clone());
            looked_at += 1;
            if items.len() >= limit || looked_at >= POOLS_MAX {
                return Ok((items, after));
            }
        }
        if pools.len() < POOLS_A_PAGE {
            return Ok((items, None));
        }
    }
}

/// Locations at which something of a SKU is ring-fenced.
pub(crate) fn fenced(pool: &Pool, only: Option<&LocationId>) -> Vec<FencedStock> {
    let here = pool.supplies.iter().filter(|supply| supply.is_on_hand() && !supply.ring_fenced.is_empty());
    let mut places: Vec<&LocationId> = here.map(|supply| &supply.location).collect();
    places.sort_unstable();
    places.dedup();
    places.retain(|place| only.is_none_or(|only| only == *place));
    places.into_iter().map(|place| promise::fenced_stock(pool, place, None)).collect()
}
