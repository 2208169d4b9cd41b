//! Reading what a merchant is: settings, pools, supplies, the ledger and what is due.

use std::sync::Arc;

use model::{
    id::{LocationId, OrderId, Sku, SupplyId, TenantId},
    item::Policy,
    location::LocationSettings,
    pool::Pool,
    supply::{Lateness, Supply, SupplyKind, SupplyState},
    time::Timestamp,
};
use rusqlite::{Connection, Params, params};

use super::{
    cells::{Cells, each, list, micros, one},
    sql,
};
use crate::{ApiKey, EventRow, Kept, Replay, StoreError, Tenant, Timer, Work};

/// A row limit as SQL counts.
pub(super) fn at_most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn tenant_row(cells: Cells<'_>) -> Result<Tenant, StoreError> {
    Ok(Tenant { id: TenantId::stored(cells.text(0)?), created_at: cells.instant(1)?, salt: cells.bytes(2)? })
}

pub(super) fn tenants(conn: &Connection) -> Result<Vec<Tenant>, StoreError> {
    list(conn, "read the tenants", sql::TENANTS, [], tenant_row)
}

pub(super) fn tenant(conn: &Connection, tenant: &TenantId) -> Result<Option<Tenant>, StoreError> {
    one(conn, "read a tenant", sql::TENANT, params![tenant.as_str()], tenant_row)
}

pub(super) fn api_key(
    conn: &Connection,
    tenant: &TenantId,
    hash: &[u8; 32],
) -> Result<Option<ApiKey>, StoreError> {
    one(conn, "read a key", sql::API_KEY, params![tenant.as_str(), hash], |cells| {
        Ok(ApiKey {
            tenant: tenant.clone(),
            hash: *hash,
            name: cells.text(0)?.into(),
            publishable: cells.flag(1)?,
            scopes: cells.json(2)?,
            created_at: cells.instant(3)?,
            revoked_at: cells.maybe_instant(4)?,
        })
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
    let read = |cells: Cells<'_>| {
        let mut pool = Pool::new(cells.json(2)?);
        pool.version = cells.int(0)?;
        pool.settling = cells.flag(1)?;
        Ok(pool)
    };
    let Some(mut pool) = one(conn, "read a pool", sql::POOL, key, read)? else { return Ok(None) };
    pool.policies = list(conn, "read policies", sql::POLICIES, key, |cells| {
        Ok((model::id::Channel::stored(cells.text(0)?), Arc::new(cells.json::<Policy>(1)?)))
    })?;
    pool.supplies =
        list(conn, "read supplies", sql::SUPPLIES_OPEN, key, |cells| supply_row(cells).map(Arc::new))?;
    pool.supplies.sort_by_key(|supply| supply.rank());
    Ok(Some(pool))
}

pub(super) fn supply_row(cells: Cells<'_>) -> Result<Supply, StoreError> {
    Ok(Supply {
        id: SupplyId::from_bytes(cells.bytes(0)?),
        sku: Sku::stored(cells.text(1)?),
        location: LocationId::stored(cells.text(2)?),
        kind: cells.word(3, SupplyKind::parse)?,
        state: cells.word(4, SupplyState::parse)?,
        quantity: cells.units(5)?,
        expected_on: cells.maybe_date(6)?,
        lateness: Lateness {
            expected_days: cells.int(7)?,
            promised_days: cells.int(8)?,
            learned_from: cells.int(9)?,
        },
        supplier: cells.maybe_shared(10)?,
        reference: cells.maybe_shared(11)?,
        created_at: cells.instant(12)?,
        received_at: cells.maybe_instant(13)?,
        claims: cells.json(14)?,
    })
}

pub(super) fn supply(
    conn: &Connection,
    tenant: &TenantId,
    id: SupplyId,
) -> Result<Option<Supply>, StoreError> {
    one(conn, "read a supply", sql::SUPPLY, params![tenant.as_str(), id.bytes()], supply_row)
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
        None => list(conn, doing, sql::SUPPLY_PAGE, params![tenant, after, limit, closed], supply_row),
        Some(sku) => {
            let params = params![tenant, after, limit, closed, sku.as_str()];
            list(conn, doing, sql::SUPPLY_PAGE_SKU, params, supply_row)
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
        let entry = EventRow {
            seq: cells.int(0)?,
            at: cells.instant(1)?,
            kind: cells.text(2)?.into(),
            sku: cells.maybe_text(3)?.map(Sku::stored),
            order: cells.maybe_bytes(4)?.map(OrderId::from_bytes),
            data: cells.text(5)?.to_owned(),
        };
        let promise = cells.maybe_text(6)?.map(|data| EventRow {
            seq: entry.seq + 1,
            kind: "promise_given".into(),
            sku: None,
            data: data.to_owned(),
            ..entry.clone()
        });
        found.extend([Some(entry), promise].into_iter().flatten().filter(|entry| entry.seq > after));
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
        let kept = match cells.maybe_int(4)? {
            Some(entry) => Kept::Placed(entry),
            None => Kept::Text(cells.text(3)?.into()),
        };
        let (request, day, lasting) = (cells.bytes(0)?, cells.int(1)?, cells.flag(2)?);
        Ok(Replay { key: key.into(), request, day, lasting, kept })
    })?;
    Ok(found.filter(|replay| replay.lasting || days.contains(&replay.day)))
}

/// The word and id a timer is stored under.
pub(crate) fn timer_key(timer: &Timer) -> (&'static str, &[u8; 16]) {
    match timer {
        Timer::HoldExpires(hold) => ("hold_expires", hold.bytes()),
    }
}

fn timer_of(kind: &str, id: [u8; 16]) -> Option<Timer> {
    (kind == "hold_expires").then(|| Timer::HoldExpires(model::id::HoldId::from_bytes(id)))
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
            let at = cells.instant(0)?;
            let timer = cells.word(1, |kind| timer_of(kind, cells.bytes(2).ok()?))?;
            found.push((tenant.clone(), at, timer));
            Ok(())
        })?;
        // Stable: at one moment, tenants and timers stay in the order of their keys.
        found.sort_by_key(|(_, at, _)| *at);
        found.truncate(limit);
    }
    Ok(found)
}

pub(super) fn work(conn: &Connection, limit: usize) -> Result<Vec<(TenantId, Work)>, StoreError> {
    list(conn, "read the work", sql::WORK, params![at_most(limit)], |cells| {
        let work = Work { id: cells.int(1)?, kind: cells.text(2)?.into(), state: cells.text(3)?.into() };
        Ok((TenantId::stored(cells.text(0)?), work))
    })
}
