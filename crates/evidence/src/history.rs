//! What was asked for, who waited, and when goods came: summed up from the ledger.

use std::{collections::BTreeMap, sync::Arc};

use insight::advice::patience::{AtWait, WAITS, wait_of};
use ledger::{EventRow, Read, StoreError};
use model::{
    Units,
    event::{Event, LinePromise, PromiseGiven},
    id::{LineId, OrderId, Sku, SupplyId, TenantId, WaitId},
    order::Order,
    record::Json,
    supply::{Lateness, Supply, SupplyKind},
    time::{Date, Timestamp, date_from_days, days_since_epoch},
    views::{BADGE_VIEWS, Viewed},
    waitlist::{WAITING, Wait, WaitState},
};
use rustc_hash::FxHashMap;

use crate::{
    open_line::{Lines, OpenLine, is_noted, is_noted_after},
    stand::Stands,
};

/// Ledger entries read at once.
const PAGE: usize = 2_000;
/// Receipts kept of one supplier: the newest so many.
const RECEIPTS_MAX: usize = 500;

/// Receipts of a supplier from which on they say how long it takes.
const LEAD_MIN: usize = 3;

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
    /// Units wanted by those who are on its waitlist.
    pub waiting: Units,
    /// Units that were sent or called off, ordered for later or not.
    pub ended: Units,
    /// Of them, units called off.
    pub cancelled: Units,
    /// What kind of good it is: its first tag.
    pub kind: Option<Arc<str>>,
    /// What was seen at each wait that was told.
    pub waits: [AtWait; WAITS],
    /// Looks at its badge while it was in stock, and units ordered then since looks are counted.
    pub here: (f64, f64),
    /// Looks at its badge while it could not be bought.
    pub views_out: f64,
}

/// Unit-days for which orders for later are open.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct OpenDays {
    pub(crate) all: f64,
    pub(crate) by_wait: [f64; WAITS],
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
    /// Days from when it was entered.
    pub lead_days: i32,
}

impl Receipt {
    /// Whether it came after the date that was promised.
    pub fn is_broken(&self) -> bool {
        self.broken_days().is_some()
    }

    /// Days after the date that was promised; `None`: it came by then.
    pub fn broken_days(&self) -> Option<i32> {
        Some(self.late_days - i32::from(self.promised_days)).filter(|days| *days > 0)
    }
}

impl Supplier {
    /// The middle of the days from entering an order to its arrival; `None` where fewer than three have come.
    pub fn lead_days(&self) -> Option<f64> {
        let mut days: Vec<i32> = self.receipts.iter().map(|receipt| receipt.lead_days.max(0)).collect();
        if days.len() < LEAD_MIN {
            return None;
        }
        days.sort_unstable();
        Some(f64::from(days[days.len() / 2]))
    }
}

/// How the dates that customers were first told were kept, of units that were sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Units sent that had a date.
    pub units: Units,
    /// Of them, by the date first promised.
    pub kept: Units,
    /// Days late, added up over those that were.
    pub late_days: i64,
}

/// What became of units whose date was, or was not, moved to a later one while they waited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fate {
    /// Units that were sent or called off.
    pub units: Units,
    /// Of them, called off.
    pub cancelled: Units,
}

/// A supply that is due.
#[derive(Debug, Clone)]
struct Due {
    supplier: Option<Arc<str>>,
    /// The day it was entered.
    entered: i32,
    /// The first date that was given, and how late it was thought to be then.
    first: Option<(Date, Lateness)>,
}

/// What a shop's ledger shows, up to an entry.
#[derive(Debug, Clone, Default)]
pub struct History {
    seen: i64,
    goods: FxHashMap<Sku, Goods>,
    suppliers: FxHashMap<Arc<str>, Supplier>,
    pub(crate) open: FxHashMap<LineId, OpenLine>,
    pub(crate) lines: Lines,
    pub(crate) stands: Stands,
    waitlist: FxHashMap<WaitId, (Sku, Units)>,
    kept: BTreeMap<i32, Kept>,
    fates: [Fate; 2],
    due: FxHashMap<SupplyId, Due>,
    /// Looks at badges are counted: orders are held against them from then on.
    counts_views: bool,
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

    /// How dates were kept, by month: months since the year 0, the oldest first.
    pub fn kept_by_month(&self) -> impl Iterator<Item = (i32, Kept)> {
        self.kept.iter().map(|(month, kept)| (*month, *kept))
    }

    /// What became of units that were ordered for later: those whose date was never moved to a later one, and those whose was.
    pub fn fates(&self) -> (Fate, Fate) {
        (self.fates[0], self.fates[1])
    }

    /// Unit-days by SKU for which the orders that are open at a moment have been open: all, and by the wait that was told.
    pub(crate) fn open_days(&self, now: Timestamp) -> FxHashMap<&Sku, OpenDays> {
        let mut days: FxHashMap<&Sku, OpenDays> = FxHashMap::default();
        for line in self.open.values().filter(|line| line.waits) {
            let more = line.units as f64 * days_between(line.since, now);
            let sums = days.entry(&line.sku).or_default();
            sums.all += more;
            if let Some(wait) = line.told {
                sums.by_wait[wait] += more;
            }
        }
        days
    }

    pub(crate) fn take(&mut self, row: &EventRow) -> Result<(), EvidenceError> {
        let event = Event::read(&row.kind, &row.data);
        let event = event.map_err(|source| EvidenceError::Entry { seq: row.seq, source })?;
        self.seen = row.seq;
        let begun = self.stands.go_to(row.at, &self.suppliers);
        begun.for_each(|week| self.begin_week(week));
        if let Some(event) = &event {
            self.stands.take(event, row.at);
        }
        match event {
            Some(Event::ItemSet(item)) => {
                self.meet(&item.sku, row.at);
                self.goods.entry(item.sku.clone()).or_default().kind = item.tags.first().cloned();
            }
            Some(Event::RecordsSet(noted)) if noted.records.is_empty() => self.viewed(&noted.data),
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
                    self.sent(id, line.quantity, shipped.shipped_at);
                    self.ended(id, line.quantity, shipped.shipped_at, false);
                }
            }
            Some(Event::PromiseGiven(given)) => self.promised(&given),
            Some(Event::SupplyAdded(supply)) => self.added(&supply, row.at),
            Some(Event::SupplyChanged(change)) => {
                // The first date given counts: suppliers give a later one shortly before they are late.
                if let (Some(due), Some(date)) = (self.due.get_mut(&change.supply), change.expected_on) {
                    due.first.get_or_insert((date, change.lateness));
                }
            }
            Some(Event::SupplyReceived(receipt)) => self.received(receipt.supply, receipt.received_at),
            Some(Event::SupplyCancelled(cancel)) => drop(self.due.remove(&cancel.supply)),
            Some(
                Event::WaitlistJoined(noted) | Event::WaitlistInvited(noted) | Event::WaitlistEnded(noted),
            ) => {
                for record in noted.records.iter().filter(|record| &*record.kind == WAITING) {
                    if let Ok(Some(wait)) = record.read::<Wait>() {
                        self.wait(&wait);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Looks at badges.
    fn viewed(&mut self, data: &Json) {
        // Most entries without records are about something else.
        if !data.as_str().contains(BADGE_VIEWS) {
            return;
        }
        let Ok(viewed) = data.read::<Viewed>() else { return };
        self.counts_views = true;
        for views in viewed.badge_views {
            let goods = self.goods.entry(views.sku).or_default();
            goods.here.0 += f64::from(views.here);
            goods.views_out += f64::from(views.out);
            for (wait, views) in goods.waits.iter_mut().zip(views.later) {
                wait.views += f64::from(views);
            }
        }
    }

    fn meet(&mut self, sku: &Sku, at: Timestamp) {
        let goods = self.goods.entry(sku.clone()).or_default();
        goods.since = Some(goods.since.map_or(at, |since| since.min(at)));
    }

    /// Units of a SKU that ended, and those of them that were called off.
    pub(crate) fn ended_of(&self, sku: &Sku) -> (Units, Units) {
        self.goods.get(sku).map_or((0, 0), |goods| (goods.ended, goods.cancelled))
    }

    /// Notes lines that have been open for so many weeks.
    fn begin_week(&mut self, week: i32) {
        self.lines.begin_week();
        let (day, many) = (week * 7, self.open.len());
        for (id, line) in &mut self.open {
            let weeks = week - utc_day(line.since).div_euclid(7);
            if is_noted_after(weeks) && is_noted(*id, many) {
                let sku = self.goods.get(&line.sku).map_or((0, 0), |goods| (goods.ended, goods.cancelled));
                let stands = self.lines.stands(line, sku, day);
                line.noted.push((day, stands.numbers()));
            }
        }
    }

    fn placed(&mut self, order: &Order, seen: &[Vec<model::event::Seen>]) {
        let orders_before = order.customer.as_ref().map_or(0, |customer| self.lines.ordered(*customer));
        let lines = u16::try_from(order.lines.len()).unwrap_or(u16::MAX);
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
            } else if self.counts_views {
                self.goods.entry(line.sku.clone()).or_default().here.1 += line.quantity as f64;
            }
            let open = OpenLine {
                sku: line.sku.clone(),
                since: order.placed_at,
                units: line.quantity,
                waits,
                promised: None,
                told: None,
                delayed: false,
                last: None,
                delays: 0,
                lines,
                unit_price: line.unit_price.map_or(f64::NAN, crate::subject::amount),
                cancelled: 0,
                shipped: 0,
                customer: order.customer,
                orders_before,
                noted: Vec::new(),
            };
            self.open.insert(line_id(order.id, line.no), open);
        }
    }

    /// What was said about lines: the first date counts, and whether a later one followed.
    fn promised(&mut self, given: &PromiseGiven) {
        for LinePromise { line, promise } in &given.promises {
            let (id, many) = (line_id(given.order, *line), self.open.len());
            let Some(open) = self.open.get_mut(&id) else { continue };
            let day = promise.ship_by.promised.map(days_since_epoch);
            if open.last.zip(day).is_some_and(|(last, day)| day > last) {
                open.delays += 1;
            }
            let is_first = open.noted.is_empty() && promise.version == 1;
            if let Some(day) = day.filter(|_| open.waits && promise.version == 1) {
                let wait = wait_of(i64::from(day - utc_day(open.since)));
                open.told = Some(wait);
                if self.counts_views {
                    let goods = self.goods.entry(open.sku.clone()).or_default();
                    goods.waits[wait].ordered += open.units as f64;
                }
            }
            open.last = day;
            match (open.promised, day) {
                (None, day) => open.promised = day,
                (Some(first), Some(day)) => open.delayed |= day > first,
                (Some(_), None) => {}
            }
            if is_first && is_noted(id, many) {
                let sku = self.goods.get(&open.sku).map_or((0, 0), |goods| (goods.ended, goods.cancelled));
                let placed = utc_day(open.since);
                open.noted.push((placed, self.lines.stands(open, sku, placed).numbers()));
            }
        }
    }

    /// Units of a line that were sent: whether that was by the date first promised.
    fn sent(&mut self, line: LineId, units: Units, at: Timestamp) {
        let Some(open) = self.open.get(&line) else { return };
        let Some(promised) = open.promised else { return };
        let (units, day) = (units.min(open.units), utc_day(at));
        let Some(date) = date_from_days(day) else { return };
        let month = i32::from(date.year()) * 12 + i32::from(date.month()) - 1;
        let kept = self.kept.entry(month).or_default();
        kept.units += units;
        if day <= promised {
            kept.kept += units;
        } else {
            kept.late_days += units * i64::from(day - promised);
        }
    }

    /// Units of a line that are open no more.
    fn ended(&mut self, line: LineId, units: Units, at: Timestamp, cancelled: bool) {
        let Some(open) = self.open.get_mut(&line) else { return };
        let units = units.min(open.units);
        open.units -= units;
        *(if cancelled { &mut open.cancelled } else { &mut open.shipped }) += units;
        let unit_days = units as f64 * days_between(open.since, at);
        let goods = self.goods.entry(open.sku.clone()).or_default();
        goods.ended += units;
        goods.cancelled += if cancelled { units } else { 0 };
        self.lines.ended(open, units, cancelled, unit_days);
        if open.waits {
            goods.closed_days += unit_days;
            if let Some(wait) = open.told {
                goods.waits[wait].open_days += unit_days;
                goods.waits[wait].cancelled += if cancelled { units as f64 } else { 0.0 };
            }
            let fate = &mut self.fates[usize::from(open.delayed)];
            fate.units += units;
            if cancelled {
                goods.later_cancelled += units;
                fate.cancelled += units;
            }
        }
        if open.units == 0
            && let Some(line) = self.open.remove(&line)
        {
            self.lines.closed(line, utc_day(at));
        }
    }

    fn added(&mut self, supply: &Supply, at: Timestamp) {
        if matches!(supply.kind, SupplyKind::PurchaseOrder | SupplyKind::ProductionRun) {
            let first = supply.expected_on.map(|date| (date, supply.lateness));
            let entered = utc_day(at);
            self.due.insert(supply.id, Due { supplier: supply.supplier.clone(), entered, first });
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
                lead_days: day - due.entered,
            });
        }
    }

    /// A place on a waitlist, as it is now.
    fn wait(&mut self, wait: &Wait) {
        if let Some((sku, units)) = self.waitlist.remove(&wait.id) {
            self.goods.entry(sku).or_default().waiting -= units;
        }
        let goods = self.goods.entry(wait.sku.clone()).or_default();
        match wait.state {
            WaitState::Waiting | WaitState::Invited => {
                goods.waiting += wait.quantity;
                self.waitlist.insert(wait.id, (wait.sku.clone(), wait.quantity));
            }
            WaitState::Bought | WaitState::Lapsed | WaitState::Left => {
                goods.waits_ended += 1;
                goods.waits_bought += Units::from(wait.state == WaitState::Bought);
            }
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
