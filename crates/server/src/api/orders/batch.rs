//! `POST /v1/orders/batch`: many orders, each on its own.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use engine::{Answer, Answered, Failure, Key};
use model::{command::Command, limits::BATCH_MAX, time::Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::{
    OrderOut,
    place::{OrderIn, check, command},
};
use crate::api::{
    auth::{AllOrdersWrite, Allowed, Caller},
    clock::Now,
    idempotency::of_batched,
    input::{BATCH_BYTES_MAX, Input, Json, parse},
    problem::Problem,
    schema,
    state::{Api, Done, json_text, unexpected, written},
};

/// The address that an order of a batch would have had alone: it counts as the same request.
const ALONE: &str = "/v1/orders";

/// Room for the answer to one order; most need less.
const ORDER_BYTES: usize = 1_536;

/// Orders to place.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BatchInput)]
pub(crate) struct BatchIn {
    /// The orders, each with its own `idempotency_key`.
    #[schema(value_type = Vec<OrderIn>, min_items = 1, max_items = 500)]
    orders: Vec<Box<RawValue>>,
}

impl Input for BatchIn {
    const BYTES_MAX: usize = BATCH_BYTES_MAX;
}

#[derive(Serialize)]
struct ItemOut {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<Box<OrderOut>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Box<Problem>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    idempotent_replayed: bool,
}

#[derive(Serialize)]
struct ItemsOut {
    items: Vec<ItemOut>,
}

type Reply = oneshot::Receiver<Result<Answered, Failure>>;

/// Place many orders
///
/// Each is accepted or refused on its own; the answers stand in the order of the orders. An order counts as the same
/// request whether it is sent in a batch or alone.
#[utoipa::path(
    post, path = "/v1/orders/batch", tag = "Orders", operation_id = "place_orders",
    request_body = BatchIn,
    responses((status = 200, description = "An answer for each order", body = schema::BatchAnswer)),
    security(("key" = ["orders:write"])),
)]
pub(crate) async fn place(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AllOrdersWrite>,
    Now(now): Now,
    Json { value, .. }: Json<BatchIn>,
) -> Result<Response, Problem> {
    let caller = &allowed.caller;
    if value.orders.is_empty() {
        return Err(Problem::field("/orders", "empty", "at least one order is needed"));
    }
    if value.orders.len() > BATCH_MAX {
        return Err(Problem::field("/orders", "too_many", format!("at most {BATCH_MAX} orders")));
    }
    let mut ready = Vec::with_capacity(value.orders.len());
    for order in &value.orders {
        ready.push(prepare(&api, caller, order.get()).await);
    }
    // All are queued before the first is awaited, so that they share a transaction.
    let sent: Vec<Result<Reply, Problem>> =
        ready.into_iter().map(|order| order.and_then(|order| send(&api, caller, now, order))).collect();
    let mut items = Vec::with_capacity(sent.len());
    // The engine answers in the order in which it was asked: whoever waits for the last answer first is woken once.
    for reply in sent.into_iter().rev() {
        items.push(match settle(&api, caller, reply).await {
            Ok((order, replayed)) => ItemOut {
                status: StatusCode::CREATED.as_u16(),
                order: Some(order),
                problem: None,
                idempotent_replayed: replayed,
            },
            Err(problem) => ItemOut {
                status: problem.status().as_u16(),
                order: None,
                idempotent_replayed: problem.is_replayed(),
                problem: Some(Box::new(problem)),
            },
        });
    }
    items.reverse();
    let room = items.len() * ORDER_BYTES;
    Ok(json_text(StatusCode::OK, written(&ItemsOut { items }, room)?))
}

async fn prepare(api: &Arc<Api>, caller: &Caller, order: &str) -> Result<(Command, Key), Problem> {
    let input: OrderIn = parse(order.as_bytes())?;
    let key = of_batched(caller, input.idempotency_key.as_deref(), ALONE, order)?;
    let wish = check(caller, &input)?;
    Ok((command(api, caller, wish).await?, key))
}

fn send(
    api: &Api,
    caller: &Caller,
    now: Timestamp,
    (command, key): (Command, Key),
) -> Result<Reply, Problem> {
    Ok(api.app.engine.send(api.request(caller, now, command, Some(key)))?)
}

async fn settle(
    api: &Api,
    caller: &Caller,
    reply: Result<Reply, Problem>,
) -> Result<(Box<OrderOut>, bool), Problem> {
    let answered = reply?.await.map_err(|_| Failure::Stopped)??;
    let done = Done::of(answered)?;
    let Answer::Placed(view) = done.answer else { return Err(unexpected(&done.answer)) };
    Ok((Box::new(OrderOut::new(api, &caller.tenant, *view)), done.replayed))
}
