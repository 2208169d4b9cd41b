//! What the goods do to the money: lines ordered, called off, handed over, sent.

use model::{Units, limits::LINE_UNITS_MAX, money::MAX_AMOUNT, time::Date};

use super::{
    account::{LineMoney, Shipment, ShipmentPart, ShipmentState},
    entry::{Because, Entry, NewLine},
    plan::{Deposit, Plan},
    refusal::Refusal,
    settle::Work,
};

/// The most that everything ordered may be worth: sums of several such still fit.
const TOTAL_MAX: i128 = (i64::MAX / 8) as i128;

impl Work<'_> {
    pub(super) fn line(&self, line: u16) -> Result<&LineMoney, Refusal> {
        self.account.lines.get(&line).ok_or(Refusal::UnknownLine { line })
    }

    fn shipment(&self, shipment: u32) -> Result<&Shipment, Refusal> {
        self.account.shipments.get(&shipment).ok_or(Refusal::UnknownShipment { shipment })
    }

    /// Lines are ordered.
    ///
    /// Errors, line by line: `DuplicateLine`, `BadNumber` (price, units, deposit); then `TooLarge`.
    pub(super) fn ordered(&mut self, lines: &[NewLine]) -> Result<(), Refusal> {
        let mut total = i128::from(self.account.total());
        for (at, new) in lines.iter().enumerate() {
            let twice = lines[..at].iter().any(|other| other.line == new.line);
            if twice || self.account.lines.contains_key(&new.line) {
                return Err(Refusal::DuplicateLine { line: new.line });
            }
            if !(0..=MAX_AMOUNT).contains(&new.price) {
                return Err(Refusal::BadNumber { what: "price", value: new.price });
            }
            if !(1..=LINE_UNITS_MAX).contains(&new.units) {
                return Err(Refusal::BadNumber { what: "number of units", value: new.units });
            }
            if let Plan::Deposit { deposit, .. } = new.plan {
                let (value, most) = match deposit {
                    Deposit::Percent(percent) => (i64::from(percent), 100),
                    Deposit::Amount(amount) => (amount, MAX_AMOUNT),
                };
                if !(0..=most).contains(&value) {
                    return Err(Refusal::BadNumber { what: "deposit", value });
                }
            }
            total += i128::from(new.price) * i128::from(new.units);
        }
        if total > TOTAL_MAX {
            return Err(Refusal::TooLarge);
        }
        for new in lines {
            self.push(Entry::LineAdded(new.clone()));
        }
        Ok(())
    }

    /// The promise of a line moves, and the day of its balance with it.
    pub(super) fn promise_moved(&mut self, line: u16, ship_by: Option<Date>) -> Result<(), Refusal> {
        if self.line(line)?.ship_by != ship_by {
            self.push(Entry::ShipByMoved { line, ship_by });
        }
        Ok(())
    }

    /// Open units are called off: their part of the prepayment is due back.
    pub(super) fn units_cancelled(&mut self, line: u16, units: Units) -> Result<(), Refusal> {
        self.check_open(line, units)?;
        self.cancel(line, units, Because::Asked);
        Ok(())
    }

    fn check_open(&self, line: u16, units: Units) -> Result<(), Refusal> {
        let open = self.line(line)?.open;
        if units < 1 {
            return Err(Refusal::BadNumber { what: "number of units", value: units });
        }
        if units > open { Err(Refusal::NotOpen { line, units, open }) } else { Ok(()) }
    }

    pub(super) fn cancel(&mut self, line: u16, units: Units, because: Because) {
        let money = &self.account.lines[&line];
        let refund = money.freed_by(units);
        if units > 0 {
            self.push(Entry::UnitsCancelled { line, units, refund, because });
        }
    }

    /// Units are ready to leave: they take their part of the prepayment along, at most their value.
    ///
    /// Errors: `DuplicateShipment`; then, part by part, `DuplicateLine`, `UnknownLine`, `BadNumber`, `NotOpen`.
    pub(super) fn shipment_ready(&mut self, shipment: u32, parts: &[(u16, Units)]) -> Result<(), Refusal> {
        if self.account.shipments.contains_key(&shipment) {
            return Err(Refusal::DuplicateShipment { shipment });
        }
        let mut ready = Vec::with_capacity(parts.len());
        for (at, &(line, units)) in parts.iter().enumerate() {
            if parts[..at].iter().any(|(other, _)| *other == line) {
                return Err(Refusal::DuplicateLine { line });
            }
            self.check_open(line, units)?;
            let money = self.line(line)?;
            let held = money.paid_for(units);
            ready.push(ShipmentPart { line, units, held });
        }
        if ready.is_empty() {
            return Err(Refusal::BadNumber { what: "number of lines", value: 0 });
        }
        self.push(Entry::ShipmentReadied { shipment, parts: ready });
        Ok(())
    }

    /// A shipment leaves.
    ///
    /// Errors: `UnknownShipment`; `ShipmentIs` unless it is paid. One that left before is no error.
    pub(super) fn shipment_left(&mut self, shipment: u32) -> Result<(), Refusal> {
        match self.shipment(shipment)?.state {
            ShipmentState::Paid => self.push(Entry::ShipmentLeft { shipment }),
            ShipmentState::Left => {}
            state => return Err(Refusal::ShipmentIs { shipment, state }),
        }
        Ok(())
    }

    /// A shipment does not leave.
    ///
    /// Errors: `UnknownShipment`; `ShipmentIs` if it left. One that was dropped before is no error.
    pub(super) fn shipment_dropped(&mut self, shipment: u32) -> Result<(), Refusal> {
        match self.shipment(shipment)?.state {
            ShipmentState::Waiting | ShipmentState::Paid => self.push(Entry::ShipmentDropped { shipment }),
            ShipmentState::Dropped => {}
            state @ ShipmentState::Left => return Err(Refusal::ShipmentIs { shipment, state }),
        }
        Ok(())
    }
}
