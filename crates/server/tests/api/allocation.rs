//! Goods given out by rules.

use serde_json::{Value, json};

use crate::world::{Call, World, order, world};

async fn class(world: &World, line: &str, terms: Value) -> Value {
    world.put(&format!("/v1/lines/{line}/allocation"), terms).await.is(200)
}

fn line_of(order: &Value) -> String {
    order["lines"][0]["id"].as_str().unwrap().to_owned()
}

/// PO-1 of ten on 12 December, sold in parts of four, four and two, the last of the best class.
async fn shop(world: &World) -> (String, Vec<String>) {
    world.with_mug().await;
    let supply = world.supply("MUG", 10, "2026-12-12").await;
    let mut lines = Vec::new();
    for (units, at) in [(4, "13:57"), (4, "13:58"), (2, "13:59")] {
        let call = Call::post("/v1/orders", &order("MUG", units));
        let placed = world.send(call.with("shipwhen-now", &format!("2026-11-23T{at}:00Z"))).await;
        lines.push(line_of(&placed.is(201)));
    }
    class(world, &lines[2], json!({"class": -1})).await;
    (supply, lines)
}

async fn state(world: &World, line: &str) -> Value {
    let order = world.get("/v1/orders").await.is(200)["items"].clone();
    let found = order.as_array().unwrap().iter().find(|order| line_of(order) == line).unwrap().clone();
    found["lines"][0]["state"].clone()
}

#[tokio::test]
async fn a_receipt_in_part_follows_the_rule_of_the_sku() {
    let world = world();
    let (supply, lines) = shop(&world).await;
    let set = json!({"sku": "MUG", "rule": {"basis": "class"}, "strategy": "redistribute"});
    let said = world.put("/v1/settings/allocation", set).await.is(200);
    assert_eq!((&said["sku"], &said["rule"]["basis"]), (&json!("MUG"), &json!("class")));
    assert_eq!(world.get("/v1/settings/allocation").await.is(200)["items"], json!([said]));

    let receipt = json!({"receipt": {"accepted": 2}});
    let seen = world.post(&format!("/v1/supplies/{supply}/preview?rule=order_time"), receipt).await.is(200);
    let here = |preview: &Value| {
        let effects = preview["effects"].as_array().unwrap().clone();
        let here = effects.iter().filter(|effect| effect["after"]["allocated"] == true);
        here.map(|effect| effect["line"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(here(&seen), [json!(lines[2])]);
    assert_eq!(seen["under"]["rule"]["basis"], "order_time");
    assert_ne!(here(&seen["under"]), [json!(lines[2])], "the oldest gets them");

    world.post(&format!("/v1/supplies/{supply}/receipts"), json!({"accepted": 2})).await.is(201);
    assert_eq!(state(&world, &lines[2]).await, "allocated", "the best class, though the last come");
    assert_eq!(state(&world, &lines[0]).await, "backordered");
    world.verify();
}

#[tokio::test]
async fn a_run_is_planned_then_done_and_says_why() {
    let world = world();
    let (_, lines) = shop(&world).await;
    world.supply("MUG", 4, "2026-12-20").await;
    let late = line_of(&world.order("MUG", 4).await);
    class(&world, &late, json!({"class": -2})).await;
    let before = world.get("/v1/orders").await.is(200);
    let wish = |dry: bool| json!({"sku": "MUG", "rule": {"basis": "class"}, "strategy": "redistribute", "dry_run": dry});

    let planned = world.post("/v1/runs", wish(true)).await.is(200);
    assert_eq!(world.get("/v1/orders").await.is(200), before, "a plan changes nothing");
    assert_eq!((&planned["dry_run"], &planned["run"]), (&json!(true), &Value::Null));
    let first = &planned["lines"][0];
    assert_eq!(
        (&first["line"], &first["effect"], &first["decided_by"]),
        (&json!(late), &json!("earlier"), &json!("class"))
    );
    assert_eq!(planned["summary"]["later"], 1);

    let done = world.post("/v1/runs", wish(false)).await.is(200);
    assert_eq!((&done["summary"], &done["lines"]), (&planned["summary"], &planned["lines"]));
    assert!(done["run"].as_str().unwrap().starts_with("run_"));
    world.verify();
    // Whoever got later has a new promise that names what led to it.
    let orders = world.get("/v1/orders").await.is(200);
    let moved =
        orders["items"].as_array().unwrap().iter().find(|order| line_of(order) == lines[1]).unwrap().clone();
    let promises = world.get(&format!("/v1/orders/{}/promises", moved["id"].as_str().unwrap())).await.is(200);
    let last = promises["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["version"], &last["cause"]["kind"]), (&json!(2), &json!("run_applied")));
    assert_eq!(last["cause"]["detail"], "by class");
    let again = world.post("/v1/runs", wish(false)).await.is(200);
    assert_eq!((&again["run"], &again["summary"]["units_moved"]), (&Value::Null, &json!(0)));
}

#[tokio::test]
async fn locked_lines_stay_and_lines_that_win_are_not_broken() {
    let world = world();
    world.with_mug().await;
    let first = world.supply("MUG", 4, "2026-12-12").await;
    world.supply("MUG", 8, "2026-12-20").await;
    let old = line_of(&world.order("MUG", 4).await);
    let new = line_of(&world.order("MUG", 4).await);
    class(&world, &new, json!({"class": -1})).await;
    class(&world, &old, json!({"locked": true})).await;
    assert_eq!(world.get(&format!("/v1/lines/{old}/allocation")).await.is(200)["locked"], true);
    let wish = json!({"supply": first, "rule": {"basis": "class"}, "strategy": "redistribute"});
    let done = world.post("/v1/runs", wish.clone()).await.is(200);
    assert_eq!(done["summary"]["units_moved"], 0, "a locked line is not moved");

    // Stock that would let it move up leaves it where it is.
    world.stock("MUG", 4).await;
    assert_eq!(state(&world, &old).await, "backordered");
    assert_eq!(state(&world, &new).await, "allocated");
    world.verify();

    // Of two that should win, one must lose: the answer names it.
    class(&world, &old, json!({"strategy": "win"})).await;
    let cancel = world.post(&format!("/v1/supplies/{first}/cancel"), json!({})).await.is(200);
    assert_eq!(cancel["wins_lost"], json!([old]));
    world.verify();
}

#[tokio::test]
async fn what_makes_no_sense_is_named() {
    let world = world();
    world.with_mug().await;
    let fails = [
        (json!({}), "/sku", "required"),
        (json!({"sku": "MUG", "supply": "sup_1"}), "/sku", "required"),
        (json!({"sku": "MUG", "rule": {"basis": "luck"}}), "/rule/basis", "unknown_value"),
        (
            json!({"sku": "MUG", "rule": {"basis": "class", "ageing_days": -1}}),
            "/rule/ageing_days",
            "out_of_range",
        ),
        (json!({"sku": "NONE"}), "/sku", "unknown_sku"),
    ];
    for (body, pointer, code) in fails {
        let reply = world.post("/v1/runs", body).await.is(422);
        assert_eq!(
            (&reply["errors"][0]["pointer"], &reply["errors"][0]["code"]),
            (&json!(pointer), &json!(code))
        );
    }
    world.put("/v1/settings/allocation", json!({"tag": "a", "sku": "MUG"})).await.is(422);
    world.put("/v1/settings/allocation", json!({"sku": "NONE", "strategy": "win"})).await.is(422);
    let none = "/v1/lines/ord_01920000000070008000000000000002-1/allocation";
    world.put(none, json!({"locked": true})).await.fails(404, "not_found");
    let gone = world.put("/v1/settings/allocation", json!({"strategy": "win"})).await.is(200);
    assert_eq!(gone["strategy"], "win");
    world.put("/v1/settings/allocation", json!({})).await.is(200);
    assert_eq!(world.get("/v1/settings/allocation").await.is(200)["items"], json!([]));
}

#[tokio::test]
async fn a_lines_terms_are_set_only_while_they_are_what_was_seen() {
    let world = world();
    world.with_mug().await;
    world.supply("MUG", 5, "2026-12-01").await;
    let placed = world.order("MUG", 1).await;
    let path = format!("/v1/lines/{}/allocation", placed["lines"][0]["id"].as_str().unwrap());
    let put = |tag: &str, class: i64| {
        world.send(Call::new("PUT", &path).json(&json!({"class": class})).with("if-match", tag))
    };
    let seen = world.get(&path).await.header("etag").to_owned();
    assert!(!seen.is_empty());
    let first = put(&seen, 7).await;
    assert_eq!(first.is(200)["class"], 7);
    // The second who saw the same is told, and the first one's word stands.
    put(&seen, 9).await.fails(412, "stale");
    let now = world.get(&path).await;
    assert_eq!((&now.is(200)["class"], now.header("etag")), (&json!(7), first.header("etag")));
    assert_eq!(put(first.header("etag"), 9).await.is(200)["class"], 9);
    assert_eq!(put("*", 0).await.is(200)["class"], 0);
    put("W/\"1\", \"2\"", 1).await.fails(422, "invalid");
    world.verify();
}
