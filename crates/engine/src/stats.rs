//! What an engine has done since its start, counted for whoever watches it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counts; each is read and written by itself, so two of them may be a moment apart.
#[derive(Debug, Default)]
pub struct Stats {
    commands: AtomicU64,
    batches: AtomicU64,
    conflicts: AtomicU64,
    failures: AtomicU64,
    failing: AtomicBool,
}

impl Stats {
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
