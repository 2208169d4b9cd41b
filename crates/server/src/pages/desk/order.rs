//! One order: its lines, why each date is what it is, and everything that happened to it.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{http::StatusCode, response::Response};
use ledger::{EventRow, Read, RecordFilter, Shelf};
use model::{
    Units,
    id::{OrderId, TenantId},
    order::{Order, Promise, ShipChoice},
    state::Shop,
    time::{Timestamp, local_date},
    view::{LineState, LineView, PartView},
};
use obligation::notice::kept::NOTICE;
use serde::Deserialize;

use super::{
    super::{Frame, owe::short_id, page, shop::encoded, status, words},
    Ask, Day, Fail, Local, messages,
    orders::{find, state, value},
    repaid, why,
};
use crate::{
    api::{
        notices::{NoticeOut, with_reasons},
        orders::history::history,
    },
    parcels,
    staff::{May, account_id},
};

/// Entries of the ledger looked at for one page.
const LOOKED_AT: usize = 4_000;
/// What begins every order's history.
const PLACED: &str = "Order placed";
/// Notices shown.
const NOTICES: usize = 50;

/// Where the history goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cut {
    pub(super) after: Option<i64>,
}

#[derive(Template)]
#[template(path = "desk/order.html")]
struct Page {
    frame: Frame,
    number: String,
    word: &'static str,
    tone: &'static str,
    who: String,
    email: String,
    to: String,
    placed: String,
    together: bool,
    value: String,
    status_href: String,
    evidence_href: String,
    lines: Vec<Line>,
    /// What left, the last parcel first.
    parcels: Vec<status::Sent>,
    timeline: Vec<Moment>,
    /// Where the ledger is looked at further.
    further: Option<String>,
    notices: Vec<messages::Message>,
    /// Money that is due back and of which no account knows.
    back: Vec<repaid::Due>,
    repaid_href: String,
    once: String,
}

struct Line {
    title: String,
    href: String,
    quantity: Units,
    open: Units,
    shipped: Units,
    cancelled: Units,
    released: Units,
    price: String,
    word: &'static str,
    tone: &'static str,
    ships: Option<Day>,
    delivers: Option<Day>,
    told: Option<Day>,
    is_later_than_told: bool,
    why: Vec<Reason>,
}

/// Where units come from and why they ship when they do.
struct Reason {
    units: Units,
    words: String,
    href: String,
    name: String,
    ships: Option<Day>,
}

/// Something that happened.
pub(super) struct Moment {
    pub(super) at: Timestamp,
    when: String,
    pub(super) title: String,
    pub(super) detail: String,
}

/// `GET /orders/{id}`.
pub(super) fn answer(ask: &Ask, id: &str, cut: &Cut) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let tenant = &visitor.tenant;
    let id: OrderId = id.parse().map_err(|_| Fail::NotFound)?;
    let local = Local::of(ask, tenant)?;
    let mut reader = ask.app.engine.store().reader()?;
    let (mut found, shop) = find(ask, &mut *reader, tenant, &[id])?;
    let (order, contact, view) = found.pop().ok_or(Fail::NotFound)?;
    let owner = id.to_string();
    let filter = RecordFilter { owner: Some(&owner), state: None };
    let records = reader.record_page(tenant, Shelf::Ledger, NOTICE, &filter, (None, NOTICES))?;
    let notices = with_reasons(&mut *reader, tenant, &records)?;
    let found = history(&mut *reader, tenant, &order, cut.after, LOOKED_AT)?;
    let people = if found.by.is_empty() { BTreeMap::new() } else { people(ask, &mut *reader, tenant)? };
    let who = |entry: i64| {
        let name = people.get(found.by.get(&entry)?);
        Some(name.map_or_else(|| "a removed user".to_owned(), Clone::clone))
    };
    let mut lines = Vec::with_capacity(view.lines.len());
    for line in &view.lines {
        lines.push(line_of(&mut *reader, tenant, &shop, line, &local)?);
    }
    let sent = parcels::of_order(&mut *reader, tenant, &order)?;
    let sent = sent.iter().rev().map(|(_, parcel)| {
        let day = local.day(local_date(parcel.shipped_at, &local.zone));
        status::Sent::of(parcel, &shop, &order, day)
    });
    let parcels = sent.collect();
    let back = repaid::due(&mut *reader, tenant, (&order, &shop), &local)?;
    drop(reader);
    let (word, tone) = state(view.state);
    let value = value(&view);
    let place = [contact.postcode.as_deref(), order.country.as_deref()];
    let page_ = Page {
        number: order.reference.as_deref().map_or_else(|| short_id(&id), str::to_owned),
        word,
        tone,
        who: contact.name.as_deref().unwrap_or("No name").to_owned(),
        email: contact.email.as_deref().unwrap_or_default().to_owned(),
        to: place.into_iter().flatten().collect::<Vec<_>>().join(", "),
        placed: local.moment(order.placed_at),
        together: view.ship == ShipChoice::Complete,
        value: if value.is_empty() { "—".to_owned() } else { words::sums(&value) },
        status_href: status::path(ask, tenant, id, order.placed_at),
        evidence_href: format!("/orders/{id}/evidence"),
        lines,
        parcels,
        timeline: timeline(&shop, &order, &notices, (&found.entries, &who), &local),
        further: found.further.map(|after| format!("/orders/{id}?after={after}#history")),
        notices: notices.iter().map(|notice| messages::message(&shop, notice, &local)).collect(),
        back,
        repaid_href: format!("/orders/{id}/repaid"),
        once: ask.app.stamps.next(ask.now).simple().to_string(),
        frame: Frame::of(ask, &visitor, "orders"),
    };
    page(StatusCode::OK, &page_)
}

/// The shop's people by how the ledger names them, as they are called now.
fn people(ask: &Ask, reader: &mut dyn Read, tenant: &TenantId) -> Result<BTreeMap<Arc<str>, String>, Fail> {
    let Some(found) = reader.tenant(tenant)? else { return Ok(BTreeMap::new()) };
    let users = ask.door().users(tenant)?;
    Ok(users.into_iter().map(|user| (account_id(&found.salt, &user.email), user.name)).collect())
}

fn line_of(
    reader: &mut dyn Read,
    tenant: &TenantId,
    shop: &Shop,
    line: &LineView,
    local: &Local,
) -> Result<Line, Fail> {
    let (word, tone) = state(line.state);
    let told = line.told.as_ref().and_then(|told| told.ship_by.promised);
    let ships = line.ship_by.promised;
    let parts = line.components.iter().flat_map(|component| {
        let name = Some(words::title(shop, &component.sku));
        component.parts.iter().map(move |part| (name.clone(), part))
    });
    let parts: Vec<(Option<String>, &PartView)> = if line.components.is_empty() {
        line.parts.iter().map(|part| (None, part)).collect()
    } else {
        parts.collect()
    };
    let mut why = Vec::with_capacity(parts.len());
    for (name, part) in parts {
        why.push(reason(reader, tenant, shop, line, name, part, local)?);
    }
    Ok(Line {
        title: words::title(shop, &line.sku),
        href: format!("/products/{}", encoded(line.sku.as_str())),
        quantity: line.quantity,
        open: line.open,
        shipped: line.shipped,
        cancelled: line.cancelled,
        released: line.released,
        price: line.unit_price.map_or_else(|| "—".to_owned(), words::money),
        word,
        tone,
        is_later_than_told: line.open > 0 && told.is_some_and(|told| ships.is_none_or(|ships| ships > told)),
        ships: ships.filter(|_| line.open > 0).map(|date| local.day(date)),
        delivers: line.deliver_by.promised.filter(|_| line.open > 0).map(|date| local.day(date)),
        told: told.map(|date| local.day(date)),
        why,
    })
}

/// How many lines ahead are counted one by one.
const AHEAD_MAX: usize = 1_000;

fn reason(
    reader: &mut dyn Read,
    tenant: &TenantId,
    shop: &Shop,
    line: &LineView,
    component: Option<String>,
    part: &PartView,
    local: &Local,
) -> Result<Reason, Fail> {
    let found = reader.supply(tenant, part.supply)?;
    let place = shop.locations.get(&part.location);
    let mut text = found.as_ref().map_or_else(
        || "Their supply is gone; the next change finds another.".to_owned(),
        |supply| why::supply(supply, place.map(|place| &**place), local),
    );
    if part.state == LineState::Backordered
        && let Ok(id) = line.id.parse()
    {
        let ahead = reader.ahead(tenant, part.supply, id, AHEAD_MAX)?;
        text.push_str(&match ahead {
            0 => " It is first in line for it.".to_owned(),
            AHEAD_MAX.. => format!(" At least {} lines ordered earlier are before it.", words::count(1_000)),
            _ => {
                let lines = i64::try_from(ahead).unwrap_or(i64::MAX);
                format!(
                    " {} before it.",
                    words::counted(lines, "line ordered earlier is", "lines ordered earlier are")
                )
            }
        });
    }
    let name = found.as_ref().map_or_else(|| "goods that moved".to_owned(), why::name);
    Ok(Reason {
        units: part.quantity,
        words: text,
        href: format!("/supply/{}", part.supply),
        name: component.map_or_else(|| name.clone(), |component| format!("{component}, {name}")),
        ships: Day::promised(part.ship_by, Some(local.today)),
    })
}

pub(super) fn timeline(
    shop: &Shop,
    order: &Order,
    notices: &[NoticeOut],
    (events, who): (&[EventRow], &dyn Fn(i64) -> Option<String>),
    local: &Local,
) -> Vec<Moment> {
    let mut moments: Vec<Moment> = Vec::new();
    let mut add = |at: Timestamp, title: String, detail: String| {
        moments.push(Moment { at, when: local.moment(at), title, detail });
    };
    for line in &order.lines {
        let name = words::title(shop, &line.sku);
        for promise in &line.promises {
            add(promise.given_at, promised(promise, &name, local), told(promise, local));
        }
    }
    for notice in notices {
        if let Some(answer) = &notice.answer {
            let who = if answer.by == "customer" { "The customer" } else { "We, for the customer," };
            let what = if answer.answer == "keep" { "keeps it" } else { "cancelled it" };
            add(answer.at, format!("{who} answered: {what}"), messages::kind(notice.kind).to_owned());
        }
        if let Some(at) = notice.sent_at {
            add(
                at,
                format!("Message sent: {}", messages::kind(notice.kind)),
                words::sentence(&notice.reason),
            );
        }
    }
    for row in events {
        if let Some((title, detail)) = event(row) {
            let by = who(row.seq).map(|name| format!("by {name}"));
            let parts: Vec<String> = [Some(detail), by].into_iter().flatten().collect();
            let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
            add(row.at, title.to_owned(), parts.join(" · "));
        }
    }
    // At one moment, what a promise is of stands before it.
    moments.sort_by_key(|moment| (moment.at, moment.title != PLACED));
    moments
}

fn promised(promise: &Promise, name: &str, local: &Local) -> String {
    match promise.ship_by.promised {
        Some(date) => format!("{name}: promised to ship by {}", local.day(date).text),
        None => format!("{name}: no date can be promised"),
    }
}

fn told(promise: &Promise, local: &Local) -> String {
    let why = words::sentence(&why::cause(&promise.cause));
    match promise.told_at {
        Some(at) => format!("{why}. The customer was told {}.", local.moment(at)),
        None => format!("{why}. The customer was not told of this one."),
    }
}

/// What an entry of the ledger means; `None` for those that are shown from elsewhere.
fn event(row: &EventRow) -> Option<(&'static str, String)> {
    let data: serde_json::Value = serde_json::from_str(&row.data).unwrap_or_default();
    let text = |name: &str| data.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let found = match &*row.kind {
        "order_placed" => (PLACED, String::new()),
        "line_cancelled" => {
            let units = data.get("quantity").and_then(serde_json::Value::as_i64);
            let units = units.map_or_else(String::new, |units| words::counted(units, "unit", "units"));
            let reason = text("reason");
            let detail = [units, reason].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
            ("Cancelled", detail.join(": "))
        }
        "order_cancelled" => ("Nothing is left of the order", String::new()),
        "released" => ("Handed to packing", String::new()),
        "release_returned" => ("Came back from packing", String::new()),
        "shipped" => {
            let said = [text("carrier"), text("tracking")];
            let said: Vec<String> = said.into_iter().filter(|part| !part.is_empty()).collect();
            ("Sent", said.join(" "))
        }
        "notice_failed" => ("A message did not reach the customer", String::new()),
        "account_opened" => ("Payment account opened", String::new()),
        "charged" => ("Money came in", String::new()),
        "refund_due" => ("Money is to go back", String::new()),
        "refunded" => ("Money went back", String::new()),
        "stock_adjusted" => ("Sent back by the customer", String::new()),
        _ => return None,
    };
    Some(found)
}
