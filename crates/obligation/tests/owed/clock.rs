//! Helpers for legal clocks, and what their question refuses.

use model::time::{Date, Timestamp, parse_date};
use obligation::legal::{
    State,
    clock::{ClockAnswer, ClockError, ClockInput, legal_clock},
};
use serde_json::{Value, json};

/// The 2nd of November 2026, ten in the morning in New York.
pub(crate) const ORDERED: &str = "2026-11-02T10:00:00-05:00";

pub(crate) fn day(text: &str) -> Date {
    parse_date(text).unwrap()
}

pub(crate) fn on(text: &str) -> Option<Date> {
    Some(day(text))
}

/// Noon in New York on a date of the worked cases, which all lie in winter.
pub(crate) fn noon(date: &str) -> String {
    format!("{date}T12:00:00-05:00")
}

pub(crate) fn step(date: &str, kind: &str) -> Value {
    json!({"at": noon(date), "kind": kind})
}

pub(crate) fn notice(date: &str, revised_to: &str) -> Value {
    json!({"at": noon(date), "kind": "notice", "revised_to": revised_to})
}

/// An order of [`ORDERED`], as the question to change.
pub(crate) fn order(jurisdiction: &str, steps: &[Value]) -> Value {
    json!({
        "jurisdiction": jurisdiction, "ordered_at": ORDERED, "zone": "America/New_York",
        "stated_by": null, "credit_application": false, "steps": steps, "asked_at": noon("2026-11-03"),
    })
}

pub(crate) fn ask(question: &Value) -> ClockAnswer {
    let input: ClockInput = serde_json::from_value(question.clone()).unwrap();
    legal_clock(&input).unwrap()
}

/// Asks at noon of a day.
pub(crate) fn ask_on(question: &Value, date: &str) -> ClockAnswer {
    let mut question = question.clone();
    question["asked_at"] = noon(date).into();
    ask(&question)
}

/// The question's answer on a day is that it was cancelled then, with the money due then.
pub(crate) fn cancelled(question: &Value, asked: &str, cancelled_on: &str, refund_by: &str) -> ClockAnswer {
    let answer = ask_on(question, asked);
    assert_eq!(
        (answer.state, answer.cancelled_on, answer.refund_by),
        (State::Cancelled, on(cancelled_on), on(refund_by)),
        "{answer:?}"
    );
    assert_eq!((answer.ship_by, answer.answer_by), (None, None));
    answer
}

pub(crate) fn remarks(answer: &ClockAnswer) -> Vec<Value> {
    answer.remarks.iter().map(|remark| serde_json::to_value(remark.code).unwrap()).collect()
}

#[test]
fn what_cannot_be_is_refused_by_field() {
    let refused = |path: &str, value: Value| {
        let mut question = order("US", &[notice("2026-11-25", "2026-12-30"), step("2026-12-01", "consent")]);
        *question.pointer_mut(path).unwrap() = value;
        let input: ClockInput = serde_json::from_value(question).unwrap();
        legal_clock(&input).unwrap_err()
    };
    for (path, value, field) in [
        ("/jurisdiction", json!(" "), "jurisdiction"),
        ("/ordered_at", json!("1950-01-01T00:00:00Z"), "ordered_at"),
        ("/stated_by", json!("2026-11-01"), "stated_by"),
        ("/asked_at", json!("2026-11-01T12:00:00Z"), "asked_at"),
        ("/steps/0/at", json!("2026-11-01T12:00:00Z"), "steps[0].at"),
        ("/steps/0", json!({"at": noon("2026-11-25"), "kind": "notice"}), "steps[0].revised_to"),
        (
            "/steps/0",
            json!({"at": noon("2026-11-25"), "kind": "notice", "revised_to": "2026-12-30", "indefinite": true}),
            "steps[0].indefinite",
        ),
        ("/steps/0", notice("2026-11-25", "2026-11-24"), "steps[0].revised_to"),
        (
            "/steps/1",
            json!({"at": noon("2026-11-25"), "kind": "scan", "revised_to": "2026-12-30"}),
            "steps[1].revised_to",
        ),
        (
            "/steps/1",
            json!({"at": noon("2026-11-25"), "kind": "cancel", "indefinite": true}),
            "steps[1].indefinite",
        ),
        ("/steps/1", json!({"at": noon("2026-11-25"), "kind": "label", "version": 2}), "steps[1].version"),
        ("/steps/1", json!({"at": noon("2026-11-25"), "kind": "extra_period"}), "steps[1].revised_to"),
    ] {
        let error = refused(path, value.clone());
        assert_eq!(error.field(), field, "{value}: {error}");
        assert!(error.to_string().starts_with(&format!("{field}: ")), "{error}");
    }
    let many = vec![step("2026-11-25", "label"); 1_001];
    let input: ClockInput = serde_json::from_value(order("US", &many)).unwrap();
    assert!(matches!(legal_clock(&input), Err(ClockError::TooMany { got: 1_001, .. })));
}

#[test]
fn what_has_the_wrong_form_is_not_read() {
    for (path, value) in [
        ("/zone", json!("Mars/Olympus")),
        ("/ordered_at", json!("2026-11-02")),
        ("/ordered_at", json!(5)),
        ("/stated_by", json!("20261201")),
        ("/credit_application", json!("no")),
        ("/steps", json!({})),
        ("/steps/0/kind", json!("nod")),
        ("/steps/0/sent", json!(true)),
        ("/asked_at", json!(null)),
        ("/askedat", json!(null)),
        ("/jurisdiction", json!(7)),
    ] {
        let mut question = order("US", &[notice("2026-11-25", "2026-12-30")]);
        let (parent, name) = path.rsplit_once('/').unwrap();
        question.pointer_mut(parent).unwrap()[name] = value;
        assert!(serde_json::from_value::<ClockInput>(question).is_err(), "{path}");
    }
    for field in ["ordered_at", "zone", "asked_at"] {
        let mut question = order("US", &[]);
        question.as_object_mut().unwrap().remove(field);
        let error = serde_json::from_value::<ClockInput>(question).unwrap_err().to_string();
        assert!(error.contains(&format!("missing field `{field}`")), "{error}");
    }
}

#[test]
fn no_date_however_far_breaks_the_clock() {
    let at: Timestamp = "2199-12-30T12:00:00Z".parse().unwrap();
    for place in ["US", "EU", "UK", "nowhere"] {
        let question = json!({
            "jurisdiction": place, "ordered_at": at.to_string(), "zone": "UTC", "asked_at": "2199-12-31T12:00:00Z",
            "steps": [{"at": "2199-12-31T10:00:00Z", "kind": "notice", "indefinite": true},
                {"at": "2199-12-31T11:00:00Z", "kind": "cancel"}],
        });
        assert_eq!(ask(&question).refund_by, on("2199-12-31"), "{place}");
    }
}
