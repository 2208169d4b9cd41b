//! The server is killed under load, over and over: what was acknowledged is kept, and what was not happens once.

use std::sync::mpsc;

use crate::{
    house::{Client, House},
    shoppers::{Draws, SEED, Shopper, check_orders, seed},
};

const KILLS: usize = 50;
const SHOPPERS: usize = 4;
/// A server is killed after fewer acknowledged requests than this.
const ACKNOWLEDGED_MAX: u64 = 24;
const VERIFY_EVERY: usize = 10;

#[test]
fn fifty_kills_lose_nothing_acknowledged_and_repeat_nothing() {
    let (house, key) = House::with_key();
    {
        let server = house.serve();
        seed(&server.client(&key));
        assert!(server.stop().success());
    }
    let mut shoppers: Vec<Shopper> = (0..SHOPPERS).map(Shopper::new).collect();
    let mut draws = Draws(SEED);
    for kill in 1..=KILLS {
        let server = house.serve();
        let url = server.url.clone();
        let (tell, told) = mpsc::channel();
        let until = draws.below(ACKNOWLEDGED_MAX);
        std::thread::scope(|scope| {
            for shopper in &mut shoppers {
                let (client, tell) = (Client::new(&url, &key), tell.clone());
                scope.spawn(move || shopper.shop(&client, &tell));
            }
            drop(tell);
            assert_eq!(told.iter().take(until as usize).count(), until as usize, "every shopper gave up");
            assert!(!server.kill().success());
        });
        if kill % VERIFY_EVERY == 0 {
            house.verified();
        }
    }
    let server = house.serve();
    let client = server.client(&key);
    for shopper in &mut shoppers {
        assert!(shopper.settle(&client));
    }
    check_orders(&client, &shoppers);
    assert!(server.stop().success());
    let report = house.verified();
    let sum = |count: fn(&Shopper) -> usize| shoppers.iter().map(count).sum::<usize>();
    println!(
        "{KILLS} kills: {} orders kept, {} requests answered only after a kill, {} of them done before it; {} events",
        sum(|shopper| shopper.kept.len()),
        sum(|shopper| shopper.late),
        sum(|shopper| shopper.late_replays),
        report["events"],
    );
    assert!(sum(|shopper| shopper.late) > 0, "no kill ever met a request under way");
}
