//! `POST /v1/adjustments`: stock changed by hand.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use engine::Answer;
use model::{
    command::{Adjust, Command},
    event::AdjustReason,
    limits::SUPPLY_UNITS_MAX,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::{Allowed, SuppliesWrite},
    check::Checks,
    clock::Now,
    idempotency::Idempotency,
    input::{Input, Json, words},
    problem::Problem,
    schema,
    state::{Api, json_replayed, unexpected},
};

/// Stock that is more or less than it was.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AdjustmentInput)]
pub(crate) struct AdjustmentIn {
    /// Of what.
    sku: String,
    /// Where.
    location: String,
    /// Units more, or less; not 0.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    delta: i64,
    /// Why.
    reason: AdjustReasonIn,
    /// The order line whose units a customer sent back; with `return_to_stock` only. No more comes back than was sent.
    line: Option<String>,
    /// Keep them apart until they are inspected (`POST /v1/supplies/{id}/inspect`): a supply of its own in quarantine, which the
    /// answer names. For units that come only.
    #[serde(default)]
    quarantine: bool,
    /// In your words.
    note: Option<String>,
}

impl Input for AdjustmentIn {}

/// Why stock was changed by hand.
#[derive(Serialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
#[schema(as = AdjustReason)]
pub(crate) enum AdjustReasonIn {
    OpeningStock,
    Count,
    Loss,
    ReturnToStock,
    Other,
}

words!(AdjustReasonIn { "opening_stock" => OpeningStock, "count" => Count, "loss" => Loss, "return_to_stock" => ReturnToStock, "other" => Other });

fn check(input: &AdjustmentIn) -> Result<Adjust, Problem> {
    let mut checks = Checks::default();
    if input.delta == 0 {
        checks.wrong(format_args!("/delta"), "out_of_range", "0 changes nothing");
    }
    let wish = Adjust {
        sku: checks.sku(format_args!("/sku"), &input.sku),
        location: checks.location(format_args!("/location"), &input.location),
        delta: checks.number(format_args!("/delta"), input.delta, -SUPPLY_UNITS_MAX, SUPPLY_UNITS_MAX),
        reason: match input.reason {
            AdjustReasonIn::OpeningStock => AdjustReason::OpeningStock,
            AdjustReasonIn::Count => AdjustReason::Count,
            AdjustReasonIn::Loss => AdjustReason::Loss,
            AdjustReasonIn::ReturnToStock => AdjustReason::ReturnToStock,
            AdjustReasonIn::Other => AdjustReason::Other,
        },
        line: input.line.as_deref().and_then(|text| checks.parsed(format_args!("/line"), text)),
        quarantine: input.quarantine,
        note: checks.note(format_args!("/note"), input.note.as_deref()),
    };
    checks.finish(wish)
}

/// Change stock by hand
///
/// More units go to the lines that wait. Fewer units than are promised move the last lines on to what comes next.
#[utoipa::path(
    post, path = "/v1/adjustments", tag = "Supplies", operation_id = "adjust_stock",
    request_body = AdjustmentIn,
    responses((status = 201, description = "What is there now", body = schema::Adjustment)),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn adjust(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Json { value, bytes }: Json<AdjustmentIn>,
) -> Result<Response, Problem> {
    let wish = check(&value)?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, Command::Adjust(wish), key).await?;
    let Answer::Adjusted(adjusted) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::CREATED, adjusted, done.replayed)
}
