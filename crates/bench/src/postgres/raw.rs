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

/// Tables that an order writes, in the order in which the store writes them.
const WRITTEN: [&str; 4] = ["events", "orders", "queue", "replays"];
/// Rows that every transaction changes.
const SUMMARY: [&str; 2] = ["pools", "supplies"];
const CONNECTIONS: usize = 16;
/// Orders for the slow way.
const FEW: usize = 4_000;

/// Rows of the first orders of a store, by table.
pub(crate) struct Rows {
    orders: usize,
    tables: Vec<(&'static Table, Vec<Row>)>,
    summary: Vec<(&'static Table, Row)>,
}

type Lists = Vec<Box<dyn ToSql + Sync + Send>>;

impl Rows {
    /// Reads everything that so many orders wrote. The store holds these orders and no others.
    pub(crate) fn read(store: &dyn Store, orders: usize) -> anyhow::Result<Self> {
        let tenant = TenantId::new("bench")?;
        let mut audit = store.auditor()?;
        let mut read = |name: &str| -> anyhow::Result<(&'static Table, Vec<Row>)> {
            let table = TABLES.iter().find(|table| table.name == name).context("no such table")?;
            // What set the shop up is not an order's.
            let rows = audit.rows(&tenant, table, &[], usize::MAX >> 1)?.into_iter();
            let rows: Vec<Row> = rows.filter(|row| name != "events" || row[4] != Cell::Null).collect();
            Ok((table, rows))
        };
        let tables = WRITTEN.iter().map(|name| read(name)).collect::<anyhow::Result<Vec<_>>>()?;
        for (table, rows) in &tables {
            ensure!(rows.len() == orders, "{} has {} rows for {orders} orders", table.name, rows.len());
        }
        let mut summary = Vec::new();
        for name in SUMMARY {
            let (table, mut rows) = read(name)?;
            summary.push((table, rows.pop().context("a shop has one pool")?));
        }
        Ok(Self { orders, tables, summary })
    }

    /// Writes them to a new store of the same schema, so many orders a transaction, each one way there and back; how long that
    /// takes.
    pub(crate) fn write(&self, url: &str, group: usize) -> anyhow::Result<Duration> {
        let runtime = prepare(url)?;
        let client = connect(&runtime, url)?;
        let statements = self.statements(&runtime, &client)?;
        // Made ready ahead: what is measured is the database.
        let groups: Vec<Vec<Lists>> = (0..self.orders)
            .step_by(group)
            .map(|from| self.lists(from, (from + group).min(self.orders)))
            .collect();
        let begun = Instant::now();
        for lists in &groups {
            runtime.block_on(transaction(&client, &statements, lists))?;
        }
        Ok(begun.elapsed())
    }

    /// Writes some of them one a transaction over several connections at once; orders a second.
    pub(crate) fn write_one_by_one(&self, url: &str) -> anyhow::Result<f64> {
        let runtime = prepare(url)?;
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            let client = connect(&runtime, url)?;
            let statements = self.statements(&runtime, &client)?;
            clients.push((client, statements));
        }
        let orders = FEW.min(self.orders);
        let lists: Vec<Vec<Lists>> = (0..orders).map(|at| self.lists(at, at + 1)).collect();
        // The rows of the hot SKU are there, so that everybody waits for them as in a shop.
        runtime.block_on(transaction(&clients[0].0, &clients[0].1, &lists[0]))?;
        let begun = Instant::now();
        let done =
            runtime.block_on(join_all(clients.iter().enumerate().map(|(nth, (client, statements))| {
                let lists = &lists;
                async move {
                    for lists in lists[1..].iter().skip(nth).step_by(CONNECTIONS) {
                        transaction(client, statements, lists).await?;
                    }
                    anyhow::Ok(())
                }
            })));
        done.into_iter().collect::<anyhow::Result<()>>()?;
        Ok((orders - 1) as f64 / begun.elapsed().as_secs_f64())
    }

    fn statements(&self, runtime: &Runtime, client: &Client) -> anyhow::Result<Vec<Statement>> {
        let first = self.tables.iter().map(|(table, rows)| (*table, &rows[0], false));
        let all = self.summary.iter().map(|(table, row)| (*table, row, true)).chain(first);
        let mut statements = Vec::new();
        for (table, _, is_summary) in all {
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
            if is_summary {
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

    /// What one transaction writes, a set of columns for each statement.
    fn lists(&self, from: usize, until: usize) -> Vec<Lists> {
        let summary = self.summary.iter().map(|(_, row)| columns(std::slice::from_ref(row)));
        summary.chain(self.tables.iter().map(|(_, rows)| columns(&rows[from..until]))).collect()
    }
}

fn columns(rows: &[Row]) -> Lists {
    let width = rows.first().map_or(0, Vec::len);
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

/// One transaction, one way there and back.
async fn transaction(client: &Client, statements: &[Statement], lists: &[Lists]) -> anyhow::Result<()> {
    let params: Vec<Vec<&(dyn ToSql + Sync)>> =
        lists.iter().map(|lists| lists.iter().map(|list| &**list as &(dyn ToSql + Sync)).collect()).collect();
    let begin = client.batch_execute("BEGIN");
    let rows = try_join_all(
        statements.iter().zip(&params).map(|(statement, params)| client.execute(statement, params)),
    );
    let (begun, rows) = futures_util::future::join(begin, rows).await;
    begun?;
    rows?;
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
