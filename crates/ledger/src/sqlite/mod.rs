//! SQLite: one file in a directory, one writer at a time, any number of readers, of any number of processes.

mod audit;
mod backlog;
mod backup;
mod cells;
mod checkpoint;
mod connection;
mod fill;
mod migrate;
mod orders;
mod queue;
mod read;
mod records;
mod sql;
mod tail;
mod write;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::Connection;

use self::{
    cells::failed,
    checkpoint::Copier,
    connection::{Role, Session},
};
use crate::{
    Audit, Read, Store, StoreError, Write,
    transfer::{Fill, half_moved},
};

/// The file's name in the store's directory.
pub const FILE: &str = "shipwhen.db";

/// How long a writer waits for a writer of another process. A batch takes milliseconds; a writer that waits this
/// long has met one that hangs.
const BUSY: Duration = Duration::from_secs(10);

/// Idle connections kept for readers. More readers at once are fine: those beyond are closed afterwards.
const IDLE_READERS_MAX: usize = 8;

/// Whether a commit is on disk when it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// Yes: the write-ahead log is synced with each commit.
    Commit,
    /// No: for a copy that is thrown away.
    None,
}

/// A store in one SQLite file. Cheap to clone.
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

struct Shared {
    file: PathBuf,
    durability: Durability,
    idle: Mutex<Vec<Connection>>,
}

/// Pages of the log after which SQLite itself copies it back within a commit: only where nobody else does.
const AUTOCHECKPOINT_PAGES: i64 = 8_000;

impl SqliteStore {
    /// Opens the store in a directory, makes both where they are missing, and brings the tables up to date.
    ///
    /// Any number of processes may have it open. Errors: `Schema` where a newer version wrote it or a migration was
    /// edited; `Driver` where the directory or file cannot be used.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(dir, Durability::Commit)
    }

    /// Opens a store to copy another one into it, also where such a copy was interrupted.
    pub fn open_to_fill(dir: &Path) -> Result<Self, StoreError> {
        Self::open_any(dir, Durability::Commit)
    }

    /// Opens a store that may be lost with the machine: for a copy that is thrown away.
    pub(crate) fn open_scratch(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(dir, Durability::None)
    }

    fn open_with(dir: &Path, durability: Durability) -> Result<Self, StoreError> {
        let store = Self::open_any(dir, durability)?;
        if durability == Durability::Commit && fill::begun(&store.shared.connect(Role::Reads)?)?.is_some() {
            return Err(half_moved());
        }
        Ok(store)
    }

    fn open_any(dir: &Path, durability: Durability) -> Result<Self, StoreError> {
        std::fs::create_dir_all(dir)
            .map_err(|error| StoreError::driver("made the store's directory", error))?;
        let shared = Arc::new(Shared { file: dir.join(FILE), durability, idle: Mutex::new(Vec::new()) });
        migrate::run(dir, || shared.connect(Role::Writes))?;
        Ok(Self { shared })
    }

    fn session(&self, role: Role) -> Result<Session, StoreError> {
        let idle = match role {
            Role::Reads => self.shared.idle().pop(),
            Role::Writes => None,
        };
        let mut conn = idle.map_or_else(|| self.shared.connect(role), Ok)?;
        let copier = match (role, self.shared.durability) {
            (Role::Writes, Durability::Commit) => Some(Copier::start(&self.shared, &mut conn)?),
            _ => None,
        };
        Ok(Session::new(conn, role, copier, Arc::clone(&self.shared)))
    }
}

impl Store for SqliteStore {
    fn writer(&self) -> Result<Box<dyn Write>, StoreError> {
        Ok(Box::new(self.session(Role::Writes)?))
    }

    fn reader(&self) -> Result<Box<dyn Read>, StoreError> {
        Ok(Box::new(self.session(Role::Reads)?))
    }

    fn auditor(&self) -> Result<Box<dyn Audit>, StoreError> {
        Ok(Box::new(self.session(Role::Reads)?))
    }

    fn filler(&self) -> Result<Box<dyn Fill>, StoreError> {
        Ok(Box::new(fill::Filler::new(self.shared.connect(Role::Writes)?)))
    }

    fn backup(&self, to: &Path) -> Result<(), StoreError> {
        backup::run(&self.shared.connect(Role::Reads)?, to)
    }
}

impl Shared {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // A panic elsewhere cannot leave the list half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a reader's connection for the next one.
    fn give_back(&self, conn: Connection) {
        let mut idle = self.idle();
        if idle.len() < IDLE_READERS_MAX {
            idle.push(conn);
        }
    }

    fn connect(&self, role: Role) -> Result<Connection, StoreError> {
        let conn = Connection::open(&self.file).map_err(failed("opened the file"))?;
        conn.busy_timeout(BUSY).map_err(failed("set up the connection"))?;
        conn.set_prepared_statement_cache_capacity(128);
        let synchronous = match self.durability {
            Durability::Commit => "FULL",
            Durability::None => "OFF",
        };
        let cache_kib = match role {
            Role::Writes => 65_536,
            Role::Reads => 8_192,
        };
        conn.execute_batch(&format!(
            "PRAGMA page_size = 4096;
             PRAGMA synchronous = {synchronous};
             PRAGMA foreign_keys = OFF;
             PRAGMA temp_store = MEMORY;
             PRAGMA cache_size = -{cache_kib};
             PRAGMA mmap_size = 1073741824;
             PRAGMA wal_autocheckpoint = {AUTOCHECKPOINT_PAGES};
             PRAGMA journal_size_limit = 134217728;"
        ))
        .map_err(failed("set up the connection"))?;
        if role == Role::Reads {
            conn.pragma_update(None, "query_only", true).map_err(failed("set up the connection"))?;
        }
        Ok(conn)
    }
}
