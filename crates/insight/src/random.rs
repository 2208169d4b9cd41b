//! Chance without state: the n-th number of a stream is a function of seed, stream and n.
//!
//! So a draw does not depend on which thread asks, nor on how many were drawn before it.

/// Returns the n-th number of a stream, evenly spread over all of `u64`.
///
/// Source: the finaliser of Splitmix64 (Steele, Lea & Flood 2014), applied once for each part of the key.
pub fn draw(seed: u64, stream: u64, n: u64) -> u64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    mix(mix(mix(seed.wrapping_add(STEP)) ^ stream.wrapping_mul(STEP)).wrapping_add(n.wrapping_mul(STEP)))
}

/// Returns the n-th number of a stream, from 0 up to but not including 1.
pub fn uniform(seed: u64, stream: u64, n: u64) -> f64 {
    // 53 bits are all that a float of that size holds.
    (draw(seed, stream, n) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Returns the n-th number of a stream, as a place in a list of `len`; 0 in an empty one.
pub fn place(seed: u64, stream: u64, n: u64, len: usize) -> usize {
    // The high half of a product: no division, and the bias is of the order of len / 2⁶⁴.
    ((u128::from(draw(seed, stream, n)) * len as u128) >> 64) as usize
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_spread_evenly_and_streams_differ() {
        let mut counts = [0_usize; 10];
        (0..10_000).for_each(|n| counts[place(7, 3, n, 10)] += 1);
        // Nine standard deviations of Binomial(10 000, 0.1).
        assert!(counts.iter().all(|count| count.abs_diff(1_000) < 270), "{counts:?}");
        let mean = (0..10_000).map(|n| uniform(7, 4, n)).sum::<f64>() / 1e4;
        assert!((mean - 0.5).abs() < 0.03, "{mean}");
        let same = (0..1_000).filter(|&n| place(7, 3, n, 10) == place(7, 4, n, 10)).count();
        assert!((40..200).contains(&same), "{same}");
    }
}
