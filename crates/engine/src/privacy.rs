//! Forgetting who somebody is.
//!
//! The ledger never knew: it has a salted hash of the address. So what goes are contacts, mails, words written to or by that person
//! and places on waitlists; orders, promises, consents and money stay as they were, of somebody who can no longer be named.

use std::sync::Arc;

use ledger::{OrderFilter, RecordFilter, Shelf};
use model::{
    event::{Event, Noted},
    id::{CustomerKey, OrderId, WaitId},
    parcel::{PARCEL, Parcel},
    record::{Json, Record},
    refusal::{Refusal, RefusalCode},
    shortfall::CARE,
    talk::MESSAGE,
    waitlist::{WAITING, Wait, WaitState},
};
use serde_json::json;

use crate::{
    after::Course,
    answer::{Answer, Failure},
    execute::Outcome,
    notices::{ADDRESS, MAIL, WORDS},
    waitlist, words,
    working::Working,
};

/// Most orders of one person that are forgotten at once.
const ORDERS_MAX: usize = 10_000;
const PAGE: usize = 500;
/// Private records about an order.
const OF_ORDER: [&str; 4] = [MAIL, WORDS, MESSAGE, CARE];

/// Erases who a customer is. What was erased before is erased still: asked again, it answers with less.
pub(crate) fn erase(working: &mut Working<'_>, course: &mut Course, customer: CustomerKey) -> Outcome {
    let Some(orders) = orders_of(working, customer)? else {
        let detail = format!("more than {ORDERS_MAX} orders are of one customer");
        return Ok(Err(Refusal::new(RefusalCode::TooManyLines, detail).into()));
    };
    let (mut gone, mut parcels) = (Vec::new(), Vec::new());
    let (mut named, mut names): (usize, Vec<Arc<str>>) = (0, Vec::new());
    for order in &orders {
        let tenant = working.tenant;
        let contact = working.store()?.contact(tenant, *order)?.unwrap_or_default();
        let known = !contact.is_empty();
        names.extend(contact.email);
        // A first name alone is half the town's.
        names.extend(contact.name.filter(|name| name.trim().contains(' ')));
        named += usize::from(known);
        if known {
            working.forget_contact(*order);
        }
        let owner = order.to_string();
        for kind in OF_ORDER {
            gone.extend(owned(working, kind, &owner)?);
        }
        parcels.extend(unnamed(working, &owner)?);
    }
    gone.push(Record::gone(ADDRESS, &customer.to_string()));
    names.sort_unstable();
    names.dedup();
    gone.extend(words::that_name(working, &names)?);
    let waits = waits_of(working, customer)?;
    for wait in &waits {
        gone.extend(owned(working, MAIL, &wait.to_string())?);
        if let Err(kept) = waitlist::leave(working, course, *wait)? {
            return Err(Failure::Defect(format!("a place was not left: {kept:?}").into()));
        }
    }
    working.put_private(gone);
    let data = Json::of(&json!({ "erased": customer, "orders": named, "waitlist_places": waits.len() }))?;
    let noted = Noted { sku: None, order: None, data, records: parcels };
    working.apply(course.now, vec![Event::RecordsSet(noted)])?;
    Ok(Ok(Answer::Erased(named, waits.len())))
}

fn orders_of(working: &mut Working<'_>, customer: CustomerKey) -> Result<Option<Vec<OrderId>>, Failure> {
    let filter = OrderFilter { customer: Some(customer), ..OrderFilter::default() };
    let mut orders: Vec<OrderId> = Vec::new();
    loop {
        let tenant = working.tenant;
        let page = working.store()?.order_page(tenant, &filter, orders.last().copied(), PAGE)?;
        let is_last = page.len() < PAGE;
        orders.extend(page);
        if orders.len() > ORDERS_MAX {
            return Ok(None);
        }
        if is_last {
            return Ok(Some(orders));
        }
    }
}

/// Parcels of an order without their numbers, by which a carrier tells anybody the way to a person.
fn unnamed(working: &mut Working<'_>, order: &str) -> Result<Vec<Record>, Failure> {
    let filter = RecordFilter { owner: Some(order), state: None };
    let mut records = Vec::new();
    for record in working.record_page(Shelf::Ledger, PARCEL, &filter, (None, PAGE))? {
        let parcel: Option<Parcel> = record.read()?;
        if let Some(parcel) =
            parcel.filter(|parcel| parcel.tracking.is_some() || parcel.tracking_url.is_some())
        {
            records.push(Record { body: Some(Json::of(&parcel.unnamed())?), ..record });
        }
    }
    Ok(records)
}

/// The word that private records of an owner are gone.
fn owned(working: &mut Working<'_>, kind: &str, owner: &str) -> Result<Vec<Record>, Failure> {
    let filter = RecordFilter { owner: Some(owner), state: None };
    let found = working.record_page(Shelf::Private, kind, &filter, (None, PAGE))?;
    Ok(found.iter().map(|record| Record::gone(kind, &record.id)).collect())
}

/// Places on waitlists on which somebody stands.
fn waits_of(working: &mut Working<'_>, customer: CustomerKey) -> Result<Vec<WaitId>, Failure> {
    let mut waits = Vec::new();
    for state in [WaitState::Waiting, WaitState::Invited] {
        let filter = RecordFilter { owner: None, state: Some(state.as_str()) };
        let mut after: Option<Arc<str>> = None;
        loop {
            let page = working.record_page(Shelf::Ledger, WAITING, &filter, (after.as_deref(), PAGE))?;
            for record in &page {
                let wait: Option<Wait> = record.read()?;
                waits.extend(wait.filter(|wait| wait.customer == customer).map(|wait| wait.id));
            }
            match page.last().filter(|_| page.len() == PAGE) {
                Some(last) => after = Some(Arc::clone(&last.id)),
                None => break,
            }
        }
    }
    Ok(waits)
}
