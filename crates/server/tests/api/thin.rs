//! Too little data, and nonsense: each answer of the decisions says what it cannot say, and no number is none.

use serde_json::{Value, json};

use crate::world::{Call, World, order, world};

const LATER: &str = "2026-12-01T12:00:00Z";

/// One SKU of which nothing is known, one that earns nothing, one that sold once, one that costs more than it sells for.
async fn shop() -> World {
    let world = world();
    world.with_mug().await;
    let money = |amount: i64| json!({"amount": amount, "currency": "USD"});
    world.put("/v1/skus/NOTHING", json!({"title": "Nothing"})).await.is(201);
    for (sku, price, cost) in [("FREE", 1_000, 1_000), ("ONE", 4_000, 1_500), ("LOSS", 1_000, 3_000)] {
        let item = json!({"title": sku, "price": money(price), "unit_cost": money(cost), "supplier": "Pine"});
        world.put(&format!("/v1/skus/{sku}"), item).await.is(201);
        world.stock(sku, 2).await;
        world.send(Call::post("/v1/orders", &order(sku, 1))).await.is(201);
    }
    world
}

async fn at(world: &World, path: &str) -> Value {
    let reply = world.send(Call::get(path).at(LATER)).await;
    let text = String::from_utf8(reply.bytes.to_vec()).unwrap();
    assert!(!text.contains("NaN") && !text.contains("inf,"), "{path}: {text}");
    reply.is(200)
}

fn of<'a>(answer: &'a Value, sku: &str) -> &'a Value {
    let items = answer["items"].as_array().unwrap();
    items.iter().find(|item| item["sku"] == sku).unwrap_or_else(|| panic!("no {sku} in {answer}"))
}

#[tokio::test]
async fn too_little_is_said_by_every_answer() {
    let world = shop().await;
    let advice = at(&world, "/v1/advice").await;
    assert!(of(&advice, "NOTHING")["refused"].as_str().unwrap().contains("price"), "{advice}");
    let text = |sku: &str, part: &str| of(&advice, sku)["advice"][part].to_string();
    assert!(text("ONE", "figures").contains("few, so the range is wide"));
    assert!(
        text("FREE", "reasons").contains("earns nothing")
            && text("LOSS", "reasons").contains("earns nothing")
    );
    let bought = at(&world, "/v1/purchasing?all=true").await;
    assert!(of(&bought, "NOTHING")["refused"].is_string(), "{bought}");
    let loss = of(&bought, "LOSS");
    assert!(loss["refused"].is_string() || loss["order"]["quantity"] == 0, "{loss}");
    // What earns nothing is worth only the goodwill it saves.
    let free = of(&bought, "FREE");
    assert!(free["order"]["expected_profit"]["amount"].as_i64().unwrap() < 100, "{free}");
    let demand = at(&world, "/v1/insights/demand").await;
    assert_eq!(of(&demand, "NOTHING")["forecast"], Value::Null, "{demand}");
    assert!(!of(&demand, "NOTHING")["notes"].as_array().unwrap().is_empty());
    assert!(of(&demand, "ONE")["forecast"]["coverage"].is_null(), "never tried: {demand}");
    for path in ["/v1/insights/risk/skus", "/v1/insights/risk/lines"] {
        let model = &at(&world, path).await["model"];
        assert_eq!((&model["method"], &model["tested"]), (&json!("rule"), &Value::Null), "{path}");
        assert!(model["reason"].as_str().unwrap().contains("too few"), "{model}");
    }
    let insights = at(&world, "/v1/insights").await;
    assert_eq!(
        (&insights["promises"]["kept"], &insights["delay"]["units_lost"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(at(&world, "/v1/suppliers").await["items"], json!([]));
    let cash = at(&world, "/v1/cash?currency=USD").await;
    assert_eq!((&cash["without_prepayment"], &cash["negative_probability"]), (&Value::Null, &json!(0.0)));
}

#[tokio::test]
async fn nonsense_is_refused_by_every_call() {
    let world = shop().await;
    let money = |amount: i64| json!({"amount": amount, "currency": "USD"});
    for item in [json!({"title": "x", "unit_cost": money(-1)}), json!({"title": "x", "price": money(-1)})] {
        world.put("/v1/skus/ONE", item).await.fails(422, "invalid");
    }
    for path in [
        "/v1/advice?set=price%3DNaN",
        "/v1/advice?set=unit_cost%3D-1",
        "/v1/advice?set=price",
        "/v1/purchasing?cash_max=NaN",
        "/v1/purchasing?cash_max=-1",
        "/v1/insights/demand?sku=NOPE",
        "/v1/insights/risk/skus?limit=0",
        "/v1/insights/risk/lines?sku=%00",
        "/v1/insights?nope=1",
        "/v1/suppliers?limit=many",
        "/v1/cash?currency=USD&opening=NaN",
        "/v1/cash?currency=USD&supplier_deposit_percent=101",
        "/v1/settings/cash?currency=dollars",
        "/v1/purchase-orders?state=lost",
    ] {
        let status = world.get(path).await.status.as_u16();
        assert_eq!(status, 422, "{path}");
    }
    for terms in
        [json!({"lot_size": 0}), json!({"minimum": 9, "maximum": 3}), json!({"order_cost": money(-1)})]
    {
        world.put("/v1/skus/ONE/purchasing", terms).await.fails(422, "invalid");
    }
    let lines = |quantity: i64| json!({"supplier": "Pine", "lines": [{"sku": "ONE", "quantity": quantity}]});
    for quantity in [-1, 0, 1_000_000_001] {
        world.post("/v1/purchase-orders", lines(quantity)).await.fails(422, "invalid");
    }
}
