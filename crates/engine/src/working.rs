//! What one batch works on: the loaded part of each tenant's shop, and what is still to be written of it.

mod queue;

use std::sync::Arc;

use ledger::{Changes, Elsewhere, Replay, StoreError, Timer, Work, Write};
use model::{
    command::{Command, Contact},
    event::{Event, Move},
    id::{HoldId, LineId, OrderId, Sku, TenantId},
    pool::Pool,
    state::{Shop, Touched},
    time::Timestamp,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    Request,
    allocation::settings::Settings,
    answer::Failure,
    desk::{Desk, Part},
    money, sale,
    snapshot::{Locations, Snapshots},
    waitlist::{self, Waitlisted},
};

/// Most idempotency keys of one tenant marked in memory when it is loaded: 64 MB, two days of a very large shop. Beyond
/// twice as many each key is asked for.
const KEYS_MAX: usize = 4_000_000;
/// Most orders of one tenant kept from batch to batch: whose goods came in is shipped next.
const ORDERS_KEPT_MAX: usize = 16_384;
/// Most pools of one tenant kept from batch to batch.
const POOLS_KEPT_MAX: usize = 200_000;

/// One tenant's shop as far as it is loaded, with what this batch did to it.
pub(crate) struct TenantState {
    pub(crate) shop: Shop,
    touched: Touched,
    pub(crate) changes: Changes,
    /// What marks every idempotency key that may have an answer; `None`: only the store can tell.
    keys: Option<FxHashSet<u64>>,
    changed: FxHashSet<Sku>,
    locations_changed: bool,
    /// Whether this batch changed anything but pools and orders.
    others_changed: bool,
    /// Marks of keys that this batch answered first.
    marked: Vec<u64>,
    /// What the batch changed that was handed over last.
    handed: Handed,
    /// Whether others may write meanwhile, so that what is answered is held against what is stored even if it changes nothing.
    shared: bool,
    /// Whether anything was decided in this batch.
    decided: bool,
    /// Orders placed in this batch.
    placed: Vec<OrderId>,
    next_work: i64,
    left_work: bool,
    /// Work that looks for lines that move up, by pool, as far as this process has met it.
    pub(crate) searches: FxHashMap<Sku, i64>,
    /// Whether any order has an account of its money.
    pub(crate) has_accounts: bool,
    /// Units are being called off because they were not paid: the account knows already.
    pub(crate) paying: bool,
    /// What somebody on a waitlist waits for.
    pub(crate) waitlisted: Waitlisted,
    /// What runs moved since somebody last looked: an answer names it.
    moves: Vec<Move>,
    /// What is set about re-allocation.
    pub(crate) allocation: Settings,
    /// Whether any order of the tenant was ever a final sale: of the others nobody has to look.
    pub(crate) sells_final: bool,
    /// Lines that should win and got later in this command.
    pub(crate) wins_lost: Vec<LineId>,
    /// Whether nothing is said to anybody: promises about goods that move stay as they were. Who gets which goods rests on none
    /// of them.
    pub(crate) silent: bool,
}

/// What a batch changed that is handed over, and may still not be kept.
#[derive(Default)]
struct Handed {
    pools: Vec<Sku>,
    /// Whether it changed anything but pools and orders.
    others: bool,
    /// Of keys that it answered first.
    marks: Vec<u64>,
}

impl TenantState {
    pub(crate) fn load(store: &mut dyn Write, tenant: &TenantId) -> Result<Self, Failure> {
        // First: what is read from here on is as it is told, or newer.
        store.elsewhere(tenant)?;
        let keys = store.key_marks(tenant, KEYS_MAX)?.map(|marks| marks.into_iter().collect());
        Self::load_with(store, tenant, keys)
    }

    fn load_with(
        store: &mut dyn Write,
        tenant: &TenantId,
        keys: Option<FxHashSet<u64>>,
    ) -> Result<Self, Failure> {
        store.tenant(tenant)?.ok_or(Failure::NoTenant)?;
        let locations = store.locations(tenant)?.into_iter().map(|(id, settings)| (id, Arc::new(settings)));
        let shop = Shop { locations: Arc::new(locations.collect()), ..Shop::default() };
        let next_work = store.last_work(tenant)? + 1;
        Ok(Self {
            shop,
            touched: Touched::default(),
            changes: Changes::default(),
            keys,
            changed: FxHashSet::default(),
            locations_changed: false,
            others_changed: false,
            marked: Vec::new(),
            handed: Handed::default(),
            shared: store.tells_elsewhere(),
            decided: false,
            placed: Vec::new(),
            next_work,
            left_work: false,
            searches: FxHashMap::default(),
            has_accounts: money::has_any(store, tenant)?,
            paying: false,
            waitlisted: waitlist::load(store, tenant)?,
            moves: Vec::new(),
            allocation: Settings::load(store, tenant)?,
            sells_final: sale::any(store, tenant)?,
            wins_lost: Vec::new(),
            silent: false,
        })
    }

    /// Whether a request names orders or pools that are not loaded.
    pub(crate) fn lacks(&self, request: &Request) -> bool {
        let pools = &self.shop.pools;
        match request.command.wish() {
            Command::PlaceOrder(wish) => wish.lines.iter().any(|line| !pools.contains_key(&line.sku)),
            command => command.order().is_some_and(|order| !self.shop.orders.contains_key(&order)),
        }
    }

    /// Notes that something is decided with it.
    pub(crate) fn decides(&mut self) {
        self.decided = self.shared;
    }

    /// Catches up with what others have changed since the last commit; nothing was decided since.
    pub(crate) fn catch_up(
        &mut self,
        store: &mut dyn Write,
        tenant: &TenantId,
        elsewhere: &Elsewhere,
    ) -> Result<(), Failure> {
        match elsewhere {
            Elsewhere::Nothing => {}
            Elsewhere::Some { pools, others, keys } => {
                if let Some(known) = &mut self.keys {
                    known.extend(keys);
                }
                for (sku, version) in pools {
                    if self.shop.pools.get(sku).is_some_and(|pool| pool.version < *version) {
                        self.shop.pools.remove(sku);
                    }
                }
                self.shop.orders.clear();
                if *others {
                    let pools = std::mem::take(&mut self.shop.pools);
                    *self = Self::load_with(store, tenant, self.keys.take())?;
                    self.shop.pools = pools;
                }
            }
            Elsewhere::Everything => {
                let keys = store.key_marks(tenant, KEYS_MAX)?.map(|marks| marks.into_iter().collect());
                *self = Self::load_with(store, tenant, keys)?;
            }
        }
        Ok(())
    }

    /// Forgets what was decided since the last commit. Answers whether what is left is as it was then; else it must be
    /// loaded anew.
    pub(crate) fn undo(&mut self) -> bool {
        let touched = std::mem::take(&mut self.touched);
        let handed = std::mem::take(&mut self.handed);
        let marks = handed.marks.into_iter().chain(self.marked.drain(..));
        if let Some(keys) = &mut self.keys {
            // Else each of these would be looked up when it is decided again.
            marks.for_each(|mark| {
                keys.remove(&mark);
            });
        }
        let others = handed.others
            || self.others_changed
            || !touched.locations.is_empty()
            || !touched.records.is_empty()
            || !touched.holds_placed.is_empty()
            || !touched.holds_gone.is_empty()
            || changes_others(&self.changes);
        if others {
            return false;
        }
        let supplies = touched.supplies.into_iter().map(|(sku, _)| sku);
        let supplies = supplies.chain(touched.closed.into_iter().map(|supply| supply.sku));
        let changed =
            handed.pools.into_iter().chain(self.changed.drain()).chain(touched.pools).chain(supplies);
        for sku in changed {
            self.shop.pools.remove(&sku);
        }
        self.shop.orders.clear();
        self.placed.clear();
        self.moves.clear();
        self.wins_lost.clear();
        self.changes = Changes::default();
        (self.left_work, self.decided) = (false, false);
        true
    }

    /// Notes that what was handed over is kept: to undo what was decided since leaves it alone.
    pub(crate) fn handed_is_kept(&mut self) {
        self.handed = Handed::default();
    }

    /// Whether records of a kind were set that are not written yet.
    fn has_set(&self, kind: &str) -> bool {
        self.touched.records.iter().any(|(of, _)| **of == *kind)
            || self.changes.private.iter().any(|record| *record.kind == *kind)
    }

    /// Whether work was left, or ended, that is not written yet.
    pub(crate) fn has_changed_work(&self) -> bool {
        !(self.changes.work.is_empty() && self.changes.work_gone.is_empty())
    }

    /// Whether work was left behind in this batch.
    pub(crate) fn left_work(&self) -> bool {
        self.left_work
    }

    /// Publishes what a commit made true, and lets go of what only this batch needed.
    pub(crate) fn committed(&mut self, tenant: &TenantId, snapshots: &Snapshots) {
        self.handed = Handed::default();
        self.marked.clear();
        snapshots.publish(tenant, self.changed_pools().into_iter());
        if let Some(locations) = self.changed_locations() {
            snapshots.publish_locations(tenant, locations);
        }
        self.let_go();
    }

    /// What this batch is to keep of the tenant, handed over; `None` where it did nothing.
    pub(crate) fn part(&mut self, tenant: &TenantId) -> Result<Option<Part>, StoreError> {
        self.handed = Handed::default();
        self.part_of(tenant)
    }

    /// The same of as much of this batch as is decided, beside what was handed over of it before.
    pub(crate) fn part_of(&mut self, tenant: &TenantId) -> Result<Option<Part>, StoreError> {
        let mut changes = self.take_changes()?;
        changes.write_down()?;
        let (pools, locations) = (self.changed_pools(), self.changed_locations());
        self.handed.pools.extend(pools.iter().map(|pool| pool.sku().clone()));
        self.handed.others |= self.others_changed;
        self.handed.marks.append(&mut self.marked);
        let decided = self.decided;
        self.let_go();
        if is_nothing(&changes) && pools.is_empty() && locations.is_none() && !decided {
            return Ok(None);
        }
        Ok(Some(Part { tenant: tenant.clone(), changes, pools, locations }))
    }

    fn changed_pools(&mut self) -> Vec<Arc<Pool>> {
        self.changed.drain().filter_map(|sku| self.shop.pools.get(&sku).cloned()).collect()
    }

    fn changed_locations(&mut self) -> Option<Locations> {
        std::mem::take(&mut self.locations_changed).then(|| Arc::clone(&self.shop.locations))
    }

    /// Lets go of what is not kept at hand. Most orders that were placed are not asked for again soon; those that were asked
    /// for once may be.
    fn let_go(&mut self) {
        for id in self.placed.drain(..) {
            self.shop.orders.remove(&id);
        }
        if self.shop.orders.len() > ORDERS_KEPT_MAX {
            // An order that waits is asked for again when its goods come.
            self.shop.orders.retain(|_, order| order.is_open());
            if self.shop.orders.len() > ORDERS_KEPT_MAX / 2 {
                self.shop.orders.clear();
            }
        }
        if self.shop.records.len() > ORDERS_KEPT_MAX {
            self.shop.records.clear();
        }
        if self.shop.holds.len() > ORDERS_KEPT_MAX {
            self.shop.holds.clear();
        }
        self.moves.clear();
        (self.left_work, self.others_changed, self.decided) = (false, false, false);
        self.wins_lost.clear();
        if self.shop.pools.len() > POOLS_KEPT_MAX {
            self.shop.pools.clear();
        }
        if self.keys.as_ref().is_some_and(|keys| keys.len() > 2 * KEYS_MAX) {
            self.keys = None;
        }
    }

    /// Turns what events touched into rows, and takes them with all else that is to be written.
    fn take_changes(&mut self) -> Result<Changes, StoreError> {
        let touched = std::mem::take(&mut self.touched);
        let mut changes = std::mem::take(&mut self.changes);
        if is_nothing(&changes) {
            return Ok(changes);
        }
        self.locations_changed |= !touched.locations.is_empty();
        self.placed.extend(&touched.placed);
        changes.collect(&self.shop, touched)?;
        self.others_changed |= changes_others(&changes);
        for (item, ..) in &changes.pools {
            if let Some(pool) = self.shop.pools.get_mut(&item.sku) {
                Arc::make_mut(pool).version += 1;
            }
            self.changed.insert(item.sku.clone());
        }
        Ok(changes)
    }
}

/// Whether anything but pools, orders and answers is changed.
fn changes_others(changes: &Changes) -> bool {
    !(changes.locations.is_empty()
        && changes.holds.is_empty()
        && changes.holds_gone.is_empty()
        && changes.timers.is_empty()
        && changes.timers_gone.is_empty()
        && changes.work.is_empty()
        && changes.work_gone.is_empty()
        && changes.records.is_empty()
        && changes.private.is_empty())
}

/// Whether there is nothing to write: everything that touches a row leaves one of these.
fn is_nothing(changes: &Changes) -> bool {
    changes.events.is_empty()
        && changes.contacts.is_empty()
        && changes.replays.is_empty()
        && changes.private.is_empty()
        && changes.work.is_empty()
        && changes.work_gone.is_empty()
        && changes.timers_gone.is_empty()
}

/// One tenant's state together with the desk whose store it is loaded from and written to.
pub(crate) struct Working<'a> {
    pub(crate) desk: &'a mut Desk,
    pub(crate) tenant: &'a TenantId,
    pub(crate) state: &'a mut TenantState,
}

impl Working<'_> {
    pub(crate) fn shop(&self) -> &Shop {
        &self.state.shop
    }

    /// Does what events say.
    pub(crate) fn apply(&mut self, now: Timestamp, events: Vec<Event>) -> Result<(), Failure> {
        for event in events {
            self.note_timers(&event);
            if let Event::RunApplied(run) = &event {
                self.state.moves.extend(run.moves.iter().cloned());
            }
            let TenantState { shop, touched, .. } = &mut *self.state;
            shop.apply(&event, touched).map_err(|error| Failure::Defect(error.to_string().into()))?;
            self.state.changes.events.push((now, event));
        }
        Ok(())
    }

    /// What runs moved since this was last called.
    pub(crate) fn take_moves(&mut self) -> Vec<Move> {
        std::mem::take(&mut self.state.moves)
    }

    /// A hold's timer comes and goes with it.
    fn note_timers(&mut self, event: &Event) {
        let gone = match event {
            Event::HoldPlaced(hold) => {
                self.state.changes.timers.push((hold.expires_at, Timer::HoldExpires(hold.id)));
                None
            }
            Event::HoldReleased(gone) | Event::HoldExpired(gone) => Some(gone.hold),
            Event::OrderPlaced(placed) => placed.hold,
            _ => None,
        };
        if let Some(hold) = gone.and_then(|id| self.state.shop.holds.get(&id)) {
            let timer = (hold.expires_at, Timer::HoldExpires(hold.id));
            // Set and gone in one batch: it need not be written at all, but a later delete must win.
            self.state.changes.timers.retain(|set| *set != timer);
            self.state.changes.timers_gone.push(timer);
        }
    }

    /// Loads pools that are not loaded, and the components of kits among them.
    pub(crate) fn load_pools<'s>(&mut self, skus: impl Iterator<Item = &'s Sku>) -> Result<(), Failure> {
        let mut missing: Vec<Sku> =
            skus.filter(|sku| !self.state.shop.pools.contains_key(*sku)).cloned().collect();
        if missing.is_empty() {
            return Ok(());
        }
        missing.sort_unstable();
        missing.dedup();
        let loaded = self.desk.store()?.pools(self.tenant, &missing)?;
        let components: Vec<Sku> =
            loaded.iter().flat_map(|pool| &pool.item.components).map(|part| part.sku.clone()).collect();
        self.state.shop.pools.extend(loaded.into_iter().map(|pool| (pool.sku().clone(), Arc::new(pool))));
        // A kit's components are no kits, so this goes one level down and no further.
        self.load_pools(components.iter())
    }

    pub(crate) fn pool(&self, sku: &Sku) -> Option<&Pool> {
        self.state.shop.pool(sku)
    }

    /// Loads orders that are not loaded, with every pool that their dates depend on.
    pub(crate) fn load_orders(&mut self, ids: &[OrderId]) -> Result<(), Failure> {
        let missing: Vec<OrderId> =
            ids.iter().filter(|id| !self.state.shop.orders.contains_key(id)).copied().collect();
        if !missing.is_empty() {
            // Orders placed earlier in this batch are loaded already, so what is not here is in the store.
            let loaded = self.desk.store()?.orders(self.tenant, &missing)?;
            self.state.shop.orders.extend(loaded.into_iter().map(|order| (order.id, Arc::new(order))));
        }
        let orders: Vec<_> = ids.iter().filter_map(|id| self.state.shop.orders.get(id).cloned()).collect();
        let lines = || orders.iter().flat_map(|order| &order.lines);
        let pegged = lines().flat_map(|line| &line.pegs).map(|peg| &peg.sku);
        self.load_pools(lines().map(|line| &line.sku).chain(pegged))
    }

    /// Loads a hold with its pools, if it still holds something.
    pub(crate) fn load_hold(&mut self, id: HoldId) -> Result<(), Failure> {
        if !self.state.shop.holds.contains_key(&id) {
            // A hold that went in this batch is still in the store until that is written.
            let tenant = self.tenant;
            for hold in self.store()?.holds(tenant, &[id])? {
                self.state.shop.holds.insert(hold.id, Arc::new(hold));
            }
        }
        let Some(hold) = self.state.shop.holds.get(&id).cloned() else { return Ok(()) };
        let pegged = hold.lines.iter().flat_map(|line| &line.pegs).map(|peg| &peg.sku);
        self.load_pools(hold.lines.iter().map(|line| &line.sku).chain(pegged))
    }

    /// The number of the ledger's last entry so far.
    pub(crate) fn last_entry(&mut self) -> Result<i64, Failure> {
        let written = self.desk.store()?.last_event(self.tenant)?;
        Ok(written + i64::try_from(self.state.changes.events.len()).unwrap_or(i64::MAX))
    }

    /// Keeps who ordered.
    pub(crate) fn note_contact(&mut self, order: OrderId, contact: &Contact) {
        if !contact.is_empty() {
            self.state.changes.contacts.push((order, contact.clone()));
        }
    }

    /// Forgets who ordered.
    pub(crate) fn forget_contact(&mut self, order: OrderId) {
        self.state.changes.contacts.push((order, Contact::default()));
    }

    /// Whether a request with this key may have been answered before.
    pub(crate) fn may_be_known(&self, key: &str) -> bool {
        self.state.keys.as_ref().is_none_or(|keys| keys.contains(&ledger::key_mark(key)))
    }

    /// Keeps an answer for the same request sent again.
    pub(crate) fn note_replay(&mut self, replay: Replay) {
        let mark = ledger::key_mark(&replay.key);
        if let Some(keys) = &mut self.state.keys
            && keys.insert(mark)
            && self.state.shared
        {
            self.state.marked.push(mark);
        }
        self.state.changes.replays.push(replay);
    }

    /// Leaves work for later; answers its number.
    pub(crate) fn add_work(&mut self, kind: &str, state: String) -> i64 {
        let id = self.state.next_work;
        self.state.next_work += 1;
        self.put_work(id, kind, state);
        id
    }

    pub(crate) fn put_work(&mut self, id: i64, kind: &str, state: String) {
        self.state.left_work = true;
        self.state.changes.work.push(Work { id, kind: kind.into(), state: state.into() });
    }

    pub(crate) fn end_work(&mut self, id: i64) {
        self.state.changes.work.retain(|work| work.id != id);
        self.state.changes.work_gone.push(id);
    }

    /// A timer that was worked though its hold is gone.
    pub(crate) fn drop_timer(&mut self, at: Timestamp, timer: Timer) {
        self.state.changes.timers_gone.push((at, timer));
    }

    /// Writes what changed since the last flush, so that reads see it. Nothing is durable before the commit.
    ///
    /// It costs a statement a table, and rows that change again are written again: what reads little says what it reads.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let mut changes = self.state.take_changes()?;
        if is_nothing(&changes) {
            return Ok(());
        }
        if !self.desk.is_home() {
            changes.write_down()?;
        }
        Ok(self.desk.store()?.write(self.tenant, &changes)?)
    }

    /// The store, which has every record of a kind that was decided so far.
    pub(crate) fn store_of(&mut self, kind: &str) -> Result<&mut dyn Write, Failure> {
        if self.state.has_set(kind) {
            self.flush()?;
        }
        self.desk.store()
    }

    /// The store, which has everything that was decided so far.
    pub(crate) fn store(&mut self) -> Result<&mut dyn Write, Failure> {
        self.flush()?;
        self.desk.store()
    }
}
