//! `GET /v1/events`: the ledger, in order, as pages or as a stream that follows it.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, stream};
use ledger::EventRow;
use model::{id::OrderId, id::Sku, time::Timestamp};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::value::RawValue;
use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior},
};

use super::{
    auth::{Allowed, Caller, EventsRead},
    params::{Page, Params},
    problem::Problem,
    schema,
    state::{Api, json},
};

/// How often a stream looks for new entries.
const POLL: Duration = Duration::from_millis(250);
/// Entries a stream reads at once.
const STREAM_PAGE: usize = 500;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

#[derive(Serialize)]
pub(crate) struct EventOut {
    seq: i64,
    at: Timestamp,
    kind: Arc<str>,
    sku: Option<Sku>,
    order: Option<OrderId>,
    data: Box<RawValue>,
}

impl EventOut {
    pub(crate) fn of(row: EventRow) -> Result<Self, Problem> {
        let EventRow { seq, at, kind, sku, order, data } = row;
        let data = said(data).map_err(|error| {
            tracing::error!(seq, %error, "a ledger entry is not JSON");
            Problem::defect()
        })?;
        Ok(Self { seq, at, kind, sku, order, data })
    }
}

/// What an entry says: of one that carries records ([`model::record::Noted`]) what it says of them, and not these
/// themselves, whose form is nobody else's business.
fn said(data: String) -> serde_json::Result<Box<RawValue>> {
    #[derive(Deserialize)]
    struct Noted {
        data: Box<RawValue>,
        #[serde(rename = "records")]
        _records: IgnoredAny,
    }
    match serde_json::from_str::<Noted>(&data) {
        Ok(noted) => Ok(noted.data),
        Err(_) => RawValue::from_string(data),
    }
}

/// Read the ledger, or follow it
///
/// With `Accept: text/event-stream` the answer goes on with every entry as it is written; `Last-Event-ID` goes on
/// where a stream broke off.
#[utoipa::path(
    get, path = "/v1/events", tag = "Events", operation_id = "list_events",
    params(("after" = Option<i64>, Query, description = "Only entries after this number", minimum = 0)),
    responses((status = 200, description = "Entries in order", content(
        (schema::EventPage = "application/json"),
        (String = "text/event-stream"),
    ))),
    security(("key" = ["events:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<EventsRead>,
    headers: HeaderMap,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, cursor) = (params.limit(), params.cursor::<i64>());
    let after = params.number("after", 0, i64::MAX);
    if cursor.is_some() && after.is_some() {
        params.checks.wrong(format_args!("after"), "contradiction", "either after or cursor");
    }
    params.finish()?;
    let after = cursor.or(after).unwrap_or(0);
    if wants_stream(&headers) {
        let after = last_seen(&headers)?.unwrap_or(after);
        return Ok(follow(api, allowed.caller, after));
    }
    let tenant = allowed.caller.tenant.clone();
    let rows = api.read(move |store| store.events(&tenant, after, limit + 1)).await?;
    let items = rows.into_iter().map(EventOut::of).collect::<Result<Vec<_>, _>>()?;
    json(StatusCode::OK, &Page::cut(items, limit, |item| item.seq))
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok()).unwrap_or("");
    accepted.split(',').any(|kind| kind.split(';').next().unwrap_or("").trim() == "text/event-stream")
}

fn last_seen(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(given) = headers.get(&LAST_EVENT_ID) else { return Ok(None) };
    let seen = given.to_str().ok().and_then(|text| text.trim().parse().ok()).filter(|seen| *seen >= 0);
    seen.map(Some).ok_or_else(|| Problem::field("Last-Event-ID", "form", "not the number of an entry"))
}

struct Following {
    api: Arc<Api>,
    caller: Arc<Caller>,
    after: i64,
    read: VecDeque<EventRow>,
    ticks: Interval,
    stopping: watch::Receiver<bool>,
}

fn follow(api: Arc<Api>, caller: Arc<Caller>, after: i64) -> Response {
    let mut ticks = tokio::time::interval(POLL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let stopping = api.stopping.subscribe();
    let following = Following { api, caller, after, read: VecDeque::new(), ticks, stopping };
    let mut response = Sse::new(entries(following)).keep_alive(KeepAlive::default()).into_response();
    // Proxies must not hold back what was said.
    let name = HeaderName::from_static("x-accel-buffering");
    response.headers_mut().insert(name, HeaderValue::from_static("no"));
    response
}

fn entries(following: Following) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(following, |mut following| async move {
        loop {
            if let Some(row) = following.read.pop_front() {
                following.after = row.seq;
                let entry = EventOut::of(row).ok()?;
                let event =
                    Event::default().id(entry.seq.to_string()).event(&entry.kind).json_data(&entry).ok()?;
                return Some((Ok(event), following));
            }
            tokio::select! {
                _ = following.ticks.tick() => {}
                _ = following.stopping.wait_for(|stopping| *stopping) => return None,
            }
            following.read = following.next_entries().await?;
        }
    })
}

impl Following {
    /// What was written since; `None` ends the stream: the key was taken back, or the store failed. The client comes
    /// again with the last number it saw.
    async fn next_entries(&self) -> Option<VecDeque<EventRow>> {
        let (tenant, hash, after) = (self.caller.tenant.clone(), self.caller.hash, self.after);
        let read = self.api.read(move |store| {
            let key = store.api_key(&tenant, &hash)?.filter(|key| key.revoked_at.is_none());
            if key.is_none() {
                return Ok(None);
            }
            if store.last_event(&tenant)? <= after {
                return Ok(Some(Vec::new()));
            }
            store.events(&tenant, after, STREAM_PAGE).map(Some)
        });
        read.await.ok()?.map(VecDeque::from)
    }
}
