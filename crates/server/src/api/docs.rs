//! `/openapi.json` and `/docs`: the API's description, for programs and for people.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use utoipa_swagger_ui::Config;

use super::{problem::Problem, state::Api};

/// Swagger UI styles its elements one by one and draws its icons from data addresses; its scripts are files of ours.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// The API's description (OpenAPI 3.1)
#[utoipa::path(
    get, path = "/openapi.json", tag = "Server", operation_id = "openapi",
    responses((status = 200, description = "This document", body = Object)),
)]
pub(crate) async fn openapi(State(api): State<Arc<Api>>) -> Response {
    let mut response = Response::new(Body::from(api.openapi.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The pages that show the description and try it out.
pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/docs", get(|| async { Redirect::permanent("/docs/") }))
        .route("/docs/", get(|| async { file("") }))
        .route("/docs/{*file}", get(|Path(name): Path<String>| async move { file(&name) }))
}

fn file(name: &str) -> Response {
    // Without "none" the page would have a validator elsewhere look at the document.
    let config = Config::from("/openapi.json").try_it_out_enabled(true).validator_url("none");
    match utoipa_swagger_ui::serve(name, Arc::new(config)) {
        Ok(Some(file)) => {
            let mut response = Response::new(Body::from(file.bytes.into_owned()));
            let headers = response.headers_mut();
            if let Ok(kind) = HeaderValue::from_str(&file.content_type) {
                headers.insert(header::CONTENT_TYPE, kind);
            }
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
            response
        }
        Ok(None) => Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such file").into_response(),
        Err(error) => {
            tracing::error!(%error, "a file of the docs cannot be read");
            Problem::defect().into_response()
        }
    }
}
