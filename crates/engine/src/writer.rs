//! The writer thread: batch, decide, write, commit, publish, answer.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crossbeam_channel::{Receiver, TryRecvError};
use ledger::{StoreError, Write};
use model::{id::TenantId, time::Timestamp};
use rustc_hash::FxHashMap;
use tokio::sync::oneshot;

use crate::{
    Job, Request,
    after::go_on,
    answer::{Answered, Failure},
    execute::{execute, fire},
    snapshot::Snapshots,
    stamp::Stamps,
    working::{TenantState, Working},
};

/// Most commands in one transaction.
const BATCH_MAX: usize = 2_048;
/// Most timers worked in one transaction.
const TIMERS_MAX: usize = 512;
/// How often a batch is decided anew because another writer was faster.
const TRIES_MAX: usize = 8;

type Reply = oneshot::Sender<Result<Answered, Failure>>;

pub(crate) struct Writer {
    store: Box<dyn Write>,
    snapshots: Arc<Snapshots>,
    tenants: FxHashMap<TenantId, TenantState>,
    stamps: Stamps,
    /// There may be work left behind.
    work: bool,
    waiting_for_work: Vec<oneshot::Sender<()>>,
}

/// What one transaction is to do.
#[derive(Default)]
struct Batch {
    requests: Vec<(Box<Request>, Reply)>,
    due: Vec<(Timestamp, oneshot::Sender<Result<usize, Failure>>)>,
    stop: bool,
}

/// What a transaction came to.
enum Round {
    /// Everything is durable: the answers, and how many timers were worked for each call.
    Done(Vec<Result<Answered, Failure>>, Vec<usize>),
    /// One request cannot be executed; nothing was kept.
    Poisoned(usize, Failure),
    /// The work left behind cannot be gone on with; nothing was kept.
    WorkPoisoned(Failure),
    /// Nothing was kept.
    Failed(StoreError),
}

impl Writer {
    pub(crate) fn new(store: Box<dyn Write>, snapshots: Arc<Snapshots>) -> Result<Self, StoreError> {
        Ok(Self {
            store,
            snapshots,
            tenants: FxHashMap::default(),
            stamps: Stamps::new(0),
            work: true,
            waiting_for_work: Vec::new(),
        })
    }

    /// Runs until told to stop or until nobody can send any more.
    pub(crate) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let mut batch = Batch::default();
            let first =
                if self.work { jobs.try_recv() } else { jobs.recv().map_err(|_| TryRecvError::Disconnected) };
            let mut next = match first {
                Ok(job) => Some(job),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => return,
            };
            while let Some(job) = next {
                self.take(job, &mut batch);
                let full = batch.requests.len() >= BATCH_MAX || batch.stop;
                next = if full { None } else { jobs.try_recv().ok() };
            }
            let stop = batch.stop;
            self.settle(batch);
            if stop {
                return;
            }
        }
    }

    fn take(&mut self, job: Job, batch: &mut Batch) {
        match job {
            Job::Request(request, reply) => batch.requests.push((request, reply)),
            Job::RunDue(now, reply) => batch.due.push((now, reply)),
            Job::Drain(reply) => {
                self.work = true;
                self.waiting_for_work.push(reply);
            }
            Job::Stop => batch.stop = true,
        }
    }

    /// Executes a batch until every request of it is answered.
    fn settle(&mut self, mut batch: Batch) {
        let mut tries = 0;
        loop {
            match self.round(&batch) {
                Round::Done(answers, worked) => {
                    for ((_, reply), answer) in batch.requests.into_iter().zip(answers) {
                        // Whoever asked may have gone; the command stands all the same.
                        let _ = reply.send(answer);
                    }
                    for ((_, reply), worked) in batch.due.into_iter().zip(worked) {
                        let _ = reply.send(Ok(worked));
                    }
                    if !self.work {
                        for reply in self.waiting_for_work.drain(..) {
                            let _ = reply.send(());
                        }
                    }
                    return;
                }
                Round::Poisoned(at, failure) => {
                    tracing::error!(%failure, "a command was dropped");
                    let (_, reply) = batch.requests.remove(at);
                    let _ = reply.send(Err(failure));
                }
                Round::WorkPoisoned(failure) => {
                    // The work stays where it is: `verify` and the log name it, and the next start tries again.
                    tracing::error!(%failure, "work left behind cannot be gone on with");
                    self.work = false;
                }
                Round::Failed(error) if error.is_transient() && tries < TRIES_MAX && is_conflict(&error) => {
                    tries += 1;
                }
                Round::Failed(error) => {
                    tracing::error!(%error, "a batch could not be kept");
                    let failure = Failure::from(error);
                    batch.requests.into_iter().for_each(|(_, reply)| drop(reply.send(Err(failure.clone()))));
                    batch.due.into_iter().for_each(|(_, reply)| drop(reply.send(Err(failure.clone()))));
                    // Without this a store that stays broken would be tried without pause.
                    self.work = false;
                    return;
                }
            }
        }
    }

    /// Executes a batch in one transaction. Unless it is `Done`, nothing of it was kept.
    fn round(&mut self, batch: &Batch) -> Round {
        let round = self.attempt(batch);
        match &round {
            Round::Done(..) => {
                for (tenant, state) in &mut self.tenants {
                    state.committed(tenant, &self.snapshots);
                }
            }
            _ => {
                self.tenants.clear();
                if let Err(error) = self.store.rollback() {
                    tracing::error!(%error, "a failed batch could not be rolled back");
                }
            }
        }
        round
    }

    fn attempt(&mut self, batch: &Batch) -> Round {
        match self.store.changed_elsewhere() {
            Ok(false) => {}
            Ok(true) => {
                self.tenants.clear();
                self.snapshots.forget();
                self.work = true;
            }
            Err(error) => return Round::Failed(error),
        }
        let mut answers = Vec::with_capacity(batch.requests.len());
        for (at, (request, _)) in batch.requests.iter().enumerate() {
            let executed = guarded(|| {
                let mut working = self.working(&request.tenant)?;
                let answered = execute(&mut working, request);
                self.work |= working_has_work(&self.tenants, &request.tenant);
                answered
            });
            match executed {
                Ok(answered) => answers.push(Ok(answered)),
                Err(Failure::NoTenant) => answers.push(Err(Failure::NoTenant)),
                Err(Failure::Store(error)) => match Arc::into_inner(error) {
                    Some(error) if error.is_transient() => return Round::Failed(error),
                    Some(error) => return Round::Poisoned(at, error.into()),
                    None => return Round::Poisoned(at, Failure::Stopped),
                },
                Err(failure) => return Round::Poisoned(at, failure),
            }
        }
        let mut worked = Vec::with_capacity(batch.due.len());
        for (now, _) in &batch.due {
            match guarded(|| self.fire_due(*now)) {
                Ok(count) => worked.push(count),
                Err(failure) => return work_failed(failure),
            }
        }
        if self.work
            && let Err(failure) = guarded(|| self.go_on())
        {
            return work_failed(failure);
        }
        match self.keep() {
            Ok(()) => Round::Done(answers, worked),
            Err(error) => Round::Failed(error),
        }
    }

    /// The state of a tenant, loaded if it is not.
    fn working<'a>(&'a mut self, tenant: &'a TenantId) -> Result<Working<'a>, Failure> {
        if !self.tenants.contains_key(tenant) {
            let state = TenantState::load(&mut *self.store, tenant)?;
            self.tenants.insert(tenant.clone(), state);
        }
        let state = self.tenants.get_mut(tenant).ok_or(Failure::NoTenant)?;
        Ok(Working { store: &mut *self.store, tenant, state })
    }

    fn fire_due(&mut self, now: Timestamp) -> Result<usize, Failure> {
        let mut count = 0;
        loop {
            self.flush_all()?;
            let due = self.store.due(now, TIMERS_MAX)?;
            let last = due.len() < TIMERS_MAX;
            count += due.len();
            for (tenant, at, timer) in due {
                let command = self.stamps.next(now);
                fire(&mut self.working(&tenant)?, now, command, (at, timer))?;
                self.work |= working_has_work(&self.tenants, &tenant);
            }
            if last {
                return Ok(count);
            }
        }
    }

    /// Goes on with the oldest work of one tenant, one step.
    fn go_on(&mut self) -> Result<(), Failure> {
        self.flush_all()?;
        let Some((tenant, work)) = self.store.work(1)?.into_iter().next() else {
            self.work = false;
            return Ok(());
        };
        go_on(&mut self.working(&tenant)?, &work)
    }

    fn flush_all(&mut self) -> Result<(), StoreError> {
        for (tenant, state) in &mut self.tenants {
            Working { store: &mut *self.store, tenant, state }.flush()?;
        }
        Ok(())
    }

    fn keep(&mut self) -> Result<(), StoreError> {
        self.flush_all()?;
        self.store.commit()
    }
}

fn is_conflict(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict)
}

fn working_has_work(tenants: &FxHashMap<TenantId, TenantState>, tenant: &TenantId) -> bool {
    tenants.get(tenant).is_some_and(TenantState::left_work)
}

fn work_failed(failure: Failure) -> Round {
    match failure {
        Failure::Store(error) => match Arc::into_inner(error) {
            Some(error) => Round::Failed(error),
            None => Round::WorkPoisoned(Failure::Stopped),
        },
        failure => Round::WorkPoisoned(failure),
    }
}

/// A broken invariant panics; here it ends with the request that met it.
fn guarded<T>(step: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| {
        let what = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("a panic without a message");
        Err(Failure::Defect(what.into()))
    })
}
