//! Errors as `application/problem+json` (RFC 9457): the one place where what went wrong becomes HTTP.

use std::{borrow::Cow, sync::Arc};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use engine::Failure;
use ledger::StoreError;
use model::{
    Units,
    id::Sku,
    refusal::{FieldError, Refusal, Rejection},
    time::Date,
};
use serde::Serialize;

use super::state::REPLAYED;

/// Most field errors one answer names: enough to mend an input, too few to make an answer larger than its question.
const ERRORS_MAX: usize = 100;

/// Longest text of an input that an answer quotes, in characters.
const QUOTED_CHARS_MAX: usize = 200;

/// What went wrong, for a program (`code`, `errors`) and for a person (`detail`).
///
/// Boxed: it is the rare way out of nearly every function here.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(crate) struct Problem(Box<Body>);

#[derive(Debug, Clone, Serialize)]
struct Body {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    #[serde(serialize_with = "status_number")]
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<Sku>,
    #[serde(skip_serializing_if = "Option::is_none")]
    available: Option<Units>,
    #[serde(skip_serializing_if = "Option::is_none")]
    earliest: Option<Date>,
    /// Seconds after which trying again may help.
    #[serde(skip)]
    retry_after: Option<u32>,
    /// Whether the same request was answered so before.
    #[serde(skip)]
    replayed: bool,
}

fn status_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem with a stable code.
    pub(crate) fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        Self(Box::new(Body {
            // The code says which problem it is; there is no page for each.
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            code: code.into(),
            detail: detail.into(),
            errors: Vec::new(),
            line: None,
            sku: None,
            available: None,
            earliest: None,
            retry_after: None,
            replayed: false,
        }))
    }

    /// What went wrong, for a person.
    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Input that does not make sense, field by field.
    pub(crate) fn invalid(mut errors: Vec<FieldError>) -> Self {
        let more = errors.len().saturating_sub(ERRORS_MAX);
        errors.truncate(ERRORS_MAX);
        for error in &mut errors {
            shorten(&mut error.pointer);
            shorten(&mut error.detail);
        }
        let first =
            errors.first().map_or_else(String::new, |error| format!("{}: {}", error.pointer, error.detail));
        let detail = match errors.len() + more {
            0 | 1 => first,
            count => format!("{first} (and {} more)", count - 1),
        };
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail);
        problem.0.errors = errors;
        problem
    }

    /// One field does not make sense.
    pub(crate) fn field(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(pointer, code, detail)])
    }

    /// The same about input that stands within a larger one, at a pointer.
    pub(crate) fn within(self, at: &str) -> Self {
        if self.0.errors.is_empty() {
            return self;
        }
        let mut errors = self.0.errors;
        errors.iter_mut().for_each(|error| error.pointer.insert_str(0, at));
        Self::invalid(errors)
    }

    /// There is no such thing.
    pub(crate) fn not_found(what: &str, id: impl std::fmt::Display) -> Self {
        let mut id = id.to_string();
        shorten(&mut id);
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no {what} {id}"))
    }

    /// The store did not answer; coming back helps.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).soon()
    }

    /// A defect. What it was stands in the log, not in the answer.
    pub(crate) fn defect() -> Self {
        let detail = "something went wrong here; the log says what, under this answer's request id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// Says that trying again in a moment may help.
    fn soon(mut self) -> Self {
        self.0.retry_after = Some(1);
        self
    }

    /// Names fields of a body that is no JSON in the answer too.
    pub(crate) fn with_error(mut self, pointer: String, code: &'static str, detail: String) -> Self {
        self.0.errors.push(FieldError::new(pointer, code, detail));
        self
    }

    /// Says that the same request was answered so before.
    pub(crate) fn replayed(mut self, replayed: bool) -> Self {
        self.0.replayed = replayed;
        self
    }

    /// Whether the same request was answered so before.
    pub(crate) fn is_replayed(&self) -> bool {
        self.0.replayed
    }

    /// The status it is answered with.
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }
}

/// Cuts a text that quotes an input.
fn shorten(text: &mut String) {
    if let Some((at, _)) = text.char_indices().nth(QUOTED_CHARS_MAX) {
        text.truncate(at);
        text.push('…');
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // Texts and numbers alone: writing them to memory cannot fail.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.0.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.0.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.0.replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let Refusal { code, detail, line, sku, available, earliest } = refusal;
        let mut problem = Self::new(StatusCode::CONFLICT, code.as_str(), detail);
        (problem.0.line, problem.0.sku) = (line, sku);
        (problem.0.available, problem.0.earliest) = (available, earliest);
        problem
    }
}

impl Problem {
    /// Whether what the request rests on changed meanwhile.
    pub(crate) fn is_stale(&self) -> bool {
        self.0.code == "stale"
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Refused(refusal) => refusal.into(),
            Rejection::Invalid(errors) => Self::invalid(errors),
            Rejection::NotFound { what, id } => Self::not_found(&what, id),
            Rejection::Stale => {
                let detail = "it was changed since you read it, or is not there: read it again";
                Self::new(StatusCode::PRECONDITION_FAILED, "stale", detail)
            }
            Rejection::IdempotencyMismatch => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_mismatch",
                "this Idempotency-Key was used for another request; use a new key for a new request",
            ),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Busy => {
                let detail = "too many requests are waiting; nothing was done";
                Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", detail).soon()
            }
            Failure::Stopped => {
                Self::unavailable("the server is stopping; the same request can be sent again")
            }
            Failure::NoTenant => {
                Self::new(StatusCode::UNAUTHORIZED, "key_invalid", "this key's shop does not exist")
            }
            Failure::Store(error) => store_failed(&error),
            Failure::Defect(what) => {
                tracing::error!(%what, "a request met a defect");
                Self::defect()
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        store_failed(&Arc::new(error))
    }
}

fn store_failed(error: &Arc<StoreError>) -> Problem {
    let source = std::error::Error::source(&**error).map(ToString::to_string);
    tracing::error!(%error, source, "the store did not answer");
    if matches!(**error, StoreError::Unknown { .. }) {
        let detail = "the store went away while it kept this, so nobody knows whether it did; the same request with the \
             same Idempotency-Key has its effect once";
        Problem::unavailable(detail)
    } else if error.is_transient() {
        Problem::unavailable("the store did not answer; nothing was done, and trying again may help")
    } else {
        Problem::defect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_says_when_to_come_back() {
        let failed = StoreError::driver("read", "the disk is gone");
        let unknown = StoreError::Unknown {
            source: Box::new(StoreError::driver("committed", "the connection is gone")),
        };
        for (problem, status, code, retry) in [
            (Problem::from(Failure::Busy), 429, "busy", "1"),
            (Problem::from(Failure::Stopped), 503, "unavailable", "1"),
            (Problem::from(failed), 503, "unavailable", "1"),
            (Problem::from(unknown), 503, "unavailable", "1"),
            (Problem::from(StoreError::inconsistent("a row")), 500, "internal", ""),
            (Problem::from(Failure::Defect("a secret".into())), 500, "internal", ""),
            (Problem::from(Failure::NoTenant), 401, "key_invalid", ""),
            (Problem::from(Rejection::Stale), 412, "stale", ""),
        ] {
            assert_eq!(problem.0.code, code);
            assert!(
                !problem.0.detail.contains("secret") && !problem.0.detail.contains("disk"),
                "{}",
                problem.0.detail
            );
            let response = problem.into_response();
            assert_eq!(response.status().as_u16(), status);
            let after = response.headers().get(header::RETRY_AFTER);
            assert_eq!(after.map_or("", |after| after.to_str().unwrap()), retry, "{code}");
        }
    }

    #[test]
    fn an_answer_is_no_longer_than_it_helps() {
        let errors = (0..5_000).map(|n| FieldError::new(format!("/{n}"), "type", "x".repeat(1_000)));
        let problem = Problem::invalid(errors.collect());
        assert_eq!(problem.0.errors.len(), ERRORS_MAX);
        assert!(problem.0.detail.ends_with("(and 4999 more)"), "{}", problem.0.detail);
        assert!(serde_json::to_string(&problem).unwrap().len() < 50_000);
    }
}
