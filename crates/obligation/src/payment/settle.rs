//! What follows by itself from where an account stands: shipments are paid, what is due is asked for, what is asked
//! for in vain is called off, what is due back is sent.

use std::collections::BTreeMap;

use model::time::{Time, Timestamp, seconds_after};

use super::{
    Settings,
    account::{Account, Charge, ChargeKind, ChargeState, LineMoney, Purpose, ShipmentState},
    entry::Entry,
    plan::Plan,
};

/// An account as it becomes, entry by entry.
pub(super) struct Work<'a> {
    pub(super) account: Account,
    entries: Vec<Entry>,
    pub(super) settings: &'a Settings,
    pub(super) now: Timestamp,
}

impl<'a> Work<'a> {
    pub(super) fn new(account: &Account, settings: &'a Settings, now: Timestamp) -> Self {
        Self { account: account.clone(), entries: Vec::new(), settings, now }
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.account.apply(&entry);
        self.entries.push(entry);
    }

    pub(super) fn finish(self) -> Vec<Entry> {
        debug_assert_eq!(self.account.check(), Ok(()), "{:?}", self.entries);
        self.entries
    }

    /// Draws every conclusion. Each step asks for nothing that waits for an answer already, so this ends.
    pub(super) fn settle(&mut self) {
        self.withdraw();
        self.pay_shipments();
        self.ask_for_what_is_due();
        self.send_back();
    }

    /// Pays shipments: from authorisations, else by new charges. Those with nothing to pay may leave.
    fn pay_shipments(&mut self) {
        let waiting: Vec<u32> = self
            .account
            .shipments
            .iter()
            .filter(|(_, shipment)| shipment.state == ShipmentState::Waiting)
            .map(|(number, _)| *number)
            .collect();
        for shipment in waiting {
            let gaps = self.shipment_gaps(shipment);
            if gaps.is_empty() {
                self.push(Entry::ShipmentPaid { shipment });
                continue;
            }
            let mut captures: BTreeMap<u32, Vec<(u16, i64)>> = BTreeMap::new();
            let mut charged = Vec::new();
            for (line, gap) in gaps {
                if self.account.lines[&line].stopped || self.account.is_under_way(line) {
                    continue;
                }
                let mut left = gap;
                if let Some((charge, most)) = self.authorisation(line) {
                    let part = left.min(most);
                    captures.entry(charge).or_default().push((line, part));
                    left -= part;
                }
                if left > 0 {
                    charged.push((line, left));
                }
            }
            for (charge, parts) in captures {
                self.capture(charge, parts, Some(shipment));
            }
            self.ask(ChargeKind::Charge, Purpose::Shipment(shipment), charged);
        }
    }

    /// Asks to capture parts of what is set aside.
    pub(super) fn capture(&mut self, charge: u32, parts: Vec<(u16, i64)>, shipment: Option<u32>) {
        let attempt = self.account.charges[&charge].attempt.saturating_add(1);
        self.push(Entry::CaptureRequested { charge, parts, shipment, attempt });
    }

    /// What a shipment's lines lack before it may leave, without those on invoice.
    fn shipment_gaps(&self, shipment: u32) -> Vec<(u16, i64)> {
        self.account.shipments[&shipment]
            .parts
            .iter()
            .filter(|part| self.account.lines[&part.line].plan != Plan::None)
            .map(|part| (part.line, self.account.lines[&part.line].price * part.units - part.held))
            .filter(|(_, gap)| *gap > 0)
            .collect()
    }

    /// An authorisation that covers a line, and how much of it is left for that line.
    pub(super) fn authorisation(&self, line: u16) -> Option<(u32, i64)> {
        self.account.charges.iter().find_map(|(number, charge)| {
            let ChargeState::Authorised { capture_before, .. } = charge.state else { return None };
            let part = charge.part(line)?;
            let left = part.asked - part.captured;
            (left > 0 && self.now < capture_before).then_some((*number, left))
        })
    }

    /// Asks for what should be paid by now and is not: upfront parts, balances, authorisations, a method to keep.
    fn ask_for_what_is_due(&mut self) {
        let free: Vec<u16> = self
            .account
            .lines
            .iter()
            .filter(|(number, line)| {
                line.open > 0 && line.price > 0 && !line.stopped && !self.account.is_under_way(**number)
            })
            .map(|(number, _)| *number)
            .collect();
        let due = |work: &Self, want: fn(&Self, &LineMoney) -> i64| -> Vec<(u16, i64)> {
            let amounts = free.iter().map(|line| (*line, want(work, &work.account.lines[line])));
            amounts.filter(|(_, amount)| *amount > 0).collect()
        };
        let charged = due(self, Self::due_now);
        let authorised = due(self, |_, line| if line.authorise { line.open_gap() } else { 0 });
        self.ask(ChargeKind::Charge, Purpose::Due, charged);
        self.ask(ChargeKind::Authorise, Purpose::Due, authorised);
        let is_saving = |charge: &Charge| charge.saves && charge.is_under_way();
        if !self.account.method_saved && !self.account.charges.values().any(is_saving) {
            let later: Vec<(u16, i64)> = free
                .iter()
                .filter(|line| self.account.lines[line].plan.charges_later())
                .filter(|line| !self.account.is_under_way(**line))
                .map(|line| (*line, 0))
                .collect();
            self.ask(ChargeKind::Setup, Purpose::Due, later);
        }
    }

    /// What of a line should be paid by now and is not.
    fn due_now(&self, line: &LineMoney) -> i64 {
        match line.plan {
            Plan::Full => line.open_gap(),
            Plan::Deposit { .. } if self.balance_is_due(line) => line.open_gap(),
            Plan::Deposit { .. } => line.deposit() - line.prepaid,
            Plan::Authorise | Plan::ChargeOnShip | Plan::None => 0,
        }
    }

    /// Whether the day of the balance has come, and the customer was told of it long enough before.
    fn balance_is_due(&self, line: &LineMoney) -> bool {
        charge_at(line, self.settings).is_some_and(|at| at <= self.now)
    }

    /// Makes a charge of these parts, unless there are none.
    pub(super) fn ask(&mut self, kind: ChargeKind, purpose: Purpose, parts: Vec<(u16, i64)>) -> Option<u32> {
        if parts.is_empty() {
            return None;
        }
        let charge = next_number(&self.account.charges);
        let off_session = self.account.method_saved && kind != ChargeKind::Recorded;
        let later = |line: &LineMoney| line.plan.charges_later();
        let saves = !off_session && kind != ChargeKind::Recorded && self.account.lines.values().any(later);
        self.push(Entry::ChargeRequested { charge, kind, purpose, parts, off_session, saves });
        Some(charge)
    }

    /// Calls off what the customer is asked for and need not pay any more; so a smaller sum can be asked for instead.
    fn withdraw(&mut self) {
        let excessive: Vec<u32> = self
            .account
            .charges
            .iter()
            .filter(|(_, charge)| match charge.state {
                ChargeState::NeedsCustomer { .. } => self.asks_too_much(charge),
                ChargeState::Authorised { .. } => {
                    charge.parts.iter().all(|part| self.account.room(part.line) == 0)
                }
                _ => false,
            })
            .map(|(number, _)| *number)
            .collect();
        for charge in excessive {
            self.push(Entry::VoidRequested { charge });
        }
    }

    pub(super) fn asks_too_much(&self, charge: &Charge) -> bool {
        if charge.kind == ChargeKind::Setup {
            return charge.parts.iter().all(|part| self.account.lines[&part.line].open == 0);
        }
        charge.parts.iter().any(|part| {
            let line = &self.account.lines[&part.line];
            let needed = match charge.purpose {
                Purpose::Due if charge.kind == ChargeKind::Authorise => line.open_gap(),
                // Units may have been handed to fulfilment since: then it pays for them.
                Purpose::Due => {
                    self.due_now(line) + self.account.gaps(part.line).map(|(_, gap)| gap).sum::<i64>()
                }
                Purpose::Shipment(shipment) => {
                    self.account.gaps(part.line).find(|(of, _)| *of == shipment).map_or(0, |(_, gap)| gap)
                }
                Purpose::Ready | Purpose::Staff => self.account.room(part.line),
            };
            part.asked - part.captured > needed
        })
    }

    /// Sends back what is due, each amount by the way it came. Not while the bank decides on the same money, and not
    /// again by itself after a refund failed.
    fn send_back(&mut self) {
        let mut refunds: BTreeMap<u32, Vec<(u16, i64)>> = BTreeMap::new();
        for (&number, line) in &self.account.lines {
            let mut left = line.refund_due;
            for (&charge, found) in self.account.charges.iter().rev() {
                if found.disputed > 0 || found.refund_failed {
                    continue;
                }
                let free = found.part(number).map_or(0, |part| part.captured - part.refunded);
                let amount = left.min(free);
                if amount > 0 {
                    refunds.entry(charge).or_default().push((number, amount));
                    left -= amount;
                }
            }
        }
        for (charge, parts) in refunds {
            let refund = next_number(&self.account.refunds);
            let by_hand = self.account.charges[&charge].kind == ChargeKind::Recorded;
            self.push(Entry::RefundRequested { refund, charge, parts, by_hand });
        }
    }
}

fn next_number<T>(numbered: &BTreeMap<u32, T>) -> u32 {
    numbered.last_key_value().map_or(1, |(last, _)| last + 1)
}

/// When the balance of a line is taken, where it does not wait for the goods: on its day, and not before the customer
/// was told long enough. `None` while the customer must still be told.
pub(super) fn charge_at(line: &LineMoney, settings: &Settings) -> Option<Timestamp> {
    let due = line.plan.balance_on(line.ship_by)?;
    let at = settings.zone.first_instant(due, Time::midnight())?;
    if settings.announce_s <= 0 {
        return Some(at);
    }
    let (announced, told_at) = line.announced?;
    (announced == due).then(|| seconds_after(told_at, settings.announce_s).map_or(at, |after| after.max(at)))
}
