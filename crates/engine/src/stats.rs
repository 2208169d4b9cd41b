//! What an engine has done since its start, counted for whoever watches it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

/// Counts of one lane; each is read and written by itself, so two of them may be a moment apart.
#[derive(Debug, Default)]
pub struct LaneStats {
    commands: AtomicU64,
    batches: AtomicU64,
    conflicts: AtomicU64,
    failures: AtomicU64,
    failing: AtomicBool,
}

impl LaneStats {
    /// Commands whose answer was kept, refusals among them.
    pub fn commands(&self) -> u64 {
        self.commands.load(Ordering::Relaxed)
    }

    /// Transactions that were kept.
    pub fn batches(&self) -> u64 {
        self.batches.load(Ordering::Relaxed)
    }

    /// Transactions that were decided anew because another writer was first.
    pub fn conflicts(&self) -> u64 {
        self.conflicts.load(Ordering::Relaxed)
    }

    /// Transactions that were not kept because the store failed.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Whether the store could not keep the last transaction.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Notes a transaction with so many commands.
    pub(crate) fn kept(&self, commands: usize) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.commands.fetch_add(u64::try_from(commands).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.works();
    }

    pub(crate) fn conflicted(&self) {
        self.conflicts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.failing.store(true, Ordering::Relaxed);
    }

    /// Notes that the store keeps things.
    pub(crate) fn works(&self) {
        self.failing.store(false, Ordering::Relaxed);
    }
}

/// Counts of all lanes together.
#[derive(Debug)]
pub struct Stats {
    lanes: Vec<Arc<LaneStats>>,
}

impl Stats {
    pub(crate) fn of(lanes: impl Iterator<Item = Arc<LaneStats>>) -> Self {
        Self { lanes: lanes.collect() }
    }

    /// The counts of each lane.
    pub fn lanes(&self) -> impl Iterator<Item = &LaneStats> {
        self.lanes.iter().map(|lane| &**lane)
    }

    /// Commands whose answer was kept, refusals among them.
    pub fn commands(&self) -> u64 {
        self.lanes().map(LaneStats::commands).sum()
    }

    /// Transactions that were kept.
    pub fn batches(&self) -> u64 {
        self.lanes().map(LaneStats::batches).sum()
    }

    /// Transactions that were decided anew because another writer was first.
    pub fn conflicts(&self) -> u64 {
        self.lanes().map(LaneStats::conflicts).sum()
    }

    /// Transactions that were not kept because the store failed.
    pub fn failures(&self) -> u64 {
        self.lanes().map(LaneStats::failures).sum()
    }

    /// Whether the store could not keep the last transaction of any lane.
    pub fn is_failing(&self) -> bool {
        self.lanes().any(LaneStats::is_failing)
    }
}
