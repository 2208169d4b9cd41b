//! Goods arrive: as expected, damaged, too few, too many, in several parts.
//!
//! docs/theory/promising.md, "Receipts".

use std::collections::BTreeMap;

use model::{
    Units,
    command::{Inspect, Receive},
    event::{Event, Move, StillDue, SupplyInspected, SupplyReceived},
    id::{LineId, Sku, SupplyId},
    limits::{SUPPLIES_MAX, SUPPLY_UNITS_MAX},
    order::{Cause, Waiting},
    pool::Pool,
    refusal::{Refusal, RefusalCode, Rejection},
    supply::{Supply, SupplyState},
    time::Timestamp,
};

use crate::{
    Decision, Queues, Setting,
    fence::{Parts, shared},
    moves::displace,
    supply::due_supply,
};

/// How many times what was expected may come: more is a slip of the pen.
const TIMES_EXPECTED_MAX: Units = 10;

/// How the units of a receipt are shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    accepted: Units,
    damaged: Units,
    /// Units still to come; 0: the supply itself is on hand.
    rest: Units,
    /// Units whose lines wait for other goods: last come first.
    lost: Units,
    /// Units of the supply's lines that get what came while the rest is still due: first come first.
    first: Units,
}

impl Shares {
    /// Units that are on hand by it.
    pub fn accepted(&self) -> Units {
        self.accepted
    }

    /// Units that stay due.
    pub fn rest(&self) -> Units {
        self.rest
    }

    /// Units that the head of the supply's queue must cover for [`receive`].
    pub fn head(&self) -> Units {
        // A line at both ends of the queue loses units first.
        if self.first > 0 { self.first + self.lost } else { 0 }
    }

    /// Units that the end of the supply's queue must cover for [`receive`].
    pub fn tail(&self) -> Units {
        self.lost
    }
}

/// Shares the units of a receipt out, or says which number makes no sense.
pub fn shares(supply: &Supply, wish: &Receive) -> Result<Shares, Rejection> {
    let expected = supply.quantity;
    let (accepted, damaged) = (wish.accepted.unwrap_or(expected), wish.damaged);
    let wrong = |field: &str, code, detail| Err(Rejection::field(field, code, detail));
    if accepted + damaged == 0 && !wish.close {
        return wrong(
            "/accepted",
            "out_of_range",
            "nothing came: close the supply, if nothing will".to_owned(),
        );
    }
    let most = (expected.max(1) * TIMES_EXPECTED_MAX).min(SUPPLY_UNITS_MAX);
    if accepted + damaged > most {
        let detail = format!(
            "{expected} units were expected and at most {most} can be booked in: if so many came, change the supply's \
             quantity first"
        );
        return wrong(if accepted > 0 { "/accepted" } else { "/damaged" }, "out_of_range", detail);
    }
    let rest = if wish.close { 0 } else { (expected - accepted - damaged).max(0) };
    if rest == 0 && wish.expected_on.is_some() {
        return wrong("/expected_on", "not_due", "nothing stays due that could have a date".to_owned());
    }
    let (pegged, held) = (supply.pegged(), supply.held());
    let first = if rest > 0 { accepted.min(pegged) } else { 0 };
    let lost = match (rest, accepted) {
        // Nothing of it is left: the whole supply becomes the shortfall.
        (0, 0) => 0,
        (0, _) => pegged + held - accepted,
        _ => pegged - first + held - rest,
    };
    let lost = lost.max(0);
    Ok(Shares { accepted, damaged, rest, lost, first })
}

/// Books goods in. The supply's pool is loaded; `head` and `queues` hold lines of its queue, first and last come first, as
/// many as cover [`Shares::head`] and [`Shares::tail`], with their orders.
///
/// Good units go to the supply's own lines, oldest first; what is left of them is free. Lines that get none and for which
/// not enough stays due wait on the shortfall, last come first. What is ring-fenced goes with what came as far as it has room for
/// it, then stays with what is due, then with what is damaged. Refusals: `supply_closed`, `already_received`,
/// `units_promised` where carts hold the units, `too_many_supplies`; numbers that make no sense are `Invalid`.
pub fn receive(set: Setting<'_>, sku: &Sku, wish: &Receive, head: &[Waiting], queues: &Queues) -> Decision {
    book(set, sku, wish, None, head, queues)
}

/// Books further units of the same receipt in, so that one for very many lines takes many short steps: they go to the lot that
/// its first units went to, if that is open. Else as [`receive`].
pub fn receive_more(
    set: Setting<'_>,
    sku: &Sku,
    wish: &Receive,
    lot: SupplyId,
    head: &[Waiting],
    queues: &Queues,
) -> Decision {
    let lot = set.shop.pool(sku).and_then(|pool| pool.supply(lot)).filter(|lot| lot.is_on_hand());
    book(set, sku, wish, lot.map(|lot| lot.id), head, queues)
}

fn book(
    set: Setting<'_>,
    sku: &Sku,
    wish: &Receive,
    into: Option<SupplyId>,
    head: &[Waiting],
    queues: &Queues,
) -> Decision {
    let (pool, supply) = due_supply(set, sku, wish.supply)?;
    let shares = shares(supply, wish)?;
    if shares.rest > 0 && supply.held() > shares.rest {
        // Carts keep their units where they are.
        return Err(held(supply, supply.held() - shares.rest));
    }
    let mut events = Vec::new();
    let mut lost = Vec::new();
    if shares.lost > 0 {
        let cause = Cause { supply: Some(supply.id), ..Cause::of("supply_received") };
        let Some(run) = displace(set, pool, &[(supply.id, shares.lost)], queues, cause) else {
            return Err(held(supply, shares.lost));
        };
        lost.clone_from(&run.moves);
        events.push(Event::RunApplied(run));
    }
    let quarantine = (shares.damaged > 0).then(|| {
        let id = SupplyId::opened_by(set.command, QUARANTINE);
        let part = part(supply, id, SupplyState::Quarantine, shares.damaged, set.now);
        Supply { expected_on: None, ..part }
    });
    let rest = (shares.rest > 0).then(|| rest(set, supply, (wish, shares), into, head, &lost));
    let opened = rest.iter().flat_map(|rest| &rest.lot).chain(&quarantine).count();
    room_for(pool, opened)?;
    let mut moves = lost;
    moves.extend(rest.iter().flat_map(|rest| rest.moves.iter().cloned()));
    let near = rest.as_ref().and_then(|rest| match rest.into.and_then(|lot| pool.supply(lot)) {
        Some(lot) => Some((&**lot, lot.quantity + shares.accepted)),
        None => rest.lot.as_ref().map(|lot| (lot, lot.quantity)),
    });
    let stays = rest.as_ref().map(|rest| rest.quantity).or((shares.accepted > 0).then_some(shares.accepted));
    let parts = Parts { whole: supply, near, rest: stays, apart: quarantine.as_ref(), moves: &moves };
    let ring_fenced = shared(set, &parts);
    events.push(Event::SupplyReceived(SupplyReceived {
        supply: supply.id,
        sku: supply.sku.clone(),
        accepted: shares.accepted,
        expected: supply.quantity,
        damaged: shares.damaged,
        received_at: set.now,
        quarantine,
        rest,
        ring_fenced,
    }));
    Ok(events)
}

/// Which of the supplies that a receipt opens each is; the first is the shortfall.
const LOT: u32 = 2;
const QUARANTINE: u32 = 3;

fn rest(
    set: Setting<'_>,
    supply: &Supply,
    (wish, shares): (&Receive, Shares),
    into: Option<SupplyId>,
    head: &[Waiting],
    lost: &[Move],
) -> StillDue {
    let id = into.unwrap_or_else(|| SupplyId::opened_by(set.command, LOT));
    let mut lost_of: BTreeMap<LineId, Units> = BTreeMap::new();
    for step in lost {
        *lost_of.entry(step.line).or_default() += step.quantity;
    }
    let mut left = shares.first;
    let mut moves = Vec::new();
    for waiting in head {
        let lost = lost_of.get(&waiting.line).copied().unwrap_or(0);
        let quantity = (waiting.quantity - lost).min(left);
        if quantity > 0 {
            moves.push(Move { line: waiting.line, from: supply.id, to: id, quantity });
            left -= quantity;
        }
    }
    let into = into.filter(|_| shares.accepted > 0);
    let opens = shares.accepted > 0 && into.is_none();
    let lot = opens.then(|| part(supply, id, SupplyState::OnHand, shares.accepted, set.now));
    let expected_on = wish.expected_on.unwrap_or(supply.expected_on);
    StillDue { quantity: shares.rest, expected_on, lot, into, moves }
}

/// Units of a supply as one of their own.
fn part(supply: &Supply, id: SupplyId, state: SupplyState, quantity: Units, now: Timestamp) -> Supply {
    Supply {
        id,
        state,
        quantity,
        received_at: Some(now),
        claims: Vec::new(),
        ring_fenced: Vec::new(),
        ..supply.clone()
    }
}

fn held(supply: &Supply, units: Units) -> Rejection {
    let detail = format!("{units} units of {} are held in carts for now", supply.id);
    Refusal::new(RefusalCode::UnitsPromised, detail).into()
}

pub(crate) fn room_for(pool: &Pool, opened: usize) -> Result<(), Rejection> {
    if opened == 0 || pool.supplies.len() + opened <= SUPPLIES_MAX {
        return Ok(());
    }
    let detail = format!("{} has {} open supplies already", pool.sku(), pool.supplies.len());
    Err(Refusal::new(RefusalCode::TooManySupplies, detail).into())
}

/// Says what became of goods in quarantine. Their pool is loaded.
///
/// Good units are on hand and free. Refusals: `supply_closed`, `not_in_quarantine`, `too_many_supplies`; more units than
/// are there are `Invalid`.
pub fn inspect(set: Setting<'_>, sku: &Sku, wish: &Inspect) -> Decision {
    let Some((pool, supply)) = set.shop.pool(sku).and_then(|pool| Some((pool, pool.supply(wish.supply)?)))
    else {
        let detail = format!("{} is closed", wish.supply);
        return Err(Refusal::new(RefusalCode::SupplyClosed, detail).into());
    };
    if supply.state != SupplyState::Quarantine {
        let detail = format!("{} is not in quarantine", supply.id);
        return Err(Refusal::new(RefusalCode::NotInQuarantine, detail).into());
    }
    let units = wish.good + wish.written_off;
    if units == 0 || units > supply.quantity {
        let detail = format!("{} units are there, not {units}", supply.quantity);
        let field = if wish.good > 0 { "/good" } else { "/written_off" };
        return Err(Rejection::field(field, "not_there", detail));
    }
    // A quarantine that ends makes room for its good units.
    room_for(pool, usize::from(wish.good > 0 && units < supply.quantity))?;
    let id = SupplyId::opened_by(set.command, LOT);
    let lot = (wish.good > 0).then(|| part(supply, id, SupplyState::OnHand, wish.good, set.now));
    let near = lot.as_ref().map(|lot| (lot, lot.quantity));
    let rest = Some(supply.quantity - units);
    let ring_fenced = shared(set, &Parts { whole: supply, near, rest, apart: None, moves: &[] });
    Ok(vec![Event::SupplyInspected(SupplyInspected {
        supply: supply.id,
        sku: supply.sku.clone(),
        good: wish.good,
        written_off: wish.written_off,
        lot,
        inspected_at: set.now,
        reason: wish.reason.clone(),
        ring_fenced,
    })])
}
