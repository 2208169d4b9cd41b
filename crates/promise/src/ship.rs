//! Sending goods that are here.

use model::{
    Units,
    command::Ship,
    event::{Event, Shipped, ShippedLine},
    id::LineId,
    order::{Line, Peg},
    refusal::{Refusal, RefusalCode, Rejection},
};

use crate::{Decision, Setting};

/// Sends units of an order that are allocated. The order and its pools are loaded.
///
/// Checked in this order: the order is known, the lines are its own and named once, the units are here. Refusals:
/// `not_allocated` where units are not here, or nothing is.
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
    let mut lines = Vec::new();
    for line in &order.lines {
        let id = LineId { order: order.id, no: line.no };
        let asked = wish.lines.iter().find(|(asked, _)| *asked == id);
        if asked.is_none() && !wish.lines.is_empty() {
            continue;
        }
        let here = allocated(set, line);
        let units = asked.and_then(|(_, units)| *units).unwrap_or(here);
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
            lines.push(ShippedLine { line: line.no, quantity: units, from: taken(set, line, units) });
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
        shipped_at: wish.shipped_at,
    })])
}

fn is_here(set: Setting<'_>, peg: &Peg) -> bool {
    let supply = set.shop.pool(&peg.sku).and_then(|pool| pool.supply(peg.supply));
    supply.is_some_and(|supply| supply.is_on_hand())
}

/// Units of a line that are here; kits of which every component is.
fn allocated(set: Setting<'_>, line: &Line) -> Units {
    let here = |sku: &model::id::Sku| -> Units {
        line.pegs.iter().filter(|peg| peg.sku == *sku && is_here(set, peg)).map(|peg| peg.quantity).sum()
    };
    line.needs().map(|(sku, each)| here(sku) / each).min().unwrap_or(0)
}

fn taken(set: Setting<'_>, line: &Line, units: Units) -> Vec<Peg> {
    let mut taken = Vec::new();
    for (sku, each) in line.needs() {
        let mut left = each * units;
        for peg in line.pegs.iter().filter(|peg| peg.sku == *sku && is_here(set, peg)) {
            let quantity = peg.quantity.min(left);
            if quantity > 0 {
                taken.push(Peg { quantity, ..peg.clone() });
                left -= quantity;
            }
        }
    }
    taken
}
