//! Ring-fenced stock: 120 of 200 for FBA.

use model::{
    Units,
    command::{Command, FencedAt, RingFenceStock, Transfer},
    event::{Event, Refenced},
    id::{Channel, LocationId, SupplyId},
    item::{Policy, WhenOut},
    refusal::{RefusalCode, Rejection},
    supply::{Supply, SupplyState},
};
use testkit::{
    ask::{ask, sku},
    core::{CoreShop, Done, policy},
};

use crate::{parts, refused};

fn fence_on(shop: &mut CoreShop, at: FencedAt, channel: &str, units: Units) -> Result<Done, Rejection> {
    let channel = Channel::stored(channel);
    shop.run(&Command::RingFence(RingFenceStock { at, channel, units, if_match: None }))
}

fn fence(shop: &mut CoreShop, channel: &str, units: Units) -> Result<Done, Rejection> {
    let at = FencedAt::Location(sku("MUG"), LocationId::stored(CoreShop::MAIN));
    fence_on(shop, at, channel, units)
}

/// How many units are ring-fenced for FBA, of all supplies together in this state.
fn fenced(shop: &CoreShop, state: SupplyState) -> Units {
    let supplies = shop.shop.pools[&sku("MUG")].supplies.iter();
    supplies.filter(|supply| supply.state == state).map(|supply| supply.ring_fenced_for(&fba())).sum()
}

fn fba() -> Channel {
    Channel::stored("fba")
}

fn here(shop: &CoreShop) -> Units {
    fenced(shop, SupplyState::OnHand)
}

fn now(shop: &CoreShop, channel: &str) -> Units {
    shop.available(&ask("MUG", 1).on(channel).order()).unwrap().available_now
}

/// 200 mugs on the shelf, of which 120 are for FBA; nothing sells ahead.
fn shop() -> CoreShop {
    let mut shop = CoreShop::open();
    shop.sells_as("MUG", Policy { when_out: WhenOut::Refuse, ..Policy::default() });
    shop.stock("MUG", 200);
    fence(&mut shop, "fba", 120).unwrap();
    shop
}

#[test]
fn direct_orders_see_what_is_not_ring_fenced() {
    let mut shop = shop();
    assert_eq!((now(&shop, "web"), now(&shop, "fba")), (80, 200));
    assert_eq!(refused(shop.order(ask("MUG", 81))), (RefusalCode::NotAvailable, Some(80)));
    shop.order(ask("MUG", 80)).unwrap();
    assert_eq!(refused(shop.order(ask("MUG", 1).on("web"))), (RefusalCode::NotAvailable, Some(0)));
    assert_eq!(refused(shop.hold(ask("MUG", 1).hold(60))), (RefusalCode::NotAvailable, Some(0)));
    shop.order(ask("MUG", 120).on("fba")).unwrap();
    assert_eq!((now(&shop, "web"), now(&shop, "fba")), (0, 0));
}

#[test]
fn it_counts_down_as_the_channel_ships() {
    let mut shop = shop();
    let order = shop.order(ask("MUG", 35).on("fba")).unwrap();
    assert_eq!((here(&shop), now(&shop, "web")), (120, 80), "what it has claimed counts among them");
    shop.ship(order, &[]).unwrap();
    assert_eq!((here(&shop), now(&shop, "web"), now(&shop, "fba")), (85, 80, 165));
    let other = shop.order(ask("MUG", 10)).unwrap();
    shop.ship(other, &[]).unwrap();
    assert_eq!((here(&shop), now(&shop, "web")), (85, 70), "what others ship does not count");
    let all = shop.order(ask("MUG", 155).on("fba")).unwrap();
    shop.ship(all, &[]).unwrap();
    assert!(shop.shop.pools[&sku("MUG")].supplies.is_empty());
}

#[test]
fn a_channel_takes_its_own_units_before_those_that_anybody_may_have() {
    let mut shop = shop();
    let due = shop.due("MUG", 50, "2026-08-03");
    shop.receive(due);
    assert_eq!(now(&shop, "web"), 130);
    let order = shop.order(ask("MUG", 100).on("fba")).unwrap();
    assert_eq!(now(&shop, "web"), 130, "it is all of the shelf's 120");
    shop.ship(order, &[]).unwrap();
    assert_eq!((here(&shop), now(&shop, "web")), (20, 130));
}

#[test]
fn no_more_is_ring_fenced_than_others_have_left() {
    let mut shop = shop();
    shop.order(ask("MUG", 50)).unwrap();
    assert_eq!(refused(fence(&mut shop, "fba", 151)), (RefusalCode::NotAvailable, Some(150)));
    assert_eq!(refused(fence(&mut shop, "shop", 31)), (RefusalCode::NotAvailable, Some(30)));
    fence(&mut shop, "fba", 150).unwrap();
    assert_eq!(now(&shop, "web"), 0);
    let again = fence(&mut shop, "fba", 150).unwrap();
    assert!(again.events.is_empty(), "the same again changes nothing");
    fence(&mut shop, "fba", 0).unwrap();
    assert_eq!((here(&shop), now(&shop, "web")), (0, 150));
}

#[test]
fn a_tag_of_something_else_changes_nothing() {
    let mut shop = shop();
    let main = LocationId::stored(CoreShop::MAIN);
    let seen = promise::fenced_stock(&shop.shop.pools[&sku("MUG")], &main, None);
    assert_eq!(
        (seen.on_hand, seen.free, seen.ring_fenced[0].units, seen.ring_fenced[0].left),
        (200, 80, 120, 120)
    );
    let at = FencedAt::Location(sku("MUG"), main);
    let wish = RingFenceStock { at, channel: fba(), units: 100, if_match: Some(seen.tag) };
    shop.run(&Command::RingFence(wish.clone())).unwrap();
    let stale = shop.run(&Command::RingFence(RingFenceStock { units: 90, ..wish }));
    assert!(matches!(stale, Err(Rejection::Stale)), "{stale:?}");
    assert_eq!(here(&shop), 100);
}

#[test]
fn the_first_units_that_come_are_ring_fenced_first_and_the_rest_stays_so() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let due = shop.due("MUG", 500, "2026-08-12");
    fence_on(&mut shop, FencedAt::Supply(due), "fba", 120).unwrap();
    let direct = shop.order(ask("MUG", 40)).unwrap();
    assert_eq!(refused(shop.order(ask("MUG", 341))), (RefusalCode::NotAvailable, Some(340)));
    // The oldest line has its 40, the other 50 are for FBA.
    shop.receive_part(due, (90, 0), false).unwrap();
    assert_eq!((here(&shop), fenced(&shop, SupplyState::Due), now(&shop, "web")), (50, 70, 0));
    assert_eq!(shop.parts(direct), parts(&[(40, "2026-08-03")]));
    // All but ten of the rest come, and five of them are damaged.
    shop.receive_part(due, (395, 5), false).unwrap();
    assert_eq!((here(&shop), fenced(&shop, SupplyState::Due), now(&shop, "web")), (120, 0, 325));
}

#[test]
fn what_is_ring_fenced_and_damaged_is_so_when_it_is_good_after_all() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let due = shop.due("MUG", 10, "2026-08-12");
    fence_on(&mut shop, FencedAt::Supply(due), "fba", 10).unwrap();
    shop.receive_part(due, (6, 4), true).unwrap();
    assert_eq!((here(&shop), fenced(&shop, SupplyState::Quarantine)), (6, 4));
    let apart = shop.shop.pools[&sku("MUG")].supplies.iter().find(|s| s.state == SupplyState::Quarantine);
    let apart = apart.unwrap().id;
    shop.inspect(apart, 3, 1).unwrap();
    assert_eq!((here(&shop), now(&shop, "web"), now(&shop, "fba")), (9, 0, 9));
}

#[test]
fn a_receipt_that_is_undone_leaves_all_ring_fenced_as_it_was() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    let due = shop.due("MUG", 50, "2026-08-12");
    fence_on(&mut shop, FencedAt::Supply(due), "fba", 30).unwrap();
    shop.order(ask("MUG", 10).on("fba")).unwrap();
    let done = shop.receive_part(due, (20, 5), false).unwrap();
    assert_eq!((here(&shop), fenced(&shop, SupplyState::Due)), (20, 10));
    shop.must(&Command::UndoRun(model::id::RunId::of(done.id)));
    assert_eq!((here(&shop), fenced(&shop, SupplyState::Due)), (0, 30));
    // A slip says nothing of it: what was set since stays.
    let slip = shop.slip(due, "2026-08-20");
    fence_on(&mut shop, FencedAt::Supply(due), "fba", 25).unwrap();
    shop.must(&Command::UndoRun(model::id::RunId::of(slip.id)));
    assert_eq!(fenced(&shop, SupplyState::Due), 25);
}

#[test]
fn a_loss_takes_what_anybody_may_have_first_and_says_what_is_ring_fenced_then() {
    let mut shop = shop();
    shop.order(ask("MUG", 30).on("fba")).unwrap();
    shop.stock("MUG", -80);
    assert_eq!((here(&shop), now(&shop, "web")), (120, 0));
    let done = shop.adjust("MUG", CoreShop::MAIN, -50).unwrap();
    assert_eq!((here(&shop), now(&shop, "fba")), (70, 40));
    let fences = shop.events[done.events].iter().find_map(|event| match event {
        Event::StockAdjusted(adjusted) => Some(adjusted.ring_fenced.clone()),
        _ => None,
    });
    let [Refenced { before, now, .. }] = &fences.unwrap()[..] else { panic!("one supply") };
    assert_eq!((before[0].units, now[0].units), (120, 70));
}

#[test]
fn a_transfer_for_a_channel_takes_what_is_ring_fenced_for_it_and_stays_so_where_it_comes() {
    let mut shop = shop();
    shop.location("amazon", Default::default());
    shop.order(ask("MUG", 20)).unwrap();
    let send = |quantity, channel: Option<&str>| {
        Command::Transfer(Transfer {
            sku: sku("MUG"),
            from: LocationId::stored(CoreShop::MAIN),
            to: LocationId::stored("amazon"),
            quantity,
            expected_on: None,
            reference: None,
            channel: channel.map(Channel::stored),
        })
    };
    assert_eq!(refused(shop.run(&send(61, None))), (RefusalCode::NotAvailable, Some(60)));
    let done = shop.run(&send(100, Some("fba"))).unwrap();
    assert_eq!((here(&shop), now(&shop, "web")), (20, 60));
    let there = shop.shop.pools[&sku("MUG")].supply(SupplyId(done.id)).unwrap();
    assert_eq!((there.quantity, there.ring_fenced_for(&fba()), there.open()), (100, 100, 0));
    // Beyond its own it takes what anybody may have.
    shop.run(&send(70, Some("fba"))).unwrap();
    assert_eq!((here(&shop), now(&shop, "web")), (0, 10));
}

#[test]
fn units_ring_fenced_for_another_are_passed_by_and_go_to_whoever_stands_behind() {
    for rows_max in [1, 2, 500] {
        let mut shop = CoreShop::open();
        shop.rows_max = rows_max;
        shop.sells("MUG");
        shop.due("MUG", 40, "2026-09-02");
        let direct: Vec<_> = (0..5).map(|_| shop.order(ask("MUG", 2)).unwrap()).collect();
        let fba = shop.order(ask("MUG", 2).on("fba")).unwrap();
        let early = shop.due("MUG", 3, "2026-10-02");
        fence_on(&mut shop, FencedAt::Supply(early), "fba", 3).unwrap();
        shop.slip(early, "2026-08-12");
        assert_eq!(shop.parts(fba), parts(&[(2, "2026-08-12")]));
        for order in &direct {
            assert_eq!(shop.parts(*order), parts(&[(2, "2026-09-02")]), "nobody else has it");
        }
        // One is left, and is for everybody from now on: the oldest has it.
        fence_on(&mut shop, FencedAt::Supply(early), "fba", 0).unwrap();
        assert_eq!(shop.parts(direct[0]), parts(&[(1, "2026-08-12"), (1, "2026-09-02")]));
        assert_eq!(shop.parts(direct[1]), parts(&[(2, "2026-09-02")]));
    }
}

#[test]
fn who_moves_up_into_their_own_units_leaves_their_place_to_the_next() {
    for rows_max in [1, 2, 500] {
        let mut shop = CoreShop::open();
        shop.rows_max = rows_max;
        shop.sells("MUG");
        shop.due("MUG", 5, "2026-08-12");
        let fba = shop.order(ask("MUG", 5).on("fba")).unwrap();
        shop.due("MUG", 5, "2026-09-02");
        let direct: Vec<_> = (0..5).map(|_| shop.order(ask("MUG", 1)).unwrap()).collect();
        let own = shop.due("MUG", 5, "2026-10-02");
        fence_on(&mut shop, FencedAt::Supply(own), "fba", 4).unwrap();
        shop.slip(own, "2026-08-10");
        // Its four, and the one that anybody may have, which is the oldest's.
        assert_eq!(shop.parts(fba), parts(&[(5, "2026-08-10")]));
        for order in direct {
            assert_eq!(shop.parts(order), parts(&[(1, "2026-08-12")]));
        }
    }
}

#[test]
fn a_cart_of_the_channel_gives_nothing_ring_fenced_to_an_order_of_another() {
    let mut shop = shop();
    let own = shop.hold(ask("MUG", 120).on("fba").hold(600)).unwrap();
    shop.order(ask("MUG", 70)).unwrap();
    assert_eq!(refused(shop.order(ask("MUG", 11).using(own))), (RefusalCode::NotAvailable, Some(10)));
    shop.order(ask("MUG", 10).using(own)).unwrap();
    assert_eq!((now(&shop, "web"), now(&shop, "fba")), (0, 120));
}

#[test]
fn the_buffer_is_kept_from_what_anybody_may_have() {
    let mut shop = shop();
    shop.policy(
        "MUG",
        Channel::DEFAULT,
        Policy { when_out: WhenOut::Refuse, buffer: 10, ..Policy::default() },
    );
    assert_eq!((now(&shop, "web"), now(&shop, "fba")), (70, 190));
    fence(&mut shop, "fba", 200).unwrap();
    assert_eq!((now(&shop, "web"), now(&shop, "fba")), (0, 200));
}

#[test]
fn a_supply_that_is_called_off_or_gets_smaller_keeps_what_it_can() {
    let mut shop = CoreShop::open();
    shop.sells_as("MUG", policy());
    let due = shop.due("MUG", 50, "2026-08-12");
    fence_on(&mut shop, FencedAt::Supply(due), "fba", 30).unwrap();
    shop.order(ask("MUG", 10)).unwrap();
    shop.resize(due, 35).unwrap();
    assert_eq!(fenced(&shop, SupplyState::Due), 25);
    shop.call_off(due);
    let left: Vec<&Supply> = shop.shop.pools[&sku("MUG")].supplies.iter().map(|supply| &**supply).collect();
    assert!(left.iter().all(|supply| supply.ring_fenced.is_empty()), "{left:?}");
}
