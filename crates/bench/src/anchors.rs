//! `insight`, what queueing theory computes exactly and the simulated shop comes to: how near, in many replications.

use std::num::NonZeroUsize;

use model::time::Timestamp;
use simulate::{anchors, outcomes};

use crate::figures::Figures;

const RUNS: usize = 600;
const DAYS: f64 = 800.0;
const SEED: u64 = 7;
/// What a 99 % interval is to be narrower than, as a share of what it holds.
const NARROW: f64 = 0.03;

/// The anchors of science.md, section 10: for each measure how far its interval's middle lies from the exact value, in half widths, and how
/// wide it is.
pub(crate) fn anchors(figures: &mut Figures) -> anyhow::Result<()> {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    let workers = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    for anchor in anchors::all(DAYS)? {
        let (worlds, variants) = (std::slice::from_ref(&anchor.world), std::slice::from_ref(&anchor.variant));
        let runs = outcomes(worlds, variants, (SEED, RUNS, workers), start, &|_| {})?;
        let runs = runs.first().map(Vec::as_slice).unwrap_or_default();
        for (exact, (mean, half)) in anchor.exact.iter().zip(anchor.estimate(runs)) {
            let (name, value) = (exact.name, exact.value);
            figures.say(&format!("{name}: {mean:.5} ± {half:.5}, exactly {value:.5}"));
            let off = (mean - value).abs() / half;
            figures.add(format!("anchor_{name}_off"), off, Some(1.0), "half widths, at most");
            let unit = "of the exact value, at most";
            figures.add(format!("anchor_{name}_width"), half / value, Some(NARROW), unit);
        }
    }
    Ok(())
}
