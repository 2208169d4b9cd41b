//! Reading orders with all their rows, who placed them, and holds.

use model::{
    Units,
    command::Contact,
    id::{Channel, CustomerKey, HoldId, OrderId, Sku, SupplyId, TenantId},
    order::{Dates, Hold, Line, Order, Peg, Promise, ShipChoice},
};
use rusqlite::{Connection, params};
use rustc_hash::FxHashMap;

use super::{
    cells::{Cells, each, list, one},
    read::at_most,
    sql,
};
use crate::{OrderFilter, StoreError};

pub(super) fn orders(
    conn: &Connection,
    tenant: &TenantId,
    ids: &[OrderId],
) -> Result<Vec<Order>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for &id in ids {
        let Some(mut order) = header(conn, tenant, id)? else { continue };
        order.lines = lines(conn, tenant, id)?;
        pegs(conn, tenant, &mut order)?;
        promises(conn, tenant, &mut order)?;
        found.push(order);
    }
    Ok(found)
}

fn header(conn: &Connection, tenant: &TenantId, id: OrderId) -> Result<Option<Order>, StoreError> {
    one(conn, "read an order", sql::ORDER, params![tenant.as_str(), id.bytes()], |cells| {
        Ok(Order {
            id,
            reference: cells.maybe_shared(0)?,
            channel: Channel::stored(cells.text(1)?),
            customer: cells.maybe_bytes(2)?.map(CustomerKey),
            group: cells.maybe_shared(3)?,
            country: cells.maybe_shared(4)?,
            placed_at: cells.instant(5)?,
            ship: cells.word(6, ShipChoice::parse)?,
            requested_date: cells.maybe_date(7)?,
            not_later_than: cells.maybe_date(8)?,
            placed_by: cells.maybe_shared(9)?,
            lines: Vec::new(),
        })
    })
}

fn lines(conn: &Connection, tenant: &TenantId, id: OrderId) -> Result<Vec<Line>, StoreError> {
    list(conn, "read lines", sql::ORDER_LINES, params![tenant.as_str(), id.bytes()], |cells| {
        Ok(Line {
            no: cells.int(0)?,
            sku: Sku::stored(cells.text(1)?),
            quantity: cells.units(2)?,
            unit_price: cells.maybe_money(3)?,
            recipe: cells.maybe_json(5)?.unwrap_or_default(),
            cancelled: cells.units(6)?,
            shipped: cells.units(7)?,
            pegs: Vec::new(),
            promises: Vec::new(),
        })
    })
}

/// Finds each row's line; both come by line number, so the search never goes back.
fn line_of<'o>(order: &'o mut Order, at: &mut usize, no: u16) -> Result<&'o mut Line, StoreError> {
    while order.lines.get(*at).is_some_and(|line| line.no < no) {
        *at += 1;
    }
    let id = order.id;
    order.lines.get_mut(*at).filter(|line| line.no == no).ok_or_else(|| {
        StoreError::inconsistent(format_args!("{id} has rows of a line {no} that it does not have"))
    })
}

fn pegs(conn: &Connection, tenant: &TenantId, order: &mut Order) -> Result<(), StoreError> {
    let (id, mut at) = (order.id, 0);
    each(conn, "read pegs", sql::ORDER_PEGS, params![tenant.as_str(), id.bytes()], |cells| {
        let line = line_of(order, &mut at, cells.int(0)?)?;
        let supply = SupplyId::from_bytes(cells.bytes(1)?);
        // Most lines are pegged as themselves: share the text.
        let sku = cells.text(2)?;
        let sku = if sku == line.sku.as_str() { line.sku.clone() } else { Sku::stored(sku) };
        line.pegs.push(Peg { sku, supply, quantity: cells.units(3)? });
        Ok(())
    })
}

fn promises(conn: &Connection, tenant: &TenantId, order: &mut Order) -> Result<(), StoreError> {
    let (id, mut at) = (order.id, 0);
    each(conn, "read promises", sql::ORDER_PROMISES, params![tenant.as_str(), id.bytes()], |cells| {
        line_of(order, &mut at, cells.int(0)?)?.promises.push(Promise {
            version: cells.int(1)?,
            ship_by: dates(cells, 2)?,
            deliver_by: dates(cells, 4)?,
            given_at: cells.instant(6)?,
            told_at: cells.maybe_instant(7)?,
            cause: cells.json(8)?,
        });
        Ok(())
    })
}

/// Two columns: expected and promised.
pub(super) fn dates(cells: Cells<'_>, at: usize) -> Result<Dates, StoreError> {
    Ok(Dates { expected: cells.maybe_date(at)?, promised: cells.maybe_date(at + 1)? })
}

pub(super) fn order_page(
    conn: &Connection,
    tenant: &TenantId,
    filter: &OrderFilter,
    before: Option<OrderId>,
    limit: usize,
) -> Result<Vec<OrderId>, StoreError> {
    let sql = match filter {
        OrderFilter { reference: Some(_), .. } => sql::ORDER_PAGE_REFERENCE,
        OrderFilter { customer: Some(_), .. } => sql::ORDER_PAGE_CUSTOMER,
        _ => sql::ORDER_PAGE,
    };
    // Longer than any id, so that the last one comes before it too.
    let before: &[u8] = before.as_ref().map_or(&[0xff; 17], |before| before.bytes());
    let customer = filter.customer.as_ref().map(|customer| &customer.0);
    let params = params![
        tenant.as_str(),
        before,
        at_most(limit),
        filter.reference.as_deref(),
        customer,
        filter.placed_by.as_deref()
    ];
    list(conn, "read orders", sql, params, |cells| Ok(OrderId::from_bytes(cells.bytes(0)?)))
}

pub(super) fn contact(
    conn: &Connection,
    tenant: &TenantId,
    order: OrderId,
) -> Result<Option<Contact>, StoreError> {
    let key = params![tenant.as_str(), order.bytes()];
    one(conn, "read a contact", sql::CONTACT, key, |cells| contact_at(cells, 0))
}

/// Four columns: e-mail address, name, postcode, language.
pub(super) fn contact_at(cells: Cells<'_>, at: usize) -> Result<Contact, StoreError> {
    Ok(Contact {
        email: cells.maybe_shared(at)?,
        name: cells.maybe_shared(at + 1)?,
        postcode: cells.maybe_shared(at + 2)?,
        locale: cells.maybe_shared(at + 3)?,
    })
}

pub(super) fn bought(
    conn: &Connection,
    tenant: &TenantId,
    customer: CustomerKey,
    skus: &[Sku],
) -> Result<Vec<(Sku, Units)>, StoreError> {
    let mut of = FxHashMap::default();
    each(conn, "read what was bought", sql::BOUGHT, params![tenant.as_str(), customer.0], |cells| {
        of.insert(Sku::stored(cells.text(0)?), cells.units(1)?);
        Ok(())
    })?;
    Ok(skus.iter().map(|sku| (sku.clone(), of.get(sku).copied().unwrap_or(0))).collect())
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
