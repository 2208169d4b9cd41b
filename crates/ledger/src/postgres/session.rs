//! What a reader and a writer are.

use std::{
    collections::BTreeSet,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

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
    Shared, audit, backlog,
    conn::{Commit, Conn, Ended, Role, Transaction},
    head::{self, Heads},
    orders, queue, read, records, write,
};
use crate::{
    Allocated, ApiKey, ArrivalDay, Audit, Backlog, Changes, Committed, Elsewhere, EventRow, OrderFilter,
    Pending, QueuePart, QueueRow, Read, RecordFilter, Replay, Shelf, Standing, StoreError, Tenant, Timer,
    Work, Write,
    audit::{Cell, Row, Table},
    migrations,
    store::PROBE,
};

/// How long a writer that met another leaves a tenant's head alone after its own commit. The database wakes whoever waits for
/// it, and does not keep it for them: who comes at once would have it again, and the other would wait for one turn more.
const STAND_ASIDE: Duration = Duration::from_millis(1);

/// A connection in use.
pub(super) struct Session {
    // Taken by `drop` alone.
    conn: Option<Conn>,
    role: Role,
    heads: Heads,
    committed: Option<Instant>,
    /// This writer's name, and how many batches it has written.
    name: [u8; 8],
    batches: u64,
    home: Arc<Shared>,
}

impl Session {
    pub(super) fn new(conn: Conn, role: Role, home: &Arc<Shared>) -> Result<Self, StoreError> {
        let name = match role {
            Role::Reads => [0; 8],
            Role::Writes => migrations::random("named a writer")?,
        };
        let (heads, home) = (Heads::default(), Arc::clone(home));
        Ok(Self { conn: Some(conn), role, heads, committed: None, name, batches: 0, home })
    }

    fn conn(&mut self) -> Result<&mut Conn, StoreError> {
        // Present until dropped.
        self.conn.as_mut().ok_or_else(|| StoreError::driver("used a connection", "it is gone"))
    }

    fn parts(&mut self) -> Result<(&mut Conn, &mut Heads), StoreError> {
        let Self { conn, heads, .. } = self;
        let conn = conn.as_mut().ok_or_else(|| StoreError::driver("used a connection", "it is gone"))?;
        Ok((conn, heads))
    }

    fn next_batch(&mut self) -> [u8; 16] {
        self.batches += 1;
        let mut batch = [0; 16];
        batch[..8].copy_from_slice(&self.name);
        batch[8..].copy_from_slice(&self.batches.to_be_bytes());
        batch
    }

    /// Commits; answers how the tenants stand.
    fn end(&mut self, how: Commit) -> Result<Vec<Standing>, StoreError> {
        if self.conn()?.transaction() == Transaction::Broken {
            self.rollback()?;
            return Err(StoreError::driver("committed", "a write before it failed"));
        }
        let standing = self.heads.standing();
        let ended = match self.conn()?.commit(how) {
            Ended::Kept => Ok(()),
            Ended::Lost(error) => Err(error),
            Ended::Unknown(why) => self.ask_whether_kept(&standing, why),
        };
        self.heads.ended(ended.is_ok());
        self.committed = Some(Instant::now());
        ended.map(|()| standing)
    }

    /// Asks the database whether it kept what was being committed when the connection went.
    fn ask_whether_kept(&mut self, standing: &[Standing], why: StoreError) -> Result<(), StoreError> {
        if standing.is_empty() {
            return Err(StoreError::Unknown { source: Box::new(why) });
        }
        match self.conn()?.insist(|conn| head::are_kept(conn, standing)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(why),
            Err(_) => Err(StoreError::Unknown { source: Box::new(why) }),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(link) = self.conn.take().and_then(Conn::into_link)
            && self.role == Role::Reads
        {
            self.home.give_back(link);
        }
    }
}

impl Read for Session {
    fn tenants(&mut self) -> Result<Vec<Tenant>, StoreError> {
        read::tenants(self.conn()?)
    }
    fn tenant(&mut self, tenant: &TenantId) -> Result<Option<Tenant>, StoreError> {
        read::tenant(self.conn()?, tenant)
    }
    fn api_key(&mut self, tenant: &TenantId, hash: &[u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        read::api_key(self.conn()?, tenant, hash)
    }
    fn api_keys(&mut self, tenant: &TenantId) -> Result<Vec<ApiKey>, StoreError> {
        read::api_keys(self.conn()?, tenant)
    }
    fn secret(&mut self) -> Result<[u8; 32], StoreError> {
        read::secret(self.conn()?)
    }
    fn locations(&mut self, tenant: &TenantId) -> Result<Vec<(LocationId, LocationSettings)>, StoreError> {
        read::locations(self.conn()?, tenant)
    }
    fn pools(&mut self, tenant: &TenantId, skus: &[Sku]) -> Result<Vec<Pool>, StoreError> {
        read::pools(self.conn()?, tenant, skus)
    }
    fn pool_page(
        &mut self,
        tenant: &TenantId,
        after: Option<&Sku>,
        limit: usize,
    ) -> Result<Vec<Pool>, StoreError> {
        read::pool_page(self.conn()?, tenant, after, limit)
    }
    fn supply(&mut self, tenant: &TenantId, id: SupplyId) -> Result<Option<Supply>, StoreError> {
        read::supply(self.conn()?, tenant, id)
    }
    fn supply_page(
        &mut self,
        tenant: &TenantId,
        sku: Option<&Sku>,
        closed: bool,
        after: Option<SupplyId>,
        limit: usize,
    ) -> Result<Vec<Supply>, StoreError> {
        read::supply_page(self.conn()?, tenant, sku, closed, after, limit)
    }
    fn orders(&mut self, tenant: &TenantId, ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
        orders::orders(self.conn()?, tenant, ids)
    }
    fn order_page(
        &mut self,
        tenant: &TenantId,
        filter: &OrderFilter,
        before: Option<OrderId>,
        limit: usize,
    ) -> Result<Vec<OrderId>, StoreError> {
        orders::order_page(self.conn()?, tenant, filter, before, limit)
    }
    fn contact(&mut self, tenant: &TenantId, order: OrderId) -> Result<Option<Contact>, StoreError> {
        orders::contact(self.conn()?, tenant, order)
    }
    fn bought(
        &mut self,
        tenant: &TenantId,
        customer: CustomerKey,
        skus: &[Sku],
    ) -> Result<Vec<(Sku, Units)>, StoreError> {
        orders::bought(self.conn()?, tenant, customer, skus)
    }
    fn holds(&mut self, tenant: &TenantId, ids: &[HoldId]) -> Result<Vec<Hold>, StoreError> {
        orders::holds(self.conn()?, tenant, ids)
    }
    fn holds_on(&mut self, tenant: &TenantId, supply: SupplyId) -> Result<Vec<Hold>, StoreError> {
        orders::holds_on(self.conn()?, tenant, supply)
    }
    fn queue(
        &mut self,
        tenant: &TenantId,
        supply: SupplyId,
        part: QueuePart,
        after: Option<LineId>,
        limit: usize,
    ) -> Result<Vec<Waiting>, StoreError> {
        queue::queue(self.conn()?, tenant, supply, part, after, limit)
    }
    fn queue_page(
        &mut self,
        tenant: &TenantId,
        supply: SupplyId,
        after: Option<LineId>,
        limit: usize,
    ) -> Result<Vec<QueueRow>, StoreError> {
        queue::queue_page(self.conn()?, tenant, supply, after, limit)
    }
    fn allocated(
        &mut self,
        tenant: &TenantId,
        location: &LocationId,
        skus: Option<&BTreeSet<Sku>>,
    ) -> Result<Vec<Allocated>, StoreError> {
        queue::allocated(self.conn()?, tenant, location, skus)
    }
    fn handed_over(
        &mut self,
        tenant: &TenantId,
        location: &LocationId,
    ) -> Result<Vec<Allocated>, StoreError> {
        queue::handed_over(self.conn()?, tenant, location)
    }
    fn tagged(&mut self, tenant: &TenantId, tags: &[Arc<str>]) -> Result<BTreeSet<Sku>, StoreError> {
        queue::tagged(self.conn()?, tenant, tags)
    }
    fn backlog(&mut self, tenant: &TenantId, today: Date) -> Result<Backlog, StoreError> {
        backlog::backlog(self.conn()?, tenant, today)
    }
    fn arrivals(&mut self, tenant: &TenantId, limit: usize) -> Result<Vec<Supply>, StoreError> {
        backlog::arrivals(self.conn()?, tenant, limit)
    }
    fn arrival_days(
        &mut self,
        tenant: &TenantId,
        days: (Date, Date),
        a_day: usize,
    ) -> Result<Vec<ArrivalDay>, StoreError> {
        backlog::arrival_days(self.conn()?, tenant, days, a_day)
    }
    fn ahead(
        &mut self,
        tenant: &TenantId,
        supply: SupplyId,
        line: LineId,
        most: usize,
    ) -> Result<usize, StoreError> {
        backlog::ahead(self.conn()?, tenant, supply, line, most)
    }
    fn records(
        &mut self,
        tenant: &TenantId,
        shelf: Shelf,
        kind: &str,
        ids: &[&str],
    ) -> Result<Vec<Record>, StoreError> {
        records::records(self.conn()?, tenant, shelf, kind, ids)
    }
    fn record_page(
        &mut self,
        tenant: &TenantId,
        shelf: Shelf,
        kind: &str,
        filter: &RecordFilter<'_>,
        page: (Option<&str>, usize),
    ) -> Result<Vec<Record>, StoreError> {
        records::record_page(self.conn()?, tenant, shelf, kind, filter, page)
    }
    fn due_records(
        &mut self,
        shelf: Shelf,
        kind: &str,
        by: Timestamp,
        limit: usize,
    ) -> Result<Vec<(TenantId, Record)>, StoreError> {
        records::due_records(self.conn()?, shelf, kind, by, limit)
    }
    fn events(&mut self, tenant: &TenantId, after: i64, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        read::events(self.conn()?, tenant, after, limit)
    }
    fn last_event(&mut self, tenant: &TenantId) -> Result<i64, StoreError> {
        read::last_event(self.conn()?, tenant)
    }
    fn replay(&mut self, tenant: &TenantId, days: &[i32], key: &str) -> Result<Option<Replay>, StoreError> {
        read::replay(self.conn()?, tenant, days, key)
    }
    fn due(&mut self, by: Timestamp, limit: usize) -> Result<Vec<(TenantId, Timestamp, Timer)>, StoreError> {
        read::due(self.conn()?, by, limit)
    }
    fn next_due(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let first = read::due(self.conn()?, Timestamp::MAX, 1)?;
        Ok(first.first().map(|(_, at, _)| *at))
    }
    fn work(&mut self, limit: usize) -> Result<Vec<(TenantId, Work)>, StoreError> {
        read::work(self.conn()?, limit)
    }
    fn last_work(&mut self, tenant: &TenantId) -> Result<i64, StoreError> {
        read::last_work(self.conn()?, tenant)
    }
}

impl Write for Session {
    fn changed_elsewhere(&mut self) -> Result<bool, StoreError> {
        // Told tenant by tenant.
        Ok(false)
    }
    fn tells_elsewhere(&self) -> bool {
        true
    }
    fn elsewhere(&mut self, tenant: &TenantId) -> Result<Elsewhere, StoreError> {
        let waits = self.committed.map_or(Duration::ZERO, |at| STAND_ASIDE.saturating_sub(at.elapsed()));
        let (conn, heads) = self.parts()?;
        if conn.transaction() == Transaction::None && heads.has_met(tenant) && !waits.is_zero() {
            thread::park_timeout(waits);
        }
        heads.look(conn, tenant)
    }
    fn write(&mut self, tenant: &TenantId, changes: &Changes) -> Result<(), StoreError> {
        let batch = self.next_batch();
        let (conn, heads) = self.parts()?;
        write::changes(conn, heads, tenant, changes, batch)
    }
    fn key_marks(&mut self, tenant: &TenantId, most: usize) -> Result<Option<Vec<u64>>, StoreError> {
        read::key_marks(self.conn()?, tenant, most)
    }
    fn create_tenant(&mut self, tenant: &Tenant) -> Result<(), StoreError> {
        write::create_tenant(self.conn()?, tenant)
    }
    fn create_key(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        write::create_key(self.conn()?, key)
    }
    fn probe(&mut self) -> Result<(), StoreError> {
        self.conn()?.change("tried whether it can write", PROBE, []).map(drop)
    }
    fn forget_replays(
        &mut self,
        tenant: &TenantId,
        before_day: i32,
        after: i64,
        limit: usize,
    ) -> Result<(usize, Option<i64>), StoreError> {
        write::forget_replays(self.conn()?, tenant, before_day, (after, limit))
    }
    fn commit(&mut self) -> Result<(), StoreError> {
        self.end(Commit::OnDisk).map(drop)
    }
    fn commit_ahead(&mut self) -> Result<Committed, StoreError> {
        if !self.home.goes_ahead {
            return self.commit().map(|()| Committed::Kept);
        }
        let since = Instant::now();
        self.end(Commit::Ahead).map(|standing| Committed::Ahead(Pending { since, standing }))
    }
    fn rollback(&mut self) -> Result<(), StoreError> {
        self.heads.ended(false);
        self.conn()?.rollback()
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
        audit::rows(self.conn()?, tenant, table, after, limit)
    }
    fn damage(&mut self) -> Result<Vec<String>, StoreError> {
        // What PostgreSQL finds wrong with its files it says when it reads them.
        Ok(Vec::new())
    }
}
