//! Laws that count until delivery: European Union and United Kingdom. The order is of 2 November 2026.

use obligation::legal::{OnSilence, State};
use serde_json::{Value, json};

use crate::clock::{ask, ask_on, cancelled, noon, notice, on, order, remarks, step};

fn eu(steps: &[Value]) -> Value {
    order("EU", steps)
}

fn period(date: &str, until: &str) -> Value {
    json!({"at": noon(date), "kind": "extra_period", "revised_to": until})
}

/// Worked case 19.
#[test]
fn a_late_trader_has_the_period_that_the_consumer_sets() {
    let question = eu(&[period("2026-12-03", "2026-12-17")]);
    let open = ask_on(&question, "2026-12-02");
    assert_eq!(
        (open.state, open.deliver_by, open.ship_by),
        (State::Open, on("2026-12-02"), on("2026-12-02"))
    );
    let running = ask_on(&question, "2026-12-17");
    assert_eq!(
        (running.state, running.deliver_by, running.terminable_from),
        (State::ExtraPeriod, on("2026-12-17"), on("2026-12-18"))
    );
    assert_eq!(ask_on(&question, "2026-12-18").state, State::Terminable);
    let ended = eu(&[period("2026-12-03", "2026-12-17"), step("2026-12-18", "cancel")]);
    let answer = cancelled(&ended, "2026-12-20", "2026-12-18", "2027-01-01");
    assert_eq!(answer.cancelled_by_rule, Some("Directive 2011/83/EU art. 18(2)"));
    let late = ask_on(&eu(&[]), "2026-12-03");
    assert_eq!((late.state, late.terminable_from), (State::Late, None), "a period must be set first");
}

/// Worked case 20.
#[test]
fn where_the_date_was_essential_the_contract_may_be_ended_on_the_next_day() {
    let mut question = eu(&[]);
    question["stated_by"] = "2026-12-24".into();
    question["essential"] = true.into();
    assert_eq!(ask_on(&question, "2026-12-24").state, State::Open);
    let answer = ask_on(&question, "2026-12-25");
    assert_eq!((answer.state, answer.terminable_from), (State::Terminable, on("2026-12-25")));
}

/// Worked case 21.
#[test]
fn goods_may_be_given_back_for_two_weeks() {
    let question = eu(&[step("2026-12-15", "delivered")]);
    let answer = ask_on(&question, "2026-12-29");
    assert_eq!((answer.state, answer.withdraw_by), (State::Delivered, on("2026-12-29")));
    assert_eq!(ask_on(&question, "2026-12-30").state, State::Closed);
    let withdrawn = eu(&[step("2026-12-15", "delivered"), step("2026-12-29", "cancel")]);
    let answer = cancelled(&withdrawn, "2026-12-29", "2026-12-29", "2027-01-12");
    assert_eq!(remarks(&answer), ["refund_may_await_goods"]);
    let too_late = eu(&[step("2026-12-15", "delivered"), step("2026-12-30", "cancel")]);
    let answer = ask_on(&too_late, "2026-12-30");
    assert_eq!((answer.state, remarks(&answer)), (State::Closed, vec![json!("withdrawn_too_late")]));
}

#[test]
fn a_withdrawal_period_that_ends_on_a_day_off_lasts_to_the_next_working_day() {
    let last =
        |place: &str| ask_on(&order(place, &[step("2026-12-11", "delivered")]), "2026-12-20").withdraw_by;
    // Friday 25 December; then the weekend. In Spain 26 December is no holiday, but a Saturday.
    assert_eq!(last("DE"), on("2026-12-28"));
    assert_eq!(last("ES"), on("2026-12-28"));
    // No country, no holidays: a Friday.
    assert_eq!(last("EU"), on("2026-12-25"));
    // The United Kingdom does not move it.
    assert_eq!(last("GB"), on("2026-12-25"));
}

#[test]
fn before_delivery_the_consumer_may_withdraw_at_any_time() {
    let question = eu(&[step("2026-11-20", "cancel"), step("2026-11-21", "scan")]);
    let answer = cancelled(&question, "2026-11-22", "2026-11-20", "2026-12-04");
    assert_eq!(remarks(&answer), ["shipped_after_cancellation"]);
    let on_its_way = eu(&[step("2026-11-20", "scan"), step("2026-11-21", "cancel")]);
    assert_eq!(
        remarks(&cancelled(&on_its_way, "2026-11-22", "2026-11-21", "2026-12-05")),
        ["refund_may_await_goods"]
    );
}

#[test]
fn silence_agrees_to_no_other_date_of_delivery() {
    let told = notice("2026-11-25", "2026-12-30");
    let answer = ask_on(&eu(std::slice::from_ref(&told)), "2026-12-01");
    assert_eq!(
        (answer.state, answer.deliver_by, answer.on_silence),
        (State::Open, on("2026-12-02"), Some(OnSilence::Keeps))
    );
    // Late, the trader is held to the date it named itself.
    let answer = ask_on(&eu(std::slice::from_ref(&told)), "2026-12-10");
    assert_eq!((answer.state, answer.terminable_from), (State::ExtraPeriod, on("2026-12-31")));
    let shorter = [told.clone(), period("2026-12-03", "2026-12-10")];
    assert_eq!(ask_on(&eu(&shorter), "2026-12-11").state, State::Terminable);
    let agreed = [told, step("2026-11-26", "consent")];
    let answer = ask_on(&eu(&agreed), "2026-12-10");
    assert_eq!(
        (answer.state, answer.deliver_by, answer.terminable_from),
        (State::Consented, on("2026-12-30"), None)
    );
}

#[test]
fn nobody_agrees_to_wait_without_a_date() {
    let steps = [
        json!({"at": noon("2026-11-25"), "kind": "notice", "indefinite": true}),
        step("2026-11-26", "consent"),
    ];
    let answer = ask_on(&eu(&steps), "2026-12-03");
    assert_eq!((answer.state, remarks(&answer)), (State::Late, vec![json!("consent_without_date")]));
}

#[test]
fn a_trader_who_refuses_to_deliver_gives_the_money_back() {
    let question = order("UK", &[step("2026-11-20", "seller_cancel")]);
    let answer = cancelled(&question, "2026-11-20", "2026-11-20", "2026-12-04");
    assert_eq!(answer.cancelled_by_rule, Some("Consumer Rights Act 2015 s. 28(6)"));
}

#[test]
fn the_united_kingdom_counts_thirty_days_to_delivery_too() {
    let answer = ask(&order("GB", &[]));
    assert_eq!((answer.state, answer.deliver_by), (State::Open, on("2026-12-02")));
    assert_eq!(ask_on(&order("GB", &[step("2026-12-01", "scan")]), "2026-12-20").state, State::Shipped);
}
