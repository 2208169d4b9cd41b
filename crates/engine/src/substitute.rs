//! Something else in the place of units that cannot come in time.

use std::sync::Arc;

use model::{
    command::{Accept, AskLine, CancelOrder, PlaceOrder, Substitute},
    id::OrderId,
    refusal::{FieldError, Refusal, RefusalCode, Rejection},
};

use crate::{
    after::Course,
    answer::Failure,
    execute::{Outcome, call_off, place_order},
    talk::Why,
    working::Working,
};

/// Calls units of a line off and orders the other for the same customer; the answer is the new order. Refused as an order would
/// be, and as a cancel would be: then nothing is done.
pub(crate) fn substitute(
    working: &mut Working<'_>,
    course: &mut Course,
    wish: &Substitute,
    id: OrderId,
) -> Outcome {
    let from = wish.line.order;
    working.load_orders(&[from])?;
    working.load_pools([&wish.sku].into_iter())?;
    let Some(order) = working.shop().orders.get(&from).cloned() else {
        return Ok(Err(Rejection::not_found("order", from)));
    };
    let Some(line) = order.line(wish.line.no) else {
        return Ok(Err(Rejection::not_found("line", wish.line)));
    };
    let Some(pool) = working.pool(&wish.sku) else {
        let detail = format!("there is no sku {:?}", wish.sku.as_str());
        return Ok(Err(Rejection::Invalid(vec![FieldError::new("/sku", "unknown_sku", detail)])));
    };
    if wish.sku == line.sku {
        return Ok(Err(Rejection::field("/sku", "contradiction", "is what was ordered")));
    }
    let can = line.open() - line.with_fulfilment();
    if wish.quantity > can {
        let detail = format!("{can} units of {} can be called off, not {}", wish.line, wish.quantity);
        return Ok(Err(Refusal::new(RefusalCode::AlreadyShipped, detail).into()));
    }
    // Nobody pays more for what was not asked for.
    let old = line.unit_price.or_else(|| working.pool(&line.sku)?.item.price);
    let cheaper = old.filter(|old| {
        pool.item.price.is_none_or(|new| new.currency == old.currency && old.amount < new.amount)
    });
    let unit_price = wish.unit_price.or(cheaper);
    let tenant = working.tenant;
    let contact = working.store()?.contact(tenant, from)?.unwrap_or_default();
    let instead = PlaceOrder {
        reference: order.reference.as_ref().map(|reference| format!("{reference} instead").into()),
        channel: order.channel.clone(),
        hold: None,
        customer: order.customer,
        contact,
        group: order.group.clone(),
        country: order.country.clone(),
        ship: order.ship,
        not_later_than: order.not_later_than,
        requested_date: order.requested_date,
        accept: Accept::All,
        placed_by: order.placed_by.clone(),
        already_owed: false,
        lines: vec![AskLine { sku: wish.sku.clone(), quantity: wish.quantity, unit_price }],
    };
    let placed = match place_order(working, course, &instead, id)? {
        Ok(placed) => placed,
        Err(rejection) => return Ok(Err(rejection)),
    };
    Why::new(wish.reason.as_ref(), false).keep(working, course, wish.line.order)?;
    let reason: Arc<str> = format!("{} comes instead", wish.sku).into();
    course.next(working);
    let cancel = CancelOrder {
        order: from,
        lines: vec![(wish.line, Some(wish.quantity))],
        reason: Some(reason),
        placed_by: None,
        // The confirmation of the new order tells it.
        by_customer: true,
    };
    match call_off(working, course, &cancel)? {
        Ok(_) => Ok(Ok(placed)),
        Err(rejection) => {
            Err(Failure::Defect(format!("units that are open were not called off: {rejection:?}").into()))
        }
    }
}
