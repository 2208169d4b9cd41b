//! Several shops pressed at once on one node: one lane against several.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use engine::Engine;
use testkit::postgres::Cluster;

use super::{IN_FLIGHT, ORDERS, ROUNDS, ms, open};
use crate::{
    figures::Figures,
    workload::{Run, Shop, answer, sku},
};

/// Shops that order in turn.
const SHOPS: usize = 8;
/// On cores that the database and the client share there is nothing to gain; several lanes must not cost either.
const LANES: [usize; 3] = [1, 2, 4];

/// The best of the rounds with so many lanes.
#[derive(Clone, Copy, Default)]
struct Best {
    rate: f64,
    p99_ms: f64,
    group: f64,
}

pub(super) fn run(figures: &mut Figures, cluster: &Cluster) -> anyhow::Result<()> {
    let mut best = [Best::default(); LANES.len()];
    for _ in 0..ROUNDS {
        for (best, lanes) in best.iter_mut().zip(LANES) {
            let (mut run, batches) = press(&cluster.database(), lanes)?;
            let rate = run.rate();
            if rate > best.rate {
                *best = Best { rate, p99_ms: ms(run.percentile(99)), group: ORDERS as f64 / batches };
            }
        }
    }
    for (best_of, lanes) in best.iter().zip(LANES) {
        let name = |what: &str| format!("pg_tenants_lanes_{lanes}_{what}");
        figures.add(name("orders_per_s"), best_of.rate, None, "orders/s, 8 shops");
        figures.add(name("p99_ms"), best_of.p99_ms, None, "ms");
        figures.add(name("group"), best_of.group, None, "orders a transaction");
        if lanes > 1 {
            figures.add(name("over_1"), best_of.rate / best[0].rate, Some(0.95), "ratio");
        }
    }
    Ok(())
}

/// Has every shop order in turn, always so many orders in flight; answers with how many transactions that was.
fn press(url: &str, lanes: usize) -> anyhow::Result<(Run, f64)> {
    let store = open(url)?;
    let engine = Arc::new(Engine::start_in(Arc::clone(&store), lanes)?);
    let shops: anyhow::Result<Vec<Shop>> =
        (0..SHOPS).map(|n| Shop::beside(&engine, &*store, &format!("shop-{n}"))).collect();
    let mut shops = shops?;
    let before = engine.stats().batches();
    let (mut latencies, mut waiting) = (Vec::with_capacity(ORDERS), VecDeque::with_capacity(IN_FLIGHT));
    let begun = Instant::now();
    for n in 0..ORDERS {
        if waiting.len() == IN_FLIGHT {
            latencies.push(answer(&mut waiting)?);
        }
        let request = shops[n % SHOPS].order_of(&sku());
        waiting.push_back((Instant::now(), engine.send(request)?));
    }
    while !waiting.is_empty() {
        latencies.push(answer(&mut waiting)?);
    }
    let batches = engine.stats().batches() - before;
    Ok((Run { orders: ORDERS, took: begun.elapsed(), latencies }, batches as f64))
}
