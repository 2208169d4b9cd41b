//! An advice as it is sent: money in minor units, shares from 0 to 1.

use insight::{
    advice::{Advice, Choice, Figure, Flip, Source, Terms},
    advisor::Mode,
};
use model::{
    id::{Channel, Sku},
    item::{BalanceDue, Cap, PaymentKind, PaymentTerms, Policy, WhenOut},
    money::{Currency, Money},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::schema;

/// A way of selling what is out.
#[derive(Serialize, ToSchema, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[schema(as = AdviceMode)]
pub(crate) enum ModeOut {
    /// Sell now, ship when it comes.
    Backorder,
    /// The same with a deposit.
    Preorder,
    /// Take addresses, sell later.
    Waitlist,
    /// Say no.
    OutOfStock,
}

impl From<Mode> for ModeOut {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Backorder => Self::Backorder,
            Mode::Preorder => Self::Preorder,
            Mode::Waitlist => Self::Waitlist,
            Mode::OutOfStock => Self::OutOfStock,
        }
    }
}

/// Where a number comes from.
#[derive(Serialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
#[schema(as = FigureSource)]
pub(crate) enum SourceOut {
    /// The shop's own orders, receipts and settings.
    OwnData,
    /// Published by somebody else about other shops; the note says where.
    Borrowed,
    /// Nobody has measured it.
    Guess,
    /// Typed in.
    Set,
}

/// On which terms to sell.
#[derive(Serialize, ToSchema)]
#[schema(as = AdviceTerms)]
pub(crate) struct TermsOut {
    /// The way.
    pub(super) mode: ModeOut,
    /// Most units backordered at once; null where it sets none.
    cap: Option<i64>,
    /// How many days ahead a promise may lie: beyond that another way earns more.
    horizon_days: Option<u16>,
    /// Share of the price to take at once, in percent.
    deposit_percent: Option<u8>,
    /// Units to keep back for orders whose goods come later than promised.
    buffer: i64,
    /// Which point of the distribution of dates to promise.
    promise_quantile: f64,
}

/// What one way of selling brings.
#[derive(Serialize, ToSchema)]
#[schema(as = AdviceChoice)]
pub(crate) struct ChoiceOut {
    /// Which.
    mode: ModeOut,
    /// What it brings in the middle; below zero where it costs.
    #[schema(value_type = schema::Money)]
    value: Money,
    /// Less than this in 5 % of the cases.
    #[schema(value_type = schema::Money)]
    low: Money,
    /// More than this in 5 % of the cases.
    #[schema(value_type = schema::Money)]
    high: Money,
    /// Share of the cases in which no other way brings more.
    best_in: f64,
    /// Why it cannot be chosen; null where it can.
    not: Option<String>,
}

/// Where the answer would change, all other numbers in their middle.
#[derive(Serialize, ToSchema)]
#[schema(as = AdviceFlip)]
pub(crate) struct FlipOut {
    /// The name of the number.
    figure: String,
    /// Its value now.
    from: f64,
    /// The nearest value with another answer.
    at: f64,
    /// That answer.
    best: ModeOut,
}

/// A number an advice rests on. Amounts of money are in the currency's own unit here.
#[derive(Serialize, ToSchema)]
#[schema(as = AdviceFigure)]
pub(crate) struct FigureOut {
    /// Its name, by which `set` changes it.
    name: String,
    /// The middle.
    value: f64,
    /// Below this in 5 % of the cases.
    low: f64,
    /// Above this in 5 % of the cases.
    high: f64,
    /// Where it comes from.
    source: SourceOut,
    /// What it is, in whose words.
    note: String,
}

/// How to sell a SKU while it is out.
#[derive(Serialize, ToSchema)]
#[schema(as = Advice)]
pub(crate) struct AdviceOut {
    /// What to do.
    pub(super) recommended: TermsOut,
    /// How often that is the best, over the cases drawn.
    probability_best: f64,
    /// How much more it brings than the next that can be chosen.
    #[schema(value_type = schema::Money)]
    winning_margin: Money,
    /// Every way: backorder, preorder, waitlist, out of stock.
    choices: Vec<ChoiceOut>,
    /// The stretch without stock that was looked at, in days.
    stretch_days: f64,
    /// Units asked for in it.
    stretch_units: f64,
    /// In plain sentences, the most important first.
    reasons: Vec<String>,
    /// What to be careful about: too little data, guesses that decide.
    cautions: Vec<String>,
    /// Where the answer would change, the nearest first.
    flips: Vec<FlipOut>,
    /// Every number behind it.
    figures: Vec<FigureOut>,
}

/// An amount in the currency's own unit as minor units; beyond what an amount can be, the nearest that can.
pub(crate) fn money(value: f64, currency: Currency) -> Money {
    let minor = (value * 10_f64.powi(i32::from(currency.decimals()))).round();
    // A cast of a float stops at the ends.
    Money { amount: minor as i64, currency }
}

/// An amount in the currency's own unit.
pub(crate) fn whole(money: Money) -> f64 {
    money.amount as f64 / 10_f64.powi(i32::from(money.currency.decimals()))
}

/// The advice, in the SKU's currency.
pub(crate) fn advice(advice: &Advice, currency: Currency) -> AdviceOut {
    AdviceOut {
        recommended: terms(&advice.recommended),
        probability_best: advice.probability_best,
        winning_margin: money(advice.winning_margin, currency),
        choices: advice.choices.iter().map(|choice| self::choice(choice, currency)).collect(),
        stretch_days: advice.stretch_days,
        stretch_units: advice.stretch_units,
        reasons: advice.reasons.clone(),
        cautions: advice.cautions.clone(),
        flips: advice.flips.iter().map(flip).collect(),
        figures: advice.figures.iter().map(figure).collect(),
    }
}

fn terms(terms: &Terms) -> TermsOut {
    TermsOut {
        mode: terms.mode.into(),
        cap: terms.cap,
        horizon_days: terms.horizon_days,
        deposit_percent: terms.deposit_percent,
        buffer: terms.buffer,
        promise_quantile: terms.promise_quantile,
    }
}

fn choice(choice: &Choice, currency: Currency) -> ChoiceOut {
    ChoiceOut {
        mode: choice.mode.into(),
        value: money(choice.value, currency),
        low: money(choice.low, currency),
        high: money(choice.high, currency),
        best_in: choice.best_in,
        not: choice.not.clone(),
    }
}

fn flip(flip: &Flip) -> FlipOut {
    FlipOut { figure: flip.figure.clone(), from: flip.from, at: flip.at, best: flip.best.into() }
}

fn figure(figure: &Figure) -> FigureOut {
    FigureOut {
        name: figure.name.clone(),
        value: figure.value,
        low: figure.low,
        high: figure.high,
        source: match figure.source {
            Source::OwnData => SourceOut::OwnData,
            Source::Borrowed => SourceOut::Borrowed,
            Source::Guess => SourceOut::Guess,
            Source::Set => SourceOut::Set,
        },
        note: figure.note.clone(),
    }
}

/// The policy an advice comes to: what it says nothing of stays as it is set.
///
/// Goods that are made when they are ordered stay so where the advice is to sell ahead. A deposit is asked for where a preorder
/// takes none yet; terms of payment that are set stay.
pub(crate) fn policy(terms: &Terms, set: Option<&Policy>) -> Policy {
    let mut policy = set.cloned().unwrap_or_default();
    policy.when_out = match terms.mode {
        Mode::Backorder if policy.when_out == WhenOut::MadeToOrder => WhenOut::MadeToOrder,
        Mode::Backorder => WhenOut::Backorder,
        Mode::Preorder => WhenOut::Preorder,
        Mode::Waitlist => WhenOut::Waitlist,
        Mode::OutOfStock => WhenOut::Refuse,
    };
    if policy.when_out.sells_ahead() {
        if let Some(cap) = terms.cap {
            policy.backorder_cap = Cap::Limited(cap.clamp(0, model::limits::SUPPLY_UNITS_MAX));
        }
        policy.horizon_days = terms.horizon_days.or(policy.horizon_days);
        // One that is set stays where it is larger: it may be for something else.
        policy.buffer = policy.buffer.max(terms.buffer.min(model::limits::SUPPLY_UNITS_MAX));
    }
    if let (WhenOut::Preorder, None, Some(percent)) =
        (policy.when_out, policy.payment.as_ref(), terms.deposit_percent)
    {
        policy.payment = Some(PaymentTerms {
            kind: PaymentKind::Deposit,
            deposit_percent: Some(percent),
            deposit_amount: None,
            balance: Some(BalanceDue::OnShip),
            provider: None,
        });
    }
    policy
}

/// What is to be answered about one SKU.
#[derive(Serialize, ToSchema)]
#[schema(as = SkuAdvice)]
pub(crate) struct SkuAdviceOut {
    /// The merchant's code.
    #[schema(value_type = String)]
    pub(super) sku: Sku,
    /// The channel.
    #[schema(value_type = String)]
    pub(super) channel: Channel,
    /// Why there is no advice; null where there is.
    pub(super) refused: Option<String>,
    /// The advice.
    pub(super) advice: Option<AdviceOut>,
    /// The advice that was followed last on this channel.
    pub(super) followed: Option<FollowedOut>,
}

/// An advice that was followed.
#[derive(Serialize, ToSchema)]
#[schema(as = AdviceFollowed)]
pub(crate) struct FollowedOut {
    /// When.
    #[schema(format = DateTime, value_type = String)]
    pub(super) at: model::time::Timestamp,
    /// `person` or `automatic`.
    #[schema(value_type = String)]
    pub(super) by: model::advice::FollowedBy,
    /// Whether the policy still is as it came to then.
    pub(super) holds: bool,
}
