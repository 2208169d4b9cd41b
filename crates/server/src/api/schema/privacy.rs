//! What is known of a person, as answers describe it.

use serde::Serialize;
use utoipa::ToSchema;

/// All that is known of a person.
#[derive(ToSchema, Serialize)]
pub(crate) struct Person {
    /// What the ledger knows the person by: a salted hash.
    pub(crate) customer: String,
    /// Every order, the newest first, with contact, promises, notices, money, parcels, mails, messages and notes.
    pub(crate) orders: Vec<serde_json::Value>,
    /// Places on waitlists that are held.
    pub(crate) waitlist_places: Vec<serde_json::Value>,
    /// Whether there are more orders than this answer has.
    pub(crate) more: bool,
}

/// What was forgotten.
#[derive(ToSchema, Serialize)]
pub(crate) struct Erased {
    /// What the ledger knows the person by.
    pub(crate) customer: String,
    /// Orders that said who it was.
    pub(crate) orders: u64,
    /// Places on waitlists that were left.
    pub(crate) waitlist_places: u64,
}

/// Everything about an order, for a dispute.
#[derive(ToSchema, Serialize)]
pub(crate) struct Evidence {
    /// When this was put together.
    #[schema(format = DateTime)]
    pub(crate) made_at: String,
    /// The order as it is now.
    pub(crate) order: serde_json::Value,
    /// Who ordered; nothing once the person was forgotten.
    pub(crate) customer: serde_json::Value,
    /// Where it goes.
    pub(crate) country: Option<String>,
    /// Every promise as it was given, the oldest first, with its version and when the customer was told.
    pub(crate) promises: Vec<super::Promise>,
    /// What the customer was to be told, was told, and answered.
    pub(crate) notices: Vec<crate::api::notices::NoticeOut>,
    /// What was asked, paid and given back; null where nobody keeps an account.
    pub(crate) payments: Option<super::Payments>,
    /// What left, with its tracking number.
    pub(crate) shipments: Vec<EvidenceShipment>,
    /// What the customer and the shop wrote to each other.
    pub(crate) messages: Vec<serde_json::Value>,
    /// Every mail as it was sent.
    pub(crate) mails: Vec<EvidenceMail>,
    /// The ledger's entries about the order.
    pub(crate) timeline: Vec<super::Event>,
    /// From where to look at the ledger further; null: this is all.
    pub(crate) next_after: Option<i64>,
}

/// Goods that left.
#[derive(ToSchema, Serialize)]
pub(crate) struct EvidenceShipment {
    /// When the carrier took them.
    #[schema(format = DateTime)]
    pub(crate) shipped_at: String,
    /// When that was written down.
    #[schema(format = DateTime)]
    pub(crate) recorded_at: String,
    /// The carrier's number.
    pub(crate) tracking: Option<String>,
    /// Who carries them.
    pub(crate) carrier: Option<String>,
    /// Units by line: `line`, `quantity`.
    pub(crate) lines: Vec<serde_json::Value>,
}

/// A mail as it was sent.
#[derive(ToSchema, Serialize)]
pub(crate) struct EvidenceMail {
    /// What kind: `confirmation`, `notice`, `reply`, `question` …
    pub(crate) kind: String,
    /// When.
    #[schema(format = DateTime)]
    pub(crate) sent_at: String,
    /// When it was known that it did not arrive after all; null where it is not.
    #[schema(format = DateTime)]
    pub(crate) returned_at: Option<String>,
    /// Its subject.
    pub(crate) subject: String,
    /// Its words.
    pub(crate) text: String,
}
