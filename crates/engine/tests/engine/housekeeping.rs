//! Answers that nobody asks for again are forgotten.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use ledger::{
    StoreError,
    memory::{MemoryStore, Moment},
};
use model::{
    command::{Command, PutItem, PutLocation},
    id::{LocationId, TenantId},
    location::LocationSettings,
    time::days_since_epoch,
};
use testkit::{
    ask::{ask, date, instant},
    core::{item, policy},
};

use crate::world::World;

impl World {
    /// Whether an answer is still kept for a key that was used on a day.
    fn keeps(&self, tenant: &str, day: &str, key: &str) -> bool {
        let tenant = TenantId::new(tenant).unwrap();
        let day = days_since_epoch(date(day));
        self.store.reader().unwrap().replay(&tenant, &[day], key).unwrap().is_some()
    }

    /// How many answers are kept to the keys of the first day.
    fn kept_of_the_first_day(&self) -> usize {
        let mut reader = self.store.reader().unwrap();
        let day = days_since_epoch(date("2026-08-03"));
        let mut is_kept =
            |n: &i32| reader.replay(&self.tenant, &[day], &format!("first-{n}")).unwrap().is_some();
        (0..1_200).filter(|n| is_kept(n)).count()
    }
}

fn order() -> Command {
    Command::PlaceOrder(Box::new(ask("MUG", 1).already_owed().order()))
}

#[test]
fn answers_older_than_two_days_are_forgotten_once_a_day_little_by_little() {
    let mut world = World::open();
    world.add_tenant("zeta");
    world.sells_as("MUG", policy());
    world.must_all((0..1_200).map(|n| (Some(format!("first-{n}")), order())));
    for day in ["2026-08-04", "2026-08-05", "2026-08-06"] {
        world.now = instant(&format!("{day}T09:00:00Z"));
        world.run_as(day, order());
    }
    assert_eq!(world.kept_of_the_first_day(), 1_200);
    world.run_due();
    assert_eq!(world.kept_of_the_first_day(), 700, "a step is small");
    assert!(!world.keeps("acme", "2026-08-03", "first-0") && world.keeps("acme", "2026-08-03", "first-1199"));
    world.run_due();
    world.run_due();
    assert_eq!(world.kept_of_the_first_day(), 0);
    assert!(world.keeps("acme", "2026-08-04", "2026-08-04"), "two days old");
    let again = world.run_as("2026-08-06", order());
    assert!(again.replayed, "what may be asked for again is kept");

    // Old, and come too late for today's round: it waits for tomorrow's.
    world.tenant = TenantId::new("zeta").unwrap();
    world.now = instant("2026-08-01T09:00:00Z");
    world.location("main", LocationSettings::default());
    world.sells_as("MUG", policy());
    world.run_as("late", order());
    world.now = instant("2026-08-06T23:59:59Z");
    world.run_due();
    assert!(world.keeps("zeta", "2026-08-01", "late"));
    world.now = instant("2026-08-07T00:00:00Z");
    world.run_due();
    assert!(!world.keeps("zeta", "2026-08-01", "late"));
    assert!(!world.keeps("acme", "2026-08-04", "2026-08-04"), "three days old");
    assert!(world.keeps("acme", "2026-08-05", "2026-08-05"));
}

/// A transaction in which a day began and that was not kept: the day begins again with the next one.
#[test]
fn a_day_begins_again_where_what_was_done_of_it_is_not_kept() {
    const WORKS: u8 = 0;
    const CONFLICTS: u8 = 1;
    const BREAKS: u8 = 2;
    let next = Arc::<AtomicU8>::default();
    let told = Arc::clone(&next);
    let store = MemoryStore::failing([1; 32], move |moment| match moment {
        Moment::Commit => match told.swap(WORKS, Ordering::SeqCst) {
            CONFLICTS => Err(StoreError::Conflict),
            BREAKS => Err(StoreError::driver("tried a disk", "it is full")),
            _ => Ok(()),
        },
        _ => Ok(()),
    });
    let mut world = World::opened_on(Arc::new(store));
    world.sells_as("MUG", policy());
    for day in ["2026-08-03", "2026-08-04"] {
        world.now = instant(&format!("{day}T09:00:00Z"));
        world.run_as(day, order());
    }
    world.now = instant("2026-08-06T09:00:00Z");
    next.store(CONFLICTS, Ordering::SeqCst);
    world.run_due();
    assert!(!world.keeps("acme", "2026-08-03", "2026-08-03"));
    world.now = instant("2026-08-07T09:00:00Z");
    next.store(BREAKS, Ordering::SeqCst);
    assert!(world.try_due().is_err());
    assert!(world.keeps("acme", "2026-08-04", "2026-08-04"));
    world.run_due();
    assert!(!world.keeps("acme", "2026-08-04", "2026-08-04"));
}

#[test]
fn every_tenants_answers_are_forgotten() {
    let mut world = World::open();
    let tenants: Vec<String> = (0..60).map(|n| format!("shop-{n:03}")).collect();
    world.sells_as("MUG", policy());
    world.run_as("own", order());
    let owner = world.tenant.clone();
    for name in &tenants {
        world.add_tenant(name);
        world.tenant = TenantId::new(name).unwrap();
        let settings = LocationSettings::default();
        let location = PutLocation { location: LocationId::stored("main"), settings, if_match: None };
        let setup =
            [Command::PutLocation(location), Command::PutItem(PutItem { item: item("MUG"), if_match: None })];
        let setup = setup.into_iter().map(|command| (None, command));
        world.must_all(setup.chain([(Some("own".to_owned()), order())]));
    }
    world.tenant = owner;
    world.now = instant("2026-08-06T09:00:00Z");
    let kept = |world: &World| {
        let names = tenants.iter().map(String::as_str).chain(["acme"]);
        names.filter(|name| world.keeps(name, "2026-08-03", "own")).count()
    };
    assert_eq!(kept(&world), 61);
    world.run_due();
    assert!((1..61).contains(&kept(&world)), "looking at a tenant costs something too");
    world.run_due();
    assert_eq!(kept(&world), 0);
    world.verify();
}
