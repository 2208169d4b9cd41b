//! Cards are saved, charged when goods ship, declined, held and captured; money goes back; nothing twice.

use std::{sync::Arc, time::Duration};

use connect::stripe::Stripe;
use model::time::{Timestamp, seconds_after};
use serde_json::{Value, json};
use server::payments::Payments;

use crate::{
    client::Client,
    local::LocalStripe,
    proxy::{Fault, Proxy},
    world::{Call, NOW, World},
};

const SECRET: &str = "whsec_local";
const DAY_S: i64 = 86_400;

struct Shop {
    world: World,
    proxy: Proxy,
    local: LocalStripe,
    now: Timestamp,
}

impl Shop {
    async fn open() -> Self {
        let local = tokio::task::spawn_blocking(LocalStripe::start).await.unwrap();
        let now: Timestamp = NOW.parse().unwrap();
        let proxy = Proxy::start(&local.url, now.as_second() + 5 * DAY_S).await;
        let stripe = Stripe::new("sk_test_shop", &proxy.url, Duration::from_secs(20)).unwrap();
        let payments = Payments {
            provider: Some(Arc::new(stripe)),
            webhook_secret: Some(SECRET.into()),
            publishable_key: Some("pk_test_shop".into()),
        };
        let world = World::paying(payments);
        world.with_mug().await;
        Self { world, proxy, local, now }
    }

    async fn plan(&self, payment: &str) {
        let payment = json!({"kind": payment, "provider": "stripe"});
        let policy = json!({"when_out": "backorder", "backorder_cap": "unlimited", "lead_time_days": 60, "payment": payment});
        self.world.put("/v1/skus/MUG/policies/default", policy).await.is(200);
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let reply = self.world.send(Call::post(path, &body).at(&self.now.to_string())).await;
        assert!(reply.status.is_success(), "{path}: {}", String::from_utf8_lossy(&reply.bytes));
        reply.json()
    }

    async fn later(&mut self, seconds: i64) {
        self.now = seconds_after(self.now, seconds).unwrap();
        self.post("/v1/test/run-due", json!({})).await;
    }

    async fn order(&mut self, units: i64) -> String {
        let order = self.post("/v1/orders", crate::world::order("MUG", units)).await;
        self.later(0).await;
        order["id"].as_str().unwrap().to_owned()
    }

    async fn money(&self, order: &str) -> Value {
        let account = self.world.get(&format!("/v1/orders/{order}/payments")).await.is(200);
        let of = |field: &str| account[field]["amount"].as_i64().unwrap();
        assert_eq!(of("captured") - of("refunded"), of("earned") + of("prepaid"), "{account}");
        account
    }

    async fn amounts(&self, order: &str) -> [i64; 3] {
        let account = self.money(order).await;
        ["captured", "refunded", "earned"].map(|field| account[field]["amount"].as_i64().unwrap())
    }

    /// The provider's name of what the customer is waited for with.
    async fn waits_for(&self, order: &str) -> String {
        let account = self.money(order).await;
        let secret =
            account["items"].as_array().unwrap().iter().find_map(|item| item["client_secret"].as_str());
        secret.unwrap_or_else(|| panic!("{account}")).split("_secret_").next().unwrap().to_owned()
    }

    /// The customer saves a card in the browser.
    async fn saves(&mut self, order: &str, card: &str) {
        let intent = self.waits_for(order).await;
        let body = json!({"payment_method_data": {"type": "card", "card":
            {"number": card, "exp_month": "12", "exp_year": "2030", "cvc": "123"}}});
        self.local.post(&format!("/v1/setup_intents/{intent}/confirm"), &body);
        self.later(60).await;
    }

    /// The customer pays in the browser; answers the intent.
    async fn pays(&mut self, order: &str) -> String {
        let intent = self.waits_for(order).await;
        let fresh = json!({"payment_method": "pm_card_visa", "latest_charge": null});
        self.local.post(&format!("/v1/payment_intents/{intent}"), &fresh);
        self.local.post(&format!("/v1/payment_intents/{intent}/confirm"), &json!({}));
        intent
    }

    async fn release(&self) -> Value {
        self.post("/v1/releases", json!({"location": "east"})).await["lines"].clone()
    }

    /// What there is at the provider of an order: its charges that came, and what went back of them.
    fn at_provider(&self, order: &str) -> (Vec<i64>, Vec<i64>) {
        let all = self.local.get("/v1/payment_intents?limit=1000");
        let of = all["data"].as_array().unwrap().iter().filter(|intent| {
            intent["metadata"]["shipwhen_order"] == order && intent["status"] == "succeeded"
        });
        let (mut came, mut went) = (Vec::new(), Vec::new());
        for intent in of {
            came.push(intent["amount"].as_i64().unwrap());
            let path = format!("/v1/refunds?payment_intent={}&limit=100", intent["id"].as_str().unwrap());
            let refunds = self.local.get(&path);
            went.extend(
                refunds["data"].as_array().unwrap().iter().map(|back| back["amount"].as_i64().unwrap()),
            );
        }
        went.sort_unstable();
        (came, went)
    }
}

#[tokio::test]
async fn a_card_is_saved_now_and_charged_when_the_goods_ship() {
    let mut shop = Shop::open().await;
    shop.plan("charge_on_ship").await;
    let order = shop.order(4).await;
    shop.saves(&order, "4242424242424242").await;
    assert_eq!(shop.at_provider(&order), (vec![], vec![]), "nothing is taken yet");
    shop.world.stock("MUG", 4).await;
    assert_eq!(shop.release().await, json!([]));
    // The charge goes through, and nobody hears of it: it is found by its key, not made again.
    shop.proxy.faults(&[Some(Fault::AnswerLost)]);
    shop.later(0).await;
    assert_eq!(shop.amounts(&order).await, [0, 0, 0]);
    shop.later(30).await;
    assert_eq!(shop.amounts(&order).await, [6_000, 0, 0]);
    assert_eq!(shop.at_provider(&order), (vec![6_000], vec![]), "once");
    assert_eq!(shop.release().await[0]["quantity"], 4);
    shop.post("/v1/shipments", json!({"order": order})).await;
    shop.later(10 * DAY_S).await;
    assert_eq!(shop.amounts(&order).await, [6_000, 0, 6_000]);
    assert_eq!(shop.at_provider(&order), (vec![6_000], vec![]));
    shop.world.verify();
}

#[tokio::test]
async fn another_card_is_saved_on_the_orders_page_and_charged_instead_of_the_first() {
    let mut shop = Shop::open().await;
    shop.plan("charge_on_ship").await;
    let placed = shop.post("/v1/orders", crate::world::order("MUG", 2)).await;
    shop.later(0).await;
    let order = placed["id"].as_str().unwrap();
    shop.saves(order, "4242424242424242").await;
    let own = placed["status_url"].as_str().unwrap().trim_start_matches("http://shop.test").to_owned();
    let form = Call::new("POST", &format!("{own}/card")).text("").key("");
    let form = form.with("content-type", "application/x-www-form-urlencoded").at(&shop.now.to_string());
    assert_eq!(shop.world.send(form).await.header("location"), format!("{own}/pay"));
    // The answer is lost, and Stripe is asked under the same key: one form, not two.
    shop.proxy.faults(&[Some(Fault::AnswerLost)]);
    shop.later(0).await;
    shop.later(30).await;
    let page = shop.world.page(&format!("{own}/pay")).await;
    let text = String::from_utf8_lossy(&page.bytes).into_owned();
    let secret = text.split("data-secret=\"").nth(1).unwrap_or_else(|| panic!("{text}"));
    let intent = secret.split("_secret_").next().unwrap().to_owned();
    let card = json!({"payment_method_data": {"type": "card", "card":
        {"number": "5555555555554444", "exp_month": "1", "exp_year": "2031", "cvc": "321"}}});
    let saved = shop.local.post(&format!("/v1/setup_intents/{intent}/confirm"), &card);
    let method = saved["payment_method"].as_str().unwrap_or_else(|| panic!("{saved}")).to_owned();
    shop.later(600).await;
    shop.world.stock("MUG", 2).await;
    assert_eq!(shop.release().await, json!([]));
    shop.later(0).await;
    assert_eq!(shop.amounts(order).await, [3_000, 0, 0]);
    let all = shop.local.get("/v1/payment_intents?limit=1000");
    let charged = &all["data"].as_array().unwrap()[0];
    assert_eq!(charged["payment_method"].as_str(), Some(&*method), "{charged}");
    shop.world.verify();
}

/// The shop's front end and its bookkeeper use Stripe's own client; what it makes is charged by us, and what we did it finds.
#[tokio::test(flavor = "multi_thread")]
async fn stripes_own_client_saves_the_card_and_finds_what_was_taken_and_given_back() {
    let mut shop = Shop::open().await;
    let mut client = Client::start(&shop.proxy.url);
    shop.plan("charge_on_ship").await;
    let order = shop.order(4).await;
    // The checkout: a card from the customer's browser, and our intent confirmed with it.
    let intent = shop.waits_for(&order).await;
    let card = json!({"type": "card", "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"}});
    let method = client.does("payment_methods.create", "", &card)["id"].clone();
    let saved = client.does("setup_intents.confirm", &intent, &json!({"payment_method": method}));
    assert_eq!((&saved["status"], &saved["payment_method"]), (&json!("succeeded"), &method));
    shop.later(60).await;
    // One of the four is here: one is charged. Then the others are.
    let mut taken = Vec::new();
    for (came, sum) in [(1, 1_500), (3, 4_500)] {
        shop.world.stock("MUG", came).await;
        assert_eq!(shop.release().await, json!([]), "nothing goes unpaid");
        shop.later(0).await;
        taken.push(sum);
        assert_eq!(shop.release().await[0]["quantity"], came);
        shop.post("/v1/shipments", json!({"order": order})).await;
        let customer = client.does("setup_intents.retrieve", &intent, &json!({}))["customer"].clone();
        let found = client.does("payment_intents.list", "", &json!({"customer": customer, "limit": 100}));
        let mut sums: Vec<i64> = found["data"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|found| {
                found["status"] == "succeeded" && found["metadata"]["shipwhen_order"] == json!(order)
            })
            .map(|found| found["amount"].as_i64().unwrap())
            .collect();
        sums.sort_unstable();
        assert_eq!(sums, taken);
    }
    assert_eq!(shop.amounts(&order).await, [6_000, 0, 6_000]);
    // A favour goes back, and the client finds it; more than came does not go back by any client.
    shop.post(
        &format!("/v1/orders/{order}/payments"),
        json!({"kind": "refund", "amount": {"amount": 500, "currency": "USD"}}),
    )
    .await;
    shop.later(0).await;
    assert_eq!(shop.amounts(&order).await, [6_000, 500, 5_500]);
    let customer = client.does("setup_intents.retrieve", &intent, &json!({}))["customer"].clone();
    let intents = client.does("payment_intents.list", "", &json!({"customer": customer}));
    let mut back = Vec::new();
    for intent in intents["data"].as_array().unwrap() {
        let found = client.does("refunds.list", "", &json!({"payment_intent": intent["id"]}));
        back.extend(
            found["data"].as_array().unwrap().iter().map(|refund| refund["amount"].as_i64().unwrap()),
        );
        let over = json!({"payment_intent": intent["id"], "amount": intent["amount"].as_i64().unwrap() + 1});
        let (error, code) = client.fails("refunds.create", "", &over);
        assert_eq!((&*error, &*code), ("InvalidRequestError", "charge_already_refunded"));
    }
    assert_eq!(back, [500]);
    shop.world.verify();
}

#[tokio::test]
async fn a_declined_card_is_tried_on_the_same_intent_and_paid_by_a_link() {
    let mut shop = Shop::open().await;
    shop.plan("charge_on_ship").await;
    let order = shop.order(4).await;
    // It can be saved; to charge it is declined.
    shop.saves(&order, "4000000000000341").await;
    shop.world.stock("MUG", 4).await;
    shop.release().await;
    shop.later(0).await;
    let account = shop.money(&order).await;
    assert_eq!(
        (&account["items"][1]["state"], &account["items"][1]["attempts"]),
        (&json!("needs_customer"), &json!(1))
    );
    let intent = shop.waits_for(&order).await;
    shop.later(DAY_S).await;
    assert_eq!(shop.money(&order).await["items"][1]["attempts"], 2);
    assert_eq!(shop.waits_for(&order).await, intent, "the same intent: it can be paid once only");
    shop.pays(&order).await;
    shop.later(DAY_S).await;
    assert_eq!(shop.amounts(&order).await, [6_000, 0, 0]);
    assert_eq!(shop.at_provider(&order), (vec![6_000], vec![]));
    shop.world.verify();
}

#[tokio::test]
async fn a_card_that_asks_for_its_owner_is_paid_by_a_link_too() {
    let mut shop = Shop::open().await;
    shop.plan("charge_on_ship").await;
    let order = shop.order(1).await;
    shop.saves(&order, "4242424242424242").await;
    shop.world.stock("MUG", 4).await;
    shop.release().await;
    shop.proxy.faults(&[Some(Fault::Unavailable), Some(Fault::Lost)]);
    for wait in [0, 30, 120] {
        shop.later(wait).await;
    }
    assert_eq!(shop.at_provider(&order), (vec![1_500], vec![]), "once, the third time");
    assert_eq!(shop.amounts(&order).await, [1_500, 0, 0]);
}

#[tokio::test]
async fn what_is_paid_at_once_comes_by_a_message_and_goes_back_once() {
    let mut shop = Shop::open().await;
    shop.plan("full").await;
    let hook = json!({"url": format!("{}/hook", shop.proxy.url), "secret": SECRET});
    shop.local.post("/_config/webhooks/shop", &hook);
    let order = shop.order(4).await;
    let intent = shop.pays(&order).await;
    // Its own message, with its own signature, at its own time.
    let (headers, body) = shop.proxy.event().await;
    let signature = headers["stripe-signature"].to_str().unwrap().to_owned();
    let signed_at: i64 = signature.strip_prefix("t=").unwrap().split(',').next().unwrap().parse().unwrap();
    let at = Timestamp::from_second(signed_at).unwrap();
    let message = Call::new("POST", "/v1/webhooks/stripe/acme")
        .key("")
        .text(std::str::from_utf8(&body).unwrap())
        .with("stripe-signature", &signature)
        .at(&at.to_string());
    for _ in 0..2 {
        shop.world.send(message.clone()).await.is(200);
    }
    shop.now = at.max(shop.now);
    shop.later(0).await;
    assert_eq!(shop.amounts(&order).await, [6_000, 0, 0]);

    let line = shop.world.get(&format!("/v1/orders/{order}")).await.is(200)["lines"][0]["id"].clone();
    shop.proxy.faults(&[Some(Fault::AnswerLost)]);
    shop.post(&format!("/v1/orders/{order}/cancel"), json!({"lines": [{"id": line, "quantity": 1}]})).await;
    for wait in [0, 30, 120] {
        shop.later(wait).await;
    }
    assert_eq!(shop.amounts(&order).await, [6_000, 1_500, 0]);
    shop.post(&format!("/v1/orders/{order}/cancel"), json!({})).await;
    shop.later(0).await;
    assert_eq!(shop.amounts(&order).await, [6_000, 6_000, 0]);
    assert_eq!(shop.at_provider(&order), (vec![6_000], vec![1_500, 4_500]));

    // The proxy is as strict as Stripe: what was tested above could have failed.
    let over = [("payment_intent", intent.as_str()), ("amount", "1")];
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let url = format!("{}/v1/refunds", shop.proxy.url);
    let refused = tokio::task::spawn_blocking({
        let over = over.map(|(name, value)| (name, value.to_owned()));
        move || {
            let sent =
                agent.post(url).header("authorization", "Bearer sk_test_x").header("stripe-version", "x");
            let sent = sent
                .header("idempotency-key", "another")
                .send_form(over.iter().map(|(n, v)| (*n, v.as_str())));
            sent.unwrap().status().as_u16()
        }
    });
    assert_eq!(refused.await.unwrap(), 400, "more than came does not go back");
    shop.world.verify();
}

#[tokio::test]
async fn what_is_set_aside_is_captured_in_time_or_let_go() {
    let mut shop = Shop::open().await;
    shop.plan("authorise").await;
    let taken = shop.order(2).await;
    let left = shop.order(1).await;
    shop.pays(&taken).await;
    let hold = shop.pays(&left).await;
    shop.later(60).await;
    let account = shop.money(&taken).await;
    assert_eq!(account["items"][0]["state"], "authorised");
    assert_eq!(account["items"][0]["capture_before"], "2026-11-28T14:00:00Z", "as the provider says");
    shop.proxy.faults(&[Some(Fault::AnswerLost)]);
    shop.world.stock("MUG", 2).await;
    assert_eq!(shop.release().await, json!([]), "captured first");
    shop.later(0).await;
    shop.later(30).await;
    assert_eq!(shop.amounts(&taken).await, [3_000, 0, 0]);
    assert_eq!(shop.at_provider(&taken), (vec![3_000], vec![]));
    assert_eq!(shop.release().await[0]["quantity"], 2);
    shop.later(4 * DAY_S).await;
    shop.later(0).await;
    assert_eq!(
        shop.local.get(&format!("/v1/payment_intents/{hold}"))["status"],
        "canceled",
        "a day before it ends"
    );
    assert_eq!(shop.money(&left).await["items"][0]["state"], "done");
    shop.world.verify();
}

#[tokio::test]
async fn a_dispute_is_asked_about_and_blocks_the_refund() {
    let mut shop = Shop::open().await;
    shop.plan("full").await;
    let order = shop.order(2).await;
    let intent = shop.pays(&order).await;
    shop.later(60).await;
    shop.proxy.dispute("dp_1", json!({"id": "dp_1", "status": "needs_response", "amount": 3_000}));
    let about = model::errand::About::Dispute { charge: intent.as_str().into(), dispute: "dp_1".into() };
    shop.told(about.clone()).await;
    shop.post(&format!("/v1/orders/{order}/cancel"), json!({})).await;
    shop.later(DAY_S).await;
    assert_eq!(shop.at_provider(&order), (vec![3_000], vec![]), "the bank may give it back");
    shop.proxy.dispute("dp_1", json!({"id": "dp_1", "status": "won", "amount": 3_000}));
    shop.told(about).await;
    shop.later(0).await;
    assert_eq!(shop.at_provider(&order), (vec![3_000], vec![3_000]));
    assert_eq!(shop.amounts(&order).await, [3_000, 3_000, 0]);
    shop.world.verify();
}

impl Shop {
    /// The provider says that something happened.
    async fn told(&mut self, about: model::errand::About) {
        let wish = model::errand::ErrandWish::Told { provider: "stripe", about };
        let request = engine::Request {
            tenant: model::id::TenantId::new("acme").unwrap(),
            now: self.now,
            id: self.world.app.stamps.next(self.now),
            command: model::command::Command::Errand(wish),
            key: None,
            detail: engine::Detail::Full,
        };
        self.world.app.engine.run(request).await.unwrap().outcome.unwrap();
        self.later(0).await;
    }
}
