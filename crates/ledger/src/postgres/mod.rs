//! PostgreSQL: any number of nodes, each with a writer of its own.
//!
//! Who writes for a tenant meets the others at one row, its *head*: it counts the tenant's commits and hands out the numbers
//! of the ledger. A writer that has locked it knows that nobody else writes. One that has not, because nobody was in its way
//! lately, writes all the same and is told [`StoreError::Conflict`] if the head has moved since it last looked: whatever it
//! decided rested on what was known by then. What others changed in between stands in `changes`, so a writer that comes
//! back reads again what changed and nothing else.

mod audit;
mod backlog;
mod cells;
mod conn;
mod driver;
mod fill;
mod flush;
mod head;
mod migrate;
mod orders;
mod queue;
mod read;
mod records;
mod session;
mod tls;
mod watch;
mod write;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Config;

use self::{
    conn::{Conn, Role},
    driver::{Call, Link, failed},
    flush::Flusher,
    session::Session,
    tls::Tls,
    watch::Watcher,
};
use crate::{
    Audit, Flush, Read, Store, StoreError, Watch, Write,
    transfer::{Fill, half_moved},
};

/// Idle connections kept for readers. More readers at once are fine: those beyond are closed afterwards.
const IDLE_READERS_MAX: usize = 8;

/// A store in a PostgreSQL database. Cheap to clone.
#[derive(Clone)]
pub struct PostgresStore {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    tls: Tls,
    /// Whether commits may be ahead of the disk ([`flush::can`]).
    goes_ahead: bool,
    /// Drives the sockets of all connections; taken by `drop` alone.
    runtime: Option<Runtime>,
    idle: Mutex<Vec<Link>>,
}

impl PostgresStore {
    /// Opens the store in a database, named by a URL (`postgres://user:password@host:port/name`) or a list of settings as
    /// PostgreSQL's own tools take them (of those for encryption `sslmode` and `sslrootcert`), and brings the tables up to date.
    ///
    /// Any number of processes, on any number of machines, may have it open. Errors: `Schema` where the name makes no
    /// sense, a newer version wrote it or a migration was edited; `Driver` where the database does not answer.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let store = Self::open_to_fill(url)?;
        if store.filler()?.begun()?.is_some() {
            return Err(half_moved());
        }
        Ok(store)
    }

    /// Opens a store to copy another one into it, also where such a copy was interrupted.
    pub fn open_to_fill(url: &str) -> Result<Self, StoreError> {
        let mut shared = Shared::new(url)?;
        shared.goes_ahead = flush::can(&mut shared.connect()?);
        let shared = Arc::new(shared);
        migrate::run(&shared)?;
        Ok(Self { shared })
    }

    /// Whether there is a store in a database. Errors as [`PostgresStore::open`].
    pub fn is_there(url: &str) -> Result<bool, StoreError> {
        // Kept to the end: the connection is driven by its thread.
        let shared = Shared::new(url)?;
        let mut link = shared.connect()?;
        let call = Call::new("SELECT to_regclass('migrations') IS NOT NULL", []);
        let rows = link.ask(None, &[call]).map_err(failed("looked for tables"))?;
        Ok(rows.iter().flatten().any(|row| row.get(0)))
    }

    fn session(&self, role: Role) -> Result<Session, StoreError> {
        let idle = match role {
            Role::Reads => self.shared.idle().pop(),
            Role::Writes => None,
        };
        // Here, so that whoever opens learns at once that nobody answers.
        let link = match idle {
            Some(link) => link,
            None => self.shared.connect()?,
        };
        Session::new(Conn::new(Some(link), role, Arc::clone(&self.shared)), role, &self.shared)
    }
}

impl Store for PostgresStore {
    fn writer(&self) -> Result<Box<dyn Write>, StoreError> {
        Ok(Box::new(self.session(Role::Writes)?))
    }

    fn reader(&self) -> Result<Box<dyn Read>, StoreError> {
        Ok(Box::new(self.session(Role::Reads)?))
    }

    fn auditor(&self) -> Result<Box<dyn Audit>, StoreError> {
        Ok(Box::new(self.session(Role::Reads)?))
    }

    fn watch(&self) -> Result<Option<Box<dyn Watch>>, StoreError> {
        let conn = Conn::new(Some(self.shared.connect()?), Role::Reads, Arc::clone(&self.shared));
        Ok(Some(Box::new(Watcher::new(conn))))
    }

    fn flusher(&self) -> Result<Option<Box<dyn Flush>>, StoreError> {
        if !self.shared.goes_ahead {
            return Ok(None);
        }
        let conn = Conn::new(Some(self.shared.connect()?), Role::Writes, Arc::clone(&self.shared));
        Ok(Some(Box::new(Flusher::new(conn)?)))
    }

    fn filler(&self) -> Result<Box<dyn Fill>, StoreError> {
        let conn = Conn::new(Some(self.shared.connect()?), Role::Writes, Arc::clone(&self.shared));
        Ok(Box::new(fill::Filler::new(conn)))
    }

    fn backup(&self, _: &Path) -> Result<(), StoreError> {
        Err(StoreError::driver(
            "wrote the backup",
            "a PostgreSQL database is backed up with PostgreSQL's own tools: pg_dump, or base backups with archived logs",
        ))
    }
}

impl Shared {
    fn new(url: &str) -> Result<Self, StoreError> {
        let (config, tls) = tls::read(url)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("postgres")
            .enable_all()
            .build()
            .map_err(|error| StoreError::driver("started a thread", error))?;
        Ok(Self { config, tls, goes_ahead: false, runtime: Some(runtime), idle: Mutex::default() })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Link>> {
        // A panic elsewhere cannot leave the list half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a reader's connection for the next one.
    fn give_back(&self, link: Link) {
        let mut idle = self.idle();
        if idle.len() < IDLE_READERS_MAX {
            idle.push(link);
        }
    }

    fn connect(&self) -> Result<Link, StoreError> {
        match &self.runtime {
            Some(runtime) => Link::open(runtime, &self.config, &self.tls),
            None => Err(StoreError::driver("connected to PostgreSQL", "the store is closed")),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Wherever this happens, nobody may wait for a thread: the last one may be a server's own.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
