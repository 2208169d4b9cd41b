//! What proves that a shopper's page asks for its own order.
//!
//! An order's id is a time and a counter, and a publishable key stands in the shop's pages: whoever has the key could guess
//! the ids of others. The token in the order's `status_url` cannot be guessed, and only who placed the order was given it.

use model::{id::OrderId, time::Timestamp};

use crate::{
    api::{auth::Caller, params::Params, problem::Problem, state::Api},
    link,
};

/// Refuses an order that a publishable key has no token for, as if it were not there. Staff need none.
///
/// Errors: also a parameter that is none of this call's.
pub(super) fn check(
    api: &Api,
    caller: &Caller,
    order: OrderId,
    mut params: Params,
    now: Timestamp,
) -> Result<(), Problem> {
    let token = params.text("token");
    params.finish()?;
    if caller.publishable.is_none() {
        return Ok(());
    }
    let proven = token.and_then(|token| link::read(&api.app.secret, &token, now));
    let is_it = |(tenant, proven)| tenant == caller.tenant && proven == order;
    if proven.is_some_and(is_it) { Ok(()) } else { Err(Problem::not_found("order", order)) }
}
