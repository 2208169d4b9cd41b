//! Pages for what went wrong, in words for people.

use std::sync::Arc;

use askama::Template;
use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use engine::Failure;
use ledger::StoreError;

use super::{Frame, page};

/// Why a page could not be shown.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fail {
    /// There is nothing at this address.
    #[error("there is nothing here")]
    NotFound,
    /// The link is wrong or its time is over.
    #[error("the link is not valid")]
    Link,
    /// The form could not be read.
    #[error("the form could not be read")]
    Form,
    /// Nobody is signed in; where to come back to.
    #[error("nobody is signed in")]
    SignIn(String),
    /// Whoever is signed in may not do that.
    #[error("that is for others")]
    Forbidden,
    /// Another site's page sent the form.
    #[error("the form came from elsewhere")]
    Foreign,
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] Arc<StoreError>),
    /// The engine gave no answer; coming back may help.
    #[error("the engine gave no answer")]
    Engine(#[from] Failure),
    /// A defect in this program.
    #[error("a defect: {0}")]
    Defect(String),
}

impl From<StoreError> for Fail {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl IntoResponse for Fail {
    fn into_response(self) -> Response {
        match &self {
            Self::NotFound => error_page(StatusCode::NOT_FOUND),
            Self::Form => error_page(StatusCode::BAD_REQUEST),
            Self::Link => show(
                StatusCode::NOT_FOUND,
                "This link does not work",
                "It may be incomplete, or its time is over. Please open the newest message about your order \
                 and use the link in it.",
            ),
            Self::SignIn(next) => {
                let to = format!("/sign-in?next={}", super::shop::encoded(next));
                super::see_other(&to).unwrap_or_else(|_| error_page(StatusCode::BAD_REQUEST))
            }
            Self::Forbidden => show(
                StatusCode::FORBIDDEN,
                "That is for others to do",
                "Your role does not include this. Whoever owns the shop can change that under People.",
            ),
            Self::Foreign => show(
                StatusCode::FORBIDDEN,
                "That did not come from here",
                "The form was sent by a page of another site, so nothing was done. Please use this site’s own pages.",
            ),
            Self::Engine(Failure::Busy | Failure::Stopped) => error_page(StatusCode::SERVICE_UNAVAILABLE),
            Self::Store(_) | Self::Engine(_) | Self::Defect(_) => {
                let cause = std::error::Error::source(&self).map(ToString::to_string);
                tracing::error!(error = %self, cause, "a page could not be shown");
                error_page(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

/// Returns the page for a status, for a client that wants HTML.
pub fn error_page(status: StatusCode) -> Response {
    let (title, text) = match status {
        StatusCode::NOT_FOUND => {
            ("There is nothing here", "The address may be mistyped, or what it showed is gone.")
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            ("That cannot be done here", "Please go back and use the page's own buttons.")
        }
        StatusCode::SERVICE_UNAVAILABLE => (
            "One moment, please",
            "More people are ordering than we can serve in this instant. Nothing was changed; please try again.",
        ),
        status if status.is_client_error() => {
            ("We could not read that", "Please go back, check what you entered, and send it again.")
        }
        _ => ("Something went wrong on our side", "Nothing was changed. Please try again in a moment."),
    };
    show(status, title, text)
}

/// Whether a client would rather read HTML than JSON: a browser that opens an address.
pub fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.split(',').any(|kind| kind.trim_start().starts_with("text/html")))
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    frame: Frame,
    code: u16,
    title: &'a str,
    text: &'a str,
}

fn show(status: StatusCode, title: &str, text: &str) -> Response {
    let frame = Frame::new(None, "", false, false);
    let template = ErrorPage { frame, code: status.as_u16(), title, text };
    page(status, &template).unwrap_or_else(|_| (status, title.to_owned()).into_response())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn browsers_want_html_and_scripts_do_not() {
        let wants = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            wants_html(&headers)
        };
        assert!(wants("text/html,application/xhtml+xml,*/*;q=0.8"));
        assert!(wants("application/xml, text/html;q=0.9"));
        assert!(!wants("*/*"));
        assert!(!wants("application/json"));
        assert!(!wants_html(&HeaderMap::new()));
    }
}
