//! What one batch works on: the loaded part of each tenant's shop, and what is still to be written of it.

use std::sync::Arc;

use ledger::{Changes, OutboxRow, QueuePart, Replay, StoreError, Timer, Work, Write};
use model::{
    Units,
    command::Contact,
    event::Event,
    id::{HoldId, LineId, OrderId, Sku, SupplyId, TenantId},
    order::Waiting,
    pool::Pool,
    state::{Shop, Touched},
    time::Timestamp,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{answer::Failure, snapshot::Snapshots};

/// Most pools of one tenant kept from batch to batch.
const POOLS_KEPT_MAX: usize = 200_000;

/// One tenant's shop as far as it is loaded, with what this batch did to it.
pub(crate) struct TenantState {
    pub(crate) shop: Shop,
    touched: Touched,
    changes: Changes,
    /// Requests answered in this batch.
    pub(crate) replays: FxHashMap<Arc<str>, Replay>,
    changed: FxHashSet<Sku>,
    locations_changed: bool,
    next_work: i64,
    left_work: bool,
}

impl TenantState {
    pub(crate) fn load(store: &mut dyn Write, tenant: &TenantId) -> Result<Self, Failure> {
        store.tenant(tenant)?.ok_or(Failure::NoTenant)?;
        let locations = store.locations(tenant)?.into_iter().map(|(id, settings)| (id, Arc::new(settings)));
        let shop = Shop { locations: Arc::new(locations.collect()), ..Shop::default() };
        let next_work = store.last_work(tenant)? + 1;
        Ok(Self {
            shop,
            touched: Touched::default(),
            changes: Changes::default(),
            replays: FxHashMap::default(),
            changed: FxHashSet::default(),
            locations_changed: false,
            next_work,
            left_work: false,
        })
    }

    /// Whether work was left behind in this batch.
    pub(crate) fn left_work(&self) -> bool {
        self.left_work
    }

    /// Publishes what a commit made true, and lets go of what only this batch needed.
    pub(crate) fn committed(&mut self, tenant: &TenantId, snapshots: &Snapshots) {
        let pools = self.changed.drain().filter_map(|sku| self.shop.pools.get(&sku).cloned());
        snapshots.publish(tenant, pools);
        if std::mem::take(&mut self.locations_changed) {
            snapshots.publish_locations(tenant, Arc::clone(&self.shop.locations));
        }
        self.shop.orders.clear();
        self.shop.holds.clear();
        self.replays.clear();
        self.left_work = false;
        if self.shop.pools.len() > POOLS_KEPT_MAX {
            self.shop.pools.clear();
        }
    }
}

/// One tenant's state together with the writer it is loaded from and written to.
pub(crate) struct Working<'a> {
    pub(crate) store: &'a mut dyn Write,
    pub(crate) tenant: &'a TenantId,
    pub(crate) state: &'a mut TenantState,
}

impl Working<'_> {
    pub(crate) fn shop(&self) -> &Shop {
        &self.state.shop
    }

    /// Does what events say.
    pub(crate) fn apply(&mut self, now: Timestamp, events: Vec<Event>) -> Result<(), Failure> {
        for event in events {
            self.note_timers(&event);
            let TenantState { shop, touched, .. } = &mut *self.state;
            shop.apply(&event, touched).map_err(|error| Failure::Defect(error.to_string().into()))?;
            self.state.changes.events.push((now, event));
        }
        Ok(())
    }

    /// A hold's timer comes and goes with it.
    fn note_timers(&mut self, event: &Event) {
        let gone = match event {
            Event::HoldPlaced(hold) => {
                self.state.changes.timers.push((hold.expires_at, Timer::HoldExpires(hold.id)));
                None
            }
            Event::HoldReleased(gone) | Event::HoldExpired(gone) => Some(gone.hold),
            Event::OrderPlaced(placed) => placed.hold,
            _ => None,
        };
        if let Some(hold) = gone.and_then(|id| self.state.shop.holds.get(&id)) {
            let timer = (hold.expires_at, Timer::HoldExpires(hold.id));
            // Set and gone in one batch: it need not be written at all, but a later delete must win.
            self.state.changes.timers.retain(|set| *set != timer);
            self.state.changes.timers_gone.push(timer);
        }
    }

    /// Loads pools that are not loaded, and the components of kits among them.
    pub(crate) fn load_pools<'s>(&mut self, skus: impl Iterator<Item = &'s Sku>) -> Result<(), Failure> {
        let mut missing: Vec<Sku> =
            skus.filter(|sku| !self.state.shop.pools.contains_key(*sku)).cloned().collect();
        if missing.is_empty() {
            return Ok(());
        }
        missing.sort_unstable();
        missing.dedup();
        let loaded = self.store.pools(self.tenant, &missing)?;
        let components: Vec<Sku> =
            loaded.iter().flat_map(|pool| &pool.item.components).map(|part| part.sku.clone()).collect();
        self.state.shop.pools.extend(loaded.into_iter().map(|pool| (pool.sku().clone(), Arc::new(pool))));
        // A kit's components are no kits, so this goes one level down and no further.
        self.load_pools(components.iter())
    }

    pub(crate) fn pool(&self, sku: &Sku) -> Option<&Pool> {
        self.state.shop.pool(sku)
    }

    /// Loads orders that are not loaded, with every pool that their dates depend on.
    pub(crate) fn load_orders(&mut self, ids: &[OrderId]) -> Result<(), Failure> {
        let missing: Vec<OrderId> =
            ids.iter().filter(|id| !self.state.shop.orders.contains_key(id)).copied().collect();
        if !missing.is_empty() {
            // Orders placed earlier in this batch are loaded already, so what is not here is in the store.
            let loaded = self.store.orders(self.tenant, &missing)?;
            self.state.shop.orders.extend(loaded.into_iter().map(|order| (order.id, Arc::new(order))));
        }
        let orders: Vec<_> = ids.iter().filter_map(|id| self.state.shop.orders.get(id).cloned()).collect();
        let lines = || orders.iter().flat_map(|order| &order.lines);
        let pegged = lines().flat_map(|line| &line.pegs).map(|peg| &peg.sku);
        self.load_pools(lines().map(|line| &line.sku).chain(pegged))
    }

    /// Loads a hold with its pools, if it still holds something.
    pub(crate) fn load_hold(&mut self, id: HoldId) -> Result<(), Failure> {
        if !self.state.shop.holds.contains_key(&id) {
            // A hold that went in this batch is still in the store until that is written.
            self.flush()?;
            for hold in self.store.holds(self.tenant, &[id])? {
                self.state.shop.holds.insert(hold.id, Arc::new(hold));
            }
        }
        let Some(hold) = self.state.shop.holds.get(&id).cloned() else { return Ok(()) };
        let pegged = hold.lines.iter().flat_map(|line| &line.pegs).map(|peg| &peg.sku);
        self.load_pools(hold.lines.iter().map(|line| &line.sku).chain(pegged))
    }

    /// Reads lines of a supply's queue until they cover so many units, at most `rows_max` of them.
    pub(crate) fn queue(
        &mut self,
        supply: SupplyId,
        part: QueuePart,
        units: Units,
        rows_max: usize,
    ) -> Result<Vec<Waiting>, Failure> {
        const PAGE: usize = 128;
        self.flush()?;
        let mut rows: Vec<Waiting> = Vec::new();
        let mut covered = 0;
        while covered < units && rows.len() < rows_max {
            let limit = PAGE.min(rows_max - rows.len());
            let after = rows.last().map(|row| row.line);
            let page = self.store.queue(self.tenant, supply, part, after, limit)?;
            let full = page.len() == limit;
            covered += page.iter().map(|row| row.quantity).sum::<Units>();
            rows.extend(page);
            if !full {
                break;
            }
        }
        Ok(rows)
    }

    /// Keeps who ordered, and the message that says thank you.
    pub(crate) fn note_order(&mut self, now: Timestamp, order: OrderId, contact: &Contact) {
        if contact.is_empty() {
            return;
        }
        if contact.email.is_some() {
            let kind = "order_confirmation".into();
            self.state.changes.outbox.push(OutboxRow { seq: 0, at: now, kind, order });
        }
        self.state.changes.contacts.push((order, contact.clone()));
    }

    /// Keeps an answer for the same request sent again.
    pub(crate) fn note_replay(&mut self, replay: Replay) {
        self.state.replays.insert(Arc::clone(&replay.key), replay.clone());
        self.state.changes.replays.push(replay);
    }

    /// Leaves work for later; answers its number.
    pub(crate) fn add_work(&mut self, kind: &str, state: String) -> i64 {
        let id = self.state.next_work;
        self.state.next_work += 1;
        self.state.left_work = true;
        self.put_work(id, kind, state);
        id
    }

    pub(crate) fn put_work(&mut self, id: i64, kind: &str, state: String) {
        self.state.changes.work.push(Work { id, kind: kind.into(), state: state.into() });
    }

    pub(crate) fn end_work(&mut self, id: i64) {
        self.state.changes.work.retain(|work| work.id != id);
        self.state.changes.work_gone.push(id);
    }

    /// A timer that was worked though its hold is gone.
    pub(crate) fn drop_timer(&mut self, at: Timestamp, timer: Timer) {
        self.state.changes.timers_gone.push((at, timer));
    }

    /// Writes what changed since the last flush, so that reads see it. Nothing is durable before the commit.
    pub(crate) fn flush(&mut self) -> Result<(), StoreError> {
        let touched = std::mem::take(&mut self.state.touched);
        let mut changes = std::mem::take(&mut self.state.changes);
        if changes.events.is_empty()
            && changes.replays.is_empty()
            && changes.work.is_empty()
            && changes.work_gone.is_empty()
            && changes.timers_gone.is_empty()
        {
            return Ok(());
        }
        self.state.collect(touched, &mut changes);
        self.store.write(self.tenant, &changes)
    }
}

impl TenantState {
    /// Turns what events touched into rows.
    fn collect(&mut self, touched: Touched, changes: &mut Changes) {
        let shop = &mut self.shop;
        for id in unique(touched.locations) {
            if let Some(settings) = shop.locations.get(&id) {
                changes.locations.push((id, Arc::clone(settings)));
                self.locations_changed = true;
            }
        }
        for (sku, channel) in unique(touched.policies) {
            let policy = shop.pool(&sku).and_then(|pool| pool.policy_set(&channel)).cloned();
            changes.policies.extend(policy.map(|policy| (sku, channel, policy)));
        }
        changes.supplies.extend(touched.closed.into_iter().map(Arc::new));
        for (sku, id) in unique(touched.supplies) {
            // Not there any more: it was closed since, and stands among those.
            changes.supplies.extend(shop.pool(&sku).and_then(|pool| pool.supply(id)).cloned());
        }
        let placed: FxHashSet<OrderId> = touched.placed.iter().copied().collect();
        changes.orders.extend(touched.placed.iter().filter_map(|id| shop.orders.get(id).cloned()));
        for id in unique(touched.lines).into_iter().filter(|id| !placed.contains(&id.order)) {
            let line = shop.orders.get(&id.order).and_then(|order| order.line(id.no)).cloned();
            changes.lines.extend(line.map(|line| (id.order, line)));
        }
        for (id, supply) in unique(touched.pegs).into_iter().filter(|(id, _)| !placed.contains(&id.order)) {
            let Some(order) = shop.orders.get(&id.order) else { continue };
            let pegs = order.line(id.no).map_or(&[][..], |line| &line.pegs);
            let peg = pegs.iter().find(|peg| peg.supply == supply).cloned();
            // A peg that is gone is written with no units: the store deletes it, and asks no more than its key.
            let peg = peg.unwrap_or_else(|| no_peg(order, id, supply));
            changes.pegs.push((id, order.requested_date, peg));
        }
        for (id, version) in touched.promises {
            let line = shop.orders.get(&id.order).and_then(|order| order.line(id.no));
            let promise = line.and_then(|line| line.promises.iter().find(|p| p.version == version));
            changes.promises.extend(promise.map(|promise| (id, promise.clone())));
        }
        changes.holds.extend(touched.holds_placed.iter().filter_map(|id| shop.holds.get(id).cloned()));
        changes.holds_gone.extend(touched.holds_gone);
        for sku in unique(touched.pools.into_iter().chain(touched.items).collect()) {
            let Some(pool) = shop.pools.get_mut(&sku).map(Arc::make_mut) else { continue };
            changes.pools.push((Arc::clone(&pool.item), pool.version, pool.settling));
            pool.version += 1;
            self.changed.insert(sku);
        }
    }
}

fn no_peg(order: &model::order::Order, id: LineId, supply: SupplyId) -> model::order::Peg {
    let sku = order.line(id.no).map(|line| line.sku.clone());
    model::order::Peg { sku: sku.unwrap_or_else(|| Sku::stored("")), supply, quantity: 0 }
}

fn unique<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort_unstable();
    list.dedup();
    list
}
