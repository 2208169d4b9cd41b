//! `/v1/orders/{id}/payments`: the money of an order.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use engine::{Answer, PAYER};
use ledger::{Read, Shelf, StoreError};
use model::{
    command::{ChargeShipping, Command, Pay, PayKind},
    errand::Payer,
    id::{LineId, OrderId, TenantId},
    limits::SUPPLY_UNITS_MAX,
    money::Money,
    time::{Date, Timestamp},
};
use obligation::payment::{
    Account, ChargeKind, ChargeState, RefundState, When,
    kept::{ACCOUNT, Kept, MANUAL, STRIPE},
    schedule,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::{
    auth::{AllOrdersRead, AllOrdersWrite, Allowed},
    check::Checks,
    clock::Now,
    idempotency::Idempotency,
    input::{Input, Json, MoneyIn, words},
    params::Segments,
    problem::Problem,
    schema,
    state::{Api, json, json_replayed, unexpected},
    supplies::path_id,
};

/// Money that is moved, or was.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PaymentActionInput)]
pub(crate) struct PaymentActionIn {
    /// What is done.
    kind: PayKindIn,
    /// Who moves the money; the order's own provider unless given.
    provider: Option<String>,
    /// How much. All that can be meant, unless given; always of `record`.
    amount: Option<MoneyIn>,
    /// For this line only: its id.
    line: Option<String>,
    /// Which charge is meant, by its number; the one that fits unless given.
    #[schema(minimum = 1)]
    charge: Option<i64>,
    /// Until when an authorisation may be captured, as the provider said.
    #[schema(value_type = Option<String>, format = DateTime)]
    capture_before: Option<Timestamp>,
}

impl Input for PaymentActionIn {}

/// What is done with money.
#[derive(Serialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
#[schema(as = PaymentActionKind)]
pub(crate) enum PayKindIn {
    Charge,
    Authorise,
    Capture,
    Refund,
    Record,
}

words!(PayKindIn { "charge" => Charge, "authorise" => Authorise, "capture" => Capture, "refund" => Refund, "record" => Record });

/// The money of an order as it is shown.
#[derive(Serialize)]
pub(crate) struct PaymentsOut {
    order: OrderId,
    provider: Arc<str>,
    pub(crate) total: Money,
    pub(crate) captured: Money,
    pub(crate) refunded: Money,
    /// Of what came: for goods that left.
    earned: Money,
    /// Of what came: owed to the customer, in goods or in money.
    prepaid: Money,
    pub(crate) refund_due: Money,
    due: Vec<DueOut>,
    items: Vec<ChargeOut>,
    refunds: Vec<RefundOut>,
}

#[derive(Serialize)]
struct DueOut {
    line: LineId,
    amount: Money,
    when: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<Date>,
}

#[derive(Serialize)]
struct ChargeOut {
    charge: u32,
    kind: ChargeKind,
    state: &'static str,
    amount: Money,
    captured: Money,
    refundable: Money,
    attempts: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    capture_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pay_by: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<Timestamp>,
    disputed: Money,
    /// What the customer's browser shows to pay it.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<Arc<str>>,
}

#[derive(Serialize)]
struct RefundOut {
    refund: u32,
    charge: u32,
    amount: Money,
    state: RefundState,
    by_hand: bool,
}

/// Shows an account.
pub(crate) fn shown(order: OrderId, Kept { provider, account, .. }: &Kept) -> PaymentsOut {
    let money = |amount: i64| Money::new(amount, account.currency);
    // Sums of one order's money, which fits.
    let sum = |amount: i128| money(i64::try_from(amount).unwrap_or(i64::MAX));
    PaymentsOut {
        order,
        provider: Arc::clone(provider),
        total: money(account.total()),
        captured: sum(account.captured()),
        refunded: sum(account.refunded()),
        earned: sum(account.earned()),
        prepaid: sum(account.prepayment()),
        refund_due: money(account.lines.values().map(|line| line.refund_due + line.refunding).sum()),
        due: due(order, account),
        items: account.charges.iter().map(|(number, charge)| charge_out(*number, charge, &money)).collect(),
        refunds: account
            .refunds
            .iter()
            .map(|(number, refund)| RefundOut {
                refund: *number,
                charge: refund.charge,
                amount: money(refund.amount()),
                state: refund.state,
                by_hand: refund.by_hand,
            })
            .collect(),
    }
}

fn due(order: OrderId, account: &Account) -> Vec<DueOut> {
    let planned = schedule(account).into_iter().map(|planned| {
        let (when, on) = match planned.when {
            When::Now => ("now", None),
            When::On(date) => ("on", Some(date)),
            When::OnShip => ("on_ship", None),
            When::ByInvoice => ("by_invoice", None),
        };
        let line = LineId { order, no: planned.line };
        DueOut { line, amount: Money::new(planned.amount, account.currency), when, on }
    });
    planned.collect()
}

fn charge_out(charge: u32, of: &obligation::payment::Charge, money: &impl Fn(i64) -> Money) -> ChargeOut {
    let (state, capture_before, pay_by, retry_at) = match &of.state {
        ChargeState::Requested => ("requested", None, None, None),
        ChargeState::NeedsCustomer { grace_until, retry_at, .. } => {
            ("needs_customer", None, Some(*grace_until), *retry_at)
        }
        ChargeState::Authorised { capture_before, .. } => ("authorised", Some(*capture_before), None, None),
        ChargeState::Capturing { capture_before, .. } => ("capturing", Some(*capture_before), None, None),
        ChargeState::Closing => ("closing", None, None, None),
        ChargeState::Done => ("done", None, None, None),
    };
    ChargeOut {
        charge,
        kind: of.kind,
        state,
        amount: money(of.asked()),
        captured: money(of.captured()),
        refundable: money(of.refundable()),
        attempts: of.attempt,
        capture_before,
        pay_by,
        retry_at,
        disputed: money(of.disputed),
        client_secret: None,
    }
}

/// Reads the account of an order; `None`: it has none.
pub(crate) fn account(
    store: &mut dyn Read,
    tenant: &TenantId,
    order: OrderId,
) -> Result<Option<Kept>, StoreError> {
    let id = order.to_string();
    let found = store.records(tenant, Shelf::Ledger, ACCOUNT, &[&id])?.pop();
    let Some(record) = found else { return Ok(None) };
    record.read().map_err(|error| StoreError::inconsistent(format_args!("the account of {order}: {error}")))
}

/// Read the money of an order
///
/// What was paid, what is still due and when, what went back. An order has an account as soon as a policy of its lines has
/// `payment`, or something was written down for it.
#[utoipa::path(
    get, path = "/v1/orders/{id}/payments", tag = "Payments", operation_id = "get_payments",
    params(("id" = String, Path, description = "The order's id")),
    responses((status = 200, description = "The money of the order", body = schema::Payments)),
    security(("key" = ["orders:read"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AllOrdersRead>,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let id: OrderId = path_id("order", &id)?;
    let tenant = allowed.caller.tenant.clone();
    let found = api
        .read(move |store| {
            if store.orders(&tenant, &[id])?.is_empty() {
                return Ok(None);
            }
            let Some(account) = account(store, &tenant, id)? else { return Ok(Some(None)) };
            let payer = store.records(&tenant, Shelf::Private, PAYER, &[&id.to_string()])?;
            let payer = payer.first().and_then(|record| record.read().ok().flatten());
            Ok(Some(Some((account, payer.unwrap_or_default()))))
        })
        .await?;
    let account = found.ok_or_else(|| Problem::not_found("order", id))?;
    let (account, payer): (Kept, Payer) = account.ok_or_else(|| Problem::not_found("account of", id))?;
    let mut out = shown(id, &account);
    for item in out.items.iter_mut().filter(|item| item.state == "needs_customer") {
        item.client_secret = payer.charges.get(&item.charge).and_then(|known| known.secret.clone());
    }
    json(StatusCode::OK, &out)
}

/// Shipping to be paid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ShippingChargeInput)]
pub(crate) struct ShippingIn {
    /// How much; what the location's `transit` says for the order's country unless given.
    amount: Option<MoneyIn>,
}

impl Input for ShippingIn {
    const MAY_BE_EMPTY: bool = true;
}

/// Charge the shipping of an order, late
///
/// For orders whose shipping was left out when they were placed: before a wave, the shipping is quoted by the address as it is now and
/// asked for, and nothing of the order is handed over until it is paid. Asked again, it is the same fee; after another country or
/// price, the old one is called off and what was paid for it goes back.
#[utoipa::path(
    post, path = "/v1/orders/{id}/shipping", tag = "Payments", operation_id = "charge_shipping",
    params(("id" = String, Path, description = "The order's id")),
    request_body(content = Option<ShippingIn>, description = "How much; nothing for what the location says"),
    responses((status = 201, description = "The money of the order", body = schema::Payments)),
    security(("key" = ["orders:write"])),
)]
pub(crate) async fn charge_shipping(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AllOrdersWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Segments(id): Segments<String>,
    Json { value, bytes }: Json<ShippingIn>,
) -> Result<Response, Problem> {
    let order: OrderId = path_id("order", &id)?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let mut checks = Checks::default();
    let amount = value.amount.as_ref().and_then(|amount| checks.money("/amount", amount));
    if amount.as_ref().is_some_and(|amount| amount.amount < 1) {
        checks.wrong(format_args!("/amount/amount"), "out_of_range", "is 1 or more");
    }
    let wish = checks.finish(ChargeShipping { order, amount })?;
    let done = api.run(&allowed.caller, now, Command::ChargeShipping(wish), key).await?;
    let Answer::Paid(kept) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::CREATED, &shown(order, kept), done.replayed)
}

fn check(order: OrderId, input: &PaymentActionIn) -> Result<Pay, Problem> {
    let mut checks = Checks::default();
    let line: Option<LineId> =
        input.line.as_deref().and_then(|text| checks.parsed(format_args!("/line"), text));
    if line.is_some_and(|line| line.order != order) {
        checks.wrong(format_args!("/line"), "unknown_line", "is not a line of this order");
    }
    let known = [MANUAL, STRIPE];
    if input.provider.as_deref().is_some_and(|provider| !known.contains(&provider)) {
        checks.wrong(format_args!("/provider"), "unknown_value", "is `manual` or `stripe`");
    }
    let amount = input.amount.as_ref().and_then(|amount| checks.money("/amount", amount));
    if amount.as_ref().is_some_and(|amount| amount.amount < 1) {
        checks.wrong(format_args!("/amount/amount"), "out_of_range", "is 1 or more");
    }
    let charge =
        input.charge.map(|charge| checks.number(format_args!("/charge"), charge, 1, SUPPLY_UNITS_MAX));
    let wish = Pay {
        order,
        kind: match input.kind {
            PayKindIn::Charge => PayKind::Charge,
            PayKindIn::Authorise => PayKind::Authorise,
            PayKindIn::Capture => PayKind::Capture,
            PayKindIn::Refund => PayKind::Refund,
            PayKindIn::Record => PayKind::Record,
        },
        provider: input.provider.as_deref().map(Arc::from),
        amount,
        line: line.map(|line| line.no),
        charge: charge.and_then(|charge| u32::try_from(charge).ok()),
        capture_before: input.capture_before,
    };
    checks.finish(wish)
}

/// Move money, or write down what was moved
///
/// `charge`: money was taken, for what was asked for or else for what is not paid. `authorise`: it was set aside until
/// `capture_before`. `capture`: what was set aside was taken. `record`: it came by another way. `refund`: it went back: what
/// cancelled units were paid with first, then a favour for goods that left. Never more than is owed, set aside or earned.
///
/// With the provider `stripe`, `charge`, `capture` and `refund` ask Stripe; its word stands in the account once it came.
#[utoipa::path(
    post, path = "/v1/orders/{id}/payments", tag = "Payments", operation_id = "pay",
    params(("id" = String, Path, description = "The order's id")),
    request_body = PaymentActionIn,
    responses((status = 201, description = "The money of the order", body = schema::Payments)),
    security(("key" = ["orders:write"])),
)]
pub(crate) async fn pay(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AllOrdersWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Segments(id): Segments<String>,
    Json { value, bytes }: Json<PaymentActionIn>,
) -> Result<Response, Problem> {
    let id: OrderId = path_id("order", &id)?;
    let key = idempotency.required(&allowed.caller, &bytes)?;
    let wish = check(id, &value)?;
    let done = api.run(&allowed.caller, now, Command::Pay(wish), Some(key)).await?;
    let Answer::Paid(kept) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::CREATED, &shown(id, kept), done.replayed)
}
