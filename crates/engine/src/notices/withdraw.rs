//! Withdrawing from a contract, where the law of the place lets a consumer do so without a reason: what is not packed is called
//! off, what left or is about to is to come back, and the customer has a receipt with the time.

use std::sync::Arc;

use model::{
    Units,
    command::CancelOrder,
    event::{Event, Noted},
    id::{LineId, OrderId},
    money::Money,
    order::Line,
    record::Record,
    refusal::{Refusal, RefusalCode, Rejection},
    time::{Timestamp, days_after, local_date},
};
use obligation::legal::{RefundForm, Step, StepKind};
use serde::{Deserialize, Serialize};

use super::{
    ground::Ground,
    json,
    lapse::{REFUND, Refund, refund_due},
    made,
    mail::about,
    repaid,
};
use crate::{
    after::{Course, follow},
    answer::Failure,
    execute::{Outcome, order_now},
    sale,
    working::Working,
};

/// The kind of the records that say that somebody withdrew; the id is the order's.
pub const WITHDRAWAL: &str = "withdrawal";

/// What somebody withdrew from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// When.
    pub at: Timestamp,
    /// By line: units that were called off.
    pub called_off: Vec<(u16, Units)>,
    /// By line: units that left or were being packed, and come back.
    pub come_back: Vec<(u16, Units)>,
}

/// Withdraws a consumer from the contract. Said twice, it is said once.
///
/// Refused: the law of the place gives no such right; nothing of the order is left to withdraw from.
pub(crate) fn withdraw(working: &mut Working<'_>, course: &mut Course, order: OrderId) -> Outcome {
    let Some(mut ground) = Ground::load(working, order)? else {
        return Ok(Err(Rejection::not_found("order", order)));
    };
    let id = order.to_string();
    if working.record(WITHDRAWAL, &id)?.is_some() {
        return order_now(working, course, order).map(Ok);
    }
    let Some(rule) = ground.withdrawal().map(|figures| format!("withdrawal: {}", figures.refund_days.source))
    else {
        let detail = format!("the law of the place that {order} goes to knows no withdrawal");
        return Ok(Err(Refusal::new(RefusalCode::NotAsked, detail).into()));
    };
    let of = Arc::clone(&ground.order);
    // What was made for the customer is none of what a consumer may withdraw from.
    let made_for = sale::of(working, order)?.map(|terms| terms.never_withdrawn()).unwrap_or_default();
    if !made_for.is_empty() && of.lines.iter().all(|line| made_for.contains(&line.no)) {
        let detail = format!("all of {order} was made for its customer");
        return Ok(Err(Refusal::new(RefusalCode::FinalSale, detail).into()));
    }
    let free = |line: &Line| line.open() - line.with_fulfilment();
    let units = |of_line: &dyn Fn(&Line) -> Units| -> Vec<(u16, Units)> {
        let lines = of.lines.iter().filter(|line| !made_for.contains(&line.no));
        let all = lines.map(|line| (line.no, of_line(line)));
        all.filter(|(_, units)| *units > 0).collect()
    };
    let called_off = units(&free);
    let come_back = units(&|line| line.shipped + line.with_fulfilment());
    if called_off.is_empty() && come_back.is_empty() {
        let detail = format!("nothing of {order} is left");
        return Ok(Err(Refusal::new(RefusalCode::AlreadyCancelled, detail).into()));
    }
    for (no, _) in called_off.iter().chain(&come_back) {
        let case = ground.case_mut(*no);
        case.steps.push(Step { at: course.now, kind: StepKind::Cancel });
        case.fate_told = true;
        case.last_word_at = Some(course.now);
    }
    let withdrawal =
        Withdrawal { at: course.now, called_off: called_off.clone(), come_back: come_back.clone() };
    let mut records = vec![
        Record { owner: id.as_str().into(), ..made(WITHDRAWAL, &id, &withdrawal)? },
        ground.case_record()?,
    ];
    for (no, units) in &come_back {
        records.extend(
            of.line(*no).map(|line| to_come_back(&ground, course, (line, &rule), *units)).transpose()?,
        );
    }
    let data = json(&serde_json::json!({ "withdrawn": withdrawal }))?;
    let noted = Noted { sku: None, order: Some(order), data, records };
    working.apply(course.now, vec![Event::RecordsSet(noted)])?;
    if !called_off.is_empty() {
        let lines = called_off.iter().map(|(no, units)| (LineId { order, no: *no }, Some(*units)));
        let wish = CancelOrder {
            order,
            lines: lines.collect(),
            reason: Some("the customer withdrew".into()),
            placed_by: None,
            by_customer: true,
        };
        let events = match promise::cancel_order(course.next(working), &wish) {
            Ok(events) => events,
            Err(rejection) => {
                let detail = format!("units that are open were not called off: {rejection:?}");
                return Err(Failure::Defect(detail.into()));
            }
        };
        course.customer_knows = true;
        follow(working, course, &events)?;
        for (no, units) in called_off {
            refund_due(working, course, &ground, (LineId { order, no }, units), "customer", &rule)?;
        }
    }
    working.put_private([about("withdrawal", order, "receipt", course.now)?]);
    order_now(working, course, order).map(Ok)
}

/// The word that money goes back for units that come back.
fn to_come_back(
    ground: &Ground,
    course: &Course,
    (line, rule): (&Line, &str),
    units: Units,
) -> Result<Record, Failure> {
    let days = ground.withdrawal().map(|figures| figures.refund_days.value);
    let id = ground.line_id(line.no);
    let price = line.unit_price;
    let refund = Refund {
        line: id,
        quantity: units,
        amount: price
            .and_then(|price| price.amount.checked_mul(units).map(|sum| Money::new(sum, price.currency))),
        due_by: days.and_then(|days| days_after(local_date(course.now, &ground.zone), days)),
        rule: format!("{rule}; it may wait until the goods are back"),
        form: RefundForm::Money,
        ended_by: "customer".to_owned(),
        at: course.now,
        sent: None,
        sent_at: None,
    };
    let record = made(REFUND, &repaid::withdrawn_id(id), &refund)?;
    Ok(Record { owner: ground.order.id.to_string().into(), state: repaid::DUE.into(), ..record })
}
