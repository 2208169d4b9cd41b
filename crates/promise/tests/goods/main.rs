//! The core on whole shops: each test is named for what a merchant may rely on.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is the failure of the test")]

mod at_random;
mod dates;
mod fences;
mod fulfilment;
mod holds;
mod kits;
mod orders;
mod policies;
mod queues;
mod receipts;
mod settings;
mod shipping;
mod supplies;
mod year;

use model::{
    Units,
    refusal::{Refusal, RefusalCode, Rejection},
};

/// The refusal's code and the units that could be had instead.
fn refused<T: std::fmt::Debug>(answer: Result<T, Rejection>) -> (RefusalCode, Option<Units>) {
    match answer {
        Err(Rejection::Refused(Refusal { code, available, .. })) => (code, available),
        other => panic!("not refused: {other:?}"),
    }
}

/// The code of the first field error.
fn invalid<T: std::fmt::Debug>(answer: Result<T, Rejection>) -> String {
    match answer {
        Err(Rejection::Invalid(errors)) => errors[0].code.to_string(),
        other => panic!("not invalid: {other:?}"),
    }
}

/// Parts as [`testkit::core::CoreShop::parts`] gives them.
fn parts(expected: &[(Units, &str)]) -> Vec<(Units, Option<String>)> {
    expected.iter().map(|(units, on)| (*units, (*on != "?").then(|| (*on).to_owned()))).collect()
}
