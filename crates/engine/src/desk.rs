//! The store's place between two threads: the writer decides with it at hand, the keeper writes and commits with it.
//!
//! What is decided from memory alone needs no store, so the next batch is decided while the last one is still being
//! written. Whatever must read waits until the store is back: it then sees everything that was handed over.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crossbeam_channel::{Receiver, Sender, unbounded};
use ledger::{Changes, Committed, StoreError, Write};
use model::{id::TenantId, pool::Pool};

use crate::{
    ahead::Answers,
    answer::Failure,
    snapshot::{Locations, Snapshots},
    writer::{Batch, said},
};

/// What one transaction writes, and what is true once it is kept.
pub(crate) struct Handover {
    pub(crate) parts: Vec<Part>,
    pub(crate) batch: Batch,
}

/// The store and what to do with it, on their way to the keeper.
pub(crate) enum Handed {
    /// Keep this.
    Keep(Box<dyn Write>, Handover),
    /// Write these down, to be kept with what follows.
    Write(Box<dyn Write>, Vec<Part>),
}

/// What one transaction does to one tenant.
pub(crate) struct Part {
    pub(crate) tenant: TenantId,
    pub(crate) changes: Changes,
    /// Pools and locations as readers see them from then on.
    pub(crate) pools: Vec<Arc<Pool>>,
    pub(crate) locations: Option<Locations>,
}

impl Part {
    /// Shows readers what is now true.
    pub(crate) fn publish(self, snapshots: &Snapshots) {
        snapshots.publish(&self.tenant, self.pools.into_iter());
        if let Some(locations) = self.locations {
            snapshots.publish_locations(&self.tenant, locations);
        }
    }
}

impl Handover {
    /// Writes everything; nothing is durable before the commit.
    pub(crate) fn write(&self, store: &mut dyn Write) -> Result<(), StoreError> {
        write_all(store, &self.parts)
    }

    /// Shows readers what is now true; answers whom to answer.
    pub(crate) fn publish(self, snapshots: &Snapshots) -> Batch {
        self.parts.into_iter().for_each(|part| part.publish(snapshots));
        self.batch
    }
}

/// The store back from the keeper; with the batch that could not be kept, and why, if so.
pub(crate) struct Returned {
    store: Box<dyn Write>,
    pub(crate) failed: Option<(Batch, StoreError)>,
    /// What was only written, or why it was not.
    written: Result<Vec<Part>, StoreError>,
}

/// Where the store is.
pub(crate) struct Desk {
    store: Option<Box<dyn Write>>,
    keeper: Sender<Handed>,
    back: Receiver<Returned>,
    /// Whether it is known, since the store came back, that nobody else has written.
    is_current: bool,
    /// A batch that could not be kept, still to be decided anew.
    failed: Option<(Batch, StoreError)>,
    /// What this transaction has written so far in parts.
    written: Vec<Part>,
    /// Why some of it was not.
    unwritten: Option<StoreError>,
    tells_elsewhere: bool,
}

impl Desk {
    /// A desk with the store on it; what comes over the channel is the keeper's to do ([`keep`]).
    pub(crate) fn new(store: Box<dyn Write>) -> (Self, Receiver<Handed>, Sender<Returned>) {
        let (keeper, handed) = unbounded();
        let (give_back, back) = unbounded();
        let tells_elsewhere = store.tells_elsewhere();
        let desk = Self {
            store: Some(store),
            keeper,
            back,
            is_current: false,
            failed: None,
            written: Vec::new(),
            unwritten: None,
            tells_elsewhere,
        };
        (desk, handed, give_back)
    }

    pub(crate) fn is_home(&self) -> bool {
        self.store.is_some()
    }

    /// The same, with a look whether it has just come.
    pub(crate) fn has_come_home(&mut self) -> bool {
        if self.store.is_none()
            && let Ok(returned) = self.back.try_recv()
        {
            self.take_back(returned);
        }
        self.is_home()
    }

    /// Where the store comes back.
    pub(crate) fn returns(&self) -> &Receiver<Returned> {
        &self.back
    }

    /// Takes the store back.
    pub(crate) fn take_back(&mut self, returned: Returned) {
        self.store = Some(returned.store);
        self.failed = returned.failed;
        self.is_current = false;
        match returned.written {
            Ok(parts) => self.written.extend(parts),
            Err(error) => self.unwritten = Some(error),
        }
    }

    /// The batch that could not be kept.
    pub(crate) fn take_failed(&mut self) -> Option<(Batch, StoreError)> {
        self.failed.take()
    }

    /// The store, waited for if it is away. Errors: the keeper has gone.
    pub(crate) fn home(&mut self) -> Result<&mut dyn Write, Failure> {
        if self.store.is_none() {
            let returned = self.back.recv().map_err(|_| Failure::Stopped)?;
            self.take_back(returned);
        }
        self.store.as_deref_mut().map(|store| store as &mut dyn Write).ok_or(Failure::Stopped)
    }

    /// The store to read for a decision. Errors: what was decided so far may rest on what is not true any more, since the
    /// batch before could not be kept or another process has written: everything is to be decided anew.
    pub(crate) fn store(&mut self) -> Result<&mut dyn Write, Failure> {
        self.home()?;
        if self.failed.is_some() {
            return Err(StoreError::Conflict.into());
        }
        if let Some(error) = self.unwritten.take() {
            return Err(error.into());
        }
        let is_current = self.is_current;
        self.is_current = true;
        let store = self.home()?;
        if !is_current && store.changed_elsewhere()? {
            return Err(StoreError::Conflict.into());
        }
        Ok(store)
    }

    /// Whether others may write meanwhile, and are told of tenant by tenant.
    pub(crate) fn tells_elsewhere(&self) -> bool {
        self.tells_elsewhere
    }

    /// Whether another process has written since this was last asked; nobody can until the commit.
    pub(crate) fn changed_elsewhere(&mut self) -> Result<bool, Failure> {
        self.is_current = true;
        Ok(self.home()?.changed_elsewhere()?)
    }

    /// Ends what this transaction did on this thread.
    pub(crate) fn ended(&mut self) {
        self.is_current = false;
    }

    /// Hands the store and what is to be kept to the keeper.
    pub(crate) fn hand_over(&mut self, handover: Handover) -> Result<(), Failure> {
        self.home()?;
        self.is_current = false;
        let Some(store) = self.store.take() else { return Err(Failure::Stopped) };
        self.keeper.send(Handed::Keep(store, handover)).map_err(|_| Failure::Stopped)
    }

    /// Writes parts down here. Errors: this, or what was written beside before, failed.
    pub(crate) fn write(&mut self, parts: Vec<Part>) -> Result<(), Failure> {
        write_all(self.store()?, &parts)?;
        self.written.extend(parts);
        Ok(())
    }

    /// Lets the keeper write down what is decided so far, while more of the same transaction is decided here.
    pub(crate) fn write_beside(&mut self, parts: Vec<Part>) -> Result<(), Failure> {
        self.store()?;
        let Some(store) = self.store.take() else { return Err(Failure::Stopped) };
        self.keeper.send(Handed::Write(store, parts)).map_err(|_| Failure::Stopped)
    }

    /// What was written so in the transaction that has just ended.
    pub(crate) fn take_written(&mut self) -> Vec<Part> {
        self.unwritten = None;
        std::mem::take(&mut self.written)
    }
}

/// The keeper: writes and commits what it is handed, answers, gives the store back. Runs until the desk is gone.
pub(crate) fn keep(
    (snapshots, answers): (&Snapshots, &Answers),
    handed: &Receiver<Handed>,
    give_back: &Sender<Returned>,
) {
    while let Ok(handed) = handed.recv() {
        let (mut store, handover) = match handed {
            Handed::Keep(store, handover) => (store, handover),
            Handed::Write(mut store, parts) => {
                let written = written(&mut *store, &parts).map(|()| parts);
                if give_back.send(Returned { store, failed: None, written }).is_err() {
                    return;
                }
                continue;
            }
        };
        let failed = match kept(&mut *store, &handover) {
            // Answers first: whoever asks again meanwhile is decided before the store is needed.
            Ok(committed) => {
                answers.committed(handover.publish(snapshots), committed);
                None
            }
            Err(error) => {
                if let Err(error) = store.rollback() {
                    tracing::error!(%error, "a failed batch could not be rolled back");
                }
                Some((handover.batch, error))
            }
        };
        if give_back.send(Returned { store, failed, written: Ok(Vec::new()) }).is_err() {
            return;
        }
    }
}

/// Writes parts down, in the transaction that is open.
fn write_all(store: &mut dyn Write, parts: &[Part]) -> Result<(), StoreError> {
    parts.iter().try_for_each(|part| store.write(&part.tenant, &part.changes))
}

/// The same on the keeper's thread, which a panic must not end.
fn written(store: &mut dyn Write, parts: &[Part]) -> Result<(), StoreError> {
    catch_unwind(AssertUnwindSafe(|| write_all(store, parts)))
        .unwrap_or_else(|panic| Err(StoreError::driver("wrote a batch", said(&*panic).to_owned())))
}

/// A panic in here ends with the batch, which is then settled request by request.
fn kept(store: &mut dyn Write, handover: &Handover) -> Result<Committed, StoreError> {
    let keep = AssertUnwindSafe(|| {
        if store.changed_elsewhere()? {
            return Err(StoreError::Conflict);
        }
        handover.write(store)?;
        store.commit_ahead()
    });
    catch_unwind(keep)
        .unwrap_or_else(|panic| Err(StoreError::driver("kept a batch", said(&*panic).to_owned())))
}
