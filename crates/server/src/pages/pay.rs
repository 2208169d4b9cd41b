//! Paying on the order's page: what is asked for and did not go through, with another card.
//!
//! The card's number goes from the customer's browser to Stripe, never through here.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use engine::PAYER;
use ledger::{Read, Shelf};
use model::{
    errand::Payer,
    id::{OrderId, TenantId},
    money::Money,
};
use obligation::payment::{ChargeKind, ChargeState, kept::Kept};

use super::{
    Ask, Frame, assets,
    error::Fail,
    page_with, see_other, status,
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
    let Some(wanted) = kept.as_ref().and_then(wanted) else { return see_other(&format!("/o/{token}")) };
    let secret = secret(&mut *reader, &tenant, id, wanted.charge)?;
    let zone = reader.locations(&tenant)?.into_iter().next().map(|(_, location)| location.time_zone);
    let zone = zone.unwrap_or_else(model::time::Zone::utc);
    let day = |at| model::time::local_date(at, &zone);
    let page_ = Page {
        until: Day::of(day(wanted.until), Some(day(ask.now))).text,
        number: status::number(&order),
        form: ask.app.payments.publishable_key.as_deref().map(str::to_owned).zip(secret),
        wanted,
        back: format!("{}/o/{token}?paid=1", ask.app.url()),
        back_href: format!("/o/{token}"),
        script: &assets::PAY.href,
        frame: match ask.is_demo(&tenant) {
            true => Frame::shop(ask, &tenant, "order"),
            false => Frame::new(Some(&tenant), "order", false, false),
        },
    };
    page_with(StatusCode::OK, &page_, POLICY)
}

/// What the customer's browser needs to pay a charge.
fn secret(
    reader: &mut dyn Read,
    tenant: &TenantId,
    order: OrderId,
    charge: u32,
) -> Result<Option<String>, Fail> {
    let found = reader.records(tenant, Shelf::Private, PAYER, &[&order.to_string()])?.pop();
    let payer: Option<Payer> = found.and_then(|record| record.read().ok().flatten());
    let known = payer.and_then(|payer| payer.charges.get(&charge).cloned());
    Ok(known.and_then(|known| known.secret).map(|secret| secret.to_string()))
}
