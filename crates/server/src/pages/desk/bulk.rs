//! Many lines at once: shown before, done step by step, taken back where that can be.
//!
//! A run is a private record with each thing it does. A step does some of them, each under a key of its own, and writes down
//! how far it came: whoever closes the page, or a server that stops, leaves a run that goes on where it was.

use std::collections::BTreeSet;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use engine::{Answer, Key};
use ledger::{Read, Shelf};
use model::{
    Units,
    command::{Command, KeepPrivate, Release, TakeBack, TakeBackLine},
    id::{LineId, LocationId, OrderId, TenantId},
    limits::TEXT_CHARS_MAX,
    order::ShipChoice,
    record::Record,
    refusal::Rejection,
    time::Timestamp,
    view::{LineState, LineView, OrderView, PartView},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    super::{Frame, owe::short_id, page, see_other, within::Call, words},
    Ask, Fail, Local, backlog,
    orders::find,
    sorry,
};
use crate::staff::{May, Visitor};

/// The kind of a run.
const BULK: &str = "bulk_run";
/// Most lines of one run.
pub(super) const LINES_MAX: usize = 500;
/// What one step does.
const STEP: usize = 40;
const CLASS_MAX: i64 = 1_000_000;

/// What to do with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Act {
    Class,
    Strategy,
    Lock,
    Unlock,
    Cancel,
    Release,
}

impl Act {
    pub(super) const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Class, "class", "Set their class"),
        (Self::Strategy, "strategy", "Set what they may gain or lose"),
        (Self::Lock, "lock", "Lock them to their goods"),
        (Self::Unlock, "unlock", "Unlock them"),
        (Self::Release, "release", "Release their orders to be packed"),
        (Self::Cancel, "cancel", "Cancel them"),
    ];

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, own, _)| *own == word).map(|(act, ..)| act)
    }

    fn word(self) -> &'static str {
        Self::ALL.into_iter().find(|(act, ..)| *act == self).map_or("", |(_, word, _)| word)
    }

    fn title(self) -> &'static str {
        Self::ALL.into_iter().find(|(act, ..)| *act == self).map_or("", |(.., title)| title)
    }

    fn may(self) -> May {
        if self == Self::Release { May::Goods } else { May::Orders }
    }

    fn is_undone(self) -> bool {
        self != Self::Cancel
    }
}

/// What a run may do to a line, and what that means.
const STRATEGIES: [(&str, &str); 6] = [
    ("", "As the settings of its product say"),
    ("win", "Win: keeps its date or gets a better one"),
    ("gain", "Gain: never worse"),
    ("redistribute", "Redistribute: the rule alone decides"),
    ("fill", "Fill: never better"),
    ("lose", "Lose: gives its goods up"),
];

/// A run as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Run {
    act: Act,
    #[serde(default)]
    class: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    strategy: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    by: String,
    at: Timestamp,
    /// Somebody has begun to take it back.
    #[serde(default)]
    is_undone: bool,
    items: Vec<Item>,
}

/// One thing that it does.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Item {
    /// The line; of a release, the first of its order.
    line: LineId,
    /// Of a release: where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<LocationId>,
    label: String,
    units: Units,
    state: State,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    said: String,
    /// What was set for the line before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    /// The release that it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    release: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Todo,
    Done,
    Failed,
    Undone,
    /// It could not be taken back.
    Kept,
}

impl Run {
    /// What is still to be done, or still to be taken back.
    fn left(&self) -> usize {
        let open = if self.is_undone { State::Done } else { State::Todo };
        self.items.iter().filter(|item| item.state == open).count()
    }

    fn count(&self, state: State) -> usize {
        self.items.iter().filter(|item| item.state == state).count()
    }
}

/// What was chosen on the backlog, or sent on from the preview.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    once: String,
    act: String,
    class: String,
    strategy: String,
    reason: String,
    /// Everything that fits the filter, the first so many.
    all: String,
    sku: String,
    supply: String,
    state: String,
    overdue: String,
    broken: String,
    /// Lines, with blanks between them: from the preview.
    lines: String,
    /// Lines that were ticked: `line-…`.
    #[serde(flatten)]
    ticked: std::collections::BTreeMap<String, String>,
}

impl Wanted {
    fn lines(&self) -> Result<BTreeSet<LineId>, Fail> {
        let ticked = self.ticked.keys().filter_map(|name| name.strip_prefix("line-"));
        let lines = self.lines.split_whitespace().chain(ticked);
        lines.map(|line| line.parse().map_err(|_| Fail::Form)).collect()
    }
}

#[derive(Template)]
#[template(path = "desk/bulk.html")]
struct Preview {
    frame: Frame,
    title: &'static str,
    act: &'static str,
    class: String,
    strategy: String,
    reason: String,
    lines: String,
    once: String,
    rows: Vec<Row>,
    good: usize,
    can_undo: bool,
    problem: Option<String>,
}

struct Row {
    href: String,
    label: String,
    units: Units,
    said: String,
    word: &'static str,
    tone: &'static str,
}

/// `POST /backlog/preview`: shows what would be done; changes nothing.
pub(super) fn preview(ask: &Ask, wanted: &Wanted) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Orders)?;
    let chosen = choose(ask, &visitor, wanted)?;
    let run = match plan(ask, &visitor, wanted, &chosen) {
        Ok(run) => run,
        Err(Refusal::Fail(fail)) => return Err(fail),
        Err(Refusal::Problem(problem)) => {
            let cut =
                backlog::Cut::of(&wanted.sku, &wanted.supply, &wanted.state, &wanted.overdue, &wanted.broken);
            return backlog::with_problem(ask, &cut, &problem);
        }
    };
    shown(ask, &visitor, &run, wanted, &chosen, None, StatusCode::OK)
}

fn shown(
    ask: &Ask,
    visitor: &Visitor,
    run: &Run,
    wanted: &Wanted,
    chosen: &BTreeSet<LineId>,
    problem: Option<String>,
    status: StatusCode,
) -> Result<Response, Fail> {
    let page_ = Preview {
        frame: Frame::of(ask, visitor, "backlog"),
        title: run.act.title(),
        act: run.act.word(),
        class: wanted.class.clone(),
        strategy: wanted.strategy.clone(),
        reason: run.reason.clone(),
        lines: chosen.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        once: ask.once(),
        good: run.count(State::Todo),
        can_undo: run.act.is_undone(),
        rows: run.items.iter().map(row).collect(),
        problem,
    };
    page(status, &page_)
}

fn row(item: &Item) -> Row {
    let (word, tone) = match item.state {
        State::Todo => ("To do", "later"),
        State::Done => ("Done", "here"),
        State::Failed => ("Not done", "late"),
        State::Undone => ("Taken back", "out"),
        State::Kept => ("Stays", "few"),
    };
    Row {
        href: format!("/orders/{}", item.line.order),
        label: item.label.clone(),
        units: item.units,
        said: item.said.clone(),
        word,
        tone,
    }
}

/// The lines that are meant.
fn choose(ask: &Ask, visitor: &Visitor, wanted: &Wanted) -> Result<BTreeSet<LineId>, Fail> {
    let mut lines = wanted.lines()?;
    if wanted.all == "1" {
        let cut =
            backlog::Cut::of(&wanted.sku, &wanted.supply, &wanted.state, &wanted.overdue, &wanted.broken);
        let mut reader = ask.app.engine.store().reader()?;
        if let Ok(query) = cut.query(ask.now, LINES_MAX) {
            let mut from = None;
            loop {
                let (found, next) =
                    crate::api::backorders::find(&mut *reader, &visitor.tenant, &query, from)?;
                lines.extend(found.iter().map(|line| line.line));
                from = next;
                if from.is_none() || lines.len() >= LINES_MAX {
                    break;
                }
            }
        }
    }
    Ok(lines.into_iter().take(LINES_MAX).collect())
}

enum Refusal {
    Problem(String),
    Fail(Fail),
}

impl<E: Into<Fail>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Fail(error.into())
    }
}

/// Looks at each line: what would be done with it, or why not.
fn plan(ask: &Ask, visitor: &Visitor, wanted: &Wanted, chosen: &BTreeSet<LineId>) -> Result<Run, Refusal> {
    let problem = |text: &str| Err(Refusal::Problem(text.to_owned()));
    let Some(act) = Act::parse(&wanted.act) else {
        return problem("Please choose what to do with the lines.");
    };
    if !visitor.role.may(act.may()) {
        return Err(Refusal::Fail(Fail::Forbidden));
    }
    if chosen.is_empty() {
        return problem("Please tick the lines that are meant, or choose all that fit.");
    }
    let class = match (act, wanted.class.trim().parse::<i64>()) {
        (Act::Class, Ok(class)) if (-CLASS_MAX..=CLASS_MAX).contains(&class) => class,
        (Act::Class, _) => {
            return problem("Please enter the class as a whole number; the smaller goes first.");
        }
        _ => 0,
    };
    let strategy = match (act, &*wanted.strategy) {
        (Act::Strategy, word) if STRATEGIES.iter().any(|(own, _)| *own == word) => {
            Some(word.to_owned()).filter(|word| !word.is_empty())
        }
        (Act::Strategy, _) => return problem("Please choose what the lines may gain or lose."),
        _ => None,
    };
    let reason = wanted.reason.trim();
    if reason.chars().count() > TEXT_CHARS_MAX || reason.chars().any(char::is_control) {
        return problem("The reason is too long.");
    }
    if act == Act::Cancel && reason.is_empty() {
        return problem("Please say why they are cancelled: the customers are told.");
    }
    let mut reader = ask.app.engine.store().reader()?;
    let orders: BTreeSet<OrderId> = chosen.iter().map(|line| line.order).collect();
    let orders: Vec<OrderId> = orders.into_iter().collect();
    let (found, shop) = find(ask, &mut *reader, &visitor.tenant, &orders)?;
    drop(reader);
    let mut items = Vec::new();
    for (order, _, view) in &found {
        let number = order.reference.as_deref().map_or_else(|| short_id(&order.id), str::to_owned);
        if act == Act::Release {
            items.extend(releases(view, &number));
            continue;
        }
        for line in &view.lines {
            let Some(id) = line.id.parse().ok().filter(|id| chosen.contains(id)) else { continue };
            let label = format!("{number} · {}", words::title(&shop, &line.sku));
            items.push(item(act, id, line, label));
        }
    }
    let (by, at) = (who(visitor), ask.now);
    let mut run = Run { act, class, strategy, reason: reason.to_owned(), by, at, is_undone: false, items };
    if matches!(act, Act::Class | Act::Strategy | Act::Lock | Act::Unlock) {
        for at in 0..run.items.len() {
            let before = terms(ask, &visitor.tenant, run.items[at].line)?;
            let wish = changed(&run, &before);
            let item = &mut run.items[at];
            if item.state == State::Todo && wish == before {
                (item.state, item.said) = (State::Failed, "It is so already".to_owned());
            } else if item.state == State::Todo {
                item.said = format!("{} → {}", in_words(&before), in_words(&wish));
            }
        }
    }
    Ok(run)
}

fn who(visitor: &Visitor) -> String {
    visitor.user.as_ref().map_or_else(|| "The sample shop".to_owned(), |user| user.name.clone())
}

fn item(act: Act, id: LineId, line: &LineView, label: String) -> Item {
    let mut item = Item {
        line: id,
        at: None,
        label,
        units: line.open,
        state: State::Todo,
        said: String::new(),
        before: None,
        release: None,
    };
    if line.open == 0 {
        (item.state, item.said) = (State::Failed, "Nothing of it is open any more".to_owned());
    } else if act == Act::Cancel && line.released > 0 {
        let said = "Some of it is being packed: take that back first".to_owned();
        (item.state, item.said) = (State::Failed, said);
    } else if act == Act::Cancel {
        item.said = format!("{} cancelled", words::counted(line.open, "unit is", "units are"));
    }
    item
}

/// What an order could hand over: at each place where something of it is.
fn releases(view: &OrderView, number: &str) -> Vec<Item> {
    let Some(first) = view.lines.first().and_then(|line| line.id.parse().ok()) else { return Vec::new() };
    let parts = |line: &'_ LineView| -> Vec<PartView> {
        let components = line.components.iter().flat_map(|component| &component.parts);
        components.chain(&line.parts).cloned().collect()
    };
    let mut places: Vec<(LocationId, Units)> = Vec::new();
    for line in view.lines.iter().filter(|line| line.open > 0) {
        for part in parts(line).into_iter().filter(|part| part.state == LineState::Allocated) {
            match places.iter_mut().find(|(place, _)| *place == part.location) {
                Some((_, units)) => *units += part.quantity,
                None => places.push((part.location, part.quantity)),
            }
        }
    }
    let waits = view.lines.iter().any(|line| line.open > 0 && line.state != LineState::Allocated);
    let no = |said: &str| {
        vec![Item {
            line: first,
            at: None,
            label: number.to_owned(),
            units: 0,
            state: State::Failed,
            said: said.to_owned(),
            before: None,
            release: None,
        }]
    };
    if places.is_empty() {
        return no("Nothing of it is here");
    }
    if view.ship == ShipChoice::Complete && waits {
        return no("It ships as a whole, and not all of it is here");
    }
    let item = |(place, units): (LocationId, Units)| Item {
        line: first,
        label: format!("{number} at {place}"),
        said: format!("{} here", words::counted(units, "unit is", "units are")),
        at: Some(place),
        units,
        state: State::Todo,
        before: None,
        release: None,
    };
    places.into_iter().map(item).collect()
}

/// What is set for a line about giving goods out.
fn terms(ask: &Ask, tenant: &TenantId, line: LineId) -> Result<Value, Fail> {
    let path = format!("/v1/lines/{line}/allocation");
    let told = ask.api(tenant, Call { method: "GET", path: &path, ..Call::default() })?;
    let told =
        told.map_err(
            |refused| if refused.status == StatusCode::NOT_FOUND { Fail::NotFound } else { Fail::Form },
        )?;
    let of = |name: &str| told.body[name].clone();
    Ok(json!({"locked": of("locked"), "strategy": of("strategy"), "class": of("class")}))
}

/// The same as a run leaves it.
fn changed(run: &Run, before: &Value) -> Value {
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

fn in_words(terms: &Value) -> String {
    let strategy = terms["strategy"].as_str().unwrap_or("as its product");
    let locked = if terms["locked"] == true { ", locked" } else { "" };
    format!("class {}, {strategy}{locked}", terms["class"].as_i64().unwrap_or(0))
}

/// `POST /backlog/start`: keeps the run and does its first step. The same form twice is one run.
pub(super) fn start(ask: &Ask, wanted: &Wanted) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Orders)?;
    let once = &wanted.once;
    if once.len() != 32 || !once.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Fail::Form);
    }
    let chosen = choose(ask, &visitor, wanted)?;
    let mut run = match plan(ask, &visitor, wanted, &chosen) {
        Ok(run) => run,
        Err(Refusal::Fail(fail)) => return Err(fail),
        Err(Refusal::Problem(_)) => return Err(Fail::Form),
    };
    let unless = vec![(BULK.into(), once.as_str().into())];
    if keep(ask, &visitor.tenant, once, &run, unless)? {
        step(ask, &visitor.tenant, once, &mut run)?;
    }
    see_other(&format!("/backlog/runs/{once}"))
}

/// Keeps a run as it is now; `false`: there is one of that id.
fn keep(
    ask: &Ask,
    tenant: &TenantId,
    id: &str,
    run: &Run,
    unless: Vec<(std::sync::Arc<str>, std::sync::Arc<str>)>,
) -> Result<bool, Fail> {
    let record = Record::new(BULK, id, run).map_err(|error| Fail::Defect(error.to_string()))?;
    let wish = KeepPrivate { unless, records: vec![record], ..KeepPrivate::default() };
    match ask.command(tenant, Command::KeepPrivate(wish), None)? {
        Ok(_) => Ok(true),
        Err(Rejection::Stale) => Ok(false),
        Err(rejection) => Err(Fail::Defect(format!("a run was refused: {rejection:?}"))),
    }
}

fn load(reader: &mut dyn Read, tenant: &TenantId, id: &str) -> Result<Run, Fail> {
    let found = reader.records(tenant, Shelf::Private, BULK, &[id])?;
    found.first().and_then(|record| record.read().ok().flatten()).ok_or(Fail::NotFound)
}

/// Does some of what is left.
fn step(ask: &Ask, tenant: &TenantId, id: &str, run: &mut Run) -> Result<(), Fail> {
    let open = if run.is_undone { State::Done } else { State::Todo };
    let todo: Vec<usize> =
        (0..run.items.len()).filter(|at| run.items[*at].state == open).take(STEP).collect();
    for at in todo {
        let (state, said) = match run.is_undone {
            false => act(ask, tenant, id, run, at)?,
            true => undo(ask, tenant, id, run, at)?,
        };
        let item = &mut run.items[at];
        (item.state, item.said) = (state, said);
    }
    keep(ask, tenant, id, run, Vec::new()).map(drop)
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
            let wish = changed(run, &before);
            // A step that is done again after it was cut off finds its own wish set: what was before is known from then.
            if wish != before || item.before.is_none() {
                run.items[at].before = Some(before);
            }
            set(ask, tenant, item.line, &wish, State::Done, &in_words(&wish))
        }
    }
}

fn set(
    ask: &Ask,
    tenant: &TenantId,
    line: LineId,
    wish: &Value,
    then: State,
    said: &str,
) -> Result<(State, String), Fail> {
    let path = format!("/v1/lines/{line}/allocation");
    let call = Call { method: "PUT", path: &path, body: Some(wish), ..Call::default() };
    Ok(match ask.api(tenant, call)? {
        Ok(_) => (then, words::sentence(said)),
        Err(refused) => (if then == State::Done { State::Failed } else { State::Kept }, refused.text()),
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
            if now != changed(run, before) {
                return Ok((State::Kept, format!("Somebody changed it since: {}", in_words(&now))));
            }
            set(ask, tenant, item.line, before, State::Undone, &in_words(before))
        }
        _ => Ok((State::Kept, "This cannot be taken back".to_owned())),
    }
}

#[derive(Template)]
#[template(path = "desk/bulk_run.html")]
struct Page {
    frame: Frame,
    id: String,
    title: &'static str,
    by: String,
    when: String,
    rows: Vec<Row>,
    all: usize,
    left: usize,
    done: usize,
    failed: usize,
    is_undone: bool,
    can_undo: bool,
}

/// `GET /backlog/runs/{id}`.
pub(super) fn show(ask: &Ask, id: &str) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Orders)?;
    let run = load(&mut *ask.app.engine.store().reader()?, &visitor.tenant, id)?;
    let local = Local::of(ask, &visitor.tenant)?;
    let left = run.left();
    let page_ = Page {
        frame: Frame::of(ask, &visitor, "backlog"),
        id: id.to_owned(),
        title: run.act.title(),
        by: run.by.clone(),
        when: local.moment(run.at),
        all: run.items.len(),
        left,
        done: if run.is_undone { run.count(State::Undone) } else { run.count(State::Done) },
        failed: run.count(if run.is_undone { State::Kept } else { State::Failed }),
        is_undone: run.is_undone,
        can_undo: left == 0 && !run.is_undone && run.act.is_undone() && run.count(State::Done) > 0,
        rows: run.items.iter().map(row).collect(),
    };
    page(StatusCode::OK, &page_)
}

/// Going on with a run, or taking it back.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Go {
    act: String,
}

/// `POST /backlog/runs/{id}`.
pub(super) fn go(ask: &Ask, id: &str, sent: &Go) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Orders)?;
    let mut run = load(&mut *ask.app.engine.store().reader()?, &visitor.tenant, id)?;
    if !visitor.role.may(run.act.may()) {
        return Err(Fail::Forbidden);
    }
    if sent.act == "undo" && run.left() == 0 && run.act.is_undone() {
        run.is_undone = true;
    }
    if run.left() > 0 {
        step(ask, &visitor.tenant, id, &mut run)?;
    }
    see_other(&format!("/backlog/runs/{id}"))
}

/// The strategies that a form offers.
pub(super) fn strategies() -> Vec<(&'static str, &'static str)> {
    STRATEGIES.to_vec()
}

/// What a form offers to somebody of a role.
pub(super) fn acts(visitor: &Visitor) -> Vec<(&'static str, &'static str)> {
    let may = |act: &Act| visitor.role.may(act.may());
    Act::ALL.into_iter().filter(|(act, ..)| may(act)).map(|(_, word, title)| (word, title)).collect()
}
