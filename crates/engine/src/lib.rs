//! The heart of the shell: many commands in one durable transaction, each answered only after it is durable.
//!
//! One writer thread takes what waits, loads the pools it touches and decides each command in turn; the keeper writes what was
//! decided in one transaction, publishes the new pools to readers and answers, while the writer decides the next commands.
//! Nothing in memory is truth: a crash loses no answer that was given.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod advice;
mod after;
mod allocation;
mod answer;
mod desk;
mod execute;
mod fulfil;
mod housekeeping;
mod lateness;
mod look;
mod money;
pub mod notices;
mod own;
pub mod packing;
pub mod preview;
mod privacy;
mod purchase;
mod question;
mod receipts;
mod records;
mod sandbox;
mod snapshot;
mod spread;
mod stamp;
mod stats;
mod stock;
mod substitute;
pub mod talk;
#[cfg(test)]
mod tests;
mod undo;
pub mod waitlist;
mod watcher;
pub mod wave;
mod words;
mod working;
mod writer;

use std::{sync::Arc, thread};

use crossbeam_channel::{Sender, TrySendError, bounded};
use ledger::{Store, StoreError};
use model::{command::Command, id::TenantId, time::Timestamp};
use tokio::sync::oneshot;
use uuid::Uuid;

pub use allocation::LINES_MAX as RUN_LINES_MAX;
pub use answer::{Answer, Answered, Failure, Key};
pub use money::{
    errands::{PAYER, errand_state, errands_to},
    method::may_change as may_change_method,
    prepaid::{PREPAYMENTS, Prepayments, each_prepayment},
};
pub use sandbox::Sandbox;
pub use snapshot::Snapshots;
pub use stamp::Stamps;
pub use stats::Stats;
pub use watcher::STALE_MS_MAX;
pub use words::{STOCK_NOTE, StockNote};

/// Most commands that wait for the writer; beyond it the caller is told to come back.
pub const WAITING_MAX: usize = 16_384;

/// One command of one tenant.
#[derive(Debug)]
pub struct Request {
    /// Whose shop.
    pub tenant: TenantId,
    /// The moment it is decided for.
    pub now: Timestamp,
    /// The command's own id, from [`Stamps`]: what it opens is named after it.
    pub id: Uuid,
    /// The wish.
    pub command: Command,
    /// The request's idempotency key.
    pub key: Option<Key>,
    /// How much the answer is to say.
    pub detail: Detail,
}

/// How much an answer is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// What was asked for, as it is now.
    #[default]
    Full,
    /// Only that it is done: for whoever sends many and looks at none, such as an import.
    Done,
}

pub(crate) enum Job {
    Request(Box<Request>, oneshot::Sender<Result<Answered, Failure>>),
    /// Hold what is due by this moment, for all tenants; answers how many timers were worked.
    RunDue(Timestamp, oneshot::Sender<Result<usize, Failure>>),
    /// Answer when everything sent before, and all work it left behind, is done.
    Drain(oneshot::Sender<()>),
    Stop,
}

/// A running engine: sends commands to the writer and lends the pools to readers. Cheap to share behind an `Arc`.
pub struct Engine {
    jobs: Sender<Job>,
    snapshots: Arc<Snapshots>,
    store: Arc<dyn Store>,
    threads: Vec<thread::JoinHandle<()>>,
    stats: Arc<Stats>,
    /// The watcher ends when this is gone.
    watching: Option<Sender<()>>,
}

impl Engine {
    /// Starts the writer thread on a store. Errors: the store cannot be opened for writing.
    pub fn start(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let (jobs, waiting) = bounded(WAITING_MAX);
        let snapshots = Arc::new(Snapshots::new(Arc::clone(&store)));
        let (desk, handed, give_back) = desk::Desk::new(store.writer()?);
        let stats = Arc::<Stats>::default();
        let writer = writer::Writer::new(waiting, desk, Arc::clone(&snapshots), Arc::clone(&stats));
        let (shown, counted) = (Arc::clone(&snapshots), Arc::clone(&stats));
        let mut threads = vec![
            spawn("writer", move || writer.run())?,
            spawn("keeper", move || desk::keep((&shown, &counted), &handed, &give_back))?,
        ];
        let (watching, ended) = bounded(0);
        if let Some(watch) = store.watch()? {
            let shown = Arc::clone(&snapshots);
            threads.push(spawn("watcher", move || watcher::run(watch, &shown, &ended))?);
        }
        Ok(Self { jobs, snapshots, store, threads, stats, watching: Some(watching) })
    }

    /// Decides a command; answers when it is durable.
    ///
    /// Errors: `Busy` where too many wait already, `Store` where it could not be kept: then it had no effect, unless the
    /// failure says that nobody knows.
    pub async fn run(&self, request: Request) -> Result<Answered, Failure> {
        self.send(request)?.await.map_err(|_| Failure::Stopped)?
    }

    /// The same from a thread that may block.
    pub fn run_blocking(&self, request: Request) -> Result<Answered, Failure> {
        self.send(request)?.blocking_recv().map_err(|_| Failure::Stopped)?
    }

    /// Queues a command; the answer comes on the channel. For callers that keep many in flight.
    pub fn send(&self, request: Request) -> Result<oneshot::Receiver<Result<Answered, Failure>>, Failure> {
        let (answer, answered) = oneshot::channel();
        match self.jobs.try_send(Job::Request(Box::new(request), answer)) {
            Ok(()) => Ok(answered),
            Err(TrySendError::Full(_)) => Err(Failure::Busy),
            Err(TrySendError::Disconnected(_)) => Err(Failure::Stopped),
        }
    }

    /// Does what is due by a moment: holds whose time is over. Answers how many timers were worked.
    pub async fn run_due(&self, now: Timestamp) -> Result<usize, Failure> {
        let (answer, answered) = oneshot::channel();
        self.jobs.try_send(Job::RunDue(now, answer)).map_err(|_| Failure::Busy)?;
        answered.await.map_err(|_| Failure::Stopped)?
    }

    /// Waits until everything sent before, and all the work it left behind, is done.
    pub async fn drain(&self) -> Result<(), Failure> {
        let (answer, answered) = oneshot::channel();
        self.jobs.try_send(Job::Drain(answer)).map_err(|_| Failure::Busy)?;
        answered.await.map_err(|_| Failure::Stopped)
    }

    /// How many commands wait for the writer.
    pub fn waiting(&self) -> usize {
        self.jobs.len()
    }

    /// What it has done so far. While the store is failing (a full disk, a database that is gone), looking after what is due
    /// ([`Engine::run_due`]) tries each time whether it keeps things again.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The pools as they were after the last commit, for readers.
    pub fn snapshots(&self) -> &Arc<Snapshots> {
        &self.snapshots
    }

    /// The store, for readers.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<thread::JoinHandle<()>, StoreError> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(run).map_err(|error| StoreError::driver("started a thread", error))
}

impl Drop for Engine {
    /// Lets the writer finish what it was given, then stops it.
    fn drop(&mut self) {
        // A full queue drains by itself, so this waits at most for what is queued.
        let _ = self.jobs.send(Job::Stop);
        drop(self.watching.take());
        // The keeper ends when the writer's desk is gone.
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}
