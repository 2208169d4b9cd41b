//! What a shop would do over a stretch of time, by the engine's own code on a store in memory: orders, promises, moves up, cancels,
//! receipts and shipments are decided as they are in a running shop.
//!
//! Only what lies outside the shop is drawn: when customers come, what they want, how long they wait, when they lose patience,
//! how late suppliers are. Each draw is a function of seed, SKU, replication, purpose and number, so two policies meet the same
//! customers and the same suppliers (common random numbers), and the same seed gives the same bytes on any number of threads.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod anchors;
mod cash;
mod compare;
mod events;
mod input;
mod of_shop;
mod outcome;
mod run;
mod shop;

pub use compare::{Compared, Figure, Measure, compare, outcomes, sum_up};
pub use input::{Costs, Customers, Due, Goods, InputError, Reorder, Variant, World};
pub use of_shop::{Why, of_shop};
pub use outcome::Outcome;
pub use run::{SimulateError, simulate};
