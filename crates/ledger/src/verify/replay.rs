//! Makes every table again from the ledger, in a copy.

use std::{collections::BTreeSet, sync::Arc};

use model::{
    event::{Event, Move, OrderPlaced},
    id::{HoldId, OrderId, Sku, SupplyId, TenantId},
    order::{Hold, Line, Peg},
    state::{Shop, Touched},
};

use super::{Report, money::Charged, stock::Stock};
use crate::{
    Audit, Changes, Store, StoreError, Write,
    audit::{Cell, EVENTS, Row},
};

/// Events replayed between two writes to the copy.
const BATCH: usize = 2_000;

/// Pools kept from batch to batch; beyond it they are loaded anew, so that memory does not grow with the catalogue.
const POOLS_MAX: usize = 10_000;

/// What is counted by the way, from the entries alone.
#[derive(Default)]
pub(super) struct Counted {
    /// Goods.
    pub(super) stock: Stock,
    /// Money.
    pub(super) charged: Charged,
}

/// Replays the whole ledger. Answers whether it came to the end.
pub(super) fn run(
    real: &mut dyn Audit,
    tenant: &TenantId,
    copy: &dyn Store,
    counted: &mut Counted,
    report: &mut Report,
    progress: &mut dyn FnMut(u64),
) -> Result<bool, StoreError> {
    let mut writer = copy.writer()?;
    let mut shop = Shop::default();
    let mut last = 0;
    loop {
        let rows = real.rows(tenant, &EVENTS, &[Cell::Int(last)], BATCH)?;
        if rows.is_empty() {
            return Ok(true);
        }
        let mut events = Vec::with_capacity(rows.len());
        for row in &rows {
            last = numbered(row, last, report);
            report.events += 1;
            if let Some(event) = read(row, report) {
                counted.stock.note(&event.0, row, report);
                counted.charged.note(&event.0, row, report);
                events.push(event);
            }
            if let Some(promise) = promise(row, last, report) {
                last += 1;
                report.events += 1;
                events.push(promise);
            }
        }
        if let Err(why) = batch(&mut *writer, tenant, &mut shop, &events)? {
            report.found("replay", why);
            return Ok(false);
        }
        progress(report.events);
    }
}

/// Checks that the row follows the one before, and answers its number.
fn numbered(row: &Row, last: i64, report: &mut Report) -> i64 {
    let Cell::Int(seq) = row[0] else {
        report.found("sequence", format_args!("an event after {last} has no number"));
        return last;
    };
    if seq != last + 1 {
        report.found("sequence", format_args!("event {seq} follows event {last}"));
    }
    seq
}

type Numbered = (String, Event, i64);

/// Reads an event as this version understands it, and holds its columns against it.
fn read(row: &Row, report: &mut Report) -> Option<Numbered> {
    let [Cell::Int(seq), Cell::Int(at), Cell::Text(kind), sku, order, Cell::Text(data), _] = row.as_slice()
    else {
        report.found("event", format_args!("event {} is not in the form of an event", row[0]));
        return None;
    };
    if model::time::Timestamp::from_microsecond(*at).is_err() {
        report.found("event", format_args!("event {seq}: its time is beyond all years"));
    }
    let event = match Event::read(kind, data) {
        Ok(Some(event)) => event,
        Ok(None) => {
            report.found("event_kind", format_args!("event {seq}: kind {kind:?} is unknown to this version"));
            return None;
        }
        Err(error) => {
            report.found("event", format_args!("event {seq} ({kind}) cannot be read: {error}"));
            return None;
        }
    };
    let about_sku = event.sku().map_or(Cell::Null, |sku| Cell::Text(sku.as_str().to_owned()));
    let about_order = event.order().map_or(Cell::Null, |order| Cell::Bytes(order.bytes().to_vec()));
    if *sku != about_sku {
        report.found("event", format_args!("event {seq} ({kind}): sku is {sku}, its data says {about_sku}"));
    }
    if *order != about_order {
        report.found("event", format_args!("event {seq} ({kind}): order_id is {order}, not {about_order}"));
    }
    Some((kind.clone(), event, *seq))
}

/// Reads the promise that stands in an order's row: it is the entry after, `seq` + 1.
fn promise(row: &Row, seq: i64, report: &mut Report) -> Option<Numbered> {
    const KIND: &str = "promise_given";
    let Some(Cell::Text(data)) = row.get(6) else { return None };
    let seq = seq + 1;
    match Event::read(KIND, data) {
        Ok(Some(event))
            if row[4] == event.order().map_or(Cell::Null, |id| Cell::Bytes(id.bytes().to_vec())) =>
        {
            Some((KIND.to_owned(), event, seq))
        }
        Ok(_) => {
            report.found("event", format_args!("event {seq} ({KIND}) is not of the order it was given with"));
            None
        }
        Err(error) => {
            report.found("event", format_args!("event {seq} ({KIND}) cannot be read: {error}"));
            None
        }
    }
}

/// Replays some events on what they need of the copy, and writes what they changed. `Ok(Err(_))`: an event does not fit.
fn batch(
    writer: &mut dyn Write,
    tenant: &TenantId,
    shop: &mut Shop,
    events: &[Numbered],
) -> Result<Result<(), String>, StoreError> {
    load(writer, tenant, shop, events)?;
    let mut touched = Touched::default();
    for (kind, event, seq) in events {
        if let Err(error) = shop.apply(event, &mut touched) {
            return Ok(Err(format!("event {seq} ({kind}) does not fit what was there before: {error}")));
        }
    }
    let mut changes = Changes::default();
    changes.collect(shop, touched)?;
    writer.write(tenant, &changes)?;
    writer.commit()?;
    shop.orders.clear();
    shop.holds.clear();
    shop.records.clear();
    if shop.pools.len() > POOLS_MAX {
        shop.pools.clear();
    }
    for (item, ..) in &changes.pools {
        if let Some(pool) = shop.pools.get_mut(&item.sku) {
            Arc::make_mut(pool).version += 1;
        }
    }
    Ok(Ok(()))
}

/// What events speak of.
#[derive(Default)]
struct Needs {
    skus: BTreeSet<Sku>,
    orders: BTreeSet<OrderId>,
    holds: BTreeSet<HoldId>,
    placed: BTreeSet<OrderId>,
}

fn load(
    writer: &mut dyn Write,
    tenant: &TenantId,
    shop: &mut Shop,
    events: &[Numbered],
) -> Result<(), StoreError> {
    let mut needs = Needs::default();
    for (_, event, _) in events {
        needs.of(event);
    }
    let holds: Vec<HoldId> = needs.holds.iter().copied().collect();
    for hold in writer.holds(tenant, &holds)? {
        needs.of_hold(&hold);
        shop.holds.insert(hold.id, Arc::new(hold));
    }
    let skus: Vec<Sku> = needs.skus.into_iter().filter(|sku| !shop.pools.contains_key(sku)).collect();
    for pool in writer.pools(tenant, &skus)? {
        shop.pools.insert(pool.sku().clone(), Arc::new(pool));
    }
    let orders: Vec<OrderId> = needs.orders.difference(&needs.placed).copied().collect();
    for order in writer.orders(tenant, &orders)? {
        shop.orders.insert(order.id, Arc::new(order));
    }
    Ok(())
}

impl Needs {
    fn of(&mut self, event: &Event) {
        self.skus.extend(event.sku().cloned());
        self.orders.extend(event.order());
        match event {
            Event::HoldPlaced(hold) => self.of_hold(hold),
            Event::HoldReleased(gone) | Event::HoldExpired(gone) => drop(self.holds.insert(gone.hold)),
            Event::OrderPlaced(placed) => self.of_placed(placed),
            Event::LineCancelled(cancel) => self.skus.extend(cancel.freed.iter().map(|peg| peg.sku.clone())),
            Event::RunApplied(run) => self.of_moves(&run.moves),
            Event::RunUndone(undone) => self.of_moves(&undone.moves),
            Event::SupplyReceived(receipt) => {
                receipt.rest.iter().for_each(|rest| self.of_moves(&rest.moves));
            }
            Event::Shipped(shipped) => {
                self.of_pegs(shipped.lines.iter().flat_map(|line| &line.from));
            }
            Event::Released(released) => self.of_pegs(released.lines.iter().flat_map(|line| &line.picks)),
            Event::ReleaseReturned(returned) => {
                self.of_pegs(returned.lines.iter().flat_map(|line| &line.picks));
            }
            _ => {}
        }
    }

    fn of_moves(&mut self, moves: &[Move]) {
        self.orders.extend(moves.iter().map(|step| step.line.order));
    }

    fn of_placed(&mut self, placed: &OrderPlaced) {
        self.placed.insert(placed.order.id);
        self.holds.extend(placed.hold);
        self.skus.extend(placed.opened.iter().map(|supply| supply.sku.clone()));
        self.of_lines(&placed.order.lines);
    }

    fn of_hold(&mut self, hold: &Hold) {
        self.of_lines(&hold.lines);
    }

    fn of_lines(&mut self, lines: &[Line]) {
        self.of_pegs(lines.iter().flat_map(|line| &line.pegs));
    }

    fn of_pegs<'p>(&mut self, pegs: impl Iterator<Item = &'p Peg>) {
        self.skus.extend(pegs.map(|peg| peg.sku.clone()));
    }
}

/// Reads an id as JSON has it.
pub(super) fn supply_of(text: &str) -> Option<[u8; 16]> {
    text.parse::<SupplyId>().ok().map(|id| *id.bytes())
}
