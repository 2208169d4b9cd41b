//! What every handler is given.

use std::sync::{Arc, OnceLock};

use engine::{Engine, Stamps};
use model::{
    id::{CustomerKey, TenantId},
    time::Timestamp,
};
use sha2::{Digest, Sha256};

use crate::{hooks::Hooks, mail::Post, payments::Payments, traces::Traces, views::Views};

/// Tells the time: the binary hands in the system's clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What every handler is given. Shared behind an `Arc`.
pub struct App {
    /// Decides and keeps.
    pub engine: Engine,
    /// Names commands.
    pub stamps: Stamps,
    /// Tells the time.
    pub clock: Clock,
    /// Whether a request may set its own time with `Shipwhen-Now`, and timers run only when asked.
    pub test_clock: bool,
    /// Whether this is the sample shop: its staff pages are open to whoever reaches this machine's own address.
    pub demo: Option<TenantId>,
    /// Where mail goes.
    pub post: Post,
    /// Who moves money.
    pub payments: Payments,
    /// What tells others of what happens.
    pub hooks: Hooks,
    /// Counts looks at badges.
    pub views: Views,
    /// Shows where the time of requests goes.
    pub traces: Traces,
    /// Signs links to status pages.
    pub secret: [u8; 32],
    /// Where people reach this server: `http://127.0.0.1:8080`, without a slash at the end. Set once it listens.
    pub public_url: OnceLock<String>,
}

impl App {
    /// Where people reach this server, without a slash at the end.
    pub fn url(&self) -> &str {
        self.public_url.get().map_or("", String::as_str)
    }
}

/// Who a customer is, as the ledger knows it: the first 16 bytes of SHA-256 over the tenant's salt and the e-mail address in lower
/// case without blanks around it.
pub fn customer_key(salt: &[u8; 32], email: &str) -> CustomerKey {
    let digest = Sha256::new().chain_update(salt).chain_update(email.trim().to_lowercase()).finalize();
    let mut key = [0; 16];
    key.copy_from_slice(&digest[..16]);
    CustomerKey(key)
}
