//! One shop on a store in memory, run by the engine's own code.

use std::sync::Arc;

use engine::{Answer, Detail, Failure, Request, Sandbox, Stamps};
use ledger::{QueuePart, RecordFilter, Shelf, Store, Tenant, memory::MemoryStore};
use model::{
    Units,
    command::{
        AddSupply, Adjust, AskLine, CancelOrder, Command, JoinWaitlist, PlaceOrder, PutItem, PutLocation,
        PutPolicy, Receive, Ship,
    },
    event::AdjustReason,
    id::{Channel, CustomerKey, HoldId, LocationId, OrderId, Sku, SupplyId, TenantId},
    item::{Item, Policy},
    location::LocationSettings,
    refusal::Rejection,
    supply::SupplyKind,
    time::{Date, Timestamp, Zone, date_from_days, days_since_epoch, local_date, seconds_after},
    view::OrderView,
    waitlist::{WAITING, Wait, WaitState},
};

use crate::{events::Moment, run::SimulateError};

/// A place that works every day until midnight.
const EVERY_DAY: &str =
    r#"{"working_days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "cutoff": "23:59"}"#;
/// Lines of one lot served in one step.
const SERVED_MAX: usize = 100_000;

/// A shop with one SKU at one place that works every day and sends goods the day they are there.
pub(crate) struct Shop {
    sandbox: Sandbox,
    tenant: TenantId,
    stamps: Stamps,
    sku: Sku,
    place: LocationId,
    start: Timestamp,
    zone: Zone,
}

/// How an order was answered.
pub(crate) enum Placed {
    /// Units that were there, units for later, and by when those were promised.
    Taken { order: OrderId, here: Units, later: Units, promised: Option<Date> },
    /// Nothing was ordered.
    Refused,
}

fn defect(what: impl std::fmt::Display) -> SimulateError {
    SimulateError::Defect(what.to_string())
}

impl Shop {
    /// A shop with its SKU and policy.
    pub(crate) fn open(
        start: Timestamp,
        seed: u64,
        (sku, policy): (&str, &Policy),
    ) -> Result<Self, SimulateError> {
        let tenant = TenantId::new("shop").map_err(defect)?;
        let sku: Sku = sku.parse().map_err(defect)?;
        let place: LocationId = "here".parse().map_err(defect)?;
        let mut writer = MemoryStore::new([0; 32]).writer().map_err(Failure::from)?;
        let owner = Tenant { id: tenant.clone(), created_at: start, salt: [0; 32] };
        writer.create_tenant(&owner).map_err(Failure::from)?;
        writer.commit().map_err(Failure::from)?;
        let sandbox = Sandbox::new(writer, tenant.clone())?;
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let stamps = Stamps::new(bytes);
        let mut shop = Self { sandbox, tenant, stamps, sku, place, start, zone: Zone::utc() };
        let settings: LocationSettings = serde_json::from_str(EVERY_DAY).map_err(defect)?;
        let location = PutLocation { location: shop.place.clone(), settings, if_match: None };
        shop.must(0, Command::PutLocation(location))?;
        let item = Item {
            sku: shop.sku.clone(),
            title: "".into(),
            price: None,
            unit_cost: None,
            components: Vec::new(),
            barcode: None,
            supplier: None,
            tags: Vec::new(),
            substitutes: Vec::new(),
            discontinued: false,
        };
        shop.must(0, Command::PutItem(PutItem { item, if_match: None }))?;
        // Money is counted by the simulation: the shop itself asks for none.
        let policy = Policy { payment: None, lead_time_location: None, ..policy.clone() };
        let (sku, channel) = (shop.sku.clone(), Channel::default());
        shop.must(0, Command::PutPolicy(PutPolicy { sku, channel, policy, if_match: None }))?;
        Ok(shop)
    }

    fn at(&self, at: Moment) -> Timestamp {
        let whole = seconds_after(self.start, at.div_euclid(1_000)).unwrap_or(self.start);
        whole.checked_add(std::time::Duration::from_millis(at.rem_euclid(1_000) as u64)).unwrap_or(whole)
    }

    /// The date of a moment.
    pub(crate) fn date(&self, at: Moment) -> Date {
        local_date(self.at(at), &self.zone)
    }

    /// So many days after a date, as far as dates go.
    pub(crate) fn later(date: Date, days: f64) -> Date {
        let days = days.clamp(0.0, 36_500.0) as i32;
        date_from_days(days_since_epoch(date) + days).unwrap_or(date)
    }

    fn decide(&mut self, at: Moment, command: Command) -> Result<Result<Answer, Rejection>, SimulateError> {
        let now = self.at(at);
        let id = self.stamps.next(now);
        let tenant = self.tenant.clone();
        let request = Request { tenant, now, id, command, key: None, detail: Detail::Full };
        Ok(self.sandbox.run(&request)?.outcome)
    }

    fn must(&mut self, at: Moment, command: Command) -> Result<Answer, SimulateError> {
        self.decide(at, command)?.map_err(|rejection| defect(format_args!("refused: {rejection:?}")))
    }

    /// Puts units on the shelf.
    pub(crate) fn stock(&mut self, units: Units) -> Result<(), SimulateError> {
        let (sku, location) = (self.sku.clone(), self.place.clone());
        let reason = AdjustReason::OpeningStock;
        let adjust =
            Adjust { sku, location, delta: units, reason, line: None, quarantine: false, note: None };
        self.must(0, Command::Adjust(adjust)).map(drop)
    }

    /// Orders goods that are to come on a date.
    pub(crate) fn buy(
        &mut self,
        at: Moment,
        (units, on, promise_days): (Units, Date, u16),
    ) -> Result<SupplyId, SimulateError> {
        let add = AddSupply {
            sku: self.sku.clone(),
            location: self.place.clone(),
            kind: SupplyKind::PurchaseOrder,
            quantity: units,
            expected_on: Some(on),
            supplier: None,
            reference: None,
            promise_buffer_days: Some(promise_days),
        };
        match self.must(at, Command::AddSupply(add))? {
            Answer::SupplyAdded(view) => Ok(view.view.supply.id),
            other => Err(defect(format_args!("{other:?}"))),
        }
    }

    /// Books goods in; answers whose orders have units of them, and how many.
    pub(crate) fn receive(
        &mut self,
        at: Moment,
        supply: SupplyId,
    ) -> Result<Vec<(OrderId, Units)>, SimulateError> {
        let answer = self.must(at, Command::Receive(Receive::whole(supply)))?;
        let Answer::SupplyChanged(change) = answer else { return Err(defect(format_args!("{answer:?}"))) };
        if change.allocated == Some(0) {
            return Ok(Vec::new());
        }
        let Some(lot) = change.arrived.and_then(|arrived| arrived.on_hand) else { return Ok(Vec::new()) };
        self.behind(lot)
    }

    /// Whose orders have units of a lot, and how many.
    fn behind(&mut self, lot: SupplyId) -> Result<Vec<(OrderId, Units)>, SimulateError> {
        let tenant = self.tenant.clone();
        let store = self.sandbox.store()?;
        let lines = store.queue(&tenant, lot, QueuePart::All, None, SERVED_MAX).map_err(Failure::from)?;
        Ok(lines.into_iter().map(|waiting| (waiting.line.order, waiting.quantity)).collect())
    }

    /// Orders units that are promised by a date, or by whatever date.
    pub(crate) fn order(
        &mut self,
        at: Moment,
        (units, by): (Units, Option<Date>),
        hold: Option<HoldId>,
    ) -> Result<Placed, SimulateError> {
        let line = AskLine { sku: self.sku.clone(), quantity: units, unit_price: None };
        let order = PlaceOrder { not_later_than: by, hold, lines: vec![line], ..PlaceOrder::default() };
        match self.decide(at, Command::PlaceOrder(Box::new(order)))? {
            Ok(Answer::Placed(view)) => Ok(taken(&view)),
            Ok(other) => Err(defect(format_args!("{other:?}"))),
            Err(Rejection::Refused(_)) => Ok(Placed::Refused),
            Err(other) => Err(defect(format_args!("refused: {other:?}"))),
        }
    }

    /// Sends what an order has here.
    pub(crate) fn ship(&mut self, at: Moment, order: OrderId) -> Result<(), SimulateError> {
        let shipped_at = self.at(at);
        let ship =
            Ship { order, lines: Vec::new(), tracking: None, carrier: None, tracking_url: None, shipped_at };
        self.must(at, Command::Ship(ship)).map(drop)
    }

    /// Calls off what an order waits for.
    pub(crate) fn cancel(&mut self, at: Moment, order: OrderId) -> Result<(), SimulateError> {
        self.must(at, Command::CancelOrder(CancelOrder::whole(order, true))).map(drop)
    }

    /// Signs the so manyth customer up.
    pub(crate) fn join(&mut self, at: Moment, n: u64, units: Units) -> Result<(), SimulateError> {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&n.to_le_bytes());
        let join = JoinWaitlist {
            sku: self.sku.clone(),
            quantity: units,
            channel: Channel::default(),
            country: None,
            customer: CustomerKey(key),
            email: Arc::from("somebody@example.com"),
            locale: None,
        };
        self.must(at, Command::JoinWaitlist(join)).map(drop)
    }

    /// Places on the waitlist in a state, each with its customer's number.
    pub(crate) fn waitlist(&mut self, state: WaitState) -> Result<Vec<(u64, Wait)>, SimulateError> {
        let tenant = self.tenant.clone();
        let filter = RecordFilter { state: Some(state.as_str()), ..RecordFilter::default() };
        let store = self.sandbox.store()?;
        let page = store
            .record_page(&tenant, Shelf::Ledger, WAITING, &filter, (None, SERVED_MAX))
            .map_err(Failure::from)?;
        let mut found = Vec::with_capacity(page.len());
        for record in page {
            if let Some(wait) = record.read::<Wait>().map_err(defect)? {
                let mut number = [0; 8];
                number.copy_from_slice(&wait.customer.0[..8]);
                found.push((u64::from_le_bytes(number), wait));
            }
        }
        Ok(found)
    }

    /// Lets invitations lapse whose time is over.
    pub(crate) fn run_due(&mut self, at: Moment) -> Result<(), SimulateError> {
        let now = self.at(at);
        self.sandbox.run_due(now)?;
        Ok(())
    }

    /// The moment of an instant.
    pub(crate) fn moment_of(&self, at: Timestamp) -> Moment {
        at.as_millisecond() - self.start.as_millisecond()
    }

    /// Units on the shelf and units owed, as the shop has them.
    pub(crate) fn stands(&mut self) -> Result<(Units, Units), SimulateError> {
        let (tenant, sku) = (self.tenant.clone(), self.sku.clone());
        let store = self.sandbox.store()?;
        let pools = store.pools(&tenant, &[sku]).map_err(Failure::from)?;
        let supplies = pools.iter().flat_map(|pool| &pool.supplies);
        Ok(supplies.fold((0, 0), |(here, owed), supply| {
            if supply.is_on_hand() { (here + supply.quantity, owed) } else { (here, owed + supply.pegged()) }
        }))
    }
}

fn taken(view: &OrderView) -> Placed {
    let parts = || view.lines.iter().flat_map(|line| &line.parts);
    let here = parts().filter(|part| part.state == model::view::LineState::Allocated);
    let here: Units = here.map(|part| part.quantity).sum();
    let all: Units = parts().map(|part| part.quantity).sum();
    Placed::Taken { order: view.id, here, later: all - here, promised: view.ship_by.promised }
}
