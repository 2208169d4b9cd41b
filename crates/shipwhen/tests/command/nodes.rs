//! Several nodes on one database: one is killed, the database is, or the way to it. Whoever was answered keeps what was
//! answered; whoever was not asks again under the same key, at whichever node.

use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use serde_json::json;
use testkit::{
    postgres::{Cluster, Stop},
    way::{Cut, Way},
};

use crate::{
    house::{Client, House, Server},
    shoppers::{SEED, Shopper, check_orders, seed},
};

const SHOPPERS: usize = 4;
const KILLS: usize = 6;
/// Requests acknowledged before something is killed, and after it.
const SOME: usize = 30;

fn shoppers() -> Vec<Shopper> {
    (0..SHOPPERS).map(Shopper::new).collect()
}

/// Lets everybody shop, half of them at the last node first; while they do, something happens after some acknowledgements,
/// and it ends some acknowledgements later.
fn shop_while(shoppers: &mut [Shopper], nodes: &[&Server], key: &str, happens: impl FnOnce()) {
    let (tell, told) = mpsc::channel();
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for (n, shopper) in shoppers.iter_mut().enumerate() {
            let mut clients: Vec<Client> = nodes.iter().map(|node| node.client(key)).collect();
            clients.rotate_left(n % nodes.len());
            let (tell, enough) = (tell.clone(), &enough);
            scope.spawn(move || shopper.shop_around(&clients, &tell, enough));
        }
        assert_eq!(told.iter().take(SOME).count(), SOME);
        happens();
        let _ = told.try_iter().count();
        assert_eq!(told.iter().take(SOME).count(), SOME, "nobody goes on");
        enough.store(true, Ordering::Relaxed);
    });
}

/// Asks until it is so; the last of very many times is the end of patience.
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let seen = (0..3_000).any(|_| {
        let so = is_so();
        if !so {
            std::thread::park_timeout(Duration::from_millis(10));
        }
        so
    });
    assert!(seen, "{what}");
}

fn is_ready(client: &Client) -> bool {
    match client.get("/readyz").status {
        200 => true,
        503 => false,
        other => panic!("/readyz answered {other}"),
    }
}

fn settle(shoppers: &mut [Shopper], client: &Client) {
    for shopper in shoppers {
        assert!(shopper.settle(client));
    }
}

#[test]
fn a_killed_node_loses_nothing_and_the_other_goes_on() {
    let house = House::at(&Cluster::shared().database());
    let key = house.key();
    let steady = house.serve();
    let client = steady.client(&key);
    seed(&client);
    let mut shoppers = shoppers();
    for _ in 0..KILLS {
        let doomed = house.serve();
        let id = doomed.id().to_string();
        shop_while(&mut shoppers, &[&doomed, &steady], &key, || {
            let killed = std::process::Command::new("kill").args(["-KILL", &id]).status();
            assert!(killed.unwrap().success());
        });
        assert!(!doomed.kill().success());
    }
    settle(&mut shoppers, &client);
    check_orders(&client, &shoppers);
    let late: usize = shoppers.iter().map(|shopper| shopper.late).sum();
    assert!(late > 0, "no kill ever met a request under way (seed {SEED:#x})");
    assert!(steady.stop().success());
    house.verified();
}

#[test]
fn whatever_way_postgres_ends_under_two_nodes_they_say_so_and_lose_nothing() {
    let cluster = Cluster::start(true);
    let house = House::at(&cluster.database());
    let key = house.key();
    let nodes = [house.serve(), house.serve()];
    let clients = nodes.each_ref().map(|node| node.client(&key));
    seed(&clients[0]);
    let mut shoppers = shoppers();
    for how in [Stop::Fast, Stop::Immediate, Stop::Kill] {
        assert!(clients.iter().all(is_ready));
        shop_while(&mut shoppers, &[&nodes[0], &nodes[1]], &key, || {
            cluster.stop(how);
            for client in &clients {
                eventually("a node without a store says so", || !is_ready(client));
                assert_eq!(client.get("/healthz").status, 200, "the process itself is well");
            }
            cluster.run();
            for client in &clients {
                eventually("a node whose store is back says so", || is_ready(client));
            }
        });
    }
    settle(&mut shoppers, &clients[0]);
    check_orders(&clients[1], &shoppers);
    for node in nodes {
        assert!(node.stop().success());
    }
    house.verified();
}

#[test]
fn where_the_way_is_cut_between_commit_and_answer_the_key_gets_the_one_result() {
    let url = Cluster::shared().database();
    let key = House::at(&url).key();
    let way = Way::to(Cluster::shared());
    let house = House::at(&way.url(&url));
    let node = house.serve();
    let client = node.client(&key);
    seed(&client);
    let order = json!({"reference": "A-1", "lines": [{"sku": "LAMP", "quantity": 2}]});
    way.cut_next(Cut::ForGood);
    let first = client.post("/v1/orders", "once", &order);
    assert_eq!(first.status, 503, "nobody can say whether it was kept: {first:?}");
    assert!(!way.will_cut());
    assert!(!is_ready(&client));
    way.open();
    eventually("a node whose store is back says so", || is_ready(&client));
    let again = client.post("/v1/orders", "once", &order);
    assert!(again.replayed, "{again:?}");
    let kept = again.expect(201);
    for cut in [Cut::After, Cut::Before] {
        way.cut_next(cut);
        let once = format!("{cut:?}");
        let answer = client.post("/v1/orders", &once, &order).expect(201);
        assert!(!way.will_cut());
        let again = client.post("/v1/orders", &once, &order).expect(201);
        assert_eq!(again["id"], answer["id"]);
    }
    let orders = client.list("/v1/orders");
    assert_eq!(orders.len(), 3);
    assert!(orders.iter().any(|order| order["id"] == kept["id"]));
    assert!(node.stop().success());
    house.verified();
}
