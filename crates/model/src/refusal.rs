//! Why something was not done: a business refusal is an answer with a stable code, not a failure.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use crate::{Units, id::Sku, time::Date};

/// Stable codes of business refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// Neither here nor to be had under this SKU's policy.
    NotAvailable,
    /// As many units as the cap allows are backordered already.
    CapReached,
    /// The customer has as many units as one customer may have.
    CustomerLimit,
    /// It could be had, but not by the date that was set.
    TooLate,
    /// It could be had, but later than the policy's horizon.
    BeyondHorizon,
    /// The hold's time is over, or it was given up or used.
    HoldExpired,
    /// The hold is for something else.
    HoldMismatch,
    /// The units have left already.
    AlreadyShipped,
    /// Nothing of that is left to call off.
    AlreadyCancelled,
    /// It was sold so that the customer cannot call it off, and no law says otherwise.
    FinalSale,
    /// The supply is closed.
    SupplyClosed,
    /// The goods are here already.
    AlreadyReceived,
    /// The supply is not in quarantine.
    NotInQuarantine,
    /// More units are promised than would be left.
    UnitsPromised,
    /// The units are not here yet.
    NotAllocated,
    /// The units are with fulfilment.
    Released,
    /// So many units are not with fulfilment.
    NotReleased,
    /// More units would come back than were sent.
    NotShipped,
    /// The SKU has as many open supplies as it may have.
    TooManySupplies,
    /// More lines than one run looks at.
    TooManyLines,
    /// So much was written that somebody must read it first.
    TooManyMessages,
    /// The tenant has no location yet, so nothing can arrive.
    NoLocation,
    /// Units of the run have left or are with fulfilment.
    AlreadyReleased,
    /// The run was undone before.
    AlreadyUndone,
    /// What happened since rests on the run.
    RunSuperseded,
    /// The run is still moving lines.
    RunInProgress,
    /// Units are not paid.
    PaymentDue,
    /// More would be captured than was set aside or asked for.
    OverCapture,
    /// Another amount was asked for.
    OtherAmount,
    /// Nothing is set aside.
    NothingToCapture,
    /// More than is owed.
    MoreThanOwed,
    /// More would go back than there is.
    MoreThanEarned,
    /// A payment of the same is under way.
    UnderWay,
    /// Money is set aside: capture that.
    SetAside,
    /// It contradicts what was said before.
    Contradiction,
    /// The notice asks nothing that this could answer.
    NotAsked,
    /// A newer notice has taken its place.
    Outdated,
    /// The notice is no draft any more.
    NotADraft,
}

impl RefusalCode {
    /// The word used in JSON, columns and screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAvailable => "not_available",
            Self::CapReached => "cap_reached",
            Self::CustomerLimit => "customer_limit",
            Self::TooLate => "too_late",
            Self::BeyondHorizon => "beyond_horizon",
            Self::HoldExpired => "hold_expired",
            Self::HoldMismatch => "hold_mismatch",
            Self::AlreadyShipped => "already_shipped",
            Self::AlreadyCancelled => "already_cancelled",
            Self::FinalSale => "final_sale",
            Self::SupplyClosed => "supply_closed",
            Self::AlreadyReceived => "already_received",
            Self::NotInQuarantine => "not_in_quarantine",
            Self::UnitsPromised => "units_promised",
            Self::NotAllocated => "not_allocated",
            Self::Released => "released",
            Self::NotReleased => "not_released",
            Self::NotShipped => "not_shipped",
            Self::TooManySupplies => "too_many_supplies",
            Self::TooManyLines => "too_many_lines",
            Self::TooManyMessages => "too_many_messages",
            Self::NoLocation => "no_location",
            Self::AlreadyReleased => "already_released",
            Self::AlreadyUndone => "already_undone",
            Self::RunSuperseded => "run_superseded",
            Self::RunInProgress => "run_in_progress",
            Self::PaymentDue => "payment_due",
            Self::OverCapture => "over_capture",
            Self::OtherAmount => "other_amount",
            Self::NothingToCapture => "nothing_to_capture",
            Self::MoreThanOwed => "more_than_owed",
            Self::MoreThanEarned => "more_than_earned",
            Self::UnderWay => "under_way",
            Self::SetAside => "set_aside",
            Self::Contradiction => "contradiction",
            Self::NotAsked => "not_asked",
            Self::Outdated => "outdated",
            Self::NotADraft => "not_a_draft",
        }
    }
}

/// A business refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What kind.
    pub code: RefusalCode,
    /// Why, in a sentence for a person.
    pub detail: String,
    /// The line it is about, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u16>,
    /// The SKU that decided it: for a kit, the component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    /// Units that could be had instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<Units>,
    /// The date by which it could be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earliest: Option<Date>,
}

impl Refusal {
    /// A refusal that is about no line.
    pub fn new(code: RefusalCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), line: None, sku: None, available: None, earliest: None }
    }
}

/// What is wrong with one field of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// Where: a JSON pointer into the body, or the name of a query or path parameter.
    pub pointer: String,
    /// What kind, stable.
    pub code: Cow<'static, str>,
    /// What is wrong, for a person.
    pub detail: String,
}

impl FieldError {
    /// An error at a pointer.
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: Cow::Borrowed(code), detail: detail.into() }
    }
}

/// Why a command has no effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// The business says no.
    Refused(Refusal),
    /// The input does not make sense, field by field; never empty.
    Invalid(Vec<FieldError>),
    /// There is no such thing: what, and which.
    NotFound {
        /// A SKU, an order, a supply ….
        what: Cow<'static, str>,
        /// Its id as given.
        id: String,
    },
    /// It was changed since it was read.
    Stale,
    /// The idempotency key was used for another request.
    IdempotencyMismatch,
}

impl Rejection {
    /// One field is wrong.
    pub fn field(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(pointer, code, detail)])
    }

    /// There is no such thing.
    pub fn not_found(what: &'static str, id: impl fmt::Display) -> Self {
        Self::NotFound { what: Cow::Borrowed(what), id: id.to_string() }
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
