//! The raw limit: a bare loop that writes the very rows that the engine wrote, in transactions of the same size.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;
use ledger::sqlite::SqliteStore;
use rusqlite::{Connection, types::Value};

/// The store's own settings for a connection that writes.
const SETTINGS: &str = "PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = OFF;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -65536;
    PRAGMA mmap_size = 1073741824;
    PRAGMA wal_autocheckpoint = 32768;
    PRAGMA journal_size_limit = 134217728;";

/// Tables that an order writes, in the order in which the store writes them.
const TABLES: [&str; 4] = ["events", "orders", "queue", "replays"];

/// Tables that are filled in bulk, sorted, when much has gathered.
const BULK: [&str; 2] = ["customer_orders", "replay_keys"];

type Table = (String, Vec<Vec<Value>>);

/// Rows of the first orders of a store, by table.
pub(crate) struct Rows {
    orders: usize,
    tables: Vec<Table>,
    bulk: Vec<Table>,
    summary: Vec<(String, Vec<Value>)>,
}

impl Rows {
    /// Reads everything that so many orders wrote. The store holds these orders and no others.
    pub(crate) fn read(dir: &Path, orders: usize) -> anyhow::Result<Self> {
        let db = Connection::open(dir.join("shipwhen.db"))?;
        let mut tables = Vec::new();
        for table in TABLES {
            // What set the shop up comes first in the ledger, and is not an order's.
            let only = if table == "events" { "WHERE order_id IS NOT NULL" } else { "" };
            let rows = select(&db, &format!("SELECT * FROM {table} {only}"))?;
            anyhow::ensure!(rows.len() % orders == 0, "{table} has {} rows for {orders} orders", rows.len());
            tables.push(insert(table, rows));
        }
        let mut bulk = Vec::new();
        for table in BULK {
            let rows = select(&db, &format!("SELECT * FROM {table}"))?;
            bulk.extend((!rows.is_empty()).then(|| insert(table, rows)));
        }
        let mut summary = Vec::new();
        for table in ["pools", "supplies"] {
            let row = select(&db, &format!("SELECT * FROM {table}"))?.pop().context("a shop has one pool")?;
            let marks = vec!["?"; row.len()].join(",");
            summary.push((format!("INSERT OR REPLACE INTO {table} VALUES ({marks})"), row));
        }
        Ok(Self { orders, tables, bulk, summary })
    }

    /// Writes them to a new store of the same schema, so many orders a transaction; how long that takes.
    pub(crate) fn write(&self, dir: &Path, group: usize) -> anyhow::Result<Duration> {
        drop(SqliteStore::open(dir)?);
        let db = Connection::open(dir.join("shipwhen.db"))?;
        // The settings of the store itself: its write-ahead log, durable at every commit.
        db.execute_batch(SETTINGS)?;
        let mut statements = Vec::new();
        for (sql, rows) in &self.tables {
            statements.push((db.prepare(sql)?, rows, rows.len() / self.orders));
        }
        let mut summary = Vec::new();
        for (sql, row) in &self.summary {
            summary.push((db.prepare(sql)?, row));
        }
        let begun = Instant::now();
        let mut done = 0;
        while done < self.orders {
            let until = (done + group).min(self.orders);
            db.execute_batch("BEGIN IMMEDIATE")?;
            for (statement, rows, each) in &mut statements {
                for row in &rows[done * *each..until * *each] {
                    statement.execute(rusqlite::params_from_iter(row))?;
                }
            }
            for (statement, row) in &mut summary {
                statement.execute(rusqlite::params_from_iter(row.iter()))?;
            }
            if until == self.orders {
                for (sql, rows) in &self.bulk {
                    let mut statement = db.prepare(sql)?;
                    rows.iter()
                        .try_for_each(|row| statement.execute(rusqlite::params_from_iter(row)).map(drop))?;
                }
            }
            db.execute_batch("COMMIT")?;
            done = until;
        }
        Ok(begun.elapsed())
    }
}

fn insert(table: &str, rows: Vec<Vec<Value>>) -> Table {
    let marks = vec!["?"; rows.first().map_or(0, Vec::len)].join(",");
    (format!("INSERT INTO {table} VALUES ({marks})"), rows)
}

fn select(db: &Connection, sql: &str) -> anyhow::Result<Vec<Vec<Value>>> {
    let mut statement = db.prepare(sql)?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|at| row.get::<_, Value>(at)).collect())?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The median time of a durable commit of next to nothing: one sync of this disk.
pub(crate) fn sync(dir: &Path) -> anyhow::Result<Duration> {
    const ROUNDS: i64 = 200;
    drop(SqliteStore::open(dir)?);
    let db = Connection::open(dir.join("shipwhen.db"))?;
    db.execute_batch(SETTINGS)?;
    let mut statement = db.prepare("INSERT OR REPLACE INTO installation VALUES ('sync', ?)")?;
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let begun = Instant::now();
        statement.execute([round.to_be_bytes()])?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}
