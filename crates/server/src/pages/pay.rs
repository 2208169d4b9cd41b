//! Paying on the order's page: what is asked for and did not go through, with another card; and another card for what is charged later.
//!
//! The card's number goes from the customer's browser to Stripe, never through here.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use engine::{PAYER, may_change_method};
use ledger::{Read, Shelf};
use model::{
    command::Command,
    errand::{ANOTHER_METHOD, Payer},
    id::{OrderId, TenantId},
    money::Money,
    refusal::Rejection,
};
use obligation::payment::{ChargeKind, ChargeState, kept::Kept};

use super::{
    Ask, Frame, assets,
    error::Fail,
    own::{self, Sure},
    page_with, see_other,
    status::{self, Said},
    words::{self, Day},
};
use crate::api::orders::payments::account;

/// What the page may load beside our own: Stripe's form.
const POLICY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self' https://js.stripe.com; \
    img-src 'self' data: https://*.stripe.com; connect-src 'self' https://api.stripe.com; \
    frame-src https://js.stripe.com https://hooks.stripe.com; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

/// Something that the customer can pay now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) charge: u32,
    /// `payment`, or `setup` where only a card is saved.
    pub(super) kind: &'static str,
    pub(super) amount: String,
    /// The last day on which the place is kept.
    pub(super) until: model::time::Timestamp,
}

/// What the customer is asked for; nothing where people at the shop move the money.
pub(super) fn wanted(kept: &Kept) -> Option<Wanted> {
    let mut charges = kept.account.charges.iter().filter(|_| !kept.is_manual());
    charges.find_map(|(number, charge)| {
        let ChargeState::NeedsCustomer { grace_until, .. } = charge.state else { return None };
        let kind = if charge.kind == ChargeKind::Setup { "setup" } else { "payment" };
        let amount = Money::new(charge.outstanding(), kept.account.currency);
        Some(Wanted { charge: *number, kind, amount: words::money(amount), until: grace_until })
    })
}

#[derive(Template)]
#[template(path = "pay.html")]
struct Page {
    frame: Frame,
    script: &'static str,
    number: String,
    wanted: Wanted,
    /// Whether another card takes the place of the one that is saved, while nothing is owed.
    is_change: bool,
    /// Whether the form is still being asked for.
    is_waiting: bool,
    until: String,
    /// The shop's key for browsers and the charge's secret; `None`: nobody can pay here.
    form: Option<(String, String)>,
    back: String,
    back_href: String,
}

/// `GET /o/{token}/pay`; back to the order where nothing is asked for.
pub(super) fn answer(ask: &Ask, token: &str) -> Result<Response, Fail> {
    let (tenant, id) = status::read(ask, token)?;
    let mut reader = ask.app.engine.store().reader()?;
    let order = reader.orders(&tenant, &[id])?.pop().ok_or(Fail::Link)?;
    let kept = account(&mut *reader, &tenant, id)?;
    let payer = payer(&mut *reader, &tenant, id)?;
    let owed = kept.as_ref().and_then(wanted);
    let is_change = owed.is_none();
    let another = || {
        let is_open = payer.changes_method && kept.as_ref().is_some_and(may_change_method);
        is_open.then(|| Wanted {
            charge: ANOTHER_METHOD,
            kind: "setup",
            amount: String::new(),
            until: ask.now,
        })
    };
    let Some(wanted) = owed.or_else(another) else { return see_other(&format!("/o/{token}")) };
    let secret =
        payer.charges.get(&wanted.charge).and_then(|known| known.secret.as_deref()).map(str::to_owned);
    let zone = reader.locations(&tenant)?.into_iter().next().map(|(_, location)| location.time_zone);
    let zone = zone.unwrap_or_else(model::time::Zone::utc);
    let day = |at| model::time::local_date(at, &zone);
    let page_ = Page {
        until: Day::of(day(wanted.until), Some(day(ask.now))).text,
        number: status::number(&order),
        is_waiting: is_change && secret.is_none() && ask.app.payments.publishable_key.is_some(),
        form: ask.app.payments.publishable_key.as_deref().map(str::to_owned).zip(secret),
        wanted,
        is_change,
        back: format!("{}/o/{token}?{}=1", ask.app.url(), if is_change { "card" } else { "paid" }),
        back_href: format!("/o/{token}"),
        script: &assets::PAY.href,
        frame: match ask.is_demo(&tenant) {
            true => Frame::shop(ask, &tenant, "order"),
            false => Frame::new(Some(&tenant), "order", false, false),
        },
    };
    page_with(StatusCode::OK, &page_, POLICY)
}

/// What the provider named of an order.
fn payer(reader: &mut dyn Read, tenant: &TenantId, order: OrderId) -> Result<Payer, Fail> {
    let found = reader.records(tenant, Shelf::Private, PAYER, &[&order.to_string()])?.pop();
    Ok(found.and_then(|record| record.read().ok().flatten()).unwrap_or_default())
}

/// Whether a customer is shown a way to save another card.
pub(super) fn can_change(ask: &Ask, kept: &Kept) -> bool {
    ask.app.payments.publishable_key.is_some() && may_change_method(kept)
}

/// `POST /o/{token}/card`: asks for a form that saves another card, and shows it.
pub(super) fn change(ask: &Ask, token: &str, sent: &Sure) -> Result<Response, Fail> {
    let again = |problem: &str| status::answer(ask, token, &Said::default(), Some(problem.to_owned()));
    let (_, order) = status::read(ask, token)?;
    match own::run(ask, token, Command::ChangeMethod(order), &sent.once, &["card", token])? {
        Ok(()) => see_other(&format!("/o/{token}/pay")),
        Err(Rejection::NotFound { .. }) => Err(Fail::Link),
        Err(_) => again("No card is charged for this order later, so there is none to change."),
    }
}
