//! What customers do themselves on their order's page, and what they are shown and sent about their money.

use serde_json::{Value, json};

use crate::{
    provider::Till,
    world::{Call, World, order, world},
};

/// The path of an order's page.
pub(crate) fn page(order: &Value) -> String {
    order["status_url"].as_str().unwrap().trim_start_matches("http://shop.test").to_owned()
}

fn path(order: &Value) -> String {
    format!("/v1/orders/{}", order["id"].as_str().unwrap())
}

async fn run_due(world: &World, now: &str) {
    world.send(Call::post("/v1/test/run-due", &json!({})).at(now)).await.is(200);
}

#[tokio::test]
async fn an_address_can_change_until_somebody_packs() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 3).await;
    let mut body = order("MUG", 2);
    body["customer"]["name"] = json!("Ada Lovelace");
    body["customer"]["address"] = json!("12 St James's Square\nLondon");
    let placed = world.post("/v1/orders", body).await.is(201);
    let own = page(&placed);
    let customer = || async { world.get(&path(&placed)).await.is(200)["customer"].clone() };
    assert_eq!(customer().await["address"], "12 St James's Square\nLondon");
    world.page(&own).await.says("Change the address");
    let moved = "name=Ada+King&address=Ockham+Park%0D%0ASurrey&postcode=GU23";
    let sent = world.form(&format!("{own}/address"), moved).await;
    assert_eq!((sent.status.as_u16(), sent.header("location")), (303, &*format!("{own}?moved=1")));
    let now = customer().await;
    assert_eq!(
        (&now["name"], &now["address"], &now["postcode"]),
        (&json!("Ada King"), &json!("Ockham Park\nSurrey"), &json!("GU23"))
    );
    world.form(&format!("{own}/address"), "name=&address=").await.says("Please fill in the address");
    let shown = String::from_utf8_lossy(&world.page(&own).await.bytes).into_owned();
    assert!(
        !shown.contains("Ockham") && !shown.contains("GU23"),
        "whoever has the link does not see where somebody lives"
    );
    // Staff may as well; another country is another order.
    world.patch(&path(&placed), json!({"address": "Horsley Towers"})).await.is(200);
    let abroad = json!({"country": "FR", "address": "1 Rue du Four"});
    let refused = world.patch(&path(&placed), abroad).await.fails(422, "invalid");
    assert_eq!(
        (&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]),
        (&json!("/country"), &json!("country_stays"))
    );
    assert!(refused["errors"][0]["detail"].as_str().unwrap().contains("cancel it and place another"));
    assert_eq!(
        (customer().await["country"].clone(), customer().await["address"].clone()),
        (json!("US"), json!("Horsley Towers")),
        "nothing of it is done"
    );
    world.patch(&path(&placed), json!({})).await.fails(422, "invalid");
    world.verify();
    // The ledger says that it changed and not to what.
    let ledger = world.get("/v1/events?limit=500").await.is(200).to_string();
    assert!(
        ledger.contains("\"changed\":\"address\"") && !ledger.contains("Ockham") && !ledger.contains("King")
    );
    world.post("/v1/releases", json!({"location": "east"})).await.is(201);
    let late = world.form(&format!("{own}/address"), moved).await;
    assert_eq!(late.status.as_u16(), 409);
    late.says("being packed right now");
    world.patch(&path(&placed), json!({"address": "Elsewhere"})).await.fails(409, "released");
    assert_eq!(customer().await["address"], "Horsley Towers");
    // All of it goes with the name.
    world.post("/v1/privacy/erase", json!({"email": "ada@example.com"})).await.is(200);
    assert_eq!(customer().await, json!({"country": "US"}));
}

#[tokio::test]
async fn what_is_ready_can_be_sent_now() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 2).await;
    world.supply("MUG", 10, "2026-12-10").await;
    let mut body = order("MUG", 2);
    body["ship"] = json!("complete");
    body["lines"].as_array_mut().unwrap().push(json!({"sku": "MUG", "quantity": 3}));
    let placed = world.post("/v1/orders", body).await.is(201);
    let own = page(&placed);
    let none = world.post("/v1/releases", json!({"location": "east"})).await.is(200);
    assert_eq!(none["lines"], json!([]), "all of it waits for the last");
    world.page(&own).await.says("Send what is ready now");
    world.page(&own).await.says("Everything is sent together");
    let sent = world.form(&format!("{own}/ship"), "").await;
    assert_eq!(sent.header("location"), format!("{own}?parted=1"));
    let some = world.post("/v1/releases", json!({"location": "east"})).await.is(201);
    assert_eq!(some["lines"][0]["quantity"], 2);
    let after = world.page(&own).await;
    assert!(!String::from_utf8_lossy(&after.bytes).contains("Send what is ready now"));
    world.verify();
}

#[tokio::test]
async fn a_consumer_in_the_union_withdraws_with_two_clicks_and_has_a_receipt_with_the_time() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 1).await;
    world.supply("MUG", 10, "2026-12-10").await;
    let placed_in = |country: &str| {
        let mut body = order("MUG", 3);
        body["customer"]["country"] = json!(country);
        body["customer"]["locale"] = json!("de");
        body
    };
    let placed = world.post("/v1/orders", placed_in("DE")).await.is(201);
    let own = page(&placed);
    world.post("/v1/shipments", json!({"order": placed["id"]})).await.is(201);
    let shown = world.page(&own).await;
    shown.says("Withdraw from contract here");
    shown.says("Confirm withdrawal");
    // Looking at it, however often, does nothing.
    world.page(&format!("{own}/withdraw")).await;
    assert_eq!(world.get(&path(&placed)).await.is(200)["lines"][0]["cancelled"], 0);
    let sure = world.form(&format!("{own}/withdraw"), "sure=yes").await;
    assert_eq!(sure.header("location"), format!("{own}?withdrawn=1"));
    let line = world.get(&path(&placed)).await.is(200)["lines"][0].clone();
    assert_eq!((&line["cancelled"], &line["shipped"]), (&json!(2), &json!(1)));
    // The one that left comes back, and its money within fourteen days.
    let owed = world.get("/v1/obligations?kind=refund").await.is(200);
    let back: Vec<(i64, &Value)> = owed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["amount"]["amount"].as_i64().unwrap(), &item["due_by"]))
        .collect();
    assert_eq!(back.iter().map(|(amount, _)| amount).sum::<i64>(), 4500, "{owed}");
    assert!(back.iter().all(|(_, by)| **by == json!("2026-12-07")), "{owed}");
    run_due(&world, "2026-11-23T14:00:00Z").await;
    let mails = world.mails();
    assert_eq!(mails.len(), 1);
    assert!(
        mails[0].subject.contains("Widerruf") && mails[0].text.contains("2026-11-23 14:00 UTC"),
        "{mails:?}"
    );
    world.page(&own).await.says("You withdrew from the contract: 23 November 2026, 14:00 UTC");
    // Said twice it is said once.
    world.form(&format!("{own}/withdraw"), "sure=yes").await;
    run_due(&world, "2026-11-23T14:00:00Z").await;
    assert_eq!(world.mails().len(), 1);
    world.verify();
    // Where no such law holds, nothing of the kind is offered or done.
    let other = world.post("/v1/orders", placed_in("US")).await.is(201);
    let page_of = world.page(&page(&other)).await;
    assert!(!String::from_utf8_lossy(&page_of.bytes).contains("Withdraw from contract"));
    assert_eq!(world.form(&format!("{}/withdraw", page(&other)), "sure=yes").await.status.as_u16(), 409);
}

#[tokio::test]
async fn who_could_not_be_charged_gets_a_link_to_pay_by_and_who_paid_gets_none() {
    let mut till = Till::new(json!({"kind": "charge_on_ship"})).await;
    // Somebody left the checkout without a card: an hour later a mail says so.
    let (_, left) = till.order(1).await;
    assert_eq!(till.world.mails().len(), 0, "whoever is at the checkout needs no mail");
    till.later(3_700).await;
    let mails = till.world.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(mails[0].text.contains(&format!("{}/pay", page(&left))), "{mails:?}");
    assert!(mails[0].subject.ends_with(": one step is missing"), "{mails:?}");
    let own = page(&left);
    till.world.page(&own).await.says("Please save a card");
    let form = till.world.page(&format!("{own}/pay")).await;
    form.says("data-kind=\"setup\"");
    form.says("data-key=\"pk_test_shop\"");
    assert!(form.header("content-security-policy").contains("https://js.stripe.com"));
    // Others do it at once, and get no mail; the page shows the next charge.
    let (_, good) = till.checked_out(2).await;
    till.later(3_700).await;
    assert_eq!(till.world.mails().len(), 1);
    let status = till.world.page(&page(&good)).await;
    status.says("Charged when your goods ship: $30.00.");
    assert_eq!(
        till.world.page(&format!("{}/pay", page(&good))).await.status.as_u16(),
        303,
        "nothing is asked for"
    );
}

#[tokio::test]
async fn who_has_a_balance_is_told_the_day_before_it_is_taken_and_who_left_is_not() {
    let mut till =
        Till::new(json!({"kind": "deposit", "deposit_percent": 20, "balance": "days_before"})).await;
    let supply = till.world.supply("MUG", 20, "2027-01-10").await;
    let (id, order) = till.checked_out(2).await;
    let (gone, left) = till.checked_out(2).await;
    let due = |account: &Value| account["due"][0]["on"].as_str().unwrap().to_owned();
    let on = due(&till.money(id).await);
    let about = |till: &Till, order: &Value| {
        let own = page(order);
        let mails = till.world.mails();
        let mail = mails
            .into_iter()
            .find(|mail| mail.subject.contains("the rest is taken on") && mail.text.contains(&own));
        mail.map(|mail| (mail.subject.to_string(), mail.text.to_string()))
    };
    till.post(&format!("{}/cancel", path(&left)), json!({})).await.is(200);
    till.bank.cancelled(gone);
    let days = |till: &Till| till.now.to_string()[..10].to_owned();
    let day_before = |on: &str| {
        let noon: model::time::Timestamp = format!("{on}T12:00:00Z").parse().unwrap();
        model::time::seconds_after(noon, -86_400).unwrap().to_string()[..10].to_owned()
    };
    while days(&till) < day_before(&on) {
        assert!(about(&till, &order).is_none(), "too early on {}", days(&till));
        assert_eq!(till.amounts(id).await[0], 600);
        till.later(43_200).await;
    }
    till.later(43_200).await;
    let (subject, text) = about(&till, &order).unwrap();
    assert!(
        text.contains("$24.00") && text.contains("you can cancel, and nothing is taken"),
        "{subject}: {text}"
    );
    assert!(about(&till, &left).is_none(), "who called it off hears nothing of a balance");
    // The goods slip: so does the balance, and it is told anew for its new day.
    till.world.patch(&format!("/v1/supplies/{supply}"), json!({"expected_on": "2027-01-24"})).await.is(200);
    let later = due(&till.money(id).await);
    assert!(later > on, "{later} after {on}");
    while days(&till) < later {
        assert_eq!(till.amounts(id).await[0], 600, "not taken on {}, as it moved to {later}", days(&till));
        till.later(43_200).await;
    }
    for _ in 0..2 {
        till.later(43_200).await;
    }
    assert_eq!(till.amounts(id).await, [3_000, 0, 0, 3_000]);
    let told = till.world.mails().iter().filter(|mail| mail.subject.contains("the rest is taken on")).count();
    assert_eq!(told, 2, "once for each day");
    till.world.verify();
}

/// Scenario 42: the terms are shown before the purchase and confirmed after it.
#[tokio::test]
async fn terms_are_told_before_the_purchase() {
    let world = world();
    world.with_mug().await;
    world.supply("MUG", 10, "2026-12-01").await;
    let policy = json!({"when_out": "backorder", "payment": {"kind": "deposit", "deposit_percent": 20, "balance": "on_ship"}});
    world.put("/v1/skus/MUG/policies/default", policy).await.is(200);
    let terms = world.get("/v1/terms?sku=MUG&quantity=2&country=DE").await.is(200);
    let usd = |amount: i64| json!({"amount": amount, "currency": "USD"});
    assert_eq!(
        terms["charges"],
        json!([{"when": "now", "amount": usd(600)}, {"when": "on_ship", "amount": usd(2400)}])
    );
    let promised = world.get("/v1/availability?sku=MUG&quantity=2&country=DE").await.is(200);
    assert_eq!((&terms["ship_by"], &terms["deliver_by"]), (&promised["ship_by"], &promised["deliver_by"]));
    assert_eq!((&terms["withdrawal_days"], &terms["cancel"]), (&json!(14), &json!("until_shipped")));
    let words: Vec<&str> =
        terms["words"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert_eq!(words[..2], ["  $6.00 when you order", "  $24.00 when it ships"]);
    assert!(words[3].contains("14 days"));
    let german = world.get("/v1/terms?sku=MUG&country=US&locale=de-AT").await.is(200);
    assert_eq!(
        (&german["words"][0], &german["withdrawal_days"]),
        (&json!("  $3.00 bei der Bestellung"), &Value::Null)
    );
    // What was agreed to stands with the order from then on, whatever the policy says later.
    let placed = world.post("/v1/orders", order("MUG", 2)).await.is(201);
    let events = world.get("/v1/events?limit=500").await.is(200);
    let opened =
        events["items"].as_array().unwrap().iter().find(|event| event["kind"] == "account_opened").unwrap();
    assert_eq!(opened["order"], placed["id"]);
    assert_eq!(
        opened["data"]["agreed"],
        json!([{"line": 1, "amount": 600, "when": "now"}, {"line": 1, "amount": 2400, "when": "on_ship"}])
    );
    assert_eq!(opened["data"]["cancel"], "until_shipped");
    world.get("/v1/terms?sku=CUP").await.fails(404, "not_found");
    world.get("/v1/terms").await.fails(422, "invalid");
    world.put("/v1/skus/MUG/policies/default", json!({"when_out": "backorder"})).await.is(200);
    assert_eq!(world.get("/v1/terms?sku=MUG").await.is(200)["charges"], json!([]));
}

#[tokio::test]
async fn why_somebody_cancels_is_a_message_and_never_in_the_ledger() {
    let world = world();
    world.with_mug().await;
    world.supply("MUG", 10, "2026-12-01").await;
    let placed = world.order("MUG", 3).await;
    let line = placed["lines"][0]["id"].as_str().unwrap();
    let said = format!("line={line}&quantity=1&reason=I+am+Ada+of+Ockham");
    world.form(&format!("{}/cancel", page(&placed)), &said).await;
    let cancel = json!({"lines": [{"id": line, "quantity": 1}], "reason": "Mrs King rang"});
    world.post(&format!("{}/cancel", path(&placed)), cancel).await.is(200);
    let thread = world.get(&format!("{}/messages", path(&placed))).await.is(200);
    let words: Vec<(&Value, &Value)> =
        thread["items"].as_array().unwrap().iter().map(|item| (&item["by"], &item["text"])).collect();
    assert_eq!(
        words,
        [(&json!("customer"), &json!("I am Ada of Ockham")), (&json!("note"), &json!("Mrs King rang"))]
    );
    let ledger = world.get("/v1/events?limit=500").await.is(200).to_string();
    assert!(
        !ledger.contains("Ockham") && !ledger.contains("King") && ledger.contains("the customer cancelled")
    );
    world.verify();
    world.post("/v1/privacy/erase", json!({"email": "ada@example.com"})).await.is(200);
    assert_eq!(world.get(&format!("{}/messages", path(&placed))).await.is(200)["items"], json!([]));
}
