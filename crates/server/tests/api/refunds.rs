//! Money that is due back and of which no account knows: it stays a duty until somebody says that it went.

use serde_json::{Value, json};

use crate::{
    own::page,
    world::{Call, World, order, world},
};

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

async fn due(world: &World) -> Vec<(Value, Value)> {
    let owed = world.get("/v1/obligations?kind=refund").await.is(200);
    let items = owed["items"].as_array().unwrap();
    items.iter().map(|item| (item["line"].clone(), item["amount"]["amount"].clone())).collect()
}

#[tokio::test]
async fn what_is_due_back_for_an_order_without_an_account_is_done_once_somebody_says_so() {
    let world = world();
    world.with_mug().await;
    let supply = world.supply("MUG", 10, "2026-12-02").await;
    let mut body = order("MUG", 2);
    body["lines"].as_array_mut().unwrap().push(json!({"sku": "MUG", "quantity": 1}));
    let placed = world.post("/v1/orders", body).await.is(201);
    let path = format!("/v1/orders/{}/refunds", placed["id"].as_str().unwrap());
    assert_eq!(world.get(&path).await.is(200)["items"], json!([]));
    world.post(&path, json!({})).await.fails(404, "not_found");
    // A long delay that nobody agreed to ends both lines by law.
    world.patch(&format!("/v1/supplies/{supply}"), json!({"expected_on": "2027-03-10"})).await.is(200);
    world.post("/v1/notices/send", json!({"all": true})).await.is(200);
    for now in ["2026-11-23T14:00:01Z", "2027-01-08T06:00:00Z", "2027-01-08T06:00:01Z"] {
        world.send(Call::post("/v1/test/run-due", &json!({})).at(now)).await.is(200);
    }
    let lines: Vec<Value> =
        placed["lines"].as_array().unwrap().iter().map(|line| line["id"].clone()).collect();
    assert_eq!(due(&world).await, [(lines[0].clone(), json!(3_000)), (lines[1].clone(), json!(1_500))]);

    let sent = |body: Value| Call::post(&path, &body).at("2027-01-12T10:00:00Z");
    world.send(sent(json!({"amount": usd(1_500)}))).await.fails(422, "invalid");
    let euro = json!({"line": lines[1], "amount": {"amount": 1_500, "currency": "EUR"}});
    world.send(sent(euro)).await.fails(422, "invalid");
    let other = json!({"line": "ord_01920000000070008000000000000002-1"});
    world.send(sent(other)).await.fails(422, "invalid");
    world.send(sent(json!({})).with("idempotency-key", "")).await.fails(400, "idempotency_key_missing");
    world.send(sent(json!({})).key("sk_acme_reader")).await.fails(403, "scope_missing");
    world.send(sent(json!({})).key(crate::world::STRANGER)).await.fails(404, "not_found");

    // Only a deposit of ten had been taken for the first, so ten went back.
    let part = sent(json!({"line": lines[0], "amount": usd(1_000)}));
    let done = world.send(part.clone()).await.is(200)["items"][0].clone();
    assert_eq!(
        (&done["state"], &done["sent"], &done["sent_at"]),
        (&json!("done"), &usd(1_000), &json!("2027-01-12T10:00:00Z"))
    );
    assert!(world.send(part).await.is_replayed());
    assert_eq!(due(&world).await, [(lines[1].clone(), json!(1_500))]);
    world.send(sent(json!({"line": lines[0]}))).await.fails(404, "not_found");
    assert_eq!(world.send(sent(json!({}))).await.is(200)["items"][0]["sent"], usd(1_500));
    assert_eq!(due(&world).await, []);
    let states = world.get(&path).await.is(200)["items"].clone();
    assert!(states.as_array().unwrap().iter().all(|item| item["state"] == "done"), "{states}");
    let events = world.get("/v1/events?limit=500").await.is(200);
    let back: Vec<&Value> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["kind"] == "refunded")
        .map(|event| &event["data"]["amount"]["amount"])
        .collect();
    assert_eq!(back, [&json!(1_000), &json!(1_500)]);
    world.verify();
}

#[tokio::test]
async fn goods_that_come_back_after_a_withdrawal_are_paid_back_out_of_the_account() {
    let world = world();
    world.with_mug().await;
    let policy = json!({"when_out": "backorder", "payment": {"kind": "full", "provider": "manual"}});
    world.put("/v1/skus/MUG/policies/default", policy).await.is(200);
    world.stock("MUG", 1).await;
    world.supply("MUG", 10, "2026-12-10").await;
    let mut body = order("MUG", 3);
    body["customer"]["country"] = json!("DE");
    let placed = world.post("/v1/orders", body).await.is(201);
    let path = format!("/v1/orders/{}", placed["id"].as_str().unwrap());
    world.post(&format!("{path}/payments"), json!({"kind": "charge"})).await.is(201);
    world.post("/v1/shipments", json!({"order": placed["id"]})).await.is(201);
    world.form(&format!("{}/withdraw", page(&placed)), "sure=yes").await;
    let line = placed["lines"][0]["id"].clone();
    assert_eq!(due(&world).await, [(line.clone(), json!(3_000)), (line.clone(), json!(1_500))]);
    // What was called off goes back from the account.
    world.post(&format!("{path}/payments"), json!({"kind": "refund", "amount": usd(3_000)})).await.is(201);
    assert_eq!(due(&world).await, [(line.clone(), json!(1_500))]);
    // Once the parcel is back, the rest; in two parts, as one came damaged.
    world.post(&format!("{path}/payments"), json!({"kind": "refund", "amount": usd(1_000)})).await.is(201);
    assert_eq!(due(&world).await, [(line.clone(), json!(500))]);
    world.post(&format!("{path}/payments"), json!({"kind": "refund", "amount": usd(500)})).await.is(201);
    assert_eq!(due(&world).await, []);
    let of = world.get(&format!("{path}/refunds")).await.is(200)["items"][0].clone();
    assert_eq!((&of["state"], &of["sent"]), (&json!("done"), &usd(1_500)));
    let account = world.get(&format!("{path}/payments")).await.is(200);
    assert_eq!((&account["captured"], &account["refunded"]), (&usd(4_500), &usd(4_500)));
    world.verify();
}
