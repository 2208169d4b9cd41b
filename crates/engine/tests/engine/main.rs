//! The engine on a store of its own: what goes on by itself, also over a stop.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is the failure of the test")]

mod fenced;
mod housekeeping;
mod lanes;
mod nodes;
mod notices;
mod outages;
mod preview;
mod simulated;
mod skew;
mod slow;
mod together;
mod tried;
mod world;
