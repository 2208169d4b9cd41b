//! Calling off: a line gives back its latest units first, and nothing appears that was not there.

use std::cmp::Reverse;

use model::{
    Units,
    command::CancelOrder,
    event::{Event, LineCancelled, OrderCancelled},
    id::LineId,
    order::{Line, Peg},
    refusal::{Refusal, RefusalCode, Rejection},
};

use crate::{Decision, Setting};

/// Calls off an order, or units of its lines. The order and its pools are loaded.
///
/// Checked in this order: the order is known, the lines are its own, the units are still open and not with fulfilment.
/// Refusals: `already_shipped`, `already_cancelled`, `released`: what fulfilment has must come back from there first, so
/// that nothing is sent that was called off.
pub fn cancel_order(set: Setting<'_>, wish: &CancelOrder) -> Decision {
    let order = set.shop.orders.get(&wish.order).ok_or_else(|| Rejection::not_found("order", wish.order))?;
    let wanted: Vec<(&Line, Units)> = if wish.lines.is_empty() {
        order.lines.iter().filter(|line| line.open() > 0).map(|line| (line, line.open())).collect()
    } else {
        let mut wanted = Vec::with_capacity(wish.lines.len());
        for (at, (id, units)) in wish.lines.iter().enumerate() {
            let line = order.line(id.no).filter(|_| id.order == wish.order).ok_or_else(|| {
                let detail = format!("{id} is not a line of {}", wish.order);
                Rejection::field(format!("/lines/{at}/id"), "unknown_line", detail)
            })?;
            if wish.lines[..at].iter().any(|(other, _)| other == id) {
                let detail = format!("{id} stands twice");
                return Err(Rejection::field(format!("/lines/{at}/id"), "duplicate", detail));
            }
            let units = units.unwrap_or(line.open());
            if line.open() == 0 || units > line.open() {
                return Err(not_open(line, *id, units).into());
            }
            wanted.push((line, units));
        }
        wanted
    };
    if wanted.is_empty() {
        let shipped = order.lines.iter().any(|line| line.shipped > 0);
        let code = if shipped { RefusalCode::AlreadyShipped } else { RefusalCode::AlreadyCancelled };
        return Err(Refusal::new(code, format!("nothing of {} is left to call off", order.id)).into());
    }
    for (line, units) in &wanted {
        let left = line.open() - line.with_fulfilment();
        if *units > left {
            return Err(with_fulfilment(line, LineId { order: order.id, no: line.no }, left).into());
        }
    }
    let mut events: Vec<Event> = wanted
        .iter()
        .map(|(line, units)| {
            Event::LineCancelled(LineCancelled {
                line: LineId { order: order.id, no: line.no },
                sku: line.sku.clone(),
                quantity: *units,
                freed: freed(set, line, *units),
                reason: wish.reason.clone(),
            })
        })
        .collect();
    let left = order.lines.iter().any(|line| {
        let off = wanted.iter().find(|(other, _)| other.no == line.no).map_or(0, |(_, units)| *units);
        line.open() - off > 0 || line.shipped > 0
    });
    if !left {
        events.push(Event::OrderCancelled(OrderCancelled { order: order.id }));
    }
    Ok(events)
}

fn not_open(line: &Line, id: LineId, units: Units) -> Refusal {
    let open = line.open();
    let code = if line.shipped > 0 { RefusalCode::AlreadyShipped } else { RefusalCode::AlreadyCancelled };
    Refusal {
        line: Some(id.no),
        sku: Some(line.sku.clone()),
        available: Some(open),
        ..Refusal::new(code, format!("{open} units of {id} are still open, not {units}"))
    }
}

fn with_fulfilment(line: &Line, id: LineId, left: Units) -> Refusal {
    let detail =
        format!("{} units of {id} are with fulfilment: they must come back first", line.with_fulfilment());
    Refusal {
        line: Some(id.no),
        sku: Some(line.sku.clone()),
        available: Some(left),
        ..Refusal::new(RefusalCode::Released, detail)
    }
}

/// The units that a line gives back: of each SKU it takes, those that come last, and none that fulfilment has.
fn freed(set: Setting<'_>, line: &Line, units: Units) -> Vec<Peg> {
    let mut freed = Vec::new();
    for (sku, each) in line.needs() {
        let mut pegs: Vec<&Peg> = line.pegs.iter().filter(|peg| peg.sku == *sku).collect();
        let pool = set.shop.pool(sku);
        pegs.sort_by_key(|peg| {
            Reverse(pool.and_then(|pool| pool.supply(peg.supply)).map(|supply| supply.rank()))
        });
        let mut left = each * units;
        for peg in pegs {
            let quantity = (peg.quantity - line.released_on(peg.supply)).min(left);
            if quantity > 0 {
                freed.push(Peg { quantity, ..peg.clone() });
                left -= quantity;
            }
        }
    }
    freed
}
