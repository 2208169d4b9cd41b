//! SKUs that are made of others.

use model::{
    item::{Cap, Item, Policy},
    refusal::{RefusalCode, Rejection},
    view::{AvailabilityState, LineState},
};
use testkit::{
    ask::{ask, sku},
    core::{CoreShop, item, policy},
};

use crate::{invalid, parts, refused};

/// A set of one A and two B, sold as its components are.
fn set_of_a_and_two_b() -> CoreShop {
    let mut shop = CoreShop::open();
    shop.sells("A");
    shop.sells("B");
    shop.kit("SET", &[("A", 1), ("B", 2)]);
    shop
}

#[test]
fn a_kit_comes_when_its_latest_component_does() {
    let mut shop = set_of_a_and_two_b();
    shop.stock("A", 10);
    shop.due("B", 10, "2026-08-20");
    let order = shop.order(ask("SET", 2)).unwrap();
    assert_eq!(shop.parts(order), parts(&[(2, "2026-08-20")]));
    let line = &shop.view(order).lines[0];
    assert_eq!(line.state, LineState::Backordered);
    let of_each: Vec<_> =
        line.components.iter().map(|c| (c.sku.as_str(), c.parts[0].quantity, c.parts[0].state)).collect();
    assert_eq!(of_each, [("A", 2, LineState::Allocated), ("B", 4, LineState::Backordered)]);
}

#[test]
fn selling_a_component_alone_lowers_the_kit() {
    let mut shop = set_of_a_and_two_b();
    shop.stock("A", 10);
    shop.stock("B", 7);
    let three = ask("SET", 3).order();
    assert_eq!(shop.available(&three).unwrap().available_now, 3);
    shop.order(ask("B", 2)).unwrap();
    let answer = shop.available(&three).unwrap();
    assert_eq!((answer.available_now, answer.available_later), (2, Some(0)));
    let Err(Rejection::Refused(refusal)) = shop.order(ask("SET", 3)) else { panic!("accepted") };
    assert_eq!(
        (refusal.code, refusal.available, refusal.sku),
        (RefusalCode::NotAvailable, Some(2), Some(sku("B")))
    );
}

#[test]
fn no_component_is_promised_twice_within_one_cart() {
    let mut shop = set_of_a_and_two_b();
    shop.stock("A", 10);
    shop.stock("B", 5);
    assert_eq!(refused(shop.order(ask("SET", 2).and("B", 2))), (RefusalCode::NotAvailable, Some(1)));
    assert_eq!(refused(shop.order(ask("B", 2).and("SET", 2))), (RefusalCode::NotAvailable, Some(1)));
    shop.order(ask("SET", 1).and("B", 1).and("SET", 1)).unwrap();
    assert_eq!(shop.shop.pools[&sku("B")].free_on_hand(), 0);
}

#[test]
fn kits_are_three_now_and_five_later() {
    let mut shop = set_of_a_and_two_b();
    shop.stock("A", 5);
    shop.stock("B", 7);
    shop.due("A", 9, "2026-08-12");
    shop.due("B", 99, "2026-08-20");
    let order = shop.order(ask("SET", 8)).unwrap();
    let line = &shop.view(order).lines[0];
    let states: Vec<_> = line.parts.iter().map(|part| (part.quantity, part.state)).collect();
    assert_eq!(states, [(3, LineState::Allocated), (5, LineState::Backordered)]);
    assert_eq!(shop.parts(order), parts(&[(3, "2026-08-03"), (5, "2026-08-20")]));
}

#[test]
fn a_part_of_an_order_for_kits_has_the_dates_of_that_part() {
    let mut shop = set_of_a_and_two_b();
    shop.stock("A", 3);
    shop.stock("B", 6);
    shop.due("A", 9, "2026-08-12");
    let answer = shop.available(&ask("SET", 5).order()).unwrap();
    assert_eq!(answer.state, AvailabilityState::Limited);
    assert_eq!(answer.ship_by.promised.unwrap().to_string(), "2026-08-03");
    let order = shop.order(ask("SET", 5).partial()).unwrap();
    assert_eq!(shop.parts(order), parts(&[(3, "2026-08-03")]));
}

#[test]
fn a_kits_cap_follows_its_components_unless_set() {
    let mut shop = set_of_a_and_two_b();
    shop.policy("B", "default", Policy { backorder_cap: Cap::Limited(5), ..policy() });
    shop.stock("A", 99);
    shop.due("B", 99, "2026-08-20");
    assert_eq!(refused(shop.order(ask("SET", 3))), (RefusalCode::CapReached, Some(2)));
    shop.order(ask("SET", 2)).unwrap();
    assert_eq!(refused(shop.order(ask("B", 2))), (RefusalCode::CapReached, Some(1)));
    shop.policy("SET", "default", Policy { backorder_cap: Cap::Limited(4), ..policy() });
    assert_eq!(refused(shop.order(ask("SET", 3))), (RefusalCode::CapReached, Some(2)));
    shop.order(ask("SET", 2)).unwrap();
    assert_eq!(refused(shop.order(ask("SET", 1).and("B", 1))), (RefusalCode::CapReached, Some(0)));
}

#[test]
fn a_kit_with_a_policy_of_its_own_that_refuses_sells_from_stock_alone() {
    let mut shop = set_of_a_and_two_b();
    shop.policy("SET", "default", Policy::default());
    shop.stock("A", 9);
    shop.stock("B", 2);
    shop.due("B", 9, "2026-08-20");
    assert_eq!(refused(shop.order(ask("SET", 2))), (RefusalCode::NotAvailable, Some(1)));
    shop.order(ask("B", 3)).unwrap();
}

#[test]
fn a_kit_that_is_discontinued_or_has_a_part_that_is_sells_from_stock_alone() {
    for gone in ["SET", "B"] {
        for own_terms in [false, true] {
            let mut shop = set_of_a_and_two_b();
            shop.stock("A", 9);
            shop.stock("B", 2);
            shop.due("B", 9, "2026-08-20");
            if own_terms {
                shop.policy("SET", "default", policy());
            }
            let described = (*shop.shop.pools[&sku(gone)].item).clone();
            shop.item(Item { discontinued: true, ..described });
            assert_eq!(refused(shop.order(ask("SET", 2))), (RefusalCode::NotAvailable, Some(1)), "{gone}");
            shop.order(ask("SET", 1)).unwrap();
        }
    }
}

#[test]
fn a_part_of_a_kit_line_called_off_gives_back_the_latest_of_each_component() {
    let mut shop = set_of_a_and_two_b();
    shop.stock("A", 1);
    shop.stock("B", 4);
    shop.due("A", 9, "2026-08-12");
    shop.due("B", 9, "2026-08-20");
    let order = shop.order(ask("SET", 3)).unwrap();
    assert_eq!(shop.parts(order), parts(&[(1, "2026-08-03"), (1, "2026-08-12"), (1, "2026-08-20")]));
    shop.cancel(order, &[(1, 1)]).unwrap();
    assert_eq!(shop.parts(order), parts(&[(1, "2026-08-03"), (1, "2026-08-12")]));
    shop.ship(order, &[]).unwrap();
    assert_eq!(shop.parts(order), parts(&[(1, "2026-08-12")]));
    assert_eq!(refused(shop.ship(order, &[(1, 1)])), (RefusalCode::NotAllocated, Some(0)));
    shop.cancel(order, &[]).unwrap();
    assert_eq!(refused(shop.order(ask("B", 12))).1, Some(11));
}

#[test]
fn an_order_keeps_the_recipe_it_was_placed_with() {
    let mut shop = set_of_a_and_two_b();
    shop.stock("A", 9);
    shop.stock("B", 9);
    let order = shop.order(ask("SET", 1)).unwrap();
    shop.kit("SET", &[("A", 2)]);
    shop.ship(order, &[]).unwrap();
    let left = |code| shop.shop.pools[&sku(code)].free_on_hand();
    assert_eq!((left("A"), left("B")), (8, 7));
}

#[test]
fn a_kit_is_made_of_known_skus_that_are_none_themselves() {
    let mut shop = set_of_a_and_two_b();
    let mut put = |code: &str, parts: &[&str]| {
        let part = |code: &&str| model::item::Component { sku: sku(code), quantity: 1 };
        let item = Item { components: parts.iter().map(part).collect(), ..item(code) };
        invalid(shop.run(&model::command::Command::PutItem(model::command::PutItem { item, if_match: None })))
    };
    assert_eq!(put("BOX", &["NONE"]), "unknown_sku");
    assert_eq!(put("BOX", &["SET"]), "is_a_kit");
    assert_eq!(put("BOX", &["A", "A"]), "duplicate");
    assert_eq!(put("SET", &["SET"]), "is_itself");
    shop.stock("A", 1);
    let item = Item { components: vec![model::item::Component { sku: sku("B"), quantity: 1 }], ..item("A") };
    let put = model::command::PutItem { item, if_match: None };
    assert_eq!(invalid(shop.run(&model::command::Command::PutItem(put))), "has_supplies");
    assert_eq!(invalid(shop.adjust("SET", CoreShop::MAIN, 1)), "is_a_kit");
}
