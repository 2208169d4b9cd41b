//! What each shop's ledger shows, kept in memory: the next question reads only what was written since.

use std::sync::{Arc, Mutex, PoisonError};

use evidence::{EvidenceError, History};
use ledger::{Read, StoreError};
use model::id::TenantId;
use rustc_hash::FxHashMap;

use super::risk::Learnt;

/// Most shops of which anything is kept; the next one empties the house, and each reads its ledger again when asked.
const SHOPS_MAX: usize = 64;

/// What is kept of one shop.
#[derive(Default)]
struct Shop {
    history: History,
    learnt: Option<Arc<Learnt>>,
}

/// Summed-up ledgers by shop.
#[derive(Default)]
pub(crate) struct Histories(Mutex<FxHashMap<TenantId, Arc<Mutex<Shop>>>>);

impl Histories {
    /// Looks at a shop's history as the store that is read has it, or a moment later.
    ///
    /// Errors: the store fails, or an entry of the ledger is damaged.
    pub(crate) fn look<T>(
        &self,
        store: &mut dyn Read,
        tenant: &TenantId,
        look: impl FnOnce(&History) -> T,
    ) -> Result<T, StoreError> {
        self.with(store, tenant, |shop| Ok(look(&shop.history)))
    }

    /// The same, with what was learned from it: anew when a week has begun in it since.
    ///
    /// Errors: as [`Self::look`].
    pub(crate) fn learnt<T>(
        &self,
        store: &mut dyn Read,
        tenant: &TenantId,
        look: impl FnOnce(&History) -> T,
    ) -> Result<(Arc<Learnt>, T), StoreError> {
        self.with(store, tenant, |shop| {
            let key = Learnt::key(&shop.history);
            let learnt = match shop.learnt.as_ref().filter(|learnt| learnt.key == key) {
                Some(learnt) => Arc::clone(learnt),
                None => Arc::clone(shop.learnt.insert(Arc::new(Learnt::of(&shop.history)?))),
            };
            Ok((learnt, look(&shop.history)))
        })
    }

    fn with<T>(
        &self,
        store: &mut dyn Read,
        tenant: &TenantId,
        work: impl FnOnce(&mut Shop) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let kept = {
            let mut shops = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if !shops.contains_key(tenant) && shops.len() >= SHOPS_MAX {
                shops.clear();
            }
            Arc::clone(shops.entry(tenant.clone()).or_default())
        };
        let mut shop = kept.lock().unwrap_or_else(PoisonError::into_inner);
        shop.history.go_on(store, tenant).map_err(|error| match error {
            EvidenceError::Store(error) => error,
            entry @ EvidenceError::Entry { .. } => StoreError::driver("read the ledger", entry),
        })?;
        work(&mut shop)
    }
}
