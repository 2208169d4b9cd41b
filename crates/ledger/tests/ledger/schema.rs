//! Both databases have the same tables, and those of PostgreSQL can be spread over machines by tenant.

use std::collections::{BTreeMap, BTreeSet};

use ledger::sqlite::FILE;

use crate::{Engine, Postgres, Sqlite};

/// Columns by table.
type Tables = BTreeMap<String, BTreeSet<String>>;

/// Indexes that SQLite fills in bulk; indexes like any other in PostgreSQL.
const SQLITE_ALONE: [&str; 3] = ["customer_orders", "marks", "replay_keys"];
/// Where writers of several nodes meet; SQLite has a lock on its file.
const POSTGRES_ALONE: [&str; 2] = ["changes", "heads"];
/// What belongs to no tenant.
const OF_NOBODY: [&str; 2] = ["installation", "migrations"];

fn of_sqlite() -> Tables {
    let engine = Sqlite::new();
    engine.open();
    let conn = rusqlite::Connection::open(engine.store().join(FILE)).unwrap();
    let mut statement = conn
        .prepare(
            "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'",
        )
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let mut tables = Tables::new();
    for (table, column) in rows.map(Result::unwrap) {
        let table: String = table;
        tables.entry(table).or_default().insert(column);
    }
    tables
}

fn of_postgres(engine: &Postgres) -> Tables {
    let said = engine.sql(
        "SELECT table_name || ' ' || column_name FROM information_schema.columns WHERE table_schema = 'public'",
    );
    let mut tables = Tables::new();
    for (table, column) in said.lines().filter_map(|line| line.split_once(' ')) {
        tables.entry(table.to_owned()).or_default().insert(column.to_owned());
    }
    tables
}

#[test]
fn both_databases_have_the_same_tables_and_columns() {
    let (mut sqlite, engine) = (of_sqlite(), Postgres::new());
    engine.open();
    let mut postgres = of_postgres(&engine);
    for name in SQLITE_ALONE {
        assert!(sqlite.remove(name).is_some(), "{name}");
    }
    for name in POSTGRES_ALONE {
        assert!(postgres.remove(name).is_some(), "{name}");
    }
    assert_eq!(sqlite, postgres);
}

#[test]
fn both_databases_have_migrations_of_the_same_names() {
    let (sqlite, postgres) = (Sqlite::new(), Postgres::new());
    sqlite.open();
    postgres.open();
    let conn = rusqlite::Connection::open(sqlite.store().join(FILE)).unwrap();
    let mut statement = conn.prepare("SELECT name FROM migrations ORDER BY name").unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap);
    let names: Vec<String> = names.collect();
    let said = postgres.sql("SELECT name FROM migrations ORDER BY name");
    assert_eq!(said.lines().collect::<Vec<_>>(), names);
}

/// What a distributed PostgreSQL refuses: keys without the tenant, references, triggers, sequences.
#[test]
fn every_table_can_be_spread_by_tenant() {
    let engine = Postgres::new();
    engine.open();
    let unique = engine.sql(
        "SELECT t.relname || ' ' || a.attname FROM pg_index i \
         JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace \
         JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0] \
         WHERE n.nspname = 'public' AND (i.indisunique OR i.indisprimary)",
    );
    let keys: Vec<(&str, &str)> = unique.lines().filter_map(|line| line.split_once(' ')).collect();
    let tables: BTreeSet<&str> = keys.iter().map(|(table, _)| *table).collect();
    assert!(tables.len() > 15, "{tables:?}");
    for (table, first) in &keys {
        assert!(*first == "tenant" || OF_NOBODY.contains(table), "a key of {table} starts with {first}");
    }
    let others = engine.sql(
        "SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal \
         UNION ALL SELECT 'reference ' || conname FROM pg_constraint WHERE contype = 'f' \
         UNION ALL SELECT 'sequence ' || relname FROM pg_class WHERE relkind = 'S' \
         UNION ALL SELECT 'function ' || proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
             WHERE n.nspname = 'public'",
    );
    assert_eq!(others, "");
    // The script that spreads them names every one.
    let script = include_str!("../../../../deploy/citus.sql");
    for table in tables.iter().filter(|table| !OF_NOBODY.contains(table)) {
        assert!(script.contains(&format!("'{table}'")), "deploy/citus.sql forgets {table}");
    }
}
