//! Sales that are final: said before the purchase, kept with the order, held against a change of mind, and not against the law.

use serde_json::{Value, json};

use crate::world::{CHECKOUT, Call, Reply, World, order, world};

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

/// A mug for 15.00, ten of them due on 1 December, of which a third is paid at once.
async fn shop(returns: &str) -> (World, String) {
    let world = world();
    world.with_mug().await;
    let payment =
        json!({"kind": "deposit", "deposit_percent": 20, "balance": "on_ship", "provider": "manual"});
    let policy = json!({"when_out": "backorder", "payment": payment, "returns": returns});
    let kept = world.put("/v1/skus/MUG/policies/default", policy).await.is(200);
    assert_eq!(kept["returns"], returns);
    let supply = world.supply("MUG", 10, "2026-12-01").await;
    (world, supply)
}

async fn placed(world: &World, country: &str) -> Value {
    let mut body = order("MUG", 2);
    body["customer"]["country"] = json!(country);
    let placed = world.send(Call::post("/v1/orders", &body).key(CHECKOUT)).await.is(201);
    world.post(&payments(&placed), json!({"kind": "charge", "amount": usd(600)})).await.is(201);
    placed
}

fn payments(order: &Value) -> String {
    format!("/v1/orders/{}/payments", order["id"].as_str().unwrap())
}

fn own(order: &Value) -> String {
    order["status_url"].as_str().unwrap().trim_start_matches("http://shop.test").to_owned()
}

async fn page(world: &World, order: &Value) -> String {
    String::from_utf8_lossy(&world.page(&own(order)).await.bytes).into_owned()
}

/// The shopper calls it off with the key of the shop's pages.
async fn calls_off(world: &World, order: &Value, body: &Value) -> Reply {
    let token = own(order).rsplit('/').next().unwrap().to_owned();
    let path = format!("/v1/orders/{}/cancel?token={token}", order["id"].as_str().unwrap());
    world.send(Call::post(&path, body).key(CHECKOUT)).await
}

async fn money(world: &World, order: &Value) -> [i64; 4] {
    let account = world.get(&payments(order)).await.is(200);
    ["captured", "refunded", "earned", "prepaid"].map(|field| account[field]["amount"].as_i64().unwrap())
}

#[tokio::test]
async fn a_final_sale_is_said_before_and_holds_until_it_is_late() {
    let (world, supply) = shop("final_sale").await;
    let terms = |country: &str| {
        let path = format!("/v1/terms?sku=MUG&country={country}");
        let world = &world;
        async move { world.get(&path).await.is(200) }
    };
    let said = terms("US").await;
    assert_eq!((&said["cancel"], &said["withdrawal_days"]), (&json!("when_late"), &Value::Null));
    let words = said["words"].to_string();
    assert!(words.contains("Final sale: Mug.") && !words.contains("free of charge"), "{words}");
    let said = terms("DE").await;
    assert_eq!((&said["cancel"], &said["withdrawal_days"]), (&json!("until_shipped"), &json!(14)));

    let sold = placed(&world, "US").await;
    // What the shop sets later changes nothing of what was bought.
    let free = json!({"when_out": "backorder"});
    world.put("/v1/skus/MUG/policies/default", free).await.is(200);
    let refused = calls_off(&world, &sold, &json!({})).await.fails(409, "final_sale");
    assert_eq!((&refused["line"], &refused["sku"]), (&json!(1), &json!("MUG")));
    let id = sold["id"].as_str().unwrap();
    let by = world.post(&format!("/v1/orders/{id}/cancel"), json!({"by": "customer"})).await;
    by.fails(409, "final_sale");
    let fields = format!("line={}&quantity=1", sold["lines"][0]["id"].as_str().unwrap());
    world.form(&format!("{}/cancel", own(&sold)), &fields).await.says("That was a final sale");
    assert_eq!(money(&world, &sold).await, [600, 0, 0, 600], "the deposit stays what it was");
    let shown = page(&world, &sold).await;
    assert!(shown.contains("was a final sale") && !shown.contains("Yes, cancel"), "{shown}");
    let kept = world.get("/v1/events?limit=500").await.is(200);
    assert!(
        kept.to_string().contains(r#"{"sale_terms":{"1":"final_sale"}}"#),
        "the ledger says how it was sold"
    );

    // Later than promised, it can be called off like anything else, and all of it goes back.
    world.patch(&format!("/v1/supplies/{supply}"), json!({"expected_on": "2026-12-20"})).await.is(200);
    let shown = page(&world, &sold).await;
    assert!(!shown.contains("was a final sale") && shown.contains("Yes, cancel"), "{shown}");
    assert_eq!(calls_off(&world, &sold, &json!({})).await.is(200)["state"], "cancelled");
    let account = world.get(&payments(&sold)).await.is(200);
    assert_eq!(account["refunds"][0]["amount"], usd(600));
    world.verify();
}

#[tokio::test]
async fn where_a_law_lets_consumers_withdraw_a_final_sale_does_not_keep_them() {
    let (world, _) = shop("final_sale").await;
    for country in ["DE", "GB", "CH"] {
        let sold = placed(&world, country).await;
        let shown = page(&world, &sold).await;
        assert!(!shown.contains("final sale") && shown.contains("Withdraw from contract here"), "{country}");
        assert_eq!(calls_off(&world, &sold, &json!({})).await.is(200)["state"], "cancelled", "{country}");
    }
    // The shop itself may call off whatever it sold.
    let sold = placed(&world, "US").await;
    let path = format!("/v1/orders/{}/cancel", sold["id"].as_str().unwrap());
    assert_eq!(world.post(&path, json!({})).await.is(200)["state"], "cancelled");
    world.verify();
}

#[tokio::test]
async fn what_is_made_for_somebody_is_neither_called_off_nor_withdrawn_from() {
    let (world, _) = shop("made_to_specification").await;
    let said = world.get("/v1/terms?sku=MUG&country=DE&locale=de").await.is(200);
    assert_eq!((&said["cancel"], &said["withdrawal_days"]), (&json!("when_late"), &Value::Null));
    assert!(said["words"].to_string().contains("Für Sie angefertigt: Mug."), "{said}");
    let sold = placed(&world, "DE").await;
    calls_off(&world, &sold, &json!({})).await.fails(409, "final_sale");
    let shown = page(&world, &sold).await;
    assert!(shown.contains("was a final sale") && !shown.contains("Withdraw from contract"), "{shown}");
    world.form(&format!("{}/withdraw", own(&sold)), "sure=yes").await;
    assert_eq!(money(&world, &sold).await, [600, 0, 0, 600]);
    assert_eq!(
        world.get(&format!("/v1/orders/{}", sold["id"].as_str().unwrap())).await.is(200)["lines"][0]["open"],
        2
    );

    // Beside it, what can be sent back is withdrawn from alone.
    world.put("/v1/skus/CUP", json!({"title": "Cup", "price": usd(500)})).await.is(201);
    world.put("/v1/skus/CUP/policies/default", json!({"when_out": "backorder"})).await.is(201);
    world.supply("CUP", 5, "2026-12-01").await;
    let mut both = order("MUG", 1);
    both["customer"]["country"] = json!("DE");
    both["lines"] = json!([{"sku": "MUG", "quantity": 1}, {"sku": "CUP", "quantity": 1}]);
    both["lines"][1]["unit_price"] = usd(500);
    let sold = world.send(Call::post("/v1/orders", &both).key(CHECKOUT)).await.is(201);
    let refused = calls_off(&world, &sold, &json!({})).await.fails(409, "final_sale");
    assert_eq!(refused["line"], 1);
    world.post("/v1/test/run-due", json!({})).await.is(200);
    world.form(&format!("{}/withdraw", own(&sold)), "sure=yes").await;
    let now = world.get(&format!("/v1/orders/{}", sold["id"].as_str().unwrap())).await.is(200);
    assert_eq!((&now["lines"][0]["open"], &now["lines"][1]["open"]), (&json!(1), &json!(0)));
    world.verify();
}

#[tokio::test]
async fn how_it_is_sold_is_one_of_three_words() {
    let world = world();
    world.with_mug().await;
    let path = "/v1/skus/MUG/policies/default";
    assert_eq!(world.get(path).await.is(200)["returns"], "free");
    let refused = world.put(path, json!({"returns": "never"})).await.fails(422, "invalid");
    assert_eq!(refused["errors"][0]["pointer"], "/returns");
}
