//! `/insights/purchasing`: what to order, when, from whom and what it is expected to earn; orders drafted, sent to suppliers and called off.

use std::sync::Arc;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use ledger::{Read, RecordFilter, Shelf};
use model::{
    command::Command,
    id::{LocationId, TenantId},
    money::Money,
    purchasing::{CancelPurchase, PURCHASE_ORDER, PurchaseOrder, SUPPLIER_CONTACT, SupplierContact},
};
use serde::Deserialize;

use super::{
    super::{
        super::{Frame, form::once_key, page, see_other, shop::encoded, words},
        Local, sorry,
    },
    Ask, Fail,
    part::{Cell, Table, number, percent, text},
};
use crate::{
    api::decide::{
        Histories,
        purchase_orders::{self, drafted, fresh_id, keep_draft, sending},
        purchasing::{Proposed, proposed},
    },
    staff::May,
};

/// Proposals on the page, most earning first.
const SHOWN: usize = 100;
/// Orders on the page.
const ORDERS: usize = 100;

/// What is proposed to be bought from one supplier.
struct Group {
    id: String,
    supplier: String,
    due: usize,
    said: String,
    table: Table,
    once: String,
}

#[derive(Template)]
#[template(path = "desk/insights/purchasing.html")]
struct List {
    frame: Frame,
    problem: Option<String>,
    groups: Vec<Group>,
    more: usize,
    orders: Table,
    can_change: bool,
}

/// `GET /insights/purchasing`.
pub(super) fn list(ask: &Ask, histories: &Histories, problem: Option<String>) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let local = Local::of(ask, &visitor.tenant)?;
    let mut reader = ask.app.engine.store().reader()?;
    let store = &mut *reader;
    let mut found = proposed(histories, store, &visitor.tenant, None, ask.now)?;
    let more = found.len().saturating_sub(SHOWN);
    found.truncate(SHOWN);
    let status = if problem.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let list = List {
        groups: groups(ask, &local, &found),
        more,
        orders: orders(store, &visitor.tenant, &local)?,
        problem,
        can_change: visitor.role.may(May::Goods),
        frame: Frame::of(ask, &visitor, "insights"),
    };
    page(status, &list)
}

/// Proposals by supplier; the supplier with the most earning one first.
fn groups(ask: &Ask, local: &Local, found: &[Proposed]) -> Vec<Group> {
    let mut names: Vec<Option<&str>> = Vec::new();
    for one in found {
        if !names.contains(&one.supplier.as_deref()) {
            names.push(one.supplier.as_deref());
        }
    }
    let group = |(n, name): (usize, &Option<&str>)| {
        let of: Vec<&Proposed> = found.iter().filter(|one| one.supplier.as_deref() == *name).collect();
        let due = of.iter().filter(|one| one.is_due).count();
        let said = match (name, due) {
            (None, _) => "No supplier is set for these products: set one to order them.".to_owned(),
            (_, 0) => "Nothing of it is due today.".to_owned(),
            (_, 1) => "One of it is due today.".to_owned(),
            (_, due) => format!("{due} of it are due today."),
        };
        Group {
            id: format!("from-{n}"),
            supplier: name.unwrap_or_default().to_owned(),
            due: if name.is_some() { due } else { 0 },
            said,
            table: Table {
                caption: format!("What to order from {}", name.unwrap_or("nobody yet")),
                heads: vec![
                    ("Product", false),
                    ("Order on", false),
                    ("Units", true),
                    ("Cost", true),
                    ("Expected to earn", true),
                    ("Runs out before", true),
                ],
                rows: of.iter().map(|one| row(one, local)).collect(),
            },
            once: ask.once(),
        }
    };
    names.iter().enumerate().map(group).collect()
}

fn row(one: &Proposed, local: &Local) -> Vec<Cell> {
    let when = if one.is_due { "Now".to_owned() } else { local.day(one.order_on).text };
    let comes = format!("here by {}", local.day(one.expected_on).text);
    vec![
        Cell {
            text: if one.title.is_empty() { one.sku.to_string() } else { one.title.to_string() },
            sub: one.sku.to_string(),
            href: format!("/products/{}", encoded(one.sku.as_str())),
            ..Cell::default()
        },
        Cell { sub: comes, ..text(when) },
        number(words::count(one.quantity), one.quantity),
        number(words::money(one.cost), one.cost.amount),
        number(words::money(one.expected_profit), one.expected_profit.amount),
        number(percent(one.short_probability), one.short_probability),
    ]
}

fn state_word(order: &PurchaseOrder) -> &'static str {
    match order.state() {
        "sent" => "Sent",
        "cancelled" => "Called off",
        _ => "Draft",
    }
}

fn units(order: &PurchaseOrder) -> i64 {
    order.lines.iter().fold(0, |sum, line| sum.saturating_add(line.quantity))
}

fn total(order: &PurchaseOrder) -> Cell {
    let total: Option<Money> = order.total();
    total.map_or_else(|| number("–", ""), |total| number(words::money(total), total.amount))
}

/// Orders to suppliers, the newest first.
fn orders(store: &mut dyn Read, tenant: &TenantId, local: &Local) -> Result<Table, Fail> {
    let mut found: Vec<(Arc<str>, PurchaseOrder)> = Vec::new();
    for state in ["draft", "sent", "cancelled"] {
        let filter = RecordFilter { owner: None, state: Some(state) };
        let records = store.record_page(tenant, Shelf::Ledger, PURCHASE_ORDER, &filter, (None, ORDERS))?;
        found
            .extend(records.iter().filter_map(|record| Some((Arc::clone(&record.id), record.read().ok()??))));
    }
    found.sort_by(|a, b| b.1.made_at.cmp(&a.1.made_at).then_with(|| a.0.cmp(&b.0)));
    found.truncate(ORDERS);
    let row = |(id, order): &(Arc<str>, PurchaseOrder)| {
        vec![
            Cell {
                text: order.number.to_string(),
                sub: order.supplier.to_string(),
                href: format!("/insights/purchasing/{id}"),
                ..Cell::default()
            },
            text(state_word(order)),
            number(words::count(units(order)), units(order)),
            total(order),
            text(local.day(order.expected_on).text),
        ]
    };
    Ok(Table {
        caption: "Orders to suppliers".to_owned(),
        heads: vec![
            ("Order", false),
            ("State", false),
            ("Units", true),
            ("Cost", true),
            ("Goods wanted by", false),
        ],
        rows: found.iter().map(row).collect(),
    })
}

/// An order to be drafted: of all that is due from a supplier.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Draft {
    once: String,
    supplier: String,
}

/// `POST /insights/purchasing`: drafts an order of what is due from a supplier.
pub(super) fn draft(ask: &Ask, histories: &Histories, wish: &Draft) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Goods)?;
    let tenant = &visitor.tenant;
    let supplier: Arc<str> = wish.supplier.trim().into();
    let key = once_key(&wish.once, &["purchase", &supplier]);
    let id = fresh_id(&ask.app, ask.now);
    let mut reader = ask.app.engine.store().reader()?;
    let found = drafted(histories, &mut *reader, tenant, (&supplier, None, None, None), (&id, ask.now))?;
    drop(reader);
    let (id, order) = match found {
        Ok(found) => found,
        Err(problem) => {
            let said = format!("{}.", words::sentence(problem.detail().trim_end_matches('.')));
            return list(ask, histories, Some(said));
        }
    };
    let request = keep_draft(&ask.app, tenant, (&id, &order), ask.now, key)
        .map_err(|problem| Fail::Defect(problem.detail().to_owned()))?;
    let request = match ask.who(tenant)? {
        Some(who) => engine::Request { command: Command::By(who, Box::new(request.command)), ..request },
        None => request,
    };
    let answered = ask.app.engine.run_blocking(request)?;
    match answered.outcome {
        // The same form sent twice: its order is there already.
        Ok(_) if answered.replayed => see_other("/insights/purchasing"),
        Ok(_) => see_other(&format!("/insights/purchasing/{id}")),
        Err(rejection) => list(ask, histories, Some(sorry(&rejection))),
    }
}

/// A location to send goods to.
struct Place {
    id: String,
    name: String,
}

#[derive(Template)]
#[template(path = "desk/insights/purchase.html")]
struct Page {
    frame: Frame,
    id: String,
    number: String,
    supplier: String,
    state: &'static str,
    tone: &'static str,
    facts: Vec<(&'static str, String)>,
    table: Table,
    problem: Option<String>,
    places: Vec<Place>,
    email: Option<String>,
    can_send: bool,
    can_cancel: bool,
    is_sent: bool,
}

/// `GET /insights/purchasing/{id}`.
pub(super) fn show(ask: &Ask, id: &str, problem: Option<String>) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let tenant = &visitor.tenant;
    let local = Local::of(ask, tenant)?;
    let mut reader = ask.app.engine.store().reader()?;
    let order = purchase_orders::find(&mut *reader, tenant, id)?.ok_or(Fail::NotFound)?;
    let contact = reader.records(tenant, Shelf::Private, SUPPLIER_CONTACT, &[&*order.supplier])?.pop();
    let contact: Option<SupplierContact> = contact.and_then(|record| record.read().ok().flatten());
    let place = |(id, settings): (LocationId, model::location::LocationSettings)| Place {
        name: if settings.name.is_empty() { id.to_string() } else { settings.name.to_string() },
        id: id.to_string(),
    };
    let places: Vec<Place> = reader.locations(tenant)?.into_iter().map(place).collect();
    let named = |id: &LocationId| {
        let found = places.iter().find(|place| place.id == id.as_str());
        found.map_or_else(|| id.to_string(), |place| place.name.clone())
    };
    let mut facts = vec![
        ("Drafted", local.moment(order.made_at)),
        ("Goods wanted by", local.day(order.expected_on).text),
    ];
    facts.extend(order.total().map(|total| ("Costs", words::money(total))));
    facts.extend(order.location.as_ref().map(|location| ("Goes to", named(location))));
    facts.extend(order.sent_at.map(|at| ("Sent", local.moment(at))));
    facts.extend(order.cancelled_at.map(|at| ("Called off", local.moment(at))));
    facts.extend(order.note.as_ref().map(|note| ("Note", note.to_string())));
    let may = visitor.role.may(May::Goods);
    let state = order.state();
    let status = if problem.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let page_ = Page {
        id: id.to_owned(),
        number: order.number.to_string(),
        supplier: order.supplier.to_string(),
        state: state_word(&order),
        tone: match state {
            "sent" => "here",
            "cancelled" => "none",
            _ => "pre",
        },
        facts,
        table: lines(&order),
        problem,
        places,
        email: contact.map(|contact| contact.email.to_string()),
        can_send: may && state == "draft",
        can_cancel: may && state != "cancelled",
        is_sent: state == "sent",
        frame: Frame::of(ask, &visitor, "insights"),
    };
    page(status, &page_)
}

fn lines(order: &PurchaseOrder) -> Table {
    let row = |(n, line): (usize, &model::purchasing::PurchaseLine)| {
        let cost = line.unit_cost.amount.saturating_mul(line.quantity);
        let supply = order.supplies.get(n);
        vec![
            Cell {
                text: if line.title.is_empty() { line.sku.to_string() } else { line.title.to_string() },
                sub: line.sku.to_string(),
                href: supply.map(|supply| format!("/supply/{supply}")).unwrap_or_default(),
                ..Cell::default()
            },
            number(words::count(line.quantity), line.quantity),
            number(words::money(line.unit_cost), line.unit_cost.amount),
            number(words::money(Money { amount: cost, ..line.unit_cost }), cost),
        ]
    };
    Table {
        caption: format!("What is ordered with {}", order.number),
        heads: vec![("Product", false), ("Units", true), ("Each", true), ("Cost", true)],
        rows: order.lines.iter().enumerate().map(row).collect(),
    }
}

/// `GET /insights/purchasing/{id}/order.pdf` and `order.csv`.
pub(super) fn file(ask: &Ask, id: &str, file: &str) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let format = match file {
        "order.pdf" => "pdf",
        "order.csv" => "csv",
        _ => return Err(Fail::NotFound),
    };
    let mut reader = ask.app.engine.store().reader()?;
    let order = purchase_orders::find(&mut *reader, &visitor.tenant, id)?.ok_or(Fail::NotFound)?;
    purchase_orders::file(&visitor.tenant, &order, format)
        .map_err(|problem| Fail::Defect(problem.detail().to_owned()))
}

/// How to send an order.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Send {
    location: String,
    /// `mail`, or anything else where the supplier is told in another way.
    by: String,
}

/// `POST /insights/purchasing/{id}/send`.
pub(super) fn send(ask: &Ask, id: &str, wish: &Send) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Goods)?;
    let tenant = &visitor.tenant;
    let mut reader = ask.app.engine.store().reader()?;
    let order = purchase_orders::find(&mut *reader, tenant, id)?.ok_or(Fail::NotFound)?;
    let Ok(location) = LocationId::new(wish.location.trim()) else {
        return show(ask, id, Some("Please choose where the goods go.".to_owned()));
    };
    let to = (location, wish.by == "mail");
    let command = sending(&mut *reader, tenant, (id, &order), to, ask.now)?;
    drop(reader);
    match command {
        Ok(command) => carry_out(ask, tenant, id, command),
        Err(_) => {
            let said = format!(
                "No address is known for {}. Send it yourself and choose “I tell them myself”.",
                order.supplier
            );
            show(ask, id, Some(said))
        }
    }
}

/// `POST /insights/purchasing/{id}/cancel`.
pub(super) fn cancel(ask: &Ask, id: &str) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Goods)?;
    let command = Command::CancelPurchase(CancelPurchase { order: id.into() });
    carry_out(ask, &visitor.tenant, id, command)
}

fn carry_out(ask: &Ask, tenant: &TenantId, id: &str, command: Command) -> Result<Response, Fail> {
    match ask.command(tenant, command, None)? {
        Ok(_) => see_other(&format!("/insights/purchasing/{}", encoded(id))),
        Err(model::refusal::Rejection::NotFound { .. }) => Err(Fail::NotFound),
        Err(rejection) => show(ask, id, Some(sorry(&rejection))),
    }
}
