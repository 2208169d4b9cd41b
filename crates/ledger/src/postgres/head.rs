//! Where each tenant stands, as far as this writer knows.

use std::collections::BTreeMap;

use model::id::{Sku, TenantId};
use rustc_hash::FxHashMap;
use tokio_postgres::Row;

use super::{
    cells::{Cells, each},
    conn::Conn,
    driver::Call,
};
use crate::{
    Elsewhere, Standing, StoreError,
    cells::{ReadCells, at_most},
    key::mark_of,
};

const DOING: &str = "read where a tenant stands";
const LOCK: &str = "SELECT last_event, last_replay FROM heads WHERE tenant = $1 FOR UPDATE";
const MAKE: &str = "INSERT INTO heads (tenant, version, last_event, last_replay) VALUES ($1, 0, 0, 0) \
     ON CONFLICT DO NOTHING";
const VERSION: &str = "SELECT heads.version, changes.batch FROM heads \
     LEFT JOIN changes ON changes.tenant = heads.tenant AND changes.version = heads.version WHERE heads.tenant = $1";
/// From a known version on, with it: whether it is still the one that was known.
pub(super) const SINCE: &str = "SELECT version, batch, pools, others FROM changes WHERE tenant = $1 AND version >= $2 ORDER BY version LIMIT $3";
const KEYS_SINCE: &str = "SELECT key FROM replays WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3";

/// Versions whose changes are kept. At a hundred commits a second, forty seconds: who was away for longer starts anew.
pub(super) const VERSIONS_KEPT: i64 = 4_096;
/// Most keys that a writer is told of; with more it starts anew.
const KEYS_MAX: usize = 200_000;

/// A version of a tenant and the batch that made it. A number alone does not say what it stands for: a database that failed
/// may have lost versions that were not on disk yet, and others made them anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) number: i64,
    /// `None`: no batch of commands made it.
    pub(super) made_by: Option<[u8; 16]>,
}

impl Version {
    /// Reads two cells, from this one on.
    pub(super) fn of(cells: Cells<'_>, at: usize) -> Result<Self, StoreError> {
        Ok(Self { number: cells.int(at)?, made_by: cells.maybe_bytes(at + 1)? })
    }
}

/// A tenant's row in `heads`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) version: Version,
    pub(super) last_event: i64,
    pub(super) last_replay: i64,
}

impl Head {
    /// What [`LOCK`] and [`VERSION`] under that lock answered; `None`: there is no such tenant.
    fn of(locked: &[Row], version: &[Row]) -> Result<Option<Self>, StoreError> {
        let (Some(locked), Some(version)) = (locked.first().map(Cells), version.first().map(Cells)) else {
            return Ok(None);
        };
        let version = Version::of(version, 0)?;
        Ok(Some(Self { version, last_event: locked.int(0)?, last_replay: locked.int(1)? }))
    }
}

/// What a writer knows of one tenant's head.
struct Known {
    now: Head,
    /// As of the last commit; `None`: nobody asked what others do, so nothing is remembered from one transaction to the next.
    kept: Option<Head>,
    /// Whether nobody else can change it before this transaction ends.
    locked: bool,
    /// Whether this transaction rests on it.
    used: bool,
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
        let now = lock(conn, tenant)?.ok_or(StoreError::Conflict)?;
        self.known.insert(tenant.clone(), Known { now, kept: None, locked: true, used: true, met: false });
        Ok(now)
    }

    /// Notes that this writer has changed a head, which nobody else can do now before it ends.
    pub(super) fn wrote(&mut self, tenant: &TenantId, head: Head) {
        if let Some(known) = self.known.get_mut(tenant) {
            (known.now, known.locked, known.used) = (head, true, true);
        }
    }

    /// Makes sure, where nothing is written, that what was known is still so.
    pub(super) fn hold_against(&mut self, conn: &mut Conn, tenant: &TenantId) -> Result<(), StoreError> {
        let Some(known) = self.known.get_mut(tenant).filter(|known| !known.locked) else { return Ok(()) };
        let row = conn.row(DOING, VERSION, [&tenant.as_str() as _])?;
        let version = row.map(|row| Version::of(Cells(&row), 0)).transpose()?;
        if version == Some(known.now.version) {
            known.used = true;
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
                if let Some(head) = lock(conn, tenant)? {
                    self.remember(tenant, head, false);
                }
                return Ok(Elsewhere::Everything);
            }
        };
        let (versions, keys) = (VERSIONS_KEPT + 1, at_most(KEYS_MAX + 1));
        let answers = conn.ask(
            DOING,
            &[
                Call::new(LOCK, [&name as _]),
                Call::new(VERSION, [&name as _]),
                Call::new(SINCE, [&name as _, &before.version.number as _, &versions as _]),
                Call::new(KEYS_SINCE, [&name as _, &before.last_replay as _, &keys as _]),
            ],
        )?;
        let [locked, version, since, keys] = answers.as_slice() else {
            return Err(StoreError::inconsistent("an answer is missing"));
        };
        let head = Head::of(locked, version)?.ok_or(StoreError::Conflict)?;
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
        self.known
            .insert(tenant.clone(), Known { now: head, kept: Some(head), locked: true, used: true, met });
    }

    /// Whether others wrote for a tenant between this writer's last two looks at it.
    pub(super) fn has_met(&self, tenant: &TenantId) -> bool {
        self.known.get(tenant).is_some_and(|known| known.met)
    }

    /// How the tenants stand that this transaction wrote for or rests on; without those for which no command was kept so far.
    pub(super) fn standing(&self) -> Vec<Standing> {
        let used = self.known.iter().filter(|(_, known)| known.used);
        used.filter_map(|(tenant, Known { now: Head { version, .. }, .. })| {
            let (tenant, version, batch) = (tenant.clone(), version.number, version.made_by?);
            Some(Standing { tenant, version, batch })
        })
        .collect()
    }

    /// Notes how the transaction ended.
    pub(super) fn ended(&mut self, is_kept: bool) {
        self.known.retain(|_, known| {
            (known.locked, known.used) = (false, false);
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
type Since = (Version, Vec<(Sku, u64)>, bool);

impl Changed {
    /// A row of [`SINCE`].
    pub(super) fn row(cells: Cells<'_>) -> Result<Since, StoreError> {
        Ok((Version::of(cells, 0)?, cells.json(2)?, cells.flag(3)?))
    }

    /// All that changed after one version up to another; `None`: not every version's changes are kept, or the first is not what
    /// it was.
    pub(super) fn of(rows: &[Since], after: Version, to: Version) -> Option<Self> {
        let (rows, made_by) = match rows.split_first() {
            Some(((first, ..), rest)) if first.number == after.number => (rest, first.made_by),
            _ => (rows, None),
        };
        let numbers = rows.iter().map(|(version, ..)| version.number);
        if made_by != after.made_by || !numbers.eq(after.number + 1..=to.number) {
            return None;
        }
        // The last of a pool's versions counts.
        let pools: BTreeMap<Sku, u64> = rows.iter().flat_map(|(_, pools, _)| pools).cloned().collect();
        Some(Self { pools: pools.into_iter().collect(), others: rows.iter().any(|(.., others)| *others) })
    }
}

/// Locks a tenant's head; `None`: there is no such tenant.
fn lock(conn: &mut Conn, tenant: &TenantId) -> Result<Option<Head>, StoreError> {
    let name = tenant.as_str();
    let calls = [Call::new(LOCK, [&name as _]), Call::new(VERSION, [&name as _])];
    let answers = conn.ask(DOING, &calls)?;
    let [locked, version] = answers.as_slice() else {
        return Err(StoreError::inconsistent("an answer is missing"));
    };
    Head::of(locked, version)
}

/// Whether each of these tenants was made what it was by this batch, and not by another or not at all; of none nobody can say so.
/// Waits until whoever is writing has ended: it may be the lost connection's own transaction.
pub(super) fn are_kept(conn: &mut Conn, standing: &[Standing]) -> Result<bool, StoreError> {
    const BATCH: &str = "SELECT batch FROM changes WHERE tenant = $1 AND version = $2";
    for Standing { tenant, version, batch } in standing {
        let name = tenant.as_str();
        conn.row(DOING, LOCK, [&name as _])?;
        let row = conn.row(DOING, BATCH, [&name as _, version as _])?;
        let made_by = row.as_ref().map(|row| Cells(row).maybe_blob(0)).transpose()?.flatten();
        if made_by != Some(batch.as_slice()) {
            return Ok(false);
        }
    }
    Ok(!standing.is_empty())
}
