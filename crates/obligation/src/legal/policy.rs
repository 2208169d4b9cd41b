//! What a merchant promises beyond the law, and which of its terms the law overrides.

use model::time::Date;
use serde::{Deserialize, Serialize};

use super::{Jurisdiction, Law, LawBook, Standing, State, plus, standing::Deadline};

const POLICY: &str = "the merchant's own policy";

/// A merchant's own terms. They may give the buyer more than the law, never less.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MerchantPolicy {
    /// Laws kept for every buyer, wherever the goods go.
    pub also: Vec<Law>,
    /// Ships within so many days of the order unless the buyer agrees to more.
    pub ship_within_days: Option<u16>,
    /// Tells of a delay so many days before the law's last day.
    pub notice_lead_days: u16,
    /// Sends money back within so many days of a cancellation; 0 on the same day.
    pub refund_within_days: Option<u16>,
    /// Says that sales are final.
    pub final_sale: bool,
    /// Says that cancelling costs something.
    pub cancellation_fee: bool,
}

impl MerchantPolicy {
    /// Brings days forward where the policy is stricter than the law.
    pub(super) fn bind(&self, mut standing: Standing, ordered_on: Date) -> Standing {
        let earlier = |deadline: Option<Deadline>, on: Date| match deadline {
            Some(deadline) if deadline.on <= on => Some(deadline),
            _ => Some(Deadline::new(on, POLICY)),
        };
        if let Some(days) = self.ship_within_days
            && standing.state == State::Open
        {
            standing.ship_by = earlier(standing.ship_by, plus(ordered_on, days));
            standing.notice_by = earlier(standing.notice_by, plus(ordered_on, days));
        }
        if let Some(deadline) = standing.notice_by
            && self.notice_lead_days > 0
        {
            let on = crate::holidays::shifted(deadline.on, -i32::from(self.notice_lead_days)).max(ordered_on);
            standing.notice_by = earlier(Some(deadline), on);
        }
        if let (Some(days), Some(cancelled)) = (self.refund_within_days, standing.cancelled) {
            standing.refund_by = earlier(standing.refund_by, plus(cancelled.on, days));
        }
        standing
    }
}

/// What of a merchant's terms holds for a buyer, to be shown before the purchase and kept with the consent to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Terms {
    /// The buyer may cancel before the goods ship, and gets everything back.
    pub cancel_before_shipment: bool,
    /// "All sales are final" holds as long as the goods ship in time.
    pub final_sale: bool,
    /// A fee for a change of mind holds as long as the goods ship in time.
    pub cancellation_fee: bool,
    /// Days to withdraw after delivery without a reason; `None` where no law gives them.
    pub withdrawal_days: Option<u16>,
    /// The shop's page must offer the withdrawal itself, in two steps, with a receipt.
    pub withdrawal_function: bool,
    /// When goods are late and the buyer may cancel by law, neither a fee nor "final" holds, and store credit is no refund.
    pub full_refund_when_late: bool,
}

/// Weighs a merchant's terms against the law of the place that goods go to.
///
/// A right to withdraw overrides "final" and any fee. The US rule has none before a delay: there the merchant's terms
/// hold until an option to cancel must be offered.
pub fn terms(policy: &MerchantPolicy, jurisdiction: &Jurisdiction, book: &LawBook) -> Terms {
    let mut laws = jurisdiction.laws().to_vec();
    laws.extend(&policy.also);
    let figures = laws.iter().filter_map(|law| match law {
        Law::Us => None,
        Law::Eu => Some(&book.eu),
        Law::Uk => Some(&book.uk),
    });
    let withdrawal_days = figures.clone().map(|figures| figures.withdrawal_days.value).max();
    let withdrawable = withdrawal_days.is_some();
    Terms {
        cancel_before_shipment: withdrawable || !policy.final_sale,
        final_sale: policy.final_sale && !withdrawable,
        cancellation_fee: policy.cancellation_fee && !withdrawable,
        withdrawal_days,
        withdrawal_function: figures.clone().any(|figures| figures.withdrawal_function.value),
        full_refund_when_late: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_overrides_final_sales_and_fees() {
        let policy = MerchantPolicy { final_sale: true, cancellation_fee: true, ..MerchantPolicy::default() };
        let of = |place: &str| terms(&policy, &Jurisdiction::of(place), &LawBook::default());
        let us = of("US");
        assert!(us.final_sale && us.cancellation_fee && us.full_refund_when_late);
        assert_eq!((us.cancel_before_shipment, us.withdrawal_days), (false, None));
        for place in ["DE", "GB", "nowhere"] {
            let there = of(place);
            assert!(!there.final_sale && !there.cancellation_fee && there.cancel_before_shipment, "{place}");
            assert_eq!(there.withdrawal_days, Some(14));
        }
        assert!(of("FR").withdrawal_function && !of("GB").withdrawal_function);
        let everywhere = MerchantPolicy { also: vec![Law::Eu], ..policy };
        assert!(!terms(&everywhere, &Jurisdiction::of("US"), &LawBook::default()).final_sale);
    }
}
