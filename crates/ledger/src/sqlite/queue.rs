//! Reading the queue behind a supply.

use std::collections::BTreeMap;

use model::{
    Units,
    id::{CustomerKey, LineId, OrderId, Sku, SupplyId, TenantId},
    money::Money,
    order::{Dates, Waiting},
};
use rusqlite::{Connection, params};
use rustc_hash::FxHashMap;

use super::{
    cells::{Cells, each, failed, list, one, wanted_on},
    orders::{contact_at, dates},
    read::at_most,
    sql,
};
use crate::{OwedRow, QueuePart, QueueRow, StoreError};

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
            list(conn, DOING, sql::QUEUE_OLDEST, params, waiting)
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
            list(conn, DOING, sql::QUEUE_WANTED, params, waiting)
        }
        QueuePart::All => merged(conn, tenant, supply, false, after, limit),
        QueuePart::Newest => merged(conn, tenant, supply, true, after, limit),
    }
}

fn waiting(cells: Cells<'_>) -> Result<Waiting, StoreError> {
    let line = LineId { order: OrderId::from_bytes(cells.bytes(0)?), no: cells.int(1)? };
    Ok(Waiting { line, quantity: cells.units(2)? })
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
    let key = params![tenant.as_str(), order.bytes()];
    let found = one(conn, DOING, sql::WANTED_ON, key, |cells| cells.maybe_date(0))?;
    Ok(wanted_on(found.flatten()).max(1))
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
            let row = waiting(Cells::of(row))?;
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
    let line = waiting.line;
    let key = params![tenant.as_str(), line.order.bytes(), line.no];
    let told_ship_by = one(conn, DOING, sql::TOLD, key, |cells| dates(cells, 0))?.unwrap_or(Dates::UNKNOWN);
    let key = params![tenant.as_str(), line.order.bytes(), line.no, supply.bytes()];
    let row = one(conn, DOING, sql::QUEUE_ROW, key, |cells| {
        Ok(QueueRow {
            line,
            reference: cells.maybe_shared(0)?,
            sku: Sku::stored(cells.text(1)?),
            pool: Sku::stored(cells.text(2)?),
            quantity: waiting.quantity,
            supply,
            unit_price: cells.maybe_money(3)?,
            customer: cells.maybe_bytes(5)?.map(CustomerKey),
            contact: contact_at(cells, 8)?,
            country: cells.maybe_shared(6)?,
            placed_at: cells.instant(7)?,
            told_ship_by,
        })
    })?;
    row.ok_or_else(|| StoreError::inconsistent(format_args!("{line} is pegged to {supply} but not kept")))
}

/// Sums up in one pass by order: a line's price stands in another table, and both are read in the order of their keys.
pub(super) fn owed(conn: &Connection, tenant: &TenantId) -> Result<Vec<OwedRow>, StoreError> {
    struct Sum {
        row: OwedRow,
        last: [u8; 16],
    }
    let mut sums: FxHashMap<[u8; 16], Sum> = FxHashMap::default();
    each(conn, "read what is owed", sql::OWED, params![tenant.as_str()], |cells| {
        let (supply, order): ([u8; 16], [u8; 16]) = (cells.bytes(0)?, cells.bytes(2)?);
        let sku = cells.text(1)?;
        let units = cells.units(3)?;
        let sum = sums.entry(supply).or_insert_with(|| Sum {
            row: OwedRow {
                sku: Sku::stored(sku),
                supply: SupplyId::from_bytes(supply),
                lines: 0,
                orders: 0,
                units: 0,
                value: Vec::new(),
            },
            last: [0; 16],
        });
        sum.row.lines += 1;
        sum.row.units += units;
        if sum.last != order {
            sum.last = order;
            sum.row.orders += 1;
        }
        match cells.maybe_money(4)? {
            Some(price) if !cells.flag(6)? => add(&mut sum.row.value, price, units),
            _ => Ok(()),
        }
    })?;
    let mut rows: Vec<OwedRow> = sums.into_values().map(|sum| sum.row).collect();
    rows.sort_by(|a, b| (&a.sku, a.supply).cmp(&(&b.sku, b.supply)));
    Ok(rows)
}

/// Adds to the sum of the same currency; sums stand sorted by currency.
pub(super) fn add(value: &mut Vec<Money>, price: Money, units: Units) -> Result<(), StoreError> {
    let at = value.binary_search_by_key(&price.currency, |sum| sum.currency).unwrap_or_else(|at| {
        value.insert(at, Money::zero(price.currency));
        at
    });
    value[at] = price
        .checked_mul(units)
        .and_then(|more| value[at].checked_add(more))
        .map_err(|error| StoreError::inconsistent(format_args!("what is owed cannot be summed: {error}")))?;
    Ok(())
}
