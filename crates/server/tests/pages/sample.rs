//! A small shop in which everything that a page shows has happened, and a server for it.

use std::sync::{Arc, OnceLock};

use engine::{Answer, Engine, Request, Stamps};
use ledger::{Store, Tenant, sqlite::SqliteStore};
use model::{
    Units,
    command::{
        AddSupply, Adjust, AskLine, CancelSupply, ChangeSupply, Command, Contact, PlaceOrder, PutItem,
        PutLocation, PutPolicy, Receive, Ship,
    },
    event::AdjustReason,
    id::{Channel, LocationId, OrderId, Sku, SupplyId, TenantId},
    item::{Cap, Item, Policy, WhenOut},
    location::LocationSettings,
    order::ShipChoice,
    supply::SupplyKind,
    time::{Timestamp, parse_date},
};
use serde_json::json;
use server::App;

/// When the sample is looked at.
pub(crate) const NOW: &str = "2026-11-23T15:03:22Z";

/// A shop with a server, in a directory that goes with it.
pub(crate) struct Sample {
    /// The server.
    pub(crate) app: Arc<App>,
    /// The shop.
    pub(crate) tenant: TenantId,
    /// Orders in the order they were placed.
    pub(crate) orders: Vec<(OrderId, Timestamp)>,
    _dir: tempfile::TempDir,
}

impl Sample {
    /// A shop without anything.
    pub(crate) fn empty() -> Self {
        let dir = tempfile::tempdir().expect("a directory for the store");
        let store = SqliteStore::open(dir.path()).expect("a store");
        let tenant = TenantId::new("north-fork-goods").expect("a name");
        let mut writer = store.writer().expect("a writer");
        let row = Tenant { id: tenant.clone(), created_at: Timestamp::UNIX_EPOCH, salt: [7; 32] };
        writer.create_tenant(&row).expect("a tenant");
        writer.commit().expect("a commit");
        drop(writer);
        let now: Timestamp = NOW.parse().expect("an instant");
        let app = App {
            engine: Engine::start(Arc::new(store)).expect("an engine"),
            stamps: Stamps::new([1; 32]),
            clock: Arc::new(move || now),
            test_clock: true,
            post: server::mail::Post::Outbox,
            payments: server::payments::Payments::default(),
            hooks: server::hooks::Hooks::default(),
            views: server::views::Views::default(),
            traces: server::traces::Traces::default(),
            demo: Some(tenant.clone()),
            secret: [3; 32],
            public_url: OnceLock::from("http://127.0.0.1:8080".to_owned()),
        };
        Self { app: Arc::new(app), tenant, orders: Vec::new(), _dir: dir }
    }

    /// The same shop, served as a real one: whoever looks must sign in.
    pub(crate) fn behind_a_door(mut self) -> Self {
        Arc::get_mut(&mut self.app).expect("nobody serves it yet").demo = None;
        self
    }

    /// A shop with products in every state, orders, a late delivery and a shortfall.
    pub(crate) fn full() -> Self {
        let mut shop = Self::empty();
        shop.products();
        shop.history();
        shop
    }

    /// Runs a command at a moment.
    pub(crate) fn run(&self, at: &str, command: Command) -> Answer {
        let now: Timestamp = at.parse().expect("an instant");
        let id = self.app.stamps.next(now);
        let request = Request {
            tenant: self.tenant.clone(),
            now,
            id,
            command,
            key: None,
            detail: engine::Detail::Full,
        };
        let answered = self.app.engine.run_blocking(request).expect("an answer");
        answered.outcome.unwrap_or_else(|refusal| panic!("refused: {refusal:?}"))
    }

    /// The same from within a test that must not block.
    pub(crate) async fn spawn_run(&self, at: &'static str, command: Command) {
        let (app, tenant) = (Arc::clone(&self.app), self.tenant.clone());
        let done = tokio::task::spawn_blocking(move || {
            let now: Timestamp = at.parse().expect("an instant");
            let id = app.stamps.next(now);
            let request = Request { tenant, now, id, command, key: None, detail: engine::Detail::Full };
            app.engine.run_blocking(request).expect("the engine runs").outcome.map(drop)
        });
        done.await.expect("no panic").expect("it is done");
    }

    /// Describes a location that sends to three countries.
    pub(crate) fn location(&self, at: &str) {
        let settings: LocationSettings = serde_json::from_value(json!({
            "name": "Portland", "time_zone": "America/New_York", "cutoff": "14:00", "handling_days": 1,
            "dock_to_stock_days": 1, "holidays": ["2026-11-26"],
            "transit": [
                {"country": "US", "service": "standard", "days_min": 2, "days_max": 4, "price": {"amount": 600, "currency": "USD"}},
                {"country": "CA", "service": "standard", "days_min": 4, "days_max": 7, "price": {"amount": 1200, "currency": "USD"}},
                {"country": "*", "service": "standard", "days_min": 7, "days_max": 12, "price": {"amount": 2400, "currency": "USD"}}
            ]
        }))
        .expect("a location");
        let location = LocationId::stored("main");
        self.run(at, Command::PutLocation(PutLocation { location, settings, if_match: None }));
    }

    /// Describes a product and how it is sold.
    pub(crate) fn item(&self, at: &str, sku: &str, title: &str, cents: i64, policy: Policy) {
        let item: Item = serde_json::from_value(json!({
            "sku": sku, "title": title, "price": {"amount": cents, "currency": "USD"}, "supplier": "Alder & Pine"
        }))
        .expect("an item");
        self.put(at, item, policy);
    }

    fn put(&self, at: &str, item: Item, policy: Policy) {
        let sku = item.sku.clone();
        self.run(at, Command::PutItem(PutItem { item, if_match: None }));
        let channel = Channel::default();
        self.run(at, Command::PutPolicy(PutPolicy { sku, channel, policy, if_match: None }));
    }

    /// Puts units on the shelf.
    pub(crate) fn stock(&self, at: &str, sku: &str, delta: Units) {
        let (sku, location) = (Sku::stored(sku), LocationId::stored("main"));
        let reason = AdjustReason::OpeningStock;
        self.run(
            at,
            Command::Adjust(Adjust {
                sku,
                location,
                delta,
                reason,
                line: None,
                quarantine: false,
                note: None,
            }),
        );
    }

    /// Enters a purchase order.
    pub(crate) fn inbound(
        &self,
        at: &str,
        sku: &str,
        quantity: Units,
        on: &str,
        reference: &str,
    ) -> SupplyId {
        let supply = AddSupply {
            sku: Sku::stored(sku),
            location: LocationId::stored("main"),
            kind: SupplyKind::PurchaseOrder,
            quantity,
            expected_on: parse_date(on).ok(),
            supplier: None,
            reference: Some(reference.into()),
            promise_buffer_days: None,
        };
        match self.run(at, Command::AddSupply(supply)) {
            Answer::SupplyAdded(view) => view.view.supply.id,
            other => panic!("{other:?}"),
        }
    }

    /// Places an order and answers its id.
    pub(crate) fn order(&mut self, at: &str, name: &str, lines: &[(&str, Units)]) -> OrderId {
        let email = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
        let order = PlaceOrder {
            reference: Some(format!("#{}", 1_001 + self.orders.len()).into()),
            contact: Contact {
                email: Some(email.as_str().into()),
                name: Some(name.into()),
                ..Contact::default()
            },
            customer: Some(server::app::customer_key(&[7; 32], &email)),
            country: Some("US".into()),
            ship: ShipChoice::AsAvailable,
            lines: lines
                .iter()
                .map(|(sku, quantity)| AskLine {
                    sku: Sku::stored(sku),
                    quantity: *quantity,
                    unit_price: None,
                })
                .collect(),
            ..PlaceOrder::default()
        };
        match self.run(at, Command::PlaceOrder(Box::new(order))) {
            Answer::Placed(view) => {
                self.orders.push((view.id, view.placed_at));
                view.id
            }
            other => panic!("{other:?}"),
        }
    }

    /// The path of an order's page.
    pub(crate) fn path(&self, order: OrderId) -> String {
        let placed =
            self.orders.iter().find(|(id, _)| *id == order).map_or(Timestamp::UNIX_EPOCH, |(_, at)| *at);
        format!("/o/{}", server::link::make(&self.app.secret, &self.tenant, order, placed))
    }

    fn products(&self) {
        let at = "2026-10-12T14:00:00Z";
        self.location(at);
        let sells = |when_out| Policy { when_out, backorder_cap: Cap::Supply, ..Policy::default() };
        let backorder = || sells(WhenOut::Backorder);
        self.item(at, "LAMP-BRASS", "Brass reading lamp", 14_900, backorder());
        self.item(at, "CHAIR-OAK", "Oak lounge chair", 48_900, backorder());
        self.item(at, "KETTLE-01", "Pour-over kettle", 6_900, backorder());
        self.item(at, "MUG-BLUE", "Stoneware mug, blue", 2_400, sells(WhenOut::Waitlist));
        let few = Policy { limited_below: 5, ..backorder() };
        self.item(at, "RUG-S", "Wool runner, small", 22_000, few);
        let release = parse_date("2027-01-18").ok();
        self.item(
            at,
            "SPEAKER-2",
            "Shelf speaker II",
            32_900,
            Policy { release_date: release, ..sells(WhenOut::Preorder) },
        );
        let made = Policy { lead_time_days: Some(28), ..sells(WhenOut::MadeToOrder) };
        self.item(at, "TABLE-WAL", "Walnut side table", 39_500, made);
        self.item(at, "TRAY-L", "Serving tray, large", 5_400, sells(WhenOut::Refuse));
        self.item(at, "ODD/1", "Cups <script>alert(1)</script> & \"saucers\"", 3_100, backorder());
        let kit: Item = serde_json::from_value(json!({
            "sku": "SET-COFFEE", "title": "Coffee corner set", "price": {"amount": 8_900, "currency": "USD"},
            "components": [{"sku": "KETTLE-01", "quantity": 1}, {"sku": "MUG-BLUE", "quantity": 2}]
        }))
        .expect("a kit");
        self.put(at, kit, backorder());
        for (sku, units) in
            [("LAMP-BRASS", 3), ("KETTLE-01", 40), ("MUG-BLUE", 24), ("RUG-S", 4), ("ODD/1", 12)]
        {
            self.stock(at, sku, units);
        }
    }

    fn history(&mut self) {
        let at = |day: &str| format!("{day}T15:00:00Z");
        let names =
            ["Ada Lovelace", "Grace Hopper", "Alan Turing", "Mary Somerville", "Emmy Noether", "Ida Rhodes"];
        let october = &at("2026-10-20");
        let lamps = self.inbound(october, "LAMP-BRASS", 40, "2026-11-18", "PO-311");
        let more = self.inbound(october, "LAMP-BRASS", 60, "2026-12-14", "PO-318");
        let chairs = self.inbound(october, "CHAIR-OAK", 24, "2026-12-03", "PO-312");
        self.inbound(october, "SPEAKER-2", 200, "2027-01-11", "PR-7");
        let gone = self.inbound(october, "RUG-S", 6, "2026-12-01", "PO-309");
        self.order(&at("2026-10-21"), names[0], &[("LAMP-BRASS", 5)]);
        for (day, name) in (22..=30).zip(names.iter().cycle()) {
            let day = at(&format!("2026-10-{day}"));
            self.order(&day, name, &[("LAMP-BRASS", 3), ("CHAIR-OAK", 1)]);
        }
        self.order(&at("2026-11-02"), names[3], &[("SET-COFFEE", 2), ("TABLE-WAL", 1)]);
        self.order(&at("2026-11-03"), names[4], &[("SPEAKER-2", 2)]);
        self.order(&at("2026-11-04"), names[5], &[("RUG-S", 8)]);
        let sent = self.order(&at("2026-11-05"), names[1], &[("ODD/1", 2)]);
        let shipped_at = at("2026-11-06").parse().expect("an instant");
        let ship = Ship {
            order: sent,
            lines: Vec::new(),
            tracking: Some("1Z999AA10123456784".into()),
            carrier: Some("UPS".into()),
            tracking_url: None,
            shipped_at,
        };
        self.run(&at("2026-11-06"), Command::Ship(ship));
        let slip =
            |supply, on| ChangeSupply { supply, expected_on: Some(parse_date(on).ok()), quantity: None };
        self.run(&at("2026-11-12"), Command::ChangeSupply(slip(chairs, "2026-12-17")));
        self.run(&at("2026-11-13"), Command::CancelSupply(CancelSupply { supply: gone }));
        let fewer = ChangeSupply { supply: lamps, expected_on: None, quantity: Some(34) };
        self.run(&at("2026-11-18"), Command::ChangeSupply(fewer));
        self.run(&at("2026-11-19"), Command::Receive(Receive::whole(lamps)));
        self.run(&at("2026-11-20"), Command::ChangeSupply(slip(more, "2026-12-09")));
        self.order(&at("2026-11-21"), names[2], &[("CHAIR-OAK", 2), ("KETTLE-01", 1)]);
    }
}
