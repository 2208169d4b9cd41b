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
    cells::{days, each, list, one},
    read::{at_most, supply_row},
    sql,
};
use crate::{Backlog, BacklogSku, BacklogSupply, StoreError};

/// A peg as it is counted: small, since there is one for each of all open lines.
struct Place {
    order: [u8; 16],
    line: u16,
    /// Places in the lists of SKUs and of supplies.
    sku: u32,
    supply: u32,
    quantity: Units,
    open: Units,
    price: Option<Money>,
    is_late: bool,
}

/// A sum, and the order it saw last: places come by order, so an order that differs from it is new.
struct Seen<T> {
    sum: T,
    order: [u8; 16],
}

impl<T> Seen<T> {
    fn is_new(&mut self, order: [u8; 16]) -> bool {
        std::mem::replace(&mut self.order, order) != order
    }
}

pub(super) fn backlog(conn: &Connection, tenant: &TenantId, today: Date) -> Result<Backlog, StoreError> {
    let today = days(Some(today)).unwrap_or(i64::MIN);
    let (mut skus, mut sku_at) = (Vec::new(), FxHashMap::<Sku, u32>::default());
    let (mut supplies, mut supply_at) = (Vec::new(), FxHashMap::<[u8; 16], u32>::default());
    let mut places = Vec::new();
    each(conn, "count the backlog", sql::BACKLOG, params![tenant.as_str()], |cells| {
        let sku = match sku_at.get(cells.text(4)?) {
            Some(known) => *known,
            None => {
                let sku = Sku::stored(cells.text(4)?);
                let at = u32::try_from(skus.len()).unwrap_or(u32::MAX);
                skus.push(Seen { sum: empty(&sku), order: [0; 16] });
                sku_at.insert(sku, at);
                at
            }
        };
        let id: [u8; 16] = cells.bytes(0)?;
        let supply = match supply_at.get(&id) {
            Some(known) => *known,
            None => {
                let supply = SupplyId::from_bytes(id);
                let at = u32::try_from(supplies.len()).unwrap_or(u32::MAX);
                let sku = pool_of(conn, tenant, supply)?;
                let sum = BacklogSupply { supply, sku, lines: 0, orders: 0, units: 0 };
                supplies.push(Seen { sum, order: [0; 16] });
                supply_at.insert(id, at);
                at
            }
        };
        places.push(Place {
            order: cells.bytes(1)?,
            line: cells.int(2)?,
            sku,
            supply,
            quantity: cells.units(3)?,
            open: cells.units(5)?,
            price: cells.maybe_money(6)?,
            is_late: cells.maybe_int(8)?.is_some_and(|told| told < today),
        });
        Ok(())
    })?;
    // The queue has them by supply; an order's lines, and a line's pegs, are counted once each.
    places.sort_unstable_by_key(|place| (place.order, place.line));
    let mut backlog = count(&places, &mut skus, &mut supplies)?;
    backlog.skus = skus.into_iter().map(|seen| seen.sum).collect();
    backlog.skus.sort_unstable_by(|a, b| a.sku.cmp(&b.sku));
    backlog.supplies = supplies.into_iter().map(|seen| seen.sum).collect();
    backlog.supplies.sort_unstable_by_key(|sum| sum.supply);
    Ok(backlog)
}

fn pool_of(conn: &Connection, tenant: &TenantId, supply: SupplyId) -> Result<Sku, StoreError> {
    let key = params![tenant.as_str(), supply.bytes()];
    let sku = one(conn, "read a supply", sql::SUPPLY_SKU, key, |cells| Ok(Sku::stored(cells.text(0)?)))?;
    sku.ok_or_else(|| StoreError::inconsistent(format_args!("lines wait for {supply}, which is not kept")))
}

/// Adds places up that come by order and line.
fn count(
    places: &[Place],
    skus: &mut [Seen<BacklogSku>],
    supplies: &mut [Seen<BacklogSupply>],
) -> Result<Backlog, StoreError> {
    let mut backlog = Backlog::default();
    let mut line: Option<([u8; 16], u16)> = None;
    let mut late_order: Option<[u8; 16]> = None;
    for place in places {
        let order = place.order;
        let seen = &mut skus[place.sku as usize];
        let of_supply = &mut supplies[place.supply as usize];
        if line != Some((order, place.line)) {
            let is_new = seen.is_new(order);
            let sum = &mut seen.sum;
            sum.lines += 1;
            sum.units += place.open;
            sum.late_lines += i64::from(place.is_late);
            if let Some(price) = place.price {
                add(&mut sum.value, price, place.open)?;
            }
            sum.orders += i64::from(is_new);
            backlog.lines += 1;
            backlog.late_lines += i64::from(place.is_late);
            backlog.orders += i64::from(line.is_none_or(|(last, _)| last != order));
            if place.is_late && late_order.replace(order) != Some(order) {
                backlog.late_orders += 1;
            }
            line = Some((order, place.line));
        }
        let id = of_supply.sum.supply;
        if let Err(at) = seen.sum.supplies.binary_search(&id) {
            seen.sum.supplies.insert(at, id);
        }
        of_supply.sum.lines += 1;
        of_supply.sum.units += place.quantity;
        of_supply.sum.orders += i64::from(of_supply.is_new(order));
    }
    Ok(backlog)
}

fn empty(sku: &Sku) -> BacklogSku {
    let (value, supplies): (Vec<Money>, _) = (Vec::new(), Vec::new());
    BacklogSku { sku: sku.clone(), lines: 0, orders: 0, units: 0, value, late_lines: 0, supplies }
}

/// Adds to the sum of the same currency; sums stand sorted by currency.
fn add(value: &mut Vec<Money>, price: Money, units: Units) -> Result<(), StoreError> {
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
