//! Cash over the days ahead from what is ordered, owed and on its way already, in as many worlds as suppliers and customers leave open.
//!
//! Beside [`crate::cash`], which adds one world up exactly. Formulas: `docs/theory/cash.md`.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Checked, bad, finite, length, not_negative, share, whole},
    random::{draw, uniform},
};

/// Worlds that are drawn.
const WORLDS: u64 = 400;
const SEED: u64 = 0xca54_4a4e_ad00;
/// Most days ahead.
pub const DAYS_MAX: i64 = 730;
/// Most orders and most purchases.
const MANY_MAX: usize = 200_000;

/// Units of an order that are still to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenOrder {
    /// Which of the purchases it waits for; `None`: its goods are here.
    pub purchase: Option<usize>,
    /// Days from the arrival of its goods, or from today, until it is sent.
    pub then_days: f64,
    /// Paid when it is sent.
    pub balance: f64,
    /// Paid already; goes back if it is called off.
    pub prepaid: f64,
}

/// Goods that are ordered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenPurchase {
    /// Days until the date given.
    pub given_in_days: f64,
    /// Paid when they come.
    pub due: f64,
    /// Days that its supplier's goods came after the date given, each as likely; empty: on the day.
    pub late_days: Vec<i32>,
}

/// What is known today.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AheadInput {
    /// Cash today.
    pub opening: f64,
    /// Days ahead.
    pub days: i64,
    /// Days until the processor pays out.
    pub payout_days: i64,
    /// The processor's share of a payment.
    pub payment_share: f64,
    /// Its fixed fee for one.
    pub payment_fixed: f64,
    /// Share of waiting orders called off each day.
    pub cancel_rate: f64,
    /// Money that goes back at once.
    pub refunds_due: f64,
    /// Orders that are open.
    pub orders: Vec<OpenOrder>,
    /// Goods that are ordered.
    pub purchases: Vec<OpenPurchase>,
}

/// The balance at the end of one day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Day {
    /// Days from today.
    pub day: i64,
    /// In the middle of the worlds.
    pub mean: f64,
    /// Below this in one of ten.
    pub p10: f64,
    /// Above this in one of ten.
    pub p90: f64,
    /// Paid by customers and not earned yet: what would have to go back.
    pub unearned: f64,
}

/// Cash over the days ahead.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ahead {
    /// Every day, today first.
    pub days: Vec<Day>,
    /// The lowest balance in the mean.
    pub lowest_mean: f64,
    /// In nine of ten worlds the lowest balance is above this.
    pub lowest_p10: f64,
    /// The day on which it is lowest in most worlds.
    pub lowest_day: i64,
    /// Share of worlds in which the balance falls below zero.
    pub negative_probability: f64,
    /// Paid by customers and not earned today: a liability.
    pub unearned: f64,
}

fn check(input: &AheadInput) -> Checked<()> {
    finite("opening", input.opening)?;
    whole("days", input.days, 1, DAYS_MAX)?;
    whole("payout_days", input.payout_days, 0, DAYS_MAX)?;
    share("payment_share", input.payment_share)?;
    not_negative("payment_fixed", input.payment_fixed)?;
    not_negative("cancel_rate", input.cancel_rate)?;
    not_negative("refunds_due", input.refunds_due)?;
    length("orders", input.orders.len(), 0, MANY_MAX)?;
    length("purchases", input.purchases.len(), 0, MANY_MAX)?;
    for (n, order) in input.orders.iter().enumerate() {
        let name = format!("orders[{n}]");
        for value in [order.then_days, order.balance, order.prepaid] {
            not_negative(&name, value)?;
        }
        if order.purchase.is_some_and(|purchase| purchase >= input.purchases.len()) {
            return bad(name, "waits for a purchase that is not there");
        }
    }
    for (n, purchase) in input.purchases.iter().enumerate() {
        let name = format!("purchases[{n}]");
        finite(&name, purchase.given_in_days)?;
        not_negative(&name, purchase.due)?;
        if purchase.late_days.len() > 10_000 || purchase.late_days.iter().any(|days| days.abs() > 10_000) {
            return bad(name, "at most 10000 days late, and as many of them");
        }
    }
    Ok(())
}

impl AheadInput {
    /// The same shop, had it taken nothing before it sends: what was paid for goods that are still to be sent is not in its cash, and is
    /// paid when they are sent.
    ///
    /// Fees were taken when customers paid, so cash is short of what they paid less those. Who orders, and who calls off, is taken to be the
    /// same: that prepayment keeps people from either is the advisor's question.
    #[must_use]
    pub fn without_prepayment(&self) -> Self {
        let taken = |order: &OpenOrder| {
            let fixed = if order.prepaid > 0.0 { self.payment_fixed } else { 0.0 };
            (order.prepaid * (1.0 - self.payment_share) - fixed).max(0.0)
        };
        let later = |order: &OpenOrder| OpenOrder {
            balance: order.balance + order.prepaid,
            prepaid: 0.0,
            ..order.clone()
        };
        Self {
            opening: self.opening - self.orders.iter().map(taken).sum::<f64>(),
            orders: self.orders.iter().map(later).collect(),
            ..self.clone()
        }
    }
}

/// Returns cash over the days ahead. The same input gives the same bytes.
///
/// Errors: a number that makes no sense, by name.
pub fn cash_ahead(input: &AheadInput) -> Checked<Ahead> {
    check(input)?;
    let length = usize::try_from(input.days).unwrap_or(0) + 1;
    let mut balances: Vec<Vec<f64>> = vec![Vec::with_capacity(WORLDS as usize); length];
    let mut unearned = vec![0.0; length];
    let (mut lowest, mut lowest_days) = (Vec::new(), vec![0_usize; length]);
    for world in 0..WORLDS {
        let (flows, earned) = one_world(input, world, length);
        let mut balance = input.opening;
        let mut owed: f64 = input.orders.iter().map(|order| order.prepaid).sum();
        let mut low = (f64::INFINITY, 0);
        for day in 0..length {
            balance += flows[day];
            owed -= earned[day];
            balances[day].push(balance);
            unearned[day] += owed.max(0.0);
            if balance < low.0 {
                low = (balance, day);
            }
        }
        lowest.push(low.0);
        lowest_days[low.1] += 1;
    }
    let worlds = WORLDS as f64;
    let of_day = |(day, list): (usize, &mut Vec<f64>)| {
        list.sort_unstable_by(f64::total_cmp);
        Day {
            day: day as i64,
            mean: list.iter().sum::<f64>() / worlds,
            p10: list[list.len() / 10],
            p90: list[list.len() - 1 - list.len() / 10],
            unearned: unearned[day] / worlds,
        }
    };
    let days = balances.iter_mut().enumerate().map(of_day).collect();
    lowest.sort_unstable_by(f64::total_cmp);
    let most = lowest_days.iter().max().copied().unwrap_or(0);
    Ok(Ahead {
        days,
        lowest_mean: lowest.iter().sum::<f64>() / worlds,
        lowest_p10: lowest[lowest.len() / 10],
        lowest_day: lowest_days.iter().position(|count| *count == most).unwrap_or(0) as i64,
        negative_probability: lowest.iter().filter(|balance| **balance < 0.0).count() as f64 / worlds,
        unearned: input.orders.iter().map(|order| order.prepaid).sum(),
    })
}

/// Money by day in one world, and what of the prepayments is earned or goes back.
fn one_world(input: &AheadInput, world: u64, length: usize) -> (Vec<f64>, Vec<f64>) {
    let seed = draw(SEED, world, 0);
    let mut flows = vec![0.0; length];
    let mut earned = vec![0.0; length];
    let add = |list: &mut Vec<f64>, day: f64, amount: f64| {
        if let Some(slot) = list.get_mut(day.max(0.0) as usize) {
            *slot += amount;
        }
    };
    add(&mut flows, 0.0, -input.refunds_due);
    let mut arrives = Vec::with_capacity(input.purchases.len());
    for (n, purchase) in input.purchases.iter().enumerate() {
        let place = (uniform(seed, 1, n as u64) * purchase.late_days.len() as f64) as usize;
        let late = purchase.late_days.get(place).copied().unwrap_or(0);
        let day = (purchase.given_in_days + f64::from(late)).max(0.0);
        add(&mut flows, day, -purchase.due);
        arrives.push(day);
    }
    for (n, order) in input.orders.iter().enumerate() {
        let sent = order.purchase.map_or(0.0, |purchase| arrives[purchase]) + order.then_days;
        let patience = if input.cancel_rate > 0.0 {
            -(-uniform(seed, 2, n as u64)).ln_1p() / input.cancel_rate
        } else {
            f64::INFINITY
        };
        if patience < sent {
            add(&mut flows, patience, -order.prepaid);
            add(&mut earned, patience, order.prepaid);
            continue;
        }
        add(&mut earned, sent, order.prepaid);
        if order.balance > 0.0 {
            let paid = order.balance * (1.0 - input.payment_share) - input.payment_fixed;
            add(&mut flows, sent + input.payout_days as f64, paid);
        }
    }
    (flows, earned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> AheadInput {
        AheadInput {
            opening: 1_000.0,
            days: 40,
            payout_days: 2,
            payment_share: 0.03,
            payment_fixed: 0.3,
            cancel_rate: 0.0,
            refunds_due: 50.0,
            orders: vec![
                OpenOrder { purchase: None, then_days: 1.0, balance: 100.0, prepaid: 0.0 },
                OpenOrder { purchase: Some(0), then_days: 1.0, balance: 300.0, prepaid: 100.0 },
            ],
            purchases: vec![OpenPurchase { given_in_days: 10.0, due: 1_200.0, late_days: Vec::new() }],
        }
    }

    #[test]
    fn one_world_is_added_up_as_it_is() {
        let got = cash_ahead(&input()).unwrap();
        let at = |day: usize| (got.days[day].p10, got.days[day].mean, got.days[day].p90);
        let same = |day: usize, value: f64| {
            let (low, mean, high) = at(day);
            for found in [low, mean, high] {
                assert!((found - value).abs() < 1e-9, "day {day}: {found}, not {value}");
            }
        };
        same(0, 950.0);
        same(3, 950.0 + 96.7);
        same(10, 950.0 + 96.7 - 1_200.0);
        same(13, 950.0 + 96.7 - 1_200.0 + 290.7);
        assert_eq!((got.lowest_day, got.negative_probability), (10, 1.0));
        assert!((got.lowest_p10 + 153.3).abs() < 1e-9 && got.unearned == 100.0);
        assert_eq!((got.days[10].unearned, got.days[11].unearned), (100.0, 0.0), "earned when it is sent");
    }

    #[test]
    fn without_prepayment_its_money_comes_when_goods_are_sent() {
        let (with, without) =
            (cash_ahead(&input()).unwrap(), cash_ahead(&input().without_prepayment()).unwrap());
        // 100 were prepaid, of which 96.70 came in; they come again two days after the goods are sent, on the 11th.
        for (day, less) in [(0, 96.7), (12, 96.7), (13, 96.7 - 97.0), (40, 96.7 - 97.0)] {
            assert!((with.days[day].mean - without.days[day].mean - less).abs() < 1e-9, "day {day}");
        }
        assert!((with.lowest_p10 - without.lowest_p10 - 96.7).abs() < 1e-9);
        assert_eq!((without.unearned, without.days[5].unearned), (0.0, 0.0));
        let none = AheadInput { orders: input().orders[..1].to_vec(), ..input() };
        assert_eq!(none.without_prepayment(), none);
    }

    #[test]
    fn late_goods_and_cancels_spread_the_days() {
        let mut some = input();
        some.purchases[0].late_days = vec![0, 0, 0, 20];
        let late = cash_ahead(&some).unwrap();
        assert!((late.negative_probability - 1.0).abs() < 1e-12, "later, not less");
        assert!(late.days[12].p10 < late.days[12].mean && late.days[12].mean < late.days[12].p90);
        some.cancel_rate = 0.05;
        let cancelled = cash_ahead(&some).unwrap();
        assert!(cancelled.days[40].mean < late.days[40].mean - 50.0);
        assert!(cancelled.days[5].unearned < 100.0);
        assert_eq!(cash_ahead(&some).unwrap(), cancelled, "the same again");
    }

    #[test]
    fn nothing_owed_is_a_flat_line_and_nonsense_is_named() {
        let none = AheadInput { orders: Vec::new(), purchases: Vec::new(), refunds_due: 0.0, ..input() };
        let got = cash_ahead(&none).unwrap();
        assert!(got.days.iter().all(|day| day.mean == 1_000.0 && day.unearned == 0.0));
        assert_eq!(got.negative_probability, 0.0);
        let mut bad = input();
        bad.orders[1].purchase = Some(7);
        for (input, field) in [
            (AheadInput { opening: f64::NAN, ..input() }, "opening"),
            (AheadInput { days: 0, ..input() }, "days"),
            (AheadInput { payment_share: 2.0, ..input() }, "payment_share"),
            (bad, "orders[1]"),
        ] {
            assert_eq!(cash_ahead(&input).unwrap_err().field(), field);
        }
    }
}
