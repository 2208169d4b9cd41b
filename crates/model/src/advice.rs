//! Advice that was followed: which policy it led to, and on what it rested.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Units,
    command::PutPolicy,
    id::{Channel, Sku},
    item::{Cap, Policy, WhenOut},
    record::{Json, Record},
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
    /// Further records that it sets.
    pub records: Vec<Record>,
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

/// The kind of record that says that a policy follows the advice by itself; its id is [`followed_id`].
pub const AUTOMATIC: &str = "automatic_policy";
/// The kind, and the id, of the record whose `due` is when automatic policies are looked at next.
pub const AUTOMATIC_RUN: &str = "automatic_run";
/// The kind, and the id, of the record of a shop's settings for automatic policies.
pub const AUTOMATIC_SETTINGS: &str = "automatic_settings";
/// For how long an automatic policy is left as it is, in seconds: a day.
pub const AUTOMATIC_S: i64 = 86_400;

/// A policy that follows the advice by itself, within limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Automatic {
    /// Of which SKU.
    pub sku: Sku,
    /// On which channel.
    pub channel: Channel,
    /// What it may come to.
    pub limits: Limits,
    /// Left as it is for now.
    #[serde(default)]
    pub paused: bool,
    /// Since when.
    pub since: Timestamp,
    /// Units ordered of the SKU until then.
    #[serde(default)]
    pub ordered: Units,
    /// Of those for later, units cancelled until then.
    #[serde(default)]
    pub cancelled: Units,
}

/// What an automatic policy may come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Ways of selling it may choose among; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when_out: Vec<WhenOut>,
    /// Most units backordered at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap_max: Option<Units>,
    /// Most days ahead that a promise may lie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon_days_max: Option<u16>,
}

impl Limits {
    /// Whether a way of selling may be chosen.
    pub fn allows(&self, when_out: WhenOut) -> bool {
        self.when_out.is_empty() || self.when_out.contains(&when_out)
    }

    /// A policy, held within the limits.
    pub fn hold(&self, policy: Policy) -> Policy {
        if !policy.when_out.sells_ahead() {
            return policy;
        }
        let backorder_cap = match (self.cap_max, policy.backorder_cap) {
            (Some(most), Cap::Limited(cap)) => Cap::Limited(cap.min(most)),
            (Some(most), _) => Cap::Limited(most),
            (None, cap) => cap,
        };
        let horizon_days = match (self.horizon_days_max, policy.horizon_days) {
            (Some(most), Some(days)) => Some(days.min(most)),
            (Some(most), None) => Some(most),
            (None, days) => days,
        };
        Policy { backorder_cap, horizon_days, ..policy }
    }
}

/// A shop's settings for automatic policies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutomaticSettings {
    /// None is changed for now.
    pub paused: bool,
    /// Of a hundred SKUs with automatic policies so many are left as they are, to see whether it helps.
    pub hold_out_percent: u8,
}

impl AutomaticSettings {
    /// Whether a SKU is left as it is, to see whether following the advice helps: always the same ones.
    pub fn holds_out(&self, sku: &Sku) -> bool {
        // FNV-1a, as it is the same everywhere and for good.
        let hash = sku.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        (hash >> 32) % 100 < u64::from(self.hold_out_percent)
    }
}
