//! Demand over a lead time of an item that sells now and then, from its own past.

use serde::{Deserialize, Serialize};

use crate::{
    dist::Table,
    error::{Checked, bad, each, length, level, too_large, whole},
};

/// A history, and how many periods ahead.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WillemainInput {
    /// Whole units by period, oldest first.
    pub y: Vec<i64>,
    /// Periods to sum over.
    pub lead_time: i64,
    /// Probabilities asked for.
    pub levels: Vec<f64>,
}

/// The distribution of demand over the lead time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Willemain {
    /// P(no demand after none); none if no period without demand was followed by another.
    pub p00: Option<f64>,
    /// P(demand after none).
    pub p01: Option<f64>,
    /// P(no demand after demand); none if no period with demand was followed by another.
    pub p10: Option<f64>,
    /// P(demand after demand).
    pub p11: Option<f64>,
    /// P(no demand over the whole lead time).
    pub prob_zero: f64,
    /// Mean demand over it.
    pub mean: f64,
    /// One a level.
    pub quantiles: Vec<i64>,
}

/// Returns the exact limit of the Willemain bootstrap without jitter.
///
/// Whether a period has demand is a two-state Markov chain that goes on from the last period; sizes are drawn from those
/// seen. A state that was never left takes the share of periods with demand in its place.
/// Source: Willemain, Smart & Schwarz, International Journal of Forecasting 20:375-387 (2004); convolution in place of
/// replications, so the answer has no sampling error.
pub fn willemain_bootstrap(input: &WillemainInput) -> Checked<Willemain> {
    length("y", input.y.len(), 2, 100_000)?;
    each("y", &input.y, |field, units| whole(field, units, 0, 1_000_000))?;
    whole("lead_time", input.lead_time, 1, 1000)?;
    length("levels", input.levels.len(), 1, 1000)?;
    each("levels", &input.levels, level)?;
    let sold: Vec<usize> = input.y.iter().filter(|&&units| units > 0).map(|&units| units as usize).collect();
    let Some(&most) = sold.iter().max() else {
        return bad("y", "is zero in every period");
    };
    let periods = input.lead_time as usize;
    let sizes = distinct(sold);
    // Each period adds every size to every total so far.
    let steps = (periods * periods / 2 + 1).saturating_mul(most).saturating_mul(sizes.len());
    if steps > 500_000_000 {
        return too_large(
            "lead_time",
            "lead_time² × largest demand × number of distinct demands of at most 1e9",
        );
    }
    let chain = Chain::of(&input.y);
    let ends_sold = input.y.last().is_some_and(|&units| units > 0);
    let total = convolve(&chain, &sizes, ends_sold, periods, most);
    let prob_zero = total[0];
    let total = Table::from_counts(&total);
    Ok(Willemain {
        p00: chain.seen[0].map(|p| 1.0 - p),
        p01: chain.seen[0],
        p10: chain.seen[1].map(|p| 1.0 - p),
        p11: chain.seen[1],
        prob_zero,
        mean: total.mean(),
        quantiles: input.levels.iter().map(|&level| total.quantile(level).0 as i64).collect(),
    })
}

/// Sizes with their share.
fn distinct(mut sold: Vec<usize>) -> Vec<(usize, f64)> {
    sold.sort_unstable();
    let share = 1.0 / sold.len() as f64;
    sold.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as f64 * share)).collect()
}

/// P(demand next), after a period without and after one with demand.
struct Chain {
    seen: [Option<f64>; 2],
    used: [f64; 2],
}

impl Chain {
    fn of(y: &[i64]) -> Self {
        let next_sold = |sold: bool| {
            let next: Vec<bool> =
                y.windows(2).filter(|pair| (pair[0] > 0) == sold).map(|pair| pair[1] > 0).collect();
            (!next.is_empty()).then(|| next.iter().filter(|sold| **sold).count() as f64 / next.len() as f64)
        };
        let seen = [next_sold(false), next_sold(true)];
        let share = y.iter().filter(|units| **units > 0).count() as f64 / y.len() as f64;
        Self { seen, used: seen.map(|p| p.unwrap_or(share)) }
    }
}

/// The distribution of the sum, over all totals from zero to `periods`·`most`.
fn convolve(chain: &Chain, sizes: &[(usize, f64)], ends_sold: bool, periods: usize, most: usize) -> Vec<f64> {
    let mut without = vec![0.0; periods * most + 1];
    let mut with = without.clone();
    (if ends_sold { &mut with } else { &mut without })[0] = 1.0;
    for period in 0..periods {
        let reach = period * most;
        let mut quiet = vec![0.0; periods * most + 1];
        let mut busy = quiet.clone();
        for total in 0..=reach {
            let sells = without[total] * chain.used[0] + with[total] * chain.used[1];
            quiet[total] = without[total] * (1.0 - chain.used[0]) + with[total] * (1.0 - chain.used[1]);
            if sells > 0.0 {
                for &(size, share) in sizes {
                    busy[total + size] += sells * share;
                }
            }
        }
        (without, with) = (quiet, busy);
    }
    without.iter().zip(&with).map(|(a, b)| a + b).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_state_never_left_takes_the_overall_share() {
        let got =
            willemain_bootstrap(&WillemainInput { y: vec![0, 0, 0, 5], lead_time: 1, levels: vec![0.5] })
                .unwrap();
        assert_eq!((got.p10, got.p11), (None, None));
        assert!((got.prob_zero - 0.75).abs() < 1e-12 && (got.mean - 1.25).abs() < 1e-12);
        let quiet = WillemainInput { y: vec![0, 0], lead_time: 1, levels: vec![0.5] };
        assert_eq!(willemain_bootstrap(&quiet).unwrap_err().field(), "y");
    }

    #[test]
    fn absurd_sizes_are_refused() {
        let input = WillemainInput { y: vec![0, 1_000_000, 7], lead_time: 1000, levels: vec![0.5] };
        assert_eq!(willemain_bootstrap(&input).unwrap_err().field(), "lead_time");
    }

    proptest! {
        #[test]
        fn it_is_the_sum_over_all_paths(y in proptest::collection::vec(prop_oneof![Just(0_i64), 1_i64..5], 2..12), lead in 1_u32..5) {
            prop_assume!(y.iter().any(|units| *units > 0));
            let got = willemain_bootstrap(&WillemainInput { y: y.clone(), lead_time: i64::from(lead), levels: vec![0.3, 0.9] }).unwrap();
            let chain = Chain::of(&y);
            let mean_size = y.iter().sum::<i64>() as f64 / y.iter().filter(|units| **units > 0).count() as f64;
            let (mut zero, mut mean) = (0.0, 0.0);
            for path in 0_u32..1 << lead {
                let (mut p, mut state) = (1.0, usize::from(y[y.len() - 1] > 0));
                for step in 0..lead {
                    let sells = path >> step & 1 == 1;
                    p *= if sells { chain.used[state] } else { 1.0 - chain.used[state] };
                    state = usize::from(sells);
                }
                zero += if path == 0 { p } else { 0.0 };
                mean += p * f64::from(path.count_ones()) * mean_size;
            }
            prop_assert!((got.prob_zero - zero).abs() < 1e-12 && (got.mean - mean).abs() < 1e-9);
            prop_assert!(got.quantiles[0] <= got.quantiles[1]);
        }
    }
}
