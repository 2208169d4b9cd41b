//! Keeps what readers have in memory no older than it may be, where other nodes write to the same store.

use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use ledger::Watch;

use crate::snapshot::Snapshots;

/// How old a pool in memory may be, as the documents promise it.
pub const STALE_MS_MAX: u64 = 200;

/// Runs until the engine is gone: asks, a few times within the time promised, what others have changed.
pub(crate) fn run(mut watch: Box<dyn Watch>, snapshots: &Snapshots, ended: &Receiver<()>) {
    let pause = Duration::from_millis(STALE_MS_MAX / 4);
    let mut is_down = false;
    while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        let tenants = snapshots.tenants();
        if tenants.is_empty() {
            continue;
        }
        match watch.look(&tenants) {
            Ok(changed) => {
                changed.iter().for_each(|(tenant, elsewhere)| snapshots.outdated(tenant, elsewhere));
                is_down = false;
            }
            Err(error) => {
                if !std::mem::replace(&mut is_down, true) {
                    tracing::error!(%error, "what other nodes change is not known; readers ask the store");
                }
                // Nothing in memory can be promised to be fresh; reading the store says what is wrong with it.
                snapshots.forget();
            }
        }
    }
}
