//! Advice on how to sell what is out, and what saying yes to it does.

use serde_json::{Value, json};

use crate::world::{Call, World, new_key, world};

/// A mug of 40.00 that costs 15.00, sold out, with fifty on order and a few orders.
async fn shop() -> World {
    let world = world();
    world.with_mug().await;
    let mug = json!({"title": "Mug", "price": {"amount": 4000, "currency": "USD"},
        "unit_cost": {"amount": 1500, "currency": "USD"}, "supplier": "Pine"});
    world.put("/v1/skus/MUG", mug).await.is(200);
    world.supply("MUG", 50, "2026-12-15").await;
    for units in [2, 3] {
        world.order("MUG", units).await;
    }
    world
}

fn figure<'a>(advice: &'a Value, name: &str) -> &'a Value {
    advice["figures"].as_array().unwrap().iter().find(|figure| figure["name"] == name).unwrap()
}

async fn advice(world: &World, query: &str) -> Value {
    let page = world.send(Call::get(&format!("/v1/advice?{query}")).at("2026-12-01T12:00:00Z")).await.is(200);
    page["items"][0].clone()
}

#[tokio::test]
async fn an_advice_says_what_each_way_brings_and_where_its_numbers_come_from() {
    let world = shop().await;
    let item = advice(&world, "sku=MUG").await;
    assert_eq!((&item["refused"], &item["followed"]), (&Value::Null, &Value::Null));
    let mug = &item["advice"];
    assert_eq!(mug["choices"].as_array().unwrap().len(), 4);
    for choice in mug["choices"].as_array().unwrap() {
        let of = |name: &str| choice[name]["amount"].as_i64().unwrap();
        assert!(of("low") <= of("value") && of("value") <= of("high"), "{choice}");
        assert_eq!(choice["value"]["currency"], "USD");
    }
    assert_eq!(figure(mug, "demand_per_day")["source"], "own_data");
    assert_eq!(figure(mug, "accept_backorder")["source"], "borrowed");
    assert_eq!(figure(mug, "patience_rate")["source"], "guess");
    assert_eq!(figure(mug, "price")["value"], 40.0);
    assert!(!mug["reasons"].as_array().unwrap().is_empty());
    // A number that is typed in counts, and only there.
    let other = advice(&world, "sku=MUG&set=accept_backorder%3D0&set=accept_preorder%3D0").await;
    assert_eq!(figure(&other["advice"], "accept_backorder")["source"], "set");
    assert_eq!(other["advice"]["recommended"]["mode"], "waitlist");
    assert_eq!(advice(&world, "sku=MUG").await, item, "the same question has the same answer");
}

#[tokio::test]
async fn a_later_question_knows_what_happened_since() {
    let world = shop().await;
    let units = |item: &Value| figure(&item["advice"], "demand_per_day")["note"].as_str().unwrap().to_owned();
    assert!(units(&advice(&world, "sku=MUG").await).starts_with("5 units"));
    world.order("MUG", 4).await;
    assert!(units(&advice(&world, "sku=MUG").await).starts_with("9 units"));
}

#[tokio::test]
async fn what_is_advised_is_sold_so_once_somebody_says_yes_and_the_ledger_says_why() {
    let world = shop().await;
    let before = advice(&world, "sku=MUG").await["advice"].clone();
    let accept = Call::post("/v1/advice/MUG/accept", &json!({})).at("2026-12-01T12:00:00Z");
    let accepted = world.send(accept.clone()).await.is(200);
    assert_eq!(accepted["advice"], before);
    let terms = &before["recommended"];
    assert_eq!(accepted["policy"]["when_out"], terms["mode"]);
    assert_eq!(accepted["policy"]["backorder_cap"], terms["cap"]);
    assert_eq!(accepted["policy"]["horizon_days"], terms["horizon_days"]);
    assert_eq!(world.get("/v1/skus/MUG/policies/default").await.is(200), accepted["policy"]);
    let events = world.get("/v1/events?limit=500").await.is(200)["items"].clone();
    let followed: Vec<&Value> =
        events.as_array().unwrap().iter().filter(|event| event["kind"] == "advice_followed").collect();
    assert_eq!(followed.len(), 1);
    assert_eq!(followed[0]["sku"], "MUG");
    assert_eq!(followed[0]["data"]["by"], "person");
    assert_eq!(followed[0]["data"]["advice"], before);
    assert_eq!(followed[0]["data"]["before"]["when_out"], "backorder");
    // Sent again it does nothing more.
    let again = world.send(accept).await;
    assert!(again.is_replayed());
    assert_eq!(again.is(200), accepted);
    let item = advice(&world, "sku=MUG").await;
    assert_eq!((&item["followed"]["by"], &item["followed"]["holds"]), (&json!("person"), &json!(true)));
    world.put("/v1/skus/MUG/policies/default", json!({"when_out": "refuse"})).await.is(200);
    assert_eq!(advice(&world, "sku=MUG").await["followed"]["holds"], false);
    world.verify();
}

#[tokio::test]
async fn a_preorder_takes_the_deposit_that_is_advised_and_leaves_the_rest_as_it_is_set() {
    let world = shop().await;
    let set = json!({"when_out": "refuse", "customer_limit": 3, "buffer": 2});
    world.put("/v1/skus/MUG/policies/web", set).await.is(201);
    let body = json!({"channel": "web", "mode": "preorder",
        "set": {"accept_backorder": 0.0, "accept_preorder": 0.9, "demand_per_day": 2.0}});
    let accept = Call::post("/v1/advice/MUG/accept", &body).at("2026-12-01T12:00:00Z");
    let policy = world.send(accept).await.is(200)["policy"].clone();
    assert_eq!(
        (&policy["when_out"], &policy["customer_limit"], &policy["buffer"]),
        (&json!("preorder"), &json!(3), &json!(2))
    );
    assert_eq!(
        (&policy["payment"]["kind"], &policy["payment"]["deposit_percent"]),
        (&json!("deposit"), &json!(25))
    );
    assert_eq!(world.get("/v1/skus/MUG/policies/default").await.is(200)["when_out"], "backorder");
}

#[tokio::test]
async fn what_cannot_be_advised_is_said_and_not_followed() {
    let world = shop().await;
    world.put("/v1/skus/GIFT", json!({"title": "Gift"})).await.is(201);
    world
        .put("/v1/skus/SET", json!({"title": "Set", "components": [{"sku": "MUG", "quantity": 2}]}))
        .await
        .is(201);
    let two = json!({"title": "Two", "price": {"amount": 4000, "currency": "USD"}, "unit_cost": {"amount": 10, "currency": "EUR"}});
    world.put("/v1/skus/TWO", two).await.is(201);
    let none = json!({"title": "Zero", "price": {"amount": 0, "currency": "USD"}});
    world.put("/v1/skus/ZERO", none).await.is(201);
    let page = world.get("/v1/advice").await.is(200);
    let said: Vec<(&str, &str)> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["sku"].as_str().unwrap(), item["refused"].as_str().unwrap_or("-")))
        .collect();
    assert_eq!(said.len(), 5);
    for (at, (sku, word)) in
        [("GIFT", "price"), ("MUG", "-"), ("SET", "components"), ("TWO", "EUR"), ("ZERO", "price")]
            .into_iter()
            .enumerate()
    {
        assert_eq!(said[at].0, sku);
        assert!(said[at].1.contains(word), "{said:?}");
    }
    for sku in ["GIFT", "SET", "TWO", "ZERO"] {
        world.post(&format!("/v1/advice/{sku}/accept"), json!({})).await.fails(409, "no_advice");
    }
    world.post("/v1/advice/NONE/accept", json!({})).await.fails(404, "not_found");
    let other = json!({"mode": "out_of_stock"});
    world.post("/v1/advice/MUG/accept", other).await.fails(409, "other_advice");
    for (query, code) in [
        ("sku=NONE", "unknown_sku"),
        ("set=x", "form"),
        ("set=accept_backorder%3DNaN", "out_of_range"),
        ("set=price%3Dinf", "out_of_range"),
        ("set=price%3D-1", "out_of_range"),
        ("set=luck%3D1", "unknown_figure"),
        ("skus=MUG", "unknown_parameter"),
    ] {
        let problem = world.get(&format!("/v1/advice?{query}")).await.fails(422, "invalid");
        assert_eq!(problem["errors"][0]["code"], code, "{query}");
    }
    let wrong = Call::new("POST", "/v1/advice/MUG/accept").with("idempotency-key", &new_key());
    let wrong = wrong.json(&json!({"set": {"margin": 1}}));
    world.send(wrong).await.fails(422, "invalid");
    let events = world.get("/v1/events?limit=500").await.is(200);
    assert!(!events.to_string().contains("advice_followed"));
    let share = world.get("/v1/advice?sku=MUG&set=accept_backorder%3D2").await.is(200);
    assert!(share["items"][0]["refused"].as_str().unwrap().starts_with("accept_backorder"));
}

#[tokio::test]
async fn pages_of_advice_go_through_every_sku_once() {
    let world = shop().await;
    for n in 0..5 {
        let item = json!({"title": "Cup", "price": {"amount": 900, "currency": "USD"}});
        world.put(&format!("/v1/skus/CUP-{n}"), item).await.is(201);
    }
    let mut seen = Vec::new();
    let mut from = String::new();
    loop {
        let page = world.get(&format!("/v1/advice?limit=2{from}")).await.is(200);
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|item| item["sku"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => from = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, ["CUP-0", "CUP-1", "CUP-2", "CUP-3", "CUP-4", "MUG"]);
}
