//! The badge for a shop's own pages: one script, and the same answer as a page for browsers without script.
//!
//! The script asks `/v1/availability` with the shop's publishable key, which stands in every page of the shop anyway. It sets no
//! cookie and keeps nothing.

use std::sync::LazyLock;

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::id::{Sku, TenantId};
use sha2::{Digest, Sha256};

use super::{Ask, Frame, error::Fail, page, product, shop::Badge, words};

/// The script, as it is sent.
const SCRIPT: &str = include_str!("../../assets/badge.js");
/// For how long a browser may use it without asking, in seconds: its address is in pages that nobody edits for years.
const FRESH_S: u32 = 3_600;
/// Longest key looked at, in bytes.
const KEY_BYTES_MAX: usize = 256;

static TAG: LazyLock<String> = LazyLock::new(|| {
    let digest = Sha256::digest(SCRIPT.as_bytes());
    let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hash}\"")
});

/// `GET /badge.js`.
pub(super) async fn script(headers: axum::http::HeaderMap) -> Response {
    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == TAG.as_bytes());
    let mut response =
        if is_known { StatusCode::NOT_MODIFIED.into_response() } else { SCRIPT.into_response() };
    let set = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, &*format!("public, max-age={FRESH_S}")),
        (header::ETAG, &TAG),
        // Shops load it from their own pages, also those that check what they load.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            set.insert(name, value);
        }
    }
    set.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    response
}

#[derive(Template)]
#[template(path = "badge.html")]
struct Page {
    frame: Frame,
    title: String,
    badge: Badge,
    reason: String,
    at: String,
    json_ld: String,
}

/// `GET /badge/{key}/{sku}`: what the badge says, without script.
pub(super) fn answer(ask: &Ask, key: &str, sku: &str) -> Result<Response, Fail> {
    let tenant = tenant(ask, key)?.ok_or(Fail::NotFound)?;
    let (sku, shop): (Sku, _) = product::load(ask, &tenant, sku)?;
    let filled = product::Filled { quantity: 1, ..product::Filled::default() };
    let found = product::asked(&shop, &sku, &filled, ask.now).ok_or(Fail::NotFound)?;
    let look = crate::views::Look::of(&found, ask.now);
    if let Some((looks, look)) = ask.app.views.of(&tenant, &sku).zip(look) {
        looks.add(look);
    }
    let zone = shop.locations.values().next().map(|location| location.time_zone.clone());
    let (_, time) = zone.unwrap_or_else(model::time::Zone::utc).local(ask.now);
    let title = words::title(&shop, &sku);
    let item = &shop.pool(&sku).ok_or(Fail::NotFound)?.item;
    let url = format!("{}/badge/{key}/{}", ask.app.url(), super::shop::encoded(sku.as_str()));
    let page_ = Page {
        json_ld: product::json_ld(item, &title, &url, &found),
        badge: Badge::of(&found, words::today(&shop, ask.now)),
        reason: words::sentence(&found.reason),
        at: format!("{:02}:{:02}", time.hour(), time.minute()),
        title,
        frame: Frame::new(Some(&tenant), "", false, false),
    };
    page(StatusCode::OK, &page_)
}

/// Whose key it is: a publishable one that may ask for availability and was not taken back.
fn tenant(ask: &Ask, key: &str) -> Result<Option<TenantId>, Fail> {
    let named = key.strip_prefix("pk_").and_then(|rest| TenantId::new(rest.split_once('_')?.0).ok());
    let Some(tenant) = named.filter(|_| key.len() <= KEY_BYTES_MAX) else { return Ok(None) };
    let hash: [u8; 32] = Sha256::digest(key.as_bytes()).into();
    let found = ask.app.engine.store().reader()?.api_key(&tenant, &hash)?;
    let may = |scopes: &[std::sync::Arc<str>]| {
        scopes.is_empty() || scopes.iter().any(|scope| matches!(&**scope, "*" | "availability:read"))
    };
    let found = found.filter(|key| key.publishable && key.revoked_at.is_none() && may(&key.scopes));
    Ok(found.map(|_| tenant))
}
