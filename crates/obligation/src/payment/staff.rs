//! What people at the shop do: ask for money, capture, give back, write down what came by another way.

use model::Units;

use super::{
    account::{ChargeKind, ChargeState, Purpose},
    entry::Entry,
    provider::spread,
    refusal::Refusal,
    settle::Work,
};

impl Work<'_> {
    /// The lines that are meant, with what each has room for: what of it is not paid.
    fn unpaid(&self, line: Option<u16>) -> Result<Vec<(u16, i64)>, Refusal> {
        let lines = match line {
            Some(line) => {
                self.line(line)?;
                vec![line]
            }
            None => self.account.lines.keys().copied().collect(),
        };
        Ok(lines.into_iter().map(|line| (line, self.account.room(line))).collect())
    }

    /// The customer is asked for money now. Lines are paid in order.
    ///
    /// Errors: `UnknownLine`; `BadNumber`; `UnderWay` where something is asked for already; `SetAside` where an
    /// authorisation can be captured; `MoreThanOwed`, also where nothing is owed.
    pub(super) fn charge_asked(&mut self, line: Option<u16>, amount: Option<i64>) -> Result<(), Refusal> {
        let unpaid = self.unpaid(line)?;
        let most = unpaid.iter().map(|(_, room)| room).sum();
        let amount = amount.unwrap_or(most);
        check_owed(amount, most)?;
        let parts = spread(amount, &unpaid);
        if let Some((line, _)) = parts.iter().find(|(line, _)| self.account.is_under_way(*line)) {
            return Err(Refusal::UnderWay { line: *line });
        }
        for &(line, _) in &parts {
            if let Some((charge, _)) = self.authorisation(line) {
                return Err(Refusal::SetAside { line, charge });
            }
        }
        for &(line, _) in &parts {
            if self.account.lines[&line].stopped {
                self.push(Entry::LineResumed { line });
            }
        }
        self.ask(ChargeKind::Charge, Purpose::Staff, parts);
        Ok(())
    }

    /// Goods for units of a line are here. Nothing follows where they are paid, asked for already, or stopped.
    ///
    /// Errors: `UnknownLine`.
    pub(super) fn goods_ready(&mut self, line: u16, units: Units) -> Result<(), Refusal> {
        let stopped = self.line(line)?.stopped;
        let room = self.account.lacks(line, units).min(self.account.room(line));
        if stopped || room == 0 || self.account.is_under_way(line) {
            return Ok(());
        }
        match self.authorisation(line) {
            // What it does not cover is asked for when it was captured.
            Some((charge, most)) => self.capture(charge, vec![(line, room.min(most))], None),
            None => drop(self.ask(ChargeKind::Charge, Purpose::Ready, vec![(line, room)])),
        }
        Ok(())
    }

    /// An authorisation is captured now, before the goods are ready.
    ///
    /// Errors: `UnknownCharge`; `NothingToCapture` unless money is set aside; `UnderWay` where the same is asked for by
    /// another charge; `BadNumber`; `OverCapture` beyond what is set aside or what is still to be paid.
    pub(super) fn capture_asked(&mut self, charge: u32, amount: Option<i64>) -> Result<(), Refusal> {
        let found = self.charge(charge)?;
        if !matches!(found.state, ChargeState::Authorised { .. }) {
            return Err(Refusal::NothingToCapture { charge });
        }
        let left: Vec<(u16, i64)> = found
            .parts
            .iter()
            .map(|part| (part.line, (part.asked - part.captured).min(self.account.room(part.line))))
            .collect();
        if let Some((line, _)) = left.iter().find(|(line, _)| self.account.is_under_way(*line)) {
            return Err(Refusal::UnderWay { line: *line });
        }
        let most: i64 = left.iter().map(|(_, amount)| amount).sum();
        let amount = amount.unwrap_or(most);
        if amount < 1 {
            return Err(Refusal::BadNumber { what: "amount", value: amount });
        }
        if amount > most {
            return Err(Refusal::OverCapture { charge, amount, most });
        }
        self.capture(charge, spread(amount, &left), None);
        Ok(())
    }

    /// Money for goods that left is given back.
    ///
    /// Errors: `UnknownLine`; `BadNumber`; `MoreThanEarned`.
    pub(super) fn refund_asked(&mut self, line: u16, amount: i64) -> Result<(), Refusal> {
        let most = self.line(line)?.earned();
        if amount < 1 {
            return Err(Refusal::BadNumber { what: "amount", value: amount });
        }
        if amount > most {
            return Err(Refusal::MoreThanEarned { line, amount, most });
        }
        self.push(Entry::Conceded { line, amount });
        Ok(())
    }

    /// Refunds of a charge are tried again.
    ///
    /// Errors: `UnknownCharge`.
    pub(super) fn refunds_resumed(&mut self, charge: u32) -> Result<(), Refusal> {
        if self.charge(charge)?.refund_failed {
            self.push(Entry::RefundsResumed { charge });
        }
        Ok(())
    }

    /// Money came by another way: a transfer, cash, a cheque. Invoices are paid first.
    ///
    /// Errors: `UnknownLine`; `BadNumber`; `MoreThanOwed`; `UnderWay` while a provider may still take the same money. A link
    /// that the customer has not used is taken back instead.
    pub(super) fn recorded(&mut self, line: Option<u16>, amount: i64) -> Result<(), Refusal> {
        let owed: Vec<(u16, i64)> = self
            .unpaid(line)?
            .into_iter()
            .map(|(line, room)| (line, room + self.account.lines[&line].receivable))
            .collect();
        check_owed(amount, owed.iter().map(|(_, owed)| owed).sum())?;
        let parts = spread(amount, &owed);
        let may_come = |charge: &super::Charge| {
            matches!(
                charge.state,
                ChargeState::Requested | ChargeState::Capturing { .. } | ChargeState::Closing
            )
        };
        for &(line, _) in &parts {
            let charges = self.account.charges.values();
            if charges.filter(|charge| may_come(charge)).any(|charge| charge.part(line).is_some()) {
                return Err(Refusal::UnderWay { line });
            }
        }
        let mut postings = Vec::new();
        for &(line, amount) in &parts {
            postings.extend(self.placed(line, amount, None));
        }
        if let Some(charge) = self.ask(ChargeKind::Recorded, Purpose::Staff, parts) {
            self.push(Entry::Captured { charge, postings, done: true });
        }
        Ok(())
    }
}

fn check_owed(amount: i64, most: i64) -> Result<(), Refusal> {
    if amount < 1 && most > 0 {
        return Err(Refusal::BadNumber { what: "amount", value: amount });
    }
    if amount > most || most == 0 { Err(Refusal::MoreThanOwed { amount, most }) } else { Ok(()) }
}
