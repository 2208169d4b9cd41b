//! What the handlers of the API share beside the [`App`].

use std::sync::{Arc, PoisonError, RwLock};

use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use engine::{Answer, Answered, Failure, Key, Request};
use ledger::{Read, RecordFilter, Shelf, StoreError};
use model::{
    command::Command,
    id::{CustomerKey, OrderId, Sku, TenantId},
    order::Order,
    record::Record,
    state::Shop,
    time::Timestamp,
};
use rustc_hash::FxHashMap;
use serde::Serialize;
use tokio::sync::watch;

use super::{
    auth::{Caller, KnownKeys},
    decide::Histories,
    metrics::Metrics,
    problem::Problem,
    recent::Recent,
};
use crate::{App, app::customer_key, link};

/// What the handlers of the API share.
pub(crate) struct Api {
    pub(crate) app: Arc<App>,
    pub(crate) keys: KnownKeys,
    pub(crate) recent: Recent,
    /// What each shop's ledger shows.
    pub(crate) histories: Arc<Histories>,
    pub(crate) metrics: Arc<Metrics>,
    /// The API's description, as it is sent.
    pub(crate) openapi: Arc<str>,
    /// Becomes true when the server stops: answers without an end end then.
    pub(crate) stopping: watch::Sender<bool>,
    /// Becomes true a while before: it answers as ever, but is not ready for more.
    pub(crate) draining: watch::Sender<bool>,
    /// When this server started, in milliseconds: keeps the request ids of two runs apart.
    pub(crate) started: i64,
    salts: RwLock<FxHashMap<TenantId, [u8; 32]>>,
}

impl Api {
    pub(crate) fn new(app: Arc<App>, openapi: Arc<str>) -> Self {
        Self {
            started: (app.clock)().as_millisecond(),
            app,
            keys: KnownKeys::default(),
            recent: Recent::default(),
            histories: Arc::default(),
            metrics: Arc::default(),
            openapi,
            stopping: watch::Sender::new(false),
            draining: watch::Sender::new(false),
            salts: RwLock::default(),
        }
    }

    /// Reads from the store, on a thread that may block.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&mut dyn Read) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let api = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || read(&mut *api.app.engine.store().reader()?)).await;
        match done {
            Ok(read) => Ok(read?),
            Err(error) => {
                tracing::error!(%error, "a reader met a defect");
                Err(Problem::defect())
            }
        }
    }

    /// Reads from the store with the engine's own ways to fail, on a thread that may block.
    pub(crate) async fn read_with<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&mut dyn Read) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Problem> {
        // The store's failures pass through a reading that succeeds.
        let done = self.read(move |store| Ok(read(store))).await?;
        Ok(done?)
    }

    /// A page of records of a kind, in the order of their ids, and after which the next begins.
    pub(crate) async fn record_page(
        self: &Arc<Self>,
        tenant: &TenantId,
        (shelf, kind): (Shelf, &'static str),
        (owner, state): (Option<String>, Option<&'static str>),
        (after, limit): (Option<String>, usize),
    ) -> Result<(Vec<Record>, Option<String>), Problem> {
        let tenant = tenant.clone();
        let mut found = self
            .read(move |store| {
                let filter = RecordFilter { owner: owner.as_deref(), state };
                store.record_page(&tenant, shelf, kind, &filter, (after.as_deref(), limit + 1))
            })
            .await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|record| record.id.to_string());
        Ok((found, next))
    }

    /// Has a command decided.
    pub(crate) async fn run(
        &self,
        caller: &Caller,
        now: Timestamp,
        command: Command,
        key: Option<Key>,
    ) -> Result<Done, Problem> {
        let request = self.request(caller, now, command, key);
        let answered = self.app.traces.run(&self.app.engine, &self.app.clock, request).await?;
        Done::of(answered)
    }

    /// A command as the engine takes it.
    pub(crate) fn request(
        &self,
        caller: &Caller,
        now: Timestamp,
        command: Command,
        key: Option<Key>,
    ) -> Request {
        let command = match &caller.who {
            Some(who) => Command::By(Arc::clone(who), Box::new(command)),
            None => command,
        };
        Request {
            tenant: caller.tenant.clone(),
            now,
            id: self.app.stamps.next(now),
            command,
            key,
            detail: engine::Detail::Full,
        }
    }

    /// Who a customer is, as the ledger knows it.
    pub(crate) async fn customer(
        self: &Arc<Self>,
        tenant: &TenantId,
        email: Option<&str>,
    ) -> Result<Option<CustomerKey>, Problem> {
        let Some(email) = email else { return Ok(None) };
        // A salt never changes, so it is read once.
        let known = self.salts.read().unwrap_or_else(PoisonError::into_inner).get(tenant).copied();
        let salt = match known {
            Some(salt) => salt,
            None => {
                let id = tenant.clone();
                let found = self.read(move |store| store.tenant(&id)).await?;
                let salt = found.ok_or(engine::Failure::NoTenant)?.salt;
                self.salts.write().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone(), salt);
                salt
            }
        };
        Ok(Some(customer_key(&salt, email)))
    }

    /// The address of an order's status page.
    pub(crate) fn status_url(&self, tenant: &TenantId, order: OrderId, placed_at: Timestamp) -> String {
        [self.app.url(), "/o/", &link::make(&self.app.secret, tenant, order, placed_at)].concat()
    }
}

/// What a command led to.
pub(crate) struct Done {
    pub(crate) answer: Answer,
    pub(crate) replayed: bool,
}

impl Done {
    /// Parts what was done from what was refused.
    pub(crate) fn of(answered: Answered) -> Result<Self, Problem> {
        let Answered { outcome, replayed } = answered;
        match outcome {
            Ok(answer) => Ok(Self { answer, replayed }),
            Err(rejection) => Err(Problem::from(rejection).replayed(replayed)),
        }
    }
}

/// An answer that does not go with its command: a defect.
pub(crate) fn unexpected(answer: &Answer) -> Problem {
    // Not the answer itself: it may name a customer.
    let kind = std::mem::discriminant(answer);
    tracing::error!(?kind, "the engine answered something else");
    Problem::defect()
}

/// The header that marks an answer given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Room for an answer: most fit, and growing a buffer from nothing costs more than writing to it.
pub(crate) const ANSWER_BYTES: usize = 1_536;

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Result<Response, Problem> {
    Ok(json_text(status, written(body, ANSWER_BYTES)?))
}

/// A value as JSON. `room`: about how many bytes it takes.
pub(crate) fn written(body: &impl Serialize, room: usize) -> Result<Bytes, Problem> {
    let mut text = Vec::with_capacity(room);
    serde_json::to_writer(&mut text, body).map_err(|error| {
        tracing::error!(%error, "an answer cannot be written");
        Problem::defect()
    })?;
    Ok(text.into())
}

/// A JSON answer that is written already.
pub(crate) fn json_text(status: StatusCode, text: Bytes) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The same, saying whether it was given before.
pub(crate) fn json_replayed(
    status: StatusCode,
    body: &impl Serialize,
    replayed: bool,
) -> Result<Response, Problem> {
    let mut response = json(status, body)?;
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// The same with an entity tag.
pub(crate) fn json_tagged(status: StatusCode, body: &impl Serialize, tag: &str) -> Result<Response, Problem> {
    let mut response = json(status, body)?;
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// The shop around some orders: their pools and every location, from one state of the store.
pub(crate) fn shop_of(store: &mut dyn Read, tenant: &TenantId, orders: &[Order]) -> Result<Shop, StoreError> {
    let lines = || orders.iter().flat_map(|order| &order.lines);
    let pegged = lines().flat_map(|line| &line.pegs).map(|peg| &peg.sku);
    let mut skus: Vec<Sku> = lines().map(|line| &line.sku).chain(pegged).cloned().collect();
    skus.sort_unstable();
    skus.dedup();
    shop_with(store, tenant, &skus)
}

/// The shop with these pools and every location.
pub(crate) fn shop_with(store: &mut dyn Read, tenant: &TenantId, skus: &[Sku]) -> Result<Shop, StoreError> {
    let locations =
        store.locations(tenant)?.into_iter().map(|(id, settings)| (id, Arc::new(settings))).collect();
    let pools = store.pools(tenant, skus)?;
    let pools = pools.into_iter().map(|pool| (pool.sku().clone(), Arc::new(pool))).collect();
    Ok(Shop { locations: Arc::new(locations), pools, ..Shop::default() })
}
