//! One SKU as the buyer asks about it.

use insight::{
    advice::{Subject, advise},
    purchase::{PriceBreak, PurchaseInput},
};
use model::{
    Units,
    id::Channel,
    pool::Pool,
    purchasing::SupplierTerms,
    supply::SupplyState,
    time::{Date, Timestamp, days_since_epoch},
};
use serde::{Deserialize, Serialize};

use crate::{
    history::{History, Supplier},
    subject::{Whole, subject},
};

/// Days until goods come where nothing says how long they take.
const LEAD_DAYS: f64 = 30.0;
/// Days between orders unless it is set.
pub const REVIEW_DAYS: u16 = 14;
/// What a unit left over costs a year, as a share of its cost: capital, shelf and what it loses.
const LEFT_OVER_YEARLY: f64 = 0.25;

/// How a SKU is bought, as its merchant has set it. What is `None` is taken from elsewhere, or has its default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PurchaseTerms {
    /// Days from ordering to arrival.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_time_days: Option<u16>,
    /// Days until the next order can be placed; 14 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_days: Option<u16>,
    /// Units to a lot; 1 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lot_size: Option<Units>,
    /// Least units in an order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Units>,
    /// Most units in an order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<Units>,
    /// Most units that there is room for, those here and on their way among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shelf_max: Option<Units>,
    /// What an order costs beside its units, in the currency's own unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_cost: Option<f64>,
    /// Cheaper prices from so many units on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub breaks: Vec<PriceBreak>,
}

/// Where the lead time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadSource {
    /// The SKU's purchasing terms.
    Terms,
    /// The lead time of its policy.
    Policy,
    /// Its supplier's receipts.
    Receipts,
    /// Nobody has said.
    Guess,
}

/// What there is to ask about one SKU.
#[derive(Debug, Clone, PartialEq)]
pub struct PurchaseQuestion {
    /// What is asked.
    pub input: PurchaseInput,
    /// Where its lead time comes from.
    pub lead_source: LeadSource,
    /// Days that takes once it is ordered, days on which the supplier is closed not among them.
    pub lead_days: f64,
    /// Units owed with no goods behind them.
    pub owed: Units,
    /// Units wanted by people on the waitlist.
    pub waiting: Units,
    /// Units here that nobody has a claim on.
    pub on_hand: Units,
    /// Units on order that nobody has a claim on.
    pub inbound: Units,
    /// What customers and costs are taken to be.
    pub subject: Subject,
}

/// What to ask about buying a SKU at a moment.
///
/// Errors, in words: it is a kit or no longer made, has no price or cost, or nobody asked for it.
pub fn purchase_question(
    pool: &Pool,
    terms: &PurchaseTerms,
    (history, whole): (&History, &Whole),
    now: Timestamp,
) -> Result<PurchaseQuestion, String> {
    let channel = Channel::default();
    let subject = subject(pool, &channel, history, whole, now).map_err(|why| why.to_string())?;
    if pool.item.discontinued {
        return Err("it is no longer made".to_owned());
    }
    let (Some(price), Some(unit_cost)) = (subject.price, subject.unit_cost) else {
        return Err("without a price and a cost nothing says what a unit earns".to_owned());
    };
    // The advisor checks what is known and says what is not.
    let advice = advise(&subject).map_err(|error| error.to_string())?;
    let figure = |name: &str| {
        advice.figures.iter().find(|figure| figure.name == name).map_or(0.0, |figure| figure.value)
    };
    let policy = pool.policy_set(&channel);
    let receipts = pool.item.supplier.as_deref().and_then(|name| history.supplier(name));
    let seen = receipts.and_then(Supplier::lead_days);
    let (lead_days, lead_source) =
        match (terms.lead_time_days, policy.and_then(|policy| policy.lead_time_days), seen) {
            (Some(days), ..) => (f64::from(days), LeadSource::Terms),
            (None, Some(days), _) => (f64::from(days), LeadSource::Policy),
            (None, None, Some(days)) => (days, LeadSource::Receipts),
            (None, None, None) => (LEAD_DAYS, LeadSource::Guess),
        };
    let review_days = f64::from(terms.review_days.unwrap_or(REVIEW_DAYS).max(1));
    let due = || pool.supplies.iter().filter(|supply| supply.state == SupplyState::Due);
    let owed: Units =
        due().filter(|supply| supply.kind.is_elastic()).map(|supply| supply.pegged() + supply.held()).sum();
    let inbound: Units =
        due().filter(|supply| !supply.kind.is_elastic()).map(|supply| supply.free().max(0)).sum();
    let on_hand = pool.free_on_hand().max(0);
    let waiting = history.goods(pool.sku()).map_or(0, |goods| goods.waiting);
    let kept = owed as f64 * (-figure("cancel_rate_backorder") * lead_days).exp();
    let called = waiting as f64 * figure("waitlist_convert");
    let available = on_hand + inbound - (kept + called).round() as Units;
    let demand = figure("demand_per_day");
    // The same belief as the advisor's: its mean is a ÷ b.
    let shape = (subject.units_asked + 0.5).max(0.5);
    let input = PurchaseInput {
        price,
        unit_cost,
        breaks: terms.breaks.clone(),
        demand_shape: shape,
        demand_days: shape / demand.max(1e-9),
        lead_days,
        review_days,
        available,
        lot_size: terms.lot_size.unwrap_or(1),
        minimum: terms.minimum.unwrap_or(0),
        maximum: most(terms, on_hand + inbound),
        order_cost: terms.order_cost.unwrap_or(0.0),
        left_over_cost: unit_cost * LEFT_OVER_YEARLY / 365.0 * (lead_days + review_days),
        wait_share: figure("accept_backorder").min(1.0),
        wait_cost: figure("service_cost") + figure("late_probability") * figure("late_cost"),
        goodwill: figure("goodwill_lost"),
    };
    Ok(PurchaseQuestion { input, lead_source, lead_days, owed, waiting, on_hand, inbound, subject })
}

/// Most units in an order: as set, and no more than there is room for.
fn most(terms: &PurchaseTerms, held: Units) -> Option<Units> {
    let room = terms.shelf_max.map(|shelf| (shelf - held).max(0));
    match (terms.maximum, room) {
        (Some(maximum), Some(room)) => Some(maximum.min(room)),
        (maximum, room) => maximum.or(room),
    }
}

impl PurchaseQuestion {
    /// Keeps to a supplier's calendar: an order placed now goes out on the next day on which it takes orders, and days on which it is closed
    /// do not count.
    pub fn keep_to(&mut self, calendar: &SupplierTerms, today: Date) {
        let ordered = calendar.order_on(today);
        let comes = calendar.arrives(ordered, self.lead_days.ceil().clamp(0.0, 1_825.0) as u16);
        let days = f64::from(days_since_epoch(comes) - days_since_epoch(today));
        if *calendar != SupplierTerms::default() {
            self.input.lead_days = days.max(self.lead_days);
        }
    }
}

/// Which of these orders to place with so much money: by what each earns for its money, whole orders only, in the order of their places
/// where they earn the same. Answers their places.
pub fn within_budget(orders: &[(f64, f64)], cash: f64) -> Vec<usize> {
    let mut places: Vec<usize> = (0..orders.len()).collect();
    let worth = |place: &usize| orders[*place].1 / orders[*place].0.max(1e-9);
    places.sort_by(|a, b| worth(b).total_cmp(&worth(a)).then(a.cmp(b)));
    let mut left = cash;
    places.retain(|place| {
        let fits = orders[*place].0 <= left + 1e-9;
        if fits {
            left -= orders[*place].0;
        }
        fits
    });
    places.sort_unstable();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_no_larger_than_what_there_is_room_for() {
        let terms = |maximum, shelf_max| PurchaseTerms { maximum, shelf_max, ..PurchaseTerms::default() };
        assert_eq!(most(&terms(None, None), 7), None);
        assert_eq!(most(&terms(Some(50), Some(40)), 7), Some(33));
        assert_eq!(most(&terms(Some(20), Some(40)), 7), Some(20));
        assert_eq!(most(&terms(None, Some(5)), 7), Some(0), "it is full");
    }

    #[test]
    fn money_goes_where_it_earns_most() {
        // Cost and profit of each order.
        let orders = [(100.0, 10.0), (50.0, 20.0), (60.0, 30.0), (1_000.0, 900.0)];
        assert_eq!(within_budget(&orders, 120.0), [1, 2]);
        assert_eq!(within_budget(&orders, 1_060.0), [2, 3]);
        assert_eq!(within_budget(&orders, f64::INFINITY), [0, 1, 2, 3]);
        assert!(within_budget(&orders, 10.0).is_empty());
    }
}
