//! Looking at what a change would do before it is done.

use serde_json::{Value, json};

use crate::world::{Call, World, order, world};

/// Three orders behind PO-1 of ten units on 1 December, and PO-2 of four on the 10th with one unit free.
async fn queue(world: &World) -> (String, String, Vec<Value>) {
    world.with_mug().await;
    let first = world.supply("MUG", 10, "2026-12-01").await;
    let second = world.supply("MUG", 4, "2026-12-10").await;
    let mut orders = Vec::new();
    for units in [4, 6, 3] {
        orders.push(world.order("MUG", units).await);
    }
    (first, second, orders)
}

async fn last_event(world: &World) -> Value {
    world.get("/v1/events?limit=500").await.is(200)["items"].as_array().unwrap().last().unwrap()["seq"]
        .clone()
}

#[tokio::test]
async fn a_slip_is_looked_at_and_then_done() {
    let world = world();
    let (first, _, orders) = queue(&world).await;
    let before = last_event(&world).await;
    let address = format!("/v1/supplies/{first}/preview");
    let seen = world.post(&address, json!({"change": {"expected_on": "2026-12-15"}})).await.is(200);
    assert_eq!(last_event(&world).await, before, "nothing is written");
    let effects = seen["effects"].as_array().unwrap();
    assert_eq!(effects.len(), 2);
    let effect = &effects[0];
    assert_eq!((&effect["order"], &effect["line"]), (&orders[0]["id"], &orders[0]["lines"][0]["id"]));
    // One unit of the first order is found earlier, the rest waits.
    let standing = |ship: [&str; 2], deliver: [&str; 2]| {
        json!({"ship_by": {"expected": ship[0], "promised": ship[1]},
            "deliver_by": {"expected": deliver[0], "promised": deliver[1]}, "supply": first, "allocated": false})
    };
    assert_eq!(effect["before"], standing(["2026-12-02", "2026-12-07"], ["2026-12-07", "2026-12-11"]));
    assert_eq!(effect["after"], standing(["2026-12-16", "2026-12-21"], ["2026-12-21", "2026-12-25"]));
    assert_eq!((&effect["broken"], &effect["quantity"]), (&json!(true), &json!(4)));
    assert_eq!(effect["value"], json!({"amount": 6000, "currency": "USD"}));
    assert!(effect["why"].as_str().unwrap().ends_with("comes at another time, expected on 2026-12-15"));
    let summary = json!({"earlier": 0, "later": 2, "broken": 2, "units_short": 0, "notices": 2, "lines": 3,
        "lines_behind": 2, "complete": true, "value_at_risk": {"amount": 15000, "currency": "USD"}});
    assert_eq!(seen["summary"], summary);

    world.patch(&format!("/v1/supplies/{first}"), json!({"expected_on": "2026-12-15"})).await.is(200);
    for effect in effects {
        let now = world.get(&format!("/v1/orders/{}", effect["order"].as_str().unwrap())).await.is(200);
        let line = &now["lines"][0];
        assert_eq!(
            (&line["ship_by"], &line["deliver_by"]),
            (&effect["after"]["ship_by"], &effect["after"]["deliver_by"])
        );
    }
}

#[tokio::test]
async fn a_receipt_and_a_cancel_are_looked_at() {
    let world = world();
    let (first, second, orders) = queue(&world).await;
    let receipt = world
        .post(&format!("/v1/supplies/{second}/preview"), json!({"receipt": {"accepted": 4}}))
        .await
        .is(200);
    let effects = receipt["effects"].as_array().unwrap();
    assert_eq!(effects.last().unwrap()["order"], orders[2]["id"]);
    assert_eq!(effects.last().unwrap()["after"]["allocated"], true);
    assert_eq!((&receipt["summary"]["later"], &receipt["summary"]["notices"]), (&json!(0), &json!(0)));
    let cancel = world.post(&format!("/v1/supplies/{first}/preview"), json!({"cancel": true})).await.is(200);
    assert_eq!(cancel["summary"]["units_short"], 9, "ten less the one that is free");
    assert_eq!(cancel["effects"][0]["after"]["ship_by"], json!({"expected": null, "promised": null}));
    let supply = world.get(&format!("/v1/supplies/{first}")).await.is(200);
    assert_eq!((&supply["kind"], &supply["state"]), (&json!("purchase_order"), &json!("due")));
}

#[tokio::test]
async fn what_cannot_be_done_cannot_be_looked_at() {
    let world = world();
    let (first, ..) = queue(&world).await;
    let address = format!("/v1/supplies/{first}/preview");
    for (body, fields) in [
        (json!({}), " empty"),
        (json!({"cancel": false}), "/cancel unknown_value"),
        (json!({"cancel": true, "receipt": {}}), " ambiguous"),
        (json!({"change": {}}), "/change empty"),
        (json!({"change": {"quantity": 0}}), "/change/quantity out_of_range"),
        (json!({"change": {"expected_on": "soon"}}), "/change/expected_on date"),
        (json!({"change": {"expected": "2026-12-15"}}), "/change/expected unknown_field"),
        (json!({"receipt": {"accepted": -1}}), "/receipt/accepted out_of_range"),
        (json!({"slip": {}}), "/slip unknown_field"),
    ] {
        let problem = world.post(&address, body.clone()).await.fails(422, "invalid");
        let named = &problem["errors"][0];
        let named = format!("{} {}", named["pointer"].as_str().unwrap(), named["code"].as_str().unwrap());
        assert_eq!(named, fields, "{body}");
    }
    let wrong = world.post(&format!("{address}?rules=x"), json!({"cancel": true})).await;
    wrong.fails(422, "invalid");
    let nothing = "/v1/supplies/sup_01920000000070008000000000000002/preview";
    world.post(nothing, json!({"cancel": true})).await.fails(404, "not_found");
    let theirs = Call::post(&address, &json!({"cancel": true})).key(crate::world::STRANGER);
    world.send(theirs).await.fails(404, "not_found");
    world.post(&format!("/v1/supplies/{first}/receipts"), json!({})).await.is(201);
    world.post(&address, json!({"cancel": true})).await.fails(409, "already_received");
    world.post("/v1/orders", order("MUG", 1)).await.is(201);
}
