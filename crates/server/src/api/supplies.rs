//! `/v1/supplies`: what is on its way.

use std::{str::FromStr, sync::Arc};

use axum::{extract::State, http::StatusCode, response::Response};
use engine::Answer;
use model::{
    command::{AddSupply, CancelSupply, ChangeSupply, Command},
    id::SupplyId,
    limits::SUPPLY_UNITS_MAX,
    supply::SupplyKind,
    view::SupplyView,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::{Allowed, SuppliesRead, SuppliesWrite},
    check::Checks,
    clock::Now,
    idempotency::Idempotency,
    input::{Input, Json, present, words},
    params::{Page, Params, Segments},
    problem::Problem,
    schema,
    state::{Api, json, json_replayed, shop_with, unexpected},
};

/// A supply that is expected.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SupplyInput)]
pub(crate) struct SupplyIn {
    /// Of what.
    sku: String,
    /// To where.
    location: String,
    /// Where it comes from.
    kind: SupplyKindIn,
    /// How many units.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    quantity: i64,
    /// The date given for its arrival; nobody knows unless given.
    #[schema(format = Date, example = "2026-12-01")]
    expected_on: Option<String>,
    /// Who sends it; the SKU's supplier unless given.
    supplier: Option<String>,
    /// Your number for it.
    reference: Option<String>,
    /// Days added for the promised date; 3 unless given.
    #[schema(minimum = 0, maximum = 1825)]
    promise_buffer_days: Option<i64>,
}

impl Input for SupplyIn {}

/// Where a supply comes from.
#[derive(Serialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
#[schema(as = SupplyKind)]
pub(crate) enum SupplyKindIn {
    PurchaseOrder,
    ProductionRun,
    Transfer,
}

words!(SupplyKindIn { "purchase_order" => PurchaseOrder, "production_run" => ProductionRun, "transfer" => Transfer });

/// What changes; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SupplyChangeInput)]
pub(crate) struct SupplyChangeIn {
    /// The date now given; null: nobody knows any more.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = Date)]
    expected_on: Option<Option<String>>,
    /// The quantity now given.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    quantity: Option<i64>,
}

impl Input for SupplyChangeIn {}

/// Nothing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

impl Input for Nothing {
    const MAY_BE_EMPTY: bool = true;
}

fn check(input: &SupplyIn) -> Result<AddSupply, Problem> {
    let mut checks = Checks::default();
    let expected_on = input.expected_on.as_deref();
    let buffer = input.promise_buffer_days;
    let wish = AddSupply {
        sku: checks.sku(format_args!("/sku"), &input.sku),
        location: checks.location(format_args!("/location"), &input.location),
        kind: match input.kind {
            SupplyKindIn::PurchaseOrder => SupplyKind::PurchaseOrder,
            SupplyKindIn::ProductionRun => SupplyKind::ProductionRun,
            SupplyKindIn::Transfer => SupplyKind::Transfer,
        },
        quantity: checks.number(format_args!("/quantity"), input.quantity, 1, SUPPLY_UNITS_MAX),
        expected_on: expected_on.and_then(|text| checks.date(format_args!("/expected_on"), text)),
        supplier: checks.name(format_args!("/supplier"), input.supplier.as_deref()),
        reference: checks.name(format_args!("/reference"), input.reference.as_deref()),
        promise_buffer_days: buffer.map(|days| checks.days(format_args!("/promise_buffer_days"), days)),
    };
    checks.finish(wish)
}

pub(crate) fn check_change(supply: SupplyId, input: &SupplyChangeIn) -> Result<ChangeSupply, Problem> {
    let mut checks = Checks::default();
    if input.expected_on.is_none() && input.quantity.is_none() {
        checks.wrong(format_args!(""), "empty", "nothing is to change: give expected_on, quantity or both");
    }
    let date = checks.new_date(format_args!("/expected_on"), input.expected_on.as_ref());
    let quantity = input.quantity;
    let quantity = quantity.map(|units| checks.number(format_args!("/quantity"), units, 1, SUPPLY_UNITS_MAX));
    checks.finish(ChangeSupply { supply, expected_on: date, quantity })
}

/// An id in a path: what cannot be one names nothing.
pub(crate) fn path_id<T: FromStr>(what: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::not_found(what, text))
}

/// Enter a supply
#[utoipa::path(
    post, path = "/v1/supplies", tag = "Supplies", operation_id = "add_supply",
    request_body = SupplyIn,
    responses((status = 201, description = "The supply", body = schema::SupplyEntered)),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn add(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Json { value, bytes }: Json<SupplyIn>,
) -> Result<Response, Problem> {
    let wish = check(&value)?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, Command::AddSupply(wish), key).await?;
    let Answer::SupplyAdded(supply) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::CREATED, supply, done.replayed)
}

/// Change a supply's date or quantity
///
/// Every line behind it has its new dates with the answer. Promises that no longer hold are made anew.
#[utoipa::path(
    patch, path = "/v1/supplies/{id}", tag = "Supplies", operation_id = "change_supply",
    params(("id" = String, Path, description = "The supply's id")),
    request_body = SupplyChangeIn,
    responses((status = 200, description = "The supply, and the run this made", body = schema::SupplyChange)),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Segments(id): Segments<String>,
    Json { value, bytes }: Json<SupplyChangeIn>,
) -> Result<Response, Problem> {
    let wish = check_change(path_id("supply", &id)?, &value)?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, Command::ChangeSupply(wish), key).await?;
    changed(&done.answer, StatusCode::OK, done.replayed)
}

/// Call a supply off
///
/// What was promised from it is still promised, without a date, until other goods come.
#[utoipa::path(
    post, path = "/v1/supplies/{id}/cancel", tag = "Supplies", operation_id = "cancel_supply",
    params(("id" = String, Path, description = "The supply's id")),
    request_body(content = Option<Nothing>, description = "Nothing, or an empty object"),
    responses((status = 200, description = "The supply, and the run this made", body = schema::SupplyChange)),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn cancel(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Segments(id): Segments<String>,
    Json { bytes, .. }: Json<Nothing>,
) -> Result<Response, Problem> {
    let wish = CancelSupply { supply: path_id("supply", &id)? };
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, Command::CancelSupply(wish), key).await?;
    changed(&done.answer, StatusCode::OK, done.replayed)
}

/// Answers with a supply and what its change led to.
pub(crate) fn changed(answer: &Answer, status: StatusCode, replayed: bool) -> Result<Response, Problem> {
    let Answer::SupplyChanged(change) = answer else { return Err(unexpected(answer)) };
    json_replayed(status, change, replayed)
}

/// Read a supply
#[utoipa::path(
    get, path = "/v1/supplies/{id}", tag = "Supplies", operation_id = "get_supply",
    params(("id" = String, Path, description = "The supply's id")),
    responses((status = 200, description = "The supply, open or closed", body = schema::Supply)),
    security(("key" = ["supplies:read"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesRead>,
    Now(now): Now,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let id: SupplyId = path_id("supply", &id)?;
    let tenant = allowed.caller.tenant.clone();
    let view = api
        .read(move |store| {
            let Some(supply) = store.supply(&tenant, id)? else { return Ok(None) };
            let shop = shop_with(store, &tenant, &[])?;
            Ok(Some(promise::supply_view(&shop, &supply, now)))
        })
        .await?;
    json(StatusCode::OK, &view.ok_or_else(|| Problem::not_found("supply", id))?)
}

/// List supplies
#[utoipa::path(
    get, path = "/v1/supplies", tag = "Supplies", operation_id = "list_supplies",
    params(
        ("sku" = Option<String>, Query, description = "Only of this SKU"),
        ("closed" = Option<bool>, Query, description = "With those that are used up or called off"),
    ),
    responses((status = 200, description = "Supplies, the first entered first", body = schema::SupplyPage)),
    security(("key" = ["supplies:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesRead>,
    Now(now): Now,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, after) = (params.limit(), params.cursor::<SupplyId>());
    let (sku, closed) = (params.sku("sku"), params.flag("closed"));
    params.finish()?;
    let tenant = allowed.caller.tenant.clone();
    let items = api
        .read(move |store| {
            let supplies = store.supply_page(&tenant, sku.as_ref(), closed, after, limit + 1)?;
            let shop = shop_with(store, &tenant, &[])?;
            Ok(supplies.iter().map(|supply| promise::supply_view(&shop, supply, now)).collect())
        })
        .await?;
    json(StatusCode::OK, &Page::cut(items, limit, |item: &SupplyView| item.supply.id))
}
