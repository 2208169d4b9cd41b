//! What every engine must do. Each function gets an empty database.

pub(crate) mod checker;
pub(crate) mod rows;
