//! Many lines at once: shown before, done step by step, taken back where that can be.
//!
//! A run is a private record with each thing it does. A step does some of them, each under a key of its own, and writes down
//! how far it came: whoever closes the page, or a server that stops, leaves a run that goes on where it was.

mod plan;
mod run;

use std::collections::BTreeSet;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use model::{Units, id::LineId};
use serde::{Deserialize, Serialize};

use self::{
    plan::{Refusal, choose, plan},
    run::{Item, Run, State, begin, load, step},
};
use super::{
    super::{Frame, page, see_other, words},
    Ask, Fail, Local, backlog,
};
use crate::staff::{May, Visitor};

/// Most lines of one run.
pub(super) const LINES_MAX: usize = 500;

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
    if begin(ask, &visitor.tenant, once, &run)? {
        step(ask, &visitor.tenant, once, &mut run)?;
    }
    see_other(&format!("/backlog/runs/{once}"))
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
    /// How long the page waits before it goes on, in milliseconds: longer where somebody else is at it.
    pause_ms: u32,
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
        pause_ms: if run.is_busy(ask.now) { 2_000 } else { 50 },
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
    if run.left() > 0 && !run.is_busy(ask.now) {
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
