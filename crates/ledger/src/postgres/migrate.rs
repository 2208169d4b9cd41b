//! Brings a database's tables up to date, once, whichever node opens it first.

use std::sync::Arc;

use super::{
    Shared,
    cells::{Cells, each},
    driver::{Call, Link, failed},
};
use crate::{
    StoreError,
    cells::ReadCells,
    migrations::{self, Migration},
};

/// Every migration, oldest first: those of SQLite by name. None is ever edited.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0001_foundation", sql: include_str!("../../migrations/0001_foundation.postgres.sql") },
    Migration { name: "0002_compact", sql: include_str!("../../migrations/0002_compact.postgres.sql") },
    Migration { name: "0003_fulfilment", sql: include_str!("../../migrations/0003_fulfilment.postgres.sql") },
    Migration { name: "0004_records", sql: include_str!("../../migrations/0004_records.postgres.sql") },
    Migration {
        name: "0005_ring_fences",
        sql: include_str!("../../migrations/0005_ring_fences.postgres.sql"),
    },
];

const DOING: &str = "brought the tables up to date";
/// How often two nodes that open a new database at once may get in each other's way.
const TRIES_MAX: usize = 10;

pub(super) fn run(shared: &Arc<Shared>) -> Result<(), StoreError> {
    let mut tries = 0;
    loop {
        match once(&mut shared.connect()?) {
            Err(StoreError::Conflict) if tries < TRIES_MAX => tries += 1,
            done => return done,
        }
    }
}

fn once(link: &mut Link) -> Result<(), StoreError> {
    // Making the table is what two may meet at.
    link.say(
        "CREATE TABLE IF NOT EXISTS migrations (name TEXT COLLATE \"C\" NOT NULL PRIMARY KEY, checksum BYTEA NOT NULL)",
    )
    .map_err(failed(DOING))?;
    link.say("BEGIN").map_err(failed(DOING))?;
    let applied = Call::new("SELECT name, checksum FROM migrations ORDER BY name", []);
    let rows = link.ask(None, &[applied]).map_err(failed(DOING))?.pop().unwrap_or_default();
    let applied = each(&rows, |cells: Cells<'_>| Ok((cells.text(0)?.to_owned(), cells.bytes::<32>(1)?)))?;
    let missing = migrations::missing(MIGRATIONS, &applied)?;
    for Migration { name, sql } in missing {
        // The note goes first: whoever comes second waits for it, is told that it is there, and looks again. A lock of the
        // table would do as well, but not on every database that speaks PostgreSQL's tongue.
        let checksum = migrations::checksum(sql);
        let note = "INSERT INTO migrations (name, checksum) VALUES ($1, $2)";
        link.tell(None, &[Call::new(note, [name as _, &checksum.as_slice() as _])]).map_err(failed(DOING))?;
        link.say(sql).map_err(failed(DOING))?;
    }
    let secret = migrations::secret()?;
    let keep = "INSERT INTO installation (name, value) VALUES ('secret', $1) ON CONFLICT DO NOTHING";
    link.tell(None, &[Call::new(keep, [&secret.as_slice() as _])]).map_err(failed(DOING))?;
    link.say("COMMIT").map_err(failed(DOING))
}
