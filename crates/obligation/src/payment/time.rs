//! What follows when nothing but time passes: tries, the end of the customer's time, authorisations that run out,
//! balances.

use model::time::{Time, Timestamp, seconds_after};

use super::{
    OnExpiring, Settings,
    account::{Account, ChargeState, LineMoney, Purpose, ShipmentState},
    entry::{Because, Entry},
    settle::{Work, charge_at},
};

impl Work<'_> {
    /// Does what is due by now.
    pub(super) fn time_passed(&mut self) {
        let charges: Vec<u32> = self.account.charges.keys().copied().collect();
        for charge in charges {
            match self.account.charges[&charge].state {
                ChargeState::NeedsCustomer { grace_until, .. } if grace_until <= self.now => {
                    self.give_up(charge);
                }
                ChargeState::NeedsCustomer { retry_at: Some(at), .. } if at <= self.now => {
                    let attempt = self.account.charges[&charge].attempt.saturating_add(1);
                    self.push(Entry::RetryRequested { charge, attempt });
                }
                ChargeState::Authorised { capture_before, .. }
                    if act_at(capture_before, self.settings) <= self.now =>
                {
                    self.authorisation_runs_out(charge, capture_before);
                }
                _ => {}
            }
        }
        self.announce();
    }

    /// The customer's time is over: the charge is called off and the units it was for are given up.
    fn give_up(&mut self, charge: u32) {
        self.push(Entry::VoidRequested { charge });
        let found = &self.account.charges[&charge];
        let lines: Vec<u16> = found.parts.iter().map(|part| part.line).collect();
        let shipments: Vec<u32> = match found.purpose {
            // Asked for before it was due: the schedule goes on.
            Purpose::Staff => return,
            Purpose::Shipment(shipment) => vec![shipment],
            Purpose::Due | Purpose::Ready => {
                let waits = |number: &u32| self.account.shipments[number].state == ShipmentState::Waiting;
                let of = lines.iter().flat_map(|line| self.account.gaps(*line));
                let mut waiting: Vec<u32> =
                    of.filter(|(_, gap)| *gap > 0).map(|(shipment, _)| shipment).filter(waits).collect();
                waiting.sort_unstable();
                waiting.dedup();
                waiting
            }
        };
        let mut units: Vec<(u16, i64)> = Vec::new();
        for shipment in shipments {
            let found = &self.account.shipments[&shipment];
            if found.state == ShipmentState::Waiting {
                units.extend(found.parts.iter().map(|part| (part.line, part.units)));
                self.push(Entry::ShipmentDropped { shipment });
            }
        }
        let all = matches!(self.account.charges[&charge].purpose, Purpose::Due | Purpose::Ready);
        for line in lines {
            let given_up = if all {
                let money = &self.account.lines[&line];
                money.open - money.paid_units()
            } else {
                units.iter().filter(|(of, _)| *of == line).map(|(_, units)| units).sum()
            };
            self.cancel(line, given_up, Because::Unpaid);
        }
    }

    fn authorisation_runs_out(&mut self, charge: u32, capture_before: Timestamp) {
        let found = &self.account.charges[&charge];
        // What is asked for by another charge already is not captured too.
        let free = found.parts.iter().filter(|part| !self.account.is_under_way(part.line));
        let rooms =
            free.map(|part| (part.line, (part.asked - part.captured).min(self.account.room(part.line))));
        let parts: Vec<(u16, i64)> = rooms.filter(|(_, amount)| *amount > 0).collect();
        if capture_before <= self.now {
            self.push(Entry::Voided { charge });
        } else if self.settings.on_expiring == OnExpiring::Capture && !parts.is_empty() {
            self.capture(charge, parts, None);
        } else {
            self.push(Entry::VoidRequested { charge });
        }
    }

    /// Tells customers of balances that will be taken.
    fn announce(&mut self) {
        let lines: Vec<u16> = self.account.lines.keys().copied().collect();
        for line in lines {
            let money = &self.account.lines[&line];
            let Some(at) = announce_at(money, self.settings) else { continue };
            let Some(due) = money.plan.balance_on(money.ship_by) else { continue };
            if at <= self.now {
                let amount = money.open_gap();
                self.push(Entry::ChargeAnnounced { line, due, amount, at: self.now });
            }
        }
    }
}

/// When something is to be done about an authorisation.
fn act_at(capture_before: Timestamp, settings: &Settings) -> Timestamp {
    seconds_after(capture_before, -settings.capture_early_s).unwrap_or(capture_before)
}

/// When a customer is to be told of a balance; `None` when there is nothing to tell, or it was told.
fn announce_at(line: &LineMoney, settings: &Settings) -> Option<Timestamp> {
    let due = line.plan.balance_on(line.ship_by)?;
    let told = line.announced.is_some_and(|(announced, _)| announced == due);
    if told || settings.announce_s <= 0 || line.stopped || line.open_gap() == 0 {
        return None;
    }
    seconds_after(settings.zone.first_instant(due, Time::midnight())?, -settings.announce_s)
}

/// When [`super::Happening::TimePassed`] has next something to do; `None` when nothing waits for time alone.
pub fn next_due(account: &Account, settings: &Settings) -> Option<Timestamp> {
    let charges = account.charges.values().filter_map(|charge| match charge.state {
        ChargeState::NeedsCustomer { grace_until, retry_at, .. } => {
            Some(retry_at.map_or(grace_until, |at| at.min(grace_until)))
        }
        ChargeState::Authorised { capture_before, .. } => Some(act_at(capture_before, settings)),
        _ => None,
    });
    let lines = account.lines.iter().filter_map(|(number, line)| {
        announce_at(line, settings).or_else(|| {
            let free = !line.stopped && line.open_gap() > 0 && !account.is_under_way(*number);
            charge_at(line, settings).filter(|_| free)
        })
    });
    charges.chain(lines).min()
}
