//! The same request sent again: one effect, one answer.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::world::{Call, World, order, world};

async fn orders(world: &World) -> usize {
    world.get("/v1/orders?limit=500").await.is(200)["items"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_order_sent_many_times_at_once_is_one_order() {
    let world = Arc::new(world());
    world.with_mug().await;
    world.stock("MUG", 100).await;
    let call = Call::post("/v1/orders", &order("MUG", 2));
    let sent: Vec<_> = (0..32)
        .map(|_| {
            let (world, call) = (Arc::clone(&world), call.clone());
            tokio::spawn(async move { world.send(call).await })
        })
        .collect();
    let mut replies = Vec::new();
    for reply in sent {
        replies.push(reply.await.unwrap());
    }
    let first = replies[0].is(201);
    assert!(replies.iter().all(|reply| reply.is(201) == first), "every answer has the same body");
    assert_eq!(replies.iter().filter(|reply| !reply.is_replayed()).count(), 1);
    assert_eq!(orders(&world).await, 1);
    assert_eq!(world.get("/v1/availability?sku=MUG").await.is(200)["available_now"], 98);
}

#[tokio::test]
async fn an_answer_stays_as_it_was_whatever_happened_since() {
    let world = world();
    world.with_mug().await;
    let supply = world.supply("MUG", 10, "2026-12-01").await;
    let call = Call::post("/v1/orders", &order("MUG", 2));
    let first = world.send(call.clone()).await;
    world.patch(&format!("/v1/supplies/{supply}"), json!({"expected_on": "2027-03-01"})).await.is(200);
    let again = world.send(call.at("2026-11-24T09:00:00Z")).await;
    assert!(again.is_replayed() && !first.is_replayed());
    assert_eq!(again.bytes, first.bytes);
}

#[tokio::test]
async fn blanks_and_the_order_of_fields_make_no_other_request() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 10).await;
    let call = Call::post("/v1/orders", &json!({}));
    let one = call.clone().text(r#"{"reference":"é","lines":[{"sku":"MUG","quantity":1}]}"#);
    let same = call
        .clone()
        .text("{ \"lines\": [ {\"quantity\": 1, \"sku\": \"MUG\"} ],\n \"reference\": \"\\u00e9\" }");
    let other = call.clone().text(r#"{"reference":"é","lines":[{"sku":"MUG","quantity":2}]}"#);
    let first = world.send(one.clone()).await.is(201);
    let again = world.send(same).await;
    assert!(again.is_replayed());
    assert_eq!(again.is(201), first);
    world.send(other).await.fails(422, "idempotency_mismatch");
    // The same key for another call is another request too.
    let elsewhere = Call { path: "/v1/holds".to_owned(), ..one };
    let hold = elsewhere.text(r#"{"lines":[{"sku":"MUG","quantity":1}]}"#);
    world.send(hold).await.fails(422, "idempotency_mismatch");
    assert_eq!(orders(&world).await, 1);
}

#[tokio::test]
async fn a_refusal_is_kept_and_wrong_input_is_not() {
    let world = world();
    world.with_mug().await;
    let call = Call::post("/v1/orders", &order("MUG", 1));
    world.send(call.clone()).await.fails(409, "not_available");
    world.stock("MUG", 10).await;
    let again = world.send(call).await;
    again.fails(409, "not_available");
    assert!(again.is_replayed());

    let call = Call::post("/v1/orders", &order("CUP", 1));
    world.send(call.clone()).await.fails(422, "invalid");
    world.put("/v1/skus/CUP", json!({})).await.is(201);
    let after = world.send(call).await;
    after.fails(409, "not_available");
    assert!(!after.is_replayed());
}

#[tokio::test]
async fn other_posts_take_a_key_and_receipts_need_one() {
    let world = world();
    world.with_mug().await;
    let adjust = Call::post(
        "/v1/adjustments",
        &json!({"sku": "MUG", "location": "east", "delta": 5, "reason": "count"}),
    );
    let supply = Call::post(
        "/v1/supplies",
        &json!({"sku": "MUG", "location": "east", "kind": "transfer", "quantity": 7}),
    );
    let hold = Call::post("/v1/holds", &json!({"lines": [{"sku": "MUG", "quantity": 1}]}));
    for call in [&adjust, &supply, &hold] {
        let first = world.send(call.clone()).await;
        let again = world.send(call.clone()).await;
        assert_eq!(first.is(201), again.is(201));
        assert!(again.is_replayed() && !first.is_replayed());
        // Without a key each is another one.
        let unkeyed = world.send(call.clone().with("idempotency-key", "")).await;
        unkeyed.is(201);
        assert!(!unkeyed.is_replayed());
    }
    let supply = world.send(supply).await.is(201)["id"].as_str().unwrap().to_owned();
    let receipt = Call::post(&format!("/v1/supplies/{supply}/receipts"), &json!({}));
    world.send(receipt.clone().with("idempotency-key", "")).await.fails(400, "idempotency_key_missing");
    let first = world.send(receipt.clone()).await;
    let again = world.send(receipt).await;
    assert_eq!(first.is(201), again.is(201));
    assert!(again.is_replayed());
    let cancel = Call::new("POST", &format!("/v1/supplies/{supply}/cancel")).with("idempotency-key", "c-1");
    world.send(cancel).await.fails(409, "already_received");
}

fn batched(key: &str, order: &Value) -> Value {
    let mut order = order.clone();
    order["idempotency_key"] = json!(key);
    order
}

#[tokio::test]
async fn orders_of_a_batch_stand_each_on_its_own() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 3).await;
    let batch = json!({"orders": [
        batched("a", &order("MUG", 2)),
        order("MUG", 1),
        batched("b", &order("MUG", 2)),
        batched("c", &order("NEVER", 1)),
        batched("a", &order("MUG", 2)),
        batched("a", &order("MUG", 1)),
        batched("not good", &order("MUG", 1)),
        7,
        batched("d", &order("MUG", 1)),
    ]});
    let items = world.post("/v1/orders/batch", batch.clone()).await.is(200)["items"].clone();
    let brief: Vec<(u64, &str)> = items
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["status"].as_u64().unwrap(), item["problem"]["code"].as_str().unwrap_or("")))
        .collect();
    let expected = [
        (201, ""),
        (400, "idempotency_key_missing"),
        (409, "not_available"),
        (422, "invalid"),
        (201, ""),
        (422, "idempotency_mismatch"),
        (422, "invalid"),
        (422, "invalid"),
        (201, ""),
    ];
    assert_eq!(brief, expected);
    assert_eq!(items[0]["order"], items[4]["order"]);
    assert_eq!(
        (&items[0]["idempotent_replayed"], &items[4]["idempotent_replayed"]),
        (&Value::Null, &json!(true))
    );
    assert_eq!(orders(&world).await, 2);
    // The whole batch again, and one of its orders alone: nothing new.
    let again = world.post("/v1/orders/batch", batch).await.is(200)["items"].clone();
    assert_eq!(again[8]["order"], items[8]["order"]);
    let alone = world.send(Call::post("/v1/orders", &order("MUG", 2)).with("idempotency-key", "a")).await;
    assert!(alone.is_replayed());
    assert_eq!(alone.is(201), items[0]["order"]);
    assert_eq!(orders(&world).await, 2);
}

#[tokio::test]
async fn five_hundred_orders_go_in_one_batch() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 400).await;
    let batch: Vec<Value> = (0..500).map(|n| batched(&format!("k{n}"), &order("MUG", 1))).collect();
    let items = world.post("/v1/orders/batch", json!({"orders": batch})).await.is(200)["items"].clone();
    let accepted = items.as_array().unwrap().iter().filter(|item| item["status"] == 201).count();
    assert_eq!((items.as_array().unwrap().len(), accepted), (500, 400));
    // First come, first served: the orders at the end are those that got nothing.
    assert_eq!((&items[399]["status"], &items[400]["status"]), (&json!(201), &json!(409)));
}
