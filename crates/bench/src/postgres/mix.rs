//! A shop with very many SKUs, some of which are asked for far more often than others.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use engine::{Answer, Answered, Failure};
use ledger::{Store, audit::Cell};
use model::{
    command::{AskLine, CancelOrder, Command, PlaceOrder, Receive},
    id::{OrderId, Sku, SupplyId},
};
use testkit::postgres::Cluster;
use tokio::sync::oneshot::Receiver;

use super::raw::{self, Rows};
use crate::{figures::Figures, workload::Shop};

const SKUS: usize = 10_000;
const COMMANDS: usize = 60_000;
const IN_FLIGHT: usize = 1_024;
const UNITS: i64 = 1_000_000;

/// SplitMix64.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % limit
    }
}

/// SKUs by how often they are asked for: the nth as often as 1/n of the first (Zipf with exponent 1).
struct Popularity(Vec<u64>);

impl Popularity {
    fn new() -> Self {
        let mut sum = 0;
        Self(
            (1..=SKUS as u64)
                .map(|rank| {
                    sum += 1_000_000_000 / rank;
                    sum
                })
                .collect(),
        )
    }

    fn draw(&self, draws: &mut Draws) -> usize {
        let total = self.0.last().copied().unwrap_or(1);
        let at = draws.below(total);
        self.0.partition_point(|sum| *sum <= at)
    }
}

fn sku(n: usize) -> Sku {
    Sku::stored(&format!("SKU-{n:05}"))
}

/// Measures the mix beside the rate of one hot SKU, and beside a bare loop that writes what it wrote.
pub(crate) fn run(figures: &mut Figures, cluster: &Cluster, hot: f64) -> anyhow::Result<()> {
    let store = super::open(&cluster.database())?;
    let mut shop = Shop::on(Arc::clone(&store))?;
    let supplies = stock(&mut shop)?;
    let before = Before::of(&*store, &shop)?;
    let (popularity, mut draws) = (Popularity::new(), Draws(11));
    let (mut waiting, mut placed) = (VecDeque::with_capacity(IN_FLIGHT), Vec::<OrderId>::new());
    let mut received = vec![false; SKUS];
    let (mut commands, mut lines) = (0_u64, 0_u64);
    let begun = Instant::now();
    for n in 0..COMMANDS {
        if waiting.len() == IN_FLIGHT {
            take(&mut waiting, &mut placed)?;
        }
        let which = draws.below(100);
        let at = popularity.draw(&mut draws);
        let command = if which < 10 && !placed.is_empty() {
            let nth = usize::try_from(draws.below(placed.len() as u64))?;
            let order = placed.swap_remove(nth);
            Command::CancelOrder(CancelOrder::whole(order, true))
        } else if which == 10 && !std::mem::replace(&mut received[at], true) {
            Command::Receive(Receive::whole(supplies[at]))
        } else {
            let count = 1 + draws.below(5);
            lines += count;
            order(n, count, &popularity, &mut draws)
        };
        let request = shop.request(command, None);
        waiting.push_back(shop.engine.send(request)?);
        commands += 1;
    }
    while !waiting.is_empty() {
        take(&mut waiting, &mut placed)?;
    }
    let took = begun.elapsed().as_secs_f64();
    let batches = usize::try_from(shop.engine.stats().batches())? - before.batches;
    drop(shop);
    let raw = before.raw(&*store, batches)?.write(&cluster.database(), batches)?.as_secs_f64();
    let (rate, lines) = (commands as f64 / took, lines as f64 / took);
    figures.add("pg_mix_commands_per_s", rate, None, "commands/s, 10,000 SKUs");
    figures.add("pg_mix_lines_per_s", lines, None, "lines/s");
    figures.add("pg_mix_over_hot", rate / hot, Some(0.5), "ratio");
    figures.add(
        "pg_mix_lines_over_hot",
        lines / hot,
        Some(0.5),
        "ratio: an order of the hot SKU has one line",
    );
    figures.add("pg_mix_over_raw", raw / took, None, "ratio to a bare loop that writes the same rows");
    figures.add("pg_mix_raw_over_hot", commands as f64 / raw / hot, None, "ratio: of that loop, by commands");
    Ok(())
}

/// What was there before the mix.
struct Before {
    events: usize,
    /// How often pools were written.
    pools: usize,
    batches: usize,
}

impl Before {
    fn of(store: &dyn Store, shop: &Shop) -> anyhow::Result<Self> {
        let batches = usize::try_from(shop.engine.stats().batches())?;
        Ok(Self { events: raw::stored(store, "events")?.1.len(), pools: written(store)?, batches })
    }

    /// The rows that so many batches wrote since: what is new of entries, orders, places and records; and as many pools as each
    /// changed, with a supply each. What cancels took away again, and what they changed of orders, is not among them.
    fn raw(&self, store: &dyn Store, batches: usize) -> anyhow::Result<Rows> {
        let each = ((written(store)? - self.pools) / batches.max(1)).min(SKUS);
        let mut rows = Rows::default();
        rows.read(store, "pools", 0, Some(each))?;
        rows.read(store, "supplies", 0, Some(each))?;
        rows.read(store, "events", self.events, None)?;
        rows.read(store, "orders", 0, None)?;
        rows.read(store, "queue", 0, None)?;
        rows.read(store, "records", 0, None)?;
        Ok(rows)
    }
}

/// How often pools were written since there are any: each time its version grows by one.
fn written(store: &dyn Store) -> anyhow::Result<usize> {
    let (_, pools) = raw::stored(store, "pools")?;
    let versions = pools.iter().map(|row| match row[1] {
        Cell::Int(version) => usize::try_from(version).unwrap_or(0),
        _ => 0,
    });
    Ok(versions.sum())
}

fn order(n: usize, count: u64, popularity: &Popularity, draws: &mut Draws) -> Command {
    let mut asked: Vec<usize> = (0..count).map(|_| popularity.draw(draws)).collect();
    asked.sort_unstable();
    asked.dedup();
    let line = |at: usize| AskLine { sku: sku(at), quantity: 1, unit_price: None };
    Command::PlaceOrder(Box::new(PlaceOrder {
        reference: Some(format!("M-{n}").into()),
        country: Some("US".into()),
        lines: asked.into_iter().map(line).collect(),
        ..PlaceOrder::default()
    }))
}

type Waiting = Receiver<Result<Answered, Failure>>;

fn take(waiting: &mut VecDeque<Waiting>, placed: &mut Vec<OrderId>) -> anyhow::Result<()> {
    let Some(answer) = waiting.pop_front() else { return Ok(()) };
    let outcome = answer.blocking_recv()??.outcome;
    if let Answer::Placed(view) = outcome.map_err(|rejection| anyhow::anyhow!("refused: {rejection:?}"))? {
        placed.push(view.id);
    }
    Ok(())
}

/// Sells every SKU on backorder; answers the supply of each. Many at once: one after the other, each would wait for a commit.
fn stock(shop: &mut Shop) -> anyhow::Result<Vec<SupplyId>> {
    let (mut waiting, mut supplies) = (VecDeque::with_capacity(IN_FLIGHT), Vec::with_capacity(SKUS));
    let mut next = |waiting: &mut VecDeque<Waiting>| -> anyhow::Result<()> {
        let Some(answer) = waiting.pop_front() else { return Ok(()) };
        let outcome = answer.blocking_recv()??.outcome;
        if let Answer::SupplyAdded(added) =
            outcome.map_err(|rejection| anyhow::anyhow!("refused: {rejection:?}"))?
        {
            supplies.push(added.view.supply.id);
        }
        Ok(())
    };
    for n in 0..SKUS {
        for command in shop.selling(&sku(n), UNITS)? {
            if waiting.len() == IN_FLIGHT {
                next(&mut waiting)?;
            }
            waiting.push_back(shop.engine.send(shop.request(command, None))?);
        }
    }
    while !waiting.is_empty() {
        next(&mut waiting)?;
    }
    anyhow::ensure!(supplies.len() == SKUS, "{} supplies for {SKUS} SKUs", supplies.len());
    Ok(supplies)
}
