//! Where a line stands: what one law, or the strictest of several, says about it.

use model::time::Date;
use serde::{Deserialize, Serialize};

use super::Law;
use crate::holidays::shifted;

/// Where a line stands. Later ones owe the buyer more; of several laws the latest is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No order with a payment or an authorisation, or none that a law covers: no clock runs.
    NoClock,
    /// It has shipped.
    Shipped,
    /// Delivered, and the time to withdraw is over.
    Closed,
    /// To be shipped in time.
    Open,
    /// The buyer has agreed to a later date, or to wait without one.
    Consented,
    /// Told of a short first delay: silence agrees.
    Short,
    /// Told of a long first delay: silence cancels.
    Long,
    /// Told of a first delay that nobody can date: silence cancels.
    Indefinite,
    /// Told of a further delay: silence cancels.
    Renewed,
    /// Delivered; the buyer may still withdraw.
    Delivered,
    /// Not delivered in time: the buyer may set a further period.
    Late,
    /// Not delivered in time, within the further period.
    ExtraPeriod,
    /// Not delivered in time: the buyer may end the contract.
    Terminable,
    /// Cancelled: money goes back.
    Cancelled,
}

impl State {
    /// The word used in JSON, columns and screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoClock => "no_clock",
            Self::Shipped => "shipped",
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Consented => "consented",
            Self::Short => "short",
            Self::Long => "long",
            Self::Indefinite => "indefinite",
            Self::Renewed => "renewed",
            Self::Delivered => "delivered",
            Self::Late => "late",
            Self::ExtraPeriod => "extra_period",
            Self::Terminable => "terminable",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether goods are still to be sent.
    pub fn is_waiting(self) -> bool {
        !matches!(self, Self::NoClock | Self::Shipped | Self::Closed | Self::Delivered | Self::Cancelled)
    }
}

/// A last day, and which rule sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Deadline {
    /// The last day on which it is in time.
    pub on: Date,
    /// The rule.
    pub rule: &'static str,
}

impl Deadline {
    pub(super) fn new(on: Date, rule: &'static str) -> Self {
        Self { on, rule }
    }

    fn earlier(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        [one, other].into_iter().flatten().min_by_key(|deadline| deadline.on)
    }

    fn later(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        [one, other].into_iter().flatten().max_by_key(|deadline| deadline.on)
    }
}

/// Who ended an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The buyer cancelled, withdrew, or ended the contract.
    Buyer,
    /// The seller will not ship.
    Seller,
    /// Time: a day passed without what had to happen.
    Law,
}

/// The end of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Cancelled {
    /// On which day.
    pub on: Date,
    /// By which rule.
    pub rule: &'static str,
    /// By whom.
    pub by: EndedBy,
}

/// What follows when the buyer does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnSilence {
    /// The order stays, with the new date.
    Keeps,
    /// The order is cancelled.
    Cancels,
}

/// What goes back to the buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundForm {
    /// Everything paid for it, by the method it was paid with; no store credit.
    Money,
    /// Nothing was charged: a statement that nothing will be.
    NoChargeStatement,
}

/// Where a line stands, and every day that matters from now on.
///
/// A date that no longer matters is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Where it stands.
    pub state: State,
    /// The last day on which the carrier may take it; where delivery counts, the last day for that.
    pub ship_by: Option<Deadline>,
    /// The last day to deliver it, where a law counts so.
    pub deliver_by: Option<Deadline>,
    /// The last day on which the buyer may be told of a further delay, should there be one.
    pub notice_by: Option<Deadline>,
    /// The last day on which the buyer may answer the notice that is out.
    pub answer_by: Option<Deadline>,
    /// What follows when no answer comes.
    pub on_silence: Option<OnSilence>,
    /// From when on the buyer may end the contract for late delivery.
    pub terminable_from: Option<Date>,
    /// The last day to withdraw after delivery.
    pub withdraw_by: Option<Deadline>,
    /// When the order was cancelled, by which rule and by whom.
    pub cancelled: Option<Cancelled>,
    /// The last day to send the money back.
    pub refund_by: Option<Deadline>,
    /// What goes back.
    pub refund: Option<RefundForm>,
    /// The laws asked, in order.
    pub laws: Vec<Law>,
    /// What in the history did not count, or needs somebody's eye.
    pub remarks: Vec<Remark>,
}

impl Standing {
    /// Where nothing runs.
    pub(super) fn none() -> Self {
        Self::of(State::NoClock)
    }

    pub(super) fn of(state: State) -> Self {
        Self {
            state,
            ship_by: None,
            deliver_by: None,
            notice_by: None,
            answer_by: None,
            on_silence: None,
            terminable_from: None,
            withdraw_by: None,
            cancelled: None,
            refund_by: None,
            refund: None,
            laws: Vec::new(),
            remarks: Vec::new(),
        }
    }

    pub(super) fn remark(&mut self, code: RemarkCode, step: usize) {
        let remark = Remark { code, step };
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    /// Takes from two laws what protects the buyer more: the state that owes more, the earlier day for the seller, the
    /// later day to withdraw.
    pub(super) fn strictest(self, other: Self) -> Self {
        let state = self.state.max(other.state);
        let cancelled = [self.cancelled, other.cancelled].into_iter().flatten().min_by_key(|end| end.on);
        // What a law says of an order that lives means nothing once another has ended it.
        let lives = cancelled.is_none();
        let mut remarks = self.remarks;
        for remark in other.remarks {
            if !remarks.contains(&remark) {
                remarks.push(remark);
            }
        }
        Self {
            state,
            ship_by: Deadline::earlier(self.ship_by, other.ship_by).filter(|_| lives && state.is_waiting()),
            deliver_by: Deadline::earlier(self.deliver_by, other.deliver_by).filter(|_| lives),
            notice_by: Deadline::earlier(self.notice_by, other.notice_by).filter(|_| lives),
            answer_by: Deadline::earlier(self.answer_by, other.answer_by).filter(|_| lives),
            on_silence: self.on_silence.max(other.on_silence).filter(|_| lives),
            terminable_from: [self.terminable_from, other.terminable_from]
                .into_iter()
                .flatten()
                .min()
                .filter(|_| lives),
            withdraw_by: Deadline::later(self.withdraw_by, other.withdraw_by).filter(|_| lives),
            cancelled,
            refund_by: Deadline::earlier(self.refund_by, other.refund_by),
            refund: self.refund.or(other.refund),
            laws: Vec::new(),
            remarks,
        }
    }

    /// The next day after a given one on which time alone may change this, for a timer. `None`: nothing will.
    pub fn changes_on(&self, today: Date) -> Option<Date> {
        let ends = [self.ship_by, self.deliver_by, self.notice_by, self.answer_by, self.withdraw_by];
        let after = ends.into_iter().flatten().map(|deadline| shifted(deadline.on, 1));
        after.chain(self.terminable_from).filter(|day| *day > today).min()
    }

    /// What must happen next, by when and by which rule; soonest first.
    ///
    /// A notice is owed only if goods will not ship by `ship_by`: whoever knows that asks for `notice_by`.
    pub fn duties(&self) -> Vec<Duty> {
        let mut duties: Vec<Duty> = [
            (DutyKind::Shipment, self.ship_by),
            (DutyKind::Consent, self.answer_by),
            (DutyKind::Refund, self.refund_by),
        ]
        .into_iter()
        .filter_map(|(kind, deadline)| deadline.map(|by| Duty { kind, by: by.on, rule: by.rule }))
        .collect();
        duties.sort_by_key(|duty| duty.by);
        duties
    }
}

/// What must happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DutyKind {
    /// The carrier must have the goods, or the buyer where delivery counts.
    Shipment,
    /// The buyer's answer must be in, or silence decides.
    Consent,
    /// Money, or the statement that none was taken, must be sent.
    Refund,
}

/// Something that must happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Duty {
    /// What.
    pub kind: DutyKind,
    /// The last day.
    pub by: Date,
    /// By which rule.
    pub rule: &'static str,
}

/// A step that did not count as somebody may have hoped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// What about it.
    pub code: RemarkCode,
    /// Its place in the list that was given, from 0.
    pub step: usize,
}

/// What is to say about a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RemarkCode {
    /// The notice came back, so it told nobody anything.
    NoticeReturned,
    /// The notice came after its last day, so it offered nothing.
    NoticeTooLate,
    /// The notice names no later date than the one that holds, so nothing was to be agreed to.
    NoticeWithoutDelay,
    /// A label is no shipment: the carrier does not have the goods yet.
    LabelIsNoShipment,
    /// The consent answers no notice that is open.
    ConsentToNothing,
    /// The consent answers an older version of the promise.
    ConsentOutdated,
    /// The consent names no date, where one must be agreed.
    ConsentWithoutDate,
    /// The goods left after the order was cancelled: stop the parcel.
    ShippedAfterCancellation,
    /// The buyer cancelled after the goods had left, and may not by this law.
    CancelledAfterShipment,
    /// The buyer withdrew after the time for it.
    WithdrawnTooLate,
    /// The money may wait until the goods are back.
    RefundMayAwaitGoods,
}

impl RemarkCode {
    /// What it says, in a sentence.
    pub fn text(self) -> &'static str {
        match self {
            Self::NoticeReturned => "the notice came back, so it told nobody anything",
            Self::NoticeTooLate => "the notice came after its last day, so it offered nothing",
            Self::NoticeWithoutDelay => "the notice names no later date than the one that holds",
            Self::LabelIsNoShipment => "a label is no shipment: the carrier does not have the goods yet",
            Self::ConsentToNothing => "the consent answers no notice that is open",
            Self::ConsentOutdated => "the consent answers an older version of the promise",
            Self::ConsentWithoutDate => "the consent names no date, and one must be agreed here",
            Self::ShippedAfterCancellation => "the goods left after the order was cancelled: stop the parcel",
            Self::CancelledAfterShipment => "the goods had left when the buyer cancelled",
            Self::WithdrawnTooLate => "the time to withdraw was over",
            Self::RefundMayAwaitGoods => "the money may wait until the goods are back",
        }
    }
}
