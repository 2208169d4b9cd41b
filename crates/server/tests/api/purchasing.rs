//! What to order, when, and what that earns.

use serde_json::{Value, json};

use crate::world::{Call, World, world};

const LATER: &str = "2026-12-01T12:00:00Z";

/// A mug of 40.00 that costs 15.00, of which twenty were asked for in a week and nothing is left.
async fn shop() -> World {
    let world = world();
    world.with_mug().await;
    let mug = json!({"title": "=Mug", "price": {"amount": 4000, "currency": "USD"},
        "unit_cost": {"amount": 1500, "currency": "USD"}, "supplier": "Pine"});
    world.put("/v1/skus/MUG", mug).await.is(200);
    world.stock("MUG", 20).await;
    world.order("MUG", 20).await;
    world
}

async fn plan(world: &World, query: &str) -> Value {
    world.send(Call::get(&format!("/v1/purchasing{query}")).at(LATER)).await.is(200)["items"].clone()
}

#[tokio::test]
async fn what_sells_and_is_out_is_ordered_now_with_what_that_earns() {
    let world = shop().await;
    let items = plan(&world, "").await;
    let mug = &items[0];
    assert_eq!(
        (&mug["sku"], &mug["supplier"], &mug["refused"]),
        (&json!("MUG"), &json!("Pine"), &Value::Null)
    );
    let order = &mug["order"];
    let quantity = order["quantity"].as_i64().unwrap();
    assert!(quantity >= order["demand"].as_f64().unwrap() as i64, "{order}");
    assert_eq!((&order["order_on"], &order["lead_time_from"]), (&json!("2026-12-01"), &json!("guess")));
    assert_eq!(order["expected_on"], "2026-12-31");
    assert_eq!(order["cost"]["amount"].as_i64().unwrap(), quantity * 1_500);
    assert!(order["expected_profit"]["amount"].as_i64().unwrap() > quantity * 1_000);
    // What is on its way is not ordered again.
    world.supply("MUG", quantity, "2026-12-20").await;
    assert_eq!(plan(&world, "").await, json!([]));
    let all = plan(&world, "?all=true").await;
    assert_eq!((&all[0]["order"]["quantity"], &all[0]["order"]["inbound"]), (&json!(0), &json!(quantity)));
}

#[tokio::test]
async fn lots_limits_breaks_and_lead_times_are_as_they_are_set() {
    let world = shop().await;
    let none = world.get("/v1/skus/MUG/purchasing").await.is(200);
    assert_eq!((&none["lot_size"], &none["price_breaks"]), (&Value::Null, &json!([])));
    let free = plan(&world, "").await[0]["order"]["quantity"].as_i64().unwrap();
    let terms = json!({"lead_time_days": 10, "lot_size": 24, "maximum": 48, "order_cost": {"amount": 2500, "currency": "USD"},
        "price_breaks": [{"from": 48, "unit_cost": {"amount": 1200, "currency": "USD"}}]});
    world.put("/v1/skus/MUG/purchasing", terms.clone()).await.is(200);
    let read = world.get("/v1/skus/MUG/purchasing").await.is(200);
    for (name, value) in terms.as_object().unwrap() {
        assert_eq!(read[name], *value);
    }
    let order = plan(&world, "").await[0]["order"].clone();
    assert_eq!((&order["quantity"], &order["binding"]), (&json!(48), &json!("maximum")), "{free} {order}");
    assert_eq!((&order["unit_cost"]["amount"], &order["expected_on"]), (&json!(1_200), &json!("2026-12-11")));
    assert_eq!(order["lead_time_from"], "terms");
    for (wrong, pointer) in [
        (json!({"lot_size": 0}), "/lot_size"),
        (json!({"review_days": 0}), "/review_days"),
        (json!({"minimum": 9, "maximum": 8}), "/maximum"),
        (json!({"order_cost": {"amount": 1, "currency": "EUR"}}), "/order_cost/currency"),
        (
            json!({"price_breaks": [{"from": 9, "unit_cost": {"amount": 9, "currency": "USD"}},
            {"from": 9, "unit_cost": {"amount": 8, "currency": "USD"}}]}),
            "/price_breaks/1",
        ),
    ] {
        let problem = world.put("/v1/skus/MUG/purchasing", wrong).await.fails(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    world.put("/v1/skus/NONE/purchasing", json!({})).await.fails(404, "not_found");
    world.get("/v1/skus/NONE/purchasing").await.fails(404, "not_found");
    world.verify();
}

#[tokio::test]
async fn a_draft_order_is_a_table_and_money_goes_as_far_as_it_goes() {
    let world = shop().await;
    let cup = json!({"title": "Cup", "price": {"amount": 900, "currency": "USD"}, "unit_cost": {"amount": 800, "currency": "USD"}});
    world.put("/v1/skus/CUP", cup).await.is(201);
    world.put("/v1/skus/GIFT", json!({"title": "Gift"})).await.is(201);
    world.stock("CUP", 9).await;
    world.order("CUP", 9).await;
    let draft = world.send(Call::get("/v1/purchasing?format=csv&supplier=Pine").at(LATER)).await;
    assert_eq!(draft.status, 200);
    let text = String::from_utf8(draft.bytes.to_vec()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("supplier,sku,title,quantity,unit_cost"));
    assert_eq!(lines.len(), 2);
    assert!(lines[1].starts_with("Pine,MUG,'=Mug,"), "{text}");
    // A mug earns more for its money than a cup.
    let cost = plan(&world, "").await[0]["order"]["cost"]["amount"].as_i64().unwrap();
    let some = plan(&world, &format!("?cash_max={cost}&all=true")).await;
    let within = |sku: &str| {
        some.as_array().unwrap().iter().find(|item| item["sku"] == sku).unwrap()["order"]["within_budget"]
            .clone()
    };
    assert_eq!((within("MUG"), within("CUP")), (json!(true), json!(false)));
    let gift = some.as_array().unwrap().iter().find(|item| item["sku"] == "GIFT").unwrap();
    assert!(gift["refused"].as_str().unwrap().contains("price"));
    world.get("/v1/purchasing?cash_max=-1").await.fails(422, "invalid");
    world.get("/v1/purchasing?format=pdf").await.fails(422, "invalid");
}

#[tokio::test]
async fn what_is_owed_without_goods_is_ordered_too() {
    let world = shop().await;
    let quantity = |items: &Value| items[0]["order"]["quantity"].as_i64().unwrap();
    let before = quantity(&plan(&world, "").await);
    world
        .put("/v1/skus/MUG/policies/default", json!({"when_out": "backorder", "lead_time_days": 30}))
        .await
        .is(200);
    world.order("MUG", 7).await;
    let items = plan(&world, "").await;
    assert_eq!(items[0]["order"]["owed"], 7);
    assert!(quantity(&items) > before + 6, "{items}");
}
