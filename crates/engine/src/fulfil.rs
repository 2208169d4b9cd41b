//! Commands of fulfilment: hand over, take back, send.

use model::{
    command::{Release, Ship, TakeBack},
    event::Event,
    id::{LineId, OrderId, ReleaseId},
    item::Component,
    view::{ReleaseView, ShipmentLineView, ShipmentView, TakenBackLine, TakenBackView},
};

use crate::{
    after::Course,
    answer::{Answer, Failure},
    execute::{Outcome, finish, lost},
    money, notices,
    working::Working,
};

pub(crate) fn release(working: &mut Working<'_>, course: &mut Course, wish: &Release) -> Outcome {
    working.load_orders(&orders_of(wish.lines.iter().copied()))?;
    let wanted = Release { lines: notices::confirmed(working, course, wish)?, ..wish.clone() };
    let paid = Release { lines: money::paid(working, course, &wanted)?, ..wanted };
    let set = course.setting(working);
    let decision = promise::release(set, &paid);
    let lines = decision.as_ref().map(|events| promise::released_lines(set, events)).unwrap_or_default();
    let id = ReleaseId(set.command);
    finish(working, course, decision, |_, course| {
        Ok(Answer::Released(ReleaseView {
            id: (!lines.is_empty()).then_some(id),
            location: wish.location.clone(),
            released_at: course.now,
            carrier_cutoff: wish.carrier_cutoff,
            // What others took meanwhile made room that more may fill.
            more: wish.more || lines.len() < paid.lines.len(),
            lines,
        }))
    })
}

pub(crate) fn take_back(working: &mut Working<'_>, course: &mut Course, wish: &TakeBack) -> Outcome {
    working.load_orders(&orders_of(wish.lines.iter().map(|back| back.line)))?;
    let decision = promise::take_back(course.setting(working), wish);
    let returned: Vec<(LineId, i64)> = decision.iter().flatten().filter_map(returned).flatten().collect();
    finish(working, course, decision, |working, course| {
        let mut lines = Vec::with_capacity(wish.lines.len());
        for back in &wish.lines {
            let view = line_now(working, course, back.line)?;
            let quantity =
                returned.iter().find(|(line, _)| *line == back.line).map_or(0, |(_, units)| *units);
            let missing = back.missing.iter().filter(|(_, units)| *units > 0);
            lines.push(TakenBackLine {
                order: back.line.order,
                line: back.line,
                sku: view.sku,
                quantity,
                missing: missing
                    .map(|(sku, quantity)| Component { sku: sku.clone(), quantity: *quantity })
                    .collect(),
                state: view.state,
                ship_by: view.ship_by,
            });
        }
        Ok(Answer::TakenBack(TakenBackView { release: wish.release, lines }))
    })
}

/// The lines that an event takes back, with the units of each.
fn returned(event: &Event) -> Option<Vec<(LineId, i64)>> {
    let Event::ReleaseReturned(returned) = event else { return None };
    let of = |no| LineId { order: returned.order, no };
    Some(returned.lines.iter().map(|step| (of(step.line), step.quantity)).collect())
}

pub(crate) fn ship(working: &mut Working<'_>, course: &mut Course, wish: &Ship) -> Outcome {
    working.load_orders(&[wish.order])?;
    let mut decision = promise::ship(course.setting(working), wish);
    if let Ok([Event::Shipped(shipped)]) = decision.as_deref_mut()
        && course.is_brief()
        && wish.tracking.is_none()
    {
        // History that is brought in: nobody waits for these parcels.
        shipped.parcel = None;
    }
    let sent = decision.as_ref().ok().and_then(|events| match events.first() {
        Some(Event::Shipped(shipped)) => Some(shipped.clone()),
        _ => None,
    });
    let mut leaving = None;
    if let Some(sent) = &sent {
        match money::shipped(working, course, sent)? {
            Ok(account) => leaving = account,
            Err(rejection) => return Ok(Err(rejection)),
        }
    }
    let done = finish(working, course, decision, |working, course| {
        let (Some(sent), Some(order)) = (sent, working.shop().orders.get(&wish.order).cloned()) else {
            return Err(lost(wish.order));
        };
        working.load_orders(&[wish.order])?;
        let view = promise::order_view(working.shop(), &order, course.now);
        let lines = sent.lines.into_iter().filter_map(|step| {
            let line = order.line(step.line)?;
            Some(ShipmentLineView {
                line: LineId { order: order.id, no: line.no },
                sku: line.sku.clone(),
                quantity: step.quantity,
                open: line.open(),
                from: step.from,
            })
        });
        Ok(Answer::Shipped(ShipmentView {
            order: order.id,
            reference: order.reference.clone(),
            state: view.state,
            tracking: sent.tracking,
            carrier: sent.carrier,
            tracking_url: sent.tracking_url,
            shipped_at: sent.shipped_at,
            lines: lines.collect(),
        }))
    })?;
    if let Some(leaving) = leaving {
        leaving.write(working, course)?;
    }
    Ok(done)
}

fn orders_of(lines: impl Iterator<Item = LineId>) -> Vec<OrderId> {
    let mut orders: Vec<OrderId> = lines.map(|line| line.order).collect();
    orders.sort_unstable();
    orders.dedup();
    orders
}

/// A line as it is shown now.
fn line_now(
    working: &mut Working<'_>,
    course: &Course,
    id: LineId,
) -> Result<model::view::LineView, Failure> {
    // It may have moved to pools that were not loaded with its order.
    working.load_orders(&[id.order])?;
    let order = working.shop().orders.get(&id.order).ok_or_else(|| lost(id))?;
    let view = promise::order_view(working.shop(), order, course.now);
    let at = order.lines.iter().position(|line| line.no == id.no).ok_or_else(|| lost(id))?;
    view.lines.into_iter().nth(at).ok_or_else(|| lost(id))
}
