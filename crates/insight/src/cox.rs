//! What drives cancellation: proportional hazards on promised delay, deposit share and whatever else is known.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Checked, bad, finite, length, no_answer, not_negative, whole};

/// One row an order: `duration`, `cancelled` (0 or 1) and the same covariates in every row.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoxInput {
    /// The orders.
    pub rows: Vec<BTreeMap<String, f64>>,
    /// Penalty ½·ridge·Σβ² on standardised covariates, for few events; 0 for the plain estimate.
    #[serde(default)]
    pub ridge: f64,
}

/// The fitted model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cox {
    /// Log hazard ratio of one unit of each covariate.
    pub coef: BTreeMap<String, f64>,
    /// Partial log-likelihood at the fit, penalty left out.
    pub log_likelihood: f64,
}

/// Returns the Cox model with Efron's handling of ties, fitted by Newton's method.
///
/// Errors: `NoAnswer` where the covariates are collinear or tell cancelled orders apart so well that a coefficient runs off.
/// Source: Cox 1972; Efron 1977.
pub fn cox_ph(input: &CoxInput) -> Checked<Cox> {
    not_negative("ridge", input.ridge)?;
    let (names, mut sample) = read(input)?;
    let scales = standardise(&names, &mut sample)?;
    let coef = fit(&sample, input.ridge)?;
    let log_likelihood = likelihood(&sample, &coef).value;
    let coef = names.into_iter().zip(coef.iter().zip(&scales).map(|(beta, scale)| beta / scale)).collect();
    Ok(Cox { coef, log_likelihood })
}

#[derive(Debug, Clone)]
struct Row {
    duration: f64,
    cancelled: bool,
    x: Vec<f64>,
}

const COVARIATES_MAX: usize = 20;

fn read(input: &CoxInput) -> Checked<(Vec<String>, Vec<Row>)> {
    length("rows", input.rows.len(), 2, 50_000)?;
    let is_covariate = |name: &&String| *name != "duration" && *name != "cancelled";
    let names: Vec<String> = input.rows[0].keys().filter(is_covariate).cloned().collect();
    length("rows[0]", names.len(), 1, COVARIATES_MAX)?;
    let mut sample = Vec::with_capacity(input.rows.len());
    for (i, row) in input.rows.iter().enumerate() {
        let get = |name: &str| match row.get(name) {
            Some(&x) => finite(&format!("rows[{i}].{name}"), x).map(|()| x),
            None => bad(format!("rows[{i}].{name}"), "is missing"),
        };
        let duration = get("duration")?;
        not_negative(&format!("rows[{i}].duration"), duration)?;
        let cancelled = get("cancelled")?;
        if cancelled != 0.0 && cancelled != 1.0 {
            return bad(format!("rows[{i}].cancelled"), format!("must be 0 or 1, got {cancelled}"));
        }
        if let Some(name) = row.keys().filter(is_covariate).find(|name| !names.contains(name)) {
            return bad(format!("rows[{i}].{name}"), "is not in the first row");
        }
        let x = names.iter().map(|name| get(name)).collect::<Checked<_>>()?;
        sample.push(Row { duration, cancelled: cancelled == 1.0, x });
    }
    let events = sample.iter().filter(|row| row.cancelled).count();
    whole("rows", events as i64, 1, i64::MAX).or_else(|_| bad("rows", "nothing was cancelled"))?;
    // Longest first, so that a running sum is the risk set.
    sample.sort_by(|a, b| b.duration.total_cmp(&a.duration));
    Ok((names, sample))
}

/// Centres each covariate and divides it by its standard deviation, which it returns.
fn standardise(names: &[String], sample: &mut [Row]) -> Checked<Vec<f64>> {
    let n = sample.len() as f64;
    let mut scales = Vec::with_capacity(names.len());
    for (k, name) in names.iter().enumerate() {
        let mean = sample.iter().map(|row| row.x[k]).sum::<f64>() / n;
        let variance = sample.iter().map(|row| (row.x[k] - mean).powi(2)).sum::<f64>() / n;
        let scale = variance.sqrt();
        if scale <= 1e-12 * mean.abs().max(1e-9) {
            return no_answer(format!("rows[].{name}"), "it is the same in every row");
        }
        for row in sample.iter_mut() {
            row.x[k] = (row.x[k] - mean) / scale;
        }
        scales.push(scale);
    }
    Ok(scales)
}

fn fit(sample: &[Row], ridge: f64) -> Checked<Vec<f64>> {
    let p = sample[0].x.len();
    let penalised = |beta: &[f64], value: f64| value - 0.5 * ridge * beta.iter().map(|b| b * b).sum::<f64>();
    let mut beta = vec![0.0; p];
    let mut here = likelihood(sample, &beta);
    for _ in 0..200 {
        let gradient: Vec<f64> = here.gradient.iter().zip(&beta).map(|(g, b)| g - ridge * b).collect();
        let mut information = here.information.clone();
        for (k, row) in information.iter_mut().enumerate() {
            row[k] += ridge;
        }
        let Some(step) = solve(information, &gradient) else {
            return no_answer("rows", "the covariates are collinear, or tell all cancelled orders apart");
        };
        let gain: f64 = step.iter().zip(&gradient).map(|(s, g)| s * g).sum();
        if gain < 1e-16 {
            return Ok(beta);
        }
        let start = penalised(&beta, here.value);
        // Newton's step, halved until it does not lose.
        let mut length = 1.0;
        loop {
            let next: Vec<f64> = beta.iter().zip(&step).map(|(b, s)| b + length * s).collect();
            let there = likelihood(sample, &next);
            if penalised(&next, there.value) >= start - 1e-12 * start.abs() || length < 1e-8 {
                (beta, here) = (next, there);
                break;
            }
            length *= 0.5;
        }
        // In standard deviations; a hazard ratio of e³⁰ is a coefficient on its way to infinity.
        if beta.iter().any(|b| b.abs() > 30.0) {
            return no_answer("rows", "a covariate tells cancelled orders apart perfectly; give a ridge");
        }
    }
    no_answer("rows", "the fit does not settle; give a ridge")
}

struct Likelihood {
    value: f64,
    gradient: Vec<f64>,
    information: Vec<Vec<f64>>,
}

/// Weighted sums over a set of orders: Σw, Σwx, Σwxxᵀ.
struct Sums {
    weight: f64,
    first: Vec<f64>,
    second: Vec<Vec<f64>>,
}

impl Sums {
    fn new(p: usize) -> Self {
        Self { weight: 0.0, first: vec![0.0; p], second: vec![vec![0.0; p]; p] }
    }

    fn add(&mut self, weight: f64, x: &[f64]) {
        self.weight += weight;
        for (a, xa) in x.iter().enumerate() {
            self.first[a] += weight * xa;
            for (b, xb) in x.iter().enumerate() {
                self.second[a][b] += weight * xa * xb;
            }
        }
    }
}

fn likelihood(sample: &[Row], beta: &[f64]) -> Likelihood {
    let p = beta.len();
    let mut out = Likelihood { value: 0.0, gradient: vec![0.0; p], information: vec![vec![0.0; p]; p] };
    let mut risk = Sums::new(p);
    for group in sample.chunk_by(|a, b| a.duration == b.duration) {
        let mut tied = Sums::new(p);
        let mut deaths = 0_u32;
        for row in group {
            let score: f64 = row.x.iter().zip(beta).map(|(x, b)| x * b).sum();
            risk.add(score.exp(), &row.x);
            if row.cancelled {
                tied.add(score.exp(), &row.x);
                deaths += 1;
                out.value += score;
                for (gradient, x) in out.gradient.iter_mut().zip(&row.x) {
                    *gradient += x;
                }
            }
        }
        for l in 0..deaths {
            let share = f64::from(l) / f64::from(deaths);
            let weight = risk.weight - share * tied.weight;
            out.value -= weight.ln();
            let mean: Vec<f64> = (0..p).map(|a| (risk.first[a] - share * tied.first[a]) / weight).collect();
            for a in 0..p {
                out.gradient[a] -= mean[a];
                for (b, mean_b) in mean.iter().enumerate() {
                    out.information[a][b] +=
                        (risk.second[a][b] - share * tied.second[a][b]) / weight - mean[a] * mean_b;
                }
            }
        }
    }
    out
}

/// Solves A·x = b for symmetric positive definite A by Cholesky; nothing where it is not.
fn solve(mut a: Vec<Vec<f64>>, b: &[f64]) -> Option<Vec<f64>> {
    let n = b.len();
    let size = (0..n).map(|k| a[k][k]).fold(0.0, f64::max);
    for j in 0..n {
        let left: f64 = a[j][j] - (0..j).map(|k| a[j][k] * a[j][k]).sum::<f64>();
        if !left.is_finite() || left <= 1e-12 * size {
            return None;
        }
        a[j][j] = left.sqrt();
        for i in j + 1..n {
            let left: f64 = a[i][j] - (0..j).map(|k| a[i][k] * a[j][k]).sum::<f64>();
            a[i][j] = left / a[j][j];
        }
    }
    let mut x = b.to_vec();
    for i in 0..n {
        x[i] = (x[i] - (0..i).map(|k| a[i][k] * x[k]).sum::<f64>()) / a[i][i];
    }
    for i in (0..n).rev() {
        x[i] = (x[i] - (i + 1..n).map(|k| a[k][i] * x[k]).sum::<f64>()) / a[i][i];
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(data: &[(f64, u8, f64)]) -> CoxInput {
        let row = |&(duration, cancelled, x): &(f64, u8, f64)| {
            BTreeMap::from([
                ("duration".into(), duration),
                ("cancelled".into(), f64::from(cancelled)),
                ("x".into(), x),
            ])
        };
        CoxInput { rows: data.iter().map(row).collect(), ridge: 0.0 }
    }

    #[test]
    fn three_orders_have_a_closed_form() {
        // Durations 1, 2, 3 with x = 1, 0, 1, all cancelled: L(β) = e^β/(2e^β+1) · 1/(1+e^β), greatest where 2e^{2β} = 1.
        let got = cox_ph(&rows(&[(1.0, 1, 1.0), (2.0, 1, 0.0), (3.0, 1, 1.0)])).unwrap();
        let want = 0.5 * 0.5_f64.ln();
        assert!((got.coef["x"] - want).abs() < 1e-9);
        let e = want.exp();
        assert!((got.log_likelihood - (e / (2.0 * e + 1.0) / (1.0 + e)).ln()).abs() < 1e-9);
    }

    #[test]
    fn bad_samples_are_refused_by_name() {
        for (data, field) in [
            (&[(1.0, 1, 1.0), (2.0, 1, 1.0)][..], "rows[].x"),
            (&[(1.0, 0, 1.0), (2.0, 0, 2.0)][..], "rows"),
            (&[(1.0, 2, 1.0), (2.0, 0, 2.0)][..], "rows[0].cancelled"),
            (&[(-1.0, 1, 1.0), (2.0, 0, 2.0)][..], "rows[0].duration"),
            // Larger x always goes first: the coefficient has no end.
            (&[(1.0, 1, 3.0), (2.0, 1, 2.0), (3.0, 1, 1.0)][..], "rows"),
        ] {
            assert_eq!(cox_ph(&rows(data)).unwrap_err().field(), field, "{data:?}");
        }
        let mut ragged = rows(&[(1.0, 1, 1.0), (2.0, 0, 2.0)]);
        ragged.rows[1].insert("y".into(), 1.0);
        assert_eq!(cox_ph(&ragged).unwrap_err().field(), "rows[1].y");
        ragged.rows[1].clear();
        assert_eq!(cox_ph(&ragged).unwrap_err().field(), "rows[1].duration");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn the_gradient_vanishes_and_units_cancel(
            data in proptest::collection::vec((1_u32..12, 0_u8..2, -5_i32..6), 8..40), unit in 0.1_f64..50.0,
        ) {
            let data: Vec<(f64, u8, f64)> = data.into_iter().map(|(d, c, x)| (f64::from(d), c, f64::from(x))).collect();
            let Ok(got) = cox_ph(&rows(&data)) else { return Ok(()) };
            let scaled: Vec<_> = data.iter().map(|&(d, c, x)| (d, c, x * unit + 3.0)).collect();
            let other = cox_ph(&rows(&scaled)).unwrap();
            prop_assert!((other.coef["x"] * unit - got.coef["x"]).abs() < 1e-6 * (1.0 + got.coef["x"].abs()));
            prop_assert!((other.log_likelihood - got.log_likelihood).abs() < 1e-6);
            let (_, sample) = read(&rows(&data)).unwrap();
            for step in [-1e-3, 1e-3] {
                prop_assert!(likelihood(&sample, &[got.coef["x"] + step]).value <= got.log_likelihood + 1e-9);
            }
        }
    }
}
