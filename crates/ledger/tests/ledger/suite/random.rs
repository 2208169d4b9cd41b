//! Histories at random: whatever can happen, the ledger makes the same tables again.

use ledger::verify::verify;
use model::{
    Units,
    event::Move,
    id::{HoldId, LineId, OrderId, SupplyId},
};
use proptest::{prelude::*, test_runner::TestRunner};

use super::Make;
use crate::world::{Ask, World, ask, date};

/// One step: what to do, which of the things there are, how many units.
type Step = (u8, u8, u8, Units);

/// The supplies of a SKU with so many free units.
fn free(world: &World, code: &str, units: Units) -> Vec<SupplyId> {
    let pool = world.shop.pool(&crate::world::sku(code)).unwrap();
    pool.supplies
        .iter()
        .filter(|supply| supply.free() >= units && !supply.kind.is_elastic())
        .map(|s| s.id)
        .collect()
}

fn pick<T: Copy>(from: &[T], which: u8) -> Option<T> {
    (!from.is_empty()).then(|| from[usize::from(which) % from.len()])
}

/// Does a step where it can be done.
fn step(world: &mut World, (what, which, other, units): Step) -> Option<()> {
    let code = ["A", "B"][usize::from(which) % 2];
    let mut orders: Vec<OrderId> = world.shop.orders.keys().copied().collect();
    orders.sort();
    let order = pick(&orders, which);
    let line = order.map(|order| LineId { order, no: 1 + u16::from(other) % 2 });
    let open = line.and_then(|id| Some((id, world.shop.orders[&id.order].line(id.no)?.clone())));
    match what % 17 {
        0 => drop(world.inbound(code, units)),
        1 => drop(world.stock(code, units)),
        2 | 3 => {
            let (one, two) = (free(world, "A", units), free(world, "B", units));
            let asks = [ask("A", units, pick(&one, which)?), ask("B", units, pick(&two, other)?)];
            if what % 17 == 2 {
                world.place(&asks)
            } else {
                world.wanted(&asks, "2026-12-20")
            };
        }
        4 => {
            let from = vec![
                (pick(&free(world, "A", units), which)?, units),
                (pick(&free(world, "B", 2 * units), other)?, 2 * units),
            ];
            world.place(&[Ask { sku: "K", quantity: units, from }]);
        }
        5 => drop(world.hold(&[ask(code, units, pick(&free(world, code, units), other)?)])),
        6 => {
            let mut holds: Vec<HoldId> = world.shop.holds.keys().copied().collect();
            holds.sort();
            world.expire(pick(&holds, which)?);
        }
        7 => {
            let (id, line) = open.filter(|(_, line)| line.open() > 0)?;
            let units = units.min(line.open() - line.with_fulfilment());
            let freed = parts(&line, units);
            (units > 0).then(|| world.cancel(id, units, &freed))?;
        }
        8 => {
            let (id, line) = open.filter(|(_, line)| line.open() > 0)?;
            let units = units.min(line.open() - line.with_fulfilment());
            let from = parts(&line, units);
            let here = |supply| {
                world.shop.pools.values().any(|pool| pool.supply(supply).is_some_and(|s| s.is_on_hand()))
            };
            let all_here = units > 0 && from.iter().all(|(supply, _)| here(*supply));
            all_here.then(|| world.ship(id, units, &from))?;
        }
        9 => {
            let due = due(world, code);
            let supply = pick(&due, other)?;
            let quantity = world.shop.pool(&crate::world::sku(code))?.supply(supply)?.quantity;
            world.receive(code, supply, quantity);
        }
        10 => world.call_off(code, pick(&due(world, code), other)?),
        11 => {
            let supply = pick(&due(world, code), other)?;
            let quantity = world.shop.pool(&crate::world::sku(code))?.supply(supply)?.quantity;
            world.change(code, supply, quantity + units, date("2027-01-05"));
        }
        12 => {
            let (id, line) = open.filter(|(_, line)| line.open() > 0)?;
            let from = line.pegs[0].clone();
            let units = units.min(from.quantity - line.released_on(from.supply));
            (units > 0).then_some(())?;
            let to = pick(&free(world, from.sku.as_str(), units), other).filter(|to| *to != from.supply)?;
            let code = from.sku.as_str().to_owned();
            world.moved(&code, vec![Move { line: id, from: from.supply, to, quantity: units }]);
            world.promise(id.order, &[id.no], "2027-02-01", "run_applied");
        }
        13 => {
            let (id, line) = open?;
            let from = not_released(world, &line, units);
            (!from.is_empty()).then(|| world.release(id, &from))?;
        }
        14 => {
            let (id, line) = open?;
            let out = *pick(&line.released.iter().collect::<Vec<_>>(), other)?;
            world.take_back(out.release, id, &[(out.supply, units.min(out.quantity))]);
        }
        15 => {
            let (id, line) = open.filter(|(_, line)| line.recipe.is_empty() && line.shipped > 0)?;
            let units = units.min(line.shipped - line.returned_of(&line.sku));
            let shelf = world.shop.pool(&line.sku)?.supplies.iter().find(|supply| supply.is_on_hand())?.id;
            (units > 0).then(|| world.sent_back(id, shelf, units))?;
        }
        _ => drop(world.made_to_order(code, units)),
    }
    Some(())
}

fn due(world: &World, code: &str) -> Vec<SupplyId> {
    let pool = world.shop.pool(&crate::world::sku(code)).unwrap();
    let due =
        |supply: &&std::sync::Arc<model::supply::Supply>| !supply.is_on_hand() && !supply.kind.is_elastic();
    pool.supplies.iter().filter(due).map(|supply| supply.id).collect()
}

/// Pegs on hand that are not with fulfilment, of each at most so many units.
fn not_released(world: &World, line: &model::order::Line, units: Units) -> Vec<(SupplyId, Units)> {
    let here =
        |supply| world.shop.pools.values().any(|pool| pool.supply(supply).is_some_and(|s| s.is_on_hand()));
    let pegs = line.pegs.iter().filter(|peg| here(peg.supply));
    pegs.map(|peg| (peg.supply, units.min(peg.quantity - line.released_on(peg.supply))))
        .filter(|(_, units)| *units > 0)
        .collect()
}

/// Pegs that so many units of a line free: of each component in turn, from the first pegs on, none with fulfilment.
fn parts(line: &model::order::Line, units: Units) -> Vec<(SupplyId, Units)> {
    let mut parts = Vec::new();
    for (sku, each) in line.needs() {
        let mut left = each * units;
        for peg in line.pegs.iter().filter(|peg| peg.sku == *sku) {
            let take = left.min(peg.quantity - line.released_on(peg.supply));
            if take > 0 {
                parts.push((peg.supply, take));
            }
            left -= take;
        }
    }
    parts
}

pub(crate) fn any_history_replays_to_the_same_tables(make: &Make<'_>) {
    let steps = prop::collection::vec((any::<u8>(), any::<u8>(), any::<u8>(), 1..9_i64), 1..60);
    let commits = 1..20_usize;
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&(steps, commits), |(steps, commits)| {
            let engine = make();
            let store = engine.open();
            let mut world = World::create("acme", &*store);
            world.item("A");
            world.item("B");
            world.kit("K", &[("A", 1), ("B", 2)]);
            for code in ["A", "B"] {
                world.stock(code, 20);
                world.inbound(code, 20);
            }
            for (at, what) in steps.into_iter().enumerate() {
                step(&mut world, what);
                if at % commits == 0 {
                    world.commit(&*store);
                }
            }
            world.commit(&*store);
            world.check(&mut *store.reader().unwrap());
            let report = verify(&*store, &world.tenant, engine.dir(), &mut |_| {}).unwrap();
            prop_assert_eq!(report.violations, []);
            Ok(())
        })
        .unwrap();
}
