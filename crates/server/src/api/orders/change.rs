//! `PATCH /v1/orders/{id}` and `POST /v1/orders/{id}/substitute`: another way to ship, something else to send.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use engine::Answer;
use model::{
    command::{ChangeAddress, ChangeOrder, Command, Substitute},
    id::{LineId, OrderId},
    order::ShipChoice,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{OrderOut, place::ShipIn};
use crate::api::{
    auth::{AllOrdersWrite, Allowed},
    check::Checks,
    clock::Now,
    idempotency::Idempotency,
    input::{Input, Json, MoneyIn},
    params::Segments,
    problem::Problem,
    schema,
    state::{Api, json, json_replayed, unexpected},
    supplies::path_id,
};

/// What changes of an order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderChangeInput)]
pub(crate) struct ChangeIn {
    /// How it may be shipped from now on.
    ship: Option<ShipIn>,
    /// Whose name is on the parcel.
    name: Option<String>,
    /// Street, number and place, one or more lines.
    #[schema(max_length = 500)]
    address: Option<String>,
    /// Postcode.
    postcode: Option<String>,
    /// Refused: an order keeps its country, since price, dates and law hang on it.
    country: Option<String>,
}

impl Input for ChangeIn {}

/// Ship an order in another way, or to another address
///
/// Name, address and postcode can change until something of the order is handed over to fulfilment; the country stays. With `as_available`, what is here may go now and each line has its own dates; with `complete`, all wait for the last.
#[utoipa::path(
    patch, path = "/v1/orders/{id}", tag = "Orders", operation_id = "change_order",
    params(("id" = String, Path, description = "The order's id")),
    request_body = ChangeIn,
    responses((status = 200, description = "The order as it is now", body = schema::Order)),
    security(("key" = ["orders:write"])),
)]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AllOrdersWrite>,
    Now(now): Now,
    Segments(id): Segments<String>,
    Json { value, .. }: Json<ChangeIn>,
) -> Result<Response, Problem> {
    let caller = &allowed.caller;
    let order: OrderId = path_id("order", &id)?;
    let mut checks = Checks::default();
    let wish = ChangeAddress {
        order,
        name: checks.name(format_args!("/name"), value.name.as_deref()),
        address: checks.lines(format_args!("/address"), value.address.as_deref()),
        postcode: checks.postcode(format_args!("/postcode"), value.postcode.as_deref()),
        by_customer: false,
    };
    if value.country.is_some() {
        let detail =
            "an order keeps its country, since price, dates and law hang on it: cancel it and place another";
        checks.wrong(format_args!("/country"), "country_stays", detail);
    }
    let moves = wish.name.is_some() || wish.address.is_some() || wish.postcode.is_some();
    if !moves && value.ship.is_none() && value.country.is_none() {
        checks.wrong(format_args!("/ship"), "required", "say what changes");
    }
    let wish = checks.finish(wish)?;
    let ship: Option<ShipChoice> = value.ship.map(ShipIn::choice);
    // The address first: it may be locked, and then nothing changes.
    let mut commands = moves.then_some(Command::ChangeAddress(wish)).into_iter().collect::<Vec<_>>();
    commands.extend(ship.map(|ship| Command::ChangeOrder(ChangeOrder { order, ship })));
    let mut done = None;
    for command in commands {
        done = Some(api.run(caller, now, command, None).await?);
    }
    let Some(done) = done else { return Err(Problem::defect()) };
    let Answer::Order(view) = done.answer else { return Err(unexpected(&done.answer)) };
    json(StatusCode::OK, &OrderOut::new(&api, &caller.tenant, *view))
}

/// What is sent in the place of what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SubstituteInput)]
pub(crate) struct SubstituteIn {
    /// The line that waits.
    line: String,
    /// How many of its units are called off.
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: i64,
    /// What is sent instead, as many units.
    sku: String,
    /// What one unit sells for; left out: its own price, but no more than the line's.
    unit_price: Option<MoneyIn>,
    /// Why.
    reason: Option<String>,
}

impl Input for SubstituteIn {}

/// Send something else in the place of what cannot come in time
///
/// Places an order for the same customer, who was asked before, and calls the units of the line off: both, or neither. What was paid
/// for them is due back as of any cancel.
#[utoipa::path(
    post, path = "/v1/orders/{id}/substitute", tag = "Orders", operation_id = "substitute",
    params(("id" = String, Path, description = "The order's id")),
    request_body = SubstituteIn,
    responses((status = 201, description = "The order that comes instead", body = schema::Order)),
    security(("key" = ["orders:write"])),
)]
pub(crate) async fn substitute(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AllOrdersWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Segments(id): Segments<String>,
    Json { value, bytes }: Json<SubstituteIn>,
) -> Result<Response, Problem> {
    let caller = &allowed.caller;
    let order: OrderId = path_id("order", &id)?;
    let mut checks = Checks::default();
    let line: Option<LineId> = checks.parsed(format_args!("/line"), &value.line);
    if line.is_some_and(|line| line.order != order) {
        checks.wrong(format_args!("/line"), "not_of_order", format!("is no line of {order}"));
    }
    let (quantity, sku) = (
        checks.line_units(format_args!("/quantity"), value.quantity),
        checks.sku(format_args!("/sku"), &value.sku),
    );
    let unit_price = value.unit_price.as_ref().and_then(|price| checks.money("/unit_price", price));
    let reason = checks.note(format_args!("/reason"), value.reason.as_deref());
    let wish = line.map(|line| Substitute { line, quantity, sku, unit_price, reason });
    let Some(wish) = checks.finish(wish)? else { return Err(Problem::not_found("line", &value.line)) };
    let key = idempotency.optional(caller, &bytes)?;
    let done = api.run(caller, now, Command::Substitute(wish), key).await?;
    let replayed = done.replayed;
    let Answer::Placed(view) = done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::CREATED, &OrderOut::new(&api, &caller.tenant, *view), replayed)
}
