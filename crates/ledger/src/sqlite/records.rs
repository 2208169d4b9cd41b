//! Records of both shelves.

use model::{id::TenantId, record::Record, time::Timestamp};
use rusqlite::{Connection, params};

use super::cells::{failed, list, one};
use crate::{
    Changes, RecordFilter, Shelf, StoreError,
    cells::{ReadCells, at_most, micros},
    stored::{self, RECORD_COLUMNS as COLUMNS},
};

fn table(shelf: Shelf) -> &'static str {
    match shelf {
        Shelf::Ledger => "records",
        Shelf::Private => "private_records",
    }
}

pub(super) fn records(
    conn: &Connection,
    tenant: &TenantId,
    shelf: Shelf,
    kind: &str,
    ids: &[&str],
) -> Result<Vec<Record>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM {} WHERE tenant = ?1 AND kind = ?2 AND id = ?3", table(shelf));
    let find = |id: &&str| {
        one(conn, "read a record", &sql, params![tenant.as_str(), kind, id], |cells| stored::record(cells, 0))
    };
    ids.iter().filter_map(|id| find(id).transpose()).collect()
}

pub(super) fn record_page(
    conn: &Connection,
    tenant: &TenantId,
    shelf: Shelf,
    kind: &str,
    filter: &RecordFilter<'_>,
    (after, limit): (Option<&str>, usize),
) -> Result<Vec<Record>, StoreError> {
    // Each condition is spelled out, so that each meets its own index.
    let owner = if filter.owner.is_some() { "AND owner <> '' AND owner = ?5" } else { "AND ?5 IS NULL" };
    let state = if filter.state.is_some() { "AND state <> '' AND state = ?6" } else { "AND ?6 IS NULL" };
    let sql = format!(
        "SELECT {COLUMNS} FROM {} WHERE tenant = ?1 AND kind = ?2 AND id > ?3 {owner} {state} \
         ORDER BY id LIMIT ?4",
        table(shelf)
    );
    let key = params![tenant.as_str(), kind, after.unwrap_or(""), at_most(limit), filter.owner, filter.state];
    list(conn, "read records", &sql, key, |cells| stored::record(cells, 0))
}

pub(super) fn due_records(
    conn: &Connection,
    shelf: Shelf,
    kind: &str,
    by: Timestamp,
    limit: usize,
) -> Result<Vec<(TenantId, Record)>, StoreError> {
    const DOING: &str = "read records that are due";
    let table = table(shelf);
    // From tenant to tenant: every index begins with it.
    let next = format!("SELECT tenant FROM {table} WHERE tenant > ?1 ORDER BY tenant LIMIT 1");
    let due = format!(
        "SELECT {COLUMNS} FROM {table} WHERE tenant = ?1 AND kind = ?2 AND due IS NOT NULL AND due <= ?3 \
         ORDER BY due, id LIMIT ?4"
    );
    let mut found = Vec::new();
    let mut tenant = TenantId::stored("");
    while let Some(of) =
        one(conn, DOING, &next, params![tenant.as_str()], |cells| Ok(TenantId::stored(cells.text(0)?)))?
    {
        tenant = of;
        let key = params![tenant.as_str(), kind, micros(by), at_most(limit)];
        let records = list(conn, DOING, &due, key, |cells| stored::record(cells, 0))?;
        found.extend(records.into_iter().map(|record| (tenant.clone(), record)));
        // Stable: at one moment, tenants and records stay in their order.
        found.sort_by_key(|(_, record)| record.due);
        found.truncate(limit);
    }
    Ok(found)
}

/// Writes the records of both shelves; those that are gone go.
pub(super) fn write(conn: &Connection, tenant: &TenantId, changes: &Changes) -> Result<(), StoreError> {
    write_shelf(conn, tenant, Shelf::Ledger, changes.records.iter().map(|record| &**record))?;
    write_shelf(conn, tenant, Shelf::Private, changes.private.iter())
}

fn write_shelf<'r>(
    conn: &Connection,
    tenant: &TenantId,
    shelf: Shelf,
    records: impl Iterator<Item = &'r Record>,
) -> Result<(), StoreError> {
    const DOING: &str = "wrote a record";
    let table = table(shelf);
    for record in records {
        let Some(body) = &record.body else {
            let sql = format!("DELETE FROM {table} WHERE tenant = ?1 AND kind = ?2 AND id = ?3");
            let mut drop = conn.prepare_cached(&sql).map_err(failed(DOING))?;
            drop.execute(params![tenant.as_str(), &*record.kind, &*record.id]).map_err(failed(DOING))?;
            continue;
        };
        let sql = format!(
            "INSERT INTO {table} (tenant, {COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
             ON CONFLICT (tenant, kind, id) DO UPDATE SET owner = excluded.owner, state = excluded.state, \
             due = excluded.due, body = excluded.body"
        );
        let mut put = conn.prepare_cached(&sql).map_err(failed(DOING))?;
        let (kind, id, owner, state) = (&*record.kind, &*record.id, &*record.owner, &*record.state);
        put.execute(params![tenant.as_str(), kind, id, owner, state, record.due.map(micros), body.as_str()])
            .map_err(failed(DOING))?;
    }
    Ok(())
}
