//! What is written down about money. Some entries also ask the shell to act: they are named `…Requested`.

use model::{
    Units,
    time::{Date, Timestamp},
};
use serde::{Deserialize, Serialize};

use super::{
    account::{ChargeKind, Failure, Purpose, ShipmentPart},
    plan::Plan,
};

/// A line as it is ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLine {
    /// Its number.
    pub line: u16,
    /// What one unit sells for, in minor units of the account's currency.
    pub price: i64,
    /// Units.
    pub units: Units,
    /// When it is paid.
    pub plan: Plan,
    /// When it is promised to ship.
    pub ship_by: Option<Date>,
}

/// Where money that came is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pocket {
    /// Pays an invoice for goods that left.
    Receivable,
    /// Pays for a shipment.
    Shipment(u32),
    /// Pays for open units.
    Prepaid,
    /// Nothing is left to pay for: it goes back.
    RefundDue,
    /// Goods that left.
    Earned,
}

/// So much money of a line, put into or taken out of a pocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// The line.
    pub line: u16,
    /// Minor units, from 1.
    pub amount: i64,
    /// The pocket.
    pub pocket: Pocket,
}

/// Why units are called off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// Somebody asked for it.
    Asked,
    /// They were not paid in time: whoever holds the goods must call them off too.
    Unpaid,
}

/// An entry of the money's own ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "entry")]
pub enum Entry {
    /// A line was ordered.
    LineAdded(NewLine),
    /// The promise of a line moved, and its balance with it.
    ShipByMoved {
        /// The line.
        line: u16,
        /// When it ships now.
        ship_by: Option<Date>,
    },
    /// Tell the customer that a balance will be taken.
    ChargeAnnounced {
        /// The line.
        line: u16,
        /// On which day.
        due: Date,
        /// How much.
        amount: i64,
        /// When this was said.
        at: Timestamp,
    },
    /// Ask the provider for money, an authorisation, or to save a method.
    ChargeRequested {
        /// Its number.
        charge: u32,
        /// What is asked.
        kind: ChargeKind,
        /// What for.
        purpose: Purpose,
        /// By line.
        parts: Vec<(u16, i64)>,
        /// With the saved method, while the customer is away; else the customer pays, at the checkout or by a link.
        off_session: bool,
        /// Save the method for what is taken later.
        saves: bool,
    },
    /// Ask the provider again, with the saved method.
    RetryRequested {
        /// The charge.
        charge: u32,
        /// Which try.
        attempt: u16,
    },
    /// It did not go through: send the customer a link to pay by.
    ChargeFailed {
        /// The charge.
        charge: u32,
        /// Why.
        failure: Failure,
        /// When.
        at: Timestamp,
        /// Until when the customer keeps the place.
        grace_until: Timestamp,
        /// When the saved method is tried again.
        retry_at: Option<Timestamp>,
    },
    /// The method is saved.
    MethodSaved {
        /// The charge that saved it.
        charge: u32,
    },
    /// Money is set aside.
    Authorised {
        /// The charge.
        charge: u32,
        /// Until when it may be captured.
        capture_before: Timestamp,
        /// More than one capture is allowed.
        multicapture: bool,
    },
    /// Ask the provider to capture a part of what is set aside.
    CaptureRequested {
        /// The charge.
        charge: u32,
        /// By line.
        parts: Vec<(u16, i64)>,
        /// For which shipment.
        shipment: Option<u32>,
        /// Which request to the provider this is: its report says so again.
        attempt: u16,
    },
    /// Money came.
    Captured {
        /// The charge.
        charge: u32,
        /// Where it was put.
        postings: Vec<Posting>,
        /// Nothing more comes of this charge.
        done: bool,
    },
    /// Ask the provider to call the charge off, and take the customer's link back.
    VoidRequested {
        /// The charge.
        charge: u32,
    },
    /// Nothing more comes of this charge.
    Voided {
        /// The charge.
        charge: u32,
    },
    /// Units were handed to fulfilment, with the part of the prepayment that is theirs.
    ShipmentReadied {
        /// Its number.
        shipment: u32,
        /// Its lines.
        parts: Vec<ShipmentPart>,
    },
    /// It may leave.
    ShipmentPaid {
        /// Its number.
        shipment: u32,
    },
    /// It must not leave after all: the bank took the money back.
    ShipmentBlocked {
        /// Its number.
        shipment: u32,
    },
    /// It left.
    ShipmentLeft {
        /// Its number.
        shipment: u32,
    },
    /// It does not leave: its units wait again, with what was paid for them.
    ShipmentDropped {
        /// Its number.
        shipment: u32,
    },
    /// Units were called off.
    UnitsCancelled {
        /// The line.
        line: u16,
        /// How many.
        units: Units,
        /// What was paid for them and is due back.
        refund: i64,
        /// Why.
        because: Because,
    },
    /// Money for goods that left is given back as a favour.
    Conceded {
        /// The line.
        line: u16,
        /// How much.
        amount: i64,
    },
    /// Send money back.
    RefundRequested {
        /// Its number.
        refund: u32,
        /// Of which charge.
        charge: u32,
        /// By line.
        parts: Vec<(u16, i64)>,
        /// Somebody must send it.
        by_hand: bool,
    },
    /// The customer has it back.
    RefundSucceeded {
        /// Its number.
        refund: u32,
    },
    /// It did not go through: it is due again, and somebody must see to it.
    RefundFailed {
        /// Its number.
        refund: u32,
    },
    /// Somebody saw to it: refunds of this charge may be tried again.
    RefundsResumed {
        /// The charge.
        charge: u32,
    },
    /// The customer's bank asks money back: no refund by ourselves meanwhile, or it is paid twice.
    DisputeOpened {
        /// The charge.
        charge: u32,
        /// How much.
        amount: i64,
    },
    /// The money stays.
    DisputeWon {
        /// The charge.
        charge: u32,
    },
    /// The bank gave the money back.
    DisputeLost {
        /// The charge.
        charge: u32,
        /// Out of which pockets.
        postings: Vec<Posting>,
        /// What the bank took beyond what was left of the charge: paid twice.
        beyond: i64,
    },
    /// Money of a line may be taken by itself again.
    LineResumed {
        /// The line.
        line: u16,
    },
}
