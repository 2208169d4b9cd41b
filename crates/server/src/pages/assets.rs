//! Style and script, compiled in and named after their content: a browser keeps them for ever and a new build is a new name.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

/// One file of `assets/`.
pub(super) struct Asset {
    /// Its address.
    pub(super) href: String,
    kind: &'static str,
    text: &'static str,
}

/// The style sheet of every page.
pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    asset("style", "css", "text/css; charset=utf-8", include_str!("../../assets/style.css"))
});
/// The little script that shows a date while a quantity is typed. Every page works without it.
pub(super) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    asset("page", "js", "text/javascript; charset=utf-8", include_str!("../../assets/page.js"))
});

/// The script of the page where a customer pays: it puts Stripe's form into it.
pub(super) static PAY: LazyLock<Asset> = LazyLock::new(|| {
    asset("pay", "js", "text/javascript; charset=utf-8", include_str!("../../assets/pay.js"))
});

fn asset(name: &str, extension: &str, kind: &'static str, text: &'static str) -> Asset {
    let digest = Sha256::digest(text.as_bytes());
    let hash: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    Asset { href: format!("/assets/{name}-{hash}.{extension}"), kind, text }
}

/// `GET /assets/{file}`.
pub(super) async fn get(Path(file): Path<String>) -> Response {
    let asked = format!("/assets/{file}");
    let Some(asset) = [&*STYLE, &*SCRIPT, &*PAY].into_iter().find(|asset| asset.href == asked) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = asset.text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
