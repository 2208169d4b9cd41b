//! What happens around every request: an id, a log line, a count, safe headers, and an answer even for a panic.

use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::time::Instant;
use tracing::Instrument;

use super::{problem::Problem, state::Api};
use crate::pages;

/// The header that names a request, for people who ask about it.
const REQUEST_ID: HeaderName = HeaderName::from_static("shipwhen-request-id");

/// Paths that a shop's page may call from a browser, with a publishable key.
const BROWSER_PATHS: [&str; 4] = ["/v1/availability", "/v1/holds", "/v1/orders", "/v1/waitlist"];

static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// Wraps a request.
pub(crate) async fn around(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id(&api);
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let browser = is_for_browsers(request.uri().path()) && is_from_browser(&method, request.headers());
    api.metrics.open.fetch_add(1, Ordering::Relaxed);
    // At the level of errors, so that what is logged about a request carries its id whatever is shown else.
    let trace = trace_id(request.headers()).map(str::to_owned);
    let span = tracing::error_span!("request", id, trace);
    let route = matched.as_ref().map_or("unmatched", MatchedPath::as_str);
    let traced = api.app.traces.request(request.headers(), &method, route);
    let mut response = if browser && method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let answered = next.run(request).instrument(span);
        match &traced {
            Some(trace) => trace.around(answered).await,
            None => answered.await,
        }
    };
    if let Some(traced) = traced {
        traced.answered(&id, response.status().as_u16());
    }
    api.metrics.open.fetch_sub(1, Ordering::Relaxed);
    let took = began.elapsed();
    api.metrics.count(route, &method, response.status().as_u16(), took);
    tracing::info!(id, trace, %method, route, status = response.status().as_u16(), us = micros(took), "answered");
    let headers = response.headers_mut();
    safe_headers(headers, api.app.url().starts_with("https://"));
    if browser {
        browser_headers(headers);
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

fn request_id(api: &Api) -> String {
    // The start keeps the ids of two runs apart.
    let count = REQUESTS.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{count:x}", api.started)
}

/// The trace that a request belongs to, as the W3C's `traceparent` header names it (`00-TRACE-PARENT-FLAGS`); so a log line can
/// be found from the trace of whoever called.
fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let mut parts = headers.get("traceparent")?.to_str().ok()?.split('-');
    let (version, trace, parent) = (parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_one = is_hex(version, 2) && is_hex(trace, 32) && is_hex(parent, 16) && version != "ff";
    (is_one && trace.bytes().any(|byte| byte != b'0')).then_some(trace)
}

fn safe_headers(headers: &mut HeaderMap, https: bool) {
    let mut unless_set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    unless_set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    unless_set(header::REFERRER_POLICY, "no-referrer");
    unless_set(header::X_FRAME_OPTIONS, "DENY");
    unless_set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    unless_set(header::CACHE_CONTROL, "no-store");
    if https {
        unless_set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

fn is_for_browsers(path: &str) -> bool {
    BROWSER_PATHS
        .iter()
        .any(|open| path.strip_prefix(open).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Whether a page of a shop asks: with a publishable key, or first whether it may.
fn is_from_browser(method: &Method, headers: &HeaderMap) -> bool {
    if *method == Method::OPTIONS {
        return headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    }
    let key = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    key.is_some_and(|key| key.get(7..10).is_some_and(|start| start == b"pk_"))
}

/// Any page may read the answer: a publishable key is in every page anyway, and no cookie counts here.
fn browser_headers(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, Idempotency-Key, Shipwhen-Now"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "Idempotent-Replayed, Retry-After, Shipwhen-Request-Id"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Answers for a handler that panicked; the panic itself has been printed.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands the panic over")]
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let what = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message");
    tracing::error!(what, "a handler panicked");
    Problem::defect().into_response()
}

/// Answers for an address that is none, to people with a page.
pub(crate) async fn no_such_path(headers: HeaderMap) -> Response {
    if pages::wants_html(&headers) {
        return pages::error_page(StatusCode::NOT_FOUND);
    }
    let detail = "there is nothing at this address; /docs lists what there is";
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail).into_response()
}

/// Answers for an address that takes other methods, to people with a page.
pub(crate) async fn wrong_method(headers: HeaderMap) -> Response {
    if pages::wants_html(&headers) {
        return pages::error_page(StatusCode::METHOD_NOT_ALLOWED);
    }
    let detail = "this address does not take this method; the Allow header lists those it takes";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).into_response()
}

/// As a number that logs write as one.
fn micros(took: std::time::Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use axum::{Router, routing::get};
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    #[tokio::test]
    async fn a_handler_that_panics_is_answered_for() {
        async fn broken() -> StatusCode {
            panic!("an invariant with a secret")
        }
        let router: Router = Router::new().route("/", get(broken)).layer(CatchPanicLayer::custom(panicked));
        let response = router.oneshot(Request::new(axum::body::Body::empty())).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains(r#""code":"internal""#) && !body.contains("secret"), "{body}");
    }

    #[test]
    fn a_trace_is_taken_from_its_header_or_not_at_all() {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        for (header, taken) in [
            (format!("00-{TRACE}-00f067aa0ba902b7-01"), Some(TRACE)),
            (format!("00-{TRACE}-00f067aa0ba902b7"), Some(TRACE)),
            (format!("ff-{TRACE}-00f067aa0ba902b7-01"), None),
            (format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()), None),
            (format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)), None),
            ("00-ann@example.com-00f067aa0ba902b7-01".to_owned(), None),
            (TRACE.to_owned(), None),
        ] {
            let headers = HeaderMap::from_iter([(
                HeaderName::from_static("traceparent"),
                HeaderValue::from_str(&header).unwrap(),
            )]);
            assert_eq!(trace_id(&headers), taken, "{header}");
        }
    }

    #[test]
    fn pages_of_shops_come_with_publishable_keys() {
        for (path, open) in [
            ("/v1/orders", true),
            ("/v1/orders/ord_1", true),
            ("/v1/ordersx", false),
            ("/v1/supplies", false),
            ("/", false),
        ] {
            assert_eq!(is_for_browsers(path), open, "{path}");
        }
        for (key, page) in [("Bearer pk_a_b", true), ("Bearer sk_a_b", false), ("pk_a_b", false)] {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(key))]);
            assert_eq!(is_from_browser(&Method::GET, &headers), page, "{key}");
        }
    }
}
