//! `POST /v1/supplies/{id}/receipts`: goods arrive.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use engine::Answer;
use model::{
    command::{Command, Receive, WrongArrival},
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
    input::{Input, Json, present},
    params::Segments,
    problem::Problem,
    schema,
    state::{Api, json_replayed, unexpected},
    supplies::{changed, path_id},
};

/// What arrived of a supply. Nothing at all said: all that was expected, and all of it good.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReceiptInput)]
pub(crate) struct ReceiptIn {
    /// Units that are good; at most ten times what was expected. May be left out only where nothing else is said.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    accepted: Option<i64>,
    /// Units that came and are not good: they go to quarantine. 0 unless given.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    damaged: Option<i64>,
    /// Whether nothing more will come. Else what was expected and did not come stays due.
    close: Option<bool>,
    /// The date now given for what stays due; null: nobody knows any more. Unless given it stays as it is.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = Date)]
    expected_on: Option<Option<String>>,
    /// Something else that came in its place: it goes on the shelf or into quarantine, and the supply stays as it is. Not together with the
    /// other fields.
    wrong: Option<WrongIn>,
}

/// What came instead.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WrongArrivalInput)]
pub(crate) struct WrongIn {
    /// What.
    sku: String,
    /// How many units.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    quantity: i64,
    /// Keep them apart until they are inspected: a supply of its own in quarantine, which the answer names.
    #[serde(default)]
    quarantine: bool,
}

impl Input for ReceiptIn {
    const MAY_BE_EMPTY: bool = true;
}

impl ReceiptIn {
    fn says_nothing_else(&self) -> bool {
        self.accepted.is_none()
            && self.damaged.is_none()
            && self.close.is_none()
            && self.expected_on.is_none()
    }
}

pub(crate) fn check(supply: SupplyId, input: &ReceiptIn) -> Result<Receive, Problem> {
    let mut checks = Checks::default();
    if input.wrong.is_some() {
        checks.wrong(format_args!("/wrong"), "ambiguous", "book what came instead by itself");
    }
    let is_bare = input.damaged.unwrap_or(0) == 0 && input.close != Some(true) && input.expected_on.is_none();
    if input.accepted.is_none() && !is_bare {
        checks.wrong(format_args!("/accepted"), "required", "say how many units are good");
    }
    let accepted = input.accepted;
    let accepted = accepted.map(|units| checks.number(format_args!("/accepted"), units, 0, SUPPLY_UNITS_MAX));
    let damaged = input.damaged.unwrap_or(0);
    let damaged = checks.number(format_args!("/damaged"), damaged, 0, SUPPLY_UNITS_MAX);
    let expected_on = checks.new_date(format_args!("/expected_on"), input.expected_on.as_ref());
    checks.finish(Receive { supply, accepted, damaged, close: input.close == Some(true), expected_on })
}

/// Receive a supply
///
/// Every line that gets units is allocated with the answer, in the order in which orders were placed. What was expected
/// and did not come stays due under the supply's id, with the last lines behind it, unless `close` says that nothing more
/// will come; good units are then a supply of their own (`on_hand`). Lines for which nothing is left wait for other goods.
/// More than was expected goes to lines that wait for later supplies.
#[utoipa::path(
    post, path = "/v1/supplies/{id}/receipts", tag = "Supplies", operation_id = "receive_supply",
    params(("id" = String, Path, description = "The supply's id")),
    request_body = ReceiptIn,
    responses((status = 201, description = "Who was allocated, and what stays due; of something else that came, what is there of it", body = schema::ReceiptAnswer)),
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
    let supply = path_id("supply", &id)?;
    if let Some(wrong) = value.wrong.as_ref().filter(|_| value.says_nothing_else()) {
        let mut checks = Checks::default();
        let wish = WrongArrival {
            supply,
            sku: checks.sku(format_args!("/wrong/sku"), &wrong.sku),
            quantity: checks.number(format_args!("/wrong/quantity"), wrong.quantity, 1, SUPPLY_UNITS_MAX),
            quarantine: wrong.quarantine,
        };
        let wish = checks.finish(wish)?;
        let done = api.run(&allowed.caller, now, Command::WrongArrival(wish), Some(key)).await?;
        let Answer::Adjusted(adjusted) = &done.answer else { return Err(unexpected(&done.answer)) };
        return json_replayed(StatusCode::CREATED, adjusted, done.replayed);
    }
    let wish = check(supply, &value)?;
    let done = api.run(&allowed.caller, now, Command::Receive(wish), Some(key)).await?;
    changed(&done.answer, StatusCode::CREATED, done.replayed)
}
