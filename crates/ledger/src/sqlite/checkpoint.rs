//! Copying the write-ahead log back into the file, beside the writer and not within its commits.
//!
//! A log of some thousand pages takes many times as long to copy as a commit takes; a commit that did it would keep everybody
//! waiting. So a thread with a connection of its own copies what is there, while the writer goes on behind it. Only the
//! writer can begin the log anew, and only when all of it is copied: what is left when the thread is done, little by then,
//! the writer copies itself.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use rusqlite::Connection;

use super::{AUTOCHECKPOINT_PAGES, Role, Shared, cells::failed};
use crate::StoreError;

/// The log is copied when it has so many pages and commits are small: then nobody is in a hurry.
const CALM_PAGES: i64 = AUTOCHECKPOINT_PAGES;
/// A commit of so few pages is small.
const SMALL_COMMIT: i64 = 16;
/// The log is copied when it has so many pages, whatever goes on: 128 MB.
const START_PAGES: i64 = 32_768;
/// So many pages may be left for the writer to copy; where it is more, the thread goes over what came since once more.
const LEFT_PAGES: i64 = 1_000;
/// A log so large is copied by the writer itself: somebody reads it and does not let go, or the disk cannot keep up.
const HARD_PAGES: i64 = 131_072;

/// One writer's copier.
pub(super) struct Copier {
    ask: SyncSender<()>,
    done: Receiver<()>,
    is_copying: bool,
    /// Pages in the log after the last commit.
    pages: Arc<AtomicI64>,
    /// The same after the commit before.
    before: i64,
}

impl Copier {
    /// Starts the thread for a writer's connection; it ends with the writer. Errors: there is no thread or connection to be
    /// had.
    pub(super) fn start(home: &Arc<Shared>, writer: &mut Connection) -> Result<Self, StoreError> {
        const DOING: &str = "set up copying the log";
        let pages = Arc::new(AtomicI64::new(0));
        let seen = Arc::clone(&pages);
        // In the place of SQLite's own copying.
        let hook = move |_: &mut rusqlite::hooks::Wal, pages: std::os::raw::c_int| {
            seen.store(pages.into(), Ordering::Relaxed);
            Ok(())
        };
        writer.wal_hook(Some(hook)).map_err(failed(DOING))?;
        let conn = home.connect(Role::Writes)?;
        let (ask, asked) = sync_channel::<()>(1);
        let (tell, done) = sync_channel(1);
        let run = move || {
            while asked.recv().is_ok() {
                copy(&conn);
                if tell.send(()).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new()
            .name("log copier".to_owned())
            .spawn(run)
            .map_err(|error| StoreError::driver(DOING, error))?;
        Ok(Self { ask, done, is_copying: false, pages, before: 0 })
    }

    /// Looks after a commit whether the log is to be copied.
    pub(super) fn committed(&mut self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        let is_small = (0..=SMALL_COMMIT).contains(&(pages - self.before));
        self.before = pages;
        if !self.is_copying {
            if pages >= if is_small { CALM_PAGES } else { START_PAGES } {
                self.is_copying = self.ask.try_send(()).is_ok();
            }
            return;
        }
        match self.done.try_recv() {
            Ok(()) => self.is_copying = false,
            Err(_) if pages < HARD_PAGES => return,
            Err(_) => {}
        }
        // Little is left: with that copied the next commit begins the log anew.
        checkpoint(writer);
    }
}

/// Copies until little is left.
fn copy(conn: &Connection) {
    for _ in 0..4 {
        match checkpoint(conn) {
            Some(left) if left > LEFT_PAGES => {}
            _ => return,
        }
    }
}

/// Copies what is in the log; answers how many pages came meanwhile, `None` where it could not be copied.
fn checkpoint(conn: &Connection) -> Option<i64> {
    let copied = conn
        .prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")
        .and_then(|mut statement| {
            statement.query_row([], |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))
        })
        .map_err(failed("copied the log"));
    match copied {
        Ok((pages, copied)) => Some(pages - copied),
        Err(error) => {
            // The next commit tries again; until then nothing is lost, the log only grows.
            tracing::warn!(%error, "the write-ahead log was not copied");
            None
        }
    }
}
