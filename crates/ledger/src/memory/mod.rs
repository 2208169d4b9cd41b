//! A store in memory: the same rows and the same answers as a database, gone with the process.
//!
//! For what is tried and thrown away (a preview runs on one), and for simulations, which make it fail when they choose.
//! Simple over fast: every table is a sorted map that shares its rows with the states before it, so a transaction is a copy
//! that takes the place of what it was copied from.

mod audit;
mod backlog;
mod fulfilment;
mod map;
mod read;
mod records;
mod session;
mod tables;
mod write;

use std::{
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::id::TenantId;

use self::{audit::Forged, session::Session, tables::Tables};
use crate::{
    Audit, Flush, Pending, Read, Store, StoreError, Write,
    audit::{Row, Table},
};

/// How long a writer waits for another: a transaction takes far less, so it meets one that will not end.
const BUSY: Duration = Duration::from_secs(10);

/// A moment at which a store can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Rows are about to be written: the transaction is lost.
    Write,
    /// A commit has begun: nothing of the transaction is kept.
    Commit,
    /// A commit is done and not yet answered: everything is kept, and whoever asked does not know.
    Committed,
    /// The disk is waited for: all that was committed since it was waited for the last time is lost, unless the failure is
    /// [`Unknown`](StoreError::Unknown).
    Flush,
}

/// Decides at each moment whether the store fails, and how.
pub type Faults = dyn Fn(Moment) -> Result<(), StoreError> + Send + Sync;

/// A store in memory. Cheap to clone; every clone is the same store.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    secret: [u8; 32],
    faults: Option<Box<Faults>>,
    /// What was committed last, and how often anything was.
    committed: Mutex<(Tables, u64)>,
    /// The same when it was flushed the last time.
    flushed: Mutex<(Tables, u64)>,
    /// Whether a transaction that writes is open.
    writing: Mutex<bool>,
    written: Condvar,
    forged: Mutex<Forged>,
}

impl MemoryStore {
    /// An empty store with its secret ([`Read::secret`]).
    pub fn new(secret: [u8; 32]) -> Self {
        Self::of(secret, None, Tables::default())
    }

    /// An empty store that fails when it is told to. It commits ahead of its disk.
    pub fn failing(
        secret: [u8; 32],
        faults: impl Fn(Moment) -> Result<(), StoreError> + Send + Sync + 'static,
    ) -> Self {
        Self::of(secret, Some(Box::new(faults)), Tables::default())
    }

    fn of(secret: [u8; 32], faults: Option<Box<Faults>>, tables: Tables) -> Self {
        Self {
            shared: Arc::new(Shared {
                secret,
                faults,
                committed: Mutex::new((tables.clone(), 0)),
                flushed: Mutex::new((tables, 0)),
                writing: Mutex::new(false),
                written: Condvar::new(),
                forged: Mutex::default(),
            }),
        }
    }

    /// A store of its own that begins with what was committed last and never fails: what happens in one does not happen in
    /// the other. Costs O(1).
    pub fn fork(&self) -> Self {
        Self::of(self.shared.secret, None, self.shared.committed().0.clone())
    }

    /// Has auditors see a row otherwise than it is, in another place of its table or among another tenant's rows: for tests
    /// of [`crate::verify`]. `row` is as they saw it before, `forged` as they will. What is read otherwise stays as it is.
    pub fn forge(&self, table: &Table, (tenant, row): (&TenantId, &Row), (to, forged): (&TenantId, Row)) {
        lock(&self.shared.forged).replace(table, (tenant, row), (to, forged));
    }

    fn session(&self, writes: bool) -> Session {
        Session::new(Arc::clone(&self.shared), writes)
    }
}

impl Store for MemoryStore {
    fn writer(&self) -> Result<Box<dyn Write>, StoreError> {
        Ok(Box::new(self.session(true)))
    }

    fn reader(&self) -> Result<Box<dyn Read>, StoreError> {
        Ok(Box::new(self.session(false)))
    }

    fn auditor(&self) -> Result<Box<dyn Audit>, StoreError> {
        Ok(Box::new(self.session(false)))
    }

    fn flusher(&self) -> Result<Option<Box<dyn Flush>>, StoreError> {
        Ok(self.shared.faults.is_some().then(|| Box::new(Arc::clone(&self.shared)) as Box<dyn Flush>))
    }

    fn backup(&self, _: &Path) -> Result<(), StoreError> {
        Err(StoreError::driver("wrote the backup", "a store in memory is not kept in a file"))
    }
}

impl Flush for Arc<Shared> {
    fn flush(&mut self, commits: &[Pending]) -> Result<usize, StoreError> {
        let met = self.meets(Moment::Flush);
        let mut committed = self.committed();
        let mut flushed = lock(&self.flushed);
        match met {
            Ok(()) => {
                flushed.clone_from(&committed);
                return Ok(commits.len());
            }
            Err(unknown @ StoreError::Unknown { .. }) => return Err(unknown),
            // The number goes on: whoever knows of what is lost sees that it is another.
            Err(_) => *committed = (flushed.0.clone(), committed.1 + 1),
        }
        let last = flushed.1.cast_signed();
        let is_kept = |commit: &&Pending| commit.standing.first().is_some_and(|then| then.version <= last);
        Ok(commits.iter().take_while(is_kept).count())
    }
}

impl Shared {
    fn committed(&self) -> MutexGuard<'_, (Tables, u64)> {
        lock(&self.committed)
    }

    fn meets(&self, moment: Moment) -> Result<(), StoreError> {
        self.faults.as_ref().map_or(Ok(()), |faults| faults(moment))
    }

    /// Waits until nobody else writes.
    fn begin_writing(&self) -> Result<(), StoreError> {
        let waits = self.written.wait_timeout_while(lock(&self.writing), BUSY, |writing| *writing);
        let (mut writing, timed_out) = waits.unwrap_or_else(PoisonError::into_inner);
        if timed_out.timed_out() {
            return Err(StoreError::driver("began a transaction", "another writer does not end"));
        }
        *writing = true;
        Ok(())
    }

    fn end_writing(&self) {
        *lock(&self.writing) = false;
        self.written.notify_one();
    }
}

/// A panic elsewhere cannot leave these half changed: each is replaced as a whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
