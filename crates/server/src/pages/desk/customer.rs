//! A customer: every order of an address, and every word that went to and fro.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use engine::notices::{MAIL, MailRow, mail_state};
use ledger::{OrderFilter, Read, RecordFilter, Shelf};
use model::{
    id::{OrderId, TenantId},
    limits::NAME_CHARS_MAX,
    talk::{By, MESSAGE, Message, UNREAD},
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    super::{Frame, owe::short_id, page, see_other, shop::encoded, within::Call, words},
    Ask, Fail, Local,
    orders::{self, Row},
};
use crate::{
    app::customer_key,
    staff::{May, Visitor},
};

/// Orders shown.
const ORDERS: usize = 40;
/// Words of one order that are looked at, and words shown.
const WORDS: usize = 50;
const SHOWN: usize = 100;

/// Whom.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cut {
    q: String,
}

#[derive(Template)]
#[template(path = "desk/customer.html")]
struct Page {
    frame: Frame,
    q: String,
    name: String,
    rows: Vec<Row>,
    /// There are older orders than those.
    is_more: bool,
    said: Vec<Said>,
    once: String,
    can_answer: bool,
    problem: Option<String>,
}

/// One thing that was said.
struct Said {
    at: Timestamp,
    when: String,
    who: &'static str,
    order: String,
    href: String,
    subject: String,
    text: String,
    /// What is the matter with it, where something is.
    state: Option<(&'static str, &'static str)>,
    /// The order to answer to, of what nobody has read.
    unread: Option<String>,
}

/// An answer, or the word that something was read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    /// Whose page it stands on.
    q: String,
    order: String,
    /// Empty: it was read, and there is nothing to say.
    text: String,
    once: String,
}

/// `POST /customers`: answers what a customer wrote, by mail and on their page; what they wrote counts as read.
pub(super) fn reply(ask: &Ask, sent: &Sent) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Orders)?;
    let order: OrderId = sent.order.parse().map_err(|_| Fail::NotFound)?;
    let path = format!("/v1/orders/{order}/messages");
    let text = sent.text.replace("\r\n", "\n");
    if !text.trim().is_empty() {
        let who = visitor.user.as_ref().map(|user| &*user.name).filter(|name| !name.is_empty());
        let body = json!({"text": text.trim(), "who": who});
        let once = Some(&*sent.once).filter(|once| !once.is_empty());
        let call = Call { method: "POST", path: &path, body: Some(&body), once, ..Call::default() };
        if let Err(refused) = ask.api(&visitor.tenant, call)? {
            return shown(ask, &visitor, &sent.q, Some(refused.text()), refused.status);
        }
    }
    let read = format!("{path}/read");
    let call = Call { method: "POST", path: &read, ..Call::default() };
    if let Err(refused) = ask.api(&visitor.tenant, call)? {
        return shown(ask, &visitor, &sent.q, Some(refused.text()), refused.status);
    }
    see_other(&format!("/customers?q={}", encoded(sent.q.trim())))
}

/// `GET /customers`.
pub(super) fn answer(ask: &Ask, cut: &Cut) -> Result<Response, Fail> {
    shown(ask, &ask.staff(May::Look)?, &cut.q, None, StatusCode::OK)
}

fn shown(
    ask: &Ask,
    visitor: &Visitor,
    q: &str,
    problem: Option<String>,
    status: StatusCode,
) -> Result<Response, Fail> {
    let tenant = &visitor.tenant;
    let q: String = q.trim().chars().take(NAME_CHARS_MAX).collect();
    let is_unclear = !q.is_empty() && !q.contains('@');
    let unclear = || is_unclear.then(|| "Please give the customer’s whole e-mail address.".to_owned());
    let mut shown = Page {
        frame: Frame::of(ask, visitor, "orders"),
        once: ask.once(),
        can_answer: visitor.role.may(May::Orders),
        name: String::new(),
        rows: Vec::new(),
        is_more: false,
        said: Vec::new(),
        problem: problem.or_else(unclear),
        q,
    };
    if !shown.q.contains('@') {
        return page(if is_unclear { StatusCode::UNPROCESSABLE_ENTITY } else { status }, &shown);
    }
    let local = Local::of(ask, tenant)?;
    let mut reader = ask.app.engine.store().reader()?;
    let salt = reader.tenant(tenant)?.ok_or(Fail::NotFound)?.salt;
    let filter = OrderFilter { customer: Some(customer_key(&salt, &shown.q)), ..OrderFilter::default() };
    let mut ids = reader.order_page(tenant, &filter, None, ORDERS + 1)?;
    shown.is_more = ids.len() > ORDERS;
    ids.truncate(ORDERS);
    let (mut found, shop) = orders::find(ask, &mut *reader, tenant, &ids)?;
    found.sort_by_key(|(order, ..)| std::cmp::Reverse(order.id));
    for (order, contact, _) in &found {
        let number = order.reference.as_deref().map_or_else(|| short_id(&order.id), str::to_owned);
        shown.said.extend(of_order(&mut *reader, tenant, order.id, &number, &local)?);
        if shown.name.is_empty() {
            contact.name.as_deref().unwrap_or_default().clone_into(&mut shown.name);
        }
    }
    drop(reader);
    shown.said.sort_by_key(|said| std::cmp::Reverse(said.at));
    shown.said.truncate(SHOWN);
    shown.rows = found.iter().map(|found| orders::row(&shop, found, &local)).collect();
    page(status, &shown)
}

/// Mails about an order, and messages under it.
fn of_order(
    reader: &mut dyn Read,
    tenant: &TenantId,
    order: OrderId,
    number: &str,
    local: &Local,
) -> Result<Vec<Said>, Fail> {
    let owner = order.to_string();
    let filter = RecordFilter { owner: Some(&owner), state: None };
    let (number, href) = (number.to_owned(), format!("/orders/{order}"));
    let mut said = Vec::new();
    for record in reader.record_page(tenant, Shelf::Private, MAIL, &filter, (None, WORDS))? {
        let Ok(Some(row)) = record.read::<MailRow>() else { continue };
        let at = row.sent_at.unwrap_or(row.queued_at);
        let state = match &*record.state {
            mail_state::SENT => None,
            mail_state::FAILED => Some(("late", "Could not be sent")),
            _ => Some(("later", "On its way")),
        };
        let (subject, text) = row.spoken.map_or_else(
            || (words::sentence(&row.kind.replace('_', " ")), String::new()),
            |spoken| (spoken.subject.to_string(), spoken.text.to_string()),
        );
        let (order, href) = (number.clone(), href.clone());
        said.push(Said {
            at,
            when: local.moment(at),
            who: "We wrote",
            order,
            href,
            subject,
            text,
            state,
            unread: None,
        });
    }
    for record in reader.record_page(tenant, Shelf::Private, MESSAGE, &filter, (None, WORDS))? {
        let Ok(Some(message)) = record.read::<Message>() else { continue };
        let who = match message.by {
            By::Customer => "They wrote",
            By::Note => "Note",
            By::Shop => "We answered",
        };
        said.push(Said {
            at: message.at,
            when: local.moment(message.at),
            who,
            order: number.clone(),
            href: href.clone(),
            subject: String::new(),
            text: message.text.to_string(),
            state: (*record.state == *UNREAD).then_some(("few", "New")),
            unread: (*record.state == *UNREAD).then(|| owner.clone()),
        });
    }
    Ok(said)
}
