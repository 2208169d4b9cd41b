//! On what terms a SKU is sold.

use model::{
    item::{Item, Policy, WhenOut},
    refusal::RefusalCode,
    view::AvailabilityState,
};
use testkit::{
    ask::{ask, date, sku},
    core::{CoreShop, item, policy},
};

use crate::{parts, refused};

#[test]
fn a_customer_limit_counts_open_and_shipped_orders() {
    let mut shop = CoreShop::open();
    shop.sells_as("MUG", Policy { customer_limit: Some(3), ..policy() });
    shop.stock("MUG", 99);
    let order = shop.order(ask("MUG", 2).from("ann")).unwrap();
    assert_eq!(refused(shop.order(ask("MUG", 2).from("ann"))), (RefusalCode::CustomerLimit, Some(1)));
    assert_eq!(
        refused(shop.order(ask("MUG", 2).and("MUG", 2).from("bob"))),
        (RefusalCode::CustomerLimit, Some(1))
    );
    shop.ship(order, &[]).unwrap();
    let partly = shop.order(ask("MUG", 2).from("ann").partial()).unwrap();
    assert_eq!(shop.order_of(partly).lines[0].quantity, 1);
    assert_eq!(
        refused(shop.order(ask("MUG", 1).from("ann").partial())),
        (RefusalCode::CustomerLimit, Some(0))
    );
    shop.cancel(partly, &[]).unwrap();
    shop.order(ask("MUG", 1).from("ann")).unwrap();
    assert_eq!(refused(shop.hold(ask("MUG", 4).hold(60))), (RefusalCode::CustomerLimit, Some(3)));
}

#[test]
fn only_the_groups_named_buy_ahead_of_stock() {
    let mut shop = CoreShop::open();
    shop.sells_as("MUG", Policy { customer_groups: vec!["club".into()], ..policy() });
    shop.stock("MUG", 1);
    shop.due("MUG", 9, "2026-08-12");
    assert_eq!(refused(shop.order(ask("MUG", 2))), (RefusalCode::NotAvailable, Some(1)));
    assert_eq!(refused(shop.order(ask("MUG", 2).in_group("press"))).1, Some(1));
    assert_eq!(shop.available(&ask("MUG", 2).order()).unwrap().state, AvailabilityState::Limited);
    let answer = shop.available(&ask("MUG", 2).in_group("club").order()).unwrap();
    assert_eq!(answer.state, AvailabilityState::Backorder);
    shop.order(ask("MUG", 2).in_group("club")).unwrap();
    assert_eq!(shop.available(&ask("MUG", 1).order()).unwrap().state, AvailabilityState::Waitlist);
}

#[test]
fn nothing_is_sold_beyond_the_horizon() {
    let mut shop = CoreShop::open();
    shop.sells_as("MUG", Policy { horizon_days: Some(30), ..policy() });
    shop.due("MUG", 5, "2026-09-02");
    shop.due("MUG", 5, "2026-09-03");
    assert_eq!(refused(shop.order(ask("MUG", 6))), (RefusalCode::BeyondHorizon, Some(5)));
    shop.at("2026-08-04T09:00:00Z");
    shop.order(ask("MUG", 6)).unwrap();
}

#[test]
fn the_buffer_keeps_back_the_first_free_units() {
    let mut shop = CoreShop::open();
    shop.sells_as("MUG", Policy { buffer: 2, ..policy() });
    shop.policy("MUG", "web", policy());
    shop.stock("MUG", 5);
    shop.due("MUG", 4, "2026-08-12");
    let order = shop.order(ask("MUG", 4)).unwrap();
    assert_eq!(shop.parts(order), parts(&[(3, "2026-08-03"), (1, "2026-08-12")]));
    // Another channel may sell what this one keeps back; then the buffer is made up from what is inbound.
    shop.order(ask("MUG", 2).on("web")).unwrap();
    assert_eq!(refused(shop.order(ask("MUG", 2))), (RefusalCode::NotAvailable, Some(1)));
    assert_eq!(shop.available(&ask("MUG", 1).order()).unwrap().available_later, Some(1));
}

#[test]
fn lines_that_move_up_leave_their_channels_buffer_alone() {
    let mut shop = CoreShop::open();
    shop.sells_as("MUG", Policy { buffer: 2, ..policy() });
    shop.policy("MUG", "web", policy());
    shop.stock("MUG", 5);
    let due = shop.due("MUG", 9, "2026-08-12");
    let held = shop.order(ask("MUG", 5).on("web")).unwrap();
    let first = shop.order(ask("MUG", 3)).unwrap();
    shop.cancel(held, &[(1, 3)]).unwrap();
    assert_eq!(shop.parts(first), parts(&[(1, "2026-08-03"), (2, "2026-08-12")]));
    let second = shop.order(ask("MUG", 4).on("web")).unwrap();
    assert_eq!(shop.parts(second), parts(&[(2, "2026-08-03"), (2, "2026-08-12")]));
    shop.receive(due);
    assert_eq!(shop.parts(first), parts(&[(3, "2026-08-03")]));
}

#[test]
fn before_its_release_a_sku_is_preordered_and_ships_on_the_day() {
    let mut shop = CoreShop::open();
    let release_date = Some(date("2026-10-01"));
    shop.sells_as("BOOK", Policy { when_out: WhenOut::Preorder, release_date, ..Policy::default() });
    shop.stock("BOOK", 2);
    shop.due("BOOK", 9, "2026-09-10");
    shop.due("BOOK", 9, "2026-10-10");
    let answer = shop.available(&ask("BOOK", 12).order()).unwrap();
    assert_eq!(
        (answer.state, answer.label.as_str()),
        (AvailabilityState::Preorder, "Pre-order: ships by 10 Oct")
    );
    let order = shop.order(ask("BOOK", 12)).unwrap();
    assert_eq!(shop.parts(order), parts(&[(11, "2026-10-01"), (1, "2026-10-10")]));
    shop.at("2026-10-02T09:00:00Z");
    assert_eq!(shop.available(&ask("BOOK", 1).order()).unwrap().state, AvailabilityState::Backorder);
}

#[test]
fn made_to_order_opens_one_supply_a_day_and_closes_it_when_empty() {
    let mut shop = CoreShop::open();
    let terms = Policy {
        when_out: WhenOut::MadeToOrder,
        lead_time_days: Some(10),
        promise_buffer_days: Some(2),
        ..Policy::default()
    };
    shop.sells_as("DESK", terms);
    shop.stock("DESK", 1);
    let supplies = |shop: &CoreShop| shop.shop.pools[&sku("DESK")].supplies.len();
    let first = shop.order(ask("DESK", 2)).unwrap();
    assert_eq!(shop.parts(first), parts(&[(1, "2026-08-03"), (1, "2026-08-15")]));
    let second = shop.order(ask("DESK", 1).and("DESK", 1)).unwrap();
    assert_eq!(supplies(&shop), 2, "the shelf, and today's");
    shop.at("2026-08-04T09:00:00Z");
    let third = shop.order(ask("DESK", 5)).unwrap();
    assert_eq!(shop.parts(third), parts(&[(5, "2026-08-16")]));
    assert_eq!(supplies(&shop), 3);
    let answer = shop.available(&ask("DESK", 1).order()).unwrap();
    assert_eq!((answer.state, answer.available_later), (AvailabilityState::MadeToOrder, None));
    shop.cancel(first, &[(1, 1)]).unwrap();
    assert_eq!(supplies(&shop), 3);
    shop.cancel(second, &[]).unwrap();
    assert_eq!(supplies(&shop), 2, "nobody waits for the first day's any more");
    shop.cancel(third, &[]).unwrap();
    assert_eq!(supplies(&shop), 1);
}

#[test]
fn goods_entered_for_a_lead_time_go_to_those_who_wait_for_it() {
    let mut shop = CoreShop::open();
    let terms = Policy { lead_time_days: Some(10), promise_buffer_days: Some(0), ..policy() };
    shop.sells_as("DESK", terms);
    let first = shop.order(ask("DESK", 2)).unwrap();
    let patient = shop.order(ask("DESK", 1).by("2026-12-01")).unwrap();
    let run = shop.due("DESK", 5, "2026-08-13");
    let pegged = |shop: &CoreShop| shop.shop.pools[&sku("DESK")].supply(run).unwrap().pegged();
    assert_eq!(pegged(&shop), 3, "a lead time is not goods: a date that is no later is a gain");
    assert_eq!(shop.shop.pools[&sku("DESK")].supplies.len(), 1);
    assert_eq!(shop.order_of(first).lines[0].promises.len(), 1, "the dates are as promised");
    shop.receive(run);
    assert_eq!(shop.parts(patient), parts(&[(1, "2026-08-03")]));
}

#[test]
fn an_overdue_lead_time_ends_with_goods_on_hand() {
    let mut shop = CoreShop::open();
    let terms = Policy { lead_time_days: Some(2), promise_buffer_days: Some(0), ..policy() };
    shop.sells_as("DESK", terms);
    let order = shop.order(ask("DESK", 2)).unwrap();
    shop.at("2026-08-10T09:00:00Z");
    assert_eq!(shop.parts(order), parts(&[(2, "2026-08-10")]));
    shop.stock("DESK", 2);
    shop.ship(order, &[]).unwrap();
}

#[test]
fn what_is_discontinued_sells_from_stock_alone() {
    let mut shop = CoreShop::open();
    shop.item(Item { discontinued: true, ..item("MUG") });
    shop.policy("MUG", "default", policy());
    shop.stock("MUG", 2);
    shop.due("MUG", 9, "2026-08-12");
    assert_eq!(refused(shop.order(ask("MUG", 3))), (RefusalCode::NotAvailable, Some(2)));
    shop.order(ask("MUG", 2)).unwrap();
    assert_eq!(shop.available(&ask("MUG", 1).order()).unwrap().state, AvailabilityState::Discontinued);
}

#[test]
fn without_a_policy_what_is_on_hand_sells() {
    let mut shop = CoreShop::open();
    shop.item(item("MUG"));
    shop.stock("MUG", 2);
    shop.due("MUG", 9, "2026-08-12");
    shop.order(ask("MUG", 2)).unwrap();
    assert_eq!(refused(shop.order(ask("MUG", 1))).0, RefusalCode::NotAvailable);
    let answer = shop.available(&ask("MUG", 1).order()).unwrap();
    assert_eq!((answer.state, answer.restock_on), (AvailabilityState::OutOfStock, Some(date("2026-08-12"))));
}

#[test]
fn each_channel_has_its_own_cap() {
    use model::item::Cap;
    let mut shop = CoreShop::open();
    shop.sells_as("MUG", Policy { backorder_cap: Cap::Limited(2), ..policy() });
    shop.policy("MUG", "web", Policy { backorder_cap: Cap::Limited(1), ..policy() });
    shop.due("MUG", 9, "2026-08-12");
    shop.order(ask("MUG", 1).on("web")).unwrap();
    assert_eq!(refused(shop.order(ask("MUG", 1).on("web"))).0, RefusalCode::CapReached);
    shop.order(ask("MUG", 1).on("shop")).unwrap();
    shop.order(ask("MUG", 1).on("phone")).unwrap();
    assert_eq!(refused(shop.order(ask("MUG", 1))).0, RefusalCode::CapReached);
}
