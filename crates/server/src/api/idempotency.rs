//! Idempotency keys: the same request sent twice has one effect and one answer.
//!
//! A request is its method, its path and its body. The body counts as JSON, not as bytes: blanks, the order of fields and
//! the way a character is escaped make no other request of it, everything else does.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{Method, StatusCode, Uri, request::Parts},
};
use engine::Key;
use sha2::{Digest, Sha256};

use super::{auth::Caller, canonical, input::malformed, problem::Problem};

/// The header that carries the key.
pub(crate) const HEADER: &str = "idempotency-key";

const KEY_CHARS_MAX: usize = 255;
/// Room for a method and a path.
const REQUEST_LINE_BYTES: usize = 128;

/// A request's own key, if it has one, and the rest of what makes it the request it is.
pub(crate) struct Idempotency {
    key: Option<Arc<str>>,
    method: Method,
    uri: Uri,
}

impl<S: Send + Sync> FromRequestParts<S> for Idempotency {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut given = parts.headers.get_all(HEADER).iter();
        let key = match (given.next(), given.next()) {
            (None, _) => None,
            (Some(_), Some(_)) => {
                return Err(Problem::field("Idempotency-Key", "duplicate", "may stand only once"));
            }
            (Some(value), None) => {
                let text = std::str::from_utf8(value.as_bytes()).unwrap_or("\u{fffd}");
                Some(checked(text).ok_or_else(|| Problem::field("Idempotency-Key", "form", FORM))?)
            }
        };
        Ok(Self { key, method: parts.method.clone(), uri: parts.uri.clone() })
    }
}

const FORM: &str = "not 1 to 255 visible ASCII characters";

fn checked(text: &str) -> Option<Arc<str>> {
    let text = text.trim();
    let sound = (1..=KEY_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    sound.then(|| Arc::from(text))
}

impl Idempotency {
    /// The engine's key of a request that may have one.
    pub(crate) fn optional(&self, caller: &Caller, body: &[u8]) -> Result<Option<Key>, Problem> {
        let Some(key) = &self.key else { return Ok(None) };
        let request = request(&self.method, self.uri.path(), body, None)?;
        Ok(Some(engine_key(caller, key, request)))
    }

    /// The engine's key of a request that must have one.
    pub(crate) fn required(&self, caller: &Caller, body: &[u8]) -> Result<Key, Problem> {
        self.optional(caller, body)?.ok_or_else(missing)
    }
}

/// The engine's key of one order of a batch: the same as if it were sent alone with this key in the header.
pub(crate) fn of_batched(caller: &Caller, key: Option<&str>, path: &str, body: &str) -> Result<Key, Problem> {
    let key = key.ok_or_else(|| {
        missing().with_error("/idempotency_key".to_owned(), "required", "is missing".to_owned())
    })?;
    let key = checked(key).ok_or_else(|| Problem::field("/idempotency_key", "form", FORM))?;
    let request = request(&Method::POST, path, body.as_bytes(), Some("idempotency_key"))?;
    Ok(engine_key(caller, &key, request))
}

fn missing() -> Problem {
    let detail = "send an Idempotency-Key, a new one for each new request: then sending it again is safe";
    Problem::new(StatusCode::BAD_REQUEST, "idempotency_key_missing", detail)
}

/// SHA-256 of what makes a request what it is; `without`: a field of its body that does not.
fn request(method: &Method, path: &str, body: &[u8], without: Option<&str>) -> Result<[u8; 32], Problem> {
    let mut text = Vec::with_capacity(2 * body.len() + REQUEST_LINE_BYTES);
    for part in [method.as_str(), " ", path, "\n"] {
        text.extend_from_slice(part.as_bytes());
    }
    canonical::append(&mut text, body, without).map_err(|error| malformed(error.to_string()))?;
    Ok(Sha256::digest(&text).into())
}

fn engine_key(caller: &Caller, key: &Arc<str>, request: [u8; 32]) -> Key {
    // Publishable keys are in every shopper's hands: none may be answered with what was another's.
    let key = match &caller.publishable {
        Some(name) => format!("{name} {key}").into(),
        None => Arc::clone(key),
    };
    Key { key, request }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &Method, path: &str, body: &str) -> [u8; 32] {
        super::request(method, path, body.as_bytes(), None).unwrap()
    }

    #[test]
    fn a_request_is_its_method_path_and_json() {
        let base = request(&Method::POST, "/v1/orders", r#"{"a": 1, "b": ["é", null]}"#);
        for same in [r#"{"a":1,"b":["é",null]}"#, r#"{ "b": ["\u00e9", null], "a": 1 }"#] {
            assert_eq!(request(&Method::POST, "/v1/orders", same), base, "{same}");
        }
        for other in [r#"{"a": 2, "b": ["é", null]}"#, r#"{"a": 1}"#, r#"{"a": 1, "b": [null, "é"]}"#] {
            assert_ne!(request(&Method::POST, "/v1/orders", other), base, "{other}");
        }
        assert_ne!(request(&Method::PATCH, "/v1/orders", r#"{"a": 1, "b": ["é", null]}"#), base);
        assert_ne!(request(&Method::POST, "/v1/holds", r#"{"a": 1, "b": ["é", null]}"#), base);
    }

    #[test]
    fn an_order_of_a_batch_is_the_order_sent_alone() {
        let caller = Caller::staff(model::id::TenantId::new("acme").unwrap(), None);
        let batched =
            of_batched(&caller, Some("k"), "/v1/orders", r#"{"idempotency_key": "k", "a": 1}"#).unwrap();
        assert_eq!(batched.request, request(&Method::POST, "/v1/orders", r#"{"a": 1}"#));
    }

    #[test]
    fn keys_are_visible_ascii() {
        for (key, good) in [
            ("a", true),
            (&*"x".repeat(255), true),
            (&"x".repeat(256), false),
            ("", false),
            ("a b", false),
            ("é", false),
        ] {
            assert_eq!(checked(key).is_some(), good, "{key}");
        }
    }
}
