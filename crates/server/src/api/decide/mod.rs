//! Decisions: what a shop's own ledger says about how to sell, buy and promise.
//!
//! `evidence` sums the ledger up and goes on where it stopped; `insight` answers. Nothing in here changes a shop but by a command.

pub(crate) mod advice;
pub(crate) mod automatic;
pub(crate) mod cash;
pub(crate) mod demand;
mod histories;
pub(crate) mod insights;
pub(crate) mod purchase_orders;
pub(crate) mod purchasing;
pub(crate) mod risk;
pub(crate) mod shown;
pub(crate) mod supplier_terms;
pub(crate) mod suppliers;

pub(crate) use histories::Histories;
pub(crate) use shown::SkuAdviceOut;

use super::problem::Problem;

/// What is answered where a value has no form in JSON, which the log names.
#[expect(clippy::needless_pass_by_value, reason = "whoever meets an error hands it over")]
fn defect(error: serde_json::Error) -> Problem {
    tracing::error!(%error, "a record cannot be written");
    Problem::defect()
}
