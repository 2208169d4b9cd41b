//! On what terms something is bought: when how much is taken, and how the money comes back. Shown before the purchase and confirmed by
//! mail; the law of the place goes before whatever a shop may think of.

use std::collections::BTreeMap;

use model::{
    money::{Currency, Money},
    order::Order,
    state::Shop,
};
use obligation::{
    legal::{Jurisdiction, Law},
    payment::{Account, Happening, NewLine, Settings, When, decide, kept, schedule},
};

use super::words::{Language, Phrase};

/// What is taken when: sums by time, the soonest first.
pub(crate) type Charges = Vec<(When, Money)>;

/// What an account of these lines would ask for.
pub(crate) fn charges(currency: Currency, lines: Vec<NewLine>) -> Charges {
    let mut account = Account::new(currency);
    let now = model::time::Timestamp::UNIX_EPOCH;
    // Lines that no account takes have nothing to be shown.
    let Ok(entries) = decide(&account, &Happening::Ordered { lines }, &Settings::default(), now) else {
        return Vec::new();
    };
    entries.iter().for_each(|entry| account.apply(entry));
    let mut sums: BTreeMap<When, i64> = BTreeMap::new();
    for planned in schedule(&account).into_iter().filter(|planned| planned.amount > 0) {
        let sum = sums.entry(planned.when).or_default();
        *sum = sum.saturating_add(planned.amount);
    }
    sums.into_iter().map(|(when, amount)| (when, Money::new(amount, currency))).collect()
}

/// The same of an order as it was placed; nothing where its policies have no terms.
pub(crate) fn of_order(order: &Order, shop: &Shop) -> Charges {
    let has_terms = order.lines.iter().any(|line| {
        let pool = shop.pool(&line.sku);
        let set = pool.and_then(|pool| {
            pool.policy_set(&order.channel).or_else(|| pool.policy_set(&model::id::Channel::default()))
        });
        set.is_some_and(|policy| policy.payment.is_some())
    });
    match kept::terms(order, |sku| shop.pool(sku)) {
        Ok(kept::Terms { currency: Some(currency), lines, .. }) if has_terms => charges(currency, lines),
        _ => Vec::new(),
    }
}

/// Whether the law of a place lets a consumer withdraw after the delivery.
pub(crate) fn may_withdraw(country: Option<&str>) -> bool {
    let place = country.map_or_else(Jurisdiction::unknown, Jurisdiction::of);
    !place.is_unknown() && place.laws().iter().any(|law| matches!(law, Law::Eu | Law::Uk))
}

/// The terms in words.
pub(crate) fn words(charges: &Charges, country: Option<&str>, language: &dyn Language) -> Vec<String> {
    let paid = charges.iter().map(|(when, amount)| {
        let amount = crate::pages::money(*amount);
        let phrase = match when {
            When::Now => Phrase::PaidNow(&amount),
            When::On(date) => Phrase::PaidOn(&amount, *date),
            When::OnShip => Phrase::PaidOnShip(&amount),
            When::ByInvoice => Phrase::PaidByInvoice(&amount),
        };
        format!("  {}", language.phrase(phrase))
    });
    let mut words: Vec<String> = paid.collect();
    words.push(language.phrase(Phrase::CancelFree));
    if may_withdraw(country) {
        words.push(language.phrase(Phrase::MayWithdraw));
    }
    words
}
