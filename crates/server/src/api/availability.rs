//! `GET /v1/availability`: can it be bought now, and when will it ship? The hottest path there is.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri},
    response::Response,
};
use model::{
    Units,
    event::{Event, HoldGone},
    id::{HoldId, Sku},
    limits::LINE_UNITS_MAX,
    state::{Shop, Touched},
    time::Timestamp,
    view::{Availability, AvailabilityState, GoogleAvailability},
};
use promise::availability::{Question, availability};
use serde::Serialize;

use super::{
    auth::{Allowed, AvailabilityRead, Caller},
    clock::Moment,
    holds,
    params::Params,
    problem::Problem,
    schema,
    state::{ANSWER_BYTES, Api, json_text, written},
    supplies::path_id,
    written::{DatesOut, Day},
};
use crate::views::Look;

const SKUS_MAX: usize = 100;

#[derive(Serialize)]
#[serde(untagged)]
enum Item {
    Known(Box<AnswerOut>),
    Unknown { sku: Sku, problem: Box<Problem> },
}

#[derive(Serialize)]
struct Items {
    items: Vec<Item>,
}

/// [`Availability`] as it is sent: the same, with its dates written quickly.
#[derive(Serialize)]
struct AnswerOut {
    sku: Sku,
    state: AvailabilityState,
    available_now: Units,
    available_later: Option<Units>,
    ship_by: DatesOut,
    deliver_by: DatesOut,
    restock_on: Option<Day>,
    label: String,
    reason: String,
    reason_code: &'static str,
    schema_org: &'static str,
    google: GoogleAvailability,
    as_of: Timestamp,
}

impl From<Availability> for AnswerOut {
    fn from(answer: Availability) -> Self {
        Self {
            sku: answer.sku,
            state: answer.state,
            available_now: answer.available_now,
            available_later: answer.available_later,
            ship_by: answer.ship_by.into(),
            deliver_by: answer.deliver_by.into(),
            restock_on: answer.restock_on.map(Day),
            label: answer.label,
            reason: answer.reason,
            reason_code: answer.reason_code,
            schema_org: answer.schema_org,
            google: answer.google,
            as_of: answer.as_of,
        }
    }
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
        ("hold" = Option<String>, Query, description = "The shopper's own cart: what it holds is free to them. One that is over counts as none"),
    ),
    responses((status = 200, description = "The answer", body = schema::AvailabilityAnswer)),
    security(("key" = ["availability:read"])),
)]
pub(crate) async fn ask(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AvailabilityRead>,
    moment: Moment,
    uri: Uri,
) -> Result<Response, Problem> {
    let (caller, query) = (&allowed.caller, uri.query().unwrap_or(""));
    // A moment that was set belongs to one request alone.
    let again = if moment.is_set { None } else { api.recent.again(&caller.tenant, query, moment.at) };
    if let Some(asked) =
        again.filter(|asked| api.app.engine.snapshots().is_current(&caller.tenant, &asked.shop))
    {
        // Staff ask the same now and then, and their looks are not counted.
        if let Some((looks, look)) = asked.look.as_ref().filter(|_| caller.publishable.is_some()) {
            looks.add(*look);
        }
        return Ok(json_text(StatusCode::OK, asked.answer.clone()));
    }
    let mut params = Params::of(&uri)?;
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
    let hold = params.text("hold");
    params.finish()?;
    let own = match &hold {
        Some(hold) => Some(path_id("hold", hold)?),
        None => None,
    };
    let shop = match own {
        Some(hold) => shop_without(&api, caller, &skus, hold).await?,
        None => shop(&api, caller, &skus).await?,
    };
    let question =
        Question { quantity, channel: &channel, group: group.as_deref(), country: country.as_deref() };
    let (answer, look) = answer(&shop, &skus, question, moment.at)?;
    // Staff are no shoppers, and whoever has it in the cart has looked before.
    let look = look.filter(|_| caller.publishable.is_some() && own.is_none());
    let look = look.and_then(|look| Some((api.app.views.of(&caller.tenant, skus.first()?)?, look)));
    if let Some((looks, look)) = &look {
        looks.add(*look);
    }
    if own.is_none() && !moment.is_set && skus.iter().all(|sku| shop.pools.contains_key(sku)) {
        api.recent.note(caller.tenant.clone(), query, moment.at, (shop, answer.clone()), look);
    }
    Ok(json_text(StatusCode::OK, answer))
}

/// The answer, and what a look at it is counted as: a badge asks about one product.
fn answer(
    shop: &Shop,
    skus: &[Sku],
    question: Question<'_>,
    now: Timestamp,
) -> Result<(Bytes, Option<Look>), Problem> {
    if let [sku] = skus {
        let known = availability(shop, sku, question, now).ok_or_else(|| Problem::not_found("sku", sku))?;
        let look = Look::of(&known, now);
        return Ok((written(&AnswerOut::from(known), ANSWER_BYTES)?, look));
    }
    let items = skus.iter().map(|sku| match availability(shop, sku, question, now) {
        Some(known) => Item::Known(Box::new(known.into())),
        None => Item::Unknown { sku: sku.clone(), problem: Box::new(Problem::not_found("sku", sku)) },
    });
    Ok((written(&Items { items: items.collect() }, ANSWER_BYTES * skus.len())?, None))
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

/// The same for whoever has a hold: its units are free.
async fn shop_without(
    api: &Arc<Api>,
    caller: &Arc<Caller>,
    skus: &[Sku],
    id: HoldId,
) -> Result<Shop, Problem> {
    let Some(hold) = holds::own(api, caller, id).await? else { return shop(api, caller, skus).await };
    let held = hold.lines.iter().flat_map(|line| &line.pegs).map(|peg| peg.sku.clone());
    let mut needed: Vec<Sku> = skus.iter().cloned().chain(held).collect();
    needed.sort_unstable();
    needed.dedup();
    let shop = shop(api, caller, &needed).await?;
    let mut without = shop.clone();
    without.holds.insert(id, Arc::new(hold));
    // Pools may be a moment older than the hold; then nothing of it is counted in them yet.
    match without.apply(&Event::HoldReleased(HoldGone { hold: id }), &mut Touched::default()) {
        Ok(()) => Ok(without),
        Err(_) => Ok(shop),
    }
}
