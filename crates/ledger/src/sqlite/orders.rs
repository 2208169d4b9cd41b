//! Reading orders, who placed them, and holds.

use std::{collections::BTreeSet, mem, panic::resume_unwind, sync::mpsc, thread};

use model::{
    Units,
    command::Contact,
    id::{CustomerKey, HoldId, OrderId, Sku, SupplyId, TenantId},
    order::{Hold, Order},
};
use rusqlite::{Connection, params};

use super::{
    cells::{Cells, each, failed, list, one},
    read::mark,
    sql, tail,
};
use crate::{
    OrderFilter, StoreError,
    cells::{ReadCells, at_most},
    stored::{self, OrderRow},
};

/// From so many orders on, what was read is taken apart by a thread of its own while more is read.
const MANY: usize = 512;
/// Rows handed to that thread at once.
const HANDED: usize = 64;

pub(super) fn orders(
    conn: &Connection,
    tenant: &TenantId,
    ids: &[OrderId],
) -> Result<Vec<Order>, StoreError> {
    if ids.len() < MANY {
        let mut found = Vec::with_capacity(ids.len());
        each_order(conn, tenant, ids, |cells, id| {
            found.push(stored::order(cells, id)?);
            Ok(())
        })?;
        return Ok(found);
    }
    thread::scope(|scope| {
        let (hand_over, handed) = mpsc::channel::<Vec<OrderRow>>();
        let take_apart = || handed.into_iter().flatten().map(OrderRow::read).collect();
        let taken = thread::Builder::new()
            .spawn_scoped(scope, take_apart)
            .map_err(|error| StoreError::driver(DOING, error))?;
        let mut rows = Vec::with_capacity(HANDED);
        each_order(conn, tenant, ids, |cells, id| {
            rows.push(OrderRow::of(cells, id)?);
            if rows.len() == HANDED {
                // Nobody takes it any more where a row could not be read: that is told in the end.
                let _ = hand_over.send(mem::replace(&mut rows, Vec::with_capacity(HANDED)));
            }
            Ok(())
        })?;
        let _ = hand_over.send(rows);
        drop(hand_over);
        taken.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// Hands the row of every order that is there to a function.
fn each_order(
    conn: &Connection,
    tenant: &TenantId,
    ids: &[OrderId],
    mut take: impl FnMut(Cells<'_>, OrderId) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(sql::ORDER).map_err(failed(DOING))?;
    for &id in ids {
        let mut rows = statement.query(params![tenant.as_str(), id.bytes()]).map_err(failed(DOING))?;
        if let Some(row) = rows.next().map_err(failed(DOING))? {
            take(Cells::of(row), id)?;
        }
    }
    Ok(())
}

pub(super) fn order(conn: &Connection, tenant: &TenantId, id: OrderId) -> Result<Option<Order>, StoreError> {
    one(conn, "read an order", sql::ORDER, params![tenant.as_str(), id.bytes()], |cells| {
        stored::order(cells, id)
    })
}

pub(super) fn order_page(
    conn: &Connection,
    tenant: &TenantId,
    filter: &OrderFilter,
    before: Option<OrderId>,
    limit: usize,
) -> Result<Vec<OrderId>, StoreError> {
    if let (None, Some(customer)) = (&filter.reference, filter.customer) {
        return customer_page(conn, tenant, customer, filter, before, limit);
    }
    let sql = match filter.reference {
        Some(_) => sql::ORDER_PAGE_REFERENCE,
        None => sql::ORDER_PAGE,
    };
    let customer = filter.customer.as_ref().map(|customer| &customer.0);
    let params = params![
        tenant.as_str(),
        edge(&before),
        at_most(limit),
        filter.reference.as_deref(),
        customer,
        filter.placed_by.as_deref()
    ];
    list(conn, DOING, sql, params, |cells| Ok(OrderId::from_bytes(cells.bytes(0)?)))
}

fn edge(before: &Option<OrderId>) -> &[u8] {
    // Longer than any id, so that the last one comes before it too.
    before.as_ref().map_or(&[0xff; 17], |before| before.bytes())
}

/// One customer's orders: those that the index has, and those placed since.
fn customer_page(
    conn: &Connection,
    tenant: &TenantId,
    customer: CustomerKey,
    filter: &OrderFilter,
    before: Option<OrderId>,
    limit: usize,
) -> Result<Vec<OrderId>, StoreError> {
    let mut found = orders_since(conn, tenant, customer)?;
    found.retain(|id| before.is_none_or(|before| *id < before));
    let key = params![tenant.as_str()];
    let last = one(conn, DOING, sql::CUSTOMER_ERA, key, |cells| cells.int::<i64>(0))?;
    for era in 0..=last.unwrap_or(-1) {
        // Among so many of each era are the first of all.
        let rows = if filter.placed_by.is_some() { usize::MAX } else { limit };
        let params = params![tenant.as_str(), era, customer.0, edge(&before), at_most(rows)];
        each(conn, DOING, sql::CUSTOMER_ORDERS, params, |cells| {
            found.insert(OrderId::from_bytes(cells.bytes(0)?));
            Ok(())
        })?;
    }
    let mut page = Vec::new();
    for id in found.into_iter().rev() {
        if page.len() == limit {
            break;
        }
        let is_own = match &filter.placed_by {
            None => true,
            Some(key) => {
                order(conn, tenant, id)?.is_some_and(|order| order.placed_by.as_deref() == Some(&**key))
            }
        };
        page.extend(is_own.then_some(id));
    }
    Ok(page)
}

const DOING: &str = "read orders";

/// A customer's orders that the index by customer does not have yet.
fn orders_since(
    conn: &Connection,
    tenant: &TenantId,
    customer: CustomerKey,
) -> Result<BTreeSet<OrderId>, StoreError> {
    let after = mark(conn, tenant, tail::CUSTOMERS)?;
    let mut found = BTreeSet::new();
    each(conn, DOING, sql::CUSTOMERS_AFTER, params![tenant.as_str(), after], |cells| {
        if cells.bytes(0)? == customer.0 {
            found.insert(OrderId::from_bytes(cells.bytes(1)?));
        }
        Ok(())
    })?;
    Ok(found)
}

pub(super) fn contact(
    conn: &Connection,
    tenant: &TenantId,
    order: OrderId,
) -> Result<Option<Contact>, StoreError> {
    let key = params![tenant.as_str(), order.bytes()];
    Ok(one(conn, "read a contact", sql::CONTACT, key, |cells| cells.maybe_json(0))?.flatten())
}

pub(super) fn bought(
    conn: &Connection,
    tenant: &TenantId,
    customer: CustomerKey,
    skus: &[Sku],
) -> Result<Vec<(Sku, Units)>, StoreError> {
    let all = customer_page(conn, tenant, customer, &OrderFilter::default(), None, usize::MAX)?;
    let mut of: Vec<(Sku, Units)> = skus.iter().map(|sku| (sku.clone(), 0)).collect();
    for order in orders(conn, tenant, &all)? {
        for line in &order.lines {
            if let Some((_, units)) = of.iter_mut().find(|(sku, _)| *sku == line.sku) {
                *units += line.quantity - line.cancelled;
            }
        }
    }
    Ok(of)
}

pub(super) fn holds(conn: &Connection, tenant: &TenantId, ids: &[HoldId]) -> Result<Vec<Hold>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let key = params![tenant.as_str(), id.bytes()];
        found.extend(one(conn, "read a hold", sql::HOLD, key, |cells| cells.json(0))?);
    }
    Ok(found)
}

pub(super) fn holds_on(
    conn: &Connection,
    tenant: &TenantId,
    supply: SupplyId,
) -> Result<Vec<Hold>, StoreError> {
    let key = params![tenant.as_str(), supply.to_string()];
    let holds: Vec<Hold> = list(conn, "read holds", sql::HOLDS_ON, key, |cells| cells.json(0))?;
    let on = |hold: &Hold| hold.lines.iter().flat_map(|line| &line.pegs).any(|peg| peg.supply == supply);
    Ok(holds.into_iter().filter(on).collect())
}
