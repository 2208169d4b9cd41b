//! Lots where only a share of customers waits: when running out on purpose pays.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Checked, bad, positive, share},
    lot_sizing::idle_share,
};

/// What partial backordering needs to know. `production_rate` is for runs; without it a lot comes at once.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartialBackorderInput {
    /// Units asked for in one unit of time.
    pub demand_rate: f64,
    /// Cost of one order or run.
    pub fixed_cost: f64,
    /// Cost of keeping one unit for one unit of time.
    pub holding_cost: f64,
    /// Cost of one unit owed for one unit of time.
    pub backorder_cost_per_unit_time: f64,
    /// Margin and goodwill lost with one unit not sold.
    pub lost_sale_cost: f64,
    /// Share of customers who wait.
    pub backorder_fraction: f64,
    /// Units made in one unit of time.
    #[serde(default)]
    pub production_rate: Option<f64>,
}

/// Which of the three answers is cheapest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StockingPolicy {
    /// Run out on purpose; some wait, some leave.
    PartialBackorder,
    /// Never run out.
    NoStockouts,
    /// Do not stock it at all: losing every sale is cheaper.
    NotStocking,
}

/// The cheapest cycle when a share of customers waits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartialBackorderLot {
    /// The policy.
    pub policy: StockingPolicy,
    /// Time from lot to lot; infinite when nothing is stocked.
    pub cycle_time: f64,
    /// Share of demand served at once.
    pub fill_rate: f64,
    /// Units a lot.
    pub order_quantity: f64,
    /// Most units on hand at any time.
    pub max_inventory: f64,
    /// Cost in one unit of time, lost sales included.
    pub cost_rate: f64,
    /// The share of waiting customers from which running out on purpose pays. Below zero: it always does.
    pub beta_critical: f64,
}

/// Returns the cheapest cycle when lots come at once and a share of customers waits.
///
/// Source: Montgomery, Bazaraa & Keswani 1973; Pentico & Drake, EJOR 194:102-113 (2009).
pub fn eoq_partial_backorder(input: &PartialBackorderInput) -> Checked<PartialBackorderLot> {
    if input.production_rate.is_some() {
        return bad("production_rate", "belongs to epq_partial_backorder");
    }
    partial_backorder(input, 1.0)
}

/// Returns the cheapest production run when a share of customers waits.
///
/// Source: Pentico, Drake & Toews, Omega 37:624-636 (2009).
pub fn epq_partial_backorder(input: &PartialBackorderInput) -> Checked<PartialBackorderLot> {
    let Some(production_rate) = input.production_rate else {
        return bad("production_rate", "is missing");
    };
    partial_backorder(input, idle_share(input.demand_rate, production_rate)?)
}

fn partial_backorder(input: &PartialBackorderInput, idle: f64) -> Checked<PartialBackorderLot> {
    positive("demand_rate", input.demand_rate)?;
    positive("fixed_cost", input.fixed_cost)?;
    positive("holding_cost", input.holding_cost)?;
    positive("backorder_cost_per_unit_time", input.backorder_cost_per_unit_time)?;
    positive("lost_sale_cost", input.lost_sale_cost)?;
    share("backorder_fraction", input.backorder_fraction)?;
    let (demand, fixed, beta) = (input.demand_rate, input.fixed_cost, input.backorder_fraction);
    let holding = input.holding_cost * idle;
    // While a run serves backorders it serves them at the rate P − βD: Cb' = Cb(1 − βD/P), and D/P = 1 − idle.
    let owing = input.backorder_cost_per_unit_time * (1.0 - beta * (1.0 - idle));
    let lost = input.lost_sale_cost;

    let plain_cost = (2.0 * fixed * demand * holding).sqrt();
    let beta_critical = 1.0 - plain_cost / (lost * demand);
    let mut lot = PartialBackorderLot {
        policy: StockingPolicy::NoStockouts,
        cycle_time: (2.0 * fixed / (demand * holding)).sqrt(),
        fill_rate: 1.0,
        order_quantity: 0.0,
        max_inventory: 0.0,
        cost_rate: plain_cost,
        beta_critical,
    };
    if beta >= beta_critical && beta > 0.0 {
        let gone = (1.0 - beta) * lost;
        // At β ≥ β* the first term outweighs the second; max() only absorbs rounding at equality.
        let squared = 2.0 * fixed / (demand * holding) * (holding + beta * owing) / (beta * owing)
            - gone * gone / (beta * holding * owing);
        lot.policy = StockingPolicy::PartialBackorder;
        lot.cycle_time = squared.max(0.0).sqrt();
        lot.fill_rate =
            ((gone + beta * owing * lot.cycle_time) / (lot.cycle_time * (holding + beta * owing))).min(1.0);
        let empty = 1.0 - lot.fill_rate;
        lot.cost_rate = fixed / lot.cycle_time
            + 0.5
                * demand
                * lot.cycle_time
                * (holding * lot.fill_rate.powi(2) + beta * owing * empty.powi(2))
            + gone * demand * empty;
    }
    if lot.cost_rate > lost * demand {
        lot.policy = StockingPolicy::NotStocking;
        (lot.cycle_time, lot.fill_rate, lot.cost_rate) = (f64::INFINITY, 0.0, lost * demand);
        return Ok(lot);
    }
    lot.order_quantity = demand * lot.cycle_time * (lot.fill_rate + beta * (1.0 - lot.fill_rate));
    lot.max_inventory = idle * demand * lot.cycle_time * lot.fill_rate;
    Ok(lot)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_stocked_where_that_costs_more_than_it_sells() {
        let lot = eoq_partial_backorder(&pbo(1.0, 1e6, 2.0, 8.0, 4.0, 0.0)).unwrap();
        assert_eq!((lot.policy, lot.order_quantity, lot.cost_rate), (StockingPolicy::NotStocking, 0.0, 4.0));
    }

    #[test]
    fn an_infinite_run_speed_is_an_order() {
        let order = eoq_partial_backorder(&pbo(500.0, 80.0, 2.0, 8.0, 4.0, 0.85)).unwrap();
        let mut run = pbo(500.0, 80.0, 2.0, 8.0, 4.0, 0.85);
        run.production_rate = Some(1e12);
        assert!((epq_partial_backorder(&run).unwrap().cost_rate - order.cost_rate).abs() < 1e-4);
        run.production_rate = Some(400.0);
        assert_eq!(epq_partial_backorder(&run).unwrap_err().field(), "production_rate");
        run.production_rate = None;
        assert_eq!(epq_partial_backorder(&run).unwrap_err().field(), "production_rate");
    }

    fn pbo(demand: f64, fixed: f64, holding: f64, owing: f64, lost: f64, beta: f64) -> PartialBackorderInput {
        PartialBackorderInput {
            demand_rate: demand,
            fixed_cost: fixed,
            holding_cost: holding,
            backorder_cost_per_unit_time: owing,
            lost_sale_cost: lost,
            backorder_fraction: beta,
            production_rate: None,
        }
    }

    proptest! {
        #[test]
        fn no_cycle_nearby_is_cheaper(
            demand in 1.0_f64..2000.0, fixed in 1.0_f64..500.0, holding in 0.1_f64..10.0, owing in 0.1_f64..20.0,
            lost in 0.1_f64..30.0, beta in 0.0_f64..=1.0, t in 0.2_f64..5.0, f in 0.0_f64..=1.0,
        ) {
            let lot = eoq_partial_backorder(&pbo(demand, fixed, holding, owing, lost, beta)).unwrap();
            let t = t * (2.0 * fixed / (demand * holding)).sqrt();
            let cost = fixed / t + 0.5 * demand * t * (holding * f * f + beta * owing * (1.0 - f) * (1.0 - f))
                + lost * demand * (1.0 - beta) * (1.0 - f);
            prop_assert!(lot.cost_rate <= cost.min(lost * demand) * (1.0 + 1e-9));
        }
    }
}
