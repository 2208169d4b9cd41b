//! Reading the queue behind a supply.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use model::{
    id::{LineId, LocationId, OrderId, Sku, SupplyId, TenantId},
    order::Waiting,
};
use rusqlite::{Connection, params};

use super::{
    cells::{Cells, each, failed, list, one},
    orders, sql,
};
use crate::{
    Allocated, QueuePart, QueueRow, StoreError,
    cells::{ReadCells, at_most, wanted_on},
    stored,
};

const DOING: &str = "read a queue";

pub(super) fn queue(
    conn: &Connection,
    tenant: &TenantId,
    supply: SupplyId,
    part: QueuePart,
    after: Option<LineId>,
    limit: usize,
) -> Result<Vec<Waiting>, StoreError> {
    match part {
        QueuePart::Soonest => {
            let (order, no) = edge(after, false);
            let params = params![tenant.as_str(), supply.bytes(), 0, order, no, at_most(limit)];
            list(conn, DOING, sql::QUEUE_OLDEST, params, |cells| stored::waiting(cells))
        }
        QueuePart::WantedBefore(date) => {
            // From 1 on: 0 is as soon as possible. The line itself may have left the queue, its order has not.
            let from = match after {
                Some(line) => wanted(conn, tenant, line.order)?,
                None => 1,
            };
            let (order, no) = edge(after, false);
            let (before, limit) = (wanted_on(Some(date)), at_most(limit));
            let params = params![tenant.as_str(), supply.bytes(), before, from, order, no, limit];
            list(conn, DOING, sql::QUEUE_WANTED, params, |cells| stored::waiting(cells))
        }
        QueuePart::All => merged(conn, tenant, supply, false, after, limit),
        QueuePart::Newest => merged(conn, tenant, supply, true, after, limit),
    }
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

fn wanted(conn: &Connection, tenant: &TenantId, order: OrderId) -> Result<i64, StoreError> {
    let order = orders::order(conn, tenant, order)?;
    Ok(wanted_on(order.and_then(|order| order.requested_date)).max(1))
}

/// Lines of all dates by order and line, read date by date.
///
/// The index has them by date first, and a second index would cost every order a row. There are few dates, most
/// lines have none, and each date is read no further than what can still be among the first `limit`.
fn merged(
    conn: &Connection,
    tenant: &TenantId,
    supply: SupplyId,
    newest: bool,
    after: Option<LineId>,
    limit: usize,
) -> Result<Vec<Waiting>, StoreError> {
    let (order, no) = edge(after, newest);
    let sql = if newest { sql::QUEUE_NEWEST } else { sql::QUEUE_OLDEST };
    let mut first: BTreeMap<[u8; 18], Waiting> = BTreeMap::new();
    let mut date: i64 = -1;
    while let Some(next) = next_date(conn, tenant, supply, date)? {
        date = next;
        let mut statement = conn.prepare_cached(sql).map_err(failed(DOING))?;
        let params = params![tenant.as_str(), supply.bytes(), date, order, no, at_most(limit)];
        let mut rows = statement.query(params).map_err(failed(DOING))?;
        while let Some(row) = rows.next().map_err(failed(DOING))? {
            let row = stored::waiting(Cells::of(row))?;
            let rank = rank(row.line, newest);
            if first.len() >= limit && first.last_key_value().is_none_or(|(last, _)| rank > *last) {
                break;
            }
            first.insert(rank, row);
            if first.len() > limit {
                first.pop_last();
            }
        }
    }
    Ok(first.into_values().collect())
}

fn next_date(
    conn: &Connection,
    tenant: &TenantId,
    supply: SupplyId,
    date: i64,
) -> Result<Option<i64>, StoreError> {
    one(conn, DOING, sql::QUEUE_DATES, params![tenant.as_str(), supply.bytes(), date], |cells| cells.int(0))
}

/// A key that sorts as the part does.
fn rank(line: LineId, newest: bool) -> [u8; 18] {
    let mut key = [0; 18];
    key[..16].copy_from_slice(line.order.bytes());
    key[16..].copy_from_slice(&line.no.to_be_bytes());
    if newest { key.map(|byte| !byte) } else { key }
}

pub(super) fn allocated(
    conn: &Connection,
    tenant: &TenantId,
    location: &LocationId,
    skus: Option<&BTreeSet<Sku>>,
) -> Result<Vec<Allocated>, StoreError> {
    let mut found = Vec::new();
    let params = params![tenant.as_str(), location.as_str()];
    each(conn, "read what is allocated", sql::ALLOCATED, params, |cells| {
        let sku = cells.text(3)?;
        if skus.is_none_or(|skus| skus.contains(sku)) {
            let line = LineId { order: OrderId::from_bytes(cells.bytes(0)?), no: cells.int(1)? };
            found.push(Allocated { line, told_ship_by: cells.maybe_date(2)? });
        }
        Ok(())
    })?;
    Ok(found)
}

pub(super) fn handed_over(
    conn: &Connection,
    tenant: &TenantId,
    location: &LocationId,
) -> Result<Vec<Allocated>, StoreError> {
    let params = params![tenant.as_str(), location.as_str()];
    list(conn, "read what is with fulfilment", sql::HANDED_OVER, params, |cells| {
        let line = LineId { order: OrderId::from_bytes(cells.bytes(0)?), no: cells.int(1)? };
        Ok(Allocated { line, told_ship_by: cells.maybe_date(2)? })
    })
}

pub(super) fn tagged(
    conn: &Connection,
    tenant: &TenantId,
    tags: &[Arc<str>],
) -> Result<BTreeSet<Sku>, StoreError> {
    let tags = serde_json::to_string(tags).map_err(|error| StoreError::driver("read tags", error))?;
    let found = list(conn, "read tags", sql::TAGGED, params![tenant.as_str(), tags], |cells| {
        Ok(Sku::stored(cells.text(0)?))
    })?;
    Ok(found.into_iter().collect())
}

pub(super) fn queue_page(
    conn: &Connection,
    tenant: &TenantId,
    supply: SupplyId,
    after: Option<LineId>,
    limit: usize,
) -> Result<Vec<QueueRow>, StoreError> {
    let lines = merged(conn, tenant, supply, false, after, limit)?;
    lines.into_iter().map(|waiting| queue_row(conn, tenant, supply, &waiting)).collect()
}

fn queue_row(
    conn: &Connection,
    tenant: &TenantId,
    supply: SupplyId,
    waiting: &Waiting,
) -> Result<QueueRow, StoreError> {
    let (id, lost) = (waiting.line, || stored::lost(waiting.line, supply));
    let order = orders::order(conn, tenant, id.order)?.ok_or_else(lost)?;
    let contact = orders::contact(conn, tenant, id.order)?.unwrap_or_default();
    stored::queue_row(supply, waiting, &order, contact).ok_or_else(lost)
}
