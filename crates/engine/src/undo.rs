//! Runs: what a change of supply did is kept, and undone when somebody asks for it.

use ledger::QueuePart;
use model::{
    Units,
    event::{Event, Move, Noted, RunApplied},
    id::{OrderId, RunId, Sku, SupplyId, TenantId},
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
    working::Working,
};

/// Most ledger entries behind a run that are looked through for what it moved: beyond, too much rests on it.
const ENTRIES_MAX: usize = 200_000;
/// Most moves that are taken back at once.
const MOVES_MAX: usize = 20_000;
const PAGE: usize = 2_000;

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
    let tenant: &TenantId = working.tenant;
    let since = working.store()?.last_event(tenant)?;
    Ok(Some(Begun { before, since }))
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
    opened: &[SupplyId],
) -> Result<(), Failure> {
    let Some(Begun { before, since }) = begun else { return Ok(()) };
    let pool = working.pool(&before.sku);
    let find = |id: SupplyId| pool.and_then(|pool| pool.supply(id)).map(|supply| bare(supply));
    let opened = opened.iter().filter_map(|id| find(*id)).collect();
    let after = find(before.id);
    let id = RunId::of(course.setting(working).command);
    let (sku, owner) = (before.sku.clone(), before.id.to_string());
    let run = Run { what: what.to_owned(), sku: sku.clone(), before, after, opened, since, undone_by: None };
    let record = Record { owner: owner.into(), ..Record::new(RUN, &id.to_string(), &run)? };
    let data = Json::of(&json!({ "run": id, "supply": run.before.id, "what": what }))?;
    let noted = Noted { sku: Some(sku), order: None, data, records: vec![record] };
    working.apply(course.now, vec![Event::RecordsSet(noted)])
}

/// Undoes a run.
pub(crate) fn undo(working: &mut Working<'_>, course: &mut Course, id: RunId) -> Outcome {
    let Some(record) = working.record(RUN, &id.to_string())? else {
        return Ok(Err(Rejection::not_found("run", id)));
    };
    let run: Option<Run> = record.read()?;
    let Some(run) = run else { return Ok(Err(Rejection::not_found("run", id))) };
    working.load_pools([&run.sku].into_iter())?;
    if working.state.searches.contains_key(&run.sku) {
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
    let closed = closed(working, &run, &moved)?;
    let decision = promise::undo_run(
        course.setting(working),
        &Undo { id, run: &run, moved: &moved, on_lots: &on_lots, closed: &closed },
    );
    finish(working, course, decision, |working, course| {
        supply_change(working, course, &run.sku, run.before.id)
    })
    .map(|outcome| outcome.map(|answer| answer_of(answer, &moved)))
}

fn answer_of(answer: Answer, moved: &[Move]) -> Answer {
    match answer {
        Answer::SupplyChanged(change) => {
            let back = moved.iter().map(|step| step.quantity).sum();
            Answer::RunUndone(Box::new(change), back)
        }
        other => other,
    }
}

/// Everything that a run moved, in order; `None`: too much.
fn moved(working: &mut Working<'_>, id: RunId, since: i64) -> Result<Option<Vec<Move>>, Failure> {
    let tenant = working.tenant;
    let store = working.store()?;
    let (mut moved, mut after, mut seen) = (Vec::new(), since, 0);
    loop {
        let page = store.events(tenant, after, PAGE)?;
        for entry in page.iter().filter(|entry| &*entry.kind == "run_applied") {
            let run: RunApplied = serde_json::from_str(&entry.data)?;
            if RunId::of(run.run.0) == id {
                moved.extend(run.moves);
            }
        }
        seen += page.len();
        let Some(last) = page.last() else { return Ok(Some(moved)) };
        if seen > ENTRIES_MAX || moved.len() > MOVES_MAX {
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
