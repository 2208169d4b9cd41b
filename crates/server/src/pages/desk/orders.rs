//! Orders: the newest first, found by the shop's number, the id, or the customer's address.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use ledger::{OrderFilter, Read};
use model::{
    command::Contact,
    id::{OrderId, TenantId},
    limits::NAME_CHARS_MAX,
    money::Money,
    order::Order,
    view::{LineState, OrderView},
};
use serde::Deserialize;

use super::{
    super::{Frame, owe::short_id, page, shop::encoded, words},
    Ask, Day, Fail, Local,
};
use crate::{api::state::shop_of, app::customer_key, staff::May};

/// Orders on one page.
const SHOWN: usize = 40;

/// Which part of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cut {
    /// What somebody looks for.
    q: String,
    before: String,
}

#[derive(Template)]
#[template(path = "desk/orders.html")]
struct List {
    frame: Frame,
    q: String,
    rows: Vec<Row>,
    more: Option<String>,
}

/// An order in a list.
pub(super) struct Row {
    pub(super) href: String,
    pub(super) order: String,
    pub(super) who: String,
    pub(super) placed: String,
    pub(super) what: String,
    pub(super) value: String,
    pub(super) ships: Option<Day>,
    pub(super) word: &'static str,
    pub(super) tone: &'static str,
}

/// An order, who placed it, and how it is now.
pub(super) type Found = (Order, Contact, OrderView);

/// Reads orders as `GET /v1/orders` shows them.
pub(super) fn find(
    ask: &Ask,
    reader: &mut dyn Read,
    tenant: &TenantId,
    ids: &[OrderId],
) -> Result<(Vec<Found>, model::state::Shop), Fail> {
    let orders = reader.orders(tenant, ids)?;
    let shop = shop_of(reader, tenant, &orders)?;
    let mut found = Vec::with_capacity(orders.len());
    for order in orders {
        let contact = reader.contact(tenant, order.id)?.unwrap_or_default();
        let view = promise::order_view(&shop, &order, ask.now);
        found.push((order, contact, view));
    }
    Ok((found, shop))
}

/// A state in a word, and how it looks.
pub(super) fn state(state: LineState) -> (&'static str, &'static str) {
    match state {
        LineState::Allocated => ("Ready to ship", "here"),
        LineState::Backordered => ("Waits for goods", "later"),
        LineState::PartlyAllocated => ("Partly ready", "few"),
        LineState::Shipped => ("Sent", "out"),
        LineState::Cancelled => ("Cancelled", "out"),
    }
}

/// What open units and sent ones sell for, by currency.
pub(super) fn value(view: &OrderView) -> Vec<Money> {
    let mut sums: Vec<Money> = Vec::new();
    for line in &view.lines {
        let Some(money) = line.unit_price.and_then(|price| price.checked_mul(line.open + line.shipped).ok())
        else {
            continue;
        };
        match sums.iter_mut().find(|sum| sum.currency == money.currency) {
            Some(sum) => *sum = sum.checked_add(money).unwrap_or(*sum),
            None => sums.push(money),
        }
    }
    sums
}

/// `GET /orders`.
pub(super) fn answer(ask: &Ask, cut: &Cut) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let tenant = &visitor.tenant;
    let local = Local::of(ask, tenant)?;
    let q: String = cut.q.trim().chars().take(NAME_CHARS_MAX).collect();
    let before: Option<OrderId> = Some(&*cut.before)
        .filter(|text| !text.is_empty())
        .map(str::parse)
        .transpose()
        .map_err(|_| Fail::NotFound)?;
    let mut reader = ask.app.engine.store().reader()?;
    let (mut ids, is_by_id) = match q.parse::<OrderId>() {
        Ok(id) => (vec![id], true),
        Err(_) => {
            let mut filter = OrderFilter::default();
            if q.contains('@') {
                let salt = reader.tenant(tenant)?.ok_or(Fail::NotFound)?.salt;
                filter.customer = Some(customer_key(&salt, &q));
            } else if !q.is_empty() {
                filter.reference = Some(q.as_str().into());
            }
            (reader.order_page(tenant, &filter, before, SHOWN + 1)?, false)
        }
    };
    let is_more = ids.len() > SHOWN && !is_by_id;
    ids.truncate(SHOWN);
    let (found, shop) = find(ask, &mut *reader, tenant, &ids)?;
    let mut rows: Vec<(OrderId, Row)> =
        found.iter().map(|found| (found.0.id, row(&shop, found, &local))).collect();
    // The store answers orders in the order of their ids; the list has the newest first.
    rows.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    let list = List {
        more: ids.last().filter(|_| is_more).map(|last| format!("/orders?q={}&before={last}", encoded(&q))),
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        q,
        frame: Frame::of(ask, &visitor, "orders"),
    };
    page(StatusCode::OK, &list)
}

pub(super) fn row(shop: &model::state::Shop, (order, contact, view): &Found, local: &Local) -> Row {
    let (word, tone) = state(view.state);
    let first = view.lines.first().map(|line| words::title(shop, &line.sku)).unwrap_or_default();
    let what = match view.lines.len() {
        0 | 1 => first,
        lines => format!("{first} and {} more", lines - 1),
    };
    let value = value(view);
    let is_open = view.lines.iter().any(|line| line.open > 0);
    Row {
        href: format!("/orders/{}", order.id),
        order: order.reference.as_deref().map_or_else(|| short_id(&order.id), str::to_owned),
        who: contact.name.as_deref().or(contact.email.as_deref()).unwrap_or("—").to_owned(),
        placed: local.moment(order.placed_at),
        what,
        value: if value.is_empty() { "—".to_owned() } else { words::sums(&value) },
        ships: Day::promised(view.ship_by, Some(local.today)).filter(|_| is_open),
        word,
        tone,
    }
}
