//! What a notice must say, piece by piece.

use model::time::Date;
use serde::{Deserialize, Serialize};

use super::Said;
use crate::legal::RefundForm;

/// One thing that a notice must say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "clause")]
pub enum Clause {
    /// When it was to ship.
    OldDate {
        /// As it was told; `None` where no date was.
        ship_by: Option<Date>,
    },
    /// When it ships.
    NewDate {
        /// As it is now.
        new: Said,
    },
    /// Nobody can say when it ships.
    NoDate,
    /// Why.
    Reason {
        /// In words for the customer.
        reason: String,
    },
    /// The customer may cancel and gets everything back.
    RightToCancel,
    /// Without an answer the order stays.
    SilenceKeeps {
        /// The last day to say no, where there is one.
        until: Option<Date>,
    },
    /// Without an answer the order is cancelled.
    SilenceCancels {
        /// The last day to say yes, and to ship without an answer.
        after: Date,
    },
    /// Who agrees to wait without a date may still cancel at any time.
    ContinuingRight,
    /// Answering costs nothing.
    FreeMeans,
    /// It was cancelled.
    Cancelled,
    /// What goes back.
    Refund {
        /// Money, or the word that none was taken.
        form: RefundForm,
        /// The last day.
        by: Option<Date>,
    },
    /// It left.
    Shipped {
        /// When it should be there.
        deliver_by: Option<Date>,
    },
    /// Nothing has changed.
    NoNews,
    /// The goods are here, at the price of the order.
    StillWanted,
    /// Without an answer they are sent.
    SilenceShips,
}

impl Clause {
    pub(super) fn old_date(old: Option<Said>) -> Self {
        Self::OldDate { ship_by: old.and_then(|said| said.ship_by) }
    }

    /// It as a plain sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::OldDate { ship_by: Some(date) } => format!("We had said that it ships by {}.", long(*date)),
            Self::OldDate { ship_by: None } => "We had not been able to say when it ships.".to_owned(),
            Self::NewDate { new } => match (new.ship_by, new.deliver_by) {
                (Some(ship), Some(deliver)) if deliver != ship => {
                    format!("It ships by {} and should be with you by {}.", long(ship), long(deliver))
                }
                (Some(ship), _) => format!("It ships by {}.", long(ship)),
                (None, _) => Self::NoDate.sentence(),
            },
            Self::NoDate => "We cannot say when it will ship.".to_owned(),
            Self::Reason { reason } => format!("The reason: {reason}."),
            Self::RightToCancel => {
                "You may cancel now and get everything you paid for it back promptly.".to_owned()
            }
            Self::SilenceKeeps { until: Some(date) } => format!(
                "If we do not hear from you before it ships and by {}, we take it that you agree to wait.",
                long(*date)
            ),
            Self::SilenceKeeps { until: None } => "If we do not hear from you, your order stays.".to_owned(),
            Self::SilenceCancels { after } => format!(
                "Unless it has shipped or you have agreed to wait by {}, we cancel it and give your money back.",
                long(*after)
            ),
            Self::ContinuingRight => {
                "If you agree to wait, you may still cancel at any time until it ships.".to_owned()
            }
            Self::FreeMeans => "Answering costs you nothing: use the links below.".to_owned(),
            Self::Cancelled => "It has been cancelled.".to_owned(),
            Self::Refund { form: RefundForm::Money, by } => match by {
                Some(date) => format!(
                    "What you paid goes back the way it came; we send it by {} at the latest.",
                    long(*date)
                ),
                None => "What you paid goes back the way it came.".to_owned(),
            },
            Self::Refund { form: RefundForm::NoChargeStatement, .. } => {
                "You have not been charged for it, and will not be.".to_owned()
            }
            Self::Shipped { deliver_by: Some(date) } => {
                format!("It is on its way and should be with you by {}.", long(*date))
            }
            Self::Shipped { deliver_by: None } => "It is on its way.".to_owned(),
            Self::NoNews => "There is no news yet; your order is safe.".to_owned(),
            Self::StillWanted => {
                "It is here, at the price you ordered it for. Do you still want it?".to_owned()
            }
            Self::SilenceShips => "If we do not hear from you, we send it.".to_owned(),
        }
    }
}

/// A date as people write it: 30 December 2026.
fn long(date: Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}
