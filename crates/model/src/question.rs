//! A question to everybody who waits for a SKU, and what they answered.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    id::{OrderId, Sku},
    time::Timestamp,
};

/// The kind of record that a [`Question`] is kept as.
pub const QUESTION: &str = "question";
/// The kind of record that an [`Answered`] is kept as: `{question}-{customer}`, owned by the question, its state the choice by
/// number. Who the customer is, no record says: the ledger knows a salted hash.
pub const ANSWERED: &str = "question_answer";

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// What is asked.
    pub text: Arc<str>,
    /// What can be answered: two or more.
    pub choices: Vec<Arc<str>>,
    /// Those who wait for this are asked.
    pub sku: Sku,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// How many customers were asked.
    pub asked: usize,
}

/// One customer's answer; the last one counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// By which order's page.
    pub order: OrderId,
    /// Which choice, from 0.
    pub choice: usize,
    /// When.
    pub at: Timestamp,
}

/// Ask a question.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What.
    pub text: Arc<str>,
    /// What can be answered.
    pub choices: Vec<Arc<str>>,
    /// Whom: those who wait for this.
    pub sku: Sku,
}

/// Answer one.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Which question.
    pub question: Arc<str>,
    /// By which order's page.
    pub order: OrderId,
    /// Which choice, from 0.
    pub choice: usize,
}
