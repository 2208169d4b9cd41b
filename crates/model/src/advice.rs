//! Advice that was followed: which policy it led to, and on what it rested.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    command::PutPolicy,
    id::{Channel, Sku},
    item::Policy,
    record::Json,
    time::Timestamp,
};

/// The kind of record that says which advice a policy follows; its id is [`followed_id`].
pub const FOLLOWED: &str = "advice_followed";

/// Who followed an advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FollowedBy {
    /// Somebody said yes to it.
    Person,
    /// The shop's own settings, within their limits.
    Automatic,
}

/// Set a selling policy because of an advice.
#[derive(Debug, Clone)]
pub struct FollowAdvice {
    /// The policy it comes to.
    pub policy: PutPolicy,
    /// Who follows it.
    pub by: FollowedBy,
    /// The advice with every number it rests on: a JSON object without personal data.
    pub advice: Json,
}

/// What is kept of the last advice that was followed for a SKU on a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// Of which SKU.
    pub sku: Sku,
    /// On which channel.
    pub channel: Channel,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: FollowedBy,
    /// The policy that was set before; `None`: none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Policy>,
    /// The policy it came to.
    pub policy: Policy,
    /// The advice.
    pub advice: Json,
}

/// The id of the record for a SKU on a channel.
pub fn followed_id(sku: &Sku, channel: &Channel) -> Arc<str> {
    format!("{channel}/{sku}").into()
}
