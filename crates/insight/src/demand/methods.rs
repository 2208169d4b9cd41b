//! What each method says of the months ahead: the mean of one, and a quantile of their total.

use serde::Serialize;

use crate::{
    dist::{first_reached, negative_binomial_cdf, poisson_cdf},
    intermittent::{aggregated, smooth},
    random::place,
};

/// The smoothing of every method.
const ALPHA: f64 = 0.1;
/// Futures a bootstrap draws. At 0.9 the rank of its quantile is then good to ±1.7 %.
const FUTURES: u64 = 300;

/// A way to forecast one series from its own past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Croston 1972.
    Croston,
    /// Syntetos & Boylan 2005.
    Sba,
    /// Teunter, Syntetos & Babai 2011.
    Tsb,
    /// Nikolopoulos et al. 2011.
    Adida,
    /// Petropoulos & Kourentzes 2015.
    Imapa,
    /// Simple smoothing.
    Ses,
    /// The mean of all months.
    Mean,
    /// Markov bootstrap of Willemain, Smart & Schwarz 2004, without jitter.
    Bootstrap,
    /// All sums of as many months in a row that there were.
    Sums,
}

impl Method {
    /// Every method, in the order in which ties are settled.
    pub const ALL: [Self; 9] = [
        Self::Mean,
        Self::Ses,
        Self::Croston,
        Self::Sba,
        Self::Tsb,
        Self::Adida,
        Self::Imapa,
        Self::Bootstrap,
        Self::Sums,
    ];
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();
}

/// What every method says, in the order of [`Method::ALL`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Said {
    /// Mean units a month.
    pub means: [f64; Method::COUNT],
    /// The quantile of the total over the horizon.
    pub quantiles: [f64; Method::COUNT],
}

/// Asks every method.
///
/// Shape: `history` by month, not empty and not all zero; `chance` numbers the draws of the bootstrap.
pub fn ask(history: &[f64], horizon: usize, level: f64, chance: u64) -> Said {
    let means = means(history);
    let (_, variance) = moments(history);
    let ahead = horizon as f64;
    let mut quantiles = [0.0; Method::COUNT];
    // The last two ask the past itself; the others have a mean only.
    let [of_means @ .., drawn, summed] = &mut quantiles;
    for (quantile, mean) in of_means.iter_mut().zip(means) {
        *quantile = total_quantile(mean * ahead, variance * ahead, level);
    }
    *drawn = bootstrap(history, horizon, level, chance);
    *summed = sums_quantile(history, horizon, level).unwrap_or(of_means[0]);
    Said { means, quantiles }
}

/// Returns the mean that each method expects of a month ahead. Shape: as [`ask`].
pub fn means(history: &[f64]) -> [f64; Method::COUNT] {
    let (mut sizes, mut intervals, mut last) = (Vec::new(), Vec::new(), 0);
    for (month, &units) in history.iter().enumerate() {
        if units > 0.0 {
            sizes.push(units);
            intervals.push((month + 1 - last) as f64);
            last = month + 1;
        }
    }
    let all = moments(history).0;
    let size = smooth(&sizes, ALPHA);
    let croston = size / smooth(&intervals, ALPHA);
    let tsb = history.iter().skip(1).fold(f64::from(history[0] > 0.0), |level, units| {
        ALPHA * f64::from(*units > 0.0) + (1.0 - ALPHA) * level
    }) * size;
    let bucket = (last as f64 / intervals.len() as f64).round_ties_even().max(1.0) as usize;
    let levels: Vec<f64> = (1..=bucket).map(|bucket| aggregated(history, bucket, ALPHA)).collect();
    let imapa = levels.iter().sum::<f64>() / bucket as f64;
    [all, levels[0], croston, croston * (1.0 - ALPHA / 2.0), tsb, levels[bucket - 1], imapa, all, all]
}

/// Mean and sample variance; the variance of one month is its mean, as if Poisson.
pub(super) fn moments(history: &[f64]) -> (f64, f64) {
    let months = history.len() as f64;
    let mean = history.iter().sum::<f64>() / months;
    let squares: f64 = history.iter().map(|units| (units - mean).powi(2)).sum();
    (mean, if history.len() > 1 { squares / (months - 1.0) } else { mean })
}

/// Returns the quantile of a total known by mean and variance: negative binomial, or Poisson where it varies no more than that.
pub(super) fn total_quantile(mean: f64, variance: f64, level: f64) -> f64 {
    if mean <= 0.0 {
        return 0.0;
    }
    let poisson = variance <= mean * 1.001;
    let size = mean * mean / (variance - mean);
    let none = if poisson { -mean } else { -size * (mean / size).ln_1p() };
    // From the bottom up where P(0) can be told from nothing: most series here sell a few units.
    if none > -500.0 && mean < 10_000.0 {
        let share = mean / (mean + size);
        let (mut p, mut sum, mut units) = (none.exp(), 0.0, 0.0);
        loop {
            sum += p;
            if sum >= level || p < 1e-18 && units > mean {
                return units;
            }
            p *= if poisson { mean / (units + 1.0) } else { share * (units + size) / (units + 1.0) };
            units += 1.0;
        }
    }
    let success = size / (size + mean);
    let reached = |units: i64| {
        level <= if poisson { poisson_cdf(units, mean) } else { negative_binomial_cdf(units, size, success) }
    };
    first_reached(0, 1_000_000_000_000_000, reached).map_or(mean, |units| units as f64)
}

/// Returns the lowest sum of `horizon` months in a row that at least `level` of all such sums do not exceed; none where the
/// history is shorter.
fn sums_quantile(history: &[f64], horizon: usize, level: f64) -> Option<f64> {
    // Differences of running sums: exact in whole units, and one addition a month instead of one for each month of each sum.
    let mut before = Vec::with_capacity(history.len() + 1);
    before.push(0.0);
    before.extend(history.iter().scan(0.0, |sum, units| {
        *sum += units;
        Some(*sum)
    }));
    let mut sums: Vec<u64> =
        before.iter().zip(before.get(horizon..)?).map(|(from, to)| ordered(to - from)).collect();
    nth(&mut sums, rank(history.len() + 1 - horizon, level))
}

/// The place from one of the quantile in a list in order.
fn rank(len: usize, level: f64) -> usize {
    (len as f64 * level - 1e-9).ceil().max(1.0) as usize
}

/// A number that is not negative, as one that orders as it does and is compared faster.
fn ordered(units: f64) -> u64 {
    units.max(0.0).to_bits()
}

/// The number at a place from one, if the list were in order.
fn nth(units: &mut [u64], rank: usize) -> Option<f64> {
    (rank <= units.len()).then(|| f64::from_bits(*units.select_nth_unstable(rank - 1).1))
}

/// Draws futures: whether a month sells goes on from the last month as a two-state Markov chain, sizes are drawn from those seen.
///
/// How many months of a future sell is not drawn: its distribution is exact, and each future stands for an equal part of it. That
/// is nearer to the limit than chance, and most series sell in few months, so few draws are left.
fn bootstrap(history: &[f64], horizon: usize, level: f64, chance: u64) -> f64 {
    let sizes: Vec<f64> = history.iter().copied().filter(|units| *units > 0.0).collect();
    let share = sizes.len() as f64 / history.len() as f64;
    let after = |sold: bool| {
        let (mut months, mut sells) = (0.0, 0.0);
        for pair in history.windows(2).filter(|pair| (pair[0] > 0.0) == sold) {
            months += 1.0;
            sells += f64::from(pair[1] > 0.0);
        }
        if months > 0.0 { sells / months } else { share }
    };
    let sells = [after(false), after(true)];
    let last = history.last().is_some_and(|units| *units > 0.0);
    let counts = months_sold(sells, last, horizon);
    let (mut months, mut reached) = (0, counts[0]);
    let mut totals: Vec<u64> = Vec::with_capacity(FUTURES as usize);
    for future in 0..FUTURES {
        let part = (future as f64 + 0.5) / FUTURES as f64;
        while reached < part && months < horizon {
            months += 1;
            reached += counts[months];
        }
        // Futures in which nothing sells come first, and stay first in order.
        if months > 0 {
            let drawn = (0..months as u64).map(|n| sizes[place(chance, future, n, sizes.len())]);
            totals.push(ordered(drawn.sum()));
        }
    }
    let nothing = FUTURES as usize - totals.len();
    rank(FUTURES as usize, level)
        .checked_sub(nothing)
        .filter(|rank| *rank > 0)
        .and_then(|rank| nth(&mut totals, rank))
        .unwrap_or(0.0)
}

/// P(so many of `horizon` months sell), from 0 to all of them. `sells`: P(a month sells) after one that did not and one that did.
fn months_sold(sells: [f64; 2], last: bool, horizon: usize) -> Vec<f64> {
    // By the number of months sold so far and whether the last one did.
    let mut now = vec![[0.0; 2]; horizon + 1];
    now[0][usize::from(last)] = 1.0;
    for month in 0..horizon {
        for sold in (0..=month).rev() {
            let [quiet, busy] = now[sold];
            let more = quiet * sells[0] + busy * sells[1];
            now[sold + 1][1] += more;
            now[sold] = [quiet + busy - more, 0.0];
        }
    }
    now.into_iter().map(|[quiet, busy]| quiet + busy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        intermittent::{IntermittentInput, intermittent_forecast},
        willemain::{WillemainInput, willemain_bootstrap},
    };

    const Y: [f64; 18] =
        [0.0, 3.0, 0.0, 0.0, 1.0, 0.0, 5.0, 0.0, 0.0, 0.0, 2.0, 0.0, 1.0, 0.0, 0.0, 4.0, 0.0, 0.0];

    #[test]
    fn means_are_those_of_the_single_formula() {
        let one = intermittent_forecast(&IntermittentInput {
            y: Y.to_vec(),
            alpha: ALPHA,
            tsb_alpha_demand: ALPHA,
            tsb_alpha_probability: ALPHA,
        })
        .unwrap();
        let said = ask(&Y, 4, 0.9, 7);
        let want = [
            16.0 / 18.0,
            one.ses,
            one.croston,
            one.sba,
            one.tsb,
            one.adida_fixed_alpha,
            one.imapa_fixed_alpha,
        ];
        for (got, want) in said.means.iter().zip(want) {
            assert!((got - want).abs() < 1e-12, "{said:?}");
        }
    }

    #[test]
    fn months_that_sell_add_up_and_follow_the_chain() {
        let counts = months_sold([0.3, 0.6], false, 2);
        // None: 0.7². Both: 0.3·0.6. One: the rest.
        assert!((counts[0] - 0.49).abs() < 1e-12 && (counts[2] - 0.18).abs() < 1e-12, "{counts:?}");
        assert!((counts.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(months_sold([0.0, 1.0], true, 3), [0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn the_bootstrap_is_near_its_exact_limit() {
        let y = Y.iter().map(|units| *units as i64).collect();
        let levels: Vec<f64> = vec![0.85, 0.95];
        let exact = willemain_bootstrap(&WillemainInput { y, lead_time: 4, levels }).unwrap().quantiles;
        for chance in 0..20 {
            let drawn = bootstrap(&Y, 4, 0.9, chance);
            assert!((exact[0] as f64..=exact[1] as f64).contains(&drawn), "{drawn} {exact:?}");
        }
    }

    #[test]
    fn quantiles_from_below_and_from_the_tails_agree() {
        for (mean, variance) in [(0.3, 0.3), (4.0, 4.0), (4.0, 30.0), (90.0, 400.0), (400.0, 90_000.0)] {
            for level in [0.1, 0.5, 0.9, 0.999] {
                let got = total_quantile(mean, variance, level) as i64;
                let cdf = |units: i64| {
                    if variance <= mean {
                        return poisson_cdf(units, mean);
                    }
                    let size = mean * mean / (variance - mean);
                    negative_binomial_cdf(units, size, size / (size + mean))
                };
                assert!(
                    cdf(got) >= level - 1e-9 && cdf(got - 1) < level + 1e-9,
                    "{mean} {variance} {level} {got}"
                );
            }
        }
        // Too large for the way up: within a thousandth of the normal quantile.
        let large = total_quantile(1e6, 1e6, 0.9);
        assert!((large - 1e6 - 1281.55).abs() < 3.0, "{large}");
        assert_eq!(total_quantile(0.0, 5.0, 0.9), 0.0);
    }

    #[test]
    fn sums_are_of_months_in_a_row() {
        // Sums of two: 3 3 0 1 1 5 5 0 0 2 2 1 1 0 4 4 0 — the 16th of 17 in order.
        assert_eq!(sums_quantile(&Y, 2, 0.9), Some(5.0));
        assert_eq!(sums_quantile(&Y[..3], 4, 0.9), None);
    }
}
