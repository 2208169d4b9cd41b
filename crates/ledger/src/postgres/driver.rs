//! One connection: its socket is driven by a thread of the store, its calls are waited for by whoever makes them.
//!
//! Statements are sent one behind the other without waiting between them, so a batch costs one way there and back however
//! many tables it writes.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
    time::Duration,
};

use futures_util::future::try_join_all;
use rustc_hash::FxHashMap;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, Error, Row, Statement, error::SqlState, types::ToSql};

use super::tls::Tls;
use crate::StoreError;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a peer may be silent before the connection counts as lost.
const SILENT: Duration = Duration::from_secs(15);

/// What every connection is set to: a writer that waits for a hung one gives up, one that hangs lets the others go on, and
/// a commit is on disk when it returns, whatever the server's default. A statement is planned once: with a plan for each new set
/// of parameters, planning took a tenth of the database's time. So plans are kept, also those of a moment at which a table was
/// empty, and none may read a table from end to end where an index would do (nor be compiled because of what that seems to
/// cost). A setting that the server does not know is left out.
const SETTINGS: &str = "SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '15s'; \
     SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'; \
     SELECT set_config(name, 'force_generic_plan', false) FROM pg_settings WHERE name = 'plan_cache_mode'; \
     SELECT set_config(name, 'off', false) FROM pg_settings WHERE name IN ('enable_seqscan', 'jit')";

/// Looks up each key of a list (`$2`, as `wanted.key`) by itself, through the index that leads to it. Asked with `= ANY`, a
/// planner that has no statistics yet, as of a table that has just grown, reads all rows of the tenant instead.
macro_rules! each_of {
    ($keys:literal, $select:expr) => {
        concat!(
            "SELECT found.* FROM unnest($2::",
            $keys,
            ") AS wanted (key) CROSS JOIN LATERAL (",
            $select,
            " OFFSET 0) AS found"
        )
    };
}
pub(super) use each_of;

/// A parameter of a statement.
pub(super) type Param<'p> = &'p (dyn ToSql + Sync);

/// A statement and what it is run with.
pub(super) struct Call<'p> {
    pub(super) sql: &'p str,
    pub(super) params: Vec<Param<'p>>,
}

impl<'p> Call<'p> {
    pub(super) fn new(sql: &'p str, params: impl Into<Vec<Param<'p>>>) -> Self {
        Self { sql, params: params.into() }
    }
}

/// A connection, with the statements it knows.
pub(super) struct Link {
    client: Client,
    known: FxHashMap<Box<str>, Statement>,
}

/// Most statements kept prepared; there are some hundred, unless somebody makes them up.
const KNOWN_MAX: usize = 512;

impl Link {
    /// Connects. Errors: nobody answers, or nobody is let in.
    pub(super) fn open(runtime: &Runtime, config: &Config, tls: &Tls) -> Result<Self, StoreError> {
        let (mut config, tls) = (config.clone(), tls.clone());
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENT);
        }
        config.keepalives_idle(SILENT).keepalives_interval(SILENT / 3).keepalives_retries(3);
        if config.get_application_name().is_none() {
            config.application_name("shipwhen");
        }
        let connecting = runtime.spawn(async move {
            let (client, connection) = config.connect(tls).await?;
            tokio::spawn(async move {
                // Whoever uses the client next is told the same.
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection to PostgreSQL ended");
                }
            });
            client.batch_execute(SETTINGS).await?;
            Ok::<_, Error>(client)
        });
        const DOING: &str = "connected to PostgreSQL";
        let client = wait(connecting).map_err(|error| StoreError::driver(DOING, error))?;
        Ok(Self { client: client.map_err(failed(DOING))?, known: FxHashMap::default() })
    }

    /// Whether nothing can be asked any more.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs a word such as `COMMIT`, or several statements without parameters.
    pub(super) fn say(&self, words: &str) -> Result<(), Error> {
        wait(self.client.batch_execute(words))
    }

    fn prepare(&mut self, calls: &[Call<'_>]) -> Result<Vec<Statement>, Error> {
        if self.known.len() > KNOWN_MAX {
            self.known.clear();
        }
        let mut missing: Vec<&str> =
            calls.iter().map(|call| call.sql).filter(|sql| !self.known.contains_key(*sql)).collect();
        missing.sort_unstable();
        missing.dedup();
        if !missing.is_empty() {
            let made = wait(try_join_all(missing.iter().map(|sql| self.client.prepare(sql))))?;
            self.known.extend(missing.into_iter().map(Box::from).zip(made));
        }
        Ok(calls.iter().filter_map(|call| self.known.get(call.sql).cloned()).collect())
    }

    /// Runs statements that answer rows, in this order; `first`, a word without parameters, goes ahead of them.
    pub(super) fn ask(&mut self, first: Option<&str>, calls: &[Call<'_>]) -> Result<Vec<Vec<Row>>, Error> {
        let statements = self.prepare(calls)?;
        let client = &self.client;
        let opening = async {
            match first {
                Some(words) => client.batch_execute(words).await,
                None => Ok(()),
            }
        };
        let asked = try_join_all(
            statements.iter().zip(calls).map(|(statement, call)| client.query(statement, &call.params)),
        );
        let (opened, rows) = wait(futures_util::future::join(opening, asked));
        opened?;
        rows
    }

    /// Runs statements that change rows, in this order; answers how many each changed, or the first error.
    pub(super) fn tell(&mut self, first: Option<&str>, calls: &[Call<'_>]) -> Result<Vec<u64>, Error> {
        let statements = self.prepare(calls)?;
        let client = &self.client;
        let opening = async {
            match first {
                Some(words) => client.batch_execute(words).await,
                None => Ok(()),
            }
        };
        // All are waited for: an answer that nobody takes would be taken for the next one's.
        let told = futures_util::future::join_all(
            statements.iter().zip(calls).map(|(statement, call)| client.execute(statement, &call.params)),
        );
        let (opened, counts) = wait(futures_util::future::join(opening, told));
        opened?;
        counts.into_iter().collect()
    }
}

/// Turns the driver's error into ours.
pub(super) fn failed(doing: &'static str) -> impl Fn(Error) -> StoreError {
    move |error| match error.code() {
        Some(code) if is_conflict(code) => StoreError::Conflict,
        Some(&SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED) => {
            StoreError::inconsistent(format_args!("the database is damaged ({doing}: {error})"))
        }
        _ => StoreError::driver(doing, error),
    }
}

/// Whether deciding again helps: another transaction was first, or each waited for the other.
fn is_conflict(code: &SqlState) -> bool {
    [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::UNIQUE_VIOLATION]
        .contains(code)
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a call, from whatever thread: the connection's own thread does the rest.
pub(super) fn wait<F: Future>(call: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut call = pin!(call);
    loop {
        match call.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
