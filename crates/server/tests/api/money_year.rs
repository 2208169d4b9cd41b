//! A year of one shop, day by day from one seed: customers pay or stay silent, cards are declined and run out, requests and answers
//! are lost, suppliers slip, orders are called off by customers and by law, banks take money back.
//!
//! Each day: nothing is charged twice or after a cancel (the bank minds it), no notice, answer or refund is past its last day, no
//! goods are late without a word. At its end every notice went before its deadline, no refund is missing, and the bank and the ledger
//! agree to the cent. `SHIPWHEN_YEARS` runs so many years, each of a seed of its own that is printed where it fails, from
//! `SHIPWHEN_YEARS_FROM` on.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    errand::Word,
    id::OrderId,
    time::{Timestamp, Zone, local_date},
};
use serde_json::{Value, json};

use crate::{bank::Dice, provider::Till, world::Call};

const DAY_S: i64 = 86_400;
/// Each plan with its article, and whether its customers may call it off.
const PLANS: [(&str, &str, &str); 5] = [
    ("FULL", r#"{"kind": "full"}"#, "free"),
    ("DEPOSIT", r#"{"kind": "deposit", "deposit_percent": 33, "balance": "on_ship"}"#, "final_sale"),
    (
        "BALANCE",
        r#"{"kind": "deposit", "deposit_percent": 20, "balance": "days_before"}"#,
        "made_to_specification",
    ),
    ("HOLD", r#"{"kind": "authorise"}"#, "free"),
    ("LATER", r#"{"kind": "charge_on_ship"}"#, "final_sale"),
];

/// Where goods go: by the law of the US, of the Union, of the United Kingdom, and of all of them.
const COUNTRIES: [&str; 6] = ["US", "US", "US", "DE", "GB", "CH"];

struct Year {
    till: Till,
    /// The last entry of the ledger that was read.
    read_to: i64,
    /// Refunds that failed and were asked for again: by order, on which day.
    seen_to: BTreeMap<String, u32>,
    /// Orders of which a refund had failed when the last day ended, past its last day.
    failed_late: BTreeSet<String>,
    /// Notices that were sent, and what became of them.
    kinds: BTreeSet<String>,
    dice: Dice,
    orders: BTreeMap<OrderId, Known>,
    supplies: Vec<(String, String)>,
    disputes: Vec<(String, String)>,
}

#[derive(Default)]
struct Known {
    cancelled: bool,
    country: &'static str,
    returns: &'static str,
    line: String,
    units: u64,
}

impl Year {
    async fn new(seed: u64) -> Self {
        let till = Till::new(json!({"kind": "full"})).await;
        for (sku, plan, returns) in PLANS {
            let item = json!({"title": sku, "price": {"amount": 1_999, "currency": "USD"}});
            till.world.put(&format!("/v1/skus/{sku}"), item).await.is(201);
            let mut payment: Value = serde_json::from_str(plan).unwrap();
            payment["provider"] = json!("stripe");
            let policy = json!({"when_out": "backorder", "backorder_cap": "unlimited", "lead_time_days": 40,
                "payment": payment, "returns": returns});
            till.world.put(&format!("/v1/skus/{sku}/policies/default"), policy).await.is(201);
        }
        till.bank.throws(Dice(seed ^ 0x5DEE_CE66_D1CE_CAFE));
        let mut dice = Dice(seed);
        let automatic = if dice.below(2) == 0 { "last_day" } else { "at_once" };
        till.world.put("/v1/settings/notices", json!({"automatic": automatic})).await.is(200);
        Self {
            till,
            read_to: 0,
            seen_to: BTreeMap::new(),
            failed_late: BTreeSet::new(),
            kinds: BTreeSet::new(),
            dice,
            orders: BTreeMap::new(),
            supplies: Vec::new(),
            disputes: Vec::new(),
        }
    }

    fn once_in(&mut self, days: u64) -> bool {
        self.dice.below(days) == 0
    }

    async fn day(&mut self, day: u32) {
        let (sku, _, returns) = PLANS[usize::try_from(self.dice.below(5)).unwrap()];
        if self.once_in(2) {
            self.order(sku, returns).await;
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
        self.answers().await;
        self.banks().await;
        self.passes(DAY_S / 2).await;
        self.warehouse(day).await;
        self.passes(DAY_S / 2).await;
        self.deadlines(day).await;
    }

    /// So much later; whatever the ledger says was called off is not charged from then on.
    async fn passes(&mut self, seconds: i64) {
        self.till.later(seconds).await;
        loop {
            let path = format!("/v1/events?after={}&limit=500", self.read_to);
            let page = self.till.world.get(&path).await.is(200);
            let events = page["items"].as_array().unwrap();
            for event in events.iter().filter(|event| event["kind"] == "order_cancelled") {
                self.ended(event["order"].as_str().unwrap().parse().unwrap());
            }
            let Some(last) = events.last() else { break };
            self.read_to = last["seq"].as_i64().unwrap();
        }
    }

    /// Some who are asked answer; most never do.
    async fn answers(&mut self) {
        let sent = self.till.world.get("/v1/notices?state=sent&limit=500").await.is(200);
        for notice in sent["items"].as_array().unwrap() {
            if notice["answer_by"].is_null() || !self.once_in(25) {
                continue;
            }
            let answer = if self.once_in(3) { "cancel" } else { "keep" };
            let path = format!("/v1/notices/{}/answer", notice["id"].as_str().unwrap());
            let reply = self.till.post(&path, json!({"answer": answer})).await;
            assert!([200, 409].contains(&reply.status.as_u16()), "{:?}", reply.json());
        }
        self.passes(0).await;
    }

    /// Nothing that has a last day is past it: what is to be told, heard, given back.
    async fn deadlines(&mut self, day: u32) {
        let today = self.date(0);
        for kind in ["notice", "consent"] {
            let path = format!("/v1/obligations?kind={kind}&due_before={today}&limit=500");
            let late = self.till.world.get(&path).await.is(200);
            assert_eq!(late["items"], json!([]), "a {kind} is past its last day on {today}");
        }
        let path = format!("/v1/obligations?kind=refund&due_before={today}&limit=500");
        let late = self.till.world.get(&path).await.is(200);
        let mut failed_late = BTreeSet::new();
        for refund in late["items"].as_array().unwrap() {
            let rule = refund["rule"].as_str().unwrap();
            let order = refund["order"].as_str().unwrap();
            // It was asked for in time, and the provider or the bank is at it; or the provider has just said that it failed, or
            // somebody has seen to it since.
            let is_under_way = rule.starts_with("the provider") || rule.starts_with("the customer's bank");
            let was_seen_to = self.seen_to.get(order).is_some_and(|seen| day - seen <= 1);
            let is_news = !self.failed_late.contains(order);
            assert!(
                is_under_way || was_seen_to || is_news,
                "a refund is past its last day on {today}: {refund}"
            );
            if !is_under_way {
                failed_late.insert(order.to_owned());
            }
        }
        self.failed_late = failed_late;
    }

    /// Whether a customer cannot call an order off today; `None` on a day that is another where the customer lives.
    async fn is_final(&self, id: &OrderId) -> Option<bool> {
        let Known { country, returns, .. } = &self.orders[id];
        // Of a place whose law is not known every law holds.
        if *returns == "free" || (*returns == "final_sale" && *country != "US") {
            return Some(false);
        }
        let given = self.till.world.get(&format!("/v1/orders/{id}/promises")).await.is(200);
        let ships = |promise: &Value| promise["ship_by"]["promised"].as_str().map(str::to_owned);
        let given = given["items"].as_array().unwrap();
        let (first, last) = (ships(&given[0]).unwrap(), ships(&given[given.len() - 1]));
        let today = self.date(0);
        if last.is_none_or(|last| last > first) {
            return Some(false);
        }
        (today != first && self.date(-1) != first).then_some(today < first)
    }

    fn dice_days(&mut self, most: u64) -> i64 {
        i64::try_from(self.dice.below(most)).unwrap()
    }

    fn date(&self, days: i64) -> String {
        let at = model::time::seconds_after(self.till.now, days * DAY_S).unwrap();
        at.to_string()[..10].to_owned()
    }

    async fn order(&mut self, sku: &str, returns: &'static str) {
        let units = 1 + self.dice.below(4);
        let mut order = crate::world::order(sku, i64::try_from(units).unwrap());
        order["customer"]["email"] = json!(format!("c{}@example.com", self.orders.len()));
        let country = COUNTRIES[usize::try_from(self.dice.below(6)).unwrap()];
        order["customer"]["country"] = json!(country);
        let placed = self.till.post("/v1/orders", order).await.is(201);
        let id: OrderId = placed["id"].as_str().unwrap().parse().unwrap();
        let line = placed["lines"][0]["id"].as_str().unwrap().to_owned();
        self.orders.insert(id, Known { line, units, country, returns, ..Known::default() });
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
                let mut body =
                    if part { json!({"lines": [{"id": known.line, "quantity": 1}]}) } else { json!({}) };
                // The shop calls it off, or the customer: then a final sale holds, but not against the law or when it is late.
                let is_theirs = id.bytes()[15] % 3 == 0;
                if is_theirs {
                    body["by"] = json!("customer");
                }
                let may_not = if is_theirs { self.is_final(&id).await } else { Some(false) };
                let reply = self.till.post(&format!("/v1/orders/{id}/cancel"), body).await;
                if let Some(may_not) =
                    may_not.filter(|_| reply.status == 200 || reply.json()["code"] == "final_sale")
                {
                    assert_eq!(reply.status != 200, may_not, "{id}: {}", reply.json());
                }
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
    async fn warehouse(&mut self, day: u32) {
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
            if item["rule"].as_str().unwrap().starts_with("a refund failed") {
                // Somebody looks at it within two days, and on the last at once.
                let is_urgent = item["due_by"].as_str().is_none_or(|by| by <= &*self.date(2));
                if !is_urgent && !self.once_in(3) {
                    continue;
                }
                self.seen_to.insert(item["order"].as_str().unwrap().to_owned(), day);
                let path = format!("/v1/orders/{}/payments", item["order"].as_str().unwrap());
                self.till.post(&path, json!({"kind": "refund"})).await.is(201);
            }
        }
    }

    /// Every notice that was sent, against its deadline on the buyer's own calendar.
    async fn notices(&mut self) {
        let mut sent = 0;
        for state in ["sent", "answered", "silent", "outdated"] {
            let mut cursor = String::new();
            loop {
                let path = format!("/v1/notices?state={state}&limit=500{cursor}");
                let page = self.till.world.get(&path).await.is(200);
                for notice in page["items"].as_array().unwrap() {
                    let Some(at) = notice["sent_at"].as_str() else { continue };
                    let at: Timestamp = at.parse().unwrap();
                    sent += 1;
                    self.kinds.insert(format!("{} {state}", notice["kind"].as_str().unwrap()));
                    let order: OrderId = notice["order"].as_str().unwrap().parse().unwrap();
                    let zone = obligation::legal::zone_of(self.orders[&order].country);
                    // Where no law is known, days are those of the shop.
                    let zone = zone.unwrap_or_else(|| Zone::new("America/New_York").unwrap());
                    let on = local_date(at, &zone).to_string();
                    if let Some(by) = notice["send_by"].as_str() {
                        assert!(&*on <= by, "a notice went on {on}, after its last day: {notice}");
                    }
                }
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
        }
        assert!(sent > 20, "{sent} notices were sent");
    }

    async fn end(mut self) -> BTreeSet<String> {
        // What was lost is asked again, what the bank has not decided it decides.
        self.till.bank.calms_down();
        for (charge, dispute) in self.disputes.clone() {
            if self.till.bank.is_disputed(&charge) {
                self.till.bank.decide(&charge, true);
                self.till.hears_of_dispute(&charge, &dispute).await;
            }
        }
        for day in 365..395 {
            self.till.bank.refunds_become(&Word::Refunded);
            self.warehouse(day).await;
            self.passes(DAY_S).await;
            self.deadlines(day).await;
        }
        self.notices().await;
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
        self.kinds
    }
}

/// Plays one year; answers what kinds of notices were sent and what became of them.
async fn play(seed: u64) -> BTreeSet<String> {
    let mut year = Year::new(seed).await;
    for day in 0..365 {
        year.day(day).await;
    }
    year.end().await
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how many years is for whoever runs them")]
async fn a_year_of_declines_silence_slips_and_lost_answers_ends_to_the_cent() {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let from = number("SHIPWHEN_YEARS_FROM").unwrap_or(20_261_126);
    let mut kinds = BTreeSet::new();
    for seed in from..from + number("SHIPWHEN_YEARS").unwrap_or(1) {
        let play = std::panic::AssertUnwindSafe(play(seed));
        match futures_util::FutureExt::catch_unwind(play).await {
            Ok(seen) => kinds.extend(seen),
            Err(failed) => {
                eprintln!("the year of the seed {seed} failed");
                std::panic::resume_unwind(failed);
            }
        }
    }
    // What the year is about has happened in it.
    for kind in ["delay_first sent", "cancelled sent"] {
        assert!(kinds.iter().any(|seen| seen == kind), "{kind} is not among {kinds:?}");
    }
    assert!(kinds.iter().any(|kind| kind.ends_with(" answered")), "{kinds:?}");
    assert!(kinds.iter().any(|kind| kind.ends_with(" silent")), "{kinds:?}");
}
