//! The United States: 16 CFR part 435, case by case. The order is of 2 November 2026 in New York unless it says
//! otherwise; without a stated time it must ship by 2 December, a first delay is short up to 1 January 2027.

use model::time::{Timestamp, Zone};
use obligation::legal::{LegalOrder, OnSilence, RefundForm, State, clock::ClockAnswer};
use serde_json::{Value, json};

use crate::clock::{ORDERED, ask, ask_on, cancelled, noon, notice, on, order, remarks, step};

fn us(steps: &[Value]) -> Value {
    order("US", steps)
}

/// Told on 25 November that it ships by 30 December: a short first delay.
fn short() -> Value {
    notice("2026-11-25", "2026-12-30")
}

/// Told on 25 November that it ships by 15 January: a long first delay.
fn long() -> Value {
    notice("2026-11-25", "2027-01-15")
}

fn state(answer: &ClockAnswer) -> (State, Option<model::time::Date>, Option<model::time::Date>) {
    (answer.state, answer.ship_by, answer.answer_by)
}

/// Worked case 1.
#[test]
fn without_a_stated_time_it_ships_within_thirty_days() {
    let answer = ask(&us(&[]));
    assert_eq!(state(&answer), (State::Open, on("2026-12-02"), None));
    assert_eq!(answer.notice_by, on("2026-12-02"));
    assert_eq!(ask_on(&us(&[]), "2026-12-02").state, State::Open, "the last day belongs to the time");
    cancelled(&us(&[]), "2026-12-03", "2026-12-03", "2026-12-14");
}

/// Worked case 2.
#[test]
fn a_stated_range_holds_to_its_later_end() {
    let ordered: Timestamp = ORDERED.parse().unwrap();
    let said = LegalOrder::new(ordered, Zone::new("America/New_York").unwrap()).stated_within(14);
    assert_eq!(said, on("2026-11-16"));
    let mut question = us(&[]);
    question["stated_by"] = "2026-11-16".into();
    let answer = ask(&question);
    assert_eq!(state(&answer), (State::Open, on("2026-11-16"), None));
    assert_eq!(answer.notice_by, on("2026-11-16"));
}

/// Worked case 3.
#[test]
fn an_application_for_the_sellers_credit_gives_fifty_days() {
    let mut question = us(&[]);
    question["credit_application"] = true.into();
    assert_eq!(ask(&question).ship_by, on("2026-12-22"));
    question["stated_by"] = "2026-11-16".into();
    assert_eq!(ask(&question).ship_by, on("2026-11-16"), "a stated time holds all the same");
}

/// Worked case 4.
#[test]
fn a_label_is_no_shipment() {
    let question = us(&[step("2026-12-02", "label"), step("2026-12-03", "scan")]);
    let answer = cancelled(&question, "2026-12-04", "2026-12-03", "2026-12-14");
    assert_eq!(remarks(&answer), ["label_is_no_shipment", "shipped_after_cancellation"]);
    let in_time = us(&[step("2026-12-02", "label"), step("2026-12-02", "scan")]);
    assert_eq!(ask_on(&in_time, "2026-12-04").state, State::Shipped);
}

/// Worked case 5.
#[test]
fn silence_agrees_to_a_short_first_delay() {
    let answer = ask_on(&us(&[short()]), "2026-12-10");
    assert_eq!(state(&answer), (State::Short, on("2026-12-30"), on("2026-12-30")));
    assert_eq!(answer.on_silence, Some(OnSilence::Keeps));
    assert_eq!(ask_on(&us(&[short(), step("2026-12-30", "scan")]), "2027-01-04").state, State::Shipped);
}

/// Worked case 6.
#[test]
fn silence_to_a_further_delay_cancels() {
    let question = us(&[short(), notice("2026-12-28", "2027-01-20")]);
    let answer = ask_on(&question, "2026-12-30");
    assert_eq!(state(&answer), (State::Renewed, on("2026-12-30"), on("2026-12-30")));
    assert_eq!(answer.on_silence, Some(OnSilence::Cancels));
    let answer = cancelled(&question, "2026-12-31", "2026-12-31", "2027-01-12");
    assert_eq!(answer.cancelled_by_rule, Some("16 CFR 435.2(c)(3)"));
}

/// Worked case 7.
#[test]
fn a_further_delay_that_was_agreed_to_moves_the_last_day() {
    let steps = [short(), notice("2026-12-28", "2027-01-20"), step("2026-12-29", "consent")];
    let answer = ask_on(&us(&steps), "2027-01-05");
    assert_eq!(state(&answer), (State::Consented, on("2027-01-20"), None));
    assert_eq!(answer.notice_by, on("2027-01-20"));
    cancelled(&us(&steps), "2027-02-01", "2027-01-21", "2027-02-01");
}

/// Worked case 8.
#[test]
fn a_long_first_delay_may_ship_within_thirty_days_without_an_answer() {
    let answer = ask_on(&us(&[long()]), "2026-12-10");
    assert_eq!(state(&answer), (State::Long, on("2027-01-01"), on("2027-01-01")));
    assert_eq!(answer.on_silence, Some(OnSilence::Cancels));
    let shipped = ask_on(&us(&[long(), step("2026-12-29", "scan")]), "2027-03-01");
    assert_eq!((shipped.state, shipped.cancelled_on), (State::Shipped, None));
}

/// Worked case 9.
#[test]
fn silence_to_a_long_first_delay_cancels() {
    assert_eq!(ask_on(&us(&[long()]), "2027-01-01").state, State::Long);
    let answer = cancelled(&us(&[long()]), "2027-01-02", "2027-01-02", "2027-01-12");
    assert_eq!(answer.cancelled_by_rule, Some("16 CFR 435.2(c)(2)"));
}

/// Worked case 10.
#[test]
fn a_long_first_delay_that_was_agreed_to_moves_the_last_day() {
    let answer = ask_on(&us(&[long(), step("2026-12-20", "consent")]), "2027-01-05");
    assert_eq!(state(&answer), (State::Consented, on("2027-01-15"), None));
}

/// Worked case 11.
#[test]
fn who_waits_without_a_date_may_cancel_at_any_time() {
    let unknown = json!({"at": noon("2026-11-25"), "kind": "notice", "indefinite": true});
    let answer = ask_on(&us(std::slice::from_ref(&unknown)), "2026-11-26");
    assert_eq!(state(&answer), (State::Indefinite, on("2027-01-01"), on("2027-01-01")));
    let agreed = [unknown, step("2026-12-01", "consent")];
    let answer = ask_on(&us(&agreed), "2027-02-02");
    assert_eq!(state(&answer), (State::Consented, None, None));
    let told_again = [&agreed[..], &[notice("2027-01-10", "2027-03-01")]].concat();
    assert_eq!(ask_on(&us(&told_again), "2027-06-01").state, State::Consented, "no further notice is needed");
    let steps = [&agreed[..], &[step("2027-02-03", "cancel")]].concat();
    let answer = cancelled(&us(&steps), "2027-02-03", "2027-02-03", "2027-02-12");
    assert_eq!(answer.cancelled_by_rule, Some("16 CFR 435.2(c)(1)"));
}

/// Worked case 12.
#[test]
fn thirty_days_part_the_short_delay_from_the_long() {
    let first_delay = |to: &str| ask(&us(&[notice("2026-11-03", to)])).state;
    assert_eq!(first_delay("2027-01-01"), State::Short);
    assert_eq!(first_delay("2027-01-02"), State::Long);
}

/// Worked case 13.
#[test]
fn a_first_notice_after_the_last_day_offers_nothing() {
    let question = us(&[notice("2026-12-03", "2026-12-30"), step("2026-12-04", "consent")]);
    let answer = cancelled(&question, "2026-12-05", "2026-12-03", "2026-12-14");
    assert_eq!(answer.cancelled_by_rule, Some("16 CFR 435.2(c)(5)"));
    assert_eq!(remarks(&answer), ["notice_too_late", "consent_to_nothing"]);
}

/// Worked case 14.
#[test]
fn a_parcel_that_leaves_after_the_buyer_cancelled_is_to_be_stopped() {
    let question = us(&[
        short(),
        json!({"at": "2026-12-05T09:00:00-05:00", "kind": "cancel"}),
        json!({"at": "2026-12-05T15:00:00-05:00", "kind": "scan"}),
    ]);
    let answer = cancelled(&question, "2026-12-06", "2026-12-05", "2026-12-15");
    assert_eq!(remarks(&answer), ["shipped_after_cancellation"]);
}

/// Worked case 15.
#[test]
fn an_order_that_was_never_charged_gets_a_statement_instead_of_money() {
    let mut question = us(&[notice("2026-12-03", "2026-12-30")]);
    question["tender"] = "uncharged".into();
    let answer = cancelled(&question, "2026-12-03", "2026-12-03", "2026-12-14");
    assert_eq!(answer.refund, Some(RefundForm::NoChargeStatement));
    question["tender"] = "seller_credit".into();
    let credit = cancelled(&question, "2026-12-03", "2026-12-03", "2027-01-02");
    assert_eq!(credit.refund, Some(RefundForm::Money));
}

/// Worked case 16.
#[test]
fn a_notice_that_came_back_counts_from_its_second_sending() {
    let bounced = [short(), step("2026-11-25", "bounce")];
    let answer = ask_on(&us(&bounced), "2026-11-26");
    assert_eq!((answer.state, remarks(&answer)), (State::Open, vec![json!("notice_returned")]));
    let again = [&bounced[..], &[notice("2026-12-01", "2026-12-30")]].concat();
    assert_eq!(state(&ask_on(&us(&again), "2026-12-10")), (State::Short, on("2026-12-30"), on("2026-12-30")));
    let too_late = [&bounced[..], &[notice("2026-12-03", "2026-12-30")]].concat();
    cancelled(&us(&too_late), "2026-12-10", "2026-12-03", "2026-12-14");
    let known_late = us(&[short(), step("2026-12-08", "bounce")]);
    assert_eq!(ask_on(&known_late, "2026-12-07").state, State::Short);
    cancelled(&known_late, "2026-12-09", "2026-12-03", "2026-12-14");
    let answered = us(&[short(), step("2026-11-26", "consent"), step("2026-11-27", "bounce")]);
    assert_eq!(ask_on(&answered, "2026-12-10").state, State::Consented, "an answer proves that it arrived");
}

/// Worked case 17.
#[test]
fn a_waitlist_starts_no_clock() {
    let mut question = us(&[]);
    question["ordered_at"] = Value::Null;
    assert_eq!(state(&ask_on(&question, "2027-06-01")), (State::NoClock, None, None));
    let mut exempt = us(&[]);
    exempt["exempt"] = "seeds_or_plants".into();
    assert_eq!(ask_on(&exempt, "2027-06-01").state, State::NoClock);
}

/// Worked case 18.
#[test]
fn days_are_those_of_the_buyers_calendar() {
    let mut question = us(&[]);
    question["ordered_at"] = "2026-11-03T04:30:00Z".into();
    assert_eq!(ask(&question).ship_by, on("2026-12-02"));
    question["zone"] = "UTC".into();
    assert_eq!(ask(&question).ship_by, on("2026-12-03"));
    // The last minute of the last day in New York is in time, though it is the next day elsewhere.
    let last = json!({"at": "2026-12-03T04:59:00Z", "kind": "scan"});
    let after = json!({"at": "2026-12-03T05:00:00Z", "kind": "scan"});
    assert_eq!(ask_on(&us(&[last]), "2026-12-10").state, State::Shipped);
    assert_eq!(ask_on(&us(&[after]), "2026-12-10").state, State::Cancelled);
}

#[test]
fn a_second_delay_is_a_further_one_even_before_the_first_day_is_over() {
    let steps = [notice("2026-11-10", "2026-12-10"), notice("2026-11-20", "2026-12-20")];
    let answer = ask_on(&us(&steps), "2026-11-21");
    assert_eq!(state(&answer), (State::Renewed, on("2026-12-10"), on("2026-12-10")));
    cancelled(&us(&steps), "2026-12-11", "2026-12-11", "2026-12-22");
}

#[test]
fn a_date_that_came_nearer_again_asks_nothing() {
    let steps = [short(), notice("2026-12-10", "2026-12-20")];
    let answer = ask_on(&us(&steps), "2026-12-11");
    assert_eq!(state(&answer), (State::Short, on("2026-12-30"), on("2026-12-30")));
    assert_eq!(remarks(&answer), ["notice_without_delay"]);
    assert_eq!(ask(&us(&[notice("2026-11-02", "2026-12-02")])).state, State::Open);
}

#[test]
fn a_long_delay_told_anew_keeps_its_day_to_answer() {
    let steps = [long(), notice("2026-12-15", "2027-02-20")];
    let answer = ask_on(&us(&steps), "2026-12-20");
    assert_eq!(state(&answer), (State::Long, on("2027-01-01"), on("2027-01-01")));
    let agreed = [&steps[..], &[step("2026-12-21", "consent")]].concat();
    assert_eq!(ask_on(&us(&agreed), "2027-02-01").ship_by, on("2027-02-20"));
}

#[test]
fn consent_beyond_the_date_of_the_notice_moves_it() {
    let beyond = json!({"at": noon("2026-11-26"), "kind": "consent", "revised_to": "2027-01-31"});
    let answer = ask_on(&us(&[short(), beyond]), "2026-12-31");
    assert_eq!(state(&answer), (State::Consented, on("2027-01-31"), None));
    let open_end = json!({"at": noon("2026-11-26"), "kind": "consent", "indefinite": true});
    assert_eq!(ask_on(&us(&[short(), open_end]), "2027-05-01").state, State::Consented);
    let less = json!({"at": noon("2026-12-20"), "kind": "consent", "revised_to": "2027-01-10"});
    assert_eq!(ask_on(&us(&[long(), less]), "2027-01-05").ship_by, on("2027-01-10"));
}

#[test]
fn an_answer_to_an_older_version_agrees_to_nothing_newer() {
    let told = |date: &str, to: &str, version: u32| json!({"at": noon(date), "kind": "notice", "revised_to": to, "version": version});
    let answered = |version: u32| json!({"at": noon("2026-12-29"), "kind": "consent", "version": version});
    let steps = [told("2026-11-25", "2026-12-30", 2), told("2026-12-28", "2027-01-20", 3)];
    let old = us(&[&steps[..], &[answered(2)]].concat());
    let answer = cancelled(&old, "2026-12-31", "2026-12-31", "2027-01-12");
    assert_eq!(remarks(&answer), ["consent_outdated"]);
    let new = us(&[&steps[..], &[answered(3)]].concat());
    assert_eq!(ask_on(&new, "2026-12-31").ship_by, on("2027-01-20"));
}

#[test]
fn who_decides_not_to_ship_owes_the_money() {
    let answer =
        cancelled(&us(&[step("2026-11-20", "seller_cancel")]), "2026-11-21", "2026-11-20", "2026-12-02");
    assert_eq!(answer.cancelled_by_rule, Some("16 CFR 435.2(c)(4)"));
}

#[test]
fn cancelling_after_the_goods_left_is_a_return() {
    let question = us(&[step("2026-11-20", "scan"), step("2026-11-21", "cancel")]);
    let answer = ask_on(&question, "2026-11-22");
    assert_eq!((answer.state, remarks(&answer)), (State::Shipped, vec![json!("cancelled_after_shipment")]));
}

#[test]
fn steps_count_by_their_time_and_not_before_it() {
    let question = us(&[step("2026-12-29", "consent"), notice("2026-12-28", "2027-01-20"), short()]);
    assert_eq!(ask_on(&question, "2027-01-05").ship_by, on("2027-01-20"));
    assert_eq!(ask_on(&question, "2026-12-10").state, State::Short);
    assert_eq!(ask_on(&question, "2026-11-10").state, State::Open);
}

#[test]
fn duties_name_what_is_next_and_by_which_rule() {
    let duties = serde_json::to_value(ask_on(&us(&[long()]), "2026-12-10").duties).unwrap();
    assert_eq!(
        duties,
        json!([
            {"kind": "shipment", "by": "2027-01-01", "rule": "16 CFR 435.2(b)(1)(iii)"},
            {"kind": "consent", "by": "2027-01-01", "rule": "16 CFR 435.2(b)(1)(iii)"},
        ])
    );
    let duties = serde_json::to_value(ask_on(&us(&[]), "2026-12-10").duties).unwrap();
    assert_eq!(duties, json!([{"kind": "refund", "by": "2026-12-14", "rule": "16 CFR 435.1(b)(1)"}]));
}
