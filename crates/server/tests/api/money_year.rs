//! A year of one shop, day by day from one seed: customers pay or stay silent, cards are declined and run out, requests and answers
//! are lost, suppliers slip, orders are called off, banks take money back. The bank and the ledger agree to the cent all the way.

use std::collections::BTreeMap;

use model::{errand::Word, id::OrderId};
use serde_json::{Value, json};

use crate::{bank::Dice, provider::Till, world::Call};

const DAY_S: i64 = 86_400;
/// Each plan with its article.
const PLANS: [(&str, &str); 5] = [
    ("FULL", r#"{"kind": "full"}"#),
    ("DEPOSIT", r#"{"kind": "deposit", "deposit_percent": 33, "balance": "on_ship"}"#),
    ("BALANCE", r#"{"kind": "deposit", "deposit_percent": 20, "balance": "days_before"}"#),
    ("HOLD", r#"{"kind": "authorise"}"#),
    ("LATER", r#"{"kind": "charge_on_ship"}"#),
];

struct Year {
    till: Till,
    dice: Dice,
    orders: BTreeMap<OrderId, Known>,
    supplies: Vec<(String, String)>,
    disputes: Vec<(String, String)>,
}

#[derive(Default)]
struct Known {
    cancelled: bool,
    line: String,
    units: u64,
}

impl Year {
    async fn new(seed: u64) -> Self {
        let till = Till::new(json!({"kind": "full"})).await;
        for (sku, plan) in PLANS {
            let item = json!({"title": sku, "price": {"amount": 1_999, "currency": "USD"}});
            till.world.put(&format!("/v1/skus/{sku}"), item).await.is(201);
            let mut payment: Value = serde_json::from_str(plan).unwrap();
            payment["provider"] = json!("stripe");
            let policy = json!({"when_out": "backorder", "backorder_cap": "unlimited", "lead_time_days": 40,
                "payment": payment});
            till.world.put(&format!("/v1/skus/{sku}/policies/default"), policy).await.is(201);
        }
        till.bank.throws(Dice(seed ^ 0x5DEE_CE66_D1CE_CAFE));
        let dice = Dice(seed);
        Self { till, dice, orders: BTreeMap::new(), supplies: Vec::new(), disputes: Vec::new() }
    }

    fn once_in(&mut self, days: u64) -> bool {
        self.dice.below(days) == 0
    }

    async fn day(&mut self, day: u32) {
        let sku = PLANS[usize::try_from(self.dice.below(5)).unwrap()].0;
        if self.once_in(2) {
            self.order(sku).await;
        }
        if day % 9 == 1 {
            let (units, days) = (2 + self.dice.below(6), 10 + self.dice_days(20));
            let on = self.date(days);
            let body = json!({"sku": sku, "location": "east", "kind": "purchase_order", "quantity": units,
                "expected_on": on});
            let supply = self.till.post("/v1/supplies", body).await.is(201);
            self.supplies.push((supply["id"].as_str().unwrap().to_owned(), on));
        }
        self.suppliers().await;
        self.customers().await;
        self.banks().await;
        self.till.later(DAY_S / 2).await;
        self.warehouse().await;
        self.till.later(DAY_S / 2).await;
    }

    fn dice_days(&mut self, most: u64) -> i64 {
        i64::try_from(self.dice.below(most)).unwrap()
    }

    fn date(&self, days: i64) -> String {
        let at = model::time::seconds_after(self.till.now, days * DAY_S).unwrap();
        at.to_string()[..10].to_owned()
    }

    async fn order(&mut self, sku: &str) {
        let units = 1 + self.dice.below(4);
        let mut order = crate::world::order(sku, i64::try_from(units).unwrap());
        order["customer"]["email"] = json!(format!("c{}@example.com", self.orders.len()));
        // Elsewhere than where the law ends what is late by itself.
        order["customer"]["country"] = json!("CH");
        let placed = self.till.post("/v1/orders", order).await.is(201);
        let id: OrderId = placed["id"].as_str().unwrap().parse().unwrap();
        let line = placed["lines"][0]["id"].as_str().unwrap().to_owned();
        self.orders.insert(id, Known { line, units, ..Known::default() });
    }

    async fn suppliers(&mut self) {
        let today = self.date(0);
        let mut waiting = Vec::new();
        for (id, on) in std::mem::take(&mut self.supplies) {
            if on > today {
                waiting.push((id, on));
            } else if self.once_in(3) {
                let days = 3 + self.dice_days(25);
                let on = self.date(days);
                let call = Call::new("PATCH", &format!("/v1/supplies/{id}"))
                    .with("idempotency-key", &crate::world::new_key())
                    .json(&json!({"expected_on": on}))
                    .at(&self.till.now.to_string());
                self.till.world.send(call).await.is(200);
                waiting.push((id, on));
            } else {
                self.till.post(&format!("/v1/supplies/{id}/receipts"), json!({})).await.is(201);
            }
        }
        self.supplies = waiting;
    }

    /// Some do what is waited for; some call off all or a part; most are silent today.
    async fn customers(&mut self) {
        let ids: Vec<OrderId> = self.orders.keys().rev().take(60).copied().collect();
        for id in ids {
            if self.once_in(3) && !self.orders[&id].cancelled {
                self.till.bank.customer_acts(id, self.till.now);
            }
            if self.once_in(150) {
                let known = &self.orders[&id];
                let part = known.units > 1 && id.bytes()[15] % 2 == 0;
                let body =
                    if part { json!({"lines": [{"id": known.line, "quantity": 1}]}) } else { json!({}) };
                let reply = self.till.post(&format!("/v1/orders/{id}/cancel"), body).await;
                if reply.status == 200 && reply.json()["state"] == "cancelled" {
                    self.ended(id);
                }
            }
        }
    }

    fn ended(&mut self, id: OrderId) {
        self.till.bank.cancelled(id);
        self.orders.get_mut(&id).unwrap().cancelled = true;
    }

    async fn banks(&mut self) {
        if self.once_in(30) {
            let ids: Vec<OrderId> = self.orders.keys().copied().collect();
            let at = usize::try_from(self.dice.below(1 + ids.len() as u64)).unwrap();
            let charge = ids.get(at).and_then(|id| self.till.bank.charge_of(*id));
            if let Some(charge) =
                charge.filter(|charge| self.disputes.iter().all(|(known, _)| known != charge))
                && let Some(dispute) = self.till.bank.may_dispute(&charge)
            {
                self.disputes.push((charge.clone(), dispute.clone()));
                self.till.hears_of_dispute(&charge, &dispute).await;
            }
        }
        if self.once_in(20)
            && let Some((charge, dispute)) = self.disputes.first().cloned()
            && self.till.bank.is_disputed(&charge)
        {
            let won = self.once_in(2);
            self.till.bank.decide(&charge, won);
            self.till.hears_of_dispute(&charge, &dispute).await;
            self.disputes.rotate_left(1);
        }
        if self.once_in(5) {
            let failed = self.once_in(3);
            self.till.bank.refunds_become(if failed { &Word::RefundFailed } else { &Word::Refunded });
        }
    }

    /// Hands over what is ready, sends what was handed over, and sees to refunds that failed.
    async fn warehouse(&mut self) {
        let release = self.till.post("/v1/releases", json!({"location": "east"})).await;
        let lines = release.json()["lines"].as_array().cloned().unwrap_or_default();
        let mut orders: Vec<String> =
            lines.iter().map(|line| line["order"].as_str().unwrap().to_owned()).collect();
        orders.dedup();
        for order in orders {
            self.till.post("/v1/shipments", json!({"order": order})).await.is(201);
        }
        let owed = self.till.world.get("/v1/obligations?kind=refund&limit=500").await.is(200);
        for item in owed["items"].as_array().unwrap() {
            if item["rule"].as_str().unwrap().starts_with("a refund failed") && self.once_in(3) {
                let path = format!("/v1/orders/{}/payments", item["order"].as_str().unwrap());
                self.till.post(&path, json!({"kind": "refund"})).await.is(201);
            }
        }
    }

    /// The ledger against the bank, order by order; who gave up the place by silence is not charged from then on.
    async fn audit(&mut self) {
        let ids: Vec<OrderId> = self.orders.keys().copied().collect();
        for id in ids {
            let order = self.till.world.get(&format!("/v1/orders/{id}")).await.is(200);
            if order["state"] == "cancelled" && !self.orders[&id].cancelled {
                self.ended(id);
            }
        }
    }

    async fn end(mut self) {
        // What was lost is asked again, what the bank has not decided it decides.
        self.till.bank.calms_down();
        for (charge, dispute) in self.disputes.clone() {
            if self.till.bank.is_disputed(&charge) {
                self.till.bank.decide(&charge, true);
                self.till.hears_of_dispute(&charge, &dispute).await;
            }
        }
        for _ in 0..30 {
            self.till.bank.refunds_become(&Word::Refunded);
            self.warehouse().await;
            self.till.later(DAY_S).await;
        }
        let (mut captured, mut refunded, mut earned) = (0, 0, 0);
        for id in self.orders.keys() {
            let account = self.till.money(*id).await;
            let of = |field: &str| account[field]["amount"].as_i64().unwrap();
            assert!(of("captured") - of("refunded") <= of("total"), "no charge twice: {account}");
            assert_eq!(of("refund_due"), 0, "no refund missed: {account}");
            (captured, refunded, earned) =
                (captured + of("captured"), refunded + of("refunded"), earned + of("earned"));
            if self.orders[id].cancelled {
                assert_eq!(of("captured"), of("refunded") + of("earned"), "{account}");
            }
        }
        let sums = self.till.world.get("/v1/prepayments").await.is(200)["totals"][0].clone();
        let total = |field: &str| sums[field]["amount"].as_i64().unwrap();
        assert_eq!((total("received"), total("refunded"), total("earned")), (captured, refunded, earned));
        assert!(captured > 0 && refunded > 0 && earned > 0, "{sums}");
        let failed = self.till.world.get("/v1/obligations?kind=payment").await.is(200);
        assert_eq!(failed["items"], json!([]), "nothing was contradicted");
        self.till.world.verify();
    }
}

#[tokio::test]
async fn a_year_of_declines_silence_slips_and_lost_answers_ends_to_the_cent() {
    let seed = 20_261_126;
    let mut year = Year::new(seed).await;
    for day in 0..365 {
        year.day(day).await;
        if day % 30 == 29 {
            year.audit().await;
        }
    }
    year.end().await;
}
