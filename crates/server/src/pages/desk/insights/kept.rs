//! The last overview of each shop: it goes over every open line, so a page must not wait for it twice.
//!
//! It is good as long as the ledger has not grown. A small shop is looked at again at once; a large one is shown its last
//! overview while the next is on its way.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::{id::TenantId, time::Date};

use super::{Ask, Fail, Histories, overview::Found};
use crate::pages::desk::Local;

/// Up to so many entries of the ledger the page waits.
const ENTRIES_AT_ONCE: i64 = 20_000;

/// The last overview of each tenant.
#[derive(Default)]
pub(super) struct Overviews {
    kept: Mutex<BTreeMap<TenantId, Kept>>,
}

struct Kept {
    found: Arc<Found>,
    /// The newest ledger entry that it saw.
    seq: i64,
    /// The day it was made on.
    today: Date,
    /// Somebody is making the next.
    busy: bool,
}

impl Overviews {
    /// The overview to show, and whether a newer one is on its way.
    pub(super) fn get(
        self: &Arc<Self>,
        ask: &Ask,
        histories: &Arc<Histories>,
        tenant: &TenantId,
    ) -> Result<(Arc<Found>, bool), Fail> {
        let today = Local::of(ask, tenant)?.today;
        let seq = ask.app.engine.store().reader()?.last_event(tenant)?;
        if let Some(kept) = self.lock().get_mut(tenant) {
            let found = Arc::clone(&kept.found);
            if (kept.seq, kept.today) == (seq, today) {
                return Ok((found, false));
            }
            if seq > ENTRIES_AT_ONCE {
                if !std::mem::replace(&mut kept.busy, true) {
                    self.make_behind(ask, histories, tenant, (seq, today));
                }
                return Ok((found, true));
            }
        }
        let found = Arc::new(Found::read(ask, histories, tenant)?);
        self.keep(tenant, Arc::clone(&found), (seq, today));
        Ok((found, false))
    }

    fn keep(&self, tenant: &TenantId, found: Arc<Found>, (seq, today): (i64, Date)) {
        self.lock().insert(tenant.clone(), Kept { found, seq, today, busy: false });
    }

    fn make_behind(
        self: &Arc<Self>,
        ask: &Ask,
        histories: &Arc<Histories>,
        tenant: &TenantId,
        of: (i64, Date),
    ) {
        let (ask, histories) = (ask.clone(), Arc::clone(histories));
        let busy = Busy { overviews: Arc::clone(self), tenant: tenant.clone() };
        tokio::task::spawn_blocking(move || {
            let Busy { overviews, tenant } = &busy;
            match Found::read(&ask, &histories, tenant) {
                Ok(found) => overviews.keep(tenant, Arc::new(found), of),
                Err(error) => tracing::error!(%tenant, ?error, "the overview could not be made"),
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TenantId, Kept>> {
        // Every change in here is one insert: a panic elsewhere leaves it sound.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody makes an overview, until this is dropped: also where that panics.
struct Busy {
    overviews: Arc<Overviews>,
    tenant: TenantId,
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(kept) = self.overviews.lock().get_mut(&self.tenant) {
            kept.busy = false;
        }
    }
}
