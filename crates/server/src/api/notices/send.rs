//! `POST /v1/notices/send`: drafts go out.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use engine::Answer;
use model::{
    command::Command,
    message::{Drafts, MessageWish},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    api::{
        auth::{Allowed, NoticesWrite},
        check::Checks,
        clock::Now,
        idempotency::Idempotency,
        input::{Input, Json},
        problem::Problem,
        state::{Api, json_replayed, unexpected},
    },
    mail::{self, Post},
};

/// Most drafts named in one call.
const IDS_MAX: usize = 500;
/// Longest id, in characters.
const ID_CHARS_MAX: usize = 64;

/// Which drafts: some, or all.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SendNoticesInput)]
pub(crate) struct SendIn {
    /// These.
    #[schema(min_items = 1, max_items = 500)]
    ids: Option<Vec<String>>,
    /// All there are: `true`.
    all: Option<bool>,
}

impl Input for SendIn {}

/// A draft that was not sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotSent {
    /// Which.
    #[schema(value_type = String)]
    id: Arc<str>,
    /// Why: `not_found`, `not_a_draft`, `no_address`, or `changed`: something else, or nothing, is to be said by now; look
    /// at it again.
    #[schema(value_type = String)]
    code: Arc<str>,
}

/// What became of the drafts.
#[derive(Serialize, ToSchema)]
#[schema(as = SentNotices)]
pub(crate) struct SentOut {
    /// Those that the mail has.
    #[schema(value_type = Vec<String>)]
    sent: Vec<Arc<str>>,
    /// Those that stay.
    not_sent: Vec<NotSent>,
    /// Whether the rest is sent one after the other, now that this is answered.
    more: bool,
}

fn check(input: &SendIn) -> Result<Drafts, Problem> {
    let mut checks = Checks::default();
    let drafts = match (&input.ids, input.all) {
        (None, Some(true)) => Drafts::All,
        (Some(ids), None) => {
            if ids.is_empty() || ids.len() > IDS_MAX {
                checks.wrong(format_args!("/ids"), "out_of_range", format!("name 1 to {IDS_MAX}"));
            }
            let each = ids.iter().take(IDS_MAX).enumerate();
            Drafts::These(
                each.filter_map(|(n, id)| checks.text(format_args!("/ids/{n}"), Some(id), ID_CHARS_MAX))
                    .collect(),
            )
        }
        (None, _) => return Err(Problem::field("", "empty", "give `ids`, or `all` as `true`")),
        (Some(_), Some(_)) => {
            return Err(Problem::field("", "ambiguous", "give `ids` or `all`, not both"));
        }
    };
    checks.finish(drafts)
}

/// Send drafts
///
/// The drafts of one order go out in one mail. Each is looked at once more: one of which something else is to be said by
/// now stays, made anew. A notice counts as told when the mail server has it.
#[utoipa::path(
    post, path = "/v1/notices/send", tag = "Notices", operation_id = "send_notices",
    request_body = SendIn,
    responses((status = 200, description = "What became of them", body = SentOut)),
    security(("key" = ["notices:write"])),
)]
pub(crate) async fn send(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Json { value, bytes }: Json<SendIn>,
) -> Result<Response, Problem> {
    let drafts = check(&value)?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let command = Command::Message(MessageWish::Send(drafts));
    let done = api.run(&allowed.caller, now, command, key).await?;
    if matches!(api.app.post, Post::Outbox) {
        // Nobody waits for a mail server, so they are in the outbox when this answers.
        mail::deliver(&api.app, now).await?;
    }
    let Answer::Told(told) = done.answer else { return Err(unexpected(&done.answer)) };
    let not_sent = told.kept.into_iter().map(|(id, code)| NotSent { id, code }).collect();
    json_replayed(StatusCode::OK, &SentOut { sent: told.sent, not_sent, more: told.more }, done.replayed)
}
