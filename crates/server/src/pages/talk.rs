//! What the customer writes to the shop on the order's page, what the shop wrote back, and what was paid.

use axum::response::Response;
use engine::{Detail, Request, talk::MESSAGES_MAX};
use ledger::{Read, RecordFilter, Shelf};
use model::{
    command::Command,
    id::{OrderId, TenantId},
    money::Money,
    refusal::Rejection,
    talk::{By, MESSAGE, Message, Write},
};
use obligation::payment::kept::{ACCOUNT, Kept};
use serde::Deserialize;

use super::{
    Ask,
    error::Fail,
    form::once_key,
    see_other,
    status::{self, Said},
    words,
};

/// Longest message that a page takes, in characters.
pub(super) const TEXT_CHARS_MAX: usize = 2_000;

/// A message as the customer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) is_own: bool,
    /// Who wrote, of somebody at the shop.
    pub(super) who: Option<String>,
    pub(super) text: String,
    pub(super) message: Message,
}

/// The money of an order in two sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Paid {
    pub(super) paid: String,
    /// What went back, if anything did.
    pub(super) refunded: Option<String>,
    /// What is still to go back, if anything is.
    pub(super) on_its_way: Option<String>,
}

/// The form as it was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    once: String,
    text: String,
}

/// The thread of an order, without the notes that are the shop's own.
pub(super) fn thread(reader: &mut dyn Read, tenant: &TenantId, order: OrderId) -> Result<Vec<Written>, Fail> {
    let owner = order.to_string();
    let filter = RecordFilter { owner: Some(&owner), state: None };
    let found = reader.record_page(tenant, Shelf::Private, MESSAGE, &filter, (None, MESSAGES_MAX))?;
    let messages = found.iter().filter_map(|record| record.read::<Message>().ok().flatten());
    let seen = messages.filter(|message| message.by != By::Note).map(|message| Written {
        is_own: message.by == By::Customer,
        who: message.who.as_ref().map(ToString::to_string),
        text: message.text.to_string(),
        message,
    });
    Ok(seen.collect())
}

/// What was paid for an order; `None`: nobody keeps an account of it, or nothing came.
pub(super) fn paid(reader: &mut dyn Read, tenant: &TenantId, order: OrderId) -> Result<Option<Paid>, Fail> {
    let found = reader.records(tenant, Shelf::Ledger, ACCOUNT, &[&order.to_string()])?.pop();
    let Some(kept) = found.and_then(|record| record.read::<Kept>().ok().flatten()) else { return Ok(None) };
    let sum = |amount: i128| {
        words::money(Money::new(i64::try_from(amount).unwrap_or(i64::MAX), kept.account.currency))
    };
    let (captured, refunded) = (kept.account.captured(), kept.account.refunded());
    let lines = kept.account.lines.values();
    let on_its_way: i128 = lines.map(|line| i128::from(line.refund_due) + i128::from(line.refunding)).sum();
    let some = |amount: i128| (amount > 0).then(|| sum(amount));
    let paid = || Paid { paid: sum(captured), refunded: some(refunded), on_its_way: some(on_its_way) };
    Ok((captured > 0).then(paid))
}

/// `POST /o/{token}/message`.
pub(super) fn answer(ask: &Ask, token: &str, sent: &Sent) -> Result<Response, Fail> {
    let (tenant, order) = status::read(ask, token)?;
    let again = |problem: &str| status::answer(ask, token, &Said::default(), Some(problem.to_owned()));
    let text = sent.text.replace("\r\n", "\n");
    let text = text.trim();
    if text.is_empty() {
        return again("Please write something first.");
    }
    if text.chars().count() > TEXT_CHARS_MAX || text.chars().any(|c| c.is_control() && c != '\n' && c != '\t')
    {
        return again("Please keep it to 2,000 characters of plain text.");
    }
    let wish = Write { order, by: By::Customer, who: None, text: text.into() };
    let request = Request {
        tenant,
        now: ask.now,
        id: ask.app.stamps.next(ask.now),
        command: Command::Write(wish),
        key: once_key(&sent.once, &["message", token, text]),
        detail: Detail::Full,
    };
    match ask.app.engine.run_blocking(request)?.outcome {
        Ok(_) => see_other(&format!("/o/{token}?written=1")),
        Err(Rejection::Refused(_)) => again("You have written several times. Somebody will answer soon."),
        Err(_) => Err(Fail::Link),
    }
}
