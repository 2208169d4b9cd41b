//! Rows as they are stored.

use std::fmt::Write as _;

use model::id::TenantId;
use tokio_postgres::types::{ToSql, Type};

use super::{cells::Cells, conn::Conn, driver::Param};
use crate::{
    StoreError,
    audit::{CUSTOMER_ORDERS, Cell, Row, Table},
    cells::ReadCells,
};

/// A cell of a key, as it is sent.
fn sent(cell: &Cell) -> Box<dyn ToSql + Sync> {
    match cell {
        Cell::Null => Box::new(None::<i64>),
        Cell::Int(number) => Box::new(*number),
        Cell::Text(text) => Box::new(text.clone()),
        Cell::Bytes(bytes) => Box::new(bytes.clone()),
    }
}

/// One page: `SELECT a, b, c FROM t WHERE tenant = $1 AND (a, b) > ($2, $3) ORDER BY a, b LIMIT n`.
fn select(table: &Table, after: bool, limit: usize) -> String {
    let key = table.key.join(", ");
    let all = [table.key, table.columns].concat().join(", ");
    // The index that SQLite fills in bulk is an index of PostgreSQL's here.
    let from = if table.name == CUSTOMER_ORDERS.name {
        "(SELECT tenant, 0::bigint AS era, customer, order_id FROM orders \
         WHERE tenant = $1 AND customer IS NOT NULL) AS rows"
    } else {
        table.name
    };
    let mut sql = format!("SELECT {all} FROM {from} WHERE tenant = $1");
    if after {
        let marks: Vec<String> = (0..table.key.len()).map(|at| format!("${}", at + 2)).collect();
        // Writing to a string cannot fail.
        let _ = write!(sql, " AND ({key}) > ({})", marks.join(", "));
    }
    let _ = write!(sql, " ORDER BY {key} LIMIT {limit}");
    sql
}

pub(super) fn rows(
    conn: &mut Conn,
    tenant: &TenantId,
    table: &Table,
    after: &[Cell],
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let sql = select(table, !after.is_empty(), limit);
    let name = tenant.as_str();
    let mut params: Vec<Param<'_>> = vec![&name];
    let after: Vec<_> = after.iter().take(table.key.len()).map(sent).collect();
    params.extend(after.iter().map(|cell| &**cell));
    let rows = conn.rows("read rows to check them", &sql, params)?;
    rows.iter().map(|row| (0..row.len()).map(|at| cell(row, at)).collect()).collect()
}

fn cell(row: &tokio_postgres::Row, at: usize) -> Result<Cell, StoreError> {
    let cells = Cells(row);
    let is = |ty: &Type| row.columns().get(at).is_some_and(|column| column.type_() == ty);
    Ok(if is(&Type::INT8) {
        cells.maybe_int(at)?.map_or(Cell::Null, Cell::Int)
    } else if is(&Type::BYTEA) {
        cells.maybe_blob(at)?.map_or(Cell::Null, |bytes| Cell::Bytes(bytes.to_vec()))
    } else {
        cells.maybe_text(at)?.map_or(Cell::Null, |text| Cell::Text(text.to_owned()))
    })
}
