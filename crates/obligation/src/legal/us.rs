//! The United States: 16 CFR part 435, mail, internet or telephone order merchandise.
//!
//! Each state is left by a step or by the end of its last day, which the next step or the question finds passed.

use model::time::Date;

use super::{
    History, Revised, StepKind, Tender,
    book::UsFigures,
    plus,
    standing::{Cancelled, Deadline, EndedBy, OnSilence, RefundForm, RemarkCode, Standing, State},
};
use crate::holidays::Workdays;

const SHIP: &str = "16 CFR 435.2(a)(1)";
const FIRST_OPTION: &str = "16 CFR 435.2(b)(1)";
const SHORT_DELAY: &str = "16 CFR 435.2(b)(1)(ii)";
const LONG_DELAY: &str = "16 CFR 435.2(b)(1)(iii)";
const RENEWED_OPTION: &str = "16 CFR 435.2(b)(2)";
const BUYER_CANCELLED: &str = "16 CFR 435.2(c)(1)";
const LONG_DELAY_UNANSWERED: &str = "16 CFR 435.2(c)(2)";
const NO_FURTHER_CONSENT: &str = "16 CFR 435.2(c)(3)";
const SELLER_CANCELLED: &str = "16 CFR 435.2(c)(4)";
const NO_OPTION: &str = "16 CFR 435.2(c)(5)";
const REFUND: &str = "16 CFR 435.1(b)(1)";
const CREDIT_REFUND: &str = "16 CFR 435.1(b)(2)";

/// Where the clock stands.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Nothing was said.
    Open {
        until: Date,
    },
    /// A first delay that silence agrees to.
    Short {
        until: Date,
    },
    /// A first delay that only an answer agrees to. It may ship until then all the same.
    Asked {
        until: Date,
        offer: Revised,
    },
    /// The buyer agreed.
    Consented {
        until: Revised,
    },
    /// A further delay: only an answer agrees to it. It may ship until the date that held before.
    Renewed {
        until: Date,
        offer: Revised,
    },
    Shipped,
    Cancelled {
        on: Date,
        rule: &'static str,
    },
}

impl Phase {
    /// The last day of this phase, and which rule cancels after it.
    fn end(self) -> Option<(Date, &'static str)> {
        match self {
            Self::Open { until } => Some((until, NO_OPTION)),
            Self::Asked { until, .. } => Some((until, LONG_DELAY_UNANSWERED)),
            Self::Short { until }
            | Self::Renewed { until, .. }
            | Self::Consented { until: Revised::To(until) } => Some((until, NO_FURTHER_CONSENT)),
            Self::Consented { until: Revised::Indefinite } | Self::Shipped | Self::Cancelled { .. } => None,
        }
    }

    /// The phase at a later day: cancelled from the day after its end, when the right to a refund vests.
    fn at(self, day: Date) -> Self {
        match self.end() {
            Some((end, rule)) if end < day => Self::Cancelled { on: plus(end, 1), rule },
            _ => self,
        }
    }
}

/// Reads a history by this rule.
pub(super) fn stand(history: &History<'_>, figures: &UsFigures) -> Standing {
    if history.order.exempt.is_some() {
        return Standing::none();
    }
    let days = if history.order.credit_application { &figures.credit_days } else { &figures.unstated_days };
    let applicable = history.order.stated_by.unwrap_or_else(|| plus(history.ordered_on, days.value));
    let mut clock = Clock {
        phase: Phase::Open { until: applicable },
        short_until: plus(applicable, figures.short_delay_days.value),
        beyond: figures.consent_beyond.value,
        version: None,
        remarks: Vec::new(),
    };
    for (place, step) in history.steps {
        let day = history.day(step);
        clock.expire(day);
        if let Some(code) = clock.take(&step.kind, day) {
            clock.remarks.push((code, *place));
        }
    }
    clock.expire(history.today);
    let mut standing = describe(clock.phase, history.order.tender, figures);
    for (code, place) in clock.remarks {
        standing.remark(code, place);
    }
    standing
}

struct Clock {
    phase: Phase,
    /// The last day that a first delay may name and still rest on silence; also the last day to answer a longer one.
    short_until: Date,
    beyond: bool,
    /// The version of the promise that the open notice tells.
    version: Option<u32>,
    remarks: Vec<(RemarkCode, usize)>,
}

impl Clock {
    fn expire(&mut self, day: Date) {
        self.phase = self.phase.at(day);
    }

    /// Takes one step into account; answers what is to say about it.
    fn take(&mut self, step: &StepKind, day: Date) -> Option<RemarkCode> {
        match step {
            StepKind::Notice { revised, version, .. } => self.notice(*revised, *version),
            StepKind::Consent { until, version } => self.consent(*until, *version),
            StepKind::Cancel => self.cancel(day, BUYER_CANCELLED),
            StepKind::SellerCancel => self.cancel(day, SELLER_CANCELLED),
            StepKind::Scan => match self.phase {
                Phase::Cancelled { .. } => Some(RemarkCode::ShippedAfterCancellation),
                _ => {
                    self.phase = Phase::Shipped;
                    None
                }
            },
            StepKind::Label => self.waits().then_some(RemarkCode::LabelIsNoShipment),
            StepKind::Bounce | StepKind::ExtraPeriod { .. } | StepKind::Delivered => None,
        }
    }

    fn waits(&self) -> bool {
        !matches!(self.phase, Phase::Shipped | Phase::Cancelled { .. })
    }

    fn notice(&mut self, revised: Revised, version: Option<u32>) -> Option<RemarkCode> {
        let delays = |until: Date| match revised {
            Revised::To(date) => date > until,
            Revised::Indefinite => true,
        };
        let next = match self.phase {
            Phase::Cancelled { rule: BUYER_CANCELLED | SELLER_CANCELLED, .. } => return None,
            Phase::Cancelled { .. } => return Some(RemarkCode::NoticeTooLate),
            Phase::Shipped | Phase::Consented { until: Revised::Indefinite } => return None,
            Phase::Open { until } if delays(until) => match revised {
                Revised::To(date) if date <= self.short_until => Phase::Short { until: date },
                offer => Phase::Asked { until: self.short_until, offer },
            },
            // Told anew before an answer: the offer changes, the day to answer does not.
            Phase::Asked { until, .. } => Phase::Asked { until, offer: revised },
            Phase::Renewed { until, .. } if delays(until) => Phase::Renewed { until, offer: revised },
            Phase::Short { until } | Phase::Consented { until: Revised::To(until) } if delays(until) => {
                Phase::Renewed { until, offer: revised }
            }
            Phase::Open { .. } | Phase::Short { .. } | Phase::Consented { .. } | Phase::Renewed { .. } => {
                return Some(RemarkCode::NoticeWithoutDelay);
            }
        };
        self.phase = next;
        self.version = version;
        None
    }

    fn consent(&mut self, until: Option<Revised>, version: Option<u32>) -> Option<RemarkCode> {
        let offer = match self.phase {
            Phase::Short { until } => Revised::To(until),
            Phase::Asked { offer, .. } | Phase::Renewed { offer, .. } => offer,
            _ => return Some(RemarkCode::ConsentToNothing),
        };
        if let (Some(asked), Some(answered)) = (self.version, version)
            && asked != answered
        {
            return Some(RemarkCode::ConsentOutdated);
        }
        let agreed = match (until, offer) {
            (None, offer) => offer,
            // What the buyer did not agree to does not hold; what goes beyond the offer holds where the law lets it.
            (Some(Revised::To(date)), Revised::To(offered)) if !self.beyond => Revised::To(date.min(offered)),
            (Some(Revised::Indefinite), Revised::To(offered)) if !self.beyond => Revised::To(offered),
            (Some(agreed), _) => agreed,
        };
        // Agreeing to less than what holds anyway takes nothing away from the seller.
        self.phase = match (agreed, self.phase.end()) {
            (Revised::To(date), Some((end, _))) if date < end => Phase::Consented { until: Revised::To(end) },
            _ => Phase::Consented { until: agreed },
        };
        None
    }

    fn cancel(&mut self, day: Date, rule: &'static str) -> Option<RemarkCode> {
        match self.phase {
            Phase::Shipped => Some(RemarkCode::CancelledAfterShipment),
            Phase::Cancelled { .. } => None,
            _ => {
                self.phase = Phase::Cancelled { on: day, rule };
                None
            }
        }
    }
}

fn describe(phase: Phase, tender: Tender, figures: &UsFigures) -> Standing {
    let by = |on: Date, rule: &'static str| Some(Deadline::new(on, rule));
    match phase {
        Phase::Open { until } => Standing {
            ship_by: by(until, SHIP),
            notice_by: by(until, FIRST_OPTION),
            ..Standing::of(State::Open)
        },
        Phase::Short { until } => Standing {
            ship_by: by(until, SHORT_DELAY),
            notice_by: by(until, RENEWED_OPTION),
            answer_by: by(until, SHORT_DELAY),
            on_silence: Some(OnSilence::Keeps),
            ..Standing::of(State::Short)
        },
        Phase::Asked { until, offer } => Standing {
            ship_by: by(until, LONG_DELAY),
            answer_by: by(until, LONG_DELAY),
            on_silence: Some(OnSilence::Cancels),
            ..Standing::of(if offer == Revised::Indefinite { State::Indefinite } else { State::Long })
        },
        Phase::Consented { until: Revised::To(until) } => Standing {
            ship_by: by(until, RENEWED_OPTION),
            notice_by: by(until, RENEWED_OPTION),
            ..Standing::of(State::Consented)
        },
        Phase::Consented { until: Revised::Indefinite } => Standing::of(State::Consented),
        Phase::Renewed { until, .. } => Standing {
            ship_by: by(until, RENEWED_OPTION),
            answer_by: by(until, RENEWED_OPTION),
            on_silence: Some(OnSilence::Cancels),
            ..Standing::of(State::Renewed)
        },
        Phase::Shipped => Standing::of(State::Shipped),
        Phase::Cancelled { on, rule } => {
            let refund_by = match tender {
                Tender::SellerCredit => by(plus(on, figures.billing_cycle_days.value), CREDIT_REFUND),
                Tender::Money | Tender::Uncharged => {
                    by(Workdays::of("US").nth_after(on, figures.refund_working_days.value), REFUND)
                }
            };
            Standing {
                cancelled: Some(Cancelled { on, rule, by: ended_by(rule) }),
                refund_by,
                refund: Some(RefundForm::of(tender)),
                ..Standing::of(State::Cancelled)
            }
        }
    }
}

/// Who ended an order that this rule ends.
fn ended_by(rule: &'static str) -> EndedBy {
    match rule {
        BUYER_CANCELLED => EndedBy::Buyer,
        SELLER_CANCELLED => EndedBy::Seller,
        _ => EndedBy::Law,
    }
}

impl RefundForm {
    /// What goes back for what was tendered.
    pub(super) fn of(tender: Tender) -> Self {
        match tender {
            Tender::Uncharged => Self::NoChargeStatement,
            Tender::Money | Tender::SellerCredit => Self::Money,
        }
    }
}
