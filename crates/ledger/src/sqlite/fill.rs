//! Writing rows as they are stored, for a copy of another store.

use model::id::TenantId;
use rusqlite::{Connection, OptionalExtension as _, ToSql, params, params_from_iter};

use super::{cells::failed, tail::Tail};
use crate::{
    StoreError,
    audit::{Row, Table},
    transfer::{Fill, MARK},
};

const DOING: &str = "copied rows";

/// A connection that copies.
pub(super) struct Filler {
    conn: Connection,
}

impl Filler {
    pub(super) fn new(conn: Connection) -> Self {
        Self { conn }
    }

    /// The connection, in a transaction.
    fn begin_writing(&mut self) -> Result<&Connection, StoreError> {
        if self.conn.is_autocommit() {
            self.conn.execute_batch("BEGIN IMMEDIATE").map_err(failed(DOING))?;
        }
        Ok(&self.conn)
    }
}

/// Whose copy a store is that is not whole yet.
pub(super) fn begun(conn: &Connection) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT value FROM installation WHERE name = ?1";
    conn.query_row(sql, [MARK], |row| row.get(0)).optional().map_err(failed(DOING))
}

fn each<'r>(
    conn: &Connection,
    sql: &str,
    tenant: &'r TenantId,
    rows: impl Iterator<Item = &'r [crate::audit::Cell]>,
) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(sql).map_err(failed(DOING))?;
    let tenant = tenant.as_str();
    for row in rows {
        let cells = row.iter().map(|cell| cell as &dyn ToSql);
        statement
            .execute(params_from_iter(std::iter::once(&tenant as &dyn ToSql).chain(cells)))
            .map_err(failed(DOING))?;
    }
    Ok(())
}

impl Fill for Filler {
    fn begun(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        begun(&self.conn)
    }

    fn begin(&mut self, secret: &[u8; 32]) -> Result<(), StoreError> {
        let sql = "INSERT INTO installation (name, value) VALUES (?1, ?2)";
        self.begin_writing()?.execute(sql, params![MARK, secret]).map_err(failed(DOING))?;
        self.commit()
    }

    fn put(&mut self, tenant: &TenantId, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
        let columns = [table.key, table.columns].concat();
        let marks: Vec<String> = (0..=columns.len()).map(|at| format!("?{}", at + 1)).collect();
        let sql = format!(
            "INSERT OR REPLACE INTO {} (tenant, {}) VALUES ({})",
            table.name,
            columns.join(", "),
            marks.join(", ")
        );
        each(self.begin_writing()?, &sql, tenant, rows.iter().map(Vec::as_slice))
    }

    fn remove(&mut self, tenant: &TenantId, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
        let width = table.key.len();
        let keys: String =
            table.key.iter().enumerate().map(|(at, key)| format!(" AND {key} = ?{}", at + 2)).collect();
        let sql = format!("DELETE FROM {} WHERE tenant = ?1{keys}", table.name);
        each(self.begin_writing()?, &sql, tenant, rows.iter().map(|row| &row[..width]))
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        if self.conn.is_autocommit() {
            return Ok(());
        }
        self.conn.execute_batch("COMMIT").map_err(failed(DOING))
    }

    fn end(&mut self, tenants: &[TenantId], secret: &[u8; 32]) -> Result<(), StoreError> {
        let conn = self.begin_writing()?;
        for tenant in tenants {
            for table in ["customer_orders", "replay_keys", "marks"] {
                let sql = format!("DELETE FROM {table} WHERE tenant = ?1");
                conn.execute(&sql, [tenant.as_str()]).map_err(failed(DOING))?;
            }
            let mut tail = Tail::default();
            tail.of(conn, tenant)?.index(conn, tenant)?;
        }
        conn.execute("UPDATE installation SET value = ?1 WHERE name = 'secret'", [secret.as_slice()])
            .map_err(failed(DOING))?;
        conn.execute("DELETE FROM installation WHERE name = ?1", [MARK]).map_err(failed(DOING))?;
        self.commit()
    }
}
