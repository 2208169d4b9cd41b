//! The money of one order: what was asked, what came, what it is for.
//!
//! Every minor unit that came lies in one pocket of one line: prepaid for units still open, held for a shipment,
//! earned by units that left, due back, or on its way back.

use std::{
    collections::BTreeMap,
    ops::{Add, Sub},
};

use model::{
    Units,
    money::Currency,
    time::{Date, Timestamp},
};
use serde::{Deserialize, Serialize};

use super::plan::{Plan, share};

/// The money of one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The currency of every amount here.
    pub currency: Currency,
    /// The customer's method is saved and may be charged without the customer.
    pub method_saved: bool,
    /// The lines, by number. A fee is a line of one unit.
    pub lines: BTreeMap<u16, LineMoney>,
    /// What was handed to fulfilment, by the number of the shipment.
    pub shipments: BTreeMap<u32, Shipment>,
    /// Everything asked of the customer, by number from 1.
    pub charges: BTreeMap<u32, Charge>,
    /// Everything sent back, by number from 1.
    pub refunds: BTreeMap<u32, Refund>,
}

/// The money of one line, in minor units.
///
/// Units: ordered = open + in shipments that did not leave + shipped + cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineMoney {
    /// What one unit sells for.
    pub price: i64,
    /// When it is paid.
    pub plan: Plan,
    /// When it is promised to ship.
    pub ship_by: Option<Date>,
    /// Units ordered.
    pub ordered: Units,
    /// Units that wait and are in no shipment.
    pub open: Units,
    /// Units that left.
    pub shipped: Units,
    /// Units called off.
    pub cancelled: Units,
    /// Paid for open units.
    pub prepaid: i64,
    /// To be sent back.
    pub refund_due: i64,
    /// On its way back.
    pub refunding: i64,
    /// Left on invoice and not paid yet.
    pub receivable: i64,
    /// Given back for goods that left: as a favour, or in a dispute that was lost.
    pub conceded: i64,
    /// An authorisation is still to be asked for.
    pub authorise: bool,
    /// Nothing more is taken by itself: a dispute was lost.
    pub stopped: bool,
    /// The balance that was announced: the day it is due, and when that was said.
    pub announced: Option<(Date, Timestamp)>,
}

impl LineMoney {
    /// What its units that left were paid with and has not gone back.
    pub(super) fn earned(&self) -> i64 {
        self.price * self.shipped - self.receivable - self.conceded
    }

    /// What the open units sell for and is not paid yet.
    pub(super) fn open_gap(&self) -> i64 {
        self.price * self.open - self.prepaid
    }

    /// The deposit that belongs to the open units.
    pub(super) fn deposit(&self) -> i64 {
        share(self.plan.upfront(self.price, self.ordered), self.open, self.ordered)
    }

    /// What was paid for all open units alike, and what was paid beyond: for those that go first.
    fn evenly_and_first(&self) -> (i64, i64) {
        // Rounded up, as each unit that went took its part rounded down.
        let upfront = self.plan.upfront(self.price, self.ordered);
        let evenly = self.prepaid.min(upfront - share(upfront, self.ordered - self.open, self.ordered));
        (evenly, self.prepaid - evenly)
    }

    /// What of the prepayment so many of the open units take along when they leave: their share of what was paid for all alike,
    /// and what was paid beyond, up to their price. Rounded down here and so up for what stays: neither is more than its units
    /// sell for.
    pub(super) fn paid_for(&self, units: Units) -> i64 {
        let (evenly, first) = self.evenly_and_first();
        let held = share(evenly, units, self.open);
        held + first.min(self.price * units - held)
    }

    /// What goes back of the prepayment when so many of the open units are called off: their share of what was paid for all alike,
    /// and of what was paid beyond that for which no unit is left.
    pub(super) fn freed_by(&self, units: Units) -> i64 {
        let (evenly, first) = self.evenly_and_first();
        let back = share(evenly, units, self.open);
        let room = self.price * (self.open - units) - (evenly - back);
        back + (first - room).max(0)
    }

    /// What so many of the open units sell for and is not paid yet.
    pub(super) fn lacks(&self, units: Units) -> i64 {
        self.price * units - self.paid_for(units)
    }

    /// How many of the open units are paid in full, if as many as can be leave at once.
    pub fn paid_units(&self) -> Units {
        // The more units, the more they lack: the least that lacks anything is found by halving.
        let (mut paid, mut lacking) = (0, self.open + 1);
        while lacking - paid > 1 {
            let middle = paid + (lacking - paid) / 2;
            if self.lacks(middle) > 0 {
                lacking = middle;
            } else {
                paid = middle;
            }
        }
        paid
    }
}

/// Goods handed to fulfilment together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipment {
    /// Its lines, each once; none once it was dropped.
    pub parts: Vec<ShipmentPart>,
    /// Where it stands.
    pub state: ShipmentState,
}

/// One line of a shipment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentPart {
    /// The line.
    pub line: u16,
    /// Its units.
    pub units: Units,
    /// Paid for them.
    pub held: i64,
}

/// Where a shipment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShipmentState {
    /// Not paid: it must not leave.
    Waiting,
    /// Paid, or on invoice: it may leave.
    Paid,
    /// It left.
    Left,
    /// It will not leave; its units are open again.
    Dropped,
}

/// Something asked of the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// What is asked.
    pub kind: ChargeKind,
    /// What for.
    pub purpose: Purpose,
    /// By line, each once.
    pub parts: Vec<ChargePart>,
    /// Which request to the provider is the last, from 1: tries and captures.
    pub attempt: u16,
    /// Where it stands.
    pub state: ChargeState,
    /// What came last: the same again is the same report.
    pub last_captured: i64,
    /// When it first did not go through.
    pub failed_at: Option<Timestamp>,
    /// It saves the method for what is taken later.
    pub saves: bool,
    /// The customer's bank asks back so much, and has not decided.
    pub disputed: i64,
    /// A refund of it failed: no other is tried by itself.
    pub refund_failed: bool,
}

/// What is asked of the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeKind {
    /// To save a method: no money.
    Setup,
    /// Money at once.
    Charge,
    /// Money set aside.
    Authorise,
    /// Money that came by another way and was entered by hand.
    Recorded,
}

/// What a charge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// What is due by now: at the order, or by a date.
    Due,
    /// A shipment.
    Shipment(u32),
    /// Goods that are here and leave once they are paid.
    Ready,
    /// Somebody asked for it.
    Staff,
}

/// One line of a charge, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargePart {
    /// The line.
    pub line: u16,
    /// Asked for.
    pub asked: i64,
    /// Came.
    pub captured: i64,
    /// Of that: sent back, or on its way.
    pub refunded: i64,
}

/// Where a charge stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeState {
    /// With the provider.
    Requested,
    /// With the customer, who has a link to pay by.
    NeedsCustomer {
        /// Why.
        failure: Failure,
        /// Until when the customer keeps the place.
        grace_until: Timestamp,
        /// When the saved method is tried again.
        retry_at: Option<Timestamp>,
    },
    /// Set aside.
    Authorised {
        /// Until when it may be captured, as the provider said.
        capture_before: Timestamp,
        /// More than one capture is allowed; else the first sets the rest free.
        multicapture: bool,
    },
    /// Asked to capture a part.
    Capturing {
        /// By line, in minor units.
        parts: Vec<(u16, i64)>,
        /// For which shipment.
        shipment: Option<u32>,
        /// As while it was authorised.
        capture_before: Timestamp,
        /// As while it was authorised.
        multicapture: bool,
    },
    /// Called off, and the provider has not confirmed: money may still come.
    Closing,
    /// Done: nothing more comes.
    Done,
}

/// Why a charge did not go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Declined; trying again may help.
    Declined,
    /// Declined for good: another method is needed.
    DeclinedForGood,
    /// The customer must confirm.
    AuthenticationRequired,
}

impl Charge {
    /// Everything asked for.
    pub fn asked(&self) -> i64 {
        self.parts.iter().map(|part| part.asked).sum()
    }

    /// Everything that came.
    pub fn captured(&self) -> i64 {
        self.parts.iter().map(|part| part.captured).sum()
    }

    /// What came and was not sent back.
    pub fn refundable(&self) -> i64 {
        self.parts.iter().map(|part| part.captured - part.refunded).sum()
    }

    /// What may still come of what was asked for.
    pub fn outstanding(&self) -> i64 {
        match self.state {
            ChargeState::Done => 0,
            _ => self.asked() - self.captured(),
        }
    }

    /// Whether it waits for the provider or the customer, so that nothing else may be asked for the same lines.
    pub(super) fn is_under_way(&self) -> bool {
        !matches!(self.state, ChargeState::Done | ChargeState::Authorised { .. })
    }

    pub(super) fn part(&self, line: u16) -> Option<&ChargePart> {
        self.parts.iter().find(|part| part.line == line)
    }
}

/// Money on its way back, or back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Of which charge: by the method it was paid with.
    pub charge: u32,
    /// By line, in minor units.
    pub parts: Vec<(u16, i64)>,
    /// Somebody must send it: the charge was not taken through a provider.
    pub by_hand: bool,
    /// Where it stands.
    pub state: RefundState,
}

impl Refund {
    /// Everything sent back by it.
    pub fn amount(&self) -> i64 {
        self.parts.iter().map(|(_, amount)| amount).sum()
    }
}

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// Asked for.
    Pending,
    /// The customer has it.
    Succeeded,
    /// It did not go through: the money is due again.
    Failed,
}

/// Money of a line or of many, in minor units: what is owed of it is `captured - refunded - earned`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Came.
    pub captured: i64,
    /// The customer has back, through us or through a bank.
    pub refunded: i64,
    /// Paid for goods that left, and not gone back.
    pub earned: i64,
}

impl Flow {
    /// What the customer has paid and has neither goods nor money for.
    pub fn owed(&self) -> i64 {
        self.captured.saturating_sub(self.refunded).saturating_sub(self.earned)
    }
}

impl Add for Flow {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self {
            captured: self.captured.saturating_add(more.captured),
            refunded: self.refunded.saturating_add(more.refunded),
            earned: self.earned.saturating_add(more.earned),
        }
    }
}

impl Sub for Flow {
    type Output = Self;

    fn sub(self, less: Self) -> Self {
        Self {
            captured: self.captured.saturating_sub(less.captured),
            refunded: self.refunded.saturating_sub(less.refunded),
            earned: self.earned.saturating_sub(less.earned),
        }
    }
}

impl Account {
    /// An order without lines.
    pub fn new(currency: Currency) -> Self {
        Self {
            currency,
            method_saved: false,
            lines: BTreeMap::new(),
            shipments: BTreeMap::new(),
            charges: BTreeMap::new(),
            refunds: BTreeMap::new(),
        }
    }

    /// Everything ordered, whatever became of it.
    pub fn total(&self) -> i64 {
        self.lines.values().map(|line| line.price * line.ordered).sum()
    }

    /// What came.
    pub fn captured(&self) -> i128 {
        self.charges.values().map(|charge| i128::from(charge.captured())).sum()
    }

    /// What the customer has back, through us or through a bank.
    pub fn refunded(&self) -> i128 {
        let gone: i128 = self
            .charges
            .values()
            .flat_map(|charge| &charge.parts)
            .map(|part| i128::from(part.refunded))
            .sum();
        let on_its_way: i128 = self.lines.values().map(|line| i128::from(line.refunding)).sum();
        gone - on_its_way
    }

    /// What became of the money of one line; nothing of a line that is not there.
    pub fn flow(&self, line: u16) -> Flow {
        let Some(money) = self.lines.get(&line) else { return Flow::default() };
        let parts = || self.charges.values().filter_map(|charge| charge.part(line));
        let gone: i64 = parts().map(|part| part.refunded).sum();
        Flow {
            captured: parts().map(|part| part.captured).sum(),
            refunded: gone - money.refunding,
            earned: money.earned(),
        }
    }

    /// What goods that left were paid with and has not gone back.
    pub fn earned(&self) -> i128 {
        self.lines.values().map(|line| i128::from(line.earned())).sum()
    }

    /// What the customer has paid and has neither goods nor money for: the shop's debt.
    pub fn prepayment(&self) -> i128 {
        self.lines.keys().map(|line| i128::from(self.prepayment_of(*line))).sum()
    }

    /// The same for one line; 0 for a line that is not there.
    pub fn prepayment_of(&self, line: u16) -> i64 {
        let Some(money) = self.lines.get(&line) else { return 0 };
        money.prepaid + money.refund_due + money.refunding + self.held(line)
    }

    /// Paid for units of a line in shipments that did not leave.
    fn held(&self, line: u16) -> i64 {
        self.waiting_parts(line).map(|(_, part)| part.held).sum()
    }

    /// The parts of a line in shipments that did not leave.
    fn waiting_parts(&self, line: u16) -> impl Iterator<Item = (u32, &ShipmentPart)> {
        self.shipments
            .iter()
            .filter(|(_, shipment)| matches!(shipment.state, ShipmentState::Waiting | ShipmentState::Paid))
            .flat_map(|(number, shipment)| shipment.parts.iter().map(move |part| (*number, part)))
            .filter(move |(_, part)| part.line == line)
    }

    /// What is paid for parts of a line in shipments that did not leave, by shipment.
    pub(super) fn held_parts(&self, line: u16) -> impl Iterator<Item = (u32, i64)> {
        self.waiting_parts(line).map(|(shipment, part)| (shipment, part.held))
    }

    /// What a part of a shipment sells for and is not paid yet, by shipment.
    pub(super) fn gaps(&self, line: u16) -> impl Iterator<Item = (u32, i64)> {
        let price = self.lines.get(&line).map_or(0, |money| money.price);
        self.waiting_parts(line).map(move |(shipment, part)| (shipment, price * part.units - part.held))
    }

    /// What so many open units of a line sell for and is not paid yet; nothing of units on an invoice, or of a line that is not
    /// there.
    pub fn lacks(&self, line: u16, units: Units) -> i64 {
        let money = self.lines.get(&line).filter(|money| money.plan != Plan::None);
        money.map_or(0, |money| money.lacks(units.clamp(0, money.open)))
    }

    /// What may still be asked for a line: its shipments' gaps and what its open units lack.
    pub(super) fn room(&self, line: u16) -> i64 {
        let open = self.lines.get(&line).map_or(0, LineMoney::open_gap);
        open + self.gaps(line).map(|(_, gap)| gap).sum::<i64>()
    }

    /// Whether something asked for this line waits for the provider or the customer.
    pub(super) fn is_under_way(&self, line: u16) -> bool {
        self.charges.values().any(|charge| charge.is_under_way() && charge.part(line).is_some())
    }

    /// Adds every pocket up and holds it against what came and went.
    ///
    /// Errors: the first thing that does not add up. It is a defect of this crate, never of its input.
    pub fn check(&self) -> Result<(), Imbalance> {
        let wrong = |line: u16, what: &'static str| Err(Imbalance { line: Some(line), what });
        for (&number, line) in &self.lines {
            let in_shipments: Units = self.waiting_parts(number).map(|(_, part)| part.units).sum();
            if line.open < 0 || line.open + in_shipments + line.shipped + line.cancelled != line.ordered {
                return wrong(number, "units");
            }
            let pockets = [line.prepaid, line.refund_due, line.refunding, line.receivable, line.conceded];
            if pockets.iter().any(|pocket| *pocket < 0) {
                return wrong(number, "a pocket below nothing");
            }
            if line.earned() < 0 || line.open_gap() < 0 || self.gaps(number).any(|(_, gap)| gap < 0) {
                return wrong(number, "more paid than it sells for");
            }
            let came: i64 = self
                .charges
                .values()
                .filter_map(|charge| charge.part(number))
                .map(|part| part.captured - part.refunded)
                .sum();
            let kept = line.earned() + line.prepaid + line.refund_due + self.held(number);
            if came != kept {
                return wrong(number, "what came is not what lies in the pockets");
            }
        }
        for charge in self.charges.values() {
            if charge.parts.iter().any(|part| part.captured > part.asked || part.refunded > part.captured) {
                return Err(Imbalance { line: None, what: "more came or went than was asked for" });
            }
        }
        if self.captured() - self.refunded() != self.earned() + self.prepayment() {
            return Err(Imbalance { line: None, what: "captured - refunded is not earned + prepayment" });
        }
        Ok(())
    }
}

/// Says that an account does not add up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the account does not add up: {what}{}", .line.map(|line| format!(" (line {line})")).unwrap_or_default())]
pub struct Imbalance {
    /// The line, where it is about one.
    pub line: Option<u16>,
    /// What is wrong.
    pub what: &'static str,
}
