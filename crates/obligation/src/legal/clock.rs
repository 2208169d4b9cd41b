//! One legal clock as a question and an answer that can be written down: `shipwhen calc legal_clock`.

use model::time::{Date, DateError, Timestamp, Zone, checked_date, deserialize_optional_date, local_date};
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    Deadline, Duty, Exemption, Jurisdiction, Law, LawBook, LegalOrder, MerchantPolicy, OnSilence, RefundForm,
    RemarkCode, Revised, State, Step, StepKind, Tender, standing,
};

/// What every answer says of itself.
pub const NOTE: &str = "a reading of the rules by a tool, not legal advice";

/// Most steps in one question.
pub const STEPS_MAX: usize = 1_000;

/// A question about one line of an order.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockInput {
    /// The place that goods go to: a country, a part of one, `US`, `EU` or `UK`. Anything else, or null, is a place
    /// whose law is not known: the strictest holds.
    #[serde(default)]
    pub jurisdiction: Option<String>,
    /// When the order and a payment, or an authorisation to charge, had been received; null: not yet.
    #[serde(deserialize_with = "nullable")]
    pub ordered_at: Option<Timestamp>,
    /// The buyer's time zone.
    pub zone: Zone,
    /// By when it was said to ship (where the law counts to delivery: to be delivered).
    #[serde(default, deserialize_with = "deserialize_optional_date")]
    pub stated_by: Option<Date>,
    /// Delivery by that date is essential to the buyer.
    #[serde(default)]
    pub essential: bool,
    /// The buyer applied to the seller for credit.
    #[serde(default)]
    pub credit_application: bool,
    /// How it was paid.
    #[serde(default)]
    pub tender: Tender,
    /// Why the US rule does not apply.
    #[serde(default)]
    pub exempt: Option<Exemption>,
    /// What happened, in any order.
    #[serde(default)]
    pub steps: Vec<StepInput>,
    /// At which moment to look.
    pub asked_at: Timestamp,
    /// The merchant's own policy.
    #[serde(default)]
    pub policy: MerchantPolicy,
}

/// One step.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepInput {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: KindInput,
    /// The new date of a notice or a consent, the last day of an extra period.
    #[serde(default, deserialize_with = "deserialize_optional_date")]
    pub revised_to: Option<Date>,
    /// Nobody can say a new date.
    #[serde(default)]
    pub indefinite: bool,
    /// Which version of the promise a notice tells, or a consent answers.
    #[serde(default)]
    pub version: Option<u32>,
}

/// The kinds of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KindInput {
    /// Told of a delay.
    Notice,
    /// Agreed to it.
    Consent,
    /// The buyer cancelled.
    Cancel,
    /// The carrier has the goods.
    Scan,
    /// A label was made.
    Label,
    /// The last notice came back.
    Bounce,
    /// The seller will not ship.
    SellerCancel,
    /// The buyer set a further period.
    ExtraPeriod,
    /// The buyer has the goods.
    Delivered,
}

/// The answer. Dates that no longer matter are null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClockAnswer {
    /// Where the line stands.
    pub state: State,
    /// The last day on which the carrier may take it; where delivery counts, the last day for that.
    pub ship_by: Option<Date>,
    /// The last day to deliver it, where a law counts so.
    pub deliver_by: Option<Date>,
    /// The last day to tell of a further delay.
    pub notice_by: Option<Date>,
    /// The last day to answer.
    pub answer_by: Option<Date>,
    /// What follows without an answer.
    pub on_silence: Option<OnSilence>,
    /// From when on the buyer may end the contract for late delivery.
    pub terminable_from: Option<Date>,
    /// The last day to withdraw after delivery.
    pub withdraw_by: Option<Date>,
    /// When it was cancelled.
    pub cancelled_on: Option<Date>,
    /// By which rule.
    pub cancelled_by_rule: Option<&'static str>,
    /// The last day to send the money back.
    pub refund_by: Option<Date>,
    /// What goes back.
    pub refund: Option<RefundForm>,
    /// What must happen next.
    pub duties: Vec<Duty>,
    /// The laws asked.
    pub laws: Vec<Law>,
    /// What did not count.
    pub remarks: Vec<RemarkOut>,
    /// What this answer is.
    pub note: &'static str,
}

/// What is to say about a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemarkOut {
    /// Its place in `steps`.
    pub step: usize,
    /// A stable name.
    pub code: RemarkCode,
    /// A sentence.
    pub detail: &'static str,
}

/// Why a question has no answer. None of them goes away by asking again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// The text is empty.
    #[error("{field}: must not be empty; null where the place is not known")]
    Empty {
        /// The field at fault.
        field: String,
    },
    /// The day lies outside the days that can be counted.
    #[error("{field}: {problem}")]
    OutOfRange {
        /// The field at fault.
        field: String,
        /// Which day, and what would do.
        problem: DateError,
    },
    /// It lies before something that it must follow.
    #[error("{field}: {at} is before {what}, {earliest}")]
    Before {
        /// The field at fault.
        field: String,
        /// What it says.
        at: Date,
        /// What it must follow.
        what: &'static str,
        /// When that was.
        earliest: Date,
    },
    /// A notice needs one of two fields, and has none or both.
    #[error("{field}: a {kind} has either revised_to or indefinite")]
    OneOf {
        /// The field at fault.
        field: String,
        /// The kind of step.
        kind: &'static str,
    },
    /// An extra period has no last day.
    #[error("{field}: an extra_period needs its last day here")]
    Missing {
        /// The field at fault.
        field: String,
    },
    /// The step has a field that its kind has no use for.
    #[error("{field}: has no meaning for this kind of step")]
    Stray {
        /// The field at fault.
        field: String,
    },
    /// Too many steps.
    #[error("{field}: at most {STEPS_MAX} steps, got {got}")]
    TooMany {
        /// The field at fault.
        field: String,
        /// How many there are.
        got: usize,
    },
}

impl ClockError {
    /// Names the field at fault, as `steps[2].at`.
    pub fn field(&self) -> &str {
        match self {
            Self::Empty { field }
            | Self::OutOfRange { field, .. }
            | Self::Before { field, .. }
            | Self::OneOf { field, .. }
            | Self::Missing { field }
            | Self::Stray { field }
            | Self::TooMany { field, .. } => field,
        }
    }
}

/// Answers a question, by the figures of the law as they are known here.
///
/// Errors: checked in the order of the fields; the first at fault is named.
pub fn legal_clock(input: &ClockInput) -> Result<ClockAnswer, ClockError> {
    let jurisdiction = match input.jurisdiction.as_deref().map(str::trim) {
        None => Jurisdiction::unknown(),
        Some("") => return Err(ClockError::Empty { field: "jurisdiction".into() }),
        Some(place) => Jurisdiction::of(place),
    };
    let ordered_on = match input.ordered_at {
        Some(at) => Some(day("ordered_at", at, &input.zone)?),
        None => None,
    };
    let after_order = |field: String, at: Date| match ordered_on {
        Some(earliest) if at < earliest => Err(ClockError::Before { field, at, what: "the order", earliest }),
        _ => Ok(()),
    };
    if let Some(stated_by) = input.stated_by {
        after_order("stated_by".into(), stated_by)?;
    }
    if input.steps.len() > STEPS_MAX {
        return Err(ClockError::TooMany { field: "steps".into(), got: input.steps.len() });
    }
    let mut steps = Vec::with_capacity(input.steps.len());
    for (place, step) in input.steps.iter().enumerate() {
        let field = |name: &str| format!("steps[{place}].{name}");
        let on = day(&field("at"), step.at, &input.zone)?;
        after_order(field("at"), on)?;
        steps.push(Step { at: step.at, kind: kind(step, on, field)? });
    }
    after_order("asked_at".into(), day("asked_at", input.asked_at, &input.zone)?)?;
    let order = LegalOrder {
        ordered_at: input.ordered_at,
        zone: input.zone.clone(),
        stated_by: input.stated_by,
        deliver_stated_by: None,
        essential: input.essential,
        credit_application: input.credit_application,
        tender: input.tender,
        exempt: input.exempt,
    };
    let found = standing(&order, &steps, &jurisdiction, &input.policy, &LawBook::default(), input.asked_at);
    let on = |deadline: Option<Deadline>| deadline.map(|deadline| deadline.on);
    Ok(ClockAnswer {
        state: found.state,
        ship_by: on(found.ship_by),
        deliver_by: on(found.deliver_by),
        notice_by: on(found.notice_by),
        answer_by: on(found.answer_by),
        on_silence: found.on_silence,
        terminable_from: found.terminable_from,
        withdraw_by: on(found.withdraw_by),
        cancelled_on: found.cancelled.map(|end| end.on),
        cancelled_by_rule: found.cancelled.map(|end| end.rule),
        refund_by: on(found.refund_by),
        refund: found.refund,
        duties: found.duties(),
        laws: found.laws,
        remarks: found
            .remarks
            .iter()
            .map(|remark| RemarkOut { step: remark.step, code: remark.code, detail: remark.code.text() })
            .collect(),
        note: NOTE,
    })
}

/// The buyer's day of an instant, if it can be counted from.
fn day(field: &str, at: Timestamp, zone: &Zone) -> Result<Date, ClockError> {
    checked_date(local_date(at, zone))
        .map_err(|problem| ClockError::OutOfRange { field: field.to_owned(), problem })
}

/// Reads what a step says, and refuses what its kind has no use for.
fn kind(step: &StepInput, on: Date, field: impl Fn(&str) -> String) -> Result<StepKind, ClockError> {
    let names_a_date = matches!(step.kind, KindInput::Notice | KindInput::Consent | KindInput::ExtraPeriod);
    let answers = matches!(step.kind, KindInput::Notice | KindInput::Consent);
    if step.revised_to.is_some() && !names_a_date {
        return Err(ClockError::Stray { field: field("revised_to") });
    }
    if step.indefinite && !answers {
        return Err(ClockError::Stray { field: field("indefinite") });
    }
    if step.version.is_some() && !answers {
        return Err(ClockError::Stray { field: field("version") });
    }
    if let Some(at) = step.revised_to
        && at < on
    {
        let field = field("revised_to");
        return Err(ClockError::Before { field, at, what: "the step itself", earliest: on });
    }
    let revised = match (step.revised_to, step.indefinite) {
        (Some(_), true) => {
            let kind = if step.kind == KindInput::Notice { "notice" } else { "consent" };
            return Err(ClockError::OneOf { field: field("indefinite"), kind });
        }
        (Some(date), false) => Some(Revised::To(date)),
        (None, true) => Some(Revised::Indefinite),
        (None, false) => None,
    };
    Ok(match (step.kind, revised) {
        (KindInput::Notice, Some(revised)) => {
            StepKind::Notice { revised, deliver_by: None, version: step.version }
        }
        (KindInput::Notice, None) => {
            return Err(ClockError::OneOf { field: field("revised_to"), kind: "notice" });
        }
        (KindInput::ExtraPeriod, Some(Revised::To(until))) => StepKind::ExtraPeriod { until },
        (KindInput::ExtraPeriod, _) => return Err(ClockError::Missing { field: field("revised_to") }),
        (KindInput::Consent, until) => StepKind::Consent { until, version: step.version },
        (KindInput::Cancel, _) => StepKind::Cancel,
        (KindInput::SellerCancel, _) => StepKind::SellerCancel,
        (KindInput::Scan, _) => StepKind::Scan,
        (KindInput::Label, _) => StepKind::Label,
        (KindInput::Bounce, _) => StepKind::Bounce,
        (KindInput::Delivered, _) => StepKind::Delivered,
    })
}

/// Reads a value or null, and unlike a plain `Option` insists that the field is there.
fn nullable<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    Option::deserialize(from)
}
