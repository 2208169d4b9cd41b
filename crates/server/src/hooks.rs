//! Webhooks out: what the ledger says is sent to whoever asked to be told, each entry once in effect.
//!
//! An endpoint has a record of how far it was told. What could not be delivered at once waits as a record of its own, due when it
//! is tried again, so one endpoint that is down holds nothing else up and nothing is forgotten over a restart. Nodes take turns
//! at an endpoint, a minute each; a node that died between sending and noting leaves a message that is sent again under the
//! same `webhook-id`, by which receivers can tell.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use connect::webhook::{Message, Outcome, Secret, Sender};
use engine::{Answer, Failure};
use futures_util::{StreamExt, stream};
use ledger::{EventRow, RecordFilter, Shelf};
use model::{
    command::{Command, KeepPrivate},
    id::TenantId,
    record::Record,
    refusal::Rejection,
    time::{Timestamp, seconds_after},
    webhook::{DELIVERY, Delivery, Disabled, ENDPOINT, Endpoint, TOLD, TURN, Told},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    App,
    api::EventOut,
    traces::Trace,
    worker::{self, over_and_over, read},
};

/// Most endpoints of a tenant.
pub(crate) const ENDPOINTS_MAX: usize = 50;
/// Entries of the ledger sent in one step.
const ENTRIES_A_STEP: usize = 100;
/// Messages to one endpoint under way at once.
const AT_ONCE: usize = 8;
/// After how long what was not taken is tried again, in seconds (Standard Webhooks); then it has failed.
const AGAIN_S: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// How much later at most, of a hundred parts, so that what failed together is not tried together.
const JITTER_PERCENT: i64 = 10;
/// For how long one node works an endpoint, in seconds.
const TURN_S: i64 = 60;
/// The largest body; a larger entry says where it can be read.
const BODY_BYTES_MAX: usize = 20_000;
/// The state of a delivery that is not tried any more.
pub(crate) const FAILED: &str = "failed";
/// The state of one that is.
pub(crate) const WAITING: &str = "waiting";

/// What sends messages, and where to.
#[derive(Debug, Default)]
pub struct Hooks {
    /// `None`: nothing is sent.
    pub sender: Option<Sender>,
    /// Whether endpoints may be inside our own network.
    pub private: bool,
    /// What tells this process from others that work the same store.
    pub node: String,
}

/// A webhook's message.
#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    timestamp: Timestamp,
    data: &'a RawValue,
}

/// Sends what is due by a moment; answers how many messages were sent, taken or not.
///
/// Errors: the engine or the store failed; what was not noted is sent again later.
pub async fn deliver(app: &Arc<App>, now: Timestamp) -> Result<usize, Failure> {
    let Some(sender) = app.hooks.sender.clone() else { return Ok(0) };
    let mut sent = 0;
    for tenant in read(app, |store| store.tenants()).await? {
        for (id, endpoint) in endpoints(app, &tenant.id).await? {
            if endpoint.disabled.is_none() {
                let work =
                    Work { app, sender: &sender, tenant: &tenant.id, id: &id, endpoint: &endpoint, now };
                sent += work.run().await?;
            }
        }
    }
    Ok(sent)
}

async fn endpoints(app: &Arc<App>, tenant: &TenantId) -> Result<Vec<(Arc<str>, Endpoint)>, Failure> {
    let tenant = tenant.clone();
    read(app, move |store| {
        let filter = RecordFilter::default();
        let found = store.record_page(&tenant, Shelf::Private, ENDPOINT, &filter, (None, ENDPOINTS_MAX))?;
        Ok(found.iter().filter_map(|record| Some((Arc::clone(&record.id), read_as(record)?))).collect())
    })
    .await
}

/// One endpoint that is worked.
struct Work<'a> {
    app: &'a Arc<App>,
    sender: &'a Sender,
    tenant: &'a TenantId,
    id: &'a Arc<str>,
    endpoint: &'a Endpoint,
    now: Timestamp,
}

/// A message that was sent.
struct Sent {
    seq: i64,
    kind: Arc<str>,
    tries: u32,
    /// Whether it waited as a delivery.
    waited: bool,
    outcome: Outcome,
}

impl Work<'_> {
    async fn run(&self) -> Result<usize, Failure> {
        let (told, last, due) = self.standing().await?;
        if told.seq >= last && due.is_empty() {
            return Ok(0);
        }
        if !self.take_turn(&told).await? {
            return Ok(0);
        }
        let mut sent = self.again(due).await?;
        let mut seq = told.seq;
        while seq < last {
            let Some((count, to)) = self.next(seq).await? else { break };
            sent += count;
            seq = to;
        }
        Ok(sent)
    }

    /// How far it was told, how far the ledger goes, and what is to be tried again.
    async fn standing(&self) -> Result<(Told, i64, Vec<Record>), Failure> {
        let (tenant, id, now) = (self.tenant.clone(), Arc::clone(self.id), self.now);
        read(self.app, move |store| {
            let last = store.last_event(&tenant)?;
            let told = store.records(&tenant, Shelf::Private, TOLD, &[&id])?;
            // What happened before it was entered is nobody's news.
            let told = told.first().and_then(read_as).unwrap_or(Told { seq: last, turn: 0 });
            let filter = RecordFilter { owner: Some(&id), state: Some(WAITING) };
            let waiting =
                store.record_page(&tenant, Shelf::Private, DELIVERY, &filter, (None, ENTRIES_A_STEP))?;
            let due = waiting.into_iter().filter(|record| record.due.is_some_and(|due| due <= now));
            Ok((told, last, due.collect()))
        })
        .await
    }

    /// Whether this node works the endpoint for now: the first to say so for a minute does.
    async fn take_turn(&self, told: &Told) -> Result<bool, Failure> {
        let turn = self.now.as_second() / TURN_S;
        if turn == told.turn {
            // Ours already, or that of one who took it in this minute and noted something since: its own turn record tells.
            let (tenant, key) = (self.tenant.clone(), self.turn_key(turn));
            let held =
                read(self.app, move |store| store.records(&tenant, Shelf::Private, TURN, &[&key])).await?;
            return Ok(held
                .first()
                .and_then(read_as::<String>)
                .is_some_and(|held| held == self.app.hooks.node));
        }
        let (key, last) = (self.turn_key(turn), self.turn_key(told.turn));
        let taken = Record::new(TURN, &key, &self.app.hooks.node)?;
        let told = Record::new(TOLD, self.id, &Told { turn, ..*told })?;
        let wish = KeepPrivate {
            only_if: vec![(ENDPOINT.into(), Arc::clone(self.id))],
            unless: vec![(TURN.into(), key.into())],
            records: vec![taken, told, Record::gone(TURN, &last)],
        };
        self.keep(wish).await
    }

    fn turn_key(&self, turn: i64) -> String {
        format!("{}-{turn}", self.id)
    }

    /// Sends the next entries after one; answers how many were sent and how far that came. `None`: there are none.
    async fn next(&self, after: i64) -> Result<Option<(usize, i64)>, Failure> {
        let (tenant, since) = (self.tenant.clone(), Instant::now());
        let rows = read(self.app, move |store| store.events(&tenant, after, ENTRIES_A_STEP)).await?;
        let Some(last) = rows.last().map(|row| row.seq) else { return Ok(None) };
        // Nobody is told of what a failing disk may still lose.
        self.app.engine.on_disk(since).await?;
        let wanted =
            rows.into_iter().filter(|row| self.endpoint.wants(&row.kind)).map(|row| (row, None)).collect();
        let sent = self.send(wanted).await;
        let count = sent.len();
        let is_gone = sent.iter().any(|sent| sent.outcome == Outcome::Gone);
        let turn = self.now.as_second() / TURN_S;
        let mut records = vec![Record::new(TOLD, self.id, &Told { seq: last, turn })?];
        records.extend(self.noted(sent)?);
        let goes_on = self.keep_for_endpoint(records).await?;
        Ok((goes_on && !is_gone).then_some((count, last)))
    }

    /// Tries again what was not taken.
    async fn again(&self, due: Vec<Record>) -> Result<usize, Failure> {
        let deliveries: Vec<Delivery> = due.iter().filter_map(read_as).collect();
        let (tenant, wanted) = (self.tenant.clone(), deliveries.clone());
        let rows = read(self.app, move |store| {
            let mut rows = Vec::with_capacity(wanted.len());
            for delivery in wanted {
                let row = store.events(&tenant, delivery.seq - 1, 1)?.pop();
                rows.extend(row.filter(|row| row.seq == delivery.seq).map(|row| (row, Some(delivery.tries))));
            }
            Ok(rows)
        })
        .await?;
        let sent = self.send(rows).await;
        let count = sent.len();
        let records = self.noted(sent)?;
        self.keep_for_endpoint(records).await?;
        Ok(count)
    }

    async fn send(&self, rows: Vec<(EventRow, Option<u32>)>) -> Vec<Sent> {
        let now = self.now;
        let current = Secret::read(&self.endpoint.secret).ok();
        let old = self.endpoint.old_secret.as_ref().filter(|(_, until)| now < *until);
        let old = old.and_then(|(secret, _)| Secret::read(secret).ok());
        let secrets: Arc<[Secret]> = current.into_iter().chain(old).collect();
        let sending = rows.into_iter().map(|(row, tried)| {
            let (sender, url, secrets) =
                (self.sender.clone(), Arc::clone(&self.endpoint.url), Arc::clone(&secrets));
            let traces = &self.app.traces;
            let traced = traces.outward("webhook", traces.cause(self.tenant, row.at));
            async move {
                let (seq, kind) = (row.seq, Arc::clone(&row.kind));
                let trace = traced.as_ref().map(Trace::parent);
                let sent = tokio::task::spawn_blocking(move || {
                    let (body, id) = (body(row)?, format!("evt_{seq}"));
                    let trace = trace.as_deref();
                    let message = Message { id: &id, seconds: now.as_second(), body: &body, trace };
                    Some(sender.send(&url, &secrets, &message))
                });
                let outcome = sent.await.ok().flatten();
                let outcome = outcome.unwrap_or_else(|| Outcome::Failed("unreadable".to_owned(), None));
                if let Some(traced) = traced {
                    let (word, failed) = match &outcome {
                        Outcome::Taken => ("taken".to_owned(), false),
                        Outcome::Gone => ("gone".to_owned(), true),
                        Outcome::Failed(word, _) => (word.clone(), true),
                    };
                    traced.ended(kind.to_string(), word, failed);
                }
                Sent { seq, kind, tries: tried.unwrap_or(0) + 1, waited: tried.is_some(), outcome }
            }
        });
        stream::iter(sending).buffer_unordered(AT_ONCE).collect().await
    }

    /// What is to be kept of messages that were sent.
    fn noted(&self, sent: Vec<Sent>) -> Result<Vec<Record>, Failure> {
        let mut records = Vec::new();
        for Sent { seq, kind, tries, waited, outcome } in sent {
            let id = format!("{}-{seq:012}", self.id);
            let (failure, asked) = match outcome {
                Outcome::Taken => {
                    if waited {
                        records.push(Record::gone(DELIVERY, &id));
                    }
                    continue;
                }
                Outcome::Gone => {
                    let disabled = Endpoint { disabled: Some(Disabled::Gone), ..self.endpoint.clone() };
                    records.push(Record::new(ENDPOINT, self.id, &disabled)?);
                    ("410".to_owned(), None)
                }
                Outcome::Failed(failure, asked) => (failure, asked),
            };
            let delivery = Delivery { seq, kind, tries, tried_at: self.now, failure: failure.into() };
            let wait = usize::try_from(tries - 1).ok().and_then(|tries| AGAIN_S.get(tries)).map(|wait| {
                let jitter = (seq % 101) * wait * JITTER_PERCENT / 10_000;
                (wait + jitter).max(asked.map_or(0, i64::from))
            });
            let due = wait.and_then(|wait| seconds_after(self.now, wait));
            let state = if due.is_some() { WAITING } else { FAILED };
            records.push(Record {
                owner: Arc::clone(self.id),
                state: state.into(),
                due,
                ..Record::new(DELIVERY, &id, &delivery)?
            });
        }
        Ok(records)
    }

    /// Keeps records while the endpoint is there; answers whether it is.
    async fn keep_for_endpoint(&self, records: Vec<Record>) -> Result<bool, Failure> {
        let only_if = vec![(ENDPOINT.into(), Arc::clone(self.id))];
        self.keep(KeepPrivate { only_if, unless: Vec::new(), records }).await
    }

    async fn keep(&self, wish: KeepPrivate) -> Result<bool, Failure> {
        match worker::run(self.app, self.tenant, self.now, Command::KeepPrivate(wish)).await? {
            Ok(Answer::Done) => Ok(true),
            Err(Rejection::Stale | Rejection::NotFound { .. }) => Ok(false),
            other => Err(Failure::Defect(format!("records were answered with {other:?}").into())),
        }
    }
}

/// The body of a message; `None`: the entry cannot be read.
fn body(row: EventRow) -> Option<String> {
    let (kind, at, seq) = (Arc::clone(&row.kind), row.at, row.seq);
    let written = |data: &RawValue| serde_json::to_string(&Body { r#type: &kind, timestamp: at, data }).ok();
    let data = serde_json::value::to_raw_value(&EventOut::of(row).ok()?).ok()?;
    let whole = written(&data)?;
    if whole.len() <= BODY_BYTES_MAX {
        return Some(whole);
    }
    let read_at = format!("/v1/events?after={}&limit=1", seq - 1);
    let short = serde_json::json!({ "seq": seq, "at": at, "kind": &*kind, "read_at": read_at });
    written(&serde_json::value::to_raw_value(&short).ok()?)
}

fn read_as<T: DeserializeOwned>(record: &Record) -> Option<T> {
    record.read().ok().flatten()
}

/// Works over and over, by the server's own clock, until it is dropped.
pub async fn work(app: Arc<App>, pause: Duration) {
    over_and_over(app, pause, "webhooks", |app, now| async move { deliver(&app, now).await }).await;
}
