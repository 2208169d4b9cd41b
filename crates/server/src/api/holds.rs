//! `/v1/holds`: units kept for a cart, for a while.

use std::sync::Arc;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use engine::Answer;
use model::{
    command::{AskLine, Command, PlaceHold},
    id::{HoldId, Sku},
    limits::{HOLD_TTL_S_MAX, LINES_MAX},
    order::Hold,
    refusal::{Refusal, RefusalCode},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    auth::{Allowed, Caller, Holds},
    check::Checks,
    clock::Now,
    idempotency::Idempotency,
    input::{Input, Json},
    params::Segments,
    problem::Problem,
    schema,
    state::{Api, json, json_replayed, shop_with, unexpected},
    supplies::path_id,
};

/// A quarter of an hour: a checkout.
const TTL_SECONDS_DEFAULT: i64 = 900;

/// What to hold.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HoldInput)]
pub(crate) struct HoldIn {
    /// What, and how much of it.
    #[schema(min_items = 1, max_items = 500)]
    lines: Vec<HoldLineIn>,
    /// For how long; 900 unless given.
    #[schema(minimum = 1, maximum = 604_800)]
    ttl_seconds: Option<i64>,
    /// Where it is sold; `default` unless given.
    channel: Option<String>,
    /// Where it goes: ISO 3166-1 alpha-2.
    country: Option<String>,
    /// The shopper's group.
    customer_group: Option<String>,
}

impl Input for HoldIn {}

/// One thing to hold.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HoldLineInput)]
pub(crate) struct HoldLineIn {
    /// What.
    sku: String,
    /// How many units.
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: i64,
}

fn check(caller: &Caller, input: &HoldIn) -> Result<PlaceHold, Problem> {
    let mut checks = Checks::default();
    check_count(&mut checks, input.lines.len());
    let lines = input.lines.iter().take(LINES_MAX).enumerate().map(|(n, line)| AskLine {
        sku: checks.sku(format_args!("/lines/{n}/sku"), &line.sku),
        quantity: checks.line_units(format_args!("/lines/{n}/quantity"), line.quantity),
        unit_price: None,
    });
    let lines = lines.collect();
    let ttl = input.ttl_seconds.unwrap_or(TTL_SECONDS_DEFAULT);
    let wish = PlaceHold {
        channel: checks.channel(format_args!("/channel"), input.channel.as_deref()),
        group: checks.label(format_args!("/customer_group"), input.customer_group.as_deref()),
        country: checks.country(format_args!("/country"), input.country.as_deref()),
        ttl_seconds: checks.number(format_args!("/ttl_seconds"), ttl, 1, HOLD_TTL_S_MAX),
        placed_by: caller.publishable.clone(),
        lines,
    };
    checks.finish(wish)
}

/// Checks how many lines there are.
pub(crate) fn check_count(checks: &mut Checks, lines: usize) {
    if lines == 0 {
        checks.wrong(format_args!("/lines"), "empty", "at least one line is needed");
    }
    if lines > LINES_MAX {
        checks.wrong(format_args!("/lines"), "too_many", format!("at most {LINES_MAX} lines"));
    }
}

/// Hold units for a cart
///
/// Nobody else gets them until the time is over, the hold is given up, or an order takes it over.
#[utoipa::path(
    post, path = "/v1/holds", tag = "Holds", operation_id = "place_hold",
    request_body = HoldIn,
    responses((status = 201, description = "The hold, with the promise an order would get", body = schema::Hold)),
    security(("key" = ["holds:write"])),
)]
pub(crate) async fn place(
    State(api): State<Arc<Api>>,
    allowed: Allowed<Holds>,
    Now(now): Now,
    idempotency: Idempotency,
    Json { value, bytes }: Json<HoldIn>,
) -> Result<Response, Problem> {
    let wish = check(&allowed.caller, &value)?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, Command::PlaceHold(wish), key).await?;
    let Answer::Held(hold) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::CREATED, hold, done.replayed)
}

/// A hold that the caller may see.
pub(super) async fn own(api: &Arc<Api>, caller: &Caller, id: HoldId) -> Result<Option<Hold>, Problem> {
    let tenant = caller.tenant.clone();
    let hold = api.read(move |store| store.holds(&tenant, &[id])).await?.pop();
    Ok(hold.filter(|hold| caller.sees(hold.placed_by.as_deref())))
}

/// Refuses a hold that a publishable key did not place, as if it were gone.
pub(crate) async fn check_own(api: &Arc<Api>, caller: &Caller, id: HoldId) -> Result<(), Problem> {
    if caller.publishable.is_some() && own(api, caller, id).await?.is_none() {
        let detail = format!("{id} holds nothing any more: its time is over or it was used");
        return Err(Refusal::new(RefusalCode::HoldExpired, detail).into());
    }
    Ok(())
}

/// Read a hold
#[utoipa::path(
    get, path = "/v1/holds/{id}", tag = "Holds", operation_id = "get_hold",
    params(("id" = String, Path, description = "The hold's id")),
    responses((status = 200, description = "The hold, with its dates as they are now", body = schema::Hold)),
    security(("key" = ["holds:write"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    allowed: Allowed<Holds>,
    Now(now): Now,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let id: HoldId = path_id("hold", &id)?;
    let hold = own(&api, &allowed.caller, id).await?.filter(|hold| hold.expires_at > now);
    let hold = hold.ok_or_else(|| Problem::not_found("hold", id))?;
    let tenant = allowed.caller.tenant.clone();
    let view = api
        .read(move |store| {
            let lines = || hold.lines.iter();
            let pegged = lines().flat_map(|line| &line.pegs).map(|peg| &peg.sku);
            let mut skus: Vec<Sku> = lines().map(|line| &line.sku).chain(pegged).cloned().collect();
            skus.sort_unstable();
            skus.dedup();
            let shop = shop_with(store, &tenant, &skus)?;
            Ok(promise::hold_view(&shop, &hold, now))
        })
        .await?;
    json(StatusCode::OK, &view)
}

/// Give a hold up
#[utoipa::path(
    delete, path = "/v1/holds/{id}", tag = "Holds", operation_id = "release_hold",
    params(("id" = String, Path, description = "The hold's id")),
    responses((status = 204, description = "It holds nothing any more")),
    security(("key" = ["holds:write"])),
)]
pub(crate) async fn release(
    State(api): State<Arc<Api>>,
    allowed: Allowed<Holds>,
    Now(now): Now,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let id: HoldId = path_id("hold", &id)?;
    own(&api, &allowed.caller, id).await?.ok_or_else(|| Problem::not_found("hold", id))?;
    let done = api.run(&allowed.caller, now, Command::ReleaseHold(id), None).await?;
    match done.answer {
        Answer::HoldReleased => Ok(StatusCode::NO_CONTENT.into_response()),
        other => Err(unexpected(&other)),
    }
}
