//! Promise dates learned from what suppliers did.

use serde_json::{Value, json};

use crate::world::{Call, World, world};

/// Enters a purchase order of ten mugs by a supplier, on a day of December; answers it.
async fn due(world: &World, supplier: &str, on: &str, more: Value) -> Value {
    let mut body = json!({"sku": "MUG", "location": "east", "kind": "purchase_order", "quantity": 10,
        "expected_on": on, "supplier": supplier});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.post("/v1/supplies", body).await.is(201)
}

/// Books it in on a day; answers the run.
async fn came(world: &World, supply: &Value, on: &str) -> Value {
    let id = supply["id"].as_str().unwrap();
    let receipt = Call::post(&format!("/v1/supplies/{id}/receipts"), &json!({"accepted": 10}));
    world.send(receipt.at(&format!("{on}T15:00:00Z"))).await.is(201)
}

fn days(supply: &Value) -> (i64, i64, i64) {
    let of = |name: &str| supply["lateness"][name].as_i64().unwrap();
    (of("expected_days"), of("promised_days"), of("learned_from"))
}

async fn scorecard(world: &World, supplier: &str) -> Value {
    world.get(&format!("/v1/suppliers?supplier={supplier}")).await.is(200)["items"][0].clone()
}

/// Five receipts, in the middle nine days late.
async fn five_late(world: &World) {
    for came_on in ["2026-12-05", "2026-12-08", "2026-12-10", "2026-12-10", "2026-12-13"] {
        let supply = due(world, "Pine", "2026-12-01", json!({})).await;
        came(world, &supply, came_on).await;
    }
}

/// Scenario 41: what a supplier has done before is added to what it says, and the answer says why.
#[tokio::test]
async fn five_receipts_nine_days_late_in_the_middle_add_nine_days_and_say_why() {
    let world = world();
    world.with_mug().await;
    let first = due(&world, "Pine", "2026-12-01", json!({})).await;
    assert_eq!(days(&first), (0, 3, 0), "without history a buffer");
    five_late(&world).await;
    let loss = json!({"sku": "MUG", "location": "east", "delta": -50, "reason": "loss"});
    world.post("/v1/adjustments", loss).await.is(201);
    let id = first["id"].as_str().unwrap();
    world.post(&format!("/v1/supplies/{id}/cancel"), json!({})).await.is(200);

    let next = due(&world, "Pine", "2027-01-04", json!({})).await;
    assert_eq!(days(&next), (9, 12, 5), "the middle, and of so few the latest");
    let ask = |at: &str| Call::get("/v1/availability?sku=MUG").at(at);
    let offer = world.send(ask("2026-12-28T15:00:00Z")).await.is(200);
    // The fourth and nine days is the thirteenth, and a day of handling.
    assert_eq!(offer["ship_by"]["expected"], "2027-01-14");
    assert_eq!(offer["ship_by"]["promised"], "2027-01-19");
    let reason = offer["reason"].as_str().unwrap();
    assert!(
        reason.contains("9 days after the date given") && reason.contains("5 earlier deliveries"),
        "{reason}"
    );
    // A buffer that is set for a supply holds; whoever has sent nothing has none of it.
    assert_eq!(days(&due(&world, "Pine", "2027-02-01", json!({"promise_buffer_days": 1})).await), (0, 1, 0));
    assert_eq!(days(&due(&world, "Oak", "2027-02-01", json!({})).await), (0, 3, 0));

    let card = scorecard(&world, "Pine").await;
    assert_eq!(card["all"]["receipts"], 5);
    assert_eq!(card["all"]["late_days_median"], 9);
    assert_eq!(
        card["all"]["coverage"], 0.2,
        "the buffer covered none; what the first three showed covered the fourth"
    );
    assert_eq!(card["next"]["expected_days"], 9);
    assert!(card["all"]["pinball_promised"].as_f64() < card["all"]["pinball_given"].as_f64());
    assert_eq!((&card["open"], &card["open_units"]), (&json!(2), &json!(20)));
    let events = world.get("/v1/events?limit=500").await.is(200)["items"].clone();
    let last = events.as_array().unwrap().iter().rfind(|event| event["kind"] == "lateness_learned").unwrap();
    assert_eq!((&last["data"]["supplier"], &last["data"]["late_days"]), (&json!("Pine"), &json!(12)));
    world.verify();
}

#[tokio::test]
async fn nine_receipts_of_others_stand_in_for_a_supplier_that_is_new() {
    let world = world();
    world.with_mug().await;
    for (n, day) in ["01", "01", "02", "02", "03", "03", "04", "05", "09"].into_iter().enumerate() {
        assert_eq!(days(&due(&world, "Oak", "2027-01-04", json!({})).await), (0, 3, 0));
        let supply = due(&world, &format!("S{n}"), "2026-12-01", json!({})).await;
        came(&world, &supply, &format!("2026-12-{day}")).await;
    }
    assert_eq!(days(&due(&world, "Oak", "2027-01-04", json!({})).await), (2, 8, 9));
    let no_one = json!({"sku": "MUG", "location": "east", "kind": "purchase_order", "quantity": 1, "expected_on": "2027-01-04"});
    assert_eq!(days(&world.post("/v1/supplies", no_one).await.is(201)), (0, 3, 0), "nobody is named");
}

#[tokio::test]
async fn lateness_counts_from_the_first_date_however_often_it_is_changed() {
    let world = world();
    world.with_mug().await;
    five_late(&world).await;
    let slipped = due(&world, "Pine", "2026-12-14", json!({})).await;
    let id = slipped["id"].as_str().unwrap();
    let change = |on: &str| json!({"expected_on": on});
    let path = format!("/v1/supplies/{id}");
    // What a preview says is what the change does.
    let preview = json!({"change": change("2026-12-18")});
    world.order("MUG", 55).await;
    let shown = world.post(&format!("{path}/preview"), preview).await.is(200);
    let changed = world.patch(&path, change("2026-12-18")).await.is(200);
    assert_eq!(days(&changed), (5, 8, 5));
    let order = world.get("/v1/backorders?sku=MUG").await.is(200)["items"][0]["ship_by"].clone();
    let effects = shown["effects"].as_array().unwrap();
    assert!(effects.iter().all(|effect| effect["after"]["ship_by"] == order), "{effects:?} {order}");
    let changed = world.patch(&path, change("2026-12-30")).await.is(200);
    assert_eq!(days(&changed), (0, 3, 5));
    came(&world, &slipped, "2026-12-30").await;
    let card = scorecard(&world, "Pine").await;
    assert_eq!(card["all"]["receipts"], 6);
    let events = world.get("/v1/events?limit=500").await.is(200)["items"].clone();
    let last =
        events.as_array().unwrap().iter().rfind(|event| event["kind"] == "lateness_learned").unwrap().clone();
    assert_eq!(last["data"]["late_days"], 16);
    world.verify();
}

#[tokio::test]
async fn a_receipt_that_is_undone_is_forgotten() {
    let world = world();
    world.with_mug().await;
    five_late(&world).await;
    let supply = due(&world, "Pine", "2026-12-01", json!({})).await;
    let run = came(&world, &supply, "2026-12-31").await["run"].as_str().unwrap().to_owned();
    assert_eq!(days(&due(&world, "Pine", "2027-02-01", json!({})).await), (9, 30, 6));
    world.post(&format!("/v1/runs/{run}/undo"), json!({})).await.is(200);
    assert_eq!(days(&due(&world, "Pine", "2027-02-01", json!({})).await), (9, 12, 5));
    world.verify();
}
