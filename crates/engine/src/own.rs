//! What customers change of their own orders: where they are sent, as long as nobody packs them.

use model::{
    command::ChangeAddress,
    event::{Event, Noted},
    record::Json,
    refusal::{Refusal, RefusalCode, Rejection},
};
use serde_json::json;

use crate::{
    after::Course,
    execute::{Outcome, order_now},
    working::Working,
};

/// Sends an order to another name or address. It is locked from the moment on at which anything of it is with fulfilment; the
/// country stays, since price, dates and law hang on it.
pub(crate) fn change_address(working: &mut Working<'_>, course: &Course, wish: &ChangeAddress) -> Outcome {
    working.load_orders(&[wish.order])?;
    let Some(order) = working.shop().orders.get(&wish.order).cloned() else {
        return Ok(Err(Rejection::not_found("order", wish.order)));
    };
    if !order.is_open() {
        let detail = format!("nothing of {} is still to be sent", wish.order);
        return Ok(Err(Refusal::new(RefusalCode::AlreadyShipped, detail).into()));
    }
    if order.lines.iter().any(|line| line.with_fulfilment() > 0) {
        let detail = format!("{} is being packed: its address is locked", wish.order);
        return Ok(Err(Refusal::new(RefusalCode::Released, detail).into()));
    }
    let tenant = working.tenant;
    let before = working.store()?.contact(tenant, wish.order)?.unwrap_or_default();
    let mut contact = before.clone();
    for (field, given) in [
        (&mut contact.name, &wish.name),
        (&mut contact.address, &wish.address),
        (&mut contact.postcode, &wish.postcode),
    ] {
        if given.is_some() {
            field.clone_from(given);
        }
    }
    if contact != before {
        working.note_contact(wish.order, &contact);
        // That it changed and by whose word, not to what.
        let by = if wish.by_customer { "customer" } else { "shop" };
        let data = Json::of(&json!({ "changed": "address", "by": by }))?;
        let noted = Noted { sku: None, order: Some(wish.order), data, records: Vec::new() };
        working.apply(course.now, vec![Event::RecordsSet(noted)])?;
    }
    order_now(working, course, wish.order).map(Ok)
}
