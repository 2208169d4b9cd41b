//! What is known of a person, as answers describe it.

use serde::Serialize;
use utoipa::ToSchema;

/// All that is known of a person.
#[derive(ToSchema, Serialize)]
pub(crate) struct Person {
    /// What the ledger knows the person by: a salted hash.
    pub(crate) customer: String,
    /// Every order, the newest first, with contact, promises, notices, money and mails.
    pub(crate) orders: Vec<serde_json::Value>,
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
