//! What the sample shop has and what comes in: opening stock and supplies that lead to the fates chosen.

use model::{
    supply::SupplyKind,
    time::{Date, Timestamp},
};

use super::{
    catalogue::Good,
    demand::DAYS,
    fates::{Fate, Take, expected},
    goods::{Sold, Supplier},
    moments::{DAY, HOUR, MINUTE, after, day_from},
    places::{NEWARK, RENO, ROSTOCK},
    random::Random,
    shipments::{News, Shipment, shipments},
    terms::KEPT_FOR_RETAIL,
};

/// A supply, and what is heard of it.
#[derive(Debug, Clone)]
pub(super) struct Inbound {
    pub(super) good: usize,
    pub(super) kind: SupplyKind,
    pub(super) place: &'static str,
    pub(super) quantity: i64,
    pub(super) supplier: Supplier,
    pub(super) reference: String,
    pub(super) entered: Timestamp,
    pub(super) expected: Date,
    pub(super) buffer_days: Option<u16>,
    /// Shape: in time order.
    pub(super) news: Vec<(Timestamp, Heard)>,
}

/// What is heard of a supply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    Due(Option<Date>),
    Quantity(i64),
    CalledOff,
    Came,
}

/// What is there when the story begins, and what comes.
#[derive(Debug, Default)]
pub(super) struct Stock {
    /// Units of a good at a place.
    pub(super) opening: Vec<(usize, &'static str, i64)>,
    pub(super) inbound: Vec<Inbound>,
}

/// Plans stock and supplies.
pub(super) fn stock(
    seed: u64,
    now: Timestamp,
    goods: &[Good],
    takes: &[Vec<Take>],
    fates: &[Option<Fate>],
) -> Stock {
    let mut planner =
        Planner { now, random: Random::new(seed, "stock"), stock: Stock::default(), short_of: Vec::new() };
    for (at, (good, fate)) in goods.iter().zip(fates).enumerate() {
        if let Some(fate) = fate {
            planner.plan(at, good, &takes[at], *fate);
        }
    }
    planner.enter_together();
    planner.stock
}

struct Planner {
    now: Timestamp,
    random: Random,
    stock: Stock,
    /// The supplier of each good that is short so far.
    short_of: Vec<Supplier>,
}

impl Planner {
    fn plan(&mut self, at: usize, good: &Good, takes: &[Take], fate: Fate) {
        let all = units(takes);
        match fate {
            Fate::Plenty => {
                let spare = match good.sold {
                    Sold::Discontinued => 3,
                    _ => self.spare(good, all),
                };
                self.open(at, all + spare);
            }
            Fate::Refilled => self.refilled(at, good, takes),
            Fate::Relieved => self.relieved(at, good, takes),
            Fate::Short(lines) => self.short(at, good, takes, lines),
            Fate::Nearly => {
                let left = self.random.between(2, 4);
                self.open(at, all + left);
                if let Some(shipment) = expected(good.supplier, 0).first() {
                    let quantity = self.random.between(6, 10) * 5;
                    self.enter(at, shipment, quantity, self.ago(9));
                }
            }
            Fate::Gone(days) => self.open(at, units(&before(takes, self.ago(days)))),
            Fate::Pantry(on_the_truck) => self.pantry(at, good, takes, on_the_truck),
            Fate::Batches(days) => self.batches(at, good, takes, days),
            Fate::Release(days) => self.release(at, good, days),
        }
    }

    /// Units beyond those wanted: for the unforeseen, and what wholesale leaves to retail.
    fn spare(&mut self, good: &Good, all: i64) -> i64 {
        let kept = if good.trade { KEPT_FOR_RETAIL } else { 0 };
        // One in nine is down to the last pieces.
        if kept == 0 && self.random.chance(11) {
            return self.random.between(1, 4);
        }
        kept + (all / 6).max(5) + self.random.between(0, 6)
    }

    fn refilled(&mut self, at: usize, good: &Good, takes: &[Take]) {
        let all = units(takes);
        let spare = self.spare(good, all) + 6;
        let nth = self.random.index(2);
        let came: Vec<&Shipment> =
            shipments(good.supplier).filter(|shipment| shipment.came().is_some()).collect();
        let shipment = came[nth % came.len()];
        let needed = units(&before(takes, self.ago(-shipment.came().unwrap_or(0))));
        let first = needed + spare;
        self.open(at, first);
        let rest = all + spare - first;
        if rest > 0 {
            self.enter(at, shipment, full_cartons(rest), self.ago(DAYS - 1));
        }
    }

    fn relieved(&mut self, at: usize, good: &Good, takes: &[Take]) {
        let came: Vec<&Shipment> =
            shipments(good.supplier).filter(|shipment| shipment.came().is_some()).collect();
        let shipment = came[self.random.index(came.len())];
        let out = -shipment.came().unwrap_or(0) + self.random.between(7, 15);
        let first = units(&before(takes, self.ago(out)));
        self.open(at, first);
        let spare = self.spare(good, units(takes));
        self.enter(at, shipment, full_cartons(units(takes) - first + spare), self.ago(DAYS - 1));
    }

    fn short(&mut self, at: usize, good: &Good, takes: &[Take], lines: usize) {
        let nth = self.short_of.iter().filter(|supplier| **supplier == good.supplier).count();
        self.short_of.push(good.supplier);
        let out = takes.len().saturating_sub(lines);
        // The first line that waits gets half of what it wants at once, where that is more than one unit.
        let half = takes.get(out).map_or(0, |take| take.units / 2);
        let first = units(&takes[..out]) + half;
        self.open(at, first);
        let waiting = (units(takes) - first).max(1);
        let out_since = takes.get(out).map_or(self.now, |take| take.at);
        let entered = after(out_since, -4 * DAY);
        // One in five gets just what is promised: it shows as sold out to the last unit that comes.
        let more = if nth % 5 == 4 { 0 } else { self.random.between(8, 26) };
        match expected(good.supplier, nth)[..] {
            [] => {}
            [only] => self.enter(at, only, full_cartons(waiting) + more, entered),
            [soon, later, ..] => {
                let of_soon = if waiting < 4 { waiting } else { waiting * 6 / 10 };
                self.enter(at, soon, of_soon, entered);
                self.enter(at, later, waiting - of_soon + more.max(1), entered);
            }
        }
    }

    fn pantry(&mut self, at: usize, good: &Good, takes: &[Take], on_the_truck: bool) {
        let trucks: Vec<&Shipment> = shipments(good.supplier).collect();
        let came: Vec<&Shipment> = trucks.iter().copied().filter(|truck| truck.came().is_some()).collect();
        let days: Vec<i64> = came.iter().filter_map(|truck| truck.came()).map(|day| -day).collect();
        let first = days.first().copied().unwrap_or(DAYS);
        self.open(at, units(&before(takes, self.ago(first))) + 2);
        for (nth, truck) in came.iter().enumerate() {
            let last = nth + 1 == came.len();
            if last && !on_the_truck {
                continue;
            }
            let until = days.get(nth + 1).map_or(self.now, |day| self.ago(*day));
            let between = units(&before(takes, until)) - units(&before(takes, self.ago(days[nth])));
            let spare = if last { self.random.between(8, 20) } else { 0 };
            if between + spare > 0 {
                self.enter(at, truck, between + spare, self.ago(days[nth] + 6));
            }
        }
        // Two of three that missed the truck are on the next.
        if let Some(next) = trucks.iter().find(|truck| truck.came().is_none())
            && (on_the_truck || self.random.chance(66))
        {
            let quantity = self.random.between(2, 6) * 6;
            self.enter(at, next, quantity, self.ago(6));
        }
    }

    /// Every week one run with what was ordered in it, due well before the first of these orders was promised.
    fn batches(&mut self, at: usize, good: &Good, takes: &[Take], days: u16) {
        let (kind, what) = match good.supplier {
            Supplier::Workshop => (SupplyKind::ProductionRun, "JOB"),
            _ => (SupplyKind::PurchaseOrder, "PO-R"),
        };
        for week in 0..DAYS / 7 {
            let (from, to) = (self.ago(DAYS - 7 * week), self.ago(DAYS - 7 * (week + 1)));
            let quantity = units(&before(takes, to)) - units(&before(takes, from));
            let due = i64::from(days) - 11 - (DAYS - 7 * (week + 1));
            if quantity > 0 && to < self.now {
                let came = after(self.now, due * DAY - 2 * HOUR);
                self.stock.inbound.push(Inbound {
                    good: at,
                    kind,
                    place: NEWARK,
                    quantity,
                    supplier: good.supplier,
                    reference: format!("{what}-{:02}-{}", week + 1, good.sku()),
                    entered: to,
                    expected: day_from(self.now, due),
                    buffer_days: Some(2),
                    news: if came < self.now { vec![(came, Heard::Came)] } else { Vec::new() },
                });
            }
        }
    }

    fn release(&mut self, at: usize, good: &Good, days: u16) {
        self.stock.inbound.push(Inbound {
            good: at,
            kind: SupplyKind::PurchaseOrder,
            place: NEWARK,
            quantity: 160,
            supplier: good.supplier,
            reference: "PO-1056".to_owned(),
            entered: self.ago(30),
            expected: day_from(self.now, i64::from(days) - 6),
            buffer_days: Some(4),
            news: Vec::new(),
        });
    }

    /// Puts opening stock on the shelves: most in Newark, some in Reno, a little in Rostock.
    fn open(&mut self, at: usize, units: i64) {
        let (west, europe) = if units < 8 { (0, 0) } else { (units * 26 / 100, units * 14 / 100) };
        for (place, units) in [(NEWARK, units - west - europe), (RENO, west), (ROSTOCK, europe)] {
            if units > 0 {
                self.stock.opening.push((at, place, units));
            }
        }
    }

    /// Puts units on a shipment, entered not later than a moment.
    fn enter(&mut self, at: usize, shipment: &Shipment, quantity: i64, by: Timestamp) {
        let kind = match shipment.supplier {
            Supplier::Workshop => SupplyKind::ProductionRun,
            _ => SupplyKind::PurchaseOrder,
        };
        let heard = |(day, news): &(i64, News)| {
            let heard = match news {
                News::Due(due) => Heard::Due(Some(day_from(self.now, *due))),
                News::Unknown => Heard::Due(None),
                News::Less(percent) => Heard::Quantity((quantity * percent / 100).max(1)),
                News::CalledOff => Heard::CalledOff,
                News::Came => Heard::Came,
            };
            (after(self.now, day * DAY - 2 * HOUR), heard)
        };
        let news: Vec<(Timestamp, Heard)> = shipment.news.iter().map(heard).collect();
        // Known well before it is due and before anything is heard of it.
        let first = news.first().map_or(self.now, |(at, _)| after(*at, -3 * DAY));
        let due = after(self.now, (shipment.due - 10) * DAY);
        let entered = by.min(first).min(due).max(self.ago(DAYS)).max(after(self.ago(DAYS), HOUR));
        self.stock.inbound.push(Inbound {
            good: at,
            kind,
            place: shipment.place,
            quantity,
            supplier: shipment.supplier,
            reference: shipment.reference.to_owned(),
            entered,
            expected: day_from(self.now, shipment.due),
            buffer_days: None,
            news,
        });
    }

    /// Enters all that is on one purchase order on one day, the earliest that any of it needs.
    fn enter_together(&mut self) {
        let earliest: Vec<Timestamp> = self
            .stock
            .inbound
            .iter()
            .map(|one| {
                let same = self.stock.inbound.iter().filter(|other| other.reference == one.reference);
                same.map(|other| other.entered).min().unwrap_or(one.entered)
            })
            .collect();
        for (nth, (inbound, entered)) in self.stock.inbound.iter_mut().zip(earliest).enumerate() {
            let later = i64::try_from(nth % 50).unwrap_or(0);
            inbound.entered = after(entered, later);
            for (at, _) in &mut inbound.news {
                *at = after(*at, later * MINUTE / 4);
            }
        }
    }

    fn ago(&self, days: i64) -> Timestamp {
        after(self.now, -days * DAY)
    }
}

fn units(takes: &[Take]) -> i64 {
    takes.iter().map(|take| take.units).sum()
}

fn before(takes: &[Take], moment: Timestamp) -> Vec<Take> {
    takes.iter().filter(|take| take.at < moment).copied().collect()
}

/// Rounded up to cartons of six.
fn full_cartons(units: i64) -> i64 {
    (units + 5) / 6 * 6
}
