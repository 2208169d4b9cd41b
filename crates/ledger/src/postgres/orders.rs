//! Reading orders, who placed them, and holds.

use model::{
    Units,
    command::Contact,
    id::{CustomerKey, HoldId, OrderId, Sku, SupplyId, TenantId},
    order::{Hold, Order},
};
use rustc_hash::FxHashMap;

use super::{
    cells::{Cells, each},
    conn::Conn,
    driver::each_of,
};
use crate::{
    OrderFilter, StoreError,
    cells::{ReadCells, at_most},
    stored,
};

pub(super) fn orders(conn: &mut Conn, tenant: &TenantId, ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
    const SQL: &str = each_of!(
        "bytea[]",
        "SELECT reference, customer, placed_by, body, order_id FROM orders \
         WHERE tenant = $1 AND order_id = wanted.key"
    );
    let wanted: Vec<&[u8]> = ids.iter().map(|id| id.bytes().as_slice()).collect();
    let rows = conn.rows("read orders", SQL, [&tenant.as_str() as _, &wanted as _])?;
    let mut found: FxHashMap<OrderId, Order> = each(&rows, |cells| {
        let id = OrderId::from_bytes(cells.bytes(4)?);
        Ok((id, stored::order(cells, id)?))
    })?
    .into_iter()
    .collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// Behind every id: one that is lost by it has never been made.
const LAST: [u8; 17] = [0xff; 17];

pub(super) fn order_page(
    conn: &mut Conn,
    tenant: &TenantId,
    filter: &OrderFilter,
    before: Option<OrderId>,
    limit: usize,
) -> Result<Vec<OrderId>, StoreError> {
    // Each condition is spelled out only where it is asked for, so that each meets its own index.
    let reference = if filter.reference.is_some() { "AND reference = $4" } else { "AND $4::text IS NULL" };
    let customer = if filter.customer.is_some() { "AND customer = $5" } else { "AND $5::bytea IS NULL" };
    let placed_by = if filter.placed_by.is_some() { "AND placed_by = $6" } else { "AND $6::text IS NULL" };
    let sql = format!(
        "SELECT order_id FROM orders WHERE tenant = $1 AND order_id < $2 {reference} {customer} {placed_by} \
         ORDER BY order_id DESC LIMIT $3"
    );
    let edge: &[u8] = before.as_ref().map_or(&LAST, |before| before.bytes());
    let of = filter.customer.as_ref().map(|customer| customer.0.as_slice());
    let rows = conn.rows(
        "read orders",
        &sql,
        [
            &tenant.as_str() as _,
            &edge as _,
            &at_most(limit) as _,
            &filter.reference.as_deref() as _,
            &of as _,
            &filter.placed_by.as_deref() as _,
        ],
    )?;
    each(&rows, |cells| Ok(OrderId::from_bytes(cells.bytes(0)?)))
}

pub(super) fn contacts(
    conn: &mut Conn,
    tenant: &TenantId,
    orders: &[OrderId],
) -> Result<FxHashMap<OrderId, Contact>, StoreError> {
    const SQL: &str = each_of!(
        "bytea[]",
        "SELECT order_id, contact FROM orders \
         WHERE tenant = $1 AND order_id = wanted.key AND contact IS NOT NULL"
    );
    let wanted: Vec<&[u8]> = orders.iter().map(|id| id.bytes().as_slice()).collect();
    let rows = conn.rows("read contacts", SQL, [&tenant.as_str() as _, &wanted as _])?;
    let read = |cells: Cells<'_>| Ok((OrderId::from_bytes(cells.bytes(0)?), cells.json(1)?));
    Ok(each(&rows, read)?.into_iter().collect())
}

pub(super) fn contact(
    conn: &mut Conn,
    tenant: &TenantId,
    order: OrderId,
) -> Result<Option<Contact>, StoreError> {
    Ok(contacts(conn, tenant, &[order])?.remove(&order))
}

pub(super) fn bought(
    conn: &mut Conn,
    tenant: &TenantId,
    customer: CustomerKey,
    skus: &[Sku],
) -> Result<Vec<(Sku, Units)>, StoreError> {
    const SQL: &str = "SELECT reference, customer, placed_by, body, order_id FROM orders \
         WHERE tenant = $1 AND customer = $2";
    let rows = conn.rows("read orders", SQL, [&tenant.as_str() as _, &customer.0.as_slice() as _])?;
    let all = each(&rows, |cells| stored::order(cells, OrderId::from_bytes(cells.bytes(4)?)))?;
    let lines = || all.iter().flat_map(|order| &order.lines);
    let of = |sku: &Sku| {
        let lines = lines().filter(|line| line.sku == *sku);
        lines.map(|line| line.quantity - line.cancelled).sum()
    };
    Ok(skus.iter().map(|sku| (sku.clone(), of(sku))).collect())
}

pub(super) fn holds(conn: &mut Conn, tenant: &TenantId, ids: &[HoldId]) -> Result<Vec<Hold>, StoreError> {
    const SQL: &str =
        each_of!("bytea[]", "SELECT hold FROM holds WHERE tenant = $1 AND hold_id = wanted.key");
    let wanted: Vec<&[u8]> = ids.iter().map(|id| id.bytes().as_slice()).collect();
    let rows = conn.rows("read holds", SQL, [&tenant.as_str() as _, &wanted as _])?;
    let found: Vec<Hold> = each(&rows, |cells| cells.json(0))?;
    let mut found: FxHashMap<HoldId, Hold> = found.into_iter().map(|hold| (hold.id, hold)).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

pub(super) fn holds_on(
    conn: &mut Conn,
    tenant: &TenantId,
    supply: SupplyId,
) -> Result<Vec<Hold>, StoreError> {
    // Live holds are few, and a supply's id stands in its text as nothing else does.
    const SQL: &str = "SELECT hold FROM holds WHERE tenant = $1 AND strpos(hold, $2) > 0 ORDER BY hold_id";
    let rows = conn.rows("read holds", SQL, [&tenant.as_str() as _, &supply.to_string() as _])?;
    let holds: Vec<Hold> = each(&rows, |cells| cells.json(0))?;
    let on = |hold: &Hold| hold.lines.iter().flat_map(|line| &line.pegs).any(|peg| peg.supply == supply);
    Ok(holds.into_iter().filter(on).collect())
}
