//! Everything a shop owes, counted in one pass: what its overview shows.

use model::{
    Units,
    id::{OrderId, Sku, SupplyId},
    money::Money,
    order::Line,
    supply::Supply,
    time::Date,
};
use rustc_hash::FxHashMap;

use crate::{
    StoreError,
    cells::{ReadCells, days},
};

/// Every open line of a tenant, counted at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Orders with an open line.
    pub orders: i64,
    /// Open lines.
    pub lines: i64,
    /// Lines whose customer was last told a ship date that is over.
    pub late_lines: i64,
    /// Orders among them.
    pub late_orders: i64,
    /// By what was ordered, sorted by SKU.
    pub skus: Vec<BacklogSku>,
    /// By where the goods come from, sorted by id.
    pub supplies: Vec<BacklogSupply>,
}

/// Supplies that are due on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArrivalDay {
    /// The day.
    pub date: Date,
    /// How many.
    pub supplies: i64,
    /// Their units.
    pub units: Units,
    /// Some of them, the first entered first.
    pub first: Vec<Supply>,
}

impl ArrivalDay {
    /// Puts supplies, sorted by day, with the days they are of.
    pub(crate) fn with(mut days: Vec<Self>, supplies: Vec<Supply>) -> Vec<Self> {
        for supply in supplies {
            let day = days.iter_mut().find(|day| Some(day.date) == supply.expected_on);
            day.into_iter().for_each(|day| day.first.push(supply.clone()));
        }
        days
    }

    /// Date, how many, units.
    pub(crate) fn read<'r>(cells: impl ReadCells<'r>) -> Result<Self, StoreError> {
        let date = cells.maybe_date(0)?.unwrap_or_default();
        Ok(Self { date, supplies: cells.int(1)?, units: cells.units(2)?, first: Vec::new() })
    }
}

/// Open lines of one SKU as it was ordered: a kit is one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BacklogSku {
    /// What was ordered.
    pub sku: Sku,
    /// Open lines of it.
    pub lines: i64,
    /// Orders among them.
    pub orders: i64,
    /// Open units.
    pub units: Units,
    /// What those sell for, sorted by currency; lines without a price count for nothing.
    pub value: Vec<Money>,
    /// Lines whose customer was last told a ship date that is over.
    pub late_lines: i64,
    /// Where their units come from; sorted, unique.
    pub supplies: Vec<SupplyId>,
}

/// Open lines with units from one supply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BacklogSupply {
    /// The supply.
    pub supply: SupplyId,
    /// Its pool.
    pub sku: Sku,
    /// Lines with a peg on it.
    pub lines: i64,
    /// Orders among them.
    pub orders: i64,
    /// Units pegged to it; of a component, for a kit.
    pub units: Units,
}

/// A peg as it is counted: small, since there is one for each of all open lines.
struct Place {
    order: [u8; 16],
    line: u16,
    /// Places in the lists of SKUs and of supplies.
    sku: u32,
    supply: u32,
    quantity: Units,
    open: Units,
    price: Option<Money>,
    is_late: bool,
}

/// A sum, and the order it saw last: places come by order, so an order that differs from it is new.
struct Seen<T> {
    sum: T,
    order: [u8; 16],
}

impl<T> Seen<T> {
    fn is_new(&mut self, order: [u8; 16]) -> bool {
        std::mem::replace(&mut self.order, order) != order
    }
}

/// Open lines as they are read from a table of pegs, in any order, and then counted.
#[derive(Default)]
pub(crate) struct Counting {
    today: i64,
    places: Vec<Place>,
    skus: Vec<Seen<BacklogSku>>,
    sku_at: FxHashMap<Sku, u32>,
    supplies: Vec<Seen<BacklogSupply>>,
    supply_at: FxHashMap<[u8; 16], u32>,
}

impl Counting {
    /// Nothing yet; late is what was told for a day before this one.
    pub(crate) fn before(today: i64) -> Self {
        Self { today, ..Self::default() }
    }

    /// Takes a row of the table of pegs: supply, order, line, quantity, SKU, open units, price, currency, date told.
    pub(crate) fn add<'r>(&mut self, cells: impl ReadCells<'r>) -> Result<(), StoreError> {
        let supply = cells.bytes(0)?;
        self.peg(supply, cells.text(4)?, |sku, supply, today| {
            Ok(Place {
                order: cells.bytes(1)?,
                line: cells.int(2)?,
                sku,
                supply,
                quantity: cells.units(3)?,
                open: cells.units(5)?,
                price: cells.maybe_money(6)?,
                is_late: cells.maybe_int(8)?.is_some_and(|told| told < today),
            })
        })
    }

    /// Takes the pegs of a line.
    pub(crate) fn line(&mut self, order: OrderId, line: &Line) -> Result<(), StoreError> {
        let told = days(line.told().and_then(|told| told.ship_by.promised));
        for peg in &line.pegs {
            self.peg(*peg.supply.bytes(), line.sku.as_str(), |sku, supply, today| {
                Ok(Place {
                    order: *order.bytes(),
                    line: line.no,
                    sku,
                    supply,
                    quantity: peg.quantity,
                    open: line.open(),
                    price: line.unit_price,
                    is_late: told.is_some_and(|told| told < today),
                })
            })?;
        }
        Ok(())
    }

    /// Takes a peg, made with its places in the lists and today.
    fn peg(
        &mut self,
        supply: [u8; 16],
        sku: &str,
        make: impl FnOnce(u32, u32, i64) -> Result<Place, StoreError>,
    ) -> Result<(), StoreError> {
        let sku = match self.sku_at.get(sku) {
            Some(known) => *known,
            None => {
                let sku = Sku::stored(sku);
                let at = u32::try_from(self.skus.len()).unwrap_or(u32::MAX);
                self.skus.push(Seen { sum: empty(&sku), order: [0; 16] });
                self.sku_at.insert(sku, at);
                at
            }
        };
        let supply = match self.supply_at.get(&supply) {
            Some(known) => *known,
            None => {
                let id = SupplyId::from_bytes(supply);
                let at = u32::try_from(self.supplies.len()).unwrap_or(u32::MAX);
                // Its pool is looked up at the end: another table says it.
                let sum = BacklogSupply { supply: id, sku: Sku::stored(""), lines: 0, orders: 0, units: 0 };
                self.supplies.push(Seen { sum, order: [0; 16] });
                self.supply_at.insert(supply, at);
                at
            }
        };
        self.places.push(make(sku, supply, self.today)?);
        Ok(())
    }

    /// Supplies that lines wait for.
    pub(crate) fn supplies(&self) -> Vec<SupplyId> {
        self.supplies.iter().map(|seen| seen.sum.supply).collect()
    }

    /// Counts, with the pools of all these supplies.
    pub(crate) fn end(mut self, pools: &FxHashMap<SupplyId, Sku>) -> Result<Backlog, StoreError> {
        for seen in &mut self.supplies {
            let supply = seen.sum.supply;
            let lost =
                || StoreError::inconsistent(format_args!("lines wait for {supply}, which is not kept"));
            seen.sum.sku = pools.get(&supply).cloned().ok_or_else(lost)?;
        }
        // The queue has them by supply; an order's lines, and a line's pegs, are counted once each.
        self.places.sort_unstable_by_key(|place| (place.order, place.line));
        let mut backlog = count(&self.places, &mut self.skus, &mut self.supplies)?;
        backlog.skus = self.skus.into_iter().map(|seen| seen.sum).collect();
        backlog.skus.sort_unstable_by(|a, b| a.sku.cmp(&b.sku));
        backlog.supplies = self.supplies.into_iter().map(|seen| seen.sum).collect();
        backlog.supplies.sort_unstable_by_key(|sum| sum.supply);
        Ok(backlog)
    }
}

/// Adds places up that come by order and line.
fn count(
    places: &[Place],
    skus: &mut [Seen<BacklogSku>],
    supplies: &mut [Seen<BacklogSupply>],
) -> Result<Backlog, StoreError> {
    let mut backlog = Backlog::default();
    let mut line: Option<([u8; 16], u16)> = None;
    let mut late_order: Option<[u8; 16]> = None;
    for place in places {
        let order = place.order;
        let seen = &mut skus[place.sku as usize];
        let of_supply = &mut supplies[place.supply as usize];
        if line != Some((order, place.line)) {
            let is_new = seen.is_new(order);
            let sum = &mut seen.sum;
            sum.lines += 1;
            sum.units += place.open;
            sum.late_lines += i64::from(place.is_late);
            if let Some(price) = place.price {
                add(&mut sum.value, price, place.open)?;
            }
            sum.orders += i64::from(is_new);
            backlog.lines += 1;
            backlog.late_lines += i64::from(place.is_late);
            backlog.orders += i64::from(line.is_none_or(|(last, _)| last != order));
            if place.is_late && late_order.replace(order) != Some(order) {
                backlog.late_orders += 1;
            }
            line = Some((order, place.line));
        }
        let id = of_supply.sum.supply;
        if let Err(at) = seen.sum.supplies.binary_search(&id) {
            seen.sum.supplies.insert(at, id);
        }
        of_supply.sum.lines += 1;
        of_supply.sum.units += place.quantity;
        of_supply.sum.orders += i64::from(of_supply.is_new(order));
    }
    Ok(backlog)
}

fn empty(sku: &Sku) -> BacklogSku {
    let (value, supplies): (Vec<Money>, _) = (Vec::new(), Vec::new());
    BacklogSku { sku: sku.clone(), lines: 0, orders: 0, units: 0, value, late_lines: 0, supplies }
}

/// Adds to the sum of the same currency; sums stand sorted by currency.
fn add(value: &mut Vec<Money>, price: Money, units: Units) -> Result<(), StoreError> {
    let at = value.binary_search_by_key(&price.currency, |sum| sum.currency).unwrap_or_else(|at| {
        value.insert(at, Money::zero(price.currency));
        at
    });
    value[at] = price
        .checked_mul(units)
        .and_then(|more| value[at].checked_add(more))
        .map_err(|error| StoreError::inconsistent(format_args!("what is owed cannot be summed: {error}")))?;
    Ok(())
}
