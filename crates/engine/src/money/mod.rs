//! The money of orders: accounts are opened, follow what becomes of the goods, and are settled by hand or by a provider.
//!
//! Rules stand in [`obligation::payment`]. Here each happening is decided on the stored account, its entries applied, what the
//! manual provider would say answered at once, and the whole written down as events that carry the account.

mod book;
pub(crate) mod errands;
mod fee;
mod hand;
pub(crate) mod method;
pub(crate) mod prepaid;

use std::collections::BTreeMap;

use ledger::{Read, RecordFilter, Shelf};
use model::{
    Units,
    command::{CancelOrder, Release},
    event::{Event, Noted, Shipped},
    id::{LineId, OrderId, TenantId},
    order::{Order, ShipChoice},
    record::{Json, Record},
    refusal::{Refusal, RefusalCode, Rejection},
};
use obligation::payment::{
    Account, ChargeState, Happening, ShipmentState,
    kept::{ACCOUNT, Kept, Terms, terms},
    schedule,
};
use serde_json::json;

use crate::{
    after::{Course, follow},
    answer::Failure,
    working::Working,
};
use book::Book;
pub(crate) use fee::charge as charge_shipping;
pub(crate) use hand::pay;
use hand::said;

/// Whether a tenant has any account, so that nothing is looked for where nobody keeps any.
pub(crate) fn has_any(store: &mut (impl Read + ?Sized), tenant: &TenantId) -> Result<bool, Failure> {
    let first = store.record_page(tenant, Shelf::Ledger, ACCOUNT, &RecordFilter::default(), (None, 1))?;
    Ok(!first.is_empty())
}

/// What was paid for units of these lines that have not left, in minor units; lines without an account are left out.
///
/// The lines stand in the order of their ids.
pub(crate) fn paid_ahead(
    working: &mut Working<'_>,
    lines: &[LineId],
) -> Result<BTreeMap<LineId, i64>, Failure> {
    const PAGE: usize = 500;
    let mut paid = BTreeMap::new();
    if !working.state.has_accounts {
        return Ok(paid);
    }
    let of_orders: Vec<&[LineId]> = lines.chunk_by(|a, b| a.order == b.order).collect();
    for page in of_orders.chunks(PAGE) {
        let ids: Vec<String> = page.iter().map(|lines| lines[0].order.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let tenant = working.tenant;
        let records = working.store_of(ACCOUNT)?.records(tenant, Shelf::Ledger, ACCOUNT, &ids)?;
        let records: BTreeMap<&str, &Record> = records.iter().map(|record| (&*record.id, record)).collect();
        for (lines, id) in page.iter().zip(ids) {
            let Some(kept) = records.get(id).map(|record| record.read::<Kept>()).transpose()?.flatten()
            else {
                continue;
            };
            paid.extend(lines.iter().map(|line| (*line, kept.account.prepayment_of(line.no))));
        }
    }
    Ok(paid)
}

/// Whether the policies of an order's lines ask for an account.
pub(crate) fn is_asked_for(
    working: &Working<'_>,
    channel: &model::id::Channel,
    skus: &[&model::id::Sku],
) -> bool {
    skus.iter().any(|sku| {
        let set = working.pool(sku).and_then(|pool| pool.policy_for(channel));
        set.is_some_and(|policy| policy.payment.is_some())
    })
}

/// Opens the account of an order that was placed, and asks for what is due at once.
pub(crate) fn open(working: &mut Working<'_>, course: &mut Course, order: OrderId) -> Result<(), Failure> {
    let Some(order) = working.shop().orders.get(&order).cloned() else { return Ok(()) };
    let Ok(kept) = fresh(working, &order) else { return Ok(()) };
    let Some((kept, lines)) = kept else { return Ok(()) };
    working.state.has_accounts = true;
    let mut book = Book::of(working, order.id, kept);
    match book.happen(course.now, &Happening::Ordered { lines }) {
        Ok(()) => {
            // On what terms it was bought, as the checkout and the confirmation say them: by line, how much is taken when.
            let account = &book.kept.account;
            book.opened = Some(json!({
                "provider": &book.kept.provider, "currency": account.currency, "agreed": schedule(account),
                "cancel": "until_shipped",
            }));
            book.write(working, course)
        }
        // A sum beyond all numbers: the order stands, on an invoice that nobody can add up.
        Err(_) => Ok(()),
    }
}

/// An empty account of an order and the lines it is to have; `None`: no line has a price.
fn fresh(
    working: &Working<'_>,
    order: &Order,
) -> Result<Option<(Kept, Vec<obligation::payment::NewLine>)>, obligation::payment::kept::NoAccount> {
    let Terms { currency, provider, lines } = terms(order, |sku| working.pool(sku))?;
    Ok(currency.map(|currency| {
        (Kept { provider, account: Account::new(currency), counted: true, refund_by: BTreeMap::new() }, lines)
    }))
}

/// Calls off units that were not paid: the account knows already.
fn call_off(
    working: &mut Working<'_>,
    course: &mut Course,
    order: OrderId,
    unpaid: Vec<(u16, Units)>,
) -> Result<(), Failure> {
    if unpaid.is_empty() {
        return Ok(());
    }
    working.load_orders(&[order])?;
    // Whoever does not pay the shipping gives up the place; the account does not know of these lines yet.
    let by_fee = unpaid.iter().any(|(no, _)| fee::is_fee(*no));
    let lines = if by_fee {
        fee::all_open(working, order).into_iter().map(|(line, units)| (line, Some(units))).collect()
    } else {
        unpaid.into_iter().map(|(no, units)| (LineId { order, no }, Some(units))).collect::<Vec<_>>()
    };
    if lines.is_empty() {
        return Ok(());
    }
    let wish = CancelOrder {
        order,
        lines,
        reason: Some("not paid in time".into()),
        placed_by: None,
        by_customer: false,
    };
    let events = match promise::cancel_order(course.next(working), &wish) {
        Ok(events) => events,
        Err(rejection) => {
            // Nothing unpaid is handed over, so nobody can have it; if somebody has, the account says what is owed.
            tracing::error!(%order, ?rejection, "units that were not paid cannot be called off");
            return Ok(());
        }
    };
    working.state.paying = !by_fee;
    let done = follow(working, course, &events);
    working.state.paying = false;
    done
}

/// What cancelled units mean for the money.
pub(crate) fn cancelled(
    working: &mut Working<'_>,
    course: &mut Course,
    events: &[Event],
) -> Result<(), Failure> {
    if !working.state.has_accounts || working.state.paying {
        return Ok(());
    }
    for event in events {
        let Event::LineCancelled(cancelled) = event else { continue };
        let Some(mut book) = Book::read(working, cancelled.line.order)? else { continue };
        let happening = Happening::UnitsCancelled { line: cancelled.line.no, units: cancelled.quantity };
        if book.happen(course.now, &happening).is_ok() {
            let order = working.shop().orders.get(&cancelled.line.order).cloned();
            fee::end_with(&mut book, course, order.as_deref());
            book.write(working, course)?;
        }
    }
    Ok(())
}

/// Balances that are counted from the promised date move with it.
pub(crate) fn promises_moved(
    working: &mut Working<'_>,
    course: &mut Course,
    events: &[Event],
) -> Result<(), Failure> {
    if !working.state.has_accounts {
        return Ok(());
    }
    for event in events {
        let Event::PromiseGiven(given) = event else { continue };
        let Some(mut book) = Book::read(working, given.order)? else { continue };
        let mut moved = false;
        for promised in &given.promises {
            let ship_by = promised.promise.ship_by.promised;
            let line = book.kept.account.lines.get(&promised.line);
            // Others are due at once or with the goods.
            if line.is_none_or(|line| line.plan.balance_on(ship_by) == line.plan.balance_on(line.ship_by)) {
                continue;
            }
            let happening = Happening::PromiseMoved { line: promised.line, ship_by };
            moved |= book.happen(course.now, &happening).is_ok();
        }
        if moved {
            book.write(working, course)?;
        }
    }
    Ok(())
}

/// Of lines that could be handed over, those of which the units that are here are paid, or left on an invoice; what is due when
/// goods ship is asked for where these are not paid.
pub(crate) fn paid(
    working: &mut Working<'_>,
    course: &mut Course,
    wish: &Release,
) -> Result<Vec<LineId>, Failure> {
    let lines = &wish.lines;
    if !working.state.has_accounts {
        return Ok(lines.clone());
    }
    let mut paid = Vec::with_capacity(lines.len());
    let mut at = 0;
    while at < lines.len() {
        let order = lines[at].order;
        let end = lines[at..].iter().position(|line| line.order != order).map_or(lines.len(), |n| at + n);
        let named = &lines[at..end];
        at = end;
        let Some(mut book) = Book::read(working, order)? else {
            paid.extend(named);
            continue;
        };
        let Some(here) = here(working, course, wish, order, named) else {
            // Whatever is wrong is said by who hands over.
            paid.extend(named);
            continue;
        };
        let unpaid: Vec<(u16, Units)> =
            here.iter().copied().filter(|(no, units)| book.kept.account.lacks(*no, *units) > 0).collect();
        // The shipping is paid before anything goes.
        if fee::is_unpaid(&book.kept.account) {
            continue;
        }
        // What is sent together is paid together.
        let is_complete =
            working.shop().orders.get(&order).is_some_and(|order| order.ship == ShipChoice::Complete);
        if unpaid.is_empty() || !is_complete {
            let is_unpaid = |line: &LineId| unpaid.iter().any(|(no, _)| *no == line.no);
            paid.extend(named.iter().copied().filter(|line| !is_unpaid(line)));
        }
        for (no, units) in unpaid {
            // Where it is asked for or stopped already, somebody is at it. What is set aside, people capture by hand.
            let set_aside = || {
                let account = &book.kept.account;
                account.charges.values().any(|charge| {
                    matches!(charge.state, ChargeState::Authorised { .. })
                        && charge.parts.iter().any(|part| part.line == no)
                })
            };
            if book.kept.is_manual() && set_aside() {
                continue;
            }
            let _ = book.happen(course.now, &Happening::GoodsReady { line: no, units });
        }
        book.write(working, course)?;
    }
    Ok(paid)
}

/// Units of an order's lines that would be with fulfilment after a release: those that are, and those that are here. `None`: it
/// would be refused.
fn here(
    working: &Working<'_>,
    course: &Course,
    wish: &Release,
    order: OrderId,
    named: &[LineId],
) -> Option<Vec<(u16, Units)>> {
    let set = course.setting(working);
    let at = promise::Handover::new(set, &wish.location, wish.carrier_cutoff).ok()?;
    let order = set.shop.orders.get(&order)?;
    let ready = promise::ready(set.shop, order, &at, |no| named.iter().any(|line| line.no == no));
    let with = |no: u16| order.line(no).map_or(0, model::order::Line::with_fulfilment);
    Some(ready.into_iter().map(|line| (line.line, with(line.line) + line.quantity)).collect())
}

/// Goods that leave: what was paid for them is earned. `Ok(Err(_))`: they are not paid, and must not leave.
pub(crate) fn shipped(
    working: &mut Working<'_>,
    course: &mut Course,
    shipped: &Shipped,
) -> Result<Result<Option<Leaving>, Rejection>, Failure> {
    let Some(mut book) = Book::read(working, shipped.order)? else { return Ok(Ok(None)) };
    let shipment = book.kept.account.shipments.keys().last().map_or(1, |last| last + 1);
    let mut parts: Vec<(u16, Units)> = shipped.lines.iter().map(|line| (line.line, line.quantity)).collect();
    // The shipping that was charged for is earned with the first parcel.
    parts.extend(fee::open(&book.kept.account));
    let ready = book.happen(course.now, &Happening::ShipmentReady { shipment, parts });
    let is_paid = book
        .kept
        .account
        .shipments
        .get(&shipment)
        .is_some_and(|shipment| shipment.state == ShipmentState::Paid);
    if let Err(refusal) = ready {
        return Ok(Err(said(&refusal)));
    }
    if !is_paid {
        let detail =
            format!("units of {} are not paid: ask for the money, or write down what came", shipped.order);
        return Ok(Err(Refusal::new(RefusalCode::PaymentDue, detail).into()));
    }
    match book.happen(course.now, &Happening::ShipmentLeft { shipment }) {
        Ok(()) => Ok(Ok(Some(Leaving(book)))),
        Err(refusal) => Ok(Err(said(&refusal))),
    }
}

/// An account of which goods leave, to be written when they do.
pub(crate) struct Leaving(Book);

impl Leaving {
    pub(crate) fn write(self, working: &mut Working<'_>, course: &mut Course) -> Result<(), Failure> {
        self.0.write(working, course)
    }
}

/// An account at which time alone has something to do.
pub(crate) fn time_passed(
    working: &mut Working<'_>,
    course: &mut Course,
    record: &Record,
) -> Result<(), Failure> {
    let Ok(order) = record.id.parse::<OrderId>() else {
        return Err(Failure::Defect(format!("{} is no order", record.id).into()));
    };
    let Some(mut book) = Book::read(working, order)? else { return Ok(()) };
    if book.happen(course.now, &Happening::TimePassed).is_err() || book.entries.is_empty() {
        let record = book.record(course.now)?;
        let data = Json::of(&json!({}))?;
        let noted = Noted { sku: None, order: Some(order), data, records: vec![record] };
        return working.apply(course.now, vec![Event::RecordsSet(noted)]);
    }
    book.write(working, course)
}
