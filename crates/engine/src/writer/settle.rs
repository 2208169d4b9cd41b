//! Settling: a batch is decided, written and committed on the writer's own thread, until it is kept or nothing helps.

use std::{collections::BTreeSet, sync::Arc};

use ledger::{Committed, StoreError};
use model::id::TenantId;
use rustc_hash::FxHashSet;

use super::{BATCH_MAX, Batch, Writer, guarded, parts};
use crate::{
    Job, Request,
    after::{LINES_A_STEP, LINES_BESIDE},
    answer::Failure,
    desk::Part,
    housekeeping::Housekeeping,
    working::TenantState,
};

/// Where several nodes take turns: so many commands, or more, are written down while the next are decided, so that a turn is
/// short.
const BESIDE: usize = 64;
/// How often a batch is decided anew because another writer was faster.
const TRIES_MAX: usize = 8;

/// Why a batch was not decided.
enum Trouble {
    /// One request cannot be executed.
    Poisoned(usize, Failure),
    /// The work left behind cannot be gone on with.
    WorkPoisoned(Failure),
    /// The store failed.
    Failed(StoreError),
    /// The keeper has gone, and the store with it.
    Gone,
}

impl Writer {
    /// Executes a batch here until every request of it is answered.
    pub(super) fn settle(&mut self, mut batch: Batch) {
        self.waiting_for_work.append(&mut batch.drained);
        if batch.is_empty() && !self.work && self.waiting_for_work.is_empty() {
            return;
        }
        // Whatever was handed over before was settled by whoever calls.
        self.tenants.values_mut().for_each(TenantState::handed_is_kept);
        let mut tries = 0;
        loop {
            batch.answers.clear();
            batch.worked.clear();
            let trouble = match self.round(&mut batch) {
                Ok(committed) => {
                    self.cautious = self.cautious.saturating_sub(1);
                    if !self.work {
                        batch.drained = std::mem::take(&mut self.waiting_for_work);
                    }
                    return self.answers.committed(batch, committed);
                }
                Err(trouble) => trouble,
            };
            match trouble {
                Trouble::Poisoned(at, failure) => {
                    tracing::error!(%failure, "a command was dropped");
                    let (_, reply) = batch.requests.remove(at);
                    reply.send(Err(failure));
                }
                Trouble::WorkPoisoned(failure) => {
                    // The work stays where it is: `verify` and the log name it, and the next start tries again.
                    tracing::error!(%failure, "work left behind cannot be gone on with");
                    self.work = false;
                }
                Trouble::Failed(StoreError::Conflict) if tries < TRIES_MAX => {
                    self.stats.conflicted();
                    tries += 1;
                }
                Trouble::Gone => {
                    self.work = false;
                    self.stats.failed();
                    return batch.fail(&Failure::Stopped);
                }
                Trouble::Failed(error) => {
                    tracing::error!(%error, "a batch could not be kept");
                    if !matches!(error, StoreError::Conflict) {
                        self.stats.failed();
                    }
                    batch.fail(&error.into());
                    // Without this a store that stays broken would be tried without pause.
                    self.work = false;
                    self.waiting_for_work.clear();
                    return;
                }
            }
        }
    }

    /// Executes a batch in one transaction. After trouble nothing of it was kept.
    fn round(&mut self, batch: &mut Batch) -> Result<Committed, Trouble> {
        let done = self.attempt(batch);
        match &done {
            Ok(_) => {
                let written = self.desk.take_written();
                written.into_iter().for_each(|part| part.publish(&self.snapshots));
                for (tenant, state) in &mut self.tenants {
                    state.committed(tenant, &self.snapshots);
                }
            }
            Err(trouble) => {
                let is_conflict = matches!(trouble, Trouble::Failed(StoreError::Conflict));
                let keep = is_conflict && self.desk.tells_elsewhere();
                self.tenants.retain(|_, state| keep && state.undo());
                if let Err(error) = self.desk.home().and_then(|store| Ok(store.rollback()?)) {
                    tracing::error!(%error, "a failed batch could not be rolled back");
                }
                drop(self.desk.take_written());
                if !batch.due.is_empty() {
                    self.housekeeping = Housekeeping::default();
                }
            }
        }
        self.desk.ended();
        self.locked = None;
        done
    }

    fn attempt(&mut self, batch: &mut Batch) -> Result<Committed, Trouble> {
        match self.desk.changed_elsewhere() {
            Ok(false) => {}
            Ok(true) => self.forget(),
            Err(failure) => return Err(trouble(failure)),
        }
        if self.desk.tells_elsewhere() {
            self.lock(batch)?;
            self.take_along(batch);
        }
        self.load_for(batch)?;
        let mut written = 0;
        for at in 0..batch.requests.len() {
            // Only where nobody waits for it: each time costs a statement a table.
            if self.desk.tells_elsewhere() && at >= written + BESIDE && self.desk.has_come_home() {
                self.write_beside().map_err(trouble)?;
                written = at;
            }
            let (request, reply) = &batch.requests[at];
            reply.begins();
            let decided = self.decide(request);
            reply.decided();
            match decided {
                Ok(answer) => batch.answers.push(answer),
                Err(Failure::Store(error)) => {
                    return Err(match Arc::into_inner(error) {
                        Some(error) if error.is_transient() => Trouble::Failed(error),
                        Some(error) => Trouble::Poisoned(at, error.into()),
                        None => Trouble::Gone,
                    });
                }
                Err(Failure::Stopped) => return Err(Trouble::Gone),
                Err(failure) => return Err(Trouble::Poisoned(at, failure)),
            }
        }
        for (now, _) in &batch.due {
            batch.worked.push(guarded(|| self.fire_due(*now)).map_err(trouble)?);
        }
        if self.work {
            let nobody_waits = batch.requests.is_empty() && self.ahead.is_empty() && self.jobs.is_empty();
            let lines = if nobody_waits { LINES_A_STEP } else { LINES_BESIDE };
            guarded(|| self.go_on(lines)).map_err(trouble)?;
        }
        self.keep().map_err(trouble)
    }

    /// Has written down what is decided so far of this transaction, while more of it is decided.
    fn write_beside(&mut self) -> Result<(), Failure> {
        let parts = self.rest()?;
        if parts.is_empty() {
            return Ok(());
        }
        self.desk.write_beside(parts)
    }

    /// What is decided of this transaction and not written yet.
    fn rest(&mut self) -> Result<Vec<Part>, StoreError> {
        parts(&mut self.tenants, TenantState::part_of)
    }

    /// Reads what a batch needs. What cannot be read is met again by the request that needs it.
    fn load_for(&mut self, batch: &Batch) -> Result<(), Trouble> {
        let requests = || batch.requests.iter().map(|(request, _)| &**request);
        let lacking =
            |request: &&Request| self.tenants.get(&request.tenant).is_some_and(|state| state.lacks(request));
        let tenants: BTreeSet<TenantId> =
            requests().filter(lacking).map(|request| request.tenant.clone()).collect();
        for tenant in &tenants {
            match guarded(|| self.load(tenant, requests())) {
                Err(Failure::Store(error)) if error.is_transient() => {
                    return Err(trouble(Failure::Store(error)));
                }
                Err(Failure::Stopped) => return Err(Trouble::Gone),
                _ => {}
            }
        }
        Ok(())
    }

    /// Locks every tenant of a batch, and that of the work which is gone on with beside it, always in the same order: two writers
    /// that wait for each other would both lose. What is due finds its tenants itself.
    fn lock(&mut self, batch: &Batch) -> Result<(), Trouble> {
        self.locked = Some(FxHashSet::default());
        let mut tenants: BTreeSet<TenantId> =
            batch.requests.iter().map(|(request, _)| request.tenant.clone()).collect();
        if self.work && batch.due.is_empty() {
            tenants.extend(self.oldest_work().map_err(trouble)?.map(|(tenant, _)| tenant));
            // That was a look; the transaction begins with the first lock.
            self.desk.home().and_then(|store| Ok(store.rollback()?)).map_err(trouble)?;
        }
        for tenant in &tenants {
            match guarded(|| self.working(tenant).map(drop)) {
                Ok(()) | Err(Failure::NoTenant) => {}
                Err(failure) => return Err(trouble(failure)),
            }
        }
        Ok(())
    }

    /// Takes into a batch whoever came while its tenants' locks were waited for: else they would wait for one turn more.
    fn take_along(&mut self, batch: &mut Batch) {
        while batch.requests.len() < BATCH_MAX {
            let Some(job) = self.ahead.pop_front().or_else(|| self.jobs.try_recv().ok()) else { return };
            match job {
                Job::Request(request, reply) if self.is_locked(&request.tenant) => {
                    batch.requests.push((request, reply));
                }
                // To lock one tenant more now would be out of their order.
                other => return self.ahead.push_front(other),
            }
        }
    }

    fn is_locked(&self, tenant: &TenantId) -> bool {
        self.locked.as_ref().is_some_and(|locked| locked.contains(tenant))
    }

    fn keep(&mut self) -> Result<Committed, Failure> {
        // Its texts are made while what came before is written beside.
        let rest = self.rest()?;
        self.desk.write(rest)?;
        Ok(self.desk.store()?.commit_ahead()?)
    }
}

fn trouble(failure: Failure) -> Trouble {
    match failure {
        Failure::Store(error) => match Arc::into_inner(error) {
            Some(error) => Trouble::Failed(error),
            None => Trouble::Gone,
        },
        Failure::Stopped => Trouble::Gone,
        failure => Trouble::WorkPoisoned(failure),
    }
}
