//! Webhooks, taken by a server of its own and verified by the specification's own library.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::State, http::HeaderMap, response::IntoResponse, routing::post};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::world::{Call, World, world};

/// A status, and how long to wait.
type Say = (u16, Option<&'static str>);

#[derive(Clone, Default)]
struct Receiver {
    taken: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    /// What it answers, one after the other; then 204.
    answers: Arc<Mutex<VecDeque<Say>>>,
}

impl Receiver {
    /// Listens on a free port; answers where.
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().route("/hook", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn will_say(&self, answers: &[Say]) {
        self.answers.lock().unwrap().extend(answers);
    }

    /// What came since this was last asked, in the order of the entries.
    fn came(&self) -> Vec<(HeaderMap, String)> {
        let mut came = std::mem::take(&mut *self.taken.lock().unwrap());
        came.sort_by_key(|(_, body)| seq(body));
        came
    }

    fn kinds(&self) -> Vec<String> {
        let kind = |body: &str| json_of(body)["type"].as_str().unwrap().to_owned();
        self.came().iter().map(|(_, body)| kind(body)).collect()
    }
}

fn json_of(body: &str) -> Value {
    serde_json::from_str(body).unwrap()
}

fn seq(body: &str) -> i64 {
    json_of(body)["data"]["seq"].as_i64().unwrap()
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> impl IntoResponse {
    let (status, later) = receiver.answers.lock().unwrap().pop_front().unwrap_or((204, None));
    receiver.taken.lock().unwrap().push((headers, body));
    let later = later.map(|seconds| [("retry-after", seconds)]);
    (axum::http::StatusCode::from_u16(status).unwrap(), later.unwrap_or([("x-none", "")]))
}

/// Whether one of a message's signatures is the one that the specification's own library makes. Its `verify` would hold the
/// time against the machine's clock.
fn is_signed_by(secret: &str, headers: &HeaderMap, body: &str) -> bool {
    let header = |name: &str| headers[name].to_str().unwrap();
    let seconds = header("webhook-timestamp").parse().unwrap();
    let signed = Webhook::new(secret).unwrap().sign(header("webhook-id"), seconds, body.as_bytes()).unwrap();
    header("webhook-signature").split(' ').any(|signature| signature == signed)
}

/// Runs what is due at a time of day.
async fn run(world: &World, at: &str) {
    let call = Call::post("/v1/test/run-due", &json!({})).at(&format!("2026-11-{at}Z"));
    world.send(call).await.is(200);
}

async fn told(world: &World, hook: &Value) -> Value {
    world.get(&format!("/v1/webhooks/{}", hook["id"].as_str().unwrap())).await.is(200)
}

async fn deliveries(world: &World, hook: &Value) -> Vec<Value> {
    let path = format!("/v1/webhooks/{}/deliveries", hook["id"].as_str().unwrap());
    world.get(&path).await.is(200)["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_happens_is_sent_once_signed_and_says_what_the_ledger_says() {
    let (world, receiver) = (world(), Receiver::default());
    world.with_mug().await;
    let url = receiver.listen().await;
    let wish = json!({"url": url, "events": ["order_placed", "supply_added"]});
    let hook = world.post("/v1/webhooks", wish).await.is(201);
    let secret = hook["secret"].as_str().unwrap();
    world.supply("MUG", 10, "2026-12-01").await;
    world.order("MUG", 2).await;
    run(&world, "23T14:01:00").await;
    let came = receiver.came();
    for (headers, body) in &came {
        assert!(is_signed_by(secret, headers, body));
        assert!(!is_signed_by(secret, headers, &format!("{body} ")));
        let said = json_of(body);
        let seq = said["data"]["seq"].as_i64().unwrap();
        let entry =
            world.get(&format!("/v1/events?after={}&limit=1", seq - 1)).await.is(200)["items"][0].clone();
        assert_eq!(
            (&said["data"], &said["type"], &said["timestamp"]),
            (&entry, &entry["kind"], &entry["at"])
        );
        assert_eq!(headers["webhook-id"], format!("evt_{seq}").as_str());
    }
    let kinds: Vec<Value> = came.iter().map(|(_, body)| json_of(body)["type"].clone()).collect();
    assert_eq!(kinds, [json!("supply_added"), json!("order_placed")], "and no other kind");
    assert!(
        came.iter().all(|(_, body)| !body.contains("ada@example.com")),
        "nobody's address leaves the house"
    );
    run(&world, "23T14:01:10").await;
    assert!(receiver.came().is_empty(), "once");
    let shown = told(&world, &hook).await;
    assert!(shown.get("secret").is_none());
    world.verify();
}

#[tokio::test]
async fn what_is_not_taken_comes_again_under_the_same_id_until_it_is_or_has_failed() {
    let (world, receiver) = (world(), Receiver::default());
    world.with_mug().await;
    let url = receiver.listen().await;
    let hook = world.post("/v1/webhooks", json!({"url": url, "events": ["supply_added"]})).await.is(201);
    world.supply("MUG", 10, "2026-12-01").await;
    receiver.will_say(&[(500, None), (503, Some("600")), (302, None)]);
    run(&world, "23T14:01:00").await;
    let first = receiver.came();
    let waiting = deliveries(&world, &hook).await;
    assert_eq!((&waiting[0]["failure"], &waiting[0]["tries"]), (&json!("500"), &json!(1)));
    assert_eq!(waiting[0]["state"], "waiting");
    run(&world, "23T14:01:02").await;
    assert!(receiver.came().is_empty(), "not yet");
    run(&world, "23T14:02:00").await;
    let second = receiver.came();
    assert_eq!(first[0].0["webhook-id"], second[0].0["webhook-id"]);
    assert_ne!(
        first[0].0["webhook-timestamp"], second[0].0["webhook-timestamp"],
        "each try says when it is made"
    );
    run(&world, "23T14:08:00").await;
    assert!(receiver.came().is_empty(), "it asked for ten minutes");
    // Another endpoint's trouble holds nothing up.
    world.supply("MUG", 5, "2026-12-05").await;
    receiver.will_say(&[]);
    run(&world, "23T14:13:00").await;
    assert_eq!(receiver.came().len(), 2);
    assert_eq!(deliveries(&world, &hook).await.len(), 1, "a redirect is not followed and takes nothing");
    run(&world, "23T15:00:00").await;
    assert_eq!((receiver.came().len(), deliveries(&world, &hook).await.len()), (1, 0));

    // What nobody takes for days has failed, and is told again when somebody asks.
    world.supply("MUG", 6, "2026-12-06").await;
    receiver.will_say(&[(500, None); 10]);
    for day in 23..30 {
        for hour in 0..24 {
            run(&world, &format!("{day}T{hour:02}:59:00")).await;
        }
    }
    let failed = deliveries(&world, &hook).await;
    assert_eq!((&failed[0]["state"], &failed[0]["tries"]), (&json!("failed"), &json!(10)));
    assert_eq!((failed[0]["next_at"].clone(), receiver.came().len()), (Value::Null, 10));
    let after = failed[0]["seq"].as_i64().unwrap() - 1;
    let replay = format!("/v1/webhooks/{}/replay", hook["id"].as_str().unwrap());
    let queued = world.post(&replay, json!({"after": after})).await.is(200);
    assert_eq!(queued["queued"], 1);
    run(&world, "30T00:00:00").await;
    assert_eq!(
        (receiver.kinds(), deliveries(&world, &hook).await),
        (vec!["supply_added".to_owned()], vec![])
    );
    world.verify();
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_told_no_more_until_it_is_back() {
    let (world, receiver) = (world(), Receiver::default());
    world.with_mug().await;
    let hook = json!({"url": receiver.listen().await, "events": ["supply_added"]});
    let hook = world.post("/v1/webhooks", hook).await.is(201);
    world.supply("MUG", 10, "2026-12-01").await;
    receiver.will_say(&[(410, None)]);
    run(&world, "23T14:01:00").await;
    let gone = told(&world, &hook).await;
    assert_eq!((&gone["enabled"], &gone["disabled"]), (&json!(false), &json!("gone")));
    receiver.came();
    world.supply("MUG", 5, "2026-12-05").await;
    run(&world, "23T15:01:00").await;
    assert!(receiver.came().is_empty());
    let path = format!("/v1/webhooks/{}", hook["id"].as_str().unwrap());
    world.patch(&path, json!({"enabled": true})).await.is(200);
    run(&world, "23T15:02:00").await;
    assert_eq!(receiver.came().len(), 2, "it begins again where it stopped");
    world.send(Call::new("DELETE", &path)).await.is(204);
    world.supply("MUG", 7, "2026-12-07").await;
    run(&world, "23T15:03:00").await;
    assert!(receiver.came().is_empty());
    world.get(&path).await.fails(404, "not_found");
}

#[tokio::test]
async fn for_a_day_both_secrets_sign() {
    let (world, receiver) = (world(), Receiver::default());
    world.with_mug().await;
    let hook = json!({"url": receiver.listen().await, "events": ["supply_added"]});
    let hook = world.post("/v1/webhooks", hook).await.is(201);
    let turn = format!("/v1/webhooks/{}/secret", hook["id"].as_str().unwrap());
    let turned = world.post(&turn, json!({})).await.is(200);
    let secrets = [&hook, &turned].map(|hook| hook["secret"].as_str().unwrap().to_owned());
    assert_ne!(secrets[0], secrets[1]);
    let good = |(headers, body): &(HeaderMap, String)| {
        secrets.clone().map(|secret| is_signed_by(&secret, headers, body))
    };
    world.supply("MUG", 10, "2026-12-01").await;
    run(&world, "23T15:00:00").await;
    assert_eq!(good(&receiver.came()[0]), [true, true]);
    world.supply("MUG", 10, "2026-12-02").await;
    run(&world, "25T15:00:00").await;
    assert_eq!(good(&receiver.came()[0]), [false, true]);
}

#[tokio::test]
async fn nothing_is_sent_into_our_own_network_and_what_makes_no_sense_is_named() {
    let world = World::guarded();
    world.with_mug().await;
    for (wish, pointer, code) in [
        (json!({"url": "http://127.0.0.1:9/"}), "/url", "private_address"),
        (json!({"url": "http://localhost/"}), "/url", "private_address"),
        (json!({"url": "https://[::1]/"}), "/url", "private_address"),
        (json!({"url": "http://169.254.169.254/latest/meta-data"}), "/url", "private_address"),
        (json!({"url": "ftp://example.com/"}), "/url", "form"),
        (json!({"url": "https://me:word@example.com/"}), "/url", "form"),
        (
            json!({"url": "https://example.com/", "events": ["order_placed", "weather"]}),
            "/events/1",
            "unknown_value",
        ),
        (json!({"url": "https://example.com/", "secret": "hush"}), "/secret", "form"),
    ] {
        let problem = world.post("/v1/webhooks", wish.clone()).await.fails(422, "invalid");
        let named = &problem["errors"][0];
        assert_eq!((&named["pointer"], &named["code"]), (&json!(pointer), &json!(code)), "{wish}");
    }
    // A name that looks harmless and points inside: what it points to is looked at when it is sent.
    let hook = json!({"url": "http://localtest.invalid/", "events": ["supply_added"]});
    let hook = world.post("/v1/webhooks", hook).await.is(201);
    world.supply("MUG", 10, "2026-12-01").await;
    run(&world, "23T14:01:00").await;
    let waiting = deliveries(&world, &hook).await;
    assert_eq!(waiting[0]["state"], "waiting");
    world.get("/v1/webhooks/wh_none").await.fails(404, "not_found");
    world.send(Call::get("/v1/webhooks").key(crate::world::CHECKOUT)).await.fails(403, "publishable_key");
    world.send(Call::get("/v1/webhooks").key(crate::world::STRANGER)).await.is(200)["items"]
        .as_array()
        .unwrap()
        .is_empty()
        .then_some(())
        .expect("another shop's are not shown");
}
