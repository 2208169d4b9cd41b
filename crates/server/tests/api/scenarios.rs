//! What merchants and their customers need of money, law and messages, scenario by scenario, from end to end over HTTP.
//!
//! | scenario | where |
//! | --- | --- |
//! | 8, 9, 10, 11, 15, 16, 18, 20 | here |
//! | 14 | [`crate::provider`], `what_ships_after_an_authorisation_ended_is_charged_to_the_saved_method` |
//! | 17 | [`crate::evidence`] |
//! | 32 | [`crate::payments`], `shipping_that_is_charged_late_is_paid_before_the_goods_go` |
//! | 38 | [`crate::prepayments`] |
//! | 40 | [`crate::privacy`] |
//! | 41 | [`crate::lateness`], `five_receipts_nine_days_late_in_the_middle_add_nine_days_and_say_why` |
//! | 42 | [`crate::own`], `terms_are_told_before_the_purchase` |
//! | 43 | [`crate::notices`], `who_waited_long_is_asked_again_before_the_goods_are_charged_at_the_price_of_the_order` |

use model::id::OrderId;
use serde_json::{Value, json};

use crate::{
    bank::Mood,
    own::page,
    provider::Till,
    world::{Call, Reply, World, order, world},
};

fn path(order: &Value) -> String {
    format!("/v1/orders/{}", order["id"].as_str().unwrap())
}

async fn at(world: &World, now: &str, method: &str, path: &str, body: Value) -> Reply {
    let call = Call::new(method, path).with("idempotency-key", &crate::world::new_key()).json(&body);
    world.send(call.at(now)).await
}

async fn run_due(world: &World, now: &str) {
    at(world, now, "POST", "/v1/test/run-due", json!({})).await.is(200);
}

async fn listed(world: &World, path: &str) -> Vec<Value> {
    world.get(path).await.is(200)["items"].as_array().unwrap().clone()
}

/// The text of a page without its tags.
fn words(reply: &Reply) -> String {
    let page = String::from_utf8_lossy(&reply.bytes).into_owned();
    let mut text = String::new();
    for piece in page.split('<') {
        text.push_str(piece.split_once('>').map_or("", |(_, text)| text));
        text.push(' ');
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Scenario 8: one date is edited; everybody it breaks a promise to gets mail that was looked at first, with the reason and both
/// ways to answer, and nobody else.
#[tokio::test]
async fn scenario_08_a_slip_warns_whom_it_breaks_a_promise_to_and_nobody_else() {
    let world = world();
    world.with_mug().await;
    let late = world.supply("MUG", 2, "2026-12-01").await;
    world.supply("MUG", 5, "2026-12-10").await;
    let of = |email: &str, locale: &str| {
        let mut body = order("MUG", 1);
        (body["customer"]["email"], body["customer"]["locale"]) = (json!(email), json!(locale));
        body
    };
    let ada = world.post("/v1/orders", of("ada@example.com", "en")).await.is(201);
    let ben = world.post("/v1/orders", of("ben@example.com", "fr")).await.is(201);
    let cleo = world.post("/v1/orders", of("cleo@example.com", "en")).await.is(201);
    world.patch(&format!("/v1/supplies/{late}"), json!({"expected_on": "2026-12-26"})).await.is(200);
    let drafts = listed(&world, "/v1/notices?state=draft").await;
    let mut whose: Vec<&Value> = drafts.iter().map(|draft| &draft["order"]).collect();
    whose.sort_by_key(ToString::to_string);
    assert_eq!(whose, [&ada["id"], &ben["id"]], "and not {}: nothing of hers moved", cleo["id"]);
    let mut previews = Vec::new();
    for draft in &drafts {
        let path = format!("/v1/notices/{}", draft["id"].as_str().unwrap());
        world.patch(&path, json!({"reason": "the ship waits at the canal"})).await.is(200);
        previews.push(world.get(&path).await.is(200)["mail"]["text"].as_str().unwrap().to_owned());
    }
    assert!(world.mails().is_empty(), "what is looked at is not sent");
    let ids: Vec<&Value> = drafts.iter().map(|draft| &draft["id"]).collect();
    assert_eq!(world.post("/v1/notices/send", json!({"ids": ids})).await.is(200)["not_sent"], json!([]));
    run_due(&world, "2026-11-23T14:00:01Z").await;
    let mut sent: Vec<String> = world.mails().iter().map(|mail| mail.text.to_string()).collect();
    previews.sort();
    sent.sort();
    assert_eq!(sent, previews, "what was looked at is what went");
    let english = sent.iter().find(|text| text.starts_with("Hello")).unwrap();
    for said in ["the ship waits at the canal", "Keep or cancel", "December 2026", &page(&ada)] {
        assert!(english.contains(said), "{said}: {english}");
    }
    assert!(sent.iter().any(|text| text.contains("La raison : the ship waits at the canal")));
    // Looking at the page answers nothing; the two buttons do.
    let own = page(&ada);
    let shown = world.page(&own).await;
    shown.says("Keep my order");
    shown.says("Cancel it instead");
    assert_eq!(listed(&world, "/v1/notices?state=answered").await, [Value::Null; 0]);
    let asked = drafts.iter().find(|draft| draft["order"] == ada["id"]).unwrap();
    let fields = format!("notice={}&version=2&answer=keep", asked["id"].as_str().unwrap());
    let kept = world.form(&format!("{own}/answer"), &fields).await;
    assert_eq!(kept.header("location"), format!("{own}?kept=1"));
    assert_eq!(listed(&world, "/v1/notices?state=answered").await.len(), 1);
    world.verify();
}

/// Scenario 9: silence to a first short delay keeps the order; to a second delay, or to one without a date, it ends it, and what was
/// paid is due back.
#[tokio::test]
async fn scenario_09_silence_agrees_once_to_a_short_delay_and_to_nothing_else() {
    let world = world();
    world.with_mug().await;
    let policy = json!({"when_out": "backorder", "payment": {"kind": "full", "provider": "manual"}});
    world.put("/v1/skus/MUG/policies/default", policy).await.is(200);
    let supply = world.supply("MUG", 1, "2026-12-02").await;
    let gone = world.supply("MUG", 1, "2026-12-02").await;
    let (first, undated) = (world.order("MUG", 1).await, world.order("MUG", 1).await);
    for placed in [&first, &undated] {
        let paid = json!({"kind": "charge"});
        world.post(&format!("{}/payments", path(placed)), paid).await.is(201);
    }
    let slip = format!("/v1/supplies/{supply}");
    world.patch(&slip, json!({"expected_on": "2026-12-30"})).await.is(200);
    world.post(&format!("/v1/supplies/{gone}/cancel"), json!({})).await.is(200);
    world.post("/v1/notices/send", json!({"all": true})).await.is(200);
    let of = |list: &[Value], order: &Value| {
        list.iter().find(|notice| notice["order"] == order["id"]).cloned().unwrap()
    };
    let sent = listed(&world, "/v1/notices?state=sent").await;
    let (short, none) = (of(&sent, &first), of(&sent, &undated));
    assert_eq!((&short["kind"], &short["on_silence"]), (&json!("delay_first"), &json!("keep")));
    assert_eq!((&none["kind"], &none["on_silence"]), (&json!("delay_indefinite"), &json!("cancel")));
    assert_eq!(none["answer_by"], "2027-01-07", "thirty days after the date first told");
    // The first delay is agreed to by silence. A second is not: nobody is held to what they never answered.
    at(&world, "2026-12-29T15:00:00Z", "PATCH", &slip, json!({"expected_on": "2027-01-13"})).await.is(200);
    at(&world, "2026-12-29T15:00:00Z", "POST", "/v1/notices/send", json!({"all": true})).await.is(200);
    run_due(&world, "2026-12-29T15:00:01Z").await;
    let sent = listed(&world, "/v1/notices?state=sent").await;
    let again = sent.iter().find(|notice| notice["kind"] == "delay_repeated").unwrap();
    assert_eq!((&again["order"], &again["on_silence"]), (&first["id"], &json!("cancel")));
    assert_eq!(again["answer_by"], "2027-01-05", "the date that silence agreed to");
    let state = |order: &Value| {
        let path = path(order);
        let world = &world;
        async move { world.get(&path).await.is(200)["state"].clone() }
    };
    run_due(&world, "2027-01-05T23:00:00Z").await;
    assert_eq!((state(&first).await, state(&undated).await), (json!("backordered"), json!("backordered")));
    for now in ["2027-01-06T06:00:00Z", "2027-01-06T06:00:01Z"] {
        run_due(&world, now).await;
    }
    assert_eq!((state(&first).await, state(&undated).await), (json!("cancelled"), json!("backordered")));
    for now in ["2027-01-08T06:00:00Z", "2027-01-08T06:00:01Z"] {
        run_due(&world, now).await;
    }
    assert_eq!(state(&undated).await, "cancelled");
    for placed in [&first, &undated] {
        let account = world.get(&format!("{}/payments", path(placed))).await.is(200);
        assert_eq!(account["refund_due"]["amount"], 1500, "{account}");
    }
    let told = world.mails();
    let ended = told.iter().filter(|mail| mail.subject.ends_with(": cancelled")).count();
    assert_eq!(ended, 2, "both are told: {told:?}");
    world.verify();
}

/// Scenario 10: of two waiting lines a customer calls one off; only it leaves, the queue moves up and the money starts back.
#[tokio::test]
async fn scenario_10_a_customer_calls_one_line_off() {
    let mut till = Till::new(json!({"kind": "full"})).await;
    let cup = json!({"title": "Cup", "price": {"amount": 900, "currency": "USD"}});
    till.world.put("/v1/skus/CUP", cup).await.is(201);
    let terms = json!({"when_out": "backorder", "payment": {"kind": "full", "provider": "stripe"}});
    till.world.put("/v1/skus/CUP/policies/default", terms).await.is(201);
    for sku in ["MUG", "CUP"] {
        till.world.supply(sku, 2, "2026-12-01").await;
        till.world.supply(sku, 9, "2027-01-11").await;
    }
    let mut body = order("MUG", 2);
    body["lines"].as_array_mut().unwrap().push(json!({"sku": "CUP", "quantity": 2}));
    let placed = till.post("/v1/orders", body).await.is(201);
    let id: OrderId = placed["id"].as_str().unwrap().parse().unwrap();
    till.later(0).await;
    till.bank.customer_acts(id, till.now);
    till.later(60).await;
    let (_, next) = till.checked_out(2).await;
    let own = page(&placed);
    let line = placed["lines"][0]["id"].as_str().unwrap();
    // Looking, as a mail program does, does nothing.
    till.world.page(&own).await.says("Yes, cancel Mug");
    till.world.page(&format!("{own}/cancel")).await;
    assert_eq!(till.world.get(&path(&placed)).await.is(200)["lines"][0]["cancelled"], 0);
    till.world.form(&format!("{own}/cancel"), &format!("line={line}&quantity=2")).await;
    till.later(0).await;
    let now = till.world.get(&path(&placed)).await.is(200);
    assert_eq!(
        (&now["lines"][0]["state"], &now["lines"][1]["state"]),
        (&json!("cancelled"), &json!("backordered"))
    );
    assert_eq!(now["lines"][1]["ship_by"], placed["lines"][1]["ship_by"], "the other line stays as it was");
    let moved = till.world.get(&path(&next)).await.is(200);
    assert_eq!(moved["lines"][0]["ship_by"], placed["lines"][0]["ship_by"], "the next moves up");
    assert_eq!(till.amounts(id).await, [4_800, 3_000, 0, 1_800], "by the way it came, and no more");
    till.world.verify();
}

/// Scenario 11: what was prepaid goes back to the card it came from, and the customer's page says how far that is.
#[tokio::test]
async fn scenario_11_money_goes_back_by_the_way_it_came_and_the_page_says_how_far_it_is() {
    let mut till = Till::new(json!({"kind": "full"})).await;
    let (id, placed) = till.checked_out(2).await;
    let own = page(&placed);
    till.bank.refund_words(&[model::errand::Word::Pending]);
    let line = placed["lines"][0]["id"].as_str().unwrap();
    till.world.form(&format!("{own}/cancel"), &format!("line={line}&quantity=1")).await;
    till.later(0).await;
    let account = till.world.get(&format!("{}/payments", path(&placed))).await.is(200);
    let refund = &account["refunds"][0];
    assert_eq!(
        (&refund["state"], &refund["by_hand"], &refund["charge"]),
        (&json!("pending"), &json!(false), &account["items"][0]["charge"])
    );
    let shown = words(&till.world.page(&own).await);
    assert!(shown.contains("Paid: $30.00. $15.00 is on its way back by the way it came."), "{shown}");
    till.bank.refunds_become(&model::errand::Word::Refunded);
    till.later(86_400).await;
    assert_eq!(till.amounts(id).await, [3_000, 1_500, 0, 1_500]);
    let shown = words(&till.world.page(&own).await);
    assert!(shown.contains("Paid: $30.00, of it $15.00 given back."), "{shown}");
    till.world.verify();
}

/// Scenario 15: a balance is declined; the customer has a link to pay it by with another card, keeps the place for some days, and
/// nothing ships unpaid.
#[tokio::test]
async fn scenario_15_a_declined_balance_is_paid_by_the_link_and_nothing_ships_before() {
    let mut till = Till::new(json!({"kind": "deposit", "deposit_percent": 20, "balance": "on_ship"})).await;
    let (id, placed) = till.checked_out(2).await;
    assert_eq!(till.amounts(id).await, [600, 0, 0, 600]);
    till.world.stock("MUG", 2).await;
    till.bank.moods(&[Mood::DeclinesForGood]);
    let release = json!({"location": "east"});
    assert_eq!(till.post("/v1/releases", release.clone()).await.is(200)["lines"], json!([]));
    till.later(0).await;
    let own = page(&placed);
    let mails = till.world.mails();
    let link = format!("{own}/pay");
    let told = mails.iter().find(|mail| mail.text.contains(&link)).unwrap();
    assert!(told.text.contains("$24.00") && told.text.contains("30 November 2026"), "{told:?}");
    let form = till.world.page(&link).await;
    form.says("data-kind=\"payment\"");
    form.says("Pay $24.00");
    // The place is kept meanwhile: the units stay with the order, and whoever comes later gets others.
    till.later(3 * 86_400).await;
    let now = till.world.get(&path(&placed)).await.is(200);
    assert_eq!(now["lines"][0]["state"], "allocated");
    assert_eq!(till.post("/v1/releases", release.clone()).await.is(200)["lines"], json!([]));
    till.post("/v1/shipments", json!({"order": placed["id"]})).await.fails(409, "payment_due");
    assert_eq!(till.bank.customer_acts(id, till.now), 1, "with another card, on the same charge");
    till.later(3_600).await;
    assert_eq!(till.post("/v1/releases", release).await.is(201)["lines"][0]["quantity"], 2);
    till.post("/v1/shipments", json!({"order": placed["id"]})).await.is(201);
    assert_eq!(till.amounts(id).await, [3_000, 0, 3_000, 0]);
    till.later(30 * 86_400).await;
    assert_eq!(till.amounts(id).await, [3_000, 0, 3_000, 0], "and never again");
    till.world.verify();
}

/// Scenario 16: whoever chooses to charge now for a long wait sees what that risks; with "on ship", another thing.
#[tokio::test]
async fn scenario_16_charging_now_for_a_long_wait_shows_its_risks() {
    let world = world();
    let asked = |query: &'static str| world.get(query);
    let risks = asked("/v1/payments/risks?kind=full&wait_days=60").await.is(200);
    let named: Vec<&str> =
        risks["items"].as_array().unwrap().iter().map(|risk| risk["risk"].as_str().unwrap()).collect();
    assert_eq!(named, ["needs_agreement", "dispute_window", "provider_hold"]);
    assert_eq!(risks["items"][1]["days"], 180, "sixty, and Visa's hundred and twenty");
    let later = asked("/v1/payments/risks?kind=charge_on_ship&wait_days=60").await.is(200);
    assert_eq!(later["items"][0]["risk"], "charge_may_fail");
    for wrong in ["kind=full", "kind=barter&wait_days=1", "kind=full&wait_days=-1"] {
        world.get(&format!("/v1/payments/risks?{wrong}")).await.fails(422, "invalid");
    }
}

/// Scenario 18: the mail that says that a backorder has left never speaks of it as waiting, in any language.
#[tokio::test]
async fn scenario_18_a_mail_about_what_has_left_says_so_and_nothing_of_waiting() {
    let world = world();
    world.with_mug().await;
    let supply = world.supply("MUG", 10, "2026-12-01").await;
    let mut placed = Vec::new();
    for locale in ["en", "de", "es", "fr"] {
        let mut body = order("MUG", 1);
        body["customer"]["locale"] = json!(locale);
        placed.push(world.post("/v1/orders", body).await.is(201));
    }
    world.patch(&format!("/v1/supplies/{supply}"), json!({"expected_on": "2026-12-18"})).await.is(200);
    world.post("/v1/notices/send", json!({"all": true})).await.is(200);
    run_due(&world, "2026-11-23T14:00:01Z").await;
    let before = world.mails().len();
    let on = "2026-12-16T15:00:00Z";
    at(&world, on, "POST", &format!("/v1/supplies/{supply}/receipts"), json!({})).await.is(201);
    for order in &placed {
        let sent = json!({"order": order["id"], "carrier": "UPS", "tracking": "1Z9"});
        at(&world, on, "POST", "/v1/shipments", sent).await.is(201);
    }
    at(&world, on, "POST", "/v1/notices/send", json!({"all": true})).await.is(200);
    run_due(&world, "2026-12-16T15:00:01Z").await;
    let mails: Vec<_> = world.mails();
    let left: Vec<_> = mails
        .iter()
        .filter(|mail| {
            ["on its way", "unterwegs", "en camino", "en route"]
                .iter()
                .any(|word| mail.subject.contains(word))
        })
        .collect();
    assert_eq!((left.len(), mails.len()), (4, before + 4), "{mails:?}");
    for mail in left {
        // With whom, under which number, and where that is shown.
        assert!(mail.text.contains("UPS, ") && mail.text.contains(" 1Z9.\n"), "{}", mail.text);
        assert!(mail.text.contains("\nhttps://www.ups.com/track?tracknum=1Z9\n"), "{}", mail.text);
        let said = format!("{} {}", mail.subject, mail.text).to_lowercase();
        for never in [
            "backorder",
            "back order",
            "waiting",
            "no date",
            "nachbestell",
            "noch kein",
            "pendiente",
            "en attente",
        ] {
            assert!(!said.contains(never), "{never}: {said}");
        }
    }
    world.page(&page(&placed[0])).await.says("On its way");
    world.verify();
}

/// Scenario 20: a faster service is counted from the day on which a waiting item leaves, and says whether it is worth its price.
#[tokio::test]
async fn scenario_20_express_is_counted_from_the_day_on_which_the_goods_leave() {
    let world = world();
    world.with_mug().await;
    let usd = |amount: i64| json!({"amount": amount, "currency": "USD"});
    let east = json!({"name": "East", "time_zone": "America/New_York", "handling_days": 1, "transit": [
        {"country": "US", "service": "standard", "days_min": 3, "days_max": 5, "price": usd(500)},
        {"country": "US", "service": "next_day", "days_min": 1, "days_max": 1, "price": usd(2500)}]});
    world.put("/v1/locations/east", east).await.is(200);
    world.supply("MUG", 5, "2026-12-14").await;
    let terms = world.get("/v1/terms?sku=MUG&quantity=1&country=US").await.is(200);
    assert_eq!(
        terms["ship_by"]["promised"], "2026-12-18",
        "the date given, its buffer and a day of handling"
    );
    let services = terms["services"].as_array().unwrap();
    let named: Vec<(&str, &Value, &Value)> = services
        .iter()
        .map(|row| (row["service"].as_str().unwrap(), &row["deliver_by"]["promised"], &row["counts_from"]))
        .collect();
    // Nothing says "tomorrow": both count from the eighteenth.
    assert_eq!(
        named,
        [
            ("standard", &json!("2026-12-25"), &json!("arrival")),
            ("next_day", &json!("2026-12-21"), &json!("arrival")),
        ]
    );
    world.stock("MUG", 1).await;
    let here = world.get("/v1/terms?sku=MUG&quantity=1&country=US").await.is(200);
    assert_eq!(here["services"][1]["counts_from"], "now");
    assert_eq!(here["services"][1]["deliver_by"]["promised"], "2026-11-25", "handled today, sent tomorrow");
    let none = world.get("/v1/terms?sku=MUG&quantity=1&country=NZ").await.is(200);
    assert_eq!(none["services"], json!([]), "no service goes there");
}
