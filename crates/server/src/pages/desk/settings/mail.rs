//! Mail: where it goes, what waits and what could not be sent.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use engine::notices::{MAIL, MailRow, mail_state};
use ledger::{RecordFilter, Shelf};

use super::{
    super::super::{Frame, page},
    Ask, Fail, words,
};
use crate::{mail::Post, staff::May};

/// Mails counted one by one.
const COUNTED_MAX: usize = 1_000;
/// Mails shown that could not be sent.
const SHOWN: usize = 20;

#[derive(Template)]
#[template(path = "desk/mail_settings.html")]
struct Page {
    frame: Frame,
    is_smtp: bool,
    has_outbox: bool,
    url: String,
    waiting: String,
    sent: String,
    failed: String,
    rows: Vec<(String, String)>,
}

/// `GET /settings/mail`.
pub(super) fn show(ask: &Ask) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Goods)?;
    let mut reader = ask.app.engine.store().reader()?;
    let mut of = |state| {
        let filter = RecordFilter { owner: None, state: Some(state) };
        reader.record_page(&visitor.tenant, Shelf::Private, MAIL, &filter, (None, COUNTED_MAX))
    };
    let (queued, claimed) = (of(mail_state::QUEUED)?, of(mail_state::CLAIMED)?);
    let (sent, failed) = (of(mail_state::SENT)?, of(mail_state::FAILED)?);
    drop(reader);
    let count = |number: usize| {
        let more = if number >= COUNTED_MAX { " or more" } else { "" };
        format!("{}{more}", words::count(i64::try_from(number).unwrap_or(i64::MAX)))
    };
    let rows = failed.iter().take(SHOWN).filter_map(|record| {
        let row: MailRow = record.read().ok().flatten()?;
        let order = row.order.map_or_else(String::new, |order| format!("/orders/{order}"));
        Some((words::sentence(&row.kind.replace('_', " ")), order))
    });
    let page_ = Page {
        frame: Frame::of(ask, &visitor, "settings"),
        is_smtp: matches!(ask.app.post, Post::Smtp(_)),
        has_outbox: ask.is_demo(&visitor.tenant),
        url: ask.app.url().to_owned(),
        waiting: count(queued.len() + claimed.len()),
        sent: count(sent.len()),
        failed: count(failed.len()),
        rows: rows.collect(),
    };
    page(StatusCode::OK, &page_)
}
