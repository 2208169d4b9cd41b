//! Money moved through the real connector: against localstripe, behind a proxy that is as strict as Stripe is where localstripe is not.
#![allow(clippy::unwrap_used)]

mod client;
mod local;
#[path = "../api/meets.rs"]
#[allow(dead_code)]
mod meets;
mod proxy;
mod stories;
#[path = "../api/world.rs"]
#[allow(dead_code)]
mod world;
