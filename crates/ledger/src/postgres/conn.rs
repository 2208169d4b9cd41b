//! A connection with its transaction: what a reader and a writer have in common.

use std::{sync::Arc, thread, time::Duration};

use tokio_postgres::{Error, Row, error::SqlState};

use super::{
    Shared,
    driver::{Call, Link, Param, failed},
};
use crate::StoreError;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Reads,
    Writes,
}

impl Role {
    /// A reader sees one state to its end. A writer sees with each statement what is committed by then: what it has locked
    /// does not change, and what it has not locked is held against its version when it writes.
    fn begin(self) -> &'static str {
        match self {
            Self::Reads => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Self::Writes => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }
}

/// Where the transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transaction {
    /// There is none, and no lock is held.
    None,
    Open,
    /// A statement failed: only a rollback helps.
    Broken,
}

/// When a commit is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commit {
    /// When it is on disk.
    OnDisk,
    /// Before: what has to be on disk with it is flushed later.
    Ahead,
}

impl Commit {
    fn words(self) -> &'static str {
        match self {
            Self::OnDisk => "COMMIT",
            Self::Ahead => "SET LOCAL synchronous_commit = off; COMMIT",
        }
    }
}

/// How a commit ended.
pub(super) enum Ended {
    Kept,
    Lost(StoreError),
    /// The connection went before an answer came.
    Unknown(StoreError),
}

/// How often, and how long apart, a database that does not answer is asked whether a commit was kept.
const ASKED: u32 = 25;
const APART: Duration = Duration::from_millis(200);

/// A connection in use. A transaction begins with the first call after a commit.
pub(super) struct Conn {
    link: Option<Link>,
    role: Role,
    transaction: Transaction,
    home: Arc<Shared>,
}

impl Conn {
    pub(super) fn new(link: Option<Link>, role: Role, home: Arc<Shared>) -> Self {
        Self { link, role, transaction: Transaction::None, home }
    }

    pub(super) fn transaction(&self) -> Transaction {
        self.transaction
    }

    /// Says that what was written makes no sense together.
    pub(super) fn break_off(&mut self) {
        self.transaction = Transaction::Broken;
    }

    /// Reads rows.
    pub(super) fn rows<'p>(
        &mut self,
        doing: &'static str,
        sql: &'p str,
        params: impl Into<Vec<Param<'p>>>,
    ) -> Result<Vec<Row>, StoreError> {
        let call = [Call::new(sql, params)];
        Ok(self.ask(doing, &call)?.pop().unwrap_or_default())
    }

    /// Reads the first row, if there is one.
    pub(super) fn row<'p>(
        &mut self,
        doing: &'static str,
        sql: &'p str,
        params: impl Into<Vec<Param<'p>>>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(doing, sql, params)?.into_iter().next())
    }

    /// Changes rows; answers how many.
    pub(super) fn change<'p>(
        &mut self,
        doing: &'static str,
        sql: &'p str,
        params: impl Into<Vec<Param<'p>>>,
    ) -> Result<u64, StoreError> {
        let call = [Call::new(sql, params)];
        Ok(self.tell(doing, &call)?.pop().unwrap_or(0))
    }

    /// Runs statements that answer rows, in this order, one way there and back.
    pub(super) fn ask(
        &mut self,
        doing: &'static str,
        calls: &[Call<'_>],
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        self.run(doing, |link, first| link.ask(first, calls))
    }

    /// Runs statements that change rows, in this order, one way there and back; answers how many each changed.
    pub(super) fn tell(&mut self, doing: &'static str, calls: &[Call<'_>]) -> Result<Vec<u64>, StoreError> {
        self.run(doing, |link, first| link.tell(first, calls))
    }

    fn run<T>(
        &mut self,
        doing: &'static str,
        how: impl Fn(&mut Link, Option<&str>) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        if self.transaction == Transaction::Broken {
            return Err(StoreError::driver(doing, "a statement before it failed"));
        }
        let first = (self.transaction == Transaction::None).then(|| self.role.begin());
        let mut is_new = false;
        loop {
            let link = match self.link.take().filter(|link| first.is_none() || !link.is_closed()) {
                Some(link) => self.link.insert(link),
                None if first.is_none() => return Err(StoreError::driver(doing, "the connection is gone")),
                None => {
                    is_new = true;
                    self.link.insert(self.home.connect()?)
                }
            };
            let error = match how(link, first) {
                Ok(done) => {
                    self.transaction = Transaction::Open;
                    return Ok(done);
                }
                Err(error) => error,
            };
            let is_lost = is_lost(&error);
            if is_lost {
                self.link = None;
            }
            // A connection that lay idle may have been cut meanwhile: nothing was done with it yet.
            if !(is_lost && first.is_some() && !is_new) {
                self.transaction = Transaction::Broken;
                return Err(failed(doing)(error));
            }
        }
    }

    /// Takes another connection in the place of this one, which is in no transaction.
    pub(super) fn reopen(&mut self) -> Result<(), StoreError> {
        self.link = Some(self.home.connect()?);
        Ok(())
    }

    /// Runs a statement in a transaction of its own, on this connection and no other; answers its first row.
    pub(super) fn alone(&mut self, doing: &'static str, sql: &str) -> Result<Option<Row>, StoreError> {
        let Some(link) = &mut self.link else {
            return Err(StoreError::driver(doing, "the connection is gone"));
        };
        let rows = link.ask(None, &[Call::new(sql, [])]).map_err(failed(doing))?;
        Ok(rows.into_iter().flatten().next())
    }

    /// Ends the transaction; it must not be broken.
    pub(super) fn commit(&mut self, how: Commit) -> Ended {
        const DOING: &str = "committed";
        if self.transaction == Transaction::None {
            return Ended::Kept;
        }
        self.transaction = Transaction::None;
        let Some(link) = &self.link else {
            return Ended::Unknown(StoreError::driver(DOING, "the connection is gone"));
        };
        match link.say(how.words()) {
            Ok(()) => Ended::Kept,
            Err(error) if is_lost(&error) => {
                self.link = None;
                Ended::Unknown(failed(DOING)(error))
            }
            Err(error) => Ended::Lost(failed(DOING)(error)),
        }
    }

    /// Drops everything since the last commit.
    pub(super) fn rollback(&mut self) -> Result<(), StoreError> {
        if std::mem::replace(&mut self.transaction, Transaction::None) == Transaction::None {
            return Ok(());
        }
        // A connection that is gone has taken its transaction with it.
        let Some(link) = &self.link else { return Ok(()) };
        if let Err(error) = link.say("ROLLBACK") {
            self.link = None;
            if !is_lost(&error) {
                return Err(failed("rolled back")(error));
            }
        }
        Ok(())
    }

    /// Asks something of a database that may be about to come back, for some seconds.
    pub(super) fn insist<T>(
        &mut self,
        ask: impl Fn(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut tries = 0;
        loop {
            let answered = ask(self);
            let ended = self.rollback();
            match answered.and_then(|answer| ended.map(|()| answer)) {
                Err(error) if error.is_transient() && tries < ASKED => tries += 1,
                done => return done,
            }
            thread::park_timeout(APART);
        }
    }

    /// The connection, if it can be used again.
    pub(super) fn into_link(mut self) -> Option<Link> {
        self.rollback().ok()?;
        self.link.take().filter(|link| !link.is_closed())
    }
}

/// Whether the connection is gone, and not only a statement refused.
fn is_lost(error: &Error) -> bool {
    const ENDING: [SqlState; 4] = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ];
    error.code().is_none_or(|code| ENDING.contains(code))
}
