//! Sending what is here.

use model::{refusal::RefusalCode, view::LineState};
use testkit::{
    ask::{ask, sku},
    core::CoreShop,
};

use crate::{invalid, parts, refused};

#[test]
fn only_what_is_here_ships() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 3);
    let due = shop.due("MUG", 9, "2026-08-12");
    let order = shop.order(ask("MUG", 5)).unwrap();
    assert_eq!(refused(shop.ship(order, &[(1, 4)])), (RefusalCode::NotAllocated, Some(3)));
    shop.ship(order, &[(1, 1)]).unwrap();
    shop.ship(order, &[]).unwrap();
    assert_eq!(refused(shop.ship(order, &[])).0, RefusalCode::NotAllocated);
    let line = &shop.view(order).lines[0];
    assert_eq!((line.open, line.shipped, line.state), (2, 3, LineState::Backordered));
    assert_eq!(shop.parts(order), parts(&[(2, "2026-08-12")]));
    shop.receive(due);
    shop.ship(order, &[]).unwrap();
    assert_eq!(shop.view(order).state, LineState::Shipped);
    assert_eq!(shop.shop.pools[&sku("MUG")].free_on_hand(), 7);
}

#[test]
fn the_ledger_alone_says_what_is_on_hand() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 5);
    let due = shop.due("MUG", 10, "2026-08-12");
    let order = shop.order(ask("MUG", 8)).unwrap();
    shop.receive(due);
    shop.ship(order, &[(1, 6)]).unwrap();
    shop.stock("MUG", -3);
    let mut on_hand = 0;
    for event in &shop.events {
        on_hand += match event {
            model::event::Event::SupplyReceived(receipt) => receipt.accepted,
            model::event::Event::StockAdjusted(adjusted) => adjusted.delta,
            model::event::Event::Shipped(shipped) => {
                -shipped.lines.iter().flat_map(|line| &line.from).map(|peg| peg.quantity).sum::<i64>()
            }
            _ => 0,
        };
    }
    let lots = &shop.shop.pools[&sku("MUG")].supplies;
    assert_eq!((on_hand, lots.iter().map(|lot| lot.quantity).sum::<i64>()), (6, 6));
}

#[test]
fn stock_that_is_gone_leaves_no_empty_shelf_behind() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    for _ in 0..3 {
        let due = shop.due("MUG", 5, "2026-08-12");
        shop.receive(due);
        shop.stock("MUG", -5);
    }
    assert!(shop.shop.pools[&sku("MUG")].supplies.is_empty());
    shop.stock("MUG", 1);
    let order = shop.order(ask("MUG", 1)).unwrap();
    shop.ship(order, &[]).unwrap();
    assert!(shop.shop.pools[&sku("MUG")].supplies.is_empty());
}

#[test]
fn lines_are_named_once_and_are_the_orders_own() {
    let mut shop = CoreShop::open();
    shop.sells("MUG");
    shop.stock("MUG", 5);
    let order = shop.order(ask("MUG", 2)).unwrap();
    assert_eq!(invalid(shop.ship(order, &[(2, 1)])), "unknown_line");
    assert_eq!(invalid(shop.ship(order, &[(1, 1), (1, 1)])), "duplicate");
    assert_eq!(invalid(shop.cancel(order, &[(2, 1)])), "unknown_line");
    assert_eq!(invalid(shop.cancel(order, &[(1, 1), (1, 1)])), "duplicate");
    assert_eq!(refused(shop.cancel(order, &[(1, 3)])), (RefusalCode::AlreadyCancelled, Some(2)));
    shop.cancel(order, &[]).unwrap();
    assert_eq!(shop.events.last().unwrap().kind(), "order_cancelled");
    assert_eq!(refused(shop.cancel(order, &[])).0, RefusalCode::AlreadyCancelled);
}
