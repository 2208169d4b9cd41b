//! Decisions: what a shop's own ledger says about how to sell, buy and promise.
//!
//! `evidence` sums the ledger up and goes on where it stopped; `insight` answers. Nothing in here changes a shop but by a command.

pub(crate) mod advice;
pub(crate) mod automatic;
pub(crate) mod cash;
pub(crate) mod cash_settings;
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

use std::sync::Arc;

use ledger::{Read, StoreError};
use model::id::TenantId;

use super::{auth::Caller, problem::Problem, state::Api};

impl Api {
    /// Reads what a caller's ledger shows, on a thread that may block.
    async fn ledger_shows<T: Send + 'static>(
        self: &Arc<Self>,
        caller: &Caller,
        look: impl FnOnce(&Histories, &mut dyn Read, &TenantId) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let (tenant, histories) = (caller.tenant.clone(), Arc::clone(&self.histories));
        self.read(move |store| look(&histories, store, &tenant)).await
    }
}

/// What is answered where a value has no form in JSON, which the log names.
#[expect(clippy::needless_pass_by_value, reason = "whoever meets an error hands it over")]
fn defect(error: serde_json::Error) -> Problem {
    tracing::error!(%error, "a record cannot be written");
    Problem::defect()
}
