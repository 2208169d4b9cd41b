//! Ids for commands: they order by time, then by the order in which they were made, and cannot be guessed.

use std::sync::{Mutex, PoisonError};

use model::time::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Makes version 7 UUIDs whose last four bytes are zero: those belong to what the command opens.
///
/// Layout: 48 bits of milliseconds, 4 bits version, 42 bits of place within the millisecond around the 2 bits of variant,
/// 32 bits zero. The place is where the millisecond begins, 41 bits drawn for it, plus a counter that each id moves on by
/// a step drawn from 1 to 2²⁰. The counter never goes back, so ids of one process that carry the same time sort as they
/// were made and never collide; what it has beyond 42 bits (after some four million ids) carries into the milliseconds.
/// Two processes collide with a chance of 2⁻⁴¹ for commands of one millisecond.
///
/// To guess an id, its millisecond must be known and then one of 2⁴¹ places; by who has another id of the very same
/// millisecond, one of 2²⁰ for the next made. Both are drawn by SHA-256 under the seed: ids that are known say nothing
/// about the rest.
#[derive(Debug)]
pub struct Stamps {
    seed: [u8; 32],
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The sum of all steps so far.
    counter: u64,
    /// How many steps were drawn.
    drawn: u64,
    /// The last eight steps drawn.
    steps: [u32; STEPS_A_DRAW],
    /// A millisecond, and where it begins.
    begins: Option<(u64, u64)>,
}

const STEPS_A_DRAW: usize = 8;
const PLACE_BITS: u32 = 42;
const BEGIN_BITS: u32 = 41;
const STEP_BITS: u32 = 20;

impl Stamps {
    /// Starts with a seed. Ids are as hard to guess as the seed is: 32 bytes of entropy, of each process its own. The same
    /// seed makes the same ids.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, state: Mutex::default() }
    }

    /// Makes the next id, for a command of this moment.
    pub fn next(&self, now: Timestamp) -> Uuid {
        let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or(0);
        // A panic elsewhere cannot leave this state half changed in a way that matters: the counter only grows.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.counter += self.step(&mut state);
        let place = self.begin(&mut state, milliseconds) + state.counter;
        drop(state);
        let milliseconds = (milliseconds + (place >> PLACE_BITS)) & ((1 << 48) - 1);
        let place = place & ((1 << PLACE_BITS) - 1);
        let high = (milliseconds << 16) | (0x7 << 12) | (place >> 30);
        let low = (0b10 << 62) | ((place & ((1 << 30) - 1)) << 32);
        Uuid::from_u64_pair(high, low)
    }

    /// Draws by how much the counter goes on.
    fn step(&self, state: &mut State) -> u64 {
        let at = usize::try_from(state.drawn % 8).unwrap_or(0);
        if at == 0 {
            let bytes = self.draw(b"step", state.drawn);
            let (words, _) = bytes.as_chunks::<4>();
            state.steps.iter_mut().zip(words).for_each(|(step, word)| *step = u32::from_be_bytes(*word));
        }
        state.drawn += 1;
        u64::from(state.steps[at] & ((1 << STEP_BITS) - 1)) + 1
    }

    /// Draws where a millisecond begins: the same each time it is asked for.
    fn begin(&self, state: &mut State, milliseconds: u64) -> u64 {
        if let Some((known, begin)) = state.begins
            && known == milliseconds
        {
            return begin;
        }
        let bytes = self.draw(b"time", milliseconds);
        let (words, _) = bytes.as_chunks::<8>();
        let begin = u64::from_be_bytes(words[0]) & ((1 << BEGIN_BITS) - 1);
        state.begins = Some((milliseconds, begin));
        begin
    }

    fn draw(&self, what: &[u8; 4], number: u64) -> [u8; 32] {
        let hash = Sha256::new().chain_update(self.seed).chain_update(what);
        hash.chain_update(number.to_be_bytes()).finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    #[test]
    fn ids_sort_by_time_then_by_making() {
        let stamps = Stamps::new([1; 32]);
        let mut last = [Uuid::nil(); 3];
        for n in 0..1_000 {
            // Times that go back and forth, as those of callers beside each other do.
            let millisecond = 5_000 + [0, 2, 1][n % 3];
            let id = stamps.next(at(millisecond));
            let last = &mut last[n % 3];
            assert!(id > *last, "ids of one millisecond sort as they were made");
            *last = id;
        }
        assert!(last[0] < last[2] && last[2] < last[1], "the time comes first");
        let id = stamps.next(at(6_000));
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.as_bytes()[12..], [0; 4]);
        assert_eq!(u64::from_be_bytes(id.as_bytes()[..8].try_into().unwrap()) >> 16, 6_000);
    }

    #[test]
    fn ids_go_on_rising_when_a_millisecond_is_full() {
        let stamps = Stamps::new([2; 32]);
        stamps.state.lock().unwrap().counter = (1 << PLACE_BITS) - 5;
        let first = stamps.next(at(7));
        stamps.state.lock().unwrap().counter = (1 << (PLACE_BITS + 1)) - 5;
        let mut last = stamps.next(at(7));
        assert!(last > first);
        for _ in 0..100 {
            let id = stamps.next(at(7));
            assert!(id > last);
            last = id;
        }
        let carried = u64::from_be_bytes(last.as_bytes()[..8].try_into().unwrap()) >> 16;
        assert!((9..=10).contains(&carried), "two full milliseconds went before: {carried}");
    }

    #[test]
    fn neighbours_are_a_step_apart_that_another_seed_does_not_tell() {
        let places = |seed| {
            let stamps = Stamps::new([seed; 32]);
            let place = |id: Uuid| {
                let (high, low) = id.as_u64_pair();
                (high & 0xfff) << 30 | (low << 2 >> 34)
            };
            (0..200).map(|n| place(stamps.next(at(9 + n / 100)))).collect::<Vec<_>>()
        };
        let (one, other) = (places(3), places(4));
        let steps =
            |places: &[u64]| -> Vec<u64> { places[..100].windows(2).map(|two| two[1] - two[0]).collect() };
        assert!(steps(&one).iter().all(|step| (1..=1 << STEP_BITS).contains(step)));
        let mut distinct = [steps(&one), steps(&other)].concat();
        distinct.sort_unstable();
        distinct.dedup();
        assert!(distinct.len() > 190, "hardly a step is made twice: {}", distinct.len());
        assert!(one[100].abs_diff(one[99]) > 1 << STEP_BITS, "the next millisecond begins elsewhere");
        assert_eq!(places(3), one, "the same seed makes the same ids");
    }
}
