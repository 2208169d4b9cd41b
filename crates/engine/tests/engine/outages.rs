//! PostgreSQL goes away, or the way to it: no order that was answered is lost, none is placed twice.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use engine::{Answer, Engine, Failure, Key, Request};
use ledger::{StoreError, postgres::PostgresStore};
use model::id::OrderId;
use testkit::{
    postgres::{Cluster, Stop},
    way::{Cut, Way},
};

use crate::{
    together::{order, stock},
    world::World,
};

/// Pause before somebody who got no answer asks again.
const AGAIN: Duration = Duration::from_millis(5);
const CLIENTS: usize = 4;
/// Orders that each client places after each outage.
const ORDERS: usize = 60;

/// Places an order as a shop does: with the same key until it is answered.
fn insist(engine: &Engine, world: &World, key: &str) -> OrderId {
    loop {
        let key = Some(Key { key: key.into(), request: [9; 32] });
        match engine.run_blocking(Request { key, ..world.request(order(1)) }) {
            Ok(answered) => match answered.outcome.unwrap() {
                Answer::Placed(view) => return view.id,
                other => panic!("{other:?}"),
            },
            Err(Failure::Store(_)) => thread::park_timeout(AGAIN),
            Err(failure) => panic!("{failure}"),
        }
    }
}

fn placed(world: &World) -> BTreeSet<OrderId> {
    let ids = world.store.reader().unwrap().order_page(&world.tenant, &Default::default(), None, 1_000_000);
    ids.unwrap().into_iter().collect()
}

#[test]
fn whatever_way_postgres_ends_under_load_no_answered_order_is_lost_and_none_placed_twice() {
    let cluster = Cluster::start(true);
    let (world, url) = World::on_postgres(&cluster);
    stock(&world, 1_000_000);
    let other = Engine::start(Arc::new(PostgresStore::open(&url).unwrap())).unwrap();
    let mut answered = BTreeSet::new();
    for (round, how) in [Stop::Fast, Stop::Immediate, Stop::Kill].into_iter().enumerate() {
        let begun = AtomicUsize::new(0);
        let found = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                let engine = if client % 2 == 0 { world.engine() } else { &other };
                let (world, begun, found) = (&world, &begun, &found);
                scope.spawn(move || {
                    for n in 0..ORDERS {
                        begun.fetch_add(1, Ordering::Relaxed);
                        let id = insist(engine, world, &format!("{round} {client} {n}"));
                        found.lock().unwrap().push(id);
                    }
                });
            }
            // In the midst of it: some are answered, some on their way, some still to come.
            while begun.load(Ordering::Relaxed) < CLIENTS * ORDERS / 4 {
                thread::park_timeout(Duration::from_micros(200));
            }
            cluster.stop(how);
            cluster.run();
        });
        let found = found.into_inner().unwrap();
        assert_eq!(found.len(), CLIENTS * ORDERS);
        answered.extend(found);
    }
    assert_eq!(answered.len(), 3 * CLIENTS * ORDERS, "no two requests share an order");
    assert_eq!(placed(&world), answered);
    world.verify();
}

fn behind_a_way() -> (World, Engine, Way) {
    let (world, url) = World::on_postgres(Cluster::shared());
    stock(&world, 100);
    let way = Way::to(Cluster::shared());
    let engine = Engine::start(Arc::new(PostgresStore::open(&way.url(&url)).unwrap())).unwrap();
    (world, engine, way)
}

/// Without a key, so that nobody could tell by asking again.
#[test]
fn an_order_whose_commit_is_cut_off_is_placed_once_and_answered() {
    let (world, engine, way) = behind_a_way();
    for (n, cut) in [Cut::Before, Cut::After, Cut::After, Cut::Before].into_iter().enumerate() {
        way.cut_next(cut);
        let answered = engine.run_blocking(world.request(order(1))).unwrap();
        assert!(matches!(answered.outcome, Ok(Answer::Placed(_))));
        assert!(!way.will_cut(), "the commit was cut");
        assert_eq!(placed(&world).len(), n + 1);
    }
    world.verify();
}

#[test]
fn where_nobody_knows_whether_it_was_kept_the_key_tells_later() {
    let (world, engine, way) = behind_a_way();
    let request = |key: &str| {
        let key = Some(Key { key: key.into(), request: [9; 32] });
        engine.run_blocking(Request { key, ..world.request(order(1)) })
    };
    // What a node does when it begins is done: the next commit is that of the order.
    request("before").unwrap();
    way.cut_next(Cut::ForGood);
    let Err(Failure::Store(error)) = request("first") else { panic!("nobody can have said so") };
    assert!(matches!(*error, StoreError::Unknown { .. }), "{error}");
    assert!(matches!(request("second"), Err(Failure::Store(_))), "nobody answers");
    way.open();
    assert!(request("first").unwrap().replayed, "it was kept");
    assert!(!request("second").unwrap().replayed);
    assert_eq!(placed(&world).len(), 3);
    world.verify();
}
