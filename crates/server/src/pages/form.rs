//! Ordering one product: what the form sent, held against what can be had.

use std::sync::Arc;

use axum::{http::StatusCode, response::Response};
use engine::{Answer, Key, Request};
use model::{
    Units,
    command::{AskLine, Command, Contact, PlaceOrder},
    id::{Sku, TenantId},
    limits::{LINE_UNITS_MAX, NAME_CHARS_MAX},
    order::ShipChoice,
    refusal::{Refusal, RefusalCode, Rejection},
    state::Shop,
    time::Date,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{
    Ask, countries,
    error::Fail,
    product::{self, Errors, Filled},
    see_other, status,
    words::{self, Day},
};
use crate::app::customer_key;

/// The form as it was sent: every field a text, so that what cannot be used is shown and not lost.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    once: String,
    /// The ship date that the page showed.
    shown: String,
    quantity: String,
    country: String,
    email: String,
    name: String,
    ship: String,
    /// `check`: only show the date.
    act: String,
}

/// `POST /shop/{sku}`.
pub(super) fn answer(ask: &Ask, sku: &str, sent: &Sent) -> Result<Response, Fail> {
    let tenant = ask.demo()?;
    let (sku, shop) = product::load(ask, tenant, sku)?;
    let again = |filled, status| product::answer(ask, tenant, &shop, &sku, filled, status);
    let mut filled = read(sent);
    if sent.act == "check" {
        filled.errors = Errors { quantity: filled.errors.quantity, ..Errors::default() };
        return again(filled, StatusCode::OK);
    }
    if filled.errors.any() {
        return again(filled, StatusCode::UNPROCESSABLE_ENTITY);
    }
    if let Some(notice) = later_than_shown(ask, &shop, &sku, &filled, &sent.shown) {
        filled.notice = Some(notice);
        return again(filled, StatusCode::CONFLICT);
    }
    match place(ask, tenant, &sku, &filled, &sent.once)? {
        Ok(Answer::Placed(order)) => {
            see_other(&format!("{}?placed=1", status::path(ask, tenant, order.id, order.placed_at)))
        }
        Ok(other) => Err(Fail::Defect(format!("an order was answered with {other:?}"))),
        Err(rejection) => {
            refuse(&mut filled, rejection, &shop, ask);
            // What was decided on may be newer than what this page was made from.
            let shop = product::load(ask, tenant, sku.as_str())?.1;
            product::answer(ask, tenant, &shop, &sku, filled, StatusCode::CONFLICT)
        }
    }
}

/// Reads the fields and says what is wrong with each.
fn read(sent: &Sent) -> Filled {
    let mut errors = Errors::default();
    let quantity: Option<Units> = sent.quantity.trim().parse().ok();
    let quantity = quantity.filter(|quantity| (1..=LINE_UNITS_MAX).contains(quantity));
    if quantity.is_none() {
        errors.quantity =
            Some(format!("Please enter a whole number from 1 to {}.", words::count(LINE_UNITS_MAX)));
    }
    let country = sent.country.trim();
    let known = countries::known(country);
    if known.is_none() && !country.is_empty() {
        errors.country = Some("Please choose a country from the list.".to_owned());
    }
    let email = sent.email.trim();
    if !looks_like_email(email) {
        errors.email = Some(
            "Please enter an e-mail address such as ada@example.com: your order's page is sent there."
                .to_owned(),
        );
    }
    let name = sent.name.trim();
    if !looks_like_name(name) {
        errors.name = Some("Please enter your name.".to_owned());
    }
    Filled {
        quantity: quantity.unwrap_or(1),
        country: known.map(str::to_owned),
        email: email.to_owned(),
        name: name.to_owned(),
        is_complete: sent.ship == ShipChoice::Complete.as_str(),
        errors,
        notice: None,
    }
}

/// One `@` with something on both sides and no blanks: whether mail arrives, only mail can tell.
pub(super) fn looks_like_email(text: &str) -> bool {
    let parts = text.split_once('@').filter(|(user, host)| !user.is_empty() && !host.is_empty());
    parts.is_some_and(|(_, host)| !host.contains('@'))
        && text.chars().count() <= NAME_CHARS_MAX
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// Something, not too long, and nothing but text.
pub(super) fn looks_like_name(text: &str) -> bool {
    let name = text.trim();
    !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX && !name.chars().any(char::is_control)
}

/// Says so when the date is later now than on the page that was sent: nobody orders a date they did not see.
fn later_than_shown(ask: &Ask, shop: &Shop, sku: &Sku, filled: &Filled, shown: &str) -> Option<String> {
    let shown: Date = model::time::parse_date(shown).ok()?;
    let now = product::asked(shop, sku, filled, ask.now)?.ship_by.promised?;
    let today = words::today(shop, ask.now);
    (now > shown).then(|| {
        format!(
            "{} would ship by {}, not {}. If that is fine, please send the form again.",
            words::counted(filled.quantity, "unit", "units"),
            Day::of(now, today).text,
            Day::of(shown, today).text
        )
    })
}

fn place(
    ask: &Ask,
    tenant: &TenantId,
    sku: &Sku,
    filled: &Filled,
    once: &str,
) -> Result<Result<Answer, Rejection>, Fail> {
    let shop = ask.app.engine.store().reader()?.tenant(tenant)?.ok_or(Fail::NotFound)?;
    let order = PlaceOrder {
        customer: Some(customer_key(&shop.salt, &filled.email)),
        contact: Contact {
            email: Some(filled.email.as_str().into()),
            name: Some(filled.name.as_str().into()),
            ..Contact::default()
        },
        country: filled.country.as_deref().map(Arc::from),
        ship: if filled.is_complete { ShipChoice::Complete } else { ShipChoice::AsAvailable },
        lines: vec![AskLine { sku: sku.clone(), quantity: filled.quantity, unit_price: None }],
        ..PlaceOrder::default()
    };
    let fields = [
        "order",
        sku.as_str(),
        &filled.quantity.to_string(),
        filled.country.as_deref().unwrap_or_default(),
        &filled.email,
        &filled.name,
        order.ship.as_str(),
    ];
    let request = Request {
        tenant: tenant.clone(),
        now: ask.now,
        detail: engine::Detail::Full,
        id: ask.app.stamps.next(ask.now),
        key: once_key(once, &fields),
        command: Command::PlaceOrder(Box::new(order)),
    };
    Ok(ask.app.engine.run_blocking(request)?.outcome)
}

/// The idempotency key of a form that was sent; `None` where its token is not one of ours.
pub(super) fn once_key(once: &str, fields: &[&str]) -> Option<Key> {
    if once.len() != 32 || !once.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut digest = Sha256::new();
    for field in fields {
        // Each with its length, so that no two forms read alike.
        digest.update(field.len().to_be_bytes());
        digest.update(field);
    }
    Some(Key { key: format!("page-{once}").into(), request: digest.finalize().into() })
}

/// Puts a refusal beside the field that can mend it.
fn refuse(filled: &mut Filled, rejection: Rejection, shop: &Shop, ask: &Ask) {
    match rejection {
        Rejection::Refused(refusal) => {
            filled.errors.quantity = Some(instead(&refusal, filled.quantity, shop, ask));
        }
        Rejection::Invalid(errors) => {
            let details: Vec<String> =
                errors.into_iter().map(|error| words::sentence(&error.detail)).collect();
            filled.notice = Some(format!("{}.", details.join(". ")));
        }
        Rejection::IdempotencyMismatch => {
            filled.notice = Some(
                "This form was sent before with other details, and that order stands. If you want this one as well, \
                 please send it again."
                    .to_owned(),
            );
        }
        Rejection::NotFound { .. } | Rejection::Stale => {
            filled.notice = Some("This product has just changed. Please look again.".to_owned());
        }
    }
}

/// What a refusal says to a shopper: why not, and what could be had instead.
pub(super) fn instead(refusal: &Refusal, wanted: Units, shop: &Shop, ask: &Ask) -> String {
    let today = words::today(shop, ask.now);
    let why = match refusal.code {
        RefusalCode::CustomerLimit => {
            "There is a limit on how many one customer can order, so that more people get one.".to_owned()
        }
        RefusalCode::BeyondHorizon => {
            "We could only send these so late that we do not take the order yet.".to_owned()
        }
        _ if wanted == 1 => "We cannot promise this one right now.".to_owned(),
        _ => format!("We cannot promise {} right now.", words::count(wanted)),
    };
    let instead = match (refusal.available, refusal.earliest) {
        (Some(units), _) if units > 0 => format!(" You can have {}.", words::count(units)),
        (_, Some(date)) => format!(" The earliest we could ship is {}.", Day::of(date, today).text),
        (Some(0), _) if refusal.code == RefusalCode::CustomerLimit => {
            " You have them all already.".to_owned()
        }
        _ => " Please look again later: new goods are shown here as soon as we know of them.".to_owned(),
    };
    why + &instead
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_and_each_error_stands_beside_its_field() {
        let sent = |quantity: &str, country: &str, email: &str, name: &str| Sent {
            quantity: quantity.into(),
            country: country.into(),
            email: email.into(),
            name: name.into(),
            ..Sent::default()
        };
        let fine = read(&sent(" 3 ", "us", " Ada@example.com ", "Ada Lovelace"));
        assert!(!fine.errors.any());
        assert_eq!(
            (fine.quantity, fine.country.as_deref(), &*fine.email),
            (3, Some("US"), "Ada@example.com")
        );
        let wrong = read(&sent("0", "XX", "ada", ""));
        assert!(wrong.errors.quantity.is_some() && wrong.errors.country.is_some());
        assert!(wrong.errors.email.is_some() && wrong.errors.name.is_some());
        for email in ["a@b@c", "@b", "a@", "a b@c", ""] {
            assert!(!looks_like_email(email), "{email}");
        }
    }

    #[test]
    fn a_form_is_its_fields_and_not_their_joins() {
        let once = "0123456789abcdef0123456789abcdef";
        let key = |fields: &[&str]| once_key(once, fields).unwrap().request;
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert!(once_key("short", &[]).is_none());
    }
}
