//! Notices through the API: drafts, previews, sending, answers, deadlines, obligations.

use serde_json::{Value, json};

use crate::world::{CHECKOUT, Call, STRANGER, World, order, world};

/// Ten mugs to come on 2 December, and one order for one of them.
async fn waiting() -> (World, String, Value) {
    let world = world();
    world.with_mug().await;
    let supply = world.supply("MUG", 10, "2026-12-02").await;
    let mut body = order("MUG", 1);
    body["reference"] = json!("1001");
    body["customer"]["name"] = json!("Ada Lovelace");
    body["customer"]["locale"] = json!("de-AT");
    let placed = world.post("/v1/orders", body).await.is(201);
    (world, supply, placed)
}

async fn slip(world: &World, supply: &str, to: &str) {
    world.patch(&format!("/v1/supplies/{supply}"), json!({"expected_on": to})).await.is(200);
}

async fn the_notice(world: &World, state: &str) -> Value {
    let list = world.get(&format!("/v1/notices?state={state}")).await.is(200);
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{list}");
    items[0].clone()
}

async fn run_due(world: &World, now: &str) {
    world.send(Call::new("POST", "/v1/test/run-due").at(now)).await.is(200);
}

/// The kinds of the ledger's entries, with their data.
async fn events(world: &World, kind: &str) -> Vec<Value> {
    let events = world.get("/v1/events?limit=500").await.is(200);
    let items = events["items"].as_array().unwrap();
    items.iter().filter(|event| event["kind"] == kind).cloned().collect()
}

#[tokio::test]
async fn a_slip_is_previewed_edited_sent_and_answered() {
    let (world, supply, placed) = waiting().await;
    slip(&world, &supply, "2026-12-30").await;
    let draft = the_notice(&world, "draft").await;
    assert_eq!((&draft["kind"], &draft["order"]), (&json!("delay_first"), &placed["id"]));
    assert_eq!(draft["line"], placed["lines"][0]["id"]);
    // The supply's date with its buffer, and a day of handling.
    assert_eq!(
        (&draft["old"]["ship_by"], &draft["new"]["ship_by"]),
        (&json!("2026-12-08"), &json!("2027-01-05"))
    );
    assert_eq!((&draft["on_silence"], &draft["send_by"]), (&json!("keep"), &json!("2026-12-08")));
    let path = format!("/v1/notices/{}", draft["id"].as_str().unwrap());
    let words = json!({"reason": "the kiln broke", "words": "Es tut uns leid."});
    assert_eq!(world.patch(&path, words).await.is(200)["reason"], "the kiln broke");
    let mail = world.get(&path).await.is(200)["mail"].clone();
    assert_eq!(
        (&mail["to"], &mail["subject"]),
        (&json!("ada@example.com"), &json!("Ein neues Datum für Ihre Bestellung 1001"))
    );
    let text = mail["text"].as_str().unwrap();
    for said in [
        "Guten Tag Ada,",
        "1 × Mug",
        "Es tut uns leid.",
        "8. Dezember 2026",
        "5. Januar 2027",
        "the kiln broke",
        "stornieren",
        "http://shop.test/o/",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(mail["html"].as_str().unwrap().contains("<html lang=\"de\">"));
    let sent = world.post("/v1/notices/send", json!({"ids": [draft["id"]]})).await.is(200);
    assert_eq!(sent, json!({"sent": [draft["id"]], "not_sent": [], "more": false}));
    let notice = the_notice(&world, "sent").await;
    assert_eq!(notice["sent_at"], "2026-11-23T14:00:00Z");
    let promises =
        world.get(&format!("/v1/orders/{}/promises", placed["id"].as_str().unwrap())).await.is(200);
    assert_eq!(promises["items"][1]["told_at"], "2026-11-23T14:00:00Z");
    assert_eq!(events(&world, "notice_sent").await[0]["order"], placed["id"]);
    let again = world.post("/v1/notices/send", json!({"ids": [draft["id"]]})).await.is(200);
    assert_eq!(again["not_sent"][0]["code"], "not_a_draft");
    let kept = world.post(&format!("{path}/answer"), json!({"answer": "keep"})).await.is(200);
    assert_eq!((&kept["state"], &kept["answer"]["by"]), (&json!("answered"), &json!("staff")));
    assert_eq!(events(&world, "notice_answered").await.len(), 1);
}

#[tokio::test]
async fn silence_to_a_long_delay_cancels_at_its_deadline_and_money_is_owed() {
    let (world, supply, placed) = waiting().await;
    slip(&world, &supply, "2027-02-10").await;
    world.post("/v1/notices/send", json!({"all": true})).await.is(200);
    let notice = the_notice(&world, "sent").await;
    assert_eq!((&notice["on_silence"], &notice["answer_by"]), (&json!("cancel"), &json!("2027-01-07")));
    let consents = world.get("/v1/obligations?kind=consent").await.is(200);
    assert_eq!(
        (&consents["items"][0]["due_by"], &consents["items"][0]["order"]),
        (&json!("2027-01-07"), &placed["id"])
    );
    run_due(&world, "2027-01-07T23:00:00Z").await;
    the_notice(&world, "sent").await;
    run_due(&world, "2027-01-08T06:00:00Z").await;
    let now = world.get(&format!("/v1/orders/{}", placed["id"].as_str().unwrap())).await.is(200);
    assert_eq!(now["state"], "cancelled");
    assert_eq!(the_notice(&world, "silent").await["silence"], "cancelled");
    let refund = &events(&world, "refund_due").await[0];
    assert_eq!(refund["data"]["amount"]["amount"], 1500, "{refund}");
    let owed = world.get("/v1/obligations?due_before=2027-02-01&kind=refund").await.is(200);
    assert_eq!(
        (&owed["items"][0]["kind"], &owed["items"][0]["due_by"]),
        (&json!("refund"), &json!("2027-01-20"))
    );
    // They are told, by the same timers.
    run_due(&world, "2027-01-08T06:01:00Z").await;

    let told = world.get("/v1/notices?state=sent").await.is(200);
    assert_eq!(told["items"][0]["kind"], "cancelled");
}

#[tokio::test]
async fn what_must_happen_is_listed_by_its_last_day() {
    let (world, supply, _) = waiting().await;
    world.post("/v1/orders", order("MUG", 2)).await.is(201);
    slip(&world, &supply, "2026-12-20").await;
    let all = world.get("/v1/obligations?due_before=2026-12-09").await.is(200);
    let kinds: Vec<&str> =
        all["items"].as_array().unwrap().iter().map(|item| item["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["notice", "shipment", "notice", "shipment"], "{all}");
    assert_eq!(all["items"][0]["otherwise"], "the order ends by law");
    assert_eq!(all["complete"], true);
    assert_eq!(world.get("/v1/obligations?due_before=2026-12-08").await.is(200)["items"], json!([]));
}

#[tokio::test]
async fn settings_say_when_drafts_go_out() {
    let (world, supply, _) = waiting().await;
    let body = json!({"automatic": "at_once", "silent_days": null, "also": ["eu"], "notice_lead_days": 2});
    let set = world.put("/v1/settings/notices", body).await.is(200);
    assert_eq!(
        (&set["automatic"], &set["silent_days"], &set["also"]),
        (&json!("at_once"), &Value::Null, &json!(["eu"]))
    );
    assert_eq!(world.get("/v1/settings/notices").await.is(200), set);
    slip(&world, &supply, "2026-12-30").await;
    let draft = the_notice(&world, "draft").await;
    assert_eq!(
        (&draft["sends_at"], &draft["send_by"]),
        (&json!("2026-11-23T14:00:00Z"), &json!("2026-12-06"))
    );
    run_due(&world, "2026-11-23T14:00:01Z").await;
    the_notice(&world, "sent").await;
}

#[tokio::test]
async fn a_figure_of_the_law_that_counsel_read_otherwise_is_set_and_holds() {
    let (world, supply, placed) = waiting().await;
    let listed = world.get("/v1/settings/law").await.is(200);
    let figure = |list: &Value, law: &str, name: &str| {
        let items = list["items"].as_array().unwrap();
        items.iter().find(|item| item["law"] == law && item["name"] == name).unwrap().clone()
    };
    let days = figure(&listed, "us", "refund_working_days");
    assert_eq!((&days["days"], &days["reread"]), (&json!(7), &json!(false)));
    assert!(days["source"].as_str().unwrap().contains("435.1(b)(1)"));
    assert_eq!(figure(&listed, "us", "consent_beyond")["holds"], true);
    assert_eq!(figure(&listed, "eu", "withdrawal_days")["reread"], true, "to be checked: {listed}");
    for item in listed["items"].as_array().unwrap() {
        assert!(item["source"].as_str().unwrap().len() > 10, "{item}");
    }

    let own = json!([
        {"law": "us", "name": "refund_working_days", "days": 3, "source": "our counsel, 2026-11-20"},
        {"law": "us", "name": "short_delay_days", "days": 10, "source": "our counsel, 2026-11-20"},
        {"law": "eu", "name": "withdrawal_days", "days": 30, "source": "our own promise"},
    ]);
    let set = world.put("/v1/settings/law", json!({"figures": own})).await.is(200);
    assert_eq!(world.get("/v1/settings/law").await.is(200), set);
    let withdrawal = figure(&set, "eu", "withdrawal_days");
    assert_eq!(
        (&withdrawal["days"], &withdrawal["reread"], &withdrawal["source"]),
        (&json!(30), &json!(false), &json!("our own promise"))
    );
    let terms = world.get("/v1/terms?sku=MUG&country=DE").await.is(200);
    assert_eq!(terms["withdrawal_days"], 30);
    assert!(terms["words"].to_string().contains("30 days"), "{terms}");
    // Twenty-two days later is no short delay any more, so silence does not agree, for ten days.
    slip(&world, &supply, "2026-12-24").await;
    world.post("/v1/notices/send", json!({"all": true})).await.is(200);
    let notice = the_notice(&world, "sent").await;
    assert_eq!((&notice["on_silence"], &notice["answer_by"]), (&json!("cancel"), &json!("2026-12-18")));
    for now in ["2026-12-19T06:00:00Z", "2026-12-19T06:00:01Z"] {
        run_due(&world, now).await;
    }
    assert_eq!(
        world.get(&format!("/v1/orders/{}", placed["id"].as_str().unwrap())).await.is(200)["state"],
        "cancelled"
    );
    let owed = world.get("/v1/obligations?kind=refund").await.is(200);
    assert_eq!(owed["items"][0]["due_by"], "2026-12-23", "three working days: {owed}");

    for (wrong, at) in [
        (json!({"law": "us", "name": "patience", "days": 3, "source": "x"}), "/figures/0/name"),
        (json!({"law": "us", "name": "consent_beyond", "days": 3, "source": "x"}), "/figures/0/name"),
        (json!({"law": "us", "name": "credit_days", "days": 900, "source": "x"}), "/figures/0/days"),
        (json!({"law": "us", "name": "credit_days", "source": "x"}), "/figures/0/days"),
        (json!({"law": "us", "name": "credit_days", "days": 9, "source": " "}), "/figures/0/source"),
        (json!({"law": "ca", "name": "credit_days", "days": 9, "source": "x"}), "/figures/0/law"),
    ] {
        let problem = world.put("/v1/settings/law", json!({"figures": [wrong]})).await.fails(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], at, "{problem}");
    }
    world.put("/v1/settings/law", json!({"figures": []})).await.is(200);
    assert_eq!(world.get("/v1/settings/law").await.is(200), listed, "as it comes");
    world.verify();
}

#[tokio::test]
async fn a_notice_that_came_back_is_drafted_anew() {
    let (world, supply, _) = waiting().await;
    slip(&world, &supply, "2026-12-30").await;
    world.post("/v1/notices/send", json!({"all": true})).await.is(200);
    let sent = the_notice(&world, "sent").await;
    let path = format!("/v1/notices/{}/bounce", sent["id"].as_str().unwrap());
    let back = world.post(&path, json!({})).await.is(200);
    assert_eq!((&back["state"], &back["failure"]["code"]), (&json!("outdated"), &json!("bounced")));
    assert_eq!(the_notice(&world, "draft").await["kind"], "delay_first");
    world.post(&path, json!({})).await.fails(409, "not_asked");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_name() {
    let (world, supply, _) = waiting().await;
    slip(&world, &supply, "2026-12-30").await;
    let draft = the_notice(&world, "draft").await;
    let path = format!("/v1/notices/{}", draft["id"].as_str().unwrap());
    world.post("/v1/notices/send", json!({})).await.fails(422, "invalid");
    world.post("/v1/notices/send", json!({"ids": [], "all": true})).await.fails(422, "invalid");
    world.post("/v1/notices/send", json!({"ids": []})).await.fails(422, "invalid");
    world.post(&format!("{path}/answer"), json!({"answer": "perhaps"})).await.fails(422, "invalid");
    world.post(&format!("{path}/answer"), json!({"answer": "keep"})).await.fails(409, "not_asked");
    world.post("/v1/notices/ntc_1/answer", json!({"answer": "keep"})).await.fails(404, "not_found");
    world.patch(&path, json!({"reason": "  "})).await.fails(422, "invalid");
    world.put("/v1/settings/notices", json!({"silent_days": 0})).await.fails(422, "invalid");
    world.put("/v1/settings/notices", json!({"automatic": "soon"})).await.fails(422, "invalid");
    world.get("/v1/notices?state=lost").await.fails(422, "invalid");
    world.get("/v1/obligations?due_before=soon").await.fails(422, "invalid");
    let unknown = world.post("/v1/notices/send", json!({"ids": ["ntc_1"]})).await.is(200);
    assert_eq!(unknown["not_sent"][0]["code"], "not_found");
}

#[tokio::test]
async fn only_the_shops_own_people_see_its_notices() {
    let (world, supply, _) = waiting().await;
    slip(&world, &supply, "2026-12-30").await;
    let draft = the_notice(&world, "draft").await;
    let path = format!("/v1/notices/{}", draft["id"].as_str().unwrap());
    world.send(Call::get(&path).key(STRANGER)).await.fails(404, "not_found");
    assert_eq!(world.send(Call::get("/v1/notices").key(STRANGER)).await.is(200)["items"], json!([]));
    world.send(Call::get("/v1/notices").key(CHECKOUT)).await.fails(403, "publishable_key");
    world.send(Call::get("/v1/notices").key("sk_acme_reader")).await.fails(403, "scope_missing");
    let answer = Call::post(&format!("{path}/answer"), &json!({"answer": "cancel"})).key(STRANGER);
    world.send(answer).await.fails(404, "not_found");
}

/// Scenario 43: who waited long is asked before anything is charged, and pays the price of the order.
#[tokio::test]
async fn who_waited_long_is_asked_again_before_the_goods_are_charged_at_the_price_of_the_order() {
    let world = world();
    world.with_mug().await;
    let terms = json!({"when_out": "backorder", "payment": {"kind": "charge_on_ship", "provider": "manual"}});
    world.put("/v1/skus/MUG/policies/default", terms).await.is(200);
    world.put("/v1/settings/notices", json!({"reconfirm_after_days": 31, "silent_days": null})).await.is(200);
    let supply = world.supply("MUG", 10, "2026-12-28").await;
    let keeps = world.order("MUG", 1).await;
    let silent = world.order("MUG", 1).await;
    let leaves = world.order("MUG", 1).await;
    let dearer = json!({"title": "Mug", "price": {"amount": 9900, "currency": "USD"}});
    world.put("/v1/skus/MUG", dearer).await.is(200);
    let at = |path: &str, body: Value, now: &str| Call::post(path, &body).at(now);
    let later = "2026-12-26T15:00:00Z";
    world.send(at(&format!("/v1/supplies/{supply}/receipts"), json!({}), later)).await.is(201);
    let release = |now: &str| at("/v1/releases", json!({"location": "east"}), now);
    let none = world.send(release(later)).await.is(200);
    assert_eq!(none["lines"], json!([]));
    let charges = |order: &Value| format!("/v1/orders/{}/payments", order["id"].as_str().unwrap());
    let due = world.get(&charges(&keeps)).await.is(200);
    assert!(
        due["items"].as_array().unwrap().iter().all(|item| item["kind"] == "setup"),
        "nothing is asked for: {due}"
    );
    run_due(&world, later).await;
    let list = world.get("/v1/notices?state=sent").await.is(200);
    let asked = list["items"].as_array().unwrap();
    assert!(asked.len() == 3 && asked.iter().all(|notice| notice["kind"] == "reconfirm"), "{list}");
    assert_eq!((&asked[0]["answer_by"], &asked[0]["on_silence"]), (&json!("2026-12-29"), &json!("keep")));
    assert!(world.mails().iter().any(|mail| mail.text.contains("Do you still want it?")));
    let of = |order: &Value| {
        let notice = asked.iter().find(|notice| notice["order"] == order["id"]).unwrap();
        format!("/v1/notices/{}/answer", notice["id"].as_str().unwrap())
    };
    world.send(at(&of(&keeps), json!({"answer": "keep"}), "2026-12-27T09:00:00Z")).await.is(200);
    world.send(at(&of(&leaves), json!({"answer": "cancel"}), "2026-12-27T10:00:00Z")).await.is(200);
    // Whoever said yes is charged now, at the price of then; whoever said nothing when the days to answer are over.
    world.send(release("2026-12-27T11:00:00Z")).await.is(200);
    let asks =
        |account: Value| account["items"].as_array().unwrap().last().unwrap()["amount"]["amount"].clone();
    assert_eq!(asks(world.get(&charges(&keeps)).await.is(200)), 1500);
    assert_eq!(asks(world.get(&charges(&silent)).await.is(200)), 0);
    world.send(release("2026-12-29T15:00:01Z")).await.is(200);
    assert_eq!(asks(world.get(&charges(&silent)).await.is(200)), 1500);
    assert_eq!(asks(world.get(&charges(&leaves)).await.is(200)), 0, "who does not want it is never charged");
    world.verify();
}
