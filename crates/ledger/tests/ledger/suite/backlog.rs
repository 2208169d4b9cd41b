//! What a shop's overview counts, held against its rows.

use std::collections::{BTreeMap, BTreeSet};

use ledger::{Backlog, BacklogSku, BacklogSupply};
use model::{
    id::{LineId, OrderId},
    money::Money,
    time::Date,
};

use super::Make;
use crate::world::{World, date};

/// Counts the shop in memory, the slow and simple way.
fn counted(world: &World, today: Date) -> Backlog {
    let mut backlog = Backlog::default();
    let mut skus: BTreeMap<_, (BacklogSku, BTreeSet<OrderId>)> = BTreeMap::new();
    let mut supplies: BTreeMap<_, (BacklogSupply, BTreeSet<OrderId>)> = BTreeMap::new();
    let (mut orders, mut late) = (BTreeSet::new(), BTreeSet::new());
    for order in world.shop.orders.values() {
        for line in order.lines.iter().filter(|line| !line.pegs.is_empty()) {
            let told = line.told().and_then(|told| told.ship_by.promised);
            let is_late = told.is_some_and(|told| told < today);
            backlog.lines += 1;
            backlog.late_lines += i64::from(is_late);
            orders.insert(order.id);
            late.extend(is_late.then_some(order.id));
            let (sku, of_sku) = skus.entry(line.sku.clone()).or_insert_with(|| {
                let sku = line.sku.clone();
                let none = BacklogSku {
                    sku,
                    lines: 0,
                    orders: 0,
                    units: 0,
                    value: vec![],
                    late_lines: 0,
                    supplies: vec![],
                };
                (none, BTreeSet::new())
            });
            sku.lines += 1;
            sku.late_lines += i64::from(is_late);
            sku.units += line.open();
            let value = line.unit_price.unwrap().checked_mul(line.open()).unwrap();
            let sum = sku.value.pop().unwrap_or(Money::zero(value.currency));
            sku.value.push(sum.checked_add(value).unwrap());
            sku.supplies.extend(line.pegs.iter().map(|peg| peg.supply));
            of_sku.insert(order.id);
            for peg in &line.pegs {
                let (supply, of_supply) = supplies.entry(peg.supply).or_insert_with(|| {
                    let sku = peg.sku.clone();
                    (
                        BacklogSupply { supply: peg.supply, sku, lines: 0, orders: 0, units: 0 },
                        BTreeSet::new(),
                    )
                });
                supply.lines += 1;
                supply.units += peg.quantity;
                of_supply.insert(order.id);
            }
        }
    }
    let size = |set: &BTreeSet<OrderId>| i64::try_from(set.len()).unwrap();
    backlog.orders = size(&orders);
    backlog.late_orders = size(&late);
    let sku = |(mut sku, orders): (BacklogSku, BTreeSet<OrderId>)| {
        sku.supplies.sort_unstable();
        sku.supplies.dedup();
        BacklogSku { orders: size(&orders), ..sku }
    };
    backlog.skus = skus.into_values().map(sku).collect();
    backlog.supplies =
        supplies.into_values().map(|(sum, orders)| BacklogSupply { orders: size(&orders), ..sum }).collect();
    backlog
}

pub(crate) fn a_backlog_counts_every_open_line_once(make: &Make<'_>) {
    let engine = make();
    let world = super::rows::eventful(&*engine, "acme");
    let mut reader = engine.open().reader().unwrap();
    for today in ["2026-01-01", "2026-12-25", "2100-01-01"] {
        let today = date(today);
        let found = reader.backlog(&world.tenant, today).unwrap();
        assert!(found.lines > 0);
        assert_eq!(found, counted(&world, today), "{today}");
    }
    let nobody = crate::world::tenant("nobody");
    assert_eq!(reader.backlog(&nobody, date("2026-01-01")).unwrap(), Backlog::default());
}

pub(crate) fn arrivals_come_by_date_and_places_by_the_queue(make: &Make<'_>) {
    let engine = make();
    let mut world = super::rows::eventful(&*engine, "acme");
    // Two more on one day, and one on another.
    for (code, units, on) in [("A", 8, "2026-12-28"), ("B", 9, "2027-01-15"), ("C", 6, "2026-12-28")] {
        let supply = world.inbound(code, units);
        world.change(code, supply, units, date(on));
    }
    world.commit(&*engine.open());
    let mut reader = engine.open().reader().unwrap();
    let arrivals = reader.arrivals(&world.tenant, 100).unwrap();
    let mut due: Vec<_> = world
        .shop
        .pools
        .values()
        .flat_map(|pool| &pool.supplies)
        .filter(|supply| !supply.is_on_hand() && supply.expected_on.is_some())
        .map(|supply| (**supply).clone())
        .collect();
    due.sort_by_key(|supply| (supply.expected_on, supply.id));
    assert_eq!(arrivals, due);
    let (first, last) = (due[0].expected_on.unwrap(), due[due.len() - 1].expected_on.unwrap());
    let mut by_day: Vec<(Date, Vec<model::supply::Supply>)> = Vec::new();
    for supply in &due {
        let date = supply.expected_on.unwrap();
        match by_day.last_mut().filter(|(known, _)| *known == date) {
            Some((_, supplies)) => supplies.push(supply.clone()),
            None => by_day.push((date, vec![supply.clone()])),
        }
    }
    assert!(by_day.len() > 1);
    for (from, to, a_day) in [(first, last, 100), (first, last, 1), (last, last, 0), (last, first, 9)] {
        let found = reader.arrival_days(&world.tenant, (from, to), a_day).unwrap();
        let wanted: Vec<ledger::ArrivalDay> = by_day
            .iter()
            .filter(|(date, _)| (from..=to).contains(date))
            .map(|(date, supplies)| ledger::ArrivalDay {
                date: *date,
                supplies: i64::try_from(supplies.len()).unwrap(),
                units: supplies.iter().map(|supply| supply.quantity).sum(),
                first: supplies.iter().take(a_day).cloned().collect(),
            })
            .collect();
        assert_eq!(found, wanted, "{from} to {to}");
    }
    let supplies = world.shop.pools.values().flat_map(|pool| &pool.supplies);
    for supply in supplies {
        let queue = reader.queue(&world.tenant, supply.id, ledger::QueuePart::All, None, 100).unwrap();
        for (at, waiting) in queue.iter().enumerate() {
            let line: LineId = waiting.line;
            assert_eq!(reader.ahead(&world.tenant, supply.id, line, 100).unwrap(), at);
            assert_eq!(reader.ahead(&world.tenant, supply.id, line, 1).unwrap(), at.min(1));
        }
    }
}
