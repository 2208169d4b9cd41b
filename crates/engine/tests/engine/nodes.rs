//! Several nodes on one PostgreSQL database.

use std::sync::Arc;

use engine::{Answer, Answered, Engine, Request};
use ledger::{Store, postgres::PostgresStore};
use model::{
    command::{Adjust, AskLine, Command, PlaceHold},
    event::AdjustReason,
    id::LocationId,
    item::{Cap, Policy, WhenOut},
    refusal::Rejection,
    time::Timestamp,
};
use testkit::{
    ask::{instant, sku},
    core::CoreShop,
    postgres::Cluster,
};

use crate::{
    together::{Answering, accepted, order, send, stock},
    world::World,
};

/// A shop with so many mugs, and a second node on it.
fn two(units: i64) -> (World, Engine) {
    let (world, url) = World::on_postgres(Cluster::shared());
    stock(&world, units);
    let other = node(&url);
    (world, other)
}

fn node(url: &str) -> Engine {
    Engine::start(Arc::new(PostgresStore::open(url).unwrap())).unwrap()
}

fn adjust(delta: i64) -> Command {
    Command::Adjust(Adjust {
        sku: sku("MUG"),
        location: LocationId::stored(CoreShop::MAIN),
        delta,
        reason: AdjustReason::Count,
        quarantine: false,
        note: None,
        line: None,
    })
}

fn run(engine: &Engine, request: Request) -> Result<Answer, Rejection> {
    engine.run_blocking(request).unwrap().outcome
}

fn run_due(engine: &Engine, now: Timestamp) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(engine.run_due(now)).unwrap();
    runtime.block_on(engine.drain()).unwrap();
}

fn events(world: &World, kind: &str) -> usize {
    let events = world.store.reader().unwrap().events(&world.tenant, 0, 1_000_000).unwrap();
    events.iter().filter(|event| &*event.kind == kind).count()
}

#[test]
fn two_nodes_pressed_for_one_sku_sell_no_unit_twice() {
    let (world, other) = two(600);
    let mut answers = Vec::new();
    for round in 0..10 {
        for engine in [world.engine(), &other] {
            answers.extend((0..50 + round).map(|_| send(engine, &world, None, order(1))));
        }
    }
    assert_eq!(answers.len(), 1_090);
    assert_eq!(accepted(answers), 600);
    world.verify();
}

/// Waits until somebody waits for a lock in a database.
pub(crate) fn wait_for_a_lock(cluster: &Cluster, url: &str) {
    const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let database = url.split(['/', '?']).nth(3).unwrap();
    while cluster.sql(database, WAITING).trim() == "0" {}
}

/// A node that waits for another one's turn to end takes whoever came meanwhile: they do not wait for one turn more.
#[test]
fn who_comes_while_a_node_waits_for_its_turn_has_it_too() {
    let cluster = Cluster::shared();
    let (world, url) = World::on_postgres(cluster);
    stock(&world, 600);
    let other = node(&url);
    // Each meets the other, and locks before it decides from then on.
    for engine in [&other, world.engine(), &other, world.engine()] {
        run(engine, world.request(order(1))).unwrap();
    }
    let mut outsider = PostgresStore::open(&url).unwrap().writer().unwrap();
    outsider.elsewhere(&world.tenant).unwrap();
    let before = world.engine().stats().batches();
    let mut answers = vec![send(world.engine(), &world, None, order(1))];
    wait_for_a_lock(cluster, &url);
    answers.extend((0..100).map(|_| send(world.engine(), &world, None, order(1))));
    outsider.rollback().unwrap();
    assert_eq!(accepted(answers), 101);
    assert_eq!(world.engine().stats().batches() - before, 1);
    world.verify();
}

#[test]
fn a_key_sent_to_two_nodes_at_once_orders_once() {
    let (world, other) = two(1_000);
    let mut answers: Vec<(usize, Answering)> = Vec::new();
    for n in 0..1_200 {
        let key = format!("key {}", (n / 4) % 150);
        let engine = if n % 2 == 0 { world.engine() } else { &other };
        answers.push(((n / 4) % 150, send(engine, &world, Some(&key), order(1))));
    }
    let answered: Vec<(usize, Answered)> =
        answers.into_iter().map(|(key, answer)| (key, answer.blocking_recv().unwrap().unwrap())).collect();
    assert_eq!(answered.iter().filter(|(_, answered)| !answered.replayed).count(), 150);
    for (key, answer) in &answered {
        let (_, original) = answered.iter().find(|(of, answer)| of == key && !answer.replayed).unwrap();
        assert_eq!(answer.outcome, original.outcome, "the answer is the same each time");
    }
    assert_eq!(events(&world, "order_placed"), 150);
    world.verify();
}

/// What a node has in memory is never what a refusal rests on, however fresh the change elsewhere is.
#[test]
fn a_node_refuses_nothing_that_another_has_made_possible() {
    let (world, other) = two(1);
    for _ in 0..20 {
        assert!(run(&other, world.request(order(1))).is_ok());
        assert!(run(&other, world.request(order(1))).is_err(), "sold out");
        run(world.engine(), world.request(adjust(1))).unwrap();
    }
    world.verify();
}

#[test]
fn a_change_on_one_node_is_seen_by_readers_of_another() {
    let (world, other) = two(5);
    let free = |engine: &Engine| {
        engine
            .snapshots()
            .shop(&world.tenant, &[sku("MUG")])
            .unwrap()
            .pool(&sku("MUG"))
            .unwrap()
            .free_on_hand()
    };
    assert_eq!(free(&other), 5);
    run(world.engine(), world.request(order(2))).unwrap();
    // In memory until the watcher comes by; a hundred times the bound is only the end of patience.
    let patience = engine::STALE_MS_MAX * 100;
    let seen = (0..patience).any(|_| {
        std::thread::park_timeout(std::time::Duration::from_millis(1));
        free(&other) == 3
    });
    assert!(seen);
    assert_eq!(free(world.engine()), 3);
}

#[test]
fn a_timer_that_every_node_finds_due_is_worked_once() {
    let (mut world, other) = two(40);
    let lines = vec![AskLine { sku: sku("MUG"), quantity: 1, unit_price: None }];
    for _ in 0..40 {
        world.must(Command::PlaceHold(PlaceHold {
            channel: model::id::Channel::default(),
            group: None,
            country: None,
            ttl_seconds: 60,
            placed_by: None,
            lines: lines.clone(),
        }));
    }
    world.now = instant("2026-08-03T10:00:00Z");
    std::thread::scope(|scope| {
        for engine in [world.engine(), &other] {
            scope.spawn(|| run_due(engine, world.now));
        }
    });
    assert_eq!(events(&world, "hold_expired"), 40);
    assert_eq!(accepted((0..50).map(|_| send(&other, &world, None, order(1))).collect()), 40);
    world.verify();
}

#[test]
fn work_that_a_node_left_behind_is_taken_over() {
    let (mut world, other) = two(0);
    world.policy(
        "MUG",
        model::id::Channel::DEFAULT,
        Policy {
            when_out: WhenOut::MadeToOrder,
            lead_time_days: Some(20),
            backorder_cap: Cap::Unlimited,
            ..Policy::default()
        },
    );
    let orders = (0..1_300).map(|_| (None, order(1)));
    world.must_all(orders);
    run(world.engine(), world.request(adjust(1_200))).unwrap();
    world.stop();
    run_due(&other, world.now);
    assert_eq!(world.store.reader().unwrap().work(10).unwrap(), []);
    let shop = other.snapshots().shop(&world.tenant, &[sku("MUG")]).unwrap();
    let pool = shop.pool(&sku("MUG")).unwrap();
    assert_eq!((pool.free_on_hand(), pool.settling), (0, false));
    world.verify();
}
