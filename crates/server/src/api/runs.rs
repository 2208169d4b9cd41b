//! `POST /v1/runs/{id}/undo`: a slip, a receipt or a cancel taken back.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use engine::Answer;
use model::{Units, command::Command, id::RunId, view::SupplyChange};
use serde::Serialize;

use super::{
    auth::{Allowed, SuppliesWrite},
    clock::Now,
    idempotency::Idempotency,
    input::Json,
    params::Segments,
    problem::Problem,
    schema,
    state::{Api, json_replayed, unexpected},
    supplies::{Nothing, path_id},
};

#[derive(Serialize)]
struct Undone<'a> {
    #[serde(flatten)]
    change: &'a SupplyChange,
    undone: RunId,
    moved: Units,
}

/// Undo a run
///
/// Takes a slip, a receipt or a cancel back: the supply is as it was, and every line that moved by it goes back where it came
/// from, under new promises where their dates change. Refused while units that came by it have left or are with
/// fulfilment (`already_released`), or where others rest on what it did (`run_superseded`). Nothing is deleted: the ledger
/// says what was done and that it was undone.
#[utoipa::path(
    post, path = "/v1/runs/{id}/undo", tag = "Supplies", operation_id = "undo_run",
    params(("id" = String, Path, description = "The run that a change, a receipt or a cancel answered")),
    request_body(content = Option<Nothing>, description = "Nothing, or an empty object"),
    responses((status = 200, description = "The supply as it is again", body = schema::RunUndone)),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn undo(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Segments(id): Segments<String>,
    Json { bytes, .. }: Json<Nothing>,
) -> Result<Response, Problem> {
    let id: RunId = path_id("run", &id)?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, Command::UndoRun(id), key).await?;
    let Answer::RunUndone(change, moved) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::OK, &Undone { change, undone: id, moved: *moved }, done.replayed)
}
