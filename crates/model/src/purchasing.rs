//! How SKUs are bought, and from whom.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Units,
    id::{LocationId, SupplyId},
    money::Money,
    record::Record,
    time::{Date, Timestamp, days_after},
};

/// The kind of record that says how a SKU is bought; its id is the SKU.
pub const PURCHASE_TERMS: &str = "purchase_terms";
/// The kind of record that says when a supplier takes orders and works; its id is the supplier's name.
pub const SUPPLIER_TERMS: &str = "supplier_terms";
/// The kind of private record that says where a supplier's mail goes; its id is the supplier's name.
pub const SUPPLIER_CONTACT: &str = "supplier_contact";
/// The kind of record that is an order to a supplier.
pub const PURCHASE_ORDER: &str = "purchase_order";
/// Most stretches in which a supplier is closed.
pub const CLOSED_MAX: usize = 50;

/// When a supplier takes orders and works.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SupplierTerms {
    /// Days of the week on which it takes orders, Monday being 1; empty: every day.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order_days: Vec<u8>,
    /// First and last days of stretches in which it is closed, ascending and apart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<(Date, Date)>,
    /// Least value of an order, in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_least: Option<i64>,
}

/// Where a supplier's mail goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplierContact {
    /// To which address.
    pub email: Arc<str>,
    /// To whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
}

impl SupplierTerms {
    /// Whether it is closed on a day.
    fn is_closed(&self, date: Date) -> bool {
        self.closed.iter().any(|(from, to)| (*from..=*to).contains(&date))
    }

    /// The first day from one on, up to a year, on which it takes an order; that day itself where it never does.
    pub fn order_on(&self, from: Date) -> Date {
        let takes = |date: &Date| {
            let weekday = date.weekday().to_monday_one_offset().unsigned_abs();
            (self.order_days.is_empty() || self.order_days.contains(&weekday)) && !self.is_closed(*date)
        };
        (0..366).filter_map(|days| days_after(from, days)).find(takes).unwrap_or(from)
    }

    /// The day on which goods ordered on a day come that take so many days: those on which it is closed do not count.
    pub fn arrives(&self, ordered: Date, lead_days: u16) -> Date {
        let mut left = lead_days;
        let mut last = ordered;
        for date in (1..2_000).filter_map(|days| days_after(ordered, days)) {
            if left == 0 {
                break;
            }
            last = date;
            left -= u16::from(!self.is_closed(date));
        }
        last
    }
}

/// An order to a supplier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseOrder {
    /// What people call it.
    pub number: Arc<str>,
    /// To whom.
    pub supplier: Arc<str>,
    /// When it was drafted.
    pub made_at: Timestamp,
    /// What is ordered, all in one currency.
    pub lines: Vec<PurchaseLine>,
    /// When the goods are wanted.
    pub expected_on: Date,
    /// In a person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Arc<str>>,
    /// When it was sent: handed to the mail, or told to the supplier in another way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// Where the goods go; none while it is a draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// The supplies that sending it entered, one a line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supplies: Vec<SupplyId>,
    /// When it was called off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<Timestamp>,
}

/// Send an order to its supplier: its goods are due from then on.
#[derive(Debug, Clone)]
pub struct SendPurchase {
    /// Its id.
    pub order: Arc<str>,
    /// Where the goods go.
    pub location: LocationId,
    /// The mail that takes it there; none where the supplier is told in another way.
    pub mail: Option<Record>,
}

/// Call an order to a supplier off: what has not come of it is due no more.
#[derive(Debug, Clone)]
pub struct CancelPurchase {
    /// Its id.
    pub order: Arc<str>,
}

/// One line of an order to a supplier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseLine {
    /// What.
    pub sku: crate::id::Sku,
    /// What people call it.
    pub title: Arc<str>,
    /// How many.
    pub quantity: Units,
    /// What one costs.
    pub unit_cost: Money,
}

impl PurchaseOrder {
    /// `draft`, `sent` or `cancelled`.
    pub fn state(&self) -> &'static str {
        match (self.cancelled_at, self.sent_at) {
            (Some(_), _) => "cancelled",
            (None, Some(_)) => "sent",
            (None, None) => "draft",
        }
    }

    /// What it costs; `None`: more than an amount can be, or no line.
    pub fn total(&self) -> Option<Money> {
        let currency = self.lines.first()?.unit_cost.currency;
        let line = |line: &PurchaseLine| line.unit_cost.amount.checked_mul(line.quantity);
        let amount = self.lines.iter().try_fold(0_i64, |sum, one| sum.checked_add(line(one)?))?;
        Some(Money { amount, currency })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn a_supplier_takes_orders_on_its_days_and_does_not_work_while_it_is_closed() {
        // 2026-12-22 is a Tuesday.
        let terms = SupplierTerms {
            order_days: vec![1, 4],
            closed: vec![(date("2026-12-24"), date("2027-01-03"))],
            order_least: None,
        };
        assert_eq!(terms.order_on(date("2026-12-21")), date("2026-12-21"));
        assert_eq!(terms.order_on(date("2026-12-22")), date("2027-01-04"), "Thursday is a holiday");
        assert_eq!(terms.arrives(date("2026-12-21"), 5), date("2027-01-06"), "22, 23, then 4 to 6");
        let always = SupplierTerms::default();
        assert_eq!(always.order_on(date("2026-12-25")), date("2026-12-25"));
        assert_eq!(always.arrives(date("2026-12-25"), 7), date("2027-01-01"));
        assert_eq!(always.arrives(date("2026-12-25"), 0), date("2026-12-25"));
        let never = SupplierTerms { closed: vec![(date("2026-01-01"), date("2036-01-01"))], ..always };
        assert_eq!(never.order_on(date("2026-12-25")), date("2026-12-25"), "no day is better than any");
    }
}
