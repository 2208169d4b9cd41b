//! What only a store in a file can do wrong.

use std::{path::Path, thread};

use ledger::{
    Store, StoreError,
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

#[test]
fn a_file_made_by_the_first_migration_still_opens() {
    let dir = tempfile::tempdir().unwrap();
    sql(dir.path(), FIRST);
    let checksum: String = SHA256_OF_FIRST.to_owned();
    sql(
        dir.path(),
        &format!(
            "CREATE TABLE migrations (name TEXT NOT NULL PRIMARY KEY, checksum BLOB NOT NULL) STRICT, WITHOUT ROWID;
             INSERT INTO migrations VALUES ('0001_foundation', x'{checksum}');
             INSERT INTO tenants VALUES ('acme', 1790000000000000, zeroblob(32));
             INSERT INTO pools VALUES ('acme', 'A', 7, 1, '{{\"sku\":\"A\",\"later\":\"field\"}}');"
        ),
    );
    let store = SqliteStore::open(dir.path()).unwrap();
    let pool = store.reader().unwrap().pool_page(&tenant("acme"), None, 9).unwrap().remove(0);
    assert_eq!((pool.version, pool.settling), (7, true));
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
    assert!(keys.len() > 18, "{keys:?}");
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
    // An index that has lost a row its table has: no replay sees it, yet a queue would skip a line.
    sql(
        &dir,
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, '(tenant, supply_id, wanted_on, order_id, line)',
             '(tenant, supply_id, wanted_on, order_id, line) WHERE quantity > 100') WHERE name = 'pegs_queue';
         PRAGMA writable_schema = RESET;",
    );
    sql(&dir, "REINDEX pegs_queue");
    sql(
        &dir,
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, ' WHERE quantity > 100', '') WHERE name = 'pegs_queue';
         PRAGMA writable_schema = RESET;",
    );
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
