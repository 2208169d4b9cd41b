//! Whatever happens to a shop, in whatever order, a judge with books of his own finds nothing wrong.

use std::sync::Arc;

use model::{
    command::{Accept, Command, PlaceOrder},
    event::Event,
    id::{LineId, RunId, SupplyId},
    refusal::{RefusalCode, Rejection},
    state::{Shop, Touched},
    view::AvailabilityState,
};
use proptest::{prelude::*, test_runner::Config};
use testkit::{
    core::CoreShop,
    judge::Judge,
    random::{self, Step},
};

/// Shops of each property in an everyday run. `PROPTEST_CASES` asks for more.
const SHOPS: u32 = 150;
/// Shops that the judge follows, and how much happens in each.
const SHOPS_JUDGED: u32 = 10_000;
const STEPS_JUDGED: usize = 50;

fn config(shops: u32) -> Config {
    let set = Config::default();
    let none_asked_for = set.cases == 256;
    Config { cases: if none_asked_for { shops } else { set.cases }, ..set }
}

/// Runs all steps; calls `after` with each command that ran.
fn play(
    rows_max: usize,
    steps: &[Step],
    mut after: impl FnMut(&CoreShop, &Command, Result<&[Event], &Rejection>, &Shop) -> Result<(), TestCaseError>,
) -> Result<CoreShop, TestCaseError> {
    let (mut shop, setup) = random::shop(rows_max);
    let mut run = |shop: &mut CoreShop, command: &Command| {
        let before = shop.shop.clone();
        match shop.run(command) {
            Ok(done) => after(shop, command, Ok(&shop.events[done.events]), &before),
            Err(rejection) => after(shop, command, Err(&rejection), &before),
        }
    };
    for command in &setup {
        run(&mut shop, command)?;
    }
    for step in steps {
        if let Some(command) = random::command(&mut shop, step) {
            run(&mut shop, &command)?;
        }
    }
    Ok(shop)
}

/// The ledger as it is stored.
fn stored(events: &[Event]) -> Vec<(&'static str, String)> {
    events.iter().map(|event| (event.kind(), event.data().unwrap())).collect()
}

fn assert_same(one: &Shop, other: &Shop) -> Result<(), TestCaseError> {
    prop_assert_eq!(&one.locations, &other.locations);
    prop_assert_eq!(&one.pools, &other.pools);
    prop_assert_eq!(&one.holds, &other.holds);
    let orders = |shop: &Shop| {
        let sorted = |order: &Arc<model::order::Order>| {
            let mut order = (**order).clone();
            order.lines.iter_mut().for_each(|line| line.pegs.sort_unstable_by_key(|peg| peg.supply));
            order
        };
        shop.orders
            .iter()
            .map(|(id, order)| (*id, sorted(order)))
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    prop_assert_eq!(orders(one), orders(other));
    Ok(())
}

/// The same supplies with the same claims, the same pegs and holds; versions apart.
fn assert_same_goods(now: &Shop, before: &Shop) -> Result<(), TestCaseError> {
    let plain = |shop: &Shop| {
        let mut shop = shop.clone();
        shop.pools.values_mut().for_each(|pool| Arc::make_mut(pool).version = 0);
        for order in shop.orders.values_mut() {
            Arc::make_mut(order).lines.iter_mut().for_each(|line| line.promises.clear());
        }
        shop
    };
    assert_same(&plain(now), &plain(before))
}

/// Everything that differs was noted as touched: else a row would not be written.
fn assert_touched(shop: &CoreShop, before: &Shop) -> Result<(), TestCaseError> {
    let Touched { supplies, closed, pools, holds_placed, holds_gone, placed, lines, pegs, promises, .. } =
        &shop.touched;
    for (sku, pool) in &shop.shop.pools {
        let old = before.pools.get(sku);
        prop_assert!(old.is_some_and(|old| old == pool) || pools.contains(sku), "{} changed", sku);
        for supply in &pool.supplies {
            let same = old.and_then(|old| old.supply(supply.id)).is_some_and(|old| old == supply);
            prop_assert!(same || supplies.contains(&(sku.clone(), supply.id)), "{} changed", supply.id);
        }
        let gone = |id: SupplyId| pool.supply(id).is_none() && closed.iter().all(|closed| closed.id != id);
        let lost = old.into_iter().flat_map(|old| &old.supplies).find(|old| gone(old.id));
        prop_assert!(lost.is_none(), "{:?} closed", lost);
    }
    for id in shop.shop.holds.keys().filter(|id| !before.holds.contains_key(id)) {
        prop_assert!(holds_placed.contains(id));
    }
    for id in before.holds.keys().filter(|id| !shop.shop.holds.contains_key(id)) {
        prop_assert!(holds_gone.contains(id));
    }
    for (id, order) in &shop.shop.orders {
        let Some(old) = before.orders.get(id) else {
            prop_assert!(placed.contains(id));
            continue;
        };
        for (line, old) in order.lines.iter().zip(&old.lines) {
            let id = LineId { order: *id, no: line.no };
            let counts = |line: &model::order::Line| (line.cancelled, line.shipped);
            prop_assert!(counts(line) == counts(old) || lines.contains(&id), "{} changed", id);
            for peg in line.pegs.iter().filter(|peg| !old.pegs.contains(peg)) {
                prop_assert!(pegs.contains(&(id, peg.supply)), "{} has other pegs", id);
            }
            let left = |supply: SupplyId| line.pegs.iter().all(|peg| peg.supply != supply);
            for peg in old.pegs.iter().filter(|peg| left(peg.supply)) {
                prop_assert!(pegs.contains(&(id, peg.supply)), "{} has lost pegs", id);
            }
            let out = |line: &model::order::Line, supply| line.released_on(supply);
            for peg in line.pegs.iter().filter(|peg| out(line, peg.supply) != out(old, peg.supply)) {
                prop_assert!(pegs.contains(&(id, peg.supply)), "{} has other units with fulfilment", id);
            }
            prop_assert!(line.returned == old.returned || lines.contains(&id), "{} sent back", id);
            for promise in &line.promises[old.promises.len()..] {
                prop_assert!(promises.contains(&(id, promise.version)));
            }
        }
    }
    Ok(())
}

/// An order of one line placed now gets exactly what the answer says.
fn assert_answer_holds(shop: &CoreShop, wish: &PlaceOrder) -> Result<(), TestCaseError> {
    let wish = PlaceOrder {
        hold: None,
        customer: None,
        requested_date: None,
        not_later_than: None,
        already_owed: false,
        accept: Accept::All,
        lines: wish.lines[..1].to_vec(),
        ..wish.clone()
    };
    let place = |wish: &PlaceOrder| {
        let set = promise::Setting { shop: &shop.shop, now: shop.now, command: uuid() };
        promise::place_order(set, wish, &promise::Bought::new())
    };
    let limit = |rejection: &Rejection| matches!(rejection, Rejection::Refused(refusal) if refusal.code == model::refusal::RefusalCode::CustomerLimit);
    let answer = shop.available(&wish).unwrap();
    let placing = match place(&wish) {
        Err(rejection) if limit(&rejection) => return Ok(()),
        Err(Rejection::Refused(refusal)) => {
            prop_assert_eq!(answer.reason_code, refusal.code.as_str());
            prop_assert!(!matches!(answer.state, AvailabilityState::InStock | AvailabilityState::Backorder));
            let partial = PlaceOrder { accept: Accept::Partial, ..wish.clone() };
            match place(&partial) {
                Ok(placing) => placing,
                Err(_) => return Ok(()),
            }
        }
        Err(other) => panic!("{other:?}"),
        Ok(placing) => {
            let sold = answer
                .available_later
                .is_none_or(|later| answer.available_now + later >= wish.lines[0].quantity);
            prop_assert!(sold, "{:?}", answer);
            placing
        }
    };
    let mut after = shop.shop.clone();
    placing.events.iter().for_each(|event| after.apply(event, &mut Touched::default()).unwrap());
    let id = model::id::OrderId(uuid());
    let view = promise::order_view(&after, &after.orders[&id], shop.now);
    let given = &after.orders[&id].lines[0].promises[0];
    prop_assert_eq!((view.ship_by, view.deliver_by), (given.ship_by, given.deliver_by));
    let waits = view.lines[0].state != model::view::LineState::Allocated;
    match answer.state {
        AvailabilityState::InStock => prop_assert!(!waits),
        AvailabilityState::Backorder | AvailabilityState::MadeToOrder => prop_assert!(waits),
        AvailabilityState::Preorder | AvailabilityState::Limited => {}
        _ => return Ok(()),
    }
    prop_assert_eq!((answer.ship_by, answer.deliver_by), (view.ship_by, view.deliver_by));
    Ok(())
}

fn uuid() -> uuid::Uuid {
    uuid::Uuid::from_u128(0x0fff_ffff_ffff_7000_8000_0000_0000_0000)
}

/// So many units can be had as the answer says, and not one more.
fn assert_room_is_exact(shop: &CoreShop, wish: &PlaceOrder) -> Result<(), TestCaseError> {
    let answer = shop.available(wish).unwrap();
    let Some(later) = answer.available_later else { return Ok(()) };
    let mut wish = PlaceOrder {
        channel: wish.channel.clone(),
        group: wish.group.clone(),
        country: wish.country.clone(),
        lines: wish.lines[..1].to_vec(),
        ..PlaceOrder::default()
    };
    let set = promise::Setting { shop: &shop.shop, now: shop.now, command: uuid() };
    let limit =
        shop.shop.pools[&wish.lines[0].sku].policies.iter().any(|(_, terms)| terms.customer_limit.is_some());
    for (quantity, sold) in [(answer.available_now + later, true), (answer.available_now + later + 1, false)]
    {
        if quantity > 0 && !limit {
            wish.lines[0].quantity = quantity;
            let placing = promise::place_order(set, &wish, &promise::Bought::new());
            prop_assert_eq!(placing.is_ok(), sold, "{} units: {:?}", quantity, placing.err());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(SHOPS_JUDGED))]

    #[test]
    fn a_judge_finds_nothing_wrong(steps in random::steps(STEPS_JUDGED..STEPS_JUDGED + 1), rows_max in 1..6_usize) {
        let mut judge = Judge::default();
        let shop = play(rows_max, &steps, |shop, command, outcome, before| {
            if let Err(wrong) = judge.witness(command, shop.now, outcome, &shop.shop, &shop.unsettled()) {
                prop_assert!(false, "{}\nafter {:?}\n{:#?}", wrong, command, outcome);
            }
            assert_touched(shop, before)
        })?;

        let mut again = Shop::default();
        for (kind, data) in stored(&shop.events) {
            let event = Event::read(kind, &data).unwrap().unwrap();
            again.apply(&event, &mut Touched::default()).unwrap();
        }
        assert_same(&shop.shop, &again)?;
    }
}

proptest! {
    #![proptest_config(config(SHOPS))]

    /// A change that is undone at once, while nobody is still on the move, leaves no trace but the versions of promises.
    #[test]
    fn a_change_undone_at_once_leaves_all_as_it_was(steps in random::steps(1..60), change in random::change()) {
        let mut shop = play(3, &steps, |_, _, _, _| Ok(()))?;
        shop.rounds_max = usize::MAX;
        // Whoever would move up as the clock stands now has.
        shop.look_again();
        if let Some(slip) = random::command(&mut shop, &change) {
            let before = shop.shop.clone();
            if let Ok(done) = shop.run(&slip) {
                match shop.run(&Command::UndoRun(RunId::of(done.id))) {
                    Ok(_) => assert_same_goods(&shop.shop, &before)?,
                    // Carts hold what came.
                    Err(Rejection::Refused(refusal)) if refusal.code == RefusalCode::UnitsPromised => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    }

    #[test]
    fn the_same_steps_give_the_same_bytes(steps in random::steps(1..60)) {
        let ledger = || play(3, &steps, |_, _, _, _| Ok(())).map(|shop| stored(&shop.events));
        prop_assert_eq!(ledger()?, ledger()?);
    }

    #[test]
    fn availability_answers_what_an_order_then_gets(steps in random::steps(1..60)) {
        play(3, &steps, |shop, command, _, _| {
            let Command::PlaceOrder(wish) = command else { return Ok(()) };
            assert_answer_holds(shop, wish)?;
            assert_room_is_exact(shop, wish)
        })?;
    }
}
