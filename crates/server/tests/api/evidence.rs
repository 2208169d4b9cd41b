//! Everything about one order, for a dispute (scenario 17).

use serde_json::{Value, json};

use crate::world::{Call, STRANGER, order, world};

fn kinds(timeline: &Value) -> Vec<&str> {
    timeline.as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn evidence_shows_what_was_promised_told_answered_paid_and_sent_each_with_its_time() {
    let world = world();
    world.with_mug().await;
    let policy = json!({"when_out": "backorder", "payment": {"kind": "full", "provider": "manual"}});
    world.put("/v1/skus/MUG/policies/default", policy).await.is(200);
    let supply = world.supply("MUG", 10, "2026-12-01").await;
    let placed = world.order("MUG", 2).await;
    let other = world.order("MUG", 1).await;
    let id = placed["id"].as_str().unwrap();
    let paid = json!({"kind": "charge", "amount": {"amount": 3000, "currency": "USD"}});
    world.post(&format!("/v1/orders/{id}/payments"), paid).await.is(201);
    let slip =
        Call::new("PATCH", &format!("/v1/supplies/{supply}")).json(&json!({"expected_on": "2026-12-20"}));
    world.send(slip.at("2026-11-24T10:00:00Z")).await.is(200);
    world
        .send(Call::post("/v1/notices/send", &json!({"all": true})).at("2026-11-24T11:00:00Z"))
        .await
        .is(200);
    world.send(Call::post("/v1/test/run-due", &json!({})).at("2026-11-24T11:00:00Z")).await.is(200);
    let notice = world.get(&format!("/v1/notices?order={id}")).await.is(200)["items"][0]["id"].clone();
    let keep =
        Call::post(&format!("/v1/notices/{}/answer", notice.as_str().unwrap()), &json!({"answer": "keep"}));
    world.send(keep.at("2026-11-25T09:00:00Z")).await.is(200);
    let messages = format!("/v1/orders/{id}/messages");
    world.post(&messages, json!({"by": "customer", "text": "I can wait."})).await.is(201);
    world.post(&messages, json!({"by": "note", "text": "a patient one"})).await.is(201);
    let receipt = Call::post(&format!("/v1/supplies/{supply}/receipts"), &json!({}));
    world.send(receipt.at("2026-12-18T09:00:00Z")).await.is(201);
    let ship = json!({"order": id, "tracking": "1Z999", "shipped_at": "2026-12-19T16:00:00Z"});
    world.send(Call::post("/v1/shipments", &ship).at("2026-12-19T18:00:00Z")).await.is(201);

    let path = format!("/v1/orders/{id}/evidence");
    let all = world.send(Call::get(&path).at("2027-02-01T10:00:00Z")).await.is(200);
    assert_eq!(all["made_at"], "2027-02-01T10:00:00Z");
    assert_eq!((&all["order"]["id"], &all["customer"]["email"]), (&json!(id), &json!("ada@example.com")));
    let versions: Vec<i64> =
        all["promises"].as_array().unwrap().iter().map(|given| given["version"].as_i64().unwrap()).collect();
    assert_eq!(versions[..2], [1, 2]);
    assert_eq!(all["promises"][0]["given_at"], "2026-11-23T14:00:00Z");
    assert_eq!(all["promises"][1]["told_at"], "2026-11-24T11:00:00Z", "told when the mail went");
    let told = &all["notices"][0];
    assert_eq!(
        (&told["sent_at"], &told["answer"]["answer"]),
        (&json!("2026-11-24T11:00:00Z"), &json!("keep"))
    );
    assert_eq!(
        (&told["answer"]["at"], &told["answer"]["version"]),
        (&json!("2026-11-25T09:00:00Z"), &json!(2))
    );
    assert_eq!(all["payments"]["captured"]["amount"], 3000);
    let sent = &all["shipments"][0];
    assert_eq!((&sent["tracking"], &sent["shipped_at"]), (&json!("1Z999"), &json!("2026-12-19T16:00:00Z")));
    assert_eq!(
        (&sent["recorded_at"], &sent["lines"][0]["quantity"]),
        (&json!("2026-12-19T18:00:00Z"), &json!(2))
    );
    assert!(all["mails"][0]["text"].as_str().unwrap().contains("20"), "the mail in its own words");
    assert_eq!(all["messages"].as_array().unwrap().len(), 1, "notes are the shop's own");
    assert_eq!(all["messages"][0]["text"], "I can wait.");
    let found = kinds(&all["timeline"]);
    for kind in ["order_placed", "promise_given", "charged", "notice_sent", "notice_answered", "shipped"] {
        assert!(found.contains(&kind), "{kind} is not in {found:?}");
    }
    assert!(!all.to_string().contains(other["id"].as_str().unwrap()), "nothing of another order");
    assert_eq!(all["next_after"], Value::Null);
    // Further on in the ledger stands less.
    let last = all["timeline"].as_array().unwrap().last().unwrap()["seq"].as_i64().unwrap();
    let rest = world.get(&format!("{path}?after={}", last - 1)).await.is(200);
    assert_eq!(rest["timeline"].as_array().unwrap().len(), 1);

    world.send(Call::get(&path).key(STRANGER)).await.fails(404, "not_found");
    world.send(Call::get(&path).key("sk_acme_reader")).await.fails(403, "scope_missing");
    // Who was forgotten is not named by it.
    world.post("/v1/privacy/erase", json!({"email": "ada@example.com"})).await.is(200);
    let after = world.get(&path).await.is(200);
    assert!(!after.to_string().contains("ada@example.com") && !after.to_string().contains("I can wait"));
    assert_eq!((&after["promises"], &after["payments"]), (&all["promises"], &all["payments"]));
    assert_eq!(after["timeline"], all["timeline"]);
}

#[tokio::test]
async fn evidence_of_no_order_is_not_found() {
    let world = world();
    world.with_mug().await;
    world.get("/v1/orders/ord_01920000000070008000000000000002/evidence").await.fails(404, "not_found");
    world.post("/v1/orders", order("MUG", 1)).await.fails(409, "not_available");
}
