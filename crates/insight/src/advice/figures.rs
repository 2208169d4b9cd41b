//! The numbers an advice rests on: which there are, where each comes from, and how far it may be off.

use serde::{Deserialize, Serialize};

use crate::error::{Checked, bad, not_negative, share};

/// Where a number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The shop's own orders, receipts and settings.
    OwnData,
    /// Published by somebody else about other shops; the note says where.
    Borrowed,
    /// Nobody has measured it.
    Guess,
    /// Typed in by the merchant.
    Set,
}

/// One number, and how sure it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Its name, as it is edited by.
    pub name: String,
    /// The middle.
    pub value: f64,
    /// Below this in 5 % of the cases.
    pub low: f64,
    /// Above this in 5 % of the cases.
    pub high: f64,
    /// Where it comes from.
    pub source: Source,
    /// What it is, in whose words.
    pub note: String,
}

/// How a number is bounded, and so how it is varied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// From 0 to 1.
    Share,
    /// Zero or more.
    Amount,
}

macro_rules! figures {
    ($($(#[$doc:meta])* $variant:ident = $name:literal $kind:ident,)*) => {
        /// What a number is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Fig { $($(#[$doc])* $variant,)* }

        /// Names and bounds, in the order of [`Fig`].
        const KNOWN: &[(&str, Kind)] = &[$(($name, Kind::$kind),)*];
    };
}

figures! {
    /// Selling price.
    Price = "price" Amount,
    /// What a unit costs.
    UnitCost = "unit_cost" Amount,
    /// Units asked for a day.
    Demand = "demand_per_day" Amount,
    /// Units here that nobody has a claim on.
    OnHand = "on_hand" Amount,
    /// Units that will come and that nobody has a claim on.
    Inbound = "inbound_units" Amount,
    /// Days until they come.
    Wait = "wait_days" Amount,
    /// Share of those who would wait that is lost with each day of the wait.
    Patience = "patience_rate" Amount,
    /// Share who order for later if the wait is short.
    AcceptBackorder = "accept_backorder" Share,
    /// The same with a deposit.
    AcceptPreorder = "accept_preorder" Share,
    /// Share who leave an address.
    AcceptWaitlist = "accept_waitlist" Share,
    /// Share of those who buy when it is back.
    Convert = "waitlist_convert" Share,
    /// Share of open backorders cancelled each day.
    CancelBackorder = "cancel_rate_backorder" Share,
    /// The same with a deposit.
    CancelPreorder = "cancel_rate_preorder" Share,
    /// Probability that a unit comes after its promised date.
    Late = "late_probability" Share,
    /// What one that does costs.
    LateCost = "late_cost" Amount,
    /// What a customer sent away costs beside the sale.
    Goodwill = "goodwill_lost" Amount,
    /// What a cancellation costs.
    CancelCost = "cancel_cost" Amount,
    /// Share of the price paid with a preorder.
    Deposit = "deposit_share" Share,
    /// What a day's use of money is worth.
    Capital = "daily_capital_rate" Share,
    /// The processor's share of a payment.
    PaymentShare = "payment_share" Share,
    /// The processor's fixed fee for a payment.
    PaymentFixed = "payment_fixed" Amount,
    /// What questions about one waiting order cost.
    Service = "service_cost" Amount,
    /// Days after the promised date that goods come which come later.
    LateDays = "late_days" Amount,
}

/// How many figures there are.
pub(crate) const FIGURES: usize = KNOWN.len();

/// The value of each figure, in the order of [`Fig`].
pub(crate) type Values = [f64; FIGURES];

impl Fig {
    pub(crate) fn name(self) -> &'static str {
        KNOWN[self as usize].0
    }
}

/// The names of all figures: what may be typed in.
pub fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|known| known.0)
}

/// The place of a figure by its name.
pub(crate) fn place(name: &str) -> Option<usize> {
    KNOWN.iter().position(|known| known.0 == name)
}

pub(crate) fn kind(place: usize) -> Kind {
    KNOWN[place].1
}

/// The 95 % point of the standard normal.
const Z95: f64 = 1.644_853_626_951_472_2;

/// Keeps a share off its ends, where the logit has none.
fn inside(x: f64) -> f64 {
    x.clamp(1e-6, 1.0 - 1e-6)
}

fn logit(x: f64) -> f64 {
    (inside(x) / (1.0 - inside(x))).ln()
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl Figure {
    /// A number that is known.
    pub(crate) fn sure(fig: Fig, value: f64, source: Source, note: impl Into<String>) -> Self {
        Self { name: fig.name().into(), value, low: value, high: value, source, note: note.into() }
    }

    /// A number that lies somewhere between two, in nine of ten cases.
    pub(crate) fn between(
        fig: Fig,
        value: f64,
        (low, high): (f64, f64),
        source: Source,
        note: impl Into<String>,
    ) -> Self {
        Self { name: fig.name().into(), value, low, high, source, note: note.into() }
    }

    /// A share of which so many in so many were seen, on top of what was thought before.
    ///
    /// The posterior is Beta(a, b); its logit has a spread of about √(1/a + 1/b).
    pub(crate) fn seen_share(fig: Fig, prior: &Self, weight: f64, hits: f64, of: f64, note: String) -> Self {
        let a = prior.value * weight + hits;
        let b = (1.0 - prior.value) * weight + (of - hits).max(0.0);
        let spread = (1.0 / a.max(1e-9) + 1.0 / b.max(1e-9)).sqrt().min(3.0);
        let value = a / (a + b);
        let at = |z: f64| logistic(logit(value) + z * spread);
        Self::between(fig, value, (at(-Z95), at(Z95)), Source::OwnData, note)
    }

    /// A rate of which so many were seen in so long, on top of what was thought before.
    ///
    /// The posterior is Gamma(a, b); its logarithm has a spread of about √(1/a).
    pub(crate) fn seen_rate(fig: Fig, a: f64, b: f64, note: String) -> Self {
        let (value, spread) = (a / b, (1.0 / a).sqrt().min(3.0));
        let at = |z: f64| value * (z * spread).exp();
        Self::between(fig, value, (at(-Z95), at(Z95)), Source::OwnData, note)
    }

    /// Checks a number that was typed in. Errors: it is not within its bounds.
    pub(crate) fn set(place: usize, value: f64) -> Checked<Self> {
        let (name, kind) = KNOWN[place];
        match kind {
            Kind::Share => share(name, value)?,
            Kind::Amount => not_negative(name, value)?,
        }
        let note = "typed in".to_owned();
        Ok(Self { name: name.into(), value, low: value, high: value, source: Source::Set, note })
    }

    /// The number at a point of its distribution, given as a point of the standard normal.
    pub(crate) fn at(&self, kind: Kind, z: f64) -> f64 {
        if self.low >= self.high {
            return self.value;
        }
        match kind {
            Kind::Share => {
                let spread = (logit(self.high) - logit(self.low)) / (2.0 * Z95);
                logistic(logit(self.value) + z * spread)
            }
            Kind::Amount if self.value > 0.0 => {
                let spread = (self.high / self.low.max(self.value * 1e-3)).ln() / (2.0 * Z95);
                self.value * (z * spread).exp()
            }
            Kind::Amount => self.value,
        }
    }
}

/// Refuses names of figures that do not exist.
pub(crate) fn known(name: &str) -> Checked<usize> {
    match place(name) {
        Some(place) => Ok(place),
        None => bad(
            name,
            format!("there is no such figure; there are: {}", names().collect::<Vec<_>>().join(", ")),
        ),
    }
}
