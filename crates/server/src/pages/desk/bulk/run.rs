//! A run as it is kept, and its steps: each does some of what is left and writes down how far it came.
//!
//! One at a time steps a run: whoever begins takes its *turn*, a record beside the run, and what was done is kept only by the one
//! whose turn it still is. What is done twice all the same is done once: cancels and releases have keys, and what was set for a
//! line before is known from when the run was planned; a line is set only while it has what was seen, so that nobody's word goes
//! under another's.

use std::sync::Arc;

use axum::http::StatusCode;
use engine::{Answer, Key};
use ledger::{Read, Shelf};
use model::{
    Units,
    command::{Command, KeepPrivate, Release, TakeBack, TakeBackLine},
    id::{LineId, LocationId, TenantId},
    record::Record,
    refusal::Rejection,
    time::{Timestamp, seconds_after},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    super::{super::within::Call, Ask, Fail, sorry, words},
    Act,
};

/// The kind of a run.
const BULK: &str = "bulk_run";
/// The kind of the record that says whose turn it is: `{run}-{turn}`.
const TURN: &str = "bulk_turn";
/// What one step does.
const STEP: usize = 40;
/// After so long a step that did not end is thought to have been cut off, in seconds.
const STEP_S_MAX: i64 = 60;

/// A run as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) act: Act,
    #[serde(default)]
    pub(super) class: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) strategy: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) reason: String,
    pub(super) by: String,
    pub(super) at: Timestamp,
    /// Somebody has begun to take it back.
    #[serde(default)]
    pub(super) is_undone: bool,
    /// How often somebody has taken their turn at it.
    #[serde(default)]
    pub(super) turn: u32,
    /// Since when somebody is at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) busy: Option<Timestamp>,
    pub(super) items: Vec<Item>,
}

/// One thing that it does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Item {
    /// The line; of a release, the first of its order.
    pub(super) line: LineId,
    /// Of a release: where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<LocationId>,
    pub(super) label: String,
    pub(super) units: Units,
    pub(super) state: State,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) said: String,
    /// What was set for the line before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<Value>,
    /// The release that it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) release: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Todo,
    Done,
    Failed,
    Undone,
    /// It could not be taken back.
    Kept,
}

impl Run {
    /// What is still to be done, or still to be taken back.
    pub(super) fn left(&self) -> usize {
        let open = if self.is_undone { State::Done } else { State::Todo };
        self.items.iter().filter(|item| item.state == open).count()
    }

    /// Whether somebody is at it, as far as is known.
    pub(super) fn is_busy(&self, now: Timestamp) -> bool {
        let until = self.busy.and_then(|since| seconds_after(since, STEP_S_MAX));
        until.is_some_and(|until| now < until)
    }

    pub(super) fn count(&self, state: State) -> usize {
        self.items.iter().filter(|item| item.state == state).count()
    }
}

/// Keeps a new run; `false`: there is one of that id.
pub(super) fn begin(ask: &Ask, tenant: &TenantId, id: &str, run: &Run) -> Result<bool, Fail> {
    let records = vec![kept(id, run)?, turn(id, run.turn)?];
    set_records(
        ask,
        tenant,
        KeepPrivate { unless: vec![key_of(BULK, id)], records, ..KeepPrivate::default() },
    )
}

pub(super) fn load(reader: &mut dyn Read, tenant: &TenantId, id: &str) -> Result<Run, Fail> {
    let found = reader.records(tenant, Shelf::Private, BULK, &[id])?;
    found.first().and_then(|record| record.read().ok().flatten()).ok_or(Fail::NotFound)
}

/// Takes a turn and does some of what is left, as far as it stays one's turn.
pub(super) fn step(ask: &Ask, tenant: &TenantId, id: &str, run: &mut Run) -> Result<(), Fail> {
    if !take_turn(ask, tenant, id, run)? {
        return Ok(());
    }
    let open = if run.is_undone { State::Done } else { State::Todo };
    let todo: Vec<usize> =
        (0..run.items.len()).filter(|at| run.items[*at].state == open).take(STEP).collect();
    for at in todo {
        if !is_own_turn(ask, tenant, id, run)? {
            return Ok(());
        }
        let (state, said) = match run.is_undone {
            false => act(ask, tenant, id, run, at)?,
            true => undo(ask, tenant, id, run, at)?,
        };
        let item = &mut run.items[at];
        (item.state, item.said) = (state, said);
    }
    run.busy = None;
    let wish = KeepPrivate {
        only_if: vec![key_of(TURN, &turn_id(id, run.turn))],
        records: vec![kept(id, run)?],
        ..KeepPrivate::default()
    };
    set_records(ask, tenant, wish).map(drop)
}

/// Takes the next turn at a run as it was read; `false`: somebody else has.
fn take_turn(ask: &Ask, tenant: &TenantId, id: &str, run: &mut Run) -> Result<bool, Fail> {
    let before = turn_id(id, run.turn);
    (run.turn, run.busy) = (run.turn + 1, Some(ask.now));
    let records = vec![kept(id, run)?, turn(id, run.turn)?, Record::gone(TURN, &before)];
    set_records(
        ask,
        tenant,
        KeepPrivate { only_if: vec![key_of(TURN, &before)], records, ..KeepPrivate::default() },
    )
}

fn is_own_turn(ask: &Ask, tenant: &TenantId, id: &str, run: &Run) -> Result<bool, Fail> {
    let mut reader = ask.app.engine.store().reader()?;
    Ok(!reader.records(tenant, Shelf::Private, TURN, &[&turn_id(id, run.turn)])?.is_empty())
}

fn turn_id(id: &str, turn: u32) -> String {
    format!("{id}-{turn}")
}

fn turn(id: &str, turn: u32) -> Result<Record, Fail> {
    Record::new(TURN, &turn_id(id, turn), &json!({})).map_err(|error| Fail::Defect(error.to_string()))
}

fn kept(id: &str, run: &Run) -> Result<Record, Fail> {
    Record::new(BULK, id, run).map_err(|error| Fail::Defect(error.to_string()))
}

fn key_of(kind: &str, id: &str) -> (Arc<str>, Arc<str>) {
    (kind.into(), id.into())
}

/// Sets private records; `false`: what it is bound to is otherwise by now.
fn set_records(ask: &Ask, tenant: &TenantId, wish: KeepPrivate) -> Result<bool, Fail> {
    match ask.command(tenant, Command::KeepPrivate(wish), None)? {
        Ok(_) => Ok(true),
        // What must not be there is, or what must be there is gone: somebody else's turn.
        Err(Rejection::Stale | Rejection::NotFound { .. }) => Ok(false),
        Err(rejection) => Err(Fail::Defect(format!("a run was refused: {rejection:?}"))),
    }
}

/// A key for one thing of a run: done twice it is done once.
fn key(id: &str, at: usize, what: &str) -> Key {
    let key = format!("bulk-{id}-{at}-{what}");
    Key { request: Sha256::digest(key.as_bytes()).into(), key: key.into() }
}

fn act(ask: &Ask, tenant: &TenantId, id: &str, run: &mut Run, at: usize) -> Result<(State, String), Fail> {
    let item = run.items[at].clone();
    match run.act {
        Act::Cancel => {
            let body = json!({"lines": [{"id": item.line.to_string()}], "reason": run.reason});
            let path = format!("/v1/orders/{}/cancel", item.line.order);
            let once = format!("{id}-{at}");
            let call =
                Call { method: "POST", path: &path, body: Some(&body), once: Some(&once), ..Call::default() };
            Ok(match ask.api(tenant, call)? {
                Ok(_) => (State::Done, "Cancelled".to_owned()),
                Err(refused) => (State::Failed, refused.text()),
            })
        }
        Act::Release => {
            let Some(location) = item.at else { return Ok((State::Failed, item.said)) };
            let order = ask.app.engine.store().reader()?.orders(tenant, &[item.line.order])?.pop();
            let Some(order) = order else { return Ok((State::Failed, "The order is gone".to_owned())) };
            let lines = order.lines.iter().map(|line| LineId { order: order.id, no: line.no }).collect();
            let wish = Release { location, carrier_cutoff: None, lines, more: false };
            match ask.command(tenant, Command::Release(wish), Some(key(id, at, "release")))? {
                Ok(Answer::Released(view)) if view.lines.is_empty() => {
                    Ok((State::Failed, "Nothing of it is to be had here any more".to_owned()))
                }
                Ok(Answer::Released(view)) => {
                    let units = view.lines.iter().map(|line| line.quantity).sum();
                    run.items[at].release = view.id.map(|release| release.to_string());
                    Ok((
                        State::Done,
                        format!("{} to be packed", words::counted(units, "unit is", "units are")),
                    ))
                }
                Ok(other) => Err(Fail::Defect(format!("a release was answered with {other:?}"))),
                Err(rejection) => Ok((State::Failed, sorry(&rejection))),
            }
        }
        Act::Class | Act::Strategy | Act::Lock | Act::Unlock => {
            let before = match terms(ask, tenant, item.line) {
                Ok(before) => before,
                Err(Fail::NotFound) => return Ok((State::Failed, "The line is gone".to_owned())),
                Err(fail) => return Err(fail),
            };
            let wish = changed(run, &before.0);
            let outcome = set(ask, tenant, item.line, (&wish, &before.1), State::Done)?;
            // A step that is done again after it was cut off finds its own wish set: then what was before is known from the plan.
            if outcome.0 == State::Done && (wish != before.0 || item.before.is_none()) {
                run.items[at].before = Some(before.0);
            }
            Ok(outcome)
        }
    }
}

/// Sets what a line is to have, as long as it has what was seen: where somebody was faster, theirs stands and is said.
fn set(
    ask: &Ask,
    tenant: &TenantId,
    line: LineId,
    (wish, seen): (&Value, &str),
    then: State,
) -> Result<(State, String), Fail> {
    let path = format!("/v1/lines/{line}/allocation");
    let if_match = Some(seen);
    let call = Call { method: "PUT", path: &path, body: Some(wish), if_match, ..Call::default() };
    let other = if then == State::Done { State::Failed } else { State::Kept };
    Ok(match ask.api(tenant, call)? {
        Ok(_) => (then, words::sentence(&in_words(wish))),
        Err(refused) if refused.status == StatusCode::PRECONDITION_FAILED => match terms(ask, tenant, line) {
            // Another step of the same run, most often.
            Ok((now, _)) if now == *wish => (then, words::sentence(&in_words(wish))),
            Ok((now, _)) => (other, format!("Somebody changed it meanwhile: {}", in_words(&now))),
            Err(Fail::NotFound) => (other, "The line is gone".to_owned()),
            Err(fail) => return Err(fail),
        },
        Err(refused) => (other, refused.text()),
    })
}

fn undo(ask: &Ask, tenant: &TenantId, id: &str, run: &Run, at: usize) -> Result<(State, String), Fail> {
    let item = &run.items[at];
    match (run.act, &item.release, &item.before) {
        (Act::Release, Some(release), _) => {
            let release = release.parse().map_err(|_| Fail::Form)?;
            let order = ask.app.engine.store().reader()?.orders(tenant, &[item.line.order])?.pop();
            let of = |line: &model::order::Line| line.released.iter().any(|units| units.release == release);
            let lines: Vec<TakeBackLine> = order
                .iter()
                .flat_map(|order| order.lines.iter().filter(|line| of(line)).map(|line| (order.id, line.no)))
                .map(|(order, no)| TakeBackLine {
                    line: LineId { order, no },
                    quantity: None,
                    missing: Vec::new(),
                })
                .collect();
            if lines.is_empty() {
                return Ok((State::Kept, "It was sent, or taken back, already".to_owned()));
            }
            let wish = TakeBack { release, lines, reason: Some("released by mistake".into()) };
            Ok(match ask.command(tenant, Command::TakeBack(wish), Some(key(id, at, "undo")))? {
                Ok(_) => (State::Undone, "Back from being packed".to_owned()),
                Err(rejection) => (State::Kept, sorry(&rejection)),
            })
        }
        (Act::Class | Act::Strategy | Act::Lock | Act::Unlock, _, Some(before)) => {
            let now = match terms(ask, tenant, item.line) {
                Ok(now) => now,
                Err(Fail::NotFound) => return Ok((State::Kept, "The line is gone".to_owned())),
                Err(fail) => return Err(fail),
            };
            if now.0 != changed(run, before) {
                return Ok((State::Kept, format!("Somebody changed it since: {}", in_words(&now.0))));
            }
            set(ask, tenant, item.line, (before, &now.1), State::Undone)
        }
        _ => Ok((State::Kept, "This cannot be taken back".to_owned())),
    }
}

/// What is set for a line about giving goods out, and its tag.
pub(super) fn terms(ask: &Ask, tenant: &TenantId, line: LineId) -> Result<(Value, String), Fail> {
    let path = format!("/v1/lines/{line}/allocation");
    let told = ask.api(tenant, Call { method: "GET", path: &path, ..Call::default() })?;
    let told =
        told.map_err(
            |refused| if refused.status == StatusCode::NOT_FOUND { Fail::NotFound } else { Fail::Form },
        )?;
    let of = |name: &str| told.body[name].clone();
    let terms = json!({"locked": of("locked"), "strategy": of("strategy"), "class": of("class")});
    Ok((terms, told.tag))
}

/// The same as a run leaves it.
pub(super) fn changed(run: &Run, before: &Value) -> Value {
    let mut wish = before.clone();
    match run.act {
        Act::Class => wish["class"] = run.class.into(),
        Act::Strategy => wish["strategy"] = run.strategy.as_deref().map_or(Value::Null, Value::from),
        Act::Lock => wish["locked"] = true.into(),
        Act::Unlock => wish["locked"] = false.into(),
        Act::Cancel | Act::Release => {}
    }
    wish
}

pub(super) fn in_words(terms: &Value) -> String {
    let strategy = terms["strategy"].as_str().unwrap_or("as its product");
    let locked = if terms["locked"] == true { ", locked" } else { "" };
    format!("class {}, {strategy}{locked}", terms["class"].as_i64().unwrap_or(0))
}
