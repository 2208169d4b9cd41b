//! What happened to one order, found in the ledger.
//!
//! Nothing is indexed by order: an index would cost every order a row more at the moment it is placed, for a question that is
//! asked once in a thousand orders. The ledger is in the order of time, so the walk begins where the order was placed, which is
//! found by halving, and looks at so many entries at most.

use std::{collections::BTreeMap, sync::Arc};

use ledger::{EventRow, Read, StoreError};
use model::{id::TenantId, order::Order, time::Timestamp};
use serde::Deserialize;

/// Entries read at once.
const READ: usize = 1_000;

/// What was found.
pub(crate) struct Found {
    /// The order's entries.
    pub(crate) entries: Vec<EventRow>,
    /// Which of them one of the shop's people made, by number: how the ledger names that account.
    pub(crate) by: BTreeMap<i64, Arc<str>>,
    /// After which number to look further; `None`: that is all.
    pub(crate) further: Option<i64>,
}

/// Says who made the entries before it.
#[derive(Deserialize)]
struct By {
    by: Arc<str>,
    entries: i64,
}

/// Who made which entries, if an entry says so: the first and the last of them, and the account.
fn by(row: &EventRow) -> Option<(i64, i64, Arc<str>)> {
    #[derive(Deserialize)]
    struct Said {
        data: By,
    }
    if &*row.kind != "records_set" || !row.data.contains("\"entries\"") {
        return None;
    }
    let By { by, entries } = serde_json::from_str::<Said>(&row.data).ok()?.data;
    Some((row.seq.saturating_sub(entries), row.seq - 1, by))
}

/// Looks for what happened to an order.
pub(crate) fn history(
    reader: &mut dyn Read,
    tenant: &TenantId,
    order: &Order,
    after: Option<i64>,
    look_at: usize,
) -> Result<Found, StoreError> {
    let last = reader.last_event(tenant)?;
    let mut after = match after {
        Some(after) => after.clamp(0, last),
        None => placed_after(reader, tenant, order.placed_at, last)?,
    };
    let mut found = Found { entries: Vec::new(), by: BTreeMap::new(), further: None };
    let mut looked_at = 0;
    while after < last {
        let rows = reader.events(tenant, after, READ)?;
        let Some(newest) = rows.last().map(|row| row.seq) else { break };
        looked_at += rows.len();
        for row in rows {
            if let Some((first, last, who)) = by(&row) {
                let theirs = found.entries.iter().rev().map(|entry| entry.seq);
                let theirs: Vec<i64> =
                    theirs.skip_while(|seq| *seq > last).take_while(|seq| *seq >= first).collect();
                found.by.extend(theirs.into_iter().map(|seq| (seq, Arc::clone(&who))));
            }
            if row.order == Some(order.id) {
                found.entries.push(row);
            }
        }
        after = newest;
        if looked_at >= look_at && after < last {
            found.further = Some(after);
            break;
        }
    }
    Ok(found)
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
