//! An order's account with a clock, to tell stories about its money.

use model::{
    money::Currency,
    time::{Date, Timestamp, Zone, parse_date, seconds_after},
};
use obligation::payment::{
    Account, Balance, ChargeKind, ChargeState, Deposit, Entry, Happening, NewLine, Plan, Refusal, Report,
    Settings, decide, next_due,
};

pub(crate) const DAY: i64 = 86_400;

/// An order's account with a clock, and what was written down about it.
pub(crate) struct Story {
    pub(crate) account: Account,
    pub(crate) settings: Settings,
    pub(crate) now: Timestamp,
    pub(crate) said: Vec<Entry>,
}

impl Story {
    pub(crate) fn new(lines: Vec<NewLine>) -> Self {
        let mut story = Self {
            account: Account::new(Currency::USD),
            settings: Settings { zone: Zone::utc(), ..Settings::default() },
            now: "2026-11-02T10:00:00Z".parse().unwrap(),
            said: Vec::new(),
        };
        story.does(Happening::Ordered { lines });
        story
    }

    /// Something happens; answers what follows.
    #[expect(clippy::needless_pass_by_value, reason = "reads as a sentence")]
    pub(crate) fn does(&mut self, happening: Happening) -> Vec<Entry> {
        let entries = decide(&self.account, &happening, &self.settings, self.now).unwrap();
        entries.iter().for_each(|entry| self.account.apply(entry));
        self.account.check().unwrap();
        self.said.extend(entries.iter().cloned());
        entries
    }

    pub(crate) fn refused(&self, happening: &Happening) -> Refusal {
        decide(&self.account, happening, &self.settings, self.now).unwrap_err()
    }

    pub(crate) fn waits(&mut self, seconds: i64) -> Vec<Entry> {
        self.now = seconds_after(self.now, seconds).unwrap();
        self.does(Happening::TimePassed)
    }

    /// Waits until something is due by time alone.
    pub(crate) fn waits_until_due(&mut self) -> Vec<Entry> {
        self.now = next_due(&self.account, &self.settings).unwrap().max(self.now);
        self.does(Happening::TimePassed)
    }

    pub(crate) fn reports(&mut self, charge: u32, report: Report) -> Vec<Entry> {
        let attempt = self.account.charges[&charge].attempt;
        self.does(Happening::Reported { charge, attempt, report })
    }

    pub(crate) fn pays(&mut self, charge: u32) -> Vec<Entry> {
        let amount = match &self.account.charges[&charge].state {
            ChargeState::Capturing { parts, .. } => parts.iter().map(|(_, amount)| amount).sum(),
            _ => self.account.charges[&charge].asked(),
        };
        self.reports(charge, Report::Captured { amount })
    }

    pub(crate) fn declines(&mut self, charge: u32) -> Vec<Entry> {
        self.reports(charge, Report::Declined { may_retry: true })
    }

    pub(crate) fn authorises(&mut self, charge: u32, days: i64, multicapture: bool) -> Vec<Entry> {
        let amount = self.account.charges[&charge].asked();
        let capture_before = seconds_after(self.now, days * DAY).unwrap();
        self.reports(charge, Report::Authorised { amount, capture_before, multicapture })
    }

    pub(crate) fn readies(&mut self, shipment: u32, parts: &[(u16, i64)]) -> Vec<Entry> {
        self.does(Happening::ShipmentReady { shipment, parts: parts.to_vec() })
    }

    pub(crate) fn leaves(&mut self, shipment: u32) -> Vec<Entry> {
        self.does(Happening::ShipmentLeft { shipment })
    }

    /// Captured, refunded, earned, owed to the customer.
    pub(crate) fn sums(&self) -> [i128; 4] {
        let account = &self.account;
        [account.captured(), account.refunded(), account.earned(), account.prepayment()]
    }
}

pub(crate) fn line(line: u16, price: i64, units: i64, plan: Plan) -> NewLine {
    NewLine { line, price, units, plan, ship_by: None }
}

pub(crate) fn date(text: &str) -> Date {
    parse_date(text).unwrap()
}

pub(crate) fn deposit(percent: u8, balance: Balance) -> Plan {
    Plan::Deposit { deposit: Deposit::Percent(percent), balance }
}

/// The one charge asked for in these entries: number, kind, sum, off session.
pub(crate) fn asked(entries: &[Entry]) -> (u32, ChargeKind, i64, bool) {
    let mut found = entries.iter().filter_map(|entry| match entry {
        Entry::ChargeRequested { charge, kind, parts, off_session, .. } => {
            Some((*charge, *kind, parts.iter().map(|(_, amount)| amount).sum(), *off_session))
        }
        _ => None,
    });
    let only = found.next().expect("a charge is asked for");
    assert_eq!(found.next(), None, "one charge is asked for");
    only
}

pub(crate) fn is_asked(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| matches!(entry, Entry::ChargeRequested { .. }))
}

/// What is sent back in these entries.
pub(crate) fn sent_back(entries: &[Entry]) -> i64 {
    entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::RefundRequested { parts, .. } => Some(parts.iter().map(|(_, amount)| amount).sum::<i64>()),
            _ => None,
        })
        .sum()
}

pub(crate) fn may_leave(entries: &[Entry], shipment: u32) -> bool {
    entries.contains(&Entry::ShipmentPaid { shipment })
}
