//! Writing rows as they are stored, for a copy of another store.

use model::id::TenantId;
use rustc_hash::FxHashMap;
use tokio_postgres::types::ToSql;

use super::{
    cells::{Cells, each},
    conn::{Commit, Conn, Ended},
    driver::{Call, Param},
};
use crate::{
    StoreError,
    audit::{Cell, Row, Table},
    cells::ReadCells,
    transfer::{Fill, MARK},
};

const DOING: &str = "copied rows";

/// A connection that copies.
pub(super) struct Filler {
    conn: Conn,
    /// Types of columns by table, as they are asked for.
    types: FxHashMap<&'static str, FxHashMap<String, String>>,
}

impl Filler {
    pub(super) fn new(conn: Conn) -> Self {
        Self { conn, types: FxHashMap::default() }
    }

    /// The type of each of these columns.
    fn types(&mut self, table: &Table, columns: &[&str]) -> Result<Vec<String>, StoreError> {
        const SQL: &str = "SELECT a.attname::text, t.typname::text FROM pg_attribute a JOIN pg_type t \
             ON t.oid = a.atttypid WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped";
        if !self.types.contains_key(table.name) {
            let rows = self.conn.rows(DOING, SQL, [&table.name as _])?;
            let read = |cells: Cells<'_>| Ok((cells.text(0)?.to_owned(), cells.text(1)?.to_owned()));
            self.types.insert(table.name, each(&rows, read)?.into_iter().collect());
        }
        let known = self.types.get(table.name);
        let of = |column: &&str| {
            known.and_then(|known| known.get(*column)).cloned().ok_or_else(|| {
                StoreError::inconsistent(format_args!("{} has no column {column}", table.name))
            })
        };
        columns.iter().map(of).collect()
    }

    /// `unnest($2::bigint[], $3::text[]) AS rows (a, b)`, and the lists it is given.
    fn rows(
        &mut self,
        table: &Table,
        columns: &[&str],
        rows: &[Row],
    ) -> Result<(String, Vec<Box<dyn ToSql + Sync>>), StoreError> {
        let types = self.types(table, columns)?;
        let mut lists = Vec::with_capacity(columns.len());
        for (at, ty) in types.iter().enumerate() {
            lists.push(list(ty, rows.iter().map(|row| &row[at]))?);
        }
        let marks: Vec<String> =
            types.iter().enumerate().map(|(at, ty)| format!("${}::{ty}[]", at + 2)).collect();
        Ok((format!("unnest({}) AS rows ({})", marks.join(", "), columns.join(", ")), lists))
    }

    fn run(
        &mut self,
        sql: &str,
        tenant: &TenantId,
        lists: &[Box<dyn ToSql + Sync>],
    ) -> Result<(), StoreError> {
        let name = tenant.as_str();
        let mut params: Vec<Param<'_>> = vec![&name];
        params.extend(lists.iter().map(|list| &**list as Param<'_>));
        self.conn.change(DOING, sql, params).map(drop)
    }
}

/// One column's values.
fn list<'r>(ty: &str, cells: impl Iterator<Item = &'r Cell>) -> Result<Box<dyn ToSql + Sync>, StoreError> {
    let wrong = |cell: &Cell| StoreError::inconsistent(format_args!("{cell} cannot be a {ty}"));
    Ok(match ty {
        "int8" => Box::new(values(cells, wrong, |cell| match cell {
            Cell::Int(number) => Some(*number),
            _ => None,
        })?),
        "bytea" => Box::new(values(cells, wrong, |cell| match cell {
            Cell::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        })?),
        _ => Box::new(values(cells, wrong, |cell| match cell {
            Cell::Text(text) => Some(text.clone()),
            _ => None,
        })?),
    })
}

fn values<'r, T>(
    cells: impl Iterator<Item = &'r Cell>,
    wrong: impl Fn(&Cell) -> StoreError,
    of: impl Fn(&Cell) -> Option<T>,
) -> Result<Vec<Option<T>>, StoreError> {
    cells
        .map(
            |cell| if *cell == Cell::Null { Ok(None) } else { of(cell).map(Some).ok_or_else(|| wrong(cell)) },
        )
        .collect()
}

impl Fill for Filler {
    fn begun(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.conn.row(DOING, "SELECT value FROM installation WHERE name = $1", [&MARK as _])?;
        let found = row.map(|row| Cells(&row).maybe_blob(0).map(|bytes| bytes.map(<[u8]>::to_vec)));
        let found = found.transpose()?.flatten();
        self.commit()?;
        Ok(found)
    }

    fn begin(&mut self, secret: &[u8; 32]) -> Result<(), StoreError> {
        let sql = "INSERT INTO installation (name, value) VALUES ($1, $2)";
        self.conn.change(DOING, sql, [&MARK as _, &secret.as_slice() as _])?;
        self.commit()
    }

    fn put(&mut self, tenant: &TenantId, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let columns = [table.key, table.columns].concat();
        let (from, lists) = self.rows(table, &columns, rows)?;
        let key = [&["tenant"], table.key].concat().join(", ");
        let set: Vec<String> =
            table.columns.iter().map(|column| format!("{column} = excluded.{column}")).collect();
        let otherwise =
            if set.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", set.join(", ")) };
        let (name, all) = (table.name, columns.join(", "));
        let sql = format!(
            "INSERT INTO {name} (tenant, {all}) SELECT $1, rows.* FROM {from} ON CONFLICT ({key}) DO {otherwise}"
        );
        self.run(&sql, tenant, &lists)
    }

    fn remove(&mut self, tenant: &TenantId, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let (from, lists) = self.rows(table, table.key, rows)?;
        let name = table.name;
        let same: String = table.key.iter().map(|key| format!(" AND {name}.{key} = rows.{key}")).collect();
        let sql = format!("DELETE FROM {name} USING {from} WHERE {name}.tenant = $1{same}");
        self.run(&sql, tenant, &lists)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        match self.conn.commit(Commit::OnDisk) {
            Ended::Kept => Ok(()),
            Ended::Lost(error) | Ended::Unknown(error) => Err(error),
        }
    }

    fn end(&mut self, tenants: &[TenantId], secret: &[u8; 32]) -> Result<(), StoreError> {
        // Whoever has the head in memory finds that it moved, and no changes that tell how: so it reads everything again.
        const HEAD: &str = "INSERT INTO heads (tenant, version, last_event, last_replay) VALUES ($1, \
             1 + coalesce((SELECT version FROM heads WHERE tenant = $1), 0), \
             coalesce((SELECT seq + CASE WHEN promise IS NULL THEN 0 ELSE 1 END FROM events WHERE tenant = $1 \
                 ORDER BY seq DESC LIMIT 1), 0), \
             coalesce((SELECT seq FROM replays WHERE tenant = $1 ORDER BY seq DESC LIMIT 1), 0)) \
             ON CONFLICT (tenant) DO UPDATE SET version = excluded.version, last_event = excluded.last_event, \
             last_replay = excluded.last_replay";
        const CHANGES: &str = "DELETE FROM changes WHERE tenant = $1";
        for tenant in tenants {
            let name = tenant.as_str();
            self.conn.tell(DOING, &[Call::new(HEAD, [&name as _]), Call::new(CHANGES, [&name as _])])?;
        }
        const SECRET: &str = "UPDATE installation SET value = $1 WHERE name = 'secret'";
        const DONE: &str = "DELETE FROM installation WHERE name = $1";
        let secret = secret.as_slice();
        self.conn.tell(DOING, &[Call::new(SECRET, [&secret as _]), Call::new(DONE, [&MARK as _])])?;
        self.commit()
    }
}
