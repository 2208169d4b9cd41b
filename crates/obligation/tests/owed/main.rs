//! What is owed, told from outside the crate.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is the failure of the test")]

mod clock;
mod europe;
mod ledgers;
mod notices;
mod payment_trouble;
mod payments;
mod several_laws;
mod story;
mod united_states;
