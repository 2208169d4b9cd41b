//! Endpoints of others that are told what happens, and what became of telling them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The kind of private record that an [`Endpoint`] is kept as.
pub const ENDPOINT: &str = "webhook";
/// The kind of private record that a [`Delivery`] is kept as: `{endpoint}-{seq}`, owned by its endpoint, due when it is tried next.
pub const DELIVERY: &str = "webhook_delivery";
/// The kind of private record that says who works an endpoint for now.
pub const TURN: &str = "webhook_turn";

/// The kind of private record that a [`Told`] is kept as, under its endpoint's id.
pub const TOLD: &str = "webhook_told";

/// How far an endpoint was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The ledger's entry up to which everything was sent, or waits as a delivery.
    pub seq: i64,
    /// The minute for which a node last took it, counted from 1970.
    pub turn: i64,
}

/// Where somebody wants to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Where to.
    pub url: Arc<str>,
    /// What signs what is sent: `whsec_` and base64.
    pub secret: Arc<str>,
    /// The secret before it, which signs as well until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_secret: Option<(Arc<str>, Timestamp)>,
    /// Kinds of events; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Arc<str>>,
    /// In a person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Arc<str>>,
    /// When it was entered.
    pub created_at: Timestamp,
    /// Why nothing is sent for now; `None`: it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
}

/// Why nothing is sent to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disabled {
    /// Somebody switched it off.
    ByHand,
    /// It answered 410 Gone.
    Gone,
}

impl Endpoint {
    /// Whether it wants to be told of a kind of event.
    pub fn wants(&self, kind: &str) -> bool {
        self.events.is_empty() || self.events.iter().any(|wanted| **wanted == *kind)
    }
}

/// Something that could not be delivered yet, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The ledger's entry.
    pub seq: i64,
    /// Its kind.
    pub kind: Arc<str>,
    /// How often it was tried.
    pub tries: u32,
    /// When it was tried last.
    pub tried_at: Timestamp,
    /// What came of it: an HTTP status, or a word.
    pub failure: Arc<str>,
}
