//! The server as such: streams, headers, browsers, counts, and an end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ledger::{Audit, Read, Store, StoreError, Write, sqlite::SqliteStore};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use crate::world::{CHECKOUT, Call, STAFF, World, order, world};

/// Longer than any step takes; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reads a stream's entries: the id and kind of the next ones, so many.
async fn entries(stream: &mut BufReader<TcpStream>, count: usize) -> Vec<(i64, String)> {
    let (mut found, mut kind) = (Vec::new(), String::new());
    let mut id = 0;
    while found.len() < count {
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_line(&mut line)).await.unwrap().unwrap();
        assert!(read > 0, "the stream ended after {found:?}");
        if let Some(text) = line.strip_prefix("id: ") {
            id = text.trim().parse().unwrap();
        } else if let Some(text) = line.strip_prefix("event: ") {
            text.trim().clone_into(&mut kind);
        } else if let Some(text) = line.strip_prefix("data: ") {
            let data: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(data["kind"], kind);
        }
        if line == "\r\n" || line == "\n" {
            if id > 0 {
                found.push((id, std::mem::take(&mut kind)));
            }
            id = 0;
        }
    }
    found
}

async fn open(address: std::net::SocketAddr, headers: &str) -> BufReader<TcpStream> {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /v1/events HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {STAFF}\r\nAccept: text/event-stream\r\n{headers}\r\n"
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    BufReader::new(connection)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_follows_the_ledger_goes_on_after_a_break_and_ends_with_the_server() {
    let world = world();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let served =
        tokio::spawn(server::serve(listener, Arc::clone(&world.app), async move { drop(stopped.await) }));
    world.with_mug().await;
    let mut stream = open(address, "").await;
    let first = entries(&mut stream, 3).await;
    assert_eq!(
        first,
        [(1, "location_set".to_owned()), (2, "sku_set".to_owned()), (3, "policy_set".to_owned())]
    );
    world.stock("MUG", 3).await;
    let next = entries(&mut stream, 1).await;
    assert_eq!(next, [(4, "stock_adjusted".to_owned())]);
    drop(stream);
    world.order("MUG", 1).await;
    let mut stream = open(address, "Last-Event-ID: 4\r\n").await;
    let rest = entries(&mut stream, 2).await;
    assert_eq!(rest, [(5, "order_placed".to_owned()), (6, "promise_given".to_owned())]);
    stop.send(()).unwrap();
    let mut end = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut end)).await.unwrap().unwrap();
    tokio::time::timeout(PATIENCE, served).await.unwrap().unwrap().unwrap();
}

const OPERATIONS: &str = include_str!("../../../../docs/operations.md");

#[tokio::test]
async fn the_ledger_reads_in_pages_too() {
    let world = world();
    world.with_mug().await;
    let events = world.get("/v1/events?after=1&limit=1").await.is(200);
    assert_eq!(
        (&events["items"][0]["seq"], &events["items"][0]["kind"], &events["items"][0]["sku"]),
        (&json!(2), &json!("sku_set"), &json!("MUG"))
    );
    assert!(events["next_cursor"].is_string());
    assert!(!events.to_string().contains("ada@"));
    world.stock("MUG", 1).await;
    world.order("MUG", 1).await;
    let events = world.get("/v1/events").await;
    assert!(
        !String::from_utf8_lossy(&events.bytes).contains("ada@example.com"),
        "the ledger does not say who ordered"
    );
}

#[tokio::test]
async fn every_answer_has_safe_headers_and_an_id() {
    let world = world();
    let mut ids = std::collections::BTreeSet::new();
    for path in
        ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs/", "/v1/skus", "/v1/nothing", "/nowhere"]
    {
        let reply = world.get(path).await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
        assert!(reply.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert_eq!(reply.header("server"), "", "{path}");
        assert!(ids.insert(reply.header("shipwhen-request-id").to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_shops_page_may_ask_with_a_publishable_key() {
    let world = world();
    world.with_mug().await;
    for path in ["/v1/availability?sku=MUG", "/v1/holds", "/v1/orders/7"] {
        let ask = Call::new("OPTIONS", path).key("").with("origin", "https://shop.example");
        let may = world.send(ask.with("access-control-request-method", "POST")).await;
        may.is(204);
        assert_eq!(may.header("access-control-allow-origin"), "*", "{path}");
        assert!(may.header("access-control-allow-headers").contains("Authorization"));
    }
    let asked = world.send(Call::get("/v1/availability?sku=MUG").key(CHECKOUT)).await;
    assert_eq!(asked.header("access-control-allow-origin"), "*");
    // Wrong questions must be readable too.
    let wrong = world.send(Call::get("/v1/availability").key(CHECKOUT)).await;
    assert_eq!(wrong.header("access-control-allow-origin"), "*");
    // A secret key has no business in a page.
    assert_eq!(world.get("/v1/availability?sku=MUG").await.header("access-control-allow-origin"), "");
    let elsewhere = Call::new("OPTIONS", "/v1/supplies").with("access-control-request-method", "POST");
    world.send(elsewhere).await.fails(405, "method_not_allowed");
}

#[tokio::test]
async fn counts_say_what_was_served_and_nothing_about_anybody() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 1).await;
    world.order("MUG", 1).await;
    world.post("/v1/orders", order("MUG", 1)).await.fails(409, "not_available");
    world.get("/v1/skus/MUG").await.is(200);
    let metrics = world.send(Call::get("/metrics").key("")).await;
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = String::from_utf8(metrics.bytes.to_vec()).unwrap();
    for line in [
        r#"shipwhen_http_request_duration_seconds_count{route="/v1/orders",method="POST",status="201"} 1"#,
        r#"shipwhen_http_request_duration_seconds_count{route="/v1/orders",method="POST",status="409"} 1"#,
        r#"shipwhen_http_request_duration_seconds_count{route="/v1/skus/{sku}",method="GET",status="200"} 1"#,
        "shipwhen_engine_waiting 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains("MUG") && !text.contains("acme"), "{text}");
    // The four golden signals and the backlog, by the names that docs/operations.md gives them.
    let (_, table) = OPERATIONS.split_once("**Metrics.**").unwrap();
    let (table, _) = table.split_once("**Traces.**").unwrap();
    let named: Vec<&str> = table.split('`').filter(|word| word.starts_with("shipwhen_")).collect();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        assert!(text.contains(&format!("# TYPE {name} ")), "{name} is not in\n{text}");
    }
}

#[tokio::test]
async fn long_answers_are_compressed_for_those_who_ask() {
    let world = world();
    let call = Call::get("/openapi.json").with("accept-encoding", "gzip");
    assert_eq!(world.send(call).await.header("content-encoding"), "gzip");
    let small = Call::get("/healthz").with("accept-encoding", "gzip");
    assert_eq!(world.send(small).await.header("content-encoding"), "");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_finishes_does_not_keep_the_server() {
    let world = world();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let served =
        tokio::spawn(server::serve(listener, Arc::clone(&world.app), async move { drop(stopped.await) }));
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"POST /v1/orders HTTP/1.1\r\nHost: shop\r\nContent-Le").await.unwrap();
    // One whole call, so that the server has seen both connections.
    let mut other = TcpStream::connect(address).await.unwrap();
    other.write_all(b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n").await.unwrap();
    assert!(other.read(&mut [0; 100]).await.unwrap() > 0);
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
}

/// A store that stops answering readers.
struct Faulty {
    store: SqliteStore,
    broken: AtomicBool,
}

impl Store for Faulty {
    fn writer(&self) -> Result<Box<dyn Write>, StoreError> {
        self.store.writer()
    }

    fn reader(&self) -> Result<Box<dyn Read>, StoreError> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(StoreError::driver("opened a reader", "the disk is gone"));
        }
        self.store.reader()
    }

    fn auditor(&self) -> Result<Box<dyn Audit>, StoreError> {
        self.store.auditor()
    }

    fn backup(&self, to: &std::path::Path) -> Result<(), StoreError> {
        self.store.backup(to)
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_said_and_the_hot_path_goes_on() {
    let mut faulty = None;
    let world = World::start_on(true, |store| {
        let store = Arc::new(Faulty { store, broken: AtomicBool::new(false) });
        faulty = Some(Arc::clone(&store));
        store
    });
    world.with_mug().await;
    world.get("/readyz").await.is(200);
    world.get("/v1/availability?sku=MUG").await.is(200);
    faulty.unwrap().broken.store(true, Ordering::Relaxed);
    for path in ["/readyz", "/v1/skus/MUG", "/v1/orders", "/v1/availability?sku=OTHER"] {
        let reply = world.get(path).await;
        let problem = reply.fails(503, "unavailable");
        assert_eq!(reply.header("retry-after"), "1", "{path}");
        assert!(!problem.to_string().contains("disk"), "{problem}");
    }
    world.get("/healthz").await.is(200);
    // What is in memory is still answered.
    world.get("/v1/availability?sku=MUG").await.is(200);
}
