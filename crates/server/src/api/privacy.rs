//! `/v1/privacy`: all that is known of a person, and forgetting who that was.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use engine::{
    Answer,
    notices::{MAIL, MailRow},
};
use ledger::{OrderFilter, Read, RecordFilter, Shelf, StoreError};
use model::{
    command::{Command, Contact},
    id::{CustomerKey, OrderId, TenantId},
    order::{Order, Promise},
    parcel::PARCEL,
    shortfall::CARE,
    talk::MESSAGE,
    time::Timestamp,
    view::OrderView,
    waitlist::{WAITING, Wait, WaitState},
};
use obligation::{notice::kept::NOTICE, payment::kept::ACCOUNT};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    auth::{Allowed, PrivacyRead, PrivacyWrite},
    check::Checks,
    clock::Now,
    input::{Input, Json},
    problem::Problem,
    schema,
    state::{Api, json, shop_of, unexpected},
};

/// Most orders in one answer.
const ORDERS_MAX: usize = 1_000;
/// Most records of a kind about one order.
const OF_ORDER_MAX: usize = 500;

/// Who it is about.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PersonInput)]
pub(crate) struct PersonIn {
    /// The e-mail address; in the body, as addresses of requests are written down.
    email: String,
}

impl Input for PersonIn {}

#[derive(Serialize)]
struct PersonOut {
    customer: CustomerKey,
    orders: Vec<OrderOf>,
    /// Places on waitlists that are held.
    waitlist_places: Vec<Wait>,
    /// Whether there are more orders than an answer has.
    more: bool,
}

#[derive(Serialize)]
struct OrderOf {
    order: OrderView,
    contact: Contact,
    promises: Vec<PromisesOf>,
    /// What the customer was told and answered.
    notices: Vec<Box<RawValue>>,
    /// What was asked, paid and given back.
    account: Option<Box<RawValue>>,
    /// What left, with the carriers' numbers.
    parcels: Vec<Box<RawValue>>,
    mails: Vec<MailOf>,
    /// What the customer and the shop wrote to each other, and notes.
    messages: Vec<Box<RawValue>>,
    /// Who takes care of a line whose promise cannot be kept, in their words.
    care: Vec<Box<RawValue>>,
}

#[derive(Serialize)]
struct PromisesOf {
    line: u16,
    promises: Vec<Promise>,
}

#[derive(Serialize)]
struct MailOf {
    sent_at: Timestamp,
    subject: Arc<str>,
    text: Arc<str>,
}

async fn person(api: &Arc<Api>, tenant: &TenantId, value: &PersonIn) -> Result<CustomerKey, Problem> {
    let mut checks = Checks::default();
    let email = checks.email(format_args!("/email"), Some(&value.email));
    if email.is_none() {
        checks.wrong(format_args!("/email"), "required", "is missing");
    }
    checks.finish(())?;
    api.customer(tenant, email.as_deref()).await?.ok_or_else(Problem::defect)
}

fn known(
    store: &mut dyn Read,
    tenant: &TenantId,
    customer: CustomerKey,
    now: Timestamp,
) -> Result<PersonOut, StoreError> {
    let filter = OrderFilter { customer: Some(customer), ..OrderFilter::default() };
    let mut ids = store.order_page(tenant, &filter, None, ORDERS_MAX + 1)?;
    let more = ids.len() > ORDERS_MAX;
    ids.truncate(ORDERS_MAX);
    let orders = store.orders(tenant, &ids)?;
    let shop = shop_of(store, tenant, &orders)?;
    let mut all = Vec::with_capacity(orders.len());
    for order in orders {
        let view = promise::order_view(&shop, &order, now);
        all.push(of_order(store, tenant, &order, view)?);
    }
    let waitlist_places = places_of(store, tenant, customer)?;
    Ok(PersonOut { customer, orders: all, waitlist_places, more })
}

/// Places on waitlists on which somebody stands.
fn places_of(
    store: &mut dyn Read,
    tenant: &TenantId,
    customer: CustomerKey,
) -> Result<Vec<Wait>, StoreError> {
    let mut places = Vec::new();
    for state in [WaitState::Waiting, WaitState::Invited] {
        let filter = RecordFilter { owner: None, state: Some(state.as_str()) };
        let mut after: Option<Arc<str>> = None;
        loop {
            let page = store.record_page(
                tenant,
                Shelf::Ledger,
                WAITING,
                &filter,
                (after.as_deref(), OF_ORDER_MAX),
            )?;
            let waits = page.iter().filter_map(|record| record.read::<Wait>().ok().flatten());
            places.extend(waits.filter(|wait| wait.customer == customer));
            match page.last().filter(|_| page.len() == OF_ORDER_MAX) {
                Some(last) => after = Some(Arc::clone(&last.id)),
                None => break,
            }
        }
    }
    Ok(places)
}

fn of_order(
    store: &mut dyn Read,
    tenant: &TenantId,
    order: &Order,
    view: OrderView,
) -> Result<OrderOf, StoreError> {
    let contact = store.contact(tenant, order.id)?.unwrap_or_default();
    let promises = order
        .lines
        .iter()
        .map(|line| PromisesOf { line: line.no, promises: line.promises.clone() })
        .collect();
    let notices = bodies(store, tenant, (Shelf::Ledger, NOTICE), order.id)?;
    let messages = bodies(store, tenant, (Shelf::Private, MESSAGE), order.id)?;
    let care = bodies(store, tenant, (Shelf::Private, CARE), order.id)?;
    let parcels = bodies(store, tenant, (Shelf::Ledger, PARCEL), order.id)?;
    let account = store.records(tenant, Shelf::Ledger, ACCOUNT, &[&order.id.to_string()])?;
    let account = account.into_iter().filter_map(|record| record.read().ok().flatten()).next();
    let owner = order.id.to_string();
    let filter = RecordFilter { owner: Some(&owner), state: None };
    let found = store.record_page(tenant, Shelf::Private, MAIL, &filter, (None, OF_ORDER_MAX))?;
    let rows = found.iter().filter_map(|record| record.read::<MailRow>().ok().flatten());
    let mails = rows.filter_map(|row| {
        let spoken = row.spoken?;
        Some(MailOf { sent_at: row.sent_at?, subject: spoken.subject, text: spoken.text })
    });
    let mails = mails.collect();
    Ok(OrderOf { order: view, contact, promises, notices, account, parcels, mails, messages, care })
}

fn bodies(
    store: &mut dyn Read,
    tenant: &TenantId,
    (shelf, kind): (Shelf, &str),
    order: OrderId,
) -> Result<Vec<Box<RawValue>>, StoreError> {
    let owner = order.to_string();
    let filter = RecordFilter { owner: Some(&owner), state: None };
    let found = store.record_page(tenant, shelf, kind, &filter, (None, OF_ORDER_MAX))?;
    Ok(found.iter().filter_map(|record| record.read().ok().flatten()).collect())
}

/// Give a person all that is known of them
///
/// Orders with their promises, notices with their answers, money, every mail as it was sent, what was written and noted, and places
/// on waitlists: what a request for access (GDPR article 15) asks for, as JSON.
#[utoipa::path(
    post, path = "/v1/privacy/export", tag = "Privacy", operation_id = "export_person",
    request_body = PersonIn,
    responses((status = 200, description = "All that is known", body = schema::Person)),
    security(("key" = ["privacy:read"])),
)]
pub(crate) async fn export(
    State(api): State<Arc<Api>>,
    allowed: Allowed<PrivacyRead>,
    Now(now): Now,
    Json { value, .. }: Json<PersonIn>,
) -> Result<Response, Problem> {
    let tenant = allowed.caller.tenant.clone();
    let customer = person(&api, &tenant, &value).await?;
    let known = api.read(move |store| known(store, &tenant, customer, now)).await?;
    json(StatusCode::OK, &known)
}

#[derive(Serialize)]
struct ErasedOut {
    customer: CustomerKey,
    orders: usize,
    waitlist_places: usize,
}

/// Forget who a person is
///
/// Contacts, mails and edited words are gone, and places on waitlists are left. Orders, promises, consents and money stay, of
/// somebody who can no longer be named: the ledger only ever knew a salted hash. The carriers' numbers are gone from parcels; the
/// ledger's entry of what left keeps its own, as the proof that it did. An order that is still to be sent can then reach
/// nobody by mail.
#[utoipa::path(
    post, path = "/v1/privacy/erase", tag = "Privacy", operation_id = "erase_person",
    request_body = PersonIn,
    responses((status = 200, description = "How much said who it was", body = schema::Erased)),
    security(("key" = ["privacy:write"])),
)]
pub(crate) async fn erase(
    State(api): State<Arc<Api>>,
    allowed: Allowed<PrivacyWrite>,
    Now(now): Now,
    Json { value, .. }: Json<PersonIn>,
) -> Result<Response, Problem> {
    let customer = person(&api, &allowed.caller.tenant, &value).await?;
    let done = api.run(&allowed.caller, now, Command::Erase(customer), None).await?;
    let Answer::Erased(orders, waitlist_places) = done.answer else { return Err(unexpected(&done.answer)) };
    json(StatusCode::OK, &ErasedOut { customer, orders, waitlist_places })
}
