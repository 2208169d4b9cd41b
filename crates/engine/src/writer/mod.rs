//! The writer thread: takes commands, decides each as it comes, and hands over what is to be kept.
//!
//! Two ways. *Streaming*: commands are decided from memory while the keeper writes those before them; a batch ends when the
//! keeper is free or the batch is full. *Settling*: a batch is decided, written and committed here, one after the other, and
//! decided anew without a command that cannot be executed. Whatever goes wrong while streaming is settled: nothing in memory
//! is truth.

mod batch;
mod due;
mod settle;

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crossbeam_channel::{Receiver, RecvError, TryRecvError, select};
use ledger::{Elsewhere, StoreError};
use model::{command::Command, id::TenantId};
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::oneshot;

pub(crate) use self::{batch::Batch, due::DUE_MAX};
use crate::{
    Job, Request,
    after::LINES_BESIDE,
    ahead::Answers,
    answer::{Answered, Failure},
    desk::{Desk, Handover, Part, Returned},
    execute::execute,
    housekeeping::Housekeeping,
    lane::Share,
    snapshot::Snapshots,
    stamp::Stamps,
    stats::LaneStats,
    times::Times,
    working::{TenantState, Working},
};

/// Most commands in one transaction.
const BATCH_MAX: usize = 2_048;
/// A batch of so few commands is kept by the writer itself: handing it over would cost more than it saves.
const HANDED_MIN: usize = 4;
/// A batch of so many commands is handed over as soon as the keeper is free, though more are waiting.
const HANDED_AT: usize = 64;
/// After so many commands there is a step of the work left behind, where there always are more: it reads, and while it does nothing
/// is decided or written.
const WORK_EVERY: usize = 512;
/// Most commands that wait and are looked at for what they need, so that one read serves them all.
const AHEAD_MAX: usize = 1_024;
/// For how many batches a tenant is locked before anything is decided, once another writer was met: what is decided ahead
/// would most likely be decided again.
const CAUTIOUS: u32 = 16;

/// Who waits for a command's answer, and whether they want to know when each step of it was.
pub(crate) struct Reply {
    pub(crate) to: oneshot::Sender<Result<Answered, Failure>>,
    pub(crate) times: Option<Arc<Times>>,
}

impl Reply {
    /// Answers. Whoever asked may have gone; the command stands all the same.
    fn send(self, answer: Result<Answered, Failure>) {
        if let Some(times) = &self.times {
            times.kept();
        }
        let _ = self.to.send(answer);
    }

    fn begins(&self) {
        if let Some(times) = &self.times {
            times.begins();
        }
    }

    fn decided(&self) {
        if let Some(times) = &self.times {
            times.decided();
        }
    }
}

pub(crate) struct Writer {
    desk: Desk,
    /// Whose timers and work it looks after.
    share: Share,
    snapshots: Arc<Snapshots>,
    tenants: FxHashMap<TenantId, TenantState>,
    stamps: Stamps,
    housekeeping: Housekeeping,
    /// So many batches are still to be decided one by one, each with its tenants locked.
    cautious: u32,
    /// Tenants that nobody else writes for until this transaction ends; `None`: nobody looked.
    locked: Option<FxHashSet<TenantId>>,
    stats: Arc<LaneStats>,
    answers: Answers,
    jobs: Receiver<Job>,
    /// Taken from the queue already, to see what they need.
    ahead: VecDeque<Job>,
    /// There may be work left behind.
    work: bool,
    /// So many commands were decided beside it since it was gone on with.
    since_work: usize,
    waiting_for_work: Vec<oneshot::Sender<()>>,
}

/// What comes next while streaming.
enum Next {
    Job(Job),
    Returned(Returned),
    /// Nothing waits, and the store is here.
    Idle,
    /// Nobody can send any more.
    End,
}

impl Writer {
    pub(crate) fn new(
        jobs: Receiver<Job>,
        desk: Desk,
        share: Share,
        snapshots: Arc<Snapshots>,
        answers: Answers,
    ) -> Self {
        Self {
            jobs,
            desk,
            share,
            snapshots,
            tenants: FxHashMap::default(),
            // For what timers do: nobody gains by guessing the ids of runs.
            stamps: Stamps::new([0; 32]),
            housekeeping: Housekeeping::default(),
            cautious: 0,
            locked: None,
            stats: answers.stats(),
            answers,
            ahead: VecDeque::new(),
            work: true,
            since_work: 0,
            waiting_for_work: Vec::new(),
        }
    }

    /// Runs until told to stop or until nobody can send any more.
    pub(crate) fn run(mut self) {
        let mut batch = Batch::default();
        loop {
            match self.next(&batch) {
                Next::Job(Job::Request(request, reply)) => {
                    if self.is_settling() && batch.is_decided() {
                        self.keep_now(&mut batch);
                    }
                    self.take((request, reply), &mut batch);
                }
                Next::Job(Job::RunDue(now, reply)) => {
                    self.keep_now(&mut batch);
                    self.try_again();
                    // Whoever looks after timers looks after work, too: who left it may be gone, or have met a store that failed.
                    self.work = true;
                    self.settle(Batch { due: vec![(now, reply)], ..Batch::default() });
                }
                Next::Job(Job::Drain(reply)) => {
                    self.keep_now(&mut batch);
                    self.work = true;
                    self.waiting_for_work.push(reply);
                }
                Next::Returned(returned) => {
                    self.desk.take_back(returned);
                    self.settle_failed(&mut batch);
                    if batch.is_decided() && batch.requests.len() >= HANDED_MIN {
                        self.end(std::mem::take(&mut batch));
                    }
                }
                Next::Idle => {
                    let step = batch.is_empty() && self.work;
                    self.end(std::mem::take(&mut batch));
                    if step {
                        self.settle(Batch::default());
                    }
                }
                Next::Job(Job::Stop) | Next::End => {
                    self.keep_now(&mut batch);
                    return;
                }
            }
        }
    }

    fn next(&mut self, batch: &Batch) -> Next {
        let most = if self.desk.is_home() && !self.is_settling() { HANDED_AT } else { BATCH_MAX };
        let is_full = batch.requests.len() >= most;
        let job = |job: Result<Job, RecvError>| job.map_or(Next::End, Next::Job);
        if self.desk.is_home() {
            if is_full {
                return Next::Idle;
            }
            if let Some(job) = self.ahead.pop_front() {
                return Next::Job(job);
            }
            if batch.is_empty() && !self.work {
                return job(self.jobs.recv());
            }
            return match self.jobs.try_recv() {
                Ok(job) => Next::Job(job),
                Err(TryRecvError::Empty) => Next::Idle,
                Err(TryRecvError::Disconnected) if batch.is_empty() => Next::End,
                Err(TryRecvError::Disconnected) => Next::Idle,
            };
        }
        let back = self.desk.returns();
        let returned = |returned: Result<Returned, RecvError>| returned.map_or(Next::End, Next::Returned);
        if is_full {
            return returned(back.recv());
        }
        if !self.ahead.is_empty() {
            return match (back.try_recv(), self.ahead.pop_front()) {
                (Err(TryRecvError::Empty), Some(job)) => Next::Job(job),
                (Err(_), _) => Next::End,
                (Ok(returned), job) => {
                    self.ahead.extend(job);
                    self.ahead.rotate_right(1);
                    Next::Returned(returned)
                }
            };
        }
        select! {
            recv(back) -> back => returned(back),
            recv(self.jobs) -> next => job(next),
        }
    }

    /// Takes a command: decides it at once, unless another writer was met.
    fn take(&mut self, next: (Box<Request>, Reply), batch: &mut Batch) {
        batch.requests.push(next);
        if self.is_settling() {
            return;
        }
        let Some((request, reply)) = batch.requests.last() else { return };
        reply.begins();
        let decided = self.look_ahead(request).and_then(|()| self.decide(request));
        reply.decided();
        match decided {
            Ok(answer) => batch.answers.push(answer),
            // Whatever it is, settling finds out for whom it is.
            Err(failure) => {
                let mut batch = std::mem::take(batch);
                self.come_home(&mut batch);
                self.redo(batch, &failure);
            }
        }
    }

    /// Where a command needs what must be read: reads with it what those that wait behind it need.
    fn look_ahead(&mut self, request: &Request) -> Result<(), Failure> {
        let Some(state) = self.tenants.get(&request.tenant) else { return Ok(()) };
        if !state.lacks(request) {
            return Ok(());
        }
        let room = AHEAD_MAX.saturating_sub(self.ahead.len());
        self.ahead.extend(self.jobs.try_iter().take(room));
        let ahead = std::mem::take(&mut self.ahead);
        let waiting = ahead.iter().filter_map(|job| match job {
            Job::Request(waiting, _) => Some(&**waiting),
            _ => None,
        });
        let loaded = guarded(|| self.load(&request.tenant, [request].into_iter().chain(waiting)));
        self.ahead = ahead;
        loaded
    }

    /// Loads what requests of one tenant will need, all at once.
    fn load<'r>(
        &mut self,
        tenant: &TenantId,
        requests: impl Iterator<Item = &'r Request>,
    ) -> Result<(), Failure> {
        let mut working = self.working(tenant)?;
        let (mut orders, mut skus) = (Vec::new(), Vec::new());
        for request in requests.filter(|request| request.tenant == *tenant) {
            match request.command.wish() {
                Command::PlaceOrder(wish) => skus.extend(wish.lines.iter().map(|line| &line.sku)),
                command => orders.extend(command.order()),
            }
        }
        working.load_orders(&orders)?;
        working.load_pools(skus.into_iter())
    }

    /// Whether batches are settled one after the other, and nothing is decided ahead.
    fn is_settling(&self) -> bool {
        self.cautious > 0
    }

    /// Ends a batch, now and then with a step of the work left behind; settles one that is not decided, which has such a step. The
    /// store is here, and what was handed over before is kept.
    fn end(&mut self, batch: Batch) {
        if batch.is_empty() {
            return;
        }
        if !batch.is_decided() {
            return self.settle(batch);
        }
        if self.work {
            self.since_work += batch.requests.len();
        }
        if self.since_work < WORK_EVERY {
            return self.end_with(batch, false);
        }
        self.since_work = 0;
        if self.works_beside() {
            return self.end_with(batch, true);
        }
        self.end_with(batch, false);
        self.come_home(&mut Batch::default());
        self.settle(Batch::default());
    }

    /// Whether a step of work can be part of a batch that is decided. Where tenants are locked, only if there is but one, whose it is:
    /// to lock one more would be out of their order.
    fn works_beside(&mut self) -> bool {
        if !self.desk.tells_elsewhere() {
            return true;
        }
        self.tenants.len() == 1
            && self
                .oldest_work()
                .is_ok_and(|work| work.is_none_or(|(tenant, _)| self.tenants.contains_key(&tenant)))
    }

    /// Ends a batch that is decided, with a step of work or without: hands it over, or keeps it here where it is small.
    fn end_with(&mut self, mut batch: Batch, work: bool) {
        if work {
            if let Err(failure) = guarded(|| self.go_on(LINES_BESIDE)) {
                return self.redo(batch, &failure);
            }
            if !self.work {
                batch.drained.append(&mut self.waiting_for_work);
            }
        }
        let is_small = batch.requests.len() < HANDED_MIN;
        let parts = match parts(&mut self.tenants, TenantState::part) {
            Ok(parts) => parts,
            Err(error) => {
                tracing::error!(%error, "a batch could not be written down");
                return self.redo(batch, &error.into());
            }
        };
        let handover = Handover { parts, batch };
        if !is_small {
            if self.desk.hand_over(handover).is_err() {
                tracing::error!("the keeper is gone");
            }
            return;
        }
        let kept = self.desk.store().and_then(|store| {
            handover.write(store)?;
            Ok(store.commit_ahead()?)
        });
        self.desk.ended();
        match kept {
            Ok(committed) => self.answers.committed(handover.publish(&self.snapshots), committed),
            Err(failure) => self.redo(handover.batch, &failure),
        }
    }

    /// Ends a batch and waits until it is kept. Leaves an empty one.
    fn keep_now(&mut self, batch: &mut Batch) {
        self.come_home(batch);
        self.end(std::mem::take(batch));
        self.come_home(batch);
    }

    /// Waits until what was handed over is kept. If it was not, settles it, and with it the batch that was decided on top of it.
    fn come_home(&mut self, batch: &mut Batch) {
        let _ = self.desk.home();
        self.settle_failed(batch);
        self.tenants.values_mut().for_each(TenantState::handed_is_kept);
    }

    /// Settles a batch that the keeper could not keep, and the one decided on top of it.
    fn settle_failed(&mut self, batch: &mut Batch) {
        if let Some((failed, error)) = self.desk.take_failed() {
            tracing::debug!(%error, "a batch is decided anew");
            let failure = error.into();
            self.take_back(&failure);
            self.settle_again(failed, &failure);
            self.settle(std::mem::take(batch));
        }
    }

    /// Decides a batch anew, from what is stored. What was handed over before it is kept.
    fn redo(&mut self, batch: Batch, why: &Failure) {
        if batch.is_empty() {
            return;
        }
        if let Err(error) = self.desk.home().and_then(|store| Ok(store.rollback()?)) {
            tracing::error!(%error, "a failed batch could not be rolled back");
        }
        self.desk.ended();
        self.take_back(why);
        self.settle_again(batch, why);
    }

    /// Settles a batch that was not kept, unless nobody knows whether it was: then a request without a key could be executed
    /// twice.
    fn settle_again(&mut self, batch: Batch, why: &Failure) {
        match why {
            Failure::Store(error) if matches!(**error, StoreError::Unknown { .. }) => {
                tracing::error!(%error, "nobody knows whether a batch was kept");
                self.stats.failed();
                batch.fail(why);
            }
            _ => self.settle(batch),
        }
    }

    /// Forgets what was decided and not kept. Where another writer was faster and says what it changed, the rest stays.
    fn take_back(&mut self, why: &Failure) {
        let is_conflict = matches!(why, Failure::Store(error) if matches!(**error, StoreError::Conflict));
        if !(is_conflict && self.desk.tells_elsewhere()) {
            return self.forget();
        }
        self.stats.conflicted();
        self.tenants.retain(|_, state| state.undo());
        self.met_another();
    }

    /// Another writer is at work: from now on, look before deciding.
    fn met_another(&mut self) {
        self.cautious = CAUTIOUS;
    }

    /// Forgets everything: it may rest on what is not kept, or another process has written.
    fn forget(&mut self) {
        self.tenants.clear();
        self.snapshots.forget();
        self.work = true;
    }

    /// Where the store failed the last time: finds out whether it keeps things again.
    fn try_again(&mut self) {
        if !self.stats.is_failing() {
            return;
        }
        // What it had done of the day may be among what was lost.
        self.housekeeping = Housekeeping::default();
        let Ok(store) = self.desk.home() else { return };
        match store.rollback().and_then(|()| store.probe()).and_then(|()| store.commit()) {
            Ok(()) => {
                tracing::info!("the store keeps things again");
                self.stats.works();
            }
            Err(error) => {
                tracing::debug!(%error, "the store keeps nothing yet");
                // What broke it is said; a connection that is gone has nothing to roll back.
                let _ = store.rollback();
            }
        }
        self.desk.ended();
    }

    /// Decides one request. `Ok(Err(_))`: it cannot be executed, and nothing was done for it.
    fn decide(&mut self, request: &Request) -> Result<Result<Answered, Failure>, Failure> {
        let decided = guarded(|| {
            let mut working = self.working(&request.tenant)?;
            working.state.decides();
            let answered = execute(&mut working, request);
            self.work |= working.state.left_work();
            answered
        });
        match decided {
            Err(Failure::NoTenant) => Ok(Err(Failure::NoTenant)),
            decided => decided.map(Ok),
        }
    }

    /// The state of a tenant, loaded if it is not.
    fn working<'a>(&'a mut self, tenant: &'a TenantId) -> Result<Working<'a>, Failure> {
        if !self.tenants.contains_key(tenant) {
            let state = TenantState::load(self.desk.store()?, tenant)?;
            self.tenants.insert(tenant.clone(), state);
            if let Some(locked) = &mut self.locked {
                locked.insert(tenant.clone());
            }
        } else if self.locked.as_ref().is_some_and(|locked| !locked.contains(tenant)) {
            self.catch_up(tenant)?;
        }
        let state = self.tenants.get_mut(tenant).ok_or(Failure::NoTenant)?;
        Ok(Working { desk: &mut self.desk, tenant, state })
    }

    /// Locks a tenant that is loaded, and reads again what others have changed of it.
    fn catch_up(&mut self, tenant: &TenantId) -> Result<(), Failure> {
        let elsewhere = self.desk.store()?.elsewhere(tenant)?;
        if elsewhere != Elsewhere::Nothing {
            self.snapshots.outdated(tenant, &elsewhere);
            self.met_another();
            let state = self.tenants.get_mut(tenant).ok_or(Failure::NoTenant)?;
            if let Err(failure) = state.catch_up(self.desk.store()?, tenant, &elsewhere) {
                self.tenants.remove(tenant);
                return Err(failure);
            }
        }
        if let Some(locked) = &mut self.locked {
            locked.insert(tenant.clone());
        }
        Ok(())
    }
}

/// What is to be written of each tenant, in the order of their names as every writer does it: two that lock the same tenants in
/// another order would wait for each other.
fn parts(
    tenants: &mut FxHashMap<TenantId, TenantState>,
    of: impl Fn(&mut TenantState, &TenantId) -> Result<Option<Part>, StoreError>,
) -> Result<Vec<Part>, StoreError> {
    let parts = tenants.iter_mut().filter_map(|(tenant, state)| of(state, tenant).transpose());
    let mut parts = parts.collect::<Result<Vec<_>, _>>()?;
    parts.sort_unstable_by(|one, other| one.tenant.cmp(&other.tenant));
    Ok(parts)
}

/// A broken invariant panics; here it ends with the request that met it.
fn guarded<T>(step: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| Err(Failure::Defect(said(&*panic).into())))
}

/// What a panic said.
pub(crate) fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message")
}
