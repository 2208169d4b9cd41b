//! On what terms something is bought: when how much is taken, and how the money comes back. Shown before the purchase and confirmed by
//! mail; the law of the place goes before whatever a shop may think of.

use std::collections::{BTreeMap, BTreeSet};

use ledger::{Read, Shelf, StoreError};
use model::{
    id::TenantId,
    item::Returns,
    money::{Currency, Money},
    order::Order,
    state::Shop,
    time::Date,
};
use obligation::{
    legal::{Jurisdiction, LawBook, MerchantPolicy, OwnFigure},
    notice::kept::{LAW, SETTINGS, SETTINGS_ID, ShopSettings},
    payment::{Account, Happening, NewLine, Settings, When, decide, kept, schedule},
    sale::{SALE, SaleTerms, rights},
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
        let set = shop.pool(&line.sku).and_then(|pool| pool.policy_for(&order.channel));
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

/// What of a purchase is final, by the titles of what is bought, and what holds for the rest.
#[derive(Debug, Default)]
pub(crate) struct Rights {
    /// What cannot be called off while it ships as promised.
    held: Vec<String>,
    /// What of it no law lets anybody withdraw from.
    made_for: Vec<String>,
    /// Whether anything can be called off.
    is_any_free: bool,
    /// Days to withdraw from all that was not made for the buyer.
    pub(crate) withdrawal_days: Option<u16>,
}

impl Rights {
    /// Weighs how each thing is sold against the law of the place that it goes to.
    pub(crate) fn of(
        store: &mut dyn Read,
        tenant: &TenantId,
        country: Option<&str>,
        sold: &[(String, Returns)],
    ) -> Result<Self, StoreError> {
        let law = law_of(store, tenant)?;
        let policy = policy_of(store, tenant)?;
        let place = country.map_or_else(Jurisdiction::unknown, Jurisdiction::of);
        let mut found = Self { withdrawal_days: withdrawal_days(&law, country), ..Self::default() };
        for (title, returns) in sold {
            let is_held = !rights(*returns, &policy, &place, &law).cancel_before_shipment;
            found.is_any_free |= !is_held;
            if is_held {
                let list = match returns {
                    Returns::MadeToSpecification => &mut found.made_for,
                    Returns::Free | Returns::FinalSale => &mut found.held,
                };
                list.push(title.clone());
            }
        }
        if sold.len() == found.made_for.len() && !sold.is_empty() {
            found.withdrawal_days = None;
        }
        Ok(found)
    }

    /// Whether all of it can be called off.
    pub(crate) fn is_all_free(&self) -> bool {
        self.held.is_empty() && self.made_for.is_empty()
    }
}

/// The shop's own terms on top of the law.
pub(crate) fn policy_of(store: &mut dyn Read, tenant: &TenantId) -> Result<MerchantPolicy, StoreError> {
    let found = store.records(tenant, Shelf::Ledger, SETTINGS, &[SETTINGS_ID])?;
    let settings: Option<ShopSettings> = found.first().and_then(|record| record.read().ok().flatten());
    Ok(settings.unwrap_or_default().policy)
}

/// The lines of an order that its customer cannot call off today, and those that nobody withdraws from.
pub(crate) fn held(
    store: &mut dyn Read,
    tenant: &TenantId,
    order: &Order,
    today: Date,
) -> Result<(BTreeSet<u16>, BTreeSet<u16>), StoreError> {
    let Some(terms) = sale_of(store, tenant, order)? else { return Ok(Default::default()) };
    let (law, policy) = (law_of(store, tenant)?, policy_of(store, tenant)?);
    let place = order.country.as_deref().map_or_else(Jurisdiction::unknown, Jurisdiction::of);
    Ok((terms.held(order, today, (&place, &policy, &law)), terms.never_withdrawn()))
}

/// How an order was sold; nothing where all of it can be called off.
pub(crate) fn sale_of(
    store: &mut dyn Read,
    tenant: &TenantId,
    order: &Order,
) -> Result<Option<SaleTerms>, StoreError> {
    let found = store.records(tenant, Shelf::Ledger, SALE, &[&order.id.to_string()])?;
    Ok(found.first().and_then(|record| record.read().ok().flatten()))
}

/// The terms in words.
pub(crate) fn words(charges: &Charges, rights: &Rights, language: &dyn Language) -> Vec<String> {
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
    if !rights.held.is_empty() {
        words.push(language.phrase(Phrase::FinalSale(&rights.held.join(", "))));
    }
    if !rights.made_for.is_empty() {
        words.push(language.phrase(Phrase::MadeForYou(&rights.made_for.join(", "))));
    }
    if rights.is_any_free {
        let phrase = if rights.is_all_free() { Phrase::CancelFree } else { Phrase::RestFree };
        words.push(language.phrase(phrase));
    }
    words.extend(rights.withdrawal_days.map(|days| language.phrase(Phrase::MayWithdraw(days))));
    words
}
