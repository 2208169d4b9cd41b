//! What a change of supply costs with very many lines behind it: the receipt that turns them to allocated, the slip of a million.

use std::time::{Duration, Instant};

use ledger::{Store as _, sqlite::SqliteStore};
use model::{
    command::{ChangeSupply, Command, Receive},
    id::Sku,
    time::days_after,
};

use crate::{figures::Figures, workload::Shop};

/// Lines behind a supply: few, and many.
const FEW: usize = 10;
const MANY: usize = 100_000;
/// Receipts of each kind; the median counts.
const RECEIPTS: usize = 5;

/// Measures how long a receipt takes to be answered with few and with many lines behind it: one of all that is due, and one of
/// nine tenths of it.
pub(crate) fn receipts(figures: &mut Figures) -> anyhow::Result<()> {
    for (name, part) in [("receipt", None), ("receipt_in_part", Some(9))] {
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..RECEIPTS {
            for (lines, times) in [FEW, MANY].into_iter().zip(&mut times) {
                let dir = tempfile::tempdir()?;
                let mut shop = Shop::open(dir.path())?;
                let sku = Sku::new(&format!("WAITED-FOR-{round}"))?;
                let units = i64::try_from(lines)?;
                let supply = shop.sell(&sku, units)?;
                shop.place_of(&sku, lines, 4_096)?;
                // What was placed is written back in peace.
                drained(dir.path())?;
                let accepted = part.map(|tenths| units * tenths / 10);
                let begun = Instant::now();
                shop.run(Command::Receive(Receive { accepted, ..Receive::whole(supply) }))?;
                times.push(begun.elapsed());
            }
        }
        let [few, many] = times.map(median);
        figures.add(format!("{name}_10_ms"), few.as_secs_f64() * 1e3, None, "ms");
        figures.add(format!("{name}_100k_ms"), many.as_secs_f64() * 1e3, None, "ms");
        let ratio = many.as_secs_f64() / few.as_secs_f64();
        figures.add(format!("{name}_100k_over_10"), ratio, Some(5.0), "ratio, at most");
    }
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Lines behind the supply that slips.
const WAITING: usize = 1_000_000;
/// Orders placed at once, meanwhile and in peace.
const IN_FLIGHT: usize = 64;
const ORDERS: usize = 20_000;

/// Measures how orders of the same SKU fare while the promises of a million lines are made anew.
pub(crate) fn slip(figures: &mut Figures) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let mut shop = Shop::open(dir.path())?;
    let sku = Sku::new("WAITED-FOR")?;
    let units = 2 * i64::try_from(WAITING)?;
    let supply = shop.sell(&sku, units)?;
    shop.place_of(&sku, WAITING, 4_096)?;
    drained(dir.path())?;
    let quiet = shop.place_of(&sku, ORDERS, IN_FLIGHT)?.percentile(99);
    let today = model::time::local_date(shop.now, &model::time::Zone::utc());
    let later = ChangeSupply { supply, expected_on: Some(days_after(today, 60)), quantity: None };
    let begun = Instant::now();
    shop.run(Command::ChangeSupply(later))?;
    let answered = begun.elapsed();
    let mut meanwhile = shop.place_of(&sku, ORDERS, IN_FLIGHT)?;
    while is_at_work(dir.path())? {
        meanwhile.join(shop.place_of(&sku, ORDERS, IN_FLIGHT)?);
    }
    let (took, orders) = (begun.elapsed(), meanwhile.orders);
    figures.add("slip_1m_answered_ms", answered.as_secs_f64() * 1e3, None, "ms");
    figures.add("slip_1m_promises_anew_s", took.as_secs_f64(), None, "s");
    figures.add("slip_1m_orders_meanwhile_per_s", orders as f64 / took.as_secs_f64(), None, "orders/s");
    let ratio = meanwhile.percentile(99).as_secs_f64() / quiet.as_secs_f64();
    figures.add("slip_1m_p99_over_quiet", ratio, Some(5.0), "ratio, at most");
    Ok(())
}

fn is_at_work(dir: &std::path::Path) -> anyhow::Result<bool> {
    Ok(!SqliteStore::open(dir)?.reader()?.work(1)?.is_empty())
}

/// Waits until no work is left.
fn drained(dir: &std::path::Path) -> anyhow::Result<()> {
    while is_at_work(dir)? {
        std::thread::yield_now();
    }
    Ok(())
}
