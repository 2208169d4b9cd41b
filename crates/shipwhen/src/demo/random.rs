//! Chance for the sample shop: one seed, split by purpose, the same numbers on every machine.

/// A stream of numbers. Splitmix64: a few lines, well spread, and stable for ever, which no library's default is.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// Starts the stream of one purpose: what one part of the story draws changes nothing in the others.
    pub(super) fn new(seed: u64, purpose: &str) -> Self {
        // FNV-1a, so that the streams of two purposes start far apart.
        let hash = purpose.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        let mut random = Self(seed ^ hash);
        random.next();
        random
    }

    /// The next number.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0, below `n`; 0 where `n` is 0.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        // The high half of a product: no division, and the bias is far below what a shop could show.
        let wide = u128::from(self.next()) * u128::from(n);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A whole number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(high.abs_diff(low) + 1).cast_signed()
    }

    /// True in so many of a hundred cases.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A place in a list of so many; 0 in an empty one.
    pub(super) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(u64::try_from(len).unwrap_or(u64::MAX))).unwrap_or(0)
    }

    /// One of these. The list has at least one member.
    pub(super) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.index(list.len())]
    }

    /// A place in a list of weights, by weight. Shape: running totals, ascending.
    pub(super) fn by_weight(&mut self, totals: &[u64]) -> usize {
        let drawn = self.below(totals.last().copied().unwrap_or(0));
        totals.partition_point(|total| *total <= drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_range_and_reach_its_ends() {
        let mut random = Random::new(7, "test");
        let drawn: Vec<i64> = (0..1_000).map(|_| random.between(-2, 2)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&-2), Some(&2)));
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn weights_are_kept() {
        let mut random = Random::new(7, "test");
        let mut counts = [0; 3];
        (0..10_000).for_each(|_| counts[random.by_weight(&[1, 1, 10])] += 1);
        assert!(counts[1] == 0 && (800..1_200).contains(&counts[0]), "{counts:?}");
    }

    #[test]
    fn purposes_have_streams_of_their_own() {
        assert_eq!(Random::new(7, "a").next(), Random::new(7, "a").next());
        assert_ne!(Random::new(7, "a").next(), Random::new(7, "b").next());
        assert_ne!(Random::new(7, "a").next(), Random::new(8, "a").next());
    }
}
