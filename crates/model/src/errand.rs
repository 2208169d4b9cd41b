//! Errands: what a provider of payments is asked to do, and its word on it.
//!
//! An errand is written down in the transaction that needs it, carried by a worker afterwards under a key that makes it have one
//! effect however often it is sent, and dropped in the transaction that records what came of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{id::OrderId, money::Money, time::Timestamp};

/// Something to ask a provider for. Its key is the id of its record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errand {
    /// Whose money.
    pub order: OrderId,
    /// About which of its charges.
    pub charge: u32,
    /// About which of its refunds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<u32>,
    /// Which request of that charge, from 1.
    pub attempt: u16,
    /// What is to be done.
    pub what: What,
    /// How much; nothing where no money is asked for.
    pub amount: Money,
    /// When it was written down.
    pub asked_at: Timestamp,
    /// When it was first carried: how long the provider has known the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried_at: Option<Timestamp>,
    /// How often it was carried.
    #[serde(default)]
    pub tries: u32,
    /// Nobody needs it any more: what came of it is found out, and it is not done anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needless: bool,
    /// Why the last time led to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Arc<str>>,
}

/// What a provider is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Let the customer save a method.
    Save,
    /// Take money.
    Charge(Manner),
    /// Set money aside.
    Authorise(Manner),
    /// Try again with the saved method.
    Retry,
    /// Take of what is set aside.
    Capture,
    /// Call a charge off.
    Void,
    /// Send money back.
    Refund,
    /// Say how a charge, or a refund, stands.
    Look,
    /// Say how a dispute stands: the provider's name of it.
    Dispute(Arc<str>),
}

/// How a customer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manner {
    /// With the saved method, while the customer is away.
    pub away: bool,
    /// The method is saved for what is taken later.
    pub saves: bool,
}

/// The number under which a provider's object stands that only saves another method: charges are numbered from 1.
pub const ANOTHER_METHOD: u32 = 0;

/// What the provider knows of an order: its own names for things.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payer {
    /// The customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Arc<str>>,
    /// The saved method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Arc<str>>,
    /// Charges, by our number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub charges: BTreeMap<u32, Known>,
    /// Refunds, by our number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refunds: BTreeMap<u32, Arc<str>>,
    /// Disputes that the bank has decided.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub disputes: BTreeSet<Arc<str>>,
    /// How often the customer asked to save another method.
    #[serde(default)]
    pub methods_asked: u32,
    /// Whether the last time is still open.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changes_method: bool,
}

/// A charge as the provider knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its name there.
    pub object: Arc<str>,
    /// What the customer's browser shows to pay it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Arc<str>>,
}

/// What came of an errand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The provider's word.
    pub word: Word,
    /// What it named on the way.
    pub facts: Facts,
}

impl Heard {
    /// A word without anything new about names.
    pub fn just(word: Word) -> Self {
        Self { word, facts: Facts::default() }
    }
}

/// Names that a provider gave; `None`: nothing new.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The customer.
    pub customer: Option<Arc<str>>,
    /// The saved method.
    pub method: Option<Arc<str>>,
    /// The charge.
    pub charge: Option<Known>,
    /// The refund.
    pub refund: Option<Arc<str>>,
}

/// A provider's word, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// The method is saved.
    Saved,
    /// Money is set aside.
    Authorised {
        /// How much, in minor units.
        amount: i64,
        /// Until when it may be captured; `None`: it does not say.
        capture_before: Option<Timestamp>,
    },
    /// Money came.
    Captured {
        /// How much, in minor units.
        amount: i64,
    },
    /// Declined.
    Declined {
        /// Trying again with the same method may help.
        may_retry: bool,
    },
    /// The customer must act: pay, or confirm.
    NeedsCustomer,
    /// Nothing more comes.
    Voided,
    /// The customer has the money back.
    Refunded,
    /// It did not go back.
    RefundFailed,
    /// The bank asks for so much, and has not decided.
    Disputed {
        /// How much, in minor units.
        amount: i64,
    },
    /// The bank decided.
    DisputeClosed {
        /// How much it was about, in minor units.
        amount: i64,
        /// Whether the money stays.
        won: bool,
    },
    /// It is at it; nothing is decided.
    Pending,
    /// Nobody knows: to be carried again, under the same key.
    NotNow {
        /// A stable word for why.
        code: &'static str,
    },
    /// It will not do this, whoever asks again: somebody must look at it.
    Never {
        /// Its word for why.
        code: Arc<str>,
    },
}

/// A wish about errands.
#[derive(Debug, Clone)]
pub enum ErrandWish {
    /// Take errands to carry them: nobody else takes them before that moment.
    Claim {
        /// Whose they are: the provider.
        provider: &'static str,
        /// Their keys.
        errands: Vec<Arc<str>>,
        /// How long nobody else may.
        until: Timestamp,
    },
    /// What came of errands that were taken.
    Done {
        /// Who was asked.
        provider: &'static str,
        /// By key.
        heard: Vec<(Arc<str>, Heard)>,
    },
    /// The provider says that something happened: it is asked what.
    Told {
        /// Who says so.
        provider: &'static str,
        /// About what.
        about: About,
    },
}

/// What a provider speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// A charge, by the provider's name.
    Charge(Arc<str>),
    /// Refunds of a charge, by the provider's name of the charge.
    Refunds(Arc<str>),
    /// A dispute of a charge, by the provider's names of both.
    Dispute {
        /// The charge.
        charge: Arc<str>,
        /// The dispute.
        dispute: Arc<str>,
    },
}
