//! Sales that are final: kept with the order when it is placed, and held against a customer who calls it off.

use std::collections::BTreeMap;

use ledger::{Read, RecordFilter, Shelf, StoreError};
use model::{
    command::CancelOrder,
    event::{Event, Noted},
    id::{Channel, OrderId, Sku, TenantId},
    item::Returns,
    record::{Json, Record},
    refusal::{Refusal, RefusalCode},
    time::local_date,
};
use obligation::sale::{SALE, SaleTerms};

use crate::{after::Course, answer::Failure, notices::Ground, working::Working};

/// How a SKU is sold on a channel.
fn returns(working: &Working<'_>, channel: &Channel, sku: &Sku) -> Returns {
    let set = working.pool(sku).and_then(|pool| pool.policy_for(channel));
    set.map(|policy| policy.returns).unwrap_or_default()
}

/// Whether any order was ever sold so.
pub(crate) fn any(read: &mut (impl Read + ?Sized), tenant: &TenantId) -> Result<bool, StoreError> {
    let first = (None, 1);
    Ok(!read.record_page(tenant, Shelf::Ledger, SALE, &RecordFilter::default(), first)?.is_empty())
}

/// Keeps how an order that was placed was sold, where any line is final.
pub(crate) fn keep(
    working: &mut Working<'_>,
    course: &Course,
    channel: &Channel,
    (skus, id): (&[&Sku], OrderId),
) -> Result<(), Failure> {
    if skus.iter().all(|sku| returns(working, channel, sku).is_free()) {
        return Ok(());
    }
    let Some(order) = working.shop().orders.get(&id) else { return Ok(()) };
    let sold = order.lines.iter().map(|line| (line.no, returns(working, channel, &line.sku)));
    let lines: BTreeMap<u16, Returns> = sold.filter(|(_, returns)| !returns.is_free()).collect();
    if lines.is_empty() {
        return Ok(());
    }
    let terms = SaleTerms { lines };
    let owner = id.to_string();
    let record = Record { owner: owner.as_str().into(), ..Record::new(SALE, &owner, &terms)? };
    let data = Json::of(&serde_json::json!({ "sale_terms": terms.lines }))?;
    let noted = Noted { sku: None, order: Some(id), data, records: vec![record] };
    working.state.sells_final = true;
    working.apply(course.now, vec![Event::RecordsSet(noted)])
}

/// How an order was sold; nothing where all of it can be called off.
pub(crate) fn of(working: &mut Working<'_>, order: OrderId) -> Result<Option<SaleTerms>, Failure> {
    let Some(record) = working.record(SALE, &order.to_string())? else { return Ok(None) };
    Ok(record.read()?)
}

/// Why a customer cannot call off what is wished; `None`: nothing speaks against it.
pub(crate) fn holds(
    working: &mut Working<'_>,
    course: &Course,
    wish: &CancelOrder,
) -> Result<Option<Refusal>, Failure> {
    if !working.state.sells_final {
        return Ok(None);
    }
    let Some(terms) = of(working, wish.order)? else { return Ok(None) };
    let Some(ground) = Ground::load(working, wish.order)? else { return Ok(None) };
    let held = terms.held(&ground.order, local_date(course.now, &ground.zone), ground.law());
    let is_wished = |no: u16| match &wish.lines[..] {
        [] => ground.order.line(no).is_some_and(|line| line.open() > 0),
        lines => lines.iter().any(|(line, _)| line.no == no),
    };
    let line = held.into_iter().find(|no| is_wished(*no)).and_then(|no| ground.order.line(no));
    Ok(line.map(|line| {
        let detail = format!("line {} was a final sale, and it ships as promised", line.no);
        Refusal {
            line: Some(line.no),
            sku: Some(line.sku.clone()),
            ..Refusal::new(RefusalCode::FinalSale, detail)
        }
    }))
}
