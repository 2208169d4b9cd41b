//! Supplies entered, changed and called off.

use model::{
    Units,
    command::{AddSupply, CancelSupply, ChangeSupply, SplitSupply},
    event::{Event, Move, RunApplied, SupplyCancelled, SupplyChanged},
    id::{LocationId, RunId, Sku, SupplyId},
    limits::SUPPLIES_MAX,
    order::Cause,
    pool::Pool,
    refusal::{FieldError, Refusal, RefusalCode, Rejection},
    supply::{Lateness, Supply, SupplyState},
};

use crate::{
    Decision, Queues, Setting,
    fence::{split, trimmed},
    moves::displace,
};

/// Enters a supply.
///
/// Refuses a pool that is full (`too_many_supplies`); an unknown SKU or location and a kit are `Invalid`.
pub fn add_supply(set: Setting<'_>, wish: &AddSupply) -> Decision {
    let mut errors = Vec::new();
    let pool = set.shop.pool(&wish.sku);
    match pool {
        None => errors.push(unknown_sku(&wish.sku)),
        Some(pool) if pool.item.is_kit() => {
            let detail = format!("{} is a kit: its components are supplied, not itself", wish.sku);
            errors.push(FieldError::new("/sku", "is_a_kit", detail));
        }
        Some(_) => {}
    }
    if !set.shop.locations.contains_key(&wish.location) {
        errors.push(unknown_location(&wish.location));
    }
    let (Some(pool), true) = (pool, errors.is_empty()) else { return Err(Rejection::Invalid(errors)) };
    if pool.supplies.len() >= SUPPLIES_MAX {
        let detail = format!("{} has {SUPPLIES_MAX} open supplies already", wish.sku);
        return Err(Refusal::new(RefusalCode::TooManySupplies, detail).into());
    }
    let buffer = wish.promise_buffer_days.unwrap_or(Lateness::BUFFER_DAYS_DEFAULT);
    Ok(vec![Event::SupplyAdded(Supply {
        id: SupplyId(set.command),
        sku: wish.sku.clone(),
        location: wish.location.clone(),
        kind: wish.kind,
        state: SupplyState::Due,
        quantity: wish.quantity,
        expected_on: wish.expected_on,
        lateness: Lateness::buffer(buffer),
        supplier: wish.supplier.clone().or_else(|| pool.item.supplier.clone()),
        reference: wish.reference.clone(),
        created_at: set.now,
        received_at: None,
        claims: Vec::new(),
        ring_fenced: Vec::new(),
    })])
}

/// Changes a supply's date or quantity: one row, and every line behind it follows.
///
/// Units that are promised and no longer come go to the shortfall, last come first; `queues` then holds the lines to
/// move (see [`excess`]). What is ring-fenced gets less only where nothing else is left. Refusals: `supply_closed`,
/// `already_received`, `units_promised` where carts hold the units.
pub fn change_supply(set: Setting<'_>, sku: &Sku, wish: &ChangeSupply, queues: &Queues) -> Decision {
    let (pool, supply) = due_supply(set, sku, wish.supply)?;
    let quantity = wish.quantity.unwrap_or(supply.quantity);
    let (mut events, mut moves) = (Vec::new(), Vec::new());
    let excess = excess(supply, quantity);
    if excess > 0 {
        let cause = Cause { supply: Some(supply.id), ..Cause::of("supply_changed") };
        let Some(run) = displace(set, pool, &[(supply.id, excess)], queues, cause) else {
            let detail = format!("{excess} units of {} are held in carts for now", supply.id);
            return Err(Refusal::new(RefusalCode::UnitsPromised, detail).into());
        };
        moves.clone_from(&run.moves);
        events.push(Event::RunApplied(run));
    }
    events.push(Event::SupplyChanged(SupplyChanged {
        supply: supply.id,
        sku: supply.sku.clone(),
        expected_on: wish.expected_on.unwrap_or(supply.expected_on),
        quantity,
        lateness: supply.lateness,
        expected_on_before: supply.expected_on,
        quantity_before: supply.quantity,
        ring_fenced: trimmed(set, supply, &moves, quantity).into_iter().collect(),
    }));
    Ok(events)
}

/// Splits a supply in two: the part split off comes at a time of its own, with the last come of the lines behind it. What is
/// ring-fenced stays with the supply as far as it has room for it, the rest goes along.
///
/// `queues` holds the lines to move (see [`excess`]). Refusals: `supply_closed`, `already_received`, `too_many_supplies`,
/// `units_promised` where carts hold the units; a part that is not smaller than the whole is `Invalid`.
pub fn split_supply(set: Setting<'_>, sku: &Sku, wish: &SplitSupply, queues: &Queues) -> Decision {
    let (pool, supply) = due_supply(set, sku, wish.supply)?;
    let stays = supply.quantity - wish.quantity;
    if stays < 1 {
        let detail =
            format!("{} has {} units: some of them, not all, can come apart", supply.id, supply.quantity);
        return Err(Rejection::field("/quantity", "out_of_range", detail));
    }
    if pool.supplies.len() >= SUPPLIES_MAX {
        let detail = format!("{sku} has {SUPPLIES_MAX} open supplies already");
        return Err(Refusal::new(RefusalCode::TooManySupplies, detail).into());
    }
    let mut part = Supply {
        id: SupplyId(set.command),
        quantity: wish.quantity,
        expected_on: wish.expected_on,
        created_at: set.now,
        claims: Vec::new(),
        ring_fenced: Vec::new(),
        ..supply.clone()
    };
    let mut left = excess(supply, stays);
    let mut moves = Vec::new();
    for waiting in queues.get(&supply.id).into_iter().flatten() {
        let quantity = waiting.quantity.min(left);
        if quantity > 0 {
            moves.push(Move { line: waiting.line, from: supply.id, to: part.id, quantity });
            left -= quantity;
        }
    }
    if left > 0 {
        let detail = format!("{left} units of {} are held in carts for now", supply.id);
        return Err(Refusal::new(RefusalCode::UnitsPromised, detail).into());
    }
    let cause = Cause { supply: Some(supply.id), ..Cause::of("supply_split") };
    let (kept, split_off) = split(set, supply, stays, &part, &moves);
    part.ring_fenced = split_off;
    Ok(vec![
        Event::RunApplied(RunApplied {
            run: RunId::of(set.command),
            sku: sku.clone(),
            cause,
            opened: vec![part],
            moves,
        }),
        Event::SupplyChanged(SupplyChanged {
            supply: supply.id,
            sku: sku.clone(),
            expected_on: supply.expected_on,
            quantity: stays,
            lateness: supply.lateness,
            expected_on_before: supply.expected_on,
            quantity_before: supply.quantity,
            ring_fenced: kept.into_iter().collect(),
        }),
    ])
}

/// Units claimed beyond a quantity.
pub fn excess(supply: &Supply, quantity: Units) -> Units {
    (supply.pegged() + supply.held() - quantity).max(0)
}

/// Calls a supply off. What is promised from it stays promised, without a date, until other goods are found.
///
/// Refusals: `supply_closed`, `already_received`.
pub fn cancel_supply(set: Setting<'_>, sku: &Sku, wish: &CancelSupply) -> Decision {
    let (_, supply) = due_supply(set, sku, wish.supply)?;
    Ok(vec![Event::SupplyCancelled(SupplyCancelled {
        supply: supply.id,
        sku: supply.sku.clone(),
        quantity: supply.quantity,
    })])
}

/// The open supply of a pool with this id that a person entered and that is still to come.
pub(crate) fn due_supply<'a>(
    set: Setting<'a>,
    sku: &Sku,
    id: SupplyId,
) -> Result<(&'a Pool, &'a Supply), Rejection> {
    let refuse = |code, why: &str| Err(Refusal::new(code, format!("{id} {why}")).into());
    match set.shop.pool(sku).and_then(|pool| Some((pool, pool.supply(id)?))) {
        None => refuse(RefusalCode::SupplyClosed, "is closed"),
        Some((_, supply)) if supply.state != SupplyState::Due => {
            refuse(RefusalCode::AlreadyReceived, "is here already")
        }
        Some((_, supply)) if supply.kind.is_elastic() => {
            refuse(RefusalCode::SupplyClosed, "is made and unmade by the orders that wait for it")
        }
        Some((pool, supply)) => Ok((pool, supply)),
    }
}

pub(crate) fn unknown_sku(sku: &Sku) -> FieldError {
    FieldError::new("/sku", "unknown_sku", format!("there is no sku {:?}", sku.as_str()))
}

pub(crate) fn unknown_location(location: &LocationId) -> FieldError {
    FieldError::new("/location", "unknown_location", format!("there is no location {:?}", location.as_str()))
}
