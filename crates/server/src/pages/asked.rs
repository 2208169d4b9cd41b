//! What every handler of a page begins with: who asks, and the form that they sent.

use std::sync::Arc;

use axum::{
    Form,
    extract::{FromRequest, FromRequestParts, Request},
    http::request::Parts,
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;

use super::{Ask, error::Fail};
use crate::App;

/// Who asks, for what, and when.
pub(super) struct Asked(pub(super) Ask);

impl FromRequestParts<Arc<App>> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let ask = Ask::at(Arc::clone(app), &parts.headers, &parts.uri);
        Ok(Self(Ask { within: parts.extensions.get().cloned(), ..ask }))
    }
}

/// A form as it was sent; one that cannot be read gets the page that says so.
pub(super) struct Sent<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequest<Arc<App>> for Sent<T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let form = Form::<T>::from_request(request, app).await;
        form.map(|Form(sent)| Self(sent)).map_err(|_| Fail::Form.into_response())
    }
}
