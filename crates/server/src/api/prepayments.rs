//! `GET /v1/prepayments`: what was taken for goods, and how much of it is earned.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, http::StatusCode, response::Response};
use engine::{Prepayments, each_prepayment};
use model::{
    id::Sku,
    money::{Currency, Money},
    time::Date,
};
use obligation::payment::Flow;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    auth::{AllOrdersRead, Allowed},
    params::Params,
    problem::Problem,
    schema,
    state::{Api, json},
};

/// Most sums of a day and a SKU that are looked at.
const LOOKED_AT_MAX: usize = 200_000;

/// Money that came, and what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Prepayment)]
pub(crate) struct PrepaymentOut {
    /// The day at the shop's first location, where it is asked for by day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date, nullable = false)]
    day: Option<Date>,
    /// What was sold; not of a total.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    sku: Option<Sku>,
    /// Came.
    #[schema(value_type = schema::Money)]
    received: Money,
    /// Went back.
    #[schema(value_type = schema::Money)]
    refunded: Money,
    /// Of what came: for goods that left.
    #[schema(value_type = schema::Money)]
    earned: Money,
    /// Of what came: owed, in goods or in money. Received less refunded less earned.
    #[schema(value_type = schema::Money)]
    unearned: Money,
}

/// Prepayments.
#[derive(Serialize, ToSchema)]
#[schema(as = PrepaymentList)]
pub(crate) struct PrepaymentsOut {
    /// By day and SKU, or by SKU.
    items: Vec<PrepaymentOut>,
    /// Of everything that was looked at, by currency.
    totals: Vec<PrepaymentOut>,
    /// False where there is more than was looked at, or than `limit`: ask for fewer days or one SKU.
    complete: bool,
}

/// Read prepayments
///
/// What was received, what of it was earned by goods that left, what went back, and what is owed: for all time or some days,
/// by SKU or by day and SKU. A day's sums are what changed on that day.
#[utoipa::path(
    get, path = "/v1/prepayments", tag = "Payments", operation_id = "get_prepayments",
    params(
        ("sku" = Option<String>, Query, description = "Only of this SKU"),
        ("by" = Option<String>, Query, description = "`sku` (unless given) or `day`: by day and SKU"),
        ("from" = Option<String>, Query, description = "Only from this day on (2026-12-01)"),
        ("to" = Option<String>, Query, description = "Only up to this day"),
        ("limit" = Option<i64>, Query, description = "Most items"),
    ),
    responses((status = 200, description = "The sums", body = PrepaymentsOut)),
    security(("key" = ["orders:read"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AllOrdersRead>,
    mut params: Params,
) -> Result<Response, Problem> {
    let limit = params.limit();
    let (sku, by) = (params.sku("sku"), params.word("by", &["sku", "day"]));
    let mut day = |name: &'static str| {
        let text = params.text(name)?;
        params.checks.date(format_args!("{name}"), &text)
    };
    let (from, to) = (day("from"), day("to"));
    params.finish()?;
    let tenant = allowed.caller.tenant.clone();
    let by_day = by == Some("day");
    let mut sums: BTreeMap<(Option<Date>, Sku, String), (Currency, Flow)> = BTreeMap::new();
    let mut totals: BTreeMap<String, (Currency, Flow)> = BTreeMap::new();
    let (sums, totals, whole) = api
        .read(move |store| {
            let mut add = |row: &Prepayments| {
                if from.is_some_and(|from| row.day < from) || to.is_some_and(|to| row.day > to) {
                    return;
                }
                let code = row.currency.code().to_owned();
                let key = (by_day.then_some(row.day), row.sku.clone(), code.clone());
                for sum in [
                    sums.entry(key).or_insert((row.currency, Flow::default())),
                    totals.entry(code).or_insert((row.currency, Flow::default())),
                ] {
                    sum.1 = sum.1 + row.flow;
                }
            };
            let whole = each_prepayment(store, &tenant, sku.as_ref(), LOOKED_AT_MAX, &mut add)?;
            Ok((sums, totals, whole))
        })
        .await?;
    let complete = whole && sums.len() <= limit;
    let items = sums.into_iter().take(limit).map(|((day, sku, _), sum)| shown(day, Some(sku), sum));
    let totals = totals.into_values().map(|sum| shown(None, None, sum)).collect();
    json(StatusCode::OK, &PrepaymentsOut { items: items.collect(), totals, complete })
}

fn shown(day: Option<Date>, sku: Option<Sku>, (currency, flow): (Currency, Flow)) -> PrepaymentOut {
    let money = |amount: i64| Money::new(amount, currency);
    PrepaymentOut {
        day,
        sku,
        received: money(flow.captured),
        refunded: money(flow.refunded),
        earned: money(flow.earned),
        unearned: money(flow.owed()),
    }
}
