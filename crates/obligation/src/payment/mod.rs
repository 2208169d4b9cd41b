//! Payment plans: what is taken when, what happens when it cannot be, and what goes back.
//!
//! [`decide`] takes an account, something that happened and the time, and answers with entries or a refusal;
//! [`Account::apply`] does what an entry says. Entries named `…Requested` ask the shell to call a provider, whose word
//! comes back as a [`Report`]. Nothing ships unpaid, nothing is asked for twice, and every minor unit that came is
//! either earned by goods that left, or owed to the customer: [`Account::check`].
//!
//! How long an authorisation lasts is what the provider says, never a figure of ours.
//!
//! Rules and examples: docs/theory/payments.md.

mod account;
mod apply;
mod entry;
pub mod kept;
mod orders;
mod plan;
mod provider;
mod refusal;
pub mod risk;
mod schedule;
mod settle;
mod staff;
mod time;

use model::{
    Units,
    time::{Date, Timestamp, Zone},
};
use serde::{Deserialize, Serialize};

pub use account::{
    Account, Charge, ChargeKind, ChargePart, ChargeState, Failure, Flow, Imbalance, LineMoney, Purpose,
    Refund, RefundState, Shipment, ShipmentPart, ShipmentState,
};
pub use entry::{Because, Entry, NewLine, Pocket, Posting};
pub use plan::{Agreed, Balance, Deposit, Plan};
pub use refusal::Refusal;
pub use schedule::{Planned, When, schedule};
pub use time::next_due;

use settle::Work;

/// How a shop takes money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The zone of the days on which balances are due.
    pub zone: Zone,
    /// Seconds after each failure until the saved method is tried again; then no more.
    pub retry_after_s: Vec<i64>,
    /// Seconds from the first failure for which the customer keeps the place.
    pub grace_s: i64,
    /// Seconds before an authorisation runs out at which something is done about it.
    pub capture_early_s: i64,
    /// What is done.
    pub on_expiring: OnExpiring,
    /// Seconds before a balance is taken at which the customer is told; 0: not told.
    pub announce_s: i64,
}

const DAY_S: i64 = 86_400;

impl Default for Settings {
    fn default() -> Self {
        Self {
            zone: Zone::utc(),
            retry_after_s: vec![DAY_S, 2 * DAY_S, 3 * DAY_S],
            grace_s: 7 * DAY_S,
            capture_early_s: DAY_S,
            on_expiring: OnExpiring::Release,
            announce_s: DAY_S,
        }
    }
}

/// What is done with an authorisation that runs out before the goods ship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnExpiring {
    /// It is let go, and the saved method is charged when the goods ship.
    #[default]
    Release,
    /// It is captured. Card networks ask that the customer has agreed to pay before the goods ship.
    Capture,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "happening")]
pub enum Happening {
    /// Lines were ordered, or fees agreed to.
    Ordered {
        /// Them.
        lines: Vec<NewLine>,
    },
    /// The promise of a line moved.
    PromiseMoved {
        /// The line.
        line: u16,
        /// When it ships now.
        ship_by: Option<Date>,
    },
    /// Units were called off.
    UnitsCancelled {
        /// The line.
        line: u16,
        /// How many, at most those open.
        units: Units,
    },
    /// Units are ready to leave, once they are paid.
    ShipmentReady {
        /// A number not used before.
        shipment: u32,
        /// Units by line, each line once.
        parts: Vec<(u16, Units)>,
    },
    /// A shipment left.
    ShipmentLeft {
        /// Its number.
        shipment: u32,
    },
    /// A shipment does not leave after all.
    ShipmentDropped {
        /// Its number.
        shipment: u32,
    },
    /// The provider reported on a charge.
    Reported {
        /// The charge.
        charge: u32,
        /// The try it speaks of.
        attempt: u16,
        /// What it said.
        report: Report,
    },
    /// The provider reported on a refund, or somebody sent it by hand.
    RefundReported {
        /// Its number.
        refund: u32,
        /// Whether the customer has the money.
        succeeded: bool,
    },
    /// The customer's bank asks money back.
    DisputeOpened {
        /// The charge.
        charge: u32,
        /// How much.
        amount: i64,
    },
    /// The bank decided.
    DisputeClosed {
        /// The charge.
        charge: u32,
        /// Whether the money stays.
        won: bool,
    },
    /// Goods for units of a line are here: what is not paid of these is taken, from what is set aside first. If it does not come
    /// in time, the units of the line that are not paid are given up.
    GoodsReady {
        /// The line.
        line: u16,
        /// Of its open units those that are here, whether they are paid or not.
        units: Units,
    },
    /// Somebody asks the customer for money before it is due, or again after a lost dispute.
    ChargeAsked {
        /// For this line only.
        line: Option<u16>,
        /// So much; else everything that is not paid.
        amount: Option<i64>,
    },
    /// Somebody captures an authorisation.
    CaptureAsked {
        /// The charge.
        charge: u32,
        /// So much; else all of it.
        amount: Option<i64>,
    },
    /// Somebody gives money back for goods that left.
    RefundAsked {
        /// The line.
        line: u16,
        /// How much.
        amount: i64,
    },
    /// Somebody saw to refunds that failed: they are tried again.
    RefundsResumed {
        /// The charge.
        charge: u32,
    },
    /// Money came by another way.
    Recorded {
        /// For this line only.
        line: Option<u16>,
        /// How much.
        amount: i64,
    },
    /// Nothing but time passed: see [`next_due`].
    TimePassed,
}

/// What a provider says of a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "report")]
pub enum Report {
    /// The method is saved.
    MethodSaved,
    /// All that was asked is set aside.
    Authorised {
        /// How much.
        amount: i64,
        /// Until when it may be captured.
        capture_before: Timestamp,
        /// More than one capture is allowed.
        multicapture: bool,
    },
    /// Money came: all that was asked, or less.
    Captured {
        /// How much.
        amount: i64,
    },
    /// Declined.
    Declined {
        /// Trying again with the same method may help.
        may_retry: bool,
    },
    /// The customer must confirm.
    AuthenticationRequired,
    /// Called off, or run out: nothing more comes.
    Voided,
}

/// Decides what follows from something that happened to an order's money.
///
/// Shape: the entries are to be applied in order; none when nothing follows, as for a report that was heard before.
/// Errors: a refusal changes nothing. Retrying the same does not help.
pub fn decide(
    account: &Account,
    happening: &Happening,
    settings: &Settings,
    now: Timestamp,
) -> Result<Vec<Entry>, Refusal> {
    let mut work = Work::new(account, settings, now);
    match happening {
        Happening::Ordered { lines } => work.ordered(lines)?,
        Happening::PromiseMoved { line, ship_by } => work.promise_moved(*line, *ship_by)?,
        Happening::UnitsCancelled { line, units } => work.units_cancelled(*line, *units)?,
        Happening::ShipmentReady { shipment, parts } => work.shipment_ready(*shipment, parts)?,
        Happening::ShipmentLeft { shipment } => work.shipment_left(*shipment)?,
        Happening::ShipmentDropped { shipment } => work.shipment_dropped(*shipment)?,
        Happening::Reported { charge, attempt, report } => work.reported(*charge, *attempt, *report)?,
        Happening::RefundReported { refund, succeeded } => work.refund_reported(*refund, *succeeded)?,
        Happening::DisputeOpened { charge, amount } => work.dispute_opened(*charge, *amount)?,
        Happening::DisputeClosed { charge, won } => work.dispute_closed(*charge, *won)?,
        Happening::GoodsReady { line, units } => work.goods_ready(*line, *units)?,
        Happening::ChargeAsked { line, amount } => work.charge_asked(*line, *amount)?,
        Happening::CaptureAsked { charge, amount } => work.capture_asked(*charge, *amount)?,
        Happening::RefundAsked { line, amount } => work.refund_asked(*line, *amount)?,
        Happening::RefundsResumed { charge } => work.refunds_resumed(*charge)?,
        Happening::Recorded { line, amount } => work.recorded(*line, *amount)?,
        Happening::TimePassed => work.time_passed(),
    }
    work.settle();
    Ok(work.finish())
}

/// Whether a charge asks for more than is still to be paid: what it was for was called off meanwhile. A charge that the provider
/// has not heard of need not be made then.
pub fn is_needless(account: &Account, charge: u32, settings: &Settings, now: Timestamp) -> bool {
    account.charges.get(&charge).is_some_and(|found| {
        found.state == ChargeState::Requested && Work::new(account, settings, now).asks_too_much(found)
    })
}

/// Whether what is to be captured is not needed any more, all of it: the goods were called off. What is set aside is let go then.
pub fn is_capture_needless(account: &Account, charge: u32) -> bool {
    account.charges.get(&charge).is_some_and(|found| match &found.state {
        ChargeState::Capturing { parts, .. } => parts.iter().all(|(line, _)| account.room(*line) == 0),
        _ => false,
    })
}

/// The key under which the provider is asked, so that it has one effect however often it is sent.
///
/// Shape: `order:what:number:try`, at most 255 characters for an order id of ours.
pub fn idempotency_key(order: &str, what: &str, number: u32, attempt: u16) -> String {
    format!("{order}:{what}:{number}:{attempt}")
}
