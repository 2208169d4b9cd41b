//! Stock changed by hand: opening stock, counts, losses, returns.

use model::{
    Units,
    command::{Adjust, Count, Transfer, WrongArrival},
    event::{AdjustReason, Event, Refenced, StockAdjusted},
    id::{Channel, LineId, LocationId, SupplyId},
    order::Cause,
    pool::Pool,
    refusal::{FieldError, Refusal, RefusalCode, Rejection},
    supply::{Lateness, RingFence, Supply, SupplyKind, SupplyState},
};

use crate::{
    Decision, Queues, Setting,
    fence::trimmed,
    moves::displace,
    receive::room_for,
    supply::{unknown_location, unknown_sku},
};

/// Changes stock by hand.
///
/// More units go to the location's shelf, or into quarantine as a supply of their own. Fewer are taken from what nobody has a
/// claim on and is ring-fenced for nobody, then from what is ring-fenced and not claimed, then from what is promised: those
/// lines wait on the shortfall, last come first, and `queues` holds them (see [`lots_short`]). An unknown SKU or location, a
/// kit and more units than are there are `Invalid`; refuses `units_promised` where carts hold the units, `released` where
/// fulfilment has them. What a customer sends back names its line, whose order is loaded: more than was sent is refused
/// (`not_shipped`).
pub fn adjust(set: Setting<'_>, wish: &Adjust, queues: &Queues) -> Decision {
    let mut errors = Vec::new();
    let pool = set.shop.pool(&wish.sku);
    match pool {
        None => errors.push(unknown_sku(&wish.sku)),
        Some(pool) if pool.item.is_kit() => {
            let detail = format!("{} is a kit: its components are stocked, not itself", wish.sku);
            errors.push(FieldError::new("/sku", "is_a_kit", detail));
        }
        Some(pool) => {
            let here: Units = lots(pool, &wish.location).map(|lot| lot.quantity).sum();
            if here + wish.delta < 0 {
                let detail = format!("only {here} units of {} are at {}", wish.sku, wish.location);
                errors.push(FieldError::new("/delta", "not_there", detail));
            }
        }
    }
    if !set.shop.locations.contains_key(&wish.location) {
        errors.push(unknown_location(&wish.location));
    }
    if wish.quarantine && wish.delta < 0 {
        errors.push(FieldError::new(
            "/quarantine",
            "contradiction",
            "only units that come can be kept apart",
        ));
    }
    if let Some(line) = wish.line {
        check_return(set, wish, line, &mut errors);
    }
    let (Some(pool), true) = (pool, errors.is_empty()) else { return Err(Rejection::Invalid(errors)) };
    if let Some(line) = wish.line {
        check_was_sent(set, wish, line)?;
    }
    let mut events = Vec::new();
    let mut ring_fenced = Vec::new();
    let mut opened = None;
    let changed = if wish.quarantine {
        room_for(pool, 1)?;
        let id = SupplyId(set.command);
        let apart = new_shelf(set, pool, &wish.location, id);
        opened = Some(Supply { state: SupplyState::Quarantine, ..apart });
        vec![(id, wish.delta)]
    } else if wish.delta >= 0 {
        let shelf = lots(pool, &wish.location).find(|lot| lot.kind == SupplyKind::Stock);
        let id = shelf.map_or(SupplyId(set.command), |shelf| shelf.id);
        opened = shelf.is_none().then(|| new_shelf(set, pool, &wish.location, id));
        vec![(id, wish.delta)]
    } else {
        let (_, left) = split(pool, &wish.location, -wish.delta);
        if left > 0 {
            let detail = format!(
                "{left} units of {} at {} would be taken from fulfilment: take them back first, and say what is missing",
                wish.sku, wish.location
            );
            return Err(Refusal::new(RefusalCode::Released, detail).into());
        }
        let short = lots_short(pool, &wish.location, -wish.delta);
        if !short.is_empty() {
            let Some(run) = displace(set, pool, &short, queues, Cause::of("stock_adjusted")) else {
                let detail = format!("units of {} at {} are held in carts for now", wish.sku, wish.location);
                return Err(Refusal::new(RefusalCode::UnitsPromised, detail).into());
            };
            events.push(Event::RunApplied(run));
        }
        let taken = taken(pool, &wish.location, -wish.delta);
        let moves = events.iter().find_map(|event| match event {
            Event::RunApplied(run) => Some(&run.moves[..]),
            _ => None,
        });
        let moves = moves.unwrap_or_default();
        ring_fenced.extend(lots(pool, &wish.location).filter_map(|lot| {
            let (_, by) = taken.iter().find(|(id, _)| *id == lot.id)?;
            trimmed(set, lot, moves, lot.quantity + by)
        }));
        taken
    };
    events.push(Event::StockAdjusted(StockAdjusted {
        sku: wish.sku.clone(),
        location: wish.location.clone(),
        lots: changed,
        opened,
        delta: wish.delta,
        reason: wish.reason,
        line: wish.line,
        note: wish.note.clone(),
        ring_fenced,
    }));
    Ok(events)
}

/// Sends goods from one location to another: they leave the one at once and are due at the other.
///
/// Only units that nobody has a claim on and that are ring-fenced for nobody: refuses `not_available` beyond them, with how many
/// there are, and `too_many_supplies`. What goes for a channel is taken from what is ring-fenced for it first, which counts down
/// by that, and is ring-fenced for it where it comes. An unknown SKU or location, a kit and the same location twice are `Invalid`.
pub fn transfer(set: Setting<'_>, wish: &Transfer) -> Decision {
    let mut errors = Vec::new();
    match set.shop.pool(&wish.sku) {
        None => errors.push(unknown_sku(&wish.sku)),
        Some(pool) if pool.item.is_kit() => {
            let detail = format!("{} is a kit: its components are stocked, not itself", wish.sku);
            errors.push(FieldError::new("/sku", "is_a_kit", detail));
        }
        Some(_) => {}
    }
    for (field, location) in [("/from_location", &wish.from), ("/to_location", &wish.to)] {
        if !set.shop.locations.contains_key(location) {
            let detail = format!("there is no location {:?}", location.as_str());
            errors.push(FieldError::new(field, "unknown_location", detail));
        }
    }
    if wish.from == wish.to {
        errors.push(FieldError::new("/to_location", "contradiction", "is where the goods are already"));
    }
    let (Some(pool), true) = (set.shop.pool(&wish.sku), errors.is_empty()) else {
        return Err(Rejection::Invalid(errors));
    };
    let (free, fenced) = lots(pool, &wish.from).fold((0, 0), |(free, fenced), lot| {
        let own = wish.channel.as_ref().map_or_else(|| lot.open(), |channel| lot.free_for(channel));
        (free + own, fenced + lot.free() - own)
    });
    if free < wish.quantity {
        let more = if fenced > 0 { format!(": {fenced} more are ring-fenced") } else { String::new() };
        let detail =
            format!("{free} units of {} at {} are free, not {}{more}", wish.sku, wish.from, wish.quantity);
        let refusal = Refusal::new(RefusalCode::NotAvailable, detail);
        return Err(Refusal { sku: Some(wish.sku.clone()), available: Some(free), ..refusal }.into());
    }
    room_for(pool, 1)?;
    let (taken, ring_fenced) = sent(pool, wish);
    let left = StockAdjusted {
        sku: wish.sku.clone(),
        location: wish.from.clone(),
        lots: taken,
        opened: None,
        delta: -wish.quantity,
        reason: AdjustReason::Transfer,
        line: None,
        note: Some(format!("to {}", wish.to).into()),
        ring_fenced,
    };
    let fence = |channel: &Channel| RingFence { channel: channel.clone(), units: wish.quantity };
    let due = Supply {
        kind: SupplyKind::Transfer,
        state: SupplyState::Due,
        quantity: wish.quantity,
        expected_on: wish.expected_on,
        lateness: Lateness::buffer(Lateness::BUFFER_DAYS_DEFAULT),
        supplier: Some(wish.from.as_str().into()),
        reference: wish.reference.clone(),
        received_at: None,
        ring_fenced: wish.channel.iter().map(fence).collect(),
        ..new_shelf(set, pool, &wish.to, SupplyId(set.command))
    };
    Ok(vec![Event::StockAdjusted(left), Event::SupplyAdded(due)])
}

/// What a transfer takes of each on-hand supply, below zero, and what is ring-fenced of them then: first what is ring-fenced for
/// the channel that it is for.
fn sent(pool: &Pool, wish: &Transfer) -> (Vec<(SupplyId, Units)>, Vec<Refenced>) {
    let mut left = wish.quantity;
    let mut taken: Vec<(&Supply, Units, Units)> = Vec::new();
    for lot in lots(pool, &wish.from) {
        let own = wish.channel.as_ref().map_or(0, |channel| lot.left_for(channel)).min(left);
        left -= own;
        taken.push((lot, own, own));
    }
    for (lot, _, all) in &mut taken {
        let open = lot.open().min(left);
        left -= open;
        *all += open;
    }
    taken.retain(|(_, _, all)| *all > 0);
    let fences = taken.iter().filter(|(_, own, _)| *own > 0).filter_map(|(lot, own, _)| {
        let channel = wish.channel.as_ref()?;
        let mut now = Supply::clone(lot);
        now.ring_fence(channel, lot.ring_fenced_for(channel) - own);
        Some(Refenced { supply: lot.id, before: lot.ring_fenced.clone(), now: now.ring_fenced })
    });
    (taken.iter().map(|(lot, _, all)| (lot.id, -all)).collect(), fences.collect())
}

/// The change that something else makes which came in the place of what was expected, where it came.
///
/// `supply`: what it came with, if it is open; it stays as it is. Refuses `supply_closed`; the SKU that was expected is
/// `Invalid`.
pub fn wrong_arrival(supply: Option<&Supply>, wish: &WrongArrival) -> Result<Adjust, Rejection> {
    let Some(supply) = supply.filter(|supply| !supply.kind.is_elastic()) else {
        let detail = format!("{} is closed", wish.supply);
        return Err(Refusal::new(RefusalCode::SupplyClosed, detail).into());
    };
    let expected = &supply.sku;
    if *expected == wish.sku {
        let detail = format!("{expected} is what was expected: book it in as accepted or damaged");
        return Err(Rejection::field("/sku", "contradiction", detail));
    }
    Ok(Adjust {
        sku: wish.sku.clone(),
        location: supply.location.clone(),
        delta: wish.quantity,
        reason: AdjustReason::WrongArrival,
        line: None,
        quarantine: wish.quarantine,
        note: Some(format!("came with {} in the place of {expected}", supply.id).into()),
    })
}

/// The change that a count makes; `None`: there are as many as there should be.
///
/// `counted` counts everything on hand at the location, what is with fulfilment too. Its pool is loaded.
pub fn counted(pool: &Pool, wish: &Count) -> Option<Adjust> {
    let here: Units = lots(pool, &wish.location).map(|lot| lot.quantity).sum();
    (wish.counted != here).then(|| Adjust {
        sku: wish.sku.clone(),
        location: wish.location.clone(),
        delta: wish.counted - here,
        reason: AdjustReason::Count,
        line: None,
        quarantine: false,
        note: wish.note.clone(),
    })
}

/// What a line may be named for: units of a SKU it takes that a customer sent back.
fn check_return(set: Setting<'_>, wish: &Adjust, id: LineId, errors: &mut Vec<FieldError>) {
    if wish.reason != AdjustReason::ReturnToStock {
        errors.push(FieldError::new("/line", "contradiction", "only with the reason return_to_stock"));
    }
    if wish.delta < 0 {
        errors.push(FieldError::new("/delta", "out_of_range", "what is sent back is more units, not fewer"));
    }
    match set.shop.orders.get(&id.order).and_then(|order| order.line(id.no)) {
        None => errors.push(FieldError::new("/line", "unknown_line", format!("there is no line {id}"))),
        Some(line) if line.needs().all(|(sku, _)| *sku != wish.sku) => {
            errors.push(FieldError::new("/sku", "not_of_line", format!("{id} takes no {}", wish.sku)));
        }
        Some(_) => {}
    }
}

fn check_was_sent(set: Setting<'_>, wish: &Adjust, id: LineId) -> Result<(), Refusal> {
    let Some(line) = set.shop.orders.get(&id.order).and_then(|order| order.line(id.no)) else {
        return Ok(());
    };
    let each = line.needs().find(|(sku, _)| **sku == wish.sku).map_or(0, |(_, each)| each);
    let out = each * line.shipped - line.returned_of(&wish.sku);
    if wish.delta <= out {
        return Ok(());
    }
    let detail = format!("{out} units of {} that {id} was sent are still out, not {}", wish.sku, wish.delta);
    Err(Refusal {
        line: Some(id.no),
        sku: Some(wish.sku.clone()),
        available: Some(out),
        ..Refusal::new(RefusalCode::NotShipped, detail)
    })
}

/// Returns the promised units that a loss would take, by on-hand supply; empty where free units cover it.
pub fn lots_short(pool: &Pool, location: &LocationId, units: Units) -> Vec<(SupplyId, Units)> {
    let (split, _) = split(pool, location, units);
    split
        .into_iter()
        .filter(|(_, _, promised)| *promised > 0)
        .map(|(id, _, promised)| (id, promised))
        .collect()
}

/// What a loss takes of each on-hand supply, below zero.
fn taken(pool: &Pool, location: &LocationId, units: Units) -> Vec<(SupplyId, Units)> {
    let (split, _) = split(pool, location, units);
    split.into_iter().map(|(id, free, promised)| (id, -(free + promised))).filter(|(_, by)| *by < 0).collect()
}

/// A supply, its free units and its promised ones that a loss takes.
type Share = (SupplyId, Units, Units);

/// Splits a loss over on-hand supplies: free units first, in rank order, those that are ring-fenced after all others; then
/// promised ones from the last supply back, none that fulfilment has. Answers also what is left over, as fulfilment has the rest.
fn split(pool: &Pool, location: &LocationId, units: Units) -> (Vec<Share>, Units) {
    let mut left = units;
    let mut split: Vec<Share> = Vec::new();
    for lot in lots(pool, location) {
        let free = lot.open().min(left);
        left -= free;
        split.push((lot.id, free, 0));
    }
    for (lot, (_, free, _)) in lots(pool, location).zip(&mut split) {
        let fenced = (lot.free() - lot.open()).min(left);
        left -= fenced;
        *free += fenced;
    }
    for (id, _, promised) in split.iter_mut().rev() {
        let claimed = pool.supply(*id).map_or(0, |lot| lot.quantity - lot.free() - lot.released());
        *promised = claimed.min(left);
        left -= *promised;
    }
    (split, left)
}

pub(crate) fn lots<'a>(pool: &'a Pool, location: &'a LocationId) -> impl Iterator<Item = &'a Supply> {
    pool.supplies.iter().map(|supply| &**supply).filter(move |s| s.is_on_hand() && s.location == *location)
}

fn new_shelf(set: Setting<'_>, pool: &Pool, location: &LocationId, id: SupplyId) -> Supply {
    Supply {
        id,
        sku: pool.sku().clone(),
        location: location.clone(),
        kind: SupplyKind::Stock,
        state: SupplyState::OnHand,
        quantity: 0,
        expected_on: None,
        lateness: Lateness::buffer(0),
        supplier: None,
        reference: None,
        created_at: set.now,
        received_at: Some(set.now),
        claims: Vec::new(),
        ring_fenced: Vec::new(),
    }
}
