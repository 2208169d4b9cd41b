//! What happened to one order, found in the ledger.
//!
//! Nothing is indexed by order: an index would cost every order a row more at the moment it is placed, for a question that is
//! asked once in a thousand orders. The ledger is in the order of time, so the walk begins where the order was placed, which is
//! found by halving, and looks at so many entries at most.

use ledger::{EventRow, Read, StoreError};
use model::{id::TenantId, order::Order, time::Timestamp};

/// Entries read at once.
const READ: usize = 1_000;

/// The order's entries, and after which number to look further; `None`: that is all.
pub(crate) fn history(
    reader: &mut dyn Read,
    tenant: &TenantId,
    order: &Order,
    after: Option<i64>,
    look_at: usize,
) -> Result<(Vec<EventRow>, Option<i64>), StoreError> {
    let last = reader.last_event(tenant)?;
    let mut after = match after {
        Some(after) => after.clamp(0, last),
        None => placed_after(reader, tenant, order.placed_at, last)?,
    };
    let (mut found, mut looked_at) = (Vec::new(), 0);
    while after < last {
        let rows = reader.events(tenant, after, READ)?;
        let Some(newest) = rows.last().map(|row| row.seq) else { break };
        looked_at += rows.len();
        found.extend(rows.into_iter().filter(|row| row.order == Some(order.id)));
        after = newest;
        if looked_at >= look_at && after < last {
            return Ok((found, Some(after)));
        }
    }
    Ok((found, None))
}

/// The number of an entry before everything that happened from a moment on.
fn placed_after(
    reader: &mut dyn Read,
    tenant: &TenantId,
    moment: Timestamp,
    last: i64,
) -> Result<i64, StoreError> {
    let (mut low, mut high) = (0, last);
    while low < high {
        let middle = low + (high - low) / 2;
        let is_before = reader.events(tenant, middle, 1)?.first().is_some_and(|row| row.at < moment);
        if is_before {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
