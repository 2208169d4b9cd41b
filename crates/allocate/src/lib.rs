//! Who gets which goods when there are too few of them, or when they come later than was thought.
//!
//! - [`rule`]: in which order the lines of a pool are served.
//! - [`plan`]: re-allocates a pool under a rule, and says for every line what it had, what it gets and why.
//! - [`pack`]: which orders to ship complete from what there is.
//! - [`share`]: one quantity shared among many, in proportion or evenly.
//!
//! Pure: plain data in, plain data out; nothing is changed anywhere. Whole numbers only, so the same input gives the
//! same answer on every machine. docs/theory/allocation.md says what each rule and strategy means, with examples.
#![cfg_attr(test, allow(clippy::unwrap_used))]
#![warn(clippy::float_arithmetic)]

pub mod pack;
pub mod plan;
pub mod pool;
mod room;
pub mod rule;
pub mod share;
mod timetable;
