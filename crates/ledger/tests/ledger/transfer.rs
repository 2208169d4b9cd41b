//! A whole store copied into another one, of either engine.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ledger::{
    Store, StoreError,
    audit::{Row, Table},
    postgres::PostgresStore,
    sqlite::{FILE, SqliteStore},
    transfer::{Copied, CopyError, Fill, TABLES, TENANTS, copy},
    verify::verify,
};
use model::id::TenantId;
use testkit::postgres::Cluster;

use crate::world::{World, ask};

fn sqlite(dir: &std::path::Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open_to_fill(dir).unwrap())
}

fn postgres(url: &str) -> Arc<dyn Store> {
    Arc::new(PostgresStore::open_to_fill(url).unwrap())
}

fn copied(from: &dyn Store, into: &dyn Store) -> Result<Copied, CopyError> {
    copy(from, into, &mut *into.filler()?, &mut |_| {})
}

fn shop(store: &dyn Store) -> World {
    let mut world = World::create("acme", store);
    world.item("A");
    let shelf = world.stock("A", 90);
    for units in 1..8 {
        world.place(&[ask("A", units, shelf)]);
    }
    world.hold(&[ask("A", 1, shelf)]);
    world.commit(store);
    World::create("other", store);
    world
}

/// Every row of a store, but of what engines keep beside.
fn rows(store: &dyn Store) -> BTreeMap<(String, &'static str), Vec<Row>> {
    let mut audit = store.auditor().unwrap();
    let tenants = store.reader().unwrap().tenants().unwrap();
    let mut all = BTreeMap::new();
    for tenant in tenants {
        for table in &TABLES {
            let rows = audit.rows(&tenant.id, table, &[], 1_000_000).unwrap();
            all.insert((tenant.id.to_string(), table.name), rows);
        }
    }
    all
}

#[test]
fn a_store_goes_to_the_other_engine_and_back_row_by_row() {
    let (here, back) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = sqlite(here.path());
    let mut world = shop(&*source);
    let url = Cluster::shared().database();
    let there = postgres(&url);
    let first = copied(&*source, &*there).unwrap();
    assert_eq!((first.tenants, first.put, first.removed), (2, first.rows, 0));
    assert!(first.rows > 30, "{first:?}");
    assert_eq!(rows(&*there), rows(&*source));
    // A copy that is done changes nothing.
    assert_eq!(copied(&*source, &*there).unwrap(), Copied { put: 0, ..first });
    // It is a shop like any other: it goes on, and comes back.
    let opened = PostgresStore::open(&url).unwrap();
    let secret = |store: &dyn Store| store.reader().unwrap().secret().unwrap();
    assert_eq!(secret(&opened), secret(&*source), "links to status pages still hold");
    world.stock("A", 5);
    world.commit(&opened);
    let home = sqlite(back.path());
    copied(&opened, &*home).unwrap();
    assert_eq!(rows(&*home), rows(&opened));
    world.stock("A", 6);
    world.commit(&*home);
    let report = verify(&*home, &world.tenant, here.path(), &mut |_| {}).unwrap();
    assert_eq!(report.violations, []);
    assert!(matches!(copied(&*source, &*home), Err(CopyError::Differs(_))), "it has gone on by itself");
}

/// Fails after so many commits.
struct Breaks {
    fill: Box<dyn Fill>,
    left: usize,
}

impl Fill for Breaks {
    fn begun(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        self.fill.begun()
    }
    fn begin(&mut self, secret: &[u8; 32]) -> Result<(), StoreError> {
        self.fill.begin(secret)
    }
    fn put(&mut self, tenant: &TenantId, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
        self.fill.put(tenant, table, rows)
    }
    fn remove(&mut self, tenant: &TenantId, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
        self.fill.remove(tenant, table, rows)
    }
    fn commit(&mut self) -> Result<(), StoreError> {
        self.left =
            self.left.checked_sub(1).ok_or_else(|| StoreError::driver("copied", "as the test says"))?;
        self.fill.commit()
    }
    fn end(&mut self, tenants: &[TenantId], secret: &[u8; 32]) -> Result<(), StoreError> {
        self.fill.end(tenants, secret)
    }
}

#[test]
fn a_copy_that_is_interrupted_is_opened_by_nobody_and_goes_on() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = sqlite(here.path());
    let mut world = shop(&*source);
    let url = Cluster::shared().database();
    type Open<'s> = Box<dyn Fn() -> Result<(), StoreError> + 's>;
    let into: [(Arc<dyn Store>, Open<'_>); 2] = [
        (sqlite(there.path()), Box::new(|| SqliteStore::open(there.path()).map(drop))),
        (postgres(&url), Box::new(|| PostgresStore::open(&url).map(drop))),
    ];
    for left in 0..4 {
        for (into, open) in &into {
            let mut breaks = Breaks { fill: into.filler().unwrap(), left };
            let broken = copy(&*source, &**into, &mut breaks, &mut |_| {});
            assert!(matches!(broken, Err(CopyError::Store(_))), "{broken:?}");
            drop(breaks);
            let refused = open().unwrap_err();
            assert!(refused.to_string().contains("shipwhen move"), "{refused}");
        }
        // What the source has become meanwhile is what is copied.
        world.stock("A", 1);
        world.commit(&*source);
    }
    for (into, open) in &into {
        let done = copied(&*source, &**into).unwrap();
        assert!(0 < done.put && done.put < done.rows, "it went on where it was: {done:?}");
        open().unwrap();
        assert_eq!(rows(&**into), rows(&*source));
        assert_eq!(verify(&**into, &world.tenant, here.path(), &mut |_| {}).unwrap().violations, []);
    }
}

#[test]
fn a_copy_goes_into_no_other_shop() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (source, taken) = (sqlite(here.path()), sqlite(there.path()));
    shop(&*source);
    World::create("elsewhere", &*taken);
    let before = rows(&*taken);
    assert!(matches!(copied(&*source, &*taken), Err(CopyError::Taken)));
    assert_eq!(rows(&*taken), before);
}

/// A table or a column that a migration adds is not forgotten.
#[test]
fn every_column_of_every_table_is_copied() {
    let dir = tempfile::tempdir().unwrap();
    SqliteStore::open(dir.path()).unwrap();
    let conn = rusqlite::Connection::open(dir.path().join(FILE)).unwrap();
    let sql =
        "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'";
    let mut statement = conn.prepare(sql).unwrap();
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let found: BTreeSet<(String, String)> = found.map(Result::unwrap).collect();
    let mut known = BTreeSet::new();
    for table in TABLES.iter().chain([&TENANTS]) {
        let columns = ["tenant"].iter().chain(table.key).chain(table.columns);
        known.extend(columns.map(|column| (table.name.to_owned(), (*column).to_owned())));
    }
    // Made anew, or not of the shop.
    let beside = ["customer_orders", "installation", "marks", "migrations", "replay_keys"];
    let found: BTreeSet<_> = found.into_iter().filter(|(table, _)| !beside.contains(&&**table)).collect();
    assert_eq!(found, known);
}
