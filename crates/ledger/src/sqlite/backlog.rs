//! Counting what a tenant owes.
//!
//! The pass goes over every open line, so it costs some microseconds a line: callers that show it keep the result
//! and compare [`crate::Read::last_event`].

use model::{
    Units,
    id::{LineId, Sku, SupplyId, TenantId},
    money::Money,
    supply::Supply,
    time::Date,
};
use rusqlite::{Connection, params};
use rustc_hash::FxHashMap;

use super::{
    cells::{Cells, days, each, list, one},
    queue::add,
    read::{at_most, supply_row},
    sql,
};
use crate::{Backlog, BacklogSku, BacklogSupply, StoreError};

/// A sum, and the order it saw last: rows come by order, so an order that differs from it is new.
struct Seen<T> {
    sum: T,
    order: [u8; 16],
}

impl<T> Seen<T> {
    fn is_new(&mut self, order: [u8; 16]) -> bool {
        std::mem::replace(&mut self.order, order) != order
    }
}

#[derive(Default)]
struct Count {
    backlog: Backlog,
    skus: FxHashMap<Sku, Seen<BacklogSku>>,
    supplies: FxHashMap<[u8; 16], Seen<BacklogSupply>>,
    /// The line and the order seen last, and the order seen last with a late line.
    line: Option<([u8; 16], i64)>,
    late_order: Option<[u8; 16]>,
}

pub(super) fn backlog(conn: &Connection, tenant: &TenantId, today: Date) -> Result<Backlog, StoreError> {
    let today = days(Some(today)).unwrap_or(i64::MIN);
    let mut count = Count::default();
    each(conn, "count the backlog", sql::BACKLOG, params![tenant.as_str()], |cells| count.row(cells, today))?;
    let Count { mut backlog, skus, supplies, .. } = count;
    backlog.skus = skus.into_values().map(|seen| seen.sum).collect();
    backlog.skus.sort_unstable_by(|a, b| a.sku.cmp(&b.sku));
    backlog.supplies = supplies.into_values().map(|seen| seen.sum).collect();
    backlog.supplies.sort_unstable_by_key(|sum| sum.supply);
    Ok(backlog)
}

impl Count {
    /// Counts one peg; the first of its line counts the line too.
    fn row(&mut self, cells: Cells<'_>, today: i64) -> Result<(), StoreError> {
        let (order, no): ([u8; 16], i64) = (cells.bytes(0)?, cells.int(1)?);
        let supply: [u8; 16] = cells.bytes(2)?;
        let sku = cells.text(5)?;
        if !self.skus.contains_key(sku) {
            self.skus.insert(Sku::stored(sku), Seen { sum: empty(sku), order: [0; 16] });
        }
        let Some(seen) = self.skus.get_mut(sku) else { return Ok(()) };
        if self.line != Some((order, no)) {
            let is_late = cells.maybe_int(9)?.is_some_and(|told| told < today);
            let is_new = seen.is_new(order);
            let sum = &mut seen.sum;
            let open = cells.units(8)?;
            sum.lines += 1;
            sum.units += open;
            sum.late_lines += i64::from(is_late);
            if let Some(price) = cells.maybe_money(6)? {
                add(&mut sum.value, price, open)?;
            }
            sum.orders += i64::from(is_new);
            self.backlog.lines += 1;
            self.backlog.late_lines += i64::from(is_late);
            self.backlog.orders += i64::from(self.line.is_none_or(|(last, _)| last != order));
            if is_late && self.late_order.replace(order) != Some(order) {
                self.backlog.late_orders += 1;
            }
            self.line = Some((order, no));
        }
        let id = SupplyId::from_bytes(supply);
        if let Err(at) = seen.sum.supplies.binary_search(&id) {
            seen.sum.supplies.insert(at, id);
        }
        let pool = cells.text(3)?;
        let seen = self.supplies.entry(supply).or_insert_with(|| Seen {
            sum: BacklogSupply { supply: id, sku: Sku::stored(pool), lines: 0, orders: 0, units: 0 },
            order: [0; 16],
        });
        seen.sum.lines += 1;
        seen.sum.units += cells.units(4)?;
        seen.sum.orders += i64::from(seen.is_new(order));
        Ok(())
    }
}

fn empty(sku: &str) -> BacklogSku {
    let (value, supplies): (Vec<Money>, _) = (Vec::new(), Vec::new());
    let (units, sku): (Units, _) = (0, Sku::stored(sku));
    BacklogSku { sku, lines: 0, orders: 0, units, value, late_lines: 0, supplies }
}

pub(super) fn arrivals(
    conn: &Connection,
    tenant: &TenantId,
    limit: usize,
) -> Result<Vec<Supply>, StoreError> {
    list(conn, "read what arrives", sql::ARRIVALS, params![tenant.as_str(), at_most(limit)], supply_row)
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
