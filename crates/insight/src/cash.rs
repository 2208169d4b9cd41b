//! Money through the time between a preorder and its shipment.
//!
//! Units: one currency, whole days from 0; no rounding of fees.

use serde::{Deserialize, Serialize};

use crate::error::{Checked, bad, finite, length, not_negative, positive, share, whole};

/// Terms, orders and purchase orders.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CashInput {
    /// Last day looked at.
    pub horizon_days: i64,
    /// Cash before day 0.
    pub opening_cash: f64,
    /// Selling price of a unit.
    pub price: f64,
    /// Purchase cost of a unit.
    pub unit_cost: f64,
    /// Share of each charge the processor keeps.
    pub fee_pct: f64,
    /// And its fixed fee.
    pub fee_fixed: f64,
    /// Days from a charge to its payout.
    pub payout_delay: i64,
    /// Cost of sending one order.
    pub fulfil_cost_per_order: f64,
    /// Interest a year, for the present value.
    pub annual_rate: f64,
    /// What customers buy.
    pub orders: Vec<CashOrder>,
    /// What is bought for them.
    pub purchase_orders: Vec<CashPurchase>,
}

/// One customer order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CashOrder {
    /// Day it is placed and its deposit charged.
    pub day: i64,
    /// Units.
    pub units: i64,
    /// Share of the price charged then.
    pub deposit_share: f64,
    /// Day it ships and the rest is charged; none if it does not ship in sight.
    #[serde(default)]
    pub ship_day: Option<i64>,
    /// Day it is cancelled and its deposit given back.
    #[serde(default)]
    pub cancel_day: Option<i64>,
}

/// One order to a supplier.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CashPurchase {
    /// Day it is placed and its deposit paid.
    pub day: i64,
    /// Units.
    pub units: i64,
    /// Share of the cost paid then.
    pub deposit_share: f64,
    /// Day the rest is paid.
    pub balance_day: i64,
}

/// The money, day by day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cash {
    /// Balance at the end of days 0 to the horizon.
    pub balance_by_day: Vec<f64>,
    /// Least of them.
    pub minimum_balance: f64,
    /// Its first day.
    pub minimum_day: usize,
    /// The last one.
    pub closing_balance: f64,
    /// Present value of all flows, opening cash left out.
    pub npv_of_flows: f64,
    /// Deposits charged for orders neither shipped nor refunded, at the end of each day: owed back if the goods fail.
    pub unearned_deposits_by_day: Vec<f64>,
}

/// Returns the daily balance of a plan of orders and purchases.
///
/// A deposit is charged on the order day and the rest on the ship day, each paid out `payout_delay` days later less fees; a
/// refund leaves on the cancel day, fees stay with the processor. Source: direct arithmetic; present value at (1+r)^(day/365).
pub fn cash_flow(input: &CashInput) -> Checked<Cash> {
    check(input)?;
    let mut book = Book::new(input);
    for order in &input.orders {
        book.order(order);
    }
    for purchase in &input.purchase_orders {
        let cost = purchase.units as f64 * input.unit_cost;
        book.flow(purchase.day, -purchase.deposit_share * cost);
        book.flow(purchase.balance_day, -(1.0 - purchase.deposit_share) * cost);
    }
    let running = |flows: &[f64], opening: f64| -> Vec<f64> {
        let mut balance = opening;
        let days = flows.iter().map(|flow| {
            balance += flow;
            balance
        });
        days.collect()
    };
    let balance_by_day = running(&book.flows, input.opening_cash);
    let (minimum_day, minimum_balance) = balance_by_day
        .iter()
        .copied()
        .enumerate()
        .reduce(|least, day| if day.1 < least.1 { day } else { least })
        .unwrap_or((0, input.opening_cash));
    let discounted = book
        .flows
        .iter()
        .enumerate()
        .map(|(day, flow)| flow / (1.0 + input.annual_rate).powf(day as f64 / 365.0));
    Ok(Cash {
        minimum_balance,
        minimum_day,
        closing_balance: balance_by_day.last().copied().unwrap_or(input.opening_cash),
        npv_of_flows: discounted.sum(),
        unearned_deposits_by_day: running(&book.unearned, 0.0),
        balance_by_day,
    })
}

/// The most orders, purchases and days.
const ENTRIES_MAX: usize = 100_000;
const DAYS_MAX: i64 = 36_500;
const UNITS_MAX: i64 = 1_000_000_000;

fn check(input: &CashInput) -> Checked<()> {
    whole("horizon_days", input.horizon_days, 0, DAYS_MAX)?;
    finite("opening_cash", input.opening_cash)?;
    not_negative("price", input.price)?;
    not_negative("unit_cost", input.unit_cost)?;
    share("fee_pct", input.fee_pct)?;
    not_negative("fee_fixed", input.fee_fixed)?;
    whole("payout_delay", input.payout_delay, 0, DAYS_MAX)?;
    not_negative("fulfil_cost_per_order", input.fulfil_cost_per_order)?;
    finite("annual_rate", input.annual_rate)?;
    if !(-0.99..=100.0).contains(&input.annual_rate) {
        return bad("annual_rate", format!("must lie between -0.99 and 100, got {}", input.annual_rate));
    }
    length("orders", input.orders.len(), 0, ENTRIES_MAX)?;
    for (i, order) in input.orders.iter().enumerate() {
        let field = |name: &str| format!("orders[{i}].{name}");
        whole(&field("day"), order.day, 0, DAYS_MAX)?;
        whole(&field("units"), order.units, 1, UNITS_MAX)?;
        share(&field("deposit_share"), order.deposit_share)?;
        let ship = order.ship_day.unwrap_or(DAYS_MAX);
        whole(&field("ship_day"), ship, order.day, DAYS_MAX)?;
        if let Some(cancel) = order.cancel_day {
            // After shipping it is a return, which has other rules.
            whole(&field("cancel_day"), cancel, order.day, ship)?;
        }
    }
    length("purchase_orders", input.purchase_orders.len(), 0, ENTRIES_MAX)?;
    for (i, purchase) in input.purchase_orders.iter().enumerate() {
        let field = |name: &str| format!("purchase_orders[{i}].{name}");
        whole(&field("day"), purchase.day, 0, DAYS_MAX)?;
        whole(&field("units"), purchase.units, 1, UNITS_MAX)?;
        share(&field("deposit_share"), purchase.deposit_share)?;
        whole(&field("balance_day"), purchase.balance_day, purchase.day, DAYS_MAX)?;
    }
    Ok(())
}

struct Book<'a> {
    terms: &'a CashInput,
    flows: Vec<f64>,
    unearned: Vec<f64>,
}

impl<'a> Book<'a> {
    fn new(terms: &'a CashInput) -> Self {
        // `check` holds the horizon between zero and a century.
        let days = terms.horizon_days as usize + 1;
        Self { terms, flows: vec![0.0; days], unearned: vec![0.0; days] }
    }

    fn order(&mut self, order: &CashOrder) {
        let amount = order.units as f64 * self.terms.price;
        let deposit = order.deposit_share * amount;
        self.charge(order.day, deposit);
        add(&mut self.unearned, order.day, deposit);
        if let Some(day) = order.cancel_day {
            self.flow(day, -deposit);
            add(&mut self.unearned, day, -deposit);
        } else if let Some(day) = order.ship_day {
            self.charge(day, amount - deposit);
            self.flow(day, -self.terms.fulfil_cost_per_order);
            add(&mut self.unearned, day, -deposit);
        }
    }

    /// A charge of nothing is not made, so it has no fee.
    fn charge(&mut self, day: i64, amount: f64) {
        if amount > 0.0 {
            let fee = self.terms.fee_pct * amount + self.terms.fee_fixed;
            self.flow(day + self.terms.payout_delay, amount - fee);
        }
    }

    fn flow(&mut self, day: i64, amount: f64) {
        add(&mut self.flows, day, amount);
    }
}

/// Adds to a day; what lies past the horizon is not seen.
fn add(days: &mut [f64], day: i64, amount: f64) {
    if let Some(flow) = usize::try_from(day).ok().and_then(|day| days.get_mut(day)) {
        *flow += amount;
    }
}

/// A year's figures.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CccInput {
    /// Stock at cost.
    pub inventory: f64,
    /// Cost of goods sold in a year.
    pub annual_cogs: f64,
    /// What customers owe.
    pub receivables: f64,
    /// What customers have paid ahead.
    pub customer_deposits: f64,
    /// Revenue of a year.
    pub annual_revenue: f64,
    /// What is owed to suppliers.
    pub payables: f64,
}

/// Days money is tied up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ccc {
    /// Days inventory outstanding.
    pub dio: f64,
    /// Days sales outstanding; below zero where customers pay ahead.
    pub dso: f64,
    /// Days payables outstanding.
    pub dpo: f64,
    /// DIO + DSO − DPO.
    pub ccc: f64,
}

/// Returns the cash conversion cycle, customers' deposits netted against receivables.
///
/// Source: Richards & Laughlin 1980.
pub fn cash_conversion_cycle(input: &CccInput) -> Checked<Ccc> {
    not_negative("inventory", input.inventory)?;
    positive("annual_cogs", input.annual_cogs)?;
    not_negative("receivables", input.receivables)?;
    not_negative("customer_deposits", input.customer_deposits)?;
    positive("annual_revenue", input.annual_revenue)?;
    not_negative("payables", input.payables)?;
    let dio = input.inventory / input.annual_cogs * 365.0;
    let dso = (input.receivables - input.customer_deposits) / input.annual_revenue * 365.0;
    let dpo = input.payables / input.annual_cogs * 365.0;
    Ok(Ccc { dio, dso, dpo, ccc: dio + dso - dpo })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(orders: Vec<CashOrder>) -> CashInput {
        CashInput {
            horizon_days: 60,
            opening_cash: 100.0,
            price: 40.0,
            unit_cost: 18.0,
            fee_pct: 0.03,
            fee_fixed: 0.3,
            payout_delay: 2,
            fulfil_cost_per_order: 5.0,
            annual_rate: 0.0,
            orders,
            purchase_orders: Vec::new(),
        }
    }

    #[test]
    fn an_order_cancelled_costs_its_fees_only() {
        let order =
            CashOrder { day: 1, units: 2, deposit_share: 0.5, ship_day: Some(20), cancel_day: Some(9) };
        let got = cash_flow(&plan(vec![order.clone()])).unwrap();
        assert!((got.closing_balance - (100.0 - 0.03 * 40.0 - 0.3)).abs() < 1e-9);
        assert_eq!((got.unearned_deposits_by_day[8], got.unearned_deposits_by_day[9]), (40.0, 0.0));
        let late = CashOrder { cancel_day: Some(21), ..order };
        assert_eq!(cash_flow(&plan(vec![late])).unwrap_err().field(), "orders[0].cancel_day");
    }

    proptest! {
        #[test]
        fn flows_add_up(
            orders in proptest::collection::vec((0_i64..20, 1_i64..9, 0.0_f64..=1.0, 20_i64..50, any::<bool>()), 0..12), rate in 0.0_f64..0.3,
        ) {
            let orders: Vec<CashOrder> = orders.into_iter().map(|(day, units, deposit_share, ship, cancelled)| CashOrder {
                day, units, deposit_share, ship_day: Some(ship), cancel_day: cancelled.then_some(ship),
            }).collect();
            let mut input = plan(orders);
            let got = cash_flow(&input).unwrap();
            prop_assert_eq!(got.balance_by_day.len(), 61);
            // Without interest the present value is the change of the balance.
            prop_assert!((got.closing_balance - 100.0 - got.npv_of_flows).abs() < 1e-6);
            prop_assert!(got.balance_by_day.iter().all(|balance| *balance >= got.minimum_balance));
            prop_assert!(got.unearned_deposits_by_day.iter().all(|owed| *owed > -1e-6));
            prop_assert!(got.unearned_deposits_by_day[60].abs() < 1e-6);
            input.annual_rate = rate;
            prop_assert_eq!(cash_flow(&input).unwrap().balance_by_day, got.balance_by_day);
        }
    }
}
