//! `/v1/orders`: what was ordered, and what was promised for it.

pub(crate) mod batch;
pub(crate) mod cancel;
pub(crate) mod change;
pub(crate) mod evidence;
pub(crate) mod history;
mod out;
pub(crate) mod payments;
pub(crate) mod place;
pub(crate) mod promises;
mod proof;
pub(crate) mod read;
pub(crate) mod refunds;

use out::OrderOut;
