//! What was asked for, who waited, and when goods came: summed up from the ledger.

use std::sync::Arc;

use ledger::{EventRow, Read, StoreError};
use model::{
    Units,
    event::Event,
    id::{LineId, OrderId, Sku, SupplyId, TenantId},
    order::Order,
    supply::{Lateness, Supply, SupplyKind},
    time::{Date, Timestamp, days_since_epoch},
    waitlist::{WAITING, Wait, WaitState},
};
use rustc_hash::FxHashMap;

/// Ledger entries read at once.
const PAGE: usize = 2_000;
/// Receipts kept of one supplier: the newest so many.
const RECEIPTS_MAX: usize = 500;

/// Why the ledger could not be read.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The store failed.
    #[error("the ledger cannot be read")]
    Store(#[from] StoreError),
    /// An entry is not what its kind says.
    #[error("ledger entry {seq} cannot be read")]
    Entry {
        /// Its number.
        seq: i64,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// What was seen of one SKU.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Goods {
    /// When it was first described or ordered.
    pub since: Option<Timestamp>,
    /// Units ordered; in a kit too.
    pub ordered: Units,
    /// Units of orders that were refused.
    pub refused: Units,
    /// Of those ordered, units that were not here then.
    pub later: Units,
    /// Of those, units cancelled.
    pub later_cancelled: Units,
    /// Unit-days for which orders for later were open, those that still are left out.
    pub closed_days: f64,
    /// Places on its waitlist that ended.
    pub waits_ended: Units,
    /// Of them, those that ended in an order.
    pub waits_bought: Units,
}

/// What was seen of one supplier.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Supplier {
    /// When its supplies came, in the order in which they came: the newest so many.
    pub receipts: Vec<Receipt>,
}

/// One supply that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The day, counted from 1970-01-01 in UTC.
    pub day: i32,
    /// Days after the first date that was given for it; below zero where it came before.
    pub late_days: i32,
    /// Days that were added to that date for the promise.
    pub promised_days: u16,
    /// How many receipts those were learned from; 0: a buffer that was set.
    pub learned_from: u32,
}

impl Receipt {
    /// Whether it came after the date that was promised.
    pub fn is_broken(&self) -> bool {
        self.late_days > i32::from(self.promised_days)
    }
}

/// A line that was ordered for later and is still open.
#[derive(Debug, Clone)]
struct Later {
    sku: Sku,
    since: Timestamp,
    units: Units,
}

/// A supply that is due.
#[derive(Debug, Clone)]
struct Due {
    supplier: Option<Arc<str>>,
    /// The first date that was given, and how late it was thought to be then.
    first: Option<(Date, Lateness)>,
}

/// What a shop's ledger shows, up to an entry.
#[derive(Debug, Clone, Default)]
pub struct History {
    seen: i64,
    goods: FxHashMap<Sku, Goods>,
    suppliers: FxHashMap<Arc<str>, Supplier>,
    waiting: FxHashMap<LineId, Later>,
    due: FxHashMap<SupplyId, Due>,
}

impl History {
    /// Reads everything that was written since the last time. Answers how many entries that were.
    ///
    /// Errors: the store fails, or an entry is damaged; what was read before it counts.
    pub fn go_on(&mut self, store: &mut dyn Read, tenant: &TenantId) -> Result<u64, EvidenceError> {
        let mut read = 0;
        loop {
            let page = store.events(tenant, self.seen, PAGE)?;
            for row in &page {
                self.take(row)?;
            }
            read += page.len() as u64;
            if page.len() < PAGE {
                return Ok(read);
            }
        }
    }

    /// What was seen of a SKU.
    pub fn goods(&self, sku: &Sku) -> Option<&Goods> {
        self.goods.get(sku)
    }

    /// Every SKU of which something was seen, in no order.
    pub fn all_goods(&self) -> impl Iterator<Item = (&Sku, &Goods)> {
        self.goods.iter()
    }

    /// What was seen of a supplier.
    pub fn supplier(&self, name: &str) -> Option<&Supplier> {
        self.suppliers.get(name)
    }

    /// Every supplier of whom something came, in no order.
    pub fn suppliers(&self) -> impl Iterator<Item = (&Arc<str>, &Supplier)> {
        self.suppliers.iter()
    }

    /// Unit-days by SKU for which the orders that are open at a moment have been open.
    pub(crate) fn open_days(&self, now: Timestamp) -> FxHashMap<&Sku, f64> {
        let mut days: FxHashMap<&Sku, f64> = FxHashMap::default();
        for later in self.waiting.values() {
            *days.entry(&later.sku).or_default() += later.units as f64 * days_between(later.since, now);
        }
        days
    }

    pub(crate) fn take(&mut self, row: &EventRow) -> Result<(), EvidenceError> {
        let event = Event::read(&row.kind, &row.data);
        let event = event.map_err(|source| EvidenceError::Entry { seq: row.seq, source })?;
        self.seen = row.seq;
        match event {
            Some(Event::ItemSet(item)) => self.meet(&item.sku, row.at),
            Some(Event::OrderPlaced(placed)) => self.placed(&placed.order, &placed.seen),
            Some(Event::OrderRefused(refused)) => {
                if let Some(sku) = refused.sku {
                    self.goods.entry(sku).or_default().refused += refused.quantity;
                }
            }
            Some(Event::LineCancelled(cancel)) => self.ended(cancel.line, cancel.quantity, row.at, true),
            Some(Event::Shipped(shipped)) => {
                for line in &shipped.lines {
                    let id = LineId { order: shipped.order, no: line.line };
                    self.ended(id, line.quantity, shipped.shipped_at, false);
                }
            }
            Some(Event::SupplyAdded(supply)) => self.added(&supply),
            Some(Event::SupplyChanged(change)) => {
                // The first date given counts: suppliers give a later one shortly before they are late.
                if let (Some(due), Some(date)) = (self.due.get_mut(&change.supply), change.expected_on) {
                    due.first.get_or_insert((date, change.lateness));
                }
            }
            Some(Event::SupplyReceived(receipt)) => self.received(receipt.supply, receipt.received_at),
            Some(Event::SupplyCancelled(cancel)) => drop(self.due.remove(&cancel.supply)),
            Some(Event::WaitlistEnded(noted)) => {
                for record in noted.records.iter().filter(|record| &*record.kind == WAITING) {
                    if let Ok(Some(wait)) = record.read::<Wait>() {
                        self.wait_ended(&wait);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn meet(&mut self, sku: &Sku, at: Timestamp) {
        let goods = self.goods.entry(sku.clone()).or_default();
        goods.since = Some(goods.since.map_or(at, |since| since.min(at)));
    }

    fn placed(&mut self, order: &Order, seen: &[Vec<model::event::Seen>]) {
        for (n, line) in order.lines.iter().enumerate() {
            // A kit asks for its components as well: goods are bought for those.
            self.meet(&line.sku, order.placed_at);
            self.goods.entry(line.sku.clone()).or_default().ordered += line.quantity;
            for part in &line.recipe {
                self.meet(&part.sku, order.placed_at);
                self.goods.entry(part.sku.clone()).or_default().ordered += line.quantity * part.quantity;
            }
            let waits = seen.get(n).is_some_and(|pegs| pegs.iter().any(|peg| !peg.here));
            if waits {
                self.goods.entry(line.sku.clone()).or_default().later += line.quantity;
                let later = Later { sku: line.sku.clone(), since: order.placed_at, units: line.quantity };
                self.waiting.insert(line_id(order.id, line.no), later);
            }
        }
    }

    /// Units of a line that wait no more.
    fn ended(&mut self, line: LineId, units: Units, at: Timestamp, cancelled: bool) {
        let Some(later) = self.waiting.get_mut(&line) else { return };
        let units = units.min(later.units);
        later.units -= units;
        let goods = self.goods.entry(later.sku.clone()).or_default();
        goods.closed_days += units as f64 * days_between(later.since, at);
        if cancelled {
            goods.later_cancelled += units;
        }
        if later.units == 0 {
            self.waiting.remove(&line);
        }
    }

    fn added(&mut self, supply: &Supply) {
        if matches!(supply.kind, SupplyKind::PurchaseOrder | SupplyKind::ProductionRun) {
            let first = supply.expected_on.map(|date| (date, supply.lateness));
            self.due.insert(supply.id, Due { supplier: supply.supplier.clone(), first });
        }
    }

    fn received(&mut self, supply: SupplyId, at: Timestamp) {
        // The first goods of a supply say when it came; what stays due is another matter.
        let Some(due) = self.due.remove(&supply) else { return };
        if let (Some(supplier), Some((date, lateness))) = (due.supplier, due.first) {
            let day = utc_day(at);
            let receipts = &mut self.suppliers.entry(supplier).or_default().receipts;
            if receipts.len() == RECEIPTS_MAX {
                receipts.remove(0);
            }
            receipts.push(Receipt {
                day,
                late_days: day - days_since_epoch(date),
                promised_days: lateness.promised_days,
                learned_from: lateness.learned_from,
            });
        }
    }

    fn wait_ended(&mut self, wait: &Wait) {
        if matches!(wait.state, WaitState::Bought | WaitState::Lapsed | WaitState::Left) {
            let goods = self.goods.entry(wait.sku.clone()).or_default();
            goods.waits_ended += 1;
            goods.waits_bought += Units::from(wait.state == WaitState::Bought);
        }
    }
}

fn line_id(order: OrderId, no: u16) -> LineId {
    LineId { order, no }
}

/// Days from one moment to another, in parts of a day; never below zero.
pub(crate) fn days_between(from: Timestamp, to: Timestamp) -> f64 {
    ((to.as_second() - from.as_second()) as f64 / 86_400.0).max(0.0)
}

/// The day of a moment in UTC, counted from 1970-01-01.
pub(crate) fn utc_day(at: Timestamp) -> i32 {
    i32::try_from(at.as_second().div_euclid(86_400)).unwrap_or(i32::MAX)
}
