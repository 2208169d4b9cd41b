//! Stock that is counted, sent to another location, or came in the place of something else; supplies that come in two parts.

use std::collections::BTreeMap;

use model::{
    Units,
    command::{Adjust, Count, FencedAt, RingFenceStock, SplitSupply, Transfer, WrongArrival},
    event::{AdjustReason, Event, Move, Noted},
    id::{LineId, LocationId, Sku, SupplyId},
    record::{Json, Record},
    refusal::Rejection,
    supply::{RingFence, SupplyKind},
    view::{AdjustmentView, ServedLine, SupplyEntered},
};

use serde::{Deserialize, Serialize};

use crate::{
    after::{Course, follow},
    answer::{Answer, Failure},
    execute::{Outcome, finish, last_come, lost, pool_of, supply_change, supply_view},
    receipts::{SERVED_LINES_MAX, why},
    undo,
    working::Working,
};

/// Changes stock by hand.
pub(crate) fn adjust(working: &mut Working<'_>, course: &mut Course, wish: &Adjust) -> Outcome {
    working.load_pools([&wish.sku].into_iter())?;
    if let Some(line) = wish.line {
        working.load_orders(&[line.order])?;
    }
    let short = working
        .pool(&wish.sku)
        .filter(|_| wish.delta < 0)
        .map(|pool| promise::lots_short(pool, &wish.location, -wish.delta))
        .unwrap_or_default();
    let queues = last_come(working, &short)?;
    let decision = promise::adjust(course.setting(working), wish, &queues);
    working.take_moves();
    let apart = wish.quarantine.then_some(SupplyId(course.setting(working).command));
    finish(working, course, decision, |working, _| {
        let standing = standing(working, &wish.sku, &wish.location, wish.delta);
        Ok(Answer::Adjusted(AdjustmentView { quarantine: apart, ..standing }))
    })
}

/// What is at a location after it changed by so many units.
fn standing(working: &mut Working<'_>, sku: &Sku, location: &LocationId, delta: Units) -> AdjustmentView {
    let moves = working.take_moves();
    let supplies = working.pool(sku).map(|pool| &pool.supplies[..]).unwrap_or_default();
    let here = supplies.iter().filter(|supply| supply.is_on_hand() && supply.location == *location);
    let lots: Vec<SupplyId> = here.clone().map(|supply| supply.id).collect();
    let into = |supply| lots.contains(&supply);
    let units = |steps: &mut dyn Iterator<Item = &Move>| steps.map(|step| step.quantity).sum();
    let allocated = units(&mut moves.iter().filter(|step| into(step.to) && !into(step.from)));
    // What was there before and is used up is not among the lots.
    let displaced = if delta < 0 { units(&mut moves.iter().filter(|step| !into(step.to))) } else { 0 };
    let lines = moved_up(&moves, into);
    let (on_hand, free) =
        here.fold((0, 0), |(all, free), supply| (all + supply.quantity, free + supply.open()));
    AdjustmentView {
        sku: sku.clone(),
        location: location.clone(),
        delta,
        on_hand,
        free,
        allocated,
        lines,
        displaced,
        quarantine: None,
    }
}

/// Books a count: as a change by hand, where it is not what should be there.
pub(crate) fn count(working: &mut Working<'_>, course: &mut Course, wish: &Count) -> Outcome {
    working.load_pools([&wish.sku].into_iter())?;
    if !working.shop().locations.contains_key(&wish.location) {
        let detail = format!("there is no location {:?}", wish.location.as_str());
        return Ok(Err(Rejection::field("/location", "unknown_location", detail)));
    }
    let Some(pool) = working.pool(&wish.sku).filter(|pool| !pool.item.is_kit()) else {
        let detail = format!("there is no sku {:?} with stock of its own", wish.sku.as_str());
        return Ok(Err(Rejection::field("/sku", "unknown_sku", detail)));
    };
    match promise::counted(pool, wish) {
        Some(change) => adjust(working, course, &change),
        None => Ok(Ok(Answer::Adjusted(standing(working, &wish.sku, &wish.location, 0)))),
    }
}

/// Puts what came in the place of something else on the shelf where it came.
pub(crate) fn wrong_arrival(working: &mut Working<'_>, course: &mut Course, wish: &WrongArrival) -> Outcome {
    let Some(sku) = pool_of(working, wish.supply)? else {
        return Ok(Err(Rejection::not_found("supply", wish.supply)));
    };
    let named = |rejection: Rejection| match rejection {
        Rejection::Invalid(mut errors) => {
            errors.iter_mut().for_each(|error| error.pointer = format!("/wrong{}", error.pointer));
            Rejection::Invalid(errors)
        }
        other => other,
    };
    let supply = working.pool(&sku).and_then(|pool| pool.supply(wish.supply));
    match promise::wrong_arrival(supply.map(|supply| &**supply), wish) {
        Err(rejection) => Ok(Err(named(rejection))),
        Ok(change) => Ok(adjust(working, course, &change)?.map_err(named)),
    }
}

/// Ring-fences units for a channel; those that are no longer are free, and whoever waits moves up into them.
pub(crate) fn ring_fence(working: &mut Working<'_>, course: &mut Course, wish: &RingFenceStock) -> Outcome {
    let sku = match &wish.at {
        FencedAt::Location(sku, _) => {
            working.load_pools([sku].into_iter())?;
            sku.clone()
        }
        FencedAt::Supply(id) => {
            let Some(sku) = pool_of(working, *id)? else {
                return Ok(Err(Rejection::not_found("supply", id)));
            };
            if let Err(busy) = undo::check_is_at_rest(working, *id)? {
                return Ok(Err(busy));
            }
            sku
        }
    };
    let decision = promise::ring_fence(course.setting(working), &sku, wish);
    finish(working, course, decision, |working, course| match &wish.at {
        FencedAt::Supply(id) => {
            Ok(Answer::SupplyRingFenced(Box::new(supply_view(working, course, &sku, *id)?)))
        }
        FencedAt::Location(_, location) => {
            let pool = working.pool(&sku).ok_or_else(|| lost(&sku))?;
            Ok(Answer::RingFenced(promise::fenced_stock(pool, location, Some(&wish.channel))))
        }
    })
}

/// Sends goods to another location.
pub(crate) fn transfer(working: &mut Working<'_>, course: &mut Course, wish: &Transfer) -> Outcome {
    working.load_pools([&wish.sku].into_iter())?;
    let decision = promise::transfer(course.setting(working), wish);
    let id = SupplyId(course.setting(working).command);
    working.take_moves();
    finish(working, course, decision, |working, course| {
        let sent = Sent { supply: id, sku: wish.sku.clone(), from: wish.from.clone() };
        let record = Record { owner: id.to_string().into(), ..Record::new(SENT, &id.to_string(), &sent)? };
        let (sku, data) = (Some(wish.sku.clone()), Json::of(&sent)?);
        let noted = Noted { sku, order: None, data, records: vec![record] };
        working.apply(course.now, vec![Event::RecordsSet(noted)])?;
        entered(working, course, &wish.sku, id)
    })
}

/// The kind of record that says where goods on their way were sent from, under the supply's id.
pub(crate) const SENT: &str = "sent";

/// Where goods that are due at another location were sent from.
#[derive(Debug, Serialize, Deserialize)]
struct Sent {
    supply: SupplyId,
    sku: Sku,
    from: LocationId,
}

/// What comes back to its location if goods on their way are called off: all that has not arrived, and what is ring-fenced of
/// it. `None`: the supply was not sent from anywhere.
pub(crate) fn sent_from(
    working: &mut Working<'_>,
    sku: &Sku,
    supply: SupplyId,
) -> Result<Option<(Adjust, Vec<RingFence>)>, Failure> {
    let Some(due) = working.pool(sku).and_then(|pool| pool.supply(supply)).cloned() else { return Ok(None) };
    if due.kind != SupplyKind::Transfer || due.is_on_hand() {
        return Ok(None);
    }
    let known = working.record(SENT, &supply.to_string())?;
    let sent: Option<Sent> = known.map(|record| record.read()).transpose()?.flatten();
    let back = sent.map(|sent| Adjust {
        sku: sent.sku,
        location: sent.from,
        delta: due.quantity,
        reason: AdjustReason::Transfer,
        line: None,
        quarantine: false,
        note: Some(format!("{supply} was called off").into()),
    });
    Ok(back.map(|back| (back, due.ring_fenced.clone())))
}

/// Puts goods that were called off on their way back where they were.
pub(crate) fn give_back(
    working: &mut Working<'_>,
    course: &mut Course,
    (back, fences): &(Adjust, Vec<RingFence>),
) -> Result<(), Failure> {
    match promise::give_back(course.next(working), back, fences) {
        Ok(events) => follow(working, course, &events),
        Err(rejection) => Err(Failure::Defect(format!("goods cannot come back: {rejection:?}").into())),
    }
}

/// The answer to a supply that was entered: as it is now, and who moved up into it.
pub(crate) fn entered(
    working: &mut Working<'_>,
    course: &Course,
    sku: &Sku,
    id: SupplyId,
) -> Result<Answer, Failure> {
    let moves = working.take_moves();
    let lines = moved_up(&moves, |supply| supply == id);
    let view = supply_view(working, course, sku, id)?;
    Ok(Answer::SupplyAdded(SupplyEntered { view, lines }))
}

/// Lines that moved into some supplies, first come first, so many as an answer names.
fn moved_up(moves: &[Move], into: impl Fn(SupplyId) -> bool) -> Vec<ServedLine> {
    let mut lines: BTreeMap<LineId, (Units, SupplyId)> = BTreeMap::new();
    for step in moves.iter().filter(|step| into(step.to) && !into(step.from)) {
        lines.entry(step.line).or_insert((0, step.from)).0 += step.quantity;
    }
    let served = lines.into_iter().take(SERVED_LINES_MAX).map(|(line, (quantity, from))| ServedLine {
        order: line.order,
        line,
        quantity,
        why: why(Some(from)),
    });
    served.collect()
}

/// Splits a supply in two.
pub(crate) fn split(working: &mut Working<'_>, course: &mut Course, wish: &SplitSupply) -> Outcome {
    let Some(sku) = pool_of(working, wish.supply)? else {
        return Ok(Err(Rejection::not_found("supply", wish.supply)));
    };
    if let Err(busy) = undo::check_is_at_rest(working, wish.supply)? {
        return Ok(Err(busy));
    }
    let supply = working.pool(&sku).and_then(|pool| pool.supply(wish.supply)).cloned();
    let excess =
        supply.map_or(0, |supply| promise::excess(&supply, (supply.quantity - wish.quantity).max(0)));
    let queues = last_come(working, &[(wish.supply, excess)])?;
    let decision = promise::split_supply(course.setting(working), &sku, wish, &queues);
    let part = SupplyId(course.setting(working).command);
    finish(working, course, decision, |working, course| {
        let part = supply_view(working, course, &sku, part)?;
        match supply_change(working, course, &sku, wish.supply)? {
            Answer::SupplyChanged(change) => Ok(Answer::SupplySplit(Box::new((change, part)))),
            _ => Err(lost(wish.supply)),
        }
    })
}
