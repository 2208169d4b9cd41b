//! Questions to everybody who waits for a SKU: what next, which colour, how many. Each customer is asked once and counts once.

use std::collections::BTreeMap;

use ledger::QueuePart;
use model::{
    event::{Event, Noted},
    id::{CustomerKey, OrderId},
    question::{ANSWERED, Answered, Ask, QUESTION, Question, Reply},
    record::{Json, Record},
    refusal::{Refusal, RefusalCode, Rejection},
};
use serde_json::json;

use crate::{
    after::Course,
    answer::{Answer, Failure},
    execute::Outcome,
    notices,
    working::Working,
};

/// Most lines that are looked at for customers to ask.
const LINES_MAX: usize = 20_000;
const PAGE: usize = 1_000;

/// Asks: a mail to each customer with an address, with the page of an order to answer on.
pub(crate) fn ask(working: &mut Working<'_>, course: &Course, wish: &Ask) -> Outcome {
    working.load_pools([&wish.sku].into_iter())?;
    if working.pool(&wish.sku).is_none() {
        let detail = format!("there is no sku {:?}", wish.sku.as_str());
        return Ok(Err(Rejection::field("/sku", "unknown_sku", detail)));
    }
    let Some(customers) = waiting(working, wish)? else {
        let detail = format!("more than {LINES_MAX} lines wait for {}", wish.sku);
        return Ok(Err(Refusal::new(RefusalCode::TooManyLines, detail).into()));
    };
    let id = format!("qst_{}", course.setting(working).command.simple());
    let Ask { text, choices, sku } = wish.clone();
    let mut mails = Vec::new();
    for order in customers.values() {
        let tenant = working.tenant;
        let known = working.store()?.contact(tenant, *order)?;
        if known.is_some_and(|contact| contact.email.is_some()) {
            mails.push(notices::question(*order, &id, course.now)?);
        }
    }
    let question = Question { text, choices, sku, asked_at: course.now, asked: mails.len() };
    let record = Record::new(QUESTION, &id, &question)?;
    let data = Json::of(&json!({ "question": id, "asked": question.asked }))?;
    let noted = Noted { sku: Some(question.sku), order: None, data, records: vec![record.clone()] };
    working.note(course.now, Event::RecordsSet(noted), mails)?;
    Ok(Ok(Answer::Records(vec![record])))
}

/// Customers who wait for a SKU, each with the newest order that does; `None`: too many lines.
fn waiting(working: &mut Working<'_>, wish: &Ask) -> Result<Option<BTreeMap<CustomerKey, OrderId>>, Failure> {
    let supplies = working.pool(&wish.sku).map(|pool| pool.supplies.clone()).unwrap_or_default();
    let mut orders: Vec<OrderId> = Vec::new();
    for supply in supplies.iter().filter(|supply| !supply.is_on_hand() && supply.pegged() > 0) {
        let mut after = None;
        loop {
            let page = working.waiting_page(supply.id, QueuePart::All, after, PAGE)?;
            orders.extend(page.iter().map(|waiting| waiting.line.order));
            if orders.len() > LINES_MAX {
                return Ok(None);
            }
            match page.last().filter(|_| page.len() == PAGE) {
                Some(last) => after = Some(last.line),
                None => break,
            }
        }
    }
    orders.sort_unstable();
    orders.dedup();
    let mut customers = BTreeMap::new();
    for ids in orders.chunks(PAGE) {
        let tenant = working.tenant;
        for order in working.store()?.orders(tenant, ids)? {
            if let Some(customer) = order.customer {
                customers.insert(customer, order.id);
            }
        }
    }
    Ok(Some(customers))
}

/// Notes an answer in the place of an earlier one of the same customer.
pub(crate) fn reply(working: &mut Working<'_>, course: &Course, wish: &Reply) -> Outcome {
    let known = working.record(QUESTION, &wish.question)?;
    let Some(question) = known.map(|record| record.read::<Question>()).transpose()?.flatten() else {
        return Ok(Err(Rejection::not_found("question", &wish.question)));
    };
    if wish.choice >= question.choices.len() {
        let detail = format!("there are {} choices", question.choices.len());
        return Ok(Err(Rejection::field("/choice", "out_of_range", detail)));
    }
    working.load_orders(&[wish.order])?;
    let Some(order) = working.shop().orders.get(&wish.order) else {
        return Ok(Err(Rejection::not_found("order", wish.order)));
    };
    let who = order.customer.map_or_else(|| order.id.to_string(), |customer| format!("{customer:?}"));
    let answered = Answered { order: wish.order, choice: wish.choice, at: course.now };
    let record = Record {
        owner: wish.question.clone(),
        state: wish.choice.to_string().into(),
        ..Record::new(ANSWERED, &format!("{}-{who}", wish.question), &answered)?
    };
    let data = Json::of(&json!({ "question": wish.question, "choice": wish.choice }))?;
    let noted = Noted { sku: Some(question.sku), order: Some(wish.order), data, records: vec![record] };
    working.apply(course.now, vec![Event::RecordsSet(noted)])?;
    Ok(Ok(Answer::Done))
}
