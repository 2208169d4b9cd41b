//! Settings from the command line, the environment and a file, in this order.

use std::path::PathBuf;

use anyhow::Context;
use serde::Deserialize;

use crate::cli::Global;

/// Where data is kept unless said otherwise.
const STORE_DEFAULT: &str = "sqlite:shipwhen-data";

/// A mistake of whoever typed the command: exit status 2.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// The configuration file; every field may be left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// `sqlite:DIR` or `postgres://…`.
    pub(crate) store: Option<String>,
    /// Which merchant.
    pub(crate) tenant: Option<String>,
    /// Where to listen.
    pub(crate) listen: Option<String>,
    /// Where people reach the server.
    pub(crate) public_url: Option<String>,
    /// The mail server.
    pub(crate) smtp_url: Option<String>,
    /// Where mail comes from.
    pub(crate) mail_from: Option<String>,
    /// Stripe's secret key.
    pub(crate) stripe_key: Option<String>,
    /// Where Stripe is.
    pub(crate) stripe_url: Option<String>,
    /// The secret that signs Stripe's messages.
    pub(crate) stripe_webhook_secret: Option<String>,
    /// Stripe's key for browsers.
    pub(crate) stripe_publishable_key: Option<String>,
    /// Whether webhooks may go to addresses inside this server's own network.
    pub(crate) allow_private_webhooks: Option<bool>,
    /// How many lanes an engine on PostgreSQL has.
    pub(crate) lanes: Option<u32>,
    /// Whether requests may set their own time.
    pub(crate) test_clock: Option<bool>,
    /// Currency of files that name none.
    pub(crate) currency: Option<String>,
    /// What to log, as `tracing` filters say it.
    pub(crate) log: Option<String>,
}

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a directory of this machine.
    Sqlite(PathBuf),
    /// In a database, by its address, which may hold a password: it is never shown.
    Postgres(String),
}

impl Place {
    /// Reads what was typed. Errors: it is neither.
    pub(crate) fn read(text: &str) -> Result<Self, Usage> {
        let directory = text.strip_prefix("sqlite:").filter(|dir| !dir.is_empty());
        if let Some(dir) = directory {
            return Ok(Self::Sqlite(PathBuf::from(dir)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        // What was meant for an address may hold a password.
        let shown = text.split_once("://").map_or(text, |(scheme, _)| scheme);
        Err(Usage(format!("{shown:?} is no store: expected sqlite:DIR or postgres://USER@HOST/DATABASE")))
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(dir) => write!(f, "{}", dir.display()),
            Self::Postgres(_) => f.write_str("the PostgreSQL database"),
        }
    }
}

/// What holds for this run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the data is.
    pub(crate) store: Place,
    /// The tenant named, if any.
    pub(crate) tenant: Option<String>,
    /// Whether to answer in JSON.
    pub(crate) json: bool,
    /// The file, for settings of one command.
    pub(crate) file: File,
}

impl Settings {
    /// A store in a directory, and nothing else set.
    pub fn at(dir: &std::path::Path) -> Self {
        Self { store: Place::Sqlite(dir.to_owned()), tenant: None, json: false, file: File::default() }
    }
}

/// Puts the settings of every command together.
pub(crate) fn settings(global: &Global) -> anyhow::Result<Settings> {
    let file = match &global.config {
        None => File::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("the configuration file {} cannot be read", path.display()))?;
            toml::from_str(&text).map_err(|error| Usage(format!("{}: {error}", path.display())))?
        }
    };
    let store =
        global.store.clone().or_else(|| file.store.clone()).unwrap_or_else(|| STORE_DEFAULT.to_owned());
    Ok(Settings {
        store: Place::read(&store)?,
        tenant: global.tenant.clone().or_else(|| file.tenant.clone()),
        json: global.json,
        file,
    })
}
