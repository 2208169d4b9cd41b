//! A shop on which commands are tried: the engine's own code on one thread, on a store that is thrown away.

use std::{collections::BTreeSet, sync::Arc};

use ledger::{Shelf, Write};
use model::{
    allocation::Rule,
    id::{Sku, TenantId},
    order::Order,
    state::Shop,
    time::Timestamp,
};

use crate::{
    Request,
    after::{LINES_A_STEP, go_on},
    answer::{Answered, Failure},
    desk::Desk,
    execute::{execute, fire},
    records::{TIMED, fire_record},
    stamp::Stamps,
    working::{TenantState, Working},
};

/// One tenant's shop on a store of its own.
pub struct Sandbox {
    desk: Desk,
    tenant: TenantId,
    state: TenantState,
    stamps: Stamps,
}

impl Sandbox {
    /// A shop on a store that has the tenant. Errors: it cannot be read, or has no such tenant.
    pub fn new(store: Box<dyn Write>, tenant: TenantId) -> Result<Self, Failure> {
        // Nothing is handed over: all is decided and written here.
        let (mut desk, ..) = Desk::new(store);
        let state = TenantState::load(desk.store()?, &tenant)?;
        // For what timers do, as the engine's own.
        Ok(Self { desk, tenant, state, stamps: Stamps::new([0; 32]) })
    }

    /// Loads pools, and takes orders as its store has them.
    pub(crate) fn load(&mut self, pools: &BTreeSet<Sku>, orders: &[Arc<Order>]) -> Result<(), Failure> {
        self.working().load_pools(pools.iter())?;
        self.state.shop.orders.extend(orders.iter().map(|order| (order.id, Arc::clone(order))));
        Ok(())
    }

    /// The shop as far as it is loaded; whatever changed of it is.
    pub(crate) fn shop(&self) -> &Shop {
        &self.state.shop
    }

    /// What dates rest on as it is now: its locations and pools.
    pub(crate) fn goods(&self) -> Shop {
        let Shop { locations, pools, .. } = &self.state.shop;
        Shop { locations: Arc::clone(locations), pools: pools.clone(), ..Shop::default() }
    }

    /// Makes no promises anew from here on: nobody will read what is only tried.
    pub(crate) fn keep_silent(&mut self) {
        self.state.silent = true;
    }

    /// Gives goods out by this rule, whatever is set.
    pub(crate) fn go_by(&mut self, rule: Option<Rule>) {
        self.state.allocation.forced = rule;
    }

    /// Decides a command, and does all the work that it leaves behind.
    ///
    /// Errors: the store failed, or a defect; then what was done is done in part.
    pub fn run(&mut self, request: &Request) -> Result<Answered, Failure> {
        let answered = execute(&mut self.working(), request)?;
        self.work()?;
        Ok(answered)
    }

    /// Does what is due by a moment, and all the work that leaves behind; answers how many timers were worked.
    pub fn run_due(&mut self, now: Timestamp) -> Result<usize, Failure> {
        let mut count = 0;
        for kind in TIMED {
            let due = self.store()?.due_records(Shelf::Ledger, kind, now, usize::MAX)?;
            count += due.len();
            for (_, record) in due {
                let command = self.stamps.next(now);
                fire_record(&mut self.working(), now, command, &record)?;
            }
        }
        let due = self.store()?.due(now, usize::MAX)?;
        count += due.len();
        for (_, at, timer) in due {
            let command = self.stamps.next(now);
            fire(&mut self.working(), now, command, (at, timer))?;
        }
        self.work()?;
        Ok(count)
    }

    fn work(&mut self) -> Result<(), Failure> {
        while let Some((_, work)) = self.store()?.work(1)?.pop() {
            go_on(&mut self.working(), &work, LINES_A_STEP)?;
        }
        Ok(())
    }

    /// The store, with everything that was decided so far; committed is nothing of it.
    pub fn store(&mut self) -> Result<&mut dyn Write, Failure> {
        self.working().flush()?;
        self.desk.store()
    }

    fn working(&mut self) -> Working<'_> {
        Working { desk: &mut self.desk, tenant: &self.tenant, state: &mut self.state }
    }
}
