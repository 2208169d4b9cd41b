//! A pool: all there is to know about the goods of one SKU, the unit of consistency.

use std::sync::Arc;

use crate::{
    Units,
    id::{Channel, Sku, SupplyId},
    item::{Item, Policy},
    supply::Supply,
};

/// One SKU with its policies and open supplies: what a decision on it reads.
///
/// Supplies and policies are shared, so that copying a pool for readers copies a list of pointers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// What is sold.
    pub item: Arc<Item>,
    /// How it is sold, sorted by channel.
    pub policies: Vec<(Channel, Arc<Policy>)>,
    /// Supplies that are not closed, sorted by [`Supply::rank`].
    pub supplies: Vec<Arc<Supply>>,
    /// Counts the commits that changed this pool: two writers cannot both go from the same version.
    pub version: u64,
    /// Units came free and the lines behind them have not all moved up yet: until then a newcomer takes nothing
    /// that stands before the queue.
    pub settling: bool,
}

impl Pool {
    /// A pool with no supply and no policy.
    pub fn new(item: Item) -> Self {
        Self { item: Arc::new(item), policies: Vec::new(), supplies: Vec::new(), version: 0, settling: false }
    }

    /// The SKU.
    pub fn sku(&self) -> &Sku {
        &self.item.sku
    }

    /// The policy set for exactly this channel.
    pub fn policy_set(&self, channel: &Channel) -> Option<&Arc<Policy>> {
        self.policies.iter().find(|(name, _)| name == channel).map(|(_, policy)| policy)
    }

    /// The policy that holds on a channel: its own, else the default one.
    pub fn policy_for(&self, channel: &Channel) -> Option<&Arc<Policy>> {
        let default = || self.policies.iter().find(|(name, _)| name.as_str() == Channel::DEFAULT);
        self.policy_set(channel).or_else(|| default().map(|(_, policy)| policy))
    }

    /// The open supply with this id.
    pub fn supply(&self, id: SupplyId) -> Option<&Arc<Supply>> {
        self.supplies.iter().find(|supply| supply.id == id)
    }

    /// The same, to change; the list must be put in order again if its rank changes.
    pub fn supply_mut(&mut self, id: SupplyId) -> Option<&mut Supply> {
        self.supplies.iter_mut().find(|supply| supply.id == id).map(Arc::make_mut)
    }

    /// Puts a supply in its place, instead of one with the same id.
    pub fn put_supply(&mut self, supply: Supply) {
        self.supplies.retain(|other| other.id != supply.id);
        let at = self.supplies.partition_point(|other| other.rank() < supply.rank());
        self.supplies.insert(at, Arc::new(supply));
    }

    /// Takes a supply out of the list.
    pub fn remove_supply(&mut self, id: SupplyId) -> Option<Arc<Supply>> {
        let at = self.supplies.iter().position(|supply| supply.id == id)?;
        Some(self.supplies.remove(at))
    }

    /// Units here that nobody has a claim on, those that are ring-fenced among them.
    pub fn free_on_hand(&self) -> Units {
        self.supplies.iter().filter(|supply| supply.is_on_hand()).map(|supply| supply.free()).sum()
    }
}
