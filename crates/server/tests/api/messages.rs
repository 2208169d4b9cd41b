//! What customers and the shop write to each other.

use serde_json::{Value, json};

use crate::world::{Call, World, world};

async fn shop() -> (World, String) {
    let world = world();
    world.with_mug().await;
    world.supply("MUG", 10, "2026-12-01").await;
    let order = world.order("MUG", 2).await["id"].as_str().unwrap().to_owned();
    (world, order)
}

async fn write(world: &World, order: &str, message: Value) -> Value {
    world.post(&format!("/v1/orders/{order}/messages"), message).await.is(201)
}

async fn unread(world: &World) -> usize {
    world.get("/v1/messages?unread=true").await.is(200)["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_thread_has_both_sides_and_notes_and_the_ledger_none_of_the_words() {
    let (world, order) = shop().await;
    write(&world, &order, json!({"by": "customer", "text": "Where is my mug?\nI need it by Friday."})).await;
    assert_eq!(unread(&world).await, 1);
    write(&world, &order, json!({"by": "note", "who": "Mia", "text": "asked the factory"})).await;
    assert_eq!(unread(&world).await, 1, "a note answers nobody");
    write(&world, &order, json!({"who": "Mia", "text": "It ships next week."})).await;
    assert_eq!(unread(&world).await, 0, "who answers has read");
    let thread = world.get(&format!("/v1/orders/{order}/messages")).await.is(200);
    let by: Vec<&Value> = thread["items"].as_array().unwrap().iter().map(|item| &item["by"]).collect();
    assert_eq!(by, [&json!("customer"), &json!("note"), &json!("shop")]);
    let ledger = world.get("/v1/events?limit=500").await.is(200);
    let written =
        ledger["items"].as_array().unwrap().iter().filter(|event| event["kind"] == "message_written");
    assert_eq!(written.count(), 3);
    assert!(!ledger.to_string().contains("factory") && !ledger.to_string().contains("Friday"));

    world.post("/v1/test/run-due", json!({})).await.is(200);
    let mails = world.mails();
    assert_eq!(mails.len(), 1, "the shop's answer, and no note");
    assert!(mails[0].subject.starts_with("About your order"));
    assert!(mails[0].text.contains("It ships next week.") && mails[0].text.contains("/o/"));
    world.verify();
    // All of it is known of the customer, and goes with the name.
    let ada = json!({"email": "ada@example.com"});
    world.post("/v1/privacy/erase", ada).await.is(200);
    assert_eq!(world.get(&format!("/v1/orders/{order}/messages")).await.is(200)["items"], json!([]));
}

#[tokio::test]
async fn a_canned_answer_knows_the_name_the_number_and_the_date() {
    let (world, _) = shop().await;
    let placed = json!({"reference": "1001", "lines": [{"sku": "MUG", "quantity": 1}],
        "customer": {"email": "ada@example.com", "name": "Ada Lovelace", "country": "US", "locale": "fr"}});
    let order = world.post("/v1/orders", placed).await.is(201)["id"].as_str().unwrap().to_owned();
    let path = "/v1/settings/answers/where-is-it";
    world.put(path, json!({"text": "Dear {name}, {number} ships by {ship_by}."})).await.is(200);
    let said = write(&world, &order, json!({"canned": "where-is-it"})).await;
    assert_eq!(said["text"], "Dear Ada, 1001 ships by 2026-12-07.");
    world.post("/v1/test/run-due", json!({})).await.is(200);
    assert_eq!(&*world.mails()[0].subject, "À propos de votre commande 1001");
    assert_eq!(world.get("/v1/settings/answers").await.is(200)["items"][0]["name"], "where-is-it");
    world.send(Call::new("DELETE", path)).await.is(204);
    world.send(Call::new("DELETE", path)).await.fails(404, "not_found");
    let gone = world.post(&format!("/v1/orders/{order}/messages"), json!({"canned": "where-is-it"})).await;
    gone.fails(422, "invalid");
}

#[tokio::test]
async fn nobody_floods_the_shop_and_what_makes_no_sense_is_named() {
    let (world, order) = shop().await;
    let path = format!("/v1/orders/{order}/messages");
    for _ in 0..10 {
        write(&world, &order, json!({"by": "customer", "text": "Well?"})).await;
    }
    world.post(&path, json!({"by": "customer", "text": "Well?"})).await.fails(409, "too_many_messages");
    world.post(&format!("{path}/read"), json!({})).await.is(204);
    assert_eq!(unread(&world).await, 0);
    write(&world, &order, json!({"by": "customer", "text": "Well?"})).await;
    let long = "x".repeat(5_001);
    for body in [
        json!({}),
        json!({"text": " "}),
        json!({"text": long}),
        json!({"text": "a\u{7}b"}),
        json!({"text": "a", "canned": "b"}),
    ] {
        world.post(&path, body).await.fails(422, "invalid");
    }
    let none = "/v1/orders/ord_01920000000070008000000000000002/messages";
    world.post(none, json!({"text": "hello"})).await.fails(404, "not_found");
    world.get(none).await.fails(404, "not_found");
    world.verify();
}

#[tokio::test]
async fn who_waits_is_asked_once_and_the_last_answer_counts() {
    let (world, _) = shop().await;
    world.order("MUG", 1).await;
    let ben = json!({"lines": [{"sku": "MUG", "quantity": 1}], "customer": {"email": "ben@example.com", "locale": "es"}});
    world.post("/v1/orders", ben).await.is(201);
    world.post("/v1/orders", json!({"lines": [{"sku": "MUG", "quantity": 1}]})).await.is(201);
    let wish = json!({"sku": "MUG", "text": "What shall we make next?", "choices": ["A bowl", "A jug"]});
    let asked = world.post("/v1/questions", wish).await.is(201);
    assert_eq!(asked["asked"], 2, "Ada has two orders, and one has no address");
    world.post("/v1/test/run-due", json!({})).await.is(200);
    let mails = world.mails();
    assert_eq!(mails.len(), 2);
    assert!(mails.iter().any(|mail| &*mail.subject == "Una pregunta para usted"));
    let link = |mail: &engine::notices::Spoken| {
        let link = mail.text.lines().find(|line| line.contains("/q/")).unwrap();
        link.strip_prefix("http://shop.test").unwrap().to_owned()
    };
    let links: Vec<String> = mails.iter().map(link).collect();
    world.page(&links[0]).await.says("A jug");
    for (link, choice) in [(&links[0], "0"), (&links[0], "1"), (&links[1], "1")] {
        assert_eq!(world.form(link, &format!("choice={choice}")).await.status, 303);
    }
    for wrong in ["choice=2", "choice=x", ""] {
        assert_eq!(world.form(&links[0], wrong).await.status, 400);
    }
    let path = format!("/v1/questions/{}", asked["id"].as_str().unwrap());
    let counted = world.get(&path).await.is(200);
    assert_eq!(
        counted["answers"],
        json!([{"choice": "A bowl", "count": 0}, {"choice": "A jug", "count": 2}])
    );
    assert_eq!(counted["answered"], 2);
    for body in [
        json!({"sku": "MUG", "text": "Well?", "choices": ["Yes"]}),
        json!({"sku": "MUG", "text": "Well?", "choices": ["Yes", "Yes"]}),
        json!({"sku": "NONE", "text": "Well?", "choices": ["Yes", "No"]}),
    ] {
        world.post("/v1/questions", body).await.fails(422, "invalid");
    }
    world.verify();
}

#[tokio::test]
async fn a_customer_writes_on_the_orders_page_and_reads_the_answer_there() {
    let (world, order) = shop().await;
    let status = world.get(&format!("/v1/orders/{order}")).await.is(200)["status_url"].clone();
    let page = status.as_str().unwrap().strip_prefix("http://shop.test").unwrap().to_owned();
    world.page(&page).await.says("Write to us");
    assert_eq!(unread(&world).await, 0, "looking changes nothing");
    let sent = world.form(&format!("{page}/message"), "text=Is+it+%3Cb%3Eblue%3C%2Fb%3E%3F&once=").await;
    assert_eq!(sent.status, 303);
    assert_eq!(unread(&world).await, 1);
    write(&world, &order, json!({"by": "note", "text": "secret of the shop"})).await;
    write(&world, &order, json!({"who": "Mia", "text": "As the sea."})).await;
    let shown = world.page(&page).await;
    shown.says("As the sea.");
    shown.says("Is it &#60;b&#62;blue&#60;/b&#62;?");
    assert!(!String::from_utf8_lossy(&shown.bytes).contains("secret of the shop"));
    for wrong in ["text=", "text=++", "text=%07"] {
        assert_eq!(world.form(&format!("{page}/message"), wrong).await.status, 409);
    }
    world.verify();
}

#[tokio::test]
async fn reading_without_an_answer_is_an_entry_so_that_lists_look_again() {
    let (world, order) = shop().await;
    write(&world, &order, json!({"by": "customer", "text": "Thank you!"})).await;
    let newest = || async {
        let events = world.get("/v1/events?limit=500").await.is(200);
        events["items"].as_array().unwrap().last().unwrap().clone()
    };
    let path = format!("/v1/orders/{order}/messages/read");
    let read = || world.post(&path, json!({}));
    read().await.is(204);
    assert_eq!(unread(&world).await, 0);
    let entry = newest().await;
    assert_eq!((&entry["order"], &entry["data"]), (&json!(order), &json!({"messages_read": 1})));
    read().await.is(204);
    assert_eq!(newest().await["seq"], entry["seq"], "nothing was left to read");
    world.verify();
}
