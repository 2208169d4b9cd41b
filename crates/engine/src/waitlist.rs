//! Waitlists: who signed up is invited in turn when units are here that nobody waits for, each with units held for a while.

use std::collections::{BTreeMap, BTreeSet};

use ledger::{RecordFilter, Shelf, Write};
use model::{
    command::{AskLine, JoinWaitlist, PlaceHold},
    event::{Event, HoldGone, Noted},
    id::{HoldId, Sku, TenantId, WaitId},
    order::Hold,
    record::{Json, Record},
    refusal::{Refusal, RefusalCode, Rejection},
    waitlist::{INVITATION, PLACE, Place, WAITING, Wait, WaitState, Waiter},
};
use serde_json::json;

use crate::{
    after::{Course, Rest, go_on_or_end},
    answer::{Answer, Failure},
    execute::{Outcome, free_hold},
    notices,
    working::Working,
};

/// For how long units are held for somebody who is invited: a day.
pub const INVITED_S: i64 = 86_400;
/// Most places of one list looked at in one step.
const PLACES_A_STEP: usize = 200;
/// Places read at once when a tenant is loaded.
const PAGE: usize = 2_000;

/// SKUs with somebody waiting, by the pool whose units they wait for: a kit's are its components'.
pub(crate) type Waitlisted = BTreeMap<Sku, BTreeSet<Sku>>;

/// Reads which SKUs somebody waits for, or is invited to.
pub(crate) fn load(store: &mut dyn Write, tenant: &TenantId) -> Result<Waitlisted, Failure> {
    let mut skus: BTreeSet<Sku> = BTreeSet::new();
    for state in [WaitState::Waiting, WaitState::Invited] {
        let filter = RecordFilter { state: Some(state.as_str()), ..RecordFilter::default() };
        let mut after: Option<String> = None;
        loop {
            let from = (after.as_deref(), PAGE);
            let page = store.record_page(tenant, Shelf::Ledger, WAITING, &filter, from)?;
            skus.extend(page.iter().map(|record| Sku::stored(&record.owner)));
            match page.last().filter(|_| page.len() == PAGE) {
                Some(last) => after = Some(last.id.to_string()),
                None => break,
            }
        }
    }
    let skus: Vec<Sku> = skus.into_iter().collect();
    let mut waitlisted = Waitlisted::new();
    for pool in store.pools(tenant, &skus)? {
        list(&mut waitlisted, &pool);
    }
    Ok(waitlisted)
}

fn list(waitlisted: &mut Waitlisted, pool: &model::pool::Pool) {
    let of = pool.item.components.iter().map(|part| &part.sku).chain([pool.sku()]);
    for sku in of {
        waitlisted.entry(sku.clone()).or_default().insert(pool.sku().clone());
    }
}

/// Signs somebody up; whoever is on the list already keeps the place, with the new quantity.
pub(crate) fn join(working: &mut Working<'_>, course: &mut Course, wish: &JoinWaitlist) -> Outcome {
    working.load_pools([&wish.sku].into_iter())?;
    let Some(pool) = working.pool(&wish.sku).cloned() else {
        let detail = format!("there is no sku {:?}", wish.sku.as_str());
        return Ok(Err(Rejection::field("/sku", "unknown_sku", detail)));
    };
    let place = format!("{}/{}", wish.sku, hex(&wish.customer.0));
    let known = match working.record(PLACE, &place)? {
        Some(record) => record.read::<Place>()?.map(|place| place.id),
        None => None,
    };
    let before = match known {
        Some(id) => read(working, id)?.filter(|wait| wait.state == WaitState::Waiting),
        None => None,
    };
    let is_new = before.is_none();
    let wait = match before {
        Some(before) => Wait { quantity: wish.quantity, ..before },
        None => Wait {
            id: WaitId(course.setting(working).command),
            sku: wish.sku.clone(),
            quantity: wish.quantity,
            channel: wish.channel.clone(),
            country: wish.country.clone(),
            customer: wish.customer,
            state: WaitState::Waiting,
            joined_at: course.now,
            hold: None,
            until: None,
        },
    };
    let id = wait.id.to_string();
    let mut records = vec![record(&wait)?];
    if is_new {
        records.push(Record::new(PLACE, &place, &Place { id: wait.id })?);
    }
    let who = Waiter { email: wish.email.clone(), locale: wish.locale.clone() };
    let event = Event::WaitlistJoined(noted(&wait, records)?);
    working.note(course.now, event, [Record::new(WAITING, &id, &who)?])?;
    list(&mut working.state.waitlisted, &pool);
    invite(working, course, &wish.sku, (None, None))?;
    let wait = read(working, wait.id)?.unwrap_or(wait);
    Ok(Ok(Answer::Waiting(wait, is_new)))
}

/// Takes somebody off a list, and gives back what was held for them.
pub(crate) fn leave(working: &mut Working<'_>, course: &mut Course, id: WaitId) -> Outcome {
    let Some(wait) = read(working, id)? else { return Ok(Err(Rejection::not_found("waitlist place", id))) };
    match wait.state {
        WaitState::Waiting => end(working, course, &wait, WaitState::Left)?,
        WaitState::Invited => {
            end(working, course, &wait, WaitState::Left)?;
            if let Some(hold) = wait.hold {
                working.load_hold(hold)?;
                if working.shop().holds.contains_key(&hold) {
                    free_hold(working, course, Event::HoldReleased(HoldGone { hold }), hold)?;
                }
            }
        }
        // Asked twice, or too late: nobody waits any more, and that is what was wanted.
        WaitState::Left | WaitState::Lapsed => {}
        WaitState::Bought => {
            let detail = format!("the order of {id} is placed; cancel it instead");
            return Ok(Err(Refusal::new(RefusalCode::NotAvailable, detail).into()));
        }
    }
    let wait = read(working, id)?.unwrap_or(wait);
    Ok(Ok(Answer::Waiting(wait, false)))
}

/// What becomes of an invitation when its hold is gone: used by an order, or given back.
pub(crate) fn hold_gone(
    working: &mut Working<'_>,
    course: &mut Course,
    hold: HoldId,
    became: WaitState,
) -> Result<(), Failure> {
    if working.state.waitlisted.is_empty() {
        return Ok(());
    }
    let Some(invitation) = working.record(INVITATION, &hold.to_string())? else { return Ok(()) };
    let Some(Place { id }) = invitation.read()? else { return Ok(()) };
    match read(working, id)? {
        Some(wait) if wait.state == WaitState::Invited => end(working, course, &wait, became),
        _ => Ok(()),
    }
}

/// Invites whoever waits for units of a pool, first come first, as far as what is here goes.
///
/// Whoever wants more than is left is passed over and keeps the place. While lines of the pool still move up, nobody is
/// invited.
pub(crate) fn invite_all(working: &mut Working<'_>, course: &mut Course, pool: &Sku) -> Result<(), Failure> {
    let Some(listed) = working.state.waitlisted.get(pool).cloned() else { return Ok(()) };
    for sku in listed {
        invite(working, course, &sku, (None, None))?;
    }
    Ok(())
}

/// The same for one list, from behind a place; the rest of a long list is left as work.
pub(crate) fn invite(
    working: &mut Working<'_>,
    course: &mut Course,
    sku: &Sku,
    (after, work): (Option<WaitId>, Option<i64>),
) -> Result<(), Failure> {
    working.load_pools([sku].into_iter())?;
    let filter = RecordFilter { owner: Some(sku.as_str()), state: Some(WaitState::Waiting.as_str()) };
    let from = after.map(|id| id.to_string());
    let mut page = Vec::new();
    if something_is_free(working, sku) {
        page = working.record_page(Shelf::Ledger, WAITING, &filter, (from.as_deref(), PLACES_A_STEP))?;
    }
    let mut last = None;
    for record in &page {
        let Some(wait) = record.read::<Wait>()? else { continue };
        last = Some(wait.id);
        if !something_is_free(working, sku) {
            last = None;
            break;
        }
        hold_for(working, course, wait)?;
    }
    let rest = last.filter(|_| page.len() == PLACES_A_STEP);
    let rest = rest.map(|after| Rest::Invite { sku: sku.clone(), after, course: course.clone() });
    go_on_or_end(working, work, rest).map(drop)
}

/// Whether a unit of a SKU is here for newcomers.
fn something_is_free(working: &Working<'_>, sku: &Sku) -> bool {
    let Some(pool) = working.pool(sku) else { return false };
    let free = |pool: &model::pool::Pool| {
        !pool.settling && pool.supplies.iter().any(|supply| supply.is_on_hand() && supply.free() > 0)
    };
    match pool.item.components.as_slice() {
        [] => free(pool),
        parts => parts.iter().all(|part| working.pool(&part.sku).is_some_and(free)),
    }
}

/// Holds units that are here for somebody who waits, if there are enough.
fn hold_for(working: &mut Working<'_>, course: &mut Course, wait: Wait) -> Result<(), Failure> {
    let wish = PlaceHold {
        channel: wait.channel.clone(),
        group: None,
        country: wait.country.clone(),
        ttl_seconds: INVITED_S,
        placed_by: None,
        lines: vec![AskLine { sku: wait.sku.clone(), quantity: wait.quantity, unit_price: None }],
    };
    let Ok(events) = promise::place_hold(course.next(working), &wish) else { return Ok(()) };
    let Some(hold) = events.iter().find_map(|event| match event {
        Event::HoldPlaced(hold) => Some(hold.clone()),
        _ => None,
    }) else {
        return Ok(());
    };
    if !is_here(working, &hold) {
        return Ok(());
    }
    working.apply(course.now, events)?;
    let wait = Wait { state: WaitState::Invited, hold: Some(hold.id), until: Some(hold.expires_at), ..wait };
    let found = Record::new(INVITATION, &hold.id.to_string(), &Place { id: wait.id })?;
    working.put_private([notices::invitation(wait.id, hold.id, course.now)?]);
    let event = Event::WaitlistInvited(noted(&wait, vec![record(&wait)?, found])?);
    working.apply(course.now, vec![event])
}

/// Whether every unit of a hold is on hand: nobody is invited to goods that are still to come.
fn is_here(working: &Working<'_>, hold: &Hold) -> bool {
    hold.lines.iter().flat_map(|line| &line.pegs).all(|peg| {
        let supply = working.pool(&peg.sku).and_then(|pool| pool.supply(peg.supply));
        supply.is_some_and(|supply| supply.is_on_hand())
    })
}

/// Ends a place: who it was is forgotten.
fn end(working: &mut Working<'_>, course: &Course, wait: &Wait, became: WaitState) -> Result<(), Failure> {
    let ended = Wait { state: became, ..wait.clone() };
    let place = format!("{}/{}", wait.sku, hex(&wait.customer.0));
    let mut records = vec![record(&ended)?, Record::gone(PLACE, &place)];
    records.extend(wait.hold.map(|hold| Record::gone(INVITATION, &hold.to_string())));
    let event = Event::WaitlistEnded(noted(&ended, records)?);
    working.note(course.now, event, [Record::gone(WAITING, &wait.id.to_string())])
}

fn read(working: &mut Working<'_>, id: WaitId) -> Result<Option<Wait>, Failure> {
    let Some(record) = working.record(WAITING, &id.to_string())? else { return Ok(None) };
    Ok(record.read()?)
}

fn record(wait: &Wait) -> Result<Record, Failure> {
    Ok(Record {
        owner: wait.sku.as_str().into(),
        state: wait.state.as_str().into(),
        ..Record::new(WAITING, &wait.id.to_string(), wait)?
    })
}

fn noted(wait: &Wait, records: Vec<Record>) -> Result<Noted, Failure> {
    let data = json!({
        "id": wait.id, "quantity": wait.quantity, "state": wait.state, "hold": wait.hold, "until": wait.until,
    });
    Ok(Noted { sku: Some(wait.sku.clone()), order: None, data: Json::of(&data)?, records })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
