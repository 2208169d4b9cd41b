//! `POST /v1/orders/{id}/cancel`: call off an order, or units of its lines.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use engine::Answer;
use model::{
    command::{CancelOrder, Command},
    id::OrderId,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{OrderOut, proof};
use crate::api::{
    auth::{Allowed, Caller, OrdersWrite},
    check::Checks,
    clock::Now,
    holds::check_count,
    idempotency::Idempotency,
    input::{Input, Json, words},
    params::{Params, Segments},
    problem::Problem,
    schema,
    state::{Api, json_replayed, unexpected},
    supplies::path_id,
};

/// What to call off: nothing said, everything that is open.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CancelInput)]
pub(crate) struct CancelIn {
    /// Which lines; all unless given.
    #[schema(min_items = 1, max_items = 500)]
    lines: Option<Vec<CancelLineIn>>,
    /// Why.
    reason: Option<String>,
    /// Who wants it: `shop` unless given. What the shop calls off, a draft tells the customer.
    by: Option<By>,
}

/// Who calls it off.
#[derive(Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(as = CancelBy, rename_all = "snake_case")]
pub(crate) enum By {
    /// The customer.
    Customer,
    /// The shop.
    Shop,
}

words!(By { "customer" => Customer, "shop" => Shop });

impl Input for CancelIn {
    const MAY_BE_EMPTY: bool = true;
}

/// One line to call off.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CancelLineInput)]
pub(crate) struct CancelLineIn {
    /// The line's id.
    id: String,
    /// How many units; all that are open unless given.
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: Option<i64>,
}

fn check(caller: &Caller, order: OrderId, input: &CancelIn) -> Result<CancelOrder, Problem> {
    let mut checks = Checks::default();
    if let Some(lines) = &input.lines {
        // An empty list may be a filter that found nothing: it must not call everything off.
        check_count(&mut checks, lines.len());
    }
    let given = input.lines.as_deref().unwrap_or_default();
    let lines = given.iter().enumerate().filter_map(|(n, line)| {
        let id = checks.parsed(format_args!("/lines/{n}/id"), &line.id);
        let units = line.quantity.map(|units| checks.line_units(format_args!("/lines/{n}/quantity"), units));
        Some((id?, units))
    });
    let lines = lines.collect();
    let reason = checks.note(format_args!("/reason"), input.reason.as_deref());
    let by_customer = input.by == Some(By::Customer) || caller.publishable.is_some();
    checks.finish(CancelOrder { order, lines, reason, placed_by: caller.publishable.clone(), by_customer })
}

/// Cancel an order, or units of its lines
///
/// The units that come free go to the lines that wait, first come first. A publishable key cancels an order that was placed
/// with it, and needs the order's token for it.
#[utoipa::path(
    post, path = "/v1/orders/{id}/cancel", tag = "Orders", operation_id = "cancel_order",
    params(
        ("id" = String, Path, description = "The order's id"),
        ("token" = Option<String>, Query, description = "What `status_url` ends with; needed with a publishable key"),
    ),
    request_body(content = Option<CancelIn>, description = "What to call off; nothing for all"),
    responses((status = 200, description = "The order as it is now", body = schema::Order)),
    security(("key" = ["orders:write"])),
)]
pub(crate) async fn cancel(
    State(api): State<Arc<Api>>,
    allowed: Allowed<OrdersWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Segments(id): Segments<String>,
    params: Params,
    Json { value, bytes }: Json<CancelIn>,
) -> Result<Response, Problem> {
    let caller = &allowed.caller;
    let id: OrderId = path_id("order", &id)?;
    proof::check(&api, caller, id, params, now)?;
    let wish = check(caller, id, &value)?;
    let key = idempotency.optional(caller, &bytes)?;
    let done = api.run(caller, now, Command::CancelOrder(wish), key).await?;
    let replayed = done.replayed;
    let Answer::Order(view) = done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::OK, &OrderOut::new(&api, &caller.tenant, *view), replayed)
}
