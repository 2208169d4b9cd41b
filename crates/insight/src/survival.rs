//! How long orders stay open before they are cancelled: the product-limit estimate.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Checked, bad, each, length, not_negative, same_length},
    parse::{Flags, number_key},
};

/// Orders, how long each was seen, and whether it was cancelled then.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KaplanMeierInput {
    /// Days from placing to cancellation, or to fulfilment or today.
    pub duration_days: Vec<f64>,
    /// Cancelled then; otherwise fulfilled or still open.
    pub cancelled: Flags,
    /// Days asked about.
    #[serde(default)]
    pub query_days: Vec<f64>,
}

/// One day with cancellations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SurvivalRow {
    /// The day.
    pub day: f64,
    /// Orders open just before.
    pub at_risk: usize,
    /// Cancelled on it.
    pub events: usize,
    /// Share still open after it.
    pub survival: f64,
}

/// The survival curve.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KaplanMeier {
    /// Days with a cancellation, ascending; possibly empty.
    pub table: Vec<SurvivalRow>,
    /// One a day asked about.
    pub survival_at: Vec<f64>,
    /// The first day on which at most half are open; infinite if that never comes.
    pub median: f64,
    /// Greenwood's standard error after the last event; none where the curve has come down to zero.
    pub greenwood_se_last: Option<f64>,
}

/// Returns the product-limit survival of open orders; cancellations come before censorings of the same day.
///
/// Source: Kaplan & Meier 1958, S(t) = Π(1−d/n); Greenwood 1926.
pub fn kaplan_meier(input: &KaplanMeierInput) -> Checked<KaplanMeier> {
    each("query_days", &input.query_days, not_negative)?;
    length("query_days", input.query_days.len(), 0, 100_000)?;
    let (table, variance) = product_limit(&input.duration_days, &input.cancelled.0)?;
    let survival_at = input.query_days.iter().map(|&day| survival_at(&table, day)).collect();
    let median = table.iter().find(|row| row.survival <= 0.5 + 1e-12).map_or(f64::INFINITY, |row| row.day);
    let last = table.last().map_or(1.0, |row| row.survival);
    let greenwood_se_last = variance.is_finite().then(|| last * variance.sqrt());
    Ok(KaplanMeier { table, survival_at, median, greenwood_se_last })
}

fn survival_at(table: &[SurvivalRow], day: f64) -> f64 {
    let rows = table.partition_point(|row| row.day <= day);
    if rows == 0 { 1.0 } else { table[rows - 1].survival }
}

/// The table and Greenwood's sum Σ d/(n(n−d)) over it.
pub(crate) fn product_limit(durations: &[f64], events: &[bool]) -> Checked<(Vec<SurvivalRow>, f64)> {
    length("duration_days", durations.len(), 1, 1_000_000)?;
    each("duration_days", durations, not_negative)?;
    same_length("cancelled", events.len(), "duration_days", durations.len())?;
    let mut seen: Vec<(f64, bool)> = durations.iter().copied().zip(events.iter().copied()).collect();
    seen.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut table, mut survival, mut variance) = (Vec::new(), 1.0, 0.0);
    let mut at_risk = seen.len();
    for group in seen.chunk_by(|a, b| a.0 == b.0) {
        let gone = group.iter().filter(|(_, event)| *event).count();
        if gone > 0 {
            survival *= 1.0 - gone as f64 / at_risk as f64;
            variance += gone as f64 / (at_risk as f64 * (at_risk - gone) as f64);
            table.push(SurvivalRow { day: group[0].0, at_risk, events: gone, survival });
        }
        at_risk -= group.len();
    }
    Ok((table, variance))
}

/// As [`KaplanMeierInput`], for the bare curve.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurvivalTableInput {
    /// Days from placing to cancellation, or to fulfilment or today.
    pub duration_days: Vec<f64>,
    /// Cancelled then.
    pub cancelled: Flags,
}

/// The bare curve.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SurvivalTable {
    /// Share still open, by each day with a cancellation.
    pub survival: BTreeMap<String, f64>,
}

/// Returns the survival at each day with a cancellation, keyed by the day.
pub fn kaplan_meier_table(input: &SurvivalTableInput) -> Checked<SurvivalTable> {
    let (table, _) = product_limit(&input.duration_days, &input.cancelled.0)?;
    Ok(SurvivalTable { survival: table.iter().map(|row| (number_key(row.day), row.survival)).collect() })
}

/// Sales of periods, and which of them sold out.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CensoredKmInput {
    /// Units sold.
    pub sales: Vec<f64>,
    /// Sold out: demand was at least the sales.
    pub stocked_out: Flags,
}

/// The distribution of demand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CensoredKm {
    /// P(demand > units), by each number of units that was seen in full.
    pub prob_demand_exceeds: BTreeMap<String, f64>,
}

/// Returns the product-limit distribution of demand from sales cut off by stock-outs.
///
/// Source: Huh, Levi, Rusmevichientong & Orlin, Operations Research 59 (2011): a sold-out period is a censored observation.
pub fn censored_demand_km(input: &CensoredKmInput) -> Checked<CensoredKm> {
    length("sales", input.sales.len(), 1, 1_000_000)?;
    each("sales", &input.sales, not_negative)?;
    same_length("stocked_out", input.stocked_out.0.len(), "sales", input.sales.len())?;
    if input.stocked_out.0.iter().all(|&out| out) {
        return bad("stocked_out", "every period sold out, so no demand was seen in full");
    }
    let seen: Vec<bool> = input.stocked_out.0.iter().map(|&out| !out).collect();
    let (table, _) = product_limit(&input.sales, &seen)?;
    Ok(CensoredKm {
        prob_demand_exceeds: table.iter().map(|row| (number_key(row.day), row.survival)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn six_mp_patients() {
        // Freireich et al. 1963: printed .857 .807 .753 .690 .627 .538 .448.
        let seen = [
            (6, true),
            (6, true),
            (6, true),
            (6, false),
            (7, true),
            (9, false),
            (10, true),
            (10, false),
            (11, false),
            (13, true),
            (16, true),
            (17, false),
            (19, false),
            (20, false),
            (22, true),
            (23, true),
            (25, false),
            (32, false),
            (32, false),
            (34, false),
            (35, false),
        ];
        let input = KaplanMeierInput {
            duration_days: seen.iter().map(|row| f64::from(row.0)).collect(),
            cancelled: Flags(seen.iter().map(|row| row.1).collect()),
            query_days: vec![5.0, 6.0, 40.0],
        };
        let got = kaplan_meier(&input).unwrap();
        let printed = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448];
        for (row, want) in got.table.iter().zip(printed) {
            assert!((row.survival - want).abs() < 5e-4);
        }
        assert_eq!(got.median, 23.0);
        assert_eq!(got.survival_at[0], 1.0);
        assert_eq!(got.survival_at[1], got.table[0].survival);
    }

    #[test]
    fn nobody_cancelling_is_no_event_and_everybody_no_error() {
        let mut input = KaplanMeierInput {
            duration_days: vec![3.0, 4.0],
            cancelled: Flags(vec![false, false]),
            query_days: vec![9.0],
        };
        let none = kaplan_meier(&input).unwrap();
        assert!(none.table.is_empty() && none.median.is_infinite() && none.survival_at == [1.0]);
        assert_eq!(none.greenwood_se_last, Some(0.0));
        input.cancelled = Flags(vec![true, true]);
        let all = kaplan_meier(&input).unwrap();
        assert_eq!((all.table[1].survival, all.greenwood_se_last), (0.0, None));
    }

    proptest! {
        #[test]
        fn without_censoring_it_is_the_share_left(durations in proptest::collection::vec(0_u32..20, 1..40)) {
            let input = SurvivalTableInput {
                duration_days: durations.iter().map(|&d| f64::from(d)).collect(),
                cancelled: Flags(vec![true; durations.len()]),
            };
            for (day, share) in kaplan_meier_table(&input).unwrap().survival {
                let day: u32 = day.parse().unwrap();
                let left = durations.iter().filter(|d| **d > day).count() as f64 / durations.len() as f64;
                prop_assert!((share - left).abs() < 1e-12);
            }
        }

        #[test]
        fn the_curve_never_rises(seen in proptest::collection::vec((0_u32..20, any::<bool>()), 1..60)) {
            let input = KaplanMeierInput {
                duration_days: seen.iter().map(|row| f64::from(row.0)).collect(),
                cancelled: Flags(seen.iter().map(|row| row.1).collect()),
                query_days: (0..25).map(f64::from).collect(),
            };
            let got = kaplan_meier(&input).unwrap();
            prop_assert!(got.survival_at.windows(2).all(|pair| pair[0] >= pair[1]));
        }
    }
}
