//! What is kept: the rows of every table, and the indexes that find them.

use std::sync::Arc;

use model::{
    command::Contact,
    id::{Channel, CustomerKey, HoldId, LineId, LocationId, OrderId, Sku, SupplyId, TenantId},
    item::{Item, Policy},
    location::LocationSettings,
    order::{Hold, Order},
    supply::Supply,
    time::Timestamp,
};

use super::{map::Map, records::Records};
use crate::{ApiKey, EventRow, Replay, StoreError, Tenant, Timer, Work};

/// Everything kept.
#[derive(Clone, Default)]
pub(super) struct Tables {
    pub(super) tenants: Map<TenantId, Tenant>,
    pub(super) keys: Map<(TenantId, [u8; 32]), ApiKey>,
    shops: Map<TenantId, Rows>,
}

/// What is kept of one tenant.
#[derive(Clone, Default)]
pub(super) struct Rows {
    pub(super) events: Map<i64, EventRow>,
    pub(super) locations: Map<LocationId, Arc<LocationSettings>>,
    pub(super) pools: Map<Sku, PoolRow>,
    pub(super) policies: Map<(Sku, Channel), Arc<Policy>>,
    pub(super) supplies: Map<SupplyId, Arc<Supply>>,
    pub(super) supplies_of: Map<(Sku, SupplyId), ()>,
    /// Supplies that are not closed: closed ones pile up.
    pub(super) supplies_open: Map<(Sku, SupplyId), ()>,
    /// Pegs of each line sorted by their supply.
    pub(super) orders: Map<OrderId, Arc<Order>>,
    pub(super) orders_by_reference: Map<(Arc<str>, OrderId), ()>,
    pub(super) orders_by_customer: Map<(CustomerKey, OrderId), ()>,
    pub(super) contacts: Map<OrderId, Contact>,
    /// Every peg where its supply's queue has it: by what `wanted_on` says, then by line.
    pub(super) queue: Map<(SupplyId, i64, LineId), ()>,
    /// The same by line, and when it is wanted.
    pub(super) lines: Map<(SupplyId, LineId), i64>,
    pub(super) holds: Map<HoldId, Arc<Hold>>,
    pub(super) timers: Map<TimerKey, Timer>,
    pub(super) work: Map<i64, Work>,
    pub(super) records: Records,
    pub(super) private_records: Records,
    pub(super) replays: Map<i64, Replay>,
    pub(super) replay_keys: Map<[u8; 16], i64>,
}

/// A timer's moment, kind and id, in the order in which timers come due.
pub(super) type TimerKey = (Timestamp, &'static str, [u8; 16]);

/// A pool without its supplies and policies.
#[derive(Clone)]
pub(super) struct PoolRow {
    pub(super) item: Arc<Item>,
    pub(super) version: u64,
    pub(super) settling: bool,
}

impl Tables {
    /// What is kept of a tenant; `None`: nothing.
    pub(super) fn of(&self, tenant: &TenantId) -> Option<&Rows> {
        self.shops.get(tenant)
    }

    pub(super) fn of_mut(&mut self, tenant: &TenantId) -> Result<&mut Rows, StoreError> {
        if !self.shops.has(tenant) {
            self.shops.put(tenant.clone(), Rows::default());
        }
        // Put above where it was missing.
        self.shops.get_mut(tenant).ok_or_else(|| StoreError::inconsistent(format_args!("{tenant} is gone")))
    }

    /// Every tenant that has rows, sorted.
    pub(super) fn shops(&self) -> impl Iterator<Item = (&TenantId, &Rows)> {
        self.shops.all()
    }
}
