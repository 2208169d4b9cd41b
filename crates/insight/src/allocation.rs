//! Sharing one scarce SKU among orders, by every usual rule.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    branch::worth,
    error::{Checked, bad, length, positive, whole},
    ship_complete::{by_density, search, take_in_order},
    simplex::Packing,
};

/// What there is, and who wants it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllocationInput {
    /// Units to give.
    pub supply: i64,
    /// The orders.
    pub orders: Vec<AllocationOrder>,
}

/// One order for the SKU.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllocationOrder {
    /// Its name; breaks ties.
    pub id: String,
    /// When it was placed: smaller is earlier.
    pub placed: i64,
    /// Its priority: smaller goes first.
    pub priority: i64,
    /// Units wanted.
    pub qty: i64,
    /// What serving all of it is worth.
    pub value: f64,
    /// Its weight in weighted fairness.
    pub weight: f64,
}

/// Units by order under each rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Allocation {
    /// By (placed, id); the last one served may get a part.
    pub fifo_partial: BTreeMap<String, i64>,
    /// By (placed, id); an order that does not fit whole is skipped.
    pub fifo_ship_complete_skip: BTreeMap<String, i64>,
    /// By (priority, placed, id); parts allowed.
    pub priority_partial: BTreeMap<String, i64>,
    /// In proportion to what is wanted, rounded by largest remainder, ties by id.
    pub proportional_integer: BTreeMap<String, i64>,
    /// min(qty, level) with one level for all.
    pub max_min_fair: BTreeMap<String, f64>,
    /// min(qty, level·weight) with one level for all.
    pub weighted_max_min: BTreeMap<String, f64>,
    /// Value of the best choice of whole orders.
    pub ship_complete_optimal_value: f64,
    /// Bound of its linear relaxation.
    pub ship_complete_lp_bound: f64,
    /// Value when orders are taken by value a unit while they fit, ties by id.
    pub ship_complete_greedy_density_value: f64,
    /// Whether the optimum was proved; only a search of very many units and orders stops before.
    pub proved_optimal: bool,
}

/// Returns the allocation under every rule.
///
/// Source: water-filling, Bertsekas & Gallager, Data Networks, section 6.5; largest remainder (Hamilton); 0-1 knapsack.
pub fn allocation(input: &AllocationInput) -> Checked<Allocation> {
    check(input)?;
    let orders = sorted(input, |order| (0, order.placed));
    let by_priority = sorted(input, |order| (order.priority, order.placed));
    let by_id = sorted(input, |_| (0, 0));
    let best = ship_complete(input.supply, &by_id);
    Ok(Allocation {
        fifo_partial: in_turn(input.supply, &orders, true),
        fifo_ship_complete_skip: in_turn(input.supply, &orders, false),
        priority_partial: in_turn(input.supply, &by_priority, true),
        proportional_integer: proportional(input.supply, &by_id),
        max_min_fair: water_fill(input.supply, &by_id, |_| 1.0),
        weighted_max_min: water_fill(input.supply, &by_id, |order| order.weight),
        ship_complete_optimal_value: best.value,
        ship_complete_lp_bound: best.lp_bound,
        ship_complete_greedy_density_value: best.greedy,
        proved_optimal: best.proved,
    })
}

fn check(input: &AllocationInput) -> Checked<()> {
    whole("supply", input.supply, 0, 1_000_000_000)?;
    length("orders", input.orders.len(), 1, 2000)?;
    let mut ids: Vec<&str> = Vec::with_capacity(input.orders.len());
    for (i, order) in input.orders.iter().enumerate() {
        whole(&format!("orders[{i}].qty"), order.qty, 1, 1_000_000_000)?;
        positive(&format!("orders[{i}].value"), order.value)?;
        positive(&format!("orders[{i}].weight"), order.weight)?;
        ids.push(&order.id);
    }
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => bad("orders", format!("two orders have the id {:?}", pair[0])),
        None => Ok(()),
    }
}

fn sorted(input: &AllocationInput, key: impl Fn(&AllocationOrder) -> (i64, i64)) -> Vec<&AllocationOrder> {
    let mut orders: Vec<&AllocationOrder> = input.orders.iter().collect();
    orders.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id)));
    orders
}

fn in_turn(supply: i64, orders: &[&AllocationOrder], parts: bool) -> BTreeMap<String, i64> {
    let mut left = supply;
    let given = orders.iter().map(|order| {
        let units = if parts || order.qty <= left { order.qty.min(left) } else { 0 };
        left -= units;
        (order.id.clone(), units)
    });
    given.collect()
}

fn proportional(supply: i64, orders: &[&AllocationOrder]) -> BTreeMap<String, i64> {
    let wanted: i128 = orders.iter().map(|order| i128::from(order.qty)).sum();
    let supply = i128::from(supply).min(wanted);
    let exact = |order: &AllocationOrder| i128::from(order.qty) * supply;
    let mut left = supply - orders.iter().map(|order| exact(order) / wanted).sum::<i128>();
    let mut by_remainder: Vec<&&AllocationOrder> = orders.iter().collect();
    // Stable: equal remainders stay in the order of ids.
    by_remainder.sort_by_key(|order| std::cmp::Reverse(exact(order) % wanted));
    let given = by_remainder.into_iter().map(|order| {
        let extra = i128::from(left > 0);
        left -= extra;
        // At most the order's own quantity, which was an i64.
        (order.id.clone(), i64::try_from(exact(order) / wanted + extra).unwrap_or(order.qty))
    });
    given.collect()
}

/// Raises one level until the supply is used up: Σ min(qty, level·weight) = supply.
fn water_fill(
    supply: i64,
    orders: &[&AllocationOrder],
    weight: impl Fn(&AllocationOrder) -> f64,
) -> BTreeMap<String, f64> {
    let mut by_level: Vec<&&AllocationOrder> = orders.iter().collect();
    by_level.sort_by(|a, b| (a.qty as f64 / weight(a)).total_cmp(&(b.qty as f64 / weight(b))));
    let mut left = supply as f64;
    let mut weights: f64 = orders.iter().map(|order| weight(order)).sum();
    let mut given = BTreeMap::new();
    for order in by_level {
        // Those satisfied at a lower level are out already; the rest share what is left.
        let share = (left * weight(order) / weights).min(order.qty as f64).max(0.0);
        given.insert(order.id.clone(), share);
        left -= share;
        weights -= weight(order);
    }
    given
}

struct Best {
    value: f64,
    lp_bound: f64,
    greedy: f64,
    proved: bool,
}

/// Cells of the table of the dynamic programme: about a tenth of a second.
const CELLS_MAX: usize = 100_000_000;

fn ship_complete(supply: i64, orders: &[&AllocationOrder]) -> Best {
    let problem = Packing {
        value: orders.iter().map(|order| order.value).collect(),
        rows: vec![orders.iter().map(|order| order.qty as f64).collect()],
        limit: vec![supply as f64],
        upper: 1.0,
    };
    let order = by_density(&problem);
    let greedy = worth(&problem, &take_in_order(&problem, &order));
    // With one row the relaxation takes by density and splits one order.
    let (mut left, mut lp_bound) = (supply as f64, 0.0);
    for &j in &order {
        let part = (left / problem.rows[0][j]).min(1.0);
        lp_bound += part * problem.value[j];
        left -= part * problem.rows[0][j];
    }
    // Units beyond what is wanted do not matter. Both fit a usize: `check` holds them to 10⁹ each.
    let wanted: i64 = orders.iter().map(|order| order.qty).sum();
    let capacity = usize::try_from(supply.min(wanted)).unwrap_or(usize::MAX);
    if capacity.saturating_mul(orders.len()) <= CELLS_MAX {
        return Best { value: knapsack(capacity, orders), lp_bound, greedy, proved: true };
    }
    let choice = search(&problem);
    Best { value: choice.value, lp_bound, greedy, proved: choice.proved() }
}

/// The best value of whole orders within a capacity, by the classic table over capacities.
fn knapsack(capacity: usize, orders: &[&AllocationOrder]) -> f64 {
    let mut best = vec![0.0_f64; capacity + 1];
    for order in orders {
        let size = usize::try_from(order.qty).unwrap_or(usize::MAX);
        if size > capacity {
            continue;
        }
        for left in (size..=capacity).rev() {
            best[left] = best[left].max(best[left - size] + order.value);
        }
    }
    best[capacity]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn inputs() -> impl Strategy<Value = AllocationInput> {
        (0_i64..120, proptest::collection::vec((0_i64..5, 0_i64..3, 1_i64..40, 1_u32..90, 1_u32..5), 1..10))
            .prop_map(|(supply, orders)| AllocationInput {
                supply,
                orders: orders
                    .into_iter()
                    .enumerate()
                    .map(|(i, (placed, priority, qty, value, weight))| AllocationOrder {
                        id: format!("{i:02}"),
                        placed,
                        priority,
                        qty,
                        value: f64::from(value),
                        weight: f64::from(weight),
                    })
                    .collect(),
            })
    }

    proptest! {
        #[test]
        fn what_there_is_is_given_and_no_more(input in inputs()) {
            let got = allocation(&input).unwrap();
            let wanted: i64 = input.orders.iter().map(|order| order.qty).sum();
            let given = input.supply.min(wanted);
            for rule in [&got.fifo_partial, &got.priority_partial, &got.proportional_integer] {
                prop_assert_eq!(rule.values().sum::<i64>(), given);
            }
            for rule in [&got.max_min_fair, &got.weighted_max_min] {
                prop_assert!((rule.values().sum::<f64>() - given as f64).abs() < 1e-9);
            }
            for order in &input.orders {
                prop_assert!(got.proportional_integer[&order.id] <= order.qty);
                prop_assert!(got.max_min_fair[&order.id] <= order.qty as f64);
            }
        }

        #[test]
        fn whoever_is_short_is_at_the_level(input in inputs()) {
            let got = allocation(&input).unwrap().weighted_max_min;
            let level = input.orders.iter().map(|order| got[&order.id] / order.weight).fold(0.0, f64::max);
            for order in &input.orders {
                let units = got[&order.id];
                prop_assert!((units - order.qty as f64).abs() < 1e-9 || (units / order.weight - level).abs() < 1e-9);
            }
        }

        #[test]
        fn the_optimum_is_the_best_of_all_choices(input in inputs()) {
            let got = allocation(&input).unwrap();
            let best = (0_u32..1 << input.orders.len()).map(|set| {
                let chosen = || input.orders.iter().enumerate().filter(move |(j, _)| set >> j & 1 == 1).map(|(_, order)| order);
                if chosen().map(|order| order.qty).sum::<i64>() > input.supply { 0.0 } else { chosen().map(|order| order.value).sum() }
            }).fold(0.0, f64::max);
            prop_assert_eq!(got.ship_complete_optimal_value, best);
            prop_assert!(got.ship_complete_greedy_density_value <= best && best <= got.ship_complete_lp_bound + 1e-9);
        }
    }

    #[test]
    fn table_and_search_agree() {
        let orders: Vec<AllocationOrder> = (0..40)
            .map(|i| AllocationOrder {
                id: format!("{i:02}"),
                placed: 0,
                priority: 0,
                qty: 11 + i * 37 % 53,
                value: (20 + i * 29 % 61) as f64,
                weight: 1.0,
            })
            .collect();
        let orders: Vec<&AllocationOrder> = orders.iter().collect();
        let problem = Packing {
            value: orders.iter().map(|order| order.value).collect(),
            rows: vec![orders.iter().map(|order| order.qty as f64).collect()],
            limit: vec![500.0],
            upper: 1.0,
        };
        let found = search(&problem);
        assert!(found.proved());
        assert_eq!(found.value, knapsack(500, &orders));
        assert!((found.lp_bound - ship_complete(500, &orders).lp_bound).abs() < 1e-9);
    }
}
