//! What people at the shop do with the money of an order: move it themselves, or ask the provider to.

use model::{
    command::{Pay, PayKind},
    order::Order,
    refusal::{FieldError, Refusal, RefusalCode, Rejection},
    time::Timestamp,
};
use obligation::payment::{Account, ChargeKind, ChargeState, Happening, RefundState, Report};
use serde_json::json;

use super::{book::Book, fresh};
use crate::{
    after::Course,
    answer::{Answer, Failure},
    execute::Outcome,
    working::Working,
};

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
    if let Some(provider) = &wish.provider
        && wish.kind != PayKind::Record
        && *provider != book.kept.provider
    {
        let detail = format!("this order's money is moved by {}", book.kept.provider);
        return Err(Rejection::field("/provider", "other_provider", detail));
    }
    if !book.kept.is_manual() && wish.kind != PayKind::Record {
        return through_provider(book, now, wish, amount);
    }
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

/// Asks the provider: an errand carries it, and its word comes later.
fn through_provider(
    book: &mut Book,
    now: Timestamp,
    wish: &Pay,
    amount: Option<i64>,
) -> Result<(), Rejection> {
    match wish.kind {
        PayKind::Charge => book
            .happen(now, &Happening::ChargeAsked { line: wish.line, amount })
            .map_err(|refusal| said(&refusal)),
        PayKind::Capture => {
            let charge = set_aside(book, wish.charge)?;
            book.happen(now, &Happening::CaptureAsked { charge, amount }).map_err(|refusal| said(&refusal))
        }
        PayKind::Refund => {
            let charges = book.kept.account.charges.iter();
            let failed: Vec<u32> =
                charges.filter(|(_, charge)| charge.refund_failed).map(|(number, _)| *number).collect();
            for &charge in &failed {
                book.happen(now, &Happening::RefundsResumed { charge }).map_err(|refusal| said(&refusal))?;
            }
            if failed.is_empty() || amount.is_some() { refund(book, now, wish, amount) } else { Ok(()) }
        }
        PayKind::Authorise | PayKind::Record => {
            let detail = format!("with {}, the customer sets money aside", book.kept.provider);
            Err(Refusal::new(RefusalCode::Contradiction, detail).into())
        }
    }
}

/// The charge whose money is set aside.
fn set_aside(book: &Book, which: Option<u32>) -> Result<u32, Rejection> {
    let charges = book.kept.account.charges.iter();
    let mut set_aside = charges.filter(|(number, charge)| {
        which.is_none_or(|which| which == **number) && matches!(charge.state, ChargeState::Authorised { .. })
    });
    let nothing = || Refusal::new(RefusalCode::NothingToCapture, "nothing is set aside for this order");
    set_aside.next().map(|(number, _)| *number).ok_or_else(|| nothing().into())
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
    let charge = set_aside(book, wish.charge)?;
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
    // What the provider sends back, the provider reports.
    let manual = book.kept.is_manual();
    let pending = |account: &Account| -> Vec<(u32, i64)> {
        let refunds = account.refunds.iter();
        let pending =
            refunds.filter(|(_, refund)| refund.state == RefundState::Pending && (manual || refund.by_hand));
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
    let mut left = if manual { amount } else { amount.min(due) };
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
pub(super) fn said(refusal: &obligation::payment::Refusal) -> Rejection {
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
