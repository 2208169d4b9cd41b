//! One binary: what every engine must do, the checker, and histories at random.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is the failure of the test")]

mod ahead;
mod encrypted;
mod faults;
mod files;
mod schema;
mod statements;
mod suite;
mod transfer;
mod world;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use ledger::{
    Store,
    audit::{Cell, Row, Table},
    memory::MemoryStore,
    postgres::PostgresStore,
    sqlite::{FILE, SqliteStore},
};
use model::id::TenantId;
use rusqlite::types::Value;
use tempfile::TempDir;
use testkit::postgres::Cluster;

/// An engine under test: an empty database of its own, dropped with it.
pub(crate) trait Engine {
    /// The store, opened once more: as another process would.
    fn open(&self) -> Arc<dyn Store>;
    /// Changes one cell behind the store's back; `column` may be `tenant`.
    fn set(&self, tenant: &TenantId, table: &Table, row: &Row, column: &str, to: &Cell);
    /// Where files may be written.
    fn dir(&self) -> &Path;
}

pub(crate) struct Sqlite(TempDir);

impl Sqlite {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn store(&self) -> std::path::PathBuf {
        self.0.path().join("store")
    }
}

impl Engine for Sqlite {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.store()).unwrap())
    }

    fn set(&self, tenant: &TenantId, table: &Table, row: &Row, column: &str, to: &Cell) {
        let key: Vec<String> =
            table.key.iter().enumerate().map(|(at, key)| format!("{key} = ?{}", at + 3)).collect();
        let sql =
            format!("UPDATE {} SET {column} = ?1 WHERE tenant = ?2 AND {}", table.name, key.join(" AND "));
        let value = |cell: &Cell| match cell {
            Cell::Null => Value::Null,
            Cell::Int(number) => Value::Integer(*number),
            Cell::Text(text) => Value::Text(text.clone()),
            Cell::Bytes(bytes) => Value::Blob(bytes.clone()),
        };
        let mut params = vec![value(to), Value::Text(tenant.to_string())];
        params.extend(row[..table.key.len()].iter().map(value));
        let conn = rusqlite::Connection::open(self.store().join(FILE)).unwrap();
        let changed = conn.execute(&sql, rusqlite::params_from_iter(params)).unwrap();
        assert_eq!(changed, 1, "{sql}");
    }

    fn dir(&self) -> &Path {
        self.0.path()
    }
}

pub(crate) struct Memory {
    store: MemoryStore,
    dir: TempDir,
}

impl Memory {
    pub(crate) fn new() -> Self {
        static SECRETS: AtomicU8 = AtomicU8::new(0);
        let store = MemoryStore::new([SECRETS.fetch_add(1, Ordering::Relaxed); 32]);
        Self { store, dir: tempfile::tempdir().unwrap() }
    }
}

impl Engine for Memory {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.store.clone())
    }

    fn set(&self, tenant: &TenantId, table: &Table, row: &Row, column: &str, to: &Cell) {
        let mut forged = row.clone();
        let mut columns = table.key.iter().chain(table.columns);
        let moved = match (columns.position(|name| *name == column), to) {
            (Some(at), _) => {
                forged[at] = to.clone();
                tenant.clone()
            }
            (None, Cell::Text(tenant)) if column == "tenant" => TenantId::stored(tenant),
            _ => panic!("{column} to {to}"),
        };
        self.store.forge(table, (tenant, row), (&moved, forged));
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }
}

pub(crate) struct Postgres {
    cluster: &'static Cluster,
    url: String,
    dir: TempDir,
}

impl Postgres {
    pub(crate) fn new() -> Self {
        Self::on(Cluster::shared())
    }

    pub(crate) fn on(cluster: &'static Cluster) -> Self {
        Self { cluster, url: cluster.database(), dir: tempfile::tempdir().unwrap() }
    }

    /// Runs a statement behind the store's back; answers what it says.
    pub(crate) fn sql(&self, statement: &str) -> String {
        let name = self.url.split(['/', '?']).nth(3).unwrap();
        self.cluster.sql(name, statement)
    }
}

impl Engine for Postgres {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(PostgresStore::open(&self.url).unwrap())
    }

    fn set(&self, tenant: &TenantId, table: &Table, row: &Row, column: &str, to: &Cell) {
        let literal = |cell: &Cell| match cell {
            Cell::Null => "NULL".to_owned(),
            Cell::Int(number) => number.to_string(),
            Cell::Text(text) => format!("'{}'", text.replace('\'', "''")),
            Cell::Bytes(bytes) => {
                format!("'\\x{}'", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
            }
        };
        let keys = table.key.iter().zip(row).map(|(key, cell)| format!("{key} = {}", literal(cell)));
        let keys = keys.collect::<Vec<_>>().join(" AND ");
        let (name, to) = (table.name, literal(to));
        // Fails unless it changes one row.
        self.sql(&format!(
            "WITH changed AS (UPDATE {name} SET {column} = {to} WHERE tenant = '{tenant}' AND {keys} RETURNING 1) \
             SELECT 1 / count(*) FROM changed"
        ));
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }
}

macro_rules! conformance {
    ($engine:ident, $make:expr, { $( $module:ident: [$($name:ident),* $(,)?], )* }) => {
        mod $engine {
            $( $( #[test] fn $name() { crate::suite::$module::$name(&|| Box::new($make)); } )* )*

            /// All of them, one after the other, on engines made otherwise.
            #[allow(dead_code, reason = "of one engine it is asked for")]
            pub(crate) fn all(make: &crate::suite::Make<'_>) {
                $( $( crate::suite::$module::$name(make); )* )*
            }
        }
    };
}

macro_rules! every_suite {
    ($engine:ident, $make:expr) => {
        conformance!($engine, $make, {
            rows: [
                every_row_reads_back_as_written,
                closed_supplies_are_listed_only_when_asked_for,
                orders_are_listed_newest_first_and_filtered,
                a_customer_has_bought_what_is_not_called_off,
                many_orders_at_once_are_found_by_customer,
                many_orders_are_read_at_once,
                an_order_that_was_placed_answers_again,
                holds_are_found_by_supply_until_they_are_gone,
            ],
            queue: [
                every_part_of_a_queue_comes_in_its_order_and_in_pages,
                a_queue_page_says_what_is_owed,
                what_is_with_fulfilment_is_neither_taken_nor_handed_over_again,
                skus_are_found_by_their_tags,
            ],
            backlog: [a_backlog_counts_every_open_line_once, arrivals_come_by_date_and_places_by_the_queue],
            shelves: [
                tenants_and_keys_are_kept,
                the_secret_stays,
                answers_are_found_by_day_until_forgotten,
                any_number_of_keys_is_found_by_every_writer,
                timers_come_due_over_all_tenants,
                work_stays_until_it_is_done,
                records_are_found_by_owner_state_and_due_until_they_are_gone,
            ],
            transactions: [
                a_writer_sees_its_writes_and_a_reader_the_last_commit,
                a_rollback_leaves_nothing,
                a_failed_write_cannot_be_committed,
                writers_at_the_same_version_conflict,
                an_idle_writer_holds_nobody_up,
                events_are_numbered_without_gaps_whoever_writes,
                tenants_do_not_see_each_other,
                rows_standing_twice_are_written_as_the_last_says,
            ],
            checker: [
                an_eventful_shop_is_sound,
                no_column_can_be_changed_unseen,
                a_ledger_with_a_gap_or_a_lie_is_named,
                a_timer_without_its_hold_is_named,
                what_is_ring_fenced_beyond_the_quantity_is_named,
            ],
            random: [any_history_replays_to_the_same_tables],
        });
    };
}

every_suite!(sqlite, crate::Sqlite::new());
every_suite!(memory, crate::Memory::new());
every_suite!(postgres, crate::Postgres::new());
