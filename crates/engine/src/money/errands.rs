//! Errands to a provider of payments: written down with what needs them, taken by a worker, dropped with what came of them.
//!
//! An errand is a private record; its id is the key under which the provider is asked. A worker that died over one leaves it
//! to the next, who asks again under the same key. What the provider names things is kept for each order (`payer`), and
//! found by those names (`pay_object`). What it tells by itself is never believed: it is asked, by an errand that looks.

use std::sync::Arc;

use ledger::Shelf;
use model::{
    errand::{ANOTHER_METHOD, About, Errand, ErrandWish, Heard, Known, Manner, Payer, What, Word},
    id::OrderId,
    money::Money,
    record::Record,
    time::{Timestamp, seconds_after},
};
use obligation::payment::{
    ChargeKind, ChargeState, Entry, Happening, RefundState, Report, idempotency_key, is_capture_needless,
    is_needless, kept::Kept,
};
use serde::{Deserialize, Serialize};

use super::{book::Book, method};
use crate::{
    after::Course,
    answer::{Answer, Failure},
    execute::Outcome,
    working::Working,
};

/// The kind of the private records that say what the provider knows of an order, under the order's id.
pub const PAYER: &str = "payer";
/// The kind of the private records by which a charge is found by the provider's name.
const OBJECT: &str = "pay_object";

/// Where an errand stands, as the state of its record.
pub mod errand_state {
    /// To be carried when it is due.
    pub const ASKED: &str = "asked";
    /// Somebody carries it; when it is due, that somebody has died over it.
    pub const CLAIMED: &str = "claimed";
    /// The provider will not do it, or its word makes no sense: somebody must look at it.
    pub const FAILED: &str = "failed";
}

/// After how long the provider is asked again where nobody knows, in seconds; the last one ever after.
const AGAIN_S: [i64; 6] = [30, 120, 600, 3_600, 14_400, 43_200];
/// After how long a charge is looked at again that may change by itself, in seconds; the last one ever after.
const LOOK_S: [i64; 6] = [60, 300, 1_800, 7_200, 21_600, 43_200];
/// For how long an authorisation counts of which nobody says when it ends: so it is let go soon.
const UNTOLD_S: i64 = 3_600;
/// Most refunds of one charge that are looked at together.
const REFUNDS_MAX: usize = 100;

/// The kind of the private records that are errands to a provider.
pub fn errands_to(provider: &str) -> String {
    format!("errand_{provider}")
}

/// Which charge an object of the provider's is.
#[derive(Serialize, Deserialize)]
struct Object {
    order: OrderId,
    charge: u32,
}

/// The errands that entries ask for, as records that are due at once.
pub(super) fn of_entries(
    order: OrderId,
    kept: &Kept,
    entries: &[Entry],
    now: Timestamp,
) -> Result<Vec<Record>, Failure> {
    let sum = |parts: &[(u16, i64)]| parts.iter().map(|(_, amount)| amount).sum::<i64>();
    let mut records = Vec::new();
    for entry in entries {
        let (key, charge, refund, attempt, what, amount) = match entry {
            Entry::ChargeRequested { charge, kind, parts, off_session, saves, .. } => {
                let manner = Manner { away: *off_session, saves: *saves };
                let what = match kind {
                    ChargeKind::Setup => What::Save,
                    ChargeKind::Charge => What::Charge(manner),
                    ChargeKind::Authorise => What::Authorise(manner),
                    ChargeKind::Recorded => continue,
                };
                ("charge", *charge, None, 1, what, sum(parts))
            }
            Entry::RetryRequested { charge, attempt } => {
                let asked = kept.account.charges.get(charge).map_or(0, obligation::payment::Charge::asked);
                ("charge", *charge, None, *attempt, What::Retry, asked)
            }
            Entry::CaptureRequested { charge, parts, attempt, .. } => {
                ("capture", *charge, None, *attempt, What::Capture, sum(parts))
            }
            Entry::VoidRequested { charge } => {
                let attempt = kept.account.charges.get(charge).map_or(1, |charge| charge.attempt);
                ("void", *charge, None, attempt, What::Void, 0)
            }
            Entry::RefundRequested { refund, charge, parts, by_hand: false } => {
                ("refund", *charge, Some(*refund), 1, What::Refund, sum(parts))
            }
            _ => continue,
        };
        let errand = Errand {
            order,
            charge,
            refund,
            attempt,
            what,
            amount: Money::new(amount, kept.account.currency),
            asked_at: now,
            carried_at: None,
            tries: 0,
            needless: false,
            code: None,
        };
        let key = idempotency_key(&order.to_string(), key, refund.unwrap_or(charge), attempt);
        records.push(record(&kept.provider, &key, &errand, errand_state::ASKED, Some(now))?);
    }
    Ok(records)
}

fn record(
    provider: &str,
    key: &str,
    errand: &Errand,
    state: &str,
    due: Option<Timestamp>,
) -> Result<Record, Failure> {
    Ok(Record {
        owner: errand.order.to_string().into(),
        state: state.into(),
        due,
        ..Record::new(&errands_to(provider), key, errand)?
    })
}

/// Decides a wish about errands.
pub(crate) fn decide(working: &mut Working<'_>, course: &mut Course, wish: &ErrandWish) -> Outcome {
    match wish {
        ErrandWish::Claim { provider, errands, until } => claim(working, course, provider, errands, *until),
        ErrandWish::Done { provider, heard } => {
            for (key, heard) in heard {
                done(working, course, provider, key, heard)?;
            }
            Ok(Ok(Answer::Done))
        }
        ErrandWish::Told { provider, about } => told(working, course, provider, about),
    }
}

/// Takes errands that are due. One that was never carried and is not needed any more is dropped instead.
fn claim(
    working: &mut Working<'_>,
    course: &mut Course,
    provider: &str,
    keys: &[Arc<str>],
    until: Timestamp,
) -> Outcome {
    let keys: Vec<&str> = keys.iter().map(|key| &**key).collect();
    let tenant = working.tenant;
    let kind = errands_to(provider);
    let found = working.store_of(&kind)?.records(tenant, Shelf::Private, &kind, &keys)?;
    let (mut claimed, now) = (Vec::new(), course.now);
    for found in found.into_iter().filter(|found| found.due.is_some_and(|due| due <= now)) {
        let Some(mut errand) = found.read::<Errand>()? else { continue };
        if errand.what == What::Capture && is_vain(working, &errand)? {
            // Whether it was captured before or not, the provider says to this: what is captured comes back as captured.
            working.put_private([Record::gone(&found.kind, &found.id)]);
            let void = Errand { what: What::Void, carried_at: None, tries: 0, code: None, ..errand.clone() };
            let key = idempotency_key(&errand.order.to_string(), "void", errand.charge, errand.attempt);
            ask(working, provider, &key, &void, now)?;
            continue;
        }
        errand.needless = needless(working, course, &errand)?;
        if errand.needless && errand.tries == 0 {
            drop_errand(working, course, &errand, &found)?;
            continue;
        }
        errand.tries = errand.tries.saturating_add(1);
        errand.carried_at.get_or_insert(now);
        claimed.push(record(provider, &found.id, &errand, errand_state::CLAIMED, Some(until))?);
    }
    working.put_private(claimed.clone());
    Ok(Ok(Answer::Records(claimed)))
}

/// Whether what would be captured was called off meanwhile.
fn is_vain(working: &mut Working<'_>, errand: &Errand) -> Result<bool, Failure> {
    let book = Book::read(working, errand.order)?;
    Ok(book.is_some_and(|book| is_capture_needless(&book.kept.account, errand.charge)))
}

/// Whether what an errand asks for was called off meanwhile.
fn needless(working: &mut Working<'_>, course: &Course, errand: &Errand) -> Result<bool, Failure> {
    if !matches!(errand.what, What::Save | What::Charge(_) | What::Authorise(_) | What::Retry) {
        return Ok(false);
    }
    let book = Book::read(working, errand.order)?;
    Ok(book.is_some_and(|book| is_needless(&book.kept.account, errand.charge, &book.settings, course.now)))
}

/// Drops an errand that nobody needs any more, before the provider hears of it.
fn drop_errand(
    working: &mut Working<'_>,
    course: &mut Course,
    errand: &Errand,
    found: &Record,
) -> Result<(), Failure> {
    working.put_private([Record::gone(&found.kind, &found.id)]);
    let Some(mut book) = Book::read(working, errand.order)? else { return Ok(()) };
    let report = match errand.what {
        // The provider knows the charge, and the customer may be paying it: it is called off there.
        What::Retry => Report::AuthenticationRequired,
        _ => Report::Voided,
    };
    let (charge, attempt) = (errand.charge, errand.attempt);
    match book.happen(course.now, &Happening::Reported { charge, attempt, report }) {
        Ok(()) => book.write(working, course),
        Err(refusal) => {
            tracing::error!(order = %errand.order, charge, %refusal, "a charge that is not needed stays");
            Ok(())
        }
    }
}

/// Records what came of an errand. One that is gone was answered before.
fn done(
    working: &mut Working<'_>,
    course: &mut Course,
    provider: &str,
    key: &str,
    heard: &Heard,
) -> Result<(), Failure> {
    let Some(found) = working.private(&errands_to(provider), key)? else { return Ok(()) };
    let Some(mut errand) = found.read::<Errand>()? else { return Ok(()) };
    let Some(mut book) = Book::read(working, errand.order)? else { return Ok(()) };
    let mut payer = payer(working, errand.order)?;
    remember(working, &errand, heard, &mut payer)?;
    if errand.charge == ANOTHER_METHOD {
        return method::done(working, course, (provider, key), errand, &heard.word);
    }
    let mut word = taken_as(&errand.what, &heard.word);
    if errand.what == What::Look && is_of_before(working, provider, &errand, &book, &word)? {
        word = Word::Pending;
    }
    if let Word::NotNow { code } = word {
        errand.code = Some(code.into());
        return ask(working, provider, key, &errand, again_at(&errand, course.now));
    }
    if let Word::Never { code } = &word {
        return failed(working, provider, key, errand, code);
    }
    let happenings = happenings(&errand, &word, &book, &payer, course.now);
    if let (What::Dispute(dispute), Word::DisputeClosed { .. }) = (&errand.what, &word) {
        payer.disputes.insert(Arc::clone(dispute));
        put_payer(working, errand.order, &payer)?;
    }
    for happening in &happenings {
        if let Err(refusal) = book.happen(course.now, happening) {
            tracing::error!(order = %errand.order, key, %refusal, "a provider's word does not fit the account");
            return failed(working, provider, key, errand, refusal.code());
        }
    }
    // A look or a dispute goes on by itself below; everything else is done.
    working.put_private([Record::gone(&found.kind, key)]);
    let charge = book.kept.account.charges.get(&errand.charge).cloned();
    let refund = errand.refund.and_then(|refund| book.kept.account.refunds.get(&refund).cloned());
    book.write(working, course)?;
    let goes_on = match (&errand.what, &refund) {
        (What::Dispute(_), _) => matches!(word, Word::Disputed { .. } | Word::Pending),
        (_, Some(refund)) => refund.state == RefundState::Pending,
        _ => charge.is_some_and(|charge| charge.state != ChargeState::Done),
    };
    if goes_on {
        look(working, provider, &errand, course.now)?;
    }
    Ok(())
}

/// Whether a failure that was looked at is that of an earlier try, since the next one is still to be carried.
fn is_of_before(
    working: &mut Working<'_>,
    provider: &str,
    errand: &Errand,
    book: &Book,
    word: &Word,
) -> Result<bool, Failure> {
    if !matches!(word, Word::Declined { .. } | Word::NeedsCustomer) {
        return Ok(false);
    }
    let attempt = book.kept.account.charges.get(&errand.charge).map_or(1, |charge| charge.attempt);
    let next = idempotency_key(&errand.order.to_string(), "charge", errand.charge, attempt);
    Ok(working.private(&errands_to(provider), &next)?.is_some())
}

/// What a word means for what was asked: that it will not be done is no reason to stop for most.
fn taken_as(what: &What, word: &Word) -> Word {
    match (what, word) {
        (What::Charge(_) | What::Authorise(_) | What::Retry, Word::Never { .. }) => {
            Word::Declined { may_retry: false }
        }
        (What::Refund, Word::Never { .. }) => Word::RefundFailed,
        (_, word) => word.clone(),
    }
}

fn happenings(errand: &Errand, word: &Word, book: &Book, payer: &Payer, now: Timestamp) -> Vec<Happening> {
    let charge = errand.charge;
    // A look speaks of how things are, so of the last request.
    let now_at = book.kept.account.charges.get(&charge).map_or(1, |charge| charge.attempt);
    let attempt = if errand.what == What::Look { now_at } else { errand.attempt };
    let reported = |report: Report| vec![Happening::Reported { charge, attempt, report }];
    let refunded = |succeeded: bool| -> Vec<Happening> {
        errand.refund.map(|refund| Happening::RefundReported { refund, succeeded }).into_iter().collect()
    };
    match word {
        Word::Saved => reported(Report::MethodSaved),
        Word::Authorised { amount, capture_before } => {
            let untold = seconds_after(now, UNTOLD_S).unwrap_or(now);
            let capture_before = capture_before.unwrap_or(untold);
            reported(Report::Authorised { amount: *amount, capture_before, multicapture: false })
        }
        Word::Captured { amount } => reported(Report::Captured { amount: *amount }),
        Word::Declined { may_retry } => reported(Report::Declined { may_retry: *may_retry }),
        Word::NeedsCustomer => reported(Report::AuthenticationRequired),
        Word::Voided => reported(Report::Voided),
        Word::Refunded => refunded(true),
        Word::RefundFailed => refunded(false),
        Word::Disputed { amount } => vec![Happening::DisputeOpened { charge, amount: *amount }],
        Word::DisputeClosed { amount, won } => {
            let is_known = matches!(&errand.what, What::Dispute(dispute) if payer.disputes.contains(dispute));
            let is_open = book.kept.account.charges.get(&charge).is_some_and(|charge| charge.disputed > 0);
            let opened = Happening::DisputeOpened { charge, amount: *amount };
            let closed = Happening::DisputeClosed { charge, won: *won };
            match (is_known, is_open) {
                (true, _) => Vec::new(),
                (false, true) => vec![closed],
                (false, false) => vec![opened, closed],
            }
        }
        Word::Pending | Word::NotNow { .. } | Word::Never { .. } => Vec::new(),
    }
}

fn failed(
    working: &mut Working<'_>,
    provider: &str,
    key: &str,
    errand: Errand,
    code: &str,
) -> Result<(), Failure> {
    tracing::error!(order = %errand.order, key, code, "a provider will not do what it was asked");
    let errand = Errand { code: Some(code.into()), ..errand };
    working.put_private([record(provider, key, &errand, errand_state::FAILED, None)?]);
    Ok(())
}

/// Puts an errand down, to be carried at a moment.
pub(super) fn ask(
    working: &mut Working<'_>,
    provider: &str,
    key: &str,
    errand: &Errand,
    due: Timestamp,
) -> Result<(), Failure> {
    working.put_private([record(provider, key, errand, errand_state::ASKED, Some(due))?]);
    Ok(())
}

/// When an errand is carried again of which nobody knows what came.
pub(super) fn again_at(errand: &Errand, now: Timestamp) -> Timestamp {
    later(now, &AGAIN_S, errand.tries)
}

fn later(now: Timestamp, steps: &[i64], tries: u32) -> Timestamp {
    let at = usize::try_from(tries).unwrap_or(usize::MAX).saturating_sub(1).min(steps.len() - 1);
    seconds_after(now, steps[at]).unwrap_or(Timestamp::MAX)
}

/// Looks at a charge, a refund or a dispute again later; the longer nothing happened, the later.
pub(super) fn look(
    working: &mut Working<'_>,
    provider: &str,
    errand: &Errand,
    now: Timestamp,
) -> Result<(), Failure> {
    let is_look = matches!(errand.what, What::Look | What::Dispute(_));
    let tries = if is_look { errand.tries } else { 0 };
    let next = looking(errand, tries, now);
    let due = later(now, &LOOK_S, tries.max(1));
    working.put_private([record(provider, &look_key(&next), &next, errand_state::ASKED, Some(due))?]);
    Ok(())
}

fn looking(errand: &Errand, tries: u32, now: Timestamp) -> Errand {
    let what = match &errand.what {
        What::Dispute(dispute) => What::Dispute(Arc::clone(dispute)),
        _ => What::Look,
    };
    Errand {
        what,
        attempt: 1,
        asked_at: now,
        carried_at: None,
        tries,
        needless: false,
        code: None,
        ..errand.clone()
    }
}

fn look_key(errand: &Errand) -> String {
    match (&errand.what, errand.refund) {
        (What::Dispute(dispute), _) => format!("{}:dispute:{dispute}", errand.order),
        (_, Some(refund)) => format!("{}:look_refund:{refund}", errand.order),
        (_, None) => format!("{}:look:{}", errand.order, errand.charge),
    }
}

pub(super) fn payer(working: &mut Working<'_>, order: OrderId) -> Result<Payer, Failure> {
    let found = working.private(PAYER, &order.to_string())?;
    Ok(found.as_ref().map(Record::read).transpose()?.flatten().unwrap_or_default())
}

pub(super) fn put_payer(working: &mut Working<'_>, order: OrderId, payer: &Payer) -> Result<(), Failure> {
    let id = order.to_string();
    working.put_private([Record { owner: id.as_str().into(), ..Record::new(PAYER, &id, payer)? }]);
    Ok(())
}

/// Keeps what the provider named.
fn remember(
    working: &mut Working<'_>,
    errand: &Errand,
    heard: &Heard,
    payer: &mut Payer,
) -> Result<(), Failure> {
    let before = payer.clone();
    let facts = &heard.facts;
    payer.customer = facts.customer.clone().or(payer.customer.take());
    payer.method = facts.method.clone().or(payer.method.take());
    if let Some(known) = &facts.charge {
        let secret = known.secret.clone();
        let earlier = payer.charges.get(&errand.charge).and_then(|earlier| earlier.secret.clone());
        let known = Known { object: Arc::clone(&known.object), secret: secret.or(earlier) };
        let object = Object { order: errand.order, charge: errand.charge };
        let record = Record::new(OBJECT, &known.object, &object)?;
        working.put_private([Record { owner: errand.order.to_string().into(), ..record }]);
        payer.charges.insert(errand.charge, known);
    }
    if let (Some(number), Some(refund)) = (errand.refund, &facts.refund) {
        payer.refunds.insert(number, Arc::clone(refund));
    }
    if *payer != before {
        put_payer(working, errand.order, payer)?;
    }
    Ok(())
}

/// The provider says that something happened: whoever is at it looks.
fn told(working: &mut Working<'_>, course: &Course, provider: &str, about: &About) -> Outcome {
    let (About::Charge(name) | About::Refunds(name) | About::Dispute { charge: name, .. }) = about;
    let object = working.private(OBJECT, name)?;
    let Some(object) = object.as_ref().map(Record::read::<Object>).transpose()?.flatten() else {
        // Not ours: a shop may take money by other ways through the same provider.
        return Ok(Ok(Answer::Done));
    };
    let Some(book) = Book::read(working, object.order)? else { return Ok(Ok(Answer::Done)) };
    let errand = |what: What, refund: Option<u32>| Errand {
        order: object.order,
        charge: object.charge,
        refund,
        attempt: 1,
        what,
        amount: Money::zero(book.kept.account.currency),
        asked_at: course.now,
        carried_at: None,
        tries: 0,
        needless: false,
        code: None,
    };
    let looks: Vec<Errand> = match about {
        About::Charge(_) => vec![errand(What::Look, None)],
        About::Dispute { dispute, .. } => vec![errand(What::Dispute(Arc::clone(dispute)), None)],
        About::Refunds(_) => {
            let known = payer(working, object.order)?.refunds;
            let refunds = book.kept.account.refunds.iter();
            let of = refunds
                .filter(|(number, refund)| refund.charge == object.charge && known.contains_key(number));
            of.take(REFUNDS_MAX).map(|(number, _)| errand(What::Look, Some(*number))).collect()
        }
    };
    for look in looks {
        let key = look_key(&look);
        working.put_private([record(provider, &key, &look, errand_state::ASKED, Some(course.now))?]);
    }
    Ok(Ok(Answer::Done))
}
