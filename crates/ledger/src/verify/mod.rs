//! The independent checker: replays the ledger and compares every table, then adds the tables up by itself.
//!
//! Two ways that share no code. The replay uses the model's own [`model::state::Shop::apply`], so it finds tables that the
//! ledger does not explain. The sums ([`sums`]) read stored cells and plain JSON, so they find what a defect in the model
//! would do to ledger and tables alike. Both stream: memory grows with open supplies, not with orders.
//!
//! Not checked, because nothing stored proves it: caps, limits, buffers and horizons, which hold at the moment an order is
//! accepted and may be changed afterwards; and the words of events that change no table (a note, a reason, a refusal).

mod compare;
pub(crate) mod cursor;
mod money;
mod replay;
mod stock;
mod sums;

use std::path::Path;

use model::id::TenantId;

use crate::{Store, StoreError, sqlite::SqliteStore};

/// Most violations listed; more are only counted. Whoever reads beyond the first thousand reads the same thing again.
const LISTED_MAX: usize = 1_000;

/// What was checked, and what was wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Ledger entries read.
    pub events: u64,
    /// SKUs.
    pub skus: u64,
    /// Lines with units still to be sent.
    pub open_lines: u64,
    /// What is wrong, as it was found: the first thousand.
    pub violations: Vec<Violation>,
    /// How many there are in all.
    pub violations_found: u64,
}

impl Report {
    pub(crate) fn found(&mut self, kind: &'static str, detail: impl std::fmt::Display) {
        self.violations_found += 1;
        if self.violations.len() < LISTED_MAX {
            self.violations.push(Violation { kind, detail: detail.to_string() });
        }
    }
}

/// One thing that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What kind, stable:
    ///
    /// - of the ledger: `sequence` (a number is missing), `event` (unreadable, or its columns belie it), `event_kind`
    ///   (unknown to this version), `replay` (does not fit what was there before; nothing after it is replayed)
    /// - of a table against the ledger: `missing`, `unexpected`, `different`
    /// - of the sums: `supply` (promised beyond its quantity), `claims`, `line` (pegs do not add up), `peg`, `promise`,
    ///   `stock`, `money` (an account, or what came by the ledger), `orphan` (refers to nothing of this tenant), `timer`
    /// - `damage`: of the files, as the engine says
    pub kind: &'static str,
    /// Which row, and what is wrong with it.
    pub detail: String,
}

/// Checks everything kept of one tenant, at the state of the last commit, while others write.
///
/// `scratch` is a directory for a copy as large as the tenant, removed afterwards. `progress` is told how many ledger entries
/// are replayed. Errors: the store or the scratch directory cannot be read or written; what is wrong with the data is
/// in the report.
pub fn verify(
    store: &dyn Store,
    tenant: &TenantId,
    scratch: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, StoreError> {
    let mut report = Report::default();
    let mut real = store.auditor()?;
    for said in real.damage()? {
        report.found("damage", said);
    }
    let dir = tempfile::tempdir_in(scratch)
        .map_err(|error| StoreError::driver("made a directory for the copy", error))?;
    let copy = SqliteStore::open_scratch(dir.path())?;
    let mut counted = replay::Counted::default();
    let whole = replay::run(&mut *real, tenant, &copy, &mut counted, &mut report, progress)?;
    // Half a replay differs everywhere: the event that it stopped at is the one thing to look at.
    if whole {
        compare::run(&mut *real, &mut *copy.auditor()?, tenant, &mut report)?;
    }
    sums::run(&mut *real, tenant, whole.then_some(&counted.stock), &mut report)?;
    money::run(&mut *real, tenant, whole.then_some(&counted.charged), &mut report)?;
    Ok(report)
}
