//! Whole orders against goods that come day by day: which to ship, and when.
//!
//! Source: time-indexed assignment. One item for each order and day on which it could ship; an order is taken once, and
//! what is shipped until a day is no more than what has come until then.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Units,
    id::{OrderId, Sku},
    time::{Date, days_since_epoch},
};

use super::{
    ITEMS_MAX, Item, PackError, Problem,
    orders::{checked_amount, positions_of},
};

/// Goods that come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// What comes.
    pub sku: Sku,
    /// When; goods on hand come on the first day.
    pub on: Date,
    /// How many units, from 0.
    pub units: Units,
}

/// An order that ships complete, on one day or never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backorder {
    /// Its id.
    pub id: OrderId,
    /// Units it needs; a SKU that stands twice counts together.
    pub needs: Vec<(Sku, Units)>,
    /// The last day on which it is in time.
    pub due: Date,
    /// What each day after that costs, in minor units from 0; of all orders in the same currency.
    pub late_cost: i64,
    /// What it costs not to ship it at all, likewise.
    pub unserved_cost: i64,
}

/// The problem when to ship which order, and how to read its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// What to solve. An item's value is what shipping that order on that day saves against never shipping it.
    pub problem: Problem,
    /// Order, by its position in the list, and day of each item.
    slots: Vec<(usize, Date)>,
    orders: usize,
    /// What it costs to ship nothing.
    nothing: i64,
}

/// Returns the problem of shipping orders at the least cost: that of days late and of orders not shipped.
///
/// Of plans that cost the same, one is taken that the order of the list favours: list orders by (priority, placed, id).
/// Errors: [`PackError`] names the SKU or order; arrivals are checked first, then the orders as listed.
pub fn calendar(arrivals: &[Arrival], orders: &[Backorder]) -> Result<Calendar, PackError> {
    let days: BTreeSet<Date> = arrivals.iter().map(|arrival| arrival.on).collect();
    let days: Vec<Date> = days.into_iter().collect();
    let stock = cumulative(arrivals, &days)?;
    let positions: BTreeMap<&Sku, usize> = stock.keys().enumerate().map(|(at, sku)| (*sku, at)).collect();
    if orders.len().saturating_mul(days.len()) > ITEMS_MAX {
        return Err(PackError::TooMany(orders.len().saturating_mul(days.len())));
    }
    // Limits: one for each order, then one for each SKU and day.
    let mut limits: Vec<Units> = vec![1; orders.len()];
    limits.extend(stock.values().flatten());
    let (mut items, mut slots, mut nothing) = (Vec::new(), Vec::new(), 0);
    for (at, order) in orders.iter().enumerate() {
        let needs = positions_of(order.id, &order.needs, &positions)?;
        checked_amount(order.id, order.late_cost)?;
        nothing += checked_amount(order.id, order.unserved_cost)?;
        for (day, saved) in worthwhile_days(order, &days) {
            let from = |sku: usize| orders.len() + sku * days.len();
            let stock = needs.iter().flat_map(|(&sku, &units)| {
                (from(sku) + day..from(sku) + days.len()).map(move |limit| (limit, units))
            });
            items.push(Item { value: saved, needs: std::iter::once((at, 1)).chain(stock).collect() });
            slots.push((at, days[day]));
        }
    }
    Ok(Calendar { problem: Problem { limits, items }, slots, orders: orders.len(), nothing })
}

/// Units of each SKU that have come until each day.
fn cumulative<'a>(
    arrivals: &'a [Arrival],
    days: &[Date],
) -> Result<BTreeMap<&'a Sku, Vec<Units>>, PackError> {
    let mut stock: BTreeMap<&Sku, Vec<Units>> = BTreeMap::new();
    for arrival in arrivals {
        if arrival.units < 0 {
            return Err(PackError::Supply { what: arrival.sku.to_string(), units: arrival.units });
        }
        let until = stock.entry(&arrival.sku).or_insert_with(|| vec![0; days.len()]);
        for (units, _) in until.iter_mut().zip(days).filter(|(_, day)| **day >= arrival.on) {
            *units += arrival.units;
        }
    }
    Ok(stock)
}

/// Days, by position, on which shipping an order saves something, and how much; ascending.
///
/// Of the days on which it is in time only the last counts: shipping sooner saves no more and binds goods longer.
fn worthwhile_days(order: &Backorder, days: &[Date]) -> Vec<(usize, i64)> {
    let in_time = days.partition_point(|day| *day <= order.due);
    let saved = |at: usize| {
        let late = i64::from(days_since_epoch(days[at]) - days_since_epoch(order.due)).max(0);
        order.unserved_cost - late.saturating_mul(order.late_cost)
    };
    (in_time.saturating_sub(1)..days.len())
        .map(|at| (at, saved(at)))
        .filter(|(_, saved)| *saved > 0)
        .collect()
}

impl Calendar {
    /// The day on which each order ships, as listed; none for those that do not.
    pub fn days(&self, chosen: &[bool]) -> Vec<Option<Date>> {
        let mut days = vec![None; self.orders];
        for (&(order, day), _) in self.slots.iter().zip(chosen).filter(|(_, chosen)| **chosen) {
            days[order] = Some(day);
        }
        days
    }

    /// The cost of a plan that saves so much: turns a solution's value and bound into costs.
    pub fn cost(&self, saved: i64) -> i64 {
        self.nothing - saved
    }
}
