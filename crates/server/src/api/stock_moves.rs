//! `/v1/transfers`, `/v1/counts`, `/v1/supplies/{id}/split`: goods that move, are counted, or come in two parts.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use engine::Answer;
use model::{
    command::{Command, Count, SplitSupply, Transfer},
    limits::SUPPLY_UNITS_MAX,
    view::{SupplyChange, SupplyView},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::{Allowed, SuppliesWrite},
    check::Checks,
    clock::Now,
    idempotency::Idempotency,
    input::{Input, Json},
    params::Segments,
    problem::Problem,
    schema,
    state::{Api, json_replayed, unexpected},
    supplies::path_id,
};

/// Goods that go from one location to another.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TransferInput)]
pub(crate) struct TransferIn {
    /// Of what.
    sku: String,
    /// Where they are.
    from_location: String,
    /// Where they go.
    to_location: String,
    /// How many units: of those that nobody has a claim on and that are ring-fenced for nobody, or for the channel.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    quantity: i64,
    /// When they arrive; nobody knows unless given.
    #[schema(format = Date)]
    expected_on: Option<String>,
    /// Your number for it.
    reference: Option<String>,
    /// For which channel they go: what is ring-fenced for it goes first, which counts down by that, and they are ring-fenced for
    /// it where they come.
    channel: Option<String>,
}

impl Input for TransferIn {}

/// Send goods to another location
///
/// They leave the one at once and are a supply of kind `transfer` at the other: received, late, short or damaged like any
/// supply. Goods that come back after all are counted in where they are.
#[utoipa::path(
    post, path = "/v1/transfers", tag = "Supplies", operation_id = "transfer_stock",
    request_body = TransferIn,
    responses((status = 201, description = "The supply at the other location", body = schema::SupplyEntered)),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn transfer(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Json { value, bytes }: Json<TransferIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let on = value.expected_on.as_deref();
    let wish = Transfer {
        sku: checks.sku(format_args!("/sku"), &value.sku),
        from: checks.location(format_args!("/from_location"), &value.from_location),
        to: checks.location(format_args!("/to_location"), &value.to_location),
        quantity: checks.number(format_args!("/quantity"), value.quantity, 1, SUPPLY_UNITS_MAX),
        expected_on: on.and_then(|text| checks.date(format_args!("/expected_on"), text)),
        reference: checks.name(format_args!("/reference"), value.reference.as_deref()),
        channel: value.channel.as_deref().map(|text| checks.channel(format_args!("/channel"), Some(text))),
    };
    let wish = checks.finish(wish)?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, Command::Transfer(wish), key).await?;
    let Answer::SupplyAdded(supply) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::CREATED, supply, done.replayed)
}

/// What somebody counted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CountInput)]
pub(crate) struct CountIn {
    /// Of what.
    sku: String,
    /// Where.
    location: String,
    /// Units on hand, those being packed among them; not what is in quarantine.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    counted: i64,
    /// In a person's words.
    note: Option<String>,
}

impl Input for CountIn {}

/// Book a count
///
/// Says how many units there are, not how many more or less: the difference is booked with the reason `count`. More units go
/// to the lines that wait. Fewer than are promised move the last lines on to what comes next.
#[utoipa::path(
    post, path = "/v1/counts", tag = "Supplies", operation_id = "count_stock",
    request_body = CountIn,
    responses((status = 201, description = "What is there now, and the difference", body = schema::Adjustment)),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn count(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Json { value, bytes }: Json<CountIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let wish = Count {
        sku: checks.sku(format_args!("/sku"), &value.sku),
        location: checks.location(format_args!("/location"), &value.location),
        counted: checks.number(format_args!("/counted"), value.counted, 0, SUPPLY_UNITS_MAX),
        note: checks.note(format_args!("/note"), value.note.as_deref()),
    };
    let wish = checks.finish(wish)?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, Command::Count(wish), key).await?;
    let Answer::Adjusted(adjusted) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::CREATED, adjusted, done.replayed)
}

/// What comes at another time.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SplitInput)]
pub(crate) struct SplitIn {
    /// Units that come apart: some of the supply, not all.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    quantity: i64,
    /// When; nobody knows unless given.
    #[schema(format = Date)]
    expected_on: Option<String>,
}

impl Input for SplitIn {}

#[derive(Serialize)]
struct Split<'a> {
    #[serde(flatten)]
    change: &'a SupplyChange,
    part: &'a SupplyView,
}

/// Split a supply in two
///
/// The part split off is a supply of its own with a date of its own. The oldest lines stay with what is left, the last come go
/// with the part; whoever finds earlier goods moves there.
#[utoipa::path(
    post, path = "/v1/supplies/{id}/split", tag = "Supplies", operation_id = "split_supply",
    params(("id" = String, Path, description = "The supply's id")),
    request_body = SplitIn,
    responses((status = 201, description = "What is left, and the part", body = schema::SupplySplit)),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn split(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Segments(id): Segments<String>,
    Json { value, bytes }: Json<SplitIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let on = value.expected_on.as_deref();
    let wish = SplitSupply {
        supply: path_id("supply", &id)?,
        quantity: checks.number(format_args!("/quantity"), value.quantity, 1, SUPPLY_UNITS_MAX),
        expected_on: on.and_then(|text| checks.date(format_args!("/expected_on"), text)),
    };
    let wish = checks.finish(wish)?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, Command::SplitSupply(wish), key).await?;
    let Answer::SupplySplit(both) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::CREATED, &Split { change: &both.0, part: &both.1 }, done.replayed)
}
