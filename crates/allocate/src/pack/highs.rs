//! The same problem, handed to HiGHS through `good_lp`.
//!
//! The one place here with a clock (HiGHS has its own) and with fractions: what comes back is checked in whole numbers.
#![expect(clippy::float_arithmetic, reason = "HiGHS counts in fractions; nothing else here does")]

use std::time::Duration;

use good_lp::{Expression, SolverModel as _, variable, variables};

use super::{Method, Problem, Solution};

/// Why HiGHS gave no answer. The solution handed to it is as good as before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HighsError {
    /// It refused the problem or a setting, or broke off.
    #[error("HiGHS failed to {step}: {why}")]
    Failed {
        /// What it was asked to do.
        step: &'static str,
        /// What it said.
        why: String,
    },
    /// It says that a choice fits which does not.
    #[error("HiGHS chose items that do not fit together")]
    DoesNotFit,
}

/// Improves a solution for at most this long. Its method says [`Method::Highs`] if HiGHS found a better one or proved this
/// one best; its bound is the lower one of both.
///
/// HiGHS's own bound holds within its tolerance, a millionth of the value.
/// Errors: [`HighsError`]; trying again does not help.
pub fn solve(problem: &Problem, start: &Solution, limit: Duration) -> Result<Solution, HighsError> {
    let failed = |step| move |why: String| HighsError::Failed { step, why };
    let mut unknowns = variables!();
    let taken = unknowns.add_vector(variable().binary(), problem.items.len());
    let values = problem.items.iter().map(|item| item.value as f64);
    let worth: Expression = taken.iter().zip(values).map(|(&taken, value)| value * taken).sum();
    let mut model = unknowns.maximise(worth).using(good_lp::highs);
    let mut used = vec![Expression::default(); problem.limits.len()];
    for (item, &taken) in problem.items.iter().zip(&taken) {
        for &(limit, units) in &item.needs {
            used[limit] += units as f64 * taken;
        }
    }
    for (used, &limit) in used.into_iter().zip(&problem.limits) {
        model.add_constraint(used.leq(limit as f64));
    }
    // good_lp's own `solve` keeps the bound to itself, so the model is run here.
    let mut model = model.try_into_inner().map_err(|error| failed("read the problem")(error.to_string()))?;
    for (option, value) in [("time_limit", limit.as_secs_f64()), ("mip_rel_gap", 0.0)] {
        model
            .try_set_option(option, value)
            .map_err(|error| failed("take a setting")(format!("{option}: {error:?}")))?;
    }
    model
        .try_set_option("parallel", "off")
        .map_err(|error| failed("take a setting")(format!("{error:?}")))?;
    let known: Vec<f64> = start.chosen.iter().map(|chosen| f64::from(u8::from(*chosen))).collect();
    model
        .try_set_solution(Some(&known), None, None, None)
        .map_err(|error| failed("take a first solution")(format!("{error:?}")))?;
    let solved = model.try_solve().map_err(|error| failed("solve")(format!("{error:?}")))?;
    let bound = solved
        .double_info_value(c"mip_dual_bound")
        .map_err(|error| failed("say its bound")(format!("{error:?}")))?;
    let chosen: Vec<bool> = solved.get_solution().columns().iter().map(|&taken| taken > 0.5).collect();
    better_of(problem, start, chosen, bound)
}

fn better_of(
    problem: &Problem,
    start: &Solution,
    chosen: Vec<bool>,
    bound: f64,
) -> Result<Solution, HighsError> {
    if chosen.len() != problem.items.len()
        || problem.left_after(|at| chosen[at]).iter().any(|&units| units < 0)
    {
        return Err(HighsError::DoesNotFit);
    }
    let value = problem.worth(&chosen);
    let mut best = start.clone();
    if value > start.value {
        (best.chosen, best.value, best.method) = (chosen, value, Method::Highs);
    }
    // Values are whole, so a bound between two of them is the lower one; a little above it is meant for it.
    let tolerance = bound.abs() * 1e-9 + 1e-6;
    if bound.is_finite() && bound + tolerance < start.bound as f64 {
        best.bound = ((bound + tolerance).floor() as i64).max(best.value);
        if best.is_proved() {
            best.method = Method::Highs;
        }
    }
    Ok(best)
}
