//! Goods that arrive or are looked at, and the answer that says who got them.

use ledger::QueuePart;
use model::{
    Units,
    command::{Inspect, Receive},
    event::{Event, Move},
    id::{OrderId, Sku, SupplyId},
    order::Waiting,
    refusal::Rejection,
    view::{Arrived, ServedLine, SupplyChange},
};

use crate::{
    after::Course,
    answer::{Answer, Failure},
    execute::{Outcome, finish, last_come, lost, pool_of, supply_change},
    undo,
    working::Working,
};

/// Most lines that an answer names.
const SERVED_LINES_MAX: usize = 100;

pub(crate) fn receive(working: &mut Working<'_>, course: &mut Course, wish: &Receive) -> Outcome {
    let id = wish.supply;
    let Some(sku) = pool_of(working, id)? else { return Ok(Err(Rejection::not_found("supply", id))) };
    let supply = working.pool(&sku).and_then(|pool| pool.supply(id)).cloned();
    let shares = supply.and_then(|supply| promise::shares(&supply, wish).ok());
    let head = first_come(working, id, shares.map_or(0, |shares| shares.head()))?;
    let queues = last_come(working, &[(id, shares.map_or(0, |shares| shares.tail()))])?;
    let begun = undo::begin(working, &sku, id)?;
    let decision = promise::receive(course.setting(working), &sku, wish, &head, &queues);
    let opened = decision.as_deref().ok().map(opened).unwrap_or_default();
    let arrived = decision.as_deref().ok().and_then(arrived);
    working.take_moves();
    finish(working, course, decision, |working, course| {
        undo::keep(working, course, begun, "supply_received", &opened)?;
        let (arrived, still_due) = arrived.ok_or_else(|| lost(id))?;
        served(working, course, &sku, id, arrived, Some(still_due))
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
        Some(rest) => rest.lot.as_ref().map(|lot| lot.id),
        None => Some(receipt.supply).filter(|_| receipt.accepted > 0),
    };
    let arrived = Arrived {
        accepted: receipt.accepted,
        on_hand,
        damaged: receipt.damaged,
        quarantine: receipt.quarantine.as_ref().map(|supply| supply.id),
        displaced: moved.sum(),
        still_due_on: receipt.rest.as_ref().and_then(|rest| rest.expected_on),
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
fn why(from: Option<SupplyId>) -> String {
    match from {
        None => "promised from this supply; served in the order in which orders were placed".to_owned(),
        Some(from) => {
            format!("moved up from {from} into units that were left; the oldest that gain by it come first")
        }
    }
}
