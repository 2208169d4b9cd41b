//! A running shop's SKU as it is simulated: its goods and policy as they stand, its customers and suppliers as its ledger shows them.

use evidence::{History, Whole};
use insight::advice::{Advice, advise};
use model::{
    id::Channel,
    item::Policy,
    pool::Pool,
    supply::{Lateness, SupplyState},
    time::{Timestamp, Zone, days_since_epoch, local_date},
};

use crate::input::{Costs, Customers, Due, Goods, Reorder, World};

/// Why a SKU cannot be simulated: in words.
pub type Why = String;

/// The world of a SKU and the advice that its numbers are taken from; how goods are bought where a lead time is set.
///
/// Errors: it is a kit, has no price, or nobody ever asked for it.
pub fn of_shop(
    pool: &Pool,
    channel: &Channel,
    (history, whole): (&History, &Whole),
    (now, days): (Timestamp, f64),
) -> Result<(World, Reorder, Advice), Why> {
    let subject = evidence::subject(pool, channel, history, whole, now).map_err(|why| why.to_string())?;
    let advice = advise(&subject).map_err(|error| error.to_string())?;
    let figure = |name: &str| {
        advice.figures.iter().find(|figure| figure.name == name).map_or(0.0, |figure| figure.value)
    };
    let today = days_since_epoch(local_date(now, &Zone::utc()));
    let due = pool
        .supplies
        .iter()
        .filter(|supply| supply.state == SupplyState::Due && !supply.kind.is_elastic() && supply.free() > 0);
    let due = due.filter_map(|supply| {
        let given = f64::from(days_since_epoch(supply.expected_on?) - today);
        Some(Due { given_in_days: given, units: supply.free() })
    });
    let supplier = pool.item.supplier.as_deref().and_then(|name| history.supplier(name));
    let late_days =
        supplier.map(|supplier| supplier.receipts.iter().map(|receipt| receipt.late_days).collect());
    let promised = pool.supplies.iter().filter(|supply| supply.state == SupplyState::Due);
    let promise_days = promised.map(|supply| supply.lateness.promised_days).max();
    let policy = pool.policy_for(channel);
    let policy = policy.map(|policy| (**policy).clone()).unwrap_or_default();
    let reorder = match policy.lead_time_days {
        Some(days) => Reorder::Point { at: -1, units: 1, lead_days: f64::from(days) },
        None => Reorder::Nothing,
    };
    let world = World {
        goods: Goods {
            sku: pool.sku().to_string(),
            price: figure("price"),
            unit_cost: figure("unit_cost"),
            on_hand: pool.free_on_hand().max(0),
            due: due.collect(),
            late_days: late_days.unwrap_or_default(),
            promise_days: promise_days.unwrap_or(Lateness::BUFFER_DAYS_DEFAULT),
            customers: Customers {
                rate: figure("demand_per_day"),
                sizes: Vec::new(),
                accept: figure("accept_backorder").min(1.0),
                patience_rate: figure("patience_rate"),
                cancel_rate: figure("cancel_rate_backorder"),
                waitlist: figure("accept_waitlist").min(1.0),
                convert: figure("waitlist_convert").min(1.0),
            },
        },
        policy: for_anybody(policy),
        costs: Costs {
            payment_share: figure("payment_share").min(1.0),
            payment_fixed: figure("payment_fixed"),
            late: figure("late_cost"),
            goodwill: figure("goodwill_lost"),
            cancel: figure("cancel_cost"),
            service: figure("service_cost"),
            ..Costs::default()
        },
        days,
        warm_up_days: 0.0,
    };
    Ok((world, reorder, advice))
}

/// A policy without what it asks of single customers: those simulated have no group and no past.
fn for_anybody(policy: Policy) -> Policy {
    Policy { customer_limit: None, customer_groups: Vec::new(), ..policy }
}
