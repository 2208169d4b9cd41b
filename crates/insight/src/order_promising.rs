//! Promising one request after another: from stock and supply (ATP), or from free capacity (CTP).

use serde::{Deserialize, Serialize};

use crate::{
    atp::{AtpInput, PERIODS_MAX, UNITS_MAX, balances, check_book},
    error::{Checked, each, length, same_length, whole},
};

/// A book, and the requests that come in one after another.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromisingInput {
    /// Units here before the first period.
    pub on_hand: i64,
    /// Units that come in, by period.
    pub supply: Vec<i64>,
    /// Units booked, by the period they are due.
    pub booked_orders: Vec<i64>,
    /// Units asked for, in the order of asking.
    pub requests: Vec<i64>,
}

/// What one request was promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Promised {
    /// Units asked for.
    pub quantity: i64,
    /// The earliest period of full delivery, counted from one; none within the horizon.
    pub period: Option<usize>,
}

/// The promises, in the order of asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Promises {
    /// One a request.
    pub promises: Vec<Promised>,
}

/// Returns the earliest full delivery of each request against cumulative look-ahead ATP, booking each before the next.
///
/// Source: an order of q from period t on lowers every later balance by q, so it fits at t if the least balance from t on is
/// at least q. Both questions are O(log T) on a tree with added ranges and least values.
pub fn order_promising(input: &PromisingInput) -> Checked<Promises> {
    let book = AtpInput {
        on_hand: input.on_hand,
        supply: input.supply.clone(),
        booked_orders: input.booked_orders.clone(),
    };
    check_book(&book)?;
    length("requests", input.requests.len(), 1, 1_000_000)?;
    each("requests", &input.requests, |field, units| whole(field, units, 1, UNITS_MAX))?;
    let mut balance = BalanceTree::new(&balances(&book));
    let promises = input.requests.iter().map(|&quantity| {
        let period = balance.first_with(quantity);
        if let Some(from) = period {
            balance.take_from(from, quantity);
        }
        Promised { quantity, period: period.map(|from| from + 1) }
    });
    Ok(Promises { promises: promises.collect() })
}

/// Running balances by period, with the least of every range and lazily added ranges.
pub struct BalanceTree {
    periods: usize,
    /// The first leaf; node k has children 2k and 2k+1.
    leaves: usize,
    least: Vec<i64>,
    added: Vec<i64>,
}

/// Above every balance: pads the leaves behind the last period.
const NEVER: i64 = i64::MAX / 4;

impl BalanceTree {
    /// Builds the tree in O(T).
    pub fn new(balances: &[i64]) -> Self {
        let leaves = balances.len().next_power_of_two();
        let mut least = vec![NEVER; 2 * leaves];
        least[leaves..leaves + balances.len()].copy_from_slice(balances);
        for node in (1..leaves).rev() {
            least[node] = least[2 * node].min(least[2 * node + 1]);
        }
        Self { periods: balances.len(), leaves, least, added: vec![0; 2 * leaves] }
    }

    /// Returns the first period from which the balance never falls below `quantity`.
    ///
    /// It is the one after the last period whose balance is too low, which the tree finds from the right.
    pub fn first_with(&self, quantity: i64) -> Option<usize> {
        if self.least[1] >= quantity {
            return Some(0);
        }
        let (mut node, mut added) = (1, 0);
        while node < self.leaves {
            added += self.added[node];
            let right = 2 * node + 1;
            node = if self.least[right] + added < quantity { right } else { right - 1 };
        }
        let next = node - self.leaves + 1;
        (next < self.periods).then_some(next)
    }

    /// Takes `quantity` from the balance of `from` and every later period.
    pub fn take_from(&mut self, from: usize, quantity: i64) {
        // The last leaf on the path to `from` and every right-hand neighbour of the path are lowered, then the path renewed.
        let mut node = self.leaves + from;
        self.lower(node, quantity);
        while node > 1 {
            if node.is_multiple_of(2) {
                self.lower(node + 1, quantity);
            }
            node /= 2;
            self.least[node] = self.least[2 * node].min(self.least[2 * node + 1]) + self.added[node];
        }
    }

    fn lower(&mut self, node: usize, quantity: i64) {
        self.least[node] -= quantity;
        self.added[node] -= quantity;
    }
}

/// Capacity by period, what of it is taken, and the requests.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CtpInput {
    /// Units that can be made, by period.
    pub capacity: Vec<i64>,
    /// Units of it taken already.
    pub booked: Vec<i64>,
    /// Periods from finishing to shipping.
    pub post_production_lead_periods: i64,
    /// Units asked for, in the order of asking.
    pub requests: Vec<i64>,
}

/// What one request was promised from capacity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MadePromise {
    /// Units asked for.
    pub quantity: i64,
    /// The period its last unit is made in, counted from one.
    pub finish_period: Option<i64>,
    /// The period it ships in; may lie past the capacity horizon.
    pub ship_period: Option<i64>,
}

/// The promises, in the order of asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MadePromises {
    /// One a request.
    pub promises: Vec<MadePromise>,
}

/// Returns capable-to-promise on finite capacity: each request takes the earliest free capacity, a refused one takes none.
pub fn ctp(input: &CtpInput) -> Checked<MadePromises> {
    length("capacity", input.capacity.len(), 1, PERIODS_MAX)?;
    same_length("booked", input.booked.len(), "capacity", input.capacity.len())?;
    each("capacity", &input.capacity, |field, units| whole(field, units, 0, UNITS_MAX))?;
    each("booked", &input.booked, |field, units| whole(field, units, 0, UNITS_MAX))?;
    whole("post_production_lead_periods", input.post_production_lead_periods, 0, 1_000_000)?;
    length("requests", input.requests.len(), 1, 1_000_000)?;
    each("requests", &input.requests, |field, units| whole(field, units, 1, UNITS_MAX))?;
    let mut free: Vec<i64> =
        input.capacity.iter().zip(&input.booked).map(|(made, taken)| (made - taken).max(0)).collect();
    let mut left: i64 = free.iter().sum();
    let mut first = 0;
    let promises = input.requests.iter().map(|&quantity| {
        if quantity > left {
            return MadePromise { quantity, finish_period: None, ship_period: None };
        }
        left -= quantity;
        let mut open = quantity;
        // Capacity is taken from the front only, so `first` never goes back and the whole is linear.
        loop {
            let taken = open.min(free[first]);
            free[first] -= taken;
            open -= taken;
            if open == 0 {
                break;
            }
            first += 1;
        }
        let finish = first as i64 + 1;
        MadePromise {
            quantity,
            finish_period: Some(finish),
            ship_period: Some(finish + input.post_production_lead_periods),
        }
    });
    Ok(MadePromises { promises: promises.collect() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::atp::atp;

    proptest! {
        #[test]
        fn the_tree_answers_as_the_list(
            on_hand in 0_i64..80, rows in proptest::collection::vec((0_i64..40, 0_i64..20), 1..40),
            requests in proptest::collection::vec(1_i64..60, 1..30),
        ) {
            let supply: Vec<i64> = rows.iter().map(|row| row.0).collect();
            let mut book = AtpInput { on_hand, supply: supply.clone(), booked_orders: rows.iter().map(|row| row.1).collect() };
            let input = PromisingInput { on_hand, supply, booked_orders: book.booked_orders.clone(), requests };
            for promised in order_promising(&input).unwrap().promises {
                let ahead = atp(&book).unwrap().cumulative_with_lookahead;
                let want = ahead.iter().position(|&most| most >= promised.quantity);
                prop_assert_eq!(promised.period, want.map(|t| t + 1));
                if let Some(t) = want {
                    book.booked_orders[t] += promised.quantity;
                }
            }
        }

        #[test]
        fn capacity_is_never_taken_twice(
            rows in proptest::collection::vec((0_i64..30, 0_i64..30), 1..20), requests in proptest::collection::vec(1_i64..50, 1..20),
        ) {
            let input = CtpInput {
                capacity: rows.iter().map(|row| row.0).collect(),
                booked: rows.iter().map(|row| row.1).collect(),
                post_production_lead_periods: 2,
                requests,
            };
            let free: Vec<i64> = rows.iter().map(|row| (row.0 - row.1).max(0)).collect();
            let mut made = 0;
            for promise in ctp(&input).unwrap().promises {
                let Some(finish) = promise.finish_period else {
                    prop_assert!(made + promise.quantity > free.iter().sum::<i64>());
                    continue;
                };
                made += promise.quantity;
                let until: i64 = free[..finish as usize].iter().sum();
                let before: i64 = free[..finish as usize - 1].iter().sum();
                prop_assert!(made <= until && made > before);
                prop_assert_eq!(promise.ship_period, Some(finish + 2));
            }
        }
    }
}
