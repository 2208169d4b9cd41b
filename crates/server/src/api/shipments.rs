//! `POST /v1/shipments`: goods leave.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use engine::Answer;
use model::{
    command::{Command, Ship},
    id::OrderId,
    limits::LINES_MAX,
    time::{Timestamp, seconds_after},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    auth::{Allowed, Fulfilment},
    check::Checks,
    clock::{self, Now},
    holds::check_count,
    idempotency::Idempotency,
    input::{Input, Json},
    problem::Problem,
    schema,
    state::{Api, json_replayed, unexpected},
};
use crate::parcels;

/// How far ahead of ours a carrier's clock may be, in seconds.
const AHEAD_S_MAX: i64 = 86_400;

/// What was sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ShipmentInput)]
pub(crate) struct ShipmentIn {
    /// The order's id.
    order: String,
    /// Which lines. Unless given: all that fulfilment has of the order; where it has nothing, all that is allocated.
    #[schema(min_items = 1, max_items = 500)]
    lines: Option<Vec<ShipmentLineIn>>,
    /// The carrier's number.
    tracking: Option<String>,
    /// Who carries it, such as `UPS`: the customer is shown it, with a link where that carrier's page is known.
    carrier: Option<String>,
    /// Where the carrier shows it: an `https` address, in the place of the one that is known.
    #[schema(max_length = 500)]
    tracking_url: Option<String>,
    /// When the carrier took it; now unless given.
    #[schema(format = DateTime, example = "2026-12-01T16:40:00Z")]
    shipped_at: Option<String>,
}

impl Input for ShipmentIn {}

/// One line that was sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ShipmentLineInput)]
pub(crate) struct ShipmentLineIn {
    /// The line's id.
    id: String,
    /// How many units; as said for all lines unless given.
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: Option<i64>,
}

fn check(input: &ShipmentIn, now: Timestamp) -> Result<Ship, Problem> {
    let mut checks = Checks::default();
    let order: Option<OrderId> = checks.parsed(format_args!("/order"), &input.order);
    if let Some(lines) = &input.lines {
        check_count(&mut checks, lines.len());
    }
    let given = input.lines.as_deref().unwrap_or_default();
    let lines = given.iter().take(LINES_MAX).enumerate().filter_map(|(n, line)| {
        let id = checks.parsed(format_args!("/lines/{n}/id"), &line.id);
        let units = line.quantity.map(|units| checks.line_units(format_args!("/lines/{n}/quantity"), units));
        Some((id?, units))
    });
    let lines = lines.collect();
    let tracking = checks.name(format_args!("/tracking"), input.tracking.as_deref());
    let carrier = checks.name(format_args!("/carrier"), input.carrier.as_deref());
    let tracking_url = input.tracking_url.as_deref().map(str::trim).filter(|url| !url.is_empty());
    if tracking_url.is_some_and(|url| !parcels::is_address(url)) {
        let most = parcels::URL_CHARS_MAX;
        let detail =
            format!("expected an https address of at most {most} characters, without a name and password");
        checks.wrong(format_args!("/tracking_url"), "form", detail);
    }
    let tracking_url = tracking_url.map(Arc::from);
    let latest = seconds_after(now, AHEAD_S_MAX).unwrap_or(now);
    let shipped_at = input.shipped_at.as_deref().and_then(|text| {
        let read = clock::read(text);
        match read {
            None => {
                let detail = "not an instant such as 2026-12-01T09:00:00Z, from 1970 to 2199";
                checks.wrong(format_args!("/shipped_at"), "instant", detail);
            }
            Some(at) if at > latest => {
                let detail = "more than a day ahead: what is still to leave has not been sent";
                checks.wrong(format_args!("/shipped_at"), "out_of_range", detail);
            }
            Some(_) => {}
        }
        read
    });
    let order = order.unwrap_or(OrderId(uuid::Uuid::nil()));
    let shipped_at = shipped_at.unwrap_or(now);
    checks.finish(Ship { order, lines, tracking, carrier, tracking_url, shipped_at })
}

/// Send goods
///
/// What fulfilment has, or what is allocated; as many parcels an order as it takes. The customer sees on their page what is in
/// each, when it left, and its carrier and number.
#[utoipa::path(
    post, path = "/v1/shipments", tag = "Fulfilment", operation_id = "ship",
    request_body = ShipmentIn,
    responses((status = 201, description = "What was sent", body = schema::Shipment)),
    security(("key" = ["fulfilment:write"])),
)]
pub(crate) async fn ship(
    State(api): State<Arc<Api>>,
    allowed: Allowed<Fulfilment>,
    Now(now): Now,
    idempotency: Idempotency,
    Json { value, bytes }: Json<ShipmentIn>,
) -> Result<Response, Problem> {
    let wish = check(&value, now)?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, Command::Ship(wish), key).await?;
    let Answer::Shipped(view) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::CREATED, view, done.replayed)
}
