//! Deadlines: a draft whose last day has come goes out, and silence does what the law says.

use std::sync::Arc;

use model::{
    Units,
    event::Event,
    id::LineId,
    money::Money,
    record::{Noted, Record},
    refusal::Rejection,
    time::{Timestamp, seconds_after},
};
use obligation::{
    legal::RefundForm,
    notice::{
        Outcome,
        kept::{Kept, Lapsed, NOTICE, line_of, state},
        unanswered,
    },
    payment::kept::ACCOUNT,
};

use super::{
    answer::whole_line,
    draft::{Look, draft, line_in},
    ground::Ground,
    json, made, note, read, repaid,
    send::{Told, send_order},
};
use crate::{
    after::{Course, follow},
    answer::Failure,
    working::Working,
};

/// The kind of the records that say that money goes back; the id is the line's.
pub const REFUND: &str = "refund";
/// How long a line that is being packed is waited for before its deadline is looked at again, in seconds.
const PACKING_S: i64 = 6 * 3_600;

/// Works a notice whose time has come.
pub(crate) fn fire(working: &mut Working<'_>, course: &mut Course, record: &Record) -> Result<(), Failure> {
    let Some(id) = line_of(&record.id) else { return drop_due(working, course.now, record) };
    match &*record.state {
        state::DRAFT => send_due(working, course, record, id),
        state::SENT | state::ANSWERED | state::SILENT => lapse(working, course, record, id),
        _ => drop_due(working, course.now, record),
    }
}

fn drop_due(working: &mut Working<'_>, now: Timestamp, record: &Record) -> Result<(), Failure> {
    let order = line_of(&record.id).map(|line| line.order);
    let gone = Record { due: None, ..record.clone() };
    note(working, now, order, &serde_json::json!({ "settled": record.id }), vec![gone])
}

/// Sends a draft whose time has come, with all others of its order that have.
fn send_due(working: &mut Working<'_>, course: &Course, record: &Record, id: LineId) -> Result<(), Failure> {
    let filter = ledger::RecordFilter { owner: Some(&record.owner), state: None };
    let page =
        working.record_page(ledger::Shelf::Ledger, NOTICE, &filter, (None, model::limits::LINES_MAX))?;
    let is_due =
        |draft: &&Record| &*draft.state == state::DRAFT && draft.due.is_some_and(|due| due <= course.now);
    let ids: Vec<Arc<str>> = page.iter().filter(is_due).map(|draft| Arc::clone(&draft.id)).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut told = Told::default();
    send_order(working, course.now, id.order, &ids, &mut told)?;
    // What was not sent is due no more unless something changes it: somebody must see to it.
    let left = told.kept.iter().map(|(id, _)| Arc::clone(id)).collect::<Vec<_>>();
    for id in left {
        if let Some(still) = working.record(NOTICE, &id)?
            && still.due.is_some_and(|due| due <= course.now)
        {
            drop_due(working, course.now, &still)?;
        }
    }
    Ok(())
}

/// Does what silence means by now.
fn lapse(working: &mut Working<'_>, course: &mut Course, record: &Record, id: LineId) -> Result<(), Failure> {
    let Some(ground) = Ground::load(working, id.order)? else { return drop_due(working, course.now, record) };
    let Some(line) = line_in(&ground, id).filter(|line| line.open() > 0) else {
        return drop_due(working, course.now, record);
    };
    let Some(mut kept) = read::<Kept>(record)? else { return Ok(()) };
    match ground.ask(line, |case| unanswered(case, course.now)) {
        Outcome::Cancelled { rule, .. } => {
            if line.with_fulfilment() > 0 {
                // It is being packed: either it leaves, or it comes back.
                let due = seconds_after(course.now, PACKING_S);
                let later = Record { due, ..record.clone() };
                let data = serde_json::json!({ "deadline_passed": record.id, "released": true });
                return note(working, course.now, Some(id.order), &data, vec![later]);
            }
            kept.lapsed =
                Some(Lapsed { at: course.now, outcome: "cancelled".into(), rule: Some(rule.into()) });
            settle(working, course, record, &kept, None, id)?;
            end_by_law(working, course, id)
        }
        Outcome::Kept { .. } => {
            let due = ground.next_change(line, course.now);
            kept.lapsed = Some(Lapsed { at: course.now, outcome: "kept".into(), rule: None });
            settle(working, course, record, &kept, due, id)
        }
        _ => {
            let due = ground.next_change(line, course.now);
            let later = Record { due, ..record.clone() };
            note(
                working,
                course.now,
                Some(id.order),
                &serde_json::json!({ "looked_at": record.id }),
                vec![later],
            )
        }
    }
}

fn settle(
    working: &mut Working<'_>,
    course: &Course,
    record: &Record,
    kept: &Kept,
    due: Option<Timestamp>,
    id: LineId,
) -> Result<(), Failure> {
    let word = if kept.answer.is_some() { state::ANSWERED } else { state::SILENT };
    let settled = Record { state: word.into(), due, body: Some(json(kept)?), ..record.clone() };
    let lapsed = kept.lapsed.as_ref();
    let data = json(&serde_json::json!({
        "notice": record.id, "line": id, "answer": "none", "version": kept.news.version,
        "outcome": lapsed.map(|lapsed| &lapsed.outcome), "rule": lapsed.and_then(|lapsed| lapsed.rule.as_ref()),
    }))?;
    let noted = Noted { sku: Some(kept.sku.clone()), order: Some(id.order), data, records: vec![settled] };
    working.apply(course.now, vec![Event::NoticeAnswered(noted)])
}

/// Cancels a line that the law has cancelled, and says that money goes back.
pub(super) fn end_by_law(working: &mut Working<'_>, course: &mut Course, id: LineId) -> Result<(), Failure> {
    let events =
        match cancel_decision(working, course, id, "not shipped in time, and nobody agreed to wait", false) {
            Ok(events) => events,
            Err(_) => return Ok(()),
        };
    let open = working.shop().orders.get(&id.order).and_then(|order| order.line(id.no));
    let units = open.map_or(0, model::order::Line::open);
    let knew = std::mem::replace(&mut course.customer_knows, true);
    follow(working, course, &events)?;
    course.customer_knows = knew;
    let Some(ground) = Ground::load(working, id.order)? else { return Ok(()) };
    let rule = line_in(&ground, id)
        .and_then(|line| ground.ask(line, |case| case.standing(course.now).cancelled.map(|end| end.rule)));
    refund_due(working, course, &ground, (id, units), "law", rule.unwrap_or_default())?;
    draft(working, course.now, &[id.order], Look::All)
}

/// What calling a whole line off leads to.
pub(super) fn cancel_decision(
    working: &Working<'_>,
    course: &Course,
    id: LineId,
    reason: &str,
    by_customer: bool,
) -> Result<Vec<Event>, Rejection> {
    promise::cancel_order(course.setting(working), &whole_line(id, reason, by_customer))
}

/// Says that money goes back for a line that has just been called off. `by`: who ended it.
pub(super) fn refund_due(
    working: &mut Working<'_>,
    course: &Course,
    ground: &Ground,
    (id, units): (LineId, Units),
    by: &str,
    rule: &str,
) -> Result<(), Failure> {
    if working.record(ACCOUNT, &id.order.to_string())?.is_some() {
        // The order's account has seen that units were called off, and says what goes back.
        return Ok(());
    }
    let Some(line) = line_in(ground, id) else { return Ok(()) };
    let standing = ground.ask(line, |case| case.standing(course.now));
    let amount = line
        .unit_price
        .and_then(|price| price.amount.checked_mul(units).map(|sum| Money::new(sum, price.currency)));
    let refund = Refund {
        line: id,
        quantity: units,
        amount,
        due_by: standing.refund_by.map(|deadline| deadline.on),
        rule: standing.refund_by.map_or(rule, |deadline| deadline.rule).to_owned(),
        form: standing.refund.unwrap_or(RefundForm::Money),
        ended_by: by.to_owned(),
        at: course.now,
        sent: None,
        sent_at: None,
    };
    let record = Record {
        owner: id.order.to_string().into(),
        state: repaid::DUE.into(),
        ..made(REFUND, &id.to_string(), &refund)?
    };
    let data =
        json(&serde_json::json!({ "line": id, "quantity": units, "amount": amount, "by": refund.due_by,
        "rule": refund.rule, "form": refund.form, "ended_by": by }))?;
    let noted = Noted { sku: Some(line.sku.clone()), order: Some(id.order), data, records: vec![record] };
    working.apply(course.now, vec![Event::RefundDue(noted)])
}

/// Money that goes back, or the word that none was taken, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refund {
    /// For which line.
    pub line: LineId,
    /// For how many units.
    pub quantity: Units,
    /// What they sold for; `None` where no price is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// The last day.
    #[serde(default, deserialize_with = "model::time::deserialize_optional_date")]
    pub due_by: Option<model::time::Date>,
    /// By which rule.
    pub rule: String,
    /// What goes back.
    pub form: RefundForm,
    /// Who ended it: `customer`, `law`.
    pub ended_by: String,
    /// When.
    pub at: Timestamp,
    /// What has gone back so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Money>,
    /// When the last of it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
}

impl Refund {
    /// How much is still to go back; `None` where no price is known.
    pub fn left(&self) -> Option<Money> {
        let sent = self.sent.map_or(0, |sent| sent.amount);
        self.amount.map(|due| Money::new(due.amount.saturating_sub(sent), due.currency))
    }
}
