//! The sample shop's outbox: messages land here instead of in somebody's mail.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use engine::notices::{MAIL, MailRow, mail_state};
use ledger::{OrderFilter, Read, RecordFilter, Shelf};
use model::{
    command::Contact,
    id::{TenantId, WaitId},
    time::{Timestamp, Zone},
    waitlist::{WAITING, Waiter},
};
use serde::Deserialize;

use super::{Ask, Frame, error::Fail, page};
use crate::mail::compose;

/// Messages on one page.
const SHOWN: usize = 20;
/// Most mails looked at for the newest ones.
const LOOKED_AT_MAX: usize = 2_000;

/// Which part of the list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Cut {
    before: Option<String>,
}

#[derive(Template)]
#[template(path = "outbox.html")]
pub(super) struct Outbox {
    pub(super) frame: Frame,
    pub(super) messages: Vec<Message>,
    /// Where the list goes on.
    pub(super) more: Option<String>,
}

pub(super) struct Message {
    pub(super) to: String,
    /// When it was written: `14 Nov, 09:31`.
    pub(super) at: String,
    pub(super) subject: String,
    /// The text before and after the link.
    pub(super) before: String,
    pub(super) link: String,
    pub(super) after: String,
}

/// `GET /outbox`: what was sent, the newest first; on its last pages, confirmations of the orders that are there.
pub(super) fn answer(ask: &Ask, cut: &Cut) -> Result<Response, Fail> {
    let tenant = ask.demo()?;
    let before = cut.before.as_deref().map(str::parse).transpose().map_err(|_| Fail::NotFound)?;
    let mut reader = ask.app.engine.store().reader()?;
    let mut orders = reader.order_page(tenant, &OrderFilter::default(), before, SHOWN + 1)?;
    let is_more = orders.len() > SHOWN;
    orders.truncate(SHOWN);
    let frame = Frame::new(Some(tenant), "outbox", true, true);
    let mut messages: Vec<(Timestamp, Message)> = Vec::with_capacity(orders.len());
    for order in &orders {
        let row = MailRow::of_order("confirmation", *order, ask.now);
        let Ok(letter) = compose(&ask.app, &mut *reader, tenant, "confirmation", &row)? else { continue };
        let placed_at = reader.orders(tenant, &[*order])?.pop().map_or(ask.now, |order| order.placed_at);
        let (subject, text) = (letter.subject, letter.text);
        let contact = reader.contact(tenant, *order)?.unwrap_or_default();
        messages.push((placed_at, shown(ask, &mut *reader, tenant, &contact, (subject, text), placed_at)?));
    }
    if before.is_none() {
        messages.extend(sent(ask, &mut *reader, tenant)?);
        messages.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    }
    let messages = messages.into_iter().map(|(_, message)| message).collect();
    let more = orders.last().filter(|_| is_more).map(|last| format!("/outbox?before={last}"));
    page(StatusCode::OK, &Outbox { frame, messages, more })
}

/// The newest mails that were sent.
fn sent(ask: &Ask, reader: &mut dyn Read, tenant: &TenantId) -> Result<Vec<(Timestamp, Message)>, Fail> {
    let filter = RecordFilter { owner: None, state: Some(mail_state::SENT) };
    let mut rows = Vec::new();
    for record in reader.record_page(tenant, Shelf::Private, MAIL, &filter, (None, LOOKED_AT_MAX))? {
        if let Ok(Some(MailRow { order, wait, sent_at: Some(at), spoken: Some(spoken), .. })) = record.read()
        {
            rows.push((at, (order, wait), spoken));
        }
    }
    rows.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
    rows.truncate(SHOWN);
    let mut messages = Vec::with_capacity(rows.len());
    for (at, about, spoken) in rows {
        let words = (spoken.subject.to_string(), spoken.text.to_string());
        let contact = match about {
            (Some(order), _) => reader.contact(tenant, order)?.unwrap_or_default(),
            (None, Some(wait)) => waiter(reader, tenant, wait)?,
            (None, None) => Contact::default(),
        };
        messages.push((at, shown(ask, reader, tenant, &contact, words, at)?));
    }
    Ok(messages)
}

/// How to write to somebody who is on a waitlist, or was until the place ended.
fn waiter(reader: &mut dyn Read, tenant: &TenantId, wait: WaitId) -> Result<Contact, Fail> {
    let found = reader.records(tenant, Shelf::Private, WAITING, &[&wait.to_string()])?.pop();
    let who: Option<Waiter> = found.and_then(|record| record.read().ok().flatten());
    Ok(Contact { email: who.map(|who| who.email), ..Contact::default() })
}

fn shown(
    ask: &Ask,
    reader: &mut dyn Read,
    tenant: &TenantId,
    contact: &Contact,
    (subject, text): (String, String),
    at: Timestamp,
) -> Result<Message, Fail> {
    let email = contact.email.as_deref().unwrap_or("an address that was erased");
    let to = contact.name.as_deref().map_or_else(|| email.to_owned(), |name| format!("{name} <{email}>"));
    let places = reader.locations(tenant)?;
    let zone = places.into_iter().next().map_or_else(Zone::utc, |(_, location)| location.time_zone);
    let begins = ["o", "w"].map(|page| format!("{}/{page}/", ask.app.url()));
    let is_link = |line: &&str| begins.iter().any(|begin| line.starts_with(begin));
    let link = text.lines().find(is_link).unwrap_or_default().to_owned();
    Ok(split(subject, &text, to, &link, clock(at, &zone, ask.now)))
}

/// Cuts the text at its link, so that the page can make it one.
fn split(subject: String, text: &str, to: String, link: &str, at: String) -> Message {
    let (before, after) = text.split_once(link).filter(|_| !link.is_empty()).unwrap_or((text, ""));
    Message { to, at, subject, before: before.to_owned(), link: link.to_owned(), after: after.to_owned() }
}

fn clock(at: Timestamp, zone: &Zone, now: Timestamp) -> String {
    let (date, time) = zone.local(at);
    let (today, _) = zone.local(now);
    let day = promise::availability::day(date, Some(today));
    format!("{day}, {:02}:{:02}", time.hour(), time.minute())
}
