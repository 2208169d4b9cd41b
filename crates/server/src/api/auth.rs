//! Who asks, and what they may do.
//!
//! A key is `sk_{tenant}_{random}` or `pk_{tenant}_{random}`: the tenant stands in it, so that it is found by (tenant,
//! SHA-256 of the key), like every other row. What a route needs is the type of its [`Allowed`] argument.

use std::{
    marker::PhantomData,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, header, request::Parts},
};
use model::id::TenantId;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{clock, problem::Problem, state::Api};

/// How long a key is taken to be good after it was looked up: a key that is taken back stops working within this.
const TRUSTED: Duration = Duration::from_millis(900);

/// Most keys remembered; when it is full, all are looked up again.
const REMEMBERED_MAX: usize = 4_096;

/// Longest key looked at, in bytes.
const KEY_BYTES_MAX: usize = 256;

/// The one who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Whose shop.
    pub(crate) tenant: TenantId,
    /// The publishable key that asks; `None` for staff. It sees what it placed itself and nothing else.
    pub(crate) publishable: Option<Arc<str>>,
    scopes: Vec<Arc<str>>,
    /// SHA-256 of the key.
    pub(crate) hash: [u8; 32],
    /// Which of the shop's people asks by a page, as the ledger names them.
    pub(crate) who: Option<Arc<str>>,
}

impl Caller {
    /// Somebody at the shop who may do everything: a page asks for them, and has looked at their role.
    pub(crate) fn staff(tenant: TenantId, who: Option<Arc<str>>) -> Self {
        Self { tenant, publishable: None, scopes: vec!["*".into()], hash: [0; 32], who }
    }

    /// Whether something that this key (or staff) placed may be seen by the caller.
    pub(crate) fn sees(&self, placed_by: Option<&str>) -> bool {
        match &self.publishable {
            Some(name) => placed_by == Some(&**name),
            None => true,
        }
    }
}

/// What a route needs of its caller.
pub(crate) trait Right {
    /// The scope a key must have.
    const SCOPE: &'static str;
    /// Whether a publishable key may have it.
    const PUBLISHABLE: bool = false;
}

macro_rules! rights {
    ($( $(#[$doc:meta])* $name:ident = $scope:literal $(, $publishable:literal)?; )*) => {
        /// Every scope that a route asks for, some more than once, and whether a publishable key may have it there.
        pub(crate) const SCOPES: &[(&str, bool)] = &[$( ($scope, $name::PUBLISHABLE) ),*];
        $(
            $(#[$doc])*
            pub(crate) struct $name;
            impl Right for $name {
                const SCOPE: &'static str = $scope;
                $( const PUBLISHABLE: bool = $publishable; )?
            }
        )*
    };
}

rights! {
    /// Read locations, SKUs and policies.
    CatalogRead = "catalog:read";
    /// Describe locations, SKUs and policies.
    CatalogWrite = "catalog:write";
    /// Read supplies.
    SuppliesRead = "supplies:read";
    /// Enter, change, receive and call off supplies; change stock.
    SuppliesWrite = "supplies:write";
    /// Ask what can be bought.
    AvailabilityRead = "availability:read", true;
    /// Hold units for a cart.
    Holds = "holds:write", true;
    /// Sign up to a waitlist and leave it.
    WaitlistWrite = "waitlist:write", true;
    /// Read waitlists.
    WaitlistRead = "waitlist:read";
    /// Read an order.
    OrdersRead = "orders:read", true;
    /// Place and cancel orders.
    OrdersWrite = "orders:write", true;
    /// Read orders of every customer, promises and the queue.
    AllOrdersRead = "orders:read";
    /// Place many orders at once, for a shop's own systems.
    AllOrdersWrite = "orders:write";
    /// Hand units over to fulfilment, take them back, send them.
    Fulfilment = "fulfilment:write";
    /// Read what customers are and were told.
    NoticesRead = "notices:read";
    /// Tell customers, and answer for them.
    NoticesWrite = "notices:write";
    /// Read who is told of what happens, and what could not be delivered.
    WebhooksRead = "webhooks:read";
    /// Set who is told, and tell again.
    WebhooksWrite = "webhooks:write";
    /// Read all that is known of a person.
    PrivacyRead = "privacy:read";
    /// Forget who a person is.
    PrivacyWrite = "privacy:write";
    /// Read what the shop's ledger says about how to sell, buy and promise.
    DecisionsRead = "decisions:read";
    /// Read the ledger.
    EventsRead = "events:read";
    /// Run timers, on a server with a test clock.
    Timers = "timers:run";
}

/// A caller who may do what the route does. Taken before the body is read.
pub(crate) struct Allowed<R> {
    /// Who.
    pub(crate) caller: Arc<Caller>,
    right: PhantomData<R>,
}

impl<R: Right> FromRequestParts<Arc<Api>> for Allowed<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let caller = authenticate(parts, api).await?;
        clock::check(parts, api)?;
        if caller.publishable.is_some() && !R::PUBLISHABLE {
            let detail = "a publishable key may not do this; use a secret key, from your own systems only";
            return Err(Problem::new(StatusCode::FORBIDDEN, "publishable_key", detail));
        }
        // A publishable key without scopes has all that such a key can have.
        let all = |scope: &Arc<str>| **scope == *"*" || **scope == *R::SCOPE;
        if !(caller.scopes.iter().any(all) || (caller.publishable.is_some() && caller.scopes.is_empty())) {
            let detail = format!("this key lacks the scope {}", R::SCOPE);
            return Err(Problem::new(StatusCode::FORBIDDEN, "scope_missing", detail));
        }
        Ok(Self { caller, right: PhantomData })
    }
}

async fn authenticate(parts: &Parts, api: &Arc<Api>) -> Result<Arc<Caller>, Problem> {
    // A page of ours asks from within; nothing that comes over a connection can say so.
    if let Some(caller) = parts.extensions.get::<Arc<Caller>>() {
        return Ok(Arc::clone(caller));
    }
    let Some(given) = parts.headers.get(header::AUTHORIZATION) else {
        let detail = "send the header Authorization: Bearer, followed by your key";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "key_missing", detail));
    };
    let key = given.to_str().ok().and_then(bearer).ok_or_else(invalid)?;
    let hash: [u8; 32] = Sha256::digest(key.as_bytes()).into();
    if let Some(known) = api.keys.get(&hash) {
        return Ok(known);
    }
    let tenant = tenant_of(key).ok_or_else(invalid)?;
    let found = api.read(move |store| store.api_key(&tenant, &hash)).await?;
    let found = found.filter(|found| found.revoked_at.is_none()).ok_or_else(invalid)?;
    let caller = Arc::new(Caller {
        tenant: found.tenant,
        publishable: found.publishable.then_some(found.name),
        scopes: found.scopes,
        hash,
        who: None,
    });
    api.keys.put(hash, Arc::clone(&caller));
    Ok(caller)
}

fn invalid() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "key_invalid", "this key is not known, or was taken back")
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && key.len() <= KEY_BYTES_MAX).then_some(key)
}

fn tenant_of(key: &str) -> Option<TenantId> {
    let rest = key.strip_prefix("sk_").or_else(|| key.strip_prefix("pk_"))?;
    // A tenant's name has no underscore, the random part may.
    TenantId::new(rest.split_once('_')?.0).ok()
}

/// Keys looked up a moment ago. Without it the look-up would cost availability more than the answer does.
#[derive(Default)]
pub(crate) struct KnownKeys {
    known: RwLock<FxHashMap<[u8; 32], Known>>,
}

struct Known {
    caller: Arc<Caller>,
    until: Instant,
}

impl KnownKeys {
    fn get(&self, hash: &[u8; 32]) -> Option<Arc<Caller>> {
        // A poisoned lock still guards sound entries: each change is one insert.
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(hash)?;
        (found.until > Instant::now()).then(|| Arc::clone(&found.caller))
    }

    fn put(&self, hash: [u8; 32], caller: Arc<Caller>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        known.insert(hash, Known { caller, until: Instant::now() + TRUSTED });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenant_stands_in_the_key() {
        for (key, tenant) in [
            ("sk_acme_Zm9v_-x", Some("acme")),
            ("pk_north-fork_abc", Some("north-fork")),
            ("sk_acme", None),
            ("sk__abc", None),
            ("rk_acme_abc", None),
            ("sk_Acme_abc", None),
            ("", None),
        ] {
            assert_eq!(tenant_of(key).as_ref().map(TenantId::as_str), tenant, "{key}");
        }
    }

    #[test]
    fn a_bearer_is_read_in_any_case() {
        assert_eq!(bearer("Bearer sk_a_b"), Some("sk_a_b"));
        assert_eq!(bearer("bearer  sk_a_b "), Some("sk_a_b"));
        assert_eq!(bearer("Basic sk_a_b"), None);
        assert_eq!(bearer("sk_a_b"), None);
        assert_eq!(bearer(&format!("Bearer {}", "x".repeat(257))), None);
    }
}
