//! Runs: what a change of supply did is kept, and undone when somebody asks for it.

use std::collections::BTreeMap;

use ledger::{QueuePart, RecordFilter, Shelf};
use model::{
    Units,
    event::{Event, Move, Noted, RunApplied},
    id::{OrderId, RunId, Sku, SupplyId},
    record::{Json, Record},
    refusal::{Refusal, RefusalCode, Rejection},
    run::{RUN, Run},
    supply::Supply,
};
use promise::Undo;
use serde_json::json;

use crate::{
    after::Course,
    answer::{Answer, Failure},
    execute::{Outcome, finish, supply_change},
    lateness,
    working::Working,
};

/// Most ledger entries behind a run that are looked through for what it moved: beyond, too much rests on it.
const ENTRIES_MAX: usize = 200_000;
/// Most moves that are taken back at once.
const MOVES_MAX: usize = 20_000;
const PAGE: usize = 2_000;
/// The state of a run's record while more of it is to be done.
const GOING_ON: &str = "going_on";

/// A supply about to change.
pub(crate) struct Begun {
    before: Supply,
    since: i64,
}

/// Notes how a supply stands before a change; `None`: there is nothing that could be changed.
pub(crate) fn begin(
    working: &mut Working<'_>,
    sku: &Sku,
    supply: SupplyId,
) -> Result<Option<Begun>, Failure> {
    let Some(before) = working.pool(sku).and_then(|pool| pool.supply(supply)).map(|supply| bare(supply))
    else {
        return Ok(None);
    };
    Ok(Some(Begun { before, since: working.last_entry()? }))
}

fn bare(supply: &Supply) -> Supply {
    Supply { claims: Vec::new(), ..supply.clone() }
}

/// Keeps what a change did under its run.
pub(crate) fn keep(
    working: &mut Working<'_>,
    course: &Course,
    begun: Option<Begun>,
    what: &str,
    (opened, going_on): (&[SupplyId], bool),
) -> Result<(), Failure> {
    let Some(Begun { before, since }) = begun else { return Ok(()) };
    let pool = working.pool(&before.sku);
    let find = |id: SupplyId| pool.and_then(|pool| pool.supply(id)).map(|supply| bare(supply));
    let opened = opened.iter().filter_map(|id| find(*id)).collect();
    let after = find(before.id);
    let sku = before.sku.clone();
    let (what, undone_by, further) = (what.to_owned(), None, Vec::new());
    let run = Run { what, sku, before, after, opened, since, undone_by, going_on, further };
    write_down(working, course, &run)
}

/// The run of a receipt that is still being booked in, if there is one of a supply.
pub(crate) fn going_on(working: &mut Working<'_>, supply: SupplyId) -> Result<Option<RunId>, Failure> {
    let owner = supply.to_string();
    let filter = RecordFilter { owner: Some(&owner), state: Some(GOING_ON) };
    let tenant = working.tenant;
    let found = working.store_of(RUN)?.record_page(tenant, Shelf::Ledger, RUN, &filter, (None, 1))?;
    Ok(found.first().and_then(|record| record.id.parse().ok()))
}

/// Refuses where a receipt of the supply is still being booked in.
pub(crate) fn check_is_at_rest(
    working: &mut Working<'_>,
    supply: SupplyId,
) -> Result<Result<(), Rejection>, Failure> {
    let Some(run) = going_on(working, supply)? else { return Ok(Ok(())) };
    let detail = format!("{supply} is still being booked in by {run}: try again in a moment");
    Ok(Err(Refusal::new(RefusalCode::RunInProgress, detail).into()))
}

/// Keeps how the supply of a run and what it opened stand by now, and whether it goes on.
pub(crate) fn keep_on(
    working: &mut Working<'_>,
    course: &Course,
    opened: &[SupplyId],
    going_on: bool,
) -> Result<(), Failure> {
    let id = RunId::of(course.setting(working).command);
    let known = working.record(RUN, &id.to_string())?;
    let Some(run) = known.map(|record| record.read::<Run>()).transpose()?.flatten() else { return Ok(()) };
    let pool = working.pool(&run.sku);
    let find = |id: SupplyId| pool.and_then(|pool| pool.supply(id)).map(|supply| bare(supply));
    let ids = run.opened.iter().map(|lot| lot.id).chain(opened.iter().copied());
    let opened = ids.filter_map(find).collect();
    let run = Run { after: find(run.before.id), opened, going_on, ..run };
    write_down(working, course, &run)
}

/// Keeps that goods of some pools were given out anew, each with a supply that units of it moved to, since an entry of the
/// ledger.
pub(crate) fn keep_moves(
    working: &mut Working<'_>,
    course: &Course,
    since: i64,
    what: &str,
    pools: &[(Sku, Vec<SupplyId>)],
) -> Result<(), Failure> {
    let moved = |(sku, to): &(Sku, Vec<SupplyId>)| {
        let pool = working.pool(sku)?;
        let before = bare(to.iter().find_map(|id| pool.supply(*id))?);
        let (what, after) = (what.to_owned(), Some(before.clone()));
        let (opened, further) = (Vec::new(), Vec::new());
        let (sku, undone_by, going_on) = (sku.clone(), None, false);
        Some(Run { what, sku, before, after, opened, since, undone_by, going_on, further })
    };
    let mut runs = pools.iter().filter_map(moved);
    let Some(first) = runs.next() else { return Ok(()) };
    let run = Run { further: runs.collect(), ..first };
    write_down(working, course, &run)
}

fn write_down(working: &mut Working<'_>, course: &Course, run: &Run) -> Result<(), Failure> {
    let id = RunId::of(course.setting(working).command);
    let owner = run.before.id.to_string();
    let state = if run.going_on { GOING_ON } else { "" };
    let record =
        Record { owner: owner.into(), state: state.into(), ..Record::new(RUN, &id.to_string(), run)? };
    let data = Json::of(&json!({ "run": id, "supply": run.before.id, "what": run.what }))?;
    let noted = Noted { sku: Some(run.sku.clone()), order: None, data, records: vec![record] };
    working.apply(course.now, vec![Event::RecordsSet(noted)])
}

/// Undoes a run.
pub(crate) fn undo(working: &mut Working<'_>, course: &mut Course, id: RunId) -> Outcome {
    let Some(record) = working.record(RUN, &id.to_string())? else {
        return Ok(Err(Rejection::not_found("run", id)));
    };
    let run: Option<Run> = record.read()?;
    let Some(run) = run else { return Ok(Err(Rejection::not_found("run", id))) };
    let pools = || std::iter::once(&run).chain(&run.further);
    working.load_pools(pools().map(|run| &run.sku))?;
    if let Some(run) = pools().find(|run| working.state.searches.contains_key(&run.sku)) {
        let detail = format!("{id} cannot be undone yet: lines of {} are still moving up", run.sku);
        return Ok(Err(Refusal::new(RefusalCode::RunInProgress, detail).into()));
    }
    let Some(moved) = moved(working, id, run.since)? else {
        let detail = format!(
            "{id} cannot be undone any more: it moved more than {MOVES_MAX} times, or more than \
             {ENTRIES_MAX} entries follow it in the ledger"
        );
        return Ok(Err(Refusal::new(RefusalCode::RunSuperseded, detail).into()));
    };
    let mut events = Vec::new();
    for part in pools() {
        let moved = moved.get(&part.sku).map(|moved| &moved[..]).unwrap_or_default();
        match undo_in_pool(working, course, id, (&run, part), moved)? {
            Ok(undone) => events.extend(undone),
            Err(rejection) => return Ok(Err(rejection)),
        }
    }
    if run.what == "supply_received" {
        lateness::undone(working, course, &run.before)?;
    }
    let back = moved.values().flatten().map(|step| step.quantity).sum();
    finish(working, course, Ok(events), |working, course| {
        supply_change(working, course, &run.sku, run.before.id)
    })
    .map(|outcome| outcome.map(|answer| answer_of(answer, back)))
}

/// What undoes a run in one of its pools, which are loaded.
fn undo_in_pool(
    working: &mut Working<'_>,
    course: &mut Course,
    id: RunId,
    (whole, run): (&Run, &Run),
    moved: &[Move],
) -> Result<promise::Decision, Failure> {
    let mut on_lots = Vec::new();
    for lot in &run.opened {
        on_lots.push((lot.id, working.queue(lot.id, QueuePart::All, Units::MAX, MOVES_MAX)?));
    }
    let of_moves = moved.iter().map(|step| step.line.order);
    let of_lots = on_lots.iter().flat_map(|(_, lines)| lines).map(|waiting| waiting.line.order);
    let mut orders: Vec<OrderId> = of_moves.chain(of_lots).collect();
    orders.sort_unstable();
    orders.dedup();
    working.load_orders(&orders)?;
    let closed = closed(working, run, moved)?;
    let undo = Undo { id, run, whole, moved, on_lots: &on_lots, closed: &closed };
    Ok(promise::undo_run(course.setting(working), &undo))
}

fn answer_of(answer: Answer, back: Units) -> Answer {
    match answer {
        Answer::SupplyChanged(change) => Answer::RunUndone(Box::new(change), back),
        other => other,
    }
}

/// Everything that a run moved, by pool, in order; `None`: too much.
fn moved(
    working: &mut Working<'_>,
    id: RunId,
    since: i64,
) -> Result<Option<BTreeMap<Sku, Vec<Move>>>, Failure> {
    let tenant = working.tenant;
    let store = working.store()?;
    let mut moved: BTreeMap<Sku, Vec<Move>> = BTreeMap::new();
    let (mut after, mut seen, mut moves) = (since, 0, 0);
    loop {
        let page = store.events(tenant, after, PAGE)?;
        for entry in page.iter().filter(|entry| &*entry.kind == "run_applied") {
            let run: RunApplied = serde_json::from_str(&entry.data)?;
            if RunId::of(run.run.0) == id {
                moves += run.moves.len();
                moved.entry(run.sku).or_default().extend(run.moves);
            }
        }
        seen += page.len();
        let Some(last) = page.last() else { return Ok(Some(moved)) };
        if seen > ENTRIES_MAX || moves > MOVES_MAX {
            return Ok(None);
        }
        after = last.seq;
    }
}

/// Supplies that the moves came from, or that the run was about, and that are closed.
fn closed(working: &mut Working<'_>, run: &Run, moved: &[Move]) -> Result<Vec<Supply>, Failure> {
    let mut ids: Vec<SupplyId> =
        moved.iter().flat_map(|step| [step.from, step.to]).chain([run.before.id]).collect();
    ids.sort_unstable();
    ids.dedup();
    let pool = working.pool(&run.sku);
    ids.retain(|id| pool.is_none_or(|pool| pool.supply(*id).is_none()));
    let tenant = working.tenant;
    let store = working.store()?;
    let mut closed = Vec::new();
    for id in ids {
        closed.extend(store.supply(tenant, id)?);
    }
    Ok(closed)
}
