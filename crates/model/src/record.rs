//! Records: state that belongs to no pool and no order row, kept as JSON under a kind and an id.
//!
//! Accounts, notices, places on a waitlist and the like. An event carries the records it changes as they are from then on
//! ([`Noted`]), so replay makes the table again without knowing what a record means. Its words are the business of
//! whoever wrote it.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};

use crate::{
    id::{OrderId, Sku},
    time::Timestamp,
};

/// A JSON value kept as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(Arc<str>);

impl Json {
    /// Writes a value down. Errors: it has no form in JSON.
    pub fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(|text| Self(text.into()))
    }

    /// A text that is JSON already, as a store gives it back.
    pub fn stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads it as a value. Errors: it is not of that form.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &serde_json::value::RawValue =
            serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
        Ok(Self(raw.get().into()))
    }
}

/// What a record is found by: its kind and its id.
pub type RecordKey = (Arc<str>, Arc<str>);

/// One record, or the word that it is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What kind: a short word that one feature owns, such as `notice`.
    pub kind: Arc<str>,
    /// Which one of its kind; lists are in its order.
    pub id: Arc<str>,
    /// What it belongs to and is found by: an order's id, a SKU; empty for nothing.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub owner: Arc<str>,
    /// Where it stands, in one word lists are cut by; empty for nothing.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub state: Arc<str>,
    /// When it is to be looked at next: this makes it a timer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// What it says, a JSON object; `None`: it is gone.
    pub body: Option<Json>,
}

impl Record {
    /// A record that belongs to nothing and is never due.
    ///
    /// Errors: the value has no form in JSON.
    pub fn new(kind: &str, id: &str, body: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self { body: Some(Json::of(body)?), ..Self::gone(kind, id) })
    }

    /// The word that a record is gone.
    pub fn gone(kind: &str, id: &str) -> Self {
        Self { kind: kind.into(), id: id.into(), owner: "".into(), state: "".into(), due: None, body: None }
    }

    /// What it is found by.
    pub fn key(&self) -> RecordKey {
        (Arc::clone(&self.kind), Arc::clone(&self.id))
    }

    /// Reads what it says. `Ok(None)`: it is gone. Errors: it says something else.
    pub fn read<T: DeserializeOwned>(&self) -> Result<Option<T>, serde_json::Error> {
        self.body.as_ref().map(Json::read).transpose()
    }
}

/// Something that happened beside the goods, with every record it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// The SKU it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    /// The order it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// What is to be said of it, for people and scripts that read the ledger: a JSON object without personal data.
    pub data: Json,
    /// Records as they are from now on.
    pub records: Vec<Record>,
}

/// A customer was told: promises that count as told from then on, with the records that say so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeSent {
    /// The order.
    pub order: OrderId,
    /// When it went out.
    pub at: Timestamp,
    /// Which promises it told: line and version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<(u16, u32)>,
    /// What is to be said of it: a JSON object without personal data.
    pub data: Json,
    /// Records as they are from now on.
    pub records: Vec<Record>,
}
