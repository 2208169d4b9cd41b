//! The API through HTTP: the whole server on a store in a directory of its own, with a clock that the tests set.
#![allow(clippy::unwrap_used)]

mod advice;
mod allocation;
mod auth;
mod automatic;
mod bank;
mod described;
mod evidence;
mod fulfilment;
mod hooks;
mod idempotency;
mod insights;
mod lateness;
mod lists;
mod malformed;
mod meets;
mod messages;
mod money_year;
mod notices;
mod offers;
mod packing;
mod payments;
mod previews;
mod privacy;
mod provider;
mod purchasing;
mod receipts;
mod risk;
mod runs;
mod serving;
mod shortfalls;
mod stock_moves;
mod stories;
mod tenants;
mod waitlist;
mod world;
