//! How an account is kept: as a record of its order.

use std::{collections::BTreeMap, sync::Arc};

use model::{money::Currency, order::Order, pool::Pool, time::Date};
use serde::{Deserialize, Serialize};

use super::{Account, Agreed, NewLine, Plan};

/// The kind of record that a [`Kept`] is, under its order's id.
pub const ACCOUNT: &str = "account";
/// Who moves the money where nobody else is named: people at the shop, who say what came and what went.
pub const MANUAL: &str = "manual";
/// Who moves the money where a policy names it: Stripe, asked by a worker.
pub const STRIPE: &str = "stripe";

/// The money of an order as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Who moves the money.
    pub provider: Arc<str>,
    /// The money.
    pub account: Account,
    /// Whether its money is in the sums of days.
    #[serde(default)]
    pub counted: bool,
    /// By line: the last day on which money that is due back goes back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refund_by: BTreeMap<u16, Date>,
}

impl Kept {
    /// Whether people at the shop move the money; so it is too with a provider that is not known here.
    pub fn is_manual(&self) -> bool {
        &*self.provider != STRIPE
    }
}

/// What an order's policies say about its money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The currency of all lines; `None`: there are none.
    pub currency: Option<Currency>,
    /// Who moves the money.
    pub provider: Arc<str>,
    /// The lines with their plans.
    pub lines: Vec<NewLine>,
}

/// Why an order can have no account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAccount {
    /// A line has no price, in minor units of one currency with the others.
    #[error("line {line} has no price in {currency}")]
    NoPrice {
        /// The line.
        line: u16,
        /// The currency of the lines before it.
        currency: String,
    },
}

/// The lines of an order with their plans and who moves the money, as the policies of its channel say; plan and provider of
/// a line without terms are an invoice and [`MANUAL`].
///
/// `pool_of`: the pool of a line's SKU. Errors: a line has no price, or one in another currency.
pub fn terms<'p>(
    order: &Order,
    pool_of: impl Fn(&model::id::Sku) -> Option<&'p Pool>,
) -> Result<Terms, NoAccount> {
    let mut currency: Option<Currency> = None;
    let mut provider: Option<Arc<str>> = None;
    let mut lines = Vec::with_capacity(order.lines.len());
    for line in &order.lines {
        let pool = pool_of(&line.sku);
        let policy = pool.and_then(|pool| pool.policy_for(&order.channel));
        let payment = policy.and_then(|policy| policy.payment.as_ref());
        let said = currency.as_ref().map_or("any currency".to_owned(), |code| code.code().to_owned());
        let no_price = || NoAccount::NoPrice { line: line.no, currency: said.clone() };
        let price = line.unit_price.as_ref().ok_or_else(no_price)?;
        if *currency.get_or_insert(price.currency) != price.currency {
            return Err(no_price());
        }
        if provider.is_none() {
            provider = payment.and_then(|payment| payment.provider.clone());
        }
        let plan = payment.map_or(Plan::None, |payment| Plan::of(Some(payment), Agreed::default()));
        let ship_by = line.promises.last().and_then(|promise| promise.ship_by.promised);
        lines.push(NewLine { line: line.no, price: price.amount, units: line.quantity, plan, ship_by });
    }
    Ok(Terms { currency, provider: provider.unwrap_or_else(|| MANUAL.into()), lines })
}
