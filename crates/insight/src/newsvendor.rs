//! One buy before one season: the quantity that balances too many against too few.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    dist::{TIE, Table, first_reached, poisson_cdf, poisson_loss},
    error::{Checked, bad, not_negative, positive, share, too_large},
    special::{normal_density, normal_loss, normal_quantile},
};

/// Normal demand and the cost of missing it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NormalInput {
    /// Cost of one unit too many.
    pub overage_cost: f64,
    /// Cost of one unit too few.
    pub underage_cost: f64,
    /// Mean demand.
    pub demand_mean: f64,
    /// Standard deviation of demand.
    pub demand_sd: f64,
}

/// What to buy under normal demand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NormalBuy {
    /// Units to buy.
    pub q: f64,
    /// Expected cost of the mismatch.
    pub cost: f64,
    /// P(demand ≤ q) at the best q.
    pub critical_ratio: f64,
}

/// Returns the best buy for normal demand.
///
/// Source: Q = μ + σ·z(cu/(cu+co)), cost (co+cu)·σ·φ(z); Arrow, Harris & Marschak 1951.
pub fn newsvendor_normal(input: &NormalInput) -> Checked<NormalBuy> {
    let critical_ratio = critical_ratio(input.overage_cost, input.underage_cost)?;
    positive("demand_mean", input.demand_mean)?;
    not_negative("demand_sd", input.demand_sd)?;
    let z = normal_quantile(critical_ratio);
    Ok(NormalBuy {
        q: input.demand_mean + input.demand_sd * z,
        cost: (input.overage_cost + input.underage_cost) * input.demand_sd * normal_density(z),
        critical_ratio,
    })
}

fn critical_ratio(overage: f64, underage: f64) -> Checked<f64> {
    positive("overage_cost", overage)?;
    positive("underage_cost", underage)?;
    Ok(underage / (overage + underage))
}

/// Poisson demand and the cost of missing it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoissonInput {
    /// Cost of one unit too many.
    pub overage_cost: f64,
    /// Cost of one unit too few.
    pub underage_cost: f64,
    /// Mean demand.
    pub demand_mean: f64,
}

/// What to buy in whole units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Buy {
    /// Units to buy.
    pub q: f64,
    /// Expected cost of the mismatch.
    pub cost: f64,
}

/// Returns the smallest whole q with P(D ≤ q) ≥ cu/(cu+co), for Poisson demand of mean at most 10⁸.
pub fn newsvendor_poisson(input: &PoissonInput) -> Checked<Buy> {
    let ratio = critical_ratio(input.overage_cost, input.underage_cost)?;
    positive("demand_mean", input.demand_mean)?;
    let mean = input.demand_mean;
    if mean > 1e8 {
        return too_large("demand_mean", "at most 1e8");
    }
    let Some(q) = first_reached(0, 1 << 40, |q| poisson_cdf(q, mean) >= ratio - TIE) else {
        return too_large("underage_cost", "its ratio to overage_cost is too close to one");
    };
    let short = poisson_loss(q, mean);
    let cost = input.overage_cost * (q as f64 - mean + short) + input.underage_cost * short;
    Ok(Buy { q: q as f64, cost })
}

/// A given demand distribution and the cost of missing it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscreteInput {
    /// Cost of one unit too many.
    pub overage_cost: f64,
    /// Cost of one unit too few.
    pub underage_cost: f64,
    /// Probability of each demand.
    pub pmf: BTreeMap<String, f64>,
}

/// Returns the smallest demand of the table whose cumulative probability reaches cu/(cu+co).
pub fn newsvendor_discrete(input: &DiscreteInput) -> Checked<Buy> {
    let ratio = critical_ratio(input.overage_cost, input.underage_cost)?;
    let demand = Table::read("pmf", &input.pmf, false)?;
    let (q, _) = demand.quantile(ratio);
    let cost = demand
        .points()
        .iter()
        .map(|&(d, p)| p * if d > q { input.underage_cost * (d - q) } else { input.overage_cost * (q - d) });
    Ok(Buy { q, cost: cost.sum() })
}

/// One buy, seen with and without backorders.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackorderOrLostInput {
    /// Selling price.
    pub price: f64,
    /// Purchase cost.
    pub unit_cost: f64,
    /// What a left-over unit still brings.
    pub salvage: f64,
    /// Goodwill lost with a sale not made.
    pub goodwill_lost: f64,
    /// Cost of serving one unit later (expedite, discount, contact); the margin is kept.
    pub backorder_penalty: f64,
    /// Share of customers who wait.
    pub backorder_fraction: f64,
    /// Mean demand.
    pub demand_mean: f64,
    /// Standard deviation of demand.
    pub demand_sd: f64,
}

/// One way of meeting a shortage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShortageCase {
    /// Cost of one unit too few.
    pub underage_cost: f64,
    /// Units to buy.
    pub q: f64,
    /// Expected cost of the mismatch.
    pub expected_mismatch_cost: f64,
    /// Expected units short.
    pub expected_units_short: f64,
}

/// The same buy three times. The difference in cost is what being allowed to backorder is worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BackorderOrLost {
    /// Nobody waits.
    pub lost_sales: ShortageCase,
    /// Everybody waits.
    pub full_backorder: ShortageCase,
    /// A share waits.
    pub partial_backorder: ShortageCase,
}

/// Returns the best buy when nobody, everybody and a share of the customers wait.
///
/// Source: Silver, Pyke & Thomas, Inventory and Production Management in Supply Chains, 4th ed.
pub fn newsvendor_backorder_vs_lost(input: &BackorderOrLostInput) -> Checked<BackorderOrLost> {
    positive("price", input.price)?;
    positive("unit_cost", input.unit_cost)?;
    not_negative("salvage", input.salvage)?;
    not_negative("goodwill_lost", input.goodwill_lost)?;
    positive("backorder_penalty", input.backorder_penalty)?;
    share("backorder_fraction", input.backorder_fraction)?;
    positive("demand_mean", input.demand_mean)?;
    not_negative("demand_sd", input.demand_sd)?;
    let overage = input.unit_cost - input.salvage;
    if overage <= 0.0 {
        return bad("salvage", "must be below unit_cost, or one would buy without end");
    }
    let lost = input.price - input.unit_cost + input.goodwill_lost;
    if lost <= 0.0 {
        return bad("price", "must exceed unit_cost less goodwill_lost, or a lost sale costs nothing");
    }
    let case = |underage: f64| {
        let z = normal_quantile(underage / (underage + overage));
        ShortageCase {
            underage_cost: underage,
            q: input.demand_mean + input.demand_sd * z,
            expected_mismatch_cost: (underage + overage) * input.demand_sd * normal_density(z),
            expected_units_short: input.demand_sd * normal_loss(z),
        }
    };
    let beta = input.backorder_fraction;
    Ok(BackorderOrLost {
        lost_sales: case(lost),
        full_backorder: case(input.backorder_penalty),
        partial_backorder: case(beta * input.backorder_penalty + (1.0 - beta) * lost),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dist::poisson_pmf;

    #[test]
    fn a_mixture_of_none_or_all_is_the_pure_case() {
        let mut input = BackorderOrLostInput {
            price: 49.0,
            unit_cost: 30.0,
            salvage: 18.0,
            goodwill_lost: 4.0,
            backorder_penalty: 6.0,
            backorder_fraction: 0.0,
            demand_mean: 150.0,
            demand_sd: 45.0,
        };
        let none = newsvendor_backorder_vs_lost(&input).unwrap();
        assert_eq!(none.lost_sales, none.partial_backorder);
        input.backorder_fraction = 1.0;
        let all = newsvendor_backorder_vs_lost(&input).unwrap();
        assert_eq!(all.full_backorder, all.partial_backorder);
        input.salvage = 30.0;
        assert_eq!(newsvendor_backorder_vs_lost(&input).unwrap_err().field(), "salvage");
    }

    proptest! {
        #[test]
        fn poisson_buys_are_the_cheapest_whole_number(mean in 0.1_f64..60.0, over in 0.1_f64..9.0, under in 0.1_f64..50.0) {
            let buy = newsvendor_poisson(&PoissonInput { overage_cost: over, underage_cost: under, demand_mean: mean }).unwrap();
            let cost = |q: i64| (0..300_i64).map(|d| {
                poisson_pmf(d, mean) * if d > q { under * (d - q) as f64 } else { over * (q - d) as f64 }
            }).sum::<f64>();
            prop_assert!((cost(buy.q as i64) - buy.cost).abs() < 1e-8 * buy.cost.max(1.0));
            for q in 0..200 {
                prop_assert!(buy.cost <= cost(q) + 1e-8);
            }
        }

        #[test]
        fn more_costly_shortage_never_buys_less(mean in 1.0_f64..500.0, sd in 0.0_f64..100.0, a in 0.1_f64..90.0, b in 0.1_f64..90.0) {
            let q = |underage_cost| newsvendor_normal(&NormalInput { overage_cost: 3.0, underage_cost, demand_mean: mean, demand_sd: sd }).unwrap().q;
            prop_assert!(q(a.min(b)) <= q(a.max(b)) + 1e-12);
        }
    }
}
