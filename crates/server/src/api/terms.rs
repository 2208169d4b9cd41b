//! `GET /v1/terms`: on what terms something would be bought now, to be shown before it is.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use model::{
    Units,
    id::Sku,
    limits::LINE_UNITS_MAX,
    location::LocationSettings,
    money::Money,
    order::Dates,
    state::Shop,
    time::Date,
    transit::{STANDARD_SERVICE, Transit},
    view::Availability,
};
use obligation::payment::{Agreed, NewLine, Plan, When};
use promise::availability::{Question, availability};
use serde::Serialize;

use super::{
    auth::{Allowed, AvailabilityRead},
    clock::Now,
    params::Params,
    problem::Problem,
    schema,
    state::{Api, json},
};
use crate::mail::{
    terms::{self, Rights},
    words::language,
};

#[derive(Serialize)]
struct TermsOut {
    sku: Sku,
    quantity: Units,
    ship_by: Dates,
    deliver_by: Dates,
    charges: Vec<ChargeOut>,
    /// Until it ships, at no cost; or only when it is late.
    cancel: &'static str,
    refund_to: &'static str,
    withdrawal_days: Option<u16>,
    services: Vec<ServiceOut>,
    words: Vec<String>,
}

/// A way to send it, counted from the day on which it leaves.
#[derive(Serialize)]
struct ServiceOut {
    service: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Money>,
    deliver_by: Dates,
    counts_from: &'static str,
}

#[derive(Serialize)]
struct ChargeOut {
    when: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<Date>,
    amount: Money,
}

/// The services that bring it, each counted from the day on which the last unit leaves: no faster one promises what waits any sooner.
fn services(shop: &Shop, seen: &Availability, country: Option<&str>, quantity: Units) -> Vec<ServiceOut> {
    let brings = |location: &&LocationSettings, transit: &Transit| {
        promise::deliver_with(location, transit, seen.ship_by) == seen.deliver_by
    };
    // The one that it would leave from, as the dates say.
    let from = shop.locations.values().map(|location| &**location).find(|location| {
        location.transit_for(country, STANDARD_SERVICE).is_some_and(|transit| brings(location, transit))
    });
    let counts_from = if seen.available_now >= quantity { "now" } else { "arrival" };
    let rows = from.into_iter().flat_map(|location| {
        location.services_for(country).map(move |transit| ServiceOut {
            service: transit.service.clone(),
            price: transit.price,
            deliver_by: promise::deliver_with(location, transit, seen.ship_by),
            counts_from,
        })
    });
    rows.collect()
}

/// Read the terms of a purchase
///
/// What an order placed now would be promised, when how much would be taken, and how the money comes back: to be shown before the
/// purchase. `words` says it in the shopper's language. The confirmation by mail says the same of what was ordered.
#[utoipa::path(
    get, path = "/v1/terms", tag = "Availability", operation_id = "get_terms",
    params(
        ("sku" = String, Query, description = "What"),
        ("quantity" = Option<i64>, Query, description = "How many units; 1 unless given", minimum = 1, maximum = 1_000_000),
        ("channel" = Option<String>, Query, description = "Where it would be sold; `default` unless given"),
        ("country" = Option<String>, Query, description = "Where it would go: ISO 3166-1 alpha-2"),
        ("locale" = Option<String>, Query, description = "The language of `words`: English, German, Spanish or French"),
    ),
    responses((status = 200, description = "The terms", body = schema::Terms)),
    security(("key" = ["availability:read"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AvailabilityRead>,
    Now(now): Now,
    mut params: Params,
) -> Result<Response, Problem> {
    let sku = params.sku("sku");
    let quantity = params.number("quantity", 1, LINE_UNITS_MAX).unwrap_or(1);
    let channel = params.channel();
    let country = params.text("country");
    let country = params.checks.country(format_args!("country"), country.as_deref());
    let locale = params.text("locale");
    let locale = params.checks.locale(format_args!("locale"), locale.as_deref());
    params.finish()?;
    let sku = sku.ok_or_else(|| Problem::field("sku", "required", "is missing"))?;
    let of = Arc::clone(&api);
    let (tenant, asked) = (allowed.caller.tenant.clone(), sku.clone());
    let (place, on) = (country.clone(), channel.clone());
    let (shop, rights) = api
        .read(move |store| {
            let shop = of.app.engine.snapshots().shop(&tenant, std::slice::from_ref(&asked))?;
            let policy = shop.pool(&asked).and_then(|pool| pool.policy_for(&on));
            let returns = policy.map(|policy| policy.returns).unwrap_or_default();
            let sold = [(crate::pages::item_title(&shop, &asked), returns)];
            let rights = Rights::of(store, &tenant, place.as_deref(), &sold)?;
            Ok((shop, rights))
        })
        .await?;
    let question = Question { quantity, channel: &channel, group: None, country: country.as_deref() };
    let seen = availability(&shop, &sku, question, now).ok_or_else(|| Problem::not_found("sku", &sku))?;
    let pool = shop.pool(&sku).ok_or_else(|| Problem::not_found("sku", &sku))?;
    let policy = pool.policy_for(&channel);
    let payment = policy.and_then(|policy| policy.payment.as_ref());
    let charges = match (payment, pool.item.price) {
        (Some(payment), Some(price)) => {
            let plan = Plan::of(Some(payment), Agreed::default());
            let ship_by = seen.ship_by.promised;
            terms::charges(
                price.currency,
                vec![NewLine { line: 1, price: price.amount, units: quantity, plan, ship_by }],
            )
        }
        _ => Vec::new(),
    };
    let services = services(&shop, &seen, country.as_deref(), quantity);
    let words = terms::words(&charges, &rights, language(locale.as_deref()));
    let charges = charges.into_iter().map(|(when, amount)| {
        let (when, on) = match when {
            When::Now => ("now", None),
            When::On(date) => ("on", Some(date)),
            When::OnShip => ("on_ship", None),
            When::ByInvoice => ("by_invoice", None),
        };
        ChargeOut { when, on, amount }
    });
    let out = TermsOut {
        sku,
        quantity,
        ship_by: seen.ship_by,
        deliver_by: seen.deliver_by,
        charges: charges.collect(),
        cancel: if rights.is_all_free() { "until_shipped" } else { "when_late" },
        refund_to: "original_method",
        withdrawal_days: rights.withdrawal_days,
        services,
        words,
    };
    json(StatusCode::OK, &out)
}
