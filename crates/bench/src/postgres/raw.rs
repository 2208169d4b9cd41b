//! The raw limit: a bare loop that writes the very rows that the engine wrote, in transactions of the same size.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures_util::future::{join_all, try_join_all};
use ledger::{
    Store,
    audit::{Cell, Row, Table},
    postgres::PostgresStore,
    transfer::TABLES,
};
use model::id::TenantId;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, Statement, types::ToSql};

const CONNECTIONS: usize = 16;
/// Orders for the slow ways.
const FEW: usize = 4_000;

/// Rows that an engine wrote, by table, in the order in which it writes them.
#[derive(Default)]
pub(crate) struct Rows {
    tables: Vec<Written>,
}

/// Rows of one table.
struct Written {
    table: &'static Table,
    rows: Vec<Row>,
    /// So many of them are changed by each transaction, in turn; `None`: each is written once.
    changed: Option<usize>,
}

/// How the statements of a transaction are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sent {
    /// One behind the other, without waiting between them.
    Together,
    /// Each when the one before is answered, as most programs do it.
    OneByOne,
}

type Lists = Vec<Box<dyn ToSql + Sync + Send>>;

impl Rows {
    /// Reads everything that so many orders of the hot SKU wrote. The store holds these orders and no others.
    pub(crate) fn of_orders(store: &dyn Store, orders: usize) -> anyhow::Result<Self> {
        let mut rows = Self::default();
        for name in ["pools", "supplies"] {
            rows.read(store, name, 0, Some(1))?;
        }
        for name in ["events", "orders", "queue", "replays"] {
            rows.read(store, name, 0, None)?;
        }
        for Written { table, rows, changed } in &mut rows.tables {
            // What set the shop up is not an order's.
            rows.retain(|row| table.name != "events" || row[4] != Cell::Null);
            let expected = changed.unwrap_or(orders);
            ensure!(rows.len() == expected, "{} has {} rows for {orders} orders", table.name, rows.len());
        }
        Ok(rows)
    }

    /// Reads rows of a table, without so many that were there before.
    pub(crate) fn read(
        &mut self,
        store: &dyn Store,
        name: &str,
        before: usize,
        changed: Option<usize>,
    ) -> anyhow::Result<()> {
        let (table, mut rows) = stored(store, name)?;
        ensure!(rows.len() > before, "{name} has {} rows, {before} before", rows.len());
        self.tables.push(Written { table, rows: rows.split_off(before), changed });
        Ok(())
    }

    /// Writes them to a new store of the same schema in so many transactions, each one way there and back; how long that takes.
    pub(crate) fn write(&self, url: &str, transactions: usize) -> anyhow::Result<Duration> {
        let runtime = prepare(url)?;
        let client = connect(&runtime, url)?;
        let statements = self.prepared(&runtime, &client)?;
        // Made ready ahead: what is measured is the database.
        let all: Vec<Vec<Lists>> = (0..transactions).map(|nth| self.lists(nth, transactions)).collect();
        let begun = Instant::now();
        for lists in &all {
            runtime.block_on(transaction(&client, &statements, lists, Sent::Together))?;
        }
        Ok(begun.elapsed())
    }

    /// Writes some of so many orders one a transaction over several connections at once; orders a second.
    pub(crate) fn write_one_by_one(&self, url: &str, orders: usize, sent: Sent) -> anyhow::Result<f64> {
        let runtime = prepare(url)?;
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            let client = connect(&runtime, url)?;
            let statements = self.prepared(&runtime, &client)?;
            clients.push((client, statements));
        }
        let few = FEW.min(orders);
        let lists: Vec<Vec<Lists>> = (0..few).map(|nth| self.lists(nth, orders)).collect();
        let begun = Instant::now();
        let done =
            runtime.block_on(join_all(clients.iter().enumerate().map(|(nth, (client, statements))| {
                let lists = &lists;
                async move {
                    for lists in lists.iter().skip(nth).step_by(CONNECTIONS) {
                        transaction(client, statements, lists, sent).await?;
                    }
                    anyhow::Ok(())
                }
            })));
        done.into_iter().collect::<anyhow::Result<()>>()?;
        Ok(few as f64 / begun.elapsed().as_secs_f64())
    }

    /// Prepares a statement for each table, and sees to it that the rows that are changed are there, so that everybody waits for
    /// them as in a shop.
    fn prepared(&self, runtime: &Runtime, client: &Client) -> anyhow::Result<Vec<Statement>> {
        let statements = self.statements(runtime, client)?;
        let (changed, lists): (Vec<_>, Vec<_>) = statements
            .iter()
            .zip(&self.tables)
            .filter(|(_, written)| written.changed.is_some())
            .map(|(statement, written)| (statement.clone(), columns(written.rows.iter())))
            .unzip();
        runtime.block_on(transaction(client, &changed, &lists, Sent::Together))?;
        Ok(statements)
    }

    fn statements(&self, runtime: &Runtime, client: &Client) -> anyhow::Result<Vec<Statement>> {
        let mut statements = Vec::new();
        for Written { table, changed, .. } in &self.tables {
            let columns = [table.key, table.columns].concat();
            let types = runtime.block_on(client.query(
                "SELECT attname::text, atttypid::regtype::text FROM pg_attribute \
                 WHERE attrelid = $1::text::regclass AND attnum > 0",
                &[&table.name],
            ))?;
            let ty = |column: &str| -> anyhow::Result<String> {
                let found = types.iter().find(|row| row.get::<_, String>(0) == column);
                Ok(found.with_context(|| format!("no column {column}"))?.get(1))
            };
            let marks: Vec<String> = columns
                .iter()
                .enumerate()
                .map(|(at, column)| Ok(format!("${}::{}[]", at + 1, ty(column)?)))
                .collect::<anyhow::Result<_>>()?;
            let all = columns.join(", ");
            let mut sql = format!(
                "INSERT INTO {} (tenant, {all}) SELECT 'bench', rows.* FROM unnest({}) AS rows",
                table.name,
                marks.join(", ")
            );
            if changed.is_some() {
                let set: Vec<String> =
                    table.columns.iter().map(|column| format!("{column} = excluded.{column}")).collect();
                sql += &format!(
                    " ON CONFLICT (tenant, {}) DO UPDATE SET {}",
                    table.key.join(", "),
                    set.join(", ")
                );
            }
            statements.push(runtime.block_on(client.prepare(&sql))?);
        }
        Ok(statements)
    }

    /// What one transaction of so many writes, a set of columns for each statement.
    fn lists(&self, nth: usize, of: usize) -> Vec<Lists> {
        let lists = self.tables.iter().map(|Written { rows, changed, .. }| match changed {
            Some(count) => columns(rows.iter().cycle().skip(nth * count % rows.len()).take(*count)),
            None => columns(rows[rows.len() * nth / of..rows.len() * (nth + 1) / of].iter()),
        });
        lists.collect()
    }
}

/// All rows of a table, each with its key first.
pub(crate) fn stored(store: &dyn Store, name: &str) -> anyhow::Result<(&'static Table, Vec<Row>)> {
    let table = TABLES.iter().find(|table| table.name == name).context("no such table")?;
    Ok((table, store.auditor()?.rows(&TenantId::new("bench")?, table, &[], usize::MAX >> 1)?))
}

fn columns<'r>(rows: impl Iterator<Item = &'r Row>) -> Lists {
    let rows: Vec<&Row> = rows.collect();
    let width = rows.first().map_or(0, |row| row.len());
    (0..width)
        .map(|at| -> Box<dyn ToSql + Sync + Send> {
            let cells = || rows.iter().map(|row| &row[at]);
            if cells().any(|cell| matches!(cell, Cell::Bytes(_))) {
                let bytes =
                    |cell: &Cell| if let Cell::Bytes(bytes) = cell { Some(bytes.clone()) } else { None };
                Box::new(cells().map(bytes).collect::<Vec<Option<Vec<u8>>>>())
            } else if cells().any(|cell| matches!(cell, Cell::Int(_))) {
                let int = |cell: &Cell| if let Cell::Int(number) = cell { Some(*number) } else { None };
                Box::new(cells().map(int).collect::<Vec<Option<i64>>>())
            } else if cells().any(|cell| matches!(cell, Cell::Text(_))) {
                let text = |cell: &Cell| if let Cell::Text(text) = cell { Some(text.clone()) } else { None };
                Box::new(cells().map(text).collect::<Vec<Option<String>>>())
            } else {
                Box::new(Nothing(rows.len()))
            }
        })
        .collect()
}

/// A list of nothing, of whatever type the column has.
#[derive(Debug)]
struct Nothing(usize);

impl ToSql for Nothing {
    fn to_sql(
        &self,
        ty: &tokio_postgres::types::Type,
        out: &mut tokio_postgres::types::private::BytesMut,
    ) -> Result<tokio_postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        let nothing = vec![None::<i64>; self.0];
        if *ty == tokio_postgres::types::Type::INT8_ARRAY {
            nothing.to_sql(ty, out)
        } else if *ty == tokio_postgres::types::Type::BYTEA_ARRAY {
            vec![None::<Vec<u8>>; self.0].to_sql(ty, out)
        } else {
            vec![None::<String>; self.0].to_sql(ty, out)
        }
    }

    fn accepts(_: &tokio_postgres::types::Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

async fn transaction(
    client: &Client,
    statements: &[Statement],
    lists: &[Lists],
    sent: Sent,
) -> anyhow::Result<()> {
    let params: Vec<Vec<&(dyn ToSql + Sync)>> =
        lists.iter().map(|lists| lists.iter().map(|list| &**list as &(dyn ToSql + Sync)).collect()).collect();
    // A part of a transaction that has no rows has no statement.
    let calls = statements.iter().zip(&params).filter(|(_, params)| !params.is_empty());
    let calls = calls.map(|(statement, params)| client.execute(statement, params));
    let begin = client.batch_execute("BEGIN");
    match sent {
        Sent::Together => {
            let (begun, rows) = futures_util::future::join(begin, try_join_all(calls)).await;
            begun?;
            rows?;
        }
        Sent::OneByOne => {
            begin.await?;
            for call in calls {
                call.await?;
            }
        }
    }
    client.batch_execute("COMMIT").await?;
    Ok(())
}

/// Makes the tables; answers a runtime for connections.
fn prepare(url: &str) -> anyhow::Result<Runtime> {
    drop(PostgresStore::open(url)?);
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}

fn connect(runtime: &Runtime, url: &str) -> anyhow::Result<Client> {
    let (client, connection) = runtime.block_on(tokio_postgres::connect(url, NoTls))?;
    runtime.spawn(connection);
    Ok(client)
}
