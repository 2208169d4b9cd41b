//! Reading what a merchant is: settings, pools, supplies, the ledger and what is due.

use std::sync::Arc;

use model::{
    id::{LocationId, Sku, SupplyId, TenantId},
    location::LocationSettings,
    pool::Pool,
    supply::Supply,
    time::Timestamp,
};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    cells::{Cells, each},
    conn::Conn,
    driver::{Call, each_of},
};
use crate::{
    ApiKey, EventRow, Replay, StoreError, Tenant, Timer, Work,
    cells::{ReadCells, at_most, micros},
    key::digest,
    stored,
};

pub(super) fn tenants(conn: &mut Conn) -> Result<Vec<Tenant>, StoreError> {
    let rows =
        conn.rows("read the tenants", "SELECT tenant, created_at, salt FROM tenants ORDER BY tenant", [])?;
    each(&rows, |cells| stored::tenant(cells))
}

pub(super) fn tenant(conn: &mut Conn, tenant: &TenantId) -> Result<Option<Tenant>, StoreError> {
    const SQL: &str = "SELECT tenant, created_at, salt FROM tenants WHERE tenant = $1";
    let row = conn.row("read a tenant", SQL, [&tenant.as_str() as _])?;
    row.map(|row| stored::tenant(Cells(&row))).transpose()
}

pub(super) fn api_key(
    conn: &mut Conn,
    tenant: &TenantId,
    hash: &[u8; 32],
) -> Result<Option<ApiKey>, StoreError> {
    const SQL: &str = "SELECT name, publishable, scopes, created_at, revoked_at FROM api_keys \
         WHERE tenant = $1 AND hash = $2";
    let row = conn.row("read a key", SQL, [&tenant.as_str() as _, &hash.as_slice() as _])?;
    row.map(|row| stored::api_key(Cells(&row), tenant, hash)).transpose()
}

pub(super) fn api_keys(conn: &mut Conn, tenant: &TenantId) -> Result<Vec<ApiKey>, StoreError> {
    const SQL: &str = "SELECT name, publishable, scopes, created_at, revoked_at, hash FROM api_keys \
         WHERE tenant = $1 ORDER BY created_at, hash";
    let rows = conn.rows("read the keys", SQL, [&tenant.as_str() as _])?;
    rows.iter()
        .map(|row| {
            let hash = Cells(row).bytes(5)?;
            stored::api_key(Cells(row), tenant, &hash)
        })
        .collect()
}

pub(super) fn secret(conn: &mut Conn) -> Result<[u8; 32], StoreError> {
    let row = conn.row("read the secret", "SELECT value FROM installation WHERE name = 'secret'", [])?;
    row.map(|row| Cells(&row).bytes(0))
        .transpose()?
        .ok_or_else(|| StoreError::inconsistent("the installation has no secret"))
}

pub(super) fn locations(
    conn: &mut Conn,
    tenant: &TenantId,
) -> Result<Vec<(LocationId, LocationSettings)>, StoreError> {
    const SQL: &str = "SELECT location, settings FROM locations WHERE tenant = $1 ORDER BY location";
    let rows = conn.rows("read the locations", SQL, [&tenant.as_str() as _])?;
    each(&rows, |cells| Ok((LocationId::stored(cells.text(0)?), cells.json(1)?)))
}

macro_rules! supply_select {
    ($rest:literal) => {
        concat!(
            "SELECT supply_id, sku, location, kind, state, quantity, expected_on, late_expected_days, \
             late_promised_days, late_learned_from, supplier, reference, created_at, received_at, claims, \
             ring_fenced FROM supplies ",
            $rest
        )
    };
}
pub(super) use supply_select;

/// The pools of these SKUs, in their order.
pub(super) fn pools(conn: &mut Conn, tenant: &TenantId, skus: &[Sku]) -> Result<Vec<Pool>, StoreError> {
    const POOLS: &str = each_of!(
        "text[]",
        "SELECT version, settling, item, sku FROM pools WHERE tenant = $1 AND sku = wanted.key"
    );
    const POLICIES: &str = each_of!(
        "text[]",
        "SELECT channel, policy, sku FROM policies WHERE tenant = $1 AND sku = wanted.key ORDER BY channel"
    );
    const SUPPLIES: &str =
        each_of!("text[]", supply_select!("WHERE tenant = $1 AND sku = wanted.key AND state <> 'closed'"));
    let mut wanted: Vec<&str> = skus.iter().map(Sku::as_str).collect();
    let mut seen = FxHashSet::default();
    wanted.retain(|sku| seen.insert(*sku));
    let name = tenant.as_str();
    let calls = [POOLS, POLICIES, SUPPLIES].map(|sql| Call::new(sql, [&name as _, &wanted as _]));
    let answers = conn.ask("read pools", &calls)?;
    let [pools, policies, supplies] = answers.as_slice() else {
        return Err(StoreError::inconsistent("an answer is missing"));
    };
    let read = |cells: Cells<'_>| Ok((cells.text(3)?.to_owned(), stored::pool(cells)?));
    let mut found: FxHashMap<String, Pool> = each(pools, read)?.into_iter().collect();
    for row in policies {
        let cells = Cells(row);
        if let Some(pool) = found.get_mut(cells.text(2)?) {
            let (channel, policy) = stored::policy(cells)?;
            pool.policies.push((channel, policy));
        }
    }
    for supply in each(supplies, |cells| stored::supply(cells))? {
        if let Some(pool) = found.get_mut(supply.sku.as_str()) {
            pool.supplies.push(Arc::new(supply));
        }
    }
    found.values_mut().for_each(|pool| pool.supplies.sort_by_key(|supply| supply.rank()));
    Ok(wanted.iter().filter_map(|sku| found.remove(*sku)).collect())
}

pub(super) fn pool_page(
    conn: &mut Conn,
    tenant: &TenantId,
    after: Option<&Sku>,
    limit: usize,
) -> Result<Vec<Pool>, StoreError> {
    const SQL: &str = "SELECT sku FROM pools WHERE tenant = $1 AND sku > $2 ORDER BY sku LIMIT $3";
    let (after, limit) = (after.map_or("", Sku::as_str), at_most(limit));
    let rows = conn.rows("read the skus", SQL, [&tenant.as_str() as _, &after as _, &limit as _])?;
    let skus = each(&rows, |cells| Ok(Sku::stored(cells.text(0)?)))?;
    pools(conn, tenant, &skus)
}

pub(super) fn supply(conn: &mut Conn, tenant: &TenantId, id: SupplyId) -> Result<Option<Supply>, StoreError> {
    const SQL: &str = supply_select!("WHERE tenant = $1 AND supply_id = $2");
    let row = conn.row("read a supply", SQL, [&tenant.as_str() as _, &id.bytes().as_slice() as _])?;
    row.map(|row| stored::supply(Cells(&row))).transpose()
}

pub(super) fn supply_page(
    conn: &mut Conn,
    tenant: &TenantId,
    sku: Option<&Sku>,
    closed: bool,
    after: Option<SupplyId>,
    limit: usize,
) -> Result<Vec<Supply>, StoreError> {
    const ALL: &str = supply_select!(
        "WHERE tenant = $1 AND supply_id > $2 AND ($4 OR state <> 'closed') ORDER BY supply_id LIMIT $3"
    );
    const OF_SKU: &str = supply_select!(
        "WHERE tenant = $1 AND supply_id > $2 AND ($4 OR state <> 'closed') AND sku = $5 \
         ORDER BY supply_id LIMIT $3"
    );
    let (name, limit) = (tenant.as_str(), at_most(limit));
    // No id is shorter than this, so every id comes after it.
    let after: &[u8] = after.as_ref().map_or(&[], |after| after.bytes());
    let sku = sku.map(Sku::as_str);
    let doing = "read supplies";
    let rows = match &sku {
        None => conn.rows(doing, ALL, [&name as _, &after as _, &limit as _, &closed as _])?,
        Some(sku) => {
            conn.rows(doing, OF_SKU, [&name as _, &after as _, &limit as _, &closed as _, sku as _])?
        }
    };
    each(&rows, |cells| stored::supply(cells))
}

pub(super) fn events(
    conn: &mut Conn,
    tenant: &TenantId,
    after: i64,
    limit: usize,
) -> Result<Vec<EventRow>, StoreError> {
    // From an entry on: a row may stand for the entry after it as well.
    const SQL: &str = "SELECT seq, at, kind, sku, order_id, data, promise FROM events \
         WHERE tenant = $1 AND seq >= $2 ORDER BY seq LIMIT $3";
    let rows_max = at_most(limit.saturating_add(1));
    let rows = conn.rows("read the ledger", SQL, [&tenant.as_str() as _, &after as _, &rows_max as _])?;
    let mut found = Vec::with_capacity(limit.min(1_024));
    for row in &rows {
        let entries = stored::events(Cells(row))?.into_iter().flatten();
        found.extend(entries.filter(|entry| entry.seq > after));
    }
    found.truncate(limit);
    Ok(found)
}

pub(super) fn last_event(conn: &mut Conn, tenant: &TenantId) -> Result<i64, StoreError> {
    const SQL: &str = "SELECT seq + CASE WHEN promise IS NULL THEN 0 ELSE 1 END FROM events \
         WHERE tenant = $1 ORDER BY seq DESC LIMIT 1";
    let row = conn.row("read the last number", SQL, [&tenant.as_str() as _])?;
    Ok(row.map(|row| Cells(&row).int(0)).transpose()?.unwrap_or(0))
}

pub(super) fn last_work(conn: &mut Conn, tenant: &TenantId) -> Result<i64, StoreError> {
    const SQL: &str = "SELECT id FROM work WHERE tenant = $1 ORDER BY id DESC LIMIT 1";
    let row = conn.row("read the last number", SQL, [&tenant.as_str() as _])?;
    Ok(row.map(|row| Cells(&row).int(0)).transpose()?.unwrap_or(0))
}

/// The newest answer to a key, if it is of one of these days or lasting.
pub(super) fn replay(
    conn: &mut Conn,
    tenant: &TenantId,
    days: &[i32],
    key: &str,
) -> Result<Option<Replay>, StoreError> {
    const SQL: &str = "SELECT request, day, lasting, answer, placed FROM replays \
         WHERE tenant = $1 AND key = $2 ORDER BY seq DESC LIMIT 1";
    let row = conn.row("read an answer", SQL, [&tenant.as_str() as _, &digest(key).as_slice() as _])?;
    Ok(row.map(|row| stored::replay(Cells(&row), key, days)).transpose()?.flatten())
}

pub(super) fn key_marks(
    conn: &mut Conn,
    tenant: &TenantId,
    most: usize,
) -> Result<Option<Vec<u64>>, StoreError> {
    const DOING: &str = "read the keys";
    const COUNT: &str = "SELECT count(*) FROM (SELECT 1 FROM replays WHERE tenant = $1 LIMIT $2) AS found";
    // All in one value: a row for each of some million keys would cost many times their size.
    const KEYS: &str =
        "SELECT string_agg(substring(key FROM 1 FOR 8), ''::bytea) FROM replays WHERE tenant = $1";
    let limit = at_most(most.saturating_add(1));
    let row = conn.row(DOING, COUNT, [&tenant.as_str() as _, &limit as _])?;
    let count = row.map(|row| Cells(&row).int::<i64>(0)).transpose()?.unwrap_or(0);
    if count == limit {
        return Ok(None);
    }
    let row = conn.row(DOING, KEYS, [&tenant.as_str() as _])?;
    let all = row.as_ref().map(|row| Cells(row).maybe_blob(0)).transpose()?.flatten().unwrap_or_default();
    let (marks, _) = all.as_chunks();
    Ok(Some(marks.iter().map(|mark| u64::from_be_bytes(*mark)).collect()))
}

pub(super) fn due(
    conn: &mut Conn,
    by: Timestamp,
    limit: usize,
) -> Result<Vec<(TenantId, Timestamp, Timer)>, StoreError> {
    // Over all tenants, without a lock: whoever works one locks its tenant first.
    const SQL: &str = "SELECT tenant, due_at, kind, id FROM timers WHERE due_at <= $1 \
         ORDER BY due_at, tenant, kind, id LIMIT $2";
    let rows = conn.rows("read the timers", SQL, [&micros(by) as _, &at_most(limit) as _])?;
    each(&rows, |cells| Ok((TenantId::stored(cells.text(0)?), cells.instant(1)?, stored::timer(cells, 2)?)))
}

pub(super) fn work(conn: &mut Conn, limit: usize) -> Result<Vec<(TenantId, Work)>, StoreError> {
    const SQL: &str = "SELECT tenant, id, kind, state FROM work ORDER BY tenant, id LIMIT $1";
    let rows = conn.rows("read the work", SQL, [&at_most(limit) as _])?;
    each(&rows, |cells| stored::work(cells))
}
