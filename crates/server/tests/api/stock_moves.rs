//! Goods that move between locations, are counted, come in two parts or in the place of others.

use serde_json::{Value, json};

use crate::world::{World, world};

async fn supply(world: &World, id: &Value) -> Value {
    world.get(&format!("/v1/supplies/{}", id.as_str().unwrap())).await.is(200)
}

#[tokio::test]
async fn a_supply_that_comes_in_two_parts_keeps_its_oldest_lines() {
    let world = world();
    world.with_mug().await;
    let whole = world.supply("MUG", 10, "2026-12-01").await;
    let mut orders = Vec::new();
    for units in [4, 4] {
        orders.push(world.order("MUG", units).await);
    }
    let address = format!("/v1/supplies/{whole}/split");
    let split = world.post(&address, json!({"quantity": 5, "expected_on": "2026-12-20"})).await.is(201);
    assert_eq!((&split["quantity"], &split["pegged"]), (&json!(5), &json!(5)));
    let part = &split["part"];
    assert_eq!(
        (&part["quantity"], &part["pegged"], &part["expected_on"]),
        (&json!(5), &json!(3), &json!("2026-12-20"))
    );
    let line = |order: &Value| world_line(order);
    let first = world.get(&format!("/v1/orders/{}", orders[0]["id"].as_str().unwrap())).await.is(200);
    assert_eq!(line(&first), line(&orders[0]), "the older one is where it was");
    let second = world.get(&format!("/v1/orders/{}", orders[1]["id"].as_str().unwrap())).await.is(200);
    let units: Vec<&Value> =
        second["lines"][0]["parts"].as_array().unwrap().iter().map(|part| &part["quantity"]).collect();
    assert_eq!(units, [&json!(1), &json!(3)]);
    world.post(&address, json!({"quantity": 5})).await.fails(422, "invalid");
    world.post(&address, json!({"quantity": 0})).await.fails(422, "invalid");
    world.post(&format!("/v1/supplies/{whole}/receipts"), json!({})).await.is(201);
    world.post(&address, json!({"quantity": 1})).await.fails(409, "already_received");
    world.verify();
}

fn world_line(order: &Value) -> Vec<Value> {
    order["lines"][0]["parts"].as_array().unwrap().iter().map(|part| part["ship_by"].clone()).collect()
}

#[tokio::test]
async fn goods_sent_to_another_location_are_due_there_and_nobody_loses_a_unit() {
    let world = world();
    world.with_mug().await;
    world
        .put("/v1/locations/west", json!({"name": "West", "time_zone": "America/Los_Angeles"}))
        .await
        .is(201);
    world.stock("MUG", 10).await;
    world.order("MUG", 4).await;
    let body = |units: i64| json!({"sku": "MUG", "from_location": "east", "to_location": "west", "quantity": units, "expected_on": "2026-12-01"});
    let refused = world.post("/v1/transfers", body(7)).await.fails(409, "not_available");
    assert_eq!(refused["available"], 6);
    let due = world.post("/v1/transfers", body(6)).await.is(201);
    assert_eq!(
        (&due["kind"], &due["location"], &due["state"]),
        (&json!("transfer"), &json!("west"), &json!("due"))
    );
    let offer = world.get("/v1/availability?sku=MUG").await.is(200);
    assert_eq!((&offer["available_now"], &offer["available_later"]), (&json!(0), &json!(6)));
    let id = due["id"].as_str().unwrap();
    let receipt = json!({"accepted": 5, "close": true});
    world.post(&format!("/v1/supplies/{id}/receipts"), receipt).await.is(201);
    assert_eq!(supply(&world, &due["id"]).await["quantity"], 5);
    let wrong = json!({"sku": "MUG", "from_location": "east", "to_location": "east", "quantity": 1});
    world.post("/v1/transfers", wrong).await.fails(422, "invalid");
    let wrong = json!({"sku": "CUP", "from_location": "north", "to_location": "east", "quantity": 1});
    let problem = world.post("/v1/transfers", wrong).await.fails(422, "invalid");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2);
    world.verify();
}

#[tokio::test]
async fn a_count_books_the_difference_and_the_last_lines_wait() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 10).await;
    for units in [4, 4] {
        world.order("MUG", units).await;
    }
    let body =
        |units: i64| json!({"sku": "MUG", "location": "east", "counted": units, "note": "stocktaking"});
    let same = world.post("/v1/counts", body(10)).await.is(201);
    assert_eq!((&same["delta"], &same["on_hand"]), (&json!(0), &json!(10)));
    let fewer = world.post("/v1/counts", body(5)).await.is(201);
    assert_eq!((&fewer["delta"], &fewer["on_hand"], &fewer["free"]), (&json!(-5), &json!(5), &json!(0)));
    let waiting = world.get("/v1/backorders").await.is(200);
    assert_eq!(waiting["items"][0]["quantity"], 3, "the last come of the younger line");
    let more = world.post("/v1/counts", body(9)).await.is(201);
    assert_eq!((&more["delta"], &more["free"]), (&json!(4), &json!(1)));
    assert_eq!((&fewer["displaced"], &more["allocated"]), (&json!(3), &json!(3)));
    assert_eq!(
        (&more["lines"][0]["quantity"], &more["lines"][0]["line"]),
        (&json!(3), &waiting["items"][0]["line"])
    );
    assert_eq!(world.get("/v1/backorders").await.is(200)["items"], json!([]));
    world.post("/v1/counts", body(-1)).await.fails(422, "invalid");
    world.verify();
}

#[tokio::test]
async fn something_else_that_came_goes_on_the_shelf_and_the_supply_stays_due() {
    let world = world();
    world.with_mug().await;
    world.put("/v1/skus/CUP", json!({"title": "Cup"})).await.is(201);
    let due = world.supply("MUG", 10, "2026-12-01").await;
    let address = format!("/v1/supplies/{due}/receipts");
    let came = world.post(&address, json!({"wrong": {"sku": "CUP", "quantity": 8}})).await.is(201);
    assert_eq!((&came["sku"], &came["on_hand"]), (&json!("CUP"), &json!(8)));
    assert_eq!(supply(&world, &json!(due)).await["state"], "due");
    for (body, field) in [
        (json!({"wrong": {"sku": "MUG", "quantity": 1}}), "/wrong/sku contradiction"),
        (json!({"wrong": {"sku": "NONE", "quantity": 1}}), "/wrong/sku unknown_sku"),
        (json!({"wrong": {"sku": "CUP", "quantity": 0}}), "/wrong/quantity out_of_range"),
        (json!({"accepted": 1, "wrong": {"sku": "CUP", "quantity": 1}}), "/wrong ambiguous"),
    ] {
        let problem = world.post(&address, body).await.fails(422, "invalid");
        let named = &problem["errors"][0];
        assert_eq!(
            format!("{} {}", named["pointer"].as_str().unwrap(), named["code"].as_str().unwrap()),
            field
        );
    }
    world.verify();
}

#[tokio::test]
async fn what_nobody_has_looked_at_is_kept_apart_until_it_was() {
    let world = world();
    world.with_mug().await;
    world.put("/v1/skus/CUP", json!({"title": "Cup"})).await.is(201);
    world.put("/v1/skus/CUP/policies/default", json!({"when_out": "backorder"})).await.is(201);
    let late = world.supply("CUP", 9, "2026-12-20").await;
    let order = world.order("CUP", 5).await;
    let due = world.supply("MUG", 10, "2026-12-01").await;
    let wrong = json!({"wrong": {"sku": "CUP", "quantity": 8, "quarantine": true}});
    let came = world.post(&format!("/v1/supplies/{due}/receipts"), wrong).await.is(201);
    assert_eq!((&came["on_hand"], &came["allocated"]), (&json!(0), &json!(0)), "nobody may have them yet");
    let apart = supply(&world, &came["quarantine"]).await;
    assert_eq!(
        (&apart["state"], &apart["quantity"], &apart["sku"]),
        (&json!("quarantine"), &json!(8), &json!("CUP"))
    );
    world.verify();
    let looked_at = json!({"good": 6, "written_off": 2, "reason": "two are broken"});
    let path = format!("/v1/supplies/{}/inspections", came["quarantine"].as_str().unwrap());
    let done = world.post(&path, looked_at).await.is(201);
    assert_eq!((&done["allocated"], &done["lines"][0]["line"]), (&json!(5), &order["lines"][0]["id"]));
    assert_eq!(supply(&world, &json!(late)).await["pegged"], 0, "they have what is here");

    let back = |delta: i64| json!({"sku": "CUP", "location": "east", "delta": delta, "reason": "return_to_stock", "quarantine": true});
    let kept = world.post("/v1/adjustments", back(2)).await.is(201);
    assert_eq!(supply(&world, &kept["quarantine"]).await["state"], "quarantine");
    world.post("/v1/adjustments", back(-1)).await.fails(422, "invalid");
    world.verify();
}

#[tokio::test]
async fn goods_called_off_on_their_way_come_back_to_where_they_were() {
    let world = world();
    world.with_mug().await;
    let west = json!({"name": "West", "time_zone": "America/Los_Angeles"});
    world.put("/v1/locations/west", west).await.is(201);
    world.stock("MUG", 10).await;
    let body = json!({"sku": "MUG", "from_location": "east", "to_location": "west", "quantity": 6,
        "expected_on": "2026-12-01"});
    let due = world.post("/v1/transfers", body).await.is(201);
    let id = due["id"].as_str().unwrap();
    world.post(&format!("/v1/supplies/{id}/receipts"), json!({"accepted": 2})).await.is(201);
    let called_off = world.post(&format!("/v1/supplies/{id}/cancel"), json!({})).await.is(200);
    let counted = |location: &str, units: i64| json!({"sku": "MUG", "location": location, "counted": units});
    for (location, units) in [("east", 8), ("west", 2)] {
        let count = world.post("/v1/counts", counted(location, units)).await.is(201);
        assert_eq!(count["delta"], 0, "{location}");
    }
    let undo = format!("/v1/runs/{}/undo", called_off["run"].as_str().unwrap());
    world.post(&undo, json!({})).await.fails(404, "not_found");
    world.verify();
}

#[tokio::test]
async fn who_moves_up_into_a_new_supply_is_named() {
    let world = world();
    world.with_mug().await;
    world.supply("MUG", 10, "2026-12-20").await;
    let order = world.order("MUG", 4).await;
    let body = json!({"sku": "MUG", "location": "east", "kind": "purchase_order", "quantity": 3, "expected_on": "2026-12-05"});
    let sooner = world.post("/v1/supplies", body).await.is(201);
    let served = &sooner["lines"][0];
    assert_eq!((&served["order"], &served["quantity"]), (&order["id"], &json!(3)));
    assert!(served["why"].as_str().unwrap().starts_with("moved up"));
}
