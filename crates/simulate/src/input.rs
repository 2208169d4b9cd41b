//! What is simulated: goods, customers, suppliers, and the policies that are compared.

use model::{Units, item::Policy};
use serde::{Deserialize, Serialize};

/// Most days of one replication.
const DAYS_MAX: f64 = 3_660.0;
/// Most customers expected in one replication.
const CUSTOMERS_MAX: f64 = 2_000_000.0;

/// Says what of the input makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InputError {
    /// Which field.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Goods that are on their way when the stretch begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Due {
    /// Days from the start to the date given.
    pub given_in_days: f64,
    /// Units that nobody has a claim on.
    pub units: Units,
}

/// One SKU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goods {
    /// Its code.
    pub sku: String,
    /// Selling price, in the currency's own unit.
    pub price: f64,
    /// What a unit costs.
    pub unit_cost: f64,
    /// Units here at the start that nobody has a claim on.
    pub on_hand: Units,
    /// Units on their way.
    pub due: Vec<Due>,
    /// Days that goods of its supplier came after the first date given, each as likely: negative where early. Empty: on the day.
    pub late_days: Vec<i32>,
    /// Days added to a date for a promise: what the shop adds.
    pub promise_days: u16,
    /// Who comes for it.
    pub customers: Customers,
}

/// Who comes, and how patient they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Customers {
    /// Customers a day.
    pub rate: f64,
    /// Units that one wants, each as likely. Empty: one.
    pub sizes: Vec<Units>,
    /// Share who would wait a little.
    pub accept: f64,
    /// Of those, the share lost with each day of wait (exponential).
    pub patience_rate: f64,
    /// Share of waiting orders called off each day (exponential).
    pub cancel_rate: f64,
    /// Of those who are refused or do not wait, the share who leave an address where there is a waitlist.
    pub waitlist: f64,
    /// Of those invited, the share who buy.
    pub convert: f64,
}

/// What things cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Costs {
    /// The processor's share of a payment.
    pub payment_share: f64,
    /// Its fixed fee for one.
    pub payment_fixed: f64,
    /// Days until the processor pays out.
    pub payout_days: u16,
    /// What a unit that ships later than promised costs.
    pub late: f64,
    /// What a unit refused costs beside the sale.
    pub goodwill: f64,
    /// What a unit called off costs.
    pub cancel: f64,
    /// What a unit that waits costs in questions.
    pub service: f64,
    /// What a unit on the shelf costs a day.
    pub holding: f64,
    /// Share of a purchase order paid when it is placed; the rest when it comes.
    pub supplier_deposit: f64,
    /// Cash at the start.
    pub opening_cash: f64,
}

impl Default for Costs {
    fn default() -> Self {
        Self {
            payment_share: 0.029,
            payment_fixed: 0.30,
            payout_days: 2,
            late: 0.0,
            goodwill: 0.0,
            cancel: 0.0,
            service: 0.99,
            holding: 0.0,
            supplier_deposit: 0.0,
            opening_cash: 0.0,
        }
    }
}

/// How goods are bought during the stretch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Reorder {
    /// Not at all: what is on its way is all there is.
    Nothing,
    /// When no more than `at` are here or on order less what is owed, so many more are ordered; base-stock S is `at` S−1, 1 unit.
    Point {
        /// The point.
        at: Units,
        /// How many.
        units: Units,
        /// Days until they are to come.
        lead_days: f64,
    },
    /// One unit after the other is made while fewer than `until` are here less what is owed; each takes an exponential time.
    Production {
        /// Up to so many.
        until: Units,
        /// Units a day.
        rate: f64,
    },
}

/// A way to run the shop.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// What it is called.
    pub name: String,
    /// How the SKU is sold; `None`: as its [`World`] says.
    pub policy: Option<Policy>,
    /// How it is bought.
    pub reorder: Reorder,
    /// Goods on their way at the start come so many days later than their date says, beside their own lateness.
    pub slip_days: f64,
    /// So many times the customers. With it the customers are others.
    pub demand_factor: f64,
}

/// One SKU with everything around it.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// What is sold.
    pub goods: Goods,
    /// How it is sold unless a variant says otherwise.
    pub policy: Policy,
    /// What things cost.
    pub costs: Costs,
    /// Days that are simulated.
    pub days: f64,
    /// Of them, days at the start that are not counted.
    pub warm_up_days: f64,
}

fn bad<T>(field: &str, problem: impl Into<String>) -> Result<T, InputError> {
    Err(InputError { field: field.to_owned(), problem: problem.into() })
}

fn within(field: &str, value: f64, least: f64, most: f64) -> Result<(), InputError> {
    if value.is_finite() && (least..=most).contains(&value) {
        return Ok(());
    }
    bad(field, format!("must lie between {least} and {most}, got {value}"))
}

impl World {
    /// Errors: a number that makes no sense, by name.
    pub fn check(&self) -> Result<(), InputError> {
        let (goods, customers, costs) = (&self.goods, &self.goods.customers, &self.costs);
        within("days", self.days, 1e-3, DAYS_MAX)?;
        within("warm_up_days", self.warm_up_days, 0.0, self.days)?;
        within("price", goods.price, 0.0, 1e9)?;
        within("unit_cost", goods.unit_cost, 0.0, 1e9)?;
        within("on_hand", goods.on_hand as f64, 0.0, 1e9)?;
        within("rate", customers.rate, 0.0, 1e6)?;
        within("rate", customers.rate * self.days, 0.0, CUSTOMERS_MAX)?;
        for (field, share) in [
            ("accept", customers.accept),
            ("waitlist", customers.waitlist),
            ("convert", customers.convert),
            ("payment_share", costs.payment_share),
            ("supplier_deposit", costs.supplier_deposit),
        ] {
            within(field, share, 0.0, 1.0)?;
        }
        for (field, amount) in [
            ("patience_rate", customers.patience_rate),
            ("cancel_rate", customers.cancel_rate),
            ("payment_fixed", costs.payment_fixed),
            ("late", costs.late),
            ("goodwill", costs.goodwill),
            ("cancel", costs.cancel),
            ("service", costs.service),
            ("holding", costs.holding),
        ] {
            within(field, amount, 0.0, 1e9)?;
        }
        within("opening_cash", costs.opening_cash, -1e12, 1e12)?;
        if customers.sizes.iter().any(|size| !(1..=1_000_000).contains(size)) {
            return bad("sizes", "units wanted are from 1 to 1000000");
        }
        for due in &goods.due {
            within("given_in_days", due.given_in_days, -DAYS_MAX, DAYS_MAX)?;
            within("units", due.units as f64, 1.0, 1e9)?;
        }
        if goods.late_days.iter().any(|days| days.abs() > 1_825) {
            return bad("late_days", "at most 1825 days");
        }
        Ok(())
    }
}

impl Variant {
    /// Errors: a number that makes no sense, by name.
    pub fn check(&self, world: &World) -> Result<(), InputError> {
        within("slip_days", self.slip_days, -DAYS_MAX, DAYS_MAX)?;
        within("demand_factor", self.demand_factor, 0.0, 1_000.0)?;
        let customers = world.goods.customers.rate * self.demand_factor * world.days;
        within("demand_factor", customers, 0.0, CUSTOMERS_MAX)?;
        match self.reorder {
            Reorder::Nothing => Ok(()),
            Reorder::Point { at, units, lead_days } => {
                within("at", at as f64, -1e9, 1e9)?;
                within("units", units as f64, 1.0, 1e9)?;
                within("lead_days", lead_days, 0.0, DAYS_MAX)
            }
            Reorder::Production { until, rate } => {
                within("until", until as f64, 0.0, 1e6)?;
                within("rate", rate, 1e-6, 1e4)
            }
        }
    }
}
