//! Setting a shop up, with defaults that a test seldom has to change: one location in UTC that works every day and
//! needs no time for anything, supplies that come on the day they are due.

use std::collections::BTreeMap;

use model::{
    Units,
    command::{
        AddSupply, Adjust, CancelOrder, CancelSupply, ChangeSupply, Command, Inspect, PutItem, PutLocation,
        PutPolicy, Receive, Release, Ship, TakeBack, TakeBackLine,
    },
    event::{AdjustReason, Event},
    id::{Channel, LineId, LocationId, OrderId, ReleaseId, SupplyId},
    item::{Component, Item, Policy, WhenOut},
    location::LocationSettings,
    refusal::Rejection,
    supply::SupplyKind,
};

use super::{CoreShop, Done};
use crate::ask::{date, instant, sku};

/// An item with nothing but its code.
pub fn item(code: &str) -> Item {
    Item {
        sku: sku(code),
        title: "".into(),
        price: None,
        unit_cost: None,
        components: Vec::new(),
        barcode: None,
        supplier: None,
        tags: Vec::new(),
        substitutes: Vec::new(),
        discontinued: false,
    }
}

/// A policy that sells what is inbound.
pub fn policy() -> Policy {
    Policy { when_out: WhenOut::Backorder, ..Policy::default() }
}

/// A purchase order to the main location that comes on the day it is due.
pub fn supply(code: &str, quantity: Units, on: &str) -> AddSupply {
    AddSupply {
        sku: sku(code),
        location: LocationId::stored(CoreShop::MAIN),
        kind: SupplyKind::PurchaseOrder,
        quantity,
        expected_on: Some(date(on)),
        supplier: None,
        reference: None,
        promise_buffer_days: Some(0),
    }
}

impl CoreShop {
    /// The location every shop has.
    pub const MAIN: &str = "main";

    /// A shop with one location, on Monday, 3 August 2026, 9:00 UTC.
    pub fn open() -> Self {
        let mut shop = Self::new(instant("2026-08-03T09:00:00Z"));
        let calendar = model::calendar::Calendar::every_day();
        shop.location(Self::MAIN, LocationSettings { calendar, ..LocationSettings::default() });
        shop
    }

    /// Moves the clock, and does what is due by then.
    pub fn at(&mut self, when: &str) {
        self.now = instant(when);
        self.must(&Command::RunDue);
    }

    /// Runs a command that cannot be refused.
    pub fn must(&mut self, command: &Command) -> Done {
        self.run(command).unwrap_or_else(|rejection| panic!("{command:?} was refused: {rejection:?}"))
    }

    /// Describes a location.
    pub fn location(&mut self, name: &str, settings: LocationSettings) {
        let location = LocationId::stored(name);
        self.must(&Command::PutLocation(PutLocation { location, settings, if_match: None }));
    }

    /// Describes an item.
    pub fn item(&mut self, item: Item) {
        self.must(&Command::PutItem(PutItem { item, if_match: None }));
    }

    /// Describes a SKU that sells what is inbound.
    pub fn sells(&mut self, code: &str) {
        self.sells_as(code, policy());
    }

    /// Describes a SKU with a policy for every channel.
    pub fn sells_as(&mut self, code: &str, policy: Policy) {
        self.item(item(code));
        self.policy(code, Channel::DEFAULT, policy);
    }

    /// Describes a kit without a policy of its own.
    pub fn kit(&mut self, code: &str, parts: &[(&str, Units)]) {
        let part = |(code, quantity): &(&str, Units)| Component { sku: sku(code), quantity: *quantity };
        self.item(Item { components: parts.iter().map(part).collect(), ..item(code) });
    }

    /// Sets a policy.
    pub fn policy(&mut self, code: &str, channel: &str, policy: Policy) {
        let channel = Channel::stored(channel);
        self.must(&Command::PutPolicy(PutPolicy { sku: sku(code), channel, policy, if_match: None }));
    }

    /// Puts units on the main location's shelf, or takes them from there.
    pub fn stock(&mut self, code: &str, delta: Units) {
        self.adjust(code, Self::MAIN, delta).expect("an adjustment");
    }

    /// The same at any location; may be refused.
    pub fn adjust(&mut self, code: &str, location: &str, delta: Units) -> Result<Done, Rejection> {
        let location = LocationId::stored(location);
        let reason = AdjustReason::Count;
        self.run(&Command::Adjust(Adjust {
            sku: sku(code),
            location,
            delta,
            reason,
            line: None,
            quarantine: false,
            note: None,
        }))
    }

    /// Puts units back on the main location's shelf that the customer of a line, given by number, sent back.
    pub fn sent_back(
        &mut self,
        order: OrderId,
        no: u16,
        code: &str,
        delta: Units,
    ) -> Result<Done, Rejection> {
        let (location, line) = (LocationId::stored(Self::MAIN), Some(LineId { order, no }));
        let reason = AdjustReason::ReturnToStock;
        self.run(&Command::Adjust(Adjust {
            sku: sku(code),
            location,
            delta,
            reason,
            line,
            quarantine: false,
            note: None,
        }))
    }

    /// Enters a purchase order to the main location.
    pub fn due(&mut self, code: &str, quantity: Units, on: &str) -> SupplyId {
        SupplyId(self.must(&Command::AddSupply(supply(code, quantity, on))).id)
    }

    /// Gives a supply another date.
    pub fn slip(&mut self, supply: SupplyId, on: &str) -> Done {
        let expected_on = Some(Some(date(on)));
        self.must(&Command::ChangeSupply(ChangeSupply { supply, expected_on, quantity: None }))
    }

    /// Gives a supply another quantity; may be refused.
    pub fn resize(&mut self, supply: SupplyId, quantity: Units) -> Result<Done, Rejection> {
        let quantity = Some(quantity);
        self.run(&Command::ChangeSupply(ChangeSupply { supply, expected_on: None, quantity }))
    }

    /// Calls a supply off.
    pub fn call_off(&mut self, supply: SupplyId) -> Done {
        self.must(&Command::CancelSupply(CancelSupply { supply }))
    }

    /// Books a supply in as a whole.
    pub fn receive(&mut self, supply: SupplyId) -> Done {
        self.must(&Command::Receive(Receive::whole(supply)))
    }

    /// Books units of a supply in, good and damaged; may be refused.
    pub fn receive_part(
        &mut self,
        supply: SupplyId,
        (good, damaged): (Units, Units),
        close: bool,
    ) -> Result<Done, Rejection> {
        let accepted = Some(good);
        self.run(&Command::Receive(Receive { supply, accepted, damaged, close, expected_on: None }))
    }

    /// Says what became of units in quarantine; may be refused.
    pub fn inspect(&mut self, supply: SupplyId, good: Units, written_off: Units) -> Result<Done, Rejection> {
        self.run(&Command::Inspect(Inspect { supply, good, written_off, reason: None }))
    }

    /// Calls off units of an order's lines, given by number; all of the order where none are given.
    pub fn cancel(&mut self, order: OrderId, lines: &[(u16, Units)]) -> Result<Done, Rejection> {
        let lines = lines.iter().map(|(no, units)| (LineId { order, no: *no }, Some(*units))).collect();
        self.run(&Command::CancelOrder(CancelOrder {
            order,
            lines,
            reason: None,
            placed_by: None,
            by_customer: true,
        }))
    }

    /// Sends units of an order's lines, given by number; all that is here where none are given.
    pub fn ship(&mut self, order: OrderId, lines: &[(u16, Units)]) -> Result<Done, Rejection> {
        let lines = lines.iter().map(|(no, units)| (LineId { order, no: *no }, Some(*units))).collect();
        self.run(&Command::Ship(Ship {
            order,
            lines,
            tracking: None,
            carrier: None,
            tracking_url: None,
            shipped_at: self.now,
        }))
    }

    /// Hands all that is allocated at a location over to fulfilment, line by line in their turn. Answers what went: order,
    /// line and units of it.
    pub fn release(&mut self, location: &str) -> Vec<(OrderId, u16, Units)> {
        let lines = self.allocated(&LocationId::stored(location));
        self.release_lines(location, lines)
    }

    /// The same for lines that are named.
    pub fn release_lines(&mut self, location: &str, lines: Vec<LineId>) -> Vec<(OrderId, u16, Units)> {
        let location = LocationId::stored(location);
        let done =
            self.must(&Command::Release(Release { location, carrier_cutoff: None, lines, more: false }));
        let released = self.events[done.events].iter().filter_map(|event| match event {
            Event::Released(released) => Some(released),
            _ => None,
        });
        let lines = released.flat_map(|released| {
            released.lines.iter().map(|line| (released.order, line.line, line.quantity))
        });
        lines.collect()
    }

    /// The last release.
    pub fn last_release(&self) -> ReleaseId {
        let released = self.events.iter().rev().find_map(|event| match event {
            Event::Released(released) => Some(released.release),
            _ => None,
        });
        released.expect("a release")
    }

    /// Takes units of a line, given by number, back from fulfilment, with what of them is missing.
    pub fn take_back(
        &mut self,
        release: ReleaseId,
        (order, no, quantity): (OrderId, u16, Option<Units>),
        missing: &[(&str, Units)],
    ) -> Result<Done, Rejection> {
        let missing = missing.iter().map(|(code, units)| (sku(code), *units)).collect();
        let lines = vec![TakeBackLine { line: LineId { order, no }, quantity, missing }];
        self.run(&Command::TakeBack(TakeBack { release, lines, reason: None }))
    }

    /// What each open line waits for: units by promised ship date, earliest first; `None` where there is no date.
    pub fn parts(&self, order: OrderId) -> Vec<(Units, Option<String>)> {
        let lines = self.view(order).lines;
        let mut parts: BTreeMap<(bool, Option<String>), Units> = BTreeMap::new();
        for part in lines.into_iter().flat_map(|line| line.parts) {
            let on = part.ship_by.promised.map(|date| date.to_string());
            *parts.entry((on.is_none(), on)).or_default() += part.quantity;
        }
        parts.into_iter().map(|((_, on), units)| (units, on)).collect()
    }
}
