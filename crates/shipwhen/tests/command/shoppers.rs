//! Clients that remember what they were answered, and ask again under the same key where they were not.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use serde_json::{Value, json};

use crate::house::Client;

/// Where their numbers at random begin.
pub(crate) const SEED: u64 = 0x5eed_0b0e;
const SKUS: [&str; 3] = ["KETTLE", "LAMP", "STOOL"];
/// Pause before somebody who got no answer asks again.
const AGAIN: Duration = Duration::from_millis(5);

/// SplitMix64: the same run each time, as far as threads allow.
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % limit
    }
}

/// A request, which may have to be sent again.
#[derive(Clone)]
pub(crate) struct Sent {
    once: String,
    path: String,
    body: Value,
}

/// An order that was acknowledged.
pub(crate) struct Kept {
    sent: Sent,
    order: Value,
    cancelled: bool,
}

/// What one client knows.
pub(crate) struct Shopper {
    draws: Draws,
    name: usize,
    made: usize,
    pub(crate) kept: Vec<Kept>,
    /// Sent, and never answered.
    unanswered: Option<Sent>,
    /// Acknowledged only when asked again, after a kill.
    pub(crate) late: usize,
    /// Of those, the ones that had been done before, unsaid: a request sent again after it was acknowledged is not among them.
    pub(crate) late_replays: usize,
    /// Keys of what was acknowledged.
    acknowledged: BTreeSet<String>,
}

impl Shopper {
    pub(crate) fn new(name: usize) -> Self {
        let draws = Draws(SEED ^ ((name as u64 + 1) << 32));
        let acknowledged = BTreeSet::new();
        Self {
            draws,
            name,
            made: 0,
            kept: Vec::new(),
            unanswered: None,
            late: 0,
            late_replays: 0,
            acknowledged,
        }
    }

    /// Sends what was left open, then one request after another, until no answer comes.
    pub(crate) fn shop(&mut self, client: &Client, acknowledged: &mpsc::Sender<()>) {
        while self.settle(client) {
            let sent = self.next();
            self.unanswered = Some(sent);
            if !self.ask(client, false) {
                return;
            }
            // Nobody listens any more when the kill is under way.
            let _ = acknowledged.send(());
        }
    }

    /// Sends one request after another until it is enough, to the first node, and from one that does not answer on to the next,
    /// under the same key.
    pub(crate) fn shop_around(
        &mut self,
        nodes: &[Client],
        acknowledged: &mpsc::Sender<()>,
        enough: &AtomicBool,
    ) {
        let mut at = 0;
        while !enough.load(Ordering::Relaxed) {
            let again = self.unanswered.is_some();
            if !again {
                self.unanswered = Some(self.next());
            }
            if self.ask(&nodes[at], again) {
                let _ = acknowledged.send(());
            } else {
                at = (at + 1) % nodes.len();
                std::thread::park_timeout(AGAIN);
            }
        }
    }

    /// Repeats the request that has no answer yet; false: it has none again.
    pub(crate) fn settle(&mut self, client: &Client) -> bool {
        self.unanswered.is_none() || self.ask(client, true)
    }

    fn ask(&mut self, client: &Client, again: bool) -> bool {
        let sent = self.unanswered.clone().unwrap();
        let Ok(answer) = client.try_post(&sent.path, &sent.once, &sent.body) else { return false };
        // The store is away: nobody can say more than that it is to be tried again.
        if answer.status == 503 {
            return false;
        }
        let replayed = answer.replayed;
        self.unanswered = None;
        let is_new = self.acknowledged.insert(sent.once.clone());
        if again {
            self.late += 1;
            self.late_replays += usize::from(replayed && is_new);
        }
        if sent.path != "/v1/orders" {
            let order = answer.expect(200);
            let known = self.kept.iter_mut().find(|kept| kept.order["id"] == order["id"]).unwrap();
            known.cancelled = true;
            return true;
        }
        let order = answer.expect(201);
        match self.kept.iter().find(|kept| kept.sent.once == sent.once) {
            Some(known) => {
                assert!(replayed, "{} had been acknowledged", sent.once);
                assert_eq!(order["id"], known.order["id"], "{} made a second order", sent.once);
            }
            None => self.kept.push(Kept { sent, order, cancelled: false }),
        }
        true
    }

    /// Most times a new order, else one that is acknowledged sent again or called off.
    fn next(&mut self) -> Sent {
        let which = self.draws.below(10);
        if which >= 7 && !self.kept.is_empty() {
            let known = &self.kept[self.draws.below(self.kept.len() as u64) as usize];
            if which == 7 {
                return known.sent.clone();
            }
            let id = known.order["id"].as_str().unwrap();
            return Sent {
                once: format!("cancel-{id}"),
                path: format!("/v1/orders/{id}/cancel"),
                body: json!({"reason": "changed my mind"}),
            };
        }
        self.made += 1;
        let lines: Vec<Value> = (0..=self.draws.below(3))
            .map(|_| {
                let sku = SKUS[self.draws.below(SKUS.len() as u64) as usize];
                json!({"sku": sku, "quantity": 1 + self.draws.below(4)})
            })
            .collect();
        let once = format!("order-{}-{}", self.name, self.made);
        let email = format!("shopper{}@example.com", self.name);
        let body = json!({"reference": once, "customer": {"email": email, "country": "US"}, "lines": lines});
        Sent { once, path: "/v1/orders".to_owned(), body }
    }
}

pub(crate) fn seed(client: &Client) {
    let place = json!({
        "name": "Main", "time_zone": "America/New_York",
        "transit": [{"country": "*", "service": "standard", "days_min": 2, "days_max": 4}],
    });
    assert!(client.put("/v1/locations/main", &place).status < 300);
    for sku in SKUS {
        let item = json!({"title": sku, "price": {"amount": 4900, "currency": "USD"}});
        assert!(client.put(&format!("/v1/skus/{sku}"), &item).status < 300);
        let policy = json!({"when_out": "backorder", "backorder_cap": "unlimited"});
        assert!(client.put(&format!("/v1/skus/{sku}/policies/default"), &policy).status < 300);
        let supply = json!({
            "sku": sku, "location": "main", "kind": "purchase_order", "quantity": 100_000,
            "expected_on": "2031-03-03", "reference": format!("PO-{sku}"),
        });
        client.post("/v1/supplies", &format!("supply-{sku}"), &supply).expect(201);
        let stock = json!({"sku": sku, "location": "main", "delta": 200, "reason": "opening_stock"});
        let stocked = client.post("/v1/adjustments", &format!("stock-{sku}"), &stock);
        assert!(stocked.status < 300, "{stocked:?}");
    }
}

/// Every order acknowledged is there as it was answered, there is no other, and supplies are pegged for exactly them.
pub(crate) fn check_orders(client: &Client, shoppers: &[Shopper]) {
    let mut open: BTreeMap<String, i64> = BTreeMap::new();
    let mut acknowledged = BTreeSet::new();
    for kept in shoppers.iter().flat_map(|shopper| &shopper.kept) {
        let id = kept.order["id"].as_str().unwrap();
        assert!(acknowledged.insert(id.to_owned()), "{id} answers two keys");
        let now = client.get(&format!("/v1/orders/{id}")).expect(200);
        assert_eq!(now["reference"], kept.sent.body["reference"]);
        let (lines, told) = (now["lines"].as_array().unwrap(), kept.order["lines"].as_array().unwrap());
        let asked = kept.sent.body["lines"].as_array().unwrap();
        assert_eq!((lines.len(), told.len()), (asked.len(), asked.len()), "{now}");
        for ((line, told), asked) in lines.iter().zip(told).zip(asked) {
            for field in ["id", "sku", "quantity"] {
                assert_eq!(line[field], told[field], "{field} of a line of {id}");
            }
            assert_eq!((&line["sku"], &line["quantity"]), (&asked["sku"], &asked["quantity"]));
            let (units, left) = (line["quantity"].as_i64().unwrap(), line["open"].as_i64().unwrap());
            assert_eq!(left, if kept.cancelled { 0 } else { units }, "{now}");
            let parts = line["parts"].as_array().unwrap();
            assert_eq!(parts.iter().map(|part| part["quantity"].as_i64().unwrap()).sum::<i64>(), left);
            *open.entry(line["sku"].as_str().unwrap().to_owned()).or_default() += left;
        }
    }
    let stored: Vec<Value> = client.list("/v1/orders");
    assert_eq!(stored.len(), acknowledged.len(), "orders in the store and orders acknowledged");
    let stored: BTreeSet<String> = stored
        .into_iter()
        .map(|mut order| mem::take(&mut order["id"]).as_str().unwrap().to_owned())
        .collect();
    assert_eq!(stored, acknowledged);
    let mut pegged: BTreeMap<String, i64> = BTreeMap::new();
    for supply in client.list("/v1/supplies") {
        *pegged.entry(supply["sku"].as_str().unwrap().to_owned()).or_default() +=
            supply["pegged"].as_i64().unwrap();
    }
    assert_eq!(pegged, open, "units pegged and units open");
}
