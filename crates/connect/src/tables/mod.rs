//! Tables people bring: CSV files in and out.
//!
//! Every reader streams: it takes `impl Read` (plain or gzip, told by the first bytes and never by the name), finds the
//! delimiter and the columns, and yields one `Result<Row, RowError>` a row, so that a bad row is named and the good
//! ones go in. Three rules hold everywhere:
//!
//! - **Nothing is silently zero.** An empty quantity is absent, `not stocked` is its own value, −4 means four units
//!   already owed, and what cannot be read for certain is a [`RowError`].
//! - **Row numbers are the spreadsheet's.** The header is row 1; a quoted line break does not start a row; a blank row
//!   counts although it is skipped.
//! - **What we wrote, we read back unchanged**, although text cells that a spreadsheet would run as a formula leave
//!   with an apostrophe in front ([`text::guard`]).
//!
//! Rows are plain values (strings, `i64`, dates); grouping, look-ups and duplicates are the caller's.

mod cells;
mod components;
mod error;
mod header;
mod kind;
pub mod moment;
pub mod money;
pub mod online_retail;
pub mod orders;
mod plain;
pub mod prepayments;
pub mod purchases;
pub mod quantity;
mod records;
mod rows;
pub mod shopify_inventory;
pub mod shopify_products;
pub mod skus;
mod source;
pub mod stock;
pub mod supplies;
pub mod text;
pub mod woocommerce_products;
mod write;

pub use components::Component;
pub use error::{OpenError, RowError, ValueError};
pub use kind::{Kind, read_header, recognise};
pub use money::Currency;
pub use plain::Plain;
pub use quantity::Count;
pub use rows::{Notes, Rows};
pub use write::{WriteError, Writer, csv_of};
