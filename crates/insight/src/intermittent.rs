//! Forecasts for items that sell now and then: Croston and its kin, and what kind of item it is.

use serde::{Deserialize, Serialize};

use crate::error::{Checked, bad, each, length, not_negative, share};

/// A series of demand by period, and how fast each method forgets.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntermittentInput {
    /// Demand by period, oldest first.
    pub y: Vec<f64>,
    /// Smoothing of every method but TSB.
    pub alpha: f64,
    /// Smoothing of TSB's demand sizes.
    pub tsb_alpha_demand: f64,
    /// Smoothing of TSB's probability of demand.
    pub tsb_alpha_probability: f64,
}

/// The four classes of demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DemandClass {
    /// Often, even.
    Smooth,
    /// Often, uneven.
    Erratic,
    /// Seldom, even.
    Intermittent,
    /// Seldom, uneven.
    Lumpy,
}

/// One-step forecasts, units a period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Intermittent {
    /// Size over interval; biased upwards.
    pub croston: f64,
    /// Croston × (1 − α/2).
    pub sba: f64,
    /// Croston × (1 − α/(2−α)).
    pub sbj: f64,
    /// Probability × size; decays for items that die.
    pub tsb: f64,
    /// Simple smoothing.
    pub ses: f64,
    /// Smoothing of buckets as long as the mean interval.
    pub adida_fixed_alpha: f64,
    /// Mean over bucket lengths from one to that.
    pub imapa_fixed_alpha: f64,
    /// Periods a demand.
    pub adi: f64,
    /// Squared coefficient of variation of sizes; none with one demand only.
    pub cv2: Option<f64>,
    /// The class; one demand counts as even.
    pub sbc_class: DemandClass,
}

/// Returns every one-step forecast of an intermittent series.
///
/// Every smoothing starts at its first value. The first interval is the place of the first demand, counted from one.
/// Source: Croston 1972; Syntetos & Boylan 2005 (SBA, class cut-offs 1.32 and 0.49); Shale, Boylan & Johnston 2006 (SBJ);
/// Teunter, Syntetos & Babai 2011 (TSB); Nikolopoulos et al. 2011 (ADIDA); Petropoulos & Kourentzes 2015 (IMAPA).
pub fn intermittent_forecast(input: &IntermittentInput) -> Checked<Intermittent> {
    length("y", input.y.len(), 1, 100_000)?;
    each("y", &input.y, not_negative)?;
    for (field, alpha) in [
        ("alpha", input.alpha),
        ("tsb_alpha_demand", input.tsb_alpha_demand),
        ("tsb_alpha_probability", input.tsb_alpha_probability),
    ] {
        share(field, alpha)?;
        if alpha == 0.0 {
            return bad(field, "must be greater than zero");
        }
    }
    let demands: Vec<usize> = (0..input.y.len()).filter(|&t| input.y[t] > 0.0).collect();
    if demands.is_empty() {
        return bad("y", "is zero in every period");
    }
    let sizes: Vec<f64> = demands.iter().map(|&t| input.y[t]).collect();
    let intervals: Vec<f64> = demands
        .iter()
        .scan(None, |last: &mut Option<usize>, &t| Some((t + 1 - last.replace(t + 1).unwrap_or(0)) as f64))
        .collect();
    let occurrence: Vec<f64> = input.y.iter().map(|&units| f64::from(units > 0.0)).collect();

    let alpha = input.alpha;
    let croston = smooth(&sizes, alpha) / smooth(&intervals, alpha);
    let bucket = mean(&intervals).round_ties_even().max(1.0) as usize;
    let levels: Vec<f64> = (1..=bucket).map(|bucket| aggregated(&input.y, bucket, alpha)).collect();
    let adi = input.y.len() as f64 / sizes.len() as f64;
    let cv2 = squared_variation(&sizes);
    Ok(Intermittent {
        croston,
        sba: croston * (1.0 - alpha / 2.0),
        sbj: croston * (1.0 - alpha / (2.0 - alpha)),
        tsb: smooth(&occurrence, input.tsb_alpha_probability) * smooth(&sizes, input.tsb_alpha_demand),
        ses: smooth(&input.y, alpha),
        adida_fixed_alpha: levels[bucket - 1],
        imapa_fixed_alpha: mean(&levels),
        adi,
        cv2,
        sbc_class: class(adi, cv2.unwrap_or(0.0)),
    })
}

/// Returns the last level of simple exponential smoothing that starts at the first value; zero of nothing.
pub fn smooth(values: &[f64], alpha: f64) -> f64 {
    smoothed(values.iter().copied(), alpha)
}

fn smoothed(mut values: impl Iterator<Item = f64>, alpha: f64) -> f64 {
    let first = values.next().unwrap_or(0.0);
    values.fold(first, |level, x| alpha * x + (1.0 - alpha) * level)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Smooths sums of buckets that end with the series, and returns them by the period; an incomplete oldest bucket is dropped.
pub(crate) fn aggregated(y: &[f64], bucket: usize, alpha: f64) -> f64 {
    let skipped = y.len() % bucket;
    smoothed(y[skipped..].chunks(bucket).map(|chunk| chunk.iter().sum()), alpha) / bucket as f64
}

fn squared_variation(sizes: &[f64]) -> Option<f64> {
    let mean = mean(sizes);
    let squares: f64 = sizes.iter().map(|size| (size - mean).powi(2)).sum();
    (sizes.len() > 1).then(|| squares / (sizes.len() - 1) as f64 / (mean * mean))
}

fn class(adi: f64, cv2: f64) -> DemandClass {
    match (adi < 1.32, cv2 < 0.49) {
        (true, true) => DemandClass::Smooth,
        (true, false) => DemandClass::Erratic,
        (false, true) => DemandClass::Intermittent,
        (false, false) => DemandClass::Lumpy,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn input(y: Vec<f64>) -> IntermittentInput {
        IntermittentInput { y, alpha: 0.1, tsb_alpha_demand: 0.1, tsb_alpha_probability: 0.1 }
    }

    #[test]
    fn one_demand_in_many_periods() {
        let got = intermittent_forecast(&input(vec![0.0, 0.0, 6.0, 0.0])).unwrap();
        assert_eq!(
            (got.croston, got.adi, got.cv2, got.sbc_class),
            (2.0, 4.0, None, DemandClass::Intermittent)
        );
        assert_eq!(intermittent_forecast(&input(vec![0.0; 5])).unwrap_err().field(), "y");
    }

    #[test]
    fn dead_items_fade_in_tsb_only() {
        let mut y = vec![3.0; 20];
        let alive = intermittent_forecast(&input(y.clone())).unwrap();
        y.extend([0.0; 40]);
        let dead = intermittent_forecast(&input(y)).unwrap();
        assert_eq!(alive.croston, dead.croston);
        assert!(dead.tsb < 0.05 * alive.tsb);
    }

    proptest! {
        #[test]
        fn even_demand_every_period_is_forecast_as_itself(units in 0.5_f64..90.0, periods in 2_usize..60) {
            let got = intermittent_forecast(&input(vec![units; periods])).unwrap();
            for forecast in [got.croston, got.tsb, got.ses, got.adida_fixed_alpha, got.imapa_fixed_alpha] {
                prop_assert!((forecast - units).abs() < 1e-9 * units);
            }
            prop_assert!(got.sbj < got.sba && got.sba < got.croston);
            prop_assert_eq!(got.sbc_class, DemandClass::Smooth);
        }

        #[test]
        fn twice_the_units_are_twice_the_forecast(y in proptest::collection::vec(prop_oneof![2 => Just(0.0_f64), 1 => 1.0_f64..20.0], 1..80)) {
            prop_assume!(y.iter().any(|units| *units > 0.0));
            let once = intermittent_forecast(&input(y.clone())).unwrap();
            let twice = intermittent_forecast(&input(y.iter().map(|units| 2.0 * units).collect())).unwrap();
            for (a, b) in [(once.sba, twice.sba), (once.tsb, twice.tsb), (once.ses, twice.ses), (once.imapa_fixed_alpha, twice.imapa_fixed_alpha)] {
                prop_assert!((2.0 * a - b).abs() <= 1e-9 * b.abs());
            }
        }
    }
}
