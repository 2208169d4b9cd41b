//! The figures of each law: how many days, with the place in the law that says so.
//!
//! They are settings because laws change and because some were read at second hand: those are marked
//! [`Figure::reread`]. Have them checked before you rely on them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// One figure of a law.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure<T> {
    /// The figure.
    pub value: T,
    /// Which text says so.
    pub source: Cow<'static, str>,
    /// It is an assumption, or was not read in the text itself: have it checked.
    #[serde(default)]
    pub reread: bool,
}

const fn read<T>(value: T, source: &'static str) -> Figure<T> {
    Figure { value, source: Cow::Borrowed(source), reread: false }
}

const fn recalled<T>(value: T, source: &'static str) -> Figure<T> {
    Figure { value, source: Cow::Borrowed(source), reread: true }
}

/// The figures of every law.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LawBook {
    /// The United States.
    pub us: UsFigures,
    /// The European Economic Area.
    pub eu: DeliveryFigures,
    /// The United Kingdom.
    pub uk: DeliveryFigures,
}

/// The figures of 16 CFR part 435.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UsFigures {
    /// Days to ship where no time was stated.
    pub unstated_days: Figure<u16>,
    /// The same where the buyer applied to the seller for credit.
    pub credit_days: Figure<u16>,
    /// A first delay of so many days or less may rest on silence; a longer one needs an answer within so many.
    pub short_delay_days: Figure<u16>,
    /// Working days within which a refund is sent.
    pub refund_working_days: Figure<u16>,
    /// Days of a billing cycle, within which the seller's own credit is given back.
    pub billing_cycle_days: Figure<u16>,
    /// Whether consent to a delay beyond the date of the notice moves that date.
    pub consent_beyond: Figure<bool>,
}

/// The figures of a law that counts until delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryFigures {
    /// Days to deliver where no time was agreed.
    pub delivery_days: Figure<u16>,
    /// Days after receipt within which the consumer may withdraw.
    pub withdrawal_days: Figure<u16>,
    /// Whether a withdrawal period that ends on a day off lasts to the next working day.
    pub withdrawal_rolls: Figure<bool>,
    /// Days after a withdrawal within which money is given back.
    pub refund_days: Figure<u16>,
    /// Days after a termination for late delivery within which money is given back.
    pub termination_refund_days: Figure<u16>,
    /// Whether a shop's page must offer the withdrawal itself, with a receipt.
    pub withdrawal_function: Figure<bool>,
}

impl Default for UsFigures {
    fn default() -> Self {
        Self {
            unstated_days: read(30, "16 CFR 435.2(a)(1)(ii)"),
            credit_days: read(50, "16 CFR 435.2(a)(1)(ii), proviso"),
            short_delay_days: read(30, "16 CFR 435.2(b)(1)(ii) and (iii)"),
            refund_working_days: read(7, "16 CFR 435.1(b)(1); working days are not defined there"),
            billing_cycle_days: recalled(
                30,
                "16 CFR 435.1(b)(2): one billing cycle, as long as the seller's own",
            ),
            consent_beyond: recalled(true, "16 CFR 435.2(b)(1)(iv)"),
        }
    }
}

impl Default for LawBook {
    fn default() -> Self {
        Self {
            us: UsFigures::default(),
            eu: DeliveryFigures {
                delivery_days: read(30, "Directive 2011/83/EU art. 18(1)"),
                withdrawal_days: recalled(14, "Directive 2011/83/EU art. 9"),
                withdrawal_rolls: recalled(
                    true,
                    "Regulation 1182/71 art. 3(4), Directive 2011/83/EU recital 41",
                ),
                refund_days: recalled(14, "Directive 2011/83/EU art. 13(1)"),
                termination_refund_days: recalled(
                    14,
                    "Directive 2011/83/EU art. 18(3): without undue delay; the days are ours",
                ),
                withdrawal_function: read(true, "Directive 2011/83/EU art. 11a, since 2026-06-19"),
            },
            uk: DeliveryFigures {
                delivery_days: read(30, "Consumer Rights Act 2015 s. 28(3)"),
                withdrawal_days: recalled(14, "Consumer Contracts Regulations 2013 reg. 30"),
                withdrawal_rolls: recalled(false, "Consumer Contracts Regulations 2013 reg. 30 knows none"),
                refund_days: recalled(14, "Consumer Contracts Regulations 2013 reg. 34"),
                termination_refund_days: recalled(
                    14,
                    "Consumer Rights Act 2015 s. 28(9): without undue delay; the days are ours",
                ),
                withdrawal_function: recalled(false, "no such duty known"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_names_its_source_and_can_be_set() {
        let book = LawBook::default();
        let written = serde_json::to_value(&book).unwrap();
        for law in ["us", "eu", "uk"] {
            for (name, figure) in written[law].as_object().unwrap() {
                assert!(figure["source"].as_str().unwrap().len() > 10, "{law} {name}");
            }
        }
        assert_eq!(serde_json::from_value::<LawBook>(written).unwrap(), book);
        let text = r#"{"us": {"refund_working_days": {"value": 5, "source": "our counsel, 2026"}}}"#;
        let set: LawBook = serde_json::from_str(text).unwrap();
        assert_eq!((set.us.refund_working_days.value, set.us.unstated_days.value), (5, 30));
        assert!(serde_json::from_str::<LawBook>(r#"{"ca": {}}"#).is_err());
    }
}
