//! `GET /v1/orders/{id}/promises`: everything that was ever said about an order.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use model::{
    id::{LineId, OrderId},
    order::Promise,
};
use serde::Serialize;

use crate::api::{
    auth::{AllOrdersRead, Allowed},
    params::{Cursor, Page, Params, Segments},
    problem::Problem,
    schema,
    state::{Api, json},
    supplies::path_id,
};

#[derive(Serialize)]
struct PromiseOut {
    line: LineId,
    #[serde(flatten)]
    promise: Promise,
}

/// How many promises earlier pages had: promises are only ever added, at the end.
struct Seen(usize);

impl Cursor for Seen {
    fn write(&self) -> String {
        self.0.to_string()
    }
    fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// List an order's promises
///
/// Each as it was given, never edited. The last with a `told_at` is what the customer knows.
#[utoipa::path(
    get, path = "/v1/orders/{id}/promises", tag = "Orders", operation_id = "list_promises",
    params(("id" = String, Path, description = "The order's id")),
    responses((status = 200, description = "Every promise, oldest first", body = schema::PromisePage)),
    security(("key" = ["orders:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AllOrdersRead>,
    Segments(id): Segments<String>,
    mut params: Params,
) -> Result<Response, Problem> {
    let id: OrderId = path_id("order", &id)?;
    let (limit, seen) = (params.limit(), params.cursor::<Seen>().map_or(0, |seen| seen.0));
    params.finish()?;
    let tenant = allowed.caller.tenant.clone();
    let order = api.read(move |store| store.orders(&tenant, &[id])).await?.pop();
    let order = order.ok_or_else(|| Problem::not_found("order", id))?;
    let mut all: Vec<PromiseOut> = Vec::new();
    for line in order.lines {
        let no = LineId { order: id, no: line.no };
        all.extend(line.promises.into_iter().map(|promise| PromiseOut { line: no, promise }));
    }
    // By version where one moment gave several: a run may make the promises of one line anew more than once.
    all.sort_by_key(|given| (given.promise.given_at, given.promise.version, given.line));
    let count = all.len();
    let items: Vec<PromiseOut> = all.into_iter().skip(seen).take(limit).collect();
    let next = seen.saturating_add(items.len());
    json(StatusCode::OK, &Page::new(items, (next < count).then_some(&Seen(next))))
}
