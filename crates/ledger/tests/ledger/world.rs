//! A shop in memory and its rows in a store, changed by hand-made events: what an engine does, without its decisions.

use std::sync::Arc;

use ledger::{Changes, Kept, Read, Replay, Store, StoreError, Tenant, Timer, Write};
use model::{
    Units,
    command::Contact,
    event::{
        AdjustReason, Event, HoldGone, LineCancelled, LinePromise, LocationSet, Move, Noted, OrderPlaced,
        PolicySet, PromiseGiven, Refenced, ReleaseReturned, Released, ReleasedLine, RunApplied, Shipped,
        ShippedLine, StillDue, StockAdjusted, StockRingFenced, SupplyCancelled, SupplyChanged,
        SupplyInspected, SupplyReceived,
    },
    id::{
        Channel, CustomerKey, HoldId, LineId, LocationId, OrderId, ReleaseId, RunId, Sku, SupplyId, TenantId,
    },
    item::{Component, Item, Policy},
    location::LocationSettings,
    money::{Currency, Money},
    order::{Cause, Dates, Hold, Line, Order, Peg, Promise, ShipChoice},
    pool::Pool,
    record::{Json, Record},
    state::{Shop, Touched},
    supply::{Lateness, Supply, SupplyKind, SupplyState},
    time::{Date, Timestamp},
};
use uuid::Uuid;

pub(crate) fn date(text: &str) -> Date {
    model::time::parse_date(text).unwrap()
}

pub(crate) fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

pub(crate) fn sku(text: &str) -> Sku {
    Sku::new(text).unwrap()
}

pub(crate) fn tenant(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

pub(crate) fn item(code: &str) -> Item {
    serde_json::from_value(serde_json::json!({
        "sku": code, "title": format!("The {code}"), "price": {"amount": 4900, "currency": "USD"}
    }))
    .unwrap()
}

/// One line of an order to place: what, and from which supplies.
pub(crate) struct Ask<'a> {
    pub(crate) sku: &'a str,
    pub(crate) quantity: Units,
    pub(crate) from: Vec<(SupplyId, Units)>,
}

pub(crate) fn ask(sku: &str, quantity: Units, from: SupplyId) -> Ask<'_> {
    Ask { sku, quantity, from: vec![(from, quantity)] }
}

/// A shop of one tenant and what of it is not yet written.
pub(crate) struct World {
    pub(crate) tenant: TenantId,
    pub(crate) shop: Shop,
    pub(crate) changes: Changes,
    touched: Touched,
    ids: u128,
    seconds: i64,
}

impl World {
    /// An empty shop whose tenant exists.
    pub(crate) fn create(name: &str, store: &dyn Store) -> Self {
        let mut writer = store.writer().unwrap();
        let tenant = Tenant { id: tenant(name), created_at: instant(0), salt: [7; 32] };
        writer.create_tenant(&tenant).unwrap();
        writer.commit().unwrap();
        Self::new(name)
    }

    pub(crate) fn new(name: &str) -> Self {
        Self {
            tenant: tenant(name),
            shop: Shop::default(),
            changes: Changes::default(),
            touched: Touched::default(),
            ids: 0x0192_0000_0000_7000_8000_0000_0000_0000,
            seconds: 0,
        }
    }

    /// The next id; each is greater than the one before.
    pub(crate) fn id(&mut self) -> Uuid {
        self.ids += 0x1_0000_0000;
        Uuid::from_u128(self.ids)
    }

    pub(crate) fn now(&mut self) -> Timestamp {
        self.seconds += 1;
        instant(self.seconds)
    }

    /// Sets a record of an order.
    pub(crate) fn note(&mut self, kind: &str, id: &str, order: OrderId) {
        let record = Record {
            owner: order.to_string().into(),
            state: "open".into(),
            due: Some(instant(7)),
            ..Record::new(kind, id, &serde_json::json!({ "of": id })).unwrap()
        };
        let data = Json::of(&serde_json::json!({})).unwrap();
        self.happen(Event::RecordsSet(Noted { sku: None, order: Some(order), data, records: vec![record] }));
    }

    pub(crate) fn happen(&mut self, event: Event) {
        let at = self.now();
        self.shop.apply(&event, &mut self.touched).unwrap();
        self.changes.events.push((at, event));
    }

    /// Has the last two things happen at one moment, as one decision.
    fn at_once(&mut self) {
        if let [.., (first, _), (then, _)] = self.changes.events.as_mut_slice() {
            *then = *first;
        }
    }

    /// Writes what happened.
    pub(crate) fn write(&mut self, writer: &mut dyn Write) -> Result<(), StoreError> {
        let touched = std::mem::take(&mut self.touched);
        let mut changes = std::mem::take(&mut self.changes);
        changes.collect(&self.shop, touched)?;
        writer.write(&self.tenant, &changes)?;
        for (item, ..) in &changes.pools {
            Arc::make_mut(self.shop.pools.get_mut(&item.sku).unwrap()).version += 1;
        }
        Ok(())
    }

    /// Writes and keeps what happened.
    pub(crate) fn commit(&mut self, store: &dyn Store) {
        let mut writer = store.writer().unwrap();
        self.write(&mut *writer).unwrap();
        writer.commit().unwrap();
    }

    pub(crate) fn location(&mut self, name: &str) {
        let settings = LocationSettings { name: format!("At {name}"), ..LocationSettings::default() };
        let location = LocationId::new(name).unwrap();
        self.happen(Event::LocationSet(LocationSet { location, settings }));
    }

    pub(crate) fn item(&mut self, code: &str) {
        self.happen(Event::ItemSet(item(code)));
    }

    pub(crate) fn kit(&mut self, code: &str, of: &[(&str, Units)]) {
        let components =
            of.iter().map(|(part, quantity)| Component { sku: sku(part), quantity: *quantity }).collect();
        self.happen(Event::ItemSet(Item { components, ..item(code) }));
    }

    pub(crate) fn policy(&mut self, code: &str, channel: &str, policy: Policy) {
        let channel = Channel::new(channel).unwrap();
        self.happen(Event::PolicySet(PolicySet { sku: sku(code), channel, policy }));
    }

    /// A supply that is not there yet.
    pub(crate) fn described(&mut self, code: &str, kind: SupplyKind, quantity: Units) -> Supply {
        Supply {
            id: SupplyId(self.id()),
            sku: sku(code),
            location: LocationId::new("main").unwrap(),
            kind,
            state: SupplyState::Due,
            quantity,
            expected_on: Some(date("2026-12-01")),
            lateness: Lateness::buffer(3),
            supplier: Some("Acme".into()),
            reference: Some("PO-1".into()),
            created_at: self.now(),
            received_at: None,
            claims: Vec::new(),
            ring_fenced: Vec::new(),
        }
    }

    pub(crate) fn inbound(&mut self, code: &str, quantity: Units) -> SupplyId {
        let supply = self.described(code, SupplyKind::PurchaseOrder, quantity);
        let id = supply.id;
        self.happen(Event::SupplyAdded(supply));
        id
    }

    pub(crate) fn stock(&mut self, code: &str, quantity: Units) -> SupplyId {
        let mut shelf = self.described(code, SupplyKind::Stock, 0);
        shelf.state = SupplyState::OnHand;
        shelf.expected_on = None;
        let (id, location) = (shelf.id, shelf.location.clone());
        self.happen(Event::StockAdjusted(StockAdjusted {
            ring_fenced: Vec::new(),
            sku: sku(code),
            location,
            lots: vec![(id, quantity)],
            opened: Some(shelf),
            delta: quantity,
            reason: AdjustReason::OpeningStock,
            line: None,
            note: Some("counted".into()),
        }));
        id
    }

    pub(crate) fn change(&mut self, code: &str, supply: SupplyId, quantity: Units, on: Date) {
        let before = self.shop.pool(&sku(code)).unwrap().supply(supply).unwrap().clone();
        self.happen(Event::SupplyChanged(SupplyChanged {
            ring_fenced: Vec::new(),
            supply,
            sku: sku(code),
            expected_on: Some(on),
            quantity,
            lateness: Lateness { expected_days: 1, promised_days: 5, learned_from: 4 },
            expected_on_before: before.expected_on,
            quantity_before: before.quantity,
        }));
    }

    pub(crate) fn receive(&mut self, code: &str, supply: SupplyId, accepted: Units) {
        let received_at = self.now();
        let sku = sku(code);
        self.happen(Event::SupplyReceived(SupplyReceived {
            ring_fenced: Vec::new(),
            supply,
            sku,
            accepted,
            expected: accepted,
            damaged: 0,
            received_at,
            quarantine: None,
            rest: None,
        }));
    }

    /// Books some of what is due in; good units go to the lines given. Answers the good units' supply, and quarantine.
    pub(crate) fn receive_part(
        &mut self,
        code: &str,
        supply: SupplyId,
        (accepted, damaged): (Units, Units),
        served: &[(LineId, Units)],
    ) -> (SupplyId, SupplyId) {
        let received_at = self.now();
        let due = self.shop.pool(&sku(code)).unwrap().supply(supply).unwrap().clone();
        let (lot, kept) = (SupplyId(self.id()), SupplyId(self.id()));
        let part = |id, state, quantity| {
            let (received_at, claims) = (Some(received_at), Vec::new());
            Supply { id, state, quantity, received_at, claims, ..Supply::clone(&due) }
        };
        let quarantine = Supply { expected_on: None, ..part(kept, SupplyState::Quarantine, damaged) };
        let moves = served.iter().map(|&(line, quantity)| Move { line, from: supply, to: lot, quantity });
        self.happen(Event::SupplyReceived(SupplyReceived {
            ring_fenced: Vec::new(),
            supply,
            sku: sku(code),
            accepted,
            expected: due.quantity,
            damaged,
            received_at,
            quarantine: Some(quarantine),
            rest: Some(StillDue {
                quantity: due.quantity - accepted - damaged,
                expected_on: Some(date("2026-12-20")),
                lot: Some(part(lot, SupplyState::OnHand, accepted)),
                into: None,
                moves: moves.collect(),
            }),
        }));
        (lot, kept)
    }

    pub(crate) fn inspect(&mut self, code: &str, supply: SupplyId, good: Units, written_off: Units) {
        let kept = self.shop.pool(&sku(code)).unwrap().supply(supply).unwrap().clone();
        let (id, inspected_at) = (SupplyId(self.id()), self.now());
        let lot = Supply { id, state: SupplyState::OnHand, quantity: good, ..Supply::clone(&kept) };
        self.happen(Event::SupplyInspected(SupplyInspected {
            ring_fenced: Vec::new(),
            supply,
            sku: sku(code),
            good,
            written_off,
            lot: (good > 0).then_some(lot),
            inspected_at,
            reason: Some("crushed".into()),
        }));
    }

    pub(crate) fn fence(&mut self, code: &str, supply: SupplyId, channel: &str, units: Units) {
        let before = self.shop.pool(&sku(code)).unwrap().supply(supply).unwrap().clone();
        let channel = Channel::stored(channel);
        let mut now = Supply::clone(&before);
        now.ring_fence(&channel, units);
        let ring_fenced = vec![Refenced { supply, before: before.ring_fenced.clone(), now: now.ring_fenced }];
        self.happen(Event::StockRingFenced(StockRingFenced {
            sku: sku(code),
            channel,
            units,
            location: None,
            ring_fenced,
        }));
    }

    pub(crate) fn call_off(&mut self, code: &str, supply: SupplyId) {
        let quantity = self.shop.pool(&sku(code)).unwrap().supply(supply).unwrap().quantity;
        self.happen(Event::SupplyCancelled(SupplyCancelled { supply, sku: sku(code), quantity }));
    }

    pub(crate) fn lines(&self, asks: &[Ask<'_>]) -> Vec<Line> {
        let line = |(at, ask): (usize, &Ask<'_>)| {
            let recipe = self.shop.pool(&sku(ask.sku)).unwrap().item.components.clone();
            let pool_of = |supply| {
                let has = |pool: &&Arc<Pool>| pool.supply(supply).is_some();
                self.shop.pools.values().find(has).unwrap().sku().clone()
            };
            let pegs =
                ask.from.iter().map(|&(supply, quantity)| Peg { sku: pool_of(supply), supply, quantity });
            Line {
                no: u16::try_from(at + 1).unwrap(),
                sku: sku(ask.sku),
                quantity: ask.quantity,
                unit_price: Some(Money::new(4900, Currency::USD)),
                recipe,
                cancelled: 0,
                shipped: 0,
                pegs: pegs.collect(),
                released: Vec::new(),
                returned: Vec::new(),
                promises: Vec::new(),
            }
        };
        asks.iter().enumerate().map(line).collect()
    }

    /// An order with everything set that can be.
    pub(crate) fn ordered(&mut self, asks: &[Ask<'_>]) -> Order {
        let lines = self.lines(asks);
        let id = OrderId(self.id());
        Order {
            id,
            reference: Some(format!("#{}", self.ids & 0xffff).into()),
            channel: Channel::default(),
            customer: Some(CustomerKey([3; 16])),
            group: Some("members".into()),
            country: Some("US".into()),
            placed_at: self.now(),
            ship: ShipChoice::AsAvailable,
            requested_date: None,
            not_later_than: Some(date("2027-03-01")),
            placed_by: Some("pk_live".into()),
            lines,
        }
    }

    pub(crate) fn place(&mut self, asks: &[Ask<'_>]) -> OrderId {
        let order = self.ordered(asks);
        self.place_order(order, None)
    }

    pub(crate) fn wanted(&mut self, asks: &[Ask<'_>], on: &str) -> OrderId {
        let mut order = self.ordered(asks);
        order.requested_date = Some(date(on));
        self.place_order(order, None)
    }

    /// Places an order as the engine would: with a promise for each line, a contact and an answer.
    pub(crate) fn place_order(&mut self, order: Order, hold: Option<HoldId>) -> OrderId {
        let id = order.id;
        let lines: Vec<u16> = order.lines.iter().map(|line| line.no).collect();
        self.happen(Event::OrderPlaced(OrderPlaced {
            order: Arc::new(order),
            hold,
            opened: Vec::new(),
            seen: Vec::new(),
        }));
        self.promise(id, &lines, "2026-12-04", "order_placed");
        self.at_once();
        let email = Some(format!("{}@example.com", id.0.simple()).into());
        let contact = Contact {
            email,
            name: Some("A Person".into()),
            address: None,
            postcode: Some("94110".into()),
            locale: Some("en-US".into()),
        };
        self.changes.contacts.push((id, contact));
        self.changes.replays.push(Replay {
            key: id.to_string().into(),
            request: [9; 32],
            day: 20_500,
            lasting: false,
            kept: Kept::Text("{\"status\":201}".into()),
        });
        id
    }

    /// An order whose units are not ordered yet: it opens a supply as large as itself.
    pub(crate) fn made_to_order(&mut self, code: &str, quantity: Units) -> OrderId {
        let opened = self.described(code, SupplyKind::LeadTime, 0);
        // The supply is not in its pool yet, so the peg is made by hand.
        let mut order = self.ordered(&[Ask { sku: code, quantity, from: Vec::new() }]);
        order.lines[0].pegs = vec![Peg { sku: sku(code), supply: opened.id, quantity }];
        let id = order.id;
        let order = Arc::new(order);
        self.happen(Event::OrderPlaced(OrderPlaced {
            order,
            hold: None,
            opened: vec![opened],
            seen: Vec::new(),
        }));
        self.promise(id, &[1], "2027-01-20", "order_placed");
        self.at_once();
        id
    }

    pub(crate) fn promise(&mut self, order: OrderId, lines: &[u16], on: &str, cause: &str) {
        let given_at = self.now();
        let dates = Dates { expected: Some(date("2026-12-01")), promised: Some(date(on)) };
        let promises = lines.iter().map(|&line| {
            let version = self.shop.orders[&order].line(line).unwrap().promises.len() + 1;
            let promise = Promise {
                version: u32::try_from(version).unwrap(),
                ship_by: dates,
                deliver_by: dates,
                given_at,
                told_at: Some(given_at),
                cause: Cause::of(cause),
            };
            LinePromise { line, promise }
        });
        let promises = promises.collect();
        self.happen(Event::PromiseGiven(PromiseGiven { order, promises }));
    }

    pub(crate) fn hold(&mut self, asks: &[Ask<'_>]) -> HoldId {
        let lines = self.lines(asks);
        let (id, placed_at) = (HoldId(self.id()), self.now());
        let expires_at = instant(self.seconds + 900);
        self.happen(Event::HoldPlaced(Hold {
            id,
            channel: Channel::default(),
            group: None,
            country: Some("US".into()),
            placed_at,
            expires_at,
            placed_by: Some("pk_live".into()),
            lines,
        }));
        self.changes.timers.push((expires_at, Timer::HoldExpires(id)));
        id
    }

    /// Ends a hold, with or without an order that takes its units over.
    pub(crate) fn end_timer(&mut self, id: HoldId) {
        let at = self.shop.holds[&id].expires_at;
        self.changes.timers_gone.push((at, Timer::HoldExpires(id)));
    }

    pub(crate) fn expire(&mut self, id: HoldId) {
        self.end_timer(id);
        self.happen(Event::HoldExpired(HoldGone { hold: id }));
    }

    pub(crate) fn cancel(&mut self, line: LineId, quantity: Units, freed: &[(SupplyId, Units)]) {
        let sku = self.shop.orders[&line.order].line(line.no).unwrap().sku.clone();
        let freed = self.pegs_of(line, freed);
        let reason = Some("changed my mind".into());
        self.happen(Event::LineCancelled(LineCancelled { line, sku, quantity, freed, reason }));
    }

    fn pegs_of(&self, line: LineId, parts: &[(SupplyId, Units)]) -> Vec<Peg> {
        let line = self.shop.orders[&line.order].line(line.no).unwrap();
        let peg = |&(supply, quantity): &(SupplyId, Units)| {
            let sku = line.pegs.iter().find(|peg| peg.supply == supply).unwrap().sku.clone();
            Peg { sku, supply, quantity }
        };
        parts.iter().map(peg).collect()
    }

    pub(crate) fn ship(&mut self, line: LineId, quantity: Units, from: &[(SupplyId, Units)]) {
        let from = self.pegs_of(line, from);
        let shipped_at = self.now();
        let parcel = Some(format!("pcl_{}", self.id().simple()).into());
        self.happen(Event::Shipped(Shipped {
            order: line.order,
            lines: vec![ShippedLine { line: line.no, quantity, from }],
            tracking: Some("1Z".into()),
            carrier: Some("UPS".into()),
            tracking_url: None,
            shipped_at,
            parcel,
        }));
    }

    /// Hands units of a line over to fulfilment; answers the release.
    pub(crate) fn release(&mut self, line: LineId, from: &[(SupplyId, Units)]) -> ReleaseId {
        let release = ReleaseId(self.id());
        let carrier_cutoff = Some(self.now());
        let picks = self.pegs_of(line, from);
        let quantity = picks[0].quantity;
        self.happen(Event::Released(Released {
            release,
            order: line.order,
            location: LocationId::new("main").unwrap(),
            carrier_cutoff,
            lines: vec![ReleasedLine { line: line.no, quantity, picks }],
        }));
        release
    }

    pub(crate) fn take_back(&mut self, release: ReleaseId, line: LineId, from: &[(SupplyId, Units)]) {
        let picks = self.pegs_of(line, from);
        let lines = vec![ReleasedLine { line: line.no, quantity: picks[0].quantity, picks }];
        let reason = Some("the box was crushed".into());
        self.happen(Event::ReleaseReturned(ReleaseReturned { release, order: line.order, lines, reason }));
    }

    /// Puts units back on the shelf that the customer of a line sent back.
    pub(crate) fn sent_back(&mut self, line: LineId, shelf: SupplyId, quantity: Units) {
        let sku = self.shop.orders[&line.order].line(line.no).unwrap().sku.clone();
        self.happen(Event::StockAdjusted(StockAdjusted {
            ring_fenced: Vec::new(),
            sku,
            location: LocationId::new("main").unwrap(),
            lots: vec![(shelf, quantity)],
            opened: None,
            delta: quantity,
            reason: AdjustReason::ReturnToStock,
            line: Some(line),
            note: None,
        }));
    }

    pub(crate) fn moved(&mut self, code: &str, moves: Vec<Move>) {
        let run = RunId(self.id());
        let cause = Cause::of("supply_changed");
        self.happen(Event::RunApplied(RunApplied { run, sku: sku(code), cause, opened: Vec::new(), moves }));
    }

    /// What the store has of this shop must be what the shop in memory is.
    pub(crate) fn check(&self, read: &mut dyn Read) {
        let mut pools: Vec<Pool> = self.shop.pools.values().map(|pool| Pool::clone(pool)).collect();
        pools.sort_by(|a, b| a.sku().cmp(b.sku()));
        assert_eq!(read.pool_page(&self.tenant, None, 1_000_000).unwrap(), pools);
        let mut ids: Vec<OrderId> = self.shop.orders.keys().copied().collect();
        ids.sort();
        let sorted = |mut order: Order| {
            order.lines.iter_mut().for_each(|line| line.pegs.sort_by_key(|peg| peg.supply));
            order
        };
        let orders: Vec<Order> = ids.iter().map(|id| sorted(Order::clone(&self.shop.orders[id]))).collect();
        assert_eq!(read.orders(&self.tenant, &ids).unwrap(), orders);
        ids.reverse();
        assert_eq!(read.order_page(&self.tenant, &Default::default(), None, 1_000_000).unwrap(), ids);
        for hold in self.shop.holds.values() {
            assert_eq!(read.holds(&self.tenant, &[hold.id]).unwrap(), [Hold::clone(hold)]);
        }
        let locations: Vec<_> =
            self.shop.locations.iter().map(|(id, at)| (id.clone(), LocationSettings::clone(at))).collect();
        assert_eq!(read.locations(&self.tenant).unwrap(), locations);
    }
}
