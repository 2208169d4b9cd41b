//! Reading the queue behind a supply.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use model::{
    id::{LineId, LocationId, OrderId, Sku, SupplyId, TenantId},
    order::{Order, Waiting},
};
use rustc_hash::FxHashMap;

use super::{
    cells::{Cells, each},
    conn::Conn,
    orders,
};
use crate::{
    Allocated, QueuePart, QueueRow, StoreError,
    cells::{ReadCells, at_most, wanted_on},
    stored,
};

const DOING: &str = "read a queue";
const OLDEST: &str = "SELECT order_id, line, quantity FROM queue \
     WHERE tenant = $1 AND supply_id = $2 AND wanted_on = $3 AND (order_id, line) > ($4, $5) \
     ORDER BY order_id, line LIMIT $6";
/// Units that can be taken away: not those with fulfilment.
const NEWEST: &str = "SELECT order_id, line, quantity - released FROM queue \
     WHERE tenant = $1 AND supply_id = $2 AND wanted_on = $3 AND (order_id, line) < ($4, $5) \
     AND released < quantity ORDER BY order_id DESC, line DESC LIMIT $6";
const WANTED: &str = "SELECT order_id, line, quantity FROM queue \
     WHERE tenant = $1 AND supply_id = $2 AND wanted_on < $3 AND (wanted_on, order_id, line) > ($4, $5, $6) \
     ORDER BY wanted_on, order_id, line LIMIT $7";
/// From date to date: the next one is the first of the index behind the last.
const DATES: &str = "WITH RECURSIVE dates AS ( \
     (SELECT wanted_on FROM queue WHERE tenant = $1 AND supply_id = $2 ORDER BY wanted_on LIMIT 1) \
     UNION ALL SELECT (SELECT q.wanted_on FROM queue q WHERE q.tenant = $1 AND q.supply_id = $2 \
         AND q.wanted_on > dates.wanted_on ORDER BY q.wanted_on LIMIT 1) \
     FROM dates WHERE dates.wanted_on IS NOT NULL) \
     SELECT wanted_on FROM dates WHERE wanted_on IS NOT NULL";

pub(super) fn queue(
    conn: &mut Conn,
    tenant: &TenantId,
    supply: SupplyId,
    part: QueuePart,
    after: Option<LineId>,
    limit: usize,
) -> Result<Vec<Waiting>, StoreError> {
    let rows = match part {
        QueuePart::Soonest => return of_date(conn, tenant, supply, OLDEST, 0, edge(after, false), limit),
        QueuePart::WantedBefore(date) => {
            // From 1 on: 0 is as soon as possible. The line itself may have left the queue, its order has not.
            let from = match after {
                Some(line) => {
                    let order = orders::orders(conn, tenant, &[line.order])?.pop();
                    wanted_on(order.and_then(|order| order.requested_date)).max(1)
                }
                None => 1,
            };
            let (order, no) = edge(after, false);
            conn.rows(
                DOING,
                WANTED,
                [
                    &tenant.as_str() as _,
                    &supply.bytes().as_slice() as _,
                    &wanted_on(Some(date)) as _,
                    &from as _,
                    &order as _,
                    &no as _,
                    &at_most(limit) as _,
                ],
            )?
        }
        QueuePart::All => return merged(conn, tenant, supply, false, after, limit),
        QueuePart::Newest => return merged(conn, tenant, supply, true, after, limit),
    };
    each(&rows, |cells| stored::waiting(cells))
}

fn of_date(
    conn: &mut Conn,
    tenant: &TenantId,
    supply: SupplyId,
    sql: &str,
    date: i64,
    (order, no): (Vec<u8>, i64),
    limit: usize,
) -> Result<Vec<Waiting>, StoreError> {
    let rows = conn.rows(
        DOING,
        sql,
        [
            &tenant.as_str() as _,
            &supply.bytes().as_slice() as _,
            &date as _,
            &order as _,
            &no as _,
            &at_most(limit) as _,
        ],
    )?;
    each(&rows, |cells| stored::waiting(cells))
}

/// Where a page begins: behind a line, or before all of them.
fn edge(after: Option<LineId>, newest: bool) -> (Vec<u8>, i64) {
    match after {
        Some(line) => (line.order.bytes().to_vec(), i64::from(line.no)),
        // Longer than any id, so that every line comes before it.
        None if newest => (vec![0xff; 17], 0),
        None => (Vec::new(), 0),
    }
}

/// Lines of all dates by order and line, read date by date: the index has them by date first, and there are few dates.
fn merged(
    conn: &mut Conn,
    tenant: &TenantId,
    supply: SupplyId,
    newest: bool,
    after: Option<LineId>,
    limit: usize,
) -> Result<Vec<Waiting>, StoreError> {
    let sql = if newest { NEWEST } else { OLDEST };
    let dates = conn.rows(DOING, DATES, [&tenant.as_str() as _, &supply.bytes().as_slice() as _])?;
    let mut first: BTreeMap<LineId, Waiting> = BTreeMap::new();
    for date in each(&dates, |cells| cells.int(0))? {
        let lines = of_date(conn, tenant, supply, sql, date, edge(after, newest), limit)?;
        first.extend(lines.into_iter().map(|waiting| (waiting.line, waiting)));
        while first.len() > limit {
            if newest {
                first.pop_first()
            } else {
                first.pop_last()
            };
        }
    }
    let lines = first.into_values();
    Ok(if newest { lines.rev().collect() } else { lines.collect() })
}

pub(super) fn allocated(
    conn: &mut Conn,
    tenant: &TenantId,
    location: &LocationId,
    skus: Option<&BTreeSet<Sku>>,
) -> Result<Vec<Allocated>, StoreError> {
    const SQL: &str = "SELECT q.order_id, q.line, q.told, q.sku \
         FROM supplies s JOIN queue q ON q.tenant = s.tenant AND q.supply_id = s.supply_id \
         WHERE s.tenant = $1 AND s.state <> 'closed' AND s.state = 'on_hand' AND s.location = $2 \
         AND q.released < q.quantity";
    let rows = conn.rows("read what is allocated", SQL, [&tenant.as_str() as _, &location.as_str() as _])?;
    let mut found = Vec::new();
    for row in &rows {
        let cells = Cells(row);
        let sku = cells.text(3)?;
        if skus.is_none_or(|skus| skus.contains(sku)) {
            let line = LineId { order: OrderId::from_bytes(cells.bytes(0)?), no: cells.int(1)? };
            found.push(Allocated { line, told_ship_by: cells.maybe_date(2)? });
        }
    }
    Ok(found)
}

pub(super) fn handed_over(
    conn: &mut Conn,
    tenant: &TenantId,
    location: &LocationId,
) -> Result<Vec<Allocated>, StoreError> {
    const SQL: &str = "SELECT q.order_id, q.line, q.told \
         FROM supplies s JOIN queue q ON q.tenant = s.tenant AND q.supply_id = s.supply_id \
         WHERE s.tenant = $1 AND s.state <> 'closed' AND s.state = 'on_hand' AND s.location = $2 \
         AND q.released > 0";
    let params = [&tenant.as_str() as _, &location.as_str() as _];
    each(&conn.rows("read what is with fulfilment", SQL, params)?, |cells| {
        let line = LineId { order: OrderId::from_bytes(cells.bytes(0)?), no: cells.int(1)? };
        Ok(Allocated { line, told_ship_by: cells.maybe_date(2)? })
    })
}

pub(super) fn tagged(
    conn: &mut Conn,
    tenant: &TenantId,
    tags: &[Arc<str>],
) -> Result<BTreeSet<Sku>, StoreError> {
    const SQL: &str =
        "SELECT sku FROM pools WHERE tenant = $1 AND jsonb_exists_any(item::jsonb -> 'tags', $2)";
    let tags: Vec<&str> = tags.iter().map(|tag| &**tag).collect();
    let rows = conn.rows("read tags", SQL, [&tenant.as_str() as _, &tags as _])?;
    Ok(each(&rows, |cells| Ok(Sku::stored(cells.text(0)?)))?.into_iter().collect())
}

pub(super) fn queue_page(
    conn: &mut Conn,
    tenant: &TenantId,
    supply: SupplyId,
    after: Option<LineId>,
    limit: usize,
) -> Result<Vec<QueueRow>, StoreError> {
    let lines = merged(conn, tenant, supply, false, after, limit)?;
    let ids: BTreeSet<OrderId> = lines.iter().map(|waiting| waiting.line.order).collect();
    let ids: Vec<OrderId> = ids.into_iter().collect();
    let orders = orders::orders(conn, tenant, &ids)?.into_iter().map(|order| (order.id, order));
    let orders: FxHashMap<OrderId, Order> = orders.collect();
    let contacts = orders::contacts(conn, tenant, &ids)?;
    let row = |waiting: &Waiting| {
        let contact = contacts.get(&waiting.line.order).cloned().unwrap_or_default();
        let order = orders.get(&waiting.line.order);
        let row = order.and_then(|order| stored::queue_row(supply, waiting, order, contact));
        row.ok_or_else(|| stored::lost(waiting.line, supply))
    };
    lines.iter().map(row).collect()
}
