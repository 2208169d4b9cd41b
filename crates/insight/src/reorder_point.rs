//! Continuous review: when stock is down to r, order Q.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Checked, finite, no_answer, not_negative, positive, too_large},
    special::{normal_cdf, normal_loss, normal_quantile},
    stock_cost::StockCost,
};

/// Poisson demand, everyone waits, owing costs by time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RqPoissonInput {
    /// Cost of keeping one unit for one unit of time.
    pub holding_cost: f64,
    /// Cost of one unit owed for one unit of time.
    pub backorder_cost: f64,
    /// Cost of one order.
    pub fixed_cost: f64,
    /// Units asked for in one unit of time.
    pub demand_rate: f64,
    /// Time from order to arrival.
    pub lead_time: f64,
}

/// A reorder point, a lot and what they cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rq {
    /// Order when the inventory position hits this; below zero it waits for backorders.
    pub r: f64,
    /// Units an order.
    pub q: f64,
    /// Cost in one unit of time.
    pub cost_rate: f64,
}

/// The largest lot that is searched for.
const LOT_MAX: i64 = 2_000_000;

/// Returns the exactly optimal whole (r, Q) for Poisson demand; the smaller lot where two cost the same.
///
/// Source: Federgruen & Zheng, "An efficient algorithm for computing an optimal (r, Q) policy in continuous review
/// stochastic inventory systems", Operations Research 40 (1992): positions are taken in, cheapest first, while one costs
/// less than the mean so far.
pub fn rq_poisson_exact(input: &RqPoissonInput) -> Checked<Rq> {
    positive("holding_cost", input.holding_cost)?;
    positive("backorder_cost", input.backorder_cost)?;
    not_negative("fixed_cost", input.fixed_cost)?;
    positive("demand_rate", input.demand_rate)?;
    not_negative("lead_time", input.lead_time)?;
    let mut cost =
        StockCost::new(input.holding_cost, input.backorder_cost, input.demand_rate * input.lead_time)?;
    let mut r = cost.centre() - 1;
    let mut q = 1;
    let mut total = input.fixed_cost * input.demand_rate + cost.at(r + 1);
    loop {
        let (below, above) = (cost.at(r), cost.at(r + q + 1));
        let next = below.min(above);
        if next >= total / q as f64 {
            return Ok(Rq { r: r as f64, q: q as f64, cost_rate: total / q as f64 });
        }
        if q >= LOT_MAX {
            return too_large("fixed_cost", format!("a best lot of at most {LOT_MAX} units"));
        }
        total += next;
        q += 1;
        if below <= above {
            r -= 1;
        }
    }
}

/// Normal demand, everyone waits, owing costs by the unit.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RqNormalInput {
    /// Cost of keeping one unit for one unit of time.
    pub holding_cost: f64,
    /// Cost of one unit owed, however long.
    pub backorder_cost_per_unit: f64,
    /// Cost of one order.
    pub fixed_cost: f64,
    /// Mean demand in one unit of time.
    pub demand_rate: f64,
    /// Standard deviation of demand in one unit of time.
    pub demand_sd_per_sqrt_time: f64,
    /// Time from order to arrival.
    pub lead_time: f64,
}

/// Returns (r, Q) by the expected-inventory-level approximation.
///
/// Errors: `NoAnswer` where holding a lot costs more than owing it (Q·h ≥ p·demand): then no r is best.
/// Source: Hadley & Whitin 1963; FoSCT section 5.4: Q = √(2m(K+p·n(r))/h), 1−F(r) = Qh/(pm), iterated from the EOQ.
pub fn rq_normal_eil(input: &RqNormalInput) -> Checked<Rq> {
    positive("holding_cost", input.holding_cost)?;
    positive("backorder_cost_per_unit", input.backorder_cost_per_unit)?;
    positive("fixed_cost", input.fixed_cost)?;
    positive("demand_rate", input.demand_rate)?;
    positive("demand_sd_per_sqrt_time", input.demand_sd_per_sqrt_time)?;
    positive("lead_time", input.lead_time)?;
    let (h, p, m) = (input.holding_cost, input.backorder_cost_per_unit, input.demand_rate);
    let mean = m * input.lead_time;
    let sd = input.demand_sd_per_sqrt_time * input.lead_time.sqrt();
    let mut q = (2.0 * input.fixed_cost * m / h).sqrt();
    for _ in 0..100_000 {
        let out = q * h / (p * m);
        if out >= 1.0 {
            return no_answer("backorder_cost_per_unit", "owing units is cheaper than keeping a lot of them");
        }
        let z = -normal_quantile(out);
        let short = sd * normal_loss(z);
        let next = (2.0 * m * (input.fixed_cost + p * short) / h).sqrt();
        if (next - q).abs() <= 1e-13 * q {
            let cost_rate = h * (sd * z + 0.5 * next) + input.fixed_cost * m / next + p * m * short / next;
            return Ok(Rq { r: mean + sd * z, q: next, cost_rate });
        }
        q = next;
    }
    no_answer("backorder_cost_per_unit", "the iteration does not settle")
}

/// A given (r, Q) under normal lead-time demand.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RqServiceInput {
    /// Mean demand over the lead time.
    pub lead_time_demand_mean: f64,
    /// Its standard deviation.
    pub lead_time_demand_sd: f64,
    /// Reorder point.
    pub r: f64,
    /// Units an order.
    pub q: f64,
}

/// How well an (r, Q) serves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RqService {
    /// Share of cycles without a stock-out.
    pub cycle_service: f64,
    /// Expected units short at the end of a cycle.
    pub expected_short_per_cycle: f64,
    /// Fill rate that forgets shortages older than one cycle: 1 − G(r)/Q.
    pub fill_rate_approx: f64,
    /// Fill rate 1 − (G(r) − G(r+Q))/Q.
    pub fill_rate_exact: f64,
}

/// Returns the service levels of an (r, Q) policy, G being the normal loss function.
///
/// Source: Silver, Pyke & Thomas; Axsäter, Inventory Control, 3rd ed., section 5.3.
pub fn rq_service(input: &RqServiceInput) -> Checked<RqService> {
    not_negative("lead_time_demand_mean", input.lead_time_demand_mean)?;
    positive("lead_time_demand_sd", input.lead_time_demand_sd)?;
    finite("r", input.r)?;
    positive("q", input.q)?;
    let z = |stock: f64| (stock - input.lead_time_demand_mean) / input.lead_time_demand_sd;
    let loss = |stock: f64| input.lead_time_demand_sd * normal_loss(z(stock));
    let short = loss(input.r);
    Ok(RqService {
        cycle_service: normal_cdf(z(input.r)),
        expected_short_per_cycle: short,
        fill_rate_approx: 1.0 - short / input.q,
        fill_rate_exact: 1.0 - (short - loss(input.r + input.q)) / input.q,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dist::{poisson_loss, poisson_pmf};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn no_other_pair_is_cheaper(
            h in 0.5_f64..5.0, p in 1.0_f64..40.0, k in 0.0_f64..80.0, rate in 0.3_f64..5.0, lead in 0.0_f64..3.0,
        ) {
            let input = RqPoissonInput { holding_cost: h, backorder_cost: p, fixed_cost: k, demand_rate: rate, lead_time: lead };
            let best = rq_poisson_exact(&input).unwrap();
            let mean = rate * lead;
            let g: Vec<f64> = (-40..120).map(|y| h * (y as f64 - mean + poisson_loss(y, mean)) + p * poisson_loss(y, mean)).collect();
            for r in 0..100 {
                let mut total = k * rate;
                for q in 1..60 {
                    total += g[r + q];
                    prop_assert!(best.cost_rate <= total / q as f64 + 1e-9);
                }
            }
        }

        #[test]
        fn the_approximation_is_a_stationary_point(
            p in 10.0_f64..60.0, k in 5.0_f64..80.0, rate in 200.0_f64..2000.0, sd in 10.0_f64..90.0, lead in 0.01_f64..0.3,
        ) {
            let input = RqNormalInput { holding_cost: 2.0, backorder_cost_per_unit: p, fixed_cost: k, demand_rate: rate,
                demand_sd_per_sqrt_time: sd, lead_time: lead };
            let best = rq_normal_eil(&input).unwrap();
            let cost = |r: f64, q: f64| {
                let s = sd * lead.sqrt();
                let short = s * normal_loss((r - rate * lead) / s);
                2.0 * (r - rate * lead + q / 2.0) + k * rate / q + p * rate * short / q
            };
            prop_assert!((cost(best.r, best.q) - best.cost_rate).abs() < 1e-9 * best.cost_rate);
            for (dr, dq) in [(0.01, 0.0), (-0.01, 0.0), (0.0, 0.01), (0.0, -0.01)] {
                prop_assert!(best.cost_rate <= cost(best.r + dr, best.q + dq) + 1e-9);
            }
        }

        #[test]
        fn fill_rates_are_what_they_say(mean in 1.0_f64..90.0, sd in 1.0_f64..30.0, r in -20.0_f64..150.0, q in 1.0_f64..200.0) {
            let got = rq_service(&RqServiceInput { lead_time_demand_mean: mean, lead_time_demand_sd: sd, r, q }).unwrap();
            prop_assert!(got.fill_rate_exact >= got.fill_rate_approx - 1e-12);
            prop_assert!((-1e-9..=1.0 + 1e-9).contains(&got.fill_rate_exact));
        }
    }

    #[test]
    fn cheap_owing_has_no_reorder_point() {
        let input = RqNormalInput {
            holding_cost: 10.0,
            backorder_cost_per_unit: 0.1,
            fixed_cost: 60.0,
            demand_rate: 100.0,
            demand_sd_per_sqrt_time: 10.0,
            lead_time: 0.1,
        };
        assert_eq!(rq_normal_eil(&input).unwrap_err().field(), "backorder_cost_per_unit");
        assert!(poisson_pmf(0, 0.0) == 1.0);
    }

    #[test]
    fn huge_demand_is_refused_not_computed() {
        let input = RqPoissonInput {
            holding_cost: 1.0,
            backorder_cost: 9.0,
            fixed_cost: 1.0,
            demand_rate: 1e9,
            lead_time: 1.0,
        };
        assert_eq!(rq_poisson_exact(&input).unwrap_err().field(), "demand_rate");
    }
}
