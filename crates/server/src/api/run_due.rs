//! `POST /v1/test/run-due`: timers, on a server whose clock is set by its requests.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{hooks, mail, payments};

use super::{
    auth::{Allowed, Timers},
    clock::Now,
    input::Json,
    problem::Problem,
    state::{Api, json},
    supplies::Nothing,
};

/// What was due.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunDue {
    /// How many timers were worked, of all shops.
    timers: usize,
}

/// Run timers that are due
///
/// Only on a server started with `--test-clock`. Answers when the timers, all work left behind, all payments, all mail and all
/// webhooks are done.
#[utoipa::path(
    post, path = "/v1/test/run-due", tag = "Server", operation_id = "run_due",
    request_body(content = Option<Nothing>, description = "Nothing, or an empty object"),
    responses((status = 200, description = "Everything due is done", body = RunDue)),
    security(("key" = ["timers:run"])),
)]
pub(crate) async fn run(
    State(api): State<Arc<Api>>,
    _allowed: Allowed<Timers>,
    Now(now): Now,
    _: Json<Nothing>,
) -> Result<Response, Problem> {
    if !api.app.test_clock {
        let detail = "timers run by themselves here; this is for servers started with --test-clock";
        return Err(Problem::new(StatusCode::NOT_FOUND, "test_clock_off", detail));
    }
    let timers = api.app.engine.run_due(now).await?;
    api.app.engine.drain().await?;
    // Money is moved, and mail goes out, when it is asked for here, as timers do.
    payments::deliver(&api.app, now).await?;
    api.app.engine.drain().await?;
    // Policies that follow the advice are looked at by a worker of their own.
    crate::automatic::follow_once(&api.app, now).await?;
    crate::views::write_down(&api.app, now).await?;
    mail::deliver(&api.app, now).await?;
    hooks::deliver(&api.app, now).await?;
    json(StatusCode::OK, &RunDue { timers })
}
