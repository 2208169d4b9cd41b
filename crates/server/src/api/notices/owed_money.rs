//! What an order's money obliges to: captures before they run out, money that goes back, disputes to answer, errands that failed.

use engine::{errand_state, errands_to};
use ledger::{Read, RecordFilter, Shelf, StoreError};
use model::{
    errand::Errand,
    id::{LineId, OrderId, TenantId},
    money::Money,
    record::Record,
    time::{Date, Zone, local_date},
};
use obligation::payment::{
    Account, ChargeState, RefundState,
    kept::{Kept, STRIPE},
};

use super::obligations::ObligationOut;

/// Where accounts stand of which something must happen.
pub(super) const STANDING: [&str; 4] = ["disputed", "refund_due", "payment_due", "authorised"];
/// What may have to happen.
pub(super) const KINDS: [&str; 4] = ["capture", "refund", "dispute", "payment"];
/// Most errands that failed that are listed.
const FAILED_MAX: usize = 500;

/// What must happen with the money of one order.
pub(super) fn of_account(record: &Record) -> Vec<ObligationOut> {
    let (Ok(order), Ok(Some(kept))) = (record.id.parse::<OrderId>(), record.read::<Kept>()) else {
        return Vec::new();
    };
    let mut found = captures(order, &kept.account);
    found.extend(disputes(order, &kept.account));
    found.extend(refunds(order, &kept));
    found
}

fn about(order: OrderId, line: u16, kind: &'static str, amount: Money) -> ObligationOut {
    ObligationOut {
        kind,
        order: order.to_string(),
        line: LineId { order, no: line }.to_string(),
        sku: None,
        due_by: None,
        rule: None,
        notice: None,
        charge: None,
        otherwise: None,
        amount: Some(amount),
    }
}

/// Money that is set aside: the day before the last on which it may be captured, by the provider's word.
fn captures(order: OrderId, account: &Account) -> Vec<ObligationOut> {
    let held = account.charges.iter().filter_map(|(number, charge)| match charge.state {
        ChargeState::Authorised { capture_before, .. } => Some((number, charge, capture_before)),
        _ => None,
    });
    held.map(|(number, charge, capture_before)| {
        let line = charge.parts.first().map_or(1, |part| part.line);
        ObligationOut {
            due_by: Some(local_date(capture_before, &Zone::utc())),
            rule: Some(format!("the provider lets it be captured before {capture_before}")),
            charge: Some(*number),
            otherwise: Some("it is let go, and charged when the goods ship"),
            ..about(order, line, "capture", Money::new(charge.outstanding(), account.currency))
        }
    })
    .collect()
}

fn disputes(order: OrderId, account: &Account) -> Vec<ObligationOut> {
    let open = account.charges.iter().filter(|(_, charge)| charge.disputed > 0);
    open.map(|(number, charge)| {
        let line = charge.parts.first().map_or(1, |part| part.line);
        ObligationOut {
            rule: Some("the customer's bank asks for it: answer at the provider".to_owned()),
            charge: Some(*number),
            otherwise: Some("the bank decides without you; meanwhile nothing of it is refunded"),
            ..about(order, line, "dispute", Money::new(charge.disputed, account.currency))
        }
    })
    .collect()
}

/// Money that goes back, line by line: asked for and not there yet, failed, or to be sent by hand.
fn refunds(order: OrderId, kept: &Kept) -> Vec<ObligationOut> {
    let account = &kept.account;
    let lines = account.lines.iter().filter(|(_, line)| line.refund_due + line.refunding > 0);
    lines
        .map(|(&number, line)| {
            let failed = account
                .charges
                .values()
                .any(|charge| charge.refund_failed && charge.parts.iter().any(|part| part.line == number));
            let disputed = account
                .charges
                .values()
                .any(|charge| charge.disputed > 0 && charge.parts.iter().any(|part| part.line == number));
            let by_hand = account.refunds.values().any(|refund| {
                refund.state == RefundState::Pending
                    && (refund.by_hand || kept.is_manual())
                    && refund.parts.iter().any(|(line, _)| *line == number)
            });
            let rule = match () {
                () if failed => "a refund failed: see to it, then ask for it again",
                () if disputed => "the customer's bank is at it: it waits",
                () if by_hand => "somebody must send it",
                () => "the provider is at it",
            };
            let amount = Money::new(line.refund_due + line.refunding, account.currency);
            let due_by: Option<Date> = kept.refund_by.get(&number).copied();
            ObligationOut { due_by, rule: Some(rule.to_owned()), ..about(order, number, "refund", amount) }
        })
        .collect()
}

/// What the provider would not do, or said without sense.
pub(super) fn failed(store: &mut dyn Read, tenant: &TenantId) -> Result<Vec<ObligationOut>, StoreError> {
    let filter = RecordFilter { owner: None, state: Some(errand_state::FAILED) };
    let kind = errands_to(STRIPE);
    let page = store.record_page(tenant, Shelf::Private, &kind, &filter, (None, FAILED_MAX))?;
    let errands = page.iter().filter_map(|record| record.read::<Errand>().ok().flatten());
    let shown = errands.map(|errand| ObligationOut {
        rule: Some(format!("the provider will not do it: {}", errand.code.as_deref().unwrap_or("refused"))),
        charge: Some(errand.charge),
        otherwise: Some("nothing more happens to this charge by itself"),
        ..about(errand.order, 1, "payment", errand.amount)
    });
    Ok(shown.collect())
}
