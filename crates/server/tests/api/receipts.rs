//! Goods that arrive, as a warehouse books them in.

use model::id::TenantId;
use serde_json::{Value, json};

use crate::world::{Call, World, order, world};

/// A hundred mugs due on 1 December, each ordered by somebody.
async fn hundred(world: &World) -> (String, Vec<Value>) {
    world.with_mug().await;
    let supply = world.supply("MUG", 100, "2026-12-01").await;
    let mut orders = Vec::new();
    for _ in 0..100 {
        orders.push(world.order("MUG", 1).await);
    }
    (supply, orders)
}

async fn line(world: &World, order: &Value) -> Value {
    let address = format!("/v1/orders/{}", order["id"].as_str().unwrap());
    world.get(&address).await.is(200)["lines"][0].clone()
}

/// Every event and every table add up.
fn verified(world: &World) {
    let (tenant, dir) = (TenantId::new("acme").unwrap(), tempfile::tempdir().unwrap());
    let report = ledger::verify::verify(&world.store, &tenant, dir.path(), &mut |_| {}).unwrap();
    assert_eq!(report.violations, []);
}

#[tokio::test]
async fn of_a_part_that_very_many_wait_for_the_answer_says_what_is_still_booked_in() {
    let world = world();
    world.with_mug().await;
    let supply = world.supply("MUG", 200, "2026-12-01").await;
    let orders: Vec<Value> = (0..150)
        .map(|nth| {
            let mut order = order("MUG", 1);
            order["idempotency_key"] = json!(format!("order-{nth}"));
            order
        })
        .collect();
    let placed = world.post("/v1/orders/batch", json!({ "orders": orders })).await.is(200);
    let items = placed["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item["status"] == 201), "{}", items[0]);
    let address = format!("/v1/supplies/{supply}/receipts");
    let receipt = world.post(&address, json!({"accepted": 130})).await.is(201);
    let counts = (&receipt["accepted"], &receipt["allocated"], &receipt["in_progress"]);
    assert_eq!(counts, (&json!(130), &json!(130), &json!(30)));
}

#[tokio::test]
async fn ninety_good_and_six_damaged_of_a_hundred() {
    let world = world();
    let (supply, orders) = hundred(&world).await;
    let later = world.supply("MUG", 3, "2027-01-11").await;
    let address = format!("/v1/supplies/{supply}/receipts");
    let came = json!({"accepted": 90, "damaged": 6, "expected_on": "2026-12-14"});
    let call = Call::post(&address, &came);
    let receipt = world.send(call.clone()).await.is(201);
    assert_eq!((&receipt["allocated"], &receipt["accepted"]), (&json!(90), &json!(90)));
    assert_eq!((&receipt["still_due"], &receipt["still_due_on"]), (&json!(4), &json!("2026-12-14")));
    assert_eq!((&receipt["damaged"], &receipt["displaced"]), (&json!(6), &json!(6)));
    assert_eq!(
        (&receipt["id"], &receipt["state"], &receipt["pegged"]),
        (&json!(supply), &json!("due"), &json!(4))
    );
    let served: Vec<&Value> =
        receipt["lines"].as_array().unwrap().iter().map(|line| &line["order"]).collect();
    assert_eq!(served, orders[..90].iter().map(|order| &order["id"]).collect::<Vec<_>>());
    assert_eq!(
        receipt["lines"][0]["why"],
        "promised from this supply; served in the order in which orders were placed"
    );
    let again = world.send(call).await;
    assert!(again.is_replayed());
    assert_eq!(again.is(201), receipt);

    assert_eq!(line(&world, &orders[89]).await["state"], "allocated");
    let waits = line(&world, &orders[90]).await;
    assert_eq!(waits["parts"][0]["supply"], json!(supply));
    assert_eq!(waits["ship_by"], json!({"expected": "2026-12-15", "promised": "2026-12-18"}));
    assert_eq!(line(&world, &orders[94]).await["parts"][0]["supply"], json!(later));
    let lost = line(&world, &orders[99]).await;
    assert_eq!(lost["ship_by"], json!({"expected": null, "promised": null}));

    // What is found good goes to the oldest who wait without goods.
    let kept = receipt["quarantine"].as_str().unwrap();
    let quarantine = world.get(&format!("/v1/supplies/{kept}")).await.is(200);
    assert_eq!(
        (&quarantine["state"], &quarantine["quantity"], &quarantine["free"]),
        (&json!("quarantine"), &json!(6), &json!(0))
    );
    world.post("/v1/orders", order("MUG", 1)).await.fails(409, "not_available");
    let inspections = format!("/v1/supplies/{kept}/inspections");
    let found = world
        .post(&inspections, json!({"good": 5, "written_off": 1, "reason": "one was crushed"}))
        .await
        .is(201);
    assert_eq!(
        (&found["allocated"], &found["damaged"], &found["quarantine"]),
        (&json!(5), &json!(0), &json!(null))
    );
    assert_eq!((&found["state"], &found["lines"][0]["order"]), (&json!("closed"), &orders[90]["id"]));
    assert!(found["lines"][0]["why"].as_str().unwrap().starts_with(&format!("moved up from {supply}")));
    world.post(&inspections, json!({"good": 1})).await.fails(409, "supply_closed");

    let rest = world.post(&address, json!({})).await.is(201);
    assert_eq!(
        (&rest["allocated"], &rest["still_due"], &rest["on_hand"]),
        (&json!(4), &json!(0), &json!(supply))
    );
    world.post(&address, json!({})).await.fails(409, "already_received");
    verified(&world);
}

#[tokio::test]
async fn what_makes_no_sense_or_comes_too_late_changes_nothing() {
    let world = world();
    world.with_mug().await;
    let supply = world.supply("MUG", 10, "2026-12-01").await;
    let of = |id: &str, what: &str| format!("/v1/supplies/{id}/{what}");
    world.post(&of(&supply, "inspections"), json!({"good": 1})).await.fails(409, "not_in_quarantine");
    let unknown = "sup_019ab3f0c4a070008000000000000000";
    world.post(&of(unknown, "receipts"), json!({"accepted": 1})).await.fails(404, "not_found");
    world.post(&of(unknown, "inspections"), json!({"good": 1})).await.fails(404, "not_found");
    world.post("/v1/holds", json!({"lines": [{"sku": "MUG", "quantity": 8}]})).await.is(201);
    let before = world.get("/v1/events?limit=500").await.is(200);
    world.post(&of(&supply, "receipts"), json!({"accepted": 5})).await.fails(409, "units_promised");
    assert_eq!(world.get("/v1/events?limit=500").await.is(200), before);

    let receipt = world.post(&of(&supply, "receipts"), json!({"accepted": 1, "damaged": 1})).await.is(201);
    let kept = receipt["quarantine"].as_str().unwrap();
    world.post(&of(kept, "receipts"), json!({"accepted": 1})).await.fails(409, "already_received");
    world.post(&of(kept, "inspections"), json!({"good": 2})).await.fails(422, "invalid");
    world.send(Call::new("POST", &of(kept, "cancel"))).await.fails(409, "already_received");
    world.send(Call::new("POST", &of(&supply, "cancel"))).await.is(200);
    world.post(&of(&supply, "receipts"), json!({"accepted": 1})).await.fails(409, "supply_closed");
}

#[tokio::test]
async fn more_than_expected_and_closed_short() {
    let world = world();
    world.with_mug().await;
    let first = world.supply("MUG", 2, "2026-12-01").await;
    let second = world.supply("MUG", 5, "2026-12-14").await;
    let orders = [world.order("MUG", 2).await, world.order("MUG", 3).await];
    let over = world.post(&format!("/v1/supplies/{first}/receipts"), json!({"accepted": 4})).await.is(201);
    assert_eq!((&over["allocated"], &over["still_due"]), (&json!(4), &json!(0)));
    assert_eq!(over["lines"][1]["order"], orders[1]["id"]);
    let short = json!({"accepted": 0, "close": true});
    let short = world.post(&format!("/v1/supplies/{second}/receipts"), short).await.is(201);
    assert_eq!(
        (&short["allocated"], &short["on_hand"], &short["still_due"]),
        (&json!(0), &json!(null), &json!(0))
    );
    assert_eq!((&short["kind"], &short["pegged"]), (&json!("shortfall"), &json!(1)));
    verified(&world);
}
