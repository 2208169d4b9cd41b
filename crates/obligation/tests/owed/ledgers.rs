//! Random histories of money, held against a second, simpler ledger that knows nothing of pockets, plans or parts: it adds
//! up what the provider paid in and out, and what left.

use model::time::{days_after, local_date, seconds_after};
use obligation::payment::{
    Account, Balance, ChargeKind, ChargeState, Deposit, Entry, Happening, NewLine, OnExpiring, Plan,
    RefundState, Report, ShipmentState, decide, next_due, schedule,
};
use proptest::prelude::*;

use crate::story::{DAY, Story};

/// What an order's money comes to, by the plainest means.
#[derive(Debug, Default)]
struct Judge {
    came: i128,
    went: i128,
    shipped: i128,
    /// Given back for goods that left, or lost to a bank.
    conceded: i128,
    /// Left on invoice.
    invoiced: i128,
    total: i128,
}

impl Judge {
    /// Hears the entries, with what the account was before them.
    fn hear(&mut self, before: &Account, entries: &[Entry]) {
        let mut account = before.clone();
        for entry in entries {
            let sum =
                |parts: &[(u16, i64)]| parts.iter().map(|(_, amount)| i128::from(*amount)).sum::<i128>();
            match entry {
                Entry::LineAdded(new) => self.total += i128::from(new.price) * i128::from(new.units),
                Entry::Captured { postings, .. } => {
                    self.came += postings.iter().map(|posting| i128::from(posting.amount)).sum::<i128>();
                }
                Entry::RefundSucceeded { refund } => self.went += sum(&account.refunds[refund].parts),
                Entry::RefundFailed { refund } if account.refunds[refund].state == RefundState::Succeeded => {
                    self.went -= sum(&account.refunds[refund].parts);
                }
                Entry::DisputeLost { postings, .. } => {
                    self.went += postings.iter().map(|posting| i128::from(posting.amount)).sum::<i128>();
                }
                Entry::Conceded { amount, .. } => self.conceded += i128::from(*amount),
                Entry::ShipmentLeft { shipment } => {
                    for part in &account.shipments[shipment].parts {
                        let line = &account.lines[&part.line];
                        let value = i128::from(line.price) * i128::from(part.units);
                        self.shipped += value;
                        if line.plan == Plan::None {
                            self.invoiced += value - i128::from(part.held);
                        } else {
                            assert_eq!(i128::from(part.held), value, "goods left unpaid");
                        }
                    }
                }
                _ => {}
            }
            account.apply(entry);
        }
    }

    fn agrees(&self, account: &Account) {
        account.check().unwrap();
        assert_eq!((account.captured(), account.refunded()), (self.came, self.went));
        let owed = account.prepayment();
        assert!(owed >= 0);
        let lost: i128 = account.lines.values().map(|line| i128::from(line.conceded)).sum();
        let unpaid: i128 = account.lines.values().map(|line| i128::from(line.receivable)).sum();
        assert!(lost >= self.conceded && unpaid <= self.invoiced);
        assert_eq!(self.came - self.went, self.shipped - lost - unpaid + owed);
        let back: i128 =
            account.lines.values().map(|line| i128::from(line.refund_due) + i128::from(line.refunding)).sum();
        assert!(self.came - self.went - back <= self.total, "more is kept than the order's total");
        Self::schedule_adds_up(account);
        self.asks_for_no_more_than_the_total(account);
    }

    /// What customers are told is still to be paid is what is not paid.
    fn schedule_adds_up(account: &Account) {
        let planned = schedule(account);
        for (number, line) in &account.lines {
            let told: i64 = planned.iter().filter(|due| due.line == *number).map(|due| due.amount).sum();
            let kept = account.prepayment_of(*number) - line.refund_due - line.refunding;
            let waiting = line.price * (line.ordered - line.cancelled - line.shipped);
            assert_eq!(told, waiting - kept + line.receivable, "line {number}: {planned:?}");
        }
    }

    /// What is kept of a line and what may still come for it is never more than it was ordered for.
    fn asks_for_no_more_than_the_total(&self, account: &Account) {
        for (number, line) in &account.lines {
            let asked: i64 = account
                .charges
                .values()
                .filter(|charge| {
                    !matches!(charge.state, ChargeState::Closing | ChargeState::Authorised { .. })
                })
                .filter(|charge| charge.state != ChargeState::Done)
                .flat_map(|charge| {
                    let capturing = match &charge.state {
                        ChargeState::Capturing { parts, .. } => Some(parts.clone()),
                        _ => None,
                    };
                    capturing.unwrap_or_else(|| {
                        charge.parts.iter().map(|part| (part.line, part.asked - part.captured)).collect()
                    })
                })
                .filter(|(of, _)| of == number)
                .map(|(_, amount)| amount)
                .sum();
            let kept = account.prepayment_of(*number) - line.refund_due - line.refunding
                + line.price * line.shipped
                - line.receivable
                - line.conceded;
            assert!(kept + asked <= line.price * line.ordered, "line {number}: {kept} kept, {asked} asked");
        }
    }
}

/// What chance does next; numbers pick among what is there.
#[derive(Debug, Clone)]
enum Turn {
    Ready(u8, u8, u8),
    Leave(u8),
    Drop(u8),
    Cancel(u8, u8),
    Pay(u8),
    PayPart(u8, u8),
    Decline(u8, bool),
    Authenticate(u8),
    Authorise(u8, u8, bool),
    Void(u8),
    Refunded(u8, bool),
    Dispute(u8, u8),
    Decided(u8, bool),
    Charge(u8),
    Capture(u8),
    GiveBack(u8, u8),
    Resume(u8),
    Record(u8, u8),
    Move(u8, u8),
    Fee(u16),
    Wait(u8),
}

fn turn() -> impl Strategy<Value = Turn> {
    let pick = any::<u8>;
    prop_oneof![
        4 => (pick(), pick(), pick()).prop_map(|(a, b, c)| Turn::Ready(a, b, c)),
        4 => pick().prop_map(Turn::Leave),
        1 => pick().prop_map(Turn::Drop),
        2 => (pick(), pick()).prop_map(|(a, b)| Turn::Cancel(a, b)),
        6 => pick().prop_map(Turn::Pay),
        1 => (pick(), pick()).prop_map(|(a, b)| Turn::PayPart(a, b)),
        2 => (pick(), any::<bool>()).prop_map(|(a, b)| Turn::Decline(a, b)),
        1 => pick().prop_map(Turn::Authenticate),
        3 => (pick(), 0..9_u8, any::<bool>()).prop_map(|(a, b, c)| Turn::Authorise(a, b, c)),
        2 => pick().prop_map(Turn::Void),
        3 => (pick(), any::<bool>()).prop_map(|(a, b)| Turn::Refunded(a, b)),
        1 => (pick(), pick()).prop_map(|(a, b)| Turn::Dispute(a, b)),
        1 => (pick(), any::<bool>()).prop_map(|(a, b)| Turn::Decided(a, b)),
        1 => pick().prop_map(Turn::Charge),
        1 => pick().prop_map(Turn::Capture),
        1 => (pick(), pick()).prop_map(|(a, b)| Turn::GiveBack(a, b)),
        1 => pick().prop_map(Turn::Resume),
        1 => (pick(), pick()).prop_map(|(a, b)| Turn::Record(a, b)),
        1 => (pick(), 0..90_u8).prop_map(|(a, b)| Turn::Move(a, b)),
        1 => (1..2_000_u16).prop_map(Turn::Fee),
        3 => (0..12_u8).prop_map(Turn::Wait),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    let deposit =
        prop_oneof![(0..=100_u8).prop_map(Deposit::Percent), (0..900_i64).prop_map(Deposit::Amount)];
    let balance = prop_oneof![
        Just(Balance::OnShip),
        (0..40_u16).prop_map(|days| Balance::On(days_after(start(), days).unwrap())),
        (0..30_u16).prop_map(Balance::DaysBefore),
    ];
    prop_oneof![
        Just(Plan::Full),
        (deposit, balance).prop_map(|(deposit, balance)| Plan::Deposit { deposit, balance }),
        Just(Plan::Authorise),
        Just(Plan::ChargeOnShip),
        Just(Plan::None),
    ]
}

fn start() -> model::time::Date {
    model::time::parse_date("2026-11-02").unwrap()
}

fn order() -> impl Strategy<Value = Vec<NewLine>> {
    let line = (0..1_500_i64, 1..6_i64, plan(), prop::option::of(0..60_u16));
    prop::collection::vec(line, 1..4).prop_map(|lines| {
        let numbered = (1..).zip(lines);
        numbered
            .map(|(line, (price, units, plan, ships_in))| NewLine {
                line,
                price,
                units,
                plan,
                ship_by: ships_in.and_then(|days| days_after(start(), days)),
            })
            .collect()
    })
}

struct Play {
    story: Story,
    judge: Judge,
}

impl Play {
    fn does(&mut self, happening: Happening) {
        let before = self.story.account.clone();
        // A refusal changes nothing; that is all there is to say of it.
        if decide(&before, &happening, &self.story.settings, self.story.now).is_ok() {
            let entries = self.story.does(happening);
            self.judge.hear(&before, &entries);
        }
        self.judge.agrees(&self.story.account);
        // The account is what its entries make of nothing.
        let mut again = Account::new(before.currency);
        self.story.said.iter().for_each(|entry| again.apply(entry));
        assert_eq!(again, self.story.account);
    }

    fn nth<T: Copy>(from: &[T], pick: u8) -> Option<T> {
        (!from.is_empty()).then(|| from[usize::from(pick) % from.len()])
    }

    fn charge(&self, pick: u8) -> Option<(u32, u16, i64, bool)> {
        let live: Vec<(u32, u16, i64, bool)> = self
            .story
            .account
            .charges
            .iter()
            .filter(|(_, charge)| charge.state != ChargeState::Done)
            .map(|(number, charge)| {
                let amount = match &charge.state {
                    ChargeState::Capturing { parts, .. } => parts.iter().map(|(_, amount)| amount).sum(),
                    _ => charge.outstanding(),
                };
                (*number, charge.attempt, amount, charge.kind == ChargeKind::Setup)
            })
            .collect();
        Self::nth(&live, pick)
    }

    fn reports(&mut self, pick: u8, report: impl Fn(i64) -> Report) {
        if let Some((charge, attempt, amount, setup)) = self.charge(pick) {
            let said = report(amount);
            let said = match said {
                Report::Captured { .. } if setup => Report::MethodSaved,
                said => said,
            };
            self.does(Happening::Reported { charge, attempt, report: said });
        }
    }

    fn line(&self, pick: u8) -> u16 {
        let lines: Vec<u16> = self.story.account.lines.keys().copied().collect();
        Self::nth(&lines, pick).unwrap()
    }

    fn shipment(&self, pick: u8) -> u32 {
        let waiting: Vec<u32> = self.story.account.shipments.keys().copied().collect();
        Self::nth(&waiting, pick).unwrap_or(1)
    }

    fn take(&mut self, turn: &Turn) {
        let amount = |part: u8, whole: i64| (whole * i64::from(part) / 255).max(1);
        match *turn {
            Turn::Ready(one, other, units) => {
                let open = |line: u16, account: &Account| account.lines[&line].open;
                let mut lines = vec![self.line(one), self.line(other)];
                lines.dedup();
                let account = &self.story.account;
                let parts: Vec<(u16, i64)> = lines
                    .into_iter()
                    .map(|line| (line, amount(units, open(line, account))))
                    .filter(|(line, _)| open(*line, account) > 0)
                    .collect();
                let shipment = account.shipments.keys().max().map_or(1, |last| last + 1);
                self.does(Happening::ShipmentReady { shipment, parts });
            }
            Turn::Leave(pick) => self.does(Happening::ShipmentLeft { shipment: self.shipment(pick) }),
            Turn::Drop(pick) => self.does(Happening::ShipmentDropped { shipment: self.shipment(pick) }),
            Turn::Cancel(pick, part) => {
                let line = self.line(pick);
                let units = amount(part, self.story.account.lines[&line].open);
                self.does(Happening::UnitsCancelled { line, units });
            }
            Turn::Pay(pick) => self.reports(pick, |amount| Report::Captured { amount }),
            Turn::PayPart(pick, part) => {
                self.reports(pick, |whole| Report::Captured { amount: amount(part, whole) });
            }
            Turn::Decline(pick, may_retry) => self.reports(pick, |_| Report::Declined { may_retry }),
            Turn::Authenticate(pick) => self.reports(pick, |_| Report::AuthenticationRequired),
            Turn::Authorise(pick, days, multicapture) => {
                let capture_before = seconds_after(self.story.now, i64::from(days) * DAY + 3_600).unwrap();
                self.reports(pick, |amount| Report::Authorised { amount, capture_before, multicapture });
            }
            Turn::Void(pick) => self.reports(pick, |_| Report::Voided),
            Turn::Refunded(pick, succeeded) => {
                let refunds: Vec<u32> = self.story.account.refunds.keys().copied().collect();
                if let Some(refund) = Self::nth(&refunds, pick) {
                    self.does(Happening::RefundReported { refund, succeeded });
                }
            }
            Turn::Dispute(pick, part) => {
                let charges: Vec<u32> = self.story.account.charges.keys().copied().collect();
                if let Some(charge) = Self::nth(&charges, pick) {
                    let amount = amount(part, self.story.account.charges[&charge].captured());
                    self.does(Happening::DisputeOpened { charge, amount });
                }
            }
            Turn::Decided(pick, won) => self.decided(pick, won),
            Turn::Charge(pick) => {
                let line = self.line(pick);
                if pick.is_multiple_of(2) {
                    let units = amount(pick, self.story.account.lines[&line].open);
                    self.does(Happening::GoodsReady { line, units });
                } else {
                    self.does(Happening::ChargeAsked { line: Some(line), amount: None });
                }
            }
            Turn::Capture(pick) => {
                if let Some((charge, ..)) = self.charge(pick) {
                    self.does(Happening::CaptureAsked { charge, amount: None });
                }
            }
            Turn::GiveBack(pick, part) => {
                let line = self.line(pick);
                let whole = self.story.account.lines[&line].price;
                self.does(Happening::RefundAsked { line, amount: amount(part, whole) });
            }
            Turn::Resume(pick) => self.resume(pick),
            Turn::Record(pick, part) => {
                let line = self.line(pick);
                let whole = self.story.account.lines[&line].price;
                self.does(Happening::Recorded { line: Some(line), amount: amount(part, whole) });
            }
            Turn::Move(pick, days) => {
                let today = local_date(self.story.now, &self.story.settings.zone);
                let ship_by = days_after(today, u16::from(days)).filter(|_| days < 80);
                self.does(Happening::PromiseMoved { line: self.line(pick), ship_by });
            }
            Turn::Fee(price) => {
                let line = self.story.account.lines.keys().max().map_or(1, |last| last + 1);
                let new = NewLine { line, price: price.into(), units: 1, plan: Plan::Full, ship_by: None };
                self.does(Happening::Ordered { lines: vec![new] });
            }
            Turn::Wait(days) => {
                self.story.now = seconds_after(self.story.now, i64::from(days) * DAY / 2 + 60).unwrap();
                self.does(Happening::TimePassed);
            }
        }
    }

    fn decided(&mut self, pick: u8, won: bool) {
        let disputed: Vec<u32> = self
            .story
            .account
            .charges
            .iter()
            .filter(|(_, charge)| charge.disputed > 0)
            .map(|(number, _)| *number)
            .collect();
        if let Some(charge) = Self::nth(&disputed, pick) {
            self.does(Happening::DisputeClosed { charge, won });
        }
    }

    fn resume(&mut self, pick: u8) {
        let charges: Vec<u32> = self.story.account.charges.keys().copied().collect();
        if let Some(charge) = Self::nth(&charges, pick) {
            self.does(Happening::RefundsResumed { charge });
        }
    }

    /// Whatever was begun is brought to its end by a kind customer, bank and warehouse. It must have one.
    fn end(&mut self) {
        for _ in 0..400 {
            let account = &self.story.account;
            if let Some((_, charge)) =
                account.charges.iter().find(|(_, charge)| charge.state != ChargeState::Done)
            {
                let closing = charge.state == ChargeState::Closing;
                let authorised = matches!(charge.state, ChargeState::Authorised { .. });
                let authorise =
                    charge.kind == ChargeKind::Authorise && charge.state == ChargeState::Requested;
                match (closing || authorised, authorise) {
                    (true, _) => self.reports(0, |_| Report::Voided),
                    (_, true) => self.take(&Turn::Authorise(0, 5, false)),
                    _ => self.take(&Turn::Pay(0)),
                }
            } else if account.charges.values().any(|charge| charge.disputed > 0) {
                self.decided(0, true);
            } else if let Some((&refund, _)) =
                account.refunds.iter().find(|(_, refund)| refund.state == RefundState::Pending)
            {
                self.does(Happening::RefundReported { refund, succeeded: true });
            } else if let Some((&charge, _)) = account.charges.iter().find(|(_, charge)| charge.refund_failed)
            {
                self.does(Happening::RefundsResumed { charge });
            } else if let Some((&shipment, found)) = account
                .shipments
                .iter()
                .find(|(_, shipment)| matches!(shipment.state, ShipmentState::Waiting | ShipmentState::Paid))
            {
                // One that a lost dispute has stopped is not sent.
                match found.state {
                    ShipmentState::Paid => self.does(Happening::ShipmentLeft { shipment }),
                    _ => self.does(Happening::ShipmentDropped { shipment }),
                }
            } else if let Some((&line, money)) = account.lines.iter().find(|(_, line)| line.open > 0) {
                let units = money.open;
                if money.stopped {
                    self.does(Happening::UnitsCancelled { line, units });
                } else {
                    let shipment = account.shipments.keys().max().map_or(1, |last| last + 1);
                    self.does(Happening::ShipmentReady { shipment, parts: vec![(line, units)] });
                }
            } else {
                return;
            }
        }
        panic!("the order never ends: {:?}", self.story.account);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_cent_is_earned_or_owed(
        lines in order(), turns in prop::collection::vec(turn(), 0..40), capture_early in any::<bool>()
    ) {
        let mut story = Story::new(lines);
        if capture_early {
            story.settings.on_expiring = OnExpiring::Capture;
        }
        let opened = story.said.clone();
        let mut play = Play { story, judge: Judge::default() };
        play.judge.hear(&Account::new(play.story.account.currency), &opened);
        for turn in &turns {
            play.take(turn);
        }
        play.end();
        let account = &play.story.account;
        // At the end nothing is owed, and what came less what went is what left, to the cent.
        prop_assert_eq!(account.prepayment(), 0);
        let lost: i64 = account.lines.values().map(|line| line.conceded + line.receivable).sum();
        prop_assert_eq!(play.judge.came - play.judge.went, play.judge.shipped - i128::from(lost));
        for line in account.lines.values() {
            prop_assert_eq!(line.shipped + line.cancelled, line.ordered);
        }
    }

    /// With time alone something always changes when it is due, and in the end nothing is due any more.
    #[test]
    fn what_is_due_by_time_comes_to_an_end(
        lines in order(), turns in prop::collection::vec(turn(), 0..25)
    ) {
        let mut story = Story::new(lines);
        let opened = story.said.clone();
        story.settings.retry_after_s = vec![DAY, DAY, DAY];
        let mut play = Play { story, judge: Judge::default() };
        play.judge.hear(&Account::new(play.story.account.currency), &opened);
        for turn in &turns {
            play.take(turn);
        }
        let mut ticks = 0;
        while let Some(due) = next_due(&play.story.account, &play.story.settings) {
            let before = play.story.said.len();
            play.story.now = due.max(play.story.now);
            play.does(Happening::TimePassed);
            prop_assert!(play.story.said.len() > before, "nothing was done at {}", due);
            // Nobody answers but to say no.
            let asked: Vec<(u32, u16)> = play.story.account.charges.iter()
                .filter(|(_, charge)| charge.state == ChargeState::Requested)
                .map(|(number, charge)| (*number, charge.attempt)).collect();
            for (charge, attempt) in asked {
                play.does(Happening::Reported { charge, attempt, report: Report::Declined { may_retry: true } });
            }
            ticks += 1;
            prop_assert!(ticks < 400, "time never comes to an end");
        }
    }
}
