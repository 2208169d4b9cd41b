//! Counting what a tenant owes, in one pass over its open lines.

use std::collections::BTreeSet;

use model::{id::OrderId, time::Date};
use rustc_hash::FxHashMap;

use super::tables::Rows;
use crate::{Backlog, StoreError, backlog::Counting, cells::days};

pub(super) fn backlog(rows: &Rows, today: Date) -> Result<Backlog, StoreError> {
    let waiting: BTreeSet<OrderId> = rows.lines.all().map(|((_, line), _)| line.order).collect();
    let mut counting = Counting::before(days(Some(today)).unwrap_or(i64::MIN));
    let mut pools = FxHashMap::default();
    for order in waiting.iter().filter_map(|id| rows.orders.get(id)) {
        for line in &order.lines {
            counting.line(order.id, line)?;
            pools.extend(line.pegs.iter().map(|peg| (peg.supply, peg.sku.clone())));
        }
    }
    counting.end(&pools)
}
