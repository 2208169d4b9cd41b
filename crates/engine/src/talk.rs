//! What a customer and a shop write to each other about an order: a thread of private records. The ledger says that something was
//! written and by whom, not what.

use std::sync::Arc;

use ledger::{RecordFilter, Shelf};
use model::{
    event::{Event, Noted},
    id::OrderId,
    record::{Json, Record},
    refusal::{Refusal, RefusalCode, Rejection},
    talk::{By, MESSAGE, Message, READ, UNREAD, Write},
};
use serde_json::json;

use crate::{
    after::Course,
    answer::{Answer, Failure},
    execute::Outcome,
    notices,
    working::Working,
};

/// Most messages of one order.
pub const MESSAGES_MAX: usize = 500;
/// Most that a customer writes before somebody at the shop has read them.
pub const UNREAD_MAX: usize = 10;

/// Writes something down; what the shop writes to a customer goes out by mail as well.
pub(crate) fn write(working: &mut Working<'_>, course: &Course, wish: &Write) -> Outcome {
    working.load_orders(&[wish.order])?;
    if !working.shop().orders.contains_key(&wish.order) {
        return Ok(Err(Rejection::not_found("order", wish.order)));
    }
    let all = thread(working, wish.order, None)?;
    let unread = all.iter().filter(|record| &*record.state == UNREAD).count();
    let full = all.len() >= MESSAGES_MAX || (wish.by == By::Customer && unread >= UNREAD_MAX);
    if full {
        let detail = "so much was written already that somebody must read it first";
        return Ok(Err(Refusal::new(RefusalCode::TooManyMessages, detail).into()));
    }
    let id = format!("msg_{}", course.setting(working).command.simple());
    let Write { order, by, who, text } = wish.clone();
    let message = Message { order, by, who, text, at: course.now };
    let state = if by == By::Customer { UNREAD } else { READ };
    let record = Record {
        owner: order.to_string().into(),
        state: state.into(),
        ..Record::new(MESSAGE, &id, &message)?
    };
    let mut records = vec![record.clone()];
    if by == By::Shop {
        records.extend(all.into_iter().filter(|known| &*known.state == UNREAD).map(read));
        records.push(notices::reply(order, &id, course.now)?);
    }
    let data = Json::of(&json!({ "message": id, "by": by }))?;
    let noted = Noted { sku: None, order: Some(order), data, records: Vec::new() };
    working.note(course.now, Event::MessageWritten(noted), records)?;
    Ok(Ok(Answer::Records(vec![record])))
}

/// Why somebody calls something off, in their own words: these are a message about the order, which can be erased, and the ledger
/// says whose word it was.
pub(crate) struct Why<'a> {
    words: Option<&'a Arc<str>>,
    by_customer: bool,
}

impl<'a> Why<'a> {
    pub(crate) fn new(words: Option<&'a Arc<str>>, by_customer: bool) -> Self {
        Self { words, by_customer }
    }

    /// What the ledger says; nothing where nobody said why.
    pub(crate) fn code(&self) -> Option<Arc<str>> {
        let code = if self.by_customer { "the customer cancelled" } else { "the shop cancelled" };
        self.words.map(|_| code.into())
    }

    /// Keeps the words: the customer's for somebody to read, the shop's as a note.
    pub(crate) fn keep(
        &self,
        working: &mut Working<'_>,
        course: &Course,
        order: OrderId,
    ) -> Result<(), Failure> {
        let Some(words) = self.words else { return Ok(()) };
        put_down(working, course, (order, if self.by_customer { By::Customer } else { By::Note }), words)
    }
}

/// Keeps what somebody at the shop wrote of an order as a note for the others.
pub(crate) fn note(
    working: &mut Working<'_>,
    course: &Course,
    order: OrderId,
    words: &Arc<str>,
) -> Result<(), Failure> {
    put_down(working, course, (order, By::Note), words)
}

/// Adds words to the thread of an order, beside what a command does; a thread that is full takes no more.
fn put_down(
    working: &mut Working<'_>,
    course: &Course,
    (order, by): (OrderId, By),
    words: &Arc<str>,
) -> Result<(), Failure> {
    if thread(working, order, None)?.len() >= MESSAGES_MAX {
        return Ok(());
    }
    // One command may write to several orders.
    let of = order.to_string();
    let id = format!("msg_{}-{}", course.setting(working).command.simple(), of.trim_start_matches("ord_"));
    let message = Message { order, by, who: None, text: Arc::clone(words), at: course.now };
    let state = if by == By::Customer { UNREAD } else { READ };
    let record = Record { owner: of.into(), state: state.into(), ..Record::new(MESSAGE, &id, &message)? };
    working.put_private([record]);
    Ok(())
}

/// Marks what a customer wrote about an order as read. The ledger says so where something was: whoever has read it so far, a page
/// that is open or a list that is kept, looks again.
pub(crate) fn mark_read(working: &mut Working<'_>, course: &Course, order: OrderId) -> Outcome {
    working.load_orders(&[order])?;
    if !working.shop().orders.contains_key(&order) {
        return Ok(Err(Rejection::not_found("order", order)));
    }
    let unread = thread(working, order, Some(UNREAD))?;
    if !unread.is_empty() {
        let data = Json::of(&json!({ "messages_read": unread.len() }))?;
        let noted = Noted { sku: None, order: Some(order), data, records: Vec::new() };
        working.note(course.now, Event::RecordsSet(noted), unread.into_iter().map(read))?;
    }
    Ok(Ok(Answer::Done))
}

fn read(record: Record) -> Record {
    Record { state: READ.into(), ..record }
}

fn thread(working: &mut Working<'_>, order: OrderId, state: Option<&str>) -> Result<Vec<Record>, Failure> {
    let owner = order.to_string();
    let filter = RecordFilter { owner: Some(&owner), state };
    working.record_page(Shelf::Private, MESSAGE, &filter, (None, MESSAGES_MAX))
}
