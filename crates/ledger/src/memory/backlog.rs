//! Counting what a tenant owes, in one pass over its open lines.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    id::{OrderId, Sku, SupplyId},
    money::Money,
    order::{Line, Order},
    time::Date,
};

use super::tables::Rows;
use crate::{Backlog, BacklogSku, BacklogSupply, StoreError};

/// A sum, and the order it saw last: lines come by order, so an order that differs from it is new.
struct Seen<T> {
    sum: T,
    order: Option<OrderId>,
}

impl<T> Seen<T> {
    fn of(sum: T) -> Self {
        Self { sum, order: None }
    }

    fn is_new(&mut self, order: OrderId) -> i64 {
        i64::from(self.order.replace(order) != Some(order))
    }
}

#[derive(Default)]
struct Sums {
    skus: BTreeMap<Sku, Seen<BacklogSku>>,
    supplies: BTreeMap<SupplyId, Seen<BacklogSupply>>,
}

pub(super) fn backlog(rows: &Rows, today: Date) -> Result<Backlog, StoreError> {
    let waiting: BTreeSet<OrderId> = rows.lines.all().map(|((_, line), _)| line.order).collect();
    let mut backlog = Backlog::default();
    let mut sums = Sums::default();
    for order in waiting.iter().filter_map(|id| rows.orders.get(id)) {
        let mut late = 0;
        for line in order.lines.iter().filter(|line| !line.pegs.is_empty()) {
            let is_late = line.told().and_then(|told| told.ship_by.promised).is_some_and(|told| told < today);
            late += i64::from(is_late);
            backlog.lines += 1;
            sums.add(order, line, is_late)?;
        }
        backlog.orders += 1;
        backlog.late_lines += late;
        backlog.late_orders += i64::from(late > 0);
    }
    backlog.skus = sums.skus.into_values().map(|seen| seen.sum).collect();
    backlog.supplies = sums.supplies.into_values().map(|seen| seen.sum).collect();
    Ok(backlog)
}

impl Sums {
    fn add(&mut self, order: &Order, line: &Line, is_late: bool) -> Result<(), StoreError> {
        let seen = self.skus.entry(line.sku.clone()).or_insert_with(|| Seen::of(empty(&line.sku)));
        seen.sum.orders += seen.is_new(order.id);
        seen.sum.lines += 1;
        seen.sum.units += line.open();
        seen.sum.late_lines += i64::from(is_late);
        if let Some(price) = line.unit_price {
            let value = price.checked_mul(line.open());
            let added = value.and_then(|value| add(&mut seen.sum.value, value));
            added.map_err(|error| {
                StoreError::inconsistent(format_args!("what is owed cannot be summed: {error}"))
            })?;
        }
        for peg in &line.pegs {
            if let Err(at) = seen.sum.supplies.binary_search(&peg.supply) {
                seen.sum.supplies.insert(at, peg.supply);
            }
            let sum =
                BacklogSupply { supply: peg.supply, sku: peg.sku.clone(), lines: 0, orders: 0, units: 0 };
            let of_supply = self.supplies.entry(peg.supply).or_insert_with(|| Seen::of(sum));
            of_supply.sum.orders += of_supply.is_new(order.id);
            of_supply.sum.lines += 1;
            of_supply.sum.units += peg.quantity;
        }
        Ok(())
    }
}

fn empty(sku: &Sku) -> BacklogSku {
    let (value, supplies) = (Vec::new(), Vec::new());
    BacklogSku { sku: sku.clone(), lines: 0, orders: 0, units: 0, value, late_lines: 0, supplies }
}

/// Adds to the sum of the same currency; sums stand sorted by currency.
fn add(sums: &mut Vec<Money>, value: Money) -> Result<(), model::money::MoneyError> {
    match sums.binary_search_by_key(&value.currency, |sum| sum.currency) {
        Ok(at) => sums[at] = sums[at].checked_add(value)?,
        Err(at) => sums.insert(at, value),
    }
    Ok(())
}
