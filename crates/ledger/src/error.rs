//! What can go wrong with storage, kept apart by what helps.

use model::state::Inconsistent;

/// Why storage did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database or the disk failed. Trying again may help; nothing of the transaction was kept.
    #[error("the database failed while it {doing}")]
    Driver {
        /// What it was doing.
        doing: &'static str,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Somebody else changed the same pools first. Deciding again helps.
    #[error("another writer changed the same pools first")]
    Conflict,
    /// The database went away while it committed, and does not answer: nobody knows whether it kept what was written. The
    /// same request with the same idempotency key tells later.
    #[error("the database went away while it committed, so nobody knows whether it did")]
    Unknown {
        /// What it said.
        #[source]
        source: Box<StoreError>,
    },
    /// What was read makes no sense. Trying again does not help; `shipwhen verify` says more.
    #[error("stored data is inconsistent: {what}")]
    Inconsistent {
        /// Which data, and how.
        what: String,
    },
    /// The database was written by a newer version, or its migrations were edited.
    #[error("the database cannot be opened: {0}")]
    Schema(String),
}

impl StoreError {
    /// A driver's failure.
    pub fn driver(doing: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Driver { doing, source: source.into() }
    }

    /// Data that makes no sense.
    pub fn inconsistent(what: impl std::fmt::Display) -> Self {
        Self::Inconsistent { what: what.to_string() }
    }

    /// Whether the same call may work when it is tried again.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Driver { .. } | Self::Conflict)
    }
}

impl From<Inconsistent> for StoreError {
    fn from(error: Inconsistent) -> Self {
        Self::inconsistent(error)
    }
}
