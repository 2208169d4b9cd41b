//! A year of a shop whose supplier is late, sends too little, broken or other things, and calls off; a judge with books of
//! his own follows every command. `SHIPWHEN_SEED` plays another year, or one that went wrong again.

use std::collections::BTreeMap;

use model::{
    Units,
    command::Command,
    event::Event,
    state::{Shop, Touched},
};
use testkit::{
    core::CoreShop,
    judge::Judge,
    random::{self, Step, Year},
};

const DAYS: u16 = 365;
const SEED: u64 = 20_260_803;

#[expect(clippy::disallowed_methods, reason = "a failed year is played again by the seed that it printed")]
fn seed() -> u64 {
    match std::env::var("SHIPWHEN_SEED") {
        Ok(text) => text.parse().expect("SHIPWHEN_SEED is a number"),
        Err(_) => SEED,
    }
}

/// Plays a year; panics with the day, the seed and what the judge says.
fn play(seed: u64) -> CoreShop {
    let mut judge = Judge::default();
    let (mut shop, setup) = random::shop(5);
    let mut run = |shop: &mut CoreShop, command: &Command, day: u16| {
        let done = shop.run(command);
        let outcome = done.as_ref().map(|done| &shop.events[done.events.clone()]);
        if let Err(wrong) = judge.witness(command, shop.now, outcome, &shop.shop, &shop.unsettled()) {
            panic!("day {day}: {wrong}\nafter {command:?}\nSHIPWHEN_SEED={seed} plays it again");
        }
    };
    setup.iter().for_each(|command| run(&mut shop, command, 0));
    let mut year = Year::new(seed);
    for day in 1..=DAYS {
        let mut steps = year.day(&shop);
        steps.push(Step::Wait(24));
        for step in steps {
            if let Some(command) = random::command(&mut shop, &step) {
                run(&mut shop, &command, day);
            }
        }
    }
    shop
}

#[test]
fn a_year_with_a_faulty_supplier_keeps_every_promise_or_says_so() {
    let seed = seed();
    println!("SHIPWHEN_SEED={seed}");
    let shop = play(seed);
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    shop.events.iter().for_each(|event| *count.entry(event.kind()).or_default() += 1);
    println!("{count:?}");
    for (kind, least) in [
        ("order_placed", 300),
        ("supply_added", 50),
        ("supply_changed", 30),
        ("supply_received", 50),
        ("supply_cancelled", 3),
        ("supply_inspected", 5),
        ("run_applied", 100),
        ("run_undone", 3),
        ("stock_adjusted", 50),
        ("line_cancelled", 10),
        ("released", 100),
        ("release_returned", 3),
        ("shipped", 100),
    ] {
        let happened = count.get(kind).copied().unwrap_or(0);
        assert!(happened >= least, "{kind} happened {happened} times: this is no year\nSHIPWHEN_SEED={seed}");
    }
    let shipped: Units =
        shop.shop.orders.values().flat_map(|order| &order.lines).map(|line| line.shipped).sum();
    assert!(shipped > 300, "{shipped} units were sent\nSHIPWHEN_SEED={seed}");
    let mut again = Shop::default();
    for event in &shop.events {
        let event = Event::read(event.kind(), &event.data().unwrap()).unwrap().unwrap();
        again.apply(&event, &mut Touched::default()).unwrap();
    }
    assert_eq!(again.pools, shop.shop.pools, "SHIPWHEN_SEED={seed}");
}
