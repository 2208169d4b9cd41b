//! What each entry does to the account.

use super::{
    account::{
        Account, Charge, ChargePart, ChargeState, LineMoney, Refund, RefundState, Shipment, ShipmentState,
    },
    entry::{Entry, NewLine, Pocket, Posting},
    plan::Plan,
};

impl Account {
    /// Does what an entry says.
    ///
    /// Panics: an entry that names what is not there. Entries come from [`super::decide`] on the same account, or from
    /// where they were stored.
    pub fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::LineAdded(new) => {
                self.lines.insert(new.line, LineMoney::ordered(new));
            }
            Entry::ShipByMoved { line, ship_by } => self.line_mut(*line).ship_by = *ship_by,
            Entry::ChargeAnnounced { line, due, at, .. } => {
                self.line_mut(*line).announced = Some((*due, *at));
            }
            Entry::Conceded { line, amount } => {
                let line = self.line_mut(*line);
                line.conceded += amount;
                line.refund_due += amount;
            }
            Entry::LineResumed { line } => self.line_mut(*line).stopped = false,
            Entry::UnitsCancelled { line, units, refund, .. } => {
                let line = self.line_mut(*line);
                line.open -= units;
                line.cancelled += units;
                line.prepaid -= refund;
                line.refund_due += refund;
            }
            Entry::ShipmentReadied { .. }
            | Entry::ShipmentPaid { .. }
            | Entry::ShipmentBlocked { .. }
            | Entry::ShipmentLeft { .. }
            | Entry::ShipmentDropped { .. } => self.apply_shipment(entry),
            Entry::RefundRequested { .. } | Entry::RefundSucceeded { .. } | Entry::RefundFailed { .. } => {
                self.apply_refund(entry);
            }
            _ => self.apply_charge(entry),
        }
    }

    fn apply_charge(&mut self, entry: &Entry) {
        match entry {
            Entry::ChargeRequested { charge, kind, purpose, parts, saves, .. } => {
                let part = |&(line, asked): &(u16, i64)| ChargePart { line, asked, captured: 0, refunded: 0 };
                let new = Charge {
                    kind: *kind,
                    purpose: *purpose,
                    parts: parts.iter().map(part).collect(),
                    attempt: 1,
                    state: ChargeState::Requested,
                    last_captured: 0,
                    failed_at: None,
                    saves: *saves,
                    disputed: 0,
                    refund_failed: false,
                };
                self.charges.insert(*charge, new);
            }
            Entry::RetryRequested { charge, attempt } => {
                let charge = self.charge_mut(*charge);
                (charge.attempt, charge.state) = (*attempt, ChargeState::Requested);
            }
            Entry::ChargeFailed { charge, failure, at, grace_until, retry_at } => {
                let charge = self.charge_mut(*charge);
                charge.failed_at.get_or_insert(*at);
                charge.state = ChargeState::NeedsCustomer {
                    failure: *failure,
                    grace_until: *grace_until,
                    retry_at: *retry_at,
                };
            }
            Entry::MethodSaved { charge } => {
                self.method_saved = true;
                self.charge_mut(*charge).state = ChargeState::Done;
            }
            Entry::Authorised { charge, capture_before, multicapture } => {
                let found = self.charge_mut(*charge);
                found.state =
                    ChargeState::Authorised { capture_before: *capture_before, multicapture: *multicapture };
                let lines: Vec<u16> = found.parts.iter().map(|part| part.line).collect();
                self.method_saved |= found.saves;
                lines.into_iter().for_each(|line| self.line_mut(line).authorise = false);
            }
            Entry::CaptureRequested { charge, parts, shipment, attempt } => {
                let charge = self.charge_mut(*charge);
                charge.attempt = *attempt;
                if let ChargeState::Authorised { capture_before, multicapture } = charge.state {
                    charge.state = ChargeState::Capturing {
                        parts: parts.clone(),
                        shipment: *shipment,
                        capture_before,
                        multicapture,
                    };
                }
            }
            Entry::Captured { charge, postings, done } => self.apply_captured(*charge, postings, *done),
            Entry::VoidRequested { charge } => self.charge_mut(*charge).state = ChargeState::Closing,
            Entry::Voided { charge } => self.charge_mut(*charge).state = ChargeState::Done,
            Entry::RefundsResumed { charge } => self.charge_mut(*charge).refund_failed = false,
            Entry::DisputeOpened { charge, amount } => self.charge_mut(*charge).disputed = *amount,
            Entry::DisputeWon { charge } => self.charge_mut(*charge).disputed = 0,
            Entry::DisputeLost { charge, postings, .. } => self.apply_lost(*charge, postings),
            // The rest is applied by whoever called.
            _ => {}
        }
    }

    fn apply_captured(&mut self, charge: u32, postings: &[Posting], done: bool) {
        for posting in postings {
            let Posting { line, amount, pocket } = *posting;
            self.part_mut(charge, line).captured += amount;
            match pocket {
                Pocket::Receivable => self.line_mut(line).receivable -= amount,
                Pocket::Shipment(shipment) => self.held_mut(shipment, line, |held| *held += amount),
                Pocket::Prepaid => self.line_mut(line).prepaid += amount,
                Pocket::RefundDue | Pocket::Earned => self.line_mut(line).refund_due += amount,
            }
        }
        let found = self.charge_mut(charge);
        found.last_captured = postings.iter().map(|posting| posting.amount).sum();
        match found.state {
            ChargeState::Capturing { capture_before, multicapture, .. } if !done => {
                found.state = ChargeState::Authorised { capture_before, multicapture };
            }
            _ => found.state = ChargeState::Done,
        }
        self.method_saved |= found.saves;
    }

    fn apply_lost(&mut self, charge: u32, postings: &[Posting]) {
        for posting in postings {
            let Posting { line, amount, pocket } = *posting;
            self.part_mut(charge, line).refunded += amount;
            match pocket {
                Pocket::Prepaid => self.line_mut(line).prepaid -= amount,
                Pocket::RefundDue => self.line_mut(line).refund_due -= amount,
                Pocket::Shipment(shipment) => self.held_mut(shipment, line, |held| *held -= amount),
                Pocket::Earned | Pocket::Receivable => self.line_mut(line).conceded += amount,
            }
            self.line_mut(line).stopped = true;
        }
        self.charge_mut(charge).disputed = 0;
    }

    fn apply_shipment(&mut self, entry: &Entry) {
        match entry {
            Entry::ShipmentReadied { shipment, parts } => {
                for part in parts {
                    let line = self.line_mut(part.line);
                    line.open -= part.units;
                    line.prepaid -= part.held;
                }
                let new = Shipment { parts: parts.clone(), state: ShipmentState::Waiting };
                self.shipments.insert(*shipment, new);
            }
            Entry::ShipmentPaid { shipment } => self.shipment_mut(*shipment).state = ShipmentState::Paid,
            Entry::ShipmentBlocked { shipment } => {
                self.shipment_mut(*shipment).state = ShipmentState::Waiting;
            }
            Entry::ShipmentLeft { shipment } => {
                let found = self.shipment_mut(*shipment);
                found.state = ShipmentState::Left;
                for part in found.parts.clone() {
                    let line = self.line_mut(part.line);
                    line.shipped += part.units;
                    line.receivable += line.price * part.units - part.held;
                }
            }
            Entry::ShipmentDropped { shipment } => {
                let found = self.shipment_mut(*shipment);
                found.state = ShipmentState::Dropped;
                for part in std::mem::take(&mut found.parts) {
                    let line = self.line_mut(part.line);
                    line.open += part.units;
                    line.prepaid += part.held;
                }
            }
            // The rest is applied by whoever called.
            _ => {}
        }
    }

    fn apply_refund(&mut self, entry: &Entry) {
        match entry {
            Entry::RefundRequested { refund, charge, parts, by_hand } => {
                for &(line, amount) in parts {
                    self.part_mut(*charge, line).refunded += amount;
                    let line = self.line_mut(line);
                    line.refund_due -= amount;
                    line.refunding += amount;
                }
                let new = Refund {
                    charge: *charge,
                    parts: parts.clone(),
                    by_hand: *by_hand,
                    state: RefundState::Pending,
                };
                self.refunds.insert(*refund, new);
            }
            Entry::RefundSucceeded { refund } => {
                let found = self.refund_mut(*refund);
                found.state = RefundState::Succeeded;
                for (line, amount) in found.parts.clone() {
                    self.line_mut(line).refunding -= amount;
                }
            }
            Entry::RefundFailed { refund } => {
                let found = self.refund_mut(*refund);
                // A bank may send back what had gone through.
                let on_its_way = found.state == RefundState::Pending;
                found.state = RefundState::Failed;
                let charge = found.charge;
                for (line, amount) in found.parts.clone() {
                    self.part_mut(charge, line).refunded -= amount;
                    let line = self.line_mut(line);
                    line.refund_due += amount;
                    line.refunding -= if on_its_way { amount } else { 0 };
                }
                self.charge_mut(charge).refund_failed = true;
            }
            // The rest is applied by whoever called.
            _ => {}
        }
    }

    fn line_mut(&mut self, line: u16) -> &mut LineMoney {
        self.lines.get_mut(&line).expect("an entry names a line of its account")
    }

    fn charge_mut(&mut self, charge: u32) -> &mut Charge {
        self.charges.get_mut(&charge).expect("an entry names a charge of its account")
    }

    fn part_mut(&mut self, charge: u32, line: u16) -> &mut ChargePart {
        let parts = &mut self.charge_mut(charge).parts;
        parts.iter_mut().find(|part| part.line == line).expect("an entry names a line of its charge")
    }

    fn shipment_mut(&mut self, shipment: u32) -> &mut Shipment {
        self.shipments.get_mut(&shipment).expect("an entry names a shipment of its account")
    }

    fn refund_mut(&mut self, refund: u32) -> &mut Refund {
        self.refunds.get_mut(&refund).expect("an entry names a refund of its account")
    }

    fn held_mut(&mut self, shipment: u32, line: u16, change: impl FnOnce(&mut i64)) {
        let parts = &mut self.shipment_mut(shipment).parts;
        let part = parts.iter_mut().find(|part| part.line == line);
        change(&mut part.expect("an entry names a line of its shipment").held);
    }
}

impl LineMoney {
    fn ordered(new: &NewLine) -> Self {
        Self {
            price: new.price,
            plan: new.plan,
            ship_by: new.ship_by,
            ordered: new.units,
            open: new.units,
            shipped: 0,
            cancelled: 0,
            prepaid: 0,
            refund_due: 0,
            refunding: 0,
            receivable: 0,
            conceded: 0,
            authorise: new.plan == Plan::Authorise,
            stopped: false,
            announced: None,
        }
    }
}
