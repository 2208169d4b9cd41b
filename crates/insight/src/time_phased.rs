//! Whole backorders against supply that arrives day by day: which to ship, and when.

use serde::{Deserialize, Serialize};

use crate::{
    branch::best_choice,
    error::{Checked, each, length, not_negative, too_large, whole},
    ship_complete::WORK_MAX,
    simplex::{Packing, maximise},
};

/// What arrives, and who waits.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimePhasedInput {
    /// Units that arrive on day 1, 2, …
    pub arrivals: Vec<i64>,
    /// The orders, first come first.
    pub orders: Vec<TimedOrder>,
}

/// One order, shipped whole on one day or not at all.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimedOrder {
    /// Its name.
    pub id: String,
    /// Units.
    pub qty: i64,
    /// The day it is due.
    pub due: i64,
    /// Cost of each unit for each day after that.
    pub late_cost_per_unit_day: f64,
    /// Cost of never shipping it within the horizon.
    pub unserved_penalty: f64,
}

/// The least cost, a bound, and the cost of first come, first served.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TimePhased {
    /// Least total cost; of the best plan found if `proved_optimal` says no.
    pub optimal_cost: f64,
    /// Cost of the linear relaxation. Weak: orders are split over days.
    pub lp_bound: f64,
    /// Cost in listed order, each on the earliest day that breaks no earlier promise; one that never fits is skipped.
    pub fifo_cost: f64,
    /// Day each order ships in the best plan, in listed order; none if it is not served.
    pub ship_days: Vec<Option<usize>>,
    /// Whether the search was finished; always for up to 20 orders.
    pub proved_optimal: bool,
}

/// Orders that the table over subsets takes: 2²⁰ entries.
const EXACT_MAX: usize = 20;

/// Returns the cheapest plan of shipping whole orders; cumulative shipments never exceed cumulative arrivals.
///
/// Up to 60 orders and 60 days. Source: time-indexed assignment for the bound. For the optimum, an exchange argument: shipped
/// in some order, each goes best on the first day the units of all so far are there, so the best plan for a set is the
/// cheapest over its last order (Held & Karp 1962); larger instances by branch and bound.
pub fn allocation_time_phased(input: &TimePhasedInput) -> Checked<TimePhased> {
    check(input)?;
    let there = cumulative(&input.arrivals);
    let assignment = Assignment::new(input, &there);
    let relaxed = maximise(&assignment.problem, WORK_MAX);
    if relaxed.work > WORK_MAX {
        return too_large("orders", "a relaxation that settles sooner; take fewer orders or days");
    }
    let fifo = first_come(input, &there);
    let (ship_days, proved_optimal) = if input.orders.len() <= EXACT_MAX {
        (best_sequence(input, &there), true)
    } else {
        let choice = best_choice(&assignment.problem, assignment.choose(&fifo), WORK_MAX);
        (assignment.days(&choice.chosen, input.orders.len()), choice.proved())
    };
    Ok(TimePhased {
        optimal_cost: plan_cost(input, &ship_days),
        lp_bound: (assignment.worst - relaxed.value).max(0.0),
        fifo_cost: plan_cost(input, &fifo),
        ship_days,
        proved_optimal,
    })
}

fn check(input: &TimePhasedInput) -> Checked<()> {
    length("arrivals", input.arrivals.len(), 1, 60)?;
    each("arrivals", &input.arrivals, |field, units| whole(field, units, 0, 1_000_000_000))?;
    length("orders", input.orders.len(), 1, 60)?;
    for (i, order) in input.orders.iter().enumerate() {
        whole(&format!("orders[{i}].qty"), order.qty, 1, 1_000_000_000)?;
        whole(&format!("orders[{i}].due"), order.due, -1_000_000, 1_000_000)?;
        not_negative(&format!("orders[{i}].late_cost_per_unit_day"), order.late_cost_per_unit_day)?;
        not_negative(&format!("orders[{i}].unserved_penalty"), order.unserved_penalty)?;
    }
    Ok(())
}

fn cumulative(arrivals: &[i64]) -> Vec<i64> {
    let mut there = 0;
    let days = arrivals.iter().map(|units| {
        there += units;
        there
    });
    days.collect()
}

/// What an order costs when it ships on a day, counted from one.
fn late_cost(order: &TimedOrder, day: usize) -> f64 {
    order.late_cost_per_unit_day * order.qty as f64 * (day as i64 - order.due).max(0) as f64
}

fn plan_cost(input: &TimePhasedInput, days: &[Option<usize>]) -> f64 {
    let costs = input.orders.iter().zip(days);
    costs.map(|(order, day)| day.map_or(order.unserved_penalty, |day| late_cost(order, day))).sum()
}

fn first_come(input: &TimePhasedInput, there: &[i64]) -> Vec<Option<usize>> {
    let mut left = there.to_vec();
    let days = input.orders.iter().map(|order| {
        // The first day from which enough is left for good.
        let from = left.iter().rposition(|&units| units < order.qty).map_or(0, |last| last + 1);
        if from == left.len() {
            return None;
        }
        for units in &mut left[from..] {
            *units -= order.qty;
        }
        Some(from + 1)
    });
    days.collect()
}

/// The day of each order in the cheapest plan, by a table over the sets of served orders.
fn best_sequence(input: &TimePhasedInput, there: &[i64]) -> Vec<Option<usize>> {
    let orders = &input.orders;
    let sets = 1_usize << orders.len();
    // The first day on which the units of a whole set are there, counted from one; past the horizon for none.
    let day_of = |set: usize| {
        let units: i64 =
            orders.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).map(|(_, order)| order.qty).sum();
        there.partition_point(|&total| total < units) + 1
    };
    let mut cost = vec![f64::INFINITY; sets];
    let mut last = vec![u8::MAX; sets];
    cost[0] = 0.0;
    let mut best = (f64::INFINITY, 0);
    for set in 0..sets {
        let day = day_of(set);
        if set > 0 && day <= there.len() {
            for (i, order) in orders.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1) {
                let with = cost[set & !(1 << i)] + late_cost(order, day);
                if with < cost[set] {
                    cost[set] = with;
                    last[set] = i as u8;
                }
            }
        }
        let unserved = orders
            .iter()
            .enumerate()
            .filter(|(i, _)| set >> i & 1 == 0)
            .map(|(_, order)| order.unserved_penalty);
        let total = cost[set] + unserved.sum::<f64>();
        if total < best.0 {
            best = (total, set);
        }
    }
    let mut days = vec![None; orders.len()];
    let mut set = best.1;
    while set > 0 {
        let i = usize::from(last[set]);
        days[i] = Some(day_of(set));
        set &= !(1 << i);
    }
    days
}

/// The time-indexed packing problem: what shipping order i on day t saves against never shipping it.
struct Assignment {
    problem: Packing,
    /// Order and day of each variable.
    slots: Vec<(usize, usize)>,
    /// Cost of serving nobody.
    worst: f64,
}

impl Assignment {
    fn new(input: &TimePhasedInput, there: &[i64]) -> Self {
        let mut slots = Vec::new();
        let mut value = Vec::new();
        for (i, order) in input.orders.iter().enumerate() {
            // Shipping before the due day costs the same and uses the units longer: only the last such day counts.
            let from = order.due.clamp(1, there.len() as i64) as usize;
            for day in from..=there.len() {
                let saved = order.unserved_penalty - late_cost(order, day);
                if saved > 0.0 {
                    slots.push((i, day));
                    value.push(saved);
                }
            }
        }
        let once =
            (0..input.orders.len()).map(|i| (slots.iter().map(|slot| f64::from(slot.0 == i)).collect(), 1.0));
        let stock = there.iter().enumerate().map(|(t, &units)| {
            let row =
                slots.iter().map(|&(i, day)| if day <= t + 1 { input.orders[i].qty as f64 } else { 0.0 });
            (row.collect(), units as f64)
        });
        let (rows, limit) = once.chain(stock).unzip();
        let worst = input.orders.iter().map(|order| order.unserved_penalty).sum();
        Self { problem: Packing { value, rows, limit, upper: f64::INFINITY }, slots, worst }
    }

    /// A plan as a choice of slots. A day before the due day becomes the last one that costs the same.
    fn choose(&self, plan: &[Option<usize>]) -> Vec<bool> {
        let mut chosen = vec![false; self.slots.len()];
        for (i, day) in plan.iter().enumerate() {
            let slot = day.and_then(|day| self.slots.iter().position(|&(order, at)| order == i && at >= day));
            if let Some(slot) = slot {
                chosen[slot] = true;
            }
        }
        chosen
    }

    fn days(&self, chosen: &[bool], orders: usize) -> Vec<Option<usize>> {
        let mut days = vec![None; orders];
        for (&(order, day), _) in self.slots.iter().zip(chosen).filter(|(_, chosen)| **chosen) {
            days[order] = Some(day);
        }
        days
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The least cost over every assignment of days.
    fn brute_force(input: &TimePhasedInput) -> f64 {
        fn place(input: &TimePhasedInput, i: usize, left: &mut [i64]) -> f64 {
            let Some(order) = input.orders.get(i) else { return 0.0 };
            let mut best = order.unserved_penalty + place(input, i + 1, left);
            for day in 1..=left.len() {
                if left[day - 1..].iter().all(|&units| units >= order.qty) {
                    left[day - 1..].iter_mut().for_each(|units| *units -= order.qty);
                    best = best.min(late_cost(order, day) + place(input, i + 1, left));
                    left[day - 1..].iter_mut().for_each(|units| *units += order.qty);
                }
            }
            best
        }
        place(input, 0, &mut cumulative(&input.arrivals))
    }

    fn inputs(orders: std::ops::Range<usize>) -> impl Strategy<Value = TimePhasedInput> {
        let order = (1_i64..20, 0_i64..6, 0_u32..6, 0_u32..120);
        (proptest::collection::vec(0_i64..25, 1..6), proptest::collection::vec(order, orders)).prop_map(
            |(arrivals, orders)| {
                let orders =
                    orders.into_iter().enumerate().map(|(i, (qty, due, late, unserved))| TimedOrder {
                        id: i.to_string(),
                        qty,
                        due,
                        late_cost_per_unit_day: f64::from(late) / 2.0,
                        unserved_penalty: f64::from(unserved),
                    });
                TimePhasedInput { arrivals, orders: orders.collect() }
            },
        )
    }

    proptest! {
        #[test]
        fn no_plan_is_cheaper(input in inputs(1..6)) {
            let got = allocation_time_phased(&input).unwrap();
            prop_assert!((got.optimal_cost - brute_force(&input)).abs() < 1e-9);
            prop_assert!(got.lp_bound <= got.optimal_cost + 1e-7 && got.optimal_cost <= got.fifo_cost + 1e-9);
            let choice = best_choice(&Assignment::new(&input, &cumulative(&input.arrivals)).problem,
                vec![false; Assignment::new(&input, &cumulative(&input.arrivals)).slots.len()], u64::MAX);
            let cost = Assignment::new(&input, &cumulative(&input.arrivals)).worst - choice.value;
            prop_assert!((cost - got.optimal_cost).abs() < 1e-6, "search {cost}, table {}", got.optimal_cost);
        }

        #[test]
        fn a_plan_ships_nothing_that_is_not_there(input in inputs(1..9)) {
            let got = allocation_time_phased(&input).unwrap();
            for (t, there) in cumulative(&input.arrivals).into_iter().enumerate() {
                let shipped: i64 = input.orders.iter().zip(&got.ship_days).filter(|(_, day)| day.is_some_and(|day| day <= t + 1))
                    .map(|(order, _)| order.qty).sum();
                prop_assert!(shipped <= there);
            }
        }
    }
}
