//! What follows from a customer's answer, and from none.

use model::time::{Date, Timestamp, local_date};
use serde::{Deserialize, Serialize};

use crate::legal::{Case, OnSilence, RefundForm, Standing, State, Step, StepKind};

/// What a customer can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Waits for the new date.
    Keep,
    /// Cancels.
    Cancel,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// The order stays.
    Kept {
        /// By when it must ship now; `None` where no day is set.
        ship_by: Option<Date>,
    },
    /// The order is cancelled: call off what is open and give the money back.
    Cancelled {
        /// On which day.
        on: Date,
        /// By which rule.
        rule: &'static str,
        /// The last day to send the money.
        refund_by: Option<Date>,
        /// What goes back.
        refund: RefundForm,
        /// The goods have left, or were just leaving: stop the parcel.
        stop_parcel: bool,
    },
    /// The customer agreed to an older version of the promise. That says nothing about the newer one: its question stays
    /// open.
    Outdated {
        /// The version that is asked about now.
        asked: u32,
    },
    /// Nothing was asked that this could answer.
    NothingAsked,
    /// It left, and this law gives no way back.
    AlreadyShipped,
    /// No answer is in, and there is time.
    Waits {
        /// The last day to answer, where there is one.
        answer_by: Option<Date>,
        /// What follows then.
        on_silence: OnSilence,
    },
}

/// Says what follows from an answer, and what it adds to the line's history, if anything.
///
/// `asked` is the version of the promise that the last notice told; `answered` the one that the customer answers, as
/// the link says. To keep is to agree to one version. To cancel is to cancel, whatever version was told: who does not
/// want the goods need not be asked again.
pub fn answered(
    case: &Case<'_>,
    asked: Option<u32>,
    answered: u32,
    answer: Answer,
    now: Timestamp,
) -> (Outcome, Option<Step>) {
    let before = case.standing(now);
    if before.cancelled.is_some() {
        return (cancelled(&before, before.state, false), None);
    }
    if answer == Answer::Cancel {
        let step = Step { at: now, kind: StepKind::Cancel };
        let after = case.standing_with(step.clone(), now);
        let left = before.state == State::Shipped || before.state == State::Delivered;
        return match after.state {
            State::Cancelled => (cancelled(&after, before.state, left), Some(step)),
            State::NoClock => (unminded(local_date(now, &case.order.zone)), Some(step)),
            _ => (Outcome::AlreadyShipped, None),
        };
    }
    match asked {
        None => (Outcome::NothingAsked, None),
        Some(asked) if asked != answered => (Outcome::Outdated { asked }, None),
        Some(_) => {
            let step = Step { at: now, kind: StepKind::Consent { until: None, version: Some(answered) } };
            let after = case.standing_with(step.clone(), now);
            (Outcome::Kept { ship_by: after.ship_by.map(|deadline| deadline.on) }, Some(step))
        }
    }
}

/// Says what follows when no answer is in: nothing yet, or what the law makes of silence.
pub fn unanswered(case: &Case<'_>, now: Timestamp) -> Outcome {
    let standing = case.standing(now);
    if standing.cancelled.is_some() {
        return cancelled(&standing, standing.state, false);
    }
    match (standing.on_silence, standing.answer_by) {
        (Some(on_silence), answer_by) => {
            Outcome::Waits { answer_by: answer_by.map(|deadline| deadline.on), on_silence }
        }
        (None, _) => Outcome::Kept { ship_by: standing.ship_by.map(|deadline| deadline.on) },
    }
}

/// No law minds this order: the merchant takes any cancellation before it ships.
fn unminded(on: Date) -> Outcome {
    let rule = "the merchant's own policy";
    Outcome::Cancelled { on, rule, refund_by: None, refund: RefundForm::Money, stop_parcel: false }
}

fn cancelled(standing: &Standing, before: State, left: bool) -> Outcome {
    let Some(cancelled) = standing.cancelled else { return Outcome::NothingAsked };
    Outcome::Cancelled {
        on: cancelled.on,
        rule: cancelled.rule,
        refund_by: standing.refund_by.map(|deadline| deadline.on),
        refund: standing.refund.unwrap_or(RefundForm::Money),
        stop_parcel: left && before != State::Delivered,
    }
}
