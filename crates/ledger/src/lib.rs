//! Storage: what is written together, what can be read, and the engines that do it.
//!
//! One trait, one folder an engine. An engine knows rows, not rules: what to write is decided elsewhere, and the
//! same conformance suite judges every engine. Calls block; whoever calls runs on a thread of its own.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod audit;
mod backlog;
mod body;
mod cells;
mod collect;
mod error;
mod key;
pub mod memory;
mod migrations;
pub mod postgres;
mod rows;
pub mod sqlite;
mod store;
mod stored;
pub mod transfer;
pub mod verify;

pub use audit::Audit;
pub use backlog::{ArrivalDay, Backlog, BacklogSku, BacklogSupply};
pub use error::StoreError;
pub use key::key_mark;
pub use rows::*;
pub use store::{Committed, Elsewhere, Flush, Pending, Read, Standing, Store, Watch, Write};
