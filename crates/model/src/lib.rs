//! The words of Shipwhen: what is sold, what supplies it, what was ordered and what was promised.
//!
//! Plain values with their checks, no decisions: a decision reads these, answers with [`event::Event`]s, and
//! [`state`] says what each event does to what is kept. No clock, randomness or I/O in here.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod advice;
pub mod allocation;
pub mod calendar;
pub mod cash;
pub mod command;
pub mod errand;
pub mod event;
pub mod id;
pub mod item;
pub mod lateness;
pub mod limits;
pub mod location;
pub mod message;
pub mod money;
pub mod order;
pub mod parcel;
pub mod pool;
pub mod purchasing;
pub mod question;
pub mod receipt;
pub mod record;
pub mod refusal;
pub mod run;
pub mod shortfall;
pub mod state;
pub mod supply;
pub mod talk;
pub mod time;
pub mod transit;
pub mod view;
pub mod views;
pub mod waitlist;
pub mod webhook;

/// A count of stock-keeping units.
///
/// [`limits`] bounds every number that enters (a line to a million, a supply to a thousand million), so sums over
/// all supplies of a pool stay far inside `i64` and need no checks.
pub type Units = i64;
