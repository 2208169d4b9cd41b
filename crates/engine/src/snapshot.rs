//! The pools as of the last commit, for readers: nobody waits for the writer, and the writer waits for nobody.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hash},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use ledger::{Elsewhere, Store, StoreError};
use model::{
    id::{LocationId, Sku, TenantId},
    location::LocationSettings,
    pool::Pool,
    state::Shop,
};
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

const SHARDS: usize = 64;
/// Most pools kept in one shard; a shard that is full is emptied and fills again from the store.
const SHARD_POOLS_MAX: usize = 8_192;

pub(crate) type Locations = Arc<BTreeMap<LocationId, Arc<LocationSettings>>>;

#[derive(Default)]
struct Shard {
    pools: FxHashMap<(TenantId, Sku), Arc<Pool>>,
    /// How often it was emptied: a pool that was read before that may be older than one that was dropped by it.
    emptied: u64,
}

/// Pools and locations as they were after the last commit that touched them.
pub struct Snapshots {
    store: Arc<dyn Store>,
    shards: Vec<RwLock<Shard>>,
    locations: RwLock<FxHashMap<TenantId, Locations>>,
    /// Tenants of which anything may be here.
    tenants: RwLock<FxHashSet<TenantId>>,
    /// How often locations were forgotten.
    forgotten: AtomicU64,
}

impl Snapshots {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        Self {
            store,
            shards,
            locations: RwLock::default(),
            tenants: RwLock::default(),
            forgotten: AtomicU64::new(0),
        }
    }

    /// Returns a shop with these SKUs and, for kits, their components; unknown ones are left out.
    ///
    /// Errors: a pool that is not in memory could not be read.
    pub fn shop(&self, tenant: &TenantId, skus: &[Sku]) -> Result<Shop, StoreError> {
        let mut shop = Shop { locations: self.locations(tenant)?, ..Shop::default() };
        self.add(tenant, skus, &mut shop)?;
        let components: Vec<Sku> = shop
            .pools
            .values()
            .flat_map(|pool| &pool.item.components)
            .map(|part| part.sku.clone())
            .filter(|sku| !shop.pools.contains_key(sku))
            .collect();
        if !components.is_empty() {
            self.add(tenant, &components, &mut shop)?;
        }
        Ok(shop)
    }

    /// The same without asking the store, so without waiting; `None` where any of it is not in memory.
    pub fn in_memory(&self, tenant: &TenantId, skus: &[Sku]) -> Option<Shop> {
        let locations = read(&self.locations).get(tenant).map(Arc::clone)?;
        let mut shop = Shop { locations, ..Shop::default() };
        let take = |sku: &Sku| {
            let key = (tenant.clone(), sku.clone());
            read(self.shard(&key)).pools.get(&key).map(Arc::clone)
        };
        for sku in skus {
            let pool = take(sku)?;
            for part in &pool.item.components {
                shop.pools.insert(part.sku.clone(), take(&part.sku)?);
            }
            shop.pools.insert(sku.clone(), pool);
        }
        Some(shop)
    }

    /// Whether everything in a shop taken from here is still as it was then.
    pub fn is_current(&self, tenant: &TenantId, shop: &Shop) -> bool {
        let same_places =
            read(&self.locations).get(tenant).is_some_and(|known| Arc::ptr_eq(known, &shop.locations));
        same_places
            && shop.pools.iter().all(|(sku, pool)| {
                let key = (tenant.clone(), sku.clone());
                read(self.shard(&key)).pools.get(&key).is_some_and(|known| Arc::ptr_eq(known, pool))
            })
    }

    fn add(&self, tenant: &TenantId, skus: &[Sku], shop: &mut Shop) -> Result<(), StoreError> {
        let mut missing = Vec::new();
        let mut emptied = Vec::new();
        for sku in skus {
            let key = (tenant.clone(), sku.clone());
            let shard = read(self.shard(&key));
            match shard.pools.get(&key) {
                Some(pool) => drop(shop.pools.insert(sku.clone(), Arc::clone(pool))),
                None => {
                    missing.push(sku.clone());
                    emptied.push(shard.emptied);
                }
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        for pool in self.store.reader()?.pools(tenant, &missing)? {
            let at = missing.iter().position(|sku| sku == pool.sku());
            let pool = self.offer(tenant, Arc::new(pool), at.map(|at| emptied[at]));
            shop.pools.insert(pool.sku().clone(), pool);
        }
        Ok(())
    }

    /// Keeps a pool unless a newer one is, or may have been, there already; returns the newest known.
    ///
    /// `emptied`: how often the shard had been emptied before the pool was read; `None` right after its commit.
    fn offer(&self, tenant: &TenantId, pool: Arc<Pool>, emptied: Option<u64>) -> Arc<Pool> {
        let key = (tenant.clone(), pool.sku().clone());
        let mut shard = self.shard(&key).write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shard.pools.get(&key).filter(|known| known.version >= pool.version) {
            return Arc::clone(known);
        }
        if emptied.is_some_and(|emptied| emptied != shard.emptied) {
            return pool;
        }
        if shard.pools.len() >= SHARD_POOLS_MAX {
            shard.pools.clear();
            shard.emptied += 1;
        }
        shard.pools.insert(key, Arc::clone(&pool));
        pool
    }

    /// Publishes pools after a commit.
    pub(crate) fn publish(&self, tenant: &TenantId, pools: impl Iterator<Item = Arc<Pool>>) {
        self.know(tenant);
        for pool in pools {
            self.offer(tenant, pool, None);
        }
    }

    /// Forgets everything: another process has written.
    pub(crate) fn forget(&self) {
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.pools.clear();
            shard.emptied += 1;
        }
        self.forget_locations(FxHashMap::clear);
    }

    fn know(&self, tenant: &TenantId) {
        if !read(&self.tenants).contains(tenant) {
            self.tenants.write().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone());
        }
    }

    fn forget_locations(&self, how: impl FnOnce(&mut FxHashMap<TenantId, Locations>)) {
        let mut all = self.locations.write().unwrap_or_else(PoisonError::into_inner);
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        how(&mut all);
    }

    /// Tenants of which anything is kept.
    pub(crate) fn tenants(&self) -> Vec<TenantId> {
        read(&self.tenants).iter().cloned().collect()
    }

    /// Forgets what others have changed of a tenant.
    pub(crate) fn outdated(&self, tenant: &TenantId, elsewhere: &Elsewhere) {
        match elsewhere {
            Elsewhere::Nothing => {}
            Elsewhere::Some { pools, others, .. } => {
                for (sku, version) in pools {
                    let key = (tenant.clone(), sku.clone());
                    let mut shard = self.shard(&key).write().unwrap_or_else(PoisonError::into_inner);
                    if shard.pools.get(&key).is_none_or(|known| known.version < *version) {
                        shard.pools.remove(&key);
                        // Somebody may be reading it as it was.
                        shard.emptied += 1;
                    }
                }
                if *others {
                    self.forget_locations(|all| drop(all.remove(tenant)));
                }
            }
            Elsewhere::Everything => {
                for shard in &self.shards {
                    let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
                    shard.pools.retain(|(of, _), _| of != tenant);
                    shard.emptied += 1;
                }
                self.forget_locations(|all| drop(all.remove(tenant)));
            }
        }
    }

    /// Publishes locations after a commit.
    pub(crate) fn publish_locations(&self, tenant: &TenantId, locations: Locations) {
        self.locations.write().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone(), locations);
    }

    /// Every location of a tenant.
    pub fn locations(&self, tenant: &TenantId) -> Result<Locations, StoreError> {
        if let Some(known) = read(&self.locations).get(tenant) {
            return Ok(Arc::clone(known));
        }
        // Before anything of it is read, so that whoever looks after changes elsewhere asks for this tenant too.
        self.know(tenant);
        let forgotten = self.forgotten.load(Ordering::Acquire);
        let loaded = self.store.reader()?.locations(tenant)?;
        let loaded: Locations =
            Arc::new(loaded.into_iter().map(|(id, settings)| (id, Arc::new(settings))).collect());
        let mut all = self.locations.write().unwrap_or_else(PoisonError::into_inner);
        if self.forgotten.load(Ordering::Acquire) != forgotten {
            // Somebody may have changed them since they were read.
            return Ok(loaded);
        }
        Ok(Arc::clone(all.entry(tenant.clone()).or_insert(loaded)))
    }

    fn shard(&self, key: &(TenantId, Sku)) -> &RwLock<Shard> {
        let hash = FxBuildHasher.hash_one(hashable(key));
        // The high bits: the low ones choose the place within the shard's map.
        &self.shards[usize::try_from(hash >> 48).unwrap_or(0) % SHARDS]
    }
}

fn hashable(key: &(TenantId, Sku)) -> impl Hash + '_ {
    (key.0.as_str(), key.1.as_str())
}

/// A lock that a panic poisoned still guards sound data: every change in here is a single insert.
fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}
