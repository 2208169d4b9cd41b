//! What each way of selling brings over a stretch without stock, for one set of numbers.

use super::figures::{Fig, Values};
use crate::advisor::Contribution;

/// Units that are as good as without end: goods can be ordered for every customer.
pub(crate) const WITHOUT_END: f64 = 1e9;

/// The stretch in which there is nothing to sell: how long it lasts, and how many units are asked for in it.
///
/// Stock that outlasts the wait leaves no such stretch now; then the next one is looked at, from the day it runs out.
pub(crate) fn stretch(values: &Values) -> (f64, f64) {
    let (rate, wait) = (values[Fig::Demand as usize], values[Fig::Wait as usize]);
    let lasts = values[Fig::OnHand as usize] / rate.max(1e-12);
    let days = if lasts >= wait { wait } else { wait - lasts };
    (days, rate * days)
}

/// The share who still order, averaged over customers who come evenly through a stretch and are told the wait until its end.
fn patience(rate: f64, days: f64) -> f64 {
    let worn = rate * days;
    if worn < 1e-9 { 1.0 } else { -(-worn).exp_m1() / worn }
}

/// Share cancelled over the mean wait, of those who ordered.
pub(crate) fn cancelled(rate: f64, days: f64) -> f64 {
    -(-rate * days / 2.0).exp_m1()
}

/// Returns what each mode brings, with so many units asked for in so many days.
///
/// As [`crate::advisor::mode_advisor`], with three things beside: orders are accepted only as far as goods will be there for
/// those that are kept, payments and questions cost money, and patience is averaged over the stretch (Abad 1996).
pub(crate) fn contribution(values: &Values, days: f64, demand: f64) -> Contribution {
    let of = |fig: Fig| values[fig as usize];
    let fee = |price: f64| of(Fig::PaymentShare) * price + of(Fig::PaymentFixed);
    let margin = of(Fig::Price) - of(Fig::UnitCost) - fee(of(Fig::Price));
    let patience = patience(of(Fig::Patience), days);
    let inbound = of(Fig::Inbound);
    let later = |accept: Fig, rate: Fig, paid: f64| {
        let cancel = cancelled(of(rate), days);
        // Accepting more than will be there is no sale, only a broken promise.
        let ordered = (demand * of(accept) * patience).min(inbound / (1.0 - cancel).max(1e-9));
        let served = ordered * (1.0 - cancel);
        // What was paid before a cancellation cost a fee that does not come back.
        let undone = of(Fig::CancelCost) + fee(paid * of(Fig::Price)) * f64::from(u8::from(paid > 0.0));
        let value = served * (margin - of(Fig::Late) * of(Fig::LateCost))
            - ordered * of(Fig::Service)
            - of(Fig::Goodwill) * (demand - ordered)
            - undone * ordered * cancel;
        (value, ordered)
    };
    let (backorder, _) = later(Fig::AcceptBackorder, Fig::CancelBackorder, 0.0);
    let (preorder, ordered) = later(Fig::AcceptPreorder, Fig::CancelPreorder, of(Fig::Deposit));
    let financing = of(Fig::Deposit) * of(Fig::Price) * of(Fig::Capital) * days / 2.0 * ordered;
    let converted = (demand * of(Fig::AcceptWaitlist) * of(Fig::Convert)).min(inbound);
    Contribution {
        backorder,
        preorder: preorder + financing,
        waitlist: converted * margin - of(Fig::Goodwill) * demand * (1.0 - of(Fig::AcceptWaitlist)),
        out_of_stock: -of(Fig::Goodwill) * demand,
    }
}
