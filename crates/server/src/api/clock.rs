//! The moment of a request.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use model::time::{FIRST_DATE, LAST_DATE, Timestamp, Zone, local_date};

use super::{problem::Problem, state::Api};

/// The header that sets the clock of one request.
pub(crate) const HEADER: &str = "shipwhen-now";

/// The moment a request is answered for: in this file alone a handler learns the time.
pub(crate) struct Now(pub(crate) Timestamp);

impl FromRequestParts<Arc<Api>> for Now {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        Ok(Self(Moment::from_request_parts(parts, api).await?.at))
    }
}

/// The same, and whether the request set it.
pub(crate) struct Moment {
    pub(crate) at: Timestamp,
    pub(crate) is_set: bool,
}

impl FromRequestParts<Arc<Api>> for Moment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        Ok(match check(parts, api)? {
            Some(at) => Self { at, is_set: true },
            None => Self { at: (api.app.clock)(), is_set: false },
        })
    }
}

/// The moment that a request sets, if it does. Every call with a key checks it, also one that needs no time.
pub(crate) fn check(parts: &Parts, api: &Api) -> Result<Option<Timestamp>, Problem> {
    let Some(given) = parts.headers.get(HEADER) else { return Ok(None) };
    if !api.app.test_clock {
        // Taking no notice would let a test against a live shop look as if it worked.
        let detail = "Shipwhen-Now works only where the server was started with --test-clock";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "test_clock_off", detail));
    }
    let read = given.to_str().ok().and_then(read).map(Some);
    read.ok_or_else(|| {
        let detail = "not an instant such as 2026-12-01T09:00:00Z, from 1970 to 2199";
        Problem::field("Shipwhen-Now", "instant", detail)
    })
}

/// Reads an instant within the years that dates may have.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let at: Timestamp = text.trim().parse().ok()?;
    // Finer than a microsecond nothing is stored.
    let at = Timestamp::from_microsecond(at.as_microsecond()).ok()?;
    let date = local_date(at, &Zone::utc());
    (FIRST_DATE..=LAST_DATE).contains(&date).then_some(at)
}
