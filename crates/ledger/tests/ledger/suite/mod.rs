//! What every engine must do. Each function gets an empty database.

pub(crate) mod backlog;
pub(crate) mod checker;
pub(crate) mod queue;
pub(crate) mod random;
pub(crate) mod rows;
pub(crate) mod shelves;
pub(crate) mod transactions;

use crate::Engine;

/// Makes an empty database.
pub(crate) type Make<'a> = dyn Fn() -> Box<dyn Engine> + 'a;
