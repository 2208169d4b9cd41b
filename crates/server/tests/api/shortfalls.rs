//! Promises that cannot be kept, and the ways out.

use serde_json::{Value, json};

use crate::world::{World, world};

async fn ways(world: &World) -> Vec<(String, Value)> {
    let page = world.get("/v1/shortfalls").await.is(200);
    let ways = page["items"][0]["ways_out"].as_array().cloned().unwrap_or_default();
    ways.into_iter().map(|way| (way["way"].as_str().unwrap().to_owned(), way)).collect()
}

#[tokio::test]
async fn a_slip_that_breaks_a_promise_is_listed_until_somebody_goes_a_way_out() {
    let world = world();
    world.with_mug().await;
    let due = world.supply("MUG", 10, "2026-12-01").await;
    let order = world.order("MUG", 4).await;
    assert_eq!(world.get("/v1/shortfalls").await.is(200)["items"], json!([]), "all is well");
    let early = json!({"expected_on": "2026-11-30"});
    world.patch(&format!("/v1/supplies/{due}"), early).await.is(200);
    assert_eq!(world.get("/v1/shortfalls").await.is(200)["items"], json!([]), "earlier breaks nothing");
    world.patch(&format!("/v1/supplies/{due}"), json!({"expected_on": "2026-12-20"})).await.is(200);
    let page = world.get("/v1/shortfalls").await.is(200);
    let item = &page["items"][0];
    assert_eq!(
        (&item["order"], &item["deadline"], &item["owner"]),
        (&order["id"], &json!("2026-12-07"), &json!(null))
    );

    let line = item["line"].as_str().unwrap();
    let care = json!({"owner": "Mia", "deadline": "2026-11-27", "note": "asked the factory"});
    world.post(&format!("/v1/shortfalls/{line}"), care).await.is(200);
    let item = world.get("/v1/shortfalls").await.is(200)["items"][0].clone();
    assert_eq!((&item["owner"], &item["deadline"]), (&json!("Mia"), &json!("2026-11-27")));
    world.verify();

    let found = ways(&world).await;
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["later_date", "expedite", "cancel"]);
    let expedite = &found[1].1;
    let call = expedite["call"].as_str().unwrap().strip_prefix("PATCH ").unwrap();
    world.patch(call, json!({"expected_on": "2026-12-01"})).await.is(200);
    assert_eq!(world.get("/v1/shortfalls").await.is(200)["items"], json!([]), "it is as it was told");
}

#[tokio::test]
async fn goods_that_are_lost_name_other_locations_and_what_can_take_their_place() {
    let world = world();
    world.with_mug().await;
    let cup = json!({"title": "Cup"});
    world.put("/v1/skus/CUP", cup).await.is(201);
    let mug = json!({"title": "Mug", "substitutes": ["CUP"]});
    world.put("/v1/skus/MUG", mug).await.is(200);
    world.stock("CUP", 3).await;
    let due = world.supply("MUG", 10, "2026-12-01").await;
    world.order("MUG", 4).await;
    world.post(&format!("/v1/supplies/{due}/cancel"), json!({})).await.is(200);
    let found = ways(&world).await;
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["substitute", "cancel"]);
    let (body, call) = (&found[0].1["body"], found[0].1["call"].as_str().unwrap());
    assert_eq!((&body["sku"], &body["quantity"]), (&json!("CUP"), &json!(3)));
    let instead = world.post(call.strip_prefix("POST ").unwrap(), body.clone()).await.is(201);
    assert_eq!(instead["lines"][0]["state"], "allocated");
    let again = world.get(&format!("/v1/orders/{}", instead["id"].as_str().unwrap())).await.is(200);
    assert_eq!(again["customer"]["email"], "ada@example.com", "the same customer");
    world.verify();
    let found = ways(&world).await;
    let cancel = &found[0].1;
    assert_eq!((&cancel["way"], &cancel["body"]["lines"][0]["quantity"]), (&json!("cancel"), &json!(1)));
    let call = cancel["call"].as_str().unwrap().strip_prefix("POST ").unwrap();
    world.post(call, cancel["body"].clone()).await.is(200);
    assert_eq!(world.get("/v1/shortfalls").await.is(200)["items"], json!([]));

    let own = json!({"title": "Mug", "substitutes": ["MUG"]});
    world.put("/v1/skus/MUG", own).await.fails(422, "invalid");
    let nowhere = "/v1/shortfalls/ord_01920000000070008000000000000002-1";
    world.post(nowhere, json!({"owner": "Mia"})).await.fails(404, "not_found");
    world.post("/v1/shortfalls/nonsense", json!({"owner": "Mia"})).await.fails(404, "not_found");
}

#[tokio::test]
async fn a_substitute_costs_no_more_and_is_refused_whole() {
    let world = world();
    world.with_mug().await;
    let cup = json!({"title": "Cup", "price": {"amount": 1900, "currency": "USD"}});
    world.put("/v1/skus/CUP", cup).await.is(201);
    world.stock("CUP", 3).await;
    world.supply("MUG", 10, "2026-12-01").await;
    let order = world.order("MUG", 4).await;
    let path = format!("/v1/orders/{}/substitute", order["id"].as_str().unwrap());
    let line = order["lines"][0]["id"].clone();
    let body = |quantity: i64, sku: &str| json!({"line": line, "quantity": quantity, "sku": sku});
    let before = world.get("/v1/orders").await.is(200);
    world.post(&path, body(4, "CUP")).await.fails(409, "not_available");
    world.post(&path, body(5, "CUP")).await.fails(409, "already_shipped");
    world.post(&path, body(1, "MUG")).await.fails(422, "invalid");
    world.post(&path, body(1, "NONE")).await.fails(422, "invalid");
    world
        .post(&path, json!({"line": "ord_01920000000070008000000000000002-1", "quantity": 1, "sku": "CUP"}))
        .await
        .fails(422, "invalid");
    assert_eq!(world.get("/v1/orders").await.is(200), before, "refused: nothing is done");
    let instead = world.post(&path, body(3, "CUP")).await.is(201);
    assert_eq!(
        instead["lines"][0]["unit_price"],
        json!({"amount": 1500, "currency": "USD"}),
        "the mug's price"
    );
    let kinds: Vec<Value> = world.get("/v1/events?limit=500").await.is(200)["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].clone())
        .collect();
    assert!(kinds.contains(&json!("line_cancelled")));
    world.verify();
}

#[tokio::test]
async fn an_order_that_waits_for_all_is_split_and_freight_has_its_price() {
    let world = world();
    world.with_mug().await;
    let place = json!({"name": "East", "time_zone": "America/New_York", "handling_days": 1, "transit": [
        {"country": "*", "days_min": 2, "days_max": 4},
        {"country": "*", "service": "express", "days_min": 1, "days_max": 1, "price": {"amount": 2500, "currency": "USD"}}]});
    world.put("/v1/locations/east", place).await.is(200);
    world.stock("MUG", 1).await;
    let due = world.supply("MUG", 10, "2026-12-01").await;
    let body =
        json!({"ship": "complete", "lines": [{"sku": "MUG", "quantity": 3}], "customer": {"country": "US"}});
    let order = world.post("/v1/orders", body).await.is(201);
    world.patch(&format!("/v1/supplies/{due}"), json!({"expected_on": "2026-12-04"})).await.is(200);
    let item = world.get("/v1/shortfalls").await.is(200)["items"][0].clone();
    let care = json!({"expedite_price": {"amount": 90_000, "currency": "USD"}});
    world.post(&format!("/v1/shortfalls/{}", item["line"].as_str().unwrap()), care).await.is(200);
    let found = ways(&world).await;
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["later_date", "expedite", "faster_transit", "split", "cancel"]);
    assert_eq!(found[1].1["price"]["amount"], 90_000);
    assert_eq!(found[2].1["price"]["amount"], 2500);

    let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
    let (call, body) = (found[3].1["call"].as_str().unwrap(), found[3].1["body"].clone());
    let split = world.patch(call.strip_prefix("PATCH ").unwrap(), body).await.is(200);
    world.verify();
    let dates: Vec<&Value> = split["lines"][0]["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| &part["ship_by"]["promised"])
        .collect();
    assert_ne!(dates[0], dates[1], "what is here ships now");
    let released = world.post("/v1/releases", json!({"location": "east", "limit": 10})).await.is(201);
    assert_eq!(released["lines"][0]["quantity"], 1);
    world.patch(&path, json!({"ship": "some_day"})).await.fails(422, "invalid");
    world
        .patch("/v1/orders/ord_01920000000070008000000000000002", json!({"ship": "complete"}))
        .await
        .fails(404, "not_found");
}
