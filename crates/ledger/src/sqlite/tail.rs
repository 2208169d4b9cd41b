//! Indexes over what comes in no order: idempotency keys and customers.
//!
//! An index entry at random dirties a page of its own, which costs more than all the rest of an order. So these two are
//! not filled row by row: what is new stands in the rows that are written anyway, at the end of their tables, and in the
//! writer's memory; when much has gathered it is sorted and put into its index in one go, several entries a page. `marks`
//! says how far an index has come; what a crash forgets is read again from there.
//!
//! An index is in eras, so many entries of the ledger or answers each, and only the last era is written to: otherwise each
//! bulk would touch more pages the longer a shop is open. A look-up asks era by era.

use model::id::TenantId;
use rusqlite::{Connection, params};
use rustc_hash::FxHashMap;

use super::{
    cells::{each, failed, list, one},
    read::mark,
    sql,
};
use crate::{
    StoreError,
    cells::{ReadCells, at_most},
    key::{digest, mark_of},
};

/// The mark of the index of customers: a ledger entry.
pub(super) const CUSTOMERS: &str = "customers";
/// The mark of the index of keys: an answer.
const KEYS: &str = "keys";
/// Most entries that gather before they go into their index.
const GATHERED_MAX: usize = 65_536;
/// A commit of so few orders is not one of many: its entries go in at once, and with them so many that gathered before.
const CALM_ORDERS: usize = 8;
const CALM_ENTRIES: usize = 256;

/// An era is 2¹⁸ answers, or as many orders with their promises.
const ERA_BITS: u32 = 18;

type Bytes16 = [u8; 16];

/// The era of an answer's number.
pub(super) fn era_of_answer(seq: i64) -> i64 {
    seq >> ERA_BITS
}

/// The era of a ledger entry: most orders are two.
fn era_of_entry(seq: i64) -> i64 {
    seq >> (ERA_BITS + 1)
}

/// What of each tenant's keys and customers its indexes do not have yet. True until another process writes.
#[derive(Default)]
pub(super) struct Tail {
    tenants: FxHashMap<TenantId, Gathered>,
}

#[derive(Default)]
pub(super) struct Gathered {
    keys: FxHashMap<Bytes16, i64>,
    customers: Vec<(Bytes16, Bytes16)>,
    /// The last entry and the last answer that all this follows from.
    last_event: i64,
    last_replay: i64,
}

impl Tail {
    /// Forgets what is not known to be kept.
    pub(super) fn forget(&mut self) {
        self.tenants.clear();
    }

    /// What gathered of a tenant, read again from the rows where it is not in memory.
    pub(super) fn of(&mut self, conn: &Connection, tenant: &TenantId) -> Result<&mut Gathered, StoreError> {
        if !self.tenants.contains_key(tenant) {
            self.tenants.insert(tenant.clone(), Gathered::read(conn, tenant)?);
        }
        // Inserted above where it was missing.
        Ok(self.tenants.entry(tenant.clone()).or_default())
    }

    /// The number of a key's answer.
    pub(super) fn find(
        &mut self,
        conn: &Connection,
        tenant: &TenantId,
        key: &str,
    ) -> Result<Option<i64>, StoreError> {
        let key = digest(key);
        const DOING: &str = "looked a key up";
        if let Some(seq) = self.of(conn, tenant)?.keys.get(&key) {
            return Ok(Some(*seq));
        }
        let last = one(conn, DOING, sql::REPLAY_ERA, params![tenant.as_str()], |cells| cells.int(0))?;
        // The newest answer counts.
        for era in (0..=last.unwrap_or(-1)).rev() {
            let found =
                one(conn, DOING, sql::REPLAY_KEY, params![tenant.as_str(), era, key], |cells| cells.int(0))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The first bytes of every key, if there are no more than so many.
    pub(super) fn key_marks(
        &mut self,
        conn: &Connection,
        tenant: &TenantId,
        most: usize,
    ) -> Result<Option<Vec<u64>>, StoreError> {
        let keys = &self.of(conn, tenant)?.keys;
        let room = most.saturating_sub(keys.len());
        let params = params![tenant.as_str(), at_most(room.saturating_add(1))];
        let mut marks =
            list(conn, "read the keys", sql::REPLAY_KEYS, params, |cells| Ok(mark_of(&cells.bytes(0)?)))?;
        if marks.len() > room {
            return Ok(None);
        }
        marks.extend(keys.keys().map(mark_of));
        Ok(Some(marks))
    }
}

impl Gathered {
    /// Nothing, with a ledger that goes up to this entry.
    pub(super) fn after(last_event: i64) -> Self {
        Self { last_event, ..Self::default() }
    }

    fn read(conn: &Connection, tenant: &TenantId) -> Result<Self, StoreError> {
        let name = tenant.as_str();
        let mut gathered = Self {
            last_event: super::read::last_event(conn, tenant)?,
            last_replay: super::read::last(conn, sql::LAST_REPLAY, params![name])?,
            ..Self::default()
        };
        let after = mark(conn, tenant, KEYS)?;
        each(conn, "read the keys", sql::REPLAYS_AFTER, params![name, after], |cells| {
            gathered.keys.insert(cells.bytes(0)?, cells.int(1)?);
            Ok(())
        })?;
        let after = mark(conn, tenant, CUSTOMERS)?;
        each(conn, "read the customers", sql::CUSTOMERS_AFTER, params![name, after], |cells| {
            gathered.customers.push((cells.bytes(0)?, cells.bytes(1)?));
            Ok(())
        })?;
        Ok(gathered)
    }

    /// The last entry of the ledger.
    pub(super) fn last_event(&self) -> i64 {
        self.last_event
    }

    /// The number of the last answer.
    pub(super) fn last_replay(&self) -> i64 {
        self.last_replay
    }

    pub(super) fn key(&mut self, key: Bytes16, seq: i64) {
        self.keys.insert(key, seq);
        self.last_replay = seq;
    }

    pub(super) fn drop_key(&mut self, key: &Bytes16, seq: i64) {
        if self.keys.get(key) == Some(&seq) {
            self.keys.remove(key);
        }
    }

    pub(super) fn customer(&mut self, customer: Bytes16, order: Bytes16) {
        self.customers.push((customer, order));
    }

    /// Ends a write of so many orders, up to this entry of the ledger: what gathered goes into its index when it is time.
    pub(super) fn end(
        &mut self,
        conn: &Connection,
        tenant: &TenantId,
        (orders, last_event): (usize, i64),
    ) -> Result<(), StoreError> {
        self.last_event = last_event;
        let calm = orders <= CALM_ORDERS && self.customers.len() <= CALM_ENTRIES;
        if !self.customers.is_empty() && (calm || self.customers.len() > GATHERED_MAX) {
            self.index_customers(conn, tenant)?;
        }
        if self.keys.len() > GATHERED_MAX {
            self.index_keys(conn, tenant)?;
        }
        Ok(())
    }

    /// Puts every customer that gathered into the index.
    pub(super) fn index_customers(&mut self, conn: &Connection, tenant: &TenantId) -> Result<(), StoreError> {
        if self.customers.is_empty() {
            return Ok(());
        }
        const DOING: &str = "indexed customers";
        // In the order of the tree, so that a page is changed once for all its entries.
        self.customers.sort_unstable();
        let era = era_of_entry(self.last_event);
        let mut add = conn.prepare_cached(sql::ADD_CUSTOMER_ORDER).map_err(failed(DOING))?;
        for (customer, order) in self.customers.drain(..) {
            add.execute(params![tenant.as_str(), era, customer, order]).map_err(failed(DOING))?;
        }
        put_mark(conn, tenant, CUSTOMERS, self.last_event)
    }

    /// Puts everything that gathered into its index.
    pub(super) fn index(&mut self, conn: &Connection, tenant: &TenantId) -> Result<(), StoreError> {
        self.index_customers(conn, tenant)?;
        self.index_keys(conn, tenant)
    }

    fn index_keys(&mut self, conn: &Connection, tenant: &TenantId) -> Result<(), StoreError> {
        const DOING: &str = "indexed keys";
        let mut keys: Vec<(i64, Bytes16, i64)> =
            self.keys.drain().map(|(key, seq)| (era_of_answer(seq), key, seq)).collect();
        keys.sort_unstable();
        let mut put = conn.prepare_cached(sql::PUT_REPLAY_KEY).map_err(failed(DOING))?;
        for (era, key, seq) in keys {
            put.execute(params![tenant.as_str(), era, key, seq]).map_err(failed(DOING))?;
        }
        put_mark(conn, tenant, KEYS, self.last_replay)
    }
}

fn put_mark(conn: &Connection, tenant: &TenantId, name: &str, seq: i64) -> Result<(), StoreError> {
    const DOING: &str = "marked how far an index has come";
    let mut put = conn.prepare_cached(sql::PUT_MARK).map_err(failed(DOING))?;
    put.execute(params![tenant.as_str(), name, seq]).map(drop).map_err(failed(DOING))
}
