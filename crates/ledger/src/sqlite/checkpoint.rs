//! Copying the write-ahead log back into the file, beside the writer and not within its commits.
//!
//! A log of some thousand pages takes many times as long to copy, and to sync, as a commit takes; a commit that did it would
//! keep everybody waiting. So a thread with a connection of its own copies what is there, a piece at a time: a disk that is
//! handed much at once lets a commit's own sync wait behind all of it. Only the writer can begin the log anew, and only when
//! all of it is copied: what is left when the thread is done, little by then, the writer copies itself.
//!
//! SQLite syncs the file only with a copy that is complete, and while commits go on, none of the thread's is. So the thread syncs
//! what it copied: else the writer would in the end wait for all of it.

use std::{
    fs::File,
    mem::ManuallyDrop,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
        mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    },
    thread,
};

use rusqlite::Connection;

use super::{AUTOCHECKPOINT_PAGES, Role, Shared, cells::failed};
use crate::StoreError;

/// So many pages are copied at a time: 4 MB.
const PIECE_PAGES: i64 = 1_024;
/// A log of so many pages begins anew when commits are small: then nobody is in a hurry.
const CALM_PAGES: i64 = AUTOCHECKPOINT_PAGES;
/// A commit of so few pages is small.
const SMALL_COMMIT: i64 = 16;
/// A log of so many pages begins anew whatever goes on: 128 MB.
const START_PAGES: i64 = 32_768;
/// So many pages may be left for the writer to copy; the larger the log, the more.
const LEFT_PAGES: i64 = 512;
/// A log so large is copied by the writer itself: somebody reads it and does not let go, or the disk cannot keep up.
const HARD_PAGES: i64 = 131_072;

/// One writer's copier.
pub(super) struct Copier {
    ask: SyncSender<()>,
    /// How many pages of the log are copied.
    done: Receiver<i64>,
    is_copying: bool,
    /// Pages in the log after the last commit.
    pages: Arc<AtomicI64>,
    /// The same after the commit before.
    before: i64,
    /// The same when it was last tried to copy them.
    tried: i64,
    copied: i64,
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
        let mut disk = Disk { file: home.file.clone(), open: None };
        let (ask, asked) = sync_channel::<()>(1);
        let (tell, done) = sync_channel(1);
        let run = move || {
            while asked.recv().is_ok() {
                let copied = checkpoint(&conn);
                disk.sync();
                if tell.send(copied).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new()
            .name("log copier".to_owned())
            .spawn(run)
            .map_err(|error| StoreError::driver(DOING, error))?;
        Ok(Self { ask, done, is_copying: false, pages, before: 0, tried: 0, copied: 0 })
    }

    /// Looks after a commit whether the log is to be copied.
    pub(super) fn committed(&mut self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.before {
            // It has begun anew.
            (self.tried, self.copied) = (0, 0);
        }
        let is_small = (0..=SMALL_COMMIT).contains(&(pages - self.before));
        self.before = pages;
        let is_long = pages >= if is_small { CALM_PAGES } else { START_PAGES };
        let mut gained = false;
        if self.is_copying {
            match self.done.try_recv() {
                Ok(copied) => {
                    gained = copied > self.copied;
                    (self.is_copying, self.copied) = (false, copied);
                }
                Err(TryRecvError::Empty) if pages < HARD_PAGES => return,
                Err(_) => {}
            }
        }
        let left = pages - self.copied;
        let is_little = left <= LEFT_PAGES + (pages - START_PAGES).max(0) / 16;
        if (is_long && is_little && gained) || pages >= HARD_PAGES {
            // With that copied the next commit begins the log anew, unless somebody still reads what was before.
            self.copied = checkpoint(writer);
            self.tried = pages;
        } else if !self.is_copying && (pages - self.tried >= PIECE_PAGES || is_long && gained) {
            self.tried = pages;
            self.is_copying = self.ask.try_send(()).is_ok();
        }
    }
}

/// Copies what is in the log; answers how many of its pages are copied.
fn checkpoint(conn: &Connection) -> i64 {
    let copied = conn
        .prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")
        .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(2)))
        .map_err(failed("copied the log"));
    copied.unwrap_or_else(|error| {
        // A later commit tries again; until then nothing is lost, the log only grows.
        tracing::warn!(%error, "the write-ahead log was not copied");
        0
    })
}

/// The file on its way to the disk.
struct Disk {
    file: PathBuf,
    /// Never closed: with any handle that a process closes, the system takes all its locks on the file away, also SQLite's.
    open: Option<ManuallyDrop<File>>,
}

impl Disk {
    fn sync(&mut self) {
        if self.open.is_none() {
            self.open = open(&self.file).map(ManuallyDrop::new);
        }
        if let Some(Err(error)) = self.open.as_deref().map(File::sync_data) {
            // SQLite syncs it once more before it relies on it.
            tracing::warn!(%error, "what was copied of the log was not synced");
        }
    }
}

fn open(file: &Path) -> Option<File> {
    File::open(file)
        .map_err(|error| tracing::warn!(%error, "the store's file was not opened to sync it"))
        .ok()
}
