//! One transaction after the other: what a reader and a writer are.

use std::{collections::BTreeSet, mem, sync::Arc, time::Instant};

use model::{
    Units,
    command::Contact,
    id::{CustomerKey, HoldId, LineId, LocationId, OrderId, Sku, SupplyId, TenantId},
    location::LocationSettings,
    order::{Hold, Order, Waiting},
    pool::Pool,
    record::Record,
    supply::Supply,
    time::{Date, Timestamp},
};

use super::{
    Moment, Shared, audit,
    backlog::backlog,
    lock, read,
    tables::{Rows, Tables},
};
use crate::{
    Allocated, ApiKey, ArrivalDay, Audit, Backlog, Changes, Committed, EventRow, OrderFilter, Pending,
    QueuePart, QueueRow, Read, RecordFilter, Replay, Shelf, Standing, StoreError, Tenant, Timer, Work, Write,
    audit::{Cell, Row, Table},
    key::mark_of,
};

/// What a reader or a writer sees.
///
/// A transaction begins with the first call after a commit. A writer's waits until nobody else writes, there and then.
pub(super) struct Session {
    shared: Arc<Shared>,
    writes: bool,
    /// The state it sees; `None`: no transaction is open.
    state: Option<Tables>,
    /// A write failed half-way: only a rollback helps.
    broken: bool,
    /// How often anything had been committed when last looked at.
    seen: Option<u64>,
    /// Whether others have committed since [`Write::changed_elsewhere`] last said so.
    elsewhere: bool,
    /// Whether anything was written.
    changed: bool,
    /// For whom, last.
    wrote_for: Option<TenantId>,
    /// What a tenant has of whom nothing is kept.
    nothing: Rows,
    sorted: audit::Sorted,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, writes: bool) -> Self {
        Self {
            shared,
            writes,
            state: None,
            broken: false,
            seen: None,
            elsewhere: false,
            changed: false,
            wrote_for: None,
            nothing: Rows::default(),
            sorted: audit::Sorted::default(),
        }
    }

    /// The state as of the transaction's begin, with what it wrote.
    fn begin(&mut self) -> Result<&mut Tables, StoreError> {
        if self.state.is_none() {
            if self.writes {
                self.shared.begin_writing()?;
            }
            let (tables, commits) = self.shared.committed().clone();
            self.elsewhere |= self.seen.replace(commits).is_some_and(|seen| seen != commits);
            self.state = Some(tables);
        }
        self.state.as_mut().ok_or_else(|| StoreError::driver("used a transaction", "it is gone"))
    }

    /// What is kept of a tenant.
    fn of(&mut self, tenant: &TenantId) -> Result<&Rows, StoreError> {
        self.begin()?;
        Ok(self.state.as_ref().and_then(|tables| tables.of(tenant)).unwrap_or(&self.nothing))
    }

    /// Runs something that writes; when it fails half-way, only a rollback helps.
    fn change<T>(
        &mut self,
        change: impl FnOnce(&mut Tables) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        let tables = self.begin()?;
        let outcome = shared.meets(Moment::Write).and_then(|()| change(tables));
        self.broken |= outcome.is_err();
        self.changed = true;
        outcome
    }

    /// Ends the transaction, with nothing kept.
    fn end(&mut self) {
        let state = self.state.take();
        (self.broken, self.changed) = (false, false);
        if state.is_some() && self.writes {
            self.shared.end_writing();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}

impl Read for Session {
    fn tenants(&mut self) -> Result<Vec<Tenant>, StoreError> {
        Ok(self.begin()?.tenants.all().map(|(_, tenant)| tenant.clone()).collect())
    }
    fn tenant(&mut self, tenant: &TenantId) -> Result<Option<Tenant>, StoreError> {
        Ok(self.begin()?.tenants.get(tenant).cloned())
    }
    fn api_key(&mut self, tenant: &TenantId, hash: &[u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        Ok(self.begin()?.keys.get(&(tenant.clone(), *hash)).cloned())
    }
    fn api_keys(&mut self, tenant: &TenantId) -> Result<Vec<ApiKey>, StoreError> {
        let keys = self.begin()?.keys.all().map(|(_, key)| key).filter(|key| key.tenant == *tenant);
        let mut keys: Vec<ApiKey> = keys.cloned().collect();
        keys.sort_by_key(|key| (key.created_at, key.hash));
        Ok(keys)
    }
    fn secret(&mut self) -> Result<[u8; 32], StoreError> {
        Ok(self.shared.secret)
    }
    fn locations(&mut self, tenant: &TenantId) -> Result<Vec<(LocationId, LocationSettings)>, StoreError> {
        Ok(read::locations(self.of(tenant)?))
    }
    fn pools(&mut self, tenant: &TenantId, skus: &[Sku]) -> Result<Vec<Pool>, StoreError> {
        let rows = self.of(tenant)?;
        Ok(skus.iter().filter_map(|sku| rows.pool(sku)).collect())
    }
    fn pool_page(
        &mut self,
        tenant: &TenantId,
        after: Option<&Sku>,
        limit: usize,
    ) -> Result<Vec<Pool>, StoreError> {
        Ok(self.of(tenant)?.pool_page(after, limit))
    }
    fn supply(&mut self, tenant: &TenantId, id: SupplyId) -> Result<Option<Supply>, StoreError> {
        Ok(self.of(tenant)?.supplies.get(&id).map(|supply| (**supply).clone()))
    }
    fn supply_page(
        &mut self,
        tenant: &TenantId,
        sku: Option<&Sku>,
        closed: bool,
        after: Option<SupplyId>,
        limit: usize,
    ) -> Result<Vec<Supply>, StoreError> {
        Ok(self.of(tenant)?.supply_page(sku, closed, after, limit))
    }
    fn orders(&mut self, tenant: &TenantId, ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
        Ok(read::orders(self.of(tenant)?, ids))
    }
    fn order_page(
        &mut self,
        tenant: &TenantId,
        filter: &OrderFilter,
        before: Option<OrderId>,
        limit: usize,
    ) -> Result<Vec<OrderId>, StoreError> {
        Ok(self.of(tenant)?.order_page(filter, before, limit))
    }
    fn contact(&mut self, tenant: &TenantId, order: OrderId) -> Result<Option<Contact>, StoreError> {
        Ok(self.of(tenant)?.contacts.get(&order).cloned())
    }
    fn bought(
        &mut self,
        tenant: &TenantId,
        customer: CustomerKey,
        skus: &[Sku],
    ) -> Result<Vec<(Sku, Units)>, StoreError> {
        Ok(self.of(tenant)?.bought(customer, skus))
    }
    fn holds(&mut self, tenant: &TenantId, ids: &[HoldId]) -> Result<Vec<Hold>, StoreError> {
        Ok(read::holds(self.of(tenant)?, ids))
    }
    fn holds_on(&mut self, tenant: &TenantId, supply: SupplyId) -> Result<Vec<Hold>, StoreError> {
        Ok(self.of(tenant)?.holds_on(supply))
    }
    fn queue(
        &mut self,
        tenant: &TenantId,
        supply: SupplyId,
        part: QueuePart,
        after: Option<LineId>,
        limit: usize,
    ) -> Result<Vec<Waiting>, StoreError> {
        Ok(self.of(tenant)?.queue(&supply, part, after, limit))
    }
    fn queue_page(
        &mut self,
        tenant: &TenantId,
        supply: SupplyId,
        after: Option<LineId>,
        limit: usize,
    ) -> Result<Vec<QueueRow>, StoreError> {
        self.of(tenant)?.queue_page(supply, after, limit)
    }
    fn allocated(
        &mut self,
        tenant: &TenantId,
        location: &LocationId,
        skus: Option<&BTreeSet<Sku>>,
    ) -> Result<Vec<Allocated>, StoreError> {
        Ok(self.of(tenant)?.allocated(location, skus))
    }
    fn handed_over(
        &mut self,
        tenant: &TenantId,
        location: &LocationId,
    ) -> Result<Vec<Allocated>, StoreError> {
        Ok(self.of(tenant)?.handed_over(location))
    }
    fn tagged(&mut self, tenant: &TenantId, tags: &[Arc<str>]) -> Result<BTreeSet<Sku>, StoreError> {
        Ok(self.of(tenant)?.tagged(tags))
    }
    fn backlog(&mut self, tenant: &TenantId, today: Date) -> Result<Backlog, StoreError> {
        backlog(self.of(tenant)?, today)
    }
    fn arrivals(&mut self, tenant: &TenantId, limit: usize) -> Result<Vec<Supply>, StoreError> {
        Ok(self.of(tenant)?.arrivals(limit))
    }
    fn arrival_days(
        &mut self,
        tenant: &TenantId,
        days: (Date, Date),
        a_day: usize,
    ) -> Result<Vec<ArrivalDay>, StoreError> {
        Ok(self.of(tenant)?.arrival_days(days, a_day))
    }
    fn ahead(
        &mut self,
        tenant: &TenantId,
        supply: SupplyId,
        line: LineId,
        most: usize,
    ) -> Result<usize, StoreError> {
        Ok(self.of(tenant)?.ahead(supply, line, most))
    }
    fn records(
        &mut self,
        tenant: &TenantId,
        shelf: Shelf,
        kind: &str,
        ids: &[&str],
    ) -> Result<Vec<Record>, StoreError> {
        Ok(self.of(tenant)?.records(shelf, kind, ids))
    }
    fn record_page(
        &mut self,
        tenant: &TenantId,
        shelf: Shelf,
        kind: &str,
        filter: &RecordFilter<'_>,
        page: (Option<&str>, usize),
    ) -> Result<Vec<Record>, StoreError> {
        Ok(self.of(tenant)?.record_page(shelf, kind, filter, page))
    }
    fn due_records(
        &mut self,
        shelf: Shelf,
        kind: &str,
        by: Timestamp,
        limit: usize,
    ) -> Result<Vec<(TenantId, Record)>, StoreError> {
        Ok(self.begin()?.due_records(shelf, kind, by, limit))
    }
    fn events(&mut self, tenant: &TenantId, after: i64, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        let rows = self.of(tenant)?;
        Ok(rows.events.after(Some(after)).take(limit).map(|(_, event)| event.clone()).collect())
    }
    fn last_event(&mut self, tenant: &TenantId) -> Result<i64, StoreError> {
        Ok(self.of(tenant)?.last_event())
    }
    fn replay(&mut self, tenant: &TenantId, days: &[i32], key: &str) -> Result<Option<Replay>, StoreError> {
        Ok(self.of(tenant)?.replay(days, key))
    }
    fn due(&mut self, by: Timestamp, limit: usize) -> Result<Vec<(TenantId, Timestamp, Timer)>, StoreError> {
        Ok(self.begin()?.due(by, limit))
    }
    fn next_due(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.begin()?.due(Timestamp::MAX, 1).first().map(|(_, at, _)| *at))
    }
    fn work(&mut self, limit: usize) -> Result<Vec<(TenantId, Work)>, StoreError> {
        let shops = self.begin()?.shops();
        let all = shops.flat_map(|(tenant, rows)| rows.work.all().map(move |(_, work)| (tenant, work)));
        Ok(all.take(limit).map(|(tenant, work)| (tenant.clone(), work.clone())).collect())
    }
    fn last_work(&mut self, tenant: &TenantId) -> Result<i64, StoreError> {
        Ok(self.of(tenant)?.work.last().map_or(0, |(id, _)| *id))
    }
}

impl Write for Session {
    fn changed_elsewhere(&mut self) -> Result<bool, StoreError> {
        self.begin()?;
        Ok(mem::take(&mut self.elsewhere))
    }
    fn write(&mut self, tenant: &TenantId, changes: &Changes) -> Result<(), StoreError> {
        self.wrote_for = Some(tenant.clone());
        self.change(|tables| tables.of_mut(tenant)?.write(changes))
    }
    fn create_tenant(&mut self, tenant: &Tenant) -> Result<(), StoreError> {
        self.change(|tables| {
            if tables.tenants.has(&tenant.id) {
                return Err(StoreError::Conflict);
            }
            tables.tenants.put(tenant.id.clone(), tenant.clone());
            Ok(())
        })
    }
    fn create_key(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        self.change(|tables| {
            tables.keys.put((key.tenant.clone(), key.hash), key.clone());
            Ok(())
        })
    }
    fn key_marks(&mut self, tenant: &TenantId, most: usize) -> Result<Option<Vec<u64>>, StoreError> {
        let keys = &self.of(tenant)?.replay_keys;
        Ok((keys.len() <= most).then(|| keys.all().map(|(key, _)| mark_of(key)).collect()))
    }
    fn probe(&mut self) -> Result<(), StoreError> {
        self.change(|_| Ok(()))
    }
    fn forget_replays(
        &mut self,
        tenant: &TenantId,
        before_day: i32,
        after: i64,
        limit: usize,
    ) -> Result<(usize, Option<i64>), StoreError> {
        self.change(|tables| Ok(tables.of_mut(tenant)?.forget_replays(before_day, after, limit)))
    }
    fn commit(&mut self) -> Result<(), StoreError> {
        self.keep()?;
        let committed = self.shared.committed();
        lock(&self.shared.flushed).clone_from(&committed);
        Ok(())
    }
    fn commit_ahead(&mut self) -> Result<Committed, StoreError> {
        if self.shared.faults.is_none() {
            return self.commit().map(|()| Committed::Kept);
        }
        let (since, tenant) = (Instant::now(), self.wrote_for.take());
        self.keep()?;
        let version = self.shared.committed().1.cast_signed();
        let standing = tenant.map(|tenant| Standing { tenant, version, batch: [0; 16] });
        Ok(Committed::Ahead(Pending { since, standing: standing.into_iter().collect() }))
    }
    fn rollback(&mut self) -> Result<(), StoreError> {
        self.end();
        Ok(())
    }
}

impl Session {
    fn keep(&mut self) -> Result<(), StoreError> {
        if self.broken {
            self.rollback()?;
            return Err(StoreError::driver("committed", "a write before it failed"));
        }
        if !self.changed {
            return self.rollback();
        }
        if let Err(error) = self.shared.meets(Moment::Commit) {
            self.rollback()?;
            return Err(error);
        }
        if let Some(tables) = self.state.take() {
            let mut committed = self.shared.committed();
            *committed = (tables, committed.1 + 1);
            self.seen = Some(committed.1);
            drop(committed);
            self.changed = false;
            self.shared.end_writing();
        }
        self.shared.meets(Moment::Committed)
    }
}

impl Audit for Session {
    fn rows(
        &mut self,
        tenant: &TenantId,
        table: &Table,
        after: &[Cell],
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.begin()?;
        let rows = self.state.as_ref().and_then(|tables| tables.of(tenant)).unwrap_or(&self.nothing);
        self.sorted.page(rows, &self.shared, tenant, table, (after, limit))
    }
    fn damage(&mut self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
}
