//! Order-up-to policies: (s, S) in periods, and base stock where every sale is reordered.

use serde::{Deserialize, Serialize};

use crate::{
    dist::{poisson_cdf, poisson_loss, poisson_pmf},
    error::{Checked, not_negative, positive, too_large, whole},
    stock_cost::{MEAN_MAX, StockCost},
};

/// Poisson demand a period, reviewed once a period.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SsInput {
    /// Cost of one unit on hand at a period's end.
    pub holding_cost: f64,
    /// Cost of one unit owed at a period's end.
    pub backorder_cost: f64,
    /// Cost of one order.
    pub fixed_cost: f64,
    /// Mean demand of a period.
    pub demand_mean_per_period: f64,
    /// Whole periods from order to arrival.
    pub lead_time: i64,
}

/// When to order, and up to what.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ss {
    /// Order when the inventory position at a period's start is at or below this.
    pub s: f64,
    /// Order up to this.
    #[serde(rename = "S")]
    pub up_to: f64,
    /// Cost of a period.
    pub cost_rate: f64,
}

/// The widest band S − s that is searched.
const BAND_MAX: i64 = 10_000;

/// Returns the exactly optimal (s, S) for Poisson demand; costs are charged on end-of-period inventory.
///
/// Units: demand of at most 5000 a period. Source: Zheng & Federgruen, "Finding optimal (s, S) policies is about as simple
/// as evaluating a single policy", Operations Research 39 (1991).
pub fn ss_poisson_exact(input: &SsInput) -> Checked<Ss> {
    positive("holding_cost", input.holding_cost)?;
    positive("backorder_cost", input.backorder_cost)?;
    not_negative("fixed_cost", input.fixed_cost)?;
    positive("demand_mean_per_period", input.demand_mean_per_period)?;
    whole("lead_time", input.lead_time, 0, 1000)?;
    if input.demand_mean_per_period > 5000.0 {
        return too_large("demand_mean_per_period", "at most 5000 a period");
    }
    // Orders placed now are seen in the costs of lead_time periods from now, at that period's end.
    let exposed = input.demand_mean_per_period * (input.lead_time + 1) as f64;
    let mut band = Band {
        fixed: input.fixed_cost,
        cost: StockCost::new(input.holding_cost, input.backorder_cost, exposed)?,
        renewal: Renewal::new(input.demand_mean_per_period),
    };
    let mut up_to = band.cost.centre();
    let mut s = up_to - 1;
    while band.rate(s, up_to)? > band.cost.at(s) {
        s -= 1;
    }
    let mut best = band.rate(s, up_to)?;
    let mut candidate = up_to + 1;
    while band.cost.at(candidate) <= best {
        if band.rate(s, candidate)? < best {
            up_to = candidate;
            while band.rate(s, up_to)? <= band.cost.at(s + 1) {
                s += 1;
            }
            best = band.rate(s, up_to)?;
        }
        candidate += 1;
    }
    Ok(Ss { s: s as f64, up_to: up_to as f64, cost_rate: best })
}

struct Band {
    fixed: f64,
    cost: StockCost,
    renewal: Renewal,
}

impl Band {
    /// The long-run cost of a period under (s, S): one order cycle's cost over its expected length.
    fn rate(&mut self, s: i64, up_to: i64) -> Checked<f64> {
        if up_to - s > BAND_MAX {
            return too_large("fixed_cost", format!("a best S − s of at most {BAND_MAX} units"));
        }
        let (mut cost, mut periods) = (self.fixed, 0.0);
        for used in 0..up_to - s {
            let visits = self.renewal.at(used as usize);
            periods += visits;
            cost += visits * self.cost.at(up_to - used);
        }
        Ok(cost / periods)
    }
}

/// m(j): the expected number of periods that start j units below S, within one order cycle.
struct Renewal {
    demand: Vec<f64>,
    visits: Vec<f64>,
}

impl Renewal {
    fn new(mean: f64) -> Self {
        let most = (mean + 40.0 * mean.sqrt() + 60.0) as i64;
        let demand: Vec<f64> = (0..=most).map(|k| poisson_pmf(k, mean)).collect();
        // 1 − p₀ without cancellation for slow sellers.
        Self { visits: vec![1.0 / -(-mean).exp_m1()], demand }
    }

    fn at(&mut self, j: usize) -> f64 {
        while self.visits.len() <= j {
            let next = self.visits.len();
            let reach = next.min(self.demand.len() - 1);
            let sum: f64 = (1..=reach).map(|k| self.demand[k] * self.visits[next - k]).sum();
            // m(0) already carries the 1/(1 − p₀) of staying where one is.
            self.visits.push(sum * self.visits[0]);
        }
        self.visits[j]
    }
}

/// Poisson demand, each sale reordered at once.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseStockInput {
    /// Units asked for in one unit of time.
    pub demand_rate: f64,
    /// Time from order to arrival.
    pub lead_time: f64,
    /// Units on hand and on order, less those owed: always this many.
    pub base_stock: i64,
}

/// How a base stock serves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BaseStock {
    /// Share of demand served at once.
    pub fill_rate: f64,
    /// Expected units owed.
    pub expected_backorders: f64,
    /// Mean wait over all customers, in units of time.
    pub mean_wait_all_customers: f64,
    /// Share of time with stock on hand; the fill rate, because Poisson arrivals see time averages.
    pub ready_rate: f64,
    /// Expected units on hand.
    pub expected_on_hand: f64,
    /// Share of sales lost if nobody waits.
    pub lost_sales_fraction_if_lost: f64,
}

/// Returns the service of a base stock when everyone waits, and the loss when nobody does.
///
/// Source: Palm's theorem and METRIC (Sherbrooke 1968), Little's law; Erlang's loss formula. All three hold for any
/// distribution of lead times with this mean. Units on order: Poisson.
pub fn base_stock(input: &BaseStockInput) -> Checked<BaseStock> {
    positive("demand_rate", input.demand_rate)?;
    positive("lead_time", input.lead_time)?;
    whole("base_stock", input.base_stock, 0, 10_000_000)?;
    let mean = input.demand_rate * input.lead_time;
    if mean > MEAN_MAX {
        return too_large("demand_rate", format!("mean lead-time demand of at most {MEAN_MAX:e}"));
    }
    let stock = input.base_stock;
    let fill_rate = poisson_cdf(stock - 1, mean);
    let expected_backorders = poisson_loss(stock, mean);
    Ok(BaseStock {
        fill_rate,
        expected_backorders,
        mean_wait_all_customers: expected_backorders / input.demand_rate,
        ready_rate: fill_rate,
        expected_on_hand: stock as f64 - mean + expected_backorders,
        lost_sales_fraction_if_lost: erlang_loss(stock, mean),
    })
}

/// Returns Erlang's loss probability: P(D = n)/P(D ≤ n), by its recursion on the inverse.
pub fn erlang_loss(servers: i64, load: f64) -> f64 {
    let mut loss = 1.0;
    for n in 1..=servers {
        loss = load * loss / (n as f64 + load * loss);
    }
    loss
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The long-run cost of (s, S) from the stationary distribution of the position, by power iteration.
    fn simulated(input: &SsInput, s: i64, up_to: i64) -> f64 {
        let width = (up_to - s) as usize;
        let mean = input.demand_mean_per_period;
        let mut at = vec![1.0 / width as f64; width];
        for _ in 0..400 {
            let mut next = vec![0.0; width];
            for (below, share) in at.iter().enumerate() {
                let mut left = 1.0;
                for used in 0..width - below {
                    let p = poisson_pmf(used as i64, mean);
                    next[below + used] += share * p;
                    left -= p;
                }
                next[0] += share * left;
            }
            at = next;
        }
        let exposed = mean * (input.lead_time + 1) as f64;
        let mut cost = 0.0;
        for (below, share) in at.iter().enumerate() {
            let y = up_to - below as i64;
            let short = poisson_loss(y, exposed);
            cost +=
                share * (input.holding_cost * (y as f64 - exposed + short) + input.backorder_cost * short);
            // From here an order is due next period when demand reaches s.
            cost += share * input.fixed_cost * (1.0 - poisson_cdf((width - below) as i64 - 1, mean));
        }
        cost
    }

    #[test]
    fn the_band_is_the_best_of_all_bands() {
        for (fixed, mean, lead) in [(8.0, 1.5, 0), (20.0, 3.0, 2), (0.0, 2.0, 1)] {
            let input = SsInput {
                holding_cost: 1.0,
                backorder_cost: 9.0,
                fixed_cost: fixed,
                demand_mean_per_period: mean,
                lead_time: lead,
            };
            let best = ss_poisson_exact(&input).unwrap();
            let direct = simulated(&input, best.s as i64, best.up_to as i64);
            assert!((best.cost_rate - direct).abs() < 1e-8, "{best:?} {direct}");
            for s in best.s as i64 - 3..=best.s as i64 + 3 {
                for up_to in s + 1..best.up_to as i64 + 5 {
                    assert!(best.cost_rate <= simulated(&input, s, up_to) + 1e-8, "{s} {up_to}");
                }
            }
        }
    }

    #[test]
    fn published_loss_is_met() {
        // Erlang B, 10 servers offered 5 erlangs: 0.0184 in every table.
        assert!((erlang_loss(10, 5.0) - 0.018_385).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn stock_balances(rate in 0.01_f64..20.0, lead in 0.1_f64..20.0, stock in 0_i64..300) {
            let got = base_stock(&BaseStockInput { demand_rate: rate, lead_time: lead, base_stock: stock }).unwrap();
            let balance = got.expected_on_hand - got.expected_backorders - (stock as f64 - rate * lead);
            prop_assert!(balance.abs() < 1e-9 * (1.0 + stock as f64));
            prop_assert!(got.expected_on_hand >= -1e-9);
            let more = base_stock(&BaseStockInput { demand_rate: rate, lead_time: lead, base_stock: stock + 1 }).unwrap();
            prop_assert!(more.fill_rate >= got.fill_rate - 1e-15);
            prop_assert!(more.lost_sales_fraction_if_lost <= got.lost_sales_fraction_if_lost);
            let erlang = poisson_pmf(stock, rate * lead) / poisson_cdf(stock, rate * lead);
            prop_assert!((got.lost_sales_fraction_if_lost - erlang).abs() < 1e-9);
        }
    }
}
