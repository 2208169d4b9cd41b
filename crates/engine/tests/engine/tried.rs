//! A shop in memory, in which everything happens that the random shops of the testkit think of.

use std::collections::BTreeMap;

use engine::{Detail, Request, Sandbox};
use ledger::{Read, Store, Tenant, memory::MemoryStore};
use model::{
    command::Command,
    id::{LineId, OrderId, SupplyId, TenantId},
    order::Dates,
    refusal::Rejection,
    state::Shop,
};
use testkit::{core::CoreShop, random};
use uuid::Uuid;

/// When a line ships and is delivered, and where its last units come from.
pub(crate) type Stands = (Dates, Dates, Option<SupplyId>);

/// A shop and the core that thinks of what happens next in it.
pub(crate) struct Tried {
    pub(crate) core: CoreShop,
    pub(crate) sandbox: Sandbox,
    pub(crate) tenant: TenantId,
}

impl Tried {
    /// The shop in which everything happens, with nothing in it yet.
    pub(crate) fn new() -> Self {
        let (core, setup) = random::shop(usize::MAX);
        let tenant = TenantId::new("acme").unwrap();
        let mut writer = MemoryStore::new([1; 32]).writer().unwrap();
        writer.create_tenant(&Tenant { id: tenant.clone(), created_at: core.now, salt: [1; 32] }).unwrap();
        let sandbox = Sandbox::new(writer, tenant.clone()).unwrap();
        let mut tried = Self { core, sandbox, tenant };
        for command in setup {
            tried.run(command);
        }
        tried
    }

    /// Does what a step means.
    pub(crate) fn step(&mut self, step: &random::Step) {
        if let Some(command) = random::command(&mut self.core, step) {
            self.run(command);
        }
    }

    /// Runs a command in the core and, if it did not refuse, here too, under the same id.
    pub(crate) fn run(&mut self, command: Command) {
        let done = self.core.run(&command);
        if matches!(command, Command::RunDue | Command::GoOn) {
            self.sandbox.run_due(self.core.now).unwrap();
        } else if let Ok(done) = done {
            // The two may differ in who moved first: what one accepts the other may have no units for.
            let _ = self.run_as(done.id, command);
        }
    }

    pub(crate) fn request(&self, id: Uuid, command: Command) -> Request {
        let (tenant, now) = (self.tenant.clone(), self.core.now);
        Request { tenant, now, id, command, key: None, detail: Detail::Full }
    }

    pub(crate) fn run_as(&mut self, id: Uuid, command: Command) -> Result<(), Rejection> {
        let request = self.request(id, command);
        self.sandbox.run(&request).unwrap().outcome.map(drop)
    }

    pub(crate) fn read(&mut self) -> &mut dyn Read {
        self.sandbox.store().unwrap()
    }

    /// How every open line stands.
    pub(crate) fn lines(&mut self) -> BTreeMap<LineId, Stands> {
        let (tenant, now) = (self.tenant.clone(), self.core.now);
        let read = self.read();
        let ids: Vec<OrderId> = read.order_page(&tenant, &Default::default(), None, usize::MAX).unwrap();
        let orders = read.orders(&tenant, &ids).unwrap();
        let pools = read.pool_page(&tenant, None, usize::MAX).unwrap();
        let locations = read.locations(&tenant).unwrap().into_iter().map(|(id, at)| (id, at.into()));
        let shop = Shop {
            locations: std::sync::Arc::new(locations.collect()),
            pools: pools.into_iter().map(|pool| (pool.sku().clone(), pool.into())).collect(),
            ..Shop::default()
        };
        let mut lines = BTreeMap::new();
        for order in &orders {
            let view = promise::order_view(&shop, order, now);
            for (line, view) in order.lines.iter().zip(view.lines).filter(|(line, _)| line.open() > 0) {
                let supply = view.parts.last().map(|part| part.supply);
                let id = LineId { order: order.id, no: line.no };
                lines.insert(id, (view.ship_by, view.deliver_by, supply));
            }
        }
        lines
    }

    /// Whether the last promise that was made about a line is later than what its customer was told.
    pub(crate) fn has_later_promise(&mut self, line: LineId) -> bool {
        let tenant = self.tenant.clone();
        let order = self.read().orders(&tenant, &[line.order]).unwrap().pop().unwrap();
        let line = order.line(line.no).unwrap();
        let (Some(last), Some(told)) = (line.promises.last(), line.told()) else { return false };
        let later = |last: Dates, told: Dates| {
            told.promised.is_some_and(|told| last.promised.is_none_or(|last| last > told))
        };
        last.told_at.is_none()
            && (later(last.ship_by, told.ship_by) || later(last.deliver_by, told.deliver_by))
    }

    /// Supplies that a person entered and that are still to come, by id.
    pub(crate) fn due(&mut self) -> Vec<SupplyId> {
        let tenant = self.tenant.clone();
        let supplies = self.read().supply_page(&tenant, None, false, None, usize::MAX).unwrap();
        let due = supplies.iter().filter(|supply| !supply.is_on_hand() && !supply.kind.is_elastic());
        due.map(|supply| supply.id).collect()
    }
}
