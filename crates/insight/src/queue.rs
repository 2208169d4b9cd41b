//! Demand that does not wait for ever: impatience during a stock-out, reneging queues, and how many backorders to accept.

use serde::{Deserialize, Serialize};

use crate::error::{Checked, no_answer, not_negative, positive, too_large, whole};

/// How the share of customers who still order falls with the wait u they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Patience {
    /// exp(−θu).
    Exponential,
    /// 1/(1+θu).
    #[serde(alias = "reciprocal", alias = "rational", alias = "inverse_linear")]
    Hyperbolic,
}

/// A stock-out of known length.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImpatienceInput {
    /// Units asked for in one unit of time.
    pub demand_rate: f64,
    /// Length of the stock-out.
    pub stockout_duration: f64,
    /// θ of the patience.
    pub patience_parameter: f64,
    /// Its form.
    pub patience: Patience,
}

/// What becomes of the demand of a stock-out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Impatience {
    /// Units backordered.
    pub backlogged: f64,
    /// Units lost.
    pub lost: f64,
    /// Share backordered.
    pub average_backorder_fraction: f64,
}

/// Returns backlogged and lost demand over a stock-out: λ(1−e^(−θL))/θ, or λ·ln(1+θL)/θ.
///
/// Source: Abad, Management Science 42:1093-1104 (1996); Papachristos & Skouri 2000.
pub fn time_based_backlogging(input: &ImpatienceInput) -> Checked<Impatience> {
    positive("demand_rate", input.demand_rate)?;
    positive("stockout_duration", input.stockout_duration)?;
    not_negative("patience_parameter", input.patience_parameter)?;
    let worn = input.patience_parameter * input.stockout_duration;
    let share = match input.patience {
        _ if worn == 0.0 => 1.0,
        Patience::Exponential => -(-worn).exp_m1() / worn,
        Patience::Hyperbolic => worn.ln_1p() / worn,
    };
    let asked = input.demand_rate * input.stockout_duration;
    Ok(Impatience {
        backlogged: asked * share,
        lost: asked * (1.0 - share),
        average_backorder_fraction: share,
    })
}

/// Make to stock; whoever waits may leave.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImpatientInput {
    /// Units asked for in one unit of time.
    pub demand_rate: f64,
    /// Units made in one unit of time while below base stock.
    pub production_rate: f64,
    /// Rate at which each waiting customer leaves.
    pub reneging_rate: f64,
    /// Stock up to which is made.
    pub base_stock: i64,
}

/// The long run of a make-to-stock queue with reneging.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Impatient {
    /// Share of demand served at once.
    pub fill_rate: f64,
    /// Expected units owed.
    pub expected_backorders: f64,
    /// Share of demand that waited in vain.
    pub abandoned_fraction: f64,
    /// Share of time in production.
    pub utilisation: f64,
}

const STATES_MAX: usize = 20_000_000;

/// Returns the stationary measures of a make-to-stock queue in which every waiting customer leaves at rate θ.
///
/// Errors: `NoAnswer` where demand outruns production and nobody ever leaves.
/// Source: birth-death balance of M/M/1+M; Benjaafar, Gayon & Tepe, Operations Research Letters 38 (2010).
pub fn impatient_make_to_stock(input: &ImpatientInput) -> Checked<Impatient> {
    positive("demand_rate", input.demand_rate)?;
    positive("production_rate", input.production_rate)?;
    not_negative("reneging_rate", input.reneging_rate)?;
    whole("base_stock", input.base_stock, 0, 1_000_000)?;
    let (up, make, leave) = (input.demand_rate, input.production_rate, input.reneging_rate);
    if leave == 0.0 && up >= make {
        return no_answer(
            "reneging_rate",
            "demand is not below production_rate and nobody leaves, so the queue grows for ever",
        );
    }
    let stock = input.base_stock as f64;
    // Weights are relative to the state before, rescaled before they overflow.
    let (mut weight, mut total, mut empty, mut in_stock, mut owed) =
        (1.0_f64, 0.0_f64, 1.0_f64, 0.0_f64, 0.0_f64);
    for n in 0..STATES_MAX {
        let open = n as f64;
        total += weight;
        if open < stock {
            in_stock += weight;
        }
        owed += weight * (open - stock).max(0.0);
        let ratio = up / (make + leave * (open + 1.0 - stock).max(0.0));
        // What is left out is below a geometric tail with this ratio, which only falls.
        if open >= stock && ratio < 1.0 && weight * (open + 1.0) / (1.0 - ratio).powi(2) < total * 1e-18 {
            let expected_backorders = owed / total;
            return Ok(Impatient {
                fill_rate: in_stock / total,
                expected_backorders,
                abandoned_fraction: leave * expected_backorders / up,
                utilisation: 1.0 - empty / total,
            });
        }
        weight *= ratio;
        if weight > 1e200 {
            for sum in [&mut weight, &mut total, &mut empty, &mut in_stock, &mut owed] {
                *sum *= 1e-200;
            }
        }
    }
    too_large("reneging_rate", "the queue grows past 20 million before customers leave")
}

/// What accepting, refusing and losing a backorder cost.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapInput {
    /// Units asked for in one unit of time.
    pub demand_rate: f64,
    /// Units made in one unit of time while below base stock.
    pub production_rate: f64,
    /// Rate at which each waiting customer cancels.
    pub reneging_rate: f64,
    /// Cost of one unit on hand for one unit of time.
    pub holding_cost: f64,
    /// Cost of one unit owed for one unit of time.
    pub backorder_cost: f64,
    /// Cost of one customer sent away.
    pub rejection_cost: f64,
    /// Cost of one customer who cancels.
    pub cancellation_cost: f64,
}

/// The best two thresholds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cap {
    /// Make up to this stock.
    pub base_stock: i64,
    /// Accept backorders up to this many, then show out of stock.
    pub backorder_cap: i64,
    /// Cost in one unit of time.
    pub cost_rate: f64,
    /// Expected units on hand.
    pub expected_on_hand: f64,
    /// Expected units owed.
    pub expected_backorders: f64,
    /// Share of customers sent away.
    pub rejection_probability: f64,
    /// Cost with the same stock and no backorders at all.
    pub cost_rate_same_stock_no_backorders: f64,
}

/// The largest base stock and cap that are searched.
const THRESHOLD_MAX: usize = 3000;

/// Returns the best base stock and backorder cap; the smaller stock, then the smaller cap, where costs agree.
///
/// Errors: `TooLarge` where the best stock lies past 3000. A cap that costs ever less without end stops where the gain
/// falls below 10⁻¹² of the cost.
/// Source: two-threshold policy, Benjaafar, Gayon & Tepe, Operations Research Letters 38:267-272 (2010); birth-death
/// balance, enumerated: for one stock the weights of all caps are one running product.
pub fn backorder_cap(input: &CapInput) -> Checked<Cap> {
    positive("demand_rate", input.demand_rate)?;
    positive("production_rate", input.production_rate)?;
    not_negative("reneging_rate", input.reneging_rate)?;
    positive("holding_cost", input.holding_cost)?;
    not_negative("backorder_cost", input.backorder_cost)?;
    not_negative("rejection_cost", input.rejection_cost)?;
    not_negative("cancellation_cost", input.cancellation_cost)?;
    let mut best: Option<Cap> = None;
    let mut stale = 0;
    for stock in 0..=THRESHOLD_MAX {
        let found = best_cap(input, stock);
        if best.as_ref().is_none_or(|best| found.cost_rate < best.cost_rate * (1.0 - 1e-12)) {
            (best, stale) = (Some(found), 0);
        } else {
            stale += 1;
        }
        // Cost is not convex in the stock, but a long run without gain past the optimum is; 200 is far beyond any dent.
        if stale >= 200 {
            break;
        }
    }
    match best {
        Some(best) if best.base_stock < THRESHOLD_MAX as i64 => Ok(best),
        _ => too_large("holding_cost", format!("a best base stock below {THRESHOLD_MAX}")),
    }
}

/// The best cap for one base stock.
fn best_cap(input: &CapInput, stock: usize) -> Cap {
    // Sums of weight, of units on hand and of units owed over outstanding units 0..=n.
    let (mut weight, mut total, mut on_hand, mut owed) = (1.0_f64, 0.0_f64, 0.0_f64, 0.0_f64);
    let mut best: Option<Cap> = None;
    let mut without = 0.0;
    let mut stale = 0;
    for open in 0..=stock + THRESHOLD_MAX {
        let waiting = open.saturating_sub(stock) as f64;
        total += weight;
        on_hand += weight * stock.saturating_sub(open) as f64;
        owed += weight * waiting;
        if open >= stock {
            let rejection_probability = weight / total;
            let expected_backorders = owed / total;
            let cost_rate = input.holding_cost * on_hand / total
                + input.backorder_cost * expected_backorders
                + input.rejection_cost * input.demand_rate * rejection_probability
                + input.cancellation_cost * input.reneging_rate * expected_backorders;
            if open == stock {
                without = cost_rate;
            }
            if best.as_ref().is_none_or(|best| cost_rate < best.cost_rate * (1.0 - 1e-12)) {
                stale = 0;
                best = Some(Cap {
                    base_stock: stock as i64,
                    backorder_cap: (open - stock) as i64,
                    cost_rate,
                    expected_on_hand: on_hand / total,
                    expected_backorders,
                    rejection_probability,
                    cost_rate_same_stock_no_backorders: without,
                });
            } else {
                stale += 1;
            }
            if stale >= 200 {
                break;
            }
        }
        let next_waiting = (open + 1).saturating_sub(stock) as f64;
        weight *= input.demand_rate / (input.production_rate + input.reneging_rate * next_waiting);
        if weight > 1e200 {
            for sum in [&mut weight, &mut total, &mut on_hand, &mut owed] {
                *sum *= 1e-200;
            }
        }
    }
    // The state `open == stock` is always reached, so some cap was found.
    best.expect("the cap of zero is always tried")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chain(rates: impl Fn(usize) -> (f64, f64), states: usize) -> Vec<f64> {
        let mut weights = vec![1.0_f64];
        for n in 0..states - 1 {
            weights.push(weights[n] * rates(n).0 / rates(n + 1).1);
        }
        let total: f64 = weights.iter().sum();
        weights.iter().map(|w| w / total).collect()
    }

    #[test]
    fn without_reneging_it_is_the_single_server_queue() {
        let got = impatient_make_to_stock(&ImpatientInput {
            demand_rate: 3.0,
            production_rate: 4.0,
            reneging_rate: 0.0,
            base_stock: 5,
        })
        .unwrap();
        let rho: f64 = 0.75;
        assert!((got.fill_rate - (1.0 - rho.powi(5))).abs() < 1e-12);
        assert!((got.expected_backorders - rho.powi(6) / (1.0 - rho)).abs() < 1e-9);
        assert!((got.utilisation - rho).abs() < 1e-12);
        let grows =
            ImpatientInput { demand_rate: 4.0, production_rate: 4.0, reneging_rate: 0.0, base_stock: 1 };
        assert_eq!(impatient_make_to_stock(&grows).unwrap_err().field(), "reneging_rate");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn what_comes_in_goes_out(
            up in 0.1_f64..8.0, make in 0.1_f64..8.0, leave in 0.01_f64..2.0, base_stock in 0_i64..30,
        ) {
            let got = impatient_make_to_stock(&ImpatientInput {
                demand_rate: up, production_rate: make, reneging_rate: leave, base_stock,
            }).unwrap();
            prop_assert!((up * (1.0 - got.abandoned_fraction) - make * got.utilisation).abs() < 1e-9);
        }

        #[test]
        fn no_other_pair_of_thresholds_is_cheaper(
            up in 0.5_f64..5.0, make in 0.5_f64..5.0, leave in 0.0_f64..1.0, h in 0.2_f64..3.0, b in 0.1_f64..4.0,
            reject in 0.0_f64..12.0, cancel in 0.0_f64..12.0,
        ) {
            let input = CapInput { demand_rate: up, production_rate: make, reneging_rate: leave, holding_cost: h,
                backorder_cost: b, rejection_cost: reject, cancellation_cost: cancel };
            let best = backorder_cap(&input).unwrap();
            for z in 0..15_usize {
                for w in 0..15_usize {
                    let p = chain(|n| (up, make + leave * n.saturating_sub(z) as f64), z + w + 1);
                    let on_hand: f64 = p.iter().enumerate().map(|(n, p)| p * z.saturating_sub(n) as f64).sum();
                    let owed: f64 = p.iter().enumerate().map(|(n, p)| p * n.saturating_sub(z) as f64).sum();
                    let cost = h * on_hand + b * owed + reject * up * p[z + w] + cancel * leave * owed;
                    prop_assert!(best.cost_rate <= cost * (1.0 + 1e-9));
                    if (z as i64, w as i64) == (best.base_stock, best.backorder_cap) {
                        prop_assert!((cost - best.cost_rate).abs() < 1e-9);
                    }
                }
            }
        }

        #[test]
        fn patience_shares_lie_between_none_and_all(rate in 0.1_f64..50.0, length in 0.1_f64..90.0, theta in 0.0_f64..3.0) {
            let mut input = ImpatienceInput { demand_rate: rate, stockout_duration: length, patience_parameter: theta,
                patience: Patience::Exponential };
            let exponential = time_based_backlogging(&input).unwrap();
            input.patience = Patience::Hyperbolic;
            let hyperbolic = time_based_backlogging(&input).unwrap();
            prop_assert!((exponential.backlogged + exponential.lost - rate * length).abs() < 1e-9 * rate * length);
            prop_assert!(hyperbolic.average_backorder_fraction >= exponential.average_backorder_fraction - 1e-12);
            prop_assert!(hyperbolic.average_backorder_fraction <= 1.0);
        }
    }
}
