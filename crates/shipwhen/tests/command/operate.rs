//! What those see who keep a server running: its end, its readiness, its log.

use std::{
    fs::File,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

use serde_json::{Value, json};
use testkit::postgres::Cluster;

use crate::{
    house::{Client, House, Server},
    shoppers::{Shopper, check_orders, seed},
};

fn terminate(server: &Server) {
    let id = server.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
}

/// What was begun is answered: nobody finds, asking another node, that it had been done unsaid.
#[test]
fn a_node_told_to_stop_under_load_answers_all_it_began() {
    let house = House::at(&Cluster::shared().database());
    let key = house.key();
    let steady = house.serve();
    seed(&steady.client(&key));
    let mut shoppers: Vec<Shopper> = (0..4).map(Shopper::new).collect();
    for _ in 0..3 {
        let stopping = house.serve();
        let (tell, told) = mpsc::channel();
        let enough = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for shopper in &mut shoppers {
                let clients = [stopping.client(&key), steady.client(&key)];
                let (tell, enough) = (tell.clone(), &enough);
                scope.spawn(move || shopper.shop_around(&clients, &tell, enough));
            }
            assert_eq!(told.iter().take(25).count(), 25);
            assert!(stopping.stop().success());
            let _ = told.try_iter().count();
            assert_eq!(told.iter().take(25).count(), 25, "the other goes on");
            enough.store(true, Ordering::Relaxed);
        });
    }
    let client = steady.client(&key);
    for shopper in &mut shoppers {
        assert!(shopper.settle(&client));
    }
    let unsaid: usize = shoppers.iter().map(|shopper| shopper.late_replays).sum();
    assert_eq!(unsaid, 0, "requests that were done and not answered");
    check_orders(&client, &shoppers);
    assert!(steady.stop().success());
    house.verified();
}

#[test]
fn a_server_that_drains_goes_on_but_is_not_ready_for_more() {
    let (house, key) = House::with_key();
    let server =
        Server::start(house.command(&["serve", "--listen", "127.0.0.1:0", "--drain-seconds", "300"]));
    let client = server.client(&key);
    seed(&client);
    assert_eq!(client.get("/readyz").status, 200);
    terminate(&server);
    let said = (0..3_000).any(|_| {
        std::thread::park_timeout(std::time::Duration::from_millis(10));
        client.get("/readyz").status == 503
    });
    assert!(said);
    assert_eq!(client.get("/healthz").status, 200);
    // Also to somebody who comes only now.
    let late = Client::new(&server.url, &key);
    late.post("/v1/orders", "late", &json!({"lines": [{"sku": "LAMP", "quantity": 1}]})).expect(201);
    server.kill();
    house.verified();
}

#[test]
fn a_log_in_json_names_requests_and_no_person() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let (house, key) = House::with_key();
    let log = house.path("log");
    let mut command = house.command(&["serve", "--listen", "127.0.0.1:0", "--log", "json"]);
    command.stderr(File::create(&log).unwrap());
    let server = Server::start(command);
    let client = server.client(&key);
    seed(&client);
    let order = json!({
        "customer": {"email": "ann.lovelace@example.com", "name": "Ann Lovelace", "country": "US"},
        "lines": [{"sku": "LAMP", "quantity": 1}],
    });
    let placed = client.post("/v1/orders", "once", &order).expect(201);
    client.get("/v1/orders?customer_email=ann.lovelace@example.com");
    let call = ureq::get(format!("{}/v1/skus/LAMP?trace=1", server.url));
    let call = call.header("Authorization", format!("Bearer {key}"));
    call.header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01")).call().unwrap();
    assert!(server.stop().success());
    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |route: &str, method: &str| {
        let found = lines.iter().find(|line| line["route"] == route && line["method"] == method);
        found.unwrap_or_else(|| panic!("{method} {route} is not in\n{text}"))
    };
    let post = of("/v1/orders", "POST");
    assert_eq!((&post["status"], &post["level"]), (&json!(201), &json!("INFO")), "{post}");
    assert!(post["us"].is_number() && post["id"].is_string() && post["timestamp"].is_string(), "{post}");
    let traced = lines.iter().filter(|line| line["trace"] == TRACE).count();
    assert_eq!(traced, 1, "{text}");
    let status_url = placed["status_url"].as_str().unwrap();
    for secret in ["Lovelace", "lovelace", "example.com", "once", &key, status_url] {
        assert!(!text.contains(secret), "{secret} is in the log:\n{text}");
    }
}
