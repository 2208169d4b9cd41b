//! One place on a waitlist, for whoever holds its link: what is held and until when, ordering it, leaving the list.
//!
//! Looking changes nothing. Leaving is one POST, as mail programs send it for `List-Unsubscribe` (RFC 8058).

use std::sync::Arc;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use engine::{Answer, Detail, Request};
use ledger::Shelf;
use model::{
    command::{AskLine, Command, Contact, PlaceOrder},
    id::{TenantId, WaitId},
    limits::NAME_CHARS_MAX,
    refusal::Rejection,
    state::Shop,
    time::Zone,
    waitlist::{WAITING, Wait, WaitState, Waiter},
};
use serde::Deserialize;

use super::{Ask, Frame, error::Fail, form::once_key, page, see_other, words};
use crate::{app::customer_key, link};

#[derive(Template)]
#[template(path = "wait.html")]
struct Page {
    frame: Frame,
    headline: String,
    summary: String,
    /// Whether units are held and can be ordered.
    held: bool,
    /// Whether there is a list to leave.
    on_list: bool,
    problem: Option<String>,
    href: String,
    once: String,
}

/// The form as it was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    once: String,
    name: String,
}

struct Place {
    tenant: TenantId,
    wait: Wait,
    who: Option<Waiter>,
    title: String,
    zone: Zone,
}

fn read(ask: &Ask, token: &str) -> Result<Place, Fail> {
    let (tenant, id): (TenantId, WaitId) =
        link::read_wait(&ask.app.secret, token, ask.now).ok_or(Fail::Link)?;
    let mut reader = ask.app.engine.store().reader()?;
    let place = id.to_string();
    let wait = reader.records(&tenant, Shelf::Ledger, WAITING, &[&place])?.pop();
    let wait: Wait = wait.and_then(|record| record.read().ok().flatten()).ok_or(Fail::Link)?;
    let who = reader.records(&tenant, Shelf::Private, WAITING, &[&place])?.pop();
    let who = who.and_then(|record| record.read().ok().flatten());
    let pools = reader.pools(&tenant, std::slice::from_ref(&wait.sku))?;
    let shop = Shop {
        pools: pools.into_iter().map(|pool| (pool.sku().clone(), Arc::new(pool))).collect(),
        ..Shop::default()
    };
    let title = words::title(&shop, &wait.sku);
    let zone = reader.locations(&tenant)?.into_iter().next();
    let zone = zone.map_or_else(Zone::utc, |(_, location)| location.time_zone);
    Ok(Place { tenant, wait, who, title, zone })
}

/// `GET /w/{token}`.
pub(super) fn show(ask: &Ask, token: &str, problem: Option<&str>) -> Result<Response, Fail> {
    let Place { tenant, wait, title, zone, .. } = read(ask, token)?;
    let units = format!("{} × {title}", wait.quantity);
    let (headline, summary) = match (wait.state, wait.until) {
        (WaitState::Invited, Some(until)) => {
            let (today, _) = zone.local(ask.now);
            let (date, clock) = zone.local(until);
            let day = promise::availability::day(date, Some(today));
            (
                format!("{title} is here again"),
                format!("We hold {units} for you until {day}, {:02}:{:02}.", clock.hour(), clock.minute()),
            )
        }
        (WaitState::Bought, _) => ("It is yours".to_owned(), format!("You have ordered {units}.")),
        (WaitState::Left, _) => {
            ("You are off the list".to_owned(), format!("We will not write about {title} again."))
        }
        (WaitState::Lapsed, _) => (
            "The time is over".to_owned(),
            format!("{units} went to the next in line. You can sign up again."),
        ),
        (WaitState::Waiting | WaitState::Invited, _) => (
            "You are on the list".to_owned(),
            format!("We write to you as soon as {units} can be yours. Whoever signed up first comes first."),
        ),
    };
    let held = wait.state == WaitState::Invited;
    let shown = Page {
        frame: Frame::new(Some(&tenant), "", false, ask.is_demo(&tenant)),
        headline,
        summary,
        held,
        on_list: held || wait.state == WaitState::Waiting,
        problem: problem.map(str::to_owned),
        href: format!("/w/{token}"),
        once: ask.app.stamps.next(ask.now).simple().to_string(),
    };
    let status = if problem.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    page(status, &shown)
}

/// `POST /w/{token}/leave`.
pub(super) fn leave(ask: &Ask, token: &str) -> Result<Response, Fail> {
    let Place { tenant, wait, .. } = read(ask, token)?;
    match run(ask, tenant, Command::LeaveWaitlist(wait.id), None)? {
        Ok(_) => see_other(&format!("/w/{token}")),
        Err(_) => show(ask, token, Some("It is ordered already. You can cancel the order instead.")),
    }
}

/// `POST /w/{token}/order`: orders what is held.
pub(super) fn order(ask: &Ask, token: &str, sent: &Sent) -> Result<Response, Fail> {
    let Place { tenant, wait, who, .. } = read(ask, token)?;
    let (Some(hold), Some(who), WaitState::Invited) = (wait.hold, who, wait.state) else {
        return show(ask, token, Some("Nothing is held for you any more."));
    };
    let name = sent.name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return show(ask, token, Some("Please enter your name."));
    }
    let salt = ask.app.engine.store().reader()?.tenant(&tenant)?.ok_or(Fail::Link)?.salt;
    let wish = PlaceOrder {
        channel: wait.channel.clone(),
        hold: Some(hold),
        customer: Some(customer_key(&salt, &who.email)),
        contact: Contact {
            email: Some(who.email),
            name: Some(name.into()),
            locale: who.locale,
            ..Contact::default()
        },
        country: wait.country.clone(),
        lines: vec![AskLine { sku: wait.sku.clone(), quantity: wait.quantity, unit_price: None }],
        ..PlaceOrder::default()
    };
    let key = once_key(&sent.once, &["wait", token, name]);
    match run(ask, tenant.clone(), Command::PlaceOrder(Box::new(wish)), key)? {
        Ok(Answer::Placed(order)) => {
            let token = link::make(&ask.app.secret, &tenant, order.id, order.placed_at);
            see_other(&format!("/o/{token}?placed=1"))
        }
        Ok(other) => Err(Fail::Defect(format!("an order was answered with {other:?}"))),
        Err(_) => show(ask, token, Some("That is not to be had any more.")),
    }
}

fn run(
    ask: &Ask,
    tenant: TenantId,
    command: Command,
    key: Option<engine::Key>,
) -> Result<Result<Answer, Rejection>, Fail> {
    let id = ask.app.stamps.next(ask.now);
    let request = Request { tenant, now: ask.now, id, command, key, detail: Detail::Full };
    Ok(ask.app.engine.run_blocking(request)?.outcome)
}
