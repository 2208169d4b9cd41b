//! Mails as they are kept: queued by commands, taken by whoever sends them, and what became of each.

use std::sync::Arc;

use ledger::Shelf;
use model::{
    event::Event,
    id::{HoldId, OrderId, WaitId},
    message::{MailOutcome, Mailed},
    record::{Noted, Record},
    refusal::{Refusal, RefusalCode, Rejection},
    time::Timestamp,
};
use obligation::{
    legal::{Step, StepKind},
    notice::{
        NoticeKind,
        kept::{self, line_of, state},
    },
};
use serde::{Deserialize, Serialize};

use super::{
    draft::{Look, draft, draft_record},
    ground::Ground,
    json, made, notice, read,
    send::arrived,
};
use crate::{
    after::Course,
    answer::{Answer, Failure},
    execute::Outcome,
    working::Working,
};

/// The kind of the private records that are mails.
pub const MAIL: &str = "mail";
/// The kind of the private record that says how far the ledger was read for mails; its id is the kind of mail.
pub const CURSOR: &str = "mail_cursor";

/// Where a mail stands, as the state of its record.
pub mod mail_state {
    /// To be sent when it is due.
    pub const QUEUED: &str = "queued";
    /// Somebody is sending it; when it is due, that somebody has died over it.
    pub const CLAIMED: &str = "claimed";
    /// The mail server, or the outbox, has it.
    pub const SENT: &str = "sent";
    /// It cannot be sent.
    pub const FAILED: &str = "failed";
}

/// A mail as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailRow {
    /// What kind: `notice`, `confirmation`, `reply`, `question`, `invitation`, `purchase_order`.
    pub kind: Arc<str>,
    /// About which order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// Which message or question it takes to the customer, or which order to a supplier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Arc<str>>,
    /// About which place on a waitlist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<WaitId>,
    /// Which notices it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Arc<str>>,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// How often it was tried.
    #[serde(default)]
    pub tries: u32,
    /// Why the last try failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Arc<str>>,
    /// When it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// When it was known that it did not arrive after all; `failure` says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_at: Option<Timestamp>,
    /// What was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spoken: Option<Spoken>,
}

/// A mail's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    /// Its subject.
    pub subject: Arc<str>,
    /// Its plain text.
    pub text: Arc<str>,
}

impl MailRow {
    /// A mail about an order that is not queued: to look at what it would say.
    pub fn of_order(kind: &str, order: OrderId, now: Timestamp) -> Self {
        Self { order: Some(order), ..Self::new(kind, now) }
    }

    fn new(kind: &str, now: Timestamp) -> Self {
        Self {
            kind: kind.into(),
            order: None,
            message: None,
            wait: None,
            notices: Vec::new(),
            queued_at: now,
            tries: 0,
            failure: None,
            sent_at: None,
            returned_at: None,
            spoken: None,
        }
    }
}

/// A queued mail that takes what the shop wrote to the customer: a private record.
pub(crate) fn reply(order: OrderId, message: &str, now: Timestamp) -> Result<Record, Failure> {
    takes("reply", order, message, now)
}

/// A queued mail that asks a customer a question: a private record.
pub(crate) fn question(order: OrderId, question: &str, now: Timestamp) -> Result<Record, Failure> {
    takes("question", order, question, now)
}

/// A queued mail about an order that needs nothing but its kind and what it is about: a private record.
pub(crate) fn about(kind: &str, order: OrderId, what: &str, due: Timestamp) -> Result<Record, Failure> {
    takes(kind, order, &format!("{kind}-{what}"), due)
}

fn takes(kind: &str, order: OrderId, what: &str, now: Timestamp) -> Result<Record, Failure> {
    let id = format!("mal_{}-{what}", order.to_string().trim_start_matches("ord_"));
    let row = MailRow { message: Some(what.into()), ..MailRow::of_order(kind, order, now) };
    Ok(Record {
        owner: order.to_string().into(),
        state: mail_state::QUEUED.into(),
        due: Some(now),
        ..made(MAIL, &id, &row)?
    })
}

/// A queued mail that tells somebody on a waitlist of the units that a hold keeps: a private record.
pub(crate) fn invitation(wait: WaitId, hold: HoldId, now: Timestamp) -> Result<Record, Failure> {
    let id = format!("mal_{}-invitation", hold.to_string().trim_start_matches("hld_"));
    Ok(Record {
        owner: wait.to_string().into(),
        state: mail_state::QUEUED.into(),
        due: Some(now),
        ..made(MAIL, &id, &MailRow { wait: Some(wait), ..MailRow::new("invitation", now) })?
    })
}

/// The id of the mail that takes an order to a supplier.
pub(crate) fn purchase_mail_id(order: &str) -> String {
    format!("mal_{order}")
}

/// A queued mail that takes an order to a supplier: a private record. The same order has one mail.
///
/// Errors: it has no form in JSON.
pub fn purchase_mail(order: &str, now: Timestamp) -> Result<Record, serde_json::Error> {
    let row = MailRow { message: Some(order.into()), ..MailRow::new("purchase_order", now) };
    let record = Record::new(MAIL, &purchase_mail_id(order), &row)?;
    Ok(Record { owner: order.into(), state: mail_state::QUEUED.into(), due: Some(now), ..record })
}

/// Queues mails about orders, each once, and remembers how far the ledger was read.
pub(super) fn queue(
    working: &mut Working<'_>,
    course: &Course,
    kind: &str,
    orders: &[OrderId],
    read_to: i64,
) -> Outcome {
    let cursor = working.private(CURSOR, kind)?;
    let known: i64 = cursor.as_ref().map(read).transpose()?.flatten().unwrap_or(0);
    if known >= read_to {
        // Somebody else was faster.
        return Ok(Ok(Answer::Done));
    }
    let mut queued = vec![made(CURSOR, kind, &read_to)?];
    for order in orders {
        let id = format!("mal_{}-{kind}", order.to_string().trim_start_matches("ord_"));
        if working.private(MAIL, &id)?.is_some() {
            continue;
        }
        queued.push(Record {
            owner: order.to_string().into(),
            state: mail_state::QUEUED.into(),
            due: Some(course.now),
            ..made(MAIL, &id, &MailRow::of_order(kind, *order, course.now))?
        });
    }
    working.put_private(queued);
    Ok(Ok(Answer::Done))
}

/// Takes mails that are due, for whoever asks alone.
pub(super) fn claim(
    working: &mut Working<'_>,
    course: &Course,
    mails: &[Arc<str>],
    until: Timestamp,
) -> Outcome {
    let ids: Vec<&str> = mails.iter().map(|id| &**id).collect();
    let tenant = working.tenant;
    let found = working.store_of(MAIL)?.records(tenant, Shelf::Private, MAIL, &ids)?;
    let mut claimed = Vec::new();
    for record in found {
        if record.due.is_some_and(|due| due <= course.now) {
            claimed.push(Record { state: mail_state::CLAIMED.into(), due: Some(until), ..record });
        }
    }
    working.put_private(claimed.clone());
    Ok(Ok(Answer::Records(claimed)))
}

/// Notes what became of mails.
pub(super) fn mailed(
    working: &mut Working<'_>,
    course: &mut Course,
    mailed: &[Mailed],
) -> Result<(), Failure> {
    let ids: Vec<&str> = mailed.iter().map(|mailed| &*mailed.mail).collect();
    let tenant = working.tenant;
    let found = working.store_of(MAIL)?.records(tenant, Shelf::Private, MAIL, &ids)?;
    let now = course.now;
    for Mailed { mail, outcome } in mailed {
        let Some(record) = found.iter().find(|record| record.id == *mail) else { continue };
        let Some(mut row) = read::<MailRow>(record)? else { continue };
        if [mail_state::SENT, mail_state::FAILED].contains(&&*record.state) {
            continue;
        }
        row.tries += 1;
        let (word, due) = match outcome {
            MailOutcome::Sent { subject, text } => {
                row.sent_at = Some(now);
                row.failure = None;
                row.spoken = Some(Spoken { subject: Arc::clone(subject), text: Arc::clone(text) });
                (mail_state::SENT, None)
            }
            MailOutcome::Later { at, code } => {
                row.failure = Some(Arc::clone(code));
                (mail_state::QUEUED, Some(*at))
            }
            MailOutcome::Failed { code } => {
                row.failure = Some(Arc::clone(code));
                (mail_state::FAILED, None)
            }
        };
        working.put_private([Record { state: word.into(), due, body: Some(json(&row)?), ..record.clone() }]);
        match outcome {
            MailOutcome::Sent { .. } => {
                if let Some(order) = row.order {
                    arrived(working, course, order, &row.notices, mail)?;
                }
            }
            MailOutcome::Failed { code } => failed(working, course, &row, code)?,
            MailOutcome::Later { .. } => {}
        }
    }
    Ok(())
}

/// Notices that could not be sent told nobody anything: they are drafts again, and somebody must see to them.
fn failed(working: &mut Working<'_>, course: &Course, row: &MailRow, code: &str) -> Result<(), Failure> {
    let Some(order) = row.order.filter(|_| !row.notices.is_empty()) else { return Ok(()) };
    let Some(ground) = Ground::load(working, order)? else { return Ok(()) };
    let mut records = Vec::new();
    for id in &row.notices {
        let Some((record, mut kept)) = notice(working, id)? else { continue };
        if &*record.state == state::SENDING {
            kept.failure = Some(kept::Failure { code: code.to_owned(), at: course.now });
            records.push(draft_record(&ground, id, &kept, course.now)?);
        }
    }
    let data = json(&serde_json::json!({ "notices": row.notices, "code": code }))?;
    let event = Event::NoticeFailed(Noted { sku: None, order: Some(order), data, records });
    working.apply(course.now, vec![event])?;
    draft(working, course.now, &[order], Look::Untold)
}

/// A notice that was sent came back: by the law nobody was told.
pub(super) fn bounced(working: &mut Working<'_>, course: &mut Course, id: &str) -> Outcome {
    let missing = || Ok(Err(Rejection::not_found("notice", id)));
    let (Some(line), Some((record, mut kept))) = (line_of(id), notice(working, id)?) else {
        return missing();
    };
    if &*record.state != state::SENT {
        let detail = format!("{id} is not a notice that waits for an answer");
        return Ok(Err(Refusal::new(RefusalCode::NotAsked, detail).into()));
    }
    let Some(mut ground) = Ground::load(working, line.order)? else { return missing() };
    let case = ground.case_mut(line.no);
    match kept.news.kind {
        NoticeKind::Cancelled | NoticeKind::Shipped => case.fate_told = false,
        NoticeKind::Reconfirm => case.reconfirmed = false,
        kind if kind.is_delay() => {
            case.steps.push(Step { at: course.now, kind: StepKind::Bounce });
            case.asked = None;
        }
        _ => {}
    }
    kept.failure = Some(kept::Failure { code: "bounced".into(), at: course.now });
    let record =
        Record { state: state::OUTDATED.into(), due: None, body: Some(json(&kept)?), ..(*record).clone() };
    let data = json(&serde_json::json!({ "notices": [id], "code": "bounced" }))?;
    let records = vec![record.clone(), ground.case_record()?];
    let event = Event::NoticeFailed(Noted { sku: None, order: Some(line.order), data, records });
    working.apply(course.now, vec![event])?;
    draft(working, course.now, &[line.order], Look::All)?;
    Ok(Ok(Answer::Records(vec![record])))
}
