//! `/healthz`, `/readyz` and `/metrics`: for whoever keeps the server running.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use engine::notices;
use ledger::Shelf;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    metrics::{EngineNow, Left},
    problem::Problem,
    state::{Api, json},
};

/// That all is well.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    status: &'static str,
}

const OK: Health = Health { status: "ok" };

/// Does the server run?
#[utoipa::path(
    get, path = "/healthz", tag = "Server", operation_id = "healthz",
    responses((status = 200, description = "It does", body = Health)),
)]
pub(crate) async fn healthz() -> Result<Response, Problem> {
    json(StatusCode::OK, &OK)
}

/// Can it answer? The store is asked.
#[utoipa::path(
    get, path = "/readyz", tag = "Server", operation_id = "readyz",
    responses((status = 200, description = "It can", body = Health)),
)]
pub(crate) async fn readyz(State(api): State<Arc<Api>>) -> Result<Response, Problem> {
    api.read(|store| store.next_due())
        .await
        .map_err(|_| Problem::unavailable("the store does not answer"))?;
    if *api.draining.borrow() {
        return Err(Problem::unavailable("this server is about to stop"));
    }
    // Not before it keeps something again: a shop that can be read and takes no order is not ready.
    if api.app.engine.stats().is_failing() {
        return Err(Problem::unavailable("the store keeps nothing: it is full, or nobody writes to it"));
    }
    json(StatusCode::OK, &OK)
}

/// Counts and durations, for Prometheus
#[utoipa::path(
    get, path = "/metrics", tag = "Server", operation_id = "metrics",
    responses((status = 200, description = "Prometheus' text form", body = String, content_type = "text/plain")),
)]
pub(crate) async fn metrics(State(api): State<Arc<Api>>) -> Response {
    let (engine, now) = (&api.app.engine, (api.app.clock)());
    let left = api.read(move |store| {
        Ok(Left {
            work: store.work(Left::COUNT_MAX)?.len(),
            mail: store.due_records(Shelf::Private, notices::MAIL, now, Left::COUNT_MAX)?.len(),
            late_ms: store.next_due()?.map_or(0, |due| (now.as_millisecond() - due.as_millisecond()).max(0)),
        })
    });
    let left = left.await.ok();
    let stats = engine.stats();
    let engine = EngineNow {
        waiting: engine.waiting().collect(),
        lanes: stats.lanes().map(|lane| [lane.commands(), lane.batches(), lane.conflicts()]).collect(),
        commands: stats.commands(),
        batches: stats.batches(),
        conflicts: stats.conflicts(),
        failures: stats.failures(),
        failing: stats.is_failing(),
        spans: api.app.traces.counts(),
        left,
    };
    let mut response = api.metrics.text(&engine).into_response();
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
