//! What a customer and a shop write to each other about an order.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{id::OrderId, time::Timestamp};

/// The kind of private record that a [`Message`] is kept as, under an id in the order of time, owned by its order.
pub const MESSAGE: &str = "message";
/// The kind of private record that a canned answer is kept as, under its name.
pub const CANNED: &str = "canned_answer";
/// The state of a message that a customer wrote and nobody at the shop has read.
pub const UNREAD: &str = "unread";
/// The state of every other.
pub const READ: &str = "read";

/// Who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The customer, to the shop.
    Customer,
    /// The shop, to the customer: a mail takes it there.
    Shop,
    /// Somebody at the shop, to the others: the customer never sees it.
    Note,
}

impl By {
    /// The word used in JSON and in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Shop => "shop",
            Self::Note => "note",
        }
    }
}

/// Something that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// About which order.
    pub order: OrderId,
    /// Who wrote.
    pub by: By,
    /// Their name, of somebody at the shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Arc<str>>,
    /// What.
    pub text: Arc<str>,
    /// When.
    pub at: Timestamp,
}

/// Write something about an order.
#[derive(Debug, Clone)]
pub struct Write {
    /// Which.
    pub order: OrderId,
    /// Who writes.
    pub by: By,
    /// Their name, of somebody at the shop.
    pub who: Option<Arc<str>>,
    /// What; from 1 character.
    pub text: Arc<str>,
}
