//! The same over HTTP: a client on the same cores, 64 connections, beside a no-op endpoint of the same server.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, ensure};
use engine::Stamps;
use ledger::{ApiKey, Store, sqlite::SqliteStore};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{figures::Figures, workload::Shop};

const CONNECTIONS: usize = 64;
const ROUNDS: usize = 5;
const READS: usize = 60_000;
const ORDERS: usize = 30_000;
const BATCHES: usize = 600;
const BATCH: usize = 100;
const KEY: &str = "sk_bench_a-key-for-the-benchmark";

/// Measures single orders and availability beside the no-op endpoint, and batches beside raw.
pub(crate) fn run(figures: &mut Figures, raw: f64) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (mut noop, mut single, mut available, mut batch) = (0.0_f64, 0.0_f64, 0.0_f64, 0.0_f64);
    for _ in 0..ROUNDS {
        let dir = tempfile::tempdir()?;
        let shop = Shop::open(dir.path())?;
        let now = shop.now;
        drop(shop);
        runtime.block_on(async {
            let store = SqliteStore::open(dir.path())?;
            key(&store, now)?;
            let store: Arc<dyn Store> = Arc::new(store);
            let app = Arc::new(server::App {
                engine: engine::Engine::start(Arc::clone(&store))?,
                stamps: Stamps::new(1_000_000_000),
                clock: Arc::new(move || now),
                test_clock: false,
                demo: None,
                secret: store.reader()?.secret()?,
                public_url: OnceLock::new(),
            });
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            let _ = app.public_url.set(format!("http://{address}"));
            let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
            let served = tokio::spawn(server::serve(listener, app, async move {
                let _ = stopped.await;
            }));
            let load = Load { address, sent: AtomicUsize::new(0) };
            let load = Arc::new(load);
            noop = noop.max(load.run(READS, |_| get("/healthz")).await?);
            let url = format!("/v1/availability?sku={}&quantity=1&country=US", crate::workload::sku());
            available = available.max(load.run(READS, move |_| get(&url)).await?);
            single = single.max(load.run(ORDERS, |n| post("/v1/orders", &order(n), Some(n))).await?);
            let batches = load.run(BATCHES, |n| post("/v1/orders/batch", &orders(n), None)).await?;
            batch = batch.max(batches * BATCH as f64);
            let _ = stop.send(());
            served.await??;
            anyhow::Ok(())
        })?;
    }
    figures.add("http_noop_per_s", noop, None, "requests/s");
    figures.add("http_single_orders_per_s", single, None, "orders/s");
    figures.add("http_single_over_noop", single / noop, Some(0.4), "ratio");
    figures.add("http_batch100_orders_per_s", batch, None, "orders/s");
    figures.add("http_batch100_over_raw", batch / raw, Some(0.6), "ratio");
    figures.add("availability_per_s", available, None, "requests/s");
    figures.add("availability_over_noop", available / noop, Some(0.8), "ratio");
    Ok(())
}

fn key(store: &SqliteStore, now: model::time::Timestamp) -> anyhow::Result<()> {
    let mut writer = store.writer()?;
    writer.create_key(&ApiKey {
        tenant: model::id::TenantId::new("bench")?,
        hash: Sha256::digest(KEY.as_bytes()).into(),
        name: "sk_bench_a-key".into(),
        publishable: false,
        scopes: vec!["*".into()],
        created_at: now,
        revoked_at: None,
    })?;
    writer.commit()?;
    Ok(())
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {KEY}\r\n\r\n").into_bytes()
}

fn post(path: &str, body: &str, key: Option<usize>) -> Vec<u8> {
    let key = key.map(|n| format!("Idempotency-Key: {}\r\n", idempotency(n))).unwrap_or_default();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\n\
         {key}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Keys come in no order, as clients make them at random.
fn idempotency(n: usize) -> String {
    format!("{:016x}-{n:x}", (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

fn order(n: usize) -> String {
    let sku = crate::workload::sku();
    format!(
        r#"{{"reference":"H-{n}","customer":{{"email":"buyer{n}@example.com","name":"A Buyer","country":"US"}},"lines":[{{"sku":"{sku}","quantity":1}}]}}"#
    )
}

fn orders(n: usize) -> String {
    let orders: Vec<String> = (0..BATCH)
        .map(|at| {
            // Beyond the numbers of single orders, so that no key is used twice.
            let n = 1_000_000 + n * BATCH + at;
            let order = order(n);
            format!(r#"{{"idempotency_key":"{}",{}"#, idempotency(n), &order[1..])
        })
        .collect();
    format!(r#"{{"orders":[{}]}}"#, orders.join(","))
}

/// Requests over many connections, one in flight on each.
struct Load {
    address: std::net::SocketAddr,
    sent: AtomicUsize,
}

impl Load {
    /// Sends so many requests; answers how many a second.
    async fn run(
        self: &Arc<Self>,
        requests: usize,
        make: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static,
    ) -> anyhow::Result<f64> {
        let make = Arc::new(make);
        let left = Arc::new(AtomicUsize::new(requests));
        let begun = Instant::now();
        let mut clients = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            let (load, make, left) = (Arc::clone(self), Arc::clone(&make), Arc::clone(&left));
            clients.push(tokio::spawn(async move {
                let mut stream = TcpStream::connect(load.address).await?;
                stream.set_nodelay(true)?;
                let mut buffer = Vec::with_capacity(64 * 1024);
                while left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                    .is_ok()
                {
                    let n = load.sent.fetch_add(1, Ordering::Relaxed);
                    stream.write_all(&make(n)).await?;
                    answer(&mut stream, &mut buffer).await?;
                }
                anyhow::Ok(())
            }));
        }
        for client in clients {
            client.await??;
        }
        Ok(requests as f64 / begun.elapsed().as_secs_f64())
    }
}

/// Reads one answer and checks that it is a good one.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<()> {
    buffer.clear();
    let head = loop {
        ensure!(stream.read_buf(buffer).await? > 0, "the server hung up");
        if let Some(at) = find(buffer, b"\r\n\r\n") {
            break at + 4;
        }
    };
    let text = std::str::from_utf8(&buffer[..head])?.to_ascii_lowercase();
    ensure!(
        text.starts_with("http/1.1 200") || text.starts_with("http/1.1 201"),
        "{}",
        String::from_utf8_lossy(buffer)
    );
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.context("an answer without length")?.trim().parse()?;
    while buffer.len() < head + length {
        ensure!(stream.read_buf(buffer).await? > 0, "the server hung up");
    }
    Ok(())
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}
