//! On what terms something is bought: when how much is taken, and how the money comes back. Shown before the purchase and confirmed by
//! mail; the law of the place goes before whatever a shop may think of.

use std::collections::BTreeMap;

use ledger::{Read, Shelf, StoreError};
use model::{
    id::TenantId,
    money::{Currency, Money},
    order::Order,
    state::Shop,
};
use obligation::{
    legal::{Jurisdiction, LawBook, OwnFigure},
    notice::kept::{LAW, SETTINGS_ID},
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

/// The figures of the laws as a shop has them.
pub(crate) fn law_of(store: &mut dyn Read, tenant: &TenantId) -> Result<LawBook, StoreError> {
    let found = store.records(tenant, Shelf::Ledger, LAW, &[SETTINGS_ID])?;
    let own: Option<Vec<OwnFigure>> = found.first().and_then(|record| record.read().ok().flatten());
    Ok(LawBook::with(&own.unwrap_or_default()).unwrap_or_default())
}

/// Days after the delivery within which the law of a place lets a consumer withdraw; `None`: no law that is known for it does.
pub(crate) fn withdrawal_days(law: &LawBook, country: Option<&str>) -> Option<u16> {
    let place = country.map_or_else(Jurisdiction::unknown, Jurisdiction::of);
    let laws = place.laws().iter().filter(|_| !place.is_unknown());
    laws.filter_map(|of| law.of_delivery(*of)).map(|figures| figures.withdrawal_days.value).max()
}

/// The terms in words.
pub(crate) fn words(charges: &Charges, withdrawal_days: Option<u16>, language: &dyn Language) -> Vec<String> {
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
    words.extend(withdrawal_days.map(|days| language.phrase(Phrase::MayWithdraw(days))));
    words
}
