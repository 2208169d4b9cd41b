//! Carts: units held for a while.

use model::{
    command::Command,
    item::{Cap, Policy},
    refusal::RefusalCode,
};
use testkit::{
    ask::{ask, sku},
    core::{CoreShop, policy},
};

use crate::{parts, refused};

#[test]
fn a_hold_expires_on_time_and_gives_back_exactly_its_units() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 5);
    let hold = shop.hold(ask("MUG", 2).hold(600)).unwrap();
    assert_eq!(refused(shop.order(ask("MUG", 4))).1, Some(3));
    shop.at("2026-08-03T09:09:59Z");
    assert!(shop.shop.holds.contains_key(&hold));
    shop.at("2026-08-03T09:10:00Z");
    assert!(shop.shop.holds.is_empty());
    assert_eq!(shop.events.last().unwrap().kind(), "hold_expired");
    assert_eq!(refused(shop.order(ask("MUG", 6))).1, Some(5));
    shop.order(ask("MUG", 5)).unwrap();
}

#[test]
fn an_order_takes_its_hold_over_even_the_last_unit() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 1);
    let hold = shop.hold(ask("MUG", 1).hold(600)).unwrap();
    assert_eq!(refused(shop.order(ask("MUG", 1))).0, RefusalCode::NotAvailable);
    let order = shop.order(ask("MUG", 1).using(hold)).unwrap();
    assert_eq!(shop.parts(order), parts(&[(1, "2026-08-03")]));
    assert_eq!(refused(shop.order(ask("MUG", 1).using(hold))).0, RefusalCode::HoldExpired);
}

#[test]
fn an_expired_hold_is_not_taken_over_even_before_it_is_cleared_away() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 1);
    let hold = shop.hold(ask("MUG", 1).hold(600)).unwrap();
    shop.now = testkit::ask::instant("2026-08-03T09:10:00Z");
    assert_eq!(refused(shop.order(ask("MUG", 1).using(hold))).0, RefusalCode::HoldExpired);
    shop.must(&Command::ReleaseHold(hold));
    assert_eq!(shop.events.last().unwrap().kind(), "hold_expired");
    assert_eq!(refused(shop.run(&Command::ReleaseHold(hold))).0, RefusalCode::HoldExpired);
    shop.order(ask("MUG", 1)).unwrap();
}

#[test]
fn a_hold_that_fills_the_cap_does_not_compete_with_its_own_order() {
    let mut shop = CoreShop::open();
    shop.sells_as("MUG", Policy { backorder_cap: Cap::Limited(2), ..policy() });
    shop.due("MUG", 9, "2026-08-12");
    let hold = shop.hold(ask("MUG", 2).hold(600)).unwrap();
    assert_eq!(refused(shop.order(ask("MUG", 1))).0, RefusalCode::CapReached);
    assert_eq!(refused(shop.order(ask("MUG", 3).using(hold))), (RefusalCode::CapReached, Some(2)));
    shop.order(ask("MUG", 2).using(hold)).unwrap();
    assert_eq!(refused(shop.order(ask("MUG", 1))).0, RefusalCode::CapReached);
}

#[test]
fn a_held_kit_is_counted_once_against_its_own_cap() {
    let mut shop = CoreShop::open();
    shop.sells("A");
    shop.sells("B");
    shop.kit("SET", &[("A", 1), ("B", 2)]);
    shop.policy("SET", "default", Policy { backorder_cap: Cap::Limited(2), ..policy() });
    shop.due("A", 50, "2026-08-12");
    shop.due("B", 50, "2026-08-12");
    let hold = shop.hold(ask("SET", 1).hold(600)).unwrap();
    shop.order(ask("SET", 1)).unwrap();
    assert_eq!(refused(shop.order(ask("SET", 2).using(hold))), (RefusalCode::CapReached, Some(1)));
    shop.order(ask("SET", 1).using(hold)).unwrap();
}

#[test]
fn a_hold_of_another_channel_makes_no_room_under_a_cap() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.policy("MUG", "web", Policy { backorder_cap: Cap::Limited(2), ..policy() });
    shop.due("MUG", 9, "2026-08-12");
    shop.order(ask("MUG", 2).on("web")).unwrap();
    let hold = shop.hold(ask("MUG", 2).hold(600)).unwrap();
    assert_eq!(refused(shop.order(ask("MUG", 1).on("web").using(hold))).0, RefusalCode::CapReached);
}

#[test]
fn a_held_unit_is_sure_while_its_pool_settles() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.due("MUG", 5, "2026-08-12");
    shop.due("MUG", 9, "2026-09-02");
    let first = shop.order(ask("MUG", 4)).unwrap();
    let hold = shop.hold(ask("MUG", 1).hold(600)).unwrap();
    shop.order(ask("MUG", 4)).unwrap();
    shop.rounds_max = 0;
    shop.cancel(first, &[]).unwrap();
    assert!(shop.shop.pools[&sku("MUG")].settling);
    let order = shop.order(ask("MUG", 2).using(hold)).unwrap();
    assert_eq!(shop.parts(order), parts(&[(1, "2026-08-12"), (1, "2026-09-02")]));
}

#[test]
fn an_order_may_take_more_or_fewer_units_than_its_hold() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 5);
    shop.due("MUG", 9, "2026-08-12");
    let hold = shop.hold(ask("MUG", 3).hold(600)).unwrap();
    let more = shop.order(ask("MUG", 6).using(hold)).unwrap();
    assert_eq!(shop.parts(more), parts(&[(5, "2026-08-03"), (1, "2026-08-12")]));
    let hold = shop.hold(ask("MUG", 4).hold(600)).unwrap();
    let waits = shop.order(ask("MUG", 4)).unwrap();
    let fewer = shop.order(ask("MUG", 1).using(hold)).unwrap();
    assert_eq!(shop.parts(fewer), parts(&[(1, "2026-08-12")]));
    assert_eq!(shop.parts(waits), parts(&[(4, "2026-08-12")]));
    assert_eq!(refused(shop.order(ask("MUG", 4))).1, Some(3));
}

#[test]
fn units_that_a_hold_gives_up_go_to_the_queue_first() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 3);
    shop.due("MUG", 9, "2026-08-12");
    let hold = shop.hold(ask("MUG", 3).hold(600)).unwrap();
    let waits = shop.order(ask("MUG", 1)).unwrap();
    let fewer = shop.order(ask("MUG", 1).using(hold)).unwrap();
    assert_eq!(shop.parts(fewer), parts(&[(1, "2026-08-03")]));
    assert_eq!(shop.parts(waits), parts(&[(1, "2026-08-03")]));
    assert_eq!(refused(shop.order(ask("MUG", 11))).1, Some(10));
}

#[test]
fn a_hold_beyond_known_supply_keeps_its_date_past_midnight() {
    let mut shop = CoreShop::open();
    let terms = Policy { lead_time_days: Some(10), promise_buffer_days: Some(0), ..policy() };
    shop.sells_as("MUG", terms);
    shop.now = testkit::ask::instant("2026-08-03T23:59:00Z");
    let hold = shop.hold(ask("MUG", 2).hold(600)).unwrap();
    shop.at("2026-08-04T00:01:00Z");
    let order = shop.order(ask("MUG", 3).using(hold)).unwrap();
    assert_eq!(shop.parts(order), parts(&[(2, "2026-08-13"), (1, "2026-08-14")]));
}

#[test]
fn a_hold_is_all_or_nothing() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.sells("CUP");
    shop.stock("MUG", 3);
    assert_eq!(
        refused(shop.hold(ask("MUG", 1).and("CUP", 1).hold(600))),
        (RefusalCode::NotAvailable, Some(0))
    );
    assert_eq!(crate::invalid(shop.hold(ask("NONE", 1).hold(600))), "unknown_sku");
    assert_eq!(shop.shop.pools[&sku("MUG")].free_on_hand(), 3);
}

#[test]
fn a_hold_on_a_supply_that_is_called_off_is_no_claim_on_other_goods() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let supply = shop.due("MUG", 3, "2026-08-12");
    let hold = shop.hold(ask("MUG", 2).hold(600)).unwrap();
    shop.call_off(supply);
    assert_eq!(refused(shop.order(ask("MUG", 2).using(hold))).0, RefusalCode::NotAvailable);
    shop.due("MUG", 2, "2026-09-02");
    let order = shop.order(ask("MUG", 2).using(hold)).unwrap();
    assert_eq!(shop.parts(order), parts(&[(2, "2026-09-02")]));
    assert_eq!(shop.shop.pools[&sku("MUG")].supplies.len(), 1);
}
