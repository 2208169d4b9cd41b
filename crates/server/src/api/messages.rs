//! What customers and the shop write to each other, and answers that are kept ready.

use std::sync::Arc;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use engine::{Answer, talk::MESSAGES_MAX};
use ledger::{RecordFilter, Shelf};
use model::{
    command::{Command, KeepPrivate},
    id::OrderId,
    record::Record,
    talk::{By, CANNED, MESSAGE, Message, UNREAD, Write},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::{Allowed, NoticesRead, NoticesWrite},
    check::Checks,
    clock::Now,
    idempotency::Idempotency,
    input::{Input, Json, words},
    params::{Page, Params, Segments},
    problem::Problem,
    schema,
    state::{Api, json, json_replayed, unexpected},
    supplies::path_id,
};

/// Longest message, in characters.
pub(crate) const TEXT_CHARS_MAX: usize = 5_000;
/// Most canned answers.
const CANNED_MAX: usize = 200;

/// Who writes.
#[derive(Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(as = MessageBy, rename_all = "snake_case")]
pub(crate) enum ByIn {
    /// The shop, to the customer.
    Shop,
    /// The customer, to the shop: by mail or telephone.
    Customer,
    /// Somebody at the shop, to the others.
    Note,
}

words!(ByIn { "shop" => Shop, "customer" => Customer, "note" => Note });

/// What is written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MessageInput)]
pub(crate) struct MessageIn {
    /// The words.
    #[schema(max_length = 5_000)]
    text: Option<String>,
    /// In their place: a canned answer. `{name}`, `{number}` and `{ship_by}` in it are filled in.
    canned: Option<String>,
    /// Who writes; `shop` unless given.
    by: Option<ByIn>,
    /// Their name, of somebody at the shop.
    who: Option<String>,
}

impl Input for MessageIn {}

#[derive(Serialize)]
struct MessageOut {
    id: Arc<str>,
    #[serde(flatten)]
    message: Message,
    unread: bool,
}

impl MessageOut {
    fn of(record: &Record) -> Option<Self> {
        let message = record.read().ok().flatten()?;
        Some(Self { id: Arc::clone(&record.id), message, unread: &*record.state == UNREAD })
    }
}

/// Checks words that people write: several lines, but no other controls.
pub(super) fn checked_text(checks: &mut Checks, at: &str, text: &str) -> Arc<str> {
    let text = text.trim();
    let bad = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.is_empty() {
        checks.wrong(format_args!("{at}"), "empty", "is empty");
    } else if text.chars().count() > TEXT_CHARS_MAX {
        checks.wrong(format_args!("{at}"), "too_long", format!("{TEXT_CHARS_MAX} characters at most"));
    } else if text.replace("\r\n", "\n").chars().any(bad) {
        checks.wrong(format_args!("{at}"), "form", "has control characters");
    }
    text.replace("\r\n", "\n").into()
}

/// Read what was written about an order
///
/// The oldest first: what the customer and the shop wrote, and notes. What was sent by itself is under `/v1/notices?order=`.
#[utoipa::path(
    get, path = "/v1/orders/{id}/messages", tag = "Notices", operation_id = "list_order_messages",
    params(("id" = String, Path, description = "The order's id")),
    responses((status = 200, description = "The thread", body = schema::MessagePage)),
    security(("key" = ["notices:read"])),
)]
pub(crate) async fn thread(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesRead>,
    Segments(id): Segments<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let order: OrderId = path_id("order", &id)?;
    let tenant = allowed.caller.tenant.clone();
    let found = api
        .read(move |store| {
            let owner = order.to_string();
            let filter = RecordFilter { owner: Some(&owner), state: None };
            let known = !store.orders(&tenant, &[order])?.is_empty();
            let found = store.record_page(&tenant, Shelf::Private, MESSAGE, &filter, (None, MESSAGES_MAX))?;
            Ok(known.then_some(found))
        })
        .await?;
    let found = found.ok_or_else(|| Problem::not_found("order", &id))?;
    let items = found.iter().filter_map(MessageOut::of).collect();
    json(StatusCode::OK, &Page::new(items, None::<&String>))
}

/// Write about an order
///
/// What the shop writes goes to the customer by mail, with a link to write back, and marks what the customer wrote as read.
#[utoipa::path(
    post, path = "/v1/orders/{id}/messages", tag = "Notices", operation_id = "write_message",
    params(("id" = String, Path, description = "The order's id")),
    request_body = MessageIn,
    responses((status = 201, description = "What was written", body = schema::Message)),
    security(("key" = ["notices:write"])),
)]
pub(crate) async fn write(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Segments(id): Segments<String>,
    Json { value, bytes }: Json<MessageIn>,
) -> Result<Response, Problem> {
    let order: OrderId = path_id("order", &id)?;
    let mut checks = Checks::default();
    let text = match (&value.text, &value.canned) {
        (Some(text), None) => checked_text(&mut checks, "/text", text),
        (None, Some(name)) => match canned(&api, &allowed.caller.tenant, order, name, now).await? {
            Some(text) => text,
            None => {
                checks.wrong(
                    format_args!("/canned"),
                    "unknown_value",
                    format!("there is no answer {name:?}"),
                );
                "".into()
            }
        },
        _ => {
            checks.wrong(format_args!("/text"), "required", "give `text` or `canned`, one of both");
            "".into()
        }
    };
    let by = match value.by.unwrap_or(ByIn::Shop) {
        ByIn::Shop => By::Shop,
        ByIn::Customer => By::Customer,
        ByIn::Note => By::Note,
    };
    let who = checks.name(format_args!("/who"), value.who.as_deref());
    let wish = checks.finish(Write { order, by, who, text })?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, Command::Write(wish), key).await?;
    let Answer::Records(records) = &done.answer else { return Err(unexpected(&done.answer)) };
    let out = records.first().and_then(MessageOut::of).ok_or_else(Problem::defect)?;
    json_replayed(StatusCode::CREATED, &out, done.replayed)
}

/// A canned answer with its blanks filled in.
async fn canned(
    api: &Arc<Api>,
    tenant: &model::id::TenantId,
    order: OrderId,
    name: &str,
    now: Timestamp,
) -> Result<Option<Arc<str>>, Problem> {
    let (tenant, name) = (tenant.clone(), name.to_owned());
    api.read(move |store| {
        let found = store.records(&tenant, Shelf::Private, CANNED, &[&name])?.pop();
        let answer: Option<CannedOut> = found.and_then(|record| record.read().ok().flatten());
        let (Some(answer), Some(order)) = (answer, store.orders(&tenant, &[order])?.pop()) else {
            return Ok(None);
        };
        let contact = store.contact(&tenant, order.id)?.unwrap_or_default();
        let shop = super::state::shop_of(store, &tenant, std::slice::from_ref(&order))?;
        let by = promise::order_view(&shop, &order, now).ship_by.promised;
        let name = contact.name.as_deref().and_then(crate::pages::first_name).unwrap_or_default();
        let by = by.map_or_else(|| "(no date yet)".to_owned(), |date| date.to_string());
        let number = crate::pages::order_number(&order);
        let filled = answer.text.replace("{name}", name).replace("{number}", &number);
        Ok(Some(filled.replace("{ship_by}", &by).into()))
    })
    .await
}

/// Say that what the customer wrote was read
#[utoipa::path(
    post, path = "/v1/orders/{id}/messages/read", tag = "Notices", operation_id = "mark_messages_read",
    params(("id" = String, Path, description = "The order's id")),
    responses((status = 204, description = "All of it is")),
    security(("key" = ["notices:write"])),
)]
pub(crate) async fn mark_read(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesWrite>,
    Now(now): Now,
    Segments(id): Segments<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let order: OrderId = path_id("order", &id)?;
    let done = api.run(&allowed.caller, now, Command::MarkRead(order), None).await?;
    match done.answer {
        Answer::Done => Ok(StatusCode::NO_CONTENT.into_response()),
        other => Err(unexpected(&other)),
    }
}

/// List messages of all orders
///
/// With `unread=true`, what customers wrote and nobody has read: the shop's inbox.
#[utoipa::path(
    get, path = "/v1/messages", tag = "Notices", operation_id = "list_messages",
    params(("unread" = Option<bool>, Query, description = "Only what nobody has read")),
    responses((status = 200, description = "Messages, the oldest first", body = schema::MessagePage)),
    security(("key" = ["notices:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesRead>,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, after) = (params.limit(), params.cursor::<String>());
    let unread = params.flag("unread");
    params.finish()?;
    let (kind, state) = ((Shelf::Private, MESSAGE), unread.then_some(UNREAD));
    let (found, next) = api.record_page(&allowed.caller.tenant, kind, (None, state), (after, limit)).await?;
    let items = found.iter().filter_map(MessageOut::of).collect();
    json(StatusCode::OK, &Page::new(items, next.as_ref()))
}

/// An answer that is kept ready.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CannedAnswerInput)]
pub(crate) struct CannedIn {
    /// The words; `{name}`, `{number}` and `{ship_by}` are filled in when it is used.
    #[schema(max_length = 5_000)]
    text: String,
}

impl Input for CannedIn {}

#[derive(Serialize, Deserialize)]
struct CannedOut {
    name: Arc<str>,
    text: Arc<str>,
}

/// Keep an answer ready
#[utoipa::path(
    put, path = "/v1/settings/answers/{name}", tag = "Notices", operation_id = "put_canned_answer",
    params(("name" = String, Path, description = "What it is called")),
    request_body = CannedIn,
    responses((status = 200, description = "The answer", body = schema::CannedAnswer)),
    security(("key" = ["notices:write"])),
)]
pub(crate) async fn put_canned(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesWrite>,
    Now(now): Now,
    Segments(name): Segments<String>,
    Json { value, .. }: Json<CannedIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let name = checks.label(format_args!("name"), Some(&name));
    let text = checked_text(&mut checks, "/text", &value.text);
    let Some(name) = checks.finish(name)? else { return Err(Problem::field("name", "empty", "is empty")) };
    let tenant = allowed.caller.tenant.clone();
    let others: Vec<Record> = api
        .read(move |store| {
            let page = (None, CANNED_MAX + 1);
            store.record_page(&tenant, Shelf::Private, CANNED, &RecordFilter::default(), page)
        })
        .await?;
    if others.len() >= CANNED_MAX && others.iter().all(|known| known.id != name) {
        return Err(Problem::field("name", "too_many", format!("there are {CANNED_MAX} answers already")));
    }
    let out = CannedOut { name: Arc::clone(&name), text };
    let record = Record::new(CANNED, &name, &out).map_err(|_| Problem::defect())?;
    let wish = KeepPrivate { records: vec![record], ..KeepPrivate::default() };
    api.run(&allowed.caller, now, Command::KeepPrivate(wish), None).await?;
    json(StatusCode::OK, &out)
}

/// List answers that are kept ready
#[utoipa::path(
    get, path = "/v1/settings/answers", tag = "Notices", operation_id = "list_canned_answers",
    responses((status = 200, description = "All of them", body = schema::CannedAnswerPage)),
    security(("key" = ["notices:read"])),
)]
pub(crate) async fn list_canned(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesRead>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let tenant = allowed.caller.tenant.clone();
    let found: Vec<Record> = api
        .read(move |store| {
            store.record_page(&tenant, Shelf::Private, CANNED, &RecordFilter::default(), (None, CANNED_MAX))
        })
        .await?;
    let items: Vec<CannedOut> = found.iter().filter_map(|record| record.read().ok().flatten()).collect();
    json(StatusCode::OK, &Page::new(items, None::<&String>))
}

/// Drop an answer
#[utoipa::path(
    delete, path = "/v1/settings/answers/{name}", tag = "Notices", operation_id = "drop_canned_answer",
    params(("name" = String, Path, description = "What it is called")),
    responses((status = 204, description = "It is gone")),
    security(("key" = ["notices:write"])),
)]
pub(crate) async fn drop_canned(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesWrite>,
    Now(now): Now,
    Segments(name): Segments<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let wish = KeepPrivate {
        only_if: vec![(CANNED.into(), name.as_str().into())],
        records: vec![Record::gone(CANNED, &name)],
        ..KeepPrivate::default()
    };
    api.run(&allowed.caller, now, Command::KeepPrivate(wish), None).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
