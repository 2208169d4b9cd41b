//! What is known of a person, and forgetting it (scenario 40).

use serde_json::{Value, json};

use crate::world::{World, world};

const ADA: &str = "ada@example.com";

async fn known(world: &World, email: &str) -> Value {
    world.post("/v1/privacy/export", json!({"email": email})).await.is(200)
}

/// Ada has an order that slipped, of which she was told, and waits for a cup; Ben has an order.
async fn shop() -> (World, Value) {
    let world = world();
    world.with_mug().await;
    let due = world.supply("MUG", 10, "2026-12-01").await;
    let ada = world.order("MUG", 2).await;
    let ben = json!({"lines": [{"sku": "MUG", "quantity": 1}], "customer": {"email": "ben@example.com", "country": "US"}});
    world.post("/v1/orders", ben).await.is(201);
    world.patch(&format!("/v1/supplies/{due}"), json!({"expected_on": "2026-12-20"})).await.is(200);
    world.post("/v1/notices/send", json!({"all": true})).await.is(200);
    world.post("/v1/test/run-due", json!({})).await.is(200);
    world.put("/v1/skus/CUP", json!({"title": "Cup"})).await.is(201);
    world.put("/v1/skus/CUP/policies/default", json!({"when_out": "waitlist"})).await.is(201);
    world.post("/v1/waitlist", json!({"sku": "CUP", "email": ADA, "quantity": 1})).await.is(201);
    (world, ada)
}

#[tokio::test]
async fn a_person_gets_all_that_is_known() {
    let (world, order) = shop().await;
    let messages = format!("/v1/orders/{}/messages", order["id"].as_str().unwrap());
    for (by, text) in [("customer", "I can wait."), ("note", "a patient one")] {
        world.post(&messages, json!({"by": by, "text": text})).await.is(201);
    }
    let all = known(&world, "Ada@Example.com").await;
    let written: Vec<&Value> =
        all["orders"][0]["messages"].as_array().unwrap().iter().map(|message| &message["text"]).collect();
    assert_eq!(written, [&json!("I can wait."), &json!("a patient one")], "notes are about somebody too");
    assert_eq!(all["waitlist_places"][0]["sku"], "CUP");
    let of = &all["orders"][0];
    assert_eq!(all["orders"].as_array().unwrap().len(), 1, "nobody else's");
    assert_eq!((&of["order"]["id"], &of["contact"]["email"]), (&order["id"], &json!(ADA)));
    assert_eq!(of["promises"][0]["promises"].as_array().unwrap().len(), 2);
    assert_eq!(of["notices"].as_array().unwrap().len(), 1);
    assert!(of["mails"][0]["text"].as_str().unwrap().contains("20"));
    let nobody = known(&world, "nobody@example.com").await;
    assert_eq!((&nobody["orders"], &nobody["waitlist_places"]), (&json!([]), &json!([])));
    world.post("/v1/privacy/export", json!({"email": "nonsense"})).await.fails(422, "invalid");
}

#[tokio::test]
async fn who_is_forgotten_cannot_be_named_and_all_sums_stay() {
    let (world, order) = shop().await;
    let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
    world.stock("MUG", 1).await;
    let first = json!([{"id": order["lines"][0]["id"], "quantity": 1}]);
    let sent = json!({"order": order["id"], "lines": first, "carrier": "UPS", "tracking": "1Z9"});
    let more = json!({"sku": "MUG", "location": "east", "delta": 1, "reason": "opening_stock"});
    if world.post("/v1/shipments", sent.clone()).await.status == 409 {
        world.post("/v1/adjustments", more).await.is(201);
        world.post("/v1/shipments", sent).await.is(201);
    }
    let before = world.get(&path).await.is(200);
    assert_eq!(before["shipments"][0]["tracking"], "1Z9");
    let of = |known: &Value| known["orders"][0]["parcels"][0]["tracking"].clone();
    assert_eq!(of(&known(&world, ADA).await), "1Z9", "who asks what is known is told");
    let erased = world.post("/v1/privacy/erase", json!({"email": ADA})).await.is(200);
    assert_eq!((&erased["orders"], &erased["waitlist_places"]), (&json!(1), &json!(1)));
    world.verify();
    let after = world.get(&path).await.is(200);
    assert_eq!(after["customer"], json!({"country": "US"}));
    // What left stays, but not the number by which a carrier shows the way to her.
    let parcel = &after["shipments"][0];
    assert_eq!((&parcel["tracking"], &parcel["tracking_url"]), (&Value::Null, &Value::Null));
    assert_eq!(parcel["lines"], before["shipments"][0]["lines"]);
    assert_eq!(of(&known(&world, ADA).await), Value::Null);
    assert_eq!((&after["lines"], &after["state"]), (&before["lines"], &before["state"]));
    let mut said = String::new();
    for list in ["/v1/orders", "/v1/backorders", "/v1/waitlist", "/v1/notices", "/v1/events?limit=500"] {
        said.push_str(&world.get(list).await.is(200).to_string());
    }
    assert!(!said.contains(ADA) && said.contains("ben@example.com"), "{said}");
    assert!(world.mails().iter().all(|mail| !mail.text.contains(&path)), "no mail of hers is left");
    assert_eq!(world.mails().len(), 1, "and Ben's is");
    let of = &known(&world, ADA).await["orders"][0];
    assert_eq!((&of["contact"], &of["mails"]), (&json!({}), &json!([])));
    assert_eq!(of["notices"].as_array().unwrap().len(), 1, "what was told and answered stays");
    let again = world.post("/v1/privacy/erase", json!({"email": ADA})).await.is(200);
    assert_eq!(again["orders"], 0);
    // In one batch with an order: neither loses the other.
    world.order("MUG", 1).await;
    assert_eq!(known(&world, ADA).await["orders"][0]["contact"]["email"], ADA);
}
