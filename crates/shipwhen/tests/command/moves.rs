//! A shop moved from one kind of store to the other and back, also where that is killed in the middle.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use testkit::postgres::Cluster;

use crate::{
    house::{Client, Done, House, shipwhen},
    shoppers::seed,
};

const ORDERS: usize = 120;

fn moves(from: &str, to: &str) -> Command {
    let mut command = shipwhen();
    command.args(["move", "--json", "--from", from, "--to", to]);
    command
}

fn moved(from: &str, to: &str) -> Value {
    let done = Done::of(moves(from, to).output().unwrap());
    assert_eq!(done.code, 0, "{done:?}");
    done.json()
}

/// A shop with orders, a hold, somebody who signs in, and answers to keys.
fn fill(house: &House, key: &str) {
    let server = house.serve();
    let client = server.client(key);
    seed(&client);
    let order = |n: usize| {
        json!({
            "idempotency_key": format!("order-{n}"), "reference": format!("R-{n}"),
            "customer": {"email": format!("buyer{n}@example.com"), "name": "A Buyer", "country": "US"},
            "lines": [{"sku": "LAMP", "quantity": 1 + n % 3}],
        })
    };
    let orders: Vec<Value> = (0..ORDERS).map(order).collect();
    client.post("/v1/orders/batch", "batch", &json!({"orders": orders})).expect(200);
    let hold = json!({"lines": [{"sku": "STOOL", "quantity": 2}], "country": "US"});
    assert!(client.post("/v1/holds", "hold", &hold).status < 300);
    assert!(server.stop().success());
    house.done(&["users", "create", "ada@example.com", "--name", "Ada"]);
}

/// Everything that the API says of the shop.
fn all(client: &Client) -> Vec<Vec<Value>> {
    ["/v1/orders", "/v1/supplies", "/v1/skus", "/v1/locations"].map(|list| client.list(list)).to_vec()
}

fn seen(house: &House, key: &str) -> Vec<Vec<Value>> {
    let server = house.serve();
    let mut seen = all(&server.client(key));
    // Links begin with the port.
    let text = serde_json::to_string(&seen).unwrap().replace(&server.url, "");
    seen = serde_json::from_str(&text).unwrap();
    assert!(server.stop().success());
    seen
}

#[test]
fn a_shop_moves_to_postgres_and_back_with_everything_in_it() {
    let (house, key) = House::with_key();
    fill(&house, &key);
    let before = seen(&house, &key);
    assert_eq!(before[0].len(), ORDERS);
    let there = House::at(&Cluster::shared().database());
    let first = moved(house.store(), there.store());
    assert_eq!(first["put"], first["rows"], "{first}");
    assert_eq!(seen(&there, &key), before);
    // Keys of the API and of requests still hold.
    let server = there.serve();
    let client = server.client(&key);
    let again = json!({
        "reference": "R-7",
        "customer": {"email": "buyer7@example.com", "name": "A Buyer", "country": "US"},
        "lines": [{"sku": "LAMP", "quantity": 2}],
    });
    let again = client.post("/v1/orders", "order-7", &again);
    assert!(again.replayed, "{again:?}");
    client.post("/v1/orders", "new", &json!({"lines": [{"sku": "KETTLE", "quantity": 1}]})).expect(201);
    assert!(server.stop().success());
    there.verified();
    let back = House::new();
    moved(there.store(), back.store());
    assert_eq!(seen(&back, &key), seen(&there, &key));
    back.verified();
    let refused = Done::of(moves(house.store(), there.store()).output().unwrap());
    assert_eq!(refused.code, 1, "the copy has gone on by itself: {refused:?}");
}

#[test]
fn a_move_that_is_killed_is_served_by_nobody_and_goes_on() {
    let (house, key) = House::with_key();
    fill(&house, &key);
    let before = seen(&house, &key);
    // Into files: killed by the system when one is as large as this, which is in the middle.
    let there = House::new();
    let command = moves(house.store(), there.store());
    let limited = Command::new("sh")
        .args(["-c", "ulimit -f 600; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .stdout(Stdio::null())
        .output()
        .unwrap();
    assert!(!limited.status.success(), "it was not killed");
    let refused = there.run(&["verify"]);
    assert_eq!(refused.code, 1, "half a shop is opened: {refused:?}");
    assert!(refused.err.contains("shipwhen move"), "{refused:?}");
    moved(house.store(), there.store());
    assert_eq!(seen(&there, &key), before);
    there.verified();
    // Into a database: killed as soon as there is something.
    let url = Cluster::shared().database();
    let name = url.split(['/', '?']).nth(3).unwrap();
    let mut child = moves(house.store(), &url).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let has_begun = "SELECT coalesce((SELECT count(*) FROM pg_stat_user_tables \
         WHERE relname = 'installation' AND n_live_tup + n_tup_ins > 1), 0)";
    while child.try_wait().unwrap().is_none() && Cluster::shared().sql(name, has_begun).trim() == "0" {}
    let _ = child.kill();
    child.wait().unwrap();
    moved(house.store(), &url);
    let there = House::at(&url);
    assert_eq!(seen(&there, &key), before);
    there.verified();
}
