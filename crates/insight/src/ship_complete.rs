//! Orders of many lines, shipped complete or not at all: which to serve from what is there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    branch::{Choice, best_choice, worth},
    error::{Checked, bad, length, positive, whole},
    simplex::Packing,
};

/// The most tableau cells a search touches: a few seconds.
pub(crate) const WORK_MAX: u64 = 3_000_000_000;

/// Supply by SKU, and the orders that want it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiSkuInput {
    /// Units to give, by SKU.
    pub supply: BTreeMap<String, i64>,
    /// The orders.
    pub orders: Vec<MultiSkuOrder>,
}

/// One order of several lines.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiSkuOrder {
    /// Its name; breaks ties.
    pub id: String,
    /// What serving all of it is worth.
    pub value: f64,
    /// Units by SKU.
    pub lines: BTreeMap<String, i64>,
}

/// The best choice of orders, and what simpler rules would get.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MultiSku {
    /// Value of the best choice; of the best found if `proved_optimal` says no.
    pub optimal_value: f64,
    /// Bound of the linear relaxation.
    pub lp_bound: f64,
    /// Value of the density greedy.
    pub greedy_value: f64,
    /// Value of first come, first served, skipping what does not fit.
    pub fifo_value: f64,
    /// What the greedy loses, in per cent of the best.
    pub greedy_gap_pct: f64,
    /// Value of the greedy after adding and swapping orders.
    pub local_search_value: f64,
    /// Ids of the best choice, ascending.
    pub chosen: Vec<String>,
    /// Whether the search was finished.
    pub proved_optimal: bool,
    /// No choice is worth more than this.
    pub upper_bound: f64,
}

/// Returns the ship-complete choice of greatest value.
///
/// Greedy: descending value/Σ(qty/supply), ties by id. First come: by id. Up to 500 orders and 100 SKUs; a search that grows
/// too long stops with the best found and says so.
/// Source: multidimensional 0-1 knapsack; greedy, add and swap, then branch and bound on the linear relaxation.
pub fn allocation_multi_sku(input: &MultiSkuInput) -> Checked<MultiSku> {
    let (orders, problem) = read(input)?;
    let by_id: Vec<usize> = (0..orders.len()).collect();
    let fifo = take_in_order(&problem, &by_id);
    let greedy = take_in_order(&problem, &by_density(&problem));
    let improved = add_and_swap(&problem, greedy.clone());
    let greedy_value = worth(&problem, &greedy);
    let local_search_value = worth(&problem, &improved);
    let choice = best_choice(&problem, improved, WORK_MAX);
    let names =
        orders.iter().zip(&choice.chosen).filter(|(_, chosen)| **chosen).map(|(order, _)| order.id.clone());
    Ok(MultiSku {
        optimal_value: choice.value,
        lp_bound: choice.lp_bound,
        greedy_value,
        fifo_value: worth(&problem, &fifo),
        greedy_gap_pct: if choice.value > 0.0 {
            (choice.value - greedy_value) / choice.value * 100.0
        } else {
            0.0
        },
        local_search_value,
        chosen: names.collect(),
        proved_optimal: choice.proved(),
        upper_bound: choice.bound,
    })
}

/// The orders by id and the packing problem they pose, one row a SKU.
fn read(input: &MultiSkuInput) -> Checked<(Vec<&MultiSkuOrder>, Packing)> {
    length("supply", input.supply.len(), 1, 100)?;
    for (sku, &units) in &input.supply {
        whole(&format!("supply[{sku:?}]"), units, 0, 1_000_000_000)?;
    }
    length("orders", input.orders.len(), 1, 500)?;
    for (i, order) in input.orders.iter().enumerate() {
        positive(&format!("orders[{i}].value"), order.value)?;
        length(&format!("orders[{i}].lines"), order.lines.len(), 1, 100)?;
        for (sku, &units) in &order.lines {
            let field = format!("orders[{i}].lines[{sku:?}]");
            whole(&field, units, 1, 1_000_000_000)?;
            if !input.supply.contains_key(sku) {
                return bad(field, "supply has no such SKU");
            }
        }
    }
    let mut orders: Vec<&MultiSkuOrder> = input.orders.iter().collect();
    orders.sort_by(|a, b| a.id.cmp(&b.id));
    if let Some(pair) = orders.windows(2).find(|pair| pair[0].id == pair[1].id) {
        return bad("orders", format!("two orders have the id {:?}", pair[0].id));
    }
    let rows = input.supply.keys().map(|sku| {
        orders.iter().map(|order| order.lines.get(sku).map_or(0.0, |&units| units as f64)).collect()
    });
    let problem = Packing {
        value: orders.iter().map(|order| order.value).collect(),
        rows: rows.collect(),
        limit: input.supply.values().map(|&units| units as f64).collect(),
        upper: 1.0,
    };
    Ok((orders, problem))
}

/// Positions by descending value/Σ(qty/supply), ties in the order given.
pub(crate) fn by_density(problem: &Packing) -> Vec<usize> {
    let density = |j: usize| {
        let share = |(row, limit): (&Vec<f64>, &f64)| if row[j] > 0.0 { row[j] / limit } else { 0.0 };
        let size: f64 = problem.rows.iter().zip(&problem.limit).map(share).sum();
        problem.value[j] / size
    };
    let densities: Vec<f64> = (0..problem.value.len()).map(density).collect();
    // Equal densities are rarely equal in the last bit, so they are compared to twelve digits of the largest.
    let most = densities.iter().fold(0.0_f64, |most, &d| most.max(d));
    let digits = |j: usize| if most > 0.0 { (densities[j] / most * 1e12).round() } else { 0.0 };
    let mut order: Vec<usize> = (0..problem.value.len()).collect();
    order.sort_by(|&a, &b| digits(b).total_cmp(&digits(a)).then(a.cmp(&b)));
    order
}

/// Takes each in turn if it still fits.
pub(crate) fn take_in_order(problem: &Packing, order: &[usize]) -> Vec<bool> {
    let mut chosen = vec![false; problem.value.len()];
    let mut left = problem.limit.clone();
    for &j in order {
        if moves(problem, &left, None, j) {
            apply(problem, &mut left, &mut chosen, None, j);
        }
    }
    chosen
}

fn moves(problem: &Packing, left: &[f64], out: Option<usize>, into: usize) -> bool {
    problem.rows.iter().zip(left).all(|(row, left)| row[into] <= left + out.map_or(0.0, |j| row[j]))
}

fn apply(problem: &Packing, left: &mut [f64], chosen: &mut [bool], out: Option<usize>, into: usize) {
    for (left, row) in left.iter_mut().zip(&problem.rows) {
        *left += out.map_or(0.0, |j| row[j]) - row[into];
    }
    if let Some(j) = out {
        chosen[j] = false;
    }
    chosen[into] = true;
}

/// Adds an order, or swaps one out for a better one, while that gains; the first of the greatest gains first.
fn add_and_swap(problem: &Packing, mut chosen: Vec<bool>) -> Vec<bool> {
    let mut left = problem.limit.clone();
    for (j, _) in chosen.iter().enumerate().filter(|(_, chosen)| **chosen) {
        for (left, row) in left.iter_mut().zip(&problem.rows) {
            *left -= row[j];
        }
    }
    // Every round gains, and the search that follows does not depend on where this stops.
    for _ in 0..10_000 {
        let mut best: Option<(f64, Option<usize>, usize)> = None;
        for into in (0..chosen.len()).filter(|&j| !chosen[j]) {
            let outs = (0..chosen.len()).filter(|&j| chosen[j]).map(Some);
            for out in std::iter::once(None).chain(outs) {
                let gain = problem.value[into] - out.map_or(0.0, |j| problem.value[j]);
                if gain > best.map_or(0.0, |best| best.0) && moves(problem, &left, out, into) {
                    best = Some((gain, out, into));
                }
            }
        }
        let Some((_, out, into)) = best else { break };
        apply(problem, &mut left, &mut chosen, out, into);
    }
    chosen
}

/// The search of [`allocation_multi_sku`], for callers that hold their orders in another form.
pub(crate) fn search(problem: &Packing) -> Choice {
    let start = add_and_swap(problem, take_in_order(problem, &by_density(problem)));
    best_choice(problem, start, WORK_MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(id: &str, value: f64, lines: &[(&str, i64)]) -> MultiSkuOrder {
        MultiSkuOrder {
            id: id.into(),
            value,
            lines: lines.iter().map(|(sku, units)| ((*sku).into(), *units)).collect(),
        }
    }

    fn supply(units: &[(&str, i64)]) -> BTreeMap<String, i64> {
        units.iter().map(|(sku, units)| ((*sku).into(), *units)).collect()
    }

    #[test]
    fn two_small_orders_beat_a_dense_large_one() {
        let input = MultiSkuInput {
            supply: supply(&[("A", 10)]),
            orders: vec![
                order("1", 70.0, &[("A", 6)]),
                order("2", 55.0, &[("A", 5)]),
                order("3", 55.0, &[("A", 5)]),
            ],
        };
        let got = allocation_multi_sku(&input).unwrap();
        assert_eq!((got.optimal_value, got.greedy_value, got.fifo_value), (110.0, 70.0, 70.0));
        assert_eq!(got.chosen, ["2", "3"]);
        assert!(got.proved_optimal);
    }

    #[test]
    fn a_sku_without_supply_serves_nobody_and_an_unknown_one_is_refused() {
        let mut input =
            MultiSkuInput { supply: supply(&[("A", 0)]), orders: vec![order("1", 5.0, &[("A", 1)])] };
        assert_eq!(allocation_multi_sku(&input).unwrap().optimal_value, 0.0);
        input.orders.push(order("2", 5.0, &[("B", 1)]));
        assert!(allocation_multi_sku(&input).unwrap_err().field().starts_with("orders[1].lines"));
        input.orders[1] = order("1", 5.0, &[("A", 1)]);
        assert_eq!(allocation_multi_sku(&input).unwrap_err().field(), "orders");
    }

    proptest! {
        #[test]
        fn each_rule_beats_the_simpler_one(
            orders in proptest::collection::vec((1_u32..90, 0_i64..6, 0_i64..6, 1_i64..6), 1..25), a in 0_i64..30, b in 0_i64..30,
        ) {
            let orders = orders.iter().enumerate().map(|(i, &(value, x, y, z))| {
                let lines = [("A", x), ("B", y), ("C", z)];
                order(&format!("{i:03}"), f64::from(value), &lines.into_iter().filter(|line| line.1 > 0).collect::<Vec<_>>())
            }).collect();
            let got = allocation_multi_sku(&MultiSkuInput { supply: supply(&[("A", a), ("B", b), ("C", 20)]), orders }).unwrap();
            prop_assert!(got.proved_optimal);
            prop_assert!(got.greedy_value <= got.local_search_value && got.local_search_value <= got.optimal_value);
            prop_assert!(got.fifo_value <= got.optimal_value && got.optimal_value <= got.lp_bound + 1e-6);
        }
    }
}
