//! Writing what one commit holds.

use std::{collections::BTreeMap, sync::Arc};

use model::{
    id::{LineId, SupplyId},
    order::{Line, Order},
    supply::{Supply, SupplyState},
    time::Timestamp,
};

use super::tables::{PoolRow, Rows, TimerKey};
use crate::{
    Changes, EventRow, Kept, Replay, StoreError, Timer, cells::wanted_on, key::digest, stored::timer_key,
};

impl Rows {
    pub(super) fn write(&mut self, changes: &Changes) -> Result<(), StoreError> {
        self.write_pools(changes)?;
        let numbers = self.write_events(changes)?;
        for (location, settings) in &changes.locations {
            self.locations.put(location.clone(), Arc::clone(settings));
        }
        for (sku, channel, policy) in &changes.policies {
            self.policies.put((sku.clone(), channel.clone()), Arc::clone(policy));
        }
        changes.supplies.iter().for_each(|supply| self.put_supply(supply));
        changes.orders.iter().for_each(|order| self.put_order(order));
        changes.changed.iter().for_each(|changed| self.put_order(&changed.order));
        for (order, contact) in &changes.contacts {
            self.contacts.put(*order, contact.clone());
        }
        for hold in &changes.holds {
            self.holds.put(hold.id, Arc::clone(hold));
        }
        changes.holds_gone.iter().for_each(|hold| self.holds.drop(hold));
        for (at, timer) in &changes.timers {
            self.timers.put(key_of(*at, timer), timer.clone());
        }
        changes.timers_gone.iter().for_each(|(at, timer)| self.timers.drop(&key_of(*at, timer)));
        for work in &changes.work {
            self.work.put(work.id, work.clone());
        }
        changes.work_gone.iter().for_each(|work| self.work.drop(work));
        self.write_records(changes);
        changes.replays.iter().try_for_each(|replay| self.write_replay(replay, &numbers))
    }

    fn write_pools(&mut self, changes: &Changes) -> Result<(), StoreError> {
        // A pool that stands twice counts up once, as the last one says.
        let pools: BTreeMap<_, _> = changes.pools.iter().map(|pool| (&pool.0.sku, pool)).collect();
        for (sku, (item, version, settling)) in pools {
            if self.pools.get(sku).map_or(0, |pool| pool.version) != *version {
                return Err(StoreError::Conflict);
            }
            let row = PoolRow { item: Arc::clone(item), version: version + 1, settling: *settling };
            self.pools.put(sku.clone(), row);
        }
        Ok(())
    }

    /// Writes the ledger; answers the number of each entry.
    fn write_events(&mut self, changes: &Changes) -> Result<Vec<i64>, StoreError> {
        let mut numbers = Vec::with_capacity(changes.events.len());
        for (nth, (at, event)) in changes.events.iter().enumerate() {
            let failed = |error| StoreError::driver("wrote the ledger", error);
            let data = match changes.texts.event(nth) {
                Some(text) => String::from_utf8(text.to_vec())
                    .map_err(|error| StoreError::driver("wrote the ledger", error))?,
                None => event.data().map_err(failed)?,
            };
            let seq = self.last_event() + 1;
            let (sku, order) = (event.sku().cloned(), event.order());
            let row = EventRow { seq, at: *at, kind: event.kind().into(), sku, order, data };
            self.events.put(seq, row);
            numbers.push(seq);
        }
        Ok(numbers)
    }

    pub(super) fn last_event(&self) -> i64 {
        self.events.last().map_or(0, |(seq, _)| *seq)
    }

    fn put_supply(&mut self, supply: &Arc<Supply>) {
        let key = (supply.sku.clone(), supply.id);
        if supply.state == SupplyState::Closed {
            self.supplies_open.drop(&key);
        } else {
            self.supplies_open.put(key.clone(), ());
        }
        self.supplies_of.put(key, ());
        self.supplies.put(supply.id, Arc::clone(supply));
    }

    /// Puts an order in the place of what it was, and its pegs in their queues.
    fn put_order(&mut self, order: &Arc<Order>) {
        let before = self.orders.get(&order.id).cloned();
        if before.as_ref().is_none_or(|before| !places(before).eq(places(order))) {
            for (supply, on, line) in before.iter().flat_map(|before| places(before)) {
                self.queue.drop(&(supply, on, line));
                self.lines.drop(&(supply, line));
            }
            for (supply, on, line) in places(order) {
                self.queue.put((supply, on, line), ());
                self.lines.put((supply, line), on);
            }
        }
        let known = before.as_ref();
        if let Some(reference) = &order.reference
            && known.is_none_or(|known| known.reference != order.reference)
        {
            self.orders_by_reference.put((Arc::clone(reference), order.id), ());
        }
        if let Some(customer) = order.customer
            && known.is_none_or(|known| known.customer != order.customer)
        {
            self.orders_by_customer.put((customer, order.id), ());
        }
        self.orders.put(order.id, sorted(order));
    }

    fn write_replay(&mut self, replay: &Replay, numbers: &[i64]) -> Result<(), StoreError> {
        let kept = match &replay.kept {
            Kept::Text(text) => Kept::Text(Arc::clone(text)),
            Kept::Placed(event) => {
                let entry = usize::try_from(*event).ok().and_then(|event| numbers.get(event));
                Kept::Placed(*entry.ok_or_else(|| StoreError::inconsistent("an answer names no event"))?)
            }
        };
        let seq = self.replays.last().map_or(1, |(seq, _)| seq + 1);
        self.replay_keys.put(digest(&replay.key), seq);
        self.replays.put(seq, Replay { kept, ..replay.clone() });
        Ok(())
    }

    /// Forgets old answers, as [`crate::Write::forget_replays`] says.
    pub(super) fn forget_replays(
        &mut self,
        before_day: i32,
        after: i64,
        limit: usize,
    ) -> (usize, Option<i64>) {
        let page = self.replays.after(Some(after)).take(limit);
        let old: Vec<(i64, [u8; 16], bool)> = page
            .take_while(|(_, replay)| replay.lasting || replay.day < before_day)
            .map(|(seq, replay)| (*seq, digest(&replay.key), replay.lasting))
            .collect();
        for (seq, key, _) in old.iter().filter(|(.., lasting)| !lasting) {
            self.replays.drop(seq);
            if self.replay_keys.get(key) == Some(seq) {
                self.replay_keys.drop(key);
            }
        }
        let last = old.last().filter(|_| old.len() == limit);
        (old.len(), last.map(|(seq, ..)| *seq))
    }
}

fn key_of(at: Timestamp, timer: &Timer) -> TimerKey {
    let (kind, id) = timer_key(timer);
    (at, kind, *id)
}

/// Where an order's pegs stand in the queues of their supplies.
fn places(order: &Order) -> impl Iterator<Item = (SupplyId, i64, LineId)> {
    let on = wanted_on(order.requested_date);
    let of_line = move |line: &'_ Line| LineId { order: order.id, no: line.no };
    let pegs = order.lines.iter().flat_map(move |line| line.pegs.iter().map(move |peg| (line, peg)));
    pegs.map(move |(line, peg)| (peg.supply, on, of_line(line)))
}

/// Pegs by their supply: however they came about, the same pegs are the same row.
fn sorted(order: &Arc<Order>) -> Arc<Order> {
    let is_sorted =
        |order: &Order| order.lines.iter().all(|line| line.pegs.is_sorted_by_key(|peg| peg.supply));
    if is_sorted(order) {
        return Arc::clone(order);
    }
    let mut sorted = Order::clone(order);
    sorted.lines.iter_mut().for_each(|line| line.pegs.sort_unstable_by_key(|peg| peg.supply));
    Arc::new(sorted)
}
