//! The money of orders: accounts are opened, follow what becomes of the goods, and are settled by hand or by a provider.
//!
//! Rules stand in [`obligation::payment`]. Here each happening is decided on the stored account, its entries applied, what the
//! manual provider would say answered at once, and the whole written down as events that carry the account.

use std::collections::BTreeMap;

use ledger::{Read, RecordFilter, Shelf};
use model::{
    Units,
    command::{CancelOrder, Pay, PayKind},
    event::{Event, Noted, Shipped},
    id::{LineId, OrderId, TenantId},
    money::Money,
    order::{Order, ShipChoice},
    record::{Json, Record},
    refusal::{FieldError, Refusal, RefusalCode, Rejection},
    time::{Timestamp, Zone, days_after, local_date, seconds_after},
};
use obligation::payment::{
    Account, Because, ChargeKind, ChargeState, Entry, Happening, RefundState, Report, Settings,
    ShipmentState, decide,
    kept::{ACCOUNT, Kept, MANUAL, Terms, terms},
    next_due,
};
use serde_json::{Value, json};

use crate::{
    after::{Course, follow},
    answer::{Answer, Failure},
    execute::Outcome,
    working::Working,
};

/// Days within which money that is due back goes back: no law's time is shorter (16 CFR 435.2(c) gives seven working days).
const REFUND_DAYS: u16 = 7;
/// When an account is looked at again of which time alone could not settle what was due.
const AGAIN_S: i64 = 3_600;

/// Whether a tenant has any account, so that nothing is looked for where nobody keeps any.
pub(crate) fn has_any(store: &mut (impl Read + ?Sized), tenant: &TenantId) -> Result<bool, Failure> {
    let first = store.record_page(tenant, Shelf::Ledger, ACCOUNT, &RecordFilter::default(), (None, 1))?;
    Ok(!first.is_empty())
}

/// What was paid for units of these lines that have not left, in minor units; lines without an account are left out.
///
/// The lines stand in the order of their ids.
pub(crate) fn paid_ahead(
    working: &mut Working<'_>,
    lines: &[LineId],
) -> Result<BTreeMap<LineId, i64>, Failure> {
    const PAGE: usize = 500;
    let mut paid = BTreeMap::new();
    if !working.state.has_accounts {
        return Ok(paid);
    }
    let of_orders: Vec<&[LineId]> = lines.chunk_by(|a, b| a.order == b.order).collect();
    for page in of_orders.chunks(PAGE) {
        let ids: Vec<String> = page.iter().map(|lines| lines[0].order.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let tenant = working.tenant;
        let records = working.store()?.records(tenant, Shelf::Ledger, ACCOUNT, &ids)?;
        let records: BTreeMap<&str, &Record> = records.iter().map(|record| (&*record.id, record)).collect();
        for (lines, id) in page.iter().zip(ids) {
            let Some(kept) = records.get(id).map(|record| record.read::<Kept>()).transpose()?.flatten()
            else {
                continue;
            };
            paid.extend(lines.iter().map(|line| (*line, kept.account.prepayment_of(line.no))));
        }
    }
    Ok(paid)
}

/// Whether the policies of an order's lines ask for an account.
pub(crate) fn is_asked_for(
    working: &Working<'_>,
    channel: &model::id::Channel,
    skus: &[&model::id::Sku],
) -> bool {
    skus.iter().any(|sku| {
        working.pool(sku).is_some_and(|pool| {
            let set = pool.policy_set(channel).or_else(|| pool.policy_set(&model::id::Channel::default()));
            set.is_some_and(|policy| policy.payment.is_some())
        })
    })
}

/// Opens the account of an order that was placed, and asks for what is due at once.
pub(crate) fn open(working: &mut Working<'_>, course: &mut Course, order: OrderId) -> Result<(), Failure> {
    let Some(order) = working.shop().orders.get(&order).cloned() else { return Ok(()) };
    let Ok(kept) = fresh(working, &order) else { return Ok(()) };
    let Some((kept, lines)) = kept else { return Ok(()) };
    working.state.has_accounts = true;
    let data = json!({ "provider": &kept.provider });
    let mut book = Book::of(working, order.id, kept);
    book.opened = Some(data);
    match book.happen(course.now, &Happening::Ordered { lines }) {
        Ok(()) => book.write(working, course),
        // A sum beyond all numbers: the order stands, on an invoice that nobody can add up.
        Err(_) => Ok(()),
    }
}

/// An empty account of an order and the lines it is to have; `None`: no line has a price.
fn fresh(
    working: &Working<'_>,
    order: &Order,
) -> Result<Option<(Kept, Vec<obligation::payment::NewLine>)>, obligation::payment::kept::NoAccount> {
    let Terms { currency, provider, lines } = terms(order, |sku| working.pool(sku))?;
    Ok(currency.map(|currency| (Kept { provider, account: Account::new(currency) }, lines)))
}

/// An account in hand: what happened to it since it was read.
struct Book {
    order: OrderId,
    kept: Kept,
    settings: Settings,
    entries: Vec<Entry>,
    opened: Option<Value>,
}

impl Book {
    /// Balances are due on the days of the shop's first location.
    fn of(working: &Working<'_>, order: OrderId, kept: Kept) -> Self {
        let first = working.shop().locations.values().next();
        let zone = first.map_or_else(Zone::utc, |location| location.time_zone.clone());
        let settings = Settings { zone, ..Settings::default() };
        Self { order, kept, settings, entries: Vec::new(), opened: None }
    }

    /// Reads an order's account; `None`: it has none.
    fn read(working: &mut Working<'_>, order: OrderId) -> Result<Option<Self>, Failure> {
        if !working.state.has_accounts {
            return Ok(None);
        }
        let Some(record) = working.record(ACCOUNT, &order.to_string())? else { return Ok(None) };
        Ok(record.read::<Kept>()?.map(|kept| Self::of(working, order, kept)))
    }

    /// Lets something happen, and everything that the manual provider answers to it.
    fn happen(&mut self, now: Timestamp, happening: &Happening) -> Result<(), obligation::payment::Refusal> {
        // On a copy: what is refused half-way leaves nothing.
        let mut account = self.kept.account.clone();
        let mut entries = Vec::new();
        let mut answers = vec![happening.clone()];
        while let Some(next) = answers.pop() {
            for entry in decide(&account, &next, &self.settings, now)? {
                account.apply(&entry);
                if *self.kept.provider == *MANUAL {
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
    fn write(self, working: &mut Working<'_>, course: &mut Course) -> Result<(), Failure> {
        if self.entries.is_empty() && self.opened.is_none() {
            return Ok(());
        }
        let unpaid = self.unpaid();
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
        }
        working.apply(course.now, events)?;
        call_off(working, course, self.order, unpaid)
    }

    /// Units that were not paid in time: whoever waits for them gives up the place.
    fn unpaid(&self) -> Vec<(u16, Units)> {
        let unpaid = self.entries.iter().filter_map(|entry| match entry {
            Entry::UnitsCancelled { line, units, because: Because::Unpaid, .. } => Some((*line, *units)),
            _ => None,
        });
        unpaid.collect()
    }

    fn record(&self, now: Timestamp) -> Result<Record, Failure> {
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
    if account.refunds.values().any(|refund| refund.state == RefundState::Pending)
        || account.lines.values().any(|line| line.refund_due > 0)
    {
        "refund_due"
    } else if account.charges.values().any(is_failed) {
        "payment_due"
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

/// Calls off units that were not paid: the account knows already.
fn call_off(
    working: &mut Working<'_>,
    course: &mut Course,
    order: OrderId,
    unpaid: Vec<(u16, Units)>,
) -> Result<(), Failure> {
    if unpaid.is_empty() {
        return Ok(());
    }
    working.load_orders(&[order])?;
    let lines = unpaid.into_iter().map(|(no, units)| (LineId { order, no }, Some(units))).collect();
    let wish = CancelOrder {
        order,
        lines,
        reason: Some("not paid in time".into()),
        placed_by: None,
        by_customer: false,
    };
    let events = match promise::cancel_order(course.next(working), &wish) {
        Ok(events) => events,
        Err(rejection) => {
            // Nothing unpaid is handed over, so nobody can have it; if somebody has, the account says what is owed.
            tracing::error!(%order, ?rejection, "units that were not paid cannot be called off");
            return Ok(());
        }
    };
    working.state.paying = true;
    let done = follow(working, course, &events);
    working.state.paying = false;
    done
}

/// What cancelled units mean for the money.
pub(crate) fn cancelled(
    working: &mut Working<'_>,
    course: &mut Course,
    events: &[Event],
) -> Result<(), Failure> {
    if !working.state.has_accounts || working.state.paying {
        return Ok(());
    }
    for event in events {
        let Event::LineCancelled(cancelled) = event else { continue };
        let Some(mut book) = Book::read(working, cancelled.line.order)? else { continue };
        let happening = Happening::UnitsCancelled { line: cancelled.line.no, units: cancelled.quantity };
        if book.happen(course.now, &happening).is_ok() {
            book.write(working, course)?;
        }
    }
    Ok(())
}

/// Balances that are counted from the promised date move with it.
pub(crate) fn promises_moved(
    working: &mut Working<'_>,
    course: &mut Course,
    events: &[Event],
) -> Result<(), Failure> {
    if !working.state.has_accounts {
        return Ok(());
    }
    for event in events {
        let Event::PromiseGiven(given) = event else { continue };
        let Some(mut book) = Book::read(working, given.order)? else { continue };
        let mut moved = false;
        for promised in &given.promises {
            let ship_by = promised.promise.ship_by.promised;
            let line = book.kept.account.lines.get(&promised.line);
            // Others are due at once or with the goods.
            if line.is_none_or(|line| line.plan.balance_on(ship_by) == line.plan.balance_on(line.ship_by)) {
                continue;
            }
            let happening = Happening::PromiseMoved { line: promised.line, ship_by };
            moved |= book.happen(course.now, &happening).is_ok();
        }
        if moved {
            book.write(working, course)?;
        }
    }
    Ok(())
}

/// Of lines that could be handed over, those that are paid, or left on an invoice; what is due when goods ship is asked for
/// where it is not paid.
pub(crate) fn paid(
    working: &mut Working<'_>,
    course: &mut Course,
    lines: &[LineId],
) -> Result<Vec<LineId>, Failure> {
    if !working.state.has_accounts {
        return Ok(lines.to_vec());
    }
    let mut paid = Vec::with_capacity(lines.len());
    let mut at = 0;
    while at < lines.len() {
        let order = lines[at].order;
        let end = lines[at..].iter().position(|line| line.order != order).map_or(lines.len(), |n| at + n);
        let named = &lines[at..end];
        at = end;
        let Some(mut book) = Book::read(working, order)? else {
            paid.extend(named);
            continue;
        };
        let is_paid = |account: &Account, no: u16| {
            account.lines.get(&no).is_none_or(|line| {
                line.plan == obligation::payment::Plan::None || line.prepaid >= line.price * line.open
            })
        };
        let is_complete =
            working.shop().orders.get(&order).is_some_and(|order| order.ship == ShipChoice::Complete);
        let account = &book.kept.account;
        let ready: Vec<LineId> = named.iter().copied().filter(|line| is_paid(account, line.no)).collect();
        let whole = !is_complete || account.lines.keys().all(|no| is_paid(account, *no));
        let unpaid: Vec<u16> = named.iter().map(|line| line.no).filter(|no| !is_paid(account, *no)).collect();
        if whole {
            paid.extend(ready);
        }
        for no in unpaid {
            // Refused where it is asked for, set aside or stopped already: then somebody is at it.
            let _ = book.happen(course.now, &Happening::ChargeAsked { line: Some(no), amount: None });
        }
        book.write(working, course)?;
    }
    Ok(paid)
}

/// Goods that leave: what was paid for them is earned. `Ok(Err(_))`: they are not paid, and must not leave.
pub(crate) fn shipped(
    working: &mut Working<'_>,
    course: &mut Course,
    shipped: &Shipped,
) -> Result<Result<Option<Leaving>, Rejection>, Failure> {
    let Some(mut book) = Book::read(working, shipped.order)? else { return Ok(Ok(None)) };
    let shipment = book.kept.account.shipments.keys().last().map_or(1, |last| last + 1);
    let parts = shipped.lines.iter().map(|line| (line.line, line.quantity)).collect();
    let ready = book.happen(course.now, &Happening::ShipmentReady { shipment, parts });
    let is_paid = book
        .kept
        .account
        .shipments
        .get(&shipment)
        .is_some_and(|shipment| shipment.state == ShipmentState::Paid);
    if let Err(refusal) = ready {
        return Ok(Err(said(&refusal)));
    }
    if !is_paid {
        let detail =
            format!("units of {} are not paid: ask for the money, or write down what came", shipped.order);
        return Ok(Err(Refusal::new(RefusalCode::PaymentDue, detail).into()));
    }
    match book.happen(course.now, &Happening::ShipmentLeft { shipment }) {
        Ok(()) => Ok(Ok(Some(Leaving(book)))),
        Err(refusal) => Ok(Err(said(&refusal))),
    }
}

/// An account of which goods leave, to be written when they do.
pub(crate) struct Leaving(Book);

impl Leaving {
    pub(crate) fn write(self, working: &mut Working<'_>, course: &mut Course) -> Result<(), Failure> {
        self.0.write(working, course)
    }
}

/// An account at which time alone has something to do.
pub(crate) fn time_passed(
    working: &mut Working<'_>,
    course: &mut Course,
    record: &Record,
) -> Result<(), Failure> {
    let Ok(order) = record.id.parse::<OrderId>() else {
        return Err(Failure::Defect(format!("{} is no order", record.id).into()));
    };
    let Some(mut book) = Book::read(working, order)? else { return Ok(()) };
    if book.happen(course.now, &Happening::TimePassed).is_err() || book.entries.is_empty() {
        let record = book.record(course.now)?;
        let data = Json::of(&json!({}))?;
        let noted = Noted { sku: None, order: Some(order), data, records: vec![record] };
        return working.apply(course.now, vec![Event::RecordsSet(noted)]);
    }
    book.write(working, course)
}

/// Moves money, or writes down what was moved.
pub(crate) fn pay(working: &mut Working<'_>, course: &mut Course, wish: &Pay) -> Outcome {
    working.load_orders(&[wish.order])?;
    let Some(order) = working.shop().orders.get(&wish.order).cloned() else {
        return Ok(Err(Rejection::not_found("order", wish.order)));
    };
    if let Some(line) = wish.line.filter(|line| order.line(*line).is_none()) {
        let detail = format!("{} has no line {line}", wish.order);
        return Ok(Err(Rejection::field("/line", "unknown_line", detail)));
    }
    let book = match Book::read(working, wish.order)? {
        Some(book) => book,
        None => match opened_late(working, course, &order)? {
            Ok(book) => book,
            Err(rejection) => return Ok(Err(rejection)),
        },
    };
    let mut book = book;
    if let Some(amount) = &wish.amount
        && amount.currency != book.kept.account.currency
    {
        let detail = format!("the order is in {}", book.kept.account.currency.code());
        return Ok(Err(Rejection::field("/amount/currency", "other_currency", detail)));
    }
    if let Err(rejection) = paid_by_hand(&mut book, course.now, wish) {
        return Ok(Err(rejection));
    }
    let kept = book.kept.clone();
    book.write(working, course)?;
    // What was not paid in time may have been called off with it.
    let kept = Book::read(working, wish.order)?.map_or(kept, |book| book.kept);
    Ok(Ok(Answer::Paid(Box::new(kept))))
}

/// The account of an order that was placed without terms: everything on an invoice.
fn opened_late(
    working: &mut Working<'_>,
    course: &Course,
    order: &Order,
) -> Result<Result<Book, Rejection>, Failure> {
    let (kept, mut lines) = match fresh(working, order) {
        Ok(Some(fresh)) => fresh,
        Ok(None) => return Ok(Err(Rejection::not_found("account of", order.id))),
        Err(why) => {
            let errors = vec![FieldError::new("", "no_price", why.to_string())];
            return Ok(Err(Rejection::Invalid(errors)));
        }
    };
    working.state.has_accounts = true;
    lines.iter_mut().for_each(|line| line.plan = obligation::payment::Plan::None);
    let mut book = Book::of(working, order.id, kept);
    book.opened = Some(json!({ "provider": &book.kept.provider }));
    let mut happenings = vec![Happening::Ordered { lines }];
    let mut gone = Vec::new();
    for line in &order.lines {
        if line.cancelled > 0 {
            happenings.push(Happening::UnitsCancelled { line: line.no, units: line.cancelled });
        }
        if line.shipped > 0 {
            gone.push((line.no, line.shipped));
        }
    }
    if !gone.is_empty() {
        happenings.push(Happening::ShipmentReady { shipment: 1, parts: gone });
        happenings.push(Happening::ShipmentLeft { shipment: 1 });
    }
    for happening in &happenings {
        if let Err(refusal) = book.happen(course.now, happening) {
            return Ok(Err(said(&refusal)));
        }
    }
    Ok(Ok(book))
}

fn paid_by_hand(book: &mut Book, now: Timestamp, wish: &Pay) -> Result<(), Rejection> {
    let amount = wish.amount.as_ref().map(|amount| amount.amount);
    let needed = || Rejection::field("/amount", "required", "say how much");
    match wish.kind {
        PayKind::Record => {
            let amount = amount.ok_or_else(needed)?;
            book.happen(now, &Happening::Recorded { line: wish.line, amount }).map_err(|no| said(&no))
        }
        PayKind::Charge => charge(book, now, wish, amount),
        PayKind::Authorise => {
            let Some(capture_before) = wish.capture_before else {
                let detail = "say until when it may be captured, as the provider does";
                return Err(Rejection::field("/capture_before", "required", detail));
            };
            let (charge, asked, attempt) =
                waiting(book, ChargeKind::Authorise, wish.charge).ok_or_else(|| {
                    Rejection::from(Refusal::new(
                        RefusalCode::Contradiction,
                        "nothing is to be set aside for this order",
                    ))
                })?;
            let report =
                Report::Authorised { amount: amount.unwrap_or(asked), capture_before, multicapture: true };
            book.happen(now, &Happening::Reported { charge, attempt, report }).map_err(|no| said(&no))
        }
        PayKind::Capture => capture(book, now, wish, amount),
        PayKind::Refund => refund(book, now, wish, amount),
    }
}

/// A charge that waits for the customer, with what it asks for and its last try.
fn waiting(book: &Book, kind: ChargeKind, which: Option<u32>) -> Option<(u32, i64, u16)> {
    let charges = book.kept.account.charges.iter();
    let mut fits = charges.filter(|(number, charge)| {
        which.is_none_or(|which| which == **number)
            && charge.kind == kind
            && matches!(charge.state, ChargeState::NeedsCustomer { .. } | ChargeState::Requested)
    });
    fits.next().map(|(number, charge)| (*number, charge.asked(), charge.attempt))
}

/// Money that was taken: for what was asked for, else for what is asked for by this.
fn charge(book: &mut Book, now: Timestamp, wish: &Pay, amount: Option<i64>) -> Result<(), Rejection> {
    let found = waiting(book, ChargeKind::Charge, wish.charge);
    let found = found.filter(|(_, asked, _)| amount.is_none_or(|amount| amount <= *asked));
    let (charge, asked, attempt) = match found {
        Some(found) => found,
        None => {
            let ask = Happening::ChargeAsked { line: wish.line, amount };
            book.happen(now, &ask).map_err(|no| said(&no))?;
            let last = book.kept.account.charges.iter().next_back();
            let Some((number, charge)) = last else { return Ok(()) };
            (*number, charge.asked(), charge.attempt)
        }
    };
    let report = Report::Captured { amount: amount.unwrap_or(asked) };
    book.happen(now, &Happening::Reported { charge, attempt, report }).map_err(|no| said(&no))
}

fn capture(book: &mut Book, now: Timestamp, wish: &Pay, amount: Option<i64>) -> Result<(), Rejection> {
    let charges = book.kept.account.charges.iter();
    let mut set_aside = charges.filter(|(number, charge)| {
        wish.charge.is_none_or(|which| which == **number)
            && matches!(charge.state, ChargeState::Authorised { .. })
    });
    let Some((&charge, _)) = set_aside.next() else {
        return Err(Refusal::new(RefusalCode::NothingToCapture, "nothing is set aside for this order").into());
    };
    book.happen(now, &Happening::CaptureAsked { charge, amount }).map_err(|no| said(&no))?;
    let captured = book.kept.account.charges.get(&charge).and_then(|charge| match &charge.state {
        ChargeState::Capturing { parts, .. } => {
            Some((charge.attempt, parts.iter().map(|(_, amount)| amount).sum()))
        }
        _ => None,
    });
    let Some((attempt, amount)) = captured else { return Ok(()) };
    let report = Report::Captured { amount };
    book.happen(now, &Happening::Reported { charge, attempt, report }).map_err(|no| said(&no))
}

/// Money that went back: what is on its way first, then out of what goods that left were paid with.
fn refund(book: &mut Book, now: Timestamp, wish: &Pay, amount: Option<i64>) -> Result<(), Rejection> {
    let pending = |account: &Account| -> Vec<(u32, i64)> {
        let refunds = account.refunds.iter();
        let pending = refunds.filter(|(_, refund)| refund.state == RefundState::Pending);
        pending.map(|(number, refund)| (*number, refund.amount())).collect()
    };
    let due: i64 = pending(&book.kept.account).iter().map(|(_, amount)| amount).sum();
    let amount = amount.unwrap_or(due);
    if amount < 1 {
        let detail = "nothing is due back: say how much, and for which line";
        return Err(Refusal::new(RefusalCode::MoreThanEarned, detail).into());
    }
    if amount > due {
        // A favour: for goods that left.
        let mut left = amount - due;
        let lines: Vec<u16> = book.kept.account.lines.keys().copied().collect();
        for line in lines.into_iter().filter(|line| wish.line.is_none_or(|wanted| wanted == *line)) {
            let earned = i64::try_from(earned_of(&book.kept.account, line)).unwrap_or(i64::MAX);
            let part = earned.min(left);
            if part > 0 {
                book.happen(now, &Happening::RefundAsked { line, amount: part }).map_err(|no| said(&no))?;
                left -= part;
            }
        }
        if left > 0 {
            let detail = format!("{} can go back, not {amount}", amount - left);
            return Err(Refusal::new(RefusalCode::MoreThanEarned, detail).into());
        }
    }
    let mut left = amount;
    for (refund, sum) in pending(&book.kept.account) {
        if sum <= left {
            book.happen(now, &Happening::RefundReported { refund, succeeded: true })
                .map_err(|no| said(&no))?;
            left -= sum;
        }
    }
    if left > 0 {
        let sums: Vec<String> = pending(&book.kept.account).iter().map(|(_, sum)| sum.to_string()).collect();
        let detail =
            format!("refunds of {} are on their way: say one of these, or their sum", sums.join(" and "));
        return Err(Refusal::new(RefusalCode::OtherAmount, detail).into());
    }
    Ok(())
}

fn earned_of(account: &Account, line: u16) -> i128 {
    let Some(money) = account.lines.get(&line) else { return 0 };
    i128::from(money.price) * i128::from(money.shipped) - i128::from(money.receivable + money.conceded)
}

/// A refusal as everybody else's.
fn said(refusal: &obligation::payment::Refusal) -> Rejection {
    let code = match refusal.code() {
        "over_capture" => RefusalCode::OverCapture,
        "other_amount" => RefusalCode::OtherAmount,
        "nothing_to_capture" => RefusalCode::NothingToCapture,
        "more_than_owed" => RefusalCode::MoreThanOwed,
        "more_than_earned" => RefusalCode::MoreThanEarned,
        "under_way" => RefusalCode::UnderWay,
        "set_aside" => RefusalCode::SetAside,
        "bad_number" | "too_large" => {
            return Rejection::field("/amount", "out_of_range", refusal.to_string());
        }
        _ => RefusalCode::Contradiction,
    };
    Refusal::new(code, refusal.to_string()).into()
}
