//! An unknown place, and a merchant's policy on top: whatever protects the buyer more.

use model::time::Zone;
use obligation::legal::{
    Jurisdiction, Law, LawBook, LegalOrder, MerchantPolicy, State, Step, StepKind, standing,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::clock::{ask, ask_on, cancelled, day, noon, notice, on, order, step};

#[test]
fn an_unknown_place_has_the_strictest_of_all_laws() {
    let mut question = order("Atlantis", &[]);
    question["credit_application"] = true.into();
    let answer = ask(&question);
    // Credit gives fifty days in the United States, and none elsewhere.
    assert_eq!((answer.state, answer.ship_by), (State::Open, on("2026-12-02")));
    assert_eq!(answer.laws, Law::ALL);
    question["jurisdiction"] = Value::Null;
    assert_eq!(ask(&question), answer);
    // Nothing cancels by itself in Europe, but it does in the United States, and money goes back sooner.
    cancelled(&order("CA", &[]), "2026-12-03", "2026-12-03", "2026-12-14");
    // After delivery there is no way back in the United States, but there is in Europe.
    let delivered = [step("2026-11-20", "scan"), step("2026-11-25", "delivered")];
    let answer = ask_on(&order("CA", &delivered), "2026-11-30");
    assert_eq!((answer.state, answer.withdraw_by), (State::Delivered, on("2026-12-09")));
    let withdrawn = [&delivered[..], &[step("2026-12-01", "cancel")]].concat();
    cancelled(&order("CA", &withdrawn), "2026-12-01", "2026-12-01", "2026-12-15");
}

#[test]
fn agreement_that_counts_in_one_place_does_not_in_every_other() {
    let unknown_date = [
        json!({"at": noon("2026-11-25"), "kind": "notice", "indefinite": true}),
        step("2026-11-26", "consent"),
    ];
    let us = ask_on(&order("US", &unknown_date), "2026-12-10");
    assert_eq!((us.state, us.ship_by), (State::Consented, None));
    let anywhere = ask_on(&order("CA", &unknown_date), "2026-12-10");
    assert_eq!((anywhere.state, anywhere.ship_by), (State::Late, on("2026-12-02")));
}

#[test]
fn a_policy_brings_days_forward_and_never_back() {
    let with = |policy: Value, steps: &[Value]| {
        let mut question = order("US", steps);
        question["policy"] = policy;
        question
    };
    let answer = ask(&with(json!({"ship_within_days": 10}), &[]));
    assert_eq!((answer.ship_by, answer.notice_by), (on("2026-11-12"), on("2026-11-12")));
    assert_eq!(ask(&with(json!({"ship_within_days": 90}), &[])).ship_by, on("2026-12-02"));
    assert_eq!(ask(&with(json!({"notice_lead_days": 5}), &[])).notice_by, on("2026-11-27"));
    let agreed = [notice("2026-11-25", "2027-01-15"), step("2026-11-26", "consent")];
    let later = ask_on(&with(json!({"ship_within_days": 10}), &agreed), "2026-12-10");
    assert_eq!(later.ship_by, on("2027-01-15"), "who agreed to wait is not promised the old date");
    cancelled(&with(json!({"refund_within_days": 0}), &[]), "2026-12-05", "2026-12-03", "2026-12-03");
    cancelled(&with(json!({"refund_within_days": 60}), &[]), "2026-12-05", "2026-12-03", "2026-12-14");
    let mut german = order("DE", &[]);
    assert_eq!(ask_on(&german, "2026-12-05").state, State::Late);
    german["policy"] = json!({"also": ["us"]});
    cancelled(&german, "2026-12-05", "2026-12-03", "2026-12-14");
}

fn any_step() -> impl Strategy<Value = Value> {
    let at = (0..120_i64).prop_map(|day| {
        let at: model::time::Timestamp = "2026-11-02T17:00:00Z".parse().unwrap();
        model::time::seconds_after(at, day * 86_400).unwrap()
    });
    let kind = prop::sample::select(vec![
        "notice",
        "consent",
        "cancel",
        "scan",
        "label",
        "bounce",
        "seller_cancel",
        "extra_period",
        "delivered",
    ]);
    (at, kind, 0..60_u16, any::<bool>()).prop_map(|(at, kind, later, indefinite)| {
        let mut step = json!({"at": at.to_string(), "kind": kind});
        let date = model::time::days_after(model::time::local_date(at, &Zone::utc()), later).unwrap();
        match kind {
            "notice" if indefinite => step["indefinite"] = true.into(),
            "notice" | "extra_period" => step["revised_to"] = date.to_string().into(),
            _ => {}
        }
        step
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever happens: an unknown place is never laxer than any one law, and time only moves an order on.
    #[test]
    fn the_strictest_is_never_laxer_than_one_law(steps in prop::collection::vec(any_step(), 0..8), asked in 0..150_i64) {
        let at: model::time::Timestamp = "2026-11-02T17:00:01Z".parse().unwrap();
        let mut question = order("CA", &steps);
        question["asked_at"] = model::time::seconds_after(at, asked * 86_400).unwrap().to_string().into();
        let strict = ask(&question);
        for place in ["US", "EU", "UK"] {
            question["jurisdiction"] = place.into();
            let one = ask(&question);
            prop_assert!(strict.state >= one.state, "{place}: {strict:?} {one:?}");
            if let Some(cancelled_on) = one.cancelled_on {
                prop_assert!(strict.cancelled_on.unwrap() <= cancelled_on);
                prop_assert!(strict.refund_by.unwrap() <= one.refund_by.unwrap());
            }
            if let (Some(one), Some(strict)) = (one.ship_by, strict.ship_by) {
                prop_assert!(strict <= one);
            }
            prop_assert_eq!(one.state == State::Cancelled, one.cancelled_on.is_some() && one.refund_by.is_some());
            // Cancelled stays cancelled, on the same day.
            question["asked_at"] = model::time::seconds_after(at, (asked + 400) * 86_400).unwrap().to_string().into();
            let later = ask(&question);
            let unchanged = steps.iter().all(|step| {
                let then: model::time::Timestamp = step["at"].as_str().unwrap().parse().unwrap();
                then <= model::time::seconds_after(at, asked * 86_400).unwrap()
            });
            if one.state == State::Cancelled && unchanged {
                prop_assert_eq!(later, one);
            }
            question["asked_at"] = model::time::seconds_after(at, asked * 86_400).unwrap().to_string().into();
        }
    }
}

#[test]
fn the_next_day_of_change_is_known_for_a_timer() {
    let line =
        LegalOrder::new(crate::clock::ORDERED.parse().unwrap(), Zone::new("America/New_York").unwrap());
    let changes = |place: &str, steps: &[Step], today: &str| {
        let policy = MerchantPolicy::default();
        let asked = noon(today).parse().unwrap();
        let found = standing(&line, steps, &Jurisdiction::of(place), &policy, &LawBook::default(), asked);
        found.changes_on(day(today))
    };
    assert_eq!(changes("US", &[], "2026-11-10"), on("2026-12-03"));
    assert_eq!(changes("US", &[], "2026-12-05"), None);
    assert_eq!(changes("DE", &[], "2026-12-05"), None, "late, until the customer does something");
    let delivered = [Step { at: noon("2026-12-15").parse().unwrap(), kind: StepKind::Delivered }];
    assert_eq!(changes("DE", &delivered, "2026-12-20"), on("2026-12-30"));
}

#[test]
fn a_delivery_date_counts_where_delivery_does() {
    let mut line =
        LegalOrder::new(crate::clock::ORDERED.parse().unwrap(), Zone::new("America/New_York").unwrap());
    line.stated_by = on("2026-11-20");
    line.deliver_stated_by = on("2026-11-27");
    let asked = noon("2026-11-10").parse().unwrap();
    let by = |place: &str| {
        let policy = MerchantPolicy::default();
        let found = standing(&line, &[], &Jurisdiction::of(place), &policy, &LawBook::default(), asked);
        found.ship_by.map(|deadline| deadline.on)
    };
    assert_eq!((by("US"), by("FR"), by("nowhere")), (on("2026-11-20"), on("2026-11-27"), on("2026-11-20")));
}
