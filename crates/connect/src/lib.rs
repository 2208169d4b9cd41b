//! The outside world: what other systems send us and what we send them, one folder a remote.
//!
//! - [`bounce`]: reports of mail that came back.
//! - [`collector`], which takes traces.
//! - [`pdf`]: pages to print and to send.
//! - [`payments`]: the seam to providers of payments; [`stripe`] is one.
//! - [`smtp`], which is mail.
//! - [`tables`]: the CSV files people bring and take away (their own lists, Shopify's and WooCommerce's exports).
//! - [`webhook`]: what others are told.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod bounce;
pub mod collector;
pub mod payments;
pub mod pdf;
pub mod smtp;
pub mod stripe;
pub mod tables;
mod tls;
pub mod webhook;
