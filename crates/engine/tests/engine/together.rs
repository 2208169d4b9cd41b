//! Many commands at once: batches, the keeper beside the writer, and other processes on the same store.

use std::sync::Arc;

use engine::{Answer, Answered, Engine, Failure, Key, Request};
use ledger::sqlite::SqliteStore;
use model::{
    command::{Adjust, AskLine, Command, PlaceOrder},
    event::AdjustReason,
    id::LocationId,
    item::{Cap, Policy, WhenOut},
    refusal::{RefusalCode, Rejection},
};
use testkit::{ask::sku, core::CoreShop};
use tokio::sync::oneshot;

use crate::world::World;

pub(crate) fn order(units: i64) -> Command {
    let lines = vec![AskLine { sku: sku("MUG"), quantity: units, unit_price: None }];
    Command::PlaceOrder(Box::new(PlaceOrder { lines, ..PlaceOrder::default() }))
}

fn stocked(units: i64) -> World {
    let world = World::open();
    stock(&world, units);
    world
}

/// Sells mugs, of which so many are here, and no more.
pub(crate) fn stock(world: &World, units: i64) {
    world.sells_as(
        "MUG",
        Policy { when_out: WhenOut::Backorder, backorder_cap: Cap::Unlimited, ..Policy::default() },
    );
    world.must(Command::Adjust(Adjust {
        sku: sku("MUG"),
        location: LocationId::stored(CoreShop::MAIN),
        delta: units,
        reason: AdjustReason::OpeningStock,
        quarantine: false,
        note: None,
        line: None,
    }));
}

pub(crate) type Answering = oneshot::Receiver<Result<Answered, Failure>>;

pub(crate) fn send(engine: &Engine, world: &World, key: Option<&str>, command: Command) -> Answering {
    let key = key.map(|key| Key { key: key.into(), request: [9; 32] });
    engine.send(Request { key, ..world.request(command) }).unwrap()
}

pub(crate) fn accepted(answers: Vec<Answering>) -> usize {
    let outcomes = answers.into_iter().map(|answer| answer.blocking_recv().unwrap().unwrap().outcome);
    let is_sold_out = |rejection: &Rejection| matches!(rejection, Rejection::Refused(refusal) if refusal.code == RefusalCode::NotAvailable);
    outcomes
        .filter(|outcome| match outcome {
            Ok(Answer::Placed(_)) => true,
            Err(rejection) if is_sold_out(rejection) => false,
            other => panic!("{other:?}"),
        })
        .count()
}

/// Each engine decides ahead of what it has kept, and each is told now and then that the other was first.
#[test]
fn two_processes_on_one_store_sell_no_unit_twice() {
    let world = stocked(600);
    let other = Engine::start(Arc::new(SqliteStore::open(world.dir()).unwrap())).unwrap();
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

#[test]
fn a_key_sent_many_times_at_once_orders_once_whatever_batch_it_falls_in() {
    let world = stocked(1_000);
    let mut answers = Vec::new();
    for n in 0..2_000 {
        // Each key twice in a row, and again much later.
        let key = format!("key {}", (n / 2) % 300);
        answers.push(send(world.engine(), &world, Some(&key), order(1)));
    }
    let answered: Vec<Answered> =
        answers.into_iter().map(|answer| answer.blocking_recv().unwrap().unwrap()).collect();
    let first = answered.iter().filter(|answered| !answered.replayed).count();
    assert_eq!(first, 300);
    for (n, again) in answered.iter().enumerate() {
        let original = &answered[(n / 2) % 300 * 2];
        assert_eq!(again.outcome, original.outcome, "the answer is the same each time");
    }
    world.verify();
}

#[test]
fn a_tenant_that_does_not_exist_spoils_nothing_for_others() {
    let world = stocked(50);
    let mut answers = Vec::new();
    let mut nobody = Vec::new();
    for n in 0..100 {
        if n % 10 == 3 {
            let tenant = model::id::TenantId::new("nobody").unwrap();
            nobody.push(world.engine().send(Request { tenant, ..world.request(order(1)) }).unwrap());
        }
        answers.push(send(world.engine(), &world, None, order(1)));
    }
    assert_eq!(accepted(answers), 50);
    assert!(
        nobody.into_iter().all(|answer| matches!(answer.blocking_recv().unwrap(), Err(Failure::NoTenant)))
    );
    world.verify();
}

/// A reader that looks after its answer sees what it was answered.
#[test]
fn what_was_answered_is_what_readers_see() {
    let world = stocked(500);
    for _ in 0..40 {
        let before = world.store.reader().unwrap().last_event(&world.tenant).unwrap();
        let answers: Vec<Answering> = (0..5).map(|_| send(world.engine(), &world, None, order(1))).collect();
        for answer in answers {
            let Ok(Answer::Placed(view)) = answer.blocking_recv().unwrap().unwrap().outcome else { panic!() };
            let mut reader = world.store.reader().unwrap();
            assert_eq!(reader.orders(&world.tenant, &[view.id]).unwrap().len(), 1);
            assert!(reader.last_event(&world.tenant).unwrap() > before);
        }
    }
    let shop = world.engine().snapshots().shop(&world.tenant, &[sku("MUG")]).unwrap();
    assert_eq!(shop.pool(&sku("MUG")).unwrap().free_on_hand(), 300);
}
