//! What the tests of Shipwhen are made of: a shop in memory around the pure core, a judge that follows it unit by unit,
//! and shops at random.

pub mod ask;
pub mod core;
pub mod judge;
pub mod postgres;
pub mod random;
#[cfg(feature = "simulation")]
pub mod simulation;
pub mod tool;
pub mod way;
