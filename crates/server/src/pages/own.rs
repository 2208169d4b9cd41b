//! What customers do themselves on their order's page beside calling units off: another address while nobody packs it, what is
//! ready sent now, withdrawing from the contract. Only ever by a POST.

use std::{collections::BTreeSet, sync::Arc};

use axum::response::Response;
use engine::{
    Detail, Request,
    notices::{WITHDRAWAL, Withdrawal},
};
use ledger::{Read, Shelf};
use model::{
    command::{ChangeAddress, ChangeOrder, Command},
    id::{OrderId, TenantId},
    limits::NAME_CHARS_MAX,
    order::{Order, ShipChoice},
    refusal::{RefusalCode, Rejection},
    time::{Timestamp, Zone, days_since_epoch, local_date},
    view::{LineState, OrderView},
};
use obligation::legal::{Jurisdiction, Law};
use serde::Deserialize;

use super::{
    Ask,
    error::Fail,
    form::once_key,
    see_other,
    status::{self, Said},
};
use crate::api::ADDRESS_CHARS_MAX;

/// For how many days after the day that was promised for the delivery the page offers to withdraw: the law's fourteen from the day of
/// the delivery, which may have been later. After that a person decides.
const WITHDRAW_DAYS: i32 = 28;

/// The country that an order goes to, empty for none, while its address can still change. The address itself is not shown: whoever
/// has the link sees nothing of a person but the first name.
pub(super) fn to(order: &Order) -> Option<String> {
    let is_locked = !order.is_open() || order.lines.iter().any(|line| line.with_fulfilment() > 0);
    (!is_locked).then(|| order.country.as_deref().unwrap_or_default().to_owned())
}

/// Whether a part of an order that ships together is here while another is not, so that it could go now.
pub(super) fn can_ship_ready(view: &OrderView) -> bool {
    let open = || view.lines.iter().filter(|line| line.open > 0);
    let parts = || open().flat_map(|line| &line.parts);
    view.ship == ShipChoice::Complete
        && parts().any(|part| part.state == LineState::Allocated)
        && parts().any(|part| part.state != LineState::Allocated)
}

/// Whether a customer withdrew, or may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Withdrawing {
    /// Neither the law nor the day lets anybody.
    No,
    /// It is offered.
    May,
    /// Done at that moment.
    Done(String),
}

pub(super) fn withdrawing(
    reader: &mut dyn Read,
    tenant: &TenantId,
    (order, never): (&Order, &BTreeSet<u16>),
    now: Timestamp,
) -> Result<Withdrawing, Fail> {
    let found = reader.records(tenant, Shelf::Ledger, WITHDRAWAL, &[&order.id.to_string()])?.pop();
    if let Some(done) = found.and_then(|record| record.read::<Withdrawal>().ok().flatten()) {
        return Ok(Withdrawing::Done(done.at.strftime("%-d %B %Y, %H:%M UTC").to_string()));
    }
    let place = order.country.as_deref().map_or_else(Jurisdiction::unknown, Jurisdiction::of);
    let lawful = place.laws().iter().any(|law| matches!(law, Law::Eu | Law::Uk));
    // What was made for the customer is none of it.
    let lines = || order.lines.iter().filter(|line| !never.contains(&line.no));
    let is_left = lines().any(|line| line.open() > 0 || line.shipped > 0);
    let promised = |line: &model::order::Line| line.promises.last().and_then(|last| last.deliver_by.promised);
    let last = order.lines.iter().filter_map(promised).max();
    let today = days_since_epoch(local_date(now, &Zone::utc()));
    let is_over = !order.is_open() && last.is_some_and(|last| today > days_since_epoch(last) + WITHDRAW_DAYS);
    Ok(if lawful && is_left && !is_over { Withdrawing::May } else { Withdrawing::No })
}

/// The form of the address as it was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Address {
    once: String,
    name: String,
    address: String,
    postcode: String,
}

/// A form that only says that somebody is sure.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sure {
    pub(super) once: String,
    sure: String,
}

/// `POST /o/{token}/address`.
pub(super) fn change_address(ask: &Ask, token: &str, sent: &Address) -> Result<Response, Fail> {
    let again = |problem: &str| status::answer(ask, token, &Said::default(), Some(problem.to_owned()));
    let (_, order) = status::read(ask, token)?;
    let lines: Vec<&str> = sent.address.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let (name, address, postcode) = (sent.name.trim(), lines.join("\n"), sent.postcode.trim());
    let long = |text: &str, most: usize| text.chars().count() > most;
    let bad = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
    if address.is_empty() {
        return again("Please fill in the address.");
    }
    if long(name, NAME_CHARS_MAX)
        || long(&address, ADDRESS_CHARS_MAX)
        || long(postcode, 20)
        || [name, &address, postcode].into_iter().any(bad)
    {
        return again("Please write the address as it stands on a parcel.");
    }
    let some = |text: &str| (!text.is_empty()).then(|| Arc::from(text));
    let wish = ChangeAddress {
        order,
        name: some(name),
        address: some(&address),
        postcode: some(postcode),
        by_customer: true,
    };
    let fields = ["address", token, name, &address, postcode];
    match run(ask, token, Command::ChangeAddress(wish), &sent.once, &fields)? {
        Ok(()) => see_other(&format!("/o/{token}?moved=1")),
        Err(rejection) => refused(&rejection, again),
    }
}

/// `POST /o/{token}/ship`: what is here is sent now, the rest when it comes.
pub(super) fn ship_ready(ask: &Ask, token: &str, sent: &Sure) -> Result<Response, Fail> {
    let again = |problem: &str| status::answer(ask, token, &Said::default(), Some(problem.to_owned()));
    let (_, order) = status::read(ask, token)?;
    let wish = ChangeOrder { order, ship: ShipChoice::AsAvailable };
    match run(ask, token, Command::ChangeOrder(wish), &sent.once, &["ship", token])? {
        Ok(()) => see_other(&format!("/o/{token}?parted=1")),
        Err(rejection) => refused(&rejection, again),
    }
}

/// `POST /o/{token}/withdraw`.
pub(super) fn withdraw(ask: &Ask, token: &str, sent: &Sure) -> Result<Response, Fail> {
    let again = |problem: &str| status::answer(ask, token, &Said::default(), Some(problem.to_owned()));
    let (_, order) = status::read(ask, token)?;
    if sent.sure != "yes" {
        return Err(Fail::Form);
    }
    match run(ask, token, Command::Withdraw(order), &sent.once, &["withdraw", token])? {
        Ok(()) => see_other(&format!("/o/{token}?withdrawn=1")),
        Err(rejection) => refused(&rejection, again),
    }
}

pub(super) fn run(
    ask: &Ask,
    token: &str,
    command: Command,
    once: &str,
    fields: &[&str],
) -> Result<Result<(), Rejection>, Fail> {
    let (tenant, _): (TenantId, OrderId) = status::read(ask, token)?;
    let request = Request {
        tenant,
        now: ask.now,
        id: ask.app.stamps.next(ask.now),
        command,
        key: once_key(once, fields),
        detail: Detail::Full,
    };
    Ok(ask.app.engine.run_blocking(request)?.outcome.map(drop))
}

fn refused(rejection: &Rejection, again: impl Fn(&str) -> Result<Response, Fail>) -> Result<Response, Fail> {
    match rejection {
        Rejection::Refused(refusal) => again(match refusal.code {
            RefusalCode::Released => "That is being packed right now. Please write to us.",
            RefusalCode::AlreadyShipped => "That has left our warehouse already. Please write to us.",
            RefusalCode::AlreadyCancelled => "Everything is cancelled already.",
            _ => "That cannot be done. Below is how your order stands now.",
        }),
        Rejection::NotFound { .. } => Err(Fail::Link),
        _ => again("That could not be done as it was sent. Below is how your order stands now."),
    }
}
