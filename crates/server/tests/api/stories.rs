//! What merchants live through, from end to end.

use std::sync::Arc;

use serde_json::json;

use crate::world::{CHECKOUT, Call, order, world};

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_shoppers_share_a_hundred_on_hand_and_a_cap_of_fifty() {
    let world = Arc::new(world());
    world.with_mug().await;
    let policy = json!({"when_out": "backorder", "backorder_cap": 50});
    world.put("/v1/skus/MUG/policies/default", policy).await.is(200);
    world.stock("MUG", 100).await;
    world.supply("MUG", 500, "2026-12-14").await;
    let shoppers: Vec<_> = (0..400)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.post("/v1/orders", order("MUG", 1)).await })
        })
        .collect();
    let (mut accepted, mut refused) = (0, 0);
    for shopper in shoppers {
        let reply = shopper.await.unwrap();
        match reply.status.as_u16() {
            201 => accepted += 1,
            _ => {
                let problem = reply.fails(409, "cap_reached");
                assert_eq!(
                    (&problem["line"], &problem["sku"], &problem["available"]),
                    (&json!(1), &json!("MUG"), &json!(0))
                );
                refused += 1;
            }
        }
    }
    assert_eq!((accepted, refused), (150, 250));
    let seen = world.get("/v1/availability?sku=MUG").await.is(200);
    assert_eq!((&seen["available_now"], &seen["available_later"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn three_on_hand_eight_ordered() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 3).await;
    let supply = world.supply("MUG", 10, "2026-12-01").await;
    let placed = world.order("MUG", 8).await;
    let line = &placed["lines"][0];
    assert_eq!(line["state"], "partly_allocated");
    let parts = line["parts"].as_array().unwrap();
    let brief: Vec<_> = parts
        .iter()
        .map(|part| (part["quantity"].as_i64().unwrap(), part["state"].as_str().unwrap()))
        .collect();
    assert_eq!(brief, [(3, "allocated"), (5, "backordered")]);
    // Today before the cut-off, one day of handling.
    assert_eq!(parts[0]["ship_by"], json!({"expected": "2026-11-24", "promised": "2026-11-24"}));
    assert_eq!(parts[1]["supply"], json!(supply));
    // Tuesday 1 December and one day; with three days of buffer Friday, and one working day.
    assert_eq!(parts[1]["ship_by"], json!({"expected": "2026-12-02", "promised": "2026-12-07"}));
    // Two to four days of transit: half of the span, and all of it.
    assert_eq!(parts[1]["deliver_by"], json!({"expected": "2026-12-07", "promised": "2026-12-11"}));
    assert!(placed["status_url"].as_str().unwrap().starts_with("http://shop.test/o/"));

    let received = world
        .post(&format!("/v1/supplies/{supply}/receipts"), json!({"accepted": 10, "damaged": 0}))
        .await
        .is(201);
    assert_eq!((&received["allocated"], &received["still_due"]), (&json!(5), &json!(0)));
    assert_eq!(received["lines"][0]["order"], placed["id"]);
    let now = world.get(&format!("/v1/orders/{}", placed["id"].as_str().unwrap())).await.is(200);
    assert_eq!(now["state"], "allocated");
    assert_eq!(now["customer"], json!({"email": "ada@example.com", "country": "US"}));
}

#[tokio::test]
async fn a_late_supply_moves_dates_and_leaves_what_was_told() {
    let world = world();
    world.with_mug().await;
    let supply = world.supply("MUG", 10, "2026-12-01").await;
    let placed = world.order("MUG", 2).await;
    let told = placed["lines"][0]["told"].clone();
    assert_eq!(told["ship_by"], json!({"expected": "2026-12-02", "promised": "2026-12-07"}));

    let slipped =
        world.patch(&format!("/v1/supplies/{supply}"), json!({"expected_on": "2026-12-15"})).await.is(200);
    assert!(slipped["run"].as_str().unwrap().starts_with("run_"), "{slipped}");
    let address = format!("/v1/orders/{}", placed["id"].as_str().unwrap());
    let line = world.get(&address).await.is(200)["lines"][0].clone();
    assert_eq!(line["ship_by"], json!({"expected": "2026-12-16", "promised": "2026-12-21"}));
    assert_eq!(line["told"], told);

    let promises = world.get(&format!("{address}/promises")).await.is(200);
    let promises = promises["items"].as_array().unwrap();
    assert_eq!(promises.len(), 2);
    assert_eq!((&promises[0]["version"], &promises[0]["ship_by"]), (&json!(1), &told["ship_by"]));
    assert_eq!((&promises[1]["version"], &promises[1]["ship_by"]), (&json!(2), &line["ship_by"]));
    assert_eq!(promises[1]["cause"], json!({"kind": "supply_changed", "supply": supply}));
    assert_eq!(promises[1]["told_at"], json!(null));
}

#[tokio::test]
async fn a_hold_keeps_units_until_its_time_is_over() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 5).await;
    let hold = world
        .post("/v1/holds", json!({"lines": [{"sku": "MUG", "quantity": 5}], "ttl_seconds": 600}))
        .await
        .is(201);
    assert_eq!(hold["expires_at"], "2026-11-23T14:10:00Z");
    assert_eq!(hold["lines"][0]["state"], "allocated");
    let available = |at: &'static str| {
        let world = &world;
        async move {
            world.send(Call::get("/v1/availability?sku=MUG").at(at)).await.is(200)["available_now"].clone()
        }
    };
    assert_eq!(available("2026-11-23T14:05:00Z").await, 0);
    world.post("/v1/orders", order("MUG", 1)).await.fails(409, "not_available");

    let run_due = |at: &'static str| Call::new("POST", "/v1/test/run-due").at(at);
    assert_eq!(world.send(run_due("2026-11-23T14:09:59Z")).await.is(200)["timers"], 0);
    assert_eq!(world.send(run_due("2026-11-23T14:10:00Z")).await.is(200)["timers"], 1);
    assert_eq!(available("2026-11-23T14:10:00Z").await, 5);
    let address = format!("/v1/holds/{}", hold["id"].as_str().unwrap());
    world.get(&address).await.fails(404, "not_found");
    let mut late = order("MUG", 1);
    late["hold"] = hold["id"].clone();
    world.post("/v1/orders", late).await.fails(409, "hold_expired");
    let events = world.get("/v1/events?limit=500").await.is(200);
    assert!(events["items"].as_array().unwrap().iter().any(|event| event["kind"] == "hold_expired"));
}

/// Scenario 21: stock that lies in one's own cart alone is no reason to be put on a waitlist.
#[tokio::test]
async fn what_a_shoppers_own_cart_holds_is_there_for_them() {
    let world = world();
    world.with_mug().await;
    world.put("/v1/skus/MUG/policies/default", json!({"when_out": "waitlist"})).await.is(200);
    world.stock("MUG", 2).await;
    let hold = world.post("/v1/holds", json!({"lines": [{"sku": "MUG", "quantity": 2}]})).await.is(201);
    let address = format!("/v1/availability?sku=MUG&hold={}", hold["id"].as_str().unwrap());
    let state = |address: String| {
        let world = &world;
        async move {
            let seen = world.get(&address).await.is(200);
            (seen["state"].clone(), seen["available_now"].clone())
        }
    };
    assert_eq!(state("/v1/availability?sku=MUG".into()).await, (json!("waitlist"), json!(0)));
    assert_eq!(state(address.clone()).await, (json!("in_stock"), json!(2)));
    assert_eq!(state("/v1/availability?sku=MUG".into()).await, (json!("waitlist"), json!(0)), "others");
    let asked = world.send(Call::get(&address).key(CHECKOUT)).await.is(200);
    assert_eq!(asked["state"], "waitlist", "what another key holds is nobody's business");
    world.get("/v1/availability?sku=MUG&hold=7").await.fails(404, "not_found");

    world.send(Call::new("DELETE", &format!("/v1/holds/{}", hold["id"].as_str().unwrap()))).await.is(204);
    assert_eq!(state(address).await, (json!("in_stock"), json!(2)), "a hold that is over counts as none");
}

/// Scenario 36: who may backorder, and how many.
#[tokio::test]
async fn what_only_wholesale_may_backorder_is_a_waitlist_for_others_who_are_told_why() {
    let world = world();
    world.with_mug().await;
    let policy = json!({"when_out": "backorder", "customer_groups": ["wholesale"], "customer_limit": 2});
    world.put("/v1/skus/MUG/policies/default", policy).await.is(200);
    world.supply("MUG", 10, "2026-12-01").await;
    let seen = world.get("/v1/availability?sku=MUG").await.is(200);
    assert_eq!((&seen["state"], &seen["reason_code"]), (&json!("waitlist"), &json!("not_available")));
    let problem = world.post("/v1/orders", order("MUG", 1)).await.fails(409, "not_available");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("other groups of customers"), "{detail}");

    let seen = world.get("/v1/availability?sku=MUG&customer_group=wholesale").await.is(200);
    assert_eq!(seen["state"], "backorder");
    let dealer = |quantity: i64, email: &str| {
        let mut wish = order("MUG", quantity);
        wish["customer"] = json!({"email": email, "group": "wholesale"});
        wish
    };
    world.post("/v1/orders", dealer(2, "dealer@example.com")).await.is(201);
    world.post("/v1/orders", dealer(1, "Dealer@example.com")).await.fails(409, "customer_limit");
}

#[tokio::test]
async fn an_order_takes_its_hold_over_and_a_hold_can_be_given_up() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 5).await;
    let lines = json!({"lines": [{"sku": "MUG", "quantity": 5}]});
    let hold = world.post("/v1/holds", lines.clone()).await.is(201);
    let address = format!("/v1/holds/{}", hold["id"].as_str().unwrap());
    assert_eq!(world.get(&address).await.is(200), hold);
    let mut taken = order("MUG", 5);
    taken["hold"] = hold["id"].clone();
    assert_eq!(world.post("/v1/orders", taken).await.is(201)["state"], "allocated");
    world.get(&address).await.fails(404, "not_found");
    world.send(Call::new("DELETE", &address)).await.fails(404, "not_found");

    world.stock("MUG", 5).await;
    let hold = world.post("/v1/holds", lines).await.is(201);
    let address = format!("/v1/holds/{}", hold["id"].as_str().unwrap());
    world.send(Call::new("DELETE", &address)).await.is(204);
    assert_eq!(world.get("/v1/availability?sku=MUG").await.is(200)["available_now"], 5);
}

#[tokio::test]
async fn what_is_called_off_goes_to_the_next_in_line() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 2).await;
    world.supply("MUG", 10, "2026-12-01").await;
    let first = world.order("MUG", 2).await;
    let second = world.order("MUG", 1).await;
    assert_eq!(second["state"], "backordered");
    let address = format!("/v1/orders/{}/cancel", first["id"].as_str().unwrap());
    let line = first["lines"][0]["id"].clone();
    let cut = world
        .post(&address, json!({"lines": [{"id": line, "quantity": 1}], "reason": "changed my mind"}))
        .await
        .is(200);
    assert_eq!((&cut["lines"][0]["open"], &cut["lines"][0]["cancelled"]), (&json!(1), &json!(1)));
    let second = world.get(&format!("/v1/orders/{}", second["id"].as_str().unwrap())).await.is(200);
    assert_eq!(second["state"], "allocated");
    // No body at all calls off the rest.
    let gone = world.send(Call::new("POST", &address)).await.is(200);
    assert_eq!(gone["state"], "cancelled");
    world.send(Call::new("POST", &address)).await.fails(409, "already_cancelled");
}

#[tokio::test]
async fn a_supply_that_will_not_come_leaves_its_promises_without_a_date() {
    let world = world();
    world.with_mug().await;
    let supply = world.supply("MUG", 10, "2026-12-01").await;
    let placed = world.order("MUG", 4).await;
    let called_off = world.send(Call::new("POST", &format!("/v1/supplies/{supply}/cancel"))).await.is(200);
    assert!(called_off["run"].is_string());
    let line =
        &world.get(&format!("/v1/orders/{}", placed["id"].as_str().unwrap())).await.is(200)["lines"][0];
    assert_eq!(line["ship_by"], json!({"expected": null, "promised": null}));
    assert_eq!(line["told"], placed["lines"][0]["told"]);
    world.post(&format!("/v1/supplies/{supply}/receipts"), json!({})).await.fails(409, "supply_closed");
}

#[tokio::test]
async fn a_customer_gets_no_more_than_the_limit_whatever_the_case_of_the_address() {
    let world = world();
    world.with_mug().await;
    world
        .put("/v1/skus/MUG/policies/default", json!({"when_out": "backorder", "customer_limit": 3}))
        .await
        .is(200);
    world.stock("MUG", 50).await;
    world.order("MUG", 2).await;
    let mut again = order("MUG", 2);
    again["customer"]["email"] = json!("ADA@Example.com");
    let problem = world.post("/v1/orders", again).await.fails(409, "customer_limit");
    assert_eq!(problem["available"], 1);
    let mut other = order("MUG", 2);
    other["customer"]["email"] = json!("bob@example.com");
    world.post("/v1/orders", other).await.is(201);
}

#[tokio::test]
async fn part_of_an_order_is_taken_where_part_will_do() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 3).await;
    let mut some = order("MUG", 8);
    let problem = world.post("/v1/orders", some.clone()).await.fails(409, "not_available");
    assert_eq!(problem["available"], 3);
    some["accept"] = json!("partial");
    let placed = world.post("/v1/orders", some).await.is(201);
    assert_eq!(placed["lines"][0]["quantity"], 3);
    assert_eq!(
        (&placed["refused"][0]["quantity"], &placed["refused"][0]["code"]),
        (&json!(5), &json!("not_available"))
    );
}

#[tokio::test]
async fn a_kit_waits_for_its_latest_component() {
    let world = world();
    world.with_mug().await;
    world.put("/v1/skus/SPOON", json!({})).await.is(201);
    world.put("/v1/skus/SPOON/policies/default", json!({"when_out": "backorder"})).await.is(201);
    let kit = json!({"components": [{"sku": "MUG", "quantity": 1}, {"sku": "SPOON", "quantity": 2}]});
    world.put("/v1/skus/SET", kit).await.is(201);
    world.put("/v1/skus/SET/policies/default", json!({"when_out": "backorder"})).await.is(201);
    world.stock("MUG", 10).await;
    world.supply("SPOON", 10, "2026-12-01").await;
    let line = &world.order("SET", 2).await["lines"][0];
    assert_eq!(line["state"], "backordered");
    assert_eq!(line["parts"][0]["ship_by"]["promised"], "2026-12-07");
    let components = line["components"].as_array().unwrap();
    assert_eq!(
        (&components[0]["sku"], &components[0]["parts"][0]["state"]),
        (&json!("MUG"), &json!("allocated"))
    );
    assert_eq!((&components[1]["sku"], &components[1]["parts"][0]["quantity"]), (&json!("SPOON"), &json!(4)));
}
