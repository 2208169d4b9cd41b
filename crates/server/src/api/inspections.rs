//! `POST /v1/supplies/{id}/inspections`: somebody looked at goods in quarantine.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use model::{
    command::{Command, Inspect},
    id::SupplyId,
    limits::SUPPLY_UNITS_MAX,
};
use serde::Deserialize;
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
    state::Api,
    supplies::{changed, path_id},
};

/// What became of units in quarantine; at least one unit in all.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InspectionInput)]
pub(crate) struct InspectionIn {
    /// Units that are good after all. 0 unless given.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    good: Option<i64>,
    /// Units that are thrown away. 0 unless given.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    written_off: Option<i64>,
    /// Why, in your words.
    reason: Option<String>,
}

impl Input for InspectionIn {}

fn check(supply: SupplyId, input: &InspectionIn) -> Result<Inspect, Problem> {
    let mut checks = Checks::default();
    let (good, written_off) = (input.good.unwrap_or(0), input.written_off.unwrap_or(0));
    if good == 0 && written_off == 0 {
        checks.wrong(format_args!("/good"), "out_of_range", "no unit was looked at");
    }
    let wish = Inspect {
        supply,
        good: checks.number(format_args!("/good"), good, 0, SUPPLY_UNITS_MAX),
        written_off: checks.number(format_args!("/written_off"), written_off, 0, SUPPLY_UNITS_MAX),
        reason: checks.note(format_args!("/reason"), input.reason.as_deref()),
    };
    checks.finish(wish)
}

/// Inspect goods in quarantine
///
/// Good units are on hand with the answer, as a supply of their own, and go to the lines that wait; others are written
/// off. What is left stays in quarantine.
#[utoipa::path(
    post, path = "/v1/supplies/{id}/inspections", tag = "Supplies", operation_id = "inspect_supply",
    params(("id" = String, Path, description = "The id of a supply in quarantine, as its receipt answers it")),
    request_body = InspectionIn,
    responses((status = 201, description = "Who was allocated, and what is left in quarantine", body = schema::Receipt)),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn inspect(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Segments(id): Segments<String>,
    Json { value, bytes }: Json<InspectionIn>,
) -> Result<Response, Problem> {
    let wish = check(path_id("supply", &id)?, &value)?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, Command::Inspect(wish), key).await?;
    changed(&done.answer, StatusCode::CREATED, done.replayed)
}
