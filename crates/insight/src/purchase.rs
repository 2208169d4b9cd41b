//! What to buy: how many units, and when, so that the expected profit until the order after next could be here is largest.
//!
//! Demand until then is negative binomial: a Poisson number whose rate is what the shop's own past leaves open (a gamma posterior).
//! A newsvendor with lot size, minimum, price breaks and a limit on it. Formulas: `docs/theory/purchasing.md`.

use serde::{Deserialize, Serialize};

use crate::{
    dist::{first_reached, negative_binomial_cdf},
    error::{Checked, bad, length, not_negative, positive, share, too_large, whole},
};

/// Most units that are looked at for one order.
const UNITS_MAX: i64 = 100_000_000;

/// A price that holds from so many units on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceBreak {
    /// From so many units.
    pub from: i64,
    /// A unit costs so much, all of them.
    pub unit_cost: f64,
}

/// One SKU to buy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurchaseInput {
    /// Selling price.
    pub price: f64,
    /// What a unit costs without any break.
    pub unit_cost: f64,
    /// Cheaper prices for more units, ascending.
    #[serde(default)]
    pub breaks: Vec<PriceBreak>,
    /// Units asked for, as the belief before and the past add up to (gamma shape).
    pub demand_shape: f64,
    /// Days in which they were asked for (gamma rate).
    pub demand_days: f64,
    /// Days from ordering to arrival.
    pub lead_days: f64,
    /// Days until the next order can be placed.
    pub review_days: f64,
    /// Units here or on order less what is owed and waited for; may be below zero.
    pub available: i64,
    /// Units are sold in lots of so many.
    pub lot_size: i64,
    /// Least units in an order.
    pub minimum: i64,
    /// Most units in an order: shelf, or what the supplier makes.
    pub maximum: Option<i64>,
    /// What an order costs beside its units.
    pub order_cost: f64,
    /// What a unit that is left at the end costs: capital, shelf, what it loses.
    pub left_over_cost: f64,
    /// Share of customers who wait when there is none.
    pub wait_share: f64,
    /// What one who waits costs.
    pub wait_cost: f64,
    /// What one who goes costs beside the sale.
    pub goodwill: f64,
}

/// What holds an order back from the size that would earn most, or makes it larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// Nothing does.
    Nothing,
    /// The least units in an order.
    Minimum,
    /// The most units in an order.
    Maximum,
    /// A cheaper price from more units on.
    PriceBreak,
}

/// What to buy of one SKU.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Purchase {
    /// Units to order now, or when it is time; zero where none earn anything.
    pub quantity: i64,
    /// What a unit costs in an order of that size.
    pub unit_cost: f64,
    /// Days until it is to be ordered; zero: now.
    pub order_in_days: f64,
    /// It is time when no more than this is available.
    pub reorder_point: i64,
    /// Units expected to be asked for until an order placed now is here.
    pub demand_in_lead_time: f64,
    /// The same until the order after it could be here.
    pub demand: f64,
    /// Less than this in one case of ten.
    pub demand_p10: i64,
    /// More than this in one case of ten.
    pub demand_p90: i64,
    /// Share of cases in which a unit short costs more than one left over: what is aimed at.
    pub critical_ratio: f64,
    /// Probability that what is at hand runs out before an order placed now is here.
    pub short_probability: f64,
    /// Probability that nobody is left without until then.
    pub covered: f64,
    /// What the order is expected to earn, over ordering nothing.
    pub expected_profit: f64,
    /// What one more lot would earn.
    pub next_lot_profit: f64,
    /// What decides the size beside demand.
    pub binding: Binding,
}

/// Demand over some days.
struct Demand {
    shape: f64,
    p: f64,
    mean: f64,
}

impl Demand {
    fn over(input: &PurchaseInput, days: f64) -> Self {
        let p = input.demand_days / (input.demand_days + days);
        Self { shape: input.demand_shape, p, mean: input.demand_shape / input.demand_days * days }
    }

    fn at_most(&self, units: i64) -> f64 {
        if self.mean == 0.0 {
            f64::from(u8::from(units >= 0))
        } else {
            negative_binomial_cdf(units, self.shape, self.p)
        }
    }

    fn quantile(&self, level: f64) -> i64 {
        first_reached(0, UNITS_MAX, |units| self.at_most(units) >= level).unwrap_or(UNITS_MAX)
    }

    /// E(D − y)⁺.
    fn short(&self, units: i64) -> f64 {
        if units <= 0 || self.mean == 0.0 {
            return (self.mean - units as f64).max(0.0);
        }
        // E min(D, y) = E[D; D ≤ y] + y·P(D > y), and E[D; D ≤ y] = E D · P(D' ≤ y − 1) with one success more.
        let sold = self.mean * negative_binomial_cdf(units - 1, self.shape + 1.0, self.p)
            + units as f64 * (1.0 - self.at_most(units));
        (self.mean - sold).max(0.0)
    }
}

fn check(input: &PurchaseInput) -> Checked<()> {
    positive("price", input.price)?;
    not_negative("unit_cost", input.unit_cost)?;
    positive("demand_shape", input.demand_shape)?;
    positive("demand_days", input.demand_days)?;
    not_negative("lead_days", input.lead_days)?;
    positive("review_days", input.review_days)?;
    whole("available", input.available, -UNITS_MAX, UNITS_MAX)?;
    whole("lot_size", input.lot_size, 1, UNITS_MAX)?;
    whole("minimum", input.minimum, 0, UNITS_MAX)?;
    if let Some(maximum) = input.maximum {
        whole("maximum", maximum, 0, UNITS_MAX)?;
    }
    for (name, value) in [
        ("order_cost", input.order_cost),
        ("left_over_cost", input.left_over_cost),
        ("wait_cost", input.wait_cost),
        ("goodwill", input.goodwill),
    ] {
        not_negative(name, value)?;
    }
    share("wait_share", input.wait_share)?;
    length("breaks", input.breaks.len(), 0, 50)?;
    let mut last = (1, input.unit_cost);
    for (n, level) in input.breaks.iter().enumerate() {
        let name = format!("breaks[{n}]");
        whole(&name, level.from, 1, UNITS_MAX)?;
        not_negative(&name, level.unit_cost)?;
        if level.from <= last.0 || level.unit_cost > last.1 {
            return bad(name, "more units must come later and cost no more each");
        }
        last = (level.from, level.unit_cost);
    }
    let rate = input.demand_shape / input.demand_days;
    if rate * (input.lead_days + input.review_days) > 1e7 {
        return too_large("demand_shape", "at most 1e7 units until the order after next");
    }
    Ok(())
}

/// Returns what to buy. The same input gives the same bytes.
///
/// Errors: a number that makes no sense, by name. Nothing to buy is an answer: zero units.
pub fn purchase(input: &PurchaseInput) -> Checked<Purchase> {
    check(input)?;
    let whole_time = Demand::over(input, input.lead_days + input.review_days);
    let lead = Demand::over(input, input.lead_days);
    let margin = input.price - input.unit_cost;
    let short_cost =
        input.wait_share * input.wait_cost + (1.0 - input.wait_share) * (margin + input.goodwill);
    let short_cost = short_cost.max(0.0);
    let critical_ratio =
        if short_cost > 0.0 { short_cost / (short_cost + input.left_over_cost.max(1e-12)) } else { 0.0 };
    let cost_at = |units: i64| {
        let level = input.breaks.iter().rev().find(|level| units >= level.from);
        level.map_or(input.unit_cost, |level| level.unit_cost)
    };
    let short_without = whole_time.short(input.available);
    let left = |units: i64| {
        let stands = input.available.saturating_add(units);
        (stands as f64 - whole_time.mean + whole_time.short(stands)).max(0.0)
    };
    let left_without = left(0);
    let gain = |units: i64| {
        let served = short_without - whole_time.short(input.available.saturating_add(units));
        // A lower price is a gain on what is asked for in time; on what is left over it would make any heap of goods pay.
        (short_cost + input.unit_cost - cost_at(units)) * served
            - input.left_over_cost * (left(units) - left_without)
    };
    let (quantity, binding) = size(input, &gain);
    let expected_profit = if quantity > 0 { gain(quantity) - input.order_cost } else { 0.0 };
    let (quantity, expected_profit) =
        if expected_profit > 0.0 { (quantity, expected_profit) } else { (0, 0.0) };
    let reorder_point = if critical_ratio > 0.0 { lead.quantile(critical_ratio.min(0.9999)) } else { 0 };
    let over = (input.available - reorder_point).max(0) as f64;
    let order_in_days = over / (input.demand_shape / input.demand_days);
    Ok(Purchase {
        quantity,
        unit_cost: cost_at(quantity),
        order_in_days: if input.available <= reorder_point { 0.0 } else { order_in_days },
        reorder_point,
        demand_in_lead_time: lead.mean,
        demand: whole_time.mean,
        demand_p10: whole_time.quantile(0.1),
        demand_p90: whole_time.quantile(0.9),
        critical_ratio,
        short_probability: 1.0 - lead.at_most(input.available),
        covered: whole_time.at_most(input.available.saturating_add(quantity)),
        expected_profit,
        next_lot_profit: gain(quantity + input.lot_size) - gain(quantity),
        binding: if quantity > 0 { binding } else { Binding::Nothing },
    })
}

/// The size that earns most among whole lots within the limits. At one price what a further lot earns only falls.
fn size(input: &PurchaseInput, gain: &impl Fn(i64) -> f64) -> (i64, Binding) {
    let lot = input.lot_size;
    let up = |units: i64| units.div_euclid(lot) * lot + if units.rem_euclid(lot) > 0 { lot } else { 0 };
    let least = up(input.minimum.max(1));
    let most = input.maximum.unwrap_or(UNITS_MAX).min(UNITS_MAX) / lot * lot;
    if most < least {
        return (0, Binding::Maximum);
    }
    // Where each price begins and ends, in whole lots.
    let mut starts: Vec<i64> = vec![1];
    starts.extend(input.breaks.iter().map(|level| level.from));
    let mut best = (0, Binding::Nothing, 0.0);
    for (n, start) in starts.iter().enumerate() {
        let from = up(*start).max(least);
        let to = starts.get(n + 1).map_or(most, |next| (next - 1).div_euclid(lot) * lot).min(most);
        if from > to {
            continue;
        }
        let lots = (to - from) / lot;
        let falls = |k: i64| k >= lots || gain(from + (k + 1) * lot) - gain(from + k * lot) <= 0.0;
        let k = first_reached(0, lots, falls).unwrap_or(lots);
        let units = from + k * lot;
        let binding = match () {
            () if units == most && input.maximum.is_some() => Binding::Maximum,
            () if units == least && input.minimum > 1 => Binding::Minimum,
            () if n > 0 && units == from => Binding::PriceBreak,
            () => Binding::Nothing,
        };
        let value = gain(units);
        if value > best.2 {
            best = (units, binding, value);
        }
    }
    (best.0, best.1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::special::ln_gamma;

    /// A mug of 40 that costs 15; one a day is asked for, known from 100 days.
    fn mug() -> PurchaseInput {
        PurchaseInput {
            price: 40.0,
            unit_cost: 15.0,
            breaks: Vec::new(),
            demand_shape: 100.0,
            demand_days: 100.0,
            lead_days: 20.0,
            review_days: 10.0,
            available: 0,
            lot_size: 1,
            minimum: 0,
            maximum: None,
            order_cost: 0.0,
            left_over_cost: 2.0,
            wait_share: 0.13,
            wait_cost: 3.0,
            goodwill: 2.5,
        }
    }

    #[test]
    fn what_is_bought_covers_the_critical_share_of_demand() {
        let got = purchase(&mug()).unwrap();
        // 0.13·3 + 0.87·27.5 = 24.315 against 2.
        assert!((got.critical_ratio - 24.315 / 26.315).abs() < 1e-12, "{got:?}");
        assert!(got.covered >= got.critical_ratio);
        let less = purchase(&PurchaseInput { available: 1, ..mug() }).unwrap();
        assert_eq!(less.quantity, got.quantity - 1, "what is there is not bought");
        assert!((got.demand - 30.0).abs() < 1e-9 && got.order_in_days == 0.0);
        assert!(got.short_probability > 0.999 && less.short_probability <= got.short_probability);
        assert!(got.expected_profit > 24.0 * 25.0 && got.next_lot_profit <= 0.0);
    }

    #[test]
    fn lots_minimum_breaks_and_limits_hold() {
        let free = purchase(&mug()).unwrap().quantity;
        let lots = purchase(&PurchaseInput { lot_size: 24, ..mug() }).unwrap();
        assert_eq!(lots.quantity % 24, 0);
        let least = purchase(&PurchaseInput { minimum: 60, ..mug() }).unwrap();
        assert_eq!((least.quantity, least.binding), (60, Binding::Minimum));
        let shelf = purchase(&PurchaseInput { maximum: Some(10), ..mug() }).unwrap();
        assert_eq!((shelf.quantity, shelf.binding), (10, Binding::Maximum));
        assert!(shelf.next_lot_profit > 0.0, "more would earn more");
        let breaks = vec![PriceBreak { from: free + 8, unit_cost: 12.0 }];
        let cheap = purchase(&PurchaseInput { breaks, ..mug() }).unwrap();
        assert_eq!((cheap.quantity, cheap.unit_cost, cheap.binding), (free + 8, 12.0, Binding::PriceBreak));
        let none = purchase(&PurchaseInput { minimum: 50, maximum: Some(40), ..mug() }).unwrap();
        assert_eq!(none.quantity, 0);
    }

    #[test]
    fn nothing_is_bought_that_earns_nothing() {
        for (input, why) in [
            (PurchaseInput { price: 15.0, goodwill: 0.0, wait_cost: 0.0, ..mug() }, "no margin"),
            (PurchaseInput { price: 9.0, goodwill: 0.0, wait_cost: 0.0, ..mug() }, "a loss"),
            (PurchaseInput { available: 500, ..mug() }, "plenty"),
            (PurchaseInput { order_cost: 1e6, ..mug() }, "an order costs more"),
        ] {
            let got = purchase(&input).unwrap();
            assert_eq!((got.quantity, got.expected_profit), (0, 0.0), "{why}");
        }
        let later = purchase(&PurchaseInput { available: 60, ..mug() }).unwrap();
        assert!(later.order_in_days > 20.0, "{later:?}");
        let owed = purchase(&PurchaseInput { available: -12, ..mug() }).unwrap();
        assert_eq!(owed.quantity, purchase(&mug()).unwrap().quantity + 12);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let one_point = PurchaseInput { demand_shape: 0.5, demand_days: 1.0, ..mug() };
        assert!(purchase(&one_point).unwrap().demand_p90 > 30, "one day says little, so the range is wide");
        for (input, field) in [
            (PurchaseInput { demand_shape: 0.0, ..mug() }, "demand_shape"),
            (PurchaseInput { price: f64::NAN, ..mug() }, "price"),
            (PurchaseInput { unit_cost: -1.0, ..mug() }, "unit_cost"),
            (PurchaseInput { wait_share: 1.1, ..mug() }, "wait_share"),
            (PurchaseInput { lot_size: 0, ..mug() }, "lot_size"),
            (PurchaseInput { review_days: 0.0, ..mug() }, "review_days"),
            (PurchaseInput { breaks: vec![PriceBreak { from: 9, unit_cost: 16.0 }], ..mug() }, "breaks[0]"),
            (PurchaseInput { demand_shape: 1e11, ..mug() }, "demand_shape"),
        ] {
            assert_eq!(purchase(&input).unwrap_err().field(), field);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn no_other_size_earns_more(
            shape in 0.5_f64..60.0, lead in 0.0_f64..40.0, available in -10_i64..40, left in 0.2_f64..20.0,
            lot in 1_i64..9, minimum in 0_i64..30, from in 5_i64..60, cheap in 9.0_f64..15.0,
        ) {
            let breaks = vec![PriceBreak { from, unit_cost: cheap }];
            let input = PurchaseInput {
                demand_shape: shape, demand_days: 30.0, lead_days: lead, available, left_over_cost: left,
                lot_size: lot, minimum, breaks, ..mug()
            };
            let got = purchase(&input).unwrap();
            // The same by adding up every number of units that may be asked for.
            let days = lead + 10.0;
            let p = 30.0 / (30.0 + days);
            let pmf: Vec<f64> = (0..4_000).map(|k| {
                let k = f64::from(k);
                (ln_gamma(shape + k) - ln_gamma(shape) - ln_gamma(k + 1.0) + shape * p.ln() + k * (1.0 - p).ln()).exp()
            }).collect();
            prop_assume!(pmf.iter().sum::<f64>() > 1.0 - 1e-10);
            let short_cost = 0.13 * 3.0 + 0.87 * 27.5;
            let value = |units: i64| -> f64 {
                let cost = if units >= from { cheap } else { 15.0 };
                let stands = (available + units) as f64;
                let of = |k: usize| {
                    let over = k as f64 - stands;
                    let short = over.max(0.0);
                    let served = (k as f64 - available as f64).max(0.0) - short;
                    -short_cost * short + left * over.min(0.0) + (15.0 - cost) * served
                };
                pmf.iter().enumerate().map(|(k, q)| q * of(k)).sum::<f64>()
            };
            let nothing = value(0);
            let best = (1..=400 / lot).map(|k| k * lot).filter(|units| *units >= minimum)
                .map(|units| value(units) - nothing).fold(0.0, f64::max);
            prop_assert!((got.expected_profit - best).abs() < 1e-6 * best.max(1.0), "{got:?} {best}");
        }
    }
}
