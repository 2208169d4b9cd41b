//! Supplies that slip, fall short, are called off or arrive.

use model::{event::Event, id::OrderId, refusal::RefusalCode, view::LineState};
use testkit::{
    ask::{ask, sku},
    core::CoreShop,
};

use crate::{invalid, parts, refused};

#[test]
fn a_slip_moves_every_line_behind_it_and_leaves_what_was_said() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let supply = shop.due("MUG", 30, "2026-08-12");
    let orders: Vec<OrderId> = (0..30).map(|_| shop.order(ask("MUG", 1)).unwrap()).collect();
    let done = shop.slip(supply, "2026-08-26");
    for order in orders {
        assert_eq!(shop.parts(order), parts(&[(1, "2026-08-26")]));
        let promises = &shop.order_of(order).lines[0].promises;
        let dates: Vec<_> =
            promises.iter().map(|p| (p.version, p.ship_by.promised.unwrap().to_string())).collect();
        assert_eq!(dates, [(1, "2026-08-12".to_owned()), (2, "2026-08-26".to_owned())]);
        assert_eq!((&*promises[1].cause.kind, promises[1].cause.supply), ("supply_changed", Some(supply)));
        assert_eq!(promises[1].told_at, None, "the customer is still to be told");
    }
    let changed = shop.events[done.events].iter().filter(|event| event.kind() == "supply_changed").count();
    assert_eq!(changed, 1, "one row, whatever waits behind it");
}

#[test]
fn a_slip_moves_lines_to_another_supply_with_free_units() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let first = shop.due("MUG", 3, "2026-08-12");
    shop.due("MUG", 2, "2026-08-20");
    let orders: Vec<OrderId> = (0..3).map(|_| shop.order(ask("MUG", 1)).unwrap()).collect();
    shop.slip(first, "2026-09-12");
    assert_eq!(shop.parts(orders[0]), parts(&[(1, "2026-08-20")]));
    assert_eq!(shop.parts(orders[1]), parts(&[(1, "2026-08-20")]));
    assert_eq!(shop.parts(orders[2]), parts(&[(1, "2026-09-12")]));
    let told = shop.order_of(orders[0]).lines[0].promises.len();
    assert_eq!(told, 2, "one new promise, not one a step");
}

#[test]
fn a_supply_called_off_leaves_lines_promised_without_a_date() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let supply = shop.due("MUG", 3, "2026-08-12");
    let orders: Vec<OrderId> = (0..3).map(|_| shop.order(ask("MUG", 1)).unwrap()).collect();
    shop.call_off(supply);
    for order in &orders {
        assert_eq!(shop.parts(*order), parts(&[(1, "?")]));
        let last = shop.order_of(*order).lines[0].promises.last().unwrap().clone();
        assert_eq!((last.version, last.ship_by.promised, &*last.cause.kind), (2, None, "supply_cancelled"));
    }
    assert_eq!(refused(shop.order(ask("MUG", 1))).0, RefusalCode::NotAvailable);
    shop.due("MUG", 2, "2026-09-20");
    let dates: Vec<_> = orders.iter().map(|order| shop.parts(*order)[0].1.clone()).collect();
    assert_eq!(
        dates,
        [Some("2026-09-20".to_owned()), Some("2026-09-20".to_owned()), None],
        "the oldest first"
    );
    assert_eq!(refused(shop.resize(supply, 1)), (RefusalCode::SupplyClosed, None));
    shop.stock("MUG", 1);
    assert_eq!(shop.parts(orders[0]), parts(&[(1, "2026-08-03")]));
    assert_eq!(shop.parts(orders[2]), parts(&[(1, "2026-09-20")]));
}

#[test]
fn two_supplies_called_off_are_one_queue_oldest_first() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let late = shop.due("MUG", 2, "2026-09-02");
    let early = shop.due("MUG", 2, "2026-08-12");
    let orders: Vec<OrderId> = (0..4).map(|_| shop.order(ask("MUG", 1)).unwrap()).collect();
    shop.call_off(late);
    shop.call_off(early);
    shop.due("MUG", 2, "2026-10-01");
    let dated: Vec<bool> = orders.iter().map(|order| shop.parts(*order)[0].1.is_some()).collect();
    assert_eq!(dated, [true, true, false, false]);
}

#[test]
fn a_supply_called_off_is_made_up_by_a_lead_time_where_there_is_one() {
    let mut shop = CoreShop::open();
    let terms = model::item::Policy {
        lead_time_days: Some(10),
        promise_buffer_days: Some(0),
        ..testkit::core::policy()
    };
    shop.sells_as("MUG", terms);
    let supply = shop.due("MUG", 3, "2026-08-05");
    let orders: Vec<OrderId> = (0..5).map(|_| shop.order(ask("MUG", 1)).unwrap()).collect();
    shop.call_off(supply);
    for order in &orders {
        assert_eq!(shop.parts(*order), parts(&[(1, "2026-08-13")]));
    }
    assert_eq!(shop.shop.pools[&sku("MUG")].supplies.len(), 1, "today's lead time, once");
}

#[test]
fn a_loss_of_promised_stock_takes_the_last_comers_goods() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 5);
    let orders: Vec<OrderId> = (0..4).map(|_| shop.order(ask("MUG", 1)).unwrap()).collect();
    shop.stock("MUG", -3);
    let dates: Vec<_> = orders.iter().map(|order| shop.parts(*order)[0].1.is_some()).collect();
    assert_eq!(dates, [true, true, false, false]);
    assert_eq!(
        shop.order_of(orders[3]).lines[0].promises.last().unwrap().cause.kind.as_ref(),
        "stock_adjusted"
    );
    shop.due("MUG", 1, "2026-08-20");
    assert_eq!(shop.parts(orders[2]), parts(&[(1, "2026-08-20")]));
    assert_eq!(invalid(shop.adjust("MUG", CoreShop::MAIN, -3)), "not_there");
    shop.adjust("MUG", CoreShop::MAIN, -2).unwrap();
    shop.stock("MUG", 9);
    assert!(orders.iter().all(|order| shop.view(*order).state == LineState::Allocated));
}

#[test]
fn a_loss_that_only_carts_could_bear_is_refused() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 3);
    shop.hold(ask("MUG", 2).hold(60)).unwrap();
    assert_eq!(refused(shop.adjust("MUG", CoreShop::MAIN, -2)).0, RefusalCode::UnitsPromised);
    shop.adjust("MUG", CoreShop::MAIN, -1).unwrap();
    shop.at("2026-08-03T09:02:00Z");
    shop.adjust("MUG", CoreShop::MAIN, -2).unwrap();
}

#[test]
fn a_quantity_cut_below_what_is_promised_sends_the_last_comers_on() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let first = shop.due("MUG", 5, "2026-08-12");
    shop.due("MUG", 1, "2026-09-02");
    let orders: Vec<OrderId> = (0..5).map(|_| shop.order(ask("MUG", 1)).unwrap()).collect();
    let done = shop.resize(first, 3).unwrap();
    let runs = shop.events[done.events].iter().filter(|event| matches!(event, Event::RunApplied(_))).count();
    assert_eq!(runs, 2, "off the supply, and on to other goods");
    let dates: Vec<_> = orders.iter().map(|order| shop.parts(*order)[0].1.clone()).collect();
    let on = |text: &str| Some(text.to_owned());
    let [aug, sep] = [on("2026-08-12"), on("2026-09-02")];
    assert_eq!(dates, [aug.clone(), aug.clone(), aug, sep, None], "the older of the two gets what there is");
    let hold = shop.hold(ask("MUG", 1).hold(60));
    assert_eq!(refused(hold).0, RefusalCode::NotAvailable);
    shop.resize(first, 5).unwrap();
    let promised = orders.iter().filter(|order| shop.parts(**order) == parts(&[(1, "2026-08-12")])).count();
    assert_eq!(promised, 5);
}

#[test]
fn a_receipt_allocates_every_line_and_its_surplus_goes_to_the_next_queue() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let first = shop.due("MUG", 3, "2026-08-12");
    shop.due("MUG", 5, "2026-09-02");
    let orders: Vec<OrderId> = (0..5).map(|_| shop.order(ask("MUG", 1)).unwrap()).collect();
    shop.resize(first, 4).unwrap();
    shop.receive(first);
    assert!(orders[..4].iter().all(|order| shop.view(*order).state == LineState::Allocated));
    assert_eq!(shop.view(orders[4]).state, LineState::Backordered);
    assert_eq!(
        shop.order_of(orders[0]).lines[0].promises.last().unwrap().cause.kind.as_ref(),
        "supply_received"
    );
    assert_eq!(refused(shop.resize(first, 9)).0, RefusalCode::AlreadyReceived);
    let again = model::command::Receive::whole(first);
    assert_eq!(refused(shop.run(&model::command::Command::Receive(again))).0, RefusalCode::AlreadyReceived);
}
