//! How to sell what is not here: backorder, preorder, waitlist or out of stock, by expected contribution.

use serde::{Deserialize, Serialize};

use crate::error::{Checked, bad, not_negative, positive, share};

/// What is known of the item, its customers and its supply.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdvisorInput {
    /// Selling price.
    pub price: f64,
    /// Purchase cost.
    pub unit_cost: f64,
    /// Units asked for before the goods are here.
    pub demand_units: f64,
    /// Units that will come.
    pub inbound_units: f64,
    /// Days until they do.
    pub expected_wait_days: f64,
    /// Share of patience lost a day.
    pub patience_rate: f64,
    /// Share who would backorder without a wait.
    pub accept_backorder: f64,
    /// Share who would preorder without a wait.
    pub accept_preorder: f64,
    /// Share who would leave an address.
    pub accept_waitlist: f64,
    /// Share of those who buy when it is here.
    pub waitlist_convert: f64,
    /// Share of backorders cancelled.
    pub cancel_backorder: f64,
    /// Share of preorders cancelled.
    pub cancel_preorder: f64,
    /// Probability that a unit comes late.
    pub late_probability: f64,
    /// Cost of one that does.
    pub late_cost: f64,
    /// Goodwill lost with a customer sent away.
    pub goodwill_lost: f64,
    /// Cost of a cancellation.
    pub cancel_cost: f64,
    /// Share of the price paid with a preorder.
    pub deposit_share: f64,
    /// What a day's use of money is worth.
    pub daily_capital_rate: f64,
}

/// A way of selling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Sell now, ship when it comes.
    Backorder,
    /// The same with a deposit and a date of release.
    Preorder,
    /// Take addresses, sell later.
    Waitlist,
    /// Say no.
    OutOfStock,
}

/// What each mode is expected to bring.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Contribution {
    /// Of a backorder.
    pub backorder: f64,
    /// Of a preorder.
    pub preorder: f64,
    /// Of a waitlist.
    pub waitlist: f64,
    /// Of saying no.
    pub out_of_stock: f64,
}

impl Contribution {
    fn ranked(&self) -> [(Mode, f64); 4] {
        let mut modes = [
            (Mode::Backorder, self.backorder),
            (Mode::Preorder, self.preorder),
            (Mode::Waitlist, self.waitlist),
            (Mode::OutOfStock, self.out_of_stock),
        ];
        // Stable: of equals, the one that sells more.
        modes.sort_by(|a, b| b.1.total_cmp(&a.1));
        modes
    }
}

/// Where the answer would change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Flip {
    /// The input, all others as given.
    pub parameter: &'static str,
    /// Its value on the other side, nearest to the one given.
    pub at: f64,
    /// What is best there.
    pub best: Mode,
}

/// The advice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Advice {
    /// By mode.
    pub expected_contribution: Contribution,
    /// The greatest.
    pub best: Mode,
    /// How much more it brings than the next.
    pub winning_margin: f64,
    /// Inputs of which another value would change the answer; those that never do are left out.
    pub flips: Vec<Flip>,
}

/// Returns the expected contribution of each mode, the best, and what would have to change for another to be best.
///
/// Source: served·(margin − P(late)·late cost) − goodwill·refused − cancel cost·cancelled + financing gain of deposits;
/// served = min(demand·accept·keep, inbound); accept falls as e^(−patience·wait) for backorders and preorders.
pub fn mode_advisor(input: &AdvisorInput) -> Checked<Advice> {
    check(input)?;
    let expected_contribution = contribution(input);
    let [(best, most), (_, next), ..] = expected_contribution.ranked();
    Ok(Advice { expected_contribution, best, winning_margin: most - next, flips: flips(input, best) })
}

fn check(input: &AdvisorInput) -> Checked<()> {
    positive("price", input.price)?;
    positive("unit_cost", input.unit_cost)?;
    positive("demand_units", input.demand_units)?;
    not_negative("inbound_units", input.inbound_units)?;
    not_negative("expected_wait_days", input.expected_wait_days)?;
    not_negative("patience_rate", input.patience_rate)?;
    share("accept_backorder", input.accept_backorder)?;
    share("accept_preorder", input.accept_preorder)?;
    share("accept_waitlist", input.accept_waitlist)?;
    share("waitlist_convert", input.waitlist_convert)?;
    share("cancel_backorder", input.cancel_backorder)?;
    share("cancel_preorder", input.cancel_preorder)?;
    share("late_probability", input.late_probability)?;
    not_negative("late_cost", input.late_cost)?;
    not_negative("goodwill_lost", input.goodwill_lost)?;
    not_negative("cancel_cost", input.cancel_cost)?;
    share("deposit_share", input.deposit_share)?;
    not_negative("daily_capital_rate", input.daily_capital_rate)?;
    if input.daily_capital_rate > 1.0 {
        return bad("daily_capital_rate", "is a share a day, so at most 1");
    }
    Ok(())
}

fn contribution(input: &AdvisorInput) -> Contribution {
    let demand = input.demand_units;
    let margin = input.price - input.unit_cost;
    let patience = (-input.patience_rate * input.expected_wait_days).exp();
    let later = |accept: f64, cancel: f64| {
        let ordered = demand * accept * patience;
        let served = (ordered * (1.0 - cancel)).min(input.inbound_units);
        let value = served * (margin - input.late_probability * input.late_cost)
            - input.goodwill_lost * (demand - ordered)
            - input.cancel_cost * ordered * cancel;
        (value, ordered)
    };
    let (backorder, _) = later(input.accept_backorder, input.cancel_backorder);
    let (preorder, ordered) = later(input.accept_preorder, input.cancel_preorder);
    let financing =
        input.deposit_share * input.price * input.daily_capital_rate * input.expected_wait_days * ordered;
    let converted = (demand * input.accept_waitlist * input.waitlist_convert).min(input.inbound_units);
    Contribution {
        backorder,
        preorder: preorder + financing,
        waitlist: converted * margin - input.goodwill_lost * demand * (1.0 - input.accept_waitlist),
        out_of_stock: -input.goodwill_lost * demand,
    }
}

/// Name, place and largest value tried; without one, as many as are asked for: more inbound changes nothing.
type Knob = (&'static str, fn(&mut AdvisorInput) -> &mut f64, Option<f64>);

/// The inputs a shop knows least about, and how far each is varied.
const KNOBS: [Knob; 9] = [
    ("expected_wait_days", |input| &mut input.expected_wait_days, Some(365.0)),
    ("patience_rate", |input| &mut input.patience_rate, Some(1.0)),
    ("accept_backorder", |input| &mut input.accept_backorder, Some(1.0)),
    ("accept_preorder", |input| &mut input.accept_preorder, Some(1.0)),
    ("waitlist_convert", |input| &mut input.waitlist_convert, Some(1.0)),
    ("cancel_backorder", |input| &mut input.cancel_backorder, Some(1.0)),
    ("cancel_preorder", |input| &mut input.cancel_preorder, Some(1.0)),
    ("late_probability", |input| &mut input.late_probability, Some(1.0)),
    ("inbound_units", |input| &mut input.inbound_units, None),
];

/// Steps of the scan on either side; a stretch of another answer narrower than one of them may be missed.
const STEPS: u32 = 512;

fn flips(input: &AdvisorInput, best: Mode) -> Vec<Flip> {
    let flip = |&(parameter, knob, most): &Knob| {
        let mut trial = input.clone();
        let given = *knob(&mut trial);
        let most = most.unwrap_or(input.demand_units);
        let mut best_at = |value: f64| {
            *knob(&mut trial) = value;
            contribution(&trial).ranked()[0].0
        };
        let mut nearest: Option<f64> = None;
        for end in [0.0, most.max(given)] {
            if let Some(at) = first_change(given, end, best, &mut best_at)
                && nearest.is_none_or(|other| (at - given).abs() < (other - given).abs())
            {
                nearest = Some(at);
            }
        }
        nearest.map(|at| Flip { parameter, at, best: best_at(at) })
    };
    KNOBS.iter().filter_map(flip).collect()
}

/// The first value on the way from `from` to `to` at which another mode is best, to the last digits.
fn first_change(from: f64, to: f64, best: Mode, best_at: &mut impl FnMut(f64) -> Mode) -> Option<f64> {
    let at = |step: u32| from + (to - from) * f64::from(step) / f64::from(STEPS);
    let step = (1..=STEPS).find(|&step| best_at(at(step)) != best)?;
    let (mut same, mut other) = (at(step - 1), at(step));
    for _ in 0..60 {
        let middle = 0.5 * (same + other);
        if best_at(middle) == best {
            same = middle;
        } else {
            other = middle;
        }
    }
    Some(other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn item() -> AdvisorInput {
        AdvisorInput {
            price: 50.0,
            unit_cost: 30.0,
            demand_units: 100.0,
            inbound_units: 80.0,
            expected_wait_days: 10.0,
            patience_rate: 0.03,
            accept_backorder: 0.8,
            accept_preorder: 0.65,
            accept_waitlist: 0.9,
            waitlist_convert: 0.3,
            cancel_backorder: 0.1,
            cancel_preorder: 0.04,
            late_probability: 0.1,
            late_cost: 5.0,
            goodwill_lost: 1.5,
            cancel_cost: 2.0,
            deposit_share: 0.25,
            daily_capital_rate: 0.0005,
        }
    }

    #[test]
    fn each_flip_is_a_tie() {
        let input = item();
        let advice = mode_advisor(&input).unwrap();
        assert!(
            advice
                .flips
                .iter()
                .any(|flip| flip.parameter == "expected_wait_days" && flip.best == Mode::Waitlist)
        );
        for flip in &advice.flips {
            let knob = KNOBS.iter().find(|knob| knob.0 == flip.parameter).unwrap().1;
            let mut there = input.clone();
            *knob(&mut there) = flip.at;
            let [first, second, ..] = contribution(&there).ranked();
            assert_eq!(first.0, flip.best);
            assert!(first.1 - second.1 < 1e-6, "{flip:?}");
        }
    }

    #[test]
    fn selling_at_a_loss_is_advised_against() {
        let advice = mode_advisor(&AdvisorInput { unit_cost: 80.0, goodwill_lost: 0.0, ..item() }).unwrap();
        assert_eq!(advice.best, Mode::OutOfStock);
    }

    proptest! {
        #[test]
        fn longer_waits_never_help_a_backorder(a in 0.0_f64..90.0, b in 0.0_f64..90.0) {
            let at = |wait| mode_advisor(&AdvisorInput { expected_wait_days: wait, ..item() }).unwrap().expected_contribution;
            prop_assert!(at(a.max(b)).backorder <= at(a.min(b)).backorder + 1e-9);
        }

        #[test]
        fn without_goods_nothing_beats_a_no_by_more_than_goodwill(goodwill in 0.0_f64..9.0) {
            let advice = mode_advisor(&AdvisorInput { inbound_units: 0.0, goodwill_lost: goodwill, daily_capital_rate: 0.0, ..item() }).unwrap();
            let all = advice.expected_contribution;
            prop_assert!(all.backorder - all.out_of_stock <= goodwill * 100.0 + 1e-9);
        }
    }
}
