//! Reading what a merchant is: settings, pools, supplies, the ledger and what is due.

use std::sync::Arc;

use model::{
    id::{LocationId, Sku, SupplyId, TenantId},
    location::LocationSettings,
    pool::Pool,
    supply::Supply,
    time::Timestamp,
};
use rusqlite::{Connection, Params, params};

use super::{
    cells::{each, list, one},
    sql,
};
use crate::{
    ApiKey, EventRow, Replay, StoreError, Tenant, Timer, Work,
    cells::{ReadCells, at_most, micros},
    stored,
};

pub(super) fn tenants(conn: &Connection) -> Result<Vec<Tenant>, StoreError> {
    list(conn, "read the tenants", sql::TENANTS, [], |cells| stored::tenant(cells))
}

pub(super) fn tenant(conn: &Connection, tenant: &TenantId) -> Result<Option<Tenant>, StoreError> {
    one(conn, "read a tenant", sql::TENANT, params![tenant.as_str()], |cells| stored::tenant(cells))
}

pub(super) fn api_key(
    conn: &Connection,
    tenant: &TenantId,
    hash: &[u8; 32],
) -> Result<Option<ApiKey>, StoreError> {
    one(conn, "read a key", sql::API_KEY, params![tenant.as_str(), hash], |cells| {
        stored::api_key(cells, tenant, hash)
    })
}

pub(super) fn api_keys(conn: &Connection, tenant: &TenantId) -> Result<Vec<ApiKey>, StoreError> {
    list(conn, "read the keys", sql::API_KEYS, params![tenant.as_str()], |cells| {
        let hash = cells.bytes(5)?;
        stored::api_key(cells, tenant, &hash)
    })
}

pub(super) fn secret(conn: &Connection) -> Result<[u8; 32], StoreError> {
    one(conn, "read the secret", sql::SECRET, [], |cells| cells.bytes(0))?
        .ok_or_else(|| StoreError::inconsistent("the installation has no secret"))
}

pub(super) fn locations(
    conn: &Connection,
    tenant: &TenantId,
) -> Result<Vec<(LocationId, LocationSettings)>, StoreError> {
    list(conn, "read the locations", sql::LOCATIONS, params![tenant.as_str()], |cells| {
        Ok((LocationId::stored(cells.text(0)?), cells.json(1)?))
    })
}

pub(super) fn pools(conn: &Connection, tenant: &TenantId, skus: &[Sku]) -> Result<Vec<Pool>, StoreError> {
    let mut found = Vec::with_capacity(skus.len());
    for sku in skus {
        found.extend(pool(conn, tenant, sku)?);
    }
    Ok(found)
}

pub(super) fn pool_page(
    conn: &Connection,
    tenant: &TenantId,
    after: Option<&Sku>,
    limit: usize,
) -> Result<Vec<Pool>, StoreError> {
    let after = after.map_or("", Sku::as_str);
    let skus = list(
        conn,
        "read the skus",
        sql::POOL_SKUS,
        params![tenant.as_str(), after, at_most(limit)],
        |cells| Ok(Sku::stored(cells.text(0)?)),
    )?;
    pools(conn, tenant, &skus)
}

fn pool(conn: &Connection, tenant: &TenantId, sku: &Sku) -> Result<Option<Pool>, StoreError> {
    let key = params![tenant.as_str(), sku.as_str()];
    let Some(mut pool) = one(conn, "read a pool", sql::POOL, key, |cells| stored::pool(cells))? else {
        return Ok(None);
    };
    pool.policies = list(conn, "read policies", sql::POLICIES, key, |cells| stored::policy(cells))?;
    pool.supplies =
        list(conn, "read supplies", sql::SUPPLIES_OPEN, key, |cells| stored::supply(cells).map(Arc::new))?;
    pool.supplies.sort_by_key(|supply| supply.rank());
    Ok(Some(pool))
}

pub(super) fn supply(
    conn: &Connection,
    tenant: &TenantId,
    id: SupplyId,
) -> Result<Option<Supply>, StoreError> {
    one(conn, "read a supply", sql::SUPPLY, params![tenant.as_str(), id.bytes()], |cells| {
        stored::supply(cells)
    })
}

pub(super) fn supply_page(
    conn: &Connection,
    tenant: &TenantId,
    sku: Option<&Sku>,
    closed: bool,
    after: Option<SupplyId>,
    limit: usize,
) -> Result<Vec<Supply>, StoreError> {
    let (tenant, limit) = (tenant.as_str(), at_most(limit));
    // No id is shorter than this, so every id comes after it.
    let after: &[u8] = after.as_ref().map_or(&[], |after| after.bytes());
    let doing = "read supplies";
    match sku {
        None => list(conn, doing, sql::SUPPLY_PAGE, params![tenant, after, limit, closed], |cells| {
            stored::supply(cells)
        }),
        Some(sku) => {
            let params = params![tenant, after, limit, closed, sku.as_str()];
            list(conn, doing, sql::SUPPLY_PAGE_SKU, params, |cells| stored::supply(cells))
        }
    }
}

pub(super) fn events(
    conn: &Connection,
    tenant: &TenantId,
    after: i64,
    limit: usize,
) -> Result<Vec<EventRow>, StoreError> {
    let mut found = Vec::with_capacity(limit.min(1_024));
    let params = params![tenant.as_str(), after, at_most(limit.saturating_add(1))];
    each(conn, "read the ledger", sql::EVENTS, params, |cells| {
        found.extend(stored::events(cells)?.into_iter().flatten().filter(|entry| entry.seq > after));
        Ok(())
    })?;
    found.truncate(limit);
    Ok(found)
}

pub(super) fn last_event(conn: &Connection, tenant: &TenantId) -> Result<i64, StoreError> {
    last(conn, sql::LAST_EVENT, params![tenant.as_str()])
}

/// The highest number a table has given under a key, 0 for none.
pub(super) fn last(conn: &Connection, sql: &str, key: impl Params) -> Result<i64, StoreError> {
    let found = one(conn, "read the last number", sql, key, |cells| cells.int(0))?;
    Ok(found.unwrap_or(0))
}

/// How often others have committed, as far as this connection knows.
pub(super) fn data_version(conn: &Connection) -> Result<i64, StoreError> {
    Ok(one(conn, "read the data version", sql::DATA_VERSION, [], |cells| cells.int(0))?.unwrap_or(0))
}

/// How far an index that is filled in bulk has come; 0 where it was never filled.
pub(super) fn mark(conn: &Connection, tenant: &TenantId, name: &str) -> Result<i64, StoreError> {
    last(conn, sql::MARK, params![tenant.as_str(), name])
}

/// The answer with a number, if it is of one of these days or lasting.
pub(super) fn replay(
    conn: &Connection,
    tenant: &TenantId,
    days: &[i32],
    (key, seq): (&str, i64),
) -> Result<Option<Replay>, StoreError> {
    let found = one(conn, "read an answer", sql::REPLAY, params![tenant.as_str(), seq], |cells| {
        stored::replay(cells, key, days)
    })?;
    Ok(found.flatten())
}

pub(super) fn due(
    conn: &Connection,
    by: Timestamp,
    limit: usize,
) -> Result<Vec<(TenantId, Timestamp, Timer)>, StoreError> {
    const DOING: &str = "read the timers";
    let mut found = Vec::new();
    let mut tenant = TenantId::stored("");
    while let Some(next) = one(conn, DOING, sql::NEXT_TIMER_TENANT, params![tenant.as_str()], |cells| {
        Ok(TenantId::stored(cells.text(0)?))
    })? {
        tenant = next;
        each(conn, DOING, sql::TIMERS, params![tenant.as_str(), micros(by), at_most(limit)], |cells| {
            found.push((tenant.clone(), cells.instant(0)?, stored::timer(cells, 1)?));
            Ok(())
        })?;
        // Stable: at one moment, tenants and timers stay in the order of their keys.
        found.sort_by_key(|(_, at, _)| *at);
        found.truncate(limit);
    }
    Ok(found)
}

pub(super) fn work(conn: &Connection, limit: usize) -> Result<Vec<(TenantId, Work)>, StoreError> {
    list(conn, "read the work", sql::WORK, params![at_most(limit)], |cells| stored::work(cells))
}
