//! What a command is answered with, and how an answer is kept for the same request sent again.

use std::sync::Arc;

use ledger::StoreError;
use model::{
    Units,
    allocation::{LineTerms, PackReport, RunReport, Terms},
    event::{LocationSet, PolicySet},
    item::Item,
    record::{Json, Record},
    refusal::Rejection,
    shortfall::Care,
    view::{
        AdjustmentView, FencedStock, HoldView, OrderView, ReleaseView, ShipmentView, SupplyChange,
        SupplyEntered, SupplyView, TakenBackView,
    },
    waitlist::Wait,
};
use obligation::payment::kept::Kept;
use serde::{Deserialize, Serialize};

use crate::notices::{CameBack, Told};

/// A request's idempotency key.
#[derive(Debug, Clone)]
pub struct Key {
    /// The key as sent.
    pub key: Arc<str>,
    /// SHA-256 of everything that makes the request what it is.
    pub request: [u8; 32],
}

/// What a command led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is done; no more was asked for.
    Done,
    /// The location as it is now; whether it is new.
    Location(LocationSet, bool),
    /// The SKU as it is now; whether it is new.
    Item(Item, bool),
    /// The policy as it is now; whether it is new.
    Policy(PolicySet, bool),
    /// The policy an advice came to, and the advice.
    Advised(Box<(PolicySet, Json)>),
    /// The supply that was entered.
    SupplyAdded(SupplyEntered),
    /// The supply as it is after a change, a receipt or a cancel, and what that led to.
    SupplyChanged(SupplyChange),
    /// A supply as it is after a part was split off, and the part.
    SupplySplit(Box<(SupplyChange, SupplyView)>),
    /// The supply as it is after a run was undone, and how many units had moved by it.
    RunUndone(Box<SupplyChange>, Units),
    /// The stock after a change by hand.
    Adjusted(AdjustmentView),
    /// What is on hand at a location and what of it is ring-fenced now.
    RingFenced(FencedStock),
    /// A supply of which something is ring-fenced now.
    SupplyRingFenced(Box<SupplyView>),
    /// The hold that was placed.
    Held(HoldView),
    /// The hold is gone.
    HoldReleased,
    /// The money of an order as it is now.
    Paid(Box<Kept>),
    /// What is set about re-allocation now.
    Allocation(Terms),
    /// What is set for a line now.
    LineAllocation(LineTerms),
    /// What a run did.
    Ran(Box<RunReport>),
    /// What a packing did.
    Packed(Box<PackReport>),
    /// Who takes care of a line now.
    Cared(Care),
    /// The place on a waitlist as it is now; whether it is new.
    Waiting(Wait, bool),
    /// The order that was placed.
    Placed(Box<OrderView>),
    /// The order as it is after a change.
    Order(Box<OrderView>),
    /// What was handed over to fulfilment.
    Released(ReleaseView),
    /// What came back from fulfilment.
    TakenBack(TakenBackView),
    /// What was sent.
    Shipped(ShipmentView),
    /// What became of drafts that were to be sent.
    Told(Told),
    /// What followed from reports of mail that came back.
    CameBack(CameBack),
    /// Somebody is forgotten: how many orders, and places on waitlists, said who it was.
    Erased(usize, usize),
    /// Records as they are now.
    Records(Vec<Record>),
}

/// An answer, and whether it is the stored one of an earlier request with the same key.
#[derive(Debug, Clone)]
pub struct Answered {
    /// What came out.
    pub outcome: Result<Answer, Rejection>,
    /// True where the request had been executed before.
    pub replayed: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// Too many commands wait. Nothing was done; coming back later helps.
    #[error("too many commands are waiting")]
    Busy,
    /// The engine is stopping. Nothing was done, or nobody knows: the idempotency key tells.
    #[error("the engine is stopping")]
    Stopped,
    /// The tenant does not exist.
    #[error("there is no such tenant")]
    NoTenant,
    /// The store failed. Nothing was done.
    #[error("the store failed")]
    Store(#[source] Arc<StoreError>),
    /// A defect: the command was dropped, nothing was done.
    #[error("a defect in this program: {0}")]
    Defect(Arc<str>),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// What this program writes and reads back has its form: anything else is a defect.
impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Defect(error.to_string().into())
    }
}

/// Answers that are kept for the same request sent again: all but input that did not make sense and conditions that did not hold,
/// which are answered anew.
pub(crate) fn is_kept(outcome: &Result<Answer, Rejection>) -> bool {
    matches!(outcome, Ok(_) | Err(Rejection::Refused(_)))
}
