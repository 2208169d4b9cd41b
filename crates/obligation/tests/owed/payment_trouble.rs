//! Payment plans, told as what happens to one order: when something goes wrong.

use model::{money::Currency, time::seconds_after};
use obligation::payment::{
    Account, Balance, Because, ChargeKind, Entry, Failure, Happening, NewLine, Plan, Pocket, Posting,
    RefundState, Refusal, Report, Settings, ShipmentState, decide,
};

use crate::story::{DAY, Story, asked, date, deposit, is_asked, line, may_leave, sent_back};

#[test]
fn a_balance_that_cannot_be_taken_costs_the_place_only_after_a_while() {
    let mut story = Story::new(vec![
        line(1, 10_000, 1, deposit(20, Balance::On(date("2026-12-01")))),
        line(2, 500, 1, Plan::Full),
    ]);
    story.pays(1);
    story.waits_until_due();
    assert_eq!(asked(&story.waits_until_due()), (2, ChargeKind::Charge, 8_000, true));
    let failed = story.declines(2);
    let [Entry::ChargeFailed { failure: Failure::Declined, grace_until, retry_at: Some(_), .. }] = failed[..]
    else {
        panic!("{failed:?}")
    };
    assert_eq!(grace_until, seconds_after(story.now, 7 * DAY).unwrap());
    // Tried again after a day, two and three more; the customer's time does not start anew.
    for attempt in 2..=4 {
        let again = story.waits_until_due();
        if attempt == 4 {
            // The third try would be six days on.
            assert_eq!(again, [Entry::RetryRequested { charge: 2, attempt }]);
        }
        story.declines(2);
    }
    let given_up = story.waits_until_due();
    assert_eq!(story.now, grace_until);
    assert_eq!(
        given_up[..2],
        [
            Entry::VoidRequested { charge: 2 },
            Entry::UnitsCancelled { line: 1, units: 1, refund: 2_000, because: Because::Unpaid },
        ]
    );
    assert_eq!(sent_back(&given_up), 2_000, "the deposit goes back");
    assert_eq!(story.account.lines[&2].open, 1, "the other line keeps its place");
    // The bank lets the money through after all: it is not kept.
    assert_eq!(sent_back(&story.pays(2)), 8_000);
}

#[test]
fn a_customer_who_pays_by_the_link_keeps_the_place() {
    let mut story = Story::new(vec![line(1, 4_900, 1, Plan::ChargeOnShip)]);
    story.reports(1, Report::MethodSaved);
    story.readies(1, &[(1, 1)]);
    let failed = story.reports(2, Report::AuthenticationRequired);
    assert!(
        matches!(
            failed[..],
            [Entry::ChargeFailed { failure: Failure::AuthenticationRequired, retry_at: None, .. }]
        ),
        "only the customer can help: {failed:?}"
    );
    story.waits(2 * DAY);
    assert!(may_leave(&story.pays(2), 1));
}

#[test]
fn a_shipment_that_is_not_paid_goes_back_and_its_units_are_given_up() {
    let mut story = Story::new(vec![line(1, 4_900, 2, Plan::ChargeOnShip), line(2, 300, 1, Plan::Full)]);
    story.pays(1);
    story.readies(1, &[(1, 1), (2, 1)]);
    story.reports(2, Report::Declined { may_retry: false });
    let given_up = story.waits_until_due();
    assert_eq!(
        given_up,
        [
            Entry::VoidRequested { charge: 2 },
            Entry::ShipmentDropped { shipment: 1 },
            Entry::UnitsCancelled { line: 1, units: 1, refund: 0, because: Because::Unpaid },
        ]
    );
    assert_eq!((story.account.lines[&1].open, story.account.lines[&2].open), (1, 1));
    assert_eq!(story.account.lines[&2].prepaid, 300);
    assert_eq!(story.account.shipments[&1].state, ShipmentState::Dropped);
}

#[test]
fn a_capture_that_fails_becomes_a_charge() {
    let mut story = Story::new(vec![line(1, 4_900, 1, Plan::Authorise)]);
    story.authorises(1, 7, false);
    story.readies(1, &[(1, 1)]);
    assert_eq!(asked(&story.declines(1)), (2, ChargeKind::Charge, 4_900, true));
    assert!(may_leave(&story.pays(2), 1));
}

#[test]
fn what_a_capture_lacks_is_asked_for_anew() {
    let mut story = Story::new(vec![line(1, 4_900, 1, Plan::ChargeOnShip)]);
    story.reports(1, Report::MethodSaved);
    story.readies(1, &[(1, 1)]);
    let part = story.reports(2, Report::Captured { amount: 3_000 });
    assert_eq!(asked(&part), (3, ChargeKind::Charge, 1_900, true));
    assert!(!may_leave(&part, 1));
    assert!(may_leave(&story.pays(3), 1));
}

#[test]
fn more_than_was_asked_is_refused() {
    let mut story = Story::new(vec![line(1, 4_900, 1, Plan::Full), line(2, 100, 1, Plan::Authorise)]);
    let report = |charge, report| Happening::Reported { charge, attempt: 1, report };
    assert_eq!(
        story.refused(&report(1, Report::Captured { amount: 4_901 })),
        Refusal::OverCapture { charge: 1, amount: 4_901, most: 4_900 }
    );
    story.authorises(2, 7, false);
    let capture = |amount| Happening::CaptureAsked { charge: 2, amount: Some(amount) };
    assert_eq!(story.refused(&capture(101)), Refusal::OverCapture { charge: 2, amount: 101, most: 100 });
    let charge = Happening::ChargeAsked { line: Some(2), amount: None };
    assert_eq!(story.refused(&charge), Refusal::SetAside { line: 2, charge: 2 });
    story.does(capture(60));
    assert_eq!(
        story
            .refused(&Happening::Reported { charge: 2, attempt: 2, report: Report::Captured { amount: 61 } })
            .code(),
        "over_capture"
    );
    assert_eq!(story.refused(&report(2, Report::MethodSaved)), Refusal::Contradiction { charge: 2 });
}

#[test]
fn what_was_heard_before_changes_nothing() {
    let mut story = Story::new(vec![line(1, 4_900, 1, Plan::Full)]);
    story.pays(1);
    let before = story.account.clone();
    for report in [
        Report::Captured { amount: 4_900 },
        Report::Declined { may_retry: true },
        Report::AuthenticationRequired,
        Report::Voided,
    ] {
        assert_eq!(story.reports(1, report), []);
    }
    assert_eq!(story.account, before);
    let error = story.refused(&Happening::Reported {
        charge: 1,
        attempt: 1,
        report: Report::Captured { amount: 4_800 },
    });
    assert_eq!(error, Refusal::Contradiction { charge: 1 });
}

#[test]
fn a_link_asks_for_less_once_units_are_called_off() {
    let mut story = Story::new(vec![line(1, 4_900, 3, Plan::Full)]);
    story.declines(1);
    let fewer = story.does(Happening::UnitsCancelled { line: 1, units: 2 });
    assert_eq!(fewer[1..], [Entry::VoidRequested { charge: 1 }]);
    assert_eq!(asked(&story.reports(1, Report::Voided)), (2, ChargeKind::Charge, 4_900, false));
    // Unless the customer was faster: then the rest goes back.
    let mut story = Story::new(vec![line(1, 4_900, 3, Plan::Full)]);
    story.declines(1);
    story.does(Happening::UnitsCancelled { line: 1, units: 2 });
    assert_eq!(sent_back(&story.pays(1)), 9_800);
    assert_eq!(story.sums(), [14_700, 0, 0, 14_700]);
}

#[test]
fn a_charge_that_is_being_called_off_may_still_be_paid() {
    let called_off = || {
        let mut story = Story::new(vec![line(1, 4_900, 1, Plan::Full)]);
        story.declines(1);
        story.does(Happening::UnitsCancelled { line: 1, units: 1 });
        story
    };
    let mut story = called_off();
    assert_eq!(story.declines(1), [], "how it stood before is no answer to that");
    assert_eq!(sent_back(&story.pays(1)), 4_900);
    // Nor is money kept that comes after the provider said it would not.
    let mut story = called_off();
    story.reports(1, Report::Voided);
    assert_eq!(sent_back(&story.pays(1)), 4_900);
    assert_eq!(story.sums(), [4_900, 0, 0, 4_900]);
}

#[test]
fn a_refund_that_fails_is_due_again_and_waits_for_somebody() {
    let mut story = Story::new(vec![line(1, 4_900, 1, Plan::Full)]);
    story.pays(1);
    story.does(Happening::UnitsCancelled { line: 1, units: 1 });
    let failed = story.does(Happening::RefundReported { refund: 1, succeeded: false });
    assert_eq!(failed, [Entry::RefundFailed { refund: 1 }], "it is not tried again by itself");
    assert_eq!(story.account.lines[&1].refund_due, 4_900);
    assert_eq!(sent_back(&story.does(Happening::RefundsResumed { charge: 1 })), 4_900);
    story.does(Happening::RefundReported { refund: 2, succeeded: true });
    assert_eq!(story.sums(), [4_900, 4_900, 0, 0]);
    // A bank may send back what had gone through.
    story.does(Happening::RefundReported { refund: 2, succeeded: false });
    assert_eq!(story.sums(), [4_900, 0, 0, 4_900]);
    assert_eq!(story.account.refunds[&2].state, RefundState::Failed);
}

#[test]
fn while_the_bank_decides_nothing_goes_back_by_itself() {
    let disputed = || {
        let mut story = Story::new(vec![line(1, 4_900, 1, Plan::Full)]);
        story.pays(1);
        story.does(Happening::DisputeOpened { charge: 1, amount: 4_900 });
        let cancelled = story.does(Happening::UnitsCancelled { line: 1, units: 1 });
        assert_eq!((sent_back(&cancelled), story.account.lines[&1].refund_due), (0, 4_900));
        story
    };
    let mut won = disputed();
    assert_eq!(sent_back(&won.does(Happening::DisputeClosed { charge: 1, won: true })), 4_900);
    let mut lost = disputed();
    let entries = lost.does(Happening::DisputeClosed { charge: 1, won: false });
    let back = Posting { line: 1, amount: 4_900, pocket: Pocket::RefundDue };
    assert_eq!(entries, [Entry::DisputeLost { charge: 1, postings: vec![back], beyond: 0 }]);
    assert_eq!(lost.sums(), [4_900, 4_900, 0, 0], "paid back once");
}

#[test]
fn a_lost_dispute_stops_what_is_not_gone_and_takes_no_more_by_itself() {
    let mut story = Story::new(vec![line(1, 4_900, 2, Plan::Full)]);
    story.pays(1);
    assert!(may_leave(&story.readies(1, &[(1, 1)]), 1));
    story.leaves(1);
    assert!(may_leave(&story.readies(2, &[(1, 1)]), 2));
    story.does(Happening::DisputeOpened { charge: 1, amount: 9_800 });
    let lost = story.does(Happening::DisputeClosed { charge: 1, won: false });
    assert!(lost.contains(&Entry::ShipmentBlocked { shipment: 2 }) && !is_asked(&lost), "{lost:?}");
    assert_eq!(story.sums(), [9_800, 9_800, 0, 0]);
    assert_eq!(story.account.lines[&1].conceded, 4_900);
    assert!(!is_asked(&story.waits(DAY)));
    let again = story.does(Happening::ChargeAsked { line: Some(1), amount: None });
    assert_eq!(asked(&again).2, 4_900);
}

#[test]
fn a_refund_under_way_when_the_bank_decides_is_seen_as_paid_twice() {
    let mut story = Story::new(vec![line(1, 4_900, 1, Plan::Full)]);
    story.pays(1);
    story.does(Happening::UnitsCancelled { line: 1, units: 1 });
    story.does(Happening::DisputeOpened { charge: 1, amount: 4_900 });
    let lost = story.does(Happening::DisputeClosed { charge: 1, won: false });
    assert_eq!(lost, [Entry::DisputeLost { charge: 1, postings: vec![], beyond: 4_900 }]);
}

#[test]
fn money_that_comes_another_way_takes_the_link_back() {
    let mut story = Story::new(vec![line(1, 4_900, 1, Plan::Full)]);
    let recorded = Happening::Recorded { line: None, amount: 4_900 };
    assert_eq!(story.refused(&recorded), Refusal::UnderWay { line: 1 }, "the provider may still take it");
    story.declines(1);
    assert!(story.does(recorded).contains(&Entry::VoidRequested { charge: 1 }));
    assert_eq!(story.sums(), [4_900, 0, 0, 4_900]);
}

#[test]
fn what_is_no_order_is_refused() {
    let refused = |lines: Vec<NewLine>| {
        decide(
            &Account::new(Currency::USD),
            &Happening::Ordered { lines },
            &Settings::default(),
            "2026-11-02T10:00:00Z".parse().unwrap(),
        )
        .unwrap_err()
        .code()
    };
    assert_eq!(refused(vec![line(1, 1, 1, Plan::Full), line(1, 1, 1, Plan::Full)]), "duplicate_line");
    assert_eq!(refused(vec![line(1, -1, 1, Plan::Full)]), "bad_number");
    assert_eq!(refused(vec![line(1, 1, 0, Plan::Full)]), "bad_number");
    assert_eq!(refused(vec![line(1, 1, 1, deposit(101, Balance::OnShip))]), "bad_number");
    let dear = |number| line(number, 1_000_000_000_000, 1_000_000, Plan::Full);
    assert_eq!(refused((1..=2).map(dear).collect()), "too_large");
    let story = Story::new(vec![line(1, 1, 1, Plan::Full)]);
    for (happening, code) in [
        (Happening::UnitsCancelled { line: 2, units: 1 }, "unknown_line"),
        (Happening::UnitsCancelled { line: 1, units: 0 }, "bad_number"),
        (Happening::ShipmentReady { shipment: 1, parts: vec![] }, "bad_number"),
        (Happening::ShipmentReady { shipment: 1, parts: vec![(1, 1), (1, 1)] }, "duplicate_line"),
        (Happening::ShipmentLeft { shipment: 1 }, "unknown_shipment"),
        (Happening::Reported { charge: 9, attempt: 1, report: Report::Voided }, "unknown_charge"),
        (Happening::Reported { charge: 1, attempt: 1, report: Report::Captured { amount: 0 } }, "bad_number"),
        (Happening::RefundReported { refund: 1, succeeded: true }, "unknown_refund"),
        (Happening::DisputeOpened { charge: 1, amount: 1 }, "over_capture"),
        (Happening::DisputeClosed { charge: 1, won: true }, "dispute_is"),
        (Happening::CaptureAsked { charge: 1, amount: None }, "nothing_to_capture"),
        (Happening::ChargeAsked { line: None, amount: None }, "under_way"),
        (Happening::ChargeAsked { line: None, amount: Some(2) }, "more_than_owed"),
    ] {
        assert_eq!(story.refused(&happening).code(), code, "{happening:?}");
    }
}
