//! `/v1/webhooks`: who is told of what happens, what could not be delivered, telling again.

use std::sync::Arc;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use connect::webhook::{SECRET_BYTES, Secret, guard};
use engine::Answer;
use ledger::{Read, RecordFilter, Shelf, StoreError};
use model::{
    command::{Command, KeepPrivate},
    event::Event,
    id::TenantId,
    record::Record,
    refusal::{Refusal, RefusalCode, Rejection},
    time::{Timestamp, seconds_after},
    webhook::{DELIVERY, Delivery, Disabled, ENDPOINT, Endpoint, TOLD, Told},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{
    auth::{Allowed, Caller, WebhooksRead, WebhooksWrite},
    check::Checks,
    clock::Now,
    input::{Input, Json},
    params::{Page, Params, Segments},
    problem::Problem,
    schema,
    state::{Api, json, unexpected},
};
use crate::hooks::{ENDPOINTS_MAX, WAITING};

/// Longest address.
const URL_CHARS_MAX: usize = 500;
/// Most kinds of events that an endpoint names.
const KINDS_MAX: usize = 100;
/// Most entries that are told again by one call.
const REPLAY_MAX: usize = 1_000;
/// For how long an old secret signs as well, in seconds.
const OLD_SECRET_S: i64 = 86_400;

/// Where somebody wants to be told, and of what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookInput)]
pub(crate) struct EndpointIn {
    /// Where to: an absolute HTTPS or HTTP address. Addresses inside the server's own network are refused unless it was told to
    /// allow them.
    #[schema(max_length = 500)]
    url: String,
    /// Kinds of events; all, if none is given.
    #[serde(default)]
    #[schema(max_items = 100)]
    events: Vec<String>,
    /// In your words.
    note: Option<String>,
    /// What signs: `whsec_` and 24 to 64 bytes in base64. Made unless given.
    secret: Option<String>,
}

impl Input for EndpointIn {}

/// What changes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookChangeInput)]
pub(crate) struct ChangeIn {
    /// Another address.
    url: Option<String>,
    /// Other kinds of events; an empty list: all.
    events: Option<Vec<String>>,
    /// In your words.
    note: Option<String>,
    /// Whether it is told: `true` after a 410 begins again where it stopped.
    enabled: Option<bool>,
}

impl Input for ChangeIn {}

/// What to tell again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReplayInput)]
pub(crate) struct ReplayIn {
    /// Entries after this number.
    #[schema(minimum = 0)]
    after: i64,
    /// Up to this one; left out: to the newest, a thousand at most.
    #[schema(minimum = 0)]
    to: Option<i64>,
}

impl Input for ReplayIn {}

#[derive(Serialize)]
struct EndpointOut<'a> {
    id: &'a str,
    url: &'a str,
    events: &'a [Arc<str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    created_at: Timestamp,
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<Disabled>,
    /// How far it was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

impl<'a> EndpointOut<'a> {
    fn of(id: &'a str, endpoint: &'a Endpoint, told: Option<i64>) -> Self {
        Self {
            id,
            url: &endpoint.url,
            events: &endpoint.events,
            note: endpoint.note.as_deref(),
            created_at: endpoint.created_at,
            enabled: endpoint.disabled.is_none(),
            disabled: endpoint.disabled,
            told,
            secret: None,
        }
    }

    /// The same with its secret, which is shown when it is made and never again.
    fn with_secret(self, secret: &'a str) -> Self {
        Self { secret: Some(secret), ..self }
    }
}

fn check_url(api: &Api, checks: &mut Checks, url: &str) -> Arc<str> {
    let at = "/url";
    if url.chars().count() > URL_CHARS_MAX {
        checks.wrong(format_args!("{at}"), "too_long", format!("{URL_CHARS_MAX} characters at most"));
    } else if !guard::is_address(url) {
        let detail = "expected an absolute https or http address without a name and password";
        checks.wrong(format_args!("{at}"), "form", detail);
    } else if !api.app.hooks.private && guard::names_private_address(url) {
        let detail = "is inside the server's own network; it was not told to allow that";
        checks.wrong(format_args!("{at}"), "private_address", detail);
    }
    url.into()
}

fn check_kinds(checks: &mut Checks, kinds: &[String]) -> Vec<Arc<str>> {
    for (at, kind) in kinds.iter().enumerate() {
        if !Event::KINDS.contains(&&**kind) {
            let detail = format!("there is no event {kind:?}");
            checks.wrong(format_args!("/events/{at}"), "unknown_value", detail);
        }
    }
    checks.labels("/events", kinds, KINDS_MAX)
}

fn new_secret(api: &Api, id: uuid::Uuid) -> String {
    let mut digest = Sha256::new();
    digest.update(api.app.secret);
    digest.update(b"webhook secret");
    digest.update(id.as_bytes());
    let bytes: [u8; SECRET_BYTES] = digest.finalize().into();
    Secret::text(&bytes)
}

async fn keep(api: &Api, caller: &Caller, now: Timestamp, wish: KeepPrivate) -> Result<(), Problem> {
    let done = api.run(caller, now, Command::KeepPrivate(wish), None).await?;
    match done.answer {
        Answer::Done => Ok(()),
        other => Err(unexpected(&other)),
    }
}

fn written(id: &str, endpoint: &Endpoint) -> Result<Record, Problem> {
    Record::new(ENDPOINT, id, endpoint).map_err(|error| {
        tracing::error!(%error, "an endpoint cannot be written");
        Problem::defect()
    })
}

type Found = Option<(Endpoint, Option<Told>)>;

fn find(store: &mut dyn Read, tenant: &TenantId, id: &str) -> Result<Found, StoreError> {
    let endpoint = store.records(tenant, Shelf::Private, ENDPOINT, &[id])?;
    let told = store.records(tenant, Shelf::Private, TOLD, &[id])?;
    let told = told.first().and_then(|record| record.read().ok().flatten());
    let endpoint = endpoint.first().and_then(|record| record.read().ok().flatten());
    Ok(endpoint.map(|endpoint| (endpoint, told)))
}

async fn found(api: &Arc<Api>, caller: &Caller, id: &str) -> Result<(Endpoint, Option<Told>), Problem> {
    let (tenant, of) = (caller.tenant.clone(), id.to_owned());
    let found = api.read(move |store| find(store, &tenant, &of)).await?;
    found.ok_or_else(|| Problem::not_found("webhook", id))
}

/// Tell somebody what happens
///
/// Every entry of the ledger from now on is sent as `{type, timestamp, data}`, `data` as in `GET /v1/events`, signed after the
/// Standard Webhooks specification (`webhook-id`, `webhook-timestamp`, `webhook-signature`). Any answer from 200 to 299 within 15
/// seconds takes it. Else it is tried again after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h, or later where `Retry-After` says
/// so; 410 ends it all. Entries may come out of order, and one that was taken may come again: its `webhook-id` is the same. The
/// secret is in this answer and never shown again.
#[utoipa::path(
    post, path = "/v1/webhooks", tag = "Webhooks", operation_id = "add_webhook",
    request_body = EndpointIn,
    responses((status = 201, description = "The endpoint, with its secret", body = schema::Webhook)),
    security(("key" = ["webhooks:write"])),
)]
pub(crate) async fn add(
    State(api): State<Arc<Api>>,
    allowed: Allowed<WebhooksWrite>,
    Now(now): Now,
    Json { value, .. }: Json<EndpointIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let url = check_url(&api, &mut checks, &value.url);
    let events = check_kinds(&mut checks, &value.events);
    let note = checks.note(format_args!("/note"), value.note.as_deref());
    if let Some(wrong) = value.secret.as_ref().and_then(|secret| Secret::read(secret).err()) {
        checks.wrong(format_args!("/secret"), "form", wrong.to_string());
    }
    checks.finish(())?;
    let stamp = api.app.stamps.next(now);
    let (id, tenant) = (format!("wh_{}", stamp.simple()), allowed.caller.tenant.clone());
    let (others, last) = api
        .read(move |store| {
            let filter = RecordFilter::default();
            let page = (None, ENDPOINTS_MAX + 1);
            let others = store.record_page(&tenant, Shelf::Private, ENDPOINT, &filter, page)?;
            Ok((others.len(), store.last_event(&tenant)?))
        })
        .await?;
    if others >= ENDPOINTS_MAX {
        let detail = format!("there are {ENDPOINTS_MAX} webhooks: remove one first");
        return Err(Rejection::from(Refusal::new(RefusalCode::TooManyLines, detail)).into());
    }
    let secret: Arc<str> = value.secret.unwrap_or_else(|| new_secret(&api, stamp)).into();
    let endpoint = Endpoint { url, secret, old_secret: None, events, note, created_at: now, disabled: None };
    let told = Record::new(TOLD, &id, &Told { seq: last, turn: 0 }).map_err(|_| Problem::defect())?;
    let records = vec![written(&id, &endpoint)?, told];
    keep(&api, &allowed.caller, now, KeepPrivate { records, ..KeepPrivate::default() }).await?;
    let out = EndpointOut::of(&id, &endpoint, Some(last)).with_secret(&endpoint.secret);
    json(StatusCode::CREATED, &out)
}

/// List who is told
#[utoipa::path(
    get, path = "/v1/webhooks", tag = "Webhooks", operation_id = "list_webhooks",
    responses((status = 200, description = "Every endpoint", body = schema::WebhookPage)),
    security(("key" = ["webhooks:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<WebhooksRead>,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, after) = (params.limit(), params.cursor::<String>());
    params.finish()?;
    let kind = (Shelf::Private, ENDPOINT);
    let (found, next) = api.record_page(&allowed.caller.tenant, kind, (None, None), (after, limit)).await?;
    let read: Vec<(Arc<str>, Endpoint)> = found
        .iter()
        .filter_map(|record| Some((Arc::clone(&record.id), record.read().ok().flatten()?)))
        .collect();
    let items = read.iter().map(|(id, endpoint)| EndpointOut::of(id, endpoint, None)).collect();
    json(StatusCode::OK, &Page::new(items, next.as_ref()))
}

/// Read one
#[utoipa::path(
    get, path = "/v1/webhooks/{id}", tag = "Webhooks", operation_id = "get_webhook",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The endpoint", body = schema::Webhook)),
    security(("key" = ["webhooks:read"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    allowed: Allowed<WebhooksRead>,
    Segments(id): Segments<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let (endpoint, told) = found(&api, &allowed.caller, &id).await?;
    json(StatusCode::OK, &EndpointOut::of(&id, &endpoint, told.map(|told| told.seq)))
}

/// Change one
#[utoipa::path(
    patch, path = "/v1/webhooks/{id}", tag = "Webhooks", operation_id = "change_webhook",
    params(("id" = String, Path, description = "Its id")),
    request_body = ChangeIn,
    responses((status = 200, description = "The endpoint as it is now", body = schema::Webhook)),
    security(("key" = ["webhooks:write"])),
)]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    allowed: Allowed<WebhooksWrite>,
    Now(now): Now,
    Segments(id): Segments<String>,
    Json { value, .. }: Json<ChangeIn>,
) -> Result<Response, Problem> {
    let (before, told) = found(&api, &allowed.caller, &id).await?;
    let mut checks = Checks::default();
    let disabled = match value.enabled {
        Some(true) => None,
        Some(false) => Some(before.disabled.unwrap_or(Disabled::ByHand)),
        None => before.disabled,
    };
    let endpoint = Endpoint {
        url: value.url.as_ref().map_or(before.url, |url| check_url(&api, &mut checks, url)),
        events: value.events.as_ref().map_or(before.events, |kinds| check_kinds(&mut checks, kinds)),
        note: checks.note(format_args!("/note"), value.note.as_deref()).or(before.note),
        disabled,
        ..before
    };
    let endpoint = checks.finish(endpoint)?;
    put(&api, &allowed.caller, now, &id, &endpoint).await?;
    json(StatusCode::OK, &EndpointOut::of(&id, &endpoint, told.map(|told| told.seq)))
}

/// Sets an endpoint that is there.
async fn put(
    api: &Api,
    caller: &Caller,
    now: Timestamp,
    id: &str,
    endpoint: &Endpoint,
) -> Result<(), Problem> {
    let only_if = vec![(ENDPOINT.into(), id.into())];
    let records = vec![written(id, endpoint)?];
    keep(api, caller, now, KeepPrivate { only_if, records, ..KeepPrivate::default() }).await
}

/// Give it another secret
///
/// For a day the old one signs as well, so that nobody misses a message while the new one is put in its place.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/secret", tag = "Webhooks", operation_id = "rotate_webhook_secret",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The endpoint, with its new secret", body = schema::Webhook)),
    security(("key" = ["webhooks:write"])),
)]
pub(crate) async fn turn_secret(
    State(api): State<Arc<Api>>,
    allowed: Allowed<WebhooksWrite>,
    Now(now): Now,
    Segments(id): Segments<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let (before, told) = found(&api, &allowed.caller, &id).await?;
    let until = seconds_after(now, OLD_SECRET_S).unwrap_or(now);
    let endpoint = Endpoint {
        old_secret: Some((before.secret, until)),
        secret: new_secret(&api, api.app.stamps.next(now)).into(),
        ..before
    };
    put(&api, &allowed.caller, now, &id, &endpoint).await?;
    let out = EndpointOut::of(&id, &endpoint, told.map(|told| told.seq));
    json(StatusCode::OK, &out.with_secret(&endpoint.secret))
}

/// Tell it nothing any more
#[utoipa::path(
    delete, path = "/v1/webhooks/{id}", tag = "Webhooks", operation_id = "remove_webhook",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is gone, with all that waited for it")),
    security(("key" = ["webhooks:write"])),
)]
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    allowed: Allowed<WebhooksWrite>,
    Now(now): Now,
    Segments(id): Segments<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    found(&api, &allowed.caller, &id).await?;
    loop {
        let (tenant, owner) = (allowed.caller.tenant.clone(), id.clone());
        let waiting = api
            .read(move |store| {
                let filter = RecordFilter { owner: Some(&owner), state: None };
                store.record_page(&tenant, Shelf::Private, DELIVERY, &filter, (None, REPLAY_MAX))
            })
            .await?;
        let is_last = waiting.len() < REPLAY_MAX;
        let mut records: Vec<Record> =
            waiting.iter().map(|record| Record::gone(DELIVERY, &record.id)).collect();
        records.push(Record::gone(ENDPOINT, &id));
        records.push(Record::gone(TOLD, &id));
        keep(&api, &allowed.caller, now, KeepPrivate { records, ..KeepPrivate::default() }).await?;
        if is_last {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
    }
}

#[derive(Serialize)]
struct DeliveryOut {
    #[serde(flatten)]
    delivery: Delivery,
    state: Arc<str>,
    next_at: Option<Timestamp>,
}

/// List what was not delivered
///
/// Messages that are tried again (`waiting`, with `next_at`) and those that are not any more (`failed`): tell these again with
/// `/replay` when the endpoint is mended.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}/deliveries", tag = "Webhooks", operation_id = "list_webhook_deliveries",
    params(
        ("id" = String, Path, description = "The endpoint's id"),
        ("state" = Option<String>, Query, description = "`waiting` or `failed`"),
    ),
    responses((status = 200, description = "What was not delivered", body = schema::WebhookDeliveryPage)),
    security(("key" = ["webhooks:read"])),
)]
pub(crate) async fn deliveries(
    State(api): State<Arc<Api>>,
    allowed: Allowed<WebhooksRead>,
    Segments(id): Segments<String>,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, after) = (params.limit(), params.cursor::<String>());
    let state = params.word("state", &["waiting", "failed"]);
    params.finish()?;
    found(&api, &allowed.caller, &id).await?;
    let kind = (Shelf::Private, DELIVERY);
    let (found, next) =
        api.record_page(&allowed.caller.tenant, kind, (Some(id), state), (after, limit)).await?;
    let items = found.iter().filter_map(|record| {
        let delivery = record.read().ok().flatten()?;
        Some(DeliveryOut { delivery, state: Arc::clone(&record.state), next_at: record.due })
    });
    json(StatusCode::OK, &Page::new(items.collect(), next.as_ref()))
}

#[derive(Serialize)]
struct Replayed {
    queued: usize,
    to: i64,
}

/// Tell it again
///
/// Queues entries of the ledger that it wants to be told of once more, whether they were delivered or not.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/replay", tag = "Webhooks", operation_id = "replay_webhook",
    params(("id" = String, Path, description = "The endpoint's id")),
    request_body = ReplayIn,
    responses((status = 200, description = "How many, and the last entry looked at", body = schema::WebhookReplay)),
    security(("key" = ["webhooks:write"])),
)]
pub(crate) async fn replay(
    State(api): State<Arc<Api>>,
    allowed: Allowed<WebhooksWrite>,
    Now(now): Now,
    Segments(id): Segments<String>,
    Json { value, .. }: Json<ReplayIn>,
) -> Result<Response, Problem> {
    let (endpoint, _) = found(&api, &allowed.caller, &id).await?;
    let mut checks = Checks::default();
    let after = checks.number(format_args!("/after"), value.after, 0, i64::MAX);
    let to = value.to.map(|to| checks.number(format_args!("/to"), to, after.min(i64::MAX - 1) + 1, i64::MAX));
    checks.finish(())?;
    let tenant = allowed.caller.tenant.clone();
    let rows = api.read(move |store| store.events(&tenant, after, REPLAY_MAX)).await?;
    let rows = rows.into_iter().filter(|row| to.is_none_or(|to| row.seq <= to));
    let (mut records, mut last) = (Vec::new(), after);
    for row in rows {
        last = row.seq;
        if !endpoint.wants(&row.kind) {
            continue;
        }
        let delivery =
            Delivery { seq: row.seq, kind: row.kind, tries: 0, tried_at: now, failure: "replay".into() };
        let key = format!("{id}-{:012}", delivery.seq);
        let record = Record::new(DELIVERY, &key, &delivery).map_err(|_| Problem::defect())?;
        let owner = id.as_str().into();
        records.push(Record { owner, state: WAITING.into(), due: Some(now), ..record });
    }
    let queued = records.len();
    let only_if = vec![(ENDPOINT.into(), id.as_str().into())];
    keep(&api, &allowed.caller, now, KeepPrivate { only_if, records, ..KeepPrivate::default() }).await?;
    json(StatusCode::OK, &Replayed { queued, to: last })
}
