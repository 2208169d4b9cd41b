//! Reading one tenant's rows.

use std::sync::Arc;

use model::{
    Units,
    id::{Channel, CustomerKey, HoldId, LineId, LocationId, OrderId, Sku, SupplyId, TenantId},
    order::{Dates, Hold, Order, Waiting},
    pool::Pool,
    supply::{Supply, SupplyState},
    time::{Date, Timestamp},
};

use super::tables::{Rows, Tables};
use crate::{
    ArrivalDay, OrderFilter, QueuePart, QueueRow, Replay, StoreError, Timer, cells::wanted_on, key::digest,
};

/// No id sorts before this one.
const FIRST: [u8; 16] = [0; 16];

impl Rows {
    pub(super) fn pool(&self, sku: &Sku) -> Option<Pool> {
        let row = self.pools.get(sku)?;
        let mut pool = Pool::new((*row.item).clone());
        (pool.version, pool.settling) = (row.version, row.settling);
        let policies = self.policies.of(sku, Channel::stored(""));
        pool.policies = policies.map(|(channel, policy)| (channel.clone(), Arc::clone(policy))).collect();
        let open = self.supplies_open.of(sku, SupplyId::from_bytes(FIRST));
        let open = open.filter_map(|(id, ())| self.supplies.get(id));
        pool.supplies = open.cloned().collect();
        pool.supplies.sort_by_key(|supply| supply.rank());
        Some(pool)
    }

    pub(super) fn pool_page(&self, after: Option<&Sku>, limit: usize) -> Vec<Pool> {
        self.pools.after(after.cloned()).take(limit).filter_map(|(sku, _)| self.pool(sku)).collect()
    }

    pub(super) fn supply_page(
        &self,
        sku: Option<&Sku>,
        closed: bool,
        after: Option<SupplyId>,
        limit: usize,
    ) -> Vec<Supply> {
        let wanted = |supply: &&Arc<Supply>| closed || supply.state != SupplyState::Closed;
        let found = |supply: &Arc<Supply>| (**supply).clone();
        match sku {
            None => {
                let all = self.supplies.after(after).map(|(_, supply)| supply);
                all.filter(wanted).take(limit).map(found).collect()
            }
            Some(sku) => {
                let after = after.unwrap_or(SupplyId::from_bytes(FIRST));
                let ids = self.supplies_of.of(sku, after);
                let all = ids.filter_map(|(id, ())| self.supplies.get(id));
                all.filter(wanted).take(limit).map(found).collect()
            }
        }
    }

    pub(super) fn order_page(
        &self,
        filter: &OrderFilter,
        before: Option<OrderId>,
        limit: usize,
    ) -> Vec<OrderId> {
        let OrderFilter { reference, customer, placed_by } = filter;
        // Behind every id: one that is lost by it has never been made.
        let end = before.unwrap_or(OrderId::from_bytes([0xff; 16]));
        let ids: Box<dyn Iterator<Item = OrderId>> = match (reference, customer) {
            (Some(reference), _) => {
                Box::new(self.orders_by_reference.of_before(reference, end).map(|(id, ())| *id))
            }
            (None, Some(customer)) => {
                Box::new(self.orders_by_customer.of_before(customer, end).map(|(id, ())| *id))
            }
            (None, None) => Box::new(self.orders.before(before).map(|(id, _)| *id)),
        };
        let wanted = |id: &OrderId| {
            self.orders.get(id).is_some_and(|order| {
                customer.is_none_or(|customer| order.customer == Some(customer))
                    && placed_by.as_ref().is_none_or(|key| order.placed_by.as_ref() == Some(key))
            })
        };
        ids.filter(wanted).take(limit).collect()
    }

    pub(super) fn bought(&self, customer: CustomerKey, skus: &[Sku]) -> Vec<(Sku, Units)> {
        let filter = OrderFilter { customer: Some(customer), ..OrderFilter::default() };
        let ids = self.order_page(&filter, None, usize::MAX);
        let orders: Vec<&Arc<Order>> = ids.iter().filter_map(|id| self.orders.get(id)).collect();
        let of = |sku: &Sku| {
            let lines = orders.iter().flat_map(|order| &order.lines).filter(|line| line.sku == *sku);
            lines.map(|line| line.quantity - line.cancelled).sum()
        };
        skus.iter().map(|sku| (sku.clone(), of(sku))).collect()
    }

    pub(super) fn holds_on(&self, supply: SupplyId) -> Vec<Hold> {
        let on = |hold: &Hold| hold.lines.iter().flat_map(|line| &line.pegs).any(|peg| peg.supply == supply);
        let all = self.holds.all().map(|(_, hold)| hold);
        all.filter(|hold| on(hold)).map(|hold| (**hold).clone()).collect()
    }

    pub(super) fn queue(
        &self,
        supply: &SupplyId,
        part: QueuePart,
        after: Option<LineId>,
        limit: usize,
    ) -> Vec<Waiting> {
        let lines: Box<dyn Iterator<Item = LineId>> = match part {
            QueuePart::Soonest => {
                let rows = self.queue.after(Some((*supply, 0, after.unwrap_or(first_line()))));
                let of =
                    |(of, on, line): &(SupplyId, i64, LineId)| (of == supply && *on == 0).then_some(*line);
                Box::new(rows.map_while(move |(key, ())| of(key)))
            }
            QueuePart::WantedBefore(date) => {
                let before = wanted_on(Some(date));
                // From 1 on: 0 is as soon as possible. The line itself may have left the queue, its order has not.
                let from = after.and_then(|line| self.orders.get(&line.order));
                let from = from.map_or(1, |order| wanted_on(order.requested_date).max(1));
                let rows = self.queue.after(Some((*supply, from, after.unwrap_or(first_line()))));
                let of = move |(of, on, line): &(SupplyId, i64, LineId)| {
                    (of == supply && *on < before).then_some(*line)
                };
                Box::new(rows.map_while(move |(key, ())| of(key)))
            }
            QueuePart::All => {
                let rows = self.lines.of(supply, after.unwrap_or(first_line()));
                Box::new(rows.map(|(line, _)| *line))
            }
            QueuePart::Newest => {
                let rows = self.lines.of_before(supply, after.unwrap_or(last_line()));
                Box::new(rows.map(|(line, _)| *line))
            }
        };
        let is_newest = part == QueuePart::Newest;
        let waiting = |line| {
            if is_newest { self.movable(*supply, line) } else { self.waiting(*supply, line) }
        };
        lines.filter_map(waiting).take(limit).collect()
    }

    /// The units of a line that are not with fulfilment.
    fn movable(&self, supply: SupplyId, id: LineId) -> Option<Waiting> {
        let waiting = self.waiting(supply, id)?;
        let released = self.orders.get(&id.order)?.line(id.no)?.released_on(supply);
        let quantity = waiting.quantity - released;
        (quantity > 0).then_some(Waiting { quantity, ..waiting })
    }

    fn waiting(&self, supply: SupplyId, id: LineId) -> Option<Waiting> {
        let line = self.orders.get(&id.order)?.line(id.no)?;
        let peg = line.pegs.iter().find(|peg| peg.supply == supply)?;
        Some(Waiting { line: id, quantity: peg.quantity })
    }

    pub(super) fn queue_page(
        &self,
        supply: SupplyId,
        after: Option<LineId>,
        limit: usize,
    ) -> Result<Vec<QueueRow>, StoreError> {
        let lines = self.queue(&supply, QueuePart::All, after, limit);
        lines.iter().map(|waiting| self.queue_row(supply, waiting)).collect()
    }

    fn queue_row(&self, supply: SupplyId, waiting: &Waiting) -> Result<QueueRow, StoreError> {
        let id = waiting.line;
        let lost = || StoreError::inconsistent(format_args!("{id} waits for {supply} but is not kept"));
        let order = self.orders.get(&id.order).ok_or_else(lost)?;
        let line = order.line(id.no).ok_or_else(lost)?;
        let peg = line.pegs.iter().find(|peg| peg.supply == supply).ok_or_else(lost)?;
        Ok(QueueRow {
            line: id,
            sku: line.sku.clone(),
            pool: peg.sku.clone(),
            quantity: waiting.quantity,
            supply,
            unit_price: line.unit_price,
            told_ship_by: line.told().map_or(Dates::UNKNOWN, |told| told.ship_by),
            contact: self.contacts.get(&id.order).cloned().unwrap_or_default(),
            reference: order.reference.clone(),
            customer: order.customer,
            country: order.country.clone(),
            placed_at: order.placed_at,
        })
    }

    /// The same day by day.
    pub(super) fn arrival_days(&self, (from, to): (Date, Date), a_day: usize) -> Vec<ArrivalDay> {
        let mut days: Vec<ArrivalDay> = Vec::new();
        for supply in self.arrivals(usize::MAX) {
            let Some(date) = supply.expected_on.filter(|date| (from..=to).contains(date)) else { continue };
            if days.last().is_none_or(|day| day.date != date) {
                days.push(ArrivalDay { date, supplies: 0, units: 0, first: Vec::new() });
            }
            let Some(day) = days.last_mut() else { continue };
            (day.supplies, day.units) = (day.supplies + 1, day.units + supply.quantity);
            if day.first.len() < a_day {
                day.first.push(supply);
            }
        }
        days
    }

    pub(super) fn arrivals(&self, limit: usize) -> Vec<Supply> {
        let open = self.supplies_open.all().filter_map(|((_, id), ())| self.supplies.get(id));
        let mut due: Vec<&Arc<Supply>> =
            open.filter(|supply| supply.state == SupplyState::Due && supply.expected_on.is_some()).collect();
        due.sort_unstable_by_key(|supply| (supply.expected_on, supply.id));
        due.into_iter().take(limit).map(|supply| (**supply).clone()).collect()
    }

    pub(super) fn ahead(&self, supply: SupplyId, line: LineId, most: usize) -> usize {
        self.lines.of_before(&supply, line).take(most).count()
    }

    pub(super) fn replay(&self, days: &[i32], key: &str) -> Option<Replay> {
        let replay = self.replays.get(self.replay_keys.get(&digest(key))?)?;
        (replay.lasting || days.contains(&replay.day)).then(|| replay.clone())
    }
}

impl Tables {
    pub(super) fn due(&self, by: Timestamp, limit: usize) -> Vec<(TenantId, Timestamp, Timer)> {
        let mut due = Vec::new();
        for (tenant, rows) in self.shops() {
            let timers = rows.timers.all().take_while(|((at, ..), _)| *at <= by).take(limit);
            due.extend(timers.map(|((at, ..), timer)| (tenant.clone(), *at, timer.clone())));
        }
        // Stable: at one moment, tenants and timers stay in the order of their keys.
        due.sort_by_key(|(_, at, _)| *at);
        due.truncate(limit);
        due
    }
}

/// Before every line: no line has the number 0.
fn first_line() -> LineId {
    LineId { order: OrderId::from_bytes(FIRST), no: 0 }
}

fn last_line() -> LineId {
    LineId { order: OrderId::from_bytes([0xff; 16]), no: u16::MAX }
}

/// Every location, sorted by id.
pub(super) fn locations(rows: &Rows) -> Vec<(LocationId, model::location::LocationSettings)> {
    rows.locations.all().map(|(id, settings)| (id.clone(), (**settings).clone())).collect()
}

/// These holds; those that are gone are left out.
pub(super) fn holds(rows: &Rows, ids: &[HoldId]) -> Vec<Hold> {
    ids.iter().filter_map(|id| rows.holds.get(id)).map(|hold| (**hold).clone()).collect()
}

/// These orders; those that are not there are left out.
pub(super) fn orders(rows: &Rows, ids: &[OrderId]) -> Vec<Order> {
    ids.iter().filter_map(|id| rows.orders.get(id)).map(|order| (**order).clone()).collect()
}
