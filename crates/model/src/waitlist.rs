//! Waitlists: interest without an order, served in the order of signing up.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Units,
    id::{Channel, CustomerKey, HoldId, Sku, WaitId},
    time::Timestamp,
};

/// The kind of record that a [`Wait`] is, under its id, owned by its SKU.
pub const WAITING: &str = "waiting";
/// The kind of record that finds a customer's place: `{sku}/{customer}` says which ([`Place`]).
pub const PLACE: &str = "waiting_of";
/// The kind of record that finds the place a hold was given for, by the hold's id ([`Place`]).
pub const INVITATION: &str = "invitation";

/// Where a place on a waitlist is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitState {
    /// In the list.
    Waiting,
    /// Units are held for it.
    Invited,
    /// An order took the units.
    Bought,
    /// The time went by.
    Lapsed,
    /// Given up.
    Left,
}

impl WaitState {
    /// The word used in JSON, columns and screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Invited => "invited",
            Self::Bought => "bought",
            Self::Lapsed => "lapsed",
            Self::Left => "left",
        }
    }
}

/// A place on a waitlist. Who it is stands apart ([`Waiter`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Its id.
    pub id: WaitId,
    /// What for.
    pub sku: Sku,
    /// How many units.
    pub quantity: Units,
    /// Where it is sold.
    pub channel: Channel,
    /// Where it would go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Arc<str>>,
    /// Who, as the ledger knows it.
    pub customer: CustomerKey,
    /// Where it stands.
    pub state: WaitState,
    /// Since when.
    pub joined_at: Timestamp,
    /// The hold that was given for it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldId>,
    /// Until when that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Which place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its id.
    pub id: WaitId,
}

/// Who has a place: a record of the private shelf under the place's kind and id, gone when the place has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiter {
    /// Where to write to.
    pub email: Arc<str>,
    /// The language to write in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Arc<str>>,
}
