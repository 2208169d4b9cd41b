//! What is written about orders, as answers describe it.

use serde::Serialize;
use utoipa::ToSchema;

/// Something that was written about an order.
#[derive(ToSchema, Serialize)]
pub(crate) struct Message {
    /// Its id; ids are in the order of time.
    #[schema(example = "msg_019ab3f0c4a070008000000000000000")]
    pub(crate) id: String,
    /// About which order.
    pub(crate) order: String,
    /// `customer`, `shop` or `note`.
    pub(crate) by: String,
    /// Who, of somebody at the shop.
    #[schema(nullable = false)]
    pub(crate) who: Option<String>,
    /// The words.
    pub(crate) text: String,
    /// When.
    pub(crate) at: String,
    /// Whether a customer wrote it and nobody has read it.
    pub(crate) unread: bool,
}

/// Messages.
#[derive(ToSchema, Serialize)]
pub(crate) struct MessagePage {
    pub(crate) items: Vec<Message>,
    pub(crate) next_cursor: Option<String>,
}

/// An answer that is kept ready.
#[derive(ToSchema, Serialize)]
pub(crate) struct CannedAnswer {
    /// What it is called.
    pub(crate) name: String,
    /// The words.
    pub(crate) text: String,
}

/// Answers that are kept ready.
#[derive(ToSchema, Serialize)]
pub(crate) struct CannedAnswerPage {
    pub(crate) items: Vec<CannedAnswer>,
    pub(crate) next_cursor: Option<String>,
}

/// A question to those who wait.
#[derive(ToSchema, Serialize)]
pub(crate) struct Question {
    /// Its id.
    #[schema(example = "qst_019ab3f0c4a070008000000000000000")]
    pub(crate) id: String,
    /// What is asked.
    pub(crate) text: String,
    /// What can be answered.
    pub(crate) choices: Vec<String>,
    /// Those who wait for this were asked.
    pub(crate) sku: String,
    /// When.
    pub(crate) asked_at: String,
    /// How many customers were asked.
    pub(crate) asked: u64,
    /// How often each choice was answered; of one question.
    #[schema(nullable = false)]
    pub(crate) answers: Option<Vec<AnswerCount>>,
    /// How many customers have answered; of one question.
    #[schema(nullable = false)]
    pub(crate) answered: Option<u64>,
}

/// How often a choice was answered.
#[derive(ToSchema, Serialize)]
pub(crate) struct AnswerCount {
    /// The choice.
    pub(crate) choice: String,
    /// How often.
    pub(crate) count: u64,
}

/// Questions.
#[derive(ToSchema, Serialize)]
pub(crate) struct QuestionPage {
    pub(crate) items: Vec<Question>,
    pub(crate) next_cursor: Option<String>,
}
