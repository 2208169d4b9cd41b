//! One SKU as the advisor asks about it.

use std::{collections::BTreeMap, sync::Arc};

use insight::advice::{Subject, Waiting, patience::days_of};
use model::{
    id::Channel,
    money::{Currency, Money},
    pool::Pool,
    supply::SupplyState,
    time::{Timestamp, days_since_epoch},
};

use crate::history::{Goods, History, OpenDays, Receipt, days_between, utc_day};

/// Why there is no question to ask about a SKU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Answerless {
    /// It is a kit.
    #[error("a kit sells what its components allow: ask about them")]
    Kit,
    /// Its price and its cost are in two currencies.
    #[error("its price is in {} and its cost in {}", .0.code(), .1.code())]
    Currencies(Currency, Currency),
}

/// What the whole shop shows, the same for every SKU.
#[derive(Debug, Clone, Default)]
pub struct Whole {
    waiting: Waiting,
    rate: Option<f64>,
    open_days: BTreeMap<model::id::Sku, OpenDays>,
    kinds: BTreeMap<Arc<str>, Waiting>,
    /// Units ordered for each look at a badge while its goods were in stock; `None`: too few looks.
    per_look: Option<f64>,
}

/// Looks at badges below which they say nothing of orders.
const LOOKS_MIN: f64 = 200.0;

impl Whole {
    /// Units cancelled of those ordered for later, and the unit-days in which they could be.
    pub fn cancels(&self) -> (f64, f64) {
        (self.waiting.cancelled, self.waiting.open_days)
    }

    /// Units ordered for each look at a badge while its goods are in stock, over the whole shop; `None`: fewer than 200 looks so far.
    pub fn per_look(&self) -> Option<f64> {
        self.per_look
    }
}

impl History {
    /// Sums up the whole shop at a moment: once for any number of SKUs.
    pub fn whole(&self, now: Timestamp) -> Whole {
        let open_days: BTreeMap<_, _> =
            self.open_days(now).into_iter().map(|(sku, days)| (sku.clone(), days)).collect();
        let mut whole = Whole { open_days, ..Whole::default() };
        let (mut asked, mut days) = (0.0, 0.0);
        let (looks, ordered) =
            self.all_goods().fold((0.0, 0.0), |sum, (_, goods)| (sum.0 + goods.here.0, sum.1 + goods.here.1));
        whole.per_look = (looks >= LOOKS_MIN && ordered > 0.0).then(|| ordered / looks);
        for (sku, goods) in self.all_goods() {
            asked += (goods.ordered + goods.refused) as f64;
            days += watched(goods, now);
            let seen = seen(goods, whole.open_days.get(sku), whole.per_look);
            add(&mut whole.waiting, &seen);
            if let Some(kind) = &goods.kind {
                add(whole.kinds.entry(Arc::clone(kind)).or_default(), &seen);
            }
        }
        whole.rate = (asked > 0.0 && days > 0.0).then(|| asked / days);
        whole
    }
}

fn add(sum: &mut Waiting, more: &Waiting) {
    // The mean wait of both, by how many were offered each.
    let offered = sum.offered + more.offered;
    if offered > 0.0 {
        sum.wait_mean = (sum.offered * sum.wait_mean + more.offered * more.wait_mean) / offered;
    }
    sum.offered = offered;
    sum.by_wait.iter_mut().zip(&more.by_wait).for_each(|(sum, more)| sum.add(more));
    sum.ordered += more.ordered;
    sum.cancelled += more.cancelled;
    sum.open_days += more.open_days;
    sum.waits_ended += more.waits_ended;
    sum.waits_bought += more.waits_bought;
}

/// What was seen of people who waited. How many were offered to wait and did not is known where badges are looked at: of so many looks so
/// many would have ordered, had it been in stock.
fn seen(goods: &Goods, open_days: Option<&OpenDays>, per_look: Option<f64>) -> Waiting {
    let open = open_days.copied().unwrap_or_default();
    let mut by_wait = goods.waits;
    by_wait.iter_mut().zip(open.by_wait).for_each(|(wait, days)| wait.open_days += days);
    let looks: f64 = by_wait.iter().map(|wait| wait.views).sum();
    let (offered, ordered) = match per_look {
        Some(rate) if looks > 0.0 => (looks * rate, by_wait.iter().map(|wait| wait.ordered).sum()),
        _ => (0.0, 0.0),
    };
    let told: f64 = by_wait.iter().enumerate().map(|(n, wait)| wait.views * days_of(n)).sum();
    Waiting {
        rate_in_stock: 0.0,
        offered,
        ordered,
        wait_mean: if looks > 0.0 { told / looks } else { 0.0 },
        by_wait,
        cancelled: goods.later_cancelled as f64,
        open_days: goods.closed_days + open.all,
        waits_ended: goods.waits_ended as f64,
        waits_bought: goods.waits_bought as f64,
    }
}

/// Days a SKU was watched, at least one.
fn watched(goods: &Goods, now: Timestamp) -> f64 {
    goods.since.map_or(0.0, |since| days_between(since, now).max(1.0))
}

/// An amount in the currency's own unit.
pub(crate) fn amount(money: Money) -> f64 {
    money.amount as f64 / 10_f64.powi(i32::from(money.currency.decimals()))
}

fn mean(values: impl Iterator<Item = i32>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |sum, value| (sum.0 + f64::from(value), sum.1 + 1.0));
    (count > 0.0).then(|| sum / count)
}

/// What is known of a pool on a channel at a moment.
///
/// Errors: it is a kit.
pub fn subject(
    pool: &Pool,
    channel: &Channel,
    history: &History,
    whole: &Whole,
    now: Timestamp,
) -> Result<Subject, Answerless> {
    let item = &pool.item;
    if item.is_kit() {
        return Err(Answerless::Kit);
    }
    if let (Some(price), Some(cost)) = (&item.price, &item.unit_cost)
        && price.currency != cost.currency
    {
        return Err(Answerless::Currencies(price.currency, cost.currency));
    }
    let none = Goods::default();
    let goods = history.goods(&item.sku).unwrap_or(&none);
    let due = || {
        pool.supplies.iter().filter(|supply| supply.state == SupplyState::Due && !supply.kind.is_elastic())
    };
    let dated = due().filter(|supply| supply.free() > 0);
    let arrives = |supply: &model::supply::Supply| {
        let given = days_since_epoch(supply.expected_on?);
        Some((given + i32::from(supply.lateness.promised_days) - utc_day(now)).max(1))
    };
    let first = dated.clone().filter_map(|supply| arrives(supply)).min();
    let policy = pool.policy_for(channel);
    let receipts = item.supplier.as_deref().and_then(|name| history.supplier(name));
    let receipts = receipts.map_or(&[][..], |supplier| &supplier.receipts);
    Ok(Subject {
        sku: item.sku.to_string(),
        price: item.price.map(amount),
        unit_cost: item.unit_cost.map(amount),
        category: item.tags.first().map(ToString::to_string),
        on_hand: pool.free_on_hand().max(0) as f64,
        inbound_units: dated
            .filter(|supply| supply.expected_on.is_some())
            .map(|supply| supply.free())
            .sum::<i64>() as f64,
        wait_days: first.map(f64::from),
        lead_time_days: policy.and_then(|policy| policy.lead_time_days).map(f64::from),
        discontinued: item.discontinued,
        days_watched: watched(goods, now),
        units_asked: (goods.ordered + goods.refused) as f64,
        waiting: seen(goods, whole.open_days.get(&item.sku), whole.per_look),
        kind: item.tags.first().and_then(|kind| whole.kinds.get(kind)).copied().unwrap_or_default(),
        shop: whole.waiting,
        receipts: receipts.len() as f64,
        receipts_late: receipts.iter().filter(|receipt| receipt.is_broken()).count() as f64,
        late_days: mean(receipts.iter().filter_map(Receipt::broken_days)),
        shop_rate: whole.rate,
        ..Subject::default()
    })
}
