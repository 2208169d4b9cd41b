//! What Stripe tells by itself: that something happened. What, it is asked: so it does not matter how often and in which order
//! this comes.

use hmac::{Hmac, KeyInit, Mac};
use model::{errand::About, time::Timestamp};
use serde_json::Value;
use sha2::Sha256;

/// How old a signature may be, or how far ahead, in seconds: as Stripe's own clients have it.
pub const TOLERANCE_S: i64 = 300;
/// Most signatures looked at: one for each secret while secrets are changed.
const SIGNATURES_MAX: usize = 10;

/// Why a message is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// There is no header `Stripe-Signature` of the form `t=…,v1=…`.
    #[error("there is no signature of the form t=…,v1=…")]
    Malformed,
    /// It was signed long ago, or far ahead.
    #[error("it was not signed within the last {TOLERANCE_S} seconds")]
    Stale,
    /// It was signed with another secret, or changed on the way.
    #[error("it was not signed with the secret that is set here")]
    Wrong,
}

/// The message is signed, and is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not an event of Stripe's")]
pub struct Unreadable;

/// Checks a message's signature: `v1` is the hexadecimal HMAC-SHA256 of `t.body` under the endpoint's secret.
///
/// `header`: `Stripe-Signature`, as sent. Errors: see [`BadSignature`].
pub fn verify(secret: &str, header: &str, body: &[u8], now: Timestamp) -> Result<(), BadSignature> {
    let mut signed_at = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", at)) => signed_at = Some(at),
            Some(("v1", signature)) if signatures.len() < SIGNATURES_MAX => {
                signatures.extend(from_hex(signature));
            }
            _ => {}
        }
    }
    let signed_at = signed_at.ok_or(BadSignature::Malformed)?;
    let at: i64 = signed_at.parse().map_err(|_| BadSignature::Malformed)?;
    if signatures.is_empty() {
        return Err(BadSignature::Malformed);
    }
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| BadSignature::Wrong)?;
    let mac = mac.chain_update(signed_at).chain_update(".").chain_update(body);
    if !signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok()) {
        return Err(BadSignature::Wrong);
    }
    let age = now.as_second().saturating_sub(at);
    if age.saturating_abs() > TOLERANCE_S { Err(BadSignature::Stale) } else { Ok(()) }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let text = text.as_bytes();
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

/// What an event is about; `None`: nothing that is followed here.
///
/// Errors: the body is not an event.
pub fn about(body: &[u8]) -> Result<Option<About>, Unreadable> {
    let event: Value = serde_json::from_slice(body).map_err(|_| Unreadable)?;
    let kind = event["type"].as_str().ok_or(Unreadable)?;
    let object = &event["data"]["object"];
    let id = |value: &Value| value.as_str().or(value["id"].as_str()).map(std::sync::Arc::from);
    let Some(own) = id(object) else { return Err(Unreadable) };
    let intent = id(&object["payment_intent"]);
    let (family, _) = kind.split_once('.').unwrap_or((kind, ""));
    Ok(match family {
        "payment_intent" | "setup_intent" => Some(About::Charge(own)),
        "refund" => intent.map(About::Refunds),
        "charge" if kind.starts_with("charge.dispute.") => {
            intent.map(|charge| About::Dispute { charge, dispute: own })
        }
        "charge" if kind.starts_with("charge.refund") => intent.map(About::Refunds),
        "charge" => intent.map(About::Charge),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SECRET: &str = "whsec_test";
    const AT: i64 = 1_790_000_000;

    fn signed(secret: &str, at: i64, body: &str) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        let code = mac.chain_update(format!("{at}.{body}")).finalize().into_bytes();
        code.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn checked(header: &str, body: &str, after: i64) -> Result<(), BadSignature> {
        verify(SECRET, header, body.as_bytes(), Timestamp::from_second(AT + after).unwrap())
    }

    #[test]
    fn a_signature_is_of_this_body_by_this_secret_and_new() {
        let good = format!("t={AT},v1={},v0=ignored", signed(SECRET, AT, "{}"));
        assert_eq!(checked(&good, "{}", 0), Ok(()));
        assert_eq!(checked(&good, "{}", 300), Ok(()));
        assert_eq!(checked(&good, "{}", 301), Err(BadSignature::Stale));
        assert_eq!(checked(&good, "{}", -301), Err(BadSignature::Stale));
        assert_eq!(checked(&good, "{ }", 0), Err(BadSignature::Wrong));
        let other = format!("t={AT},v1={}", signed("whsec_other", AT, "{}"));
        assert_eq!(checked(&other, "{}", 0), Err(BadSignature::Wrong));
        let moved = format!("t={},v1={}", AT + 1, signed(SECRET, AT, "{}"));
        assert_eq!(checked(&moved, "{}", 0), Err(BadSignature::Wrong));
        let changing = format!("{other},v1={}", signed(SECRET, AT, "{}"));
        assert_eq!(checked(&changing, "{}", 0), Ok(()), "two secrets while they are changed");
        for header in ["", "t=1", "v1=00", "t=x,v1=00", "t=1,v1=zz"] {
            assert_eq!(checked(header, "{}", 0), Err(BadSignature::Malformed), "{header:?}");
        }
    }

    #[test]
    fn an_event_says_what_to_ask_about() {
        let of = |kind: &str, object: Value| {
            about(json!({"type": kind, "data": {"object": object}}).to_string().as_bytes())
        };
        let charge = |id: &str| Ok(Some(About::Charge(id.into())));
        assert_eq!(of("payment_intent.succeeded", json!({"id": "pi_1"})), charge("pi_1"));
        assert_eq!(of("setup_intent.succeeded", json!({"id": "seti_1"})), charge("seti_1"));
        assert_eq!(of("charge.expired", json!({"id": "ch_1", "payment_intent": "pi_1"})), charge("pi_1"));
        let refunds = Ok(Some(About::Refunds("pi_1".into())));
        assert_eq!(of("refund.failed", json!({"id": "re_1", "payment_intent": "pi_1"})), refunds);
        assert_eq!(of("charge.refunded", json!({"id": "ch_1", "payment_intent": {"id": "pi_1"}})), refunds);
        let dispute = Ok(Some(About::Dispute { charge: "pi_1".into(), dispute: "dp_1".into() }));
        assert_eq!(of("charge.dispute.created", json!({"id": "dp_1", "payment_intent": "pi_1"})), dispute);
        assert_eq!(of("invoice.paid", json!({"id": "in_1"})), Ok(None));
        assert_eq!(of("charge.captured", json!({"id": "ch_1", "payment_intent": null})), Ok(None));
        for body in ["", "[]", "{}", r#"{"type": "payment_intent.succeeded"}"#] {
            assert_eq!(about(body.as_bytes()), Err(Unreadable), "{body:?}");
        }
    }
}
