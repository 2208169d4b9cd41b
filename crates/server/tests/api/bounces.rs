//! Mail that came back: told by a provider, or read from a bounce mailbox.

use serde_json::{Value, json};

use crate::world::{CHECKOUT, Call, Reply, World, order, world};

/// An order of Ada's and one of Ben's that slipped, of which both were told by mail; the slip.
async fn told() -> (World, Value, Value, String) {
    let world = world();
    world.with_mug().await;
    let supply = world.supply("MUG", 10, "2026-12-02").await;
    let ada = world.order("MUG", 1).await;
    let mut body = order("MUG", 1);
    body["customer"]["email"] = json!("ben@example.com");
    let ben = world.post("/v1/orders", body).await.is(201);
    world.patch(&format!("/v1/supplies/{supply}"), json!({"expected_on": "2026-12-30"})).await.is(200);
    send_all(&world, "2026-11-24T09:00:00Z").await;
    (world, ada, ben, supply)
}

async fn send_all(world: &World, now: &str) {
    world.send(Call::post("/v1/notices/send", &json!({"all": true})).at(now)).await.is(200);
    world.send(Call::post("/v1/test/run-due", &json!({})).at(now)).await.is(200);
}

async fn notices(world: &World, order: &Value, state: &str) -> Vec<Value> {
    let path = format!("/v1/notices?order={}&state={state}", order["id"].as_str().unwrap());
    world.get(&path).await.is(200)["items"].as_array().unwrap().clone()
}

/// The Message-ID of the mail that took an order's first notice.
fn message_id(world: &World, order: &Value) -> String {
    let tenant = model::id::TenantId::new("acme").unwrap();
    let filter = ledger::RecordFilter { owner: order["id"].as_str(), state: None };
    let kind = engine::notices::MAIL;
    let mut reader = ledger::Store::reader(&world.store).unwrap();
    let found = reader.record_page(&tenant, ledger::Shelf::Private, kind, &filter, (None, 10)).unwrap();
    format!("<{}@shop.test>", found[0].id)
}

/// A delivery report as Postfix writes it.
fn report(to: &str, message_id: &str, action: &str, status: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"B\"\r\n\r\n\
         --B\r\nContent-Type: text/plain\r\n\r\nI am sorry.\r\n\r\n\
         --B\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
         Final-Recipient: rfc822; {to}\r\nAction: {action}\r\nStatus: {status}\r\n\r\n\
         --B\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message_id}\r\nSubject: A new date\r\n\r\n--B--\r\n"
    )
}

async fn came_back(world: &World, raw: &str, now: &str) -> Reply {
    let call = Call::new("POST", "/v1/mail/bounces").text(raw).with("content-type", "message/rfc822");
    world.send(call.at(now)).await
}

fn counts(mails: i64, notices: i64, addresses: i64, unknown: i64) -> Value {
    json!({"mails": mails, "notices": notices, "addresses": addresses, "unknown": unknown})
}

#[tokio::test]
async fn a_delivery_report_makes_a_notice_untold_and_marks_the_address() {
    let (world, ada, ben, supply) = told().await;
    let id = message_id(&world, &ada);
    let now = "2026-11-24T09:30:00Z";
    // What names no mail of ours, or another receiver, or is only late, changes nothing.
    let strange = report("ada@example.com", "<mal_1-notice@shop.test>", "failed", "5.1.1");
    assert_eq!(came_back(&world, &strange, now).await.is(200), counts(0, 0, 0, 1));
    let other = report("ben@example.com", &id, "failed", "5.1.1");
    assert_eq!(came_back(&world, &other, now).await.is(200), counts(0, 0, 0, 1));
    let late = report("ada@example.com", &id, "delayed", "4.4.1");
    assert_eq!(came_back(&world, &late, now).await.is(200), counts(0, 0, 0, 0));
    assert_eq!(notices(&world, &ada, "sent").await.len(), 1);

    let dead = report("ada@example.com", &id, "failed", "5.1.1");
    assert_eq!(came_back(&world, &dead, now).await.is(200), counts(1, 1, 1, 0));
    assert_eq!(came_back(&world, &dead, now).await.is(200), counts(1, 0, 0, 0), "said twice it is said once");
    let gone = notices(&world, &ada, "outdated").await;
    assert_eq!(gone[0]["failure"]["code"], "bounced");
    assert_eq!(notices(&world, &ada, "draft").await[0]["kind"], "delay_first", "nobody was told");
    assert_eq!(notices(&world, &ben, "sent").await.len(), 1, "Ben was");
    let due = world.get("/v1/obligations?kind=notice").await.is(200);
    assert_eq!((&due["items"][0]["order"], &due["items"][0]["due_by"]), (&ada["id"], &json!("2026-12-08")));
    // Sent again, it fails at once and says why, so that somebody rings up; it never counts as sent.
    let before = world.mails().len();
    send_all(&world, "2026-11-24T10:00:00Z").await;
    assert_eq!(world.mails().len(), before);
    let draft = &notices(&world, &ada, "draft").await[0];
    assert_eq!(draft["failure"]["code"], "undeliverable", "{draft}");
    // So by the law the order ends when its time is over, and is not held by a mail that nobody got.
    world.patch(&format!("/v1/supplies/{supply}"), json!({"expected_on": "2027-01-04"})).await.is(200);
    for now in ["2026-12-09T06:00:00Z", "2026-12-09T06:00:01Z"] {
        world.send(Call::post("/v1/test/run-due", &json!({})).at(now)).await.is(200);
    }
    assert_eq!(notices(&world, &ada, "sent").await, [Value::Null; 0]);
    let evidence = format!("/v1/orders/{}/evidence", ada["id"].as_str().unwrap());
    let mails = world.get(&evidence).await.is(200)["mails"].clone();
    assert_eq!(mails[0]["returned_at"], now, "evidence does not claim what did not arrive: {mails}");
    world.verify();
}

#[tokio::test]
async fn a_provider_says_it_by_the_address_and_when_it_works_again() {
    let (world, ada, ben, _) = told().await;
    let said = |report: Value| {
        Call::post("/v1/mail/bounces", &json!({"reports": [report]})).at("2026-11-25T09:00:00Z")
    };
    // A full mailbox says nothing of the next mail; this one did not arrive all the same.
    let full = json!({"kind": "bounce", "email": "Ben@Example.com", "status": "5.2.2"});
    assert_eq!(world.send(said(full)).await.is(200), counts(1, 1, 0, 0));
    assert_eq!(notices(&world, &ben, "draft").await.len(), 1);
    assert_eq!(
        world.send(said(json!({"kind": "bounce", "email": "ada@example.com"}))).await.is(200),
        counts(1, 1, 1, 0)
    );
    assert_eq!(
        world.send(said(json!({"kind": "bounce", "email": "nobody@example.com"}))).await.is(200),
        counts(0, 0, 1, 0)
    );
    send_all(&world, "2026-11-25T10:00:00Z").await;
    assert_eq!(
        (notices(&world, &ada, "sent").await.len(), notices(&world, &ben, "sent").await.len()),
        (0, 1)
    );
    assert_eq!(
        world.send(said(json!({"kind": "arrives", "email": "ada@example.com"}))).await.is(200),
        counts(0, 0, 1, 0)
    );
    send_all(&world, "2026-11-25T11:00:00Z").await;
    let again = &notices(&world, &ada, "sent").await[0];
    assert_eq!(again["sent_at"], "2026-11-25T11:00:00Z", "the day that counts by the law");
    // Long after, a bounce without a name means nothing that was sent then.
    let late = Call::post(
        "/v1/mail/bounces",
        &json!({"reports": [{"kind": "bounce", "email": "ada@example.com", "status": "5.2.2"}]}),
    );
    assert_eq!(world.send(late.at("2026-12-20T09:00:00Z")).await.is(200), counts(0, 0, 0, 0));
    // Who is forgotten leaves no mark.
    world.post("/v1/privacy/erase", json!({"email": "nobody@example.com"})).await.is(200);
    world.verify();
}

#[tokio::test]
async fn who_complained_gets_what_is_owed_and_nothing_else() {
    let (world, ada, ben, supply) = told().await;
    let id = message_id(&world, &ada);
    let complaint = json!({"reports": [{"kind": "complaint", "message_id": id}]});
    assert_eq!(world.post("/v1/mail/bounces", complaint).await.is(200), counts(0, 0, 1, 0));
    let before = world.mails().len();
    let question = json!({"text": "What next?", "choices": ["Cups", "Bowls"], "sku": "MUG"});
    world.post("/v1/questions", question).await.is(201);
    world.post("/v1/test/run-due", json!({})).await.is(200);
    let asked: Vec<_> = world.mails()[before..].iter().map(|mail| mail.subject.to_string()).collect();
    assert_eq!(world.mails().len(), before + 1, "Ben is asked, Ada is not: {asked:?}");
    world.patch(&format!("/v1/supplies/{supply}"), json!({"expected_on": "2027-01-02"})).await.is(200);
    send_all(&world, "2026-11-26T09:00:00Z").await;
    assert_eq!(
        (notices(&world, &ada, "sent").await.len(), notices(&world, &ben, "sent").await.len()),
        (1, 1)
    );
    world.verify();
}

#[tokio::test]
async fn what_is_no_report_is_named() {
    let (world, ..) = told().await;
    let now = "2026-11-24T09:30:00Z";
    let away = "From: ada@example.com\r\nSubject: Away\r\n\r\nUntil Monday.\r\n";
    came_back(&world, away, now).await.fails(422, "no_report");
    came_back(&world, "", now).await.fails(422, "no_report");
    came_back(&world, &"x".repeat(2_000_000), now).await.fails(413, "body_too_large");
    let call = Call::new("POST", "/v1/mail/bounces").text("x").with("content-type", "text/plain");
    world.send(call).await.fails(415, "unsupported_media_type");
    for (report, at) in [
        (json!({"kind": "bounce"}), "/reports/0/email"),
        (json!({"kind": "bounce", "email": "nobody"}), "/reports/0/email"),
        (json!({"kind": "bounce", "email": "a@b.example", "status": "mailbox full"}), "/reports/0/status"),
        (json!({"kind": "lost", "email": "a@b.example"}), "/reports/0/kind"),
        (json!({"kind": "bounce", "message_id": ""}), "/reports/0/message_id"),
    ] {
        let problem =
            world.post("/v1/mail/bounces", json!({"reports": [report]})).await.fails(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], at, "{problem}");
    }
    world.post("/v1/mail/bounces", json!({"reports": []})).await.fails(422, "invalid");
    let call =
        Call::post("/v1/mail/bounces", &json!({"reports": [{"kind": "bounce", "email": "ada@example.com"}]}));
    world.send(call.clone().key(CHECKOUT)).await.fails(403, "publishable_key");
    world.send(call.key("sk_acme_reader")).await.fails(403, "scope_missing");
}
