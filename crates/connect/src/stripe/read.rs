//! What Stripe's objects say, in our words.

use std::sync::Arc;

use model::{
    errand::{Facts, Heard, Known, Word},
    money::Currency,
    time::Timestamp,
};
use serde_json::Value;

/// Declines that the same card will meet again.
const FOR_GOOD: [&str; 16] = [
    "expired_card",
    "lost_card",
    "stolen_card",
    "pickup_card",
    "restricted_card",
    "invalid_account",
    "invalid_number",
    "incorrect_number",
    "incorrect_cvc",
    "card_not_supported",
    "currency_not_supported",
    "fraudulent",
    "merchant_blacklist",
    "revocation_of_authorization",
    "revocation_of_all_authorizations",
    "stop_payment_order",
];
/// Words by which a bank asks for the customer.
const CUSTOMER: [&str; 3] =
    ["authentication_required", "authentication_not_handled", "payment_intent_authentication_failure"];

/// How many of Stripe's units our minor unit is: it counts these without decimals as if they had two.
fn factor(currency: Currency) -> i64 {
    if ["ISK", "UGX"].contains(&currency.code()) { 100 } else { 1 }
}

/// An amount as Stripe counts it.
pub(super) fn stripe_amount(amount: i64, currency: Currency) -> String {
    i128::from(amount).saturating_mul(i128::from(factor(currency))).to_string()
}

fn our_amount(value: &Value, currency: Currency) -> i64 {
    value.as_i64().unwrap_or(0) / factor(currency)
}

fn text(value: &Value) -> Option<Arc<str>> {
    value.as_str().map(Arc::from)
}

/// The id of something that may be written out.
fn id(value: &Value) -> Option<Arc<str>> {
    text(value).or_else(|| text(&value["id"]))
}

/// What an intent to pay or to save a method says. `asked`: it was just asked for, so what waits for the customer is news.
pub(super) fn intent(intent: &Value, currency: Currency, asked: bool) -> Heard {
    let is_setup = intent["object"] == "setup_intent";
    let charge = text(&intent["id"]).map(|object| Known { object, secret: text(&intent["client_secret"]) });
    let mut facts = Facts { customer: id(&intent["customer"]), charge, ..Facts::default() };
    let status = intent["status"].as_str().unwrap_or("");
    let paid = status == "succeeded" || status == "requires_capture";
    if paid && (is_setup || intent["setup_future_usage"] == "off_session") {
        facts.method = id(&intent["payment_method"]);
    }
    let waits = if asked { Word::NeedsCustomer } else { Word::Pending };
    let word = match status {
        "succeeded" if is_setup => Word::Saved,
        "succeeded" => Word::Captured { amount: our_amount(&intent["amount_received"], currency) },
        "requires_capture" => Word::Authorised {
            amount: our_amount(&intent["amount_capturable"], currency),
            capture_before: capture_before(intent),
        },
        "canceled" => Word::Voided,
        "processing" => Word::Pending,
        "requires_payment_method" | "requires_confirmation" => match &intent["last_payment_error"] {
            Value::Null => waits,
            error => declined(error),
        },
        "requires_action" => waits,
        _ => Word::NotNow { code: "unreadable" },
    };
    Heard { word, facts }
}

/// Until when the provider lets money be captured: never a figure of ours.
fn capture_before(intent: &Value) -> Option<Timestamp> {
    let details = &intent["latest_charge"]["payment_method_details"];
    let at = details["card"]["capture_before"].as_i64()?;
    Timestamp::from_second(at).ok()
}

/// Why a card was not charged.
pub(super) fn declined(error: &Value) -> Word {
    let words = [&error["decline_code"], &error["code"]].map(|word| word.as_str().unwrap_or(""));
    if words.iter().any(|word| CUSTOMER.contains(word)) {
        return Word::NeedsCustomer;
    }
    let advice = error["advice_code"].as_str().unwrap_or("");
    let for_good = words.iter().any(|word| FOR_GOOD.contains(word))
        || ["do_not_try_again", "confirm_card_data"].contains(&advice);
    Word::Declined { may_retry: !for_good }
}

/// What a refund says.
pub(super) fn refund(refund: &Value) -> Heard {
    let word = match refund["status"].as_str().unwrap_or("") {
        "succeeded" => Word::Refunded,
        "pending" | "requires_action" => Word::Pending,
        "failed" | "canceled" => Word::RefundFailed,
        _ => Word::NotNow { code: "unreadable" },
    };
    Heard { word, facts: Facts { refund: text(&refund["id"]), ..Facts::default() } }
}

/// What a dispute says.
pub(super) fn dispute(dispute: &Value, currency: Currency) -> Heard {
    let amount = our_amount(&dispute["amount"], currency);
    Heard::just(match dispute["status"].as_str().unwrap_or("") {
        "won" | "warning_closed" | "prevented" => Word::DisputeClosed { amount, won: true },
        "lost" => Word::DisputeClosed { amount, won: false },
        "needs_response" | "under_review" | "warning_needs_response" | "warning_under_review" => {
            Word::Disputed { amount }
        }
        _ => Word::NotNow { code: "unreadable" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_decline_says_whether_the_same_card_may_be_tried_again() {
        let declined_as =
            |code: &str, decline: &str| declined(&json!({"code": code, "decline_code": decline}));
        for (code, decline, expect) in [
            ("card_declined", "insufficient_funds", Word::Declined { may_retry: true }),
            ("card_declined", "generic_decline", Word::Declined { may_retry: true }),
            ("card_declined", "do_not_honor", Word::Declined { may_retry: true }),
            ("card_declined", "stolen_card", Word::Declined { may_retry: false }),
            ("expired_card", "expired_card", Word::Declined { may_retry: false }),
            ("card_declined", "authentication_required", Word::NeedsCustomer),
            ("authentication_required", "", Word::NeedsCustomer),
            ("processing_error", "processing_error", Word::Declined { may_retry: true }),
        ] {
            assert_eq!(declined_as(code, decline), expect, "{code} {decline}");
        }
        let advised = json!({"code": "card_declined", "advice_code": "do_not_try_again"});
        assert_eq!(declined(&advised), Word::Declined { may_retry: false });
    }

    #[test]
    fn when_an_authorisation_ends_is_what_the_provider_says() {
        let held = |details: Value| {
            let held = json!({"object": "payment_intent", "id": "pi_1", "status": "requires_capture", "amount_capturable": 900,
                "latest_charge": {"payment_method_details": details}});
            intent(&held, Currency::USD, true).word
        };
        let at = Timestamp::from_second(1_790_000_000).unwrap();
        let told = held(json!({"card": {"capture_before": 1_790_000_000}}));
        assert_eq!(told, Word::Authorised { amount: 900, capture_before: Some(at) });
        assert_eq!(held(json!({})), Word::Authorised { amount: 900, capture_before: None });
    }

    #[test]
    fn a_method_is_kept_only_where_the_customer_agreed_to_it() {
        let paid = |usage: Value| {
            let paid = json!({"object": "payment_intent", "id": "pi_1", "status": "succeeded", "amount_received": 1,
                "payment_method": "pm_1", "setup_future_usage": usage});
            intent(&paid, Currency::USD, false).facts.method
        };
        assert_eq!(paid(json!("off_session")).as_deref(), Some("pm_1"));
        assert_eq!(paid(Value::Null), None);
    }

    #[test]
    fn some_currencies_are_counted_otherwise_there() {
        let isk = "ISK".parse().unwrap();
        assert_eq!(stripe_amount(1_500, isk), "150000");
        assert_eq!(our_amount(&json!(150_000), isk), 1_500);
        assert_eq!(stripe_amount(1_500, "JPY".parse().unwrap()), "1500");
        assert_eq!(stripe_amount(1_500, Currency::USD), "1500");
    }
}
