//! Sales that are final: what of that holds against a buyer, by the law of the place that goods go to and by what became of them.
//!
//! How a line was sold is kept when it is bought ([`SaleTerms`]), so that a policy that changes later changes nothing of it.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    item::Returns,
    order::{Line, Order},
    time::Date,
};
use serde::{Deserialize, Serialize};

use crate::legal::{Jurisdiction, LawBook, MerchantPolicy, Terms, terms};

/// The kind of the record that keeps how an order's lines were sold; its id and its owner are the order's. Orders of which every
/// line can be called off have none.
pub const SALE: &str = "sale_terms";

/// How lines of an order were sold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleTerms {
    /// By the line's number; lines that can be called off are left out.
    pub lines: BTreeMap<u16, Returns>,
}

impl SaleTerms {
    /// How a line was sold.
    pub fn of(&self, line: u16) -> Returns {
        self.lines.get(&line).copied().unwrap_or_default()
    }

    /// The lines that their customer cannot call off today.
    ///
    /// A line that is late can always be called off: "final" holds as long as goods ship in time (16 CFR 435.2(b), Directive
    /// 2011/83/EU art. 18).
    pub fn held(
        &self,
        order: &Order,
        today: Date,
        (place, policy, book): (&Jurisdiction, &MerchantPolicy, &LawBook),
    ) -> BTreeSet<u16> {
        let holds = |line: &&Line| {
            let terms = rights(self.of(line.no), policy, place, book);
            !terms.cancel_before_shipment && !is_late(line, today)
        };
        let sold_so = order.lines.iter().filter(|line| !self.of(line.no).is_free());
        sold_so.filter(holds).map(|line| line.no).collect()
    }

    /// The lines that no law lets a consumer withdraw from.
    pub fn never_withdrawn(&self) -> BTreeSet<u16> {
        let made = self.lines.iter().filter(|(_, returns)| **returns == Returns::MadeToSpecification);
        made.map(|(line, _)| *line).collect()
    }
}

/// What a buyer may do about something that is sold so.
///
/// A right to withdraw overrides "final"; there is none for goods made to the consumer's specifications or clearly personalised
/// (Directive 2011/83/EU art. 16(c), Consumer Contracts Regulations 2013 reg. 28(1)(b)).
pub fn rights(returns: Returns, policy: &MerchantPolicy, place: &Jurisdiction, book: &LawBook) -> Terms {
    let own = MerchantPolicy { final_sale: !returns.is_free(), ..policy.clone() };
    let found = terms(&own, place, book);
    match returns {
        Returns::Free | Returns::FinalSale => found,
        Returns::MadeToSpecification => Terms {
            cancel_before_shipment: false,
            final_sale: true,
            withdrawal_days: None,
            withdrawal_function: false,
            ..found
        },
    }
}

/// Whether a line ships later than its buyer was promised when it was bought, or was promised no date at all.
fn is_late(line: &Line, today: Date) -> bool {
    let first = line.promises.first().and_then(|promise| promise.ship_by.promised);
    let last = line.promises.last().and_then(|promise| promise.ship_by.promised);
    first.is_none_or(|first| today > first || last.is_none_or(|last| last > first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_law_of_the_place_goes_before_final_unless_it_was_made_for_the_buyer() {
        let (own, book) = (MerchantPolicy::default(), LawBook::default());
        let of = |returns, place: &str| {
            let terms = rights(returns, &own, &Jurisdiction::of(place), &book);
            (terms.cancel_before_shipment, terms.withdrawal_days)
        };
        for (returns, place, expected) in [
            (Returns::Free, "US", (true, None)),
            (Returns::FinalSale, "US", (false, None)),
            (Returns::MadeToSpecification, "US", (false, None)),
            (Returns::FinalSale, "DE", (true, Some(14))),
            (Returns::FinalSale, "GB", (true, Some(14))),
            (Returns::FinalSale, "nowhere", (true, Some(14))),
            (Returns::MadeToSpecification, "DE", (false, None)),
            (Returns::MadeToSpecification, "GB", (false, None)),
        ] {
            assert_eq!(of(returns, place), expected, "{returns:?} {place}");
        }
        let as_in_europe = MerchantPolicy { also: vec![crate::legal::Law::Eu], ..own };
        assert!(
            rights(Returns::FinalSale, &as_in_europe, &Jurisdiction::of("US"), &book).cancel_before_shipment
        );
    }
}
