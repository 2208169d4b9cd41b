//! `/v1/skus/{sku}/purchasing`: how a SKU is bought.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use evidence::PurchaseTerms;
use insight::purchase::PriceBreak;
use ledger::Shelf;
use model::{
    command::{Command, KeepTerms},
    limits::SUPPLY_UNITS_MAX,
    money::Currency,
    purchasing::PURCHASE_TERMS,
    record::{self, Record},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::{defect, shown::money};
use crate::api::{
    auth::{Allowed, CatalogRead, CatalogWrite},
    check::Checks,
    clock::Now,
    input::{Input, Json, MoneyIn},
    params::Segments,
    problem::Problem,
    skus::path_sku,
    state::{Api, json},
};

const BREAKS_MAX: usize = 20;

/// A cheaper price from so many units on.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PriceBreak)]
pub(crate) struct BreakIn {
    /// From so many units.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    from: i64,
    /// What one costs then, all of them.
    unit_cost: MoneyIn,
}

/// How a SKU is bought, as a whole: what is left out is taken from elsewhere, or has its default.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PurchaseTerms)]
pub(crate) struct TermsIn {
    /// Days from ordering to arrival.
    #[schema(minimum = 0, maximum = 1825)]
    lead_time_days: Option<i64>,
    /// Days until the next order can be placed; 14 unless given.
    #[schema(minimum = 1, maximum = 1825)]
    review_days: Option<i64>,
    /// Units to a lot; 1 unless given.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    lot_size: Option<i64>,
    /// Least units in an order.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    minimum: Option<i64>,
    /// Most units in an order.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    maximum: Option<i64>,
    /// Most units that there is room for, those here and on their way among them.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    shelf_max: Option<i64>,
    /// What an order costs beside its units.
    order_cost: Option<MoneyIn>,
    /// Cheaper prices, ascending.
    #[schema(max_items = 20)]
    price_breaks: Option<Vec<BreakIn>>,
}

impl Input for TermsIn {}

fn check(input: &TermsIn, currency: Option<Currency>) -> Result<PurchaseTerms, Problem> {
    let mut checks = Checks::default();
    let amount = |at: String, given: &MoneyIn, checks: &mut Checks| {
        let Some(money) = checks.money(&at, given) else { return 0.0 };
        if currency.is_some_and(|currency| currency != money.currency) {
            checks.wrong(
                format_args!("{at}/currency"),
                "other_currency",
                "not the currency of the SKU's cost",
            );
        }
        money.amount as f64 / 10_f64.powi(i32::from(money.currency.decimals()))
    };
    let units = |at: &str, given: Option<i64>, checks: &mut Checks| {
        given.map(|units| checks.number(format_args!("/{at}"), units, 1, SUPPLY_UNITS_MAX))
    };
    let breaks = input.price_breaks.as_deref().unwrap_or_default();
    if breaks.len() > BREAKS_MAX {
        checks.wrong(format_args!("/price_breaks"), "too_many", format!("at most {BREAKS_MAX}"));
    }
    let mut levels: Vec<PriceBreak> = Vec::new();
    for (n, given) in breaks.iter().take(BREAKS_MAX).enumerate() {
        let from = checks.number(format_args!("/price_breaks/{n}/from"), given.from, 1, SUPPLY_UNITS_MAX);
        let unit_cost = amount(format!("/price_breaks/{n}/unit_cost"), &given.unit_cost, &mut checks);
        if levels.last().is_some_and(|last| from <= last.from || unit_cost > last.unit_cost) {
            let detail = "more units must come later and cost no more each";
            checks.wrong(format_args!("/price_breaks/{n}"), "out_of_order", detail);
        }
        levels.push(PriceBreak { from, unit_cost });
    }
    let order_cost =
        input.order_cost.as_ref().map(|cost| amount("/order_cost".to_owned(), cost, &mut checks));
    let (lot_size, minimum) =
        (units("lot_size", input.lot_size, &mut checks), units("minimum", input.minimum, &mut checks));
    let maximum = units("maximum", input.maximum, &mut checks);
    let shelf_max = units("shelf_max", input.shelf_max, &mut checks);
    if let (Some(least), Some(most)) = (minimum, maximum)
        && most < least
    {
        checks.wrong(format_args!("/maximum"), "contradiction", "fewer than the minimum");
    }
    let days = |at: &str, given: Option<i64>, checks: &mut Checks| {
        given.map(|days| checks.days(format_args!("/{at}"), days))
    };
    let review_days = days("review_days", input.review_days, &mut checks);
    if review_days == Some(0) {
        checks.wrong(format_args!("/review_days"), "out_of_range", "from 1");
    }
    let lead_time_days = days("lead_time_days", input.lead_time_days, &mut checks);
    let terms = PurchaseTerms {
        lead_time_days,
        review_days,
        lot_size,
        minimum,
        maximum,
        shelf_max,
        order_cost,
        breaks: levels,
    };
    checks.finish(terms)
}

/// Set how a SKU is bought
#[utoipa::path(
    put, path = "/v1/skus/{sku}/purchasing", tag = "Decisions", operation_id = "put_purchase_terms",
    params(("sku" = String, Path, description = "The merchant's code")),
    request_body = TermsIn,
    responses((status = 200, description = "It is bought so now", body = TermsIn)),
    security(("key" = ["catalog:write"])),
)]
pub(crate) async fn put_terms(
    State(api): State<Arc<Api>>,
    allowed: Allowed<CatalogWrite>,
    Now(now): Now,
    Segments(sku): Segments<String>,
    Json { value, .. }: Json<TermsIn>,
) -> Result<Response, Problem> {
    let sku = path_sku(&sku)?;
    let (tenant, wanted) = (allowed.caller.tenant.clone(), sku.clone());
    let pool = api.read(move |store| Ok(store.pools(&tenant, &[wanted])?.pop())).await?;
    let pool = pool.ok_or_else(|| Problem::not_found("sku", &sku))?;
    let terms = check(&value, pool.item.unit_cost.as_ref().map(|cost| cost.currency))?;
    let record = Record::new(PURCHASE_TERMS, sku.as_str(), &terms).map_err(defect)?;
    let record = Record { owner: sku.as_str().into(), ..record };
    let data = record::Json::of(&terms).map_err(defect)?;
    let wish = KeepTerms { sku: Some(sku), data, records: vec![record], private: Vec::new() };
    api.run(&allowed.caller, now, Command::KeepTerms(wish), None).await?;
    json(StatusCode::OK, &value)
}

/// Read how a SKU is bought
#[utoipa::path(
    get, path = "/v1/skus/{sku}/purchasing", tag = "Decisions", operation_id = "get_purchase_terms",
    params(("sku" = String, Path, description = "The merchant's code")),
    responses((status = 200, description = "What is set; null is taken from elsewhere", body = TermsIn)),
    security(("key" = ["catalog:read"])),
)]
pub(crate) async fn get_terms(
    State(api): State<Arc<Api>>,
    allowed: Allowed<CatalogRead>,
    Segments(sku): Segments<String>,
) -> Result<Response, Problem> {
    let sku = path_sku(&sku)?;
    let (tenant, wanted) = (allowed.caller.tenant.clone(), sku.clone());
    let (pool, record) = api
        .read(move |store| {
            let record = store.records(&tenant, Shelf::Ledger, PURCHASE_TERMS, &[wanted.as_str()])?.pop();
            Ok((store.pools(&tenant, &[wanted])?.pop(), record))
        })
        .await?;
    let pool = pool.ok_or_else(|| Problem::not_found("sku", &sku))?;
    let terms: PurchaseTerms = record.and_then(|record| record.read().ok().flatten()).unwrap_or_default();
    let currency = pool.item.unit_cost.as_ref().or(pool.item.price.as_ref()).map(|money| money.currency);
    json(StatusCode::OK, &terms_out(&terms, currency))
}

fn terms_out(terms: &PurchaseTerms, currency: Option<Currency>) -> TermsIn {
    let amount = |value: f64| {
        let currency = currency.unwrap_or(Currency::USD);
        MoneyIn { amount: money(value, currency).amount, currency: currency.code().to_owned() }
    };
    let level = |level: &PriceBreak| BreakIn { from: level.from, unit_cost: amount(level.unit_cost) };
    TermsIn {
        lead_time_days: terms.lead_time_days.map(i64::from),
        review_days: terms.review_days.map(i64::from),
        lot_size: terms.lot_size,
        minimum: terms.minimum,
        maximum: terms.maximum,
        shelf_max: terms.shelf_max,
        order_cost: terms.order_cost.map(amount),
        price_breaks: Some(terms.breaks.iter().map(level).collect()),
    }
}
