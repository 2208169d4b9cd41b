//! Another method for what is charged later, while nothing is owed: the provider is asked for a form that only saves, and what the
//! customer saved with it takes the place of what was saved before. The account knows nothing of it: it names no method.

use model::{
    errand::{ANOTHER_METHOD, Errand, What, Word},
    event::{Event, Noted},
    id::OrderId,
    money::Money,
    record::{Json, Record},
    refusal::{Refusal, RefusalCode, Rejection},
};
use obligation::payment::{ChargeState, idempotency_key, kept::Kept};
use serde_json::json;

use super::{
    book::Book,
    errands::{again_at, ask, look, payer, put_payer},
};
use crate::{
    after::Course,
    answer::Failure,
    execute::{Outcome, order_now},
    working::Working,
};

/// How often it is looked at whether the customer has saved another method: for some days.
const LOOKS_MAX: u32 = 16;

/// Whether the customer of an account can save another method: one is saved by a provider, something is charged later, and nothing
/// is asked for now, as that is paid with any card.
pub fn may_change(kept: &Kept) -> bool {
    let account = &kept.account;
    let is_asked =
        account.charges.values().any(|charge| matches!(charge.state, ChargeState::NeedsCustomer { .. }));
    let is_charged_later =
        account.lines.values().any(|line| line.open > line.paid_units() && line.plan.charges_later());
    !kept.is_manual() && account.method_saved && !is_asked && is_charged_later
}

/// Asks the provider for a form that saves another method. Asked twice, it is asked once.
///
/// Refused: people at the shop move the money; nothing is charged later, or something is asked for now.
pub(crate) fn change(working: &mut Working<'_>, course: &mut Course, order: OrderId) -> Outcome {
    working.load_orders(&[order])?;
    if !working.shop().orders.contains_key(&order) {
        return Ok(Err(Rejection::not_found("order", order)));
    }
    let book = Book::read(working, order)?;
    let Some(kept) = book.map(|book| book.kept).filter(may_change) else {
        let detail = format!("no saved method of {order} is charged later");
        return Ok(Err(Refusal::new(RefusalCode::NotAsked, detail).into()));
    };
    let mut payer = payer(working, order)?;
    if !payer.changes_method {
        payer.changes_method = true;
        payer.methods_asked = payer.methods_asked.saturating_add(1);
        // The form of the time before is of no use any more.
        payer.charges.remove(&ANOTHER_METHOD);
        put_payer(working, order, &payer)?;
        let errand = Errand {
            order,
            charge: ANOTHER_METHOD,
            refund: None,
            attempt: 1,
            what: What::Save,
            amount: Money::zero(kept.account.currency),
            asked_at: course.now,
            carried_at: None,
            tries: 0,
            needless: false,
            code: None,
        };
        let key = idempotency_key(&order.to_string(), "method", payer.methods_asked, 1);
        ask(working, &kept.provider, &key, &errand, course.now)?;
        note(working, course, order, "asked")?;
    }
    order_now(working, course, order).map(Ok)
}

/// What came of it.
pub(super) fn done(
    working: &mut Working<'_>,
    course: &mut Course,
    (provider, key): (&str, &str),
    mut errand: Errand,
    word: &Word,
) -> Result<(), Failure> {
    let mut payer = payer(working, errand.order)?;
    let is_open = match word {
        Word::NotNow { code } => {
            errand.code = Some((*code).into());
            return ask(working, provider, key, &errand, again_at(&errand, course.now));
        }
        Word::Saved => {
            if payer.changes_method {
                note(working, course, errand.order, "changed")?;
            }
            false
        }
        Word::NeedsCustomer | Word::Declined { .. } | Word::Pending => errand.tries < LOOKS_MAX,
        other => {
            tracing::warn!(order = %errand.order, key, ?other, "another method cannot be saved");
            false
        }
    };
    working.put_private([Record::gone(&super::errands::errands_to(provider), key)]);
    if is_open && payer.changes_method {
        return look(working, provider, &errand, course.now);
    }
    payer.changes_method = false;
    payer.charges.remove(&ANOTHER_METHOD);
    put_payer(working, errand.order, &payer)
}

fn note(working: &mut Working<'_>, course: &Course, order: OrderId, word: &str) -> Result<(), Failure> {
    let data = Json::of(&json!({ "method": word }))?;
    let noted = Noted { sku: None, order: Some(order), data, records: Vec::new() };
    working.apply(course.now, vec![Event::PaymentChanged(noted)])
}
