//! The API, asked from within: a page of the shop's people sends what the API takes and shows what it says, so that both hold
//! the same rules. Whoever is signed in was looked at by the page.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use model::id::TenantId;
use serde_json::Value;
use tower::ServiceExt;

use super::{Ask, error::Fail, words};
use crate::api::auth::Caller;

/// Largest answer taken, in bytes.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// The API's routes, without what stands around them for those who come over a connection.
#[derive(Clone)]
pub struct Within(Router);

impl Within {
    pub(crate) fn new(routes: Router) -> Self {
        Self(routes)
    }
}

/// What is asked of the API.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Call<'c> {
    pub(super) method: &'c str,
    pub(super) path: &'c str,
    pub(super) body: Option<&'c Value>,
    /// The form's own token: sent twice it is done once.
    pub(super) once: Option<&'c str>,
    /// The tag of what was seen.
    pub(super) if_match: Option<&'c str>,
}

/// What the API answered.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) body: Value,
    pub(super) tag: String,
}

/// Why the API did not do it.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    /// In sentences.
    pub(super) said: Vec<String>,
}

impl Refused {
    /// All of it as one text.
    pub(super) fn text(&self) -> String {
        self.said.join(" ")
    }
}

impl Ask {
    /// Asks the API for somebody of a shop; only from a thread that may block.
    pub(super) fn api(&self, tenant: &TenantId, call: Call<'_>) -> Result<Result<Told, Refused>, Fail> {
        let defect = |text: String| Fail::Defect(format!("{} {}: {text}", call.method, call.path));
        let Within(routes) = self.within.clone().ok_or_else(|| defect("this page has no API".to_owned()))?;
        let mut request = Request::builder().method(call.method).uri(call.path);
        if call.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(once) = call.once {
            request = request.header(crate::api::idempotency::HEADER, format!("page-{once}"));
        }
        if let Some(tag) = call.if_match {
            request = request.header(header::IF_MATCH, tag);
        }
        if self.app.test_clock {
            request = request.header("shipwhen-now", self.now.to_string());
        }
        let body = call.body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut request = request.body(body).map_err(|error| defect(error.to_string()))?;
        let who = if call.method == "GET" { None } else { self.who(tenant)? };
        request.extensions_mut().insert(Arc::new(Caller::staff(tenant.clone(), who)));
        let runtime = tokio::runtime::Handle::try_current().map_err(|error| defect(error.to_string()))?;
        let (parts, bytes) = runtime.block_on(async move {
            let (parts, body) = match routes.oneshot(request).await {
                Ok(response) => response.into_parts(),
                Err(never) => match never {},
            };
            (parts, to_bytes(body, ANSWER_BYTES_MAX).await)
        });
        let bytes = bytes.map_err(|error| defect(error.to_string()))?;
        let body = if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes) };
        let body: Value = body.map_err(|error| defect(error.to_string()))?;
        if parts.status.is_success() {
            let tag = parts.headers.get(header::ETAG).and_then(|tag| tag.to_str().ok());
            return Ok(Ok(Told { body, tag: tag.unwrap_or_default().to_owned() }));
        }
        if parts.status.is_server_error() {
            return Err(defect(format!("{} {body}", parts.status)));
        }
        Ok(Err(Refused { status: parts.status, said: said(&body) }))
    }
}

/// A problem in sentences: each field that is wrong, or what is said of the whole.
fn said(problem: &Value) -> Vec<String> {
    let sentence = |text: &str| format!("{}.", words::sentence(text.trim_end_matches('.')));
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fields: Vec<String> = errors
        .iter()
        .filter_map(|error| {
            let (pointer, detail) = (error["pointer"].as_str()?, error["detail"].as_str()?);
            Some(sentence(&format!("{}: {detail}", field(pointer))))
        })
        .collect();
    if fields.is_empty() {
        vec![sentence(problem["detail"].as_str().unwrap_or("that was refused"))]
    } else {
        fields
    }
}

/// A pointer as people read it: `/transit/0/days_max` is `transit, row 1, days max`.
fn field(pointer: &str) -> String {
    let parts = pointer.split('/').filter(|part| !part.is_empty()).map(|part| match part.parse::<u32>() {
        Ok(row) => format!("row {}", row.saturating_add(1)),
        Err(_) => part.replace('_', " "),
    });
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_is_said_field_by_field() {
        let errors = json!({"detail": "x", "errors": [
            {"pointer": "/transit/0/days_max", "code": "out_of_range", "detail": "less than days_min"},
            {"pointer": "/cutoff", "code": "time", "detail": "not a time."}
        ]});
        assert_eq!(said(&errors), ["Transit, row 1, days max: less than days_min.", "Cutoff: not a time."]);
        assert_eq!(said(&json!({"detail": "there is no location x"})), ["There is no location x."]);
    }
}
