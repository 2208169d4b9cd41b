//! Checking out: who it goes to, together or as it comes, and one order for the whole cart.

use std::sync::Arc;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use engine::{Answer, Request};
use model::{
    Units,
    command::{AskLine, Command, Contact, PlaceOrder},
    id::{Sku, TenantId},
    order::ShipChoice,
    refusal::Rejection,
    state::Shop,
    time::parse_date,
};
use obligation::payment::{Agreed, NewLine, Plan};
use serde::Deserialize;

use super::{
    Ask, Frame,
    cart::{self, Choices, Row},
    countries::{self, Choice},
    error::Fail,
    form::{instead, looks_like_email, looks_like_name, once_key},
    page, product, see_other, status,
    words::{self, Day},
};
use crate::{
    app::customer_key,
    mail::{
        terms::{self, Rights},
        words::language,
    },
};

/// The form as it was typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    once: String,
    /// The last ship date that the page showed.
    shown: String,
    name: String,
    email: String,
    country: String,
    /// `as_available` or `complete`.
    ship: String,
}

#[derive(Template)]
#[template(path = "checkout.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
    choices: Choices,
    countries: Vec<Choice>,
    sent: Sent,
    is_complete: bool,
    last: Option<Day>,
    total: String,
    /// When how much is taken, and how money comes back.
    terms: Vec<String>,
    once: String,
    notice: Option<String>,
    name_error: Option<&'static str>,
    email_error: Option<&'static str>,
}

/// `GET /checkout`.
pub(super) fn show(ask: &Ask, mut sent: Sent) -> Result<Response, Fail> {
    let tenant = ask.demo()?;
    let items = &ask.sender.cart[..];
    if items.is_empty() {
        return see_other("/cart");
    }
    if sent.country.is_empty() {
        let shop = cart::load(ask, tenant, items)?;
        sent.country = product::home(&shop).unwrap_or_default();
    }
    answer(ask, tenant, items, sent, (None, false), StatusCode::OK)
}

fn answer(
    ask: &Ask,
    tenant: &TenantId,
    items: &[(Sku, Units)],
    sent: Sent,
    (notice, is_checked): (Option<String>, bool),
    status: StatusCode,
) -> Result<Response, Fail> {
    let shop = cart::load(ask, tenant, items)?;
    let country = countries::known(&sent.country);
    let channel = model::id::Channel::default();
    let returns = |sku: &Sku| shop.pool(sku)?.policy_set(&channel).map(|policy| policy.returns);
    let sold: Vec<_> =
        items.iter().map(|(sku, _)| (words::title(&shop, sku), returns(sku).unwrap_or_default())).collect();
    let rights = Rights::of(&mut *ask.app.engine.store().reader()?, tenant, country, &sold)?;
    let rows = cart::rows(&shop, items, country, ask.now);
    if rows.iter().any(|row| row.problem.is_some()) {
        // The cart says what, and what can be had instead.
        return see_other("/cart");
    }
    let choices = cart::choices(&shop, &rows, country, ask.now);
    let is_complete = sent.ship == ShipChoice::Complete.as_str();
    let cost = if is_complete { choices.cost_together } else { choices.cost_apart };
    let total = cart::sums(rows.iter().filter_map(|row| row.sum).chain(cost));
    let page_ = Page {
        last: choices.together.clone(),
        terms: terms(&shop, items, &rights, &rows),
        total: words::sums(&total),
        countries: countries::choices(&product::served(&shop), country),
        name_error: (is_checked && !looks_like_name(&sent.name)).then_some("Please enter your name."),
        email_error: (is_checked && !looks_like_email(sent.email.trim())).then_some(
            "Please enter an e-mail address such as ada@example.com: your order’s page is sent there.",
        ),
        once: ask.app.stamps.next(ask.now).simple().to_string(),
        frame: Frame::shop(ask, tenant, "cart"),
        rows,
        choices,
        is_complete,
        sent,
        notice,
    };
    page(status, &page_)
}

/// The terms of everything in the cart together.
fn terms(shop: &Shop, items: &[(Sku, Units)], rights: &Rights, rows: &[Row]) -> Vec<String> {
    let channel = model::id::Channel::default();
    let mut lines = Vec::with_capacity(items.len());
    let mut currency = None;
    for ((n, (sku, quantity)), row) in (1..).zip(items).zip(rows) {
        let Some((pool, price)) = shop.pool(sku).and_then(|pool| Some((pool, pool.item.price?))) else {
            continue;
        };
        let payment = pool.policy_set(&channel).and_then(|policy| policy.payment.as_ref());
        // Of sums in two currencies nothing is said here: the order would be refused.
        if payment.is_none() || *currency.get_or_insert(price.currency) != price.currency {
            continue;
        }
        let plan = Plan::of(payment, Agreed::default());
        lines.push(NewLine { line: n, price: price.amount, units: *quantity, plan, ship_by: row.date });
    }
    let charges = currency.map_or_else(Vec::new, |currency| terms::charges(currency, lines));
    terms::words(&charges, rights, language(None))
}

/// `POST /checkout`.
pub(super) fn place(ask: &Ask, sent: &Sent) -> Result<Response, Fail> {
    let tenant = ask.demo()?;
    let items = &ask.sender.cart[..];
    if items.is_empty() {
        return see_other("/cart");
    }
    let again =
        |notice, is_checked, status| answer(ask, tenant, items, sent.clone(), (notice, is_checked), status);
    if !looks_like_name(&sent.name) || !looks_like_email(sent.email.trim()) {
        return again(None, true, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let shop = cart::load(ask, tenant, items)?;
    if let Some(notice) = later_than_shown(ask, &shop, items, sent) {
        return again(Some(notice), false, StatusCode::CONFLICT);
    }
    match send(ask, tenant, items, sent)? {
        Ok(Answer::Placed(order)) => {
            let to = format!("{}?placed=1", status::path(ask, tenant, order.id, order.placed_at));
            cart::keep(ask, &[], &to)
        }
        Ok(other) => Err(Fail::Defect(format!("an order was answered with {other:?}"))),
        Err(rejection) => again(Some(why_not(ask, &shop, items, &rejection)), false, StatusCode::CONFLICT),
    }
}

/// Nobody orders a date they did not see.
fn later_than_shown(ask: &Ask, shop: &Shop, items: &[(Sku, Units)], sent: &Sent) -> Option<String> {
    let shown = parse_date(&sent.shown).ok()?;
    let rows = cart::rows(shop, items, countries::known(&sent.country), ask.now);
    let now = rows.iter().filter_map(|row| row.date).max()?;
    let today = words::today(shop, ask.now);
    (now > shown).then(|| {
        format!(
            "The last of it would ship by {}, not {}. If that is fine, please send the form again.",
            Day::of(now, today).text,
            Day::of(shown, today).text
        )
    })
}

fn send(
    ask: &Ask,
    tenant: &TenantId,
    items: &[(Sku, Units)],
    sent: &Sent,
) -> Result<Result<Answer, Rejection>, Fail> {
    let salt = ask.app.engine.store().reader()?.tenant(tenant)?.ok_or(Fail::NotFound)?.salt;
    let (email, name) = (sent.email.trim(), sent.name.trim());
    let is_complete = sent.ship == ShipChoice::Complete.as_str();
    let order = PlaceOrder {
        customer: Some(customer_key(&salt, email)),
        contact: Contact { email: Some(email.into()), name: Some(name.into()), ..Contact::default() },
        country: countries::known(&sent.country).map(Arc::from),
        ship: if is_complete { ShipChoice::Complete } else { ShipChoice::AsAvailable },
        lines: items
            .iter()
            .map(|(sku, quantity)| AskLine { sku: sku.clone(), quantity: *quantity, unit_price: None })
            .collect(),
        ..PlaceOrder::default()
    };
    let mut fields = vec![
        "checkout".to_owned(),
        email.to_owned(),
        name.to_owned(),
        sent.country.clone(),
        sent.ship.clone(),
    ];
    fields.extend(items.iter().map(|(sku, quantity)| format!("{quantity} {sku}")));
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let request = Request {
        tenant: tenant.clone(),
        now: ask.now,
        detail: engine::Detail::Full,
        id: ask.app.stamps.next(ask.now),
        key: once_key(&sent.once, &fields),
        command: Command::PlaceOrder(Box::new(order)),
    };
    Ok(ask.app.engine.run_blocking(request)?.outcome)
}

fn why_not(ask: &Ask, shop: &Shop, items: &[(Sku, Units)], rejection: &Rejection) -> String {
    match rejection {
        Rejection::Refused(refusal) => {
            let nth = refusal.line.and_then(|line| items.get(usize::from(line).checked_sub(1)?));
            let wanted = nth.map_or(1, |(_, quantity)| *quantity);
            let title = nth.map_or_else(String::new, |(sku, _)| format!("{}: ", words::title(shop, sku)));
            format!("{title}{}", instead(refusal, wanted, shop, ask))
        }
        Rejection::IdempotencyMismatch => {
            "This form was sent before with other details, and that order stands. If you want this one as well, please \
             send it again."
                .to_owned()
        }
        _ => "Something in your cart has just changed. Please look again.".to_owned(),
    }
}
