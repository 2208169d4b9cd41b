//! The store trait.

use std::{collections::BTreeSet, sync::Arc, time::Instant};

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

use crate::{
    Allocated, ApiKey, ArrivalDay, Audit, Backlog, Changes, EventRow, OrderFilter, QueuePart, QueueRow,
    RecordFilter, Replay, Shelf, StoreError, Tenant, Timer, Work, transfer::Fill,
};

/// What [`Write::probe`] writes in a database.
pub(crate) const PROBE: &str = "UPDATE installation SET value = value WHERE name = 'secret'";

/// A database. Cheap to share; each writer and reader has a connection of its own.
pub trait Store: Send + Sync {
    /// Opens a connection that writes. Errors: the database cannot be opened, or is of another version.
    fn writer(&self) -> Result<Box<dyn Write>, StoreError>;

    /// Takes a connection that reads, at the state of the last commit; it goes back when dropped.
    fn reader(&self) -> Result<Box<dyn Read>, StoreError>;

    /// Takes a connection that reads rows as they are stored, for [`crate::verify`].
    fn auditor(&self) -> Result<Box<dyn Audit>, StoreError>;

    /// Looks after what other processes change, for readers that hold pools in memory; `None`: a writer's
    /// [`Write::changed_elsewhere`] is all there is.
    fn watch(&self) -> Result<Option<Box<dyn Watch>>, StoreError> {
        Ok(None)
    }

    /// Opens what waits for the disk after [`Write::commit_ahead`]; `None`: every commit of this store waits for itself.
    fn flusher(&self) -> Result<Option<Box<dyn Flush>>, StoreError> {
        Ok(None)
    }

    /// Opens a connection that writes rows as they are stored, for a copy of another store ([`crate::transfer`]). Errors: this
    /// kind of store does not take any.
    fn filler(&self) -> Result<Box<dyn Fill>, StoreError> {
        Err(StoreError::driver("opened a store to copy into it", "this kind of store takes no copy"))
    }

    /// Writes a consistent copy to a file while others write. Errors: the file exists, or cannot be written.
    fn backup(&self, to: &std::path::Path) -> Result<(), StoreError>;
}

/// What others have changed of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elsewhere {
    /// Nothing: what is known is as it is stored.
    Nothing,
    /// These pools with their policies and supplies, and whatever orders.
    Some {
        /// Each with its version since; sorted, unique.
        pools: Vec<(Sku, u64)>,
        /// Whether locations, holds, records or work changed.
        others: bool,
        /// The marks of keys that have an answer since ([`key_mark`](crate::key_mark)).
        keys: Vec<u64>,
    },
    /// It is not known what.
    Everything,
}

/// How far a commit is.
#[derive(Debug, Clone)]
pub enum Committed {
    /// It is on disk.
    Kept,
    /// Everybody sees it, and it is kept before anything that is committed later; but it may not be on disk yet.
    Ahead(Pending),
}

/// What is told again after a commit that went ahead of its disk.
#[derive(Debug, Clone)]
pub struct Pending {
    /// When it had not begun to be committed, or read, yet.
    pub since: Instant,
    /// How the tenants stand that it wrote for, or rests on. None: nothing tells whether it was kept.
    pub standing: Vec<Standing>,
}

/// How a tenant stands after a commit: by this the commit is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whose.
    pub tenant: TenantId,
    /// How many commits there have been.
    pub version: i64,
    /// The name of the batch that made the last, which no other has.
    pub batch: [u8; 16],
}

/// Waits for the disk.
pub trait Flush: Send {
    /// Waits until everything that was committed before this call, by whomever, is on disk. Answers how many of these commits,
    /// in the order in which they were made, were kept: all, unless the database failed since; then those after are as if they
    /// had never been. Errors: it does not answer, so nobody knows of any.
    fn flush(&mut self, commits: &[Pending]) -> Result<usize, StoreError>;
}

/// Tells readers what others change.
pub trait Watch: Send {
    /// Answers what of these tenants was changed since it was last asked, by whomever; of those it is asked about for the
    /// first time, everything.
    fn look(&mut self, tenants: &[TenantId]) -> Result<Vec<(TenantId, Elsewhere)>, StoreError>;
}

/// Reading. One reader sees one state from its first call until it is dropped; a writer sees its own writes.
pub trait Read: Send {
    /// Every tenant, sorted.
    fn tenants(&mut self) -> Result<Vec<Tenant>, StoreError>;
    /// One tenant.
    fn tenant(&mut self, tenant: &TenantId) -> Result<Option<Tenant>, StoreError>;
    /// The key with this hash.
    fn api_key(&mut self, tenant: &TenantId, hash: &[u8; 32]) -> Result<Option<ApiKey>, StoreError>;
    /// Every key of a tenant, the oldest first; those made at one moment by their hashes.
    fn api_keys(&mut self, tenant: &TenantId) -> Result<Vec<ApiKey>, StoreError>;
    /// A secret of this installation by name, 32 bytes, made on first opening: signs the links to status pages.
    fn secret(&mut self) -> Result<[u8; 32], StoreError>;

    /// Every location, sorted by id.
    fn locations(&mut self, tenant: &TenantId) -> Result<Vec<(LocationId, LocationSettings)>, StoreError>;
    /// The pools of these SKUs with their open supplies; those that are not there are left out.
    fn pools(&mut self, tenant: &TenantId, skus: &[Sku]) -> Result<Vec<Pool>, StoreError>;
    /// Pools in the order of their SKUs, after one, so many.
    fn pool_page(
        &mut self,
        tenant: &TenantId,
        after: Option<&Sku>,
        limit: usize,
    ) -> Result<Vec<Pool>, StoreError>;
    /// A supply, open or closed.
    fn supply(&mut self, tenant: &TenantId, id: SupplyId) -> Result<Option<Supply>, StoreError>;
    /// Supplies by id, after one, so many; of one SKU, or of all; with or without closed ones.
    fn supply_page(
        &mut self,
        tenant: &TenantId,
        sku: Option<&Sku>,
        closed: bool,
        after: Option<SupplyId>,
        limit: usize,
    ) -> Result<Vec<Supply>, StoreError>;

    /// These orders with lines, pegs and promises; those that are not there are left out.
    fn orders(&mut self, tenant: &TenantId, ids: &[OrderId]) -> Result<Vec<Order>, StoreError>;
    /// Ids of orders, newest first, before one, so many.
    fn order_page(
        &mut self,
        tenant: &TenantId,
        filter: &OrderFilter,
        before: Option<OrderId>,
        limit: usize,
    ) -> Result<Vec<OrderId>, StoreError>;
    /// Who ordered.
    fn contact(&mut self, tenant: &TenantId, order: OrderId) -> Result<Option<Contact>, StoreError>;
    /// Units of each of these SKUs that a customer has in open and shipped orders.
    fn bought(
        &mut self,
        tenant: &TenantId,
        customer: CustomerKey,
        skus: &[Sku],
    ) -> Result<Vec<(Sku, Units)>, StoreError>;
    /// These holds; those that are gone are left out.
    fn holds(&mut self, tenant: &TenantId, ids: &[HoldId]) -> Result<Vec<Hold>, StoreError>;
    /// Every hold with units of this supply.
    fn holds_on(&mut self, tenant: &TenantId, supply: SupplyId) -> Result<Vec<Hold>, StoreError>;

    /// Lines with a peg on a supply, in the order of the part, after one (by the part's order), so many.
    fn queue(
        &mut self,
        tenant: &TenantId,
        supply: SupplyId,
        part: QueuePart,
        after: Option<LineId>,
        limit: usize,
    ) -> Result<Vec<Waiting>, StoreError>;
    /// The same with what a list shows, in the order of [`QueuePart::All`].
    fn queue_page(
        &mut self,
        tenant: &TenantId,
        supply: SupplyId,
        after: Option<LineId>,
        limit: usize,
    ) -> Result<Vec<QueueRow>, StoreError>;
    /// Lines with units on hand at a location that are not with fulfilment; only of these SKUs, as they were ordered, where
    /// some are given. In no order; a line may stand more than once.
    fn allocated(
        &mut self,
        tenant: &TenantId,
        location: &LocationId,
        skus: Option<&BTreeSet<Sku>>,
    ) -> Result<Vec<Allocated>, StoreError>;
    /// Lines with units at a location that are with fulfilment. In no order; a line may stand more than once.
    fn handed_over(&mut self, tenant: &TenantId, location: &LocationId)
    -> Result<Vec<Allocated>, StoreError>;
    /// SKUs with one of these tags.
    fn tagged(&mut self, tenant: &TenantId, tags: &[Arc<str>]) -> Result<BTreeSet<Sku>, StoreError>;
    /// Everything owed, counted in one pass over all open lines; late: told a ship date before `today`.
    fn backlog(&mut self, tenant: &TenantId, today: Date) -> Result<Backlog, StoreError>;
    /// Supplies that are due on a date given, the soonest first, so many.
    fn arrivals(&mut self, tenant: &TenantId, limit: usize) -> Result<Vec<Supply>, StoreError>;
    /// The same day by day, from one date to another, both included; of each day so many supplies, the first entered first. Days on
    /// which none is due are left out.
    fn arrival_days(
        &mut self,
        tenant: &TenantId,
        days: (Date, Date),
        a_day: usize,
    ) -> Result<Vec<ArrivalDay>, StoreError>;
    /// How many lines with a peg on a supply stand before one in [`QueuePart::All`]; counts no further than `most`.
    fn ahead(
        &mut self,
        tenant: &TenantId,
        supply: SupplyId,
        line: LineId,
        most: usize,
    ) -> Result<usize, StoreError>;

    /// These records of one kind; those that are not there are left out.
    fn records(
        &mut self,
        tenant: &TenantId,
        shelf: Shelf,
        kind: &str,
        ids: &[&str],
    ) -> Result<Vec<Record>, StoreError>;
    /// Records of one kind in the order of their ids, after one, so many.
    fn record_page(
        &mut self,
        tenant: &TenantId,
        shelf: Shelf,
        kind: &str,
        filter: &RecordFilter<'_>,
        page: (Option<&str>, usize),
    ) -> Result<Vec<Record>, StoreError>;
    /// Records of one kind due by a moment over all tenants, earliest first, so many.
    fn due_records(
        &mut self,
        shelf: Shelf,
        kind: &str,
        by: Timestamp,
        limit: usize,
    ) -> Result<Vec<(TenantId, Record)>, StoreError>;

    /// Ledger entries after a number, so many.
    fn events(&mut self, tenant: &TenantId, after: i64, limit: usize) -> Result<Vec<EventRow>, StoreError>;
    /// The newest ledger entry's number, 0 where there is none.
    fn last_event(&mut self, tenant: &TenantId) -> Result<i64, StoreError>;
    /// The answer stored for a key, if it was given on one of these days or is lasting; of several the newest.
    fn replay(&mut self, tenant: &TenantId, days: &[i32], key: &str) -> Result<Option<Replay>, StoreError>;
    /// Timers due by a moment over all tenants, earliest first, so many.
    fn due(&mut self, by: Timestamp, limit: usize) -> Result<Vec<(TenantId, Timestamp, Timer)>, StoreError>;
    /// The next timer over all tenants.
    fn next_due(&mut self) -> Result<Option<Timestamp>, StoreError>;
    /// Work to do over all tenants, so many.
    fn work(&mut self, limit: usize) -> Result<Vec<(TenantId, Work)>, StoreError>;
    /// The highest number of a tenant's work, 0 where it has none.
    fn last_work(&mut self, tenant: &TenantId) -> Result<i64, StoreError>;
}

/// Writing: any number of [`Write::write`] and reads, then one [`Write::commit`]. Without it nothing is kept.
pub trait Write: Read {
    /// Whether another process has committed since this was last asked: what is known from before may be outdated. Nothing
    /// changes from here to the commit but by this writer.
    fn changed_elsewhere(&mut self) -> Result<bool, StoreError>;
    /// Whether many may write at once, and what others changed is told tenant by tenant ([`Write::elsewhere`]).
    fn tells_elsewhere(&self) -> bool {
        false
    }
    /// Answers what others have changed of a tenant since this writer last asked or wrote. Nobody else writes for this tenant
    /// from here to the end of the transaction. What is written for a tenant without asking in the same transaction is in
    /// [`Conflict`](StoreError::Conflict) if others have changed anything since it was last asked.
    fn elsewhere(&mut self, tenant: &TenantId) -> Result<Elsewhere, StoreError> {
        let _ = tenant;
        Ok(Elsewhere::Nothing)
    }
    /// Writes what a tenant's commands changed; visible to this writer's reads at once.
    fn write(&mut self, tenant: &TenantId, changes: &Changes) -> Result<(), StoreError>;
    /// Makes a tenant. Errors: it exists.
    fn create_tenant(&mut self, tenant: &Tenant) -> Result<(), StoreError>;
    /// Stores a key.
    fn create_key(&mut self, key: &ApiKey) -> Result<(), StoreError>;
    /// Every key that may have an answer, as [`key_mark`](crate::key_mark) marks it, where this writer alone adds to them
    /// and they are no more than so many; else `None`: then only [`Read::replay`] can tell.
    fn key_marks(&mut self, tenant: &TenantId, most: usize) -> Result<Option<Vec<u64>>, StoreError>;
    /// Writes something that changes nothing: the commit after it shows whether anything can be kept at all.
    fn probe(&mut self) -> Result<(), StoreError>;
    /// Looks at answers after a number, in the order in which they were given, so many at most, and forgets those of days
    /// before this one that are not lasting. Answers how many it looked at, and the number to go on after; `None`: the
    /// next one is of that day or later, or there is none.
    fn forget_replays(
        &mut self,
        tenant: &TenantId,
        before_day: i32,
        after: i64,
        limit: usize,
    ) -> Result<(usize, Option<i64>), StoreError>;
    /// Keeps everything written since the last commit, durably: it is on disk when this returns. Errors: nothing was kept,
    /// but where it is [`Unknown`](StoreError::Unknown): then nobody knows.
    fn commit(&mut self) -> Result<(), StoreError>;
    /// The same without waiting for the disk, where a store can ([`Store::flusher`]): whoever comes next has what was written, and
    /// nobody is told before it is flushed. Errors: as of [`Write::commit`].
    fn commit_ahead(&mut self) -> Result<Committed, StoreError> {
        self.commit().map(|()| Committed::Kept)
    }
    /// Drops everything written since the last commit.
    fn rollback(&mut self) -> Result<(), StoreError>;
}
