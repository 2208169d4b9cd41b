//! Keys of the API, made and taken back on a page: `shipwhen keys` does the same on the command line.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use ledger::{ApiKey, StoreError};
use model::{id::TenantId, time::Timestamp};
use sha2::{Digest, Sha256};

use crate::App;

/// How many characters of a key are its public name, as on the command line.
const NAME_CHARS: usize = 8;

/// Makes a key and returns it; only its hash is stored. `scopes`: empty for all that such a key may have.
pub(crate) fn create(
    app: &App,
    tenant: &TenantId,
    scopes: &[&str],
    publishable: bool,
    now: Timestamp,
) -> Result<String, StoreError> {
    let prefix = if publishable { "pk" } else { "sk" };
    let mut secret = [0; 64];
    secret[..32].copy_from_slice(&app.secret);
    // A keyed hash of an id that is used once: nobody without the installation's secret can guess it.
    let mac = Hmac::<Sha256>::new(&secret.into()).chain_update(b"api key\0");
    let mac = mac.chain_update(app.stamps.next(now).as_bytes());
    let random = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()).replace('_', "-");
    let key = format!("{prefix}_{tenant}_{random}");
    let name: String = key.chars().take(prefix.len() + tenant.as_str().len() + 2 + NAME_CHARS).collect();
    keep(
        app,
        &ApiKey {
            tenant: tenant.clone(),
            hash: Sha256::digest(key.as_bytes()).into(),
            name: name.into(),
            publishable,
            scopes: scopes.iter().map(|scope| (*scope).into()).collect(),
            created_at: now,
            revoked_at: None,
        },
    )?;
    Ok(key)
}

/// Every key, the oldest first.
pub(crate) fn list(app: &App, tenant: &TenantId) -> Result<Vec<ApiKey>, StoreError> {
    app.engine.store().reader()?.api_keys(tenant)
}

/// Takes a key back, by its public name. `false`: there is none of that name, or it was taken back before.
pub(crate) fn revoke(app: &App, tenant: &TenantId, name: &str, now: Timestamp) -> Result<bool, StoreError> {
    let keys = list(app, tenant)?;
    let Some(key) = keys.into_iter().find(|key| *key.name == *name && key.revoked_at.is_none()) else {
        return Ok(false);
    };
    keep(app, &ApiKey { revoked_at: Some(now), ..key })?;
    Ok(true)
}

fn keep(app: &App, key: &ApiKey) -> Result<(), StoreError> {
    let mut writer = app.engine.store().writer()?;
    writer.create_key(key)?;
    writer.commit()
}
