//! What can go to fulfilment.

use std::{collections::BTreeSet, sync::Arc};

use model::id::{LineId, LocationId, Sku};

use super::tables::Rows;
use crate::Allocated;

impl Rows {
    pub(super) fn allocated(&self, location: &LocationId, skus: Option<&BTreeSet<Sku>>) -> Vec<Allocated> {
        let is_there = |supply| {
            let supply = self.supplies.get(&supply);
            supply.is_some_and(|supply| supply.is_on_hand() && supply.location == *location)
        };
        let mut found = Vec::new();
        for (id, order) in self.orders.all() {
            for line in order.lines.iter().filter(|line| skus.is_none_or(|skus| skus.contains(&line.sku))) {
                let told_ship_by = line.told().and_then(|told| told.ship_by.promised);
                let line_id = LineId { order: *id, no: line.no };
                let pegs = line.pegs.iter().filter(|peg| line.released_on(peg.supply) < peg.quantity);
                let there = pegs.filter(|peg| is_there(peg.supply));
                found.extend(there.map(|_| Allocated { line: line_id, told_ship_by }));
            }
        }
        found
    }

    pub(super) fn handed_over(&self, location: &LocationId) -> Vec<Allocated> {
        let mut found = Vec::new();
        for (id, order) in self.orders.all() {
            for line in &order.lines {
                let told_ship_by = line.told().and_then(|told| told.ship_by.promised);
                let is_there = |supply| {
                    let supply = self.supplies.get(&supply);
                    supply.is_some_and(|supply| supply.is_on_hand() && supply.location == *location)
                };
                let there =
                    line.pegs.iter().filter(|peg| line.released_on(peg.supply) > 0 && is_there(peg.supply));
                let line = LineId { order: *id, no: line.no };
                found.extend(there.map(|_| Allocated { line, told_ship_by }));
            }
        }
        found
    }

    pub(super) fn tagged(&self, tags: &[Arc<str>]) -> BTreeSet<Sku> {
        let pools = self.pools.all();
        let tagged = pools.filter(|(_, pool)| pool.item.tags.iter().any(|tag| tags.contains(tag)));
        tagged.map(|(sku, _)| sku.clone()).collect()
    }
}
