//! Answers that staff enters for a customer, and notices that came back.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use model::{
    command::Command,
    message::{AnswerNotice, MessageWish},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{NoticeOut, answered};
use crate::api::{
    auth::{Allowed, NoticesWrite},
    clock::Now,
    idempotency::Idempotency,
    input::{Input, Json, words},
    params::Segments,
    problem::Problem,
    state::{Api, json_replayed},
    supplies::Nothing,
};

/// Keep or cancel.
#[derive(Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(as = KeepOrCancel, rename_all = "snake_case")]
pub(crate) enum Choice {
    /// Waits for the new date.
    Keep,
    /// Cancels.
    Cancel,
}

words!(Choice { "keep" => Keep, "cancel" => Cancel });

/// An answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NoticeAnswerInput)]
pub(crate) struct AnswerIn {
    /// What the customer wants.
    answer: Choice,
    /// The version of the promise that it answers; the notice's own unless given.
    #[schema(minimum = 1)]
    version: Option<u32>,
}

impl Input for AnswerIn {}

/// Answer a notice for its customer
///
/// `keep` agrees to wait for the date of that notice and no other; `cancel` calls the line off, and what was paid goes
/// back (`refund_due`). Customers do this on their own page.
#[utoipa::path(
    post, path = "/v1/notices/{id}/answer", tag = "Notices", operation_id = "answer_notice",
    params(("id" = String, Path, description = "The notice's id")),
    request_body = AnswerIn,
    responses((status = 200, description = "The notice", body = NoticeOut)),
    security(("key" = ["notices:write"])),
)]
pub(crate) async fn answer(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Segments(id): Segments<String>,
    Json { value, bytes }: Json<AnswerIn>,
) -> Result<Response, Problem> {
    let keep = value.answer == Choice::Keep;
    let wish = AnswerNotice { notice: id.as_str().into(), keep, version: value.version, by_customer: false };
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let command = Command::Message(MessageWish::Answer(wish));
    let done = api.run(&allowed.caller, now, command, key).await?;
    let record = answered(done.answer)?;
    let notice = NoticeOut::of(&record, None).ok_or_else(|| Problem::not_found("notice", id))?;
    json_replayed(StatusCode::OK, &notice, done.replayed)
}

/// Say that a notice came back
///
/// A bounce that the mail server learned of later. By the law nobody was told: the notice is drafted anew.
#[utoipa::path(
    post, path = "/v1/notices/{id}/bounce", tag = "Notices", operation_id = "bounce_notice",
    params(("id" = String, Path, description = "The notice's id")),
    request_body(content = Option<Nothing>, description = "Nothing, or an empty object"),
    responses((status = 200, description = "The notice that came back", body = NoticeOut)),
    security(("key" = ["notices:write"])),
)]
pub(crate) async fn bounce(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Segments(id): Segments<String>,
    Json { bytes, .. }: Json<Nothing>,
) -> Result<Response, Problem> {
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let command = Command::Message(MessageWish::Bounced { notice: id.as_str().into() });
    let done = api.run(&allowed.caller, now, command, key).await?;
    let record = answered(done.answer)?;
    let notice = NoticeOut::of(&record, None).ok_or_else(|| Problem::not_found("notice", id))?;
    json_replayed(StatusCode::OK, &notice, done.replayed)
}
