//! Indexes over what comes in no order: idempotency keys and customers.
//!
//! An index entry at random dirties a page of its own, which costs more than all the rest of an order. So these two are
//! not filled row by row: what is new stands in the rows that are written anyway, at the end of their tables, and in the
//! writer's memory; when much has gathered it is sorted and put into its index in that order, several entries a page, a piece
//! with each commit: all at once it would hold one commit up for as long as a hundred others take. `marks` says how far an index
//! has come; what a crash forgets is read again from there.
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
/// A commit of so few orders is not one of many: its customers need not gather.
const CALM_ORDERS: usize = 8;
/// So many entries go into an index with each commit, beside two for each that came: so it is done before as many have gathered
/// again.
const PIECE: usize = 64;

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
    moving_keys: Moving<Bytes16, i64>,
    /// Keys on their way, and those of them that are there already.
    moved_keys: FxHashMap<Bytes16, i64>,
    moving_customers: Moving<Bytes16, Bytes16>,
    /// Entries that came since the last write.
    fresh: usize,
    /// The last entry and the last answer that all this follows from.
    last_event: i64,
    last_replay: i64,
}

/// Entries on their way into an index, by era, the last of the tree first.
struct Moving<K, V> {
    entries: Vec<(i64, K, V)>,
    /// How far the index has come when all of them are there.
    mark: i64,
}

impl<K, V> Default for Moving<K, V> {
    fn default() -> Self {
        Self { entries: Vec::new(), mark: 0 }
    }
}

impl<K: Ord, V: Ord> Moving<K, V> {
    fn new(mut entries: Vec<(i64, K, V)>, mark: i64) -> Self {
        entries.sort_unstable_by(|one, other| other.cmp(one));
        Self { entries, mark }
    }

    fn is_done(&self) -> bool {
        self.entries.is_empty()
    }

    /// The next ones, in the order of the tree, so that a page is changed once for all its entries.
    fn next(&mut self, most: usize) -> impl Iterator<Item = (i64, K, V)> {
        let from = self.entries.len().saturating_sub(most);
        self.entries.drain(from..).rev()
    }
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
        let gathered = self.of(conn, tenant)?;
        if let Some(seq) = gathered.keys.get(&key).or_else(|| gathered.moved_keys.get(&key)) {
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
        let gathered = self.of(conn, tenant)?;
        let keys = || gathered.keys.keys().chain(gathered.moved_keys.keys());
        let room = most.saturating_sub(gathered.keys.len() + gathered.moved_keys.len());
        let params = params![tenant.as_str(), at_most(room.saturating_add(1))];
        let mut marks =
            list(conn, "read the keys", sql::REPLAY_KEYS, params, |cells| Ok(mark_of(&cells.bytes(0)?)))?;
        if marks.len() > room {
            return Ok(None);
        }
        marks.extend(keys().map(mark_of));
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
        self.fresh += 1;
    }

    pub(super) fn drop_key(&mut self, key: &Bytes16, seq: i64) {
        for keys in [&mut self.keys, &mut self.moved_keys] {
            if keys.get(key) == Some(&seq) {
                keys.remove(key);
            }
        }
    }

    pub(super) fn customer(&mut self, customer: Bytes16, order: Bytes16) {
        self.customers.push((customer, order));
        self.fresh += 1;
    }

    /// Ends a write of so many orders, up to this entry of the ledger: of what gathered, a piece goes into its index.
    pub(super) fn end(
        &mut self,
        conn: &Connection,
        tenant: &TenantId,
        (orders, last_event): (usize, i64),
    ) -> Result<(), StoreError> {
        self.last_event = last_event;
        let piece = PIECE + 2 * std::mem::take(&mut self.fresh);
        let is_calm = orders <= CALM_ORDERS;
        if self.moving_customers.is_done() && (is_calm || self.customers.len() > GATHERED_MAX) {
            self.send_customers();
        }
        if self.moving_keys.is_done() && self.keys.len() > GATHERED_MAX {
            self.send_keys();
        }
        self.move_customers(conn, tenant, piece)?;
        self.move_keys(conn, tenant, piece)
    }

    /// Puts every customer that gathered into the index.
    pub(super) fn index_customers(&mut self, conn: &Connection, tenant: &TenantId) -> Result<(), StoreError> {
        self.move_customers(conn, tenant, usize::MAX)?;
        self.send_customers();
        self.move_customers(conn, tenant, usize::MAX)
    }

    /// Puts everything that gathered into its index.
    pub(super) fn index(&mut self, conn: &Connection, tenant: &TenantId) -> Result<(), StoreError> {
        self.index_customers(conn, tenant)?;
        self.move_keys(conn, tenant, usize::MAX)?;
        self.send_keys();
        self.move_keys(conn, tenant, usize::MAX)
    }

    /// Sends the customers that gathered on their way, when those before them are there.
    fn send_customers(&mut self) {
        let era = era_of_entry(self.last_event);
        let entries = self.customers.drain(..).map(|(customer, order)| (era, customer, order)).collect();
        self.moving_customers = Moving::new(entries, self.last_event);
    }

    fn move_customers(
        &mut self,
        conn: &Connection,
        tenant: &TenantId,
        most: usize,
    ) -> Result<(), StoreError> {
        if self.moving_customers.is_done() {
            return Ok(());
        }
        const DOING: &str = "indexed customers";
        let mut add = conn.prepare_cached(sql::ADD_CUSTOMER_ORDER).map_err(failed(DOING))?;
        for (era, customer, order) in self.moving_customers.next(most) {
            add.execute(params![tenant.as_str(), era, customer, order]).map_err(failed(DOING))?;
        }
        if self.moving_customers.is_done() {
            put_mark(conn, tenant, CUSTOMERS, self.moving_customers.mark)?;
        }
        Ok(())
    }

    /// Sends the keys that gathered on their way, when those before them are there.
    fn send_keys(&mut self) {
        self.moved_keys = std::mem::take(&mut self.keys);
        let entries = self.moved_keys.iter().map(|(key, seq)| (era_of_answer(*seq), *key, *seq)).collect();
        self.moving_keys = Moving::new(entries, self.last_replay);
    }

    fn move_keys(&mut self, conn: &Connection, tenant: &TenantId, most: usize) -> Result<(), StoreError> {
        if self.moving_keys.is_done() {
            return Ok(());
        }
        const DOING: &str = "indexed keys";
        let mut put = conn.prepare_cached(sql::PUT_REPLAY_KEY).map_err(failed(DOING))?;
        for (era, key, seq) in self.moving_keys.next(most) {
            // It may have been forgotten on its way.
            if self.moved_keys.get(&key) == Some(&seq) {
                put.execute(params![tenant.as_str(), era, key, seq]).map_err(failed(DOING))?;
            }
        }
        if self.moving_keys.is_done() {
            self.moved_keys = FxHashMap::default();
            put_mark(conn, tenant, KEYS, self.moving_keys.mark)?;
        }
        Ok(())
    }
}

fn put_mark(conn: &Connection, tenant: &TenantId, name: &str, seq: i64) -> Result<(), StoreError> {
    const DOING: &str = "marked how far an index has come";
    let mut put = conn.prepare_cached(sql::PUT_MARK).map_err(failed(DOING))?;
    put.execute(params![tenant.as_str(), name, seq]).map(drop).map_err(failed(DOING))
}

#[cfg(test)]
mod tests {
    use model::time::Timestamp;

    use super::{
        super::{Role, SqliteStore},
        *,
    };
    use crate::{Store, Tenant};

    const KEYS_TOLD: i64 = 70_000;

    fn count(conn: &Connection) -> i64 {
        conn.query_row("SELECT count(*) FROM replay_keys", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn keys_go_into_their_index_in_pieces_and_are_found_on_their_way_and_after_a_crash() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path()).unwrap();
        let tenant = TenantId::new("acme").unwrap();
        let mut writer = store.writer().unwrap();
        let created_at = Timestamp::UNIX_EPOCH;
        writer.create_tenant(&Tenant { id: tenant.clone(), created_at, salt: [1; 32] }).unwrap();
        writer.commit().unwrap();
        drop(writer);
        let conn = store.shared.connect(Role::Writes).unwrap();
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        let sql = "INSERT INTO replays (tenant, seq, day, lasting, key, request) VALUES ('acme', ?1, 0, 0, ?2, x'')";
        let mut add = conn.prepare(sql).unwrap();
        for seq in 1..=KEYS_TOLD {
            add.execute(params![seq, digest(&format!("key {seq}"))]).unwrap();
        }
        let mut tail = Tail::default();
        tail.of(&conn, &tenant).unwrap().end(&conn, &tenant, (100, 0)).unwrap();
        assert_eq!(count(&conn), 64);
        let found = |tail: &mut Tail| {
            let seqs = (1..=KEYS_TOLD).step_by(997);
            for seq in seqs.clone() {
                assert_eq!(tail.find(&conn, &tenant, &format!("key {seq}")).unwrap(), Some(seq));
            }
            assert_eq!(tail.find(&conn, &tenant, "none").unwrap(), None);
        };
        found(&mut tail);
        // A process that ends here reads them again, with those that are there already.
        tail.forget();
        tail.of(&conn, &tenant).unwrap().end(&conn, &tenant, (100, 0)).unwrap();
        found(&mut tail);
        // One is forgotten on its way, and stays so.
        tail.of(&conn, &tenant).unwrap().drop_key(&digest("key 35000"), 35_000);
        for _ in 0..KEYS_TOLD / 64 {
            tail.of(&conn, &tenant).unwrap().end(&conn, &tenant, (100, 0)).unwrap();
        }
        assert_eq!(mark(&conn, &tenant, KEYS).unwrap(), KEYS_TOLD);
        assert_eq!(count(&conn), KEYS_TOLD - 1);
        found(&mut tail);
        assert_eq!(tail.find(&conn, &tenant, "key 35000").unwrap(), None);
    }
}
