//! `/healthz`, `/readyz` and `/metrics`: for whoever keeps the server running.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
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
    json(StatusCode::OK, &OK)
}

/// Counts and durations, for Prometheus
#[utoipa::path(
    get, path = "/metrics", tag = "Server", operation_id = "metrics",
    responses((status = 200, description = "Prometheus' text form", body = String, content_type = "text/plain")),
)]
pub(crate) async fn metrics(State(api): State<Arc<Api>>) -> Response {
    let mut response = api.metrics.text(api.app.engine.waiting()).into_response();
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
