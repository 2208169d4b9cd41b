//! Money that is due back and of which no account knows: of orders whose money is moved elsewhere, and for goods that come back after
//! a withdrawal. Each is a record until whoever sends the money says so.

use ledger::{RecordFilter, Shelf};
use model::{
    event::{Event, Noted},
    id::LineId,
    limits::LINES_MAX,
    message::Repaid,
    money::Money,
    record::Record,
    refusal::Rejection,
    time::Timestamp,
};

use super::{
    json,
    lapse::{REFUND, Refund},
    read,
};
use crate::{
    after::Course,
    answer::{Answer, Failure},
    execute::Outcome,
    working::Working,
};

/// The state of the record of money that is still to go back.
pub(super) const DUE: &str = "due";
/// The same once it went.
const DONE: &str = "done";

/// The id of the record of money that goes back for units that left, once somebody withdrew.
pub(super) fn withdrawn_id(line: LineId) -> String {
    format!("{line}-withdrawn")
}

/// Writes down that money went back.
///
/// Refused: nothing of the order is due back outside its account; an amount for several lines at once, or in another currency.
pub(super) fn repaid(working: &mut Working<'_>, course: &Course, wish: &Repaid) -> Outcome {
    let due = due_of(working, wish)?;
    if due.is_empty() {
        return Ok(Err(Rejection::not_found("refund that is due outside the account of", wish.order)));
    }
    if let Some(amount) = wish.amount {
        if due.len() > 1 {
            let detail = "money is due for several lines: say for which";
            return Ok(Err(Rejection::field("/line", "required", detail)));
        }
        let known = due.first().and_then(|(_, refund)| refund.amount);
        if known.is_some_and(|known| known.currency != amount.currency) {
            let detail = "what is due is in another currency";
            return Ok(Err(Rejection::field("/amount/currency", "other_currency", detail)));
        }
    }
    let (mut events, mut records) = (Vec::new(), Vec::new());
    for (record, mut refund) in due {
        refund.sent = wish.amount.or(refund.amount);
        refund.sent_at = Some(course.now);
        let record = Record { state: DONE.into(), body: Some(json(&refund)?), ..record };
        let data = json(&serde_json::json!({ "line": refund.line, "amount": refund.sent, "by_hand": true }))?;
        let noted = Noted { sku: None, order: Some(wish.order), data, records: vec![record.clone()] };
        events.push(Event::Refunded(noted));
        records.push(record);
    }
    working.apply(course.now, events)?;
    Ok(Ok(Answer::Records(records)))
}

fn due_of(working: &mut Working<'_>, wish: &Repaid) -> Result<Vec<(Record, Refund)>, Failure> {
    let owner = wish.order.to_string();
    let filter = RecordFilter { owner: Some(&owner), state: Some(DUE) };
    let found = working.record_page(Shelf::Ledger, REFUND, &filter, (None, 2 * LINES_MAX))?;
    let mut due = Vec::with_capacity(found.len());
    for record in found {
        let Some(refund) = read::<Refund>(&record)? else { continue };
        if wish.line.is_none_or(|line| refund.line.no == line) {
            due.push((record, refund));
        }
    }
    Ok(due)
}

/// What an account gives back for units that left is what a withdrawal of them waits for: the record as it is then, if it changes.
pub(crate) fn conceded(
    working: &mut Working<'_>,
    line: LineId,
    amount: Money,
    now: Timestamp,
) -> Result<Option<Record>, Failure> {
    let Some(record) = working.record(REFUND, &withdrawn_id(line))? else { return Ok(None) };
    let Some(mut refund) = read::<Refund>(&record)?.filter(|_| &*record.state == DUE) else {
        return Ok(None);
    };
    let before = refund.sent.map_or(0, |sent| sent.amount);
    let sent = Money::new(before.saturating_add(amount.amount), amount.currency);
    let is_done = refund.amount.is_none_or(|due| sent.amount >= due.amount);
    refund.sent = Some(sent);
    refund.sent_at = Some(now);
    let state = if is_done { DONE } else { DUE };
    Ok(Some(Record { state: state.into(), body: Some(json(&refund)?), ..(*record).clone() }))
}
