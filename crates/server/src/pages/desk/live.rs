//! Live updates: a page that is open hears that something changed, and asks for itself anew.
//!
//! What is sent is a number and nothing else: whatever the page then shows, it gets by asking as whoever is signed in. So a
//! session that ended tells nobody anything.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    http::{HeaderName, HeaderValue},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, stream};
use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior},
};

use super::{Ask, Asked, Fail};
use crate::staff::May;

/// How often the ledger is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Looks after which the stream ends and the browser comes again: so many seconds.
const LOOKS_MAX: u32 = 600;

/// Tells when the server stops: streams end then.
#[derive(Clone)]
pub(in crate::pages) struct Stopping(pub(in crate::pages) watch::Receiver<bool>);

struct Following {
    ask: Arc<Ask>,
    seen: i64,
    looks: u32,
    ticks: Interval,
    stopping: watch::Receiver<bool>,
}

/// `GET /live`.
pub(super) async fn follow(
    Asked(ask): Asked,
    Extension(Stopping(stopping)): Extension<Stopping>,
) -> Response {
    // A stream that goes on holds nothing that a server which stops waits for.
    let ask = Arc::new(Ask { within: None, ..ask });
    let seen = match look(&ask).await {
        Ok(seen) => seen,
        Err(fail) => return fail.into_response(),
    };
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let following = Following { ask, seen, looks: 0, ticks, stopping };
    let mut response = Sse::new(changes(following)).keep_alive(KeepAlive::default()).into_response();
    let name = HeaderName::from_static("x-accel-buffering");
    response.headers_mut().insert(name, HeaderValue::from_static("no"));
    response
}

fn changes(following: Following) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(following, |mut following| async move {
        while following.looks < LOOKS_MAX {
            tokio::select! {
                _ = following.ticks.tick() => {}
                _ = following.stopping.wait_for(|stopping| *stopping) => return None,
            }
            following.looks += 1;
            // Whoever signed out, or may not look any more, hears nothing more.
            let seen = look(&following.ask).await.ok()?;
            if seen != following.seen {
                following.seen = seen;
                return Some((Ok(Event::default().event("changed").data(seen.to_string())), following));
            }
        }
        None
    })
}

/// The newest entry of the ledger of whoever looks.
async fn look(ask: &Arc<Ask>) -> Result<i64, Fail> {
    let ask = Arc::clone(ask);
    let found = tokio::task::spawn_blocking(move || {
        let visitor = ask.staff(May::Look)?;
        Ok(ask.app.engine.store().reader()?.last_event(&visitor.tenant)?)
    });
    found.await.unwrap_or_else(|error| Err(Fail::Defect(error.to_string())))
}
