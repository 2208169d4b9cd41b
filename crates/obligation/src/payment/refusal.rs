//! What cannot be done with an order's money, and why.

use model::Units;
use serde::Serialize;

use super::account::ShipmentState;

/// Why something is refused. The account is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "code")]
pub enum Refusal {
    /// There is no such line.
    #[error("there is no line {line}")]
    UnknownLine {
        /// The line.
        line: u16,
    },
    /// There is no such charge.
    #[error("there is no charge {charge}")]
    UnknownCharge {
        /// The charge.
        charge: u32,
    },
    /// There is no such refund.
    #[error("there is no refund {refund}")]
    UnknownRefund {
        /// The refund.
        refund: u32,
    },
    /// There is no such shipment.
    #[error("there is no shipment {shipment}")]
    UnknownShipment {
        /// The shipment.
        shipment: u32,
    },
    /// The line is there already, or stands twice.
    #[error("line {line} stands twice")]
    DuplicateLine {
        /// The line.
        line: u16,
    },
    /// The number of the shipment was used before.
    #[error("shipment {shipment} is there already")]
    DuplicateShipment {
        /// The shipment.
        shipment: u32,
    },
    /// A price, an amount or a number of units that cannot be.
    #[error("{value} is no {what} that can be used")]
    BadNumber {
        /// What it should be.
        what: &'static str,
        /// What it is.
        value: i64,
    },
    /// Everything ordered is worth more than can be counted.
    #[error("the order is worth more than can be counted")]
    TooLarge,
    /// The line has fewer open units.
    #[error("line {line} has {open} open units, not {units}")]
    NotOpen {
        /// The line.
        line: u16,
        /// Units asked for.
        units: Units,
        /// Units there.
        open: Units,
    },
    /// A shipment is not where it should be for this.
    #[error("shipment {shipment} is {state:?}")]
    ShipmentIs {
        /// The shipment.
        shipment: u32,
        /// Where it stands.
        state: ShipmentState,
    },
    /// More was captured, or is to be captured, than was asked for or set aside.
    #[error("{amount} is more than the {most} that charge {charge} was asked for")]
    OverCapture {
        /// The charge.
        charge: u32,
        /// How much it would be.
        amount: i64,
        /// How much it can be.
        most: i64,
    },
    /// Another amount was set aside than was asked for.
    #[error("{amount} was authorised for charge {charge}, not {asked}")]
    OtherAmount {
        /// The charge.
        charge: u32,
        /// How much it is.
        amount: i64,
        /// How much it should be.
        asked: i64,
    },
    /// The report contradicts one that was heard before.
    #[error("the report on charge {charge} contradicts an earlier one")]
    Contradiction {
        /// The charge.
        charge: u32,
    },
    /// The charge is not in a state for this.
    #[error("charge {charge} has nothing to capture now")]
    NothingToCapture {
        /// The charge.
        charge: u32,
    },
    /// More is asked for, or recorded, than is owed.
    #[error("{amount} is more than the {most} that is owed")]
    MoreThanOwed {
        /// How much it would be.
        amount: i64,
        /// How much is owed.
        most: i64,
    },
    /// A payment of the same line is under way: its end must come first.
    #[error("a payment of line {line} is under way")]
    UnderWay {
        /// The line.
        line: u16,
    },
    /// Money for the line is set aside: capture that.
    #[error("money for line {line} is set aside by charge {charge}: capture that")]
    SetAside {
        /// The line.
        line: u16,
        /// The charge.
        charge: u32,
    },
    /// More is given back than goods that left were paid with. What is paid for open units goes back when they are
    /// cancelled.
    #[error("{amount} is more than the {most} that line {line} has earned")]
    MoreThanEarned {
        /// The line.
        line: u16,
        /// How much it would be.
        amount: i64,
        /// How much it can be.
        most: i64,
    },
    /// The charge is disputed already, or never was.
    #[error("charge {charge} has {disputed} in dispute")]
    DisputeIs {
        /// The charge.
        charge: u32,
        /// How much.
        disputed: i64,
    },
}

impl Refusal {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownLine { .. } => "unknown_line",
            Self::UnknownCharge { .. } => "unknown_charge",
            Self::UnknownRefund { .. } => "unknown_refund",
            Self::UnknownShipment { .. } => "unknown_shipment",
            Self::DuplicateLine { .. } => "duplicate_line",
            Self::DuplicateShipment { .. } => "duplicate_shipment",
            Self::BadNumber { .. } => "bad_number",
            Self::TooLarge => "too_large",
            Self::NotOpen { .. } => "not_open",
            Self::ShipmentIs { .. } => "shipment_is",
            Self::OverCapture { .. } => "over_capture",
            Self::OtherAmount { .. } => "other_amount",
            Self::Contradiction { .. } => "contradiction",
            Self::NothingToCapture { .. } => "nothing_to_capture",
            Self::MoreThanOwed { .. } => "more_than_owed",
            Self::UnderWay { .. } => "under_way",
            Self::SetAside { .. } => "set_aside",
            Self::MoreThanEarned { .. } => "more_than_earned",
            Self::DisputeIs { .. } => "dispute_is",
        }
    }
}
