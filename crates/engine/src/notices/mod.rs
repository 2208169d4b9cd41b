//! Telling customers: drafts that follow from promises, what is sent of them, what is answered, and what silence leads to.
//!
//! What must be said, and what follows, is `obligation`'s to know; here it is read, kept and acted on. A notice is a
//! record of the order, so the ledger says every step of it; mails are private records, since they hold words and names.

mod answer;
mod draft;
mod ground;
mod lapse;
mod mail;
mod reconfirm;
mod repaid;
mod returned;
mod send;
mod watch;
mod withdraw;

use std::sync::Arc;

use ledger::Shelf;
use model::{
    id::OrderId,
    message::{Drafts, EditNotice, MessageWish},
    record::{Json, Noted, Record},
    refusal::{Refusal, RefusalCode, Rejection},
    time::Timestamp,
};
use obligation::notice::kept::{Kept, LAW, NOTICE, SETTINGS, SETTINGS_ID, state};
use serde::Serialize;

use crate::{
    after::Course,
    answer::{Answer, Failure},
    execute::Outcome,
    working::Working,
};

pub(crate) use draft::{called_off, promised};
pub(crate) use ground::Ground;
pub(crate) use lapse::fire;
pub use lapse::{REFUND, Refund};
pub use mail::{CURSOR, MAIL, MailRow, Spoken, mail_state, purchase_mail};
pub(crate) use mail::{about, invitation, purchase_mail_id, question, reply};
pub(crate) use reconfirm::confirmed;
pub(crate) use repaid::conceded;
pub use returned::{ADDRESS, CameBack, address_state};
pub use send::Told;
pub(crate) use send::send_all;
pub(crate) use watch::{Watch, watch};
pub(crate) use withdraw::withdraw;
pub use withdraw::{WITHDRAWAL, Withdrawal};

/// The kind of the private record with the shop's own words for a notice; its id is the notice's.
pub const WORDS: &str = "notice_words";

/// Decides a wish about notices or mail.
pub(crate) fn decide(working: &mut Working<'_>, course: &mut Course, wish: &MessageWish) -> Outcome {
    match wish {
        MessageWish::Settings(settings) => set(working, course, (SETTINGS, "notices"), settings),
        MessageWish::Law(figures) => set(working, course, (LAW, "law"), figures),
        MessageWish::Send(Drafts::These(ids)) => {
            let told = send::send(working, course, ids)?;
            Ok(Ok(Answer::Told(told)))
        }
        MessageWish::Send(Drafts::All) => Ok(Ok(Answer::Told(send_all(working, course, None, None)?))),
        MessageWish::Edit(edit) => self::edit(working, course, edit),
        MessageWish::Answer(wish) => answer::answer(working, course, wish),
        MessageWish::Repaid(wish) => repaid::repaid(working, course, wish),
        MessageWish::Bounced { notice } => mail::bounced(working, course, notice),
        MessageWish::Returned(returned) => returned::returned(working, course, returned),
        MessageWish::Queue { kind, orders, read_to } => mail::queue(working, course, kind, orders, *read_to),
        MessageWish::Claim { mails, until } => mail::claim(working, course, mails, *until),
        MessageWish::Mailed(mailed) => {
            mail::mailed(working, course, mailed)?;
            Ok(Ok(Answer::Done))
        }
    }
}

fn set(working: &mut Working<'_>, course: &Course, (kind, word): (&str, &str), settings: &Json) -> Outcome {
    let record = Record { body: Some(settings.clone()), ..Record::gone(kind, SETTINGS_ID) };
    let known = working.record(kind, SETTINGS_ID)?;
    if known.is_none_or(|known| known.body != record.body) {
        note(working, course.now, None, &serde_json::json!({"settings": word}), vec![record.clone()])?;
    }
    Ok(Ok(Answer::Records(vec![record])))
}

/// Puts a draft in other words. They are the shop's own and may name anybody, so the ledger only says that they changed.
fn edit(working: &mut Working<'_>, course: &Course, edit: &EditNotice) -> Outcome {
    let Some((record, mut kept)) = notice(working, &edit.notice)? else {
        return Ok(Err(Rejection::not_found("notice", &edit.notice)));
    };
    if &*record.state != state::DRAFT {
        return Ok(Err(no_draft(&edit.notice)));
    }
    let mut words: Words = match working.private(WORDS, &edit.notice)? {
        Some(known) => read(&known)?.unwrap_or_default(),
        None => Words::default(),
    };
    if let Some(reason) = &edit.reason {
        words.reason = Some(Arc::clone(reason));
    }
    if let Some(own) = &edit.words {
        words.words.clone_from(own);
    }
    kept.edited_at = Some(course.now);
    let record = Record { body: Some(json(&kept)?), ..(*record).clone() };
    let private = Record { owner: Arc::clone(&record.owner), ..made(WORDS, &edit.notice, &words)? };
    working.put_private([private]);
    note(
        working,
        course.now,
        Some(kept.order),
        &serde_json::json!({"edited": edit.notice}),
        vec![record.clone()],
    )?;
    Ok(Ok(Answer::Records(vec![record])))
}

/// The shop's own words for a notice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Words {
    /// Why it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    /// Above the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Arc<str>>,
}

fn no_draft(id: &str) -> Rejection {
    Refusal::new(RefusalCode::NotADraft, format!("{id} is no draft any more")).into()
}

/// A notice by its id.
fn notice(working: &mut Working<'_>, id: &str) -> Result<Option<(Arc<Record>, Kept)>, Failure> {
    let Some(record) = working.record(NOTICE, id)? else { return Ok(None) };
    Ok(read(&record)?.map(|kept| (record, kept)))
}

/// Sets records for no better word than that.
fn note(
    working: &mut Working<'_>,
    now: Timestamp,
    order: Option<OrderId>,
    data: &serde_json::Value,
    records: Vec<Record>,
) -> Result<(), Failure> {
    let event = model::event::Event::RecordsSet(Noted { sku: None, order, data: json(data)?, records });
    working.note(now, event, [])
}

fn json(value: &impl Serialize) -> Result<Json, Failure> {
    Json::of(value).map_err(|error| Failure::Defect(error.to_string().into()))
}

fn made(kind: &str, id: &str, value: &impl Serialize) -> Result<Record, Failure> {
    Ok(Record { body: Some(json(value)?), ..Record::gone(kind, id) })
}

fn read<T: serde::de::DeserializeOwned>(record: &Record) -> Result<Option<T>, Failure> {
    record.read().map_err(|error| {
        Failure::Defect(format!("the {} {} cannot be read: {error}", record.kind, record.id).into())
    })
}

/// Records of the ledger's shelf in one state, in the order of their ids.
fn in_state(
    working: &mut Working<'_>,
    kind: &str,
    state: &str,
    page: (Option<&str>, usize),
) -> Result<Vec<Record>, Failure> {
    let filter = ledger::RecordFilter { owner: None, state: Some(state) };
    working.record_page(Shelf::Ledger, kind, &filter, page)
}
