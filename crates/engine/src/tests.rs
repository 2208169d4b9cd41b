//! Consequences step by step, each in a transaction of its own, over kills between any two.

mod queue;
mod receipts;

use std::sync::Arc;

use ledger::{Store, Tenant, Work, sqlite::SqliteStore, verify::verify};
use model::{
    command::{Adjust, CancelOrder, Command, PutItem, PutLocation, PutPolicy},
    event::AdjustReason,
    id::{Channel, LocationId, OrderId, TenantId},
    item::{Component, Item, Policy},
    location::LocationSettings,
    order::Order,
    time::Timestamp,
};
use testkit::{
    ask::{Ask, ask, instant, sku},
    core::{CoreShop, item, policy, supply},
};

use crate::{
    Answer, Detail, Request, Snapshots, Stamps,
    after::{LINES_A_STEP, go_on},
    desk::Desk,
    execute::execute,
    working::{TenantState, Working},
};

/// A writer without its threads: whoever holds it says when a step is done, and when the process dies.
struct House {
    dir: tempfile::TempDir,
    store: Arc<dyn Store>,
    desk: Desk,
    state: TenantState,
    tenant: TenantId,
    stamps: Stamps,
    now: Timestamp,
}

impl House {
    /// A shop with one location that works every day and needs no time for anything, on Monday, 3 August 2026.
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(dir.path()).unwrap());
        let (tenant, now) = (TenantId::new("acme").unwrap(), instant("2026-08-03T09:00:00Z"));
        let mut writer = store.writer().unwrap();
        writer.create_tenant(&Tenant { id: tenant.clone(), created_at: now, salt: [7; 32] }).unwrap();
        writer.commit().unwrap();
        let state = TenantState::load(&mut *writer, &tenant).unwrap();
        let mut house =
            Self { dir, store, desk: Desk::new(writer).0, state, tenant, stamps: Stamps::new([1; 32]), now };
        let calendar = model::calendar::Calendar::every_day();
        house.location(CoreShop::MAIN, LocationSettings { calendar, ..LocationSettings::default() });
        house
    }

    fn working(&mut self) -> Working<'_> {
        Working { desk: &mut self.desk, tenant: &self.tenant, state: &mut self.state }
    }

    fn decide(&mut self, command: Command) -> Answer {
        let (tenant, now, id) = (self.tenant.clone(), self.now, self.stamps.next(self.now));
        let request = Request { tenant, now, id, command, key: None, detail: Detail::Full };
        execute(&mut self.working(), &request).unwrap().outcome.unwrap()
    }

    fn commit(&mut self) {
        self.working().flush().unwrap();
        self.desk.home().unwrap().commit().unwrap();
        self.desk.ended();
        self.state.committed(&self.tenant, &Snapshots::new(Arc::clone(&self.store)));
    }

    /// Runs a command, without any work that it leaves behind.
    fn run(&mut self, command: Command) -> Answer {
        let answer = self.decide(command);
        self.commit();
        answer
    }

    /// Places orders in one transaction.
    fn orders(&mut self, count: usize, ask: &Ask) -> Vec<OrderId> {
        let place = |_| match self.decide(Command::PlaceOrder(Box::new(ask.clone().order()))) {
            Answer::Placed(order) => order.id,
            other => panic!("{other:?}"),
        };
        let orders = (0..count).map(place).collect();
        self.commit();
        orders
    }

    fn work(&self) -> Vec<Work> {
        let work = self.store.reader().unwrap().work(100).unwrap();
        work.into_iter().map(|(_, work)| work).collect()
    }

    /// Goes on with the oldest work left behind; false where there is none.
    fn step(&mut self) -> bool {
        let work = self.work();
        let Some(work) = work.first() else { return false };
        go_on(&mut self.working(), work, LINES_A_STEP).unwrap();
        self.commit();
        true
    }

    /// The process dies in the middle of a step and another one starts.
    fn kill(&mut self) {
        if let Some(work) = self.work().first() {
            go_on(&mut self.working(), work, LINES_A_STEP).unwrap();
            self.working().flush().unwrap();
        }
        self.desk = Desk::new(self.store.writer().unwrap()).0;
        self.state = TenantState::load(self.desk.store().unwrap(), &self.tenant).unwrap();
    }

    fn location(&mut self, name: &str, settings: LocationSettings) {
        let location = LocationId::stored(name);
        self.run(Command::PutLocation(PutLocation { location, settings, if_match: None }));
    }

    fn sells(&mut self, code: &str) {
        self.run(Command::PutItem(PutItem { item: item(code), if_match: None }));
        self.policy(code, Channel::DEFAULT, policy());
    }

    fn policy(&mut self, code: &str, channel: &str, policy: Policy) {
        let channel = Channel::stored(channel);
        self.run(Command::PutPolicy(PutPolicy { sku: sku(code), channel, policy, if_match: None }));
    }

    fn due(&mut self, code: &str, quantity: i64, on: &str) {
        self.run(Command::AddSupply(supply(code, quantity, on)));
    }

    fn stock(&mut self, code: &str, delta: i64) {
        let location = LocationId::stored(CoreShop::MAIN);
        self.run(Command::Adjust(Adjust {
            sku: sku(code),
            location,
            delta,
            reason: AdjustReason::Count,
            line: None,
            quarantine: false,
            note: None,
        }));
    }

    fn cancel(&mut self, order: OrderId) {
        self.run(cancel(order));
    }

    fn order(&self, id: OrderId) -> Order {
        self.store.reader().unwrap().orders(&self.tenant, &[id]).unwrap().remove(0)
    }

    /// The promised ship dates of an order's first line, oldest promise first.
    fn promised(&self, id: OrderId) -> Vec<String> {
        let promises = &self.order(id).lines[0].promises;
        promises
            .iter()
            .map(|said| said.ship_by.promised.map_or("?".to_owned(), |date| date.to_string()))
            .collect()
    }

    fn is_settling(&mut self, code: &str) -> bool {
        let pools = self.store.reader().unwrap().pools(&self.tenant, &[sku(code)]).unwrap();
        pools[0].settling
    }

    /// Nothing kept is at odds with anything else.
    fn verify(&self) {
        let report = verify(&*self.store, &self.tenant, self.dir.path(), &mut |_| {}).unwrap();
        assert_eq!(report.violations, []);
    }
}

/// Mugs for dealers, who leave a buffer of four, and for anybody else; so many dealers wait, and then three others.
fn dealers_before_others(dealers: usize) -> (House, Vec<OrderId>) {
    let mut house = House::open();
    house.sells("MUG");
    house.policy("MUG", "dealers", Policy { buffer: 4, ..policy() });
    house.due("MUG", 9_000, "2026-09-02");
    house.orders(dealers, &ask("MUG", 1).on("dealers"));
    let others = house.orders(3, &ask("MUG", 1));
    (house, others)
}

fn cancel(order: OrderId) -> Command {
    Command::CancelOrder(CancelOrder::whole(order, true))
}

#[test]
fn a_search_behind_lines_that_gain_nothing_goes_on_where_it_stood_when_killed() {
    let (mut house, others) = dealers_before_others(1_100);
    house.stock("MUG", 2);
    for searched in [500, 1_000] {
        assert_eq!(house.work().len(), 1, "{searched} lines were looked at");
        assert!(others.iter().all(|order| house.promised(*order) == ["2026-09-02"]));
        assert!(!house.is_settling("MUG"), "nobody is known to gain");
        house.kill();
        assert!(house.step());
    }
    assert!(!house.step(), "three steps are all it takes");
    let dates: Vec<_> = others.iter().map(|order| house.promised(*order)).collect();
    assert_eq!(
        dates,
        [["2026-09-02", "2026-08-03"].as_slice(), &["2026-09-02", "2026-08-03"], &["2026-09-02"]]
    );
    house.verify();
}

#[test]
fn a_search_that_finds_nobody_ends() {
    let (mut house, others) = dealers_before_others(1_300);
    for order in others {
        house.cancel(order);
    }
    // Somebody who may gain as far as a claim tells, and wants the unit on another day.
    house.orders(1, &ask("MUG", 1).by("2026-12-01"));
    house.stock("MUG", 2);
    assert!((0..4).filter(|_| house.step()).count() < 4);
    assert_eq!(house.work(), []);
    assert!(!house.is_settling("MUG"));
}

#[test]
fn one_search_goes_on_in_a_pool_however_many_changes_ask_for_it() {
    let (mut house, others) = dealers_before_others(1_100);
    for _ in 0..3 {
        house.stock("MUG", 1);
    }
    assert_eq!(house.work().len(), 1);
    house.step();
    // Another process left this one behind; then the pool is searched anew.
    let left = house.work();
    house.kill();
    house.cancel(others[2]);
    house.stock("MUG", -1);
    assert_eq!(house.work().len(), 2);
    house.step();
    assert_eq!(house.work().len(), 1, "the older one has nothing left to say");
    assert_ne!(house.work()[0].id, left[0].id);
    while house.step() {}
    assert!(others[..2].iter().all(|order| house.promised(*order).len() == 2));
    house.verify();
}

#[test]
fn many_that_move_up_settle_in_steps_oldest_first() {
    let mut house = House::open();
    house.sells("MUG");
    house.due("MUG", 9_000, "2026-09-02");
    let orders = house.orders(1_300, &ask("MUG", 1));
    house.stock("MUG", 1_200);
    let early = |house: &House| orders.iter().take_while(|order| house.promised(**order).len() == 2).count();
    for moved in [500, 1_000] {
        assert_eq!((early(&house), house.is_settling("MUG")), (moved, true));
        house.kill();
        assert!(house.step());
    }
    assert_eq!((early(&house), house.is_settling("MUG")), (1_200, false));
    assert!(!house.step());
    house.verify();
}

#[test]
fn a_unit_that_comes_free_costs_the_same_however_long_the_queue() {
    let mut house = House::open();
    house.sells("MUG");
    house.due("MUG", 40, "2026-08-12");
    house.due("MUG", 9_000, "2026-09-02");
    let orders = house.orders(900, &ask("MUG", 1));
    house.state.shop.orders.clear();
    house.decide(cancel(orders[0]));
    let looked_at = house.state.shop.orders.len();
    assert!(looked_at <= 17, "{looked_at} orders were read");
    house.commit();
    assert_eq!(house.promised(orders[40]), ["2026-09-02", "2026-08-12"]);
    assert_eq!(house.work(), []);
    // The same with free units that nobody behind gains by: they come on the same day.
    house.due("MUG", 5, "2026-09-02");
    house.state.shop.orders.clear();
    house.decide(Command::AddSupply(supply("MUG", 5, "2026-09-02")));
    assert_eq!(house.state.shop.orders.len(), 0);
}

/// The same as the main location of [`House::open`] with so many days of handling.
fn slower(handling_days: u16) -> LocationSettings {
    LocationSettings {
        calendar: model::calendar::Calendar::every_day(),
        handling_days,
        ..LocationSettings::default()
    }
}

#[test]
fn a_changed_location_reaches_its_pools_in_steps_over_kills() {
    let mut house = House::open();
    house.location("east", slower(0));
    let mut orders = Vec::new();
    for code in ["A", "B", "C", "D"] {
        house.sells(code);
        house.due(code, 9_000, "2026-08-12");
        orders.push(house.orders(400, &ask(code, 1)));
    }
    house.sells("E");
    let mut elsewhere = supply("E", 9_000, "2026-08-12");
    elsewhere.location = LocationId::stored("east");
    house.run(Command::AddSupply(elsewhere));
    let east = house.orders(1, &ask("E", 1));
    house.location(CoreShop::MAIN, slower(2));
    let anew = |house: &House| -> Vec<usize> {
        let of_pool =
            |orders: &Vec<OrderId>| orders.iter().filter(|order| house.promised(**order).len() == 2).count();
        orders.iter().map(of_pool).collect()
    };
    assert_eq!(anew(&house), [400, 400, 0, 0], "some at once, the rest in steps");
    house.kill();
    assert!(house.step());
    assert_eq!(anew(&house), [400, 400, 400, 400]);
    house.kill();
    while house.step() {}
    assert_eq!(anew(&house), [400, 400, 400, 400], "each once");
    let last = house.order(orders[3][399]).lines[0].promises.last().unwrap().clone();
    assert_eq!((&*last.cause.kind, last.told_at), ("location_set", None));
    assert_eq!(last.ship_by.promised.unwrap().to_string(), "2026-08-14");
    assert_eq!(house.promised(east[0]).len(), 1);
    house.verify();
}

#[test]
fn a_changed_location_goes_on_within_a_pool_supply_by_supply() {
    let mut house = House::open();
    house.sells("A");
    let dates = ["2026-08-12", "2026-08-13", "2026-08-14"];
    let mut orders = Vec::new();
    for on in dates {
        house.due("A", 700, on);
        orders.extend(house.orders(700, &ask("A", 1)));
    }
    house.location(CoreShop::MAIN, slower(1));
    let anew = |house: &House| orders.iter().filter(|order| house.promised(**order).len() == 2).count();
    assert_eq!(anew(&house), 500);
    let mut steps = 0;
    while !house.work().is_empty() {
        house.kill();
        house.step();
        steps += 1;
        assert!(anew(&house) <= 500 * (steps + 1), "a step is bounded");
    }
    assert_eq!((anew(&house), house.promised(orders[2_099]).len()), (2_100, 2));
    assert_eq!(house.promised(orders[0]), ["2026-08-12", "2026-08-13"]);
    house.verify();
}

#[test]
fn a_kits_release_reaches_the_pools_of_all_it_was_ever_made_of_in_steps() {
    let mut house = House::open();
    // Many pools stand between that have nothing to do with it.
    for n in 0..120 {
        let item = item(&format!("PART-{n:03}"));
        house.decide(Command::PutItem(PutItem { item, if_match: None }));
    }
    house.commit();
    for code in ["BOX", "WICK", "ZEST"] {
        house.sells(code);
        house.due(code, 9_000, "2026-08-12");
    }
    let kit = |code: &str| {
        let components = vec![Component { sku: sku(code), quantity: 1 }];
        Command::PutItem(PutItem { item: Item { components, ..item("CANDLE") }, if_match: None })
    };
    house.run(kit("BOX"));
    let mut orders = house.orders(600, &ask("CANDLE", 1));
    house.run(kit("ZEST"));
    orders.extend(house.orders(10, &ask("CANDLE", 1)));
    let alone = house.orders(1, &ask("ZEST", 1));
    house.run(kit("WICK"));
    let release_date = Some(testkit::ask::date("2026-10-01"));
    house.policy("CANDLE", "default", Policy { release_date, ..policy() });
    while !house.work().is_empty() {
        house.kill();
        house.step();
    }
    for order in orders {
        assert_eq!(house.promised(order), ["2026-08-12", "2026-10-01"]);
    }
    assert_eq!(house.promised(alone[0]), ["2026-08-12"]);
    house.verify();
}

#[test]
fn a_policy_that_lets_units_go_settles_its_pool() {
    let mut house = House::open();
    house.sells("MUG");
    house.policy("MUG", "dealers", Policy { buffer: 4, ..policy() });
    house.due("MUG", 9_000, "2026-09-02");
    let dealers = house.orders(700, &ask("MUG", 1).on("dealers"));
    let others = house.orders(3, &ask("MUG", 1));
    house.stock("MUG", 4);
    while house.step() {}
    assert_eq!(house.promised(others[2]).len(), 2, "the others have three of the four");
    house.policy("MUG", "dealers", policy());
    let first = dealers[0];
    assert_eq!(house.promised(first), ["2026-09-02", "2026-08-03"]);
    assert_eq!(&*house.order(first).lines[0].promises[1].cause.kind, "policy_set");
    house.policy(
        "MUG",
        "dealers",
        Policy { release_date: Some(testkit::ask::date("2026-09-10")), ..policy() },
    );
    while house.step() {}
    assert_eq!(house.promised(first).last().unwrap(), "2026-09-10");
    assert_eq!(house.promised(others[0]).len(), 2, "sold on other terms");
    house.verify();
}
