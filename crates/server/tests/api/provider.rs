//! Money that a provider moves: asked for once, whatever is lost on the way; what it tells is asked.

use std::sync::Arc;

use connect::stripe;
use hmac::{Hmac, KeyInit, Mac};
use model::{
    errand::Word,
    id::OrderId,
    time::{Timestamp, seconds_after},
};
use serde_json::{Value, json};
use server::payments::Payments;
use sha2::Sha256;

use crate::{
    bank::{Bank, Fault, Mood},
    world::{Call, NOW, Reply, World},
};

const SECRET: &str = "whsec_of_a_test";

/// A shop whose money a bank moves: mugs for 15.00 on a plan.
pub(crate) struct Till {
    pub(crate) world: World,
    pub(crate) bank: Bank,
    pub(crate) now: Timestamp,
}

impl Till {
    pub(crate) async fn new(payment: Value) -> Self {
        let bank = Bank::default();
        let payments = Payments {
            provider: Some(Arc::new(bank.clone())),
            webhook_secret: Some(SECRET.into()),
            publishable_key: Some("pk_test_shop".into()),
        };
        let world = World::paying(payments);
        world.with_mug().await;
        let mut payment = payment;
        payment["provider"] = json!("stripe");
        let policy = json!({"when_out": "backorder", "backorder_cap": "unlimited", "lead_time_days": 60, "payment": payment});
        world.put("/v1/skus/MUG/policies/default", policy).await.is(200);
        Self { world, bank, now: NOW.parse().unwrap() }
    }

    /// So much later, everything due is done.
    pub(crate) async fn later(&mut self, seconds: i64) {
        self.now = seconds_after(self.now, seconds).unwrap();
        let call = Call::post("/v1/test/run-due", &json!({})).at(&self.now.to_string());
        self.world.send(call).await.is(200);
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.world.send(Call::post(path, &body).at(&self.now.to_string())).await
    }

    pub(crate) async fn order(&mut self, units: i64) -> (OrderId, Value) {
        let order = self.post("/v1/orders", crate::world::order("MUG", units)).await.is(201);
        self.later(0).await;
        (order["id"].as_str().unwrap().parse().unwrap(), order)
    }

    /// An order whose customer has done what the checkout asks for.
    pub(crate) async fn checked_out(&mut self, units: i64) -> (OrderId, Value) {
        let (id, order) = self.order(units).await;
        assert_eq!(self.bank.customer_acts(id, self.now), 1);
        self.later(60).await;
        (id, order)
    }

    pub(crate) async fn money(&self, order: OrderId) -> Value {
        let account = self.world.get(&format!("/v1/orders/{order}/payments")).await.is(200);
        let of = |field: &str| account[field]["amount"].as_i64().unwrap();
        assert_eq!(of("captured") - of("refunded"), of("earned") + of("prepaid"), "{account}");
        assert_eq!(
            (of("captured"), of("refunded")),
            self.bank.moved(order),
            "the bank says otherwise: {account}"
        );
        account
    }

    pub(crate) async fn amounts(&self, order: OrderId) -> [i64; 4] {
        let account = self.money(order).await;
        ["captured", "refunded", "earned", "prepaid"].map(|field| account[field]["amount"].as_i64().unwrap())
    }

    async fn cancel(&mut self, order: OrderId) {
        self.post(&format!("/v1/orders/{order}/cancel"), json!({})).await.is(200);
        self.bank.cancelled(order);
    }

    /// The provider says that a dispute changed.
    pub(crate) async fn hears_of_dispute(&self, charge: &str, dispute: &str) {
        let about = json!({"id": dispute, "payment_intent": charge});
        self.hears(&event("charge.dispute.updated", &about)).await.is(200);
    }

    /// The provider says that something happened to an object.
    pub(crate) async fn hears_of(&self, kind: &str, object: &str) {
        self.hears(&event(kind, &json!({"id": object}))).await.is(200);
    }

    /// The provider sends a message.
    async fn hears(&self, event: &Value) -> Reply {
        self.world.send(signed(event, SECRET, self.now).at(&self.now.to_string())).await
    }
}

fn signed(event: &Value, secret: &str, at: Timestamp) -> Call {
    let body = event.to_string();
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let code = mac.chain_update(format!("{}.{body}", at.as_second())).finalize().into_bytes();
    let code: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    Call::new("POST", "/v1/webhooks/stripe/acme")
        .key("")
        .text(&body)
        .with("stripe-signature", &format!("t={},v1={code}", at.as_second()))
}

fn event(kind: &str, object: &Value) -> Value {
    json!({"id": "evt_1", "type": kind, "data": {"object": object}})
}

#[tokio::test]
async fn a_saved_card_is_charged_when_the_goods_ship_and_only_then() {
    let mut till = Till::new(json!({"kind": "charge_on_ship"})).await;
    let (id, order) = till.order(4).await;
    let account = till.money(id).await;
    assert_eq!(account["items"][0]["kind"], "setup");
    assert_eq!(
        account["items"][0]["client_secret"], "seti_0001_secret",
        "the customer's browser saves the card"
    );
    till.bank.customer_acts(id, till.now);
    till.later(60).await;
    assert_eq!(till.amounts(id).await, [0, 0, 0, 0], "nothing is taken yet");

    till.world.stock("MUG", 10).await;
    let release = json!({"location": "east"});
    let none = till.post("/v1/releases", release.clone()).await.is(200);
    assert_eq!(none["lines"], json!([]), "nothing is handed over unpaid");
    till.later(1).await;
    assert_eq!(till.amounts(id).await, [6_000, 0, 0, 6_000], "charged, and not earned");
    assert_eq!(till.post("/v1/releases", release).await.is(201)["lines"][0]["quantity"], 4);
    till.post("/v1/shipments", json!({"order": order["id"]})).await.is(201);
    assert_eq!(till.amounts(id).await, [6_000, 0, 6_000, 0], "earned by what left");
    till.later(30 * 86_400).await;
    assert_eq!(till.amounts(id).await, [6_000, 0, 6_000, 0], "and never again");
    till.world.verify();
}

#[tokio::test]
async fn a_lost_request_and_a_lost_answer_move_money_once() {
    let mut till = Till::new(json!({"kind": "full"})).await;
    till.bank.faults(&[Some(Fault::Lost), Some(Fault::AnswerLost)]);
    let (id, _) = till.order(2).await;
    till.later(30).await;
    till.later(120).await;
    let account = till.money(id).await;
    assert_eq!(
        (account["items"].as_array().unwrap().len(), &account["items"][0]["state"]),
        (1, &json!("needs_customer"))
    );
    assert_eq!(till.bank.customer_acts(id, till.now), 1, "one charge at the bank, not two");
    till.later(60).await;
    assert_eq!(till.amounts(id).await, [3_000, 0, 0, 3_000]);
    till.bank.faults(&[Some(Fault::AnswerLost), Some(Fault::AnswerLost), Some(Fault::Lost)]);
    till.cancel(id).await;
    for wait in [0, 30, 120, 600] {
        till.later(wait).await;
    }
    assert_eq!(till.amounts(id).await, [3_000, 3_000, 0, 0], "back once");
    till.world.verify();
}

#[tokio::test]
async fn a_worker_that_died_leaves_its_errand_to_the_next() {
    let mut till = Till::new(json!({"kind": "full"})).await;
    let (id, _) = till.order(2).await;
    till.bank.customer_acts(id, till.now);
    till.later(60).await;
    till.cancel(id).await;
    // Whoever takes the errand carries it, and is killed before it can say so.
    let tenant = model::id::TenantId::new("acme").unwrap();
    let due = till.world.app.engine.store().reader().unwrap();
    let kind = engine::errands_to("stripe");
    let mut due = due;
    let found = due.due_records(ledger::Shelf::Private, &kind, till.now, 10).unwrap();
    drop(due);
    assert_eq!(found.len(), 1, "{found:?}");
    let (key, errand) = (&found[0].1.id, found[0].1.read::<model::errand::Errand>().unwrap().unwrap());
    let wish = model::errand::ErrandWish::Claim {
        provider: "stripe",
        errands: vec![Arc::clone(key)],
        until: seconds_after(till.now, 300).unwrap(),
    };
    let request = engine::Request {
        tenant: tenant.clone(),
        now: till.now,
        id: till.world.app.stamps.next(till.now),
        command: model::command::Command::Errand(wish),
        key: None,
        detail: engine::Detail::Full,
    };
    till.world.app.engine.run(request).await.unwrap().outcome.unwrap();
    let payer = till.world.store_record(engine::PAYER, &id.to_string());
    let commission =
        connect::payments::Commission { tenant: &tenant, key, errand: &errand, payer: &payer, now: till.now };
    connect::payments::PaymentProvider::carry(&till.bank, &commission);

    till.later(299).await;
    let [captured, refunded, ..] = [till.world.get(&format!("/v1/orders/{id}/payments")).await.is(200)]
        .map(|account| ["captured", "refunded"].map(|field| account[field]["amount"].as_i64().unwrap()))[0];
    assert_eq!((captured, refunded), (3_000, 0), "nobody else takes it meanwhile");
    till.later(1).await;
    assert_eq!(till.amounts(id).await, [3_000, 3_000, 0, 0]);
    till.world.verify();
}

#[tokio::test]
async fn a_declined_card_is_tried_again_and_who_does_not_pay_gives_the_place_up() {
    let mut till = Till::new(json!({"kind": "charge_on_ship"})).await;
    let (first, _) = till.checked_out(4).await;
    let (second, _) = till.checked_out(4).await;
    till.world.stock("MUG", 4).await;
    till.bank.moods(&[Mood::Declines, Mood::Declines, Mood::AsksForCustomer]);
    till.post("/v1/releases", json!({"location": "east"})).await.is(200);
    till.later(0).await;
    let account = till.money(first).await;
    let charge = &account["items"][1];
    assert_eq!((&charge["state"], &charge["attempts"]), (&json!("needs_customer"), &json!(1)));
    assert!(charge["client_secret"].is_string(), "a link to pay by: {charge}");
    till.later(86_400).await;
    till.later(2 * 86_400).await;
    let account = till.money(first).await;
    assert_eq!(account["items"][1]["attempts"], 3, "after one day and after two more");
    assert_eq!(account["items"][1].get("retry_at"), None, "only the customer can help now");
    till.later(4 * 86_400).await;
    till.later(0).await;
    let order = till.world.get(&format!("/v1/orders/{first}")).await.is(200);
    assert_eq!(order["lines"][0]["state"], "cancelled", "seven days from the first failure");
    till.bank.cancelled(first);
    assert_eq!(till.bank.customer_acts(first, till.now), 0, "the link is taken back");
    let order = till.world.get(&format!("/v1/orders/{second}")).await.is(200);
    assert_eq!(order["lines"][0]["state"], "allocated", "the goods go to the next");
    assert_eq!(till.amounts(first).await, [0, 0, 0, 0]);
    till.world.verify();
}

#[tokio::test]
async fn what_is_called_off_before_it_was_asked_for_is_never_charged() {
    let mut till = Till::new(json!({"kind": "charge_on_ship"})).await;
    let (id, _) = till.checked_out(4).await;
    till.world.stock("MUG", 4).await;
    till.post("/v1/releases", json!({"location": "east"})).await.is(200);
    let before = till.bank.requests();
    // The errand stands, and nobody has carried it.
    till.cancel(id).await;
    till.later(0).await;
    till.later(86_400).await;
    assert_eq!(till.bank.requests(), before, "nobody was asked for anything");
    assert_eq!(till.amounts(id).await, [0, 0, 0, 0]);
    till.world.verify();
}

#[tokio::test]
async fn what_is_set_aside_and_called_off_before_it_is_captured_is_let_go() {
    for fault in [None, Some(Fault::Lost), Some(Fault::AnswerLost)] {
        let mut till = Till::new(json!({"kind": "authorise"})).await;
        let (id, _) = till.checked_out(2).await;
        till.world.stock("MUG", 2).await;
        till.post(&format!("/v1/orders/{id}/payments"), json!({"kind": "capture"})).await.is(201);
        if fault.is_some() {
            // Somebody was at it, and nobody knows what came of it.
            till.bank.faults(&[fault]);
            till.later(0).await;
        }
        till.cancel(id).await;
        for wait in [0, 60, 3_600, 86_400] {
            till.later(wait).await;
        }
        let [captured, refunded, earned, prepaid] = till.amounts(id).await;
        let taken = if fault == Some(Fault::AnswerLost) { 3_000 } else { 0 };
        assert_eq!((captured, refunded, earned, prepaid), (taken, taken, 0, 0), "{fault:?}");
        assert_eq!(till.money(id).await["items"][0]["state"], "done");
        till.world.verify();
    }
}

#[tokio::test]
async fn an_authorisation_lasts_as_long_as_the_provider_says() {
    let mut till = Till::new(json!({"kind": "authorise"})).await;
    let (held, _) = till.checked_out(2).await;
    let account = till.money(held).await;
    assert_eq!(account["items"][0]["state"], "authorised");
    let until = account["items"][0]["capture_before"].as_str().unwrap().parse::<Timestamp>().unwrap();
    // A day before, it is let go: the goods are not here. What is set aside later is captured when they are.
    till.later(until.as_second() - till.now.as_second() - 86_400).await;
    till.later(0).await;
    assert_eq!(till.money(held).await["items"][0]["state"], "done");
    assert_eq!(till.amounts(held).await, [0, 0, 0, 0]);
    let (captured, _) = till.checked_out(2).await;
    till.world.stock("MUG", 4).await;
    let charge = json!({"kind": "capture", "provider": "stripe"});
    till.post(&format!("/v1/orders/{captured}/payments"), charge).await.is(201);
    till.later(0).await;
    assert_eq!(till.amounts(captured).await, [3_000, 0, 0, 3_000]);
    till.world.verify();
}

#[tokio::test]
async fn a_message_is_believed_by_its_signature_and_then_asked() {
    let mut till = Till::new(json!({"kind": "full"})).await;
    let (id, _) = till.order(2).await;
    let paid = event("payment_intent.succeeded", &json!({"id": "pi_0001", "amount_received": 999_999}));
    // Nothing is paid yet, whatever the message says.
    till.hears(&paid).await.is(200);
    till.later(0).await;
    assert_eq!(till.amounts(id).await, [0, 0, 0, 0]);
    till.bank.customer_acts(id, till.now);
    // The same, twice, and one about what came before: it does not matter.
    for message in [&paid, &paid, &event("payment_intent.payment_failed", &json!({"id": "pi_0001"}))] {
        till.hears(message).await.is(200);
    }
    till.later(0).await;
    assert_eq!(till.amounts(id).await, [3_000, 0, 0, 3_000]);
    till.hears(&event("payment_intent.succeeded", &json!({"id": "pi_of_another"}))).await.is(200);
    till.hears(&event("customer.created", &json!({"id": "cus_1"}))).await.is(200);

    let old = seconds_after(till.now, -stripe::TOLERANCE_S - 1).unwrap();
    let at = till.now.to_string();
    till.world.send(signed(&paid, SECRET, old).at(&at)).await.fails(400, "bad_signature");
    till.world.send(signed(&paid, "whsec_wrong", till.now).at(&at)).await.fails(400, "bad_signature");
    let unsigned = signed(&paid, SECRET, till.now).with("stripe-signature", "").at(&at);
    till.world.send(unsigned).await.fails(400, "bad_signature");
    let large = event("payment_intent.succeeded", &json!({"id": "x".repeat(300_000)}));
    till.hears(&large).await.fails(413, "body_too_large");
    let call = signed(&paid, SECRET, till.now).at(&at);
    let elsewhere = Call { path: "/v1/webhooks/stripe/nobody".to_owned(), ..call };
    till.world.send(elsewhere).await.fails(404, "not_found");
    crate::world::world().send(signed(&paid, SECRET, till.now).at(&at)).await.fails(404, "webhook_off");
    till.world.verify();
}

#[tokio::test]
async fn a_disputed_charge_is_not_refunded_too() {
    for won in [true, false] {
        let mut till = Till::new(json!({"kind": "full"})).await;
        let (id, _) = till.checked_out(2).await;
        let charge = till.bank.charge_of(id).unwrap();
        let dispute = till.bank.dispute(&charge);
        let told = |kind: &str| event(kind, &json!({"id": dispute, "payment_intent": charge}));
        till.hears(&told("charge.dispute.created")).await.is(200);
        till.later(0).await;
        assert_eq!(till.money(id).await["items"][0]["disputed"]["amount"], 3_000);
        till.cancel(id).await;
        till.later(86_400).await;
        let account = till.money(id).await;
        assert_eq!(
            (&account["refunded"]["amount"], &account["refund_due"]["amount"]),
            (&json!(0), &json!(3_000))
        );
        assert_eq!(account["refunds"], json!([]), "nobody asked for it");
        till.bank.decide(&charge, won);
        till.hears(&told("charge.dispute.closed")).await.is(200);
        till.hears(&told("charge.dispute.updated")).await.is(200);
        till.later(0).await;
        till.later(0).await;
        assert_eq!(till.amounts(id).await, [3_000, 3_000, 0, 0], "once: by us, or by the bank");
        till.later(30 * 86_400).await;
        assert_eq!(till.amounts(id).await, [3_000, 3_000, 0, 0]);
        till.world.verify();
    }
}

#[tokio::test]
async fn a_refund_that_fails_is_due_again_until_somebody_sees_to_it() {
    let mut till = Till::new(json!({"kind": "full"})).await;
    let (id, _) = till.checked_out(2).await;
    till.bank.refund_words(&[Word::Pending]);
    till.cancel(id).await;
    till.later(0).await;
    assert_eq!(till.money(id).await["refunds"][0]["state"], "pending");
    till.bank.refunds_become(&Word::RefundFailed);
    let charge = till.bank.charge_of(id).unwrap();
    let failed = event("refund.failed", &json!({"id": "re_1", "payment_intent": charge}));
    till.hears(&failed).await.is(200);
    till.later(0).await;
    let account = till.money(id).await;
    assert_eq!(
        (&account["refunds"][0]["state"], &account["refund_due"]["amount"]),
        (&json!("failed"), &json!(3_000))
    );
    till.later(10 * 86_400).await;
    assert_eq!(till.amounts(id).await, [3_000, 0, 0, 3_000], "not again by itself");
    till.post(&format!("/v1/orders/{id}/payments"), json!({"kind": "refund"})).await.is(201);
    till.later(0).await;
    assert_eq!(till.amounts(id).await, [3_000, 3_000, 0, 0]);
    till.world.verify();
}

#[tokio::test]
async fn what_must_happen_with_money_is_listed_with_its_day() {
    let mut till = Till::new(json!({"kind": "authorise"})).await;
    let (held, _) = till.checked_out(2).await;
    let listed = |list: Value| list["items"].as_array().unwrap().clone();
    let captures = listed(till.world.get("/v1/obligations?kind=capture").await.is(200));
    assert_eq!(
        (&captures[0]["due_by"], &captures[0]["charge"]),
        (&json!("2026-11-30"), &json!(1)),
        "as the provider says"
    );
    assert_eq!(captures[0]["amount"]["amount"], 3_000);
    till.cancel(held).await;
    till.later(0).await;
    assert_eq!(listed(till.world.get("/v1/obligations?kind=capture").await.is(200)), [Value::Null; 0]);

    let mut till = Till::new(json!({"kind": "full"})).await;
    let (id, _) = till.checked_out(2).await;
    till.bank.refund_words(&[Word::Pending]);
    till.cancel(id).await;
    till.later(0).await;
    let refunds = listed(till.world.get("/v1/obligations?kind=refund").await.is(200));
    assert_eq!(refunds.len(), 1);
    assert_eq!(
        (&refunds[0]["due_by"], &refunds[0]["rule"]),
        (&json!("2026-11-30"), &json!("the provider is at it"))
    );
    assert_eq!(refunds[0]["amount"]["amount"], 3_000);
    till.bank.refunds_become(&Word::RefundFailed);
    till.later(86_400).await;
    let refunds = listed(till.world.get("/v1/obligations?kind=refund").await.is(200));
    assert!(refunds[0]["rule"].as_str().unwrap().starts_with("a refund failed"), "{refunds:?}");
    assert_eq!(refunds[0]["due_by"], "2026-11-30", "the day does not move");
    till.post(&format!("/v1/orders/{id}/payments"), json!({"kind": "refund"})).await.is(201);
    till.later(0).await;
    assert_eq!(listed(till.world.get("/v1/obligations?kind=refund").await.is(200)), [Value::Null; 0]);

    let (id, _) = till.checked_out(2).await;
    let charge = till.bank.charge_of(id).unwrap();
    let dispute = till.bank.dispute(&charge);
    till.hears_of_dispute(&charge, &dispute).await;
    till.later(0).await;
    let disputes = listed(till.world.get("/v1/obligations?kind=dispute").await.is(200));
    assert_eq!((disputes.len(), &disputes[0]["amount"]["amount"]), (1, &json!(3_000)));
}

/// Scenario 14: goods that come after sixty days, when no authorisation lasts so long.
#[tokio::test]
async fn what_ships_after_an_authorisation_ended_is_charged_to_the_saved_method() {
    let mut till = Till::new(json!({"kind": "authorise"})).await;
    let body = json!({"lines": [{"sku": "MUG", "quantity": 2}],
        "customer": {"email": "ada@example.com", "country": "CH"}});
    let order = till.post("/v1/orders", body).await.is(201);
    let id: OrderId = order["id"].as_str().unwrap().parse().unwrap();
    till.later(0).await;
    till.bank.customer_acts(id, till.now);
    till.later(60).await;
    for _ in 0..60 {
        till.later(86_400).await;
    }
    assert_eq!(till.amounts(id).await, [0, 0, 0, 0], "let go, and nothing taken");
    till.world.stock("MUG", 2).await;
    assert_eq!(till.post("/v1/releases", json!({"location": "east"})).await.is(200)["lines"], json!([]));
    till.post("/v1/shipments", json!({"order": order["id"]})).await.fails(409, "payment_due");
    till.later(0).await;
    assert_eq!(till.amounts(id).await, [3_000, 0, 0, 3_000]);
    assert_eq!(
        till.post("/v1/releases", json!({"location": "east"})).await.is(201)["lines"][0]["quantity"],
        2
    );
    till.world.verify();
}
