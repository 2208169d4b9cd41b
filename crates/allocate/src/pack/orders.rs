//! Orders of several SKUs, shipped complete from goods that are here, or not at all.

use std::collections::BTreeMap;

use model::{
    Units,
    id::{OrderId, Sku},
};

use super::{AMOUNT_MAX, ITEMS_MAX, Item, PackError, Problem};

/// An order that ships complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// What shipping it is worth, in minor units from 0; of all orders in the same currency.
    pub value: i64,
    /// Units it needs; a SKU that stands twice counts together.
    pub needs: Vec<(Sku, Units)>,
}

/// Returns the problem which of these orders to ship: its items are the orders, one for one.
///
/// Of choices that are worth the same, one is taken that the order of the list favours: list orders by (priority, placed,
/// id). A SKU that stands twice in `supply` counts together.
/// Errors: [`PackError`] names the SKU or order; supply is checked first, then the orders as listed.
pub fn problem(supply: &[(Sku, Units)], orders: &[Order]) -> Result<Problem, PackError> {
    let mut there: BTreeMap<&Sku, Units> = BTreeMap::new();
    for (sku, units) in supply {
        if *units < 0 {
            return Err(PackError::Supply { what: sku.to_string(), units: *units });
        }
        *there.entry(sku).or_default() += units;
    }
    if orders.len() > ITEMS_MAX {
        return Err(PackError::TooMany(orders.len()));
    }
    let positions: BTreeMap<&Sku, usize> = there.keys().enumerate().map(|(at, sku)| (*sku, at)).collect();
    let items = orders.iter().map(|order| {
        let value = checked_amount(order.id, order.value)?;
        let needs = positions_of(order.id, &order.needs, &positions)?.into_iter().collect();
        Ok(Item { value, needs })
    });
    Ok(Problem { items: items.collect::<Result<_, _>>()?, limits: there.into_values().collect() })
}

pub(super) fn checked_amount(order: OrderId, amount: i64) -> Result<i64, PackError> {
    if (0..=AMOUNT_MAX).contains(&amount) {
        Ok(amount)
    } else {
        Err(PackError::Amount { order: order.to_string(), amount })
    }
}

/// Units an order needs by the position of the SKU.
pub(super) fn positions_of(
    order: OrderId,
    needs: &[(Sku, Units)],
    positions: &BTreeMap<&Sku, usize>,
) -> Result<BTreeMap<usize, Units>, PackError> {
    let mut all = BTreeMap::new();
    for (sku, units) in needs {
        let position = positions.get(sku).filter(|_| *units > 0);
        let Some(&position) = position else {
            return Err(PackError::Need { order: order.to_string(), what: sku.to_string(), units: *units });
        };
        *all.entry(position).or_default() += units;
    }
    Ok(all)
}
