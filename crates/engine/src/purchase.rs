//! Orders to suppliers: what is sent is due, and what is called off is due no more.

use std::sync::Arc;

use model::{
    command::{AddSupply, CancelSupply},
    event::{Event, Noted},
    id::{Sku, SupplyId},
    purchasing::{CancelPurchase, PURCHASE_ORDER, PurchaseOrder, SendPurchase},
    record::{Json, Record},
    refusal::{Refusal, RefusalCode, Rejection},
    supply::{SupplyKind, SupplyState},
};

use crate::{
    after::{Course, follow},
    answer::{Answer, Failure},
    execute::Outcome,
    lateness,
    notices::{MAIL, mail_state, purchase_mail_id},
    undo,
    working::Working,
};

fn read(working: &mut Working<'_>, id: &str) -> Result<Option<PurchaseOrder>, Failure> {
    let record = working.record(PURCHASE_ORDER, id)?;
    Ok(record.map(|record| record.read()).transpose()?.flatten())
}

/// Sends a draft: a supply is entered for each line, all of them or none, and the mail is queued. An order that was sent is not sent
/// again.
///
/// Refusals: `already_cancelled`, and those of a supply.
pub(crate) fn send(working: &mut Working<'_>, course: &mut Course, wish: &SendPurchase) -> Outcome {
    let Some(mut order) = read(working, &wish.order)? else {
        return Ok(Err(Rejection::not_found("purchase order", &wish.order)));
    };
    match order.state() {
        "sent" => return Ok(Ok(Answer::Done)),
        "draft" => {}
        _ => return Ok(Err(called_off(&wish.order))),
    }
    working.load_pools(order.lines.iter().map(|line| &line.sku))?;
    let mut all: Vec<Vec<Event>> = Vec::with_capacity(order.lines.len());
    for line in &order.lines {
        let supply = AddSupply {
            sku: line.sku.clone(),
            location: wish.location.clone(),
            kind: SupplyKind::PurchaseOrder,
            quantity: line.quantity,
            expected_on: Some(order.expected_on),
            supplier: Some(Arc::clone(&order.supplier)),
            reference: Some(Arc::clone(&order.number)),
            promise_buffer_days: None,
        };
        // Each has an id of its own, by the step that it is.
        let mut events = match promise::add_supply(course.next(working), &supply) {
            Ok(events) => events,
            Err(rejection) => return Ok(Err(rejection)),
        };
        lateness::entered(working, &supply, &mut events)?;
        all.push(events);
    }
    order.supplies = all.iter().flatten().filter_map(entered).collect();
    for events in all {
        follow(working, course, &events)?;
    }
    order.sent_at = Some(course.now);
    order.location = Some(wish.location.clone());
    keep(working, course, &wish.order, &order)?;
    working.put_private(wish.mail.iter().cloned());
    Ok(Ok(Answer::Done))
}

fn entered(event: &Event) -> Option<SupplyId> {
    match event {
        Event::SupplyAdded(supply) => Some(supply.id),
        _ => None,
    }
}

fn called_off(id: &str) -> Rejection {
    Refusal::new(RefusalCode::AlreadyCancelled, format!("{id} was called off")).into()
}

/// Calls an order off: what has not come of it is due no more, each supply by a run that can be undone; a mail that has not left does not
/// leave. What came stays.
///
/// Refusals: `already_cancelled`, `already_received` where all of it came, `run_in_progress` while some of it is being booked in.
pub(crate) fn cancel(working: &mut Working<'_>, course: &mut Course, wish: &CancelPurchase) -> Outcome {
    let id = &*wish.order;
    let Some(mut order) = read(working, id)? else {
        return Ok(Err(Rejection::not_found("purchase order", id)));
    };
    if order.cancelled_at.is_some() {
        return Ok(Err(called_off(id)));
    }
    working.load_pools(order.lines.iter().map(|line| &line.sku))?;
    let mut due: Vec<(Sku, SupplyId)> = Vec::new();
    for (line, supply) in order.lines.iter().zip(&order.supplies) {
        if let Err(busy) = undo::check_is_at_rest(working, *supply)? {
            return Ok(Err(busy));
        }
        let found = working.pool(&line.sku).and_then(|pool| pool.supply(*supply));
        if found.is_some_and(|supply| supply.state == SupplyState::Due) {
            due.push((line.sku.clone(), *supply));
        }
    }
    if due.is_empty() && !order.supplies.is_empty() {
        let detail = format!("{id}: all of it has come, or was called off");
        return Ok(Err(Refusal::new(RefusalCode::AlreadyReceived, detail).into()));
    }
    for (sku, supply) in due {
        let begun = undo::begin(working, &sku, supply)?;
        let events = match promise::cancel_supply(course.next(working), &sku, &CancelSupply { supply }) {
            Ok(events) => events,
            Err(rejection) => {
                return Err(Failure::Defect(format!("{supply} is due and stays so: {rejection:?}").into()));
            }
        };
        follow(working, course, &events)?;
        undo::keep(working, course, begun, "supply_cancelled", (&[], false))?;
    }
    order.cancelled_at = Some(course.now);
    keep(working, course, id, &order)?;
    let mail = purchase_mail_id(id);
    if working.private(MAIL, &mail)?.is_some_and(|mail| &*mail.state == mail_state::QUEUED) {
        working.put_private([Record::gone(MAIL, &mail)]);
    }
    Ok(Ok(Answer::Done))
}

/// Writes down how an order stands.
fn keep(working: &mut Working<'_>, course: &Course, id: &str, order: &PurchaseOrder) -> Result<(), Failure> {
    let state = order.state();
    let record = Record {
        owner: Arc::clone(&order.supplier),
        state: state.into(),
        ..Record::new(PURCHASE_ORDER, id, order)?
    };
    let data = Json::of(&serde_json::json!({
        "purchase_order": id, "number": order.number, "state": state, "supplies": order.supplies,
    }))?;
    let noted = Noted { sku: None, order: None, data, records: vec![record] };
    working.apply(course.now, vec![Event::RecordsSet(noted)])
}
