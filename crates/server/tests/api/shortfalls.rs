//! Promises that cannot be kept, and the ways out.

use serde_json::{Value, json};

use crate::world::{World, world};

async fn ways(world: &World) -> Vec<(String, Value)> {
    let page = world.get("/v1/shortfalls").await.is(200);
    let ways = page["items"][0]["ways_out"].as_array().cloned().unwrap_or_default();
    ways.into_iter().map(|way| (way["way"].as_str().unwrap().to_owned(), way)).collect()
}

#[tokio::test]
async fn a_slip_that_breaks_a_promise_is_listed_until_somebody_goes_a_way_out() {
    let world = world();
    world.with_mug().await;
    let due = world.supply("MUG", 10, "2026-12-01").await;
    let order = world.order("MUG", 4).await;
    assert_eq!(world.get("/v1/shortfalls").await.is(200)["items"], json!([]), "all is well");
    let early = json!({"expected_on": "2026-11-30"});
    world.patch(&format!("/v1/supplies/{due}"), early).await.is(200);
    assert_eq!(world.get("/v1/shortfalls").await.is(200)["items"], json!([]), "earlier breaks nothing");
    world.patch(&format!("/v1/supplies/{due}"), json!({"expected_on": "2026-12-20"})).await.is(200);
    let page = world.get("/v1/shortfalls").await.is(200);
    let item = &page["items"][0];
    assert_eq!(
        (&item["order"], &item["deadline"], &item["owner"]),
        (&order["id"], &json!("2026-12-07"), &json!(null))
    );

    let line = item["line"].as_str().unwrap();
    let care = json!({"owner": "Mia", "deadline": "2026-11-27", "note": "asked the factory"});
    world.post(&format!("/v1/shortfalls/{line}"), care).await.is(200);
    let item = world.get("/v1/shortfalls").await.is(200)["items"][0].clone();
    assert_eq!((&item["owner"], &item["deadline"]), (&json!("Mia"), &json!("2026-11-27")));
    world.verify();

    let found = ways(&world).await;
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["later_date", "expedite", "cancel"]);
    let expedite = &found[1].1;
    let call = expedite["call"].as_str().unwrap().strip_prefix("PATCH ").unwrap();
    world.patch(call, json!({"expected_on": "2026-12-01"})).await.is(200);
    assert_eq!(world.get("/v1/shortfalls").await.is(200)["items"], json!([]), "it is as it was told");
}

#[tokio::test]
async fn goods_that_are_lost_name_other_locations_and_what_can_take_their_place() {
    let world = world();
    world.with_mug().await;
    let cup = json!({"title": "Cup"});
    world.put("/v1/skus/CUP", cup).await.is(201);
    let mug = json!({"title": "Mug", "substitutes": ["CUP"]});
    world.put("/v1/skus/MUG", mug).await.is(200);
    world.stock("CUP", 3).await;
    let due = world.supply("MUG", 10, "2026-12-01").await;
    world.order("MUG", 4).await;
    world.post(&format!("/v1/supplies/{due}/cancel"), json!({})).await.is(200);
    let found = ways(&world).await;
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["substitute", "cancel"]);
    assert_eq!(found[0].1["body"], json!({"lines": [{"sku": "CUP", "quantity": 3}]}));
    let cancel = &found[1].1;
    let call = cancel["call"].as_str().unwrap().strip_prefix("POST ").unwrap();
    world.post(call, cancel["body"].clone()).await.is(200);
    assert_eq!(world.get("/v1/shortfalls").await.is(200)["items"], json!([]));

    let own = json!({"title": "Mug", "substitutes": ["MUG"]});
    world.put("/v1/skus/MUG", own).await.fails(422, "invalid");
    let nowhere = "/v1/shortfalls/ord_01920000000070008000000000000002-1";
    world.post(nowhere, json!({"owner": "Mia"})).await.fails(404, "not_found");
    world.post("/v1/shortfalls/nonsense", json!({"owner": "Mia"})).await.fails(404, "not_found");
}
