//! Serving: connections in, answers out, and an end without a broken answer.

use std::{
    future::{Future, IntoFuture},
    io,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::{Router, serve::ListenerExt};
use tokio::net::TcpListener;

use crate::{App, api};

/// Everything this server answers: the API and the pages.
pub fn router(app: Arc<App>) -> Router {
    api::build(app).0
}

/// How long what was begun may take to end.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves on a listener until told to stop, then lets what was begun end.
///
/// Streams end at once; whatever else is being answered is answered, unless its client takes longer than ten seconds.
/// Errors: the listener fails.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_draining(listener, app, Duration::ZERO, shutdown).await
}

/// The same; once told to stop it goes on for a while as before, but says that it is not ready for more, so that a load
/// balancer looks elsewhere before the last connection is taken.
pub async fn serve_draining(
    listener: TcpListener,
    app: Arc<App>,
    drain: Duration,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (router, api) = api::build(app);
    let mut stopping = api.stopping.subscribe();
    // An answer is one small write: waiting for more to send with it would only delay it.
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
        shutdown.await;
        if !drain.is_zero() {
            api.draining.send_replace(true);
            // A load balancer's own clock is what is waited for.
            let _ = tokio::time::timeout(drain, std::future::pending::<()>()).await;
        }
        api.stopping.send_replace(true);
    });
    let mut serving = pin!(serving.into_future());
    tokio::select! {
        ended = &mut serving => return ended,
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
    match tokio::time::timeout(DRAIN, serving).await {
        Ok(ended) => ended,
        Err(_) => {
            tracing::warn!("some clients took too long; their connections are closed");
            Ok(())
        }
    }
}
