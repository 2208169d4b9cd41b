//! How each SKU stands from week to week: what is free of it, what is due, what was asked for, and when there was none.

use std::{collections::BTreeMap, sync::Arc};

use insight::risk::{Example, stock::Stock};
use model::{
    Units,
    event::{Event, OrderPlaced, RunUndone},
    id::{Sku, SupplyId},
    supply::{Supply, SupplyKind, SupplyState},
    time::{Timestamp, days_since_epoch},
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::history::{History, Supplier, utc_day};

/// Weeks kept of each SKU.
const WEEKS_MAX: usize = 156;
/// Weeks without any entry that are looked at one by one; of a longer silence only the last.
const SILENCE_MAX: i32 = 60;
/// About so many SKUs are noted each week: of more, every second, third and so on.
const NOTED_WEEKLY: usize = 400;
/// Weeks of which the risk knows.
const LOOKS_BACK: i32 = 39;
/// What is due within so many days counts as soon.
const SOON_DAYS: i32 = 14;
/// Codes of refusals that say that there were no goods.
const NO_GOODS: [&str; 4] = ["not_available", "cap_reached", "too_late", "beyond_horizon"];

/// What was asked for in a week.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Week {
    /// Which: whole weeks since 1970-01-01, a Thursday.
    pub week: i32,
    /// Units ordered.
    pub ordered: Units,
    /// Units refused.
    pub refused: Units,
}

/// How a SKU stood when it was noted, until it is known what came.
#[derive(Debug, Clone)]
struct Noted {
    day: i32,
    numbers: Vec<f64>,
    came: bool,
}

/// One SKU.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stand {
    /// Units here less everything that is owed.
    free: Units,
    is_kit: bool,
    supplier: Option<Arc<str>>,
    /// Ascending, only weeks in which something was asked for.
    weeks: Vec<Week>,
    /// First and last week of each time without any.
    out: Vec<(i32, i32)>,
    out_since: Option<i32>,
    first_week: Option<i32>,
    noted: Vec<Noted>,
}

/// A supply that is due.
#[derive(Debug, Clone)]
struct Coming {
    sku: Sku,
    units: Units,
    day: Option<i32>,
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stands {
    of: FxHashMap<Sku, Stand>,
    coming: FxHashMap<SupplyId, Coming>,
    quarantine: FxHashSet<SupplyId>,
    pub(crate) week: Option<i32>,
    /// What became of those noted, in the order in which it was known.
    pub(crate) past: Vec<Example>,
}

/// Units due of a SKU: within two weeks, in all, and overdue.
type Due = (Units, Units, Units);

fn week_of(day: i32) -> i32 {
    day.div_euclid(7)
}

impl Stand {
    fn moved(&mut self, units: Units, week: i32) {
        self.free += units;
        match (self.free <= 0, self.out_since) {
            (true, None) => self.out_since = Some(week),
            (false, Some(from)) => {
                self.out.push((from, week));
                self.out_since = None;
                self.out.retain(|(_, to)| *to > week - WEEKS_MAX as i32);
            }
            _ => {}
        }
    }

    fn asked(&mut self, week: i32, ordered: Units, refused: Units) {
        self.first_week = Some(self.first_week.map_or(week, |first| first.min(week)));
        let at = self.weeks.partition_point(|known| known.week < week);
        if self.weeks.get(at).is_none_or(|known| known.week != week) {
            if self.weeks.len() == WEEKS_MAX {
                if at == 0 {
                    return;
                }
                self.weeks.remove(0);
                return self.asked(week, ordered, refused);
            }
            self.weeks.insert(at, Week { week, ..Week::default() });
        }
        let known = &mut self.weeks[at];
        known.ordered += ordered;
        known.refused += refused;
    }

    /// Weeks after `after` and up to `last`.
    fn weeks(&self, after: i32, last: i32) -> impl Iterator<Item = &Week> {
        self.weeks.iter().filter(move |known| known.week > after && known.week <= last)
    }

    fn asked_in(&self, weeks: i32, last: i32) -> f64 {
        self.weeks(last - weeks, last).map(|week| (week.ordered + week.refused) as f64).sum()
    }

    fn is_out_in(&self, week: i32) -> bool {
        self.out_since.is_some_and(|from| week >= from)
            || self.out.iter().any(|(from, to)| (*from..=*to).contains(&week))
    }

    /// How it stands at a day, `last` being the last week that counts; `None`: it is a kit, there is none, or nobody asks for it.
    fn stock(&self, last: i32, due: Due, supplier: (f64, f64)) -> Option<Stock> {
        let asked_39 = self.asked_in(LOOKS_BACK, last);
        if self.is_kit || self.free <= 0 || asked_39 <= 0.0 {
            return None;
        }
        let first = self.first_week.unwrap_or(last);
        let known = (last - first + 1).clamp(1, LOOKS_BACK);
        Some(Stock {
            free: self.free as f64,
            soon: due.0 as f64,
            coming: due.1 as f64,
            overdue: due.2 as f64,
            lead_days: supplier.0,
            on_time: supplier.1,
            asked_4: self.asked_in(4, last),
            asked_13: self.asked_in(13, last),
            asked_39,
            weeks_asked: self.weeks(last - LOOKS_BACK, last).count() as f64,
            weeks_out: (last - known + 1..=last).filter(|week| self.is_out_in(*week)).count() as f64,
            weeks_known: f64::from(known),
        })
    }
}

/// Days a supplier takes, and its share on time; not numbers where nothing is known.
fn trust(supplier: Option<&Supplier>) -> (f64, f64) {
    let Some(supplier) = supplier else { return (f64::NAN, f64::NAN) };
    let came = supplier.receipts.len();
    let on_time = supplier.receipts.iter().filter(|receipt| receipt.late_days <= 0).count();
    (supplier.lead_days().unwrap_or(f64::NAN), if came > 0 { on_time as f64 / came as f64 } else { f64::NAN })
}

impl Stands {
    /// What is due by SKU at a day.
    fn due(&self, day: i32) -> FxHashMap<&Sku, Due> {
        let mut due: FxHashMap<&Sku, Due> = FxHashMap::default();
        for coming in self.coming.values() {
            let sums = due.entry(&coming.sku).or_default();
            sums.1 += coming.units;
            if coming.day.is_some_and(|on| on <= day + SOON_DAYS) {
                sums.0 += coming.units;
            }
            if coming.day.is_some_and(|on| on < day) {
                sums.2 += coming.units;
            }
        }
        due
    }

    /// Goes on to the week of a moment, noting how each SKU stood when each week began. Answers the weeks that began.
    pub(crate) fn go_to(
        &mut self,
        at: Timestamp,
        suppliers: &FxHashMap<Arc<str>, Supplier>,
    ) -> std::ops::Range<i32> {
        let now = week_of(utc_day(at));
        let Some(week) = self.week else {
            self.week = Some(now);
            return now..now;
        };
        let begun = (week + 1).max(now - SILENCE_MAX)..now + 1;
        for week in begun.clone() {
            self.begin_week(week, suppliers);
        }
        self.week = Some(week.max(now));
        begun
    }

    fn begin_week(&mut self, week: i32, suppliers: &FxHashMap<Arc<str>, Supplier>) {
        let day = week * 7;
        let due: FxHashMap<Sku, Due> =
            self.due(day).into_iter().map(|(sku, due)| (sku.clone(), due)).collect();
        let every = self.of.len().div_ceil(NOTED_WEEKLY).max(1) as u64;
        let mut known = Vec::new();
        for (sku, stand) in &mut self.of {
            stand.noted.retain(|noted| {
                let over = noted.day + insight::risk::stock::DAYS_AHEAD <= day;
                if over {
                    let numbers = noted.numbers.clone();
                    known.push(Example { day: noted.day, numbers, came: noted.came });
                }
                !over
            });
            if every > 1 && !spread(sku, week).is_multiple_of(every) {
                continue;
            }
            let supplier = stand.supplier.as_ref().and_then(|name| suppliers.get(name));
            let due = due.get(sku).copied().unwrap_or_default();
            if let Some(stock) = stand.stock(week - 1, due, trust(supplier)) {
                stand.noted.push(Noted { day, numbers: stock.numbers(), came: false });
            }
        }
        self.past.extend(known);
        // The newest so many count anyway: so the list is cut where it is twice as long.
        let most = insight::risk::EXAMPLES_MAX;
        if self.past.len() > 2 * most {
            self.past.sort_by_key(|example| example.day);
            self.past.drain(..self.past.len() - most);
        }
    }

    /// Somebody asked for more than there was.
    fn went_out(&mut self, sku: &Sku) {
        if let Some(stand) = self.of.get_mut(sku) {
            stand.noted.iter_mut().for_each(|noted| noted.came = true);
        }
    }

    fn moved(&mut self, sku: &Sku, units: Units, at: Timestamp) {
        self.of.entry(sku.clone()).or_default().moved(units, week_of(utc_day(at)));
    }

    /// Takes in what an entry says of goods.
    pub(crate) fn take(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::ItemSet(item) => {
                let stand = self.of.entry(item.sku.clone()).or_default();
                stand.is_kit = item.is_kit();
                stand.supplier.clone_from(&item.supplier);
                stand.first_week.get_or_insert(week_of(utc_day(at)));
            }
            Event::SupplyAdded(supply) if supply.state == SupplyState::OnHand => {
                self.moved(&supply.sku, supply.quantity, at);
            }
            Event::SupplyAdded(supply) => self.comes(supply),
            Event::SupplyChanged(change) => {
                if let Some(coming) = self.coming.get_mut(&change.supply) {
                    coming.units = change.quantity;
                    coming.day = change.expected_on.map(days_since_epoch);
                }
            }
            Event::SupplyReceived(receipt) => {
                self.moved(&receipt.sku, receipt.accepted, at);
                self.quarantine.extend(receipt.quarantine.iter().map(|supply| supply.id));
                match (&receipt.rest, self.coming.get_mut(&receipt.supply)) {
                    (Some(rest), Some(coming)) => {
                        coming.units = rest.quantity;
                        coming.day = rest.expected_on.map(days_since_epoch).or(coming.day);
                    }
                    (None, _) => drop(self.coming.remove(&receipt.supply)),
                    (Some(_), None) => {}
                }
            }
            Event::SupplyInspected(inspected) => {
                self.quarantine.remove(&inspected.supply);
                self.moved(&inspected.sku, inspected.good, at);
            }
            Event::SupplyCancelled(cancel) => drop(self.coming.remove(&cancel.supply)),
            Event::StockAdjusted(adjusted) => self.moved(&adjusted.sku, adjusted.delta, at),
            Event::OrderPlaced(placed) => self.ordered(placed),
            Event::OrderRefused(refused) => {
                if let Some(sku) = &refused.sku {
                    let week = week_of(utc_day(at));
                    self.of.entry(sku.clone()).or_default().asked(week, 0, refused.quantity);
                    if NO_GOODS.contains(&&*refused.code) {
                        self.went_out(sku);
                    }
                }
            }
            Event::LineCancelled(cancel) => {
                for peg in &cancel.freed {
                    self.moved(&peg.sku, peg.quantity, at);
                }
            }
            Event::RunUndone(undone) => self.undone(undone, at),
            _ => {}
        }
    }

    fn comes(&mut self, supply: &Supply) {
        let real = matches!(
            supply.kind,
            SupplyKind::PurchaseOrder | SupplyKind::ProductionRun | SupplyKind::Transfer
        );
        if real && supply.state == SupplyState::Due {
            let day = supply.expected_on.map(days_since_epoch);
            let coming = Coming { sku: supply.sku.clone(), units: supply.quantity, day };
            self.coming.insert(supply.id, coming);
        }
    }

    fn undone(&mut self, undone: &RunUndone, at: Timestamp) {
        for (supply, units) in &undone.unreceived {
            if !self.quarantine.remove(supply) {
                self.moved(&undone.sku, -units, at);
            }
        }
        self.comes(&undone.restored);
    }

    fn ordered(&mut self, placed: &OrderPlaced) {
        let order = &placed.order;
        let week = week_of(utc_day(order.placed_at));
        for (n, line) in order.lines.iter().enumerate() {
            self.of.entry(line.sku.clone()).or_default().asked(week, line.quantity, 0);
            for part in &line.recipe {
                let units = line.quantity * part.quantity;
                self.of.entry(part.sku.clone()).or_default().asked(week, units, 0);
            }
            for (sku, each) in line.needs() {
                self.moved(sku, -each * line.quantity, order.placed_at);
            }
            for (at, _) in placed.seen.get(n).into_iter().flatten().enumerate().filter(|(_, seen)| !seen.here)
            {
                let sku = line.pegs.get(at).map_or(&line.sku, |peg| &peg.sku);
                self.went_out(sku);
            }
        }
    }
}

/// A number of a SKU in a week, evenly spread and the same everywhere.
fn spread(sku: &Sku, week: i32) -> u64 {
    let name = sku.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    insight::random::draw(name, 0, week.unsigned_abs().into())
}

/// What was asked for of a SKU, week by week.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The first week.
    pub from: i32,
    /// Units ordered or refused in each week, none left out.
    pub units: Vec<f64>,
    /// Units sold in each: ordered.
    pub sold: Vec<f64>,
    /// Whether there was none at some time in it.
    pub out: Vec<bool>,
}

impl History {
    /// How every SKU stands at a moment that can be had and is asked for, by its name.
    pub fn stocks(&self, now: Timestamp) -> BTreeMap<Sku, Stock> {
        let day = utc_day(now);
        let due = self.stands.due(day);
        let stock = |(sku, stand): (&Sku, &Stand)| {
            let supplier = stand.supplier.as_ref().and_then(|name| self.supplier(name));
            let due = due.get(sku).copied().unwrap_or_default();
            Some((sku.clone(), stand.stock(week_of(day), due, trust(supplier))?))
        };
        self.stands.of.iter().filter_map(stock).collect()
    }

    /// Units here less everything that is owed, as the ledger adds up.
    pub fn free(&self, sku: &Sku) -> Units {
        self.stands.of.get(sku).map_or(0, |stand| stand.free)
    }

    /// What became of SKUs that could be had: for each, whether somebody asked for more than there was within four weeks.
    pub fn stock_past(&self) -> &[Example] {
        &self.stands.past
    }

    /// The week the ledger has come to: what is learned from it changes when the next one begins.
    pub fn week(&self) -> Option<i32> {
        self.stands.week
    }

    /// What was asked for of a SKU in the last weeks before this one, at most so many; `None`: it was first seen in this one.
    pub fn asked(&self, sku: &Sku, now: Timestamp, most: usize) -> Option<Asked> {
        let stand = self.stands.of.get(sku)?;
        let last = week_of(utc_day(now)) - 1;
        let from = stand.first_week?.max(last + 1 - i32::try_from(most.min(WEEKS_MAX)).unwrap_or(1));
        if from > last {
            return None;
        }
        let many = usize::try_from(last - from + 1).unwrap_or(0);
        let mut asked =
            Asked { from, units: vec![0.0; many], sold: vec![0.0; many], out: Vec::with_capacity(many) };
        for week in stand.weeks(from - 1, last) {
            let at = usize::try_from(week.week - from).unwrap_or(0);
            asked.units[at] = (week.ordered + week.refused) as f64;
            asked.sold[at] = week.ordered as f64;
        }
        asked.out.extend((from..=last).map(|week| stand.is_out_in(week)));
        Some(asked)
    }
}
