//! `GET /v1/orders` and `GET /v1/orders/{id}`: orders as they are now.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use ledger::{OrderFilter, Read, StoreError};
use model::{
    command::Contact,
    id::{OrderId, TenantId},
    order::Order,
    time::Timestamp,
    view::OrderView,
};

use super::{OrderOut, proof};
use crate::{
    api::{
        auth::{AllOrdersRead, Allowed, OrdersRead},
        clock::Now,
        params::{Page, Params, Segments},
        problem::Problem,
        schema,
        state::{Api, json, shop_of},
        supplies::path_id,
    },
    parcels,
};

/// An order, who placed it, and how it is now.
type Found = (Order, Contact, OrderView);

fn find(
    store: &mut dyn Read,
    tenant: &TenantId,
    ids: &[OrderId],
    now: Timestamp,
) -> Result<Vec<Found>, StoreError> {
    let orders = store.orders(tenant, ids)?;
    let shop = shop_of(store, tenant, &orders)?;
    let mut found = Vec::with_capacity(orders.len());
    for order in orders {
        let contact = store.contact(tenant, order.id)?.unwrap_or_default();
        let view = promise::order_view(&shop, &order, now);
        found.push((order, contact, view));
    }
    Ok(found)
}

/// Read an order
///
/// A publishable key reads an order that was placed with it, and needs the order's token for it.
#[utoipa::path(
    get, path = "/v1/orders/{id}", tag = "Orders", operation_id = "get_order",
    params(
        ("id" = String, Path, description = "The order's id"),
        ("token" = Option<String>, Query, description = "What `status_url` ends with; needed with a publishable key"),
    ),
    responses((status = 200, description = "The order as it is now", body = schema::Order)),
    security(("key" = ["orders:read"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    allowed: Allowed<OrdersRead>,
    Now(now): Now,
    Segments(id): Segments<String>,
    params: Params,
) -> Result<Response, Problem> {
    let caller = &allowed.caller;
    let id: OrderId = path_id("order", &id)?;
    proof::check(&api, caller, id, params, now)?;
    let tenant = caller.tenant.clone();
    let found = api
        .read(move |store| {
            let Some(found) = find(store, &tenant, &[id], now)?.pop() else { return Ok(None) };
            let parcels = parcels::of_order(store, &tenant, &found.0)?;
            Ok(Some((found, parcels)))
        })
        .await?;
    let found = found.filter(|((order, ..), _)| caller.sees(order.placed_by.as_deref()));
    let ((order, contact, view), parcels) = found.ok_or_else(|| Problem::not_found("order", id))?;
    let answer = OrderOut::new(&api, &caller.tenant, view).with_parcels(&order, parcels);
    // A publishable key is in every shopper's hands: it is not told who ordered.
    let answer = if caller.publishable.is_some() { answer } else { answer.with_customer(&order, contact) };
    json(StatusCode::OK, &answer)
}

/// List orders
#[utoipa::path(
    get, path = "/v1/orders", tag = "Orders", operation_id = "list_orders",
    params(
        ("reference" = Option<String>, Query, description = "Only with this number of yours"),
        ("email" = Option<String>, Query, description = "Only of this customer"),
    ),
    responses((status = 200, description = "Orders as they are now, newest first", body = schema::OrderPage)),
    security(("key" = ["orders:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AllOrdersRead>,
    Now(now): Now,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, before) = (params.limit(), params.cursor::<OrderId>());
    let (reference, email) = (params.text("reference"), params.text("email"));
    let reference = params.checks.name(format_args!("reference"), reference.as_deref());
    let email = params.checks.email(format_args!("email"), email.as_deref());
    params.finish()?;
    let tenant = allowed.caller.tenant.clone();
    let customer = api.customer(&tenant, email.as_deref()).await?;
    let filter = OrderFilter { reference, customer, placed_by: None };
    let (mut found, more) = api
        .read(move |store| {
            let mut ids = store.order_page(&tenant, &filter, before, limit + 1)?;
            let more = ids.len() > limit;
            ids.truncate(limit);
            Ok((find(store, &tenant, &ids, now)?, more))
        })
        .await?;
    // The store finds orders in the order of the ids, and so they stay.
    let next = found.last().filter(|_| more).map(|(order, ..)| order.id);
    let tenant = &allowed.caller.tenant;
    let items: Vec<OrderOut> = found
        .drain(..)
        .map(|(order, contact, view)| OrderOut::new(&api, tenant, view).with_customer(&order, contact))
        .collect();
    json(StatusCode::OK, &Page::new(items, next.as_ref()))
}
