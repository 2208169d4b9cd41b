//! Serving: connections in, answers out, and an end without a broken answer.

use std::{future::Future, io, sync::Arc};

use axum::{Router, serve::ListenerExt};
use tokio::net::TcpListener;

use crate::{App, api};

/// Everything this server answers: the API and the pages.
pub fn router(app: Arc<App>) -> Router {
    api::build(app).0
}

/// Serves on a listener until told to stop, then lets what was begun end.
///
/// Streams end at once; whatever else is being answered is answered. Errors: the listener fails.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (router, api) = api::build(app);
    // An answer is one small write: waiting for more to send with it would only delay it.
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            shutdown.await;
            api.stopping.send_replace(true);
        })
        .await
}
