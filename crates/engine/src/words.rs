//! What people at the shop write about goods: private records, which can be erased, since a note may speak of anybody. The ledger
//! says what was done and none of the words.

use std::sync::Arc;

use ledger::{RecordFilter, Shelf};
use model::{
    event::{Event, Noted},
    id::{OrderId, Sku},
    record::{Json, Record},
    refusal::Rejection,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    after::Course,
    answer::{Answer, Failure},
    execute::Outcome,
    talk,
    working::Working,
};

/// The kind of the private records that are notes about goods; the id says when, the owner is the SKU.
pub const STOCK_NOTE: &str = "stock_note";
/// Most notes that are searched for somebody's name when that person is forgotten.
const SEARCHED_MAX: usize = 20_000;
const PAGE: usize = 500;

/// A note about goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockNote {
    /// Of what.
    pub sku: Sku,
    /// When it was written.
    pub at: Timestamp,
    /// On what occasion: `adjustment`, `count`, `inspection`.
    pub about: Arc<str>,
    /// The words.
    pub text: Arc<str>,
}

/// Keeps the words of a command that was done: with the order they are about, else with the goods.
pub(crate) fn keep(
    working: &mut Working<'_>,
    course: &Course,
    (about, text): (&str, Option<&Arc<str>>),
    (sku, orders): (Option<&Sku>, &[OrderId]),
    done: &Outcome,
) -> Result<(), Failure> {
    let (Some(text), Ok(Ok(_))) = (text, done) else { return Ok(()) };
    for order in orders {
        talk::note(working, course, *order, text)?;
    }
    let (Some(sku), true) = (sku, orders.is_empty()) else { return Ok(()) };
    let id = format!("note_{}", course.setting(working).command.simple());
    let note = StockNote { sku: sku.clone(), at: course.now, about: about.into(), text: Arc::clone(text) };
    working.put_private([Record { owner: sku.to_string().into(), ..Record::new(STOCK_NOTE, &id, &note)? }]);
    Ok(())
}

/// Erases a note about goods.
pub(crate) fn erase(working: &mut Working<'_>, course: &Course, id: &str) -> Outcome {
    if working.private(STOCK_NOTE, id)?.is_none() {
        return Ok(Err(Rejection::not_found("note", id)));
    }
    working.put_private([Record::gone(STOCK_NOTE, id)]);
    let data = Json::of(&json!({ "erased": id }))?;
    let noted = Noted { sku: None, order: None, data, records: Vec::new() };
    working.apply(course.now, vec![Event::RecordsSet(noted)])?;
    Ok(Ok(Answer::Done))
}

/// The notes about goods that name somebody, by address or by whole name.
pub(crate) fn that_name(working: &mut Working<'_>, names: &[Arc<str>]) -> Result<Vec<Record>, Failure> {
    let names: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let (mut gone, mut after, mut searched): (Vec<Record>, Option<Arc<str>>, usize) = (Vec::new(), None, 0);
    if names.is_empty() {
        return Ok(gone);
    }
    while searched < SEARCHED_MAX {
        let filter = RecordFilter { owner: None, state: None };
        let page = working.record_page(Shelf::Private, STOCK_NOTE, &filter, (after.as_deref(), PAGE))?;
        for record in &page {
            let note: Option<StockNote> = record.read()?;
            let text = note.map(|note| note.text.to_lowercase()).unwrap_or_default();
            if names.iter().any(|name| text.contains(name)) {
                gone.push(Record::gone(STOCK_NOTE, &record.id));
            }
        }
        searched += page.len();
        match page.last().filter(|_| page.len() == PAGE) {
            Some(last) => after = Some(Arc::clone(&last.id)),
            None => break,
        }
    }
    Ok(gone)
}
