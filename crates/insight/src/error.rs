//! What can be wrong with an input, and the checks every model begins with.
//!
//! All numbers are held between [`SMALLEST`] and [`LARGEST`] in size, so that no formula here leaves the range of `f64`.

use thiserror::Error;

/// The largest size of a number a model takes.
pub(crate) const LARGEST: f64 = 1e12;
/// The smallest size of a number that must be greater than zero.
pub(crate) const SMALLEST: f64 = 1e-12;

/// Why a model gives no answer. None of them goes away by trying again.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InsightError {
    /// The value does not make sense there.
    #[error("{field}: {problem}")]
    BadInput {
        /// The input at fault, as `orders[2].qty`.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The value makes sense, but the answer would take too long or too much memory.
    #[error("{field}: too large to compute, {limit}")]
    TooLarge {
        /// The input at fault.
        field: String,
        /// What would still be computed.
        limit: String,
    },
    /// The inputs make sense one by one, but together there is no finite answer.
    #[error("{field}: no finite answer, {why}")]
    NoAnswer {
        /// The input that would have to change first.
        field: String,
        /// Why there is none.
        why: String,
    },
}

impl InsightError {
    /// Names the input at fault.
    pub fn field(&self) -> &str {
        match self {
            Self::BadInput { field, .. } | Self::TooLarge { field, .. } | Self::NoAnswer { field, .. } => {
                field
            }
        }
    }
}

pub(crate) type Checked<T> = Result<T, InsightError>;

pub(crate) fn bad<T>(field: impl Into<String>, problem: impl Into<String>) -> Checked<T> {
    Err(InsightError::BadInput { field: field.into(), problem: problem.into() })
}

pub(crate) fn too_large<T>(field: impl Into<String>, limit: impl Into<String>) -> Checked<T> {
    Err(InsightError::TooLarge { field: field.into(), limit: limit.into() })
}

pub(crate) fn no_answer<T>(field: impl Into<String>, why: impl Into<String>) -> Checked<T> {
    Err(InsightError::NoAnswer { field: field.into(), why: why.into() })
}

/// Any finite number.
pub(crate) fn finite(field: &str, x: f64) -> Checked<()> {
    if !x.is_finite() {
        return bad(field, format!("must be a finite number, got {x}"));
    }
    if x.abs() > LARGEST {
        return bad(field, format!("must lie between -{LARGEST:e} and {LARGEST:e}, got {x:e}"));
    }
    Ok(())
}

pub(crate) fn positive(field: &str, x: f64) -> Checked<()> {
    finite(field, x)?;
    if x <= 0.0 {
        return bad(field, format!("must be greater than zero, got {x}"));
    }
    if x < SMALLEST {
        return bad(field, format!("must be at least {SMALLEST:e}, got {x:e}"));
    }
    Ok(())
}

/// Zero or a positive number; never a denormal, which would overflow as a divisor.
pub(crate) fn not_negative(field: &str, x: f64) -> Checked<()> {
    finite(field, x)?;
    if x < 0.0 {
        return bad(field, format!("must not be negative, got {x}"));
    }
    if x == 0.0 { Ok(()) } else { positive(field, x) }
}

/// A share, ends included.
pub(crate) fn share(field: &str, x: f64) -> Checked<()> {
    not_negative(field, x)?;
    if x > 1.0 { bad(field, format!("must lie between 0 and 1, got {x}")) } else { Ok(()) }
}

/// A probability level, ends left out.
pub(crate) fn level(field: &str, x: f64) -> Checked<()> {
    finite(field, x)?;
    if !(SMALLEST..=1.0 - SMALLEST).contains(&x) {
        return bad(field, format!("must lie strictly between 0 and 1, got {x}"));
    }
    Ok(())
}

pub(crate) fn whole(field: &str, x: i64, least: i64, most: i64) -> Checked<()> {
    if x < least || x > most {
        return bad(field, format!("must be a whole number from {least} to {most}, got {x}"));
    }
    Ok(())
}

pub(crate) fn length(field: &str, got: usize, least: usize, most: usize) -> Checked<()> {
    if got < least {
        let problem = if got == 0 {
            "must not be empty".into()
        } else {
            format!("needs at least {least} entries, got {got}")
        };
        return bad(field, problem);
    }
    if got > most { too_large(field, format!("at most {most} entries, got {got}")) } else { Ok(()) }
}

pub(crate) fn same_length(field: &str, got: usize, other: &str, want: usize) -> Checked<()> {
    if got != want {
        return bad(field, format!("must have as many entries as {other} ({want}), got {got}"));
    }
    Ok(())
}

/// Runs one check over a list, naming the entry that fails.
pub(crate) fn each<T: Copy>(field: &str, list: &[T], check: impl Fn(&str, T) -> Checked<()>) -> Checked<()> {
    list.iter().enumerate().try_for_each(|(i, &x)| check(&format!("{field}[{i}]"), x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_names_its_field() {
        let all = [
            finite("a", f64::NAN),
            finite("a", f64::INFINITY),
            finite("a", 1e13),
            positive("a", 0.0),
            positive("a", -1.0),
            positive("a", 1e-300),
            not_negative("a", -1e-9),
            not_negative("a", 1e-300),
            share("a", 1.5),
            level("a", 0.0),
            level("a", 1.0),
            whole("a", -1, 0, 9),
            length("a", 0, 1, 5),
            length("a", 9, 1, 5),
            same_length("a", 1, "b", 2),
        ];
        for refusal in all {
            let error = refusal.unwrap_err();
            assert_eq!(error.field(), "a");
            assert!(error.to_string().starts_with("a: "), "{error}");
        }
        assert_eq!(each("list", &[1.0, -1.0], positive).unwrap_err().field(), "list[1]");
    }
}
