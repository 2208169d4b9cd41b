//! The sample shop's outbox: messages land here instead of in somebody's mail.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use ledger::{OrderFilter, Read};
use model::{
    id::{OrderId, TenantId},
    time::{Timestamp, Zone},
};
use serde::Deserialize;

use super::{
    Ask, Frame,
    error::Fail,
    mail::{self, Mail},
    page,
    status::{path, shop_of},
};

/// Messages on one page.
const SHOWN: usize = 20;

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

/// `GET /outbox`.
pub(super) fn answer(ask: &Ask, cut: &Cut) -> Result<Response, Fail> {
    let tenant = ask.demo()?;
    let before = cut.before.as_deref().map(str::parse).transpose().map_err(|_| Fail::NotFound)?;
    let mut reader = ask.app.engine.store().reader()?;
    let mut orders = reader.order_page(tenant, &OrderFilter::default(), before, SHOWN + 1)?;
    let is_more = orders.len() > SHOWN;
    orders.truncate(SHOWN);
    let frame = Frame::new(Some(tenant), "outbox", true, true);
    let mut messages = Vec::with_capacity(orders.len());
    for order in &orders {
        messages.extend(message(ask, &mut *reader, tenant, &frame.shop, *order)?);
    }
    let more = orders.last().filter(|_| is_more).map(|last| format!("/outbox?before={last}"));
    page(StatusCode::OK, &Outbox { frame, messages, more })
}

/// The confirmation of an order; `None` where nobody has an address.
fn message(
    ask: &Ask,
    reader: &mut dyn Read,
    tenant: &TenantId,
    shop_name: &str,
    order: OrderId,
) -> Result<Option<Message>, Fail> {
    let contact = reader.contact(tenant, order)?.unwrap_or_default();
    let Some(email) = contact.email.as_deref() else { return Ok(None) };
    let Some(order) = reader.orders(tenant, &[order])?.pop() else { return Ok(None) };
    let shop = shop_of(reader, tenant, &order)?;
    let link = format!("{}{}", ask.app.url(), path(ask, tenant, order.id, order.placed_at));
    let name = contact.name.as_deref();
    let mail = mail::order_confirmation(shop_name, &shop, &order, name, &link, order.placed_at);
    let to = name.map_or_else(|| email.to_owned(), |name| format!("{name} <{email}>"));
    let zone = shop.locations.values().next().map_or_else(Zone::utc, |location| location.time_zone.clone());
    Ok(Some(split(mail, to, &link, clock(order.placed_at, &zone, ask.now))))
}

/// Cuts the text at its link, so that the page can make it one.
fn split(mail: Mail, to: String, link: &str, at: String) -> Message {
    let (before, after) = mail.text.split_once(link).unwrap_or((&mail.text, ""));
    Message {
        to,
        at,
        subject: mail.subject,
        before: before.to_owned(),
        link: link.to_owned(),
        after: after.to_owned(),
    }
}

fn clock(at: Timestamp, zone: &Zone, now: Timestamp) -> String {
    let (date, time) = zone.local(at);
    let (today, _) = zone.local(now);
    let day = promise::availability::day(date, Some(today));
    format!("{day}, {:02}:{:02}", time.hour(), time.minute())
}
