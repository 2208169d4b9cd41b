//! `shipwhen keys`.

use std::process::ExitCode;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ledger::{ApiKey, Store, Tenant};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    cli::{KeysArgs, KeysCommand},
    config::Settings,
    house::{House, now, random},
    output,
};

/// How many characters of a key are its public name: enough to tell keys apart, too few to guess from.
const NAME_RANDOM_CHARS: usize = 8;

#[derive(Serialize)]
struct Created<'a> {
    key: &'a str,
    tenant: &'a str,
    scopes: Vec<&'a str>,
}

pub(crate) fn run(settings: &Settings, args: &KeysArgs) -> anyhow::Result<ExitCode> {
    let KeysCommand::Create { scopes, publishable } = &args.command;
    let house = House::open(settings)?;
    let tenant = house.tenant_or_new(settings)?;
    let scopes: Vec<&str> = scopes.split(',').map(str::trim).filter(|scope| !scope.is_empty()).collect();
    let key = create(&*house.store, &tenant, &scopes, *publishable)?;
    if settings.json {
        output::json(&Created { key: &key, tenant: tenant.id.as_str(), scopes });
    } else {
        output::line(&key);
        output::note(&format!("a key of {}; it is shown this once", tenant.id));
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a key and returns it; only its hash is stored.
pub(crate) fn create(
    store: &dyn Store,
    tenant: &Tenant,
    scopes: &[&str],
    publishable: bool,
) -> anyhow::Result<String> {
    let prefix = if publishable { "pk" } else { "sk" };
    let secret = URL_SAFE_NO_PAD.encode(random::<32>()?).replace('_', "-");
    let key = format!("{prefix}_{}_{secret}", tenant.id);
    let name = &key[..prefix.len() + tenant.id.as_str().len() + 2 + NAME_RANDOM_CHARS];
    let mut writer = store.writer()?;
    writer.create_key(&ApiKey {
        tenant: tenant.id.clone(),
        hash: Sha256::digest(key.as_bytes()).into(),
        name: name.into(),
        publishable,
        scopes: scopes.iter().map(|scope| (*scope).into()).collect(),
        created_at: now(),
        revoked_at: None,
    })?;
    writer.commit()?;
    Ok(key)
}
