//! Lanes: writers side by side in one process, each for tenants of its own, as if each were a node.
//!
//! Within a tenant there is one line, since its ledger has one sequence of numbers; tenants share nothing. So what waits in
//! one lane (a lock that somebody else holds, a batch on its way to the disk) holds up none of another lane's tenants. A
//! store whose file has one writer gains nothing by it.

use std::{sync::Arc, thread, time::Instant};

use crossbeam_channel::{Sender, TrySendError, bounded};
use ledger::{Store, StoreError};
use model::id::TenantId;
use tokio::sync::oneshot;

use crate::{
    Job, WAITING_MAX,
    ahead::{self, Answers},
    answer::Failure,
    desk::{self, Desk},
    snapshot::Snapshots,
    stats::LaneStats,
    writer::Writer,
};

/// Most lanes of one engine: each is two or three threads, and a connection or two.
pub const LANES_MAX: usize = 64;

/// Where a scan over all tenants begins that looks for a few of one lane's.
const SCAN_MIN: usize = 64;
/// By what a scan that found too few of one lane's grows.
const SCAN_GROWTH: usize = 4;

/// Which tenants are a lane's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    lane: usize,
    of: usize,
}

impl Share {
    #[cfg(test)]
    pub(crate) const ALL: Self = Self { lane: 0, of: 1 };

    pub(crate) fn has(self, tenant: &TenantId) -> bool {
        self.of == 1 || lane_of(tenant, self.of) == self.lane
    }

    /// The first rows of a scan over all tenants that are this lane's, so many at most; fewer only where there are no more.
    /// `read` answers the first rows of all, so many.
    pub(crate) fn scan<T, E>(
        self,
        most: usize,
        mut read: impl FnMut(usize) -> Result<Vec<T>, E>,
        of: impl Fn(&T) -> &TenantId,
    ) -> Result<Vec<T>, E> {
        let mut look_at = if self.of == 1 { most } else { most.max(SCAN_MIN) };
        loop {
            let mut rows = read(look_at)?;
            let is_all = rows.len() < look_at;
            rows.retain(|row| self.has(of(row)));
            if is_all || rows.len() >= most {
                rows.truncate(most);
                return Ok(rows);
            }
            look_at = look_at.saturating_mul(SCAN_GROWTH);
        }
    }
}

/// Which of so many lanes a tenant belongs to: the same in every process and on every machine.
pub(crate) fn lane_of(tenant: &TenantId, lanes: usize) -> usize {
    // FNV-1a, then mixed, since its low bits alone hang on little of the name.
    let hash = tenant.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    usize::try_from(mixed).unwrap_or(0) % lanes.max(1)
}

/// A writer with its keeper and its connections.
pub(crate) struct Lane {
    jobs: Sender<Job>,
    threads: Vec<thread::JoinHandle<()>>,
    /// Taken by [`Lane::join`] alone.
    answers: Option<Answers>,
    pub(crate) stats: Arc<LaneStats>,
}

impl Lane {
    /// Starts one of so many. Errors: the store cannot be opened for writing.
    pub(crate) fn start(
        store: &dyn Store,
        snapshots: &Arc<Snapshots>,
        (lane, of): (usize, usize),
    ) -> Result<Self, StoreError> {
        let (jobs, waiting) = bounded(WAITING_MAX);
        let (desk, handed, give_back) = Desk::new(store.writer()?);
        let (stats, flusher) = (Arc::<LaneStats>::default(), store.flusher()?);
        let (answers, pending) = Answers::new(&stats, flusher.is_some());
        let writer = Writer::new(waiting, desk, Share { lane, of }, Arc::clone(snapshots), answers.clone());
        let (shown, kept) = (Arc::clone(snapshots), answers.clone());
        let mut threads = vec![
            spawn(name("writer", lane, of), move || writer.run())?,
            spawn(name("keeper", lane, of), move || desk::keep((&shown, &kept), &handed, &give_back))?,
        ];
        if let (Some(mut disk), Some(pending)) = (flusher, pending) {
            let counted = Arc::clone(&stats);
            let flush = move || ahead::flush(&mut *disk, &pending, &counted);
            threads.push(spawn(name("flusher", lane, of), flush)?);
        }
        Ok(Self { jobs, threads, answers: Some(answers), stats })
    }

    /// How many commands wait for the writer.
    pub(crate) fn waiting(&self) -> usize {
        self.jobs.len()
    }

    pub(crate) fn send(&self, job: Job) -> Result<(), Failure> {
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Failure::Busy,
            TrySendError::Disconnected(_) => Failure::Stopped,
        })
    }

    /// Answers once what was read from the store after a moment is on disk; not at all where it was lost.
    pub(crate) fn on_disk(&self, since: Instant) -> oneshot::Receiver<()> {
        let (answer, answered) = oneshot::channel();
        if let Some(answers) = &self.answers {
            answers.once_on_disk(answer, since);
        }
        answered
    }

    /// Tells it to finish what it was given, and then to end.
    pub(crate) fn stop(&self) {
        // A full queue drains by itself, so this waits at most for what is queued.
        let _ = self.jobs.send(Job::Stop);
    }

    /// Waits until it has ended.
    pub(crate) fn join(&mut self) {
        // The keeper ends when the writer's desk is gone, the flusher when nobody can send it any more.
        self.answers = None;
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

fn name(role: &str, lane: usize, of: usize) -> String {
    if of == 1 { role.to_owned() } else { format!("{role} {lane}") }
}

pub(crate) fn spawn(
    name: String,
    run: impl FnOnce() + Send + 'static,
) -> Result<thread::JoinHandle<()>, StoreError> {
    let spawned = thread::Builder::new().name(name).spawn(run);
    spawned.map_err(|error| StoreError::driver("started a thread", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(n: usize) -> TenantId {
        TenantId::stored(&format!("shop-{n}"))
    }

    #[test]
    fn tenants_are_spread_evenly_and_each_has_one_lane() {
        for of in [2, 3, 4] {
            let mut counts = vec![0; of];
            for n in 0..1_200 {
                let owners: Vec<usize> =
                    (0..of).filter(|lane| Share { lane: *lane, of }.has(&tenant(n))).collect();
                assert_eq!(owners, [lane_of(&tenant(n), of)]);
                counts[owners[0]] += 1;
            }
            let fair = 1_200 / of;
            assert!(counts.iter().all(|count| (fair * 4 / 5..=fair * 6 / 5).contains(count)), "{counts:?}");
        }
    }

    /// Pinned: nodes of two versions beside each other should agree.
    #[test]
    fn a_tenants_lane_does_not_change_from_version_to_version() {
        let lanes: Vec<usize> =
            ["acme", "main", "demo", "zeta"].iter().map(|name| lane_of(&TenantId::stored(name), 4)).collect();
        assert_eq!(lanes, [1, 0, 3, 1]);
    }

    #[test]
    fn a_scan_finds_a_lanes_own_rows_behind_any_number_of_others() {
        let share = Share { lane: 1, of: 2 };
        let all: Vec<(TenantId, usize)> = (0..5_000)
            .map(tenant)
            .filter(|tenant| !share.has(tenant))
            .take(2_000)
            .chain((0..).map(tenant).filter(|tenant| share.has(tenant)).take(10))
            .zip(0..)
            .collect();
        let scan = |most| {
            let read = |limit: usize| Ok::<_, ()>(all.iter().take(limit).cloned().collect());
            let rows = share.scan(most, read, |(tenant, _)| tenant).unwrap();
            rows.into_iter().map(|(_, n)| n).collect::<Vec<_>>()
        };
        assert_eq!(all.len(), 2_010);
        assert_eq!(scan(1), [2_000]);
        assert_eq!(scan(4), [2_000, 2_001, 2_002, 2_003]);
        assert_eq!(scan(512), (2_000..2_010).collect::<Vec<_>>());
        let read = |limit: usize| Ok::<_, ()>(all.iter().take(limit).cloned().collect());
        assert_eq!(Share::ALL.scan(3, read, |(tenant, _)| tenant).unwrap().len(), 3);
    }
}
