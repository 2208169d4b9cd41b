//! Undoing a run: the supply as it was, and everybody back where they came from.

use std::collections::BTreeMap;

use model::{
    Units,
    event::{Event, Move},
    id::{LineId, RunId, SupplyId},
    order::Waiting,
    record::Record,
    refusal::{Refusal, RefusalCode, Rejection},
    run::{Run, RunUndone},
    state::{Shop, Touched},
    supply::{Supply, SupplyKind, SupplyState},
};

use crate::{Decision, Setting};

/// What a run did and what became of it, as far as it must be known to undo it.
#[derive(Debug)]
pub struct Undo<'a> {
    /// The run's id.
    pub id: RunId,
    /// What it was.
    pub run: &'a Run,
    /// The same with all of its pools.
    pub whole: &'a Run,
    /// Everything it moved, in order; the orders are loaded.
    pub moved: &'a [Move],
    /// Every line that has units of a lot the run opened; the orders are loaded.
    pub on_lots: &'a [(SupplyId, Vec<Waiting>)],
    /// Supplies of the pool that moves came from, or that changed, and that are closed now.
    pub closed: &'a [Supply],
}

/// Undoes a run. Its pool is loaded, and what [`Undo`] says.
///
/// Lines that were called off since stay so; lines that came since keep their units. Refusals: `already_undone`,
/// `already_released` where units that came by it have left or are with fulfilment, `run_in_progress`, `units_promised` where
/// carts hold such units, `run_superseded` where the supply was changed again or others rest on what it did.
pub fn undo_run(set: Setting<'_>, undo: &Undo<'_>) -> Decision {
    let (run, id) = (undo.run, undo.id);
    if let Some(by) = undo.whole.undone_by {
        return refuse(RefusalCode::AlreadyUndone, format!("{id} was undone by {by}"));
    }
    let Some(pool) = set.shop.pool(&run.sku) else {
        return Err(Rejection::not_found("sku", &run.sku));
    };
    if pool.settling || run.going_on {
        return refuse(RefusalCode::RunInProgress, format!("{id} is still under way in {}", run.sku));
    }
    let now = pool.supply(run.before.id).map(|supply| &**supply);
    let refenced = run.after.as_ref().is_none_or(|after| after.ring_fenced != run.before.ring_fenced);
    for lot in &run.opened {
        check_as_left(id, pool.supply(lot.id).map(|lot| &**lot), Some(lot), true)?;
    }
    if !run.only_moved() {
        check_as_left(id, now, run.after.as_ref(), refenced)?;
    }
    let moves = moves_back(set.shop, undo)?;
    let reopened = reopened(undo, pool, &moves)?;
    let here = |supply: &Supply| matches!(supply.state, SupplyState::OnHand | SupplyState::Quarantine);
    let came = run.opened.iter().chain(run.after.iter().filter(|_| !here(&run.before)));
    let by = RunId::of(set.command);
    // Where nothing but lines moved, every supply is as it is; what the run was filed under may have closed since.
    let as_it_is = || {
        let standing = pool.supplies.iter().map(|supply| &**supply).find(|supply| !supply.kind.is_elastic());
        now.or(standing).map(|supply| Supply { claims: Vec::new(), ..supply.clone() })
    };
    let as_before = || match now.filter(|_| !refenced) {
        Some(now) => Supply { ring_fenced: now.ring_fenced.clone(), ..run.before.clone() },
        None => run.before.clone(),
    };
    let restored = if run.only_moved() { as_it_is() } else { None }.unwrap_or_else(as_before);
    let record = Record {
        owner: undo.whole.before.id.to_string().into(),
        state: "undone".into(),
        ..Record::new(model::run::RUN, &id.to_string(), &Run { undone_by: Some(by), ..undo.whole.clone() })
            .map_err(|error| Rejection::field("", "unwritable", error.to_string()))?
    };
    let undone = Event::RunUndone(RunUndone {
        run: id,
        by,
        sku: run.sku.clone(),
        reopened,
        restored,
        moves,
        closed: run.opened.iter().map(|lot| lot.id).collect(),
        unreceived: came.filter(|lot| here(lot)).map(|lot| (lot.id, lot.quantity)).collect(),
        record,
    });
    // Whether everybody has room again shows where it is done.
    let mut tried = set.shop.clone();
    match tried.apply(&undone, &mut Touched::default()) {
        Ok(()) => Ok(vec![undone]),
        Err(why) => refuse(
            RefusalCode::RunSuperseded,
            format!("{id} cannot be undone: units were promised to others since ({why})"),
        ),
    }
}

fn refuse<T>(code: RefusalCode, detail: String) -> Result<T, Rejection> {
    Err(Refusal::new(code, detail).into())
}

/// Refuses where a supply is not as the run left it.
///
/// `refenced`: what is ring-fenced of it will be as it was, and so is looked at too.
fn check_as_left(
    id: RunId,
    now: Option<&Supply>,
    left: Option<&Supply>,
    refenced: bool,
) -> Result<(), Rejection> {
    let supply = left.or(now).map(|supply| supply.id);
    let superseded = |what: &str| {
        let which = supply.map_or_else(|| "the supply".to_owned(), |supply| supply.to_string());
        refuse(RefusalCode::RunSuperseded, format!("{id} cannot be undone: {which} {what}"))
    };
    let released =
        |units: &str| refuse(RefusalCode::AlreadyReleased, format!("{id} cannot be undone: {units}"));
    match (now, left) {
        (None, None) => Ok(()),
        // The list of what was lost ends with its last line.
        (None, Some(left)) if left.kind.is_elastic() => Ok(()),
        (None, Some(left)) if left.state == SupplyState::OnHand => released("all of its units have left"),
        (None, Some(_)) => superseded("is closed since"),
        (Some(_), None) => superseded("was opened again since"),
        (Some(now), Some(left)) => {
            if now.released() > 0 {
                return released(&format!("{} units of {} are with fulfilment", now.released(), now.id));
            }
            if left.state == SupplyState::OnHand && now.state == left.state && now.quantity < left.quantity {
                return released(&format!("{} units of {} have left", left.quantity - now.quantity, now.id));
            }
            if left.state == SupplyState::OnHand && now.held() > 0 {
                let detail = format!("{} units of {} are held in carts for now", now.held(), now.id);
                return refuse(RefusalCode::UnitsPromised, detail);
            }
            let same = (now.state, now.kind, now.expected_on) == (left.state, left.kind, left.expected_on);
            let as_many = left.kind == SupplyKind::Shortfall || now.quantity == left.quantity;
            if refenced && now.ring_fenced != left.ring_fenced {
                return superseded("has other units ring-fenced since");
            }
            if same && as_many { Ok(()) } else { superseded("was changed since") }
        }
    }
}

/// Who has to move, from where it is to where it was, each line's steps taken together.
fn moves_back(shop: &Shop, undo: &Undo<'_>) -> Result<Vec<Move>, Rejection> {
    let mut pegs: BTreeMap<(LineId, SupplyId), Units> = BTreeMap::new();
    let mut deltas: BTreeMap<LineId, BTreeMap<SupplyId, Units>> = BTreeMap::new();
    for step in undo.moved.iter().rev() {
        let line = shop.orders.get(&step.line.order).and_then(|order| order.line(step.line.no));
        let Some(line) = line else { continue };
        let on = |supply: SupplyId| {
            let peg = line.pegs.iter().find(|peg| peg.supply == supply && peg.sku == undo.run.sku);
            peg.map_or(0, |peg| peg.quantity - line.released_on(supply))
        };
        let has = *pegs.entry((step.line, step.to)).or_insert_with(|| on(step.to));
        if has < step.quantity && (line.released_on(step.to) > 0 || line.shipped > 0) {
            let detail = format!("{} cannot be undone: units of {} have left since", undo.id, step.line);
            return refuse(RefusalCode::AlreadyReleased, detail);
        }
        // What was called off since, or has moved on, does not come back.
        let back = has.min(step.quantity);
        *pegs.entry((step.line, step.to)).or_default() -= back;
        *pegs.entry((step.line, step.from)).or_insert_with(|| on(step.from)) += back;
        let deltas = deltas.entry(step.line).or_default();
        *deltas.entry(step.to).or_default() -= back;
        *deltas.entry(step.from).or_default() += back;
    }
    // Whoever came since has units of a lot that will be gone: they wait for the supply it came from.
    for (lot, lines) in undo.on_lots {
        for waiting in lines {
            let deltas = deltas.entry(waiting.line).or_default();
            let stays = waiting.quantity + deltas.get(lot).copied().unwrap_or(0);
            if stays > 0 {
                *deltas.entry(*lot).or_default() -= stays;
                *deltas.entry(undo.run.before.id).or_default() += stays;
            }
        }
    }
    Ok(deltas.into_iter().flat_map(|(line, deltas)| paired(line, deltas)).collect())
}

/// Pairs what a line loses with what it gains: the sums are the same.
fn paired(line: LineId, deltas: BTreeMap<SupplyId, Units>) -> Vec<Move> {
    let mut to: Vec<(SupplyId, Units)> =
        deltas.iter().filter(|(_, units)| **units > 0).map(|(id, units)| (*id, *units)).collect();
    let mut moves = Vec::new();
    for (from, units) in deltas.into_iter().filter(|(_, units)| *units < 0) {
        let mut left = -units;
        while let Some((into, room)) = to.last_mut().filter(|_| left > 0) {
            let quantity = left.min(*room);
            moves.push(Move { line, from, to: *into, quantity });
            (left, *room) = (left - quantity, *room - quantity);
            if *room == 0 {
                to.pop();
            }
        }
    }
    moves
}

/// Supplies that somebody goes back to, or that the run was about, and that are closed now: they open again empty.
fn reopened(undo: &Undo<'_>, pool: &model::pool::Pool, moves: &[Move]) -> Result<Vec<Supply>, Rejection> {
    let changed = (!undo.run.only_moved()).then_some(undo.run.before.id);
    let mut missing: Vec<SupplyId> =
        moves.iter().map(|step| step.to).chain(changed).filter(|id| pool.supply(*id).is_none()).collect();
    missing.sort_unstable();
    missing.dedup();
    let open = |id: SupplyId| {
        if id == undo.run.before.id {
            return Ok(undo.run.before.clone());
        }
        let closed = undo.closed.iter().find(|supply| supply.id == id && supply.kind.is_elastic());
        let Some(closed) = closed else {
            let detail =
                format!("{} cannot be undone: {id}, which lines came from, is closed since", undo.id);
            return refuse(RefusalCode::RunSuperseded, detail);
        };
        Ok(Supply {
            state: SupplyState::Due,
            quantity: 0,
            claims: Vec::new(),
            ring_fenced: Vec::new(),
            ..closed.clone()
        })
    };
    missing.into_iter().map(open).collect()
}
