//! Payment plans, told as what happens to one order: when all goes well.

use model::time::seconds_after;
use obligation::payment::{
    Balance, ChargeKind, ChargeState, Entry, Happening, OnExpiring, Plan, Refusal, Report, ShipmentState,
    When, next_due, schedule,
};

use crate::story::{DAY, Story, asked, date, deposit, is_asked, line, may_leave, sent_back};

#[test]
fn a_full_payment_is_owed_until_the_goods_leave() {
    let mut story = Story::new(vec![line(1, 4_900, 2, Plan::Full)]);
    assert_eq!(asked(&story.said), (1, ChargeKind::Charge, 9_800, false));
    story.pays(1);
    assert_eq!(story.sums(), [9_800, 0, 0, 9_800]);
    assert!(may_leave(&story.readies(1, &[(1, 1)]), 1));
    story.leaves(1);
    assert_eq!(story.sums(), [9_800, 0, 4_900, 4_900]);
    assert_eq!(story.account.prepayment_of(1), 4_900);
}

#[test]
fn by_default_the_method_is_saved_and_charged_when_the_goods_ship() {
    let mut story = Story::new(vec![line(1, 4_900, 2, Plan::default())]);
    assert_eq!(asked(&story.said), (1, ChargeKind::Setup, 0, false));
    story.reports(1, Report::MethodSaved);
    // Sixty days later no authorisation is there to expire.
    assert_eq!(next_due(&story.account, &story.settings), None);
    story.waits(60 * DAY);
    let ready = story.readies(1, &[(1, 2)]);
    assert_eq!(asked(&ready), (2, ChargeKind::Charge, 9_800, true));
    assert!(!may_leave(&ready, 1), "nothing ships unpaid");
    let error = story.refused(&Happening::ShipmentLeft { shipment: 1 });
    assert_eq!(error, Refusal::ShipmentIs { shipment: 1, state: ShipmentState::Waiting });
    assert!(may_leave(&story.pays(2), 1));
    story.leaves(1);
    assert_eq!(story.sums(), [9_800, 0, 9_800, 0]);
}

#[test]
fn a_deposit_is_split_over_shipments_without_losing_a_cent() {
    // 100 of 333 is a deposit of 30 percent, rounded; three units of 111 share it as 33, 33, 34.
    let mut story = Story::new(vec![line(1, 111, 3, deposit(30, Balance::OnShip))]);
    assert_eq!(asked(&story.said), (1, ChargeKind::Charge, 100, false));
    story.pays(1);
    let mut balances = Vec::new();
    for shipment in 1..=3 {
        let (charge, _, amount, off_session) = asked(&story.readies(shipment, &[(1, 1)]));
        assert!(off_session);
        assert!(may_leave(&story.pays(charge), shipment));
        story.leaves(shipment);
        balances.push(amount);
    }
    assert_eq!(balances, [78, 78, 77]);
    assert_eq!(story.sums(), [333, 0, 333, 0]);
}

#[test]
fn what_is_charged_on_shipping_is_charged_for_the_units_that_are_here() {
    let mut story = Story::new(vec![line(1, 1_500, 4, Plan::default())]);
    story.reports(1, Report::MethodSaved);
    let first = story.does(Happening::GoodsReady { line: 1, units: 1 });
    assert_eq!(asked(&first), (2, ChargeKind::Charge, 1_500, true), "one of four is here");
    story.pays(2);
    assert!(!is_asked(&story.does(Happening::GoodsReady { line: 1, units: 1 })), "it is paid");
    // It leaves with all that was paid for it, and the others stay unpaid.
    assert!(may_leave(&story.readies(1, &[(1, 1)]), 1));
    story.leaves(1);
    assert_eq!(story.sums(), [1_500, 0, 1_500, 0]);
    // Two more are here; one that has not come yet is called off, and nothing goes back for it.
    let next = story.does(Happening::GoodsReady { line: 1, units: 2 });
    assert_eq!(asked(&next), (3, ChargeKind::Charge, 3_000, true));
    story.pays(3);
    assert_eq!(sent_back(&story.does(Happening::UnitsCancelled { line: 1, units: 1 })), 0);
    assert_eq!(sent_back(&story.does(Happening::UnitsCancelled { line: 1, units: 1 })), 1_500);
    assert!(may_leave(&story.readies(2, &[(1, 1)]), 2));
}

#[test]
fn the_balance_of_a_deposit_is_charged_for_the_units_that_are_here_to_the_cent() {
    // Three units of 1.11 with a deposit of 1.00, which they share as 33, 33, 34.
    let mut story = Story::new(vec![line(1, 111, 3, deposit(30, Balance::OnShip))]);
    story.pays(1);
    let mut balances = Vec::new();
    for shipment in 1..=3 {
        let (charge, _, amount, _) = asked(&story.does(Happening::GoodsReady { line: 1, units: 1 }));
        story.pays(charge);
        assert!(may_leave(&story.readies(shipment, &[(1, 1)]), shipment));
        story.leaves(shipment);
        balances.push(amount);
    }
    assert_eq!((balances, story.sums()), (vec![78, 78, 77], [333, 0, 333, 0]));
}

#[test]
fn who_does_not_pay_for_more_keeps_the_units_that_are_paid() {
    let mut story = Story::new(vec![line(1, 1_500, 4, Plan::default())]);
    story.reports(1, Report::MethodSaved);
    story.does(Happening::GoodsReady { line: 1, units: 1 });
    story.pays(2);
    // Paid and not gone yet when another is here that is not paid.
    assert_eq!(asked(&story.does(Happening::GoodsReady { line: 1, units: 2 })).2, 1_500);
    story.declines(3);
    while story.account.lines[&1].cancelled == 0 {
        let tried = story.waits_until_due();
        if tried.iter().any(|entry| matches!(entry, Entry::RetryRequested { .. })) {
            story.declines(3);
        }
    }
    let line = &story.account.lines[&1];
    assert_eq!((line.open, line.cancelled, line.prepaid, line.refund_due), (1, 3, 1_500, 0));
    assert!(may_leave(&story.readies(1, &[(1, 1)]), 1));
}

#[test]
fn a_dated_balance_is_announced_then_taken_and_follows_the_promise() {
    let mut ordered = line(1, 10_000, 1, deposit(20, Balance::DaysBefore(14)));
    ordered.ship_by = Some(date("2026-12-15"));
    let mut story = Story::new(vec![ordered]);
    story.pays(1);
    // Due on 1 December: told a day before. But the promise moves by a week, and the balance with it.
    assert_eq!(next_due(&story.account, &story.settings), Some("2026-11-30T00:00:00Z".parse().unwrap()));
    story.does(Happening::PromiseMoved { line: 1, ship_by: Some(date("2026-12-22")) });
    assert_eq!(next_due(&story.account, &story.settings), Some("2026-12-07T00:00:00Z".parse().unwrap()));
    let told = story.waits_until_due();
    assert!(matches!(told[..], [Entry::ChargeAnnounced { line: 1, amount: 8_000, .. }]), "{told:?}");
    let charge = asked(&story.waits_until_due());
    assert_eq!(
        (charge, story.now),
        ((2, ChargeKind::Charge, 8_000, true), "2026-12-08T00:00:00Z".parse().unwrap())
    );
    // The customer's card fails; then the promise moves far away: the link is taken back.
    story.declines(2);
    let moved = story.does(Happening::PromiseMoved { line: 1, ship_by: Some(date("2027-03-01")) });
    assert_eq!(moved[1..], [Entry::VoidRequested { charge: 2 }]);
    assert!(!is_asked(&story.reports(2, Report::Voided)));
    assert_eq!(story.sums(), [2_000, 0, 0, 2_000]);
    // Where nobody knows when it ships, nothing is taken before it does.
    story.does(Happening::PromiseMoved { line: 1, ship_by: None });
    assert_eq!(next_due(&story.account, &story.settings), None);
    assert_eq!(asked(&story.readies(1, &[(1, 1)])), (3, ChargeKind::Charge, 8_000, true));
}

#[test]
fn an_authorisation_is_captured_when_the_goods_ship() {
    let mut story = Story::new(vec![line(1, 4_900, 3, Plan::Authorise)]);
    assert_eq!(asked(&story.said), (1, ChargeKind::Authorise, 14_700, false));
    story.authorises(1, 7, false);
    let ready = story.readies(1, &[(1, 2)]);
    assert_eq!(
        ready[1..],
        [Entry::CaptureRequested { charge: 1, parts: vec![(1, 9_800)], shipment: Some(1), attempt: 2 }]
    );
    assert!(may_leave(&story.pays(1), 1));
    // A single capture set the rest free: what is left is charged when it ships.
    assert_eq!(story.account.charges[&1].state, ChargeState::Done);
    assert_eq!(asked(&story.readies(2, &[(1, 1)])), (2, ChargeKind::Charge, 4_900, true));
}

#[test]
fn where_the_provider_allows_it_an_authorisation_is_captured_part_by_part() {
    let mut story = Story::new(vec![line(1, 4_900, 3, Plan::Authorise)]);
    story.authorises(1, 7, true);
    for shipment in 1..=3 {
        story.readies(shipment, &[(1, 1)]);
        assert!(may_leave(&story.pays(1), shipment));
        // Said twice.
        assert_eq!(story.reports(1, Report::Captured { amount: 4_900 }).len(), 0);
        story.leaves(shipment);
    }
    assert_eq!(story.sums(), [14_700, 0, 14_700, 0]);
    assert_eq!(story.account.charges.len(), 1);
}

#[test]
fn an_authorisation_that_runs_out_is_let_go_in_time() {
    let mut story = Story::new(vec![line(1, 4_900, 1, Plan::Authorise)]);
    story.authorises(1, 5, false);
    let before = seconds_after(story.now, 4 * DAY);
    assert_eq!(next_due(&story.account, &story.settings), before, "a day before what the provider said");
    assert_eq!(story.waits_until_due(), [Entry::VoidRequested { charge: 1 }]);
    story.reports(1, Report::Voided);
    assert_eq!(asked(&story.readies(1, &[(1, 1)])), (2, ChargeKind::Charge, 4_900, true));

    let mut story = Story::new(vec![line(1, 4_900, 1, Plan::Authorise)]);
    story.settings.on_expiring = OnExpiring::Capture;
    story.authorises(1, 5, false);
    story.waits_until_due();
    story.pays(1);
    assert_eq!(story.sums(), [4_900, 0, 0, 4_900]);

    let mut story = Story::new(vec![line(1, 4_900, 1, Plan::Authorise)]);
    story.authorises(1, 5, false);
    assert_eq!(story.waits(6 * DAY), [Entry::Voided { charge: 1 }], "nobody looked in time");
    assert!(is_asked(&story.readies(1, &[(1, 1)])), "an expired authorisation is never captured");
}

#[test]
fn units_called_off_are_paid_back_by_the_way_the_money_came() {
    let mut story =
        Story::new(vec![line(1, 111, 3, deposit(30, Balance::OnShip)), line(2, 500, 1, Plan::Full)]);
    story.pays(1);
    let one = story.does(Happening::UnitsCancelled { line: 1, units: 1 });
    assert_eq!(sent_back(&one), 33);
    story.does(Happening::RefundReported { refund: 1, succeeded: true });
    assert_eq!(story.sums(), [600, 33, 0, 567]);
    assert_eq!(sent_back(&story.does(Happening::UnitsCancelled { line: 1, units: 2 })), 67);
    assert_eq!(sent_back(&story.does(Happening::UnitsCancelled { line: 2, units: 1 })), 500);
    let error = story.refused(&Happening::UnitsCancelled { line: 2, units: 1 });
    assert_eq!(error, Refusal::NotOpen { line: 2, units: 1, open: 0 });
}

#[test]
fn goods_that_left_can_be_given_back_for_no_more_than_they_earned() {
    let mut story = Story::new(vec![line(1, 4_900, 2, Plan::Full)]);
    story.pays(1);
    story.readies(1, &[(1, 1)]);
    story.leaves(1);
    let give = |amount| Happening::RefundAsked { line: 1, amount };
    assert_eq!(story.refused(&give(4_901)), Refusal::MoreThanEarned { line: 1, amount: 4_901, most: 4_900 });
    assert_eq!(sent_back(&story.does(give(1_000))), 1_000);
    assert_eq!(story.sums(), [9_800, 0, 3_900, 5_900]);
}

#[test]
fn an_invoice_ships_unpaid_and_is_paid_by_hand() {
    let mut story = Story::new(vec![line(1, 4_900, 2, Plan::None)]);
    assert!(!is_asked(&story.said));
    assert!(may_leave(&story.readies(1, &[(1, 1)]), 1));
    story.leaves(1);
    assert_eq!((story.account.lines[&1].receivable, story.sums()), (4_900, [0, 0, 0, 0]));
    story.does(Happening::Recorded { line: None, amount: 6_000 });
    assert_eq!((story.account.lines[&1].receivable, story.sums()), (0, [6_000, 0, 4_900, 1_100]));
    let error = story.refused(&Happening::Recorded { line: None, amount: 3_801 });
    assert_eq!(error, Refusal::MoreThanOwed { amount: 3_801, most: 3_800 });
    let back = story.does(Happening::UnitsCancelled { line: 1, units: 1 });
    assert!(
        back.iter().any(|entry| matches!(entry, Entry::RefundRequested { by_hand: true, .. })),
        "{back:?}"
    );
}

#[test]
fn shipping_costs_can_be_asked_for_late() {
    let mut story = Story::new(vec![line(1, 4_900, 1, Plan::Full), line(2, 100, 1, Plan::ChargeOnShip)]);
    story.pays(1);
    let fee = story.does(Happening::Ordered { lines: vec![line(90, 700, 1, Plan::Full)] });
    assert_eq!(asked(&fee), (2, ChargeKind::Charge, 700, true));
    let ready = story.readies(1, &[(1, 1), (90, 1)]);
    assert!(!may_leave(&ready, 1), "not before the fee is paid");
    assert!(may_leave(&story.pays(2), 1));
}

#[test]
fn one_order_may_have_a_plan_for_each_line() {
    let story = Story::new(vec![
        line(1, 1_000, 1, Plan::Full),
        line(2, 1_000, 1, deposit(20, Balance::OnShip)),
        line(3, 1_000, 1, Plan::Authorise),
        line(4, 1_000, 1, Plan::ChargeOnShip),
        line(5, 1_000, 1, Plan::None),
        line(6, 0, 1, Plan::ChargeOnShip),
    ]);
    let asked: Vec<_> = story
        .said
        .iter()
        .filter_map(|entry| match entry {
            Entry::ChargeRequested { kind, parts, saves, .. } => Some((*kind, parts.clone(), *saves)),
            _ => None,
        })
        .collect();
    assert_eq!(
        asked,
        [
            (ChargeKind::Charge, vec![(1, 1_000), (2, 200)], true),
            (ChargeKind::Authorise, vec![(3, 1_000)], true),
        ],
        "what is paid now saves the method for what is paid later"
    );
}

#[test]
fn an_order_without_lines_waits_for_nothing() {
    let story = Story::new(vec![]);
    assert_eq!((next_due(&story.account, &story.settings), story.said.len()), (None, 0));
}

#[test]
fn customers_see_what_is_still_to_be_paid() {
    let mut dated = line(2, 1_000, 2, deposit(20, Balance::DaysBefore(14)));
    dated.ship_by = Some(date("2026-12-15"));
    let mut story = Story::new(vec![
        line(1, 1_000, 1, Plan::Full),
        dated,
        line(3, 1_000, 1, Plan::ChargeOnShip),
        line(4, 1_000, 1, Plan::None),
    ]);
    let seen = |story: &Story| -> Vec<(u16, i64, When)> {
        schedule(&story.account).iter().map(|due| (due.line, due.amount, due.when)).collect()
    };
    let on = When::On(date("2026-12-01"));
    assert_eq!(
        seen(&story),
        [
            (1, 1_000, When::Now),
            (2, 400, When::Now),
            (2, 1_600, on),
            (3, 1_000, When::OnShip),
            (4, 1_000, When::ByInvoice),
        ]
    );
    story.pays(1);
    story.does(Happening::PromiseMoved { line: 2, ship_by: Some(date("2026-12-22")) });
    story.readies(1, &[(2, 1), (4, 1)]);
    let moved = When::On(date("2026-12-08"));
    assert_eq!(
        seen(&story),
        [(2, 800, When::Now), (2, 800, moved), (3, 1_000, When::OnShip), (4, 1_000, When::ByInvoice)]
    );
}
