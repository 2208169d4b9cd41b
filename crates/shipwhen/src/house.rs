//! A store with its engine, and what only the binary may read: the clock, entropy.

use std::sync::Arc;

use anyhow::{Context, bail};
use engine::{Engine, Stamps};
use ledger::{
    Store, Tenant,
    postgres::PostgresStore,
    sqlite::{FILE, SqliteStore},
};
use model::{id::TenantId, time::Timestamp};

use crate::config::{Place, Settings, Usage};

/// The moment, by the system's clock, in whole microseconds: finer than that nothing is stored.
#[expect(clippy::disallowed_methods, reason = "the binary is where the system's clock is read")]
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// Random bytes from the system.
#[expect(clippy::disallowed_methods, reason = "the binary is where the system's entropy is read")]
pub(crate) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("the system has no entropy: {error}"))?;
    Ok(bytes)
}

/// A maker of command ids that nobody can guess.
pub(crate) fn stamps() -> anyhow::Result<Stamps> {
    Ok(Stamps::new(random()?))
}

/// An open store.
pub(crate) struct House {
    pub(crate) store: Arc<dyn Store>,
}

impl House {
    /// Opens the store of the settings, made new if it is not there.
    pub(crate) fn open(settings: &Settings) -> anyhow::Result<Self> {
        Self::at(&settings.store)
    }

    /// Opens a store, made new if it is not there.
    pub(crate) fn at(place: &Place) -> anyhow::Result<Self> {
        let opened: Result<Arc<dyn Store>, _> = match place {
            Place::Sqlite(dir) => SqliteStore::open(dir).map(|store| Arc::new(store) as _),
            Place::Postgres(url) => PostgresStore::open(url).map(|store| Arc::new(store) as _),
        };
        let store = opened.with_context(|| format!("the store in {place} cannot be opened"))?;
        Ok(Self { store })
    }

    /// Whether there is a store.
    pub(crate) fn is_there(place: &Place) -> anyhow::Result<bool> {
        match place {
            Place::Sqlite(dir) => Ok(dir.join(FILE).exists()),
            Place::Postgres(url) => {
                PostgresStore::is_there(url).with_context(|| format!("{place} cannot be asked"))
            }
        }
    }

    /// Opens the store of the settings, which must be there.
    pub(crate) fn open_existing(settings: &Settings) -> anyhow::Result<Self> {
        Self::existing(&settings.store)
    }

    /// Opens a store, which must be there.
    pub(crate) fn existing(place: &Place) -> anyhow::Result<Self> {
        if !Self::is_there(place)? {
            bail!("there is no store in {place}");
        }
        Self::at(place)
    }

    /// Opens a store to copy another one into it, made new if it is not there.
    pub(crate) fn to_fill(place: &Place) -> anyhow::Result<Self> {
        let opened: Result<Arc<dyn Store>, _> = match place {
            Place::Sqlite(dir) => SqliteStore::open_to_fill(dir).map(|store| Arc::new(store) as _),
            Place::Postgres(url) => PostgresStore::open_to_fill(url).map(|store| Arc::new(store) as _),
        };
        let store = opened.with_context(|| format!("the store in {place} cannot be opened"))?;
        Ok(Self { store })
    }

    /// Starts the engine on it.
    pub(crate) fn engine(&self) -> anyhow::Result<Engine> {
        self.engine_in(1)
    }

    /// The same with so many lanes.
    pub(crate) fn engine_in(&self, lanes: usize) -> anyhow::Result<Engine> {
        Engine::start_in(Arc::clone(&self.store), lanes).context("the engine cannot be started")
    }

    /// The tenant that the settings name, or the only one there is.
    pub(crate) fn tenant(&self, settings: &Settings) -> anyhow::Result<Tenant> {
        let mut reader = self.store.reader()?;
        match &settings.tenant {
            Some(name) => {
                let id = tenant_id(name)?;
                reader
                    .tenant(&id)?
                    .ok_or_else(|| anyhow::anyhow!("there is no tenant {name:?} in this store"))
            }
            None => {
                let mut tenants = reader.tenants()?;
                match tenants.len() {
                    1 => Ok(tenants.remove(0)),
                    0 => bail!(
                        "this store has no tenant yet: make one with `shipwhen keys create --tenant NAME`"
                    ),
                    _ => {
                        Err(Usage("this store has several tenants: name one with --tenant".to_owned()).into())
                    }
                }
            }
        }
    }

    /// The tenant that the settings name, made if it is new; else the only one there is, or `main`, made new.
    pub(crate) fn tenant_or_new(&self, settings: &Settings) -> anyhow::Result<Tenant> {
        let mut writer = self.store.writer()?;
        let name = match &settings.tenant {
            Some(name) => name.clone(),
            None => {
                let tenants = writer.tenants()?;
                if !tenants.is_empty() {
                    drop(writer);
                    return self.tenant(settings);
                }
                "main".to_owned()
            }
        };
        let id = tenant_id(&name)?;
        if let Some(tenant) = writer.tenant(&id)? {
            writer.rollback()?;
            return Ok(tenant);
        }
        let tenant = Tenant { id, created_at: now(), salt: random()? };
        writer.create_tenant(&tenant)?;
        writer.commit()?;
        Ok(tenant)
    }
}

/// Reads a tenant's name.
pub(crate) fn tenant_id(name: &str) -> anyhow::Result<TenantId> {
    TenantId::new(name).map_err(|error| Usage(format!("{name:?} cannot be a tenant: {error}")).into())
}
