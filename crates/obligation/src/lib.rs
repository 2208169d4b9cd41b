//! What a promise makes us owe: legal clocks, payments, notices, consents, refunds.
//!
//! Pure: every function takes what is known and the time, and answers with what follows. No clock, I/O or randomness.
//!
//! [`legal`] reads the rules of distance selling as an engineer does. It is a tool, not legal advice: have counsel read
//! your notices, terms and settings.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod holidays;
pub mod legal;
pub mod notice;
pub mod payment;
pub mod sale;
