//! One connection with its transaction: what a reader and a writer are.

use std::{collections::BTreeSet, mem, sync::Arc};

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
use rusqlite::Connection;

use super::{
    Shared, audit, backlog, cells::failed, checkpoint::Copier, orders, queue, read, records, sql, tail::Tail,
    write,
};
use crate::{
    Allocated, ApiKey, ArrivalDay, Audit, Backlog, Changes, EventRow, OrderFilter, QueuePart, QueueRow, Read,
    RecordFilter, Replay, Shelf, StoreError, Tenant, Timer, Work, Write,
    audit::{Cell, Row, Table},
    store::PROBE,
};

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Reads,
    Writes,
}

/// Where a session's transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transaction {
    /// There is none, and no lock is held.
    None,
    Open,
    /// A write failed half-way: only a rollback helps.
    Broken,
}

/// A connection in use.
///
/// A transaction begins with the first call after a commit. A writer's takes the write lock there and then, even to
/// read: what it decides on cannot change before it writes, and upgrading a read transaction later would fail
/// whenever another process wrote in between.
pub(super) struct Session {
    // Taken by `drop` alone.
    conn: Option<Connection>,
    role: Role,
    transaction: Transaction,
    /// What this writer knows of indexes that are filled in bulk.
    tail: Tail,
    /// The state of the database as SQLite counts others' commits, when last asked.
    seen: Option<i64>,
    /// Whether others have committed since [`Write::changed_elsewhere`] last said so.
    elsewhere: bool,
    /// Copies the log back beside this writer.
    copier: Option<Copier>,
    home: Arc<Shared>,
}

impl Session {
    pub(super) fn new(conn: Connection, role: Role, copier: Option<Copier>, home: Arc<Shared>) -> Self {
        Self {
            conn: Some(conn),
            role,
            transaction: Transaction::None,
            tail: Tail::default(),
            seen: None,
            elsewhere: false,
            copier,
            home,
        }
    }

    /// The connection, in a transaction.
    fn begin(&mut self) -> Result<&Connection, StoreError> {
        // Present until dropped.
        let Some(conn) = &self.conn else {
            return Err(StoreError::driver("used a connection", "it is gone"));
        };
        if self.transaction == Transaction::None {
            let how = match self.role {
                Role::Reads => "BEGIN DEFERRED",
                Role::Writes => "BEGIN IMMEDIATE",
            };
            run(conn, "began a transaction", how)?;
            self.transaction = Transaction::Open;
            if self.role == Role::Writes {
                let version = read::data_version(conn)?;
                if self.seen.replace(version).is_some_and(|seen| seen != version) {
                    self.elsewhere = true;
                    self.tail.forget();
                }
            }
        }
        Ok(conn)
    }

    /// Runs something that writes; when it fails half-way, only a rollback helps.
    fn change<T>(
        &mut self,
        how: impl FnOnce(&Connection, &mut Tail) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.begin()?;
        let mut tail = mem::take(&mut self.tail);
        let outcome = how(self.begin()?, &mut tail);
        self.tail = tail;
        if outcome.is_err() {
            self.transaction = Transaction::Broken;
        }
        outcome
    }

    fn end(&mut self, doing: &'static str, how: &'static str) -> Result<(), StoreError> {
        let Some(conn) = &self.conn else { return Ok(()) };
        // SQLite itself rolls back on some errors (a full disk), and a second time would be one more.
        if self.transaction != Transaction::None && !conn.is_autocommit() {
            run(conn, doing, how)?;
        }
        self.transaction = Transaction::None;
        Ok(())
    }
}

fn run(conn: &Connection, doing: &'static str, sql: &'static str) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(sql).map_err(failed(doing))?;
    statement.execute([]).map(drop).map_err(failed(doing))
}

impl Drop for Session {
    fn drop(&mut self) {
        let clean = self.end("rolled back", "ROLLBACK").is_ok();
        if let Some(conn) = self.conn.take()
            && clean
            && self.role == Role::Reads
        {
            self.home.give_back(conn);
        }
    }
}

impl Read for Session {
    fn tenants(&mut self) -> Result<Vec<Tenant>, StoreError> {
        read::tenants(self.begin()?)
    }
    fn tenant(&mut self, tenant: &TenantId) -> Result<Option<Tenant>, StoreError> {
        read::tenant(self.begin()?, tenant)
    }
    fn api_key(&mut self, tenant: &TenantId, hash: &[u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        read::api_key(self.begin()?, tenant, hash)
    }
    fn api_keys(&mut self, tenant: &TenantId) -> Result<Vec<ApiKey>, StoreError> {
        read::api_keys(self.begin()?, tenant)
    }
    fn secret(&mut self) -> Result<[u8; 32], StoreError> {
        read::secret(self.begin()?)
    }
    fn locations(&mut self, tenant: &TenantId) -> Result<Vec<(LocationId, LocationSettings)>, StoreError> {
        read::locations(self.begin()?, tenant)
    }
    fn pools(&mut self, tenant: &TenantId, skus: &[Sku]) -> Result<Vec<Pool>, StoreError> {
        read::pools(self.begin()?, tenant, skus)
    }
    fn pool_page(
        &mut self,
        tenant: &TenantId,
        after: Option<&Sku>,
        limit: usize,
    ) -> Result<Vec<Pool>, StoreError> {
        read::pool_page(self.begin()?, tenant, after, limit)
    }
    fn supply(&mut self, tenant: &TenantId, id: SupplyId) -> Result<Option<Supply>, StoreError> {
        read::supply(self.begin()?, tenant, id)
    }
    fn supply_page(
        &mut self,
        tenant: &TenantId,
        sku: Option<&Sku>,
        closed: bool,
        after: Option<SupplyId>,
        limit: usize,
    ) -> Result<Vec<Supply>, StoreError> {
        read::supply_page(self.begin()?, tenant, sku, closed, after, limit)
    }
    fn orders(&mut self, tenant: &TenantId, ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
        orders::orders(self.begin()?, tenant, ids)
    }
    fn order_page(
        &mut self,
        tenant: &TenantId,
        filter: &OrderFilter,
        before: Option<OrderId>,
        limit: usize,
    ) -> Result<Vec<OrderId>, StoreError> {
        orders::order_page(self.begin()?, tenant, filter, before, limit)
    }
    fn contact(&mut self, tenant: &TenantId, order: OrderId) -> Result<Option<Contact>, StoreError> {
        orders::contact(self.begin()?, tenant, order)
    }
    fn bought(
        &mut self,
        tenant: &TenantId,
        customer: CustomerKey,
        skus: &[Sku],
    ) -> Result<Vec<(Sku, Units)>, StoreError> {
        if self.role == Role::Writes {
            // Whoever limits what a customer may have asks for every order: then the index is kept up.
            self.change(|conn, tail| tail.of(conn, tenant)?.index_customers(conn, tenant))?;
        }
        orders::bought(self.begin()?, tenant, customer, skus)
    }
    fn holds(&mut self, tenant: &TenantId, ids: &[HoldId]) -> Result<Vec<Hold>, StoreError> {
        orders::holds(self.begin()?, tenant, ids)
    }
    fn holds_on(&mut self, tenant: &TenantId, supply: SupplyId) -> Result<Vec<Hold>, StoreError> {
        orders::holds_on(self.begin()?, tenant, supply)
    }
    fn queue(
        &mut self,
        tenant: &TenantId,
        supply: SupplyId,
        part: QueuePart,
        after: Option<LineId>,
        limit: usize,
    ) -> Result<Vec<Waiting>, StoreError> {
        queue::queue(self.begin()?, tenant, supply, part, after, limit)
    }
    fn queue_page(
        &mut self,
        tenant: &TenantId,
        supply: SupplyId,
        after: Option<LineId>,
        limit: usize,
    ) -> Result<Vec<QueueRow>, StoreError> {
        queue::queue_page(self.begin()?, tenant, supply, after, limit)
    }
    fn allocated(
        &mut self,
        tenant: &TenantId,
        location: &LocationId,
        skus: Option<&BTreeSet<Sku>>,
    ) -> Result<Vec<Allocated>, StoreError> {
        queue::allocated(self.begin()?, tenant, location, skus)
    }
    fn handed_over(
        &mut self,
        tenant: &TenantId,
        location: &LocationId,
    ) -> Result<Vec<Allocated>, StoreError> {
        queue::handed_over(self.begin()?, tenant, location)
    }
    fn tagged(&mut self, tenant: &TenantId, tags: &[Arc<str>]) -> Result<BTreeSet<Sku>, StoreError> {
        queue::tagged(self.begin()?, tenant, tags)
    }
    fn backlog(&mut self, tenant: &TenantId, today: Date) -> Result<Backlog, StoreError> {
        backlog::backlog(self.begin()?, tenant, today)
    }
    fn arrivals(&mut self, tenant: &TenantId, limit: usize) -> Result<Vec<Supply>, StoreError> {
        backlog::arrivals(self.begin()?, tenant, limit)
    }
    fn arrival_days(
        &mut self,
        tenant: &TenantId,
        days: (Date, Date),
        a_day: usize,
    ) -> Result<Vec<ArrivalDay>, StoreError> {
        backlog::arrival_days(self.begin()?, tenant, days, a_day)
    }
    fn ahead(
        &mut self,
        tenant: &TenantId,
        supply: SupplyId,
        line: LineId,
        most: usize,
    ) -> Result<usize, StoreError> {
        backlog::ahead(self.begin()?, tenant, supply, line, most)
    }
    fn records(
        &mut self,
        tenant: &TenantId,
        shelf: Shelf,
        kind: &str,
        ids: &[&str],
    ) -> Result<Vec<Record>, StoreError> {
        records::records(self.begin()?, tenant, shelf, kind, ids)
    }
    fn record_page(
        &mut self,
        tenant: &TenantId,
        shelf: Shelf,
        kind: &str,
        filter: &RecordFilter<'_>,
        page: (Option<&str>, usize),
    ) -> Result<Vec<Record>, StoreError> {
        records::record_page(self.begin()?, tenant, shelf, kind, filter, page)
    }
    fn due_records(
        &mut self,
        shelf: Shelf,
        kind: &str,
        by: Timestamp,
        limit: usize,
    ) -> Result<Vec<(TenantId, Record)>, StoreError> {
        records::due_records(self.begin()?, shelf, kind, by, limit)
    }
    fn events(&mut self, tenant: &TenantId, after: i64, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        read::events(self.begin()?, tenant, after, limit)
    }
    fn last_event(&mut self, tenant: &TenantId) -> Result<i64, StoreError> {
        read::last_event(self.begin()?, tenant)
    }
    fn replay(&mut self, tenant: &TenantId, days: &[i32], key: &str) -> Result<Option<Replay>, StoreError> {
        let found = self.change(|conn, tail| tail.find(conn, tenant, key))?;
        found.map_or(Ok(None), |seq| read::replay(self.begin()?, tenant, days, (key, seq)))
    }
    fn due(&mut self, by: Timestamp, limit: usize) -> Result<Vec<(TenantId, Timestamp, Timer)>, StoreError> {
        read::due(self.begin()?, by, limit)
    }
    fn next_due(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let first = read::due(self.begin()?, Timestamp::MAX, 1)?;
        Ok(first.first().map(|(_, at, _)| *at))
    }
    fn work(&mut self, limit: usize) -> Result<Vec<(TenantId, Work)>, StoreError> {
        read::work(self.begin()?, limit)
    }
    fn last_work(&mut self, tenant: &TenantId) -> Result<i64, StoreError> {
        read::last(self.begin()?, sql::LAST_WORK, rusqlite::params![tenant.as_str()])
    }
}

impl Write for Session {
    fn changed_elsewhere(&mut self) -> Result<bool, StoreError> {
        self.begin()?;
        Ok(mem::take(&mut self.elsewhere))
    }
    fn write(&mut self, tenant: &TenantId, changes: &Changes) -> Result<(), StoreError> {
        self.change(|conn, tail| write::changes(conn, tail.of(conn, tenant)?, tenant, changes))
    }
    fn key_marks(&mut self, tenant: &TenantId, most: usize) -> Result<Option<Vec<u64>>, StoreError> {
        self.change(|conn, tail| tail.key_marks(conn, tenant, most))
    }
    fn create_tenant(&mut self, tenant: &Tenant) -> Result<(), StoreError> {
        self.change(|conn, _| write::create_tenant(conn, tenant))
    }
    fn create_key(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        self.change(|conn, _| write::create_key(conn, key))
    }
    fn probe(&mut self) -> Result<(), StoreError> {
        self.change(|conn, _| conn.execute(PROBE, []).map(drop).map_err(failed("tried whether it can write")))
    }
    fn forget_replays(
        &mut self,
        tenant: &TenantId,
        before_day: i32,
        after: i64,
        limit: usize,
    ) -> Result<(usize, Option<i64>), StoreError> {
        self.change(|conn, tail| {
            write::forget_replays(conn, tail.of(conn, tenant)?, tenant, before_day, (after, limit))
        })
    }
    fn commit(&mut self) -> Result<(), StoreError> {
        if self.transaction == Transaction::Broken {
            self.rollback()?;
            return Err(StoreError::driver("committed", "a write before it failed"));
        }
        if let Some(conn) = &self.conn
            && self.transaction == Transaction::Open
            && conn.is_autocommit()
        {
            self.transaction = Transaction::None;
            return Err(StoreError::driver("committed", "the transaction was rolled back"));
        }
        let committed = self.end("committed", "COMMIT");
        match (&committed, &mut self.copier, &self.conn) {
            (Err(_), ..) => self.rollback()?,
            (Ok(()), Some(copier), Some(conn)) => copier.committed(conn),
            _ => {}
        }
        committed
    }
    fn rollback(&mut self) -> Result<(), StoreError> {
        // It may know of what is now not kept.
        self.tail.forget();
        self.end("rolled back", "ROLLBACK")
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
        audit::rows(self.begin()?, tenant, table, after, limit)
    }
    fn damage(&mut self) -> Result<Vec<String>, StoreError> {
        audit::damage(self.begin()?)
    }
}
