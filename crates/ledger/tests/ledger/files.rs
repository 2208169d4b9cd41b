//! What only a store in a file can do wrong.

use std::{path::Path, thread};

use ledger::{
    OrderFilter, Store, StoreError,
    sqlite::{FILE, SqliteStore},
    verify::verify,
};

use crate::{
    Engine, Sqlite,
    suite::rows::eventful,
    world::{World, tenant},
};

const FIRST: &str = include_str!("../../migrations/0001_foundation.sqlite.sql");

fn sql(dir: &Path, text: &str) {
    rusqlite::Connection::open(dir.join(FILE)).unwrap().execute_batch(text).unwrap();
}

#[test]
fn a_backup_is_the_state_of_the_last_commit_and_overwrites_nothing() {
    let engine = Sqlite::new();
    let mut world = eventful(&engine, "acme");
    let store = engine.open();
    let mut writer = store.writer().unwrap();
    world.item("Z");
    world.write(&mut *writer).unwrap();
    let copy = engine.dir().join("copy");
    std::fs::create_dir(&copy).unwrap();
    store.backup(&copy.join(FILE)).unwrap();
    writer.commit().unwrap();
    let files: Vec<_> = std::fs::read_dir(&copy).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, [FILE], "one file is the whole of it");
    assert!(store.backup(&copy.join(FILE)).is_err());
    assert!(store.backup(&engine.dir().join("nowhere").join(FILE)).is_err());
    let copy = SqliteStore::open(&copy).unwrap();
    let report = verify(&copy, &world.tenant, engine.dir(), &mut |_| {}).unwrap();
    assert_eq!((report.violations_found, report.skus), (0, 4), "{report:?}");
    assert_eq!(copy.reader().unwrap().pool_page(&world.tenant, None, 9).unwrap().len(), 4);
    assert_eq!(store.reader().unwrap().pool_page(&world.tenant, None, 9).unwrap().len(), 5);
}

#[test]
fn many_may_open_a_new_store_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new");
    let secrets: Vec<[u8; 32]> = thread::scope(|scope| {
        let open = || SqliteStore::open(&path).unwrap().reader().unwrap().secret().unwrap();
        let all: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(secrets.iter().all(|secret| *secret == secrets[0]));
}

/// A store as the first version wrote it.
const BEFORE_0002: &str = include_str!("fixtures/0001_foundation.sqlite.sql");

fn first_version(dir: &Path, rows: &str) {
    sql(dir, FIRST);
    sql(
        dir,
        &format!(
            "CREATE TABLE migrations (name TEXT NOT NULL PRIMARY KEY, checksum BLOB NOT NULL) STRICT, WITHOUT ROWID;
             INSERT INTO migrations VALUES ('0001_foundation', x'{SHA256_OF_FIRST}');
             {rows}"
        ),
    );
}

#[test]
fn a_file_made_by_the_first_migration_still_opens() {
    let dir = tempfile::tempdir().unwrap();
    let rows = "INSERT INTO tenants VALUES ('acme', 1790000000000000, zeroblob(32));
        INSERT INTO pools VALUES ('acme', 'A', 7, 1, '{\"sku\":\"A\",\"later\":\"field\"}');";
    first_version(dir.path(), rows);
    let store = SqliteStore::open(dir.path()).unwrap();
    let pool = store.reader().unwrap().pool_page(&tenant("acme"), None, 9).unwrap().remove(0);
    assert_eq!((pool.version, pool.settling), (7, true));
}

#[test]
fn orders_of_the_first_version_are_carried_over_whole() {
    let dir = tempfile::tempdir().unwrap();
    first_version(dir.path(), BEFORE_0002);
    let store = SqliteStore::open(dir.path()).unwrap();
    let acme = tenant("acme");
    let report = verify(&store, &acme, dir.path(), &mut |_| {}).unwrap();
    assert_eq!((report.violations, report.events, report.open_lines), (vec![], 13, 4));
    let mut reader = store.reader().unwrap();
    let filter = OrderFilter { reference: Some("R1".into()), ..OrderFilter::default() };
    let id = reader.order_page(&acme, &filter, None, 9).unwrap()[0];
    let order = reader.orders(&acme, &[id]).unwrap().remove(0);
    let quantities = |line: &model::order::Line| line.pegs.iter().map(|peg| peg.quantity).collect::<Vec<_>>();
    assert_eq!(order.lines.iter().map(quantities).collect::<Vec<_>>(), [vec![3, 2], vec![1]]);
    assert_eq!(order.lines[0].promises.len(), 1);
    assert_eq!(reader.contact(&acme, id).unwrap().unwrap().email, Some("ada@example.com".into()));
    let customer = OrderFilter { customer: order.customer, ..OrderFilter::default() };
    assert_eq!(reader.order_page(&acme, &customer, None, 9).unwrap(), [id]);
    let supply = order.lines[0].pegs[1].supply;
    let queue = reader.queue(&acme, supply, ledger::QueuePart::All, None, 9).unwrap();
    assert_eq!(queue.iter().map(|waiting| waiting.quantity).collect::<Vec<_>>(), [2, 2]);
    let backlog = reader.backlog(&acme, crate::world::date("2026-11-26")).unwrap();
    assert_eq!((backlog.orders, backlog.lines), (3, 4));
}

/// Of the migration as it was released: an edit of the file fails here before it fails at a merchant's.
const SHA256_OF_FIRST: &str = "4caa7390b14313d0535ec8cd61e0234ddc6bda414bf86b8518e54bd0367d30ed";

#[test]
fn a_newer_or_edited_schema_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(dir.path()).unwrap());
    sql(dir.path(), "INSERT INTO migrations VALUES ('9999_later', zeroblob(32))");
    assert!(matches!(SqliteStore::open(dir.path()), Err(StoreError::Schema(why)) if why.contains("newer")));
    sql(
        dir.path(),
        "DELETE FROM migrations WHERE name = '9999_later'; UPDATE migrations SET checksum = zeroblob(32)",
    );
    assert!(matches!(SqliteStore::open(dir.path()), Err(StoreError::Schema(_))));
}

#[test]
fn no_key_lacks_its_tenant() {
    let dir = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(dir.path()).unwrap());
    let conn = rusqlite::Connection::open(dir.path().join(FILE)).unwrap();
    let mut statement = conn
        .prepare(
            "SELECT t.name, i.name, (SELECT name FROM pragma_index_info(i.name) WHERE seqno = 0)
             FROM sqlite_schema t, pragma_index_list(t.name) i WHERE t.type = 'table'",
        )
        .unwrap();
    let keys = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let keys: Vec<(String, String, String)> = keys.map(Result::unwrap).collect();
    assert!(keys.len() > 16, "{keys:?}");
    for (table, index, first) in keys {
        // These two belong to the installation.
        let own = ["installation", "migrations"].contains(&table.as_str());
        assert!(own || first == "tenant", "{table}: {index} starts with {first}");
    }
    let other: i64 = conn
        .query_row("SELECT count(*) FROM sqlite_schema WHERE type IN ('trigger', 'view')", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(other, 0);
}

#[test]
fn a_damaged_file_is_named() {
    let engine = Sqlite::new();
    let world = eventful(&engine, "acme");
    let dir = engine.dir().join("store");
    // An index that has lost a row its table has: no replay sees it, yet a look-up would miss an order.
    let edit = |from: &str, to: &str| {
        format!(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, '{from}', '{to}') WHERE name = 'orders_reference';
             PRAGMA writable_schema = RESET;"
        )
    };
    let (whole, cut) = ("reference IS NOT NULL", "reference IS NOT NULL AND length(reference) > 90");
    sql(&dir, &edit(whole, cut));
    sql(&dir, "REINDEX orders_reference");
    sql(&dir, &edit(cut, whole));
    let report = verify(&*engine.open(), &world.tenant, engine.dir(), &mut |_| {}).unwrap();
    assert!(report.violations.iter().any(|violation| violation.kind == "damage"), "{report:?}");
}

#[test]
fn a_reader_given_back_starts_anew() {
    let engine = Sqlite::new();
    let store = engine.open();
    let mut world = World::create("acme", &*store);
    for round in 0..20 {
        assert_eq!(store.reader().unwrap().last_event(&world.tenant).unwrap(), round);
        world.item("A");
        world.commit(&*store);
    }
}
