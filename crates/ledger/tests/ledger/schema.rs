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
}

/// Stands in for Citus, which no test has: `create_distributed_table` refuses what Citus refuses.
const CITUS: &str = r"
    CREATE TABLE pg_dist_partition (logicalrelid regclass PRIMARY KEY, colocated_with text NOT NULL);
    CREATE FUNCTION create_distributed_table(
        table_name regclass, distribution_column text, distribution_type text DEFAULT 'hash',
        colocate_with text DEFAULT 'default'
    ) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        column_no smallint;
    BEGIN
        SELECT attnum INTO column_no FROM pg_attribute
            WHERE attrelid = table_name AND attname = distribution_column AND NOT attisdropped;
        IF column_no IS NULL THEN
            RAISE 'column % of % does not exist', distribution_column, table_name;
        END IF;
        IF EXISTS (SELECT 1 FROM pg_dist_partition WHERE logicalrelid = table_name) THEN
            RAISE 'table % is already distributed', table_name;
        END IF;
        IF colocate_with <> 'default'
            AND NOT EXISTS (SELECT 1 FROM pg_dist_partition WHERE logicalrelid = colocate_with::regclass) THEN
            RAISE 'relation % is not distributed', colocate_with;
        END IF;
        IF EXISTS (SELECT 1 FROM pg_index
            WHERE indrelid = table_name AND (indisunique OR indisexclusion) AND NOT column_no = ANY(indkey)) THEN
            RAISE 'cannot create constraint on %: it does not include the partition column', table_name;
        END IF;
        IF EXISTS (SELECT 1 FROM pg_constraint
            WHERE contype = 'f' AND conrelid = table_name AND NOT column_no = ANY(conkey)) THEN
            RAISE 'cannot create foreign key of %: it does not include the partition column', table_name;
        END IF;
        IF EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = table_name AND NOT tgisinternal) THEN
            RAISE 'cannot distribute %: it has triggers', table_name;
        END IF;
        INSERT INTO pg_dist_partition VALUES (table_name, colocate_with);
    END $$;
";

/// The script that spreads the tables, without the one line that loads Citus.
fn spreading() -> String {
    const LOADS: &str = "CREATE EXTENSION IF NOT EXISTS citus;\n";
    let script = include_str!("../../../../deploy/citus.sql");
    assert_eq!(script.matches(LOADS).count(), 1);
    script.replace(LOADS, "")
}

#[test]
fn the_script_for_citus_spreads_every_table_once_and_stands_being_run_again() {
    let engine = Postgres::new();
    engine.open();
    let tables: BTreeSet<String> =
        of_postgres(&engine).into_keys().filter(|table| !OF_NOBODY.contains(&table.as_str())).collect();
    engine.sql(CITUS);
    // Tables that Citus would refuse are refused here.
    for refused in [
        "CREATE TABLE bad (tenant text, id bigint PRIMARY KEY)",
        "CREATE TABLE bad (tenant text, id bigint, UNIQUE (id))",
        "CREATE TABLE bad (id bigint)",
        "CREATE TABLE bad (tenant text, sku text REFERENCES other (sku))",
    ] {
        let said = engine.sql(&format!(
            "CREATE TABLE other (sku text PRIMARY KEY); {refused}; \
             DO $$ BEGIN PERFORM create_distributed_table('bad', 'tenant'); RAISE 'let in'; \
             EXCEPTION WHEN raise_exception THEN CREATE TABLE said AS SELECT SQLERRM AS why; END $$; \
             SELECT why FROM said; DROP TABLE said; DROP TABLE bad; DROP TABLE other"
        ));
        assert!(said.contains("bad") && !said.contains("let in"), "{refused}: {said}");
    }
    for _ in 0..2 {
        engine.sql(&spreading());
        let spread = engine.sql("SELECT logicalrelid FROM pg_dist_partition");
        let spread: Vec<&str> = spread.lines().collect();
        assert_eq!(spread.len(), tables.len());
        assert_eq!(spread.into_iter().map(str::to_owned).collect::<BTreeSet<String>>(), tables);
    }
    let apart = "SELECT count(*) FROM pg_dist_partition WHERE colocated_with <> 'tenants'";
    assert_eq!(engine.sql(apart).trim(), "1", "all but the first stand beside it");
}
