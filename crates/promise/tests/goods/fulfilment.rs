//! Handing goods over to fulfilment, taking them back, and sending them.

use model::{
    Units,
    command::{Command, Release},
    event::Event,
    id::{LineId, LocationId, OrderId},
    item::Policy,
    location::LocationSettings,
    refusal::{RefusalCode, Rejection},
    view::LineState,
};
use testkit::{
    ask::{ask, instant, sku},
    core::{CoreShop, Done, policy},
};

use crate::{invalid, parts, refused};

const MAIN: &str = CoreShop::MAIN;

fn named(orders: &[OrderId]) -> Vec<LineId> {
    orders.iter().map(|order| LineId { order: *order, no: 1 }).collect()
}

/// Units of a line with fulfilment, as the order shows them.
fn with_fulfilment(shop: &CoreShop, order: OrderId, no: u16) -> Units {
    shop.view(order).lines[usize::from(no) - 1].released
}

#[test]
fn each_unit_is_handed_over_once_and_only_what_is_here() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 3);
    let due = shop.due("MUG", 9, "2026-08-12");
    let order = shop.order(ask("MUG", 5)).unwrap();
    assert_eq!(shop.release(MAIN), [(order, 1, 3)]);
    assert_eq!(shop.release(MAIN), []);
    assert_eq!(shop.release_lines(MAIN, named(&[order])), [], "whoever names it again gets nothing");
    let line = &shop.view(order).lines[0];
    assert_eq!((line.open, line.released, line.state), (5, 3, LineState::PartlyAllocated));
    shop.receive(due);
    assert_eq!(shop.release(MAIN), [(order, 1, 2)]);
    assert_eq!(with_fulfilment(&shop, order, 1), 5);
}

#[test]
fn the_oldest_ship_date_told_goes_first() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let late = shop.due("MUG", 1, "2026-08-20");
    let soon = shop.due("MUG", 1, "2026-08-05");
    let later = shop.order(ask("MUG", 1).by("2026-08-20")).unwrap();
    let sooner = shop.order(ask("MUG", 1)).unwrap();
    shop.at("2026-08-04T09:00:00Z");
    let owed = shop.order(ask("MUG", 1).already_owed()).unwrap();
    shop.at("2026-08-21T09:00:00Z");
    shop.receive(late);
    shop.receive(soon);
    shop.stock("MUG", 1);
    // Whom nothing was told counts by the day of the order.
    let turn: Vec<OrderId> = shop.release(MAIN).into_iter().map(|(order, ..)| order).collect();
    assert_eq!(turn, [owed, sooner, later]);
}

#[test]
fn only_what_is_at_the_place_is_handed_over_there() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let calendar = model::calendar::Calendar::every_day();
    shop.location("west", LocationSettings { calendar, ..LocationSettings::default() });
    shop.stock("MUG", 2);
    shop.adjust("MUG", "west", 3).unwrap();
    let order = shop.order(ask("MUG", 4)).unwrap();
    assert_eq!(shop.release("west"), [(order, 1, 2)]);
    assert_eq!(shop.release(MAIN), [(order, 1, 2)]);
    assert_eq!(shop.release("west"), []);
    let nowhere = Release {
        location: LocationId::stored("north"),
        carrier_cutoff: None,
        lines: Vec::new(),
        more: false,
    };
    assert_eq!(invalid(shop.run(&Command::Release(nowhere))), "unknown_location");
}

#[test]
fn an_order_that_ships_complete_is_handed_over_whole_or_not_at_all() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.sells("CUP");
    shop.stock("MUG", 5);
    let due = shop.due("CUP", 5, "2026-08-12");
    let whole = shop.order(ask("MUG", 2).and("CUP", 1).complete()).unwrap();
    let parted = shop.order(ask("MUG", 2).and("CUP", 1)).unwrap();
    assert_eq!(shop.release(MAIN), [(parted, 1, 2)]);
    shop.receive(due);
    // One of its lines was chosen: all of it goes.
    assert_eq!(shop.release_lines(MAIN, named(&[whole])), [(whole, 1, 2), (whole, 2, 1)]);
    assert_eq!(shop.release(MAIN), [(parted, 2, 1)]);
}

#[test]
fn a_kit_is_handed_over_as_far_as_all_of_it_is_here() {
    let mut shop = CoreShop::open();
    shop.sells("BOX");
    shop.sells("WICK");
    shop.kit("SET", &[("BOX", 1), ("WICK", 2)]);
    shop.stock("BOX", 9);
    shop.stock("WICK", 5);
    let due = shop.due("WICK", 9, "2026-08-12");
    let order = shop.order(ask("SET", 4)).unwrap();
    assert_eq!(shop.release(MAIN), [(order, 1, 2)]);
    let picks = |shop: &CoreShop| {
        let line = &shop.shop.orders[&order].lines[0];
        [line.released_of(&sku("BOX")), line.released_of(&sku("WICK"))]
    };
    assert_eq!(picks(&shop), [2, 4]);
    shop.receive(due);
    assert_eq!(shop.release(MAIN), [(order, 1, 2)]);
    assert_eq!(picks(&shop), [4, 8]);
}

#[test]
fn nothing_is_handed_over_before_its_release() {
    let mut shop = CoreShop::open();
    let release_date = Some(testkit::ask::date("2026-08-12"));
    shop.sells_as("GAME", Policy { release_date, ..policy() });
    shop.kit("BUNDLE", &[("GAME", 1)]);
    shop.stock("GAME", 5);
    let game = shop.order(ask("GAME", 1)).unwrap();
    let bundle = shop.order(ask("BUNDLE", 1)).unwrap();
    assert_eq!(shop.release(MAIN), []);
    let with_carrier = |shop: &mut CoreShop, at: &str| {
        let carrier_cutoff = Some(instant(at));
        let lines = shop.allocated(&LocationId::stored(MAIN));
        let location = LocationId::stored(MAIN);
        shop.run(&Command::Release(Release { location, carrier_cutoff, lines, more: false }))
    };
    let count = |done: Result<Done, Rejection>| done.unwrap().events.len();
    assert_eq!(count(with_carrier(&mut shop, "2026-08-11T23:59:00Z")), 0);
    assert_eq!(count(with_carrier(&mut shop, "2026-08-12T08:00:00Z")), 2);
    assert_eq!([game, bundle].map(|order| with_fulfilment(&shop, order, 1)), [1, 1]);
    assert_eq!(invalid(with_carrier(&mut shop, "2026-08-03T08:59:59Z")), "over");
}

#[test]
fn what_fulfilment_has_is_not_called_off() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 3);
    shop.due("MUG", 9, "2026-08-12");
    let order = shop.order(ask("MUG", 5)).unwrap();
    shop.release(MAIN);
    assert_eq!(refused(shop.cancel(order, &[])), (RefusalCode::Released, Some(2)));
    assert_eq!(refused(shop.cancel(order, &[(1, 3)])), (RefusalCode::Released, Some(2)));
    shop.cancel(order, &[(1, 2)]).unwrap();
    assert_eq!(shop.parts(order), parts(&[(3, "2026-08-03")]));
    let release = shop.last_release();
    shop.take_back(release, (order, 1, None), &[]).unwrap();
    shop.cancel(order, &[]).unwrap();
    assert_eq!(shop.view(order).state, LineState::Cancelled);
    assert_eq!(shop.shop.pools[&sku("MUG")].free_on_hand(), 3);
}

#[test]
fn what_fulfilment_has_is_not_taken_by_a_count_or_for_another() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 4);
    let first = shop.order(ask("MUG", 2)).unwrap();
    let second = shop.order(ask("MUG", 2)).unwrap();
    shop.release_lines(MAIN, named(&[second]));
    // The last come would lose it; but hers is packed, so the first loses one.
    shop.stock("MUG", -1);
    assert_eq!(shop.parts(first), parts(&[(1, "2026-08-03"), (1, "?")]));
    assert_eq!(shop.parts(second), parts(&[(2, "2026-08-03")]));
    assert_eq!(refused(shop.adjust("MUG", MAIN, -2)).0, RefusalCode::Released);
    shop.stock("MUG", -1);
    assert_eq!(refused(shop.adjust("MUG", MAIN, -1)).0, RefusalCode::Released);
    assert_eq!(shop.parts(first), parts(&[(2, "?")]));
}

#[test]
fn a_refused_pick_is_allocated_again_and_can_be_handed_over_again() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 5);
    let order = shop.order(ask("MUG", 5)).unwrap();
    shop.release(MAIN);
    let release = shop.last_release();
    let back = |shop: &mut CoreShop, units| shop.take_back(release, (order, 1, units), &[]);
    back(&mut shop, Some(2)).unwrap();
    assert_eq!(with_fulfilment(&shop, order, 1), 3);
    assert_eq!(refused(back(&mut shop, Some(4))), (RefusalCode::NotReleased, Some(3)));
    assert_eq!(shop.release(MAIN), [(order, 1, 2)]);
    let again = shop.last_release();
    assert_ne!(release, again);
    back(&mut shop, None).unwrap();
    assert_eq!(refused(back(&mut shop, None)), (RefusalCode::NotReleased, Some(0)));
    assert_eq!(with_fulfilment(&shop, order, 1), 2);
    shop.ship(order, &[]).unwrap();
    assert_eq!(refused(shop.take_back(again, (order, 1, None), &[])).0, RefusalCode::NotReleased);
}

#[test]
fn a_short_pick_leaves_the_stock_and_waits_for_other_goods() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 5);
    let order = shop.order(ask("MUG", 5)).unwrap();
    let due = shop.due("MUG", 9, "2026-08-12");
    shop.release(MAIN);
    let release = shop.last_release();
    let done = shop.take_back(release, (order, 1, Some(3)), &[("MUG", 2)]).unwrap();
    let kinds: Vec<&str> = shop.events[done.events].iter().map(Event::kind).collect();
    assert_eq!(kinds[..3], ["release_returned", "run_applied", "stock_adjusted"]);
    // One of the three is on the shelf, two packed, and two wait for what is due.
    assert_eq!(shop.parts(order), parts(&[(3, "2026-08-03"), (2, "2026-08-12")]));
    assert_eq!((with_fulfilment(&shop, order, 1), shop.release(MAIN)), (2, vec![(order, 1, 1)]));
    let on_hand: Units =
        shop.shop.pools[&sku("MUG")].supplies.iter().filter(|s| s.is_on_hand()).map(|s| s.quantity).sum();
    assert_eq!(on_hand, 3);
    let promises = &shop.shop.orders[&order].lines[0].promises;
    assert_eq!(promises.last().unwrap().cause.kind, "release_returned".into());
    shop.receive(due);
    assert_eq!(shop.release(MAIN), [(order, 1, 2)]);
}

#[test]
fn a_kit_that_lacks_a_component_comes_back_whole() {
    let mut shop = CoreShop::open();
    shop.sells("BOX");
    shop.sells("WICK");
    shop.kit("SET", &[("BOX", 1), ("WICK", 2)]);
    shop.stock("BOX", 3);
    shop.stock("WICK", 6);
    let order = shop.order(ask("SET", 3)).unwrap();
    shop.release(MAIN);
    let release = shop.last_release();
    shop.take_back(release, (order, 1, Some(1)), &[("WICK", 1)]).unwrap();
    let line = &shop.view(order).lines[0];
    assert_eq!((line.released, line.state), (2, LineState::PartlyAllocated));
    assert_eq!(shop.release(MAIN), [], "the third lacks its wick");
    shop.ship(order, &[]).unwrap();
    shop.stock("WICK", 1);
    assert_eq!(shop.release(MAIN), [(order, 1, 1)]);
}

#[test]
fn only_what_was_picked_comes_back_or_is_missing() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.sells("CUP");
    shop.stock("MUG", 3);
    let order = shop.order(ask("MUG", 3)).unwrap();
    shop.release(MAIN);
    let release = shop.last_release();
    assert_eq!(invalid(shop.take_back(release, (order, 2, None), &[])), "unknown_line");
    assert_eq!(invalid(shop.take_back(release, (order, 1, Some(2)), &[("CUP", 1)])), "not_of_line");
    assert_eq!(invalid(shop.take_back(release, (order, 1, Some(2)), &[("MUG", 3)])), "out_of_range");
    let twice = [("MUG", 1), ("MUG", 1)];
    assert_eq!(invalid(shop.take_back(release, (order, 1, Some(2)), &twice)), "duplicate");
    let none = model::id::ReleaseId(uuid::Uuid::from_u128(7));
    assert_eq!(refused(shop.take_back(none, (order, 1, None), &[])).0, RefusalCode::NotReleased);
    assert_eq!(with_fulfilment(&shop, order, 1), 3);
}

#[test]
fn what_fulfilment_has_ships_first() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.sells("CUP");
    shop.stock("MUG", 2);
    shop.stock("CUP", 1);
    let due = shop.due("MUG", 9, "2026-08-12");
    let order = shop.order(ask("MUG", 5).and("CUP", 1)).unwrap();
    shop.release_lines(MAIN, named(&[order]));
    shop.receive(due);
    let units = |shop: &CoreShop| shop.view(order).lines.iter().map(|line| line.shipped).collect::<Vec<_>>();
    shop.ship(order, &[(1, 1)]).unwrap();
    assert_eq!((with_fulfilment(&shop, order, 1), units(&shop)), (1, vec![1, 0]));
    // Nothing said: what fulfilment has, and not what came since.
    shop.ship(order, &[]).unwrap();
    assert_eq!((with_fulfilment(&shop, order, 1), units(&shop)), (0, vec![2, 0]));
    // It has nothing any more: all that is here.
    shop.ship(order, &[]).unwrap();
    assert_eq!((units(&shop), shop.view(order).state), (vec![5, 1], LineState::Shipped));
    assert_eq!(refused(shop.ship(order, &[])).0, RefusalCode::AlreadyShipped);
}

#[test]
fn a_customer_sends_back_no_more_than_was_sent() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.sells("CUP");
    shop.kit("PAIR", &[("CUP", 2)]);
    shop.stock("MUG", 3);
    shop.stock("CUP", 4);
    let order = shop.order(ask("MUG", 3).and("PAIR", 2)).unwrap();
    assert_eq!(refused(shop.sent_back(order, 1, "MUG", 1)), (RefusalCode::NotShipped, Some(0)));
    shop.ship(order, &[(1, 2), (2, 1)]).unwrap();
    shop.sent_back(order, 1, "MUG", 1).unwrap();
    assert_eq!(refused(shop.sent_back(order, 1, "MUG", 2)), (RefusalCode::NotShipped, Some(1)));
    shop.sent_back(order, 2, "CUP", 2).unwrap();
    assert_eq!(refused(shop.sent_back(order, 2, "CUP", 1)), (RefusalCode::NotShipped, Some(0)));
    assert_eq!(invalid(shop.sent_back(order, 1, "CUP", 1)), "not_of_line");
    assert_eq!(invalid(shop.sent_back(order, 3, "MUG", 1)), "unknown_line");
    assert_eq!(invalid(shop.sent_back(order, 1, "MUG", -1)), "out_of_range");
    assert_eq!([sku("MUG"), sku("CUP")].map(|sku| shop.shop.pools[&sku].free_on_hand()), [1, 2]);
    let line = &shop.shop.orders[&order].lines[0];
    assert_eq!((line.shipped, line.returned_of(&sku("MUG"))), (2, 1));
}
