//! What providers and banks report. Reports may come twice, late and out of order: what is known already changes
//! nothing, what contradicts it is refused.

use super::{
    account::{Charge, ChargeKind, ChargeState, Failure, LineMoney, Purpose, RefundState, ShipmentState},
    entry::{Entry, Pocket, Posting},
    refusal::Refusal,
    settle::Work,
};
use model::time::{Timestamp, seconds_after};

use super::Report;

impl Work<'_> {
    pub(super) fn charge(&self, charge: u32) -> Result<&Charge, Refusal> {
        self.account.charges.get(&charge).ok_or(Refusal::UnknownCharge { charge })
    }

    /// The provider reports on a charge.
    ///
    /// Errors: `UnknownCharge`; `OverCapture`, `OtherAmount`, `BadNumber`, `Contradiction`.
    pub(super) fn reported(&mut self, charge: u32, attempt: u16, report: Report) -> Result<(), Refusal> {
        let found = self.charge(charge)?;
        let stale = attempt != found.attempt;
        match report {
            Report::MethodSaved => self.method_saved(charge),
            Report::Authorised { amount, capture_before, multicapture } => {
                self.authorised(charge, amount, capture_before, multicapture)
            }
            // Of an authorisation each capture is a request of its own, so a report on an older one was heard.
            Report::Captured { .. } if stale && found.kind == ChargeKind::Authorise => Ok(()),
            Report::Captured { amount } => self.captured(charge, amount),
            // A failure of a try that was followed by another says nothing any more.
            Report::Declined { .. } | Report::AuthenticationRequired if stale => Ok(()),
            Report::Declined { may_retry } => {
                self.failed(charge, if may_retry { Failure::Declined } else { Failure::DeclinedForGood });
                Ok(())
            }
            Report::AuthenticationRequired => {
                self.failed(charge, Failure::AuthenticationRequired);
                Ok(())
            }
            Report::Voided => {
                if self.charge(charge)?.state != ChargeState::Done {
                    self.push(Entry::Voided { charge });
                }
                Ok(())
            }
        }
    }

    fn method_saved(&mut self, charge: u32) -> Result<(), Refusal> {
        let found = self.charge(charge)?;
        match found.state {
            _ if found.kind != ChargeKind::Setup => Err(Refusal::Contradiction { charge }),
            ChargeState::Done => Ok(()),
            _ => {
                self.push(Entry::MethodSaved { charge });
                Ok(())
            }
        }
    }

    fn authorised(
        &mut self,
        charge: u32,
        amount: i64,
        capture_before: Timestamp,
        multicapture: bool,
    ) -> Result<(), Refusal> {
        let found = self.charge(charge)?;
        let asked = found.asked();
        match found.state {
            _ if found.kind != ChargeKind::Authorise => Err(Refusal::Contradiction { charge }),
            _ if amount != asked => Err(Refusal::OtherAmount { charge, amount, asked }),
            ChargeState::Requested | ChargeState::NeedsCustomer { .. } => {
                self.push(Entry::Authorised { charge, capture_before, multicapture });
                Ok(())
            }
            // Being called off, or heard before.
            _ => Ok(()),
        }
    }

    /// Money came. Of less than was asked the lines are paid in order; what lacks is asked for anew.
    fn captured(&mut self, charge: u32, amount: i64) -> Result<(), Refusal> {
        let found = self.charge(charge)?;
        if amount < 1 {
            return Err(Refusal::BadNumber { what: "amount", value: amount });
        }
        let expected: Vec<(u16, i64)> = match &found.state {
            ChargeState::Done if found.last_captured == amount => return Ok(()),
            // Called off, and paid all the same: it goes back.
            ChargeState::Done if found.kind == ChargeKind::Charge && found.captured() == 0 => {
                found.parts.iter().map(|part| (part.line, part.asked)).collect()
            }
            ChargeState::Done => return Err(Refusal::Contradiction { charge }),
            // Heard before: a capture that was not asked for is taken once, from outside.
            ChargeState::Authorised { .. } if found.captured() > 0 => return Ok(()),
            ChargeState::Capturing { parts, .. } => parts.clone(),
            _ if found.kind == ChargeKind::Setup => return Err(Refusal::Contradiction { charge }),
            _ => found.parts.iter().map(|part| (part.line, part.asked - part.captured)).collect(),
        };
        let most = expected.iter().map(|(_, asked)| asked).sum();
        if amount > most {
            return Err(Refusal::OverCapture { charge, amount, most });
        }
        let (shipment, multicapture) = match (&found.state, found.purpose) {
            (ChargeState::Capturing { shipment, multicapture, .. }, _) => (*shipment, *multicapture),
            (_, Purpose::Shipment(shipment)) => (Some(shipment), false),
            (_, Purpose::Due | Purpose::Ready | Purpose::Staff) => (None, false),
        };
        let done = !multicapture || found.asked() == found.captured() + amount;
        let mut postings = Vec::new();
        for (line, part) in spread(amount, &expected) {
            postings.extend(self.placed(line, part, shipment));
        }
        self.push(Entry::Captured { charge, postings, done });
        Ok(())
    }

    /// Where money of a line is put: an invoice, the shipment it was asked for, other shipments, open units; what is too
    /// much goes back.
    pub(super) fn placed(&self, line: u16, amount: i64, shipment: Option<u32>) -> Vec<Posting> {
        let money = &self.account.lines[&line];
        let mut places = vec![(Pocket::Receivable, money.receivable)];
        let mut gaps: Vec<(u32, i64)> = self.account.gaps(line).collect();
        gaps.sort_by_key(|(of, _)| (Some(*of) != shipment, *of));
        places.extend(gaps.into_iter().map(|(of, gap)| (Pocket::Shipment(of), gap)));
        places.push((Pocket::Prepaid, money.open_gap()));
        places.push((Pocket::RefundDue, i64::MAX));
        let parts = spread(amount, &places).into_iter();
        parts.map(|(pocket, amount)| Posting { line, amount, pocket }).collect()
    }

    fn failed(&mut self, charge: u32, failure: Failure) {
        let found = &self.account.charges[&charge];
        match found.state {
            ChargeState::Requested => {
                // The customer's time does not start anew with each try.
                let since = found.failed_at.unwrap_or(self.now);
                let after =
                    |at: Timestamp, seconds: i64| seconds_after(at, seconds).unwrap_or(Timestamp::MAX);
                let grace_until = after(since, self.settings.grace_s);
                let delay = self.settings.retry_after_s.get(usize::from(found.attempt) - 1);
                let retry_at = delay
                    .filter(|_| failure == Failure::Declined && self.account.method_saved)
                    .map(|seconds| after(self.now, *seconds))
                    .filter(|at| *at < grace_until);
                self.push(Entry::ChargeFailed { charge, failure, at: self.now, grace_until, retry_at });
            }
            // What was set aside cannot be captured any more.
            ChargeState::Capturing { .. } | ChargeState::Authorised { .. } => {
                self.push(Entry::Voided { charge });
            }
            // The customer tried another method, or the report is late. What is being called off may still be paid until the
            // provider says that it is.
            ChargeState::NeedsCustomer { .. } | ChargeState::Closing | ChargeState::Done => {}
        }
    }

    /// The provider reports on a refund.
    ///
    /// Errors: `UnknownRefund`. One that failed does not succeed later: another takes its place.
    pub(super) fn refund_reported(&mut self, refund: u32, succeeded: bool) -> Result<(), Refusal> {
        let found = self.account.refunds.get(&refund).ok_or(Refusal::UnknownRefund { refund })?;
        match (found.state, succeeded) {
            (RefundState::Pending, true) => self.push(Entry::RefundSucceeded { refund }),
            (RefundState::Pending | RefundState::Succeeded, false) => {
                self.push(Entry::RefundFailed { refund });
            }
            (RefundState::Succeeded, true) | (RefundState::Failed, _) => {}
        }
        Ok(())
    }

    /// The customer's bank asks money back.
    ///
    /// Errors: `UnknownCharge`; `BadNumber` or `OverCapture` for an amount that the charge never had; `DisputeIs` while
    /// another is open.
    pub(super) fn dispute_opened(&mut self, charge: u32, amount: i64) -> Result<(), Refusal> {
        let found = self.charge(charge)?;
        let (disputed, most) = (found.disputed, found.captured());
        if amount < 1 {
            return Err(Refusal::BadNumber { what: "amount", value: amount });
        }
        if amount > most {
            return Err(Refusal::OverCapture { charge, amount, most });
        }
        match disputed {
            0 => self.push(Entry::DisputeOpened { charge, amount }),
            same if same == amount => {}
            disputed => return Err(Refusal::DisputeIs { charge, disputed }),
        }
        Ok(())
    }

    /// The bank decided. What it gives back comes out of what is due back, then of what is paid for goods that did not
    /// leave, then of what was earned. Nothing more of those lines is taken by itself.
    ///
    /// Errors: `UnknownCharge`; `DisputeIs` where none is open.
    pub(super) fn dispute_closed(&mut self, charge: u32, won: bool) -> Result<(), Refusal> {
        let found = self.charge(charge)?;
        let disputed = found.disputed;
        if disputed == 0 {
            return Err(Refusal::DisputeIs { charge, disputed });
        }
        if won {
            self.push(Entry::DisputeWon { charge });
            return Ok(());
        }
        let parts: Vec<(u16, i64)> =
            found.parts.iter().map(|part| (part.line, part.captured - part.refunded)).collect();
        let taken = disputed.min(found.refundable());
        let mut postings = Vec::new();
        for (line, amount) in spread(taken, &parts) {
            postings.extend(self.taken(line, amount));
        }
        let blocked: Vec<u32> = postings
            .iter()
            .filter_map(|posting| match posting.pocket {
                Pocket::Shipment(shipment) => Some(shipment),
                _ => None,
            })
            .filter(|shipment| self.account.shipments[shipment].state == ShipmentState::Paid)
            .collect();
        self.push(Entry::DisputeLost { charge, postings, beyond: disputed - taken });
        for shipment in blocked {
            if self.account.shipments[&shipment].state == ShipmentState::Paid {
                self.push(Entry::ShipmentBlocked { shipment });
            }
        }
        Ok(())
    }

    /// Out of which pockets the bank's money of a line comes.
    fn taken(&self, line: u16, amount: i64) -> Vec<Posting> {
        let money = &self.account.lines[&line];
        let mut places = vec![(Pocket::RefundDue, money.refund_due), (Pocket::Prepaid, money.prepaid)];
        places.extend(self.account.held_parts(line).map(|(of, held)| (Pocket::Shipment(of), held)));
        places.push((Pocket::Earned, LineMoney::earned(money)));
        let parts = spread(amount, &places).into_iter();
        parts.map(|(pocket, amount)| Posting { line, amount, pocket }).collect()
    }
}

/// Fills places in order, each up to its size, until the amount is used up. Empty parts are left out.
pub(super) fn spread<P: Copy>(amount: i64, places: &[(P, i64)]) -> Vec<(P, i64)> {
    let mut left = amount;
    let mut parts = Vec::new();
    for &(place, size) in places {
        let part = left.min(size);
        if part > 0 {
            parts.push((place, part));
            left -= part;
        }
    }
    parts
}
