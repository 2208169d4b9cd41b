//! Policies that follow the advice by themselves.

use serde_json::{Value, json};

use crate::world::{Call, World, world};

/// A mug of 40.00 that costs 15.00, sold out, with fifty on order and a few orders.
async fn shop() -> World {
    let world = world();
    world.with_mug().await;
    let mug = json!({"title": "Mug", "price": {"amount": 4000, "currency": "USD"}, "unit_cost": {"amount": 1500, "currency": "USD"}});
    world.put("/v1/skus/MUG", mug).await.is(200);
    world.supply("MUG", 50, "2026-12-15").await;
    world.order("MUG", 5).await;
    world
}

async fn put(world: &World, at: &str, body: Value) -> Value {
    let call = Call::new("PUT", "/v1/skus/MUG/policies/default").json(&body);
    world.send(call.at(at)).await.is(200)
}

async fn get(world: &World) -> Value {
    world.get("/v1/skus/MUG/policies/default").await.is(200)
}

async fn run_due(world: &World, at: &str) {
    let call = Call::new("POST", "/v1/test/run-due").json(&json!({}));
    world.send(call.at(at)).await.is(200);
}

/// Changes of the policy by an advice, each as `by when_out`.
async fn followed(world: &World) -> Vec<String> {
    let events = world.get("/v1/events?limit=500").await.is(200)["items"].clone();
    let of = |event: &Value| {
        let data = &event["data"];
        format!("{} {}", data["by"].as_str().unwrap(), data["policy"]["when_out"].as_str().unwrap())
    };
    events.as_array().unwrap().iter().filter(|event| event["kind"] == "advice_followed").map(of).collect()
}

#[tokio::test]
async fn an_automatic_policy_follows_the_advice_within_its_limits_once_a_day() {
    let world = shop().await;
    let auto =
        json!({"when_out": "auto", "customer_limit": 9, "auto": {"cap_max": 7, "horizon_days_max": 60}});
    let policy = put(&world, "2026-12-01T12:00:00Z", auto).await;
    assert_eq!(
        (&policy["when_out"], &policy["backorder_cap"], &policy["customer_limit"]),
        (&json!("backorder"), &json!(7), &json!(9))
    );
    assert_eq!(policy["auto"]["cap_max"], 7);
    assert!(policy["horizon_days"].as_i64().unwrap() <= 60);
    assert_eq!(get(&world).await["auto"], policy["auto"]);
    assert_eq!(followed(&world).await, ["automatic backorder"]);
    // The goods are called off: nothing can be sold ahead any more.
    let due = world.get("/v1/supplies?sku=MUG").await.is(200)["items"][0]["id"].as_str().unwrap().to_owned();
    world.post(&format!("/v1/supplies/{due}/cancel"), json!({})).await.is(200);
    run_due(&world, "2026-12-02T11:00:00Z").await;
    assert_eq!(get(&world).await["when_out"], "backorder", "its day is not over");
    run_due(&world, "2026-12-02T12:00:00Z").await;
    assert_eq!(get(&world).await["when_out"], "waitlist");
    assert_eq!(followed(&world).await, ["automatic backorder", "automatic waitlist"]);
    run_due(&world, "2026-12-03T12:00:00Z").await;
    assert_eq!(followed(&world).await.len(), 2, "as long as the advice is the same, nothing is changed");
    world.verify();
}

#[tokio::test]
async fn ways_that_are_not_allowed_are_not_taken_and_a_policy_that_is_set_follows_no_more() {
    let world = shop().await;
    let auto = json!({"when_out": "auto", "auto": {"when_out": ["waitlist", "refuse"]}});
    assert_eq!(put(&world, "2026-12-01T12:00:00Z", auto).await["when_out"], "waitlist");
    let set = put(&world, "2026-12-01T13:00:00Z", json!({"when_out": "refuse"})).await;
    assert_eq!((&set["when_out"], &set["auto"]), (&json!("refuse"), &Value::Null));
    run_due(&world, "2026-12-03T12:00:00Z").await;
    assert_eq!(get(&world).await["when_out"], "refuse");
    for (auto, code) in [
        (json!({"when_out": []}), "empty"),
        (json!({"cap_max": -1}), "out_of_range"),
        (json!({"when_out": ["made_to_order"]}), "unknown_value"),
    ] {
        let body = json!({"when_out": "auto", "auto": auto});
        let problem = world.put("/v1/skus/MUG/policies/default", body).await.fails(422, "invalid");
        assert_eq!(problem["errors"][0]["code"], code);
    }
    let problem = world.put("/v1/skus/MUG/policies/default", json!({"when_out": "refuse", "auto": {}})).await;
    problem.fails(422, "invalid");
    world.put("/v1/skus/NONE/policies/default", json!({"when_out": "auto"})).await.fails(404, "not_found");
    world.verify();
}

#[tokio::test]
async fn what_is_paused_or_held_out_stays_as_it_is() {
    let world = shop().await;
    let paused = json!({"when_out": "auto", "auto": {"paused": true, "when_out": ["waitlist"]}});
    assert_eq!(put(&world, "2026-12-01T12:00:00Z", paused).await["when_out"], "backorder");
    run_due(&world, "2026-12-03T12:00:00Z").await;
    assert_eq!(get(&world).await["when_out"], "backorder");
    let settings = json!({"paused": true, "hold_out_percent": 90});
    let read = world.put("/v1/settings/advice", settings).await.is(200);
    assert_eq!(
        (&read["paused"], &read["automatic_policies"], &read["difference"]),
        (&json!(true), &json!(1), &Value::Null)
    );
    let auto = json!({"when_out": "auto", "auto": {"when_out": ["waitlist"]}});
    assert_eq!(put(&world, "2026-12-04T12:00:00Z", auto).await["when_out"], "backorder", "all are paused");
    world.put("/v1/settings/advice", json!({})).await.is(200);
    run_due(&world, "2026-12-06T12:00:00Z").await;
    assert_eq!(get(&world).await["when_out"], "waitlist");
    world.put("/v1/settings/advice", json!({"hold_out_percent": 100})).await.fails(422, "invalid");
    let read = world.send(Call::get("/v1/settings/advice").at("2026-12-08T12:00:00Z")).await.is(200);
    assert_eq!((&read["hold_out_percent"], &read["following"]["skus"]), (&json!(0), &json!(1)));
    world.verify();
}

#[tokio::test]
async fn without_anything_to_go_by_it_is_sold_as_it_was() {
    let world = world();
    world.with_mug().await;
    world.put("/v1/skus/GIFT", json!({"title": "Gift"})).await.is(201);
    let set = world.put("/v1/skus/GIFT/policies/default", json!({"when_out": "auto"})).await.is(201);
    assert_eq!((&set["when_out"], &set["auto"]["paused"]), (&json!("refuse"), &json!(false)));
    let events = world.get("/v1/events?limit=500").await.is(200)["items"].clone();
    let why = events.as_array().unwrap().iter().rfind(|event| event["kind"] == "advice_followed").unwrap();
    assert!(why["data"]["advice"]["refused"].as_str().unwrap().contains("price"), "{why}");
    run_due(&world, "2026-11-25T14:00:00Z").await;
    world.verify();
}
