//! Policies side by side, replication by replication on the same customers and suppliers.

use std::{
    num::NonZeroUsize,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use insight::output_analysis::{CiInput, simulation_ci};
use model::time::Timestamp;
use serde::Serialize;

use crate::{
    input::{InputError, Variant, World},
    outcome::Outcome,
    run::{SimulateError, simulate},
};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Share of units asked for that were there.
    FillRate,
    /// Days that a unit which had to wait waited.
    MeanWaitDays,
    /// Units asked for.
    UnitsAsked,
    /// Units sent.
    UnitsShipped,
    /// Units refused or not waited for.
    UnitsRefused,
    /// Units called off.
    UnitsCancelled,
    /// Units sent later than promised.
    UnitsLate,
    /// Units sold to people from a waitlist.
    UnitsFromWaitlist,
    /// Time-averaged units owed.
    OwedMean,
    /// Time-averaged units on the shelf.
    OnHandMean,
    /// What was earned.
    Profit,
    /// The lowest cash balance.
    CashLowest,
    /// The last cash balance.
    CashLast,
}

const MEASURES: [Measure; 13] = [
    Measure::FillRate,
    Measure::MeanWaitDays,
    Measure::UnitsAsked,
    Measure::UnitsShipped,
    Measure::UnitsRefused,
    Measure::UnitsCancelled,
    Measure::UnitsLate,
    Measure::UnitsFromWaitlist,
    Measure::OwedMean,
    Measure::OnHandMean,
    Measure::Profit,
    Measure::CashLowest,
    Measure::CashLast,
];

impl Measure {
    /// Its value in an outcome.
    pub fn of(self, outcome: &Outcome) -> f64 {
        match self {
            Self::FillRate => outcome.fill_rate(),
            Self::MeanWaitDays => outcome.mean_wait(),
            Self::UnitsAsked => outcome.asked,
            Self::UnitsShipped => outcome.shipped,
            Self::UnitsRefused => outcome.refused,
            Self::UnitsCancelled => outcome.cancelled,
            Self::UnitsLate => outcome.late,
            Self::UnitsFromWaitlist => outcome.from_waitlist,
            Self::OwedMean => outcome.owed_mean,
            Self::OnHandMean => outcome.on_hand_mean,
            Self::Profit => outcome.profit,
            Self::CashLowest => outcome.cash_lowest,
            Self::CashLast => outcome.cash_last,
        }
    }
}

/// One measure of one variant, as mean ± half width of a 95 % Student interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    /// What.
    pub measure: Measure,
    /// Its mean.
    pub mean: f64,
    /// Half width of its interval.
    pub half_width: f64,
    /// Mean of this variant less the first.
    pub difference: f64,
    /// Half width of that, pair by pair.
    pub difference_half_width: f64,
}

/// One variant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// What it is called.
    pub name: String,
    /// Replications.
    pub replications: usize,
    /// Every measure.
    pub figures: Vec<Figure>,
    /// Nine of ten replications have a lowest cash balance above this.
    pub cash_lowest_p10: f64,
    /// Share of replications in which cash fell below zero.
    pub cash_negative_share: f64,
}

/// Compares variants over worlds that are added up, in so many replications on up to so many threads; the first variant is what the
/// others are held against. `done` is told how many single replications are over.
///
/// Errors: fewer than two replications, no world, no variant, or input that makes no sense.
pub fn compare(
    worlds: &[World],
    variants: &[Variant],
    run: (u64, usize, NonZeroUsize),
    start: Timestamp,
    done: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Compared>, SimulateError> {
    let names: Vec<&str> = variants.iter().map(|variant| &*variant.name).collect();
    sum_up(&names, &outcomes(worlds, variants, run, start, done)?)
}

/// The outcome of every replication of each variant, the worlds added up: what [`sum_up`] sums up.
///
/// Errors: as [`compare`].
pub fn outcomes(
    worlds: &[World],
    variants: &[Variant],
    (seed, replications, workers): (u64, usize, NonZeroUsize),
    start: Timestamp,
    done: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Vec<Outcome>>, SimulateError> {
    let bad = |field: &str, problem: &str| {
        Err(SimulateError::Input(InputError { field: field.to_owned(), problem: problem.to_owned() }))
    };
    if worlds.is_empty() {
        return bad("worlds", "there is nothing to simulate");
    }
    if variants.is_empty() {
        return bad("variants", "there is no way to run the shop");
    }
    if !(2..=100_000).contains(&replications) {
        return bad("replications", "from 2 to 100000");
    }
    for world in worlds {
        world.check()?;
        variants.iter().try_for_each(|variant| variant.check(world))?;
    }
    let tasks = variants.len() * replications;
    let (next, over) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let outcomes = Mutex::new(vec![Outcome::default(); tasks]);
    let failed: Mutex<Option<SimulateError>> = Mutex::new(None);
    let work = || {
        while let task = next.fetch_add(1, Ordering::Relaxed)
            && task < tasks
            && failed.lock().unwrap_or_else(PoisonError::into_inner).is_none()
        {
            // Replication by replication, so that what fails does so early for every variant.
            let (variant, replication) = (&variants[task % variants.len()], task / variants.len());
            let mut sum = Outcome::default();
            for world in worlds {
                match simulate(world, variant, (seed, replication as u64), start) {
                    Ok(outcome) => sum.add(&outcome),
                    Err(error) => {
                        *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                        return;
                    }
                }
            }
            outcomes.lock().unwrap_or_else(PoisonError::into_inner)[task] = sum;
            done(over.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    thread::scope(|scope| {
        for _ in 0..workers.get().min(tasks) {
            scope.spawn(work);
        }
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    let of = |n: usize| outcomes.iter().skip(n).step_by(variants.len()).copied().collect();
    Ok((0..variants.len()).map(of).collect())
}

/// Sums outcomes up, each variant's beside those of the first.
///
/// Errors: fewer than two replications, or not as many of each variant.
pub fn sum_up(names: &[&str], outcomes: &[Vec<Outcome>]) -> Result<Vec<Compared>, SimulateError> {
    let first = outcomes.first().map(Vec::as_slice).unwrap_or_default();
    names.iter().zip(outcomes).map(|(name, own)| summed_up(name, own, first)).collect()
}

fn summed_up(name: &str, own: &[Outcome], first: &[Outcome]) -> Result<Compared, SimulateError> {
    let figure = |measure: Measure| {
        let values = |outcomes: &[Outcome]| outcomes.iter().map(|outcome| measure.of(outcome)).collect();
        let input = CiInput { policy_a: values(own), policy_b: values(first), confidence: 0.95 };
        let found = simulation_ci(&input).map_err(|error| SimulateError::Defect(error.to_string()))?;
        Ok(Figure {
            measure,
            mean: found.mean_a,
            half_width: found.half_width_a,
            difference: found.mean_diff,
            difference_half_width: found.paired_half_width,
        })
    };
    let mut lowest: Vec<f64> = own.iter().map(|outcome| outcome.cash_lowest).collect();
    lowest.sort_unstable_by(f64::total_cmp);
    let negative = lowest.iter().filter(|balance| **balance < 0.0).count();
    Ok(Compared {
        name: name.to_owned(),
        replications: own.len(),
        figures: MEASURES.into_iter().map(figure).collect::<Result<_, SimulateError>>()?,
        cash_lowest_p10: lowest[lowest.len() / 10],
        cash_negative_share: negative as f64 / lowest.len() as f64,
    })
}
