//! Who moves up when units come free.

use model::{id::OrderId, item::Policy, location::LocationSettings, transit::Transit};
use testkit::{
    ask::ask,
    core::{CoreShop, policy},
};

use crate::{parts, refused};

/// Arrivals of 40 on 12 August and 40 on 2 September, and 45 queued.
fn two_arrivals() -> (CoreShop, Vec<OrderId>) {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.due("MUG", 40, "2026-08-12");
    shop.due("MUG", 40, "2026-09-02");
    let orders = (0..45).map(|_| shop.order(ask("MUG", 1)).unwrap()).collect();
    (shop, orders)
}

fn first_date(shop: &CoreShop, order: OrderId) -> String {
    shop.parts(order)[0].1.clone().unwrap()
}

#[test]
fn cancelled_units_move_the_oldest_up_and_the_next_shopper_gets_the_early_date() {
    for rows_max in [1, 2, 3, 500] {
        let (mut shop, orders) = two_arrivals();
        shop.rows_max = rows_max;
        let next = ask("MUG", 1).order();
        assert_eq!(shop.available(&next).unwrap().ship_by.promised.unwrap().to_string(), "2026-09-02");
        let dates =
            |shop: &CoreShop| -> Vec<String> { orders[6..].iter().map(|o| first_date(shop, *o)).collect() };
        for (n, order) in orders[..6].iter().enumerate() {
            let before = dates(&shop);
            shop.cancel(*order, &[]).unwrap();
            let after = dates(&shop);
            assert!(before.iter().zip(&after).all(|(before, after)| after <= before), "nobody is later");
            let moved = after[34..].iter().filter(|date| *date == "2026-08-12").count();
            assert_eq!(moved, (n + 1).min(5));
            assert!(after[34..34 + moved].iter().all(|date| date == "2026-08-12"), "the oldest first");
        }
        let answer = shop.available(&next).unwrap();
        assert_eq!(answer.ship_by.promised.unwrap().to_string(), "2026-08-12");
        assert_eq!(answer.label, "Ships by 12 Aug");
        let order = shop.order(ask("MUG", 1)).unwrap();
        assert_eq!(first_date(&shop, order), "2026-08-12");
        let last = shop.order(ask("MUG", 1)).unwrap();
        assert_eq!(first_date(&shop, last), "2026-09-02");
    }
}

#[test]
fn who_moves_up_is_promised_anew_and_keeps_what_was_said() {
    let (mut shop, orders) = two_arrivals();
    shop.cancel(orders[0], &[]).unwrap();
    let promises = &shop.order_of(orders[40]).lines[0].promises;
    let dates: Vec<_> = promises
        .iter()
        .map(|p| (p.version, p.ship_by.promised.unwrap().to_string(), p.told_at.is_some()))
        .collect();
    assert_eq!(dates, [(1, "2026-09-02".to_owned(), true), (2, "2026-08-12".to_owned(), false)]);
    assert_eq!((&*promises[1].cause.kind, promises[1].cause.order), ("line_cancelled", Some(orders[0])));
    assert_eq!(shop.order_of(orders[41]).lines[0].promises.len(), 1);
}

#[test]
fn while_a_pool_settles_a_newcomer_takes_nothing_before_its_queue() {
    let (mut shop, orders) = two_arrivals();
    shop.rounds_max = 0;
    for order in &orders[..6] {
        shop.cancel(*order, &[]).unwrap();
    }
    let newcomer = shop.order(ask("MUG", 1)).unwrap();
    assert_eq!(first_date(&shop, newcomer), "2026-09-02");
    shop.rounds_max = usize::MAX;
    shop.must(&model::command::Command::GoOn);
    assert!(orders[40..].iter().all(|order| first_date(&shop, *order) == "2026-08-12"));
    assert_eq!(first_date(&shop, newcomer), "2026-08-12", "the sixth unit is for the head of the queue");
    let next = shop.order(ask("MUG", 1)).unwrap();
    assert_eq!(first_date(&shop, next), "2026-09-02");
}

#[test]
fn an_order_edited_down_gives_its_latest_units_back_first() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 3);
    shop.due("MUG", 2, "2026-08-12");
    shop.due("MUG", 5, "2026-09-02");
    let order = shop.order(ask("MUG", 8)).unwrap();
    shop.cancel(order, &[(1, 4)]).unwrap();
    assert_eq!(shop.parts(order), parts(&[(3, "2026-08-03"), (1, "2026-08-12")]));
    let next = shop.order(ask("MUG", 2)).unwrap();
    assert_eq!(shop.parts(next), parts(&[(1, "2026-08-12"), (1, "2026-09-02")]));
}

#[test]
fn cancelling_never_makes_a_unit_appear_that_is_not_there() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 5);
    let order = shop.order(ask("MUG", 5)).unwrap();
    shop.ship(order, &[(1, 2)]).unwrap();
    shop.cancel(order, &[]).unwrap();
    assert_eq!(refused(shop.cancel(order, &[])).0, model::refusal::RefusalCode::AlreadyShipped);
    assert_eq!(refused(shop.order(ask("MUG", 4))).1, Some(3));
    // Called off between a supply's cancellation and its replacement: nothing to give back.
    let lost = shop.due("MUG", 4, "2026-08-20");
    let waits = shop.order(ask("MUG", 6)).unwrap();
    shop.call_off(lost);
    shop.cancel(waits, &[]).unwrap();
    assert_eq!(refused(shop.order(ask("MUG", 4))).1, Some(3));
    assert_eq!(shop.shop.pools[&testkit::ask::sku("MUG")].supplies.len(), 1, "an empty shortfall is closed");
}

#[test]
fn units_on_hand_go_to_who_waits_on_goods_overdue() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.due("MUG", 2, "2026-08-04");
    let order = shop.order(ask("MUG", 2)).unwrap();
    shop.at("2026-08-10T09:00:00Z");
    shop.stock("MUG", 1);
    assert_eq!(shop.parts(order), parts(&[(2, "2026-08-10")]));
    assert_eq!(shop.view(order).lines[0].parts[0].state, model::view::LineState::Allocated);
}

#[test]
fn units_pass_from_queue_to_queue_boundary_by_boundary() {
    for rows_max in [1, 2, 500] {
        let mut shop = CoreShop::open();
        shop.rows_max = rows_max;
        shop.sells("MUG");
        for on in ["2026-08-12", "2026-08-20", "2026-09-02"] {
            shop.due("MUG", 3, on);
        }
        let first = shop.order(ask("MUG", 3)).unwrap();
        let orders: Vec<OrderId> = (0..6).map(|_| shop.order(ask("MUG", 1)).unwrap()).collect();
        shop.cancel(first, &[(1, 2)]).unwrap();
        let dates: Vec<String> = orders.iter().map(|order| first_date(&shop, *order)).collect();
        let expect = ["2026-08-12", "2026-08-12", "2026-08-20", "2026-08-20", "2026-08-20", "2026-09-02"];
        assert_eq!(dates, expect, "{rows_max} lines a round");
    }
}

/// Sells mugs with a buffer of four to dealers, and with none to anybody else.
fn sells_to_dealers(shop: &mut CoreShop) {
    shop.sells("MUG");
    shop.policy("MUG", "dealers", Policy { buffer: 4, ..policy() });
}

fn dealer() -> testkit::ask::Ask {
    ask("MUG", 1).on("dealers")
}

#[test]
fn who_leaves_units_to_a_buffer_blocks_nobody_behind() {
    for rows_max in [1, 2, 3, 500] {
        let mut shop = CoreShop::open();
        shop.rows_max = rows_max;
        sells_to_dealers(&mut shop);
        shop.due("MUG", 20, "2026-09-02");
        let dealers: Vec<OrderId> = (0..7).map(|_| shop.order(dealer()).unwrap()).collect();
        let web: Vec<OrderId> = (0..3).map(|_| shop.order(ask("MUG", 1)).unwrap()).collect();
        let last = shop.order(dealer()).unwrap();
        shop.stock("MUG", 2);
        let dates =
            |orders: &[OrderId]| -> Vec<String> { orders.iter().map(|o| first_date(&shop, *o)).collect() };
        assert_eq!(dates(&web), ["2026-08-03", "2026-08-03", "2026-09-02"], "{rows_max} lines a round");
        assert!(dates(&dealers).iter().all(|date| date == "2026-09-02"));
        assert_eq!(first_date(&shop, last), "2026-09-02");
        assert!(shop.unsettled().is_empty());
        // Beyond the buffer the oldest come first again, whoever sold to them.
        shop.stock("MUG", 6);
        let dates =
            |orders: &[OrderId]| -> Vec<String> { orders.iter().map(|o| first_date(&shop, *o)).collect() };
        assert_eq!(dates(&dealers[..3]), ["2026-08-03", "2026-08-03", "2026-09-02"]);
        assert_eq!(dates(&web[2..]), ["2026-08-03"]);
    }
}

/// A second location, far from everybody but the French.
fn far_away() -> LocationSettings {
    let transit = |country: &str, days| Transit {
        country: country.to_owned(),
        service: "standard".to_owned(),
        days_min: days,
        days_max: days,
        price: None,
    };
    let calendar = model::calendar::Calendar::every_day();
    LocationSettings {
        calendar,
        transit: vec![transit("FR", 1), transit("*", 60)],
        ..LocationSettings::default()
    }
}

#[test]
fn whose_parcel_would_take_too_long_from_there_blocks_nobody_behind() {
    for rows_max in [1, 2, 500] {
        let mut shop = CoreShop::open();
        shop.rows_max = rows_max;
        shop.location("far", far_away());
        shop.sells("MUG");
        shop.due("MUG", 20, "2026-08-20");
        let here: Vec<OrderId> = (0..5).map(|_| shop.order(ask("MUG", 1).to("US")).unwrap()).collect();
        let french = shop.order(ask("MUG", 3).to("FR")).unwrap();
        shop.order(ask("MUG", 1).to("US")).unwrap();
        shop.adjust("MUG", "far", 2).unwrap();
        assert_eq!(
            shop.parts(french),
            parts(&[(2, "2026-08-03"), (1, "2026-08-20")]),
            "{rows_max} lines a round"
        );
        assert!(here.iter().all(|order| first_date(&shop, *order) == "2026-08-20"));
    }
}

#[test]
fn who_was_passed_comes_first_for_units_that_come_free_behind() {
    for rows_max in [1, 2, 3, 500] {
        let mut shop = CoreShop::open();
        shop.rows_max = rows_max;
        shop.location("far", far_away());
        shop.sells("MUG");
        shop.due("MUG", 4, "2026-08-20");
        shop.due("MUG", 9, "2026-09-20");
        let (us, fr) = (|| ask("MUG", 1).to("US"), ask("MUG", 1).to("FR"));
        let first: Vec<OrderId> = (0..3).map(|_| shop.order(us()).unwrap()).collect();
        let french = shop.order(fr).unwrap();
        let second: Vec<OrderId> = (0..4).map(|_| shop.order(us()).unwrap()).collect();
        shop.adjust("MUG", "far", 1).unwrap();
        assert_eq!(first_date(&shop, french), "2026-08-03", "{rows_max} lines a round");
        assert!(first.iter().all(|order| first_date(&shop, *order) == "2026-08-20"));
        let dates: Vec<String> = second.iter().map(|order| first_date(&shop, *order)).collect();
        assert_eq!(
            dates,
            ["2026-08-20", "2026-09-20", "2026-09-20", "2026-09-20"],
            "{rows_max} lines a round"
        );
    }
}

#[test]
fn who_lost_goods_gets_a_lead_time_wherever_in_the_queue() {
    for rows_max in [1, 2, 500] {
        let mut shop = CoreShop::open();
        shop.rows_max = rows_max;
        shop.sells("MUG");
        let terms = Policy { lead_time_days: Some(10), promise_buffer_days: Some(0), ..policy() };
        shop.policy("MUG", "made", terms);
        let supply = shop.due("MUG", 9, "2026-08-12");
        let plain: Vec<OrderId> = (0..4).map(|_| shop.order(ask("MUG", 1)).unwrap()).collect();
        let made = shop.order(ask("MUG", 2).on("made")).unwrap();
        shop.call_off(supply);
        assert_eq!(shop.parts(made), parts(&[(2, "2026-08-13")]), "{rows_max} lines a round");
        assert!(plain.iter().all(|order| shop.parts(*order) == parts(&[(1, "?")])));
    }
}

#[test]
fn a_search_goes_on_where_it_stood_and_withholds_nothing_meanwhile() {
    let mut shop = CoreShop::open();
    (shop.rows_max, shop.rounds_max) = (2, 1);
    sells_to_dealers(&mut shop);
    shop.due("MUG", 40, "2026-09-02");
    for _ in 0..10 {
        shop.order(dealer()).unwrap();
    }
    let web: Vec<OrderId> = (0..3).map(|_| shop.order(ask("MUG", 1)).unwrap()).collect();
    shop.stock("MUG", 3);
    let newcomer = shop.order(ask("MUG", 1)).unwrap();
    assert_eq!(first_date(&shop, newcomer), "2026-08-03", "what nobody is known to want is for sale");
    // Every command looks at two lines; those it goes on with stand behind ten that gain nothing.
    for found in [0, 0, 0, 1, 2] {
        let early = web.iter().filter(|order| first_date(&shop, **order) == "2026-08-03").count();
        assert!(early <= found, "{early} found");
        shop.must(&model::command::Command::GoOn);
    }
    let dates: Vec<String> = web.iter().map(|order| first_date(&shop, *order)).collect();
    assert_eq!(dates, ["2026-08-03", "2026-08-03", "2026-09-02"]);
    assert!(shop.unsettled().is_empty(), "and it ends");
}

#[test]
fn no_line_is_looked_at_where_none_can_gain() {
    let mut shop = CoreShop::open();
    sells_to_dealers(&mut shop);
    let first = shop.due("MUG", 9, "2026-08-12");
    let second = shop.due("MUG", 9, "2026-09-02");
    shop.order(ask("MUG", 12)).unwrap();
    let needed = |shop: &CoreShop| {
        let set = promise::Setting { shop: &shop.shop, now: shop.now, command: uuid::Uuid::nil() };
        let needed = promise::queues_needed(set, &testkit::ask::sku("MUG"));
        needed.iter().map(|need| (need.supply, need.units)).collect::<Vec<_>>()
    };
    assert_eq!(needed(&shop), [], "nothing is free");
    shop.rounds_max = 0;
    shop.slip(second, "2026-08-12");
    assert_eq!(needed(&shop), [], "the free units are delivered on the same day");
    shop.slip(second, "2026-09-02");
    shop.resize(first, 11).unwrap();
    assert_eq!(needed(&shop), [(second, 2)]);
    shop.policy("MUG", "default", Policy { buffer: 2, ..policy() });
    assert_eq!(needed(&shop), [], "they are kept back from everybody who waits");
    shop.resize(first, 12).unwrap();
    assert_eq!(needed(&shop), [(second, 3)]);
}
