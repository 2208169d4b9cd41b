//! Brings a file's tables up to date, once, whoever opens it first.

use std::{fs::File, path::Path};

use rusqlite::{Connection, TransactionBehavior, params};

use super::cells::{Cells, failed, list, one};
use crate::{
    StoreError,
    cells::ReadCells,
    migrations::{self, Migration},
};

mod compact;

/// Carries rows over from tables that are set aside to those that take their place.
type CarryOver = fn(&Connection) -> Result<(), StoreError>;

/// Every migration, oldest first. None is ever edited.
const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "0001_foundation",
        sql: include_str!("../../../migrations/0001_foundation.sqlite.sql"),
    },
    Migration { name: "0002_compact", sql: include_str!("../../../migrations/0002_compact.sqlite.sql") },
    Migration {
        name: "0003_fulfilment",
        sql: include_str!("../../../migrations/0003_fulfilment.sqlite.sql"),
    },
    Migration { name: "0004_records", sql: include_str!("../../../migrations/0004_records.sqlite.sql") },
    Migration {
        name: "0005_ring_fences",
        sql: include_str!("../../../migrations/0005_ring_fences.sqlite.sql"),
    },
];

/// What the program does with the rows after a migration.
const CARRY_OVER: &[(&str, CarryOver)] = &[("0002_compact", compact::run)];

const DOING: &str = "brought the tables up to date";

/// Opens the first connection and applies what is missing, all in one transaction. Where nothing is, it only reads: a store that
/// another process writes to without a pause can be opened all the same.
pub(super) fn run(
    dir: &Path,
    connect: impl FnOnce() -> Result<Connection, StoreError>,
) -> Result<(), StoreError> {
    let mut conn = connect()?;
    let mode: String =
        conn.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(failed(DOING))?;
    if mode != "wal" {
        switch_to_wal(dir, &conn)?;
    } else if is_up_to_date(&conn)? {
        return Ok(());
    }
    let transaction =
        conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed(DOING))?;
    apply(&transaction, MIGRATIONS)?;
    make_secret(&transaction)?;
    transaction.commit().map_err(failed(DOING))
}

/// Two processes that switch a new file at once are told it is locked, without being made to wait: so they wait for
/// each other here.
fn switch_to_wal(dir: &Path, conn: &Connection) -> Result<(), StoreError> {
    let io = |error| StoreError::driver(DOING, error);
    let door = File::create(dir.join("shipwhen.lock")).map_err(io)?;
    door.lock().map_err(io)?;
    conn.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).map_err(failed(DOING))
}

fn apply(conn: &Connection, ours: &[Migration]) -> Result<(), StoreError> {
    conn.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (
             name TEXT NOT NULL PRIMARY KEY,
             checksum BLOB NOT NULL
         ) STRICT, WITHOUT ROWID",
    )
    .map_err(failed(DOING))?;
    let applied = applied(conn)?;
    let missing = migrations::missing(ours, &applied)?;
    for Migration { name, sql } in missing {
        conn.execute_batch(sql).map_err(failed(DOING))?;
        conn.execute(
            "INSERT INTO migrations (name, checksum) VALUES (?1, ?2)",
            params![name, migrations::checksum(sql)],
        )
        .map_err(failed(DOING))?;
    }
    // Rows come last: they are written as this version writes them, to tables as this version has them.
    let carry_over =
        CARRY_OVER.iter().filter(|(name, _)| missing.iter().any(|missing| missing.name == *name));
    { carry_over }.try_for_each(|(_, carry_over)| carry_over(conn))
}

fn is_up_to_date(conn: &Connection) -> Result<bool, StoreError> {
    let any = |sql: &str| one(conn, DOING, sql, [], |cells| cells.int::<i64>(0)).map(|found| found.is_some());
    Ok(any("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'")?
        && migrations::missing(MIGRATIONS, &applied(conn)?)?.is_empty()
        && any("SELECT 1 FROM installation WHERE name = 'secret'")?)
}

/// The migrations that were applied, with their checksums.
fn applied(conn: &Connection) -> Result<Vec<(String, [u8; 32])>, StoreError> {
    let read = |cells: Cells<'_>| Ok((cells.text(0)?.to_owned(), cells.bytes::<32>(1)?));
    list(conn, DOING, "SELECT name, checksum FROM migrations ORDER BY name", [], read)
}

fn make_secret(conn: &Connection) -> Result<(), StoreError> {
    let secret = migrations::secret()?;
    conn.execute(
        "INSERT INTO installation (name, value) VALUES ('secret', ?1) ON CONFLICT DO NOTHING",
        params![secret],
    )
    .map_err(failed(DOING))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::SqliteStore, *};

    #[test]
    fn a_store_that_somebody_writes_to_can_be_opened() {
        let dir = tempfile::tempdir().unwrap();
        drop(SqliteStore::open(dir.path()).unwrap());
        let writer = Connection::open(dir.path().join("shipwhen.db")).unwrap();
        writer.execute_batch("BEGIN IMMEDIATE").unwrap();
        SqliteStore::open(dir.path()).unwrap();
    }

    fn migrations(of: &[(&'static str, &'static str)]) -> Vec<Migration> {
        of.iter().map(|&(name, sql)| Migration { name, sql }).collect()
    }

    fn applied(
        first: &[(&'static str, &'static str)],
        then: &[(&'static str, &'static str)],
    ) -> Result<(), StoreError> {
        let conn = Connection::open_in_memory().unwrap();
        apply(&conn, &migrations(first)).unwrap();
        apply(&conn, &migrations(then))
    }

    #[test]
    fn migrations_are_applied_once_and_in_order() {
        let one = ("0001_a", "CREATE TABLE a (x INTEGER) STRICT");
        let two = ("0002_b", "ALTER TABLE a ADD COLUMN y INTEGER");
        applied(&[one], &[one]).unwrap();
        applied(&[one], &[one, two]).unwrap();
        let newer = applied(&[one, two], &[one]).unwrap_err().to_string();
        assert!(newer.contains("a newer version wrote it"), "{newer}");
        let edited = applied(&[one], &[("0001_a", "CREATE TABLE a (z INTEGER)")]).unwrap_err().to_string();
        assert!(edited.contains("is not the one that was applied"), "{edited}");
    }
}
