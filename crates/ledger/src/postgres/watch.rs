//! What other nodes change, for readers that hold pools in memory.

use model::id::TenantId;
use rustc_hash::FxHashMap;

use super::{
    cells::each,
    conn::Conn,
    driver::Call,
    head::{Changed, SINCE, VERSIONS_KEPT, Version},
};
use crate::{Elsewhere, StoreError, Watch, cells::ReadCells};

/// Looks at the heads of the tenants it is asked about, and at the changes of those that moved.
pub(super) struct Watcher {
    conn: Conn,
    versions: FxHashMap<TenantId, Version>,
}

impl Watcher {
    pub(super) fn new(conn: Conn) -> Self {
        Self { conn, versions: FxHashMap::default() }
    }

    fn look(&mut self, tenants: &[TenantId]) -> Result<Vec<(TenantId, Elsewhere)>, StoreError> {
        // Over the tenants of this node, without a lock: the one such query, and no writer waits for it.
        const HEADS: &str = "SELECT heads.tenant, heads.version, changes.batch FROM heads LEFT JOIN changes \
             ON changes.tenant = heads.tenant AND changes.version = heads.version WHERE heads.tenant = ANY($1)";
        const DOING: &str = "looked at what others changed";
        let names: Vec<&str> = tenants.iter().map(TenantId::as_str).collect();
        let rows = self.conn.rows(DOING, HEADS, [&names as _])?;
        let heads = each(&rows, |cells| Ok((TenantId::stored(cells.text(0)?), Version::of(cells, 1)?)))?;
        let mut said = Vec::new();
        let mut moved = Vec::new();
        for (tenant, version) in heads {
            match self.versions.insert(tenant.clone(), version) {
                Some(before) if before == version => {}
                Some(before) => moved.push((tenant, before, version)),
                None => said.push((tenant, Elsewhere::Everything)),
            }
        }
        let names: Vec<&str> = moved.iter().map(|(tenant, ..)| tenant.as_str()).collect();
        let limit = VERSIONS_KEPT + 1;
        let calls: Vec<Call<'_>> = names
            .iter()
            .zip(&moved)
            .map(|(name, (_, before, _))| Call::new(SINCE, [name as _, &before.number as _, &limit as _]))
            .collect();
        let answers = if calls.is_empty() { Vec::new() } else { self.conn.ask(DOING, &calls)? };
        for ((tenant, before, version), rows) in moved.iter().zip(&answers) {
            let changed = Changed::of(&each(rows, Changed::row)?, *before, *version);
            let changed = changed.map_or(Elsewhere::Everything, |changed| Elsewhere::Some {
                pools: changed.pools,
                others: changed.others,
                keys: Vec::new(),
            });
            said.push((tenant.clone(), changed));
        }
        Ok(said)
    }
}

impl Watch for Watcher {
    fn look(&mut self, tenants: &[TenantId]) -> Result<Vec<(TenantId, Elsewhere)>, StoreError> {
        let said = Self::look(self, tenants);
        let ended = self.conn.rollback();
        let said = said.and_then(|said| ended.map(|()| said));
        if said.is_err() {
            // Whatever was not told is told as everything once somebody answers.
            self.versions.clear();
        }
        said
    }
}
