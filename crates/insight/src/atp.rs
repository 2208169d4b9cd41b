//! What can still be sold: available-to-promise per bucket.
//!
//! Units: stock-keeping units, at most 10¹² an entry; buckets are periods in order, at most 100 000 of them, so that no sum
//! leaves `i64`.

use serde::{Deserialize, Serialize};

use crate::error::{Checked, each, length, same_length, whole};

/// The largest quantity of one entry.
pub(crate) const UNITS_MAX: i64 = 1_000_000_000_000;
/// The most periods.
pub(crate) const PERIODS_MAX: usize = 100_000;

/// Stock, what comes in and what is booked, by period.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtpInput {
    /// Units here before the first period.
    pub on_hand: i64,
    /// Units that come in, by period.
    pub supply: Vec<i64>,
    /// Units booked, by the period they are due.
    pub booked_orders: Vec<i64>,
}

/// Every usual reading of ATP, one entry a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Atp {
    /// Each supply less what is booked until the next one.
    pub discrete_raw: Vec<i64>,
    /// The same after shortfalls took from the nearest supply before them.
    pub discrete_after_backward_consumption: Vec<i64>,
    /// The running balance. Oversells: what is free now may be booked later.
    pub cumulative_without_lookahead: Vec<i64>,
    /// The least balance from here on: the most that can be promised here without breaking a promise.
    pub cumulative_with_lookahead: Vec<i64>,
    /// The same, never below zero.
    pub cumulative_sellable: Vec<i64>,
}

/// Returns discrete and cumulative ATP.
///
/// Source: APICS definitions; look-ahead min over u ≥ t of the running balance.
pub fn atp(input: &AtpInput) -> Checked<Atp> {
    check_book(input)?;
    let discrete_raw = discrete(input);
    let mut after = discrete_raw.clone();
    consume_backward(&mut after);
    let balance = balances(input);
    let ahead = look_ahead(&balance);
    Ok(Atp {
        discrete_raw,
        discrete_after_backward_consumption: after,
        cumulative_without_lookahead: balance,
        cumulative_sellable: ahead.iter().map(|&units| units.max(0)).collect(),
        cumulative_with_lookahead: ahead,
    })
}

pub(crate) fn check_book(input: &AtpInput) -> Checked<()> {
    whole("on_hand", input.on_hand, 0, UNITS_MAX)?;
    length("supply", input.supply.len(), 1, PERIODS_MAX)?;
    same_length("booked_orders", input.booked_orders.len(), "supply", input.supply.len())?;
    each("supply", &input.supply, |field, units| whole(field, units, 0, UNITS_MAX))?;
    each("booked_orders", &input.booked_orders, |field, units| whole(field, units, 0, UNITS_MAX))
}

/// The running balance of stock, supply and orders.
pub(crate) fn balances(input: &AtpInput) -> Vec<i64> {
    let mut balance = input.on_hand;
    let periods = input.supply.iter().zip(&input.booked_orders);
    periods
        .map(|(supply, orders)| {
            balance += supply - orders;
            balance
        })
        .collect()
}

fn look_ahead(balance: &[i64]) -> Vec<i64> {
    let mut ahead = balance.to_vec();
    for t in (0..ahead.len().saturating_sub(1)).rev() {
        ahead[t] = ahead[t].min(ahead[t + 1]);
    }
    ahead
}

fn discrete(input: &AtpInput) -> Vec<i64> {
    let mut atp = vec![0; input.supply.len()];
    atp[0] = input.on_hand;
    let mut bucket = 0;
    for (t, (supply, orders)) in input.supply.iter().zip(&input.booked_orders).enumerate() {
        if *supply > 0 {
            bucket = t;
        }
        atp[bucket] += supply - orders;
    }
    atp
}

/// Lets each shortfall, earliest first, take from the nearest surplus before it. What is not covered stays where it is.
fn consume_backward(atp: &mut [i64]) {
    // Periods with surplus, nearest last: each is emptied at most once, so the whole is linear.
    let mut surplus: Vec<usize> = Vec::new();
    for t in 0..atp.len() {
        while atp[t] < 0 {
            let Some(&from) = surplus.last() else { break };
            let taken = atp[from].min(-atp[t]);
            atp[from] -= taken;
            atp[t] += taken;
            if atp[from] == 0 {
                surplus.pop();
            }
        }
        if atp[t] > 0 {
            surplus.push(t);
        }
    }
}

/// Supply and demand by period; stock on hand counts as supply of the first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErpInput {
    /// Units that come in, by period.
    pub supply: Vec<i64>,
    /// Units needed, by period.
    pub demand: Vec<i64>,
}

/// ATP by an ERP rule, one entry a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Erp {
    /// Supply less demand.
    pub period_atp: Vec<i64>,
    /// The running balance.
    pub projected_on_hand: Vec<i64>,
    /// What an inquiry answers.
    pub atp: Vec<i64>,
}

/// Returns ATP by the rule "backward consumption, accumulate available".
///
/// A shortfall takes from the periods before it, nearest first; what is not covered stays in its period and is not carried
/// forward; surplus adds up from period to period. Source: Oracle Inventory R11 user's guide, table 1-23.
pub fn atp_erp_rule(input: &ErpInput) -> Checked<Erp> {
    length("supply", input.supply.len(), 1, PERIODS_MAX)?;
    same_length("demand", input.demand.len(), "supply", input.supply.len())?;
    each("supply", &input.supply, |field, units| whole(field, units, 0, UNITS_MAX))?;
    each("demand", &input.demand, |field, units| whole(field, units, 0, UNITS_MAX))?;
    let period_atp: Vec<i64> =
        input.supply.iter().zip(&input.demand).map(|(supply, demand)| supply - demand).collect();
    let (mut balance, mut available) = (0, 0);
    let projected_on_hand = period_atp.iter().map(|units| {
        balance += units;
        balance
    });
    let projected_on_hand = projected_on_hand.collect();
    let mut atp = period_atp.clone();
    consume_backward(&mut atp);
    for units in &mut atp {
        let carried = available;
        available += (*units).max(0);
        *units += carried;
    }
    Ok(Erp { period_atp, projected_on_hand, atp })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stevensons_pumps() {
        // 64 on hand, lots of 70 in weeks 3, 5, 7 and 8; printed answer 11, 56, 68, 70, 70.
        let input = AtpInput {
            on_hand: 64,
            supply: vec![0, 0, 70, 0, 70, 0, 70, 70],
            booked_orders: vec![33, 20, 10, 4, 2, 0, 0, 0],
        };
        let got = atp(&input).unwrap().discrete_raw;
        assert_eq!([got[0], got[2], got[4], got[6], got[7]], [11, 56, 68, 70, 70]);
    }

    #[test]
    fn an_uncovered_shortfall_is_not_carried_on() {
        let got =
            atp_erp_rule(&ErpInput { supply: vec![5, 0, 0, 4, 3], demand: vec![0, 3, 3, 2, 0] }).unwrap();
        assert_eq!(got.period_atp, [5, -3, -3, 2, 3]);
        assert_eq!(got.projected_on_hand, [5, 2, -1, 1, 4]);
        assert_eq!(got.atp, [0, 0, -1, 2, 5]);
    }

    fn books() -> impl Strategy<Value = AtpInput> {
        (0_i64..60, proptest::collection::vec((prop_oneof![Just(0_i64), 0_i64..50], 0_i64..40), 1..25))
            .prop_map(|(on_hand, rows)| AtpInput {
                on_hand,
                supply: rows.iter().map(|row| row.0).collect(),
                booked_orders: rows.iter().map(|row| row.1).collect(),
            })
    }

    proptest! {
        #[test]
        fn no_unit_is_made_or_lost(input in books()) {
            let got = atp(&input).unwrap();
            let net = *got.cumulative_without_lookahead.last().unwrap();
            prop_assert_eq!(got.discrete_raw.iter().sum::<i64>(), net);
            prop_assert_eq!(got.discrete_after_backward_consumption.iter().sum::<i64>(), net);
        }

        #[test]
        fn looking_ahead_is_the_most_that_breaks_nothing(input in books()) {
            let got = atp(&input).unwrap();
            for (t, &most) in got.cumulative_with_lookahead.iter().enumerate() {
                let least = got.cumulative_without_lookahead[t..].iter().min().copied().unwrap();
                prop_assert_eq!(most, least);
            }
        }

        #[test]
        fn shortfalls_take_from_the_nearest_surplus(mut raw in proptest::collection::vec(-9_i64..9, 1..20)) {
            let mut slow = raw.clone();
            for t in 0..slow.len() {
                for from in (0..t).rev() {
                    if slow[t] < 0 && slow[from] > 0 {
                        let taken = slow[from].min(-slow[t]);
                        slow[from] -= taken;
                        slow[t] += taken;
                    }
                }
            }
            consume_backward(&mut raw);
            prop_assert_eq!(raw, slow);
        }
    }
}
