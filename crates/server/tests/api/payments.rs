//! The money of orders: plans, what is due when, what is earned, what goes back.

use serde_json::{Value, json};

use crate::world::{Call, Reply, World, order, world};

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

/// A mug for 15.00, ten of them due on 1 December, paid for by a plan.
async fn shop(payment: Value) -> World {
    let world = world();
    world.with_mug().await;
    let policy = json!({"when_out": "backorder", "payment": payment});
    world.put("/v1/skus/MUG/policies/default", policy).await.is(200);
    world
}

async fn money(world: &World, order: &Value) -> Value {
    let account = world.get(&address(order)).await.is(200);
    // What came is earned, or owed: to the cent.
    let of = |field: &str| account[field]["amount"].as_i64().unwrap();
    assert_eq!(of("captured") - of("refunded"), of("earned") + of("prepaid"), "{account}");
    account
}

fn address(order: &Value) -> String {
    format!("/v1/orders/{}/payments", order["id"].as_str().unwrap())
}

async fn pay(world: &World, order: &Value, body: Value) -> Reply {
    let reply = world.post(&address(order), body).await;
    world.verify();
    reply
}

fn amounts(account: &Value, fields: &[&str]) -> Vec<i64> {
    let amount = |field: &&str| account[*field]["amount"].as_i64().unwrap();
    fields.iter().map(amount).collect()
}

async fn kinds(world: &World) -> Vec<String> {
    let page = world.get("/v1/events?limit=500").await.is(200);
    let kinds =
        page["items"].as_array().unwrap().iter().map(|item| item["kind"].as_str().unwrap().to_owned());
    kinds.filter(|kind| ["charged", "refund_due", "refunded"].contains(&kind.as_str())).collect()
}

#[tokio::test]
async fn a_deposit_is_due_at_once_and_the_rest_when_it_ships() {
    let world =
        shop(json!({"kind": "deposit", "deposit_percent": 30, "balance": "on_ship", "provider": "manual"}))
            .await;
    let due = world.supply("MUG", 10, "2026-12-01").await;
    let placed = world.order("MUG", 4).await;
    let account = money(&world, &placed).await;
    let line = &placed["lines"][0]["id"];
    assert_eq!(
        account["due"],
        json!([{"line": line, "amount": usd(1800), "when": "now"}, {"line": line, "amount": usd(4200), "when": "on_ship"}])
    );
    pay(&world, &placed, json!({"kind": "charge", "amount": usd(1800)})).await.is(201);
    let account = money(&world, &placed).await;
    assert_eq!(
        amounts(&account, &["captured", "earned", "prepaid"]),
        [1800, 0, 1800],
        "unshipped, so unearned"
    );

    world.post(&format!("/v1/supplies/{due}/receipts"), json!({})).await.is(201);
    let none = world.post("/v1/releases", json!({"location": "east"})).await.is(200);
    assert_eq!(none["lines"], json!([]), "nothing is handed over unpaid");
    let shipment = json!({"order": placed["id"]});
    world.post("/v1/shipments", shipment.clone()).await.fails(409, "payment_due");
    pay(&world, &placed, json!({"kind": "charge"})).await.is(201);
    let some = world.post("/v1/releases", json!({"location": "east"})).await.is(201);
    assert_eq!(some["lines"][0]["quantity"], 4);
    world.post("/v1/shipments", shipment).await.is(201);
    let account = money(&world, &placed).await;
    assert_eq!(amounts(&account, &["captured", "earned", "prepaid"]), [6000, 6000, 0]);
    assert_eq!(kinds(&world).await, ["charged", "charged"]);
    world.verify();
}

#[tokio::test]
async fn what_is_charged_on_shipping_is_charged_by_the_units_that_ship() {
    let world = shop(json!({"kind": "charge_on_ship", "provider": "manual"})).await;
    let due = world.supply("MUG", 10, "2026-12-01").await;
    let placed = world.order("MUG", 4).await;
    let asked =
        |account: &Value| account["items"].as_array().unwrap().last().unwrap()["amount"]["amount"].clone();
    let receipts = format!("/v1/supplies/{due}/receipts");
    for (came, price, sums) in [(1, 1500, [1500, 1500, 0]), (2, 3000, [4500, 4500, 0])] {
        world.post(&receipts, json!({"accepted": came})).await.is(201);
        let none = world.post("/v1/releases", json!({"location": "east"})).await.is(200);
        assert_eq!(none["lines"], json!([]), "nothing is handed over unpaid");
        assert_eq!(asked(&money(&world, &placed).await), price, "{came} are here, so {came} are asked for");
        pay(&world, &placed, json!({"kind": "charge"})).await.is(201);
        let some = world.post("/v1/releases", json!({"location": "east"})).await.is(201);
        assert_eq!(some["lines"][0]["quantity"], came);
        world.post("/v1/shipments", json!({"order": placed["id"]})).await.is(201);
        assert_eq!(amounts(&money(&world, &placed).await, &["captured", "earned", "prepaid"]), sums);
    }
    // The last is called off: nobody paid for it, so nothing goes back.
    let id = placed["id"].as_str().unwrap();
    world.post(&format!("/v1/orders/{id}/cancel"), json!({})).await.is(200);
    assert_eq!(amounts(&money(&world, &placed).await, &["captured", "refund_due"]), [4500, 0]);
    world.verify();
}

#[tokio::test]
async fn what_is_paid_and_cancelled_goes_back_and_never_twice() {
    let world = shop(json!({"kind": "full"})).await;
    world.supply("MUG", 10, "2026-12-01").await;
    let placed = world.order("MUG", 4).await;
    pay(&world, &placed, json!({"kind": "record", "amount": usd(6000)})).await.is(201);
    pay(&world, &placed, json!({"kind": "record", "amount": usd(1)})).await.fails(409, "more_than_owed");
    let cancel = json!({"lines": [{"id": placed["lines"][0]["id"], "quantity": 1}]});
    let id = placed["id"].as_str().unwrap();
    world.post(&format!("/v1/orders/{id}/cancel"), cancel).await.is(200);
    let account = money(&world, &placed).await;
    assert_eq!(amounts(&account, &["captured", "refunded", "refund_due", "prepaid"]), [6000, 0, 1500, 6000]);
    assert_eq!(account["refunds"][0]["state"], "pending");
    let events = world.get("/v1/events?limit=500").await.is(200);
    let refund =
        events["items"].as_array().unwrap().iter().find(|item| item["kind"] == "refund_due").unwrap().clone();
    assert_eq!((&refund["data"]["by"], &refund["data"]["amount"]), (&json!("2026-11-30"), &usd(1500)));
    pay(&world, &placed, json!({"kind": "refund", "amount": usd(1600)})).await.fails(409, "more_than_earned");
    pay(&world, &placed, json!({"kind": "refund", "amount": usd(1500)})).await.is(201);
    pay(&world, &placed, json!({"kind": "refund"})).await.fails(409, "more_than_earned");
    let account = money(&world, &placed).await;
    assert_eq!(amounts(&account, &["captured", "refunded", "refund_due", "prepaid"]), [6000, 1500, 0, 4500]);
    assert_eq!(kinds(&world).await, ["charged", "refund_due", "refunded"]);
}

#[tokio::test]
async fn who_does_not_pay_in_time_gives_the_place_to_the_next() {
    let world = shop(json!({"kind": "full"})).await;
    world.supply("MUG", 4, "2026-12-01").await;
    world.supply("MUG", 4, "2026-12-20").await;
    let first = world.order("MUG", 4).await;
    let second = world.order("MUG", 4).await;
    pay(&world, &second, json!({"kind": "charge"})).await.is(201);
    let account = money(&world, &first).await;
    let pay_by = account["items"][0]["pay_by"].as_str().unwrap().to_owned();
    assert_eq!(pay_by, "2026-11-30T14:00:00Z", "seven days");
    let due = |at: &str| Call::post("/v1/test/run-due", &json!({})).at(at);
    world.send(due("2026-11-30T13:59:59Z")).await.is(200);
    assert_eq!(
        world.get(&format!("/v1/orders/{}", first["id"].as_str().unwrap())).await.is(200)["lines"][0]["state"],
        "backordered"
    );
    world.send(due(&pay_by)).await.is(200);
    let gone = world.get(&format!("/v1/orders/{}", first["id"].as_str().unwrap())).await.is(200);
    assert_eq!(gone["lines"][0]["state"], "cancelled");
    let moved = world.get(&format!("/v1/orders/{}", second["id"].as_str().unwrap())).await.is(200);
    assert_ne!(moved["lines"][0]["ship_by"], second["lines"][0]["ship_by"], "the next moves up");
    assert_eq!(amounts(&money(&world, &first).await, &["captured", "prepaid"]), [0, 0]);
    world.verify();
}

#[tokio::test]
async fn what_is_set_aside_is_captured_before_it_runs_out_and_not_beyond() {
    let world = shop(json!({"kind": "authorise"})).await;
    world.stock("MUG", 4).await;
    let placed = world.order("MUG", 2).await;
    let set_aside = json!({"kind": "authorise", "amount": usd(3000)});
    pay(&world, &placed, set_aside.clone()).await.fails(422, "invalid");
    let mut set_aside = set_aside;
    set_aside["capture_before"] = json!("2026-11-30T00:00:00Z");
    pay(&world, &placed, set_aside).await.is(201);
    let account = money(&world, &placed).await;
    assert_eq!(
        (&account["items"][0]["state"], &account["captured"]["amount"]),
        (&json!("authorised"), &json!(0))
    );
    pay(&world, &placed, json!({"kind": "capture", "amount": usd(3001)})).await.fails(409, "over_capture");
    pay(&world, &placed, json!({"kind": "capture", "amount": usd(3000)})).await.is(201);
    world.post("/v1/shipments", json!({"order": placed["id"]})).await.is(201);
    assert_eq!(amounts(&money(&world, &placed).await, &["captured", "earned"]), [3000, 3000]);
    pay(&world, &placed, json!({"kind": "refund", "amount": usd(500)})).await.is(201);
    let account = money(&world, &placed).await;
    assert_eq!(
        amounts(&account, &["refunded", "earned"]),
        [500, 2500],
        "a favour comes out of what was earned"
    );
    pay(&world, &placed, json!({"kind": "refund", "amount": usd(2501)})).await.fails(409, "more_than_earned");
}

#[tokio::test]
async fn an_order_without_a_plan_is_an_invoice_that_can_be_paid() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 4).await;
    let placed = world.order("MUG", 2).await;
    world.get(&address(&placed)).await.fails(404, "not_found");
    world.post("/v1/shipments", json!({"order": placed["id"]})).await.is(201);
    pay(&world, &placed, json!({"kind": "record", "amount": usd(1000)})).await.is(201);
    let account = money(&world, &placed).await;
    assert_eq!(amounts(&account, &["captured", "earned"]), [1000, 1000]);
    assert_eq!(account["due"][0]["amount"], usd(2000));
    assert_eq!(account["due"][0]["when"], "by_invoice");
    world.verify();
}

#[tokio::test]
async fn money_that_makes_no_sense_is_refused_by_its_field() {
    let world = shop(json!({"kind": "full"})).await;
    world.supply("MUG", 10, "2026-12-01").await;
    let placed = world.order("MUG", 1).await;
    for (body, field) in [
        (json!({"kind": "record"}), "/amount required"),
        (json!({"kind": "record", "amount": usd(0)}), "/amount/amount out_of_range"),
        (
            json!({"kind": "record", "amount": {"amount": 5, "currency": "EUR"}}),
            "/amount/currency other_currency",
        ),
        (json!({"kind": "steal", "amount": usd(5)}), "/kind unknown_value"),
        (json!({"kind": "charge", "provider": "paypal"}), "/provider unknown_value"),
        (json!({"kind": "record", "amount": usd(5), "line": "nonsense"}), "/line form"),
    ] {
        let problem = pay(&world, &placed, body.clone()).await.fails(422, "invalid");
        let named = &problem["errors"][0];
        let named = format!("{} {}", named["pointer"].as_str().unwrap(), named["code"].as_str().unwrap());
        assert_eq!(named, field, "{body}");
    }
    world.put("/v1/skus/MUG", json!({"title": "Mug"})).await.is(200);
    let problem = world.post("/v1/orders", order("MUG", 1)).await.fails(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/lines/0/unit_price");
    let none = Call::post(&address(&placed), &json!({"kind": "charge"}))
        .key(crate::world::STRANGER)
        .with("idempotency-key", "k");
    world.send(none).await.fails(404, "not_found");
}

#[tokio::test]
async fn a_balance_some_days_before_shipping_moves_with_the_promise() {
    let plan = json!({"kind": "deposit", "deposit_amount": usd(500), "balance": "days_before"});
    let world = shop(plan).await;
    let due = world.supply("MUG", 10, "2027-01-10").await;
    let placed = world.order("MUG", 1).await;
    pay(&world, &placed, json!({"kind": "charge"})).await.is(201);
    let on = |account: Value| account["due"][0]["on"].as_str().unwrap().to_owned();
    let before = on(money(&world, &placed).await);
    world.patch(&format!("/v1/supplies/{due}"), json!({"expected_on": "2027-01-24"})).await.is(200);
    let after = on(money(&world, &placed).await);
    assert!(after > before, "{before} to {after}");
    world.verify();
}

/// Scenario 32: the shipping is quoted by the address when the wave nears, and collected before the goods are handed over.
#[tokio::test]
async fn shipping_that_is_charged_late_is_paid_before_the_goods_go() {
    let world = shop(json!({"kind": "full", "provider": "manual"})).await;
    let east = json!({"name": "East", "time_zone": "America/New_York", "handling_days": 1, "transit": [
        {"country": "US", "service": "standard", "days_min": 2, "days_max": 4, "price": usd(700)},
        {"country": "*", "service": "standard", "days_min": 7, "days_max": 9, "price": usd(2400)}]});
    world.put("/v1/locations/east", east).await.is(200);
    world.stock("MUG", 9).await;
    let placed = world.order("MUG", 2).await;
    pay(&world, &placed, json!({"kind": "charge"})).await.is(201);
    let path = format!("/v1/orders/{}/shipping", placed["id"].as_str().unwrap());
    let asked = world.post(&path, json!({})).await.is(201);
    assert_eq!(asked["due"][0]["amount"], usd(700), "to the order's country");
    let again = world.post(&path, json!({})).await.is(201);
    assert_eq!(again["items"], asked["items"], "asked twice it is asked once");
    let none = world.post("/v1/releases", json!({"location": "east"})).await.is(200);
    assert_eq!(none["lines"], json!([]), "the goods are paid, the shipping is not");
    world.post("/v1/shipments", json!({"order": placed["id"]})).await.fails(409, "payment_due");
    // Another price: the old fee is called off.
    let dearer = world.post(&path, json!({"amount": usd(900)})).await.is(201);
    assert_eq!((dearer["due"].as_array().unwrap().len(), &dearer["due"][0]["amount"]), (1, &usd(900)));
    pay(&world, &placed, json!({"kind": "charge"})).await.is(201);
    assert_eq!(
        world.post("/v1/releases", json!({"location": "east"})).await.is(201)["lines"][0]["quantity"],
        2
    );
    world.post(&path, json!({})).await.fails(409, "released");
    world.post("/v1/shipments", json!({"order": placed["id"]})).await.is(201);
    assert_eq!(amounts(&money(&world, &placed).await, &["captured", "earned", "prepaid"]), [3900, 3900, 0]);
    world.verify();

    // Called off with the order, it goes back; not paid in time, the order gives its place to others.
    let other = world.order("MUG", 1).await;
    pay(&world, &other, json!({"kind": "charge"})).await.is(201);
    let path = format!("/v1/orders/{}", other["id"].as_str().unwrap());
    world.post(&format!("{path}/shipping"), json!({})).await.is(201);
    pay(&world, &other, json!({"kind": "charge"})).await.is(201);
    world.post(&format!("{path}/cancel"), json!({})).await.is(200);
    assert_eq!(amounts(&money(&world, &other).await, &["captured", "refund_due"]), [2200, 2200]);
    let third = world.order("MUG", 1).await;
    pay(&world, &third, json!({"kind": "charge"})).await.is(201);
    let path = format!("/v1/orders/{}", third["id"].as_str().unwrap());
    world.post(&format!("{path}/shipping"), json!({})).await.is(201);
    world.send(Call::post("/v1/test/run-due", &json!({})).at("2026-11-30T14:00:00Z")).await.is(200);
    assert_eq!(world.get(&path).await.is(200)["state"], "cancelled");
    assert_eq!(amounts(&money(&world, &third).await, &["captured", "refund_due"]), [1500, 1500]);
    world.verify();
    let invoice = world.post("/v1/orders/ord_01920000000070008000000000000002/shipping", json!({})).await;
    invoice.fails(404, "not_found");
}
