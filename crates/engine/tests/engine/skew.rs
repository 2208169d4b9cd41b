//! Nodes whose clocks disagree: who was first is told by the store, never by a clock.

use std::sync::Arc;

use engine::{Answer, Engine, Key, Request};
use ledger::postgres::PostgresStore;
use model::{
    command::{AskLine, Command, PlaceHold},
    time::{Timestamp, seconds_after},
};
use testkit::{
    ask::{instant, sku},
    postgres::Cluster,
};

use crate::{
    together::{accepted, order, stock},
    world::World,
};

/// A shop with so many mugs, and a second node on it.
fn two(units: i64) -> (World, Engine) {
    let (world, url) = World::on_postgres(Cluster::shared());
    stock(&world, units);
    let other = Engine::start(Arc::new(PostgresStore::open(&url).unwrap())).unwrap();
    (world, other)
}

/// A request as a node sends it whose clock says so.
fn at(world: &mut World, now: Timestamp, key: Option<&str>, command: Command) -> Request {
    world.now = now;
    let key = key.map(|key| Key { key: key.into(), request: [9; 32] });
    Request { key, ..world.request(command) }
}

#[test]
fn a_key_is_known_to_a_node_whose_clock_is_still_a_day_behind() {
    let (mut world, other) = two(10);
    let (behind, ahead) = (instant("2026-08-03T23:59:50Z"), instant("2026-08-04T00:00:10Z"));
    let first = other.run_blocking(at(&mut world, ahead, Some("once"), order(1))).unwrap();
    let again = at(&mut world, behind, Some("once"), order(1));
    let again = world.engine().run_blocking(again).unwrap();
    assert!(again.replayed, "it would have been ordered twice");
    assert_eq!(again.outcome, first.outcome);
    world.verify();
}

#[test]
fn nodes_an_hour_apart_sell_no_unit_twice_and_keep_their_books() {
    let (mut world, other) = two(200);
    let (behind, ahead) = (instant("2026-08-03T09:00:00Z"), instant("2026-08-03T10:00:00Z"));
    let mut answers = Vec::new();
    for n in 0..300 {
        let moment = if n % 2 == 0 { behind } else { ahead };
        let moment = seconds_after(moment, n / 10).unwrap();
        let request = at(&mut world, moment, None, order(1));
        let engine = if n % 2 == 0 { world.engine() } else { &other };
        answers.push(engine.send(request).unwrap());
    }
    assert_eq!(accepted(answers), 200);
    world.verify();
}

/// The clock ahead ends it, which sets its units free; nobody ends it a second time.
#[test]
fn a_hold_ends_once_whichever_clock_ends_it() {
    let (mut world, other) = two(1);
    let (behind, ahead) = (instant("2026-08-03T09:00:00Z"), instant("2026-08-03T10:00:00Z"));
    let hold = Command::PlaceHold(PlaceHold {
        channel: model::id::Channel::default(),
        group: None,
        country: None,
        ttl_seconds: 600,
        placed_by: None,
        lines: vec![AskLine { sku: sku("MUG"), quantity: 1, unit_price: None }],
    });
    let hold = at(&mut world, behind, None, hold);
    assert!(matches!(world.engine().run_blocking(hold).unwrap().outcome, Ok(Answer::Held(_))));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(world.engine().run_due(behind)).unwrap(), 0);
    assert_eq!(runtime.block_on(other.run_due(ahead)).unwrap(), 1);
    assert_eq!(runtime.block_on(world.engine().run_due(ahead)).unwrap(), 0);
    let order = at(&mut world, behind, None, order(1));
    assert!(world.engine().run_blocking(order).unwrap().outcome.is_ok(), "its units are free");
    world.verify();
}
