//! Lanes: several writers in one process, each for tenants of its own.

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
use ledger::{Store, postgres::PostgresStore};
use model::{
    command::{Adjust, AskLine, Command, PlaceHold},
    event::AdjustReason,
    id::{Channel, LocationId, OrderId, TenantId},
    item::{Cap, Policy, WhenOut},
};
use testkit::{
    ask::{instant, sku},
    core::CoreShop,
    postgres::{Cluster, Stop},
};

use crate::{
    nodes::wait_for_a_lock,
    together::{accepted, order, send, stock},
    world::World,
};

const LANES: usize = 3;

/// Six shops: two for each of three lanes.
fn tenants() -> Vec<TenantId> {
    let store: Arc<dyn Store> = Arc::new(ledger::memory::MemoryStore::new([0; 32]));
    let engine = Engine::start_in(store, LANES).unwrap();
    let mut taken = [0; LANES];
    let names = (0..).map(|n| TenantId::new(&format!("shop-{n}")).unwrap());
    let tenants: Vec<TenantId> = names
        .filter(|tenant| {
            let taken = &mut taken[engine.lane_of(tenant)];
            *taken += 1;
            *taken <= 2
        })
        .take(2 * LANES)
        .collect();
    let lanes: BTreeSet<usize> = tenants.iter().map(|tenant| engine.lane_of(tenant)).collect();
    assert_eq!(lanes.len(), LANES);
    tenants
}

/// Six shops with so many mugs each, and their engine.
fn street(cluster: &Cluster, units: i64) -> (World, String, Vec<TenantId>) {
    let tenants = tenants();
    let (mut world, url) = World::in_lanes(cluster, LANES, &tenants);
    for tenant in &tenants {
        world.tenant = tenant.clone();
        stock(&world, units);
    }
    (world, url, tenants)
}

fn node(url: &str, lanes: usize) -> Engine {
    Engine::start_in(Arc::new(PostgresStore::open(url).unwrap()), lanes).unwrap()
}

fn each(world: &mut World, tenants: &[TenantId], mut look: impl FnMut(&World)) {
    for tenant in tenants {
        world.tenant = tenant.clone();
        look(world);
    }
}

fn wait<T>(call: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(call)
}

fn events(world: &World, kind: &str) -> usize {
    let events = world.store.reader().unwrap().events(&world.tenant, 0, 1_000_000).unwrap();
    events.iter().filter(|event| &*event.kind == kind).count()
}

/// Nodes with another number of lanes give a tenant to another of them, and meet at its head as nodes do.
#[test]
fn shops_pressed_in_all_lanes_of_two_nodes_sell_no_unit_twice() {
    let (mut world, url, tenants) = street(Cluster::shared(), 90);
    let other = node(&url, 2);
    let mut answers: Vec<Vec<_>> = tenants.iter().map(|_| Vec::new()).collect();
    for round in 0..60 {
        for (tenant, answers) in tenants.iter().zip(&mut answers) {
            world.tenant = tenant.clone();
            let engine = if round % 3 == 0 { &other } else { world.engine() };
            answers.push(send(engine, &world, Some(&format!("first {round}")), order(1)));
            answers.push(send(world.engine(), &world, Some(&format!("second {round}")), order(1)));
        }
    }
    for answers in answers {
        assert_eq!(answers.len(), 120);
        assert_eq!(accepted(answers), 90);
    }
    let stats: Vec<u64> = world.engine().stats().lanes().map(engine::LaneStats::commands).collect();
    assert!(stats.iter().all(|commands| *commands >= 160), "each lane had two shops' orders: {stats:?}");
    assert_eq!(stats.iter().sum::<u64>(), world.engine().stats().commands());
    each(&mut world, &tenants, World::verify);
}

/// Somebody else holds one tenant's head: its own lane waits, and nobody else's does, nor their timers.
#[test]
fn a_tenant_that_is_held_up_holds_up_no_other_lane() {
    let (mut world, url, tenants) = street(Cluster::shared(), 10);
    let lane = |world: &World, tenant: &TenantId| world.engine().lane_of(tenant);
    let held = tenants[0].clone();
    let free: Vec<TenantId> =
        tenants.iter().filter(|tenant| lane(&world, tenant) != lane(&world, &held)).cloned().collect();
    each(&mut world, &free, |world| drop(world.must(hold())));
    let mut outsider = PostgresStore::open(&url).unwrap().writer().unwrap();
    outsider.elsewhere(&held).unwrap();
    world.tenant = held.clone();
    let mut waits = send(world.engine(), &world, None, order(1));
    world.now = instant("2026-08-03T10:00:00Z");
    each(&mut world, &free, |world| {
        assert!(matches!(world.must(order(1)), Answer::Placed(_)));
        wait(world.engine().run_due_in(lane(world, &world.tenant), world.now)).unwrap();
        assert_eq!(events(world, "hold_expired"), 1);
    });
    assert!(waits.try_recv().is_err(), "its tenant is still locked");
    outsider.rollback().unwrap();
    assert!(matches!(waits.blocking_recv().unwrap().unwrap().outcome, Ok(Answer::Placed(_))));
    each(&mut world, &tenants, World::verify);
}

fn hold() -> Command {
    Command::PlaceHold(PlaceHold {
        channel: Channel::default(),
        group: None,
        country: None,
        ttl_seconds: 60,
        placed_by: None,
        lines: vec![AskLine { sku: sku("MUG"), quantity: 1, unit_price: None }],
    })
}

#[test]
fn timers_of_all_lanes_are_worked_once_each_by_whichever_node() {
    let (mut world, url, tenants) = street(Cluster::shared(), 40);
    let other = node(&url, 2);
    each(&mut world, &tenants, |world| (0..40).for_each(|_| drop(world.must(hold()))));
    world.now = instant("2026-08-03T10:00:00Z");
    let now = world.now;
    thread::scope(|scope| {
        for engine in [world.engine(), &other] {
            scope.spawn(move || {
                wait(engine.run_due(now)).unwrap();
                wait(engine.drain()).unwrap();
            });
        }
    });
    each(&mut world, &tenants, |world| {
        assert_eq!(events(world, "hold_expired"), 40);
        assert_eq!(accepted((0..50).map(|_| send(&other, world, None, order(1))).collect()), 40);
        world.verify();
    });
    assert_eq!(world.store.reader().unwrap().next_due().unwrap(), None);
}

/// Tenants are locked in the order of their names, whichever has a timer that is due first: whoever has one and waits for the other
/// is not waited for.
#[test]
fn timers_of_two_shops_wait_for_nobody_who_waits_for_them() {
    let cluster = Cluster::shared();
    let (mut world, url, mut tenants) = street(cluster, 10);
    let lane = world.engine().lane_of(&tenants[0]);
    tenants.retain(|tenant| world.engine().lane_of(tenant) == lane);
    tenants.sort_unstable();
    let [first, last] = tenants.as_slice() else { panic!("two of each lane") };
    for (tenant, now) in [(last, "2026-08-03T09:00:00Z"), (first, "2026-08-03T09:00:01Z")] {
        (world.tenant, world.now) = (tenant.clone(), instant(now));
        world.must(hold());
    }
    world.now = instant("2026-08-03T10:00:00Z");
    let (engine, now) = (world.engine(), world.now);
    let mut outsider = PostgresStore::open(&url).unwrap().writer().unwrap();
    outsider.elsewhere(first).unwrap();
    thread::scope(|scope| {
        let due = scope.spawn(|| wait(engine.run_due_in(lane, now)));
        wait_for_a_lock(cluster, &url);
        outsider.elsewhere(last).unwrap();
        outsider.rollback().unwrap();
        assert_eq!(due.join().unwrap().unwrap(), 2);
    });
    assert_eq!(engine.stats().conflicts(), 0);
}

/// More timers than one scan reads, all of one lane's tenant and all earlier than those of the others.
#[test]
fn timers_behind_many_of_another_lane_are_found() {
    let (mut world, _, tenants) = street(Cluster::shared(), 1_000);
    let busy = world.engine().lane_of(&tenants[0]);
    let quiet = tenants.iter().find(|tenant| world.engine().lane_of(tenant) != busy).unwrap().clone();
    world.tenant = tenants[0].clone();
    world.must_all((0..600).map(|_| (None, hold())));
    world.now = instant("2026-08-03T09:00:01Z");
    world.tenant = quiet;
    world.must(hold());
    world.now = instant("2026-08-03T10:00:00Z");
    let lane = world.engine().lane_of(&world.tenant);
    assert_eq!(wait(world.engine().run_due_in(lane, world.now)).unwrap(), 1);
    assert_eq!(events(&world, "hold_expired"), 1);
    assert_eq!(wait(world.engine().run_due(world.now)).unwrap(), 600);
}

#[test]
fn draining_waits_for_the_work_of_every_lane_and_ending_for_every_answer() {
    let (mut world, _, tenants) = street(Cluster::shared(), 0);
    let made = Policy {
        when_out: WhenOut::MadeToOrder,
        lead_time_days: Some(20),
        backorder_cap: Cap::Unlimited,
        ..Policy::default()
    };
    each(&mut world, &tenants, |world| {
        world.policy("MUG", Channel::DEFAULT, made.clone());
        world.must_all((0..700).map(|_| (None, order(1))));
    });
    let receipt = Adjust {
        sku: sku("MUG"),
        location: LocationId::stored(CoreShop::MAIN),
        delta: 650,
        reason: AdjustReason::Count,
        quarantine: false,
        note: None,
        line: None,
    };
    let mut answers = Vec::new();
    each(&mut world, &tenants, |world| {
        answers.push(send(world.engine(), world, None, Command::Adjust(receipt.clone())));
    });
    // Work goes on beside these, in transactions of its own: a lane has two tenants.
    let mut beside = Vec::new();
    for _ in 0..300 {
        each(&mut world, &tenants, |world| beside.push(send(world.engine(), world, None, order(1))));
    }
    wait(world.engine().drain()).unwrap();
    assert_eq!(accepted(beside), 1_800);
    assert!(answers.iter_mut().all(|answer| answer.try_recv().is_ok()), "sent before, so done before");
    assert_eq!(world.store.reader().unwrap().work(10).unwrap(), []);
    each(&mut world, &tenants, |world| {
        let shop = world.engine().snapshots().shop(&world.tenant, &[sku("MUG")]).unwrap();
        let pool = shop.pool(&sku("MUG")).unwrap();
        assert_eq!((pool.free_on_hand(), pool.settling), (0, false));
    });
    let mut last = Vec::new();
    each(&mut world, &tenants, |world| {
        last.extend((0..50).map(|_| send(world.engine(), world, None, order(1))));
    });
    world.stop();
    assert_eq!(accepted(last), 300, "whoever was taken in was answered");
    each(&mut world, &tenants, World::verify);
}

#[test]
fn every_lane_keeps_house_for_its_own_tenants() {
    let (mut world, _, tenants) = street(Cluster::shared(), 10);
    each(&mut world, &tenants, |world| drop(world.run_as("old", order(1))));
    let day = model::time::days_since_epoch(testkit::ask::date("2026-08-03"));
    let is_kept =
        |world: &World| world.store.reader().unwrap().replay(&world.tenant, &[day], "old").unwrap().is_some();
    each(&mut world, &tenants, |world| assert!(is_kept(world)));
    world.now = instant("2026-08-06T09:00:00Z");
    for _ in 0..3 {
        world.run_due();
    }
    each(&mut world, &tenants, |world| assert!(!is_kept(world), "{}", world.tenant.as_str()));
}

/// Places an order as a shop does: with the same key until it is answered.
fn insist(engine: &Engine, request: &dyn Fn() -> Request) -> OrderId {
    loop {
        match engine.run_blocking(request()) {
            Ok(answered) => match answered.outcome.unwrap() {
                Answer::Placed(view) => return view.id,
                other => panic!("{other:?}"),
            },
            Err(Failure::Store(_)) => thread::park_timeout(Duration::from_millis(5)),
            Err(failure) => panic!("{failure}"),
        }
    }
}

#[test]
fn postgres_ends_under_load_of_all_lanes_and_no_order_is_lost_or_placed_twice() {
    const ORDERS: usize = 40;
    let cluster = Cluster::start(true);
    let (mut world, _, tenants) = street(&cluster, 1_000_000);
    let answered = Mutex::new(vec![BTreeSet::new(); tenants.len()]);
    for (round, how) in [Stop::Fast, Stop::Immediate, Stop::Kill].into_iter().enumerate() {
        let begun = AtomicUsize::new(0);
        thread::scope(|scope| {
            for (at, tenant) in tenants.iter().enumerate() {
                let (world, begun, answered) = (&world, &begun, &answered);
                scope.spawn(move || {
                    for n in 0..ORDERS {
                        begun.fetch_add(1, Ordering::Relaxed);
                        let key = Key { key: format!("{round} {n}").into(), request: [9; 32] };
                        let request = || Request {
                            tenant: tenant.clone(),
                            key: Some(key.clone()),
                            ..world.request(order(1))
                        };
                        let id = insist(world.engine(), &request);
                        answered.lock().unwrap()[at].insert(id);
                    }
                });
            }
            while begun.load(Ordering::Relaxed) < tenants.len() * ORDERS / 4 {
                thread::park_timeout(Duration::from_micros(200));
            }
            cluster.stop(how);
            cluster.run();
        });
    }
    // Looking after timers finds out, lane by lane, that things are kept again.
    world.run_due();
    assert!(!world.engine().stats().is_failing());
    let answered = answered.into_inner().unwrap();
    for (tenant, answered) in tenants.iter().zip(answered) {
        world.tenant = tenant.clone();
        assert_eq!(answered.len(), 3 * ORDERS, "no two requests share an order");
        let ids = world.store.reader().unwrap().order_page(tenant, &Default::default(), None, 1_000_000);
        assert_eq!(ids.unwrap().into_iter().collect::<BTreeSet<_>>(), answered);
        world.verify();
    }
}
