//! `GET /v1/availability`: can it be bought now, and when will it ship? The hottest path there is.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use model::{id::Sku, limits::LINE_UNITS_MAX, state::Shop, view::Availability};
use promise::availability::{Question, availability};
use serde::Serialize;

use super::{
    auth::{Allowed, AvailabilityRead, Caller},
    clock::Now,
    params::Params,
    problem::Problem,
    schema,
    state::{Api, json},
};

const SKUS_MAX: usize = 100;

#[derive(Serialize)]
#[serde(untagged)]
enum Item {
    Known(Box<Availability>),
    Unknown { sku: Sku, problem: Box<Problem> },
}

#[derive(Serialize)]
struct Items {
    items: Vec<Item>,
}

/// Ask what can be bought
///
/// What an order placed now would get, without placing it. One `sku` answers with its availability, several with a
/// list of them in the same order.
#[utoipa::path(
    get, path = "/v1/availability", tag = "Availability", operation_id = "get_availability",
    params(
        ("sku" = Vec<String>, Query, description = "One SKU, or up to 100 (`sku=A&sku=B`)", min_items = 1),
        ("quantity" = Option<i64>, Query, description = "How many units; 1 unless given", minimum = 1, maximum = 1_000_000),
        ("channel" = Option<String>, Query, description = "Where it would be sold; `default` unless given"),
        ("country" = Option<String>, Query, description = "Where it would go: ISO 3166-1 alpha-2"),
        ("postcode" = Option<String>, Query, description = "Where it would go"),
        ("customer_group" = Option<String>, Query, description = "The shopper's group"),
    ),
    responses((status = 200, description = "The answer", body = schema::AvailabilityAnswer)),
    security(("key" = ["availability:read"])),
)]
pub(crate) async fn ask(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AvailabilityRead>,
    Now(now): Now,
    mut params: Params,
) -> Result<Response, Problem> {
    let skus = skus(&mut params);
    let quantity = params.number("quantity", 1, LINE_UNITS_MAX).unwrap_or(1);
    let channel = params.channel();
    let country = params.text("country");
    let country = params.checks.country(format_args!("country"), country.as_deref());
    // No transit depends on it yet, but a shop that has it should send it.
    let postcode = params.text("postcode");
    params.checks.postcode(format_args!("postcode"), postcode.as_deref());
    let group = params.text("customer_group");
    let group = params.checks.label(format_args!("customer_group"), group.as_deref());
    params.finish()?;
    let shop = shop(&api, &allowed.caller, &skus).await?;
    let question =
        Question { quantity, channel: &channel, group: group.as_deref(), country: country.as_deref() };
    let mut answers = skus.iter().map(|sku| match availability(&shop, sku, question, now) {
        Some(known) => Item::Known(Box::new(known)),
        None => Item::Unknown { sku: sku.clone(), problem: Box::new(Problem::not_found("sku", sku)) },
    });
    if skus.len() > 1 {
        return json(StatusCode::OK, &Items { items: answers.collect() });
    }
    match answers.next() {
        Some(Item::Known(known)) => json(StatusCode::OK, &known),
        Some(Item::Unknown { problem, .. }) => Err(*problem),
        None => Err(Problem::field("sku", "required", "name at least one sku")),
    }
}

fn skus(params: &mut Params) -> Vec<Sku> {
    let given = params.all("sku");
    if given.is_empty() {
        params.checks.wrong(format_args!("sku"), "required", "name at least one sku");
    }
    if given.len() > SKUS_MAX {
        params.checks.wrong(format_args!("sku"), "too_many", format!("at most {SKUS_MAX} at once"));
        return Vec::new();
    }
    given.iter().map(|text| params.checks.sku(format_args!("sku"), text)).collect()
}

/// The pools asked for: from memory, and from the store only where they are not there.
async fn shop(api: &Arc<Api>, caller: &Arc<Caller>, skus: &[Sku]) -> Result<Shop, Problem> {
    let snapshots = api.app.engine.snapshots();
    if let Some(shop) = snapshots.in_memory(&caller.tenant, skus) {
        return Ok(shop);
    }
    let (snapshots, caller, skus) = (Arc::clone(snapshots), Arc::clone(caller), skus.to_vec());
    let loaded = tokio::task::spawn_blocking(move || snapshots.shop(&caller.tenant, &skus)).await;
    match loaded {
        Ok(shop) => Ok(shop?),
        Err(error) => {
            tracing::error!(%error, "a reader met a defect");
            Err(Problem::defect())
        }
    }
}
