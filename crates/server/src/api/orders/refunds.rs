//! `/v1/orders/{id}/refunds`: money that is due back and of which no account knows.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use engine::{
    Answer,
    notices::{REFUND, Refund},
};
use ledger::{RecordFilter, Shelf};
use model::{
    command::Command,
    id::{LineId, OrderId},
    limits::LINES_MAX,
    message::{MessageWish, Repaid},
    money::Money,
    record::Record,
    time::{Date, Timestamp},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::{
    auth::{AllOrdersRead, AllOrdersWrite, Allowed},
    check::Checks,
    clock::Now,
    idempotency::Idempotency,
    input::{Input, Json, MoneyIn},
    params::Segments,
    problem::Problem,
    schema,
    state::{Api, json, json_replayed, unexpected},
    supplies::path_id,
};

/// Money that went back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RepaidInput)]
pub(crate) struct RepaidIn {
    /// For which line; for every line that waits for it unless given.
    line: Option<String>,
    /// How much; what is due unless given. 0 where nothing had been taken.
    amount: Option<MoneyIn>,
}

impl Input for RepaidIn {
    const MAY_BE_EMPTY: bool = true;
}

/// Money that is due back.
#[derive(Serialize, ToSchema)]
#[schema(as = RefundDue)]
pub(crate) struct RefundDueOut {
    /// For which line.
    #[schema(value_type = String)]
    line: LineId,
    /// For how many units.
    quantity: i64,
    /// What they sold for; null where no price is known.
    #[schema(value_type = Option<schema::Money>)]
    amount: Option<Money>,
    /// The last day.
    #[schema(value_type = Option<String>, format = Date)]
    due_by: Option<Date>,
    /// By which rule.
    rule: String,
    /// `due`, or `done` once it went.
    #[schema(value_type = String)]
    state: Arc<str>,
    /// What went back.
    #[schema(value_type = Option<schema::Money>)]
    sent: Option<Money>,
    /// When.
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<Timestamp>,
}

/// What is due back outside an account.
#[derive(Serialize, ToSchema)]
#[schema(as = RefundDueList)]
pub(crate) struct RefundsDueOut {
    items: Vec<RefundDueOut>,
}

fn shown(records: &[Record]) -> RefundsDueOut {
    let out = |record: &Record| {
        let refund: Refund = record.read().ok().flatten()?;
        let Refund { line, quantity, amount, due_by, rule, sent, sent_at, .. } = refund;
        let state = Arc::clone(&record.state);
        Some(RefundDueOut { line, quantity, amount, due_by, rule, state, sent, sent_at })
    };
    RefundsDueOut { items: records.iter().filter_map(out).collect() }
}

/// List money that is due back outside the order's account
///
/// Of orders whose money is moved elsewhere, when a line ends by law or by the customer's word; and for goods that come back after a
/// withdrawal. What is due for units that an account was paid for is in the account.
#[utoipa::path(
    get, path = "/v1/orders/{id}/refunds", tag = "Payments", operation_id = "list_refunds",
    params(("id" = String, Path, description = "The order's id")),
    responses((status = 200, description = "What is due, and what went", body = RefundsDueOut)),
    security(("key" = ["orders:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AllOrdersRead>,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let order: OrderId = path_id("order", &id)?;
    let tenant = allowed.caller.tenant.clone();
    let found = api
        .read(move |store| {
            if store.orders(&tenant, &[order])?.is_empty() {
                return Ok(None);
            }
            let owner = order.to_string();
            let filter = RecordFilter { owner: Some(&owner), state: None };
            store.record_page(&tenant, Shelf::Ledger, REFUND, &filter, (None, 2 * LINES_MAX)).map(Some)
        })
        .await?;
    let records = found.ok_or_else(|| Problem::not_found("order", order))?;
    json(StatusCode::OK, &shown(&records))
}

/// Write down that money went back outside the order's account
///
/// The duty is over: `GET /v1/obligations` names it no more, and the ledger has a `refunded`. For what an account was paid, use
/// `POST /v1/orders/{id}/payments` with `refund`.
#[utoipa::path(
    post, path = "/v1/orders/{id}/refunds", tag = "Payments", operation_id = "note_refund",
    params(("id" = String, Path, description = "The order's id")),
    request_body(content = Option<RepaidIn>, description = "Nothing for all that is due"),
    responses((status = 200, description = "What went", body = RefundsDueOut)),
    security(("key" = ["orders:write"])),
)]
pub(crate) async fn note(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AllOrdersWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Segments(id): Segments<String>,
    Json { value, bytes }: Json<RepaidIn>,
) -> Result<Response, Problem> {
    let order: OrderId = path_id("order", &id)?;
    let key = idempotency.required(&allowed.caller, &bytes)?;
    let mut checks = Checks::default();
    let line: Option<LineId> =
        value.line.as_deref().and_then(|text| checks.parsed(format_args!("/line"), text));
    if line.is_some_and(|line| line.order != order) {
        checks.wrong(format_args!("/line"), "unknown_line", "is not a line of this order");
    }
    let amount = value.amount.as_ref().and_then(|amount| checks.money("/amount", amount));
    let wish = checks.finish(Repaid { order, line: line.map(|line| line.no), amount })?;
    let done = api.run(&allowed.caller, now, Command::Message(MessageWish::Repaid(wish)), Some(key)).await?;
    let Answer::Records(records) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::OK, &shown(records), done.replayed)
}
