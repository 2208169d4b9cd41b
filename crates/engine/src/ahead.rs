//! Answers that wait for the disk: where a store commits ahead of it, a third thread of a lane, the *flusher*, answers a batch once
//! it is there, while the keeper writes the next.

use std::{sync::Arc, time::Instant};

use crossbeam_channel::{Receiver, SendError, Sender, bounded};
use ledger::{Committed, Flush, Pending, StoreError};
use tokio::sync::oneshot;

use crate::{answer::Failure, stats::LaneStats, writer::Batch};

/// Most batches that wait for the disk; with more the next one waits to be kept.
const AHEAD_MAX: usize = 8;
const DOING: &str = "kept the last batches";

/// A batch that is committed and may not be on disk yet.
pub(crate) type Ahead = (Batch, Pending);

/// Answers batches that are committed. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Answers {
    stats: Arc<LaneStats>,
    /// Where the store commits ahead of its disk.
    flusher: Option<Sender<Ahead>>,
}

impl Answers {
    /// With what the flusher is to do ([`flush`]), where a store has one.
    pub(crate) fn new(stats: &Arc<LaneStats>, flushes: bool) -> (Self, Option<Receiver<Ahead>>) {
        let (flusher, ahead) = flushes.then(|| bounded(AHEAD_MAX)).unzip();
        (Self { stats: Arc::clone(stats), flusher }, ahead)
    }

    pub(crate) fn stats(&self) -> Arc<LaneStats> {
        Arc::clone(&self.stats)
    }

    /// Answers once what was read after a moment is on disk; not at all where it was lost.
    pub(crate) fn once_on_disk(&self, answer: oneshot::Sender<()>, since: Instant) {
        let pending = Pending { since, standing: Vec::new() };
        self.committed(Batch::awaited_by(answer), Committed::Ahead(pending));
    }

    /// Answers a batch, now or when it is on disk.
    pub(crate) fn committed(&self, batch: Batch, committed: Committed) {
        match (committed, &self.flusher) {
            (Committed::Ahead(pending), Some(flusher)) if batch.is_waited_for() => {
                if let Err(SendError((batch, _))) = flusher.send((batch, pending)) {
                    tracing::error!("the flusher is gone");
                    batch.fail(&Failure::Stopped);
                }
            }
            _ => batch.kept(&self.stats),
        }
    }
}

/// The flusher: waits until batches are on disk, all that there are at once, and answers them. Runs until nobody can send any more.
pub(crate) fn flush(disk: &mut dyn Flush, ahead: &Receiver<Ahead>, stats: &LaneStats) {
    while let Ok(first) = ahead.recv() {
        let (batches, pending): (Vec<_>, Vec<_>) = std::iter::once(first).chain(ahead.try_iter()).unzip();
        let (kept, failure) = match disk.flush(&pending) {
            Ok(kept) => (kept, StoreError::driver(DOING, "it failed before they were on disk")),
            Err(error) => (0, StoreError::Unknown { source: Box::new(error) }),
        };
        if kept < batches.len() {
            tracing::error!(error = %failure, "what was committed is not on disk");
            stats.failed();
        }
        let failure = Failure::from(failure);
        for (nth, batch) in batches.into_iter().enumerate() {
            if nth < kept {
                batch.kept(stats);
            } else {
                batch.fail(&failure);
            }
        }
    }
}
