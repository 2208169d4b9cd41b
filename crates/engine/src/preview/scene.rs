//! The part of a shop that a change to one supply may touch, copied into memory.

use std::{collections::BTreeSet, sync::Arc};

use ledger::{Changes, QueuePart, Read, RecordFilter, Shelf, Store, StoreError, Write, memory::MemoryStore};
use model::{
    allocation::{LINE_TERMS, TERMS},
    id::{LineId, OrderId, Sku, SupplyId, TenantId},
    order::{Order, Waiting},
    supply::Supply,
};
use obligation::payment::kept::ACCOUNT;

use crate::{Failure, lateness, money, sandbox::Sandbox, stock::SENT};

/// Lines and orders read at once.
const PAGE: usize = 5_000;

/// A copy in memory, and what it is a copy of.
pub(super) struct Scene {
    store: MemoryStore,
    tenant: TenantId,
    pub(super) sku: Sku,
    /// Pools that are copied.
    pools: BTreeSet<Sku>,
    /// Orders that are copied, sorted by id.
    pub(super) orders: Vec<Arc<Order>>,
    /// Lines with units of the pool that were looked at.
    pub(super) lines: usize,
    /// Lines with units of the supply.
    pub(super) lines_behind: usize,
    /// Whether no line of the pool was left out.
    pub(super) complete: bool,
}

impl Scene {
    /// Copies a supply's pool, the lines behind its supplies, and all that their dates depend on. `None`: there is no such
    /// supply.
    pub(super) fn load(
        read: &mut dyn Read,
        tenant: &TenantId,
        supply: SupplyId,
        lines_max: usize,
    ) -> Result<Option<Self>, Failure> {
        let owner = read.tenant(tenant)?.ok_or(Failure::NoTenant)?;
        let Some(supply) = read.supply(tenant, supply)? else { return Ok(None) };
        let store = MemoryStore::new([0; 32]);
        let mut writer = store.writer()?;
        writer.create_tenant(&owner)?;
        let sku = supply.sku.clone();
        let lines_behind = read.ahead(tenant, supply.id, beyond_all(), usize::MAX)?;
        let mut copy = Copy { read, tenant, writer: &mut *writer, lines_max, pools: BTreeSet::new() };
        copy.pools([sku.clone()].into())?;
        let lines = copy.lines(&supply, lines_behind)?;
        copy.settings(&supply)?;
        let orders = copy.orders(&lines.ids)?;
        let pools = copy.pools;
        writer.commit()?;
        let (tenant, complete) = (tenant.clone(), lines.complete);
        let lines = lines.ids.len();
        Ok(Some(Self { store, tenant, sku, pools, orders, lines, lines_behind, complete }))
    }

    /// A shop on a copy of its own, with all of it loaded: so one scene serves any number of tries.
    pub(super) fn sandbox(&self) -> Result<Sandbox, Failure> {
        let mut sandbox = Sandbox::new(self.store.fork().writer()?, self.tenant.clone())?;
        sandbox.load(&self.pools, &self.orders)?;
        Ok(sandbox)
    }
}

fn beyond_all() -> LineId {
    LineId { order: OrderId::from_bytes([u8::MAX; 16]), no: u16::MAX }
}

struct Copy<'a> {
    read: &'a mut dyn Read,
    tenant: &'a TenantId,
    writer: &'a mut dyn Write,
    lines_max: usize,
    /// Pools that are copied.
    pools: BTreeSet<Sku>,
}

struct Lines {
    ids: BTreeSet<LineId>,
    complete: bool,
}

impl Copy<'_> {
    /// Copies pools with their policies and open supplies, and the components of kits among them.
    fn pools(&mut self, mut skus: BTreeSet<Sku>) -> Result<(), StoreError> {
        while !skus.is_empty() {
            let wanted: Vec<Sku> = skus.into_iter().filter(|sku| self.pools.insert(sku.clone())).collect();
            let mut changes = Changes::default();
            skus = BTreeSet::new();
            for pool in self.read.pools(self.tenant, &wanted)? {
                skus.extend(pool.item.components.iter().map(|part| part.sku.clone()));
                let sku = pool.sku();
                let policies = pool.policies.iter();
                changes
                    .policies
                    .extend(policies.map(|(channel, policy)| (sku.clone(), channel.clone(), policy.clone())));
                changes.supplies.extend(pool.supplies.iter().cloned());
                changes.pools.push((pool.item, 0, pool.settling));
            }
            self.writer.write(self.tenant, &changes)?;
        }
        Ok(())
    }

    /// Which lines to look at: those of the supply first, then of the others of its pool as they will come.
    fn lines(&mut self, supply: &Supply, behind: usize) -> Result<Lines, StoreError> {
        let mut lines = Lines { ids: BTreeSet::new(), complete: true };
        if behind > self.lines_max {
            // A change takes units away from its end: so that is looked at too.
            self.part(supply.id, QueuePart::Newest, self.lines_max / 4, &mut lines)?;
        }
        self.part(supply.id, QueuePart::All, self.lines_max, &mut lines)?;
        let pool = self.read.pools(self.tenant, std::slice::from_ref(&supply.sku))?.pop();
        let others = pool.iter().flat_map(|pool| &pool.supplies).filter(|other| other.id != supply.id);
        let others: Vec<SupplyId> = others.filter(|other| other.pegged() > 0).map(|other| other.id).collect();
        for other in others {
            self.part(other, QueuePart::All, self.lines_max, &mut lines)?;
        }
        Ok(lines)
    }

    /// Adds lines of a queue until there are so many.
    fn part(
        &mut self,
        supply: SupplyId,
        part: QueuePart,
        most: usize,
        lines: &mut Lines,
    ) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page: Vec<Waiting> = self.read.queue(self.tenant, supply, part, after, PAGE)?;
            let is_last = page.len() < PAGE;
            for waiting in page {
                if lines.ids.len() >= most && !lines.ids.contains(&waiting.line) {
                    lines.complete = false;
                    return Ok(());
                }
                after = Some(waiting.line);
                lines.ids.insert(waiting.line);
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Copies locations, the supply itself where it is closed, and the carts that have units of the pool.
    fn settings(&mut self, supply: &Supply) -> Result<(), StoreError> {
        let locations = self.read.locations(self.tenant)?.into_iter();
        let mut changes = Changes {
            locations: locations.map(|(id, settings)| (id, settings.into())).collect(),
            supplies: vec![supply.clone().into()],
            ..Changes::default()
        };
        for kind in [TERMS, LINE_TERMS] {
            let mut after: Option<String> = None;
            loop {
                let from = (after.as_deref(), PAGE);
                let page = self.read.record_page(
                    self.tenant,
                    Shelf::Ledger,
                    kind,
                    &RecordFilter::default(),
                    from,
                )?;
                let last = page.last().filter(|_| page.len() == PAGE).map(|record| record.id.to_string());
                changes.records.extend(page.into_iter().map(Arc::new));
                match last {
                    Some(last) => after = Some(last),
                    None => break,
                }
            }
        }
        let learned = lateness::records_of(self.read, self.tenant, supply)?;
        let sent = self.read.records(self.tenant, Shelf::Ledger, SENT, &[&supply.id.to_string()])?;
        changes.records.extend(learned.into_iter().chain(sent).map(Arc::new));
        let pool = self.read.pools(self.tenant, std::slice::from_ref(&supply.sku))?.pop();
        let held = pool.iter().flat_map(|pool| &pool.supplies).filter(|supply| supply.held() > 0);
        for id in held.map(|supply| supply.id).collect::<Vec<_>>() {
            changes.holds.extend(self.read.holds_on(self.tenant, id)?.into_iter().map(Into::into));
        }
        let pegs = changes.holds.iter().flat_map(|hold| &hold.lines).flat_map(|line| &line.pegs);
        let skus: BTreeSet<Sku> = pegs.map(|peg| peg.sku.clone()).collect();
        self.writer.write(self.tenant, &changes)?;
        self.pools(skus)
    }

    /// Copies the orders of lines whole, with their money and every pool that their dates depend on; answers them.
    fn orders(&mut self, lines: &BTreeSet<LineId>) -> Result<Vec<Arc<Order>>, Failure> {
        let has_accounts = money::has_any(self.read, self.tenant)?;
        let mut ids: Vec<OrderId> = lines.iter().map(|line| line.order).collect();
        ids.dedup();
        let mut copied: Vec<Arc<Order>> = Vec::with_capacity(ids.len());
        for page in ids.chunks(PAGE) {
            let orders: Vec<Arc<Order>> =
                self.read.orders(self.tenant, page)?.into_iter().map(Into::into).collect();
            let lines = || orders.iter().flat_map(|order| &order.lines);
            let pegged = lines().flat_map(|line| &line.pegs).map(|peg| &peg.sku);
            let skus = lines().map(|line| &line.sku).chain(pegged);
            self.pools(skus.filter(|sku| !self.pools.contains(*sku)).cloned().collect())?;
            copied.extend(orders.iter().cloned());
            let mut changes = Changes { orders, ..Changes::default() };
            if has_accounts {
                let ids: Vec<String> = page.iter().map(OrderId::to_string).collect();
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                let accounts = self.read.records(self.tenant, Shelf::Ledger, ACCOUNT, &ids)?;
                changes.records.extend(accounts.into_iter().map(Arc::new));
            }
            self.writer.write(self.tenant, &changes)?;
        }
        Ok(copied)
    }
}
