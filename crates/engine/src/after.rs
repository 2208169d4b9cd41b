//! What a change leads to: lines that move up, promises made anew. In one step where that is little, else as work that
//! goes on in bounded chunks between other commands and can be killed at any instant.

use std::collections::BTreeMap;

use ledger::{QueuePart, Work};
use model::{
    event::{Event, PoolSettling},
    id::{LineId, OrderId, Sku, SupplyId, WaitId, step_of},
    order::{Cause, Waiting},
    time::Timestamp,
};
use promise::{Changed, Setting};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Detail, allocation,
    answer::Failure,
    look::{Look, Position, look},
    money,
    notices::{Watch, called_off, promised, send_all, watch},
    receipts::{self, Left},
    spread::{Place, spread},
    waitlist,
    working::Working,
};

/// Most lines of one queue that one step looks at.
pub(crate) const LINES_A_STEP: usize = 500;
/// The same for work that goes on beside commands: about as long as those take.
pub(crate) const LINES_BESIDE: usize = 24;
/// Most lines that are looked at again before a command is answered; the others are right after.
pub(crate) const LINES_AT_ONCE: usize = 100;

/// A command in its course: each decision it leads to has a step of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Course {
    pub(crate) now: Timestamp,
    command: Uuid,
    step: u16,
    /// Most lines of one queue that this step looks at.
    #[serde(skip, default = "lines_a_step")]
    pub(crate) lines: usize,
    #[serde(skip)]
    detail: Detail,
    /// The customer asked for it, and so need not be told.
    #[serde(skip)]
    pub(crate) customer_knows: bool,
}

fn lines_a_step() -> usize {
    LINES_A_STEP
}

impl Course {
    pub(crate) fn new(now: Timestamp, command: Uuid) -> Self {
        let lines = LINES_A_STEP;
        Self { now, command, step: 0, lines, detail: Detail::Full, customer_knows: false }
    }

    /// The same with an answer of so much detail.
    pub(crate) fn with(self, detail: Detail) -> Self {
        Self { detail, ..self }
    }

    /// Whether nobody looks at the answer.
    pub(crate) fn is_brief(&self) -> bool {
        self.detail == Detail::Done
    }

    /// The setting of the step this is at.
    pub(crate) fn setting<'a>(&self, working: &'a Working<'_>) -> Setting<'a> {
        Setting { shop: working.shop(), now: self.now, command: step_of(self.command, self.step) }
    }

    /// The setting of the next step.
    pub(crate) fn next<'a>(&mut self, working: &'a Working<'_>) -> Setting<'a> {
        match self.step.checked_add(1) {
            Some(step) => self.step = step,
            None => {
                // All steps of this id are used up, by a setting that concerns very many pools: what opens supplies from
                // here on is named after the next id there is.
                self.command = Uuid::from_u128(self.command.as_u128().wrapping_add(1 << 32));
                self.step = 0;
            }
        }
        self.setting(working)
    }
}

/// Work left behind.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Rest {
    /// More lines of a pool may move up: those that were not passed.
    Settle {
        sku: Sku,
        cause: Cause,
        #[serde(default, skip_serializing_if = "Position::is_empty")]
        passed: Position,
        course: Course,
    },
    /// More lines behind a supply may need new promises; where a setting changed, those it concerns.
    Reissue {
        sku: Sku,
        supply: SupplyId,
        after: Option<LineId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only: Option<Changed>,
        cause: Cause,
        course: Course,
    },
    /// More units of a receipt are to be booked in.
    Receive { sku: Sku, left: Left, course: Course },
    /// More places of a waitlist may be served.
    Invite { sku: Sku, after: WaitId, course: Course },
    /// More pools may be concerned by a setting that changed.
    Spread { changed: Changed, at: Place, cause: Cause, course: Course },
    /// More drafts are to be sent, after this one.
    SendDrafts { after: std::sync::Arc<str>, course: Course },
    /// More lines are to be looked at for what time alone makes necessary to say.
    Watch { at: Watch, course: Course },
}

impl Rest {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Settle { .. } => "settle",
            Self::Reissue { .. } => "reissue",
            Self::Receive { .. } => "receive",
            Self::Invite { .. } => "invite",
            Self::Spread { .. } => "spread",
            Self::SendDrafts { .. } => "send_drafts",
            Self::Watch { .. } => "watch",
        }
    }

    fn course(&mut self) -> &mut Course {
        match self {
            Self::Settle { course, .. }
            | Self::Reissue { course, .. }
            | Self::Receive { course, .. }
            | Self::Invite { course, .. }
            | Self::Spread { course, .. }
            | Self::SendDrafts { course, .. }
            | Self::Watch { course, .. } => course,
        }
    }

    pub(crate) fn state(&self) -> Result<String, Failure> {
        serde_json::to_string(self).map_err(|error| Failure::Defect(error.to_string().into()))
    }
}

/// Applies a command's events and does what follows from them.
pub(crate) fn follow(
    working: &mut Working<'_>,
    course: &mut Course,
    events: &[Event],
) -> Result<(), Failure> {
    let settings: Vec<(Changed, Cause)> = events
        .iter()
        .filter_map(|event| Some((promise::changed(working.shop(), event)?, Cause::of(event.kind()))))
        .collect();
    let begun = begin(working, course, events)?;
    working.apply(course.now, events.to_vec())?;
    let mut freed: Vec<(Sku, Cause)> = Vec::new();
    let mut changed: Vec<(Sku, SupplyId, Cause)> = Vec::new();
    for event in events {
        consequences(working, event, &mut freed, &mut changed);
    }
    for (sku, cause) in freed {
        if let Some(begun) = begun.get(&sku) {
            for supply in allocation::carry_on(working, course, begun, &cause)? {
                if changed.iter().all(|(_, known, _)| *known != supply) {
                    changed.push((sku.clone(), supply, cause.clone()));
                }
            }
        }
        settle(working, course, &sku, &cause)?;
    }
    own_lines(working, course, events)?;
    money::cancelled(working, course, events)?;
    let lines = course.lines;
    course.lines = lines.min(LINES_AT_ONCE);
    for (sku, supply, cause) in changed {
        reissue(working, course, Behind::all(sku, supply), &cause, None)?;
    }
    course.lines = lines;
    for (changed, cause) in settings {
        spread(working, course, &changed, Place::default(), &cause, None)?;
    }
    called_off(working, course, events)
}

/// Notes how pools stand that follow a rule and whose supply is about to change.
fn begin(
    working: &mut Working<'_>,
    course: &Course,
    events: &[Event],
) -> Result<BTreeMap<Sku, allocation::Begun>, Failure> {
    let mut begun = BTreeMap::new();
    for event in events {
        let (Event::SupplyAdded(_)
        | Event::SupplyChanged(_)
        | Event::SupplyReceived(_)
        | Event::SupplyInspected(_)
        | Event::SupplyCancelled(_)
        | Event::StockAdjusted(_)
        | Event::StockRingFenced(_)) = event
        else {
            continue;
        };
        let Some(sku) = event.sku().filter(|sku| !begun.contains_key(*sku)).cloned() else { continue };
        if let Some(pool) = allocation::begin(working, course, &sku)? {
            begun.insert(sku, pool);
        }
    }
    Ok(begun)
}

/// Makes promises anew for lines that gave units back: without their latest units, what is left comes earlier.
fn own_lines(working: &mut Working<'_>, course: &mut Course, events: &[Event]) -> Result<(), Failure> {
    let mut cancelled: Vec<LineId> = events
        .iter()
        .filter_map(|event| match event {
            Event::LineCancelled(cancelled) => Some(cancelled.line),
            _ => None,
        })
        .collect();
    cancelled.sort_unstable();
    let Some(first) = cancelled.first() else { return Ok(()) };
    let cause = Cause { order: Some(first.order), ..Cause::of("line_cancelled") };
    working.load_orders(&[first.order])?;
    let promises = promise::reissue(course.next(working), &cancelled, &cause);
    promised(working, course, promises)
}

/// Names the pools in which units came free, and the supplies whose lines have other dates now.
fn consequences(
    working: &Working<'_>,
    event: &Event,
    freed: &mut Vec<(Sku, Cause)>,
    changed: &mut Vec<(Sku, SupplyId, Cause)>,
) {
    let mut free = |sku: &Sku, cause: Cause| {
        if freed.iter().all(|(known, _)| known != sku) {
            freed.push((sku.clone(), cause));
        }
    };
    let kind = event.kind();
    let of_supply = |supply: SupplyId| Cause { supply: Some(supply), ..Cause::of(kind) };
    match event {
        Event::LineCancelled(cancelled) => {
            let cause = Cause { order: Some(cancelled.line.order), ..Cause::of(kind) };
            cancelled.freed.iter().for_each(|peg| free(&peg.sku, cause.clone()));
        }
        Event::SupplyAdded(supply) => free(&supply.sku, of_supply(supply.id)),
        Event::SupplyChanged(change) => {
            free(&change.sku, of_supply(change.supply));
            changed.push((change.sku.clone(), change.supply, of_supply(change.supply)));
        }
        Event::SupplyReceived(receipt) => {
            free(&receipt.sku, of_supply(receipt.supply));
            let lot = receipt.rest.iter().flat_map(|rest| &rest.lot).map(|lot| lot.id);
            for supply in lot.chain([receipt.supply]) {
                changed.push((receipt.sku.clone(), supply, of_supply(receipt.supply)));
            }
        }
        Event::SupplyInspected(inspected) => free(&inspected.sku, of_supply(inspected.supply)),
        Event::SupplyCancelled(cancel) => {
            free(&cancel.sku, of_supply(cancel.supply));
            changed.push((cancel.sku.clone(), cancel.supply, of_supply(cancel.supply)));
        }
        Event::StockAdjusted(adjusted) => free(&adjusted.sku, Cause::of(kind)),
        Event::StockRingFenced(fenced) => free(&fenced.sku, Cause::of(kind)),
        Event::RunUndone(undone) => {
            let mut supplies = vec![undone.restored.id];
            supplies.extend(undone.moves.iter().map(|step| step.to));
            supplies.sort_unstable();
            supplies.dedup();
            free(&undone.sku, of_supply(undone.restored.id));
            for supply in supplies {
                changed.push((undone.sku.clone(), supply, of_supply(undone.restored.id)));
            }
        }
        Event::RunApplied(run) => {
            // Lines that lost their goods: what they wait for now has another date, and other goods may be free.
            free(&run.sku, run.cause.clone());
            if let Some(step) = run.moves.first().filter(|step| is_due(working, &run.sku, step.to)) {
                changed.push((run.sku.clone(), step.to, run.cause.clone()));
            }
        }
        _ => {}
    }
}

fn is_due(working: &Working<'_>, sku: &Sku, supply: SupplyId) -> bool {
    working.pool(sku).and_then(|pool| pool.supply(supply)).is_some_and(|supply| !supply.is_on_hand())
}

/// Moves lines of a pool up into units that came free: one step now, the rest as work. Answers how many lines were looked
/// at.
pub(crate) fn settle(
    working: &mut Working<'_>,
    course: &mut Course,
    sku: &Sku,
    cause: &Cause,
) -> Result<usize, Failure> {
    settle_on(working, course, sku, cause, Position::new(), None)
}

/// The same from where a search stands.
///
/// A round that moved nobody goes on behind the lines it looked at; queues behind units that came free are looked at from
/// their heads again. So it ends: each round moves somebody to an earlier date or leaves lines behind it.
fn settle_on(
    working: &mut Working<'_>,
    course: &mut Course,
    sku: &Sku,
    cause: &Cause,
    mut passed: Position,
    work: Option<i64>,
) -> Result<usize, Failure> {
    let Look { mut stretches, behind } = look(working, course, sku, &passed)?;
    let looked_at = stretches.values().map(|stretch| stretch.lines.len()).sum();
    for stretch in stretches.values_mut() {
        stretch.lines.retain(|waiting| !working.state.allocation.stays(waiting.line));
    }
    let mut settled = promise::settle(course.next(working), sku, stretches, cause);
    let moved = !settled.lines.is_empty();
    if !moved {
        passed.extend(behind.into_iter().filter(|(supply, _)| !settled.unasked.contains(supply)));
    }
    passed.retain(|supply, _| !settled.again.contains(supply));
    working.apply(course.now, std::mem::take(&mut settled.events))?;
    if !working.state.silent {
        let promises = promise::reissue(course.setting(working), &settled.lines, cause);
        promised(working, course, promises)?;
    }
    let over = settled.is_over(course.setting(working), sku);
    // From the first line that moves, or that waits for others to be asked first, to the last, newcomers take nothing
    // before the queue; while nobody is known to gain, what is free is for sale.
    let was = working.pool(sku).is_some_and(|pool| pool.settling);
    let settling = !over && (was || moved || !settled.unasked.is_empty());
    if settling != was {
        let event = Event::PoolSettling(PoolSettling { sku: sku.clone(), settling });
        working.apply(course.now, vec![event])?;
    }
    let rest = || Rest::Settle { sku: sku.clone(), cause: cause.clone(), passed, course: course.clone() };
    // One search for each pool: a later one begins at the heads, and so looks at all that one before it would.
    let work = work.or_else(|| working.state.searches.get(sku).copied());
    match go_on_or_end(working, work, (!over).then(rest))? {
        Some(id) => drop(working.state.searches.insert(sku.clone(), id)),
        None => drop(working.state.searches.remove(sku)),
    }
    if over {
        waitlist::invite_all(working, course, sku)?;
    }
    Ok(looked_at)
}

/// Lines behind a supply.
pub(crate) struct Behind {
    pub(crate) sku: Sku,
    pub(crate) supply: SupplyId,
    /// Behind this one.
    pub(crate) after: Option<LineId>,
    /// Those alone that a setting concerns.
    pub(crate) only: Option<Changed>,
}

impl Behind {
    pub(crate) fn all(sku: Sku, supply: SupplyId) -> Self {
        Self { sku, supply, after: None, only: None }
    }
}

/// Makes promises anew for lines behind a supply: one step now, the rest as work. Answers how many lines were looked at.
pub(crate) fn reissue(
    working: &mut Working<'_>,
    course: &mut Course,
    behind: Behind,
    cause: &Cause,
    work: Option<i64>,
) -> Result<usize, Failure> {
    if working.state.silent {
        return Ok(0);
    }
    let Behind { sku, supply, after, only } = behind;
    let most = course.lines;
    working.load_pools([&sku].into_iter())?;
    let is_open = working.pool(&sku).is_some_and(|pool| pool.supply(supply).is_some());
    let mut lines: Vec<Waiting> = Vec::new();
    if is_open {
        lines = working.waiting_page(supply, QueuePart::All, after, most)?;
        let mut orders: Vec<OrderId> = lines.iter().map(|waiting| waiting.line.order).collect();
        orders.dedup();
        working.load_orders(&orders)?;
        let shop = working.shop();
        let is_concerned = |id: &LineId| {
            let order = shop.orders.get(&id.order);
            let line = order.and_then(|order| Some((order, order.line(id.no)?)));
            let Some(changed) = &only else { return true };
            line.is_some_and(|(order, line)| changed.concerns_line(shop, order, line))
        };
        let mut concerned: Vec<LineId> =
            lines.iter().map(|waiting| waiting.line).filter(is_concerned).collect();
        concerned.sort_unstable();
        let promises = promise::reissue(course.setting(working), &concerned, cause);
        promised(working, course, promises.clone())?;
        money::promises_moved(working, course, &promises)?;
    }
    let last = lines.last().filter(|_| lines.len() == most).map(|waiting| waiting.line);
    let rest = |after: LineId| Rest::Reissue {
        sku,
        supply,
        after: Some(after),
        only,
        cause: cause.clone(),
        course: course.clone(),
    };
    go_on_or_end(working, work, last.map(rest))?;
    Ok(lines.len())
}

/// Keeps what is left to do, in the place of what was left before; answers its number.
pub(crate) fn go_on_or_end(
    working: &mut Working<'_>,
    work: Option<i64>,
    rest: Option<Rest>,
) -> Result<Option<i64>, Failure> {
    Ok(match (work, rest) {
        (None, Some(rest)) => Some(working.add_work(rest.kind(), rest.state()?)),
        (Some(id), Some(rest)) => {
            working.put_work(id, rest.kind(), rest.state()?);
            Some(id)
        }
        (Some(id), None) => {
            working.end_work(id);
            None
        }
        (None, None) => None,
    })
}

/// Goes on with work left behind, one step of so many lines at most.
pub(crate) fn go_on(working: &mut Working<'_>, work: &Work, lines: usize) -> Result<(), Failure> {
    let mut rest: Rest = serde_json::from_str(&work.state)
        .map_err(|error| Failure::Defect(format!("work {} cannot be read: {error}", work.id).into()))?;
    rest.course().lines = lines;
    match rest {
        Rest::Settle { sku, cause, passed, mut course } => {
            if working.state.searches.get(&sku).is_some_and(|newest| *newest != work.id) {
                // Left behind by a process that was killed; a search of this one has begun at the heads since.
                working.end_work(work.id);
                return Ok(());
            }
            working.load_pools([&sku].into_iter())?;
            settle_on(working, &mut course, &sku, &cause, passed, Some(work.id)).map(drop)
        }
        Rest::Reissue { sku, supply, after, only, cause, mut course } => {
            let behind = Behind { sku, supply, after, only };
            reissue(working, &mut course, behind, &cause, Some(work.id)).map(drop)
        }
        Rest::Receive { sku, left, course } => receipts::go_on(working, course, &sku, &left, work.id),
        Rest::Invite { sku, after, mut course } => {
            waitlist::invite(working, &mut course, &sku, (Some(after), Some(work.id)))
        }
        Rest::Spread { changed, at, cause, mut course } => {
            spread(working, &mut course, &changed, at, &cause, Some(work.id))
        }
        Rest::SendDrafts { after, course } => {
            send_all(working, &course, Some(&after), Some(work.id)).map(drop)
        }
        Rest::Watch { at, mut course } => watch(working, &mut course, at, Some(work.id)),
    }
}
