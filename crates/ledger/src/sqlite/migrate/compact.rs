//! 0002: carries orders and answers over from many rows each to one.

use model::{
    command::Contact,
    id::{Channel, CustomerKey, LineId, OrderId, Sku, SupplyId, TenantId},
    order::{Dates, Line, Order, Peg, Promise, ShipChoice},
};
use rusqlite::{Connection, params};

use super::super::{
    cells::{Cells, each, failed, list, one},
    tail::Gathered,
    write,
};
use crate::{Changes, Kept, Replay, StoreError, cells::ReadCells};

const DOING: &str = "carried orders over";
/// Orders carried over between two looks at the list.
const PAGE: i64 = 1_000;

/// Reads the tables of 0001 that 0002 has set aside, writes those of 0002, and drops them.
pub(super) fn run(conn: &Connection) -> Result<(), StoreError> {
    let tenants = list(conn, DOING, "SELECT tenant FROM tenants ORDER BY tenant", [], |cells| {
        Ok(TenantId::stored(cells.text(0)?))
    })?;
    for tenant in &tenants {
        events(conn, tenant)?;
        // Written as if they were new: nothing has gathered yet, and the ledger is there already.
        let mut gathered = Gathered::after(tenant_last(conn, tenant)?);
        orders(conn, &mut gathered, tenant)?;
        replays(conn, &mut gathered, tenant)?;
        gathered.index_customers(conn, tenant)?;
    }
    conn.execute_batch(
        "DROP TABLE old_events; DROP TABLE old_orders; DROP TABLE old_replays;
         DROP TABLE lines; DROP TABLE pegs; DROP TABLE promises; DROP TABLE contacts;",
    )
    .map_err(failed(DOING))
}

fn tenant_last(conn: &Connection, tenant: &TenantId) -> Result<i64, StoreError> {
    super::super::read::last_event(conn, tenant)
}

fn events(conn: &Connection, tenant: &TenantId) -> Result<(), StoreError> {
    conn.execute(
        "INSERT INTO events (tenant, seq, at, kind, sku, order_id, data) \
         SELECT tenant, seq, at, kind, sku, order_id, data FROM old_events WHERE tenant = ?1 ORDER BY seq",
        params![tenant.as_str()],
    )
    .map(drop)
    .map_err(failed(DOING))
}

fn orders(conn: &Connection, gathered: &mut Gathered, tenant: &TenantId) -> Result<(), StoreError> {
    let mut after: Vec<u8> = Vec::new();
    loop {
        let sql =
            "SELECT order_id FROM old_orders WHERE tenant = ?1 AND order_id > ?2 ORDER BY order_id LIMIT ?3";
        let ids = list(conn, DOING, sql, params![tenant.as_str(), after, PAGE], |cells| {
            Ok(OrderId::from_bytes(cells.bytes(0)?))
        })?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = last.bytes().to_vec();
        let mut changes = Changes::default();
        for id in ids {
            changes.orders.extend(order(conn, tenant, id)?.map(Into::into));
            changes.contacts.extend(contact(conn, tenant, id)?.map(|contact| (id, contact)));
        }
        write::changes(conn, gathered, tenant, &changes)?;
    }
}

fn order(conn: &Connection, tenant: &TenantId, id: OrderId) -> Result<Option<Order>, StoreError> {
    let key = params![tenant.as_str(), id.bytes()];
    let sql = "SELECT reference, channel, customer, customer_group, country, placed_at, ship, requested_date, \
         not_later_than, placed_by FROM old_orders WHERE tenant = ?1 AND order_id = ?2";
    let found = one(conn, DOING, sql, key, |cells| {
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
    })?;
    let Some(mut order) = found else { return Ok(None) };
    let sql = "SELECT line, sku, quantity, unit_price, currency, recipe, cancelled, shipped FROM lines \
         WHERE tenant = ?1 AND order_id = ?2 ORDER BY line";
    order.lines = list(conn, DOING, sql, key, |cells| {
        Ok(Line {
            no: cells.int(0)?,
            sku: Sku::stored(cells.text(1)?),
            quantity: cells.units(2)?,
            unit_price: cells.maybe_money(3)?,
            recipe: cells.maybe_json(5)?.unwrap_or_default(),
            cancelled: cells.units(6)?,
            shipped: cells.units(7)?,
            pegs: Vec::new(),
            released: Vec::new(),
            returned: Vec::new(),
            promises: Vec::new(),
        })
    })?;
    let sql = "SELECT line, supply_id, sku, quantity FROM pegs WHERE tenant = ?1 AND order_id = ?2 \
         ORDER BY line, supply_id";
    each(conn, DOING, sql, key, |cells| {
        let supply = SupplyId::from_bytes(cells.bytes(1)?);
        let peg = Peg { sku: Sku::stored(cells.text(2)?), supply, quantity: cells.units(3)? };
        line_of(&mut order, cells)?.pegs.push(peg);
        Ok(())
    })?;
    let sql = "SELECT line, version, ship_expected, ship_promised, deliver_expected, deliver_promised, given_at, \
         told_at, cause FROM promises WHERE tenant = ?1 AND order_id = ?2 ORDER BY line, version";
    each(conn, DOING, sql, key, |cells| {
        let dates = |at| -> Result<Dates, StoreError> {
            Ok(Dates { expected: cells.maybe_date(at)?, promised: cells.maybe_date(at + 1)? })
        };
        let promise = Promise {
            version: cells.int(1)?,
            ship_by: dates(2)?,
            deliver_by: dates(4)?,
            given_at: cells.instant(6)?,
            told_at: cells.maybe_instant(7)?,
            cause: cells.json(8)?,
        };
        line_of(&mut order, cells)?.promises.push(promise);
        Ok(())
    })?;
    Ok(Some(order))
}

fn line_of<'o>(order: &'o mut Order, cells: Cells<'_>) -> Result<&'o mut Line, StoreError> {
    let id = LineId { order: order.id, no: cells.int(0)? };
    order
        .line_mut(id.no)
        .ok_or_else(|| StoreError::inconsistent(format_args!("{id} has rows, and is no line")))
}

fn contact(conn: &Connection, tenant: &TenantId, id: OrderId) -> Result<Option<Contact>, StoreError> {
    let sql = "SELECT email, name, postcode, locale FROM contacts WHERE tenant = ?1 AND order_id = ?2";
    one(conn, DOING, sql, params![tenant.as_str(), id.bytes()], |cells| {
        Ok(Contact {
            email: cells.maybe_shared(0)?,
            name: cells.maybe_shared(1)?,
            address: None,
            postcode: cells.maybe_shared(2)?,
            locale: cells.maybe_shared(3)?,
        })
    })
}

fn replays(conn: &Connection, gathered: &mut Gathered, tenant: &TenantId) -> Result<(), StoreError> {
    let sql = "SELECT key, request, day, answer FROM old_replays WHERE tenant = ?1 ORDER BY day, seq";
    let mut changes = Changes::default();
    each(conn, DOING, sql, params![tenant.as_str()], |cells| {
        let key = cells.text(0)?;
        let lasting = key.starts_with("import:");
        let kept = Kept::Text(cells.text(3)?.into());
        let (request, day) = (cells.bytes(1)?, cells.int(2)?);
        changes.replays.push(Replay { key: key.into(), request, day, lasting, kept });
        if changes.replays.len() == 10_000 {
            write::changes(conn, gathered, tenant, &std::mem::take(&mut changes))?;
        }
        Ok(())
    })?;
    write::changes(conn, gathered, tenant, &changes)
}
