//! Reading notices, and putting drafts in other words.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use ledger::{RecordFilter, Shelf};
use model::{
    command::Command,
    id::OrderId,
    message::{EditNotice, MessageWish},
};
use obligation::notice::kept::{Kept, NOTICE};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NoticeOut, answered, the_record, with_reasons};
use crate::{
    api::{
        auth::{Allowed, NoticesRead, NoticesWrite},
        check::Checks,
        clock::Now,
        input::{Input, Json, present},
        params::{Cursor, Page, Params, Segments},
        problem::Problem,
        schema,
        state::{Api, json},
    },
    mail,
};

const STATES: [&str; 6] = ["draft", "sending", "sent", "answered", "silent", "outdated"];

/// Where a list of notices goes on.
pub(super) struct After(pub(super) String);

impl Cursor for After {
    fn write(&self) -> String {
        self.0.clone()
    }
    fn read(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }
}

/// List notices
///
/// Drafts and what was sent of them, those of one order together. A later date that was promised and not told makes a draft by
/// itself; nobody counts as told before the mail has it.
#[utoipa::path(
    get, path = "/v1/notices", tag = "Notices", operation_id = "list_notices",
    params(
        ("order" = Option<String>, Query, description = "Only of this order"),
        ("state" = Option<String>, Query, description = "Only `draft`, `sending`, `sent`, `answered`, `silent` or `outdated`"),
    ),
    responses((status = 200, description = "Notices by order", body = schema::NoticePage)),
    security(("key" = ["notices:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesRead>,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, after) = (params.limit(), params.cursor::<After>().map(|after| after.0));
    let (order, state) = (params.text("order"), params.word("state", &STATES));
    let order: Option<Option<OrderId>> =
        order.map(|order| params.checks.parsed(format_args!("order"), &order));
    params.finish()?;
    let tenant = allowed.caller.tenant.clone();
    let found = api
        .read(move |store| {
            let owner = order.flatten().map(|order| order.to_string());
            let filter = RecordFilter { owner: owner.as_deref(), state };
            let records =
                store.record_page(&tenant, Shelf::Ledger, NOTICE, &filter, (after.as_deref(), limit + 1))?;
            with_reasons(store, &tenant, &records)
        })
        .await?;
    json(StatusCode::OK, &Page::cut(found, limit, |notice: &NoticeOut| After(notice.id.clone())))
}

/// A mail as it would go out.
#[derive(Serialize, ToSchema)]
#[schema(as = MailPreview)]
pub(crate) struct MailOut {
    /// To whom; null where no address is known.
    to: Option<String>,
    /// Its subject.
    subject: String,
    /// Its plain text.
    text: String,
    /// The same as HTML.
    html: String,
}

/// A notice with its mail.
#[derive(Serialize, ToSchema)]
#[schema(as = NoticeWithMail)]
pub(crate) struct WithMail {
    #[serde(flatten)]
    notice: NoticeOut,
    /// As it would be sent now; null where the order is gone.
    mail: Option<MailOut>,
}

/// Read a notice, with the mail it makes
#[utoipa::path(
    get, path = "/v1/notices/{id}", tag = "Notices", operation_id = "get_notice",
    params(("id" = String, Path, description = "The notice's id")),
    responses((status = 200, description = "The notice, and its mail", body = WithMail)),
    security(("key" = ["notices:read"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesRead>,
    Segments(id): Segments<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let (tenant, app) = (allowed.caller.tenant.clone(), Arc::clone(&api.app));
    let wanted = id.clone();
    let found = api
        .read(move |store| {
            let Some(record) = the_record(store, &tenant, &wanted)? else { return Ok(None) };
            let mail = match record.read::<Kept>() {
                Ok(Some(kept)) => mail::preview(&app, store, &tenant, &wanted, &kept)?,
                _ => None,
            };
            let notice = with_reasons(store, &tenant, &[record])?.pop();
            Ok(notice.map(|notice| WithMail {
                notice,
                mail: mail.map(|letter| MailOut {
                    to: Some(letter.to).filter(|to| !to.is_empty()),
                    subject: letter.subject,
                    text: letter.text,
                    html: letter.html,
                }),
            }))
        })
        .await?;
    json(StatusCode::OK, &found.ok_or_else(|| Problem::not_found("notice", id))?)
}

/// Other words for a draft; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NoticeEditInput)]
pub(crate) struct EditIn {
    /// Why it changed, to be read by the customer.
    reason: Option<String>,
    /// A few words of your own above the rest; null: none any more.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    words: Option<Option<String>>,
}

impl Input for EditIn {}

/// Put a draft in other words
///
/// Dates, rights and what silence means stay as the law and the promise have them.
#[utoipa::path(
    patch, path = "/v1/notices/{id}", tag = "Notices", operation_id = "edit_notice",
    params(("id" = String, Path, description = "The notice's id")),
    request_body = EditIn,
    responses((status = 200, description = "The draft", body = NoticeOut)),
    security(("key" = ["notices:write"])),
)]
pub(crate) async fn edit(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesWrite>,
    Now(now): Now,
    Segments(id): Segments<String>,
    Json { value, .. }: Json<EditIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let reason = checks.note(format_args!("/reason"), value.reason.as_deref());
    if value.reason.is_some() && reason.is_none() {
        checks.wrong(format_args!("/reason"), "empty", "say why, or leave it out");
    }
    let words = value.words.map(|words| checks.note(format_args!("/words"), words.as_deref()));
    let edit = checks.finish(EditNotice { notice: id.as_str().into(), reason, words })?;
    let command = Command::Message(MessageWish::Edit(edit));
    let record = answered(api.run(&allowed.caller, now, command, None).await?.answer)?;
    let tenant = allowed.caller.tenant.clone();
    let found = api.read(move |store| with_reasons(store, &tenant, &[record])).await?;
    json(StatusCode::OK, &found.first().ok_or_else(|| Problem::not_found("notice", id))?)
}
