//! Sending goods that are here.

use model::{
    Units,
    command::Ship,
    event::{Event, Shipped, ShippedLine},
    id::LineId,
    order::{Line, Peg},
    refusal::{Refusal, RefusalCode, Rejection},
    state::Shop,
    supply::Supply,
};

use crate::{Decision, Setting};

/// Sends units of an order that are allocated. The order and its pools are loaded.
///
/// What fulfilment has goes first. Where no number is given it is all that fulfilment has, or, where it has nothing of the
/// order, all that is here. Checked in this order: the order is known, the lines are its own and named once, something of
/// the order is left, the units are here. Refusals: `already_shipped`; `not_allocated` where units are not here, or nothing
/// is.
pub fn ship(set: Setting<'_>, wish: &Ship) -> Decision {
    let order = set.shop.orders.get(&wish.order).ok_or_else(|| Rejection::not_found("order", wish.order))?;
    for (at, (id, _)) in wish.lines.iter().enumerate() {
        let pointer = format!("/lines/{at}/id");
        if id.order != wish.order || order.line(id.no).is_none() {
            let detail = format!("{id} is not a line of {}", wish.order);
            return Err(Rejection::field(pointer, "unknown_line", detail));
        }
        if wish.lines[..at].iter().any(|(other, _)| other == id) {
            return Err(Rejection::field(pointer, "duplicate", format!("{id} stands twice")));
        }
    }
    if !order.is_open() && order.lines.iter().any(|line| line.shipped > 0) {
        let detail = format!("nothing of {} is left to send", order.id);
        return Err(Refusal::new(RefusalCode::AlreadyShipped, detail).into());
    }
    let is_released = order.lines.iter().any(|line| !line.released.is_empty());
    let mut lines = Vec::new();
    for line in &order.lines {
        let id = LineId { order: order.id, no: line.no };
        let asked = wish.lines.iter().find(|(asked, _)| *asked == id);
        if asked.is_none() && !wish.lines.is_empty() {
            continue;
        }
        let here = allocated(set.shop, line);
        let all = if is_released { picked(line) } else { here };
        let units = asked.and_then(|(_, units)| *units).unwrap_or(all);
        if units > here {
            let detail = format!("{here} units of {id} are here, not {units}");
            return Err(Refusal {
                line: Some(line.no),
                sku: Some(line.sku.clone()),
                available: Some(here),
                ..Refusal::new(RefusalCode::NotAllocated, detail)
            }
            .into());
        }
        if units > 0 {
            lines.push(ShippedLine { line: line.no, quantity: units, from: taken(set.shop, line, units) });
        }
    }
    if lines.is_empty() {
        return Err(
            Refusal::new(RefusalCode::NotAllocated, format!("nothing of {} is here", order.id)).into()
        );
    }
    Ok(vec![Event::Shipped(Shipped {
        order: order.id,
        lines,
        tracking: wish.tracking.clone(),
        carrier: wish.carrier.clone(),
        tracking_url: wish.tracking_url.clone(),
        shipped_at: wish.shipped_at,
        parcel: Some(format!("pcl_{}", set.command.simple()).into()),
    })])
}

/// The supply of a peg, if it is here.
pub(crate) fn here<'a>(shop: &'a Shop, peg: &Peg) -> Option<&'a Supply> {
    let supply = shop.pool(&peg.sku)?.supply(peg.supply)?;
    supply.is_on_hand().then_some(supply)
}

/// Units of a line that are here; kits of which every component is.
pub(crate) fn allocated(shop: &Shop, line: &Line) -> Units {
    let here = |sku: &model::id::Sku| -> Units {
        let pegs = line.pegs.iter().filter(|peg| peg.sku == *sku && here(shop, peg).is_some());
        pegs.map(|peg| peg.quantity).sum()
    };
    line.needs().map(|(sku, each)| here(sku) / each).min().unwrap_or(0)
}

/// Units of a line that fulfilment has whole.
fn picked(line: &Line) -> Units {
    line.needs().map(|(sku, each)| line.released_of(sku) / each).min().unwrap_or(0)
}

/// The goods that so many units of a line are sent from: those with fulfilment first.
fn taken(shop: &Shop, line: &Line, units: Units) -> Vec<Peg> {
    let mut taken: Vec<Peg> = Vec::new();
    for (sku, each) in line.needs() {
        let mut left = each * units;
        let pegs: Vec<&Peg> =
            line.pegs.iter().filter(|peg| peg.sku == *sku && here(shop, peg).is_some()).collect();
        let released = pegs.iter().map(|peg| (*peg, line.released_on(peg.supply)));
        let rest = pegs.iter().map(|peg| (*peg, peg.quantity - line.released_on(peg.supply)));
        for (peg, there) in released.chain(rest) {
            let quantity = there.min(left);
            left -= quantity;
            match taken.iter_mut().find(|taken| taken.supply == peg.supply) {
                Some(taken) => taken.quantity += quantity,
                None if quantity > 0 => taken.push(Peg { quantity, ..peg.clone() }),
                None => {}
            }
        }
    }
    taken
}
