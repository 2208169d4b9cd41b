//! Goods that arrive or are looked at, and the answer that says who got them.

use ledger::QueuePart;
use model::{
    Units,
    command::{Inspect, Receive},
    event::{Event, Move},
    id::{LineId, OrderId, Sku, SupplyId},
    order::{Cause, Waiting},
    refusal::Rejection,
    time::Date,
    view::{Arrived, ServedLine, SupplyChange},
};
use serde::{Deserialize, Serialize};

use crate::{
    after::{Course, LINES_AT_ONCE, Rest, follow, go_on_or_end},
    allocation,
    answer::{Answer, Failure},
    execute::{Outcome, finish, last_come, lost, pool_of, supply_change},
    lateness, money,
    notices::promised,
    undo,
    working::Working,
};

/// Most lines that an answer names.
pub(crate) const SERVED_LINES_MAX: usize = 100;

/// What is left of a receipt that is booked in part by part.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Left {
    supply: SupplyId,
    /// Where its first units went.
    lot: SupplyId,
    accepted: Units,
    damaged: Units,
    close: bool,
    /// Whether another date was given for what stays due, and which.
    dated: bool,
    expected_on: Option<Date>,
}

impl Left {
    fn wish(&self) -> Receive {
        Receive {
            supply: self.supply,
            accepted: Some(self.accepted),
            damaged: self.damaged,
            close: self.close,
            expected_on: self.dated.then_some(self.expected_on),
        }
    }
}

pub(crate) fn receive(working: &mut Working<'_>, course: &mut Course, wish: &Receive) -> Outcome {
    let id = wish.supply;
    let Some(sku) = pool_of(working, id)? else { return Ok(Err(Rejection::not_found("supply", id))) };
    if let Err(busy) = undo::check_is_at_rest(working, id)? {
        return Ok(Err(busy));
    }
    let supply = working.pool(&sku).and_then(|pool| pool.supply(id)).cloned();
    let before = supply.as_ref().map(|supply| (supply.quantity, supply.pegged()));
    let begun = undo::begin(working, &sku, id)?;
    let part = match before {
        Some(_) => first_part(working, course, &sku, wish, LINES_AT_ONCE)?,
        None => None,
    };
    let Some((now, rest)) = part else { return receive_whole(working, course, &sku, wish, begun) };
    let decision = decided(working, course, &sku, &now, None)?;
    let (events, mut arrived) = match decision {
        Err(rejection) => return Ok(Err(rejection)),
        Ok(events) => match arrived(&events) {
            Some((arrived, _)) => (events, arrived),
            None => return Err(lost(id)),
        },
    };
    let Some(lot) = arrived.on_hand else { return Err(lost(id)) };
    if let Some(supply) = &supply {
        lateness::came(working, course, supply, course.now)?;
    }
    working.take_moves();
    book(working, course, events)?;
    undo::keep(working, course, begun, "supply_received", (&[lot], true))?;
    let left = Left {
        supply: id,
        lot,
        accepted: rest.accepted.unwrap_or(0),
        damaged: rest.damaged,
        close: rest.close,
        dated: rest.expected_on.is_some(),
        expected_on: rest.expected_on.flatten(),
    };
    let (quantity, pegged) = before.unwrap_or_default();
    arrived.in_progress = left.accepted;
    arrived.accepted += left.accepted;
    arrived.damaged = wish.damaged;
    if let Some(date) = wish.expected_on {
        arrived.still_due_on = date;
    }
    let due = if wish.close { 0 } else { quantity - arrived.accepted - wish.damaged };
    let allocated = pegged.min(arrived.accepted);
    let rest = Rest::Receive { sku: sku.clone(), left, course: course.clone() };
    go_on_or_end(working, None, Some(rest))?;
    let answer = served(working, course, &sku, id, arrived, Some(due))?;
    Ok(Ok(match answer {
        Answer::SupplyChanged(change) => {
            Answer::SupplyChanged(SupplyChange { allocated: Some(allocated), ..change })
        }
        other => other,
    }))
}

/// Goes on with a receipt, one step.
pub(crate) fn go_on(
    working: &mut Working<'_>,
    mut course: Course,
    sku: &Sku,
    left: &Left,
    work: i64,
) -> Result<(), Failure> {
    working.load_pools([sku].into_iter())?;
    let wish = left.wish();
    let part = first_part(working, &course, sku, &wish, course.lines)?;
    let now = part.as_ref().map_or(&wish, |(now, _)| now);
    course.next(working);
    let decision = decided(working, &course, sku, now, Some(left.lot))?;
    let Some((_, rest)) = part else {
        // What cannot be ended stays due: a cart has some of what was to be called off.
        let events = decision.unwrap_or_default();
        let opened = opened(&events);
        follow(working, &mut course, &events)?;
        undo::keep_on(working, &course, &opened, false)?;
        return go_on_or_end(working, Some(work), None).map(drop);
    };
    let Ok(events) = decision else {
        undo::keep_on(working, &course, &[], false)?;
        return go_on_or_end(working, Some(work), None).map(drop);
    };
    book(working, &mut course, events)?;
    undo::keep_on(working, &course, &[], true)?;
    let left = Left { accepted: rest.accepted.unwrap_or(0), ..*left };
    let rest = Rest::Receive { sku: sku.clone(), left, course };
    go_on_or_end(working, Some(work), Some(rest)).map(drop)
}

/// Books a part in: its lines have their goods, and what they were promised says so. Nothing else follows from it.
fn book(working: &mut Working<'_>, course: &mut Course, events: Vec<Event>) -> Result<(), Failure> {
    let Some(Event::SupplyReceived(receipt)) = events.last() else { return Ok(()) };
    let moves = receipt.rest.iter().flat_map(|rest| &rest.moves);
    let mut lines: Vec<LineId> = moves.map(|step| step.line).collect();
    lines.sort_unstable();
    lines.dedup();
    let cause = Cause { supply: Some(receipt.supply), ..Cause::of("supply_received") };
    working.apply(course.now, events)?;
    let promises = promise::reissue(course.setting(working), &lines, &cause);
    promised(working, course, promises.clone())?;
    money::promises_moved(working, course, &promises)
}

/// Which part of a receipt is booked in first, and what is left then, where more lines wait for it than one step serves; `None`:
/// it is one step. A pool whose lines follow a rule is: it has no more lines than one run looks at.
fn first_part(
    working: &mut Working<'_>,
    course: &Course,
    sku: &Sku,
    wish: &Receive,
    most: usize,
) -> Result<Option<(Receive, Receive)>, Failure> {
    let supply = working.pool(sku).and_then(|pool| pool.supply(wish.supply)).cloned();
    let Some(supply) = supply.filter(|supply| !supply.is_on_hand()) else { return Ok(None) };
    let Ok(shares) = promise::shares(&supply, wish) else { return Ok(None) };
    let is_short = shares.rest() > 0 || shares.tail() > 0;
    if shares.accepted() == 0 || !is_short || (wish.close && supply.held() > 0) {
        return Ok(None);
    }
    let wanted = shares.accepted().min(supply.pegged());
    let head = working.queue(wish.supply, QueuePart::All, wanted, most + 1)?;
    let part = if head.len() > most {
        head.iter().take(most).map(|waiting| waiting.quantity).sum()
    } else if wish.close
        && working.queue(wish.supply, QueuePart::Newest, shares.tail(), most + 1)?.len() > most
    {
        // The supply becomes the list of what was lost, in one row, once what came has left it.
        shares.accepted()
    } else {
        return Ok(None);
    };
    if allocation::begin(working, course, sku)?.is_some() {
        return Ok(None);
    }
    let now = Receive { accepted: Some(part), ..Receive::whole(wish.supply) };
    let left = Receive { accepted: Some(shares.accepted() - part), ..wish.clone() };
    Ok(Some((now, left)))
}

/// Decides a receipt or a part of one.
fn decided(
    working: &mut Working<'_>,
    course: &Course,
    sku: &Sku,
    wish: &Receive,
    lot: Option<SupplyId>,
) -> Result<promise::Decision, Failure> {
    let supply = working.pool(sku).and_then(|pool| pool.supply(wish.supply)).cloned();
    let shares = supply.and_then(|supply| promise::shares(&supply, wish).ok());
    let head = first_come(working, wish.supply, shares.map_or(0, |shares| shares.head()))?;
    let queues = last_come(working, &[(wish.supply, shares.map_or(0, |shares| shares.tail()))])?;
    let set = course.setting(working);
    Ok(match lot {
        None => promise::receive(set, sku, wish, &head, &queues),
        Some(lot) => promise::receive_more(set, sku, wish, lot, &head, &queues),
    })
}

fn receive_whole(
    working: &mut Working<'_>,
    course: &mut Course,
    sku: &Sku,
    wish: &Receive,
    begun: Option<undo::Begun>,
) -> Outcome {
    let id = wish.supply;
    let supply = working.pool(sku).and_then(|pool| pool.supply(id)).cloned();
    let decision = decided(working, course, sku, wish, None)?;
    let opened = decision.as_deref().ok().map(opened).unwrap_or_default();
    let arrived = decision.as_deref().ok().and_then(arrived);
    if let (Ok(events), Some(supply)) = (&decision, &supply)
        && let Some(Event::SupplyReceived(receipt)) = events.last()
    {
        lateness::came(working, course, supply, receipt.received_at)?;
    }
    working.take_moves();
    finish(working, course, decision, |working, course| {
        undo::keep(working, course, begun, "supply_received", (&opened, false))?;
        let (arrived, still_due) = arrived.ok_or_else(|| lost(id))?;
        served(working, course, sku, id, arrived, Some(still_due))
    })
}

pub(crate) fn inspect(working: &mut Working<'_>, course: &mut Course, wish: &Inspect) -> Outcome {
    let id = wish.supply;
    let Some(sku) = pool_of(working, id)? else { return Ok(Err(Rejection::not_found("supply", id))) };
    let decision = promise::inspect(course.setting(working), &sku, wish);
    let lot = decision.as_deref().ok().and_then(|events| match events {
        [Event::SupplyInspected(inspected)] => inspected.lot.as_ref().map(|lot| lot.id),
        _ => None,
    });
    working.take_moves();
    finish(working, course, decision, |working, course| {
        let left = working.pool(&sku).and_then(|pool| pool.supply(id)).map(|supply| supply.quantity);
        let arrived = Arrived {
            accepted: wish.good,
            on_hand: lot,
            damaged: left.unwrap_or(0),
            quarantine: left.map(|_| id),
            displaced: 0,
            still_due_on: None,
            in_progress: 0,
        };
        served(working, course, &sku, id, arrived, None)
    })
}

/// What a receipt opens.
fn opened(events: &[Event]) -> Vec<SupplyId> {
    let Some(Event::SupplyReceived(receipt)) = events.last() else { return Vec::new() };
    let lot = receipt.rest.as_ref().and_then(|rest| rest.lot.as_ref());
    lot.into_iter().chain(&receipt.quarantine).map(|supply| supply.id).collect()
}

/// The first lines of a queue, enough for so many units, their orders loaded.
fn first_come(working: &mut Working<'_>, supply: SupplyId, units: Units) -> Result<Vec<Waiting>, Failure> {
    let lines = working.queue(supply, QueuePart::All, units, usize::MAX)?;
    let orders: Vec<OrderId> = lines.iter().map(|waiting| waiting.line.order).collect();
    working.load_orders(&orders)?;
    Ok(lines)
}

/// What a receipt's events say of the units, and how many stay due.
fn arrived(events: &[Event]) -> Option<(Arrived, Units)> {
    let Some(Event::SupplyReceived(receipt)) = events.last() else { return None };
    let moved = events.iter().map(|event| match event {
        Event::RunApplied(run) => run.moves.iter().map(|step| step.quantity).sum(),
        _ => 0,
    });
    let on_hand = match &receipt.rest {
        Some(rest) => rest.into.or_else(|| rest.lot.as_ref().map(|lot| lot.id)),
        None => Some(receipt.supply).filter(|_| receipt.accepted > 0),
    };
    let arrived = Arrived {
        accepted: receipt.accepted,
        on_hand,
        damaged: receipt.damaged,
        quarantine: receipt.quarantine.as_ref().map(|supply| supply.id),
        displaced: moved.sum(),
        still_due_on: receipt.rest.as_ref().and_then(|rest| rest.expected_on),
        in_progress: 0,
    };
    Some((arrived, receipt.rest.as_ref().map_or(0, |rest| rest.quantity)))
}

/// The answer: the supply as it is now, and who has units of what came.
fn served(
    working: &mut Working<'_>,
    course: &Course,
    sku: &Sku,
    id: SupplyId,
    arrived: Arrived,
    still_due: Option<Units>,
) -> Result<Answer, Failure> {
    let moves = working.take_moves();
    let lot = arrived.on_hand.and_then(|lot| working.pool(sku)?.supply(lot).cloned());
    let lines = match &lot {
        Some(lot) => working.queue(lot.id, QueuePart::All, Units::MAX, SERVED_LINES_MAX)?,
        None => Vec::new(),
    };
    let lines = lines.into_iter().map(|waiting| {
        let came = |step: &&Move| step.line == waiting.line && Some(step.to) == arrived.on_hand;
        let from = moves.iter().rev().find(came).map(|step| step.from);
        ServedLine {
            order: waiting.line.order,
            line: waiting.line,
            quantity: waiting.quantity,
            why: why(from),
        }
    });
    let lines = Some(lines.collect());
    let Answer::SupplyChanged(change) = supply_change(working, course, sku, id)? else {
        return Err(lost(id));
    };
    Ok(Answer::SupplyChanged(SupplyChange {
        allocated: Some(lot.map_or(0, |lot| lot.pegged())),
        lines,
        still_due,
        arrived: Some(arrived),
        ..change
    }))
}

/// Why a line has units of what came, in its place.
pub(crate) fn why(from: Option<SupplyId>) -> String {
    match from {
        None => "promised from this supply; served in the order in which orders were placed".to_owned(),
        Some(from) => {
            format!("moved up from {from} into units that were left; the oldest that gain by it come first")
        }
    }
}
