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

#[tokio::test]
async fn an_order_is_drafted_printed_and_mailed_to_its_supplier_once() {
    let world = shop().await;
    let at = |call: Call| call.at("2026-12-22T12:00:00Z");
    // A supplier that is closed over the holidays and takes orders on Mondays and Thursdays.
    let pine = json!({"email": "orders@pine.example", "contact": "Ada", "order_days": [4, 1],
        "closed": [{"from": "2026-12-24", "to": "2027-01-03"}]});
    world.put("/v1/suppliers/Pine", pine.clone()).await.is(200);
    let kept = world.get("/v1/suppliers/Pine").await.is(200);
    assert_eq!((&kept["order_days"], &kept["email"]), (&json!([1, 4]), &pine["email"]));
    assert!(
        !world.get("/v1/events?limit=500").await.is(200).to_string().contains("pine.example"),
        "not in the ledger"
    );
    let due = world.send(at(Call::get("/v1/purchasing"))).await.is(200)["items"][0].clone();
    let quantity = due["order"]["quantity"].as_i64().unwrap();
    assert!(quantity > 0, "{due}");
    assert_eq!((&due["order"]["order_on"], &due["order"]["is_due"]), (&json!("2027-01-04"), &json!(true)));
    let draft = Call::post("/v1/purchase-orders", &json!({"supplier": "Pine", "note": "Gate 4, please"}));
    let draft = at(draft);
    let order = world.send(draft.clone()).await.is(201);
    assert_eq!((&order["state"], &order["expected_on"]), (&json!("draft"), &due["order"]["expected_on"]));
    assert_eq!(order["lines"][0]["quantity"], quantity);
    assert_eq!(
        order["total"]["amount"],
        quantity * order["lines"][0]["unit_cost"]["amount"].as_i64().unwrap()
    );
    let again = world.send(draft).await;
    assert!(again.is_replayed());
    assert_eq!(again.is(201), order);
    let id = order["id"].as_str().unwrap();
    let pdf = world.send(Call::get(&format!("/v1/purchase-orders/{id}?format=pdf"))).await;
    assert!(pdf.bytes.starts_with(b"%PDF-") && pdf.header("content-disposition").contains(".pdf"));
    let has = |text: &str| pdf.bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("(MUG)") && has("(To: Pine)") && has("(Gate 4, please)"));
    let csv = world.send(Call::get(&format!("/v1/purchase-orders/{id}?format=csv"))).await;
    let text = String::from_utf8(csv.bytes.to_vec()).unwrap();
    assert!(text.lines().nth(1).unwrap().contains(&format!(",MUG,'=Mug,{quantity},")), "{text}");
    for _ in 0..2 {
        let sent =
            world.send(at(Call::post(&format!("/v1/purchase-orders/{id}/send"), &json!({})))).await.is(200);
        assert_eq!(sent["state"], "sent");
        world.send(at(Call::post("/v1/test/run-due", &json!({})))).await.is(200);
    }
    let mails = world.mails();
    let mine: Vec<_> =
        mails.iter().filter(|mail| mail.subject.starts_with("Purchase order PO-20261222-")).collect();
    assert_eq!(mine.len(), 1, "{mails:?}");
    assert!(
        mine[0].text.contains("Hello Ada,") && mine[0].text.contains(&format!("{quantity} × =Mug (MUG)"))
    );
    let listed = world.get("/v1/purchase-orders?supplier=Pine&state=sent").await.is(200);
    assert_eq!(listed["items"][0]["id"], id);
    world.verify();
}

#[tokio::test]
async fn an_order_that_cannot_be_is_refused_by_name() {
    let world = shop().await;
    world.put("/v1/skus/GIFT", json!({"title": "Gift", "supplier": "Oak"})).await.is(201);
    let post = |body: Value| Call::post("/v1/purchase-orders", &body).at("2026-12-22T12:00:00Z");
    world.send(post(json!({"supplier": "Oak"}))).await.fails(409, "nothing_to_order");
    for body in [
        json!({"supplier": " "}),
        json!({"supplier": "Pine", "lines": []}),
        json!({"supplier": "Pine", "lines": [{"sku": "MUG", "quantity": 0}]}),
        json!({"supplier": "Pine", "lines": [{"sku": "GIFT", "quantity": 1}]}),
        json!({"supplier": "Pine", "lines": [{"sku": "NOPE", "quantity": 1}]}),
        json!({"supplier": "Pine", "lines": [{"sku": "MUG", "quantity": 1}, {"sku": "MUG", "quantity": 2}]}),
        json!({"supplier": "Pine", "lines": [{"sku": "MUG", "quantity": 1}], "cash_max": 5}),
    ] {
        world.send(post(body)).await.fails(422, "invalid");
    }
    for bad in [
        json!({"order_days": [0]}),
        json!({"closed": [{"from": "2026-12-24", "to": "2026-12-20"}]}),
        json!({"email": "nobody"}),
        json!({"contact": "Ada"}),
    ] {
        world.put("/v1/suppliers/Pine", bad).await.fails(422, "invalid");
    }
    world.put("/v1/suppliers/Pine", json!({"order_least": 1_000_000})).await.is(200);
    let small = json!({"supplier": "Pine", "lines": [{"sku": "MUG", "quantity": 2}]});
    world.send(post(small.clone())).await.fails(409, "order_least");
    world.put("/v1/suppliers/Pine", json!({})).await.is(200);
    let order = world.send(post(small)).await.is(201);
    let send = format!("/v1/purchase-orders/{}/send", order["id"].as_str().unwrap());
    world.post(&send, json!({})).await.fails(409, "no_address");
    world.post("/v1/purchase-orders/por_none/send", json!({})).await.fails(404, "not_found");
    // A full shelf leaves no room for an order.
    world.put("/v1/skus/MUG/purchasing", json!({"shelf_max": 1})).await.is(200);
    let found = world.send(Call::get("/v1/purchasing?all=true").at("2026-12-22T12:00:00Z")).await.is(200);
    let mug = found["items"].as_array().unwrap().iter().find(|item| item["sku"] == "MUG").unwrap();
    assert!(mug["order"]["quantity"].as_i64().unwrap() <= 1, "{mug}");
}

#[tokio::test]
async fn a_sent_order_is_due_once_is_promised_from_and_is_due_no_more_when_it_is_called_off() {
    let world = shop().await;
    let at = |call: Call| call.at("2026-12-22T12:00:00Z");
    let lines = json!([{"sku": "MUG", "quantity": 40}]);
    let draft = Call::post("/v1/purchase-orders", &json!({"supplier": "Pine", "lines": lines}));
    let order = world.send(at(draft)).await.is(201);
    let id = order["id"].as_str().unwrap();
    let supplies = || async {
        let found = world.get("/v1/supplies?sku=MUG").await.is(200);
        found["items"].as_array().unwrap().iter().filter(|supply| supply["quantity"] == 40).count()
    };
    assert_eq!((supplies().await, &order["lines"][0]["supply"]), (0, &json!(null)));
    let send = |body: Value| at(Call::post(&format!("/v1/purchase-orders/{id}/send"), &body));
    world.send(send(json!({"mail": false, "location": "nowhere"}))).await.fails(422, "invalid");
    assert_eq!(
        (supplies().await, world.get(&format!("/v1/purchase-orders/{id}")).await.is(200)),
        (0, order.clone())
    );
    // However often it is sent: one supply, of which an order can be promised.
    let mut sent = Value::Null;
    for _ in 0..3 {
        sent = world.send(send(json!({"mail": false, "location": "east"}))).await.is(200);
    }
    assert_eq!((&sent["state"], &sent["location"], supplies().await), (&json!("sent"), &json!("east"), 1));
    let supply = sent["lines"][0]["supply"].as_str().unwrap();
    let found = world.get(&format!("/v1/supplies/{supply}")).await.is(200);
    assert_eq!((&found["kind"], &found["reference"]), (&json!("purchase_order"), &order["number"]));
    assert_eq!((&found["expected_on"], &found["supplier"]), (&order["expected_on"], &json!("Pine")));
    let mug = world.send(at(Call::get("/v1/availability?sku=MUG"))).await.is(200);
    assert!(mug["available_later"].as_i64().unwrap() >= 40, "{mug}");
    // Called off: due no more, once, and not to be sent again.
    let cancel = || at(Call::post(&format!("/v1/purchase-orders/{id}/cancel"), &json!({})));
    let off = world.send(cancel()).await.is(200);
    assert_eq!((&off["state"], supplies().await), (&json!("cancelled"), 0));
    world.send(cancel()).await.fails(409, "already_cancelled");
    world.send(send(json!({"mail": false, "location": "east"}))).await.fails(409, "already_cancelled");
    world.post("/v1/purchase-orders/por_none/cancel", json!({})).await.fails(404, "not_found");
    let gone = world.get("/v1/purchase-orders?state=cancelled").await.is(200);
    assert_eq!(gone["items"][0]["id"], id);
    world.verify();
}

#[tokio::test]
async fn what_came_of_an_order_stays_and_a_mail_that_has_not_left_does_not_leave() {
    let world = shop().await;
    let at = |call: Call| call.at("2026-12-22T12:00:00Z");
    world
        .put(
            "/v1/skus/CUP",
            json!({"title": "Cup", "supplier": "Pine",
        "unit_cost": {"amount": 300, "currency": "USD"}}),
        )
        .await
        .is(201);
    world.put("/v1/suppliers/Pine", json!({"email": "orders@pine.example"})).await.is(200);
    let lines = json!([{"sku": "MUG", "quantity": 9}, {"sku": "CUP", "quantity": 7}]);
    let draft = Call::post("/v1/purchase-orders", &json!({"supplier": "Pine", "lines": lines}));
    let order = world.send(at(draft)).await.is(201);
    let path = format!("/v1/purchase-orders/{}", order["id"].as_str().unwrap());
    let to = json!({"location": "east"});
    let sent = world.send(at(Call::post(&format!("{path}/send"), &to))).await.is(200);
    let of = |n: usize| sent["lines"][n]["supply"].as_str().unwrap().to_owned();
    let receipt = Call::post(&format!("/v1/supplies/{}/receipts", of(0)), &json!({"accepted": 9}));
    world.send(at(receipt)).await.is(201);
    world.send(at(Call::post(&format!("{path}/cancel"), &json!({})))).await.is(200);
    world.send(at(Call::post("/v1/test/run-due", &json!({})))).await.is(200);
    assert!(world.mails().iter().all(|mail| !mail.subject.starts_with("Purchase order")));
    let cup = world.get(&format!("/v1/supplies/{}", of(1))).await.is(200);
    assert_ne!(cup["state"], "due", "{cup}");
    let on_hand = world.get("/v1/availability?sku=MUG").await.is(200)["available_now"].as_i64().unwrap();
    assert!(on_hand >= 9, "{on_hand}");
    // All of it came: nothing is left to call off.
    let draft = json!({"supplier": "Pine", "lines": [{"sku": "CUP", "quantity": 2}]});
    let order = world.send(at(Call::post("/v1/purchase-orders", &draft))).await.is(201);
    let path = format!("/v1/purchase-orders/{}", order["id"].as_str().unwrap());
    let sent = world.send(at(Call::post(&format!("{path}/send"), &to))).await.is(200);
    let supply = sent["lines"][0]["supply"].as_str().unwrap();
    let receipt = Call::post(&format!("/v1/supplies/{supply}/receipts"), &json!({"accepted": 2}));
    world.send(at(receipt)).await.is(201);
    world.send(at(Call::post(&format!("{path}/cancel"), &json!({})))).await.fails(409, "already_received");
    world.verify();
}
