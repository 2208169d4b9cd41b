//! The disk fills up under the embedded store: here the file may not grow, which SQLite is told as any failed write.

use std::process::Command;

use serde_json::{Value, json};

use crate::{
    house::{House, Server},
    shoppers::seed,
};

/// Bytes that a file of the server may have: enough to open a shop, too little for a thousand orders.
const FILE_MAX: u64 = 1_500_000;
const ORDERS: usize = 40;

/// A server that is told of files that are too large instead of being ended.
fn serve(house: &House) -> Server {
    let server = house.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(server.get_program()).args(server.get_args());
    for (name, value) in server.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Server::start(command)
}

/// Limits how large files of a server may grow (`util-linux`, which every distribution has).
fn limit(server: &Server, bytes: &str) {
    let id = server.id().to_string();
    let limited =
        Command::new("prlimit").args(["--pid", &id, &format!("--fsize={bytes}:unlimited")]).status();
    assert!(limited.unwrap().success());
}

fn batch(n: usize) -> Value {
    let order = |at: usize| {
        json!({
            "idempotency_key": format!("order-{n}-{at}"),
            "reference": format!("{n}-{at}"),
            "customer": {"email": format!("buyer{n}.{at}@example.com"), "country": "US"},
            "lines": [{"sku": "KETTLE", "quantity": 1}],
        })
    };
    json!({"orders": (0..ORDERS).map(order).collect::<Vec<_>>()})
}

#[test]
fn a_full_disk_is_said_and_loses_nothing_and_room_is_noticed() {
    let (house, key) = House::with_key();
    let server = serve(&house);
    let client = server.client(&key);
    seed(&client);
    assert_eq!(client.get("/readyz").status, 200);
    limit(&server, &FILE_MAX.to_string());
    let mut kept = Vec::new();
    let mut n = 0;
    loop {
        assert!(n < 1_000, "the disk is never full");
        let answer = client.post("/v1/orders/batch", &format!("batch-{n}"), &batch(n)).expect(200);
        let items = answer["items"].as_array().unwrap();
        let of = |status: u64| items.iter().filter(|item| item["status"] == status).count();
        kept.extend(
            items.iter().filter(|item| item["status"] == 201).map(|item| item["order"]["id"].clone()),
        );
        assert_eq!(of(201) + of(503), ORDERS, "{answer}");
        // Something small may still fit where a batch does not.
        if of(503) == ORDERS && client.get("/readyz").status == 503 {
            break;
        }
        n += 1;
    }
    assert_eq!(client.get("/healthz").status, 200);
    for id in kept.iter().rev().take(3) {
        client.get(&format!("/v1/orders/{}", id.as_str().unwrap())).expect(200);
    }
    assert_eq!(client.list("/v1/orders").len(), kept.len(), "what was not acknowledged is not there");
    limit(&server, "unlimited");
    let is_back = (0..3_000).any(|_| {
        std::thread::park_timeout(std::time::Duration::from_millis(10));
        client.get("/readyz").status == 200
    });
    assert!(is_back, "room is noticed without a restart");
    let again = client.post("/v1/orders/batch", "another", &batch(n)).expect(200);
    for item in again["items"].as_array().unwrap() {
        assert_eq!(item["status"], 201, "{item}");
    }
    assert_eq!(client.list("/v1/orders").len(), kept.len() + ORDERS, "each once");
    assert!(server.stop().success());
    house.verified();
}
