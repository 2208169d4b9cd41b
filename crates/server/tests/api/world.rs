//! A server with two shops, and calls to it.

use std::sync::{Arc, OnceLock};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use connect::webhook::Sender;
use engine::{Engine, Stamps};
use ledger::{ApiKey, RecordFilter, Shelf, Store, Tenant, sqlite::SqliteStore};
use model::{id::TenantId, time::Timestamp};
use serde_json::{Value, json};
use server::{App, hooks::Hooks, mail::Post, payments::Payments};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::meets::hold_against_description;

/// Monday morning in New York and in UTC.
pub(crate) const NOW: &str = "2026-11-23T14:00:00Z";

/// A secret key of the shop most tests are in.
pub(crate) const STAFF: &str = "sk_acme_staff";
/// A publishable key of the same shop, and another.
pub(crate) const CHECKOUT: &str = "pk_acme_checkout";
pub(crate) const OTHER_CHECKOUT: &str = "pk_acme_other";
/// A secret key of another shop.
pub(crate) const STRANGER: &str = "sk_rival_staff";

pub(crate) struct World {
    pub(crate) app: Arc<App>,
    pub(crate) router: Router,
    pub(crate) store: SqliteStore,
    _dir: TempDir,
}

/// A server with a test clock.
pub(crate) fn world() -> World {
    World::start(true)
}

impl World {
    pub(crate) fn start(test_clock: bool) -> Self {
        Self::start_on(test_clock, |store| Arc::new(store))
    }

    /// A server with a test clock, whose money is moved so.
    pub(crate) fn paying(payments: Payments) -> Self {
        Self::start_with(true, (payments, true, Post::Outbox), |store| Arc::new(store))
    }

    /// Starts on what stands around the store.
    pub(crate) fn start_on(test_clock: bool, around: impl FnOnce(SqliteStore) -> Arc<dyn Store>) -> Self {
        Self::start_with(test_clock, (Payments::default(), true, Post::Outbox), around)
    }

    /// A server that sends webhooks to the public internet alone.
    pub(crate) fn guarded() -> Self {
        Self::start_with(true, (Payments::default(), false, Post::Outbox), |store| Arc::new(store))
    }

    /// A server with a test clock, whose mail goes there.
    #[allow(dead_code, reason = "used by the tests of mail")]
    pub(crate) fn posting(post: Post) -> Self {
        Self::start_with(true, (Payments::default(), true, post), |store| Arc::new(store))
    }

    fn start_with(
        test_clock: bool,
        (payments, private, post): (Payments, bool, Post),
        around: impl FnOnce(SqliteStore) -> Arc<dyn Store>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path()).unwrap();
        let now: Timestamp = NOW.parse().unwrap();
        {
            let mut writer = store.writer().unwrap();
            for (n, name) in ["acme", "rival"].into_iter().enumerate() {
                let salt = [u8::try_from(n).unwrap(); 32];
                writer.create_tenant(&Tenant { id: tenant(name), created_at: now, salt }).unwrap();
            }
            for (key, scopes) in [
                (STAFF, &["*"][..]),
                (STRANGER, &["*"]),
                (CHECKOUT, &[]),
                (OTHER_CHECKOUT, &["*"]),
                ("sk_acme_reader", &["orders:read", "availability:read"]),
                ("pk_acme_badge", &["availability:read"]),
            ] {
                writer.create_key(&stored_key(key, scopes, None)).unwrap();
            }
            writer.create_key(&stored_key("sk_acme_revoked", &["*"], Some(now))).unwrap();
            writer.commit().unwrap();
        }
        let shared = around(store.clone());
        let secret = store.reader().unwrap().secret().unwrap();
        let app = App {
            engine: Engine::start(shared).unwrap(),
            stamps: Stamps::new([1; 32]),
            clock: Arc::new(move || now),
            test_clock,
            post,
            payments,
            hooks: Hooks { sender: Sender::new(private).ok(), private, node: "node-1".to_owned() },
            views: server::views::Views::default(),
            traces: server::traces::Traces::default(),
            demo: None,
            secret,
            public_url: OnceLock::from("http://shop.test".to_owned()),
        };
        let app = Arc::new(app);
        Self { router: server::router(Arc::clone(&app)), app, store, _dir: dir }
    }

    /// What a private record says.
    pub(crate) fn store_record<T: serde::de::DeserializeOwned>(&self, kind: &str, id: &str) -> T {
        let mut reader = self.store.reader().unwrap();
        let found = reader.records(&tenant("acme"), ledger::Shelf::Private, kind, &[id]).unwrap();
        found[0].read().unwrap().unwrap()
    }

    /// Makes a call.
    pub(crate) async fn send(&self, call: Call) -> Reply {
        let Call { method, path, headers, body } = call;
        let mut request = Request::builder().method(&*method).uri(&path);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let reply = Reply { status: parts.status, headers: parts.headers, bytes };
        if reply.headers.get(header::CONTENT_ENCODING).is_none() {
            hold_against_description(&method, &path, &reply);
        }
        reply
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Call::get(path)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(Call::new("PUT", path).json(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(Call::new("PATCH", path).json(&body)).await
    }

    /// Opens a page, as a browser does.
    pub(crate) async fn page(&self, path: &str) -> Reply {
        self.send(Call::get(path).key("")).await
    }

    /// Sends a form, as a browser or a mail program does.
    pub(crate) async fn form(&self, path: &str, fields: &str) -> Reply {
        let form = Call::new("POST", path).text(fields).key("");
        self.send(form.with("content-type", "application/x-www-form-urlencoded")).await
    }

    /// What every mail said that was sent.
    pub(crate) fn mails(&self) -> Vec<engine::notices::Spoken> {
        let mut reader = self.store.reader().unwrap();
        let filter = RecordFilter { owner: None, state: Some("sent") };
        let kind = engine::notices::MAIL;
        let found = reader.record_page(&tenant("acme"), Shelf::Private, kind, &filter, (None, 100)).unwrap();
        let row =
            |record: &model::record::Record| record.read::<engine::notices::MailRow>().unwrap().unwrap();
        found.iter().filter_map(|record| row(record).spoken).collect()
    }

    /// Posts with a new idempotency key.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Call::post(path, &body)).await
    }

    /// Describes a location in New York without transit, and a SKU that is sold ahead of its supply.
    pub(crate) async fn with_mug(&self) -> &Self {
        let place = json!({"name": "East", "time_zone": "America/New_York", "handling_days": 1,
            "transit": [{"country": "*", "days_min": 2, "days_max": 4}]});
        self.put("/v1/locations/east", place).await.is(201);
        let mug = json!({"title": "Mug", "price": {"amount": 1500, "currency": "USD"}});
        self.put("/v1/skus/MUG", mug).await.is(201);
        self.put("/v1/skus/MUG/policies/default", json!({"when_out": "backorder"})).await.is(201);
        self
    }

    /// Nothing kept of the shop is at odds with anything else.
    pub(crate) fn verify(&self) {
        let scratch = tempfile::tempdir().unwrap();
        let report =
            ledger::verify::verify(&self.store, &tenant("acme"), scratch.path(), &mut |_| {}).unwrap();
        assert_eq!(report.violations, []);
    }

    /// Puts units on the shelf.
    pub(crate) async fn stock(&self, sku: &str, units: i64) {
        let body = json!({"sku": sku, "location": "east", "delta": units, "reason": "opening_stock"});
        self.post("/v1/adjustments", body).await.is(201);
    }

    /// Enters a purchase order; answers its id.
    pub(crate) async fn supply(&self, sku: &str, units: i64, on: &str) -> String {
        let body = json!({"sku": sku, "location": "east", "kind": "purchase_order", "quantity": units, "expected_on": on});
        self.post("/v1/supplies", body).await.is(201)["id"].as_str().unwrap().to_owned()
    }

    /// Places an order that is accepted.
    pub(crate) async fn order(&self, sku: &str, units: i64) -> Value {
        self.post("/v1/orders", order(sku, units)).await.is(201)
    }
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

/// A key as the store keeps it. Its name is the whole key, as these hold no secret.
pub(crate) fn stored_key(key: &str, scopes: &[&str], revoked_at: Option<Timestamp>) -> ApiKey {
    ApiKey {
        tenant: tenant(key.split('_').nth(1).unwrap()),
        hash: Sha256::digest(key.as_bytes()).into(),
        name: key.into(),
        publishable: key.starts_with("pk_"),
        scopes: scopes.iter().map(|scope| (*scope).into()).collect(),
        created_at: NOW.parse().unwrap(),
        revoked_at,
    }
}

/// An order of one line.
pub(crate) fn order(sku: &str, units: i64) -> Value {
    json!({"lines": [{"sku": sku, "quantity": units}], "customer": {"email": "ada@example.com", "country": "US"}})
}

/// A new idempotency key.
pub(crate) fn new_key() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("key-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A call to make.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Call {
    /// A call by staff, without a body.
    pub(crate) fn new(method: &str, path: &str) -> Self {
        let headers = vec![("authorization".to_owned(), format!("Bearer {STAFF}"))];
        Self { method: method.to_owned(), path: path.to_owned(), headers, body: Bytes::new() }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A post by staff with a new idempotency key.
    pub(crate) fn post(path: &str, body: &Value) -> Self {
        Self::new("POST", path).with("idempotency-key", &new_key()).json(body)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.text(&body.to_string())
    }

    pub(crate) fn text(self, body: &str) -> Self {
        let call = self.with("content-type", "application/json");
        Self { body: Bytes::copy_from_slice(body.as_bytes()), ..call }
    }

    /// Sets a header; an empty value takes it away.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Asked with this key; without any if it is empty.
    pub(crate) fn key(self, key: &str) -> Self {
        let value = if key.is_empty() { String::new() } else { format!("Bearer {key}") };
        self.with("authorization", &value)
    }

    /// Asked at this moment.
    pub(crate) fn at(self, now: &str) -> Self {
        self.with("shipwhen-now", now)
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Reply {
    /// The body as JSON; null where there is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// Whether a page has this text.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        let page = String::from_utf8_lossy(&self.bytes);
        assert!(page.contains(text), "{text:?} is not in {page}");
    }

    /// The JSON, once the status is right.
    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.bytes));
        self.json()
    }

    /// The problem, once its status and code are right.
    #[track_caller]
    pub(crate) fn fails(&self, status: u16, code: &str) -> Value {
        let problem = self.is(status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(self.header(header::CONTENT_TYPE.as_str()), "application/problem+json");
        problem
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    pub(crate) fn is_replayed(&self) -> bool {
        self.header("idempotent-replayed") == "true"
    }
}
