//! From what events touched to the rows that say so.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use model::{
    id::{LineId, OrderId, SupplyId},
    order::Order,
    state::{Inconsistent, Shop, Touched},
};

use crate::{ChangedOrder, Changes, StoreError};

impl Changes {
    /// Adds every row that events touched, as it stands in the shop they were applied to.
    ///
    /// Each row is written once, however often it was touched; an order placed among them is written whole. Pools carry the
    /// version they were loaded with. What the ledger does not hold (events, contacts, timers and the like) is the
    /// caller's to add. Errors: `Inconsistent` where the shop lacks something that was touched.
    pub fn collect(&mut self, shop: &Shop, touched: Touched) -> Result<(), StoreError> {
        for id in unique(touched.locations) {
            let settings = shop.locations.get(&id).cloned();
            self.locations.extend(settings.map(|settings| (id, settings)));
        }
        for sku in unique(touched.pools) {
            let pool = shop.pool(&sku).ok_or(Inconsistent::NoPool(sku))?;
            self.pools.push((Arc::clone(&pool.item), pool.version, pool.settling));
        }
        for (sku, channel) in unique(touched.policies) {
            let policy = shop.pool(&sku).and_then(|pool| pool.policy_set(&channel)).cloned();
            self.policies.extend(policy.map(|policy| (sku, channel, policy)));
        }
        // Closed first: a supply that was opened again since is written as it is now.
        self.supplies.extend(touched.closed.into_iter().map(Arc::new));
        for (sku, id) in unique(touched.supplies) {
            self.supplies.extend(shop.pool(&sku).and_then(|pool| pool.supply(id)).cloned());
        }
        for id in unique(touched.holds_placed) {
            // Placed and gone between two commits leaves nothing.
            self.holds.extend(shop.holds.get(&id).cloned());
        }
        self.holds_gone.extend(unique(touched.holds_gone));
        for key in unique(touched.records) {
            self.records.extend(shop.records.get(&key).cloned());
        }
        self.collect_orders(shop, unique(touched.placed), touched.lines, touched.pegs, touched.promises)
    }

    fn collect_orders(
        &mut self,
        shop: &Shop,
        placed: Vec<OrderId>,
        lines: Vec<LineId>,
        pegs: Vec<(LineId, SupplyId)>,
        promises: Vec<(LineId, u32)>,
    ) -> Result<(), StoreError> {
        let mut changed: BTreeMap<OrderId, ChangedOrder> = BTreeMap::new();
        for id in unique(lines) {
            if let Some(change) = change(&mut changed, shop, &placed, id.order)? {
                change.lines.push(id.no);
            }
        }
        for (id, supply) in unique(pegs) {
            if let Some(change) = change(&mut changed, shop, &placed, id.order)? {
                change.lines.push(id.no);
                change.pegs.push((id.no, supply));
            }
        }
        for (id, version) in unique(promises) {
            let Some(change) = change(&mut changed, shop, &placed, id.order)? else { continue };
            let line = change.order.line(id.no).ok_or(Inconsistent::NoLine(id))?;
            // A promise that nobody was told changes no queue.
            if line.promises.iter().any(|promise| promise.version == version && promise.told_at.is_some()) {
                change.lines.push(id.no);
            }
        }
        for mut change in changed.into_values() {
            change.lines.sort_unstable();
            change.lines.dedup();
            self.changed.push(change);
        }
        for id in placed {
            self.orders.push(Arc::clone(order(shop, id)?));
        }
        Ok(())
    }
}

/// What changed of an order, unless it is placed in the same commit and so written whole.
fn change<'c>(
    changed: &'c mut BTreeMap<OrderId, ChangedOrder>,
    shop: &Shop,
    placed: &[OrderId],
    id: OrderId,
) -> Result<Option<&'c mut ChangedOrder>, StoreError> {
    if placed.binary_search(&id).is_ok() {
        return Ok(None);
    }
    Ok(Some(match changed.entry(id) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => {
            let order = Arc::clone(order(shop, id)?);
            new.insert(ChangedOrder { order, lines: Vec::new(), pegs: Vec::new() })
        }
    }))
}

fn unique<T: Ord>(mut touched: Vec<T>) -> Vec<T> {
    touched.sort_unstable();
    touched.dedup();
    touched
}

fn order(shop: &Shop, id: OrderId) -> Result<&Arc<Order>, Inconsistent> {
    shop.orders.get(&id).ok_or(Inconsistent::NoOrder(id))
}
