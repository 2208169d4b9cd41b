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
/// on those of the standbys that it waits for.
const FLUSH: &str = "SELECT pg_logical_emit_message(true, 'shipwhen', '')";

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
    /// A server that failed has cut this connection: since it was opened, nothing that was committed is lost.
    open_since: Option<Instant>,
}

impl Flusher {
    pub(super) fn new(conn: Conn) -> Self {
        Self { conn, open_since: Some(Instant::now()) }
    }

    /// Whether everything committed since the connection was opened is on disk now. Errors: nobody answers.
    fn flush_all(&mut self) -> Result<Instant, StoreError> {
        if let Some(since) = self.open_since.take()
            && self.conn.alone(FLUSH).is_ok()
        {
            return Ok(*self.open_since.insert(since));
        }
        self.conn
            .insist(|conn| {
                conn.reopen()?;
                let since = Instant::now();
                conn.alone(FLUSH).map(|()| since)
            })
            .inspect(|since| self.open_since = Some(*since))
    }
}

impl Flush for Flusher {
    fn flush(&mut self, commits: &[Pending]) -> Result<usize, StoreError> {
        let since = self.flush_all()?;
        for (nth, commit) in commits.iter().enumerate() {
            // The server may have begun anew, without what was not on disk.
            if commit.since < since && !self.conn.insist(|conn| head::are_kept(conn, &commit.standing))? {
                return Ok(nth);
            }
        }
        Ok(commits.len())
    }
}
