//! `/v1/settings/cash`: what cash over the days ahead begins with.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use ledger::{Read, Shelf, StoreError};
use model::{
    cash::{CASH_SETTINGS, CashSettings},
    command::{Command, KeepTerms},
    id::TenantId,
    money::{Currency, Money},
    record::{Json as Text, Record},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::defect;
use crate::api::{
    auth::{Allowed, CatalogWrite, DecisionsRead},
    check::Checks,
    clock::Now,
    input::{Input, Json, MoneyIn},
    params::Params,
    problem::Problem,
    schema,
    state::{Api, json},
};

/// The largest amount there may be, in minor units.
pub(super) const AMOUNT_MAX: i64 = 1_000_000_000_000;
/// Most days until a processor pays out.
pub(super) const PAYOUT_MAX: i64 = 60;

/// What cash begins with, as a whole: what is left out has its default.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CashSettingsInput)]
pub(crate) struct SettingsIn {
    /// Cash today; below zero where an account is overdrawn. Its currency is the one this is set for.
    opening: MoneyIn,
    /// Days until the processor pays out; 2 unless given.
    #[schema(minimum = 0, maximum = 60)]
    payout_days: Option<i64>,
    /// Share of supplies on their way that is paid already; 0 unless given.
    #[schema(minimum = 0, maximum = 100)]
    supplier_deposit_percent: Option<i64>,
}

impl Input for SettingsIn {}

/// What cash begins with.
#[derive(Serialize, ToSchema)]
#[schema(as = CashSettings)]
pub(crate) struct SettingsOut {
    #[schema(value_type = schema::Money)]
    opening: Money,
    payout_days: i64,
    supplier_deposit_percent: i64,
    /// When it was set; null where it never was.
    #[schema(format = DateTime, value_type = Option<String>)]
    set_at: Option<Timestamp>,
}

fn shown(set: &CashSettings, currency: Currency) -> SettingsOut {
    SettingsOut {
        opening: Money { amount: set.opening, currency },
        payout_days: set.payout_days,
        supplier_deposit_percent: set.supplier_deposit_percent,
        set_at: set.set_at,
    }
}

/// Reads what is set for a currency.
pub(crate) fn read(
    store: &mut dyn Read,
    tenant: &TenantId,
    currency: Currency,
) -> Result<CashSettings, StoreError> {
    let found = store.records(tenant, Shelf::Ledger, CASH_SETTINGS, &[currency.code()])?.pop();
    Ok(found.and_then(|record| record.read().ok().flatten()).unwrap_or_default())
}

/// The command that sets it.
pub(crate) fn keeping(set: &CashSettings, currency: Currency) -> Result<Command, Problem> {
    let record = Record::new(CASH_SETTINGS, currency.code(), set).map_err(defect)?;
    let data = Text::of(&serde_json::json!({ "cash_settings": currency.code() })).map_err(defect)?;
    Ok(Command::KeepTerms(KeepTerms { sku: None, data, records: vec![record], private: Vec::new() }))
}

/// Set what cash begins with
///
/// One setting a currency. `GET /v1/cash` and the page take it where they are not told otherwise.
#[utoipa::path(
    put, path = "/v1/settings/cash", tag = "Decisions", operation_id = "put_cash_settings",
    request_body = SettingsIn,
    responses((status = 200, description = "It is kept", body = SettingsOut)),
    security(("key" = ["catalog:write"])),
)]
pub(crate) async fn put(
    State(api): State<Arc<Api>>,
    allowed: Allowed<CatalogWrite>,
    Now(now): Now,
    Json { value, .. }: Json<SettingsIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let currency = value.opening.currency.parse::<Currency>().ok();
    if currency.is_none() {
        checks.wrong(format_args!("/opening/currency"), "currency", "not a code of ISO 4217");
    }
    let opening =
        checks.number(format_args!("/opening/amount"), value.opening.amount, -AMOUNT_MAX, AMOUNT_MAX);
    let payout = checks.number(format_args!("/payout_days"), value.payout_days.unwrap_or(2), 0, PAYOUT_MAX);
    let deposit = value.supplier_deposit_percent.unwrap_or(0);
    let deposit = checks.number(format_args!("/supplier_deposit_percent"), deposit, 0, 100);
    checks.finish(())?;
    let Some(currency) = currency else { return Err(Problem::defect()) };
    let set =
        CashSettings { opening, payout_days: payout, supplier_deposit_percent: deposit, set_at: Some(now) };
    api.run(&allowed.caller, now, keeping(&set, currency)?, None).await?;
    json(StatusCode::OK, &shown(&set, currency))
}

/// Read what cash begins with
#[utoipa::path(
    get, path = "/v1/settings/cash", tag = "Decisions", operation_id = "get_cash_settings",
    params(("currency" = String, Query, description = "In which money")),
    responses((status = 200, description = "What is set, or its defaults", body = SettingsOut)),
    security(("key" = ["decisions:read"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    allowed: Allowed<DecisionsRead>,
    mut params: Params,
) -> Result<Response, Problem> {
    let currency = params.text("currency").and_then(|code| code.parse::<Currency>().ok());
    if currency.is_none() {
        params.checks.wrong(format_args!("currency"), "currency", "a code of ISO 4217, as USD");
    }
    params.finish()?;
    let Some(currency) = currency else { return Err(Problem::defect()) };
    let tenant = allowed.caller.tenant.clone();
    let set = api.read(move |store| read(store, &tenant, currency)).await?;
    json(StatusCode::OK, &shown(&set, currency))
}
