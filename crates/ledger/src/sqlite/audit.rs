//! Rows as they are stored.

use std::fmt::Write as _;

use model::id::TenantId;
use rusqlite::{
    Connection, ToSql,
    types::{ToSqlOutput, Value, ValueRef},
};

use super::cells::failed;
use crate::{
    StoreError,
    audit::{Cell, Row, Table},
};

const DOING: &str = "read rows to check them";

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Int(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Int(number),
        // No table has such a column; a damaged file may.
        ValueRef::Real(number) => Cell::Text(number.to_string()),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
    }
}

/// One page: `SELECT a, b, c FROM t WHERE tenant = ? AND (a, b) > (?, ?) ORDER BY a, b LIMIT n`.
fn select(table: &Table, after: bool, limit: usize) -> String {
    let key = table.key.join(", ");
    let all = [table.key, table.columns].concat().join(", ");
    let mut sql = format!("SELECT {all} FROM {} WHERE tenant = ?1", table.name);
    if after {
        let marks: Vec<String> = (0..table.key.len()).map(|at| format!("?{}", at + 2)).collect();
        // Writing to a string cannot fail.
        let _ = write!(sql, " AND ({key}) > ({})", marks.join(", "));
    }
    let _ = write!(sql, " ORDER BY {key} LIMIT {limit}");
    sql
}

pub(super) fn rows(
    conn: &Connection,
    tenant: &TenantId,
    table: &Table,
    after: &[Cell],
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let sql = select(table, !after.is_empty(), limit);
    let mut statement = conn.prepare_cached(&sql).map_err(failed(DOING))?;
    statement.raw_bind_parameter(1, tenant.as_str()).map_err(failed(DOING))?;
    for (at, cell) in after.iter().take(table.key.len()).enumerate() {
        statement.raw_bind_parameter(at + 2, cell).map_err(failed(DOING))?;
    }
    let width = statement.column_count();
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed(DOING))? {
        let cells = (0..width).map(|at| row.get_ref(at).map(cell)).collect::<Result<Row, _>>();
        found.push(cells.map_err(failed(DOING))?);
    }
    Ok(found)
}

/// Reads every page and holds every index against its table.
pub(super) fn damage(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = conn.prepare("PRAGMA integrity_check").map_err(failed(DOING))?;
    let said = statement.query_map([], |row| row.get(0)).map_err(failed(DOING))?;
    let said: Vec<String> = said.collect::<Result<_, _>>().map_err(failed(DOING))?;
    Ok(said.into_iter().filter(|line| line != "ok").collect())
}
