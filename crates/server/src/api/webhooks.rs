//! `POST /v1/webhooks/stripe/{tenant}`: Stripe says that something happened.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::Response,
};
use connect::stripe;
use engine::Failure;
use model::{errand::ErrandWish, id::TenantId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    clock::Now,
    input::{collect, malformed},
    params::Segments,
    problem::Problem,
    state::{Api, json},
};
use crate::payments;

/// Largest message that is read: Stripe's are a few thousand bytes.
const BYTES_MAX: usize = 256 * 1024;

/// The message is heard.
#[derive(Serialize, ToSchema)]
pub(crate) struct Heard {
    /// True.
    heard: bool,
}

/// Hear from Stripe
///
/// For Stripe alone, which signs what it sends: set this address as a webhook endpoint there, and its secret here
/// (`--stripe-webhook-secret`). What a message says is not believed but asked, so it may come late, twice or in any order;
/// messages about other things are heard and nothing follows.
#[utoipa::path(
    post, path = "/v1/webhooks/stripe/{tenant}", tag = "Payments", operation_id = "hear_from_stripe",
    params(
        ("tenant" = String, Path, description = "The shop"),
        ("Stripe-Signature" = Option<String>, Header, description = "`t=…,v1=…`, by the secret"),
    ),
    request_body(content = serde_json::Value, description = "An event of Stripe's"),
    responses((status = 200, description = "It is heard", body = Heard)),
)]
pub(crate) async fn stripe(
    State(api): State<Arc<Api>>,
    Now(now): Now,
    Segments(tenant): Segments<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let off = || Problem::new(StatusCode::NOT_FOUND, "webhook_off", "no messages of Stripe's are taken here");
    let (Some(secret), Some(provider)) = (&api.app.payments.webhook_secret, &api.app.payments.provider)
    else {
        return Err(off());
    };
    let bytes = collect(body, &headers, BYTES_MAX).await?;
    let signature = headers.get("stripe-signature").map_or(b"".as_slice(), HeaderValue::as_bytes);
    let signature = std::str::from_utf8(signature).unwrap_or("");
    stripe::verify(secret, signature, &bytes, now)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "bad_signature", error.to_string()))?;
    let about = stripe::about(&bytes).map_err(|error| malformed(error.to_string()))?;
    let unknown = || Problem::not_found("shop", &tenant);
    let tenant = TenantId::new(&tenant).map_err(|_| unknown())?;
    if let Some(about) = about {
        let told = ErrandWish::Told { provider: provider.name(), about };
        match payments::run(&api.app, &tenant, now, told).await {
            Err(Failure::NoTenant) => return Err(unknown()),
            done => drop(done?),
        }
    }
    json(StatusCode::OK, &Heard { heard: true })
}
