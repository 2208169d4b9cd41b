//! One binary: what every engine must do, the checker, and histories at random.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is the failure of the test")]

mod suite;
mod world;

use std::{path::Path, sync::Arc};

use ledger::{Store, sqlite::SqliteStore};
use tempfile::TempDir;

/// An engine under test: an empty database of its own, dropped with it.
pub(crate) trait Engine {
    /// The store, opened once more: as another process would.
    fn open(&self) -> Arc<dyn Store>;
    /// Runs SQL behind the store's back.
    fn tamper(&self, sql: &str);
    /// Where files may be written.
    fn dir(&self) -> &Path;
}

pub(crate) struct Sqlite(TempDir);

impl Sqlite {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Engine for Sqlite {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.0.path().join("store")).unwrap())
    }

    fn tamper(&self, sql: &str) {
        let conn =
            rusqlite::Connection::open(self.0.path().join("store").join(ledger::sqlite::FILE)).unwrap();
        conn.execute_batch(sql).unwrap();
    }

    fn dir(&self) -> &Path {
        self.0.path()
    }
}

macro_rules! conformance {
    ($engine:ident, $make:expr, $( $module:ident :: $name:ident ),* $(,)?) => {
        mod $engine {
            $( #[test] fn $name() { crate::suite::$module::$name(&$make); } )*
        }
    };
}

conformance!(
    sqlite,
    crate::Sqlite::new(),
    checker::an_eventful_shop_is_sound,
    rows::every_row_reads_back_as_written,
);
