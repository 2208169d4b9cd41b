//! Runs that are taken back.

use serde_json::{Value, json};

use crate::world::{World, world};

/// Everything a shop says of its supplies and orders, without the versions of promises.
async fn standing(world: &World) -> Vec<Value> {
    let mut all = Vec::new();
    for path in ["/v1/supplies?closed=true", "/v1/orders", "/v1/backorders", "/v1/availability?sku=MUG"] {
        all.push(world.get(path).await.is(200));
    }
    all
}

async fn undo(world: &World, run: &Value) -> crate::world::Reply {
    let reply = world.post(&format!("/v1/runs/{}/undo", run.as_str().unwrap()), json!({})).await;
    world.verify();
    reply
}

async fn kinds_after(world: &World, seq: i64) -> Vec<String> {
    let page = world.get(&format!("/v1/events?after={seq}&limit=500")).await.is(200);
    let items = page["items"].as_array().unwrap().clone();
    items.iter().map(|item| item["kind"].as_str().unwrap().to_owned()).collect()
}

async fn last(world: &World) -> i64 {
    let page = world.get("/v1/events?limit=500").await.is(200);
    page["items"].as_array().unwrap().last().unwrap()["seq"].as_i64().unwrap()
}

/// PO-1 of ten on 12 December with seven sold, PO-2 of nine on the 20th.
async fn shop(world: &World) -> (String, Vec<Value>) {
    world.with_mug().await;
    let first = world.supply("MUG", 10, "2026-12-12").await;
    world.supply("MUG", 9, "2026-12-20").await;
    let mut orders = Vec::new();
    for units in [4, 3] {
        orders.push(world.order("MUG", units).await);
    }
    (first, orders)
}

#[tokio::test]
async fn a_slip_previewed_confirmed_and_undone_leaves_everything_as_it_was() {
    let world = world();
    let (first, orders) = shop(&world).await;
    let (before, seq) = (standing(&world).await, last(&world).await);
    let change = json!({"expected_on": "2026-12-26"});
    world.post(&format!("/v1/supplies/{first}/preview"), json!({"change": change})).await.is(200);
    assert_eq!(
        (standing(&world).await, last(&world).await),
        (before.clone(), seq),
        "a preview changes nothing"
    );
    let slip = world.patch(&format!("/v1/supplies/{first}"), change).await.is(200);
    assert_ne!(standing(&world).await, before);
    let undone = undo(&world, &slip["run"]).await.is(200);
    assert_eq!((&undone["undone"], &undone["moved"]), (&slip["run"], &json!(7)), "both lines had moved up");
    assert_eq!(undone["expected_on"], "2026-12-12");
    assert_eq!(standing(&world).await, before);

    let kinds = kinds_after(&world, seq).await;
    let count = |kind: &str| kinds.iter().filter(|is| *is == kind).count();
    assert_eq!((count("supply_changed"), count("run_applied"), count("run_undone")), (1, 1, 1), "{kinds:?}");
    // What each line was promised meanwhile stays on record, with what made it so.
    let id = orders[0]["id"].as_str().unwrap();
    let promises = world.get(&format!("/v1/orders/{id}/promises")).await.is(200);
    let causes: Vec<&Value> =
        promises["items"].as_array().unwrap().iter().map(|given| &given["cause"]["kind"]).collect();
    assert_eq!(causes, ["order_placed", "supply_changed", "run_undone"]);
    undo(&world, &slip["run"]).await.fails(409, "already_undone");
}

#[tokio::test]
async fn a_receipt_in_parts_is_undone_until_something_of_it_is_released() {
    let world = world();
    let (first, orders) = shop(&world).await;
    let before = standing(&world).await;
    let address = format!("/v1/supplies/{first}/receipts");
    let receipt = world.post(&address, json!({"accepted": 5, "damaged": 1})).await.is(201);
    assert_eq!(receipt["allocated"], 5);
    // Somebody buys what is left of the supply meanwhile, and keeps a place in it.
    undo(&world, &receipt["run"]).await.is(200);
    let now = standing(&world).await;
    assert_eq!(now[1..], before[1..]);
    let open = |all: &Value| {
        let items = all["items"].as_array().unwrap().clone();
        items.into_iter().filter(|supply| supply["state"] != "closed").collect::<Vec<_>>()
    };
    assert_eq!(open(&now[0]), open(&before[0]));

    let receipt = world.post(&address, json!({"accepted": 5})).await.is(201);
    let later = world.order("MUG", 2).await;
    assert_eq!(later["lines"][0]["state"], "backordered");
    world.post("/v1/releases", json!({"location": "east"})).await.is(201);
    undo(&world, &receipt["run"]).await.fails(409, "already_released");
    let id = orders[0]["id"].as_str().unwrap();
    world.post("/v1/shipments", json!({"order": id})).await.is(201);
    undo(&world, &receipt["run"]).await.fails(409, "already_released");
    let cancelled = world.post(&format!("/v1/supplies/{first}/cancel"), json!({})).await.is(200);
    undo(&world, &receipt["run"]).await.fails(409, "already_released");
    undo(&world, &cancelled["run"]).await.is(200);
}

#[tokio::test]
async fn a_cancel_and_a_whole_receipt_are_undone() {
    let world = world();
    let (first, _) = shop(&world).await;
    let before = standing(&world).await;
    let cancel = world.post(&format!("/v1/supplies/{first}/cancel"), json!({})).await.is(200);
    assert_ne!(standing(&world).await, before);
    undo(&world, &cancel["run"]).await.is(200);
    assert_eq!(standing(&world).await, before);

    let receipt = world.post(&format!("/v1/supplies/{first}/receipts"), json!({})).await.is(201);
    world.order("MUG", 2).await;
    undo(&world, &receipt["run"]).await.is(200);
    let supply = world.get(&format!("/v1/supplies/{first}")).await.is(200);
    assert_eq!(
        (&supply["state"], &supply["pegged"], &supply["quantity"]),
        (&json!("due"), &json!(9), &json!(10))
    );
    let order = world.get("/v1/orders").await.is(200)["items"][0].clone();
    assert_eq!(order["lines"][0]["state"], "backordered", "whoever came since waits for it too");
}

#[tokio::test]
async fn what_rests_on_a_run_is_not_taken_away() {
    let world = world();
    let (first, _) = shop(&world).await;
    let more = world.patch(&format!("/v1/supplies/{first}"), json!({"quantity": 14})).await.is(200);
    world.order("MUG", 6).await;
    undo(&world, &more["run"]).await.fails(409, "run_superseded");
    let slip =
        world.patch(&format!("/v1/supplies/{first}"), json!({"expected_on": "2026-12-14"})).await.is(200);
    world.patch(&format!("/v1/supplies/{first}"), json!({"expected_on": "2026-12-15"})).await.is(200);
    undo(&world, &slip["run"]).await.fails(409, "run_superseded");
    world.post("/v1/runs/run_01920000000070008000000000000002/undo", json!({})).await.fails(404, "not_found");
    world.post("/v1/runs/nonsense/undo", json!({})).await.fails(404, "not_found");
}

#[tokio::test]
async fn a_run_that_was_asked_for_is_undone_whole() {
    let world = world();
    world.with_mug().await;
    world.supply("MUG", 4, "2026-12-12").await;
    world.supply("MUG", 8, "2026-12-20").await;
    for units in [4, 4] {
        world.order("MUG", units).await;
    }
    let newer = world.get("/v1/backorders?sku=MUG").await.is(200)["items"][1]["line"].clone();
    let first = json!({"class": -1});
    world.put(&format!("/v1/lines/{}/allocation", newer.as_str().unwrap()), first).await.is(200);
    let before = standing(&world).await;
    let wish = json!({"sku": "MUG", "rule": {"basis": "class"}, "strategy": "redistribute"});
    let done = world.post("/v1/runs", wish).await.is(200);
    assert_eq!(done["summary"]["units_moved"], 8, "they changed places");
    assert_ne!(standing(&world).await, before);
    let undone = undo(&world, &done["run"]).await.is(200);
    assert_eq!(undone["moved"], 8);
    assert_eq!(standing(&world).await, before);
    undo(&world, &done["run"]).await.fails(409, "already_undone");
}

#[tokio::test]
async fn undoing_a_run_whose_goods_have_left_for_others_brings_no_goods_back() {
    let world = world();
    world.with_mug().await;
    let first = world.supply("MUG", 4, "2026-12-12").await;
    world.supply("MUG", 8, "2026-12-20").await;
    let (older, newer) = (world.order("MUG", 4).await, world.order("MUG", 4).await);
    let line = newer["lines"][0]["id"].as_str().unwrap();
    world.put(&format!("/v1/lines/{line}/allocation"), json!({"class": -1})).await.is(200);
    let wish = json!({"sku": "MUG", "rule": {"basis": "class"}, "strategy": "redistribute"});
    let done = world.post("/v1/runs", wish).await.is(200);
    let cancel = json!({"reason": "other"});
    for order in [&older, &newer] {
        let id = order["id"].as_str().unwrap();
        world.post(&format!("/v1/orders/{id}/cancel"), cancel.clone()).await.is(200);
    }
    world.post(&format!("/v1/supplies/{first}/cancel"), json!({})).await.is(200);
    let before = standing(&world).await;
    undo(&world, &done["run"]).await.is(200);
    assert_eq!(standing(&world).await, before, "what was cancelled since stays cancelled");
}

#[tokio::test]
async fn a_line_that_should_win_keeps_what_it_has_whoever_stands_first() {
    let world = world();
    world.with_mug().await;
    world.supply("MUG", 4, "2026-12-12").await;
    world.supply("MUG", 8, "2026-12-20").await;
    let (older, newer) = (world.order("MUG", 4).await, world.order("MUG", 4).await);
    let terms = |order: &Value| format!("/v1/lines/{}/allocation", order["lines"][0]["id"].as_str().unwrap());
    world.put(&terms(&newer), json!({"class": -1})).await.is(200);
    world.put(&terms(&older), json!({"strategy": "win"})).await.is(200);
    let before = standing(&world).await;
    let wish = json!({"sku": "MUG", "rule": {"basis": "class"}, "strategy": "redistribute"});
    let done = world.post("/v1/runs", wish.clone()).await.is(200);
    assert_eq!((&done["summary"]["units_moved"], &done["summary"]["wins_lost"]), (&json!(0), &json!([])));
    assert_eq!(standing(&world).await, before);
    world.put(&terms(&older), json!({"strategy": "redistribute"})).await.is(200);
    let done = world.post("/v1/runs", wish).await.is(200);
    assert_eq!(done["summary"]["units_moved"], 8, "without it the class decides");
}

#[tokio::test]
async fn who_has_paid_goes_first_where_the_rule_says_so() {
    let world = world();
    world.with_mug().await;
    let paid = json!({"when_out": "backorder", "payment": {"kind": "full", "provider": "manual"}});
    world.put("/v1/skus/MUG/policies/default", paid).await.is(200);
    world.supply("MUG", 4, "2026-12-12").await;
    world.supply("MUG", 8, "2026-12-20").await;
    let (older, newer) = (world.order("MUG", 4).await, world.order("MUG", 4).await);
    let pay = json!({"kind": "record", "provider": "manual", "amount": {"amount": 6000, "currency": "USD"}});
    world.post(&format!("/v1/orders/{}/payments", newer["id"].as_str().unwrap()), pay).await.is(201);
    let wish = |dry: bool| json!({"sku": "MUG", "rule": {"basis": "paid_amount"}, "strategy": "redistribute", "dry_run": dry});
    let planned = world.post("/v1/runs", wish(true)).await.is(200);
    let done = world.post("/v1/runs", wish(false)).await.is(200);
    assert_eq!((&planned["lines"], &planned["summary"]["units_moved"]), (&done["lines"], &json!(8)));
    assert_eq!(done["lines"][0]["line"], newer["lines"][0]["id"]);
    assert_eq!(
        (&done["lines"][0]["effect"], &done["lines"][1]["line"]),
        (&json!("earlier"), &older["lines"][0]["id"])
    );
    world.verify();
}
