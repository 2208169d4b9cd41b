//! Records of both shelves.

use model::{id::TenantId, record::Record, time::Timestamp};
use rustc_hash::FxHashMap;

use super::{cells::each, conn::Conn};
use crate::{
    RecordFilter, Shelf, StoreError,
    cells::{ReadCells, at_most, micros},
    stored::{self, RECORD_COLUMNS as COLUMNS},
};

pub(super) fn table(shelf: Shelf) -> &'static str {
    match shelf {
        Shelf::Ledger => "records",
        Shelf::Private => "private_records",
    }
}

pub(super) fn records(
    conn: &mut Conn,
    tenant: &TenantId,
    shelf: Shelf,
    kind: &str,
    ids: &[&str],
) -> Result<Vec<Record>, StoreError> {
    // As `each_of!` does.
    let sql = format!(
        "SELECT found.* FROM unnest($2::text[]) AS wanted (key) CROSS JOIN LATERAL (SELECT {COLUMNS} FROM {} \
         WHERE tenant = $1 AND kind = $3 AND id = wanted.key OFFSET 0) AS found",
        table(shelf)
    );
    let rows = conn.rows("read records", &sql, [&tenant.as_str() as _, &ids as _, &kind as _])?;
    let found: Vec<Record> = each(&rows, |cells| stored::record(cells, 0))?;
    let found: FxHashMap<&str, &Record> = found.iter().map(|record| (&*record.id, record)).collect();
    Ok(ids.iter().filter_map(|id| found.get(*id).map(|record| (*record).clone())).collect())
}

pub(super) fn record_page(
    conn: &mut Conn,
    tenant: &TenantId,
    shelf: Shelf,
    kind: &str,
    filter: &RecordFilter<'_>,
    (after, limit): (Option<&str>, usize),
) -> Result<Vec<Record>, StoreError> {
    // Each condition is spelled out, so that each meets its own index.
    let owner =
        if filter.owner.is_some() { "AND owner <> '' AND owner = $5" } else { "AND $5::text IS NULL" };
    let state =
        if filter.state.is_some() { "AND state <> '' AND state = $6" } else { "AND $6::text IS NULL" };
    let sql = format!(
        "SELECT {COLUMNS} FROM {} WHERE tenant = $1 AND kind = $2 AND id > $3 {owner} {state} \
         ORDER BY id LIMIT $4",
        table(shelf)
    );
    let rows = conn.rows(
        "read records",
        &sql,
        [
            &tenant.as_str() as _,
            &kind as _,
            &after.unwrap_or("") as _,
            &at_most(limit) as _,
            &filter.owner as _,
            &filter.state as _,
        ],
    )?;
    each(&rows, |cells| stored::record(cells, 0))
}

pub(super) fn due_records(
    conn: &mut Conn,
    shelf: Shelf,
    kind: &str,
    by: Timestamp,
    limit: usize,
) -> Result<Vec<(TenantId, Record)>, StoreError> {
    // Over all tenants, without a lock: whoever works one locks its tenant first.
    let sql = format!(
        "SELECT tenant, {COLUMNS} FROM {} WHERE kind = $1 AND due IS NOT NULL AND due <= $2 \
         ORDER BY due, tenant, id LIMIT $3",
        table(shelf)
    );
    let key = [&kind as _, &micros(by) as _, &at_most(limit) as _];
    let rows = conn.rows("read records that are due", &sql, key)?;
    each(&rows, |cells| Ok((TenantId::stored(cells.text(0)?), stored::record(cells, 1)?)))
}
