//! Waiting for the disk, beside the writer.
//!
//! A commit spends most of its time waiting until its log is on disk, and holds its locks meanwhile: the same connection writes
//! nothing, and another node waits for the head. With `synchronous_commit = off` PostgreSQL ends the transaction at once and in
//! order; then any later commit that does wait has everything before it on disk, too. So a second connection makes a small
//! one that waits, for all that were committed by then, and whoever asked is answered after that.

use std::time::Instant;

use super::{
    conn::Conn,
    driver::{Call, Link},
    head,
};
use crate::{Flush, Pending, StoreError};

/// Writes a word to the log that concerns nobody, in a transaction of its own, which ends as the server is set: on its disk, and
/// on those of the standbys that it waits for. Says which of the server's processes did.
const FLUSH: &str = "SELECT pg_backend_pid(), pg_logical_emit_message(true, 'shipwhen', '')";
const DOING: &str = "waited for the disk";

/// Whether a server keeps one log for all of its tables, so that a later commit is kept after an earlier one: PostgreSQL itself
/// does; what distributes tables, or speaks its language over another store, may not.
pub(super) fn can(link: &mut Link) -> bool {
    const ASK: &str = "SELECT version() LIKE 'PostgreSQL %' AND version() NOT LIKE '%-YB-%' \
         AND EXISTS (SELECT FROM pg_proc WHERE proname = 'pg_logical_emit_message') \
         AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')";
    let asked = link.ask(None, &[Call::new(ASK, [])]);
    // Whoever does not understand the question is none.
    asked.is_ok_and(|rows| rows.iter().flatten().any(|row| row.get(0)))
}

/// A connection that waits for the disk.
pub(super) struct Flusher {
    conn: Conn,
    /// The server's process at its other end. A server that failed has ended it, so nothing is lost that was committed since it
    /// was first met.
    process: i32,
    since: Instant,
}

impl Flusher {
    /// Errors: nobody answers.
    pub(super) fn new(mut conn: Conn) -> Result<Self, StoreError> {
        let process = flush(&mut conn)?;
        Ok(Self { conn, process, since: Instant::now() })
    }

    /// Has everything that is committed on disk. Errors: nobody answers.
    fn flush_all(&mut self) -> Result<(), StoreError> {
        let process = match flush(&mut self.conn) {
            Ok(process) => process,
            Err(_) => self.conn.insist(|conn| {
                conn.reopen()?;
                flush(conn)
            })?,
        };
        if process != self.process {
            (self.process, self.since) = (process, Instant::now());
        }
        Ok(())
    }
}

/// Answers the server's process.
fn flush(conn: &mut Conn) -> Result<i32, StoreError> {
    let row = conn.alone(DOING, FLUSH)?;
    row.and_then(|row| row.try_get(0).ok()).ok_or_else(|| StoreError::driver(DOING, "no answer"))
}

impl Flush for Flusher {
    fn flush(&mut self, commits: &[Pending]) -> Result<usize, StoreError> {
        self.flush_all()?;
        for (nth, commit) in commits.iter().enumerate() {
            // The server may have begun anew, without what was not on disk.
            if commit.since < self.since
                && !self.conn.insist(|conn| head::are_kept(conn, &commit.standing))?
            {
                return Ok(nth);
            }
        }
        Ok(commits.len())
    }
}
