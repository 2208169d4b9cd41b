//! Receipts that very many lines wait for: booked in part by part.

use model::{
    command::{ChangeSupply, Command, Receive},
    id::{OrderId, RunId, SupplyId},
    refusal::{RefusalCode, Rejection},
    view::SupplyChange,
};
use testkit::{
    ask::{ask, sku},
    core::supply,
};

use super::House;
use crate::{Answer, Detail, Request, execute::execute};

fn expecting(units: i64, waiting: usize) -> (House, SupplyId, Vec<OrderId>) {
    let mut house = House::open();
    house.sells("MUG");
    let Answer::SupplyAdded(due) = house.run(Command::AddSupply(supply("MUG", units, "2026-09-02"))) else {
        panic!("a supply is entered");
    };
    let orders = house.orders(waiting, &ask("MUG", 1));
    (house, due.view.supply.id, orders)
}

fn receive(house: &mut House, wish: Receive) -> SupplyChange {
    match house.run(Command::Receive(wish)) {
        Answer::SupplyChanged(change) => change,
        other => panic!("{other:?}"),
    }
}

fn refusal(house: &mut House, command: Command) -> RefusalCode {
    let (tenant, now, id) = (house.tenant.clone(), house.now, house.stamps.next(house.now));
    let request = Request { tenant, now, id, command, key: None, detail: Detail::Full };
    match execute(&mut house.working(), &request).unwrap().outcome {
        Err(Rejection::Refused(refusal)) => refusal.code,
        other => panic!("{other:?}"),
    }
}

/// Orders from the first on that have their goods.
fn allocated(house: &House, orders: &[OrderId]) -> usize {
    let pool = house.store.reader().unwrap().pools(&house.tenant, &[sku("MUG")]).unwrap().remove(0);
    let here = |order: &&OrderId| {
        let line = &house.order(**order).lines[0];
        line.pegs.iter().all(|peg| pool.supply(peg.supply).is_some_and(|supply| supply.is_on_hand()))
    };
    orders.iter().take_while(here).count()
}

fn part(supply: SupplyId, accepted: i64, damaged: i64, close: bool) -> Receive {
    Receive { accepted: Some(accepted), damaged, close, ..Receive::whole(supply) }
}

#[test]
fn a_part_that_very_many_wait_for_is_booked_in_steps_over_kills() {
    let (mut house, due, orders) = expecting(2_000, 1_500);
    let before = orders.iter().map(|order| house.order(*order)).collect::<Vec<_>>();
    let answer = receive(&mut house, part(due, 1_300, 10, false));
    let arrived = answer.arrived.clone().unwrap();
    assert_eq!((arrived.accepted, arrived.damaged, arrived.in_progress), (1_300, 10, 1_200));
    assert_eq!((answer.allocated, answer.still_due), (Some(1_300), Some(690)));
    assert_eq!(allocated(&house, &orders), 100, "the oldest at once");

    let slip = ChangeSupply { supply: due, expected_on: None, quantity: Some(1) };
    assert_eq!(refusal(&mut house, Command::ChangeSupply(slip)), RefusalCode::RunInProgress);
    assert_eq!(refusal(&mut house, Command::Receive(part(due, 5, 0, false))), RefusalCode::RunInProgress);
    assert_eq!(refusal(&mut house, Command::UndoRun(answer.run)), RefusalCode::RunInProgress);
    for booked in [600, 1_100, 1_300] {
        house.kill();
        assert!(house.step());
        assert_eq!(allocated(&house, &orders), booked);
        house.verify();
    }
    // Those behind it are promised anew.
    while house.step() {}
    let rest = house.store.reader().unwrap().supply(&house.tenant, due).unwrap().unwrap();
    assert_eq!((rest.quantity, rest.pegged()), (690, 200));

    let Answer::RunUndone(undone, _) = house.run(Command::UndoRun(answer.run)) else {
        panic!("it is undone")
    };
    assert_eq!((undone.supply.supply.quantity, undone.supply.pegged), (2_000, 1_500));
    while house.step() {}
    house.verify();
    for (order, before) in orders.iter().zip(before) {
        assert_eq!(house.order(*order).lines[0].pegs, before.lines[0].pegs);
    }
}

#[test]
fn what_comes_short_for_very_many_leaves_the_last_of_them_on_the_list_of_what_was_lost() {
    let (mut house, due, orders) = expecting(1_500, 1_500);
    receive(&mut house, part(due, 700, 0, true));
    while house.step() {}
    assert_eq!(allocated(&house, &orders), 700);
    house.verify();
    let lost = house.store.reader().unwrap().supply(&house.tenant, due).unwrap().unwrap();
    assert_eq!((lost.kind.as_str(), lost.pegged()), ("shortfall", 800));
}

#[test]
fn lines_called_off_meanwhile_leave_their_units_free() {
    let (mut house, due, orders) = expecting(1_000, 400);
    let answer = receive(&mut house, part(due, 390, 0, false));
    for order in &orders[200..250] {
        house.cancel(*order);
    }
    while house.step() {}
    assert_eq!(allocated(&house, &orders[..200]), 200);
    assert_eq!(allocated(&house, &orders[250..]), 150);
    let lot = answer.arrived.unwrap().on_hand.unwrap();
    let lot = house.store.reader().unwrap().supply(&house.tenant, lot).unwrap().unwrap();
    assert_eq!((lot.quantity, lot.free()), (390, 40));
    house.verify();
    assert_eq!(RunId::of(answer.run.0), answer.run);
}
