//! Ids for commands: they order by time, then by the order in which they were made.

use std::sync::atomic::{AtomicU64, Ordering};

use model::time::Timestamp;
use uuid::Uuid;

/// Makes version 7 UUIDs whose last four bytes are zero: those belong to what the command opens.
///
/// Layout: 48 bits of milliseconds, 4 bits version, 42 bits of counter around the 2 bits of variant, 32 bits zero. The counter
/// starts at random and only counts up, so ids of one process never collide and sort as they were made, even where
/// many carry the same or an earlier time; two processes collide with a chance of 2⁻⁴² for commands of one millisecond.
#[derive(Debug)]
pub struct Stamps {
    counter: AtomicU64,
}

const COUNTER_BITS: u32 = 42;

impl Stamps {
    /// Starts a counter. `start`: microseconds since the epoch, so that a process started later counts on from higher.
    pub fn new(start: u64) -> Self {
        Self { counter: AtomicU64::new(start) }
    }

    /// Makes the next id, for a command of this moment.
    pub fn next(&self, now: Timestamp) -> Uuid {
        let count = self.counter.fetch_add(1, Ordering::Relaxed) & ((1 << COUNTER_BITS) - 1);
        let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or(0) & ((1 << 48) - 1);
        let high = (milliseconds << 16) | (0x7 << 12) | (count >> 30);
        let low = (0b10 << 62) | ((count & ((1 << 30) - 1)) << 32);
        Uuid::from_u64_pair(high, low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_then_by_making() {
        let stamps = Stamps::new(u64::MAX - 2_000);
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut last = Uuid::nil();
        for _ in 0..1_000 {
            let id = stamps.next(at(5));
            assert!(id > last);
            last = id;
        }
        assert!(stamps.next(at(4)) < last);
        assert!(stamps.next(at(6)) > last);
        assert_eq!(stamps.next(at(6)).get_version_num(), 7);
        assert_eq!(stamps.next(at(6)).as_bytes()[12..], [0; 4]);
    }
}
