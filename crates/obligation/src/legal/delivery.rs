//! Laws that count until delivery: the consumer rights directive of the European Union and its like in the United
//! Kingdom.
//!
//! Nothing is cancelled by itself here. A trader who is late gives the consumer rights: to set a further period, to end
//! the contract after it. And goods that came may be sent back for a while without a reason.

use model::time::Date;

use super::{
    History, Revised, StepKind,
    book::DeliveryFigures,
    plus,
    standing::{Cancelled, Deadline, EndedBy, OnSilence, RefundForm, RemarkCode, Standing, State},
};
use crate::holidays::{Workdays, shifted};

/// Where a law says what.
pub(super) struct Cites {
    deliver: &'static str,
    extra: &'static str,
    refused: &'static str,
    withdraw: &'static str,
    withdrawn: &'static str,
    withdrawal_refund: &'static str,
    termination_refund: &'static str,
}

/// In the European Economic Area.
pub(super) const EU: Cites = Cites {
    deliver: "Directive 2011/83/EU art. 18(1)",
    extra: "Directive 2011/83/EU art. 18(2)",
    refused: "Directive 2011/83/EU art. 18(2)",
    withdraw: "Directive 2011/83/EU art. 9",
    withdrawn: "Directive 2011/83/EU art. 11",
    withdrawal_refund: "Directive 2011/83/EU art. 13(1)",
    termination_refund: "Directive 2011/83/EU art. 18(3)",
};

/// In the United Kingdom.
pub(super) const UK: Cites = Cites {
    deliver: "Consumer Rights Act 2015 s. 28(3)",
    extra: "Consumer Rights Act 2015 s. 28(7)",
    refused: "Consumer Rights Act 2015 s. 28(6)",
    withdraw: "Consumer Contracts Regulations 2013 reg. 30",
    withdrawn: "Consumer Contracts Regulations 2013 reg. 32",
    withdrawal_refund: "Consumer Contracts Regulations 2013 reg. 34",
    termination_refund: "Consumer Rights Act 2015 s. 28(9)",
};

/// One law, and the working days of the place.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) figures: &'a DeliveryFigures,
    pub(super) cites: &'a Cites,
    pub(super) workdays: Workdays,
}

impl Rules<'_> {
    /// The last day to withdraw. A period that ends on a day off lasts to the next working day where the law says so.
    fn withdraw_by(self, delivered_on: Date) -> Date {
        let last = plus(delivered_on, self.figures.withdrawal_days.value);
        if self.figures.withdrawal_rolls.value { self.workdays.on_or_after(last) } else { last }
    }
}

struct Contract<'a> {
    rules: Rules<'a>,
    /// The last day to deliver, as agreed or as the law sets it.
    due: Date,
    /// A later date was agreed.
    agreed: bool,
    essential: bool,
    /// What the trader proposed last and nobody has agreed to.
    offer: Option<(Revised, Option<u32>)>,
    /// The end of the period that the consumer set.
    period: Option<Date>,
    scanned: bool,
    delivered_on: Option<Date>,
    /// When and by which rule, and by when money goes back.
    cancelled: Option<(Cancelled, Deadline)>,
}

/// Reads a history by such a law.
pub(super) fn stand(history: &History<'_>, rules: Rules<'_>) -> Standing {
    let order = history.order;
    let stated = order.deliver_stated_by.or(order.stated_by);
    let mut contract = Contract {
        rules,
        due: stated.unwrap_or_else(|| plus(history.ordered_on, rules.figures.delivery_days.value)),
        agreed: false,
        essential: order.essential && stated.is_some(),
        offer: None,
        period: None,
        scanned: false,
        delivered_on: None,
        cancelled: None,
    };
    let mut remarks = Vec::new();
    for (place, step) in history.steps {
        if let Some(code) = contract.take(&step.kind, history.day(step)) {
            remarks.push((code, *place));
        }
    }
    let mut standing = contract.describe(history);
    for (code, place) in remarks {
        standing.remark(code, place);
    }
    standing
}

impl Contract<'_> {
    /// Takes one step into account; answers what is to say about it.
    fn take(&mut self, step: &StepKind, day: Date) -> Option<RemarkCode> {
        if self.cancelled.is_some() {
            return matches!(step, StepKind::Scan).then_some(RemarkCode::ShippedAfterCancellation);
        }
        match step {
            StepKind::Notice { revised, deliver_by, version } => {
                self.offer = Some((deliver_by.map_or(*revised, Revised::To), *version));
                None
            }
            StepKind::Consent { until, version } => self.consent(*until, *version),
            StepKind::Cancel => self.cancel(day),
            StepKind::SellerCancel => {
                if self.delivered_on.is_none() {
                    self.terminate(day, self.rules.cites.refused, EndedBy::Seller);
                }
                None
            }
            StepKind::ExtraPeriod { until } => {
                self.period = Some(*until);
                None
            }
            StepKind::Scan => {
                self.scanned = true;
                None
            }
            StepKind::Delivered => {
                self.scanned = true;
                self.delivered_on.get_or_insert(day);
                None
            }
            StepKind::Label => (!self.scanned).then_some(RemarkCode::LabelIsNoShipment),
            StepKind::Bounce => None,
        }
    }

    fn consent(&mut self, until: Option<Revised>, version: Option<u32>) -> Option<RemarkCode> {
        let Some((offer, asked)) = self.offer else { return Some(RemarkCode::ConsentToNothing) };
        if let (Some(asked), Some(answered)) = (asked, version)
            && asked != answered
        {
            return Some(RemarkCode::ConsentOutdated);
        }
        match until.unwrap_or(offer) {
            // No agreement on a time of delivery: the one that holds stays.
            Revised::Indefinite => Some(RemarkCode::ConsentWithoutDate),
            Revised::To(date) => {
                (self.due, self.agreed) = (date.max(self.due), true);
                (self.offer, self.period) = (None, None);
                None
            }
        }
    }

    /// The consumer cancels: withdraws, or ends the contract where the trader is late. Before the goods are there and
    /// for some days after, no reason is needed.
    fn cancel(&mut self, day: Date) -> Option<RemarkCode> {
        let Some(delivered_on) = self.delivered_on else {
            if self.terminable_from().is_some_and(|from| from <= day) {
                self.terminate(day, self.rules.cites.extra, EndedBy::Buyer);
            } else {
                self.withdraw(day);
            }
            return self.scanned.then_some(RemarkCode::RefundMayAwaitGoods);
        };
        if day > self.rules.withdraw_by(delivered_on) {
            return Some(RemarkCode::WithdrawnTooLate);
        }
        self.withdraw(day);
        Some(RemarkCode::RefundMayAwaitGoods)
    }

    fn withdraw(&mut self, day: Date) {
        let Rules { figures, cites, .. } = self.rules;
        let refund_by = Deadline::new(plus(day, figures.refund_days.value), cites.withdrawal_refund);
        let ended = Cancelled { on: day, rule: cites.withdrawn, by: EndedBy::Buyer };
        self.cancelled = Some((ended, refund_by));
    }

    fn terminate(&mut self, day: Date, rule: &'static str, by: EndedBy) {
        let Rules { figures, cites, .. } = self.rules;
        let refund_by =
            Deadline::new(plus(day, figures.termination_refund_days.value), cites.termination_refund);
        self.cancelled = Some((Cancelled { on: day, rule, by }, refund_by));
    }

    /// The last day of the further period: the consumer's, else the date that the trader itself named.
    fn extra_until(&self) -> Option<Date> {
        let named = match self.offer {
            Some((Revised::To(date), _)) => Some(date),
            Some((Revised::Indefinite, _)) | None => None,
        };
        self.period.or(named).map(|date| date.max(self.due))
    }

    /// From when on the consumer may end the contract for late delivery.
    fn terminable_from(&self) -> Option<Date> {
        let last = if self.essential { Some(self.due) } else { self.extra_until() };
        last.map(|date| shifted(date, 1))
    }

    fn describe(&self, history: &History<'_>) -> Standing {
        let (today, cites) = (history.today, self.rules.cites);
        if let Some((cancelled, refund_by)) = self.cancelled {
            return Standing {
                cancelled: Some(cancelled),
                refund_by: Some(refund_by),
                refund: Some(RefundForm::of(history.order.tender)),
                ..Standing::of(State::Cancelled)
            };
        }
        if let Some(delivered_on) = self.delivered_on {
            let last = self.rules.withdraw_by(delivered_on);
            let open = today <= last;
            return Standing {
                withdraw_by: open.then(|| Deadline::new(last, cites.withdraw)),
                ..Standing::of(if open { State::Delivered } else { State::Closed })
            };
        }
        let extra = self.extra_until().filter(|_| !self.essential);
        let terminable_from = self.terminable_from();
        let deadline = match extra {
            Some(until) if today > self.due => Deadline::new(until, cites.extra),
            _ => Deadline::new(self.due, cites.deliver),
        };
        let state = if self.scanned {
            State::Shipped
        } else if today <= self.due {
            if self.agreed { State::Consented } else { State::Open }
        } else if terminable_from.is_some_and(|from| from <= today) {
            State::Terminable
        } else if extra.is_some() {
            State::ExtraPeriod
        } else {
            State::Late
        };
        Standing {
            ship_by: (!self.scanned).then_some(deadline),
            deliver_by: Some(deadline),
            notice_by: (!self.scanned && today <= self.due).then_some(deadline),
            on_silence: self.offer.filter(|_| !self.scanned).map(|_| OnSilence::Keeps),
            terminable_from,
            ..Standing::of(state)
        }
    }
}
