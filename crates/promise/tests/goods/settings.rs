//! Policies and locations that change while lines wait.

use model::{
    id::OrderId,
    item::{Component, Item, Policy},
    location::LocationSettings,
    transit::Transit,
};
use testkit::{
    ask::{ask, date},
    core::{CoreShop, item, policy},
};

use crate::parts;

/// The promised ship dates of an order's first line with the causes, oldest promise first.
fn said(shop: &CoreShop, order: OrderId) -> Vec<(String, String)> {
    let promises = &shop.order_of(order).lines[0].promises;
    let on = |date: Option<model::time::Date>| date.map_or("?".to_owned(), |date| date.to_string());
    promises.iter().map(|said| (on(said.ship_by.promised), said.cause.kind.to_string())).collect()
}

fn twice(first: &str, second: &str, cause: &str) -> Vec<(String, String)> {
    [(first, "order_placed"), (second, cause)].map(|(on, cause)| (on.to_owned(), cause.to_owned())).to_vec()
}

fn once(first: &str) -> Vec<(String, String)> {
    twice(first, "", "")[..1].to_vec()
}

fn every_day() -> LocationSettings {
    LocationSettings { calendar: model::calendar::Calendar::every_day(), ..LocationSettings::default() }
}

#[test]
fn a_release_that_slips_makes_every_promise_under_its_policy_anew() {
    let mut shop = CoreShop::open();
    shop.sells("BOOK");
    shop.policy("BOOK", "web", policy());
    shop.stock("BOOK", 2);
    shop.due("BOOK", 9, "2026-08-12");
    let here = shop.order(ask("BOOK", 1)).unwrap();
    let own_policy = shop.order(ask("BOOK", 1).on("web")).unwrap();
    let waits = shop.order(ask("BOOK", 3).on("phone")).unwrap();
    shop.policy("BOOK", "default", Policy { release_date: Some(date("2026-09-01")), ..policy() });
    assert_eq!(said(&shop, here), twice("2026-08-03", "2026-09-01", "policy_set"));
    assert_eq!(said(&shop, waits), twice("2026-08-12", "2026-09-01", "policy_set"));
    assert_eq!(said(&shop, own_policy), once("2026-08-03"));
    let last = shop.order_of(here).lines[0].promises.last().unwrap();
    assert_eq!(last.told_at, None, "the customer is still to be told");
    assert_eq!(shop.order_of(here).lines[0].told().unwrap().version, 1);

    // The channel's first own policy holds instead of the default one.
    shop.policy("BOOK", "phone", policy());
    assert_eq!(said(&shop, waits).last().unwrap().0, "2026-08-12");
    assert_eq!(said(&shop, here).len(), 2);
}

#[test]
fn a_policy_that_changes_no_date_makes_no_promise_anew() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let supply = shop.due("MUG", 9, "2026-08-12");
    let order = shop.order(ask("MUG", 1)).unwrap();
    // Overdue: what is shown moves on day by day, and no setting is to blame for it.
    shop.at("2026-08-20T09:00:00Z");
    let terms = Policy {
        customer_limit: Some(3),
        horizon_days: Some(9),
        buffer: 1,
        lead_time_days: Some(9),
        ..policy()
    };
    shop.policy("MUG", "default", terms);
    shop.location(CoreShop::MAIN, LocationSettings { name: "Main Street".to_owned(), ..every_day() });
    assert_eq!(said(&shop, order), once("2026-08-12"));
    shop.slip(supply, "2026-08-30");
    assert_eq!(said(&shop, order), twice("2026-08-12", "2026-08-30", "supply_changed"));
}

#[test]
fn a_release_of_a_kit_moves_its_lines_and_no_others() {
    let mut shop = CoreShop::open();
    shop.sells("BOX");
    shop.sells("WICK");
    shop.kit("CANDLE", &[("BOX", 1), ("WICK", 2)]);
    shop.stock("BOX", 9);
    shop.stock("WICK", 9);
    let kit = shop.order(ask("CANDLE", 1)).unwrap();
    let alone = shop.order(ask("WICK", 1)).unwrap();
    let release_date = Some(date("2026-10-01"));
    shop.policy("CANDLE", "default", Policy { release_date, ..policy() });
    assert_eq!(said(&shop, kit), twice("2026-08-03", "2026-10-01", "policy_set"));
    assert_eq!(said(&shop, alone), once("2026-08-03"));
    shop.policy("BOX", "default", Policy { release_date: Some(date("2026-11-01")), ..policy() });
    assert_eq!(said(&shop, kit).last().unwrap().0, "2026-11-01", "the latest of both");
    assert_eq!(said(&shop, alone), once("2026-08-03"));
    // What was sold in it stays so, whatever the kit is made of since.
    let components = vec![Component { sku: testkit::ask::sku("BOX"), quantity: 1 }];
    shop.item(Item { components, ..item("CANDLE") });
    shop.policy("BOX", "default", policy());
    shop.policy("CANDLE", "default", Policy { release_date: Some(date("2026-10-05")), ..policy() });
    assert_eq!(said(&shop, kit).last().unwrap().0, "2026-10-05");
}

#[test]
fn a_smaller_buffer_goes_to_those_who_wait() {
    let mut shop = CoreShop::open();
    shop.sells_as("MUG", Policy { buffer: 5, ..policy() });
    shop.stock("MUG", 5);
    shop.due("MUG", 9, "2026-08-12");
    let orders: Vec<OrderId> = (0..4).map(|_| shop.order(ask("MUG", 1)).unwrap()).collect();
    shop.policy("MUG", "default", Policy { buffer: 2, ..policy() });
    for order in &orders[..3] {
        assert_eq!(said(&shop, *order), twice("2026-08-12", "2026-08-03", "policy_set"));
    }
    assert_eq!(said(&shop, orders[3]), once("2026-08-12"));
}

#[test]
fn who_lost_goods_gets_the_lead_time_that_a_policy_is_given() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let supply = shop.due("MUG", 9, "2026-08-12");
    let order = shop.order(ask("MUG", 2)).unwrap();
    shop.call_off(supply);
    assert_eq!(shop.parts(order), parts(&[(2, "?")]));
    let terms = Policy { lead_time_days: Some(20), promise_buffer_days: Some(0), ..policy() };
    shop.policy("MUG", "default", terms.clone());
    assert_eq!(shop.parts(order), parts(&[(2, "2026-08-23")]));
    assert_eq!(said(&shop, order).last().unwrap().1, "policy_set");
    let count = said(&shop, order).len();
    shop.policy("MUG", "default", Policy { lead_time_days: Some(30), ..terms });
    assert_eq!(said(&shop, order).len(), count, "a lead time is of the day on which it was given");
}

#[test]
fn a_location_that_takes_longer_makes_promises_from_there_anew() {
    let mut shop = CoreShop::open();
    shop.location("east", every_day());
    shop.sells("MUG");
    shop.stock("MUG", 1);
    shop.adjust("MUG", "east", 1).unwrap();
    shop.due("MUG", 9, "2026-08-12");
    let first = shop.order(ask("MUG", 1)).unwrap();
    let second = shop.order(ask("MUG", 1)).unwrap();
    let waits = shop.order(ask("MUG", 1).to("FR")).unwrap();
    let at = |shop: &CoreShop, order| shop.view(order).lines[0].parts[0].location.to_string();
    assert_eq!((at(&shop, first), at(&shop, second)), (CoreShop::MAIN.to_owned(), "east".to_owned()));
    shop.location(
        CoreShop::MAIN,
        LocationSettings { handling_days: 2, dock_to_stock_days: 1, ..every_day() },
    );
    assert_eq!(said(&shop, first), twice("2026-08-03", "2026-08-05", "location_set"));
    assert_eq!(said(&shop, waits), twice("2026-08-12", "2026-08-15", "location_set"));
    assert_eq!(said(&shop, second), once("2026-08-03"));
    let transit = vec![Transit {
        country: "FR".to_owned(),
        service: "standard".to_owned(),
        days_min: 2,
        days_max: 4,
        price: None,
    }];
    let slower = LocationSettings { handling_days: 2, dock_to_stock_days: 1, transit, ..every_day() };
    shop.location(CoreShop::MAIN, slower);
    let promises = &shop.order_of(waits).lines[0].promises;
    let dates: Vec<_> = promises.iter().map(|said| said.deliver_by.promised.unwrap().to_string()).collect();
    assert_eq!(dates, ["2026-08-12", "2026-08-15", "2026-08-19"]);
    assert_eq!(shop.order_of(first).lines[0].promises.len(), 2, "the parcel to nowhere takes no longer");
}

#[test]
fn who_waits_at_a_location_that_slows_down_moves_to_goods_that_come_earlier_now() {
    let mut shop = CoreShop::open();
    shop.location("east", LocationSettings { dock_to_stock_days: 9, ..every_day() });
    shop.sells("MUG");
    let mut east = testkit::core::supply("MUG", 9, "2026-08-10");
    east.location = model::id::LocationId::stored("east");
    shop.must(&model::command::Command::AddSupply(east));
    shop.due("MUG", 2, "2026-08-12");
    let orders: Vec<OrderId> = (0..3).map(|_| shop.order(ask("MUG", 1)).unwrap()).collect();
    assert_eq!(shop.parts(orders[2]), parts(&[(1, "2026-08-19")]));
    shop.location("east", every_day());
    assert_eq!(said(&shop, orders[0]), twice("2026-08-12", "2026-08-10", "location_set"));
    assert_eq!(said(&shop, orders[2]), twice("2026-08-19", "2026-08-10", "location_set"));
}
