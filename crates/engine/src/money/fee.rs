//! Shipping that is charged late: quoted by the address as it is now, and paid before anything is handed over.
//!
//! A fee is one more line of the order's account, of one unit, under a number that no line of an order has. It leaves with the first
//! parcel, and is called off with the order.

use model::{
    Units,
    command::ChargeShipping,
    id::{LineId, OrderId},
    money::Money,
    order::Order,
    refusal::{Refusal, RefusalCode, Rejection},
    state::Shop,
    time::local_date,
};
use obligation::payment::{Account, Happening, NewLine, Plan};

use super::{Book, said};
use crate::{after::Course, answer::Answer, execute::Outcome, working::Working};

/// The first number of a fee: lines of orders have numbers below it.
pub(super) const FEES_FROM: u16 = 10_000;
/// The service whose price is quoted.
const SERVICE: &str = "standard";

/// Whether a line of an account is a fee.
pub(super) fn is_fee(line: u16) -> bool {
    line >= FEES_FROM
}

/// Fees of an account that have not left, each with its one unit.
pub(super) fn open(account: &Account) -> Vec<(u16, Units)> {
    let fees = account.lines.iter().filter(|(no, line)| is_fee(**no) && line.open > 0);
    fees.map(|(no, line)| (*no, line.open)).collect()
}

/// Whether a fee is still to be paid, so that nothing is handed over.
pub(super) fn is_unpaid(account: &Account) -> bool {
    open(account).iter().any(|(no, units)| account.lacks(*no, *units) > 0)
}

/// Asks a customer for the shipping. Asked again after the address changed, the old fee is called off and the new one asked for;
/// asked again without a change, nothing happens.
///
/// Refused: the order has no account; nothing of it is to be sent; some of it is handed over; nobody knows the price.
pub(crate) fn charge(working: &mut Working<'_>, course: &mut Course, wish: &ChargeShipping) -> Outcome {
    working.load_orders(&[wish.order])?;
    let Some(order) = working.shop().orders.get(&wish.order).cloned() else {
        return Ok(Err(Rejection::not_found("order", wish.order)));
    };
    let refused = |code, detail: String| Ok(Err(Refusal::new(code, detail).into()));
    if !order.is_open() {
        return refused(RefusalCode::AlreadyShipped, format!("nothing of {} is still to be sent", order.id));
    }
    if order.lines.iter().any(|line| line.with_fulfilment() > 0) {
        return refused(RefusalCode::Released, format!("{} is being packed: it is too late", order.id));
    }
    let Some(mut book) = Book::read(working, wish.order)? else {
        return Ok(Err(Rejection::not_found("account of", wish.order)));
    };
    let Some(price) = wish.amount.or_else(|| quote(working.shop(), &order)) else {
        let detail = "no price of the shipping to there is known: say how much";
        return Ok(Err(Rejection::field("/amount", "required", detail)));
    };
    if price.currency != book.kept.account.currency {
        let detail = format!("the order is in {}", book.kept.account.currency.code());
        return Ok(Err(Rejection::field("/amount/currency", "other_currency", detail)));
    }
    let before = open(&book.kept.account);
    let same = |no: &u16| book.kept.account.lines.get(no).is_some_and(|line| line.price == price.amount);
    if before.iter().any(|(no, _)| same(no)) {
        return Ok(Ok(Answer::Paid(Box::new(book.kept))));
    }
    for (line, units) in before {
        if let Err(no) = book.happen(course.now, &Happening::UnitsCancelled { line, units }) {
            return Ok(Err(said(&no)));
        }
    }
    let last = book.kept.account.lines.keys().last().copied().filter(|no| is_fee(*no));
    let line = last.map_or(FEES_FROM, |last| last.saturating_add(1));
    let lines = book.kept.account.lines.iter();
    // By invoice where all of the order is.
    let invoiced = lines.filter(|(no, _)| !is_fee(**no)).all(|(_, line)| line.plan == Plan::None);
    let plan = if invoiced { Plan::None } else { Plan::Full };
    let ship_by = Some(local_date(course.now, &book.settings.zone));
    let fee = NewLine { line, price: price.amount, units: 1, plan, ship_by };
    if let Err(no) = book.happen(course.now, &Happening::Ordered { lines: vec![fee] }) {
        return Ok(Err(said(&no)));
    }
    let kept = book.kept.clone();
    book.write(working, course)?;
    Ok(Ok(Answer::Paid(Box::new(kept))))
}

/// What shipping to the order's country costs, from where most of it waits, or the first location.
fn quote(shop: &Shop, order: &Order) -> Option<Money> {
    let pegs = order.lines.iter().flat_map(|line| &line.pegs);
    let of = |peg: &model::order::Peg| {
        shop.pool(&peg.sku)?.supply(peg.supply).map(|supply| supply.location.clone())
    };
    let from = pegs.filter_map(of).next();
    let place = from.and_then(|id| shop.locations.get(&id)).or_else(|| shop.locations.values().next())?;
    place.transit_for(order.country.as_deref(), SERVICE)?.price
}

/// Calls the fees of an order off of which nothing is left to send and nothing left.
pub(super) fn end_with(book: &mut Book, course: &Course, order: Option<&Order>) {
    let gone =
        order.is_some_and(|order| !order.is_open() && order.lines.iter().all(|line| line.shipped == 0));
    if gone {
        for (line, units) in open(&book.kept.account) {
            // A fee that is open can be called off.
            let _ = book.happen(course.now, &Happening::UnitsCancelled { line, units });
        }
    }
}

/// Lines to call off where a fee was not paid in time: all of the order that is not with fulfilment.
pub(super) fn all_open(working: &Working<'_>, order: OrderId) -> Vec<(LineId, Units)> {
    let found = working.shop().orders.get(&order);
    let lines = found.into_iter().flat_map(|order| &order.lines);
    let free = lines.map(|line| (line.no, line.open() - line.with_fulfilment()));
    free.filter(|(_, units)| *units > 0).map(|(no, units)| (LineId { order, no }, units)).collect()
}
