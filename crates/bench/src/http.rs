//! The same over HTTP: a client on the same cores, 64 connections, beside a no-op endpoint of the same server.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, ensure};
use engine::Stamps;
use ledger::{ApiKey, Store, sqlite::SqliteStore};
use model::{id::TenantId, time::Timestamp};
use server::traces::Traces;
use sha2::{Digest, Sha256};
use shipwhen::traces::Tracing;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::oneshot,
    task::JoinHandle,
};

use crate::{cpu, figures::Figures, workload::Shop};

const CONNECTIONS: usize = 64;
const ROUNDS: usize = 5;
const READS: usize = 60_000;
const ORDERS: usize = 30_000;
const BATCHES: usize = 600;
const BATCH: usize = 100;
const KEY: &str = "sk_bench_a-key-for-the-benchmark";

/// Name of the threads that serve, as the system shows it.
const SERVER: &str = "server";
/// Name of the engine's thread.
const WRITER: &str = "writer";

/// The best of several rounds: requests a second, and processor time of the server's threads for one request.
#[derive(Clone, Copy)]
struct Best {
    rate: f64,
    /// Of the threads that serve, in microseconds: reading, checking, answering.
    serving_us: f64,
    /// Of the engine's thread, in microseconds: deciding and keeping.
    writing_us: f64,
}

impl Best {
    const NONE: Self = Self { rate: 0.0, serving_us: f64::INFINITY, writing_us: f64::INFINITY };

    fn take(&mut self, other: Self) {
        self.rate = self.rate.max(other.rate);
        self.serving_us = self.serving_us.min(other.serving_us);
        self.writing_us = self.writing_us.min(other.writing_us);
    }
}

/// Measures single orders and availability beside the no-op endpoint, and batches beside raw.
pub(crate) fn run(figures: &mut Figures, raw: f64) -> anyhow::Result<()> {
    // A client is another program: it has threads of its own, so that the server's can be told from them.
    let clients = runtime("client")?;
    let (mut noop, mut single, mut available, mut batch) = (Best::NONE, Best::NONE, Best::NONE, Best::NONE);
    for _ in 0..ROUNDS {
        let dir = tempfile::tempdir()?;
        let shop = Shop::open(dir.path())?;
        let now = shop.now;
        drop(shop);
        let server = Server::start(dir.path(), now)?;
        let load = Arc::new(Load { address: server.address, sent: AtomicUsize::new(0) });
        clients.block_on(async {
            noop.take(load.run(READS, |_| get("/healthz")).await?);
            let url = format!("/v1/availability?sku={}&quantity=1&country=US", crate::workload::sku());
            available.take(load.run(READS, move |_| get(&url)).await?);
            single.take(load.run(ORDERS, |n| post("/v1/orders", &order(n), Some(n))).await?);
            batch.take(load.run(BATCHES, |n| post("/v1/orders/batch", &orders(n), None)).await?);
            anyhow::Ok(())
        })?;
        server.stop()?;
    }
    let batched = batch.rate * BATCH as f64;
    figures.add("http_noop_per_s", noop.rate, None, "requests/s");
    figures.add("http_noop_cpu_us", noop.serving_us, None, "us a request");
    figures.add("http_single_orders_per_s", single.rate, None, "orders/s");
    figures.add("http_single_over_noop", single.rate / noop.rate, Some(0.4), "ratio");
    figures.add("http_single_cpu_us", single.serving_us, None, "us an order, without the writer");
    figures.add("http_single_writer_cpu_us", single.writing_us, None, "us an order");
    figures.add("http_batch100_orders_per_s", batched, None, "orders/s");
    figures.add("http_batch100_over_raw", batched / raw, Some(0.6), "ratio");
    let each = BATCH as f64;
    figures.add("http_batch100_cpu_us", batch.serving_us / each, None, "us an order, without the writer");
    figures.add("http_batch100_writer_cpu_us", batch.writing_us / each, None, "us an order");
    figures.add("availability_per_s", available.rate, None, "requests/s");
    figures.add("availability_over_noop", available.rate / noop.rate, Some(0.8), "ratio");
    figures.add("availability_cpu_us", available.serving_us, None, "us a request");
    Ok(())
}

/// Which part of the requests is traced, in hundredths; 0: no traces at all.
const TRACED: [u32; 3] = [0, 1, 100];

/// Measures single orders and availability without traces, and with them for a part of the requests or all.
pub(crate) fn traces(figures: &mut Figures) -> anyhow::Result<()> {
    let clients = runtime("client")?;
    // On threads of its own: its work is not the server's.
    let collectors = runtime("collector")?;
    let url = collectors.block_on(collector())?;
    let mut best = [[Best::NONE; 2]; TRACED.len()];
    for _ in 0..ROUNDS {
        for ([order_best, read_best], percent) in best.iter_mut().zip(TRACED) {
            let dir = tempfile::tempdir()?;
            let shop = Shop::open(dir.path())?;
            let now = shop.now;
            drop(shop);
            let part = f64::from(percent) / 100.0;
            let tracing = Tracing::by(&|name| {
                Some(match name {
                    "OTEL_EXPORTER_OTLP_ENDPOINT" if percent > 0 => url.clone(),
                    "OTEL_TRACES_SAMPLER" => "parentbased_traceidratio".to_owned(),
                    "OTEL_TRACES_SAMPLER_ARG" => part.to_string(),
                    _ => return None,
                })
            })?;
            let ending = tracing.ending();
            let server = Server::start_with(dir.path(), now, None, tracing.traces)?;
            let load = Arc::new(Load { address: server.address, sent: AtomicUsize::new(0) });
            clients.block_on(async {
                let url = format!("/v1/availability?sku={}&quantity=1&country=US", crate::workload::sku());
                read_best.take(load.run(READS, move |_| get(&url)).await?);
                order_best.take(load.run(ORDERS, |n| post("/v1/orders", &order(n), Some(n))).await?);
                anyhow::Ok(())
            })?;
            server.stop()?;
            ending.end();
        }
    }
    for ([orders, reads], percent) in best.iter().zip(TRACED) {
        let name = |what: &str| format!("traced_{percent}_{what}");
        figures.add(name("orders_per_s"), orders.rate, None, "orders/s");
        figures.add(name("order_cpu_us"), orders.serving_us, None, "us an order, without the writer");
        figures.add(name("availability_per_s"), reads.rate, None, "requests/s");
        figures.add(name("availability_cpu_us"), reads.serving_us, None, "us a request");
        if percent > 0 {
            let goal = (percent == 1).then_some(0.95);
            figures.add(name("orders_over_0"), orders.rate / best[0][0].rate, goal, "ratio");
            figures.add(name("availability_over_0"), reads.rate / best[0][1].rate, goal, "ratio");
        }
    }
    Ok(())
}

/// Takes traces and says so; answers where.
async fn collector() -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = Vec::new();
                while take(&mut stream, &mut buffer).await.is_ok() {}
            });
        }
    });
    Ok(url)
}

async fn take(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<()> {
    buffer.clear();
    let head = loop {
        ensure!(stream.read_buf(buffer).await? > 0, "the server hung up");
        if let Some(at) = find(buffer, b"\r\n\r\n") {
            break at + 4;
        }
    };
    let text = std::str::from_utf8(&buffer[..head])?.to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.context("traces without length")?.trim().parse()?;
    while buffer.len() < head + length {
        ensure!(stream.read_buf(buffer).await? > 0, "the server hung up");
    }
    stream
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n")
        .await?;
    Ok(())
}

pub(crate) fn runtime(name: &str) -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().thread_name(name).enable_all().build()?)
}

/// A server of its own on a free port.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    runtime: Runtime,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Server {
    fn start(dir: &Path, now: Timestamp) -> anyhow::Result<Self> {
        Self::start_as(dir, now, None)
    }

    /// The same, serving one shop as the sample shop: its pages need no sign-in.
    pub(crate) fn start_as(dir: &Path, now: Timestamp, demo: Option<TenantId>) -> anyhow::Result<Self> {
        Self::start_with(dir, now, demo, Traces::default())
    }

    fn start_with(
        dir: &Path,
        now: Timestamp,
        demo: Option<TenantId>,
        traces: Traces,
    ) -> anyhow::Result<Self> {
        let store = SqliteStore::open(dir)?;
        key(&store, now)?;
        let store: Arc<dyn Store> = Arc::new(store);
        let app = Arc::new(server::App {
            engine: engine::Engine::start(Arc::clone(&store))?,
            stamps: Stamps::new([2; 32]),
            clock: Arc::new(move || now),
            test_clock: false,
            post: server::mail::Post::Outbox,
            payments: server::payments::Payments::default(),
            hooks: server::hooks::Hooks::default(),
            views: server::views::Views::default(),
            traces,
            demo,
            secret: store.reader()?.secret()?,
            public_url: OnceLock::new(),
        });
        let runtime = runtime(SERVER)?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let _ = app.public_url.set(format!("http://{address}"));
        let (stop, stopped) = oneshot::channel();
        let served = runtime.spawn(server::serve(listener, app, async move {
            let _ = stopped.await;
        }));
        Ok(Self { address, runtime, stop, served })
    }

    pub(crate) fn stop(self) -> anyhow::Result<()> {
        let _ = self.stop.send(());
        self.runtime.block_on(self.served)??;
        Ok(())
    }
}

fn key(store: &SqliteStore, now: Timestamp) -> anyhow::Result<()> {
    let mut writer = store.writer()?;
    writer.create_key(&ApiKey {
        tenant: TenantId::new("bench")?,
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
    address: SocketAddr,
    sent: AtomicUsize,
}

impl Load {
    /// Sends so many requests; answers how many a second, and what they cost the server.
    async fn run(
        self: &Arc<Self>,
        requests: usize,
        make: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static,
    ) -> anyhow::Result<Best> {
        let make = Arc::new(make);
        let left = Arc::new(AtomicUsize::new(requests));
        let (begun, before) = (Instant::now(), cpu::used());
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
        let (took, after) = (begun.elapsed(), cpu::used());
        Ok(Best {
            rate: requests as f64 / took.as_secs_f64(),
            serving_us: cpu::us_each(&before, &after, SERVER, requests),
            writing_us: cpu::us_each(&before, &after, WRITER, requests),
        })
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
