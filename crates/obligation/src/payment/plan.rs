//! When money is taken for a line: the plan, and how much of it is due by when.

use model::{
    Units,
    item::{BalanceDue, PaymentKind, PaymentTerms},
    time::{Date, FIRST_DATE},
};
use serde::{Deserialize, Serialize};

use crate::holidays::shifted;

/// When and how money is taken for a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Plan {
    /// Everything when it is ordered.
    Full,
    /// A part when it is ordered, the rest later.
    Deposit {
        /// The part.
        deposit: Deposit,
        /// When the rest is due. Units that ship sooner are paid when they ship.
        balance: Balance,
    },
    /// Authorised when it is ordered, captured when it ships. Once the authorisation is gone: charged when it ships.
    Authorise,
    /// The method is saved when it is ordered and charged when it ships.
    #[default]
    ChargeOnShip,
    /// Not through us: an invoice.
    None,
}

/// The part that is paid when a line is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deposit {
    /// A share of the line's value, in percent, rounded to the nearest minor unit, halves up.
    Percent(u8),
    /// So many minor units for each unit, at most its price.
    Amount(i64),
}

/// When the rest is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// When the goods ship.
    OnShip,
    /// On a date.
    On(Date),
    /// So many days before the goods are promised to ship. Where nobody knows when that is, when they ship.
    DaysBefore(u16),
}

/// What a policy's terms leave open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// The date of a balance that is due on one; without it the balance is due when the goods ship.
    pub balance_on: Option<Date>,
    /// Days before shipping of a balance that is due so.
    pub balance_days_before: u16,
}

impl Default for Agreed {
    fn default() -> Self {
        Self { balance_on: None, balance_days_before: 14 }
    }
}

impl Plan {
    /// The plan that a policy's terms ask for; without terms the method is saved and charged when the goods ship.
    pub fn of(terms: Option<&PaymentTerms>, agreed: Agreed) -> Self {
        let Some(terms) = terms else { return Self::default() };
        match terms.kind {
            PaymentKind::Full => Self::Full,
            PaymentKind::Authorise => Self::Authorise,
            PaymentKind::ChargeOnShip => Self::ChargeOnShip,
            PaymentKind::None => Self::None,
            PaymentKind::Deposit => Self::Deposit {
                deposit: match (&terms.deposit_amount, terms.deposit_percent) {
                    (Some(amount), _) => Deposit::Amount(amount.amount),
                    (None, percent) => Deposit::Percent(percent.unwrap_or(0)),
                },
                balance: match terms.balance {
                    Some(BalanceDue::Date) => agreed.balance_on.map_or(Balance::OnShip, Balance::On),
                    Some(BalanceDue::DaysBefore) => Balance::DaysBefore(agreed.balance_days_before),
                    Some(BalanceDue::OnShip) | None => Balance::OnShip,
                },
            },
        }
    }

    /// Whether money will be taken later, so that a method must be saved.
    pub fn charges_later(self) -> bool {
        matches!(self, Self::Deposit { .. } | Self::Authorise | Self::ChargeOnShip)
    }

    /// What is paid when so many units at this price are ordered, in minor units.
    pub fn upfront(self, price: i64, units: Units) -> i64 {
        match self {
            Self::Full => price * units,
            Self::Deposit { deposit: Deposit::Percent(percent), .. } => {
                let exact = i128::from(price) * i128::from(units) * i128::from(percent);
                // A share of an amount that fits, so it fits.
                i64::try_from((exact + 50) / 100).unwrap_or(i64::MAX).min(price * units)
            }
            Self::Deposit { deposit: Deposit::Amount(each), .. } => each.clamp(0, price) * units,
            Self::Authorise | Self::ChargeOnShip | Self::None => 0,
        }
    }

    /// The day on which the rest is due, where it does not wait for the goods.
    pub fn balance_on(self, ship_by: Option<Date>) -> Option<Date> {
        match self {
            Self::Deposit { balance: Balance::On(date), .. } => Some(date),
            Self::Deposit { balance: Balance::DaysBefore(days), .. } => {
                ship_by.map(|date| shifted(date, -i32::from(days)).max(FIRST_DATE))
            }
            _ => None,
        }
    }
}

/// The part of an amount that belongs to some of the units it was paid for, rounded down.
///
/// Taken again and again from what is left, the last units get all the rest: nothing is lost.
pub(super) fn share(amount: i64, units: Units, of: Units) -> i64 {
    if of <= units {
        return amount;
    }
    // A part of an amount that fits, so it fits.
    i64::try_from(i128::from(amount) * i128::from(units) / i128::from(of)).unwrap_or(amount)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{
        money::{Currency, Money},
        time::parse_date,
    };
    use proptest::prelude::*;

    fn deposit(deposit: Deposit) -> Plan {
        Plan::Deposit { deposit, balance: Balance::OnShip }
    }

    #[test]
    fn what_is_paid_at_once_follows_the_plan() {
        for (plan, price, units, expect) in [
            (Plan::Full, 4_900, 3, 14_700),
            (Plan::Authorise, 4_900, 3, 0),
            (Plan::ChargeOnShip, 4_900, 3, 0),
            (Plan::None, 4_900, 3, 0),
            (deposit(Deposit::Percent(30)), 4_900, 3, 4_410),
            (deposit(Deposit::Percent(33)), 999, 1, 330),
            (deposit(Deposit::Percent(50)), 999, 1, 500),
            (deposit(Deposit::Percent(100)), 999, 2, 1_998),
            (deposit(Deposit::Percent(0)), 999, 2, 0),
            (deposit(Deposit::Amount(1_000)), 4_900, 3, 3_000),
            (deposit(Deposit::Amount(9_000)), 4_900, 3, 14_700),
            (deposit(Deposit::Percent(99)), 1_000_000_000_000, 1_000_000, 990_000_000_000_000_000),
        ] {
            assert_eq!(plan.upfront(price, units), expect, "{plan:?} {price} x {units}");
        }
    }

    #[test]
    fn a_balance_follows_the_promise() {
        let date = |text: &str| parse_date(text).unwrap();
        let plan = |balance| Plan::Deposit { deposit: Deposit::Percent(20), balance };
        let ship_by = Some(date("2026-12-15"));
        assert_eq!(plan(Balance::DaysBefore(14)).balance_on(ship_by), Some(date("2026-12-01")));
        assert_eq!(plan(Balance::DaysBefore(14)).balance_on(None), None);
        assert_eq!(plan(Balance::On(date("2026-11-20"))).balance_on(ship_by), Some(date("2026-11-20")));
        assert_eq!(plan(Balance::OnShip).balance_on(ship_by), None);
        assert_eq!(Plan::Full.balance_on(ship_by), None);
    }

    #[test]
    fn terms_of_a_policy_become_a_plan() {
        let terms = |kind, balance| PaymentTerms {
            kind,
            deposit_percent: Some(20),
            deposit_amount: None,
            balance,
            provider: None,
        };
        let of = |terms: &PaymentTerms| Plan::of(Some(terms), Agreed::default());
        assert_eq!(Plan::of(None, Agreed::default()), Plan::ChargeOnShip);
        assert_eq!(of(&terms(PaymentKind::Full, None)), Plan::Full);
        let twenty = Deposit::Percent(20);
        for (balance, expect) in [
            (None, Balance::OnShip),
            (Some(BalanceDue::OnShip), Balance::OnShip),
            (Some(BalanceDue::Date), Balance::OnShip),
            (Some(BalanceDue::DaysBefore), Balance::DaysBefore(14)),
        ] {
            let plan = of(&terms(PaymentKind::Deposit, balance));
            assert_eq!(plan, Plan::Deposit { deposit: twenty, balance: expect });
        }
        let fixed = PaymentTerms {
            deposit_amount: Some(Money::new(1_000, Currency::USD)),
            ..terms(PaymentKind::Deposit, None)
        };
        assert_eq!(of(&fixed).upfront(4_900, 2), 2_000);
    }

    proptest! {
        #[test]
        fn shares_taken_one_after_another_lose_nothing(
            amount in 0..1_000_000_i64, takes in prop::collection::vec(1..20_i64, 1..10)
        ) {
            let (mut left, mut units) = (amount, takes.iter().sum::<i64>());
            let mut taken = 0;
            for take in takes {
                let part = share(left, take, units);
                prop_assert!((0..=left).contains(&part));
                (left, units, taken) = (left - part, units - take, taken + part);
            }
            prop_assert_eq!((left, taken), (0, amount));
        }
    }
}
