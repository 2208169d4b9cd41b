//! Order lines as they wait, as the risk of a cancel knows them, and what became of those that wait no more.

use insight::risk::{Example, line::Line};
use model::{
    Units,
    id::{CustomerKey, LineId, Sku},
    time::Timestamp,
};
use rustc_hash::FxHashMap;

use crate::history::{History, utc_day};

/// Weeks after the order in which a line is noted again.
const NOTED_AFTER: [i32; 6] = [1, 2, 4, 8, 16, 32];
/// With more lines open than this, one in eight is noted.
const OPEN_MANY: usize = 100_000;
/// Customers remembered.
const CUSTOMERS_MAX: usize = 500_000;
/// What a SKU's own share of cancels counts against the shop's, in units.
const SKU_WORTH: f64 = 10.0;

/// A line that is open.
#[derive(Debug, Clone)]
pub(crate) struct OpenLine {
    pub(crate) sku: Sku,
    pub(crate) since: Timestamp,
    pub(crate) units: Units,
    /// It was ordered for later.
    pub(crate) waits: bool,
    /// The day it was first promised to ship by.
    pub(crate) promised: Option<i32>,
    /// Which wait was told when it was ordered.
    pub(crate) told: Option<usize>,
    /// It was promised for a later day since.
    pub(crate) delayed: bool,
    /// The day it is promised to ship by now.
    pub(crate) last: Option<i32>,
    pub(crate) delays: u16,
    pub(crate) lines: u16,
    pub(crate) unit_price: f64,
    pub(crate) cancelled: Units,
    pub(crate) shipped: Units,
    pub(crate) customer: Option<CustomerKey>,
    pub(crate) orders_before: u32,
    pub(crate) noted: Vec<(i32, Vec<f64>)>,
}

/// What a customer did before.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Customer {
    orders: u32,
    ended: Units,
    cancelled: Units,
}

/// What became of lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lines {
    pub(crate) customers: FxHashMap<CustomerKey, Customer>,
    /// Units that ended, and those of them that were called off.
    ended: Units,
    cancelled: Units,
    /// Units called off of those that waited, and the unit-days in which they could be.
    waited: (f64, f64),
    /// What became of those noted, with the day they ended: up to the week that goes on, and in it.
    past: Vec<(i32, Example)>,
    fresh: Vec<(i32, Example)>,
}

impl Lines {
    /// Counts an order; answers how many the customer placed before.
    pub(crate) fn ordered(&mut self, customer: CustomerKey) -> u32 {
        if self.customers.len() >= CUSTOMERS_MAX && !self.customers.contains_key(&customer) {
            return 0;
        }
        let known = self.customers.entry(customer).or_default();
        known.orders += 1;
        known.orders - 1
    }

    /// Units that ended.
    pub(crate) fn ended(&mut self, line: &OpenLine, units: Units, cancelled: bool, unit_days: f64) {
        let off = if cancelled { units } else { 0 };
        self.ended += units;
        self.cancelled += off;
        if line.waits {
            self.waited.0 += off as f64;
            self.waited.1 += unit_days;
        }
        if let Some(known) = line.customer.as_ref().and_then(|customer| self.customers.get_mut(customer)) {
            known.ended += units;
            known.cancelled += off;
        }
    }

    /// A line that is open no more.
    pub(crate) fn closed(&mut self, line: OpenLine, day: i32) {
        let came = line.cancelled > line.shipped;
        let examples =
            line.noted.into_iter().map(|(noted, numbers)| (day, Example { day: noted, numbers, came }));
        self.fresh.extend(examples);
    }

    /// A week begins: what became of lines in the last one counts.
    pub(crate) fn begin_week(&mut self) {
        self.past.append(&mut self.fresh);
        let most = 2 * insight::risk::EXAMPLES_MAX;
        if self.past.len() > 2 * most {
            self.past.drain(..self.past.len() - most);
        }
    }

    /// How a line stands on a day. `sku`: units of its SKU that ended, and those of them called off.
    pub(crate) fn stands(&self, line: &OpenLine, sku: (Units, Units), day: i32) -> Line {
        let known = line.customer.as_ref().and_then(|customer| self.customers.get(customer));
        let whole = (self.cancelled as f64 + 0.5) / (self.ended as f64 + SKU_WORTH);
        let days = |from: Option<i32>, to: Option<i32>| {
            from.zip(to).map_or(f64::NAN, |(from, to)| f64::from(to - from))
        };
        let placed = utc_day(line.since);
        Line {
            waits: f64::from(u8::from(line.waits)),
            units: line.units as f64,
            value: line.unit_price * line.units as f64,
            lines: f64::from(line.lines),
            age_days: f64::from((day - placed).max(0)),
            left_days: days(Some(day), line.last),
            promised_days: days(Some(placed), line.promised),
            delays: f64::from(line.delays),
            delayed_days: line.promised.zip(line.last).map_or(0.0, |(first, last)| f64::from(last - first)),
            orders_before: f64::from(line.orders_before),
            customer_cancels: known
                .filter(|known| known.ended > 0)
                .map_or(f64::NAN, |known| known.cancelled as f64 / known.ended as f64),
            sku_cancels: (sku.1 as f64 + SKU_WORTH * whole) / (sku.0 as f64 + SKU_WORTH),
            // One cancel in 250 unit-days is what is thought before anything is seen.
            cancel_rate: (1.0 + self.waited.0) / (250.0 + self.waited.1),
        }
    }
}

/// Whether a line is noted at all, where very many are open.
pub(crate) fn is_noted(line: LineId, open: usize) -> bool {
    open <= OPEN_MANY
        || insight::random::draw(line.order.0.as_u128() as u64, 0, line.no.into()).is_multiple_of(8)
}

/// Whether it is noted again so many weeks after it was ordered.
pub(crate) fn is_noted_after(weeks: i32) -> bool {
    NOTED_AFTER.contains(&weeks)
}

impl History {
    /// How the open lines stand, in the order in which they were placed; at most so many.
    pub fn open_lines(&self, now: Timestamp, most: usize) -> Vec<(LineId, Sku, Line)> {
        let mut ids: Vec<&LineId> = self.open.keys().collect();
        ids.sort_unstable();
        ids.truncate(most);
        let day = utc_day(now);
        let stands = |id: &LineId| {
            let line = self.open.get(id)?;
            Some((*id, line.sku.clone(), self.lines.stands(line, self.ended_of(&line.sku), day)))
        };
        ids.into_iter().filter_map(stands).collect()
    }

    /// How many lines are open.
    pub fn open_line_count(&self) -> usize {
        self.open.len()
    }

    /// What became of order lines: whether they were called off before they were sent. Lines placed so lately that one in ten of
    /// their kind would still be open are left out: those that ended already are not like the others.
    pub fn line_past(&self) -> Vec<Example> {
        let placed = |example: &Example| example.day - insight::risk::line::age(&example.numbers) as i32;
        let mut took: Vec<i32> =
            self.lines.past.iter().map(|(ended, example)| ended - placed(example)).collect();
        took.sort_unstable();
        let Some(most) = took.get(took.len() * 9 / 10) else { return Vec::new() };
        let until = self.week().map_or(i32::MAX, |week| week * 7 - most);
        let old = self.lines.past.iter().filter(|(_, example)| placed(example) <= until);
        old.map(|(_, example)| example.clone()).collect()
    }
}
