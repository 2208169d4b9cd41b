//! Notices: what a customer must be told, and what follows. The order is of 2 November 2026 in New York and was
//! promised for 2 December.

use model::{
    order::{Cause, Dates, Promise},
    time::{Date, Timestamp, Zone, seconds_after},
};
use obligation::{
    legal::{
        Case, Jurisdiction, LawBook, LegalOrder, MerchantPolicy, OnSilence, RefundForm, State, Step, StepKind,
    },
    notice::{
        Answer, Clause, Fate, Notice, NoticeKind, Outcome, Settings, Situation, answered, due, unanswered,
    },
};
use proptest::prelude::*;

use crate::clock::{ORDERED, day, noon, on};

/// One line with its promises and its history.
struct Line {
    order: LegalOrder,
    place: &'static str,
    promises: Vec<Promise>,
    steps: Vec<Step>,
    fate: Fate,
    fate_told: bool,
    asked: Option<u32>,
    last_word_at: Timestamp,
    settings: Settings,
    policy: MerchantPolicy,
    book: LawBook,
}

fn at(date: &str) -> Timestamp {
    noon(date).parse().unwrap()
}

fn promise(version: u32, ship_by: Option<Date>, told_at: Option<Timestamp>, cause: &str) -> Promise {
    let dates = Dates { expected: ship_by, promised: ship_by };
    let given_at = told_at.unwrap_or_else(|| at("2026-11-20"));
    Promise { version, ship_by: dates, deliver_by: dates, given_at, told_at, cause: Cause::of(cause) }
}

impl Line {
    /// Promised for 2 December, as stated when it was ordered.
    fn new(place: &'static str) -> Self {
        let ordered: Timestamp = ORDERED.parse().unwrap();
        let mut order = LegalOrder::new(ordered, Zone::new("America/New_York").unwrap());
        order.stated_by = on("2026-12-02");
        Self {
            order,
            place,
            promises: vec![promise(1, on("2026-12-02"), Some(ordered), "order_placed")],
            steps: Vec::new(),
            fate: Fate::Waiting,
            fate_told: false,
            asked: None,
            last_word_at: ordered,
            settings: Settings::default(),
            policy: MerchantPolicy::default(),
            book: LawBook::default(),
        }
    }

    fn moved(mut self, to: Option<&str>) -> Self {
        self.moves(to.map(day));
        self
    }

    fn moves(&mut self, to: Option<Date>) {
        let version = self.promises.last().unwrap().version + 1;
        self.promises.push(promise(version, to, None, "supply_changed"));
    }

    fn with<T>(&self, ask: impl FnOnce(&Case<'_>) -> T) -> T {
        let jurisdiction = Jurisdiction::of(self.place);
        ask(&Case {
            order: &self.order,
            steps: &self.steps,
            jurisdiction: &jurisdiction,
            policy: &self.policy,
            book: &self.book,
        })
    }

    fn due_at(&self, now: Timestamp) -> Option<Notice> {
        self.with(|case| {
            let situation = Situation {
                promises: &self.promises,
                fate: self.fate,
                fate_told: self.fate_told,
                called_off_because: None,
                asked: self.asked,
                reconfirmed: false,
                last_word_at: self.last_word_at,
                case: *case,
            };
            due(&situation, &self.settings, now)
        })
    }

    fn due(&self, date: &str) -> Option<Notice> {
        self.due_at(at(date))
    }

    /// Sends what is due.
    fn sends(&mut self, date: &str) -> Notice {
        let notice = self.due(date).expect("a notice is due");
        self.sent(&notice, at(date), day(date));
        notice
    }

    fn sent(&mut self, notice: &Notice, now: Timestamp, today: Date) {
        let current = self.promises.last_mut().unwrap();
        current.told_at = Some(now);
        self.last_word_at = now;
        if let Some(step) = notice.step(now, today) {
            self.steps.push(step);
            self.asked = Some(notice.version);
        }
    }

    fn answers(&mut self, date: &str, version: u32, answer: Answer) -> Outcome {
        let (outcome, step) = self.with(|case| answered(case, self.asked, version, answer, at(date)));
        self.steps.extend(step);
        outcome
    }

    fn silent(&self, date: &str) -> Outcome {
        self.with(|case| unanswered(case, at(date)))
    }

    fn state(&self, date: &str) -> State {
        self.with(|case| case.standing(at(date)).state)
    }
}

fn asks(notice: &Notice) -> (NoticeKind, Option<OnSilence>, Option<Date>) {
    (notice.kind, notice.on_silence, notice.answer_by)
}

#[test]
fn nothing_is_said_while_what_was_told_is_true() {
    assert_eq!(Line::new("US").due("2026-11-20"), None);
    assert_eq!(Line::new("US").moved(Some("2026-12-02")).due("2026-11-20"), None);
}

#[test]
fn a_short_first_delay_says_that_silence_agrees() {
    let mut line = Line::new("US").moved(Some("2026-12-30"));
    let notice = line.sends("2026-11-25");
    assert_eq!(asks(&notice), (NoticeKind::DelayFirst, Some(OnSilence::Keeps), on("2026-12-30")));
    assert_eq!((notice.version, notice.send_by), (2, on("2026-12-02")));
    let dates = (notice.old.unwrap().ship_by, notice.new.ship_by);
    assert_eq!(dates, (on("2026-12-02"), on("2026-12-30")));
    assert_eq!(
        notice.text().lines().collect::<Vec<_>>(),
        [
            "We had said that it ships by 2 December 2026.",
            "It ships by 30 December 2026.",
            "The reason: our supplier has given us another date.",
            "You may cancel now and get everything you paid for it back promptly.",
            "If we do not hear from you before it ships and by 30 December 2026, we take it that you agree to wait.",
            "Answering costs you nothing: use the links below.",
        ]
    );
    assert_eq!(line.due("2026-11-26"), None, "it is said once");
    let waits = Outcome::Waits { answer_by: on("2026-12-30"), on_silence: OnSilence::Keeps };
    assert_eq!(line.silent("2026-12-10"), waits);
}

#[test]
fn a_long_first_delay_says_that_silence_cancels() {
    let mut line = Line::new("US").moved(Some("2027-01-15"));
    let notice = line.sends("2026-11-25");
    assert_eq!(asks(&notice), (NoticeKind::DelayFirst, Some(OnSilence::Cancels), on("2027-01-01")));
    assert!(notice.clauses.contains(&Clause::SilenceCancels { after: day("2027-01-01") }));
    assert!(matches!(line.silent("2027-01-01"), Outcome::Waits { .. }));
    assert_eq!(
        line.silent("2027-01-02"),
        Outcome::Cancelled {
            on: day("2027-01-02"),
            rule: "16 CFR 435.2(c)(2)",
            refund_by: on("2027-01-12"),
            refund: RefundForm::Money,
            stop_parcel: false,
        }
    );
    // The customer must hear that too.
    let notice = line.due("2027-01-02").unwrap();
    assert_eq!(notice.kind, NoticeKind::Cancelled);
    assert_eq!(
        notice.text(),
        "It has been cancelled.\nThe reason: we had asked you whether to wait, and may not without your answer.\n\
         What you paid goes back the way it came; we send it by 12 January 2027 at the latest."
    );
}

#[test]
fn a_delay_that_nobody_can_date_says_so_and_why() {
    let mut line = Line::new("US").moved(None);
    let notice = line.sends("2026-11-25");
    assert_eq!(asks(&notice), (NoticeKind::DelayIndefinite, Some(OnSilence::Cancels), on("2027-01-01")));
    for clause in [Clause::NoDate, Clause::ContinuingRight, Clause::RightToCancel, Clause::FreeMeans] {
        assert!(notice.clauses.contains(&clause), "{clause:?}");
    }
    assert!(
        notice.clauses.iter().any(|clause| matches!(clause, Clause::Reason { reason } if !reason.is_empty()))
    );
    assert_eq!(line.answers("2026-12-01", 2, Answer::Keep), Outcome::Kept { ship_by: None });
    // A date at last is good news, and asks nothing.
    line.moves(on("2027-03-01"));
    let notice = line.sends("2027-01-10");
    assert_eq!((notice.kind, notice.asks, notice.send_by), (NoticeKind::Earlier, false, None));
    assert!(matches!(line.answers("2027-02-03", 3, Answer::Cancel), Outcome::Cancelled { .. }));
}

#[test]
fn a_second_delay_says_that_silence_cancels() {
    let mut line = Line::new("US").moved(Some("2026-12-30"));
    line.sends("2026-11-25");
    line.moves(on("2027-01-20"));
    let notice = line.sends("2026-12-28");
    assert_eq!(asks(&notice), (NoticeKind::DelayRepeated, Some(OnSilence::Cancels), on("2026-12-30")));
    assert_eq!(line.answers("2026-12-29", 3, Answer::Keep), Outcome::Kept { ship_by: on("2027-01-20") });
    assert_eq!(line.silent("2027-01-10"), Outcome::Kept { ship_by: on("2027-01-20") });
}

#[test]
fn an_answer_to_an_older_version_is_no_answer_to_the_newer() {
    let mut line = Line::new("US").moved(Some("2026-12-30"));
    line.sends("2026-11-25");
    line.moves(on("2027-01-20"));
    line.sends("2026-12-20");
    assert_eq!(line.answers("2026-12-21", 2, Answer::Keep), Outcome::Outdated { asked: 3 });
    assert!(matches!(line.silent("2026-12-31"), Outcome::Cancelled { .. }), "its question stayed open");
    // But who cancels has cancelled, whichever mail the link was in.
    let mut line = Line::new("US").moved(Some("2026-12-30"));
    line.sends("2026-11-25");
    line.moves(on("2027-01-20"));
    line.sends("2026-12-20");
    assert!(matches!(line.answers("2026-12-21", 2, Answer::Cancel), Outcome::Cancelled { .. }));
    assert_eq!(line.due("2026-12-22").unwrap().reason, "you cancelled it");
}

#[test]
fn an_answer_that_comes_too_late_changes_nothing() {
    let mut line = Line::new("US").moved(Some("2027-01-15"));
    assert_eq!(line.answers("2026-11-20", 1, Answer::Keep), Outcome::NothingAsked);
    line.sends("2026-11-25");
    let steps = line.steps.len();
    assert!(matches!(line.answers("2027-01-02", 2, Answer::Keep), Outcome::Cancelled { .. }));
    assert_eq!(line.steps.len(), steps);
}

#[test]
fn goods_that_left_are_called_back_where_the_law_gives_a_way() {
    let gone = |place| {
        let mut line = Line::new(place);
        line.steps.push(Step { at: at("2026-11-20"), kind: StepKind::Scan });
        line.fate = Fate::Shipped;
        line.answers("2026-11-21", 1, Answer::Cancel)
    };
    assert_eq!(gone("US"), Outcome::AlreadyShipped);
    assert!(matches!(gone("DE"), Outcome::Cancelled { stop_parcel: true, .. }));
}

#[test]
fn where_silence_cannot_agree_the_order_stays_and_the_date_does_not_move() {
    let mut line = Line::new("DE").moved(Some("2026-12-30"));
    let notice = line.sends("2026-11-25");
    assert_eq!(asks(&notice), (NoticeKind::DelayFirst, Some(OnSilence::Keeps), None));
    assert_eq!(line.due("2026-12-10"), None, "it is said once");
    assert_eq!(line.state("2026-12-10"), State::ExtraPeriod);
    assert_eq!(line.answers("2026-12-10", 2, Answer::Keep), Outcome::Kept { ship_by: on("2026-12-30") });
}

#[test]
fn what_the_law_asks_counts_even_where_no_date_was_told() {
    // An order taken over from elsewhere: nothing was promised yet.
    let mut line = Line::new("US");
    line.order.stated_by = None;
    line.promises = vec![promise(1, on("2026-12-01"), None, "order_placed")];
    assert_eq!(line.due("2026-11-20"), None);
    line.promises = vec![promise(1, on("2026-12-20"), None, "order_placed")];
    let notice = line.due("2026-11-20").unwrap();
    assert_eq!((notice.kind, notice.old, notice.send_by), (NoticeKind::DelayFirst, None, on("2026-12-02")));
    // What was never told and is not there cannot be sold: without a notice the law ends it.
    assert_eq!(line.due("2026-12-03").unwrap().kind, NoticeKind::Cancelled);
}

#[test]
fn a_date_that_came_nearer_is_told_if_it_is_worth_it() {
    let mut line = Line::new("US").moved(Some("2026-11-29"));
    let notice = line.due("2026-11-20").unwrap();
    assert_eq!((notice.kind, notice.asks, notice.on_silence), (NoticeKind::Earlier, false, None));
    line.settings.earlier_by_days = 4;
    assert_eq!(line.due("2026-11-20"), None);
}

#[test]
fn mail_matches_what_became_of_the_line() {
    let mut line = Line::new("US").moved(Some("2026-12-30"));
    line.fate = Fate::Shipped;
    line.steps.push(Step { at: at("2026-11-20"), kind: StepKind::Scan });
    let notice = line.due("2026-11-21").unwrap();
    assert_eq!((notice.kind, notice.asks), (NoticeKind::Shipped, false));
    assert_eq!(notice.text(), "It is on its way and should be with you by 30 December 2026.");
    line.fate_told = true;
    assert_eq!(line.due("2027-03-01"), None, "no delay is told of goods that left");
    line.fate = Fate::Cancelled;
    line.steps.clear();
    assert_eq!(line.due("2026-11-21"), None);
}

#[test]
fn an_order_that_was_never_charged_is_told_so() {
    let mut line = Line::new("US");
    line.order.tender = obligation::legal::Tender::Uncharged;
    let notice = line.due("2026-12-03").unwrap();
    assert_eq!(notice.kind, NoticeKind::Cancelled);
    assert!(notice.text().ends_with("You have not been charged for it, and will not be."));
}

#[test]
fn after_a_silent_month_customers_hear_that_their_order_is_safe() {
    let mut line = Line::new("US");
    line.order.stated_by = on("2027-03-01");
    line.promises = vec![promise(1, on("2027-03-01"), Some(ORDERED.parse().unwrap()), "order_placed")];
    assert_eq!(line.due("2026-12-01"), None);
    let notice = line.sends("2026-12-02");
    assert_eq!((notice.kind, notice.asks), (NoticeKind::Update, false));
    assert_eq!((line.due("2026-12-31"), line.due("2027-01-01").unwrap().kind), (None, NoticeKind::Update));
    // News comes before no news.
    line.moves(on("2027-03-20"));
    assert_eq!(line.due("2027-01-01").unwrap().kind, NoticeKind::DelayFirst);
    line.settings.silent_days = None;
    line.promises.pop();
    assert_eq!(line.due("2027-02-01"), None);
}

#[test]
fn who_waited_long_may_be_asked_again_before_it_is_sent() {
    let mut line = Line::new("US");
    line.settings.reconfirm_after_days = Some(31);
    line.order.stated_by = on("2027-03-01");
    line.fate = Fate::Here;
    assert_eq!(line.due("2026-12-02"), None);
    let notice = line.due("2026-12-03").unwrap();
    assert_eq!(asks(&notice), (NoticeKind::Reconfirm, Some(OnSilence::Keeps), on("2026-12-06")));
    assert!(notice.clauses.contains(&Clause::StillWanted));
}

#[test]
fn drafts_can_be_kept_and_read_again() {
    let notice = Line::new("US").moved(None).due("2026-11-25").unwrap();
    let written = serde_json::to_string(&notice).unwrap();
    assert_eq!(serde_json::from_str::<Notice>(&written).unwrap(), notice);
    assert_eq!(serde_json::to_value(notice.kind).unwrap(), notice.kind.as_str());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// However promises move and whenever notices go out: what a notice says of silence is what silence does, and nothing
    /// that is later than what was told stays unsaid.
    #[test]
    fn what_a_notice_says_of_silence_is_what_silence_does(
        place in prop::sample::select(vec!["US", "DE", "GB", "nowhere"]),
        moves in prop::collection::vec((0..20_i64, prop::option::of(0..90_i64), any::<bool>()), 1..8),
    ) {
        let mut line = Line::new(place);
        let mut now = at("2026-11-03");
        let zone = line.order.zone.clone();
        let local = |now: Timestamp| model::time::local_date(now, &zone);
        for (wait, ships_in, keeps) in moves {
            now = seconds_after(now, wait * 86_400).unwrap();
            line.moves(ships_in.map(|days| local(seconds_after(now, days * 86_400).unwrap())));
            let Some(notice) = line.due_at(now) else {
                let told = line.promises.iter().rev().find(|promise| promise.told_at.is_some()).unwrap();
                let (new, old) = (line.promises.last().unwrap().ship_by.promised, told.ship_by.promised);
                prop_assert!(old.is_none() || new.is_some_and(|new| Some(new) <= old), "{new:?} after {old:?}");
                continue;
            };
            if notice.kind == NoticeKind::Cancelled {
                break;
            }
            line.sent(&notice, now, local(now));
            prop_assert!(line.due_at(now).is_none_or(|again| again.kind == NoticeKind::Cancelled), "said twice");
            if let Some(answer_by) = notice.answer_by {
                let last = zone.first_instant(answer_by, model::time::parse_time("23:59").unwrap()).unwrap();
                let after = seconds_after(last, 120).unwrap();
                let by_then = line.with(|case| case.standing(last.max(now)));
                let later = line.with(|case| case.standing(after.max(now)));
                prop_assert!(by_then.cancelled.is_none(), "{notice:?} {by_then:?}");
                let new = notice.new.ship_by;
                match notice.on_silence {
                    Some(OnSilence::Cancels) => prop_assert!(later.cancelled.is_some(), "{notice:?} {later:?}"),
                    // Where silence keeps, only the new date itself ends it.
                    _ => prop_assert!(later.cancelled.is_none() || new.is_some_and(|new| new <= answer_by)),
                }
            }
            if keeps && notice.asks {
                let (outcome, step) = line.with(|case| {
                    answered(case, line.asked, notice.version, Answer::Keep, now)
                });
                prop_assert!(matches!(outcome, Outcome::Kept { .. }), "{outcome:?}");
                line.steps.extend(step);
            }
        }
    }
}
