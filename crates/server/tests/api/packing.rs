//! Orders that ship whole, made whole by each other's units.

use serde_json::{Value, json};

use crate::world::{World, world};

/// A SKU that is sold ahead of its supply, at a price in cents.
async fn sku(world: &World, sku: &str, price: i64) {
    let item = json!({"title": sku, "price": {"amount": price, "currency": "USD"}});
    world.put(&format!("/v1/skus/{sku}"), item).await.is(201);
    world.put(&format!("/v1/skus/{sku}/policies/default"), json!({"when_out": "backorder"})).await.is(201);
}

async fn whole(world: &World, reference: &str, skus: &[(&str, i64)]) -> String {
    let lines: Vec<Value> = skus.iter().map(|(sku, units)| json!({"sku": sku, "quantity": units})).collect();
    let order =
        json!({"reference": reference, "ship": "complete", "lines": lines, "customer": {"country": "US"}});
    world.post("/v1/orders", order).await.is(201)["id"].as_str().unwrap().to_owned()
}

async fn states(world: &World, order: &str) -> Vec<Value> {
    let order = world.get(&format!("/v1/orders/{order}")).await.is(200);
    order["lines"].as_array().unwrap().iter().map(|line| line["state"].clone()).collect()
}

async fn ship_by(world: &World, order: &str) -> Value {
    let order = world.get(&format!("/v1/orders/{order}")).await.is(200);
    let lines = order["lines"].as_array().unwrap();
    let dates = lines.iter().flat_map(|line| line["parts"].as_array().unwrap());
    dates.map(|part| part["ship_by"]["promised"].as_str().unwrap()).max().unwrap().into()
}

/// The first has the one pan and waits until 20 December for its lid; the second has a lid of its own kind and waits until the
/// 12th for a pan.
async fn shop(world: &World) -> (String, String) {
    world.with_mug().await;
    for (name, price) in [("PAN", 4000), ("LID", 900), ("GLASS-LID", 1900)] {
        sku(world, name, price).await;
    }
    world.stock("PAN", 1).await;
    world.stock("GLASS-LID", 1).await;
    world.supply("PAN", 5, "2026-12-12").await;
    world.supply("LID", 5, "2026-12-20").await;
    let first = whole(world, "1001", &[("PAN", 1), ("LID", 1)]).await;
    let second = whole(world, "1002", &[("PAN", 1), ("GLASS-LID", 1)]).await;
    (first, second)
}

#[tokio::test]
async fn a_unit_that_waits_in_vain_makes_another_order_whole_and_nobody_gets_later() {
    let world = world();
    let (first, second) = shop(&world).await;
    assert_eq!(states(&world, &first).await, ["allocated", "backordered"]);
    assert_eq!(states(&world, &second).await, ["backordered", "allocated"]);
    let (before, all) = (ship_by(&world, &first).await, world.get("/v1/orders").await.is(200));

    let planned = world.post("/v1/packing", json!({"dry_run": true})).await.is(200);
    assert_eq!(world.get("/v1/orders").await.is(200), all, "a plan changes nothing");
    assert_eq!((&planned["run"], &planned["waiting"]), (&Value::Null, &json!(2)));
    assert_eq!((&planned["value"], &planned["bound"]), (&json!(5900), &json!(5900)));
    assert_eq!((&planned["gap_ppm"], &planned["currency"]), (&json!(0), &json!("USD")));

    let done = world.post("/v1/packing", json!({"location": "east", "skus": ["PAN"]})).await.is(200);
    world.verify();
    assert_eq!(
        (&done["orders"][0]["order"], &done["orders"][0]["reference"]),
        (&json!(second), &json!("1002"))
    );
    assert_eq!((&done["gave"], &done["orders"][0]["units_moved"]), (&json!([first]), &json!(1)));
    assert_eq!(states(&world, &second).await, ["allocated", "allocated"]);
    assert_eq!(states(&world, &first).await, ["backordered", "backordered"]);
    assert_eq!(ship_by(&world, &first).await, before, "its lid comes later than its new pan");
    let promises = world.get(&format!("/v1/orders/{second}/promises")).await.is(200);
    let last = promises["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["cause"]["kind"], &last["cause"]["detail"]),
        (&json!("run_applied"), &json!("whole orders"))
    );
    let again = world.post("/v1/packing", json!({})).await.is(200);
    assert_eq!((&again["run"], &again["orders"], &again["waiting"]), (&Value::Null, &json!([]), &json!(1)));

    let undone =
        world.post(&format!("/v1/runs/{}/undo", done["run"].as_str().unwrap()), json!({})).await.is(200);
    world.verify();
    assert_eq!(undone["moved"], 2);
    assert_eq!(states(&world, &first).await, ["allocated", "backordered"]);
    assert_eq!(states(&world, &second).await, ["backordered", "allocated"]);
}

#[tokio::test]
async fn a_packing_is_not_undone_once_the_order_is_with_fulfilment() {
    let world = world();
    let (_, second) = shop(&world).await;
    let done = world.post("/v1/packing", json!({})).await.is(200);
    let released = world.post("/v1/releases", json!({"location": "east", "limit": 10})).await.is(201);
    assert_eq!(released["lines"][0]["order"], json!(second));
    let undo = format!("/v1/runs/{}/undo", done["run"].as_str().unwrap());
    world.post(&undo, json!({})).await.fails(409, "already_released");
    world.verify();
}

#[tokio::test]
async fn nobody_gives_a_unit_for_one_that_comes_later_than_what_it_waits_for() {
    let world = world();
    world.with_mug().await;
    for name in ["PAN", "LID", "GLASS-LID"] {
        sku(&world, name, 1000).await;
    }
    world.stock("PAN", 1).await;
    world.stock("GLASS-LID", 1).await;
    world.supply("PAN", 5, "2026-12-30").await;
    world.supply("LID", 5, "2026-12-12").await;
    let first = whole(&world, "1001", &[("PAN", 1), ("LID", 1)]).await;
    let second = whole(&world, "1002", &[("PAN", 1), ("GLASS-LID", 1)]).await;
    let done = world.post("/v1/packing", json!({"by": "orders"})).await.is(200);
    assert_eq!((&done["run"], &done["orders"], &done["value"]), (&Value::Null, &json!([]), &json!(0)));
    assert_eq!(done["bound"], 1, "what could be if the first would wait longer");

    // The first line may be moved both ways: then it gives.
    let line = world.get(&format!("/v1/orders/{first}")).await.is(200)["lines"].clone();
    for line in line.as_array().unwrap() {
        let path = format!("/v1/lines/{}/allocation", line["id"].as_str().unwrap());
        world.put(&path, json!({"strategy": "redistribute"})).await.is(200);
    }
    let done = world.post("/v1/packing", json!({"by": "orders"})).await.is(200);
    assert_eq!((&done["value"], &done["bound"], &done["currency"]), (&json!(1), &json!(1), &Value::Null));
    assert_eq!(states(&world, &second).await, ["allocated", "allocated"]);
    world.verify();
}

#[tokio::test]
async fn what_makes_no_sense_is_named() {
    let world = world();
    shop(&world).await;
    let fails = [
        (json!({"location": "nowhere"}), "/location", "unknown_location"),
        (json!({"skus": ["PAN", "NONE"]}), "/skus/1", "unknown_sku"),
        (json!({"by": "luck"}), "/by", "unknown_value"),
        (json!({"time_limit_ms": 0}), "/time_limit_ms", "out_of_range"),
        (json!({"time_limit_ms": 60_000}), "/time_limit_ms", "out_of_range"),
    ];
    for (body, pointer, code) in fails {
        let reply = world.post("/v1/packing", body).await.is(422);
        let error = &reply["errors"][0];
        assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)));
    }
    // Two currencies do not compare.
    let euros = json!({"ship": "complete", "lines": [
        {"sku": "LID", "quantity": 1, "unit_price": {"amount": 900, "currency": "EUR"}}]});
    world.post("/v1/orders", euros).await.is(201);
    let reply = world.post("/v1/packing", json!({})).await.is(422);
    assert_eq!(
        (&reply["errors"][0]["pointer"], &reply["errors"][0]["code"]),
        (&json!("/by"), &json!("other_currency"))
    );
    world.post("/v1/packing", json!({"by": "orders", "dry_run": true})).await.is(200);
}
