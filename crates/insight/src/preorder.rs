//! Preorders: how many to accept against a finite supply, and how many to make from those already in.

use serde::{Deserialize, Serialize};

use crate::{
    dist::{TIE, binomial_above, first_reached, negative_binomial_cdf},
    error::{Checked, bad, level, not_negative, positive, share, too_large, whole},
};

/// A supply, and how sure orders for it are.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreorderCapInput {
    /// Units that will come.
    pub supply: i64,
    /// Probability that an order is not cancelled.
    pub keep_probability: f64,
    /// Probability of owing more than comes that is accepted.
    pub alpha: f64,
}

/// The cap.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PreorderCap {
    /// Unit orders to accept.
    pub cap: i64,
    /// P(kept orders > supply) at the cap.
    pub risk_at_cap: f64,
    /// The same with one order more.
    pub risk_at_cap_plus_one: f64,
}

/// Returns the largest n with P(Bin(n, keep) > supply) ≤ α: unit orders that cancel independently.
///
/// Source: static overbooking (Rothstein 1971; Talluri & van Ryzin 2004, chapter 4).
pub fn preorder_cap(input: &PreorderCapInput) -> Checked<PreorderCap> {
    whole("supply", input.supply, 0, 100_000_000)?;
    positive("keep_probability", input.keep_probability)?;
    share("keep_probability", input.keep_probability)?;
    level("alpha", input.alpha)?;
    if input.keep_probability < 1e-4 {
        return bad("keep_probability", "must be at least 0.0001, or there is no cap worth the name");
    }
    let risk = |n: i64| binomial_above(input.supply, n, input.keep_probability);
    let Some(first_over) = first_reached(input.supply + 1, 1 << 50, |n| risk(n) > input.alpha) else {
        return too_large("alpha", "one that some number of orders exceeds");
    };
    let cap = first_over - 1;
    Ok(PreorderCap { cap, risk_at_cap: risk(cap), risk_at_cap_plus_one: risk(cap + 1) })
}

/// Orders so far, what was believed before them, and what a unit earns.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdvanceDemandInput {
    /// Shape of the belief about weekly orders.
    pub prior_shape: f64,
    /// Its rate, in weeks.
    pub prior_rate: f64,
    /// Orders so far.
    pub preorders: i64,
    /// Weeks they came in.
    pub observed_weeks: f64,
    /// Weeks of the whole season.
    pub season_weeks: f64,
    /// Selling price.
    pub price: f64,
    /// Cost of making one.
    pub unit_cost: f64,
    /// What a left-over unit still brings.
    pub salvage: f64,
}

/// The size of the run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AdvanceDemand {
    /// Orders a week, as now believed.
    pub posterior_mean_rate: f64,
    /// Orders still expected.
    pub remaining_mean: f64,
    /// (p−c)/(p−s).
    pub critical_ratio: f64,
    /// Units to make beyond the preorders.
    pub extra_units: i64,
    /// Units to make.
    pub total_run: i64,
    /// Expected profit of the extra units.
    pub expected_profit_extra: f64,
}

/// Returns the run size from preorders: gamma-Poisson update, then a newsvendor on the negative binomial that is left.
///
/// Source: conjugate Bayes; advance demand information: Fisher & Raman 1996, Tang et al. 2004.
pub fn advance_demand_production(input: &AdvanceDemandInput) -> Checked<AdvanceDemand> {
    positive("prior_shape", input.prior_shape)?;
    positive("prior_rate", input.prior_rate)?;
    whole("preorders", input.preorders, 0, 1_000_000_000)?;
    not_negative("observed_weeks", input.observed_weeks)?;
    positive("season_weeks", input.season_weeks)?;
    positive("price", input.price)?;
    positive("unit_cost", input.unit_cost)?;
    not_negative("salvage", input.salvage)?;
    if input.observed_weeks > input.season_weeks {
        return bad("observed_weeks", "must not exceed season_weeks");
    }
    if input.unit_cost >= input.price {
        return bad("unit_cost", "must be below price, or nothing is worth making");
    }
    if input.salvage >= input.unit_cost {
        return bad("salvage", "must be below unit_cost, or one would make without end");
    }
    let shape = input.prior_shape + input.preorders as f64;
    let rate = input.prior_rate + input.observed_weeks;
    let left = input.season_weeks - input.observed_weeks;
    let critical_ratio = (input.price - input.unit_cost) / (input.price - input.salvage);
    let remaining_mean = shape / rate * left;
    if remaining_mean > 1e9 {
        return too_large("preorders", "at most 1e9 units still expected");
    }
    let p = rate / (rate + left);
    let at_most = |k: i64, r: f64| if left == 0.0 { 1.0 } else { negative_binomial_cdf(k, r, p) };
    let Some(extra_units) = first_reached(0, 1 << 50, |k| at_most(k, shape) >= critical_ratio - TIE) else {
        return too_large("price", "its ratio to unit_cost and salvage is too close to one");
    };
    // E min(X, k) = E[X; X ≤ k] + k·P(X > k), and E[X; X ≤ k] = E X · P(Y ≤ k−1) with one success more.
    let sold = remaining_mean * if left == 0.0 { 0.0 } else { at_most(extra_units - 1, shape + 1.0) }
        + extra_units as f64 * (1.0 - at_most(extra_units, shape));
    let made = extra_units as f64;
    Ok(AdvanceDemand {
        posterior_mean_rate: shape / rate,
        remaining_mean,
        critical_ratio,
        extra_units,
        total_run: input.preorders + extra_units,
        expected_profit_extra: input.price * sold + input.salvage * (made - sold) - input.unit_cost * made,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::special::ln_gamma;

    fn advance(preorders: i64, observed: f64, price: f64) -> AdvanceDemandInput {
        AdvanceDemandInput {
            prior_shape: 3.0,
            prior_rate: 0.5,
            preorders,
            observed_weeks: observed,
            season_weeks: 12.0,
            price,
            unit_cost: 14.0,
            salvage: 4.0,
        }
    }

    #[test]
    fn a_season_that_is_over_needs_nothing_more() {
        let got = advance_demand_production(&advance(45, 12.0, 30.0)).unwrap();
        assert_eq!((got.extra_units, got.total_run, got.expected_profit_extra), (0, 45, 0.0));
        assert_eq!(
            advance_demand_production(&advance(45, 13.0, 30.0)).unwrap_err().field(),
            "observed_weeks"
        );
        assert_eq!(advance_demand_production(&advance(45, 4.0, 14.0)).unwrap_err().field(), "unit_cost");
    }

    #[test]
    fn orders_that_never_cancel_are_capped_at_the_supply() {
        let got = preorder_cap(&PreorderCapInput { supply: 60, keep_probability: 1.0, alpha: 0.05 }).unwrap();
        assert_eq!((got.cap, got.risk_at_cap, got.risk_at_cap_plus_one), (60, 0.0, 1.0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn the_cap_is_the_last_that_is_safe(supply in 0_i64..120, keep in 0.2_f64..1.0, alpha in 0.001_f64..0.5) {
            let got = preorder_cap(&PreorderCapInput { supply, keep_probability: keep, alpha }).unwrap();
            prop_assert!(got.risk_at_cap <= alpha && alpha < got.risk_at_cap_plus_one);
            // The tail, term by term.
            let n = got.cap as f64;
            let direct: f64 = (supply + 1..=got.cap).map(|k| {
                let k = k as f64;
                let choose = ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0);
                (choose + k * keep.ln() + (n - k) * (1.0 - keep).max(1e-300).ln()).exp()
            }).sum();
            prop_assert!((direct - got.risk_at_cap).abs() < 1e-9);
        }

        #[test]
        fn the_extra_units_earn_most(preorders in 0_i64..60, observed in 0.5_f64..11.5, price in 15.0_f64..90.0) {
            let input = advance(preorders, observed, price);
            let got = advance_demand_production(&input).unwrap();
            let (r, rate, left) = (3.0 + preorders as f64, 0.5 + observed, 12.0 - observed);
            let p = rate / (rate + left);
            let pmf: Vec<f64> = (0..3000).map(|k| {
                let k = f64::from(k);
                (ln_gamma(r + k) - ln_gamma(r) - ln_gamma(k + 1.0) + r * p.ln() + k * (1.0 - p).ln()).exp()
            }).collect();
            let profit = |made: i64| {
                let sold: f64 = pmf.iter().enumerate().map(|(k, q)| q * (k as f64).min(made as f64)).sum();
                price * sold + 4.0 * (made as f64 - sold) - 14.0 * made as f64
            };
            prop_assume!(pmf.iter().sum::<f64>() > 1.0 - 1e-9);
            let here = profit(got.extra_units);
            prop_assert!((here - got.expected_profit_extra).abs() < 1e-5 * here.abs().max(1.0));
            for other in [got.extra_units - 1, got.extra_units + 1] {
                prop_assert!(other < 0 || profit(other) <= here + 1e-6 * here.abs().max(1.0));
            }
        }
    }
}
