//! What may go wrong, and what is asked for: what a year of the shop's own ledger says, and what is said before there is one.

use model::time::Timestamp;
use serde_json::{Value, json};

use crate::world::{CHECKOUT, Call, World, order, world};

/// A moment some days after the first Monday.
fn on(day: i64) -> String {
    let start: Timestamp = crate::world::NOW.parse().unwrap();
    Timestamp::from_second(start.as_second() + day * 86_400).unwrap().to_string()
}

async fn at(world: &World, path: &str, day: i64) -> Value {
    world.send(Call::get(path).at(&on(day))).await.is(200)
}

async fn stock(world: &World, sku: &str, units: i64, day: i64) {
    let body = json!({"sku": sku, "location": "east", "delta": units, "reason": "count"});
    world.send(Call::post("/v1/adjustments", &body).at(&on(day))).await.is(201);
}

async fn buy(world: &World, sku: &str, units: i64, day: i64) -> Value {
    let reply = world.send(Call::post("/v1/orders", &order(sku, units)).at(&on(day))).await;
    if reply.status.as_u16() == 201 { reply.is(201) } else { Value::Null }
}

async fn ship(world: &World, order: &Value, day: i64) {
    let body = json!({"order": order["id"], "shipped_at": on(day)});
    world.send(Call::post("/v1/shipments", &body).at(&on(day))).await.is(201);
}

/// SKUs of which nothing is sold that is not here.
async fn shop(skus: &[&str]) -> World {
    let world = world();
    world.with_mug().await;
    for sku in skus {
        let described = json!({"title": sku, "price": {"amount": 2500, "currency": "USD"},
            "unit_cost": {"amount": 1000, "currency": "USD"}});
        world.put(&format!("/v1/skus/{sku}"), described).await.is(201);
    }
    world
}

#[tokio::test]
async fn before_there_is_a_past_the_stated_rule_answers_and_says_so() {
    let world = shop(&["PLENTY", "SCARCE"]).await;
    let empty = world.get("/v1/insights/risk/skus").await.is(200);
    assert_eq!((&empty["items"], &empty["next_cursor"]), (&json!([]), &Value::Null));
    let model = &empty["model"];
    assert_eq!(
        (&model["method"], &model["cases"], &model["tested"]),
        (&json!("rule"), &json!(0), &Value::Null)
    );
    assert!(model["reason"].as_str().unwrap().contains("negative binomial"), "{model}");
    for (sku, units) in [("PLENTY", 200), ("SCARCE", 7)] {
        stock(&world, sku, units, 0).await;
        buy(&world, sku, 5, 1).await;
    }
    let found = at(&world, "/v1/insights/risk/skus", 2).await;
    let of =
        |n: usize| (found["items"][n]["sku"].clone(), found["items"][n]["probability"].as_f64().unwrap());
    assert_eq!((of(0).0, of(1).0), (json!("SCARCE"), json!("PLENTY")));
    assert!(of(0).1 > 0.9 && of(1).1 < 0.01, "{found}");
    assert_eq!((&found["items"][0]["free"], &found["items"][0]["reasons"]), (&json!(2), &json!([])));
    let one = at(&world, "/v1/insights/risk/skus?sku=PLENTY&limit=1", 2).await;
    assert_eq!(one["items"].as_array().unwrap().len(), 1);
    let page = at(&world, "/v1/insights/risk/skus?limit=1", 2).await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = at(&world, &format!("/v1/insights/risk/skus?limit=1&cursor={cursor}"), 2).await;
    assert_eq!((&rest["items"][0]["sku"], &rest["next_cursor"]), (&json!("PLENTY"), &Value::Null));
    world.get("/v1/insights/risk/skus?nope=1").await.fails(422, "invalid");
    world.get("/v1/insights/risk/lines?order=nope").await.fails(422, "invalid");
    world.send(Call::get("/v1/insights/risk/skus").key(CHECKOUT)).await.fails(403, "publishable_key");
    // Of lines, one that waits is riskier than one whose goods are here; the supply says how long.
    world.supply("MUG", 10, "2027-02-01").await;
    let waits = world.order("MUG", 2).await;
    let lines = at(&world, "/v1/insights/risk/lines", 2).await;
    assert_eq!(lines["items"].as_array().unwrap().len(), 3);
    assert_eq!((&lines["items"][0]["order"], &lines["not_looked_at"]), (&waits["id"], &json!(0)));
    let p = |n: usize| lines["items"][n]["probability"].as_f64().unwrap();
    // Seventy days and some at one in 250 a day.
    assert!((0.2..0.3).contains(&p(0)) && p(1) < 0.02, "{lines}");
    let own =
        at(&world, &format!("/v1/insights/risk/lines?order={}", waits["id"].as_str().unwrap()), 2).await;
    assert_eq!(own["items"], json!([lines["items"][0]]));
}

#[tokio::test]
async fn a_year_of_the_ledger_is_learned_from_and_what_is_said_is_held_against_what_came() {
    let names = ["CALM-A", "CALM-B", "WILD-A", "WILD-B"];
    let world = shop(&names).await;
    for (n, sku) in names.iter().enumerate() {
        world.put(&format!("/v1/skus/{sku}/policies/default"), json!({"when_out": "refuse"})).await.is(201);
        stock(&world, sku, if n < 2 { 400 } else { 6 }, 0).await;
    }
    for week in 0..56 {
        for (n, sku) in names.iter().enumerate() {
            let day = 7 * week + 1 + n as i64 % 2;
            let placed = buy(&world, sku, 2 + (week * 7 + n as i64 * 3) % 3, day).await;
            if placed != Value::Null {
                ship(&world, &placed, day + 2).await;
            }
            if n >= 2 && week % 4 == 3 {
                stock(&world, sku, 5 + week % 5, day + 3).await;
            }
        }
    }
    stock(&world, "WILD-A", 3, 7 * 56).await;
    let found = at(&world, "/v1/insights/risk/skus", 7 * 56).await;
    let model = &found["model"];
    assert_eq!(model["method"], "rule_fitted", "{model}");
    assert!(model["cases"].as_u64().unwrap() > 120 && model["came"].as_u64().unwrap() > 20, "{model}");
    let tested = &model["tested"];
    let of = |name: &str| tested[name].as_f64().unwrap();
    assert!(of("brier") < of("brier_of_share"), "{tested}");
    let groups = tested["reliability"].as_array().unwrap();
    assert_eq!(groups.iter().map(|group| group["cases"].as_u64().unwrap()).sum::<u64>(), tested["cases"]);
    for item in found["items"].as_array().unwrap() {
        let (wild, p) =
            (item["sku"].as_str().unwrap().starts_with("WILD"), item["probability"].as_f64().unwrap());
        assert!(if wild { p > 0.5 } else { p < 0.2 }, "{item}");
    }
    let wild = &found["items"][0];
    assert!(wild["sku"].as_str().unwrap().starts_with("WILD"), "{wild}");
    assert!(wild["reasons"][0].as_str().unwrap().contains("units are free"), "{wild}");
    assert_eq!(
        at(&world, "/v1/insights/risk/skus", 7 * 56).await,
        found,
        "the same question, the same answer"
    );
    world.verify();
}

#[tokio::test]
async fn what_stock_outs_hid_and_what_was_refused_is_told_apart_from_what_was_sold() {
    let world = shop(&["CUP"]).await;
    world.put("/v1/skus/CUP/policies/default", json!({"when_out": "waitlist"})).await.is(201);
    let first = at(&world, "/v1/insights/demand?sku=CUP", 0).await["items"][0].clone();
    assert_eq!((&first["observed"]["weeks"], &first["forecast"]), (&json!(0), &Value::Null));
    assert!(first["notes"][0].as_str().unwrap().starts_with("no whole week"), "{first}");
    stock(&world, "CUP", 60, 0).await;
    // Three, four or five a week for twenty weeks; all but the last few are there.
    let mut wanted = 0;
    for week in 0..20 {
        let units = 3 + (week * 5) % 3;
        wanted += units;
        for _ in 0..units {
            buy(&world, "CUP", 1, 7 * week + 2).await;
        }
    }
    let join = json!({"sku": "CUP", "email": "ada@example.com", "quantity": 4});
    world.send(Call::post("/v1/waitlist", &join).key(CHECKOUT).at(&on(141))).await.is(201);
    let cup = at(&world, "/v1/insights/demand?sku=CUP", 147).await["items"][0].clone();
    let of = |part: &str, name: &str| cup[part][name].as_f64().unwrap();
    assert_eq!((of("observed", "ordered"), of("observed", "asked")), (60.0, wanted as f64));
    assert_eq!((of("lost", "refused"), of("lost", "waiting")), ((wanted - 60) as f64, 4.0));
    assert!(of("observed", "weeks_out") >= 5.0);
    // Sales fell to nothing, demand did not.
    assert!(of("censored", "naive") < 3.1 && (of("censored", "estimated") - 4.0).abs() < 0.6, "{cup}");
    assert!(of("censored", "lost") > 10.0, "{cup}");
    assert!((of("forecast", "mean") / of("forecast", "weeks") - 4.0).abs() < 0.7, "{cup}");
    assert!(of("forecast", "p90") >= of("forecast", "mean") && of("forecast", "tries") >= 5.0);
    assert!(cup["forecast"]["method"].is_string() && of("forecast", "coverage") >= 0.5, "{cup}");
    world.get("/v1/insights/demand?sku=NOPE").await.fails(422, "invalid");
    let all = at(&world, "/v1/insights/demand?limit=1", 147).await;
    assert!(all["next_cursor"].is_string());
}
