//! `POST /v1/orders`.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use engine::Answer;
use model::{
    command::{Accept, AskLine, Command, Contact, PlaceOrder},
    limits::LINES_MAX,
    order::ShipChoice,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::OrderOut;
use crate::api::{
    auth::{Allowed, Caller, OrdersWrite},
    check::Checks,
    clock::Now,
    holds::{check_count, check_own},
    idempotency::Idempotency,
    input::{Input, Json, MoneyIn, words},
    problem::Problem,
    schema,
    state::{Api, json_replayed, unexpected},
};

/// An order to place.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderInput)]
pub(crate) struct OrderIn {
    /// In a batch alone, where each order needs one; elsewhere it is a header.
    #[schema(max_length = 255)]
    pub(super) idempotency_key: Option<String>,
    /// Your number for it.
    reference: Option<String>,
    /// Where it was sold; `default` unless given.
    channel: Option<String>,
    /// The hold to take over.
    hold: Option<String>,
    /// Who ordered.
    customer: Option<CustomerIn>,
    /// How it may be shipped; `as_available` unless given.
    ship: Option<ShipIn>,
    /// After when the customer does not want it delivered.
    #[schema(format = Date, example = "2026-12-24")]
    not_later_than: Option<String>,
    /// When the customer would like it delivered; as soon as possible unless given.
    #[schema(format = Date)]
    requested_date: Option<String>,
    /// Whether part of it will do; `all` unless given.
    accept: Option<AcceptIn>,
    /// What to order. One SKU may stand in several lines.
    #[schema(min_items = 1, max_items = 500)]
    lines: Vec<LineIn>,
}

impl Input for OrderIn {}

/// Who orders.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
#[schema(as = CustomerInput)]
pub(crate) struct CustomerIn {
    /// E-mail address. Customers are told apart by it, in lower case.
    email: Option<String>,
    /// Name.
    name: Option<String>,
    /// Where it goes: ISO 3166-1 alpha-2.
    #[schema(example = "US")]
    country: Option<String>,
    /// Street, number and place, one or more lines.
    #[schema(max_length = 500)]
    address: Option<String>,
    /// Postcode.
    postcode: Option<String>,
    /// The customer's group.
    group: Option<String>,
    /// Language, BCP 47.
    #[schema(example = "en-US")]
    locale: Option<String>,
}

/// How an order may be shipped.
#[derive(Serialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
#[schema(as = ShipChoice)]
pub(crate) enum ShipIn {
    AsAvailable,
    Complete,
}

words!(ShipIn { "as_available" => AsAvailable, "complete" => Complete });

impl ShipIn {
    pub(super) fn choice(self) -> ShipChoice {
        match self {
            Self::AsAvailable => ShipChoice::AsAvailable,
            Self::Complete => ShipChoice::Complete,
        }
    }
}

/// Whether part of an order will do.
#[derive(Serialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
#[schema(as = Accept)]
pub(crate) enum AcceptIn {
    All,
    Partial,
}

words!(AcceptIn { "all" => All, "partial" => Partial });

/// One thing to order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderLineInput)]
pub(crate) struct LineIn {
    /// What.
    sku: String,
    /// How many units.
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: i64,
    /// What one unit sells for; the SKU's price unless given.
    unit_price: Option<MoneyIn>,
}

/// Checks an order, all but who its customer is to the ledger.
pub(super) fn check(caller: &Caller, input: &OrderIn) -> Result<PlaceOrder, Problem> {
    let mut checks = Checks::default();
    check_count(&mut checks, input.lines.len());
    let lines = input.lines.iter().take(LINES_MAX).enumerate().map(|(n, line)| AskLine {
        sku: checks.sku(format_args!("/lines/{n}/sku"), &line.sku),
        quantity: checks.line_units(format_args!("/lines/{n}/quantity"), line.quantity),
        unit_price: match &line.unit_price {
            Some(price) => checks.money(&format!("/lines/{n}/unit_price"), price),
            None => None,
        },
    });
    let lines = lines.collect();
    let nobody = CustomerIn::default();
    let customer = input.customer.as_ref().unwrap_or(&nobody);
    let contact = Contact {
        email: checks.email(format_args!("/customer/email"), customer.email.as_deref()),
        name: checks.name(format_args!("/customer/name"), customer.name.as_deref()),
        address: checks.lines(format_args!("/customer/address"), customer.address.as_deref()),
        postcode: checks.postcode(format_args!("/customer/postcode"), customer.postcode.as_deref()),
        locale: checks.locale(format_args!("/customer/locale"), customer.locale.as_deref()),
    };
    let hold = input.hold.as_deref();
    let mut date =
        |at: &str, text: Option<&str>| text.and_then(|text| checks.date(format_args!("{at}"), text));
    let not_later_than = date("/not_later_than", input.not_later_than.as_deref());
    let requested_date = date("/requested_date", input.requested_date.as_deref());
    let wish = PlaceOrder {
        reference: checks.name(format_args!("/reference"), input.reference.as_deref()),
        channel: checks.channel(format_args!("/channel"), input.channel.as_deref()),
        hold: hold.and_then(|text| checks.parsed(format_args!("/hold"), text)),
        customer: None,
        contact,
        group: checks.label(format_args!("/customer/group"), customer.group.as_deref()),
        country: checks.country(format_args!("/customer/country"), customer.country.as_deref()),
        ship: input.ship.map_or(ShipChoice::AsAvailable, ShipIn::choice),
        not_later_than,
        requested_date,
        accept: match input.accept {
            None | Some(AcceptIn::All) => Accept::All,
            Some(AcceptIn::Partial) => Accept::Partial,
        },
        placed_by: caller.publishable.clone(),
        already_owed: false,
        lines,
    };
    checks.finish(wish)
}

/// Makes a checked order a command: says who its customer is to the ledger.
pub(super) async fn command(api: &Arc<Api>, caller: &Caller, wish: PlaceOrder) -> Result<Command, Problem> {
    let customer = api.customer(&caller.tenant, wish.contact.email.as_deref()).await?;
    Ok(Command::PlaceOrder(Box::new(PlaceOrder { customer, ..wish })))
}

/// Place an order
///
/// Takes only units that nobody has a claim on, and answers with a date for each. The same `Idempotency-Key` with the
/// same order answers the same again and orders nothing more.
#[utoipa::path(
    post, path = "/v1/orders", tag = "Orders", operation_id = "place_order",
    request_body = OrderIn,
    responses((status = 201, description = "The order with its promise", body = schema::Order)),
    security(("key" = ["orders:write"])),
)]
pub(crate) async fn place(
    State(api): State<Arc<Api>>,
    allowed: Allowed<OrdersWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Json { value, bytes }: Json<OrderIn>,
) -> Result<Response, Problem> {
    let caller = &allowed.caller;
    let key = idempotency.required(caller, &bytes)?;
    if value.idempotency_key.is_some() {
        let detail = "stands in the header Idempotency-Key; here only in a batch";
        return Err(Problem::field("/idempotency_key", "unknown_field", detail));
    }
    let wish = check(caller, &value)?;
    if let Some(hold) = wish.hold {
        check_own(&api, caller, hold).await?;
    }
    let command = command(&api, caller, wish).await?;
    let done = api.run(caller, now, command, Some(key)).await?;
    let replayed = done.replayed;
    let Answer::Placed(view) = done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::CREATED, &OrderOut::new(&api, &caller.tenant, *view), replayed)
}
