//! The figures of each law: how many days, with the place in the law that says so.
//!
//! They are settings because laws change and because some were read at second hand: those are marked
//! [`Figure::reread`]. Have them checked before you rely on them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Law;

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

/// A figure that a shop sets itself, after its counsel has read the law.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnFigure {
    /// Of which law.
    pub law: Law,
    /// Which: `refund_working_days`.
    pub name: String,
    /// The figure.
    pub value: FigureValue,
    /// Who says so, and when.
    pub source: String,
}

/// Days, or whether something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FigureValue {
    /// Days.
    Days(u16),
    /// Whether it holds.
    Holds(bool),
}

/// A figure as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Of which law.
    pub law: Law,
    /// Which.
    pub name: &'static str,
    /// The figure.
    pub value: FigureValue,
    /// Which text says so.
    pub source: String,
    /// Have it checked.
    pub reread: bool,
}

/// Why a figure cannot be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FigureError {
    /// There is none of that name.
    #[error("no figure of this law has that name")]
    Unknown,
    /// It is days where something holds or not, or the other way round.
    #[error("the figure is of the other kind: days, or true or false")]
    OtherKind,
}

/// A figure in its place.
enum Slot<'a> {
    Days(&'a mut Figure<u16>),
    Holds(&'a mut Figure<bool>),
}

impl LawBook {
    /// The figures with those that a shop sets itself; these need no checking any more.
    ///
    /// Errors: the first that cannot be set, with its place in the list.
    pub fn with(own: &[OwnFigure]) -> Result<Self, (usize, FigureError)> {
        let mut book = Self::default();
        for (nth, figure) in own.iter().enumerate() {
            let source = Cow::Owned(figure.source.clone());
            let mut slots = book.slots();
            let found = slots.iter_mut().find(|(law, name, _)| *law == figure.law && *name == figure.name);
            match (found, figure.value) {
                (Some((_, _, Slot::Days(slot))), FigureValue::Days(value)) => {
                    **slot = Figure { value, source, reread: false };
                }
                (Some((_, _, Slot::Holds(slot))), FigureValue::Holds(value)) => {
                    **slot = Figure { value, source, reread: false };
                }
                (Some(_), _) => return Err((nth, FigureError::OtherKind)),
                (None, _) => return Err((nth, FigureError::Unknown)),
            }
        }
        Ok(book)
    }

    /// Every figure, law by law.
    pub fn listed(&self) -> Vec<Listed> {
        let mut book = self.clone();
        let listed = book.slots().into_iter().map(|(law, name, slot)| {
            let (value, source, reread) = match slot {
                Slot::Days(figure) => (FigureValue::Days(figure.value), &figure.source, figure.reread),
                Slot::Holds(figure) => (FigureValue::Holds(figure.value), &figure.source, figure.reread),
            };
            Listed { law, name, value, source: source.to_string(), reread }
        });
        listed.collect()
    }

    /// The figures of a law that counts until delivery; `None` for one that does not.
    pub fn of_delivery(&self, law: Law) -> Option<&DeliveryFigures> {
        match law {
            Law::Us => None,
            Law::Eu => Some(&self.eu),
            Law::Uk => Some(&self.uk),
        }
    }

    fn slots(&mut self) -> Vec<(Law, &'static str, Slot<'_>)> {
        let us = &mut self.us;
        let mut slots = vec![
            (Law::Us, "unstated_days", Slot::Days(&mut us.unstated_days)),
            (Law::Us, "credit_days", Slot::Days(&mut us.credit_days)),
            (Law::Us, "short_delay_days", Slot::Days(&mut us.short_delay_days)),
            (Law::Us, "refund_working_days", Slot::Days(&mut us.refund_working_days)),
            (Law::Us, "billing_cycle_days", Slot::Days(&mut us.billing_cycle_days)),
            (Law::Us, "consent_beyond", Slot::Holds(&mut us.consent_beyond)),
        ];
        for (law, of) in [(Law::Eu, &mut self.eu), (Law::Uk, &mut self.uk)] {
            slots.extend([
                (law, "delivery_days", Slot::Days(&mut of.delivery_days)),
                (law, "withdrawal_days", Slot::Days(&mut of.withdrawal_days)),
                (law, "withdrawal_rolls", Slot::Holds(&mut of.withdrawal_rolls)),
                (law, "refund_days", Slot::Days(&mut of.refund_days)),
                (law, "termination_refund_days", Slot::Days(&mut of.termination_refund_days)),
                (law, "withdrawal_function", Slot::Holds(&mut of.withdrawal_function)),
            ]);
        }
        slots
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
        // Every one that is written is listed, and can be set by that name.
        let count: usize = ["us", "eu", "uk"].iter().map(|law| written_len(&book, law)).sum();
        assert_eq!(book.listed().len(), count);
        for Listed { law, name, value, .. } in book.listed() {
            let own =
                |value| OwnFigure { law, name: name.to_owned(), value, source: "our counsel".to_owned() };
            let (set, other) = match value {
                FigureValue::Days(days) => (FigureValue::Days(days + 1), FigureValue::Holds(true)),
                FigureValue::Holds(holds) => (FigureValue::Holds(!holds), FigureValue::Days(1)),
            };
            let listed = LawBook::with(&[own(set)]).unwrap().listed();
            let found = listed.iter().find(|found| found.law == law && found.name == name).unwrap();
            assert_eq!((found.value, &*found.source, found.reread), (set, "our counsel", false), "{name}");
            assert_eq!(LawBook::with(&[own(set), own(other)]), Err((1, FigureError::OtherKind)));
        }
        let unknown = OwnFigure {
            law: Law::Us,
            name: "refund_days".to_owned(),
            value: FigureValue::Days(1),
            source: "x".to_owned(),
        };
        assert_eq!(LawBook::with(&[unknown]), Err((0, FigureError::Unknown)));
        let text = r#"{"us": {"refund_working_days": {"value": 5, "source": "our counsel, 2026"}}}"#;
        let set: LawBook = serde_json::from_str(text).unwrap();
        assert_eq!((set.us.refund_working_days.value, set.us.unstated_days.value), (5, 30));
        assert!(serde_json::from_str::<LawBook>(r#"{"ca": {}}"#).is_err());
    }

    fn written_len(book: &LawBook, law: &str) -> usize {
        serde_json::to_value(book).unwrap()[law].as_object().unwrap().len()
    }
}
