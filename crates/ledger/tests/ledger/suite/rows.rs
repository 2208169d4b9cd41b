//! What is written is what is read.

use model::{id::LineId, item::Policy};

use crate::{
    Engine,
    world::{World, ask, date},
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
    let kit = crate::world::Ask { sku: "K", quantity: 2, from: vec![(a, 2), (b, 4)] };
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
    world.ship(line(first, 2), 5, &[(c, 5)]);
    world.commit(&*store);
    world
}

fn line(order: model::id::OrderId, no: u16) -> LineId {
    LineId { order, no }
}

pub(crate) fn every_row_reads_back_as_written(engine: &dyn Engine) {
    let world = eventful(engine, "acme");
    world.check(&mut *engine.open().reader().unwrap());
}
