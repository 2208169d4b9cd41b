//! "Tell me when it is back": a place on the waitlist, from the product's page.

use axum::response::Response;
use engine::{Detail, Request};
use model::{
    command::{Command, JoinWaitlist},
    id::Channel,
    limits::LINE_UNITS_MAX,
};
use serde::Deserialize;

use super::{
    Ask,
    error::Fail,
    form::{looks_like_email, once_key},
    product, see_other,
    shop::href,
};
use crate::app::customer_key;

/// The form as it was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    once: String,
    email: String,
    quantity: String,
}

/// `POST /shop/{sku}/notify`.
pub(super) fn answer(ask: &Ask, sku: &str, sent: &Sent) -> Result<Response, Fail> {
    let tenant = ask.demo()?;
    let (sku, _) = product::load(ask, tenant, sku)?;
    let email = sent.email.trim();
    let back = |said: &str| see_other(&format!("{}?{said}#notify", href(&sku)));
    if !looks_like_email(email) {
        return back("address=1");
    }
    let quantity = sent.quantity.trim().parse().ok().filter(|units| (1..=LINE_UNITS_MAX).contains(units));
    let salt = ask.app.engine.store().reader()?.tenant(tenant)?.ok_or(Fail::NotFound)?.salt;
    let wish = JoinWaitlist {
        sku: sku.clone(),
        quantity: quantity.unwrap_or(1),
        channel: Channel::default(),
        country: None,
        customer: customer_key(&salt, email),
        email: email.into(),
        locale: None,
    };
    let request = Request {
        tenant: tenant.clone(),
        now: ask.now,
        detail: Detail::Full,
        id: ask.app.stamps.next(ask.now),
        key: once_key(&sent.once, &["notify", sku.as_str(), email, &sent.quantity]),
        command: Command::JoinWaitlist(wish),
    };
    match ask.app.engine.run_blocking(request)?.outcome {
        // Whether the address was on the list before is nobody's business but its owner's.
        Ok(_) => back("noted=1"),
        Err(_) => back("refused=1"),
    }
}
