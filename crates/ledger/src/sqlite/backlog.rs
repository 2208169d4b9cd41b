//! Counting what a tenant owes.
//!
//! The pass goes over every open line, so it costs some microseconds a line: callers that show it keep the result
//! and compare [`crate::Read::last_event`].

use model::{
    id::{LineId, Sku, SupplyId, TenantId},
    supply::Supply,
    time::Date,
};
use rusqlite::{Connection, params};
use rustc_hash::FxHashMap;

use super::{
    cells::{each, list, one},
    sql,
};
use crate::{
    ArrivalDay, Backlog, StoreError,
    backlog::Counting,
    cells::{ReadCells, at_most, days},
    stored,
};

pub(super) fn backlog(conn: &Connection, tenant: &TenantId, today: Date) -> Result<Backlog, StoreError> {
    let mut counting = Counting::before(days(Some(today)).unwrap_or(i64::MIN));
    each(conn, "count the backlog", sql::BACKLOG, params![tenant.as_str()], |cells| counting.add(cells))?;
    let mut pools = FxHashMap::default();
    for supply in counting.supplies() {
        let key = params![tenant.as_str(), supply.bytes()];
        let sku = one(conn, "read a supply", sql::SUPPLY_SKU, key, |cells| Ok(Sku::stored(cells.text(0)?)))?;
        pools.extend(sku.map(|sku| (supply, sku)));
    }
    counting.end(&pools)
}

pub(super) fn arrivals(
    conn: &Connection,
    tenant: &TenantId,
    limit: usize,
) -> Result<Vec<Supply>, StoreError> {
    list(conn, "read what arrives", sql::ARRIVALS, params![tenant.as_str(), at_most(limit)], |cells| {
        stored::supply(cells)
    })
}

pub(super) fn arrival_days(
    conn: &Connection,
    tenant: &TenantId,
    (from, to): (Date, Date),
    a_day: usize,
) -> Result<Vec<ArrivalDay>, StoreError> {
    const DOING: &str = "read what arrives day by day";
    let (from, to) = (days(Some(from)), days(Some(to)));
    let found = list(conn, DOING, sql::ARRIVAL_DAYS, params![tenant.as_str(), from, to], |cells| {
        ArrivalDay::read(cells)
    })?;
    let key = params![tenant.as_str(), from, to, at_most(a_day)];
    let first = list(conn, DOING, sql::ARRIVALS_OF_DAYS, key, |cells| stored::supply(cells))?;
    Ok(ArrivalDay::with(found, first))
}

pub(super) fn ahead(
    conn: &Connection,
    tenant: &TenantId,
    supply: SupplyId,
    line: LineId,
    most: usize,
) -> Result<usize, StoreError> {
    let params = params![tenant.as_str(), supply.bytes(), line.order.bytes(), line.no, at_most(most)];
    let count = one(conn, "count who is ahead", sql::AHEAD, params, |cells| cells.int(0))?;
    Ok(count.unwrap_or(0))
}
