//! What is written is what is read.

use ledger::{Changes, Kept, OrderFilter};
use model::{
    id::{CustomerKey, LineId, OrderId, SupplyId},
    item::Policy,
    supply::{SupplyKind, SupplyState},
};

use super::Make;
use crate::{
    Engine,
    world::{Ask, World, ask, date, sku},
};

/// A shop in which everything happened once.
pub(crate) fn eventful(engine: &dyn Engine, name: &str) -> World {
    let store = engine.open();
    let mut world = World::create(name, &*store);
    world.location("main");
    world.location("second");
    for code in ["A", "B", "C"] {
        world.item(code);
    }
    world.kit("K", &[("A", 1), ("B", 2)]);
    world.policy("A", "default", Policy { buffer: 2, ..Policy::default() });
    world.policy("A", "web", Policy { lead_time_days: Some(9), ..Policy::default() });
    let (a, b, c) = (world.stock("A", 50), world.stock("B", 50), world.inbound("C", 40));
    world.commit(&*store);
    let first = world.place(&[ask("A", 3, a), ask("C", 5, c)]);
    world.fence("A", a, "fba", 20);
    world.fence("A", a, "web", 6);
    world.fence("C", c, "default", 9);
    let kit = Ask { sku: "K", quantity: 2, from: vec![(a, 2), (b, 4)] };
    let second = world.place(&[kit, ask("A", 1, a)]);
    let dated = world.wanted(&[ask("C", 7, c)], "2026-12-24");
    let cart = world.hold(&[ask("A", 4, a)]);
    world.hold(&[ask("C", 1, c)]);
    world.commit(&*store);
    let later = world.inbound("C", 30);
    world.moved("C", vec![model::event::Move { line: line(dated, 1), from: c, to: later, quantity: 4 }]);
    world.change("C", c, 35, date("2026-12-09"));
    world.promise(dated, &[1], "2026-12-30", "supply_changed");
    world.commit(&*store);
    world.cancel(line(first, 1), 2, &[(a, 2)]);
    world.ship(line(second, 1), 1, &[(a, 1), (b, 2)]);
    world.receive("C", c, 35);
    world.expire(cart);
    let gone = world.inbound("B", 5);
    world.call_off("B", gone);
    world.ship(line(first, 2), 4, &[(c, 4)]);
    let taken = world.release(line(second, 1), &[(a, 1), (b, 2)]);
    world.take_back(taken, line(second, 1), &[(a, 1), (b, 2)]);
    world.release(line(second, 1), &[(a, 1), (b, 2)]);
    world.release(line(first, 1), &[(a, 1)]);
    world.release(line(first, 2), &[(c, 1)]);
    let more = world.release(line(dated, 1), &[(c, 1)]);
    world.release(line(dated, 1), &[(c, 2)]);
    world.commit(&*store);
    world.ship(line(dated, 1), 2, &[(c, 2)]);
    assert!(world.shop.orders[&dated].lines[0].released.iter().all(|units| units.release != more));
    world.sent_back(line(first, 2), c, 2);
    world.made_to_order("B", 3);
    world.commit(&*store);
    let parts = world.inbound("C", 20);
    let (early, late) = (world.place(&[ask("C", 6, parts)]), world.place(&[ask("C", 9, parts)]));
    world.commit(&*store);
    let served = [(line(early, 1), 6), (line(late, 1), 2)];
    let (lot, kept) = world.receive_part("C", parts, (8, 3), &served);
    world.inspect("C", kept, 1, 1);
    world.ship(line(late, 1), 2, &[(lot, 2)]);
    let (_, kept) = world.receive_part("C", parts, (1, 1), &[(line(late, 1), 1)]);
    world.inspect("C", kept, 0, 1);
    world.receive("C", parts, 7);
    world.note("thing", "1", first);
    world.note("thing", "2", late);
    world.fence("A", a, "web", 0);
    world.commit(&*store);
    assert_eq!(world.shop.pool(&crate::world::sku("A")).unwrap().supply(a).unwrap().ring_fenced.len(), 1);
    world
}

fn line(order: OrderId, no: u16) -> LineId {
    LineId { order, no }
}

pub(crate) fn every_row_reads_back_as_written(make: &Make<'_>) {
    let engine = make();
    let world = eventful(&*engine, "acme");
    let store = engine.open();
    let mut reader = store.reader().unwrap();
    world.check(&mut *reader);
    let order = *world.shop.orders.keys().next().unwrap();
    let contact = reader.contact(&world.tenant, order).unwrap().unwrap();
    assert_eq!(contact.email.unwrap(), format!("{}@example.com", order.0.simple()).into());
    assert_eq!(contact.locale.unwrap(), "en-US".into());
    assert_eq!(reader.contact(&world.tenant, OrderId(uuid::Uuid::nil())).unwrap(), None);
}

pub(crate) fn closed_supplies_are_listed_only_when_asked_for(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut world = World::create("acme", &*store);
    world.item("A");
    world.item("B");
    let ids: Vec<SupplyId> =
        (0..6).map(|n| world.inbound(if n % 3 == 0 { "B" } else { "A" }, 10 + n)).collect();
    world.commit(&*store);
    world.call_off("A", ids[1]);
    world.commit(&*store);
    let mut reader = store.reader().unwrap();
    let mut page = |sku: Option<&str>, closed, after: Option<usize>, limit| {
        let sku = sku.map(crate::world::sku);
        let after = after.map(|at| ids[at]);
        let found = reader.supply_page(&world.tenant, sku.as_ref(), closed, after, limit).unwrap();
        found.iter().map(|supply| ids.iter().position(|id| *id == supply.id).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(page(None, true, None, 10), [0, 1, 2, 3, 4, 5]);
    assert_eq!(page(None, false, None, 3), [0, 2, 3]);
    assert_eq!(page(None, true, Some(3), 10), [4, 5]);
    assert_eq!(page(Some("A"), true, None, 2), [1, 2]);
    assert_eq!(page(Some("A"), false, None, 10), [2, 4, 5]);
    assert_eq!(page(Some("A"), false, Some(2), 1), [4]);
    assert_eq!(page(Some("C"), true, None, 10), [] as [usize; 0]);
    let closed = reader.supply(&world.tenant, ids[1]).unwrap().unwrap();
    assert_eq!((closed.state, closed.kind), (SupplyState::Closed, SupplyKind::Shortfall));
    assert_eq!(reader.supply(&world.tenant, SupplyId(uuid::Uuid::nil())).unwrap(), None);
    assert!(reader.pools(&world.tenant, &[sku("A"), sku("none")]).unwrap()[0].supply(ids[1]).is_none());
    let after = reader.pool_page(&world.tenant, Some(&sku("A")), 5).unwrap();
    assert_eq!(after.iter().map(|pool| pool.sku().as_str()).collect::<Vec<_>>(), ["B"]);
}

pub(crate) fn orders_are_listed_newest_first_and_filtered(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut world = World::create("acme", &*store);
    world.item("A");
    let shelf = world.stock("A", 100);
    let mut ids = Vec::new();
    for n in 0..6_u8 {
        let mut order = world.ordered(&[ask("A", 1, shelf)]);
        order.reference = (n != 5).then(|| format!("R{}", n / 2).into());
        order.customer = (n != 4).then_some(CustomerKey([n % 2; 16]));
        order.placed_by = (n < 3).then(|| "pk".into());
        ids.push(world.place_order(order, None));
    }
    world.commit(&*store);
    let mut reader = store.reader().unwrap();
    let mut page = |filter: OrderFilter, before: Option<usize>, limit| {
        let found = reader.order_page(&world.tenant, &filter, before.map(|at| ids[at]), limit).unwrap();
        found.iter().map(|order| ids.iter().position(|id| id == order).unwrap()).collect::<Vec<_>>()
    };
    let all = OrderFilter::default();
    assert_eq!(page(all.clone(), None, 4), [5, 4, 3, 2]);
    assert_eq!(page(all.clone(), Some(2), 4), [1, 0]);
    let reference = OrderFilter { reference: Some("R1".into()), ..all.clone() };
    assert_eq!(page(reference.clone(), None, 4), [3, 2]);
    assert_eq!(page(OrderFilter { placed_by: Some("pk".into()), ..reference }, None, 4), [2]);
    let customer = OrderFilter { customer: Some(CustomerKey([1; 16])), ..all.clone() };
    assert_eq!(page(customer.clone(), None, 2), [5, 3]);
    assert_eq!(page(customer, Some(3), 2), [1]);
    assert_eq!(page(OrderFilter { placed_by: Some("pk".into()), ..all }, None, 2), [2, 1]);
}

pub(crate) fn a_customer_has_bought_what_is_not_called_off(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut world = World::create("acme", &*store);
    world.item("A");
    world.item("B");
    let (a, b) = (world.stock("A", 100), world.stock("B", 100));
    let first = world.place(&[ask("A", 5, a), ask("B", 1, b), ask("A", 2, a)]);
    let second = world.place(&[ask("A", 4, a)]);
    let mut other = world.ordered(&[ask("A", 40, a)]);
    other.customer = Some(CustomerKey([4; 16]));
    world.place_order(other, None);
    world.cancel(line(first, 1), 2, &[(a, 2)]);
    world.ship(line(second, 1), 4, &[(a, 4)]);
    world.commit(&*store);
    let skus = [sku("B"), sku("A"), sku("none")];
    let mut reader = store.reader().unwrap();
    let bought = reader.bought(&world.tenant, CustomerKey([3; 16]), &skus).unwrap();
    assert_eq!(bought, [(sku("B"), 1), (sku("A"), 9), (sku("none"), 0)]);
}

/// So many orders in one commit are not indexed by customer at once; they are found all the same.
pub(crate) fn many_orders_at_once_are_found_by_customer(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut world = World::create("acme", &*store);
    world.item("A");
    let shelf = world.stock("A", 1_000);
    let mut ids = Vec::new();
    for n in 0..60_u8 {
        let mut order = world.ordered(&[ask("A", 1, shelf)]);
        order.customer = Some(CustomerKey([n % 3; 16]));
        ids.push(world.place_order(order, None));
        if n == 9 || n == 50 {
            world.commit(&*store);
        }
    }
    world.commit(&*store);
    let of = |n: usize| {
        ids.iter().copied().skip(n).step_by(3).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>()
    };
    for store in [store, engine.open()] {
        let mut reader = store.reader().unwrap();
        for n in 0..3 {
            let filter = OrderFilter { customer: Some(CustomerKey([n as u8; 16])), ..OrderFilter::default() };
            assert_eq!(reader.order_page(&world.tenant, &filter, None, 100).unwrap(), of(n));
            assert_eq!(reader.order_page(&world.tenant, &filter, Some(of(n)[4]), 3).unwrap(), of(n)[5..8]);
        }
        let bought = reader.bought(&world.tenant, CustomerKey([1; 16]), &[sku("A")]).unwrap();
        assert_eq!(bought, [(sku("A"), 20)]);
        let bought =
            store.writer().unwrap().bought(&world.tenant, CustomerKey([1; 16]), &[sku("A")]).unwrap();
        assert_eq!(bought, [(sku("A"), 20)]);
    }
}

/// Of a long list, orders may be read otherwise than of a short one.
pub(crate) fn many_orders_are_read_at_once(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut world = World::create("acme", &*store);
    world.item("A");
    let shelf = world.stock("A", 1_000);
    let mut ids: Vec<OrderId> = (0..600).map(|_| world.place(&[ask("A", 1, shelf)])).collect();
    world.commit(&*store);
    let mut reader = store.reader().unwrap();
    world.check(&mut *reader);
    let last = ids[599];
    ids.retain(|id| *id != last);
    ids.insert(300, OrderId::from_bytes([0xff; 16]));
    let found = reader.orders(&world.tenant, &ids).unwrap();
    assert_eq!((found.len(), found.iter().any(|order| order.id == last)), (599, false));
}

/// The ledger says what was placed, so that need not be kept twice.
pub(crate) fn an_order_that_was_placed_answers_again(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut world = World::create("acme", &*store);
    world.item("A");
    let shelf = world.stock("A", 9);
    let order = world.place(&[ask("A", 1, shelf)]);
    let placed = world.changes.events.iter().position(|(_, event)| event.kind() == "order_placed").unwrap();
    let replay = ledger::Replay {
        key: "placed".into(),
        request: [4; 32],
        day: 7,
        lasting: false,
        kept: Kept::Placed(placed as i64),
    };
    world.changes.replays.push(replay);
    world.commit(&*store);
    let mut reader = store.reader().unwrap();
    let found = reader.replay(&world.tenant, &[7], "placed").unwrap().unwrap();
    let Kept::Placed(entry) = found.kept else { panic!("{found:?}") };
    let entries = reader.events(&world.tenant, entry - 1, 2).unwrap();
    assert_eq!(
        entries.iter().map(|entry| &*entry.kind).collect::<Vec<_>>(),
        ["order_placed", "promise_given"]
    );
    assert!(entries.iter().all(|entry| entry.order == Some(order)));
    assert_eq!(
        reader.events(&world.tenant, entry, 1).unwrap()[0].seq,
        entry + 1,
        "a page may begin between them"
    );
    assert_eq!(reader.last_event(&world.tenant).unwrap(), entry + 1);
    let mut writer = store.writer().unwrap();
    let lost =
        Changes { replays: vec![ledger::Replay { kept: Kept::Placed(3), ..found }], ..Changes::default() };
    assert!(writer.write(&world.tenant, &lost).is_err(), "an answer that follows from nothing");
}

pub(crate) fn holds_are_found_by_supply_until_they_are_gone(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut world = World::create("acme", &*store);
    world.item("A");
    let (here, later) = (world.stock("A", 100), world.inbound("A", 100));
    let one = world.hold(&[ask("A", 5, here), ask("A", 5, later)]);
    let two = world.hold(&[ask("A", 5, here)]);
    world.commit(&*store);
    let on = |world: &World, supply| {
        let holds = store.reader().unwrap().holds_on(&world.tenant, supply).unwrap();
        holds.iter().map(|hold| hold.id).collect::<Vec<_>>()
    };
    assert_eq!(on(&world, here), [one, two]);
    assert_eq!(on(&world, later), [one]);
    // One is used by an order, a third one is placed and gives up its units before anything is written.
    world.end_timer(one);
    let order = world.ordered(&[ask("A", 5, here)]);
    world.place_order(order, Some(one));
    let three = world.hold(&[ask("A", 5, later)]);
    world.expire(three);
    world.commit(&*store);
    assert_eq!(on(&world, here), [two]);
    assert_eq!(on(&world, later), []);
    let found = store.reader().unwrap().holds(&world.tenant, &[one, two, three]).unwrap();
    assert_eq!(found.iter().map(|hold| hold.id).collect::<Vec<_>>(), [two]);
}
