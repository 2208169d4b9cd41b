//! `promise`: durable orders a second on one hot SKU that is backordered, in process and over HTTP, beside the raw limit.

use std::time::Duration;

use crate::{figures::Figures, http, raw, workload::Shop};

/// Rounds of each side; the best one counts.
const ROUNDS: usize = 5;
/// Lines of the backlog that orders are placed behind.
const BACKLOG: usize = 1_000_000;

/// One mode: so many in flight, so many orders a round.
struct Mode {
    in_flight: usize,
    orders: usize,
}

const MODES: [Mode; 3] = [
    Mode { in_flight: 1, orders: 2_000 },
    Mode { in_flight: 64, orders: 30_000 },
    Mode { in_flight: 1_024, orders: 100_000 },
];

/// What can be measured by itself, in the order in which it is.
pub(crate) const PARTS: [&str; 5] = ["inproc", "backlog", "http", "traces", "import"];

/// Measures the parts that were chosen.
pub(crate) fn run(figures: &mut Figures, chosen: &[&str]) -> anyhow::Result<()> {
    let is_chosen = |part| chosen.contains(&part);
    let mut raw_best = None;
    if is_chosen("inproc") {
        let sync = raw::sync(tempfile::tempdir()?.path())?;
        figures.add("durable_sync_ms", ms(sync), None, "ms");
        for mode in &MODES {
            raw_best = Some(in_process(figures, mode, sync)?);
        }
    }
    if is_chosen("backlog") {
        backlog(figures)?;
    }
    if is_chosen("http") {
        let raw_best = match raw_best {
            Some(rate) => rate,
            None => raw_rate(&MODES[MODES.len() - 1])?,
        };
        http::run(figures, raw_best)?;
    }
    if is_chosen("traces") {
        http::traces(figures)?;
    }
    if is_chosen("import") {
        import(figures)?;
    }
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The best raw rate of one mode, without anything beside it.
fn raw_rate(mode: &Mode) -> anyhow::Result<f64> {
    let dir = tempfile::tempdir()?;
    Shop::open(dir.path())?.place(mode.orders, mode.in_flight)?;
    let rows = raw::Rows::read(dir.path(), mode.orders)?;
    let mut best = 0.0_f64;
    for _ in 0..ROUNDS {
        let took = rows.write(tempfile::tempdir()?.path(), mode.in_flight)?;
        best = best.max(mode.orders as f64 / took.as_secs_f64());
    }
    Ok(best)
}

/// Measures one mode beside raw; answers the best raw rate.
fn in_process(figures: &mut Figures, mode: &Mode, sync: Duration) -> anyhow::Result<f64> {
    let (mut best, mut raw_best) = (0.0_f64, 0.0_f64);
    let (mut p50, mut p99) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let dir = tempfile::tempdir()?;
        let mut shop = Shop::open(dir.path())?;
        let mut run = shop.place(mode.orders, mode.in_flight)?;
        drop(shop);
        best = best.max(run.rate());
        p50 = p50.min(run.percentile(50));
        p99 = p99.min(run.percentile(99));
        let rows = raw::Rows::read(dir.path(), mode.orders)?;
        let took = rows.write(tempfile::tempdir()?.path(), mode.in_flight)?;
        raw_best = raw_best.max(mode.orders as f64 / took.as_secs_f64());
    }
    let ratio = best / raw_best;
    match mode.in_flight {
        1 => {
            figures.add("inproc_1_orders_per_s", best, None, "orders/s");
            figures.add("inproc_1_over_raw", ratio, None, "ratio");
        }
        64 => {
            figures.add("inproc_64_orders_per_s", best, None, "orders/s");
            figures.add("inproc_64_over_raw", ratio, Some(0.35), "ratio");
            figures.add("inproc_64_p50_ms", ms(p50), None, "ms");
            figures.add("inproc_64_p99_ms", ms(p99), None, "ms");
            figures.add("inproc_64_p99_over_sync", ms(p99) / ms(sync), Some(10.0), "syncs, at most");
        }
        _ => {
            figures.add("raw_1024_orders_per_s", raw_best, None, "orders/s");
            figures.add("inproc_1024_orders_per_s", best, None, "orders/s");
            figures.add("inproc_1024_over_raw", ratio, Some(0.8), "ratio");
            figures.add("inproc_1024_p50_ms", ms(p50), None, "ms");
            figures.add("inproc_1024_p99_ms", ms(p99), None, "ms");
        }
    }
    Ok(raw_best)
}

/// Measures what an order costs behind a million open lines of the same SKU.
///
/// The backlog was taken over the hundred days before, as a backlog is. Measured in turn with an empty shop, so that a noisy
/// machine troubles both.
fn backlog(figures: &mut Figures) -> anyhow::Result<()> {
    const DAYS: usize = 100;
    const ORDERS: usize = 100_000;
    let dir = tempfile::tempdir()?;
    let mut shop = Shop::open(dir.path())?;
    let today = shop.now;
    for day in 0..DAYS {
        let ago = i64::try_from(DAYS - day)? * 86_400;
        shop.now = model::time::seconds_after(today, -ago).unwrap_or(today);
        shop.place(BACKLOG / DAYS, 4_096)?;
    }
    shop.now = today;
    let (mut full, mut empty) = (0.0_f64, 0.0_f64);
    for _ in 0..ROUNDS {
        full = full.max(shop.place(ORDERS, 1_024)?.rate());
        let dir = tempfile::tempdir()?;
        empty = empty.max(Shop::open(dir.path())?.place(ORDERS, 1_024)?.rate());
    }
    figures.add("backlog_1m_orders_per_s", full, None, "orders/s");
    figures.add("backlog_1m_over_empty", full / empty, Some(0.9), "ratio");
    Ok(())
}

/// Measures the import of a year of a real shop's invoices, where the file is there.
fn import(figures: &mut Figures) -> anyhow::Result<()> {
    let file =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/online_retail.csv.gz");
    if !file.exists() {
        figures.say("import_lines_per_s: NOT MEASURED, ../shared/data/online_retail.csv.gz is missing");
        return Ok(());
    }
    let dir = tempfile::tempdir()?;
    let settings = shipwhen::config::Settings::at(dir.path());
    let begun = std::time::Instant::now();
    let report = shipwhen::import::online_retail_file(&settings, &file)?;
    let took = begun.elapsed();
    figures.add("import_lines", report.rows as f64, None, "lines");
    figures.add("import_lines_per_s", report.rows as f64 / took.as_secs_f64(), Some(50_000.0), "lines/s");
    Ok(())
}
