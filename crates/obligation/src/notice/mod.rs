//! Notices: whether a customer must be told something, of which kind, what it must say, and what follows from an answer
//! or from silence.
//!
//! What was told is the last promise with a `told_at`; what is true now is the last promise. The difference is what
//! must be said, and the law ([`crate::legal`]) says what silence to it means. A notice is a draft until somebody, or a
//! rule of the shop, sends it; then its [`Notice::step`] is part of the line's history.

mod answer;
mod clause;
pub mod kept;

use model::{
    order::{Cause, Promise},
    time::{Date, Timestamp, local_date},
};
use serde::{Deserialize, Serialize};

pub use answer::{Answer, Outcome, answered, unanswered};
pub use clause::Clause;

use crate::legal::{
    Case, Deadline, EndedBy, OnSilence, RefundForm, Revised, Standing, State, Step, StepKind,
};

/// Days for which a customer who is asked whether goods are still wanted is waited for; then they are charged and sent.
pub const RECONFIRM_DAYS: i32 = 3;

/// When a shop writes without being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// After so many days without a word a waiting customer is told that nothing has changed; `None`: never.
    pub silent_days: Option<u16>,
    /// A date that came nearer by fewer days is not worth a mail.
    pub earlier_by_days: u16,
    /// A customer who waited so many days is asked again before the goods are charged and sent; `None`: never.
    pub reconfirm_after_days: Option<u16>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { silent_days: Some(30), earlier_by_days: 1, reconfirm_after_days: None }
    }
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Its goods are still to come.
    Waiting,
    /// Its goods are here, set aside for it.
    Here,
    /// It left.
    Shipped,
    /// It was called off.
    Cancelled,
}

/// A line as far as notices mind.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// What was promised, oldest first; never empty for a line that was accepted.
    pub promises: &'a [Promise],
    /// What became of it.
    pub fate: Fate,
    /// The customer knows what became of it, if it left or was called off.
    pub fate_told: bool,
    /// Why it was called off, in words for the customer, where neither the customer nor the law did.
    pub called_off_because: Option<&'a str>,
    /// The version of the promise that the last notice of a delay told, if any was sent.
    pub asked: Option<u32>,
    /// The customer was asked whether the goods are still wanted.
    pub reconfirmed: bool,
    /// When the customer last heard anything about it.
    pub last_word_at: Timestamp,
    /// The law's side of it.
    pub case: Case<'a>,
}

/// Kinds of notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// It ships later than was said, for the first time.
    DelayFirst,
    /// Later once more.
    DelayRepeated,
    /// Later, and nobody can say when.
    DelayIndefinite,
    /// Sooner than was said, or at a date that can be said at last.
    Earlier,
    /// It was called off.
    Cancelled,
    /// It left.
    Shipped,
    /// Nothing has changed.
    Update,
    /// The goods are here: are they still wanted?
    Reconfirm,
}

impl NoticeKind {
    /// The word used in JSON, columns and screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DelayFirst => "delay_first",
            Self::DelayRepeated => "delay_repeated",
            Self::DelayIndefinite => "delay_indefinite",
            Self::Earlier => "earlier",
            Self::Cancelled => "cancelled",
            Self::Shipped => "shipped",
            Self::Update => "update",
            Self::Reconfirm => "reconfirm",
        }
    }

    /// Whether it tells of a delay, so that the law minds it.
    pub fn is_delay(self) -> bool {
        matches!(self, Self::DelayFirst | Self::DelayRepeated | Self::DelayIndefinite)
    }
}

/// The dates of a promise, as we hold ourselves to them; `None` where nobody can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Said {
    /// When the last unit ships.
    #[serde(default, deserialize_with = "model::time::deserialize_optional_date")]
    pub ship_by: Option<Date>,
    /// When it is delivered.
    #[serde(default, deserialize_with = "model::time::deserialize_optional_date")]
    pub deliver_by: Option<Date>,
}

impl Said {
    fn of(promise: &Promise) -> Self {
        Self { ship_by: promise.ship_by.promised, deliver_by: promise.deliver_by.promised }
    }
}

/// Something a customer must be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What kind of news.
    pub kind: NoticeKind,
    /// The version of the promise it tells. An answer is to this version and no other.
    pub version: u32,
    /// What was told before; `None` where nothing was.
    pub old: Option<Said>,
    /// What is true now.
    pub new: Said,
    /// Why.
    pub reason: String,
    /// The customer may keep or cancel by answering it.
    pub asks: bool,
    /// What follows without an answer.
    pub on_silence: Option<OnSilence>,
    /// The last day to answer, where one is set.
    #[serde(default, deserialize_with = "model::time::deserialize_optional_date")]
    pub answer_by: Option<Date>,
    /// The last day to send it, where a law or policy sets one. Past that day the law has decided already.
    #[serde(default, deserialize_with = "model::time::deserialize_optional_date")]
    pub send_by: Option<Date>,
    /// What it must say, in this order.
    pub clauses: Vec<Clause>,
}

impl Notice {
    /// What sending it adds to the line's history; `None` for one that the law does not mind.
    ///
    /// If it comes back, a [`StepKind::Bounce`] follows.
    pub fn step(&self, sent_at: Timestamp, today: Date) -> Option<Step> {
        self.kind.is_delay().then(|| delay_step(self.version, self.new, sent_at, today))
    }

    /// What it must say, as plain sentences. Shops have their own words and languages: these are where to start.
    pub fn text(&self) -> String {
        self.clauses.iter().map(Clause::sentence).collect::<Vec<_>>().join("\n")
    }
}

/// A notice of these dates as a step of the history.
fn delay_step(version: u32, new: Said, at: Timestamp, today: Date) -> Step {
    // Goods that should have shipped by now can do so today at the earliest.
    let revised = new.ship_by.map_or(Revised::Indefinite, |date| Revised::To(date.max(today)));
    let deliver_by = new.deliver_by.map(|date| date.max(today));
    Step { at, kind: StepKind::Notice { revised, deliver_by, version: Some(version) } }
}

/// Says what the customer must be told now, if anything: the most important thing first, as one mail holds one.
///
/// The order: what became of the line, a delay, whether goods that are here are still wanted, a date that came nearer,
/// that there is no news.
pub fn due(situation: &Situation<'_>, settings: &Settings, now: Timestamp) -> Option<Notice> {
    let current = situation.promises.last()?;
    let standing = situation.case.standing(now);
    let draft = Draft {
        situation,
        current,
        told: situation.promises.iter().rev().find(|promise| promise.told_at.is_some()),
        today: local_date(now, &situation.case.order.zone),
        now,
        standing,
    };
    draft
        .fate()
        .or_else(|| draft.delay())
        .or_else(|| draft.reconfirm(settings))
        .or_else(|| draft.earlier(settings))
        .or_else(|| draft.update(settings))
}

struct Draft<'a> {
    situation: &'a Situation<'a>,
    current: &'a Promise,
    told: Option<&'a Promise>,
    today: Date,
    now: Timestamp,
    standing: Standing,
}

impl Draft<'_> {
    fn notice(&self, kind: NoticeKind) -> Notice {
        let old = self.told.map(Said::of);
        Notice {
            kind,
            version: self.current.version,
            old,
            new: Said::of(self.current),
            reason: reason(&self.current.cause),
            asks: false,
            on_silence: None,
            answer_by: None,
            send_by: None,
            clauses: Vec::new(),
        }
    }

    /// It left or was called off, by somebody or by the law, and the customer does not know.
    fn fate(&self) -> Option<Notice> {
        let kind = match self.situation.fate {
            _ if self.situation.fate_told => return None,
            Fate::Shipped => NoticeKind::Shipped,
            Fate::Cancelled => NoticeKind::Cancelled,
            Fate::Waiting | Fate::Here => self.standing.cancelled.map(|_| NoticeKind::Cancelled)?,
        };
        let mut notice = self.notice(kind);
        notice.clauses = match kind {
            NoticeKind::Shipped => vec![Clause::Shipped { deliver_by: notice.new.deliver_by }],
            _ => {
                notice.reason = self.why_cancelled();
                let by = self.standing.refund_by.map(|deadline| deadline.on);
                let form = self.standing.refund.unwrap_or(RefundForm::Money);
                vec![
                    Clause::Cancelled,
                    Clause::Reason { reason: notice.reason.clone() },
                    Clause::Refund { form, by },
                ]
            }
        };
        Some(notice)
    }

    fn why_cancelled(&self) -> String {
        let by = self.standing.cancelled.map(|end| end.by);
        match (by, self.situation.called_off_because) {
            (Some(EndedBy::Buyer), _) => "you cancelled it",
            (_, Some(because)) => because,
            (Some(EndedBy::Law), None) if self.situation.asked.is_some() => {
                "we had asked you whether to wait, and may not without your answer"
            }
            (Some(EndedBy::Law), None) => "we could not ship in time",
            (Some(EndedBy::Seller) | None, None) => "we cannot ship it",
        }
        .to_owned()
    }

    /// It will ship later than was told, or than the law allows without asking.
    fn delay(&self) -> Option<Notice> {
        if !self.is_open() || self.situation.asked == Some(self.current.version) {
            return None;
        }
        let new = Said::of(self.current);
        let told_earlier = self.told.is_some_and(|told| {
            told.version < self.current.version && is_later(new.ship_by, told.ship_by.promised)
        });
        let law = |date: Option<Date>, by: Option<Deadline>| by.is_some_and(|by| is_later(date, Some(by.on)));
        let too_late =
            law(new.ship_by, self.standing.ship_by) || law(new.deliver_by, self.standing.deliver_by);
        if !told_earlier && !too_late {
            return None;
        }
        let again = self.situation.asked.is_some();
        let kind = match new.ship_by {
            None => NoticeKind::DelayIndefinite,
            Some(_) if again => NoticeKind::DelayRepeated,
            Some(_) => NoticeKind::DelayFirst,
        };
        let step = delay_step(self.current.version, new, self.now, self.today);
        let after = self.situation.case.standing_with(step, self.now);
        let on_silence = after.on_silence.unwrap_or(OnSilence::Keeps);
        let answer_by = after.answer_by.map(|deadline| deadline.on);
        let mut notice = Notice {
            asks: true,
            on_silence: Some(on_silence),
            answer_by,
            send_by: self.standing.notice_by.map(|deadline| deadline.on),
            ..self.notice(kind)
        };
        notice.clauses = delay_clauses(&notice, answer_by.or(after.ship_by.map(|deadline| deadline.on)));
        Some(notice)
    }

    fn earlier(&self, settings: &Settings) -> Option<Notice> {
        let told = self.told.filter(|told| told.version < self.current.version)?;
        let new = self.current.ship_by.promised.filter(|_| self.is_open())?;
        let nearer = match told.ship_by.promised {
            None => true,
            Some(old) => crate::holidays::shifted(new, settings.earlier_by_days.max(1).into()) <= old,
        };
        if !nearer {
            return None;
        }
        let mut notice = self.notice(NoticeKind::Earlier);
        notice.clauses = vec![Clause::old_date(notice.old), Clause::NewDate { new: notice.new }];
        Some(notice)
    }

    fn reconfirm(&self, settings: &Settings) -> Option<Notice> {
        let after_days = settings.reconfirm_after_days?;
        let since = self.situation.case.order.ordered_at?;
        if self.situation.fate != Fate::Here
            || self.situation.reconfirmed
            || days_between(since, self.now) < i64::from(after_days)
        {
            return None;
        }
        let clauses = vec![Clause::StillWanted, Clause::RightToCancel, Clause::SilenceShips];
        let on_silence = Some(OnSilence::Keeps);
        let answer_by = Some(crate::holidays::shifted(self.today, RECONFIRM_DAYS));
        Some(Notice { asks: true, on_silence, answer_by, clauses, ..self.notice(NoticeKind::Reconfirm) })
    }

    fn update(&self, settings: &Settings) -> Option<Notice> {
        let silent_days = settings.silent_days?;
        if self.situation.fate != Fate::Waiting
            || !self.is_open()
            || days_between(self.situation.last_word_at, self.now) < i64::from(silent_days)
        {
            return None;
        }
        let mut notice = self.notice(NoticeKind::Update);
        let date = match notice.new.ship_by {
            Some(_) => Clause::NewDate { new: notice.new },
            None => Clause::NoDate,
        };
        notice.clauses = vec![Clause::NoNews, date, Clause::RightToCancel];
        Some(notice)
    }

    /// Whether goods are still to be sent, as far as both the shop and the law know.
    fn is_open(&self) -> bool {
        matches!(self.situation.fate, Fate::Waiting | Fate::Here)
            && !matches!(self.standing.state, State::Cancelled | State::Shipped)
    }
}

/// What a notice of a delay must say.
///
/// Source: 16 CFR 435.2(b)(1) to (3); docs/theory/legal-clocks.md, "Notices".
fn delay_clauses(notice: &Notice, until: Option<Date>) -> Vec<Clause> {
    let mut clauses = vec![Clause::old_date(notice.old)];
    clauses.push(match notice.new.ship_by {
        Some(_) => Clause::NewDate { new: notice.new },
        None => Clause::NoDate,
    });
    clauses.push(Clause::Reason { reason: notice.reason.clone() });
    clauses.push(Clause::RightToCancel);
    clauses.push(match (notice.on_silence, until) {
        (Some(OnSilence::Cancels), Some(on)) => Clause::SilenceCancels { after: on },
        _ => Clause::SilenceKeeps { until: notice.answer_by },
    });
    if notice.new.ship_by.is_none() {
        clauses.push(Clause::ContinuingRight);
    }
    clauses.push(Clause::FreeMeans);
    clauses
}

/// Whether the first date is later than the second: one that nobody can say is later than any.
fn is_later(date: Option<Date>, than: Option<Date>) -> bool {
    match (date, than) {
        (None, Some(_)) => true,
        (Some(date), Some(than)) => date > than,
        (_, None) => false,
    }
}

fn days_between(from: Timestamp, to: Timestamp) -> i64 {
    (to.as_second() - from.as_second()) / 86_400
}

/// Why a promise changed, in words for a customer.
fn reason(cause: &Cause) -> String {
    if let Some(detail) = &cause.detail {
        return detail.to_string();
    }
    match &*cause.kind {
        "supply_changed" => "our supplier has given us another date",
        "supply_overdue" => "a delivery to us is late",
        "supply_cancelled" => "a delivery to us was called off",
        "supply_received" => "a delivery to us was not as expected",
        "stock_adjusted" => "our stock was counted anew",
        "line_cancelled" | "order_cancelled" | "hold_expired" | "hold_released" | "stock_ring_fenced" => {
            "units became free in our stock"
        }
        _ => "the goods we counted on come at another time",
    }
    .to_owned()
}
