//! Special functions: log-gamma, the incomplete gamma and beta functions and their inverses.
//!
//! Own code rather than a library: the published crates stop their continued fractions after a fixed number of terms,
//! which is too few for the parameters a year of demand gives, and say nothing. These run until they converge.
//! Source: Loader, "Fast and accurate computation of binomial probabilities" (2000), for the probability kernels that
//! keep their relative accuracy at large parameters; Lentz's method for the continued fractions (Thompson & Barnett 1986).

use std::f64::consts::{PI, TAU};

/// A continued fraction or series of these functions needs about the square root of its parameters in terms, and no
/// caller lets a parameter past 1e12.
const TERMS_MAX: usize = 10_000_000;
const TINY: f64 = 1e-300;

/// Returns ln Γ(x) for x > 0.
pub fn ln_gamma(x: f64) -> f64 {
    if x >= 15.0 {
        return (x - 0.5) * x.ln() - x + 0.5 * TAU.ln() + stirling_tail(x);
    }
    let mut shifted = x;
    let mut product = 1.0;
    while shifted < 15.0 {
        product *= shifted;
        shifted += 1.0;
    }
    ln_gamma(shifted) - product.ln()
}

fn stirling_tail(x: f64) -> f64 {
    let w = 1.0 / (x * x);
    (1.0 / 12.0
        - w * (1.0 / 360.0
            - w * (1.0 / 1260.0 - w * (1.0 / 1680.0 - w * (1.0 / 1188.0 - w * 691.0 / 360_360.0)))))
        / x
}

/// ln Γ(x+1) less its Stirling approximation.
fn stirling_error(x: f64) -> f64 {
    if x >= 15.0 { stirling_tail(x) } else { ln_gamma(x + 1.0) - (x + 0.5) * x.ln() + x - 0.5 * TAU.ln() }
}

/// x·ln(x/m) + m − x without cancellation near x = m.
fn deviance(x: f64, m: f64) -> f64 {
    if (x - m).abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() + m - x;
    }
    let v = (x - m) / (x + m);
    let mut sum = (x - m) * v;
    let mut power = 2.0 * x * v;
    for j in 1..1000 {
        power *= v * v;
        let next = sum + power / f64::from(2 * j + 1);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// Returns mᵏ·e⁻ᵐ/Γ(k+1) for real k ≥ 0 and m ≥ 0: the Poisson probability when k is whole.
pub fn poisson_kernel(k: f64, m: f64) -> f64 {
    if m == 0.0 {
        return if k == 0.0 { 1.0 } else { 0.0 };
    }
    if k == 0.0 {
        return (-m).exp();
    }
    (-stirling_error(k) - deviance(k, m)).exp() / (TAU * k).sqrt()
}

/// Returns the two regularised incomplete gamma functions (P, Q) = (lower, upper) for a > 0, x ≥ 0.
pub fn gamma_tails(a: f64, x: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    let kernel = poisson_kernel(a, x);
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0, 1.0, a);
        for _ in 0..TERMS_MAX {
            n += 1.0;
            term *= x / n;
            sum += term;
            if term < sum * 1e-17 {
                break;
            }
        }
        let lower = (kernel * sum).min(1.0);
        (lower, 1.0 - lower)
    } else {
        let upper = (kernel * a * gamma_fraction(a, x)).min(1.0);
        (1.0 - upper, upper)
    }
}

fn gamma_fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..TERMS_MAX {
        let i = i as f64;
        let an = -i * (i - a);
        b += 2.0;
        d = 1.0 / away_from_zero(an * d + b);
        c = away_from_zero(b + an / c);
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    h
}

fn away_from_zero(x: f64) -> f64 {
    if x.abs() < TINY { TINY } else { x }
}

/// Returns the regularised incomplete beta functions (I_x(a,b), 1 − I_x(a,b)) for a, b > 0 and x in 0..=1.
pub fn beta_tails(a: f64, b: f64, x: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    if x >= 1.0 {
        return (1.0, 0.0);
    }
    let front = beta_kernel(a, b, x);
    if x < (a + 1.0) / (a + b + 2.0) {
        let lower = (front * beta_fraction(a, b, x) / a).min(1.0);
        (lower, 1.0 - lower)
    } else {
        let upper = (front * beta_fraction(b, a, 1.0 - x) / b).min(1.0);
        (1.0 - upper, upper)
    }
}

/// xᵃ(1−x)ᵇ/B(a,b).
fn beta_kernel(a: f64, b: f64, x: f64) -> f64 {
    let n = a + b;
    let exponent = stirling_error(n)
        - stirling_error(a)
        - stirling_error(b)
        - deviance(a, n * x)
        - deviance(b, n * (1.0 - x));
    exponent.exp() * (a * b / (TAU * n)).sqrt()
}

fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for m in 1..TERMS_MAX {
        let m = m as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    h
}

/// Returns the x at which I_x(a,b) reaches `p`, by bisection: slow but sure, and asked for a few times a call only.
pub fn beta_quantile(a: f64, b: f64, p: f64) -> f64 {
    bisect(0.0, 1.0, |x| beta_tails(a, b, x).0 >= p)
}

/// Returns the complementary error function.
pub fn erfc(x: f64) -> f64 {
    let (lower, upper) = gamma_tails(0.5, x * x);
    if x >= 0.0 { upper } else { 1.0 + lower }
}

/// Returns the standard normal density.
pub fn normal_density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// Returns P(Z ≤ z) of the standard normal, with full relative accuracy in the left tail.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// Returns E(Z − z)⁺ of the standard normal.
pub fn normal_loss(z: f64) -> f64 {
    (normal_density(z) - z * normal_cdf(-z)).max(0.0)
}

/// Returns the standard normal quantile for p in (0, 1).
///
/// Source: a rational start (Abramowitz & Stegun 26.2.23), then Halley's steps on the accurate tail.
pub fn normal_quantile(p: f64) -> f64 {
    let tail = p.min(1.0 - p);
    if tail <= 0.0 {
        return if p < 0.5 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let t = (-2.0 * tail.ln()).sqrt();
    let mut z = (2.515_517 + t * (0.802_853 + t * 0.010_328))
        / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)))
        - t;
    for _ in 0..4 {
        let step = (normal_cdf(z) - tail) / normal_density(z);
        z -= step / (1.0 + 0.5 * z * step);
    }
    if p < 0.5 { z } else { -z }
}

/// Returns t so that a Student variable with `df` degrees of freedom lies within ±t with probability `confidence`.
pub fn student_half_width(df: f64, confidence: f64) -> f64 {
    let x = beta_quantile(0.5 * df, 0.5, 1.0 - confidence);
    (df * (1.0 - x) / x).sqrt()
}

/// Returns the smallest point of [low, high] from which `reached` holds, for a predicate that turns true once.
pub fn bisect(mut low: f64, mut high: f64, reached: impl Fn(f64) -> bool) -> f64 {
    // 200 halvings leave an interval from 0 relatively tight even where the answer is 1e-40.
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if reached(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, want: f64, rel: f64) {
        assert!((got - want).abs() <= rel * want.abs().max(1e-300), "got {got:e}, want {want:e}");
    }

    #[test]
    fn gamma_meets_factorials_and_halves() {
        near(ln_gamma(1.0).abs() + 1.0, 1.0, 1e-14);
        near(ln_gamma(11.0), 3_628_800_f64.ln(), 1e-14);
        near(ln_gamma(0.5), PI.sqrt().ln(), 1e-14);
        near(ln_gamma(171.0), 706.573_062_245_787_4, 1e-14);
    }

    #[test]
    fn normal_meets_its_tables() {
        near(normal_cdf(1.96), 0.975_002_104_851_779_5, 1e-13);
        near(normal_cdf(-8.0), 6.220_960_574_271_785e-16, 1e-12);
        near(normal_quantile(0.975), 1.959_963_984_540_054, 1e-13);
        near(normal_quantile(1e-10), -6.361_340_902_404_056, 1e-12);
        near(normal_loss(0.0), 0.398_942_280_401_432_7, 1e-14);
    }

    #[test]
    fn student_meets_its_table() {
        near(student_half_width(4.0, 0.95), 2.776_445_105_197_793_6, 1e-11);
        near(student_half_width(1.0, 0.9), 6.313_751_514_675_04, 1e-11);
        near(student_half_width(1e6, 0.95), 1.959_966_3, 1e-6);
    }

    #[test]
    fn incomplete_functions_meet_their_sums() {
        for m in [0.3, 4.0, 60.0, 900.0] {
            let mut sum = 0.0;
            for k in 0..1200_i32 {
                sum += poisson_kernel(f64::from(k), m);
                let (_, upper) = gamma_tails(f64::from(k) + 1.0, m);
                assert!((upper - sum).abs() < 1e-12, "m {m} k {k}");
            }
        }
        // I_x(a,b) for whole numbers is a binomial tail.
        let (n, p) = (30.0_f64, 0.3_f64);
        let mut tail = 0.0;
        for k in (0..=30).rev() {
            let k = f64::from(k);
            if k > 0.0 {
                tail += (ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
                    + k * p.ln()
                    + (n - k) * (1.0 - p).ln())
                .exp();
                near(beta_tails(k, n - k + 1.0, p).0, tail, 1e-11);
            }
        }
    }

    #[test]
    fn large_parameters_converge() {
        let (lower, upper) = gamma_tails(1e8, 1e8);
        near(lower + upper, 1.0, 1e-15);
        assert!((lower - 0.5).abs() < 1e-4);
        assert!((beta_tails(1e7, 1e7, 0.5).0 - 0.5).abs() < 1e-9);
    }

    proptest::proptest! {
        #[test]
        fn quantiles_invert_their_functions(p in 1e-6_f64..0.999_999, a in 0.2_f64..50.0, b in 0.2_f64..50.0) {
            proptest::prop_assert!((normal_cdf(normal_quantile(p)) - p).abs() < 1e-13);
            // Where the density is very large, as at 1 for a small b, the numbers next to each other have quantiles further
            // apart than that: then they must lie on both sides.
            let x = beta_quantile(a, b, p);
            let below = beta_tails(a, b, (x - 4.0 * f64::EPSILON * x).max(0.0)).0;
            let above = beta_tails(a, b, (x + 4.0 * f64::EPSILON * x).min(1.0)).0;
            proptest::prop_assert!(below - 1e-9 < p && p < above + 1e-9);
        }

        #[test]
        fn beta_is_symmetric(a in 0.1_f64..500.0, b in 0.1_f64..500.0, x in 0.001_f64..0.999) {
            let (lower, _) = beta_tails(a, b, x);
            let (_, upper) = beta_tails(b, a, 1.0 - x);
            proptest::prop_assert!((lower - upper).abs() < 1e-10);
        }
    }
}
