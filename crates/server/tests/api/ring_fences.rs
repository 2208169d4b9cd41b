//! Ring-fenced stock: 120 of 200 for FBA.

use serde_json::{Value, json};

use crate::world::{Call, World, order, world};

fn fence(units: i64) -> Value {
    json!({"sku": "MUG", "location": "east", "channel": "fba", "units": units})
}

async fn now(world: &World, channel: &str) -> Value {
    let offer = world.get(&format!("/v1/availability?sku=MUG&channel={channel}")).await.is(200);
    offer["available_now"].clone()
}

async fn buys(world: &World, channel: &str, units: i64) -> Value {
    let mut wish = order("MUG", units);
    wish["channel"] = json!(channel);
    world.post("/v1/orders", wish).await.is(201)
}

#[tokio::test]
async fn of_two_hundred_a_hundred_and_twenty_are_for_fba_and_count_down_as_it_ships() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 200).await;
    let kept = world.post("/v1/ring-fences", fence(120)).await.is(200);
    assert_eq!((&kept["on_hand"], &kept["free"]), (&json!(200), &json!(80)));
    let expected = json!([{"channel": "fba", "units": 120, "claimed": 0, "left": 120, "most": 200}]);
    assert_eq!(kept["ring_fenced"], expected);
    assert_eq!((now(&world, "web").await, now(&world, "fba").await), (json!(80), json!(200)));
    let all = json!({"lines": [{"sku": "MUG", "quantity": 81}]});
    let refused = world.post("/v1/orders", all).await.fails(409, "not_available");
    assert_eq!(refused["available"], 80);
    let sold = buys(&world, "fba", 35).await;
    let listed = world.get("/v1/ring-fences?location=east").await.is(200);
    let item = &listed["items"][0];
    assert_eq!((&item["sku"], &item["ring_fenced"][0]["left"]), (&json!("MUG"), &json!(85)));
    world.post("/v1/shipments", json!({"order": sold["id"]})).await.is(201);
    let listed = world.get("/v1/ring-fences?sku=MUG").await.is(200);
    let expected = json!([{"channel": "fba", "units": 85, "claimed": 0, "left": 85, "most": 165}]);
    assert_eq!(listed["items"][0]["ring_fenced"], expected);
    assert_eq!(now(&world, "web").await, json!(80));
    let supply = world.get("/v1/supplies?sku=MUG").await.is(200)["items"][0].clone();
    let eighty_five = json!([{"channel": "fba", "units": 85}]);
    assert_eq!((&supply["free"], &supply["ring_fenced"]), (&json!(80), &eighty_five));
    assert_eq!(supply["ring_fenced_left"], eighty_five);
    world.post("/v1/ring-fences", fence(0)).await.is(200);
    assert_eq!(now(&world, "web").await, json!(165));
    assert_eq!(world.get("/v1/ring-fences").await.is(200)["items"], json!([]));
    world.verify();
}

#[tokio::test]
async fn no_more_is_ring_fenced_than_others_have_left_and_the_answer_says_how_many() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 20).await;
    buys(&world, "web", 15).await;
    let refused = world.post("/v1/ring-fences", fence(6)).await.fails(409, "not_available");
    assert_eq!(refused["available"], 5);
    assert!(refused["detail"].as_str().unwrap().contains("at most 5 units"), "{refused}");
    for (wrong, code) in [
        (json!({"sku": "MUG", "location": "north", "channel": "fba", "units": 1}), "invalid"),
        (json!({"sku": "CUP", "location": "east", "channel": "fba", "units": 1}), "invalid"),
        (fence(-1), "invalid"),
        (json!({"sku": "MUG", "location": "east", "units": 1}), "invalid"),
    ] {
        world.post("/v1/ring-fences", wrong).await.fails(422, code);
    }
    world.verify();
}

#[tokio::test]
async fn who_is_second_is_told_and_the_same_key_does_it_once() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 20).await;
    let seen = world.post("/v1/ring-fences", fence(5)).await.is(200);
    let tag = seen["tag"].as_str().unwrap();
    let wish = |units| Call::post("/v1/ring-fences", &fence(units)).with("if-match", tag);
    let first = world.send(wish(8).with("idempotency-key", "one")).await.is(200);
    assert_eq!(first["ring_fenced"][0]["units"], 8);
    world.send(wish(9)).await.fails(412, "stale");
    let again = world.send(wish(8).with("idempotency-key", "one")).await;
    assert!(again.is_replayed());
    assert_eq!(again.is(200), first);
}

#[tokio::test]
async fn of_what_comes_some_is_ring_fenced_and_stays_so_when_it_is_received() {
    let world = world();
    world.with_mug().await;
    let due = world.supply("MUG", 500, "2026-12-01").await;
    let wish = json!({"channel": "fba", "units": 120});
    let supply = world.post(&format!("/v1/supplies/{due}/ring-fences"), wish).await.is(200);
    assert_eq!((&supply["free"], &supply["ring_fenced_left"][0]["units"]), (&json!(380), &json!(120)));
    world.post(&format!("/v1/supplies/{due}/receipts"), json!({"accepted": 100})).await.is(201);
    assert_eq!((now(&world, "web").await, now(&world, "fba").await), (json!(0), json!(100)));
    let rest = world.get(&format!("/v1/supplies/{due}")).await.is(200);
    assert_eq!((&rest["quantity"], &rest["ring_fenced"][0]["units"]), (&json!(400), &json!(20)));
    world
        .post(
            "/v1/supplies/sup_01920000000070008000000000000001/ring-fences",
            json!({"channel": "fba", "units": 1}),
        )
        .await
        .fails(404, "not_found");
    world.verify();
}

#[tokio::test]
async fn goods_that_go_to_the_marketplaces_own_house_stay_its_own_and_come_back_so() {
    let world = world();
    world.with_mug().await;
    world.put("/v1/locations/fba-eu", json!({"name": "FBA", "time_zone": "UTC"})).await.is(201);
    world.stock("MUG", 20).await;
    world.post("/v1/ring-fences", fence(12)).await.is(200);
    let sends = |units: i64, channel: Option<&str>| json!({"sku": "MUG", "from_location": "east", "to_location": "fba-eu", "quantity": units, "channel": channel});
    let refused = world.post("/v1/transfers", sends(9, None)).await.fails(409, "not_available");
    assert_eq!(refused["available"], 8);
    let sent = world.post("/v1/transfers", sends(10, Some("fba"))).await.is(201);
    assert_eq!(sent["ring_fenced"], json!([{"channel": "fba", "units": 10}]));
    let left = world.get("/v1/ring-fences").await.is(200)["items"].clone();
    assert_eq!((left.as_array().unwrap().len(), &left[0]["ring_fenced"][0]["units"]), (1, &json!(2)));
    let id = sent["id"].as_str().unwrap();
    world.post(&format!("/v1/supplies/{id}/cancel"), json!({})).await.is(200);
    let back = world.get("/v1/ring-fences").await.is(200)["items"].clone();
    assert_eq!((&back[0]["on_hand"], &back[0]["ring_fenced"][0]["units"]), (&json!(20), &json!(12)));
    world.verify();
}
