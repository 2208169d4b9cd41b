//! Tenants and their API keys.

use super::{
    super::{conn::Conn, driver::Call},
    json,
};
use crate::{ApiKey, StoreError, Tenant, cells::micros};

pub(in super::super) fn create_tenant(conn: &mut Conn, tenant: &Tenant) -> Result<(), StoreError> {
    const TENANT: &str =
        "INSERT INTO tenants (tenant, created_at, salt) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    const HEAD: &str = "INSERT INTO heads (tenant, version, last_event, last_replay) VALUES ($1, 0, 0, 0) \
         ON CONFLICT DO NOTHING";
    let (name, at) = (tenant.id.as_str(), micros(tenant.created_at));
    let salt = tenant.salt.as_slice();
    let counts = conn.tell(
        "made a tenant",
        &[Call::new(TENANT, [&name as _, &at as _, &salt as _]), Call::new(HEAD, [&name as _])],
    )?;
    if counts.first() == Some(&1) {
        return Ok(());
    }
    conn.break_off();
    Err(StoreError::Conflict)
}

pub(in super::super) fn create_key(conn: &mut Conn, key: &ApiKey) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO api_keys (tenant, hash, name, publishable, scopes, created_at, revoked_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, hash) DO UPDATE SET name = excluded.name, \
         publishable = excluded.publishable, scopes = excluded.scopes, created_at = excluded.created_at, \
         revoked_at = excluded.revoked_at";
    conn.change(
        "stored a key",
        SQL,
        [
            &key.tenant.as_str() as _,
            &key.hash.as_slice() as _,
            &&*key.name as _,
            &i64::from(key.publishable) as _,
            &json(&key.scopes)? as _,
            &micros(key.created_at) as _,
            &key.revoked_at.map(micros) as _,
        ],
    )
    .map(drop)
}
