//! An account in hand: what happened to it since it was read, and how that is written down.

use std::collections::BTreeMap;

use model::{
    Units,
    event::{Event, Noted},
    id::{LineId, OrderId},
    money::Money,
    record::{Json, Record},
    time::{Timestamp, Zone, days_after, local_date, seconds_after},
};
use obligation::payment::{
    Account, Because, ChargeKind, ChargeState, Entry, Happening, RefundState, Report, Settings, decide,
    kept::{ACCOUNT, Kept},
    next_due,
};
use serde_json::{Value, json};

use super::{call_off, errands, prepaid};
use crate::{after::Course, answer::Failure, notices, working::Working};

/// Days within which money that is due back goes back: no law's time is shorter (16 CFR 435.2(c) gives seven working days).
const REFUND_DAYS: u16 = 7;
/// When an account is looked at again of which time alone could not settle what was due.
const AGAIN_S: i64 = 3_600;
/// For how long whoever has just ordered is taken to be at the checkout still.
const AT_CHECKOUT_S: i64 = 3_600;

/// An account in hand: what happened to it since it was read.
pub(super) struct Book {
    pub(super) order: OrderId,
    pub(super) kept: Kept,
    pub(super) settings: Settings,
    pub(super) entries: Vec<Entry>,
    pub(super) opened: Option<Value>,
    /// As it was read.
    before: Account,
}

impl Book {
    /// Balances are due on the days of the shop's first location.
    pub(super) fn of(working: &Working<'_>, order: OrderId, kept: Kept) -> Self {
        let first = working.shop().locations.values().next();
        let zone = first.map_or_else(Zone::utc, |location| location.time_zone.clone());
        let settings = Settings { zone, ..Settings::default() };
        // One from before days were summed is counted as a whole.
        let known = kept.counted.then(|| kept.account.clone());
        let before = known.unwrap_or_else(|| Account::new(kept.account.currency));
        let kept = Kept { counted: true, ..kept };
        Self { order, kept, settings, entries: Vec::new(), opened: None, before }
    }

    /// Reads an order's account; `None`: it has none.
    pub(super) fn read(working: &mut Working<'_>, order: OrderId) -> Result<Option<Self>, Failure> {
        if !working.state.has_accounts {
            return Ok(None);
        }
        let Some(record) = working.record(ACCOUNT, &order.to_string())? else { return Ok(None) };
        Ok(record.read::<Kept>()?.map(|kept| Self::of(working, order, kept)))
    }

    /// Lets something happen, and everything that the manual provider answers to it.
    pub(super) fn happen(
        &mut self,
        now: Timestamp,
        happening: &Happening,
    ) -> Result<(), obligation::payment::Refusal> {
        // On a copy: what is refused half-way leaves nothing.
        let mut account = self.kept.account.clone();
        let mut entries = Vec::new();
        let mut answers = vec![happening.clone()];
        while let Some(next) = answers.pop() {
            for entry in decide(&account, &next, &self.settings, now)? {
                account.apply(&entry);
                if self.kept.is_manual() {
                    answers.extend(by_hand(&entry));
                }
                entries.push(entry);
            }
        }
        self.kept.account = account;
        self.entries.extend(entries);
        Ok(())
    }

    /// Writes what happened down.
    pub(super) fn write(mut self, working: &mut Working<'_>, course: &mut Course) -> Result<(), Failure> {
        if self.entries.is_empty() && self.opened.is_none() {
            return Ok(());
        }
        let unpaid = self.unpaid();
        if !self.kept.is_manual() {
            let errands = errands::of_entries(self.order, &self.kept, &self.entries, course.now)?;
            working.put_private(errands);
        }
        self.tell(working, course.now)?;
        let zone = self.settings.zone.clone();
        let accounts = (&self.before, &self.kept.account);
        let sums = prepaid::records(working, self.order, accounts, (course.now, &zone))?;
        self.refunds_by(course.now);
        let withdrawn = self.withdrawn(working, course.now)?;
        let record = self.record(course.now)?;
        let mut events: Vec<Event> = Vec::new();
        let noted = |data: &Value| -> Result<Noted, Failure> {
            Ok(Noted { sku: None, order: Some(self.order), data: Json::of(data)?, records: Vec::new() })
        };
        if let Some(data) = &self.opened {
            events.push(Event::AccountOpened(noted(data)?));
        }
        let (mut others, currency) = (Vec::new(), self.kept.account.currency);
        for entry in &self.entries {
            match entry {
                Entry::Captured { charge, postings, .. } => {
                    let amount: i64 = postings.iter().map(|posting| posting.amount).sum();
                    let data = json!({
                        "charge": charge, "amount": Money::new(amount, currency), "provider": &self.kept.provider,
                    });
                    events.push(Event::Charged(noted(&data)?));
                }
                Entry::UnitsCancelled { line, units, refund, .. } if *refund > 0 => {
                    let today = local_date(course.now, &Zone::utc());
                    let data = json!({
                        "line": LineId { order: self.order, no: *line }, "quantity": units,
                        "amount": Money::new(*refund, currency), "by": days_after(today, REFUND_DAYS),
                    });
                    events.push(Event::RefundDue(noted(&data)?));
                }
                Entry::RefundSucceeded { refund } => {
                    let amount =
                        self.kept.account.refunds.get(refund).map_or(0, obligation::payment::Refund::amount);
                    let data = json!({ "refund": refund, "amount": Money::new(amount, currency) });
                    events.push(Event::Refunded(noted(&data)?));
                }
                other => others.push(other),
            }
        }
        if !others.is_empty() || events.is_empty() {
            events.push(Event::PaymentChanged(noted(&json!({ "entries": others }))?));
        }
        if let Some(
            Event::AccountOpened(last)
            | Event::Charged(last)
            | Event::RefundDue(last)
            | Event::Refunded(last)
            | Event::PaymentChanged(last),
        ) = events.last_mut()
        {
            last.records.push(record);
            last.records.extend(sums);
            last.records.extend(withdrawn);
        }
        working.apply(course.now, events)?;
        call_off(working, course, self.order, unpaid)
    }

    /// Queues what the customer must be told of the money: a link to pay by, a balance that will be taken.
    fn tell(&self, working: &mut Working<'_>, now: Timestamp) -> Result<(), Failure> {
        let mut mails = Vec::new();
        for entry in &self.entries {
            match entry {
                // People at the shop ask for money as they do.
                Entry::ChargeFailed { charge, at, .. } if !self.kept.is_manual() => {
                    // Whoever is at the checkout pays there; the link goes to those who went away.
                    let away = self.kept.account.method_saved;
                    let due = if away { Some(*at) } else { seconds_after(*at, AT_CHECKOUT_S) };
                    mails.push(notices::about(
                        "payment",
                        self.order,
                        &charge.to_string(),
                        due.unwrap_or(now),
                    )?);
                }
                Entry::ChargeAnnounced { line, due, at, .. } => {
                    mails.push(notices::about("balance", self.order, &format!("{line}-{due}"), *at)?);
                }
                _ => {}
            }
        }
        for mail in mails {
            // One for each charge: tries after the first are told by the page.
            if working.private(notices::MAIL, &mail.id)?.is_none() {
                working.put_private([mail]);
            }
        }
        Ok(())
    }

    /// Withdrawals of goods that left, whose money the account now gives back.
    fn withdrawn(&self, working: &mut Working<'_>, now: Timestamp) -> Result<Vec<Record>, Failure> {
        let mut sums: BTreeMap<u16, i64> = BTreeMap::new();
        for entry in &self.entries {
            if let Entry::Conceded { line, amount } = entry {
                let sum = sums.entry(*line).or_default();
                *sum = sum.saturating_add(*amount);
            }
        }
        let mut records = Vec::new();
        for (no, amount) in sums {
            let amount = Money::new(amount, self.kept.account.currency);
            records.extend(notices::conceded(working, LineId { order: self.order, no }, amount, now)?);
        }
        Ok(records)
    }

    /// Notes until when money goes back, from the day on which it is due.
    fn refunds_by(&mut self, now: Timestamp) {
        let by = days_after(local_date(now, &self.settings.zone), REFUND_DAYS);
        for (&number, line) in &self.kept.account.lines {
            if line.refund_due + line.refunding == 0 {
                self.kept.refund_by.remove(&number);
            } else if let Some(by) = by {
                self.kept.refund_by.entry(number).or_insert(by);
            }
        }
    }

    /// Units that were not paid in time: whoever waits for them gives up the place.
    fn unpaid(&self) -> Vec<(u16, Units)> {
        let unpaid = self.entries.iter().filter_map(|entry| match entry {
            Entry::UnitsCancelled { line, units, because: Because::Unpaid, .. } => Some((*line, *units)),
            _ => None,
        });
        unpaid.collect()
    }

    pub(super) fn record(&self, now: Timestamp) -> Result<Record, Failure> {
        let next = next_due(&self.kept.account, &self.settings);
        // What time alone did not settle is not looked at without pause.
        let due = next.map(|at| if at <= now { seconds_after(now, AGAIN_S).unwrap_or(at) } else { at });
        Ok(Record {
            owner: self.order.to_string().into(),
            state: standing(&self.kept.account).into(),
            due,
            ..Record::new(ACCOUNT, &self.order.to_string(), &self.kept)?
        })
    }
}

/// Where an account stands, in a word that lists are cut by: what needs somebody comes first.
fn standing(account: &Account) -> &'static str {
    let is_failed =
        |charge: &obligation::payment::Charge| matches!(charge.state, ChargeState::NeedsCustomer { .. });
    let is_held =
        |charge: &obligation::payment::Charge| matches!(charge.state, ChargeState::Authorised { .. });
    if account.charges.values().any(|charge| charge.disputed > 0) {
        "disputed"
    } else if account.refunds.values().any(|refund| refund.state == RefundState::Pending)
        || account.lines.values().any(|line| line.refund_due > 0)
    {
        "refund_due"
    } else if account.charges.values().any(is_failed) {
        "payment_due"
    } else if account.charges.values().any(is_held) {
        "authorised"
    } else {
        "settled"
    }
}

/// What people at the shop say to what a provider would be asked: a method need not be saved, and the customer is waited
/// for.
fn by_hand(entry: &Entry) -> Option<Happening> {
    let (charge, attempt, report) = match entry {
        Entry::ChargeRequested { charge, kind: ChargeKind::Setup, .. } => (*charge, 1, Report::MethodSaved),
        Entry::ChargeRequested { charge, kind: ChargeKind::Charge | ChargeKind::Authorise, .. } => {
            (*charge, 1, Report::AuthenticationRequired)
        }
        Entry::RetryRequested { charge, attempt } => (*charge, *attempt, Report::AuthenticationRequired),
        Entry::VoidRequested { charge } => (*charge, 1, Report::Voided),
        _ => return None,
    };
    Some(Happening::Reported { charge, attempt, report })
}
