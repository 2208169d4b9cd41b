//! What a new order gets.

use model::{
    item::{Cap, Policy},
    order::ShipChoice,
    refusal::{RefusalCode, Rejection},
    view::LineState,
};
use testkit::{
    ask::ask,
    core::{CoreShop, policy},
};

use crate::{parts, refused};

#[test]
fn a_hundred_in_stock_and_a_cap_of_fifty_sell_a_hundred_and_fifty() {
    let mut shop = CoreShop::open();
    shop.sells_as("MUG", Policy { backorder_cap: Cap::Limited(50), ..policy() });
    shop.stock("MUG", 100);
    shop.due("MUG", 1_000, "2026-09-02");
    let answers: Vec<_> = (0..400).map(|_| shop.order(ask("MUG", 1))).collect();
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 150);
    assert!(answers[..150].iter().all(Result::is_ok), "the first come are served");
    for answer in answers.into_iter().skip(150) {
        assert_eq!(refused(answer), (RefusalCode::CapReached, Some(0)));
    }
}

#[test]
fn a_cap_of_zero_means_none() {
    let mut shop = CoreShop::open();
    shop.sells_as("MUG", Policy { backorder_cap: Cap::Limited(0), ..policy() });
    shop.stock("MUG", 1);
    shop.due("MUG", 10, "2026-09-02");
    shop.order(ask("MUG", 1)).unwrap();
    assert_eq!(refused(shop.order(ask("MUG", 1))), (RefusalCode::CapReached, Some(0)));
}

#[test]
fn a_cap_only_limits_and_supplies_nothing() {
    for cap in [Cap::Unlimited, Cap::Limited(50), Cap::Supply] {
        let mut shop = CoreShop::open();
        shop.sells_as("MUG", Policy { backorder_cap: cap, ..policy() });
        shop.due("MUG", 2, "2026-09-02");
        shop.order(ask("MUG", 2)).unwrap();
        assert_eq!(refused(shop.order(ask("MUG", 1))), (RefusalCode::NotAvailable, Some(0)));
    }
}

#[test]
fn goods_that_arrive_make_room_under_the_cap() {
    let mut shop = CoreShop::open();
    shop.sells_as("MUG", Policy { backorder_cap: Cap::Limited(5), ..policy() });
    let first = shop.due("MUG", 5, "2026-08-20");
    shop.due("MUG", 5, "2026-09-02");
    shop.order(ask("MUG", 5)).unwrap();
    assert_eq!(refused(shop.order(ask("MUG", 1))).0, RefusalCode::CapReached);
    shop.receive(first);
    shop.order(ask("MUG", 5)).unwrap();
}

#[test]
fn three_on_hand_and_eight_ordered_are_three_now_and_five_later() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 3);
    shop.due("MUG", 20, "2026-08-20");
    let order = shop.order(ask("MUG", 8)).unwrap();
    assert_eq!(shop.parts(order), parts(&[(3, "2026-08-03"), (5, "2026-08-20")]));
    let line = &shop.view(order).lines[0];
    assert_eq!(line.state, LineState::PartlyAllocated);
    let states: Vec<_> = line.parts.iter().map(|part| (part.quantity, part.state)).collect();
    assert_eq!(states, [(3, LineState::Allocated), (5, LineState::Backordered)]);
    let told = line.told.as_ref().unwrap();
    assert_eq!(told.ship_by, line.ship_by, "the last unit's date is promised");
}

#[test]
fn ship_complete_gives_one_date() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.sells("CUP");
    shop.stock("MUG", 3);
    shop.stock("CUP", 9);
    shop.due("MUG", 20, "2026-08-20");
    let order = shop.order(ask("MUG", 8).and("CUP", 1).complete()).unwrap();
    assert_eq!(shop.view(order).ship, ShipChoice::Complete);
    assert_eq!(shop.parts(order), parts(&[(9, "2026-08-20")]));
    let promised: Vec<_> = shop
        .order_of(order)
        .lines
        .iter()
        .map(|line| line.promises[0].ship_by.promised.unwrap().to_string())
        .collect();
    assert_eq!(promised, ["2026-08-20", "2026-08-20"]);
}

#[test]
fn all_or_nothing_by_an_impossible_date_refuses_and_changes_nothing() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.sells("CUP");
    shop.stock("MUG", 3);
    shop.stock("CUP", 3);
    shop.due("MUG", 20, "2026-08-20");
    let before = shop.shop.pools.clone();
    let answer = shop.order(ask("CUP", 1).and("MUG", 8).not_after("2026-08-19"));
    let Err(Rejection::Refused(refusal)) = answer else { panic!("accepted") };
    assert_eq!(refusal.code, RefusalCode::TooLate);
    assert_eq!((refusal.line, refusal.available), (Some(2), Some(3)));
    assert_eq!(refusal.earliest.unwrap().to_string(), "2026-08-20");
    assert_eq!(shop.shop.pools, before);
    assert!(shop.shop.orders.is_empty());
    assert_eq!(shop.events.last().unwrap().kind(), "order_refused");
}

#[test]
fn accept_partial_takes_what_can_be_had() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.sells("CUP");
    shop.stock("MUG", 3);
    shop.due("MUG", 20, "2026-08-20");
    let wish = ask("MUG", 8).and("CUP", 2).not_after("2026-08-19").partial().order();
    let done = shop.run(&model::command::Command::PlaceOrder(Box::new(wish))).unwrap();
    let order = model::id::OrderId(done.id);
    assert_eq!(shop.parts(order), parts(&[(3, "2026-08-03")]));
    let refused: Vec<_> = done.refused.iter().map(|units| (units.line, units.quantity, units.code)).collect();
    assert_eq!(refused, [(1, 5, RefusalCode::TooLate), (2, 2, RefusalCode::NotAvailable)]);
    let kinds: Vec<_> = shop.events[done.events].iter().map(model::event::Event::kind).collect();
    assert_eq!(kinds, ["order_placed", "promise_given", "order_refused", "order_refused"]);
}

#[test]
fn a_newcomer_never_takes_from_a_promise_whatever_its_class() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.policy("MUG", "wholesale", policy());
    shop.stock("MUG", 3);
    shop.due("MUG", 5, "2026-08-20");
    let order = shop.order(ask("MUG", 8)).unwrap();
    for newcomer in
        [ask("MUG", 1).in_group("vip"), ask("MUG", 1).on("wholesale"), ask("MUG", 1).by("2026-08-04")]
    {
        assert_eq!(refused(shop.order(newcomer)).0, RefusalCode::NotAvailable);
    }
    assert_eq!(shop.parts(order), parts(&[(3, "2026-08-03"), (5, "2026-08-20")]));
}

#[test]
fn two_lines_of_one_sku_never_take_the_same_unit() {
    let mut shop = CoreShop::open();
    shop.sells_as("MUG", Policy { backorder_cap: Cap::Limited(2), ..policy() });
    shop.stock("MUG", 3);
    shop.due("MUG", 9, "2026-08-20");
    assert_eq!(refused(shop.order(ask("MUG", 2).and("MUG", 4))), (RefusalCode::CapReached, Some(3)));
    let order = shop.order(ask("MUG", 2).and("MUG", 3)).unwrap();
    assert_eq!(shop.parts(order), parts(&[(3, "2026-08-03"), (2, "2026-08-20")]));
}

#[test]
fn a_requested_date_takes_the_latest_supply_that_meets_it_and_leaves_the_early_one_free() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 5);
    shop.due("MUG", 5, "2026-08-12");
    shop.due("MUG", 5, "2026-08-20");
    shop.due("MUG", 5, "2026-09-02");
    let order = shop.order(ask("MUG", 7).by("2026-08-25")).unwrap();
    assert_eq!(shop.parts(order), parts(&[(2, "2026-08-12"), (5, "2026-08-20")]));
    let next = shop.order(ask("MUG", 8)).unwrap();
    assert_eq!(shop.parts(next), parts(&[(5, "2026-08-03"), (3, "2026-08-12")]));
    shop.order(ask("MUG", 1).by("2026-08-01")).unwrap();
}

#[test]
fn units_that_come_free_are_not_forced_on_who_wants_them_later() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.due("MUG", 1, "2026-08-12");
    shop.due("MUG", 1, "2026-08-20");
    shop.due("MUG", 1, "2026-09-02");
    let early = shop.order(ask("MUG", 1)).unwrap();
    let later = shop.order(ask("MUG", 1).by("2026-08-25")).unwrap();
    let soon = shop.order(ask("MUG", 1)).unwrap();
    shop.cancel(early, &[]).unwrap();
    assert_eq!(shop.parts(later), parts(&[(1, "2026-08-20")]));
    assert_eq!(shop.parts(soon), parts(&[(1, "2026-08-12")]));
}

#[test]
fn undated_supply_is_not_sold_until_somebody_dates_it() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let supply = shop.due("MUG", 5, "2026-08-12");
    let undate = model::command::ChangeSupply { supply, expected_on: Some(None), quantity: None };
    shop.must(&model::command::Command::ChangeSupply(undate));
    assert_eq!(refused(shop.order(ask("MUG", 1))), (RefusalCode::NotAvailable, Some(0)));
    shop.slip(supply, "2026-08-19");
    let order = shop.order(ask("MUG", 1)).unwrap();
    assert_eq!(shop.parts(order), parts(&[(1, "2026-08-19")]));
}

#[test]
fn already_owed_orders_wait_on_the_shortfall_and_are_served_before_newcomers() {
    let mut shop = CoreShop::open();
    shop.sells_as("MUG", Policy { backorder_cap: Cap::Limited(0), ..Policy::default() });
    shop.stock("MUG", 2);
    let owed = shop.order(ask("MUG", 5).already_owed()).unwrap();
    let bound = shop.order(ask("MUG", 1).not_after("2026-08-04").already_owed()).unwrap();
    assert_eq!(shop.parts(owed), parts(&[(2, "2026-08-03"), (3, "?")]));
    assert_eq!(shop.parts(bound), parts(&[(1, "?")]));
    assert!(shop.order_of(owed).lines[0].told().is_none(), "what was said before is not ours to tell");
    shop.stock("MUG", 3);
    assert_eq!(refused(shop.order(ask("MUG", 1))).0, RefusalCode::NotAvailable);
    assert_eq!(shop.parts(owed), parts(&[(5, "2026-08-03")]));
    assert_eq!(shop.parts(bound), parts(&[(1, "?")]));
    shop.stock("MUG", 2);
    assert_eq!(shop.parts(bound), parts(&[(1, "2026-08-03")]));
    shop.order(ask("MUG", 1)).unwrap();
}
