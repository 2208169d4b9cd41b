//! Two shops on one server: neither sees or changes anything of the other.

use serde_json::json;

use crate::world::{Call, STRANGER, order, world};

#[tokio::test]
async fn a_shop_sees_and_changes_nothing_of_another() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 10).await;
    let supply = world.supply("MUG", 10, "2026-12-01").await;
    let placed = world.order("MUG", 12).await;
    let (placed, line) = (placed["id"].as_str().unwrap(), placed["lines"][0]["id"].as_str().unwrap());
    let hold = world.post("/v1/holds", json!({"lines": [{"sku": "MUG", "quantity": 1}]})).await.is(201);
    let hold = hold["id"].as_str().unwrap();

    // Whatever names a thing of the other shop finds nothing.
    for (method, path, body) in [
        ("GET", "/v1/locations/east".to_owned(), None),
        ("GET", "/v1/skus/MUG".to_owned(), None),
        ("GET", "/v1/skus/MUG/policies".to_owned(), None),
        ("GET", "/v1/skus/MUG/policies/default".to_owned(), None),
        ("PUT", "/v1/skus/MUG/policies/default".to_owned(), Some(json!({"when_out": "refuse"}))),
        ("GET", format!("/v1/supplies/{supply}"), None),
        ("PATCH", format!("/v1/supplies/{supply}"), Some(json!({"quantity": 1}))),
        ("POST", format!("/v1/supplies/{supply}/cancel"), None),
        ("POST", format!("/v1/supplies/{supply}/receipts"), Some(json!({}))),
        ("POST", format!("/v1/supplies/{supply}/inspections"), Some(json!({"good": 1}))),
        ("GET", "/v1/availability?sku=MUG".to_owned(), None),
        ("GET", format!("/v1/holds/{hold}"), None),
        ("DELETE", format!("/v1/holds/{hold}"), None),
        ("GET", format!("/v1/orders/{placed}"), None),
        ("GET", format!("/v1/orders/{placed}/promises"), None),
        ("POST", format!("/v1/orders/{placed}/cancel"), None),
        ("POST", format!("/v1/orders/{placed}/cancel"), Some(json!({"lines": [{"id": line}]}))),
    ] {
        let call = Call::new(method, &path).key(STRANGER).with("idempotency-key", &crate::world::new_key());
        let call = match body {
            Some(body) => call.json(&body),
            None => call,
        };
        world.send(call).await.fails(404, "not_found");
    }
    // Lists are empty.
    for path in [
        "/v1/locations",
        "/v1/skus",
        "/v1/supplies?closed=true",
        "/v1/supplies?sku=MUG",
        "/v1/orders",
        "/v1/orders?email=ada@example.com",
        "/v1/backorders",
        "/v1/backorders?sku=MUG",
        &format!("/v1/backorders?supply={supply}"),
        "/v1/events",
    ] {
        let list = world.send(Call::get(path).key(STRANGER)).await.is(200);
        assert_eq!(list, json!({"items": [], "next_cursor": null}), "{path}");
    }
    // Names given by the other shop mean nothing here.
    for (path, body, pointer) in [
        ("/v1/orders", order("MUG", 1), "/lines/0/sku"),
        ("/v1/holds", json!({"lines": [{"sku": "MUG", "quantity": 1}]}), "/lines/0/sku"),
        ("/v1/adjustments", json!({"sku": "MUG", "location": "east", "delta": 1, "reason": "count"}), "/sku"),
        (
            "/v1/supplies",
            json!({"sku": "MUG", "location": "east", "kind": "transfer", "quantity": 1}),
            "/sku",
        ),
    ] {
        let problem = world.send(Call::post(path, &body).key(STRANGER)).await.fails(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    // The same names are the other shop's own things.
    world.send(Call::new("PUT", "/v1/locations/east").json(&json!({})).key(STRANGER)).await.is(201);
    world.send(Call::new("PUT", "/v1/skus/MUG").json(&json!({"title": "Cup"})).key(STRANGER)).await.is(201);
    assert_eq!(world.get("/v1/skus/MUG").await.is(200)["title"], "Mug");
    let mut with_hold = order("MUG", 1);
    with_hold["hold"] = json!(hold);
    world.send(Call::post("/v1/orders", &with_hold).key(STRANGER)).await.fails(409, "hold_expired");
    let seen = world.send(Call::get("/v1/availability?sku=MUG").key(STRANGER)).await.is(200);
    assert_eq!(seen["available_now"], 0);
    // Nothing of all this was felt here.
    assert_eq!(world.get(&format!("/v1/orders/{placed}")).await.is(200)["lines"][0]["open"], 12);
    assert_eq!(world.get(&format!("/v1/supplies/{supply}")).await.is(200)["quantity"], 10);
    world.get(&format!("/v1/holds/{hold}")).await.is(200);
}

#[tokio::test]
async fn one_idempotency_key_in_two_shops_is_two() {
    let world = world();
    world.with_mug().await;
    let call = Call::post(
        "/v1/adjustments",
        &json!({"sku": "MUG", "location": "east", "delta": 4, "reason": "count"}),
    );
    world.send(call.clone()).await.is(201);
    world.send(Call::new("PUT", "/v1/locations/east").json(&json!({})).key(STRANGER)).await.is(201);
    world.send(Call::new("PUT", "/v1/skus/MUG").json(&json!({})).key(STRANGER)).await.is(201);
    let there = world.send(call.key(STRANGER)).await;
    assert!(!there.is_replayed());
    assert_eq!(there.is(201)["on_hand"], 4);
}

#[tokio::test]
async fn an_orders_link_names_its_shop() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 1).await;
    let placed = world.order("MUG", 1).await;
    let token = placed["status_url"].as_str().unwrap().rsplit('/').next().unwrap();
    let now = crate::world::NOW.parse().unwrap();
    let (tenant, order) = server::link::read(&world.app.secret, token, now).unwrap();
    assert_eq!((tenant.as_str(), json!(order)), ("acme", placed["id"].clone()));
}
