//! Every command: what it prints, how it ends, and that a server beside it does not mind.

use std::{
    collections::BTreeSet,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

use serde_json::{Value, json};

use crate::house::{Client, Done, House, shipwhen};

/// More requests than a server answers in many of its ticks.
const ASKED_MAX: usize = 100_000;

fn typed(args: &[&str]) -> Done {
    Done::of(shipwhen().args(args).output().unwrap())
}

#[test]
fn every_command_explains_itself_with_examples() {
    for command in ["demo", "serve", "import", "export", "verify", "keys", "calc", "backup", "restore"] {
        let help = typed(&[command, "--help"]);
        assert_eq!(help.code, 0, "{command}");
        assert!(
            help.out.contains("Example") && help.out.contains(&format!("shipwhen {command}")),
            "{help:?}"
        );
        assert!(help.out.contains("--json") && help.out.contains("--store"), "{help:?}");
    }
    for args in [["--help"], ["--version"]] {
        assert_eq!(typed(&args).code, 0);
    }
}

#[test]
fn wrong_usage_and_failure_have_exit_statuses_of_their_own() {
    let house = House::new();
    for args in [
        &["fly"][..],
        &[],
        &["import", "skus"],
        &["import", "teapots", "skus.csv"],
        &["import", "skus", "skus.csv", "--currency", "COINS"],
        &["keys", "create", "--tenant", "Not A Name"],
        &["calc"],
        &["serve", "--store", "redis:there"],
    ] {
        // The store comes last in every other call; here it may be what is wrong.
        let done = if args.contains(&"--store") { typed(args) } else { house.run(args) };
        assert_eq!(done.code, 2, "{args:?}: {done:?}");
        assert!(done.out.is_empty() && !done.err.is_empty(), "{args:?}: {done:?}");
    }
    let missing = house.path("missing");
    let missing = missing.to_str().unwrap();
    for args in [
        &["verify"][..],
        &["export", "skus"],
        &["backup", missing],
        &["restore", missing],
        &["import", "skus", missing],
        &["calc", "eoq", "{}"],
        &["calc", "no_such_formula", "{}"],
    ] {
        let done = House::new().run(args);
        assert_eq!(done.code, 1, "{args:?}: {done:?}");
        assert!(done.err.starts_with("shipwhen: "), "{args:?}: {done:?}");
    }
    house.done(&["keys", "create", "--tenant", "one"]);
    house.done(&["keys", "create", "--tenant", "two"]);
    assert_eq!(house.run(&["export", "skus"]).code, 2, "which of two tenants was not said");
    assert_eq!(house.run(&["export", "teapots", "--tenant", "one"]).code, 2);
}

#[test]
fn keys_open_what_they_say() {
    let house = House::new();
    let text = house.done(&["keys", "create", "--tenant", "shop"]);
    let staff = text.out.trim();
    assert!(staff.starts_with("sk_shop_") && text.out.lines().count() == 1, "{text:?}");
    let made = house.done(&["keys", "create", "--scopes", "orders:read,skus:write", "--json"]).json();
    assert_eq!((&made["tenant"], &made["scopes"]), (&json!("shop"), &json!(["orders:read", "skus:write"])));
    let narrow = made["key"].as_str().unwrap();
    let public = house.done(&["keys", "create", "--publishable", "--json"]).json();
    let public = public["key"].as_str().unwrap();
    assert!(public.starts_with("pk_shop_"), "{public}");
    let server = house.serve();
    let list = |key: &str, path: &str| server.client(key).get(path).status;
    assert_eq!([list(staff, "/v1/orders"), list(staff, "/v1/locations")], [200, 200]);
    assert_eq!([list(narrow, "/v1/orders"), list(narrow, "/v1/locations")], [200, 403]);
    assert_eq!([list(public, "/v1/orders"), list(public, "/v1/backorders")], [403, 403]);
    assert_eq!(list("sk_shop_guessed", "/v1/orders"), 401);
    let written = std::fs::read(house.database()).unwrap();
    assert!(!written.windows(staff.len()).any(|bytes| bytes == staff.as_bytes()), "keys are kept hashed");
}

#[test]
fn formulas_are_listed_and_worked() {
    let list = typed(&["calc", "--list"]);
    assert!(list.code == 0 && list.out.lines().any(|line| line.starts_with("eoq ")), "{list:?}");
    assert!(typed(&["calc", "--list", "--json"]).json().as_array().unwrap().len() > 10);
    let input = r#"{"fixed_cost": 8, "holding_cost": 0.225, "demand_rate": 1300}"#;
    let worked = typed(&["calc", "eoq", input]);
    assert_eq!(worked.code, 0, "{worked:?}");
    // √(2 × 8 × 1300 ÷ 0.225) = 304.046…
    assert!(worked.out.contains("304.046"), "{worked:?}");
    let house = House::new();
    let file = house.file("eoq.json", input);
    assert_eq!(typed(&["calc", "eoq", &file]).out, worked.out);
    assert_eq!(house.fed(&["calc", "eoq", "-"], input.as_bytes()).out, worked.out);
}

#[test]
fn a_legal_clock_is_listed_and_read() {
    let list = typed(&["calc", "--list"]);
    assert!(list.out.lines().any(|line| line.starts_with("legal_clock ")), "{list:?}");
    let named = typed(&["calc", "--list", "--json"]).json();
    assert!(named.as_array().unwrap().iter().any(|known| known["name"] == "legal_clock"));
    let question = json!({
        "jurisdiction": "US", "ordered_at": "2026-11-02T15:00:00Z", "zone": "America/New_York", "stated_by": null,
        "credit_application": false, "asked_at": "2026-12-31T17:00:00Z",
        "steps": [
            {"at": "2026-11-25T17:00:00Z", "kind": "notice", "revised_to": "2026-12-30", "indefinite": false},
            {"at": "2026-12-28T17:00:00Z", "kind": "notice", "revised_to": "2027-01-20"},
        ],
    });
    let answer = typed(&["calc", "legal_clock", &question.to_string()]);
    assert_eq!(answer.code, 0, "{answer:?}");
    let answer = answer.json();
    assert_eq!(
        [
            &answer["state"],
            &answer["ship_by"],
            &answer["answer_by"],
            &answer["cancelled_on"],
            &answer["refund_by"]
        ],
        [&json!("cancelled"), &Value::Null, &Value::Null, &json!("2026-12-31"), &json!("2027-01-12")]
    );
    assert!(answer["note"].as_str().unwrap().contains("not legal advice"));
}

#[test]
fn a_legal_clock_refuses_by_field() {
    let good = json!({
        "jurisdiction": "US", "ordered_at": "2026-11-02T15:00:00Z", "zone": "America/New_York",
        "steps": [{"at": "2026-11-25T17:00:00Z", "kind": "notice", "revised_to": "2026-12-30"}],
        "asked_at": "2026-12-31T17:00:00Z",
    });
    let with = |path: &str, value: Value| {
        let mut bad = good.clone();
        let (parent, name) = path.rsplit_once('/').unwrap();
        bad.pointer_mut(parent).unwrap()[name] = value;
        bad
    };
    let mut without = good.clone();
    without.as_object_mut().unwrap().remove("asked_at");
    for (input, field) in [
        (without, "asked_at"),
        (with("/askedat", json!(1)), "askedat"),
        (with("/zone", json!("Mars/Olympus")), "zone"),
        (with("/ordered_at", json!("yesterday")), "ordered_at"),
        (with("/stated_by", json!("2026-13-01")), "stated_by"),
        (with("/credit_application", json!(1)), "credit_application"),
        (with("/steps/0/kind", json!("nod")), "steps[0].kind"),
        (with("/steps/0/sent", json!(true)), "steps[0].sent"),
        (with("/steps/0/revised_to", json!(null)), "steps[0].revised_to"),
        (with("/steps/0/at", json!("2026-10-01T00:00:00Z")), "steps[0].at"),
        (with("/steps", json!([{"at": "2026-11-25T17:00:00Z"}])), "steps[0].kind"),
        (with("/policy", json!({"ship_in_days": 3})), "policy.ship_in_days"),
        (json!([]), "input"),
    ] {
        let house = House::new();
        let file = house.file("clock.json", input.to_string());
        let done = typed(&["calc", "legal_clock", &file]);
        assert_eq!(done.code, 1, "{done:?}");
        assert!(done.out.is_empty(), "{done:?}");
        assert!(done.err.starts_with(&format!("shipwhen: {field}: ")), "{field}: {done:?}");
    }
}

/// A shop with one article, on backorder against a purchase order.
fn opened(house: &House) {
    let skus =
        house.file("skus.csv", "sku,title,when_out,backorder_cap\nKETTLE,Kettle,backorder,unlimited\n");
    house.done(&["import", "skus", &skus]);
    let stock = house.file("stock.csv", "sku,location,on_hand\nKETTLE,main,50\n");
    house.done(&["import", "stock", &stock]);
    let supplies =
        "reference,sku,location,kind,quantity,expected_on\nPO,KETTLE,main,purchase_order,100000,2031-03-03\n";
    house.done(&["import", "supplies", &house.file("supplies.csv", supplies)]);
}

fn place(client: &Client, number: usize) -> Value {
    let order = json!({"reference": format!("{number}"), "lines": [{"sku": "KETTLE", "quantity": 2}]});
    client.post("/v1/orders", &format!("order-{number}"), &order).expect(201)
}

fn orders(client: &Client) -> BTreeSet<String> {
    let ids = client.list("/v1/orders").into_iter();
    ids.map(|order| order["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_backup_taken_while_orders_flow_is_a_whole_shop() {
    let (house, key) = House::with_key();
    opened(&house);
    let server = house.serve();
    let client = server.client(&key);
    let before: Vec<Value> = (0..30).map(|number| place(&client, number)).collect();
    let copy = house.path("shop.backup");
    let copy = copy.to_str().unwrap();
    let (ended, (tell, flowing)) = (AtomicBool::new(false), mpsc::channel());
    let (server, key, ended) = (&server, &key, &ended);
    std::thread::scope(|scope| {
        let flow = scope.spawn(move || {
            let client = server.client(key);
            place(&client, 30);
            tell.send(()).unwrap();
            let more = (31..).take_while(|_| !ended.load(Ordering::Relaxed));
            more.for_each(|number| drop(place(&client, number)));
        });
        flowing.recv().unwrap();
        let backup = house.run(&["backup", copy]);
        // Told before anything is asserted: the orders must end either way.
        ended.store(true, Ordering::Relaxed);
        assert_eq!(backup.code, 0, "{backup:?}");
        flow.join().unwrap();
    });
    assert_eq!(house.run(&["backup", copy]).code, 1, "a backup never overwrites");
    let all = orders(&client);
    house.verified();

    let elsewhere = House::new();
    elsewhere.done(&["restore", copy]);
    assert_eq!(elsewhere.run(&["restore", copy]).code, 1, "restore never overwrites");
    elsewhere.verified();
    let restored = elsewhere.serve();
    let there = restored.client(key);
    let kept = orders(&there);
    assert!(kept.is_subset(&all), "the copy has orders that nobody placed");
    for order in before {
        let id = order["id"].as_str().unwrap();
        let mut lines = there.get(&format!("/v1/orders/{id}")).expect(200)["lines"].take();
        let mut same = client.get(&format!("/v1/orders/{id}")).expect(200)["lines"].take();
        assert_eq!(lines[0]["parts"].take(), same[0]["parts"].take());
        assert!(kept.contains(id));
    }
    // The copy is a shop of its own: it takes orders, and the first one does not hear of them.
    place(&there, 1_000_000);
    assert_eq!(orders(&client), all);
}

#[test]
fn a_tampered_store_is_found_out() {
    let (house, key) = House::with_key();
    opened(&house);
    let server = house.serve();
    place(&server.client(&key), 1);
    assert!(server.stop().success());
    assert_eq!(house.verified()["open_lines"], 1);
    let database = rusqlite::Connection::open(house.database()).unwrap();
    assert_eq!(database.execute("UPDATE queue SET quantity = quantity + 1", []).unwrap(), 1);
    drop(database);
    let found = house.run(&["verify", "--json"]);
    assert_eq!(found.code, 1, "{found:?}");
    let violations = found.json()["violations"].take();
    let named = violations.as_array().unwrap().iter().any(|violation| {
        let detail = violation["detail"].as_str().unwrap();
        violation["tenant"] == "shop" && detail.contains("queue")
    });
    assert!(named, "{violations}");
    let told = house.run(&["verify"]);
    assert_eq!(told.code, 1);
    assert!(!told.out.contains(" 0 violations"), "{told:?}");
}

#[test]
fn an_import_beside_a_server_is_seen_by_it() {
    let (house, key) = House::with_key();
    opened(&house);
    let server = house.serve();
    let client = server.client(&key);
    let first = place(&client, 1);
    let skus = house.file("more.csv", "sku,title\nLAMP,Lamp\n");
    house.done(&["import", "skus", &skus, "--strict"]);
    let stock = house.file("counted.csv", "sku,location,on_hand\nLAMP,main,7\nKETTLE,main,60\n");
    house.done(&["import", "stock", &stock, "--strict"]);
    let seen = (0..ASKED_MAX).find(|_| {
        let lamp = client.get("/v1/availability?sku=LAMP");
        let kettle = client.get("/v1/availability?sku=KETTLE").expect(200);
        lamp.status == 200 && lamp.json()["available_now"] == 7 && kettle["available_now"] == 58
    });
    assert!(seen.is_some(), "the server never saw what was imported");
    let order = json!({"lines": [{"sku": "LAMP", "quantity": 7}, {"sku": "KETTLE", "quantity": 58}]});
    assert_eq!(client.post("/v1/orders", "both", &order).expect(201)["state"], "allocated");
    let id = first["id"].as_str().unwrap();
    assert_eq!(client.get(&format!("/v1/orders/{id}")).expect(200)["state"], "allocated");
    house.verified();
    assert!(server.stop().success());
    house.verified();
}
