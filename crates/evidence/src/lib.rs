//! What a shop's ledger shows of its customers and suppliers, in the numbers that `insight` asks for.
//!
//! One pass over the ledger, which can go on where it stopped: what was seen is summed up by SKU and by supplier, and only
//! orders that wait are kept one by one. It decides nothing and writes nothing.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod history;
mod open_line;
mod purchasing;
mod scorecard;
mod stand;
mod subject;
#[cfg(test)]
mod tests;

pub use history::{EvidenceError, Fate, Goods, History, Kept, Receipt, Supplier};
pub use purchasing::{
    LeadSource, PurchaseQuestion, PurchaseTerms, REVIEW_DAYS, purchase_question, within_budget,
};
pub use scorecard::{RECENT, Scorecard, Shown, scorecard};
pub use stand::{Asked, Week};
pub use subject::{Answerless, Whole, subject};
