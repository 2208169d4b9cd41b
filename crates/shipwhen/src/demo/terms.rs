//! The terms the sample shop sells on: one policy of every kind.

use model::{
    command::PutPolicy,
    id::{Channel, LocationId},
    item::{Cap, Policy, WhenOut},
    time::Timestamp,
};

use super::{catalogue::Good, goods::Sold, moments::day_from, places::NEWARK};

/// The channel for other shops.
pub(super) const WHOLESALE: &str = "wholesale";
/// The group that other shops are in.
pub(super) const TRADE: &str = "trade";
/// The group that may order limited things ahead.
pub(super) const MEMBERS: &str = "members";
/// Units that wholesale leaves to the shop's own customers.
pub(super) const KEPT_FOR_RETAIL: i64 = 8;

/// The policies of one good: the default one, and one for wholesale where it is sold there. A kit has its own only where it is capped.
pub(super) fn policies(good: &Good, now: Timestamp) -> Vec<PutPolicy> {
    let put = |channel: Channel, policy: Policy| PutPolicy {
        sku: good.sku().clone(),
        channel,
        policy,
        if_match: None,
    };
    if good.is_kit() {
        let cap = good.kit_cap.map(|cap| Policy {
            when_out: WhenOut::Backorder,
            backorder_cap: Cap::Limited(cap),
            horizon_days: Some(90),
            ..Policy::default()
        });
        return cap.into_iter().map(|policy| put(Channel::default(), policy)).collect();
    }
    let mut set = vec![put(Channel::default(), retail(good.sold, now))];
    if good.trade {
        set.push(put(Channel::stored(WHOLESALE), wholesale()));
    }
    set
}

fn retail(sold: Sold, now: Timestamp) -> Policy {
    let backorder = Policy { when_out: WhenOut::Backorder, limited_below: 4, ..Policy::default() };
    match sold {
        Sold::Restocked => backorder,
        Sold::Capped(cap) => {
            Policy { backorder_cap: Cap::Limited(cap), horizon_days: Some(75), limited_below: 3, ..backorder }
        }
        Sold::Reordered(days) => Policy {
            backorder_cap: Cap::Unlimited,
            lead_time_days: Some(days),
            lead_time_location: Some(LocationId::stored(NEWARK)),
            promise_buffer_days: Some(5),
            ..backorder
        },
        Sold::StockOnly => Policy { limited_below: 6, ..Policy::default() },
        Sold::Preorder(days) => Policy {
            when_out: WhenOut::Preorder,
            backorder_cap: Cap::Limited(150),
            customer_limit: Some(2),
            release_date: Some(day_from(now, i64::from(days))),
            ..Policy::default()
        },
        Sold::MadeToOrder(days) => Policy {
            when_out: WhenOut::MadeToOrder,
            backorder_cap: Cap::Unlimited,
            lead_time_days: Some(days),
            lead_time_location: Some(LocationId::stored(NEWARK)),
            promise_buffer_days: Some(2),
            ..Policy::default()
        },
        Sold::Waitlist => {
            Policy { when_out: WhenOut::Waitlist, customer_limit: Some(4), ..Policy::default() }
        }
        Sold::Members => {
            Policy { customer_groups: vec![MEMBERS.into()], customer_limit: Some(3), buffer: 2, ..backorder }
        }
        Sold::Discontinued => Policy { limited_below: 5, ..Policy::default() },
    }
}

fn wholesale() -> Policy {
    Policy {
        when_out: WhenOut::Backorder,
        backorder_cap: Cap::Limited(160),
        customer_groups: vec![TRADE.into()],
        horizon_days: Some(90),
        buffer: KEPT_FOR_RETAIL,
        ..Policy::default()
    }
}
