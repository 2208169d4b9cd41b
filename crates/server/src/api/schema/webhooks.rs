//! Webhooks as answers describe them.

use serde::Serialize;
use utoipa::ToSchema;

/// Who is told of what happens.
#[derive(ToSchema, Serialize)]
pub(crate) struct Webhook {
    /// Its id.
    #[schema(example = "wh_019ab3f0c4a070008000000000000000")]
    pub(crate) id: String,
    /// Where to.
    pub(crate) url: String,
    /// Kinds of events; empty: all.
    pub(crate) events: Vec<String>,
    /// In your words.
    #[schema(nullable = false)]
    pub(crate) note: Option<String>,
    /// When it was entered.
    pub(crate) created_at: String,
    /// Whether it is told.
    pub(crate) enabled: bool,
    /// Why not: `by_hand`, or `gone` as it answered 410.
    #[schema(nullable = false)]
    pub(crate) disabled: Option<String>,
    /// The ledger's entry up to which it was told.
    #[schema(nullable = false)]
    pub(crate) told: Option<i64>,
    /// What signs; shown when it is made.
    #[schema(nullable = false)]
    pub(crate) secret: Option<String>,
}

/// Endpoints.
#[derive(ToSchema, Serialize)]
pub(crate) struct WebhookPage {
    pub(crate) items: Vec<Webhook>,
    pub(crate) next_cursor: Option<String>,
}

/// A message that was not taken.
#[derive(ToSchema, Serialize)]
pub(crate) struct WebhookDelivery {
    /// The ledger's entry.
    pub(crate) seq: i64,
    /// Its kind.
    pub(crate) kind: String,
    /// How often it was tried.
    pub(crate) tries: u32,
    /// When last.
    pub(crate) tried_at: String,
    /// What came of it: an HTTP status, or a word such as `timeout`.
    pub(crate) failure: String,
    /// `waiting` or `failed`.
    pub(crate) state: String,
    /// When it is tried next; null: not any more.
    pub(crate) next_at: Option<String>,
}

/// Messages that were not taken.
#[derive(ToSchema, Serialize)]
pub(crate) struct WebhookDeliveryPage {
    pub(crate) items: Vec<WebhookDelivery>,
    pub(crate) next_cursor: Option<String>,
}

/// What is told again.
#[derive(ToSchema, Serialize)]
pub(crate) struct WebhookReplay {
    /// How many entries.
    pub(crate) queued: u64,
    /// The last entry looked at.
    pub(crate) to: i64,
}
