//! What the shop's own ledger shows, and the days ahead in money.

use serde_json::{Value, json};

use crate::world::{CHECKOUT, Call, World, order, world};

async fn shop() -> World {
    let world = world();
    world.with_mug().await;
    let mug = json!({"title": "Mug", "price": {"amount": 4000, "currency": "USD"},
        "unit_cost": {"amount": 1500, "currency": "USD"}, "supplier": "Pine"});
    world.put("/v1/skus/MUG", mug).await.is(200);
    world
}

async fn at(world: &World, path: &str, now: &str) -> Value {
    world.send(Call::get(path).at(now)).await.is(200)
}

#[tokio::test]
async fn demand_that_nobody_served_is_shown_with_what_it_is_worth() {
    let world = shop().await;
    let empty = world.get("/v1/insights").await.is(200);
    assert_eq!(
        (&empty["demand"], &empty["promises"]["kept"], &empty["delay"]["units_lost"]),
        (&json!([]), &Value::Null, &Value::Null)
    );
    world.put("/v1/skus/MUG/policies/default", json!({"when_out": "waitlist"})).await.is(200);
    world.post("/v1/orders", order("MUG", 3)).await.fails(409, "not_available");
    for who in ["ada", "ben"] {
        let body = json!({"sku": "MUG", "email": format!("{who}@example.com"), "quantity": 2});
        world.send(Call::post("/v1/waitlist", &body).key(CHECKOUT)).await.is(201);
    }
    let signal = world.get("/v1/insights").await.is(200)["demand"][0].clone();
    assert_eq!(
        (&signal["sku"], &signal["refused"], &signal["waiting"]),
        (&json!("MUG"), &json!(3), &json!(4))
    );
    assert_eq!(signal["value"]["amount"], 7 * 4_000);
    let expand = at(&world, "/v1/insights", "2026-12-03T14:00:00Z").await["expand"][0].clone();
    assert_eq!(expand["sku"], "MUG");
    assert!(expand["expected_profit"]["amount"].as_i64().unwrap() > 0);
}

#[tokio::test]
async fn dates_kept_and_missed_are_counted_by_month() {
    let world = shop().await;
    let due = world.supply("MUG", 10, "2026-12-01").await;
    let order = world.order("MUG", 4).await;
    let promised = order["lines"][0]["parts"][0]["ship_by"]["promised"].as_str().unwrap().to_owned();
    let receipt = Call::post(&format!("/v1/supplies/{due}/receipts"), &json!({"accepted": 10}));
    world.send(receipt.at("2026-12-10T15:00:00Z")).await.is(201);
    let shipment = json!({"order": order["id"], "shipped_at": "2026-12-10T16:00:00Z"});
    world.send(Call::post("/v1/shipments", &shipment).at("2026-12-10T16:00:00Z")).await.is(201);
    let quick = world
        .send(Call::post("/v1/orders", &crate::world::order("MUG", 2)).at("2026-12-11T15:00:00Z"))
        .await
        .is(201);
    let shipment = json!({"order": quick["id"], "shipped_at": "2026-12-11T16:00:00Z"});
    world.send(Call::post("/v1/shipments", &shipment).at("2026-12-11T16:00:00Z")).await.is(201);
    let found = world.get("/v1/insights").await.is(200);
    let kept = &found["promises"];
    assert_eq!((&kept["units"], &kept["months"][0]["month"]), (&json!(6), &json!("2026-12")));
    assert!((kept["kept"].as_f64().unwrap() - 2.0 / 6.0).abs() < 1e-9, "{kept} {promised}");
    let late = ["2026-12-10", &promised].map(|date| date[8..].parse::<f64>().unwrap());
    assert_eq!(kept["days_late"].as_f64().unwrap(), late[0] - late[1]);
    assert_eq!(found["suppliers"][0]["supplier"], "Pine");
    world.verify();
}

#[tokio::test]
async fn the_days_ahead_count_what_is_ordered_owed_and_on_its_way() {
    let world = shop().await;
    let deposit = json!({"when_out": "backorder", "payment": {"kind": "deposit", "deposit_percent": 25, "balance": "on_ship"}});
    world.put("/v1/skus/MUG/policies/default", deposit).await.is(200);
    world.supply("MUG", 50, "2026-12-03").await;
    let placed = world.order("MUG", 4).await;
    let pay = format!("/v1/orders/{}/payments", placed["id"].as_str().unwrap());
    let money = |amount: i64| json!({"amount": amount, "currency": "USD"});
    world.post(&pay, json!({"kind": "charge", "amount": money(4_000)})).await.is(201);
    let cash = world.get("/v1/cash?currency=USD&opening=50000&days=60").await.is(200);
    for (name, amount) in
        [("unearned", 4_000), ("receivable", 12_000), ("payable", 75_000), ("refunds_due", 0)]
    {
        assert_eq!(cash[name]["amount"], amount, "{name}");
    }
    assert_eq!(cash["days"].as_array().unwrap().len(), 61);
    // Somebody may call it off on the first day.
    let first = cash["days"][0]["balance"]["amount"].as_i64().unwrap();
    assert!((49_900..=50_000).contains(&first), "{first}");
    assert_eq!((&cash["lowest_on"], &cash["negative_probability"]), (&json!("2026-12-03"), &json!(1.0)));
    assert_eq!(cash["lowest_p10"]["amount"], -25_000);
    let last = cash["days"][60].clone();
    assert!(
        last["balance"]["amount"].as_i64().unwrap() > -25_000 && last["unearned"]["amount"] == 0,
        "{last}"
    );
    let paid = world.get("/v1/cash?currency=USD&opening=50000&supplier_deposit_percent=100").await.is(200);
    assert_eq!(paid["payable"]["amount"], 0);
    let other = world.get("/v1/cash?currency=EUR").await.is(200);
    assert_eq!(other["receivable"]["amount"], 0);
    assert!(other["notes"].to_string().contains("1 orders in other currencies"), "{other}");
    for query in [
        "",
        "?currency=XX",
        "?currency=USD&days=0",
        "?currency=USD&payout_days=-1",
        "?currency=USD&opening=x",
    ] {
        world.get(&format!("/v1/cash{query}")).await.fails(422, "invalid");
    }
}

#[tokio::test]
async fn cash_begins_with_what_is_set_and_says_what_prepayment_changes() {
    let world = shop().await;
    let set = json!({"opening": {"amount": 80_000, "currency": "USD"}, "payout_days": 5});
    let none = world.get("/v1/settings/cash?currency=USD").await.is(200);
    assert_eq!((&none["opening"]["amount"], &none["set_at"]), (&json!(0), &Value::Null));
    world.put("/v1/settings/cash", set).await.is(200);
    for wrong in [
        json!({}),
        json!({"opening": {"amount": 1, "currency": "XX"}}),
        json!({"opening": {"amount": 1, "currency": "USD"}, "payout_days": 61}),
        json!({"opening": {"amount": 1, "currency": "USD"}, "supplier_deposit_percent": -1}),
    ] {
        assert!([400, 422].contains(&world.put("/v1/settings/cash", wrong).await.status.as_u16()));
    }
    world.get("/v1/settings/cash").await.fails(422, "invalid");
    let cash = world.get("/v1/cash?currency=USD").await.is(200);
    assert_eq!((&cash["opening"]["amount"], &cash["without_prepayment"]), (&json!(80_000), &Value::Null));
    assert_eq!(cash["lowest"]["amount"], 80_000);
    assert_eq!(world.get("/v1/cash?currency=USD&opening=-5").await.is(200)["lowest"]["amount"], -5);
    assert_eq!(world.get("/v1/cash?currency=EUR").await.is(200)["opening"]["amount"], 0);
    // The shop pays its supplier on the 3rd; customers have paid in full before, all but one in four of what is due.
    let full = json!({"when_out": "backorder", "payment": {"kind": "full"}});
    world.put("/v1/skus/MUG/policies/default", full).await.is(200);
    world.supply("MUG", 80, "2026-12-03").await;
    let placed = world.order("MUG", 20).await;
    let pay = format!("/v1/orders/{}/payments", placed["id"].as_str().unwrap());
    let paid = json!({"kind": "charge", "amount": {"amount": 80_000, "currency": "USD"}});
    world.post(&pay, paid).await.is(201);
    let cash = world.get("/v1/cash?currency=USD&opening=130000&days=60").await.is(200);
    let without = &cash["without_prepayment"];
    let amount = |value: &Value| value["amount"].as_i64().unwrap();
    // 800.00 less 2.9 % and 0.30: what the cash of 1,300.00 had from them.
    assert_eq!(amount(&without["less_today"]), 80_000 - 2_320 - 30, "{without}");
    // With it the supplier can be paid out of what is there, without it not.
    // But for the worlds in which the order is called off before.
    assert!(cash["negative_probability"].as_f64().unwrap() < 0.1, "{cash}");
    assert_eq!(without["negative_probability"], 1.0);
    assert!(amount(&cash["lowest_p10"]) >= 0 && amount(&without["lowest_p10"]) < 0, "{cash}");
    let later = world.send(Call::get("/v1/cash?currency=USD").at("2026-12-01T14:00:00Z")).await.is(200);
    assert!(later["notes"].to_string().contains("as it was set 8 days ago"), "{}", later["notes"]);
    world.verify();
}

#[tokio::test]
async fn looks_at_badges_are_counted_without_who_and_shown_as_lost_demand() {
    let world = shop().await;
    world.put("/v1/skus/MUG/policies/default", json!({"when_out": "waitlist"})).await.is(200);
    world.stock("MUG", 5).await;
    let look = || async {
        let answer = world.send(Call::get("/v1/availability?sku=MUG").key(CHECKOUT)).await;
        assert_eq!(answer.header("set-cookie"), "");
        answer.is(200)
    };
    // The first entry begins the count: orders are held against looks from then on.
    look().await;
    world.send(Call::post("/v1/test/run-due", &json!({}))).await.is(200);
    for _ in 0..249 {
        look().await;
    }
    world.send(Call::post("/v1/test/run-due", &json!({}))).await.is(200);
    world.order("MUG", 5).await;
    for _ in 0..100 {
        assert_eq!(look().await["state"], "waitlist");
    }
    // Staff, a list, and a product that is not there are no looks of shoppers.
    world.get("/v1/availability?sku=MUG").await.is(200);
    world.send(Call::get("/v1/availability?sku=MUG&sku=NOPE").key(CHECKOUT)).await.is(200);
    world.send(Call::get("/v1/availability?sku=NOPE").key(CHECKOUT)).await.fails(404, "not_found");
    world.send(Call::post("/v1/test/run-due", &json!({}))).await.is(200);
    let demand = world.get("/v1/insights/demand?sku=MUG").await.is(200)["items"][0].clone();
    let lost = &demand["lost"];
    assert_eq!((&lost["views_out"], &lost["refused"]), (&json!(100.0), &json!(0)), "{demand}");
    // Five units for 250 looks in stock: a hundred looks would have bought two.
    assert!((lost["by_views"].as_f64().unwrap() - 2.0).abs() < 1e-9, "{lost}");
    let signal = world.get("/v1/insights").await.is(200)["demand"][0].clone();
    assert_eq!(
        (&signal["sku"], &signal["views_out"], &signal["value"]),
        (&json!("MUG"), &json!(100.0), &Value::Null)
    );
    let events = world.get("/v1/events?limit=500").await.is(200);
    let noted = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["data"].to_string().contains("badge_views"));
    assert_eq!(noted.count(), 3, "one entry each time, not one a look");
    world.send(Call::post("/v1/test/run-due", &json!({}))).await.is(200);
    assert_eq!(
        world.get("/v1/events?limit=500").await.is(200)["items"].as_array().unwrap().len(),
        events["items"].as_array().unwrap().len()
    );
    world.verify();
}
