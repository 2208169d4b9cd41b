//! Learns how late suppliers' goods come, and says so of what they are to send next.
//!
//! Each receipt is a ledger entry with what is known since, so replay knows the same. A supply gets what is known when it is
//! entered and when its date is changed; what was promised before stays as it is.

use ledger::Shelf;
use model::{
    command::{AddSupply, ChangeSupply},
    event::{Event, Noted},
    id::{SupplyId, TenantId},
    lateness::{FIRST_DATE, FirstDate, OF_ALL, RECEIPTS, Receipts, of_supplier},
    record::{Json, Record},
    supply::{Lateness, Supply, SupplyKind},
    time::{Date, Timestamp, days_since_epoch, local_date},
};
use promise::lateness::{RECEIPTS_MAX, after_new_date, learned};
use serde_json::json;

use crate::{after::Course, answer::Failure, working::Working};

/// Whether a supply is one that a supplier sends.
fn is_sent(supply: &Supply) -> bool {
    matches!(supply.kind, SupplyKind::PurchaseOrder | SupplyKind::ProductionRun) && supply.supplier.is_some()
}

fn receipts(working: &mut Working<'_>, id: &str) -> Result<Receipts, Failure> {
    match working.record(RECEIPTS, id)? {
        Some(record) => Ok(record.read()?.unwrap_or_default()),
        None => Ok(Receipts::default()),
    }
}

/// What is known of a supplier; `None`: too little.
fn known(working: &mut Working<'_>, supplier: &str) -> Result<Option<Lateness>, Failure> {
    let own = receipts(working, &of_supplier(supplier))?;
    let all = receipts(working, OF_ALL)?;
    Ok(learned(&own.days(), &all.days()))
}

/// Says of a supply that is entered how late such supplies come, unless a buffer was set for it.
pub(crate) fn entered(
    working: &mut Working<'_>,
    wish: &AddSupply,
    events: &mut [Event],
) -> Result<(), Failure> {
    for event in events {
        let Event::SupplyAdded(supply) = event else { continue };
        if wish.promise_buffer_days.is_some() || !is_sent(supply) {
            continue;
        }
        let Some(supplier) = supply.supplier.clone() else { continue };
        if let Some(lateness) = known(working, &supplier)? {
            supply.lateness = lateness;
        }
    }
    Ok(())
}

/// The same of a supply whose date is changed: it counts from the date that was first given. Answers the entry that keeps that date.
pub(crate) fn date_changed(
    working: &mut Working<'_>,
    wish: &ChangeSupply,
    supply: &Supply,
    events: &mut Vec<Event>,
) -> Result<(), Failure> {
    let Some(before) = supply.expected_on else { return Ok(()) };
    if wish.expected_on.is_none_or(|date| date == Some(before)) || !is_sent(supply) {
        return Ok(());
    }
    let first = first_date(working, supply.id)?;
    if let (Some(Some(new)), Some(supplier)) = (wish.expected_on, &supply.supplier)
        && supply.lateness.learned_from > 0
    {
        let known = known(working, supplier)?.unwrap_or(supply.lateness);
        for event in events.iter_mut() {
            if let Event::SupplyChanged(change) = event {
                change.lateness = after_new_date(known, first.unwrap_or(before), new);
            }
        }
    }
    if first.is_none() {
        let id = supply.id.to_string();
        let record = Record::new(FIRST_DATE, &id, &FirstDate { date: before })?;
        let data = Json::of(&json!({ "supply": supply.id, "first_date": before }))?;
        let noted = Noted { sku: Some(supply.sku.clone()), order: None, data, records: vec![record] };
        events.push(Event::RecordsSet(noted));
    }
    Ok(())
}

fn first_date(working: &mut Working<'_>, supply: SupplyId) -> Result<Option<Date>, Failure> {
    let Some(record) = working.record(FIRST_DATE, &supply.to_string())? else { return Ok(None) };
    Ok(record.read::<FirstDate>()?.map(|first| first.date))
}

/// Learns from goods that came: the first of a supply say when it did.
pub(crate) fn came(
    working: &mut Working<'_>,
    course: &Course,
    supply: &Supply,
    received_at: Timestamp,
) -> Result<(), Failure> {
    let Some(supplier) = supply.supplier.as_deref().filter(|_| is_sent(supply)) else { return Ok(()) };
    let first = first_date(working, supply.id)?;
    let Some(first) = first.or(supply.expected_on) else { return Ok(()) };
    let Some(place) = working.shop().locations.get(&supply.location) else { return Ok(()) };
    let late = days_since_epoch(local_date(received_at, &place.time_zone)) - days_since_epoch(first);
    let mut own = receipts(working, &of_supplier(supplier))?;
    if own.came.iter().any(|(known, _)| *known == supply.id) {
        return Ok(());
    }
    own.add(supply.id, late, RECEIPTS_MAX);
    let mut all = receipts(working, OF_ALL)?;
    all.add(supply.id, late, RECEIPTS_MAX);
    let known = learned(&own.days(), &all.days());
    let data = json!({
        "supplier": supplier, "supply": supply.id, "late_days": late, "receipts": own.came.len(), "lateness": known,
    });
    let records =
        vec![Record::new(RECEIPTS, &of_supplier(supplier), &own)?, Record::new(RECEIPTS, OF_ALL, &all)?];
    let noted = Noted { sku: Some(supply.sku.clone()), order: None, data: Json::of(&data)?, records };
    working.apply(course.now, vec![Event::LatenessLearned(noted)])
}

/// Forgets a receipt that is undone.
pub(crate) fn undone(working: &mut Working<'_>, course: &Course, supply: &Supply) -> Result<(), Failure> {
    let Some(supplier) = supply.supplier.as_deref().filter(|_| is_sent(supply)) else { return Ok(()) };
    let mut records = Vec::new();
    for id in [&*of_supplier(supplier), OF_ALL] {
        let mut kept = receipts(working, id)?;
        let before = kept.came.len();
        kept.came.retain(|(known, _)| *known != supply.id);
        if kept.came.len() < before {
            records.push(Record::new(RECEIPTS, id, &kept)?);
        }
    }
    if records.is_empty() {
        return Ok(());
    }
    let data = Json::of(&json!({ "supplier": supplier, "supply": supply.id, "undone": true }))?;
    let noted = Noted { sku: Some(supply.sku.clone()), order: None, data, records };
    working.apply(course.now, vec![Event::LatenessLearned(noted)])
}

/// The records that what a change of a supply does rests on, for a copy of the shop.
pub(crate) fn records_of(
    store: &mut dyn ledger::Read,
    tenant: &TenantId,
    supply: &Supply,
) -> Result<Vec<Record>, ledger::StoreError> {
    let id = supply.id.to_string();
    let mut records = store.records(tenant, Shelf::Ledger, FIRST_DATE, &[&id])?;
    if let Some(supplier) = &supply.supplier {
        records.extend(store.records(tenant, Shelf::Ledger, RECEIPTS, &[&of_supplier(supplier), OF_ALL])?);
    }
    Ok(records)
}
