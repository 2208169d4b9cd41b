//! Where each tenant stands, as far as this writer knows.

use std::collections::BTreeMap;

use model::id::{Sku, TenantId};
use rustc_hash::FxHashMap;

use super::{
    cells::{Cells, each},
    conn::Conn,
    driver::Call,
};
use crate::{
    Elsewhere, StoreError,
    cells::{ReadCells, at_most},
    key::mark_of,
};

const DOING: &str = "read where a tenant stands";
const LOCK: &str = "SELECT version, last_event, last_replay FROM heads WHERE tenant = $1 FOR UPDATE";
const MAKE: &str = "INSERT INTO heads (tenant, version, last_event, last_replay) VALUES ($1, 0, 0, 0) \
     ON CONFLICT DO NOTHING";
const VERSION: &str = "SELECT version FROM heads WHERE tenant = $1";
pub(super) const SINCE: &str =
    "SELECT version, pools, others FROM changes WHERE tenant = $1 AND version > $2 ORDER BY version LIMIT $3";
const KEYS_SINCE: &str = "SELECT key FROM replays WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3";

/// Versions whose changes are kept. At a hundred commits a second, forty seconds: who was away for longer starts anew.
pub(super) const VERSIONS_KEPT: i64 = 4_096;
/// Most keys that a writer is told of; with more it starts anew.
const KEYS_MAX: usize = 200_000;

/// A tenant's row in `heads`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) version: i64,
    pub(super) last_event: i64,
    pub(super) last_replay: i64,
}

impl Head {
    fn of(cells: Cells<'_>) -> Result<Self, StoreError> {
        Ok(Self { version: cells.int(0)?, last_event: cells.int(1)?, last_replay: cells.int(2)? })
    }
}

/// What a writer knows of one tenant's head.
struct Known {
    now: Head,
    /// As of the last commit; `None`: nobody asked what others do, so nothing is remembered from one transaction to the next.
    kept: Option<Head>,
    /// Whether nobody else can change it before this transaction ends.
    locked: bool,
    /// Whether others had changed it when it was last looked at.
    met: bool,
}

/// What a writer knows of the heads.
#[derive(Default)]
pub(super) struct Heads {
    known: FxHashMap<TenantId, Known>,
}

impl Heads {
    /// The head to write after: locked, or as it was when last looked at.
    pub(super) fn for_writing(&mut self, conn: &mut Conn, tenant: &TenantId) -> Result<Head, StoreError> {
        if let Some(known) = self.known.get(tenant) {
            return Ok(known.now);
        }
        let name = tenant.as_str();
        conn.change(DOING, MAKE, [&name as _])?;
        let row = conn.row(DOING, LOCK, [&name as _])?;
        let now = row.map(|row| Head::of(Cells(&row))).transpose()?.ok_or(StoreError::Conflict)?;
        self.known.insert(tenant.clone(), Known { now, kept: None, locked: true, met: false });
        Ok(now)
    }

    /// Notes that this writer has changed a head, which nobody else can do now before it ends.
    pub(super) fn wrote(&mut self, tenant: &TenantId, head: Head) {
        if let Some(known) = self.known.get_mut(tenant) {
            (known.now, known.locked) = (head, true);
        }
    }

    /// Makes sure, where nothing is written, that what was known is still so.
    pub(super) fn hold_against(&mut self, conn: &mut Conn, tenant: &TenantId) -> Result<(), StoreError> {
        let Some(known) = self.known.get(tenant).filter(|known| !known.locked) else { return Ok(()) };
        let row = conn.row(DOING, VERSION, [&tenant.as_str() as _])?;
        let version = row.map(|row| Cells(&row).int::<i64>(0)).transpose()?;
        if version == Some(known.now.version) {
            return Ok(());
        }
        conn.break_off();
        Err(StoreError::Conflict)
    }

    /// Locks a tenant's head and says what others have changed since this writer last looked or wrote.
    pub(super) fn look(&mut self, conn: &mut Conn, tenant: &TenantId) -> Result<Elsewhere, StoreError> {
        let name = tenant.as_str();
        let before = match self.known.get(tenant) {
            Some(known) if known.locked => {
                let said = if known.kept.is_some() { Elsewhere::Nothing } else { Elsewhere::Everything };
                let (now, met) = (known.now, known.met);
                self.remember(tenant, now, met);
                return Ok(said);
            }
            Some(known) => known.now,
            None => {
                let row = conn.row(DOING, LOCK, [&name as _])?;
                if let Some(row) = row {
                    self.remember(tenant, Head::of(Cells(&row))?, false);
                }
                return Ok(Elsewhere::Everything);
            }
        };
        let (versions, keys) = (VERSIONS_KEPT + 1, at_most(KEYS_MAX + 1));
        let answers = conn.ask(
            DOING,
            &[
                Call::new(LOCK, [&name as _]),
                Call::new(SINCE, [&name as _, &before.version as _, &versions as _]),
                Call::new(KEYS_SINCE, [&name as _, &before.last_replay as _, &keys as _]),
            ],
        )?;
        let [head, since, keys] = answers.as_slice() else {
            return Err(StoreError::inconsistent("an answer is missing"));
        };
        let head = head.first().map(|row| Head::of(Cells(row))).transpose()?.ok_or(StoreError::Conflict)?;
        self.remember(tenant, head, head.version != before.version);
        if head.version == before.version {
            return Ok(Elsewhere::Nothing);
        }
        let changed = Changed::of(&each(since, Changed::row)?, before.version, head.version);
        let (Some(changed), true) = (changed, keys.len() <= KEYS_MAX) else {
            return Ok(Elsewhere::Everything);
        };
        let keys = each(keys, |cells| Ok(mark_of(&cells.bytes(0)?)))?;
        Ok(Elsewhere::Some { pools: changed.pools, others: changed.others, keys })
    }

    fn remember(&mut self, tenant: &TenantId, head: Head, met: bool) {
        self.known.insert(tenant.clone(), Known { now: head, kept: Some(head), locked: true, met });
    }

    /// Whether others wrote for a tenant between this writer's last two looks at it.
    pub(super) fn has_met(&self, tenant: &TenantId) -> bool {
        self.known.get(tenant).is_some_and(|known| known.met)
    }

    /// Notes how the transaction ended.
    pub(super) fn ended(&mut self, is_kept: bool) {
        self.known.retain(|_, known| {
            known.locked = false;
            match &mut known.kept {
                Some(kept) if is_kept => *kept = known.now,
                Some(kept) => known.now = *kept,
                None => return false,
            }
            true
        });
    }
}

/// What some versions changed.
pub(super) struct Changed {
    pub(super) pools: Vec<(Sku, u64)>,
    pub(super) others: bool,
}

/// A row of [`SINCE`].
type Version = (i64, Vec<(Sku, u64)>, bool);

impl Changed {
    /// A row of [`SINCE`].
    pub(super) fn row(cells: Cells<'_>) -> Result<Version, StoreError> {
        Ok((cells.int(0)?, cells.json(1)?, cells.flag(2)?))
    }

    /// All that changed after one version up to another; `None`: not every version's changes are kept.
    pub(super) fn of(rows: &[Version], after: i64, to: i64) -> Option<Self> {
        let numbers = rows.iter().map(|(version, ..)| *version);
        if !numbers.eq(after + 1..=to) {
            return None;
        }
        // The last of a pool's versions counts.
        let pools: BTreeMap<Sku, u64> = rows.iter().flat_map(|(_, pools, _)| pools).cloned().collect();
        Some(Self { pools: pools.into_iter().collect(), others: rows.iter().any(|(.., others)| *others) })
    }
}

/// Whether a tenant's version was made by this batch, and not by another or not at all. Waits until whoever is writing has
/// ended: it may be the lost connection's own transaction.
pub(super) fn is_kept(
    conn: &mut Conn,
    tenant: &TenantId,
    version: i64,
    batch: &[u8],
) -> Result<bool, StoreError> {
    const BATCH: &str = "SELECT batch FROM changes WHERE tenant = $1 AND version = $2";
    conn.row(DOING, LOCK, [&tenant.as_str() as _])?;
    let row = conn.row(DOING, BATCH, [&tenant.as_str() as _, &version as _])?;
    let made_by = row.as_ref().map(|row| Cells(row).maybe_blob(0)).transpose()?.flatten();
    Ok(made_by == Some(batch))
}
