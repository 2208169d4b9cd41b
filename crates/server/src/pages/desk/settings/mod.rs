//! How the shop is set up: its locations, keys, webhooks, mail and notices. What a form sends is what the API takes.

mod hooks;
mod keys;
mod locations;
mod mail;
mod notices;

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{Router, extract::Path, http::StatusCode, response::Response, routing::get};
use ledger::Shelf;
use model::id::TenantId;
use obligation::notice::kept::{SETTINGS, SETTINGS_ID};
use serde_json::Value;

use super::{
    super::{
        Frame, page,
        within::{Call, Told},
    },
    App, Ask, Asked, Fail, Local, Sent, blocking, words,
};
use crate::{mail::Post, staff::May};

/// The routes of the settings.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/settings", get(overview))
        .route("/settings/locations", get(list_locations))
        .route("/settings/locations/{id}", get(show_location).post(save_location))
        .route("/settings/keys", get(show_keys).post(change_keys))
        .route("/settings/webhooks", get(show_hooks).post(change_hooks))
        .route("/settings/webhooks/{id}", get(show_hook))
        .route("/settings/mail", get(show_mail))
        .route("/settings/notices", get(show_notices).post(save_notices))
}

/// A form, field by field.
type Fields = BTreeMap<String, String>;

/// What a field says, without blanks around it.
fn field<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.get(name).map_or("", |text| text.trim())
}

/// A number that a field holds; an empty one is none.
fn number(fields: &Fields, name: &str) -> Result<Option<i64>, String> {
    match field(fields, name) {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            format!("{}: please enter a whole number.", words::sentence(&name.replace('_', " ")))
        }),
    }
}

/// What the API says to a question that it has an answer to.
fn read(ask: &Ask, tenant: &TenantId, path: &str) -> Result<Told, Fail> {
    match ask.api(tenant, Call { method: "GET", path, ..Call::default() })? {
        Ok(told) => Ok(told),
        Err(refused) if refused.status == StatusCode::NOT_FOUND => Err(Fail::NotFound),
        Err(refused) => Err(Fail::Defect(format!("GET {path}: {}", refused.text()))),
    }
}

/// A text of an answer.
fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// A moment of an answer on the shop's clock.
fn moment(value: &Value, local: &Local) -> String {
    value.as_str().and_then(|text| text.parse().ok()).map_or_else(String::new, |at| local.moment(at))
}

#[derive(Template)]
#[template(path = "desk/settings.html")]
struct Page {
    frame: Frame,
    cards: Vec<Card>,
    live: Vec<Step>,
}

struct Card {
    href: &'static str,
    title: &'static str,
    what: String,
}

/// Something to be done before real customers order.
struct Step {
    is_done: bool,
    what: &'static str,
    how: String,
    href: &'static str,
}

fn show(ask: &Ask) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Goods)?;
    let tenant = &visitor.tenant;
    let mut reader = ask.app.engine.store().reader()?;
    let places = reader.locations(tenant)?.len();
    let keys = reader.api_keys(tenant)?.iter().filter(|key| key.revoked_at.is_none()).count();
    let has_law = !reader.records(tenant, Shelf::Ledger, SETTINGS, &[SETTINGS_ID])?.is_empty();
    drop(reader);
    let hooks = read(ask, tenant, "/v1/webhooks?limit=500")?.body["items"].as_array().map_or(0, Vec::len);
    let people = ask.door().users(tenant)?.len();
    let is_mailed = matches!(ask.app.post, Post::Smtp(_));
    let is_paid = ask.app.payments.provider.is_some();
    let is_https = ask.app.url().starts_with("https://");
    let count = |number: usize, one: &str, many: &str| {
        words::counted(i64::try_from(number).unwrap_or(i64::MAX), one, many)
    };
    let card = |href, title, what: String| Card { href, title, what };
    let mut cards = vec![
        card(
            "/settings/locations",
            "Locations",
            format!("{}: calendars, cut-offs, transit", count(places, "place", "places")),
        ),
        card(
            "/settings/webhooks",
            "Webhooks",
            format!("{} told of what happens", count(hooks, "address is", "addresses are")),
        ),
        card(
            "/settings/mail",
            "Mail",
            (if is_mailed { "Goes to a mail server" } else { "Goes into the test outbox" }).to_owned(),
        ),
        card(
            "/settings/notices",
            "Law and messages",
            "What customers are told, by which law, and when it goes out".to_owned(),
        ),
    ];
    if visitor.role.may(May::People) {
        cards.insert(
            1,
            card("/settings/keys", "Keys", format!("{} in use", count(keys, "key is", "keys are"))),
        );
        cards.push(card("/people", "People", format!("{} can sign in", count(people, "person", "people"))));
    }
    let step = |is_done, what, how: &str, href| Step { is_done, what, how: how.to_owned(), href };
    let live = vec![
        step(places > 0, "A location", "Where goods are packed, with its calendar", "/settings/locations"),
        step(people > 0, "A sign-in", "Somebody who can come back with a password", "/people"),
        step(
            is_https,
            "A domain",
            "Start the server with --public-url https://…, behind a proxy that speaks TLS",
            "/docs",
        ),
        step(
            is_mailed,
            "Mail",
            "Start the server with --smtp-url, so that customers get what is written",
            "/settings/mail",
        ),
        step(
            is_paid,
            "Payments",
            "Start the server with --stripe-key, or go on writing payments down by hand",
            "/docs",
        ),
        step(
            has_law,
            "A law profile",
            "Say which laws you keep and when messages go out",
            "/settings/notices",
        ),
        step(keys > 0, "A key", "For the shop’s own systems, and one for its pages", "/settings/keys"),
    ];
    page(StatusCode::OK, &Page { frame: Frame::of(ask, &visitor, "settings"), cards, live })
}

async fn overview(Asked(ask): Asked) -> Response {
    blocking(move || show(&ask)).await
}

async fn list_locations(Asked(ask): Asked) -> Response {
    blocking(move || locations::list(&ask)).await
}

async fn show_location(Asked(ask): Asked, Path(id): Path<String>) -> Response {
    blocking(move || locations::show(&ask, &id)).await
}

async fn save_location(Asked(ask): Asked, Path(id): Path<String>, Sent(sent): Sent<Fields>) -> Response {
    blocking(move || locations::save(&ask, &id, &sent)).await
}

async fn show_keys(Asked(ask): Asked) -> Response {
    blocking(move || keys::show(&ask)).await
}

async fn change_keys(Asked(ask): Asked, Sent(sent): Sent<Fields>) -> Response {
    blocking(move || keys::change(&ask, &sent)).await
}

async fn show_hooks(Asked(ask): Asked) -> Response {
    blocking(move || hooks::show(&ask)).await
}

async fn change_hooks(Asked(ask): Asked, Sent(sent): Sent<Fields>) -> Response {
    blocking(move || hooks::change(&ask, &sent)).await
}

async fn show_hook(Asked(ask): Asked, Path(id): Path<String>) -> Response {
    blocking(move || hooks::one(&ask, &id)).await
}

async fn show_mail(Asked(ask): Asked) -> Response {
    blocking(move || mail::show(&ask)).await
}

async fn show_notices(Asked(ask): Asked) -> Response {
    blocking(move || notices::show(&ask)).await
}

async fn save_notices(Asked(ask): Asked, Sent(sent): Sent<Fields>) -> Response {
    blocking(move || notices::save(&ask, &sent)).await
}
