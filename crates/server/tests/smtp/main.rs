//! Mail through a mail server that somebody else wrote: aiosmtpd, which answers as scripted, here and there for now or for good.
#![allow(clippy::unwrap_used)]

#[path = "../api/meets.rs"]
#[allow(dead_code)]
mod meets;
mod post;
#[path = "../api/world.rs"]
#[allow(dead_code)]
mod world;

use connect::smtp::Mailer;
use serde_json::{Value, json};
use server::mail::Post;

use crate::{
    post::PostOffice,
    world::{Call, World},
};

const NOW: &str = "2026-11-23T14:00:00Z";

/// A shop that mails through a server, whose customers wait for mugs that have slipped: each has a notice that was sent.
async fn told(office: &PostOffice, customers: &[&str]) -> World {
    let mailer = Mailer::new(&office.url, "Shop <orders@shop.example>", 4).unwrap();
    let world = World::posting(Post::smtp(mailer, 4));
    world.with_mug().await;
    let supply = world.supply("MUG", 100, "2026-12-01").await;
    for customer in customers {
        let order = json!({"lines": [{"sku": "MUG", "quantity": 1}],
            "customer": {"email": format!("{customer}@example.com"), "country": "US"}});
        world.post("/v1/orders", order).await.is(201);
    }
    world.patch(&format!("/v1/supplies/{supply}"), json!({"expected_on": "2026-12-20"})).await.is(200);
    let told = world.post("/v1/notices/send", json!({"all": true})).await.is(200);
    assert_eq!(told["sent"].as_array().unwrap().len(), customers.len(), "{told}");
    run_due(&world, NOW).await;
    world
}

async fn run_due(world: &World, now: &str) {
    world.send(Call::post("/v1/test/run-due", &json!({})).at(now)).await.is(200);
}

/// The notice of a customer, and whether the promise that it tells counts as told.
async fn notice(world: &World, customer: &str) -> (Value, bool) {
    let email = format!("{customer}@example.com");
    let order = world.get(&format!("/v1/orders?email={email}")).await.is(200)["items"][0].clone();
    let id = order["id"].as_str().unwrap();
    let notices = world.get(&format!("/v1/notices?order={id}")).await.is(200);
    let promises = world.get(&format!("/v1/orders/{id}/promises")).await.is(200);
    let last = promises["items"].as_array().unwrap().last().unwrap().clone();
    (notices["items"][0].clone(), last["told_at"].is_string())
}

#[tokio::test]
async fn orders_since_there_is_a_mail_server_are_confirmed_and_those_before_it_are_not() {
    let office = PostOffice::open();
    let mailer = Mailer::new(&office.url, "Shop <orders@shop.example>", 1).unwrap();
    let world = World::posting(Post::smtp(mailer, 1));
    let order = |customer: &str| json!({"lines": [{"sku": "MUG", "quantity": 1}], "customer": {"email": format!("{customer}@example.com")}});
    world.with_mug().await;
    world.stock("MUG", 9).await;
    world.post("/v1/orders", order("before")).await.is(201);
    // The first look; the orders after it are there before the second.
    run_due(&world, NOW).await;
    let later = "2026-11-23T14:00:01Z";
    world.send(Call::post("/v1/orders", &order("since")).at(later)).await.is(201);
    run_due(&world, "2026-11-23T14:00:02Z").await;
    let to: Vec<String> = office.close().into_iter().map(|taken| taken.to).collect();
    assert_eq!(to, ["since@example.com"]);
}

#[tokio::test]
async fn the_first_orders_of_a_shop_that_begins_after_its_server_are_confirmed() {
    let office = PostOffice::open();
    let mailer = Mailer::new(&office.url, "Shop <orders@shop.example>", 1).unwrap();
    let world = World::posting(Post::smtp(mailer, 1));
    // Nothing is there to look at yet.
    run_due(&world, NOW).await;
    world.with_mug().await;
    world.stock("MUG", 9).await;
    let order = json!({"lines": [{"sku": "MUG", "quantity": 1}], "customer": {"email": "first@example.com"}});
    world.send(Call::post("/v1/orders", &order).at("2026-11-23T14:00:01Z")).await.is(201);
    run_due(&world, "2026-11-23T14:00:02Z").await;
    assert_eq!(office.close().len(), 1);
}

#[tokio::test]
async fn each_mail_arrives_once_whatever_the_server_says_first() {
    let office = PostOffice::open();
    let world = told(&office, &["fine", "busy-rcpt-2", "busy-data-1", "cut-1"]).await;
    let (fine, is_told) = notice(&world, "fine").await;
    assert_eq!((&fine["state"], &fine["sent_at"], is_told), (&json!("sent"), &json!(NOW), true));
    for waiting in ["busy-rcpt-2", "busy-data-1", "cut-1"] {
        let (notice, is_told) = notice(&world, waiting).await;
        assert_eq!(
            (&notice["state"], is_told),
            (&json!("sending"), false),
            "{waiting}: not taken is not told"
        );
    }
    // Not before its time.
    run_due(&world, "2026-11-23T14:00:59Z").await;
    assert!(!notice(&world, "busy-data-1").await.1);
    run_due(&world, "2026-11-23T14:01:00Z").await;
    let (second, is_told) = notice(&world, "busy-data-1").await;
    assert_eq!(
        (&second["state"], &second["sent_at"], is_told),
        (&json!("sent"), &json!("2026-11-23T14:01:00Z"), true)
    );
    assert!(notice(&world, "cut-1").await.1);
    assert!(!notice(&world, "busy-rcpt-2").await.1, "refused for now twice");
    run_due(&world, "2026-11-23T14:06:00Z").await;
    assert!(notice(&world, "busy-rcpt-2").await.1);
    run_due(&world, "2026-11-24T14:06:00Z").await;
    world.verify();

    let taken = office.close();
    let of = |customer: &str| -> Vec<&post::Taken> {
        taken.iter().filter(|mail| mail.to == format!("{customer}@example.com")).collect()
    };
    for customer in ["fine", "busy-rcpt-2", "busy-data-1"] {
        assert_eq!(of(customer).len(), 1, "{customer}: {taken:?}");
    }
    // Where the talk broke off after the server had it, it is sent again under the same name, by which its receiver can tell.
    let twice = of("cut-1");
    assert_eq!(twice.len(), 2, "{taken:?}");
    assert_eq!(twice[0].id, twice[1].id);
    let mut ids: Vec<&str> = taken.iter().map(|mail| &*mail.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4, "no two mails have the same name");
    assert!(
        taken
            .iter()
            .all(|mail| mail.subject.contains("new date") && mail.forms == ["text/plain", "text/html"]),
        "{taken:?}"
    );
}

#[tokio::test]
async fn what_the_server_refuses_for_good_told_nobody() {
    let office = PostOffice::open();
    let world = told(&office, &["never-rcpt", "never-data", "fine"]).await;
    for refused in ["never-rcpt", "never-data"] {
        let (notice, is_told) = notice(&world, refused).await;
        assert_eq!(
            (&notice["state"], &notice["failure"]["code"]),
            (&json!("draft"), &json!("rejected")),
            "{notice}"
        );
        assert!(!is_told && notice["sent_at"].is_null(), "by the law nobody was told");
    }
    // It is not tried again by itself: somebody must see to it.
    for later in ["2026-11-23T16:00:00Z", "2026-11-24T14:00:00Z"] {
        run_due(&world, later).await;
    }
    world.verify();
    let taken = office.close();
    assert_eq!(taken.iter().map(|mail| &*mail.to).collect::<Vec<_>>(), ["fine@example.com"]);
}

#[tokio::test]
async fn a_server_that_is_gone_is_tried_until_it_is_back() {
    let office = PostOffice::open();
    let url = office.url.clone();
    drop(office.close());
    let gone = PostOffice::at(&url);
    let world = told(&gone, &["fine"]).await;
    assert!(!notice(&world, "fine").await.1);
    // For two days and a half; then somebody must see to it.
    let hours = [1, 2, 6, 12, 24, 36, 60, 96];
    for hour in hours {
        let at: model::time::Timestamp = NOW.parse().unwrap();
        let at = model::time::seconds_after(at, hour * 3_600).unwrap();
        run_due(&world, &at.to_string()).await;
    }
    run_due(&world, "2026-12-01T09:00:00Z").await;
    let (notice, is_told) = notice(&world, "fine").await;
    assert_eq!((&notice["failure"]["code"], is_told), (&json!("expired"), false), "{notice}");
    world.verify();
}
