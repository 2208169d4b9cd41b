//! `postgres`: nodes on a private PostgreSQL cluster, on the same cores as the server and the client.

mod mix;
mod raw;
mod tenants;

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use ledger::{Store, postgres::PostgresStore};
use testkit::postgres::Cluster;

use self::raw::{Rows, Sent};
use crate::{
    figures::Figures,
    workload::{Run, Shop, sku},
};

/// Rounds of each side, in turn; the best one counts.
const ROUNDS: usize = 3;
const IN_FLIGHT: usize = 1_024;
const ORDERS: usize = 100_000;
/// Open lines that a node takes; more than these are copied by the database.
const TAKEN: usize = 1_000_000;
/// Seconds of orders at a steady rate.
const STEADY_S: f64 = 5.0;

/// What can be measured by itself, in the order in which it is.
pub(crate) const PARTS: [&str; 5] = ["nodes", "mix", "tenants", "steady", "backlog"];

/// Measures the parts that were chosen.
pub(crate) fn run(figures: &mut Figures, chosen: &[&str]) -> anyhow::Result<()> {
    let cluster = Cluster::start(true);
    let mut peak = None;
    if chosen.contains(&"nodes") {
        peak = Some(nodes(figures, &cluster)?);
    }
    if chosen.contains(&"mix") {
        let hot = match peak {
            Some(peak) => peak,
            None => hot(&cluster)?.rate(),
        };
        mix::run(figures, &cluster, hot)?;
    }
    if chosen.contains(&"tenants") {
        tenants::run(figures, &cluster)?;
    }
    if chosen.contains(&"steady") {
        steady(figures, &cluster)?;
    }
    if chosen.contains(&"backlog") {
        backlog(figures, &cluster)?;
    }
    Ok(())
}

fn open(url: &str) -> anyhow::Result<Arc<dyn Store>> {
    Ok(Arc::new(PostgresStore::open(url)?))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// One node, one hot SKU, in a new database.
fn hot(cluster: &Cluster) -> anyhow::Result<Run> {
    Shop::on(open(&cluster.database())?)?.place(ORDERS, IN_FLIGHT)
}

/// The best of the rounds of one node or two.
struct Best {
    rate: f64,
    p99: Duration,
    conflicts: f64,
    /// Orders of the node that placed fewer, to those of the other.
    share: f64,
}

impl Best {
    const NONE: Self = Self { rate: 0.0, p99: Duration::MAX, conflicts: f64::INFINITY, share: 0.0 };

    fn take(&mut self, other: &Self) {
        self.rate = self.rate.max(other.rate);
        self.p99 = self.p99.min(other.p99);
        self.conflicts = self.conflicts.min(other.conflicts);
        self.share = self.share.max(other.share);
    }
}

/// Answers the best rate of one node.
fn nodes(figures: &mut Figures, cluster: &Cluster) -> anyhow::Result<f64> {
    let (mut one, mut two, mut raw_best) = (Best::NONE, Best::NONE, 0.0_f64);
    let (mut together, mut by_statement) = (0.0_f64, 0.0_f64);
    let mut group = 0;
    for _ in 0..ROUNDS {
        let url = cluster.database();
        let mut shop = Shop::on(open(&url)?)?;
        let before = shop.engine.stats().batches();
        let mut run = shop.place(ORDERS, IN_FLIGHT)?;
        let batches = usize::try_from(shop.engine.stats().batches() - before)?;
        group = ORDERS.div_ceil(batches.max(1));
        let conflicts = shop.engine.stats().conflicts() as f64 / batches as f64;
        one.take(&Best { rate: run.rate(), p99: run.percentile(99), conflicts, share: 1.0 });
        drop(shop);
        let rows = Rows::of_orders(&*open(&url)?, ORDERS)?;
        let took = rows.write(&cluster.database(), ORDERS.div_ceil(group))?;
        raw_best = raw_best.max(ORDERS as f64 / took.as_secs_f64());
        two.take(&pair(&cluster.database())?);
        together = together.max(rows.write_one_by_one(&cluster.database(), ORDERS, Sent::Together)?);
        by_statement =
            by_statement.max(rows.write_one_by_one(&cluster.database(), ORDERS, Sent::OneByOne)?);
    }
    figures.add("pg_group", group as f64, None, "orders a transaction");
    figures.add("pg_raw_orders_per_s", raw_best, None, "orders/s");
    figures.add("pg_one_node_orders_per_s", one.rate, None, "orders/s");
    figures.add("pg_one_node_over_raw", one.rate / raw_best, Some(0.75), "ratio");
    figures.add("pg_one_node_p99_ms", ms(one.p99), None, "ms");
    figures.add("pg_two_nodes_orders_per_s", two.rate, None, "orders/s");
    figures.add("pg_two_nodes_over_raw", two.rate / raw_best, Some(0.7), "ratio");
    figures.add("pg_two_nodes_over_one", two.rate / one.rate, Some(0.75), "ratio");
    figures.add("pg_two_nodes_p99_ms", ms(two.p99), None, "ms");
    figures.add(
        "pg_two_nodes_p99_over_one",
        two.p99.as_secs_f64() / one.p99.as_secs_f64(),
        Some(3.0),
        "ratio, at most",
    );
    figures.add("pg_two_nodes_conflicts", two.conflicts, Some(0.01), "of batches, at most");
    figures.add("pg_two_nodes_share", two.share, Some(0.5), "orders of the slower to the faster");
    figures.add(
        "pg_one_order_a_transaction",
        together,
        None,
        "orders/s, 16 connections, statements sent together",
    );
    figures.add(
        "pg_one_order_by_statement",
        by_statement,
        None,
        "orders/s, the same, one statement at a time",
    );
    figures.add("pg_one_node_over_one_order", one.rate / together, Some(40.0), "ratio");
    figures.add("pg_one_node_over_by_statement", one.rate / by_statement, Some(40.0), "ratio");
    figures.add("pg_raw_over_one_order", raw_best / together, None, "ratio: more than this nobody reaches");
    Ok(one.rate)
}

/// Two nodes on one SKU, as many orders in flight together as one has alone.
fn pair(url: &str) -> anyhow::Result<Best> {
    let mut first = Shop::on(open(url)?)?;
    let mut second = Shop::join(open(url)?, 1)?;
    // Both know the shop: what a node costs that starts is a figure of its own.
    second.place(1, 1)?;
    first.place(1, 1)?;
    let left = AtomicUsize::new(ORDERS);
    let more = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
    let begun = std::time::Instant::now();
    let (one, other) = std::thread::scope(|scope| {
        let other = scope.spawn(|| second.place_while(&sku(), IN_FLIGHT / 2, more));
        let one = first.place_while(&sku(), IN_FLIGHT / 2, more);
        (one, other.join())
    });
    let took = begun.elapsed();
    let other = other.map_err(|_| anyhow::anyhow!("a node panicked"))??;
    let mut one = one?;
    let stats = [first.engine.stats(), second.engine.stats()];
    let batches: u64 = stats.iter().map(|stats| stats.batches()).sum();
    let conflicts: u64 = stats.iter().map(|stats| stats.conflicts()).sum();
    let share = one.orders.min(other.orders) as f64 / one.orders.max(other.orders) as f64;
    one.join(other);
    Ok(Best {
        rate: ORDERS as f64 / took.as_secs_f64(),
        p99: one.percentile(99),
        conflicts: conflicts as f64 / batches as f64,
        share,
    })
}

/// Latency at half the rate at which as many as possible are placed.
fn steady(figures: &mut Figures, cluster: &Cluster) -> anyhow::Result<()> {
    for engine in ["pg", "sqlite"] {
        let mut p99 = Duration::MAX;
        for _ in 0..ROUNDS {
            let dir = tempfile::tempdir()?;
            let mut shop =
                if engine == "pg" { Shop::on(open(&cluster.database())?)? } else { Shop::open(dir.path())? };
            let half = shop.place(ORDERS, IN_FLIGHT)?.rate() / 2.0;
            let orders = (half * STEADY_S) as usize;
            p99 = p99.min(shop.place_steadily(half, orders)?.percentile(99));
        }
        figures.add(format!("{engine}_half_peak_p99_ms"), ms(p99), Some(20.0), "ms, at most");
    }
    Ok(())
}

/// Memory of a node with a backlog in the store, and how long it takes to its first answer.
fn backlog(figures: &mut Figures, cluster: &Cluster) -> anyhow::Result<()> {
    let url = cluster.database();
    let before = resident()?;
    let mut shop = Shop::on(open(&url)?)?;
    let taken = figures.lines.min(TAKEN);
    shop.place(taken, IN_FLIGHT)?;
    let after = resident()?;
    drop(shop);
    copy(cluster, &url, taken, figures.lines)?;
    let lines = figures.lines as f64;
    figures.add("pg_backlog_lines", lines, None, "open lines");
    let held = after.saturating_sub(before) as f64;
    figures.add(
        "pg_memory_per_line",
        held / taken as f64,
        Some(250.0),
        "bytes, at most, in the node that took them",
    );
    let (before, begun) = (resident()?, std::time::Instant::now());
    let mut shop = Shop::join(open(&url)?, 1)?;
    shop.place(1, 1)?;
    figures.add("pg_start_s", begun.elapsed().as_secs_f64(), Some(10.0), "s to the first answer, at most");
    let held = resident()?.saturating_sub(before) as f64;
    figures.add(
        "pg_start_memory_per_line",
        held / lines,
        Some(250.0),
        "bytes, at most, in a node that starts",
    );
    Ok(())
}

/// Copies orders with their places in the queue under new ids until there are so many open lines; of answers to keys, no more
/// than a node marks in memory.
fn copy(cluster: &Cluster, url: &str, taken: usize, lines: usize) -> anyhow::Result<()> {
    let name = url.split(['/', '?']).nth(3).context("no database in the address")?;
    let copies = lines.div_ceil(taken.max(1)) - 1;
    anyhow::ensure!(copies < 255, "at most 255 copies of {taken} lines");
    for nth in 1..=copies {
        // The last four bytes of an order's id are free.
        cluster.sql(
            name,
            &format!(
                "INSERT INTO orders SELECT tenant, set_byte(order_id, 15, {nth}), reference, customer, placed_by, \
                 contact, body FROM orders WHERE get_byte(order_id, 15) = 0; \
                 INSERT INTO queue SELECT tenant, supply_id, wanted_on, set_byte(order_id, 15, {nth}), line, quantity, \
                 sku, open, unit_price, currency, told, released FROM queue WHERE get_byte(order_id, 15) = 0;"
            ),
        );
        if nth < 3 {
            cluster.sql(
                name,
                &format!(
                    "INSERT INTO replays SELECT tenant, seq + {nth} * 1000000000, day, lasting, \
                     set_byte(key, 15, (get_byte(key, 15) + {nth}) % 256), request, answer, placed \
                     FROM replays WHERE seq < 1000000000;"
                ),
            );
        }
    }
    Ok(())
}

/// Memory of this process that is in use, in bytes (Linux).
fn resident() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("memory is read from Linux' /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: u64 = line.split_whitespace().next().context("no size")?.parse()?;
    Ok(kib * 1_024)
}
