//! Rules, runs and packing, by what a merchant may rely on.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is the failure of the test")]

mod at_random;
mod judge;
mod packing;
mod pools;
mod reference_cases;
mod rules;
mod strategies;
