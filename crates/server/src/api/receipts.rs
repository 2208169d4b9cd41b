//! `POST /v1/supplies/{id}/receipts`: goods arrive.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use model::{
    command::{Command, Receive},
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

/// What arrived of a supply.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReceiptInput)]
pub(crate) struct ReceiptIn {
    /// Units that are good; all that was expected unless given.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    accepted: Option<i64>,
    /// Units that are not. Only 0 for now.
    #[schema(minimum = 0, maximum = 0)]
    damaged: Option<i64>,
    /// Whether nothing more will come. A whole receipt leaves nothing to come, so it changes nothing for now.
    #[expect(
        dead_code,
        reason = "read, so that it is of the right type; a whole receipt closes its supply anyway"
    )]
    close: Option<bool>,
}

impl Input for ReceiptIn {
    const MAY_BE_EMPTY: bool = true;
}

pub(crate) fn check(supply: SupplyId, input: &ReceiptIn) -> Result<Receive, Problem> {
    let mut checks = Checks::default();
    if input.damaged.is_some_and(|units| units != 0) {
        let detail =
            "damaged units are not taken yet: change the supply's quantity first, then receive the rest";
        checks.wrong(format_args!("/damaged"), "not_supported", detail);
    }
    let accepted = input.accepted;
    let accepted = accepted.map(|units| checks.number(format_args!("/accepted"), units, 1, SUPPLY_UNITS_MAX));
    checks.finish(Receive { supply, accepted })
}

/// Receive a supply
///
/// As a whole: every line behind it is allocated with the answer, in the order in which orders were placed.
#[utoipa::path(
    post, path = "/v1/supplies/{id}/receipts", tag = "Supplies", operation_id = "receive_supply",
    params(("id" = String, Path, description = "The supply's id")),
    request_body = ReceiptIn,
    responses((status = 201, description = "Who was allocated, and what stays due", body = schema::SupplyChange)),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn receive(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Segments(id): Segments<String>,
    Json { value, bytes }: Json<ReceiptIn>,
) -> Result<Response, Problem> {
    let key = idempotency.required(&allowed.caller, &bytes)?;
    let wish = check(path_id("supply", &id)?, &value)?;
    let done = api.run(&allowed.caller, now, Command::Receive(wish), Some(key)).await?;
    changed(&done.answer, StatusCode::CREATED, done.replayed)
}
