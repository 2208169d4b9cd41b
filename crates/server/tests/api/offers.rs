//! Availability: what a shop's page shows.

use serde_json::json;

use crate::world::{Call, STRANGER, World, world};

async fn state(world: &World, query: &str) -> String {
    world.get(&format!("/v1/availability?sku=MUG{query}")).await.is(200)["state"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_badge_says_what_an_order_would_get() {
    let world = world();
    world.with_mug().await;
    assert_eq!(state(&world, "").await, "waitlist");
    world.stock("MUG", 2).await;
    let answer = world.get("/v1/availability?sku=MUG&quantity=2&country=US&postcode=10001").await.is(200);
    assert_eq!(
        (&answer["state"], &answer["available_now"], &answer["as_of"]),
        (&json!("in_stock"), &json!(2), &json!("2026-11-23T14:00:00Z"))
    );
    assert_eq!(answer["ship_by"], json!({"expected": "2026-11-24", "promised": "2026-11-24"}));
    assert_eq!(answer["schema_org"], "https://schema.org/InStock");
    assert_eq!(answer["google"], json!({"availability": "in_stock", "availability_date": null}));
    assert_eq!(state(&world, "&quantity=3").await, "limited");
    world.supply("MUG", 5, "2026-12-01").await;
    let answer = world.get("/v1/availability?sku=MUG&quantity=3").await.is(200);
    assert_eq!((&answer["state"], &answer["available_later"]), (&json!("backorder"), &json!(5)));
    assert_eq!(answer["google"]["availability_date"], "2026-12-07T00:00Z");
    // After the cut-off the next day counts.
    let evening = world.send(Call::get("/v1/availability?sku=MUG").at("2026-11-23T20:00:00Z")).await.is(200);
    assert_eq!(evening["ship_by"]["promised"], "2026-11-25");
}

#[tokio::test]
async fn several_skus_are_answered_in_the_order_asked() {
    let world = world();
    world.with_mug().await;
    world.put("/v1/skus/A%2FB", json!({})).await.is(201);
    let answer = world.get("/v1/availability?sku=MUG&sku=NEVER&sku=A%2FB&sku=MUG").await.is(200);
    let items = answer["items"].as_array().unwrap();
    let skus: Vec<_> = items.iter().map(|item| item["sku"].as_str().unwrap()).collect();
    assert_eq!(skus, ["MUG", "NEVER", "A/B", "MUG"]);
    assert_eq!(
        (&items[1]["problem"]["status"], &items[1]["problem"]["code"]),
        (&json!(404), &json!("not_found"))
    );
    assert_eq!(items[2]["state"], "out_of_stock");
    let many: String = (0..101).map(|n| format!("&sku=S{n}")).collect();
    let problem = world.get(&format!("/v1/availability?quantity=1{many}")).await.fails(422, "invalid");
    assert_eq!(problem["errors"][0]["code"], "too_many");
}

#[tokio::test]
async fn channels_and_groups_have_their_own_terms() {
    let world = world();
    world.with_mug().await;
    world.supply("MUG", 5, "2026-12-01").await;
    let policy = json!({"when_out": "backorder", "customer_groups": ["trade"]});
    world.put("/v1/skus/MUG/policies/wholesale", policy).await.is(201);
    assert_eq!(state(&world, "").await, "backorder");
    assert_eq!(state(&world, "&channel=wholesale").await, "waitlist");
    assert_eq!(state(&world, "&channel=wholesale&customer_group=trade").await, "backorder");
}

#[tokio::test]
async fn a_change_is_seen_at_once_within_the_same_second() {
    let world = world();
    world.with_mug().await;
    let ask = |query: &'static str| {
        let world = &world;
        async move {
            // Twice: the second answer is the one that was kept.
            let first = world.get(&format!("/v1/availability?{query}")).await;
            let again = world.get(&format!("/v1/availability?{query}")).await;
            assert_eq!(first.bytes, again.bytes);
            again
        }
    };
    for units in 1..=20 {
        world.stock("MUG", 1).await;
        assert_eq!(ask("sku=MUG").await.is(200)["available_now"], units);
    }
    assert_eq!(world.send(Call::get("/v1/availability?sku=MUG").key(STRANGER)).await.status.as_u16(), 404);
    ask("sku=SPOON").await.fails(404, "not_found");
    assert_eq!(ask("sku=MUG&sku=SPOON").await.is(200)["items"][1]["problem"]["code"], "not_found");
    world.put("/v1/skus/SPOON", json!({})).await.is(201);
    assert_eq!(ask("sku=SPOON").await.is(200)["state"], "out_of_stock");
    assert_eq!(ask("sku=MUG&sku=SPOON").await.is(200)["items"][1]["state"], "out_of_stock");
    let kit = json!({"components": [{"sku": "MUG", "quantity": 2}]});
    world.put("/v1/skus/PAIR", kit).await.is(201);
    assert_eq!(ask("sku=PAIR").await.is(200)["available_now"], 10);
    world.stock("MUG", 4).await;
    assert_eq!(ask("sku=PAIR").await.is(200)["available_now"], 12);
    world.put("/v1/skus/MUG/policies/default", json!({"buffer": 5})).await.is(200);
    assert_eq!(ask("sku=MUG").await.is(200)["available_now"], 19);
    assert_eq!(ask("sku=MUG").await.is(200)["ship_by"]["promised"], "2026-11-24");
    world
        .put("/v1/locations/east", json!({"time_zone": "America/New_York", "handling_days": 5}))
        .await
        .is(200);
    assert_eq!(ask("sku=MUG").await.is(200)["ship_by"]["promised"], "2026-11-30");
    // A question at a moment of its own is answered for that moment.
    let later = world.send(Call::get("/v1/availability?sku=MUG").at("2026-12-01T15:00:00Z")).await.is(200);
    assert_eq!(later["as_of"], "2026-12-01T15:00:00Z");
    assert_eq!(ask("sku=MUG").await.is(200)["as_of"], "2026-11-23T14:00:00Z");
}
