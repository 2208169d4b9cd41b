//! HTTP: the API of a shop's systems, and the pages that people look at.
//!
//! One file an endpoint. A handler reads its input, asks the engine or a snapshot, and answers; it decides nothing.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod api;
pub mod app;
pub mod automatic;
pub mod hooks;
pub mod import;
mod keys;
pub mod link;
pub mod mail;
pub mod pages;
mod parcels;
pub mod payments;
mod serve;
pub mod staff;
pub mod traces;
pub mod views;
mod worker;

pub use api::openapi;
pub use app::{App, Clock};
pub use serve::{router, serve, serve_draining};
