//! How much to order or make at a time: economic order and production quantities, price breaks, runs for uneven demand.
//!
//! Units: `demand_rate` and `holding_cost` share one unit of time; costs share one currency.

use serde::{Deserialize, Serialize};

use crate::error::{Checked, bad, each, length, no_answer, not_negative, positive, same_length};

/// What an order costs, what keeping stock costs, and how fast it sells.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EoqInput {
    /// Cost of one order, whatever its size.
    pub fixed_cost: f64,
    /// Cost of keeping one unit for one unit of time.
    pub holding_cost: f64,
    /// Units sold in one unit of time.
    pub demand_rate: f64,
}

/// The best lot and what it costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lot {
    /// Units a lot.
    pub q: f64,
    /// Cost in one unit of time, purchase price left out.
    pub cost_rate: f64,
}

/// Returns the economic order quantity, without stock-outs.
///
/// Source: Harris 1913, as in Snyder & Shen, Fundamentals of Supply Chain Theory (FoSCT), section 3.2.
pub fn eoq(input: &EoqInput) -> Checked<Lot> {
    positive("fixed_cost", input.fixed_cost)?;
    positive("holding_cost", input.holding_cost)?;
    positive("demand_rate", input.demand_rate)?;
    let q = (2.0 * input.fixed_cost * input.demand_rate / input.holding_cost).sqrt();
    Ok(Lot { q, cost_rate: (2.0 * input.fixed_cost * input.demand_rate * input.holding_cost).sqrt() })
}

/// As [`EoqInput`], where customers wait for a price.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EoqBackorderInput {
    /// Cost of one order.
    pub fixed_cost: f64,
    /// Cost of keeping one unit for one unit of time.
    pub holding_cost: f64,
    /// Cost of one unit owed for one unit of time.
    pub backorder_cost_per_unit_time: f64,
    /// Units sold in one unit of time.
    pub demand_rate: f64,
}

/// The best lot with planned backorders.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BackorderLot {
    /// Units a lot.
    pub q: f64,
    /// Share of demand that waits.
    pub backordered_fraction: f64,
    /// Units owed just before a lot arrives.
    pub max_backorder: f64,
    /// Cost in one unit of time.
    pub cost_rate: f64,
}

/// Returns the economic order quantity when everyone waits.
///
/// Source: Q = √(2Kλ(h+p)/(hp)), backordered share h/(h+p); FoSCT section 3.5.
pub fn eoq_backorder(input: &EoqBackorderInput) -> Checked<BackorderLot> {
    positive("fixed_cost", input.fixed_cost)?;
    positive("holding_cost", input.holding_cost)?;
    positive("backorder_cost_per_unit_time", input.backorder_cost_per_unit_time)?;
    positive("demand_rate", input.demand_rate)?;
    let (h, p) = (input.holding_cost, input.backorder_cost_per_unit_time);
    let q = (2.0 * input.fixed_cost * input.demand_rate * (h + p) / (h * p)).sqrt();
    let backordered_fraction = h / (h + p);
    let cost_rate = (2.0 * input.fixed_cost * input.demand_rate * h * p / (h + p)).sqrt();
    Ok(BackorderLot { q, backordered_fraction, max_backorder: q * backordered_fraction, cost_rate })
}

/// As [`EoqInput`], where the lot comes in at a finite speed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpqInput {
    /// Cost of setting up one run.
    pub fixed_cost: f64,
    /// Cost of keeping one unit for one unit of time.
    pub holding_cost: f64,
    /// Units sold in one unit of time.
    pub demand_rate: f64,
    /// Units made in one unit of time; more than are sold.
    pub production_rate: f64,
}

/// Returns the economic production quantity.
///
/// Source: Taft 1918: Q = √(2Kλ/(h(1−λ/μ))).
pub fn epq(input: &EpqInput) -> Checked<Lot> {
    positive("fixed_cost", input.fixed_cost)?;
    positive("holding_cost", input.holding_cost)?;
    let idle = idle_share(input.demand_rate, input.production_rate)?;
    eoq(&EoqInput {
        fixed_cost: input.fixed_cost,
        holding_cost: input.holding_cost * idle,
        demand_rate: input.demand_rate,
    })
}

/// Returns 1 − demand/production, which a run needs to be above zero.
pub(crate) fn idle_share(demand_rate: f64, production_rate: f64) -> Checked<f64> {
    positive("demand_rate", demand_rate)?;
    positive("production_rate", production_rate)?;
    let idle = 1.0 - demand_rate / production_rate;
    if idle < 1e-9 {
        return bad(
            "production_rate",
            format!("must be above demand_rate ({demand_rate}), got {production_rate}"),
        );
    }
    Ok(idle)
}

/// As [`EoqInput`], with a unit cost that falls with the lot.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscountInput {
    /// Cost of one order.
    pub fixed_cost: f64,
    /// Cost of keeping stock for one unit of time, as a share of its unit cost.
    pub holding_rate: f64,
    /// Units sold in one unit of time.
    pub demand_rate: f64,
    /// Lot sizes from which each unit cost holds. Ascending, distinct; the first is the smallest order taken.
    pub breakpoints: Vec<f64>,
    /// Unit cost of all units, one a breakpoint. Never rising.
    pub unit_costs: Vec<f64>,
}

/// The best lot under price breaks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DiscountLot {
    /// Units a lot.
    pub q: f64,
    /// Which price it gets, counted from zero.
    pub region: usize,
    /// Cost in one unit of time, purchase included.
    pub cost_rate: f64,
}

/// Returns the best lot under an all-units discount; the smaller lot where two cost the same.
///
/// Source: FoSCT section 3.4. In each region the candidate is its own EOQ or its breakpoint; an EOQ past the region's end
/// is beaten by the next breakpoint, because unit costs never rise.
pub fn eoq_discount(input: &DiscountInput) -> Checked<DiscountLot> {
    positive("fixed_cost", input.fixed_cost)?;
    positive("holding_rate", input.holding_rate)?;
    positive("demand_rate", input.demand_rate)?;
    length("breakpoints", input.breakpoints.len(), 1, 1000)?;
    same_length("unit_costs", input.unit_costs.len(), "breakpoints", input.breakpoints.len())?;
    each("breakpoints", &input.breakpoints, not_negative)?;
    each("unit_costs", &input.unit_costs, positive)?;
    if input.breakpoints.windows(2).any(|pair| pair[0] >= pair[1]) {
        return bad("breakpoints", "must rise from one to the next");
    }
    if input.unit_costs.windows(2).any(|pair| pair[0] < pair[1]) {
        return bad("unit_costs", "must not rise with the lot");
    }
    let mut best: Option<DiscountLot> = None;
    for (region, (&from, &unit_cost)) in input.breakpoints.iter().zip(&input.unit_costs).enumerate() {
        let holding = input.holding_rate * unit_cost;
        let q = (2.0 * input.fixed_cost * input.demand_rate / holding).sqrt().max(from);
        if input.breakpoints.get(region + 1).is_some_and(|&next| q >= next) {
            continue;
        }
        let cost_rate =
            unit_cost * input.demand_rate + input.fixed_cost * input.demand_rate / q + 0.5 * holding * q;
        if best.as_ref().is_none_or(|best| cost_rate < best.cost_rate) {
            best = Some(DiscountLot { q, region, cost_rate });
        }
    }
    match best {
        Some(best) => Ok(best),
        None => no_answer("breakpoints", "no region holds a lot"),
    }
}

/// Demand that differs from period to period.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WagnerWhitinInput {
    /// Cost of keeping one unit from one period to the next.
    pub holding_cost: f64,
    /// Cost of one run.
    pub fixed_cost: f64,
    /// Units needed in each period.
    pub demand: Vec<f64>,
}

/// The cheapest plan of runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunPlan {
    /// Cost of the whole plan.
    pub cost: f64,
    /// Units to make in each period.
    pub order_quantities: Vec<f64>,
}

/// Returns the cheapest plan of runs for known demand; of equal plans the one whose next run comes first.
///
/// Shape: one quantity a period. Holding is charged on what is left at a period's end. Needs at most 2000 periods.
/// Source: Wagner & Whitin 1958, as the backward recursion of FoSCT section 3.7, O(n²).
pub fn lot_sizing_ww(input: &WagnerWhitinInput) -> Checked<RunPlan> {
    not_negative("holding_cost", input.holding_cost)?;
    not_negative("fixed_cost", input.fixed_cost)?;
    length("demand", input.demand.len(), 1, 2000)?;
    each("demand", &input.demand, not_negative)?;
    if input.demand.iter().all(|&units| units == 0.0) {
        return bad("demand", "is zero in every period");
    }
    let periods = input.demand.len();
    let mut cost_from = vec![0.0; periods + 1];
    let mut next_run = vec![periods; periods];
    for start in (0..periods).rev() {
        let mut best = (f64::INFINITY, start + 1);
        let mut holding = 0.0;
        for (last, units) in input.demand.iter().enumerate().skip(start) {
            holding += input.holding_cost * (last - start) as f64 * units;
            let cost = input.fixed_cost + holding + cost_from[last + 1];
            if cost < best.0 {
                best = (cost, last + 1);
            }
        }
        // Nothing is needed yet: no run. Inside a run this never helps, it only keeps leading zeros free.
        if input.demand[start] == 0.0 && cost_from[start + 1] <= best.0 {
            best = (cost_from[start + 1], start + 1);
        }
        (cost_from[start], next_run[start]) = best;
    }
    let mut order_quantities = vec![0.0; periods];
    let mut start = 0;
    while start < periods {
        order_quantities[start] = input.demand[start..next_run[start]].iter().sum();
        start = next_run[start];
    }
    Ok(RunPlan { cost: cost_from[0], order_quantities })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(got: f64, want: f64) {
        assert!((got - want).abs() <= 1e-9 * want.abs().max(1.0), "got {got}, want {want}");
    }

    #[test]
    fn printed_examples_hold() {
        let lot = eoq_backorder(&EoqBackorderInput {
            fixed_cost: 8.0,
            holding_cost: 0.225,
            backorder_cost_per_unit_time: 5.0,
            demand_rate: 1300.0,
        })
        .unwrap();
        assert!((lot.q - 310.81).abs() < 0.01 && (lot.cost_rate - 66.92).abs() < 0.01);
        let plan = lot_sizing_ww(&WagnerWhitinInput {
            holding_cost: 2.0,
            fixed_cost: 500.0,
            demand: vec![90.0, 120.0, 80.0, 70.0],
        })
        .unwrap();
        near(plan.cost, 1380.0);
    }

    #[test]
    fn no_run_is_made_before_anything_is_needed() {
        let plan = lot_sizing_ww(&WagnerWhitinInput {
            holding_cost: 1.0,
            fixed_cost: 11.0,
            demand: vec![0.0, 0.0, 5.0, 0.0, 5.0],
        })
        .unwrap();
        assert_eq!(plan.order_quantities, [0.0, 0.0, 10.0, 0.0, 0.0]);
        near(plan.cost, 21.0);
    }

    fn ww_by_brute_force(holding: f64, fixed: f64, demand: &[f64]) -> f64 {
        // Every set of run periods; each unit comes from the last run before it.
        (0_u32..1 << demand.len())
            .filter_map(|runs| {
                let mut cost = f64::from(runs.count_ones()) * fixed;
                let mut last = None;
                for (period, units) in demand.iter().enumerate() {
                    if runs >> period & 1 == 1 {
                        last = Some(period);
                    }
                    if *units > 0.0 {
                        cost += holding * units * (period - last?) as f64;
                    }
                }
                Some(cost)
            })
            .fold(f64::INFINITY, f64::min)
    }

    proptest! {
        #[test]
        fn runs_are_as_cheap_as_the_best_of_all_plans(
            demand in proptest::collection::vec(0_u32..60, 1..9), holding in 0_u32..5, fixed in 0_u32..120,
        ) {
            let demand: Vec<f64> = demand.into_iter().map(f64::from).collect();
            prop_assume!(demand.iter().sum::<f64>() > 0.0);
            let (holding_cost, fixed_cost) = (f64::from(holding), f64::from(fixed));
            let want = ww_by_brute_force(holding_cost, fixed_cost, &demand);
            let plan = lot_sizing_ww(&WagnerWhitinInput { holding_cost, fixed_cost, demand: demand.clone() }).unwrap();
            prop_assert!((plan.cost - want).abs() < 1e-9);
            prop_assert_eq!(plan.order_quantities.iter().sum::<f64>(), demand.iter().sum::<f64>());
        }

        #[test]
        fn discounts_are_as_good_as_the_best_of_a_grid(
            fixed in 1.0_f64..200.0, rate in 0.05_f64..0.5, demand in 10.0_f64..5000.0,
            first in 0.0_f64..20.0, steps in proptest::collection::vec((10.0_f64..800.0, 0.0_f64..0.5), 0..4),
        ) {
            let (mut breakpoints, mut unit_costs) = (vec![first], vec![5.0]);
            for (gap, off) in steps {
                breakpoints.push(breakpoints.last().unwrap() + gap);
                unit_costs.push(unit_costs.last().unwrap() - off);
            }
            let input = DiscountInput { fixed_cost: fixed, holding_rate: rate, demand_rate: demand, breakpoints, unit_costs };
            let lot = eoq_discount(&input).unwrap();
            for step in 1..4000 {
                let q = f64::from(step);
                let Some(region) = input.breakpoints.iter().rposition(|&from| q >= from) else { continue };
                let c = input.unit_costs[region];
                prop_assert!(lot.cost_rate <= (c * demand + fixed * demand / q + 0.5 * rate * c * q) * (1.0 + 1e-9));
            }
        }
    }
}
