//! From what events touched to the rows that say so.

use std::{collections::BTreeSet, sync::Arc};

use model::{
    id::{LineId, OrderId},
    order::{Line, Order, Peg},
    state::{Inconsistent, Shop, Touched},
};

use crate::{Changes, StoreError};

impl Changes {
    /// Adds every row that events touched, as it stands in the shop they were applied to.
    ///
    /// Each row is written once, however often it was touched; an order placed among them is written whole. Pools carry the
    /// version they were loaded with. What the ledger does not hold (events, contacts, timers and the like) is the
    /// caller's to add. Errors: `Inconsistent` where the shop lacks something that was touched.
    pub fn collect(&mut self, shop: &Shop, touched: &Touched) -> Result<(), StoreError> {
        self.collect_settings(shop, touched)?;
        self.collect_supplies(shop, touched);
        self.collect_orders(shop, touched)?;
        for id in unique(&touched.holds_placed) {
            // Placed and gone between two commits leaves nothing.
            self.holds.extend(shop.holds.get(&id).cloned());
        }
        self.holds_gone.extend(unique(&touched.holds_gone));
        Ok(())
    }

    fn collect_settings(&mut self, shop: &Shop, touched: &Touched) -> Result<(), StoreError> {
        for id in unique(&touched.locations) {
            let settings = shop.locations.get(&id).cloned();
            self.locations.extend(settings.map(|settings| (id, settings)));
        }
        for sku in unique(&touched.pools) {
            let pool = shop.pool(&sku).ok_or(Inconsistent::NoPool(sku))?;
            self.pools.push((Arc::clone(&pool.item), pool.version, pool.settling));
        }
        for (sku, channel) in unique(&touched.policies) {
            let policy = shop.pool(&sku).and_then(|pool| pool.policy_set(&channel)).cloned();
            self.policies.extend(policy.map(|policy| (sku, channel, policy)));
        }
        Ok(())
    }

    fn collect_supplies(&mut self, shop: &Shop, touched: &Touched) {
        // Closed first: a supply that was opened again since is written as it is now.
        self.supplies.extend(touched.closed.iter().cloned().map(Arc::new));
        for (sku, id) in unique(&touched.supplies) {
            self.supplies.extend(shop.pool(&sku).and_then(|pool| pool.supply(id)).cloned());
        }
    }

    fn collect_orders(&mut self, shop: &Shop, touched: &Touched) -> Result<(), StoreError> {
        let placed: BTreeSet<OrderId> = touched.placed.iter().copied().collect();
        for id in &placed {
            self.orders.push(Arc::clone(order(shop, *id)?));
        }
        for id in unique(&touched.lines) {
            if !placed.contains(&id.order) {
                self.lines.push((id.order, line(shop, id)?.clone()));
            }
        }
        for (id, supply) in unique(&touched.pegs) {
            if placed.contains(&id.order) {
                continue;
            }
            let line = line(shop, id)?;
            let peg = line.pegs.iter().find(|peg| peg.supply == supply).cloned();
            let gone = || Peg { sku: line.sku.clone(), supply, quantity: 0 };
            let requested = order(shop, id.order)?.requested_date;
            self.pegs.push((id, requested, peg.unwrap_or_else(gone)));
        }
        for (id, version) in unique(&touched.promises) {
            let promises = &line(shop, id)?.promises;
            let promise = promises.iter().find(|promise| promise.version == version);
            self.promises.extend(promise.map(|promise| (id, promise.clone())));
        }
        Ok(())
    }
}

fn unique<T: Ord + Clone>(touched: &[T]) -> BTreeSet<T> {
    touched.iter().cloned().collect()
}

fn order(shop: &Shop, id: OrderId) -> Result<&Arc<Order>, Inconsistent> {
    shop.orders.get(&id).ok_or(Inconsistent::NoOrder(id))
}

fn line(shop: &Shop, id: LineId) -> Result<&Line, Inconsistent> {
    order(shop, id.order)?.line(id.no).ok_or(Inconsistent::NoLine(id))
}
