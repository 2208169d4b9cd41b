//! The heart of the shell: many commands in one durable transaction, each answered only after it is durable.
//!
//! One writer thread takes what waits, loads the pools it touches and decides each command in turn; the keeper writes what was
//! decided in one transaction, publishes the new pools to readers and answers, while the writer decides the next commands.
//! There may be several such lanes, each for tenants of its own ([`lane`]). Nothing in memory is truth: a crash loses no answer
//! that was given.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod advice;
mod after;
mod ahead;
mod allocation;
mod answer;
mod desk;
mod execute;
mod fulfil;
mod housekeeping;
mod lane;
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
mod sale;
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
mod times;
mod undo;
pub mod waitlist;
mod watcher;
pub mod wave;
mod words;
mod working;
mod writer;

use std::{sync::Arc, thread, time::Instant};

use crossbeam_channel::{Sender, bounded};
use ledger::{Store, StoreError};
use model::{command::Command, id::TenantId, time::Timestamp};
use tokio::sync::oneshot;
use uuid::Uuid;

use self::{
    lane::{Lane, lane_of, spawn},
    writer::{DUE_MAX, Reply},
};

pub use allocation::LINES_MAX as RUN_LINES_MAX;
pub use answer::{Answer, Answered, Failure, Key};
pub use lane::LANES_MAX;
pub use money::{
    errands::{PAYER, errand_state, errands_to},
    method::may_change as may_change_method,
    prepaid::{PREPAYMENTS, Prepayments, each_prepayment},
};
pub use sandbox::Sandbox;
pub use snapshot::Snapshots;
pub use stamp::Stamps;
pub use stats::{LaneStats, Stats};
pub use times::{Steps, Times};
pub use watcher::STALE_MS_MAX;
pub use words::{STOCK_NOTE, StockNote};

/// Most commands that wait for one lane's writer; beyond it the caller is told to come back.
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

type Answering = oneshot::Receiver<Result<Answered, Failure>>;

pub(crate) enum Job {
    Request(Box<Request>, Reply),
    /// Hold what is due by this moment, for all tenants; answers how many timers were worked.
    RunDue(Timestamp, oneshot::Sender<Result<usize, Failure>>),
    /// Answer when everything sent before, and all work it left behind, is done.
    Drain(oneshot::Sender<()>),
    Stop,
}

/// A running engine: sends commands to the writers and lends the pools to readers. Cheap to share behind an `Arc`.
pub struct Engine {
    lanes: Vec<Lane>,
    snapshots: Arc<Snapshots>,
    store: Arc<dyn Store>,
    stats: Stats,
    watcher: Option<thread::JoinHandle<()>>,
    /// The watcher ends when this is gone.
    watching: Option<Sender<()>>,
}

impl Engine {
    /// Starts with one lane on a store. Errors: the store cannot be opened for writing.
    pub fn start(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        Self::start_in(store, 1)
    }

    /// Starts with so many lanes, one to [`LANES_MAX`]: more than one only on a store on which many may write at once.
    pub fn start_in(store: Arc<dyn Store>, lanes: usize) -> Result<Self, StoreError> {
        let snapshots = Arc::new(Snapshots::new(Arc::clone(&store)));
        let of = lanes.clamp(1, LANES_MAX);
        let lanes: Result<Vec<Lane>, StoreError> =
            (0..of).map(|lane| Lane::start(&*store, &snapshots, (lane, of))).collect();
        let lanes = lanes?;
        let stats = Stats::of(lanes.iter().map(|lane| Arc::clone(&lane.stats)));
        let (watching, ended) = bounded(0);
        let mut watcher = None;
        if let Some(watch) = store.watch()? {
            let shown = Arc::clone(&snapshots);
            watcher = Some(spawn("watcher".to_owned(), move || watcher::run(watch, &shown, &ended))?);
        }
        Ok(Self { lanes, snapshots, store, stats, watcher, watching: Some(watching) })
    }

    /// Decides a command; answers when it is durable.
    ///
    /// Errors: `Busy` where too many wait already, `Store` where it could not be kept: then it had no effect, unless the
    /// failure says that nobody knows.
    pub async fn run(&self, request: Request) -> Result<Answered, Failure> {
        self.send(request)?.await.map_err(|_| Failure::Stopped)?
    }

    /// The same, with a note of when each step of it was.
    pub async fn run_timed(&self, request: Request, times: &Arc<Times>) -> Result<Answered, Failure> {
        self.begin(request, Some(Arc::clone(times)))?.await.map_err(|_| Failure::Stopped)?
    }

    /// The same from a thread that may block.
    pub fn run_blocking(&self, request: Request) -> Result<Answered, Failure> {
        self.send(request)?.blocking_recv().map_err(|_| Failure::Stopped)?
    }

    /// Queues a command; the answer comes on the channel. For callers that keep many in flight.
    pub fn send(&self, request: Request) -> Result<oneshot::Receiver<Result<Answered, Failure>>, Failure> {
        self.begin(request, None)
    }

    fn begin(&self, request: Request, times: Option<Arc<Times>>) -> Result<Answering, Failure> {
        let (to, answered) = oneshot::channel();
        let lane = self.lane_of(&request.tenant);
        self.lane(lane)?.send(Job::Request(Box::new(request), Reply { to, times }))?;
        Ok(answered)
    }

    /// How many lanes there are.
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Which lane a tenant's commands go.
    pub fn lane_of(&self, tenant: &TenantId) -> usize {
        lane_of(tenant, self.lanes.len())
    }

    /// Does what is due by a moment, in all lanes: holds whose time is over. Answers how many timers were worked.
    pub async fn run_due(&self, now: Timestamp) -> Result<usize, Failure> {
        let begun: Vec<_> = self.lanes.iter().map(|lane| Self::begin_due(lane, now)).collect();
        let mut count = 0;
        for (lane, begun) in self.lanes.iter().zip(begun) {
            count += Self::all_due(lane, now, begun?).await?;
        }
        Ok(count)
    }

    /// The same in one lane, so that none waits for another.
    pub async fn run_due_in(&self, lane: usize, now: Timestamp) -> Result<usize, Failure> {
        let lane = self.lane(lane)?;
        Self::all_due(lane, now, Self::begin_due(lane, now)?).await
    }

    /// Waits for what was begun, and asks again while there may be more: each time is a transaction of its own.
    async fn all_due(
        lane: &Lane,
        now: Timestamp,
        mut begun: oneshot::Receiver<Result<usize, Failure>>,
    ) -> Result<usize, Failure> {
        let mut count = 0;
        loop {
            let found = begun.await.map_err(|_| Failure::Stopped)??;
            count += found;
            if found < DUE_MAX {
                return Ok(count);
            }
            begun = Self::begin_due(lane, now)?;
        }
    }

    fn begin_due(lane: &Lane, now: Timestamp) -> Result<oneshot::Receiver<Result<usize, Failure>>, Failure> {
        let (answer, answered) = oneshot::channel();
        lane.send(Job::RunDue(now, answer))?;
        Ok(answered)
    }

    /// Waits until everything sent before, and all the work it left behind, is done.
    pub async fn drain(&self) -> Result<(), Failure> {
        let begun: Vec<_> = self.lanes.iter().map(Self::begin_drain).collect();
        for answered in begun {
            answered?.await.map_err(|_| Failure::Stopped)?;
        }
        Ok(())
    }

    /// Waits until whatever was read from the store after this moment is on disk: before anybody outside is told of it who could
    /// not be told otherwise later. Errors: it was lost, or nobody knows.
    pub async fn on_disk(&self, since: Instant) -> Result<(), Failure> {
        // One disk for all lanes.
        self.lane(0)?.on_disk(since).await.map_err(|_| Failure::Stopped)
    }

    /// The same in one lane.
    pub async fn drain_in(&self, lane: usize) -> Result<(), Failure> {
        Self::begin_drain(self.lane(lane)?)?.await.map_err(|_| Failure::Stopped)
    }

    fn begin_drain(lane: &Lane) -> Result<oneshot::Receiver<()>, Failure> {
        let (answer, answered) = oneshot::channel();
        lane.send(Job::Drain(answer))?;
        Ok(answered)
    }

    fn lane(&self, lane: usize) -> Result<&Lane, Failure> {
        self.lanes.get(lane).ok_or(Failure::Stopped)
    }

    /// How many commands wait, in each lane.
    pub fn waiting(&self) -> impl Iterator<Item = usize> {
        self.lanes.iter().map(Lane::waiting)
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

impl Drop for Engine {
    /// Lets the writers finish what they were given, then stops them.
    fn drop(&mut self) {
        self.lanes.iter().for_each(Lane::stop);
        drop(self.watching.take());
        self.lanes.iter_mut().for_each(Lane::join);
        if let Some(watcher) = self.watcher.take() {
            drop(watcher.join());
        }
    }
}
