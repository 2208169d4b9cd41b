//! What the workers beside the engine have in common: how they read, how they ask, and when they look again.

use std::{sync::Arc, time::Duration};

use engine::{Answer, Detail, Failure, Request};
use ledger::{Read, StoreError};
use model::{command::Command, id::TenantId, refusal::Rejection, time::Timestamp};

use crate::App;

/// Runs a command for a tenant; answers what the engine said of it.
///
/// Errors: the engine failed; whether the command took effect is not known.
pub(crate) async fn run(
    app: &Arc<App>,
    tenant: &TenantId,
    now: Timestamp,
    command: Command,
) -> Result<Result<Answer, Rejection>, Failure> {
    let id = app.stamps.next(now);
    let request = Request { tenant: tenant.clone(), now, id, command, key: None, detail: Detail::Full };
    Ok(app.engine.run(request).await?.outcome)
}

/// Reads the store apart from the threads that answer requests.
///
/// Errors: the store failed.
pub(crate) async fn read<T: Send + 'static>(
    app: &Arc<App>,
    read: impl FnOnce(&mut dyn Read) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Failure> {
    let app = Arc::clone(app);
    let done = tokio::task::spawn_blocking(move || read(&mut *app.engine.store().reader()?)).await;
    done.map_err(|error| Failure::Defect(error.to_string().into()))?.map_err(Failure::from)
}

/// Works round after round, by the server's own clock, until it is dropped. A round that failed is logged and left to the next.
pub(crate) async fn over_and_over<R>(
    app: Arc<App>,
    pause: Duration,
    what: &'static str,
    round: impl Fn(Arc<App>, Timestamp) -> R,
) where
    R: Future<Output = Result<usize, Failure>>,
{
    let mut ticks = tokio::time::interval(pause);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = round(Arc::clone(&app), (app.clock)()).await {
            tracing::warn!(%error, what, "a round of work failed; the next tries again");
        }
    }
}
