//! Rows as a database stores them, made when an auditor asks.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

use model::{
    id::TenantId,
    order::{Line, Order},
    record::Record,
    supply::Supply,
};
use serde::Serialize;

use super::{Shared, lock, tables::Rows};
use crate::{
    EventRow, StoreError,
    audit::{
        self,
        Cell::{self, Bytes, Int, Null, Text},
        Row, Table,
    },
    body,
    cells::{days, micros, wanted_on},
};

/// Rows of one table that an auditor sees in the place of others, by key; `None`: it sees none there.
type OfTable = BTreeMap<Row, Option<Row>>;

/// Rows that auditors see otherwise than they are.
#[derive(Default)]
pub(super) struct Forged(BTreeMap<(&'static str, TenantId), OfTable>);

impl Forged {
    pub(super) fn replace(
        &mut self,
        table: &Table,
        (tenant, row): (&TenantId, &Row),
        (to, forged): (&TenantId, Row),
    ) {
        let width = table.key.len();
        self.0.entry((table.name, tenant.clone())).or_default().insert(row[..width].to_vec(), None);
        let key = forged[..width].to_vec();
        self.0.entry((table.name, to.clone())).or_default().insert(key, Some(forged));
    }
}

/// The table that was read last, whole: whoever audits reads one after the other.
#[derive(Default)]
pub(super) struct Sorted(Option<(&'static str, TenantId, BTreeMap<Row, Row>)>);

impl Sorted {
    pub(super) fn page(
        &mut self,
        rows: &Rows,
        shared: &Shared,
        tenant: &TenantId,
        table: &Table,
        (after, limit): (&[Cell], usize),
    ) -> Result<Vec<Row>, StoreError> {
        let same = |(name, of, _): &&(&str, TenantId, _)| *name == table.name && of == tenant;
        if self.0.as_ref().filter(same).is_none() {
            self.0 = Some((table.name, tenant.clone(), whole(rows, shared, tenant, table)?));
        }
        let from = if after.is_empty() { Unbounded } else { Excluded(after) };
        let all = self.0.iter().flat_map(|(_, _, all)| all.range::<[Cell], _>((from, Unbounded)));
        Ok(all.take(limit).map(|(_, row)| row.clone()).collect())
    }
}

/// Every row of a table by its key, with those that are forged.
fn whole(
    rows: &Rows,
    shared: &Shared,
    tenant: &TenantId,
    table: &Table,
) -> Result<BTreeMap<Row, Row>, StoreError> {
    let width = table.key.len();
    let stored = stored(rows, table).map_err(|error| StoreError::driver("wrote rows down", error))?;
    let mut all: BTreeMap<Row, Row> = stored.into_iter().map(|row| (row[..width].to_vec(), row)).collect();
    for (key, forged) in lock(&shared.forged).0.get(&(table.name, tenant.clone())).into_iter().flatten() {
        match forged {
            Some(row) => drop(all.insert(key.clone(), row.clone())),
            None => drop(all.remove(key)),
        }
    }
    Ok(all)
}

fn stored(rows: &Rows, table: &Table) -> Result<Vec<Row>, serde_json::Error> {
    Ok(match table.name {
        name if name == audit::EVENTS.name => events(rows),
        name if name == audit::LOCATIONS.name => {
            let rows = rows.locations.all();
            rows.map(|(id, settings)| Ok(vec![text(id.as_str()), json(settings)?]))
                .collect::<Result<_, _>>()?
        }
        name if name == audit::POOLS.name => {
            let row = |pool: &super::tables::PoolRow| {
                Ok(vec![text(pool.item.sku.as_str()), Int(i64::from(pool.settling)), json(&pool.item)?])
            };
            rows.pools.all().map(|(_, pool)| row(pool)).collect::<Result<_, _>>()?
        }
        name if name == audit::POLICIES.name => {
            let rows = rows.policies.all();
            rows.map(|((sku, channel), policy)| {
                Ok(vec![text(sku.as_str()), text(channel.as_str()), json(policy)?])
            })
            .collect::<Result<_, _>>()?
        }
        name if name == audit::SUPPLIES.name => {
            rows.supplies.all().map(|(_, row)| supply(row)).collect::<Result<_, _>>()?
        }
        name if name == audit::ORDERS.name => {
            rows.orders.all().map(|(_, row)| order(row)).collect::<Result<_, _>>()?
        }
        name if name == audit::QUEUE.name => {
            let orders = rows.orders.all().map(|(_, order)| order);
            orders.flat_map(|order| order.lines.iter().flat_map(|line| places(order, line))).collect()
        }
        name if name == audit::HOLDS.name => {
            let rows = rows.holds.all();
            rows.map(|(id, hold)| Ok(vec![bytes(id.bytes()), json(hold)?])).collect::<Result<_, _>>()?
        }
        name if name == audit::RECORDS.name => {
            rows.records.all().filter_map(|(_, row)| record(row)).collect()
        }
        name if name == audit::TIMERS.name => {
            let rows = rows.timers.all();
            rows.map(|((at, kind, id), _)| vec![Int(micros(*at)), text(kind), bytes(id)]).collect()
        }
        name if name == audit::CUSTOMER_ORDERS.name => {
            let rows = rows.orders_by_customer.all();
            // All of one era: nothing here is written to a page at a time.
            rows.map(|((customer, order), ())| vec![Int(0), bytes(&customer.0), bytes(order.bytes())])
                .collect()
        }
        _ => Vec::new(),
    })
}

/// The ledger: a promise stands in the row of the order that it was given with.
fn events(rows: &Rows) -> Vec<Row> {
    let mut stored: Vec<Row> = Vec::with_capacity(rows.events.len());
    let mut placed: Option<&EventRow> = None;
    for (_, event) in rows.events.all() {
        let is_given_with = |placed: &&EventRow| {
            (placed.order, placed.at) == (event.order, event.at) && placed.order.is_some()
        };
        let with = placed.take().filter(|_| &*event.kind == "promise_given").filter(is_given_with);
        if let (Some(_), Some(row)) = (with, stored.last_mut()) {
            row[6] = text(&event.data);
            continue;
        }
        placed = (&*event.kind == "order_placed").then_some(event);
        stored.push(vec![
            Int(event.seq),
            Int(micros(event.at)),
            text(&event.kind),
            maybe_text(event.sku.as_ref().map(model::id::Sku::as_str)),
            event.order.as_ref().map_or(Null, |order| bytes(order.bytes())),
            text(&event.data),
            Null,
        ]);
    }
    stored
}

fn supply(supply: &Supply) -> Result<Row, serde_json::Error> {
    Ok(vec![
        bytes(supply.id.bytes()),
        text(supply.sku.as_str()),
        text(supply.location.as_str()),
        text(supply.kind.as_str()),
        text(supply.state.as_str()),
        Int(supply.quantity),
        maybe_int(days(supply.expected_on)),
        Int(supply.lateness.expected_days.into()),
        Int(supply.lateness.promised_days.into()),
        Int(supply.lateness.learned_from.into()),
        maybe_text(supply.supplier.as_deref()),
        maybe_text(supply.reference.as_deref()),
        Int(micros(supply.created_at)),
        maybe_int(supply.received_at.map(micros)),
        json(&supply.claims)?,
        json(&supply.ring_fenced)?,
    ])
}

fn record(record: &Record) -> Option<Row> {
    let body = text(record.body.as_ref()?.as_str());
    let due = maybe_int(record.due.map(micros));
    Some(vec![text(&record.kind), text(&record.id), text(&record.owner), text(&record.state), due, body])
}

fn order(order: &Order) -> Result<Row, serde_json::Error> {
    let mut written = Vec::new();
    body::write(order, &mut written)?;
    Ok(vec![
        bytes(order.id.bytes()),
        maybe_text(order.reference.as_deref()),
        order.customer.as_ref().map_or(Null, |customer| bytes(&customer.0)),
        maybe_text(order.placed_by.as_deref()),
        Text(String::from_utf8_lossy(&written).into_owned()),
    ])
}

/// The places of a line in the queues of its supplies.
fn places(order: &Order, line: &Line) -> Vec<Row> {
    let told = days(line.told().and_then(|told| told.ship_by.promised));
    let place = |peg: &model::order::Peg| {
        vec![
            bytes(peg.supply.bytes()),
            Int(wanted_on(order.requested_date)),
            bytes(order.id.bytes()),
            Int(line.no.into()),
            Int(peg.quantity),
            text(line.sku.as_str()),
            Int(line.open()),
            maybe_int(line.unit_price.map(|price| price.amount)),
            maybe_text(line.unit_price.as_ref().map(|price| price.currency.code())),
            maybe_int(told),
            Int(line.released_on(peg.supply)),
        ]
    };
    line.pegs.iter().map(place).collect()
}

fn json(value: &impl Serialize) -> Result<Cell, serde_json::Error> {
    serde_json::to_string(value).map(Text)
}

fn text(text: &str) -> Cell {
    Text(text.to_owned())
}

fn maybe_text(text: Option<&str>) -> Cell {
    text.map_or(Null, self::text)
}

fn maybe_int(number: Option<i64>) -> Cell {
    number.map_or(Null, Int)
}

fn bytes(bytes: &[u8; 16]) -> Cell {
    Bytes(bytes.to_vec())
}
