//! Forecast, lead-time learning, sell-as advice, production runs, cash flow, simulation. Floats live here only.
//!
//! Pure: every function takes a typed input, checks it, and returns its answer or names the field at fault. No clock, and no
//! randomness but from fixed seeds: what others sample is computed exactly here where it can be, and the same input gives the
//! same bytes. Models that learn take a [`table::Table`], which the shell has read.
//! [`calc::calc`] answers the same functions by name, from JSON.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod advice;
pub mod advisor;
pub mod allocation;
pub mod atp;
pub mod backorder;
pub mod boost;
mod branch;
pub mod calc;
mod calibrate;
pub mod cash;
pub mod cash_ahead;
pub mod censored;
pub mod cox;
pub mod delivery;
pub mod demand;
mod dist;
mod error;
pub mod intermittent;
pub mod lead_time;
pub mod lot_sizing;
pub mod metrics;
pub mod newsvendor;
pub mod order_promising;
pub mod order_up_to;
pub mod output_analysis;
pub mod parse;
pub mod partial_backorder;
pub mod preorder;
pub mod purchase;
pub mod queue;
pub mod random;
pub mod reorder_point;
pub mod risk;
pub mod scoring;
pub mod ship_complete;
mod simplex;
pub mod special;
mod stock_cost;
pub mod survival;
pub mod table;
mod threads;
pub mod time_phased;
pub mod willemain;

pub use error::InsightError;
