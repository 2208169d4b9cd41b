//! `POST /v1/supplies/{id}/preview`: what a change, a receipt or a cancel would do, before anything is done.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use engine::preview::{LINES_MAX, compare_rules, preview};
use model::{
    allocation::{Basis, Rule},
    command::{CancelSupply, Command},
    id::SupplyId,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    allocation::BasisIn,
    auth::{Allowed, SuppliesWrite},
    clock::Now,
    input::{Input, Json},
    params::{Params, Segments},
    problem::Problem,
    receipts::{self, ReceiptIn},
    schema,
    state::{Api, json},
    supplies::{SupplyChangeIn, check_change, path_id},
};

/// What would be done: one of the three.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PreviewInput)]
pub(crate) struct PreviewIn {
    /// Its date or quantity would change.
    change: Option<SupplyChangeIn>,
    /// It would arrive.
    receipt: Option<ReceiptIn>,
    /// It would be called off: `true`.
    cancel: Option<bool>,
}

impl Input for PreviewIn {}

/// What a preview is asked about, and where that stands in the body.
fn check(supply: SupplyId, input: &PreviewIn) -> Result<(Command, &'static str), Problem> {
    match (&input.change, &input.receipt, input.cancel) {
        (Some(change), None, None) => {
            let wish = check_change(supply, change).map_err(|problem| problem.within("/change"))?;
            Ok((Command::ChangeSupply(wish), "/change"))
        }
        (None, Some(receipt), None) => {
            let wish = receipts::check(supply, receipt).map_err(|problem| problem.within("/receipt"))?;
            Ok((Command::Receive(wish), "/receipt"))
        }
        (None, None, Some(true)) => Ok((Command::CancelSupply(CancelSupply { supply }), "/cancel")),
        (None, None, Some(false)) => {
            Err(Problem::field("/cancel", "unknown_value", "is `true`, or left out"))
        }
        (None, None, None) => Err(Problem::field("", "empty", "give `change`, `receipt` or `cancel`")),
        _ => {
            Err(Problem::field("", "ambiguous", "give one of `change`, `receipt` and `cancel`, not several"))
        }
    }
}

/// Look at what a change would do
///
/// Decides exactly as the call itself would, on a copy: who would ship earlier or later, promises that would be broken,
/// units without goods behind them, money at risk. Changes nothing. Of a supply with very many lines behind it, the first
/// 20,000 are looked at; `summary.complete` says so. With `rule`, `under` says what the same change would do by that rule.
#[utoipa::path(
    post, path = "/v1/supplies/{id}/preview", tag = "Supplies", operation_id = "preview_supply",
    params(
        ("id" = String, Path, description = "The supply's id"),
        ("rule" = Option<BasisIn>, Query, description = "Compare with this rule, side by side: `under`"),
    ),
    request_body = PreviewIn,
    responses((status = 200, description = "Every line that would change, and the sum of it", body = schema::Preview)),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn look(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    Segments(id): Segments<String>,
    mut params: Params,
    Json { value, .. }: Json<PreviewIn>,
) -> Result<Response, Problem> {
    let words = Basis::ALL.map(Basis::as_str);
    let basis = params.word("rule", &words).and_then(Basis::parse);
    params.finish()?;
    let supply = path_id("supply", &id)?;
    let (command, at) = check(supply, &value)?;
    let request = api.request(&allowed.caller, now, command, None);
    if let Some(basis) = basis {
        let seen = api
            .read_with(move |store| compare_rules(store, supply, &request, Rule::of(basis), LINES_MAX))
            .await?
            .map_err(|rejection| Problem::from(rejection).within(at))?;
        return json(StatusCode::OK, &seen);
    }
    let seen = api
        .read_with(move |store| preview(store, supply, &request, LINES_MAX))
        .await?
        .map_err(|rejection| Problem::from(rejection).within(at))?;
    json(StatusCode::OK, &seen)
}
