//! What a customer is asked on the order's page, keep or cancel, and the answer: only ever by a POST, since mail scanners follow
//! every link.

use axum::response::Response;
use engine::Request;
use ledger::{Read, RecordFilter, Shelf};
use model::{
    command::Command,
    id::{OrderId, TenantId},
    message::{AnswerNotice, MessageWish},
    refusal::{RefusalCode, Rejection},
    state::Shop,
    time::Date,
};
use obligation::notice::kept::{NOTICE, line_of, state};
use serde::Deserialize;

use super::{
    Ask,
    error::Fail,
    form::once_key,
    see_other,
    status::{self, Said},
    words::{self, Day},
};
use crate::api::notices::with_reasons;

/// Most questions shown at once.
const SHOWN: usize = 50;

/// A question that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) id: String,
    pub(super) version: u32,
    pub(super) title: String,
    pub(super) old: Option<Day>,
    pub(super) new: Option<Day>,
    pub(super) reason: String,
    /// What follows without an answer, in a sentence.
    pub(super) silence: String,
}

/// The form as it was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    once: String,
    notice: String,
    version: String,
    /// `keep` or `cancel`.
    answer: String,
}

/// What the customer is asked now.
pub(super) fn questions(
    reader: &mut dyn Read,
    tenant: &TenantId,
    order: OrderId,
    shop: &Shop,
    today: Option<Date>,
) -> Result<Vec<Question>, Fail> {
    let owner = order.to_string();
    let filter = RecordFilter { owner: Some(&owner), state: Some(state::SENT) };
    let records = reader.record_page(tenant, Shelf::Ledger, NOTICE, &filter, (None, SHOWN))?;
    let notices = with_reasons(reader, tenant, &records)?;
    let asked = notices.into_iter().filter(|notice| notice.asks);
    let day = |date: Date| Day::of(date, today);
    Ok(asked
        .map(|notice| {
            let what = if notice.on_silence == Some("cancel") {
                "we cancel it and you get your money back"
            } else {
                "we keep it for you"
            };
            let by = notice.answer_by.map_or_else(String::new, |date| format!(" by {}", day(date).text));
            let sku = model::id::Sku::new(&notice.sku).ok();
            Question {
                id: notice.id,
                version: notice.version,
                title: sku.map_or_else(|| notice.sku.clone(), |sku| words::title(shop, &sku)),
                old: notice.old.and_then(|old| old.ship_by).map(day),
                new: notice.new.ship_by.map(day),
                reason: words::sentence(&notice.reason),
                silence: format!("Without an answer{by}, {what}."),
            }
        })
        .collect())
}

/// `POST /o/{token}/answer`.
pub(super) fn answer(ask: &Ask, token: &str, sent: &Sent) -> Result<Response, Fail> {
    let (tenant, order) = status::read(ask, token)?;
    let keep = match &*sent.answer {
        "keep" => true,
        "cancel" => false,
        _ => return Err(Fail::Form),
    };
    // A link answers for its own order and for no other.
    let version = sent.version.parse().map_err(|_| Fail::Form)?;
    line_of(&sent.notice).filter(|line| line.order == order).ok_or(Fail::Form)?;
    let wish =
        AnswerNotice { notice: sent.notice.as_str().into(), keep, version: Some(version), by_customer: true };
    let request = Request {
        tenant,
        now: ask.now,
        detail: engine::Detail::Full,
        id: ask.app.stamps.next(ask.now),
        key: once_key(&sent.once, &["answer", token, &sent.notice, &sent.answer]),
        command: Command::Message(MessageWish::Answer(wish)),
    };
    let again = |problem: &str| status::answer(ask, token, &Said::default(), Some(problem.to_owned()));
    match ask.app.engine.run_blocking(request)?.outcome {
        Ok(_) if keep => see_other(&format!("/o/{token}?kept=1")),
        Ok(_) => see_other(&format!("/o/{token}?cancelled=1")),
        Err(Rejection::Refused(refusal)) => again(match refusal.code {
            RefusalCode::Outdated => "There is newer news about it. Below is how your order stands now.",
            RefusalCode::NotAsked => "That has been settled already. Below is how your order stands now.",
            RefusalCode::AlreadyShipped => {
                "That has left our warehouse already, so it cannot be called off any more."
            }
            RefusalCode::Released => {
                "That is being packed right now. Please write to us if it should not be sent."
            }
            _ => "That could not be noted. Below is how your order stands now.",
        }),
        Err(Rejection::NotFound { .. }) => Err(Fail::Link),
        Err(_) => again("That could not be noted as it was sent. Below is how your order stands now."),
    }
}
