//! Goods that arrive: good and damaged, too few and too many, at once and in parts.

use model::{
    Units,
    command::{Command, Receive},
    event::{Event, SupplyReceived},
    id::{OrderId, SupplyId},
    refusal::RefusalCode,
    supply::{Supply, SupplyKind, SupplyState},
    view::LineState,
};
use testkit::{
    ask::{ask, date, sku},
    core::{CoreShop, Done},
};

use crate::{invalid, parts, refused};

/// A shop with a supply of a hundred that a hundred orders wait for.
fn hundred() -> (CoreShop, SupplyId, Vec<OrderId>) {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let supply = shop.due("MUG", 100, "2026-08-12");
    let orders = (0..100).map(|_| shop.order(ask("MUG", 1)).unwrap()).collect();
    (shop, supply, orders)
}

fn receipt<'s>(shop: &'s CoreShop, done: &Done) -> &'s SupplyReceived {
    let found = shop.events[done.events.clone()].iter().find_map(|event| match event {
        Event::SupplyReceived(receipt) => Some(receipt),
        _ => None,
    });
    found.unwrap()
}

fn open(shop: &CoreShop, id: SupplyId) -> &Supply {
    shop.shop.pools[&sku("MUG")].supply(id).unwrap()
}

fn states(shop: &CoreShop, orders: &[OrderId]) -> Vec<LineState> {
    orders.iter().map(|order| shop.view(*order).state).collect()
}

/// Units of the pool by state and kind.
fn units(shop: &CoreShop, of: impl Fn(&Supply) -> bool) -> Units {
    let supplies = &shop.shop.pools[&sku("MUG")].supplies;
    supplies.iter().filter(|supply| of(supply)).map(|supply| supply.quantity).sum()
}

fn here(shop: &CoreShop) -> Units {
    units(shop, Supply::is_on_hand)
}

fn short(shop: &CoreShop) -> Units {
    units(shop, |supply| supply.kind == SupplyKind::Shortfall)
}

#[test]
fn ninety_good_and_six_damaged_of_a_hundred_go_to_the_oldest_and_four_stay_due() {
    let (mut shop, supply, orders) = hundred();
    let later = shop.due("MUG", 50, "2026-09-02");
    let wish = Receive {
        accepted: Some(90),
        damaged: 6,
        expected_on: Some(Some(date("2026-08-20"))),
        ..Receive::whole(supply)
    };
    let done = shop.run(&Command::Receive(wish)).unwrap();
    let receipt = receipt(&shop, &done);
    let (rest, quarantine) = (receipt.rest.clone().unwrap(), receipt.quarantine.clone().unwrap());
    assert_eq!((receipt.expected, receipt.accepted, receipt.damaged, rest.quantity), (100, 90, 6, 4));
    assert!(orders[..90].iter().all(|order| shop.view(*order).state == LineState::Allocated));
    // Four stay behind what is due, with its new date; for six, other goods were found.
    assert!(orders[90..94].iter().all(|order| shop.parts(*order) == parts(&[(1, "2026-08-20")])));
    assert!(orders[94..].iter().all(|order| shop.parts(*order) == parts(&[(1, "2026-09-02")])));
    for (order, told) in [(orders[0], "2026-08-03"), (orders[91], "2026-08-20"), (orders[99], "2026-09-02")] {
        let last = shop.order_of(order).lines[0].promises.last().unwrap();
        assert_eq!(last.ship_by.promised, Some(date(told)));
        assert_eq!((&*last.cause.kind, last.cause.supply), ("supply_received", Some(supply)));
    }
    let lot = open(&shop, rest.lot.unwrap().id);
    assert_eq!((lot.pegged(), lot.free(), lot.is_on_hand()), (90, 0, true));
    let kept = open(&shop, quarantine.id);
    assert_eq!((kept.quantity, kept.free(), kept.state), (6, 0, SupplyState::Quarantine));
    assert_eq!((open(&shop, supply).quantity, open(&shop, supply).pegged()), (4, 4));
    assert_eq!((open(&shop, later).pegged(), short(&shop)), (6, 0));
}

#[test]
fn goods_in_quarantine_are_not_for_sale_until_they_are_found_good() {
    let (mut shop, supply, orders) = hundred();
    let done = shop.receive_part(supply, (94, 6), false).unwrap();
    let quarantine = receipt(&shop, &done).quarantine.as_ref().unwrap().id;
    assert_eq!((here(&shop), short(&shop)), (94, 6));
    assert_eq!(refused(shop.order(ask("MUG", 1))).0, RefusalCode::NotAvailable);
    assert_eq!(refused(shop.resize(quarantine, 3)).0, RefusalCode::AlreadyReceived);
    assert_eq!(invalid(shop.adjust("MUG", CoreShop::MAIN, -95)), "not_there");

    shop.inspect(quarantine, 4, 1).unwrap();
    assert_eq!(
        states(&shop, &orders[94..99]),
        [[LineState::Allocated; 4].as_slice(), &[LineState::Backordered]].concat()
    );
    let cause = &shop.order_of(orders[97]).lines[0].promises.last().unwrap().cause;
    assert_eq!((&*cause.kind, cause.supply), ("supply_inspected", Some(quarantine)));
    assert_eq!(open(&shop, quarantine).quantity, 1);
    assert_eq!(invalid(shop.inspect(quarantine, 0, 2)), "not_there");
    assert_eq!(invalid(shop.inspect(quarantine, 0, 0)), "not_there");
    shop.inspect(quarantine, 0, 1).unwrap();
    assert!(shop.inspect(quarantine, 1, 0).is_err(), "nothing is left in quarantine");
    assert_eq!((here(&shop), short(&shop)), (98, 2));
}

#[test]
fn only_quarantine_is_inspected() {
    let (mut shop, supply, _) = hundred();
    assert_eq!(refused(shop.inspect(supply, 1, 0)).0, RefusalCode::NotInQuarantine);
    shop.receive(supply);
    assert_eq!(refused(shop.inspect(supply, 1, 0)).0, RefusalCode::NotInQuarantine);
}

#[test]
fn a_supply_comes_in_as_many_parts_as_it_likes() {
    let (mut shop, supply, orders) = hundred();
    for (came, left) in [(30, 70), (1, 69), (29, 40)] {
        shop.receive_part(supply, (came, 0), false).unwrap();
        assert_eq!(open(&shop, supply).quantity, left);
        let count = usize::try_from(100 - left).unwrap();
        assert!(orders[..count].iter().all(|order| shop.view(*order).state == LineState::Allocated));
        assert!(orders[count..].iter().all(|order| shop.parts(*order) == parts(&[(1, "2026-08-12")])));
    }
    shop.receive(supply);
    assert_eq!((here(&shop), short(&shop)), (100, 0));
    assert!(orders.iter().all(|order| shop.view(*order).state == LineState::Allocated));
    assert_eq!(refused(shop.receive_part(supply, (1, 0), false)).0, RefusalCode::AlreadyReceived);
}

#[test]
fn a_line_gets_its_units_in_parts_too() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let supply = shop.due("MUG", 10, "2026-08-12");
    let order = shop.order(ask("MUG", 10)).unwrap();
    shop.receive_part(supply, (5, 2), false).unwrap();
    assert_eq!(shop.parts(order), parts(&[(5, "2026-08-03"), (3, "2026-08-12"), (2, "?")]));
    assert_eq!(shop.view(order).state, LineState::PartlyAllocated);
}

#[test]
fn more_than_expected_frees_earlier_dates() {
    let (mut shop, supply, _) = hundred();
    shop.due("MUG", 20, "2026-09-02");
    let order = shop.order(ask("MUG", 2)).unwrap();
    assert_eq!(shop.parts(order), parts(&[(2, "2026-09-02")]));
    shop.receive_part(supply, (103, 0), false).unwrap();
    assert_eq!(shop.parts(order), parts(&[(2, "2026-08-03")]));
    assert_eq!((here(&shop), open(&shop, supply).free()), (103, 1));
}

#[test]
fn closed_short_sends_the_last_comers_on() {
    let (mut shop, supply, orders) = hundred();
    shop.due("MUG", 5, "2026-09-02");
    shop.receive_part(supply, (90, 0), true).unwrap();
    let dates: Vec<_> = orders[88..].iter().map(|order| shop.parts(*order)[0].1.clone()).collect();
    let on = |text: &str, count| vec![Some(text.to_owned()); count];
    assert_eq!(dates, [on("2026-08-03", 2), on("2026-09-02", 5), vec![None; 5]].concat());
    assert_eq!(open(&shop, supply).quantity, 90);
}

#[test]
fn closed_with_nothing_good_is_a_supply_that_will_not_come() {
    let (mut shop, supply, orders) = hundred();
    let done = shop.receive_part(supply, (0, 40), true).unwrap();
    assert!(orders.iter().all(|order| shop.parts(*order) == parts(&[(1, "?")])));
    assert_eq!((open(&shop, supply).kind, short(&shop)), (SupplyKind::Shortfall, 100));
    let quarantine = receipt(&shop, &done).quarantine.as_ref().unwrap().id;
    shop.inspect(quarantine, 40, 0).unwrap();
    assert!(orders[..40].iter().all(|order| shop.view(*order).state == LineState::Allocated));
    assert_eq!(short(&shop), 60);

    let unwanted = shop.due("MUG", 5, "2026-09-02");
    shop.call_off(unwanted);
    let unwanted = shop.due("MUG", 70, "2026-09-02");
    shop.receive_part(unwanted, (0, 0), true).unwrap();
    assert_eq!(short(&shop), 60);
}

#[test]
fn what_nobody_wants_is_for_sale() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let supply = shop.due("MUG", 10, "2026-08-12");
    let order = shop.order(ask("MUG", 2)).unwrap();
    shop.receive_part(supply, (5, 0), false).unwrap();
    assert_eq!(shop.view(order).state, LineState::Allocated);
    let next = shop.order(ask("MUG", 4)).unwrap();
    assert_eq!(shop.parts(next), parts(&[(3, "2026-08-03"), (1, "2026-08-12")]));
}

#[test]
fn a_part_that_only_carts_could_bear_is_refused() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let supply = shop.due("MUG", 10, "2026-08-12");
    shop.hold(ask("MUG", 4).hold(60)).unwrap();
    assert_eq!(refused(shop.receive_part(supply, (7, 0), false)).0, RefusalCode::UnitsPromised);
    assert_eq!(refused(shop.receive_part(supply, (3, 0), true)).0, RefusalCode::UnitsPromised);
    shop.receive_part(supply, (6, 0), false).unwrap();
    shop.receive(supply);
    assert_eq!(here(&shop), 10);
}

#[test]
fn numbers_that_make_no_sense_change_nothing() {
    let (mut shop, supply, _) = hundred();
    let events = shop.events.len();
    assert_eq!(invalid(shop.receive_part(supply, (0, 0), false)), "out_of_range");
    assert_eq!(invalid(shop.receive_part(supply, (1_001, 0), false)), "out_of_range");
    assert_eq!(invalid(shop.receive_part(supply, (900, 101), true)), "out_of_range");
    let dated = Receive { expected_on: Some(None), ..Receive::whole(supply) };
    assert_eq!(invalid(shop.run(&Command::Receive(dated))), "not_due");
    assert_eq!(shop.events.len(), events);
    shop.call_off(supply);
    assert_eq!(refused(shop.receive_part(supply, (1, 0), false)).0, RefusalCode::SupplyClosed);
    let most = model::limits::SUPPLY_UNITS_MAX;
    let huge = shop.due("MUG", most, "2026-08-12");
    assert_eq!(invalid(shop.receive_part(huge, (most, 1), false)), "out_of_range");
}

#[test]
fn a_kit_gets_its_component_as_it_comes() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.sells("BOX");
    shop.kit("SET", &[("MUG", 2), ("BOX", 1)]);
    shop.stock("BOX", 9);
    let supply = shop.due("MUG", 8, "2026-08-12");
    let order = shop.order(ask("SET", 4)).unwrap();
    shop.receive_part(supply, (5, 0), false).unwrap();
    assert_eq!(shop.parts(order), parts(&[(2, "2026-08-03"), (2, "2026-08-12")]));
    shop.ship(order, &[]).unwrap();
    shop.receive_part(supply, (2, 0), true).unwrap();
    assert_eq!(shop.parts(order), parts(&[(1, "2026-08-03"), (1, "?")]));
}

#[test]
fn a_receipt_of_the_first_version_still_reads() {
    let (mut shop, supply, _) = hundred();
    let done = shop.receive(supply);
    let whole = Event::SupplyReceived(receipt(&shop, &done).clone());
    let data = whole.data().unwrap();
    let keys: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&data).unwrap();
    assert_eq!(keys.keys().collect::<Vec<_>>(), ["accepted", "expected", "received_at", "sku", "supply"]);
    assert_eq!(Event::read("supply_received", &data).unwrap(), Some(whole));
}
