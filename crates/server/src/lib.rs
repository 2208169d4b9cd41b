//! HTTP: the API of a shop's systems, and the pages that people look at.
//!
//! One file an endpoint. A handler reads its input, asks the engine or a snapshot, and answers; it decides nothing.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod app;

pub use app::{App, Clock};
