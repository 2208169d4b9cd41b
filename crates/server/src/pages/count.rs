//! What is owed, counted and kept: the count goes over every open line, so a page must not wait for it twice.
//!
//! A count is good as long as the tenant's ledger has not grown. A small shop is counted again at once; a large one is
//! shown its last count, with the moment it was made, while the next is on its way.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ledger::{Backlog, QueueRow, Read, StoreError};
use model::{
    id::{SupplyId, TenantId},
    supply::Supply,
    time::{Date, Timestamp},
};

use super::desk::duties::Duties;
use crate::App;

/// Up to so many open lines are counted while the page waits: some ten milliseconds.
const LINES_AT_ONCE: i64 = 2_000;
/// Supplies shown as arriving next.
const ARRIVALS: usize = 8;
/// Lines shown in front of each.
const HEAD: usize = 3;

/// Everything the overview counts, of one moment.
#[derive(Debug)]
pub(super) struct Count {
    /// The newest ledger entry it counts.
    pub(super) seq: i64,
    /// The day it was made on.
    pub(super) today: Date,
    /// When it was made.
    pub(super) at: Timestamp,
    /// What is owed.
    pub(super) backlog: Backlog,
    /// What arrives next.
    pub(super) arrivals: Vec<Supply>,
    /// The first lines behind each of those.
    pub(super) heads: BTreeMap<SupplyId, Vec<QueueRow>>,
    /// What needs somebody.
    pub(super) duties: Duties,
}

/// The last count of each tenant.
#[derive(Default)]
pub(super) struct Counts {
    kept: Mutex<BTreeMap<TenantId, Kept>>,
}

#[derive(Default)]
struct Kept {
    count: Option<Arc<Count>>,
    /// Somebody is counting.
    busy: bool,
}

impl Counts {
    /// Returns the count to show, and whether a newer one is on its way. Blocks while it reads.
    pub(super) fn get(
        self: &Arc<Self>,
        app: &Arc<App>,
        tenant: &TenantId,
        today: Date,
        now: Timestamp,
    ) -> Result<(Arc<Count>, bool), StoreError> {
        let mut reader = app.engine.store().reader()?;
        let seq = reader.last_event(tenant)?;
        let known = self.lock().get(tenant).and_then(|kept| kept.count.clone());
        match known {
            Some(count) if count.seq == seq && count.today == today => Ok((count, false)),
            Some(count) if count.backlog.lines > LINES_AT_ONCE => {
                drop(reader);
                self.count_behind(app, tenant, today, now);
                Ok((count, true))
            }
            _ => {
                let count = Arc::new(Count::make(&mut *reader, tenant, today, now)?);
                self.keep(tenant, &count);
                Ok((count, false))
            }
        }
    }

    /// Counts on another thread, unless somebody does.
    fn count_behind(self: &Arc<Self>, app: &Arc<App>, tenant: &TenantId, today: Date, now: Timestamp) {
        if let Some(kept) = self.lock().get_mut(tenant) {
            if kept.busy {
                return;
            }
            kept.busy = true;
        }
        let (counts, app, tenant) = (Arc::clone(self), Arc::clone(app), tenant.clone());
        tokio::task::spawn_blocking(move || {
            let busy = Busy { counts, tenant };
            let Busy { counts, tenant } = &busy;
            let count = app
                .engine
                .store()
                .reader()
                .and_then(|mut reader| Count::make(&mut *reader, tenant, today, now));
            match count {
                Ok(count) => counts.keep(tenant, &Arc::new(count)),
                Err(error) => tracing::error!(%tenant, %error, "what is owed could not be counted"),
            }
        });
    }

    fn keep(&self, tenant: &TenantId, count: &Arc<Count>) {
        let mut kept = self.lock();
        let kept = kept.entry(tenant.clone()).or_default();
        if kept.count.as_ref().is_none_or(|known| known.seq <= count.seq) {
            kept.count = Some(Arc::clone(count));
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TenantId, Kept>> {
        // Every change in here is one insert: a panic elsewhere leaves it sound.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody counts, until this is dropped: also where counting panics.
struct Busy {
    counts: Arc<Counts>,
    tenant: TenantId,
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(kept) = self.counts.lock().get_mut(&self.tenant) {
            kept.busy = false;
        }
    }
}

impl Count {
    /// Counts, all from one state of the store.
    fn make(
        reader: &mut dyn Read,
        tenant: &TenantId,
        today: Date,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let seq = reader.last_event(tenant)?;
        let backlog = reader.backlog(tenant, today)?;
        let arrivals = reader.arrivals(tenant, ARRIVALS)?;
        let mut heads = BTreeMap::new();
        for supply in arrivals.iter().filter(|supply| supply.pegged() > 0) {
            heads.insert(supply.id, reader.queue_page(tenant, supply.id, None, HEAD)?);
        }
        let duties = Duties::read(reader, tenant, today, now)?;
        Ok(Self { seq, today, at: now, backlog, arrivals, heads, duties })
    }
}
